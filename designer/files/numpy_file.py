"""Read the arrays that NumPy wrote, one in an .npy file or several in an .npz archive, as data without pickle."""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple

from designer.files.archive import Archive, Span
from designer.files.errors import FileError
from designer.files.held import Array, Held, check_memory, check_shape, columns_first, held, left_out, rows_first
from designer.files.unpacked import RAW, beginning, check_fold, unpacked
from designer.model.names import shortened
from designer.model.values import Stamp

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000  # characters, NumPy's own limit
START = 12  # bytes before the header, at most

DTYPES = {"b1": "bool", "i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "f2": "float16", "i4": "int32"}
DTYPES |= {"u4": "uint32", "f4": "float32", "i8": "int64", "u8": "uint64", "f8": "float64"}
DTYPES |= {"c8": "complex64", "c16": "complex128"}
NOT_READ = {  # kinds of elements that no tensor has
    "O": "objects of Python, which only running a pickle would give",
    "U": "texts",
    "S": "texts",
    "a": "texts",
    "M": "dates",
    "m": "times",
    "V": "raw bytes",
}

ENTRY = r"""\s*+['"](?:descr['"]\s*+:\s*+(?P<descr{0}>'[^'"\\]{{1,64}}'|"[^'"\\]{{1,64}}"|\[[^{{}}]*\])
    |fortran_order['"]\s*+:\s*+(?P<order{0}>True|False)
    |shape['"]\s*+:\s*+\((?P<shape{0}>(?:\s*+\d{{1,20}}+L?\s*+,)*(?:\s*+\d{{1,20}}+L?)?)\s*+\))\s*+"""
DICTIONARY = re.compile(r"\s*+\{" + ",".join(map(ENTRY.format, range(3))) + r",?\s*+\}\s*+", re.VERBOSE)


class Header(NamedTuple):
    """What stands before the numbers of an array."""

    descr: str  # of its elements; a list for records
    columns_first: bool
    shape: tuple[int, ...]
    start: int  # the byte at which the numbers begin


def read_numpy(stamp: Stamp) -> Held:
    """The arrays of an .npy or .npz file by name; raises FileError."""
    if stamp.read(0, 6) != MAGIC:
        return _archive(stamp)
    name = stamp.path.stem
    header = _header(name, lambda count: stamp.read(0, count))
    reason = _why_not(header.descr)
    if reason:
        raise FileError(f"it holds {reason}.")
    array = _array(name, header, Span(header.start, stamp.size - header.start))
    return held(stamp, {name: array}, ())


def _archive(stamp: Stamp) -> Held:
    archive = Archive(stamp.path)
    kept: dict[str, tuple[Header, Span, zipfile.ZipInfo]] = {}
    reasons: dict[str, list[str]] = {}
    wanted = 0
    for entry_name, entry in archive.entries.items():
        if entry.is_dir():
            continue
        plain = entry.filename.removesuffix(".npy")
        name = dotted if (dotted := plain.replace("/", ".")) not in kept else plain
        packed = entry.compress_type == zipfile.ZIP_DEFLATED
        if not packed and entry.compress_type != zipfile.ZIP_STORED:
            reasons.setdefault("an array packed as NumPy never does", []).append(name)
            continue
        span = archive.packed(entry_name) if packed else archive.span(entry_name)
        header = _header(name, _packed_start(stamp, span) if packed else _start(stamp, span))
        if reason := _why_not(header.descr):
            reasons.setdefault(reason, []).append(name)
            continue
        if packed:
            check_fold(shortened(name), span.size, entry.file_size)
            wanted += entry.file_size
        kept[name] = header, span, entry
    check_memory(wanted)
    arrays = {}
    for name, (header, span, entry) in kept.items():
        if entry.compress_type == zipfile.ZIP_STORED:
            arrays[name] = _array(name, header, Span(span.offset + header.start, span.size - header.start))
            continue
        _array(name, header, Span(0, entry.file_size - header.start))  # before the memory is taken
        numbers = unpacked(stamp, span, entry.file_size, RAW)
        if zlib.crc32(numbers) != entry.CRC:
            raise FileError(f"it is damaged: {shortened(name)} is not what it was when it was written.")
        arrays[name] = _array(name, header, memoryview(numbers)[header.start :])
    return held(stamp, arrays, left_out(reasons))


def _start(stamp: Stamp, span: Span) -> Callable[[int], bytes]:
    return lambda count: stamp.read(span.offset, min(count, span.size))


def _packed_start(stamp: Stamp, span: Span) -> Callable[[int], bytes]:
    return lambda count: beginning(stamp, span, count, RAW)


def _header(name: str, start: Callable[[int], bytes]) -> Header:
    """Read the header of an array: a dictionary as Python writes it, which Python is not asked to read."""
    head = start(START)
    if len(head) < 10 or head[:6] != MAGIC or not 1 <= head[6] <= 3:
        raise FileError(f"{shortened(name)} does not begin as an array of NumPy.")
    before = 10 if head[6] == 1 else 12
    length = int(struct.unpack_from("<H" if head[6] == 1 else "<I", head.ljust(START), 8)[0])
    if length > LONGEST_HEADER:
        raise FileError(
            f"the header of {shortened(name)} has {length:,} characters; at most {LONGEST_HEADER:,} are read."
        )
    data = start(before + length)[before:]
    found = DICTIONARY.fullmatch(data.decode("latin-1")) if len(data) == length else None
    parts = {key: value for key, value in found.groupdict().items() if value is not None} if found else {}
    said = {key.rstrip("012"): value for key, value in parts.items()}
    if len(said) != 3 or len(parts) != 3:
        raise FileError(f"the header of {shortened(name)} is not one of NumPy.")
    shape = tuple(int(size.rstrip("L ")) for size in said["shape"].split(",") if size.strip())
    check_shape(name, shape)
    return Header(said["descr"].strip("'\""), said["order"] == "True", shape, before + length)


def _why_not(descr: str) -> str:
    """What elements are that no tensor has; "" for numbers."""
    if descr.startswith("["):
        return "records of several fields"
    found = re.fullmatch(r"[<>=|]?([A-Za-z])([0-9]*)(\[[^]]*\])?", descr)
    if found is None:
        return f"elements of the unknown type {shortened(descr)}"
    if found[1] + found[2] in DTYPES and not found[3]:
        return ""
    return NOT_READ.get(found[1], f"numbers of the type {shortened(descr)}, which torch does not have")


def _array(name: str, header: Header, place: Span | memoryview) -> Array:
    """The array as its header says; refused where its numbers end before they should."""
    dtype = DTYPES[header.descr.lstrip("<>=|")]
    strides = columns_first(header.shape) if header.columns_first else rows_first(header.shape)
    array = Array(dtype, header.shape, strides, place, header.descr[0] == ">")
    if array.nbytes > (place.size if isinstance(place, Span) else len(place)):
        raise FileError(f"the numbers of {shortened(name)} end before they should.")
    return array
