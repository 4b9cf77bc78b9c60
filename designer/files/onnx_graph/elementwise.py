"""Operators that compute each number of a tensor from those at its place: arithmetic, comparisons, activations."""

import math
from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.items import ON_KNOWN, WHOLE, Item, Known, Unsupported, cast, computed
from designer.files.onnx_graph.node import Run
from designer.files.onnx_graph.places import is_named
from designer.files.onnx_graph.weights import TYPES
from designer.files.program import Dtype, Op, Ref
from designer.files.torchscript.worlds import Value


def number_or_tensor(run: Run, item: Item, other: Item) -> Any:
    """One number that nothing trains as such, where the sizes of the result do not need it."""
    if not isinstance(item, Known) or item.array.size != 1 or run.follower.learns(item.key):
        return run.tensor(item)
    fits = len(item.shape) <= run.rank(other) and item.dtype == run.dtype(other) != "bool"
    return item.numbers[0] if fits else run.tensor(item)


def on_known(run: Run, *items: Item) -> bool:
    """Whether an operator can be computed when the file is read."""
    small = all(isinstance(item, Known) and (item.dtype in WHOLE or item.array.size <= 16) for item in items)
    stored = [item for item in items if isinstance(item, Known) and run.follower.learns(item.key)]
    return small and run.node.op_type in ON_KNOWN and not stored


def _of_two(name: str) -> Callable[..., Any]:
    def operator(run: Run, a: Item, b: Item) -> Any:
        if on_known(run, a, b):
            return computed(run.worlds, run.node.op_type, a, b)  # type: ignore[arg-type]
        second = number_or_tensor(run, b, a)
        if isinstance(second, Value) and name in ("add", "mul"):
            first = number_or_tensor(run, a, b)
            if not isinstance(first, Value):
                return run.call(name, second, first)
        return run.call(name, run.tensor(a), second)

    return operator


def _subtract(run: Run, a: Item, b: Item) -> Any:
    if on_known(run, a, b):
        return computed(run.worlds, "Sub", a, b)  # type: ignore[arg-type]
    first, second = number_or_tensor(run, a, b), number_or_tensor(run, b, a)
    if isinstance(first, Value):
        return run.call("sub", first, second)
    return run.call("rsub", run.tensor(b), first)


def _divide(run: Run, a: Item, b: Item) -> Any:
    if on_known(run, a, b):
        return computed(run.worlds, "Div", a, b)  # type: ignore[arg-type]
    mode = {"rounding_mode": "trunc"} if run.dtype(a) in WHOLE else {}
    if not mode and isinstance(a, Known) and a.numbers == [1.0] and run.rank(a) <= run.rank(b):
        return run.call("reciprocal", run.tensor(b))
    return run.call("div", run.tensor(a), number_or_tensor(run, b, a), **mode)


def _modulo(run: Run, a: Item, b: Item) -> Any:
    if on_known(run, a, b) and not run.attribute("fmod", 0):
        return computed(run.worlds, "Mod", a, b)  # type: ignore[arg-type]
    return run.call("fmod" if run.attribute("fmod", 0) else "remainder", run.tensor(a), number_or_tensor(run, b, a))


def _power(run: Run, a: Item, b: Item) -> Any:
    if on_known(run, a, b):
        return computed(run.worlds, "Pow", a, b)  # type: ignore[arg-type]
    exponent: Any = run.tensor(b)
    if isinstance(b, Known) and b.array.size == 1 and len(b.shape) <= run.rank(a) and not run.follower.learns(b.key):
        exponent = b.numbers[0]
        exponent = int(exponent) if isinstance(exponent, float) and exponent.is_integer() else exponent
    return _as(run, run.call("pow", run.tensor(a), exponent), run.dtype(a))


def _as(run: Run, value: Value, dtype: str) -> Value:
    """A tensor as another type of numbers, if it is none of that yet."""
    if run.dtype(value) == dtype:
        return value
    made: Value = run.call("to", value, Dtype(dtype))
    return made


def _of_one(name: str) -> Callable[..., Any]:
    def operator(run: Run, x: Item) -> Any:
        if on_known(run, x):
            return computed(run.worlds, run.node.op_type, x)  # type: ignore[arg-type]
        return run.call(name, run.tensor(x))

    return operator


def _of_many(name: str) -> Callable[..., Any]:
    def operator(run: Run, *items: Item) -> Any:
        if len(items) == 2 and on_known(run, *items):
            return computed(run.worlds, run.node.op_type, *items)  # type: ignore[arg-type]
        found = run.tensor(items[0])
        for item in items[1:]:
            found = run.call(name, found, run.tensor(item))
        return found

    return operator


def _mean(run: Run, *items: Item) -> Any:
    found = _of_many("add")(run, *items)
    return run.call("div", found, float(len(items))) if len(items) > 1 else found


def _clip(run: Run, x: Item, low: Item = None, high: Item = None) -> Any:
    if run.version < 11:
        bounds = [run.attribute("min"), run.attribute("max")]
    else:
        bounds = [None if item is None else number_or_tensor(run, item, x) for item in (low, high)]
    numbers = [None if n is not None and not isinstance(n, Value) and _far(n, at) else n for at, n in enumerate(bounds)]
    if numbers == [None, None]:
        return x
    if isinstance(x, Known) and x.dtype in WHOLE and not any(isinstance(n, Value) for n in numbers):
        low_known, high_known = low, high
        for name, bound in (("Max", low_known), ("Min", high_known)):
            x = computed(run.worlds, name, x, bound) if isinstance(bound, Known) else x  # type: ignore[arg-type]
        return x
    if any(isinstance(n, Value) for n in numbers):
        kept = [run.tensor(item) if item is not None else None for item in (low, high)]
        return run.call("clamp", run.tensor(x), *kept)
    if numbers == [0, None]:
        return run.call("relu", run.tensor(x))
    if None not in numbers and run.dtype(x) not in WHOLE:
        return run.call("hardtanh", run.tensor(x), *numbers)
    return run.call("clamp", run.tensor(x), *numbers)


def _far(number: Any, at: int) -> bool:
    """Whether a bound is none: the smallest or largest number of its type."""
    bad = not isinstance(number, int | float)
    return not bad and (number <= -3.4e38 if at == 0 else number >= 3.4e38)


def _cast(run: Run, x: Item, like: Item = None) -> Any:
    dtype = run.dtype(like) if run.node.op_type == "CastLike" else TYPES.get(run.attribute("to", 0))
    if dtype is None:
        raise Unsupported("it casts to a type of numbers that PyTorch does not have")
    if isinstance(x, Known) and x.dtype == dtype:
        return x
    if isinstance(x, Known) and not run.follower.learns(x.key) and dtype in (*WHOLE, "float32", "float64"):
        return cast(x, dtype)
    return _as(run, run.tensor(x), dtype)


def _where(run: Run, condition: Item, a: Item, b: Item) -> Any:
    whole = isinstance(a, Known) and isinstance(b, Known) and a.dtype in WHOLE
    if isinstance(condition, Known) and condition.plain and whole:
        import numpy

        return Known(numpy.where(condition.array.astype(bool), a.array, b.array), a.dtype)  # type: ignore[union-attr]
    return run.call("where", run.tensor(condition), run.tensor(a), run.tensor(b))


def _leaky(run: Run, x: Item) -> Any:
    return run.call("leaky_relu", run.tensor(x), short(run.attribute("alpha", 0.01)))


def short(number: float) -> float:
    """A number that was rounded to 32 bits as somebody wrote it: 0.01, not 0.009999999776."""
    short = float(f"{number:.7g}")
    import struct

    try:
        return short if struct.pack("<f", short) == struct.pack("<f", number) else number
    except OverflowError:
        return number


def _elu(run: Run, x: Item) -> Any:
    return run.call("elu", run.tensor(x), short(run.attribute("alpha", 1.0)))


def _selu(run: Run, x: Item) -> Any:
    alpha = run.attribute("alpha", 1.67326319217681884765625)
    gamma = run.attribute("gamma", 1.05070102214813232421875)
    if math.isclose(alpha, 1.6732632, rel_tol=1e-6) and math.isclose(gamma, 1.0507010, rel_tol=1e-6):
        return run.call("selu", run.tensor(x))
    return run.call("elu", run.tensor(x), alpha, gamma)


def _celu(run: Run, x: Item) -> Any:
    return run.call("celu", run.tensor(x), short(run.attribute("alpha", 1.0)))


def _thresholded(run: Run, x: Item) -> Any:
    return run.call("threshold", run.tensor(x), run.attribute("alpha", 1.0), 0.0)


def _hard_sigmoid(run: Run, x: Item) -> Any:
    alpha, beta = run.attribute("alpha", 0.2), run.attribute("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5:
        return run.call("hardsigmoid", run.tensor(x))
    moved = run.call("add", run.call("mul", run.tensor(x), short(alpha)), short(beta))
    return run.call("hardtanh", moved, 0.0, 1.0)


def _softsign(run: Run, x: Item) -> Any:
    value = run.tensor(x)
    return run.call("div", value, run.call("add", run.call("abs", value), 1.0))


def _shrink(run: Run, x: Item) -> Any:
    bias, bound = run.attribute("bias", 0.0), run.attribute("lambd", 0.5)
    if bias == bound:
        return run.call("softshrink", run.tensor(x), bound)
    if not bias:
        return run.call("hardshrink", run.tensor(x), bound)
    raise Unsupported("it shrinks by another number than its threshold")


def _gelu(run: Run, x: Item) -> Any:
    keywords = {"approximate": "tanh"} if run.attribute("approximate", "none") == "tanh" else {}
    return run.call("gelu", run.tensor(x), **keywords)


def _swish(run: Run, x: Item) -> Any:
    value, alpha = run.tensor(x), run.attribute("alpha", 1.0)
    if alpha == 1.0:
        return run.call("silu", value)
    return run.call("mul", value, run.call("sigmoid", run.call("mul", value, alpha)))


def _prelu(run: Run, x: Item, slope: Item) -> Any:
    sizes, rank = run.plain_sizes(slope), run.rank(x)
    ones = [size for size in sizes if size != 1]
    channels = run.plain_sizes(x)[1] if rank > 1 else None
    if not ones or (ones == [channels] and len(sizes) - sizes.index(channels) == rank - 1):
        count, key = (ones[0] if ones else 1), run.follower.key_of(slope)
        if len(sizes) == 1:
            flat = run.tensor(slope)
        elif key and run.alone(key):
            flat = run.follower.seen(key, (count,), (1,))
        else:
            flat = run.call("reshape", run.tensor(slope), [count])
        return run.call("prelu", run.tensor(x), flat)
    falling = run.call("mul", run.call("clamp", run.tensor(x), None, 0.0), run.tensor(slope))
    return run.call("add", run.call("relu", run.tensor(x)), falling)


def _is_infinite(run: Run, x: Item) -> Any:
    value = run.tensor(x)
    both = run.attribute("detect_positive", 1), run.attribute("detect_negative", 1)
    if both == (1, 1):
        return run.call("isinf", value)
    if both == (0, 0):
        return run.call("zeros_like", value, dtype=Dtype("bool"))
    return run.call("eq", value, float("inf") if both[0] else float("-inf"))


def _shift(run: Run, a: Item, b: Item) -> Any:
    name = "bitwise_left_shift" if run.attribute("direction") == "LEFT" else "bitwise_right_shift"
    return run.call(name, run.tensor(a), run.tensor(b))


def _dropout(run: Run, x: Item, ratio: Item = None, training: Item = None) -> Any:
    several = len(run.node.output) > 1
    if training is not None and not (isinstance(training, Known) and training.numbers == [False]):
        rates = [0.5] if ratio is None else ratio.numbers if isinstance(ratio, Known) else []
        if not (isinstance(training, Known) and training.numbers == [True] and rates) or run.gives(1):
            raise Unsupported("it drops numbers at random, as in training")
        found = run.call("dropout", run.tensor(x), rates[0], True)
        return (found, None) if several else found
    kept = run.call("ones_like", run.tensor(x), dtype=Dtype("bool")) if run.gives(1) else None
    return (x, kept) if several else x


def _identity(run: Run, x: Item) -> Any:
    """The same value; a learnable may have a second name so."""
    key, name = run.follower.key_of(x), run.node.output[0]
    if key and run.follower.learns(key) and is_named(name) and name not in run.follower.file_keys:
        return run.follower.named_again(key, name)
    return x


def _gelu_of(run: Run, a: Item, b: Item) -> Value | None:
    """x of x * 0.5 * (1 + erf(x / sqrt(2))), as exporters write GELU; None for any other product."""
    made = run.follower.made
    factors: list[Any] = []
    todo: list[Any] = [a, b]
    for item in todo:  # grows while it is walked
        value = item if isinstance(item, Value) else None
        op = made.get(value.ref) if value else item if isinstance(item, Op) else None
        if op is not None and op.target in ("aten.mul.Tensor", "aten.mul.Scalar") and len(factors) + len(todo) < 8:
            todo += [made.get(part, part) if isinstance(part, Ref) else part for part in op.arguments]
        else:
            factors.append(op if op is not None else value.ref if value else _number(item))
    sums = [f for f in factors if isinstance(f, Op) and f.name == "add" and f.arguments[1:] == [1.0]]
    halves = [f for f in factors if f == 0.5]
    if len(factors) != 3 or len(sums) != 1 or len(halves) != 1:
        return None
    error = made.get(sums[0].arguments[0])
    inner = made.get(error.arguments[0]) if error is not None and error.name == "erf" else None
    if inner is None or inner.name not in ("div", "mul") or not isinstance(inner.arguments[1], float):
        return None
    scale = inner.arguments[1] if inner.name == "div" else 1 / inner.arguments[1]
    if not math.isclose(scale, math.sqrt(2), rel_tol=1e-6):
        return None
    source = inner.arguments[0]
    others = [f for f in factors if f is not sums[0] and f != 0.5]
    ref = others[0].results[0] if isinstance(others[0], Op) else others[0]
    return run.follower.values.get(source) if ref == source else None


def _number(item: Any) -> Any:
    return item.numbers[0] if isinstance(item, Known) and item.array.size == 1 else item


def _multiply(run: Run, a: Item, b: Item) -> Any:
    """A product; one with its own sigmoid is SiLU."""
    for n, (first, second) in enumerate(((a, b), (b, a))):
        if isinstance(first, Value) and isinstance(second, Value) and run.once(1 - n):
            maker = run.follower.made.get(second.ref)
            if maker is not None and maker.target == "aten.sigmoid.default" and maker.arguments == [first.ref]:
                return run.call("silu", first)
    source = _gelu_of(run, a, b)
    return _of_two("mul")(run, a, b) if source is None else run.call("gelu", source)


OPERATORS: dict[str, Callable[..., Any]] = {
    "Add": _of_two("add"),
    "Sub": _subtract,
    "Mul": _multiply,
    "Div": _divide,
    "Mod": _modulo,
    "Pow": _power,
    "Max": _of_many("maximum"),
    "Min": _of_many("minimum"),
    "Sum": _of_many("add"),
    "Mean": _mean,
    "Equal": _of_two("eq"),
    "Greater": _of_two("gt"),
    "GreaterOrEqual": _of_two("ge"),
    "Less": _of_two("lt"),
    "LessOrEqual": _of_two("le"),
    "And": _of_two("logical_and"),
    "Or": _of_two("logical_or"),
    "Xor": _of_two("logical_xor"),
    "Not": _of_one("logical_not"),
    "BitwiseAnd": _of_two("bitwise_and"),
    "BitwiseOr": _of_two("bitwise_or"),
    "BitwiseXor": _of_two("bitwise_xor"),
    "BitwiseNot": _of_one("bitwise_not"),
    "BitShift": _shift,
    "Clip": _clip,
    "Cast": _cast,
    "CastLike": _cast,
    "Where": _where,
    "LeakyRelu": _leaky,
    "Elu": _elu,
    "Selu": _selu,
    "Celu": _celu,
    "ThresholdedRelu": _thresholded,
    "HardSigmoid": _hard_sigmoid,
    "Softsign": _softsign,
    "Shrink": _shrink,
    "Gelu": _gelu,
    "Swish": _swish,
    "PRelu": _prelu,
    "IsInf": _is_infinite,
    "IsNaN": _of_one("isnan"),
    "Dropout": _dropout,
    "HardSwish": _of_one("hardswish"),
    "Mish": _of_one("mish"),
    "Softplus": _of_one("softplus"),
    "Identity": _identity,
}
OPERATORS |= {
    name: _of_one(name.lower())
    for name in """Abs Neg Sqrt Reciprocal Exp Log Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Erf Relu
    Sigmoid Floor Ceil Round Sign""".split()
}
