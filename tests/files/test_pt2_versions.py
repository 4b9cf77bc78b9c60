"""Files that earlier versions of torch.export wrote: the same model, an embedding tied to the last layer, by each."""

import io
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from designer import FileError, build, import_pytorch
from designer.layers import LSTM, BatchNorm1d, Embedding, Linear

HERE = Path(__file__).parent / "exported"
VERSIONS = ["2.5", "2.6", "2.7", "2.8"]


@pytest.fixture(params=VERSIONS)
def path(request):
    return HERE / f"torch_{request.param}.pt2"


def test_every_version(path):
    network, report = import_pytorch(path)
    layers = network.layers
    assert [type(layers[name]) for name in ("emb", "lstm", "fc", "norm")] == [Embedding, LSTM, Linear, BatchNorm1d]
    assert network.layers["x"].shape == ("B", 5)
    assert dict(report.ties) == {"fc.weight": "emb.weight"}
    assert report.producer.startswith(f"torch {path.stem.removeprefix('torch_')}.")
    assert not report.placeholders
    module = build(network).eval()
    given = module(torch.arange(15).reshape(3, 5) % 11)
    expected = load_file(HERE / "expected.safetensors")
    assert list(network.outputs) == list(given) == list(expected)
    assert all(map(torch.equal, given.values(), expected.values()))
    assert [key for key, value in module.named_parameters() if not value.requires_grad] == []
    assert set(module.state_dict()) == {
        *("emb.weight", "fc.bias", "norm.weight", "norm.bias"),
        *(f"norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")),
        *(f"lstm.{kind}_{end}_l0" for kind in ("weight", "bias") for end in ("ih", "hh")),
    }


@pytest.mark.parametrize("version", [pytest.param("2.5", marks=pytest.mark.nightly), "2.8"])
def test_equal_to_their_own_programs(version):
    assert import_pytorch(HERE / f"torch_{version}.pt2").report.difference == 0


def test_their_weights_stay_in_the_file(path):
    assert all(value.mapped.path == path for value in import_pytorch(path).network.values.values())


class Evil:
    def __reduce__(self):
        import os

        return os.mkdir, ("ran",)


def saved(value):
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(value, stream)
    return stream.getvalue()


def packed(value):
    """The archive that torch.save writes, compressed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(value))) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    return stream.getvalue()


WEIGHTS = {"2.7": "serialized_state_dict.pt", "2.8": "torch_2.8/data/weights/model.pt"}
BROKEN = {
    "payload": (
        lambda weights: saved({"emb.weight": Evil()}),
        "model.pt2 holds 'emb.weight' as something that is no tensor: it is not opened.",
    ),
    "whole payload": (lambda weights: saved(Evil()), "model.pt2 is damaged or was changed: its weights are not named."),
    "a tensor is missing": (
        lambda weights: saved({"fc.bias": torch.zeros(11)}),
        "model.pt2 is damaged or was changed: the values of 'emb.weight' are missing.",
    ),
    "no archive": (
        lambda weights: b"nothing",
        "model.pt2 is damaged or incomplete: its table of entries cannot be read.",
    ),
    "cut": (
        lambda weights: weights[: len(weights) // 2],
        "model.pt2 is damaged or incomplete: its table of entries cannot be read.",
    ),
    "packed": (
        lambda weights: packed({"emb.weight": torch.zeros(11, 6)}),
        "model.pt2 holds 'byteorder' compressed, which no PyTorch file does.",
    ),
}


@pytest.mark.parametrize("version", WEIGHTS)
@pytest.mark.parametrize("kind", BROKEN)
def test_weights_that_cannot_be_read(version, kind, tmp_path, monkeypatch):
    change, expected = BROKEN[kind]
    path = tmp_path / "model.pt2"
    with zipfile.ZipFile(HERE / f"torch_{version}.pt2") as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            body = old.read(info)
            new.writestr(info.filename, change(body) if info.filename == WEIGHTS[version] else body)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError) as refusal:
        import_pytorch(path)
    assert str(refusal.value) == expected
    assert not Path("ran").exists()
