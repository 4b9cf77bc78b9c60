"""Where the shape of what a wire of data carries is written: beside its begin, where no wire passes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt

from designer.gui.canvas.pill import TIE_HIGH
from designer.gui.drawing import text_width

if TYPE_CHECKING:
    from designer.gui.canvas.wire import WireItem

LONGEST = 200.0  # of a shape beside a wire
LEAST = 0.6  # of a shape, else it says too little
ABOVE, UNDER, HIGH = 16.0, 6.0, 10.0  # from a level wire to the upper edge of its shape; how high it is
# So far aside of where a wire leads down from, and below it, its shape may stand, the nearest place first.
ASIDE = (9.0, 12.0), (20.0, 12.0), (9.0, 26.0), (32.0, 12.0), (9.0, 40.0), (44.0, 12.0)


def shape_rect(wire: "WireItem") -> QRectF:
    """Where the shape stands; nowhere if another wire of its port tells it, or it would be struck through."""
    if not _tells(wire):
        return QRectF()
    places = _beside(wire) if wire.stage.down else _above(wire)
    return next((rect for rect in places if not _struck(wire, rect)), QRectF())


def _tells(wire: "WireItem") -> bool:
    """Whether the shape stands at it: of several wires from one port, at the shortest."""
    wires = [other for other in wire.output_port.connected_pipes if other.room > 0 and not other.hidden]
    return min(wires, key=lambda other: other.room, default=None) is wire


def _struck(wire: "WireItem", rect: QRectF) -> bool:
    """Whether any wire that is drawn leads through."""
    from designer.gui.canvas.wire import WireItem

    off = wire.stage.ties == "off"
    near = wire.scene().items(rect, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
    wires = (item for item in near if isinstance(item, WireItem) and not item.hidden)
    return any(other.near(10.0).intersects(rect) for other in wires if not (other.learnable and off))


def _above(wire: "WireItem") -> Iterator[QRectF]:
    """The places at the height of the source of a wire that leads to the right."""
    start, far, wide = wire.ends[0], wire.level, text_width(wire.label, 10)
    room = far - 2  # it stands above the ports
    if room < LEAST * wide:
        return
    width = min(wide, room)
    turns = wire.corners[0] if wire.corners else wire.ends[1]
    over, under = start.y() - ABOVE, start.y() + UNDER
    if abs(turns.y() - start.y()) >= 2:  # beside the curve, not on it
        falls = turns.y() > start.y()
        yield QRectF(start.x() + 12, over if falls else under, width, HIGH)
        if not wire.corners:
            yield QRectF(turns.x() - 12 - width, turns.y() + (UNDER if falls else -ABOVE), width, HIGH)
        return
    middle, end = start.x() + (far - width) / 2, start.x() + far - width - 8
    for x in (middle, end) if end > middle else (middle,):
        for y in (over, under):
            yield QRectF(x, y, width, HIGH)


def _beside(wire: "WireItem") -> Iterator[QRectF]:
    """The places beside the begin of a wire that leads down: first on the side that no wire of its port turns to."""
    if wire.room < 2 * TIE_HIGH:
        return
    start, wide = wire.ends[0], text_width(wire.label, 10)
    wires = [other for other in wire.output_port.connected_pipes if not other.hidden]
    ways = [[*other.corners, other.ends[1]] for other in wires]
    turns = [next((at.x() for at in way if abs(at.x() - start.x()) > 2), start.x()) for way in ways]
    right, both = max(turns) > start.x(), min(turns) < start.x() < max(turns)
    ports = [port.anchor().x() - start.x() for port in wire.output_port.node.outputs if not port.look.diamond]
    for off, below in ASIDE:
        for side in (-1, 1) if both or right else (1, -1):
            room = min((abs(x) for x in ports if x * side > 0), default=LONGEST) - 7 - off
            width = min(wide, room)
            if width >= LEAST * wide:
                left = start.x() + off if side > 0 else start.x() - off - width
                yield QRectF(left, start.y() + below, width, 13)
