"""Analyze a network, following only what changed since one that was analyzed before."""

import collections
import dataclasses
from collections.abc import Sequence

from designer.analysis.flat import Flat
from designer.analysis.flow import Propagation, propagate, repropagate
from designer.analysis.problems import problems_of, problems_of_layer
from designer.analysis.report import Analysis, Problem, Row
from designer.analysis.rows import held_by, make_row, rows_of, summed
from designer.analysis.waiting import MustWait, hurries
from designer.model import Call, Group, Input, Layer, Network
from designer.model.names import parent

# The last few analyses: what an edit left alone is taken from the one of the network before it.
_recent: "collections.deque[Analysis]" = collections.deque(maxlen=4)


def analyze(network: Network) -> Analysis:
    """Tell what each layer does, stores and borrows, and what is wrong.

    A network with errors is analyzed as far as it goes: what is not known is marked, and totals are the least.
    """
    if hurries():
        raise MustWait
    for recent in tuple(_recent):
        if recent.network is network:
            return recent
    analysis = _followed(network) or _whole(network)
    _recent.append(analysis)
    return analysis


def _whole(network: Network) -> Analysis:
    propagation = propagate(Flat(network))
    return Analysis(network, rows_of(propagation), problems_of(propagation), propagation)


def _followed(network: Network) -> Analysis | None:
    """The analysis from a recent one, where only settings of layers differ and all is well."""
    for recent in reversed(tuple(_recent)):
        before = recent.network
        if before.dtype != network.dtype or recent.problems or not recent.propagation.plain:
            continue
        changed = _changed(before, network)
        if changed is None or any(path in recent.propagation.flat.copies for path in changed):
            continue
        flat = recent.propagation.flat.with_layers(network, changed)
        propagation = repropagate(recent.propagation, flat, changed)
        if propagation is None:
            return None
        return Analysis(
            network, _rows(recent, propagation, changed), _problems(recent, propagation, changed), propagation
        )
    return None


def _changed(before: Network, after: Network, prefix: str = "") -> list[str] | None:
    """The paths of layers with other settings; None where the wiring or the ports are others."""
    if before.connections is not after.connections or len(before.layers) != len(after.layers):
        return None
    found: list[str] = []
    for name, new in after.layers.items():
        old = before.layers.get(name)
        if old is new:
            continue
        if isinstance(old, Group) and isinstance(new, Group):
            inner = _changed(old.network, new.network, f"{prefix}{name}.")
            if inner is None:
                return None
            found += inner
        elif old is None or isinstance(new, Group | Call | Input) or _ports(old) != _ports(new):
            return None
        else:
            found.append(prefix + name)
    return found


def _ports(layer: Layer) -> tuple[object, ...]:
    switched = layer.input_learnables, layer.output_learnables
    return layer.inputs(), layer.outputs(), layer.variadic, layer.computes, *switched


def _rows(recent: Analysis, propagation: Propagation, changed: Sequence[str]) -> list[Row]:
    """The rows, those of layers that did not change shared with the analysis before."""
    network = propagation.flat.network
    if recent.network.values is not network.values or propagation.flat.copies:
        return rows_of(propagation)
    touched, before, now = set(changed), recent.facts, propagation.facts
    rows = {row.name: row for row in recent.rows}
    groups = [row for row in recent.rows if row.type == "Group"]
    holds: set[str] = set()  # groups of which the sums may be others
    for row in recent.rows:
        if row.type != "Group" and (row.name in touched or before[row.name] is not now[row.name]):
            rows[row.name] = make_row(propagation, row.name, propagation.flat.layers[row.name])
            path = row.name
            while path := parent(path):
                holds.add(path)
    held = held_by(holds, rows.values())
    for row in groups:
        fresh = make_row(propagation, row.name, network.all[row.name])
        if row.name in held:
            rows[row.name] = summed(fresh, held[row.name])
        elif fresh.activations != row.activations:
            rows[row.name] = dataclasses.replace(row, activations=fresh.activations)
    return list(rows.values())


def _problems(recent: Analysis, propagation: Propagation, changed: Sequence[str]) -> list[Problem]:
    """The problems, looked for where something changed or a learnable arrives."""
    flat = propagation.flat
    if recent.network.values is not flat.network.values or flat.copies:
        return problems_of(propagation)
    touched, before, now = set(changed), recent.facts, propagation.facts
    suspects = [p for p in flat.order if p in touched or before[p] is not now[p] or flat.layers[p].input_learnables]
    return [problem for path in suspects for problem in problems_of_layer(propagation, path)]
