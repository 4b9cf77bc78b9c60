"""Switch learnables to wires and back, and remove layers, without changing what the others compute."""

from collections.abc import Iterator

from designer.edits.ties import untie
from designer.model import Network, Port
from designer.model.names import under


def switch_input(network: Network, port: str | Port, on: bool) -> Network:
    """Let a layer take a learnable from a wire, or own it; it then keeps the value that arrived."""
    path, name = _parsed(port)
    if not on and (source := network.wires.get(Port(path, name))) and network.is_learnable(source):
        return untie(network, f"{path}/{name}")
    return _set(network, path, "input_learnables", name, on)


def switch_output(network: Network, port: str | Port, on: bool) -> Network:
    """Offer a learnable on a port, or no longer; those that borrow it then own what they borrowed."""
    path, name = _parsed(port)
    if not on:
        network = untie(network, *map(str, borrowers(network, Port(path, name))))
    return _set(network, path, "output_learnables", name, on)


def borrowers(network: Network, port: Port) -> list[Port]:
    """List the learnable inputs that a port reaches, directly or through layers that only compute."""
    return list(dict.fromkeys(_borrowers(network, port)))


def _borrowers(network: Network, port: Port) -> Iterator[Port]:
    for target in network.targets.get(port, ()):
        layer = network.layer(target.layer)
        if target.name in layer.input_learnables:
            yield target
        else:
            outs = (Port(target.layer, out) for out in network.outputs_of(target.layer))
            for out in outs:
                if network.is_learnable(out):
                    yield from _borrowers(network, out)


def discard(network: Network, *ports_and_paths: str) -> tuple[Network, tuple[str, ...]]:
    """Remove layers and cut wires (named by their target, ``fc/in``), and say what became of ties.

    A learnable that others borrow from a removed layer goes to the first of them; where expressions lie between,
    each borrower owns what it borrowed. A borrower whose wire is cut owns what it borrowed.
    """
    paths = [name for name in ports_and_paths if "/" not in name]
    said = []

    def goes(path: str) -> bool:
        return any(under(path, removed) for removed in paths)

    for name in (name for name in ports_and_paths if "/" in name):
        target = Port.parse(name)
        if goes(target.layer) or target not in network.wires:
            continue
        if target.name in network.layer(target.layer).input_learnables and network.is_learnable(network.wires[target]):
            network = untie(network, name)
            said.append(f"{target.layer} now owns its {target.name}.")
        else:
            network = network.disconnect(name)
    for owner in [path for path in network.all if goes(path)]:
        for learnable in network.layer(owner).output_learnables if owner in network.all else ():
            heirs = [port for port in borrowers(network, Port(owner, learnable)) if not goes(port.layer)]
            if heirs:
                network = _handed_over(network, Port(owner, learnable), heirs)
                said.append(f"{heirs[0].layer} now owns {heirs[0].name}, which {owner} owned.")
    left = [path for path in paths if path in network.all]
    for path in left:
        if path in network.all:  # not gone with a group that held it
            network = network.remove(path)
    return network, tuple(said)


def _handed_over(network: Network, owner: Port, heirs: list[Port]) -> Network:
    """Let the first heir own a learnable, and the others take it from there."""
    first, *others = heirs
    direct = all(network.wires[heir] == owner for heir in heirs)
    if not direct:
        return untie(network, *map(str, heirs))
    network = untie(network, str(first))
    if others:
        network = _set(network, first.layer, "output_learnables", first.name, True)
        for other in others:
            network = network.connect(first, other)
    return network


def _parsed(port: str | Port) -> Port:
    return port if isinstance(port, Port) else Port.parse(port)


def _set(network: Network, path: str, field: str, name: str, on: bool) -> Network:
    names = getattr(network.layer(path), field)
    if on == (name in names):
        return network
    kept = (*names, name) if on else tuple(other for other in names if other != name)
    return network.set(path, **{field: kept})
