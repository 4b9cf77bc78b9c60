"""What no edits could have made, and a file may hold: refused before a network is used."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from designer.model.errors import NetworkError
from designer.model.names import MODULE_DICT_NAMES, Port, check_name, shortened
from designer.model.rules import check_border, check_key, check_wire, needed_sources
from designer.model.structure import BUNDLE, Call, Group

if TYPE_CHECKING:
    from designer.model.network import Network

MOST_LAYERS = 100_000  # of a network, second uses counted


def check_network(network: "Network") -> None:
    """Refuse a network, as read from a file, that no edits could have made; names one thing that is wrong."""
    levels = _levels(network)
    for level in levels:
        _check_level(level)
    _ = network.all  # layers are found more quickly where it is known
    wires = dict(_asking(network, {id(level): _unsure(level) for level in levels}, ""))
    _check_calls(wires)
    _check_count(network)
    for target, source in wires.items():
        if not network.has_output(source):
            raise NetworkError(f"There is no output {shortened(str(source))} for {shortened(str(target))}.")
        if not network.has_input(target):
            raise NetworkError(f"There is no input {shortened(str(target))}.")
    _check_loops(network, levels)
    for target, source in wires.items():
        check_wire_ends(network, source, target)
        check_border(network, source, target)
    for key in network.values:
        check_key(network, key)
    for key in network.aliases.values():
        check_key(network, key)


def _levels(network: "Network") -> list["Network"]:
    """A network and those in its groups; one that several groups hold, as equal blocks of a file do, only once."""
    found: dict[int, Network] = {}
    todo = [network]
    while todo:
        level = todo.pop()
        if id(level) not in found:
            found[id(level)] = level
            todo += [layer.network for layer in level.layers.values() if isinstance(layer, Group)]
    return list(found.values())


def _unsure(level: "Network") -> list[tuple[Port, Port]]:
    """The wires of a level that are not plainly right: those to and from ports of layers beside each other are."""
    layers = level.layers
    return [
        (target, source)
        for target, source in level.connections.items()
        if not (
            target.layer in layers
            and source.layer in layers
            and BUNDLE not in (target.name, source.name)
            and not isinstance(layers[target.layer], Call)
            and not isinstance(layers[source.layer], Call)
            and level.has_output(source)
            and level.has_input(target)
        )
    ]


def _asking(
    network: "Network", unsure: Mapping[int, list[tuple[Port, Port]]], path: str
) -> Iterator[tuple[Port, Port]]:
    """The wires that are not plainly right in a network and its groups, by their paths."""
    for target, source in unsure[id(network)]:
        yield target.above(path), source.above(path)
    for name, layer in network.layers.items():
        if isinstance(layer, Group):
            yield from _asking(layer.network, unsure, f"{path}.{name}" if path else name)


def check_wire_ends(network: "Network", out: Port, into: Port) -> None:
    """Refuse a bundle that does not go from a layer to a Call beside it."""
    if out.name == BUNDLE or into.name == BUNDLE:
        check_wire(network, out, into, orderly=True)


def _check_level(network: "Network") -> None:
    """Refuse names, positions and wires of a level that are wrong by themselves."""
    numbered = any(name.isdecimal() for name in network.layers if isinstance(name, str))
    beside = {"0", *(network.layers.keys() & MODULE_DICT_NAMES)} if numbered else ()
    for name in network.layers:
        check_name(name, beside, given=True)
    for name, at in network.positions.items():
        if name not in network.layers or not all(map(math.isfinite, at)):
            raise NetworkError(f"The position of {shortened(name)} is not that of a layer.")
    for target, source in network.connections.items():
        for port in (target, source):
            if port.layer not in network.layers and network.find(port.layer) is None:
                raise NetworkError(f"A wire ends at {shortened(str(port))}, but there is no layer of that name.")
        if "." in target.layer and "." in source.layer:
            first, second = (port.layer.partition(".")[0] for port in (target, source))
            if first == second:
                raise NetworkError(f"The wire from {source} to {target} must be kept inside {first}.")


def _check_calls(wires: Mapping[Port, Port]) -> None:
    """Refuse Calls that call each other in a ring: what a Call calls is followed from Call to Call."""
    calls = {target.layer: source.layer for target, source in wires.items() if target.name == BUNDLE}
    done: set[str] = set()
    for at in calls:
        seen: set[str] = set()
        while at in calls and at not in done:
            if at in seen:
                raise NetworkError(f"{at} calls itself.")
            seen.add(at)
            at = calls[at]
        done |= seen


def _check_count(network: "Network") -> None:
    """Refuse Calls in groups that are called in groups: a short file may ask for layers without end."""
    total = len(network.all)
    if any(isinstance(layer, Call) for layer in network.all.values()):
        counts: dict[str, int] = {}
        total = sum(_counted(network, path, counts) for path in network.layers)
    if total > MOST_LAYERS:
        raise NetworkError(f"With all that its Calls call it has {total:,} layers, and {MOST_LAYERS:,} are allowed.")


def _counted(network: "Network", path: str, counts: dict[str, int]) -> int:
    """How many layers a layer stands for; ``counts`` are those known before."""
    if path not in counts:
        layer = network.find(path)
        called = network.called(path) if isinstance(layer, Call) else None
        inner = layer.network.layers if isinstance(layer, Group) else ()
        held = [called] if called else [f"{path}.{name}" for name in inner]
        counts[path] = (not called) + sum(_counted(network, each, counts) for each in held)
    return counts[path]


def _check_loops(network: "Network", levels: Iterable["Network"]) -> None:
    """Refuse a port that needs itself, in one walk over all ports where it does not follow from the order of layers."""
    if all(level._order is not None for level in levels):
        return
    _ = network.crossings  # told more quickly for all at once
    done: set[Port] = set()
    for start in network.targets:
        if start in done:
            continue
        stack: list[tuple[Port, list[Port]]] = [(start, needed_sources(network, start))]
        open_ports = {start}
        while stack:
            port, before = stack[-1]
            if not before:
                stack.pop()
                open_ports.discard(port)
                done.add(port)
                continue
            upstream = before.pop()
            if upstream in open_ports:
                raise NetworkError(f"{upstream} needs itself: its wires make a loop.")
            if upstream not in done:
                open_ports.add(upstream)
                stack.append((upstream, needed_sources(network, upstream)))
