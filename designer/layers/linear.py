"""Layers that multiply by a matrix."""

from designer.layers.text import last, settings
from designer.model import Layer, prop

TRANSPOSED_LINEAR = '''
class TransposedLinear(nn.Module):
    """A linear layer that stores its weight as in x out."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(self.in_features**-0.5), self.in_features**-0.5)

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)
'''


class Linear(Layer, category="Linear", search="fully connected dense inner product projection head"):
    """Multiply the last dimension by a weight matrix and add a bias (torch.nn.Linear)."""

    out_features: int = prop(10, "Size of the last dimension of the output.", minimum=1)
    bias: bool = prop(True, "Add a learnable bias.")
    transposed: bool = prop(False, "Store the weight as in x out, as GPT-2's Conv1D does, instead of torch's out x in.")

    def learnables(self):
        return ("weight", "bias") if self.bias else ("weight",)

    def module(self, x):
        kind = "TransposedLinear" if self.transposed else "nn.Linear"
        return f"{kind}({x[-1]}, {self.out_features}{settings(self, 'bias')})"

    def functional(self, m, x, weight, bias=None):
        return f"F.linear({x}, {weight}{'.t()' if self.transposed else ''}{f', {bias}' if bias else ''})"

    def preamble(self):
        return {"TransposedLinear": TRANSPOSED_LINEAR} if self.transposed else {}

    def summary(self, x=None):
        return f"{last(x)} → {self.out_features}"

    def check(self, x):
        return None if x else "Linear needs at least one size, but gets a single number."


class Bilinear(Layer, category="Linear", search="tensor product pair"):
    """Multiply the last dimensions of two inputs by a weight for each pair and add a bias (torch.nn.Bilinear)."""

    out_features: int = prop(10, "Size of the last dimension of the output.", minimum=1)
    bias: bool = prop(True, "Add a learnable bias.")

    def inputs(self):
        return ("input1", "input2")

    def learnables(self):
        return ("weight", "bias") if self.bias else ("weight",)

    def module(self, x1, x2):
        return f"nn.Bilinear({x1[-1]}, {x2[-1]}, {self.out_features}{settings(self, 'bias')})"

    def functional(self, m, x1, x2, weight, bias=None):
        return f"F.bilinear({x1}, {x2}, {weight}{f', {bias}' if bias else ''})"

    def summary(self, x1=None, x2=None):
        return f"{last(x1)} × {last(x2)} → {self.out_features}"

    def check(self, x1, x2):
        return None if x1 and x2 else "Bilinear needs at least one size on each input, but gets a single number."
