"""The named tensors of a file, and arrays of other programs that become such: mapped, or read where they must be."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from designer.analysis.sizes import memory
from designer.files.archive import Span
from designer.files.checkpoint import ITEM_BYTES, MOST_TENSORS
from designer.files.errors import FileError
from designer.files.program import Stored
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor, marked
from designer.source import free_memory

MOST_DIMENSIONS = 64  # torch's own limit
SPARE_MEMORY = 1 << 29  # bytes that stay free
UNKNOWN_MEMORY = 1 << 33  # bytes that are taken at most where the system does not tell what is free
SHOWN = 8  # names in a note


class Held(NamedTuple):
    """The tensors of a file by name, and what is to be said about it."""

    stored: Mapping[str, Stored]
    tensors: Mapping[str, Tensor]
    notes: tuple[str, ...]


class Array(NamedTuple):
    """An array of a file: how it looks at its bytes, which lie in the file or were unpacked."""

    dtype: str  # torch's name
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements
    place: Span | memoryview
    swapped: bool = False  # whether the bytes of each number stand the other way round
    storage: str = ""  # what arrays with the same numbers have in common; its name where there is no other

    @property
    def itemsize(self) -> int:
        return ITEM_BYTES[self.dtype]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.itemsize


def rows_first(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of numbers that lie row by row, as torch and NumPy keep them."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def columns_first(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of numbers that lie column by column, as MATLAB and Fortran keep them."""
    return tuple(reversed(rows_first(shape[::-1])))


def check_shape(name: str, shape: Sequence[int]) -> None:
    """Refuse a shape that no array can have."""
    sound = all(type(size) is int and 0 <= size < 2**48 for size in shape)
    if not sound or len(shape) > MOST_DIMENSIONS or math.prod(size for size in shape if size) >= 2**60:
        raise FileError(f"{shortened(name)} cannot have the shape {shortened(tuple(shape))}.")


def room() -> int:
    """The bytes of memory that arrays may take beside everything else."""
    free = free_memory()
    return UNKNOWN_MEMORY if free is None else max(0, free - SPARE_MEMORY)


def check_memory(wanted: int) -> None:
    """Refuse what would not fit into memory."""
    if wanted > room():
        raise FileError(f"its arrays would take {memory(wanted)} of memory, and {memory(room())} are free.")


def held(stamp: Stamp, arrays: Mapping[str, Array], notes: Sequence[str]) -> Held:
    """The arrays as tensors: those that lie in the file as torch has them are mapped, the others are read."""
    import torch

    if not arrays:
        raise FileError(f"it holds no array that can be read{': ' + notes[0] if notes else ''}.")
    if len(arrays) > MOST_TENSORS:
        raise FileError(f"it holds more than {MOST_TENSORS:,} arrays.")
    check_memory(sum(a.nbytes for a in arrays.values() if isinstance(a.place, Span) and not _mappable(a)))
    buffer = stamp.map() if any(_mappable(array) for array in arrays.values()) else None
    stored, tensors = {}, {}
    known: dict[str, Tensor] = {}
    for name, array in arrays.items():
        storage = array.storage or name
        stored[name] = Stored(storage, array.dtype, array.shape, array.strides, 0, "buffer", True, False)
        key = f"{storage} {array.dtype}"
        if key not in known:
            known[key] = _flat(stamp, buffer, array)
        tensor = torch.as_strided(known[key], array.shape, array.strides, 0)
        if _mappable(array):
            tensor.mapped = stamp
        else:
            marked(tensor, f"from {stamp.path.name}")
        tensors[name] = tensor
    return Held(stored, tensors, tuple(notes))


def _mappable(array: Array) -> bool:
    """Whether torch can read the numbers where they lie: it does so only at whole elements."""
    whole = isinstance(array.place, Span) and array.place.offset % array.itemsize == 0
    return whole and not array.swapped and array.nbytes > 0


def _flat(stamp: Stamp, buffer: object, array: Array) -> Tensor:
    """The numbers of an array one after the other, from where they lie to its end."""
    import numpy as np
    import torch

    dtype = getattr(torch, array.dtype)
    if not array.nbytes:
        return torch.empty(0, dtype=dtype)
    if buffer is not None and _mappable(array):
        assert isinstance(array.place, Span)
        count = array.nbytes // array.itemsize
        return torch.frombuffer(buffer, dtype=dtype, count=count, offset=array.place.offset)
    numbers = np.empty(array.nbytes, np.uint8)  # aligned
    if isinstance(array.place, Span):
        read_into(stamp, array.place.offset, numbers.data)
    else:
        numbers = np.frombuffer(array.place, np.uint8, array.nbytes)
        if numbers.ctypes.data % array.itemsize or not numbers.flags.writeable:
            numbers = numbers.copy()
    typed = numbers.view(array.dtype)
    if array.swapped:
        typed.byteswap(inplace=True)
    return torch.from_numpy(typed)


def read_into(stamp: Stamp, begin: int, view: memoryview) -> None:
    """Fill a view with the bytes of a file."""
    assert stamp.file is not None
    at = 0
    while at < len(view):
        count = os.preadv(stamp.file.number, [view[at : at + (1 << 30)]], begin + at)
        if not count:
            raise FileError("its numbers end before they should.")
        at += count


def left_out(reasons: Mapping[str, Sequence[str]]) -> list[str]:
    """Notes on what was not read: reason -> the names that it holds for."""
    notes = []
    for reason, names in reasons.items():
        more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        listed = ", ".join(map(shortened, names[:SHOWN]))
        notes.append(f"left out: {listed}{more}, {'which holds' if len(names) == 1 else 'which hold'} {reason}")
    return notes


def converted(stamp: Stamp, parts: Sequence[Array], dtype: str) -> Array:
    """One array of another type of numbers, or of the real and the imaginary part of complex ones, in memory."""
    import numpy as np

    count = math.prod(parts[0].shape)
    paired = len(parts) == 2
    size = ITEM_BYTES[dtype] * count * (2 if paired else 1)
    check_memory(size + sum(part.nbytes for part in parts))
    single = "float32" if dtype == "float32" else "float64"
    numbers = np.zeros((count, 2) if paired else (count, 1), single if paired else dtype)
    for n, part in enumerate(parts):
        numbers[:, n] = _flat(stamp, None, part).numpy()
    kind = ("complex64" if single == "float32" else "complex128") if paired else dtype
    return Array(kind, parts[0].shape, parts[0].strides, numbers.reshape(-1).view(np.uint8).data)
