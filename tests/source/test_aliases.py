"""The source in the familiar form: direct ties as one Parameter under several names."""

import pytest
import torch

from designer import Network, NetworkError, analyze, build, freeze, group, state_dict, tie, untie, write_pytorch
from designer.layers import LSTM, Embedding, Input, Linear, ReLU, Softmax
from designer.model import Parameter


def made(network):
    """A module of the familiar form, with the values of the one that the network is built as."""
    names = {}
    exec(write_pytorch(network, style="alias"), names)
    module, model = names["Net"](), build(network)
    left = module.load_state_dict(model.state_dict(), strict=False)
    assert left.unexpected_keys == []
    return module, model, left.missing_keys


@pytest.fixture
def tied():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 8), lstm=LSTM(8), fc=Linear(50))
    return tie(net.chain("fc", probs=Softmax()), "emb/weight", "fc/weight")


TOKENS = torch.arange(12).reshape(3, 4)


def test_a_tie_is_one_parameter_under_two_names(tied):
    source = write_pytorch(tied, style="alias")
    assert "        self.fc.weight = self.emb.weight\n" in source
    assert "fc = self.fc(lstm)" in source
    module, model, missing = made(tied)
    assert missing == ["fc.weight"]
    assert module.fc.weight is module.emb.weight
    assert torch.equal(module(TOKENS), model(TOKENS))
    assert sum(p.numel() for p in module.parameters()) == analyze(tied).stored


def test_ties_across_groups_through_chains_and_with_what_is_frozen(tied):
    net = group(tied, ["lstm", "fc"], "block")
    net = tie(net.chain("probs", more=Linear(8), last=Linear(50)), "block.fc/weight", "last/weight")
    net = freeze(net, "emb")
    module, model, missing = made(net)
    assert missing == ["block.fc.weight", "last.weight"]
    assert module.last.weight is module.block.fc.weight is module.emb.weight
    assert torch.equal(module(TOKENS), model(TOKENS))
    trained = {name: p.requires_grad for name, p in module.named_parameters()}
    assert trained == {name: p.requires_grad for name, p in model.named_parameters()}
    assert not trained["emb.weight"]


def test_what_is_made_on_the_way_stays_a_wire():
    net = Network().chain(x=Input(("B", 6)), enc=Linear(4), act=ReLU(), dec=Linear(6))
    net = tie(net, "enc/weight", "dec/weight")
    assert write_pytorch(net, style="alias") == write_pytorch(net)


def test_names_that_are_numbers_and_free_parameters():
    inner = Network().chain(x=Input(("B", 8)), **{"0": Linear(8), "1": Linear(8)})
    net = group(inner, ["0", "1"], "layers").add(table=Parameter((8, 8)))
    for name in ("layers.0", "layers.1"):
        net = tie(net, "table/value", f"{name}/weight", permute=())
    source = write_pytorch(net, style="alias")
    assert 'self.layers["1"].weight = self.table' in source
    module, model, _ = made(net)
    x = torch.randn(2, 8)
    assert torch.equal(module(x), model(x))
    assert module.layers["0"].weight is module.table


def test_nothing_tied_is_the_same_in_both_forms(tied):
    free = untie(tied, "fc/weight")
    assert write_pytorch(free, style="alias") == write_pytorch(free)
    assert "fc.weight" in state_dict(free)


def test_what_is_refused(tied):
    with pytest.raises(NetworkError, match="'wires' or 'alias', not 'pretty'"):
        write_pytorch(tied, style="pretty")
    with pytest.raises(NetworkError, match="fc takes its weight from a wire, but none is connected"):
        write_pytorch(tied.disconnect("fc/weight"), style="alias")
    with pytest.raises(NetworkError, match="fc"):
        write_pytorch(tied.set("fc", out_features=40), style="alias")
