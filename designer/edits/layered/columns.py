"""Columns: where each box stands from left to right, and the bends of wires that pass more than one column."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

HEADER = 22.0  # the middle of a header: the line that a lone data port lies on
MOST_BENDS = 100_000  # wires that would need more are left to find their way by themselves, the longest first


class Box(NamedTuple):
    """What is laid out: its size in px at 100 %, and how far below its top the main line leads through it."""

    width: float
    height: float
    axis: float = HEADER


class Wire(NamedTuple):
    """From one box to another, by their indices, and how far below their tops it leaves and arrives."""

    source: int
    target: int
    out: float = HEADER
    into: float = HEADER


class Step(NamedTuple):
    """The part of a wire between two columns that are side by side: to which item, and at which heights."""

    item: int
    here: float  # below the top of the item that it belongs to
    there: float


@dataclasses.dataclass
class Columns:
    """Items by column, from above to below: boxes by their index, then bends, which have no size."""

    boxes: Sequence[Box]
    columns: list[list[int]]
    rank: list[int]  # item -> its column
    before: list[list[Step]]  # item -> the steps to the column before
    after: list[list[Step]]

    def is_bend(self, item: int) -> bool:
        return item >= len(self.boxes)

    def height(self, item: int) -> float:
        return self.boxes[item].height if item < len(self.boxes) else 0.0

    def axis(self, item: int) -> float:
        return self.boxes[item].axis if item < len(self.boxes) else 0.0


def ranked(boxes: Sequence[Box], wires: Sequence[Wire]) -> Columns:
    """Give every box the column of the longest path to it, and every long wire a bend in each column that it passes.

    Wires that leave one box at one height share their bends.
    """
    rank, forward = _ranks(len(boxes), wires)
    count = max(rank, default=-1) + 1
    found = Columns(boxes, [[] for _ in range(count)], rank, [[] for _ in boxes], [[] for _ in boxes])
    for item in range(len(boxes)):
        found.columns[rank[item]].append(item)
    room = MOST_BENDS
    strands: dict[tuple[int, float], list[int]] = {}  # the bends of the wires from one port
    for wire in sorted(forward, key=lambda wire: rank[wire.target] - rank[wire.source]):
        strand = strands.setdefault((wire.source, wire.out), [])
        needed = rank[wire.target] - rank[wire.source] - 1
        room -= max(0, needed - len(strand))
        if room < 0:
            break
        while len(strand) < needed:
            _bend(found, wire, strand)
        if needed:
            _join(found, strand[needed - 1], wire.target, 0.0, wire.into)
        else:
            _join(found, wire.source, wire.target, wire.out, wire.into)
    return found


def _bend(found: Columns, wire: Wire, strand: list[int]) -> None:
    item = len(found.rank)
    column = found.rank[wire.source] + len(strand) + 1
    found.rank.append(column)
    found.columns[column].append(item)
    found.before.append([])
    found.after.append([])
    if strand:
        _join(found, strand[-1], item, 0.0, 0.0)
    else:
        _join(found, wire.source, item, wire.out, 0.0)
    strand.append(item)


def _join(found: Columns, source: int, target: int, out: float, into: float) -> None:
    found.after[source].append(Step(target, out, into))
    found.before[target].append(Step(source, into, out))


def _ranks(count: int, wires: Sequence[Wire]) -> tuple[list[int], list[Wire]]:
    """The column of each box, and the wires that lead from left to right: a few do not, where wires run in a ring."""
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for source, target in dict.fromkeys((wire.source, wire.target) for wire in wires):
        if source != target:
            after[source].append(target)
            before[target].append(source)
    waiting = [len(sources) for sources in before]
    ready = [item for item in range(count) if not waiting[item]]
    rank, done, rest = [0] * count, [False] * count, 0
    order: list[int] = []
    while len(order) < count:
        if not ready:  # a ring: open it at its first box
            while done[rest]:
                rest += 1
            ready.append(rest)
        item = ready.pop()
        if done[item]:
            continue
        done[item] = True
        order.append(item)
        for target in after[item]:
            if not done[target]:
                rank[target] = max(rank[target], rank[item] + 1)
                waiting[target] -= 1
                if not waiting[target]:
                    ready.append(target)
    for item in reversed(order):  # what feeds more than it takes stands beside what it feeds: wires are shorter so
        ahead = [rank[target] for target in after[item] if rank[target] > rank[item]]
        if ahead and len(before[item]) < len(ahead):
            rank[item] = min(ahead) - 1
    return rank, [wire for wire in wires if rank[wire.source] < rank[wire.target]]
