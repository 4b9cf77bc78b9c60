"""Opening TorchScript files without torch.jit.load: the network gives what the model gives."""

import warnings

import pytest
import torch
from torch import nn

from designer.files.imports import import_pytorch
from designer.source import build


@pytest.fixture
def saved(tmp_path):
    """Write a module as TorchScript: traced with inputs, else scripted."""

    def save(module, *inputs, name="model.pt", train=False):
        path = tmp_path / name
        module.train(train)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated, and tracing warns about the code it traces
            if inputs:
                script = torch.jit.trace(module, inputs, strict=False, check_trace=False)
            else:
                script = torch.jit.script(module)
            torch.jit.save(script, path)
        return path

    return save


def leaves(value):
    if isinstance(value, torch.Tensor):
        return [value]
    values = value.values() if isinstance(value, dict) else value
    return [leaf for entry in values for leaf in leaves(entry)]


def check(module, network, *inputs):
    """Outputs, gradients and the names of the state_dict are those of the module."""
    built = build(network)
    built.train(module.training)
    given, wanted = leaves(built(*inputs)), leaves(module(*inputs))
    assert [a.shape for a in given] == [b.shape for b in wanted]
    for a, b in zip(given, wanted):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
    for net, outputs in ((built, given), (module, wanted)):
        net.zero_grad()
        sum((out.square().sum() for out in outputs if out.requires_grad), torch.zeros(())).backward()
    named = dict(built.named_parameters())
    for name, parameter in module.named_parameters():
        mine = named.get(network.aliases.get(name, name))
        if mine is None or parameter.grad is None:
            continue
        assert mine.requires_grad == parameter.requires_grad
        torch.testing.assert_close(mine.grad, parameter.grad, rtol=1e-4, atol=1e-5)
    return built


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x
        return self.relu(y)


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.layer1 = nn.Sequential(Residual(8), Residual(8))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.pool(self.layer1(nn.functional.max_pool2d(self.stem(x), 2)))
        return self.fc(torch.flatten(x, 1))


class Words(nn.Module):
    """A tied language model with an LSTM, attention, a mask and a dictionary of outputs."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(11, 8)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 11)
        self.head.weight = self.emb.weight
        self.register_buffer("scale", torch.full((1,), 0.5))
        self.norm.bias.requires_grad_(False)

    def forward(self, ids, mask):
        x, _ = self.lstm(self.emb(ids))
        attended, _ = self.attention(x, x, x)
        B, T = ids.shape
        x = self.norm(x + attended.reshape(B, T * 2, 4).view(B, T, 8) * mask.unsqueeze(-1)) * self.scale
        positions = torch.arange(T, device=ids.device).float() / T**0.5
        return {"logits": self.head(x + positions[:, None]), "states": x}


def test_open_a_traced_perceptron(saved):
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
    network, report = import_pytorch(saved(module, torch.rand(1, 4)))
    assert report.kind == "TorchScript"
    assert dict(report.layers) == {"Linear": 2, "ReLU": 1, "Dropout": 1}
    assert network.layer(network.inputs[0]).shape == ("B", 4)
    assert check(module, network, torch.rand(5, 4)).state_dict().keys() == module.state_dict().keys()
    assert not report.notes


def test_open_a_traced_residual_network(saved):
    module = Images()
    network, report = import_pytorch(saved(module, torch.rand(2, 3, 16, 16)))
    assert report.layers["BatchNorm2d"] == 5
    assert set(network.layers) >= {"stem", "layer1", "pool", "fc"}
    for batch in (2, 7):
        built = check(module, network, torch.rand(batch, 3, 16, 16))
    assert built.state_dict().keys() <= module.state_dict().keys()
    assert report.difference == 0


def test_open_a_traced_language_model_for_any_batch_and_time(saved):
    module = Words()
    network, report = import_pytorch(saved(module, torch.randint(0, 11, (2, 6)), torch.rand(2, 6)))
    assert [network.layer(name).shape for name in network.inputs] == [("B", "T"), ("B", "T")]
    assert list(network.inputs) == ["ids", "mask"]
    assert list(network.outputs) == ["logits", "states"]
    assert dict(report.ties) == {"head.weight": "emb.weight"}
    assert report.layers["LSTM"] == report.layers["MultiheadAttention"] == report.layers["LayerNorm"] == 1
    assert "scale" in network.values
    for sizes in ((2, 6), (3, 9)):
        check(module, network, torch.randint(0, 11, sizes), torch.rand(sizes))
    assert report.difference == 0
