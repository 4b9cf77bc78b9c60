"""What a report says, as facts and lists of lines that windows and documents show."""

from collections.abc import Iterable
from typing import NamedTuple

from designer.analysis.sizes import memory
from designer.files.compare import Comparison
from designer.files.report import Note, Report
from designer.files.steps import is_placeholder
from designer.layers import Operation
from designer.model import Network
from designer.model.names import parent, plain

KINDS = {  # what a file is, in words
    "torch.export": "program of torch.export",
    "state_dict": "state_dict",
    "safetensors": "safetensors",
    "shards": "shards of an index",
    "NumPy": "arrays of NumPy",
    "MATLAB": "arrays of MATLAB",
    "HDF5": "arrays of HDF5",
    "Keras": "weights of Keras",
    "ONNX": "ONNX model",
    "nn.Module": "live nn.Module",
}


class Section(NamedTuple):
    """Lines under a title; those of some kinds are long lists that are seldom read."""

    title: str
    lines: tuple[Note, ...]


def facts(report: Report) -> dict[str, str]:
    """What was read, in a few words each."""
    found = {"File": report.path.name, "Kind": KINDS.get(report.kind, report.kind)}
    if report.size:
        found["Size"] = memory(report.size)
    if report.producer:
        found["Written by"] = report.producer
    layers = sum(report.layers.values())
    groups = f" in {_count(report.groups, 'group')}" if report.groups else ""
    found["Layers"] = f"{layers:,}{groups}"
    found["Parameters"] = f"{report.parameters:,}"
    found["Values"] = memory(report.bytes)
    saved = sum(report.tied_bytes.values())
    taken = _count(report.borrowed, "wire") if report.borrowed else "none"  # that have no names of their own
    found["Ties"] = f"{len(report.ties):,}, saving {memory(saved)}" if report.ties else taken
    return {name: plain(value) for name, value in found.items()}


def compared_text(comparison: Comparison | None) -> str:
    """Say how far the rebuilt network is from the file's own program."""
    if comparison is None:
        return "Not compared with the original yet."
    if comparison.difference is None:
        return f"Not compared with the original: {plain(comparison.reason)}."
    at = f" at output {plain(comparison.output, 200)}" if comparison.output else ""
    equal = "Equal to the original on a probe: " if comparison.difference == 0 else "Compared with the original: "
    return f"{equal}max |difference| {comparison.difference:.3g}{at}."


def sections(report: Report, network: Network | None = None) -> list[Section]:
    """The lists of a report; with the layers that they are about where ``network`` has them."""
    found = [
        Section("Notes", tuple(Note(_sentence(note)) for note in report.notes)),
        Section("Can only be shown, not run", tuple(_placeholders(report, network))),
        Section("Ties", tuple(_tie(report, name, owner) for name, owner in report.ties.items())),
        Section("Renamed", tuple(Note(f"{a} is now {b}", (parent(b),)) for a, b in report.renamed.items())),
        Section("Stored, but not used by any output", tuple(Note(name, (parent(name),)) for name in report.unused)),
    ]
    found = [Section(title, tuple(map(_line, lines))) for title, lines in found]
    if network is not None:
        found = [Section(title, tuple(_within(line, network) for line in lines)) for title, lines in found]
    return [section for section in found if section.lines]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def _line(text: Note) -> Note:
    return Note(plain(" ".join(text.split())), text.layers, text.fix, text.ports)


def _sentence(note: Note) -> Note:
    """The note as a sentence of its own."""
    text = note[:1].upper() + note[1:] if note.split(" ", 1)[0].isalpha() else str(note)
    return Note(text if text.endswith((".", ":")) else f"{text}.", note.layers, note.fix, note.ports)


def _tie(report: Report, name: str, owner: str) -> Note:
    saved = report.tied_bytes.get(name)
    return Note(f"{name} = {owner}" + (f", {memory(saved)} saved" if saved else ""), (parent(owner), parent(name)))


def _placeholders(report: Report, network: Network | None) -> Iterable[Note]:
    placed: dict[str, list[str]] = {}
    for path, layer in network.walk() if network is not None and report.placeholders else ():
        if isinstance(layer, Operation) and is_placeholder(layer):
            placed.setdefault(layer.operation.rstrip("?"), []).append(path)
    for name, count in report.placeholders.items():
        yield Note(f"{name}, {_count(count, 'time')}", tuple(placed.get(name, ())))


def _within(line: Note, network: Network) -> Note:
    """The line with those layers that are there: the layer of a learnable may be a few names above it."""
    found = []
    for path in line.layers:
        while path and path not in network.all:
            path = parent(path)
        if path:
            found.append(path)
    return Note(line, tuple(dict.fromkeys(found)))
