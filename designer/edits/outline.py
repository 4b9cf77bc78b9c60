"""The size that a layer is drawn in, and where its data ports sit, as far as it can be told without drawing it."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from designer.model import BUNDLE, Call, Group, Layer, Network, Parameter, Port
from designer.model.names import parent

GRID = 8.0  # positions are multiples of it
HEADER, ROW, ROWS = 22.0, 24.0, 56.0  # where a lone data port sits, how far several lie apart, where the first sits
BESIDE, EDGE = 32.0, 20.0  # on an upper or lower edge: how far apart ports sit at least, and how far from the corner
LABELS, BARE = 24.0, 4.0  # inside that edge: the row of their names, and without names
NARROW, LEARNING, WIDE = 112.0, 168.0, 280.0  # a layer, one with learnables, and the widest that its texts make
TOTAL, TAIL = 170.0, 110.0  # the line of the learnables with some millions; a shape or an owner beside a name
BADGES, ALIKE = 22.0, 60.0  # a problem; how many groups are like this one
UNKNOWN = "00000"  # a size that is not known yet is at most so wide

# The characters by their widths, in parts of the height of the text; what is not here is wider.
WIDTHS = {
    0.3: " ,.:;Iijl",
    0.35: "!'\\ft·",
    0.4: "()/[]`{|}",
    0.45: "r",
    0.55: '^_"s',
    0.6: "FJLacekvxyz",
    0.65: "#*+-0123456789<=>EPbdghnopqu~×",
    0.75: "?$&BRSTZACDGHKUVXY",
    0.85: "NOQw",
    1.0: "Mm@→…",
}
WIDTH = {character: width for width, characters in WIDTHS.items() for character in characters}
WIDEST = 1.1


class Outline(NamedTuple):
    """The size that a layer is drawn in, px at 100 %, and where each of its data ports sits.

    That is so far below its top, or drawn from top to bottom so far right of its left edge.
    """

    width: float
    height: float
    inputs: Mapping[str, float] = {}
    outputs: Mapping[str, float] = {}


class Sight(NamedTuple):
    """What of a layer is drawn, folded."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    summary: str
    rows: tuple[str, ...] = ()  # the learnables that wires may end at
    capsule: bool = False  # on a learnable wire


def abreast(labels: Sequence[float]) -> list[float]:
    """How far right of the middle of an upper or lower edge its ports sit, whose labels are so wide."""
    places = [0.0]
    for one, other in itertools.pairwise(labels):
        need = max(BESIDE, (one + other) / 2 + 12)
        places.append(places[-1] + 16 * math.ceil(need / 16))  # with widths of 16 all of them stand on the grid
    return [place - places[-1] / 2 for place in places]


def breadth(labels: Sequence[float]) -> float:
    """How wide a layer must be for the ports of its upper or lower edge."""
    ends = [abs(at) + max(EDGE, label / 2 + 8) for at, label in zip(abreast(labels), labels)]
    return 2 * max(ends, default=0.0)


def outline_in(network: Network, path: str, crossing: Sequence[Port] = ()) -> Outline:
    """The outline of a layer in a network, never smaller than it is drawn; ``crossing``: what a group shows inside."""
    layer = network.layer(path)
    inputs, outputs, summary = network.inputs_of(path), network.outputs_of(path), _summary(layer, len(layer.inputs()))
    rows = [*layer.input_learnables, *(n for n in layer.output_learnables if n not in layer.input_learnables)]
    if isinstance(layer, Call) or Port(path, BUNDLE) in network.targets:
        rows.append(BUNDLE)
    if isinstance(layer, Call):
        summary = network.called(path) or "nothing yet"
    if layer.variadic:
        inputs = tuple(map(str, range(max(2, len(inputs) + 1))))
    capsule = layer.computes and any(Port(path, name) in network.learnable_ports for name in outputs)
    rows += [f"{port.below(path).layer}.{port.name}" for port in crossing]
    seen = Sight(inputs, outputs, summary, tuple(rows), capsule)
    return _outline(path.rpartition(".")[2], layer, seen, network.network_at(parent(path)).down)


def crossing_ports(network: Network) -> Mapping[str, Sequence[Port]]:
    """The learnable ports that each group shows: their wires cross its border, or they have none yet."""
    found: dict[str, dict[Port, None]] = {}
    for ends in network.wires.items():
        for port, other in (ends, ends[::-1]):
            group = parent(port.layer)
            while group and not other.layer.startswith(f"{group}."):
                found.setdefault(group, {})[port] = None
                group = parent(group)
    for path, layer in network.all.items():
        if group := parent(path):
            offers = () if isinstance(layer, Parameter) else layer.output_learnables
            loose = [port for n in layer.input_learnables if (port := Port(path, n)) not in network.wires]
            loose += [port for n in offers if (port := Port(path, n)) not in network.targets]
            while loose and group:
                found.setdefault(group, {}).update(dict.fromkeys(loose))
                group = parent(group)
    return {group: [*ports] for group, ports in found.items()}


def estimated_outline(name: str, layer: Layer, down: bool = False) -> Outline:
    """About the outline of a layer that is told apart from its wires."""
    inputs = ("0", "1", "2") if layer.variadic else layer.inputs()
    rows = tuple(dict.fromkeys((*layer.input_learnables, *layer.output_learnables)))
    rows += (BUNDLE,) if isinstance(layer, Call) else ()
    return _outline(name, layer, Sight(inputs, layer.outputs(), _summary(layer, len(layer.inputs())), rows), down)


def _summary(layer: Layer, inputs: int) -> str:
    return layer.summary(*[None] * inputs).replace("?", UNKNOWN)


def _outline(name: str, layer: Layer, seen: Sight, down: bool) -> Outline:
    if seen.capsule:
        return _capsule(layer, seen, down)
    learns = not isinstance(layer, Parameter) and bool(layer.learnables() or seen.rows or isinstance(layer, Group))
    width = max(LEARNING if learns else NARROW, _text_width(name, layer, seen, learns))
    sides = [
        [(0.0 if layer.variadic and not out else at_most(port, 11)) if len(ports) > 1 else 0.0 for port in ports]
        for out, ports in enumerate((seen.inputs, seen.outputs))
    ]
    if any(len(widths) > 1 for widths in sides):
        width = max(width, sum(max(widths, default=0.0) for widths in sides) + 44)
    section = (24 + 20 * len(seen.rows) + 6 * bool(seen.rows)) if learns else 0
    if down:
        edges = sum(LABELS if any(widths) else BARE for widths in sides)
        width = 2 * GRID * math.ceil(max(min(width, WIDE), *map(breadth, sides)) / 2 / GRID)
        places = [
            {port: width / 2 + at for port, at in zip(ports, abreast(widths))}
            for ports, widths in zip((seen.inputs, seen.outputs), sides)
        ]
        return Outline(width, 44.0 + edges + section, *places)
    rows = max(map(len, sides))
    height = 44.0 + (ROW * rows + 4 if rows > 1 else 0) + section
    anchors = [
        {port: ROWS + ROW * n if len(ports) > 1 else HEADER for n, port in enumerate(ports)}
        for ports in (seen.inputs, seen.outputs)
    ]
    return Outline(min(WIDE, GRID * math.ceil(width / GRID)), height, *anchors)


def _text_width(name: str, layer: Layer, seen: Sight, learns: bool) -> float:
    """How wide a layer must be for its name, what is said under it, and the lines of its learnables."""
    badges = BADGES + 20 * bool(layer.frozen) + ALIKE * isinstance(layer, Group)
    kind = type(layer).__name__
    mono = kind == "Operation"
    below = f"aten::{seen.summary}" if mono else f"{kind} · {seen.summary}" if seen.summary else kind
    need = [52 + at_most(name, 13) + badges, 52 + (7.0 * len(below) if mono else at_most(below, 11))]
    if learns:
        borrows = layer.input_learnables or isinstance(layer, Call | Group)
        need.append(TOTAL + 32 * bool(borrows))
    need += [28 + at_most(row, 11) + 22 + TAIL for row in seen.rows]
    return max(need)


def _capsule(layer: Layer, seen: Sight, down: bool) -> Outline:
    width = GRID * math.ceil((at_most(type(layer).__name__, 11) + at_most(seen.summary, 11) + 58) / GRID)
    height = max(28.0, 16.0 * max(len(seen.inputs), len(seen.outputs)))
    if down:
        return Outline(width, height, dict.fromkeys(seen.inputs, 0.0), dict.fromkeys(seen.outputs, width))
    sides = [
        {port: height / (len(ports) + 1) * (n + 1) for n, port in enumerate(ports)}
        for ports in (seen.inputs, seen.outputs)
    ]
    return Outline(width, height, *sides)


def at_most(text: str, height: float) -> float:
    """How wide a text of a height is at most."""
    return height * sum(WIDTH.get(character, WIDEST) for character in text)
