"""Tensors by name from every kind of file that holds values."""

import re

import pytest
import torch

from designer import FileError, Network, initialize, save
from designer.files.stored import tensors_in
from designer.files.values_file import content_hash, written
from designer.layers import Input, Linear


@pytest.fixture
def module():
    return torch.nn.Sequential(torch.nn.Linear(3, 2))


def test_state_dict_and_safetensors(module, tmp_path):
    torch.save(module.state_dict(), tmp_path / "a.pt")
    held = {name: value.detach() for name, value in module.state_dict().items()}
    (tmp_path / "b.safetensors").write_bytes(b"".join(written(held, content_hash(held))))
    for name in ("a.pt", "b.safetensors"):
        found = tensors_in(tmp_path / name)
        assert set(found) == {"0.weight", "0.bias"}
        assert torch.equal(found["0.weight"], module[0].weight)


def test_project(tmp_path):
    net = initialize(Network().chain(x=Input(("B", 3)), fc=Linear(2)))
    save(net, tmp_path / "a.network")
    assert set(tensors_in(tmp_path / "a.network")) == {"fc.weight", "fc.bias"}


def test_exported_program(module, tmp_path):
    torch.export.save(torch.export.export(module, (torch.zeros(4, 3),)), tmp_path / "a.pt2")
    found = tensors_in(tmp_path / "a.pt2")
    assert sorted(tuple(value.shape) for value in found.values()) == [(2,), (2, 3)]


def test_other_files(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    known = ".safetensors, .pt, .pt2, .onnx, .npz, .mat, .h5, .index.json and .network files"
    text = f"Values can be taken from {known}, and notes.txt is none."
    with pytest.raises(FileError, match=re.escape(text)):
        tensors_in(tmp_path / "notes.txt")
    (tmp_path / "broken.safetensors").write_bytes((20).to_bytes(8, "little") + b"{" + b"x" * 30)
    with pytest.raises(FileError, match=r"broken.safetensors cannot be read"):
        tensors_in(tmp_path / "broken.safetensors")
