"""Which tensors of a file look at the same numbers of a storage, without comparing each with each."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from designer.files.program import Stored
from designer.model.names import shortened

LONGEST = 100  # letters of a name
MOST_MARKED = 2**26  # places of a storage that are marked one by one
MOST_VISITED = 2**27  # of a file


class Overlap(NamedTuple):
    """What a tensor has in common with one that stands before it: larger, or as large and named earlier."""

    owner: str
    shared: int  # numbers


def said(name: str, overlap: Overlap, stored: Mapping[str, Stored]) -> str:
    """What is wrong with two learnables that overlap."""
    shared = f"{overlap.shared:,} of {stored[overlap.owner].numel:,} numbers"
    two = f"{named(overlap.owner)} and {named(name)}"
    return f"{two} are two learnables that overlap in memory ({shared}): torch trains these numbers twice"


def named(name: str) -> str:
    """A name of a file as a sentence may have it."""
    return name if name.isprintable() and len(name) <= LONGEST else shortened(name)


class _Place(NamedTuple):
    """The bytes that a tensor addresses: runs without a gap, so many in each dimension, so far from each other."""

    name: str
    low: int
    high: int  # behind the last
    item: int
    sizes: tuple[int, ...]  # of the dimensions, the widest step first
    steps: tuple[int, ...]
    run: int

    @property
    def solid(self) -> bool:
        """Whether there is no gap in it."""
        return not self.sizes


def overlaps(stored: Mapping[str, Stored]) -> dict[str, Overlap]:
    """Each name whose tensor has elements of another one, by the addresses of the elements.

    Names of the very same view count as one, the first. Those side by side in a storage have nothing in common, as
    the weights that cuDNN keeps of an LSTM. Where it would take very long to tell, nothing is said.
    """
    storages: dict[str, dict[tuple[object, ...], str]] = {}
    for name, entry in stored.items():
        if entry.numel:
            storages.setdefault(entry.storage, {}).setdefault(entry.view, name)
    found: dict[str, Overlap] = {}
    left = MOST_VISITED
    for views in storages.values():
        if len(views) == 1:
            continue
        for cluster in _clusters([_place(name, stored[name]) for name in views.values()]):
            if all(place.solid for place in cluster):
                found |= _solid(cluster)
            else:
                left -= _marked(cluster, left, found)
    return found


def _place(name: str, entry: Stored) -> _Place:
    import torch

    item = getattr(torch, entry.dtype).itemsize
    pairs = [(n, step * item) for n, step in zip(entry.shape, entry.strides) if n > 1 and step]
    pairs.sort(key=lambda pair: -pair[1])
    low = entry.offset * item
    high = low + item + sum((n - 1) * step for n, step in pairs)
    run = item
    while pairs and pairs[-1][1] == run:
        run *= pairs.pop()[0]
    return _Place(name, low, high, item, tuple(n for n, _ in pairs), tuple(step for _, step in pairs), run)


def _clusters(places: list[_Place]) -> list[list[_Place]]:
    """Those whose ranges meet, in the order that they were given."""
    order = {place.name: n for n, place in enumerate(places)}
    found: list[list[_Place]] = []
    end = -1
    for place in sorted(places, key=lambda place: place.low):
        if place.low >= end:
            found.append([])
        found[-1].append(place)
        end = max(end, place.high)
    return [sorted(some, key=lambda place: order[place.name]) for some in found if len(some) > 1]


def _solid(cluster: list[_Place]) -> dict[str, Overlap]:
    """Overlaps of tensors without gaps: with the one that begins before and reaches furthest."""
    found: dict[str, Overlap] = {}
    reach: _Place | None = None
    for place in sorted(cluster, key=lambda place: (place.low, -place.high)):
        if reach is not None and place.low < reach.high:
            found[place.name] = Overlap(reach.name, (min(place.high, reach.high) - place.low) // place.item)
        if reach is None or place.high > reach.high:
            reach = place
    return found


def _marked(cluster: list[_Place], left: int, found: dict[str, Overlap]) -> int:
    """Overlaps of tensors with gaps between their numbers, by marking whose each is; give how many were visited."""
    import torch

    first = min(place.low for place in cluster)
    grain = math.gcd(*(n for place in cluster for n in (place.low - first, place.run, *place.steps)))
    length = (max(place.high for place in cluster) - first) // grain
    if length > MOST_MARKED:
        return 0
    marks = torch.full((length,), -1, dtype=torch.int16 if len(cluster) < 2**15 else torch.int32)
    visited = 0
    for n, place in sorted(enumerate(cluster), key=lambda pair: -_count(pair[1])):
        visited += _count(place) // grain
        if visited > left:
            break
        sizes, steps = (*place.sizes, place.run // grain), (*(step // grain for step in place.steps), 1)
        view = marks.as_strided(sizes, steps, (place.low - first) // grain)
        taken = view[view >= 0]
        if len(taken):
            counts = taken.bincount()
            owner = int(counts.argmax())
            found[place.name] = Overlap(cluster[owner].name, int(counts[owner]) * grain // place.item)
        if len(taken) < view.numel():
            view.copy_(view.where(view >= 0, n))
    return visited


def _count(place: _Place) -> int:
    """The bytes that it addresses."""
    return math.prod(place.sizes) * place.run
