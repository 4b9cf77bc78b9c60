"""A layered layout: columns from left to right, few crossings, a straight main line (Sugiyama et al., 1981)."""

from collections.abc import Sequence

from designer.edits.layered.columns import Box, Columns, Wire, ranked
from designer.edits.layered.lines import TURNED, UPRIGHT, heights
from designer.edits.layered.order import put_in_order
from designer.edits.layered.rows import placed

GAP = 64.0  # between two columns: room for the shape on a wire
APART = 72.0  # between parts that no wire joins

Place = tuple[float, float]

__all__ = ["Box", "Place", "Wire", "layered"]


def layered(
    boxes: Sequence[Box],
    wires: Sequence[Wire],
    tops: Sequence[float | None] = (),
    rows: bool = False,
    turned: bool = False,
) -> list[Place]:
    """Give every box its left upper corner, so that none lies over another; time grows with the bends of wires.

    Wires lead from left to right; those that close a ring do not count. Parts that no wire joins stand one below
    the other, in the order of their first boxes. ``tops`` are where boxes stand now: an order that crosses no more
    wires than the best one is kept. ``rows``: a line too long to be seen at once goes on below its beginning.
    ``turned``: all of it is drawn with left and top exchanged, so wires need room beside the boxes.
    """
    places: list[Place] = [(0.0, 0.0)] * len(boxes)
    floor = 0.0
    for part, joined in _parts(len(boxes), wires):
        index = {item: n for n, item in enumerate(part)}
        inner = [w._replace(source=index[w.source], target=index[w.target]) for w in joined]
        found = ranked([boxes[item] for item in part], inner)
        put_in_order(found, [tops[item] for item in part] if tops else [])
        made = heights(found, TURNED if turned else UPRIGHT)
        spots = placed(found, _lefts(found), made, rows, turned)
        lift = floor - min(y for _, y in spots)
        for item, (x, y) in zip(part, spots):
            places[item] = x, y + lift
        floor = max(places[item][1] + boxes[item].height for item in part) + APART
    return places


def _parts(count: int, wires: Sequence[Wire]) -> list[tuple[list[int], list[Wire]]]:
    """The boxes that wires join, and those wires, part by part."""
    near: list[list[int]] = [[] for _ in range(count)]
    for wire in wires:
        near[wire.source].append(wire.target)
        near[wire.target].append(wire.source)
    parts: list[list[int]] = []
    of = [-1] * count
    for first in range(count):
        if of[first] < 0:
            of[first], part = len(parts), [first]
            for item in part:
                for other in near[item]:
                    if of[other] < 0:
                        of[other] = len(parts)
                        part.append(other)
            parts.append(sorted(part))
    joined: list[list[Wire]] = [[] for _ in parts]
    for wire in wires:
        joined[of[wire.source]].append(wire)
    return [*zip(parts, joined)]


def _lefts(found: Columns) -> list[float]:
    lefts, x = [], 0.0
    for column in found.columns:
        lefts.append(x)
        x += max(found.boxes[item].width for item in column if not found.is_bend(item)) + GAP
    return lefts
