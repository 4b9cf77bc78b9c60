"""The menus of the right button, opened and used with the mouse."""

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication

from designer import group
from designer.gui.drawing import shape_text
from designer.layers import Input, Linear, Permute
from designer.model import Network, Port


def texts(menu):
    return [action.text().replace("&", "") for action in menu.actions() if not action.isSeparator()]


def below(desk):
    return desk.at(desk.canvas.area().bottomLeft() + QPointF(0, 90))


def middle(desk, target):
    return desk.at(desk.canvas.mirror.wires[Port.parse(target)].path().pointAtPercent(0.5))


def test_of_a_layer(desk, tied):
    desk.open(tied)
    menu = desk.right(desk.body("fc"))
    assert desk.document.view.selection == {"fc"}
    wanted = [
        "Show settings",
        "Rename",
        "Replace layer…",
        "Transfer head…",
        "Tie",
        "Untie",
        "Freeze or unfreeze",
        "Group",
    ]
    assert [text for text in texts(menu) if text in wanted] == wanted
    assert texts(menu)[-1] == "Delete"
    keys = {a.text().replace("&", ""): a.shortcut().toString() for a in menu.actions()}
    assert keys["Replace layer…"] == "Ctrl+R"
    assert keys["Untie"] == "Ctrl+Shift+T"
    desk.choose(menu, "Untie")
    desk.settle()
    assert desk.undo_texts() == ["Untie fc"]
    menu = desk.right(desk.body("fc"))
    assert "Untie" not in texts(menu)
    desk.choose(menu, "Tie", f"weight from emb.weight   {shape_text((1000, 300))}")
    desk.settle()
    assert desk.undo_texts()[-1] == "Take weight of fc from emb"
    assert desk.network.wires == tied.wires


def test_of_several_layers_and_a_group(desk, tied):
    desk.open(tied)
    desk.select("lstm", "fc")
    menu = desk.right(desk.body("fc"))
    assert desk.document.view.selection == {"lstm", "fc"}
    assert texts(menu)[0] == "Tie two layers"
    assert "Rename" not in texts(menu)
    assert texts(menu)[-2:] == ["Align and distribute", "Delete"]
    desk.choose(menu, "Align and distribute", "Align left edges")
    assert desk.canvas.node("lstm").x() == desk.canvas.node("fc").x()
    desk.document.history.undo()
    menu = desk.right(desk.body("fc"))
    desk.choose(menu, "Group")
    assert isinstance(desk.network.layer("block"), type(group(tied, ["lstm", "fc"], "b").layer("b")))
    menu = desk.right(desk.body("block"))
    assert {"Enter group", "Ungroup"} <= set(texts(menu))
    assert "Replace layer…" not in texts(menu)
    desk.choose(menu, "Enter group")
    assert desk.document.view.path == "block"
    menu = desk.right(below(desk))
    desk.choose(menu, "Leave group")
    assert desk.document.view.path == ""


def test_of_a_wire_and_a_tie(desk, tied):
    desk.open(tied)
    menu = desk.right(middle(desk, "fc/in"))
    assert desk.document.view.selection == {"fc/in"}
    assert "Untie" not in texts(menu)
    assert texts(menu)[0] == "Insert on wire…"
    desk.choose(menu, "Go to target")
    assert desk.document.view.selection == {"fc"}
    desk.choose(desk.right(middle(desk, "fc/in")), "Cut wire")
    assert desk.undo_texts() == ["Cut the wire to fc"]
    desk.document.history.undo()
    desk.settle()
    menu = desk.right(middle(desk, "fc/weight"))
    desk.choose(menu, "Untie")
    desk.settle()
    assert desk.undo_texts() == ["Untie fc"]
    assert desk.document.analysis.stored == 1_323_400


def test_of_a_port(desk, tied):
    desk.open(tied)
    menu = desk.right(desk.port("fc", "weight"))
    desk.choose(menu, "Jump to the other end")
    assert desk.document.view.selection == {"emb"}
    desk.choose(desk.right(desk.port("probs", "in")), "Disconnect")
    assert Port("probs", "in") not in desk.network.wires
    desk.choose(desk.right(desk.port("fc", "out", out=True)), "Connect to", "probs")
    assert desk.network.wires[Port("probs", "in")] == Port("fc", "out")
    assert desk.undo_texts() == ["Cut the wire to probs", "Connect fc to probs"]


def test_of_a_switch(desk):
    desk.open(Network().chain(x=Input(("B", 784)), enc=Linear(64), dec=Linear(784)))
    desk.canvas.fold(["enc", "dec"])
    desk.canvas.fit(all=True)
    QApplication.processEvents()
    menu = desk.right(desk.switch("dec", "weight", offers=False))
    assert texts(menu)[:2] == ["InputLearnables: weight", "Takes weight from a wire instead of storing its own."]
    assert not menu.actions()[0].isEnabled()
    desk.choose(menu, "Tie to", f"weight from enc.weight   {shape_text((64, 784))}, by Permute 1, 0")
    assert desk.network.layer("permute") == Permute((1, 0))
    assert desk.undo_texts() == ["Take weight of dec from enc"]
    desk.settle()
    desk.choose(desk.right(desk.switch("enc", "weight", offers=True)), "Untie")
    desk.settle()
    assert desk.undo_texts()[-1] == "Untie dec"
    assert "permute" not in desk.network.layers
    desk.choose(desk.right(desk.switch("enc", "bias", offers=True)), "Offer bias")
    assert desk.network.layer("enc").output_learnables == ("bias",)


def test_of_the_empty_canvas(desk, tied):
    desk.open(tied)
    menu = desk.right(below(desk))
    assert {"Add layer…", "Select all", "Arrange", "Fit all"} <= set(texts(menu))
    assert "Leave group" not in texts(menu)
    desk.choose(menu, "Select all")
    assert desk.document.view.selection == set(tied.layers)


def test_by_the_key_for_menus(desk, tied):
    desk.open(tied)
    view = desk.canvas.view
    for chosen, first in (("lstm", "Show settings"), ("", "Add layer…")):
        desk.select(*filter(None, [chosen]))
        event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), view.mapToGlobal(QPoint(5, 5)))
        QApplication.sendEvent(view, event)
        menu = QApplication.activePopupWidget()
        assert texts(menu)[0] == first
        assert desk.document.view.selection == frozenset(filter(None, [chosen]))
        menu.close()


def test_of_a_port_of_a_group(desk):
    net = Network().chain(x=Input(("B", 4)), a=Linear(4)).chain(y=Input(("B", 4)), b=Linear(4))
    desk.open(group(net, ["a", "b"], "block"))
    menu = desk.right(desk.port("block", "x"))
    assert [text.split("\t")[0] for text in texts(menu)][-5:] == [
        *("Disconnect", "Rename port…", "Move up", "Move down", "Remove port"),
    ]
    states = {action.text().split("\t")[0]: action.isEnabled() for action in menu.actions()}
    assert not states["Move up"]
    assert not states["Remove port"]
    desk.choose(menu, "Move down")
    assert desk.network.layer("block").inputs() == ("y", "x")
    desk.document.edit("Cut", desk.network.disconnect("block.a/in"))
    desk.choose(desk.right(desk.port("block", "x")), "Remove port")
    assert desk.network.layer("block").inputs() == ("y",)
    desk.choose(desk.right(desk.port("block", "y")), "Rename port…")
    assert desk.canvas.naming.isVisible()
    assert desk.canvas.naming.text() == "y"
    assert desk.undo_texts() == ["Move port block.x", "Cut", "Remove port block.x"]
