"""The project file: a network as JSON in ``name.network``, and its values beside it.

The values are written first, to a file named by what they are, and the JSON that names that file last: so whatever
happens between, the project is either the one before or the one after.
"""

import contextlib
import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from designer.files import network_json, report_json
from designer.files.errors import FileError
from designer.files.project_values import each_once, read_values, remove_old_values, save_values
from designer.files.replace import reason, replace
from designer.files.report import Report
from designer.files.strict_json import check, parse, write
from designer.model import Network, NetworkError
from designer.model.checking import check_network
from designer.model.names import shortened
from designer.model.values import Stamp

SUFFIX = ".network"
FORMAT = "network designer project"
HEAD = re.compile(rb'\s*\{\s*"format"\s*:\s*"network designer project"')  # how a project file begins
LARGEST = 2**25  # bytes of JSON; 100,000 layers have about 10 million
OPENED = frozenset(
    ("layers", "wires", "positions", "aliases", "file_names", "same_values", "network")
)  # a line for each entry

Document = dict[str, Any]  # the JSON of a project file

# The n-th brings a file of version n to version n + 1. Each is named by its date, upgrade_2027_01_31, and has in
# tests/files/projects a file of its version.
UPGRADES: tuple[Callable[[Document], Document], ...] = ()


def load(path: str | os.PathLike[str]) -> Network:
    """Open a project file; its values are mapped, and read when something needs them."""
    return read_project(path).network


class Project(NamedTuple):
    """What a project file holds."""

    network: Network
    view: dict[str, Any]  # how it was looked at when it was saved: whatever ``save`` was given
    report: Report | None = None  # of the import that it came from


def read_project(path: str | os.PathLike[str]) -> Project:
    """Open a project file."""
    file = Path(path)
    try:
        document = upgraded(_document(file))
        view = document.pop("view", {})
        document.pop("part", None)  # of copied layers that were pasted into a file
        if not isinstance(view, dict):
            raise FileError(f"its view must be an object, not {shortened(view)}.")
        report = report_json.decode(document.pop("report", None))
        network = _network(document, file)
        if report is not None and report.known_suggestions is None:
            report = dataclasses.replace(report, network=network)  # they are looked for in what was opened
        return Project(network, view, report)
    except (FileError, NetworkError) as error:
        raise FileError(f"{file.name} cannot be opened: {error}") from None
    except OSError as error:
        raise FileError(f"{file.name} cannot be opened: {reason(error)}") from None


def save(
    network: Network,
    path: str | os.PathLike[str],
    view: Mapping[str, Any] | None = None,
    report: Report | None = None,
) -> None:
    """Save a network as a project file, with its values beside it.

    A file that is not a project is never replaced. What was there before stays as it is when anything goes wrong.
    """
    given = Path(path)
    try:
        _save(network, Path(os.path.realpath(given)), dict(view or {}), report)
    except (FileError, NetworkError) as error:
        raise FileError(f"{given.name} cannot be saved: {error}") from None
    except OSError as error:
        raise FileError(f"{given.name} cannot be saved: {reason(error)}") from None


# Reading.


def _document(file: Path) -> Document:
    """The JSON of a file that begins as a project does."""
    if file.is_dir():
        raise FileError("it is a folder.")
    stamp = Stamp.of(file)
    if stamp.size == 0:
        raise FileError("it is empty.")
    if stamp.size > LARGEST:
        raise FileError(f"it has {stamp.size:,} bytes, and a project at most {LARGEST:,}.")
    content = stamp.read(0, stamp.size)
    if not HEAD.match(content):
        raise FileError("it is not a project of Network Designer.")
    document = parse(content)
    assert isinstance(document, dict)  # its first sign is a brace
    return document


def upgraded(document: Document) -> Document:
    """The document as this version of the app writes it."""
    del document["format"]
    version = document.pop("version", None)
    if type(version) is not int or version < 1:
        raise FileError(f"{shortened(version)} is not a version of its format.")
    newest = len(UPGRADES) + 1
    if version > newest:
        raise FileError(
            f"it was saved by a newer Network Designer, in version {version}; this one reads up to {newest}."
        )
    for upgrade in UPGRADES[version - 1 :]:
        document = upgrade(document)
    return document


def _network(document: Document, file: Path) -> Network:
    aliases = _texts(document.pop("aliases", {}), "aliases")
    names = _texts(document.pop("file_names", {}), "names in a file")
    same = _texts(document.pop("same_values", {}), "same values")
    values = read_values(document.pop("values", None), same, file) if "values" in document or same else {}
    network = dataclasses.replace(network_json.decode(document), values=values, aliases=aliases, file_names=names)
    check_network(network)
    return network


def _texts(value: Any, what: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise FileError(f"its {what} must be texts by name, not {shortened(value)}.")
    return value


# Writing.


def _save(network: Network, path: Path, view: Mapping[str, Any], report: Report | None) -> None:
    _check_replaceable(path)
    stored, same = each_once(network.values)
    document = {"format": FORMAT, "version": len(UPGRADES) + 1, **network_json.encode(network)}
    document |= {"aliases": dict(sorted(network.aliases.items()))} if network.aliases else {}
    document |= {"file_names": dict(network.file_names)} if network.file_names else {}
    document |= {"same_values": same} if same else {}
    document |= {"report": report_json.encode(report)} if report else {}
    check([document, view])
    values, new = save_values(stored, path) if stored else (None, False)
    document |= {"values": values.name} if values else {}
    document |= {"view": view} if view else {}
    try:
        text = write(document, OPENED).encode() + b"\n"
        if len(text) > LARGEST:
            raise FileError(f"its JSON would have {len(text):,} bytes, and at most {LARGEST:,} are read.")
        replace(path, [text])
    except (FileError, OSError):
        if values and new:
            values.unlink()
        raise
    with contextlib.suppress(OSError):  # the project is saved; what is left over is removed by a later save
        remove_old_values(path, values)


def _check_replaceable(path: Path) -> None:
    """Refuse to replace what is not a project."""
    if path.suffix != SUFFIX or path.name == SUFFIX:
        raise FileError(f"the name of a project ends in {SUFFIX}.")
    if path.is_dir():
        raise FileError("it is a folder.")
    if path.exists() and not HEAD.match(Stamp.of(path).read(0, 1000)):
        raise FileError("there is a file of this name that is not a project of Network Designer.")
