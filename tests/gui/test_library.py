"""The library: found by other names, dragged with a mime type of its own, added with Enter."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtTest import QTest

from designer.gui.mime import LAYER, dragged_layer, layer_mime
from designer.gui.searching import entries, near, search, signature
from designer.layers import Input, Linear
from designer.model import CATEGORIES, Network, layer_types


def test_every_type_is_there_once():
    found = entries()
    assert {entry.type for entry in found} == set(layer_types) - {"Operation"}
    assert len({entry.title for entry in found}) == len(found)
    assert {entry.category for entry in found} == set(CATEGORIES)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("fully connected", "Linear"),
        ("linear", "Linear"),
        ("conv2", "Conv2d"),
        ("token", "Tokens"),
        ("soft", "Softmax"),
        ("norm", "BatchNorm1d"),
        ("pool", "MaxPool1d"),
        ("cnv2d", "Conv2d"),
        ("ln", "LayerNorm"),
        ("sdpa", "ScaledDotProductAttention"),
    ],
)
def test_search(words, first):
    assert search(entries(), words)[0].title == first


def test_letters_alone_count_when_nothing_else_does():
    assert [entry.title for entry in search(entries(), "fully connected")] == ["Linear"]
    assert search(entries(), "convv") == []
    assert near(entries(), "convv") == "Conv2d"
    assert near(entries(), "") == ""


def test_signature():
    said = {entry.title: signature(entry) for entry in entries()}
    assert said["Linear"] == "out_features, bias"
    assert (said["Add"], said["MatMul"], said["ReLU"], said["Tokens"]) == ("any inputs", "2 inputs", "", "int64")


def test_nothing_found_offers_what_is_near(desk):
    desk.click(desk.window.start.starts[0])
    library = desk.window.library
    QTest.keyClicks(library.field, "convv")
    assert library.nothing.text() == "No layer is called convv."
    assert library.guess.text() == "Did you mean Conv2d?"
    desk.click(library.guess)
    assert library.field.text() == "Conv2d"
    assert library.tree.topLevelItem(0).text(0) == "Conv2d"
    QTest.keyClick(library.field, Qt.Key.Key_Escape)
    assert library.tree.topLevelItemCount() == len(CATEGORIES)


def test_keys_lead_from_the_field_through_the_list(desk):
    desk.click(desk.window.start.starts[0])
    library = desk.window.library
    library.field.setFocus()
    QTest.keyClicks(library.field, "convv")
    QTest.keyClick(library.field, Qt.Key.Key_Return)  # takes the guess
    assert library.field.text() == "Conv2d"
    library.field.selectAll()
    QTest.keyClicks(library.field, "conv")
    assert library.tree.currentItem().text(0) == "Conv1d"
    QTest.keyClick(library.field, Qt.Key.Key_Down)
    QTest.keyClick(library.field, Qt.Key.Key_Down)
    QTest.keyClick(library.field, Qt.Key.Key_Up)
    assert library.field.hasFocus()
    QTest.keyClick(library.field, Qt.Key.Key_Return)
    assert list(desk.network.layers) == ["conv2d"]
    assert desk.undo_texts() == ["Add Conv2d"]


@pytest.mark.parametrize("words", ["OutputLearnables", "input learnables"])
def test_the_words_of_others_for_the_switches(desk, words):
    desk.click(desk.window.start.starts[0])
    library = desk.window.library
    QTest.keyClicks(library.field, words)
    assert library.nothing.text() == "Learnables are offered and taken at a layer: select it and press L."
    desk.click(library.guess)
    assert library.field.text() == ""


def test_enter_adds_after_the_selected_layer(desk):
    desk.open(Network().add(tokens=Input(("B", 8))))
    desk.select("tokens")
    desk.key(Qt.Key.Key_Slash)
    library = desk.window.library
    assert library.field.hasFocus()
    QTest.keyClicks(library.field, "dense")
    QTest.keyClick(library.field, Qt.Key.Key_Return)
    assert isinstance(desk.network.layer("linear"), Linear)
    assert str(next(iter(desk.network.wires.values()))) == "tokens/out"
    assert desk.undo_texts() == ["Add Linear"]
    assert desk.canvas.view.hasFocus()
    assert library.field.text() == ""
    desk.settle()
    assert desk.document.analysis.row("linear").activations == (("B", 10),)


def test_double_click_adds(desk):
    desk.click(desk.window.start.starts[0])
    tree, place = desk.window.library.tree, desk.library_line("Image")
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    (layer,) = desk.network.layers.values()
    assert layer.shape == ("B", "C", "H", "W")


def test_categories_fold(desk):
    desk.click(desk.window.start.starts[0])
    tree = desk.window.library.tree
    head = tree.topLevelItem(1)
    assert head.isExpanded()
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualItemRect(head).center())
    assert not head.isExpanded()
    desk.window.library.field.setText("x")
    desk.window.library.field.clear()
    assert not tree.topLevelItem(1).isExpanded()


def test_drag_carries_the_properties(desk, monkeypatch):
    desk.click(desk.window.start.starts[0])
    desk.drag_from_library("Tokens", QPoint(300, 200), monkeypatch)
    (layer,) = desk.network.layers.values()
    assert layer == Input(("B", "T"), dtype="int64")


def test_mime():
    data = layer_mime("Linear", {"out_features": 3})
    assert data.formats() == [LAYER]
    assert dragged_layer(data) == Linear(3)
    assert dragged_layer(QMimeData()) is None
    assert dragged_layer(layer_mime("Nothing")) is None
