"""The analyzer: its numbers, its order, its selection, and what it shows while it does not know."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from designer.analysis import analyze
from designer.analysis.sizes import memory
from designer.gui.document import Document
from designer.gui.drawing import text_width
from designer.gui.table import COLUMNS, cost, matches, total_cost
from designer.layers import Embedding, Input, Linear, ReLU
from designer.model import Group, Network

LEFT = Qt.MouseButton.LeftButton


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (4000, "3.91 KiB"), (1_200_000, "1.14 MiB"), (4_093_600, "3.90 MiB")]
)
def test_memory(size, text):
    assert memory(size) == text


def test_cost():
    assert cost("720000*B*T") == "720,000\u2009·\u2009BT"
    assert cost("300*B*H1") == "300\u2009·\u2009B·H1"
    assert cost(1234) == "1,234"
    assert cost(None) == "?"


def test_numbers(desk, tied):
    desk.open(tied)
    wanted = {
        "tokens": ("none", "", "0", "0", "0 B", "0"),
        "emb": ("weight 1000×300", "to fc.weight", "300,000", "300,000", "1.14 MiB", "0"),
        "lstm": ("weight_ih_l0 1200×300   + 3 more", "", "722,400", "722,400", "2.76 MiB", "720,000·BT"),
        "fc": ("weight 1000×300   bias 1000", "from emb.weight", "1,000", "301,000", "3.91 KiB", "300,000·BT"),
        "probs": ("none", "", "0", "0", "0 B", "0"),
    }
    columns = ("Learnables", "Tied to", "Stored", "Used", "Memory", "Multiply-adds")
    for path, texts in wanted.items():
        shown = tuple(desk.cell(path, column).replace("\u200a", "").replace("\u2009", "") for column in columns)
        assert shown == texts, path
    assert total_cost(desk.document.analysis.rows) == "1,020,000\u2009·\u2009BT"
    counts = desk.window.bottom.counts
    assert [label.full for label in counts.values()] == ["1,023,400", "1,323,400", "300,000  22.7 %"]


def test_large_numbers_are_never_cut(desk):
    chain = {"tokens": Input(("B", "T"), dtype="int64"), "a_long_name_for_words": Embedding(123_456, 768)}
    desk.open(Network().chain(**chain, head=Linear(123_456)))
    desk.window.resize(1280, 720)
    table = desk.table
    table.fit()
    for column in ("Stored", "Used"):
        room = table.columnWidth(COLUMNS.index(column)) - 24
        assert all(text_width(desk.cell(path, column)) <= room for path in ("a_long_name_for_words", "head"))
        assert text_width(f"{desk.document.analysis.used:,}", 12, 600) <= room


def test_an_edit_is_followed(desk, tied):
    desk.open(tied)
    desk.document.edit("Set out_features of fc", tied.set("fc", out_features=15, input_learnables=()))
    desk.settle()
    assert desk.cell("fc", "Stored") == "4,515"


def test_the_selection_goes_both_ways(desk, tied):
    desk.open(tied)
    desk.select("lstm")
    assert [index.row() for index in desk.table.selectionModel().selectedRows()] == [2]
    place = QPoint(20, desk.table.rowViewportPosition(3) + 14)
    QTest.mouseClick(desk.table.viewport(), LEFT, pos=place)
    assert desk.document.view.selection == {"fc"}
    QTest.keyClick(desk.table, Qt.Key.Key_Up)
    assert desk.document.view.selection == {"lstm"}


def test_a_link_jumps_to_the_owner(desk, tied):
    desk.open(tied)
    x = desk.table.columnViewportPosition(4) + 40
    QTest.mouseClick(desk.table.viewport(), LEFT, pos=QPoint(x, desk.table.rowViewportPosition(3) + 14))
    assert desk.document.view.selection == {"emb"}


def test_a_head_sorts_and_the_third_click_returns(desk, tied):
    desk.open(tied)
    head = desk.table.horizontalHeader()
    orders = []
    for _ in range(3):
        QTest.mouseClick(head.viewport(), LEFT, pos=QPoint(desk.table.columnViewportPosition(5) + 20, 14))
        orders.append([row.name for row in desk.table.rows.shown])
    assert orders[0][-3:] == ["fc", "emb", "lstm"]
    assert orders[1][:3] == ["lstm", "emb", "fc"]
    assert orders[2] == list(tied.layers)


def test_filter(desk, tied):
    desk.open(tied)
    field = desk.window.bottom.filter
    for words, names in (
        ("lst", ["lstm"]),
        ("type:lin", ["fc"]),
        ("tied", ["emb", "fc"]),
        (">300k", ["lstm", "fc"]),
        ("", list(tied.layers)),
    ):
        field.setText(words)
        assert [row.name for row in desk.table.rows.shown] == names
    frozen = analyze(tied.set("lstm", frozen=True)).row("lstm")
    assert matches(frozen, "frozen")


def test_copy(desk, tied):
    desk.open(tied)
    desk.select("fc")
    desk.table.setFocus()
    QTest.keyClick(desk.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 2
    assert lines[1].split("\t")[:7] == [
        "fc",
        "Linear",
        "(B, T, 1000)",
        "weight (1000, 300), bias (1000)",
        "from emb.weight",
        "1000",
        "301000",
    ]


def test_groups_unfold(desk):
    inner = Network().chain(x=Input(), fc=Linear(4))
    desk.open(Network().chain(x=Input(("B", 8)), block=Group(inner)))
    assert [row.name for row in desk.table.rows.shown] == ["x", "block"]
    desk.select("block")
    desk.table.setFocus()
    QTest.keyClick(desk.table, Qt.Key.Key_Down)
    QTest.keyClick(desk.table, Qt.Key.Key_Right)
    assert [row.name for row in desk.table.rows.shown] == ["x", "block", "block.x", "block.fc"]
    assert desk.cell("block", "Stored") == desk.cell("block.fc", "Stored") == "36"
    assert (desk.cell("block", "Learnables"), desk.cell("block.x", "Learnables")) == ("", "none")
    QTest.mouseClick(desk.table.viewport(), LEFT, pos=QPoint(60, desk.table.rowViewportPosition(3) + 14))
    assert desk.document.view.path == "block"
    assert desk.document.view.selection == {"block.fc"}


def test_what_is_selected_inside_a_group_is_shown_there(desk):
    inner = Network().chain(x=Input(), fc=Linear(4), deep=Group(Network().chain(y=Input(), act=ReLU())))
    desk.open(Network().chain(x=Input(("B", 8)), block=Group(inner)))
    desk.document.look(path="block.deep", selection=frozenset({"block.deep.act"}))
    assert desk.table.rows.opened == {"block", "block.deep"}
    at = desk.table.rows.places["block.deep.act"]
    assert [index.row() for index in desk.table.selectionModel().selectedRows()] == [at]
    desk.table.setCurrentIndex(desk.table.rows.index(desk.table.rows.places["block"], 0))
    desk.table.setFocus()
    QTest.keyClick(desk.table, Qt.Key.Key_Left)  # what the user folds stays folded
    assert "block" not in desk.table.rows.opened
    desk.document.look(places={"": (1.0, 2.0, 1.0)})  # also when the camera moves
    assert "block" not in desk.table.rows.opened
    desk.select("x")
    desk.document.look(path="block.deep", selection=frozenset({"block.deep.act"}))
    assert desk.table.rows.opened == {"block", "block.deep"}


def test_errors_leave_what_is_known(desk, tied):
    desk.open(tied.disconnect("lstm/in"))
    assert desk.cell("emb", "Stored") == "300,000"
    assert desk.cell("lstm", "Stored") == desk.cell("lstm", "Activations") == "?"
    assert desk.table.rows.problems["lstm"] == "error"
    assert desk.window.bottom.counts["Stored"].full.startswith("at least ")
    assert desk.window.bottom.tabs[1].count == str(len(desk.document.analysis.problems))


def test_old_numbers_stay_until_the_new_ones_come(desk, tied, qtbot):
    desk.open(tied)
    panel = desk.window.bottom.analyzer
    held = desk.document.analysis
    desk.window.analyzing.busy = True  # as if another analysis took long
    desk.document.edit("Set hidden_size of lstm", tied.set("lstm", hidden_size=301))
    assert desk.cell("lstm", "Stored") == "722,400"
    assert not panel.busy_line.isVisible()
    qtbot.waitUntil(lambda: panel.busy_line.isVisible())
    assert panel.table.rows.faint
    desk.document.take_analysis(analyze(desk.network))
    assert not panel.busy_line.isVisible()
    assert not panel.table.rows.faint
    assert desk.document.analysis is not held
    desk.window.analyzing.busy = False


def test_late_results_are_dropped(desk, tied):
    desk.open(tied)
    late = analyze(tied.set("lstm", hidden_size=7))
    desk.window.analyzing._came(late)
    assert desk.document.analysis is not late


def test_before_torch(qtbot, session, tied):
    from designer.gui.main_window import MainWindow

    window = MainWindow(session)
    window.show_network(tied, "early")
    window.show()
    rows = window.bottom.analyzer.table.rows
    assert [rows.index(n, 1).data() for n in range(5)] == ["Input", "Embedding", "LSTM", "Linear", "Softmax"]
    assert rows.index(2, 5).data() == ""
    assert isinstance(window.document, Document)
    session.torch.load()
    qtbot.waitUntil(lambda: not window.document.stale, timeout=60_000)
    assert rows.index(2, 5).data() == "722,400"
