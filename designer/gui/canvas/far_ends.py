"""The ends of ties that are out of view: a pill with their name at the edge of the canvas, which leads there."""

import math
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from designer.gui.canvas.paint import MIDWAY
from designer.gui.canvas.wire import WireItem
from designer.gui.drawing import draw_icon, draw_text, text_width
from designer.gui.theme import Theme

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

HEIGHT, EDGE, TOP = 22.0, 12.0, 52.0  # of a pill; how far it stays from the sides, and from the pills that float
MOST = 8  # pills at once
LONGEST = 160.0
STEPS = 48  # at so many points a way is looked at


class FarEnd(NamedTuple):
    """A pill in pixels of the viewport, and the layer that it leads to."""

    rect: QRectF
    path: str
    wire: WireItem


class FarEnds:
    """Where the ties that leave the view lead to."""

    def __init__(self, canvas: "Canvas"):
        self.canvas = canvas
        self._seen: tuple[object, ...] = ()
        self._network = canvas.document.network
        self._ends: list[FarEnd] = []

    def ends(self) -> list[FarEnd]:
        """The pills of the picture as it is, those of the selection first."""
        view = self.canvas.view
        document = self.canvas.document
        seen = view.center, view.zoom, view.leading.moves, view.size(), document.view
        if seen != self._seen or document.network is not self._network:
            self._seen, self._network = seen, document.network
            self._ends = self._find() if view.zoom >= MIDWAY else []
        return self._ends

    def at(self, point: QPointF) -> FarEnd | None:
        return next((end for end in self.ends() if end.rect.contains(point)), None)

    def paint(self, painter: QPainter, theme: Theme) -> None:
        """Draw them over the scene."""
        ends = self.ends()
        if not ends:
            return
        painter.save()
        painter.resetTransform()
        for rect, path, wire in ends:
            strong = wire.lit or wire.isSelected()
            painter.setPen(QPen(theme.learn, 1.5 if strong else 1))
            painter.setBrush(theme.learn_soft)
            painter.drawRoundedRect(rect, HEIGHT / 2, HEIGHT / 2)
            draw_icon(painter, "link", QRectF(rect.x() + 9, rect.y() + 5, 12, 12), theme.learn, 2.25)
            name = path.rpartition(".")[2]
            draw_text(painter, rect.x() + 26, rect.y() + 15, name, theme.text1, 11, 500, width=rect.width() - 36)
        painter.restore()

    def _find(self) -> list[FarEnd]:
        view = self.canvas.view
        seen = view.visible()
        near = view.grid.within(seen)
        ways: dict[str, tuple[WireItem, bool]] = {}  # one to each layer that is out of view
        for node in near:
            for port in node.ports():
                for wire in port.connected_pipes if port.look.diamond else ():
                    other = (wire.input_port if port.out else wire.output_port).node
                    if wire.drawn and other not in near:
                        ways.setdefault(other.look.path, (wire, port.out))
        room = QRectF(view.viewport().rect())
        chosen = sorted(ways.values(), key=lambda way: not (way[0].lit or way[0].isSelected()))
        found: list[FarEnd] = []
        for wire, outwards in chosen[:MOST]:
            path = (wire.input_port if outwards else wire.output_port).node.look.path
            rect = self._place(wire, outwards, text_width(path.rpartition(".")[2], 11, 500))
            aside = HEIGHT + 4 if rect.center().y() < room.center().y() else -HEIGHT - 4
            while any(rect.intersects(end.rect) for end in found):
                rect.translate(0, aside)
            if room.contains(rect):
                found.append(FarEnd(rect, path, wire))
        return found

    def _place(self, wire: WireItem, outwards: bool, wide: float) -> QRectF:
        """Where the way leaves the view, inside of its edge."""
        view = self.canvas.view
        room = QRectF(view.viewport().rect()).adjusted(EDGE, TOP, -EDGE, -TOP)
        shown, way = view.viewportTransform(), wire.path()
        inside = False
        at = QPointF()
        for step in range(STEPS + 1):
            at = shown.map(way.pointAtPercent(step / STEPS if outwards else 1 - step / STEPS))
            if inside and not room.contains(at):
                break
            inside = inside or room.contains(at)
        width = math.ceil(min(wide, LONGEST)) + 38
        x = min(max(at.x() - width / 2, room.left()), room.right() - width)
        y = min(max(at.y() - HEIGHT / 2, room.top()), room.bottom() - HEIGHT)
        return QRectF(round(x), round(y), round(width), HEIGHT)
