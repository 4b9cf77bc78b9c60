"""Export: the source, the weights, a picture or the analysis, written beside the window."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage, QImageWriter, QKeyEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QListWidget, QListWidgetItem

from designer.files.errors import FileError
from designer.files.replace import save_text
from designer.files.report_markdown import to_markdown
from designer.gui.copying import comma_separated
from designer.gui.document import Document
from designer.gui.properties import split
from designer.gui.session import Session
from designer.gui.switches import Switch
from designer.gui.table import COLUMNS, borrowers, cells
from designer.gui.table_menus import as_markdown
from designer.gui.widgets import Icon, Label, button, column, line, row
from designer.model import NetworkError
from designer.source.aliases import Style, has_aliases
from designer.source.state_dicts import Names, has_other_names

if TYPE_CHECKING:
    from designer.analysis import Analysis
    from designer.gui.canvas import Canvas


HIGH = 56  # of a kind in the dialog
NO_REPORT = "This network was not imported, so there is no report of that."


class Kind(NamedTuple):
    """What can be exported: its name, its icon, what it is, and the formats by the ends of their files."""

    name: str
    icon: str
    title: str
    what: str
    formats: dict[str, str]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("source", "code", "PyTorch source", "One Python file that needs only torch", {".py": "Python"}),
        Kind(
            "weights",
            "file-box",
            "Weights",
            "The state_dict, each tied weight once",
            {".safetensors": "Safetensors", ".pt": "torch.save"},
        ),
        Kind("picture", "network", "Picture", "What the canvas shows", {".png": "Pixels", ".svg": "Drawing"}),
        Kind(
            "analysis",
            "activity",
            "Analysis",
            "The table of all layers with its totals",
            {".csv": "Table for spreadsheets", ".md": "Markdown", ".txt": "Text"},
        ),
        Kind("report", "import", "Import report", "What was read of the PyTorch file", {".md": "Markdown"}),
    )
}


class Exporting(QObject):
    """The exports of one document."""

    def __init__(self, document: Document, session: Session, folder: Callable[[], Path]):
        super().__init__(document)
        self.document, self.session, self.folder = document, session, folder
        self.canvas: Canvas | None = None
        self.dialog: Dialog | None = None

    def ask(self) -> None:
        """Ask what to export, the last kind first."""
        if self.dialog is None and self.canvas is not None:
            self.dialog = Dialog(self)
            self.dialog.finished.connect(self._closed)
            self.dialog.show()
        elif self.dialog is not None:
            self.dialog.raise_()
            self.dialog.activateWindow()

    def _closed(self) -> None:
        self.dialog = None

    @property
    def last(self) -> str:
        name = str(self.session.settings.value("export", "source"))
        return name if name in KINDS else "source"

    @property
    def kinds(self) -> list[str]:
        """What can be exported now."""
        return [name for name in KINDS if name != "report" or self.document.report is not None]

    def selected(self) -> tuple[str, ...]:
        return split(self.document.network, self.document.view.selection)[0]

    def export(self, name: str, only_selected: bool = False, names: Names = "network", style: Style = "wires") -> None:
        """Ask for a file and write it; one that was not exported here is replaced only if the user says so."""
        kind = KINDS[name]
        if name == "report" and self.document.report is None:
            self.document.refused.emit(NO_REPORT)
            return
        self.session.settings.setValue("export", name)
        ends = list(kind.formats)
        filters = ";;".join(f"{text} (*{end})" for end, text in kind.formats.items())
        first = str(self.folder() / f"{self.document.name}{ends[0]}")
        window = self.canvas.widget.window() if self.canvas else None
        chosen, chosen_filter = QFileDialog.getSaveFileName(window, f"Export {kind.title}", first, filters)
        if not chosen:
            return
        path = Path(chosen)
        if path.suffix.lower() not in ends:
            wanted = next((end for end in ends if f"(*{end})" in chosen_filter), ends[0])
            path = path.with_name(path.name + wanted)
        self.write(name, path, only_selected, path == Path(chosen), names, style)

    def write(
        self,
        name: str,
        path: Path,
        only_selected: bool = False,
        asked: bool = False,
        names: Names = "network",
        style: Style = "wires",
    ) -> None:
        """Write an export to a file beside the window; ``asked``: the user saw that the file is replaced."""
        work = {
            "source": lambda path, asked: self._source(path, style),
            "weights": lambda path, asked: self._weights(path, asked, names),
            "picture": lambda path, asked: self._picture(path, asked, only_selected),
            "analysis": self._analysis,
            "report": self._report,
        }[name](path, asked)

        def came(said: str | None) -> None:
            if not self.document.closed:
                self.document.told.emit(said or f"Exported {path.name}.")

        self.session.files.run(work, came, lambda error: self._failed(path, error))

    def copy_report(self) -> None:
        """Put the report of the import on the clipboard, as Markdown."""
        if self.document.report is None:
            self.document.refused.emit(NO_REPORT)
        else:
            QGuiApplication.clipboard().setText(to_markdown(self.document.report))
            self.document.told.emit("Copied the import report.")

    def _failed(self, path: Path, error: BaseException) -> None:
        if self.document.closed:
            return
        if not isinstance(error, FileError | NetworkError | OSError):
            raise error
        said = str(error) if isinstance(error, FileError | NetworkError) else f"{path.name}: {error.strerror}."
        self.document.refused.emit(said)

    # What is to be done in another thread; it gives a sentence, or None for the usual one.

    def _source(self, path: Path, style: Style) -> Callable[[], str | None]:
        network = self.document.network

        def work() -> None:
            from designer.files.python_source import save_source

            save_source(network, path, style)

        return work

    def _weights(self, path: Path, asked: bool, names: Names) -> Callable[[], str | None]:
        network = self.document.network

        def work() -> str:
            from designer.files.weights import save_weights

            count = save_weights(network, path, asked, names)
            return f"Exported {path.name}: {count:,} tensors."

        return work

    def _picture(self, path: Path, asked: bool, only_selected: bool) -> Callable[[], str | None]:
        """Draw here, since the canvas belongs to this thread; encode and write there."""
        from designer.files.picture import save_picture, save_svg
        from designer.gui.canvas import picture

        assert self.canvas is not None
        paths = self.selected() if only_selected else ()  # none: all
        if path.suffix.lower() == ".svg":
            svg = picture.svg(self.canvas, paths)
            return lambda: save_svg(svg, path, asked)
        image = picture.image(self.canvas, paths)
        return lambda: save_picture(_png(image), path, asked)

    def _report(self, path: Path, asked: bool) -> Callable[[], str | None]:
        assert self.document.report is not None  # asked before
        text = to_markdown(self.document.report)
        return lambda: save_text(text, path, asked)

    def _analysis(self, path: Path, asked: bool) -> Callable[[], str | None]:
        known = self.document.analysis if not self.document.stale else None
        network = self.document.network

        def work() -> None:
            from designer.analysis import analyze

            save_text(_table(known or analyze(network), path.suffix.lower()), path, asked)

        return work


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())


def _table(analysis: "Analysis", end: str) -> str:
    """Write all rows, with the totals last."""
    if end == ".txt":
        return f"{analysis}\n"
    borrowed = borrowers(analysis)
    lines = [list(COLUMNS)]
    lines += [[cell.plain for cell in cells(analysis.network, each, borrowed)] for each in analysis.rows]
    totals = {"Name": "Total", "Stored": analysis.stored, "Used": analysis.used, "Memory": analysis.bytes}
    lines.append([str(totals.get(name, "")) for name in COLUMNS])
    return comma_separated(lines) if end == ".csv" else f"{as_markdown(lines)}\n"


class Dialog(QDialog):
    """The kinds, the last one chosen; Enter goes on to the name of the file, Escape closes."""

    def __init__(self, exporting: Exporting):
        assert exporting.canvas is not None
        super().__init__(exporting.canvas.widget.window())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export")
        self.setAccessibleName("Export")
        self.exporting = exporting
        self.list = QListWidget(objectName="lines")
        self.list.setAccessibleName("What to export")
        self.list.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        names = sorted(exporting.kinds, key=lambda name: name != exporting.last)
        for name in names:
            self._add(KINDS[name])
        self.list.setFixedHeight(HIGH * len(names))
        count = len(exporting.selected())
        self.only = Switch("Only the selected layers")
        self.only.setToolTip("Draw what is selected, not all of the open group")
        what = f"{count} selected layers" if count != 1 else "selected layer"
        self.narrow = row(self.only, 8, Label(f"Only the {what}", "t2"))
        self.original = Switch("Under the names of the original file")
        self.original.setToolTip("So that they load into the module which the file came from")
        self.named = row(self.original, 8, Label("Under the names of the original file", "t2"))
        self.alias = Switch("One Parameter for what is tied")
        self.alias.setToolTip("As people write it: self.fc.weight = self.emb.weight")
        self.familiar = row(self.alias, 8, Label("One Parameter for what is tied", "t2"))
        self.go = button("Export…", self.accept, "primary")
        self.go.setDefault(True)
        choices = (self.narrow, self.named, self.familiar)
        below = row(*choices, None, button("Cancel", self.reject), 8, self.go, margins=(16, 12, 16, 12))
        content = column(self.list, line(), below)
        content.setParent(self)
        self.setFixedSize(480, HIGH * len(names) + 1 + 54)
        content.setGeometry(self.rect())
        self.list.currentRowChanged.connect(lambda _: self._follow())
        self.list.itemDoubleClicked.connect(lambda _: self.accept())
        self.list.setCurrentRow(0)
        self.list.setFocus()
        self._follow()

    def _add(self, kind: Kind) -> None:
        item = QListWidgetItem()
        item.setData(Qt.ItemDataRole.UserRole, kind.name)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{kind.title}: {kind.what}")
        self.list.addItem(item)
        ends = Label(", ".join(kind.formats), "t3")
        words = column(Label(kind.title, "strong"), 2, Label(kind.what, "t2"), name="")
        shown = row(Icon(kind.icon), 12, words, None, ends, margins=(16, 8, 16, 8), height=HIGH)
        shown.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        item.setSizeHint(QSize(0, HIGH))
        self.list.setItemWidget(item, shown)

    @property
    def kind(self) -> str:
        return str(self.list.currentItem().data(Qt.ItemDataRole.UserRole))

    def _follow(self) -> None:
        self.narrow.setVisible(self.kind == "picture" and bool(self.exporting.selected()))
        network = self.exporting.document.network
        self.named.setVisible(self.kind == "weights" and has_other_names(network))
        self.familiar.setVisible(self.kind == "source" and has_aliases(network))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accept()
        else:
            super().keyPressEvent(event)

    def accept(self) -> None:
        kind, only = self.kind, self.only.isChecked()
        names: Names = "original" if self.original.isChecked() and self.original.isVisible() else "network"
        style: Style = "alias" if self.alias.isChecked() and self.alias.isVisible() else "wires"
        super().accept()
        self.exporting.export(kind, only, names, style)
