"""The state_dict of a network as a safetensors file."""

import os
from pathlib import Path

from designer.analysis import analyze
from designer.files import values_file
from designer.files.errors import FileError
from designer.files.replace import reason, replace
from designer.files.values_file import read_header
from designer.model import Network, NetworkError
from designer.model.values import Stamp, check_value
from designer.source import initialize

SUFFIX = ".safetensors"


def save_weights(network: Network, path: str | os.PathLike[str], asked: bool = False) -> int:
    """Write every value by its state_dict key, a tied one once, as ``build`` has them; give how many.

    A file that was not written here is replaced only if the user was ``asked``. Raises NetworkError for a network
    with errors.
    """
    given = Path(path)
    try:
        if given.suffix != SUFFIX:
            raise FileError(f"the name of such a file ends in {SUFFIX}.")
        if given.is_dir():
            raise FileError("it is a folder.")
        if given.exists() and not asked and not _is_ours(given):
            raise FileError("the file of this name was not written by Network Designer.")
        if errors := analyze(network).errors:
            raise NetworkError(errors[0].text)
        values = initialize(network).values
        for key, value in values.items():
            values_file.check_kind(key, value)
            check_value(value)
        content = values_file.content_hash(values)
        replace(Path(os.path.realpath(given)), values_file.written(values, content))
    except FileError as error:
        raise FileError(f"{given.name} cannot be written: {error}") from None
    except OSError as error:
        raise FileError(f"{given.name} cannot be written: {reason(error)}") from None
    return len(values)


def _is_ours(file: Path) -> bool:
    try:
        return "content" in read_header(Stamp.of(file)).metadata
    except FileError:
        return False
