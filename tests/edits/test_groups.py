"""Group, ungroup and arrange."""

import itertools
import re

import pytest
import torch

from designer import Network, NetworkError, analyze, arrange, build, group, initialize, tie, ungroup
from designer.layers import LSTM, Add, Call, Embedding, Group, Input, LayerNorm, Linear, Output, ReLU
from designer.model import Port
from designer.model.checking import check_network


def model():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 8), lstm=LSTM(8), norm=LayerNorm(), head=Linear(50)
    )
    net = net.add(add=Add()).connect("emb", "add").connect("lstm", "add").connect("add", "norm")
    return initialize(tie(net, "emb/weight", "head/weight"))


def run(net):
    given = build(net).eval()(torch.arange(12).reshape(2, 6))
    return given if isinstance(given, tuple) else (given,)


def same(some, other):
    assert len(some) == len(other)
    assert all(torch.equal(a, b) for a, b in zip(some, other))


NAMES = (
    ["emb"],
    ["lstm"],
    ["lstm", "add"],
    ["norm", "head"],
    ["emb", "lstm", "add"],
    ["emb", "lstm", "norm", "head", "add"],
)


@pytest.mark.parametrize("names", NAMES, ids="-".join)
def test_group_and_back(names):
    net = model()
    grouped = group(net, names, "g")
    check_network(grouped)
    same(run(grouped), run(net))
    assert (analyze(grouped).stored, analyze(grouped).used) == (analyze(net).stored, analyze(net).used)
    assert analyze(grouped).row("g").stored == sum(analyze(net).row(name).stored for name in names)
    back = ungroup(grouped, "g")
    same(run(back), run(net))
    assert (back.connections, back.values.keys()) == (net.connections, net.values.keys())
    assert dict(back.layers) == dict(net.layers)


def test_group_of_neighbours_and_back_is_the_same_network():
    net = model()
    for names in (["lstm"], ["emb", "lstm"], ["norm", "head"]):
        assert ungroup(group(net, names, "g"), "g") == net


def test_a_group_may_have_the_name_of_a_layer_in_it():
    net = model()
    grouped = group(group(net, ["lstm", "add"], "lstm"), ["lstm", "norm"], "lstm")
    check_network(grouped)
    assert {"lstm.lstm.lstm", "lstm.norm"} <= set(grouped.all)
    same(run(grouped), run(net))
    same(run(ungroup(ungroup(grouped, "lstm"), "lstm")), run(net))


def test_order_of_outputs_stays():
    net = Network().chain(x=Input(("B", 4)), a=Linear(3), b=ReLU()).chain("x", c=Linear(2)).chain("x", d=Linear(5))
    net = initialize(net)
    x = torch.randn(2, 4)
    want = build(net)(x)
    for names in itertools.chain(itertools.combinations("abcd", 2), itertools.combinations("abcd", 3)):
        grouped = group(net, names, "g")
        same(build(grouped)(x), want)
        same(build(ungroup(grouped, "g"))(x), want)


def test_nested_groups_and_ports():
    net = group(group(model(), ["lstm", "add"], "inner"), ["inner", "norm"], "outer")
    assert net.layers["outer"].inputs() == ("emb",)
    assert net.layers["outer"].outputs() == ("norm_out",)
    assert net.network_at("outer.inner").inputs == ("emb",)
    same(run(net), run(model()))
    same(run(ungroup(ungroup(net, "outer"), "inner")), run(model()))
    same(run(ungroup(net, "outer.inner")), run(model()))


def test_a_tie_across_the_border_is_one_wire():
    net = group(model(), ["norm", "head"], "g")
    assert net.source_of(Port("g.head", "weight")) == Port("emb", "weight")
    assert Port("g.head", "weight") in net.connections
    net = group(net, ["emb"], "e")
    assert net.source_of(Port("g.head", "weight")) == Port("e.emb", "weight")
    both = group(net, ["e", "g", "lstm", "add"], "all")
    assert both.network_at("all").connections[Port("g.head", "weight")] == Port("e.emb", "weight")
    assert "all.e.emb.weight" in both.values


def test_data_into_a_learnable_crosses_by_path():
    net = Network().chain(x=Input(("B", 4)), fc=Linear(4, input_learnables=("weight",)))
    net = net.add(w=Input((4, 4))).connect("w", "fc/weight")
    grouped = group(net, ["fc"], "g")
    assert grouped.layers["g"].inputs() == ("x",)
    assert grouped.source_of(Port("g.fc", "weight")) == Port("w", "out")
    assert ungroup(grouped, "g") == net


def test_positions_follow():
    net = arrange(model())
    grouped = group(net, ["norm", "head"], "g")
    assert grouped.positions["g"] == net.positions["norm"]
    assert grouped.network_at("g").positions["head"] == net.positions["head"]
    assert ungroup(grouped, "g").positions == net.positions


def test_ungroup_renames_what_is_taken():
    inner = Network().chain(x=Input(), fc=Linear(4), y=Output())
    net = Network().chain(x=Input(("B", 4)), fc=Linear(4), g=Group(inner), **{"0": Linear(4)}).rename("g", "one")
    net = initialize(net)
    free = ungroup(net, "one")
    assert set(free.layers) == {"x", "fc", "fc_", "0"}
    assert torch.equal(free.values["fc_.weight"], net.values["one.fc.weight"])
    numbered = Network().chain(x=Input(("B", 4)), **{"0": Linear(4)}, g=Group(inner.rename("fc", "0")))
    assert set(ungroup(numbered, "g").layers) == {"x", "0", "g_0"}


def test_calls_stay_together():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=ReLU()).add(c=Call())
    net = initialize(net.connect("a/learnables", "c/learnables").connect("b", "c"))
    with pytest.raises(NetworkError, match="c calls a: a group cannot part them"):
        group(net, ["a"], "g")
    grouped = group(net, ["a", "b", "c"], "g")
    x = torch.randn(2, 4)
    assert torch.equal(build(grouped)(x), build(net)(x))
    outer = group(net, ["b"], "g").add(d=Call()).connect("g/learnables", "d/learnables").connect("c", "d")
    with pytest.raises(NetworkError, match="g is called by d, so its layers must stay together"):
        ungroup(outer, "g")


def test_one_layer_may_be_named_alone():
    net = model()
    assert group(net, "norm", "g") == group(net, ["norm"], "g")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda n: group(n, [], "g"), "There is nothing to group."),
        (lambda n: group(n, ["no"], "g"), "There is no layer 'no'."),
        (lambda n: group(n, ["tokens"], "g"), "tokens is an end of the network and cannot go into a group."),
        (lambda n: group(n, ["emb"], "head"), "There is already a layer named 'head'."),
        (lambda n: group(n, ["emb"], "a b"), "'a b' cannot be the name of a layer."),
        (lambda n: group(n, ["emb", "norm"], "g"), "would make a loop."),
        (lambda n: group(group(n, ["lstm"], "g"), ["g.lstm", "emb"], "h"), "do not stand side by side"),
        (lambda n: ungroup(n, "emb"), "emb is not a group."),
        (lambda n: ungroup(n, "no"), "There is no layer 'no'."),
    ],
)
def test_refusals(edit, sentence):
    with pytest.raises(NetworkError, match=re.escape(sentence)):
        edit(model())


def test_layers_of_a_moved_group_come_to_stand_in_its_place():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(4), end=Linear(4))
    net = net.move({"x": (0, 0), "a": (200, 0), "b": (440, 40), "end": (800, 0)})
    moved = group(net, ["a", "b"], "g").move({"g": (220, 300)})
    back = ungroup(moved, "g")
    assert back.positions == {"x": (0, 0), "a": (220, 300), "b": (460, 340), "end": (800, 0)}


def test_what_stands_right_of_a_group_gives_way_to_its_layers():
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(4), end=Linear(4), far=Linear(4))
    grouped = group(net.move({"a": (0, 0), "b": (240, 0)}), ["a", "b"], "g")
    grouped = grouped.move({"x": (-200, 0), "g": (0, 0), "end": (232, 0), "far": (464, 80)})
    back = ungroup(grouped, "g").positions
    assert (back["a"], back["b"], back["x"]) == ((0, 0), (240, 0), (-200, 0))
    assert back["end"][0] >= 240 + 112 + 32
    assert back["far"][0] - back["end"][0] == 232
    assert (back["end"][1], back["far"][1]) == (0, 80)


@pytest.mark.parametrize("down", [False, True], ids=["to the right", "downwards"])
def test_the_ends_of_a_new_group_stand_before_and_behind_its_layers(down):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU(), c=Linear(8), d=ReLU())
    net = arrange(net.add(z=Input(("B", 8)), s=Add()).connect("z", "s").connect("b", "s"), down=down)
    grouped = group(net, ["a", "b", "c", "s"], "g")
    inner, axis = grouped.network_at("g"), int(down)
    assert inner.positions.keys() == inner.layers.keys()
    begin = min(inner.positions[name][axis] for name in "abcs")
    end = max(inner.positions[name][axis] for name in "abcs")
    assert all(inner.positions[name][axis] < begin - 40 for name in inner.inputs)
    assert all(inner.positions[name][axis] > end + 40 for name in inner.ends)
    places = [inner.positions[name] for name in (*inner.inputs, *inner.ends)]
    assert len(set(places)) == len(places)
    assert ungroup(grouped, "g").positions == net.positions


def test_an_end_does_not_take_the_place_of_a_layer_outside_with_its_name():
    net = (
        Network()
        .chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8))
        .move({"x": (-900, 700), "a": (0, 0), "b": (240, 0)})
    )
    assert group(net, ["a", "b"], "g").network_at("g").positions["x"][1] == 0
