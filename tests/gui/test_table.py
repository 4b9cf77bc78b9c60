"""What a person does with the analyzer's table: choose columns, pick rows, copy them, follow ties."""

import csv
import io

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from designer import tie
from designer.gui.copying import comma_separated, markdown, tabbed
from designer.gui.table import COLUMNS
from designer.layers import Embedding, Input, Linear
from designer.model import Network

LEFT = Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def click_row(desk, row, modifiers=Qt.KeyboardModifier.NoModifier, column=1):
    table = desk.table
    place = QPoint(table.columnViewportPosition(column) + 24, table.rowViewportPosition(row) + 14)
    QTest.mouseClick(table.viewport(), LEFT, modifiers, place)


def menu_at(widget, place):
    """Ask for the context menu at a place, and give it."""
    for menu in widget.window().findChildren(QMenu):
        if menu.isVisible():
            menu.close()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)
    return QApplication.activePopupWidget()


def pick(menu, *texts):
    """Choose an entry of a menu, of menus in it."""
    for text in texts:
        action = next(action for action in menu.actions() if action.text() == text)
        if action.menu():
            menu = action.menu()
        else:
            action.trigger()
    for shown in QApplication.topLevelWidgets():
        if isinstance(shown, QMenu):
            shown.close()
    QApplication.processEvents()


def shown_columns(table):
    return [name for n, name in enumerate(COLUMNS) if not table.isColumnHidden(n)]


@pytest.fixture
def shared():
    """One embedding whose weight three layers take, one of them through a permutation."""
    net = Network().chain(tokens=Input(("B",), dtype="int64"), emb=Embedding(8, 8), a=Linear(8), b=Linear(8))
    net = net.chain("b", c=Linear(8))
    for name, order in (("a", ()), ("b", ()), ("c", (1, 0))):
        net = tie(net, "emb/weight", f"{name}/weight", permute=order)
    return net


def test_the_head_chooses_columns(desk, tied):
    desk.open(tied)
    head = desk.table.horizontalHeader()
    assert "Trains" not in shown_columns(desk.table)
    menu = menu_at(head.viewport(), QPoint(20, 10))
    assert [action.text() for action in menu.actions() if action.text()] == [*COLUMNS, "Those that fit"]
    assert not menu.actions()[0].isEnabled()
    pick(menu, "Trains")
    assert "Trains" in shown_columns(desk.table)
    pick(menu_at(head.viewport(), QPoint(20, 10)), "Learnables")
    assert "Learnables" not in shown_columns(desk.table)
    assert sum(desk.table.columnWidth(n) for n in range(len(COLUMNS))) >= desk.table.viewport().width()
    desk.select("fc")
    desk.table.setFocus()
    QTest.keyClick(desk.table, Qt.Key.Key_C, CTRL)
    assert "Learnables" not in QGuiApplication.clipboard().text()
    pick(menu_at(head.viewport(), QPoint(20, 10)), "Those that fit")
    assert "Learnables" in shown_columns(desk.table)
    assert "Trains" not in shown_columns(desk.table)


def test_all_columns_can_be_reached(desk, tied):
    desk.open(tied)
    desk.window.resize(1280, 720)
    desk.table.choose(dict.fromkeys(COLUMNS, True))
    QApplication.processEvents()
    assert shown_columns(desk.table) == list(COLUMNS)
    bar = desk.table.horizontalScrollBar()
    assert bar.maximum() > 0
    bar.setValue(bar.maximum())
    last = len(COLUMNS) - 1
    end = desk.table.columnViewportPosition(last) + desk.table.columnWidth(last)
    assert end <= desk.table.viewport().width()
    desk.window.bottom.grab()


def test_in_a_small_window_the_last_columns_go_first(desk, tied):
    desk.open(tied)
    desk.window.resize(853, 480)
    desk.qtbot.waitUntil(lambda: desk.table.viewport().width() < 860)
    assert shown_columns(desk.table) == list(COLUMNS[: COLUMNS.index("Memory")])
    assert desk.table.horizontalScrollBar().maximum() == 0
    desk.table.choose({"Memory": True})  # who asks for it gets it
    assert "Memory" in shown_columns(desk.table)
    assert "Used" not in shown_columns(desk.table)


def test_a_dragged_width_stays(desk, tied):
    desk.open(tied)
    head, table = desk.table.horizontalHeader(), desk.table
    edge = QPoint(head.sectionViewportPosition(1) + head.sectionSize(1) - 1, 14)
    before = head.sectionSize(1)
    QTest.mouseMove(head.viewport(), edge)
    QTest.mousePress(head.viewport(), LEFT, pos=edge)
    QTest.mouseMove(head.viewport(), edge + QPoint(20, 0))
    QTest.mouseMove(head.viewport(), edge + QPoint(40, 0))
    QTest.mouseRelease(head.viewport(), LEFT, pos=edge + QPoint(40, 0))
    assert table.columnWidth(1) == before + 40
    desk.document.edit("Set hidden_size of lstm", tied.set("lstm", hidden_size=300, num_layers=2))
    desk.settle()
    assert table.columnWidth(1) == before + 40


def test_several_rows_both_ways(desk, tied):
    desk.open(tied)
    click_row(desk, 1)
    click_row(desk, 3, CTRL)
    assert desk.document.view.selection == {"emb", "fc"}
    assert set(desk.canvas.selected_layers()) == {"emb", "fc"}
    click_row(desk, 1, CTRL)
    assert desk.document.view.selection == {"fc"}
    click_row(desk, 1)
    click_row(desk, 3, SHIFT)
    assert desk.document.view.selection == {"emb", "lstm", "fc"}
    QTest.keyClick(desk.table, Qt.Key.Key_Down, SHIFT)
    assert desk.document.view.selection == {"emb", "lstm", "fc", "probs"}
    desk.select("tokens", "lstm", "probs")
    assert sorted(index.row() for index in desk.table.selectionModel().selectedRows()) == [0, 2, 4]


def test_tied_to(desk, shared):
    desk.open(shared)
    assert desk.cell("emb", "Tied to") == "to 3 layers"
    assert desk.cell("a", "Tied to") == "from emb.weight"
    assert desk.cell("c", "Tied to") == "from emb.weight by Permute 1, 0"
    rows = desk.table.rows
    tip = rows.index(rows.places["c"], COLUMNS.index("Used")).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "owns 8 of 72"
    column = COLUMNS.index("Tied to")
    place = QPoint(
        desk.table.columnViewportPosition(column) + 40, desk.table.rowViewportPosition(rows.places["emb"]) + 14
    )
    QTest.mouseClick(desk.table.viewport(), LEFT, pos=place)
    menu = QApplication.activePopupWidget()
    assert [action.text() for action in menu.actions()] == ["a.weight", "b.weight", "c.weight"]
    pick(menu, "b.weight")
    assert desk.document.view.selection == {"b"}
    click_row(desk, rows.places["c"])
    place = QPoint(60, desk.table.rowViewportPosition(rows.places["c"]) + 14)
    pick(menu_at(desk.table.viewport(), place), "Go to emb.weight")
    assert desk.document.view.selection == {"emb"}


def test_copy_as(desk, tied):
    desk.open(tied)
    view = desk.table.viewport()
    place = QPoint(200, desk.table.rowViewportPosition(3) + 14)
    menu = menu_at(view, place)
    pick(menu, "Copy as Markdown")
    assert desk.document.view.selection == {"fc"}
    head, rule, line = QGuiApplication.clipboard().text().splitlines()
    assert head.startswith("| Name | Type | Activations |")
    assert rule.count("---:") == 5
    assert "| from emb.weight | 1000 | 301000 | 4000 | 300000\\*B\\*T | yes | 1 |" in line
    assert desk.told[-1] == "Copied 1 row."
    pick(menu_at(view, place), "Copy as CSV")
    text = QGuiApplication.clipboard().text()
    (fields,) = list(csv.DictReader(io.StringIO(text)))
    assert (fields["Name"], fields["Stored"], fields["Used"]) == ("fc", "1000", "301000")
    pick(menu_at(view, place), "Copy all", "As CSV")
    rows = list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))
    assert [row[0] for row in rows] == ["Name", *tied.layers]
    pick(menu_at(view, place), "Copy")
    assert len(QGuiApplication.clipboard().text().splitlines()) == 2
    desk.click(desk.window.bottom.copy)
    assert len(QGuiApplication.clipboard().text().splitlines()) == 6


def test_unknown_numbers_are_copied_as_such(desk, tied):
    desk.open(tied.disconnect("lstm/in"))
    desk.select("lstm")
    line = desk.table.copied().splitlines()[1].split("\t")
    assert line[COLUMNS.index("Stored")] == line[COLUMNS.index("Memory")] == "?"


def test_texts_for_other_programs():
    lines = [["Name", "Stored"], ['=SUM(A1) "x", y', "-5"], ["a|b_c\n", "1e5"], ["@cmd", "+1"]]
    text = comma_separated(lines)
    assert text == 'Name,Stored\r\n"\'=SUM(A1) ""x"", y",-5\r\n"a|b_c\n",1e5\r\n\'@cmd,+1\r\n'
    assert list(csv.reader(io.StringIO(text, newline="")))[2] == ["a|b_c\n", "1e5"]
    assert markdown(lines[:1] + lines[2:3], [False, True]) == "| Name | Stored |\n| --- | ---: |\n| a\\|b\\_c  | 1e5 |"
    assert tabbed(lines[2:3]) == "a|b_c \t1e5"


def test_failed(desk, tied):
    desk.open(tied)
    panel, counts = desk.window.bottom.analyzer, desk.window.bottom.counts
    assert not panel.note.isVisible()
    desk.window.analyzing.busy = True  # as if it took long
    desk.document.edit("Set hidden_size of lstm", tied.set("lstm", hidden_size=301))
    desk.document.take_analysis(None)
    desk.window.analyzing.busy = False
    assert panel.note.isVisible()
    assert panel.said.text() == "Numbers from before the last edit."
    assert panel.table.rows.faint
    assert not counts["Stored"].isEnabled()
    assert desk.cell("lstm", "Stored") == "722,400"
    desk.click(panel.again)
    desk.settle()
    assert not panel.note.isVisible()
    assert not panel.table.rows.faint
    assert counts["Stored"].isEnabled()
    assert desk.cell("lstm", "Stored") != "722,400"
