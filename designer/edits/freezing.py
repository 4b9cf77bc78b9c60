"""Keep learnables from being trained."""

import dataclasses

from designer.model import Group, Layer, Network, NetworkError, Port
from designer.model.names import under


def freeze(network: Network, *names: str, frozen: bool = True) -> Network:
    """Freeze layers, whole groups or single learnables: ``freeze(net, "encoder", "emb/weight")``.

    A borrowed learnable trains where its owner does, so a layer is frozen in what it owns.
    """
    changed: dict[str, Layer] = {}
    for name in names:
        port = Port.parse(name)
        layer = changed.get(port.layer) or network.layer(port.layer)
        if port.name:
            if port.name not in layer.learnables():
                raise NetworkError(f"{port.layer} has no learnable {port.name!r}.")
            if port.name in layer.input_learnables:
                raise NetworkError(f"{port.layer} takes its {port.name} from {network.source_of(port)}: freeze that.")
            kept = tuple(learnable for learnable in layer.frozen if learnable != port.name)
            changed[port.layer] = dataclasses.replace(layer, frozen=(*kept, port.name) if frozen else kept)
            continue
        inside = network.walk() if isinstance(layer, Group) else [(port.layer, layer)]
        for path, inner in inside:
            if under(path, port.layer) and not isinstance(inner, Group) and inner.learnables():
                changed[path] = dataclasses.replace(inner, frozen=inner.owned if frozen else ())
    return network.exchange(changed)
