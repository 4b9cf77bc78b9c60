"""The second story: a new head of 15 outputs, direct and as published, by hand and in one step, in the window."""

import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer import initialize
from designer.gui.card import Card
from designer.layers import Linear
from designer.model import Port

STORED, USED, NEW = 1_023_400, 1_323_400, 1_026_915
HEAD = Linear(15, learn_rate_factors=(("weight", 10.0), ("bias", 10.0)))
NO_WIRE = "fc takes its weight from a wire, but none is connected."


@pytest.fixture(params=["direct", "published"])
def told(request, desk, tied, published):
    """Open one of the two pictures, with values as after a training."""
    network = initialize(tied if request.param == "direct" else published)
    desk.open(network)
    assert (desk.document.analysis.stored, desk.document.analysis.used) == (STORED, USED)
    desk.picture = request.param
    return network


def card(desk):
    (made,) = [found for found in desk.window.stack.findChildren(Card) if not found.gone]
    return made


def fill(field, text):
    QTest.mouseClick(field, Qt.MouseButton.LeftButton)
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Tab)
    QApplication.processEvents()


def ends(desk, told, undo):
    """Check the new head, and that all else stayed; then undo to the start and redo to the end."""
    desk.shows(undo, NEW, NEW)
    network = desk.network
    assert network.layer("fcNew") == HEAD
    assert network.wires[Port("fcNew", "in")] == Port("lstm", "out")
    assert network.wires[Port("probs", "in")] == Port("fcNew", "out")
    assert "permute" not in network.layers
    assert network.layer("emb").output_learnables == ()
    kept = {key for key in told.values if key.startswith(("emb.", "lstm."))}
    assert all(torch.equal(network.values[key], told.values[key]) for key in kept)
    assert not any(key.startswith("fc") for key in network.values), "it has yet to learn"
    assert desk.cell("fcNew", "Stored") == "4,515"
    assert desk.cell("fcNew", "Factor") == "10"
    assert "self.fcNew = nn.Linear(300, 15)" in desk.window.bottom.code.source.toPlainText()
    assert "fcNew" in {node.look.name for node in desk.canvas.nodes()}
    assert desk.canvas.node("fcNew").look.total == "4,515"
    while desk.document.history.canUndo():
        desk.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        desk.settle()
    assert desk.network is told
    assert (desk.document.analysis.stored, desk.document.analysis.used) == (STORED, USED)
    while desk.document.history.canRedo():
        desk.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert desk.network is network


def cut(desk):
    """Delete the permutation with a key, or cut the wire of a direct tie with the mouse."""
    if desk.picture == "published":
        desk.click(desk.canvas.view.viewport(), desk.at(desk.canvas.node("permute").frame.center()))
        assert desk.document.view.selection == {"permute"}
        desk.key(Qt.Key.Key_Delete)
        undo = "Delete permute"
    else:
        start = desk.port("fc", "weight")
        desk.drag(start, start + QPoint(10, 110))
        undo = "Cut the wire to fc.weight"
    assert Port("fc", "weight") not in desk.network.wires
    desk.shows(undo, 1_023_400, 1_023_400, [NO_WIRE])


def replace(desk):
    """Replace fc from its menu: another name, 15 outputs, factors of 10."""
    desk.choose(desk.right(desk.body("fc")), "Replace layer…")
    asked = card(desk)
    fill(asked.name, "fcNew")
    fill(next(setting.editor for setting in asked.settings if setting.name == "out_features"), "15")
    for name in ("weight", "bias"):
        fill(asked.factor_fields[name], "10")
    desk.click(asked.ok)
    desk.settle()
    assert asked.gone


def test_by_hand_at_the_node(desk, told):
    cut(desk)
    desk.canvas.fold(["emb", "fc"], unfold=True)
    desk.canvas.fit(all=True)
    QApplication.processEvents()
    view = desk.canvas.view.viewport()
    desk.click(view, desk.switch("emb", "weight", offers=True))
    desk.shows("Stop offering weight of emb", 1_023_400, 1_023_400, [NO_WIRE])
    desk.click(view, desk.switch("fc", "weight", offers=False))
    desk.shows("Let fc own weight", 1_323_400, 1_323_400)
    assert [port.name for port in desk.canvas.node("fc").inputs] == ["in"], "the diamond is gone"
    replace(desk)
    ends(desk, told, "Replace fc by fcNew")
    assert len(desk.undo_texts()) == 4


def test_by_hand_in_the_properties(desk, told):
    cut(desk)
    for path, box, undo in (
        ("emb", "offers", "Stop offering weight of emb"),
        ("fc", "takes", "Let fc own weight"),
    ):
        desk.click(desk.canvas.view.viewport(), desk.body(path))
        assert desk.document.view.selection == {path}
        desk.click(getattr(desk.form.learnables.rows["weight"], box))
        desk.settle()
        assert desk.undo_texts()[-1] == undo
    desk.shows("Let fc own weight", 1_323_400, 1_323_400)
    replace(desk)
    ends(desk, told, "Replace fc by fcNew")


def test_in_one_step_from_the_menu_of_the_layer(desk, told):
    desk.choose(desk.right(desk.body("fc")), "Transfer head…")
    asked = card(desk)
    fill(asked.count, "15")
    desk.click(asked.ok)
    ends(desk, told, "Transfer fc to fcNew")
    assert desk.undo_texts() == ["Transfer fc to fcNew"]
    assert "fcNew has 15 outputs; its tie to emb is cut; learn-rate factor 10." in desk.told


def test_factors_can_be_set_in_the_properties_afterwards(desk, told):
    desk.choose(desk.right(desk.body("fc")), "Transfer head…")
    asked = card(desk)
    fill(asked.count, "15")
    for field in asked.factor_fields.values():
        fill(field, "1")
    desk.click(asked.ok)
    desk.settle()
    assert desk.document.view.selection == {"fcNew"}
    for name in ("weight", "bias"):
        row = desk.form.learnables.rows[name]
        desk.click(row.head, QPoint(40, 20))
        desk.type(row.factor, "10")
        assert desk.undo_texts()[-1] == f"Set learn-rate factor of fcNew.{name} to 10"
    ends(desk, told, "Set learn-rate factor of fcNew.bias to 10")


def test_one_wire_of_the_tie_can_be_pulled_off(desk, told):
    """The end of the wire at fc is dropped on nothing: the rest of the picture stays."""
    start = desk.port("fc", "weight")
    desk.drag(start, desk.at(desk.canvas.area().bottomLeft() + QPointF(40, 120)))
    unneeded = ["No output needs permute."] if desk.picture == "published" else []
    desk.shows("Cut the wire to fc.weight", 1_023_400, 1_023_400, [NO_WIRE, *unneeded])
