"""Groups that are alike: the same body, or nearly the same, and then how they differ."""

import weakref
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

from designer.model import Group, Input, Layer, Network, NetworkError, Output, Port
from designer.model.names import join, under
from designer.model.properties import converters
from designer.model.values import equal

NEARLY = 0.6  # of the layers of two groups must have the same name and type


class Difference(NamedTuple):
    """How some groups differ from the rest: a sentence, and the layer in the first of them that it speaks of."""

    text: str
    path: str


def alike(network: Network) -> Mapping[str, tuple[str, ...]]:
    """The groups that have the same body as others -> all of these with it, as they stand in the network."""
    global _known
    if _known is not None and _known[0]() is network:
        return _known[1]
    bodies: dict[str, list[str]] = {}
    for path, layer in network.all.items():
        if isinstance(layer, Group) and layer.body:
            bodies.setdefault(layer.body, []).append(path)
    found = {path: paths for held in bodies.values() if len(held) > 1 for paths in [tuple(held)] for path in paths}
    _known = weakref.ref(network), found
    return found


_known: tuple[weakref.ref[Network], Mapping[str, tuple[str, ...]]] | None = None  # of the network asked for last


def nearly_alike(network: Network, path: str) -> tuple[str, ...]:
    """The groups most of whose layers have the same names and types as those of one, itself among them."""
    wanted = _skeleton(network.layer(path))
    if wanted is None:
        raise NetworkError(f"{path} is not a group.")
    found = []
    for other, layer in network.all.items():
        if (has := _skeleton(layer)) is None or (other != path and (under(other, path) or under(path, other))):
            continue
        if other == path or (wanted & has and len(wanted & has) >= NEARLY * len(wanted | has)):
            found.append(other)
    return tuple(found)


def _skeleton(layer: Layer) -> set[tuple[str, str]] | None:
    if not isinstance(layer, Group):
        return None
    return {(at, type(la).__name__) for at, la in layer.network.all.items() if not isinstance(la, Input | Output)}


def differences(network: Network, paths: Iterable[str], values: bool = False) -> list[Difference]:
    """Say in which layers, settings and wires groups differ; only where asked, also in which values.

    Those that differ are named, the most frequent is what "the others" have.
    """
    paths = tuple(paths)
    groups = {path: network.network_at(path) for path in paths}
    if len(groups) < 2:
        return []
    found = _of_ports(groups)
    names = dict.fromkeys(name for held in groups.values() for name in held.all)
    for name in names:
        found += _of_layer(name, {path: held.find(name) for path, held in groups.items()})
    targets = dict.fromkeys(target for held in groups.values() for target in held.wires)
    for target in targets:
        there = {p: held.source_of(target) for p, held in groups.items() if held.find(target.layer) is not None}
        found += _of_wire(target, there)
    if values:
        for key in dict.fromkeys(key[len(path) + 1 :] for path in paths for key in network.values if under(key, path)):
            found += _of_values(network, key, paths)
    return found


class _Unusual(NamedTuple):
    """What is not the most frequent, who has it, what is most frequent, and how to speak of those who have that."""

    kind: Any
    paths: list[str]
    usual: Any
    rest: str
    rest_has: str


def _unusual(kinds: Mapping[str, Hashable]) -> list[_Unusual]:
    members: dict[Hashable, list[str]] = {}
    for path, kind in kinds.items():
        members.setdefault(kind, []).append(path)
    usual = max(members, key=lambda kind: len(members[kind]))
    rest = "most" if len(members) > 2 else "the others" if len(members[usual]) > 1 else "the other"
    has = "has" if rest == "the other" else "have"
    return [_Unusual(kind, some, usual, rest, has) for kind, some in members.items() if kind != usual]


def _of_ports(groups: Mapping[str, Network]) -> list[Difference]:
    orders = {path: (held.inputs, held.ends) for path, held in groups.items()}
    found = []
    for kind, some, usual, rest, has in _unusual(orders):
        if [set(side) for side in kind] == [set(side) for side in usual]:
            text = f"{_listed(some)} {_has(some)} the ports in another order than {rest} {has}."
            found.append(Difference(text, some[0]))
    return found


def _of_layer(name: str, layers: Mapping[str, Layer | None]) -> list[Difference]:
    """Compare what stands under one name in each group: is it there, of what type, with what settings."""
    kinds = {path: type(layer).__name__ if layer is not None else "" for path, layer in layers.items()}
    found = []
    for kind, some, usual, rest, has in _unusual(kinds):
        if not kind:
            text = f"{_listed(some)} {_has(some)} no {name}, {rest} {has} one."
        elif not usual:
            text = f"{_listed(some)} {_has(some)} {name}, {rest} {has} none."
        else:
            text = f"{_listed(some, name)} {'is' if len(some) == 1 else 'are'} {kind}, {rest} {usual}."
        found.append(Difference(text, f"{some[0]}.{name}" if kind else some[0]))
    common = Counter(kinds.values()).most_common(1)[0][0]
    same = {path: layer for path, layer in layers.items() if layer is not None and kinds[path] == common}
    for field in converters(type(next(iter(same.values())))) if same and common != "Group" else ():
        settings = {path: getattr(layer, field) for path, layer in same.items()} if field != "note" else {"": None}
        for value, some, usual, rest, _ in _unusual(settings):
            text = f"{_listed(some, name)} {_has(some)} {field} {_said(value)}, {rest} {_said(usual)}."
            found.append(Difference(text, f"{some[0]}.{name}"))
    return found


def _of_wire(target: Port, sources: Mapping[str, Port | None]) -> list[Difference]:
    found = []
    for source, some, usual, rest, has in _unusual(sources):
        where, name = _listed(some, target.layer), target.name
        if source is None:
            text = f"{where} {_has(some)} no wire to {name}, {rest} {has} one from {usual}."
        else:
            others = f"from {usual}" if usual else f"{has} none"
            text = f"{where} {_has(some)} a wire to {name} from {source}, {rest} {others}."
        found.append(Difference(text, f"{some[0]}.{target.layer}"))
    return found


def _of_values(network: Network, key: str, paths: tuple[str, ...]) -> list[Difference]:
    """Compare one learnable or buffer of all the groups."""
    kinds: list[tuple[Any, list[str]]] = []
    for path in paths:
        value = network.values.get(f"{path}.{key}")
        for known, members in kinds:
            if value is known or (value is not None and known is not None and equal(value, known)):
                members.append(path)
                break
        else:
            kinds.append((value, [path]))
    first = f"{paths[0]}.{key}".rpartition(".")[0]
    if len(kinds) == len(paths):
        return [Difference(f"{key} has other values in each of them.", first)]
    usual = max(kinds, key=lambda kind: len(kind[1]))[1]
    if not (some := [path for path in paths if path not in usual]):
        return []
    text = f"{_listed(some, key)} {_has(some)} other values than the {'others' if len(usual) > 1 else 'other'}."
    return [Difference(text, f"{some[0]}.{key}".rpartition(".")[0])]


def _said(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def _listed(paths: list[str], inside: str = "") -> str:
    """Several places as they stand in a sentence, three at most by name."""
    shown = [join(path, inside) for path in paths[:3]]
    if len(paths) > 3:
        return f"{', '.join(shown)} and {len(paths) - 3} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _has(paths: list[str]) -> str:
    return "has" if len(paths) == 1 else "have"
