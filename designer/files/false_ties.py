"""Notes on learnables and buffers that are kept in another way than in the model: tied, apart, or as buffers."""

import itertools
from collections.abc import Iterable, Iterator, Mapping

from designer.edits.views import steps
from designer.files.overlaps import named, overlaps, said
from designer.files.program import Program, Stored
from designer.files.report import Note
from designer.files.ties import Twins, View, look
from designer.model import Network, Port
from designer.model.names import parent

MOST = 100  # notes on one file


def drawn_as_ties(views: list[View], program: Program, network: Network) -> Iterator[Note]:
    """Those that became expressions on the wire from one of them; the fix gives them numbers of their own."""
    if not views:
        return
    stored, twins, takers = program.stored, Twins(program), _takers(network)
    for view in views:
        if stored[view.name].role == stored[view.overlap.owner].role == "parameter":
            names = set(twins.of(view.name))
            ports = {name: port for name, port in takers.items() if name in names}
            name = next(iter(ports), view.name)
            text = f"{said(name, view.overlap, stored)}; here {named(name)} takes them from a wire, so once"
            owner = network.aliases.get(name, "")
            while owner and owner not in network.all:
                owner = parent(owner)
            layers = (*(port.layer for port in ports.values()), *([owner] if owner else []))
            yield Note(text, layers, "separate" if ports else "", tuple(map(str, ports.values())))


def on_one_memory(pairs: Iterable[tuple[str, str]], network: Network) -> Iterator[Note]:
    """Those that are the very same view and yet Parameters of their own, by their names; they became one learnable."""
    takers = _takers(network)
    for name, owner in itertools.islice(pairs, MOST):
        port = takers.get(name) or takers.get(owner)
        text = f"{named(owner)} and {named(name)} are two Parameters on one memory: torch trains these numbers twice"
        ports = () if port is None else (port,)
        layers = tuple(each.layer for each in ports)
        yield Note(f"{text}; here they are tied, so once", layers, "separate" if ports else "", tuple(map(str, ports)))


def buffers_apart(keys: Mapping[str, str], stored: Mapping[str, Stored]) -> Iterator[Note]:
    """Buffers that layers share, as two may share their statistics, and that each layer keeps for itself here."""
    firsts: dict[tuple[object, ...], str] = {}
    found = []
    for key, name in keys.items():
        entry = stored.get(name)
        if entry is not None and entry.role == "buffer" and entry.numel:
            first = firsts.setdefault(entry.view, key)
            if first != key:
                found.append((first, key))
    for first, key in found[:MOST]:
        text = f"{named(first)} and {named(key)} are one buffer: here each layer keeps its own, so training parts them"
        yield Note(text, tuple(dict.fromkeys((parent(first), parent(key)))))


def kept_as_buffers(names: list[str]) -> str:
    """What to say of parameters of whole numbers, which nothing can train."""
    said = ", ".join(map(named, names[:3])) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    are, buffers = ("are parameters", "buffers") if len(names) > 1 else ("is a parameter", "a buffer")
    return f"{said} {are} of whole numbers, which nothing can train: here kept as {buffers}"


def _takers(network: Network) -> dict[str, Port]:
    """The learnables that arrive on wires, by the keys that they would have."""
    return {
        layer.key(path, name): Port(path, name) for path, layer in network.walk() for name in layer.input_learnables
    }


def kept_apart(stored: Mapping[str, Stored], ports: Mapping[str, Port]) -> Iterator[Note]:
    """Those that each have a copy, among learnables by name; the fix draws one as a view of the other."""
    found = overlaps({name: stored[name] for name in ports})
    for name, overlap in [*found.items()][:MOST]:
        owner, whole, part = ports[overlap.owner], stored[overlap.owner], stored[name]
        drawn = whole.dtype == part.dtype and steps(look(whole), look(part)) is not None
        fix, both = ("tie_view", (str(owner), str(ports[name]))) if drawn else ("", ())
        text = f"{said(name, overlap, stored)}; here each has a copy of its own"
        yield Note(text, (ports[name].layer, owner.layer), fix, both)
    if (more := len(found) - MOST) > 0:
        yield Note(f"{more:,} more overlap in memory in the same way")
