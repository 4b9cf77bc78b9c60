"""Models of many families, some by other people's code, opened from .pt2 files and rebuilt."""

import math
import os
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as tree

from designer import build, import_pytorch, state_dict
from designer.files.rebuild import _Rebuilder
from designer.model import Group


def tokens(*sizes, high=20):
    return torch.randint(0, high, sizes)


def transformers():
    os.environ["HF_HUB_OFFLINE"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers as library
    return library


def gpt2():
    library = transformers()
    config = library.GPT2Config(
        n_embd=32, n_layer=2, n_head=4, n_positions=64, use_cache=False, vocab_size=97, bos_token_id=1, eos_token_id=2
    )
    return library.GPT2LMHeadModel(config), {"input_ids": tokens(2, 11)}


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 97}


def bert():
    library = transformers()
    return library.BertForMaskedLM(library.BertConfig(**SMALL)), {"input_ids": tokens(2, 11)}


def albert():
    library = transformers()
    return library.AlbertForMaskedLM(library.AlbertConfig(embedding_size=16, **SMALL)), {"input_ids": tokens(2, 11)}


def t5():
    library = transformers()
    config = library.T5Config(
        d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, use_cache=False, decoder_start_token_id=0, vocab_size=97
    )
    inputs = {"input_ids": tokens(2, 11), "decoder_input_ids": tokens(2, 7)}
    return library.T5ForConditionalGeneration(config), inputs


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 16, batch_first=True)
        self.fc = nn.Linear(16, 50)
        self.fc.weight = self.emb.weight
        self.probs = nn.Softmax(-1)

    def forward(self, x):
        return self.probs(self.fc(self.lstm(self.emb(x))[0]))


class TiedAutoencoder(nn.Module):
    """Uses the encoder's weight transposed."""

    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(784, 64)
        self.bias = nn.Parameter(torch.zeros(784))

    def forward(self, x):
        return F.linear(torch.relu(self.enc(x)), self.enc.weight.t(), self.bias)


class ViewTiedAutoencoder(nn.Module):
    """Two parameters that look at the same numbers."""

    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(784, 64)
        self.dec = nn.Linear(64, 784)
        self.dec.weight = nn.Parameter(self.enc.weight.detach().t())

    def forward(self, x):
        return self.dec(torch.relu(self.enc(x)))


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, stride=2, padding=1, groups=2, padding_mode="circular"),
            nn.GroupNorm(4, 16),
            nn.PReLU(16),
            nn.AdaptiveAvgPool2d(1),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 5))

    def forward(self, x):
        return self.head(self.features(x))


class UNet(nn.Module):
    """Lists of blocks, and an upsampling to the size of what is joined."""

    def __init__(self):
        super().__init__()
        self.downs, self.ups, self.pool = nn.ModuleList(), nn.ModuleList(), nn.MaxPool2d(2, 2)
        for given, made in ((3, 8), (8, 16)):
            self.downs.append(self.block(given, made))
        for made in (16, 8):
            self.ups.append(nn.ConvTranspose2d(made * 2, made, 2, 2))
            self.ups.append(self.block(made * 2, made))
        self.bottleneck, self.final = self.block(16, 32), nn.Conv2d(8, 1, 1)

    def block(self, given, made):
        return nn.Sequential(nn.Conv2d(given, made, 3, padding=1), nn.BatchNorm2d(made), nn.ReLU(inplace=True))

    def forward(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottleneck(x)
        for n, skip in enumerate(reversed(skips)):
            x = F.interpolate(self.ups[2 * n](x), size=skip.shape[2:])
            x = self.ups[2 * n + 1](torch.cat((skip, x), 1))
        return self.final(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(30, 12, padding_idx=0)
        self.a = nn.LSTM(12, 10, 2, batch_first=True, bidirectional=True, dropout=0.1)
        self.b = nn.GRU(20, 8, 2, batch_first=True)
        self.c = nn.RNN(8, 6, bidirectional=True, bias=False)
        self.d = nn.RNN(12, 4, nonlinearity="relu", batch_first=True)
        self.f = nn.Linear(10, 3)

    def forward(self, x):
        h, (_, c) = self.a(self.emb(x))
        h, g = self.b(h)
        h, _ = self.c(h.transpose(0, 1))
        return {"y": self.d(h.transpose(0, 1))[1][-1], "g": g, "cells": self.f(c)}


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.MultiheadAttention(16, 4, batch_first=True)
        self.cross = nn.MultiheadAttention(16, 2, batch_first=True, kdim=8, vdim=8)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2, enable_nested_tensor=False
        )

    def forward(self, x, y):
        x = x + self.a(x, x, x, need_weights=False)[0]
        z, weights = self.cross(x, y, y)
        return self.encoder(z), weights


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag, self.fc, self.bi = nn.EmbeddingBag(40, 8), nn.Linear(8, 4), nn.Bilinear(4, 8, 3)

    def forward(self, x):
        h = self.bag(x)
        return F.log_softmax(self.bi(torch.tanh(self.fc(h)), h), 1)


class Siamese(nn.Module):
    """One tower called three times."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
        self.scale = nn.Parameter(torch.full((1,), 2.0))

    def forward(self, a, b):
        u, v, w = self.tower(a), self.tower(b), self.tower(a + b)
        return (u - v).abs() * self.scale + w, (u * v).sum(-1)


class Free(nn.Module):
    """Learnables and buffers of no layer, one used under a name that a layer has too, some never used."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 6))
        self.gamma = nn.Parameter(torch.ones(6))
        self.cls = nn.Parameter(torch.rand(1, 1, 6))
        self.register_buffer("mean", torch.rand(6))
        self.register_buffer("std", torch.rand(6) + 1, persistent=False)
        self.unused = nn.Linear(3, 3)
        self.frozen = nn.Linear(6, 6)
        self.frozen.weight.requires_grad_(False)

    def forward(self, x):
        x = (x - self.mean) / self.std
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) * self.gamma
        a, b = self.frozen(x).chunk(2, -1)
        return F.linear(x, self.weight), a * torch.tensor([1.0, 2.0, 3.0]), b.unbind(1)[0]


class Block(nn.Module):
    def __init__(self, size, length):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.attn, self.proj = nn.Linear(size, 3 * size, bias=False), nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size), nn.Dropout(0.1))
        self.register_buffer("mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = (part.view(b, t, 4, c // 4).transpose(1, 2) for part in self.attn(self.ln_1(x)).split(c, dim=2))
        a = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(k.size(-1)))
        a = F.softmax(a.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf")), -1)
        x = x + self.proj((a @ v).transpose(1, 2).contiguous().view(b, t, c))
        return x + self.mlp(self.ln_2(x))


class NanoGPT(nn.Module):
    """A tied language model whose length is limited to 32."""

    def __init__(self):
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(60, 32),
                "wpe": nn.Embedding(32, 32),
                "h": nn.ModuleList([Block(32, 32) for _ in range(3)]),
                "ln_f": nn.LayerNorm(32),
            }
        )
        self.lm_head = nn.Linear(32, 60, bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, idx):
        x = self.transformer.wte(idx) + self.transformer.wpe(torch.arange(idx.shape[1]))
        for block in self.transformer.h:
            x = block(x)
        return self.lm_head(self.transformer.ln_f(x))


class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(
            *(nn.LeakyReLU(0.2), nn.GELU(approximate="tanh"), nn.ELU(0.5), nn.Softplus(2.0), nn.Hardswish()),
            *(nn.Hardsigmoid(), nn.ReLU6(), nn.Hardtanh(-2, 2), nn.Tanh(), nn.LogSoftmax(-1), nn.RMSNorm(8)),
            *(nn.Identity(), nn.Dropout(0.3), nn.GLU()),
        )

    def forward(self, x):
        return self.a(x)


class OneAndThree(nn.Module):
    """Layers for sequences and volumes."""

    def __init__(self):
        super().__init__()
        self.c, self.n, self.p = nn.Conv1d(4, 8, 3, padding=1), nn.BatchNorm1d(8), nn.MaxPool1d(2)
        self.t, self.i, self.ps = (
            nn.ConvTranspose1d(8, 4, 2, stride=2),
            nn.InstanceNorm2d(4, affine=True),
            nn.PixelShuffle(2),
        )
        self.z, self.ap, self.am = nn.ZeroPad2d((1, 1, 0, 0)), nn.AvgPool2d(2), nn.AdaptiveMaxPool2d((2, 2))
        self.u, self.d2, self.c3, self.b3 = (
            nn.Unflatten(1, (2, 2)),
            nn.Dropout2d(0.1),
            nn.Conv3d(1, 2, 2),
            nn.BatchNorm3d(2),
        )

    def forward(self, x):
        y = self.t(self.p(self.n(self.c(x))))
        z = self.i(y.unsqueeze(-1).expand(-1, -1, -1, 8))
        z = self.d2(self.ap(self.z(self.ps(z))))
        v = self.b3(self.c3(z.unsqueeze(1).repeat(1, 1, 2, 1, 1)))
        return self.am(z), self.u(y).max(dim=1).values, v.mean((2, 3)), y.squeeze(0)


class InPlace(nn.Module):
    """Changes tensors, and parts of tensors, in place."""

    def __init__(self):
        super().__init__()
        self.l = nn.Linear(4, 4)

    def forward(self, x):
        y = self.l(x)
        y += 1
        y[:, 0] = 0
        z = y.clone()
        z.mul_(2)
        z[:, 1].add_(3)
        z.view(-1, 2, 2).transpose(1, 2)[:, 1].neg_()
        n = x.shape[0] * 2 + 1
        return y + z, torch.arange(n)[None].float() * 2, y.new_zeros(n, 3), torch.ones_like(x).cumsum(0), x.sum()


class Lists(nn.Module):
    """Two lists of modules that are called in turn: neither could be a group that runs at once."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3 if n == 0 else 8, 8, 3, padding=1) for n in range(3)])
        self.bns = nn.ModuleList([nn.BatchNorm2d(8) for _ in range(3)])
        self.act = nn.ReLU()

    def forward(self, x):
        for conv, bn in zip(self.convs, self.bns):
            x = self.act(bn(conv(x)))
        return x


class Passed(nn.Module):
    """A module that others call."""

    class Half(nn.Module):
        def __init__(self, emb):
            super().__init__()
            self.tok, self.l = emb, nn.Linear(8, 8)

        def forward(self, x):
            return self.l(self.tok(torch.arange(x.shape[1])[None] * 0 + x))

    def __init__(self):
        super().__init__()
        self.shared = nn.Embedding(20, 8)
        self.enc, self.dec = self.Half(self.shared), self.Half(self.shared)

    def forward(self, x, y):
        return self.dec(y) + self.enc(x).mean(1, keepdim=True)


class SharedNorm(nn.Module):
    """A layer with statistics that is called three times, once after something else."""

    def __init__(self):
        super().__init__()
        self.bn, self.l = nn.BatchNorm1d(4), nn.Linear(4, 4)

    def forward(self, a):
        return self.bn(self.l(self.bn(a))) + self.bn(a)


class WeightNorm(nn.Module):
    """Learnables that reach a layer through calls."""

    def __init__(self):
        super().__init__()
        self.a = nn.utils.parametrizations.weight_norm(nn.Linear(6, 5))
        self.b = nn.Conv1d(5, 5, 1)

    def forward(self, x):
        weight = self.b.weight - self.b.weight.mean((1, 2), keepdim=True)
        return F.conv1d(self.a(x)[..., None], weight, self.b.bias)


MODELS = {
    "gpt2": (gpt2, (0, 1)),
    "bert": (bert, (0, 1)),
    "albert": (albert, (0,)),
    "t5": (t5, (0,)),
    "language model": (lambda: (LanguageModel(), {"x": tokens(2, 7)}), (0,)),
    "tied autoencoder": (lambda: (TiedAutoencoder(), {"x": torch.rand(3, 784)}), (0,)),
    "view-tied autoencoder": (lambda: (ViewTiedAutoencoder(), {"x": torch.rand(3, 784)}), (0,)),
    "convolutions": (lambda: (Convolutions(), {"x": torch.rand(2, 3, 32, 32)}), (0,)),
    "U-Net": (lambda: (UNet(), {"x": torch.rand(2, 3, 33, 35)}), (0, 2, 3)),
    "recurrent": (lambda: (Recurrent(), {"x": tokens(2, 9)}), (0,)),
    "attention": (lambda: (Attention(), {"x": torch.rand(2, 7, 16), "y": torch.rand(2, 5, 8)}), (0,)),
    "bag": (lambda: (Bag(), {"x": tokens(3, 6)}), (0,)),
    "siamese": (lambda: (Siamese(), {"a": torch.rand(3, 8), "b": torch.rand(3, 8)}), (0,)),
    "free": (lambda: (Free(), {"x": torch.rand(2, 5, 6)}), (0,)),
    "nanoGPT": (lambda: (NanoGPT(), {"idx": tokens(2, 13)}), (0, 1)),
    "activations": (lambda: (Activations(), {"x": torch.rand(3, 8)}), (0,)),
    "one and three": (lambda: (OneAndThree(), {"x": torch.rand(2, 4, 16)}), (0,)),
    "in place": (lambda: (InPlace(), {"x": torch.rand(3, 4)}), (0,)),
    "lists": (lambda: (Lists(), {"x": torch.rand(2, 3, 9, 9)}), (0,)),
    "passed": (lambda: (Passed(), {"x": tokens(2, 5), "y": tokens(2, 4)}), (0,)),
    "shared norm": (lambda: (SharedNorm(), {"a": torch.rand(3, 4)}), (0,)),
    "weight norm": (lambda: (WeightNorm(), {"x": torch.rand(3, 6)}), (0,)),
}
TIES = {
    "gpt2": {"lm_head.weight": "transformer.wte.weight"},
    "bert": {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.bias": "cls.predictions.decoder.bias",
    },
    "albert": {
        "predictions.decoder.weight": "albert.embeddings.word_embeddings.weight",
        "predictions.bias": "predictions.decoder.bias",
    },
    "t5": {
        "shared.weight": "encoder.embed_tokens.weight",
        "decoder.embed_tokens.weight": "encoder.embed_tokens.weight",
        "lm_head.weight": "encoder.embed_tokens.weight",
    },
    "language model": {"fc.weight": "emb.weight"},
    "view-tied autoencoder": {"dec.weight": "enc.weight"},
    "nanoGPT": {"lm_head.weight": "transformer.wte.weight"},
    "passed": {"shared.weight": "dec.tok.weight", "enc.tok.weight": "dec.tok.weight"},
}
UNUSED = {
    "free": {"unused.weight", "unused.bias"},
}


def largest_difference(module, model, inputs):
    """Between what the network and the model give, and the tolerance for it."""
    with torch.no_grad():
        wanted = [t for t in tree.tree_leaves(model(**inputs)) if isinstance(t, torch.Tensor)]
        given = tree.tree_leaves(module(*inputs.values()))
    assert [t.shape for t in given] == [t.shape for t in wanted]
    assert [t.dtype for t in given] == [t.dtype for t in wanted]
    largest = max(float((a.double() - b.double()).abs().max()) for a, b in zip(wanted, given))
    return largest, 1e-6 * max(1.0, *(float(t.abs().max()) for t in wanted))


FREE = [pytest.param(name, False, id=f"{name}-free") for name in MODELS]
FIXED = [  # of which all are tried in the night
    pytest.param(name, True, id=f"{name}-fixed", marks=[pytest.mark.nightly] if n % 3 else [])
    for n, name in enumerate(MODELS)
]


@pytest.mark.parametrize(("name", "static"), FREE + FIXED)
def test_a_model_is_rebuilt(exported, name, static, monkeypatch):
    torch.manual_seed(0)
    make, free = MODELS[name]
    model, inputs = make()
    path = exported(model, inputs, None if static else dict.fromkeys(inputs, free))
    network, report = import_pytorch(path)
    with monkeypatch.context() as apart:  # each group by itself, as if no two were equal
        apart.setattr(_Rebuilder, "group", lambda self, network: Group(network))
        assert import_pytorch(path).network == network
    module = build(network).eval()
    sizes = [inputs] if static else [inputs, {key: torch.cat([t, t[:1]]) for key, t in inputs.items()}]
    for given in sizes:
        difference, tolerance = largest_difference(module, model, given)
        assert difference <= tolerance, given

    theirs, ours = set(model.state_dict()), set(module.state_dict())
    assert ours <= theirs
    assert theirs - ours == set(network.aliases) | set(report.unused)
    original = state_dict(network, "original")
    assert set(original) == theirs - set(report.unused)
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in original.items())
    assert report.ties == TIES.get(name, {})
    assert set(report.unused) == UNUSED.get(name, set())
    assert not report.placeholders
    assert not report.renamed
    for key, value in module.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key
    grad = {key: parameter.requires_grad for key, parameter in model.named_parameters(remove_duplicate=False)}
    assert {key: p.requires_grad for key, p in module.named_parameters()} == {
        key: grad[key] for key in grad if key in ours
    }


@pytest.mark.parametrize("name", ["gpt2", "language model", "tied autoencoder", "siamese", "recurrent"])
def test_gradients_are_those_of_the_model(exported, name):
    torch.manual_seed(0)
    make, free = MODELS[name]
    model, inputs = make()
    module = build(import_pytorch(exported(model, inputs, dict.fromkeys(inputs, free))).network).eval()
    for one, given in ((model, inputs), (module, inputs)):
        leaves = tree.tree_leaves(one(**given) if one is model else one(*given.values()))
        sum(t.float().square().mean() for t in leaves if isinstance(t, torch.Tensor)).backward()
    wanted = dict(model.named_parameters(remove_duplicate=False))
    for key, parameter in module.named_parameters():
        assert torch.allclose(parameter.grad, wanted[key].grad, rtol=1e-4, atol=1e-7), key


def test_a_decomposed_program_is_folded_back(exported):
    torch.manual_seed(0)
    model = Convolutions().eval()
    inputs = {"x": torch.rand(2, 3, 32, 32)}
    network, report = import_pytorch(exported(model, inputs, {"x": (0,)}, decomposed=True))
    assert report.layers["Conv2d"] == 2
    assert report.layers["BatchNorm2d"] == report.layers["Linear"] == 1
    difference, tolerance = largest_difference(build(network).eval(), model, inputs)
    assert difference <= tolerance
