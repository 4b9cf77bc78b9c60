"""Deleting layers: what others borrowed from them stays with the others."""

import pytest
import torch

from designer.edits import group, tie, untie
from designer.edits.deletion import delete
from designer.layers import Embedding, Input, Linear, ReLU
from designer.model import Call, Network, NetworkError, Output, Port
from designer.source import build, initialize


@pytest.fixture
def towers():
    """One layer whose weight two others borrow."""
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8), c=Linear(8))
    return tie(net, "a/weight", "b/weight", "c/weight", permute=())


def test_an_owner_hands_its_learnable_to_the_first_borrower(towers):
    net = initialize(towers.set("a", learn_rate_factors=(("weight", 2.0),), frozen=("weight",)))
    weight = net.values["a.weight"]
    new, said = delete(net, "a")
    assert said == ("b now owns weight, which a owned.",)
    assert new.layer("b").owned == ("weight", "bias")
    assert new.layer("b").learn_rate_factors == (("weight", 2.0),)
    assert new.layer("b").frozen == ("weight",)
    assert new.source_of(Port("c", "weight")) == Port("b", "weight")
    assert new.values["b.weight"] is weight
    assert "a.weight" not in new.values


def test_without_values_nothing_is_initialised(towers):
    new, _ = delete(towers, "a")
    assert not new.values


def test_borrowers_that_are_deleted_too_inherit_nothing(towers):
    new, said = delete(towers, "a", "b")
    assert said == ("c now owns weight, which a owned.",)
    assert not new.layer("c").output_learnables
    new, said = delete(towers, "a", "b", "c")
    assert said == ()
    assert list(new.layers) == ["x"]


def test_a_borrower_behind_a_permutation_keeps_what_arrived():
    net = Network().chain(x=Input(("B", 20)), enc=Linear(6), act=ReLU(), dec=Linear(20))
    net = initialize(tie(net, "enc/weight", "dec/weight"))
    new, said = delete(net, "enc")
    assert said == ("dec now owns its weight.",)
    assert torch.equal(new.values["dec.weight"], net.values["enc.weight"].T)
    assert "permute" not in new.layers


def test_a_deleted_wire_leaves_the_switch_on(towers):
    new, said = delete(towers, "b/weight", "c/in")
    assert said == ()
    assert new.layer("b").input_learnables == ("weight",)
    assert new.source_of(Port("b", "weight")) is None
    assert new.source_of(Port("c", "in")) is None


def test_an_owner_inside_a_deleted_group_hands_over_to_the_outside():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(10, 4), act=ReLU(), fc=Linear(10))
    net = initialize(group(tie(net, "emb/weight", "fc/weight"), ["emb", "act"], "front"))
    new, said = delete(net, "front")
    assert said == ("fc now owns weight, which front.emb owned.",)
    assert torch.equal(new.values["fc.weight"], net.values["front.emb.weight"])
    assert not any(key.startswith("front") for key in new.values)


def test_what_is_called_again_takes_the_place_of_its_call():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4)).add(again=Call(), act=ReLU())
    net = net.connect("a/learnables", "again/learnables").connect("a", "again/in").connect("again", "act")
    net = initialize(net.move({"again": (400.0, 80.0)}))
    new, said = delete(net, "a")
    assert said == ("again now is what a was.",)
    assert new.layers["again"] == Linear(4)
    assert new.connections == {Port("act", "in"): Port("again", "out")}
    assert new.positions["again"] == (400.0, 80.0)
    assert new.values["again.weight"] is net.values["a.weight"]


def test_what_is_called_from_another_group_cannot_go():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4)).add(again=Call(), act=ReLU())
    net = net.connect("a/learnables", "again/learnables").connect("x", "again/in").connect("again", "act")
    with pytest.raises(NetworkError, match=r"cannot part them|delete that first"):
        delete(group(net, ["again", "act"], "block"), "a")


def test_deleting_an_owner_keeps_the_others_outputs(towers):
    net = towers.connect("x", "b").add(y=Output()).connect("c", "y")
    net = initialize(net)
    x = torch.randn(3, 8)
    assert torch.equal(build(net)(x), build(delete(net, "a")[0])(x))


def test_a_borrower_owns_an_uninitialised_one_where_nothing_is_known():
    net = Network().chain(x=Input(("B", 20)), enc=Linear(6), act=ReLU(), dec=Linear(20))
    net = tie(net, "enc/weight", "dec/weight").disconnect("enc/in")
    with pytest.raises(NetworkError, match=r"enc.weight has no value, and its size is not known yet."):
        untie(net, "dec/weight")
    new, said = delete(net, "enc")
    assert said == ("dec now owns its weight.",)
    assert new.layer("dec").owned == ("weight", "bias")
    assert not new.values


def test_many_are_removed_at_once(monkeypatch):
    """Each removal alone would copy all that is left."""
    net = Network().chain(x=Input(("B", 8)), **{f"fc{n}": Linear(8) for n in range(20)})
    net = group(net.move({f"fc{n}": (n, 0) for n in range(20)}), ["fc1", "fc2"], "block")
    swept = []
    monkeypatch.setattr(Network, "_swept", lambda net, real=Network._swept: swept.append(net) or real(net))
    new, _ = delete(net, "block.fc1", "block", *(f"fc{n}" for n in range(3, 20)))
    assert list(new.layers) == ["x", "fc0"]
    assert list(new.wires) == [Port("fc0", "in")]
    assert list(new.positions) == ["fc0"]
    assert len(swept) == 1
