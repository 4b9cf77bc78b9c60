"""A second use of a layer or group."""

import pytest

from designer import analyze, build
from designer.edits import group
from designer.edits.calling import call
from designer.layers import Input, Linear, ReLU
from designer.model import BUNDLE, Call, Network, NetworkError, Output, Parameter, Port


@pytest.fixture
def net():
    return Network().chain(x=Input(("B", 8)), fc=Linear(8), act=ReLU(), out=Output())


def test_a_second_use_stores_nothing_and_computes_the_same(net):
    import torch

    new, path = call(net, "fc")
    assert path == "fc_again"
    assert new.layer(path) == Call()
    assert new.source_of(Port(path, BUNDLE)) == Port("fc", BUNDLE)
    assert len(new.wires) == len(net.wires) + 1
    new = new.connect("act", path).connect(path, "out")
    assert analyze(new).stored == analyze(net).stored
    module, x = build(new), torch.randn(3, 8)
    assert torch.equal(module(x), module.fc(torch.relu(module.fc(x))))


def test_of_a_group_in_a_group(net):
    net = group(group(net, ["fc", "act"], "inner"), ["inner"], "outer")
    new, path = call(net, "outer.inner")
    assert path == "outer.inner_again"
    assert new.inputs_of(path) == new.inputs_of("outer.inner")
    assert new.outputs_of(path) == new.outputs_of("outer.inner")


def test_a_second_use_is_called_as_what_it_calls(net):
    new, first = call(net, "fc")
    new, second = call(new, first)
    assert (first, second) == ("fc_again", "fc_again2")
    assert new.source_of(Port(second, BUNDLE)) == Port("fc", BUNDLE)


def test_names(net):
    assert call(net, "fc", "later")[1] == "later"
    numbered = group(net, ["fc", "act"], "blocks").rename("blocks.fc", "0")
    assert call(numbered, "blocks.0")[1] == "blocks.again"


def test_what_cannot_be_called(net):
    net = net.add(free=Parameter((2, 2)), lost=Call())
    for path, says in (
        ("x", "x is an end of the network"),
        ("out", "out is an end"),
        ("free", "free is a learnable"),
        ("lost", "lost calls nothing yet"),
        ("nowhere", "There is no layer 'nowhere'"),
    ):
        with pytest.raises(NetworkError, match=says):
            call(net, path)
