"""Layers that treat each number alike, or make one dimension a distribution or a gate."""

import math
from typing import ClassVar

from designer.layers.text import literal, outside, settings
from designer.model import Layer, prop


class Function(Layer):
    """A function of torch.nn.functional and its settings."""

    function: ClassVar[str]
    names: ClassVar[tuple[str, ...]] = ()

    def call(self, m, x):
        return f"F.{self.function}({x}{settings(self, *self.names)})"

    def summary(self, *shapes):
        return ", ".join(str(getattr(self, name)) for name in self.names)


class ReLU(Function, category="Activation", search="rectified linear unit rectifier"):
    """Replace negative numbers by zero (torch.nn.ReLU)."""

    function: ClassVar[str] = "relu"


class LeakyReLU(Function, category="Activation", search="rectified linear unit rectifier"):
    """Multiply negative numbers by a small slope (torch.nn.LeakyReLU)."""

    negative_slope: float = prop(0.01, "Factor of the negative numbers.", minimum=-math.inf, maximum=math.inf)

    function: ClassVar[str] = "leaky_relu"
    names: ClassVar[tuple[str, ...]] = ("negative_slope",)


class PReLU(Layer, category="Activation", search="parametric rectified linear unit rectifier"):
    """Multiply negative numbers by a learnable slope (He et al., 2015; torch.nn.PReLU)."""

    num_parameters: int = prop(1, "Number of slopes: 1, or one for each channel.", minimum=1)
    init: float = prop(0.25, "What the slopes start with.", minimum=-math.inf, maximum=math.inf)

    def learnables(self):
        return ("weight",)

    def module(self, x):
        return f"nn.PReLU({self.num_parameters}{settings(self, 'init')})"

    def functional(self, m, x, weight):
        return f"F.prelu({x}, {weight})"

    def summary(self, *shapes):
        return "1 slope" if self.num_parameters == 1 else f"{self.num_parameters} slopes"

    def check(self, x):
        channels = x[1] if len(x) > 1 else 1
        if isinstance(channels, str) or self.num_parameters in (1, channels):
            return None
        return f"PReLU has {self.num_parameters} slopes, but gets {channels} channels."


class GELU(Function, category="Activation", search="gaussian error linear unit"):
    """Multiply each number by the normal distribution's share below it (torch.nn.GELU)."""

    approximate: str = prop("none", "How it is computed: exactly, or by a tanh.", choices=("none", "tanh"))

    function: ClassVar[str] = "gelu"
    names: ClassVar[tuple[str, ...]] = ("approximate",)

    def summary(self, *shapes):
        return "" if self.approximate == "none" else self.approximate


class SiLU(Function, category="Activation", search="swish sigmoid linear unit"):
    """Multiply each number by its sigmoid (torch.nn.SiLU)."""

    function: ClassVar[str] = "silu"


class ELU(Function, category="Activation", search="exponential linear unit"):
    """Replace negative numbers by alpha * (exp(x) - 1) (torch.nn.ELU)."""

    alpha: float = prop(1.0, "Far below zero the output is minus this.", minimum=-math.inf, maximum=math.inf)

    function: ClassVar[str] = "elu"
    names: ClassVar[tuple[str, ...]] = ("alpha",)


class Sigmoid(Layer, category="Activation", search="logistic"):
    """Squash numbers between zero and one (torch.nn.Sigmoid)."""

    def call(self, m, x):
        return f"{x}.sigmoid()"


class Tanh(Layer, category="Activation", search="hyperbolic tangent"):
    """Squash numbers between minus one and one (torch.nn.Tanh)."""

    def call(self, m, x):
        return f"{x}.tanh()"


class Softmax(Layer, category="Activation", search="probabilities distribution normalize"):
    """Make the numbers along a dimension positive and sum to one (torch.nn.Softmax, with dim=-1)."""

    dim: int = prop(-1, "Dimension that sums to one.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"{x}.softmax({self.dim})"

    def summary(self, *shapes):
        return f"dim {self.dim}"

    def check(self, x):
        return outside(self, self.dim, x)


class LogSoftmax(Layer, category="Activation", search="log probabilities distribution"):
    """Take the logarithm of the softmax along a dimension (torch.nn.LogSoftmax, with dim=-1)."""

    dim: int = prop(-1, "Dimension whose exponentials sum to one.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"{x}.log_softmax({self.dim})"

    def summary(self, *shapes):
        return f"dim {self.dim}"

    def check(self, x):
        return outside(self, self.dim, x)


class Softmin(Layer, category="Activation", search="probabilities distribution smallest"):
    """Take the softmax of the negated numbers along a dimension (torch.nn.Softmin, with dim=-1)."""

    dim: int = prop(-1, "Dimension that sums to one.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"F.softmin({x}, {self.dim})"

    def summary(self, *shapes):
        return f"dim {self.dim}"

    def check(self, x):
        return outside(self, self.dim, x)


class Softplus(Function, category="Activation", search="smooth rectifier"):
    """Make numbers positive smoothly: log(1 + exp(beta * x)) / beta (torch.nn.Softplus)."""

    beta: float = prop(1.0, "How sharp the bend is.", minimum=-math.inf, maximum=math.inf)
    threshold: float = prop(20.0, "Above it, beta * x is left as it is.", minimum=-math.inf, maximum=math.inf)

    function: ClassVar[str] = "softplus"
    names: ClassVar[tuple[str, ...]] = ("beta", "threshold")

    def summary(self, *shapes):
        return "" if self.beta == 1 else f"beta {self.beta}"


class Hardswish(Function, category="Activation", search="swish mobilenet"):
    """Approximate SiLU by straight lines and a parabola (torch.nn.Hardswish)."""

    function: ClassVar[str] = "hardswish"


class Hardsigmoid(Function, category="Activation", search="sigmoid mobilenet"):
    """Approximate the sigmoid by straight lines (torch.nn.Hardsigmoid)."""

    function: ClassVar[str] = "hardsigmoid"


class Hardtanh(Function, category="Activation", search="clamp clip relu6 ReLU6"):
    """Cut numbers off below and above (torch.nn.Hardtanh; from 0 to 6 it is torch.nn.ReLU6)."""

    min_val: float = prop(-1.0, "Smallest number of the output.", minimum=-math.inf, maximum=math.inf)
    max_val: float = prop(1.0, "Largest number of the output.", minimum=-math.inf, maximum=math.inf)

    def call(self, m, x):
        if (self.min_val, self.max_val) == (0, 6):
            return f"F.relu6({x})"
        return f"F.hardtanh({x}, {literal(self.min_val)}, {literal(self.max_val)})"

    def summary(self, *shapes):
        return f"{self.min_val:g} to {self.max_val:g}"


class SELU(Function, category="Activation", search="self-normalizing exponential linear unit"):
    """Scale an ELU so that numbers stay normalised (Klambauer et al., 2017; torch.nn.SELU)."""

    function: ClassVar[str] = "selu"


class CELU(Function, category="Activation", search="continuous exponential linear unit"):
    """Let negative numbers approach a limit without a kink (Barron, 2017; torch.nn.CELU)."""

    alpha: float = prop(1.0, "Limit of the negative numbers.", minimum=-math.inf, maximum=math.inf)

    function: ClassVar[str] = "celu"
    names: ClassVar[tuple[str, ...]] = ("alpha",)


class Mish(Function, category="Activation", search="swish yolo"):
    """Multiply by the hyperbolic tangent of the softplus (Misra, 2019; torch.nn.Mish)."""

    function: ClassVar[str] = "mish"


class LogSigmoid(Function, category="Activation", search="logarithm logistic"):
    """Take the logarithm of the sigmoid (torch.nn.LogSigmoid)."""

    function: ClassVar[str] = "logsigmoid"


class Softsign(Function, category="Activation", search="squash"):
    """Divide by one more than the absolute value (torch.nn.Softsign)."""

    function: ClassVar[str] = "softsign"


class Tanhshrink(Function, category="Activation", search="shrinkage"):
    """Subtract the hyperbolic tangent (torch.nn.Tanhshrink)."""

    function: ClassVar[str] = "tanhshrink"


class Hardshrink(Function, category="Activation", search="shrinkage threshold sparse"):
    """Replace small numbers by zero (torch.nn.Hardshrink)."""

    lambd: float = prop(0.5, "Up to where a number is small.", maximum=math.inf)

    function: ClassVar[str] = "hardshrink"
    names: ClassVar[tuple[str, ...]] = ("lambd",)


class Softshrink(Function, category="Activation", search="shrinkage threshold sparse lasso"):
    """Move numbers towards zero, and small ones onto it (torch.nn.Softshrink)."""

    lambd: float = prop(0.5, "How far they are moved.", maximum=math.inf)

    function: ClassVar[str] = "softshrink"
    names: ClassVar[tuple[str, ...]] = ("lambd",)


class GLU(Layer, category="Activation", search="gated linear unit gate"):
    """Multiply the first half of a dimension by the sigmoid of the second (Dauphin et al., 2017; torch.nn.GLU)."""

    dim: int = prop(-1, "Dimension that is halved.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"F.glu({x}, {self.dim})"

    def summary(self, *shapes):
        return f"dim {self.dim}"
