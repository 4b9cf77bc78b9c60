"""Put a layer on a wire, and lead wires past layers."""

from designer.model import BUNDLE, Layer, Network, NetworkError, Port
from designer.model.rules import check_border


def insert(network: Network, target: str | Port, path: str, layer: Layer | None = None) -> Network:
    """Put a layer on the wire that ends at a port: ``insert(net, "fc/in", "act", ReLU())``.

    Without ``layer``, the one that stands at the path already; it must have no data wires. On a wire that carries a
    learnable fit the layers that only compute, as Permute and Slice.
    """
    into = target if isinstance(target, Port) else Port.parse(target)
    source = network.source_of(into)
    if source is None:
        raise NetworkError(f"Nothing is connected to {into}.")
    if source.name == BUNDLE:
        raise NetworkError(f"The wire to {into} says what is called: no layer fits on it.")
    if layer is not None:
        network = network.add(**{path: layer})
    elif wired(network, path):
        raise NetworkError(f"{path} is wired already: only a layer without wires can be put on a wire.")
    put = network.layer(path)
    if network.is_learnable(source) and not put.computes:
        raise NetworkError(f"{source} is a learnable: on its wire fit layers that only compute, not {_kind(put)}.")
    return network.disconnect(into).connect(source, path).connect(path, into)


def wired(network: Network, path: str) -> bool:
    """Whether data comes to a layer, or goes from it."""
    if any(network.source_of(Port(path, name)) for name in network.inputs_of(path)):
        return True
    return any(network.targets.get(Port(path, name)) for name in network.outputs_of(path))


def bypass(network: Network, *paths: str) -> Network:
    """Connect what feeds layers with what they feed; of several inputs the first that is wired goes on."""
    feeders: dict[str, Port] = {}
    for path in paths:
        inputs = (network.source_of(Port(path, name)) for name in network.inputs_of(path))
        if source := next((source for source in inputs if source is not None), None):
            feeders[path] = source
    outputs = {Port(path, name): path for path in feeders for name in network.outputs_of(path)}

    def before(source: Port) -> Port:
        while (path := outputs.get(source)) is not None:
            source = feeders[path]
        return source

    led = {target: before(source) for target, source in network.wires.items() if source in outputs}
    if not led:
        return network
    # All at once: each wire alone would copy all others. None closes a loop, since its target needed the source before.
    new = network.rewired({**network.wires, **led})
    for target, source in led.items():
        check_border(new, source, target)
    return new


def _kind(layer: Layer) -> str:
    name = type(layer).__name__
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
