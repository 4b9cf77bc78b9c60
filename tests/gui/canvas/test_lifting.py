"""Layers dropped on a level of the path."""

import pytest
from PySide6.QtCore import QPoint, Qt

from designer.edits import group
from designer.layers import Input, Linear
from designer.model import Network, Output, Port


@pytest.fixture
def it(stage):
    net = Network().chain(x=Input(("B", 4)), a=Linear(4), b=Linear(4), c=Linear(4), out=Output())
    made = stage(group(group(net, ["a", "b", "c"], "inner"), ["inner"], "outer"))
    made.canvas.enter("outer.inner")
    return made


def crumb(it, level):
    path = it.canvas.frame.path
    step = next(step for step in path.steps if getattr(step, "path", None) == level)
    return step.mapTo(it.canvas.frame, step.rect().center()), step


def test_a_drop_on_a_level_moves_them_there(it):
    before = it.network
    at, step = crumb(it, "outer")
    start = it.body("outer.inner.a")
    it.press(start)
    it.move(start, at)
    assert step.lit
    it.view.grab()
    it.release(at)
    assert not step.lit
    assert it.network.source_of(Port("outer.inner", "a")) == Port("outer.a", "out")
    assert it.undo_texts() == ["Move a to outer"]
    assert it.told == ["outer.a stands in outer now."]
    assert it.document.view.path == "outer.inner"
    it.document.history.undo()
    assert it.network is before


def test_several_go_to_the_top(it):
    it.canvas.select({"outer.inner.b", "outer.inner.c"})
    home = it.canvas.frame.path.home
    it.drag(it.body("outer.inner.c"), home.mapTo(it.canvas.frame, home.rect().center()))
    assert it.undo_texts() == ["Move 2 layers to the top"]
    assert {"b", "c"} <= it.network.layers.keys()
    assert it.told == ["2 layers stand in untitled now."]


def test_what_cannot_go_is_refused_and_stays(it):
    before, place = it.network, it.canvas.node("outer.inner.b").pos()
    it.drag(it.body("outer.inner.b"), crumb(it, "")[0])
    assert it.refusals == ["outer.inner.b stands between layers of outer.inner: outside it would make a loop."]
    assert it.network is before
    assert it.canvas.node("outer.inner.b").pos() == place


def test_escape_and_the_open_level_move_nothing(it):
    start, (at, step) = it.body("outer.inner.a"), crumb(it, "outer")
    it.press(start)
    it.move(start, at)
    it.key(Qt.Key.Key_Escape)
    it.release(at)
    assert not step.lit
    assert not it.undo_texts()
    it.drag(start, crumb(it, "outer.inner")[0] + QPoint(0, 0))
    assert not it.refusals
    assert it.undo_texts() in ([], ["Move a"])
