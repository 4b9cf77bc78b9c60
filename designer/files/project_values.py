"""The values of a project, in ``name.network.<hash of what they are>.safetensors`` beside it."""

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from designer.files import values_file
from designer.files.errors import FileError
from designer.files.replace import reason, replace
from designer.files.values_file import read_header
from designer.model import NetworkError
from designer.model.names import plain, shortened
from designer.model.values import Stamp, Tensor, check_value

NAME = re.compile(r"[^/\\\0]+\.([0-9a-f]{16})\.safetensors")


def read_values(name: Any, same: Mapping[str, str], project: Path) -> dict[str, Tensor]:
    """The mapped tensors of the file that a project names; raises FileError.

    ``same`` maps the keys whose tensor is stored under another key to that key.
    """
    if not isinstance(name, str) or not (match := NAME.fullmatch(name)):
        raise FileError(f"{shortened(name)} cannot name the values, which lie beside the project.")
    try:
        stamp = Stamp.of(Path(os.path.realpath(project)).with_name(name))
        header = read_header(stamp)
        if header.metadata.get("content") != match[1]:
            raise FileError("it holds other values than its name says.")
        values = values_file.map_tensors(stamp, header)
    except FileNotFoundError:
        raise FileError(f"its values, {plain(name, 200)}, do not lie beside it.") from None
    except OSError as error:
        raise FileError(f"its values, {plain(name, 200)}, cannot be read: {reason(error)}") from None
    except FileError as error:
        raise FileError(f"its values, {plain(name, 200)}, cannot be read: {error}") from None
    for key, stored in same.items():
        if key in values or stored not in header.entries:
            raise FileError(f"the values of {shortened(key)} cannot be those of {shortened(stored)}.")
        values[key] = values[stored]
    return values


def each_once(values: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors to store by key, and key -> key of the others: those that are the same memory."""
    stored: dict[str, Tensor] = {}
    same: dict[str, str] = {}
    first: dict[Any, str] = {}
    for key, value in sorted(values.items()):
        values_file.check_kind(key, value)
        place = (value.device, value.data_ptr(), value.shape, value.stride())
        memory = (*place, value.dtype, value.is_conj(), value.is_neg())
        if value.numel() and memory in first:
            same[key] = first[memory]
        else:
            stored[key] = value
            first[memory] = key
    return stored, same


def save_values(values: Mapping[str, Tensor], project: Path) -> tuple[Path, bool]:
    """The file beside the project that holds the values, and whether it is new."""
    for value in values.values():
        check_value(value)
    if mapped := _mapped_file(values, project):
        return mapped, False
    content = values_file.content_hash(values)
    file = project.with_name(f"{project.name}.{content}.safetensors")
    if file.exists():
        if not _holds(file, values_file.written(values, content)):
            raise FileError(f"there is a file {file.name} that holds something else.")
        return file, False
    replace(file, values_file.written(values, content))
    try:
        for value in values.values():
            check_value(value)  # nothing that changed while it was read becomes part of a project
    except NetworkError:
        file.unlink()
        raise
    return file, True


def _mapped_file(values: Mapping[str, Tensor], project: Path) -> Path | None:
    """The project's file that the values are mapped from, all of it and unchanged; None where there is none.

    So that a large network is neither read nor written again because a layer was moved.
    """
    stamps = {key: getattr(value, "mapped", None) for key, value in values.items()}
    first: Stamp | None = next(iter(stamps.values()))
    if first is None or first.path.parent != project.parent or not _values_of(project).fullmatch(first.path.name):
        return None
    if any(stamp != dataclasses.replace(first, name=key) for key, stamp in stamps.items()):
        return None
    try:
        now = Stamp.of(first.path)
    except OSError:
        return None
    whole = dataclasses.replace(first, name="") == now and read_header(now).entries.keys() == values.keys()
    return first.path if whole else None


def _holds(file: Path, pieces: Iterable[bytes | memoryview]) -> bool:
    """Whether a file is what would be written."""
    with file.open("rb") as content:
        return all(content.read(len(piece)) == piece for piece in pieces) and not content.read(1)


def remove_old_values(project: Path, kept: Path | None) -> None:
    """Remove what earlier saves of a project left, unless another project beside it names it; raises OSError."""
    names = _values_of(project)
    old = [file for file in project.parent.iterdir() if file != kept and _is_values(file, names)]
    if not old:
        return
    others = [Stamp.of(other) for other in project.parent.glob("*.network") if other != project]
    named = b"\n".join(other.read(0, other.size) for other in others)  # a project may be a copy of another
    for file in old:
        if file.name.encode() not in named:
            file.unlink()


def _values_of(project: Path) -> re.Pattern[str]:
    """The names that the values of a project have."""
    return re.compile(re.escape(project.name) + r"\.([0-9a-f]{16})\.safetensors")


def _is_values(file: Path, names: re.Pattern[str]) -> bool:
    """Whether a file is the values of a project, by its name and by what it says of itself."""
    match = names.fullmatch(file.name)
    if not match or file.is_symlink():
        return False
    try:
        return read_header(Stamp.of(file)).metadata.get("content") == match[1]
    except (FileError, OSError):
        return False
