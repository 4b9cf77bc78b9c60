"""A network from afar, small enough for a card: blocks in even columns, wires, and dashed ties below them."""

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from designer.edits.outline import estimated_outline
from designer.gui.drawing import category_of
from designer.gui.theme import Theme
from designer.model import Network

PITCH, LINE = 46.0, 22.0  # most between two columns; where the main line of a layer runs
WIDE, HIGH = 0.66, 0.64  # of a block: its part of a column, and its height beside its width
SIMPLE, CAPSULE = 15.0, "capsule"  # real pixels between rows for one of a block's height; what a layer on a tie is


class Block(NamedTuple):
    """A layer: its colour, its column and how low it stands, in pixels of the canvas."""

    category: str
    column: int
    y: float


class Thumbnail(NamedTuple):
    """What is drawn; wires go between blocks by their names."""

    blocks: dict[str, Block]
    wires: list[tuple[str, str]]
    ties: list[tuple[str, str]]


def thumbnail(network: Network) -> Thumbnail:
    """Take from a network what its thumbnail shows: the layers of its top level, where they stand.

    Pictures are wide, so one that is drawn from top to bottom is shown from left to right as well.
    """
    places, lengths = {}, {}
    for name, layer in network.layers.items():
        outline = estimated_outline(name, layer, down=network.down)
        x, y = network.positions.get(name, (0.0, 0.0))
        places[name] = (y, x + outline.width / 2, layer) if network.down else (x, y, layer)
        lengths[name] = outline.height if network.down else outline.width
    wires: dict[tuple[str, str], None] = {}
    ties: dict[tuple[str, str], None] = {}
    for target, source in network.connections.items():
        ends = source.layer.partition(".")[0], target.layer.partition(".")[0]
        (ties if network.is_learnable(source) else wires)[ends] = None
    capsules = {name for ends in ties for name in ends if network.layers[name].computes} - {b for _, b in wires}
    blocks, column, edge = {}, -1, -1e12
    for name, (x, y, layer) in sorted(places.items(), key=lambda place: place[1][0]):
        left = x + LINE if name in capsules else x  # it hangs between two layers
        if left >= edge:
            column += 1
        edge = max(edge, left + (1.0 if name in capsules else lengths[name]))
        blocks[name] = Block(CAPSULE if name in capsules else category_of(layer), column, y)
    return Thumbnail(blocks, list(wires), list(ties))


def draw_thumbnail(painter: QPainter, theme: Theme, rect: QRectF, shown: Thumbnail) -> None:
    """Draw a thumbnail in the middle of a rectangle."""
    if not shown.blocks:
        return
    frames = _frames(shown, rect)
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.data, 1.25))
    for first, last in shown.wires:
        painter.drawPath(_wire(frames[first], frames[last], frames.values()))
    dashed = QPen(theme.learn, 1.5)
    dashed.setDashPattern([3, 2])
    painter.setPen(dashed)
    lane = max(frame.bottom() for frame in frames.values()) + 10
    for first, last in sorted(shown.ties, key=lambda ends: abs(frames[ends[0]].x() - frames[ends[1]].x())):
        capsules = [shown.blocks[name].category == CAPSULE for name in (first, last)]
        painter.drawPath(_tie(frames[first], frames[last], lane, *capsules))
        lane += 7 * (not any(capsules))
    painter.setPen(Qt.PenStyle.NoPen)
    for name, frame in frames.items():
        painter.setBrush(_color(theme, shown.blocks[name].category))
        painter.drawRoundedRect(frame, 2.5, 2.5)
    painter.restore()


def _color(theme: Theme, category: str) -> QColor:
    return theme.learn if category == CAPSULE else theme.category[category]


def _frames(shown: Thumbnail, rect: QRectF) -> dict[str, QRectF]:
    """The rectangle of each block, all together in the middle."""
    columns = 1 + max(block.column for block in shown.blocks.values())
    blocks = [block for block in shown.blocks.values() if block.category != CAPSULE] or [*shown.blocks.values()]
    top, bottom = min(block.y for block in blocks), max(block.y for block in blocks)
    pitch = min(PITCH, rect.width() / columns)
    width = pitch * WIDE
    height = min(20.0, width * HIGH + 2)
    scale = min(height / SIMPLE / 3.6, (rect.height() - height - 16) / max(1.0, bottom - top))
    left = rect.center().x() - pitch * (columns - 1) / 2
    middle = rect.center().y() - (7 if shown.ties else 0)
    below = middle + (bottom - top) / 2 * scale + height / 2 + 18  # where capsules hang
    frames = {}
    for name, block in shown.blocks.items():
        x, y, high = left + pitch * block.column, middle + (block.y - (top + bottom) / 2) * scale, height
        if block.category == CAPSULE:
            y, high = below, height * 0.55
        frames[name] = QRectF(x - width / 2, y - high / 2, width, high)
    return frames


def _wire(first: QRectF, last: QRectF, frames: Iterable[QRectF]) -> QPainterPath:
    """Lead data to the right, in an arc over the blocks that stand in its way."""
    start, end = QPointF(first.right(), first.center().y()), QPointF(last.left(), last.center().y())
    path = QPainterPath(start)
    half = (end.x() - start.x()) / 2
    line = QRectF(start, end).normalized().adjusted(2, -1, -2, 1)
    if start.y() == end.y() and any(frame.intersects(line) for frame in frames):
        over = QPointF(0, -2.2 * first.height())
        path.cubicTo(start + QPointF(half / 2, 0) + over, end - QPointF(half / 2, 0) + over, end)
    else:
        path.cubicTo(start + QPointF(half, 0), end - QPointF(half, 0), end)
    return path


def _tie(first: QRectF, last: QRectF, lane: float, up: bool, down: bool) -> QPainterPath:
    """Lead a tie straight down, ``down`` to a capsule, ``up`` from one, else through a lane under the blocks."""
    start = QPointF(first.center().x(), first.bottom())
    end = QPointF(last.center().x(), last.bottom())
    if abs(start.x() - end.x()) < first.width() and last.top() > first.bottom():
        path = QPainterPath(start)
        path.lineTo(end.x(), last.top())
        return path
    if up:
        return _bent([QPointF(first.right(), first.center().y()), QPointF(end.x(), first.center().y()), end])
    if down:
        return _bent([start, QPointF(start.x(), last.center().y()), QPointF(last.left(), last.center().y())])
    return _bent([start, QPointF(start.x(), lane), QPointF(end.x(), lane), end])


def _bent(points: list[QPointF], radius: float = 4) -> QPainterPath:
    path = QPainterPath(points[0])
    for before, corner, after in zip(points, points[1:], points[2:]):
        for point, draw in ((before, path.lineTo), (after, None)):
            way = point - corner
            length = max(1e-6, (way.x() ** 2 + way.y() ** 2) ** 0.5)
            near = corner + way * min(0.5, radius / length)
            draw(near) if draw else path.quadTo(corner, near)
    path.lineTo(points[-1])
    return path
