"""Properties of layers: how they are declared, and how values become their declared types."""

import dataclasses
import math
import numbers
import types
import typing
from collections.abc import Callable
from typing import Any

from designer.model.errors import NetworkError
from designer.model.names import shortened

LARGEST = 2**31


def prop(
    default: Any,
    doc: str,
    *,
    minimum: float = 0,
    maximum: float = LARGEST,
    choices: tuple[Any, ...] = (),
    **field: Any,
) -> Any:
    """Declare a property of a layer: its default, its help text, and bounds of its numbers or the choices of its text.

    A float may be NaN only where it may also be any other number.
    """
    metadata = {"doc": doc, "minimum": minimum, "maximum": maximum, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata, **field)


_known: dict[type, dict[str, Callable[[Any], Any]]] = {}


def converters(kind: type) -> dict[str, Callable[[Any], Any]]:
    """Field name -> what turns a value into the declared type of the field, or refuses it in a sentence."""
    if kind not in _known:
        hints = typing.get_type_hints(kind, localns={"Network": object})  # a Group checks its network itself
        fields = dataclasses.fields(kind)
        _known[kind] = {field.name: _field_converter(kind, field, hints[field.name]) for field in fields}
    return _known[kind]


class _Misfit(Exception):
    """A value is not of the declared type."""


def _field_converter(kind: type, field: "dataclasses.Field[Any]", hint: Any) -> Callable[[Any], Any]:
    convert, wanted = _converter(hint, field.metadata)

    def checked(value: Any) -> Any:
        try:
            return convert(value)
        except _Misfit:
            raise NetworkError(f"{kind.__name__}.{field.name} must be {wanted}, not {shortened(value)}.") from None

    return checked


def _converter(hint: Any, limits: typing.Mapping[str, Any]) -> tuple[Callable[[Any], Any], str]:
    """What converts to a type, and what the type is called in a message."""
    low, high, choices = limits["minimum"], limits["maximum"], limits["choices"]
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union([_converter(arg, limits) for arg in args])
    if origin is tuple:
        if args[-1] is Ellipsis:
            return _sequence(_converter(args[0], limits))
        return _fixed([_converter(arg, limits) for arg in args])
    if hint is tuple:
        return _literals, "a list of numbers and texts"
    if hint is bool:
        return _bool, "true or false"
    if hint is int:
        return _number(numbers.Integral, int, low, high), f"a whole number{_range(low, high)}"
    if hint is float:
        return _number(numbers.Real, float, low, high), f"a number{_range(low, high)}"
    if hint is str:
        return _text(choices), f"one of {', '.join(map(repr, choices))}" if choices else "a text"
    if hint is type(None):
        return _none, "nothing"
    return lambda value: value, "as declared"


def _range(low: float, high: float) -> str:
    if low == -math.inf and high == math.inf:
        return ""
    if high in (math.inf, LARGEST):
        return f" of at least {low}" if low > -LARGEST else f" of at most {high}"
    return f" from {low} to {high}"


def _number(kind: type, made: type, low: float, high: float) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, kind):
            raise _Misfit
        number = made(value)
        if number != number:  # one NaN for all, so that equal layers are equal
            if (low, high) != (-math.inf, math.inf):
                raise _Misfit
            return math.nan
        if not low <= number <= high:
            raise _Misfit
        return number

    return convert


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Misfit
    return value


def _none(value: Any) -> None:
    if value is not None:
        raise _Misfit


def _text(choices: tuple[Any, ...]) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or (choices and value not in choices):
            raise _Misfit
        return str(value)

    return convert


def _union(options: list[tuple[Callable[[Any], Any], str]]) -> tuple[Callable[[Any], Any], str]:
    def convert(value: Any) -> Any:
        for option, _ in options:
            try:
                return option(value)
            except _Misfit:
                continue
        raise _Misfit

    return convert, " or ".join(dict.fromkeys(wanted for _, wanted in options))


def _sequence(entry: tuple[Callable[[Any], Any], str]) -> tuple[Callable[[Any], Any], str]:
    convert_entry, wanted = entry

    def convert(value: Any) -> tuple[Any, ...]:
        if isinstance(value, dict):
            value = tuple(value.items())
        if not isinstance(value, list | tuple):
            raise _Misfit
        return tuple(map(convert_entry, value))

    return convert, f"a list, each entry {wanted}"


def _fixed(entries: list[tuple[Callable[[Any], Any], str]]) -> tuple[Callable[[Any], Any], str]:
    def convert(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(entries):
            raise _Misfit
        return tuple(convert_entry(item) for (convert_entry, _), item in zip(entries, value))

    return convert, f"({', '.join(wanted for _, wanted in entries)})"


def _literals(value: Any) -> tuple[Any, ...]:
    """Nested tuples of numbers, booleans, texts and None."""
    if not isinstance(value, dict | list | tuple):
        raise _Misfit
    return typing.cast(tuple[Any, ...], _literal(value, 0))


def _literal(entry: Any, depth: int) -> Any:
    if isinstance(entry, dict):
        entry = tuple(entry.items())
    if isinstance(entry, list | tuple) and depth < 32:
        return tuple(_literal(inner, depth + 1) for inner in entry)
    if entry is None or isinstance(entry, bool | int | str):
        return entry
    if isinstance(entry, float):
        return math.nan if entry != entry else entry
    raise _Misfit
