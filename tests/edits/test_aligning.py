"""Layers in line and at like distances."""

import pytest

import designer
from designer import align, distribute
from designer.edits import group
from designer.edits.outline import Outline
from designer.layers import Input, Linear, ReLU
from designer.model import Network, NetworkError

SIZES = {"a": Outline(168.0, 68.0), "b": Outline(112.0, 44.0), "c": Outline(200.0, 100.0), "x": Outline(112.0, 44.0)}


@pytest.fixture
def net():
    made = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU(), c=Linear(8))
    return made.move({"x": (-300, 7), "a": (0, 0), "b": (240, 40), "c": (300, 96)})


@pytest.mark.parametrize(
    ("to", "places"),
    [
        ("left", {"a": (0, 0), "b": (0, 40), "c": (0, 96)}),
        ("centre", {"a": (166, 0), "b": (194, 40), "c": (150, 96)}),
        ("right", {"a": (332, 0), "b": (388, 40), "c": (300, 96)}),
        ("top", {"a": (0, 0), "b": (240, 0), "c": (300, 0)}),
        ("middle", {"a": (0, 64), "b": (240, 76), "c": (300, 48)}),
        ("bottom", {"a": (0, 128), "b": (240, 152), "c": (300, 96)}),
    ],
)
def test_edges_or_middles_come_on_one_line(net, to, places):
    made = align(net, "a", "b", "c", to=to, sizes=SIZES)
    assert made.positions == {**places, "x": (-300, 7)}
    assert align(made, "a", "b", "c", to=to, sizes=SIZES) is made
    assert made.layers == net.layers
    assert made.connections == net.connections


@pytest.mark.parametrize(("along", "axis"), [("horizontally", 0), ("vertically", 1)])
def test_gaps_become_alike_and_the_outermost_stay(net, along, axis):
    made = distribute(net, "c", "a", "x", "b", along=along, sizes=SIZES)
    order = sorted(made.positions, key=lambda name: made.positions[name][axis] + SIZES[name][axis] / 2)
    ends = [made.positions[name][axis] for name in order]
    gaps = [ends[n + 1] - ends[n] - SIZES[order[n]][axis] for n in range(3)]
    assert max(gaps) - min(gaps) <= 1  # whole pixels
    assert all(made.positions[name] == net.positions[name] for name in (order[0], order[-1]))
    assert all(made.positions[name][1 - axis] == net.positions[name][1 - axis] for name in order)


def test_without_sizes_they_are_estimated(net):
    made = align(net, "a", "b", to="right")
    assert made.positions["b"][0] + 112 == made.positions["a"][0] + 176


def test_inside_a_group(net):
    made = align(group(net, ["a", "b"], "block"), "block.a", "block.b", to="top")
    inner = made.layer("block").network.positions
    assert inner["a"][1] == inner["b"][1]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda net: align(net, "a", to="left"), "It takes two layers or more to align them."),
        (lambda net: align(net, "a", "a", to="left"), "It takes two layers or more to align them."),
        (
            lambda net: distribute(net, "a", "b", along="vertically"),
            "It takes three layers or more to distribute them.",
        ),
        (
            lambda net: align(net, "a", "b", to="center"),
            "to must be one of left, centre, right, top, middle, bottom, not 'center'.",
        ),
        (
            lambda net: distribute(net, "a", "b", "c", along="x"),
            "along must be horizontally or vertically, not 'x'.",
        ),
        (
            lambda net: align(group(net, ["a"], "block"), "block.a", "b", to="left"),
            "b and block.a are not in one group, so they cannot be put in line.",
        ),
        (
            lambda net: align(net.add(new=ReLU()), "a", "new", to="left"),
            "new has no position yet: arrange the network first.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(net, edit, says):
    with pytest.raises(NetworkError) as refusal:
        edit(net)
    assert str(refusal.value) == says


def test_an_unknown_layer_is_named(net):
    with pytest.raises(NetworkError, match="nothing"):
        align(net, "a", "nothing", to="left")
    assert designer.align is align
