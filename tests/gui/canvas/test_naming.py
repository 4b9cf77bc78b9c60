"""A layer or group is renamed where its name stands."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group
from designer.gui.canvas.gestures import CTRL


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
