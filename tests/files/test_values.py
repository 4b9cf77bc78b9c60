"""State_dicts, checkpoints and safetensors files open as trees of their values, with nothing run."""

import io
import json
import os
import pickle
import pickletools
import struct
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from designer import FileError, analyze, attach_values, build, import_pytorch, load, save
from designer.files.pickled import Made, read_pickle
from designer.model import Group, Parameter


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(7, 4)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)) for _ in range(2)])
        self.head = nn.Linear(4, 7)
        self.head.weight = self.emb.weight


def trained():
    """The state of an optimizer that made a step."""
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


def same(network, state):
    """Every tensor under its own name, or under that of its owner."""
    for name, tensor in state.items():
        value = network.values[network.aliases.get(name, name)]
        assert value.dtype == tensor.dtype, name
        assert torch.equal(value, tensor), name


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
def test_a_state_dict_opens_as_the_tree_of_its_names(tmp_path, zipped):
    model = Tied()
    torch.save(model.state_dict(), tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    network, report = import_pytorch(tmp_path / "a.pt")
    assert isinstance(network.layer("blocks.0.1"), Group)
    assert network.layer("emb.weight") == Parameter((7, 4))
    assert report.ties == {"head.weight": "emb.weight"}
    assert network.layer("blocks.1.1.running_mean").learnables() == ()
    same(network, model.state_dict())
    found = analyze(network)
    assert found.stored == sum(parameter.numel() for parameter in model.parameters())
    assert not found.errors
    assert report.difference is None
    assert all(value.mapped for value in network.values.values())


def test_a_checkpoint_gives_the_state_dict_inside(tmp_path):
    model = nn.Linear(3, 2)
    kept = {"epoch": 3, "optimizer": trained(), "model": model.state_dict()}
    torch.save(kept, tmp_path / "a.ckpt")
    network, report = import_pytorch(tmp_path / "a.ckpt")
    same(network, model.state_dict())
    assert set(network.layers) == {"weight", "bias"}
    assert report.notes == ("the values are those under 'model'", "not read: 'epoch', 'optimizer'")


def test_a_safetensors_file_opens_as_a_tree(tmp_path):
    state = {"a.b.weight": torch.randn(2, 3), "a.half": torch.randn(4).bfloat16(), "count": torch.tensor(5)}
    save_file(state, tmp_path / "a.safetensors")
    network, report = import_pytorch(tmp_path / "a.safetensors")
    assert report.kind == "safetensors"
    same(network, state)
    assert report.renamed == {"a.half": "a.half_"}  # a module has a method of that name


def test_views_and_odd_tensors_keep_their_numbers(tmp_path):
    whole = torch.arange(24.0).reshape(4, 6)
    state = {
        "whole": whole,
        "column": whole[:, 2],
        "turned": whole.T,
        "none": torch.empty(0, 3),
        "one": torch.tensor(1j),
    }
    state |= {"parameter": nn.Parameter(torch.randn(2)), "flags": torch.tensor([True, False])}
    torch.save(state, tmp_path / "a.pt")
    network, report = import_pytorch(tmp_path / "a.pt")
    same(network, {name: tensor.detach() for name, tensor in state.items()})
    assert not report.ties  # they look at the same numbers otherwise


def test_values_can_be_used_by_a_layer(tmp_path):
    """A value of a tree is one of the network: it can be wired, built and run."""
    from designer.layers import Input, Linear

    linear = nn.Linear(3, 2)
    torch.save({"old": linear.state_dict()}, tmp_path / "a.pt")
    network = import_pytorch(tmp_path / "a.pt").network
    network = network.chain(x=Input(("B", 3)), fc=Linear(2, input_learnables=("weight", "bias")))
    network = network.connect("weight/value", "fc/weight").connect("bias/value", "fc/bias")
    x = torch.randn(5, 3)
    assert torch.equal(build(network)(x), linear(x))


HOSTILE = {
    "a call": (pickle.dumps({"a": os.system}), "it holds no tensors under names."),
    "no end": (b"\x80\x02}", "its pickle is damaged or has no end."),
    "a mark that is missing": (b"\x80\x02t.", "its pickle is damaged or has no end."),
    "an extension": (b"\x80\x02\x82\x01.", "its pickle uses EXT1, which no file of PyTorch does."),
    "a key that is a list": (b"\x80\x02}]]s.", "its pickle has a list as a key."),
    "a call of a text": (b"\x80\x02X\x01\x00\x00\x00a)R.", "its pickle calls 'str'."),
    "a long memory": (b"\x80\x02}r\xff\xff\xff\xff.", "it holds an empty dictionary, and no tensors under names."),
    "copies of copies": (
        b"\x80\x02]q\x00(" + b"N" * 100_000 + b"e0" + b"c__builtin__\nset\nq\x010" + b"h\x01h\x00\x85R0" * 100 + b"N.",
        "its pickle copies the same again and again.",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_pickles_get_a_sentence(tmp_path, what):
    data, sentence = HOSTILE[what]
    from designer.files.checkpoint import read_checkpoint
    from designer.model.values import Stamp

    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", data)
    with pytest.raises(FileError) as caught:
        read_checkpoint(Stamp.of(tmp_path / "a.pt"))
    assert str(caught.value) == sentence


def test_nothing_is_called(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    found = read_pickle(io.BytesIO(pickle.dumps({"a": Trap()})))
    assert isinstance(found["a"], Made)
    assert found["a"].name in ("posix.mkdir", "nt.mkdir")
    assert not (tmp_path / "ran").exists()


def test_a_tensor_reaches_no_further_than_its_numbers(tmp_path):
    torch.save({"w": torch.arange(6.0)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    (pickled,) = (name for name in entries if name.endswith("data.pkl"))
    numbers = [at for op, arg, at in pickletools.genops(entries[pickled]) if op.name == "BININT1" and arg == 6]
    at = numbers[-1]  # the size; the first one counts the numbers of the storage
    for large in (b"J" + struct.pack("<i", 2_000_000_000), b"K\x07"):
        changed = entries | {pickled: entries[pickled][:at] + large + entries[pickled][at + 2 :]}
        with zipfile.ZipFile(tmp_path / "b.pt", "w") as archive:
            for name, data in changed.items():
                archive.writestr(name, data)
        with pytest.raises(FileError, match=r"^b\.pt cannot be read: 'w' reaches past the end of its numbers\.$"):
            import_pytorch(tmp_path / "b.pt")


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_open_or_get_a_sentence(tmp_path, seed):
    generator = np.random.default_rng(seed)
    path = tmp_path / "a.pt"
    if seed % 3 == 2:
        save_file({name: t.clone() for name, t in nn.LSTM(2, 3).state_dict().items()}, path)
    else:
        torch.save(Tied().state_dict(), path, _use_new_zipfile_serialization=seed % 3 == 0)
    data = bytearray(path.read_bytes())
    for _ in range(generator.integers(1, 6)):
        data[generator.integers(len(data))] = generator.integers(256)
    path.write_bytes(data)
    said = ""
    try:
        for value in import_pytorch(path).network.values.values():
            value.sum()
    except FileError as error:
        said = str(error)
    assert "\n" not in said


def test_names_that_the_source_uses_are_kept(tmp_path):
    """As those of BERT: attention.self.query.weight."""
    path = tmp_path / "a.pt"
    torch.save({"attention.self.query.weight": torch.rand(3, 3), "F.torch": torch.rand(2)}, path)
    network = import_pytorch(path).network
    assert set(network.values) == {"attention.self.query.weight", "F.torch"}
    save(network, tmp_path / "a.network")
    assert load(tmp_path / "a.network") == network


class Own:
    """What a framework keeps beside the values."""


def test_a_checkpoint_of_lightning_gives_its_state_dict(tmp_path):
    model = Tied()
    inner = {f"model.{name}": value for name, value in model.state_dict().items()}
    kept = {
        "epoch": 3,
        "global_step": 100,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": inner,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": torch.tensor(3)}}},
        "callbacks": {"EarlyStopping": {"best_score": torch.tensor(0.5)}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"rate": 0.1, "mean": torch.zeros(3), "own": Own()},
    }
    torch.save(kept, tmp_path / "last.ckpt")
    network, report = import_pytorch(tmp_path / "last.ckpt")
    same(network, inner)
    assert report.ties == {"model.head.weight": "model.emb.weight"}
    others = [key for key in kept if key != "state_dict"]
    listed = ", ".join(map(repr, others[:8]))
    assert report.notes == ("the values are those under 'state_dict'", f"not read: {listed} and 1 more")


def test_averages_and_optimizers_are_not_taken_for_the_model(tmp_path):
    model, average = nn.Linear(3, 2).state_dict(), nn.Linear(3, 2).state_dict()
    flat = {f"{name}.{kind}": torch.zeros(2) for name in model for kind in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")}
    for name, kept in {
        "fsdp": {"optimizer": {"state": {"weight": flat}, "state_dict": flat}, "model": model},
        "ema": {"ema": average, "model": model, "step": torch.tensor(5), "loss": torch.tensor(0.1)},
        "basic": {"params_ema": average, "params": model},
        "state_dict_ema": {"state_dict_ema": average, "state_dict": model, "metric": torch.tensor(1.0)},
        "deep": {"trainer": {"checkpoint": {"model_state_dict": model}, "ema_model": average}},
        "unusual": {"student": model, "student_average": average, "optimizer_d": flat},
        "only": {"optimizer": flat | model},
    }.items():
        torch.save(kept, tmp_path / f"{name}.pt")
        found = import_pytorch(tmp_path / f"{name}.pt").network
        same(found, model)
        assert name == "only" or set(found.values) == {"weight", "bias"}, name


def test_several_dicts_of_tensors_are_all_kept(tmp_path):
    first, second = nn.Linear(3, 2).state_dict(), nn.Linear(2, 2).state_dict()
    torch.save({"generator": first, "discriminator": second, "optimizer_g": first, "epoch": 1}, tmp_path / "a.pt")
    network, report = import_pytorch(tmp_path / "a.pt")
    both = {f"generator.{name}": value for name, value in first.items()}
    both |= {f"discriminator.{name}": value for name, value in second.items()}
    same(network, both)
    assert report.notes == (
        "the values are those under 'generator', 'discriminator'",
        "not read: 'optimizer_g', 'epoch'",
    )
    torch.save({"model": {"enc": first, "dec": {"deep": second}}, "step": 1}, tmp_path / "b.pt")
    network, report = import_pytorch(tmp_path / "b.pt")
    assert set(network.values) == {"enc.weight", "enc.bias", "dec.deep.weight", "dec.deep.bias"}
    torch.save({"scale": torch.ones(2), "enc": first, "note": "text"}, tmp_path / "c.pt")
    network, report = import_pytorch(tmp_path / "c.pt")
    assert set(network.values) == {"scale", "enc.weight", "enc.bias"}
    assert report.notes == ("not read: 'note'",)


def test_many_dicts_inside_a_checkpoint_are_all_kept(tmp_path):
    torch.save({f"layer{n}": {"weight": torch.full((2,), float(n))} for n in range(300)}, tmp_path / "a.pt")
    network = import_pytorch(tmp_path / "a.pt").network
    assert len(network.values) == 300
    assert network.values["layer299.weight"].tolist() == [299, 299]


def test_whole_numbers_beside_doubles_are_no_problem(tmp_path):
    state = {"w": torch.rand(2, dtype=torch.float64), "count": torch.arange(3), "flags": torch.tensor([True])}
    torch.save(state, tmp_path / "a.pt")
    network = import_pytorch(tmp_path / "a.pt").network
    assert network.dtype == "float64"
    assert not analyze(network).errors
    same(network, state)


def test_keys_that_are_numbers_are_names_too(tmp_path):
    torch.save({0: torch.ones(2), "w": torch.zeros(3), 7: {1: torch.ones(4)}}, tmp_path / "a.pt")
    network, report = import_pytorch(tmp_path / "a.pt")
    assert {key: tuple(value.shape) for key, value in network.values.items()} == {"0": (2,), "w": (3,), "7.1": (4,)}
    assert (report.renamed, report.notes) == ({}, ())
    torch.save({1: torch.ones(2), "1": torch.zeros(3), 2.5: torch.ones(4)}, tmp_path / "b.pt")
    network, report = import_pytorch(tmp_path / "b.pt")
    assert torch.equal(network.values["1"], torch.zeros(3))
    assert report.notes == ("not read: 2 entries whose keys are no names of their own",)


def test_numbers_of_a_dictionary_at_hand_are_names(tmp_path):
    net = import_pytorch(nn.Sequential(nn.Linear(3, 2)), inputs=torch.ones(2, 3)).network
    given = {0: torch.ones(2, 3), 1: torch.ones(2)}
    attached, _ = attach_values(net, given, by_shape=True)
    assert torch.equal(attached.values["0.weight"], given[0])


def test_odd_names_keep_what_they_say(tmp_path):
    names = {
        "a b": "a_b",
        "dense/kernel:0": "dense.kernel",
        "dense/bias:0": "dense.bias",
        "scale+shift()": "layer",
        "naïve": "na_ve",
        "": "layer_1",
    }
    torch.save({name: torch.full((2,), float(n)) for n, name in enumerate(names)}, tmp_path / "a.pt")
    network, report = import_pytorch(tmp_path / "a.pt")
    assert report.renamed == network.aliases == names
    assert [network.values[key].tolist() for key in names.values()] == [[float(n)] * 2 for n in range(len(names))]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({}, "an empty dictionary"),
        (3, "the number 3"),
        (True, "True"),
        ("text", "a text"),
        ([torch.ones(2)], "a list"),
        (torch.ones(2), "a single tensor without a name"),
        (torch.optim.SGD([nn.Parameter(torch.ones(2))], 0.1).state_dict(), "the state of an optimizer"),
        (trained(), "the state of an optimizer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_torch_saved_instead_of_values_is_told(tmp_path, what, sentence, zipped):
    torch.save(what, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(FileError) as caught:
        import_pytorch(tmp_path / "a.pt")
    assert str(caught.value) == f"a.pt cannot be read: it holds {sentence}, and no tensors under names."


def test_numbers_that_begin_within_an_element_are_copied(tmp_path):
    """Other programs put nothing between header and numbers; torch reads no mapping there."""
    numbers = torch.arange(6.0).reshape(2, 3)
    document = {
        "a.flag": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
        "a.w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [1, 25]},
    }
    header = json.dumps(document).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\7" + numbers.numpy().tobytes())
    network, _ = import_pytorch(path)
    assert torch.equal(network.values["a.w"], numbers)
    save(network, tmp_path / "a.network")
    assert torch.equal(load(tmp_path / "a.network").values["a.w"], numbers)


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e8m0fnu"])
def test_a_file_of_small_floats_only_opens(tmp_path, dtype):
    numbers = torch.ones(2, 3).to(getattr(torch, dtype))
    save_file({"a.w": numbers, "b.w": numbers.clone()}, tmp_path / "a.safetensors")
    network, _ = import_pytorch(tmp_path / "a.safetensors")
    assert network.dtype == "float32"
    assert network.values["a.w"].dtype == numbers.dtype
