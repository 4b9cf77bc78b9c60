"""Operators that make one number of many."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.items import WHOLE, Item, Known, Unsupported, Value, known
from designer.files.onnx_graph.node import Run
from designer.files.program import Dtype


def _reduce(function: Callable[[Run, Value, list[int], bool], Any]) -> Callable[..., Any]:
    """A reduction over axes that are given as an attribute or an input; over all, or none, where they are not."""

    def operator(run: Run, x: Item, axes: Item = None) -> Any:
        rank, keep = run.rank(x), bool(run.attribute("keepdims", 1))
        dims = run.dims("axes", axes, rank)
        if not dims and run.attribute("noop_with_empty_axes", 0):
            return function(run, run.tensor(x), [], True)
        dims = dims or list(range(rank))
        return function(run, run.tensor(x), dims, keep)

    return operator


def _sum(run: Run, x: Value, dims: list[int], keep: bool) -> Any:
    return run.call("sum", x, dims, keep, dtype=Dtype(run.dtype(x))) if dims else x


def _mean(run: Run, x: Value, dims: list[int], keep: bool) -> Any:
    if not dims:
        return x
    if run.dtype(x) in WHOLE:
        raise Unsupported("it takes the mean of whole numbers")
    return run.call("mean", x, dims, keep)


def _extreme(name: str) -> Callable[..., Any]:
    def function(run: Run, x: Value, dims: list[int], keep: bool) -> Any:
        return run.call(name, x, dims, keep) if dims else x

    return function


def _product(run: Run, x: Value, dims: list[int], keep: bool) -> Any:
    for dim in sorted(dims, reverse=True):
        x = run.call("prod", x, dim, keep, dtype=Dtype(run.dtype(x)))
    return x


def _norm(power: float) -> Callable[..., Any]:
    def function(run: Run, x: Value, dims: list[int], keep: bool) -> Any:
        if not dims:
            return run.call("abs", x)
        if run.dtype(x) in WHOLE:
            raise Unsupported("it takes the norm of whole numbers")
        return run.call("linalg_vector_norm", x, power, dims, keep)

    return function


def _sum_of_squares(run: Run, x: Value, dims: list[int], keep: bool) -> Any:
    return _sum(run, run.call("mul", x, x), dims, keep)


def _log_sum(run: Run, x: Value, dims: list[int], keep: bool) -> Any:
    return run.call("log", _sum(run, x, dims, keep))


def _log_sum_exp(run: Run, x: Value, dims: list[int], keep: bool) -> Any:
    return run.call("logsumexp", x, dims, keep) if dims else x


def _all_known(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction of numbers that are known, such as sizes, or else of a tensor."""
    tensors = _reduce(_extreme(name) if name != "prod" else _product)

    def operator(run: Run, x: Item, axes: Item = None) -> Any:
        if isinstance(x, Known) and x.plain and x.dtype in WHOLE and len(x.shape) == 1 and x.numbers:
            keep = bool(run.attribute("keepdims", 1))
            return known([plain(x.numbers)], (1,) if keep else (), x.dtype)
        if isinstance(x, Known) and len(x.numbers) == 1 and not run.follower.learns(x.key):
            return known(x.numbers, (1,) * len(x.shape) if run.attribute("keepdims", 1) else (), x.dtype)
        return tensors(run, x, axes)

    return operator


def _multiplied(numbers: list[Any]) -> Any:
    total = 1
    for number in numbers:
        total *= number
    return total


def _where_is(name: str) -> Callable[..., Any]:
    def operator(run: Run, x: Item) -> Any:
        axis, keep = run.attribute("axis", 0), bool(run.attribute("keepdims", 1))
        value = run.tensor(x)
        if not run.attribute("select_last_index", 0):
            return run.call(name, value, axis, keep)
        at = run.call(name, run.call("flip", value, [axis]), axis, keep)
        return run.call("rsub", at, run.plain_sizes(value)[axis] - 1)

    return operator


def _top(run: Run, x: Item, count: Item = None) -> Any:
    number = run.attribute("k") if count is None else run.numbers(count, "how many it keeps")[0]
    axis, largest = run.attribute("axis", -1), bool(run.attribute("largest", 1))
    return run.call("topk", run.tensor(x), number, axis, largest, bool(run.attribute("sorted", 1)))


OPERATORS: dict[str, Callable[..., Any]] = {
    "ReduceSum": _reduce(_sum),
    "ReduceMean": _reduce(_mean),
    "ReduceMax": _all_known("amax", max),
    "ReduceMin": _all_known("amin", min),
    "ReduceProd": _all_known("prod", _multiplied),
    "ReduceL1": _reduce(_norm(1.0)),
    "ReduceL2": _reduce(_norm(2.0)),
    "ReduceSumSquare": _reduce(_sum_of_squares),
    "ReduceLogSum": _reduce(_log_sum),
    "ReduceLogSumExp": _reduce(_log_sum_exp),
    "ArgMax": _where_is("argmax"),
    "ArgMin": _where_is("argmin"),
    "TopK": _top,
}
