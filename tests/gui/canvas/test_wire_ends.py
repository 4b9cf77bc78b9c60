"""The ends of wires that are there: jump to the other one, copy a wire, move all wires of an output."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group, tie
from designer.layers import Input, Linear, ReLU
from designer.model import Network, Port

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def it(stage):
    """One output that leads to three layers, and another one that leads to none."""
    net = Network().add(x=Input(("B", 8)), y=Input(("B", 8)), a=Linear(8), b=Linear(8), c=ReLU())
    for name in "abc":
        net = net.connect("x", name)
    places = {"x": (0, 0), "y": (0, 200), "a": (320, -100), "b": (320, 40), "c": (320, 180)}
    return stage(net.move(places))


def sources(it):
    return {target.layer: source.layer for target, source in it.network.connections.items()}


def test_a_double_click_on_a_wired_input_jumps_to_the_other_end(it):
    it.double_click(it.port("a", "in"))
    assert it.canvas.selection == {"x"}
    assert not it.undo_texts()


def test_a_double_click_on_an_output_with_several_wires_lists_the_other_ends(it):
    it.double_click(it.port("x", "out", out=True))
    box = it.canvas.frame.box
    assert [(line.title, line.hint, line.tail) for line in box.list.lines] == [
        ("a", "Linear", "in"),
        ("b", "Linear", "in"),
        ("c", "ReLU", "in"),
    ]
    QTest.keyClicks(box.field, "c")
    QTest.keyClick(box.field, Qt.Key.Key_Return)
    assert it.canvas.selection == {"c"}
    assert not box.isVisible()
    it.document.edit("Cut", it.network.disconnect("a/in").disconnect("b/in"))
    it.double_click(it.port("x", "out", out=True))
    assert not box.isVisible()
    assert it.canvas.selection == {"c"}


def test_a_double_click_on_a_free_output_lists_what_could_follow(it):
    it.double_click(it.port("y", "out", out=True))
    box = it.canvas.frame.box
    QTest.keyClicks(box.field, "relu")
    QTest.keyClick(box.field, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert it.network.source_of(Port("relu", "in")) == Port("y", "out")


def test_the_other_end_of_a_tie_may_lie_in_a_group(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8), c=Linear(8))
    it = stage(group(tie(net, "a/weight", "b/weight", "c/weight", permute=()), ["b"], "block"))
    it.double_click(it.port("a", "weight", out=True))
    box = it.canvas.frame.box
    assert {line.title for line in box.list.lines} == {"block.b", "c"}
    QTest.keyClicks(box.field, "block")
    QTest.keyClick(box.field, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert it.document.view.path == "block"
    assert it.canvas.selection == {"block.b"}
    it.double_click(it.port("block.b", "weight"))
    assert (it.document.view.path, it.canvas.selection) == ("", {"a"})


def test_control_drag_from_a_wired_input_copies_the_wire(it):
    it.document.edit("Cut", it.network.disconnect("c/in"))
    it.drag(it.port("a", "in"), it.port("c", "in"), CTRL)
    assert sources(it) == {"a": "x", "b": "x", "c": "x"}
    assert it.undo_texts()[1:] == ["Connect x to c"]
    it.drag(it.port("a", "in"), it.empty(), CTRL)  # onto nothing: what could follow, and the old wire stays
    assert it.canvas.frame.box.isVisible()
    QTest.keyClick(it.canvas.frame.box.field, Qt.Key.Key_Escape)
    assert sources(it) == {"a": "x", "b": "x", "c": "x"}


def test_control_drag_from_a_wired_output_moves_all_its_wires(it):
    start, end = it.port("x", "out", out=True), it.port("y", "out", out=True)
    it.press(start, CTRL)
    it.move(start, end)
    assert it.view.gesture.join.says == "3 wires to y"
    assert it.canvas.node("y").mark == "target"
    assert all(wire.pulled for wire in it.canvas.mirror.wires.values())
    it.view.viewport().grab()
    it.release(end, CTRL)
    assert sources(it) == {"a": "y", "b": "y", "c": "y"}
    assert it.undo_texts() == ["Move 3 wires from x to y"]
    it.drag(it.port("y", "out", out=True), it.body("x"), CTRL)  # a layer stands for its first output
    assert sources(it) == {"a": "x", "b": "x", "c": "x"}
    it.document.history.undo()
    it.document.history.undo()
    assert sources(it) == {"a": "x", "b": "x", "c": "x"}


def test_wires_that_would_make_a_loop_are_refused_before_the_release(it):
    start, end = it.port("x", "out", out=True), it.port("a", "out", out=True)
    it.press(start, CTRL)
    it.move(start, end)
    assert it.view.gesture.join.refused
    assert it.canvas.node("a").mark == "refused"
    it.release(end, CTRL)
    assert "loop" in it.refusals[-1]
    assert not it.undo_texts()


def test_wires_let_go_over_nothing_are_cut_and_escape_keeps_them(it):
    start = it.port("x", "out", out=True)
    it.press(start, CTRL)
    it.move(start, it.empty())
    assert it.view.gesture._sentence()[0] == "Cut 3 wires from x"
    it.key(Qt.Key.Key_Escape)
    it.release(it.empty(), CTRL)
    assert len(sources(it)) == 3
    it.press(start, CTRL)
    it.move(start, start + QPoint(60, 60))
    it.move(start + QPoint(60, 60), start)
    it.release(start, CTRL)  # back where they were
    assert not it.undo_texts()
    it.drag(start, it.empty(), CTRL)
    assert sources(it) == {}
    assert it.undo_texts() == ["Cut 3 wires from x"]


def test_ties_move_to_another_owner_and_a_cut_tie_keeps_its_values(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8), c=Linear(8), d=Linear(8))
    net = tie(net, "a/weight", "b/weight", "c/weight", permute=()).set("d", output_learnables=("weight",))
    it = stage(net)
    it.drag(it.port("a", "weight", out=True), it.port("d", "weight", out=True), CTRL)
    assert it.network.source_of(Port("b", "weight")) == Port("d", "weight")
    assert it.network.source_of(Port("c", "weight")) == Port("d", "weight")
    assert it.undo_texts() == ["Move 2 wires from a to d"]
    it.drag(it.port("d", "weight", out=True), it.empty(), CTRL)
    assert it.network.layer("b").owned == ("weight", "bias")
    assert (it.network.values["b.weight"] == it.network.values["d.weight"]).all()


def test_a_single_square_tie_that_moves_asks_which_way(stage):
    net = Network().add(x=Input(("B", 8)), a=Linear(8), b=Linear(8), c=Linear(8)).connect("x", "a").connect("x", "b")
    net = tie(net.connect("x", "c"), "a/weight", "b/weight", permute=()).set("c", output_learnables=("weight",))
    it = stage(net.move({"x": (0, 0), "a": (240, 0), "b": (560, 0), "c": (240, 240)}))
    it.drag(it.port("a", "weight", out=True), it.port("c", "weight", out=True), CTRL)
    assert it.canvas.choosing.pictures.isVisible()
    it.canvas.choosing.pictures.cards[0].click()
    assert it.network.source_of(Port("b", "weight")) == Port("c", "weight")
    assert len(it.undo_texts()) == 1


def test_a_node_is_lit_in_the_colour_of_the_wire_that_is_held_over_it(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8)).set("a", output_learnables=("weight",))
    it = stage(net.disconnect("b/in"))
    corner = it.at(it.canvas.node("b").pos() + QPointF(20, 0))
    for port, mark, color in (("out", "target", "data"), ("weight", "tie", "learn")):
        start, end = it.port("a", port, out=True), it.title("b")
        it.press(start)
        it.move(start, end)
        assert it.canvas.node("b").mark == mark
        image, wanted = it.view.viewport().grab().toImage(), getattr(it.view.theme, color).name()
        assert wanted in [image.pixelColor(corner + QPoint(0, down)).name() for down in range(-3, 4)]
        it.key(Qt.Key.Key_Escape)
        it.release(end)
