"""A network of layers. It is a value: every edit returns a new network."""

import dataclasses
import itertools
import math
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

from designer.model import rules
from designer.model.errors import NetworkError
from designer.model.interchange import interchangeable, ports_of, with_properties
from designer.model.layer import Layer
from designer.model.names import Port, among, check_name, common, join, parent, shortened, under
from designer.model.structure import BUNDLE, DTYPES, Call, Group, Input, Output, Parameter
from designer.model.values import equal

Wires = Mapping[Port, Port]  # target -> source: an input port holds one wire
Tensor = Any  # a torch.Tensor: this package does not import torch


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """Layers and the wires between them; at the root also values, dtype, aliases and notes.

    A wire is kept in the innermost network that holds both of its ends, its paths read from there. ``values`` maps
    state_dict keys to tensors, ``aliases`` old state_dict keys of an imported file to the owner's key. ``file_names``
    are all names of that file, each with the key of what has it here, be it the key of an owner or of a borrower.
    Each level is drawn from left to right, or ``down`` from top to bottom, as its positions say.
    """

    layers: Mapping[str, Layer] = dataclasses.field(default_factory=dict)
    connections: Mapping[Port, Port] = dataclasses.field(default_factory=dict)
    positions: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    values: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)
    dtype: str = "float32"
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: str = ""
    file_names: Mapping[str, str] = dataclasses.field(default_factory=dict)  # they are no part of equality
    down: bool = False

    def __post_init__(self) -> None:
        for name in ("layers", "connections", "positions", "values", "aliases", "file_names"):
            if isinstance(value := self.__dict__[name], dict):
                self.__dict__[name] = MappingProxyType(value)
        if self.dtype not in DTYPES or self.dtype.startswith(("int", "uint", "bool")):
            raise NetworkError(f"{shortened(self.dtype)} cannot be the dtype of learnables.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        if self is other:
            return True
        fields = ("layers", "connections", "positions", "down", "dtype", "aliases", "notes")
        return (
            all(getattr(self, name) == getattr(other, name) for name in fields)
            and list(self.layers) == list(other.layers)
            and self.values.keys() == other.values.keys()
            and all(equal(value, other.values[key]) for key, value in self.values.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        """Read-only mappings can be neither pickled nor copied, so go as dictionaries."""
        fields = (getattr(self, field.name) for field in dataclasses.fields(self))
        return Network, tuple(dict(value) if isinstance(value, Mapping) else value for value in fields)

    # What is there.

    @cached_property
    def all(self) -> Mapping[str, Layer]:
        """Every layer and group by its path, a group before what it holds."""
        found: dict[str, Layer] = {}
        _add_all(self, "", found)
        return found

    @cached_property
    def wires(self) -> Wires:
        """Every wire, target -> source, by path from here."""
        found: dict[Port, Port] = self.connections.copy()  # type: ignore[attr-defined]
        _add_wires(self, "", found)
        return found

    @cached_property
    def targets(self) -> Mapping[Port, list[Port]]:
        """The input ports that each output port is wired to."""
        found: dict[Port, list[Port]] = {}
        for target, source in self.wires.items():
            if source in found:
                found[source].append(target)
            else:
                found[source] = [target]
        return found

    @cached_property
    def crossings(self) -> Mapping[str, list[Port]]:
        """The ports inside each group that are wired from outside it."""
        return rules.crossings(self)

    @cached_property
    def learnable_ports(self) -> frozenset[Port]:
        """The output ports that have nothing but learnables upstream, found from what is offered on."""
        return rules.learnable_ports(self)

    @cached_property
    def _wiring(self) -> object:
        """The same in networks whose wires and ports are the same, carried from edit to edit."""
        return object()

    @cached_property
    def _loads(self) -> dict[Port, rules.Load]:
        """What ports are known to carry; filled as it is asked for."""
        return {}

    def is_learnable(self, port: Port) -> bool:
        """Whether an output port has nothing but learnables upstream."""
        return rules.carries(self, port) == "learnable"

    @cached_property
    def count(self) -> int:
        """How many layers there are, those in groups as well; groups themselves and their ends are left out."""
        return sum(layer.held if isinstance(layer, Group) else 1 for layer in self.layers.values())

    @cached_property
    def depth(self) -> int:
        """How deep groups stand in groups here."""
        return max((1 + la.network.depth for la in self.layers.values() if isinstance(la, Group)), default=0)

    def walk(self) -> Iterator[tuple[str, Layer]]:
        """Every layer and group with its path."""
        yield from self.all.items()

    def layer(self, path: str) -> Layer:
        """The layer or group at a path such as ``encoder.0.attn``."""
        if (layer := self.find(path)) is None:
            raise NetworkError(f"There is no layer {shortened(path)}.")
        return layer

    def find(self, path: str) -> Layer | None:
        """The layer or group at a path; None where there is none."""
        known: Mapping[str, Layer] | None = self.__dict__.get("all")  # where somebody asked for it before
        if known is not None:
            return known.get(path)
        layer = self.layers.get(path)
        if layer is None and "." in path:
            name, _, rest = path.partition(".")
            group = self.layers.get(name)
            layer = group.network.find(rest) if isinstance(group, Group) else None
        return layer

    def network_at(self, path: str) -> "Network":
        """The network inside a group; this one for the empty path."""
        if not path:
            return self
        if not isinstance(group := self.layer(path), Group):
            raise NetworkError(f"{path} is not a group.")
        return group.network

    def source_of(self, target: Port) -> Port | None:
        """The output port that an input port is wired to."""
        known: Mapping[Port, Port] | None = self.__dict__.get("wires")  # where somebody asked for them before
        if known is not None:
            return known.get(target)
        source = self.connections.get(target)
        if source is None and "." in target.layer:
            name, _, rest = target.layer.partition(".")
            if isinstance(group := self.layers.get(name), Group):
                inner = group.network.source_of(Port(rest, target.name))
                source = inner.above(name) if inner else None
        return source

    def called(self, path: str) -> str | None:
        """The path of what a Call calls, None where it calls nothing; any other layer is itself."""
        seen: set[str] = set()
        layer: Layer | None = self.layer(path)
        while isinstance(layer, Call):
            source = self.source_of(Port(path, BUNDLE))
            if source is None or path in seen:  # a ring is refused when it is drawn
                return None
            seen.add(path)
            path = source.layer
            layer = self.find(path)
        return path if layer is not None else None

    def inputs_of(self, path: str) -> tuple[str, ...]:
        """The data inputs of a layer; those of a layer with any number of inputs are numbered."""
        layer = self.layer(path)
        if isinstance(layer, Call):
            if (called := self.called(path)) is None:
                return ()
            layer = self.layer(called)
        if layer.variadic:
            return tuple(map(str, range(self._count(path))))
        return layer.inputs()

    def outputs_of(self, path: str) -> tuple[str, ...]:
        """The data outputs of a layer."""
        layer = self.layer(path)
        if isinstance(layer, Call):
            called = self.called(path)
            return self.layer(called).outputs() if called is not None else ()
        return layer.outputs()

    @cached_property
    def _numbered(self) -> Mapping[str, int]:
        """How many inputs a layer with any number of them has: one more than the highest with a wire."""
        found: dict[str, int] = {}
        for target in self.connections:
            if target.name.isdecimal():
                found[target.layer] = max(found.get(target.layer, 0), int(target.name) + 1)
        return found

    def _count(self, path: str) -> int:
        """How many inputs are wired at a layer that takes any number, from inside its groups or from outside."""
        count, name = self._numbered.get(path, 0), path.partition(".")[0]
        if name != path and isinstance(group := self.layers.get(name), Group):
            count = max(count, group.network._count(path[len(name) + 1 :]))
        return count

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of its Input layers."""
        return tuple(name for name, layer in self.layers.items() if isinstance(layer, Input))

    @cached_property
    def ends(self) -> tuple[str, ...]:
        """The names of its Output layers."""
        return tuple(name for name, layer in self.layers.items() if isinstance(layer, Output))

    @cached_property
    def outputs(self) -> Mapping[str, Port]:
        """Name -> the port whose value is given back.

        Without Output layers: the first port of each layer, other than an Input, none of whose data outputs is wired.
        """
        if ends := self.ends:
            named = {name: self.connections.get(Port(name, "in")) for name in ends}
            return {name: port for name, port in named.items() if port}
        used = {source.layer for source in self.connections.values() if source.name in self._data_outputs(source.layer)}
        found = {}
        for name, layer in self.layers.items():
            if name not in used and not isinstance(layer, Input) and (outputs := self.outputs_of(name)):
                port = Port(name, outputs[0])
                if rules.carries(self, port) != "learnable":
                    found[name] = port
        return found

    def _data_outputs(self, path: str) -> tuple[str, ...]:
        return self.outputs_of(path) if "." not in path else ()

    # Edits.

    def add(self, /, **layers: Layer) -> Self:
        """Add layers by name, or by path into a group."""
        new = self
        homes: dict[str, dict[str, Layer]] = {}
        for path, layer in layers.items():
            if not isinstance(layer, Layer):
                raise NetworkError(f"{shortened(path)} must be a layer, not {shortened(layer)}.")
            home, _, name = path.rpartition(".")
            if join(home, name) != path:
                raise NetworkError(f"{shortened(path)} cannot be the name of a layer.")
            homes.setdefault(home, {})[name] = layer
        for home, added in homes.items():
            there = self.network_at(home).layers
            numbered = any(map(str.isdecimal, (*there, *added)))
            for name in added:
                if name in there:
                    raise NetworkError(f"There is already a layer named {join(home, name)!r}.")
                check_name(name, (*there, *added) if numbered else ())
            new = new._inside(home, lambda net, added=added: net._with_layers(_with(net.layers, added)))  # type: ignore[misc]
        if not any(isinstance(layer, Group) for layer in layers.values()):
            for name in ("wires", "targets"):  # what is new has no wires
                if name in self.__dict__:
                    new.__dict__[name] = self.__dict__[name]
        return new

    def chain(self, after: str | None = None, /, **layers: Layer) -> Self:
        """Add layers, each fed by the one before, the first by ``after``."""
        new = self.add(**layers)
        wires: dict[str, dict[Port, Port]] = {}
        for path, layer in layers.items():
            if after is not None and (layer.variadic or new.inputs_of(path)):
                target = Port(path, "0") if layer.variadic else new._target(path)
                source = new._source(after)
                home = parent(path)
                if parent(source.layer) != home and not new.is_learnable(source):
                    raise NetworkError(f"{source} is data: it cannot cross the border of a group to {target}.")
                home = common(home, parent(source.layer))
                wires.setdefault(home, {})[target.below(home)] = source.below(home)
            after = path
        for home, made in wires.items():  # new layers feed nothing yet: no loop to look for
            new = new._inside(home, lambda net, made=made: net._with_wires(_with(net.connections, made)))  # type: ignore[misc]
        return new

    def connect(self, source: str | Port, target: str | Port) -> Self:
        """Wire an output to an input, for example ``emb/weight`` to ``fc/weight``; an older wire there is replaced."""
        out, into = self._source(source), self._target(target)
        old = self.source_of(into)
        if old == out:
            return self
        new = self._cut(into, old) if old else self
        home = common(parent(into.layer), parent(out.layer))
        pair = {into.below(home): out.below(home)}
        orderly = rules.orderly(new, out, into)
        new = new._inside(home, lambda net: net._with_wires(_with(net.connections, pair), orderly))
        new._recall(self, into, out)
        if into.name == BUNDLE:
            new = new._swept()  # the ports of a Call are those of what it calls
        rules.check_wire(new, out, into, orderly)
        return new

    def disconnect(self, target: str | Port) -> Self:
        """Cut the wire that ends at an input."""
        into = self._target(target)
        if (source := self.source_of(into)) is None:
            raise NetworkError(f"Nothing is connected to {into}.")
        new = self._cut(into, source)
        new._recall(self, into, None)
        return new._swept() if into.name == BUNDLE else new

    def remove(self, *paths: str) -> Self:
        """Remove layers with their wires, values and aliases."""
        gone, homes = frozenset(paths), dict[str, set[str]]()
        for path in paths:
            self.layer(path)
            if not among(parent(path), gone):  # else it goes with its group
                homes.setdefault(parent(path), set()).add(path.rpartition(".")[2])
        new = self
        for home, names in homes.items():
            new = new._inside(
                home,
                lambda net, names=names: net._kept(  # type: ignore[misc]
                    layers={name: layer for name, layer in net.layers.items() if name not in names},
                    positions={name: at for name, at in net.positions.items() if name not in names},
                ),
            )

        def stays(key: str) -> bool:
            return not among(key, gone)

        new = new._swept()
        values = {key: value for key, value in new.values.items() if stays(key)}
        aliases = {old: key for old, key in new.aliases.items() if stays(key)}
        file_names = {name: key for name, key in new.file_names.items() if stays(key)}
        return dataclasses.replace(new, values=values, aliases=aliases, file_names=file_names)

    def exchange(self, layers: Mapping[str, Layer]) -> Self:
        """Put layers with the same ports and learnables in the places of others, all at once."""
        homes: dict[str, dict[str, Layer]] = {}
        for path, layer in layers.items():
            if not interchangeable(self.layer(path), layer):
                raise NetworkError(f"{path} cannot be exchanged for a layer with other ports or learnables.")
            homes.setdefault(parent(path), {})[path.rpartition(".")[2]] = layer
        new = self
        for home, mine in homes.items():
            new = new._inside(home, lambda net, mine=mine: net._kept(layers=_with(net.layers, mine)))  # type: ignore[misc]
        return new

    def replace(self, path: str, layer: Layer, rename: str | None = None) -> Self:
        """Put another layer in the place of one.

        Wires whose ports still exist stay, the others go. A value stays while its learnable exists, a buffer while
        the type of the layer does.
        """
        old = self.layer(path)
        if not isinstance(layer, Layer):
            raise NetworkError(f"{shortened(path)} must be a layer, not {shortened(layer)}.")
        new = self._change(path, layer)
        if ports_of(old) != ports_of(layer) or isinstance(old, Group | Call) or isinstance(layer, Group | Call):
            new = new._swept()
        if type(old) is not type(layer) or isinstance(layer, Group):
            rules.check_borders(new)
        if self.values and len(values := new._values_after(path, old, layer)) < len(self.values):
            new = new._kept(values=values)
        return new.rename(path, rename) if rename and rename != path.rpartition(".")[2] else new

    def _values_after(self, path: str, old: Layer, layer: Layer) -> Mapping[str, Tensor]:
        """The values that stay when ``old`` becomes ``layer``."""
        before = {old.key(path, name) for name in old.learnables()}
        after = {layer.key(path, name) for name in layer.owned}
        if isinstance(layer, Group):
            after |= {inner.key(f"{path}.{name}", n) for name, inner in layer.network.walk() for n in inner.owned}
        same = type(old) is type(layer)
        return {
            key: value
            for key, value in self.values.items()
            if not under(key, path) or key in after or (same and key not in before)
        }

    def set(self, path: str, /, **properties: Any) -> Self:
        """Change properties of a layer; learnables that go take their ports, factors and values along."""
        return self.replace(path, with_properties(self.layer(path), properties))

    def set_all(self, paths: Iterable[str], /, **properties: Any) -> Self:
        """Change the same properties of several layers, as ``set`` does."""
        layers = {path: with_properties(self.layer(path), properties) for path in paths}
        alike = {path: layer for path, layer in layers.items() if interchangeable(self.layer(path), layer)}
        new = self.exchange(alike)
        for path, layer in layers.items():
            new = new if path in alike else new.replace(path, layer)
        return new

    def rename(self, old: str, new: str) -> Self:
        """Give a layer or group another name; ``new`` is the name alone. Values and aliases follow."""
        layer, home, tail = self.layer(old), parent(old), old.rpartition(".")[2]
        path, beside = join(home, new), self.network_at(home)
        check_name(new, beside.layers)
        if new == tail:
            return self
        if new in beside.layers:
            raise NetworkError(f"There is already a layer named {path!r}.")

        def rename_in(net: Network) -> Network:
            layers = {new if name == tail else name: layer for name, layer in net.layers.items()}
            positions = {new if name == tail else name: at for name, at in net.positions.items()}
            return dataclasses.replace(net, layers=layers, positions=positions, connections={})

        wires = self.wires
        if home and isinstance(layer, Input | Output):  # a port of its group, and of what calls the group
            users = {home, *(p for p, la in self.walk() if isinstance(la, Call) and self.called(p) == home)}
            wires = {_port_renamed(t, users, tail, new): _port_renamed(s, users, tail, new) for t, s in wires.items()}
        return self._inside(home, rename_in).moved(wires, {old: path})

    def move(self, positions: Mapping[str, tuple[float, float]]) -> Self:
        """Put layers elsewhere on the canvas: path -> x and y of the top left corner, in pixels at 100 %."""
        homes: dict[str, dict[str, tuple[float, float]]] = {}
        for path, at in positions.items():
            self.layer(path)
            if len(at) != 2 or not all(isinstance(size, numbers.Real) and math.isfinite(size) for size in at):
                raise NetworkError(f"The position of {path} must be two finite numbers, not {shortened(at)}.")
            homes.setdefault(parent(path), {})[path.rpartition(".")[2]] = (float(at[0]), float(at[1]))
        new = self
        for home, moved in homes.items():
            if any(self.network_at(home).positions.get(name) != at for name, at in moved.items()):
                new = new._inside(
                    home,
                    lambda net, moved=moved: net._kept(positions=_with(net.positions, moved)),  # type: ignore[misc]
                )
        return new

    def turn(self, down: bool, path: str = "") -> Self:
        """Draw the layers of the group at a path from top to bottom, or from left to right; none is moved."""
        if self.network_at(path).down == down:
            return self
        return self._inside(path, lambda net: net._kept(down=down))

    def with_values(self, values: Mapping[str, Tensor]) -> Self:
        """Merge detached copies of tensors, by state_dict key; old keys of an imported file count too."""
        merged = dict(self.values)
        names: Mapping[str, str] = {**self.file_names, **self.aliases}
        if any(names.get(given, given) != given for given in values) and _are_keys(self, values):
            names = {}  # as build has them, and one of them may be a name of the file for another
        for given, value in values.items():
            key = names.get(given, given)
            if given != key and key in values and names.get(key, key) == key:
                continue  # a tied weight comes under each of its names
            rules.check_key(self, key)
            if not hasattr(value, "detach"):
                raise NetworkError(f"The value of {key} must be a tensor, not {shortened(value)}.")
            if given != key and key in self.values and value.shape != self.values[key].shape:  # a transposed tie, say
                have, want = (" x ".join(map(str, each.shape)) for each in (value, self.values[key]))
                raise NetworkError(f"{given} stands for {key}, which is {want}, not {have}: give {key} itself.")
            merged[key] = value.detach().clone()
        return self._kept(values=merged)

    # How the edits are made.

    def _inside(self, path: str, edit: Callable[["Network"], "Network"]) -> Self:
        """Apply an edit to the network inside a group."""
        if not path:
            return edit(self)  # type: ignore[return-value]
        name, _, rest = path.partition(".")
        self.network_at(name)
        group = self.layers[name]
        assert isinstance(group, Group)
        inner = group.network._inside(rest, edit)
        if inner is group.network:
            return self
        return self._kept(layers=_with(self.layers, {name: dataclasses.replace(group, network=inner)}))

    def _kept(self, **fields: Any) -> Self:
        """Replace fields, keeping the order of the layers that loops are looked for with, and what hangs on wires."""
        new = dataclasses.replace(self, **fields)
        kept = ["_order"]
        if rules.same_ports(self.layers, new.layers):
            kept += ["inputs", "ends"]
            if new.connections is self.connections:
                new.__dict__["_wiring"] = self._wiring
                kept += ["wires", "targets", "_loads", "learnable_ports"]
        new.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        return new

    def _recall(self, before: "Network", into: Port, out: Port | None) -> None:
        """Take over what is known of the network before a wire was drawn or (None) cut, changed by that wire."""
        known = before.__dict__
        if "all" in known:
            layers, home = before.all.copy(), parent(into.layer)  # type: ignore[attr-defined]
            while home:  # the groups that hold the wire
                layers[home] = self.layer(home)
                home = parent(home)
            self.__dict__["all"] = layers
        if "wires" not in known:
            return
        wires: dict[Port, Port] = before.wires.copy()  # type: ignore[attr-defined]
        targets: dict[Port, list[Port]] = before.targets.copy()  # type: ignore[attr-defined]
        if (old := wires.pop(into, None)) and (left := [target for target in targets.pop(old) if target != into]):
            targets[old] = left
        if out:
            home = common(parent(into.layer), parent(out.layer))
            beside: Any = self.network_at(home).connections
            last: Port | None = next(itertools.islice(reversed(beside), 1, None), None)
            if last is None:
                return  # the first wire of its group
            wires = _put(wires, last.above(home), into, out)
            those = [*targets.get(out, ()), into]
            in_order = len(those) == 1 or next(reversed(wires)) == into
            targets[out] = those if in_order else [target for target in wires if target in those]
        self.__dict__["wires"], self.__dict__["targets"] = wires, targets

    def _with_layers(self, layers: Mapping[str, Layer]) -> Self:
        new = self._kept(layers=layers)
        if (order := new.__dict__.get("_order")) is not None:
            added = [name for name in layers if name not in order]
            new.__dict__["_order"] = {**order, **{name: len(order) + n for n, name in enumerate(added)}}
        return new

    def _with_wires(self, wires: Wires, orderly: bool = True) -> Self:
        if orderly:
            return self._kept(connections=wires)
        return dataclasses.replace(self, connections=wires)

    @cached_property
    def _order(self) -> Mapping[str, int] | None:
        """A place for each layer, after all that feed it, carried from edit to edit; None where groups forbid it."""
        return rules.order(self)

    def _cut(self, into: Port, source: Port) -> Self:
        home = common(parent(into.layer), parent(source.layer))
        gone = into.below(home)
        return self._inside(home, lambda net: net._with_wires(_without(net.connections, gone)))

    def _change(self, path: str, layer: Layer) -> Self:
        """Replace a layer, its wires left alone."""
        name = path.rpartition(".")[2]
        return self._inside(parent(path), lambda net: net._kept(layers=_with(net.layers, {name: layer})))

    def moved(self, wires: Wires, moves: Mapping[str, str]) -> Self:
        """These wires, and our values and aliases, after layers or groups got other paths (old -> new)."""

        def new_path(path: str) -> str:
            at = path
            while at and at not in moves:
                at = parent(at)
            return moves[at] + path[len(at) :] if at else path

        values = {new_path(key): value for key, value in self.values.items()}
        aliases = {alias: new_path(key) for alias, key in self.aliases.items()}
        made = {Port(new_path(t.layer), t.name): Port(new_path(s.layer), s.name) for t, s in wires.items()}
        names = {name: new_path(key) for name, key in self.file_names.items()}
        return dataclasses.replace(self.rewired(made), values=values, aliases=aliases, file_names=names)

    def rewired(self, wires: Wires) -> Self:
        """The same layers with these wires, each kept in the innermost network that holds both ends."""
        homes: dict[str, dict[Port, Port]] = {}
        for target, source in wires.items():
            home = common(parent(target.layer), parent(source.layer))
            homes.setdefault(home, {})[target.below(home)] = source.below(home)
        return self._rehomed(homes, "")

    def _swept(self) -> Self:
        """Without the wires whose ports are there no more."""
        wires = {t: s for t, s in self.wires.items() if self.has_input(t) and self.has_output(s)}
        return self.rewired(wires) if len(wires) < len(self.wires) else self

    def _rehomed(self, homes: Mapping[str, Wires], at: str) -> Self:
        layers: dict[str, Layer] = {}
        for name, layer in self.layers.items():
            if isinstance(layer, Group):
                inner = layer.network._rehomed(homes, join(at, name))
                if inner is not layer.network:
                    layers[name] = dataclasses.replace(layer, network=inner)
        mine = homes.get(at, {})
        if not layers and mine == self.connections:
            return self
        return dataclasses.replace(self, layers={**self.layers, **layers}, connections=mine)

    def _source(self, text: str | Port) -> Port:
        port = text if isinstance(text, Port) else Port.parse(text)
        self.layer(port.layer)
        if not port.name:
            names = self.outputs_of(port.layer)
            if not names:
                raise NetworkError(f"{port.layer} gives no data: name the port, as in '{port.layer}/weight'.")
            port = Port(port.layer, names[0])
        if not self.has_output(port):
            raise NetworkError(f"{port.layer} has no output {shortened(port.name)}.")
        return port

    def _target(self, text: str | Port) -> Port:
        port = text if isinstance(text, Port) else Port.parse(text)
        layer = self.layer(port.layer)
        called = self.called(port.layer)
        if called is not None and called != port.layer:
            layer = self.layer(called)
        if not port.name and layer.variadic:
            count = len(self.inputs_of(port.layer))
            free = (Port(port.layer, str(n)) for n in range(count + 1))
            return next(port for port in free if self.source_of(port) is None)
        if not port.name:
            if not (names := self.inputs_of(port.layer)):
                raise NetworkError(f"{port.layer} takes no data.")
            port = Port(port.layer, names[0])
        if not self.has_input(port):
            raise NetworkError(f"{port.layer} has no input {shortened(port.name)}.")
        return port

    def has_output(self, port: Port) -> bool:
        """Whether there is such an output port."""
        layer = self.find(port.layer)
        if layer is None:
            return False
        if port.name == BUNDLE:
            return not isinstance(layer, Input | Output | Parameter)
        outputs = self.outputs_of(port.layer) if isinstance(layer, Call) else layer.outputs()
        return port.name in layer.output_learnables or port.name in outputs

    def has_input(self, port: Port) -> bool:
        """Whether there is such an input port; a layer with any number of inputs has those with a wire and one more."""
        layer = self.find(port.layer)
        if layer is None:
            return False
        if isinstance(layer, Call):
            if port.name == BUNDLE:
                return True
            if (called := self.called(port.layer)) is None:
                return False
            layer = self.layer(called)
        elif port.name in layer.input_learnables:
            return True
        if layer.variadic:
            return port.name.isdecimal() and len(port.name) < 6 and str(int(port.name)) == port.name
        return port.name in layer.inputs()


def _add_all(network: Network, prefix: str, found: dict[str, Layer]) -> None:
    for name, layer in network.layers.items():
        path = prefix + name
        found[path] = layer
        if isinstance(layer, Group):
            _add_all(layer.network, f"{path}.", found)


def _add_wires(network: Network, prefix: str, found: dict[Port, Port]) -> None:
    """Add the wires inside the groups of a network."""
    for name, layer in network.layers.items():
        if isinstance(layer, Group):
            inner = f"{prefix}{name}."
            for target, source in layer.network.connections.items():
                found[Port(inner + target.layer, target.name)] = Port(inner + source.layer, source.name)
            _add_wires(layer.network, inner, found)


def _put(mapping: dict[Port, Port], after: Port, key: Port, value: Port) -> dict[Port, Port]:
    """A mapping with one more entry, behind another one."""
    if next(reversed(mapping)) == after:
        return mapping | {key: value}
    keys, values = list(mapping), list(mapping.values())
    at = keys.index(after) + 1
    keys.insert(at, key)
    values.insert(at, value)
    return dict(zip(keys, values))


def _with(mapping: Mapping[Any, Any], changes: Mapping[Any, Any]) -> dict[Any, Any]:
    """A changed copy, made without hashing every key again."""
    return mapping.copy() | changes  # type: ignore[attr-defined, no-any-return]


def _without(mapping: Mapping[Any, Any], key: object) -> dict[Any, Any]:
    copied: dict[Any, Any] = mapping.copy()  # type: ignore[attr-defined]
    copied.pop(key, None)
    return copied


def _port_renamed(port: Port, layers: "set[str]", old: str, new: str) -> Port:
    return Port(port.layer, new) if port.name == old and port.layer in layers else port


def _are_keys(network: Network, keys: Iterable[str]) -> bool:
    """Whether each key is one that the network itself stores a value under."""
    try:
        for key in keys:
            rules.check_key(network, key)
    except NetworkError:
        return False
    return True
