"""A click on a free port lights all that fit it, until the next press, Escape or edit."""

import pytest
from PySide6.QtCore import Qt

from designer.gui.canvas import lighting
from designer.layers import Add, Input, Linear
from designer.model import Network


@pytest.fixture
def it(stage):
    net = Network().add(x=Input(("B", 8)), a=Linear(8, output_learnables=("weight",)), b=Linear(8), add=Add())
    net = net.set("b", input_learnables=("weight",)).connect("x", "a")
    return stage(net.move({"x": (0, 0), "a": (240, 0), "b": (240, 160), "add": (560, 40)}))


def lit(it):
    return {
        (port.node.look.path, port.name, port.out) for node in it.canvas.nodes() for port in node.ports() if port.lit
    }


def test_a_free_output_lights_the_inputs_that_fit(it):
    it.click(it.port("a", "out", out=True))
    assert lit(it) == {("a", "out", True), ("b", "in", False), ("add", "0", False), ("add", "1", False)}
    assert it.canvas.selection == {"a"}
    assert it.told == ["3 ports in view fit a/out."]
    assert not it.undo_texts()


def test_a_learnable_lights_learnables_alone(it):
    it.click(it.port("a", "weight", out=True))
    assert lit(it) == {("a", "weight", True), ("b", "weight", False)}
    assert it.told == ["One port in view fits a/weight."]
    it.click(it.port("b", "weight"))
    assert lit(it) == {("b", "weight", False), ("a", "weight", True)}


def test_a_wired_port_lights_nothing(it):
    it.click(it.port("a", "in"))
    assert lit(it) == set()
    assert it.canvas.selection == {"a/in"}


def test_the_lights_go_out_by_a_press_by_escape_and_by_an_edit(it):
    port = it.port("a", "out", out=True)
    it.click(port)
    it.click(it.empty())
    assert lit(it) == set()
    it.click(port)
    it.key(Qt.Key.Key_Escape)
    assert lit(it) == set()
    assert it.canvas.selection == {"a"}
    it.click(port)
    it.document.edit("Remove", it.network.remove("add", "b"))
    assert lit(it) == set()
    it.click(port)
    assert it.told[-1] == "No port in view fits a/out."


def test_a_drag_begins_as_ever(it):
    it.click(it.port("a", "out", out=True))
    it.drag(it.port("a", "out", out=True), it.port("b", "in"))
    assert it.undo_texts() == ["Connect a to b"]
    assert lit(it) == set()


def test_what_could_not_be_asked_in_time_is_told(it, monkeypatch):
    monkeypatch.setattr(lighting, "LONGEST", -1.0)
    it.click(it.port("a", "out", out=True))
    assert lit(it) == {("a", "out", True)}
    assert it.told == ["At least 0 ports in view fit a/out."]
