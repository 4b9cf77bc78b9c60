"""What the outputs of a network need."""

from collections.abc import Iterable, Iterator, Mapping, Set

from designer.analysis.difference import Difference
from designer.model import BUNDLE, Group, Input, Layer, Network, Output, Port
from designer.model.names import parent
from designer.model.rules import needs


class Needed:
    """The output ports that something given back depends on.

    Attributes:
        given: the ports that the network gives back.
        ports: those and all that they depend on.
        counts: path -> how many of these ports a layer has, a group with what it holds; never 0.
    """

    def __init__(self, given: Set[Port], ports: set[Port], counts: Mapping[str, int]):
        self.given, self.ports, self.counts = given, ports, dict(counts)

    def spares(self, path: str, layer: Layer) -> bool:
        """Whether a layer is not needed, but what holds it is."""
        if not self.given or path in self.counts:  # nothing given back: values alone, or a network that is only begun
            return False
        home = parent(path)
        if not home:
            return not isinstance(layer, Output)
        if home not in self.counts or isinstance(layer, Input):
            return False
        asked = {Port(home, path[len(home) + 1 :]), Port(home, BUNDLE)}
        return not isinstance(layer, Output) or not asked & self.ports

    def after(self, network: Network, difference: Difference, given: Set[Port]) -> tuple["Needed", set[str]]:
        """After an edit of a network without Calls; and the paths that may be needed now and were not, or the reverse.

        No port needs itself. So one is needed exactly where it is given back, or where a needed port asks for an input
        that it is wired to.
        """
        new = Needed(given, self.ports.copy(), self.counts)
        lost = [*(self.given - given), *(old for old, _ in difference.wires.values() if old)]
        targets = list(difference.wires)
        for path, (old, layer) in difference.layers.items():
            if old and (layer is None or path in difference.ported):
                lost += [Port(path, name) for name in (*old.outputs(), *old.output_learnables)]
            if layer and path in difference.ported:
                targets += [Port(path, name) for name in (*network.inputs_of(path), *layer.input_learnables)]
        lost += [source for target in targets if (source := network.source_of(target))]
        touched: set[str] = set()
        while lost:
            port = lost.pop()
            if port in new.ports and not new._supports(network, port):
                touched.update(new._count(port, -1))
                lost += _sources(network, port)
        wanted = [source for target in targets if new._asks(network, target) and (source := network.source_of(target))]
        touched.update(new._add(network, [*wanted, *(given - new.ports)]))
        return new, touched

    def _add(self, network: Network, ports: Iterable[Port]) -> Iterator[str]:
        """Add ports with all that they depend on."""
        todo = list(ports)
        while todo:
            port = todo.pop()
            if port not in self.ports:
                yield from self._count(port, 1)
                todo += _sources(network, port)

    def _count(self, port: Port, by: int) -> Iterator[str]:
        """Take a port in or out, and tell what may be needed otherwise than before."""
        (self.ports.add if by > 0 else self.ports.remove)(port)
        yield f"{port.layer}.{port.name}"  # the Output layer of a group
        path = port.layer
        while path:
            count = self.counts.pop(path, 0) + by
            if count:
                self.counts[path] = count
            if count == max(by, 0):
                yield path
            path = parent(path)

    def _supports(self, network: Network, port: Port) -> bool:
        """Whether something needed depends directly on an output port, or it is given back."""
        if network.find(port.layer) is None:
            return False
        return port in self.given or any(self._asks(network, target) for target in network.targets.get(port, ()))

    def _asks(self, network: Network, target: Port) -> bool:
        """Whether a needed port depends on an input port."""
        path, name = target
        if (layer := network.find(path)) is None:
            return False
        if isinstance(layer, Group):
            return Port(f"{path}.{name}", "out") in self.ports
        if isinstance(layer, Output):
            home = parent(path)
            return bool(home) and Port(home, path[len(home) + 1 :]) in self.ports
        if name in layer.input_learnables and name in layer.output_learnables and target in self.ports:
            return True
        return any(Port(path, out) in self.ports for out in layer.outputs())


def needed_in(network: Network) -> Needed:
    """What the outputs of a network need, found from them upward."""
    new = Needed(frozenset(network.outputs.values()), set(), {})
    for _ in new._add(network, new.given):
        pass
    return new


def given_after(before: Needed, old: Network, network: Network, difference: Difference, others: Set[Port]) -> Set[Port]:
    """The ports that a network gives back after an edit; ``others`` are those that may carry a learnable or no more."""
    if network.ends or old.ends:
        return frozenset(network.outputs.values())
    if difference.settings_alone:
        return before.given
    paths = {port.layer for ends in difference.wires.values() for port in ends if port}
    paths |= difference.layers.keys() | difference.groups | {port.layer for port in others}
    names = {path for path in paths if "." not in path}
    given = {port for port in before.given if port.layer not in names}
    return frozenset(given.union(*(_given(network, name) for name in names)))


def _given(network: Network, name: str) -> set[Port]:
    """The port of a layer that a network without Output layers gives back."""
    layer = network.layers.get(name)
    if layer is None or isinstance(layer, Input) or not (outs := network.outputs_of(name)):
        return set()
    if any(Port(name, out) in network.targets for out in outs) or network.is_learnable(Port(name, outs[0])):
        return set()
    return {Port(name, outs[0])}


def _sources(network: Network, port: Port) -> list[Port]:
    """The output ports that one depends on directly; of the inputs of a group only what its inner layers ask for."""
    if (layer := network.find(port.layer)) is None:
        return []
    if not isinstance(layer, Group):
        inputs = needs(network, port)
    elif port.name == BUNDLE:
        inputs = [Port(f"{port.layer}.{name}", "in") for name in layer.outputs()]
    else:
        inputs = [Port(f"{port.layer}.{port.name}", "in")]
    return [source for need in inputs if (source := network.source_of(need))]
