"""Unpack bytes of a file that zlib packed: exactly as many as are told, and no more than they can be."""

import zlib

from designer.files.archive import Span
from designer.files.errors import FileError
from designer.files.progress import check
from designer.model.values import Stamp

PIECE = 1 << 20  # bytes that are read at once
MOST_FOLD = 1032  # what zlib packs at most into a byte
ZLIB, RAW = zlib.MAX_WBITS, -zlib.MAX_WBITS  # with the frame of zlib, or without one as in zip archives


def check_fold(name: str, packed: int, size: int) -> None:
    """Refuse a size that the packed bytes cannot have."""
    if size > packed * MOST_FOLD + 64:
        raise FileError(f"{name} says that {size:,} bytes are packed in {packed:,}, which cannot be.")


def beginning(stamp: Stamp, span: Span, count: int, frame: int) -> bytes:
    """The first bytes of what is packed, fewer where there are not so many."""
    try:
        return zlib.decompressobj(frame).decompress(stamp.read(span.offset, min(span.size, PIECE)), count)
    except zlib.error:
        raise FileError("it is damaged: what is packed in it cannot be unpacked.") from None


def unpacked(stamp: Stamp, span: Span, size: int, frame: int) -> bytearray:
    """All that is packed, which must be ``size`` bytes."""
    found, at = bytearray(size), 0
    machine = zlib.decompressobj(frame)
    try:
        for begin in range(span.offset, span.offset + span.size, PIECE):
            check()
            packed, full = stamp.read(begin, min(PIECE, span.offset + span.size - begin)), False
            while (packed or full) and not machine.eof:
                most = min(PIECE, size - at + 1)
                piece = machine.decompress(packed, most)
                full = len(piece) == most  # more may wait inside
                if at + len(piece) > size:
                    raise FileError("it is damaged: more is packed in it than it says.")
                found[at : at + len(piece)] = piece
                at += len(piece)
                packed = machine.unconsumed_tail
    except zlib.error:
        raise FileError("it is damaged: what is packed in it cannot be unpacked.") from None
    if at != size or not machine.eof:
        raise FileError("it is damaged: less is packed in it than it says.")
    return found
