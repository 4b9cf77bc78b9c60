"""How far two networks are apart, measured here and in a child process."""

import dataclasses

import pytest
import torch

from designer import Network, initialize, tie, transfer, untie
from designer.files.compare import Comparison
from designer.files.difference import difference, probes
from designer.layers import LSTM, Conv2d, Dropout, Embedding, Flatten, Input, Linear, Softmax


def language_model():
    return (
        Network()
        .chain(
            tokens=Input(("B", "T"), dtype="int64"),
            emb=Embedding(20, 6, output_learnables=("weight",)),
            lstm=LSTM(6),
            drop=Dropout(0.5),
            fc=Linear(20, input_learnables=("weight",)),
            probs=Softmax(),
        )
        .connect("emb/weight", "fc/weight")
    )


@pytest.mark.parametrize("apart", [False, True])
def test_untie_leaves_the_outputs_as_they_are(apart):
    net = language_model()
    assert difference(net, untie(net, "fc/weight"), apart) == Comparison(0.0, "")


@pytest.mark.parametrize("apart", [False, True])
def test_another_value_is_seen(apart):
    net = initialize(language_model())
    bias = torch.zeros(20)
    bias[3] = 50.0
    other = net.with_values({"fc.bias": bias})
    found = difference(net, other, apart)
    assert found.reason == ""
    assert found.difference == pytest.approx(1.0, abs=0.1)  # the softmax puts all on one


def test_through_a_permutation():
    net = Network().chain(x=Input(("B", 7)), enc=Linear(4), dec=Linear(7))
    net = tie(net, "enc/weight", "dec/weight")
    assert difference(net, untie(net, "dec/weight"), apart=False).difference <= 1e-6


def test_a_free_size_that_must_be_large_is_found():
    net = Network().chain(x=Input(("B", 3, "H", "W")), conv=Conv2d(4, 11), flat=Flatten())
    assert difference(net, net, apart=False) == Comparison(0.0, "")


def test_what_cannot_be_measured_says_why():
    net = language_model()
    found = difference(net, transfer(net, "fc", out_features=3), False)
    assert found == Comparison(None, "the outputs differ in their sizes")
    broken = net.set("fc", input_learnables=()).set("emb", output_learnables=()).disconnect("lstm/in")
    assert difference(broken, broken, False) == Comparison(None, "lstm has nothing on its input 'in'")
    huge = dataclasses.replace(net, values={"fc.bias": torch.empty(1 << 30, device="meta")})
    assert difference(huge, net).reason == "their values take 4.0 GiB, too much for a copy"
    assert difference(net, net, seconds=0.01) == Comparison(None, "it took more than 0.01 seconds")


def test_free_sizes_differ_at_first():
    inputs = list(probes(Network().add(x=Input(("B", "T", 4)))))
    assert tuple(inputs[0][0].shape) == (3, 4, 4)
    assert tuple(inputs[1][0].shape) == (3, 3, 4)
