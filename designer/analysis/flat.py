"""A network without groups and second uses: plain layers, and the ports that feed them."""

import copy
import heapq
from collections.abc import Iterable, Mapping
from functools import cached_property

from designer.model import BUNDLE, Call, Group, Input, Layer, Network, Port
from designer.model.names import parent, under


class Flat:
    """The layers of a network by path, a second use as layers of its own, and what feeds each.

    Attributes:
        layers: path -> layer; groups and Calls are not among them.
        sources: path -> input port (data, then taken learnables) -> the port that feeds it, borders seen through.
        order: the paths, each after those whose shapes it needs.
        circular: layers whose sizes depend on each other, where a learnable meets its own data.
        copies: the paths that a Call made, which are not in the network -> the paths of what they are copies of.
    """

    def __init__(self, network: Network):
        self.network = network
        layers: Mapping[str, Layer] = network.all
        wires: Mapping[Port, Port] = network.wires
        self.copies: dict[str, str] = {}
        if calls := [path for path, layer in layers.items() if isinstance(layer, Call)]:
            layers, wires = dict(layers), dict(wires)
            while calls:
                before = set(layers)
                _expand(calls.pop(), layers, wires, self.copies)
                calls += [path for path in layers if path not in before and isinstance(layers[path], Call)]
        self._all: Mapping[str, Layer] = layers
        self._wires = wires
        self.layers = {path: la for path, la in layers.items() if not isinstance(la, Group | Call)}
        numbered: dict[str, int] = {}
        for target in wires:
            if target.name.isdecimal():
                numbered[target.layer] = max(numbered.get(target.layer, 0), int(target.name) + 1)
        self._numbered = numbered
        self.sources = {path: self._sources(path, layer) for path, layer in self.layers.items()}
        self.order, self.circular = self._ordered()

    def with_layers(self, network: Network, changed: Iterable[str]) -> "Flat":
        """The same wiring with some layers changed."""
        new = copy.copy(self)
        new.network = network
        layers = {path: network.layer(path) for path in changed}
        new._all, new.layers = {**self._all, **layers}, {**self.layers, **layers}
        return new

    def _sources(self, path: str, layer: Layer) -> dict[str, Port | None]:
        if isinstance(layer, Input):
            return {"in": self.resolve(Port(path, "out"))} if parent(path) else {}
        inputs = map(str, range(self._numbered.get(path, 0))) if layer.variadic else layer.inputs()
        wires = self._wires
        return {name: self.resolve(wires.get(Port(path, name))) for name in (*inputs, *layer.input_learnables)}

    def resolve(self, port: Port | None) -> Port | None:
        """The port of a layer that a wire comes from, seen through the borders of groups."""
        while port is not None:
            layer = self._all.get(port.layer)
            if isinstance(layer, Group):
                port = self._wires.get(Port(f"{port.layer}.{port.name}", "in"))
            elif isinstance(layer, Input) and (group := parent(port.layer)):
                port = self._wires.get(Port(group, port.layer[len(group) + 1 :]))
            elif layer is not None and port.name in layer.input_learnables:  # taken and offered on
                port = self._wires.get(port)
            else:
                return port if layer is not None and not isinstance(layer, Call) else None
        return None

    def data(self, path: str) -> list[Port | None]:
        """What feeds the data inputs of a layer, in their order."""
        taken = self.layers[path].input_learnables
        return [source for name, source in self.sources[path].items() if name not in taken]

    def told(self, port: Port) -> bool:
        """Whether it is a learnable whose size the properties of its layer tell, without any data."""
        layer = self.layers[port.layer]
        return port.name in layer.learnables() and not layer.computes and tells(layer)

    def dtype(self, path: str) -> str:
        """The type of the numbers that a layer computes with: that of the first learnable that has values."""
        layer, network = self.layers[path], self.network
        for name in layer.learnables() if network.values else ():
            port: Port | None = Port(self.copies.get(path, path), name)
            if name in layer.input_learnables:
                port = self.sources[path][name]
            owner = self._all.get(port.layer) if port else None
            value = network.values.get(owner.key(port.layer, port.name)) if port and owner else None
            if value is not None and (value.is_floating_point() or value.is_complex()):
                return str(value.dtype).removeprefix("torch.")
        return network.dtype

    @cached_property
    def place(self) -> Mapping[str, int]:
        """The place of each path in the order."""
        return {path: n for n, path in enumerate(self.order)}

    @cached_property
    def followers(self) -> Mapping[str, list[str]]:
        """The paths that each path feeds with data."""
        after: dict[str, list[str]] = {}
        for path in self.order:
            for source in self.data(path):
                if source:
                    after.setdefault(source.layer, []).append(path)
        return after

    def _ordered(self) -> tuple[list[str], tuple[str, ...]]:
        """The order of computation, else that of adding; learnables that a layer takes do not count."""
        after: dict[str, list[str]] = {path: [] for path in self.layers}
        waiting: dict[str, int] = {}
        for path in self.layers:
            feeders = {source.layer for source in self.data(path) if source and not self.told(source)}
            waiting[path] = len(feeders)
            for feeder in feeders:
                after[feeder].append(path)
        place = {path: n for n, path in enumerate(self.layers)}
        ready = [(n, path) for path, n in place.items() if not waiting[path]]
        order = []
        while ready:
            _, path = heapq.heappop(ready)
            order.append(path)
            for follower in after[path]:
                waiting[follower] -= 1
                if not waiting[follower]:
                    heapq.heappush(ready, (place[follower], follower))
        circular = tuple(path for path in self.layers if waiting[path])
        return [*order, *circular], circular


def tells(layer: Layer) -> bool:
    """Whether the properties of a layer tell the sizes of its learnables, as those of an Embedding do."""
    try:
        return bool(layer.module(*[()] * len(layer.inputs())))
    except (IndexError, TypeError, ZeroDivisionError, ValueError):
        return False


def _expand(call: str, layers: dict[str, Layer], wires: dict[Port, Port], copies: dict[str, str]) -> None:
    """Put a copy of what is called in the place of a Call."""
    if call not in layers:
        return
    source = wires.pop(Port(call, BUNDLE), None)
    if source is None:
        return
    called = source.layer
    while isinstance(layers.get(called), Call):  # a Call of a Call
        if (source := wires.get(Port(called, BUNDLE))) is None:
            return
        called = source.layer
    original = layers.get(called)
    if original is None:
        return
    own = set(original.inputs())
    for path in [path for path in layers if under(path, called)]:
        copy = call + path[len(called) :]
        layers[copy], copies[copy] = layers[path], copies.get(path, path)
    for target, origin in list(wires.items()):
        at_border = target.layer == called and (target.name in own or (original.variadic and target.name.isdecimal()))
        if under(target.layer, called) and not at_border:
            wires[target.moved(called, call)] = origin.moved(called, call)
