"""The arrays of an HDF5 file by name, as it is read in a child process: of any program, of Keras, of MATLAB 7.3.

Links are followed only where they lead to a part of the file itself, each part is visited once, and an array whose
numbers lie in other files, or are packed by other filters than those of the library, is left out.
"""

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from designer.files.checkpoint import ITEM_BYTES
from designer.files.errors import FileError
from designer.files.unpacked import MOST_FOLD
from designer.model.names import shortened

MOST_LINKS = 200_000
DEEPEST = 60
LONGEST_NAMES = 32 << 20  # characters, of all arrays
MOST_REFERENCES = 1 << 20
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
NAMES = {"?": "bool", "b": "int8", "B": "uint8", "h": "int16", "H": "uint16", "i": "int32", "I": "uint32"}
NAMES |= {"l": "int64", "L": "uint64", "q": "int64", "Q": "uint64", "e": "float16", "f": "float32", "d": "float64"}
NAMES |= {"F": "complex64", "D": "complex128"}
MATLAB = "double single int8 uint8 int16 uint16 int32 uint32 int64 uint64 logical".split()
OPTIMIZERS = ("optimizer_weights", "optimizer")


class Found(NamedTuple):
    """An array: what is told about it, and what reads it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    columns_first: bool
    offset: int | None  # in the file; None for one that is packed
    swapped: bool
    place: str  # the same for names of the same array
    data: Any  # h5py.h5d.DatasetID

    @property
    def told(self) -> list[Any]:
        return [*self[:-1]]

    @property
    def packed(self) -> bool:
        return self.offset is None and self.nbytes > 0

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]

    def numbers(self) -> memoryview:
        """Its numbers, row by row as they are in the file."""
        import h5py
        import numpy as np

        values = np.ascontiguousarray(h5py.Dataset(self.data)[()])
        if values.dtype.names:
            values = values.view(self.dtype)
        return values.astype(self.dtype, copy=False).reshape(-1).view(np.uint8).data


class Tree(NamedTuple):
    """All arrays, and what is not read."""

    arrays: list[Found]
    reasons: dict[str, list[str]]  # why not -> names
    notes: list[str]


def read_tree(file: Any, kind: str, begin: int | None) -> Tree:
    """Find the arrays of an open file; ``begin`` is where it lies in the one that is mapped, None for one in memory."""
    walk = _Walk(file, begin)
    if kind == "MATLAB":
        walk.matlab(file.id, [], 0)
        return Tree(walk.arrays, walk.reasons, walk.notes)
    keras_2 = "model_weights" in file or any(name in file.attrs for name in ("layer_names", "layer_names0"))
    keras = keras_2 or any(name in file for name in ("layers", "_layer_checkpoint_dependencies"))
    for name, part in walk.parts(file.id, []):
        if keras and name in OPTIMIZERS:
            walk.leave_out("the state of an optimizer", [name])
        else:
            walk.visit(part, [name], 0)
    return Tree(_keras_2(file, walk.arrays) if keras_2 else walk.arrays, walk.reasons, walk.notes)


class _Walk:
    """What was found on the way through a file."""

    def __init__(self, file: Any, begin: int | None):
        self.file, self.begin = file, begin
        self.arrays: list[Found] = []
        self.reasons: dict[str, list[str]] = {}
        self.notes: list[str] = []
        self.seen: set[Any] = {_place(file.id)}
        self.links = self.letters = 0

    def leave_out(self, reason: str, path: list[str]) -> None:
        self.reasons.setdefault(reason, []).append(".".join(path))

    def parts(self, group: Any, path: list[str]) -> Iterator[tuple[str, Any]]:
        """What stands in a group, by name in natural order."""
        import h5py

        for raw in sorted(group, key=_natural):
            self.links += 1
            if self.links > MOST_LINKS:
                raise FileError(f"it has more than {MOST_LINKS:,} parts.")
            name = raw.decode("utf-8", "replace")
            if group.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
                self.leave_out("a link that is not followed", [*path, name])
                continue
            yield name, h5py.h5o.open(group, raw)

    def visit(self, part: Any, path: list[str], depth: int) -> None:
        """Take an array, or all that is in a group."""
        import h5py

        if isinstance(part, h5py.h5d.DatasetID):
            self.array(part, path)
        elif isinstance(part, h5py.h5g.GroupID) and self.enter(part, path, depth):
            for name, inner in self.parts(part, path):
                self.visit(inner, [*path, name], depth + 1)

    def enter(self, group: Any, path: list[str], depth: int) -> bool:
        if depth > DEEPEST:
            raise FileError("it is nested too deeply.")
        if _place(group) in self.seen:
            self.notes.append(f"{shortened('.'.join(path))} is another name of a group, and not read again")
            return False
        self.seen.add(_place(group))
        return True

    def array(self, data: Any, path: list[str], matlab: str = "") -> None:
        found = _described(data, ".".join(path), self.begin, matlab)
        if isinstance(found, str):
            self.leave_out(found, path)
            return
        self.letters += len(found.name)
        if self.letters > LONGEST_NAMES:
            raise FileError("the names of its arrays are too long.")
        self.arrays.append(found)

    def matlab(self, group: Any, path: list[str], depth: int) -> None:
        """Take the variables of MATLAB 7.3, or the fields of a struct."""
        for name, part in self.parts(group, path):
            if path or not name.startswith("#"):  # what cells refer to, and what MATLAB notes about objects
                self.variable(part, [*path, name], depth)

    def variable(self, part: Any, path: list[str], depth: int) -> None:
        """Take what MATLAB keeps under a name."""
        import h5py

        if depth > DEEPEST:
            raise FileError("it is nested too deeply.")
        kind = _attribute(part, b"MATLAB_class")
        if h5py.h5a.exists(part, b"MATLAB_sparse"):
            self.leave_out("a sparse matrix", path)
        elif h5py.h5a.exists(part, b"MATLAB_object_decode") or kind == "function_handle":
            self.leave_out("a function" if kind == "function_handle" else "an object of MATLAB", path)
        elif isinstance(part, h5py.h5g.GroupID):
            if self.enter(part, path, depth):
                self.matlab(part, path, depth + 1)
        elif not isinstance(part, h5py.h5d.DatasetID):
            pass
        elif kind == "char":
            self.leave_out("text", path)
        elif h5py.h5a.exists(part, b"MATLAB_empty"):
            if kind in MATLAB:
                self.empty(part, path, kind)
        elif part.get_type().get_class() == h5py.h5t.REFERENCE:
            for n, inner in enumerate(self.referred(part)):
                before, last = (
                    ([*path], []) if kind == "cell" else (path[:-1], path[-1:])
                )  # else a field of each struct
                self.variable(inner, [*before, str(n), *last], depth + 1)
        elif kind in MATLAB or not kind:
            self.array(part, path, kind or "double")
        else:
            self.leave_out("an object of MATLAB", path)

    def referred(self, data: Any) -> Iterator[Any]:
        """What the references of a cell stand for, in MATLAB's order."""
        import h5py

        if data.get_storage_size() > 8 * MOST_REFERENCES or math.prod(data.shape) > MOST_REFERENCES:
            raise FileError("it has too many cells.")
        for reference in h5py.Dataset(data)[()].reshape(-1):
            self.links += 1
            if self.links > MOST_LINKS:
                raise FileError(f"it has more than {MOST_LINKS:,} parts.")
            if reference:
                yield h5py.h5r.dereference(reference, self.file.id)

    def empty(self, data: Any, path: list[str], kind: str) -> None:
        """An array without numbers keeps its sizes instead."""
        import h5py

        if len(data.shape) == 1 and data.shape[0] <= 64:
            shape = tuple(int(size) for size in h5py.Dataset(data)[()])
            dtype = {"double": "float64", "single": "float32", "logical": "bool"}.get(kind, kind)
            if math.prod(shape) == 0:
                self.arrays.append(Found(".".join(path), dtype, shape, True, None, False, _place(data), data))


def _place(part: Any) -> str:
    import h5py

    return str(h5py.h5o.get_info(part).addr)


def _natural(name: bytes) -> list[tuple[bool, int, bytes]]:
    return [(piece.isdigit(), int(piece) if piece.isdigit() else 0, piece) for piece in re.split(rb"(\d{1,9})", name)]


def _attribute(part: Any, name: bytes) -> str:
    """A short text that is noted about a part; "" where there is none."""
    import h5py
    import numpy as np

    if not h5py.h5a.exists(part, name):
        return ""
    attribute = h5py.h5a.open(part, name)
    kind = attribute.get_type()
    if kind.get_class() != h5py.h5t.STRING or kind.is_variable_str() or kind.get_size() > 64 or attribute.shape != ():
        return ""
    value = np.empty((), f"S{kind.get_size()}")
    attribute.read(value)
    return bytes(value[()]).decode("ascii", "replace")


def _described(data: Any, name: str, begin: int | None, matlab: str) -> Found | str:
    """What is told about an array, or why it is not read."""
    import h5py
    import numpy as np

    kind = data.get_type()
    try:
        dtype = data.dtype
    except (TypeError, ValueError):
        return "elements of an unknown type"
    if kind.get_class() == h5py.h5t.STRING:
        return "text"
    shape = data.shape
    if shape is None:
        return "nothing"
    paired = dtype.names in (("real", "imag"), ("r", "i")) and dtype[0] == dtype[1]
    plain = np.dtype({4: "c8", 8: "c16"}.get(dtype[0].itemsize, "V1")) if paired and dtype[0].kind == "f" else dtype
    torch = NAMES.get(plain.newbyteorder("=").char)
    if torch is None:
        return "elements that are no numbers, or none that torch has"
    if matlab == "logical" and torch == "uint8":
        torch = "bool"
    plan = data.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        return "numbers that lie in other files, which are not opened"
    for n in range(plan.get_nfilters()):
        if (number := plan.get_filter(n)[0]) not in FILTERS:
            return f"numbers packed by the filter {number}, which is not used"
    wanted, kept = math.prod(shape) * plain.itemsize, data.get_storage_size()
    if wanted and not kept:
        return "numbers that were never written"
    if wanted > kept * MOST_FOLD + 64:
        raise FileError(f"{shortened(name)} says that {wanted:,} bytes are packed in {kept:,}, which cannot be.")
    exact = kind == h5py.h5t.py_create(dtype, logical=True)
    offset = data.get_offset() if exact and begin is not None and wanted == kept and wanted else None
    swapped = offset is not None and (dtype[0] if paired else dtype).byteorder == ">"
    told = tuple(reversed(shape)) if matlab else tuple(shape)
    at = None if offset is None or begin is None else offset + begin
    return Found(name, torch, told, bool(matlab), at, swapped, _place(data), data)


def _keras_2(file: Any, arrays: list[Found]) -> list[Found]:
    """Arrays of Keras 2 in the order of its layers, called by layer and weight: ``dense.kernel``.

    Keras keeps ``dense/kernel:0`` in the group ``dense``, and these in ``model_weights`` where it kept the model too.
    """
    root = file.get("model_weights", file)
    order = {name: n for n, name in enumerate(_texts(root, "layer_names"))}
    named = []
    for array in arrays:
        path = array.name.removeprefix("model_weights.")
        layer = next((name for name in _starts(path) if name in order), path.partition(".")[0])
        rest = path.removeprefix(layer + ".")
        rest = rest if not rest.startswith(layer + ".") else rest.removeprefix(layer + ".")
        short = f"{layer}.{rest}" if rest != layer else layer
        named.append((order.get(layer, len(order)), layer, array, short.removesuffix(":0")))
    weights: dict[str, dict[str, int]] = {}
    for _, layer, _, _ in named:
        if layer not in weights:
            listed = _texts(root[layer], "weight_names") if layer in order and layer in root else []
            weights[layer] = {name.replace("/", "."): n for n, name in enumerate(listed)}
    counts: dict[str, int] = {}
    for _, _, _, short in named:
        counts[short] = counts.get(short, 0) + 1

    def place(entry: tuple[int, str, Found, str]) -> tuple[int, int]:
        at, layer, array, _ = entry
        inside = array.name.removeprefix("model_weights.").removeprefix(layer + ".")
        return at, weights[layer].get(inside, len(weights[layer]))

    named.sort(key=place)
    return [array._replace(name=short) if counts[short] == 1 else array for _, _, array, short in named]


def _starts(path: str) -> Iterator[str]:
    parts = path.split(".")
    return (".".join(parts[:n]) for n in range(1, len(parts)))


def _texts(group: Any, name: str) -> list[str]:
    """An attribute that lists texts, which Keras cuts in pieces where it is long."""
    import numpy as np

    cut = itertools.takewhile(group.attrs.__contains__, (f"{name}{n}" for n in itertools.count()))
    found = [
        text
        for piece in ([name] if name in group.attrs else cut)
        for text in np.atleast_1d(group.attrs[piece]).reshape(-1)
    ]
    return [text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in found]
