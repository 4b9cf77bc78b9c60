"""Open files that hold values and no program: their tensors by name, mapped, and the tree of those names."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from designer.files.checkpoint import read_checkpoint
from designer.files.errors import FileError
from designer.files.program import Stored
from designer.files.tree import Tree, tree
from designer.files.values_file import TYPES, Entry, map_tensors, read_header
from designer.model.values import Stamp, Tensor

VALUES = ("state_dict", "safetensors")


class OpenValues(NamedTuple):
    """The tensors of a file."""

    stamp: Stamp
    stored: Mapping[str, Stored]
    tensors: Mapping[str, Tensor]
    tree: Tree
    notes: tuple[str, ...]


def open_values(path: Path, kind: str) -> OpenValues:
    """Read the names, shapes and ties of a file, and map its tensors; raises FileError with the name of the file."""
    try:
        stamp = Stamp.of(path)
        if kind == "safetensors":
            header = read_header(stamp)
            stored = {name: _alone(name, entry) for name, entry in header.entries.items()}
            return OpenValues(stamp, stored, map_tensors(stamp, header), tree(stored), ())
        checkpoint = read_checkpoint(stamp)
        return OpenValues(stamp, checkpoint.stored, checkpoint.tensors(), tree(checkpoint.stored), checkpoint.notes)
    except FileError as error:
        said = str(error)
        raise FileError(said if path.name in said else f"{path.name} cannot be read: {said}") from None


def _alone(name: str, entry: Entry) -> Stored:
    """A tensor that shares its numbers with no other: the format has no ties."""
    return Stored(name, TYPES[entry.kind][0], entry.shape, _contiguous(entry.shape), 0, "buffer", True, False)


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))
