"""Convolutions of sequences, B, C, T, images, B, C, H, W, and volumes, B, C, D, H, W."""

from typing import Any, ClassVar

from designer.layers.text import channels, facts, literal, miscounted, settings, settings_of, undivided
from designer.layers.windows import LAYOUTS, Several, by, each, mislong
from designer.model import Layer, prop


class Convolution(Layer):
    """A convolution in any number of dimensions."""

    out_channels: int = prop(16, "Channels of the output.", minimum=1)
    kernel_size: Several = prop(3, "Size of the window, one number for all dimensions or one for each.", minimum=1)
    stride: Several = prop(1, "Step of the window.", minimum=1)
    padding: Several | str = prop(
        0, "What is added at each side; 'same' keeps the size, 'valid' adds nothing.", choices=("same", "valid")
    )
    dilation: Several = prop(1, "Distance between the points of the window.", minimum=1)
    groups: int = prop(1, "Parts that the channels are split into, each with windows of its own.", minimum=1)
    bias: bool = prop(True, "Add a learnable bias.")
    padding_mode: str = prop(
        "zeros", "What is added at the sides.", choices=("zeros", "reflect", "replicate", "circular")
    )

    dimensions: ClassVar[int]

    def learnables(self):
        return ("weight", "bias") if self.bias else ("weight",)

    def module(self, x):
        given = settings(self, "stride", "padding", "dilation", "groups", "bias", "padding_mode")
        return f"nn.{type(self).__name__}({x[1]}, {self.out_channels}, {literal(self.kernel_size)}{given})"

    def functional(self, m, x, weight, bias=None):
        padding = ["padding"]
        if self.padding_mode != "zeros":
            x = f'F.pad({x}, {literal(self._added())}, mode="{self.padding_mode}")'
            padding = []
        given = f"{f', {bias}' if bias else ''}{settings_of(m, self, 'stride', *padding, 'dilation', 'groups')}"
        return f"F.conv{self.dimensions}d({x}, {weight}{given})"

    def _added(self) -> tuple[int, ...]:
        """What is added before and after each dimension, the last one first, as ``F.pad`` takes it."""
        kernels, dilations = each(self.kernel_size, self.dimensions), each(self.dilation, self.dimensions)
        if self.padding == "same":
            totals = [d * (k - 1) for k, d in zip(kernels, dilations)]
            sides = [(total // 2, total - total // 2) for total in totals]
        else:
            sides = [(n, n) for n in each(0 if self.padding == "valid" else self.padding, self.dimensions)]
        return tuple(n for side in reversed(sides) for n in side)

    def summary(self, x=None):
        return _summary(self, x)

    def check(self, x):
        return _problem(self, x, "kernel_size", "stride", "padding", "dilation")


class Conv1d(Convolution, category="Convolution and pooling", search="convolution temporal sequence signal"):
    """Convolve a sequence with learnable windows (torch.nn.Conv1d)."""

    dimensions: ClassVar[int] = 1


class Conv2d(Convolution, category="Convolution and pooling", search="convolution image kernel filter"):
    """Convolve an image with learnable windows (torch.nn.Conv2d)."""

    dimensions: ClassVar[int] = 2


class Conv3d(Convolution, category="Convolution and pooling", search="convolution volume video"):
    """Convolve a volume or a video with learnable windows (torch.nn.Conv3d)."""

    dimensions: ClassVar[int] = 3


class ConvolutionTranspose(Layer):
    """The transpose of a convolution in any number of dimensions."""

    out_channels: int = prop(16, "Channels of the output.", minimum=1)
    kernel_size: Several = prop(3, "Size of the window, one number for all dimensions or one for each.", minimum=1)
    stride: Several = prop(1, "Step of the window in the output.", minimum=1)
    padding: Several = prop(0, "What is cut off at each side of the output.")
    output_padding: Several = prop(0, "What is added at the end of the output, smaller than the stride.")
    groups: int = prop(1, "Parts that the channels are split into, each with windows of its own.", minimum=1)
    bias: bool = prop(True, "Add a learnable bias.")
    dilation: Several = prop(1, "Distance between the points of the window.", minimum=1)

    dimensions: ClassVar[int]

    def learnables(self):
        return ("weight", "bias") if self.bias else ("weight",)

    def module(self, x):
        given = settings(self, "stride", "padding", "output_padding", "groups", "bias", "dilation")
        return f"nn.{type(self).__name__}({x[1]}, {self.out_channels}, {literal(self.kernel_size)}{given})"

    def functional(self, m, x, weight, bias=None):
        given = settings_of(m, self, "stride", "padding", "output_padding", "groups", "dilation")
        return f"F.conv_transpose{self.dimensions}d({x}, {weight}{f', {bias}' if bias else ''}{given})"

    def summary(self, x=None):
        return _summary(self, x)

    def check(self, x):
        windows = ("kernel_size", "stride", "padding", "output_padding", "dilation")
        if wrong := _problem(self, x, *windows):
            return wrong
        sides = (each(value, self.dimensions) for value in (self.output_padding, self.stride, self.dilation))
        for added, stride, dilation in zip(*sides):
            if added >= max(stride, dilation):
                return f"output_padding {added} must be smaller than the stride {stride} or the dilation {dilation}."
        return None


class ConvTranspose1d(ConvolutionTranspose, category="Convolution and pooling", search="deconvolution upsampling"):
    """Spread each point of a sequence over a learnable window (torch.nn.ConvTranspose1d)."""

    dimensions: ClassVar[int] = 1


class ConvTranspose2d(ConvolutionTranspose, category="Convolution and pooling", search="deconvolution upsampling"):
    """Spread each pixel of an image over a learnable window (torch.nn.ConvTranspose2d)."""

    dimensions: ClassVar[int] = 2


class ConvTranspose3d(ConvolutionTranspose, category="Convolution and pooling", search="deconvolution upsampling"):
    """Spread each point of a volume over a learnable window (torch.nn.ConvTranspose3d)."""

    dimensions: ClassVar[int] = 3


def _summary(layer: Any, x: Any) -> str:
    stride = "" if layer.stride == 1 else f"stride {by(layer.stride)}"
    return facts(f"{channels(x)} → {layer.out_channels}", by(layer.kernel_size, layer.dimensions), stride)


def _problem(layer: Any, x: Any, *windows: str) -> str | None:
    return (
        miscounted(layer, x, LAYOUTS[layer.dimensions])
        or mislong(layer, layer.dimensions, *windows)
        or undivided(layer.groups, "groups", x[1], "input channels")
        or undivided(layer.groups, "groups", layer.out_channels, "output channels")
    )
