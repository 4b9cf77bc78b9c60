"""The written source as a Python file that runs alone, with only torch installed."""

import hashlib
import os
import re
from pathlib import Path

from designer.files.errors import FileError
from designer.files.replace import reason, replace
from designer.model import Network
from designer.source import write_pytorch
from designer.source.aliases import Style

SUFFIX = ".py"
LAST_LINE = "# Export {}: Network Designer replaces this file while nothing above is changed.\n"
WRITTEN = re.compile(rb"# Export ([0-9a-f]{16}): [^\n]*\n\Z")


def save_source(network: Network, path: str | os.PathLike[str], style: Style = "wires") -> None:
    """Write the source of a network to a file.

    A file that is not such a source, or was edited since, is never replaced. A network with errors raises NetworkError.
    """
    given = Path(path)
    try:
        file = Path(os.path.realpath(given))
        _check_replaceable(file)
        source = write_pytorch(network, style).encode()
        replace(file, [source, LAST_LINE.format(_sum(source)).encode()])
    except FileError as error:
        raise FileError(f"{given.name} cannot be written: {error}") from None
    except OSError as error:
        raise FileError(f"{given.name} cannot be written: {reason(error)}") from None


def _check_replaceable(file: Path) -> None:
    if file.is_dir():
        raise FileError("it is a folder.")
    if file.suffix != SUFFIX:
        raise FileError(f"the name of a Python file ends in {SUFFIX}.")
    if file.exists() and not _is_as_written(file.read_bytes()):
        raise FileError("the file of this name was not exported by Network Designer, or was edited since.")


def _is_as_written(content: bytes) -> bool:
    """Whether a file is an export to which nothing was done."""
    last = WRITTEN.search(content)
    return last is not None and last[1].decode() == _sum(content[: last.start()])


def _sum(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()[:16]
