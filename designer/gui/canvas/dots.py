"""The dots of the grid."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap

from designer.gui.theme import Theme

APART = 24
CLOSEST = 16  # pixels on the screen


def draw_dots(painter: QPainter, rect: QRectF, theme: Theme, zoom: float) -> None:
    """Draw the dots in a rectangle of the scene; from afar fewer of them."""
    step = APART
    while step * zoom < CLOSEST:
        step *= 2
    shown = painter.worldTransform()
    across = range(int(rect.left() // step) * step, int(rect.right()) + step, step)
    down = range(int(rect.top() // step) * step, int(rect.bottom()) + step, step)
    left, right = (round(shown.m11() * x + shown.dx()) for x in (across[0], across[-1]))
    ratio = painter.device().devicePixelRatioF()
    size = math.ceil((right - left + 3) * ratio), math.ceil(3 * ratio)
    row = QPixmap(*size)  # one row of dots, drawn again and again: thousands of points are slow
    row.setDevicePixelRatio(ratio)
    row.fill(Qt.GlobalColor.transparent)
    dots = QPainter(row)
    dots.setRenderHint(QPainter.RenderHint.Antialiasing)
    dots.setPen(QPen(theme.grid, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    dots.drawPoints([QPointF(round(shown.m11() * x + shown.dx()) - left + 1.5, 1.5) for x in across])
    dots.end()
    painter.save()
    painter.resetTransform()  # dots on whole pixels are alike
    for y in down:
        painter.drawPixmap(left - 1, round(shown.m22() * y + shown.dy()) - 1, row)
    painter.restore()
