"""What TorchScript computes beside tensors: sizes, numbers, texts, lists and dictionaries."""

import dataclasses
from collections.abc import Callable
from typing import Any

from designer.files.program import Setting
from designer.files.torchscript.arguments import CODES
from designer.files.torchscript.numbers import LARGEST, ON_NUMBERS, WRITTEN, Differs, Number, each, fraction, is_number
from designer.files.torchscript.small_sizes import small
from designer.files.torchscript.text import Lost, Unfollowed
from designer.files.torchscript.worlds import Value, Worlds

KEEPING = ("to", "detach", "clone")  # calls that a number of the file comes out of as it was
OF_DEVICES = ("type", "index")
ORDERED = ("eq", "ne", "lt", "le", "gt", "ge")
ROUNDED = ("Int", "IntImplicit", "floor", "ceil")  # of what is not negative
LONGEST = 1_000_000  # entries of a list or a text
NOT_HERE = object()  # it is a call on tensors


def builtin(worlds: Worlds, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Compute a call that is none on tensors, or give ``NOT_HERE``."""
    first = arguments[0] if arguments else None
    if isinstance(first, Value) and first.number is not None and name in KEEPING:
        return _kept(worlds, name, first, arguments, keywords)
    if isinstance(first, Value) and name in OF_TENSORS:
        return OF_TENSORS[name](worlds, *arguments)
    if name in ALWAYS and (name not in OF_DEVICES or isinstance(first, Setting)):
        return ALWAYS[name](*arguments)
    if name == "tensor" and isinstance(first, int | float | bool | Number | list):
        return _tensor(worlds, first, keywords.get("dtype"))
    if isinstance(first, list) and name in OF_LISTS:
        _bounded(first, arguments[1:] if name in ("extend", "add", "add_") else ())
        return OF_LISTS[name](*arguments)
    if isinstance(first, dict) and name in OF_DICTS:
        return OF_DICTS[name](*arguments)
    if isinstance(first, str | list | bool | None) and name in COMPARED and not _tensors(arguments):
        return COMPARED[name](*arguments)
    return _on_numbers(worlds, name, arguments, keywords)


def _kept(worlds: Worlds, name: str, first: Value, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """A number that the file stores, perhaps as another type of numbers."""
    found = worlds.call(name, arguments, keywords)
    return dataclasses.replace(found, number=_cast([first.number, *arguments[1:]]))


def _on_numbers(worlds: Worlds, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    if name in ("to", "type_as") and arguments and is_number(arguments[0]):
        found = _cast(arguments)
        if isinstance(found, Number) and arguments[0].ratio and type(found.values[0]) is int:
            return _rounded(worlds, found, arguments[0].ratio, False)
        worlds.lost = worlds.lost or small("Int", found, arguments[:1])
        return found
    if name.removesuffix("_") in ON_NUMBERS and arguments and is_number(arguments[0]):
        name = name.removesuffix("_")  # where tracing made a tensor of a number, and changed that
    if name not in ON_NUMBERS or not arguments:
        return NOT_HERE
    numbers = [a.number if isinstance(a, Value) and a.number is not None else a for a in arguments]
    if name in ("max", "min") and len(numbers) == 1 and isinstance(numbers[0], list):
        numbers = numbers[0]
    if not all(is_number(a) or isinstance(a, bool) for a in numbers):
        return NOT_HERE
    if all(isinstance(a, Value) for a in arguments):
        return NOT_HERE  # of stored tensors only: they may train
    if name in ("sqrt", "pow", "exp", "log", "reciprocal", "rsqrt") and isinstance(arguments[0], Number):
        return NOT_HERE  # rounded as tensors are
    options = [keywords["rounding_mode"]] if name == "div" and keywords.get("rounding_mode") else []
    options += [keywords["alpha"]] if "alpha" in keywords else []
    if name in ORDERED and numbers[0] is not numbers[-1] and any(isinstance(n, Number) for n in numbers):
        worlds.assumed = True
    try:
        found = each(ON_NUMBERS[name], *numbers, *options)
    except (ArithmeticError, ValueError, TypeError):
        raise Unfollowed(f"it computes {name} of numbers for which there is none") from None
    worlds.lost = worlds.lost or small(name, found, numbers)
    if isinstance(found, Number) and len(numbers) == 1 and numbers[0].ratio and name in ROUNDED:
        return _rounded(worlds, found, numbers[0].ratio, name == "ceil")
    found = found if options else fraction(name, found, numbers)
    target = "floordiv" if name == "div" and options else "" if options else WRITTEN.get(name, "")
    if name == "rsub" and not options:
        target, numbers = "sub", numbers[::-1]
    drawn = isinstance(found, Number) and all(type(n) in (int, float) for n in found.values)
    if drawn and target and all(_drawn(n) for n in numbers):
        return worlds.number(found, f"_operator.{target}", numbers)
    if (
        isinstance(found, Number)
        and found.values
        and name in ("Int", "IntImplicit", "ScalarImplicit", "detach", "item")
    ):
        return next((n for n in numbers if isinstance(n, Number) and n.values == found.values), found)
    return found


def _drawn(number: Any) -> bool:
    """Whether a number can be an argument of a call that computes one."""
    return number.ref is not None if isinstance(number, Number) else type(number) in (int, float)


def _rounded(worlds: Worlds, found: Number, ratio: tuple[Number, int], up: bool) -> Any:
    """A quotient of a size, rounded down or up, with the calls that compute it."""
    over, divisor = ratio
    if over.ref is None or divisor >= LARGEST:
        return found
    more = Number(tuple(n + (divisor - 1 if up else 0) for n in over.values))
    rounded = Number(tuple(map(int, found.values)))
    if any(n // divisor != entry for n, entry in zip(more.values, rounded.values)):
        return found
    if up:
        over = worlds.number(more, "_operator.add", [over, divisor - 1])
    named = worlds.number(rounded, "_operator.floordiv", [over, divisor])
    return named if type(found.values[0]) is int else Number(found.values, None, (named, 1))


def _cast(arguments: list[Any]) -> Any:
    """A number as another type of numbers, where tracing made a tensor of it."""
    code = next((a for a in arguments[1:] if type(a) is int), None)
    if code in (5, 6, 7, 15):
        return each(float, arguments[0])
    return each(int, arguments[0]) if code in (0, 1, 2, 3, 4) else arguments[0]


def truth(value: Any, what: str) -> bool:
    """A condition as True or False; raises where it depends on data or on a free size."""
    if isinstance(value, Value):
        if value.number is not None:
            return bool(value.number)
        if value.unknown:
            raise Lost(f"{what} depends on an input")
        raise Unfollowed(f"{what} depends on the numbers of a tensor")
    if isinstance(value, Number):
        found = each(bool, value)
        if isinstance(found, Number):
            raise Differs(f"{what} depends on a size of the inputs")
        return bool(found)
    return bool(value)


def whole(value: Any, what: str) -> int:
    """A number that has to be the same for all sizes."""
    if isinstance(value, Value) and value.number is not None:
        value = value.number
    if isinstance(value, Value) and value.unknown:
        raise Lost(f"{what} depends on an input")
    if isinstance(value, Value):
        raise Unfollowed(f"{what} depends on the numbers of a tensor")
    if isinstance(value, Number):
        raise Differs(f"{what} depends on a size of the inputs")
    return int(value)


def _size(worlds: Worlds, value: Value, dim: Any = None) -> Any:
    if dim is None:
        return [worlds.shape(value, n) for n in range(value.fake.dim())]
    return worlds.shape(value, whole(dim, "a size"))


def _data(worlds: Worlds, value: Value) -> Any:
    if value.number is None:
        return truth(value, "a number")  # which raises
    return value.number


def _length(worlds: Worlds, value: Value) -> Any:
    return worlds.shape(value, 0)


def _numel(worlds: Worlds, value: Value) -> Any:
    from designer.files.torchscript.numbers import plain

    found = plain(tuple(fake.numel() for fake in value.fakes)) if value.fake is not None else 0
    return worlds.number(found, "aten.sym_numel.default", [value])


def _code(worlds: Worlds, value: Value) -> int:
    name = str(value.fake.dtype).removeprefix("torch.")
    return next(code for code, dtype in CODES.items() if dtype == name)


OF_TENSORS: dict[str, Callable[..., Any]] = {
    "size": _size,
    "sym_size": _size,
    "dim": lambda worlds, value: value.fake.dim(),
    "ndimension": lambda worlds, value: value.fake.dim(),
    "len": _length,
    "numel": _numel,
    "item": _data,
    "Int": lambda worlds, value: int(_data(worlds, value)),
    "IntImplicit": lambda worlds, value: int(_data(worlds, value)),
    "Float": lambda worlds, value: float(_data(worlds, value)),
    "FloatImplicit": lambda worlds, value: float(_data(worlds, value)),
    "Bool": lambda worlds, value: truth(value, "a condition"),
    "ScalarImplicit": _data,
    "is_floating_point": lambda worlds, value: value.fake.is_floating_point(),
    "is_complex": lambda worlds, value: value.fake.is_complex(),
    "is_contiguous": lambda worlds, value, *_: all(fake.is_contiguous() for fake in value.fakes),
    "get_device": lambda worlds, value: -1,
    "is_nested": lambda worlds, value: False,
    "dtype": _code,
    "device": lambda worlds, value: Setting("device"),
    "layout": lambda worlds, value: Setting("layout"),
    "is_cuda": lambda worlds, value: False,
    "is_cpu": lambda worlds, value: True,
    "is_mkldnn": lambda worlds, value: False,
    "is_quantized": lambda worlds, value: False,
    "is_sparse": lambda worlds, value: False,
    "is_meta": lambda worlds, value: False,
    "is_nested_": lambda worlds, value: False,
    "requires_grad": lambda worlds, value: value.ref not in worlds.given_inputs,
    "data": lambda worlds, value: worlds.call("detach", [value], {}),
    "grad": lambda worlds, value: None,
    "__contains__": lambda worlds, value, *_: truth(value, "a condition"),
}
ALWAYS: dict[str, Callable[..., Any]] = {
    "__is__": lambda a, b: a is b or (a is None and b is None),
    "__isnot__": lambda a, b: not (a is b or (a is None and b is None)),
    "__not__": lambda a: not truth(a, "a condition"),
    "warn": lambda *_: None,
    "format": lambda *_: "",
    "str": lambda *_: "",
    "unwrap_optional": lambda a: a,
    "_unwrap_optional": lambda a: a,
    "is_scripting": lambda: True,
    "NumToTensor": lambda a: a,
    "unchecked_unwrap_optional": lambda a: a,
    "unchecked_cast": lambda a: a,
    "is_grad_enabled": lambda: True,  # or attention takes a way that cannot be trained
    "set_grad_enabled": lambda *_: None,
    "manual_seed": lambda *_: None,
    "_get_tracing_state": lambda: None,
    "is_tracing": lambda: False,
    "is_autocast_enabled": lambda *_: False,
    "is_autocast_cpu_enabled": lambda: False,
    "type": lambda a: "cpu",  # of a device
    "index": lambda a: None,
    "__range_length": lambda *bounds: each(lambda start, stop, step: len(range(start, stop, step)), *bounds),
    "__derive_index": lambda *bounds: each(lambda index, start, step: start + index * step, *bounds),
}


def _bounded(first: list[Any], more: Any) -> None:
    if len(first) + sum(len(m) for m in more if isinstance(m, list)) > LONGEST:
        raise Unfollowed(f"it makes a list of more than {LONGEST:,} entries")


def _repeated(values: list[Any], count: Any) -> list[Any]:
    number = whole(count, "the length of a list")
    if number * len(values) > LONGEST:
        raise Unfollowed(f"it makes a list of more than {LONGEST:,} entries")
    return values * number


def _entry(values: Any, index: Any) -> Any:
    try:
        return values[index if isinstance(values, dict) else whole(index, "an index")]
    except (IndexError, KeyError, TypeError):
        raise Unfollowed("it asks for an entry that there is not") from None


def _put(values: Any, index: Any, value: Any) -> Any:
    try:
        values[index if isinstance(values, dict) else whole(index, "an index")] = value
    except (IndexError, TypeError):
        raise Unfollowed("it sets an entry that there is not") from None
    return values


def _popped(values: list[Any], index: Any = -1) -> Any:
    if not values:
        raise Unfollowed("it takes an entry from an empty list")
    return values.pop(whole(index, "an index"))


def _cut(values: list[Any], start: Any = None, end: Any = None, step: Any = 1) -> list[Any]:
    bounds = [None if n is None else whole(n, "an index") for n in (start, end, step)]
    return values[slice(*bounds)]


def _sum(values: list[Any], *_: Any) -> Any:
    return each(lambda *numbers: sum(numbers), *values) if all(map(is_number, values)) else NOT_HERE


def _appended(values: list[Any], value: Any) -> list[Any]:
    values.append(value)
    return values


def _extended(values: list[Any], more: list[Any]) -> list[Any]:
    values.extend(more)
    return values


OF_LISTS: dict[str, Callable[..., Any]] = {
    "append": _appended,
    "extend": _extended,
    "insert": lambda values, at, value: values.insert(whole(at, "an index"), value),
    "pop": _popped,
    "clear": list.clear,
    "reverse": list.reverse,
    "copy": list,
    "list": list,
    "len": len,
    "__getitem__": _entry,
    "_set_item": _put,
    "slice": _cut,
    "add": lambda a, b: a + b if isinstance(b, list) else NOT_HERE,
    "add_": lambda a, b: _extended(a, b) if isinstance(b, list) else NOT_HERE,
    "mul": _repeated,
    "sum": _sum,
    "any": lambda values: any(truth(value, "a condition") for value in values),
    "all": lambda values: all(truth(value, "a condition") for value in values),
}
OF_DICTS: dict[str, Callable[..., Any]] = {
    "__getitem__": _entry,
    "_set_item": _put,
    "__contains__": lambda values, key: key in values,
    "keys": lambda values: list(values),
    "values": lambda values: list(values.values()),
    "items": lambda values: list(values.items()),
    "len": len,
    "get": lambda values, key, default=None: values.get(key, default),
    "pop": lambda values, key, *rest: values.pop(key, *rest),
    "copy": dict,
    "update": lambda values, more: values.update(more),
}


def _equal(a: Any, b: Any) -> Any:
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return False
        return all(truth(each(lambda x, y: x == y, x, y), "a comparison") for x, y in zip(a, b))
    return a == b


COMPARED: dict[str, Callable[..., Any]] = {
    "eq": _equal,
    "ne": lambda a, b: not _equal(a, b),
    "__contains__": lambda values, value: any(truth(_equal(entry, value), "a comparison") for entry in values),
    "__and__": lambda a, b: a and b,
    "__or__": lambda a, b: a or b,
    "__xor__": lambda a, b: a != b,
    "len": len,
    "lower": str.lower,
    "upper": str.upper,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "Int": int,
    "Float": float,
    "Bool": bool,
}


def _tensors(arguments: list[Any]) -> bool:
    return any(isinstance(a, Value) or (isinstance(a, list) and _tensors(a)) for a in arguments)


def _tensor(worlds: Worlds, value: Any, dtype: Any) -> Any:
    """A tensor made of numbers."""
    if isinstance(value, list):
        if not value or isinstance(value[0], list) or len(value) > 1000:
            raise Unfollowed("it makes a tensor of nested lists")
        return worlds.call("stack", [[_tensor(worlds, entry, dtype) for entry in value], 0], {})
    sample = value.values[0] if isinstance(value, Number) else value
    own = 11 if isinstance(sample, bool) else 4 if isinstance(sample, int) else 6
    return worlds.call("full", [[], value], {"dtype": own if dtype is None else dtype})
