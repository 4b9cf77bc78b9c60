"""The written source against the same network written by hand, forward and backward."""

import copy
import statistics
import time

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import Network, build, tie
from designer.layers import LSTM, Embedding, Input, Linear, ReLU, Softmax

pytestmark = pytest.mark.benchmark
ROUNDS = 31


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.lstm = nn.Embedding(1000, 300), nn.LSTM(300, 300, batch_first=True)
        self.fc, self.softmax = nn.Linear(300, 1000), nn.Softmax(-1)
        self.fc.weight = self.emb.weight

    def forward(self, tokens):
        return self.softmax(self.fc(self.lstm(self.emb(tokens))[0]))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.act, self.bias = nn.Linear(784, 64), nn.ReLU(), nn.Parameter(torch.zeros(784))

    def forward(self, x):
        return F.linear(self.act(self.enc(x)), self.enc.weight.permute(1, 0), self.bias)


def language_model():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(1000, 300), lstm=LSTM(300), fc=Linear(1000), p=Softmax()
    )
    return build(tie(net, "emb/weight", "fc/weight")), LanguageModel(), torch.randint(0, 1000, (32, 20)), 1


def autoencoder():
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), act=ReLU(), dec=Linear(784))
    return build(tie(net, "enc/weight", "dec/weight")), Autoencoder(), torch.randn(32, 784), 40


@pytest.mark.parametrize("make", [language_model, autoencoder], ids=lambda make: make.__name__)
def test_forward_and_backward(make, benchmark, capsys):
    """Goal: no more than 2 % over the noise between the handwritten module and its own copy."""
    ours, hand, x, repeat = make()
    modules = {"ours": ours, "hand": hand, "copy": copy.deepcopy(hand)}
    torch.set_num_threads(1)

    def step(module):
        for _ in range(repeat):
            module(x).square().sum().backward()
        module.zero_grad()

    ratios = {"ours": [], "copy": []}
    for n in range(ROUNDS):
        taken = {}
        names = list(modules)
        for name in names[n % 3 :] + names[: n % 3]:
            start = time.process_time()
            step(modules[name])
            taken[name] = time.process_time() - start
        for name, found in ratios.items():
            found.append(taken[name] / taken["hand"])
    ours_ratio, floor = (statistics.median(ratios[name][3:]) for name in ("ours", "copy"))
    with capsys.disabled():
        print(f"\nours / handwritten {ours_ratio:.3f}, its own copy / handwritten {floor:.3f}")
    benchmark.pedantic(step, (ours,), rounds=5)
    assert ours_ratio <= max(floor, 1) + 0.02
