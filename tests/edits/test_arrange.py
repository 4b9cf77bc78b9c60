"""Arrange: no overlaps, a straight main line, few crossings, and little that moves."""

import itertools
import random
import time

import pytest

from designer import Network, NetworkError, arrange, group, tie, ungroup
from designer.edits.copying import copy, paste
from designer.edits.layered import Box, Wire, layered
from designer.edits.layered.columns import ranked
from designer.edits.layered.order import put_in_order
from designer.edits.outline import Outline, estimated_outline
from designer.layers import LSTM, Add, Concatenate, Embedding, Group, Input, Linear, Parameter, Permute, ReLU


def overlaps(net, sizes):
    boxes = {name: (*net.positions[name], *sizes[name][:2]) for name in net.layers}
    for (a, (x, y, w, h)), (b, (x2, y2, w2, h2)) in itertools.combinations(boxes.items(), 2):
        if x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h:
            yield a, b


def tied():
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 8), lstm=LSTM(8), head=Linear(50))
    return tie(net, "emb/weight", "head/weight")


def branching():
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU(), c=Linear(8)).chain("x", d=Linear(8), e=ReLU())
    net = net.add(sum=Add(), t=Permute((1, 0))).connect("c", "sum").connect("e", "sum").connect("x", "sum")
    net = net.chain("sum", f=Linear(8), g=Linear(8)).chain("sum", out2=ReLU())
    net = net.set("a", output_learnables=("weight",)).set("g", input_learnables=("weight",))
    return net.connect("a/weight", "t").connect("t", "g/weight").add(alone=Linear(3))


def residual(blocks=6):
    net = Network().chain(x=Input(("B", 8)))
    last = "x"
    for n in range(blocks):
        net = net.chain(last, **{f"fc{n}": Linear(8), f"relu{n}": ReLU(), f"out{n}": Linear(8)})
        net = net.add(**{f"sum{n}": Add()}).connect(f"out{n}", f"sum{n}").connect(last, f"sum{n}")
        last = f"sum{n}"
    return net


@pytest.mark.parametrize("make", [tied, branching, residual, lambda: group(branching(), ["sum", "f", "g"], "end")])
def test_no_layer_lies_over_another_and_data_leads_to_the_right(make):
    net = arrange(make())
    for path in ("", *(path for path, layer in net.walk() if isinstance(layer, Group))):
        level = net.network_at(path)
        assert set(level.positions) == set(level.layers)
        sizes = {name: estimated_outline(name, layer) for name, layer in level.layers.items()}
        assert list(overlaps(level, sizes)) == []
        for target, source in level.connections.items():
            first, last = source.layer.partition(".")[0], target.layer.partition(".")[0]
            if not level.is_learnable(source):
                assert level.positions[first][0] + sizes[first][0] < level.positions[last][0]
    assert dict(arrange(net).all) == dict(net.all)
    assert arrange(net) == net


def test_the_sizes_that_are_given_count():
    net = Network().chain(x=Input(("B", 8)), **{f"l{n}": ReLU() for n in range(3)}).chain("x", m=ReLU())
    sizes = {name: Outline(300.0 + 10 * n, 400.0) for n, name in enumerate(net.layers)}
    assert list(overlaps(arrange(net, sizes), sizes)) == []


def test_a_chain_stands_on_one_line_whatever_hangs_below():
    net = arrange(Network().chain(x=Input(("B", 8)), **{f"l{n}": Linear(8) if n % 2 else ReLU() for n in range(12)}))
    heights = {name: Outline(120.0, 60.0 + 40 * (n % 3)) for n, name in enumerate(net.layers)}
    assert len({y for _, y in arrange(net, heights).positions.values()}) == 1
    places = [net.positions[name][0] for name in net.layers]
    assert places == sorted(places)


def test_the_main_line_stays_straight_beside_shortcuts():
    net = arrange(residual())
    assert len({y for _, y in net.positions.values()}) == 1


def test_the_room_for_a_wire_around_layers_stays_free():
    """A branch that is a wire alone takes room as well: what stands beside keeps its distance to the main line."""
    boxes = [Box(100, 60) for _ in range(7)]
    #          the main line 0 1 2 3 4, a wire from 0 to 4, and a box above all of it
    wires = [Wire(0, 1), Wire(1, 2), Wire(2, 3), Wire(3, 4, into=80), Wire(0, 4, into=56), Wire(0, 5), Wire(5, 6)]
    places = layered(boxes, wires)
    assert len({places[item][1] for item in range(5)}) == 1
    assert all(abs(places[item][1] - places[0][1]) >= 100 for item in (5, 6))


def test_wires_into_several_ports_do_not_cross():
    net = Network().chain(x=Input(("B", "T", 8)), lstm=LSTM(8, states=True)).add(cat=Concatenate(-1))
    for n, port in enumerate(("out", "h", "c")):
        net = net.add(**{f"r{n}": ReLU()}).connect(f"lstm/{port}", f"r{n}").connect(f"r{n}", f"cat/{n}")
    heights = [arrange(net).positions[f"r{n}"][1] for n in range(3)]
    assert heights == sorted(heights)
    turned = net
    for n, port in enumerate(("c", "h", "out")):
        turned = turned.connect(f"lstm/{port}", f"r{n}").connect(f"r{n}", f"cat/{2 - n}")
    heights = [arrange(turned).positions[f"r{n}"][1] for n in range(3)]
    assert heights == sorted(heights, reverse=True)


def test_a_layer_on_a_learnable_wire_hangs_under_what_it_joins():
    net = arrange(branching())
    bottoms = {name: net.positions[name][1] + estimated_outline(name, net.layers[name]).height for name in "abcdefg"}
    assert net.positions["t"][1] > max(bottoms.values())
    assert net.positions["a"][0] < net.positions["t"][0] < net.positions["g"][0]


def test_a_parameter_that_meets_data_is_an_ordinary_source():
    net = Network().chain(x=Input(("B", 8)), fc=Linear(8)).add(bias=Parameter((8,)), sum=Add())
    net = arrange(net.connect("fc", "sum").connect("bias/value", "sum"))
    assert net.positions["bias"][0] < net.positions["sum"][0]
    assert net.positions["bias"][1] > net.positions["fc"][1]


def test_what_is_added_moves_little():
    before = arrange(residual())
    more = before.add(new=ReLU()).connect("fc2", "new").connect("new", "relu2")
    after = arrange(more)
    still = [name for name in before.layers if after.positions[name] == before.positions[name]]
    assert len(still) >= len(before.layers) // 2
    assert {after.positions[name][1] for name in before.layers} == {before.positions["x"][1]}


def test_an_order_that_is_as_good_is_kept():
    net = Network().chain(x=Input(("B", 8)), a=ReLU()).chain("x", b=ReLU())
    one = arrange(net)
    turned = one.move({"a": one.positions["b"], "b": one.positions["a"]})
    assert arrange(turned).positions == turned.positions


def test_only_some_layers():
    net = arrange(residual()).move({"fc1": (40.0, 900.0), "relu1": (10.0, 700.0), "x": (-300.0, -300.0)})
    some = arrange(net, names=["fc1", "relu1"])
    moved = {name for name in net.layers if some.positions[name] != net.positions[name]}
    assert moved <= {"fc1", "relu1"}
    assert moved
    assert some.positions["fc1"][1] == some.positions["relu1"][1]
    with pytest.raises(NetworkError, match="are not in one group"):
        arrange(group(net, ["fc0", "relu0"], "g"), names=["g.fc0", "x"])


def test_nothing_and_one_group():
    assert arrange(Network()) == Network()
    net = group(branching(), ["sum", "f", "g"], "end")
    inside = arrange(net, path="end")
    assert inside.positions == net.positions
    assert set(inside.network_at("end").positions) == set(net.network_at("end").layers)


def test_rings_and_parts_that_nothing_joins():
    places = layered([Box(100, 50)] * 5, [Wire(0, 1), Wire(1, 2), Wire(2, 0), Wire(3, 4), Wire(1, 1)])
    assert len({places[n][0] for n in range(3)}) == 3
    assert places[3][1] >= max(places[n][1] + 50 for n in range(3))


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs(seed):
    chance = random.Random(seed)
    count = chance.randint(1, 40)
    boxes = [Box(chance.choice((112, 168, 280)), chance.choice((44, 74, 200))) for _ in range(count)]
    wires = [
        Wire(*sorted(chance.sample(range(count), 2)), chance.choice((22.0, 56.0)), chance.choice((22.0, 56.0, 80.0)))
        for _ in range(chance.randint(0, 3 * count) if count > 1 else 0)
    ]
    tops = [chance.choice((None, chance.uniform(-500, 500))) for _ in boxes]
    places = layered(boxes, wires, tops)
    for (a, one), (b, other) in itertools.combinations(zip(places, boxes), 2):
        apart = a[0] + one.width <= b[0] or b[0] + other.width <= a[0]
        assert apart or a[1] + one.height <= b[1] or b[1] + other.height <= a[1]
    for wire in wires:
        assert places[wire.source][0] + boxes[wire.source].width < places[wire.target][0]


def test_sweeps_find_the_order_without_crossings():
    """A ladder whose rungs were laid crosswise comes straight."""
    boxes = [Box(100, 50)] * 24
    wires = [Wire(0, n) for n in range(1, 9)] + [Wire(n, 25 - n - 8) for n in range(1, 9)]
    found = ranked(boxes, wires)
    assert put_in_order(found) == 0


def test_wires_without_end_take_no_memory_without_end():
    """A deep U: half the wires span most of it, so bends would grow with the square of the layers."""
    count = 3000
    boxes = [Box(112, 44)] * count
    wires = [Wire(n, n + 1) for n in range(count - 1)] + [Wire(n, count - 1 - n) for n in range(count // 2 - 1)]
    start = time.process_time()
    places = layered(boxes, wires)
    assert len(places) == count
    assert len(ranked(boxes, wires).rank) <= count + 100_000
    assert time.process_time() - start < 60


def test_from_top_to_bottom():
    net = arrange(residual(), down=True)
    sizes = {name: estimated_outline(name, layer, down=True) for name, layer in net.layers.items()}
    assert list(overlaps(net, sizes)) == []
    assert len({x + sizes[name].width / 2 for name, (x, _) in net.positions.items()}) == 1
    for target, source in net.connections.items():
        assert net.positions[source.layer][1] + sizes[source.layer].height < net.positions[target.layer][1]
    assert arrange(net, down=True) == net


def test_a_direction_is_kept_until_another_is_asked_for():
    net = arrange(group(branching(), ["sum", "f", "g"], "end"), down=True)
    assert net.down
    assert net.network_at("end").down
    assert arrange(net) == net
    assert arrange(net, path="end", down=False).down
    inside = arrange(net, path="end", down=False).network_at("end")
    assert not inside.down
    assert len({y for _, y in inside.positions.values()}) < len({x for x, _ in inside.positions.values()})
    names = [*net.layers]
    assert not arrange(net, names=names, down=False).down
    assert arrange(net, names=names[:2], down=True).down
    with pytest.raises(NetworkError, match="Only all layers of a group together can be given another direction"):
        arrange(net, names=names[:2], down=False)


def test_from_top_to_bottom_expressions_stand_beside_what_they_join():
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), act=ReLU(), dec=Linear(784))
    net = arrange(tie(net, "enc/weight", "dec/weight", permute=(1, 0)), down=True)
    (name,) = net.layers.keys() - {"x", "enc", "act", "dec"}
    right = max(net.positions[n][0] + estimated_outline(n, net.layers[n], True).width for n in ("enc", "act", "dec"))
    x, y = net.positions[name]
    assert x > right
    assert net.positions["enc"][1] < y < net.positions["dec"][1]


def test_long_lines_go_on_in_rows():
    net = Network().chain(x=Input(("B", 8)), **{f"l{n}": Linear(8) for n in range(400)})
    line, rows = arrange(net), arrange(net, rows=True)
    sizes = {name: estimated_outline(name, layer) for name, layer in net.layers.items()}
    assert len({y for _, y in line.positions.values()}) == 1
    assert list(overlaps(rows, sizes)) == []
    heights = [rows.positions[name][1] for name in net.layers]
    assert heights == sorted(heights)
    wide, high = (max(at[n] for at in rows.positions.values()) for n in (0, 1))
    assert 1 < wide / high < 4
    short = Network().chain(x=Input(("B", 8)), **{f"l{n}": Linear(8) for n in range(40)})
    assert arrange(short, rows=True) == arrange(short)


def test_a_selection_stays_in_its_order_and_clear_of_the_rest():
    net = arrange(residual(2))
    some = arrange(net, names=["x", "out1"])
    assert some.positions["x"][0] < some.positions["out1"][0]
    sizes = {name: estimated_outline(name, layer) for name, layer in net.layers.items()}
    for names in (["x", "out1"], ["fc0", "sum1"], ["relu0", "relu1", "x"]):
        assert list(overlaps(arrange(net, names=names), sizes)) == []
    with pytest.raises(NetworkError, match="nope"):
        arrange(net, names=["nope"])


@pytest.mark.parametrize("seed", range(20))
def test_arranging_twice_changes_nothing(seed):
    chance = random.Random(seed)
    count = chance.randint(2, 40)
    boxes = [Box(chance.choice((112, 168, 280)), chance.choice((44, 74, 200))) for _ in range(count)]
    wires = [Wire(*sorted(chance.sample(range(count), 2))) for _ in range(chance.randint(0, 2 * count))]
    once = layered(boxes, wires)
    assert layered(boxes, wires, [y for _, y in once]) == once


def test_what_comes_into_a_network_of_another_direction_turns():
    net = arrange(group(branching(), ["sum", "f", "g"], "end"), path="")
    turned = ungroup(arrange(net, path="end", down=True), "end")
    assert not turned.down
    ends = {name: turned.positions[name] for name in ("sum", "f", "g")}
    assert ends["sum"][0] < ends["f"][0] < ends["g"][0]
    part = copy(arrange(branching(), down=True), ["f", "g"])
    into_nothing = paste(Network(), part, "").network
    assert into_nothing.down
    beside = paste(arrange(branching()), part, "").network
    assert not beside.down
    (f, g) = [name for name in beside.layers if name not in branching().layers]
    assert beside.positions[f][0] + 112 <= beside.positions[g][0]
