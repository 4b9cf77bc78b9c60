"""A layer that is moved comes to rest level with the ports of its neighbours, else on the grid."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from designer.gui.canvas import snapping
from designer.gui.canvas.snapping import Snapping
from designer.layers import Input, Linear, ReLU
from designer.model import Network

NONE, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


@pytest.fixture
def crooked(stage):
    """A layer whose neighbour stands on no multiple of 8."""
    net = Network().chain(x=Input(("B", 8)), a=Linear(8))
    it = stage(net.move({"x": (3, 3), "a": (240, 80)}))
    it.canvas.zoom_to(1.0)
    return it


def pull(it, path, to, modifiers=NONE):
    """Pull a layer to a place, and keep it held."""
    start = it.body(path)
    by = (QPointF(*to) - it.canvas.node(path).pos()) * it.view.zoom
    end = start + by.toPoint()
    it.press(start)
    it.move(start, end)
    it.view.gesture.move(QPointF(end), modifiers)
    return end


def guides(it):
    return [(p.port.name, p.other.node.look.path) for p in it.view.gesture.snapping.pulls]


def test_a_wire_is_made_straight_within_six_pixels_and_a_guide_says_so(crooked):
    end = pull(crooked, "a", (240, 9))
    assert crooked.canvas.node("a").pos() == QPointF(240, 3)
    assert guides(crooked) == [("in", "x")]
    plain = crooked.view.viewport().grab().toImage()
    between = crooked.at(QPointF(crooked.canvas.node("a").frame.left() - 24, 3 + 22))
    crooked.view.gesture.snapping.pulls = []
    bare = crooked.view.viewport().grab().toImage()
    assert any(plain.pixelColor(between + QPoint(0, y)) != bare.pixelColor(between + QPoint(0, y)) for y in (-1, 0, 1))
    crooked.release(end)
    assert crooked.network.positions["a"] == (240, 3)
    assert crooked.undo_texts() == ["Move a"]


def test_beyond_six_pixels_the_grid_counts(crooked):
    end = pull(crooked, "a", (245, 13))
    assert crooked.canvas.node("a").pos() == QPointF(248, 16)
    assert guides(crooked) == []
    crooked.release(end)
    assert crooked.network.positions["a"] == (248, 16)


def test_the_six_pixels_are_those_of_the_screen(crooked):
    crooked.canvas.zoom_to(2.0)
    crooked.view.set_camera(QPointF(200, 60), 2.0)
    end = pull(crooked, "a", (240, 7))
    assert crooked.canvas.node("a").pos() == QPointF(240, 8)
    crooked.release(end)
    crooked.document.history.undo()
    crooked.view.set_camera(QPointF(200, 60), 0.5)
    end = pull(crooked, "a", (240, 13))
    assert crooked.canvas.node("a").pos() == QPointF(240, 3)
    crooked.release(end)
    crooked.document.history.undo()
    crooked.view.set_camera(QPointF(200, 60), 0.3)  # a map has no ports
    end = pull(crooked, "a", (240, 10))
    assert guides(crooked) == []
    crooked.release(end)


def test_control_during_the_move_leaves_ports_and_grid(crooked):
    end = pull(crooked, "a", (243, 5), CTRL)
    assert crooked.canvas.node("a").pos() == QPointF(243, 5)
    assert guides(crooked) == []
    crooked.release(end, CTRL)
    assert crooked.network.positions["a"] == (243, 5)
    assert list(crooked.network.layers) == ["x", "a"]  # control from the start would duplicate


def test_edges_come_to_stand_above_each_other(crooked):
    end = pull(crooked, "a", (7, 160))
    assert crooked.canvas.node("a").pos() == QPointF(8, 160)  # x has no port at its left edge
    crooked.release(end)
    crooked.document.edit("Add", crooked.network.add(b=ReLU()).move({"b": (11, 300)}))
    end = pull(crooked, "a", (14, 160))
    assert crooked.canvas.node("a").pos() == QPointF(11, 160)
    assert guides(crooked) == [("in", "b")]
    crooked.release(end)


def test_shift_keeps_to_its_axis_and_takes_no_pull_across(crooked):
    pull(crooked, "a", (240, 9), NONE)
    crooked.key(Qt.Key.Key_Escape)
    start = crooked.body("a")
    crooked.press(start)
    crooked.move(start, start + QPoint(40, 4))
    crooked.view.gesture.move(QPointF(start + QPoint(40, 4)), SHIFT)
    assert crooked.canvas.node("a").pos() == QPointF(280, 80)
    crooked.release(start + QPoint(40, 4), SHIFT)


def test_what_moves_along_pulls_nothing(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU())
    it = stage(net.move({"x": (0, 400), "a": (240, 3), "b": (480, 5)}))
    it.canvas.zoom_to(1.0)
    it.canvas.select({"a", "b"})
    end = pull(it, "a", (240, 42))
    assert it.canvas.node("a").pos() == QPointF(240, 40)
    assert it.canvas.node("b").pos() == QPointF(480, 42)
    it.release(end)


def test_of_a_heap_of_layers_only_some_are_asked(stage, monkeypatch):
    monkeypatch.setattr(snapping, "MOST", 10)
    net = Network().chain(x=Input(("B", 8)), **{f"r{n}": ReLU() for n in range(40)})
    it = stage(net.move({name: (n % 7, n) for n, name in enumerate(net.layers)}))
    node = it.canvas.node("r3")
    asked = {port.node for port in Snapping(it.view, node, [node])._others(node.pos())}
    assert len(asked) == 10
    assert node not in asked
