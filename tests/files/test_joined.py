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


class Normed(nn.Module):
    """Local response normalisation as torch writes it, with one step changed."""

    def __init__(self, pool=None, pad=(0, 0, 1, 1), alpha=0.1, dim=1):
        super().__init__()
        self.pool, self.pad, self.alpha, self.dim = pool or (lambda x: F.avg_pool2d(x, (3, 1), 1)), pad, alpha, dim

    def forward(self, x):
        mean = self.pool(F.pad((x * x).unsqueeze(self.dim), self.pad)).squeeze(self.dim)
        return x / (mean * (self.alpha(x) if callable(self.alpha) else self.alpha) + 1.0).pow(0.75)


NORMED = {
    "as torch": (Normed(), True),
    "windows over the time": (Normed(lambda x: F.avg_pool2d(x, (1, 3), 1), (1, 1, 0, 0)), False),
    "the channels before alone": (Normed(pad=(0, 0, 2, 0)), False),
    "a factor that is computed": (Normed(alpha=lambda x: x.mean()), False),
    "over the time in the place of the channels": (Normed(dim=2, pad=(0, 0, 0, 2, 0, 0)), False),
}


@pytest.mark.parametrize("name", NORMED)
def test_a_local_response_norm_is_told_by_its_numbers(exported, name):
    model, whole = NORMED[name]
    x = torch.rand(2, 6, 5)
    network, report = import_pytorch(exported(model, {"x": x}, {"x": (0, 2)}))
    assert torch.equal(build(network)(x), model(x))
    assert ("LocalResponseNorm" in report.layers) is whole
    assert not report.placeholders


@pytest.mark.parametrize("free", [None, (0,), (0, 2, 3)], ids=["fixed", "batch", "all"])
def test_a_local_response_norm_of_images_of_any_size(exported, free):
    model, x = nn.LocalResponseNorm(5), torch.rand(2, 6, 5, 7)
    network, report = import_pytorch(exported(model, {"input": x}, free and {"input": free}))
    assert report.layers == {"LocalResponseNorm": 1}
    assert torch.equal(build(network)(x), model(x))


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
