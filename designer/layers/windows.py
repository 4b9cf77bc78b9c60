"""What convolutions and poolings share: windows over one, two or three dimensions."""

from typing import Any

from designer.model import Layer

Several = int | tuple[int, ...]  # one number for all dimensions, or one for each
LAYOUTS = {1: "B, C, T", 2: "B, C, H, W", 3: "B, C, D, H, W"}


def each(value: Any, dimensions: int) -> tuple[Any, ...]:
    """One value for each dimension."""
    return value if isinstance(value, tuple) else (value,) * dimensions


def by(value: Any, dimensions: int = 1) -> str:
    """``7x7``"""
    return "x".join(map(str, each(value, dimensions)))


def mislong(layer: Layer, dimensions: int, *names: str) -> str | None:
    """What is wrong if a property has neither one number nor one for each dimension."""
    for name in names:
        value = getattr(layer, name)
        if isinstance(value, tuple) and len(value) != dimensions:
            kind = type(layer).__name__
            return f"{name} of {kind} has {len(value)} numbers, {value}: it needs one for all or {dimensions}."
    return None
