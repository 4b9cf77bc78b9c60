"""Convolutions and pools."""

import math
from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.items import Item, Number, Unsupported, Value, each
from designer.files.onnx_graph.node import Run
from designer.files.torchscript.text import Unfollowed


def _window(run: Run, dimensions: int, kernel: list[int], sizes: list[Any]) -> tuple[list[int], list[int], list[Any]]:
    """Stride, dilation, and what is added before and after each axis."""
    strides = run.attribute("strides", [1] * dimensions)
    dilations = run.attribute("dilations", [1] * dimensions)
    automatic = run.attribute("auto_pad", "NOTSET")
    pads: list[Any] = run.attribute("pads", [0] * 2 * dimensions)
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        pads = [0] * 2 * dimensions
        for n in range(dimensions):
            reach = (kernel[n] - 1) * dilations[n] + 1
            total = each(lambda size, n=n, reach=reach: _missing(size, strides[n], reach), sizes[n])
            if isinstance(total, Number):
                raise Unfollowed("what it adds depends on a size of the inputs")
            less, more = total // 2, total - total // 2
            pads[n], pads[dimensions + n] = (less, more) if automatic == "SAME_UPPER" else (more, less)
    elif automatic == "VALID":
        pads = [0] * 2 * dimensions
    if not len(strides) == len(dilations) == dimensions or len(pads) != 2 * dimensions:
        raise Unfollowed("its settings are for another number of axes")
    return strides, dilations, pads


def _missing(size: int, stride: int, reach: int) -> int:
    return max((math.ceil(size / stride) - 1) * stride + reach - size, 0)


def _even(pads: list[int]) -> bool:
    return pads[: len(pads) // 2] == pads[len(pads) // 2 :] and min(pads, default=0) >= 0


def _padded(run: Run, x: Value, pads: list[int], number: float = 0.0) -> Any:
    half = len(pads) // 2
    order = [n for dim in reversed(range(half)) for n in (pads[dim], pads[half + dim])]
    return run.call("pad", x, order, "constant", *([number] if number else []))


def _conv(run: Run, x: Item, weight: Item, bias: Item = None) -> Any:
    value = run.tensor(x)
    dimensions = run.rank(weight) - 2
    if dimensions not in (1, 2, 3) or run.rank(x) != dimensions + 2:
        raise Unsupported(f"it moves over {dimensions} axes")
    kernel = run.plain_sizes(weight)[2:]
    strides, dilations, pads = _window(run, dimensions, kernel, run.plain_sizes(value)[2:])
    if not _even(pads):
        value, pads = _padded(run, value, pads), [0] * 2 * dimensions
    extra = run.tensor(bias) if bias is not None else None
    groups = run.attribute("group", 1)
    return run.call(
        f"conv{dimensions}d", value, run.tensor(weight), extra, strides, pads[:dimensions], dilations, groups
    )


def _conv_transpose(run: Run, x: Item, weight: Item, bias: Item = None) -> Any:
    value = run.tensor(x)
    dimensions = run.rank(weight) - 2
    if dimensions not in (1, 2, 3) or run.rank(x) != dimensions + 2:
        raise Unsupported(f"it moves over {dimensions} axes")
    kernel, sizes = run.plain_sizes(weight)[2:], run.plain_sizes(value)[2:]
    strides = run.attribute("strides", [1] * dimensions)
    dilations = run.attribute("dilations", [1] * dimensions)
    more = list(run.attribute("output_padding", [0] * dimensions))
    pads = list(run.attribute("pads", [0] * 2 * dimensions))
    automatic, wanted = run.attribute("auto_pad", "NOTSET"), run.attribute("output_shape")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    if wanted is not None or automatic.startswith("SAME"):
        for n in range(dimensions):
            if wanted is None:
                total = strides[n] * -1 + more[n] + reach[n]
            elif isinstance(sizes[n], Number):
                raise Unfollowed("the size of what it gives is fixed")
            else:
                total = strides[n] * (sizes[n] - 1) + more[n] + reach[n] - wanted[-dimensions:][n]
            less, rest = total // 2, total - total // 2
            if total < 0:  # the rest is added behind
                less, rest, more[n] = 0, 0, more[n] - total
            pads[n], pads[dimensions + n] = (rest, less) if automatic != "SAME_UPPER" else (less, rest)
    elif automatic == "VALID":
        pads = [0] * 2 * dimensions
    before, after = pads[:dimensions], pads[dimensions:]
    cut = [0] * dimensions
    for n in range(dimensions):
        gap = after[n] - before[n]
        if gap < 0:
            more[n] -= gap
        cut[n] = max(gap, 0)
    if any(m >= max(s, d) for m, s, d in zip(more, strides, dilations)):
        raise Unsupported("it adds more at the end than PyTorch does")
    extra = run.tensor(bias) if bias is not None else None
    groups = run.attribute("group", 1)
    found = run.call(
        f"conv_transpose{dimensions}d", value, run.tensor(weight), extra, strides, before, more, groups, dilations
    )
    for n, entries in enumerate(cut):
        if entries:
            found = run.call("slice", found, n + 2, 0, -entries, 1)
    return found


def _pool(run: Run, x: Item) -> tuple[Value, int, list[int], list[int], list[int], list[int]]:
    value = run.tensor(x)
    kernel = run.attribute("kernel_shape", [])
    dimensions = len(kernel)
    if dimensions not in (1, 2, 3) or run.rank(x) != dimensions + 2:
        raise Unsupported(f"it moves over {dimensions} axes")
    strides, dilations, pads = _window(run, dimensions, kernel, run.plain_sizes(value)[2:])
    return value, dimensions, kernel, strides, dilations, pads


def _fits_torch(pads: list[int], kernel: list[int]) -> bool:
    return _even(pads) and all(2 * pad <= size for pad, size in zip(pads, kernel))


def _max_pool(run: Run, x: Item) -> Any:
    value, dimensions, kernel, strides, dilations, pads = _pool(run, x)
    whole = "float" not in run.dtype(x)
    ceiling = bool(run.attribute("ceil_mode", 0))
    if whole:
        raise Unsupported("it pools whole numbers")
    if not _fits_torch(pads, kernel):
        if run.gives(1) or ceiling:
            raise Unsupported("it pads one side more than the other")
        value, pads = _padded(run, value, pads, float("-inf")), [0] * len(pads)
    given = [value, kernel, strides, pads[:dimensions], dilations, ceiling]
    if not run.gives(1):
        return run.call(f"max_pool{dimensions}d", *given)
    if dimensions == 3 or run.attribute("storage_order", 0):
        raise Unsupported("it tells where the largest numbers were in another order than PyTorch")
    found, at = run.call(f"max_pool{dimensions}d_with_indices", *given)
    return found, _whole_indices(run, at, value, dimensions)


def _whole_indices(run: Run, at: Value, x: Value, dimensions: int) -> Any:
    """Places in the whole tensor, where torch counts from the start of each channel."""
    sizes = run.sizes(x)
    batch, channels = (run.call("arange", size) for size in sizes[:2])
    ones = [1] * dimensions
    batch, channels = run.call("reshape", batch, [-1, 1, *ones]), run.call("reshape", channels, [1, -1, *ones])
    count = run.call("add", run.call("mul", batch, sizes[1]), channels)
    for size in sizes[2:]:
        count = run.call("mul", count, size)
    return run.call("add", at, count)


def _average_pool(run: Run, x: Item) -> Any:
    value, dimensions, kernel, strides, dilations, pads = _pool(run, x)
    counted = bool(run.attribute("count_include_pad", 0))
    ceiling = bool(run.attribute("ceil_mode", 0))
    if any(n != 1 for n in dilations):
        raise Unsupported("it averages with gaps")
    if _fits_torch(pads, kernel):
        return run.call(f"avg_pool{dimensions}d", value, kernel, strides, pads[:dimensions], ceiling, counted)
    if ceiling:
        raise Unsupported("it pads one side more than the other")
    padded = _padded(run, value, pads)
    found = run.call(f"avg_pool{dimensions}d", padded, kernel, strides, [0] * dimensions)
    if counted:
        return found
    ones = _padded(run, run.call("ones_like", value), pads)
    return run.call("div", found, run.call(f"avg_pool{dimensions}d", ones, kernel, strides, [0] * dimensions))


def _global(name: str) -> Callable[..., Any]:
    def operator(run: Run, x: Item) -> Any:
        rank = run.rank(x)
        dims = list(range(2, rank))
        if name == "max":
            return run.call("amax", run.tensor(x), dims, True)
        if rank in (3, 4, 5):
            return run.call(f"adaptive_avg_pool{rank - 2}d", run.tensor(x), [1] * (rank - 2))
        return run.call("mean", run.tensor(x), dims, True)

    return operator


def _global_lp(run: Run, x: Item) -> Any:
    dims = list(range(2, run.rank(x)))
    return run.call("linalg_vector_norm", run.tensor(x), float(run.attribute("p", 2)), dims, True)


def _lp_pool(run: Run, x: Item) -> Any:
    value, dimensions, kernel, strides, dilations, pads = _pool(run, x)
    power = run.attribute("p", 2)
    if any(n != 1 for n in dilations):
        raise Unsupported("it pools with gaps")
    value = run.call("pow", run.call("abs", value), power)
    if not _fits_torch(pads, kernel):
        value, pads = _padded(run, value, pads), [0] * len(pads)
    ceiling = bool(run.attribute("ceil_mode", 0))
    found = run.call(f"avg_pool{dimensions}d", value, kernel, strides, pads[:dimensions], ceiling, True)
    return run.call("pow", run.call("mul", found, math.prod(kernel)), 1.0 / power)


def _unpool(run: Run, x: Item, at: Item, shape: Item = None) -> Any:
    raise Unsupported("it puts numbers back to where a pool took them")


OPERATORS: dict[str, Callable[..., Any]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "LpPool": _lp_pool,
    "GlobalAveragePool": _global("mean"),
    "GlobalMaxPool": _global("max"),
    "GlobalLpPool": _global_lp,
    "MaxUnpool": _unpool,
}
