"""The order of computation: each layer after those whose shapes it needs, else the order of adding."""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence

Feeders = Mapping[str, Sequence[str]]  # path -> the paths that come before it, in the order of adding


def computed(feeders: Feeders) -> tuple[list[str], tuple[str, ...]]:
    """The order, and what waits for itself, which comes last."""
    index = {path: n for n, path in enumerate(feeders)}
    if all(index[feeder] < n for n, those in enumerate(feeders.values()) for feeder in those):
        return list(feeders), ()
    after: dict[str, list[str]] = {path: [] for path in feeders}
    waiting: dict[str, int] = {}
    for path, those in feeders.items():
        each = set(those)
        waiting[path] = len(each)
        for feeder in each:
            after[feeder].append(path)
    ready = [(n, path) for path, n in index.items() if not waiting[path]]
    order = []
    while ready:
        _, path = heapq.heappop(ready)
        order.append(path)
        for follower in after[path]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, (index[follower], follower))
    circular = tuple(path for path in feeders if waiting[path])
    return [*order, *circular], circular


def computed_after(
    order: list[str],
    place: Mapping[str, int],
    before: Feeders,
    feeders: Feeders,
    others: Iterable[str],
    index: Callable[[str], int],
) -> tuple[list[str], tuple[str, ...]]:
    """The order after an edit, where ``others`` have other feeders and ``index`` tells the place of each by adding.

    Of all orders that the feeders allow it is the smallest by adding. It stays as it is where each layer stands behind
    all that feed it, and could stand earlier only before layers that were added before it.
    """
    if (names := list(feeders)) != list(before):
        kept = [path for path in before if path in feeders]
        if names[: len(kept)] != kept:
            return computed(feeders)
        order = [path for path in order if path in feeders] + names[len(kept) :]
        place = {path: n for n, path in enumerate(order)}
    for path in others:
        at, ready = place[path], max((place[feeder] + 1 for feeder in feeders[path]), default=0)
        if ready > at or max(map(index, order[ready:at]), default=-1) > index(path):
            return computed(feeders)
    return order, ()
