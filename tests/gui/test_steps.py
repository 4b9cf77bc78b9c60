"""Undo, redo and the history show what they changed; a screen reader is told what is selected."""

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from designer.edits import group, tie
from designer.edits.ports import move_port
from designer.gui.canvas import saying
from designer.gui.steps import difference
from designer.layers import Input, Linear, ReLU
from designer.model import Network

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def net():
    made = Network().chain(x=Input(("B", 300)), one=Linear(300), act=ReLU(), two=Linear(300))
    return made.move({"x": (0, 0), "one": (200, 0), "act": (400, 0), "two": (600, 0)})


def test_what_a_step_changed(net):
    nested = group(net, ["one", "act"], "block")
    assert difference(net, net) == ("", frozenset())
    assert difference(net, net.set("one", out_features=5)) == ("", {"one"})
    assert difference(net, net.disconnect("two/in")) == ("", {"two"})
    assert difference(net.disconnect("two/in"), net) == ("", {"two/in"})
    assert difference(net, tie(net, "one/weight", "two/weight", permute=())) == ("", {"one", "two"})
    assert difference(net, net.move({"one": (9, 9)})) == ("", {"one"})
    assert difference(net, net.remove("act")) == ("", set())
    assert difference(nested, nested.set("block.one", out_features=5)) == ("block", {"block.one"})
    ports = nested.add(**{"block.more": Input()})
    assert difference(ports, move_port(ports, "block.more", 0)) == ("", {"block"})
    both = nested.set("block.one", out_features=5).set("two", out_features=5)
    assert difference(nested, both) == ("", {"block", "two"})
    assert difference(nested, nested.move({"block.act": (9, 9)})) == ("block", {"block.act"})


def test_undo_opens_the_group_selects_and_brings_into_view(desk, net):
    desk.open(group(net, ["one", "act"], "block"))
    desk.document.edit("Set out_features to 5", desk.network.set("block.one", out_features=5))
    desk.select("two")
    desk.key(Qt.Key.Key_Z, CTRL)
    assert (desk.document.view.path, desk.document.view.selection) == ("block", {"block.one"})
    status = desk.window.status
    assert status.message.full == "Undone: set out_features to 5."
    assert status.show_it.isVisible()
    assert not status.undo.isVisible()
    desk.canvas.enter("")
    desk.key(Qt.Key.Key_Z, CTRL | SHIFT)
    assert (desk.document.view.path, desk.document.view.selection) == ("block", {"block.one"})
    view = desk.canvas.view
    view.set_camera(view.center * 0 + type(view.center)(9000, 9000), 1.0)
    desk.click(status.show_it)
    assert view.visible().contains(desk.canvas.node("block.one").frame)


def test_the_camera_stays_while_the_change_is_in_view(desk, net):
    desk.open(net)
    desk.document.edit("Set out_features to 5", net.set("two", out_features=5))
    view = desk.canvas.view
    view.set_camera(desk.canvas.node("two").frame.center(), 0.8)
    before = view.center, view.zoom
    desk.key(Qt.Key.Key_Z, CTRL)
    assert (view.center, view.zoom) == before
    view.set_camera(type(view.center)(9000, 9000), 0.8)
    desk.key(Qt.Key.Key_Y, CTRL)
    assert view.visible().contains(desk.canvas.node("two").frame)


def test_the_canvas_says_what_is_selected(desk, net, monkeypatch):
    said = []
    monkeypatch.setattr(saying, "announce", lambda view, text: said.append(text))
    desk.open(tie(net, "one/weight", "two/weight", permute=()))
    view = desk.canvas.view
    assert view.accessibleName() == "Canvas, 4 layers, nothing selected"
    view.setFocus()
    desk.select("two")
    whole = (
        "two, Linear, 300 to 300, gives B by 300, owns 300 of 90,300, weight from one, 1 input, 1 output, no problems"
    )
    assert " ".join(view.accessibleName().split()) == whole
    desk.key(Qt.Key.Key_Left, CTRL)
    assert said[-1].startswith("act, ReLU, gives")
    desk.select("two/weight")
    assert said[-1] == "learnable wire from one weight to two weight"
    desk.select("one", "two")
    assert said[-1] == "2 selected: one, two"
    count = len(said)
    desk.document.edit("Move act", desk.network.move({"act": (400, 80)}))
    QApplication.processEvents()
    assert len(said) == count  # the selection did not move
    desk.settle()


def test_an_announcement_is_sent(desk, net, monkeypatch):
    sent = []
    keep = SimpleNamespace(updateAccessibility=lambda event: sent.append((event.object(), event.message())))
    monkeypatch.setattr(saying, "QAccessible", keep)
    desk.open(net)
    saying.announce(desk.canvas.view, "two, Linear")
    assert sent[-1] == (desk.canvas.view, "two, Linear")


def test_undo_of_a_move_selects_what_moved_and_not_what_got_a_place_by_it(desk, tied):
    desk.open(tied)
    assert not tied.positions
    at = desk.body("lstm")
    desk.drag(at, at + QPoint(16, 64))
    assert desk.network.positions.keys() == tied.layers.keys()
    desk.select()
    for key, network in ((Qt.Key.Key_Z, tied), (Qt.Key.Key_Y, desk.network)):
        desk.key(key, CTRL)
        assert desk.network is network
        assert desk.document.view.selection == {"lstm"}
