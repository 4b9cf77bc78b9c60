"""Copied layers as text, read back with the distrust that a file gets."""

import base64
import json

import pytest
import torch

from designer import FileError, Network, analyze, initialize, load, save
from designer.edits.copying import copy, paste
from designer.files import part as parts
from designer.files.part import read_part, write_part
from designer.layers import Embedding, Input, Linear
from designer.model import Port


def model():
    net = Network().chain(
        ids=Input(("B",), dtype="int64"),
        emb=Embedding(20, 4, output_learnables=("weight",)),
        fc=Linear(20, input_learnables=("weight",)),
    )
    return initialize(net.connect("emb/weight", "fc/weight").move({"fc": (8, 16)}))


def test_layers_values_and_ties_come_back():
    net = model()
    part = copy(net, ["fc"], analyze(net))
    text = write_part(part)
    read, left = read_part(text)
    assert (read, left) == (part, 0)
    assert torch.equal(read.network.values["emb.weight"], net.values["emb.weight"])
    assert read.shapes == {"emb/weight": (20, 4)}
    assert paste(Network(), read, "").network.values.keys() == {"fc.weight", "fc.bias"}
    assert write_part(part) == text


def test_the_text_opens_as_a_project(tmp_path):
    path = tmp_path / "copied.network"
    path.write_text(write_part(copy(model(), ["emb", "fc"])))
    assert load(path).source_of(Port("fc", "weight")) == Port("emb", "weight")


def test_the_text_of_a_project_is_read_without_its_values(tmp_path):
    path = tmp_path / "model.network"
    save(model(), path)
    part, left = read_part(path.read_text())
    assert list(part.network.layers) == ["ids", "emb", "fc"]
    assert (part.network.values, left) == ({}, -1)


def test_many_values_stay_behind(monkeypatch):
    net = model()
    monkeypatch.setattr(parts, "MOST_VALUES", 20 * 4 * 4)  # the bias goes along, the weight that is lent does not
    read, left = read_part(write_part(copy(net, ["fc"])))
    assert (set(read.network.values), left) == ({"fc.bias"}, 1)
    monkeypatch.setattr(parts, "MOST_VALUES", 8)
    read, left = read_part(write_part(copy(net, ["fc"])))
    assert (set(read.network.values), left) == (set(), 2)


def test_the_same_memory_is_written_once():
    weight = torch.ones(4, 4)
    net = Network().add(a=Linear(4, bias=False), b=Linear(4, bias=False)).with_values({"a.weight": weight})
    net = Network(net.layers, values={"a.weight": weight, "b.weight": weight})
    read, _ = read_part(write_part(copy(net, ["a", "b"])))
    assert read.network.values["a.weight"] is read.network.values["b.weight"]


def written(**changes):
    document = json.loads(write_part(copy(model(), ["fc"])))
    for name, value in changes.items():
        target = document["part"] if name in parts.ENTRIES and name != "same_values" else document
        target[name] = value
    return json.dumps(document)


GARBAGE = base64.b64encode(b"\x08\0\0\0\0\0\0\0{}      more").decode()
REFUSED = {
    "a text": ("Dear all,", "it holds no layers of Network Designer."),
    "nothing": ("", "it holds no layers of Network Designer."),
    "other JSON": ('{"format": "else"}', "it holds no layers of Network Designer."),
    "half a character": ("\ud800", "it holds no layers of Network Designer."),
    "cut off": (written()[:200], "line 1 is not JSON."),
    "a type": (written(layers={"fc": {"type": "Popen"}}), "layer 'fc' has the unknown type 'Popen'."),
    "a name": (written(layers={"__class__": {"type": "ReLU"}}, wires=[], positions={}, part={}), "cannot be the name"),
    "a part": (written(part=[]), "[] cannot tell what lies around it."),
    "a lender": (written(lenders={"other": "emb"}), "what lends to it is not a part of it."),
    "lenders": (written(lenders=["emb"]), "there must be texts by name, not ['emb']."),
    "nothing but lenders": (written(lenders={"emb": "emb", "fc": "fc"}), "what lends to it is not a part of it."),
    "a shape": (written(shapes={"emb/weight": [-1]}), "[-1] is not the shape of a learnable."),
    "shapes": (written(shapes=[]), "the shapes must be lists by port, not []."),
    "left": (written(left=-3), "-3 values cannot have been left."),
    "values": (written(values="x.safetensors"), "the values must be a list of texts, not 'x.safetensors'."),
    "no base64": (written(values=["?"]), "its values are not written as base64."),
    "no safetensors": (written(values=["AAAA"]), "it is not a safetensors file, or only a part of one."),
    "other bytes": (written(values=[GARBAGE]), "it has 20 bytes, and its header asks for 16."),
    "a newer one": (written(version=99), "it was saved by a newer Network Designer"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_others_wrote_is_checked(case):
    text, sentence = REFUSED[case]
    with pytest.raises(FileError) as refusal:
        read_part(text)
    said = str(refusal.value)
    assert said.startswith("What was copied cannot be pasted: ")
    assert sentence in said
    assert len(said) < 300
    assert "\n" not in said


def test_a_text_without_end_is_not_parsed():
    with pytest.raises(FileError, match=r"it has 33,554,\d+ bytes, and at most 33,554,432 are read"):
        read_part('{"format": "network designer project"' + " " * 2**25 + "}")
