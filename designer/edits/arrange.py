"""Arrange layers along their wires: the main line straight, none over another, few wires crossing."""

import statistics
from collections import Counter
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from designer.edits.layered import GAP, Box, Place, Wire, layered
from designer.model import BUNDLE, Call, Group, Layer, Network, NetworkError, Port
from designer.model.names import join, parent

GRID = 8.0  # positions are multiples of it
HEADER, ROW, ROWS = 22.0, 24.0, 56.0  # where a lone data port sits, how far several lie apart, where the first sits
ASIDE = 20.0  # how far beside layers wires lead down
UNDER = 40.0  # between a layer on a learnable wire and what stands above it


class Outline(NamedTuple):
    """The size that a layer is drawn in, px at 100 %, and how far below its top each of its data ports sits."""

    width: float
    height: float
    inputs: Mapping[str, float] = {}
    outputs: Mapping[str, float] = {}


def arrange(
    network: Network,
    sizes: Mapping[str, Outline] | None = None,
    path: str | None = None,
    names: Collection[str] = (),
    rows: bool = False,
    down: bool = False,
) -> Network:
    """Give every layer a position, without overlaps; inside groups too, or only inside the group at ``path``.

    ``sizes`` are the outlines by path; what is not in it is estimated. With ``names``, paths in one group, only those
    layers are moved. What is arranged stays as it is; where something was added, others move as little as possible.
    With ``rows`` a line that is too long to be seen at once goes on below its beginning, as text does. Data leads from
    left to right, or with ``down`` from top to bottom.
    """
    sizes = sizes or {}
    for name in names:
        network.layer(name)
    homes = {parent(name) for name in names}
    if len(homes) > 1:
        raise NetworkError(f"{min(names)} and {max(names)} are not in one group, so they cannot be arranged together.")
    if names or path is not None:
        paths = [*homes] if names else [path or ""]
    else:
        paths = ["", *(p for p, layer in network.walk() if isinstance(layer, Group))]
    crossing = _crossing(network)
    positions: dict[str, Place] = {}
    for home in paths:
        level = network.network_at(home)
        chosen = [name for name in level.layers if not names or join(home, name) in names]
        outlines = {name: sizes.get(join(home, name)) for name in chosen}
        known = {
            name: outline or estimated_outline(name, level.layers[name], crossing[join(home, name)])
            for name, outline in outlines.items()
        }
        made = _places(level, known, rows, down)
        if names:
            others = {name: sizes.get(join(home, name)) for name in level.positions if name not in chosen}
            made = _clear_of(made, known, level, others)
        positions |= {join(home, name): at for name, at in made.items()}
    return network.move(positions)


def estimated_outline(name: str, layer: Layer, crossing: int = 0) -> Outline:
    """About the outline that a layer is drawn in, folded; ``crossing``: learnable ports that a group shows."""
    described = f"{type(layer).__name__} · {layer.summary(*[None] * len(layer.inputs()))}"
    learns = bool(layer.learnables()) or isinstance(layer, Group | Call)
    width = max(168.0 if learns else 112.0, 52.0 + max(8.0 * len(name), 6.0 * len(described)))
    rows = max(len(layer.inputs()), len(layer.outputs()), 3 if layer.variadic else 0)
    shown = len({*layer.input_learnables, *layer.output_learnables}) + crossing + isinstance(layer, Call)
    if isinstance(layer, Group) and rows > 1:  # the names of its ports stand on both sides
        width = 280.0
    height = 44 + (24 * rows + 4 if rows > 1 else 0) + (24 + 20 * shown + 6 * bool(shown) if learns else 0)
    anchors = [_anchors(ports) for ports in (layer.inputs(), layer.outputs())]
    return Outline(min(280.0, -(-width // GRID) * GRID), float(height), *anchors)


def _anchors(ports: Collection[str]) -> dict[str, float]:
    return {port: ROWS + ROW * n if len(ports) > 1 else HEADER for n, port in enumerate(ports)}


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


def _places(network: Network, outlines: Mapping[str, Outline], rows: bool, down: bool) -> dict[str, Place]:
    """Where the layers of one network go that have an outline."""
    data, hanging = _wires(network, outlines.keys())
    standing = [name for name in outlines if name not in hanging]
    index = {name: n for n, name in enumerate(standing)}
    boxes = [Box(outlines[name].width, outlines[name].height) for name in standing]
    wires = [
        Wire(index[first], index[last])
        for first, last in _bridges(network, outlines.keys())
        if first in index and last in index
    ]
    for source, target in data:
        out = outlines[source.layer].outputs.get(source.name, HEADER)
        into = _into(network, outlines[target.layer], target)
        if down:  # along the right side of the one, and the left side of the other
            out, into = outlines[source.layer].width + ASIDE, -ASIDE
        wires.append(Wire(index[source.layer], index[target.layer], out, into))
    before = [network.positions.get(name) for name in standing]
    if down:
        turned = [Box(box.height, box.width) for box in boxes]
        made = [(x, y) for y, x in layered(turned, wires, [at and at[0] for at in before], rows, down)]
    else:
        made = layered(boxes, wires, [at and at[1] for at in before], rows)
    places = dict(zip(standing, made))
    _hang(hanging, places, outlines)
    return _kept_near(places, network.positions)


def _clear_of(
    places: dict[str, Place],
    outlines: Mapping[str, Outline],
    network: Network,
    others: Mapping[str, Outline | None],
) -> dict[str, Place]:
    """The places, all moved down to where none lies over a layer that is not moved."""
    standing = []
    for name, outline in others.items():
        (x, y), known = network.positions[name], outline or estimated_outline(name, network.layers[name])
        standing.append((x, y, x + known.width, y + known.height))
    down = 0.0
    for _ in range(len(standing) + 1):
        met = [
            bottom - (y + down)
            for left, top, right, bottom in standing
            for name, (x, y) in places.items()
            if x < right and left < x + outlines[name].width
            if y + down < bottom and top < y + down + outlines[name].height
        ]
        if not met:
            break
        down = _snapped(down + max(met) + UNDER)
    return {name: (x, y + down) for name, (x, y) in places.items()}


def _into(network: Network, outline: Outline, target: Port) -> float:
    """How far below the top of its layer a wire arrives; ports of any number sit in the order of their names."""
    known = outline.inputs.get(target.name)
    if known is None and network.layers[target.layer].variadic:
        return ROWS + ROW * int(target.name)
    return HEADER if known is None else known


def _wires(network: Network, names: AbstractSet[str]) -> tuple[list[tuple[Port, Port]], dict[str, list[str]]]:
    """The data wires between layers, and the layers that only learnable wires join, with those at their other ends."""
    data: list[tuple[Port, Port]] = []
    ties: list[tuple[Port, Port]] = []
    for target, source in network.connections.items():
        ends = [port._replace(layer=port.layer.partition(".")[0]) for port in (source, target)]
        if ends[0].layer != ends[1].layer and {ends[0].layer, ends[1].layer} <= names:
            (ties if source.name == BUNDLE or network.is_learnable(source) else data).append((ends[0], ends[1]))
    standing = {port.layer for wire in data for port in wire}
    for wire in ties:
        taken = wire[1].name == BUNDLE or wire[1].name in network.layers[wire[1].layer].learnables()
        if wire[1].layer in standing and not taken:
            data.append(wire)  # a learnable meets data there: an ordinary input
            standing.add(wire[0].layer)
    hanging: dict[str, list[str]] = {}
    for source, target in ties:
        for name, other in ((source.layer, target.layer), (target.layer, source.layer)):
            layer = network.layers[name]
            if name not in standing and (layer.computes or not layer.inputs()):
                hanging.setdefault(name, []).append(other)
    return data, hanging


def _bridges(network: Network, names: AbstractSet[str]) -> list[tuple[str, str]]:
    """The layers of some that data leads between through others, which are not among them."""
    if len(names) == len(network.layers):
        return []
    after: dict[str, set[str]] = {}
    for target, source in network.connections.items():
        if source.name != BUNDLE and not network.is_learnable(source):
            first, last = (port.layer.partition(".")[0] for port in (source, target))
            after.setdefault(first, set()).add(last)
    found = []
    for name in names:
        ready, seen = [other for other in after.get(name, ()) if other not in names], set[str]()
        while ready:
            other = ready.pop()
            if other not in seen:
                seen.add(other)
                for last in after.get(other, ()):
                    ready.append(last) if last not in names else found.append((name, last))
    return found


def _hang(hanging: Mapping[str, list[str]], places: dict[str, Place], outlines: Mapping[str, Outline]) -> None:
    """Put layers on learnable wires under what stands between the layers at their ends."""
    spans = {name: (x, x + outlines[name].width, y + outlines[name].height) for name, (x, y) in places.items()}
    ends = {name: [spans[other] for other in others if other in spans] for name, others in hanging.items()}
    middles = {name: statistics.fmean([(a + b) / 2 for a, b, _ in its] or [0.0]) for name, its in ends.items()}
    hung: list[tuple[float, float, float]] = []  # left, right and bottom of what hangs already
    for name in sorted(hanging, key=middles.__getitem__):
        outline = outlines[name]
        left = middles[name] - outline.width / 2
        right = left + outline.width
        first, last = min([left, *(a for a, _, _ in ends[name])]), max([right, *(b for _, b, _ in ends[name])])
        y = max((bottom for a, b, bottom in spans.values() if a < last and first < b), default=0.0) + UNDER
        for its_left, its_right, bottom in hung:
            if left < its_right + GAP / 2 and its_left < right + GAP / 2:
                y = max(y, bottom + UNDER)
        places[name] = left, y
        hung.append((left, right, y + outline.height))


def _kept_near(places: Mapping[str, Place], before: Mapping[str, Place]) -> dict[str, Place]:
    """The places on the grid, all moved together so that most layers stay where they were."""
    snapped = {name: (_snapped(x), _snapped(y)) for name, (x, y) in places.items()}
    known = [(before[name], at) for name, at in snapped.items() if name in before]
    right, down = (_snapped(statistics.median_low([o[n] - at[n] for o, at in known] or [0.0])) for n in (0, 1))
    return {name: (x + right, y + down) for name, (x, y) in snapped.items()}


def _snapped(value: float) -> float:
    return round(value / GRID) * GRID
