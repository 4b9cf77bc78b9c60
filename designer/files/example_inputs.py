"""Find out what a live module takes, from the settings of its layers, by trying."""

import inspect
from collections.abc import Iterator
from typing import Any

from designer.files.asking import Wanted
from designer.model import Input

# Pictures are most often of these sizes, where a model does not take any.
USUAL = (224, 32, 28, 64, 96, 128, 256, 299, 227, 48, 16, 160, 192, 240, 320, 384, 512, 84, 100)
MOST_PARTS = 4  # that may be the first which data reaches
SPACES = {1: ("T",), 2: ("H", "W"), 3: ("D", "H", "W")}


def wanted_inputs(module: Any) -> tuple[Wanted, ...]:
    """What ``forward`` must be given, as far as it says so, with the shape that the first layers suggest."""
    try:
        given = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return ()
    usual = next(iter(_usual(module)), ())
    names = [each.name for each in given if each.default is each.empty and each.kind not in (2, 4)]
    if len(usual) != len(names):
        return tuple(map(Wanted, names))
    return tuple(Wanted(name, layer.shape, layer.dtype) for name, layer in zip(names, usual))


def fitting_inputs(module: Any) -> tuple[Input, ...] | None:
    """The first usual inputs that a module, in evaluation mode, runs on; None where there are none."""
    import torch

    from designer.files.live import examples

    takes = len(wanted_inputs(module))
    for inputs in _usual(module):
        for example in examples(module, inputs) if len(inputs) == takes else ():
            try:
                with torch.no_grad():
                    module(*example.args)
            except Exception:  # whatever the code of the module raises
                continue
            return inputs
    return None


def _usual(module: Any) -> Iterator[tuple[Input, ...]]:
    """Inputs that are usual for modules with such layers, the likeliest first."""
    from torch import nn

    floats = (value.dtype for value in module.parameters() if value.is_floating_point())
    dtype = str(next(floats, "float32")).removeprefix("torch.")

    def flat(*shape: int | str) -> Input:
        return Input(shape, dtype)

    def sequence(size: int, batch_first: bool, time: str = "T") -> Input:
        return flat("B", time, size) if batch_first else flat(time, "B", size)

    tried = 0
    for part in module.modules():
        if isinstance(part, nn.Transformer):
            both = sequence(part.d_model, part.batch_first)
            yield both, sequence(part.d_model, part.batch_first, "S")
        elif isinstance(part, nn.TransformerDecoder | nn.TransformerDecoderLayer):
            attention = next(inner for inner in part.modules() if isinstance(inner, nn.MultiheadAttention))
            size, first = attention.embed_dim, attention.batch_first
            yield sequence(size, first), sequence(size, first, "S")
        elif isinstance(part, nn.MultiheadAttention):
            first = part.batch_first
            if part is module:
                yield tuple(sequence(size, first) for size in (part.embed_dim, part.kdim, part.vdim))
            yield (sequence(part.embed_dim, first),)
        elif isinstance(part, nn.Bilinear):
            yield flat("B", part.in1_features), flat("B", part.in2_features)
        elif isinstance(part, nn.Embedding | nn.EmbeddingBag):
            yield (Input(("B", "T"), dtype="int64"),)
            yield (Input(("B",), dtype="int64"),)
        elif isinstance(part, nn.RNNBase):
            yield (sequence(part.input_size, part.batch_first),)
        elif isinstance(part, nn.RNNCellBase):
            yield (flat("B", part.input_size),)
        elif isinstance(part, nn.Linear):
            yield (flat("B", part.in_features),)
            yield (flat("B", "T", part.in_features),)
        elif isinstance(part, nn.LayerNorm):
            yield (flat("B", *part.normalized_shape),)
            yield (flat("B", "T", *part.normalized_shape),)
        elif (space := _space(part)) and isinstance(size := _channels(part), int):
            if isinstance(part, nn.BatchNorm1d):
                yield (flat("B", size),)
            yield (flat("B", size, *space),)
            for usual in USUAL:
                yield (flat("B", size, *[usual] * len(space)),)
        else:
            continue
        tried += 1
        if tried == MOST_PARTS:
            return


def _space(part: Any) -> tuple[str, ...]:
    """The sizes of space of a layer such as Conv2d."""
    name = type(part).__name__
    return SPACES.get(int(name[-2]), ()) if name[-1:] == "d" and name[-2:-1].isdigit() else ()


def _channels(part: Any) -> Any:
    return getattr(part, "in_channels", None) or getattr(part, "num_features", None)
