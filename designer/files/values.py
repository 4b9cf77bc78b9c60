"""Open files that hold values and no program: their tensors by name, mapped, and the tree of those names."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from designer.files.checkpoint import read_checkpoint
from designer.files.errors import FileError
from designer.files.hdf5_file import read_hdf5, read_keras
from designer.files.held import Held, rows_first
from designer.files.kinds import kind_of
from designer.files.matlab_file import read_matlab
from designer.files.numpy_file import read_numpy
from designer.files.program import Stored
from designer.files.shards import read_index, shard_note
from designer.files.tree import Tree, tree
from designer.files.values_file import TYPES, Entry, map_tensors, read_header, told_ties
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor


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
        found = READERS[kind](stamp)
        return OpenValues(stamp, found.stored, found.tensors, tree(found.stored), found.notes)
    except FileError as error:
        said = str(error)
        raise FileError(said if path.name in said else f"{path.name} cannot be read: {said}") from None


def _safetensors(stamp: Stamp) -> Held:
    header = read_header(stamp)
    stored = {name: _alone(name, entry) for name, entry in header.entries.items()}
    tensors, told = map_tensors(stamp, header), told_ties(header)
    stored |= {name: stored[kept] for name, kept in told.items()}
    tensors |= {name: tensors[kept] for name, kept in told.items()}
    return Held(stored, tensors, ())


def _alone(name: str, entry: Entry) -> Stored:
    """A tensor that shares its numbers with no other: ties stand in the metadata, if at all."""
    return Stored(name, TYPES[entry.kind][0], entry.shape, rows_first(entry.shape), 0, "buffer", True, False)


def _saved(stamp: Stamp) -> Held:
    checkpoint = read_checkpoint(stamp)
    return Held(checkpoint.stored, checkpoint.tensors(), checkpoint.notes)


def _part(read: Callable[[Stamp], Held]) -> Callable[[Stamp], Held]:
    """Read a file that may be a part of more, and say so."""

    def read_part(stamp: Stamp) -> Held:
        found = read(stamp)
        return found._replace(notes=(*shard_note(stamp.path), *found.notes))

    return read_part


def _shard(path: Path) -> Held:
    """What a shard holds; raises FileError with its name."""
    kind = kind_of(path).name
    try:
        if kind not in SHARDS:
            raise FileError("it is no file of tensors.")
        return SHARDS[kind](Stamp.of(path))
    except FileError as error:
        said = str(error)
        raise FileError(
            said if path.name in said else f"its shard {shortened(path.name)} cannot be read: {said}"
        ) from None


SHARDS: dict[str, Callable[[Stamp], Held]] = {"safetensors": _safetensors, "state_dict": _saved}
READERS = {kind: _part(read) for kind, read in SHARDS.items()} | {
    "shards": lambda stamp: read_index(stamp, _shard),
    "NumPy": read_numpy,
    "MATLAB": read_matlab,
    "HDF5": read_hdf5,
    "Keras": read_keras,
}
VALUES = tuple(READERS)
