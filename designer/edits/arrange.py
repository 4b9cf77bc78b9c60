"""Place layers from left to right by the longest path that leads to them."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from designer.model import Call, Group, Layer, Network, Port
from designer.model.names import join, parent

Size = tuple[float, float]  # width and height, px at 100 %

GAP, ROW, GRID = 64.0, 32.0, 8.0  # between columns, between rows; positions are multiples of GRID
SWEEPS = 4


def arrange(network: Network, sizes: Mapping[str, Size] | None = None, path: str | None = None) -> Network:
    """Give every layer a position, without overlaps; inside groups too, or only inside the group at ``path``.

    ``sizes`` are the widths and heights by path; what is not in it is estimated.
    """
    sizes = sizes or {}
    if path is None:
        paths = ["", *(p for p, layer in network.walk() if isinstance(layer, Group))]
    else:
        paths = [path]
    positions: dict[str, tuple[float, float]] = {}
    crossing = _crossing(network)

    def size(home: str, name: str, layer: Layer) -> Size:
        if (known := sizes.get(join(home, name))) is not None:
            return known
        width, height = estimated_size(name, layer)
        return width, height + 20 * crossing[join(home, name)]

    for home in paths:
        level = network.network_at(home)
        own = {name: size(home, name, layer) for name, layer in level.layers.items()}
        positions |= {join(home, name): at for name, at in _places(level, own).items()}
    return network.move(positions)


def estimated_size(name: str, layer: Layer) -> Size:
    """About the size that a layer is drawn in, folded."""
    described = f"{type(layer).__name__} · {layer.summary(*[None] * len(layer.inputs()))}" if layer.inputs() else ""
    learns = bool(layer.learnables()) or isinstance(layer, Group | Call)
    width = max(168.0 if learns else 112.0, 52.0 + max(8.0 * len(name), 6.0 * len(described)))
    rows = max(len(layer.inputs()), len(layer.outputs()), 3 if layer.variadic else 0)
    switched = {*layer.input_learnables, *layer.output_learnables}
    height = 44 + (24 * rows + 4 if rows > 1 else 0) + (24 + 20 * len(switched) + 6 if learns else 0)
    return min(280.0, -(-width // GRID) * GRID), float(height)


def _crossing(network: Network) -> Counter[str]:
    """How many learnable ports each group shows, because their wires cross its border."""
    found: set[tuple[str, Port]] = set()
    for ends in network.wires.items():
        for port, other in (ends, ends[::-1]):
            group = parent(port.layer)
            while group and not other.layer.startswith(f"{group}."):
                found.add((group, port))
                group = parent(group)
    return Counter(group for group, _ in found)


@dataclasses.dataclass
class _Level:
    """The layers of one network as a graph: data wires first, ties only where data says nothing."""

    names: list[str]
    before: dict[str, list[str]]  # by data
    after: dict[str, list[str]]
    hanging: dict[str, list[str]]  # a layer on a learnable wire -> the layers at its ends


def _places(network: Network, sizes: Mapping[str, Size]) -> dict[str, tuple[float, float]]:
    level = _level(network)
    columns = _columns(level)
    _order_columns(columns, level)
    xs = _lefts(columns, sizes)
    rows = _rows(columns, level, sizes)
    places = {name: (xs[n], rows[name]) for n, column in enumerate(columns) for name in column}
    _hang(level, places, sizes)
    return {name: (_snapped(x), _snapped(y)) for name, (x, y) in places.items()}


def _snapped(value: float) -> float:
    return round(value / GRID) * GRID


def _level(network: Network) -> _Level:
    before: dict[str, list[str]] = {name: [] for name in network.layers}
    after: dict[str, list[str]] = {name: [] for name in network.layers}
    hanging: dict[str, list[str]] = {}
    for target, source in network.connections.items():
        first, last = (port.layer.partition(".")[0] for port in (source, target))
        if not network.is_learnable(source):
            if last not in after[first]:
                before[last].append(first)
                after[first].append(last)
            continue
        for name, other in ((first, last), (last, first)):
            if network.layers[name].computes:
                hanging.setdefault(name, []).append(other)
    for name in [name for name in hanging if before[name]]:
        del hanging[name]  # a learnable meets data there: an ordinary layer
    return _Level(list(network.layers), before, after, hanging)


def _columns(level: _Level) -> list[list[str]]:
    """The layers by the longest path to them; sources stand just before what they feed."""
    standing = [name for name in level.names if name not in level.hanging]
    try:
        order = [n for n in TopologicalSorter(level.before).static_order() if n not in level.hanging]
    except CycleError:  # an expression inside a group feeds what feeds the group
        order = standing
    rank = dict.fromkeys(standing, 0)
    for name in order:
        rank[name] = max((rank[other] + 1 for other in level.before[name] if other in rank), default=0)
    for name in standing:
        followers = [rank[other] for other in level.after[name] if other in rank]
        if not level.before[name] and followers:
            rank[name] = max(0, min(followers) - 1)
    columns: list[list[str]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for name in standing:
        columns[rank[name]].append(name)
    return [column for column in columns if column]


def _order_columns(columns: list[list[str]], level: _Level) -> None:
    """Order each column by the mean place of its neighbours, there and back, so that wires cross little."""
    place = {name: float(n) for column in columns for n, name in enumerate(column)}

    def sort(column: list[str], neighbours: Mapping[str, list[str]]) -> None:
        def mean(name: str) -> float:
            near = [place[other] for other in neighbours[name] if other in place]
            return sum(near) / len(near) if near else place[name]

        column.sort(key=mean)
        place.update((name, float(n)) for n, name in enumerate(column))

    for _ in range(SWEEPS):
        for column in columns[1:]:
            sort(column, level.before)
        for column in reversed(columns[:-1]):
            sort(column, level.after)


def _lefts(columns: list[list[str]], sizes: Mapping[str, Size]) -> list[float]:
    lefts, x = [], 0.0
    for column in columns:
        lefts.append(x)
        x += max(sizes[name][0] for name in column) + GAP
    return lefts


def _rows(columns: list[list[str]], level: _Level, sizes: Mapping[str, Size]) -> dict[str, float]:
    """The top of each layer: as near as possible to what feeds it, none over another."""
    tops: dict[str, float] = {}
    for column in columns:
        tops |= _stacked(column, {name: _mean(tops, level.before[name]) for name in column}, sizes)
    for column in reversed(columns):  # a source is drawn to what it feeds
        wanted = {name: tops[name] if level.before[name] else _mean(tops, level.after[name]) for name in column}
        tops |= _stacked(column, wanted, sizes)
    return tops


def _mean(tops: Mapping[str, float], names: Iterable[str]) -> float | None:
    near = sorted(tops[name] for name in names if name in tops)
    return near[len(near) // 2] if len(near) % 2 else (sum(near[len(near) // 2 - 1 :][:2]) / 2 if near else None)


def _stacked(column: list[str], wanted: Mapping[str, float | None], sizes: Mapping[str, Size]) -> dict[str, float]:
    """Tops from above to below, near the wanted ones; a heap of layers is moved up by half of what it had to sink."""
    tops: dict[str, float] = {}
    floor, sunk = -1e12, 0.0
    block: list[str] = []
    for name in column:
        want = wanted[name] if wanted[name] is not None else (floor if tops else 0.0)
        assert want is not None
        if want >= floor:
            _raise(tops, block, sunk)
            block, sunk = [], 0.0
        tops[name] = max(want, floor)
        sunk = max(sunk, tops[name] - want)
        block.append(name)
        floor = tops[name] + sizes[name][1] + ROW
    _raise(tops, block, sunk)
    for upper, lower in itertools.pairwise(column):
        tops[lower] = max(tops[lower], tops[upper] + sizes[upper][1] + ROW)
    return tops


def _raise(tops: dict[str, float], block: list[str], sunk: float) -> None:
    for name in block:
        tops[name] -= sunk / 2


def _hang(level: _Level, places: dict[str, tuple[float, float]], sizes: Mapping[str, Size]) -> None:
    """Put layers on learnable wires below the lowest layer, between the layers at their ends."""
    if not level.hanging:
        return
    floor = max((y + sizes[name][1] for name, (_, y) in places.items()), default=0.0) + ROW
    right = -1e12
    middles = {}
    for name in level.hanging:
        ends = [places[other][0] + sizes[other][0] / 2 for other in level.hanging[name] if other in places]
        middles[name] = sum(ends) / len(ends) if ends else 0.0
    for name in sorted(level.hanging, key=lambda name: middles[name]):
        x = max(middles[name] - sizes[name][0] / 2, right)
        places[name] = (x, floor)
        right = x + sizes[name][0] + GAP / 2
