"""Layers that take buffers, constants or computed numbers where others have learnables."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import build, import_pytorch


class Model(nn.Module):
    """A layer of its own behind a function of fixed numbers."""

    def __init__(self, function):
        super().__init__()
        self.function, self.fc, self.plain = function, nn.Linear(8, 8), torch.rand(8)
        self.register_buffer("kernel", torch.rand(4, 1, 3, 3))
        self.register_buffer("weight", torch.rand(8, 8))
        self.register_buffer("bias", torch.rand(8), persistent=False)

    def forward(self, x):
        return self.function(self, self.fc(x))


FUNCTIONS = {
    "convolution": (lambda m, x: F.conv2d(x, m.kernel, padding=1, groups=4), "Conv2d"),
    "linear": (lambda m, x: F.linear(x, m.weight, m.bias), "Linear"),
    "a learnable bias": (lambda m, x: F.linear(x, m.weight, m.fc.bias), "Linear"),
    "layer norm": (lambda m, x: F.layer_norm(x, (8,), m.bias, m.plain), "LayerNorm"),
    "group norm": (lambda m, x: F.group_norm(x, 2, m.bias[:4]), "GroupNorm"),
    "embedding": (lambda m, x: F.embedding(x.long().clamp(0, 7), m.weight), "Embedding"),
    "prelu": (lambda m, x: F.prelu(x, torch.tensor([0.25])), "PReLU"),
    "batch norm": (lambda m, x: F.batch_norm(x, torch.zeros(4), torch.ones(4), m.bias[:4]), "Operation"),
    "computed statistics": (lambda m, x: F.batch_norm(x, m.bias[:4], m.kernel[:, 0, 0, 0], None), "Operation"),
    "instance norm": (
        lambda m, x: F.instance_norm(x, m.bias[:4], m.plain[:4], use_input_stats=False),
        "Operation",
    ),
}


@pytest.mark.parametrize("kind", ["pt2", "TorchScript"])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_fixed_numbers_in_the_place_of_learnables(name, kind, exported, tmp_path):
    function, layer = FUNCTIONS[name]
    model, x, path = Model(function).eval(), torch.rand(2, 4, 8, 8), tmp_path / "model.pt"
    if kind == "pt2":
        path = exported(model, {"x": x}, {"x": (0,)})
    else:
        torch.jit.trace(model, x).save(path)
    network, report = import_pytorch(path)
    assert layer in {type(layer).__name__ for _, layer in network.walk()}
    built = build(network).eval()
    assert dict(built.named_parameters()).keys() == {"fc.weight", "fc.bias"}
    assert {*built.state_dict(), *report.unused} >= {"weight", "kernel"}
    for given in (x, torch.rand(5, 4, 8, 8)):
        assert torch.equal(built(given), model(given))
