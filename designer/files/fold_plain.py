"""Fold calls without learnables back into layers with their settings."""

from collections.abc import Callable
from typing import Any

from designer import layers
from designer.files.program import Op, Ref
from designer.files.steps import Calls, Step
from designer.model import Layer

Maker = Callable[[Op, Calls], Step | None]
FAR = 2**31


def _step(op: Op, layer: Layer, *tensors: Ref) -> Step:
    ports = map(str, range(len(tensors))) if layer.variadic else layer.inputs()
    results = [result for result in op.results if result is not None]
    return Step(layer, op, dict(zip(ports, tensors)), dict(zip(layer.outputs(), results)))


def _numbers(*values: Any) -> bool:
    """Whether all are plain numbers, not sizes known at run time only."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _whole(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int for value in values)


def several(values: list[int]) -> Any:
    """One number where all are alike, else a tuple."""
    return values[0] if values and all(value == values[0] for value in values) else tuple(values)


def _function(kind: Any, **names: tuple[int, Any]) -> Maker:
    """A layer with one input; its properties are arguments of the call, by place and default."""

    def make(op: Op, calls: Calls) -> Step | None:
        given = {name: op.argument(place, name, default) for name, (place, default) in names.items()}
        return _step(op, calls.layer(kind, **given), op.arguments[0])

    return make


def _hardtanh(op: Op, calls: Calls) -> Step | None:
    low, high = op.argument(1, "min_val", -1.0), op.argument(2, "max_val", 1.0)
    return _step(op, calls.layer(layers.Hardtanh, low, high), op.arguments[0]) if _numbers(low, high) else None


def _elu(op: Op, calls: Calls) -> Step | None:
    if op.argument(2, "scale", 1) != 1 or op.argument(3, "input_scale", 1) != 1:
        return None
    return _step(op, calls.layer(layers.ELU, op.argument(1, "alpha", 1.0)), op.arguments[0])


def _softmax(kind: Any) -> Maker:
    def make(op: Op, calls: Calls) -> Step | None:
        x = op.arguments[0]
        dtype = op.argument(2, "dtype")
        if dtype is not None and dtype is not False and dtype != calls.metas[x].dtype:
            return None
        return _step(op, calls.layer(kind, op.arguments[1]), x)

    return make


def _dropout(op: Op, calls: Calls) -> Step | None:
    return _step(op, calls.layer(layers.Dropout, op.arguments[1]), op.arguments[0])


def _feature_dropout(op: Op, calls: Calls) -> Step | None:
    x = op.arguments[0]
    kind: Any = {3: layers.Dropout1d, 4: layers.Dropout2d, 5: layers.Dropout3d}.get(calls.rank(x))
    return _step(op, calls.layer(kind, op.arguments[1]), x) if kind else None


def _attention(op: Op, calls: Calls) -> Step | None:
    mask = op.argument(3, "attn_mask")
    scale = op.argument(6, "scale")
    if isinstance(scale, Ref):
        return None
    layer = calls.layer(
        layers.ScaledDotProductAttention,
        attn_mask=mask is not None,
        dropout_p=op.argument(4, "dropout_p", 0.0),
        is_causal=op.argument(5, "is_causal", False),
        scale=scale,
        enable_gqa=op.argument(7, "enable_gqa", False),
    )
    return _step(op, layer, *op.arguments[:3], *([mask] if mask is not None else []))


def _max_pool(dimensions: int, indices: bool = False) -> Maker:
    kind: Any = getattr(layers, f"MaxPool{dimensions}d")

    def make(op: Op, calls: Calls) -> Step | None:
        x, kernel = op.arguments[:2]
        if calls.rank(x) != dimensions + 2:
            return None
        stride = op.argument(2, "stride", []) or kernel
        layer = calls.layer(
            kind,
            kernel_size=several(kernel),
            stride=None if several(stride) == several(kernel) else several(stride),
            padding=several(op.argument(3, "padding", [0])),
            dilation=several(op.argument(4, "dilation", [1])),
            ceil_mode=op.argument(5, "ceil_mode", False),
            return_indices=indices and calls.used(op.results[1]),
        )
        return _step(op, layer, x)

    return make


def _average_pool(dimensions: int) -> Maker:
    kind: Any = getattr(layers, f"AvgPool{dimensions}d")

    def make(op: Op, calls: Calls) -> Step | None:
        x, kernel = op.arguments[:2]
        if calls.rank(x) != dimensions + 2:
            return None
        stride = op.argument(2, "stride", []) or kernel
        given = {"divisor_override": op.argument(6, "divisor_override")} if dimensions > 1 else {}
        layer = calls.layer(
            kind,
            kernel_size=several(kernel),
            stride=None if several(stride) == several(kernel) else several(stride),
            padding=several(op.argument(3, "padding", [0])),
            ceil_mode=op.argument(4, "ceil_mode", False),
            count_include_pad=op.argument(5, "count_include_pad", True),
            **given,
        )
        return _step(op, layer, x)

    return make


def _adaptive_pool(kind: Any, dimensions: int) -> Maker:
    def make(op: Op, calls: Calls) -> Step | None:
        x, size = op.arguments[:2]
        if calls.rank(x) != dimensions + 2:
            return None
        kept = [isinstance(n, Ref) and calls.numbers[n] == has for n, has in zip(size, calls.metas[x].sizes[2:])]
        size = [None if keeps else n for keeps, n in zip(kept, size)]
        given = {}
        if hasattr(kind, "return_indices"):
            given["return_indices"] = calls.used(op.results[1])
        return _step(op, calls.layer(kind, tuple(size) if any(kept) else several(size), **given), x)

    return make


def _upsample(mode: str, aligned: bool) -> Maker:
    def make(op: Op, calls: Calls) -> Step | None:
        x, size = op.arguments[:2]
        align = op.argument(2, "align_corners") if aligned else None
        factors = op.argument(3 if aligned else 2, "scale_factors")
        align = True if align else None  # torch leaves it out where it is not wanted
        if size is None and factors:
            layer = calls.layer(layers.Upsample, None, several(factors), mode, align)
            return _step(op, layer, x)
        if _whole(size):
            return _step(op, calls.layer(layers.Upsample, several(size), None, mode, align), x)
        like = _like(size, calls, calls.rank(x)) if size else None
        if like is None:
            return None
        return _step(op, calls.layer(layers.Upsample, None, None, mode, align, like=True), x, like)

    return make


def _like(sizes: list[Any], calls: Calls, rank: int) -> Ref | None:
    """A tensor whose last sizes these are, from where they were read."""
    for number in sizes:
        maker = calls.makers.get(number) if isinstance(number, Ref) else None
        if maker is None or maker.target != "aten.sym_size.int":
            continue
        tensor = maker.arguments[0]
        wanted = [calls.numbers[n] if isinstance(n, Ref) else n for n in sizes]
        known = calls.metas[tensor].sizes[2:]
        if calls.rank(tensor) == rank and len(known) == len(wanted):
            plain = [size if size.text else size.number for size in known]
            if plain == wanted:
                return Ref(tensor)
    return None


SIDES: dict[str, Any] = {
    f"{how}{dims}d": getattr(layers, f"{how}{dims}d")
    for how in ("ConstantPad", "ReflectionPad", "ReplicationPad")
    for dims in (1, 2)
} | {"ZeroPad1d": layers.ConstantPad1d, "ZeroPad2d": layers.ZeroPad2d}
PADDED = {"reflection": "reflect", "replication": "replicate"}


def _pad(op: Op, calls: Calls) -> Step | None:
    x, pad = op.arguments[:2]
    mode = op.argument(2, "mode", "constant") if op.name == "pad" else PADDED.get(op.name.partition("_")[0], "constant")
    value = op.argument(3, "value") if op.name == "pad" else op.argument(2, "value", 0) if mode == "constant" else 0
    if not _whole(pad) or isinstance(value, Ref):
        return None
    kind = SIDES.get(op.kind.rpartition(".")[2])
    if kind and (kind.mode, 2 * kind.dimensions, kind.dimensions + 2) == (mode, len(pad), calls.rank(x)):
        given = [value or 0.0] if "value" in kind.names else []
        if given or not value:
            return _step(op, calls.layer(kind, several(pad), *given), x)
    return _step(op, calls.layer(layers.Pad, tuple(pad), mode, value or 0.0), x)


def _reshape(op: Op, calls: Calls) -> Step | None:
    x, sizes = op.arguments[0], op.arguments[1]
    if x not in calls.metas or not isinstance(sizes, list):
        return None
    known = calls.metas[x].sizes
    written = []
    for dim, size in enumerate(sizes):
        if isinstance(size, Ref):
            number = calls.numbers[size]
            if not number.text:
                written.append(number.number)
            elif dim < len(known) and known[dim] == number and number.text != "?":
                written.append(0)
            else:
                written.append(-1)
        elif size == 0:
            return None  # a dimension without numbers, where 0 would mean to keep it
        else:
            written.append(size)
    if written.count(-1) > 1:
        return None
    return _step(op, calls.layer(layers.Reshape, tuple(written)), x)


def _unflatten(op: Op, calls: Calls) -> Step | None:
    x, dim, sizes = op.arguments[:3]
    return _step(op, calls.layer(layers.Unflatten, dim, tuple(sizes)), x) if _whole(sizes) else None


def _transpose(op: Op, calls: Calls) -> Step | None:
    return _step(op, calls.layer(layers.Transpose, op.arguments[1], op.arguments[2]), op.arguments[0])


def _t(op: Op, calls: Calls) -> Step | None:
    x = op.arguments[0]
    return _step(op, calls.layer(layers.Permute, (1, 0)), x) if calls.rank(x) == 2 else None


def _permute(op: Op, calls: Calls) -> Step | None:
    return _step(op, calls.layer(layers.Permute, tuple(op.arguments[1])), op.arguments[0])


def _squeeze(op: Op, calls: Calls) -> Step | None:
    dim = op.arguments[1]
    return _step(op, calls.layer(layers.Squeeze, tuple(dim) if isinstance(dim, list) else dim), op.arguments[0])


def _slice(op: Op, calls: Calls) -> Step | None:
    x = op.arguments[0]
    dim, start, stop, step = (
        op.argument(n, name, default)
        for n, name, default in ((1, "dim", 0), (2, "start", 0), (3, "end", None), (4, "step", 1))
    )
    start = start or 0
    if stop is not None and not isinstance(stop, Ref) and stop >= FAR:
        stop = None
    if not all(type(n) is int for n in (dim, start, step)) or not (stop is None or type(stop) is int):
        return None
    return _step(op, calls.layer(layers.Slice, dim, start, stop, step), x)


def _concatenate(op: Op, calls: Calls) -> Step | None:
    tensors = op.arguments[0]
    return _step(op, calls.layer(layers.Concatenate, op.argument(1, "dim", 0)), *tensors) if tensors else None


def _of_two(kind: Any) -> Maker:
    """A layer that combines two tensors; a number as the second stays an operation."""

    def make(op: Op, calls: Calls) -> Step | None:
        a, b = op.arguments[0], op.argument(1, "other")
        both = isinstance(a, Ref) and isinstance(b, Ref) and a in calls.metas and b in calls.metas
        if not both or op.argument(2, "alpha", 1) != 1 or set(op.keywords) - {"alpha"}:
            return None
        return _step(op, calls.layer(kind), a, b)

    return make


def _divide(op: Op, calls: Calls) -> Step | None:
    a, b = op.arguments[:2]
    if not (isinstance(b, Ref) and b in calls.metas):
        return None
    return _step(op, calls.layer(layers.Divide, op.keywords.get("rounding_mode")), a, b)


def _matmul(op: Op, calls: Calls) -> Step | None:
    return None if op.keywords else _step(op, calls.layer(layers.MatMul), *op.arguments[:2])


def _reduction(kind: Any) -> Maker:
    def make(op: Op, calls: Calls) -> Step | None:
        x, dims = op.arguments[0], op.argument(1, "dim")
        if op.keywords.get("dtype") is not None and op.keywords["dtype"] != calls.metas[op.results[0]].dtype:  # type: ignore[index]
            return None
        if op.keywords.get("dtype") is not None and op.keywords["dtype"] != calls.metas[x].dtype:
            return None
        keep = op.argument(2, "keepdim", False)
        if not dims:
            return None if dims == [] and keep else _step(op, calls.layer(kind, None, keep), x)
        one = len(dims) == 1 and kind is not layers.Max
        return _step(op, calls.layer(kind, dims[0] if one else tuple(dims), keep), x)

    return make


def _max(op: Op, calls: Calls) -> Step | None:
    layer = calls.layer(
        layers.Max, op.arguments[1], op.argument(2, "keepdim", False), return_indices=calls.used(op.results[1])
    )
    return _step(op, layer, op.arguments[0])


PLAIN: dict[str, Maker] = {
    "aten.relu.default": _function(layers.ReLU),
    "aten.relu6.default": _function(lambda: layers.Hardtanh(0.0, 6.0)),
    "aten.leaky_relu.default": _function(layers.LeakyReLU, negative_slope=(1, 0.01)),
    "aten.gelu.default": _function(layers.GELU, approximate=(1, "none")),
    "aten.silu.default": _function(layers.SiLU),
    "aten.elu.default": _elu,
    "aten.sigmoid.default": _function(layers.Sigmoid),
    "aten.tanh.default": _function(layers.Tanh),
    "aten.softmax.int": _softmax(layers.Softmax),
    "aten._softmax.default": _softmax(layers.Softmax),
    "aten.log_softmax.int": _softmax(layers.LogSoftmax),
    "aten._log_softmax.default": _softmax(layers.LogSoftmax),
    "aten.softplus.default": _function(layers.Softplus, beta=(1, 1.0), threshold=(2, 20.0)),
    "aten.hardswish.default": _function(layers.Hardswish),
    "aten.hardsigmoid.default": _function(layers.Hardsigmoid),
    "aten.hardtanh.default": _hardtanh,
    "aten.glu.default": _function(layers.GLU, dim=(1, -1)),
    "aten.dropout.default": _dropout,
    "aten.alpha_dropout.default": _function(layers.AlphaDropout, p=(1, 0.5)),
    "aten.selu.default": _function(layers.SELU),
    "aten.celu.default": _function(layers.CELU, alpha=(1, 1.0)),
    "aten.mish.default": _function(layers.Mish),
    "aten.log_sigmoid.default": _function(layers.LogSigmoid),
    "aten.hardshrink.default": _function(layers.Hardshrink, lambd=(1, 0.5)),
    "aten.softshrink.default": _function(layers.Softshrink, lambd=(1, 0.5)),
    "aten.feature_dropout.default": _feature_dropout,
    "aten.scaled_dot_product_attention.default": _attention,
    "aten._adaptive_avg_pool2d.default": _adaptive_pool(layers.AdaptiveAvgPool2d, 2),
    "aten._adaptive_avg_pool3d.default": _adaptive_pool(layers.AdaptiveAvgPool3d, 3),
    "aten.pad.default": _pad,
    "aten.constant_pad_nd.default": _pad,
    "aten.flatten.using_ints": _function(layers.Flatten, start_dim=(1, 0), end_dim=(2, -1)),
    "aten.unflatten.int": _unflatten,
    "aten.view.default": _reshape,
    "aten._unsafe_view.default": _reshape,
    "aten.reshape.default": _reshape,
    "aten.permute.default": _permute,
    "aten.transpose.int": _transpose,
    "aten.t.default": _t,
    "aten.squeeze.dim": _squeeze,
    "aten.squeeze.dims": _squeeze,
    "aten.unsqueeze.default": _function(layers.Unsqueeze, dim=(1, 0)),
    "aten.slice.Tensor": _slice,
    "aten.cat.default": _concatenate,
    "aten.concat.default": _concatenate,
    "aten.add.Tensor": _of_two(layers.Add),
    "aten.sub.Tensor": _of_two(layers.Subtract),
    "aten.mul.Tensor": _of_two(layers.Multiply),
    "aten.div.Tensor": _divide,
    "aten.div.Tensor_mode": _divide,
    "aten.matmul.default": _matmul,
    "aten.bmm.default": _matmul,
    "aten.mm.default": _matmul,
    "aten.mean.dim": _reduction(layers.Mean),
    "aten.mean.default": _reduction(layers.Mean),
    "aten.sum.dim_IntList": _reduction(layers.Sum),
    "aten.sum.default": _reduction(layers.Sum),
    "aten.amax.default": _reduction(layers.Max),
    "aten.max.dim": _max,
}
for _n in (1, 2, 3):
    for _how in ("Avg", "Max"):
        _kind = getattr(layers, f"Adaptive{_how}Pool{_n}d")
        PLAIN[f"aten.adaptive_{_how.lower()}_pool{_n}d.default"] = _adaptive_pool(_kind, _n)
    PLAIN[f"aten.max_pool{_n}d_with_indices.default"] = _max_pool(_n, indices=True)
    PLAIN[f"aten.reflection_pad{_n}d.default"] = PLAIN[f"aten.replication_pad{_n}d.default"] = _pad
    PLAIN[f"aten.max_pool{_n}d.default"] = _max_pool(_n)
    PLAIN[f"aten.avg_pool{_n}d.default"] = _average_pool(_n)
for _size, _mode, _aligned in (
    ("nearest1d", "nearest", False),
    ("nearest2d", "nearest", False),
    ("nearest3d", "nearest", False),
    ("linear1d", "linear", True),
    ("bilinear2d", "bilinear", True),
    ("bicubic2d", "bicubic", True),
    ("trilinear3d", "trilinear", True),
):
    PLAIN[f"aten.upsample_{_size}.vec"] = _upsample(_mode, _aligned)
for _n in (1, 2, 3):
    PLAIN[f"aten._upsample_nearest_exact{_n}d.vec"] = _upsample("nearest-exact", False)
