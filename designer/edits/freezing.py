"""Keep learnables from being trained."""

from designer.model import Group, Network, NetworkError, Port
from designer.model.names import under


def freeze(network: Network, *names: str, frozen: bool = True) -> Network:
    """Freeze layers, whole groups or single learnables: ``freeze(net, "encoder", "emb/weight")``.

    A borrowed learnable trains where its owner does, so a layer is frozen in what it owns.
    """
    for name in names:
        port = Port.parse(name)
        layer = network.layer(port.layer)
        if port.name:
            if port.name not in layer.learnables():
                raise NetworkError(f"{port.layer} has no learnable {port.name!r}.")
            if port.name in layer.input_learnables:
                raise NetworkError(f"{port.layer} takes its {port.name} from {network.source_of(port)}: freeze that.")
            kept = tuple(learnable for learnable in layer.frozen if learnable != port.name)
            network = network.set(port.layer, frozen=(*kept, port.name) if frozen else kept)
            continue
        for path, inner in network.walk():
            if under(path, port.layer) and not isinstance(inner, Group) and inner.learnables():
                network = network.set(path, frozen=inner.owned if frozen else ())
    return network
