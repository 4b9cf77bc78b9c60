"""The order of items within columns, so that few wires cross (Gansner et al., A technique for drawing directed graphs,
1993): medians of neighbours, there and back, then exchanges of items side by side."""

import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from designer.edits.layered.columns import Columns, Step

SWEEPS = 12
PATIENCE = 4  # sweeps without a better order, after which the best one is kept


def put_in_order(found: Columns, tops: Sequence[float | None] = ()) -> int:
    """Order the items of every column; give the number of crossings that are left.

    ``tops`` are where boxes stand now: an order like theirs is taken if no other crosses fewer wires.
    """
    crossings, columns = _best(found)
    if any(top is not None for top in tops) and not _agree(columns, tops):
        _as_they_stand(found, tops)
        now, kept = _best(found)
        if now <= crossings:
            crossings, columns = now, kept
    found.columns[:] = columns
    return crossings


def _agree(columns: list[list[int]], tops: Sequence[float | None]) -> bool:
    """Whether the boxes of each column stand in this order already, so that arranging twice changes nothing."""
    for column in columns:
        known = [top for item in column if item < len(tops) and (top := tops[item]) is not None]
        if any(upper > lower for upper, lower in itertools.pairwise(known)):
            return False
    return True


def _best(found: Columns) -> tuple[int, list[list[int]]]:
    """The order with the fewest crossings that sweeps from the present one lead to."""
    place = _Places(found)
    best, kept = place.all_crossings(), [*map(list, found.columns)]
    idle = 0
    for sweep in range(SWEEPS):
        if not best or idle == PATIENCE:
            break
        place.sweep(rightwards=sweep % 2 == 0)
        now = place.all_crossings()
        idle += 1
        if now < best:
            best, kept, idle = now, [*map(list, found.columns)], 0
    return best, kept


def _as_they_stand(found: Columns, tops: Sequence[float | None]) -> None:
    """Order items by where boxes stand; what is new, and the bends of wires, by what they come from and lead to."""
    heights: list[float | None] = [*tops, *[None] * (len(found.rank) - len(tops))]
    for beside in (found.before, found.after):
        for column in found.columns if beside is found.before else reversed(found.columns):
            for item in column:
                if heights[item] is None:
                    near = [top for step in beside[item] if (top := heights[step.item]) is not None]
                    heights[item] = sum(near) / len(near) if near else None
    for column in found.columns:
        column.sort(key=lambda item: heights[item] or 0.0)


class _Places:
    """At which place of its column each item stands."""

    def __init__(self, found: Columns):
        self.found = found
        self.at = [0] * len(found.rank)
        self._crossings: list[int | None] = [None] * max(
            0, len(found.columns) - 1
        )  # after each column; None: not known
        for n in range(len(found.columns)):
            self._number(n)

    def _number(self, n: int) -> None:
        """Take in a new order of a column."""
        for place, item in enumerate(self.found.columns[n]):
            self.at[item] = place
        for gap in (n - 1, n):
            if 0 <= gap < len(self._crossings):
                self._crossings[gap] = None

    def _ends(self, steps: list[Step]) -> list[float]:
        """Where wires end in the column beside, sorted: at the place of an item, and at which height of it."""
        at = self.at
        return sorted([at[step.item] + step.there / 65536 for step in steps])

    def all_crossings(self) -> int:
        return sum(map(self.crossings, range(len(self._crossings))))

    def crossings(self, gap: int) -> int:
        """How many wires cross between a column and the next."""
        if not 0 <= gap < len(self._crossings):
            return 0
        known = self._crossings[gap]
        if known is None:
            known = self._crossings[gap] = self._counted(gap)
        return known

    def _counted(self, gap: int) -> int:
        column = self.found.columns[gap]
        if len(column) < 2 and len(self.found.columns[gap + 1]) < 2 and len(self.found.after[column[0]]) < 2:
            return 0
        seen: list[float] = []
        crossed = 0
        for item in column:
            steps = self.found.after[item]
            for _, group in _by_height(steps):
                ends = self._ends(group)
                crossed += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return crossed

    def sweep(self, rightwards: bool) -> None:
        """Order each column, where wires cross, by what is known of the one beside it."""
        count = len(self.found.columns)
        beside = self.found.before if rightwards else self.found.after
        for n in range(1, count) if rightwards else range(count - 2, -1, -1):
            if self.crossings(n - 1 if rightwards else n):
                self._by_medians(n, beside)
        for n in range(count):
            if self.crossings(n - 1) or self.crossings(n):
                self._exchange(n)

    def _by_medians(self, n: int, beside: list[list[Step]]) -> None:
        column = self.found.columns[n]
        medians = {item: _median(self._ends(beside[item])) for item in column if beside[item]}
        moving = iter(sorted(medians, key=medians.__getitem__))  # an item without wires there keeps its place
        ordered = [next(moving) if item in medians else item for item in column]
        if ordered != column:
            column[:] = ordered
            self._number(n)

    def _exchange(self, n: int) -> None:
        """Exchange items side by side while wires cross less."""
        column = self.found.columns[n]
        left = {item: self._ends(self.found.before[item]) for item in column}
        right = {item: self._ends(self.found.after[item]) for item in column}
        better, changed = True, False
        while better:
            better = False
            for k in range(len(column) - 1):
                upper, lower = column[k], column[k + 1]
                now = _crossed(left[upper], left[lower]) + _crossed(right[upper], right[lower])
                if now and now > _crossed(left[lower], left[upper]) + _crossed(right[lower], right[upper]):
                    column[k], column[k + 1] = lower, upper
                    better = changed = True
        if changed:
            self._number(n)


def _by_height(steps: list[Step]) -> list[tuple[float, list[Step]]]:
    groups: dict[float, list[Step]] = {}
    for step in steps:
        groups.setdefault(step.here, []).append(step)
    return sorted(groups.items())


def _median(ends: list[float]) -> float:
    """The median; of an even number the one between, nearer to the side that lies closer together."""
    middle = len(ends) // 2
    if len(ends) % 2:
        return ends[middle]
    if len(ends) == 2:
        return (ends[0] + ends[1]) / 2
    left, right = ends[middle - 1] - ends[0], ends[-1] - ends[middle]
    return (ends[middle - 1] * right + ends[middle] * left) / (left + right) if left + right else ends[middle]


def _crossed(upper: list[float], lower: list[float]) -> int:
    return sum(bisect_left(lower, end) for end in upper)
