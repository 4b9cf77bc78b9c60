"""Tensors in a safetensors file: written each once, mapped when they are read."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from designer.files.errors import FileError
from designer.files.strict_json import parse
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor

LONGEST_HEADER = 100_000_000  # bytes, the limit of the format
MOST_DIMENSIONS = 64  # torch's own limit
PIECE = 2**24  # bytes that are read or written at once

# safetensors' name -> torch's name and the bytes of an element, for every type that both have.
TYPES = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", 1),
    "F8_E8M0": ("float8_e8m0fnu", 1),
    "C64": ("complex64", 8),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U64": ("uint64", 8),
    "U32": ("uint32", 4),
    "U16": ("uint16", 2),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
KINDS = {f"torch.{name}": kind for kind, (name, _) in TYPES.items()}
PAIRS = "complex128"  # the format has no name for it: kept as pairs of float64, the tensors listed in the metadata
OWN_METADATA = ("format", "content", PAIRS)  # what else stands in the metadata are names of ties


class Entry(NamedTuple):
    """One tensor of a file, its bytes counted from the end of the header."""

    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    """What a file says before its numbers."""

    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]
    start: int  # the byte at which the numbers begin


# Reading.


def read_header(stamp: Stamp) -> Header:
    """The header of a file, checked to the last byte of it; raises FileError."""
    length = int.from_bytes(stamp.read(0, 8), "little")
    if stamp.size < 8 or not 2 <= length <= min(LONGEST_HEADER, stamp.size - 8):
        raise FileError("it is not a safetensors file, or only a part of one.")
    document = parse(stamp.read(8, length))
    if not isinstance(document, dict):
        raise FileError("its header is not an object.")
    metadata = document.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise FileError("its metadata are not texts.")
    entries = {name: _entry(name, value) for name, value in document.items()}
    at = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].begin):
        if entry.begin != at:
            raise FileError(f"the bytes of {shortened(name)} begin at {entry.begin:,}, not at {at:,}.")
        at = entry.end
    if 8 + length + at != stamp.size:
        raise FileError(f"it has {stamp.size:,} bytes, and its header asks for {8 + length + at:,}.")
    return Header(entries, metadata, 8 + length)


def _entry(name: str, value: Any) -> Entry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise FileError(f"{shortened(name)} is not described as a tensor.")
    kind, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise FileError(f"{shortened(name)} has the unknown dtype {shortened(kind)}.")
    if not _counts(shape) or len(shape) > MOST_DIMENSIONS or math.prod(n for n in shape if n) >= 2**60:
        raise FileError(f"{shortened(name)} cannot have the shape {shortened(shape)}.")
    size = math.prod(shape) * TYPES[kind][1]
    if not _counts(offsets) or len(offsets) != 2 or offsets[1] - offsets[0] != size:
        raise FileError(f"{shortened(name)} has {size:,} bytes, which the offsets {shortened(offsets)} do not hold.")
    return Entry(kind, tuple(shape), *offsets)


def _counts(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(n) is int and n >= 0 for n in numbers)


def map_tensors(stamp: Stamp, header: Header) -> dict[str, Tensor]:
    """The tensors of a file, none of them read yet; each remembers the file as ``mapped``."""
    import torch

    buffer = stamp.map()
    paired = header.metadata.get(PAIRS, "").split()
    found = {}
    for name, entry in header.entries.items():
        kind, size = TYPES[entry.kind]
        dtype = getattr(torch, kind)
        begin = header.start + entry.begin
        if entry.begin == entry.end:
            tensor = torch.empty(entry.shape, dtype=dtype)
        else:
            there: Any = buffer
            if begin % size:  # torch computes wrongly or not at all on what does not begin at a whole element
                there, begin = bytearray(buffer[begin : header.start + entry.end]), 0
            tensor = torch.frombuffer(there, dtype=dtype, count=(entry.end - entry.begin) // size, offset=begin)
            tensor = tensor.reshape(entry.shape)
        if name in paired:
            tensor = _joined(name, tensor)
        tensor.mapped = dataclasses.replace(stamp, name=name)
        found[name] = tensor
    return found


def told_ties(header: Header) -> dict[str, str]:
    """The names that are not in a file because their tensors stand under another one, which its metadata tell.

    So does ``save_model`` of safetensors: name that was left out -> name that was kept.
    """
    names = header.entries
    return {
        name: kept
        for name, kept in header.metadata.items()
        if kept in names and name not in names and name not in OWN_METADATA
    }


def _joined(name: str, tensor: Tensor) -> Tensor:
    """Pairs of float64 as complex128, still mapped."""
    import torch

    if tensor.dtype != torch.float64 or tensor.shape[-1:] != (2,):
        raise FileError(f"{shortened(name)} does not hold pairs of float64.")
    return torch.view_as_complex(tensor)


# Writing.


def check_kind(name: str, value: Tensor) -> None:
    """Refuse a tensor that no safetensors file can hold."""
    known = str(value.dtype) in KINDS or _is_paired(value)
    if not known or str(value.layout) != "torch.strided" or value.is_meta:
        kind = f"{value.device} tensor of {value.dtype} and {value.layout}"
        raise FileError(f"{name} is a {kind}, which a safetensors file cannot hold.")


def content_hash(values: Mapping[str, Tensor]) -> str:
    """A name for what the tensors are; reads them all."""
    digest = hashlib.sha256(_head(values, {}))
    for piece in _numbers(values):
        digest.update(piece)
    return digest.hexdigest()[:16]


def written(
    values: Mapping[str, Tensor], content: str, others: Mapping[str, str] | None = None
) -> Iterator[bytes | memoryview]:
    """The bytes of the file, piece by piece.

    Its metadata tell ``content``, the hash of the values, and the ``others``: more names for some of them.
    """
    yield _head(values, {"format": "pt", "content": content, **(others or {})})
    yield from _numbers(values)


def _is_paired(value: Tensor) -> bool:
    return str(value.dtype) == f"torch.{PAIRS}"


def _order(values: Mapping[str, Tensor]) -> list[str]:
    """Large elements first, so that each tensor begins at a whole element."""
    return sorted(values, key=lambda name: (-values[name].element_size(), name))


def _head(values: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    if pairs := [name for name in _order(values) if _is_paired(values[name])]:
        metadata = {**metadata, PAIRS: " ".join(pairs)}
    document: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name in _order(values):
        value = values[name]
        end = at + value.numel() * value.element_size()
        kind, shape = ("F64", [*value.shape, 2]) if name in pairs else (KINDS[str(value.dtype)], list(value.shape))
        document[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text


def _numbers(values: Mapping[str, Tensor]) -> Iterator[memoryview]:
    for name in _order(values):
        yield from _pieces(values[name])


def _pieces(value: Tensor) -> Iterator[memoryview]:
    """The bytes of a tensor, row by row."""
    import torch

    if value.numel() == 0:
        return
    plain = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
    content = memoryview(plain.reshape(-1).view(torch.uint8).numpy())
    for begin in range(0, len(content), PIECE):
        yield content[begin : begin + PIECE]
