"""Tie, untie, transfer and freeze."""

import dataclasses
import re

import pytest
import torch

from designer import (
    Network,
    NetworkError,
    analyze,
    build,
    freeze,
    group,
    import_pytorch,
    initialize,
    load,
    save,
    tie,
    transfer,
    untie,
)
from designer.layers import (
    LSTM,
    Add,
    BatchNorm1d,
    Call,
    Conv2d,
    ConvTranspose2d,
    Embedding,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MultiheadAttention,
    Parameter,
    Permute,
    ReLU,
    Reshape,
    Softmax,
)
from designer.model import Group, Port
from designer.model.checking import check_network

TOKENS = torch.arange(10).reshape(2, 5)


def language_model():
    return Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300),
        lstm=LSTM(300),
        fc=Linear(1000),
        probs=Softmax(),
    )


def two():
    return Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(4))


def run(net, *inputs):
    return build(net).eval()(*inputs)  # with gradients: without, torch takes other kernels for some layers


def test_direct_tie():
    net = tie(language_model(), "emb/weight", "fc/weight")
    assert net.source_of(Port("fc", "weight")) == Port("emb", "weight")
    assert list(net.layers) == list(language_model().layers)
    assert tie(language_model(), "emb", "fc/weight") == net
    assert tie(net, "emb/weight", "fc/weight") == net
    assert tie(language_model(), "emb/weight") == language_model()


def test_the_permutation_that_the_shapes_ask_for():
    net = tie(Network().chain(x=Input(("B", 20)), enc=Linear(6), dec=Linear(20)), "enc/weight", "dec/weight")
    assert net.layers["permute"] == Permute((1, 0))
    conv = Network().chain(x=Input(("B", 3, "H", "W")), enc=Conv2d(16, 3), mid=Conv2d(3, 3), dec=ConvTranspose2d(3, 3))
    assert "permute" not in tie(conv.connect("enc", "dec"), "enc/weight", "dec/weight").layers
    assert tie(conv, "enc/weight", "mid/weight").layers["permute"] == Permute((1, 0, 2, 3))
    transposed = Network().chain(x=Input(("B", 20)), enc=Linear(6), dec=Linear(20, transposed=True))
    assert "permute" not in tie(transposed, "enc/weight", "dec/weight").layers
    twice = tie(
        tie(two(), "a/weight", "b/weight", permute=(1, 0)).chain("b", c=Linear(4)),
        "a/weight",
        "c/weight",
        permute=(1, 0),
    )
    assert {"permute", "permute_"} <= set(twice.layers)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            lambda: tie(two(), "a/weight", "b/weight"),
            "a/weight is 4 x 4 and b/weight is 4 x 4: they fit by permute=() and by permute=(1, 0), so say which.",
        ),
        (
            lambda: tie(language_model(), "emb/weight", "lstm/weight_ih_l0"),
            "emb/weight is 1000 x 300 and lstm/weight_ih_l0 is 1200 x 300: no permutation fits.",
        ),
        (lambda: tie(language_model(), "emb/weight", "tokens"), "tokens is no learnable: tokens has no learnables."),
        (lambda: tie(language_model(), "emb/gain", "fc/weight"), "emb/gain is no learnable: emb has weight."),
        (lambda: tie(language_model(), "no/weight", "fc/weight"), "There is no layer 'no'."),
        (lambda: tie(two(), "a/weight", "a/weight", permute=()), "Connecting a/weight to a/weight would make a loop."),
        (
            lambda: tie(tie(two(), "a/weight", "b/weight", permute=()), "b/weight", "a/weight", permute=()),
            "Connecting b/weight to a/weight would make a loop.",
        ),
        (
            lambda: tie(two(), "a/weight", "b/weight", permute=(0, 0)),
            "permute=(0, 0) is no order of dimensions: each comes once.",
        ),
        (
            lambda: tie(two(), "a/weight", "b/weight", permute=(2, 1)),
            "permute=(2, 1) is no order of dimensions: each comes once.",
        ),
        (lambda: untie(two(), "b/weight"), "No learnable arrives at b/weight."),
        (lambda: untie(two(), "b"), "b is no learnable: b has weight, bias."),
        (lambda: transfer(two(), "no"), "There is no layer 'no'."),
        (
            lambda: transfer(tie(language_model(), "emb/weight", "fc/weight"), "emb", embedding_dim=3),
            "fc borrows the weight of emb: untie that first.",
        ),
        (
            lambda: transfer(two().add(c=Call()).connect("b/learnables", "c/learnables"), "b"),
            "c calls b: untie that first.",
        ),
        (lambda: transfer(two(), "b", size=3), "Linear has no property 'size'."),
        (lambda: transfer(two(), "b", name="a"), "There is already a layer named 'a'."),
        (lambda: transfer(two(), "b", learn_rate_factor={"gain": 3}), "Linear has no learnable 'gain'."),
        (lambda: transfer(two(), "b", learn_rate_factor=-1), "Linear.learn_rate_factors must be"),
        (lambda: transfer(two(), "b", learn_rate_factor="much"), "Linear.learn_rate_factors must be"),
        (lambda: freeze(two(), "no"), "There is no layer 'no'."),
        (lambda: freeze(two(), "a/gain"), "a has no learnable 'gain'."),
        (
            lambda: freeze(tie(two(), "a/weight", "b/weight", permute=()), "b/weight"),
            "b takes its weight from a/weight: freeze that.",
        ),
    ],
)
def test_refusals(edit, sentence):
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        edit()


def test_a_borrower_stores_no_value():
    net = initialize(language_model())
    tied = tie(net, "emb/weight", "fc/weight")
    assert set(net.values) - set(tied.values) == {"fc.weight"}
    check_network(tied)


def test_untie_one_of_three():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 8), a=Linear(20), s=Linear(8))
    net = net.chain("s", b=Linear(20), t=Linear(8), c=Linear(20))
    net = tie(net, "emb/weight", "a/weight", "b/weight", "c/weight")
    want = run(net, TOKENS)
    less = untie(net, "b/weight")
    assert torch.equal(run(less, TOKENS), want)
    assert analyze(less).stored == analyze(net).stored + 160
    assert less.source_of(Port("c", "weight")) == Port("emb", "weight")
    assert torch.equal(less.values["b.weight"], less.values["emb.weight"])
    none = untie(less, "a/weight", "c/weight")
    assert none.layers["emb"].output_learnables == ()
    assert torch.equal(run(none, TOKENS), want)
    assert analyze(none).saved == 0


def test_untie_keeps_bias_factors_and_what_others_use():
    net = Network().chain(x=Input(("B", 20)), enc=Linear(6), dec=Linear(20, learn_rate_factors={"bias": 3.0}))
    net = tie(net, "enc/weight", "dec/weight")
    net = net.chain("dec", e=Linear(6), f=Linear(20, input_learnables=("weight",))).connect("permute", "f/weight")
    net = initialize(net)
    less = untie(net, "dec/weight")
    assert "permute" in less.layers
    assert less.layers["dec"] == Linear(20, learn_rate_factors={"bias": 3.0})
    assert torch.equal(less.values["dec.bias"], net.values["dec.bias"])
    assert less.values["dec.weight"].is_contiguous()
    assert "permute" not in untie(less, "f/weight").layers


def test_untie_of_a_free_parameter_removes_it_with_its_last_borrower():
    net = two().connect("x", "b").add(w=Parameter((4, 4), init="randn"))
    net = tie(net, "w/value", "a/weight", "b/weight", permute=())
    x = torch.randn(3, 4)
    want = run(net, x)
    assert (analyze(net).stored, analyze(net).used) == (24, 40)
    less = untie(net, "a/weight")
    assert "w" in less.layers
    none = untie(less, "b/weight")
    assert "w" not in none.layers
    assert all(torch.equal(a, b) for a, b in zip(run(none, x), want))
    assert set(none.values) == {"a.weight", "b.weight"}


def test_chain_of_borrowers():
    net = tie(two().chain("b", c=Linear(4)), "a/weight", "b/weight", permute=())
    net = tie(net, "b/weight", "c/weight", permute=())
    assert analyze(net).row("c").tied_to == {"weight": "a.weight"}
    x = torch.randn(3, 4)
    want = run(net, x)
    middle = untie(net, "b/weight")
    assert torch.equal(run(middle, x), want)
    assert analyze(middle).row("c").tied_to == {"weight": "b.weight"}
    assert torch.equal(run(untie(net, "c/weight"), x), want)


def test_low_rank_expression():
    net = Network().add(x=Input(("B", 8)), a=Parameter((8, 2), init="randn"), b=Parameter((2, 8), init="randn"))
    net = net.chain("x", base=Linear(8, output_learnables=("weight",)), fc=Linear(8, input_learnables=("weight",)))
    net = net.add(ab=MatMul(), sum=Add()).connect("a/value", "ab").connect("b/value", "ab/other")
    net = net.connect("base/weight", "sum").connect("ab", "sum").connect("sum", "fc/weight")
    assert analyze(net).row("fc").tied_to == {"weight": "base.weight, a, b"}
    x = torch.randn(3, 8)
    own = untie(initialize(net), "fc/weight")
    assert set(own.layers) == {"x", "base", "fc"}
    assert (run(own, x) - run(net, x)).abs().max() <= 1e-6
    assert analyze(own).stored == analyze(net).used == 144
    assert analyze(net).stored == 72 + 8 + 16 + 16


def test_an_expression_that_meets_itself_is_computed_once():
    """Forty sums of two equal terms would be a tree of 2**40."""
    net = Network().add(x=Input(("B", 4)), w=Parameter((4, 4), init="ones"))
    last = "w/value"
    for n in range(40):
        net = net.add(**{f"s{n}": Add()}).connect(last, f"s{n}").connect(last, f"s{n}")
        last = f"s{n}"
    net = net.chain("x", fc=Linear(4, bias=False, input_learnables=("weight",))).connect(last, "fc/weight")
    assert (analyze(net).stored, analyze(net).used) == (16, 16)
    assert run(net, torch.ones(1, 4))[0, 0] == 4 * 2.0**40
    assert list(untie(net, "fc/weight").layers) == ["x", "fc"]


def test_hypernetwork_owns_nothing_where_data_arrives():
    net = Network().chain(x=Input(("B", 6)), fc=Linear(4, input_learnables=("weight",)))
    net = net.add(z=Input((5,))).chain("z", make=Linear(24), shaped=Reshape((4, 6))).connect("shaped", "fc/weight")
    x, z = torch.randn(3, 6), torch.randn(5)
    module = build(net)
    want = x @ module.make(z).view(4, 6).T + module.fc.bias
    assert torch.allclose(module(x, z), want, atol=1e-5)
    row = analyze(net).row("fc")
    assert (row.stored, row.used, dict(row.tied_to)) == (4, 4, {})
    with pytest.raises(NetworkError, match="No learnable arrives"):
        untie(net, "fc/weight")
    with pytest.raises(NetworkError, match="loop"):
        net.connect("fc", "make")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (LSTM(6, 2), ("B", "T", 6)),
        (MultiheadAttention(2), ("B", "T", 6)),
        (LayerNorm(), ("B", 6)),
        (BatchNorm1d(), ("B", 6)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_learnables_tied_one_by_one_and_all_together(layer, shape):
    net = initialize(Network().chain(x=Input(shape), a=layer, b=layer))
    x = torch.randn(*[5 if isinstance(size, str) else size for size in shape])
    every = net
    for name in layer.learnables():
        one = tie(net, f"a/{name}", f"b/{name}", permute=())
        module = build(one)
        assert analyze(one).saved == net.values[f"a.{name}"].numel()
        assert f"b.{name}" not in module.state_dict()
        assert torch.equal(run(untie(one, f"b/{name}"), x), module.eval()(x))
        every = tie(every, f"a/{name}", f"b/{name}", permute=())
    assert analyze(every).stored == analyze(every).row("a").stored
    assert [key for key in build(every).state_dict() if key.startswith("b.")] == [
        f"b.{n}" for n in analyze(every).row("b").states
    ]
    own = untie(every, *(f"b/{name}" for name in layer.learnables()))
    assert torch.equal(run(own, x), run(every, x))
    assert own.layers["b"] == layer


def test_transfer_with_a_new_head():
    net = initialize(tie(language_model(), "emb/weight", "fc/weight"))
    head = transfer(net, "fc", out_features=15, learn_rate_factor=10)
    assert analyze(head).stored == 1_026_915
    assert analyze(head).problems == []
    assert head.layers["fc"] == Linear(15, learn_rate_factors={"weight": 10.0, "bias": 10.0})
    assert head.layers["emb"].output_learnables == ()
    assert not any(key.startswith("fc.") for key in head.values)
    assert torch.equal(head.values["emb.weight"], net.values["emb.weight"])
    assert run(head, TOKENS).shape == (2, 5, 15)


def test_transfer_with_a_name_and_factors():
    net = transfer(
        tie(language_model(), "emb/weight", "fc/weight"),
        "fc",
        name="new",
        learn_rate_factor={"weight": 10},
        out_features=3,
    )
    assert list(net.layers) == ["tokens", "emb", "lstm", "new", "probs"]
    assert net.layers["new"].learn_rate_factors == (("weight", 10.0),)
    assert net.source_of(Port("probs", "in")) == Port("new", "out")


def test_transfer_keeps_other_borrowers_and_removes_the_permutation():
    net = Network().chain(x=Input(("B", 20)), enc=Linear(6), dec=Linear(20), e=Linear(6), f=Linear(20))
    net = tie(net, "enc/weight", "dec/weight", "f/weight")
    head = transfer(net, "f", out_features=3)
    assert [name for name in head.layers if "permute" in name] == ["permute"]
    assert analyze(head).row("dec").tied_to == {"weight": "enc.weight"}


def test_freeze_layers_groups_and_learnables():
    net = group(language_model(), ["emb", "lstm"], "body")
    frozen = freeze(net, "body", "fc/bias")
    assert frozen.layer("body.lstm").frozen == LSTM(300).learnables()
    assert frozen.layer("fc").frozen == ("bias",)
    assert [row.trains for row in analyze(frozen).rows if row.stored] == [False, False, False, True]
    assert freeze(frozen, "body", "fc", frozen=False) == net
    assert freeze(net) == net
    assert {n for n, p in build(frozen).named_parameters() if p.requires_grad} == {"fc.weight"}


def test_ties_in_one_layer():
    net = Network().chain(x=Input(("B", "T", 6)), a=LSTM(6))
    net = tie(net, "a/bias_ih_l0", "a/bias_hh_l0")
    module = build(net)
    assert sum(p.numel() for p in module.parameters()) == analyze(net).stored == 24 * 12 + 24
    x = torch.randn(2, 3, 6)
    assert torch.equal(run(untie(net, "a/bias_hh_l0"), x), module(x))


def test_ties_through_borders_and_a_called_group():
    net = Network().chain(x=Input(("B", 4)), w=Linear(4), a=Linear(4), act=ReLU())
    net = group(tie(net, "w/weight", "a/weight", permute=()), ["a", "act"], "block")
    net = net.add(again=Call()).connect("block/learnables", "again/learnables").connect("block", "again")
    x = torch.randn(3, 4)
    want = run(net, x)
    assert (analyze(net).stored, analyze(net).used) == (24, 60)
    own = untie(net, "block.a/weight")
    assert torch.equal(run(own, x), want)
    assert (analyze(own).stored, analyze(own).used) == (40, 60)
    assert tie(own, "w/weight", "block.a/weight", permute=()).wires == net.wires


def tree_of_values():
    """Learnables in groups and no layers, as a file of values opens."""
    inner = Network().add(weight=Parameter((3, 2)))
    net = Network().add(emb=Group(inner), head=Group(inner), dec=Group(Network().add(weight=Parameter((2, 3)))))
    weight = torch.randn(3, 2)
    return net.with_values({"emb.weight": weight, "head.weight": weight, "dec.weight": weight.T})


def test_a_parameter_that_borrows_is_no_more():
    net = tie(tree_of_values(), "emb.weight", "head.weight")
    assert list(net.layers) == ["emb", "dec"]  # nor is the group that held nothing else
    assert set(net.values) == {"emb.weight", "dec.weight"}
    check_network(net)
    with pytest.raises(NetworkError, match=r"Connecting emb.weight/value to emb.weight/value would make a loop"):
        tie(net, "emb.weight", "emb.weight")


def test_what_took_it_takes_the_owners():
    net = tree_of_values().chain(x=Input(("B", 2)), fc=Linear(3, bias=False)).connect("x", "fc")
    net = net.set("fc", input_learnables=("weight",)).connect("head.weight/value", "fc/weight")
    x = torch.randn(5, 2)
    tied = tie(net, "emb.weight", "head.weight")
    assert tied.source_of(Port("fc", "weight")) == Port("emb.weight", "value")
    assert torch.equal(run(tied, x), run(net, x))


def test_a_permutation_stands_where_the_parameter_stood():
    net = tree_of_values().chain(x=Input(("B", 3)), fc=Linear(2, bias=False))
    net = net.set("fc", input_learnables=("weight",)).connect("dec.weight/value", "fc/weight")
    x = torch.randn(5, 3)
    tied = tie(net, "emb.weight", "dec.weight")
    assert tied.layer("dec.weight") == Permute((1, 0))
    assert tied.source_of(Port("dec.weight", "in")) == Port("emb.weight", "value")
    assert tied.source_of(Port("fc", "weight")) == Port("dec.weight", "out")
    assert "dec.weight" not in tied.values
    assert torch.equal(run(tied, x), run(net, x))
    assert not analyze(tied).errors


def test_names_in_a_file_go_to_the_owner(tmp_path):
    """A tie that is made later leaves the names of the file as good as one that the file has."""
    model = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 4), "b": torch.nn.Linear(3, 4)})
    torch.save({f"{name}_old": value for name, value in model.state_dict().items()}, tmp_path / "a.pt")
    net = import_pytorch(tmp_path / "a.pt").network
    net = dataclasses.replace(net, aliases={**net.aliases, "older": "b.weight_old"})
    tied = tie(net, "a.weight_old", "b.weight_old")
    assert tied.aliases == {"older": "a.weight_old", "b.weight_old": "a.weight_old"}
    check_network(tied)
    save(tied, tmp_path / "a.network")
    assert load(tmp_path / "a.network") == tied
    ones = tied.with_values(dict.fromkeys(("a.weight_old", "b.weight_old"), torch.ones(4, 3)))
    assert torch.equal(ones.values["a.weight_old"], torch.ones(4, 3))
    turned = tie(tree_of_values(), "emb.weight", "dec.weight")
    turned = dataclasses.replace(turned, aliases={"dec.weight": "emb.weight"})
    with pytest.raises(
        NetworkError, match=r"dec.weight stands for emb.weight, which is 3 x 2, not 2 x 3: give emb.weight itself"
    ):
        turned.with_values({"dec.weight": torch.ones(2, 3)})
