"""Whole modules that torch.save wrote: read from their settings, without any of their code."""

import collections
import sys
import types

import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from designer import FileError, analyze, build, import_pytorch
from designer.layers import LSTM, Conv2d, Input, Linear, MultiheadAttention
from designer.model import Call, Group, Parameter, Port


def classifier():
    return nn.Sequential(
        nn.Conv2d(3, 6, (3, 5), padding="same", bias=False),
        nn.BatchNorm2d(6, eps=1e-3),
        nn.ReLU6(inplace=True),
        nn.Sequential(collections.OrderedDict(pool=nn.MaxPool2d(2), drop=nn.Dropout(0.3))),
        nn.Flatten(),
        nn.Linear(6 * 16 * 16, 10),
        nn.LayerNorm(10, bias=False),
        nn.Mish(),
    )


def shared():
    first, second, relu = nn.Linear(8, 8), nn.Linear(8, 8), nn.ReLU()
    second.weight = first.weight
    second.bias.requires_grad_(False)
    return nn.Sequential(first, relu, second, relu, first, nn.Sequential(first, nn.PReLU(8)))


CHAINS = {
    "classifier": (classifier, lambda: torch.randn(2, 3, 32, 32)),
    "shared": (shared, lambda: torch.randn(2, 8)),
    "words": (
        lambda: nn.Sequential(nn.Embedding(9, 4, padding_idx=0), nn.Linear(4, 9)),
        lambda: torch.ones(2, 5).long(),
    ),
    "alone": (lambda: nn.Linear(3, 4), lambda: torch.randn(2, 3)),
    "sound": (
        lambda: nn.Sequential(nn.Conv1d(2, 4, 3, stride=2), nn.GroupNorm(2, 4), nn.ConvTranspose1d(4, 2, 3)),
        lambda: torch.randn(2, 2, 21),
    ),
    "wide": (
        lambda: nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1)
        ),
        lambda: torch.randn(2, 3, 6, 6),
    ),
    "double": (lambda: nn.Sequential(nn.BatchNorm1d(4), nn.Softmax(-1)).double(), lambda: torch.randn(3, 4).double()),
}
QUICK = ("classifier", "shared", "double")
SLOW = [pytest.param(name, marks=pytest.mark.nightly) for name in CHAINS if name not in QUICK]


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's about the old format
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_chains_are_networks(name, legacy, tmp_path):
    make, example = CHAINS[name]
    torch.manual_seed(0)
    module, x = make().eval(), example()
    path = tmp_path / "model.pt"
    torch.save(module, path, _use_new_zipfile_serialization=not legacy)
    net, report = import_pytorch(path)
    assert not analyze(net).errors
    built = build(net).eval()
    assert torch.equal(built(x), module(x))
    assert {*net.values, *net.aliases} >= {*module.state_dict()}
    assert set(net.aliases.values()) <= set(net.values)
    wanted = sum(p.numel() for p in module.parameters() if p.requires_grad)
    assert sum(p.numel() for p in built.parameters() if p.requires_grad) == wanted
    if not legacy:
        assert report.difference == 0


def test_shared_parts_are_calls_and_ties(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(shared(), path)
    net, report = import_pytorch(path)
    assert isinstance(net.layer("4"), Call)
    assert net.source_of(Port.parse("2/weight")).layer == net.source_of(Port.parse("5.0/weight")).layer == "0"
    assert report.ties["2.weight"] == report.ties["4.weight"] == report.ties["5.0.bias"].replace("bias", "weight")
    assert net.layer("2").frozen == ("bias",)


def test_parts_may_be_called_as_the_source_calls_others(tmp_path):
    names = ("self", "torch", "class", "x-y")
    module, x = nn.Sequential(collections.OrderedDict((name, nn.Linear(2, 2)) for name in names)), torch.randn(3, 2)
    torch.save(module, tmp_path / "model.pt")
    net, _ = import_pytorch(tmp_path / "model.pt")
    assert torch.equal(build(net)(x), module(x))
    torch.save(nn.ModuleDict({"self": module}), tmp_path / "model.pt")
    assert import_pytorch(tmp_path / "model.pt").network.layer("self.self")


def test_the_size_of_pictures_is_found(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(classifier(), path)
    net, report = import_pytorch(path)
    assert net.layer("x").shape == ("B", 3, 32, 32)
    (note,) = report.notes
    assert note == "the size of its input, 32×32, is not in the file: it fits all layers"
    assert note.layers == ("x",)
    assert import_pytorch(path, torch.randn(1, 3, 32, 32)).network.layer("x").shape == ("B", 3, 32, 32)


@pytest.fixture
def foreign(tmp_path):
    """A file whose classes are not there when it is opened, and would run code if they were."""
    module = types.ModuleType("foreign")
    source = """
import torch
from torch import nn
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.scale = nn.Parameter(torch.ones(8))
        self.register_buffer("mask", torch.ones(3, 3))
    def __setstate__(self, state):
        raise AssertionError("it was run")
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(20, 8)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.lstm = nn.LSTM(8, 8, bidirectional=True)
        self.conv = nn.Conv2d(1, 2, 3, padding_mode="circular")
        self.fc = nn.Linear(8, 20)
        self.fc.weight = self.emb.weight
"""
    exec(source, module.__dict__)
    sys.modules["foreign"] = module
    path = tmp_path / "model.pt"
    try:
        net = module.Net()
        torch.save(net, path)
        keys = set(net.state_dict())
    finally:
        del sys.modules["foreign"]
    return path, keys


def test_own_classes_are_a_tree(foreign):
    path, keys = foreign
    net, report = import_pytorch(path)
    assert isinstance(net.layer("blocks.0"), Group)
    assert isinstance(net.layer("blocks.1.attend"), MultiheadAttention)
    assert isinstance(net.layer("blocks.0.scale"), Parameter)
    assert net.layer("lstm") == LSTM(8, batch_first=False, bidirectional=True)
    assert net.layer("conv") == Conv2d(2, 3, padding_mode="circular")
    assert net.layer("fc") == Linear(20, input_learnables=("weight",))
    assert report.ties == {"fc.weight": "emb.weight"}
    assert {*net.values, *net.aliases} == keys
    assert tuple(net.values["emb.weight"].shape) == (20, 8)
    assert report.difference is None
    assert any("code of 'Block', 'Net', which the file does not hold" in note for note in report.notes)
    assert "foreign" not in sys.modules


ALONE = {
    "Linear": (lambda: nn.Linear(3, 4), (2, 3)),
    "Conv2d": (lambda: nn.Conv2d(3, 4, 3, bias=False), (2, 3, 8, 8)),
    "LSTM": (lambda: nn.LSTM(3, 4), (2, 2, 3)),
    "PReLU": (nn.PReLU, (2, 3)),
    "frozen": (lambda: nn.LayerNorm(3).requires_grad_(False), (2, 3)),
}


@pytest.mark.parametrize("name", ALONE)
def test_a_layer_that_is_the_whole_module_keeps_its_keys(name, tmp_path):
    make, sizes = ALONE[name]
    module, x, path = make().eval(), torch.randn(sizes), tmp_path / "model.pt"
    torch.save(module, path)
    net, report = import_pytorch(path)
    built = build(net).eval()
    assert (net.aliases, report.renamed, report.ties) == ({}, {}, {})
    assert {*built.state_dict()} == {*module.state_dict()}
    other = make()
    built.load_state_dict(other.state_dict())
    assert sum(p.requires_grad for p in built.parameters()) == sum(p.requires_grad for p in module.parameters())
    assert all(map(torch.equal, tree_leaves(built(x)), tree_leaves(other(x))))


@pytest.mark.parametrize("module", [nn.ModuleDict({"a": nn.Linear(3, 4)}), nn.ModuleList([nn.Linear(3, 4)])])
def test_a_list_of_modules_asks_for_no_inputs(module, tmp_path):
    torch.save(module, tmp_path / "model.pt")
    for allow_code in (False, True):
        net, report = import_pytorch(tmp_path / "model.pt", allow_code=allow_code)
        kind = type(module).__name__
        assert report.notes == (f"a {kind} does not say how its parts are wired: they are shown as a tree",)
        assert {*net.values} == {*module.state_dict()}


def test_the_shape_of_an_instance_norm_alone(tmp_path):
    torch.save(nn.InstanceNorm1d(3, affine=True), tmp_path / "model.pt")
    assert not analyze(import_pytorch(tmp_path / "model.pt").network).errors


def test_an_input_by_name_tells_its_sizes(tmp_path):
    torch.save(nn.Sequential(nn.Conv2d(3, 4, 3)), tmp_path / "model.pt")
    net = import_pytorch(tmp_path / "model.pt", {"input": Input(("N", 3, 50, 60))}).network
    assert net.layer("x").shape == ("N", 3, 50, 60)


def test_hooks_are_not_left_out_silently(tmp_path):
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    module[0].register_forward_pre_hook(print)
    path = tmp_path / "model.pt"
    torch.save(module, path)
    net, report = import_pytorch(path)
    assert isinstance(net.layer("0"), Group)
    assert any(note.startswith("0 is shown as its tensors only: code of the file runs with") for note in report.notes)


def test_what_is_kept_in_another_way_is_told(tmp_path):
    model = nn.Sequential(nn.BatchNorm1d(4), nn.ReLU(), nn.BatchNorm1d(4))
    model[2].running_mean = model[0].running_mean
    model.register_parameter("packed", nn.Parameter(torch.arange(3), requires_grad=False))
    torch.save(nn.ModuleDict({"chain": model}), tmp_path / "model.pt")
    _, report = import_pytorch(tmp_path / "model.pt")
    told = {note.partition(",")[0].partition(":")[0] for note in report.notes}
    assert "chain.0.running_mean and chain.2.running_mean are one buffer" in told
    assert "chain.packed is a parameter of whole numbers" in told


def test_a_damaged_one(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(nn.Sequential(nn.Linear(3, 3)), path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"_modules", b"_modulez"))
    with pytest.raises(FileError):
        import_pytorch(path)
