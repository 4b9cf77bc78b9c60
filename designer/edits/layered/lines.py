"""The heights of items: the main line straight, everything else close above or below it.

The longest path of boxes is the spine and lies on one line. What follows each other elsewhere, and the bends of one
wire, are tied to lines as well, as far as these do not cross. Then every line lies as near to the spine as the boxes
allow.
"""

import dataclasses
import itertools
import math
import statistics
from bisect import bisect_left
from collections.abc import Iterable

from designer.edits.layered.columns import HEADER, Columns

UPRIGHT = 40.0, 16.0, 12.0  # between two boxes, a box and a bend, two bends
TURNED = 64.0, 24.0, 12.0  # the same side by side, where ties lead along the boxes
SETTLING = 3  # rounds in which lines move to what they are wired to


def heights(found: Columns, distances: tuple[float, float, float] = UPRIGHT) -> list[float]:
    """The top of every item; of a bend, where the wire passes.

    ``distances`` are those between two boxes, a box and a bend, and two bends.
    """
    spine = _spine(found)
    line, within = _lines(found, spine)
    top = _stacked(found, line, within, line[spine[0]], distances)
    return [top[line[item]] + within[item] for item in range(len(line))]


def _spine(found: Columns) -> list[int]:
    """The longest path of boxes: one item in every column.

    Where paths are as long, the main one is that which leaves and arrives higher, or stands higher.
    """
    length = [0.0] * len(found.rank)
    came = [-1] * len(found.rank)
    axes = [box.axis - HEADER for box in found.boxes] + [0.0] * (len(found.rank) - len(found.boxes))
    for column in found.columns:
        for place, item in enumerate(column):
            for step in found.before[item]:
                gained = length[step.item] - (step.here - axes[item] + step.there - axes[step.item]) / 1e6
                if came[item] < 0 or gained > length[item]:
                    length[item], came[item] = gained, step.item
            length[item] += (not found.is_bend(item)) - place / 1e9
    item = max(range(len(length)), key=length.__getitem__, default=-1)
    path = []
    while item >= 0:
        path.append(item)
        item = came[item]
    return path[::-1]


def _lines(found: Columns, spine: list[int]) -> tuple[list[int], list[float]]:
    """Tie items that follow each other to lines; give the line of each item, and its top relative to the line."""
    place = [0] * len(found.rank)
    for column in found.columns:
        for n, item in enumerate(column):
            place[item] = n
    follower = [-1] * len(found.rank)
    leader = [-1] * len(found.rank)
    offset = [0.0] * len(found.rank)  # of an item's top below that of its leader
    on_spine = dict(itertools.pairwise(spine))
    for column in found.columns[:-1]:
        wanted = [_wish(found, item, on_spine) for item in column]
        taken: list[tuple[int, int]] = []  # places that are tied, from above to below
        for _, _, item, target, down in sorted(wish for wishes in wanted for wish in wishes):
            pair = place[item], place[target]
            n = bisect_left(taken, pair)
            free = follower[item] < 0 and leader[target] < 0
            if free and (n == 0 or taken[n - 1][1] < pair[1]) and (n == len(taken) or taken[n][1] > pair[1]):
                taken.insert(n, pair)
                follower[item], leader[target], offset[target] = target, item, down
    line, within = [-1] * len(found.rank), [0.0] * len(found.rank)
    for column in found.columns:
        for item in column:
            if leader[item] < 0:
                line[item] = item
            else:
                line[item], within[item] = line[leader[item]], within[leader[item]] + offset[item]
    return line, within


def _wish(found: Columns, item: int, spine: dict[int, int]) -> Iterable[tuple[int, int, int, int, float]]:
    """What an item would like to lie on one line with: how much, and how far below its own top the other's is."""
    for n, step in enumerate(found.after[item]):
        bend, beside = found.is_bend(item), found.is_bend(step.item)
        if spine.get(item) == step.item or not (bend or beside):
            down = found.axis(item) - found.axis(step.item)
        else:
            down = step.here - step.there
        urge = 0 if spine.get(item) == step.item else 1 if bend and beside else 2 if not bend and not beside else 3
        yield urge, n, item, step.item, down


@dataclasses.dataclass
class _Apart:
    """Which lines lie above and below each other, and how far apart at least."""

    below: dict[int, dict[int, float]]  # line -> the lines under it
    above: dict[int, dict[int, float]]
    order: list[int]  # each after those above it

    def least(self, line: int, top: dict[int, float]) -> float:
        """How high a line may lie, under those above it that have a place."""
        return max(
            (top[over] + far for over, far in self.above.get(line, {}).items() if over in top), default=-math.inf
        )

    def most(self, line: int, top: dict[int, float]) -> float:
        """How low it may lie."""
        lows = (top[under] - far for under, far in self.below.get(line, {}).items() if under in top)
        return min(lows, default=math.inf)


def _stacked(
    found: Columns, line: list[int], within: list[float], spine: int, distances: tuple[float, float, float]
) -> dict[int, float]:
    """Put the spine at 0 and every other line as near to it as can be, then a little nearer to what it is wired to."""
    apart = _apart(found, line, within, distances)
    top = {spine: 0.0}
    for each in apart.order[apart.order.index(spine) + 1 :]:
        if (least := apart.least(each, top)) > -math.inf:
            top[each] = least
    for each in reversed(apart.order):
        if each not in top:
            most = apart.most(each, top)
            top[each] = most if most < math.inf else 0.0
    pulls = _pulls(found, line, within)
    for n in range(SETTLING):
        for each in apart.order if n % 2 else reversed(apart.order):
            if each != spine and each in pulls:
                wanted = statistics.median(top[other] + down for other, down in pulls[each])
                top[each] = min(max(wanted, apart.least(each, top)), apart.most(each, top))
    return top


def _apart(found: Columns, line: list[int], within: list[float], distances: tuple[float, float, float]) -> _Apart:
    below: dict[int, dict[int, float]] = {}
    above: dict[int, dict[int, float]] = {}
    waiting = dict.fromkeys(line, 0)
    for column in found.columns:
        for upper, lower in itertools.pairwise(column):
            bends = found.is_bend(upper) + found.is_bend(lower)
            least = found.height(upper) + distances[bends] + within[upper] - within[lower]
            over, under = line[upper], line[lower]
            known = below.setdefault(over, {})
            waiting[under] += under not in known
            known[under] = above.setdefault(under, {})[over] = max(least, known.get(under, -math.inf))
    ready = [each for each, count in waiting.items() if not count]
    order = []
    while ready:
        order.append(each := ready.pop())
        for under in below.get(each, ()):
            waiting[under] -= 1
            if not waiting[under]:
                ready.append(under)
    assert len(order) == len(waiting)  # lines do not cross
    return _Apart(below, above, order)


def _pulls(found: Columns, line: list[int], within: list[float]) -> dict[int, list[tuple[int, float]]]:
    """The lines that each is wired to, and how far below their tops its own would be for the wire to be straight."""
    pulls: dict[int, list[tuple[int, float]]] = {}
    for item, steps in enumerate(found.after):
        for step in steps:
            if line[item] != line[step.item]:
                down = within[item] + step.here - within[step.item] - step.there
                pulls.setdefault(line[step.item], []).append((line[item], down))
                pulls.setdefault(line[item], []).append((line[step.item], -down))
    return pulls
