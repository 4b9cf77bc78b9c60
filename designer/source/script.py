"""The scripting code that makes a network, less its values."""

import dataclasses
import keyword
from typing import Any, NamedTuple

from designer.layers.text import literal
from designer.model import BUNDLE, Call, Group, Layer, Network, Parameter, Port, layer_types
from designer.model.names import free, join

WIDTH = 120


def write_script(network: Network) -> str:
    """Write Python that makes an equal network, its values left out; ``net`` is the network."""
    types = sorted(
        {type(layer).__name__ for layer in network.all.values()}, key=lambda name: (not name.isupper(), name)
    )
    assert all(name in layer_types for name in types)
    writer = _Writer({"Network", "net", *types})
    writer.network(network, "net", "")
    imports = ["from designer import Network"]
    if types:
        line = f"from designer.layers import {', '.join(types)}"
        listed = "".join(f"    {name},\n" for name in types)
        imports.append(line if len(line) <= WIDTH else f"from designer.layers import (\n{listed})")
    return "\n".join([*imports, "", *writer.lines]) + "\n"


class Statement(NamedTuple):
    """A call of ``add``, or of ``chain`` after a layer or from nothing, with the names of the layers that it adds."""

    method: str
    after: str
    names: list[str]


def _statements(network: Network) -> tuple[list[Statement], set[Port]]:
    """How the layers are added in their order, and the inputs that are wired by that."""
    found: list[Statement] = []
    wired: set[Port] = set()
    seen: set[str] = set()
    previous = ""
    for name, layer in network.layers.items():
        entry = None if isinstance(layer, Call) else next(iter(_entries(network, name)), None)
        source = network.connections.get(entry) if entry else None
        usual = source is not None and source.layer in seen and source == _exit(network, source.layer)
        last = found[-1] if found else None
        if usual and entry and source:
            wired.add(entry)
            if last and source.layer == previous and last.method == "chain":
                last.names.append(name)
            elif last and source.layer == previous and len(last.names) == 1:
                found[-1] = Statement("chain", "", [previous, name])
            else:
                found.append(Statement("chain", source.layer, [name]))
        elif last and last.method == "add":
            last.names.append(name)
        else:
            found.append(Statement("add", "", [name]))
        seen.add(name)
        previous = name
    return found, wired


def _entries(network: Network, name: str) -> list[Port]:
    names = ("0",) if network.layers[name].variadic else network.inputs_of(name)
    return [Port(name, port) for port in names]


def _exit(network: Network, name: str) -> Port | None:
    outputs = () if isinstance(network.layers[name], Call) else network.outputs_of(name)
    return Port(name, outputs[0]) if outputs else None


class _Writer:
    """Writes groups before what holds them, and equal groups once."""

    def __init__(self, taken: set[str]):
        self.lines: list[str] = []
        self.taken = taken
        self.groups: list[tuple[Network, str]] = []

    def network(self, network: Network, name: str, path: str) -> None:
        inner = {
            tail: self.group(layer.network, join(path, tail))
            for tail, layer in network.layers.items()
            if isinstance(layer, Group)
        }
        settings = {"dtype": network.dtype} if network.dtype != "float32" else {}
        more: dict[str, Any] = {"aliases": dict(network.aliases), "notes": network.notes}
        more["down"] = network.down
        given = [f"{each}={_value(value)}" for each, value in (settings | more).items() if value]
        start = f"Network({', '.join(given)})"
        statements, wired = _statements(network)
        for method, after, names in statements:
            layers = {tail: _layer(network.layers[tail], inner.get(tail, "")) for tail in names}
            items = [_argument(tail, text) for tail, text in layers.items()]
            self.call(f"{name} = {start}.{method}", [_value(after), *items] if after else items)
            start = name
        if not statements:
            self.lines.append(f"{name} = {start}")
        rest = [(target, source) for target, source in network.connections.items() if target not in wired]
        for target, source in sorted(rest, key=lambda wire: wire[0].name != BUNDLE):  # the ports of a Call come by it
            self.call(f"{name} = {name}.connect", [_value(str(source)), _value(str(target))])
        if network.positions:
            self.call(f"{name} = {name}.move", [_value(dict(network.positions))])
        if path:
            self.lines.append("")

    def group(self, network: Network, path: str) -> str:
        """The name of the network that a group holds."""
        for known, name in self.groups:
            if known == network:
                return name
        name = path.replace(".", "_")
        name = free(name if name.isidentifier() and not keyword.iskeyword(name) else f"group_{name}", self.taken)
        self.taken.add(name)
        self.network(network, name, path)
        self.groups.append((network, name))
        return name

    def call(self, start: str, arguments: list[str]) -> None:
        """Write a call on a line, or with a line for each argument."""
        line = f"{start}({', '.join(arguments)})"
        if len(line) <= WIDTH and len(arguments) <= 2:
            self.lines.append(line)
        else:
            self.lines += [f"{start}(", *(f"    {argument}," for argument in arguments), ")"]


def _argument(name: str, text: str) -> str:
    plain = name.isidentifier() and not keyword.iskeyword(name)
    return f"{name}={text}" if plain else f"**{{{_value(name)}: {text}}}"


def _layer(layer: Layer, inner: str) -> str:
    """How a layer is made: its first numbers by place, the rest by name."""
    placed: list[str] = []
    named: list[str] = []
    by_place = True
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        if isinstance(layer, Group) and field.name == "network":
            placed.append(inner)
            continue
        if isinstance(layer, Parameter) and field.name == "output_learnables":
            continue  # it always offers its value
        usual = bool(value == field.default)
        if not field.kw_only:
            by_place = by_place and not usual and not (placed and isinstance(value, bool | str))
        if by_place and not field.kw_only:
            placed.append(_value(value))
        elif not usual:
            named.append(f"{field.name}={_value(value)}")
    return f"{type(layer).__name__}({', '.join([*placed, *named])})"


def _value(value: Any) -> str:
    """A value as Python: whole numbers without ``.0`` where places are meant, texts in double quotes."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_value(key)}: {_value(entry)}' for key, entry in value.items())}}}"
    return literal(value)
