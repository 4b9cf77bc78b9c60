"""Put layers into a group, and take them out again."""

import dataclasses
from collections.abc import Callable, Container, Iterable

from designer.edits.arrange import arrange
from designer.edits.making_room import GAP, Place, spread
from designer.edits.outline import estimated_outline
from designer.model import BUNDLE, Group, Input, Layer, Network, NetworkError, Output, Port
from designer.model.names import MODULE_DICT_NAMES, among, check_name, free, join, parent, under
from designer.model.rules import check_wire

Edit = Callable[[Network], Network]

BELOW, BESIDE = 80.0, 136.0  # from one end of a group to the next, to the right and downwards


def group(network: Network, names: Iterable[str], name: str) -> Network:
    """Put layers that stand side by side into a group in the place of the first; data enters and leaves by ports."""
    order = {path: n for n, path in enumerate(network.all)}
    chosen = (names,) if isinstance(names, str) else names
    paths = sorted(dict.fromkeys(chosen), key=lambda path: order.get(path, -1))
    if not paths:
        raise NetworkError("There is nothing to group.")
    home = parent(paths[0])
    for path in paths:
        layer = network.layer(path)
        if parent(path) != home:
            raise NetworkError(f"{path} and {paths[0]} do not stand side by side, so they cannot be grouped.")
        if isinstance(layer, Input | Output):
            raise NetworkError(f"{path} is an end of {home or 'the network'} and cannot go into a group.")
    chosen = frozenset(paths)
    beside = {tail for tail in network.network_at(home).layers if join(home, tail) not in chosen}
    check_name(name, beside)
    if name in beside:
        raise NetworkError(f"There is already a layer named {join(home, name)!r}.")
    return same_outputs(
        network, lambda net: _group(net, paths, home, name), lambda old: _inside(chosen, home, name, old)
    )


def _inside(chosen: Container[str], home: str, name: str, old: str) -> str:
    """Where a layer stands once its layer or group is in the new group."""
    return join(home, name, old[len(home) + 1 if home else 0 :]) if among(old, chosen) else old


def _group(network: Network, paths: list[str], home: str, name: str) -> Network:
    path, chosen = join(home, name), frozenset(paths)
    moves = {old: _inside(chosen, home, name, old) for old in paths}
    inner: dict[str, Layer] = {old.rpartition(".")[2]: network.layer(old) for old in paths}
    ends = [port.above(home) for port in network.network_at(home).outputs.values()] if not home else []

    def inside(port: Port) -> bool:
        return among(port.layer, chosen)

    def new(port: Port) -> Port:
        """The same port in its new place; a layer may have had the path that the group gets."""
        return Port(_inside(chosen, home, name, port.layer), port.name)

    wires: dict[Port, Port] = {}
    enter: dict[Port, str] = {}  # source outside -> Input inside
    leave: dict[Port, list[Port]] = {}
    for target, source in network.wires.items():
        if source.name == BUNDLE and inside(target) != inside(source):
            raise NetworkError(f"{target.layer} calls {source.layer}: a group cannot part them.")
        by_path = inside(target) == inside(source) or source.name == BUNDLE or network.is_learnable(source)
        if by_path or (inside(target) and target.name in network.layer(target.layer).input_learnables):
            wires[new(target)] = new(source)
        elif inside(target):
            if source not in enter:
                enter[source] = added_end(source.layer.rpartition(".")[2], inner, Input())
                wires[Port(path, enter[source])] = source
            wires[new(target)] = Port(join(path, enter[source]), "out")
        else:
            leave.setdefault(source, []).append(target)
    for source in [*leave, *(port for port in ends if inside(port) and port not in leave)]:
        tail = source.layer.rpartition(".")[2]
        port = added_end(
            tail if source.name == "out" and tail not in inner else f"{tail}_{source.name}", inner, Output()
        )
        wires[Port(join(path, port), "in")] = new(source)
        wires |= {target: Port(path, port) for target in leave.get(source, ())}
    outer = network.network_at(home)
    tails = (old.rpartition(".")[2] for old in paths)
    standing = {tail: outer.positions[tail] for tail in tails if tail in outer.positions}
    inner_positions = _with_ends(standing, inner, wires, path, outer.down)
    layers: dict[str, Layer] = {}
    for tail, layer in outer.layers.items():
        old = join(home, tail)
        if old == paths[0]:
            layers[name] = Group(Network(layers=_ports_outside(inner), positions=inner_positions, down=outer.down))
        if old not in moves:
            layers[tail] = layer
    positions = {n: at for n, at in outer.positions.items() if join(home, n) not in moves}
    if inner_positions:
        positions[name] = outer.positions[next(iter(inner_positions))]
    made = with_level(network, home, layers, positions).moved({}, moves).rewired(wires)
    for target, source in made.wires.items():
        if target.layer == path:
            check_wire(made, source, target)
    return made


def _with_ends(
    places: dict[str, Place], inner: dict[str, Layer], wires: dict[Port, Port], path: str, down: bool
) -> dict[str, Place]:
    """The places of layers and of the ends of their group: Inputs before what they feed, Outputs behind all."""
    if not places:
        return places
    sizes = {name: estimated_outline(name, layer, down=down) for name, layer in inner.items()}
    axis, across, apart = (1, 0, BESIDE) if down else (0, 1, BELOW)

    def measure(name: str, axis: int) -> float:
        return (sizes[name].width, sizes[name].height)[axis]

    begin = min(at[axis] for at in places.values())
    end = max(at[axis] + measure(name, axis) for name, at in places.items())
    found = dict(places)
    for target, source in wires.items():
        into, out = target.below(path).layer.partition(".")[0], source.below(path).layer.partition(".")[0]
        leads_in = under(source.layer, path) and isinstance(inner.get(out), Input)
        name, beside = (out, into) if leads_in else (into, out)
        if name in found or beside not in places or not isinstance(inner.get(name), Input | Output):
            continue
        at = begin - GAP - measure(name, axis) if leads_in else end + GAP
        level = places[beside][across] + (measure(beside, across) - measure(name, across)) / 2 * down
        while any(abs(there[axis] - at) < 1 and abs(there[across] - level) < apart for there in found.values()):
            level += apart
        found[name] = (round(level), round(at)) if down else (round(at), round(level))
    return found


def _ports_outside(inner: dict[str, Layer]) -> dict[str, Layer]:
    """Inputs first and Outputs last, as one reads them."""
    place = {name: (isinstance(layer, Output) - isinstance(layer, Input)) for name, layer in inner.items()}
    return {name: inner[name] for name in sorted(inner, key=lambda name: place[name])}


def added_end(name: str, layers: dict[str, Layer], layer: Layer) -> str:
    name = free(name if not name.isdecimal() else f"x{name}", layers)
    layers[name] = layer
    return name


def ungroup(network: Network, path: str) -> Network:
    """Put the layers of a group in its place; names that are taken there get an underscore."""
    held, home = network.layer(path), parent(path)
    if not isinstance(held, Group):
        raise NetworkError(f"{path} is not a group.")
    if callers := network.targets.get(Port(path, BUNDLE)):
        raise NetworkError(f"{path} is called by {callers[0].layer}, so its layers must stay together.")
    ends = {*held.inputs(), *held.outputs()}
    taken = {*network.network_at(home).layers} - {path.rpartition(".")[2]}
    names: dict[str, str] = {}
    for name in (name for name in held.network.layers if name not in ends):
        if name.isdecimal() and (name in taken or taken & MODULE_DICT_NAMES):
            names[name] = free(f"{path.rpartition('.')[2]}_{name}", taken)  # a number cannot take an underscore
        else:
            names[name] = free(name, taken)
        taken.add(names[name])

    def outside(old: str) -> str:
        if not under(old, path) or old == path:
            return old
        first, _, rest = old[len(path) + 1 :].partition(".")
        return join(home, names.get(first, first), rest)

    return same_outputs(network, lambda net: _ungroup(net, path, held, names), outside)


def _ungroup(network: Network, path: str, held: Group, names: dict[str, str]) -> Network:
    home = parent(path)
    inputs, outputs = set(held.inputs()), set(held.outputs())

    def end(port: Port) -> str | None:
        """The name of the group's end that a port belongs to."""
        name = port.layer[len(path) + 1 :]
        return name if parent(port.layer) == path and name in inputs | outputs else None

    def origin(port: Port | None) -> Port | None:
        """What a wire brings, seen through the group's ports."""
        while port:
            if port.layer == path:
                port = network.source_of(Port(join(path, port.name), "in"))
            elif (name := end(port)) in inputs:
                port = network.source_of(Port(path, name or ""))
            else:
                return port
        return None

    wires = {}
    for target, source in network.wires.items():
        if target.layer != path and end(target) is None and (found := origin(source)):
            wires[target] = found
    outer = network.network_at(home)
    layers: dict[str, Layer] = {}
    for name, layer in outer.layers.items():
        if join(home, name) == path:
            layers |= {new: held.network.layers[old] for old, new in names.items()}
        else:
            layers[name] = layer
    inner = held.network
    if inner.down != outer.down and inner.positions:
        inner = arrange(inner, path="", down=outer.down)
    came = {new: inner.positions[old] for old, new in names.items() if old in inner.positions}
    there = {new: held.network.layers[old] for old, new in names.items()}
    positions = spread(path.rpartition(".")[2], outer.positions, outer.layers, came, there, outer.down)
    moves = {join(path, name): join(home, new) for name, new in names.items()}
    return with_level(network, home, layers, positions).moved(wires, moves)


def with_level(
    network: Network, home: str, layers: dict[str, Layer], positions: dict[str, tuple[float, float]]
) -> Network:
    """Other layers at one level, not wired yet."""
    if not home:
        return dataclasses.replace(network, layers=layers, connections={}, positions=positions)
    held = network.network_at(home)
    inner = dataclasses.replace(held, layers=layers, connections={}, positions=positions)
    above, tail = network.network_at(parent(home)), home.rpartition(".")[2]
    changed = dataclasses.replace(above.layers[tail], network=inner)  # type: ignore[call-arg]
    return with_level(network, parent(home), {**above.layers, tail: changed}, dict(above.positions))


def same_outputs(network: Network, edit: Edit, new_path: Callable[[str], str]) -> Network:
    """Make an edit that moves layers; where it would change what the network gives back, name the outputs first."""
    new = edit(network)
    want = [Port(new_path(port.layer), port.name) for port in _flat_outputs(network)]
    if network.ends or _flat_outputs(new) == want:
        return new
    named = network
    for name, port in network.outputs.items():
        end = free(f"{name}_out", named.layers)
        named = named.add(**{end: Output()}).connect(port, end)
    return edit(named)


def _flat_outputs(network: Network) -> list[Port]:
    """The ports that the network gives back, seen through the borders of groups."""

    def origin(port: Port) -> Port:
        while True:
            source = None
            layer = network.layer(port.layer)
            if isinstance(layer, Group):
                source = network.source_of(Port(join(port.layer, port.name), "in"))
            elif isinstance(layer, Input) and parent(port.layer):
                source = network.source_of(Port(parent(port.layer), port.layer.rpartition(".")[2]))
            if source is None:
                return port
            port = source

    return [origin(port) for port in network.outputs.values()]
