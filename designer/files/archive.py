"""Zip archives of other people: entries that lie where they say, uncompressed, once each and in bounds."""

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from designer.files.errors import FileError
from designer.model.names import shortened
from designer.model.values import OpenFile

MOST_ENTRIES = 200_000
LARGEST_TEXT = 256 << 20  # bytes


class Span(NamedTuple):
    """Where an entry lies in its file, in bytes."""

    offset: int
    size: int


class Archive:
    """The entries of a zip archive, by name without the folder that all of them stand in.

    ``within`` tells the part of the file that is the archive, where that is itself an entry of another one.
    """

    def __init__(self, path: str | os.PathLike[str], within: Span | None = None):
        self.path = Path(path)
        self._file = OpenFile(path)
        self.place = within or Span(0, self.path.stat().st_size)
        try:
            with _Part(self.path, self.place) as part:
                if _count(part.tail()) > MOST_ENTRIES:
                    raise FileError(f"{self.path.name} holds more than {MOST_ENTRIES:,} entries.")
                with zipfile.ZipFile(part) as archive:
                    entries = archive.infolist()
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError) as error:
            if isinstance(error, FileError):
                raise
            raise FileError(
                f"{self.path.name} is damaged or incomplete: its table of entries cannot be read."
            ) from None
        roots = {entry.filename.partition("/")[0] for entry in entries}
        shift = len(roots.pop()) + 1 if len(roots) == 1 and all("/" in e.filename for e in entries) else 0
        self.entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            name = entry.filename[shift:]
            if name in self.entries:
                raise FileError(f"{self.path.name} holds {shortened(name)} twice.")
            self.entries[name] = entry
        self._ends = self._check_order()

    def _check_order(self) -> dict[int, int]:
        """Where each entry must end, by where it starts: entries that share bytes are refused."""
        starts = sorted(self.entries.values(), key=lambda entry: entry.header_offset)
        limits = [entry.header_offset for entry in starts[1:]] + [self.place.size]
        for entry, limit in zip(starts, limits):
            if entry.header_offset < 0 or entry.header_offset + 30 + entry.compress_size > limit:
                raise FileError(
                    f"{self.path.name} is damaged: {shortened(entry.filename)} reaches into what follows it."
                )
        return {entry.header_offset: limit for entry, limit in zip(starts, limits)}

    def span(self, name: str) -> Span:
        """Where the bytes of an entry lie; they must be as they are, neither packed nor encrypted."""
        if (entry := self.entries.get(name)) is None:
            raise FileError(f"{self.path.name} has no entry {shortened(name)}, which it says it has.")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise FileError(f"{self.path.name} holds {shortened(name)} compressed, which no PyTorch file does.")
        return self._packed(name, entry)

    def packed(self, name: str) -> Span:
        """Where the bytes of an entry lie, compressed or not."""
        return self._packed(name, self.entries[name])

    def _packed(self, name: str, entry: zipfile.ZipInfo) -> Span:
        if entry.flag_bits & 1:
            raise FileError(f"{self.path.name} holds {shortened(name)} encrypted, which cannot be read.")
        header = os.pread(self._file.number, 30, self.place.offset + entry.header_offset)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise FileError(f"{self.path.name} is damaged: {shortened(name)} is not where its table says.")
        names, extra = struct.unpack("<HH", header[26:30])
        offset = entry.header_offset + 30 + names + extra
        if offset + entry.compress_size > self._ends[entry.header_offset]:
            raise FileError(f"{self.path.name} is damaged: {shortened(name)} reaches into what follows it.")
        return Span(self.place.offset + offset, entry.compress_size)

    def read(self, name: str, limit: int = LARGEST_TEXT) -> bytes:
        """The bytes of an entry, at most ``limit``."""
        offset, size = self.span(name)
        if size > limit:
            raise FileError(f"{self.path.name} holds {shortened(name)} of {size:,} bytes; at most {limit:,} are read.")
        return os.pread(self._file.number, size, offset)

    def inflated(self, name: str, limit: int) -> bytes:
        """The bytes of an entry that may be compressed, as the text of TorchScript is; at most ``limit``."""
        entry = self.entries.get(name)
        if entry is None or entry.compress_type != zipfile.ZIP_DEFLATED:
            return self.read(name, limit)
        offset, size = self._packed(name, entry)
        packed = os.pread(self._file.number, min(size, limit), offset)
        try:
            unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, limit + 1)
        except zlib.error:
            raise FileError(f"{self.path.name} is damaged: {shortened(name)} cannot be unpacked.") from None
        if len(unpacked) > limit or size > limit:
            raise FileError(f"{self.path.name} holds {shortened(name)}, which is larger than the {limit:,} bytes read.")
        if len(unpacked) != entry.file_size:
            raise FileError(f"{self.path.name} is damaged: {shortened(name)} cannot be unpacked.")
        return unpacked


class _Part(io.RawIOBase):
    """A part of a file, read as a file of its own."""

    def __init__(self, path: Path, place: Span):
        self.file, self.place, self.at = path.open("rb"), place, 0

    def close(self) -> None:
        self.file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.place.size}[whence])
        return self.at

    def read(self, count: int | None = -1) -> bytes:
        left = max(0, self.place.size - self.at)
        count = left if count is None or count < 0 else min(count, left)
        self.file.seek(self.place.offset + self.at)
        found = self.file.read(count)
        self.at += len(found)
        return found

    def tail(self) -> bytes:
        """Its end, in which the table of a zip archive is described."""
        self.seek(-66_000, os.SEEK_END)
        return self.read()


def _count(tail: bytes) -> int:
    """How many entries a zip archive says that it has, from its end."""
    if (at := tail.rfind(b"PK\x06\x06")) >= 0 and len(tail) >= at + 40:
        return int(struct.unpack("<Q", tail[at + 32 : at + 40])[0])
    if (at := tail.rfind(b"PK\x05\x06")) >= 0 and len(tail) >= at + 12:
        return int(struct.unpack("<H", tail[at + 10 : at + 12])[0])
    return 0
