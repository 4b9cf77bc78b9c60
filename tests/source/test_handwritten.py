"""The module that is built against one written by hand with the same values: outputs, gradients, training."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import Network, build, group, tie
from designer.layers import (
    LSTM,
    Call,
    Conv2d,
    ConvTranspose2d,
    Embedding,
    Input,
    Linear,
    Permute,
    ReLU,
    Sigmoid,
    Softmax,
)


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(50, 12)
        self.lstm = nn.LSTM(12, 12, batch_first=True)
        self.fc = nn.Linear(12, 50)
        self.fc.weight = self.emb.weight

    def forward(self, tokens):
        return self.fc(self.lstm(self.emb(tokens))[0]).softmax(-1)


class Published(nn.Module):
    """Embedding, stored as columns -> permute -> fully connected."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Module()
        self.emb.weight = nn.Parameter(torch.empty(12, 50))
        self.lstm = nn.LSTM(12, 12, batch_first=True)
        self.fc = nn.Module()
        self.fc.bias = nn.Parameter(torch.empty(50))

    def forward(self, tokens):
        h = self.lstm(F.embedding(tokens, self.emb.weight.t()))[0]
        return F.linear(h, self.emb.weight.permute(1, 0), self.fc.bias).softmax(-1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(784, 64)
        self.dec = nn.Module()
        self.dec.bias = nn.Parameter(torch.zeros(784))

    def forward(self, x):
        return F.linear(torch.sigmoid(self.enc(x)), self.enc.weight.t(), self.dec.bias)


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Conv2d(3, 5, 3, padding=1)
        self.dec = nn.ConvTranspose2d(5, 3, 3, padding=1)
        self.dec.weight = self.enc.weight

    def forward(self, x):
        return self.dec(self.enc(x).relu())


class Thrice(nn.Module):
    """One block three times, its first weight that of the layer before."""

    def __init__(self):
        super().__init__()
        self.w = nn.Linear(8, 8)
        self.block = nn.Module()
        self.block.a = nn.Linear(8, 8)
        self.block.a.weight = self.w.weight
        self.block.b = nn.Linear(8, 8)

    def forward(self, x):
        x = self.w(x)
        for _ in range(3):
            x = self.block.b(self.block.a(x).relu())
        return x


def language_model():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(50, 12),
        lstm=LSTM(12),
        fc=Linear(50),
        probs=Softmax(),
    )
    return tie(net, "emb/weight", "fc/weight")


def published():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(50, 12, transposed=True, output_learnables=("weight",)),
        lstm=LSTM(12),
        fc=Linear(50, input_learnables=("weight",)),
        probs=Softmax(),
    )
    net = net.add(transpose=Permute((1, 0)))
    return net.connect("emb/weight", "transpose").connect("transpose", "fc/weight")


def autoencoder():
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), act=Sigmoid(), dec=Linear(784))
    return tie(net, "enc/weight", "dec/weight")


def images():
    net = Network().chain(
        x=Input(("B", 3, "H", "W")), enc=Conv2d(5, 3, padding=1), act=ReLU(), dec=ConvTranspose2d(3, 3, padding=1)
    )
    return tie(net, "enc/weight", "dec/weight")


def thrice():
    net = Network().chain(x=Input(("B", 8)), w=Linear(8), a=Linear(8), act=ReLU(), b=Linear(8))
    net = group(tie(net, "w/weight", "a/weight", permute=()), ["a", "act", "b"], "block")
    for name, before in (("second", "block"), ("third", "second")):
        net = net.add(**{name: Call()}).connect("block/learnables", f"{name}/learnables").connect(before, name)
    return net


def tokens(batch):
    return torch.randint(0, 50, (batch, 7))


CASES = {
    "direct": (language_model, LanguageModel, tokens, 0),
    "into a nested group": (
        lambda: group(group(language_model(), ["fc"], "inner"), ["inner", "probs"], "outer"),
        LanguageModel,
        tokens,
        0,
    ),
    "inside out": (
        lambda: group(group(language_model(), ["emb"], "inner"), ["inner"], "outer"),
        LanguageModel,
        tokens,
        0,
    ),
    "between groups": (
        lambda: group(group(language_model(), ["emb", "lstm"], "encoder"), ["fc", "probs"], "decoder"),
        LanguageModel,
        tokens,
        0,
    ),
    "published picture": (published, Published, tokens, 1e-6),
    "autoencoder": (autoencoder, Autoencoder, lambda batch: torch.rand(batch, 784), 0),
    "convolutions": (images, Images, lambda batch: torch.rand(batch, 3, 9, 10), 0),
    "called three times": (thrice, Thrice, lambda batch: torch.randn(batch, 8), 0),
}


def by_tail(path, hand):
    """The key of the handwritten module for a path that may stand in groups."""
    return next(key for key in hand if path == key or path.endswith("." + key) or key.endswith("." + path))


@pytest.fixture(params=CASES)
def case(request):
    make, written, data, tolerance = CASES[request.param]
    module, hand = build(make()), written()
    known = dict(hand.named_parameters())
    with torch.no_grad():
        for path, parameter in module.named_parameters():
            known[by_tail(path, known)].copy_(parameter)
    torch.manual_seed(3)
    return module, hand, data(4), tolerance


def check(some, other, tolerance):
    assert (some - other).abs().max().item() <= tolerance * max(1, other.abs().max().item())


def test_outputs_and_every_gradient(case):
    module, hand, x, tolerance = case
    check(module(x), hand(x), tolerance)
    for m in (module, hand):
        m(x).square().sum().backward()
    known = dict(hand.named_parameters())
    assert len(known) == len(list(module.parameters()))
    for path, parameter in module.named_parameters():
        check(parameter.grad, known[by_tail(path, known)].grad, max(tolerance, 1e-6))


def test_three_steps_of_adamw(case):
    module, hand, x, _ = case
    for m in (module, hand):
        optimizer = torch.optim.AdamW(m.parameters(), 1e-2)
        for _ in range(3):
            optimizer.zero_grad()
            (m(x) - 1).square().sum().backward()
            optimizer.step()
    check(module(x), hand(x), 1e-6)
    known = dict(hand.named_parameters())
    for path, parameter in module.named_parameters():
        check(parameter, known[by_tail(path, known)], 1e-6)


def test_the_tie_is_one_parameter_and_one_entry(case):
    module, hand, _, _ = case
    assert len(module.state_dict()) == len(list(module.parameters())) == len(list(hand.parameters()))
    assert sum(p.numel() for p in module.parameters()) == sum(p.numel() for p in hand.parameters())
