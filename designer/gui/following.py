"""What a layer leads to: all that its data reaches, and who else uses what it stores."""

from collections.abc import Collection, Iterable

from designer.analysis import Analysis
from designer.gui.table import borrowers, layer_of
from designer.model import Network, Port
from designer.model.names import join


def downstream(network: Network, path: str, names: Iterable[str], learnable: Collection[Port]) -> frozenset[str]:
    """Give the layers of the group at ``path`` that data from some of them reaches, those included."""
    after: dict[str, set[str]] = {}
    for target, source in network.network_at(path).connections.items():
        if source.above(path) not in learnable:
            first, then = (join(path, port.layer.partition(".")[0]) for port in (source, target))
            after.setdefault(first, set()).add(then)
    found, todo = set(), list(names)
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo += after.get(name, ())
    return frozenset(found)


def owner_of(analysis: Analysis, path: str) -> str:
    """Give the layer that owns what another one borrows first; "" where it borrows nothing."""
    tied = analysis.row(path).tied_to if path in analysis.network.all else {}
    return layer_of(analysis.network, next(iter(tied.values()), "").partition(", ")[0])


def next_borrower(analysis: Analysis, path: str) -> str:
    """Give the first layer that borrows from this one, or, of one that borrows, the next that does so too.

    After the last one the first comes again; "" where there is none.
    """
    found: dict[str, dict[str, None]] = {}  # owner -> its borrowers, in the order of computation
    for key, keys in borrowers(analysis).items():
        held = found.setdefault(layer_of(analysis.network, key), {})
        held.update((layer_of(analysis.network, borrower), None) for borrower in keys)
    order = {row.name: place for place, row in enumerate(analysis.rows)}
    lent = sorted(found.get(path) or found.get(owner_of(analysis, path), {}), key=lambda name: order[name])
    if not lent:
        return ""
    return lent[(lent.index(path) + 1) % len(lent)] if path in lent else lent[0]
