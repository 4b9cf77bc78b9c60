"""Copied layers as text: the JSON of a project file, the values in it as well while they are few."""

import base64
import binascii
import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from designer.edits.copying import Part
from designer.files import network_json, values_file
from designer.files.errors import FileError
from designer.files.project import FORMAT, HEAD, LARGEST, OPENED, UPGRADES, upgraded
from designer.files.project_values import each_once
from designer.files.strict_json import check, parse, write
from designer.model import NetworkError
from designer.model.checking import check_network
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor, check_value

MOST_VALUES = 2**24  # bytes that go along; more are initialised anew
LINE = 75_000  # characters of a text of values
ENTRIES = {"lenders", "shapes", "values", "same_values", "left"}


def write_part(part: Part) -> str:
    """Write copied layers as text."""
    document: dict[str, Any] = {"format": FORMAT, "version": len(UPGRADES) + 1, **network_json.encode(part.network)}
    beside: dict[str, Any] = {}
    if part.lenders:
        beside["lenders"] = dict(part.lenders)
    if part.shapes:
        beside["shapes"] = {port: list(shape) for port, shape in part.shapes.items()}
    kept = _few(part)
    if kept:
        stored, same = each_once(kept)
        content = b"".join(values_file.written(stored, "copied"))
        text = base64.b64encode(content).decode()
        beside["values"] = [text[at : at + LINE] for at in range(0, len(text), LINE)]
        beside |= {"same_values": same} if same else {}
    if left := len(part.network.values) - len(kept):
        beside["left"] = left
    document |= {"part": beside} if beside else {}
    check(document)
    return write(document, OPENED | {"part", "lenders", "values"}) + "\n"


def _few(part: Part) -> dict[str, Tensor]:
    """The values that go along: all, else those that the copied layers own, else none."""
    own = {key: value for key, value in part.network.values.items() if key.partition(".")[0] not in part.lenders}
    for values in (dict(part.network.values), own):
        if sum(value.numel() * value.element_size() for value in values.values()) <= MOST_VALUES:
            for value in values.values():
                check_value(value)
            return values
    return {}


def read_part(text: str) -> tuple[Part, int]:
    """Read copied layers, or a whole project, from the text of anyone; raises FileError.

    Gives also how many values were left behind.
    """
    try:
        return _read(text.encode("utf-8", "surrogatepass"))
    except (FileError, NetworkError) as error:
        raise FileError(f"What was copied cannot be pasted: {error}") from None
    except OSError as error:
        raise FileError(f"What was copied cannot be pasted: {error.strerror}.") from None


def _read(content: bytes) -> tuple[Part, int]:
    if len(content) > LARGEST:
        raise FileError(f"it has {len(content):,} bytes, and at most {LARGEST:,} are read.")
    if not HEAD.match(content):
        raise FileError("it holds no layers of Network Designer.")
    document = upgraded(parse(content))
    beside = document.pop("part", {})
    if not isinstance(beside, dict) or not beside.keys() <= ENTRIES:
        raise FileError(f"{shortened(beside)} cannot tell what lies around it.")
    left = beside.get("left", 0)
    if type(left) is not int or not 0 <= left <= LARGEST:
        raise FileError(f"{shortened(left)} values cannot have been left.")
    for name in ("view", "aliases", "file_names", "same_values"):
        document.pop(name, None)
    if document.pop("values", None) is not None:
        left = -1  # of a project, they lie in a file beside it
    network = network_json.decode(document)
    same = _texts(beside.get("same_values", {}))
    network = dataclasses.replace(network, values=_values(beside["values"], same) if "values" in beside else {})
    check_network(network)
    lenders = _texts(beside.get("lenders", {}))
    if not lenders.keys() <= network.layers.keys() or (lenders and lenders.keys() == network.layers.keys()):
        raise FileError("what lends to it is not a part of it.")
    return Part(network, lenders, _shapes(beside.get("shapes", {}))), left


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise FileError(f"there must be texts by name, not {shortened(value)}.")
    return value


def _shapes(value: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, dict):
        raise FileError(f"the shapes must be lists by port, not {shortened(value)}.")
    for shape in value.values():
        if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
            raise FileError(f"{shortened(shape)} is not the shape of a learnable.")
    return {port: tuple(shape) for port, shape in value.items()}


def _values(pieces: Any, same: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors of a safetensors file that is written as text."""
    if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
        raise FileError(f"the values must be a list of texts, not {shortened(pieces)}.")
    try:
        content = base64.b64decode("".join(pieces), validate=True)
    except (binascii.Error, ValueError):
        raise FileError("its values are not written as base64.") from None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.safetensors"
        file.write_bytes(content)
        stamp = Stamp.of(file)
        mapped = values_file.map_tensors(stamp, values_file.read_header(stamp))
        values = {key: value.clone() for key, value in mapped.items()}
    for key, stored in same.items():
        if key in values or stored not in mapped:
            raise FileError(f"the values of {shortened(key)} cannot be those of {shortened(stored)}.")
        values[key] = values[stored]
    return values
