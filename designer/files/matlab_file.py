"""Read the arrays of a MATLAB file: structs and cells as dotted names, what is no array of numbers left out.

The format is read here and not by scipy.io, whose reader takes the sizes that a file declares on trust, calls itself
for each level of nesting in C, and puts every number into memory. Version 7.3 is HDF5 and is read as such.
"""

import math
from typing import NamedTuple

from designer.files.archive import Span
from designer.files.errors import FileError
from designer.files.foreign import SIGNATURE
from designer.files.hdf5_file import read_hdf5
from designer.files.held import Array, Held, check_memory, check_shape, columns_first, converted, held, left_out
from designer.files.matlab_4 import read_matlab_4
from designer.files.unpacked import ZLIB, beginning, check_fold, unpacked
from designer.model.names import shortened
from designer.model.values import Stamp

HEADER = 128  # bytes
MOST_PARTS = 1_000_000  # arrays, cells and fields, empty ones too
DEEPEST = 60  # structs and cells inside each other
LONGEST_NAME = 4096
MATRIX, COMPRESSED = 14, 15

ELEMENTS = {1: "int8", 2: "uint8", 3: "int16", 4: "uint16", 5: "int32", 6: "uint32", 7: "float32", 9: "float64"}
ELEMENTS |= {12: "int64", 13: "uint64"}
CLASSES = {6: "float64", 7: "float32", 8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32"}
CLASSES |= {14: "int64", 15: "uint64"}
CELL, STRUCT = 1, 2
NOT_READ = {3: "an object of MATLAB", 4: "text", 5: "a sparse matrix", 16: "a function", 17: "an object of MATLAB"}
IS_LOGICAL, IS_COMPLEX = 0x200, 0x800


class _Source(NamedTuple):
    """Bytes that hold elements: a piece of the file, or what was unpacked of it."""

    stamp: Stamp
    memory: memoryview | None
    order: str  # "little" or "big"

    def read(self, at: int, count: int) -> bytes:
        return self.stamp.read(at, count) if self.memory is None else bytes(self.memory[at : at + count])

    def number(self, at: int) -> int:
        data = self.read(at, 4)
        if len(data) < 4:
            raise FileError("it ends before it should.")
        return int.from_bytes(data, self.order)  # type: ignore[arg-type]

    def place(self, at: int, size: int) -> Span | memoryview:
        return Span(at, size) if self.memory is None else self.memory[at : at + size]


class _Element(NamedTuple):
    """One element: its type, and where its bytes and the next element lie."""

    kind: int
    begin: int
    end: int
    after: int


def read_matlab(stamp: Stamp) -> Held:
    """The arrays of a .mat file of any version by name; raises FileError."""
    head = stamp.read(0, 4096)
    if any(head[at : at + 8] == SIGNATURE for at in (512, 1024, 2048)):
        return read_hdf5(stamp)
    if head[124:128] not in (b"\x00\x01IM", b"\x01\x00MI") or head.startswith(b"\0\0\0\0"):
        return read_matlab_4(stamp)
    return _Reader(stamp, "little" if head[126:128] == b"IM" else "big").held()


class _Reader:
    """The arrays that were found, and why others were not read."""

    def __init__(self, stamp: Stamp, order: str):
        self.stamp, self.order = stamp, order
        self.arrays: dict[str, Array] = {}
        self.reasons: dict[str, list[str]] = {}
        self.parts = 0

    def held(self) -> Held:
        file = _Source(self.stamp, None, self.order)
        found = []
        at = HEADER
        while at < self.stamp.size:
            element = _element(file, at, self.stamp.size)
            found.append(element)
            if len(found) > MOST_PARTS:
                raise FileError(f"it holds more than {MOST_PARTS:,} arrays.")
            at = element.after
        packed = {element: self._unpacked_size(element) for element in found if element.kind == COMPRESSED}
        check_memory(sum(packed.values()))
        for element in found:
            if element.kind == COMPRESSED:
                span = Span(element.begin, element.end - element.begin)
                memory = memoryview(unpacked(self.stamp, span, packed[element], ZLIB))
                source = _Source(self.stamp, memory, self.order)
                self._matrix(source, _element(source, 0, len(memory)), "", 0)
            elif element.kind == MATRIX:
                self._matrix(file, element, "", 0)
        return held(self.stamp, self.arrays, left_out(self.reasons))

    def _unpacked_size(self, element: _Element) -> int:
        """How many bytes an element says that it has once it is unpacked, its tag included."""
        span = Span(element.begin, element.end - element.begin)
        tag = beginning(self.stamp, span, 8, ZLIB)
        if len(tag) < 8 or int.from_bytes(tag[:4], self.order) != MATRIX:  # type: ignore[arg-type]
            raise FileError("it is damaged: what is packed in it is no array.")
        size = 8 + int.from_bytes(tag[4:], self.order)  # type: ignore[arg-type]
        check_fold("it", span.size, size)
        return size

    def _matrix(self, source: _Source, element: _Element, path: str, depth: int) -> None:
        """Take an array, or what is inside a struct or a cell; ``path`` is "" for a variable, which has a name."""
        self.parts += 1
        if self.parts > MOST_PARTS or depth > DEEPEST:
            raise FileError("it is nested too deeply." if depth > DEEPEST else "it has too many parts.")
        if element.kind != MATRIX:
            raise FileError("it is damaged: an array is missing in it.")
        if element.begin == element.end:  # an empty one
            return None
        flags = _element(source, element.begin, element.end)
        if flags.kind != 6 or flags.end - flags.begin != 8:
            raise FileError("it is damaged: an array does not say what it is.")
        bits = source.number(flags.begin)
        kind = bits & 0xFF
        if kind == 17:  # has no shape
            name = _element(source, flags.after, element.end)
            return self._skip(path or _text(source, name), kind)
        dims = _element(source, flags.after, element.end)
        name = _element(source, dims.after, element.end)
        count = (dims.end - dims.begin) // 4
        if count > 64:
            raise FileError(f"it is damaged: an array in it has {count:,} dimensions.")
        shape = tuple(source.number(dims.begin + 4 * n) for n in range(count))
        path = path or _text(source, name)
        if not path:  # MATLAB's own, about objects
            return None
        check_shape(path, shape)
        rest = element._replace(begin=name.after)
        if kind in CLASSES:
            dtype = "bool" if bits & IS_LOGICAL and kind == 9 else CLASSES[kind]
            return self._numbers(source, rest, path, dtype, shape, bool(bits & IS_COMPLEX))
        if kind == CELL:
            return self._inside(source, rest, [f"{path}.{n}" for n in self._counted(shape)], depth)
        if kind == STRUCT:
            return self._struct(source, rest, path, shape, depth)
        return self._skip(path, kind)

    def _skip(self, path: str, kind: int) -> None:
        self.reasons.setdefault(NOT_READ.get(kind, "something unknown"), []).append(path)

    def _counted(self, shape: tuple[int, ...]) -> range:
        count = math.prod(shape)
        if self.parts + count > MOST_PARTS:
            raise FileError("it has too many parts.")
        return range(count)

    def _inside(self, source: _Source, rest: _Element, paths: list[str], depth: int) -> None:
        at = rest.begin
        for path in paths:
            part = _element(source, at, rest.end)
            self._matrix(source, part, path, depth + 1)
            at = part.after

    def _struct(self, source: _Source, rest: _Element, path: str, shape: tuple[int, ...], depth: int) -> None:
        length = _element(source, rest.begin, rest.end)
        names = _element(source, length.after, rest.end)
        step = source.number(length.begin)
        data = source.read(names.begin, min(names.end - names.begin, LONGEST_NAME * 64))
        if not 1 <= step <= LONGEST_NAME or len(data) % step or len(data) != names.end - names.begin:
            raise FileError(f"it is damaged: the fields of {shortened(path)} have no names.")
        fields = [data[at : at + step].partition(b"\0")[0].decode("latin-1") for at in range(0, len(data), step)]
        each = self._counted((*shape, len(fields)))
        before = [path] if math.prod(shape) == 1 else [f"{path}.{n}" for n in range(len(each) // max(len(fields), 1))]
        paths = [f"{start}.{field}" for start in before for field in fields]
        self._inside(source, rest._replace(begin=names.after), paths, depth)

    def _numbers(
        self, source: _Source, rest: _Element, path: str, dtype: str, shape: tuple[int, ...], paired: bool
    ) -> None:
        """Take an array of numbers, which may be kept as smaller ones than they are."""
        parts = []
        at = rest.begin
        for _ in range(2 if paired else 1):
            part = _element(source, at, rest.end)
            kept = ELEMENTS.get(part.kind)
            size = part.end - part.begin
            found = Array(kept or "uint8", shape, columns_first(shape), source.place(part.begin, size))
            if kept is None or found.nbytes != size:
                raise FileError(f"the numbers of {shortened(path)} are not as many as it says.")
            parts.append(found._replace(swapped=self.order == "big" and found.itemsize > 1))
            at = part.after
        if path in self.arrays:
            raise FileError(f"it holds {shortened(path)} twice.")
        plain = not paired and parts[0].dtype in (dtype, "uint8" if dtype == "bool" else dtype)
        if plain:
            self.arrays[path] = parts[0]._replace(dtype=dtype)
        else:
            self.arrays[path] = converted(self.stamp, parts, dtype)


def _element(source: _Source, at: int, end: int) -> _Element:
    """The element at some byte; it must end before those around it do."""
    tag = source.number(at)
    if at + 8 > end:
        raise FileError("it ends before it should.")
    if tag >> 16:  # a short one, in the eight bytes of its tag
        kind, size, begin, after = tag & 0xFFFF, tag >> 16, at + 4, at + 8
        if size > 4:
            raise FileError("it is damaged: an element in it has an impossible size.")
    else:
        kind, size, begin = tag, source.number(at + 4), at + 8
        after = begin + size if kind == COMPRESSED else begin + size + -size % 8
    if begin + size > end:
        raise FileError("it ends before it should.")
    return _Element(kind, begin, begin + size, min(after, end))


def _text(source: _Source, element: _Element) -> str:
    if element.end - element.begin > LONGEST_NAME:
        raise FileError("it is damaged: a name in it is too long.")
    return source.read(element.begin, element.end - element.begin).decode("latin-1")
