"""The start page: begin with nothing, with a PyTorch file, or where you left off."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QVBoxLayout, QWidget

from designer.gui import drawing, theme
from designer.gui.drawing import draw_icon, draw_logo, draw_text
from designer.gui.session import Session
from designer.gui.theme import Theme
from designer.gui.widgets import Label, Link, Picture, column, row

NARROW, WIDE, GAP = 352, 752, 72


class StartPage(QWidget):
    """Two columns in the middle; ``chosen`` gives a recent file to open."""

    chosen = Signal(Path)

    def __init__(self, session: Session, actions: Mapping[str, QAction]):
        super().__init__(objectName="page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.session = session
        self.starts = [
            Start("file-plus", "Blank network", "An empty canvas", actions["new"], first=True),
            Start("import", "From PyTorch file…", "A program that torch.export.save wrote", actions["import"]),
            Start("folder-open", "Open…", "A saved network", actions["open"]),
        ]
        self.drop = Picture(self._paint_drop, height=64)
        self.dragging = False
        self.painted = False  # what takes long waits for it
        left = column(
            Picture(_paint_brand, height=48), 32, Label("Start", "title"), 8, *self.starts, 24, self.drop, None, name=""
        )
        left.setFixedWidth(NARROW)
        self.list = QWidget()
        self.lines = QVBoxLayout(self.list)
        self.lines.setContentsMargins(0, 0, 0, 0)
        self.lines.setSpacing(0)
        clear = Link("Clear list", lambda: session.forget(*session.recent()))
        self.recent = column(
            row(Label("Recent", "title"), None, clear, height=24), 4, self.list, None, margins=(0, 80, 0, 0), name=""
        )
        self.recent.setMaximumWidth(WIDE)
        middle = QHBoxLayout()
        middle.setContentsMargins(24, 0, 24, 0)
        middle.setSpacing(GAP)
        middle.addStretch(1)
        middle.addWidget(left)
        middle.addWidget(self.recent, 100)
        middle.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addStretch(4)
        layout.addLayout(middle)
        layout.addStretch(5)
        session.recent_changed.connect(self._list)
        self._list()

    def _list(self) -> None:
        while item := self.lines.takeAt(0):
            item.widget().hide()
            item.widget().deleteLater()
        paths = self.session.recent()
        for path in paths:
            line = Recent(path, self.chosen.emit, self.session.forget)
            self.lines.addWidget(line)
        self._fit()

    def _fit(self) -> None:
        """Leave the list out where two columns do not fit, or where it is empty."""
        self.recent.setVisible(bool(self.session.recent()) and self.width() >= 900)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.starts[0].setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.painted = True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through both columns with the arrows."""
        columns: list[list[QWidget]] = [list(self.starts), []]
        if self.recent.isVisible():
            columns[1] = [self.lines.itemAt(n).widget() for n in range(self.lines.count())]
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        sides = {Qt.Key.Key_Left: 0, Qt.Key.Key_Right: 1}
        key, focus = Qt.Key(event.key()), self.focusWidget()
        part = next((part for part in columns if focus in part), None)
        if part and key in steps:
            part[max(0, min(len(part) - 1, part.index(focus) + steps[key]))].setFocus()
        elif part and key in sides and (other := columns[sides[key]]):
            other[min(len(other) - 1, part.index(focus))].setFocus()
        else:
            super().keyPressEvent(event)

    def light(self, dragging: bool) -> None:
        """Show that a file hangs over the window."""
        self.dragging = dragging
        self.drop.update()

    def _paint_drop(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        pen = QPen(colors.accent if self.dragging else colors.control, 2 if self.dragging else 1.25)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 10, 10)
        middle = rect.height() / 2
        draw_icon(painter, "download", QRectF(16, middle - 8, 16, 16), colors.text2)
        draw_text(painter, 44, middle - 4, "Drop a file anywhere to open it", colors.text1, 12, 500)
        draw_text(painter, 44, middle + 14, ".network  .pt2", colors.text2, 11)


def _paint_brand(painter: QPainter, colors: Theme, rect: QRectF) -> None:
    draw_logo(painter, colors, QRectF(0, 0, 48, 48))
    draw_text(painter, 64, 22, "Network Designer", colors.text1, 20, 600)
    draw_text(painter, 64, 43, "PyTorch networks, ties included", colors.text2, 12)


class _Line(QAbstractButton):
    """A row of the page that can be clicked, or chosen with Enter."""

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
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()  # the page moves through its columns
        else:
            super().keyPressEvent(event)

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


class Start(_Line):
    """One way to begin: an action, as a row of 56 pixels."""

    def __init__(self, icon: str, title: str, about: str, action: QAction, first: bool = False):
        super().__init__(title, 56)
        self.icon_name, self.about, self.first = icon, about, first
        self.keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.clicked.connect(action.trigger)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme.current()
        self._background(painter, colors)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.accent_fill if self.first else colors.raised)
        painter.drawRoundedRect(QRectF(12, 12, 32, 32), 8, 8)
        ink = colors.on_accent if self.first else colors.text1
        draw_icon(painter, self.icon_name, QRectF(20, 20, 16, 16), ink)
        draw_text(painter, 56, 26, self.text(), colors.text1, 13, 600)
        draw_text(painter, 56, 43, self.about, colors.text2, 11, width=self.width() - 132)
        wide = drawing.text_width(self.keys, 11)
        painter.setPen(QPen(colors.border, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.width() - wide - 24.5, 18.5, wide + 12, 20), 4, 4)
        draw_text(painter, self.width() - 18, 32, self.keys, colors.text2, 11, align="right")
        painter.end()


class Recent(_Line):
    """A file that was open before; one that is gone can be taken off the list."""

    def __init__(self, path: Path, chosen: Callable[[Path], None], forget: Callable[[Path], None]):
        super().__init__(path.name, 40)
        self.path, self.forget = path, forget
        self.missing = not path.is_file()
        self.setToolTip(str(path))
        self.setAccessibleDescription("missing" if self.missing else str(path))
        self.clicked.connect(lambda: forget(path) if self.missing else chosen(path))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.forget(self.path)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, width = theme.current(), self.width()
        self._background(painter, colors)
        painter.fillRect(QRectF(0, self.height() - 1, width, 1), colors.border)
        ours = self.path.suffix == ".network"
        quiet, loud = (colors.text3, colors.text3) if self.missing else (colors.text2, colors.text1)
        draw_icon(painter, "network" if ours else "file-box", QRectF(8, 12, 16, 16), quiet)
        middle = Qt.TextElideMode.ElideMiddle
        name = self.path.stem if ours else self.path.name
        draw_text(painter, 36, 24, name, loud, 12, 500, width=min(196, width * 0.4), elide=middle)
        when = "missing: Remove" if self.missing else _when(self.path)
        used = draw_text(painter, width - 8, 24, when, colors.accent if self.missing else quiet, 12, align="right")
        left = min(240.0, 52 + width * 0.4)
        room = width - used - left - 32
        if room > 60:
            place = str(self.path).replace(str(Path.home()), "~", 1)
            draw_text(painter, left, 24, place, quiet, 12, width=room, elide=middle)
        painter.end()


def _when(path: Path) -> str:
    """Say when a file was changed: ``today 14:02``, ``yesterday``, ``21 Nov``."""
    changed = datetime.fromtimestamp(path.stat().st_mtime)
    days = (datetime.now().date() - changed.date()).days
    if days == 0:
        return f"today {changed:%H:%M}"
    if days == 1:
        return "yesterday"
    return f"{changed.day} {changed:%b}" + ("" if changed.year == datetime.now().year else f" {changed.year}")
