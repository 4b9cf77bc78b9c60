"""Many irregular numbers that are in no state_dict of a model are in none of its network, and are never lost."""

import copy
import dataclasses

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from designer import NetworkError, build, import_pytorch, load, save, write_pytorch
from designer.files.weights import save_weights
from designer.layers import Constant


class Positions(nn.Module):
    """Positions as sines and cosines (Vaswani et al., 2017)."""

    def __init__(self, size, count=600):
        super().__init__()
        angles = torch.arange(count).unsqueeze(1) * torch.exp(-torch.arange(0, size, 2) / size * 9.2)
        self.register_buffer("pe", torch.stack((angles.sin(), angles.cos()), 2).flatten(1), persistent=False)

    def forward(self, x):
        return x + self.pe[: x.shape[1]]


IDS = torch.randint(0, 9, (2, 7))


@pytest.fixture
def model():
    return nn.Sequential(nn.Embedding(9, 16), Positions(16), nn.Linear(16, 9)).eval()


@pytest.fixture
def network(model, exported):
    opened, report = import_pytorch(exported(model, {"input": IDS}, {"input": (0, 1)}))
    assert report.notes == ()
    return opened


def test_the_state_dict_is_that_of_the_model(model, network):
    module = build(network).eval()
    assert set(module.state_dict()) == set(model.state_dict())
    module.load_state_dict(model.state_dict())
    ids = torch.randint(0, 9, (3, 12))
    assert torch.equal(module(ids), model(ids))
    assert torch.equal(copy.deepcopy(module)(ids), model(ids))


def test_the_module_takes_in_what_it_adds_to_alone(network):
    assert isinstance(network.layer("1.pe"), Constant)
    assert "def forward(self, x):" in write_pytorch(network)


def test_it_comes_with_the_project_and_with_exported_weights(model, network, tmp_path):
    save(network, tmp_path / "a.network")
    assert load(tmp_path / "a.network") == network
    save_weights(network, tmp_path / "a.safetensors")
    names = {}
    exec(write_pytorch(network), names)
    alone = names["Net"]().eval()
    assert alone(IDS).isnan().all()  # not silently wrong
    alone.load_state_dict(load_file(tmp_path / "a.safetensors"))
    assert torch.equal(alone(IDS), model(IDS))


def test_a_table_of_another_size_is_told_and_one_without_numbers_is_not_taken_for_one(network):
    values = dict(network.values)
    with pytest.raises(
        NetworkError, match=r"The value of 1\.pe\.value is \(3, 16\), but the network needs \(600, 16\)"
    ):
        build(dataclasses.replace(network, values=values | {"1.pe.value": torch.zeros(3, 16)}))
    del values["1.pe.value"]
    assert build(dataclasses.replace(network, values=values)).eval()(IDS).isnan().all()
