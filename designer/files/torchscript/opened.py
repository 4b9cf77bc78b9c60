"""Open TorchScript files as networks; as the tree of their modules where the program cannot be followed."""

import dataclasses
from pathlib import Path
from typing import Any

from designer.files.asking import tell_inputs
from designer.files.checkpoint import dtype_of
from designer.files.compare import Comparison
from designer.files.errors import FileError
from designer.files.imports import open_recorded
from designer.files.live import called_as_given
from designer.files.report import Note, Report, layer_counts
from designer.files.torchscript.read import Unread
from designer.files.tree import tree
from designer.model import Network


def open_torchscript(path: Path, inputs: Any) -> tuple[Network, Report]:
    """The network of a file, and its report; raises FileError."""
    try:
        opened = open_recorded(path, "TorchScript", inputs)
    except Unread as unread:
        return _modules(path, unread)
    network = called_as_given(opened.network, inputs)
    return network, dataclasses.replace(opened.report(path, "TorchScript"), inputs=tell_inputs(inputs))


def _modules(path: Path, unread: Unread) -> tuple[Network, Report]:
    """The tensors of a file in groups, as its modules hold them, with a note that says why there are no wires."""
    script = unread.script
    stored = {key: kept for key, kept in script.objects.stored.items() if kept.persistent}
    if not stored:
        raise FileError(str(unread)) from None
    found = tree(stored)
    tensors = script.tensors(stored)
    network = dataclasses.replace(
        found.network,
        values={key: tensors[name] for key, name in found.keys.items()},
        aliases=found.aliases,
        file_names=found.file_names,
        dtype=dtype_of(stored),
    )
    reason = str(unread).removeprefix(script.name).strip().rstrip(".")
    notes = (f"its modules are shown without wires, because it {reason}", *found.notes)
    renamed = {name: key for name, key in found.aliases.items() if name not in found.ties}
    counts = layer_counts(network)
    measured = Comparison(None, "the program of the file could not be followed")
    report = Report("TorchScript", path, counts, found.ties, renamed, (), {}, tuple(map(Note, notes)), script.stamp)
    return network, dataclasses.replace(report, measured=measured)
