"""A picture of the window as a PNG file, marked as ours so that it may be replaced by the next one."""

import os
import struct
import zlib
from pathlib import Path

from designer.files.errors import FileError
from designer.files.replace import reason, replace

SUFFIX = ".png"
START = b"\x89PNG\r\n\x1a\n"
HEADER = len(START) + 25  # bytes: its first chunk is always the size and kind of the picture
MARK = b"tEXtSoftware\0Network Designer"


def check_picture(path: str | os.PathLike[str]) -> None:
    """Refuse a name under which no picture can be saved: a file that is no picture of ours is never replaced."""
    file = Path(path)
    try:
        if file.is_dir():
            raise FileError("it is a folder.")
        if file.suffix.lower() != SUFFIX:
            raise FileError(f"the name of a picture ends in {SUFFIX}.")
        if not file.resolve().parent.is_dir():
            raise FileError(f"there is no folder {file.parent}.")
        if file.exists() and not is_ours(file):
            raise FileError("the file of this name is no picture by Network Designer.")
    except FileError as error:
        raise FileError(f"{file.name} cannot be written: {error}") from None
    except OSError as error:
        raise FileError(f"{file.name} cannot be written: {reason(error)}") from None


def is_ours(file: Path) -> bool:
    with file.open("rb") as opened:
        start = opened.read(HEADER + 100)
    return start.startswith(START) and MARK in start


def save_picture(png: bytes, path: str | os.PathLike[str]) -> None:
    """Write a PNG with our mark to a file."""
    assert png.startswith(START)
    check_picture(path)
    file = Path(path)
    chunk = struct.pack(">I", len(MARK) - 4) + MARK + struct.pack(">I", zlib.crc32(MARK))
    try:
        replace(file.resolve(), [png[:HEADER], chunk, png[HEADER:]])
    except OSError as error:
        raise FileError(f"{file.name} cannot be written: {reason(error)}") from None
