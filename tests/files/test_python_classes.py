"""Classes of modules in Python source, listed without running it."""

import pytest

from designer import FileError
from designer.files.asking import Argument
from designer.files.kinds import kind_of
from designer.files.python_classes import LARGEST, list_classes

SOURCE = """
import os
os.mkdir("ran")
import torch as t, torch.nn as layers
from torch import nn
from torch.nn import Module as M
from torch.autograd import Function
from lightning import LightningModule
from elsewhere import Base, Config

class Settings(Config):
    size = 3

class Square(Function):
    @staticmethod
    def forward(ctx, x):
        return x * x

class Block(nn.Module):
    def __init__(self, size: int, *, bias: "bool" = True, act=nn.ReLU, **more):
        ...
    def forward(self, x, mask=None): ...

class Wide(Block):
    def forward(self, x, y, /): ...

class Own(Base):
    def forward(self, x): return x

class Loop(Loop): ...

if True:
    class Chain(layers.Sequential):
        def __init__(self, size=[1, 2], rate: float | None = 1e-3):
            super().__init__(Wide(size), *[Block(3)])
try:
    class Light(LightningModule): ...
except ImportError:
    class Light(M): ...

def make():
    class Hidden(nn.Module): ...
"""


def test_classes_and_their_arguments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    path.write_text(SOURCE)
    assert kind_of(path).name == "Python modules"
    found = {each.name: each for each in list_classes(path)}
    assert [*found] == ["Own", "Chain", "Light", "Block", "Wide"], "what no other class builds first"
    assert [each.inner for each in found.values()] == [False, False, False, True, True]
    assert found["Chain"].arguments == (Argument("size", "[1, 2]"), Argument("rate", "0.001", "float | None"))
    wanted = (Argument("size", None, "int"), Argument("bias", "True", "bool"), Argument("act", "nn.ReLU"))
    assert found["Block"].arguments == found["Wide"].arguments == wanted, "of what a class comes from, too"
    assert [each.name for each in found["Block"].inputs] == ["x"]
    assert [each.name for each in found["Wide"].inputs] == ["x", "y"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class A(nn.Module:", "is no Python source that can be read"),
        ("x = " + "(" * 5000, "is no Python source that can be read"),
        ("x = 1\0", "is no Python source that can be read"),
        ("#" * (LARGEST + 1), "is longer than 2 MiB"),
    ],
)
def test_what_cannot_be_read(source, said, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(source)
    with pytest.raises(FileError, match=f"^net.py {said}"):
        list_classes(path)
    with pytest.raises(FileError, match=r"^There is no file|^none\.py cannot be read"):
        list_classes(tmp_path / "none.py")
