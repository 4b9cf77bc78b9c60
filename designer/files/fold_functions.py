"""Fold calls of one function each into layers that take tensors of some layouts only."""

from typing import Any

from designer import layers
from designer.files.fold_plain import Maker, several
from designer.files.program import Op, Ref
from designer.files.steps import Calls, Step


def _layer(kind: Any, ranks: tuple[int, ...], *names: str) -> Maker:
    """A layer whose inputs come first in the call, the first of one of these ranks, and then its properties."""
    inputs = kind().inputs()

    def make(op: Op, calls: Calls) -> Step | None:
        result = op.results[0]
        tensors, given = op.arguments[: len(inputs)], dict(zip(names, op.arguments[len(inputs) :])) | op.keywords
        if calls.rank(tensors[0]) not in ranks or any(isinstance(value, Ref) for value in given.values()):
            return None
        settings = {name: several(value) if isinstance(value, list) else value for name, value in given.items()}
        outputs = {"out": result} if result is not None else {}
        return Step(calls.layer(kind, **settings), op, dict(zip(inputs, tensors)), outputs)

    return make


ANY = tuple(range(65))  # sizes of a tensor
FUNCTIONS: dict[str, Maker] = {
    "aten.cosine_similarity.default": _layer(layers.CosineSimilarity, ANY[1:], "dim", "eps"),
    "aten.col2im.default": _layer(layers.Fold, (3,), "output_size", "kernel_size", "dilation", "padding", "stride"),
    "aten.im2col.default": _layer(layers.Unfold, (4,), "kernel_size", "dilation", "padding", "stride"),
    "aten.pixel_shuffle.default": _layer(layers.PixelShuffle, (4,), "upscale_factor"),
    "aten.channel_shuffle.default": _layer(layers.ChannelShuffle, (3, 4, 5), "groups"),
    "aten.pixel_unshuffle.default": _layer(layers.PixelUnshuffle, (4,), "downscale_factor"),
    "layer.local_response_norm": _layer(layers.LocalResponseNorm, (3, 4, 5), "size", "alpha", "beta", "k"),
    "layer.softmin": _layer(layers.Softmin, ANY, "dim"),
    "layer.softsign": _layer(layers.Softsign, ANY),
    "layer.tanhshrink": _layer(layers.Tanhshrink, ANY),
}
