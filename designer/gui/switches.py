"""Switches: of a setting, and of a learnable."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton

from designer.gui import drawing, theme
from designer.gui.widgets import draw_focus


class Switch(QAbstractButton):
    """A setting that is on or off."""

    toggled_by_user = Signal(bool)

    def __init__(self, name: str):
        super().__init__()
        self.clicked.connect(lambda: self.toggled_by_user.emit(self.isChecked()))
        self.setCheckable(True)
        self.setAccessibleName(name)
        self.setFixedSize(36, 22)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, on = theme.current(), self.isChecked()
        body = QRectF(2.7, 2.7, 30.6, 16.6)
        painter.setPen(QPen(colors.accent_fill if on else colors.control, 1.25))
        painter.setBrush(colors.accent_fill if on else colors.raised)
        painter.drawRoundedRect(body, 8.3, 8.3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.on_accent if on else colors.control)
        painter.drawEllipse(QRectF(19.5 if on else 5.5, 5.5, 11, 11))
        if self.hasFocus():
            draw_focus(painter, colors, QRectF(self.rect()), 10)
        painter.end()


class CheckBox(QAbstractButton):
    """The switch of a learnable, in the colour of ties."""

    toggled_by_user = Signal(bool)

    def __init__(self, name: str, tooltip: str = ""):
        super().__init__()
        self.clicked.connect(lambda: self.toggled_by_user.emit(self.isChecked()))
        self.setCheckable(True)
        self.setAccessibleName(name)
        self.setToolTip(tooltip)
        self.setFixedSize(24, 24)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.partial = False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme.current()
        state = Qt.CheckState.Checked if self.isChecked() else Qt.CheckState.Unchecked
        if self.partial:
            state = Qt.CheckState.PartiallyChecked
        drawing.draw_checkbox(painter, colors, QRectF(5, 5, 14, 14), state, background=colors.raised)
        if self.hasFocus():
            draw_focus(painter, colors, QRectF(1, 1, 22, 22), 5)
        painter.end()
