"""Groups for an optimizer: each learnable once, with its factors."""

import pytest
import torch

from designer import Network, NetworkError, analyze, build, freeze, group, parameter_groups, tie, transfer
from designer.layers import LSTM, Embedding, Input, Linear


@pytest.fixture
def language():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 6), lstm=LSTM(6), fc=Linear(20))
    return tie(net, "emb/weight", "fc/weight")


def keys(module, found):
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return [names[id(parameter)] for parameter in found["params"]]


def test_without_factors_all_are_one_group(language):
    module = build(language)
    (found,) = parameter_groups(language, module, 0.1, 0.01)
    assert (found["lr"], found["weight_decay"]) == (0.1, 0.01)
    assert keys(module, found) == [name for name, _ in module.named_parameters()]
    assert sum(parameter.numel() for parameter in found["params"]) == analyze(language).stored


def test_factors_are_those_of_owners_and_frozen_ones_are_left_out(language):
    net = language.set("emb", learn_rate_factors=(("weight", 10.0),), weight_decay_factors=(("weight", 0.0),))
    net = group(freeze(net, "lstm"), ["emb", "lstm"], "encoder")
    module = build(net)
    first, last = parameter_groups(net, module, 0.5, weight_decay=0.25)
    assert (keys(module, first), first["lr"], first["weight_decay"]) == (["encoder.emb.weight"], 5.0, 0.0)
    assert (keys(module, last), last["lr"], last["weight_decay"]) == (["fc.bias"], 0.5, 0.25)


def test_a_new_head_learns_as_much_faster_as_it_says(language):
    net = transfer(language, "fc", out_features=3, learn_rate_factor=10)
    module, tokens = build(net), torch.tensor([[1, 2]])
    optimizer = torch.optim.SGD(parameter_groups(net, module, 0.01))
    module(tokens).sum().backward()
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    optimizer.step()
    for name, value in module.named_parameters():
        rate = 0.1 if name.startswith("fc.") else 0.01
        assert torch.allclose(before[name] - value, rate * value.grad, atol=1e-7), name


def test_a_module_of_another_network_is_refused(language):
    other = language.add(more=Linear(3)).connect("lstm", "more")
    with pytest.raises(NetworkError, match=r"The module lacks 'more\.bias', so it was not"):
        parameter_groups(other, build(language), 0.1)
    with pytest.raises(NetworkError, match=r"The module has 'more\.bias', so it was not"):
        parameter_groups(language, build(other), 0.1)
