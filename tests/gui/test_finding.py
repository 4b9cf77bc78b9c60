"""Find: by name, type, shape, tied or frozen, inside groups too, one hit after the other, and back."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer import analyze, freeze, group
from designer.gui import finding
from designer.gui.table import matches
from designer.layers import Conv2d, Input, Linear, ReLU
from designer.model import Network

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
F3, ESCAPE, RETURN = Qt.Key.Key_F3, Qt.Key.Key_Escape, Qt.Key.Key_Return


@pytest.fixture
def grouped(desk, tied):
    desk.open(group(freeze(tied, "lstm"), ["lstm", "fc"], "block"))
    return desk


def find(desk, text):
    desk.key(Qt.Key.Key_F, CTRL)
    box = desk.window.boxes.box
    box.field.selectAll()
    QTest.keyClicks(box.field, text)
    return box


def names(desk, text):
    return [row.name for row in desk.window.finding.found(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lstm", ["block.lstm"]),
        ("block fc", ["block.fc", "block.fc_out"]),
        ("type:linear", ["block.fc"]),
        ("tied", ["emb", "block.fc"]),
        ("frozen", ["block.lstm"]),
        ("block frozen", ["block.lstm"]),
        ("1000x300", ["emb", "block.fc"]),
        ("1000 x 300", ["emb", "block.fc"]),
        ("300×1000", []),
        ("B x T x 300", ["emb", "block.emb", "block.lstm"]),
        ("bxtx300 lstm", ["block.lstm"]),
        ("T x 1000 softmax", ["probs"]),
        ("nothing", []),
    ],
)
def test_what_a_text_finds(grouped, text, found):
    assert names(grouped, text) == found


def test_sizes_are_found_within_a_longer_shape():
    rows = {
        row.name: row
        for row in analyze(Network().chain(image=Input(("B", 3, 32, 32)), conv=Conv2d(64, kernel_size=7))).rows
    }
    for text in ("64x3x7x7", "3x7x7", "7 x 7", "64"):
        assert matches(rows["conv"], text), text
    for text in ("64x7", "3x64", "x", "7x", "x7x"):
        assert not matches(rows["conv"], text), text


def test_the_box_counts_and_f3_steps_through_while_it_is_open(grouped):
    box = find(grouped, "1000x300")
    assert box.note == "2 found"
    QTest.keyClick(box.field, F3)
    assert grouped.document.view.selection == {"emb"}
    assert box.isVisible()
    assert box.note == "1 of 2"
    QTest.keyClick(box.field, F3)
    assert grouped.document.view.path == "block"
    assert grouped.document.view.selection == {"block.fc"}
    assert box.note == "2 of 2"
    assert box.list.currentRow() == 1
    QTest.keyClick(box.field, F3, SHIFT)
    assert grouped.document.view.path == ""
    assert grouped.told[-1] == "emb is 1 of 2 found by 1000x300."


def test_escape_leads_back_to_where_the_search_began(grouped):
    grouped.select("probs")
    grouped.canvas.zoom_to(0.8)
    center, zoom = grouped.canvas.view.center, grouped.canvas.view.zoom
    box = find(grouped, "lstm")
    QTest.keyClick(box.field, F3)
    assert grouped.document.view.path == "block"
    QTest.keyClick(box.field, ESCAPE)
    QApplication.processEvents()
    assert grouped.window.boxes.box is None
    assert grouped.document.view.path == ""
    assert grouped.document.view.selection == {"probs"}
    assert (grouped.canvas.view.center - center).manhattanLength() < 1e-6
    assert grouped.canvas.view.zoom == zoom
    assert grouped.canvas.view.hasFocus()


def test_enter_goes_to_a_hit_and_stays_there(grouped):
    box = find(grouped, "type:lstm")
    QTest.keyClick(box.field, RETURN)
    assert grouped.window.boxes.box is None
    assert grouped.document.view.path == "block"
    assert grouped.document.view.selection == {"block.lstm"}
    grouped.key(Qt.Key.Key_F, CTRL)
    assert grouped.window.boxes.box.field.text() == "type:lstm"
    assert grouped.window.boxes.box.field.selectedText() == "type:lstm"


def test_f3_goes_on_without_the_box_from_the_layer_that_is_selected(desk, tied):
    desk.open(tied)
    QTest.keyClick(find(desk, "1000").field, ESCAPE)
    for path in ("emb", "fc", "probs", "emb"):
        desk.key(F3)
        assert desk.document.view.selection == {path}
    desk.key(F3, SHIFT)
    assert desk.document.view.selection == {"probs"}
    assert desk.told[-1] == "probs is 3 of 3 found by 1000."
    desk.select("fc")
    desk.key(F3)
    assert desk.document.view.selection == {"probs"}


def test_names_and_types_are_found_before_anything_is_analyzed(desk, tied):
    desk.open(tied)
    desk.document.analysis = None
    assert names(desk, "linear") == ["fc"]
    assert names(desk, "1000x300") == []


def test_of_very_many_hits_some_are_listed_and_all_are_counted(desk, monkeypatch):
    monkeypatch.setattr(finding, "MOST", 5)
    desk.open(Network().chain(x=Input(("B", 8)), fc=Linear(8), **{f"r{n}": ReLU() for n in range(9)}))
    box = find(desk, "relu")
    assert box.note == "9 found"
    assert box.list.count() == 6
    assert box.list.line(5).title == "and 4 more: F3 steps through all"
    for _ in range(8):
        QTest.keyClick(box.field, F3)
    assert box.note == "8 of 9"
    assert desk.document.view.selection == {"r7"}


def test_a_text_that_nothing_answers_to(desk, tied):
    desk.open(tied)
    box = find(desk, "convv")
    assert [line.title for line in box.list.lines] == ["No layer answers to convv."]
    assert box.note == "0 found"
    QTest.keyClick(box.field, F3)  # asks again
    assert desk.window.boxes.box.field.text() == "convv"


def test_the_filter_of_the_table_finds_owners_as_tied(desk, tied):
    desk.open(tied)
    desk.table.rows.words = "tied"
    desk.table.rows.arrange()
    assert [row.name for row in desk.table.rows.shown] == ["emb", "fc"]
