"""Files that are dragged over the window: a frame says what a drop would open."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from designer.gui import theme
from designer.gui.drawing import draw_text, metrics
from designer.gui.mime import LAYER


def dragged_files(data: QMimeData) -> list[Path]:
    """Give the files of a drag; none for one of our own layers."""
    if data.hasFormat(LAYER):
        return []
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class DropFrame(QWidget):
    """Lies over a widget while files hang over it, and is never in the way of the mouse."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.text = self.other = ""  # what a drop does; what it does in the right half, where it has two
        self.path = Path()
        self.right = False
        parent.installEventFilter(self)
        self.hide()

    def offer(self, paths: Sequence[Path], elsewhere: bool) -> None:
        """Say what a drop would do."""
        what = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        self.text = f"Open {what}" + (" in a new window" if elsewhere else "")
        self.other, self.path, self.right = "", paths[0], False
        self.setAccessibleName(self.text)
        self.setGeometry(self.parentWidget().rect())
        self.raise_()
        self.show()
        self.update()

    def split(self, path: Path, name: str) -> None:
        """Offer two things: to open a file of values, and in the right half to attach it to the network."""
        if self.isVisible() and path == self.path:
            self.text, self.other = f"Open {path.name} in a new window", f"Attach its values to {name}"
            self.setAccessibleName(f"{self.text}, or {self.other}")
            self.update()

    def point(self, at: QPoint) -> None:
        """Light the half that the mouse is over."""
        if (right := self.attaches(at)) != self.right:
            self.right = right
            self.update()

    def attaches(self, at: QPoint) -> bool:
        """Whether a drop attaches values instead of opening the file."""
        return self.isVisible() and bool(self.other) and at.x() >= self.width() / 2

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.other:
            half = area.width() / 2
            self._half(painter, area.adjusted(0, 0, -half, 0), self.text, not self.right)
            self._half(painter, area.adjusted(half, 0, 0, 0), self.other, self.right)
        else:
            self._half(painter, area, self.text, True)
        painter.end()

    def _half(self, painter: QPainter, area: QRectF, said: str, lit: bool) -> None:
        """Draw one thing that a drop may do; the one that the mouse is over is lit."""
        colors = theme.current()
        painter.fillRect(area, theme.faded(colors.accent, 0.08) if lit else theme.faded(colors.canvas, 0.6))
        pen = QPen(colors.accent if lit else colors.control, 2)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area.adjusted(7, 7, -7, -7), 10, 10)
        text = metrics(13, 600).elidedText(said, Qt.TextElideMode.ElideMiddle, max(40.0, area.width() - 96))
        pill = QRectF(0, 0, metrics(13, 600).horizontalAdvance(text) + 40, 40)
        pill.moveCenter(area.center())
        painter.setPen(Qt.PenStyle.NoPen if lit else QPen(colors.edge, 1))
        painter.setBrush(colors.accent_fill if lit else colors.raised)
        painter.drawRoundedRect(pill, 8, 8)
        ink = colors.on_accent if lit else colors.text1
        draw_text(painter, pill.center().x(), pill.center().y() + 5, text, ink, 13, 600, align="center")
