"""Bookmarks: kept with a view and its group, listed, gone to, renamed, removed, and saved with the project."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import arrange, group, ungroup
from designer.gui.bookmarks import Bookmark, bookmarks_from, bookmarks_to
from designer.gui.document import View
from designer.gui.filing import view_from, view_to

SHIFT = Qt.KeyboardModifier.ShiftModifier
B, RETURN = Qt.Key.Key_B, Qt.Key.Key_Return


@pytest.fixture
def it(stage, language_model):
    return stage(group(language_model, ["lstm", "fc"], "block"))


def titles(it):
    return [line.title for line in it.canvas.frame.box.list.lines]


def box_key(it, key):
    QTest.keyClick(it.canvas.frame.box.field, key)
    QApplication.processEvents()


def kept(it):
    """Keep one view of the top and one inside the group."""
    it.view.set_camera(it.canvas.node("emb").frame.center(), 1.5)
    it.key(B)
    it.canvas.enter("block")
    it.canvas.select({"block.fc"})
    it.key(B)


def test_b_keeps_the_view_under_the_name_of_what_it_shows(it):
    kept(it)
    marks = it.document.view.bookmarks
    assert [(mark.name, mark.path) for mark in marks] == [("emb", ""), ("block.fc", "block")]
    assert marks[0].place[2] == 1.5
    assert it.told[-1] == "Bookmarked this view as block.fc. Shift+B lists the bookmarks."
    it.key(B)
    assert it.told[-1] == "This view is bookmarked already, as block.fc."
    it.canvas.zoom_by(0.5)
    it.key(B)
    assert [mark.name for mark in it.document.view.bookmarks] == ["emb", "block.fc", "block.fc 2"]
    assert not it.undo_texts()


def test_a_bookmark_is_gone_to_across_groups(it):
    kept(it)
    it.view.set_camera(QPointF(900, 900), 0.3)
    it.key(B, SHIFT)
    assert titles(it) == ["emb", "block.fc"]
    box_key(it, RETURN)
    assert it.document.view.path == ""
    assert it.view.zoom == 1.5
    assert (it.view.center - it.canvas.node("emb").frame.center()).manhattanLength() < 1
    assert not it.canvas.frame.box.isVisible()
    it.key(B, SHIFT)
    QTest.keyClicks(it.canvas.frame.box.field, "fc")
    box_key(it, RETURN)
    assert it.document.view.path == "block"


def test_f2_renames_and_del_removes(it):
    kept(it)
    it.key(B, SHIFT)
    box_key(it, Qt.Key.Key_F2)
    field = it.canvas.frame.box.field
    assert field.text() == "emb"
    QTest.keyClicks(field, "block.fc")
    assert titles(it) == ["Another bookmark is called block.fc."]
    field.selectAll()
    QTest.keyClicks(field, "  the  embedding ")
    box_key(it, RETURN)
    assert titles(it) == ["the embedding", "block.fc"]
    box_key(it, Qt.Key.Key_Delete)
    assert titles(it) == ["block.fc"]
    assert [mark.name for mark in it.document.view.bookmarks] == ["block.fc"]
    box_key(it, Qt.Key.Key_Escape)
    assert it.view.hasFocus()
    assert not it.undo_texts()


def test_a_group_that_is_gone_is_named(it):
    kept(it)
    it.canvas.enter("")
    it.document.edit("Delete", it.network.remove("block"))
    it.key(B, SHIFT)
    QTest.keyClicks(it.canvas.frame.box.field, "fc")
    box_key(it, RETURN)
    assert it.refusals == ["The group block of the bookmark block.fc is no more."]
    it.document.history.undo()
    assert len(it.document.view.bookmarks) == 2


def test_nothing_to_keep_or_to_list_is_said(stage):
    it = stage()
    it.key(B)
    it.key(B, SHIFT)
    assert it.refusals == [
        "There is nothing to come back to yet.",
        "There are no bookmarks: B keeps the view that is shown.",
    ]


def test_they_are_saved_with_the_view(it):
    kept(it)
    view = it.document.view
    assert view_from(view_to(view)).bookmarks == view.bookmarks
    assert view_from({"bookmarks": "x"}) == View()


def test_what_is_no_bookmark_in_a_file_is_left_out():
    good = {"name": "a", "path": "", "place": [0, 1, 0.5]}
    bad = [
        5,
        {},
        {**good, "name": 3},
        {**good, "name": " \n\u202e "},
        {**good, "path": None},
        {**good, "place": [0, 1]},
        {**good, "place": [0, 1, float("nan")]},
        {**good, "place": [1e300, 0, 1]},
        good,
    ]
    made = bookmarks_from([good, *bad])
    assert made == (Bookmark("a", "", (0.0, 1.0, 0.5)),)
    assert bookmarks_to(made) == [good]
    assert bookmarks_from([{**good, "name": "x\ny" + "z" * 500}])[0].name == "x y" + "z" * 77
    assert len(bookmarks_from([{**good, "name": f"{n}"} for n in range(5000)])) == 1000


def test_a_bookmark_in_a_group_that_is_dissolved_shows_the_same_layers(it):
    it.document.attempt("Arrange", arrange)
    kept(it)
    fc = it.canvas.node("block.fc")
    far = it.view.center - fc.frame.center()
    before = it.document.view.bookmarks
    it.document.attempt("Ungroup block", lambda net: ungroup(net, "block"))
    top, moved = it.document.view.bookmarks
    assert (top, moved.name, moved.path, moved.place[2]) == (before[0], "block.fc", "", before[1].place[2])
    it.view.set_camera(QPointF(9000, 9000), 0.3)
    it.canvas.bookmarking.go(moved)
    shown = it.view.center - it.canvas.node("fc").frame.center()
    assert (shown - far).manhattanLength() < 1
    it.document.history.undo()
    assert it.document.view.bookmarks == before
    it.document.history.redo()
    assert it.document.view.bookmarks == (top, moved)


def test_a_bookmark_of_a_group_that_was_deleted_waits_for_it(it):
    kept(it)
    before = it.document.view.bookmarks
    it.document.attempt("Delete block", lambda net: net.remove("block"))
    it.canvas.bookmarking.go(before[1])
    assert it.refusals == ["The group block of the bookmark block.fc is no more."]
    it.document.history.undo()
    assert it.document.view.bookmarks == before
