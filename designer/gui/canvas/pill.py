"""Pills: in the header of a group how many groups are like it, on a tie what it brings."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.gui.drawing import draw_icon, draw_text, text_width
from designer.gui.theme import Theme, mix

HIGH = 16
TIE_HIGH = 22.0


def pill_text(count: int) -> str:
    return f"\u00d7\u200a{count:,}"


def pill_width(count: int) -> float:
    """How much of a header the pill takes; none where there is nothing to count."""
    return text_width(pill_text(count), 11, 500) + 14 if count else 0.0


def draw_pill(painter: QPainter, theme: Theme, right: float, top: float, count: int, hovered: bool) -> None:
    """Draw how many groups are alike, in the header of a node."""
    width = pill_width(count)
    rect = QRectF(right - width, top + 8, width, HIGH)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(mix(theme.node, theme.text3, 0.36 if hovered else 0.22))
    painter.drawRoundedRect(rect, HIGH / 2, HIGH / 2)
    draw_text(painter, rect.center().x(), top + 20, pill_text(count), theme.text1, 11, 500, align="center")


def tie_pill_width(text: str) -> float:
    return text_width(text, 11, 500) + 34


def draw_tie_pill(painter: QPainter, theme: Theme, rect: QRectF, text: str, pen: QPen) -> None:
    """Draw the pill of a tie, with the sign of a link before its text."""
    painter.setPen(pen)
    painter.setBrush(theme.learn_soft)
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    draw_icon(painter, "link", QRectF(rect.x() + 9, rect.center().y() - 6, 12, 12), theme.learn, 2.25)
    draw_text(painter, rect.x() + 26, rect.center().y() + 4, text, theme.text1, 11, 500, width=rect.width() - 34)
