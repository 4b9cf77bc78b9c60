"""Layers that rearrange the pixels, the channels and the windows of images, B, C, H, W."""

import math

from designer.layers.text import facts, literal, miscounted, settings, undivided
from designer.layers.windows import LAYOUTS, Several, by, mislong
from designer.model import Layer, prop


class PixelUnshuffle(Layer, category="Convolution and pooling", search="subpixel space to depth downsampling"):
    """Turn each square of r by r pixels into r * r channels (torch.nn.PixelUnshuffle)."""

    downscale_factor: int = prop(2, "How many times lower and narrower the image becomes.", minimum=1, maximum=1024)

    def call(self, m, x):
        return f"F.pixel_unshuffle({x}, {self.downscale_factor})"

    def summary(self, *shapes):
        return f"÷{self.downscale_factor}"

    def check(self, x):
        wrong = miscounted(self, x, LAYOUTS[2])
        rows = wrong or undivided(self.downscale_factor, "pixels", x[2], "rows")
        return rows or undivided(self.downscale_factor, "pixels", x[3], "columns")


class ChannelShuffle(Layer, category="Convolution and pooling", search="mix groups shufflenet"):
    """Deal the channels out anew, one of each group after the other (Zhang et al., 2018; torch.nn.ChannelShuffle)."""

    groups: int = prop(2, "Parts that the channels are split into.", minimum=1)

    def call(self, m, x):
        return f"F.channel_shuffle({x}, {self.groups})"

    def summary(self, *shapes):
        return f"{self.groups} groups"

    def check(self, x):
        return miscounted(self, x, *LAYOUTS.values()) or undivided(self.groups, "groups", x[1], "channels")


class Unfold(Layer, category="Convolution and pooling", search="im2col patches sliding windows blocks"):
    """Write each window of an image as a column, so that there are B, C * window, windows (torch.nn.Unfold)."""

    kernel_size: Several = prop(3, "Height and width of the window, one number or two.", minimum=1)
    dilation: Several = prop(1, "Distance between the points of the window.", minimum=1)
    padding: Several = prop(0, "What is added at each side, as zeros.")
    stride: Several = prop(1, "Step from window to window.", minimum=1)

    def call(self, m, x):
        return f"F.unfold({x}, {literal(self.kernel_size)}{settings(self, 'dilation', 'padding', 'stride')})"

    def summary(self, *shapes):
        return facts(by(self.kernel_size, 2), "" if self.stride == 1 else f"stride {by(self.stride)}")

    def check(self, x):
        wrong = miscounted(self, x, LAYOUTS[2])
        return wrong or mislong(self, 2, "kernel_size", "dilation", "padding", "stride")


class Fold(Layer, category="Convolution and pooling", search="col2im patches sliding windows blocks overlap add"):
    """Add up columns, B, C * window, windows, as the windows of an image that they are (torch.nn.Fold)."""

    output_size: Several = prop(8, "Height and width of the image, one number or two.", minimum=1)
    kernel_size: Several = prop(3, "Height and width of the window, one number or two.", minimum=1)
    dilation: Several = prop(1, "Distance between the points of the window.", minimum=1)
    padding: Several = prop(0, "What is taken away again at each side.")
    stride: Several = prop(1, "Step from window to window.", minimum=1)

    def call(self, m, x):
        sizes = f"{literal(self.output_size)}, {literal(self.kernel_size)}"
        return f"F.fold({x}, {sizes}{settings(self, 'dilation', 'padding', 'stride')})"

    def summary(self, *shapes):
        stride = "" if self.stride == 1 else f"stride {by(self.stride)}"
        return facts(f"{by(self.kernel_size, 2)} to {by(self.output_size, 2)}", stride)

    def check(self, x):
        if wrong := miscounted(self, x, LAYOUTS[1]):
            return wrong
        if wrong := mislong(self, 2, "output_size", "kernel_size", "dilation", "padding", "stride"):
            return wrong
        sizes, windows, dilations, paddings, strides = (
            entry if isinstance(entry, tuple) else (entry, entry)
            for entry in (self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
        )
        if wrong := undivided(math.prod(windows), "points of the window", x[1], "rows"):
            return wrong
        spans = zip(sizes, windows, dilations, paddings, strides)
        counts = tuple((size + 2 * pad - far * (window - 1) - 1) // step + 1 for size, window, far, pad, step in spans)
        if min(counts) < 1 or (isinstance(x[2], int) and x[2] != math.prod(counts)):
            return f"Fold gets {x[2]} windows, but an image of {by(self.output_size, 2)} has {by(counts)}."
        return None
