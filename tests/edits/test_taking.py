"""Take values from other learnables, initialise again, change the owner of a tie."""

import dataclasses
import re

import pytest
import torch

from designer import Network, NetworkError, analyze, build, change_owner, initialize, reinitialize, take_values, tie
from designer.edits.taking import take_tensor
from designer.layers import LSTM, Embedding, Input, Linear, Parameter, Permute, Slice, Softmax
from designer.model import Port
from designer.model.checking import check_network
from designer.model.values import origin_of


@pytest.fixture
def language():
    return Network().chain(
        tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 6), lstm=LSTM(6), fc=Linear(20), probs=Softmax()
    )


@pytest.fixture
def coder():
    return Network().chain(x=Input(("B", 12)), enc=Linear(5), dec=Linear(12))


def test_directly(language):
    net = initialize(language, seed=3)
    new = take_values(net, "fc/weight", "emb/weight")
    assert torch.equal(new.values["fc.weight"], net.values["emb.weight"])
    assert new.values["fc.weight"].data_ptr() != net.values["emb.weight"].data_ptr()
    assert new.values["fc.bias"] is net.values["fc.bias"]
    assert origin_of(new.values["fc.weight"]) == "copied from emb.weight"
    assert origin_of(net.values["fc.weight"]) == "initialised"
    assert new.wires == net.wires


def test_a_source_without_values_is_initialised(language):
    new = take_values(language, "fc/weight", "emb/weight")
    assert set(new.values) == {"emb.weight", "fc.weight"}
    assert torch.equal(new.values["fc.weight"], initialize(language).values["emb.weight"])


def test_permuted(coder):
    new = take_values(coder, "dec/weight", "enc/weight")
    assert torch.equal(new.values["dec.weight"], new.values["enc.weight"].T)
    assert new.values["dec.weight"].is_contiguous()


def test_square_ones_ask(language):
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(4))
    text = "a.weight is 4 x 4 and b/weight is 4 x 4: they fit by permute=() and by permute=(1, 0), so say which."
    with pytest.raises(NetworkError, match=re.escape(text)):
        take_values(net, "b/weight", "a/weight")
    new = take_values(net, "b/weight", "a/weight", permute=(1, 0))
    assert torch.equal(new.values["b.weight"], new.values["a.weight"].T)
    new = take_values(net, "b/weight", "a/weight", permute=())
    assert torch.equal(new.values["b.weight"], new.values["a.weight"])


@pytest.mark.parametrize(
    ("target", "source", "permute", "text"),
    [
        ("fc/bias", "emb/weight", None, "emb.weight is 20 x 6, and fc/bias is 20: no permutation fits."),
        ("fc/weight", "emb/weight", (1, 0), "emb.weight is 20 x 6, in the order (1, 0) 6 x 20, and fc/weight is"),
        ("fc/weight", "emb/weight", (1, 1), "emb.weight is 20 x 6: (1, 1) is no order of its dimensions."),
        ("fc/weight", "lstm/weight_ih_l0", None, "lstm.weight_ih_l0 is 24 x 6, and fc/weight is 20 x 6: no"),
        ("fc/weight", "fc/weight", None, "fc/weight cannot take values from itself."),
        ("fc/wait", "emb/weight", None, "fc/wait is no learnable: fc has weight, bias."),
    ],
)
def test_what_does_not_fit(language, target, source, permute, text):
    with pytest.raises(NetworkError, match=re.escape(text)):
        take_values(language, target, source, permute)


def test_a_borrower_is_untied_first(language):
    net = initialize(tie(language, "emb/weight", "fc/weight"), seed=2)
    other = net.with_values({"lstm.weight_ih_l0": torch.zeros(24, 6)})
    new = take_tensor(other, "fc/weight", torch.ones(20, 6))
    assert new.layer("fc").input_learnables == new.layer("emb").output_learnables == ()
    assert bool((new.values["fc.weight"] == 1).all())
    assert torch.equal(new.values["emb.weight"], net.values["emb.weight"])
    check_network(new)


def test_values_of_a_borrower_are_those_of_its_owner(coder):
    net = tie(coder.add(more=Linear(12)).connect("enc", "more"), "enc/weight", "dec/weight")
    new = take_values(net, "more/weight", "dec/weight")
    assert torch.equal(new.values["more.weight"], new.values["enc.weight"].T)


def test_an_open_port_has_no_values(language):
    net = language.set("fc", input_learnables=("weight",))
    with pytest.raises(NetworkError, match="fc/weight has no values: it takes them from a wire that brings none"):
        take_values(net, "emb/weight", "fc/weight")
    assert take_values(net, "fc/weight", "emb/weight").layer("fc").input_learnables == ()


def test_the_dtype_of_the_target_stays(language):
    half = initialize(language)
    half = half.with_values({"fc.weight": half.values["fc.weight"].half()})
    assert take_values(half, "fc/weight", "emb/weight").values["fc.weight"].dtype == torch.float16
    with pytest.raises(NetworkError, match="the tensor holds complex numbers, which fc"):
        take_tensor(language, "fc/weight", torch.zeros(20, 6, dtype=torch.complex64))


def test_initialise_again(language):
    net = initialize(language, seed=1)
    new = reinitialize(net, "fc/weight", seed=9)
    assert not torch.equal(new.values["fc.weight"], net.values["fc.weight"])
    assert new.values["fc.bias"] is net.values["fc.bias"]
    assert reinitialize(net, "fc/weight", seed=9) == new
    whole = reinitialize(net, "lstm", seed=9)
    changed = [key for key in net.values if whole.values[key] is not net.values[key]]
    assert changed == [f"lstm.{name}" for name in net.layer("lstm").learnables()]
    tied = tie(language, "emb/weight", "fc/weight")
    with pytest.raises(NetworkError, match="fc takes its weight from emb/weight: initialise that"):
        reinitialize(tied, "fc/weight")


def test_change_owner(language):
    net = tie(language, "emb/weight", "fc/weight").set("emb", frozen=True, learn_rate_factors=(("weight", 3.0),))
    net = initialize(net, seed=4)
    tokens = torch.arange(10).reshape(2, 5)
    new = change_owner(net, "fc/weight")
    check_network(new)
    assert new.source_of(Port("emb", "weight")) == Port("fc", "weight")
    assert Port("fc", "weight") not in new.wires
    assert new.values["fc.weight"] is net.values["emb.weight"]
    assert "emb.weight" not in new.values
    fc, emb = new.layer("fc"), new.layer("emb")
    assert (fc.output_learnables, fc.input_learnables, fc.frozen) == (("weight",), (), ("weight",))
    assert (emb.output_learnables, emb.input_learnables, emb.frozen) == ((), ("weight",), ())
    assert dict(fc.learn_rate_factors) == {"weight": 3.0}
    assert emb.learn_rate_factors == ()
    assert not analyze(new).problems
    assert analyze(new).stored == analyze(net).stored
    assert torch.equal(build(new).eval()(tokens), build(net).eval()(tokens))
    assert change_owner(new, "emb/weight") == net


def test_change_owner_through_a_permute(coder):
    net = initialize(tie(coder, "enc/weight", "dec/weight"))
    x = torch.randn(2, 12)
    new = change_owner(net, "dec/weight")
    check_network(new)
    assert new.source_of(Port("permute", "in")) == Port("dec", "weight")
    assert new.source_of(Port("enc", "weight")) == Port("permute", "out")
    assert new.values["dec.weight"].is_contiguous()
    assert torch.allclose(build(new)(x), build(net)(x), atol=1e-6)  # other layouts, other rounding
    assert change_owner(new, "enc/weight") == net


def test_the_other_borrowers_follow(language):
    net = language.add(second=Linear(20)).connect("lstm", "second")
    net = initialize(tie(net, "emb/weight", "fc/weight", "second/weight"))
    new = change_owner(net, "second/weight")
    check_network(new)
    assert {t.layer for t in new.targets[Port("second", "weight")]} == {"emb", "fc"}
    assert new.layer("emb").output_learnables == ()


def test_a_permute_that_others_use_stays(coder):
    net = tie(coder, "enc/weight", "dec/weight").add(more=Linear(12, input_learnables=("weight",)))
    net = initialize(net.connect("enc", "more/in").connect("permute/out", "more/weight"))
    x = torch.randn(2, 12)
    new = change_owner(net, "dec/weight")
    check_network(new)
    assert not analyze(new).errors
    assert new.layer("enc").output_learnables == new.layer("enc").input_learnables == ("weight",)
    for a, b in zip(build(new)(x), build(net)(x), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_what_is_taken_and_offered_on(language):
    net = language.add(second=Linear(20)).connect("lstm", "second").set("fc", output_learnables=("weight",))
    net = tie(tie(net, "emb/weight", "fc/weight"), "fc/weight", "second/weight")
    new = change_owner(net, "second/weight")
    check_network(new)
    assert analyze(new).row("second").stored == 140
    assert analyze(new).row("fc").tied_to == analyze(new).row("emb").tied_to == {"weight": "second.weight"}


def test_a_layer_that_borrows_from_itself():
    net = Network().chain(x=Input(("B", "T", 6)), lstm=LSTM(6, 2, learn_rate_factors=(("weight_ih_l0", 3.0),)))
    net = initialize(tie(net, "lstm/weight_ih_l0", "lstm/weight_ih_l1", permute=()))
    x = torch.randn(2, 5, 6)
    new = change_owner(net, "lstm/weight_ih_l1")
    check_network(new)
    assert not analyze(new).errors
    assert analyze(new).row("lstm").tied_to == {"weight_ih_l0": "lstm.weight_ih_l1"}
    assert dict(new.layer("lstm").learn_rate_factors) == {"weight_ih_l1": 3.0}
    assert torch.equal(build(new).eval()(x), build(net).eval()(x))
    assert change_owner(new, "lstm/weight_ih_l0") == net


def test_owners_that_cannot_change(language):
    net = language.add(cut=Slice(0, 0, 20), big=Parameter((40, 6)))
    net = net.set("fc", input_learnables=("weight",)).connect("big/value", "cut/in").connect("cut", "fc/weight")
    with pytest.raises(NetworkError, match="fc/weight is computed by cut, so fc cannot own what that is made of"):
        change_owner(net, "fc/weight")
    with pytest.raises(NetworkError, match="emb/weight takes no learnable from a wire"):
        change_owner(net, "emb/weight")
    net = (
        language.add(free=Parameter((20, 6))).set("fc", input_learnables=("weight",)).connect("free/value", "fc/weight")
    )
    with pytest.raises(NetworkError, match="free is nothing but what it owns, so it stays the owner"):
        change_owner(net, "fc/weight")


def test_old_names_follow_the_owner(language):
    net = tie(language, "emb/weight", "fc/weight")
    net = initialize(dataclasses.replace(net, aliases={"fc.weight": "emb.weight", "old.name": "emb.weight"}))
    new = change_owner(net, "fc/weight")
    assert dict(new.aliases) == {"old.name": "fc.weight", "emb.weight": "fc.weight"}
    assert change_owner(new, "emb/weight").aliases == net.aliases


def test_permutes_with_three_dimensions_turn_round():
    net = Network().chain(x=Input(("B", 5)), a=Linear(7)).add(p=Permute((1, 0))).set("a", output_learnables=("weight",))
    net = net.chain("a", b=Linear(5, input_learnables=("weight",))).connect("a/weight", "p/in").connect("p", "b/weight")
    assert change_owner(net, "b/weight").layer("p").dims == (1, 0)
