"""The code panel: the PyTorch source of the network, as it would be exported."""

from functools import partial

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFontMetricsF, QShowEvent, QSyntaxHighlighter, QTextCharFormat
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QVBoxLayout, QWidget

from designer.gui import drawing, theme
from designer.gui.document import Document
from designer.gui.widgets import sentence
from designer.model import Network, NetworkError


class CodePanel(QWidget):
    """The source, written when it is looked at; where there is none, why."""

    def __init__(self, document: Document):
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.document = document
        self.asked: Network | None = None  # whose source is shown, or being written
        self.why = sentence(name="error")
        self.why.setContentsMargins(12, 8, 12, 8)
        self.why.hide()
        self.source = QPlainTextEdit(objectName="source")
        self.source.setReadOnly(True)
        self.source.setAccessibleName("PyTorch source")
        self.source.setFrameShape(QFrame.Shape.NoFrame)
        self.source.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.source.document().setDocumentMargin(12)
        self.source.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.source.setFont(drawing.font(12, mono=True))
        self.source.setTabStopDistance(4 * QFontMetricsF(self.source.font()).horizontalAdvance(" "))
        self.comments = _Comments(self.source.document())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.why)
        layout.addWidget(self.source, 1)
        document.analyzed.connect(self.refresh)
        document.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Write the source beside the window; it waits for the analysis, since the code needs the sizes."""
        network, analysis = self.document.network, self.document.analysis
        if not self.isVisible() or (self.document.stale and network.all) or network is self.asked:
            return
        self.asked = network
        if analysis is None or not network.all:
            self._show("", "There is nothing to write yet." if not network.all else "")
        elif analysis.errors:
            self._show("", analysis.errors[0].text)
        else:
            self.document.beside(partial(_written, network), partial(self._came, network), self.document.failed)

    def _came(self, network: Network, written: tuple[str, str]) -> None:
        if not self.document.closed and network is self.asked:
            self._show(*written)

    def _show(self, text: str, problem: str) -> None:
        self.why.setText(problem)
        self.why.setVisible(bool(problem))
        if text != self.source.toPlainText():
            bar = self.source.verticalScrollBar()
            at = bar.value()
            self.source.setPlainText(text)
            bar.setValue(at)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "comments"):
            self.comments.rehighlight()


def _written(network: Network) -> tuple[str, str]:
    """Write the source, or say why it cannot be written."""
    from designer.source import write_pytorch

    try:
        return write_pytorch(network), ""
    except NetworkError as refusal:
        return "", str(refusal)


class _Comments(QSyntaxHighlighter):
    """Comments, which tell shapes and ties, in quieter colours."""

    def highlightBlock(self, text: str) -> None:
        start = text.find("  # ") if "  # " in text else text.find("# ") if text.startswith("# ") else -1
        if start >= 0:
            quiet, tie = QTextCharFormat(), "." in text[start:] and "=" in text[:start] and "None" in text[:start]
            colors = theme.current()
            quiet.setForeground(colors.learn_text if tie else colors.text3)
            self.setFormat(start, len(text) - start, quiet)
