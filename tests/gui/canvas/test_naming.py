"""A layer or group is renamed where its name stands."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group
from designer.gui.canvas.gestures import CTRL
from designer.gui.canvas.paint import NAME_LEFT, name_place
from designer.gui.drawing import text_width
from designer.layers import Input, Linear, Output
from designer.model import Group, Network


def type_name(it, text, key=Qt.Key.Key_Return):
    field = it.canvas.naming
    assert field.isVisible()
    assert field.hasFocus()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, key)
    QApplication.processEvents()


def test_a_double_click_on_the_name_renames_in_one_step(stage, language_model):
    it = stage(language_model)
    it.double_click(it.title("lstm"))
    field = it.canvas.naming
    assert field.selectedText() == "lstm"
    name = it.canvas.node("lstm").frame
    assert it.view.mapToScene(field.geometry().center()).y() - name.top() < 30
    type_name(it, "rnn")
    assert not field.isVisible()
    assert "rnn" in it.network.layers
    assert it.undo_texts() == ["Rename lstm to rnn"]
    assert it.canvas.selection == {"rnn"}
    assert it.view.hasFocus()


def test_escape_keeps_the_old_name_and_leaving_the_field_the_new_one(stage, language_model):
    it = stage(language_model)
    it.double_click(it.title("fc"))
    type_name(it, "other", Qt.Key.Key_Escape)
    assert not it.canvas.naming.isVisible()
    assert not it.undo_texts()
    it.double_click(it.title("fc"))
    QTest.keyClicks(it.canvas.naming, "decoder")
    it.click(it.empty())
    assert it.undo_texts() == ["Rename fc to decoder"]
    assert not it.canvas.naming.isVisible()


def test_a_wrong_name_is_refused_where_it_stands(stage, language_model):
    it = stage(language_model)
    it.double_click(it.title("fc"))
    type_name(it, "emb")
    field = it.canvas.naming
    assert field.isVisible()
    assert field.text() == "emb"
    assert field.property("wrong")
    assert len(it.refusals) == 1
    assert field.toolTip() == it.refusals[0]
    assert not it.undo_texts()
    field.selectAll()
    type_name(it, "decoder")
    assert it.undo_texts() == ["Rename fc to decoder"]
    assert not field.property("wrong")


def test_a_group_is_renamed_by_its_name_and_entered_by_its_body(stage, language_model):
    it = stage(group(language_model, ["lstm", "fc"], "block"))
    it.canvas.fit(all=True)
    it.double_click(it.title("block"))
    type_name(it, "core")
    assert it.undo_texts() == ["Rename block to core"]
    assert it.document.view.path == ""


def test_the_field_stays_over_the_name_and_goes_with_the_layer(stage, language_model):
    it = stage(language_model)
    it.double_click(it.title("fc"))
    field, before = it.canvas.naming, it.canvas.naming.x()
    it.view.pan(QPointF(40, 0))
    assert field.x() == before + 40
    it.document.edit("Delete fc", it.network.remove("fc"))
    assert not field.isVisible()
    assert it.undo_texts() == ["Delete fc"]


def test_the_cursor_over_the_name_of_a_selected_layer_is_that_of_text(stage, language_model):
    it = stage(language_model)
    shape = it.view.viewport().cursor
    QTest.mouseMove(it.view.viewport(), it.title("fc"))
    assert shape().shape() == Qt.CursorShape.ArrowCursor
    it.click(it.title("fc"))
    assert shape().shape() == Qt.CursorShape.IBeamCursor
    it.click(it.title("fc"), CTRL)
    assert shape().shape() == Qt.CursorShape.ArrowCursor


def test_a_name_is_where_it_is_drawn_also_from_farther_off(stage):
    on = stage(Network().chain(x=Input(("B", 8)), fc=Linear(3)))
    on.view.set_camera(on.canvas.node("fc").frame.center(), 0.5)
    baseline, px, _ = name_place(on.canvas.node("fc"), 0.5)
    corner = on.canvas.node("fc").pos() + QPointF(NAME_LEFT, baseline)
    for right, what in ((text_width("fc", px, 600) - 2, "name"), (text_width("fc", px, 600) + 6, "body")):
        assert on.view.hit(QPointF(on.at(corner + QPointF(right, -4)))).what == what
    on.double_click(on.at(corner + QPointF(4, 0)))
    assert on.canvas.naming.isVisible()


def test_the_pill_of_groups_that_are_alike_takes_no_click_where_it_is_not_drawn(stage):
    block = Group(Network().chain(x=Input(), fc=Linear(8), y=Output()))
    on = stage(Network().chain(x=Input(("B", 8)), a=block, b=block))
    node = on.canvas.node("a")
    at = node.pos() + QPointF(node.form.width - 12 - 8, 14)
    for zoom, what in ((0.6, "body"), (0.8, "alike")):
        on.view.set_camera(node.frame.center(), zoom)
        assert on.view.hit(on.view.viewportTransform().map(at)).what == what
