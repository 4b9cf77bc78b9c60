"""Remember what calls give for tensors without numbers: the blocks of a deep model ask the same again."""

from collections.abc import Callable
from typing import Any

from designer.files.torchscript.numbers import Number

Fakes = tuple[Any, ...]  # one tensor without numbers for each of the sizes


class Reshaped(Exception):
    """A call gives a tensor other sizes in place: then no two values may share one."""


class Answers:
    """Tensors that are alike, each kept once, and what the calls on them gave."""

    def __init__(self, remember: bool) -> None:
        self.remember = remember
        self.kept: dict[Any, Fakes] = {}
        self.given: dict[Any, list[Any]] = {}

    def like(self, fakes: Fakes) -> Fakes:
        """The tensors that are kept in the place of these."""
        return self.kept.setdefault(_looks(fakes), fakes) if self.remember else fakes

    def ask(self, function: Callable[..., Any], placed: list[Any], named: dict[str, Any]) -> Any:
        """What decides the sizes that a call gives, as a key of ``given``."""
        if not self.remember:
            return object()  # like nothing else
        if _torch().Tag.inplace_view in getattr(function, "tags", ()):
            raise Reshaped
        return function, *map(_told, placed), *((key, _told(value)) for key, value in named.items())


def _torch() -> Any:
    import torch

    return torch


def _looks(fakes: Fakes) -> Any:
    """What must be equal for tensors to give the same sizes; those of another kind are like no others."""
    looks = []
    for fake in fakes:
        if str(fake.layout) != "torch.strided" or getattr(fake, "constant", None) is not None:
            return id(fakes)
        looks.append((fake.shape, fake.stride(), fake.dtype))
    return tuple(looks)


def _told(value: Any) -> Any:
    """An argument: 1, 1.0 and True are equal, but not the same."""
    if hasattr(value, "fakes"):
        return id(value.fakes)  # they are kept, so that no others get their place
    if isinstance(value, Number):
        return tuple(map(type, value.values)), value.values
    if isinstance(value, list | tuple):
        return tuple(map(_told, value))
    return type(value), value


def _grouped(x: Any, matrices: Any, *_: Any, **__: Any) -> Any:
    return x @ matrices[0]  # torch tells its sizes for bfloat16 only


def _like_first(x: Any, *_: Any, **__: Any) -> Any:
    return _torch().empty_like(x)  # torch takes it apart into thirty calls each time


# What tells the sizes in the place of a call.
OTHERWISE = {"_grouped_mm": _grouped, "batch_norm": _like_first}
