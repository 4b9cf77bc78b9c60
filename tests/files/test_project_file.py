"""Projects survive saving and loading, and are the same text for the same network."""

import dataclasses
import json
import math
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from designer.files import project
from designer.files.errors import FileError
from designer.files.project import load, read_project, save
from designer.files.values_file import TYPES
from designer.layers import LSTM, Add, Embedding, Linear, MatMul, Operation, Permute, Softmax
from designer.model import Call, Group, Input, Layer, Network, NetworkError, Output, Parameter, Port, layer_types
from designer.model.properties import converters
from designer.model.structure import DEPTH

OLD = Path(__file__).parent / "projects"


def tied():
    return (
        Network()
        .chain(
            tokens=Input(("B", "T"), dtype="int64"),
            emb=Embedding(1000, 300, output_learnables=("weight",)),
            lstm=LSTM(300),
            fc=Linear(1000, input_learnables=("weight",)),
            probs=Softmax(),
        )
        .connect("emb/weight", "fc/weight")
        .move({"tokens": (0, 0), "fc": (-12.5, 1e300)})
    )


def nested():
    """Groups in groups, ties across their borders, an expression on a wire, and second uses."""
    inner = Network().chain(x=Input(), fc=Linear(8, input_learnables=("weight",), note="ties\nup"), y=Output())
    outer = Network().chain(x=Input(), block=Group(inner), tail=Linear(8, output_learnables=("weight",)), y=Output())
    outer = outer.connect("tail/weight", "block.fc/weight").move({"block": (3, 4)})
    net = Network().chain(x=Input(("B", 8)), first=Group(outer), again=Call())
    net = net.add(
        two=Group(inner, note="the second"), scale=Parameter((8, 8)), turn=Permute((1, 0)), sum=Add(), product=MatMul()
    )
    return (
        net.connect("first/learnables", "again/learnables")
        .connect("first/y", "again/x")
        .connect("again/y", "two/x")
        .connect("scale/value", "turn")
        .connect("turn", "two.fc/weight")
        .connect("two/y", "sum/0")
        .connect("first/y", "sum/1")
        .connect("sum", "product")
    )


def valued():
    net = dataclasses.replace(
        tied(), dtype="bfloat16", notes='Größe "x" \\ \n\t€ \U0001f600', aliases={"lm_head.weight": "emb.weight"}
    )
    weights = torch.arange(600, dtype=torch.float32).reshape(2, 300)
    return dataclasses.replace(
        net,
        values={
            "fc.bias": torch.tensor([float("nan"), float("inf"), -0.0]),
            "lstm.weight_ih_l0": weights.t(),
            "emb.weight": weights,
            "lstm.bias_ih_l0": torch.empty(0, 3),
            "lstm.bias_hh_l0": torch.tensor(7),
        },
    )


def chain_of(count):
    return Network().chain(x=Input(("B", 8)), **{f"fc{n}": Linear(8) for n in range(count)})


def turned():
    """From top to bottom at the top, and in one of the groups."""
    net = nested()
    return net.turn(True, next(path for path, layer in net.walk() if isinstance(layer, Group))).turn(True)


EXAMPLES = {"empty": Network, "tied": tied, "nested": nested, "valued": valued, "turned": turned}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.network"


def names(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("make", EXAMPLES.values(), ids=EXAMPLES)
def test_round_trip(path, make):
    net = make()
    save(net, path)
    read = load(path)
    assert read == net
    assert list(read.all) == list(net.all)
    before = path.read_bytes()
    save(read, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("make", EXAMPLES.values(), ids=EXAMPLES)
def test_equal_networks_are_the_same_bytes(tmp_path, make):
    def backwards(network):
        layers = {
            name: Group(backwards(layer.network), note=layer.note) if isinstance(layer, Group) else layer
            for name, layer in network.layers.items()
        }
        turned = {
            field: dict(reversed(getattr(network, field).items()))
            for field in ("connections", "positions", "values", "aliases")
        }
        return dataclasses.replace(network, layers=layers, **turned)

    net = make()
    other = backwards(net)
    assert other == net
    for folder, network in (("a", net), ("b", other)):
        (tmp_path / folder).mkdir()
        save(network, tmp_path / folder / "net.network")
    assert names(tmp_path / "a") == names(tmp_path / "b")
    for name in names(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def changed(kind: type[Layer], name: str):
    """A layer of a type with one property that is not the default; None where no other value is found."""
    field = next(field for field in dataclasses.fields(kind) if field.name == name)
    choices = field.metadata["choices"]
    tries = [True, False, *choices, 3, 2, 1, 5, 0.5, math.inf, -math.inf, math.nan, "B", "a 'text' \u2028"]
    tries += [None, (1, 2), (2, 3, 4), (3,), ("B", "T"), ("a", 1, None, True, 2.5, (math.inf, ())), ("weight",)]
    tries += [
        ("in", "other"),
        "[\"a 'text' \\u2028\"](0/2)",
        (("weight", 0.5),),
        (("weight", math.inf),),
        *((learnable,) for learnable in kind().learnables()),
    ]
    for value in tries:
        try:
            layer = kind(**{name: value})
        except NetworkError:
            continue
        if layer != kind():
            return layer
    return None


@pytest.mark.parametrize("kind", layer_types.values(), ids=layer_types)
def test_every_type_and_property(path, kind):
    fields = [field.name for field in dataclasses.fields(kind)]
    assert "type" not in fields  # the file says the type under this name
    layers = {f"layer{n}": layer for n, name in enumerate(fields) if (layer := changed(kind, name)) is not None}
    if kind is not Call and kind is not Group:
        own = {name for name in fields if not name.endswith(("learnables", "factors")) and name != "frozen"}
        found = {name for name in own if any(getattr(x, name) != getattr(kind(), name) for x in layers.values())}
        assert found == own, "give `changed` a value for what is missing"
    net = Network().add(plain=kind(), **layers)
    save(net, path)
    read = load(path)
    assert read == net
    for name, layer in read.layers.items():
        for field in converters(kind):
            if field != "network":
                assert repr(getattr(layer, field)) == repr(getattr(net.layers[name], field))


def test_file_reads_as_people_expect(path):
    save(tied(), path, {"path": "", "zoom": 1.5})
    assert (
        path.read_text()
        == """{
  "format": "network designer project",
  "version": 1,
  "layers": {
    "tokens": {"type": "Input", "shape": ["B", "T"], "dtype": "int64"},
    "emb": {"type": "Embedding", "output_learnables": ["weight"]},
    "lstm": {"type": "LSTM", "hidden_size": 300},
    "fc": {"type": "Linear", "out_features": 1000, "input_learnables": ["weight"]},
    "probs": {"type": "Softmax"}
  },
  "wires": [
    "tokens/out -> emb/in",
    "emb/out -> lstm/in",
    "lstm/out -> fc/in",
    "emb/weight -> fc/weight",
    "fc/out -> probs/in"
  ],
  "positions": {
    "tokens": [0, 0],
    "fc": [-12.5, 1e+300]
  },
  "view": {"path": "", "zoom": 1.5}
}
"""
    )


def test_a_tie_is_one_line_more(path):
    without = tied().disconnect("fc/weight")
    save(without, path)
    before = path.read_text().splitlines()
    save(tied(), path)
    after = path.read_text().splitlines()
    assert [line for line in after if line not in before] == ['    "emb/weight -> fc/weight",']
    assert [line for line in before if line not in after] == []


def test_numbers_without_end_survive(path):
    given = (math.inf, -math.inf, math.nan, -0.0, 1e300, 5e-324, 3, True, None)
    net = Network().add(any=Operation("cumsum", arguments=(("port", "in"), given)))
    save(net, path)
    assert (
        '[{"float": "inf"}, {"float": "-inf"}, {"float": "nan"}, -0.0, 1e+300, 5e-324, 3, true, null]'
        in path.read_text()
    )
    assert repr(load(path).layers["any"].arguments[1]) == repr(given)
    assert load(path) == net


def test_view_comes_back(path):
    view = {"path": "first", "places": {"": [1.5, -2, 0.25]}, "bookmarks": [{"name": "É"}], "ties": None}
    save(nested(), path, view)
    assert read_project(path) == (nested(), view, None)
    save(nested(), path)
    assert read_project(path) == (nested(), {}, None)


# Values.


def test_values_are_mapped_and_remember_their_file(path):
    save(valued(), path)
    (file,) = path.parent.glob("*.safetensors")
    for key, value in load(path).values.items():
        assert value.mapped.path == file
        assert value.mapped.name == key
    assert load(path).values["lstm.weight_ih_l0"].is_contiguous()


def test_loading_reads_no_numbers(path):
    """Opening is as quick for a file of a terabyte, of which nothing is on the disk."""
    save(dataclasses.replace(chain_of(1), values={"fc0.weight": torch.zeros(2, 8)}), path)
    (file,) = path.parent.glob("*.safetensors")
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    header["fc0.weight"].update(shape=[2**35, 8], data_offsets=[0, 2**40])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as large:
        large.write(len(text).to_bytes(8, "little") + text)
        large.truncate(8 + len(text) + 2**40)
    value = load(path).values["fc0.weight"]
    assert value.shape == (2**35, 8)
    assert value[2**34].sum() == 0


@pytest.mark.parametrize("name", [*(name for name, _ in TYPES.values()), "complex128"])
def test_every_dtype(path, name):
    raw = torch.arange(64, dtype=torch.uint8).remainder(2 if name == "bool" else 255)
    value = raw.view(getattr(torch, name)).reshape(2, -1)
    save(dataclasses.replace(chain_of(1), values={"fc0.weight": value, "fc0.bias": value.new_empty(0, 2)}), path)
    read = load(path)
    assert read.values["fc0.bias"].shape == (0, 2)
    assert read.values["fc0.weight"].dtype == value.dtype
    assert torch.equal(read.values["fc0.weight"].view(torch.uint8), value.view(torch.uint8))
    before = path.read_bytes()
    save(read, path)
    assert path.read_bytes() == before


REFUSED = {
    "cpu tensor of torch.uint4 and torch.strided": torch.empty(2, dtype=torch.uint4),
    "cpu tensor of torch.float32 and torch.sparse_coo": torch.zeros(2, 2).to_sparse(),
    "meta tensor of torch.float32 and torch.strided": torch.empty(2, device="meta"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_tensors_that_cannot_be_kept(path, kind):
    with pytest.raises(FileError) as refusal:
        save(dataclasses.replace(chain_of(1), values={"fc0.weight": REFUSED[kind]}), path)
    assert str(refusal.value) == (
        f"net.network cannot be saved: fc0.weight is a {kind}, which a safetensors file cannot hold."
    )
    assert names(path.parent) == []


def test_others_can_read_the_values(path):
    net = valued()
    save(net, path)
    (file,) = path.parent.glob("*.safetensors")
    read = load_file(file)
    assert read.keys() == net.values.keys()
    for key, value in net.values.items():
        assert torch.equal(read[key].nan_to_num(5), value.nan_to_num(5))


def test_shared_memory_is_stored_once(path):
    weight = torch.randn(8, 8)
    net = dataclasses.replace(
        chain_of(4),
        values={
            "fc0.weight": weight,
            "fc1.weight": weight,
            "fc2.weight": weight.view(8, 8),
            "fc3.weight": weight[:4],  # other numbers, though they begin at the same place
            "fc3.bias": weight[:, 0],
        },
    )
    save(net, path)
    (file,) = path.parent.glob("*.safetensors")
    assert load_file(file).keys() == {"fc0.weight", "fc3.weight", "fc3.bias"}
    assert json.loads(path.read_text())["same_values"] == {"fc1.weight": "fc0.weight", "fc2.weight": "fc0.weight"}
    read = load(path)
    assert read == net
    assert read.values["fc1.weight"] is read.values["fc0.weight"]
    before = path.read_bytes()
    save(read, path)
    assert path.read_bytes() == before


def test_values_that_torch_has_not_computed_yet(path):
    number = torch.randn(3, dtype=torch.complex64)
    net = dataclasses.replace(chain_of(2), values={"fc0.weight": number, "fc1.weight": number.conj()})
    save(net, path)
    assert load(path) == net


def test_network_without_values_has_one_file(path):
    save(tied(), path)
    assert names(path.parent) == ["net.network"]


def test_saving_again_removes_the_values_before(path):
    save(valued(), path)
    first = names(path.parent)
    other = load(path).with_values({"fc.bias": torch.zeros(3)})
    save(other, path)
    second = names(path.parent)
    assert len(second) == 2
    assert first != second
    assert load(path) == other
    assert other.values["emb.weight"].sum() == 599 * 300  # its file has no name any more, and is still there
    save(tied(), path)
    assert names(path.parent) == ["net.network"]


def test_values_of_others_are_left_alone(path):
    save(valued(), path)
    (values,) = path.parent.glob("*.safetensors")
    left = {
        "another project": path.with_name("other.network.0123456789abcdef.safetensors"),
        "no values of ours": path.with_name("net.network.0123456789abcdef.safetensors"),
        "another name": path.with_name("net.network.safetensors"),
    }
    shutil.copy(values, left["another project"])
    left["no values of ours"].write_bytes(b"something")
    shutil.copy(values, left["another name"])
    link = path.with_name("net.network.0000000000000000.safetensors")
    link.symlink_to(values)
    save(tied(), path)
    assert names(path.parent) == sorted(["net.network", link.name, *(file.name for file in left.values())])


def test_values_that_a_copy_of_the_project_names_stay(path):
    save(valued(), path)
    copy = path.with_name("copy.network")
    shutil.copy(path, copy)
    save(tied(), path)
    assert load(copy) == valued()


def test_saved_elsewhere(path, tmp_path):
    save(valued(), path)
    (tmp_path / "far").mkdir()
    far = tmp_path / "far" / "away.network"
    save(load(path), far)
    for file in path.parent.glob("net.*"):
        file.unlink()
    assert load(far) == valued()


def test_unchanged_mapped_values_are_not_written_again(path, monkeypatch):
    save(valued(), path)
    net = load(path).move({"fc": (1, 1)})
    (file,) = path.parent.glob("*.safetensors")
    state = file.stat()
    monkeypatch.setattr("designer.files.values_file.content_hash", lambda values: pytest.fail("read the values"))
    save(net, path)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
    assert load(path) == net


def test_part_of_mapped_values_is_written_anew(path):
    save(valued(), path)
    net = load(path).remove("lstm")
    save(net, path)
    assert load(path) == net
    assert not any("lstm" in key for key in load_file(next(path.parent.glob("*.safetensors"))))


def test_mapped_values_under_other_keys_are_written_anew(path):
    pair = {"fc0.weight": torch.zeros(2, 8), "fc1.weight": torch.ones(2, 8)}
    save(dataclasses.replace(chain_of(2), values=pair), path)
    read = load(path)
    swapped = {"fc0.weight": read.values["fc1.weight"], "fc1.weight": read.values["fc0.weight"]}
    save(dataclasses.replace(read, values=swapped), path)
    assert load(path).values["fc0.weight"].sum() == 16


# Versions, names and size.


def test_file_of_version_1(path):
    """As it was saved on 2025-11-23; never write it anew."""
    net = valued()
    assert load(OLD / "version_1.network") == net
    save(net, path.with_name("version_1.network"))
    for file in OLD.glob("version_1.*"):
        assert (path.parent / file.name).read_bytes() == file.read_bytes()


def test_old_versions_are_upgraded_in_turn(path, monkeypatch):
    save(tied(), path)
    text = path.read_text().replace('"type": "Linear"', '"type": "Dense"').replace("out_features", "units")

    def upgrade_1(document):
        return json.loads(json.dumps(document).replace('"Dense"', '"FullyConnected"'))

    def upgrade_2(document):
        assert "units" in document["layers"]["fc"]
        return json.loads(json.dumps(document).replace('"FullyConnected"', '"Linear"').replace("units", "out_features"))

    monkeypatch.setattr(project, "UPGRADES", (upgrade_1, upgrade_2))
    path.write_text(text)
    assert load(path) == tied()
    path.write_text(text.replace('"version": 1', '"version": 2').replace('"Dense"', '"FullyConnected"'))
    assert load(path) == tied()
    save(tied(), path)
    assert json.loads(path.read_text())["version"] == 3


def test_text_and_relative_paths(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    save(valued(), "net.network")
    assert load("net.network") == load(str(path)) == valued()


def test_link_to_a_project(path, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.network"
    save(valued(), path)
    link.symlink_to(path)
    save(load(link).move({"fc": (5, 5)}), link)
    assert link.is_symlink()
    assert names(link.parent) == ["link.network"]
    assert load(link) == load(path) == valued().move({"fc": (5, 5)})


def test_mode_of_the_file_stays(path):
    save(tied(), path)
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    path.chmod(0o640)
    save(nested(), path)
    assert path.stat().st_mode & 0o777 == 0o640


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_ten_thousand_layers(path):
    net = chain_of(10_000)
    save(net, path)
    assert load(path) == net


def test_deepest_groups(path):
    net = Network().chain(x=Input(), fc=Linear(), y=Output())
    for _ in range(DEPTH):
        net = Network().chain(x=Input(), group=Group(net), y=Output())
    save(net, path)
    assert load(path) == net


def test_wires_keep_their_ports(path):
    net = Network().add(sum=Add(), **{f"x{n}": Input(("B",)) for n in range(12)})
    for n in range(12):
        net = net.connect(f"x{n}", f"sum/{n}")
    save(net, path)
    assert load(path).connections[Port("sum", "11")] == Port("x11", "out")
    assert path.read_text().index("sum/9") < path.read_text().index("sum/10")
