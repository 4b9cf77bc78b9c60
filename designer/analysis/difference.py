"""What differs between two networks of which one was made from the other: told by identity, so that it is quick."""

import dataclasses
import itertools
import operator
from collections.abc import Mapping
from functools import cached_property
from typing import TypeVar

from designer.model import Call, Group, Layer, Network, Port
from designer.model.names import join, parent

Key = TypeVar("Key")
RUNS = 64  # of equal entries that are looked for as a whole, each at the cost of a copy


@dataclasses.dataclass(eq=False)
class Difference:
    """The entries that are others in two networks, by path from the root.

    Attributes:
        layers: path -> the layer before and after, None where there is none; a group that stays is not among them.
        groups: the paths of groups that stay and hold something else.
        wires: input port -> the source before and after, None where there is none.
        values: the paths of layers with other values, also of layers that went.
        ordered: whether the layers have the same paths in the same order.
    """

    layers: dict[str, tuple[Layer | None, Layer | None]] = dataclasses.field(default_factory=dict)
    groups: set[str] = dataclasses.field(default_factory=set)
    wires: dict[Port, tuple[Port | None, Port | None]] = dataclasses.field(default_factory=dict)
    values: set[str] = dataclasses.field(default_factory=set)
    ordered: bool = True

    @property
    def size(self) -> int:
        return len(self.layers) + len(self.wires) + len(self.values)

    @cached_property
    def ported(self) -> set[str]:
        """The paths of layers that stay, but with other ports, learnables or of another type."""
        return {path for path, (old, new) in self.layers.items() if old and new and _ports(old) != _ports(new)}

    @property
    def settings_alone(self) -> bool:
        """Whether all wires and ports are the same."""
        return self.ordered and not self.wires and not self.ported


def difference(before: Network, after: Network) -> Difference | None:
    """What differs; None where a group or a Call took the place of something else."""
    found = Difference()
    _compare(before, after, "", found)
    pairs = [pair for pair in found.layers.values() if None not in pair]
    if any(isinstance(layer, Group | Call) for pair in pairs for layer in pair):
        return None
    owners = (_owner(before, key) or _owner(after, key) for key in unlike(before.values, after.values)[0])
    found.values.update(path for path in owners if path)
    return found


def _compare(before: Network, after: Network, home: str, found: Difference) -> None:
    """Note what differs at one level and in the groups there."""
    names, ordered = unlike(before.layers, after.layers)
    found.ordered = found.ordered and ordered
    for name in names:
        old, new, path = before.layers.get(name), after.layers.get(name), join(home, name)
        if isinstance(old, Group) and isinstance(new, Group):
            found.groups.add(path)
        else:
            found.layers[path] = old, new
        if isinstance(old, Group) or isinstance(new, Group):
            was, now = (layer.network if isinstance(layer, Group) else Network() for layer in (old, new))
            _compare(was, now, path, found)
    for target in unlike(before.connections, after.connections)[0]:
        old_end, new_end = before.connections.get(target), after.connections.get(target)
        if old_end != new_end:
            ends = tuple(port.above(home) if port else None for port in (old_end, new_end))
            there = found.wires.get(target.above(home), (None, None))  # it may be wired from another level now
            found.wires[target.above(home)] = ends[0] or there[0], ends[1] or there[1]


def _owner(network: Network, key: str) -> str | None:
    """The path of the layer that a value belongs to."""
    path = key
    while path and network.find(path) is None:
        path = parent(path)
    return path or None


def unlike(before: Mapping[Key, object], after: Mapping[Key, object]) -> tuple[list[Key], bool]:
    """The keys whose values are not the same objects, and whether both have the same keys in the same order.

    What is alike is passed over in runs, without hashing anything.
    """
    if before is after:
        return [], True
    old, new = list(before), list(after)
    was, now = list(before.values()), list(after.values())
    found: list[Key] = []
    moved: set[Key] = set()
    i, j, runs, ordered = 0, 0, 0, True
    while i < len(old) and j < len(new):
        if old[i] is new[j] or old[i] == new[j]:
            if was[i] is not now[j]:
                found.append(old[i])
            elif runs < RUNS:
                runs += 1
                step = min(_run(old, i, new, j), _run(was, i, now, j))
                i, j = i + step, j + step
                continue
            i, j = i + 1, j + 1
        elif new[j] in moved:
            j += 1
        else:
            ordered = False
            if old[i] in after and new[j] not in before:
                found.append(new[j])
                j += 1
                continue
            if old[i] in after:
                moved.add(old[i])
            if before[old[i]] is not after.get(old[i]):
                found.append(old[i])
            i += 1
    rest = [*old[i:], *(key for key in new[j:] if key not in moved)]
    return found + rest, ordered and not rest


def _run(old: list[object] | list[Key], i: int, new: list[object] | list[Key], j: int) -> int:
    """How many entries from here on are the same objects."""
    others = map(operator.is_not, old[i:], new[j:])
    return next(itertools.compress(itertools.count(), others), min(len(old) - i, len(new) - j)) or 1


def _ports(layer: Layer) -> tuple[object, ...]:
    switched = layer.input_learnables, layer.output_learnables
    return type(layer), layer.inputs(), layer.outputs(), layer.variadic, layer.learnables(), *switched
