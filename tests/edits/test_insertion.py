"""A layer on a wire, and wires led past layers that go."""

import pytest

from designer.edits import group, tie
from designer.edits.deletion import delete
from designer.edits.insertion import bypass, insert
from designer.layers import LSTM, Add, Embedding, Input, Linear, Permute, ReLU, Slice
from designer.model import Call, Network, NetworkError, Output, Parameter, Port


@pytest.fixture
def net():
    return Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8), out=Output())


def test_a_new_layer_on_a_data_wire(net):
    new = insert(net, "b/in", "act", ReLU())
    assert new.source_of(Port("act", "in")) == Port("a", "out")
    assert new.source_of(Port("b", "in")) == Port("act", "out")
    assert len(new.wires) == len(net.wires) + 1
    assert insert(net, Port("b", "in"), "act", ReLU()) == new


def test_a_layer_that_stands_there(net):
    new = insert(net.add(act=ReLU()), "b/in", "act")
    assert new == insert(net, "b/in", "act", ReLU())
    with pytest.raises(NetworkError, match="a is wired already"):
        insert(net, "out/in", "a")


def test_of_many_inputs_the_first_one(net):
    new = insert(net, "b/in", "add", Add())
    assert new.source_of(Port("add", "0")) == Port("a", "out")
    assert new.inputs_of("add") == ("0",)


@pytest.mark.parametrize(
    ("kind", "says"), [(Input(("B", 8)), "takes no data"), (Output(), "gives no data"), (Parameter((8, 8)), "no data")]
)
def test_layers_without_a_way_through_are_refused(net, kind, says):
    with pytest.raises(NetworkError, match=says):
        insert(net, "b/in", "new", kind)


def test_wires_that_are_not_there(net):
    with pytest.raises(NetworkError, match="Nothing is connected to x/in"):
        insert(net, "x/in", "act", ReLU())
    called = net.add(again=Call()).connect("a/learnables", "again/learnables")
    with pytest.raises(NetworkError, match="says what is called"):
        insert(called, "again/learnables", "act", ReLU())


def test_on_a_tie_fits_what_only_computes():
    net = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 8), fc=Linear(50))
    net = tie(net, "emb/weight", "fc/weight", permute=())
    new = insert(net, "fc/weight", "slice", Slice(0, 0, 50))
    assert new.source_of(Port("slice", "in")) == Port("emb", "weight")
    assert new.source_of(Port("fc", "weight")) == Port("slice", "out")
    assert new.is_learnable(Port("slice", "out"))
    again = insert(new, "slice/in", "permute", Permute((0, 1)))
    assert again.is_learnable(Port("slice", "out"))
    with pytest.raises(NetworkError, match="on its wire fit layers that only compute, not a Linear"):
        insert(net, "fc/weight", "other", Linear(3))


def test_on_a_tie_into_a_group(net):
    net = tie(group(net, ["b"], "block"), "a/weight", "block.b/weight", permute=())
    new = insert(net, "block.b/weight", "permute", Permute((0, 1)))
    assert new.source_of(Port("block.b", "weight")) == Port("permute", "out")
    into = next(target for target in net.connections if target.layer == "block")
    assert insert(net, into, "act", ReLU()).source_of(Port("act", "in")) == Port("a", "out")


def test_bypass_joins_through(net):
    new, said = delete(bypass(net, "a", "b"), "a", "b")
    assert said == ()
    assert dict(new.wires) == {Port("out", "in"): Port("x", "out")}


def test_bypass_of_one_with_several_ends():
    net = Network().chain(x=Input(("B", "T", 4)), lstm=LSTM(4), a=Linear(2)).add(b=ReLU()).connect("lstm", "b")
    new = bypass(net, "lstm")
    assert {str(target) for target in new.targets[Port("x", "out")]} == {"lstm/in", "a/in", "b/in"}


def test_bypass_takes_the_first_input_that_is_wired(net):
    net = net.add(add=Add()).connect("x", "add/1").connect("a", "add/2").connect("add", "out")
    assert bypass(net, "add").source_of(Port("out", "in")) == Port("x", "out")


def test_bypass_of_a_permute_makes_the_tie_direct():
    net = Network().chain(x=Input(("B", 20)), enc=Linear(20), dec=Linear(20))
    net = tie(net, "enc/weight", "dec/weight", permute=(1, 0))
    new, _ = delete(bypass(net, "permute"), "permute")
    assert new.source_of(Port("dec", "weight")) == Port("enc", "weight")


def test_bypass_of_what_nothing_feeds(net):
    assert bypass(net, "x", "out") is net


def test_bypass_of_many_joins_through_all_of_them():
    net = Network().chain(x=Input(("B", 8)), **{f"l{n}": Linear(8) for n in range(3_000)}, out=Output())
    gone = [f"l{n}" for n in reversed(range(3_000)) if n % 3]
    new, said = delete(bypass(net, *gone), *gone)
    kept = [f"l{n}" for n in range(0, 3_000, 3)]
    assert said == ()
    assert {t.layer: s.layer for t, s in new.wires.items()} == dict(zip([*kept, "out"], ["x", *kept]))
