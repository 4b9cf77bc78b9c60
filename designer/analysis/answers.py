"""What torch gave for single operations on the meta device, kept: most of them are decomposed in Python there.

Only sizes and types are kept, and only as torch gave them. A setting that no size depends on is no part of the
question, so a network whose ``eps`` is edited asks nothing anew; and a pointwise operation on contiguous tensors of
one shape is asked about once for each combination of types, as its output has that shape by definition (the tag
``pointwise`` of torch's operations).
"""

from functools import cache
from typing import Any, NamedTuple

FREE = frozenset({"eps", "momentum"})  # numbers that no size depends on, whatever the operation
ORDINARY = 1e4  # larger numbers may not fit the type of a tensor, which torch says when it is asked
KEPT = 2**16

_given: dict[Any, tuple[Any, ...]] = {}
_alike: dict[Any, Any] = {}


def run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operation gives: known from such tensors before, else from torch. In one thread at a time."""
    import torch

    operation = _operation(func)
    if operation is None or (question := _question(operation, args, kwargs)) is None:
        return func(*args, **kwargs)
    if question.alike is not None and (dtype := _alike.get(question.alike)) is not None:
        return args[0] if operation.inplace else torch.empty(question.sizes, dtype=dtype, device="meta")
    if (known := _given.get(question.exact)) is not None:
        made = [torch.empty_strided(sizes, strides, dtype=dtype, device="meta") for sizes, strides, dtype in known]
        return made[0] if operation.single else tuple(made)
    result = func(*args, **kwargs)
    _keep(question, operation, result)
    return result


class _Operation(NamedTuple):
    """What is asked about an operation again and again, by its schema."""

    function: Any
    names: tuple[str, ...]  # of its arguments, in their order
    pointwise: bool
    inplace: bool  # writes to its first argument and gives it back
    single: bool  # gives one tensor, and not several


class _Question(NamedTuple):
    """An operation with its arguments, tensors by what is known without their numbers."""

    exact: Any
    alike: Any  # the same for every shape, where all tensors have one; None where they have not
    sizes: tuple[int, ...]


@cache
def _operation(func: Any) -> _Operation | None:
    """None for one that looks at tensors or shares their memory: that is quick, and no new tensor."""
    import torch

    schema = func._schema
    pointwise, inplace = torch.Tag.pointwise in func.tags, torch.Tag.inplace in func.tags
    if not schema.returns or any(str(value.type) != "Tensor" for value in schema.returns):
        return None
    aliased = any(value.alias_info is not None for value in (*schema.returns, *schema.arguments))
    if aliased and not (pointwise and inplace):
        return None
    return _Operation(func, tuple(a.name for a in schema.arguments), pointwise, inplace, len(schema.returns) == 1)


def _question(operation: _Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Question | None:
    """None where an argument is no plain value or lies elsewhere than on the meta device."""
    import torch

    exact: list[Any] = [operation.function]
    alike: list[Any] | None = [operation.function] if operation.pointwise and operation.single else None
    sizes: tuple[int, ...] = ()
    for name, value in (*zip(operation.names, args), *kwargs.items()):
        if isinstance(value, torch.Tensor):
            if value.device.type != "meta" or value.layout is not torch.strided:
                return None
            shape = tuple(value.shape)
            exact.append((name, shape, value.stride(), value.dtype))
            part: Any = (name, bool(shape), value.dtype)
            if not value.is_contiguous() or (shape and (sizes or shape) != shape):
                alike = None
            sizes = sizes or shape
        else:
            part = _plain(name, value, operation.pointwise)
            if part is None:
                return None
            exact.append(part)
        if alike is not None:
            alike.append(part)
    if not sizes:  # nothing is slow about a number
        return None
    return _Question(tuple(exact), None if alike is None else tuple(alike), sizes)


def _plain(name: str, value: Any, pointwise: bool) -> tuple[Any, ...] | None:
    """An argument that is no tensor, as a part of a key: equal numbers of two types are two."""
    import torch

    if isinstance(value, float) and (pointwise or name in FREE) and abs(value) <= ORDINARY:
        return name, float
    if isinstance(value, list | tuple):
        parts = tuple(_plain("", entry, False) for entry in value)
        return None if None in parts else (name, parts)
    if value is None or isinstance(
        value, bool | int | float | complex | str | torch.dtype | torch.device | torch.layout | torch.memory_format
    ):
        return name, type(value), value
    return None


def _keep(question: _Question, operation: _Operation, result: Any) -> None:
    import torch

    results = (result,) if operation.single else tuple(result)
    if any(not isinstance(t, torch.Tensor) or t.device.type != "meta" for t in results):
        return
    if len(_given) + len(_alike) > KEPT:
        _given.clear()
        _alike.clear()
    first = results[0]
    if question.alike is not None and tuple(first.shape) == question.sizes and first.is_contiguous():
        _alike[question.alike] = first.dtype
    elif not operation.inplace:
        _given[question.exact] = tuple((tuple(t.shape), t.stride(), t.dtype) for t in results)
