"""Put layers in line, or at like distances."""

from collections.abc import Mapping
from typing import Literal

from designer.edits.outline import Outline, estimated_outline
from designer.model import Network, NetworkError
from designer.model.names import parent

Edge = Literal["left", "centre", "right", "top", "middle", "bottom"]
EDGES: dict[str, tuple[int, float]] = {  # which axis, and how far along a layer what is aligned lies
    "left": (0, 0.0),
    "centre": (0, 0.5),
    "right": (0, 1.0),
    "top": (1, 0.0),
    "middle": (1, 0.5),
    "bottom": (1, 1.0),
}
AXES = {"horizontally": 0, "vertically": 1}
Span = tuple[float, float]  # where a layer begins along an axis, and how long it is


def align(network: Network, *names: str, to: Edge, sizes: Mapping[str, Outline] | None = None) -> Network:
    """Move layers of one group until their edges or middles lie on one line: ``align(net, "a", "b", to="top")``.

    The line is the outermost of their edges, or the middle between them. ``sizes`` as for ``arrange``.
    """
    if to not in EDGES:
        raise NetworkError(f"to must be one of {', '.join(EDGES)}, not {to!r}.")
    axis, part = EDGES[to]
    spans = _spans(network, names, axis, sizes or {}, 2, "align")
    first = min(start for start, _ in spans.values())
    last = max(start + length for start, length in spans.values())
    line = first + part * (last - first)
    return _moved(network, axis, {name: line - part * length for name, (_, length) in spans.items()})


def distribute(
    network: Network,
    *names: str,
    along: Literal["horizontally", "vertically"],
    sizes: Mapping[str, Outline] | None = None,
) -> Network:
    """Leave like gaps between three or more layers of one group; the first and the last stay.

    Where they have no room between those two, the gaps are negative and alike. ``sizes`` as for ``arrange``.
    """
    if along not in AXES:
        raise NetworkError(f"along must be horizontally or vertically, not {along!r}.")
    axis = AXES[along]
    spans = _spans(network, names, axis, sizes or {}, 3, "distribute")
    order = sorted(spans, key=lambda name: (spans[name][0] + spans[name][1] / 2, spans[name][0], name))
    begin = spans[order[0]][0]
    end = spans[order[-1]][0]
    between = end - begin - sum(spans[name][1] for name in order[:-1])
    places, at = {}, begin
    for number, name in enumerate(order[1:-1], 1):
        at += spans[order[number - 1]][1]
        places[name] = round(at + between * number / (len(order) - 1))
    return _moved(network, axis, places)


def _spans(
    network: Network, names: tuple[str, ...], axis: int, sizes: Mapping[str, Outline], least: int, what: str
) -> dict[str, Span]:
    """Give the place and the length of layers along an axis."""
    unlike = list(dict.fromkeys(names))
    if len(unlike) < least:
        raise NetworkError(f"It takes {'two' if least == 2 else 'three'} layers or more to {what} them.")
    for name in unlike:
        network.layer(name)
    if len({parent(name) for name in unlike}) > 1:
        raise NetworkError(f"{min(unlike)} and {max(unlike)} are not in one group, so they cannot be put in line.")
    level = network.network_at(parent(unlike[0]))
    spans = {}
    for path in unlike:
        name = path.rpartition(".")[2]
        if name not in level.positions:
            raise NetworkError(f"{path} has no position yet: arrange the network first.")
        outline = sizes.get(path) or estimated_outline(name, level.layers[name], down=level.down)
        spans[path] = level.positions[name][axis], (outline.width, outline.height)[axis]
    return spans


def _moved(network: Network, axis: int, places: Mapping[str, float]) -> Network:
    """Move layers along an axis; they keep their place on the other one."""
    moved = {}
    for path, to in places.items():
        x, y = network.network_at(parent(path)).positions[path.rpartition(".")[2]]
        moved[path] = (to, y) if axis == 0 else (x, to)
    return network.move(moved)
