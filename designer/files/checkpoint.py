"""Read the values that torch.save wrote, a state_dict or a checkpoint that holds one, as data; map their numbers."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple, cast

from designer.files.archive import Archive, Span
from designer.files.errors import FileError
from designer.files.pickled import Made, Name, Reference, read_pickle
from designer.files.program import Stored
from designer.model import DTYPES
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor

LARGEST_PICKLE = 256 << 20  # bytes
MOST_TENSORS = 200_000
DEEPEST = 4  # dicts around a state_dict
MOST_DICTS = 10_000  # that are looked at
# Under which names checkpoints keep the state_dict, the likeliest first.
USUAL = "state_dict model_state_dict model module net network weights params ema".split()
# What is in the names of dicts that hold other tensors: the state of a training, and averages of the same values.
ASIDE = "optim sched scaler rng ema average hyper loops callbacks".split()

STORAGES = {"Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64"}
STORAGES |= {"Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool"}
STORAGES |= {"ComplexFloat": "complex64", "ComplexDouble": "complex128"}
ITEM_BYTES = {"uint8": 1, "int8": 1, "bool": 1, "int16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "float32": 4}
ITEM_BYTES |= {"int64": 8, "float64": 8, "complex64": 8, "complex128": 16}
ITEM_BYTES |= {"float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1}
ITEM_BYTES |= {"uint16": 2, "uint32": 4, "uint64": 8}


@dataclasses.dataclass(frozen=True, eq=False)
class Checkpoint:
    """Named tensors, where their numbers lie, and what else the file holds."""

    stamp: Stamp
    stored: Mapping[str, Stored]
    spans: Mapping[str, Span]  # storage -> its bytes in the file
    notes: tuple[str, ...]

    def tensors(self) -> dict[str, Tensor]:
        """Map the tensors; names of one storage share it, as they did in the model."""
        return map_stored(self.stamp, self.stored, self.spans)


def read_checkpoint(stamp: Stamp) -> Checkpoint:
    """Read the values that torch.save wrote; raises FileError."""
    saved = read_saved(stamp)
    found, notes = _state_dict(saved.root)
    stored: dict[str, Stored] = {}
    for key, value in found.items():
        if (entry := saved.stored(key, value)) is not None:
            if len(stored) == MOST_TENSORS:
                raise FileError(f"it holds more than {MOST_TENSORS:,} tensors.")
            stored[key] = entry
        else:
            notes.append(f"{shortened(key)} is no tensor that can be read")
    if not stored:
        raise FileError("it holds no tensors that can be read.")
    return Checkpoint(stamp, stored, saved.spans, tuple(notes))


class Saved(NamedTuple):
    """What torch.save wrote: the pickle as data, and where the numbers of its tensors lie."""

    root: Any
    folder: str
    spans: Mapping[str, Span]  # storage -> its bytes in the file

    def stored(self, key: str, value: Any) -> Stored | None:
        """What a part of the pickle says about a tensor, checked against the bytes it has; None where it is none."""
        made = tensor_parts(value)
        return None if made is None else stored_tensor(key, made, self.folder, self.spans)


def read_saved(stamp: Stamp) -> Saved:
    """Read what torch.save wrote, as a zip archive or as before version 1.6; raises FileError."""
    if stamp.read(0, 2) != b"PK":
        root, spans = _legacy(stamp)
        return Saved(root, "", spans)
    return read_archive(Archive(stamp.path))


def read_archive(archive: Archive) -> Saved:
    """Read the archive that torch.save wrote; raises FileError."""
    if archive.entries.get("byteorder") and archive.read("byteorder", 16) != b"little":
        raise FileError("it was written on a machine with another byte order, which cannot be read.")
    root = read_pickle(BytesIO(archive.read("data.pkl", LARGEST_PICKLE)))
    folder = "data/"
    return Saved(root, folder, {name: archive.span(name) for name in archive.entries if name.startswith(folder)})


class _Dict(NamedTuple):
    """A dict of a checkpoint that holds tensors."""

    path: str
    value: dict[Any, Any]
    held: int  # tensors
    rank: int  # how usual it is to keep the state_dict under its name, small for often


def _state_dict(root: Any) -> tuple[dict[str, Any], list[str]]:
    """Find the dict of tensors, or all that are parts of one, and say what else there is."""
    found = list(_dicts(root))
    if not found:
        what = _what(root)
        raise FileError(f"it holds {what}, and no tensors under names." if what else "it holds no tensors under names.")
    best = min(found, key=lambda each: (each.rank, -each.held))
    if best.rank < len(USUAL):  # a loss or a count may stand beside it
        outer = next((each for each in found if not each.path), best)
        chosen = [outer if outer.held > best.held else best]
    else:
        aside = [each for each in found if any(word in each.path.lower() for word in ASIDE)]
        chosen = [each for each in found if each not in aside] or [max(aside, key=lambda each: each.held)]
    before = _shared([each.path.split(".") if each.path else [] for each in chosen])
    values = {}
    for each in chosen:
        inner = each.path.split(".")[before:] if each.path else []
        for key, value in named(each.value).items():
            if len(chosen) == 1 or tensor_parts(value) is not None:
                values[".".join((*inner, key))] = value
    notes = _beside(root, [each.path for each in chosen])
    if lost := sum(len(each.value) - len(named(each.value)) for each in chosen):
        notes.append(f"not read: {lost:,} {'entries' if lost > 1 else 'entry'} whose keys are no names of their own")
    return values, notes


def named(values: Mapping[Any, Any]) -> dict[str, Any]:
    """What stands under texts, and under whole numbers, which are read as text unless that is there as well."""
    return {
        str(key): value
        for key, value in values.items()
        if isinstance(key, str) or (type(key) is int and str(key) not in values)
    }


def _what(root: Any) -> str:
    """What a file of torch.save holds in the place of named tensors, where that is something else altogether."""
    if tensor_parts(root) is not None:
        return "a single tensor without a name"
    if _is_optimizer(root):
        return "the state of an optimizer"
    if isinstance(root, bool) or root is None:
        return str(root)
    if isinstance(root, int | float | complex):
        return f"the number {shortened(root)}"
    for kind, what in ((list, "a list"), (tuple, "a tuple"), (str | bytes, "a text")):
        if isinstance(root, kind):
            return what
    return "" if root else "an empty dictionary"


def _is_optimizer(value: Any) -> bool:
    """Whether a dictionary is the state_dict of an optimizer of torch."""
    return isinstance(value, dict) and {*value} >= {"state", "param_groups"}


def _dicts(root: Any) -> Iterator[_Dict]:
    """The dicts that hold tensors under names, the outer ones first."""
    todo: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    for at in range(MOST_DICTS):
        if at == len(todo):
            return
        path, value = todo[at]
        if not isinstance(value, dict):
            return
        if id(value) in seen:
            continue
        seen.add(id(value))
        if _is_optimizer(value):
            continue
        entries = named(value)
        held = sum(1 for entry in entries.values() if tensor_parts(entry) is not None)
        around, _, last = path.rpartition(".")
        usual = last in USUAL and not any(word in around.lower() for word in ASIDE)
        if held:
            yield _Dict(path, value, held, USUAL.index(last) if usual else len(USUAL))
        if path.count(".") < DEEPEST:
            inner = [(key, entry) for key, entry in entries.items() if isinstance(entry, dict)]
            todo += [(f"{path}.{key}" if path else key, entry) for key, entry in inner[:MOST_DICTS]]


def _shared(paths: list[list[str]]) -> int:
    """How many names all paths begin with."""
    return next((n for n, names in enumerate(zip(*paths)) if len({*names}) > 1), min(map(len, paths)))


def _beside(root: dict[Any, Any], paths: list[str]) -> list[str]:
    """Say where in a checkpoint its values are, and what stands there beside them."""
    notes = []
    if all(paths):
        notes.append(f"the values are those under {_few(paths)}")
    used = {path.partition(".")[0] for path in paths}
    entries = named(root)
    others = [key for key in entries if key not in used]
    if "" in used:  # what is no tensor is told by its name
        others = [key for key in others if len(paths) > 1 and tensor_parts(entries[key]) is None]
    if others:
        notes.append(f"not read: {_few(others)}")
    return notes


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(map(shortened, names[:8])) + more


def tensor_parts(value: Any, depth: int = 0) -> tuple[Any, ...] | None:
    """What a tensor was made of, (storage, offset, sizes, strides, dtype or None, trains); None for what is none."""
    if not isinstance(value, Made) or depth > 3:
        return None
    match value.name, value.arguments:
        case (
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor",
            (storage, offset, sizes, strides, *_),
        ):
            return storage, offset, sizes, strides, None, False
        case ("torch._utils._rebuild_tensor_v3", (storage, offset, sizes, strides, _, _, dtype, *_)):
            return storage, offset, sizes, strides, str(dtype).removeprefix("torch."), False
        case (
            "torch._utils._rebuild_parameter"
            | "torch._utils._rebuild_parameter_with_state"
            | "torch.nn.parameter.Parameter",
            (data, *rest),
        ):
            inner = tensor_parts(data, depth + 1)
            return (*inner[:5], bool(rest and rest[0] is True)) if inner else None
        case ("torch._tensor._rebuild_from_type_v2", (Name() as function, _, tuple() as arguments, *_)):
            return tensor_parts(Made(str(function), arguments), depth + 1)
    return None


def stored_tensor(key: str, made: tuple[Any, ...], folder: str, spans: Mapping[str, Span]) -> Stored:
    """What the file says about a tensor, checked against the bytes that it has."""
    storage, offset, sizes, strides, dtype, trains = made
    quoted = shortened(key)
    if not isinstance(storage, Reference) or not isinstance(storage.key, tuple) or len(storage.key) < 5:
        raise FileError(f"{quoted} has no storage.")
    _, kind, name, _, _, *view = storage.key
    if view and isinstance(view[0], tuple):  # before version 1.6: a view of another storage
        raise FileError(f"{quoted} is a view of another storage, which only very old files have.")
    dtype = dtype or dtype_of_storage(str(kind))
    if dtype not in ITEM_BYTES:
        raise FileError(f"{quoted} has numbers of the unknown type {shortened(dtype or str(kind))}.")
    span = spans.get(f"{folder}{name}")
    if span is None:
        raise FileError(f"the numbers of {quoted} are missing.")
    shape, steps = _numbers(quoted, sizes), _numbers(quoted, strides)
    (first,) = _numbers(quoted, (offset,))
    check_place(quoted, shape, steps, first, span.size // ITEM_BYTES[dtype])
    return Stored(f"{folder}{name}", dtype, shape, steps, first, "parameter" if trains else "buffer", True, trains)


def dtype_of_storage(kind: str) -> str | None:
    """The type of the elements of a storage, such as ``torch.FloatStorage``."""
    return STORAGES.get(kind.removeprefix("torch.cuda.").removeprefix("torch.").removesuffix("Storage"))


def _numbers(quoted: str, numbers: Any) -> tuple[int, ...]:
    if not isinstance(numbers, tuple | list) or not all(type(n) is int and 0 <= n < 2**48 for n in numbers):
        raise FileError(f"{quoted} has sizes that are none.")
    return tuple(numbers)


def check_place(quoted: str, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, count: int) -> None:
    """Refuse a tensor that reaches past the ``count`` numbers of its storage, or says that it has far more."""
    if len(shape) != len(strides) or len(shape) > 64:
        raise FileError(f"{quoted} has {len(shape)} sizes and {len(strides)} strides.")
    total = math.prod(shape)
    if total and offset + sum((size - 1) * stride for size, stride in zip(shape, strides)) >= count:
        raise FileError(f"{quoted} reaches past the end of its numbers.")
    if total > max(count, 2**24):
        raise FileError(f"{quoted} says that it has {total:,} numbers, and {count:,} are there.")


def _legacy(stamp: Stamp) -> tuple[Any, dict[str, Span]]:
    """What torch.save wrote before version 1.6: five pickles, then each storage as its count and its numbers."""
    with stamp.path.open("rb") as file:
        head = cast(BinaryIO, _Head(file, stamp.size))
        _, _, system, root, keys = (read_pickle(head) for _ in range(5))
        at = file.tell()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise FileError("it was written on a machine with another byte order, which cannot be read.")
    sizes = dict(_storages(root))
    spans: dict[str, Span] = {}
    for key in keys if isinstance(keys, list) else ():
        count = int.from_bytes(stamp.read(at, 8), "little")
        size = count * sizes.get(str(key), 0)
        if at + 8 + size > stamp.size or (not size and count):
            raise FileError("its numbers end before they should.")
        spans[str(key)] = Span(at + 8, size)
        at += 8 + size
    return root, spans


class _Head:
    """The begin of a file that pickles are read from: no more than is there, whatever lengths they tell."""

    def __init__(self, file: BinaryIO, size: int):
        self.file, self.end, self.tell = file, min(size, LARGEST_PICKLE), file.tell

    def read(self, count: int) -> bytes:
        return self.file.read(max(0, min(count, self.end - self.tell())))

    def readline(self) -> bytes:
        return self.file.readline(max(0, self.end - self.tell()))


def _storages(root: Any) -> Iterator[tuple[str, int]]:
    """The storages that a pickle refers to, by key, with the bytes of an element."""
    todo, seen = [root], set()
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        if isinstance(value, Reference):
            if isinstance(value.key, tuple) and len(value.key) >= 5:
                yield str(value.key[2]), ITEM_BYTES.get(dtype_of_storage(str(value.key[1])) or "", 0)
        elif isinstance(value, dict | list | tuple | Made):
            seen.add(id(value))
            if isinstance(value, Made):
                todo += [value.arguments, value.state, value.items]
            else:
                todo += [*value.values()] if isinstance(value, dict) else [*value]


def map_stored(stamp: Stamp, stored: Mapping[str, Stored], spans: Mapping[str, Span]) -> dict[str, Tensor]:
    """Map stored tensors by name; each carries the stamp of its file as ``mapped``."""
    import torch

    memory = stamp.map()
    storages: dict[str, Any] = {}
    tensors = {}
    for name, entry in stored.items():
        dtype = getattr(torch, entry.dtype)
        key = f"{entry.storage} {entry.dtype}"
        if key not in storages:
            offset, size = spans[entry.storage]
            count = size // dtype.itemsize
            if count == 0:
                storages[key] = torch.empty(0, dtype=dtype)
            elif offset % dtype.itemsize:  # torch reads whole numbers only from where they may lie
                piece = bytearray(memory[offset : offset + count * dtype.itemsize])
                storages[key] = torch.frombuffer(piece, dtype=dtype)
            else:
                storages[key] = torch.frombuffer(memory, dtype=dtype, count=count, offset=offset)
        tensor = torch.as_strided(storages[key], entry.shape, entry.strides, entry.offset)
        tensor.mapped = stamp
        tensors[name] = tensor
    return tensors


def dtype_of(stored: Mapping[str, Stored]) -> str:
    """The type of most of the tensors that could train; numbers packed into a byte or less are only kept."""
    floats = Counter(entry.dtype for entry in stored.values() if "float" in entry.dtype and entry.dtype in DTYPES)
    return floats.most_common(1)[0][0] if floats else "float32"
