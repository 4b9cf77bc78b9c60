"""Normalisation, softmax and attention."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.elementwise import short
from designer.files.onnx_graph.items import Item, Known, Number, Unsupported
from designer.files.onnx_graph.node import Run
from designer.files.program import Dtype


def _batch_norm(run: Run, x: Item, scale: Item, bias: Item, mean: Item, variance: Item) -> Any:
    training = bool(run.attribute("training_mode", 0))
    if any(run.gives(n) for n in range(1, len(run.node.output))):
        raise Unsupported("it gives its statistics beside what it normalises")
    if run.version < 9 and not run.attribute("spatial", 1):
        raise Unsupported("it normalises each place by itself")
    plain = _repeats(run, scale, 1) and _repeats(run, bias, 0)  # as exporters write one without learnables
    factors = [None, None] if plain else [run.tensor(scale), run.tensor(bias)]
    statistics = [run.tensor(item) for item in (mean, variance)]
    momentum = round(short(1.0 - run.attribute("momentum", 0.9)), 7)
    eps = short(run.attribute("epsilon", 1e-5))
    return run.call("batch_norm", run.tensor(x), *factors, *statistics, training, momentum, eps, False)


def _repeats(run: Run, item: Item, number: int) -> bool:
    """Whether a tensor repeats one number, and is no learnable."""
    known = isinstance(item, Known) and not run.follower.learns(item.key)
    return known and all(entry == number for entry in item.numbers)  # type: ignore[union-attr]


def _instance_norm(run: Run, x: Item, scale: Item, bias: Item) -> Any:
    given = [run.tensor(item) for item in (x, scale, bias)]
    return run.call("instance_norm", *given, None, None, True, 0.1, short(run.attribute("epsilon", 1e-5)), False)


def _axes(run: Run, x: Item) -> list[int] | None:
    """The sizes of the last axes that are normalised over; None where torch has no layer for them."""
    rank = run.rank(x)
    axis = run.attribute("axis", -1)
    sizes = run.plain_sizes(x)[axis + rank if axis < 0 else axis :]
    return None if any(isinstance(size, Number) for size in sizes) else sizes


def _layer_norm(run: Run, x: Item, scale: Item, bias: Item = None) -> Any:
    shape, eps = _axes(run, x), short(run.attribute("epsilon", 1e-5))
    whole = shape is not None and run.plain_sizes(scale) == shape and (bias is None or run.plain_sizes(bias) == shape)
    if whole and not run.gives(1) and not run.gives(2):
        extra = run.tensor(bias) if bias is not None else None
        return run.call("layer_norm", run.tensor(x), shape, run.tensor(scale), extra, eps)
    value, rank = run.tensor(x), run.rank(x)
    dims = list(range(run.attribute("axis", -1) % rank, rank))
    mean = run.call("mean", value, dims, True)
    centred = run.call("sub", value, mean)
    variance = run.call("mean", run.call("mul", centred, centred), dims, True)
    factor = run.call("rsqrt", run.call("add", variance, eps))
    found = run.call("mul", run.call("mul", centred, factor), run.tensor(scale))
    found = found if bias is None else run.call("add", found, run.tensor(bias))
    return found, mean, factor


def _rms_norm(run: Run, x: Item, scale: Item) -> Any:
    shape, eps = _axes(run, x), short(run.attribute("epsilon", 1e-5))
    if shape is not None and run.plain_sizes(scale) == shape:
        return run.call("rms_norm", run.tensor(x), shape, run.tensor(scale), eps)
    value, rank = run.tensor(x), run.rank(x)
    dims = list(range(run.attribute("axis", -1) % rank, rank))
    mean = run.call("mean", run.call("mul", value, value), dims, True)
    factor = run.call("rsqrt", run.call("add", mean, eps))
    return run.call("mul", run.call("mul", value, factor), run.tensor(scale))


def _group_norm(run: Run, x: Item, scale: Item, bias: Item) -> Any:
    groups, eps = run.attribute("num_groups"), short(run.attribute("epsilon", 1e-5))
    channels = run.plain_sizes(x)[1]
    if run.plain_sizes(scale) == [channels]:
        return run.call("group_norm", run.tensor(x), groups, run.tensor(scale), run.tensor(bias), eps, False)
    if run.version >= 21 or isinstance(channels, Number):
        raise Unsupported("its scale is not as long as its channels")
    found = run.call("group_norm", run.tensor(x), groups, None, None, eps, False)  # one scale for each group
    ends = [1] * (run.rank(x) - 2)
    for name, item in (("mul", scale), ("add", bias)):
        wide = run.call("repeat_interleave", run.tensor(item), channels // groups)
        found = run.call(name, found, run.call("reshape", wide, [-1, *ends]))
    return found


def _softmax(name: str) -> Callable[..., Any]:
    def operator(run: Run, x: Item) -> Any:
        value, rank = run.tensor(x), run.rank(x)
        axis = run.attribute("axis", -1 if run.version >= 13 else 1)
        if run.version >= 13 or axis % rank == rank - 1:
            return run.call(name, value, axis)
        sizes = run.sizes(value)  # over all axes from this one on
        front = run.call("flatten", value, axis % rank, -1)
        return run.call("reshape", run.call(name, front, -1), sizes)

    return operator


def _hardmax(run: Run, x: Item) -> Any:
    value, rank = run.tensor(x), run.rank(x)
    axis = run.attribute("axis", -1 if run.version >= 13 else 1) % rank
    if run.version < 13 and axis != rank - 1:
        raise Unsupported("it looks at several axes at once")
    at = run.call("argmax", value, axis, True)
    return run.call("scatter", run.call("zeros_like", value), axis, at, 1.0)


def _lp_norm(run: Run, x: Item) -> Any:
    value, axis, power = run.tensor(x), run.attribute("axis", -1), run.attribute("p", 2)
    norm = run.call("linalg_vector_norm", value, float(power), [axis], True)
    empty = run.call("eq", norm, 0.0)
    return run.call("div", value, run.call("masked_fill", norm, empty, 1.0))


def _mean_variance(run: Run, x: Item) -> Any:
    value, dims = run.tensor(x), run.attribute("axes", [0, 2, 3])
    centred = run.call("sub", value, run.call("mean", value, dims, True))
    variance = run.call("mean", run.call("mul", centred, centred), dims, True)
    return run.call("div", centred, run.call("add", run.call("sqrt", variance), 1e-9))


def _local_response(run: Run, x: Item) -> Any:
    value, size = run.tensor(x), run.attribute("size")
    alpha, beta, bias = (run.attribute(name, d) for name, d in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    rank = run.rank(x)
    square = run.call("unsqueeze", run.call("mul", value, value), 1)
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    wide = run.call("pad", square, [0, 0] * (rank - 2) + [before, after])
    flat = run.call("flatten", wide, 3, -1) if rank != 4 else wide
    means = run.call("avg_pool3d", flat if rank == 4 else run.call("unsqueeze", flat, -1), [size, 1, 1], [1, 1, 1])
    sums = run.call("reshape", means, run.sizes(value))
    return run.call("div", value, run.call("pow", run.call("add", run.call("mul", sums, short(alpha)), bias), beta))


ATTENTION = frozenset(
    "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision".split()
)


def _attention(
    run: Run,
    q: Item,
    k: Item,
    v: Item,
    mask: Item = None,
    past_k: Item = None,
    past_v: Item = None,
    lengths: Item = None,
) -> Any:
    if past_k is not None or past_v is not None or lengths is not None or any(map(run.gives, (1, 2, 3))):
        raise Unsupported("it keeps what it saw before")
    if set(run.attributes) - ATTENTION:
        raise Unsupported("it has settings that are not known here")
    if run.attribute("softcap", 0.0) or run.attribute("softmax_precision", 0) not in (0, 1):
        raise Unsupported("it bounds its scores")
    causal, scale = bool(run.attribute("is_causal", 0)), run.attribute("scale")
    heads, kv_heads = run.attribute("q_num_heads"), run.attribute("kv_num_heads")
    flat = run.rank(q) == 3
    values = [run.tensor(item) for item in (q, k, v)]
    if flat:
        counts = (heads, kv_heads, kv_heads)
        values = [
            run.call("transpose", run.call("unflatten", value, -1, [count, -1]), 1, 2)
            for value, count in zip(values, counts)
        ]
    grouped = run.plain_sizes(values[0])[1] != run.plain_sizes(values[1])[1]
    if mask is not None and (causal or run.rank(mask) < 2):
        raise Unsupported("it has a mask beside the causal one")
    given = [*values, run.tensor(mask) if mask is not None else None, 0.0, causal]
    keywords = {"scale": scale} if scale is not None else {}
    keywords |= {"enable_gqa": True} if grouped else {}
    found = run.call("scaled_dot_product_attention", *given, **keywords)
    return run.call("flatten", run.call("transpose", found, 1, 2), 2, -1) if flat else found


def _rotary(run: Run, x: Item, cosine: Item, sine: Item, positions: Item = None) -> Any:
    value, flat = run.tensor(x), run.rank(x) == 3
    heads, part = run.attribute("num_heads", 0), run.attribute("rotary_embedding_dim", 0)
    if flat:
        value = run.call("transpose", run.call("unflatten", value, -1, [heads, -1]), 1, 2)
    tables = [run.tensor(item) for item in (cosine, sine)]
    if positions is not None:
        tables = [run.call("embedding", table, run.tensor(positions)) for table in tables]
    length = part or run.plain_sizes(value)[-1]
    tables = [run.call("unsqueeze", table, 1) for table in tables]
    turned = run.call("slice", value, 3, 0, length, 1) if part else value
    if run.attribute("interleaved", 0):
        first, second = (run.call("slice", turned, 3, n, None, 2) for n in (0, 1))
    else:
        first, second = run.call("split_with_sizes", turned, [length // 2, length // 2], 3)
    real = run.call("sub", run.call("mul", first, tables[0]), run.call("mul", second, tables[1]))
    other = run.call("add", run.call("mul", first, tables[1]), run.call("mul", second, tables[0]))
    if run.attribute("interleaved", 0):
        found = run.call("flatten", run.call("stack", [real, other], -1), 3, 4)
    else:
        found = run.call("cat", [real, other], -1)
    if part:
        found = run.call("cat", [found, run.call("slice", value, 3, length, None, 1)], -1)
    return run.call("flatten", run.call("transpose", found, 1, 2), 2, -1) if flat else found


def _cumulative(name: str) -> Callable[..., Any]:
    def operator(run: Run, x: Item, axis: Item) -> Any:
        dim = run.whole(axis, "its axis")[0]
        value = run.tensor(x)
        value = run.call("flip", value, [dim]) if run.attribute("reverse", 0) else value
        found = run.call(name, value, dim, dtype=Dtype(run.dtype(x)))
        if run.attribute("exclusive", 0):
            if name != "cumsum":
                raise Unsupported("it leaves out the last factor")
            found = run.call("sub", found, value)
        return run.call("flip", found, [dim]) if run.attribute("reverse", 0) else found

    return operator


def _quantized(run: Run, *items: Item) -> Any:
    raise Unsupported("it works on quantized numbers, which no layer here does")


QUANTIZED = """QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearConv QLinearMatMul ConvInteger
    MatMulInteger""".split()

OPERATORS: dict[str, Callable[..., Any]] = {
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm,
    "SimplifiedLayerNormalization": _rms_norm,
    "GroupNormalization": _group_norm,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "Hardmax": _hardmax,
    "LpNormalization": _lp_norm,
    "MeanVarianceNormalization": _mean_variance,
    "LRN": _local_response,
    "Attention": _attention,
    "RotaryEmbedding": _rotary,
    "CumSum": _cumulative("cumsum"),
    "CumProd": _cumulative("cumprod"),
    **dict.fromkeys(QUANTIZED, _quantized),
}
