"""Values of a file are attached to the open network: by the menu, a drop, or from the window of the values."""

import pytest
import torch
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton

from designer import Network, build, initialize
from designer.edits.matching import PLACE, match
from designer.gui.attach_form import AttachForm
from designer.gui.attaching import NO_OTHER
from designer.gui.choosing import Chooser
from designer.gui.match_rows import TICK, VALUE
from designer.gui.match_table import Matches
from designer.layers import Embedding, Input, Linear, Parameter

NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def net():
    return Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(20, 6), fc=Linear(8), sq=Linear(8))


@pytest.fixture
def values(net):
    return build(net, seed=7).state_dict()


class Sheet:
    """The sheet of a window, and what a user does to it."""

    def __init__(self, desk, window=None):
        self.desk, self.window = desk, window or desk.window
        desk.qtbot.waitUntil(lambda: self.form is not None and self.form.isVisible(), timeout=20_000)
        QApplication.processEvents()

    @property
    def form(self):
        return self.window.attaching.form

    @property
    def rows(self):
        return self.form.table.rows

    def lines(self):
        return [(line.key, line.name, self.rows.on(line)) for line in self.rows.shown]

    def place(self, key, order=None):
        found = (n for n, line in enumerate(self.rows.shown) if line.key == key)
        return next(n for n in found if order is None or self.rows.shown[n].match.order == order)

    def click_box(self, key, order=None):
        table = self.form.table
        index = self.rows.index(self.place(key, order), TICK)
        table.scrollTo(index)
        self.desk.click(table.viewport(), table.visualRect(index).center())

    def press(self, text):
        buttons = self.form.findChildren(QPushButton)
        self.desk.click(next(each for each in buttons if each.text() == text))

    def attached(self):
        """Wait until the step is made."""
        self.desk.qtbot.waitUntil(lambda: self.form is None)
        QApplication.processEvents()


@pytest.fixture
def attach(desk, tmp_path, monkeypatch):
    """Choose a file with some values by the command of the menu."""

    def attach(values, name="model.pth"):
        torch.save(values, tmp_path / name)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / name), ""))
        desk.window.actions_by_name["attach"].trigger()
        return Sheet(desk)

    return attach


def test_all_by_name(desk, net, values, attach):
    desk.open(initialize(net))
    values.pop("fc.bias")
    before = desk.network
    sheet = attach(values)
    assert desk.network is before  # nothing is done before it is said
    assert sheet.lines()[0] == ("fc.bias", "", False)
    assert [on for _, _, on in sheet.lines()[1:]] == [True] * 4
    assert sheet.form.said.text() == "4 of 5 values get what is in the file."
    sheet.press("Attach 4")
    sheet.attached()
    assert desk.told[-1] == "Attached 4 of 5 values from model.pth; fc.bias kept its own."
    assert all(torch.equal(desk.network.values[key], value) for key, value in values.items())
    assert all(desk.network.values[key].mapped for key in values)
    assert desk.network.values["fc.bias"] is before.values["fc.bias"]
    assert desk.undo_texts() == ["Attach values of model.pth"]
    desk.document.history.undo()
    assert desk.network is before


def test_by_the_keyboard_alone(desk, net, values, tmp_path, monkeypatch):
    desk.open(net)
    values["fc.weight"] = values["fc.weight"].T.contiguous()
    torch.save(values, tmp_path / "model.pth")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "model.pth"), ""))
    desk.key(Qt.Key.Key_P, CTRL | SHIFT)
    QTest.keyClicks(desk.window.boxes.box.field, "load_state_dict")
    QTest.keyClick(desk.window.boxes.box.field, Qt.Key.Key_Return)
    sheet = Sheet(desk)
    table = sheet.form.table
    assert table.hasFocus()
    assert [line[0] for line in sheet.lines()[:3]] == ["fc.weight", "sq.weight", "sq.weight"]
    assert not any(on for _, _, on in sheet.lines()[:3])
    QTest.keyClick(table, Qt.Key.Key_Space)
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Space)
    assert [on for _, _, on in sheet.lines()[:3]] == [True, False, True]
    QTest.keyClick(table, Qt.Key.Key_Tab)
    assert sheet.form.focusWidget() is not table  # it does not hold the keyboard
    QTest.keyClick(table, Qt.Key.Key_Return)
    sheet.attached()
    assert torch.equal(desk.network.values["fc.weight"], values["fc.weight"].T)
    assert torch.equal(desk.network.values["sq.weight"], values["sq.weight"].T)
    assert desk.told[-1] == "Attached 5 of 5 values from model.pth."


def test_a_value_is_taken_in_one_way(desk, net, values, attach):
    desk.open(net)
    values["fc.weight"] = values["fc.weight"].T.contiguous()
    sheet = attach(values)
    sheet.click_box("sq.weight", ())
    assert sheet.rows.chosen["sq.weight"].order == ()
    sheet.click_box("sq.weight", (1, 0))
    assert sheet.rows.chosen["sq.weight"].order == (1, 0)
    sheet.press("Tick all shown")
    assert sheet.rows.chosen["sq.weight"].order == (1, 0)  # as it was said
    sheet.click_box("sq.weight", (1, 0))
    assert "sq.weight" not in sheet.rows.chosen
    sheet.press("Untick all shown")
    assert not sheet.rows.chosen
    assert not sheet.form.go.isEnabled()
    QTest.keyClick(sheet.form.table, Qt.Key.Key_Escape)
    assert sheet.form is None
    assert desk.network == net


def test_other_names_are_offered_and_ticked_together(desk, net, values, attach):
    desk.open(net)
    sheet = attach({f"arr_{n}": value for n, value in enumerate(values.values())})
    assert not sheet.rows.chosen
    assert (
        sheet.form.said.text() == "0 of 5 values get what is in the file. 5 more fit if you say so: tick what is meant."
    )
    QTest.keyClicks(sheet.form.field, "weight")
    assert [key for key, _, _ in sheet.lines()] == ["emb.weight", "fc.weight", "sq.weight"]
    sheet.press("Tick all shown")
    assert [each.key for each in sheet.form.chosen] == ["emb.weight", "fc.weight", "sq.weight"]
    assert all(PLACE in each.doubts for each in sheet.form.chosen)
    sheet.press("Attach 3")
    sheet.attached()
    assert desk.told[-1] == "Attached 3 of 5 values from model.pth; fc.bias, sq.bias are as they were."


def test_nothing_fits(desk, net, attach):
    desk.open(net)
    sheet = attach({"a": torch.ones(3, 3, 3)})
    assert sheet.form.said.text().startswith("No value of model.pth fits: it has a, and the network emb.weight,")
    assert not sheet.form.go.isEnabled()
    assert not sheet.form.all.isEnabled()
    desk.click(sheet.form.tabs["unused"])
    assert sheet.lines() == [("", "a", False)]
    sheet.press("Cancel")
    assert sheet.form is None


def test_a_network_that_changes_is_matched_again(desk, net, values, attach):
    desk.open(net)
    sheet = attach(values)
    sheet.click_box("fc.weight")
    desk.document.attempt("Set", lambda network: network.set("sq", out_features=9))
    desk.qtbot.waitUntil(lambda: sheet.form.network is desk.network)
    states = {line.key: line.state for line in sheet.rows.all}
    assert states["sq.weight"] == states["sq.bias"] == "kept"
    assert set(sheet.rows.chosen) == {"emb.weight", "fc.bias"}  # what was taken away stays so
    sheet.press("Attach 2")
    sheet.attached()
    assert set(desk.network.values) == {"emb.weight", "fc.bias"}


def test_another_network_closes_it(desk, net, values, attach, tied):
    desk.open(net)
    sheet = attach(values)
    desk.open(tied)
    assert sheet.form is None


def test_a_file_that_was_changed_meanwhile(desk, net, values, attach, tmp_path):
    import os

    desk.open(net)
    sheet = attach(values)
    os.utime(tmp_path / "model.pth", (1, 1))
    sheet.press("Attach 5")
    desk.qtbot.waitUntil(lambda: not sheet.form.problems.isHidden())
    assert sheet.form.problem.text().startswith("The values in model.pth cannot be read any more")
    assert desk.network is not None
    assert not desk.undo_texts()


def test_a_file_without_values_is_refused_in_the_status_bar(desk, net, tmp_path):
    desk.open(net)
    (tmp_path / "notes.txt").write_text("nothing")
    desk.window.attaching.read(tmp_path / "notes.txt")
    desk.qtbot.waitUntil(lambda: bool(desk.refusals))
    assert "notes.txt is none" in desk.refusals[-1]
    assert desk.window.attaching.form is None


def test_rows_are_copied_and_spoken(desk, net, values, attach):
    desk.open(net)
    sheet = attach(values)
    table = sheet.form.table
    QTest.keyClick(table, Qt.Key.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == (
        "Value\tShape\tFrom\tShape there\tHow\nemb.weight\t20 × 6\temb.weight\t20 × 6\tname"
    )
    spoken = sheet.rows.index(0, TICK).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "taken"
    assert sheet.rows.setData(sheet.rows.index(0, TICK), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert sheet.rows.index(0, TICK).data(Qt.ItemDataRole.AccessibleTextRole) == "not taken"
    assert "emb.weight" not in sheet.rows.chosen
    assert sheet.rows.index(0, VALUE).data(Qt.ItemDataRole.ToolTipRole) == "emb.weight"


def test_thousands_of_rows_are_made_when_they_are_looked_at(qtbot):
    count = 3000
    network = Network().add(**{f"p{n}": Parameter((2,)) for n in range(count)})
    table = Matches()
    qtbot.addWidget(table)
    table.resize(900, 500)
    table.rows.take(network, match(network, {f"p{n}": torch.zeros(2) for n in range(count)}))
    table.show()
    assert len(table.rows.chosen) == count
    asked = []
    table.rows.text = lambda line, column, old=table.rows.text: asked.append(line.key) or old(line, column)
    QTest.keyClick(table, Qt.Key.Key_End, CTRL)
    QApplication.processEvents()
    assert len(set(asked)) < 200
    table.tick_all(False)
    QApplication.processEvents()
    assert not table.rows.chosen
    assert len(set(asked)) < 200


# Files of values over a network.


def drop(desk, path, share):
    """Drag a file over the window and drop it at a share of its canvas; what the frame said."""
    window, frame = desk.window, desk.window.drop_frame
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    at = frame.parentWidget().mapTo(window, QPoint(round(frame.parentWidget().width() * share), 100))
    QApplication.sendEvent(window, QDragEnterEvent(at, Qt.DropAction.CopyAction, data, LEFT, NONE))
    if path.suffix == ".pth":
        desk.qtbot.waitUntil(lambda: bool(frame.other))
    QApplication.sendEvent(window, QDragMoveEvent(at, Qt.DropAction.CopyAction, data, LEFT, NONE))
    QApplication.processEvents()
    said = frame.text, frame.other, frame.right
    QApplication.sendEvent(window, QDropEvent(QPointF(at), Qt.DropAction.CopyAction, data, LEFT, NONE))
    return said


def test_a_drop_on_the_right_half_attaches(desk, net, values, tmp_path):
    desk.open(net, "mine")
    torch.save(values, tmp_path / "model.pth")
    said = drop(desk, tmp_path / "model.pth", 0.8)
    assert said == ("Open model.pth in a new window", "Attach its values to mine", True)
    sheet = Sheet(desk)
    assert not desk.window.drop_frame.isVisible()
    sheet.press("Attach 5")
    sheet.attached()
    assert torch.equal(desk.network.values["sq.weight"], values["sq.weight"])
    assert len(desk.window.session.windows) == 1


def test_a_drop_on_the_left_half_opens_another_window(desk, net, values, tmp_path):
    """A file of values does not take the place of a network."""
    desk.open(net)
    torch.save(values, tmp_path / "model.pth")
    assert not drop(desk, tmp_path / "model.pth", 0.2)[2]
    desk.qtbot.waitUntil(lambda: len(desk.window.session.windows) == 2)
    other = desk.window.session.windows[1]
    desk.qtbot.waitUntil(lambda: not other.on_start)
    assert desk.network is net
    assert other.document.report.kind == "state_dict"
    button = next(b for b in other.bottom.report.findChildren(QPushButton) if b.text() == "Attach to a network…")
    desk.click(button)
    sheet = Sheet(desk)
    sheet.press("Attach 5")
    sheet.attached()
    assert desk.undo_texts() == ["Attach values of model.pth"]

    third = desk.window.another()
    third.show_network(net, "third")
    QApplication.processEvents()
    desk.click(button)  # two are open now
    chooser = next(found for found in other.findChildren(Chooser) if found.isVisible())
    assert [entry.text for entry in chooser.shown] == ["untitled", "third"]
    desk.click(chooser.list.viewport(), chooser.list.visualItemRect(chooser.list.item(1)).center())
    Sheet(desk, third).press("Cancel")


def test_values_without_another_network(desk, values, tmp_path):
    torch.save(values, tmp_path / "model.pth")
    desk.window.filing.open(tmp_path / "model.pth")
    desk.qtbot.waitUntil(lambda: not desk.window.on_start)
    QApplication.processEvents()
    button = next(b for b in desk.window.bottom.report.findChildren(QPushButton) if b.text() == "Attach to a network…")
    desk.click(button)
    assert desk.refusals == [NO_OTHER]
    said = drop(desk, tmp_path / "notes.txt", 0.8)  # over a tree of values nothing else is offered
    assert said[1:] == ("", False)
    desk.qtbot.waitUntil(lambda: len(desk.refusals) == 2)


def test_the_sheet_of_a_closed_window(desk, net, values, attach):
    desk.open(net)
    form = attach(values).form
    assert isinstance(form, AttachForm)
    form.accept()  # what comes from beside finds nobody
    form.close()
    QApplication.processEvents()
    desk.settle()
    assert desk.network is net
