"""The way of a tie where data leads from top to bottom: beside the layers that it passes, and in between two rows."""

import itertools
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF

from designer.gui.canvas.routes import BELOW, CLEAR, CORNER, OUT, PITCH, Blockers, Route, rounded, straight
from designer.gui.canvas.turns import Free, is_level, upright_near

MOST = 24  # lanes that are tried between two rows
EMPTY = 160.0  # so much free under a borrower, and its tie comes from there
PLACES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)  # along an upright part, where its label may hang


class End(NamedTuple):
    """Where a tie is fastened: at a diamond on the side of its layer, or above or below it at a port for data."""

    at: QPointF
    frame: QRectF
    sideways: bool


def beside(start: End, end: End, frames: Blockers, level: Free, upright: Free) -> list[QPointF]:
    """The corners of a tie: out at the right, along the layers that it passes, in at the left of its borrower.

    It crosses to the left above the borrower, or under it where nothing else stands there. None, where the way is
    free and straight.
    """
    if start.sideways and end.sideways and end.at.x() - start.at.x() >= 2 * OUT:
        between = QRectF(start.at, end.at).normalized().adjusted(4, -CLEAR, -4, CLEAR)
        if not frames(between):
            return []
    leaves = [start.at] if start.sideways else [QPointF(start.at.x(), start.frame.bottom() + BELOW)]
    x = (start.at.x() if start.sideways else start.frame.right()) + OUT
    under = end.frame.adjusted(-OUT, end.frame.height() + 1, OUT, EMPTY)
    step = PITCH if end.sideways and not frames(under) else -PITCH
    first = end.frame.bottom() + BELOW if step > 0 else end.frame.top() - BELOW
    corners: list[QPointF] = []
    for y in (first + n * step for n in range(MOST)):
        out = upright_near(x, leaves[0].y(), y, 1, frames, upright)
        into = upright_near(end.at.x() - OUT, y, end.at.y(), -1, frames, upright) if end.sideways else end.at.x()
        found = [QPointF(out, leaves[0].y()), QPointF(out, y), QPointF(into, y)]
        found = [*(() if start.sideways else leaves), *found, *([QPointF(into, end.at.y())] if end.sideways else [])]
        corners = corners or found
        if is_level(out, into, y, frames, level):
            return found
    return corners


def route(start: QPointF, corners: list[QPointF], end: QPointF, label: QRectF, frames: Blockers) -> Route:
    """Draw a tie; its label hangs at its longest upright part, where it covers no layer, else lies on a level one."""
    if not corners:
        return straight(start, end)
    points = [start, *corners, end]
    path, parts = rounded(points), [*itertools.pairwise(points)]
    one, other = max(parts, key=lambda part: abs(part[1].y() - part[0].y()))
    for share in PLACES:
        at = one + (other - one) * share
        hangs = min(abs(at.y() - one.y()), abs(at.y() - other.y())) > label.height()
        if hangs and not frames(label.translated(at).adjusted(0, -4, 8, 4)):
            return Route(path, at, label.width() + 1, upright=True)
    one, other = max(parts, key=lambda part: abs(part[1].x() - part[0].x()))
    return Route(path, (one + other) / 2, abs(other.x() - one.x()) - 2 * CORNER)
