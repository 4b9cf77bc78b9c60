"""Layers that rearrange, cut out or add, and leave the numbers as they are."""

import math
from typing import ClassVar

from designer.layers.text import facts, literal, miscounted, outside, settings
from designer.layers.windows import LAYOUTS, by
from designer.model import Layer, prop


class Identity(Layer, category="Shape and maths", search="pass through nothing skip"):
    """Give what comes in (torch.nn.Identity)."""

    def call(self, m, x):
        return x


class Flatten(Layer, category="Shape and maths", search="join dimensions vector"):
    """Join dimensions into one (torch.nn.Flatten)."""

    start_dim: int = prop(1, "First dimension to join.", minimum=-64, maximum=63)
    end_dim: int = prop(-1, "Last dimension to join.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"{x}.flatten({self.start_dim}{f', {self.end_dim}' if self.end_dim != -1 else ''})"

    def summary(self, *shapes):
        return f"dims {self.start_dim} to {self.end_dim}"


class Unflatten(Layer, category="Shape and maths", search="split dimension"):
    """Split a dimension into several (torch.nn.Unflatten)."""

    dim: int = prop(1, "Dimension to split.", minimum=-64, maximum=63)
    unflattened_size: tuple[int, ...] = prop((-1,), "Sizes that it becomes; -1 is what is left over.", minimum=-1)

    def call(self, m, x):
        return f"{x}.unflatten({self.dim}, {literal(self.unflattened_size)})"

    def summary(self, *shapes):
        return f"dim {self.dim} → {by(self.unflattened_size)}"


class Reshape(Layer, category="Shape and maths", search="view"):
    """Give the numbers other sizes (torch.reshape)."""

    size: tuple[int, ...] = prop(
        (0, -1), "The new sizes; 0 keeps the size that is there, -1 is what is left over.", minimum=-1
    )

    def call(self, m, x):
        sizes = [str(n or f"{x}.shape[{d}]") for d, n in enumerate(self.size)]
        return f"{x}.reshape({', '.join(sizes) or '()'})"

    def summary(self, *shapes):
        return " × ".join({0: "keep", -1: "rest"}.get(n, str(n)) for n in self.size)

    def check(self, x):
        kept = [d for d, n in enumerate(self.size) if n == 0 and d >= len(x)]
        if kept:
            return f"Reshape should keep dimension {kept[0]}, but gets {len(x)} sizes only."
        return "Reshape can find one size by itself, not several." if self.size.count(-1) > 1 else None


class Permute(Layer, category="Shape and maths", search="transpose reorder dimensions"):
    """Reorder the dimensions (torch.permute)."""

    dims: tuple[int, ...] = prop((1, 0), "The old position of each new dimension.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"{x}.permute({', '.join(map(str, self.dims)) or '()'})"

    def summary(self, *shapes):
        return ", ".join(map(str, self.dims))

    def check(self, x):
        if len(self.dims) != len(x):
            return f"Permute orders {len(self.dims)} dimensions, but gets {len(x)}."
        return None


class Transpose(Layer, category="Shape and maths", search="swap dimensions"):
    """Swap two dimensions (torch.transpose)."""

    dim0: int = prop(0, "One dimension.", minimum=-64, maximum=63)
    dim1: int = prop(1, "The other dimension.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"{x}.transpose({self.dim0}, {self.dim1})"

    def summary(self, *shapes):
        return f"{self.dim0} ↔ {self.dim1}"


class Squeeze(Layer, category="Shape and maths", search="remove dimension"):
    """Take away a dimension of size 1, or several; torch leaves one of another size as it is (torch.squeeze)."""

    dim: int | tuple[int, ...] = prop(-1, "Dimension that is taken away.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"{x}.squeeze({literal(self.dim)})"

    def summary(self, *shapes):
        return f"dim {literal(self.dim).strip('(),')}"


class Unsqueeze(Layer, category="Shape and maths", search="add dimension expand"):
    """Add a dimension of size 1 (torch.unsqueeze)."""

    dim: int = prop(0, "Where it is added.", minimum=-64, maximum=63)

    def call(self, m, x):
        return f"{x}.unsqueeze({self.dim})"

    def summary(self, *shapes):
        return f"dim {self.dim}"


class Slice(Layer, category="Shape and maths", search="crop range index select narrow"):
    """Take a range of one dimension."""

    dim: int = prop(0, "The dimension.", minimum=-64, maximum=63)
    start: int = prop(0, "First position; negative ones count from the end.", minimum=-(2**31))
    stop: int | None = prop(None, "Position after the last; nothing is the end.", minimum=-(2**31))
    step: int = prop(1, "Distance between positions that are taken.", minimum=1)

    def call(self, m, x):
        before = "" if self.dim >= 0 else "..., "
        after = "" if self.dim >= 0 else ", :" * (-self.dim - 1)
        return f"{x}[{before}{':, ' * self.dim}{self._range()}{after}]"

    def _range(self) -> str:
        stop = "" if self.stop is None else self.stop
        return f"{self.start or ''}:{stop}{f':{self.step}' if self.step > 1 else ''}"

    def summary(self, *shapes):
        return f"dim {self.dim}, {self._range()}"

    def check(self, x):
        return outside(self, self.dim, x)


class Pad(Layer, category="Shape and maths", search="padding border margin"):
    """Add numbers before and after the last dimensions (torch.nn.functional.pad)."""

    pad: tuple[int, ...] = prop(
        (1, 1), "How many before and after, last dimension first; negative ones cut.", minimum=-(2**31)
    )
    mode: str = prop("constant", "What is added.", choices=("constant", "reflect", "replicate", "circular"))
    value: float = prop(0.0, "The constant that is added.", minimum=-math.inf, maximum=math.inf)

    def call(self, m, x):
        return f"F.pad({x}, {literal(self.pad)}{settings(self, 'mode', 'value')})"

    def summary(self, *shapes):
        return facts(", ".join(map(str, self.pad)), self.mode if self.mode != "constant" else "")

    def check(self, x):
        if len(self.pad) % 2:
            return f"Pad needs a number before and one after each dimension, not {len(self.pad)} numbers."
        if len(self.pad) > 2 * len(x):
            return f"Pad adds to {len(self.pad) // 2} dimensions, but gets {len(x)} sizes only."
        if self.mode != "constant" and self.value:
            return f"Pad adds the value {self.value} in mode constant only, not {self.mode}."
        return None


class SidePad(Layer):
    """What paddings of all sides have in common."""

    padding: int | tuple[int, ...] = prop(
        1, "How many at all sides, or left, right, above and below.", minimum=-(2**31)
    )

    dimensions: ClassVar[int]
    mode: ClassVar[str] = "constant"
    names: ClassVar[tuple[str, ...]] = ()  # of further settings

    def call(self, m, x):
        sides = self.padding if isinstance(self.padding, tuple) else (self.padding,) * 2 * self.dimensions
        mode = "" if self.mode == "constant" else f", mode={self.mode!r}"
        return f"F.pad({x}, {literal(sides)}{mode}{settings(self, *self.names)})"

    def summary(self, *shapes):
        return literal(self.padding).strip("()")

    def check(self, x):
        count = len(self.padding) if isinstance(self.padding, tuple) else 2 * self.dimensions
        if count != 2 * self.dimensions:
            return f"{type(self).__name__} needs {2 * self.dimensions} numbers, one for each side, not {count}."
        return miscounted(self, x, LAYOUTS[self.dimensions])


class ZeroPad2d(SidePad, category="Shape and maths", search="padding border margin"):
    """Add zeros around an image (torch.nn.ZeroPad2d)."""

    dimensions: ClassVar[int] = 2


class ConstantPad1d(SidePad, category="Shape and maths", search="padding border margin"):
    """Add a number before and after a sequence (torch.nn.ConstantPad1d)."""

    value: float = prop(0.0, "The number that is added.", minimum=-math.inf, maximum=math.inf)

    dimensions: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...]] = ("value",)


class ConstantPad2d(SidePad, category="Shape and maths", search="padding border margin"):
    """Add a number around an image (torch.nn.ConstantPad2d)."""

    value: float = prop(0.0, "The number that is added.", minimum=-math.inf, maximum=math.inf)

    dimensions: ClassVar[int] = 2
    names: ClassVar[tuple[str, ...]] = ("value",)


class ReflectionPad1d(SidePad, category="Shape and maths", search="padding border margin mirror"):
    """Mirror a sequence at its ends (torch.nn.ReflectionPad1d)."""

    dimensions: ClassVar[int] = 1
    mode: ClassVar[str] = "reflect"


class ReflectionPad2d(SidePad, category="Shape and maths", search="padding border margin mirror"):
    """Mirror an image at its sides (torch.nn.ReflectionPad2d)."""

    dimensions: ClassVar[int] = 2
    mode: ClassVar[str] = "reflect"


class ReplicationPad1d(SidePad, category="Shape and maths", search="padding border margin edge"):
    """Repeat the ends of a sequence (torch.nn.ReplicationPad1d)."""

    dimensions: ClassVar[int] = 1
    mode: ClassVar[str] = "replicate"


class ReplicationPad2d(SidePad, category="Shape and maths", search="padding border margin edge"):
    """Repeat the sides of an image (torch.nn.ReplicationPad2d)."""

    dimensions: ClassVar[int] = 2
    mode: ClassVar[str] = "replicate"
