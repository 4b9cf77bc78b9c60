"""Delete layers and wires without taking from others what they use."""

import dataclasses
from collections.abc import Container, Iterable
from typing import Any

from designer.edits.ties import untie
from designer.model import BUNDLE, Network, NetworkError, Port
from designer.model.names import among, parent, under


def delete(network: Network, *names: str) -> tuple[Network, tuple[str, ...]]:
    """Delete layers by path and wires by target, as ``fc/in``; say in sentences what others now own.

    A learnable that stays borrowed goes to its first borrower, from which the others take it. Where all borrow it
    through layers that compute, each comes to own what arrives at it. What calls a deleted layer becomes that layer.
    """
    layers = frozenset(name for name in names if "/" not in name and network.find(name) is not None)
    said: list[str] = []
    for owner in [path for path in network.all if among(path, layers)]:
        if network.find(owner) is not None:  # else it went to a Call with its group
            network = _handed_to_caller(network, owner, layers, said)
    for owner in [path for path in network.all if among(path, layers)]:
        for learnable in network.layer(owner).output_learnables:
            network = hand_over(network, Port(owner, learnable), layers, said)
    for name in names:
        target = Port.parse(name)
        if "/" in name and not among(target.layer, layers) and network.source_of(target) is not None:
            network = network.disconnect(target)
    left = [path for path in layers if network.find(path) is not None]
    return network.remove(*left) if left else network, tuple(said)


def hand_over(network: Network, source: Port, deleted: Container[str], said: list[str]) -> Network:
    """Give a learnable to the first layer that borrows it and stays."""
    layer = network.layer(source.layer)
    users = [target for target in network.targets.get(source, ()) if not among(target.layer, deleted)]
    if source.name in layer.input_learnables:  # offered on: its owner stays, or was handed over already
        origin = network.source_of(source)
        if origin is not None and not among(origin.layer, deleted):
            for user in users:
                network = network.connect(origin, user)
        return network
    heirs = [user for user in users if user.name in network.layer(user.layer).input_learnables]
    if heirs:
        heir, key = heirs[0], layer.key(*source)
        own = network.layer(heir.layer)
        carried: dict[str, tuple[Any, ...]] = {
            "input_learnables": tuple(name for name in own.input_learnables if name != heir.name)
        }
        if len(users) > 1:
            carried["output_learnables"] = (*own.output_learnables, heir.name)
        for field in ("learn_rate_factors", "weight_decay_factors"):
            if source.name in (factors := dict(getattr(layer, field))):
                carried[field] = tuple({**dict(getattr(own, field)), heir.name: factors[source.name]}.items())
        if source.name in layer.frozen:
            carried["frozen"] = (*own.frozen, heir.name)
        network = network.set(heir.layer, **carried)
        if key in network.values:
            values = {**network.values, own.key(*heir): network.values[key]}
            network = dataclasses.replace(network, values=values)
        for user in users:
            if user != heir:
                network = network.connect(heir, user)
        said.append(f"{heir.layer} now owns {heir.name}, which {source.layer} owned.")
        return network
    for borrower in _behind(network, users, deleted):
        try:
            network = untie(network, str(borrower))
        except NetworkError:  # there is no value to keep: it owns one that is not initialised
            names = network.layer(borrower.layer).input_learnables
            kept = tuple(name for name in names if name != borrower.name)
            network = network.set(borrower.layer, input_learnables=kept)
        said.append(f"{borrower.layer} now owns its {borrower.name}.")
    return network


def _behind(network: Network, targets: Iterable[Port], deleted: Container[str]) -> list[Port]:
    """The learnable inputs that are reached through layers which only compute."""
    found: list[Port] = []
    todo, seen = list(targets), set()
    while todo:
        target = todo.pop(0)
        if target in seen or among(target.layer, deleted):
            continue
        seen.add(target)
        layer = network.layer(target.layer)
        if target.name in layer.input_learnables:
            found.append(target)
        else:
            outs = (Port(target.layer, out) for out in network.outputs_of(target.layer))
            todo += [t for out in outs if network.is_learnable(out) for t in network.targets.get(out, ())]
    return found


def _handed_to_caller(network: Network, path: str, deleted: Container[str], said: list[str]) -> Network:
    """Let a layer that is called elsewhere take the place of the first Call that stays."""
    callers = [t.layer for t in network.targets.get(Port(path, BUNDLE), ()) if not among(t.layer, deleted)]
    if not callers:
        return network
    first = callers[0]
    if parent(first) != parent(path):
        raise NetworkError(f"{first} calls {path}: delete that first.")
    inputs = {name: network.source_of(Port(first, name)) for name in network.inputs_of(first)}
    outputs = {name: network.targets.get(Port(first, name), ()) for name in network.outputs_of(first)}
    place = network.network_at(parent(path)).positions.get(first.rpartition(".")[2])
    network = network.remove(first)
    for name in network.inputs_of(path):
        if network.source_of(Port(path, name)):
            network = network.disconnect(Port(path, name))
    for name in network.outputs_of(path):
        for target in network.targets.get(Port(path, name), ()):
            network = network.disconnect(target)
    for name, source in inputs.items():
        if source and not under(source.layer, path):  # what the deleted one gave is gone
            network = network.connect(source, Port(path, name))
    for name, targets in outputs.items():
        for target in targets:
            network = network.connect(Port(path, name), target)
    network = network.rename(path, first.rpartition(".")[2])
    said.append(f"{first} now is what {path} was.")
    return network.move({first: place}) if place else network
