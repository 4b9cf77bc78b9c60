"""A tensor that training does not change."""

import math

from designer.layers.text import literal, times
from designer.model import Layer, prop
from designer.model.structure import DTYPES

TABLE = '''
class Table(nn.Module):
    """Numbers that are in no state_dict; one that has them all the same, as exported weights do, fills them in."""

    def __init__(self, sizes, dtype):
        super().__init__()
        start = float("nan") if dtype.is_floating_point else 0
        self.register_buffer("value", torch.full(sizes, start, dtype=dtype), persistent=False)

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        value = state_dict.pop(prefix + "value", None)
        if value is not None:
            self.value = value.clone() if self.value.is_meta else value.to(self.value, copy=True)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self):
        return self.value
'''


class Constant(Layer, category="Shape and maths", search="buffer fixed numbers tensor mask positions"):
    """Hold numbers that training does not change (torch.nn.Buffer)."""

    shape: tuple[int, ...] = prop((1,), "Sizes of the tensor.")
    dtype: str = prop("float32", "Type of its elements.", choices=DTYPES)
    fill: str = prop(
        "full",
        "How it is filled: with the numbers one by one, one number, the numbers from a start by a step, "
        "one number on the diagonal, below or above it, or with many that are kept with the values.",
        choices=("numbers", "full", "arange", "eye", "tril", "triu", "values"),
    )
    numbers: tuple[int | float, ...] = prop(
        (0,),
        "The numbers; start and step for arange; number and first diagonal for tril and triu.",
        minimum=-math.inf,
        maximum=math.inf,
    )
    persistent: bool = prop(False, "Keep it in the state_dict, so that its numbers come and go with the values.")

    def inputs(self):
        return ()

    @property
    def table(self) -> bool:
        """Whether its numbers are kept with the values, and in no state_dict."""
        return self.fill == "values" and not self.persistent

    def module(self):
        if self.table:
            return f"Table({literal(self.shape)}, torch.{self.dtype})"
        kept = "" if self.persistent else ", persistent=False"
        return f"nn.Buffer({self._tensor()}{kept})"

    def call(self, m):
        return f"{m}()" if self.table else m

    def key(self, path, learnable):
        return f"{path}.value" if self.table else path

    def preamble(self):
        return {"Table": TABLE} if self.table else {}

    def _tensor(self) -> str:
        dtype = f", dtype=torch.{self.dtype}"
        sizes = literal(self.shape)
        shaped = "" if len(self.shape) == 1 else f".reshape({sizes})"
        first, second = (*self.numbers, 0, 0)[:2]
        count = math.prod(self.shape)
        if self.fill in ("full", "values") or not count:
            return f"torch.full({sizes}, {self._number(first)}{dtype})"
        if self.fill == "arange":
            stop = first + count * second
            if not float(second).is_integer():
                stop -= second / 2  # so that rounding adds no number at the end
            start = "" if (first, second) == (0, 1) else f"{self._number(first)}, "
            step = "" if second == 1 else f", {self._number(second)}"
            return f"torch.arange({start}{self._number(stop)}{step}{dtype}){shaped}"
        if self.fill == "eye":
            return f"torch.eye({self.shape[0]}, {self.shape[1]}{dtype})"
        if self.fill in ("tril", "triu"):
            return f"torch.full({sizes}, {self._number(first)}{dtype}).{self.fill}({int(second)})"
        listed = ", ".join(map(self._number, self.numbers))
        if not self.shape:
            return f"torch.tensor({listed}{dtype})"
        return f"torch.tensor([{listed}]{dtype}){shaped}"

    def _number(self, number: int | float) -> str:
        """A number as it is written for the type of the elements."""
        if self.dtype == "bool":
            return str(bool(number))
        return literal(number if self.dtype.startswith(("int", "uint")) else float(number))

    def summary(self, *shapes):
        return f"{times(self.shape)}" if self.shape else f"{self.numbers[0] if self.numbers else 0:g}"

    def check(self):
        count, needed = len(self.numbers), math.prod(self.shape)
        if self.fill == "numbers" and count != needed:
            return f"Constant of {times(self.shape)} needs {needed} numbers, not {count}."
        if (self.fill == "eye" and len(self.shape) != 2) or (self.fill in ("tril", "triu") and len(self.shape) < 2):
            return f"Constant has a diagonal only with two sizes or more, not {times(self.shape)}."
        return None
