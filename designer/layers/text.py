"""How settings are written in the source, and sizes in a sentence."""

import math
from typing import Any

from designer.model import Layer

Sizes = tuple[int | str, ...] | None  # None where they are not known yet


def literal(value: Any) -> str:
    """A value of a property as Python source."""
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    written = repr(value)
    if isinstance(value, float):
        return written.replace("e+", "e")  # as formatters write it
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written


def changed(layer: Layer, *names: str) -> tuple[str, ...]:
    """Those of the properties that are not at torch's default, which is ours."""
    fields = type(layer).__dataclass_fields__
    return tuple(name for name in names if getattr(layer, name) != fields[name].default)


def settings(layer: Layer, *names: str) -> str:
    """The properties that are not at their default, as arguments after others: ``, stride=2, padding=1``."""
    return "".join(f", {name}={literal(getattr(layer, name))}" for name in changed(layer, *names))


def settings_of(m: str, layer: Layer, *names: str) -> str:
    """The same, read from a module: ``, stride=self.conv.stride``; who edits the source changes them in one place."""
    return "".join(f", {name}={m}.{name}" for name in changed(layer, *names))


def times(sizes: Sizes) -> str:
    """``3 x 224 x 224``"""
    if sizes is None:
        return "?"
    return " x ".join(map(str, sizes)) or "a single number"


def last(sizes: Sizes) -> int | str:
    """The last size, or ``?``."""
    return sizes[-1] if sizes else "?"


def channels(sizes: Sizes) -> int | str:
    """The second size, or ``?``."""
    return sizes[1] if sizes and len(sizes) > 1 else "?"


def facts(*texts: str) -> str:
    """The key settings in a few words; empty ones are left out."""
    return ", ".join(text for text in texts if text)


def miscounted(layer: Layer, sizes: Sizes, *layouts: str) -> str | None:
    """What is wrong if there are more or fewer sizes than in any of the layouts, written ``B, C, H, W``."""
    if sizes is None or len(sizes) in [len(layout.split(", ")) for layout in layouts]:
        return None
    needs = " or ".join(f"{len(layout.split(', '))} sizes ({layout})" for layout in layouts)
    return f"{type(layer).__name__} needs {needs}, but gets {times(sizes)}."


def unequal(*shapes: tuple[int | str, ...]) -> str | None:
    """What is wrong if sizes that stand above each other, counted from the last, are neither equal nor 1."""
    for d in range(1, max(map(len, shapes)) + 1):
        sizes = list(dict.fromkeys(shape[-d] for shape in shapes if len(shape) >= d and shape[-d] != 1))
        if len(sizes) > 1:
            return f"their sizes at dimension {-d} are {sizes[0]} and {sizes[1]}."
    return None


def undivided(count: int, of: str, size: int | str, what: str) -> str | None:
    """What is wrong if a count does not divide a size: ``4 groups do not divide 6 channels.``"""
    if isinstance(size, str) or size % count == 0:
        return None
    return f"{count} {of} do not divide {size} {what}."


def outside(layer: Layer, dim: int, sizes: Sizes) -> str | None:
    """What is wrong if there is no such dimension; a single number counts as one of a single dimension."""
    count = max(len(sizes or ()), 1)
    if sizes is None or -count <= dim < count:
        return None
    return f"{type(layer).__name__} works on dimension {dim}, but gets {times(sizes)}."
