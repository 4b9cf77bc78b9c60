"""Where layers and hidden wires are in a network that came from another one by an edit."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from designer.model import Group, Layer, Network, Port
from designer.model.names import join, parent

Renaming = Callable[[str], str]  # the old name of a layer, or of something at it, -> the new one


def renaming(before: Network, now: Network) -> Renaming | None:
    """Give the new name of what stands in layers and groups that were renamed or moved; None where none were."""
    renamed = dict(_renamed(before, now, ""))
    if not renamed:
        return None

    def new(name: str) -> str:
        path, slash, rest = name.partition("/")
        at = next((at for at in _paths_to(path) if at in renamed), None)
        return name if at is None else f"{renamed[at]}{path[len(at) :]}{slash}{rest}"

    return new


def _renamed(before: Network, now: Network, path: str) -> Iterator[tuple[str, str]]:
    """The old and the new path of each layer that is the same elsewhere, told by identity.

    It has another name there, went into a group that was made around it, or came out of one that was dissolved.
    """
    if before.layers is now.layers:
        return
    went = {name: layer for name, layer in before.layers.items() if name not in now.layers}
    came = {name: layer for name, layer in now.layers.items() if name not in before.layers}
    for old, new in list(_same(went, came)):
        yield join(path, old), join(path, new)
        del went[old], came[new]
    for name, layer in before.layers.items():
        if isinstance(layer, Group) and isinstance(other := now.layers.get(name), Group) and other is not layer:
            yield from _renamed(layer.network, other.network, join(path, name))
    for name, layer in list(went.items()):
        if isinstance(layer, Group):
            for old, new in list(_same(layer.network.layers, came)):
                yield join(path, name, old), join(path, new)
                del came[new]
    for name, layer in came.items():
        if isinstance(layer, Group):
            for old, new in list(_same(went, layer.network.layers)):
                yield join(path, old), join(path, name, new)
                del went[old]


def _same(before: Mapping[str, Layer], now: Mapping[str, Layer]) -> Iterator[tuple[str, str]]:
    """The old and the new name of each layer that is in both; equal ones of a file are one object: they keep order."""
    names: dict[int, list[str]] = {}
    for name, layer in now.items() if before else ():
        names.setdefault(id(layer), []).append(name)
    for name, layer in before.items() if names else ():
        if its := names.get(id(layer)):
            yield name, its.pop(its.index(name) if name in its else 0)


def _paths_to(path: str) -> Iterator[str]:
    """A path, and those of the groups around it, the innermost first."""
    while path:
        yield path
        path = parent(path)


class Kept(NamedTuple):
    """What became of hidden wires, by their targets."""

    there: frozenset[str] = frozenset()  # those that the network has, under their new names
    gone: frozenset[str] = frozenset()  # those that were cut, or gave way to another wire, under their old ones


def kept(hidden: Iterable[str], before: Network, now: Network, new: Renaming | None) -> Kept:
    """Follow hidden wires through an edit; they stay hidden only while they join the same ports."""
    homes: dict[int, list[str]] = {}  # of the layers that came, by identity; equal ones of a file are one object

    def place(port: Port) -> Port:
        path, name = (new(port.layer) if new is not None else port.layer), port.name
        if new is not None and isinstance(before.all.get(port.layer), Group):  # its ports are layers inside
            name = new(join(port.layer, name)).rpartition(".")[2]
        if path in now.all or port.layer not in before.all:
            return Port(path, name)
        if not homes:  # into a group, or out of one
            for at, layer in now.all.items():
                if at not in before.all:
                    homes.setdefault(id(layer), []).append(at)
        found = homes.get(id(before.all[port.layer]), [])
        same = [at for at in found if at.rpartition(".")[2] == path.rpartition(".")[2]] or found
        return Port(same[0] if len(same) == 1 else path, name)

    there, gone = set(), set()
    for name in hidden:
        target = Port.parse(name)
        source, into = before.wires.get(target), place(target)
        if source is not None and now.wires.get(into) == place(source):
            there.add(str(into))
        else:
            gone.add(name)
    return Kept(frozenset(there), frozenset(gone))
