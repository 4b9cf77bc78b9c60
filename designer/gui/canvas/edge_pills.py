"""The ends of ties that are out of view: a pill with their name at the edge of the canvas, which leads there."""

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.gui.canvas.paint import MIDWAY
from designer.gui.canvas.pill import TIE_HIGH, draw_tie_pill, tie_pill_width
from designer.gui.canvas.wire import WireItem
from designer.gui.theme import Theme

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

EDGE, TOP = 12.0, 52.0  # how far a pill stays from the sides, and from the pills that float
INSIDE = EDGE, TOP, -EDGE, -TOP
MOST = 8  # pills at once
LONGEST = 160.0


class EdgePill(NamedTuple):
    """A pill in pixels of the viewport, and the layer that it leads to."""

    rect: QRectF
    path: str
    wire: WireItem


class EdgePills:
    """Where the ties that leave the view lead to."""

    def __init__(self, canvas: "Canvas"):
        self.canvas = canvas
        self._seen: tuple[object, ...] = ()
        self._network = canvas.document.network
        self._pills: list[EdgePill] = []

    def pills(self) -> list[EdgePill]:
        """The pills of the picture as it is, those of the selection first."""
        view = self.canvas.view
        document = self.canvas.document
        seen = view.center, view.zoom, view.leading.moves, view.size(), document.view
        if seen != self._seen or document.network is not self._network:
            self._seen, self._network = seen, document.network
            self._pills = self._find() if view.zoom >= MIDWAY else []
        return self._pills

    def at(self, point: QPointF) -> EdgePill | None:
        return next((pill for pill in self.pills() if pill.rect.contains(point)), None)

    def paint(self, painter: QPainter, theme: Theme) -> None:
        """Draw them over the scene."""
        pills = self.pills()
        if not pills:
            return
        painter.save()
        painter.resetTransform()
        for rect, path, wire in pills:
            strong = wire.lit or wire.isSelected()
            pen = QPen(theme.learn, 1.5 if strong else 1)
            draw_tie_pill(painter, theme, rect, path.rpartition(".")[2], pen)
        painter.restore()

    def _find(self) -> list[EdgePill]:
        view = self.canvas.view
        seen = view.visible()
        room = self._room
        near = view.grid.within(seen)
        ways: dict[str, tuple[WireItem, bool]] = {}  # one to each layer that is out of view
        for node in near:
            for port in node.ports():
                for wire in port.connected_pipes if port.look.diamond else ():
                    other = (wire.input_port if port.out else wire.output_port).node
                    if wire.drawn and other not in near:
                        ways.setdefault(other.look.path, (wire, port.out))
        for wire in self._passing(seen):  # both of its ends are out of view
            ends = wire.output_port.node, wire.input_port.node
            if near.isdisjoint(ends) and leaving(self._way(wire, True), room.adjusted(*INSIDE)) is not None:
                for end, outwards in zip(ends, (False, True)):
                    ways.setdefault(end.look.path, (wire, outwards))
        chosen = sorted(ways.values(), key=lambda way: not (way[0].lit or way[0].isSelected()))
        found: list[EdgePill] = []
        taken = [view.viewportTransform().mapRect(wire.pill_rect()) for wire in dict.fromkeys(way[0] for way in chosen)]
        for wire, outwards in chosen:
            path = (wire.input_port if outwards else wire.output_port).node.look.path
            rect = self._place(wire, outwards, tie_pill_width(path.rpartition(".")[2]))
            aside = TIE_HIGH + 4 if rect.center().y() < room.center().y() else -TIE_HIGH - 4
            while any(rect.intersects(other) for other in taken):
                rect.translate(0, aside)
            if room.contains(rect):
                found.append(EdgePill(rect, path, wire))
                taken.append(rect)
            if len(found) == MOST:
                break
        return found

    def _passing(self, seen: QRectF) -> list[WireItem]:
        """The ties that may lie in a part of the scene."""
        items = self.canvas.view.scene().items(seen, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
        return [item for item in items if isinstance(item, WireItem) and item.learnable and item.drawn]

    @property
    def _room(self) -> QRectF:
        return QRectF(self.canvas.view.viewport().rect())

    def _way(self, wire: WireItem, outwards: bool) -> list[QPointF]:
        """The way of a wire in pixels of the viewport, from its source or back to that."""
        parts = wire.path().toSubpathPolygons(self.canvas.view.viewportTransform())
        points = [point for part in parts for point in part.toList()]
        return points if outwards else points[::-1]

    def _place(self, wire: WireItem, outwards: bool, wide: float) -> QRectF:
        """Where the way leaves the view, inside of its edge."""
        room, way = self._room.adjusted(*INSIDE), self._way(wire, outwards)
        at = leaving(way, room) or way[0]
        width = math.ceil(min(wide, LONGEST + 34)) + 2
        x = min(max(at.x() - width / 2, room.left()), room.right() - width)
        y = min(max(at.y() - TIE_HIGH / 2, room.top()), room.bottom() - TIE_HIGH)
        return QRectF(round(x), round(y), round(width), TIE_HIGH)


def leaving(points: list[QPointF], room: QRectF) -> QPointF | None:
    """Where a polyline leaves a rectangle for the first time, or ends in it; None if it never comes there."""
    inside = False
    for one, other in itertools.pairwise(points):
        way = other - one
        first, last = 0.0, 1.0  # of the stretch that lies in the rectangle (Liang and Barsky, 1984)
        for by, near, far in (
            (way.x(), room.left() - one.x(), room.right() - one.x()),
            (way.y(), room.top() - one.y(), room.bottom() - one.y()),
        ):
            if by:
                enter, leave = sorted((near / by, far / by))
                first, last = max(first, enter), min(last, leave)
            elif not near <= 0 <= far:
                last = -1.0
        if first <= last:
            inside = True
        if inside and last < 1:
            return one + way * last if first <= last else one
    return points[-1] if inside else None
