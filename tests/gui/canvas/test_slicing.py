"""Wires are cut by a line across them; copies of layers are pulled off with Ctrl."""

from PySide6.QtCore import QPoint, QPointF, Qt

from designer.edits import tie
from designer.gui.canvas.gestures import CTRL, SHIFT
from designer.model import Port

RIGHT = Qt.MouseButton.RightButton


def across(it, *targets):
    """A line down through wires, from above all layers to below them."""
    x = it.wire(targets[0]).x()
    area = it.canvas.area()
    return QPoint(x, it.at(area.topLeft()).y() - 30), QPoint(x, it.at(area.bottomLeft()).y() + 30)


def test_ctrl_and_the_right_button_slice_in_one_step(stage, language_model):
    it = stage(language_model)
    it.canvas.fit(all=True)
    menus = []
    it.view.menu_wanted.connect(lambda *_: menus.append(1))
    start, end = across(it, "lstm/in")
    it.press(start, CTRL, RIGHT)
    it.move(start, end)
    assert [wire.target for wire in it.view.gesture.crossed] == [Port("lstm", "in")]
    it.view.grab()
    it.release(end, CTRL, RIGHT)
    assert it.undo_texts() == ["Slice the wire to lstm"]
    assert Port("lstm", "in") not in it.network.wires
    assert not menus
    it.document.history.undo()
    assert it.network == language_model


def test_k_slices_once_and_escape_leaves(stage, language_model):
    it = stage(language_model)
    it.canvas.fit(all=True)
    start, end = across(it, "fc/in")
    it.key(Qt.Key.Key_K)
    assert it.view.viewport().cursor().shape() == Qt.CursorShape.CrossCursor
    it.key(Qt.Key.Key_Escape)
    it.drag(start, end)
    assert not it.undo_texts()
    it.key(Qt.Key.Key_K)
    it.drag(start, end)
    assert it.undo_texts() == ["Slice the wire to fc"]
    it.document.history.undo()
    it.drag(start, end)
    assert Port("fc", "in") in it.network.wires


def test_a_borrower_keeps_what_it_used(stage, language_model):
    it = stage(tie(language_model, "emb/weight", "fc/weight"))
    it.canvas.fit(all=True)
    wire = it.canvas.mirror.wires[Port("fc", "weight")]
    middle = it.at(wire.path().pointAtPercent(0.5))
    it.drag(middle - QPoint(0, 12), middle + QPoint(0, 12), CTRL, RIGHT)
    assert it.undo_texts() == ["Slice the wire to fc"]
    assert it.network.layers["fc"].input_learnables == ()
    assert it.network.values["fc.weight"].equal(it.network.values["emb.weight"])


def test_ctrl_drag_pulls_off_copies(stage, language_model):
    it = stage(language_model)
    it.canvas.fit(all=True)
    it.click(it.body("lstm"))
    it.click(it.body("fc"), SHIFT)
    before = it.canvas.node("fc").pos()
    start = it.body("fc")
    it.press(start, CTRL)
    it.move(start, start + QPoint(0, 160))
    it.view.grab()
    it.release(start + QPoint(0, 160), CTRL)
    assert it.undo_texts() == ["Duplicate 2 layers"]
    assert it.canvas.selection == {"lstm2", "fc2"}
    assert it.network.wires[Port("fc2", "in")] == Port("lstm2", "out")
    assert it.canvas.node("fc").pos() == before
    assert it.canvas.node("fc2").pos() == before + QPointF(0, 160)
    it.document.history.undo()
    assert it.network == language_model


def test_escape_makes_no_copy(stage, language_model):
    it = stage(language_model)
    start = it.body("fc")
    it.press(start, CTRL)
    it.move(start, start + QPoint(0, 100))
    it.key(Qt.Key.Key_Escape)
    it.release(start + QPoint(0, 100), CTRL)
    assert not it.undo_texts()
