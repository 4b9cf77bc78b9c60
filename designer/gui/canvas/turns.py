"""The way of data down to a later row of layers: level between the rows, upright between columns or beside all rows."""

import itertools
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF

from designer.gui.canvas.routes import OUT, PITCH, Blockers

UNDER = 24.0  # a level part lies so far under what it leaves, and above what it leads to
CLEAR = 10.0  # between a wire and a layer
WIDE = 100.0  # an upright part may stand so far from its layer

Free = Callable[[float, float, float], bool]  # whether a track is free, from one end to the other at a height or width


def turned(
    start: QPointF,
    end: QPointF,
    first: QRectF,
    last: QRectF,
    leftmost: float,
    frames: Blockers,
    level: Free,
    upright: Free,
) -> list[QPointF]:
    """The corners of a way from a layer down to one that stands wholly below it; none if there is no such way.

    ``leftmost`` is the left edge of all layers; ``level`` and ``upright`` tell whether a track is free of other wires.
    """
    for y in _levels(last.top() - UNDER, first.bottom() + CLEAR, -PITCH):
        out = upright_near(start.x() + OUT, start.y(), y, 1, frames, upright)
        into = upright_near(end.x() - OUT, y, end.y(), -1, frames, upright)
        if out - start.x() > WIDE or end.x() - into > WIDE:
            break
        if is_level(out, into, y, frames, level):
            return [QPointF(out, start.y()), QPointF(out, y), QPointF(into, y), QPointF(into, end.y())]
    return _beside_rows(start, end, first, last, leftmost - 2 * OUT, frames, level, upright)


def _beside_rows(
    start: QPointF,
    end: QPointF,
    first: QRectF,
    last: QRectF,
    edge: float,
    frames: Blockers,
    level: Free,
    upright: Free,
) -> list[QPointF]:
    """A way under the first row, down beside all rows, and in above the last one."""
    for y in _levels(first.bottom() + UNDER, last.top() - 2 * UNDER, PITCH):
        out = upright_near(start.x() + OUT, start.y(), y, 1, frames, upright)
        if out - start.x() > WIDE or not is_level(edge, out, y, frames, level):
            continue
        for lower in _levels(last.top() - UNDER, y + PITCH, -PITCH):
            into = upright_near(end.x() - OUT, lower, end.y(), -1, frames, upright)
            if end.x() - into > WIDE:
                return []
            if is_level(edge, into, lower, frames, level):
                beside = next(x for n in itertools.count() if upright(y, lower, x := edge - n * PITCH))
                corners = [QPointF(out, start.y()), QPointF(out, y), QPointF(beside, y)]
                return [*corners, QPointF(beside, lower), QPointF(into, lower), QPointF(into, end.y())]
    return []


def _levels(begin: float, end: float, step: float) -> list[float]:
    count = int((end - begin) / step) + 1
    return [begin + n * step for n in range(max(0, min(count, 200)))]


def is_level(x0: float, x1: float, y: float, frames: Blockers, free: Free) -> bool:
    """Whether a wire can go level at a height."""
    left, right = min(x0, x1), max(x0, x1)
    return not frames(QRectF(left, y - CLEAR, right - left, 2 * CLEAR)) and free(left, right, y)


def upright_near(x: float, y0: float, y1: float, side: int, frames: Blockers, free: Free) -> float:
    """Where a wire can go straight up or down between two heights, near x: to the right of it, or to the left."""
    top, bottom = min(y0, y1), max(y0, y1)
    while True:
        if found := frames(QRectF(x - CLEAR, top, 2 * CLEAR, bottom - top)):
            edge = max(frame.right() for frame in found) if side > 0 else min(frame.left() for frame in found)
            x = edge + side * (CLEAR + 1)
        elif not free(top, bottom, x):
            x += side * PITCH
        else:
            return x
