"""Layers that make sequences, B, C, T, and images, B, C, H, W, smaller or larger without learnables."""

import dataclasses
from typing import ClassVar

from designer.layers.text import facts, literal, miscounted, settings, times, undivided
from designer.layers.windows import LAYOUTS, Several, by, mislong
from designer.model import Layer, prop


class Pooling(Layer):
    """What poolings over a window have in common."""

    kernel_size: Several = prop(2, "Size of the window, one number for all dimensions or one for each.", minimum=1)
    stride: Several | None = prop(None, "Step of the window; nothing is the size of the window.", minimum=1)
    padding: Several = prop(0, "What is added at each side, at most half of the window.")

    dimensions: ClassVar[int]
    function: ClassVar[str]
    others: ClassVar[tuple[str, ...]]  # the settings after these

    def call(self, m, x):
        given = f"{literal(self.kernel_size)}{settings(self, 'stride', 'padding', *self.others)}"
        return f"F.{self.function}_pool{self.dimensions}d({x}, {given})"

    def summary(self, *shapes):
        stride = "" if self.stride is None else f"stride {by(self.stride)}"
        return facts(by(self.kernel_size, self.dimensions), stride)

    def check(self, x):
        windows = [name for name in ("kernel_size", "stride", "padding", "dilation") if hasattr(self, name)]
        return miscounted(self, x, LAYOUTS[self.dimensions]) or mislong(self, self.dimensions, *windows)


class MaxPooling(Pooling):
    """What poolings that keep the largest number have in common."""

    dilation: Several = prop(1, "Distance between the points of the window.", minimum=1)
    return_indices: bool = prop(False, "Show a port for where the largest numbers were.")
    ceil_mode: bool = prop(False, "Let a last window hang over the end.")

    function: ClassVar[str] = "max"
    others: ClassVar[tuple[str, ...]] = ("dilation", "return_indices", "ceil_mode")

    def outputs(self):
        return ("out", "indices") if self.return_indices else ("out",)

    def unpack(self):
        return "{out}, {indices}" if self.return_indices else "{out}"


class MaxPool1d(MaxPooling, category="Convolution and pooling", search="pooling subsampling"):
    """Keep the largest number of each window of a sequence (torch.nn.MaxPool1d)."""

    dimensions: ClassVar[int] = 1


class MaxPool2d(MaxPooling, category="Convolution and pooling", search="pooling subsampling"):
    """Keep the largest number of each window of an image (torch.nn.MaxPool2d)."""

    dimensions: ClassVar[int] = 2


class MaxPool3d(MaxPooling, category="Convolution and pooling", search="pooling subsampling"):
    """Keep the largest number of each window of a volume (torch.nn.MaxPool3d)."""

    dimensions: ClassVar[int] = 3


class AvgPool1d(Pooling, category="Convolution and pooling", search="average pooling mean"):
    """Average each window of a sequence (torch.nn.AvgPool1d)."""

    ceil_mode: bool = prop(False, "Let a last window hang over the end.")
    count_include_pad: bool = prop(True, "Count what was added at the sides as zeros.")

    dimensions: ClassVar[int] = 1
    function: ClassVar[str] = "avg"
    others: ClassVar[tuple[str, ...]] = ("ceil_mode", "count_include_pad")


class AvgPool2d(Pooling, category="Convolution and pooling", search="average pooling mean"):
    """Average each window of an image (torch.nn.AvgPool2d)."""

    ceil_mode: bool = prop(False, "Let a last window hang over the end.")
    count_include_pad: bool = prop(True, "Count what was added at the sides as zeros.")
    divisor_override: int | None = prop(None, "Divide by this instead of the size of the window.", minimum=1)

    dimensions: ClassVar[int] = 2
    function: ClassVar[str] = "avg"
    others: ClassVar[tuple[str, ...]] = ("ceil_mode", "count_include_pad", "divisor_override")


class AvgPool3d(Pooling, category="Convolution and pooling", search="average pooling mean"):
    """Average each window of a volume (torch.nn.AvgPool3d)."""

    ceil_mode: bool = prop(False, "Let a last window hang over the end.")
    count_include_pad: bool = prop(True, "Count what was added at the sides as zeros.")
    divisor_override: int | None = prop(None, "Divide by this instead of the size of the window.", minimum=1)

    dimensions: ClassVar[int] = 3
    function: ClassVar[str] = "avg"
    others: ClassVar[tuple[str, ...]] = ("ceil_mode", "count_include_pad", "divisor_override")


class AdaptivePooling(Layer):
    """What poolings to a given size have in common."""

    output_size: int | tuple[int | None, ...] = prop(
        1, "Size of the output, one number for all dimensions or one for each; nothing keeps a size.", minimum=1
    )

    dimensions: ClassVar[int]
    function: ClassVar[str]

    def call(self, m, x):
        return f"F.adaptive_{self.function}_pool{self.dimensions}d({x}, {literal(self.output_size)})"

    def summary(self, *shapes):
        sizes = self.output_size if isinstance(self.output_size, tuple) else (self.output_size,) * self.dimensions
        return f"to {'x'.join('?' if size is None else str(size) for size in sizes)}"

    def check(self, x):
        return miscounted(self, x, LAYOUTS[self.dimensions]) or mislong(self, self.dimensions, "output_size")


class AdaptiveAvgPool1d(AdaptivePooling, category="Convolution and pooling", search="global average pooling mean"):
    """Average a sequence down to a given size (torch.nn.AdaptiveAvgPool1d)."""

    dimensions: ClassVar[int] = 1
    function: ClassVar[str] = "avg"


class AdaptiveAvgPool2d(AdaptivePooling, category="Convolution and pooling", search="global average pooling mean"):
    """Average an image down to a given size (torch.nn.AdaptiveAvgPool2d)."""

    dimensions: ClassVar[int] = 2
    function: ClassVar[str] = "avg"


class AdaptiveAvgPool3d(AdaptivePooling, category="Convolution and pooling", search="global average pooling mean"):
    """Average a volume down to a given size (torch.nn.AdaptiveAvgPool3d)."""

    dimensions: ClassVar[int] = 3
    function: ClassVar[str] = "avg"


class AdaptiveMaxPooling(AdaptivePooling):
    """What poolings to a given size that keep the largest numbers have in common."""

    return_indices: bool = prop(False, "Show a port for where the largest numbers were.")

    function: ClassVar[str] = "max"

    def outputs(self):
        return ("out", "indices") if self.return_indices else ("out",)

    def call(self, m, x):
        given = f"{literal(self.output_size)}{settings(self, 'return_indices')}"
        return f"F.adaptive_max_pool{self.dimensions}d({x}, {given})"

    def unpack(self):
        return "{out}, {indices}" if self.return_indices else "{out}"


class AdaptiveMaxPool1d(AdaptiveMaxPooling, category="Convolution and pooling", search="global pooling"):
    """Keep the largest numbers of a sequence down to a given size (torch.nn.AdaptiveMaxPool1d)."""

    dimensions: ClassVar[int] = 1


class AdaptiveMaxPool2d(AdaptiveMaxPooling, category="Convolution and pooling", search="global pooling"):
    """Keep the largest numbers of an image down to a given size (torch.nn.AdaptiveMaxPool2d)."""

    dimensions: ClassVar[int] = 2


class AdaptiveMaxPool3d(AdaptiveMaxPooling, category="Convolution and pooling", search="global pooling"):
    """Keep the largest numbers of a volume down to a given size (torch.nn.AdaptiveMaxPool3d)."""

    dimensions: ClassVar[int] = 3


SMOOTH = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}  # modes that draw lines -> sizes they need


class Upsample(Layer, category="Convolution and pooling", search="resize interpolate enlarge upscale"):
    """Make a sequence, image or volume larger or smaller (torch.nn.Upsample).

    A port for another input comes before the size, and the size before the factor.
    """

    size: Several | None = prop(None, "Size of the output, one number for all dimensions or one for each.", minimum=1)
    scale_factor: float | tuple[float, ...] | None = prop(2.0, "Factor, where no size is given.", minimum=1e-6)
    mode: str = prop(
        "nearest",
        "How the numbers between are found.",
        choices=("nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"),
    )
    align_corners: bool | None = prop(None, "Keep the numbers at the corners; not for nearest and area.")
    recompute_scale_factor: bool | None = prop(None, "Take the factor from the sizes after rounding.")
    like: bool = prop(False, "Show a port for an input whose size is taken.", kw_only=True)

    def inputs(self):
        return ("in", "like") if self.like else ("in",)

    def call(self, m, x, like=None):
        to = f"size={like}.shape[2:]" if like else f"size={literal(self.size)}"
        if not like and self.size is None:
            to = f"scale_factor={literal(self.scale_factor)}{settings(self, 'recompute_scale_factor')}"
        return f"F.interpolate({x}, {to}{settings(self, 'mode', 'align_corners')})"

    def probe(self, m, *inputs):
        """All modes give the same sizes; torch tells those of nearest a hundred times as fast."""
        return dataclasses.replace(self, mode="nearest", align_corners=None).call(m, *inputs)

    def summary(self, *shapes):
        to = f"to {by(self.size)}" if self.size is not None else f"×{by(self.scale_factor)}".replace(".0", "")
        return facts("like another" if self.like else to, self.mode if self.mode != "nearest" else "")

    def check(self, x, like=None):
        if wrong := miscounted(self, x, *LAYOUTS.values()):
            return wrong
        if like is not None and len(like) != len(x):
            return f"Upsample gets {len(x)} sizes, but should become like an input of {len(like)}."
        if like is None and self.size is None and self.scale_factor is None:
            return "Upsample needs a size or a scale_factor."
        if self.mode in SMOOTH and SMOOTH[self.mode] != len(x):
            return f"Upsample needs {SMOOTH[self.mode]} sizes in mode {self.mode}, but gets {times(x)}."
        if self.align_corners is not None and self.mode not in SMOOTH:
            return f"Upsample cannot align corners in mode {self.mode}."
        return mislong(self, len(x) - 2, "size" if self.size is not None else "scale_factor")


class PixelShuffle(Layer, category="Convolution and pooling", search="subpixel depth to space superresolution"):
    """Turn each r * r channels into a square of r by r pixels (torch.nn.PixelShuffle)."""

    upscale_factor: int = prop(2, "How many times as high and wide the image becomes.", minimum=1, maximum=1024)

    def call(self, m, x):
        return f"F.pixel_shuffle({x}, {self.upscale_factor})"

    def summary(self, *shapes):
        return f"×{self.upscale_factor}"

    def check(self, x):
        return miscounted(self, x, LAYOUTS[2]) or undivided(self.upscale_factor**2, "pixels", x[1], "channels")
