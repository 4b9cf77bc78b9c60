"""The analysis as a table: what each cell shows, how rows are found, sorted and copied."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from designer.analysis import Analysis, Row
from designer.analysis.shapes import Size
from designer.analysis.sizes import memory
from designer.gui.drawing import shape_text
from designer.model import Network, Port
from designer.model.names import parent

COLUMNS = (
    "Name",
    "Type",
    "Activations",
    "Learnables",
    "Tied to",
    "Stored",
    "Used",
    "Memory",
    "Multiply-adds",
    "Trains",
    "Factor",
)
NUMBERS = frozenset(("Stored", "Used", "Memory", "Multiply-adds", "Factor"))


class Part(NamedTuple):
    """A stretch of text in a cell; the colour is a name of the theme."""

    text: str
    color: str = "text1"
    weight: int = 400


class Cell(NamedTuple):
    """What one cell shows; ``plain`` is what is copied, ``order`` what it is sorted by."""

    parts: tuple[Part, ...]
    plain: str
    order: float | str = ""
    icon: str = ""
    jumps: tuple[tuple[str, str], ...] = ()  # what a click leads to: a learnable, and its layer


def layer_of(network: Network, key: str) -> str:
    """Give the layer that owns a state_dict key; the names of learnables may have dots too."""
    path = key
    while path and path not in network.all:
        path = parent(path)
    return path


def borrowers(analysis: Analysis) -> dict[str, list[str]]:
    """Give for each owner's key the learnables that are tied to it, as ``fc.weight``."""
    found: dict[str, list[str]] = {}
    for row in analysis.rows:
        for name, keys in row.tied_to.items():
            for key in keys.split(", "):
                found.setdefault(key, []).append(f"{row.name}.{name}")
    return found


def cells(network: Network, row: Row, borrowed: Mapping[str, list[str]]) -> tuple[Cell, ...]:
    """Give what the table shows of a layer, column by column."""
    activations = ", ".join(map(shape_text, row.activations)) or "none"
    makers: Mapping[str, Callable[[], Cell]] = {
        "Name": lambda: Cell((Part(row.name, weight=500),), row.name, row.name.lower()),
        "Type": lambda: Cell((Part(row.type, "text2"),), row.type, row.type.lower()),
        "Activations": lambda: Cell(
            (Part(activations, "text3" if activations == "none" else "text2"),),
            ", ".join(map(_plain_shape, row.activations)),
            activations,
        ),
        "Learnables": lambda: _learnables(network, row),
        "Tied to": lambda: _tied(network, row, borrowed),
        "Stored": lambda: _number(row, row.stored, f"{row.stored:,}"),
        "Used": lambda: _number(row, row.used, f"{row.used:,}"),
        "Memory": lambda: _number(row, row.bytes, memory(row.bytes)),
        "Multiply-adds": lambda: _multiply_adds(row),
        "Trains": lambda: _trains(row),
        "Factor": lambda: _factor(row),
    }
    return tuple(makers[column]() for column in COLUMNS)


def _number(row: Row, value: int, text: str) -> Cell:
    if not row.known:
        return Cell((Part("?", "text3"),), "?", float(value))
    return Cell((Part(text, "text1" if value else "text3"),), str(value), float(value))


def _trains(row: Row) -> Cell:
    text = "" if row.trains is None else "yes" if row.trains else "frozen"
    return Cell((Part(text, "text2"),), text, text)


def _factor(row: Row) -> Cell:
    if isinstance(row.factor, Mapping):
        text = ", ".join(f"{name} {factor:g}" for name, factor in row.factor.items())
        return Cell((Part(text),), text, -1.0)
    text = "" if row.factor is None else f"{row.factor:g}"
    return Cell((Part(text),), text, row.factor or 0.0)


def _multiply_adds(row: Row) -> Cell:
    size = 0 if row.type in ("Input", "Output", "Parameter") else row.multiply_adds  # they compute nothing
    plain = "?" if size is None else str(size)
    return Cell((Part(cost(size), "text3" if size in (None, 0) else "text1"),), plain, _coefficient(size))


def cost(size: Size | None) -> str:
    """Write multiply-adds: ``300,000 · BT`` where they grow with B and T."""
    if size is None:
        return "?"
    text = re.sub(r"\d+", lambda number: f"{int(number[0]):,}", str(size))
    if plain := re.fullmatch(r"([\d,]+)((?:\*[A-Za-z]\w*)+)", text):
        names = plain[2][1:].split("*")
        return f"{plain[1]}\u2009·\u2009{''.join(names) if max(map(len, names)) == 1 else '·'.join(names)}"
    return text.replace("*", "·")


def total_cost(rows: Iterable[Row]) -> str:
    """Add up multiply-adds, those that grow with the same sizes together."""
    sums: dict[str, int] = {}
    unknown = False
    for row in rows:
        number, _, sizes = str(row.multiply_adds).partition("*")
        if row.multiply_adds is None or not number.isdecimal() or not re.fullmatch(r"[\w*]*", sizes):
            unknown = unknown or row.type != "Input"
        elif int(number):
            sums[sizes] = sums.get(sizes, 0) + int(number)
    text = " + ".join(cost(f"{number}*{sizes}" if sizes else number) for sizes, number in sums.items()) or "0"
    return f"at least {text}" if unknown and sums else text


def _coefficient(size: Size | None) -> float:
    number = re.match(r"\d+", str(size))
    return float(number[0]) if number else -1.0


def _plain_shape(shape: Iterable[int | str] | None) -> str:
    return "?" if shape is None else f"({', '.join(map(str, shape))})"


def _learnables(network: Network, row: Row) -> Cell:
    """Write what is taken first, faint, then what is owned; more than two as a count.

    Those of a group stand in the rows below it.
    """
    if row.type == "Group":
        return Cell((), "", 0.0)
    if not row.known and (unknown := network.layer(row.name).learnables()):
        text = f"{unknown[0]} ?" + (f"   + {len(unknown) - 1} more" if len(unknown) > 1 else "")
        return Cell((Part(text, "text3"),), f"{', '.join(unknown)}: ?", 0.0)
    taken = [name for name in row.learnables if name in row.tied_to]
    names = taken + [name for name in row.learnables if name not in row.tied_to]
    parts: list[Part] = []
    for name in names[: 2 if len(names) <= 2 else 1]:
        faint = name in taken
        parts.append(Part(("   " if parts else "") + name + " ", "text3" if faint else "text1"))
        parts.append(Part(shape_text(row.learnables[name]), "text3" if faint else "text2"))
    if len(names) > 2:
        parts.append(Part(f"   + {len(names) - 1} more", "text3"))
    plain = ", ".join(f"{name} {_plain_shape(row.learnables[name])}" for name in names)
    return Cell(tuple(parts) or (Part("none", "text3"),), plain, float(len(names)))


def _tied(network: Network, row: Row, borrowed: Mapping[str, list[str]]) -> Cell:
    """Say from whom a layer borrows, or who borrows from it."""
    if row.tied_to:
        texts = []
        for name, key in row.tied_to.items():
            texts.append(f"from {key}{_expression(network, Port(row.name, name), key)}")
        more = f" + {len(texts) - 1} more" if len(texts) > 1 else ""
        keys = dict.fromkeys(key for keys in row.tied_to.values() for key in keys.split(", "))
        jumps = tuple((key, layer_of(network, key)) for key in keys)
        return Cell((Part(texts[0] + more),), ", ".join(texts), texts[0], "link", jumps)
    layer = network.layer(row.name)
    to = [other for name in layer.learnables() for other in borrowed.get(layer.key(row.name, name), ())]
    if not to:
        return Cell((), "", "")
    jumps = tuple((key, layer_of(network, key)) for key in to)
    layers = {path for _, path in jumps}
    text = f"to {to[0]}" + (f" + {len(to) - 1} more" if len(to) > 1 else "")
    if len(layers) > 1:
        text = f"to {len(layers)} layers"
    return Cell((Part(text),), f"to {', '.join(to)}", text, "link", jumps)


def _expression(network: Network, port: Port, key: str) -> str:
    """Say what stands on the wire between an owner and a borrower."""
    source = network.wires.get(port)
    if source is None or source.layer not in network.all or source.layer == layer_of(network, key):
        return ""
    layer = network.layer(source.layer)
    return f" by {type(layer).__name__} {layer.summary()}".rstrip() if layer.computes else ""


def lenders(analysis: Analysis) -> frozenset[str]:
    """Give the layers that others borrow from."""
    return frozenset(layer_of(analysis.network, key) for key in borrowers(analysis))


def matches(row: Row, words: str, lending: Collection[str] = ()) -> bool:
    """Whether a row is what a filter asks for: words, ``type:lstm``, ``tied``, ``frozen``, ``>1M``, ``B x T x 300``.

    ``lending`` are the layers that others borrow from: they are tied too.
    """
    parts = re.sub(r"\s*×\s*|\s+x\s+", "×", words.lower()).split()
    return all(_matches(row, word, lending) for word in parts)


def _matches(row: Row, word: str, lending: Collection[str]) -> bool:
    if word.startswith("type:"):
        return row.type.lower().startswith(word[5:])
    if word == "tied" and (row.tied_to or row.name in lending):
        return True
    if word == "frozen" and row.trains is False:
        return True
    if limit := re.fullmatch(r"([<>])(\d+(?:\.\d+)?)([kmg]?)", word):
        number = float(limit[2]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[limit[3]]
        return (row.used or 0) > number if limit[1] == ">" else (row.used or 0) < number
    return word in row.name.lower() or word in row.type.lower() or _has_sizes(row, word)


def _has_sizes(row: Row, word: str) -> bool:
    """Whether sizes, as 300 or 1000x300 or B×T×300, follow each other in a shape of the layer."""
    sizes = word.split("×") if "×" in word else word.split("x")
    if not all(sizes) or (len(sizes) == 1 and not word.isdigit()):
        return False
    for shape in (*row.activations, *row.learnables.values()):
        known = [str(size).lower() for size in shape or ()]
        if any(known[n : n + len(sizes)] == sizes for n in range(len(known) - len(sizes) + 1)):
            return True
    return False
