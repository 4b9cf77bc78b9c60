"""What a network may not be: loops, data across the border of a group, wires to ports that are not there."""

from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Literal

from designer.model.errors import NetworkError
from designer.model.layer import Layer
from designer.model.names import Port, common, parent, shortened, under
from designer.model.structure import BUNDLE, Call, Group, Input

if TYPE_CHECKING:
    from designer.model.network import Network

Load = Literal["data", "learnable", "nothing"]


def carries(network: "Network", port: Port) -> Load:
    """What an output port carries: data, learnables alone, or nothing yet.

    A layer that only computes carries what it is fed; a learnable that is taken and offered on, what arrives.
    """
    loads = network._loads
    ringed = False
    open_ports: set[Port] = set()
    todo = [port]
    while todo:
        at = todo[-1]
        feeders = _feeders(network, at)
        if isinstance(feeders, str):
            loads[at] = feeders
        elif any(loads.get(feeder) == "data" for feeder in feeders):
            loads[at] = "data"
        elif missing := next((feeder for feeder in feeders if feeder not in loads and feeder not in open_ports), None):
            open_ports.add(at)
            todo.append(missing)
            continue
        else:  # a feeder that is still open closes a ring, which is refused elsewhere
            ringed = ringed or any(feeder not in loads for feeder in feeders)
            found = {loads.get(feeder, "nothing") for feeder in feeders}
            loads[at] = "data" if "data" in found else "learnable" if "learnable" in found else "nothing"
        todo.pop()
    load = loads[port]
    if ringed:  # what was told inside the ring may be less than what comes into it
        loads.clear()
    return load


def learnable_ports(network: "Network") -> frozenset[Port]:
    """The output ports with nothing but learnables upstream, found from what is offered on."""
    todo = [Port(path, name) for path, layer in network.all.items() for name in layer.output_learnables]
    todo += [source for source in network.targets if source.name == BUNDLE]
    found: set[Port] = set()
    while todo:
        port = todo.pop()
        if port in found or not network.is_learnable(port):
            continue
        found.add(port)
        for target in network.targets.get(port, ()):
            layer = network.layer(target.layer)
            if target.name in layer.output_learnables:
                todo.append(target)
            elif layer.computes:
                todo += [Port(target.layer, out) for out in layer.outputs()]
    return frozenset(found)


def same_ports(before: Mapping[str, Layer], after: Mapping[str, Layer]) -> bool:
    """Whether layers have the same names and ports, so that what hangs on their wires is the same."""
    if before is after:
        return True
    if before.keys() != after.keys():
        return False
    for name, new in after.items():
        old = before[name]
        if old is new:
            continue
        if isinstance(old, Group) and isinstance(new, Group):
            if old.network._wiring is not new.network._wiring:
                return False
        elif type(old) is not type(new) or _ports(old) != _ports(new):
            return False
    return True


def _ports(layer: Layer) -> tuple[object, ...]:
    switched = layer.input_learnables, layer.output_learnables
    return layer.inputs(), layer.outputs(), layer.variadic, layer.computes, layer.learnables(), *switched


def _feeders(network: "Network", port: Port) -> Load | list[Port]:
    """The ports that decide what a port carries, or the answer where it is plain."""
    layer = network.find(port.layer)
    if layer is None:
        return "nothing"
    if port.name == BUNDLE:
        return "learnable"
    if port.name in layer.output_learnables:
        if port.name not in layer.input_learnables:
            return "learnable"
        source = network.source_of(port)
        return [source] if source else "learnable"
    if not layer.computes:
        return "data"
    sources = (network.source_of(Port(port.layer, name)) for name in network.inputs_of(port.layer))
    return [source for source in sources if source]


def needs(network: "Network", port: Port) -> list[Port]:
    """The input ports that an output port depends on, groups looked into.

    A data output needs all inputs of its layer, of a group also what crosses into it; an offered learnable needs
    only what is taken under the same name.
    """
    layer = network.layer(port.layer)
    if port.name == BUNDLE:
        own = [Port(port.layer, BUNDLE)] if isinstance(layer, Call) else []
        return [*own, *crossing(network, port.layer), *(Port(port.layer, name) for name in layer.input_learnables)]
    if port.name in layer.output_learnables:
        return [port] if port.name in layer.input_learnables else []
    if isinstance(layer, Input):
        group, _, name = port.layer.rpartition(".")
        return [Port(group, name)] if group else []
    own = [Port(port.layer, name) for name in (*network.inputs_of(port.layer), *layer.input_learnables)]
    if isinstance(layer, Call):
        own.append(Port(port.layer, BUNDLE))
    if isinstance(layer, Group):
        own += [Port(f"{port.layer}.{port.name}", "in"), *crossing(network, port.layer)]
    return own


def crossing(network: "Network", path: str) -> list[Port]:
    """The ports inside a group that are wired from outside it."""
    if (known := network.__dict__.get("crossings")) is not None:  # where somebody asked for all of them before
        return list(known.get(path, ()))
    if not isinstance(network.layer(path), Group):
        return []
    found, home, inner = [], network, path
    prefix = ""
    while True:  # such a wire is kept in one of the networks around the group
        found += [
            t.above(prefix)
            for t, s in home.connections.items()
            if under(t.layer, inner) and t.layer != inner and (s.layer == inner or not under(s.layer, inner))
        ]
        name, _, rest = inner.partition(".")
        if not rest:
            return found
        home, inner, prefix = home.network_at(name), rest, f"{prefix}.{name}" if prefix else name


def crossings(network: "Network") -> dict[str, list[Port]]:
    """For each group the ports inside it that are wired from outside it."""
    found: dict[str, list[Port]] = {}
    for target, source in network.wires.items():
        group = parent(target.layer)
        while group and not source.layer.startswith(group + "."):
            found.setdefault(group, []).append(target)
            group = parent(group)
    return found


def orderly(network: "Network", out: Port, into: Port) -> bool:
    """Whether a new wire can make no loop, told without looking upstream."""
    layer = network.layer(out.layer)
    if out.name == BUNDLE:
        return False
    if out.name in layer.output_learnables:
        return out.name not in layer.input_learnables
    if into.name in network.layer(into.layer).output_learnables:
        return False  # taken and offered on: what it feeds would come to need the source
    home = common(parent(into.layer), parent(out.layer))
    there = network.network_at(home)
    order = there._order
    if order is None:
        return False
    source, target = (port.below(home).layer.partition(".")[0] for port in (out, into))
    return order[source] < order[target]


def order(network: "Network") -> Mapping[str, int] | None:
    """A place for each layer of this network after all that feed it with data; None where there is no such order."""
    added = {name: n for n, name in enumerate(network.layers)}
    feeders: dict[str, set[str]] = {name: set() for name in network.layers}
    forward = True
    for target, source in network.connections.items():
        layer = network.find(source.layer)
        if layer is not None and source.name in layer.output_learnables:
            if source.name in layer.input_learnables:
                return None  # whatever feeds the chain would count, and may stand outside
            continue
        before, after = source.layer.partition(".")[0], target.layer.partition(".")[0]
        feeders[after].add(before)
        forward = forward and added[before] < added[after]
    if forward:
        return added
    try:
        return {name: n for n, name in enumerate(TopologicalSorter(feeders).static_order())}
    except CycleError:  # an expression in a group feeds what feeds the group: no loop of ports
        return None


def check_wire(network: "Network", out: Port, into: Port, orderly: bool = False) -> None:
    """Refuse a wire of this network that closes a loop, or lets data through the border of a group."""
    bundled = isinstance(network.layer(into.layer), Call) and into.name == BUNDLE
    if out.name == BUNDLE and not bundled:
        raise NetworkError(f"{out} is a bundle of learnables: it goes to the learnables of a Call, not to {into}.")
    if bundled and out.name != BUNDLE:
        raise NetworkError(f"{into} says what is called: it takes the learnables of a layer, not {out}.")
    if bundled and parent(out.layer) != parent(into.layer):
        raise NetworkError(f"{into.layer} can call only what stands beside it, not {out.layer}.")
    if not orderly and _needs_itself(network, into):
        raise NetworkError(f"Connecting {out} to {into} would make a loop.")
    check_border(network, out, into)
    layer = network.layer(into.layer)
    fed = layer.computes and into.name not in layer.input_learnables
    if (fed or into.name in layer.output_learnables) and any(isinstance(la, Group) for la in network.layers.values()):
        check_borders(network)  # what was a learnable downstream may have become data


def check_borders(network: "Network") -> None:
    for target, source in network.wires.items():
        check_border(network, source, target)


def check_border(network: "Network", out: Port, into: Port) -> None:
    """Refuse data that slips through the border of a group: it goes by Input and Output layers."""
    home = parent(out.layer)
    if home == parent(into.layer) or out.name == BUNDLE or carries(network, out) != "data":
        return
    if home == common(home, parent(into.layer)) and into.name in network.layer(into.layer).input_learnables:
        return
    raise NetworkError(f"{out} is data: it cannot cross the border of a group to {into}.")


def _needs_itself(network: "Network", into: Port) -> bool:
    """Whether what flows into a port depends on what comes out of its layer."""
    source = network.source_of(into)
    seen: set[Port] = set()
    todo = [source] if source else []
    while todo:
        port = todo.pop()
        if port in seen:
            continue
        seen.add(port)
        needed = needs(network, port)
        if into in needed:
            return True
        todo += [source for need in needed if (source := network.source_of(need))]
    return False


def check_key(network: "Network", key: str) -> None:
    """Refuse a value that belongs to no learnable or buffer, or to one that is taken from a wire."""
    path = key
    while path and network.find(path) is None:
        path = parent(path)
    layer = network.find(path) if path else None
    nothing = layer is None or isinstance(layer, Group | Call | Input) or type(layer).module is Layer.module
    if layer is None or nothing or (key == path and layer.key(path, "value") != key):
        raise NetworkError(f"No layer has a learnable or buffer {shortened(key)}.")
    for name in layer.input_learnables:
        if layer.key(path, name) == key:
            raise NetworkError(f"{path} takes its {name} from a wire, so it has no value of its own for {key}.")


def upstream(network: "Network", port: Port) -> list[Port]:
    """An output port after all that it depends on, each once."""
    return ordered(port, lambda at: needed_sources(network, at))


def ordered(port: Port, before: Callable[[Port], Iterable[Port]]) -> list[Port]:
    """A port after all that must come before it, each once; chains may be longer than a recursion can be deep."""
    found: dict[Port, None] = {}
    todo = [(port, list(before(port)))]
    while todo:
        at, missing = todo[-1]
        if missing:
            if (first := missing.pop(0)) not in found:
                todo.append((first, list(before(first))))
        else:
            found[at] = None
            todo.pop()
    return list(found)


def needed_sources(network: "Network", port: Port) -> list[Port]:
    """The output ports that an output port depends on at once."""
    return [source for need in needs(network, port) if (source := network.source_of(need))]
