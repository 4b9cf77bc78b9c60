"""A look into a group: it comes when the pointer rests on its body, and goes with the pointer."""

import time

import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group
from designer.gui import theme
from designer.gui.canvas.peek import contents
from designer.layers import Input, Linear, ReLU
from designer.model import Group, Network, Output


@pytest.fixture
def it(stage):
    net = Network().chain(x=Input(("B", 8)), fc=Linear(8), act=ReLU(), head=Linear(8))
    net = group(net, ["fc", "act"], "block")
    return stage(net.move({"x": (0, 0), "block": (200, 0), "head": (480, 0)}))


def point(it, at):
    QTest.mouseMove(it.view.viewport(), at + QPoint(0, 3))  # a move to where it is already is none
    QTest.mouseMove(it.view.viewport(), at)
    QApplication.processEvents()


def test_it_shows_what_is_inside_while_the_pointer_rests(it, qtbot):
    peek = it.canvas.peek
    point(it, it.body("block"))
    assert peek.timer.isActive()
    assert not peek.isVisible()
    qtbot.waitUntil(peek.isVisible)
    assert peek.shown is it.network.layer("block")
    assert peek.says == "2 layers"
    assert peek.tail == "owns 72"
    assert it.canvas.frame.rect().contains(peek.geometry())
    frame = it.view.viewportTransform().mapRect(it.canvas.node("block").frame).toRect()
    assert not peek.geometry().adjusted(12, 12, -12, -12).intersects(frame)
    assert not it.canvas.tooltip(it.view.hit(QPointF(it.body("block"))))
    point(it, it.empty())
    assert not peek.isVisible()


@pytest.mark.parametrize("away", ["press", "wheel", "edit", "enter"])
def test_it_goes_when_something_is_done(it, qtbot, away):
    at, peek = it.body("block"), it.canvas.peek
    point(it, at)
    qtbot.waitUntil(peek.isVisible)
    if away == "press":
        it.click(at)
    elif away == "wheel":
        it.wheel(at, 1)
    elif away == "edit":
        it.document.edit("Cut", it.network.disconnect("head/in"))
    else:
        it.canvas.enter("block")
    assert not peek.isVisible()


def test_it_does_not_come_over_a_layer_or_a_name(it):
    for at in (it.body("head"), it.title("block"), it.port("block", "x"), it.empty()):
        point(it, at)
        assert not it.canvas.peek.timer.isActive()


def test_it_stays_in_the_view_at_every_edge(it):
    for corner in ((-60, -20), (900, -20), (-60, 560), (900, 560), (400, 300)):
        it.view.set_camera(it.canvas.node("block").pos() - QPointF(*corner) + QPointF(600, 350), 1.0)
        it.canvas.peek.over(it.canvas.node("block"))
        it.canvas.peek.look()
        assert it.canvas.peek.isVisible()
        assert it.canvas.frame.rect().contains(it.canvas.peek.geometry().adjusted(12, 12, -12, -12))


def test_many_layers_cost_the_window_little(stage, qapp):
    layers = {f"fc{n}": Linear(8) for n in range(300)}
    inner = Network().chain(x=Input(), **layers, out=Output())
    deep = Network().chain(x=Input(), one=Group(inner), two=ReLU())
    assert contents(deep) == "301 layers in 1 group"
    it, colors = stage(Network().add(big=Group(inner), deep=Group(deep))), set()
    beside = []
    it.document.beside = lambda work, then, failed: beside.append((work, then))
    for shade in (theme.LIGHT, theme.DARK):
        theme.apply(qapp, shade)
        it.canvas.peek.over(None)
        it.canvas.peek.over(it.canvas.node("big"))
        it.canvas.peek.look()
        work, then = beside[-1]
        found = work()
        start = time.process_time()
        then(found)
        it.canvas.peek.grab()
        colors.add(it.canvas.peek.grab().toImage().pixelColor(QPoint(20, 20)).name())
        assert time.process_time() - start < 0.5  # some 15 ms, but machines differ
    assert colors == {theme.DARK.panel.name(), theme.LIGHT.panel.name()}


def test_it_goes_when_a_box_takes_the_keyboard(it, qtbot):
    peek = it.canvas.peek
    it.view.setFocus()
    point(it, it.body("block"))
    qtbot.waitUntil(peek.isVisible)
    it.canvas.search.open()
    assert not peek.isVisible()
