"""Numbers that follow from the sizes of the inputs: the same computation, for several sizes at once."""

import dataclasses
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from designer.files.program import Ref
from designer.files.torchscript.text import Unfollowed

LARGEST = 2**63


class Differs(Unfollowed):
    """What depends on a size that was meant to be free."""


@dataclasses.dataclass(frozen=True, eq=False)
class Number:
    """A number that is another one for other sizes of the inputs, as computed for each of some sizes."""

    values: tuple[Any, ...]
    ref: Ref | None = None  # its name in the program, where that can compute it
    ratio: "tuple[Number, int] | None" = None  # of a fraction: whole numbers that it is the quotient of


def each(function: Callable[..., Any], *arguments: Any) -> Any:
    """Compute something for each of the sizes: a plain value where it is always the same, a Number where not."""
    count = next((len(a.values) for a in arguments if isinstance(a, Number)), 1)
    found = tuple(function(*(a.values[n] if isinstance(a, Number) else a for a in arguments)) for n in range(count))
    if any(isinstance(value, int) and abs(value) >= LARGEST for value in found):
        raise Unfollowed("it computes a number of more than 64 bits")
    return plain(found)


def plain(found: tuple[Any, ...]) -> Any:
    """What is the same for all sizes, as a plain value."""
    first = found[0]
    same = all(type(value) is type(first) and (value == first or value != value) for value in found)
    return first if same else Number(found)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Number) and not isinstance(value, bool)


def _divided(a: Any, b: Any, mode: str | None = None) -> Any:
    if mode == "floor":
        return a // b
    return int(a / b) if mode == "trunc" and abs(a) < 2**50 else (a // b if mode == "trunc" else a / b)


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int) and a and (abs(a).bit_length() * abs(b) > 64):
        raise Unfollowed("it computes a number of more than 64 bits")
    return a**b


def _round(a: Any) -> Any:
    return float(round(a))


# Functions of TorchScript on plain numbers, by name.
ON_NUMBERS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b, alpha=1: a + b * alpha,
    "sub": lambda a, b, alpha=1: a - b * alpha,
    "rsub": lambda a, b, alpha=1: b - a * alpha,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "floor_divide": operator.floordiv,
    "div": _divided,
    "true_divide": operator.truediv,
    "remainder": operator.mod,
    "fmod": math.fmod,
    "mathremainder": math.remainder,
    "neg": operator.neg,
    "abs": abs,
    "pow": _power,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": _round,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "max": max,
    "min": min,
    "maximum": max,
    "minimum": min,
    "Int": int,
    "IntImplicit": int,
    "Float": float,
    "FloatImplicit": float,
    "Bool": bool,
    "ScalarImplicit": lambda a: a,
    "Number": lambda a: a,
    "item": lambda a: a,
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__xor__": operator.xor,
    "__lshift__": lambda a, b: a << b if 0 <= b < 63 else 0,
    "__rshift__": lambda a, b: a >> b,
    "detach": lambda a: a,
    "clone": lambda a: a,
}


def fraction(name: str, number: Any, numbers: Sequence[Any]) -> Any:
    """A number that is no whole one, with the quotient that it is, so that a program can round it as the file does."""
    if not isinstance(number, Number) or not 1 <= len(numbers) <= 2 or not isinstance(numbers[0], Number):
        return number
    first, by = numbers[0], numbers[-1]
    if name in ("Float", "FloatImplicit"):
        name, by = "div", 1
    if first.ratio is None and not all(type(n) is int and n >= 0 for n in first.values):
        return number
    over, divisor = first.ratio or (first, 1)
    if name in ("mul", "div", "true_divide") and isinstance(by, float) and by > 0:
        inverse = 1 / by
        by, name = (inverse, "div") if name == "mul" else (by, name)
        by = int(by) if by == int(by) else by
    if name in ("div", "true_divide") and type(by) is int and by > 0:
        return Number(number.values, number.ref, (over, divisor * by))
    return number


def quotient(wanted: tuple[int, ...], values: tuple[int, ...]) -> tuple[int, int] | None:
    """What has to be added to a size, and what that is divided by, to give other numbers; None where that is unsure."""
    fits = {
        (rest, divisor)
        for divisor in range(2, 65)
        for rest in range(-divisor, divisor + 1)
        if all((value + rest) // divisor == number for value, number in zip(values, wanted))
    }
    divisors = {divisor for _, divisor in fits}
    if len(divisors) != 1:
        return None  # small numbers are as many fractions
    divisor = divisors.pop()
    likely = (0, divisor - 1, -1, divisor, -divisor)  # rounded down or up, and by one more or less
    return next(((rest, divisor) for rest in likely if (rest, divisor) in fits), None)


# Those that a program computes by itself from sizes.
WRITTEN = {"add": "add", "sub": "sub", "mul": "mul", "floordiv": "floordiv", "floor_divide": "floordiv", "neg": "neg"}
WRITTEN |= {"div": "truediv", "true_divide": "truediv"}
