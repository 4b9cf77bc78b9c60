"""Files are told apart by their bytes; those that cannot be opened get one sentence that says what to do."""

import argparse
import bz2
import contextlib
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import torch
from onnx import helper
from safetensors.torch import save_file
from torch import nn

from designer import FileError, import_pytorch
from designer.files.asking import NeedsCode
from designer.files.kinds import OPENED, REFUSALS, kind_of


class Own(nn.Module):
    def forward(self, x):
        return x + 1


def zipped(path, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in entries.items():
            archive.writestr(name.replace("__", "/"), text)


def torch_script(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.rand(1, 2)), path)


def legacy(path):
    torch.save(nn.Linear(2, 2).state_dict(), path, _use_new_zipfile_serialization=False)


def onnx(path):
    value = "f", helper.make_tensor_value_info("x", 1, [1]), helper.make_tensor_value_info("y", 1, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], value[0], [value[1]], [value[2]])
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())


def numpy(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def numpy_archive(path):
    with path.open("wb") as file:
        np.savez(file, w=np.zeros(3))


def matlab(path):
    with path.open("wb") as file:
        scipy.io.savemat(file, {"w": np.zeros((2, 3))}, format="4" if path.suffix == ".pt" else "5")


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["w"] = np.zeros(3)


def keras(path):
    hdf5(path.with_name("inner.h5"))
    zipped(path, **{"config.json": "{}", "model.weights.h5": path.with_name("inner.h5").read_bytes()})


def shards(path):
    save_file({"w": torch.zeros(2)}, path.with_name("a.safetensors"))
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"w": "a.safetensors"}}))


def message(*fields):
    """A protobuf message of numbers, texts and messages."""
    data = b""
    for number, value in fields:
        wire, content = (0, bytes([value])) if isinstance(value, int) else (2, bytes([len(value)]) + value)
        tag = number << 3 | wire
        data += (bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])) + content
    return data


GRAPH = message((1, b"x"), (2, b"Placeholder"))


def tar(path):
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("model"), io.BytesIO())


WRITERS = {
    "state_dict": lambda path: torch.save(nn.Linear(2, 2).state_dict(), path),
    "state_dict legacy": legacy,
    "module pickle": lambda path: torch.save(nn.Sequential(Own()), path),
    "pickle": lambda path: path.write_bytes(pickle.dumps([1, Own])),
    "NumPy pickle": lambda path: path.write_bytes(pickle.dumps({"mean": np.zeros((2, 3))})),
    "NumPy pickle old": lambda path: path.write_bytes(pickle.dumps([np.zeros(2), np.float64(1)], 2)),
    "TorchScript": torch_script,
    "torch.package": lambda path: zipped(path, **{"m__.data__version": "6", "m__.data__extern_modules": ""}),
    "other pt2": lambda path: zipped(path, m__archive_format="pt2"),
    "AOTInductor": lambda path: zipped(path, m__archive_format="pt2", m__data__aotinductor__model__a="so"),
    "safetensors": lambda path: save_file({"w": torch.zeros(2)}, path),
    "ONNX": onnx,
    "Python modules": lambda path: path.write_text(
        "import os\nfrom torch import nn\nos.mkdir('ran')\nclass Net(nn.Module):\n    pass\n"
    ),
    "Python": lambda path: path.write_text("import os\nos.mkdir('ran')\n"),
    "distributed checkpoint": lambda path: path.write_bytes(
        b"\x80\x04\x8c\x25torch.distributed.checkpoint.metadata\x94\x8c\x08Metadata\x94\x93)\x81."
    ),
    "Git LFS": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"),
    "web page": lambda path: path.write_text("\n<!DOCTYPE html>\n<html><title>Not found</title></html>"),
    "packed": lambda path: path.write_bytes(gzip.compress(b"model")),
    "packed bzip2": lambda path: path.write_bytes(bz2.compress(b"model")),
    "packed xz": lambda path: path.write_bytes(lzma.compress(b"model")),
    "GGUF": lambda path: path.write_bytes(b"GGUF" + bytes(20)),
    "HDF5": hdf5,
    "Keras": keras,
    "NumPy": numpy,
    "NumPy archive": numpy_archive,
    "MATLAB": matlab,
    "shards": shards,
    "joblib": lambda path: path.write_bytes(pickle.dumps({"joblib.numpy_pickle": 1})),
    "joblib packed": lambda path: path.write_bytes(zlib.compress(pickle.dumps(["joblib.numpy_pickle"]))),
    "scikit-learn": lambda path: path.write_bytes(b"\x80\x02csklearn.svm._classes\nSVC\n)\x81."),
    "PaddlePaddle": lambda path: path.write_bytes(pickle.dumps({"w": [0.0], "StructuredToParameterName@@": {}}, 2)),
    "msgpack": lambda path: path.write_bytes(b"\x81\xa6params\x81\xa6kernel\xc7\x08\x01\x93\x91\x01\xa3<f4\xc4\x00"),
    "SavedModel": lambda path: path.write_bytes(message((1, 1), (2, message((1, message((4, b"serve"))), (2, b""))))),
    "SavedModel frozen": lambda path: path.write_bytes(message((1, GRAPH), (1, GRAPH))),
    "TensorFlow checkpoint": lambda path: path.write_bytes(bytes(40) + bytes.fromhex("57fb808b247547db")),
    "TFLite": lambda path: path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(40)),
    "Core ML": lambda path: path.write_bytes(message((1, 4), (2, message((1, b"\x0a\x01x"))), (500, b"layers"))),
    "Core ML weights": lambda path: path.write_bytes(
        struct.pack("<II56x", 1, 2) + struct.pack("<II48x", 0xDEADBEEF, 1)
    ),
    "OpenVINO": lambda path: path.write_text('<?xml version="1.0"?>\n<net name="a" version="11">\n</net>'),
    "TensorRT": lambda path: path.write_bytes(b"ftrt" + bytes(40)),
    "tar": tar,
    "zip": lambda path: zipped(path, a="b"),
    "JSON": lambda path: path.write_text(json.dumps({"a": 1})),
    "empty": lambda path: path.write_bytes(b""),
    "unknown": lambda path: path.write_bytes(bytes(range(255, -1, -1))),
    "unknown text": lambda path: path.write_text("some words"),
}


@pytest.mark.parametrize("ending", [".pt", ".pt2", ".safetensors", ".py", ""])
@pytest.mark.parametrize("what", WRITERS)
def test_a_kind_is_told_from_the_bytes_whatever_the_name(tmp_path, what, ending):
    path = tmp_path / f"model{ending}"
    WRITERS[what](path)
    name = what if what in OPENED or what in REFUSALS else what.rpartition(" ")[0]
    assert kind_of(path).name == name
    if name in OPENED:
        if name in ("HDF5", "Keras") and ending:
            return  # a child process would be asked for each
        with pytest.raises(NeedsCode) if name == "Python modules" else contextlib.nullcontext():
            import_pytorch(path)
        assert not (tmp_path / "ran").exists()
        return
    with pytest.raises(FileError) as caught:
        import_pytorch(path)
    assert str(caught.value) == f"{path.name} {REFUSALS[name]}."
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_every_refusal_is_tested():
    assert {what for what in REFUSALS if what not in WRITERS} == set()
    assert {what for what in OPENED if what not in WRITERS} == {"network", "pt2"}  # which have tests of their own


def test_objects_beside_the_values_of_a_training_do_not_hide_them(tmp_path):
    state = {"state_dict": nn.Linear(2, 2).state_dict(), "settings": argparse.Namespace(rate=0.1)}
    torch.save(state, tmp_path / "last.ckpt")
    assert kind_of(tmp_path / "last.ckpt").name == "state_dict"
    assert set(import_pytorch(tmp_path / "last.ckpt").network.values) == {"weight", "bias"}


def test_a_network_of_this_program_is_opened_with_load(tmp_path):
    from designer import Network, save
    from designer.layers import Input, ReLU

    save(Network().chain(x=Input(("B", 3)), relu=ReLU()), tmp_path / "net.network")
    assert kind_of(tmp_path / "net.network").name == "network"
    with pytest.raises(FileError, match=r"^net\.network is a network of this program: open it with load\.$"):
        import_pytorch(tmp_path / "net.network")


@pytest.mark.parametrize("seed", range(200))
def test_damaged_files_are_told_without_a_crash(tmp_path, seed):
    """Any file with some bytes changed or cut off has a kind, or gets a sentence."""
    generator = np.random.default_rng(seed)
    what = list(WRITERS)[seed % len(WRITERS)]
    path = tmp_path / "model"
    WRITERS[what](path)
    data = bytearray(path.read_bytes() or b"PK\x03\x04")
    for _ in range(generator.integers(1, 8)):
        data[generator.integers(len(data))] = generator.integers(256)
    path.write_bytes(data[: generator.integers(1, len(data) + 1)])
    said = ""
    try:
        kind_of(path)
    except FileError as error:
        said = str(error)
    assert "\n" not in said


def test_a_pickle_that_names_a_huge_text_is_told_without_reading_it(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(b"\x80\x04\x8d" + struct.pack("<Q", 2**50) + b"x")
    assert kind_of(path).name == "pickle"
