"""Products of matrices; one with a stored matrix is a linear layer."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph import elementwise
from designer.files.onnx_graph.items import Item, Known, Unsupported, Value
from designer.files.onnx_graph.node import Run
from designer.files.program import Op


def linear(run: Run, x: Value, weight: Item, transposed: bool, bias: Item = None) -> Value:
    """A product with a matrix that the file stores; ``transposed``: it is stored as in x out."""
    follower = run.follower
    if not transposed:
        given = [run.tensor(weight)] + ([run.tensor(bias)] if bias is not None else [])
        made: Value = run.call("linear", x, *given)
        return made
    key = follower.key_of(weight)
    if follower.anonymous(key) and run.alone(key):  # so it is in no state_dict, and may as well lie as torch has it
        rows, columns = follower.weights.stored[key].shape
        seen = follower.seen(key, (columns, rows), (1, columns))
        return linear(run, x, seen, False, bias)
    value = run.tensor(weight)
    made = run.call("matmul", x, value)
    extra = run.tensor(bias).ref if bias is not None else None
    run.worlds.ops[-1] = Op(
        "layer.linear", [x.ref, value.ref, extra, True], {}, [made.ref], False, run.worlds.place, run.worlds.kind
    )
    return made


def _matrix(run: Run, item: Item) -> tuple[Item, bool] | None:
    """The stored matrix that a value is, and whether it is that itself, or the transposed one."""
    follower = run.follower
    if not isinstance(item, Value | Known) or run.rank(item) != 2 or "float" not in run.dtype(item):
        return None
    if follower.key_of(item):
        return item, True
    maker = follower.made.get(item.ref) if isinstance(item, Value) else None
    if maker is not None and maker.target == "aten.permute.default" and maker.arguments[1] == [1, 0]:
        key = run.worlds.slots.get(maker.arguments[0], "")
        if key:
            return follower.stored[key], False
    return None


def _matmul(run: Run, a: Item, b: Item) -> Any:
    stored = _matrix(run, b)
    if stored is not None and run.rank(a) >= 1 and not (isinstance(a, Known) and a.key):
        matrix, transposed = stored
        return linear(run, run.tensor(a), matrix, transposed)
    return run.call("matmul", run.tensor(a), run.tensor(b))


def _fused_matmul(run: Run, a: Item, b: Item) -> Any:
    first, second = run.tensor(a), run.tensor(b)
    if run.attribute("transBatchA", 0) or run.attribute("transBatchB", 0):
        raise Unsupported("it moves the batch of a product")
    first = run.call("transpose", first, -1, -2) if run.attribute("transA", 0) else first
    second = run.call("transpose", second, -1, -2) if run.attribute("transB", 0) else second
    found = run.call("matmul", first, second)
    alpha = run.attribute("alpha", 1.0)
    return found if alpha == 1.0 else run.call("mul", found, alpha)


def _gemm(run: Run, a: Item, b: Item, c: Item = None) -> Any:
    alpha, beta = run.attribute("alpha", 1.0), run.attribute("beta", 1.0)
    first = run.tensor(a)
    first = run.call("permute", first, [1, 0]) if run.attribute("transA", 0) else first
    stored = _matrix(run, b)
    swapped = bool(run.attribute("transB", 0))
    plain_bias = c is not None and run.rank(c) == 1 and beta == 1 and alpha == 1 and bool(run.follower.key_of(c))
    columns = run.plain_sizes(b)[0 if swapped else 1]
    plain_bias = plain_bias and run.plain_sizes(c) == [columns]
    if stored is not None:
        matrix, transposed = stored
        bias = c if plain_bias else None
        found = linear(run, first, matrix, transposed != swapped, bias)
        if plain_bias:
            return found
    else:
        second = run.call("permute", run.tensor(b), [1, 0]) if swapped else run.tensor(b)
        found = run.call("matmul", first, second)
    found = found if alpha == 1 else run.call("mul", found, alpha)
    if c is None:
        return found
    return run.call("add", found, run.tensor(c) if beta == 1 else run.call("mul", run.tensor(c), beta))


def _add(run: Run, a: Item, b: Item) -> Any:
    """A sum; one of a linear layer and its bias is that layer."""
    for n, (value, bias) in enumerate(((a, b), (b, a))):
        if isinstance(value, Value) and run.once(n) and (joined := _biased(run, value, bias)):
            return joined
    return elementwise.OPERATORS["Add"](run, a, b)


def _biased(run: Run, value: Value, bias: Item) -> Value | None:
    key = run.follower.key_of(bias)
    maker = run.follower.made.get(value.ref)
    if not key or maker is None or maker.target not in ("aten.linear.default", "layer.linear"):
        return None
    if any(argument is not None for argument in maker.arguments[2:3]):
        return None
    stored = run.follower.weights.stored[key]
    columns = run.plain_sizes(value)[-1]
    if stored.shape != (columns,) or stored.dtype != run.dtype(value):
        return None
    maker.arguments[2:3] = [run.tensor(bias).ref]
    return value


def _einsum(run: Run, *items: Item) -> Any:
    equation = run.attribute("equation", "").replace(" ", "")
    if "->" not in equation and "." in equation:
        raise Unsupported("it leaves out what it gives")
    return run.call("einsum", equation, [run.tensor(item) for item in items])


OPERATORS: dict[str, Callable[..., Any]] = {
    "MatMul": _matmul,
    "FusedMatMul": _fused_matmul,
    "Gemm": _gemm,
    "Add": _add,
    "Einsum": _einsum,
    "Det": lambda run, x: run.call("det", run.tensor(x)),
}
