"""Groups that are alike, and how those differ that nearly are."""

import dataclasses

import pytest
import torch

from designer.edits.likeness import alike, differences, nearly_alike
from designer.edits.ports import move_port
from designer.layers import GELU, Add, Dropout, Input, LayerNorm, Linear, ReLU
from designer.model import Group, Network, NetworkError, Output


def body(units=8):
    net = Network().chain(x=Input(), norm=LayerNorm(), fc=Linear(units), act=ReLU())
    return net.chain("act", add=Add(), out=Output()).connect("x", "add/1")


@pytest.fixture
def net():
    """Four blocks in a chain."""
    blocks = {f"b{n}": Group(body()) for n in range(4)}
    return Network().chain(x=Input(("B", 8)), **blocks, head=Linear(3))


def said(network, *paths, **options):
    paths = paths or nearly_alike(network, "b0")
    return [difference.text for difference in differences(network, paths, **options)]


def test_blocks_are_alike_wherever_their_layers_stand(net):
    assert alike(net) == dict.fromkeys(("b0", "b1", "b2", "b3"), ("b0", "b1", "b2", "b3"))
    moved = net.move({"b1.fc": (50, 7)}).set("b2.act", note="mind this")
    assert alike(moved) == alike(net)
    assert said(net) == []


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda net: net.set("b3.fc", out_features=512), "b3.fc has out_features 512, the others 8."),
        (lambda net: net.replace("b3.act", GELU()), "b3.act is GELU, the others ReLU."),
        (lambda net: net.set("b3.fc", frozen=True), "b3.fc has frozen weight, bias, the others none."),
        (lambda net: net.add(**{"b3.drop": Dropout()}), "b3 has drop, the others have none."),
        (lambda net: net.remove("b3.norm").connect("b3.x", "b3.fc"), "b3 has no norm, the others have one."),
        (
            lambda net: net.connect("b3.x", "b3.fc"),
            "b3.fc has a wire to in from x/out, the others from norm/out.",
        ),
        (lambda net: net.disconnect("b3.fc/in"), "b3.fc has no wire to in, the others have one from norm/out."),
    ],
)
def test_one_that_differs(net, edit, text):
    new = edit(net)
    assert alike(new)["b0"] == ("b0", "b1", "b2")
    assert "b3" not in alike(new)
    assert nearly_alike(new, "b3") == ("b0", "b1", "b2", "b3")
    assert text in said(new)


def test_of_two_the_other_is_named_and_of_many_kinds_most(net):
    assert said(net.set("b1.fc", out_features=4), "b0", "b1") == ["b1.fc has out_features 4, the other 8."]
    new = net.set("b1.fc", out_features=4).set("b3.fc", out_features=5)
    assert said(new) == ["b1.fc has out_features 4, most 8.", "b3.fc has out_features 5, most 8."]
    both = net.set("b1.fc", out_features=4).set("b3.fc", out_features=4).add(b4=Group(body()))
    assert said(both) == ["b1.fc and b3.fc have out_features 4, the others 8."]
    assert differences(both, nearly_alike(both, "b0"))[0].path == "b1.fc"


def test_the_order_of_ports_counts():
    two = body().add(y=Input()).connect("y", "add/2")
    net = Network().add(a=Group(two), b=Group(two))
    assert alike(net)
    net = move_port(net, "b.y", 0)
    assert not alike(net)
    assert said(net, "a", "b") == ["b has the ports in another order than the other has."]


def test_inner_ties_count_and_groups_in_groups(net):
    tied = body().set("fc", output_learnables=("bias",)).set("norm", input_learnables=("bias",))
    net = net.add(a=Group(tied), b=Group(tied.connect("fc/bias", "norm/bias")))
    assert "a" not in alike(net)
    assert said(net, "a", "b") == ["b.norm has a wire to bias from fc/bias, the other has none."]
    outer = Network().chain(x=Input(), inner=Group(body()), out=Output())
    deep = Network().add(a=Group(outer), b=Group(outer))
    assert alike(deep) == {
        **dict.fromkeys(("a", "b"), ("a", "b")),
        **dict.fromkeys(("a.inner", "b.inner"), ("a.inner", "b.inner")),
    }
    deep = deep.set("b.inner.fc", out_features=9)
    assert not alike(deep)
    assert said(deep, "a", "b") == ["b.inner.fc has out_features 9, the other 8."]
    assert nearly_alike(deep, "a") == ("a", "b")


def test_values_are_compared_where_asked(net):
    same, other = torch.ones(8), torch.zeros(8)
    values = {f"b{n}.fc.bias": same if n else other for n in range(4)}
    values |= {f"b{n}.norm.bias": torch.full((8,), float(n)) for n in range(4)}
    net = net.with_values(values)
    assert len(alike(net)) == 4
    assert said(net) == []
    assert said(net, values=True) == [
        "b0.fc.bias has other values than the others.",
        "norm.bias has other values in each of them.",
    ]


def test_what_is_not_alike(net):
    ends = Group(Network().add(x=Input()))
    assert not {"e", "f"} & alike(net.add(e=ends, f=ends)).keys()
    assert nearly_alike(net.add(e=Group(Network().add(fc=Linear(3)))), "e") == ("e",)
    with pytest.raises(NetworkError, match="head is not a group"):
        nearly_alike(net, "head")


def test_a_digest_is_made_once_for_what_stays(net, monkeypatch):
    big = Network().add(**{f"g{n}": Group(body(8 + n % 3)) for n in range(1000)})
    assert len(alike(big)["g0"]) == 334
    made = []
    real = Group.body.func
    monkeypatch.setattr(Group.body, "func", lambda held: made.append(held) or real(held))
    changed = big.set("g5.fc", out_features=99)
    assert len(alike(changed)["g2"]) == 332
    assert made == [changed.layer("g5")]
    assert dataclasses.replace(net.layer("b0")).body == net.layer("b0").body
