"""Layers moved out of their group: what they compute stays, data goes by ports, what cannot be is refused."""

import random

import pytest
import torch

from designer import build, initialize
from designer.edits import group, ungroup
from designer.edits.calling import call
from designer.edits.levels import lift
from designer.layers import Add, Embedding, Input, Linear, ReLU
from designer.model import Network, NetworkError, Output, Port
from designer.model.names import under


@pytest.fixture
def net():
    """A chain in a group in a group."""
    net = Network().chain(x=Input(("B", 4)), a=Linear(5), b=Linear(6), c=Linear(7), out=Output())
    net = group(net, ["a", "b", "c"], "inner")
    return initialize(group(net, ["inner"], "outer"))


def same(before, after, size=4):
    x = torch.randn(2, size)
    return torch.equal(build(before)(x), build(after)(x))


def test_the_first_and_the_last_of_a_chain(net):
    new, paths = lift(net, ["outer.inner.a"], "outer")
    assert paths == ("outer.a",)
    assert new.layer("outer.inner").inputs() == ("a",)
    assert new.source_of(Port("outer.inner", "a")) == Port("outer.a", "out")
    assert new.values.keys() >= {"outer.a.weight", "outer.inner.b.weight"}
    assert same(net, new)
    new, paths = lift(net, ["outer.inner.c"], "outer")
    assert new.source_of(Port("outer.c", "in")) == Port("outer.inner", "b_out")
    assert new.layer("outer.inner").outputs() == ("b_out",)
    assert same(net, new)


def test_several_levels_at_once_and_several_layers(net):
    new, paths = lift(net, ["outer.inner.b", "outer.inner.c"], "")
    assert paths == ("b", "c")
    assert new.source_of(Port("c", "in")) == Port("b", "out")
    assert new.source_of(Port("out", "in")) == Port("c", "out")
    assert len(new.layer("outer").outputs()) == len(new.layer("outer.inner").outputs()) == 1
    assert same(net, new)
    everything, _ = lift(net, ["outer.inner.a", "outer.inner.b", "outer.inner.c"], "outer")
    assert everything.layer("outer.inner").inputs() == ()
    assert same(net, everything)


def test_one_between_others_would_make_a_loop(net):
    with pytest.raises(NetworkError, match=r"outer.inner.b stands between layers of outer.inner"):
        lift(net, ["outer.inner.b"], "")


def test_what_feeds_several_inside_and_outside():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), act=ReLU())
    net = net.add(add=Add(), side=Linear(4), out=Output()).connect("a", "add/0").connect("act", "add/1")
    net = net.connect("x", "side").connect("side", "add/2").connect("add", "out")
    net = initialize(group(net, ["a", "act", "side", "add"], "g"))
    new, _ = lift(net, ["g.side"], "")
    assert new.source_of(Port("side", "in")) == Port("x", "out")
    assert new.layer("g").inputs() == ("x", "side")
    assert same(net, new)
    new, _ = lift(net, ["g.side", "g.a"], "")
    assert set(new.layer("g").inputs()) == {"side", "a"}
    assert same(net, new)


def test_learnable_wires_go_along_by_path():
    net = Network().chain(x=Input(("B",), dtype="int64"), emb=Embedding(9, 4), fc=Linear(4), head=Linear(9))
    net = net.set("emb", output_learnables=("weight",)).set("head", input_learnables=("weight",))
    net = initialize(group(net.connect("emb/weight", "head/weight"), ["emb", "fc", "head"], "g"))
    new, _ = lift(net, ["g.head"], "")
    assert new.source_of(Port("head", "weight")) == Port("g.emb", "weight")
    assert "g.fc.weight" in new.values
    assert new.values["head.bias"] is net.values["g.head.bias"]
    x = torch.arange(5)
    assert torch.equal(build(net)(x), build(new)(x))
    back, _ = lift(net, ["g.emb"], "")
    assert back.source_of(Port("g.head", "weight")) == Port("emb", "weight")
    assert torch.equal(build(net)(x), build(back)(x))


def test_names_that_are_taken(net):
    net = net.add(a=ReLU())
    assert lift(net, ["outer.inner.a"], "")[1] == ("a_",)
    numbered = net.rename("outer.inner.a", "0").add(**{"outer.0": ReLU()})
    assert lift(numbered, ["outer.inner.0"], "outer")[1] == ("outer.inner_0",)


def test_they_stand_below_the_group(net):
    net = net.move({"outer": (100, 50), "x": (0, 50), "out": (300, 50), "outer.inner": (0, 0)})
    net = net.move({"outer.inner.a": (40, 10), "outer.inner.b": (240, 30)})
    new, _ = lift(net, ["outer.inner.a"], "")
    x, y = new.positions["a"]
    assert x == 100
    assert y >= 200
    assert new.network_at("outer.inner").positions["b"] == (240, 30)


def test_what_is_refused(net):
    again, _ = call(net, "outer.inner")
    inner, bundle = call(net, "outer.inner.a")
    for network, names, home, says in (
        (net, [], "", "nothing to move"),
        (net, ["outer.inner.a", "x"], "", "do not stand side by side"),
        (net, ["outer.inner.x"], "", "x is a port of outer.inner"),
        (net, ["x"], "", "x is an end of the network"),
        (net, ["outer.inner.a"], "outer.inner", "stands not inside outer.inner"),
        (net, ["outer"], "outer.inner", "stands not inside outer.inner"),
        (again, ["outer.inner.a"], "", "outer.inner is called by outer.inner_again"),
        (inner, [bundle], "", "a_again calls outer.inner.a: they must stand side by side"),
    ):
        with pytest.raises(NetworkError, match=says):
            lift(network, names, home)


@pytest.mark.parametrize("seed", range(24))
def test_random_layers_of_random_groups(seed):
    pick = random.Random(seed)
    net, names = Network().add(x=Input(("B", 4)), y=Input(("B", 4))), ["x", "y"]
    for n in range(8):
        name = f"n{n}"
        net = net.add(**{name: Add() if (two := pick.random() < 0.4) else Linear(4)})
        for _ in range(1 + two):
            net = net.connect(pick.choice(names), name)
        names.append(name)
    inside = sorted(pick.sample(names[2:], 5))
    net = net.chain(pick.choice(names[2:]), out=Output())
    try:
        net = initialize(group(net, inside, "g"))
    except NetworkError:
        net = initialize(group(net, ["n0", "n1", "n2"], "g"))  # what is cut out of the middle makes a loop
    held = [f"g.{name}" for name, la in net.layer("g").network.layers.items() if not isinstance(la, Input | Output)]
    lifted = pick.sample(held, pick.randint(1, len(held)))
    stays = [path for path in held if path not in lifted]
    if stays and not _parts(ungroup(net, "g"), stays):
        with pytest.raises(NetworkError, match="outside it would make a loop"):
            lift(net, lifted, "")
        return
    new, paths = lift(net, lifted, "")
    assert all(path in new.layers for path in paths)
    assert new.values.keys() == {
        key.removeprefix("g.") if any(under(key, p) for p in lifted) else key for key in net.values
    }
    used = {source.layer for source in new.wires.values()}
    new_ends = {f"g.{name}" for name in new.layer("g").inputs()}
    assert new_ends <= used | {f"g.{name}" for name in net.layer("g").inputs()}
    x, y = torch.randn(2, 3, 4)
    assert torch.equal(build(net)(x, y), build(new)(x, y))


def _parts(flat, stays):
    """Whether layers can be grouped: an independent word on whether the rest can leave them."""
    try:
        group(flat, [path.removeprefix("g.") for path in stays], "again")
    except NetworkError:
        return False
    return True
