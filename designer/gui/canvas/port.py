"""The port on the edge of a node: a circle for data, a diamond for a learnable."""

import functools

from NodeGraphQt.constants import PortTypeEnum
from NodeGraphQt.qgraphics.port import PortItem as StockPortItem
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem

from designer.gui.canvas.look import PortLook
from designer.gui.theme import Theme, faded

IN, OUT = PortTypeEnum.IN.value, PortTypeEnum.OUT.value
EMPTY = QGraphicsItem.GraphicsItemFlag.ItemHasNoContents
NO_BRUSH = QBrush(Qt.BrushStyle.NoBrush)
REACH = 12.0  # how near the pointer must come
DIAMOND = QPolygonF([QPointF(0, -6), QPointF(6, 0), QPointF(0, 6), QPointF(-6, 0)])
ROUND = (Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.MiterJoin)


class PortItem(StockPortItem):
    """Where wires are fastened. Its node paints it: thousands of items with a paint of their own are slow."""

    AREA = QRectF(-REACH, -REACH, 2 * REACH, 2 * REACH)

    # WORKAROUND: the stock one is called from Qt for each port that comes, for a flag that none of ours has.
    itemChange = QGraphicsItem.itemChange

    def __init__(self, parent):
        # WORKAROUND: the stock one sets each flag alone, and ItemSendsScenePositionChanges, with which Qt walks
        # through all ports of the scene for each one that moves.
        QGraphicsItem.__init__(self, parent)
        self.setFlags(EMPTY)
        self._pipes: list = []
        self._node, self._at = parent, QPointF()
        self._name, self._port_type = "", None
        self._hovered = self._multi_connection = self._locked = False
        self._display_name = False
        self.look: PortLook | None = None
        self.fits = False  # the wire that is drawn may end here
        self.lit = False  # a wire from the port that was clicked may

    node = property(lambda self: self._node)

    def boundingRect(self) -> QRectF:
        return self.AREA

    def place(self, at: QPointF) -> None:
        """Sit at a point of its node."""
        if at != self._at:
            self._at = at
            self.setPos(at)

    def rest(self) -> None:
        """Be out of the scene with its node, without wires."""
        self._pipes.clear()
        self._hovered = self.fits = self.lit = False

    def anchor(self) -> QPointF:
        """Where its wires end, in the scene."""
        return self._node.pos() + self._at

    @property
    def out(self) -> bool:
        return self._port_type == OUT

    @property
    def wired(self) -> bool:
        return bool(self._pipes) or self.look.beyond

    # WORKAROUND: the stock setters write a tooltip into every port, which costs more than the port itself.
    multi_connection = property(
        lambda self: self._multi_connection, lambda self, on: setattr(self, "_multi_connection", on)
    )
    locked = property(lambda self: self._locked, lambda self, on: setattr(self, "_locked", on))


@functools.lru_cache(64)
def _pen(rgba: int, width: float) -> QPen:
    return QPen(QColor.fromRgba(rgba), width, *ROUND)


def draw_port(
    painter: QPainter,
    theme: Theme,
    at: QPointF,
    *,
    diamond: bool,
    filled: bool,
    halo: QColor | None = None,
    color: QColor | None = None,
) -> None:
    """Draw a port with the gap around it that parts it from the edge of its node."""
    color = color or (theme.learn if diamond else theme.data)
    if halo is not None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(halo, 0.24))
        painter.drawEllipse(at, 11, 11)
    shape = DIAMOND.translated(at) if diamond else None
    for pen, brush, radius in (
        (_pen(theme.canvas.rgba(), 4), NO_BRUSH, 5.0),
        (_pen(color.rgba(), 1.75), QBrush(color if filled else theme.node), 4.4),
    ):
        painter.setPen(pen)
        painter.setBrush(brush)
        if shape is not None:
            painter.drawPolygon(shape)
        else:
            painter.drawEllipse(at, radius, radius)
