"""Nodes glide to where they are arranged, and any input ends it."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer import analyze, arrange
from designer.gui.canvas import motion
from designer.layers import Input, Linear, ReLU
from designer.model import Network


@pytest.fixture
def moving(stage, monkeypatch):
    """A canvas that glides, with three layers that stand anyhow."""
    monkeypatch.setattr(motion, "wanted", lambda widget: True)
    places = {"x": (0.0, 0.0), "a": (40.0, 400.0), "b": (-300.0, 160.0)}
    return stage(Network().chain(x=Input(("B", 8)), a=ReLU(), b=ReLU()).move(places))


def arranged(it):
    def change():
        return it.document.attempt("Arrange", lambda net: arrange(net, it.canvas.outlines()))

    return change


def tops(it):
    return {it.canvas.node(name).y() for name in it.network.layers}


def test_nodes_glide_and_arrive(moving, qtbot):
    moving.canvas.motion.glide(arranged(moving))
    assert moving.canvas.motion.nodes_glide
    assert len(tops(moving)) == 3
    assert len({y for _, y in moving.network.positions.values()}) == 1
    qtbot.waitUntil(lambda: not moving.canvas.motion.nodes_glide)
    assert len(tops(moving)) == 1
    assert moving.undo_texts() == ["Arrange"]


@pytest.mark.parametrize("how", ["key", "press", "wheel"])
def test_any_input_ends_it(moving, how):
    moving.canvas.motion.glide(arranged(moving))
    if how == "key":
        QTest.keyClick(moving.view, Qt.Key.Key_Shift)
    elif how == "press":
        moving.press(moving.empty())
        moving.release(moving.empty())
    else:
        moving.wheel(moving.empty(), 120)
    assert not moving.canvas.motion.nodes_glide
    assert len(tops(moving)) == 1


def test_the_user_and_the_system_can_want_none(moving, monkeypatch):
    moving.canvas.motion.reduced = True
    moving.canvas.motion.glide(arranged(moving))
    assert not moving.canvas.motion.nodes_glide
    assert len(tops(moving)) == 1
    moving.canvas.motion.reduced = False
    monkeypatch.setattr(motion, "wanted", lambda widget: False)
    moving.canvas.motion.fly(QPointF(50, 60), 0.5)
    assert (moving.view.center, moving.view.zoom) == (QPointF(50, 60), 0.5)


def test_the_camera_flies(moving, qtbot):
    moving.canvas.motion.fly(QPointF(500, 600), 0.5)
    assert moving.view.zoom > 0.5
    qtbot.waitUntil(lambda: moving.view.zoom == 0.5)
    assert moving.view.center == QPointF(500, 600)


def test_undo_on_the_way_has_the_last_word(moving):
    before = dict(moving.network.positions)
    moving.canvas.motion.glide(arranged(moving))
    moving.document.history.undo()
    moving.canvas.motion.finish()
    assert {name: (moving.canvas.node(name).x(), moving.canvas.node(name).y()) for name in before} == before


def test_a_refused_change_moves_nothing(moving):
    moving.canvas.motion.glide(lambda: False)
    assert not moving.canvas.motion.nodes_glide


def test_who_moves_the_camera_last_has_it(moving, qtbot):
    moving.canvas.motion.fly(QPointF(500, 600), 0.5)
    moving.canvas.zoom_to(1.0)
    qtbot.wait(200)
    assert moving.view.zoom == pytest.approx(1.0)


def test_what_is_nudged_on_the_way_ends_beside_where_it_was_led(moving):
    moving.canvas.motion.glide(arranged(moving))
    arrived = moving.network.positions["a"]
    moving.canvas.select({"a"})
    moving.canvas.moving.nudge(8, 0)
    assert moving.network.positions["a"] == (arrived[0] + 8, arrived[1])


def test_all_stays_in_view_when_shapes_make_layers_wider(stage):
    """A file is drawn before it is analyzed."""
    net = Network().chain(x=Input(("B", 100_000)), **{f"fc{n}": Linear(100_000) for n in range(9)})
    it = stage(net)
    it.analyzes = False
    it.document.open(net, "again")
    QApplication.processEvents()
    zoom = it.view.zoom
    it.document.take_analysis(analyze(net))
    assert it.view.zoom < zoom
    QTest.qWait(300)
    assert not it.document.view.places  # the user did not move there
    after = it.view.center, it.view.zoom
    it.canvas.fit(all=True, at_once=True)
    assert (it.view.center, it.view.zoom) == after
    it.document.open(net, "once more")
    QApplication.processEvents()
    it.view.pan(QPointF(-40, 0))
    moved = it.view.center, it.view.zoom
    it.document.take_analysis(analyze(net))
    assert (it.view.center, it.view.zoom) == moved  # whoever looks elsewhere already is left alone
