"""What a node shows: a function of its layer, the wires at it, the view and the analysis."""

from collections.abc import Iterable, Mapping, Set
from typing import Any, NamedTuple

from PySide6.QtCore import Qt

from designer.analysis import Analysis, Row
from designer.edits.likeness import alike
from designer.gui.document import View
from designer.gui.drawing import category_of, shape_text
from designer.gui.name_groups import name_groups
from designer.model import BUNDLE, Call, Group, Input, Layer, Network, Parameter, Port, Shape
from designer.model.names import join, parent, under

Trouble = tuple[str, tuple[str, ...]]  # the worst severity, and what is said


class HiddenEnd(NamedTuple):
    """The other end of a wire that is hidden."""

    target: str  # the wire
    path: str  # the layer there
    learnable: bool


class PortLook(NamedTuple):
    """A port on the edge of a node."""

    name: str  # on this node, unlike the others of its side: "in", "weight", or "fc.weight" on a group
    port: Port  # what edits call it
    diamond: bool = False  # a learnable one
    label: str = ""
    row: int = -1  # of the learnables that it stands beside; -1: a data port, or the header
    far: tuple[str, ...] = ()  # the layers outside the group that is shown that it is wired to
    hidden: tuple[HiddenEnd, ...] = ()  # of its wires in the group

    @property
    def beyond(self) -> bool:
        return bool(self.far)


class LearnableRow(NamedTuple):
    """One line of a node's learnables: a learnable, or a group of them with like names."""

    names: tuple[str, ...]
    label: str
    takes: Qt.CheckState
    offers: Qt.CheckState
    shape: str = ""
    source: str = ""  # the layer that it is taken from
    target: str = ""  # the layers that take it, said while ties are not drawn
    group: str = ""  # of these names
    head: bool = False  # the line of the group itself
    opened: bool = False
    switches: bool = True  # a group of layers has none: they stand on its layers


class Look(NamedTuple):
    """All that a node shows, except where it stands and whether it is selected."""

    path: str
    name: str
    type: str
    summary: str
    category: str
    kind: str = "layer"  # layer, group, capsule (on a learnable wire), free (a Parameter)
    inputs: tuple[PortLook, ...] = ()
    outputs: tuple[PortLook, ...] = ()
    section: bool = False  # has learnables to speak of
    rows: tuple[LearnableRow, ...] = ()
    total: str = ""
    owns: str = ""  # the whole sentence, for the tooltip
    unfolds: bool = False
    unfolded: bool = False
    trouble: str = ""  # "error" or "warning"
    says: tuple[str, ...] = ()  # what is wrong
    frozen: bool = False
    alike: int = 0  # how many groups are like this one, itself among them
    down: bool = False  # data comes from above, and goes on below

    @property
    def subtitle(self) -> str:
        if self.type == "Operation":
            return f"aten::{self.summary}"
        return f"{self.type} · {self.summary}" if self.summary else self.type

    @property
    def ports(self) -> tuple[PortLook, ...]:
        return self.inputs + self.outputs


class Crossing(NamedTuple):
    """The learnable wires that cross the border of a group, as ports of it."""

    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    open: frozenset[Port] = frozenset()  # of these, the ones without a wire


def look(
    network: Network,
    path: str,
    view: View,
    analysis: Analysis | None,
    *,
    learnable: Set[Port],
    trouble: Trouble = ("", ()),
    crossing: Crossing = Crossing(),  # noqa: B008, a value
    beyond: Set[Port] = frozenset(),
) -> Look:
    """Say what the node of a layer shows.

    ``learnable`` are the output ports that carry learnables, ``beyond`` those wired to layers that stand outside.
    """
    layer, (home, _, name) = network.layer(path), path.rpartition(".")
    row = row_of(analysis, path)
    kind, data_in, data_out = "layer", network.inputs_of(path), network.outputs_of(path)
    given = (network.source_of(Port(path, port)) if analysis else None for port in data_in)
    summary = layer.summary(*(shape_of(analysis, port) if port else None for port in given))
    if isinstance(layer, Input) and home:
        summary = ""  # it takes what is wired to the group
    elif isinstance(layer, Call):
        called = network.called(path)
        summary = called.removeprefix(f"{home}.") if called else "nothing yet"
        data_in, data_out = _with_wired(network, path, data_in, data_out)
    elif isinstance(layer, Group):
        kind = "group"
    elif isinstance(layer, Parameter):
        kind = "free"
    elif layer.computes and any(Port(path, out) in learnable for out in data_out):
        kind = "capsule"
    if layer.variadic:  # what is wired, and a free one; two at least, so that the node keeps its form
        data_in = tuple(str(n) for n in range(max(2, len(data_in) + 1)))
    rows = _rows(network, path, layer, view, row, crossing)
    at = {held: n for n, line in enumerate(rows) for held in line.names}  # its own line, else that of its group
    if kind == "free":
        at, rows = {"value": -1}, ()
    where: dict[bool, list[PortLook]] = {False: [], True: []}

    def ends(port: Port, out: bool) -> dict[str, Any]:
        """What its wires that are not drawn lead to."""
        found: dict[str, Any] = {}
        if port in beyond:
            found["far"] = _far_ends(network, port, out, home)
        if view.hidden:
            found["hidden"] = _hidden_ends(network, port, out, path, view.hidden, learnable)
        return found

    for out, names in ((False, data_in), (True, data_out)):
        numbered = layer.variadic and not out
        for port in names:
            label = "" if numbered or len(names) < 2 else port
            at_port = Port(path, port)
            where[out].append(PortLook(port, at_port, kind == "capsule", label, **ends(at_port, out)))
    for out, names in ((False, layer.input_learnables), (True, layer.output_learnables)):
        for name_of in names:
            at_port = Port(path, name_of)
            where[out].append(PortLook(name_of, at_port, True, row=at[name_of], **ends(at_port, out)))
    for out, wanted in ((False, isinstance(layer, Call)), (True, Port(path, BUNDLE) in network.targets)):
        if wanted:
            at_port = Port(path, BUNDLE)
            where[out].append(PortLook(BUNDLE, at_port, True, row=at[BUNDLE], **ends(at_port, out)))
    for out, ports in ((False, crossing.inputs), (True, crossing.outputs)):
        for at_port in ports:
            label = _inner(at_port, path)
            where[out].append(PortLook(label, at_port, True, row=at[label], **ends(at_port, out)))
    total, owns = _total(layer, row, crossing)
    return Look(
        path=path,
        name=name,
        type=type(layer).__name__,
        summary=summary,
        category=category_of(layer),
        kind=kind,
        inputs=tuple(where[False]),
        outputs=tuple(where[True]),
        section=kind != "free" and bool(layer.learnables() or rows or (kind == "group" and total not in ("", "0"))),
        rows=rows,
        total=total,
        owns=owns,
        unfolds=bool(layer.learnables()),
        unfolded=path in view.unfolded and bool(layer.learnables()),
        trouble=trouble[0],
        says=trouble[1],
        alike=len(alike(network).get(path, ())) if kind == "group" else 0,
        frozen=bool(layer.frozen) and set(layer.frozen) >= set(layer.owned),
        down=network.network_at(home).down,
    )


def _with_wired(
    network: Network, path: str, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The data ports of a Call, with those that kept a wire from what it called before."""
    wires = network.network_at(parent(path)).connections.items()
    name = path.rpartition(".")[2]
    into = dict.fromkeys(target.name for target, _ in wires if target.layer == name and target.name != BUNDLE)
    out = dict.fromkeys(source.name for _, source in wires if source.layer == name and source.name != BUNDLE)
    return tuple(dict.fromkeys((*inputs, *into))), tuple(dict.fromkeys((*outputs, *out)))


def _rows(
    network: Network, path: str, layer: Layer, view: View, row: Row | None, crossing: Crossing
) -> tuple[LearnableRow, ...]:
    shapes = row.learnables if row else {}

    def line(name: str, group: str = "") -> LearnableRow:
        taken, offered = name in layer.input_learnables, name in layer.output_learnables
        source = network.source_of(Port(path, name)) if taken else None
        label = name.removesuffix(f"_{group}") if group else name
        origin = short(_origin(network, source), path) if source else ""
        target = _targets(network, Port(path, name)) if offered and view.ties == "off" else ""
        shape = shape_text(shapes[name]) if shapes.get(name) is not None else ""
        return LearnableRow((name,), label, _tick(taken), _tick(offered), shape, origin, target, group)

    names = layer.learnables()
    if isinstance(layer, Parameter):
        return ()
    lines: list[LearnableRow] = []
    if path not in view.unfolded:
        lines = [line(name) for name in names if name in layer.input_learnables + layer.output_learnables]
    elif groups := name_groups(names):
        for group in dict.fromkeys(groups.values()):
            held = tuple(name for name in names if groups[name] == group)
            opened = f"{path}/{group}" in view.unfolded
            takes, offers = _ticks(held, layer.input_learnables), _ticks(held, layer.output_learnables)
            text = f"{group} · {len(held)}"
            lines.append(LearnableRow(held, text, takes, offers, group=group, head=True, opened=opened))
            lines += [line(name, group) for name in held] if opened else []
    else:
        lines = [line(name) for name in names]
    calls, called = isinstance(layer, Call), Port(path, BUNDLE) in network.targets
    if calls or called:
        source = network.source_of(Port(path, BUNDLE))
        origin = short(source.layer, path) if source else ""
        lines.append(LearnableRow((BUNDLE,), BUNDLE, _tick(calls), _tick(called), "bundle", origin, switches=False))
    for out, ports in ((False, crossing.inputs), (True, crossing.outputs)):
        for port in ports:
            source = network.source_of(port)
            origin = short(_origin(network, source), path) if source and not out else ""
            label = _inner(port, path)
            lines.append(LearnableRow((label,), label, _tick(not out), _tick(out), source=origin, switches=False))
    return tuple(lines)


def _tick(on: bool) -> Qt.CheckState:
    return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked


def _ticks(names: Iterable[str], on: Iterable[str]) -> Qt.CheckState:
    """The switch of several names: on, off, or partly."""
    states = {name in set(on) for name in names}
    return Qt.CheckState.PartiallyChecked if len(states) > 1 else _tick(states == {True})


def _inner(port: Port, group: str) -> str:
    """A port of a layer inside a group, as a port of the group."""
    return str(port.below(group)).replace("/", ".")


def _origin(network: Network, port: Port) -> str:
    """The path of the layer that owns what a wire brings, looked for through expressions."""
    layer = network.layer(port.layer)
    while port.name not in layer.output_learnables and layer.computes:
        wired = (network.source_of(Port(port.layer, name)) for name in network.inputs_of(port.layer))
        source = next((source for source in wired if source), None)
        if source is None:
            break
        port, layer = source, network.layer(source.layer)
    return port.layer


def _far_ends(network: Network, port: Port, out: bool, home: str) -> tuple[str, ...]:
    """The layers outside a group at the other end of the wires of a port in it; the owner, through expressions."""
    if not out:
        source = network.source_of(port)
        return (_origin(network, source),) if source else ()
    targets = (target.layer for target in network.targets.get(port, ()))
    return tuple(dict.fromkeys(path for path in targets if not under(path, home)))


def _hidden_ends(
    network: Network, port: Port, out: bool, node: str, hidden: Set[str], learnable: Set[Port]
) -> tuple[HiddenEnd, ...]:
    """The layers at the other ends of the hidden wires of a port, in the group that its node stands in."""
    found = []
    for target in network.targets.get(port, ()) if out else (port,):
        source = network.wires.get(target) if str(target) in hidden else None
        if source is None:
            continue
        path = target.layer if out else source.layer
        if under(path, parent(node)) and not under(path, node):
            found.append(HiddenEnd(str(target), path, source in learnable or source.name == BUNDLE))
    return tuple(found)


def short(path: str, beside: str) -> str:
    """A path as it is said beside another layer: without the groups that both stand in."""
    home = parent(beside)
    return path[len(home) + 1 :] if home and under(path, home) else path


def _targets(network: Network, port: Port) -> str:
    targets = network.targets.get(port, [])
    if len(targets) > 1:
        return f"{len(targets)} layers"
    return short(targets[0].layer, port.layer) if targets else ""


def _total(layer: Layer, row: Row | None, crossing: Crossing) -> tuple[str, str]:
    """What a layer stores, short and as a sentence."""
    if row is None or not row.known:
        return "?", ""
    taken = sorted({owner for owner in row.tied_to.values() if owner})
    if isinstance(layer, Call) or layer.input_learnables or crossing.inputs:
        where = f", {', '.join(layer.input_learnables)} from {', '.join(taken)}" if taken else ""
        return f"owns {row.stored:,}", f"owns {row.stored:,} of {row.used:,}{where}"
    return f"{row.stored:,}", f"owns {row.stored:,}"


def crossings(shown: Network, root: Network, path: str, outside: Mapping[Port, Port]) -> dict[str, Crossing]:
    """The learnable ports that the groups of a network show, derived from the wires that cross their borders.

    Beside those: what a layer inside takes or offers that is not wired to anything, as an open diamond.
    """
    inputs: dict[str, dict[Port, None]] = {}
    outputs: dict[str, dict[Port, None]] = {}
    for target, source in [*((t.above(path), s.above(path)) for t, s in shown.connections.items()), *outside.items()]:
        for port, ends in ((target, inputs), (source, outputs)):
            below = port.below(path)
            if under(port.layer, path) and "." in below.layer:
                ends.setdefault(below.layer.partition(".")[0], {})[port] = None
    found = {}
    for name, group in shown.layers.items():
        if isinstance(group, Group):
            into, out = inputs.get(name, {}), outputs.get(name, {})
            loose_in, loose_out = _loose(root, join(path, name), group)
            loose_in = [port for port in loose_in if port not in into]
            loose_out = [port for port in loose_out if port not in out]
            found[name] = Crossing((*into, *loose_in), (*out, *loose_out), frozenset((*loose_in, *loose_out)))
    return found


def _loose(root: Network, path: str, group: Group) -> tuple[list[Port], list[Port]]:
    """The learnable ports inside a group that somebody switched on, and that have no wire at all."""
    takes, offers = [], []
    for below, layer in group.network.all.items():
        if isinstance(layer, Parameter) or not (layer.input_learnables or layer.output_learnables):
            continue  # the port of a Parameter is always there
        at = f"{path}.{below}"
        takes += [Port(at, name) for name in layer.input_learnables if Port(at, name) not in root.wires]
        offers += [Port(at, name) for name in layer.output_learnables if Port(at, name) not in root.targets]
    return takes, offers


def row_of(analysis: Analysis | None, path: str) -> Row | None:
    """The row of a layer; None where the analysis is of an earlier network that did not have it."""
    return analysis.row(path) if analysis and analysis.network.find(path) else None


def shape_of(analysis: Analysis | None, port: Port) -> Shape | None:
    """The shape that an output port gives, None where the analysis does not know it."""
    return analysis.shape(port) if analysis and analysis.network.has_output(port) else None


def troubles(analysis: Analysis | None) -> dict[str, Trouble]:
    """What is wrong with each layer, and with each group that holds one: the worst severity, and all sentences."""
    found: dict[str, Trouble] = {}
    for problem in analysis.problems if analysis else ():
        for named in problem.layers:
            path = named.partition("/")[0]
            while path:
                severity, says = found.get(path, ("", ()))
                worst = "error" if "error" in (severity, problem.severity) else problem.severity
                if problem.text not in says:
                    found[path] = worst, (*says, problem.text)
                path = parent(path)
    return found
