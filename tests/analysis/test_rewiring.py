"""An analysis that follows edits of the wiring equals one from nothing, and does follow them."""

import random
import sys

import pytest
import torch

from designer import Network, NetworkError, analyze, group, ungroup
from designer.analysis.computing import computed, computed_after
from designer.analysis.difference import difference, unlike
from designer.layers import (
    Add,
    Call,
    Concatenate,
    Conv1d,
    Dropout,
    Embedding,
    Group,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    Output,
    Parameter,
    Permute,
    ReLU,
)
from designer.model import Port
from designer.model.names import join, parent

analyze_module = sys.modules["designer.analysis.analyze"]  # the package's attribute is the function
_whole = analyze_module._whole


def told(analysis):
    """All that an analysis says, with the facts behind it."""
    facts = {
        path: (
            {port: (flow.shape, flow.at) for port, flow in fact.outputs.items()},
            dict(fact.state),
            (fact.module, fact.error, fact.refused, fact.multiply_adds),
        )
        for path, fact in analysis.facts.items()
    }
    problems = [(p.severity, p.text, p.layers, [fix.text for fix in p.fixes]) for p in analysis.problems]
    flat = analysis.propagation.flat
    totals = analysis.stored, analysis.used, analysis.bytes, analysis.partial
    return list(analysis.rows), problems, facts, totals, flat.order, list(flat.layers), flat.sources


def compare(net):
    known = {name: net.__dict__.get(name) for name in ("all", "wires", "targets")}
    assert told(analyze(net)) == told(_whole(fresh := Network(*net.__reduce__()[1])))
    for name, carried in known.items():  # what the model carried from edit to edit
        if carried is not None:
            assert list(carried.items()) == list(getattr(fresh, name).items()) or name == "targets"
            assert carried == getattr(fresh, name)


@pytest.fixture
def wholes(monkeypatch):
    """The networks that were analyzed as a whole."""
    found = []
    monkeypatch.setattr(analyze_module, "_recent", analyze_module._recent.copy())
    analyze_module._recent.clear()
    monkeypatch.setattr(analyze_module, "_whole", lambda net: found.append(net) or _whole(net))
    return found


KINDS = (
    *(Linear(8), Linear(8, bias=False), ReLU(), LayerNorm(), Dropout(), Add(), Concatenate(1), MatMul(), Output()),
    *(Permute((1, 0)), Parameter((8, 8)), Parameter((8,)), Embedding(8, 8), Group(), Output(place='["y"]')),
)


def tied(ends):
    """Groups in groups, ties directly, through a Permute and into a group, a sum, a free learnable, Outputs or none."""
    block = Network().chain(x=Input(), up=Linear(8), act=ReLU(), down=Linear(8), y=Output())
    stage = Network().chain(x=Input(), norm=LayerNorm(), block=Group(block), sum=Add(), y=Output()).connect("x", "sum")
    net = Network().chain(
        x=Input(("B", 8)),
        enc=Linear(8, output_learnables=("weight",)),
        s=Group(stage),
        act=ReLU(),
        sum=Add(),
        dec=Linear(8),
    )
    net = net.connect("enc", "sum").add(shift=Parameter((8,)), free=Parameter((8, 8)), turn=Permute((1, 0)))
    net = net.connect("shift/value", "sum").connect("enc/weight", "turn").set("dec", input_learnables=("weight",))
    net = net.connect("turn", "dec/weight").set("s.block.up", input_learnables=("weight",))
    net = net.connect("free/value", "s.block.up/weight")
    return net.chain("dec", y=Output()).chain("act", side=Output()) if ends else net


def random_edit(pick, net, number):
    """An edit as people make them at one level of a network; it may be refused."""
    home = pick.choice(["", "", *(path for path, layer in net.walk() if isinstance(layer, Group))])
    level = net.network_at(home)
    names = [join(home, name) for name in level.layers]
    if not names:
        return net.add(**{join(home, "x"): Input()})
    path, other = pick.choice(names), pick.choice(names)
    new = join(home, f"n{number}")
    slots = [p for p in names if "weight" in net.layer(p).learnables()]
    match pick.choice(
        "add add wire wire wire cut remove insert turn offer take tie set note rename group flat".split()
    ):
        case "add":
            return net.add(**{new: pick.choice(KINDS)})
        case "wire":
            return net.connect(path, other)
        case "cut":
            return net.disconnect(pick.choice(list(level.connections)).above(home))
        case "remove":
            return net.remove(path)
        case "insert":
            target, source = (port.above(home) for port in pick.choice(list(level.connections.items())))
            net = net.add(**{new: pick.choice([Linear(8), ReLU(), Add(), LayerNorm()])})
            return net.connect(source, new).connect(new, target)
        case "turn":
            target, source = (port.above(home) for port in pick.choice(list(net.connections.items())))
            return net.add(**{new: Permute((1, 0))}).connect(source, new).connect(new, target)
        case "offer" | "take" as which:
            field = f"{'out' if which == 'offer' else 'in'}put_learnables"
            at = pick.choice(slots)
            return net.set(at, **{field: () if getattr(net.layer(at), field) else ("weight",)})
        case "tie":
            owners = [Port(p, n) for p, layer in net.walk() for n in layer.output_learnables]
            into = [Port(p, n) for p, layer in net.walk() for n in layer.input_learnables]
            return net.connect(pick.choice(owners), pick.choice(into or [Port(other, "")]))
        case "set":
            return net.set(pick.choice(slots), bias=pick.random() < 0.5)
        case "note":
            return net.set(path, note=f"seen {number}")
        case "rename":
            return net.rename(path, f"r{number}")
        case "group":
            return group(net, [path, other], f"g{number}")
        case _:
            return ungroup(net, path)


def walk(seed, ends, steps, values=False):
    """How many edits were made, each compared."""
    pick = random.Random(f"{seed} {ends}")
    net = tied(ends)
    if values:
        net = net.with_values(
            {"enc.weight": torch.zeros(8, 8), "enc.bias": torch.ones(8), "s.norm.weight": torch.ones(8)}
        )
    past = [net]
    compare(net)
    for number in range(steps):
        try:
            made = random_edit(pick, net, number)
        except (NetworkError, IndexError, TypeError):
            continue
        if pick.random() < 0.1:
            made = pick.choice(past[-6:])  # undone, and often made anew
        compare(made)
        failed = [problem for problem in analyze(made).problems if "cannot take" in problem.text]
        if (
            not failed or pick.random() < 0.1
        ):  # what fails is often undone at once, so that there is something to follow
            net = made
            past.append(net)
    return len(past)


@pytest.mark.parametrize("ends", [True, False], ids=["with outputs", "without"])
def test_random_edits_of_the_wiring(ends, wholes):
    made = sum(walk(seed, ends, 40) for seed in range(3))
    assert made >= 80
    assert len(wholes) <= made / 2


@pytest.mark.nightly
@pytest.mark.parametrize("ends", [True, False], ids=["with outputs", "without"])
@pytest.mark.parametrize("values", [True, False], ids=["with values", "bare"])
def test_many_random_edits_of_the_wiring(ends, values, wholes):
    made = sum(walk(seed, ends, 100, values) for seed in range(100, 130))
    assert made >= 1000
    assert len(wholes) <= made / 2


def chain(count=40):
    return Network().chain(x=Input(("B", 8)), **{f"l{n}": Linear(8) if n % 2 else ReLU() for n in range(count)})


def ordinary():
    """A network before and after each edit that must be followed."""
    net = chain()
    spare = net.add(extra=Linear(8))
    wired = spare.connect("l30", "extra")
    sides = net.add(sum=Add()).connect("l3", "sum").connect("l5", "sum")
    offered = net.set("l11", output_learnables=("weight",)).set("l21", input_learnables=("weight",))
    yield "add a layer", net, spare
    yield "connect it", spare, wired
    yield "cut it again", wired, wired.disconnect("extra")
    yield "replace a wire", wired, wired.connect("l20", "extra")
    yield "insert on a wire", wired, wired.connect("extra", "l31")
    yield "remove a layer", wired, wired.remove("extra")
    yield "remove one in the middle", net, net.remove("l20")
    yield "one more input", sides, sides.connect("l7", "sum")
    yield "one input less", sides, sides.disconnect("sum/1")
    yield "offer and take a learnable", net, offered
    yield "tie", offered, (wire := offered.connect("l11/weight", "l21/weight"))
    yield "untie", wire, wire.disconnect("l21/weight")
    yield "an Output", net, net.chain("l39", y=Output())
    yield "a value", net, net.with_values({"l1.bias": torch.zeros(8)})
    grouped = group(net, ["l10", "l11", "l12"], "g").add(**{"g.extra": Linear(8)})
    yield "connect in a group", grouped, (inner := grouped.connect("g.l11", "g.extra"))
    yield "remove in a group", inner, inner.remove("g.extra")
    yield "cut before a group", grouped, grouped.disconnect(next(t for t in grouped.connections if t.layer == "g"))
    yield "group", net, group(net, ["l10", "l11", "l12"], "g")
    yield "ungroup", grouped, ungroup(grouped, "g")
    yield "remove a group", grouped, grouped.remove("g")


@pytest.mark.parametrize(("before", "after"), [pytest.param(a, b, id=name) for name, a, b in ordinary()])
def test_an_ordinary_edit_is_followed(before, after, wholes):
    analyze(before)
    compare(after)
    assert wholes == [before]
    compare(before)
    assert wholes == [before]
    analyze_module._recent.clear()
    analyze(after)
    compare(Network(*before.__reduce__()[1]))  # undone
    assert wholes == [before, after]


def test_a_connect_shares_the_rows_of_all_other_layers(wholes):
    net = chain().add(extra=Linear(8))
    before = analyze(net)
    after = analyze(net.connect("l30", "extra"))
    assert [row.name for row in after.rows if row is not before.row(row.name)] == ["extra"]
    assert len(wholes) == 1


def test_what_is_not_known_to_be_exact_is_analyzed_as_a_whole(wholes):
    net = chain(6).add(again=Call()).connect("l5/learnables", "again/learnables")
    compare(net)
    compare(net.connect("l2", "again"))
    compare(chain(6).add(c=Linear(3)).connect("l5", "c").add(s=Add()).connect("c", "s").connect("l5", "s"))
    compare(Network().chain(x=Input(("B", "T", 8)), a=Linear(8)))
    assert len(wholes) == 4


def test_the_sizes_that_are_tried_are_those_of_the_network(wholes):
    net = Network().chain(x=Input(("B", 8, "T")), a=Conv1d(8, 700), b=ReLU())  # longer than the first that are tried
    compare(net)
    compare(net := net.set("a", kernel_size=3))
    compare(net := net.remove("a"))
    assert len(wholes) == 2
    compare(net := net.set("x", shape=("B", 4, "T")))
    assert len(wholes) == 2
    compare(net := net.set("x", shape=("B", 4, "S")))
    compare(net.add(other=Input(("B", "T"))))
    assert len(wholes) == 4


def test_a_second_use_follows_the_settings_of_what_it_calls():
    net = chain(6).add(again=Call()).connect("l5/learnables", "again/learnables").connect("l2", "again")
    compare(net)
    compare(net.set("l5", bias=False))
    compare(net.set("l5", out_features=3))


def test_values_of_another_type_are_told():
    net = chain(6)
    analyze(net)
    compare(net := net.with_values({"l1.weight": torch.zeros(8, 8, dtype=torch.float64)}))
    compare(net.remove("l1"))
    compare(net.with_values({"l1.weight": torch.zeros(8, 8)}))


@pytest.mark.parametrize("seed", range(20))
def test_the_order_after_an_edit(seed):
    """Layers with random feeders, in any order of adding, are compared with the order from nothing."""
    pick = random.Random(seed)
    names = [f"l{n}" for n in range(12)]
    rank = pick.sample(names, len(names)) if seed % 2 else names
    before = {name: tuple(f for f in rank[: rank.index(name)] if pick.random() < 0.2) for name in names}
    kept = 0
    for number in range(60):
        order, circular = computed(before)
        assert not circular
        after = dict(before)
        for _ in range(pick.randint(1, 3)):
            name = pick.choice(list(after))
            match pick.choice("cut feed feed remove add".split()):
                case "cut":
                    after[name] = after[name][1:]
                case "feed" if (other := pick.choice(list(after))) != name:
                    after[name] = (*after[name], other)
                case "remove" if len(after) > 6:
                    del after[name]
                    after = {path: tuple(f for f in feeders if f != name) for path, feeders in after.items()}
                case "add":
                    after[f"n{number}{len(after)}"] = (name,)
        if computed(after)[1]:
            continue
        others = [path for path, feeders in after.items() if feeders != before.get(path)]
        place, index = ({path: n for n, path in enumerate(paths)} for paths in (order, after))
        found = computed_after(order, place, before, after, others, index.__getitem__)
        assert found == computed(after)
        kept += found[0] is order
        before = after
    assert kept


@pytest.mark.parametrize("seed", range(20))
def test_what_is_unlike(seed):
    pick = random.Random(seed)
    values = [object() for _ in range(5)]
    before = {f"k{n}": pick.choice(values) for n in range(pick.randint(0, 200))}
    after = dict(before)
    for _ in range(pick.choice([0, 1, 5, 150])):
        if after and pick.random() < 0.5:
            key = pick.choice(list(after))
            value = after.pop(key)
            if pick.random() < 0.5:
                after[key] = pick.choice([value, *values])
        elif after and pick.random() < 0.5:
            after[pick.choice(list(after))] = pick.choice(values)
        else:
            after[f"n{len(after)}"] = pick.choice(values)
    keys, ordered = unlike(before, after)
    assert sorted(keys) == sorted(key for key in before | after if before.get(key) is not after.get(key))
    assert ordered == (list(before) == list(after))


def test_a_wire_that_comes_from_another_level_is_one_difference():
    inside = Network().chain(x=Input(), a=Linear(8, input_learnables=("weight",)), y=Output())
    inside = inside.add(b=Linear(8, output_learnables=("weight",))).connect("b/weight", "a/weight")
    net = chain(4).chain("l3", g=Group(inside)).set("l1", output_learnables=("weight",))
    found = difference(net, net.connect("l1/weight", "g.a/weight"))
    assert found.wires == {Port("g.a", "weight"): (Port("g.b", "weight"), Port("l1", "weight"))}
    assert parent("g.a") in found.groups


def test_readers_of_a_learnable_follow_an_owner_that_is_not_fed():
    net = Network().add(emb=Embedding(8, 8, output_learnables=("weight",)), p=Parameter((8, 8)), sum=Add())
    net = net.connect("p/value", "sum/0").connect("emb/weight", "sum/1")
    analyze(net)
    compare(net.set("emb", num_embeddings=9))
    assert any("sum cannot take" in problem.text for problem in analyze(net.set("emb", num_embeddings=9)).problems)
