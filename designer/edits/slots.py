"""What a network stores values for, and under which other names a file may hold them."""

from typing import NamedTuple

from designer.analysis import analyze
from designer.layers import Permute
from designer.model import Call, Group, Network, Port

Shape = tuple[int, ...]
Order = tuple[int, ...]


class Slot(NamedTuple):
    """A learnable or buffer that a network stores."""

    key: str
    shape: Shape | None  # None where it is not known yet
    dtype: str
    kind: str  # type of its layer


class Called(NamedTuple):
    """What a name stands for: a slot, its dimensions in some order; None where the order is not known."""

    key: str
    order: Order | None = ()


def slots(network: Network) -> dict[str, Slot]:
    """Give the learnables and buffers that a network stores, by key, in the order of computation."""
    analysis = analyze(network)
    found: dict[str, Slot] = {}
    for row in analysis.rows:
        path = row.name
        layer = network.layer(path)
        if isinstance(layer, Group | Call):
            continue
        fact = analysis.facts.get(path)
        state = fact.state if fact else {}
        for name in dict.fromkeys((*state, *layer.owned)):
            if name in layer.input_learnables:
                continue
            key, known = layer.key(path, name), state.get(name)
            value = network.values.get(key)
            shape = known.sizes if known else None if value is None else tuple(value.shape)
            dtype = known.dtype if known and name not in layer.learnables() else network.dtype
            dtype = dtype if value is None else str(value.dtype).removeprefix("torch.")
            found[key] = Slot(key, shape, dtype, type(layer).__name__)
    return found


def other_names(network: Network) -> dict[str, Called]:
    """Give the names under which a file may hold what a network stores once: old ones, and those of borrowers."""
    found = {old: Called(key, None) for old, key in network.aliases.items()}
    renamed = {name: Called(key) for name, key in network.file_names.items() if name != key}
    found = {**renamed, **found}
    for target in network.wires:
        layer = network.layer(target.layer)
        if target.name in layer.input_learnables and (called := _owner(network, target)) is not None:
            found[layer.key(*target)] = called  # here the order is known
    return found


def _owner(network: Network, target: Port) -> Called | None:
    """What a borrower takes, directly or by the permutations on its wire; None for anything else."""
    order: Order = ()
    seen: set[Port] = set()
    at = network.source_of(target)
    while at is not None and at not in seen:
        seen.add(at)
        layer = network.layer(at.layer)
        if at.name in layer.output_learnables:
            if at.name not in layer.input_learnables:
                return Called(layer.key(*at), order)
            at = network.source_of(at)
        elif isinstance(layer, Permute):
            dims = tuple(dim % len(layer.dims) for dim in layer.dims) if layer.dims else ()
            if order and len(order) != len(dims):
                return None
            order = tuple(dims[dim] for dim in order) if order else dims
            at = network.source_of(Port(at.layer, "in"))
        else:
            return None
    return None
