"""Simple operations of ATen as people write them: the very same call, as an operator, an index or a method."""

import re
from typing import Any

# Operators between a tensor and another, or a number.
SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "remainder": "%",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
}
SIGNS |= {"gt": ">", "ge": ">=", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
OPERATORS = {f"{name}.{kind}": sign for name, sign in SIGNS.items() for kind in ("Tensor", "Scalar")}
OPERATORS |= {"pow.Tensor_Scalar": "**", "pow.Tensor_Tensor": "**", "matmul": "@", "floor_divide": "//"}
PREFIXES = {"neg": "-", "bitwise_not": "~"}
# Methods of a tensor that torch makes of the operation itself; those written in Python are none of them.
METHODS = frozenset(
    """
    abs acos asin atan ceil cos cosh erf erfc exp expm1 floor isinf isnan log log10 log1p log2 logical_not reciprocal
    relu round rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc
    all.dim amax amin any.dim argmax argmin cumprod cumsum max.dim mean mean.dim min.dim sum sum.dim_IntList topk
    clamp clamp.Tensor clamp_max clamp_min logical_and logical_or logical_xor maximum minimum bmm mm
    chunk clone contiguous detach diagonal expand flatten.using_ints flip movedim.int narrow permute repeat reshape roll
    squeeze squeeze.dim squeeze.dims t transpose.int tril triu unbind.int unfold unsqueeze
    gather index_select masked_fill.Scalar masked_fill.Tensor masked_select nonzero to.dtype
    """.split()
)
SPREAD = ("expand", "permute", "repeat", "reshape")  # whose sizes stand one after the other
FUNCTIONS = {"where.self": "torch.where", "stack": "torch.stack"}
FUNCTIONS |= {"zeros_like": "torch.zeros_like", "ones_like": "torch.ones_like"}
MADE = {"zeros": "torch.zeros", "ones": "torch.ones"}  # of nothing
MADE |= dict.fromkeys(("arange", "arange.start", "arange.start_step"), "torch.arange")

SIMPLE = re.compile(r"-?[\w.]+(e-\d+)?")  # a name, an attribute or a number


def familiar(operation: str, names: list[str], arguments: tuple[Any, ...], given: list[str], named: bool) -> str | None:
    """The call of an operation in its familiar form; None where it has none.

    ``names`` are those of its arguments, ``given`` the source of these and of what is ``named`` after them.
    """
    if operation in MADE:
        return f"{MADE[operation]}({', '.join(given)})"
    if named or not arguments:
        return None
    if operation in FUNCTIONS and all(map(_is_tensor, arguments[: 1 if operation == "stack" else None])):
        return f"{FUNCTIONS[operation]}({', '.join(given)})"
    if not _is_port(arguments[0]):
        return None
    x, *rest = given
    if operation in OPERATORS:
        return _between(x, OPERATORS[operation], rest[0]) if len(rest) == 1 and _is_number(arguments[1]) else None
    if operation == "rsub.Scalar":
        return f"{rest[0]} - {x}" if len(rest) == 1 and _is_number(arguments[1]) else None
    if operation in PREFIXES:
        return f"{PREFIXES[operation]}{x}"
    if operation in ("select.int", "slice.Tensor"):
        return _indexed(operation, x, arguments, rest)
    if operation in METHODS:
        if operation in SPREAD and len(rest) == 1 and isinstance(arguments[1], tuple) and arguments[1]:
            return f"{x}.{operation}({rest[0][1:-1]})"
        if len(rest) > 1 and isinstance(arguments[-1], bool):
            rest[-1] = f"{names[len(rest)]}={rest[-1]}"
        return f"{x}.{operation.partition('.')[0]}({', '.join(rest)})"
    return None


def _is_port(value: Any) -> bool:
    return isinstance(value, tuple) and value[:1] == ("port",)


def _is_tensor(value: Any) -> bool:
    """Whether a value is a tensor, or a list of tensors."""
    return _is_port(value) or (isinstance(value, tuple) and value[:1] == ("list",) and all(map(_is_port, value[1:])))


def _is_number(value: Any) -> bool:
    """Whether a value is a tensor or a number that an operator of Python takes as torch does."""
    return isinstance(value, int | float | tuple) and not isinstance(value, bool)


def _between(x: str, sign: str, y: str) -> str:
    """An operator between two operands; formatters leave no space around a power of names and numbers."""
    if sign == "**" and SIMPLE.fullmatch(x) and SIMPLE.fullmatch(y):
        return f"{x}**{y}"
    return f"{x} {sign} {y}"


def _indexed(operation: str, x: str, arguments: tuple[Any, ...], rest: list[str]) -> str | None:
    """A part of a tensor, along one of the first dimensions or the last."""
    dim = arguments[1] if len(arguments) > 1 else 0
    if not isinstance(dim, int) or not -1 <= dim <= 3:
        return None
    before = "..., " if dim == -1 else ":, " * dim
    if operation == "select.int":
        return f"{x}[{before}{_bare(rest[1])}]"
    return f"{x}[{before}{_slice(*_ends(rest))}]"


def _slice(start: str, end: str, step: str) -> str:
    """A slice; formatters leave space around its colons where an end is more than a name or a number."""
    space = "" if all(map(re.compile(r"-?\w*").fullmatch, (start, end, step))) else " "
    text = (start and start + space) + ":" + (end and space + end)
    return f"{text}{space if end else ''}:{space}{step}" if step else text


def _ends(rest: list[str]) -> tuple[str, str, str]:
    """Where a slice begins and ends, and its step, each left out where that says the same."""
    start, end, step = (rest[n] if n < len(rest) else "None" for n in (1, 2, 3))
    far = end.isdecimal() and int(end) >= 2**62
    return (
        "" if start in ("None", "0") else _bare(start),
        "" if end == "None" or far else _bare(end),
        "" if step in ("None", "1") else _bare(step),
    )


def _bare(text: str) -> str:
    """An expression without the brackets around all of it."""
    inner = text[1:-1]
    return inner if text[:1] == "(" and not {*"()"} & {*inner} else text
