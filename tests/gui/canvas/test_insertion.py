"""Layers put on wires by the mouse: from the library, and by moving one that stands alone."""

import itertools

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent
from PySide6.QtWidgets import QApplication

from designer.edits import tie
from designer.gui.mime import layer_mime
from designer.layers import Dropout, Embedding, Input, Linear, ReLU
from designer.model import Network, Port


@pytest.fixture
def line(stage):
    """Three layers in a row, and one that stands alone."""
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(4)).add(drop=Dropout())
    return stage(net.move({"x": (0, 0), "a": (176, 0), "b": (600, 0), "drop": (400, 200)}))


def hold(it, kind, at):
    """Hold a layer of the library over a point."""
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    mime = layer_mime(kind)
    for kind_of_event in (QDragEnterEvent, QDragMoveEvent):
        event = kind_of_event(at, Qt.DropAction.CopyAction, mime, left, none)
        QApplication.sendEvent(it.view.viewport(), event)
        assert event.isAccepted()


def test_drop_of_a_new_layer(line):
    line.drop("ReLU", line.wire("b/in"))
    assert line.network.source_of(Port("relu", "in")) == Port("a", "out")
    assert line.network.source_of(Port("b", "in")) == Port("relu", "out")
    assert line.undo_texts() == ["Insert ReLU before b"]
    assert line.document.view.selection == {"relu"}
    assert line.network.positions["b"] == (600, 0)
    line.document.history.undo()
    assert "relu" not in line.network.layers
    assert line.network.source_of(Port("b", "in")) == Port("a", "out")


def test_where_there_is_no_room_the_rest_gives_way(line):
    line.drop("Linear", line.wire("a/in"))
    assert line.network.source_of(Port("a", "in")) == Port("linear", "out")
    frames = [line.canvas.node(path).frame for path in ("x", "linear", "a", "b")]
    assert all(left.right() + 24 <= right.left() for left, right in itertools.pairwise(frames))
    assert line.network.positions["drop"] == (400, 200)
    assert line.undo_texts() == ["Insert Linear before a"]


def test_the_wire_lights_up_while_a_layer_that_fits_is_held_over_it(line):
    wire = line.canvas.mirror.wires[Port("b", "in")]
    hold(line, "ReLU", line.wire("b/in"))
    assert wire.takes
    hold(line, "ReLU", line.empty())
    assert not wire.takes
    hold(line, "Output", line.wire("b/in"))
    assert not wire.takes
    hold(line, "ReLU", line.wire("b/in"))
    QApplication.sendEvent(line.view.viewport(), QDragLeaveEvent())
    assert not wire.takes


def test_what_does_not_fit_lands_beside_the_wire(line):
    line.drop("Output", line.wire("b/in"))
    assert line.undo_texts() == ["Add Output"]
    assert line.network.source_of(Port("b", "in")) == Port("a", "out")


def test_a_layer_that_computes_goes_on_a_tie(stage):
    net = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 8), fc=Linear(50))
    net = tie(net, "emb/weight", "fc/weight", permute=())
    it = stage(net.move({"x": (0, 0), "emb": (200, 0), "fc": (800, 0)}))
    it.drop("Linear", it.wire("fc/weight"))
    it.document.history.undo()
    assert it.network.source_of(Port("fc", "weight")) == Port("emb", "weight")
    it.drop("Slice", it.wire("fc/weight"))
    assert it.network.source_of(Port("fc", "weight")) == Port("slice", "out")
    assert it.undo_texts() == ["Insert Slice before fc"]


def moved(it, path, to, *, release=True):
    start = it.title(path)
    it.press(start)
    it.move(start, to)
    if release:
        it.release(to)
    return to


def test_moving_a_lone_layer_over_a_wire_inserts_it(line):
    at = line.at(QPointF(450, 22))
    moved(line, "drop", at, release=False)
    assert line.canvas.mirror.wires[Port("b", "in")].takes
    line.release(at)
    assert line.network.source_of(Port("drop", "in")) == Port("a", "out")
    assert line.network.source_of(Port("b", "in")) == Port("drop", "out")
    assert line.undo_texts() == ["Insert drop before b"]
    line.document.history.undo()
    assert line.network.positions["drop"] == (400, 200)
    assert line.network.source_of(Port("b", "in")) == Port("a", "out")


def test_escape_puts_it_back(line):
    wire = line.canvas.mirror.wires[Port("b", "in")]
    at = moved(line, "drop", line.at(QPointF(450, 22)), release=False)
    line.key(Qt.Key.Key_Escape)
    line.release(at)
    assert not wire.takes
    assert line.undo_texts() == []
    assert line.network.positions["drop"] == (400, 200)


def test_a_wired_layer_and_several_are_only_moved(line):
    line.document.edit("Wire", line.network.connect("x", "drop"))
    moved(line, "drop", line.at(QPointF(450, 22)))
    assert line.undo_texts() == ["Wire", "Move drop"]
    line.document.edit("Add", line.network.disconnect("drop/in").add(more=ReLU()).move({"more": (400, 300)}))
    line.document.look(selection=frozenset({"drop", "more"}))
    moved(line, "drop", line.title("drop") + QPoint(0, 4))
    assert line.network.source_of(Port("b", "in")) == Port("a", "out")
