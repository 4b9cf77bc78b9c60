"""Layers that combine tensors, or reduce dimensions to a number."""

from typing import ClassVar

from designer.layers.text import literal, outside, settings, unequal
from designer.model import Layer, prop


class Combination(Layer, variadic=True):
    """A layer with any number of inputs."""

    def check(self, *shapes):
        return None if shapes else f"{type(self).__name__} has no input."


class Add(Combination, category="Shape and maths", search="plus sum residual skip shortcut"):
    """Add any number of tensors."""

    def call(self, m, *inputs):
        return " + ".join(inputs)

    def check(self, *shapes):
        return super().check(*shapes) or unequal(*shapes)


class Multiply(Combination, category="Shape and maths", search="times product gate scale"):
    """Multiply any number of tensors, number by number."""

    def call(self, m, *inputs):
        return " * ".join(inputs)

    def check(self, *shapes):
        return super().check(*shapes) or unequal(*shapes)


class Concatenate(Combination, category="Shape and maths", search="join cat merge skip"):
    """Join any number of tensors along a dimension (torch.concatenate)."""

    dim: int = prop(0, "Dimension along which they are joined.", minimum=-64, maximum=63)

    def call(self, m, *inputs):
        return f"torch.cat([{', '.join(inputs)}], {self.dim})"

    def summary(self, *shapes):
        return f"dim {self.dim}"


class Pair(Layer):
    """A layer with two inputs."""

    def inputs(self):
        return ("in", "other")


class Subtract(Pair, category="Shape and maths", search="minus difference"):
    """Subtract the second tensor from the first."""

    def call(self, m, x, other):
        return f"{x} - {other}"

    def check(self, *shapes):
        return unequal(*shapes)


class Divide(Pair, category="Shape and maths", search="quotient ratio"):
    """Divide the first tensor by the second (torch.div)."""

    rounding_mode: str | None = prop(
        None, "Round towards zero, or down; nothing does not round.", choices=("trunc", "floor")
    )

    def call(self, m, x, other):
        if self.rounding_mode is None:
            return f"{x} / {other}"
        return f"torch.div({x}, {other}{settings(self, 'rounding_mode')})"

    def summary(self, *shapes):
        return self.rounding_mode or ""

    def check(self, *shapes):
        return unequal(*shapes)


class CosineSimilarity(Layer, category="Shape and maths", search="cosine angle distance similarity"):
    """Compare two tensors along a dimension by the cosine of the angle between them (torch.nn.CosineSimilarity)."""

    dim: int = prop(1, "Dimension whose numbers are a vector.", minimum=-64, maximum=63)
    eps: float = prop(1e-8, "Smallest length, so that nothing is divided by zero.")

    def inputs(self):
        return ("x1", "x2")

    def call(self, m, x1, x2):
        return f"F.cosine_similarity({x1}, {x2}{settings(self, 'dim', 'eps')})"

    def summary(self, *shapes):
        return f"dim {self.dim}"

    def check(self, x1, x2):
        return unequal(x1, x2) or outside(self, self.dim, max(x1, x2, key=len))


class MatMul(Pair, category="Shape and maths", search="matrix product dot bmm"):
    """Multiply two matrices, or two stacks of them (torch.matmul)."""

    def call(self, m, x, other):
        return f"{x} @ {other}"

    def check(self, x, other):
        if not x or not other:
            return "MatMul needs at least one size on each input, but gets a single number."
        inner = other[-2:][0]
        if x[-1] != inner:
            return f"each row of the first has {x[-1]} numbers, each column of the second {inner}."
        return unequal(x[:-2], other[:-2])


class Reduction(Layer):
    """What makes dimensions a single number."""

    dim: int | tuple[int, ...] | None = prop(
        None, "Dimensions that are reduced; nothing is all of them.", minimum=-64, maximum=63
    )
    keepdim: bool = prop(False, "Keep the reduced dimensions, with size 1.")

    function: ClassVar[str]

    def call(self, m, x):
        given = "" if self.dim is None else literal(self.dim)
        if self.keepdim:
            given = f"{'None' if self.dim is None else given}, keepdim=True"
        return f"{x}.{self.function}({given})"

    def summary(self, *shapes):
        return "all" if self.dim is None else f"dim {literal(self.dim).strip('(),')}"

    def check(self, x):
        return f"{type(self).__name__} has no dimension to reduce." if self.dim == () else None


class Mean(Reduction, category="Shape and maths", search="average global pooling reduce"):
    """Average over dimensions (torch.mean)."""

    function: ClassVar[str] = "mean"


class Sum(Reduction, category="Shape and maths", search="total reduce"):
    """Sum over dimensions (torch.sum)."""

    function: ClassVar[str] = "sum"


class Max(Reduction, category="Shape and maths", search="maximum largest amax argmax global pooling reduce"):
    """Take the largest number over dimensions (torch.max; torch.amax over several).

    Over one dimension the gradient goes to the number that was taken, over several or all it is shared by equal ones.
    """

    return_indices: bool = prop(False, "Show a port for where the largest numbers were, of one dimension.")

    function: ClassVar[str] = "amax"

    def outputs(self):
        return ("out", "indices") if self.return_indices else ("out",)

    def call(self, m, x):
        if not isinstance(self.dim, int):
            return super().call(m, x)
        given = f"{x}.max({self.dim}{settings(self, 'keepdim')})"
        return given if self.return_indices else f"{given}.values"

    def unpack(self):
        return "{out}, {indices}" if self.return_indices else "{out}"

    def check(self, x):
        if self.return_indices and not isinstance(self.dim, int):
            return "Max gives indices of one dimension only."
        return super().check(x)
