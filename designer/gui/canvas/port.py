"""The port on the edge of a node: a circle for data, a diamond for a learnable."""

import functools
from typing import TYPE_CHECKING

from NodeGraphQt.constants import PortTypeEnum
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsScene

from designer.gui.canvas.look import PortLook
from designer.gui.theme import Theme, faded

if TYPE_CHECKING:
    from designer.gui.canvas.node import NodeItem
    from designer.gui.canvas.wire import WireItem

IN, OUT = PortTypeEnum.IN.value, PortTypeEnum.OUT.value
NO_BRUSH = QBrush(Qt.BrushStyle.NoBrush)
REACH = 12.0  # how near the pointer must come
DIAMOND = QPolygonF([QPointF(0, -6), QPointF(6, 0), QPointF(0, 6), QPointF(-6, 0)])
ROUND = (Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.MiterJoin)


class PortItem:
    """Where wires are fastened, and what NodeGraphQt asks of the item of a port.

    It is no item of the scene: its node paints it and knows what is under the pointer, and Qt has half as many items.
    """

    __slots__ = (
        "_at",
        "connected_pipes",
        "fits",
        "hovered",
        "lit",
        "look",
        "multi_connection",
        "name",
        "node",
        "port_type",
    )

    def __init__(self, node: "NodeItem", side: str, name: str, multi: bool):
        self.node, self.port_type, self.name, self.multi_connection = node, side, name, multi
        self.connected_pipes: list[WireItem] = []
        self._at = QPointF()
        self.look: PortLook | None = None
        self.hovered = False
        self.fits = False  # the wire that is drawn may end here
        self.lit = False  # a wire from the port that was clicked may

    def add_pipe(self, pipe: "WireItem") -> None:
        self.connected_pipes.append(pipe)

    def remove_pipe(self, pipe: "WireItem") -> None:
        self.connected_pipes.remove(pipe)

    def scene(self) -> QGraphicsScene | None:
        """The scene that its node is in."""
        return self.node.scene()

    def place(self, at: QPointF) -> None:
        """Sit at a point of its node."""
        self._at = at

    def pos(self) -> QPointF:
        return self._at

    def x(self) -> float:
        return self._at.x()

    def y(self) -> float:
        return self._at.y()

    def rest(self) -> None:
        """Be out of the scene with its node, without wires."""
        self.connected_pipes.clear()
        self.hovered = self.fits = self.lit = False

    def anchor(self) -> QPointF:
        """Where its wires end, in the scene."""
        return self.node.pos() + self._at

    @property
    def out(self) -> bool:
        return self.port_type == OUT

    @property
    def wired(self) -> bool:
        return bool(self.connected_pipes) or self.look.beyond


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
