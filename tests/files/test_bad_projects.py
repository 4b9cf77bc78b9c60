"""Each file that cannot be opened says why, in one sentence; nothing that stands in a file is run or written out."""

import contextlib
import dataclasses
import json

import pytest
import torch

from designer.files.errors import FileError
from designer.files.project import load, save
from designer.layers import Add, Linear
from designer.model import Call, Group, Input, Network, Output

VALUES = "net.network.0123456789abcdef.safetensors"


def sample():
    inner = Network().chain(x=Input(), fc=Linear(8), y=Output())
    net = Network().chain(x=Input(("B", 8)), fc=Linear(8, output_learnables=("weight",)), block=Group(inner), sum=Add())
    net = net.add(again=Call()).connect("block/learnables", "again/learnables").connect("block/y", "again/x")
    net = net.move({"fc": (1, 2)})
    return dataclasses.replace(net, values={"fc.weight": torch.ones(8, 8), "fc.bias": torch.zeros(8)})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    save(sample(), folder / "net.network")
    return {file.suffix: file for file in folder.iterdir()}


@pytest.fixture
def path(tmp_path, saved):
    """A sound project."""
    for file in saved.values():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / "net.network"


def sentence(path):
    """The sentence that a file is refused with."""
    with pytest.raises(FileError) as refusal:
        load(path)
    text = str(refusal.value)
    start = f"{path.name} cannot be opened: "
    assert text.startswith(start)
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 400
    return text.removeprefix(start)


# The file as a whole.

BYTES = {
    "empty": (b"", "it is empty."),
    "garbage": (bytes(range(256)) * 10, "it is not a project of Network Designer."),
    "a zip": (b"PK\x03\x04" + bytes(100), "it is not a project of Network Designer."),
    "other JSON": (b'{"layers": {}}', "it is not a project of Network Designer."),
    "a list": (b"[]", "it is not a project of Network Designer."),
    "another format": (b'{"format": "network", "version": 1}', "it is not a project of Network Designer."),
    "no UTF-8": (b'{"format": "network designer project", "notes": "\xff"}', "byte 49 is not text."),
    "more behind": (b'{"format": "network designer project"} {}', "line 1 is not JSON."),
    "no version": (b'{"format": "network designer project"}', "None is not a version of its format."),
    "NaN": (b'{"format": "network designer project", "version": NaN}', "NaN is not JSON."),
    "endless": (b'{"format": "network designer project", "version": 1e999}', "'1e999' is too large a number."),
    "digits": (
        b'{"format": "network designer project", "version": ' + b"9" * 5000 + b"}",
        "a number in it is too long.",
    ),
    "deep": (b'{"format": "network designer project", "x": ' + b"[" * 200_000, "it is nested too deeply."),
    "deep enough": (
        b'{"format": "network designer project", "x": ' + b"[" * 450 + b"]" * 450 + b"}",
        "it is nested too deeply.",
    ),
    "huge": (
        b'{"format": "network designer project"' + b" " * 2**25,
        "it has 33,554,469 bytes, and a project at most 33,554,432.",
    ),
    "twice": (b'{"format": "network designer project", "version": 1, "version": 1}', "'version' stands in it twice."),
    "a long text": (
        b'{"format": "network designer project", "notes": "' + b"n" * 100_001 + b'"}',
        f"the text '{'n' * 56}... has 100,001 characters, and at most 100,000 are kept.",
    ),
    "half a character": (
        b'{"format": "network designer project", "notes": "\\ud800"}',
        "the text '\\ud800' holds half a character.",
    ),
}


@pytest.mark.parametrize("kind", BYTES)
def test_bytes(path, kind):
    content, expected = BYTES[kind]
    path.write_bytes(content)
    assert sentence(path) == expected


def test_places(path):
    assert sentence(path.parent) == "it is a folder."
    assert sentence(path.with_name("no.network")) == "no such file or directory."
    assert sentence(path / "net.network") == "not a directory."


def test_every_truncation(path):
    content = path.read_bytes()
    for length in range(len(content) - 1):
        path.write_bytes(content[:length])
        sentence(path)


def test_every_byte_damaged(path):
    """A changed byte is refused in a sentence, or is a name or a number that might as well have been meant."""
    content = path.read_bytes()
    for at in range(len(content)):
        for byte in (34, 50):
            path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
            with contextlib.suppress(FileError):
                load(path)


# What stands in it.


def edit(*keys, **entries):
    """A change of the JSON at some keys: entries to set, or None to drop."""

    def change(document):
        for key in keys:
            document = document[key]
        for name, value in entries.items():
            document[name] = value

    return change


def layer(**entries):
    return edit("layers", "fc", **entries)


def wires(*more, less=()):
    def change(document):
        document["wires"] = [wire for wire in document["wires"] if wire not in less] + list(more)

    return change


def named(name):
    def change(document):
        document["layers"][name] = {"type": "ReLU"}

    return change


def deep_groups(count):
    def change(document):
        entry = {"type": "Linear"}
        for _ in range(count):
            entry = {"type": "Group", "network": {"layers": {"g": entry}}}
        document["layers"]["g"] = entry

    return change


DOCUMENTS = {
    "newer": (edit(version=2), "it was saved by a newer Network Designer, in version 2; this one reads up to 1."),
    "version 0": (edit(version=0), "0 is not a version of its format."),
    "version true": (edit(version=True), "True is not a version of its format."),
    "version text": (edit(version="1"), "'1' is not a version of its format."),
    "entry": (edit(extra=1), "it has an unknown entry 'extra'."),
    "entry of a group": (
        edit("layers", "block", "network", values={}),
        "the network in block has an unknown entry 'values'.",
    ),
    "view": (edit(view=[1]), "its view must be an object, not [1]."),
    "dtype": (edit(dtype="float31"), "'float31' cannot be the dtype of learnables."),
    "dtype of code": (edit(dtype="float32;import os"), "'float32;import os' cannot be the dtype of learnables."),
    "dtype int": (edit(dtype="int64"), "'int64' cannot be the dtype of learnables."),
    "dtype type": (edit(dtype=32), "dtype must be a text, not 32."),
    "notes": (edit(notes=[]), "notes must be a text, not []."),
    "layers": (edit(layers=[]), "layers of it must be an object, not []."),
    "a layer": (edit("layers", fc="Linear"), "layer 'fc' must be an object, not 'Linear'."),
    "type": (layer(type="Lineal"), "layer 'fc' has the unknown type 'Lineal'."),
    "type missing": (layer(type=None), "the type of layer 'fc' must be a text, not None."),
    "type a path": (layer(type="os.system"), "layer 'fc' has the unknown type 'os.system'."),
    "type a class": (layer(type="Layer"), "layer 'fc' has the unknown type 'Layer'."),
    "type hidden": (layer(type="__class__"), "layer 'fc' has the unknown type '__class__'."),
    "property": (layer(outfeatures=3), "layer 'fc': Linear has no property 'outfeatures'."),
    "property hidden": (layer(__class__="x"), "layer 'fc': Linear has no property '__class__'."),
    "a true number": (
        layer(out_features=True),
        "layer 'fc': Linear.out_features must be a whole number of at least 1, not True.",
    ),
    "a broken number": (
        layer(out_features=3.7),
        "layer 'fc': Linear.out_features must be a whole number of at least 1, not 3.7.",
    ),
    "a whole float": (
        layer(out_features=3.0),
        "layer 'fc': Linear.out_features must be a whole number of at least 1, not 3.0.",
    ),
    "a text number": (
        layer(out_features="3"),
        "layer 'fc': Linear.out_features must be a whole number of at least 1, not '3'.",
    ),
    "no number": (
        layer(out_features=None),
        "layer 'fc': Linear.out_features must be a whole number of at least 1, not None.",
    ),
    "too small": (
        layer(out_features=0),
        "layer 'fc': Linear.out_features must be a whole number of at least 1, not 0.",
    ),
    "too large": (
        layer(out_features=2**40),
        "layer 'fc': Linear.out_features must be a whole number of at least 1, not 1099511627776.",
    ),
    "far too large": (layer(out_features=2**64), "18446744073709551616 is not a number that can be kept."),
    "number for a truth": (layer(bias=1), "layer 'fc': Linear.bias must be true or false, not 1."),
    "list for a number": (
        layer(out_features=[3]),
        "layer 'fc': Linear.out_features must be a whole number of at least 1, not (3,).",
    ),
    "object": (layer(out_features={"a": 1}), "{'a': 1} is not the value of a property."),
    "code for inf": (layer(out_features={"float": "1e9"}), "{'float': '1e9'} is not the value of a property."),
    "learnable": (layer(output_learnables=["wait"]), "layer 'fc': Linear has no learnable 'wait'."),
    "learnables": (
        layer(output_learnables="weight"),
        "layer 'fc': Linear.output_learnables must be a list, each entry a text, not 'weight'.",
    ),
    "factor": (
        layer(learn_rate_factors=[["weight"]]),
        "layer 'fc': Linear.learn_rate_factors must be a list, each entry (a text, a number from 0 "
        "to 1000000.0), not (('weight',),).",
    ),
    "endless factor": (
        layer(learn_rate_factors=[["weight", {"float": "nan"}]]),
        "layer 'fc': Linear.learn_rate_factors must be a list, each entry (a text, a number from 0 "
        "to 1000000.0), not (('weight', nan),).",
    ),
    "size of code": (
        edit("layers", "x", shape=["B", "T); import os"]),
        "layer 'x': 'T); import os' cannot name a size.",
    ),
    "size true": (
        edit("layers", "x", shape=[True]),
        "layer 'x': Input.shape must be a list, each entry a whole number of at least 0 or a text, not (True,).",
    ),
    "dtype of an input": (
        edit("layers", "x", dtype="float32)"),
        "layer 'x': Input.dtype must be one of 'float32', 'float64', 'float16', 'bfloat16', "
        "'complex64', 'complex128', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool', not 'float32)'.",
    ),
    "no network": (edit("layers", "block", network=3), "the network in block must be an object, not 3."),
    "inner type": (
        edit("layers", "block", "network", "layers", "fc", type="x"),
        "layer 'block.fc' has the unknown type 'x'.",
    ),
    "deep groups": (deep_groups(66), "groups stand in groups more than 64 deep."),
    "long paths": (named("n" * 1001), f"the path '{'n' * 56}... has more than 1,000 characters."),
    "long name": (named("n" * 500), f"'{'n' * 56}... cannot be the name of a layer."),
    "name of code": (named("x = __import__('os')"), "\"x = __import__('os')\" cannot be the name of a layer."),
    "name with a dot": (named("a.b"), "'a.b' cannot be the name of a layer."),
    "no name": (named(""), "'' cannot be the name of a layer."),
    "keyword": (named("lambda"), "'lambda' cannot be the name of a layer."),
    "hidden name": (named("__class__"), "'__class__' cannot be the name of a layer."),
    "name of torch": (named("forward"), "'forward' cannot be the name of a layer."),
    "foreign letters": (named("ﬁ"), "'ﬁ' cannot be the name of a layer."),
    "foreign digits": (named("٣"), "'٣' cannot be the name of a layer."),
    "line": (named("a\nb"), "'a\\nb' cannot be the name of a layer."),
    "wires": (edit(wires={}), "the wires must be a list, not {}."),
    "wire": (wires("x/out"), "'x/out' is not a wire such as 'emb/weight -> fc/weight'."),
    "wire type": (wires(3), "a wire must be a text, not 3."),
    "wire without port": (wires("x -> fc"), "'x -> fc' is not a wire such as 'emb/weight -> fc/weight'."),
    "three ends": (
        wires("x/out -> fc/in -> sum/5"),
        "'x/out -> fc/in -> sum/5' is not a wire such as 'emb/weight -> fc/weight'.",
    ),
    "same end": (wires("x/out -> fc/in"), "two wires end at 'fc/in'."),
    "no layer": (wires("x/out -> no/in"), "A wire ends at 'no/in', but there is no layer of that name."),
    "no source": (wires("no/out -> sum/1"), "A wire ends at 'no/out', but there is no layer of that name."),
    "no input": (wires("x/out -> fc/weight"), "There is no input 'fc/weight'."),
    "no output": (wires("fc/bias -> sum/1"), "There is no output 'fc/bias' for 'sum/1'."),
    "loop": (wires("sum/out -> fc/in", less=["x/out -> fc/in"]), "fc/out needs itself: its wires make a loop."),
    "self": (wires("sum/out -> sum/1"), "sum/out needs itself: its wires make a loop."),
    "inside out": (
        wires("block.fc/out -> sum/1"),
        "block.fc/out is data: it cannot cross the border of a group to sum/1.",
    ),
    "outside in": (wires("fc/out -> block.fc/in"), "two wires end at 'block.fc/in'."),
    "wrong home": (wires("block.x/out -> block.fc/in"), "two wires end at 'block.fc/in'."),
    "bundle to data": (
        wires("fc/learnables -> sum/1"),
        "fc/learnables is a bundle of learnables: it goes to the learnables of a Call, not to sum/1.",
    ),
    "data to bundle": (
        wires("fc/out -> again/learnables", less=["block/learnables -> again/learnables"]),
        "There is no input 'again/x'.",
    ),
    "call of itself": (
        wires("again/learnables -> again/learnables", less=["block/learnables -> again/learnables"]),
        "again calls itself.",
    ),
    "far port": (wires("x/out -> sum/999999999"), "There is no input 'sum/999999999'."),
    "many far ports": (
        wires(*(f"x/out -> {name}/99999" for name in ("sum", "fc", "again", "block", *"abcdefgh"))),
        "it has more than 1,000,000 numbered inputs.",
    ),
    "endless port": (wires(f"x/out -> sum/{'9' * 5000}"), f"There is no input 'sum/{'9' * 52}...."),
    "foreign port": (wires("x/out -> sum/٣"), "There is no input 'sum/٣'."),
    "long port": (wires("x/out -> sum/007"), "There is no input 'sum/007'."),
    "positions": (edit(positions=[]), "positions of it must be an object, not []."),
    "position": (edit("positions", fc=[1]), "the position of 'fc' must be two numbers, not [1]."),
    "position true": (edit("positions", fc=[True, 1]), "the position of 'fc' must be two numbers, not [True, 1]."),
    "position of none": (edit("positions", no=[1, 1]), "The position of 'no' is not that of a layer."),
    "position text": (edit("positions", fc="ab"), "the position of 'fc' must be two numbers, not 'ab'."),
    "down": (edit(down=1), "down of it must be true or false, not 1."),
    "down text": (edit(down="yes"), "down of it must be true or false, not 'yes'."),
    "aliases": (edit(aliases=["a"]), "its aliases must be texts by name, not ['a']."),
    "alias": (edit(aliases={"a": 1}), "its aliases must be texts by name, not {'a': 1}."),
    "alias of none": (edit(aliases={"a": "b.weight"}), "No layer has a learnable or buffer 'b.weight'."),
    "values": (edit(values=3), "3 cannot name the values, which lie beside the project."),
    "values above": (
        edit(values="../" + VALUES),
        "'../net.network.0123456789abcdef.safetensors' cannot name the values, which lie beside the project.",
    ),
    "values from the root": (
        edit(values="/" + VALUES),
        "'/net.network.0123456789abcdef.safetensors' cannot name the values, which lie beside the project.",
    ),
    "values in a folder": (
        edit(values="a/" + VALUES),
        "'a/net.network.0123456789abcdef.safetensors' cannot name the values, which lie beside the project.",
    ),
    "values elsewhere": (
        edit(values="a\\" + VALUES),
        "'a\\\\net.network.0123456789abcdef.safetensors' cannot name the values, which lie beside the project.",
    ),
    "values with an end": (
        edit(values="a\0" + VALUES),
        "'a\\x00net.network.0123456789abcdef.safetensors' cannot name the values, which lie beside the project.",
    ),
    "values by another name": (
        edit(values="weights.safetensors"),
        "'weights.safetensors' cannot name the values, which lie beside the project.",
    ),
    "values missing": (edit(values=VALUES), f"its values, {VALUES}, do not lie beside it."),
    "same values": (edit(same_values=3), "its same values must be texts by name, not 3."),
    "same without values": (
        lambda d: d.update(same_values={"fc.bias": "fc.weight"}) or d.pop("values"),
        "None cannot name the values, which lie beside the project.",
    ),
    "same of none": (edit(same_values={"sum.bias": "no"}), "the values of 'sum.bias' cannot be those of 'no'."),
    "same of itself": (
        edit(same_values={"fc.bias": "fc.weight"}),
        "the values of 'fc.bias' cannot be those of 'fc.weight'.",
    ),
    "same of a computing layer": (
        edit(same_values={"sum.bias": "fc.bias"}),
        "No layer has a learnable or buffer 'sum.bias'.",
    ),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents(path, kind):
    change, expected = DOCUMENTS[kind]
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    assert sentence(path) == expected
