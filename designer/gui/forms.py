"""What the properties panel shows: a form for each kind of selection; here that of the network."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from designer.analysis import Row
from designer.analysis.sizes import memory
from designer.files.report_lines import facts
from designer.gui.widgets import Fold, Label, Link, Tile, column, line, row
from designer.model.names import parent

if TYPE_CHECKING:
    from designer.gui.properties import Properties


class Form(QWidget):
    """One content of the panel: built once for a selection, then refreshed."""

    def __init__(self, panel: "Properties", *key: object):
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.panel, self.document, self.key = panel, panel.document, key
        self.first: QWidget | None = None
        self.lines: list[tuple[Label, Callable[[], str]]] = []
        self.place = QVBoxLayout(self)
        self.place.setContentsMargins(0, 8, 0, 0)
        self.place.setSpacing(0)

    def refresh(self) -> None:
        for label, text in self.lines:
            label.say(text())

    def put(self, *pieces: QWidget | int) -> None:
        for piece in pieces:
            if isinstance(piece, int):
                self.place.addSpacing(piece)
            else:
                self.place.addWidget(piece)

    def head(self, tile: QWidget, name: QWidget, *kind: QWidget | int | None) -> None:
        """Begin with the tile, the name and what it is."""
        self.put(row(tile, 8, name, margins=(12, 0, 12, 0), height=44))
        self.put(row(*kind, margins=(12, 0, 8, 0), height=28), 4)

    def section(self, title: str, body: QWidget, count: str = "") -> Fold:
        """Add a part that can be folded; folds are remembered by their titles."""
        fold = Fold(title, title not in self.panel.folded, count)
        self.put(line(), fold, body)
        body.setVisible(fold.isChecked())  # in its place: shown before, it would flash as a window of its own

        def toggle(on: bool) -> None:
            (self.panel.folded.discard if on else self.panel.folded.add)(title)
            body.setVisible(on)

        fold.toggled.connect(toggle)
        return fold

    def fact(self, name: str, text: Callable[[], str], *icons: QWidget) -> QWidget:
        """Give a line with a value that cannot be edited."""
        label = Label("", "t1", Qt.TextElideMode.ElideMiddle)
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.lines.append((label, text))
        return row(Label(name, "t2"), 12, *icons, label, margins=(28, 0, 12, 0), height=32)

    def finish(self) -> None:
        self.put(line())
        self.place.addStretch(1)

    def row_of(self, path: str) -> Row | None:
        """The row of a layer in the last analysis, if it had the layer."""
        analysis = self.document.analysis
        return analysis.row(path) if analysis and path in analysis.network.all else None

    def select(self, path: str) -> None:
        self.document.look(path=parent(path), selection=frozenset({path}))


class NetworkForm(Form):
    """The whole network: what it takes, gives, stores and saves."""

    def __init__(self, panel: "Properties"):
        super().__init__(panel)
        self.name = Label("", "title", Qt.TextElideMode.ElideMiddle)
        self.lines.append((self.name, lambda: self.document.name))
        self.head(Tile("Group", "Group"), self.name, Label("Network", "t2"))
        net = lambda: self.document.network  # noqa: E731
        body = column(
            self.fact("Layers", lambda: f"{net().count:,}"),
            self.fact("Inputs", lambda: ", ".join(net().inputs) or "none"),
            self.fact("Outputs", lambda: ", ".join(net().outputs) or "none"),
            self.fact("Type of numbers", lambda: net().dtype),
            8,
            name="",
        )
        self.section("Network", body)
        counts = column(
            self.fact("Stored", lambda: self._count("stored")),
            self.fact("Used", lambda: self._count("used")),
            self.fact("Saved by tying", lambda: self._count("saved")),
            self.fact("Memory", lambda: memory(self._analysis().bytes) if self._analysis() else "?"),
            8,
            name="",
        )
        self.section("Learnables", counts)
        show = Link("Show report", panel.commands["import_report"].trigger)
        self.report = column(
            self.fact("File", lambda: self._facts().get("File", "")),
            self.fact("Written by", lambda: self._facts().get("Written by", "not told")),
            self.fact("Ties", lambda: self._facts().get("Ties", "")),
            self.fact("Notes", lambda: f"{len(self.document.report.notes) if self.document.report else 0:,}"),
            row(show, None, margins=(28, 4, 12, 12)),
            name="",
        )
        self.report_fold = self.section("Import report", self.report)
        self.report_line = self.place.itemAt(self.place.count() - 3).widget()
        self.finish()

    def refresh(self) -> None:
        super().refresh()
        there = self.document.report is not None
        self.report_line.setVisible(there)
        self.report_fold.setVisible(there)
        self.report.setVisible(there and self.report_fold.isChecked())

    def _facts(self) -> dict[str, str]:
        return facts(self.document.report) if self.document.report else {}

    def _analysis(self) -> Any:
        return self.document.analysis

    def _count(self, which: str) -> str:
        analysis = self.document.analysis
        if analysis is None:
            return "?"
        return f"{'at least ' if analysis.partial else ''}{getattr(analysis, which):,}"
