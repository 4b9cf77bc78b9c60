"""Move layers out of their group, to a level around it."""

from collections.abc import Iterable

from designer.edits.groups import added_end, same_outputs, with_level
from designer.model import BUNDLE, Call, Group, Input, Layer, Network, NetworkError, Output, Port
from designer.model.checking import check_network
from designer.model.names import MODULE_DICT_NAMES, free, join, parent, under

UNDER, ASIDE = 160.0, 320.0  # below what stands at the level they come to; right of it where data leads down


def lift(network: Network, names: Iterable[str], home: str) -> tuple[Network, tuple[str, ...]]:
    """Move layers that stand side by side to a level around them; give their new paths too.

    Data that then crosses the border of a group goes by ports of it: those that are there, else new ones. A port that
    served only what left goes with it.
    """
    paths = tuple(dict.fromkeys(names))
    if not paths:
        raise NetworkError("There is nothing to move.")
    start = parent(paths[0])
    for path in paths:
        layer = network.layer(path)
        if parent(path) != start:
            raise NetworkError(f"{path} and {paths[0]} do not stand side by side, so they cannot be moved together.")
        if isinstance(layer, Input | Output):
            whose = f"a port of {start}" if start else "an end of the network"
            raise NetworkError(f"{path} is {whose} and cannot leave it.")
    if start == home or not under(start, home):
        raise NetworkError(f"{paths[0]} stands not inside {home or 'the network'}.")
    while start != home:
        network, paths = _out(network, paths, start)
        start = parent(start)
    return network, paths


def _out(network: Network, paths: tuple[str, ...], group: str) -> tuple[Network, tuple[str, ...]]:
    """Move layers one level up."""
    calls = (path for path, layer in network.all.items() if isinstance(layer, Call) and path not in paths)
    if (caller := next((path for path in calls if network.called(path) == group), None)) is not None:
        raise NetworkError(f"{group} is called by {caller}, so its layers must stay together.")
    home, tail = parent(group), group.rpartition(".")[2]
    taken = {*network.network_at(home).layers}
    moves: dict[str, str] = {}
    for path in paths:
        name = path.rpartition(".")[2]
        if name.isdecimal() and (name in taken or taken & MODULE_DICT_NAMES):
            name = f"{tail}_{name}"  # a number cannot take an underscore
        name = free(name, taken)
        taken.add(name)
        moves[path] = join(home, name)

    def outside(old: str) -> str:
        top = next((path for path in paths if under(old, path)), None)
        return old if top is None else moves[top] + old[len(top) :]

    new = same_outputs(network, lambda net: _moved(net, moves, group), outside)
    try:
        check_network(new)
    except NetworkError as refusal:
        if "needs itself" in str(refusal):
            which = paths[0] if len(paths) == 1 else "what is moved"
            raise NetworkError(f"{which} stands between layers of {group}: outside it would make a loop.") from None
        raise
    return new, tuple(moves.values())


def _moved(network: Network, moves: dict[str, str], group: str) -> Network:
    """The network with layers of a group beside it."""
    held = network.layer(group)
    assert isinstance(held, Group)
    inner: dict[str, Layer] = {n: layer for n, layer in held.network.layers.items() if join(group, n) not in moves}
    ins = {join(group, name): name for name in held.inputs()}
    outs = {join(group, name): name for name in held.outputs()}

    def top(port: Port) -> str | None:
        return next((path for path in moves if under(port.layer, path)), None)

    def new(port: Port) -> Port:
        path = top(port)
        return port if path is None else Port(moves[path] + port.layer[len(path) :], port.name)

    def crosses(target: Port, source: Port) -> bool:
        """Whether the wire has to go by a port of the group, since one end of it leaves and it brings data."""
        if (top(target) is None) == (top(source) is None) or not all(under(p.layer, group) for p in (target, source)):
            return False
        if source.name == BUNDLE:
            raise NetworkError(f"{target.layer} calls {source.layer}: they must stand side by side.")
        into = top(target) is None and target.name in network.layer(target.layer).input_learnables
        return not into and not network.is_learnable(source)

    wires: dict[Port, Port] = {}
    enters: dict[Port, str] = {}  # what left -> the Input through which it is fed back
    leaves = {network.source_of(Port(path, "in")): name for path, name in outs.items()}
    lost: set[str] = set()  # ends of the group that may serve nobody now
    given: dict[str, Port] = {}  # Output of the group -> what left, which comes from outside now
    for target, source in network.wires.items():
        if not crosses(target, source):
            wires[new(target)] = new(source)
        elif source.layer in ins:
            lost.add(source.layer)
            if (feeder := network.source_of(Port(group, ins[source.layer]))) is not None:
                wires[new(target)] = new(feeder)
        elif target.layer in outs:
            lost.add(target.layer)
            given[outs[target.layer]] = new(source)
        elif top(target) is not None:
            if source not in leaves:
                leaves[source] = added_end(_end_name(source, inner), inner, Output())
                wires[Port(join(group, leaves[source]), "in")] = source
            wires[new(target)] = Port(group, leaves[source])
        else:
            if source not in enters:
                enters[source] = added_end(source.layer.rpartition(".")[2], inner, Input())
                wires[Port(group, enters[source])] = new(source)
            wires[target] = Port(join(group, enters[source]), "out")
    wires = {t: given.get(s.name, s) if s.layer == group else s for t, s in wires.items()}
    used = {source.layer for source in wires.values()}
    for path in lost:
        if path in outs or path not in used:
            name = path.rpartition(".")[2]
            del inner[name]
            wires = {t: s for t, s in wires.items() if t.layer != path and t != Port(group, name)}
    home, tail = parent(group), group.rpartition(".")[2]
    outer = network.network_at(home)
    layers: dict[str, Layer] = {}
    for name, layer in outer.layers.items():
        layers[name] = layer
        if name == tail:
            layers |= {to.rpartition(".")[2]: network.layer(path) for path, to in moves.items()}
    kept = {name: at for name, at in held.network.positions.items() if name in inner}
    places = {**outer.positions, **_places(outer, held.network, moves, tail)}
    made = with_level(network, home, layers, places)
    made = with_level(made, group, inner, kept)
    return made.moved({}, moves).rewired(wires)


def _end_name(source: Port, inner: dict[str, Layer]) -> str:
    tail = source.layer.rpartition(".")[2]
    return tail if source.name == "out" and tail not in inner else f"{tail}_{source.name}"


def _places(outer: Network, inner: Network, moves: dict[str, str], tail: str) -> dict[str, tuple[float, float]]:
    """Under the group and what stands below it, as they stood among each other; beside it where data leads down."""
    standing = {to.rpartition(".")[2]: inner.positions.get(path.rpartition(".")[2]) for path, to in moves.items()}
    known = {name: at for name, at in standing.items() if at is not None}
    if not known or tail not in outer.positions:
        return {}
    if outer.down:
        return _beside(outer, known, tail)
    left, top = (min(at[n] for at in known.values()) for n in (0, 1))
    right = max(x for x, _ in known.values()) - left
    x, y = outer.positions[tail]
    below = [there[1] for there in outer.positions.values() if x - 280 <= there[0] <= x + right + 280]
    y = max([y, *below]) + UNDER
    return {name: (at[0] - left + x, at[1] - top + y) for name, at in known.items()}


def _beside(outer: Network, known: dict[str, tuple[float, float]], tail: str) -> dict[str, tuple[float, float]]:
    """Right of a group and of what stands there."""
    left, top = (min(at[n] for at in known.values()) for n in (0, 1))
    bottom = max(y for _, y in known.values()) - top
    x, y = outer.positions[tail]
    there = [at[0] for at in outer.positions.values() if y - 120 <= at[1] <= y + bottom + 120]
    x = max([x, *there]) + ASIDE
    return {name: (at[0] - left + x, at[1] - top + y) for name, at in known.items()}
