"""What can be chosen on the start page: ways to begin, cards of examples, recent files."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton

from designer.files.kinds import is_there
from designer.gui import drawing, theme
from designer.gui.drawing import draw_icon, draw_text
from designer.gui.examples import Example
from designer.gui.theme import Theme
from designer.gui.thumbnail import Thumbnail, draw_thumbnail
from designer.gui.tips import tip

CARD, SCENE = 184, 124  # heights of a card, and of the picture on it


class Tile(QAbstractButton):
    """Something that can be clicked, or chosen with Enter; the page moves between tiles, and takes what is typed."""

    def __init__(self, name: str, height: int):
        super().__init__()
        self.setText(name)
        self.setAccessibleName(name)
        self.setFixedHeight(height)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter, theme.current())
        painter.end()

    def paint(self, painter: QPainter, colors: Theme) -> None:
        raise NotImplementedError

    def _background(self, painter: QPainter, colors: Theme) -> None:
        area = QRectF(self.rect())
        if self.hasFocus() or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.hover)
            painter.drawRoundedRect(area, 8, 8)
        if self.hasFocus():
            painter.setPen(QPen(colors.focus, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 7, 7)


class Start(Tile):
    """One way to begin: an action, as a row of 56 pixels."""

    def __init__(self, icon: str, title: str, about: str, action: QAction, first: bool = False):
        super().__init__(title, 56)
        self.icon_name, self.about, self.first = icon, about, first
        self.keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.setAccessibleDescription(about)
        self.setToolTip(f"{about}  {self.keys}".rstrip())
        self.clicked.connect(action.trigger)

    def paint(self, painter: QPainter, colors: Theme) -> None:
        self._background(painter, colors)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.accent_fill if self.first else colors.raised)
        painter.drawRoundedRect(QRectF(12, 12, 32, 32), 8, 8)
        ink = colors.on_accent if self.first else colors.text1
        draw_icon(painter, self.icon_name, QRectF(20, 20, 16, 16), ink)
        draw_text(painter, 56, 26, self.text(), colors.text1, 13, 600)
        draw_text(painter, 56, 43, self.about, colors.text2, 11, width=self.width() - 132)
        if not self.keys:
            return
        wide = drawing.text_width(self.keys, 11)
        painter.setPen(QPen(colors.edge, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.width() - wide - 24.5, 18.5, wide + 12, 20), 4, 4)
        draw_text(painter, self.width() - 18, 32, self.keys, colors.text2, 11, align="right")


class Card(Tile):
    """An example: its network from afar, its name, what it stores and what its ties save."""

    def __init__(self, example: Example, chosen: Callable[[Example], None]):
        super().__init__(example.title, CARD)
        self.example = example
        self.shown: Thumbnail | None = None  # until its file is read
        self.setToolTip(f"{example.sentence}\n{example.layers} layers: {example.counts}")
        self.setAccessibleDescription(f"{example.sentence} {example.counts}")
        self.clicked.connect(lambda: chosen(example))

    def show_picture(self, shown: Thumbnail) -> None:
        self.shown = shown
        self.update()

    def paint(self, painter: QPainter, colors: Theme) -> None:
        width, lit = self.width(), self.hasFocus() or self.underMouse()
        body = QRectF(0.5, 0.5, width - 1, CARD - 1)
        whole = QPainterPath()
        whole.addRoundedRect(body, 10, 10)
        painter.setClipPath(whole)
        painter.fillRect(body, colors.hover if lit else colors.node)
        scene = QRectF(0, 0, width, SCENE)
        painter.fillRect(scene, colors.canvas)
        painter.setPen(QPen(colors.grid, 1.25))
        painter.drawPoints([QRectF(x, y, 0, 0).topLeft() for x in range(12, width, 20) for y in range(12, SCENE, 20)])
        if self.shown:
            draw_thumbnail(painter, colors, scene.adjusted(16, 12, -16, -12), self.shown)
        painter.fillRect(QRectF(0, SCENE, width, 1), colors.border)
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colors.focus, 2) if self.hasFocus() else QPen(colors.control if lit else colors.edge, 1))
        painter.drawRoundedRect(body.adjusted(0.5, 0.5, -0.5, -0.5) if self.hasFocus() else body, 10, 10)
        draw_text(painter, 16, SCENE + 26, self.text(), colors.text1, 13, 600, width=width - 32)
        left = 16
        if self.example.saved:
            draw_icon(painter, "link", QRectF(16, SCENE + 35, 12, 12), colors.learn)
            left = 34
        draw_text(painter, left, SCENE + 45, self.example.counts, colors.text2, 11, width=width - left - 12)


class Recent(Tile):
    """A file that was open before; one that is gone can be taken off the list."""

    removed = Signal(Path)

    def __init__(self, path: Path, ties: int | None, chosen: Callable[[Path], None]):
        super().__init__(path.name, 40)
        self.path, self.ties = path, ties
        self.missing = not is_there(path)
        self.setToolTip(tip(f"{path}\n{'This file is missing. ' if self.missing else ''}Del takes it off the list."))
        self.setAccessibleDescription(f"{path}{', missing' if self.missing else ''}")
        self.clicked.connect(lambda: chosen(path))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.removed.emit(self.path)
        else:
            super().keyPressEvent(event)

    def remove_area(self) -> QRectF:
        """Where a missing file has its Remove."""
        wide = drawing.text_width("Remove", 12, 500) + 16 if self.missing else 0
        return QRectF(self.width() - wide, 0, wide, self.height())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.remove_area().contains(event.position()) and self.isDown():
            self.setDown(False)
            self.removed.emit(self.path)
        else:
            super().mouseReleaseEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        over = self.remove_area().contains(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def paint(self, painter: QPainter, colors: Theme) -> None:
        width = self.width()
        self._background(painter, colors)
        painter.fillRect(QRectF(0, self.height() - 1, width, 1), colors.border)
        ours = self.path.suffix == ".network"
        quiet, loud = (colors.text3, colors.text3) if self.missing else (colors.text2, colors.text1)
        draw_icon(painter, "network" if ours else "file-box", QRectF(8, 12, 16, 16), quiet)
        middle = Qt.TextElideMode.ElideMiddle
        name = self.path.stem if ours else self.path.name
        left = min(232.0, 40 + width * 0.34)
        draw_text(painter, 36, 24, name, loud, 12, 500, width=left - 48, elide=middle)
        right = width - (104.0 if width >= 560 else 84.0)
        if self.missing:
            draw_text(painter, width - 8, 24, "Remove", colors.accent, 12, 500, align="right")
        else:
            draw_text(painter, width - 8, 24, when(self.path), quiet, 12, align="right")
        if self.ties and width >= 560:
            draw_icon(painter, "link", QRectF(right - 64, 14, 12, 12), colors.learn)
            draw_text(painter, right - 46, 24, f"{self.ties} tie{'s' * (self.ties != 1)}", quiet, 12)
            right -= 72
        if (room := right - left - 12) > 60:
            place = str(self.path).replace(str(Path.home()), "~", 1)
            draw_text(painter, left, 24, f"Missing: {place}" if self.missing else place, quiet, 12, 400, width=room,
                      elide=middle)  # fmt: skip


def when(path: Path) -> str:
    """Say when a file was changed: ``today 14:02``, ``yesterday``, ``21 Nov``; "" where it has just gone."""
    try:
        changed = datetime.fromtimestamp(path.stat().st_mtime)
    except OSError:
        return ""
    days = (datetime.now().date() - changed.date()).days
    if days == 0:
        return f"today {changed:%H:%M}"
    if days == 1:
        return "yesterday"
    return f"{changed.day} {changed:%b}" + ("" if changed.year == datetime.now().year else f" {changed.year}")
