"""A network, less its values, as JSON that people can read and compare."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import designer.layers  # noqa: F401  a file names layer types, which this registers
from designer.files.errors import FileError
from designer.model import Group, Layer, Network, NetworkError, Port, layer_types
from designer.model.names import join, shortened
from designer.model.structure import DEPTH

MOST_LAYERS = 100_000
MOST_WIRES = 1_000_000
MOST_INPUTS = 1_000_000  # of layers with any number of them
LONGEST_PATH = 1_000  # characters: a path is kept for every layer

# The entries of a network, in this order; a group's too.
INNER = ("dtype", "notes", "layers", "wires", "positions", "down")
ARROW = " -> "


def encode(network: Network) -> dict[str, Any]:
    """What stands in the file, the same for equal networks; refuses what ``decode`` would."""
    _check_counts(len(network.all), len(network.wires))
    for path in network.all:
        _check_path(path)
    return _encode(network)


def _encode(network: Network) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    if network.dtype != "float32":
        entries["dtype"] = network.dtype
    if network.notes:
        entries["notes"] = network.notes
    entries["layers"] = {name: _encode_layer(layer) for name, layer in network.layers.items()}
    if network.connections:
        order = {name: n for n, name in enumerate(network.all)}
        wires = sorted(network.connections.items(), key=lambda wire: (order[wire[0].layer], _natural(wire[0].name)))
        entries["wires"] = [f"{source}{ARROW}{target}" for target, source in wires]
    if network.positions:
        entries["positions"] = {
            name: [_short(x) for x in network.positions[name]] for name in network.layers if name in network.positions
        }
    if network.down:
        entries["down"] = True
    return entries


def decode(entries: Any) -> Network:
    """The network of a file; raises FileError or NetworkError, the caller checks the whole."""
    reader = _Reader()
    network = reader.network(entries, "")
    if len(network.wires) < reader.wires:  # one in a group, and one around it
        found: set[Port] = set()
        for path in ("", *(path for path, layer in network.walk() if isinstance(layer, Group))):
            for target in (end.above(path) for end in network.network_at(path).connections):
                if target in found:
                    raise FileError(f"two wires end at {shortened(str(target))}.")
                found.add(target)
    return network


def _check_counts(layers: int, wires: int) -> None:
    if layers > MOST_LAYERS:
        raise FileError(f"it has more than {MOST_LAYERS:,} layers.")
    if wires > MOST_WIRES:
        raise FileError(f"it has more than {MOST_WIRES:,} wires.")


def _check_path(path: str) -> None:
    if len(path) > LONGEST_PATH:
        raise FileError(f"the path {shortened(path)} has more than {LONGEST_PATH:,} characters.")
    if path.count(".") > DEPTH:
        raise FileError(f"groups stand in groups more than {DEPTH} deep.")


def _natural(port: str) -> tuple[int, str]:
    """Numbered ports by number."""
    return (int(port), "") if port.isdecimal() else (-1, port)


def _short(number: float) -> float:
    """A whole number without its ``.0``; as it is where it is too large for that to be exact."""
    return int(number) if float(number).is_integer() and abs(number) < 2**53 else float(number)


def _encode_layer(layer: Layer) -> dict[str, Any]:
    """The type, and the properties that are not the default."""
    kind = type(layer)
    assert layer_types.get(kind.__name__) is kind, f"{kind.__name__} is not a type that a file can name"
    entries: dict[str, Any] = {"type": kind.__name__}
    for name, default in _properties(kind.__name__).items():
        value = getattr(layer, name)
        if isinstance(value, Network):
            entries[name] = _encode(value)
        elif value is not default and json.dumps(encoded := _encode_value(value)) != json.dumps(_encode_value(default)):
            entries[name] = encoded
    return entries


@cache
def _properties(kind: str) -> Mapping[str, Any]:
    """Property of a type -> default: first what the class states, then what all layers have, a network last."""
    fields = sorted(dataclasses.fields(layer_types[kind]), key=lambda field: (field.name == "network", field.kw_only))
    return {field.name: field.default for field in fields}


def _encode_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_encode_value(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}  # JSON has no inf and no nan, and a text is something else
    return value


def _decode_value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_decode_value, value))
    if isinstance(value, dict):
        if value.keys() == {"float"} and value["float"] in ("inf", "-inf", "nan"):
            return float(value["float"])
        raise FileError(f"{shortened(value)} is not the value of a property.")
    return value


class _Reader:
    """Reads the networks of one file, counting what they hold."""

    def __init__(self) -> None:
        self.layers = 0
        self.wires = 0
        self.inputs = 0

    def network(self, entries: Any, path: str) -> Network:
        """The network at a path, from its entries."""
        where = f"the network in {path}" if path else "it"
        known = _object(entries, where)
        for name in known:
            if name not in INNER:
                raise FileError(f"{where} has an unknown entry {shortened(name)}.")
        return Network(
            layers=self._layers(_object(known.get("layers", {}), f"layers of {where}"), path),
            connections=self._connections(known.get("wires", [])),
            positions=_positions(_object(known.get("positions", {}), f"positions of {where}")),
            dtype=_text(known.get("dtype", "float32"), "dtype"),
            notes=_text(known.get("notes", ""), "notes"),
            down=_switch(known.get("down", False), f"down of {where}"),
        )

    def _layers(self, entries: Mapping[str, Any], path: str) -> dict[str, Layer]:
        self.layers += len(entries)
        _check_counts(self.layers, self.wires)
        return {name: self._layer(entry, join(path, name)) for name, entry in entries.items()}

    def _layer(self, entry: Any, path: str) -> Layer:
        _check_path(path)
        where = f"layer {shortened(path)}"
        properties = dict(_object(entry, where))
        name = _text(properties.pop("type", None), f"the type of {where}")
        if (kind := layer_types.get(name)) is None:
            raise FileError(f"{where} has the unknown type {shortened(name)}.")
        known = _properties(kind.__name__)
        for name, value in properties.items():
            if name not in known:
                raise FileError(f"{where}: {kind.__name__} has no property {shortened(name)}.")
            if kind is Group and name == "network":
                properties[name] = self.network(value, path)
            else:
                properties[name] = _decode_value(value)
        try:
            return kind(**properties)
        except NetworkError as error:
            raise FileError(f"{where}: {error}") from None

    def _connections(self, wires: Any) -> dict[Port, Port]:
        if not isinstance(wires, list):
            raise FileError(f"the wires must be a list, not {shortened(wires)}.")
        self.wires += len(wires)
        _check_counts(self.layers, self.wires)
        found: dict[Port, Port] = {}
        for wire in wires:
            ends = [Port.parse(end) for end in _text(wire, "a wire").split(ARROW)]
            if len(ends) != 2 or not all(end.layer and end.name for end in ends):
                raise FileError(f"{shortened(wire)} is not a wire such as 'emb/weight -> fc/weight'.")
            source, target = ends
            if target in found:
                raise FileError(f"two wires end at {shortened(str(target))}.")
            found[target] = source
        self._count_inputs(found)
        return found

    def _count_inputs(self, targets: Iterable[Port]) -> None:
        """A layer with any number of inputs has all those below the highest that is named."""
        numbered: dict[str, int] = {}
        for target in targets:
            if target.name.isdecimal() and len(target.name) < 6:  # a longer one is no port
                numbered[target.layer] = max(numbered.get(target.layer, 0), int(target.name) + 1)
        self.inputs += sum(numbered.values())
        if self.inputs > MOST_INPUTS:
            raise FileError(f"it has more than {MOST_INPUTS:,} numbered inputs.")


def _positions(entries: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    found = {}
    for name, at in entries.items():
        numbers = isinstance(at, list) and len(at) == 2 and all(type(x) in (int, float) for x in at)
        if not numbers:
            raise FileError(f"the position of {shortened(name)} must be two numbers, not {shortened(at)}.")
        found[name] = (float(at[0]), float(at[1]))
    return found


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FileError(f"{what} must be an object, not {shortened(value)}.")
    return value


def _switch(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise FileError(f"{what} must be true or false, not {shortened(value)}.")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise FileError(f"{what} must be a text, not {shortened(value)}.")
    return value
