"""Rows: a line that is too long to be seen at once goes on below its beginning, as text does."""

import itertools
import math

from designer.edits.layered.columns import Columns

LONG = 40_000.0  # px: more than a canvas shows at 2 %
WIDE = 2.0  # of all rows together: how much wider than high
BETWEEN, WIRE = 96.0, 12.0  # between two rows, and more for each wire that leads from one to the next
SLACK = 0.15  # of a row: how much shorter or longer it may be to end where few wires pass

Place = tuple[float, float]


def placed(found: Columns, lefts: list[float], tops: list[float], rows: bool, turned: bool) -> list[Place]:
    """The places of the boxes: in one line, or where that is too long in ``rows`` of about one length."""
    count = len(found.boxes)
    whole = lefts[-1] + max(found.boxes[item].width for item in range(count) if found.rank[item] == len(lefts) - 1)
    if whole <= LONG or not rows:
        return [(lefts[found.rank[item]], tops[item]) for item in range(count)]
    extents = [_extent(found, column, tops) for column in found.columns]
    passing = _passing(found)
    height = sum(bottom - top for top, bottom in extents) / len(extents) + BETWEEN
    length = math.sqrt(whole * height * (1 / WIDE if turned else WIDE))
    breaks = _breaks(lefts, passing, length)
    places: list[Place] = [(0.0, 0.0)] * count
    floor = 0.0
    for first, end in itertools.pairwise([0, *breaks, len(lefts)]):
        top = min(extents[n][0] for n in range(first, end))
        floor += (BETWEEN + WIRE * passing[first]) if first else 0.0
        for column in range(first, end):
            for item in found.columns[column]:
                if item < count:
                    places[item] = lefts[column] - lefts[first], tops[item] - top + floor
        floor += max(extents[n][1] for n in range(first, end)) - top
    return places


def _extent(found: Columns, column: list[int], tops: list[float]) -> tuple[float, float]:
    return min(tops[item] for item in column), max(tops[item] + found.height(item) for item in column)


def _passing(found: Columns) -> list[int]:
    """How many wires lead into each column from the one before, those of one port counted once."""
    into = [0] * len(found.columns)
    for item, steps in enumerate(found.after):
        if steps:
            into[found.rank[item] + 1] += len({step.here for step in steps})
    return into


def _breaks(lefts: list[float], passing: list[int], length: float) -> list[int]:
    """The columns that begin a new row: near the wanted length, where the fewest wires pass."""
    breaks: list[int] = []
    begin = 0.0
    while lefts[-1] - begin > length * (1 + SLACK):
        near = [n for n, x in enumerate(lefts) if abs(x - begin - length) <= length * SLACK]
        if not near:
            near = [next(n for n, x in enumerate(lefts) if x - begin >= length)]
        breaks.append(min(near, key=lambda n: (passing[n], abs(lefts[n] - begin - length))))
        begin = lefts[breaks[-1]]
    return breaks
