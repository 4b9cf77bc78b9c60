"""A picture as a PNG or SVG file, marked as ours so that it may be replaced by the next one."""

import os
import struct
import zlib
from pathlib import Path

from designer.files.errors import FileError
from designer.files.replace import reason, replace

SUFFIX = ".png"
VECTORS = ".svg"
START = b"\x89PNG\r\n\x1a\n"
HEADER = len(START) + 25  # bytes: its first chunk is always the size and kind of the picture
MARK = b"tEXtSoftware\0Network Designer"
DRAWN = "Drawn by Network Designer"  # the description of an SVG


def check_picture(path: str | os.PathLike[str], suffix: str = SUFFIX, asked: bool = False) -> None:
    """Refuse a name under which no picture can be saved.

    A file that is no picture of ours is replaced only if the user was ``asked``.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise FileError("it is a folder.")
        if file.suffix.lower() != suffix:
            raise FileError(f"the name of a picture ends in {suffix}.")
        if not file.resolve().parent.is_dir():
            raise FileError(f"there is no folder {file.parent}.")
        if file.exists() and not asked and not is_ours(file):
            raise FileError("the file of this name is no picture by Network Designer.")
    except FileError as error:
        raise FileError(f"{file.name} cannot be written: {error}") from None
    except OSError as error:
        raise FileError(f"{file.name} cannot be written: {reason(error)}") from None


def is_ours(file: Path) -> bool:
    with file.open("rb") as opened:
        start = opened.read(1000)
    vectors = start.startswith(b"<?xml") and f"<desc>{DRAWN}</desc>".encode() in start
    return vectors or (start.startswith(START) and MARK in start[: HEADER + 100])


def save_picture(png: bytes, path: str | os.PathLike[str], asked: bool = False) -> None:
    """Write a PNG with our mark to a file."""
    assert png.startswith(START)
    chunk = struct.pack(">I", len(MARK) - 4) + MARK + struct.pack(">I", zlib.crc32(MARK))
    _write(path, SUFFIX, [png[:HEADER], chunk, png[HEADER:]], asked)


def save_svg(svg: str, path: str | os.PathLike[str], asked: bool = False) -> None:
    """Write an SVG, which tells that it is ours, to a file."""
    assert DRAWN in svg
    _write(path, VECTORS, [svg.encode()], asked)


def _write(path: str | os.PathLike[str], suffix: str, pieces: list[bytes], asked: bool) -> None:
    check_picture(path, suffix, asked)
    file = Path(path)
    try:
        replace(file.resolve(), pieces)
    except OSError as error:
        raise FileError(f"{file.name} cannot be written: {reason(error)}") from None
