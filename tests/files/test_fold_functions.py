"""Layers of torch.nn without learnables, whose calls tell all of their settings."""

import warnings

import pytest
import torch
from torch import nn

from designer import analyze, build, import_pytorch, load, save
from designer.layers import (
    ChannelShuffle,
    CosineSimilarity,
    Fold,
    LocalResponseNorm,
    Operation,
    PixelUnshuffle,
    Softmin,
    Softsign,
    Tanhshrink,
    Unfold,
)

IMAGE = torch.rand(2, 4, 6, 12)
LEAVES = {
    "channel shuffle": (nn.ChannelShuffle(2), ChannelShuffle(2), (IMAGE,)),
    "fold": (nn.Fold(8, 3, padding=1, stride=2), Fold(8, 3, 1, 1, 2), (torch.rand(2, 18, 16),)),
    "fold two sizes": (
        nn.Fold((4, 6), (2, 3), dilation=(1, 2)),
        Fold((4, 6), (2, 3), (1, 2)),
        (torch.rand(2, 12, 6),),
    ),
    "unfold": (nn.Unfold(3, padding=1, stride=2), Unfold(3, 1, 1, 2), (IMAGE,)),
    "unfold two sizes": (nn.Unfold((2, 3), dilation=(1, 2)), Unfold((2, 3), (1, 2)), (IMAGE,)),
    "cosine": (nn.CosineSimilarity(), CosineSimilarity(), (IMAGE, IMAGE + 1)),
    "cosine of the last": (nn.CosineSimilarity(-1, 0.1), CosineSimilarity(-1, 0.1), (IMAGE, IMAGE.square())),
    "tanhshrink": (nn.Tanhshrink(), Tanhshrink(), (IMAGE - 0.5,)),
    "softmin": (nn.Softmin(1), Softmin(1), (IMAGE,)),
    "local response norm": (nn.LocalResponseNorm(3), LocalResponseNorm(3), (IMAGE,)),
    "local response norm of sequences": (nn.LocalResponseNorm(4, 0.5), LocalResponseNorm(4, 0.5), (IMAGE[..., 0],)),
    "local response norm of volumes": (
        nn.LocalResponseNorm(2, 0.5, 0.6, 2.0),
        LocalResponseNorm(2, 0.5, 0.6, 2.0),
        (torch.rand(2, 4, 3, 5, 6),),
    ),
    "softsign": (nn.Softsign(), Softsign(), (IMAGE - 0.5,)),
    "pixel unshuffle": (nn.PixelUnshuffle(3), PixelUnshuffle(3), (IMAGE,)),
}


class One(nn.Module):
    """A module that stands under a name, and takes one input."""

    def __init__(self, leaf):
        super().__init__()
        self.leaf = leaf

    def forward(self, x):
        return self.leaf(x)


class Two(One):
    """One that takes two."""

    def forward(self, x, y):
        return self.leaf(x, y)


@pytest.mark.parametrize("traced", [False, True], ids=["exported", "traced"])
@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_is_recovered(exported, name, traced, tmp_path):
    leaf, layer, inputs = LEAVES[name]
    model = (Two if len(inputs) == 2 else One)(leaf)
    named = dict(zip("xy", inputs))
    if traced:
        path = tmp_path / "model.pt"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated
            torch.jit.save(torch.jit.trace(model, inputs), path)
        network, _ = import_pytorch(path, inputs)
    else:
        network, _ = import_pytorch(exported(model, named, dict.fromkeys(named, (0,))))
    assert network.layers["leaf"] == layer
    assert {type(each).__name__ for each in network.layers.values()} == {"Input", type(layer).__name__}
    assert not [problem.text for problem in analyze(network).problems if problem.severity == "error"]
    given = [torch.cat([x, x + 1]) for x in inputs]
    assert torch.equal(build(network)(*given), model(*given))
    save(network, tmp_path / "leaf.network")
    assert load(tmp_path / "leaf.network") == network


@pytest.mark.parametrize("leaf", [nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.Unfold(3)], ids=str)
def test_an_image_alone_stays_an_operation(exported, leaf):
    x = torch.rand(4, 6, 8)
    model = One(leaf)
    network, _ = import_pytorch(exported(model, {"x": x}))
    assert isinstance(network.layers["leaf"], Operation)
    assert torch.equal(build(network)(x), model(x))
