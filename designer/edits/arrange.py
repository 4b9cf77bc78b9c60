"""Arrange layers along their wires: the main line straight, none over another, few wires crossing."""

import math
import statistics
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from designer.edits.layered import GAP, Box, Place, Wire, layered
from designer.edits.outline import BESIDE, GRID, ROW, ROWS, Outline, crossing_ports, estimated_outline, outline_in
from designer.model import BUNDLE, Group, Network, NetworkError, Port
from designer.model.names import join, parent

UNDER = 40.0  # between a layer on a learnable wire and what stands above it


def arrange(
    network: Network,
    sizes: Mapping[str, Outline] | None = None,
    path: str | None = None,
    names: Collection[str] = (),
    rows: bool = False,
    down: bool | None = None,
) -> Network:
    """Give every layer a position, without overlaps; inside groups too, or only inside the group at ``path``.

    ``sizes`` are the outlines by path; what is not in it is estimated. With ``names``, paths in one group, only those
    layers are moved. What is arranged stays as it is; where something was added, others move as little as possible.
    With ``rows`` a line that is too long to be seen at once goes on below its beginning, as text does. Data leads as
    it does there, with ``down`` from top to bottom, or (False) from left to right, which takes all layers of a group.
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
    crossing = crossing_ports(network)
    positions: dict[str, Place] = {}
    for home in paths:
        level = network.network_at(home)
        if down is not None and down != level.down:
            if names and len({*names}) < len(level.layers):
                raise NetworkError("Only all layers of a group together can be given another direction.")
            network, level = network.turn(down, home), level.turn(down)
        chosen = [name for name in level.layers if not names or join(home, name) in names]
        outlines = {name: sizes.get(join(home, name)) for name in chosen}
        known = {
            name: outline or outline_in(network, join(home, name), crossing.get(join(home, name), ()))
            for name, outline in outlines.items()
        }
        made = _places(level, known, rows)
        if names:
            others = {name: sizes.get(join(home, name)) for name in level.positions if name not in chosen}
            made = _clear_of(made, known, level, others)
        positions |= {join(home, name): at for name, at in made.items()}
    return network.move(positions)


def _places(network: Network, outlines: Mapping[str, Outline], rows: bool) -> dict[str, Place]:
    """Where the layers of one network go that have an outline."""
    data, hanging = _wires(network, outlines.keys())
    standing = [name for name in outlines if name not in hanging]
    index = {name: n for n, name in enumerate(standing)}
    down = network.down
    boxes = [_box(outlines[name], down) for name in standing]
    wires = [
        Wire(index[first], index[last])
        for first, last in _bridges(network, outlines.keys())
        if first in index and last in index
    ]
    for source, target in data:
        first, last = index[source.layer], index[target.layer]
        out = outlines[source.layer].outputs.get(source.name, boxes[first].axis)
        into = _into(network, outlines[target.layer], target, boxes[last].axis)
        wires.append(Wire(first, last, out, into))
    before = [network.positions.get(name) for name in standing]
    made = layered(boxes, wires, [at and at[0 if down else 1] for at in before], rows, down)
    if down:
        made = [(x, y) for y, x in made]
    places = dict(zip(standing, made))
    (_hang_beside if down else _hang)(hanging, places, outlines)
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
        x, y = network.positions[name]
        known = outline or estimated_outline(name, network.layers[name], network.down)
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


def _box(outline: Outline, down: bool) -> Box:
    """What is laid out; from top to bottom with left and top exchanged."""
    if down:  # rows begin on the grid, so that they are alike
        return Box(GRID * math.ceil(outline.height / GRID), outline.width, outline.width / 2)
    return Box(outline.width, outline.height)


def _into(network: Network, outline: Outline, target: Port, axis: float) -> float:
    """Where a wire arrives at the side of its layer; ports of any number sit in the order of their names."""
    known = outline.inputs.get(target.name)
    if known is None and network.layers[target.layer].variadic:
        return axis + BESIDE * int(target.name) if network.down else ROWS + ROW * int(target.name)
    return axis if known is None else known


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


def _hang(
    hanging: Mapping[str, list[str]],
    places: dict[str, Place],
    outlines: Mapping[str, Outline],
    under: float = UNDER,
) -> None:
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
        y = max((bottom for a, b, bottom in spans.values() if a < last and first < b), default=0.0) + under
        for its_left, its_right, bottom in hung:
            if left < its_right + GAP / 2 and its_left < right + GAP / 2:
                y = max(y, bottom + UNDER)
        places[name] = left, y
        hung.append((left, right, y + outline.height))


def _hang_beside(hanging: Mapping[str, list[str]], places: dict[str, Place], outlines: Mapping[str, Outline]) -> None:
    """Put layers on learnable wires right of what stands between the layers at their ends."""
    turned = {name: (y, x) for name, (x, y) in places.items()}
    _hang(hanging, turned, {name: Outline(each.height, each.width) for name, each in outlines.items()}, GAP)
    places |= {name: (turned[name][1], turned[name][0]) for name in hanging}


def _kept_near(places: Mapping[str, Place], before: Mapping[str, Place]) -> dict[str, Place]:
    """The places on the grid, all moved together so that most layers stay where they were."""
    snapped = {name: (_snapped(x), _snapped(y)) for name, (x, y) in places.items()}
    known = [(before[name], at) for name, at in snapped.items() if name in before]
    right, down = (_snapped(statistics.median_low([o[n] - at[n] for o, at in known] or [0.0])) for n in (0, 1))
    return {name: (x + right, y + down) for name, (x, y) in snapped.items()}


def _snapped(value: float) -> float:
    return round(value / GRID) * GRID
