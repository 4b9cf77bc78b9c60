"""Layers that normalise, and dropout."""

import math
from typing import Any, ClassVar

from designer.layers.text import channels, facts, literal, miscounted, settings, settings_of, times, undivided
from designer.layers.windows import LAYOUTS, by
from designer.model import Layer, prop

RUN_BATCH_NORM = '''
def run_batch_norm(m, x, weight, bias):
    """Run the batch normalisation m with a borrowed weight or bias; it keeps statistics of its own."""
    momentum = m.momentum
    if m.training:
        m.num_batches_tracked.add_(1)
        if momentum is None:  # the mean of all batches
            momentum = 1.0 / float(m.num_batches_tracked)
    return F.batch_norm(x, m.running_mean, m.running_var, weight, bias, m.training, momentum or 0.0, m.eps)
'''
RUN_INSTANCE_NORM = '''
def run_instance_norm(m, x, weight, bias):
    """Run the instance normalisation m with a borrowed weight or bias; it keeps statistics of its own."""
    from_input = m.training or not m.track_running_stats
    return F.instance_norm(x, m.running_mean, m.running_var, weight, bias, from_input, m.momentum or 0.0, m.eps)
'''
EPS = "What is added to the variance, so that nothing is divided by zero."
MOMENTUM = "Share of a new batch in the running statistics; nothing is the mean of all batches."


class BatchNorm(Layer):
    """What batch normalisations have in common."""

    eps: float = prop(1e-5, EPS)
    momentum: float | None = prop(0.1, MOMENTUM, maximum=1)
    affine: bool = prop(True, "Multiply by a learnable weight and add a learnable bias.")
    track_running_stats: bool = prop(True, "Keep running statistics in training and use them afterwards.")
    bias: bool = prop(True, "Add a learnable bias.", kw_only=True)

    layouts: ClassVar[tuple[str, ...]]

    def learnables(self):
        return _affine(self.affine, self.bias)

    def module(self, x):
        given = settings(self, "eps", "momentum", "affine", "track_running_stats", "bias")
        return f"nn.{type(self).__name__}({x[1]}{given})"

    def probe(self, m, x):
        if self.momentum is not None or not self.track_running_stats:
            return self.call(m, x)
        # the module would ask how many batches there were, which nothing knows where no numbers are computed
        return f"F.batch_norm({x}, {m}.running_mean, {m}.running_var, {m}.weight, {m}.bias, True, 0.0, {m}.eps)"

    def functional(self, m, x, weight, bias=None):
        if self.track_running_stats:
            return f"run_batch_norm({m}, {x}, {weight}, {bias})"
        return f"F.batch_norm({x}, None, None, {weight}, {bias}, True, eps={m}.eps)"

    def preamble(self):
        return {"run_batch_norm": RUN_BATCH_NORM}

    def summary(self, x=None):
        return f"{channels(x)} channels"

    def check(self, x):
        return miscounted(self, x, *self.layouts)


class BatchNorm1d(BatchNorm, category="Normalisation and dropout", search="batch normalization"):
    """Normalise each channel over a batch of vectors or sequences (Ioffe and Szegedy, 2015; torch.nn.BatchNorm1d)."""

    layouts: ClassVar[tuple[str, ...]] = ("B, C", "B, C, T")


class BatchNorm2d(BatchNorm, category="Normalisation and dropout", search="batch normalization"):
    """Normalise each channel over a batch of images (torch.nn.BatchNorm2d)."""

    layouts: ClassVar[tuple[str, ...]] = ("B, C, H, W",)


class BatchNorm3d(BatchNorm, category="Normalisation and dropout", search="batch normalization"):
    """Normalise each channel over a batch of volumes (torch.nn.BatchNorm3d)."""

    layouts: ClassVar[tuple[str, ...]] = ("B, C, D, H, W",)


class InstanceNorm(Layer):
    """What instance normalisations have in common."""

    eps: float = prop(1e-5, EPS)
    momentum: float | None = prop(0.1, "Share of a new batch in the running statistics.", maximum=1)
    affine: bool = prop(False, "Multiply by a learnable weight and add a learnable bias.")
    track_running_stats: bool = prop(False, "Keep running statistics in training and use them afterwards.")
    bias: bool = prop(True, "Add a learnable bias, where there is a learnable weight.", kw_only=True)

    dimensions: ClassVar[int]

    def learnables(self):
        return _affine(self.affine, self.bias)

    def module(self, x):
        given = settings(self, "eps", "momentum", "affine", "track_running_stats", "bias")
        return f"nn.{type(self).__name__}({x[1]}{given})"

    def functional(self, m, x, weight, bias=None):
        return f"run_instance_norm({m}, {x}, {weight}, {bias})"

    def preamble(self):
        return {"run_instance_norm": RUN_INSTANCE_NORM}

    def summary(self, x=None):
        return f"{channels(x)} channels"

    def check(self, x):
        return miscounted(self, x, LAYOUTS[self.dimensions])


class InstanceNorm1d(InstanceNorm, category="Normalisation and dropout", search="instance normalization"):
    """Normalise each channel of each sequence by itself (torch.nn.InstanceNorm1d)."""

    dimensions: ClassVar[int] = 1


class InstanceNorm2d(InstanceNorm, category="Normalisation and dropout", search="instance normalization style"):
    """Normalise each channel of each image by itself (torch.nn.InstanceNorm2d)."""

    dimensions: ClassVar[int] = 2


class InstanceNorm3d(InstanceNorm, category="Normalisation and dropout", search="instance normalization"):
    """Normalise each channel of each volume by itself (torch.nn.InstanceNorm3d)."""

    dimensions: ClassVar[int] = 3


class LayerNorm(Layer, category="Normalisation and dropout", search="layer normalization transformer"):
    """Normalise over the last dimensions (Ba et al., 2016; torch.nn.LayerNorm)."""

    eps: float = prop(1e-5, EPS)
    elementwise_affine: bool = prop(True, "Multiply by a learnable weight and add a learnable bias.")
    bias: bool = prop(True, "Add a learnable bias, where there is a learnable weight.")
    dims: int = prop(1, "How many of the last dimensions are normalised over.", minimum=1, maximum=64, kw_only=True)

    def learnables(self):
        return _affine(self.elementwise_affine, self.bias)

    def module(self, x):
        return f"nn.LayerNorm({_last(x, self.dims)}{settings(self, 'eps', 'elementwise_affine', 'bias')})"

    def functional(self, m, x, weight, bias=None):
        given = f"{f', {bias}' if bias else ''}{settings_of(m, self, 'eps')}"
        return f"F.layer_norm({x}, {m}.normalized_shape, {weight}{given})"

    def summary(self, x=None):
        return by(_known(x, self.dims))

    def check(self, x):
        return _too_few(self, x, self.dims)


class RMSNorm(Layer, category="Normalisation and dropout", search="root mean square normalization"):
    """Divide by the root mean square over the last dimensions (Zhang and Sennrich, 2019; torch.nn.RMSNorm)."""

    eps: float | None = prop(None, "What is added to the mean square; nothing is the smallest step of the dtype.")
    elementwise_affine: bool = prop(True, "Multiply by a learnable weight.")
    dims: int = prop(1, "How many of the last dimensions are normalised over.", minimum=1, maximum=64, kw_only=True)

    def learnables(self):
        return ("weight",) if self.elementwise_affine else ()

    def module(self, x):
        return f"nn.RMSNorm({_last(x, self.dims)}{settings(self, 'eps', 'elementwise_affine')})"

    def functional(self, m, x, weight):
        return f"F.rms_norm({x}, {m}.normalized_shape, {weight}{settings_of(m, self, 'eps')})"

    def summary(self, x=None):
        return by(_known(x, self.dims))

    def check(self, x):
        return _too_few(self, x, self.dims)


class LocalResponseNorm(Layer, category="Normalisation and dropout", search="lrn cross-channel alexnet"):
    """Divide by the numbers of the channels near by (Krizhevsky et al., 2012; torch.nn.LocalResponseNorm)."""

    size: int = prop(5, "How many channels are near by, its own counted.", minimum=1)
    alpha: float = prop(1e-4, "Factor of their mean square.", minimum=-math.inf, maximum=math.inf)
    beta: float = prop(0.75, "Exponent of what is divided by.", minimum=-math.inf, maximum=math.inf)
    k: float = prop(1.0, "What is added to the mean square.", minimum=-math.inf, maximum=math.inf)

    def call(self, m, x):
        return f"F.local_response_norm({x}, {self.size}{settings(self, 'alpha', 'beta', 'k')})"

    def summary(self, *shapes):
        return f"{self.size} channels"

    def check(self, x):
        return miscounted(self, x, *LAYOUTS.values())


class GroupNorm(Layer, category="Normalisation and dropout", search="group normalization"):
    """Normalise groups of channels of each example by itself (Wu and He, 2018; torch.nn.GroupNorm)."""

    num_groups: int = prop(1, "How many groups the channels are split into.", minimum=1)
    eps: float = prop(1e-5, EPS)
    affine: bool = prop(True, "Multiply by a learnable weight and add a learnable bias for each channel.")
    bias: bool = prop(True, "Add a learnable bias, where there is a learnable weight.", kw_only=True)

    def learnables(self):
        return _affine(self.affine, self.bias)

    def module(self, x):
        return f"nn.GroupNorm({self.num_groups}, {x[1]}{settings(self, 'eps', 'affine', 'bias')})"

    def functional(self, m, x, weight, bias=None):
        given = f"{f', {bias}' if bias else ''}{settings_of(m, self, 'eps')}"
        return f"F.group_norm({x}, {m}.num_groups, {weight}{given})"

    def summary(self, x=None):
        return facts(f"{self.num_groups} group{'s' if self.num_groups > 1 else ''}")

    def check(self, x):
        if len(x) < 2:
            return f"GroupNorm needs at least 2 sizes (B, C), but gets {times(x)}."
        return undivided(self.num_groups, "groups", x[1], "channels")


class Dropout(Layer, category="Normalisation and dropout", search="regularization"):
    """Zero a share of the numbers in training and enlarge the others (torch.nn.Dropout)."""

    p: float = prop(0.5, "Share that is zeroed.", maximum=1)

    def call(self, m, x):
        return f"F.dropout({x}, {literal(self.p)}, {m}.training)"

    def summary(self, *shapes):
        return f"{self.p:g}"


class AlphaDropout(Layer, category="Normalisation and dropout", search="regularization selu self-normalizing"):
    """Saturate a share of the numbers in training, so that mean and variance stay (torch.nn.AlphaDropout)."""

    p: float = prop(0.5, "Share that is saturated.", maximum=1)

    def call(self, m, x):
        return f"F.alpha_dropout({x}, {literal(self.p)}, {m}.training)"

    def summary(self, *shapes):
        return f"{self.p:g}"


class ChannelDropout(Layer):
    """What dropouts of whole channels have in common."""

    p: float = prop(0.5, "Share that is zeroed.", maximum=1)

    dimensions: ClassVar[int]

    def call(self, m, x):
        return f"F.dropout{self.dimensions}d({x}, {literal(self.p)}, {m}.training)"

    def summary(self, *shapes):
        return f"{self.p:g}"

    def check(self, x):
        return miscounted(self, x, LAYOUTS[self.dimensions])


class Dropout1d(ChannelDropout, category="Normalisation and dropout", search="spatial dropout regularization"):
    """Zero a share of the channels of sequences in training and enlarge the others (torch.nn.Dropout1d)."""

    dimensions: ClassVar[int] = 1


class Dropout2d(ChannelDropout, category="Normalisation and dropout", search="spatial dropout regularization"):
    """Zero a share of the channels of images in training and enlarge the others (torch.nn.Dropout2d)."""

    dimensions: ClassVar[int] = 2


class Dropout3d(ChannelDropout, category="Normalisation and dropout", search="spatial dropout regularization"):
    """Zero a share of the channels of volumes in training and enlarge the others (torch.nn.Dropout3d)."""

    dimensions: ClassVar[int] = 3


def _affine(weight: bool, bias: bool) -> tuple[str, ...]:
    return (("weight", "bias") if bias else ("weight",)) if weight else ()


def _last(x: Any, count: int) -> str:
    """The last sizes, as torch's norms take them: a number, or a tuple of several."""
    return literal(x[-1] if count == 1 else tuple(x[-count:]))


def _known(x: Any, count: int) -> tuple[Any, ...]:
    return x[-count:] if x else ("?",) * count


def _too_few(layer: Layer, x: Any, count: int) -> str | None:
    if len(x) >= count:
        return None
    return f"{type(layer).__name__} normalises over {count} dimensions, but gets {times(x)}."
