"""The ports of a group, which are the Inputs and Outputs in it: their order, and ports that nobody uses."""

import dataclasses

from designer.model import Call, Input, Layer, Network, NetworkError, Output, Port
from designer.model.names import join, parent


def move_port(network: Network, path: str, place: int) -> Network:
    """Put an Input or Output at another place among those beside it; the ports of its group follow, wires stay.

    At the top these are the arguments of the network, or what it gives back.
    """
    home, name = parent(path), path.rpartition(".")[2]
    held, kind = network.network_at(home), _kind(network, path)
    ends = [other for other, layer in held.layers.items() if isinstance(layer, kind)]
    if not 0 <= place < len(ends):
        raise NetworkError(f"{path} cannot be number {place + 1}: there are {len(ends)}.")
    order = [other for other in ends if other != name]
    order.insert(place, name)
    if order == ends:
        return network
    turn = iter(order)
    layers: dict[str, Layer] = {}
    for other, layer in held.layers.items():
        at = next(turn) if isinstance(layer, kind) else other
        layers[at] = held.layers[at]
    changed = dataclasses.replace(held, layers=layers)
    if not home:
        return changed
    return network.replace(home, dataclasses.replace(network.layer(home), network=changed))  # type: ignore[call-arg]


def remove_port(network: Network, path: str) -> Network:
    """Take a port that nobody uses off a group; the wire on its other side goes along."""
    if users := port_users(network, path):
        raise NetworkError(f"{path} is used by {users[0]}: cut that wire first.")
    return network.remove(path)


def port_users(network: Network, path: str) -> list[str]:
    """What comes after a port of a group: for an Input layers inside, for an Output what takes it outside."""
    home, name = parent(path), path.rpartition(".")[2]
    kind = _kind(network, path)
    if not home:
        raise NetworkError(f"{path} is an end of the network, not a port of a group.")
    if kind is Input:
        return [port.layer for port in network.targets.get(Port(path, "out"), ())]
    calls = (at for at, layer in network.all.items() if isinstance(layer, Call) and network.called(at) == home)
    outs = [Port(at, name) for at in (home, *calls)]
    users = [target.layer for out in outs for target in network.targets.get(out, ())]
    given = not network.ends and any(out in network.outputs.values() for out in outs)
    return [*users, *(["what the network gives back"] if given else [])]


def port_path(network: Network, port: Port) -> str | None:
    """The path of the Input or Output that makes a data port of a group; None for any other port."""
    path = join(port.layer, port.name)
    group = network.find(port.layer)
    return path if group is not None and isinstance(network.find(path), Input | Output) else None


def _kind(network: Network, path: str) -> type[Layer]:
    layer = network.layer(path)
    if not isinstance(layer, Input | Output):
        raise NetworkError(f"{path} is no port: only Inputs and Outputs are.")
    return Input if isinstance(layer, Input) else Output
