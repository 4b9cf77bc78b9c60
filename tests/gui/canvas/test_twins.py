"""Groups that are alike: counted on their nodes, listed by a click, their differences told."""

import pytest
import torch
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.gui.canvas import twins
from designer.gui.canvas.pill import pill_width
from designer.layers import Input, LayerNorm, Linear, ReLU
from designer.model import Group, Network, Output


@pytest.fixture
def blocks():
    body = Network().chain(x=Input(), norm=LayerNorm(), fc=Linear(8), act=ReLU(), out=Output())
    net = Network().chain(x=Input(("B", 8)), **{f"b{n}": Group(body) for n in range(4)}, head=Linear(3))
    return net.move({name: (240 * n, 0) for n, name in enumerate(net.layers)})


def pill(it, path):
    node = it.canvas.node(path)
    return it.at(node.pos() + QPointF(node.form.width - 12 - pill_width(node.look.alike) / 2, 16))


def titles(it):
    return [line.title for line in it.canvas.frame.box.list.lines]


def choose(it, text):
    box = it.canvas.frame.box
    row = next(n for n, line in enumerate(box.list.lines) if line.title == text)
    place = box.list.visualItemRect(box.list.item(row)).center()
    QTest.mouseClick(box.list.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QApplication.processEvents()


def test_alike_groups_are_counted_and_listed(stage, blocks):
    it = stage(blocks)
    assert [it.canvas.node(f"b{n}").look.alike for n in range(4)] == [4] * 4
    it.click(pill(it, "b1"))
    assert it.canvas.selection == {"b1"}
    assert titles(it) == ["Select the 4 that stand here", "b0", "b1", "b2", "b3"]
    choose(it, "b3")
    assert it.canvas.selection == {"b3"}
    assert not it.canvas.frame.box.isVisible()
    it.document.edit("Widen", it.network.set("b3.fc", out_features=16))
    assert [it.canvas.node(f"b{n}").look.alike for n in range(4)] == [3, 3, 3, 0]
    it.document.history.undo()
    assert it.canvas.node("b0").look.alike == 4


def test_the_pill_counts_them_at_every_depth(stage, blocks):
    it = stage(Network().add(left=Group(blocks), right=Group(blocks)))
    assert it.canvas.node("left").look.alike == 2
    it.canvas.enter("left")
    assert it.canvas.node("left.b0").look.alike == 8
    it.double_click(pill(it, "left.b0"))
    assert it.document.view.path == "left"
    assert titles(it)[-1] == "right.b3"
    choose(it, "right.b3")
    assert it.document.view.path == "right"


def test_one_click_tells_which_differ(stage, blocks):
    it = stage(blocks.set("b3.fc", out_features=16))
    it.click(pill(it, "b0"))
    choose(it, "Select the 3 that stand here")
    assert it.canvas.selection == {"b0", "b1", "b2"}
    it.click(pill(it, "b0"))
    assert titles(it)[1:] == ["b0", "b1", "b2", "b3"]
    assert it.canvas.frame.box.list.lines[-1].tail == "differs"
    choose(it, "b3")
    assert titles(it) == ["b3.fc has out_features 16, the others 8."]
    choose(it, titles(it)[0])
    assert it.document.view.path == "b3"
    assert it.canvas.selection == {"b3.fc"}


def test_values_are_compared_when_asked(stage, blocks):
    values = {f"b{n}.fc.bias": torch.full((8,), float(n == 2)) for n in range(4)}
    it = stage(blocks.with_values(values))
    it.click(it.title("b0"))
    it.canvas.commands["differences"].trigger()
    assert titles(it) == ["They have the same layers, settings and wires.", "Compare their values too"]
    choose(it, "Compare their values too")
    assert titles(it) == ["b2.fc.bias has other values than the others."]


def test_a_group_without_its_like(stage, blocks):
    it = stage(blocks.remove("b1", "b2", "b3"))
    it.canvas.commands["differences"].trigger()
    it.click(it.title("b0"))
    it.canvas.commands["differences"].trigger()
    assert it.refusals == [
        "Select a group to see how it differs from others like it.",
        "No other group is like b0.",
    ]


def test_of_many_differences_the_first_are_listed(stage, blocks, monkeypatch):
    monkeypatch.setattr(twins, "MOST", 1)
    it = stage(blocks.set("b3.fc", out_features=16, bias=False))
    it.canvas.select({"b0"})
    it.canvas.commands["differences"].trigger()
    assert titles(it) == ["b3.fc has out_features 16, the others 8.", "And 1 more."]
