"""Ties in the familiar form: one Parameter under the names of all layers that share it."""

from typing import Literal

from designer.model import Network, NetworkError, Port

Style = Literal["wires", "alias"]  # how a source has its ties


def aliased(network: Network) -> tuple[Network, dict[Port, Port]]:
    """Let borrowers own what they take straight from another layer; gives them with the owners, to be set as one.

    What is made on the way, as by a Permute, cannot be one Parameter, and stays a wire.
    """
    shared: dict[Port, Port] = {}
    for path, layer in network.walk():
        for name in layer.input_learnables:
            if (owner := _owner(network, Port(path, name))) is not None:
                shared[Port(path, name)] = owner
    for borrower in shared:
        layer = network.layer(borrower.layer)
        taken, frozen = (
            tuple(name for name in names if name != borrower.name) for names in (layer.input_learnables, layer.frozen)
        )
        network = network.disconnect(borrower).set(borrower.layer, input_learnables=taken, frozen=frozen)
    return network, shared


def has_aliases(network: Network) -> bool:
    """Whether anything is taken straight from another layer."""
    ports = (Port(path, name) for path, layer in network.walk() for name in layer.input_learnables)
    return any(network.source_of(port) is not None and _owner(network, port) is not None for port in ports)


def _owner(network: Network, borrower: Port) -> Port | None:
    """The port of who owns what a layer takes; None where no layer owns it as it is."""
    port: Port | None = borrower
    while port is not None:
        layer = network.find(port.layer)
        if layer is None or port.name not in layer.learnables():
            return None
        if port.name in layer.owned:
            return port
        port = network.source_of(port)
    raise NetworkError(f"{borrower.layer} takes its {borrower.name} from a wire, but none is connected.")
