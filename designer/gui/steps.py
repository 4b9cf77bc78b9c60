"""What differs between two networks, as a step of the history shows it."""

from collections.abc import Mapping
from types import MappingProxyType

from designer.gui.table import layer_of
from designer.model import Group, Layer, Network
from designer.model.names import join, parent

Place = tuple[float, float]


def difference(
    before: Network, after: Network, given: Mapping[str, Place] = MappingProxyType({})
) -> tuple[str, frozenset[str]]:
    """Give the group in which a step shows itself, and what to select in it.

    Layers that came or changed; where none did, targets of new wires, then layers with other values, then moved ones.
    ``given`` are the places of layers that have none of their own: a layer that keeps it has not moved.
    """
    layers = {path for path, layer in after.all.items() if not _same(before.all.get(path), layer)}
    gone = {path for path in before.all if path not in after.all}
    wires = {target for target, source in after.wires.items() if before.wires.get(target) != source}
    cut = {target for target in before.wires if target not in after.wires and target.layer in after.all}
    places = (
        layers | gone or {port.layer for port in wires | cut} or _filled(before, after) or _moved(before, after, given)
    )
    if not places:
        return "", frozenset()
    home = _common([parent(path) for path in places])
    while home and not isinstance(after.find(home), Group):
        home = parent(home)
    if not layers | gone and wires and not cut:
        inside = {str(port) for port in wires if parent(port.layer) == home}
        if len(inside) == len(wires):
            return home, frozenset(inside)
    shown = {_at(path, home) for path in places}
    return home, frozenset(path for path in shown if path in after.all)


def _same(old: Layer | None, new: Layer) -> bool:
    """Whether a layer is the same; what is in a group differs for itself, but not the order of its ports."""
    if isinstance(old, Group) and isinstance(new, Group):
        sides = (old.inputs(), new.inputs()), (old.outputs(), new.outputs())
        return all(before == after or set(before) != set(after) for before, after in sides)
    return old is new or old == new


def _filled(before: Network, after: Network) -> set[str]:
    """The layers whose learnables have other values."""
    if before.values is after.values:
        return set()
    keys = before.values.keys() | after.values.keys()
    changed = {layer_of(after, key) for key in keys if before.values.get(key) is not after.values.get(key)}
    return changed - {""}


def _moved(before: Network, after: Network, given: Mapping[str, Place]) -> set[str]:
    """The layers that both have, at other places."""
    found = set()
    for home in ("", *(path for path, layer in after.all.items() if isinstance(layer, Group))):
        old, new = before.network_at(home), after.network_at(home)
        for name in new.layers if old is not new else ():
            path = join(home, name)
            if old.positions.get(name, given.get(path)) != new.positions.get(name, given.get(path)):
                found.add(path)
    return found


def _common(homes: list[str]) -> str:
    """The innermost group that holds all of some groups."""
    first, *others = [home.split(".") if home else [] for home in homes]
    depth = len(first)
    for other in others:
        depth = next((n for n, (one, two) in enumerate(zip(first[:depth], other, strict=False)) if one != two), depth)
        depth = min(depth, len(other))
    return ".".join(first[:depth])


def _at(path: str, home: str) -> str:
    """The layer directly in a group that is, or holds, what a path names."""
    inner = path[len(home) + 1 :] if home else path
    return join(home, inner.partition(".")[0])
