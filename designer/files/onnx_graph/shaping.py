"""Operators that ask for sizes, change them, or put tensors together."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.items import (
    MOST_KNOWN,
    WHOLE,
    Item,
    Known,
    Number,
    Unsupported,
    Value,
    arranged,
    each,
    known,
    known_stored,
)
from designer.files.onnx_graph.node import Run
from designer.files.onnx_graph.weights import TYPES, Weights, real
from designer.files.program import Dtype
from designer.files.torchscript.text import Unfollowed

FAR = 2**31 - 1


def _shape(run: Run, x: Item) -> Any:
    sizes = run.sizes(x)
    rank = len(sizes)
    start, end = (
        min(max(n + rank if n < 0 else n, 0), rank) for n in (run.attribute("start", 0), run.attribute("end", rank))
    )
    return known(sizes[start:end], (max(end - start, 0),), "int64")


def _size(run: Run, x: Item) -> Any:
    sizes = run.sizes(x)
    total: Any = 1
    for size in sizes:
        found = each(lambda a, b: a * b, total, size)
        if isinstance(found, Number) and total != 1:
            found = run.worlds.number(found, "_operator.mul", [total, size])
        elif isinstance(found, Number):
            found = size
        total = found
    return known([total], (), "int64")


def _constant(run: Run) -> Any:
    for name, dtype in (("value_int", "int64"), ("value_float", "float32")):
        if (number := run.attribute(name)) is not None:
            return known([number], (), dtype)
        if (numbers := run.attribute(f"{name}s")) is not None:
            return known(numbers, (len(numbers),), dtype)
    proto = run.attribute("value")
    if proto is None or proto.data_type == 8:
        raise Unsupported("it is a constant of no numbers")
    weights = run.follower.weights
    trial = Weights(weights.stamp)
    trial.add("constant", proto, None)
    entry = trial.stored["constant"]
    if entry.numel <= (MOST_KNOWN if entry.dtype in WHOLE else 64):
        with real():
            return known_stored(trial.tensor("constant"), entry.dtype, "")
    name = run.node.name or run.node.output[0] or "constant"
    while name in weights.stored:
        name += "_"
    weights.add(name, proto, None)
    run.follower.unnamed.add(name)
    return run.follower.stored_value(name)


def _constant_of_shape(run: Run, shape: Item) -> Any:
    sizes = run.numbers(shape, "its shape")
    value, dtype = run.attribute("value"), "float32"
    number: Any = 0.0
    if value is not None:
        trial = Weights(run.follower.weights.stamp)
        trial.add("value", value, None)
        dtype = trial.stored["value"].dtype
        with real():
            number = trial.tensor("value").reshape(-1)[0].item()
    if dtype in WHOLE and not any(isinstance(size, Number) for size in sizes) and _product(sizes) <= MOST_KNOWN:
        return known([number] * _product(sizes), sizes, dtype)
    if number == 0:
        return run.call("zeros", sizes, dtype=Dtype(dtype))
    return run.call("full", sizes, number, dtype=Dtype(dtype))


def _product(sizes: list[Any]) -> int:
    total = 1
    for size in sizes:
        total *= int(size)
        if size < 0 or total > 2**40:
            raise Unfollowed("it makes a tensor that is too large")
    return total


def _reshape(run: Run, x: Item, shape: Item = None) -> Any:
    wanted = list(run.attribute("shape", [])) if run.version < 5 else run.numbers(shape, "its shape")
    if isinstance(x, Known) and not run.follower.learns(x.key) and not any(isinstance(n, Number) for n in wanted):
        sizes = [x.shape[n] if size == 0 and n < len(x.shape) else size for n, size in enumerate(wanted)]
        return arranged(x, lambda array: array.reshape([int(size) for size in sizes]))
    value = run.tensor(x)
    sizes = run.plain_sizes(value)
    found: list[Any] = []
    for n, size in enumerate(wanted):
        if not isinstance(size, Number) and size == 0 and not run.attribute("allowzero", 0):
            if n >= len(sizes):
                raise Unfollowed("it keeps a size that its input does not have")
            size = run.size(value, n)
        found.append(size)
    return run.call("reshape", value, found)


def _flatten(run: Run, x: Item) -> Any:
    value, rank = run.tensor(x), run.rank(x)
    axis = run.attribute("axis", 1)
    axis = axis + rank if axis < 0 else axis
    if axis == 1 and rank > 1:
        return value if rank == 2 else run.call("flatten", value, 1, -1)
    if axis == 0:
        return run.call("reshape", value, [1, -1])
    if axis == rank:
        return run.call("reshape", value, [-1, 1])
    front = run.call("flatten", value, 0, axis - 1) if axis > 1 else value
    return run.call("flatten", front, 1, -1) if rank - axis > 1 else front


def _transpose(run: Run, x: Item) -> Any:
    rank = run.rank(x)
    order = run.attribute("perm") or list(range(rank))[::-1]
    if isinstance(x, Known) and not run.follower.learns(x.key):
        return arranged(x, lambda array: array.transpose(order))
    return run.tensor(x) if order == list(range(rank)) else run.call("permute", run.tensor(x), order)


def _unsqueeze(run: Run, x: Item, axes: Item = None) -> Any:
    given = run.whole(axes, "its axes") if axes is not None else run.attribute("axes", [])
    rank = run.rank(x) + len(given)
    dims = sorted(axis + rank if axis < 0 else axis for axis in given)
    if isinstance(x, Known) and not run.follower.learns(x.key):
        import numpy

        return arranged(x, lambda array: numpy.expand_dims(array, tuple(dims)))
    value = run.tensor(x)
    for dim in dims:
        value = run.call("unsqueeze", value, dim)
    return value


def _squeeze(run: Run, x: Item, axes: Item = None) -> Any:
    dims = run.dims("axes", axes, run.rank(x))
    if dims is None:
        dims = [n for n, size in enumerate(run.plain_sizes(x)) if not isinstance(size, Number) and size == 1]
    if isinstance(x, Known) and not run.follower.learns(x.key):
        import numpy

        return arranged(x, lambda array: numpy.squeeze(array, tuple(dims)))
    if any(run.plain_sizes(x)[dim] != 1 for dim in dims):
        raise Unfollowed(f"it leaves out axes of {dims} that are not 1")
    value = run.tensor(x)
    if not dims:
        return value
    return run.call("squeeze", value, dims[0] if len(dims) == 1 else dims)


def _expand(run: Run, x: Item, shape: Item) -> Any:
    wanted = run.numbers(shape, "its shape")
    sizes = run.plain_sizes(x)
    rank = max(len(sizes), len(wanted))
    sizes = [1] * (rank - len(sizes)) + sizes
    wanted = [1] * (rank - len(wanted)) + wanted
    if isinstance(x, Known) and x.array.size == 1 and not run.follower.learns(x.key):
        if x.dtype in WHOLE and not any(isinstance(n, Number) for n in wanted) and _product(wanted) <= MOST_KNOWN:
            return known(x.numbers * _product(wanted), wanted, x.dtype)
        if x.numbers[0] == 0:
            return run.call("zeros", wanted, dtype=Dtype(x.dtype))
        return run.call("full", wanted, x.numbers[0], dtype=Dtype(x.dtype))
    found: list[Any] = []
    for size, other in zip(sizes, wanted):
        same = not isinstance(other, Number) and other == 1
        one = not isinstance(size, Number) and size == 1
        found.append(other if one else (size if same or not isinstance(size, Number) else other))
    value = run.tensor(x)
    own = run.sizes(value)
    own = [1] * (rank - len(own)) + own
    found = [o if isinstance(f, Number) and f.ref is None and isinstance(o, Number) else f for f, o in zip(found, own)]
    return run.call("expand", value, found)


def _concatenate(run: Run, *items: Item) -> Any:
    axis = run.attribute("axis", 1)
    if all(isinstance(item, Known) and not run.follower.learns(item.key) for item in items):
        import numpy

        arrays = [item.array for item in items if isinstance(item, Known)]
        if sum(array.size for array in arrays) <= MOST_KNOWN:
            return arranged(items[0], lambda _: numpy.concatenate(arrays, axis))  # type: ignore[arg-type]
    tensors = [run.tensor(item) for item in items]
    return tensors[0] if len(tensors) == 1 else run.call("cat", tensors, axis)


def _split(run: Run, x: Item, split: Item = None) -> Any:
    axis = run.attribute("axis", 0)
    lengths = run.attribute("split") if split is None else run.numbers(split, "how it splits")
    count = run.attribute("num_outputs", len(run.node.output))
    value = run.tensor(x)
    size = run.plain_sizes(value)[axis]
    if lengths is None:
        if isinstance(size, Number):
            raise Unfollowed("it splits a free size into equal parts")
        length = -(-size // count)
        lengths = [max(min(length, size - n * length), 0) for n in range(count)]
    if isinstance(x, Known) and not run.follower.learns(x.key) and not any(isinstance(n, Number) for n in lengths):
        import numpy

        ends = numpy.cumsum([int(n) for n in lengths])[:-1]
        return tuple(Known(part, x.dtype) for part in numpy.split(x.array, ends, axis))
    if len(lengths) == 1:
        return (value,)
    return tuple(run.call("split_with_sizes", value, lengths, axis))


def _slice(run: Run, x: Item, starts: Item = None, ends: Item = None, axes: Item = None, steps: Item = None) -> Any:
    if run.version < 10:
        begin, stop = run.attribute("starts", []), run.attribute("ends", [])
        dims, step = run.attribute("axes", list(range(len(begin)))), [1] * len(begin)
    else:
        begin, stop = run.numbers(starts, "where it starts"), run.numbers(ends, "where it ends")
        dims = list(range(len(begin))) if axes is None else run.whole(axes, "its axes")
        step = [1] * len(begin) if steps is None else run.whole(steps, "its steps")
    sizes = run.plain_sizes(x)
    rank = len(sizes)
    known_here = isinstance(x, Known) and not run.follower.learns(x.key)
    cut = list(zip((dim % rank for dim in dims), begin, stop, step))
    if known_here and not any(isinstance(n, Number) for part in cut for n in part):
        index = [slice(None)] * rank
        for dim, a, b, by in cut:
            index[dim] = _span(int(a), int(b), by, sizes[dim])
        return arranged(x, lambda array: array[tuple(index)])  # type: ignore[arg-type]
    value = run.tensor(x)
    for dim, a, b, by in cut:
        if by < 0:
            value = _backwards(run, value, dim, a, b, by, sizes[dim])
            continue
        b = None if not isinstance(b, Number) and b >= FAR else b
        a = 0 if not isinstance(a, Number) and a <= -FAR else a
        if (a, b, by) != (0, None, 1):
            value = run.call("slice", value, dim, a, b, by)
    return value


def _span(a: int, b: int, by: int, size: int) -> slice:
    """The part of an axis that ONNX means: what goes past an end is cut off there."""
    if by > 0:
        return slice(a, b, by)
    start = min(a + size if a < 0 else a, size - 1)
    stop = b + size if -size <= b < 0 else b
    return slice(start if start >= 0 else None, stop if stop >= 0 else None, by) if start >= 0 else slice(0, 0)


def _backwards(run: Run, value: Value, dim: int, a: Any, b: Any, by: int, size: Any) -> Any:
    """Every some entry from the end to the start: torch turns the axis around first."""
    if any(isinstance(n, Number) for n in (a, b)):
        raise Unsupported("it goes backwards from a free size")
    if isinstance(size, Number):
        if a in (-1,) or a >= FAR:
            start = 0
        elif a < 0:
            start = -1 - a
        else:
            raise Unsupported("it goes backwards from a free size")
        stop = None if b <= -FAR else (-1 - b if b < 0 else False)
        if stop is False:
            raise Unsupported("it goes backwards to a free size")
    else:
        span = range(size)[_span(a, b, by, size)]
        first, last = (span[0], span[-1]) if len(span) else (0, 1)
        start, stop = size - 1 - first, size - last if len(span) else size - 1 - first
    return run.call("slice", run.call("flip", value, [dim]), dim, start, stop, -by)


def _tile(run: Run, x: Item, repeats: Item) -> Any:
    counts = run.numbers(repeats, "how often it repeats")
    if isinstance(x, Known) and not run.follower.learns(x.key) and not any(isinstance(n, Number) for n in counts):
        import numpy

        if x.array.size * _product(counts) <= MOST_KNOWN:
            return arranged(x, lambda array: numpy.tile(array, [int(n) for n in counts]))
    return run.call("repeat", run.tensor(x), counts)


def _range(run: Run, start: Item, limit: Item, delta: Item) -> Any:
    numbers = [run.numbers(item, "a range")[0] for item in (start, limit, delta)]
    dtype = run.dtype(start)
    if not any(isinstance(n, Number) for n in numbers) and dtype in WHOLE:
        found = range(*numbers)
        if len(found) <= MOST_KNOWN:
            return known(found, (len(found),), dtype)
    return run.call("arange", *numbers, dtype=Dtype(dtype))


def _eye_like(run: Run, x: Item) -> Any:
    rows, columns = run.sizes(x)
    dtype = Dtype(TYPES[run.attribute("dtype")] if run.attribute("dtype") else run.dtype(x))
    shift = run.attribute("k", 0)
    if not shift:
        return run.call("eye", rows, columns, dtype=dtype)
    ones = run.call("ones", [rows, columns], dtype=dtype)
    return run.call("tril", run.call("triu", ones, shift), shift)


def _trilu(run: Run, x: Item, shift: Item = None) -> Any:
    by = 0 if shift is None else run.whole(shift, "its diagonal")[0]
    return run.call("triu" if run.attribute("upper", 1) else "tril", run.tensor(x), by)


def _depth_to_space(run: Run, x: Item) -> Any:
    block = run.attribute("blocksize")
    if run.attribute("mode", "DCR") == "CRD":
        return run.call("pixel_shuffle", run.tensor(x), block)
    batch, channels, height, width = run.sizes(x)
    value = run.call("reshape", run.tensor(x), [batch, block, block, channels // (block * block), height, width])
    value = run.call("permute", value, [0, 3, 4, 1, 5, 2])
    return run.call("flatten", run.call("flatten", value, 4, 5), 2, 3)


def _space_to_depth(run: Run, x: Item) -> Any:
    block = run.attribute("blocksize")
    if run.attribute("mode", "DCR") == "CRD":
        return run.call("pixel_unshuffle", run.tensor(x), block)
    value = run.call("unflatten", run.call("unflatten", run.tensor(x), 3, [-1, block]), 2, [-1, block])
    value = run.call("permute", value, [0, 3, 5, 1, 2, 4])
    return run.call("flatten", value, 1, 3)


OPERATORS: dict[str, Callable[..., Any]] = {
    "Shape": _shape,
    "Size": _size,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Expand": _expand,
    "Concat": _concatenate,
    "Split": _split,
    "Slice": _slice,
    "Tile": _tile,
    "Range": _range,
    "EyeLike": _eye_like,
    "Trilu": _trilu,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
}
