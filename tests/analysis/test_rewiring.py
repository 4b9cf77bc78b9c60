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
        x=Input(("B", 8)), enc=Linear(8, output_learnables=("weight",)), s=Group(stage), act=ReLU(), sum=Add(), dec=Linear(8)
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
    match pick.choice("add add wire wire wire cut remove insert turn offer take tie set note rename group flat".split()):
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
        net = net.with_values({"enc.weight": torch.zeros(8, 8), "enc.bias": torch.ones(8), "s.norm.weight": torch.ones(8)})
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
        if not failed or pick.random() < 0.1:  # what fails is often undone at once, so that there is something to follow
            net = made
            past.append(net)
    return len(past)


@pytest.mark.parametrize("ends", [True, False], ids=["with outputs", "without"])
def test_random_edits_of_the_wiring(ends, wholes):
    made = sum(walk(seed, ends, 40) for seed in range(5))
    assert made >= 80
    assert len(wholes) <= made / 2


@pytest.mark.nightly
@pytest.mark.parametrize("ends", [True, False], ids=["with outputs", "without"])
@pytest.mark.parametrize("values", [True, False], ids=["with values", "bare"])
def test_many_random_edits_of_the_wiring(ends, values, wholes):
    made = sum(walk(seed, ends, 100, values) for seed in range(100, 130))
    assert made >= 1000
    assert len(wholes) <= made / 2
