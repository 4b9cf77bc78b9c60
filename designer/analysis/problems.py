"""What is wrong with a network, in sentences, and the edits that mend it."""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence, Set

from designer.analysis.difference import Difference
from designer.analysis.flow import Facts, Flow, Propagation, flow_of, needed_dtype, propagate_at
from designer.analysis.needed import Needed, needed_in
from designer.analysis.permute import permutations
from designer.analysis.probe import ask
from designer.analysis.report import Fix, Problem, shape_text
from designer.analysis.shapes import ODD
from designer.model import Group, Input, Layer, Network, Parameter, Port, returned
from designer.model.names import parent, under

MULTIPLES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96)


@dataclasses.dataclass(frozen=True, eq=False)
class Findings:
    """What is wrong, by the layer that it was found at, so that an edit can take over what it left alone.

    Attributes:
        layers: path -> the problems of a layer that has any.
        needed: what the outputs of the network need.
        unneeded: path -> the warning that no output needs it.
    """

    layers: Mapping[str, Sequence[Problem]]
    needed: Needed
    unneeded: Mapping[str, Problem]


def find(propagation: Propagation) -> Findings:
    """Look at everything."""
    flat = propagation.flat
    needed = needed_in(flat.network)
    found = {path: list(problems_of_layer(propagation, path)) for path in flat.order if path not in flat.circular}
    spared = {path: _unneeded(path, layer) for path, layer in flat.network.walk() if needed.spares(path, layer)}
    return Findings({path: problems for path, problems in found.items() if problems}, needed, spared)


def find_after(
    before: Findings, propagation: Propagation, difference: Difference, asked: Set[str], given: Set[Port]
) -> Findings:
    """What is wrong after an edit of a network without Calls, where ``asked`` are the layers with other facts."""
    flat, network = propagation.flat, propagation.flat.network
    changed = {*asked, *difference.layers}
    borrowers = {p for path in changed for p in flat.followers.get(path, ()) if flat.layers[p].input_learnables}
    found = dict(before.layers)
    for path in {*changed, *borrowers, *propagation.refused, *(target.layer for target in difference.wires)}:
        found.pop(path, None)
        if path in flat.layers and (problems := list(problems_of_layer(propagation, path))):
            found[path] = problems
    if difference.settings_alone:
        return Findings(found, before.needed, before.unneeded)
    needed, paths = before.needed.after(network, difference, given)
    spared = dict(before.unneeded)
    if bool(given) != bool(before.needed.given):
        paths = set(network.all)
    groups = ((path, group) for path in paths if isinstance(group := network.find(path), Group))
    inner = {f"{path}.{name}" for path, group in groups for name in group.network.layers}
    for path in {*paths, *inner, *difference.layers}:
        was, layer = spared.pop(path, None), network.find(path)
        if layer and needed.spares(path, layer):
            spared[path] = was if was and path not in difference.layers else _unneeded(path, layer)
    return Findings(found, needed, spared)


def listed(propagation: Propagation, findings: Findings) -> list[Problem]:
    """Everything that is wrong, in the order of computation."""
    flat, network = propagation.flat, propagation.flat.network
    found: list[Problem] = []
    if flat.circular:
        names = ", ".join(flat.circular)
        text = f"The sizes of {names} depend on each other: a learnable meets its own data."
        found.append(Problem("error", text, flat.circular))
    for path in sorted(findings.layers, key=flat.place.__getitem__):
        found += findings.layers[path]
    for path in flat.borders:
        layer = network.layer(path)
        if isinstance(layer, Group):
            found += _unfed_group(network, path, layer)
        else:
            found += _miscalled(propagation, path)
    if any(getattr(network.layers[name], "place", "") for name in network.ends):
        found += _misplaced(network)
    if len(findings.unneeded) > 1:
        found += [findings.unneeded[path] for path in network.all if path in findings.unneeded]
    else:
        found += findings.unneeded.values()
    return found


def problems_of_layer(propagation: Propagation, path: str) -> Iterator[Problem]:
    """What is wrong with one layer, or with one second use of it."""
    flat, facts = propagation.flat, propagation.facts
    layer, fact = flat.layers[path], facts[path]
    copied = path in flat.copies
    if not copied:
        yield from _unfed(propagation, path, layer)
    for name in layer.input_learnables:
        if (source := flat.sources[path][name]) and not copied:
            yield from _misfit(propagation, Port(path, name), source)
            yield from _conflicts(flat.network, Port(path, name), source)
    if fact.failed:
        yield _explained(propagation, path)
    if fact.refused:
        yield Problem("warning", f"{path} needs {_needed(propagation, path)}.", (path,))
    if not copied and flat.network.values:
        yield from _wrong_values(flat.network, path, layer, fact)


def _unfed(propagation: Propagation, path: str, layer: Layer) -> Iterator[Problem]:
    network = propagation.flat.network
    if isinstance(layer, Input):
        return
    yield from _without_data(network, path, layer.variadic)
    for name in layer.input_learnables:
        if network.source_of(Port(path, name)) is None:
            fix = Fix(f"Let {path} own its {name}", lambda net, n=name: _owning(net, path, n))  # type: ignore[misc]
            text = f"{path} takes its {name} from a wire, but none is connected."
            yield Problem("error", text, (path,), (fix,), Port(path, name))


def _without_data(network: Network, path: str, variadic: bool) -> Iterator[Problem]:
    """The data inputs of a layer, or of a second use of one, that nothing is wired to."""
    names = network.inputs_of(path)
    if variadic and not names:
        yield Problem("error", f"{path} has nothing on its inputs.", (path,))
    missing = [name for name in names if network.source_of(Port(path, name)) is None]
    if variadic and len(missing) > 1:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        text = f"{path} has nothing on its inputs {', '.join(map(repr, missing[:3]))}{more}."
        yield Problem("error", text, (path,), (_closing(path),))
        missing = []
    for name in missing:
        yield _unwired(path, name, (_closing(path),) if variadic else ())


def _unwired(path: str, name: str, fixes: tuple[Fix, ...] = ()) -> Problem:
    return Problem("error", f"{path} has nothing on its input {name!r}.", (path,), fixes, Port(path, name))


def _closing(path: str) -> Fix:
    """Move the wires of numbered inputs together."""

    def close(net: Network) -> Network:
        sources = [net.source_of(Port(path, n)) for n in net.inputs_of(path)]
        for n in net.inputs_of(path):
            if net.source_of(Port(path, n)):
                net = net.disconnect(Port(path, n))
        for place, source in enumerate(source for source in sources if source):
            net = net.connect(source, Port(path, str(place)))
        return net

    return Fix("Close the gap", close)


def _owning(network: Network, path: str, name: str) -> Network:
    kept = tuple(n for n in network.layer(path).input_learnables if n != name)
    return network.set(path, input_learnables=kept)


def _misfit(propagation: Propagation, port: Port, source: Port) -> Iterator[Problem]:
    """A learnable that arrives in another shape than the layer computes with."""
    want = propagation.facts[port.layer].state.get(port.name)
    flow = flow_of(source, propagation.facts, 1)
    if want is None or flow is None or flow.shape == want.sizes:
        return
    network = propagation.flat.network
    fixes = []
    orders = permutations([s for s in flow.shape or () if isinstance(s, int)], want.sizes)
    if (wire := network.source_of(port)) and parent(wire.layer) == parent(port.layer):
        permuted = functools.partial(_permuted, source=wire, target=port)
        fixes += [Fix(f"Insert Permute {order}", functools.partial(permuted, order=order)) for order in orders]
    fixes.append(Fix(f"Let {port.layer} own its {port.name}", lambda net: _owning(net, port.layer, port.name)))
    have, need = shape_text(flow.shape), shape_text(want.sizes)
    text = f"{port.layer} needs its {port.name} as {need}, but {source} is {have}."
    yield Problem("error", text, (port.layer, source.layer), tuple(fixes))


def _permuted(network: Network, source: Port, target: Port, order: tuple[int, ...]) -> Network:
    from designer.layers import Permute
    from designer.model.names import free, join

    home = parent(target.layer)
    name = join(home, free("permute", network.network_at(home).layers))
    network = network.disconnect(target).add(**{name: Permute(order)})
    return network.connect(source, f"{name}/in").connect(f"{name}/out", target)


def _conflicts(network: Network, port: Port, source: Port) -> Iterator[Problem]:
    """Factors of a borrower that say otherwise than its owner: one tensor trains in one way."""
    owner = network.find(source.layer)
    layer = network.layer(port.layer)
    if owner is None or source.name not in owner.learnables():
        return
    for field, word in (("learn_rate_factors", "learn-rate"), ("weight_decay_factors", "weight-decay")):
        mine = dict(getattr(layer, field)).get(port.name)
        theirs = dict(getattr(owner, field)).get(source.name, 1.0)
        if mine is not None and mine != theirs:
            given = f"{port.layer} gives its {port.name} the {word} factor {mine:g}"
            text = f"{given}, but its owner {source.layer} gives it {theirs:g}."
            yield Problem("error", text, (port.layer, source.layer), _one_factor(port, source, field, mine, theirs))
    if port.name in layer.frozen and source.name not in owner.frozen:
        text = f"{port.layer} freezes its {port.name}, but its owner {source.layer} trains it."
        thaw = Fix("Train it in both", lambda net: _without(net, port, "frozen"))
        frozen = Fix(
            "Freeze it in both",
            lambda net: net.set(source.layer, frozen=(*net.layer(source.layer).frozen, source.name)),
        )
        yield Problem("error", text, (port.layer, source.layer), (thaw, frozen))


def _one_factor(port: Port, source: Port, field: str, mine: float, theirs: float) -> tuple[Fix, ...]:
    def give(net: Network) -> Network:
        others = tuple(pair for pair in getattr(net.layer(source.layer), field) if pair[0] != source.name)
        return _without(net.set(source.layer, **{field: (*others, (source.name, mine))}), port, field)

    return Fix(f"Use {theirs:g}", lambda net: _without(net, port, field)), Fix(f"Use {mine:g}", give)


def _without(network: Network, port: Port, field: str) -> Network:
    kept = tuple(
        e for e in getattr(network.layer(port.layer), field) if (e if isinstance(e, str) else e[0]) != port.name
    )
    return network.set(port.layer, **{field: kept})


def _explained(propagation: Propagation, path: str) -> Problem:
    """Why a layer runs nowhere, with the edit that mends it where one is known."""
    from designer.layers import Operation

    flat, fact = propagation.flat, propagation.facts[path]
    layer = flat.layers[path]
    if isinstance(layer, Operation) and layer.operation.endswith("?"):  # of a file, where it could not be read
        return Problem(
            "error", f"{path} stands for {layer.operation[:-1]}, which is only shown: it cannot be run.", (path,)
        )
    flows = [flow for port in flat.data(path) if (flow := flow_of(port, propagation.facts, len(propagation.at)))]
    if (problem := _wrong_dtype(propagation, path, layer, flows)) is not None:
        return problem
    names = {s for flow in flows for s in flow.shape or () if isinstance(s, str) and s.isidentifier()}
    same = [tensor for flow in flows if (tensor := flow.at[0])]
    refused = ask(layer, tuple(same), flat.dtype(path))[1].error is not None
    for keep, drop in itertools.permutations(sorted(names), 2) if refused else ():
        if _runs_with(propagation, path, layer, flows, keep, drop):
            fix = Fix(f"Make {drop} the same size as {keep}", functools.partial(_rename_size, old=drop, new=keep))
            return Problem("error", f"{path} needs {drop} and {keep} to be one size.", (path,), (fix,))
    given = " and ".join(shape_text(flow.shape) for flow in flows)
    reason = (_checked(layer, flows, fact.error) or fact.error or "").rstrip(".")
    text = f"{path} cannot take {given}: {reason}." if given else f"{path}: {reason}."
    return Problem("error", text, (path,))


def _checked(layer: Layer, flows: Sequence[Flow], error: str | None) -> str | None:
    """The layer's own sentence with its sizes as they are written, where that is what is wrong."""
    shapes, sizes = [flow.shape for flow in flows], [flow.at[0].sizes for flow in flows if flow.at[0]]
    if None in shapes or len(sizes) < len(shapes):
        return None
    try:
        return layer.check(*shapes) if layer.check(*sizes) == error else None
    except (TypeError, IndexError, ZeroDivisionError):  # it computes with a size that has a name
        return None


def _runs_with(propagation: Propagation, path: str, layer: Layer, flows: Sequence[Flow], keep: str, drop: str) -> bool:
    """Whether a layer would run if one free size were the other."""
    sizes = {e: s for flow in flows if flow.at[0] for e, s in zip(flow.shape or (), flow.at[0].sizes)}
    inputs = []
    for flow in flows:
        if (tensor := flow.at[0]) is None or flow.shape is None:
            return False
        inputs.append(
            tensor._replace(sizes=tuple(sizes[keep] if e == drop else s for e, s in zip(flow.shape, tensor.sizes)))
        )
    return ask(layer, tuple(inputs), propagation.flat.dtype(path))[1].error is None


def _rename_size(network: Network, old: str, new: str) -> Network:
    for path, layer in network.layers.items():
        if isinstance(layer, Input) and old in layer.shape:
            network = network.set(path, shape=tuple(new if size == old else size for size in layer.shape))
    return network


def _wrong_dtype(propagation: Propagation, path: str, layer: Layer, flows: Sequence[Flow]) -> Problem | None:
    """A layer that would run with another type of elements on its first input, changed at the Input that feeds it."""
    network = propagation.flat.network
    if (found := needed_dtype(layer, flows, propagation.flat.dtype(path))) is None:
        return None
    n, other = found
    source = propagation.flat.data(path)[n]
    fixes = []
    if source and isinstance(network.find(source.layer), Input):
        fixes = [Fix(f"Make {source.layer} {other}", lambda net: net.set(source.layer, dtype=other))]
    return Problem("error", f"{path} cannot take {flows[n].dtype}: it needs {other}.", (path,), tuple(fixes))


def _needed(propagation: Propagation, path: str) -> str:
    """Which sizes a layer needs that runs at some points only: tried at a base and some times a divisor of 96 more.

    One time is not enough: where sizes are rounded up, a size that is no multiple can run as well.
    """
    refused = propagation.facts[path].refused
    base = propagation.at[0]

    def runs(name: str, more: int) -> bool:
        point = {**base, name: base[name] + more}
        return propagate_at(propagation.flat, [point]).facts[path].error is None

    needs = []
    for name in base:
        if all(runs(name, more) for more in (1, ODD)):
            continue
        fitting = (step for step in MULTIPLES if all(runs(name, step * times) for times in (1, 2, 3)))
        if (step := next(fitting, None)) is not None:
            needs.append(f"{name} to be a multiple of {step}")
    return " and ".join(needs) or f"other sizes than {', '.join(f'{n} = {s}' for n, s in refused[0].items())}"


def _wrong_values(network: Network, path: str, layer: Layer, fact: Facts) -> Iterator[Problem]:
    for name, tensor in fact.state.items():
        key = layer.key(path, name)
        value = network.values.get(key)
        if value is None or name in layer.input_learnables:
            continue
        have, need = shape_text(tuple(value.shape)), shape_text(tensor.sizes)
        if have == need:
            have, need = str(value.dtype).removeprefix("torch."), tensor.dtype
            apart = have != need and name in layer.learnables()  # torch computes with those of one type
            if _fractional(have) == _fractional(need) and not apart:
                continue
        fix = Fix("Initialise again", lambda net, k=key: _valueless(net, k))  # type: ignore[misc]
        yield Problem("error", f"The value of {key} is {have}, but {path} needs {need}.", (path,), (fix,))


def _fractional(dtype: str) -> bool:
    return "float" in dtype or "complex" in dtype


def _valueless(network: Network, key: str) -> Network:
    return dataclasses.replace(network, values={k: value for k, value in network.values.items() if k != key})


def _miscalled(propagation: Propagation, path: str) -> Iterator[Problem]:
    """A second use that calls nothing, or whose input would need learnables of another size."""
    flat, facts = propagation.flat, propagation.facts
    called = flat.network.called(path)
    if called is None:
        yield Problem("error", f"{path} calls nothing.", (path,))
        return
    yield from _without_data(flat.network, path, flat.network.layer(called).variadic)
    for inner, fact in facts.items():
        if under(inner, path):
            original = facts.get(called + inner[len(path) :])
            if original and fact.module and original.module and fact.module != original.module:
                inside = f" in {called + inner[len(path) :]}" if inner != path else ""
                text = f"{path} calls {called}, which is {original.module}{inside}, with an input for {fact.module}."
                yield Problem("error", text, (path, called))


def _unfed_group(network: Network, path: str, group: Group) -> Iterator[Problem]:
    for name in group.inputs():
        if network.source_of(Port(path, name)) is None:
            inner = f"{path}.{name}"
            used = any(source.layer == name for source in group.network.connections.values())
            fixes = () if used else (Fix(f"Remove {inner}", lambda net, p=inner: net.remove(p)),)  # type: ignore[misc]
            yield _unwired(path, name, fixes)


def _misplaced(network: Network) -> Iterator[Problem]:
    """Outputs that cannot stand where they say in what the network gives back."""
    if not network.outputs:
        return
    for path, why in returned(network).misplaced.items():
        place = getattr(network.layers[path], "place", "")
        fix = Fix(f"Clear the place of {path}", lambda net, p=path: net.set(p, place=""))  # type: ignore[misc]
        yield Problem("error", f"{path} cannot be given back at {place}: {why}.", (path,), (fix,))


def _unneeded(path: str, layer: Layer) -> Problem:
    """A layer that no output needs, told once for a group that is not needed as a whole."""
    if isinstance(layer, Input):
        text = f"{path} feeds nothing that the network gives back."
    elif isinstance(layer, Parameter):
        text = f"{path} is used by nothing that the network gives back."
    else:
        text = f"No output needs {path}."
    return Problem("warning", text, (path,), (Fix(f"Remove {path}", lambda net: net.remove(path)),))
