"""A size of a TorchScript file that is one number for small inputs is not taken for a number that the model has."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from designer.files.imports import import_pytorch
from designer.source import build


class Windows(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 400, 160, padding=200)

    def forward(self, x):
        y = self.conv(x.transpose(1, 2))
        return y * torch.arange(y.shape[2])


class Divided(nn.Module):
    def forward(self, x):
        count = (x.shape[1] - 1) // 40 + 1
        y = F.pad(x, (0, 0, 0, 40))[:, : count * 40].reshape(x.shape[0], count, 40, 1).mean(2)
        return y * torch.arange(count).unsqueeze(1)


class Quotient(nn.Module):
    def forward(self, x):
        return x * (int(x.shape[1] / 40) + 1) + int(x.shape[1] * 0.25)


class EachStep(nn.Module):
    def forward(self, x):
        y = x[:, ::160]
        return y * torch.arange(y.shape[1]).unsqueeze(1)


class WholePool(nn.Module):
    def forward(self, x):
        return F.max_pool1d(x.transpose(1, 2), x.shape[1]).squeeze(2)


class Filled(nn.Module):
    def forward(self, x):
        return F.pad(x, (0, 0, 0, 160 - x.shape[1] % 160)).cumsum(1)


class Parts(nn.Module):
    def forward(self, x):
        return torch.cat([part.cumsum(1) for part in x.split(160, 1)], 1)


def opened(path, module, how):
    example = torch.randn(2, 100, 1)
    script = torch.jit.script(module) if how == "scripted" else torch.jit.trace(module, example, check_trace=False)
    script.save(path)
    network, report = import_pytorch(path, example)
    assert not report.placeholders
    return network, report, build(network).eval(), torch.jit.load(path)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("how", ["traced", "scripted"])
@pytest.mark.parametrize("model", [Windows, Divided, Quotient, EachStep])
def test_what_is_one_number_for_small_inputs(model, how, tmp_path):
    network, _, ours, theirs = opened(tmp_path / "m.pt", model().eval(), how)
    assert network.layer("x").shape == ("B", "T", 1)
    for length in (100, 331, 1000):
        x = torch.randn(3, length, 1)
        torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_window_as_long_as_its_input_stays_free(tmp_path):
    network, _, ours, theirs = opened(tmp_path / "m.pt", WholePool(), "scripted")
    assert network.layer("x").shape == ("B", "T", 1)
    x = torch.randn(3, 331, 1)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("model", [Filled, Parts])
def test_what_can_be_drawn_for_small_inputs_only_is_fixed_at_their_size(model, tmp_path):
    network, report, ours, theirs = opened(tmp_path / "m.pt", model(), "scripted")
    assert network.layer("x").shape == ("B", 100, 1)
    assert any("all sizes but the first are fixed as they are" in str(note) for note in report.notes)
    x = torch.randn(3, 100, 1)
    torch.testing.assert_close(ours(x), theirs(x))
