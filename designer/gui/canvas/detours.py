"""The way of data around the layers that stand between its ends: along free lanes above or below them."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from designer.gui.canvas.routes import PITCH

CLEAR = 10.0  # between a lane and a layer
BESIDE = 8.0  # to the left and the right of layers, where a lane may bend
BEND, CROSSING, SHARED = 30.0, 120.0, 150.0  # what a bend and a crossing cost, and sharing a lane saves, in px
FAR = 1500.0  # a longer detour is no good lane
NEAR = 400.0  # so far above and below the ends a way is looked for first

Frames = Callable[[QRectF], list[QRectF]]  # the frames of the nodes that stand in a rectangle


class Lane(NamedTuple):
    """A level part of a way."""

    left: float
    right: float
    y: float


class Others(NamedTuple):
    """What a way has to know of the other wires."""

    free: Callable[[float, float, float], bool]  # whether none lies level from left to right at a height
    crossed: Callable[[float, float, float], int]  # how many change their height across that lane
    tracks: Iterable[float]  # the heights at which wires from the same port lie already
    near: Sequence["Neighbour"]  # those at the same two layers
    scale: float = 1.0  # of detours that are worth it: layers are wider than high


class Neighbour(NamedTuple):
    """Another wire at the same layer: how far its port lies below ours, and at which height it comes or goes."""

    port: float
    far: float


class Slab(NamedTuple):
    """The layers that overlap from left to right, and the heights that they leave free."""

    left: float
    right: float
    gaps: list[tuple[float, float]]


def lanes(start: QPointF, end: QPointF, reach: float, frames: Frames, others: Others) -> list[Lane] | None:
    """The level parts of the best way to the right: one lane where there is a good one, else from gap to gap.

    ``reach``: how far above and below its ends it may lead. None where nothing stands between; an empty list where
    no such way is left.
    """
    x0, x1, y0, y1 = start.x(), end.x(), start.y(), end.y()
    top, bottom = min(y0, y1) - reach, max(y0, y1) + reach
    slabs = _slabs(x0, x1, top, bottom, frames(QRectF(x0, top, x1 - x0, bottom - top)))
    if not slabs:
        return None
    if slabs[0].left - x0 < BESIDE:  # no room to bend before it
        slabs[0] = slabs[0]._replace(gaps=_shared(slabs[0].gaps, [(y0 - 0.5, y0 + 0.5)]))
    if x1 - slabs[-1].right < BESIDE:
        slabs[-1] = slabs[-1]._replace(gaps=_shared(slabs[-1].gaps, [(y1 - 0.5, y1 + 0.5)]))
    return _one_lane(slabs, y0, y1, others) or _from_gap_to_gap(slabs, y0, y1, others) or []


def lead(start: QPointF, end: QPointF, way: Sequence[Lane]) -> QPainterPath:
    """Draw a way: level in its lanes, an S between them."""
    path = QPainterPath(start)
    at = start
    for lane in way:
        _bend(path, at, QPointF(lane.left, lane.y))
        at = QPointF(lane.right, lane.y)
        path.lineTo(at)
    _bend(path, at, end)
    return path


def _bend(path: QPainterPath, start: QPointF, end: QPointF) -> None:
    if start.y() == end.y():
        path.lineTo(end)
    else:
        middle = (start.x() + end.x()) / 2
        path.cubicTo(middle, start.y(), middle, end.y(), end.x(), end.y())


def _slabs(x0: float, x1: float, top: float, bottom: float, frames: list[QRectF]) -> list[Slab]:
    """What stands between two ends, part by part; the free heights between ``top`` and ``bottom``."""
    found: list[Slab] = []
    inside: list[tuple[float, float]] = []
    left = right = 0.0

    def close() -> None:
        if inside:
            found.append(Slab(max(left, x0), min(right, x1), _gaps(inside, top, bottom)))

    for frame in sorted(frames, key=QRectF.left):
        a, b = frame.left() - BESIDE, frame.right() + BESIDE
        if a >= x1 - BESIDE or b <= x0 + BESIDE:
            continue  # it stands over or under one of the ends
        if not inside or a > right:
            close()
            inside, left, right = [], a, b
        right = max(right, b)
        inside.append((frame.top() - CLEAR, frame.bottom() + CLEAR))
    close()
    return found


def _gaps(blocked: list[tuple[float, float]], top: float, bottom: float) -> list[tuple[float, float]]:
    gaps, floor = [], top
    for upper, lower in sorted(blocked):
        if upper > floor:
            gaps.append((floor, upper))
        floor = max(floor, lower)
    if bottom > floor:
        gaps.append((floor, bottom))
    return gaps


def _one_lane(slabs: list[Slab], y0: float, y1: float, others: Others) -> list[Lane] | None:
    """The best lane that is free all the way, unless its detour is long."""
    gaps = slabs[0].gaps
    for slab in slabs[1:]:
        gaps = _shared(gaps, slab.gaps)
    left, right = slabs[0].left, slabs[-1].right
    best, found = math.inf, None
    wanted = {_within(y, *gap): gap for y in (y0, y1, *others.tracks) for gap in gaps}
    for y, (upper, lower) in sorted(wanted.items(), key=lambda item: abs(item[0] - y0) + abs(y1 - item[0])):
        if abs(y - y0) + abs(y1 - y) >= min(best, abs(y1 - y0) + FAR * others.scale):
            break
        at = _free_near(y, upper, lower, left, right, others)
        if at is not None:
            crossings = sum((at - n.far) * n.port > 0 for n in others.near) + others.crossed(left, right, at)
            worth = CROSSING * crossings - SHARED * (at in others.tracks)
            cost = abs(at - y0) + abs(y1 - at) + others.scale * worth
            if cost < best:
                best, found = cost, at
    return None if found is None else [Lane(left, right, found)]


def _from_gap_to_gap(slabs: list[Slab], y0: float, y1: float, others: Others) -> list[Lane] | None:
    """The way with the least ups and downs, from slab to slab (dynamic programming over a few heights of each)."""
    states: dict[float, tuple[float, tuple[float, ...]]] = {y0: (0.0, ())}
    for slab in slabs:
        reached: dict[float, tuple[float, tuple[float, ...]]] = {}
        for y, (cost, way) in states.items():
            for upper, lower in _nearest(slab.gaps, y, y1):
                for wanted in dict.fromkeys((_within(y, upper, lower), _within(y1, upper, lower))):
                    at = _free_near(wanted, upper, lower, slab.left, slab.right, others)
                    if at is None:
                        continue
                    now = cost + abs(at - y) + BEND * (at != y)
                    if at not in reached or now < reached[at][0]:
                        reached[at] = now, (*way, at)
        if not reached:
            return None
        states = dict(sorted(reached.items(), key=lambda state: state[1][0])[:6])
    way = min(states.items(), key=lambda state: state[1][0] + abs(y1 - state[0]))[1][1]
    return [Lane(slab.left, slab.right, y) for slab, y in zip(slabs, way)]


def _shared(some: list[tuple[float, float]], others: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is free in both, in one walk."""
    found, n, m = [], 0, 0
    while n < len(some) and m < len(others):
        upper, lower = max(some[n][0], others[m][0]), min(some[n][1], others[m][1])
        if upper < lower:
            found.append((upper, lower))
        if some[n][1] < others[m][1]:
            n += 1
        else:
            m += 1
    return found


def _nearest(gaps: list[tuple[float, float]], y: float, end: float) -> list[tuple[float, float]]:
    """The gaps that a way at ``y`` may take: the nearest above and below it, and the nearest to its end."""

    def far(gap: tuple[float, float], at: float) -> float:
        return abs(_within(at, *gap) - at)

    near = sorted(gaps, key=lambda gap: far(gap, y))[:3]
    return [*near, *([best] if gaps and (best := min(gaps, key=lambda gap: far(gap, end))) not in near else [])]


def _within(y: float, upper: float, lower: float) -> float:
    return min(max(y, upper), lower)


def _free_near(y: float, upper: float, lower: float, left: float, right: float, others: Others) -> float | None:
    """The free height in a gap that is nearest to the wanted one."""
    for n in range(int((lower - upper) / PITCH) + 2):
        for at in (y + n * PITCH, y - n * PITCH) if n else (y,):
            if upper <= at <= lower and others.free(left, right, at):
                return at
    return None
