"""The ways of data around the layers that stand between: through none, level, apart from each other."""

import itertools
import random

import pytest
from PySide6.QtCore import QPointF

from designer.analysis import analyze
from designer.edits import arrange, tie
from designer.gui.canvas.routes import ARROW
from designer.layers import Add, Concatenate, Input, Linear, ReLU
from designer.model import Network, Port


def frames(it):
    return {path: node.view.frame for path, node in it.canvas.mirror.nodes.items()}


def passed(it, target):
    """The layers that a wire leads through, without those at its ends."""
    wire = it.canvas.mirror.wires[Port.parse(target)]
    ends = {wire.output_port.node.look.path, wire.input_port.node.look.path}
    points = [wire.path().pointAtPercent(n / 400) for n in range(401)]
    inner = {path: frame.adjusted(1, 1, -1, -1) for path, frame in frames(it).items() if path not in ends}
    return {path for path, frame in inner.items() if any(frame.contains(point) for point in points)}


def chain(*places, **more):
    """Layers in a row, and a wire from the first to the last, which adds."""
    names = [f"l{n}" for n in range(len(places) - 2)]
    net = Network().chain(x=Input(("B", 8)), **{name: ReLU() for name in names})
    net = net.add(sum=Add(), **more).connect(names[-1], "sum").connect("x", "sum")
    return net.move(dict(zip(["x", *names, "sum"], places)))


ROW = [(240.0 * n, 0.0) for n in range(6)]


def test_a_wire_leads_around_what_stands_in_its_row(stage):
    it = stage(chain(*ROW))
    assert passed(it, "sum/1") == set()
    assert it.canvas.mirror.wires[Port("sum", "1")].corners
    assert not it.canvas.mirror.wires[Port("l1", "in")].corners


def test_it_stays_plain_where_nothing_stands_between(stage):
    it = stage(chain((0.0, 0.0), (240.0, 900.0), (480.0, 900.0), (720.0, 0.0)))
    assert not it.canvas.mirror.wires[Port("sum", "1")].corners


def test_a_layer_that_is_put_in_the_way_and_taken_out_again(stage, qtbot):
    it = stage(chain((0.0, 0.0), (240.0, 900.0), (480.0, 900.0), (960.0, 0.0)))
    wire = it.canvas.mirror.wires[Port("sum", "1")]
    plain = wire.path()
    it.document.attempt("Move", lambda net: net.move({"l0": (480.0, 0.0)}))
    qtbot.waitUntil(lambda: bool(wire.corners))
    assert passed(it, "sum/1") == set()
    it.document.attempt("Move", lambda net: net.move({"l0": (240.0, 900.0)}))
    qtbot.waitUntil(lambda: not wire.corners)
    assert wire.path() == plain


def test_it_may_lead_from_gap_to_gap(stage):
    """Walls from far above to the middle and from the middle to far below: no lane is free all the way."""
    places = {f"up{n}": (480.0, -2000.0 + 60 * n) for n in range(34)}
    places |= {f"down{n}": (960.0, -40.0 + 60 * n) for n in range(34)}
    walls = Network().add(**{name: ReLU() for name in places}).move(places)
    net = walls.add(x=Input(("B", 8)), y=Linear(8)).connect("x", "y").move({"x": (0.0, 0.0), "y": (1500.0, 0.0)})
    it = stage(net)
    assert passed(it, "y/in") == set()
    wire = it.canvas.mirror.wires[Port("y", "in")]
    assert len({corner.y() for corner in wire.corners}) > 1


def test_wires_of_two_ports_keep_apart_and_those_of_one_share(stage):
    names = [f"l{n}" for n in range(6)]
    net = Network().chain(x=Input(("B", 8)), **{name: ReLU() for name in names}, cat=Concatenate(-1))
    for name in ("x", "l0", "l1", "x"):
        net = net.connect(name, "cat")
    net = net.add(sum=Add()).connect("l4", "sum").connect("x", "sum")
    it = stage(net)
    levels = {}
    for target, wire in it.canvas.mirror.wires.items():
        for one, other in itertools.pairwise(wire.corners):
            if one.y() == other.y():
                levels.setdefault(wire.source, []).append((one.x(), other.x(), one.y(), target))
    assert len(levels) >= 3
    for some, others in itertools.combinations(levels.values(), 2):
        for (a, b, y, _), (c, d, z, _) in itertools.product(some, others):
            assert b <= c or d <= a or abs(y - z) >= 12
    assert len({y for _, _, y, _ in levels[Port("x", "out")]}) < len(levels[Port("x", "out")])


def test_rows_lead_down_to_the_next_one(stage):
    top = [(240.0 * n, 0.0) for n in range(6)]
    low = [(240.0 * n, 320.0) for n in range(6)]
    names = [f"l{n}" for n in range(10)]
    net = Network().chain(x=Input(("B", 8)), **{name: ReLU() for name in names}, y=Add())
    net = net.connect("x", "y").move(dict(zip(net.layers, [*top, *low])))
    it = stage(net)
    wire = it.canvas.mirror.wires[Port("l5", "in")]  # from the end of a row to the begin of the next
    assert 60 < min(corner.y() for corner in wire.corners[1:3]) < 320
    for target in it.canvas.mirror.wires:
        assert passed(it, str(target)) == set()


def test_past_several_rows_it_leads_beside_them(stage):
    places = [(240.0 * (n % 5) + 120 * (n // 5 % 2), 240.0 * (n // 5)) for n in range(25)]
    names = [f"l{n}" for n in range(23)]
    net = Network().chain(x=Input(("B", 8)), **{name: ReLU() for name in names}, y=Add())
    it = stage(net.connect("x", "y").move(dict(zip(net.layers, places))))
    assert passed(it, "y/1") == set()
    assert min(corner.x() for corner in it.canvas.mirror.wires[Port("y", "1")].corners) < 0


@pytest.mark.parametrize("seed", range(6))
def test_no_arranged_wire_leads_through_a_layer(stage, seed):
    chance = random.Random(seed)
    net = Network().chain(x=Input(("B", 8)))
    names = ["x"]
    for n in range(30):
        name = f"l{n}"
        sources = chance.sample(names[-8:], min(len(names), chance.choice((1, 1, 2, 3))))
        net = net.add(**{name: Add() if len(sources) > 1 else chance.choice((ReLU(), Linear(8)))})
        for source in sources:
            net = net.connect(source, name)
        names.append(name)
    it = stage(net)
    for target in it.canvas.mirror.wires:
        assert passed(it, str(target)) == set()


def test_the_shape_is_said_beside_the_level_part(stage):
    it = stage(chain(*ROW))
    wire = it.canvas.mirror.wires[Port("sum", "1")]
    assert 0 < wire.level < wire.room
    assert wire.level == wire.corners[0].x() - wire.ends[0].x()
    assert wire.corners[0] != QPointF()


@pytest.mark.parametrize("down", [False, True])
def test_the_arrow_of_a_tie_stands_on_its_line(stage, down):
    net = Network().chain(x=Input(("B", 8)), enc=Linear(4), relu=ReLU(), dec=Linear(8))
    it = stage(arrange(tie(net, "enc/weight", "dec/weight"), down=down))
    wire = it.canvas.mirror.wires[Port("permute", "in")]
    start, end = wire.ends
    assert abs(start.y() - end.y()) > 20
    points = [wire.path().pointAtPercent(n / 400) for n in range(401)]
    near = [point.y() for point in points if point.x() > end.x() - ARROW]
    assert len(near) > 10
    assert near == pytest.approx([end.y()] * len(near))


def test_no_way_is_found_anew_where_nothing_moved(stage):
    """Shapes come with an analysis: wires say them where they lie, the ties too that lie as before."""
    net = chain(*ROW)
    it = stage(net)
    it.analyzes = False
    it.document.edit("Set", net.set("l2", note="first"))
    led = it.view.leading.moves, [wire.path() for wire in it.canvas.mirror.wires.values()]
    found = []
    it.view.leading.ways.find, find = (lambda *wire: found.append(wire) or find(*wire)), it.view.leading.ways.find
    it.document.edit("Set", it.network.set("x", shape=("B", 16)))
    it.document.take_analysis(analyze(it.network))
    assert all(wire.label.endswith("16") for wire in it.canvas.mirror.wires.values())
    assert found == []
    assert led == (it.view.leading.moves, [wire.path() for wire in it.canvas.mirror.wires.values()])


def test_a_tie_that_leads_back_goes_between_its_layers(stage, qtbot):
    net = Network().chain(x=Input(("B", 8)), enc=Linear(4), dec=Linear(8))
    it = stage(arrange(tie(net, "enc/weight", "dec/weight")))
    capsule, enc = it.canvas.node("permute").frame, it.canvas.node("enc").frame
    assert capsule.top() - enc.bottom() >= 32
    wires = [it.canvas.mirror.wires[Port.parse(name)] for name in ("permute/in", "dec/weight")]
    for wire in wires:
        assert wire.room < 40
        assert wire.path().boundingRect().bottom() <= capsule.center().y()
    place = (capsule.x() - 134.0, enc.bottom() + 4.0)  # close to the lane
    it.document.attempt("Add", lambda net: net.add(near=ReLU()).move({"near": place}))
    qtbot.waitUntil(lambda: wires[0].path().boundingRect().bottom() > capsule.bottom())
    assert passed(it, "permute/in") == set()


def test_a_shape_stands_where_no_wire_passes_or_nowhere(stage):
    it = stage(chain(*ROW))
    wires = it.canvas.mirror.wires
    first, skip = wires[Port("l0", "in")], wires[Port("sum", "1")]
    for hidden, over in (((), skip.corners[0].y() > first.ends[0].y()), (("sum/1",), True)):
        it.document.look(hidden=frozenset(hidden))
        rects = [rect for wire in wires.values() if not (rect := wire.shape_rect()).isEmpty()]
        assert len(rects) >= 4
        assert not any(wire.near(10.0).intersects(rect) for wire in wires.values() for rect in rects)
        assert (first.shape_rect().bottom() < first.ends[0].y()) == over
    it.document.look(hidden=frozenset())
    it.view.grab()


def test_a_shape_that_is_struck_everywhere_is_left_out(stage):
    net = Network().add(x=Input(("B", 64)), a=ReLU(), up=Input(("B", 64)), b=ReLU()).connect("x", "a")
    it = stage(net.move({"x": (0.0, 0.0), "a": (200.0, 0.0), "up": (120.0, -300.0), "b": (136.0, 300.0)}))
    wire = it.canvas.mirror.wires[Port("a", "in")]
    assert not wire.shape_rect().isEmpty()
    it.document.attempt("Connect", lambda net: net.connect("up", "b").move({"up": (20.0, -300.0)}))
    across = it.canvas.mirror.wires[Port("b", "in")]
    assert across.near(10.0).intersects(wire.path().boundingRect().adjusted(0, -1, 0, 1))
    assert wire.shape_rect().isEmpty()
