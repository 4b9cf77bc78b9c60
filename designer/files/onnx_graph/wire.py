"""The bytes of an ONNX file without its weights, and where those lie: protobuf would copy all of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from designer.files.archive import Span
from designer.files.errors import FileError

GRAPH = 7  # fields of ModelProto, GraphProto and TensorProto
INITIALIZER = 5
RAW_DATA = 9
SMALL = 1024  # bytes of a tensor that may as well be copied
MOST_FIELDS = 4_000_000
DAMAGED = "its protobuf is damaged or ends too early"


class Field(NamedTuple):
    """A field of a message: its number, and where it and its content lie."""

    number: int
    kind: int
    start: int
    content: int
    end: int


def slimmed(data: Any, size: int) -> tuple[bytes, list[Span | None]]:
    """A model whose initializers have lost their raw bytes, and where those of each lie, in order; None: kept.

    Raises FileError.
    """
    spans: list[Span | None] = []
    parts: list[bytes] = []
    for field in fields(data, 0, size):
        if field.number == GRAPH and field.kind == 2:
            parts.append(_message(GRAPH, _graph(data, field, spans)))
        else:
            parts.append(bytes(data[field.start : field.end]))
    return b"".join(parts), spans


def fields(data: Any, at: int, end: int) -> Iterator[Field]:
    """The fields of a message; raises FileError where they do not fit."""
    count = 0
    while at < end:
        count += 1
        if count > MOST_FIELDS:
            raise FileError(f"it has more than {MOST_FIELDS:,} parts")
        start = at
        tag, at = _varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        content = at
        if kind == 0:
            _, at = _varint(data, at, end)
        elif kind == 2:
            length, content = _varint(data, at, end)
            at = content + length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise FileError(DAMAGED)
        if number == 0 or at > end:
            raise FileError(DAMAGED)
        yield Field(number, kind, start, content, at)


def _graph(data: Any, graph: Field, spans: list[Span | None]) -> bytes:
    parts: list[bytes] = []
    for field in fields(data, graph.content, graph.end):
        if field.number == INITIALIZER and field.kind == 2:
            span = None
            if field.end - field.content > SMALL:
                kept = []
                for part in fields(data, field.content, field.end):
                    if part.number == RAW_DATA and part.kind == 2:
                        span = Span(part.content, part.end - part.content)
                    else:
                        kept.append(bytes(data[part.start : part.end]))
                parts.append(_message(INITIALIZER, b"".join(kept)))
            else:
                parts.append(bytes(data[field.start : field.end]))
            spans.append(span)
        else:
            parts.append(bytes(data[field.start : field.end]))
    return b"".join(parts)


def _message(number: int, content: bytes) -> bytes:
    return _written(number << 3 | 2) + _written(len(content)) + content


def _written(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def _varint(data: Any, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise FileError(DAMAGED)
