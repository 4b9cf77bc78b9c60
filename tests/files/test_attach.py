"""Values of files for networks: mapped where nothing is turned, from every kind of file that holds some."""

import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from designer import FileError, Network, NetworkError, analyze, attach_values, build, import_pytorch, initialize, save
from designer.layers import Embedding, Input, Linear, Parameter


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(7, 4)
        self.fc = nn.Linear(4, 3)
        self.head = nn.Linear(4, 7)
        self.head.weight = self.emb.weight

    def forward(self, tokens):
        h = self.emb(tokens)
        return self.fc(h), self.head(h)


@pytest.fixture
def network():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(7, 4), fc=Linear(3))
    net = net.add(head=Linear(7)).connect("emb", "head")
    net = net.set("emb", output_learnables=("weight",)).set("head", input_learnables=("weight",))
    return net.connect("emb/weight", "head/weight")


def stored(network, module):
    """Every value is that of the module, under the key of its owner."""
    state = module.state_dict()
    for key, value in network.values.items():
        assert torch.equal(value, state[key]), key
    assert set(network.values) == {"emb.weight", "fc.weight", "fc.bias", "head.bias"}


def files(module, folder):
    """The same values in every kind of file."""
    state = {name: value.detach() for name, value in module.state_dict().items()}
    torch.save(state, folder / "state.pt")
    torch.save({"epoch": 3, "state_dict": {f"module.{n}": v for n, v in state.items()}}, folder / "lightning.ckpt")
    save_file({n: v for n, v in state.items() if n != "head.weight"}, folder / "a.safetensors")
    torch.save(module, folder / "module.pt")
    tokens = torch.zeros(2, 3, dtype=torch.int64)
    torch.jit.trace(module, (tokens,)).save(folder / "traced.pt")
    torch.jit.freeze(torch.jit.trace(module.eval(), (tokens,))).save(folder / "frozen.pt")
    torch.export.save(torch.export.export(module, (tokens,)), folder / "a.pt2")
    save(import_pytorch(folder / "a.pt2").network, folder / "a.network")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_kind_of_file(network, tmp_path):
    module = Net()
    files(module, tmp_path)
    for path in sorted(tmp_path.iterdir()):
        if path.name.endswith(".network.safetensors") or path.name == "frozen.pt" or "network." in path.name:
            continue
        new, report = attach_values(network, path)
        stored(new, module)
        assert report.source == path.name
        assert all(twin.same for twin in report.matching.twins)
        assert not report.kept
        assert all(value.mapped.path.name.startswith(path.name) for value in new.values.values())
    with pytest.raises(NetworkError, match=r"No value of frozen\.pt fits: .* by order and shape"):
        attach_values(network, tmp_path / "frozen.pt")


def test_nothing_is_copied_where_nothing_is_turned(network, tmp_path):
    module = Net()
    torch.save(module.state_dict(), tmp_path / "a.pt")
    net = initialize(network)
    new, _ = attach_values(net, tmp_path / "a.pt")
    assert all(getattr(value, "mapped", None) for value in new.values.values())
    os.utime(tmp_path / "a.pt", (1, 1))
    with pytest.raises(NetworkError, match=r"a\.pt cannot be read any more: it was written to"):
        build(new)
    assert build(net)


def test_a_file_that_changed_is_not_turned(network, tmp_path):
    state = Net().state_dict()
    state["fc.weight"] = state["fc.weight"].T.contiguous()
    torch.save(state, tmp_path / "a.pt")
    from designer.edits.attaching import attached
    from designer.edits.matching import match
    from designer.files.stored import tensors_in

    tensors = tensors_in(tmp_path / "a.pt")
    found = match(network, tensors)
    os.utime(tmp_path / "a.pt", (1, 1))
    turned = [each for each in found.matches if each.order]
    with pytest.raises(NetworkError, match="cannot be read any more"):
        attached(network, tensors, turned)


def test_a_vector_of_matlab_stays_mapped(tmp_path):
    save_file({"bias": torch.arange(3.0).reshape(3, 1)}, tmp_path / "a.safetensors")
    new, _ = attach_values(Network().add(bias=Parameter((3,))), tmp_path / "a.safetensors")
    assert new.values["bias"].tolist() == [0, 1, 2]
    assert new.values["bias"].mapped


def test_it_is_saved_with_the_network(network, tmp_path):
    from designer import load

    module = Net()
    torch.save(module.state_dict(), tmp_path / "a.pt")
    save(attach_values(network, tmp_path / "a.pt").network, tmp_path / "b.network")
    (tmp_path / "a.pt").unlink()
    stored(load(tmp_path / "b.network"), module)


def test_an_imported_network_takes_other_values(tmp_path):
    one, other = Net(), Net()
    tokens = torch.zeros(2, 3, dtype=torch.int64)
    torch.export.save(torch.export.export(one, (tokens,)), tmp_path / "a.pt2")
    torch.save(other.state_dict(), tmp_path / "other.pth")
    network = import_pytorch(tmp_path / "a.pt2").network
    new, report = attach_values(network, tmp_path / "other.pth")
    assert not report.kept
    assert not analyze(new).problems
    for a, b in zip(build(new).eval()(tokens), other.eval()(tokens), strict=True):
        assert torch.equal(a, b)


def test_files_without_values(network, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(FileError, match=r"notes\.txt is none"):
        attach_values(network, tmp_path / "notes.txt")
    with pytest.raises(FileError, match="There is no file"):
        attach_values(network, tmp_path / "missing.pt")


def test_a_module_and_a_checkpoint_with_other_things_are_taken_and_anything_else_is_told():
    network, model = Network().chain(x=Input(("B", 3)), fc=Linear(2)), torch.nn.Sequential()
    model.add_module("fc", torch.nn.Linear(3, 2))
    for source in (model, {**model.state_dict(), "epoch": 3, "note": "x"}):
        attached, _ = attach_values(network, source)
        assert torch.equal(attached.values["fc.weight"], model.fc.weight)
    with pytest.raises(
        FileError, match=r"^Values are attached from a file or a state_dict, and NoneType is neither\.$"
    ):
        attach_values(network, None)
