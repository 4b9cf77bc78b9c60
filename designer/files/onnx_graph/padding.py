"""Operators that add numbers around a tensor, or cut them off there."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.elementwise import number_or_tensor
from designer.files.onnx_graph.items import Item, Number, Unsupported, Value
from designer.files.onnx_graph.node import Run
from designer.files.torchscript.text import Unfollowed
from designer.model.names import shortened

MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}  # ONNX's -> torch's


def _pad(run: Run, x: Item, pads: Item = None, fill: Item = None, axes: Item = None) -> Any:
    rank = run.rank(x)
    given = run.attribute("pads", run.attribute("paddings")) if pads is None else run.numbers(pads, "how it pads")
    dims = run.dims("axes", axes, rank) or list(range(rank))
    number: Any = run.attribute("value", 0.0) if run.version < 11 else 0
    if fill is not None and run.version >= 11:
        number = number_or_tensor(run, fill, x)
        if isinstance(number, Value):
            raise Unsupported("it pads with a number of a tensor")
    told = run.attribute("mode", "constant")
    if (mode := MODES.get(told, "")) == "":
        raise Unsupported(f"it pads by {shortened(told)}, which is no way of ONNX")
    amounts: list[Any] = [0] * (2 * rank)
    for n, dim in enumerate(dims):
        amounts[2 * dim], amounts[2 * dim + 1] = given[n], given[len(dims) + n]
    padded = [dim for dim in range(rank) if any(isinstance(n, Number) or n for n in amounts[2 * dim : 2 * dim + 2])]
    if not padded:
        return x
    if mode == "constant":
        order = [n for dim in range(rank - 1, padded[0] - 1, -1) for n in amounts[2 * dim : 2 * dim + 2]]
        return run.call("pad", run.tensor(x), order, "constant", *([number] if number else []))
    for dim, size in enumerate(run.plain_sizes(x)):
        most = max((n for n in amounts[2 * dim : 2 * dim + 2] if not isinstance(n, Number)), default=0)
        if not isinstance(size, Number) and mode != "replicate" and most > size - (mode == "reflect"):
            what = "reflects" if mode == "reflect" else "repeats"
            raise Unfollowed(f"it {what} {most} numbers of an axis that has {size}, which PyTorch does not do")
    inner = rank - padded[0]
    last = {3: 1, 4: 2, 5: 3}.get(rank, 0)  # of the axes, which torch pads together in these ways
    value = run.tensor(x)
    if inner > last:
        return _padded_alone(run, value, amounts, padded, mode)
    order = [n for dim in range(rank - 1, rank - 1 - last, -1) for n in amounts[2 * dim : 2 * dim + 2]]
    return run.call("pad", value, order, mode)


def _padded_alone(run: Run, value: Value, amounts: list[Any], padded: list[int], mode: str) -> Any:
    """Pad one axis after the other, moved to the end and everything else flattened."""
    for dim in padded:
        sizes = run.sizes(value)
        flat = run.call("reshape", run.call("movedim", value, dim, -1), [1, -1, sizes[dim]])
        wide = run.call("pad", flat, amounts[2 * dim : 2 * dim + 2], mode)
        moved = run.call("reshape", wide, [*sizes[:dim], *sizes[dim + 1 :], -1])
        value = run.call("movedim", moved, -1, dim)
    return value


def _center(run: Run, x: Item, shape: Item) -> Any:
    wanted = run.whole(shape, "its shape")
    rank = run.rank(x)
    dims = run.dims("axes", None, rank) or list(range(rank))
    sizes = run.plain_sizes(x)
    value = run.tensor(x)
    for dim, size in zip(dims, wanted):
        if isinstance(sizes[dim], Number):
            raise Unsupported("it cuts a free size")
        gap = size - sizes[dim]
        if gap > 0:
            value = run.call("pad", value, [0, 0] * (rank - 1 - dim) + [gap // 2, gap - gap // 2])
        elif gap < 0:
            value = run.call("slice", value, dim, -gap // 2, -gap // 2 + size, 1)
    return value


OPERATORS: dict[str, Callable[..., Any]] = {"Pad": _pad, "CenterCropPad": _center}
