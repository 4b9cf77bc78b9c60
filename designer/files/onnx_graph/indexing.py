"""Operators that take numbers from places, or put them there."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.items import Item, Known, Number, Unsupported, Value, arranged, cast
from designer.files.onnx_graph.node import Run
from designer.files.program import Dtype
from designer.files.torchscript.text import Unfollowed


def _gather(run: Run, x: Item, indices: Item) -> Any:
    rank = run.rank(x)
    axis = run.attribute("axis", 0)
    axis = axis + rank if axis < 0 else axis
    learned = isinstance(x, Known) and run.follower.learns(x.key)
    if isinstance(x, Known) and isinstance(indices, Known) and indices.plain and not learned:
        import numpy

        at = indices.array.astype(int)
        return arranged(x, lambda array: numpy.take(array, at, axis))
    if isinstance(indices, Known) and not indices.shape and not indices.key:
        return run.call("select", run.tensor(x), axis, indices.numbers[0])
    if isinstance(indices, Known) and not indices.shape:
        return run.call("select", run.tensor(x), axis, indices.numbers[0])
    at = _positive(run, x, axis, indices)
    key = run.follower.key_of(x)
    if axis == 0 and rank == 2 and key and "float" in run.dtype(x):
        return run.call("embedding", run.tensor(x), at)
    if isinstance(indices, Value) and indices.ref in run.worlds.given_inputs:
        at = _from_end(run, at, run.sizes(x)[axis])
    if run.rank(indices) == 1:
        return run.call("index_select", run.tensor(x), axis, at)
    sizes, inner = run.sizes(x), run.sizes(at)
    found = run.call("index_select", run.tensor(x), axis, run.call("reshape", at, [-1]))
    return run.call("reshape", found, [*sizes[:axis], *inner, *sizes[axis + 1 :]])


def _positive(run: Run, x: Item, axis: int, indices: Item) -> Value:
    """Indices as torch takes them; negative ones, which count from the end, are known only where they are stored."""
    if isinstance(indices, Known) and indices.plain:
        numbers = indices.numbers
        if any(n < 0 for n in numbers):
            size = run.plain_sizes(x)[axis]
            if isinstance(size, Number):
                raise Unsupported("it counts from the end of a free size")
            return run.tensor(arranged(cast(indices, "int64"), lambda array: array % size))
    value = run.tensor(indices)
    return run.call("to", value, Dtype("int64")) if run.dtype(value) not in ("int64", "int32") else value


def _whole(run: Run, indices: Item, x: Item, axis: int) -> Value:
    """Indices for torch's calls that take 64 bits only."""
    value = _positive(run, x, axis, indices)
    if run.dtype(value) != "int64":
        value = run.call("to", value, Dtype("int64"))
    return value


def _from_end(run: Run, at: Value, size: Any) -> Any:
    """Indices without those that count from the end."""
    behind = run.call("lt", at, 0)
    return run.call("where", behind, run.call("add", at, size), at)


def _gather_elements(run: Run, x: Item, indices: Item) -> Any:
    axis = run.attribute("axis", 0)
    return run.call("gather", run.tensor(x), axis, _signed(run, x, indices, axis))


def _signed(run: Run, x: Item, indices: Item, axis: int) -> Value:
    """Indices that may count from the end, where nothing tells that they do not."""
    found = _whole(run, indices, x, axis)
    given = isinstance(indices, Value) and indices.ref in run.worlds.given_inputs
    return _from_end(run, found, run.sizes(x)[axis]) if given else found


def _gather_nd(run: Run, x: Item, indices: Item) -> Any:
    if run.attribute("batch_dims", 0):
        raise Unsupported("it takes from each entry of a batch")
    value, at = run.tensor(x), run.tensor(indices)
    depth = run.plain_sizes(at)[-1]
    if isinstance(depth, Number):
        raise Unfollowed("how deep it looks is a free size")
    at = at if run.dtype(at) == "int64" else run.call("to", at, Dtype("int64"))
    parts = [run.call("select", at, -1, n) for n in range(depth)]
    return run.call("index", value, parts)


REDUCED = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _scatter_elements(run: Run, x: Item, indices: Item, updates: Item) -> Any:
    axis, way = run.attribute("axis", 0), run.attribute("reduction", "none")
    at = _signed(run, x, indices, axis)
    if way == "none":
        return run.call("scatter", run.tensor(x), axis, at, run.tensor(updates))
    return run.call("scatter_reduce", run.tensor(x), axis, at, run.tensor(updates), REDUCED[way])


def _scatter_nd(run: Run, x: Item, indices: Item, updates: Item) -> Any:
    way = run.attribute("reduction", "none")
    value, at, new = run.tensor(x), run.tensor(indices), run.tensor(updates)
    depth = run.plain_sizes(at)[-1]
    if isinstance(depth, Number):
        raise Unfollowed("how deep it puts is a free size")
    at = at if run.dtype(at) == "int64" else run.call("to", at, Dtype("int64"))
    parts = [run.call("select", at, -1, n) for n in range(depth)]
    if way in ("none", "add"):
        return run.call("index_put", value, parts, new, *([True] if way == "add" else []))
    if depth != 1 or run.rank(indices) != 2:
        raise Unsupported(f"it puts numbers together by {way}")
    return run.call("index_reduce", value, 0, parts[0], new, {"mul": "prod", "max": "amax", "min": "amin"}[way])


def _one_hot(run: Run, indices: Item, depth: Item, values: Item) -> Any:
    count = run.numbers(depth, "how many classes there are")[0]
    if isinstance(count, Number):
        raise Unsupported("it has as many classes as a size that is free")
    count = int(count)
    off, on = run.numbers(values, "what it writes")
    dtype = run.dtype(values)
    at = run.tensor(indices)
    at = at if run.dtype(at) == "int64" else run.call("to", at, Dtype("int64"))
    at = _from_end(run, at, count)
    rank = run.rank(at) + 1
    axis = run.attribute("axis", -1) % rank
    steps = run.call("reshape", run.call("arange", count), [-1] + [1] * (rank - 1 - axis))
    hot = run.call("eq", run.call("unsqueeze", at, axis), steps)
    if (off, on) == (0, 1):
        return run.call("to", hot, Dtype(dtype))
    made = (run.call("full", [], number, dtype=Dtype(dtype)) for number in (on, off))
    return run.call("where", hot, *made)


def _reverse(run: Run, x: Item, lengths: Item) -> Any:
    value = run.tensor(x)
    time, batch = run.attribute("time_axis", 0), run.attribute("batch_axis", 1)
    if {time, batch} != {0, 1}:
        raise Unsupported("it turns other axes around than the first two")
    size = run.sizes(value)[time]
    steps = run.call("unsqueeze", run.call("arange", size), 1 - time)
    ends = run.call("unsqueeze", run.tensor(lengths), time)
    inside = run.call("lt", steps, ends)
    turned = run.call("sub", run.call("sub", ends, 1), steps)
    at = run.call("where", inside, turned, steps)
    for _ in range(run.rank(value) - 2):
        at = run.call("unsqueeze", at, -1)
    return run.call("gather", value, time, run.call("expand_as", at, value))


def _data_dependent(run: Run, *items: Item) -> Any:
    raise Unsupported("the size of what it gives depends on numbers of a tensor")


OPERATORS: dict[str, Callable[..., Any]] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Scatter": _scatter_elements,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
    "OneHot": _one_hot,
    "ReverseSequence": _reverse,
    "NonZero": _data_dependent,
    "Compress": _data_dependent,
    "Unique": _data_dependent,
    "NonMaxSuppression": _data_dependent,
}
