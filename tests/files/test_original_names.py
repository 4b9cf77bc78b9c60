"""Values saved under the names of the file that a network came from."""

import dataclasses

import pytest
import torch
from safetensors.torch import load_file, load_model
from torch import nn

from designer import (
    FileError,
    NetworkError,
    attach_values,
    build,
    change_owner,
    import_pytorch,
    load,
    save,
    save_weights,
    state_dict,
    tie,
    untie,
)
from designer.layers import Embedding, Linear
from designer.model import Input, Network
from designer.source.state_dicts import has_other_names


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln = nn.LayerNorm(8)
        self.mlp = nn.Linear(8, 8)

    def forward(self, x):
        return x + self.mlp(self.ln(x))


class Language(nn.Module):
    """Tied as GPT-2 is."""

    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(20, 8)
        self.h = nn.ModuleList([Block(), Block()])
        self.lm_head = nn.Linear(8, 20, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, x):
        x = self.wte(x)
        for block in self.h:
            x = block(x)
        return self.lm_head(x)


class Odd(nn.Module):
    """Names that no layer can have, and one that another one becomes."""

    def __init__(self):
        super().__init__()
        self._u = nn.Parameter(torch.randn(8))
        self.u = nn.Parameter(torch.randn(8))
        setattr(self, "class", nn.Linear(8, 8))
        self._fc = nn.Linear(8, 8)
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return self.fc(self._fc(getattr(self, "class")(x * self._u + self.u)))


class Turned(nn.Module):
    """Two Parameters over one memory, one of them transposed."""

    def __init__(self, name="dec", width=4):
        super().__init__()
        self.name = name
        self.enc = nn.Linear(width, 6)
        setattr(self, name, nn.Linear(6, width))
        self.turn()

    def turn(self):
        getattr(self, self.name).weight = nn.Parameter(self.enc.weight.data.t())

    def forward(self, x):
        return getattr(self, self.name)(self.enc(x))


TOKENS, ROWS = torch.arange(10).reshape(2, 5), torch.randn(3, 8)
FOUR, SIX = torch.randn(3, 4), torch.randn(3, 6)
MODELS = {
    "tied": (Language, TOKENS),
    "odd names": (Odd, ROWS),
    "transposed": (Turned, FOUR),
    "transposed, a keyword": (lambda: Turned("class"), FOUR),
    "transposed and square": (lambda: Turned("class", 6), SIX),
}


@pytest.fixture(params=MODELS)
def case(request, exported):
    make, x = MODELS[request.param]
    torch.manual_seed(0)
    module = make().eval()
    network = import_pytorch(exported(module, {"x": x})).network
    return module, make().eval(), x, network


def train(network, x):
    """The network after a step, its values back by their own names."""
    module = build(network)
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    module(x).square().mean().backward()
    optimizer.step()
    return network.with_values(module.state_dict())


def check_loads(network, fresh, x, folder):
    """Both kinds of files load into a new module of the original class, and it computes what the network does."""
    wanted = build(network).eval()(x)
    save_weights(network, folder / "a.pt", asked=True, names="original")
    state = torch.load(folder / "a.pt", weights_only=True)
    assert state.keys() == fresh.state_dict().keys()
    fresh.load_state_dict(state, strict=True)
    torch.testing.assert_close(fresh(x), wanted, rtol=1e-6, atol=1e-6)
    for value in fresh.parameters():
        nn.init.constant_(value, 7.0)
    save_weights(network, folder / "a.safetensors", names="original")
    if all(value.is_contiguous() for value in fresh.parameters()):
        load_model(fresh, folder / "a.safetensors")
    else:  # safetensors itself cannot load into a module with a transposed tie
        assert fresh.load_state_dict(load_file(folder / "a.safetensors"), strict=False) == (
            [f"{fresh.name}.weight"],
            [],
        )
    torch.testing.assert_close(fresh(x), wanted, rtol=1e-6, atol=1e-6)
    size = sum({value.data_ptr(): value.nbytes for value in state.values()}.values())
    assert (folder / "a.pt").stat().st_size < size + 20_000, "what is shared is written once"


def test_a_file_under_old_names_loads_into_the_original_module(case, tmp_path):
    module, fresh, x, network = case
    torch.testing.assert_close(build(network).eval()(x), module(x), rtol=0, atol=0)
    check_loads(network, fresh, x, tmp_path)
    trained = train(network, x)
    assert not torch.equal(build(trained).eval()(x), module(x))
    check_loads(trained, fresh, x, tmp_path)
    save(trained, tmp_path / "a.network")
    assert load(tmp_path / "a.network").file_names == network.file_names
    check_loads(load(tmp_path / "a.network"), fresh, x, tmp_path)


def test_what_an_original_module_learned_comes_back(case):
    _, fresh, x, network = case
    assert has_other_names(network)
    new = network.with_values(fresh.state_dict())
    torch.testing.assert_close(build(new).eval()(x), fresh(x), rtol=1e-6, atol=1e-6)


def test_a_tie_that_is_cut_is_saved_as_two_tensors(case, tmp_path):
    _, fresh, x, network = case
    for target in [
        str(target) for target in network.wires if target.name in network.layer(target.layer).input_learnables
    ]:
        network = untie(network, target)
    assert not any(layer.input_learnables for _, layer in network.walk())
    trained = train(network, x)
    state = state_dict(trained, "original")
    assert state.keys() == fresh.state_dict().keys()
    assert len({value.data_ptr() for value in state.values()}) == len(state)
    for name, value in fresh.named_parameters(remove_duplicate=False):
        holder, _, last = name.rpartition(".")
        setattr(fresh.get_submodule(holder), last, nn.Parameter(value.detach().clone()))
    save_weights(trained, tmp_path / "a.safetensors", names="original")
    load_model(fresh, tmp_path / "a.safetensors")
    torch.testing.assert_close(fresh(x), build(trained).eval()(x), rtol=1e-6, atol=1e-6)
    again = network.with_values(fresh.state_dict())
    assert all(torch.equal(again.values[key], value) for key, value in trained.values.items())


def test_old_names_outlive_edits(exported, tmp_path):
    network = import_pytorch(exported(Language().eval(), {"x": TOKENS})).network
    edited = network.rename("wte", "tokens").rename("h.0", "first").rename("lm_head", "head")
    check_loads(edited, Language().eval(), TOKENS, tmp_path)
    (tmp_path / "a.safetensors").unlink()
    fresh = Language().eval()
    again = edited.with_values(fresh.state_dict())
    torch.testing.assert_close(build(again).eval()(TOKENS), fresh(TOKENS))
    torch.save(fresh.state_dict(), tmp_path / "old.pt")
    attached, said = attach_values(edited, tmp_path / "old.pt")
    torch.testing.assert_close(build(attached).eval()(TOKENS), fresh(TOKENS))
    assert len(said.taken) == len(edited.values)
    check_loads(change_owner(edited, "head/weight"), fresh, TOKENS, tmp_path)
    plain = tie(network, "h.0.mlp/weight", "h.1.mlp/weight", permute=())
    state = state_dict(plain, "original")
    assert state.keys() == fresh.state_dict().keys()
    assert state["h.1.mlp.weight"].data_ptr() == state["h.0.mlp.weight"].data_ptr()
    assert state_dict(plain).keys() == build(plain).state_dict().keys()
    clash = edited.add(wte=Linear(3)).connect("head/out", "wte/in")
    clash = clash.add(extra=Linear(2)).connect("wte/out", "extra/in")
    with pytest.raises(NetworkError, match=r"'wte.weight' is the name of 'tokens.weight' in the file, so a new layer"):
        state_dict(clash, "original")


def test_a_tree_of_values_is_saved_as_it_was(tmp_path):
    torch.manual_seed(0)
    module = nn.ModuleDict({"_emb": nn.Embedding(20, 8), "emb": nn.Linear(8, 20), "class": nn.Linear(20, 8)})
    module["emb"].weight = module["_emb"].weight
    torch.save(module.state_dict(), tmp_path / "in.pt")
    network = import_pytorch(tmp_path / "in.pt").network
    save_weights(network, tmp_path / "out.pt", names="original")
    state = torch.load(tmp_path / "out.pt", weights_only=True)
    assert {key: value.tolist() for key, value in state.items()} == {
        key: value.tolist() for key, value in module.state_dict().items()
    }
    assert state["emb.weight"].data_ptr() == state["_emb.weight"].data_ptr()
    tied = tie(network, "emb.weight", "class_.weight")  # transposed; a Permute stands where the Parameter stood
    state = state_dict(tied, "original")
    assert torch.equal(state["class.weight"], state["_emb.weight"].t())
    assert state.keys() == module.state_dict().keys()


def test_a_pickled_module_keeps_its_names(tmp_path):
    torch.manual_seed(0)
    shared = nn.Linear(8, 8)
    module = nn.Sequential(shared, nn.ReLU(), nn.Linear(8, 8), shared)
    module[2].weight = shared.weight
    torch.save(module, tmp_path / "in.pt")
    network = import_pytorch(tmp_path / "in.pt").network
    state = state_dict(network, "original")
    assert state.keys() == module.state_dict().keys()
    assert all(torch.equal(state[key], value) for key, value in module.state_dict().items())
    save_weights(network, tmp_path / "out.safetensors", names="original")
    load_model(module, tmp_path / "out.safetensors")
    lone = nn.Linear(3, 4)
    torch.save(lone, tmp_path / "lone.pt")
    assert state_dict(import_pytorch(tmp_path / "lone.pt").network, "original").keys() == {"weight", "bias"}


def test_a_network_of_its_own_has_no_other_names(tmp_path):
    tied = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 8), fc=Linear(20))
    tied = tie(tied, "emb/weight", "fc/weight")
    assert state_dict(tied, "original").keys() == state_dict(tied).keys() == build(tied).state_dict().keys()
    assert not has_other_names(tied)
    known = dataclasses.replace(tied, aliases={"fc.weight": "emb.weight", "old": "fc.bias"})  # as a script may write it
    assert {*state_dict(known, "original")} == {*state_dict(tied), "fc.weight", "old"}
    with pytest.raises(NetworkError, match="The names of values are 'network' or 'original', not 'mine'"):
        state_dict(tied, "mine")
    for name, why in (("a.bin", "ends in .safetensors, .pt or .pth"), ("a.pt", "not written by Network Designer")):
        (tmp_path / name).write_text("kept")
        with pytest.raises(FileError, match=why):
            save_weights(tied, tmp_path / name)
        assert (tmp_path / name).read_text() == "kept"
    assert not [*tmp_path.glob(".*")]
