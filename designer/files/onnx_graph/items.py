"""What the nodes of a graph take and give: tensors of the program, and numbers that are known when it is read."""

import dataclasses
import math
import operator
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from designer.files.torchscript.numbers import WRITTEN, Number, each
from designer.files.torchscript.small_sizes import small
from designer.files.torchscript.text import Unfollowed
from designer.files.torchscript.worlds import Value, Worlds

MOST_KNOWN = 4096  # numbers of a tensor that are computed with while reading
WHOLE = frozenset("int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split())


class Unsupported(Unfollowed):
    """What no sizes of the inputs would help: an operator, or one of its settings, that PyTorch does not have."""


@dataclasses.dataclass(frozen=True, eq=False)
class Known:
    """A small tensor whose numbers are known, plain or for each of the sizes; an array of Python's objects."""

    array: Any
    dtype: str
    key: str = ""  # of the tensor that the file stores

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    @property
    def numbers(self) -> list[Any]:
        return list(self.array.reshape(-1))

    @property
    def plain(self) -> bool:
        """Whether none of its numbers follows from a free size."""
        return not any(isinstance(number, Number) for number in self.numbers)


Item = Value | Known | list[Any] | None


def known(numbers: Iterable[Any], shape: Sequence[int], dtype: str, key: str = "") -> Known:
    """A tensor of known numbers."""
    import numpy

    entries = list(numbers)
    array = numpy.empty(len(entries), dtype=object)
    for n, entry in enumerate(entries):
        array[n] = entry
    return Known(array.reshape(tuple(shape)), dtype, key)


def known_stored(tensor: Any, dtype: str, key: str) -> Known:
    """The numbers of a stored tensor."""
    return known(tensor.reshape(-1).tolist(), tuple(tensor.shape), dtype, key)


def rounded(number: Any, dtype: str) -> Any:
    """A number as a type of numbers holds it."""
    if isinstance(number, Number):
        return each(lambda n: rounded(n, dtype), number)
    if dtype == "bool":
        return bool(number)
    if dtype in WHOLE:
        if isinstance(number, float) and not math.isfinite(number):
            raise Unfollowed("it makes a whole number of one that is none")
        return int(number)
    if dtype == "float32":
        try:
            return struct.unpack("<f", struct.pack("<f", number))[0]
        except OverflowError:
            return math.copysign(math.inf, number)
    return float(number)


def _divided(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        return a // b if (a < 0) == (b < 0) or a % b == 0 else -(-a // b)
    return a / b


def _power(a: Any, b: Any) -> Any:
    if abs(b) > 64:
        raise Unfollowed("it computes a power that is too large")
    return a**b


# Operators on numbers that are known; those of ``WRITTEN`` a program computes by itself from sizes.
ON_KNOWN: dict[str, Callable[..., Any]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": _divided,
    "Mod": operator.mod,
    "Pow": _power,
    "Max": max,
    "Min": min,
    "Neg": operator.neg,
    "Abs": abs,
    "Floor": lambda a: float(math.floor(a)),
    "Ceil": lambda a: float(math.ceil(a)),
    "Sqrt": math.sqrt,
    "Reciprocal": lambda a: 1.0 / a,
    "Sign": lambda a: (a > 0) - (a < 0),
    "Equal": operator.eq,
    "Greater": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Less": operator.lt,
    "LessOrEqual": operator.le,
    "And": lambda a, b: bool(a) and bool(b),
    "Or": lambda a, b: bool(a) or bool(b),
    "Xor": lambda a, b: bool(a) != bool(b),
    "Not": operator.not_,
}
GIVES_BOOL = frozenset("Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not".split())
SPELLED = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "floordiv", "Neg": "neg"}


def computed(worlds: Worlds, name: str, *items: Known) -> Known:
    """An operator on numbers that are known."""
    import numpy

    dtype = "bool" if name in GIVES_BOOL else items[0].dtype
    arrays = numpy.broadcast_arrays(*(item.array for item in items))
    if arrays[0].size > MOST_KNOWN:
        raise Unfollowed("it computes with too many numbers at once")
    function = ON_KNOWN[name]
    found = []
    for numbers in zip(*(array.reshape(-1) for array in arrays)):
        try:
            number = each(function, *numbers)
        except (ArithmeticError, ValueError, TypeError):
            raise Unfollowed(f"it computes {name} of numbers for which there is none") from None
        worlds.lost = worlds.lost or small(name, number, numbers)
        worlds.assumed = worlds.assumed or (name in GIVES_BOOL and any(isinstance(n, Number) for n in numbers))
        found.append(_written(worlds, name, rounded(number, dtype), numbers))
    return known(found, arrays[0].shape, dtype)


def _written(worlds: Worlds, name: str, number: Any, numbers: Sequence[Any]) -> Any:
    """What was computed, with the call that a program would compute it by."""
    if not isinstance(number, Number) or name not in SPELLED:
        return number
    same = next((n for n in numbers if isinstance(n, Number) and n.values == number.values), None)
    if same is not None and same.ref is not None:
        return same
    whole = all(type(v) is int for v in number.values)
    given = all(type(n) is int or (isinstance(n, Number) and n.ref is not None) for n in numbers)
    exact = name != "Div" or all(v >= 0 for v in number.values)
    if whole and given and exact and SPELLED[name] in WRITTEN.values():
        return worlds.number(number, f"_operator.{SPELLED[name]}", list(numbers))
    return number


def cast(item: Known, dtype: str) -> Known:
    """Known numbers as another type of numbers."""
    return known((rounded(number, dtype) for number in item.numbers), item.shape, dtype)


def arranged(item: Known, function: Callable[[Any], Any]) -> Known:
    """Known numbers in another order or shape."""
    import numpy

    try:
        array = function(item.array)
    except (ValueError, IndexError, TypeError) as error:
        raise Unfollowed(f"its sizes do not fit ({error})") from None
    array = numpy.asarray(array, dtype=object)
    if array.size > MOST_KNOWN:
        raise Unfollowed("it computes with too many numbers at once")
    return Known(array, item.dtype)


__all__ = ["Item", "Known", "Number", "Unsupported", "Value", "arranged", "cast", "computed", "each", "known"]
