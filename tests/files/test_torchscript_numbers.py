"""A TorchScript model that takes a number is opened for one, given in the place of sizes where only those are asked."""

import pytest
import torch
from torch import nn

from designer.files.asking import NeedsInputs
from designer.files.errors import FileError
from designer.files.imports import import_pytorch
from designer.model import Input
from designer.source import build

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


class Rates(nn.Module):
    def __init__(self):
        super().__init__()
        self.low, self.high = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x, rate: int):
        x = x.to(self.low.weight.device)
        return self.high(x) if rate == 16000 else self.low(x)


@pytest.fixture
def path(tmp_path):
    torch.jit.script(Rates()).save(tmp_path / "m.pt")
    return tmp_path / "m.pt"


@pytest.mark.parametrize("rate", [16000, Input((16000,))])
def test_a_number_chooses_a_branch(path, rate):
    network, report = import_pytorch(path, {"x": (2, 4), "rate": rate})
    assert report.difference == 0
    assert list(network.layers) == ["x", "high"]
    x = torch.randn(5, 4)
    torch.testing.assert_close(build(network)(x), torch.jit.load(path)(x, 16000))


def test_the_number_is_asked_for(path):
    with pytest.raises(NeedsInputs, match="the sizes of 'x' and which number 'rate' is: give them"):
        import_pytorch(path)
    with pytest.raises(FileError, match="'rate' is a number \\(int\\): give that in the place of its sizes"):
        import_pytorch(path, {"x": (2, 4), "rate": (2, 3)})
