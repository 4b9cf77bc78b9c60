"""Put a layer in the place of another without taking from others what they use."""

import dataclasses

from designer.analysis import analyze
from designer.edits.deletion import hand_over
from designer.model import Layer, Network, Port
from designer.model.names import join, parent


def replaced(network: Network, path: str, layer: Layer, rename: str | None = None) -> tuple[Network, tuple[str, ...]]:
    """Replace a layer; say in sentences what others own now, and which values begin anew.

    Wires whose ports still exist stay. A learnable that others borrow, and that the new layer has not or has in
    another size, goes to its first borrower. Values whose sizes no longer fit go.
    """
    old, names = network.layer(path), set(layer.learnables())
    offered = tuple(name for name in old.output_learnables if name in names)
    taken = tuple(name for name in old.input_learnables if name in names)
    factors = tuple(pair for pair in layer.learn_rate_factors if pair[0] not in taken)
    layer = dataclasses.replace(layer, input_learnables=taken, output_learnables=offered, learn_rate_factors=factors)
    said: list[str] = []
    lent = [name for name in old.output_learnables if Port(path, name) in network.targets]
    if lent:
        trial = analyze(network.replace(path, layer)) if set(lent) & names else None
        for name in lent:
            port = Port(path, name)
            if trial and name in names and trial.learnable_shape(port) == analyze(network).learnable_shape(port):
                continue
            network = hand_over(network, port, [path], said)
            offered = tuple(other for other in offered if other != name)
        layer = dataclasses.replace(layer, output_learnables=offered)
    new = network.replace(path, layer, rename)
    at = join(parent(path), rename) if rename else path
    fact = analyze(new).facts.get(at) if any(key.startswith(f"{at}.") or key == at for key in new.values) else None
    wrong = {}
    for name, tensor in fact.state.items() if fact else ():
        value = new.values.get(layer.key(at, name))
        if value is not None and tuple(value.shape) != tensor.sizes:
            wrong[layer.key(at, name)] = name
    if wrong:
        new = dataclasses.replace(new, values={key: value for key, value in new.values.items() if key not in wrong})
        said.append(f"{', '.join(wrong.values())} of {at} begin{'s' if len(wrong) == 1 else ''} anew.")
    return new, tuple(said)
