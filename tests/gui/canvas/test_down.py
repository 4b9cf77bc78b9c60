"""From top to bottom: data enters above and leaves below, ties keep beside the layers, gestures follow."""

import itertools
import random

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import arrange, group, tie
from designer.gui.canvas.group_ports import label_rect
from designer.layers import LSTM, Add, Concatenate, Dropout, Input, Linear, MultiheadAttention, ReLU
from designer.model import Network, Port

CTRL = Qt.KeyboardModifier.ControlModifier
KEY = Qt.Key


def turned(it):
    """Arrange what is shown from top to bottom, in the sizes that it will have."""
    sizes, path = it.canvas.outlines(True), it.document.view.path
    it.document.attempt("Arrange", lambda net: arrange(net, sizes, path, down=True))
    it.canvas.fit(all=True, at_once=True)
    QApplication.processEvents()
    return it


def points(wire):
    return [wire.path().pointAtPercent(n / 300) for n in range(301)]


def passed(it, wire):
    """The layers that a wire leads through, without those at its ends."""
    ends = {wire.output_port.node, wire.input_port.node}
    inner = {n.look.path: n.frame.adjusted(1, 1, -1, -1) for n in it.canvas.nodes() if n not in ends}
    return {path for path, frame in inner.items() if any(frame.contains(at) for at in points(wire))}


def wires(it, learnable=False):
    return [wire for wire in it.canvas.mirror.wires.values() if wire.learnable == learnable]


@pytest.fixture
def line(stage, language_model):
    return turned(stage(language_model))


@pytest.fixture
def skips(stage):
    """Layers in a line, with wires that pass some of them."""
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU(), c=Linear(8))
    net = net.add(sum=Add(), cat=Concatenate()).connect("c", "sum").connect("a", "sum").connect("sum", "cat")
    return turned(stage(net.connect("x", "cat").chain("cat", end=Linear(4))))


def test_data_leads_straight_from_lower_edges_to_upper_ones(line):
    for wire in wires(line):
        start, end = wire.ends
        first, last = wire.output_port.node.frame, wire.input_port.node.frame
        assert start == QPointF(first.center().x(), first.bottom())
        assert end == QPointF(last.center().x(), last.top())
        assert {round(at.x(), 6) for at in points(wire)} == {start.x()}
        assert end.y() - start.y() >= 56  # room for the shape


def test_a_wire_leaves_and_arrives_upright_and_leads_around_layers(skips):
    for wire in wires(skips):
        assert passed(skips, wire) == set()
        start, *_, end = points(wire)
        near = wire.path().pointAtPercent(0.002), wire.path().pointAtPercent(0.998)
        assert near[0].y() - start.y() > 3 * abs(near[0].x() - start.x())
        assert end.y() - near[1].y() > 3 * abs(near[1].x() - end.x())
    assert any(wire.corners for wire in wires(skips))


def test_several_ports_stand_abreast_with_their_names_in_a_row_of_their_own(stage):
    net = Network().add(lstm=LSTM(8), attn=MultiheadAttention(4, cross=True), add=Add(), fc=Linear(4))
    it = turned(stage(net))
    for name in net.layers:
        node = it.canvas.node(name)
        for side, edge in ((node.inputs, 0.0), (node.outputs, node.form.height)):
            places = [port.pos() for port in side if not port.look.diamond]
            assert all(at.y() == edge for at in places)
            assert all(at.x() % 8 == 0 for at in places)
            assert all(other.x() - at.x() >= 24 for at, other in itertools.pairwise(places))
            assert sum(at.x() for at in places) / len(places) == node.form.width / 2
        for port in node.ports():
            if port.look.label and port.look.row < 0:
                rect = label_rect(node, port)
                assert QRectF(0, 0, node.form.width, node.form.height).contains(rect)
                assert rect.bottom() <= node.form.top or rect.top() >= node.form.section
                others = (label_rect(node, other) for other in node.ports() if other is not port and other.look.label)
                assert not any(rect.intersects(other) for other in others)
    attn = it.canvas.node("attn")
    assert it.view.hit(QPointF(it.at(attn.pos() + QPointF(44, attn.form.top + 16)))).what == "name"
    assert it.view.hit(QPointF(it.at(attn.inputs[1].anchor()))).port is attn.inputs[1]


def test_ties_keep_beside_layers_and_their_labels_off_them(stage, language_model):
    net = tie(language_model, "emb/weight", "fc/weight")
    it = turned(stage(net))
    (wire,) = wires(it, learnable=True)
    frames = [node.frame for node in it.canvas.nodes()]
    assert not any(frame.adjusted(1, 1, -1, -1).contains(at) for frame in frames for at in points(wire))
    assert wire.ends[0].x() == it.canvas.node("emb").frame.right()
    assert wire.ends[1].x() == it.canvas.node("fc").frame.left()
    rect = wire.pill_rect()
    assert not rect.isEmpty()
    assert not any(frame.intersects(rect) for frame in frames)
    assert wire.boundingRect().contains(rect)


def test_a_permutation_that_a_tie_brings_stands_beside(stage):
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), act=ReLU(), dec=Linear(784))
    it = turned(stage(net))
    it.canvas.tie("enc", "dec")
    (name,) = it.network.layers.keys() - net.layers.keys()
    frame, between = it.canvas.node(name).frame, [it.canvas.node(path).frame for path in ("enc", "act", "dec")]
    assert frame.left() > max(other.right() for other in between)
    assert between[0].top() < frame.center().y() < between[2].bottom()
    assert all(passed(it, wire) == set() for wire in wires(it, learnable=True))


def test_control_and_arrows_walk_along_wires_downwards(skips):
    skips.canvas.select({"x"})
    skips.key(KEY.Key_Down, CTRL)
    assert skips.canvas.selection == {"a"}
    skips.key(KEY.Key_Up, CTRL)
    skips.key(KEY.Key_Up, CTRL)
    assert skips.canvas.selection == {"x"}
    assert skips.refusals == ["There is no layer above to go to."]


def test_left_and_right_to_the_nearest(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8)).chain("x", b=Linear(8)).chain("b", c=Linear(8))
    it = turned(stage(net))
    left, right = sorted(("a", "b"), key=lambda path: it.canvas.node(path).x())
    it.canvas.select({left})
    it.key(KEY.Key_Right, CTRL)
    assert it.canvas.selection == {right}
    it.key(KEY.Key_Left, CTRL)
    assert it.canvas.selection == {left}


def test_a_new_layer_stands_below_the_selected_one(line):
    line.canvas.select({"probs"})
    path = line.canvas.add(Linear(4))
    above, below = line.canvas.node("probs").frame, line.canvas.node(path).frame
    assert below.top() - above.bottom() == pytest.approx(64, abs=4)
    assert below.center().x() == pytest.approx(above.center().x(), abs=8)
    assert line.network.source_of(Port(path, "in")) == Port("probs", "out")


def test_an_inserted_layer_makes_room_below(line):
    before = dict(line.network.positions)
    line.drop("ReLU", line.wire("fc/in"))
    frames = [line.canvas.node(path).frame for path in ("lstm", "relu", "fc", "probs")]
    assert all(upper.bottom() + 24 <= lower.top() for upper, lower in itertools.pairwise(frames))
    assert {line.network.positions[path] for path in ("tokens", "emb", "lstm")} <= {*before.values()}
    assert line.network.positions["fc"][0] == before["fc"][0]
    assert abs(frames[1].center().x() - frames[0].center().x()) <= 60


def test_a_wire_let_go_on_nothing_brings_a_layer_that_hangs_there(line):
    start = line.port("probs", "out", True)
    end = start + QPoint(0, 30)
    line.drag(start, end)
    box = line.canvas.frame.box
    assert box.isVisible()
    QTest.keyClicks(box.field, "dropout")
    QTest.keyClick(box.field, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert line.network.source_of(Port("dropout", "in")) == Port("probs", "out")
    (wire,) = (wire for wire in wires(line) if wire.target.layer == "dropout")
    assert abs(wire.ends[0].x() - wire.ends[1].x()) <= 8
    assert wire.ends[1].y() > wire.ends[0].y()


def test_a_layer_that_is_moved_snaps_under_its_neighbours(line):
    node = line.canvas.node("probs")
    line.canvas.view.set_camera(node.frame.center(), 1.0)
    at = line.body("probs")
    line.press(at)
    line.move(at, at + QPoint(90, 20))
    line.move(at + QPoint(90, 20), at + QPoint(3, 20))
    assert any(pull.other.node.look.path == "fc" for pull in line.view.gesture.snapping.pulls)
    line.release(at + QPoint(3, 20))
    assert node.frame.center().x() == line.canvas.node("fc").frame.center().x()


def test_ports_of_a_group_are_dragged_along_its_edge(stage):
    net = Network().add(one=Input(("B", 8)), two=Input(("B", 8)), sum=Add(), fc=Linear(8))
    net = net.connect("one", "sum").connect("two", "sum").connect("sum", "fc")
    it = turned(stage(group(net, ["sum", "fc"], "block")))
    node = it.canvas.node("block")
    names = [port.look.label for port in node.inputs]
    first, second = (it.at(node.pos() + label_rect(node, port).center()) for port in node.inputs)
    it.drag(first, second + QPoint(6, 0))
    assert [port.look.label for port in it.canvas.node("block").inputs] == names[::-1]
    it.double_click(it.at(node.pos() + label_rect(node, node.inputs[0]).center()))
    field = it.canvas.naming
    assert field.isVisible()
    assert field.geometry().center().x() == pytest.approx(it.port("block", names[1]).x(), abs=60)


def test_ties_that_leave_a_group_hang_beside(stage, language_model):
    net = group(tie(language_model, "emb/weight", "fc/weight"), ["lstm", "fc"], "block")
    it = stage(net)
    it.canvas.enter("block")
    turned(it)
    node = it.canvas.node("block.fc")
    (stub,) = node.stubs
    assert stub.pill_rect().right() < node.frame.left()
    assert stub.boundingRect().contains(stub.pill)
    for kind in ("all", "selected", "off"):
        it.document.look(ties=kind)
        it.canvas.widget.grab()


def test_entering_a_group_of_another_direction_and_back(line):
    line.document.attempt("Group", lambda net: group(net, ["lstm", "fc"], "block").turn(False, "block"))
    line.canvas.enter("block")
    assert not line.view.down
    assert line.port("block.fc", "out", True).y() < line.at(line.canvas.node("block.fc").frame.bottomLeft()).y() - 4
    line.canvas.leave()
    assert line.view.down
    assert line.canvas.node("block").inputs[0].y() == 0


def test_what_has_no_place_yet_is_put_as_data_leads(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU()).turn(True)
    it = stage(net)
    frames = [it.canvas.node(path).frame for path in ("x", "a", "b")]
    assert all(upper.bottom() < lower.top() for upper, lower in itertools.pairwise(frames))
    assert len({frame.center().x() for frame in frames}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_random_networks(stage, seed):
    """Data leads through no layer, whatever it joins."""
    chance = random.Random(seed)
    net, names = Network().add(x=Input(("B", 8))), ["x"]
    for n in range(16):
        kind = chance.choice([Linear(8), ReLU(), Dropout(), Add(), Concatenate()])
        net = net.add(**{f"l{n}": kind})
        for source in dict.fromkeys(chance.choices(names, k=2 if kind.variadic else 1)):
            net = net.connect(source, f"l{n}")
        names.append(f"l{n}")
    it = turned(stage(net))
    boxes = [node.frame for node in it.canvas.nodes()]
    assert not any(one.intersects(other) for one, other in itertools.combinations(boxes, 2))
    assert {path for wire in wires(it) for path in passed(it, wire)} == set()
    it.canvas.widget.grab()


def test_the_shape_stands_beside_wires_that_lead_both_ways(stage):
    net = Network().add(x=Input(("B", "T", 64)), a=ReLU(), b=ReLU(), c=ReLU())
    for name in "abc":
        net = net.connect("x", name)
    places = {"x": (0.0, 0.0), "a": (-160.0, 120.0), "b": (0.0, 120.0), "c": (160.0, 120.0)}
    it = stage(net.turn(True).move(places))
    it.view.set_camera(QPointF(60, 60), 1.0)
    rects = [rect for wire in wires(it) if not (rect := wire.shape_rect()).isEmpty()]
    (rect,) = rects
    assert not any(wire.near(4).intersects(rect) for wire in wires(it))
    assert any(wire.boundingRect().contains(rect) for wire in wires(it))
    it.view.grab()


def test_the_shape_stands_on_the_side_that_a_wire_does_not_turn_to(stage):
    net = Network().chain(x=Input(("B", "T", 64)), a=ReLU())
    for place, side in ((-160.0, 1), (160.0, -1)):
        it = stage(net.turn(True).move({"x": (0.0, 0.0), "a": (place, 120.0)}))
        (wire,) = wires(it)
        assert (wire.shape_rect().center().x() - wire.ends[0].x()) * side > 0
