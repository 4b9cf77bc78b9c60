"""Functions that torch writes as several calls are one layer again, where the calls are surely theirs."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import build, import_pytorch


class Net(nn.Module):
    """A module with a function for its forward."""

    def __init__(self, run, **parts):
        super().__init__()
        self.run = run
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x):
        return self.run(self, x)


def opened(exported, run, **parts):
    """The types of the layers of a model, which gives what the model gives."""
    model, x = Net(run, **parts), torch.rand(3, 4) - 0.5
    network, _ = import_pytorch(exported(model, {"x": x}, {"x": (0,)}))
    given, wanted = (torch.utils._pytree.tree_leaves(one(x)) for one in (build(network), model))
    assert all(map(torch.equal, given, wanted))
    return [type(layer).__name__ for _, layer in network.walk() if type(layer).__name__ not in ("Input", "Output")]


def test_a_function_without_a_module_is_one_layer(exported):
    assert opened(exported, lambda m, x: F.softsign(x)) == ["Softsign"]
    assert opened(exported, lambda m, x: F.tanhshrink(x)) == ["Tanhshrink"]


def test_what_another_module_computes_stays_its_own(exported):
    assert opened(exported, lambda m, x: x - m.tanh(x), tanh=nn.Tanh()) == ["Tanh", "Subtract"]


def used_again(m, x):
    size = x.abs() + 1
    return x / size, size


OTHER = {
    "used again": used_again,
    "another number": lambda m, x: x / (x.abs() + 2),
    "of another": lambda m, x: x / ((x + 1).abs() + 1),
    "the other way round": lambda m, x: x.tanh() - x,
    "a softmax of distances": lambda m, x: (-x).softmax(-1),  # which softmin would do too, but nobody says so
    "rounded": lambda m, x: torch.div(x, x.abs() + 1, rounding_mode="floor"),
}


@pytest.mark.parametrize("name", OTHER)
def test_what_is_not_quite_a_function_stays(exported, name):
    layers = opened(exported, OTHER[name])
    assert not {"Softsign", "Tanhshrink", "Softmin"} & set(layers)
    assert len(layers) > 1
