"""Switch learnables to wires and back without changing what the network computes."""

from designer.edits.ties import untie
from designer.model import Network, Port


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
    found: dict[Port, None] = {}
    todo, seen = [port], {port}
    while todo:
        for target in network.targets.get(todo.pop(0), ()):
            if target.name in network.layer(target.layer).input_learnables:
                found[target] = None
                continue
            outs = [Port(target.layer, out) for out in network.outputs_of(target.layer)]
            new = [out for out in outs if out not in seen and network.is_learnable(out)]
            todo += new
            seen.update(new)
    return list(found)


def _parsed(port: str | Port) -> Port:
    return port if isinstance(port, Port) else Port.parse(port)


def _set(network: Network, path: str, field: str, name: str, on: bool) -> Network:
    names = getattr(network.layer(path), field)
    if on == (name in names):
        return network
    kept = (*names, name) if on else tuple(other for other in names if other != name)
    return network.set(path, **{field: kept})
