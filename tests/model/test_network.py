"""Networks as values: every edit gives a new network, or refuses in a sentence."""

import copy
import math
import pickle
import re

import pytest
import torch

from designer.layers import LSTM, Add, Concatenate, Embedding, LayerNorm, Linear, MatMul, Multiply, Permute, ReLU
from designer.model import Call, Group, Input, Network, NetworkError, Output, Parameter, Port, layer_types
from designer.model.checking import check_network


def inside():
    return Network().chain(x=Input(), a=Linear(4), b=ReLU(), y=Output())


def chain():
    return Network().chain(x=Input(("B", 4)), fc=Linear(4), act=ReLU())


def grouped():
    return Network().chain(x=Input(("B", 4)), first=Linear(4), g=Group(inside()), last=ReLU())


def tied():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4, output_learnables=("weight",)))
    return net.chain("a", b=Linear(4, input_learnables=("weight",))).connect("a/weight", "b/weight")


def called():
    net = chain().add(again=Call()).connect("fc/learnables", "again/learnables").connect("act", "again")
    return net.chain("again", end=ReLU())


def texts(net):
    return sorted(f"{source} -> {target}" for target, source in net.wires.items())


def test_chain_wires_each_layer_to_the_one_before():
    assert texts(chain()) == ["fc/out -> act/in", "x/out -> fc/in"]
    assert list(chain().layers) == ["x", "fc", "act"]
    longer = chain().chain("fc", more=ReLU(), sum=Add())
    assert texts(longer)[1:4] == ["fc/out -> more/in", "more/out -> sum/0", "x/out -> fc/in"]


def test_edits_leave_the_network_as_it_was():
    net = grouped()
    before = copy.deepcopy(net)
    for edit in (
        lambda n: n.add(new=ReLU()),
        lambda n: n.connect("x", "last"),
        lambda n: n.disconnect("g.b"),
        lambda n: n.remove("g.a", "first"),
        lambda n: n.replace("g.a", ReLU()),
        lambda n: n.rename("g", "block"),
        lambda n: n.set("g.a", out_features=7),
        lambda n: n.move({"g.a": (1, 2), "x": (3, 4)}),
        lambda n: n.with_values({"g.a.weight": torch.zeros(4, 4)}),
    ):
        changed = edit(net)
        assert changed != net
        assert net == before
        check_network(changed)


def test_add_by_path_and_in_groups():
    net = grouped().add(**{"g.c": ReLU(), "g.deep": Group()}).add(**{"g.deep.d": Linear(3)})
    assert list(net.all) == ["x", "first", "g", "g.x", "g.a", "g.b", "g.y", "g.c", "g.deep", "g.deep.d", "last"]
    assert net.chain("g.b", **{"g.e": ReLU()}).source_of(Port("g.e", "in")) == Port("g.b", "out")


def test_a_wire_replaces_the_one_before():
    net = chain().connect("x", "act")
    assert texts(net) == ["x/out -> act/in", "x/out -> fc/in"]
    assert net.connect("x", "act") is net


def test_ports_are_found_by_layer_alone():
    net = Network().chain(x=Input(("B", 4)), lstm=LSTM(4, states=True)).add(sum=Add(), mul=MatMul())
    net = net.connect("lstm", "sum").connect("lstm/h", "sum").connect("lstm", "mul").connect("lstm", "mul/other")
    assert net.inputs_of("sum") == ("0", "1")
    assert texts(net)[:4] == ["lstm/h -> sum/1", "lstm/out -> mul/in", "lstm/out -> mul/other", "lstm/out -> sum/0"]


def test_variadic_ports_have_gaps_and_close_at_the_end():
    net = Network().add(x=Input(("B",)), sum=Add()).connect("x", "sum/2").connect("x", "sum")
    assert net.inputs_of("sum") == ("0", "1", "2")
    assert net.disconnect("sum/2").inputs_of("sum") == ("0",)
    assert net.connect("x", "sum").disconnect("sum/1").inputs_of("sum") == ("0", "1", "2")


def test_outputs_without_output_layers_are_what_nothing_is_wired_to():
    net = Network().chain(x=Input(("B", 4)), a=LSTM(3, states=True), b=ReLU()).chain("a", c=ReLU()).add(y=Input())
    assert net.outputs == {"b": Port("b", "out"), "c": Port("c", "out")}
    assert net.connect("a/h", "c").outputs == {"b": Port("b", "out"), "c": Port("c", "out")}
    assert net.add(end=Output()).outputs == {}
    assert net.add(end=Output()).connect("a", "end").outputs == {"end": Port("a", "out")}


def test_layers_are_counted_without_the_groups_that_hold_them():
    held = Network().chain(x=Input(), a=ReLU(), y=Output())
    net = Network().chain(x=Input(("B", 4)), g=Group(held.chain("a", deeper=Group(held))))
    assert net.count == 3  # x, and one ReLU in each group; the ends of a group are its ports
    assert net.remove("g.deeper.a").count == 2
    assert Network().count == 0


def test_a_learnable_is_no_output_of_the_network():
    net = Network().add(p=Parameter((2, 2)), t=Permute((1, 0))).connect("p/value", "t")
    assert net.outputs == {}
    assert tied().outputs == {"b": Port("b", "out")}
    assert tied().add(t=Permute((1, 0))).connect("a/weight", "t").outputs == {"b": Port("b", "out")}


def test_what_makes_a_wire_learnable():
    net = tied().add(t=Permute((1, 0)), sum=Add(), m=MatMul())
    net = net.connect("a/weight", "t").connect("t", "sum").connect("a/weight", "sum").connect("a", "m")
    assert net.learnable_ports == {Port("a", "weight"), Port("t", "out"), Port("sum", "out")}
    assert Port("sum", "out") not in net.connect("a", "sum").learnable_ports
    assert not net.connect("sum", "m/other").is_learnable(Port("m", "out"))


def test_remove_takes_wires_values_and_aliases_along():
    net = grouped().with_values({"g.a.weight": torch.zeros(4, 4), "first.bias": torch.zeros(4)})
    net = Network(*net.__reduce__()[1][:5], aliases={"old.weight": "g.a.weight", "b": "first.bias"})
    less = net.remove("g")
    assert list(less.layers) == ["x", "first", "last"]
    assert texts(less) == ["x/out -> first/in"]
    assert (list(less.values), dict(less.aliases)) == (["first.bias"], {"b": "first.bias"})
    assert texts(net.remove("g.x")) == ["g.a/out -> g.b/in", "g.b/out -> g.y/in", "g/y -> last/in", "x/out -> first/in"]
    assert list(net.remove("g", "g.a").layers) == list(less.layers)


def test_rename_carries_wires_values_positions_and_aliases():
    net = grouped().with_values({"g.a.weight": torch.zeros(4, 4)}).move({"g": (1, 2), "g.a": (3, 4)})
    net = Network(*net.__reduce__()[1][:5], aliases={"old": "g.a.weight"}).rename("g", "block").rename("block.a", "fc")
    assert list(net.layers) == ["x", "first", "block", "last"]
    assert (list(net.values), dict(net.aliases)) == (["block.fc.weight"], {"old": "block.fc.weight"})
    assert (net.positions["block"], net.network_at("block").positions["fc"]) == ((1.0, 2.0), (3.0, 4.0))
    assert "first/out -> block/x" in texts(net)
    assert "block.x/out -> block.fc/in" in texts(net)


def test_renaming_an_inner_end_renames_the_port_of_its_group():
    net = grouped().add(again=Call()).connect("g/learnables", "again/learnables").connect("g", "again")
    net = net.chain("again", end=ReLU()).rename("g.x", "data").rename("g.y", "result")
    assert net.layers["g"].inputs() == ("data",)
    check_network(net)
    for wire in ("first/out -> g/data", "g/result -> again/data", "again/result -> end/in", "g/result -> last/in"):
        assert wire in texts(net)


def test_set_keeps_wires_and_values_whose_ports_and_learnables_stay():
    net = tied().with_values({"a.weight": torch.zeros(4, 4), "a.bias": torch.zeros(4)})
    assert net.set("a", note="first").values == net.values
    assert list(net.set("a", bias=False).values) == ["a.weight"]
    assert "a/weight -> b/weight" not in texts(net.set("a", output_learnables=()))
    assert "a/weight -> b/weight" in texts(net.set("a", out_features=9))
    assert "b.weight" not in net.set("b", input_learnables=()).values


def test_layers_with_the_same_ports_are_exchanged_at_once():
    inner = Network().chain(x=Input(("B", 4)), b=Linear(4), c=Linear(4))
    net = Network().add(a=Linear(4), block=Group(inner))
    new = net.exchange({name: Linear(4, frozen=("weight",)) for name in ("a", "block.b", "block.c")})
    assert new == net.set("a", frozen=("weight",)).set("block.b", frozen=("weight",)).set("block.c", frozen=("weight",))
    with pytest.raises(NetworkError, match=r"block\.b cannot be exchanged for a layer with other ports or learnables"):
        net.exchange({"block.b": Linear(4, bias=False)})


def test_several_layers_are_set_as_one_by_one():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(4, frozen=("bias",)), c=Linear(4, bias=False))
    one_by_one = net
    for name in "abc":
        one_by_one = one_by_one.set(name, bias=False, note="hi")
    assert net.set_all("abc", bias=False, note="hi") == one_by_one
    with pytest.raises(NetworkError, match="ReLU has no property 'bias'"):
        net.add(r=ReLU()).set_all(["a", "r"], bias=False)


def test_set_drops_what_is_said_of_learnables_that_go():
    net = Network().add(
        lstm=LSTM(
            4,
            num_layers=2,
            input_learnables=("bias_ih_l1", "weight_ih_l0"),
            output_learnables=("weight_hh_l1",),
            learn_rate_factors=(("bias_hh_l1", 2.0), ("bias_hh_l0", 3.0)),
            frozen=("bias_hh_l1", "bias_hh_l0"),
        )
    )
    lstm = net.set("lstm", num_layers=1).layers["lstm"]
    assert (lstm.input_learnables, lstm.output_learnables) == (("weight_ih_l0",), ())
    assert (lstm.learn_rate_factors, lstm.frozen) == ((("bias_hh_l0", 3.0),), ("bias_hh_l0",))


def test_replace_keeps_wires_whose_ports_exist_and_values_whose_learnables_do():
    net = chain().with_values({"fc.weight": torch.zeros(4, 4), "fc.bias": torch.zeros(4)})
    assert texts(net.replace("fc", LayerNorm())) == texts(net)
    assert list(net.replace("fc", LayerNorm()).values) == ["fc.weight", "fc.bias"]
    assert net.replace("fc", ReLU()).values == {}
    assert texts(net.replace("fc", Add())) == ["fc/out -> act/in"]
    assert texts(net.replace("fc", Linear(4, transposed=True), rename="new"))[0] == "new/out -> act/in"


def test_buffers_stay_while_the_type_does():
    norm = layer_types["BatchNorm1d"]
    net = Network().chain(x=Input(("B", 4)), norm=norm()).with_values({"norm.running_mean": torch.ones(4)})
    assert list(net.set("norm", momentum=0.2).values) == ["norm.running_mean"]
    assert net.replace("norm", LayerNorm()).values == {}


def test_calls_have_the_ports_of_what_they_call():
    net = called()
    assert (net.inputs_of("again"), net.outputs_of("again"), net.called("again")) == (("in",), ("out",), "fc")
    twice = net.add(third=Call()).connect("again/learnables", "third/learnables").connect("end", "third")
    assert twice.called("third") == "fc"
    assert texts(net.disconnect("again/learnables")) == texts(chain())
    assert texts(net.remove("fc")) == []
    assert texts(net.rename("fc", "shared"))[-1] == "x/out -> shared/in"
    check_network(net.replace("fc", Group(inside())))


def test_a_call_of_another_kind_of_layer_loses_the_wires_of_ports_that_go():
    net = called().add(sum=Add(), states=LSTM(4, states=True)).connect("sum/learnables", "again/learnables")
    assert "act/out -> again/in" not in texts(net)
    net = net.connect("act", "again").connect("act", "again")
    assert net.inputs_of("again") == ("0", "1")
    assert texts(net.connect("states/learnables", "again/learnables"))[0] == "again/out -> end/in"


def test_values_are_detached_copies_under_the_names_of_their_owners():
    weight = torch.zeros(4, 4, requires_grad=True)
    net = tied().with_values({"a.weight": weight})
    with torch.no_grad():
        weight += 1
    assert not net.values["a.weight"].requires_grad
    assert net.values["a.weight"].sum() == 0
    net = Network(*net.__reduce__()[1][:5], aliases={"b.weight": "a.weight"})
    assert net.with_values({"b.weight": torch.ones(4, 4)}).values["a.weight"].sum() == 16
    same = Network(*net.__reduce__()[1][:5], aliases={"a.weight": "a.weight"})  # as an edit leaves it
    assert same.with_values({"a.weight": torch.ones(4, 4)}).values["a.weight"].sum() == 16
    both = net.with_values({"a.weight": torch.ones(4, 4), "b.weight": torch.zeros(4, 4)})
    assert both.values["a.weight"].sum() == 16


def test_equality_is_by_content_and_order():
    values = {"fc.weight": torch.full((4, 4), math.nan)}
    assert chain().with_values(values) == chain().with_values(values)
    assert chain().with_values(values) != chain()
    assert chain().with_values({"fc.bias": torch.zeros(4)}) != chain().with_values(
        {"fc.bias": torch.zeros(4, dtype=torch.float64)}
    )
    assert chain() != Network().add(fc=Linear(4), x=Input(("B", 4)), act=ReLU()).connect("x", "fc").connect("fc", "act")
    assert chain().move({"x": (0, 1)}) != chain()
    assert chain().turn(True) != chain()
    assert chain().turn(True).turn(False) == chain()
    assert chain() != Network(chain().layers, chain().connections, dtype="float64")
    assert chain() != 3
    with pytest.raises(TypeError):
        hash(chain())


def test_each_level_has_a_direction_that_edits_keep():
    net = chain().add(g=Group(inside())).turn(True, "g")
    assert (net.down, net.network_at("g").down) == (False, True)
    assert net.turn(False) is net
    edited = net.rename("g", "h").set("fc", bias=False).add(**{"h.more": ReLU()}).remove("act")
    edited = edited.move({"h.more": (3, 4)}).chain("fc", last=ReLU()).disconnect("last/in").connect("fc", "last")
    assert (edited.down, edited.network_at("h").down) == (False, True)
    assert edited.with_values({"fc.weight": torch.ones(4, 4)}).turn(True).remove("last").down
    with pytest.raises(NetworkError, match="fc is not a group"):
        net.turn(True, "fc")


def test_networks_are_copied_and_pickled():
    net = called().with_values({"fc.bias": torch.ones(4)}).add(g=Group(inside())).turn(True, "g").turn(True)
    assert copy.copy(net) == copy.deepcopy(net) == pickle.loads(pickle.dumps(net)) == net
    with pytest.raises(TypeError):
        net.layers["fc"] = ReLU()


def test_layers_are_values():
    some = [Linear(3), Linear(out_features=3), Linear(3, learn_rate_factors={"weight": 1.0}), Linear(3, frozen=False)]
    assert len(set(some)) == 1
    assert len({Linear(3), Linear(4), Embedding(3, 3), Group(inside()), Group(inside())}) == 4
    assert Linear(3, frozen=True).frozen == ("weight", "bias")
    assert LSTM(3, input_learnables=["bias_hh_l0", "weight_ih_l0"]).input_learnables == ("weight_ih_l0", "bias_hh_l0")
    assert pickle.loads(pickle.dumps(Linear(3))) == Linear(3)
    with pytest.raises(AttributeError):
        Linear(3).bias = False


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Linear(0), "Linear.out_features must be a whole number of at least 1, not 0."),
        (lambda: Linear(3.0), "Linear.out_features must be a whole number of at least 1, not 3.0."),
        (lambda: Linear(True), "Linear.out_features must be a whole number of at least 1, not True."),
        (lambda: Linear(3, bias=1), "Linear.bias must be true or false, not 1."),
        (lambda: LayerNorm(eps=math.nan), "LayerNorm.eps must be a number of at least 0, not nan."),
        (lambda: LayerNorm(eps=-1), "LayerNorm.eps must be a number of at least 0, not -1."),
        (lambda: LayerNorm(eps="1"), "LayerNorm.eps must be a number of at least 0, not '1'."),
        (lambda: Linear(3, input_learnables=("gain",)), "Linear has no learnable 'gain'."),
        (lambda: Linear(3, bias=False, frozen=("bias",)), "Linear has no learnable 'bias'."),
        (lambda: Linear(3, learn_rate_factors={"gain": 1}), "Linear has no learnable 'gain'."),
        (lambda: Parameter((2,), input_learnables=("value",)), "A Parameter holds its value and cannot take it"),
        (lambda: Input("BT"), "The shape of an Input must be a list of sizes, not 'BT'."),
        (lambda: Input(("class",)), "'class' cannot name a size."),
        (lambda: Input(("B", "a b")), "'a b' cannot name a size."),
        (lambda: Input((-1,)), "Input.shape must be a list, each entry a whole number of at least 0 or a text"),
        (lambda: Input(("B",), dtype="text"), "Input.dtype must be one of 'float32', "),
        (lambda: Group(3), "A Group holds a Network, not 3."),
        (lambda: Network(dtype="int64"), "'int64' cannot be the dtype of learnables."),
    ],
)
def test_layers_refuse_what_makes_no_sense(make, sentence):
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        make()


@pytest.mark.parametrize(
    "name", ["", "a b", "é", "class", "forward", "self", "nn", "_x", "x.y.", "1a", "01", "a" * 201]
)
def test_names_that_python_or_torch_could_not_take(name):
    with pytest.raises(NetworkError):
        Network().add(**{name: ReLU()})
    with pytest.raises(NetworkError, match="cannot be the name of a layer"):
        chain().rename("fc", name)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda n: n.add(fc=ReLU()), "There is already a layer named 'fc'."),
        (lambda n: n.add(new=3), "'new' must be a layer, not 3."),
        (lambda n: n.add(**{"no.new": ReLU()}), "There is no layer 'no'."),
        (lambda n: n.add(**{"fc.new": ReLU()}), "fc is not a group."),
        (lambda n: n.add(**{".new": ReLU()}), "'.new' cannot be the name of a layer."),
        (lambda n: n.chain("fc", act=ReLU()), "There is already a layer named 'act'."),
        (lambda n: n.chain("no", new=ReLU()), "There is no layer 'no'."),
        (lambda n: n.connect("no", "fc"), "There is no layer 'no'."),
        (lambda n: n.connect("x", "no"), "There is no layer 'no'."),
        (lambda n: n.connect("x/up", "fc"), "x has no output 'up'."),
        (lambda n: n.connect("x", "fc/up"), "fc has no input 'up'."),
        (lambda n: n.connect("fc/weight", "act"), "fc has no output 'weight'."),
        (lambda n: n.connect("x", "fc/weight"), "fc has no input 'weight'."),
        (lambda n: n.connect("act", "x"), "x takes no data."),
        (lambda n: n.add(p=Parameter()).connect("p", "fc"), "p gives no data: name the port, as in 'p/weight'."),
        (lambda n: n.connect("act", "fc"), "Connecting act/out to fc/in would make a loop."),
        (lambda n: n.connect("fc", "fc"), "Connecting fc/out to fc/in would make a loop."),
        (lambda n: n.add(s=Concatenate()).connect("x", "s/01"), "s has no input '01'."),
        (lambda n: n.add(s=Concatenate()).connect("x", "s/999999"), "s has no input '999999'."),
        (lambda n: n.disconnect("x"), "x takes no data."),
        (lambda n: n.disconnect("fc").disconnect("fc"), "Nothing is connected to fc/in."),
        (lambda n: n.remove("fc", "no"), "There is no layer 'no'."),
        (lambda n: n.replace("no", ReLU()), "There is no layer 'no'."),
        (lambda n: n.replace("fc", 3), "'fc' must be a layer, not 3."),
        (lambda n: n.rename("fc", "act"), "There is already a layer named 'act'."),
        (lambda n: n.rename("no", "yes"), "There is no layer 'no'."),
        (lambda n: n.set("fc", size=3), "Linear has no property 'size'."),
        (lambda n: n.set("fc", out_features=-3), "must be a whole number of at least 1, not -3."),
        (lambda n: n.move({"no": (1, 2)}), "There is no layer 'no'."),
        (lambda n: n.move({"fc": (1, math.inf)}), "The position of fc must be two finite numbers, not (1, inf)."),
        (lambda n: n.move({"fc": ("1", 2)}), "The position of fc must be two finite numbers, not ('1', 2)."),
        (lambda n: n.connect(None, "fc"), "A port is named as in 'emb/weight', not None."),
        (lambda n: n.with_values({"no.weight": torch.ones(1)}), "No layer has a learnable or buffer 'no.weight'."),
        (lambda n: n.with_values({"fc": torch.ones(1)}), "No layer has a learnable or buffer 'fc'."),
        (lambda n: n.with_values({"act.weight": torch.ones(1)}), "No layer has a learnable or buffer 'act.weight'."),
        (lambda n: n.with_values({"fc.weight": 3}), "The value of fc.weight must be a tensor, not 3."),
        (lambda n: n.layer("g.no"), "There is no layer 'g.no'."),
        (lambda n: n.network_at("fc"), "fc is not a group."),
    ],
)
def test_edits_refuse_what_makes_no_sense(edit, sentence):
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        edit(chain())


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda n: n.connect("x", "g.a"), "x/out is data: it cannot cross the border of a group to g.a/in."),
        (lambda n: n.connect("g.a", "last"), "g.a/out is data: it cannot cross the border of a group to last/in."),
        (lambda n: n.connect("g", "g.a"), "would make a loop."),
        (
            lambda n: n.chain("x", **{"g.new": ReLU()}),
            "x/out is data: it cannot cross the border of a group to g.new/in.",
        ),
        (lambda n: n.connect("g", "g"), "Connecting g/y to g/x would make a loop."),
        (lambda n: n.connect("last", "g"), "Connecting last/out to g/x would make a loop."),
        (lambda n: n.rename("g", "a.b"), "'a.b' cannot be the name of a layer."),
        (lambda n: n.with_values({"g.weight": torch.ones(1)}), "No layer has a learnable or buffer 'g.weight'."),
        (lambda n: n.replace("g", Group(Network(values={"a": torch.ones(1)}))), "holds no values"),
    ],
)
def test_borders_of_groups(edit, sentence):
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        edit(grouped())


def test_data_may_cross_a_border_to_a_learnable_only_from_the_network_that_holds_the_wire():
    net = grouped().set("g.a", input_learnables=("weight",)).add(w=Input((4, 4)))
    assert "w/out -> g.a/weight" in texts(net.connect("w", "g.a/weight"))
    deeper = net.add(h=Group(Network().chain(x=Input(), make=ReLU()))).connect("w", "h")
    with pytest.raises(NetworkError, match=r"h\.make/out is data"):
        deeper.connect("h.make", "g.a/weight")


def test_what_becomes_data_may_not_stay_across_a_border():
    net = tied().add(t=Permute((1, 0)), g=Group(inside())).connect("a/weight", "t").add(**{"g.m": MatMul()})
    net = net.connect("t", "g.m/other")
    with pytest.raises(NetworkError, match="t/out is data"):
        net.connect("x", "t")
    with pytest.raises(NetworkError, match="is data"):
        net.set("a", input_learnables=("weight",)).add(w=Input((4, 4))).connect("w", "a/weight")


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("fc/learnables", "act", "fc/learnables is a bundle of learnables: it goes to the learnables of a Call"),
        ("fc/weight", "again/learnables", "again/learnables says what is called: it takes the learnables of a layer"),
        ("g.a/learnables", "again/learnables", "again can call only what stands beside it, not g.a."),
        ("again/learnables", "again/learnables", "Connecting again/learnables to again/learnables would make a loop."),
        ("x/learnables", "again/learnables", "x has no output 'learnables'."),
        ("g/learnables", "g.call/learnables", "g.call can call only what stands beside it, not g."),
    ],
)
def test_what_a_call_may_call(source, target, sentence):
    net = (
        chain().set("fc", output_learnables=("weight",)).add(g=Group(inside()), again=Call()).add(**{"g.call": Call()})
    )
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        net.connect(source, target)


def test_a_ring_of_calls_is_refused():
    net = called().add(third=Call()).connect("again/learnables", "third/learnables")
    with pytest.raises(NetworkError, match="loop"):
        net.connect("third/learnables", "again/learnables")


def test_rings_of_ties_and_hypernetworks_that_feed_themselves_are_refused():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(4))
    both = {"input_learnables": ("weight",), "output_learnables": ("weight",)}
    net = net.set("a", **both).set("b", **both).connect("a/weight", "b/weight")
    with pytest.raises(NetworkError, match="Connecting b/weight to a/weight would make a loop"):
        net.connect("b/weight", "a/weight")
    with pytest.raises(NetworkError, match="Connecting b/out to a/weight would make a loop"):
        net.connect("b", "a/weight")
    against = Network().chain(x=Input(("B", 4)), a=Linear(4, input_learnables=("weight",)), b=Linear(4))
    against = against.set("b", output_learnables=("weight",)).connect("b/weight", "a/weight")
    assert texts(against)[1] == "b/weight -> a/weight"  # against the flow of data: no loop


def test_groups_are_not_deeper_than_files_may_be():
    net = inside()
    for _ in range(64):
        net = Network().chain(x=Input(), g=Group(net), y=Output())
    with pytest.raises(NetworkError, match="Groups cannot stand in groups more than 64 deep"):
        Group(net)


def test_numbers_name_layers_of_a_module_dict():
    net = Network().add(**{"0": ReLU(), "10": ReLU()})
    for name in ("keys", "values", "items"):
        with pytest.raises(NetworkError, match="cannot name a layer beside one that is named by a number"):
            net.add(**{name: ReLU()})
        assert name in Network().add(**{name: ReLU()}).layers


@pytest.mark.parametrize(
    ("layers", "wires", "sentence"),
    [
        ({"a": ReLU()}, {("a", "in"): ("no", "out")}, "A wire ends at 'no/out', but there is no layer of that name."),
        ({"a": ReLU()}, {("a", "up"): ("a", "out")}, "There is no input 'a/up'."),
        ({"a": ReLU(), "b": ReLU()}, {("a", "in"): ("b", "up")}, "There is no output 'b/up' for 'a/in'."),
        ({"a": ReLU(), "b": ReLU()}, {("a", "in"): ("b", "out"), ("b", "in"): ("a", "out")}, "its wires make a loop."),
        ({"a": ReLU(), "g": Group(inside())}, {("a", "in"): ("g.a", "out")}, "g.a/out is data"),
        ({"g": Group(inside())}, {("g.a", "in"): ("g.x", "out")}, "must be kept inside g."),
        ({"a": Linear(3), "c": Call()}, {("c", "learnables"): ("a", "out")}, "says what is called"),
        (
            {"a": Call(), "b": Call()},
            {("a", "learnables"): ("b", "learnables"), ("b", "learnables"): ("a", "learnables")},
            "calls itself.",
        ),
        ({"class": ReLU()}, {}, "'class' cannot be the name of a layer."),
        ({3: ReLU()}, {}, "3 cannot be the name of a layer."),
    ],
)
def test_networks_that_no_edits_could_have_made(layers, wires, sentence):
    net = Network(layers, {Port(*target): Port(*source) for target, source in wires.items()})
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        check_network(net)


def test_calls_in_called_groups_do_not_grow_without_end():
    net = inside()
    for _ in range(30):
        net = Network().chain(x=Input(), g=Group(net)).add(c=Call(), y=Output())
        net = net.connect("g/learnables", "c/learnables").connect("g", "c").connect("c", "y")
    with pytest.raises(NetworkError, match=r"With all that its Calls call it has [0-9,]{10,} layers, and 100,000 are"):
        check_network(net)


def test_check_network_passes_what_edits_make():
    for net in (chain(), grouped(), tied(), called()):
        check_network(net.with_values({f"{next(iter(list(net.layers)[1:]))}.bias": torch.zeros(4)}))


@pytest.mark.parametrize("shared", [True, False], ids=["one network", "equal ones"])
@pytest.mark.parametrize(
    ("wires", "sentence"),
    [
        ({("b.m", "1"): ("x", "out")}, "x/out is data: it cannot cross the border of a group to b.m/1."),
        ({("b.m", "1"): ("w", "value")}, ""),
        ({("b.m", "other"): ("w", "value")}, "There is no input 'b.m/other'."),
        ({("b.c", "learnables"): ("a.m", "learnables")}, "b.c can call only what stands beside it, not a.m."),
    ],
)
def test_each_place_of_a_network_that_several_groups_hold_is_checked(shared, wires, sentence):
    def block():
        net = Network().add(x=Input(), m=Multiply(), c=Call(), y=Output())
        return net.connect("x", "m/0").connect("m", "y")

    first = block()
    groups = {"a": Group(first), "b": Group(first if shared else block())}
    connections = {Port(*target): Port(*source) for target, source in wires.items()}
    net = Network({"x": Input(), "w": Parameter((4,)), **groups}, connections)
    if sentence:
        with pytest.raises(NetworkError, match=re.escape(sentence)):
            check_network(net)
    else:
        check_network(net)


@pytest.mark.parametrize(
    ("target", "source", "sentence"),
    [
        (("a", "nothing"), ("x", "out"), "There is no input 'b.a/nothing'."),
        (("a", "in"), ("b", "nothing"), "There is no output 'b.b/nothing' for 'b.a/in'."),
        (("a", "in"), ("b", "out"), "needs itself: its wires make a loop."),
        (("a", "in"), ("gone", "out"), "A wire ends at 'gone/out', but there is no layer of that name."),
    ],
)
def test_what_is_wrong_in_a_network_that_several_groups_hold_is_told(target, source, sentence):
    good = inside()
    bad = Group(Network(good.layers, {**good.connections, Port(*target): Port(*source)}))
    net = Network({"x": Input(), "a": Group(good), "b": bad, "c": bad})
    with pytest.raises(NetworkError, match=re.escape(sentence).replace(r"b\.", r"[bc]\.")):
        check_network(net)
