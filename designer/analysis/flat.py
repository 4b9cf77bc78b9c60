"""A network without groups and second uses: plain layers, and the ports that feed them."""

import copy
from collections.abc import Iterable, Mapping
from functools import cached_property

from designer.analysis.computing import computed, computed_after
from designer.analysis.difference import Difference
from designer.model import BUNDLE, Call, Group, Input, Layer, Network, Output, Parameter, Port
from designer.model.names import parent, under

Sources = Mapping[str, Port | None]


class Flat:
    """The layers of a network by path, a second use as layers of its own, and what feeds each.

    Attributes:
        layers: path -> layer; groups and Calls are not among them.
        sources: path -> input port (data, then taken learnables) -> the port that feeds it, borders seen through.
        feeders: path -> the paths whose shapes it needs.
        order: the paths, each after those whose shapes it needs.
        circular: layers whose sizes depend on each other, where a learnable meets its own data.
        copies: the paths that a Call made, which are not in the network -> the paths of what they are copies of.
    """

    def __init__(self, network: Network):
        self.network = network
        layers: Mapping[str, Layer] = network.all
        wires: Mapping[Port, Port] = network.wires
        _ = network.targets  # what is known of a network is carried from edit to edit
        self.copies: dict[str, str] = {}
        self.calls = [path for path, layer in layers.items() if isinstance(layer, Call)]
        if calls := list(self.calls):
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
        self._numbered: Mapping[str, int] = numbered
        self.sources = {path: self._sources(path, layer) for path, layer in self.layers.items()}
        self.feeders = {path: self._feeders(path) for path in self.layers}
        self.order, self.circular = computed(self.feeders)

    def with_layers(self, network: Network, changed: Iterable[str]) -> "Flat":
        """The same wiring with some layers changed, also where they are used a second time."""
        new = copy.copy(self)
        new.network = network
        layers = {path: network.layer(self.copies.get(path, path)) for path in changed}
        new._all, new.layers = {**self._all, **layers}, {**self.layers, **layers}
        return new

    def rewired(self, network: Network, difference: Difference) -> tuple["Flat", set[str]]:
        """A network without Calls that differs in layers or wires, and the paths that are fed by other ports."""
        new = copy.copy(self)
        new.network, new._all, new._wires = network, network.all, network.wires
        gone = [path for path in difference.layers if path in self.layers and path not in new._all]
        if difference.ordered and difference.layers:
            others = {path: la for path, (_, la) in difference.layers.items() if path in self.layers and la}
            new.layers = {**self.layers, **others}
        elif not difference.ordered:
            new.layers = {path: la for path, la in new._all.items() if not isinstance(la, Group)}
        if difference.ported or not difference.ordered:
            new.__dict__.pop("borders", None)
            new.__dict__.pop("index", None)
            new.__dict__.pop("parameters", None)
        new._numbered = self._numbered_after(network.wires, difference)
        fed = {path: new._sources(path, new.layers[path]) for path in new._reached(difference)}
        fed = {path: sources for path, sources in fed.items() if sources != self.sources.get(path)}
        new.sources = {**self.sources, **fed}
        new.followers = dict(self.followers)
        for path in (*gone, *fed):
            new._follow(path, self.sources.get(path, {}), fed.get(path, {}))
        judged = {*fed, *(path for at in new._offering(difference) for path in new.followers.get(at, ()))}
        feeders = {path: new._feeders(path) for path in judged}
        feeders = {path: those for path, those in feeders.items() if those != self.feeders.get(path)}
        new.feeders = {**self.feeders, **feeders}
        for path in gone:
            del new.sources[path], new.feeders[path]
            new.followers.pop(path, None)
        if not difference.ordered:
            new.feeders = {path: new.feeders[path] for path in new.layers}
        new.order, new.circular = computed_after(
            self.order, self.place, self.feeders, new.feeders, feeders, new.index.__getitem__
        )
        if new.order == self.order:
            new.order = self.order
        else:
            new.__dict__.pop("place", None)
        return new, set(fed)

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

    def _reached(self, difference: Difference) -> set[str]:
        """The paths whose sources may be others, seen through the borders of groups."""
        targets = self.network.targets
        todo = list(difference.wires)
        found = {path for path, (_, layer) in difference.layers.items() if layer and path in self.layers}
        for path in difference.ported & self.layers.keys():
            for layer in difference.layers[path]:
                assert layer is not None
                for name in {*layer.outputs(), *layer.output_learnables}:
                    todo += targets.get(Port(path, name), ())
        seen: set[Port] = set()
        while todo:
            target = todo.pop()
            layer = self._all.get(target.layer)
            if target in seen or layer is None:
                continue
            seen.add(target)
            home = parent(target.layer)
            if isinstance(layer, Group):
                inner = Port(f"{target.layer}.{target.name}", "out")
                found.update({inner.layer} & self.layers.keys())
                todo += targets.get(inner, ())
                continue
            found.add(target.layer)
            if isinstance(layer, Output) and home:
                todo += targets.get(Port(home, target.layer[len(home) + 1 :]), ())
            elif target.name in layer.input_learnables:
                todo += targets.get(target, ())
        return found

    def _offering(self, difference: Difference) -> list[str]:
        """The changed layers that offer a learnable: whether its size is told without data may be another now."""
        there = ((path, layer) for path, (_, layer) in difference.layers.items() if path in self.layers)
        return [path for path, layer in there if layer and layer.output_learnables]

    def _numbered_after(self, wires: Mapping[Port, Port], difference: Difference) -> Mapping[str, int]:
        """How many numbered inputs each layer has now."""
        others = [target for target in difference.wires if target.name.isdecimal()]
        if not others:
            return self._numbered
        numbered = dict(self._numbered)
        for target in others:
            numbered[target.layer] = max(numbered.get(target.layer, 0), int(target.name) + 1)
        for path in {target.layer for target in others}:
            while numbered[path] and Port(path, str(numbered[path] - 1)) not in wires:
                numbered[path] -= 1
        return numbered

    def _follow(self, path: str, before: Sources, now: Sources) -> None:
        """Make a layer a follower of what feeds it now, and of nothing else."""
        was, feeds = ({source.layer for source in sources.values() if source} for sources in (before, now))
        for feeder in was - feeds:
            self.followers[feeder] = [other for other in self.followers[feeder] if other != path]
        for feeder in feeds - was:
            self.followers[feeder] = [*self.followers.get(feeder, ()), path]

    def data(self, path: str) -> list[Port | None]:
        """What feeds the data inputs of a layer, in their order."""
        taken = self.layers[path].input_learnables
        return [source for name, source in self.sources[path].items() if name not in taken]

    def _feeders(self, path: str) -> tuple[str, ...]:
        """The layers whose shapes a layer needs; learnables that it takes do not count."""
        return tuple(source.layer for source in self.data(path) if source and not self.told(source))

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
    def borders(self) -> tuple[str, ...]:
        """The paths of the groups and Calls of the network, as it lists them."""
        return tuple(path for path, layer in self.network.walk() if isinstance(layer, Group | Call))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The paths of free learnables."""
        return tuple(path for path, layer in self.layers.items() if isinstance(layer, Parameter))

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The place of each path in the order of adding."""
        return {path: n for n, path in enumerate(self.layers)}

    @cached_property
    def place(self) -> Mapping[str, int]:
        """The place of each path in the order."""
        return {path: n for n, path in enumerate(self.order)}

    @cached_property
    def followers(self) -> dict[str, list[str]]:
        """The paths that each path feeds, with data or with learnables."""
        after: dict[str, list[str]] = {}
        for path, sources in self.sources.items():
            for feeder in {source.layer: None for source in sources.values() if source}:
                after.setdefault(feeder, []).append(path)
        return after


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
