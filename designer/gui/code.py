"""The code panel: the PyTorch source of the network, as it would be exported, line by line the layers' own."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from designer.analysis import Analysis
from designer.gui.document import Document
from designer.gui.source_view import SourceView
from designer.gui.widgets import Icon, row, sentence
from designer.model.names import parent
from designer.source import Written, write_located


class CodePanel(QWidget):
    """The source, written when it is looked at; where there is an error, up to it, and what is wrong."""

    def __init__(self, document: Document):
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.document = document
        self.asked: Analysis | None = None  # whose source is shown, or being written
        self.written = Written("", ())
        self.lines: dict[str, list[int]] = {}  # layer -> where it is written
        self.why = sentence()
        self.icon = Icon("octagon-alert", "error", 14)
        self.head = row(self.icon, 8, self.why, margins=(12, 8, 12, 8))
        self.head.layout().setStretch(2, 1)
        self.head.hide()
        self.source = SourceView()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(self.source, 1)
        self.source.line_chosen.connect(self._choose)
        document.analyzed.connect(self.refresh)
        document.changed.connect(self.refresh)
        document.viewed.connect(self._mark)

    def refresh(self) -> None:
        """Write the source beside the window; it waits for the analysis, since the code needs the sizes."""
        analysis = self.document.analysis
        if not self.isVisible():
            return
        if analysis is None and self.document.network.all:
            self._show(Written("", ()), "The source comes with the shapes, when torch has loaded.")
        if self.document.stale and self.document.network.all:
            return
        if not self.document.network.all:
            self.asked = None
            self._show(Written("", ()), "There is nothing to write yet.")
        elif analysis is not None and analysis is not self.asked:
            self.asked = analysis
            self.document.beside(partial(write_located, analysis), partial(self._came, analysis), self.document.failed)

    def _came(self, analysis: Analysis, written: Written) -> None:
        if not self.document.closed and analysis is self.asked:
            self._show(written, written.problem)

    def _show(self, written: Written, said: str) -> None:
        self.written, self.lines = written, {}
        for line, layers in enumerate(written.layers):
            for path in layers:
                self.lines.setdefault(path, []).append(line)
        self.why.setText(said)
        self.icon.setVisible(bool(written.problem))
        self.head.setVisible(bool(said))
        self.source.show_text(written.text)
        self._mark()

    def _mark(self) -> None:
        """Mark the lines of the selected layers, and bring one into view."""
        selection = self.document.view.selection
        lines = [line for path in selection for line in self.lines.get(path, ())]
        self.source.mark(frozenset(lines), self.written.stop)
        if lines and not self.source.hasFocus():
            self.source.reveal(min(lines))

    def _choose(self, line: int) -> None:
        """Select the layer of a line; of several that share it one in the open group, then, clicked again, the next."""
        if line >= len(self.written.layers):
            return
        network, view = self.document.network, self.document.view
        paths = [path for path in self.written.layers[line] if path in network.all]
        if not paths:
            return
        here = next((n for n, path in enumerate(paths) if view.selection == {path}), None)
        near = next((path for path in paths if parent(path) == view.path), paths[0])
        path = near if here is None else paths[(here + 1) % len(paths)]
        self.document.look(path=parent(path), selection=frozenset({path}))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
