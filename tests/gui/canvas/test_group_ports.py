"""The ports of a group on the canvas: renamed, moved, removed, with the mouse and by keys."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group
from designer.gui.canvas.group_ports import data_ports, label_rect
from designer.layers import Concatenate, Input, Linear
from designer.model import Network, Port


@pytest.fixture
def it(stage):
    net = Network().chain(x=Input(("B", 4)), a=Linear(4)).chain(y=Input(("B", 4)), b=Linear(4))
    net = net.add(both=Concatenate(), end=Linear(2)).connect("a", "both").connect("b", "both").connect("both", "end")
    net = group(net, ["a", "b", "both"], "block")
    return stage(net.move({"x": (0, 0), "y": (0, 120), "block": (240, 40), "end": (560, 40)}))


def label(it, name, out=False):
    node = it.canvas.node("block")
    return it.at(node.pos() + label_rect(node, node.port(name, out)).center())


def order(it):
    return [port.name for port in data_ports(it.canvas.node("block"), out=False)]


def type_name(it, text):
    field = it.canvas.naming
    assert field.isVisible()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert not field.isVisible()


def test_a_port_is_dragged_below_another(it):
    wires = dict(it.network.wires)
    it.drag(label(it, "x"), label(it, "y"))
    assert order(it) == ["y", "x"]
    assert it.network.wires == wires
    assert it.undo_texts() == ["Move port block.x"]
    it.drag(label(it, "x"), label(it, "x") + QPoint(0, -300))
    assert order(it) == ["x", "y"]
    it.drag(label(it, "x"), label(it, "y") + QPoint(-400, 0))
    assert len(it.undo_texts()) == 2
    it.press(label(it, "x"))
    it.move(label(it, "x"), label(it, "y"))
    it.view.grab()
    it.key(Qt.Key.Key_Escape)
    it.release(label(it, "y"))
    assert order(it) == ["x", "y"]


def test_a_click_at_its_name_selects_the_group(it):
    it.click(label(it, "x"))
    assert it.canvas.selection == {"block"}
    assert not it.undo_texts()


def test_a_double_click_at_its_name_renames_it(it):
    it.double_click(label(it, "x"))
    type_name(it, "left")
    assert it.network.layer("block").inputs() == ("left", "y")
    assert it.network.source_of(Port("block", "left")) == Port("x", "out")
    assert it.undo_texts() == ["Rename block.x to left"]
    it.double_click(label(it, "y"))
    QTest.keyClicks(it.canvas.naming, "left")
    QTest.keyClick(it.canvas.naming, Qt.Key.Key_Return)
    assert it.refusals == ["There is already a layer named 'block.left'."]
    QTest.keyClick(it.canvas.naming, Qt.Key.Key_Escape)
    assert not it.canvas.naming.isVisible()


def test_a_free_port_is_renamed_by_a_double_click_and_a_lone_one_by_f2(it):
    it.document.edit("Cut", it.network.disconnect("block/x"))
    it.double_click(it.port("block", "x"))
    type_name(it, "left")
    assert order(it) == ["left", "y"]
    (out,) = it.network.layer("block").outputs()
    at = it.port("block", out, out=True)
    QTest.mouseMove(it.view.viewport(), at)
    QApplication.processEvents()
    it.canvas.select({"end"})
    it.canvas.naming.open_selected()
    assert it.canvas.naming.path == "end"
    it.canvas.naming.close_field()
    it.canvas.select({"block"})
    it.canvas.naming.open_selected()
    type_name(it, "joined")
    assert it.network.source_of(Port("end", "in")) == Port("block", "joined")


def test_the_field_goes_with_its_port(it):
    it.double_click(label(it, "x"))
    assert it.canvas.naming.isVisible()
    it.document.edit("Other", Network().chain(x=Input(("B", 4))))
    assert not it.canvas.naming.isVisible()
