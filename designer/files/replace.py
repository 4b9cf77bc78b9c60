"""Write a file so that under its name stands either what was there or all of the new."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from designer.files.errors import FileError


def replace(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write the pieces to a file beside it, and only then give that the name; raises OSError, and then did nothing."""
    with replacing(path) as file:
        for piece in pieces:
            file.write(piece)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a new file beside it to write to, which gets the name when all went well."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(number, stat.S_IMODE(path.stat().st_mode))
            os.fsync(number)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def save_text(text: str, path: Path, asked: bool = False) -> None:
    """Write a text; a file of this name is replaced only where the user was ``asked``."""
    if path.exists() and not asked:
        raise FileError(f"{path.name} cannot be written: there is a file of this name.")
    replace(path, [text.encode("utf-8", "replace")])


def _sync(folder: Path) -> None:
    """Make a new name survive a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def reason(error: OSError) -> str:
    """What the system says, as the end of a sentence."""
    text = error.strerror or type(error).__name__
    return f"{text[0].lower()}{text[1:]}."
