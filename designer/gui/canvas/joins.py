"""What releasing a wire somewhere would do: a pure edit, or one sentence why it cannot be."""

import math
from collections.abc import Callable
from typing import NamedTuple

from designer.analysis import Analysis, permutations
from designer.analysis.sizes import memory
from designer.edits import tie
from designer.edits.switches import switch_input, switch_output
from designer.gui.canvas.look import shape_of
from designer.gui.drawing import shape_text
from designer.model import BUNDLE, Call, Group, Layer, Network, NetworkError, Port

Change = Callable[[Network], Network]


class Join(NamedTuple):
    """What a release here would do."""

    text: str  # of the undo step
    says: str  # at the pointer
    detail: str = ""
    edit: Change | None = None  # None: refused, or a choice
    permute: tuple[int, ...] = ()  # what is inserted on the way
    choices: tuple["Join", ...] = ()
    pair: tuple[Port, Port] | None = None  # of a tie: what is taken, and what takes it
    saves: str = ""  # so many bytes, by a tie

    @property
    def refused(self) -> bool:
        return self.edit is None and not self.choices

    @property
    def sentence(self) -> str:
        """What it says where there is room for all of it."""
        return " ".join(part if part.endswith(".") else f"{part}." for part in (self.says, self.detail) if part)


class End(NamedTuple):
    """The end of a wire that is drawn: its port, and what must be done first, as switching the port on."""

    port: Port
    out: bool
    first: Change = lambda network: network


def join(network: Network, analysis: Analysis | None, start: End, other: End) -> Join:
    """Wire two ports, drawn from either end."""
    give, take = (start, other) if start.out else (other, start)
    if start.out == other.out:
        return _refusal("A wire goes from an output to an input.")

    def prepared(net: Network) -> Network:
        return take.first(give.first(net))

    source, target = give.port, take.port
    try:
        ready = prepared(network)
        taken = target.name in ready.layer(target.layer).input_learnables
        if taken and source.name != BUNDLE and ready.is_learnable(source):
            return _tie(ready, analysis, source, target, prepared)
        ready.connect(source, target)
    except NetworkError as refusal:
        return _refusal(str(refusal))
    edit = _connecting(prepared, source, target)
    if source.name == BUNDLE:
        says = f"{target.layer} calls {source.layer} again"
        return Join(f"Call {source.layer} in {target.layer}", says, edit=edit)
    says = f"{_named(network, source, True)} to {_named(network, target, False)}"
    shape = shape_of(analysis, source)
    return Join(f"Connect {says}", says, shape_text(shape) if shape is not None else "", edit)


def join_layer(network: Network, analysis: Analysis | None, start: End, path: str) -> Join:
    """Wire a port to a layer: to the learnable that fits, which is switched on, or to its first free data port."""
    layer = network.layer(path)
    try:
        ready = start.first(network)
        learnable = not start.out or ready.is_learnable(start.port)
        takes = start.port.name in ready.layer(start.port.layer).input_learnables and not start.out
    except NetworkError as refusal:
        return _refusal(str(refusal))
    if start.port.name == BUNDLE:
        return join(network, analysis, start, End(Port(path, BUNDLE), not start.out))
    if isinstance(layer, Call) and start.out and learnable:
        return join(network, analysis, End(Port(start.port.layer, BUNDLE), True), End(Port(path, BUNDLE), False))
    if learnable and (takes or start.out) and not layer.computes and layer.learnables():
        return _fitting(network, analysis, start, path, layer)
    if isinstance(layer, Group) and learnable and (takes or start.out):
        return _refusal(
            f"{path} is a group: enter it to choose which of its layers {'takes' if start.out else 'gives'} it."
        )
    free = free_input(network, path) if start.out else next(iter(network.outputs_of(path)), None)
    if free is None:
        return _refusal(f"{path} has no {'input that is free' if start.out else 'output for data'}.")
    return join(network, analysis, start, End(Port(path, free), not start.out))


def free_input(network: Network, path: str) -> str | None:
    """The first data input without a wire."""
    names = network.inputs_of(path)
    if network.layer(path).variadic:
        names = tuple(map(str, range(len(names) + 1)))
    return next((name for name in names if network.source_of(Port(path, name)) is None), None)


def cut(network: Network, target: Port) -> Join:
    """Pull a wire off an input and let it fall."""
    source = network.source_of(target)
    where = _named(network, target, False)
    return Join(
        f"Cut the wire to {where}", f"Cut from {source.layer if source else '?'}", edit=lambda n: n.disconnect(target)
    )


def learnable_shape(network: Network, analysis: Analysis | None, port: Port) -> tuple[int, ...] | None:
    """The shape of what a port gives or takes, if it is known."""
    if analysis is None:
        return None
    layer = network.find(port.layer)
    if layer is not None and port.name in layer.learnables():
        return analysis.learnable_shape(port)
    sizes = shape_of(analysis, port)
    numbers = tuple(size for size in sizes or () if isinstance(size, int))
    return numbers if sizes is not None and len(numbers) == len(sizes) else None


def _tie(network: Network, analysis: Analysis | None, source: Port, target: Port, prepared: Change) -> Join:
    have, want = (learnable_shape(network, analysis, port) for port in (source, target))
    orders = [()] if have is None or want is None else permutations(have, want)
    if not orders:
        text = f"{_dotted(source)} is {shape_text(have)}, {_dotted(target)} is {shape_text(want)}"
        return _refusal(text, "No permutation of the one fits the other.")
    # The permutation is offered where both ends are learnables of layers; behind an expression stands another one.
    network.connect(source, target)
    size = saved_bytes(network, analysis, target, want)
    saves = memory(size) if size else ""
    pair = source, target
    options = [
        _ordered(source, target, have, want, order, prepared)._replace(pair=pair, saves=saves) for order in orders
    ]
    if len(options) == 1:
        return options[0]
    says = f"{_dotted(target)} fits {_dotted(source)} in {len(options)} ways"
    return Join(options[0].text, says, "Release to choose.", choices=tuple(options))


def saved_bytes(network: Network, analysis: Analysis | None, target: Port, shape: tuple[int, ...] | None) -> int:
    """How many bytes a learnable stores that would be borrowed; 0 where it stores none, or that is not known."""
    if analysis is None or shape is None or network.source_of(target) is not None or target.layer not in analysis.facts:
        return 0
    row = analysis.row(target.layer)
    return row.bytes // row.stored * math.prod(shape) if row.stored else 0


def _ordered(
    source: Port,
    target: Port,
    have: tuple[int, ...] | None,
    want: tuple[int, ...] | None,
    order: tuple[int, ...],
    prepared: Change,
) -> Join:
    text = f"Take {target.name} of {target.layer} from {source.layer}"
    says = f"{target.layer} takes {target.name} from {source.layer}"
    if not order:
        saved = f", saves {math.prod(want):,}" if want else ""
        return Join(text, says, f"{shape_text(want)}{saved}" if want else "", _connecting(prepared, source, target))
    through = ", ".join(map(str, order))
    detail = f"{shape_text(have)} to {shape_text(want)}"
    edit = lambda net: tie(prepared(net), str(source), str(target), permute=order)  # noqa: E731
    return Join(text, f"{says}, through Permute {through}", detail, edit, order)


def _fitting(network: Network, analysis: Analysis | None, start: End, path: str, layer: Layer) -> Join:
    """The learnables of a layer that fit the one that is held."""
    have = learnable_shape(network, analysis, start.port)
    joins, misfits = {}, []
    for name in layer.learnables():
        port = Port(path, name)
        want = learnable_shape(network, analysis, port)
        if port == start.port:
            continue
        if have is not None and want is not None and not permutations(have, want):
            misfits.append(f"{_dotted(port)} is {shape_text(want)}")
            continue
        if (have is None or want is None) and name != start.port.name:
            continue  # nothing but the name speaks for it
        switch = switch_input if start.out else switch_output
        other = End(port, not start.out, lambda net, port=port, switch=switch: switch(net, str(port), True))
        joins[name] = join(network, analysis, start, other)
    possible = {name: found for name, found in joins.items() if not found.refused}
    waiting = [name for name in possible if name in layer.input_learnables and not network.source_of(Port(path, name))]
    if start.out and len(waiting) == 1:
        return possible[waiting[0]]
    if len(possible) == 1:
        return next(iter(possible.values()))
    if possible:
        options = tuple(possible.values())
        return Join(options[0].text, f"{path} has {len(possible)} that fit", "Release to choose.", choices=options)
    if joins:
        return next(iter(joins.values()))
    if misfits:
        named = f"{_dotted(start.port)} is {shape_text(have)}"
        same = next((text for text in misfits if text.startswith(f"{path}.{start.port.name} ")), misfits[0])
        return _refusal(f"{named}, {same}", "No permutation of the one fits the other.")
    return _refusal(f"{path} has no learnable that could {'take' if start.out else 'give'} {_dotted(start.port)}.")


def _connecting(prepared: Change, source: Port, target: Port) -> Change:
    return lambda net: prepared(net).connect(source, target)


def _refusal(says: str, detail: str = "") -> Join:
    return Join("", says, detail)


def _named(network: Network, port: Port, out: bool) -> str:
    """A port in a sentence: the layer alone where it has but one of that kind."""
    layer = network.find(port.layer)
    names = (network.outputs_of if out else network.inputs_of)(port.layer) if layer else ()
    return port.layer if names == (port.name,) else _dotted(port)


def _dotted(port: Port) -> str:
    return f"{port.layer}.{port.name}"
