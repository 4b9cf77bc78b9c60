"""Copy layers: beside themselves, or as a part that another network can take."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from designer.analysis import Analysis
from designer.edits.arrange import arrange
from designer.edits.deletion import delete
from designer.model import BUNDLE, Call, Layer, Network, NetworkError, Port
from designer.model.names import MODULE_DICT_NAMES, free, join, parent, under
from designer.model.rules import check_wire, upstream

Place = tuple[float, float]
BESIDE = 24.0  # pixels that a copy stands right of and below what it is a copy of


@dataclasses.dataclass(frozen=True)
class Part:
    """Layers as a network of their own, and with them the layers outside that lend them learnables.

    ``lenders`` tells by name where each of those stood, ``shapes`` the sizes of what they lend: a network that has
    them lends its own, in any other the layers come to own what they borrowed. A lender that only computes comes along.
    """

    network: Network
    lenders: Mapping[str, str] = dataclasses.field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)  # by port, "emb/weight"


class Pasted(NamedTuple):
    """A network with a part in it, the paths of what came, and sentences about what it could not keep."""

    network: Network
    paths: tuple[str, ...]
    said: tuple[str, ...]


def duplicate(
    network: Network, paths: Iterable[str], places: Mapping[str, Place] | None = None
) -> tuple[Network, tuple[str, ...]]:
    """Copy layers that stand side by side, with the wires among them and what they borrow; give the new paths.

    ``places`` tell where layers are drawn that have no position.
    """
    paths = tuple(paths)
    part = copy(network, paths, places=places)
    new, made, _ = paste(network, part, parent(paths[0]))
    return new, made


def copy(
    network: Network,
    paths: Iterable[str],
    analysis: Analysis | None = None,
    places: Mapping[str, Place] | None = None,
) -> Part:
    """Take layers that stand side by side as a part.

    An analysis at hand tells the sizes of what they borrow, ``places`` where layers are drawn that have no position.
    """
    wanted = dict.fromkeys(paths)
    if not wanted:
        raise NetworkError("There is nothing to copy.")
    home = parent(next(iter(wanted)))
    for path in wanted:
        network.layer(path)
        if parent(path) != home:
            raise NetworkError(f"{path} and {next(iter(wanted))} do not stand side by side: copy them one by one.")
    beside = network.network_at(home)
    names = {join(home, name): name for name in beside.layers if join(home, name) in wanted}
    lenders: dict[str, str] = {}
    for path in _lenders(network, names):
        name = _lender_name(path, names.values())
        names[path], lenders[name] = name, path
    wires = {
        Port(_moved(t.layer, names), t.name): Port(_moved(s.layer, names), s.name)
        for t, s in network.wires.items()
        if (first := _top(s.layer, names)) and (last := _top(t.layer, names))
        if first == last or _lent(network, s) or not {names[first], names[last]} & lenders.keys()
    }
    values = {_moved(key, names): value for key, value in network.values.items() if _top(key, names)}
    drawn = {**(places or {}), **{join(home, name): at for name, at in beside.positions.items()}}
    made = Network(
        layers={name: network.layer(path) for path, name in names.items()},
        positions={name: drawn[path] for path, name in names.items() if path in drawn},
        dtype=network.dtype,
        down=beside.down,
    ).rewired(wires)
    shapes: dict[str, tuple[int, ...]] = {}
    if analysis is not None:
        for port in made.wires.values():
            if (name := port.layer.partition(".")[0]) in lenders:
                there = Port(lenders[name] + port.layer[len(name) :], port.name)
                if shape := analysis.learnable_shape(there):
                    shapes[str(port)] = shape
    return Part(dataclasses.replace(made, values=values), lenders, shapes)


def _lent(network: Network, source: Port) -> bool:
    return source.name == BUNDLE or network.is_learnable(source)


def _top(path: str, tops: Collection[str]) -> str:
    """Which of some layers and groups a path, or the key of a value, lies in; "" for none."""
    while path and path not in tops:
        path = parent(path)
    return path


def _moved(path: str, names: Mapping[str, str]) -> str:
    top = _top(path, names)
    return names[top] + path[len(top) :]


def _lenders(network: Network, chosen: Collection[str]) -> list[str]:
    """The layers outside of the chosen ones from which learnables flow into them, through whatever computes."""
    into: dict[str, list[Port]] = {}  # by where the wire ends: all that arrives at a layer, or in a group
    for target, source in network.wires.items():
        if _lent(network, source):
            at = target.layer
            while at:
                into.setdefault(at, []).append(source)
                at = parent(at)
    found: dict[str, None] = {}
    todo = list(chosen)
    while todo:
        for source in into.get(todo.pop(), ()):
            if not _top(source.layer, chosen) and source.layer not in found:
                found[source.layer] = None
                todo.append(source.layer)
    return [path for path in found if not any(under(path, other) and path != other for other in found)]


def _lender_name(path: str, taken: Collection[str]) -> str:
    """A name for a lender beside what was copied, whatever that is called."""
    name = path.rpartition(".")[2]
    return free(f"from_{name}" if name.isdecimal() or name in MODULE_DICT_NAMES else name, taken)


def paste(
    network: Network,
    part: Part,
    home: str,
    shift: Place | None = None,
    analysis: Analysis | None = None,
) -> Pasted:
    """Put a part into a network, or into the group ``home`` of it.

    Layers get free names. What they borrowed they borrow here where the owner stands here too and, as the analysis
    at hand tells, has the same sizes; else they own it. ``shift`` moves them; without it they stand a little beside
    where they stood.
    """
    missing = {name: why for name in part.lenders if (why := _why_missing(network, home, part, name, analysis))}
    while True:
        try:
            return _paste(network, part, home, shift, missing)
        except _Refused as refused:
            missing[refused.lender] = refused.why


class _Refused(Exception):
    """A lender cannot lend here."""

    def __init__(self, lender: str, why: str):
        super().__init__(why)
        self.lender, self.why = lender, why


def _paste(network: Network, part: Part, home: str, shift: Place | None, missing: Mapping[str, str]) -> Pasted:
    own, _ = delete(part.network, *(name for name in missing if not part.network.layers[name].computes))
    here = part.lenders.keys() - missing.keys()  # those gone have handed over what they lent, with its values
    while stray := [n for n in missing if n in own.layers and not any(port.layer == n for port in own.targets)]:
        own = own.remove(*stray)
    owning = [(path, what) for path, layer in own.all.items() if (what := _change(part, path, layer, missing))]
    level = network.network_at(home)
    if own.layers and not level.layers:
        network = network.turn(own.down, home)
    elif own.down != level.down:
        own = arrange(own, path="", down=level.down)
    beside = dict(level.layers)
    paths: dict[str, str] = {}
    for name, layer in own.layers.items():
        if name not in here:
            paths[name] = join(home, new := fresh_name(name, beside))
            beside[new] = layer
    made = network.add(**{path: own.layers[name] for name, path in paths.items()})
    places = _places(network.network_at(home), own, shift)
    made = made.move({path: places[name] for name, path in paths.items() if name in places})
    wires, borrowed = {}, {}
    for target, source in own.wires.items():
        if not _top(target.layer, paths):
            continue
        into = Port(_moved(target.layer, paths), target.name)
        if _top(source.layer, paths):
            wires[into] = Port(_moved(source.layer, paths), source.name)
            continue
        wires[into] = there = _place_of(part, source)
        borrowed[into] = there, source.layer.partition(".")[0]
        if there.name != BUNDLE and not made.has_output(there):
            offered = made.layer(there.layer).output_learnables
            made = made.set(there.layer, output_learnables=(*offered, there.name))
    values = {_moved(key, paths): value for key, value in own.values.items() if _top(key, paths)}
    made = dataclasses.replace(made.rewired({**made.wires, **wires}), values={**made.values, **values})
    for into, (there, lender) in borrowed.items():
        try:
            check_wire(made, there, into)
        except NetworkError as refusal:
            raise _Refused(lender, str(refusal).rstrip(".")) from None
    return Pasted(made, tuple(paths.values()), tuple(f"{_moved(path, paths)} {what}" for path, what in owning))


def _change(part: Part, path: str, layer: Layer, missing: Mapping[str, str]) -> str:
    """What a copied layer owns that it borrowed, and why, as the end of a sentence."""
    before = part.network.find(path)
    if before is None or type(before) is not type(layer):  # what a Call called has its place, and perhaps its groups
        called = isinstance(before, Call)
        return f"now is what it called: {_reason(part, Port(path, BUNDLE), missing)}." if called else ""
    gone = [name for name in before.input_learnables if name not in layer.input_learnables]
    return f"owns its {' and '.join(gone)}: {_reason(part, Port(path, gone[0]), missing)}." if gone else ""


def _reason(part: Part, target: Port, missing: Mapping[str, str]) -> str:
    """Why what arrived at a port does not arrive: the lender farthest upstream that is not there."""
    source = part.network.source_of(target)
    tops = [port.layer.partition(".")[0] for port in upstream(part.network, source)] if source else []
    return next((missing[top] for top in tops if top in missing), "its owner is not here")


def _why_missing(network: Network, home: str, part: Part, name: str, analysis: Analysis | None) -> str:
    """Why a lender cannot lend in a network what it lent; "" where it can."""
    path, lender = part.lenders[name], part.network.layers[name]
    if (there := network.find(path)) is None:
        return f"there is no {path} here"
    if lender.computes:
        fed = {t: s for t, s in part.network.wires.items() if t.layer == name}
        as_here = all(_top(s.layer, part.lenders) for s in fed.values()) and all(
            network.source_of(Port(path, t.name)) == _place_of(part, s) for t, s in fed.items()
        )
        return "" if there == lender and as_here else f"{path} is another here"
    for target, source in part.network.wires.items():
        if not under(source.layer, name) or under(target.layer, name):
            continue
        at = _place_of(part, source)
        assert at is not None
        if at.name == BUNDLE:
            ends = [(type(layer), layer.inputs(), layer.outputs(), layer.variadic) for layer in (there, lender)]
            if parent(path) != home or ends[0] != ends[1]:
                return f"{path} cannot be called from here"
            continue
        layer = network.find(at.layer)
        if layer is None or at.name not in layer.learnables():
            return f"{path} has no {at.name} here"
        have, want = analysis.learnable_shape(at) if analysis else None, part.shapes.get(str(source))
        if have and want and have != want:
            return f"{at.layer}.{at.name} is {' x '.join(map(str, have))} here, not {' x '.join(map(str, want))}"
        if at.name not in layer.output_learnables and (have is None or have != want):
            return f"{at.layer} does not offer its {at.name} here"
    return ""


def _place_of(part: Part, source: Port) -> Port:
    """The port of a lender where it stood."""
    name = source.layer.partition(".")[0]
    return source.moved(name, part.lenders[name])


def _places(beside: Network, own: Network, shift: Place | None) -> dict[str, Place]:
    """Where the layers of a part stand: moved, and never exactly over others."""
    dx, dy = shift or (BESIDE, BESIDE)
    taken = set(beside.positions.values())
    while taken & {(x + dx, y + dy) for x, y in own.positions.values()}:
        dx, dy = dx + BESIDE, dy + BESIDE
    return {name: (x + dx, y + dy) for name, (x, y) in own.positions.items()}


def fresh_name(name: str, taken: Collection[str]) -> str:
    """The name where it is free, else one that counts on: ``fc2``, ``conv2d_2``, for a number the next number."""
    if name not in taken:
        return name
    if name.isdecimal():
        return str(max(int(other) for other in taken if other.isdecimal()) + 1)
    counted = re.fullmatch(r"(.*_|.*[^\d_])([1-9]\d*)", name)  # fc2: go on with fc3 where there is an fc
    base, number = name, 2
    if counted and counted[1].rstrip("_") in taken:
        base, number = counted[1].rstrip("_"), int(counted[2]) + 1
    joint = "_" if any(map(str.isdigit, base)) else ""
    while f"{base}{joint}{number}" in taken:
        number += 1
    return f"{base}{joint}{number}"
