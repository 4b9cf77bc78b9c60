"""The tensors of an ONNX file: in the file, beside it, or in memory where they were made from others."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from designer.files.archive import Span
from designer.files.checkpoint import ITEM_BYTES, map_stored
from designer.files.errors import FileError
from designer.files.program import Stored
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor

TYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16"}
TYPES |= {11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16"}
TYPES |= {17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz"}
CODES = {name: code for code, name in TYPES.items()}
MOST_TENSORS = 200_000
LARGEST_LIST = 2**24  # numbers that are written one by one


def dense(shape: Iterable[int]) -> tuple[int, ...]:
    """The strides of numbers that lie one after the other."""
    found, step = [], 1
    for size in reversed(list(shape)):
        found.append(step)
        step *= max(size, 1)
    return tuple(reversed(found))


def real() -> Any:
    """Work with tensors that have numbers, while a program is followed with those that have none."""
    from torch._subclasses.fake_tensor import unset_fake_temporarily

    return unset_fake_temporarily()


@dataclasses.dataclass(frozen=True)
class Part:
    """Where the numbers of a tensor lie."""

    span: Span
    stamp: Stamp | None  # None: in memory


class Weights:
    """The stored tensors of a file by name, and those that were made of them."""

    def __init__(self, stamp: Stamp):
        self.stamp = stamp
        self.stored: dict[str, Stored] = {}
        self.parts: dict[str, Part] = {}
        self.memory: dict[str, Tensor] = {}
        self.beside: dict[str, Stamp] = {}

    def add(self, name: str, proto: Any, span: Span | None) -> None:
        """Note a TensorProto, whose raw bytes may lie in the file; raises FileError where it does not fit."""
        quoted = shortened(name)
        if len(self.stored) >= MOST_TENSORS:
            raise FileError(f"it holds more than {MOST_TENSORS:,} tensors")
        dtype = TYPES.get(proto.data_type)
        if dtype is None:
            raise FileError(f"{quoted} has numbers of a type, {proto.data_type}, that PyTorch does not have")
        shape = tuple(proto.dims)
        if any(size < 0 or size >= 2**48 for size in shape) or len(shape) > 64:
            raise FileError(f"{quoted} has sizes that are none")
        size = math.prod(shape) * ITEM_BYTES[dtype]
        self.stored[name] = Stored(name, dtype, shape, dense(shape), 0, "constant", False, False)
        if proto.data_location == 1:
            self.parts[name] = self._beside(quoted, proto, size)
        elif span is not None:
            _fits(quoted, size, span.size)
            self.parts[name] = Part(span, self.stamp)
        else:
            with real():
                self.memory[name] = _in_memory(quoted, proto, shape, dtype, size)

    def _beside(self, quoted: str, proto: Any, size: int) -> Part:
        """Where numbers lie that are in another file, which must be in the folder of the model."""
        told = {entry.key: entry.value for entry in proto.external_data}
        location = told.get("location", "")
        try:
            offset = int(told.get("offset", "0") or 0)
            length = int(told.get("length", size) or size)
        except ValueError:
            raise FileError(f"{quoted} lies at a place that is none, {shortened(str(told.get('offset')))}") from None
        if location not in self.beside:
            self.beside[location] = _neighbour(self.stamp.path, quoted, location)
        stamp = self.beside[location]
        _fits(quoted, size, length)
        if not 0 <= offset <= stamp.size - size:
            raise FileError(f"{quoted} reaches past the end of {shortened(location)}, which has {stamp.size:,} bytes")
        return Part(Span(offset, size), stamp)

    def make(self, name: str, value: Tensor) -> None:
        """Add a tensor that was made of others, under a name that is free."""
        contiguous = value.contiguous()
        dtype = str(value.dtype).removeprefix("torch.")
        shape = tuple(value.shape)
        self.stored[name] = Stored(name, dtype, shape, dense(shape), 0, "constant", False, False)
        self.memory[name] = contiguous

    def tensor(self, name: str) -> Tensor:
        """The numbers of one tensor, mapped where they lie in a file."""
        with real():
            return self.tensors({name: self.stored[name]})[name]

    def tensors(self, wanted: Mapping[str, Stored]) -> dict[str, Tensor]:
        """Map tensors by name; ``storage`` tells whose numbers they look at."""
        import torch

        found: dict[str, Tensor] = {}
        placed: dict[Stamp, dict[str, Stored]] = {}
        for name, stored in wanted.items():
            part = self.parts.get(stored.storage)
            if part is None:
                flat = self.memory[stored.storage].reshape(-1)
                found[name] = torch.as_strided(flat, stored.shape, stored.strides, stored.offset)
            elif part.span.size == 0:
                found[name] = torch.empty(stored.shape, dtype=getattr(torch, stored.dtype))
            else:
                assert part.stamp is not None
                placed.setdefault(part.stamp, {})[name] = stored
        for stamp, inside in placed.items():
            spans = {stored.storage: self.parts[stored.storage].span for stored in inside.values()}
            found |= map_stored(stamp, inside, spans)
        return {name: found[name] for name in wanted}


def _fits(quoted: str, size: int, there: int) -> None:
    if size != there:
        raise FileError(f"{quoted} needs {size:,} bytes, and {there:,} are there")


def _neighbour(model: Path, quoted: str, location: str) -> Stamp:
    """A file in the folder of the model, not reached through a link; raises FileError."""
    parts = PurePosixPath(location).parts
    plain = location and "\\" not in location and "\0" not in location and not PureWindowsPath(location).drive
    if not plain or location.startswith("/") or ".." in parts:
        raise FileError(f"{quoted} lies outside the folder of the model, in {shortened(location)}, which is not read")
    at = model.parent
    for part in parts:
        at = at / part
        if at.is_symlink():
            raise FileError(f"{quoted} lies in {shortened(location)}, which is a link and is not followed")
    try:
        return Stamp.of(at)
    except OSError:
        raise FileError(f"{quoted} lies in {shortened(location)}, which cannot be read") from None


def _in_memory(quoted: str, proto: Any, shape: tuple[int, ...], dtype: str, size: int) -> Tensor:
    """A tensor whose numbers protobuf has copied."""
    import torch

    kind = getattr(torch, dtype)
    if proto.raw_data:
        _fits(quoted, size, len(proto.raw_data))
        return torch.frombuffer(bytearray(proto.raw_data), dtype=kind).reshape(shape)
    count = math.prod(shape)
    lists = (proto.float_data, proto.int32_data, proto.int64_data, proto.double_data, proto.uint64_data)
    numbers = next((entries for entries in lists if len(entries)), ())
    pairs = 2 if dtype.startswith("complex") else 1
    if len(numbers) != count * pairs or count > LARGEST_LIST:
        raise FileError(f"{quoted} needs {count:,} numbers, and {len(numbers) // pairs:,} are there")
    if not count:
        return torch.empty(shape, dtype=kind)
    plain = list(numbers)
    if pairs == 2:
        return torch.tensor([complex(*pair) for pair in zip(plain[::2], plain[1::2])], dtype=kind).reshape(shape)
    if dtype in ("float16", "bfloat16"):  # written as the bits of each number
        return torch.tensor(plain, dtype=torch.int32).to(torch.int16).view(kind).reshape(shape)
    if dtype.startswith("float8"):
        return torch.tensor(plain, dtype=torch.int32).to(torch.uint8).view(kind).reshape(shape)
    return torch.tensor(plain, dtype=kind).reshape(shape)
