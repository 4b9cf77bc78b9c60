"""Replace a layer: wires, borrowers and values that still fit stay."""

import torch

from designer import Network, analyze, initialize, tie
from designer.edits.replacing import replaced
from designer.layers import LSTM, Conv2d, Embedding, Input, Linear, Parameter, ReLU
from designer.model import Port


def classifier():
    return Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8), c=Linear(4))


def test_wires_stay_and_a_name_is_given():
    net = classifier()
    new, said = replaced(net, "b", Linear(8, learn_rate_factors=(("weight", 10.0), ("bias", 10.0))), "bNew")
    assert list(new.layers) == ["x", "a", "bNew", "c"]
    assert new.wires[Port("bNew", "in")] == Port("a", "out")
    assert new.wires[Port("c", "in")] == Port("bNew", "out")
    assert new.layer("bNew").learn_rate_factors == (("weight", 10.0), ("bias", 10.0))
    assert said == ()


def test_values_that_fit_stay():
    net = initialize(classifier())
    new, said = replaced(net, "b", Linear(8, bias=False))
    assert new.values["b.weight"] is net.values["b.weight"]
    assert "b.bias" not in new.values
    assert said == ()
    new, said = replaced(net, "c", Linear(15), "cNew")
    assert not {"cNew.weight", "cNew.bias", "c.weight"} & set(new.values)
    assert said == ("weight, bias of cNew begin anew.",)
    assert not analyze(new).problems
    assert torch.equal(new.values["b.weight"], net.values["b.weight"])


def test_a_tie_of_equal_size_stays():
    net = tie(initialize(classifier()), "a/weight", "b/weight", permute=())
    new, said = replaced(net, "a", Linear(8, bias=False))
    assert new.wires[Port("b", "weight")] == Port("a", "weight")
    assert said == ()
    new, said = replaced(net, "b", Linear(8, learn_rate_factors=(("weight", 2.0), ("bias", 2.0))))
    assert new.wires[Port("b", "weight")] == Port("a", "weight")
    assert new.layer("b").learn_rate_factors == (("bias", 2.0),)


def test_what_others_borrow_is_handed_over():
    net = tie(initialize(classifier()), "a/weight", "b/weight", permute=())
    for other in (ReLU(), Linear(9)):
        new, said = replaced(net, "a", other)
        assert new.layer("a").output_learnables == ()
        assert new.layer("b").owned == ("weight", "bias")
        assert torch.equal(new.values["b.weight"], net.values["a.weight"])
        assert said[0] == "b now owns weight, which a owned."


def test_a_free_learnable_and_a_layer_in_a_group():
    net = Network().add(scale=Parameter((3,)))
    assert replaced(net, "scale", Parameter((4,)), "shift")[0].layer("shift").shape == (4,)
    inner = Network().chain(x=Input(()), conv=Conv2d(3))
    from designer.model import Group

    net = Network().chain(image=Input(("B", 3, 8, 8)), block=Group(inner))
    assert replaced(net, "block.conv", Conv2d(5), "other")[0].layer("block.other").out_channels == 5


def test_another_type():
    net = Network().chain(t=Input(("B", "T"), dtype="int64"), emb=Embedding(9, 4), rnn=LSTM(4), out=Linear(2))
    new, _ = replaced(initialize(net), "rnn", Linear(4))
    assert new.wires[Port("out", "in")] == Port("rnn", "out")
    assert analyze(new).stored == 36 + 20 + 10
