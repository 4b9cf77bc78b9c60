"""Layers that run over a sequence, B, T, C."""

from typing import ClassVar

from designer.layers.text import facts, miscounted, settings
from designer.model import Layer, prop

RUN_LSTM = '''
def run_lstm(m, x, states=None, **borrowed):
    """Run the LSTM m with borrowed learnables in the place of some of its own."""
    kinds = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * m.bias + ["weight_hr"] * (m.proj_size > 0)
    ends = [f"_l{n}{way}" for n in range(m.num_layers) for way in ["", "_reverse"][: 1 + m.bidirectional]]
    learnables = [borrowed.get(kind + end, getattr(m, kind + end)) for end in ends for kind in kinds]
    if states is None:
        batch = x.shape[0 if m.batch_first else 1]
        states = [x.new_zeros(len(ends), batch, size) for size in (m.proj_size or m.hidden_size, m.hidden_size)]
    settings = m.bias, m.num_layers, m.dropout, m.training, m.bidirectional, m.batch_first
    out, h, c = torch.lstm(x, states, learnables, *settings)
    return out, (h, c)
'''
RUN_RNN = '''
def run_{name}(m, x, state=None, **borrowed):
    """Run the {kind} m with borrowed learnables in the place of some of its own."""
    kinds = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * m.bias
    ends = [f"_l{{n}}{{way}}" for n in range(m.num_layers) for way in ["", "_reverse"][: 1 + m.bidirectional]]
    learnables = [borrowed.get(kind + end, getattr(m, kind + end)) for end in ends for kind in kinds]
    if state is None:
        state = x.new_zeros(len(ends), x.shape[0 if m.batch_first else 1], m.hidden_size)
    settings = m.bias, m.num_layers, m.dropout, m.training, m.bidirectional, m.batch_first
    return {function}(x, state, learnables, *settings)
'''
FUNCTIONS = {"GRU": "torch.gru", "RNN": '(torch.rnn_relu if m.nonlinearity == "relu" else torch.rnn_tanh)'}
PROBE_RNN = '''
def probe_rnn(m, x, *states):
    """The sizes that a recurrent layer gives, from one step: torch's own rules for them take time by the step."""
    out, h = m(x.narrow(int(m.batch_first), 0, 1), *states)
    sizes = list(out.shape)
    sizes[int(m.batch_first)] = x.shape[int(m.batch_first)]
    return out.expand(sizes), h
'''


class Stack(Layer):
    """How large and how deep: in torch's order, the nonlinearity of an RNN follows."""

    hidden_size: int = prop(128, "Size of the hidden state.", minimum=1, maximum=65536)
    num_layers: int = prop(1, "How many follow each other.", minimum=1, maximum=64)


class Nonlinear(Stack):
    """What an RNN alone has."""

    nonlinearity: str = prop("tanh", "Function that each step ends with.", choices=("tanh", "relu"))


class Recurrent(Stack):
    """What LSTM, GRU and RNN have in common."""

    bias: bool = prop(True, "Add learnable biases.")
    batch_first: bool = prop(True, "Take (B, T, C) instead of (T, B, C); the states are (layers, B, C) either way.")
    dropout: float = prop(0.0, "Share of the numbers that training zeroes between layers.", maximum=1)
    bidirectional: bool = prop(False, "Run a second one from the end to the start.")
    states: bool = prop(False, "Show ports for the first and the last state.", kw_only=True)

    gates: ClassVar[int] = 1  # matrices of hidden_size rows in each weight

    def inputs(self):
        return ("in", "h0") if self.states else ("in",)

    def outputs(self):
        return ("out", "h") if self.states else ("out",)

    def learnables(self):
        kinds = ("weight_ih", "weight_hh", *("bias_ih", "bias_hh") * self.bias, *("weight_hr",) * (self._projected > 0))
        ends = [f"_l{n}{way}" for n in range(self.num_layers) for way in ("", "_reverse")[: 1 + self.bidirectional]]
        return tuple(kind + end for end in ends for kind in kinds)

    @property
    def _projected(self) -> int:
        """The size that an LSTM projects its hidden state to; 0 for none."""
        return getattr(self, "proj_size", 0)

    def module(self, x, *states):
        names = [name for name in ("num_layers", "nonlinearity", "bias") if hasattr(self, name)]
        # dropout acts between layers only: with one layer torch would warn
        others = [name for name in ("dropout", "bidirectional", "proj_size") if hasattr(self, name)]
        others = others[self.num_layers == 1 :]
        first = ", batch_first=True" if self.batch_first else ""
        given = f"{settings(self, *names)}{first}{settings(self, *others)}"
        return f"nn.{type(self).__name__}({x[-1]}, {self.hidden_size}{given})"

    def call(self, m, x, h0=None):
        return f"{m}({x}, {h0})" if h0 else f"{m}({x})"

    def probe(self, m, *inputs):
        return f"probe_rnn({m}, {', '.join(inputs)})"

    def unpack(self):
        return "{out}, {h}"

    def functional(self, m, x, h0=None, **learnables):
        state = f", {h0}" if h0 else ""
        return f"run_{type(self).__name__.lower()}({m}, {x}{state}{self._borrowed(learnables)})"

    def _borrowed(self, learnables):
        """The learnables that come by wire; the function reads the others from the module."""
        return "".join(f", {name}={learnables[name]}" for name in self.learnables() if name in self.input_learnables)

    def preamble(self):
        kind = type(self).__name__
        name = kind.lower()
        source = RUN_RNN.format(name=name, kind=kind, function=FUNCTIONS[kind])
        return {f"run_{name}": source, "probe_rnn": PROBE_RNN}

    def summary(self, *shapes):
        return facts(
            f"{self.hidden_size} units",
            f"{self.num_layers} layers" if self.num_layers > 1 else "",
            "both ways" if self.bidirectional else "",
        )

    def multiply_adds(self, x, *states):
        ways, hidden, given = 1 + self.bidirectional, self.hidden_size, x[2]
        out = self._projected or hidden
        step = 0
        for _ in range(self.num_layers):
            step += ways * (self.gates * hidden * (given + out) + hidden * self._projected)
            given = ways * out
        return x[0] * x[1] * step

    def check(self, x, *states):
        wrong = miscounted(self, x, "B, T, C" if self.batch_first else "T, B, C")
        if not wrong and self._projected >= self.hidden_size:
            return f"proj_size {self._projected} must be smaller than hidden_size {self.hidden_size}."
        return wrong


class LSTM(Recurrent, category="Recurrent", search="sequence memory long short-term"):
    """Run a long short-term memory over a sequence (Hochreiter and Schmidhuber, 1997; torch.nn.LSTM)."""

    proj_size: int = prop(0, "Size that the hidden state is projected to; 0 leaves it as it is.", maximum=65535)

    gates: ClassVar[int] = 4

    @property
    def fake(self) -> bool:  # with a projection torch takes time by the step there too
        return not self.proj_size

    def inputs(self):
        return ("in", "h0", "c0") if self.states else ("in",)

    def outputs(self):
        return ("out", "h", "c") if self.states else ("out",)

    def call(self, m, x, h0=None, c0=None):
        return f"{m}({x}, ({h0}, {c0}))" if h0 else f"{m}({x})"

    def probe(self, m, x, *states):
        if not self.proj_size:
            return self.call(m, x, *states)
        return f"probe_rnn({m}, {x}{f', ({states[0]}, {states[1]})' if states else ''})"

    def unpack(self):
        return "{out}, ({h}, {c})" if self.states else "{out}, _"

    def functional(self, m, x, h0=None, c0=None, **learnables):
        states = f", ({h0}, {c0})" if h0 else ""
        return f"run_lstm({m}, {x}{states}{self._borrowed(learnables)})"

    def preamble(self):
        return {"run_lstm": RUN_LSTM, "probe_rnn": PROBE_RNN}


class GRU(Recurrent, category="Recurrent", search="sequence gated"):
    """Run a gated recurrent unit over a sequence (Cho et al., 2014; torch.nn.GRU)."""

    gates: ClassVar[int] = 3


class RNN(Recurrent, Nonlinear, category="Recurrent", search="sequence Elman simple plain"):
    """Run a plain recurrent network over a sequence (Elman, 1990; torch.nn.RNN)."""
