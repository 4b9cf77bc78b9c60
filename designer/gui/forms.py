"""What the properties panel shows: of the network, of one layer, of several, of a wire."""

import dataclasses
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from designer.analysis import Row
from designer.edits.switches import switch_input
from designer.gui.drawing import OTHER_NAMES, category_of, shape_text
from designer.gui.editors import MIXED, Field, Setting
from designer.gui.inferred import inferred_sizes
from designer.gui.learnables import Learnables
from designer.gui.table import cost, memory
from designer.gui.untying import untie_ports
from designer.gui.widgets import Fold, Icon, Label, Link, Tile, button, column, line, row, sentence
from designer.model import Call, Group, Input, Layer, NetworkError, Port
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

    def head(self, tile: QWidget, name: QWidget, kind: str, other: str = "") -> None:
        """Begin with the tile, the name and what it is."""
        self.put(row(tile, 8, name, margins=(12, 0, 12, 0), height=44))
        words = Label(other, "t3", Qt.TextElideMode.ElideRight)
        self.put(row(Label(kind, "t2"), 6, words, None, margins=(12, 0, 8, 0), height=24), 8)

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
        self.head(Tile("Group", "Group"), self.name, "Network")
        net = lambda: self.document.network  # noqa: E731
        body = column(
            self.fact("Layers", lambda: f"{sum(not isinstance(layer, Group) for layer in net().all.values()):,}"),
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
        self.notes = sentence()
        self.report = row(self.notes, margins=(28, 0, 12, 12))
        self.report_fold = self.section("Import report", self.report)
        self.report_line = self.place.itemAt(self.place.count() - 3).widget()
        self.finish()

    def refresh(self) -> None:
        super().refresh()
        text = self.document.report
        self.notes.setText(text)
        self.report_line.setVisible(bool(text))
        self.report_fold.setVisible(bool(text))
        self.report.setVisible(bool(text) and self.report_fold.isChecked())

    def _analysis(self) -> Any:
        return self.document.analysis

    def _count(self, which: str) -> str:
        analysis = self.document.analysis
        if analysis is None:
            return "?"
        return f"{'at least ' if analysis.partial else ''}{getattr(analysis, which):,}"


class LayerForm(Form):
    """One layer: its name, settings, learnables, cost and note."""

    def __init__(self, panel: "Properties", path: str, kind: type[Layer], learnables: tuple[str, ...]):
        super().__init__(panel, path, kind, learnables)
        self.path, self.kind = path, kind
        self.name = Field("Name", 0, self._rename)
        self.name.setObjectName("name")
        self.name.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.head(Tile(category_of(kind), kind.__name__), self.name, kind.__name__, OTHER_NAMES.get(kind.__name__, ""))
        self.put(row(self.name.problem, margins=(12, 0, 12, 0)))
        self.settings = [
            Setting(field, typing.get_type_hints(kind).get(field.name, field.type), self._setter(field.name))
            for field in dataclasses.fields(kind)
            if not field.kw_only and not (kind is Group and field.name == "network")
        ]
        self.inferred = row(name="")
        self.inferred.layout().setDirection(QVBoxLayout.Direction.TopToBottom)
        self.shown_sizes: tuple[object, ...] | None = None
        self._put_settings()
        self.learnables: Learnables | None = None
        if learnables:
            opened = panel.opened.setdefault(path, set())
            self.learnables = Learnables(self.document, path, opened)
            self.section("Learnables", self.learnables, str(len(learnables)))
        facts = column(
            self.fact("Output", self._activations),
            self.fact("Stored", lambda: self._count("stored")),
            self.fact("Used", lambda: self._count("used")),
            self.fact("Memory", lambda: memory(self._row().bytes) if self._row() else "?"),
            self.fact("Multiply-adds", lambda: cost(self._row().multiply_adds) if self._row() else "?"),
            8,
            name="",
        )
        self.section("Cost", facts)
        self.note = _Note(self._set_note)
        self.section("Note", row(self.note, margins=(12, 0, 12, 12)))
        self.finish()
        self.first = self.settings[0].editor if self.settings else self.name

    def _put_settings(self) -> None:
        if self.kind is Group:
            enter = button("Enter", lambda: self.document.look(path=self.path, selection=frozenset()))
            body = column(
                self.fact("Layers", lambda: f"{len(self._layer().network.all):,}"),
                self.fact("Stored", lambda: self._count("stored")),
                row(enter, None, margins=(28, 4, 12, 10)),
                name="",
            )
            self.section("Group", body)
        elif self.kind is Call:
            calls = self.fact("Uses again", lambda: self.document.network.called(self.path) or "nothing yet")
            self.section("Settings", column(calls, 8, name=""))
        elif self.settings or self.kind is not Input:
            self.section("Settings", column(*self.settings[:1], self.inferred, *self.settings[1:], 8, name=""))

    def refresh(self) -> None:
        super().refresh()
        layer = self._layer()
        self.name.show_text(self.path.rpartition(".")[2])
        for setting in self.settings:
            setting.show_value(getattr(layer, setting.name))
        self._show_inferred()
        if self.learnables:
            self.learnables.refresh()
        self.note.show_text(layer.note)

    def _show_inferred(self) -> None:
        """List the sizes that the wires tell."""
        sizes = tuple(inferred_sizes(self.document.network, self.document.analysis, self.path))
        if sizes == self.shown_sizes:
            return
        self.shown_sizes = sizes
        layout = self.inferred.layout()
        while item := layout.takeAt(0):
            item.widget().hide()
            item.widget().deleteLater()
        for name, text, origin in sizes:
            value = Label(f"{text} from {origin}" if origin else text, "t3", Qt.TextElideMode.ElideMiddle)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            icon = Icon("cable", "text3", 12)
            layout.addWidget(row(Label(name, "t2"), 12, None, icon, 6, value, margins=(28, 0, 12, 0), height=36))
            layout.itemAt(layout.count() - 1).widget().layout().setStretch(5, 0)

    def _layer(self) -> Any:
        return self.document.network.layer(self.path)

    def _row(self) -> Any:
        return self.row_of(self.path)

    def _count(self, which: str) -> str:
        found = self._row()
        return "?" if found is None or not found.known else f"{getattr(found, which):,}"

    def _activations(self) -> str:
        found = self._row()
        return ", ".join(map(shape_text, found.activations)) or "none" if found else "?"

    def _setter(self, name: str) -> Callable[[Any], str | None]:
        def apply(value: Any) -> str | None:
            try:
                network = self.document.network.set(self.path, **{name: value})
            except NetworkError as refusal:
                return str(refusal)
            if network.layer(self.path) != self._layer():
                self.document.edit(f"Set {name} of {self.path}", network)
            self.refresh()
            return None

        return apply

    def _rename(self, text: str) -> str | None:
        name = text.strip()
        if name == self.path.rpartition(".")[2]:
            return None
        try:
            network = self.document.network.rename(self.path, name)
        except NetworkError as refusal:
            return str(refusal)
        home = parent(self.path)
        new = f"{home}.{name}" if home else name
        opened = self.panel.opened.pop(self.path, set())
        self.panel.opened[new] = opened
        self.document.edit(f"Rename {self.path} to {name}", network)
        self.document.look(selection=frozenset({new}))
        return None

    def _set_note(self, text: str) -> None:
        self.document.attempt(f"Note on {self.path}", lambda net: net.set(self.path, note=text))


class SeveralForm(Form):
    """Several layers: the settings they share."""

    def __init__(self, panel: "Properties", paths: tuple[str, ...], kinds: tuple[type[Layer], ...]):
        super().__init__(panel, paths, kinds)
        self.paths = paths
        title = Label(f"{len(paths)} layers", "title")
        names = Label(", ".join(path.rpartition(".")[2] for path in paths), "t3", Qt.TextElideMode.ElideRight)
        self.put(row(title, margins=(12, 0, 12, 0), height=32), row(names, margins=(12, 0, 12, 0), height=24), 8)
        shared = [{field.name: field for field in dataclasses.fields(kind) if not field.kw_only} for kind in kinds]
        same = [name for name in shared[0] if all(name in fields for fields in shared[1:]) and name != "network"]
        hints = [typing.get_type_hints(kind) if kind is not Group else {} for kind in kinds]
        same = [name for name in same if all(hint[name] == hints[0][name] for hint in hints[1:])]
        self.settings = [Setting(shared[0][name], hints[0][name], self._setter(name)) for name in same]
        if self.settings:
            self.section("Settings", column(*self.settings, 8, name=""))
        facts = column(
            self.fact("Stored", lambda: self._sum("stored")), self.fact("Used", lambda: self._sum("used")), 8, name=""
        )
        self.section("Learnables", facts)
        self.finish()
        self.first = self.settings[0].editor if self.settings else None

    def refresh(self) -> None:
        super().refresh()
        layers = [self.document.network.layer(path) for path in self.paths]
        for setting in self.settings:
            values = [getattr(layer, setting.name) for layer in layers]
            setting.show_value(values[0] if all(value == values[0] for value in values) else MIXED)

    def _sum(self, which: str) -> str:
        rows = [self.row_of(path) for path in self.paths]
        known = all(found is not None and found.known for found in rows)
        return f"{sum(getattr(found, which) for found in rows):,}" if known else "?"

    def _setter(self, name: str) -> Callable[[Any], str | None]:
        def apply(value: Any) -> str | None:
            network = self.document.network
            try:
                for path in self.paths:
                    network = network.set(path, **{name: value})
            except NetworkError as refusal:
                return str(refusal)
            self.document.edit(f"Set {name} of {len(self.paths)} layers", network)
            self.refresh()
            return None

        return apply


class WireForm(Form):
    """A wire: where it comes from, where it goes, what it carries."""

    def __init__(self, panel: "Properties", target: Port, source: Port):
        super().__init__(panel, target, source)
        self.target, self.source = target, source
        network = self.document.network
        self.tie = target.name in network.layer(target.layer).input_learnables and network.is_learnable(source)
        title = Label("Tie" if self.tie else "Wire", "title")
        self.put(row(title, margins=(12, 0, 12, 0), height=32), 4)
        links = [Link(str(port), lambda port=port: self.select(port.layer)) for port in (source, target)]
        names = ("Owner", "Borrower") if self.tie else ("From", "To")
        ends = [
            row(Label(name, "t2"), 12, None, link, margins=(28, 0, 12, 0), height=32)
            for name, link in zip(names, links)
        ]
        facts = [self.fact("Shape", self._shape), self.fact("Type of numbers", self._dtype)]
        if self.tie:
            facts.append(self.fact("Saves", self._saves))
        cut = button("Untie" if self.tie else "Cut", self._cut)
        body = column(*ends, *facts, row(cut, None, margins=(28, 6, 12, 10)), name="")
        self.section("Tie" if self.tie else "Wire", body)
        self.finish()

    def _shape(self) -> str:
        analysis = self.document.analysis
        if analysis is None:
            return "?"
        return shape_text(analysis.learnable_shape(self.target) if self.tie else analysis.shape(self.source))

    def _dtype(self) -> str:
        analysis = self.document.analysis
        return (analysis.dtype(self.source) if analysis else None) or "?"

    def _saves(self) -> str:
        shape = self.document.analysis.learnable_shape(self.target) if self.document.analysis else None
        if shape is None:
            return "?"
        number = 1
        for size in shape:
            number *= size
        return f"{number:,} parameters"

    def _cut(self) -> None:
        path, name = self.target
        if self.tie:
            untie_ports(self.document, [self.target])
        elif name in self.document.network.layer(path).input_learnables:
            self.document.attempt(f"Own {name} of {path}", lambda net: switch_input(net, self.target, False))
        else:
            self.document.attempt(f"Cut the wire to {self.target}", lambda net: net.disconnect(self.target))


class _Note(QPlainTextEdit):
    """A few lines of text, applied when they are left."""

    def __init__(self, apply: Callable[[str], None]):
        super().__init__(objectName="note")
        self.apply, self.shown = apply, ""
        self.setAccessibleName("Note")
        self.setFixedHeight(72)
        self.setTabChangesFocus(True)
        self.setPlaceholderText("What you want to remember about it")

    def show_text(self, text: str) -> None:
        if text != self.shown or not self.hasFocus():
            self.shown = text
            if self.toPlainText() != text:
                self.setPlainText(text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.toPlainText() != self.shown:
            self.shown = self.toPlainText()
            self.apply(self.shown)
