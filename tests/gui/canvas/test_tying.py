"""Ties in one step: by the word "Learnables", by a wire dropped on a layer, from a list, and with two pictures."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group
from designer.layers import Embedding, Input, Linear, Permute, ReLU, Softmax
from designer.model import Network, Port


@pytest.fixture
def alike(stage):
    """Two layers of the same sizes, and one of others."""
    net = Network().chain(x=Input(("B", 30)), a=Linear(20), b=Linear(30), c=Linear(20), probs=Softmax())
    it = stage(net)
    it.canvas.fit(all=True)
    return it


@pytest.fixture
def square(stage):
    it = stage(Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8)))
    it.drag(it.fold("a"), it.body("b"))
    return it


def lines(it):
    box = it.canvas.frame.box
    return [(line.title, line.hint, line.tail) for line in box.list.lines] if box.isVisible() else []


def press(key):
    QTest.keyClick(QApplication.focusWidget(), key)
    QApplication.processEvents()


def test_the_word_learnables_dropped_on_a_layer_ties_the_pair_that_fits(stage, language_model):
    it = stage(language_model)
    before = it.canvas.node("emb").pos()
    it.drag(it.fold("emb"), it.body("fc"))
    assert it.network.source_of(Port("fc", "weight")) == Port("emb", "weight")
    assert it.undo_texts() == ["Take weight of fc from emb"]
    assert it.told == ["fc takes weight from emb, saves 1.14 MiB."]
    assert it.canvas.node("emb").pos() == before
    it.document.history.undo()
    assert it.network == language_model


def test_it_is_refused_before_the_release(stage):
    it = stage(Network().chain(x=Input(("B", 7)), a=Linear(5), b=Linear(3), probs=Softmax()))
    start, end = it.fold("a"), it.body("b")
    it.press(start)
    it.move(start, end)
    assert it.canvas.node("b").mark == "refused"
    assert it.view.gesture.join.says.endswith("no permutation fits")
    assert it.view.viewport().cursor().shape() == Qt.CursorShape.ForbiddenCursor
    it.view.grab()
    it.release(end)
    times = "\u200a×\u200a"
    assert it.refusals == [f"a.weight is 5{times}7, b.weight is 3{times}5: no permutation fits."]
    assert it.canvas.node("b").mark == ""
    assert not it.undo_texts()
    it.drag(it.fold("a"), it.body("probs"))
    assert it.refusals[1:] == ["probs has no learnables."]


def test_escape_drops_it_and_a_drop_on_nothing_does_nothing(alike):
    start, end = alike.fold("a"), alike.body("b")
    alike.press(start)
    alike.move(start, end)
    assert alike.canvas.node("b").mark == "tie"
    alike.key(Qt.Key.Key_Escape)
    assert alike.canvas.node("b").mark == ""
    alike.release(end)
    alike.drag(start, alike.empty())
    assert not alike.undo_texts()
    assert not alike.refusals
    assert not lines(alike)


def test_several_pairs_are_listed_with_shape_and_bytes_and_taken_by_key(alike):
    alike.drag(alike.fold("a"), alike.body("c"))
    times = "\u200a×\u200a"
    assert lines(alike) == [
        ("c.weight takes a.weight", f"20{times}30", "saves 2.34 KiB"),
        ("c.bias takes a.bias", "20", "saves 80 B"),
    ]
    press(Qt.Key.Key_Escape)
    assert not lines(alike)
    assert not alike.undo_texts()
    alike.drag(alike.fold("a"), alike.body("c"))
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Return)
    assert alike.undo_texts() == ["Take bias of c from a"]
    assert alike.told == ["c takes bias from a, saves 80 B."]


def test_a_line_is_taken_by_a_click_and_what_is_tied_is_listed_no_more(alike):
    alike.drag(alike.fold("a"), alike.body("c"))
    box = alike.canvas.frame.box
    place = box.list.visualItemRect(box.list.item(0)).center()
    QTest.mouseClick(box.list.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert alike.network.source_of(Port("c", "weight")) == Port("a", "weight")
    alike.drag(alike.fold("a"), alike.body("c"))
    assert alike.undo_texts() == ["Take weight of c from a", "Take bias of c from a"]
    alike.drag(alike.fold("a"), alike.body("c"))
    assert alike.refusals == ["c takes all that fits from a already."]


def test_a_permute_is_said_in_the_list(alike):
    alike.drag(alike.fold("a"), alike.body("b"))
    assert alike.undo_texts() == ["Take weight of b from a"]
    assert alike.network.layers["permute"] == Permute((1, 0))


def test_square_ones_show_both_meanings(square):
    assert [line[:2] for line in lines(square)] == [
        ("b.weight takes a.weight", "8\u200a×\u200a8, directly or transposed"),
        ("b.bias takes a.bias", "8"),
    ]
    press(Qt.Key.Key_Return)
    pictures = square.canvas.choosing.pictures
    assert pictures.isVisible()
    assert not lines(square)
    assert not square.undo_texts()
    assert [card.axes for card in pictures.cards] == [(("out", "in"), ("out", "in"))] * 2
    assert pictures.cards[0].hasFocus()
    pictures.grab()
    press(Qt.Key.Key_Right)
    assert pictures.cards[1].hasFocus()
    press(Qt.Key.Key_Return)
    assert not pictures.isVisible()
    assert square.network.layers["permute"] == Permute((1, 0))
    assert square.undo_texts() == ["Take weight of b from a"]


def test_a_picture_is_taken_by_a_click_or_left_by_escape(square):
    pictures = square.canvas.choosing.pictures
    press(Qt.Key.Key_Return)
    press(Qt.Key.Key_Escape)
    assert not pictures.isVisible()
    assert not square.undo_texts()
    square.drag(square.fold("a"), square.body("b"))
    press(Qt.Key.Key_Return)
    QTest.mouseClick(pictures.cards[0], Qt.MouseButton.LeftButton)
    assert square.network.source_of(Port("b", "weight")) == Port("a", "weight")
    assert square.told == ["b takes weight from a, saves 256 B."]


def test_the_pictures_close_when_the_network_changes_or_the_canvas_is_pressed(square):
    pictures = square.canvas.choosing.pictures
    press(Qt.Key.Key_Return)
    square.document.edit("Rename", square.network.rename("a", "first"))
    assert not pictures.isVisible()
    square.drag(square.fold("first"), square.body("b"))
    press(Qt.Key.Key_Return)
    assert pictures.isVisible()
    square.click(square.empty())
    assert not pictures.isVisible()


def test_axes_are_called_as_the_layers_have_them(stage):
    net = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(8, 8), fc=Linear(8))
    it = stage(net)
    it.drag(it.fold("emb"), it.body("fc"))
    assert it.canvas.choosing.pictures.cards[0].axes == (("tokens", "features"), ("out", "in"))


def test_why_shapes_are_not_known_is_said(stage):
    on = stage(Network().chain(x=Input(("B", 8)), fc=Linear(8)).add(rest=Linear(8)))
    on.drag(on.fold("fc"), on.title("rest"))
    said = "The shapes of rest are not known yet. rest has nothing on its input 'in'."
    assert on.refusals == [said]
    assert on.undo_texts() == []


def test_a_group_ties_what_its_layers_have(stage):
    net = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 30), act=ReLU(), fc=Linear(50))
    it = stage(group(net, ["act", "fc"], "head"))
    it.canvas.tie("emb", "head")
    assert it.network.source_of(Port("head.fc", "weight")) == Port("emb", "weight")
    assert it.undo_texts() == ["Take weight of head.fc from emb"]
    it.canvas.tie("emb", "head")
    assert it.refusals == ["head takes all that fits from emb already."]


def test_a_group_says_when_it_has_nothing_to_tie_or_too_much(stage):
    names = [f"l{n}" for n in range(25)]
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), **{name: Linear(8) for name in names}, act=ReLU())
    it = stage(group(group(net, ["act"], "end"), names, "body"))
    it.canvas.tie("a", "end")
    it.canvas.tie("a", "body")
    assert it.refusals == [
        "end has no learnables in its layers.",
        "body fits a in more than 40 ways. Enter body to choose there.",
    ]
