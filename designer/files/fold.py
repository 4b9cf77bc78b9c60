"""Fold calls that take learnables back into layers with their settings."""

import dataclasses
from collections.abc import Callable
from typing import Any

from designer import layers
from designer.files.fold_cells import CELLS, is_zeros
from designer.files.fold_functions import FUNCTIONS
from designer.files.fold_plain import PLAIN
from designer.files.program import Op, Ref
from designer.files.progress import check
from designer.files.steps import Calls, Step, operation
from designer.model import Layer, NetworkError

Slots = dict[str, Ref]


def fold(calls: Calls) -> list[Step]:
    """A step for each call of a program; calls that only compute numbers become parts of others."""
    folded = [
        fold_call(op, calls)
        for op in calls.program.ops
        if not op.results or not calls.metas.keys().isdisjoint(op.results)
    ]
    return _needed(folded, calls)


def _needed(steps: list[Step], calls: Calls) -> list[Step]:
    """Without the steps that others took in, such as the zeros that a recurrent layer starts with."""
    needed = set(calls.given)
    kept = []
    for step in reversed(steps):
        if not needed.isdisjoint(step.outputs.values()):
            needed.update(step.inputs.values(), step.learnables.values())
            kept.append(step)
    return kept[::-1]


def fold_call(op: Op, calls: Calls) -> Step:
    """One call as a layer of its own type, or as an Operation."""
    check()
    make = LEARNING.get(op.target) or FUNCTIONS.get(op.target) or PLAIN.get(op.target)
    if make is not None:
        try:
            step = make(op, calls)
        except (NetworkError, IndexError, KeyError, TypeError, ValueError, AttributeError):
            step = None  # a setting that the layer does not have, or arguments of another form
        if step is not None:
            return step
    return operation(op, calls)


def _step(
    op: Op, layer: Layer, inputs: Slots, learnables: dict[str, Any], buffers: Slots | None = None, count: int = 1
) -> Step:
    outputs = {port: result for port, result in zip(layer.outputs(), op.results[:count]) if result is not None}
    given = {name: ref for name, ref in learnables.items() if ref is not None}
    return Step(layer, op, inputs, outputs, given, buffers or {})


def _linear(op: Op, calls: Calls) -> Step | None:
    x, weight, bias = op.arguments[0], op.arguments[1], op.argument(2, "bias")
    transposed = op.argument(3, "transposed", False)
    if calls.rank(weight) != 2 or calls.rank(x) == 0 or (bias is not None and calls.rank(bias) != 1):
        return None
    size = calls.shape(weight)[1 if transposed else 0]
    layer = calls.layer(layers.Linear, size, bias is not None, transposed)
    return _step(op, layer, {"in": x}, {"weight": weight, "bias": bias})


def _bilinear(op: Op, calls: Calls) -> Step | None:
    x1, x2, weight, bias = (*op.arguments, None)[:4]
    layer = calls.layer(layers.Bilinear, calls.shape(weight)[0], bias is not None)
    return _step(op, layer, {"input1": x1, "input2": x2}, {"weight": weight, "bias": bias})


def _embedding(op: Op, calls: Calls) -> Step | None:
    weight, x = op.arguments[:2]
    if calls.rank(weight) != 2:
        return None
    index = op.argument(2, "padding_idx", -1)
    count, length = calls.shape(weight)
    layer = calls.layer(
        layers.Embedding,
        count,
        length,
        padding_idx=None if index == -1 else index,
        scale_grad_by_freq=op.argument(3, "scale_grad_by_freq", False),
        sparse=op.argument(4, "sparse", False),
        **_norm(op),
    )
    return _step(op, layer, {"in": x}, {"weight": weight})


def _norm(op: Op) -> dict[str, Any]:
    """The norm that the vectors are shortened to, which the program does in a call of its own."""
    return {name: op.keywords[name] for name in ("max_norm", "norm_type") if name in op.keywords}


def _embedding_bag(op: Op, calls: Calls) -> Step | None:
    weight, x, offsets = op.arguments[:3]
    by_frequency, mode, sparse, factors, last, index = (
        op.argument(n, name, default)
        for n, name, default in (
            (3, "scale_grad_by_freq", False),
            (4, "mode", 0),
            (5, "sparse", False),
            (6, "per_sample_weights", None),
            (7, "include_last_offset", False),
            (8, "padding_idx", None),
        )
    )
    if any(calls.used(result) for result in op.results[1:]) or mode not in (0, 1, 2):
        return None
    settings: dict[str, Any] = {
        "scale_grad_by_freq": by_frequency,
        "mode": ("sum", "mean", "max")[mode],
        "sparse": sparse,
        "padding_idx": None if index in (None, -1) else index,
        "per_sample_weights": factors is not None,
        **_norm(op),
    }
    count, length = calls.shape(weight)
    rows = _rows(x, offsets, calls)
    if rows is not None and factors is not None:
        flat = calls.makers.get(factors)
        if (
            flat is not None
            and flat.name in ("reshape", "view")
            and calls.shape(flat.arguments[0]) == calls.shape(rows)
        ):
            factors = flat.arguments[0]
        else:
            rows = None
    data = {"in": x, "offsets": offsets} if rows is None else {"in": rows}
    data |= {"per_sample_weights": factors} if factors is not None else {}
    settings |= {"include_last_offset": last, "offsets": True} if rows is None else {}
    return _step(op, calls.layer(layers.EmbeddingBag, count, length, **settings), data, {"weight": weight})


def _rows(x: Ref, offsets: Ref, calls: Calls) -> Ref | None:
    """The matrix of indices whose rows are the bags, where the module flattened one."""
    flat, starts = calls.makers.get(x), calls.makers.get(offsets)
    if flat is None or starts is None or flat.name not in ("reshape", "view") or starts.name != "arange":
        return None
    rows = flat.arguments[0]
    if flat.place != starts.place or not flat.arguments or calls.rank(rows) != 2 or len(starts.arguments) != 3:
        return None
    step = starts.arguments[2]
    size = calls.metas[rows].sizes[1]
    same = calls.numbers[step] == size if isinstance(step, Ref) else not size.text and step == size.number
    return rows if same else None


def _convolution(dimensions: int, transposed: bool) -> Callable[[Op, Calls], Step | None]:
    kind: Any = getattr(layers, f"Conv{'Transpose' if transposed else ''}{dimensions}d")

    def make(op: Op, calls: Calls) -> Step | None:
        x, weight, bias = op.arguments[0], op.arguments[1], op.argument(2, "bias")
        if calls.rank(x) != dimensions + 2 or calls.rank(weight) != dimensions + 2:
            return None
        names = ("stride", "padding") + (
            ("output_padding", "groups", "dilation") if transposed else ("dilation", "groups")
        )
        given = {name: op.argument(n + 3, name) for n, name in enumerate(names)}
        settings = {name: several(value) for name, value in given.items() if value is not None}
        groups = settings.get("groups", 1)
        shape = calls.shape(weight)
        channels = shape[1] * groups if transposed else shape[0]
        if not transposed and (padded := _padded(op, x, calls)):
            x, settings["padding_mode"], settings["padding"] = padded
        layer = calls.layer(kind, channels, several(list(shape[2:])), bias=bias is not None, **settings)
        return _step(op, layer, {"in": x}, {"weight": weight, "bias": bias})

    return make


def _padded(op: Op, x: Ref, calls: Calls) -> tuple[Ref, str, Any] | None:
    """What a convolution module padded by itself, how and by how much; None where it did not."""
    pad = calls.makers.get(x)
    if pad is None or pad.name != "pad" or pad.place != op.place or ".conv." not in op.kind:
        return None
    mode, sizes = pad.argument(2, "mode", "constant"), pad.arguments[1]
    if mode not in ("circular", "reflect", "replicate") or not all(type(n) is int for n in sizes):
        return None
    before, after = sizes[-2::-2], sizes[::-2]
    return (pad.arguments[0], mode, several(list(before))) if before == after else None


def _any_convolution(op: Op, calls: Calls) -> Step | None:
    """``aten.convolution``, which decomposed programs use for all of them."""
    x, weight, bias, stride, padding, dilation, transposed, output_padding, groups = op.arguments
    rest = [stride, padding, output_padding, groups, dilation] if transposed else [stride, padding, dilation, groups]
    dimensions = calls.rank(weight) - 2
    if dimensions not in (1, 2, 3):
        return None
    plain = Op(op.target, [x, weight, bias, *rest], {}, op.results, False, op.place, op.kind)
    return _convolution(dimensions, transposed)(plain, calls)


def _attention(op: Op, calls: Calls) -> Step:
    """What ``join_attention`` recognised."""
    layer = op.keywords["layer"]
    data, learnables = op.arguments
    outputs = dict(zip(layer.outputs(), [result for result in op.results if result is not None]))
    return Step(layer, op, dict(zip(layer.inputs(), data)), outputs, dict(zip(op.keywords["learnables"], learnables)))


def several(value: Any) -> Any:
    """One number where all are alike, else a tuple."""
    if isinstance(value, list):
        return value[0] if value and all(entry == value[0] for entry in value) else tuple(value)
    return value


def _layer_norm(op: Op, calls: Calls) -> Step | None:
    x, shape = op.arguments[:2]
    weight, bias, eps = op.argument(2, "weight"), op.argument(3, "bias"), op.argument(4, "eps", 1e-5)
    if (weight is None and bias is not None) or any(calls.used(result) for result in op.results[1:]):
        return None
    layer = calls.layer(layers.LayerNorm, eps, weight is not None, bias is not None or weight is None, dims=len(shape))
    return _step(op, layer, {"in": x}, {"weight": weight, "bias": bias})


def _rms_norm(op: Op, calls: Calls) -> Step | None:
    x, shape = op.arguments[:2]
    weight = op.argument(2, "weight")
    layer = calls.layer(layers.RMSNorm, op.argument(3, "eps"), weight is not None, dims=len(shape))
    return _step(op, layer, {"in": x}, {"weight": weight})


def _group_norm(op: Op, calls: Calls) -> Step | None:
    x, groups = op.arguments[:2]
    weight, bias, eps = op.argument(2, "weight"), op.argument(3, "bias"), op.argument(4, "eps", 1e-5)
    if weight is None and bias is not None:
        return None
    layer = calls.layer(layers.GroupNorm, groups, eps, weight is not None, bias=bias is not None or weight is None)
    return _step(op, layer, {"in": x}, {"weight": weight, "bias": bias})


def _group_norm_with_results(op: Op, calls: Calls) -> Step | None:
    x, weight, bias, _, _, _, groups, eps = op.arguments
    if any(calls.used(result) for result in op.results[1:]):
        return None
    plain = dataclasses.replace(op, arguments=[x, groups, weight, bias, eps])
    return _group_norm(plain, calls)


def _batch_norm(op: Op, calls: Calls) -> Step | None:
    x, weight, bias, mean, variance, training, momentum, eps = op.arguments[:8]
    rank = calls.rank(x)
    if rank not in (2, 3, 4, 5) or (mean is None) != (variance is None) or (weight is None and bias is not None):
        return None
    if (mean is None and not training) or calls.metas[x].sizes[1].text:  # as many channels as a size that is free
        return None
    if mean is not None and not {mean, variance} <= calls.slots.keys():  # computed, not kept
        return None
    kind: Any = {4: layers.BatchNorm2d, 5: layers.BatchNorm3d}.get(rank, layers.BatchNorm1d)
    if mean is not None and not training and momentum == 0:
        momentum = None  # the mean of all batches, which torch writes so where it changes nothing
    layer = calls.layer(
        kind, eps, momentum, weight is not None, mean is not None, bias=bias is not None or weight is None
    )
    buffers = {"running_mean": mean, "running_var": variance} if mean is not None else {}
    return _step(op, layer, {"in": x}, {"weight": weight, "bias": bias}, buffers)


def _instance_norm(op: Op, calls: Calls) -> Step | None:
    x, weight, bias, mean, variance, from_input, momentum, eps = op.arguments[:8]
    kind: Any = {3: layers.InstanceNorm1d, 4: layers.InstanceNorm2d, 5: layers.InstanceNorm3d}.get(calls.rank(x))
    if kind is None or (mean is None) != (variance is None) or (mean is None and not from_input):
        return None
    if (weight is None and bias is not None) or (mean is not None and not {mean, variance} <= calls.slots.keys()):
        return None
    layer = calls.layer(
        kind, eps, momentum, weight is not None, mean is not None, bias=bias is not None or weight is None
    )
    buffers = {"running_mean": mean, "running_var": variance} if mean is not None else {}
    return _step(op, layer, {"in": x}, {"weight": weight, "bias": bias}, buffers)


def _prelu(op: Op, calls: Calls) -> Step | None:
    x, weight = op.arguments
    if calls.rank(weight) != 1:
        return None
    return _step(op, calls.layer(layers.PReLU, calls.shape(weight)[0]), {"in": x}, {"weight": weight})


def _recurrent(kind: Any, gates: int, **settings: Any) -> Callable[[Op, Calls], Step | None]:
    def make(op: Op, calls: Calls) -> Step | None:
        x, states, weights, bias, depth, dropout, _, both, batch_first = op.arguments
        states = states if isinstance(states, list) else [states]
        if calls.rank(x) != 3:
            return None
        ways = 1 + both
        special = dict(settings)
        if kind is layers.LSTM and len(weights) == depth * ways * (5 if bias else 3):
            special["proj_size"] = calls.shape(weights[4 if bias else 2])[0]
        wired = any(calls.used(result) for result in op.results[1:]) or not all(is_zeros(s, calls) for s in states)
        layer = calls.layer(
            kind,
            calls.shape(weights[0])[0] // gates,
            depth,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=both,
            states=wired,
            **special,
        )
        names = layer.learnables()
        if len(names) != len(weights):
            return None
        inputs = {"in": x} | (dict(zip(layer.inputs()[1:], states)) if wired else {})
        return _step(op, layer, inputs, dict(zip(names, weights)), count=1 + len(states))

    return make


LEARNING: dict[str, Callable[[Op, Calls], Step | None]] = {
    "aten.linear.default": _linear,
    "layer.linear": _linear,
    "layer.attention": _attention,
    "aten.bilinear.default": _bilinear,
    "aten.embedding.default": _embedding,
    "aten.embedding_bag.padding_idx": _embedding_bag,
    "aten._embedding_bag.default": _embedding_bag,
    "aten._embedding_bag_forward_only.default": _embedding_bag,
    "aten.convolution.default": _any_convolution,
    "aten.layer_norm.default": _layer_norm,
    "aten.native_layer_norm.default": _layer_norm,
    "aten.rms_norm.default": _rms_norm,
    "aten.group_norm.default": _group_norm,
    "aten.native_group_norm.default": _group_norm_with_results,
    "aten.batch_norm.default": _batch_norm,
    "aten.instance_norm.default": _instance_norm,
    "aten.prelu.default": _prelu,
    "aten.lstm.input": _recurrent(layers.LSTM, 4),
    "aten.gru.input": _recurrent(layers.GRU, 3),
    "aten.rnn_tanh.input": _recurrent(layers.RNN, 1),
    "aten.rnn_relu.input": _recurrent(layers.RNN, 1, nonlinearity="relu"),
    **CELLS,
}
for _n in (1, 2, 3):
    LEARNING[f"aten.conv{_n}d.default"] = LEARNING[f"aten.conv{_n}d.padding"] = _convolution(_n, False)
    LEARNING[f"aten.conv_transpose{_n}d.{'default' if _n == 1 else 'input'}"] = _convolution(_n, True)
