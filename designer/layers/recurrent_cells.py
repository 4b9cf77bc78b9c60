"""Layers that take one step of a sequence, B, C."""

from typing import ClassVar

from designer.layers.text import miscounted, settings, times
from designer.model import Layer, prop


class Cell(Layer):
    """What LSTMCell, GRUCell and RNNCell have in common."""

    hidden_size: int = prop(128, "Size of the hidden state.", minimum=1, maximum=65536)
    bias: bool = prop(True, "Add learnable biases.")
    states: bool = prop(True, "Take the last state from wires; without them each step starts from zeros.", kw_only=True)

    gates: ClassVar[int] = 1  # matrices of hidden_size rows in each weight
    kept: ClassVar[tuple[str, ...]] = ("h",)  # the states that go from step to step

    def inputs(self):
        return ("in", *self.kept) if self.states else ("in",)

    def outputs(self):
        return self.kept

    def learnables(self):
        return ("weight_ih", "weight_hh", *("bias_ih", "bias_hh") * self.bias)

    def module(self, x, *states):
        names = [name for name in ("bias", "nonlinearity") if hasattr(self, name)]
        return f"nn.{type(self).__name__}({x[-1]}, {self.hidden_size}{settings(self, *names)})"

    def call(self, m, x, *states):
        return f"{m}({', '.join((x, *_packed(states)))})"

    def unpack(self):
        return ", ".join(f"{{{name}}}" for name in self.kept)

    def functional(self, m, x, *states, **learnables):
        states = states or (f"{x}.new_zeros({x}.shape[0], {m}.hidden_size)",) * len(self.kept)
        given = [learnables[name] for name in self.learnables()]
        return f"{self._function()}({', '.join((x, *_packed(states), *given))})"

    def _function(self) -> str:
        return f"torch.{type(self).__name__.lower().removesuffix('cell')}_cell"

    def summary(self, *shapes):
        return f"{self.hidden_size} units"

    def multiply_adds(self, x, *states):
        return x[0] * self.gates * self.hidden_size * (x[1] + self.hidden_size)

    def check(self, x, *states):
        wrong = miscounted(self, x, "B, C")
        for state in states:
            if not wrong and state != (x[0], self.hidden_size):
                wanted = times((x[0], self.hidden_size))
                return f"{type(self).__name__} keeps states of {wanted}, but gets {times(state)}."
        return wrong


def _packed(states: tuple[str, ...]) -> tuple[str, ...]:
    """The states as torch takes them: several as a tuple."""
    return states if len(states) < 2 else (f"({', '.join(states)})",)


class LSTMCell(Cell, category="Recurrent", search="sequence memory long short-term step"):
    """Take one step of a long short-term memory (Hochreiter and Schmidhuber, 1997; torch.nn.LSTMCell)."""

    gates: ClassVar[int] = 4
    kept: ClassVar[tuple[str, ...]] = ("h", "c")


class GRUCell(Cell, category="Recurrent", search="sequence gated step"):
    """Take one step of a gated recurrent unit (Cho et al., 2014; torch.nn.GRUCell)."""

    gates: ClassVar[int] = 3


class RNNCell(Cell, category="Recurrent", search="sequence Elman simple plain step"):
    """Take one step of a plain recurrent network (Elman, 1990; torch.nn.RNNCell)."""

    nonlinearity: str = prop("tanh", "Function that each step ends with.", choices=("tanh", "relu"))

    def _function(self) -> str:
        return f"torch.rnn_{self.nonlinearity}_cell"
