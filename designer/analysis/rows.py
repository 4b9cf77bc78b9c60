"""The rows of an analysis, one for each layer and group."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache

from designer.analysis.difference import Difference
from designer.analysis.flat import Flat
from designer.analysis.flow import Facts, Propagation, flow_of
from designer.analysis.probe import Tensor
from designer.analysis.report import Row
from designer.analysis.shapes import Size
from designer.model import BUNDLE, Call, Group, Input, Layer, Network, Output, Parameter, Port, Shape
from designer.model.names import parent, under


def rows_of(propagation: Propagation) -> dict[str, Row]:
    """A row for each layer in the order of computation, a group before what it holds."""
    network = propagation.flat.network
    rows = {path: make_row(propagation, path, layer) for path, layer in network.walk()}
    for path, layer in network.walk():
        if isinstance(layer, Group):
            rows[path] = _summed(rows[path], [rows[inner] for inner in _held(layer.network, path)])
    return _in_order(propagation.flat, rows)


def rows_after(
    before: Mapping[str, Row], propagation: Propagation, difference: Difference, touched: Set[str], ordered: bool
) -> dict[str, Row]:
    """The rows after an edit of a network without Calls.

    ``touched`` are the layers whose rows may be others; ``ordered`` says that the order of computation is the same.
    """
    flat, network = propagation.flat, propagation.flat.network
    rows = dict(before)
    borders = {path for path in {*difference.groups, *difference.layers} if isinstance(network.find(path), Group)}
    sums = borders - difference.groups  # groups of which the sums may be others
    for path, (_, layer) in difference.layers.items():
        sums.update(_around(path))
        if layer is None:
            rows.pop(path, None)
    for path in {*touched, *difference.layers} - borders:
        if (layer := network.find(path)) and (row := make_row(propagation, path, layer)) != rows.get(path):
            rows[path] = row
            sums.update(_around(path))
    for path in borders | sums:
        if not isinstance(group := network.find(path), Group):
            continue  # it went
        row = make_row(propagation, path, group)
        if path in sums:
            rows[path] = _summed(row, [rows[inner] for inner in _held(group.network, path)])
        elif row.activations != rows[path].activations:
            rows[path] = dataclasses.replace(rows[path], activations=row.activations)
    return rows if ordered and difference.ordered else _in_order(flat, rows)


def _around(path: str) -> Iterator[str]:
    """The groups that hold a layer, from the innermost outward."""
    while path := parent(path):
        yield path


def _held(group: Network, prefix: str) -> Iterator[str]:
    """The paths of the layers in a group, also in groups inside it."""
    for name, layer in group.layers.items():
        if isinstance(layer, Group):
            yield from _held(layer.network, f"{prefix}.{name}")
        else:
            yield f"{prefix}.{name}"


def _in_order(flat: Flat, rows: Mapping[str, Row]) -> dict[str, Row]:
    """Rows by the order of computation, each group's kept together."""
    network, place = flat.network, flat.place
    if len(place) == len(rows) and not flat.copies:
        return {path: rows[path] for path in flat.order}
    first: dict[str, int] = {}
    last = len(place)
    for path in network.all:
        at = place.get(path, last)
        while path and at < first.get(path, last + 1):
            first[path] = at
            path = path.rpartition(".")[0]

    def level(net: Network, prefix: str) -> Iterator[str]:
        for name in sorted(net.layers, key=lambda name: first[prefix + name]):
            yield prefix + name
            if isinstance(layer := net.layers[name], Group):
                yield from level(layer.network, f"{prefix}{name}.")

    return {path: rows[path] for path in level(network, "")}


def _summed(row: Row, inner: list[Row]) -> Row:
    """The row of a group with the sums of what it holds."""
    trains = {r.trains for r in inner} - {None}
    return dataclasses.replace(
        row,
        stored=sum(r.stored for r in inner),
        used=sum(r.used for r in inner),
        bytes=sum(r.bytes for r in inner),
        multiply_adds=_sum_of_counts([r.multiply_adds for r in inner]),
        trains=None if not trains else True in trains,
        known=all(r.known for r in inner),
    )


def _sum_of_counts(counts: Sequence[Size | None]) -> Size | None:
    """The sum of counts that grow alike, such as 64*B*T and 8*B*T; None where they do not."""
    grows: dict[str, int] = {}
    for count in counts:
        if count is None:
            return None
        number, _, sizes = str(count).partition("*")
        if count and not number.isdecimal():
            number, sizes = "1", str(count)
        grows[sizes] = grows.get(sizes, 0) + int(number)
    terms = [(sizes, number) for sizes, number in grows.items() if number]
    if len(terms) > 1:
        return None
    return f"{terms[0][1]}*{terms[0][0]}" if terms and terms[0][0] else sum(grows.values())


def make_row(propagation: Propagation, path: str, layer: Layer) -> Row:
    flat, facts = propagation.flat, propagation.facts
    network = flat.network
    if isinstance(layer, Group | Call):
        return _border_row(flat, facts, path, layer)
    fact = facts[path]
    if isinstance(layer, Output):
        flow = flow_of(flat.sources[path]["in"], facts, 1)
        return Row(path, "Output", (flow.shape if flow else None,), {}, {}, 0, 0, multiply_adds=0)
    slots = {name: fact.state[name] for name in layer.learnables() if name in fact.state}
    owners = {
        name: ", ".join(owners_of(network, network.source_of(Port(path, name)))) for name in layer.input_learnables
    }
    own = {name: tensor for name, tensor in slots.items() if name not in layer.input_learnables}
    used = _used(network, path, layer, fact)
    if isinstance(layer, Parameter) and not enters_data(network, Port(path, "value")):
        used = 0
    return Row(
        path,
        type(layer).__name__,
        tuple(flow.shape if (flow := fact.outputs.get(name)) else None for name in layer.outputs()),
        {name: tensor.sizes for name, tensor in slots.items()},
        {name: owner for name, owner in owners.items() if owner},
        sum(math.prod(tensor.sizes) for tensor in own.values()),
        used,
        {name: tensor.sizes for name, tensor in fact.state.items() if name in fact.buffers},
        sum(_bytes(network, layer.key(path, name), tensor) for name, tensor in own.items()),
        fact.multiply_adds if fact.outputs or fact.module else None,
        any(name not in layer.frozen for name in own) if own else None,
        _factor(layer) if own else None,
        len(slots) == len(layer.learnables()) and (isinstance(layer, Input) or fact.error is None),
    )


def _border_row(flat: Flat, facts: Mapping[str, Facts], path: str, layer: Group | Call) -> Row:
    """A group shows what leaves it; a Call what its copy does, storing nothing."""
    network = flat.network
    shapes: list[Shape | None] = []
    for name in network.outputs_of(path):
        flow = flow_of(flat.resolve(Port(path, name)), facts, 1)
        shapes.append(flow.shape if flow else None)
    called = network.called(path)
    if isinstance(layer, Group) or called is None:
        return Row(path, type(layer).__name__, tuple(shapes), {}, {}, 0, 0, known=isinstance(layer, Group))
    inner = [(p, flat.layers[p], facts[p]) for p in flat.layers if under(p, path)]
    known = all(fact.error is None for _, _, fact in inner)
    adds = _sum_of_counts([fact.multiply_adds for _, _, fact in inner])
    used = sum(_used(network, flat.copies[p], la, fact) for p, la, fact in inner)
    return Row(path, "Call", tuple(shapes), {}, {BUNDLE: called}, 0, used, multiply_adds=adds, known=known)


def _used(network: Network, path: str, layer: Layer, fact: Facts) -> int:
    """The numbers of the learnables that a layer computes with; what arrives as data, or not at all, is none."""
    fed = {
        name
        for name in layer.input_learnables
        if not ((source := network.source_of(Port(path, name))) and network.is_learnable(source))
    }
    learnables = (fact.state[name] for name in layer.learnables() if name in fact.state and name not in fed)
    return sum(math.prod(tensor.sizes) for tensor in learnables)


def _factor(layer: Layer) -> float | Mapping[str, float]:
    factors = dict(layer.learn_rate_factors)
    values = {factors.get(name, 1.0) for name in layer.owned}
    return values.pop() if len(values) == 1 else {name: factors.get(name, 1.0) for name in layer.owned}


@cache
def _item_bytes(dtype: str) -> int:
    return {"float64": 8, "float16": 2, "bfloat16": 2, "complex64": 8, "complex128": 16}.get(dtype, 4)


def _bytes(network: Network, key: str, tensor: Tensor) -> int:
    value = network.values.get(key)
    size = _item_bytes(tensor.dtype) if value is None else value.element_size()
    return size * math.prod(tensor.sizes)


def owners_of(network: Network, port: Port | None) -> Iterator[str]:
    """The keys of the learnables that a wire brings, expressions looked through; none for data."""
    todo = [port] if port and network.is_learnable(port) else []
    seen: set[Port] = set()
    while todo:
        port = todo.pop()
        if port in seen:
            continue
        seen.add(port)
        layer = network.layer(port.layer)
        if port.name in layer.output_learnables and port.name not in layer.input_learnables:
            yield layer.key(*port)
            continue
        names = [port.name] if port.name in layer.output_learnables else reversed(network.inputs_of(port.layer))
        todo += [source for name in names if (source := network.source_of(Port(port.layer, name)))]


def borrowed_after(network: Network, difference: Difference) -> tuple[set[str], set[Port]]:
    """The layers that may take another learnable after an edit, and the ports that may carry one, or no longer.

    What hangs on a wire is looked for downstream, through learnables that are offered on and layers that only compute.
    """
    todo = list(difference.wires)
    ports: set[Port] = set()

    def gives(path: str, names: Iterable[str]) -> None:
        for port in {Port(path, name) for name in names} - ports:
            ports.add(port)
            todo.extend(network.targets.get(port, ()))

    for path in difference.ported:
        for layer in difference.layers[path]:
            assert layer is not None
            gives(path, (*layer.outputs(), *layer.output_learnables))
    borrowers = {path for path in difference.ported if network.layer(path).input_learnables}
    while todo:
        target = todo.pop()
        if (layer := network.find(target.layer)) is None:
            continue
        if target.name in layer.input_learnables:
            borrowers.add(target.layer)
            gives(target.layer, [target.name] if target.name in layer.output_learnables else [])
        elif layer.computes:
            gives(target.layer, layer.outputs())
    return borrowers, ports


def enters_data(network: Network, port: Port) -> bool:
    """Whether a free learnable is more than the source of ties: untying all borrowers would leave it in use."""
    todo, seen = [port], {port}
    while todo:
        at = todo.pop()
        if at not in network.targets:
            return True
        for target in network.targets[at]:
            if target.name in network.layer(target.layer).input_learnables:
                continue
            outs = [Port(target.layer, name) for name in network.outputs_of(target.layer)]
            if not outs or not all(map(network.is_learnable, outs)):
                return True
            wired = [out for out in outs if out in network.targets] or outs
            todo += [out for out in wired if out not in seen]
            seen.update(wired)
    return False
