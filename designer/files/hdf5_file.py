"""Read the arrays of an HDF5 file, as h5py, Keras and MATLAB 7.3 write them.

The library that reads it is written in C, was not made for files of strangers, and crashes on many a damaged one. So a
child process with limits reads the structure; it can open nothing else. Arrays that lie unpacked in the file are mapped
here, and the numbers of the others come from the child.
"""

import json
import math
import subprocess
import zipfile
from collections.abc import Callable
from typing import Any

from designer.files.archive import Archive, Span
from designer.files.checkpoint import ITEM_BYTES
from designer.files.errors import FileError
from designer.files.hdf5_child import LENGTH
from designer.files.held import Array, Held, check_memory, check_shape, columns_first, held, left_out, room, rows_first
from designer.files.progress import reading_child
from designer.files.unpacked import check_fold
from designer.model.names import shortened
from designer.model.values import Stamp

SECONDS = 600
LONGEST_ANSWER = 256 << 20  # bytes
SIGNATURE_OF_MATLAB = b"MATLAB 7.3"
WEIGHTS = "model.weights.h5"  # in an archive of Keras 3


def read_hdf5(stamp: Stamp) -> Held:
    """The arrays of an HDF5 file by name; raises FileError."""
    kind = "MATLAB" if stamp.read(0, 10) == SIGNATURE_OF_MATLAB else "HDF5"
    return _read(stamp, Span(0, stamp.size), 0, kind)


def read_keras(stamp: Stamp) -> Held:
    """The weights of a model that Keras 3 saved; raises FileError."""
    archive = Archive(stamp.path)
    name = WEIGHTS if WEIGHTS in archive.entries else next((n for n in archive.entries if n.endswith(".h5")), WEIGHTS)
    if (entry := archive.entries.get(name)) is None:
        raise FileError("it holds no weights.")
    packed = entry.compress_type == zipfile.ZIP_DEFLATED
    span = archive.packed(name) if packed else archive.span(name)
    if packed:
        check_fold("it", span.size, entry.file_size)
        check_memory(2 * entry.file_size)
    found = _read(stamp, span, entry.file_size if packed else 0, "HDF5")
    return found._replace(notes=("only its weights are read, not the layers of Keras", *found.notes))


def _read(stamp: Stamp, span: Span, whole: int, kind: str) -> Held:
    assert stamp.file is not None
    arguments = [*map(str, (span.offset, span.size, whole, room())), kind]
    try:
        with reading_child("designer.files.hdf5_child", arguments, SECONDS, stamp.file.number) as fill:
            arrays, notes = _told(fill, stamp.size)
            unpacked = [array.nbytes for array in arrays.values() if isinstance(array.place, memoryview)]
            check_memory(sum(unpacked) + max(unpacked, default=0))  # the child has one of them, too
            for name, array in arrays.items():
                if isinstance(array.place, memoryview):
                    place = memoryview(bytearray(array.nbytes))
                    if fill(place) < len(place):
                        raise FileError(f"the numbers of {shortened(name)} are damaged or missing.")
                    arrays[name] = array._replace(place=place)
    except subprocess.TimeoutExpired:
        raise FileError(f"reading it takes more than {SECONDS:,} seconds.") from None
    return held(stamp, arrays, notes)


def _told(fill: Callable[[memoryview], int], size: int) -> tuple[dict[str, Array], list[str]]:
    """What the child tells, taken as the text of anyone: what is in the file may have changed the child."""
    length = bytearray(LENGTH)
    count = -1 if fill(memoryview(length)) < LENGTH else int.from_bytes(length, "little")
    text = bytearray(count if 0 <= count <= LONGEST_ANSWER else 0)
    if not text or fill(memoryview(text)) < count:
        raise FileError("it is damaged or incomplete: the library of HDF5 ended on it.")
    try:
        answer = json.loads(text)
        if "failure" in answer:
            raise FileError(str(answer["failure"]))
        arrays: dict[str, Array] = {}
        for told in answer["arrays"]:
            name, array = _array(told, size)
            if name in arrays:
                raise FileError(f"it holds {shortened(name)} twice.")
            arrays[name] = array
        return arrays, [*left_out(answer["reasons"]), *map(str, answer["notes"])]
    except FileError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise FileError("it is damaged: what the library of HDF5 tells of it makes no sense.") from None


def _array(told: list[Any], size: int) -> tuple[str, Array]:
    """An array as the child tells it, checked against the size of the file."""
    name, dtype, shape, by_columns, offset, swapped, place = told
    check_shape(name, shape)
    strides = columns_first(shape) if by_columns else rows_first(shape)
    nbytes = math.prod(shape) * ITEM_BYTES[dtype]
    if offset is not None and not 0 <= offset <= size - nbytes:
        raise FileError(f"the numbers of {shortened(name)} end before they should.")
    at = Span(offset, nbytes) if offset is not None else memoryview(b"")
    return name, Array(dtype, tuple(shape), strides, at, bool(swapped), str(place))
