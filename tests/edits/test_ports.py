"""Ports of groups: their order, and those that nobody uses."""

import pytest

from designer import build
from designer.edits import group
from designer.edits.calling import call
from designer.edits.ports import move_port, port_path, port_users, remove_port
from designer.layers import Add, Concatenate, Input, Linear
from designer.model import Network, NetworkError, Output, Port


@pytest.fixture
def net():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4)).chain(y=Input(("B", 4)), b=Linear(4))
    net = net.add(both=Concatenate(), plus=Add(), out=Output()).connect("a", "both").connect("b", "both")
    net = net.connect("a", "plus").connect("b", "plus").connect("plus", "out")
    return group(net, ["a", "b", "both"], "block")


def test_ports_change_places_and_nothing_else(net):
    import torch

    assert net.layer("block").inputs() == ("x", "y")
    new = move_port(net, "block.y", 0)
    assert new.layer("block").inputs() == ("y", "x")
    assert new.layer("block").outputs() == net.layer("block").outputs()
    assert new.wires == net.wires
    assert new.positions == net.positions
    assert move_port(new, "block.y", 1) == net
    assert move_port(net, "block.x", 0) is net
    first, second = torch.randn(2, 3, 4)
    assert torch.equal(build(net)(first, second), build(new)(first, second))


def test_a_second_use_follows(net):
    new, again = call(net, "block")
    assert move_port(new, "block.y", 0).inputs_of(again) == ("y", "x")


def test_the_arguments_of_the_network(net):
    assert net.inputs == ("x", "y")
    assert move_port(net, "y", 0).inputs == ("y", "x")


def test_ports_that_nobody_uses_go(net):
    assert port_users(net, "block.x") == ["block.a"]
    assert port_users(net, "block.a_out") == ["plus"]
    with pytest.raises(NetworkError, match=r"block.x is used by block.a: cut that wire first"):
        remove_port(net, "block.x")
    free = net.disconnect("block.a/in")
    new = remove_port(free, "block.x")
    assert new.layer("block").inputs() == ("y",)
    assert Port("block", "x") not in new.wires
    free = net.disconnect("plus/0")
    assert remove_port(free, "block.a_out").layer("block").outputs() == ("b_out",)


def test_what_the_network_gives_back_is_used():
    net = group(Network().chain(x=Input(("B", 4)), a=Linear(4)), ["a"], "block")
    (out,) = net.layer("block").outputs()
    assert port_users(net, f"block.{out}") == ["what the network gives back"]


def test_what_is_no_port(net):
    assert port_path(net, Port("block", "x")) == "block.x"
    assert port_path(net, Port("plus", "0")) is None
    for path, place, says in (
        ("block.a", 0, "block.a is no port"),
        ("block.x", 2, "cannot be number 3: there are 2"),
        ("block.x", -1, "cannot be number 0"),
    ):
        with pytest.raises(NetworkError, match=says):
            move_port(net, path, place)
    with pytest.raises(NetworkError, match="x is an end of the network"):
        remove_port(net, "x")
