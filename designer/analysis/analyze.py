"""Analyze a network, following only what changed since one that was analyzed before."""

import collections
import contextlib
from collections.abc import Iterable, Mapping

from designer.analysis.difference import Difference, difference
from designer.analysis.flat import Flat, tells
from designer.analysis.flow import Propagation, propagate, repropagate
from designer.analysis.needed import given_after
from designer.analysis.problems import Findings, find, find_after, listed
from designer.analysis.report import Analysis, Row
from designer.analysis.rows import borrowed_after, rows_after, rows_of
from designer.analysis.waiting import MustWait, hurries
from designer.model import Call, Network, NetworkError

# The last few analyses: what an edit left alone is taken from the one of the network before it.
_recent: "collections.deque[Analysis]" = collections.deque(maxlen=4)
_forgotten = 0  # how often networks were let go


def analyze(network: Network) -> Analysis:
    """Tell what each layer does, stores and borrows, and what is wrong.

    A network with errors is analyzed as far as it goes: what is not known is marked, and totals are the least.
    Raises NetworkError for what is no Network, as a module of torch.
    """
    if not isinstance(network, Network):
        raise NetworkError(f"A Network is expected here, not {_kind(network)}; import_pytorch makes one of a module.")
    if hurries():
        raise MustWait
    begun = _forgotten
    known = next((recent for recent in tuple(_recent) if recent.network is network), None)
    analysis = known or _followed(network) or _whole(network)
    if known:  # what comes next was most likely made from it: it goes to the end
        with contextlib.suppress(ValueError):
            _recent.remove(known)
    if begun == _forgotten:  # else it may be of a network that was let go meanwhile
        _recent.append(analysis)
    return analysis


def _kind(found: object) -> str:
    """What something is, in a sentence."""
    return "None" if found is None else f"a value of type {type(found).__name__}"


def forget(networks: Iterable[Network]) -> None:
    """Let go of the analyses of some networks, and with them of their values; one under way is not remembered."""
    global _forgotten
    _forgotten += 1
    gone = {id(network) for network in networks}
    for recent in tuple(_recent):
        if id(recent.network) in gone:
            with contextlib.suppress(ValueError):
                _recent.remove(recent)


def _whole(network: Network) -> Analysis:
    propagation = propagate(Flat(network))
    return _told(propagation, rows_of(propagation), find(propagation))


def _told(propagation: Propagation, rows: Mapping[str, Row], findings: Findings) -> Analysis:
    return Analysis(propagation.flat.network, rows, listed(propagation, findings), propagation, findings)


def _followed(network: Network) -> Analysis | None:
    """The analysis from that of the network before an edit; None where that is not known to be exact."""
    for recent in reversed(tuple(_recent)):
        before = recent.propagation
        if recent.network.dtype != network.dtype or not before.plain or before.flat.circular:
            continue
        found = difference(recent.network, network)
        if found is None or 2 * found.size > len(before.flat.layers) + 8:
            continue
        if before.flat.calls or any(isinstance(layer, Call) for _, layer in found.layers.values()):
            return _with_settings(recent, network, found)
        return _after(recent, network, found)
    return None


def _after(recent: Analysis, network: Network, found: Difference) -> Analysis | None:
    """After an edit of a network without second uses."""
    before = recent.propagation
    fed: set[str] = set()
    if found.settings_alone and not any(layer and layer.output_learnables for _, layer in found.layers.values()):
        flat = before.flat.with_layers(network, found.layers)
    else:
        flat, fed = before.flat.rewired(network, found)
    if flat.circular:
        return None
    valued = found.values & flat.layers.keys()
    valued |= {path for at in valued for path in flat.followers.get(at, ())}
    changed = {path for path, (_, layer) in found.layers.items() if path in flat.layers}
    if (done := repropagate(before, flat, fed | valued | changed)) is None:
        return None
    propagation, asked = done
    borrowers, carried = borrowed_after(network, found)
    touched = asked | borrowers
    if found.wires or found.ported or not found.ordered:  # a free learnable may enter the data now
        touched.update(flat.parameters)
    rows = rows_after(recent.table, propagation, found, touched, flat.order is before.flat.order)
    given = given_after(recent.findings.needed, recent.network, network, found, carried)
    return _told(propagation, rows, find_after(recent.findings, propagation, found, asked, given))


def _with_settings(recent: Analysis, network: Network, found: Difference) -> Analysis | None:
    """After an edit of a network with second uses: where its wires are the same, its facts are followed."""
    flat = recent.propagation.flat
    told = (old and new and tells(old) == tells(new) for old, new in found.layers.values())
    if not found.settings_alone or found.values or not all(told):
        return None
    changed = found.layers.keys() | {path for path, original in flat.copies.items() if original in found.layers}
    if (done := repropagate(recent.propagation, flat.with_layers(network, changed), changed)) is None:
        return None
    return _told(done[0], rows_of(done[0]), find(done[0]))
