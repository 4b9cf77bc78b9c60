"""Files that are dragged over the window: a frame says what a drop would open."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt
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
        self.text = ""
        parent.installEventFilter(self)
        self.hide()

    def offer(self, paths: Sequence[Path], elsewhere: bool) -> None:
        """Say what a drop would do."""
        what = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        self.text = f"Open {what}" + (" in a new window" if elsewhere else "")
        self.setAccessibleName(self.text)
        self.setGeometry(self.parentWidget().rect())
        self.raise_()
        self.show()
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, area = theme.current(), QRectF(self.rect())
        painter.fillRect(area, theme.faded(colors.accent, 0.08))
        pen = QPen(colors.accent, 2)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawRoundedRect(area.adjusted(7, 7, -7, -7), 10, 10)
        text = metrics(13, 600).elidedText(self.text, Qt.TextElideMode.ElideMiddle, max(40.0, area.width() - 120))
        pill = QRectF(0, 0, metrics(13, 600).horizontalAdvance(text) + 40, 40)
        pill.moveCenter(area.center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.accent_fill)
        painter.drawRoundedRect(pill, 8, 8)
        draw_text(painter, pill.center().x(), pill.center().y() + 5, text, colors.on_accent, 13, 600, align="center")
        painter.end()
