"""The ways of wires: curves for data, and for ties lanes below the layers that they pass."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QPainterPath, QTransform

CLEAR = 16.0  # free on both sides of a tie that goes straight
OUT = 20.0  # how far a tie leaves a layer before it turns
BELOW = 24.0  # a lane lies so far under the lowest layer that it passes
PITCH = 12.0  # between two lanes
MOST = 60  # lanes that are looked at: where none of them is free, the first is shared
CORNER = 10.0
ARROW = 16.0  # before a borrower, where a tie is level under its arrow
CELL = 2048.0  # lanes are kept by squares so wide
EXCHANGED = QTransform(0, 1, 1, 0, 0, 0)  # left and top

Blockers = Callable[[QRectF], list[QRectF]]  # the frames of the nodes that stand in a rectangle


class Route(NamedTuple):
    """The way of a tie, and the middle and length of its longest straight part, where its label fits."""

    path: QPainterPath
    middle: QPointF
    room: float
    lane: float | None = None  # the height of the lane that it takes
    upright: bool = False  # that part, so that the label hangs beside it


def curve(start: QPointF, end: QPointF, least: float = 24, most: float = 120) -> QPainterPath:
    """Lead data from an output to an input."""
    path = QPainterPath(start)
    if abs(start.y() - end.y()) < 0.5 and end.x() > start.x():
        path.lineTo(end)  # strokes in a tenth of the time
        return path
    handle = min(max(abs(end.x() - start.x()) / 2, least), most)
    path.cubicTo(start.x() + handle, start.y(), end.x() - handle, end.y(), end.x(), end.y())
    return path


def exchanged(at: QPointF) -> QPointF:
    """A point with left and top exchanged: from top to bottom, data is led as it is from left to right."""
    return QPointF(at.y(), at.x())


def exchanged_rect(rect: QRectF) -> QRectF:
    """So too for a rectangle."""
    return QRectF(rect.y(), rect.x(), rect.height(), rect.width())


def loose(start: QPointF, end: QPointF, down: bool) -> QPainterPath:
    """Lead a wire that is being drawn; ``down``: data, in a network drawn from top to bottom."""
    return EXCHANGED.map(curve(exchanged(start), exchanged(end))) if down else curve(start, end)


Cell = tuple[int, int]
Track = tuple[Hashable, float]  # of an owner, at a height


class Lanes:
    """Where wires lie level and where they change their height; those from one port share, others keep apart."""

    def __init__(self) -> None:
        self._level: dict[Cell, dict[Track, dict[Hashable, tuple[float, float]]]] = {}
        self._spans: dict[Cell, dict[Track, tuple[float, float]]] = {}  # from the leftmost to the rightmost of a track
        self._steps: dict[int, list[tuple[float, float, float, Hashable, Hashable]]] = {}
        self._of: dict[Hashable, tuple[set[tuple[Cell, Track]], set[int]]] = {}
        self._tracks: dict[Hashable, Counter[float]] = {}  # owner -> height -> how many wires lie there

    def leave(self, wire: Hashable) -> None:
        level, columns = self._of.pop(wire, ((), ()))
        for owner, y in {track for _, track in level}:
            self._tracks[owner][y] -= 1
        for cell, track in level:
            wires = self._level[cell][track]
            del wires[wire]
            if wires:
                self._spans[cell][track] = _span(wires)
            else:
                del self._level[cell][track], self._spans[cell][track]
        for column in columns:
            self._steps[column] = [step for step in self._steps[column] if step[4] != wire]

    def take(self, wire: Hashable, owner: Hashable, left: float, right: float, y: float) -> None:
        """Lie level here."""
        track = owner, y
        known, _ = self._of.setdefault(wire, (set(), set()))
        if all(track != other for _, other in known):
            self._tracks.setdefault(owner, Counter())[y] += 1
        for column in _columns(left, right):
            cell = column, int(y // PITCH)
            wires = self._level.setdefault(cell, {}).setdefault(track, {})
            its_left, its_right = wires.get(wire, (left, right))
            wires[wire] = min(left, its_left), max(right, its_right)
            self._spans.setdefault(cell, {})[track] = _span(wires)
            known.add((cell, track))

    def step(self, wire: Hashable, owner: Hashable, x: float, y0: float, y1: float) -> None:
        """Change the height here."""
        if abs(y1 - y0) > 1:
            column = int(x // CELL)
            self._steps.setdefault(column, []).append((x, min(y0, y1), max(y0, y1), owner, wire))
            self._of.setdefault(wire, (set(), set()))[1].add(column)

    def free(self, owner: Hashable, left: float, right: float, y: float) -> bool:
        """Whether no wire from another port lies level here."""
        row = int(y // PITCH)
        for column in _columns(left, right):
            for near in (row - 1, row, row + 1):
                for (whose, its_y), (its_left, its_right) in self._spans.get((column, near), {}).items():
                    if (
                        abs(its_y - y) < PITCH
                        and left < its_right + CLEAR
                        and its_left < right + CLEAR
                        and whose != owner
                    ):
                        return False
        return True

    def tracks(self, owner: Hashable) -> list[float]:
        """The heights at which wires of an owner lie already."""
        return [y for y, count in self._tracks.get(owner, Counter()).items() if count]

    def crossed(self, owner: Hashable, left: float, right: float, y: float) -> int:
        """How many wires from other ports change their height across a lane."""
        return sum(
            low < y < high and left < x < right and whose != owner
            for column in _columns(left, right)
            for x, low, high, whose, _ in self._steps.get(column, ())
        )


def _span(wires: Mapping[Hashable, tuple[float, float]]) -> tuple[float, float]:
    return min(left for left, _ in wires.values()), max(right for _, right in wires.values())


def _columns(left: float, right: float) -> range:
    return range(int(left // CELL), int(right // CELL) + 1)


def tie(
    start: QPointF,
    end: QPointF,
    lowest: float,
    blockers: Blockers,
    free: Callable[[float], bool],
    beside: tuple[float, float] = (OUT, OUT),
    gap: tuple[float, float] = (0.0, 0.0),
) -> Route:
    """Lead a learnable to its borrower: straight where the way is free, else through a lane under what is passed.

    ``lowest`` is the lower edge of both layers; ``free`` tells whether the lane at a height is;
    ``beside`` is how far from its ends it goes down and up; ``gap`` are the lower edge of the layer above
    and the upper edge of the one below: a way back leads through there, where nothing else stands.
    """
    if end.x() - start.x() >= 2 * OUT:
        between = QRectF(start, end).normalized().adjusted(4, -CLEAR, -4, CLEAR)
        if not blockers(between):
            return straight(start, end)
    out, back = start.x() + beside[0], end.x() - beside[1]
    left, right = min(out, back), max(out, back)
    y = sum(gap) / 2
    if back < out and gap[1] - gap[0] >= 2 * CLEAR and free(y):
        tracks = [QRectF(QPointF(x, at.y()), QPointF(x, y)).normalized() for x, at in ((out, start), (back, end))]
        level = QRectF(QPointF(left, y), QPointF(right, y))
        if not any(blockers(part.adjusted(-CLEAR / 2, -CLEAR, CLEAR / 2, CLEAR)) for part in (*tracks, level)):
            return _through_lane(start, out, y, back, end)
    y = lowest + BELOW
    while found := blockers(QRectF(left - 2, y - CLEAR, right - left + 4, 2 * CLEAR)):
        y = max(frame.bottom() for frame in found) + BELOW
    lanes = (y + n * PITCH for n in range(MOST))
    return _through_lane(start, out, next((lane for lane in lanes if free(lane)), y), back, end)


def _through_lane(start: QPointF, out: float, y: float, back: float, end: QPointF) -> Route:
    points = [start, QPointF(out, start.y()), QPointF(out, y), QPointF(back, y), QPointF(back, end.y()), end]
    return Route(rounded(points), QPointF((out + back) / 2, y), abs(back - out) - 2 * CORNER, y)


def straight(start: QPointF, end: QPointF) -> Route:
    """Lead a tie where nothing lies between; its arrow stands on a level part."""
    path, last = curve(start, end, 24, 80), end
    if path.elementCount() > 2:  # no line, which is level everywhere
        last = end - QPointF(ARROW, 0)
        path = curve(start, last, 24, 80)
        path.lineTo(end)
    return Route(path, (start + last) / 2, last.x() - start.x() - 24)


def rounded(points: list[QPointF]) -> QPainterPath:
    """Draw straight lines with round corners."""
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
