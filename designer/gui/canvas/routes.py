"""The ways of wires: curves for data, and for ties lanes below the layers that they pass."""

from collections.abc import Callable, Hashable
from typing import NamedTuple

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QPainterPath

CLEAR = 16.0  # free on both sides of a tie that goes straight
OUT = 20.0  # how far a tie leaves a layer before it turns
BELOW = 24.0  # a lane lies so far under the lowest layer that it passes
PITCH = 12.0  # between two lanes
CORNER = 10.0

Blockers = Callable[[QRectF], list[QRectF]]  # the frames of the nodes that stand in a rectangle


class Route(NamedTuple):
    """The way of a tie, and the middle and length of its longest straight part, where its label fits."""

    path: QPainterPath
    middle: QPointF
    room: float


def curve(start: QPointF, end: QPointF, least: float = 24, most: float = 120) -> QPainterPath:
    """Lead data from an output to an input."""
    path = QPainterPath(start)
    if abs(start.y() - end.y()) < 0.5 and end.x() > start.x():
        path.lineTo(end)  # strokes in a tenth of the time
        return path
    handle = min(max(abs(end.x() - start.x()) / 2, least), most)
    path.cubicTo(start.x() + handle, start.y(), end.x() - handle, end.y(), end.x(), end.y())
    return path


class Lanes:
    """Which lanes are taken: ties of one owner share a track, others keep their distance."""

    def __init__(self) -> None:
        self._taken: dict[int, dict[Hashable, tuple[float, float, Hashable]]] = {}
        self._of: dict[Hashable, int] = {}

    def leave(self, wire: Hashable) -> None:
        step = self._of.pop(wire, None)
        if step is not None:
            del self._taken[step][wire]

    def take(self, wire: Hashable, owner: Hashable, y: float, left: float, right: float) -> float:
        """Give the first free lane at or below y."""
        self.leave(wire)
        step = round(y / PITCH)
        while any(
            left < its_right + CLEAR and its_left < right + CLEAR and whose != owner
            for its_left, its_right, whose in self._taken.get(step, {}).values()
        ):
            step += 1
        self._taken.setdefault(step, {})[wire] = (left, right, owner)
        self._of[wire] = step
        return step * PITCH


def tie(start: QPointF, end: QPointF, lowest: float, blockers: Blockers, lane: Callable[[float], float]) -> Route:
    """Lead a learnable to its borrower: straight where the way is free, else through a lane under what is passed.

    ``lowest`` is the lower edge of both layers; ``lane`` takes a lane at or below a height.
    """
    if end.x() - start.x() >= 2 * OUT:
        between = QRectF(start, end).normalized().adjusted(4, -CLEAR, -4, CLEAR)
        if not blockers(between):
            return _straight(start, end)
    left, right = sorted((start.x() + OUT, end.x() - OUT))
    y = lowest + BELOW
    while found := blockers(QRectF(left - 2, y - CLEAR, right - left + 4, 2 * CLEAR)):
        y = max(frame.bottom() for frame in found) + BELOW
    y = lane(y)
    out, back = start.x() + OUT, end.x() - OUT
    points = [start, QPointF(out, start.y()), QPointF(out, y), QPointF(back, y), QPointF(back, end.y()), end]
    return Route(_rounded(points), QPointF((out + back) / 2, y), abs(back - out) - 2 * CORNER)


def _straight(start: QPointF, end: QPointF) -> Route:
    return Route(curve(start, end, 24, 80), (start + end) / 2, end.x() - start.x() - 24)


def _rounded(points: list[QPointF]) -> QPainterPath:
    path = QPainterPath(points[0])
    for before, corner, after in zip(points, points[1:], points[2:]):
        back, on = QLineF(corner, before), QLineF(corner, after)
        radius = min(CORNER, back.length() / 2, on.length() / 2)
        if radius < 0.5:
            path.lineTo(corner)
            continue
        path.lineTo(back.pointAt(radius / back.length()))
        path.quadTo(corner, on.pointAt(radius / on.length()))
    path.lineTo(points[-1])
    return path
