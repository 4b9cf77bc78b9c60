"""The pill in the header of a group that says how many groups are like it."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from designer.gui.drawing import draw_text, text_width
from designer.gui.theme import Theme, mix

HIGH = 16


def pill_text(count: int) -> str:
    return f"\u00d7\u200a{count:,}"


def pill_width(count: int) -> float:
    """How much of a header the pill takes; none where there is nothing to count."""
    return text_width(pill_text(count), 11, 500) + 14 if count else 0.0


def draw_pill(painter: QPainter, theme: Theme, right: float, count: int, hovered: bool) -> None:
    """Draw how many groups are alike, in the header of a node."""
    width = pill_width(count)
    rect = QRectF(right - width, 8, width, HIGH)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(mix(theme.node, theme.text3, 0.36 if hovered else 0.22))
    painter.drawRoundedRect(rect, HIGH / 2, HIGH / 2)
    draw_text(painter, rect.center().x(), 20, pill_text(count), theme.text1, 11, 500, align="center")
