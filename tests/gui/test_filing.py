"""Open, save, and lose nothing."""

import dataclasses
import gc
import threading
import weakref

import pytest
import torch
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from designer import initialize
from designer.files.project import load, save
from designer.gui import application
from designer.gui.document import View
from designer.gui.filing import view_from, view_to
from designer.gui.main_window import MainWindow
from designer.layers import Input, Linear
from designer.model import Network

CONTROL = Qt.KeyboardModifier.ControlModifier
BUTTONS = QMessageBox.StandardButton


@pytest.fixture
def answer(monkeypatch):
    """Give a function that says what is answered to the question; it gives the list of questions asked."""
    asked = []

    def choose(button):
        monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box.text()) or button)
        return asked

    return choose


def _saved_as(monkeypatch, path):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))


def test_save_and_open_again(desk, tied, tmp_path, monkeypatch, qtbot):
    desk.open(tied)
    desk.document.edit("Set hidden_size of lstm", tied.set("lstm", hidden_size=200))
    desk.document.look(selection=frozenset({"fc"}), unfolded=frozenset({"emb"}), ties="selected")
    desk.document.look(hidden=frozenset({"fc/weight", "lstm/in"}))
    assert desk.window.isWindowModified()
    assert desk.window.bar.edited.isVisible()
    path = tmp_path / "model.network"
    _saved_as(monkeypatch, tmp_path / "model")
    desk.key(Qt.Key.Key_S, CONTROL)
    qtbot.waitUntil(path.exists)
    qtbot.waitUntil(lambda: not desk.window.isWindowModified())
    assert desk.told[-1] == "Saved model.network."
    assert desk.window.windowTitle() == "model[*] - Network Designer"
    assert desk.window.bar.name.full == "model"
    assert not desk.window.bar.edited.isVisible()
    assert load(path) == desk.network

    desk.document.history.undo()
    assert desk.window.isWindowModified()
    desk.document.history.redo()
    assert not desk.window.isWindowModified()

    other = desk.window.another()
    other.filing.open(path)
    qtbot.waitUntil(lambda: not other.on_start)
    assert other.document.network == desk.network
    view = other.document.view
    assert (view.selection, view.unfolded, view.ties) == ({"fc"}, {"emb"}, "selected")
    assert view.hidden == {"fc/weight", "lstm/in"}
    assert desk.window.session.recent() == [path]


def test_saving_again_asks_no_name(desk, tied, tmp_path, qtbot):
    path = tmp_path / "model.network"
    save(tied, path)
    desk.window.filing.open(path)
    qtbot.waitUntil(lambda: not desk.window.on_start)
    desk.document.edit("Set bias of fc", tied.set("fc", bias=False))
    desk.key(Qt.Key.Key_S, CONTROL)
    qtbot.waitUntil(lambda: not desk.window.isWindowModified())
    assert load(path) == desk.network


def test_closing_asks_once(desk, tied, answer):
    desk.open(tied)
    asked = answer(BUTTONS.Cancel)
    desk.document.edit("Set bias of fc", tied.set("fc", bias=False))
    assert not desk.window.close()
    assert asked == ["Save the changes to untitled?"]
    assert desk.window.isVisible()
    answer(BUTTONS.Discard)
    assert desk.window.close()
    assert len(asked) == 2


def test_closing_without_changes_asks_nothing(desk, tied, answer):
    asked = answer(BUTTONS.Cancel)
    desk.open(tied)
    desk.document.edit("Set bias of fc", tied.set("fc", bias=False))
    desk.document.history.undo()
    assert desk.window.close()
    assert not asked


def test_closing_and_saving(desk, tied, answer, tmp_path, monkeypatch, qtbot):
    path = tmp_path / "kept.network"
    _saved_as(monkeypatch, path)
    desk.open(tied)
    changed = tied.set("fc", bias=False)
    desk.document.edit("Set bias of fc", changed)
    asked = answer(BUTTONS.Save)
    window = desk.window
    window.close()
    qtbot.waitUntil(lambda: window not in window.session.windows)
    assert load(path) == changed
    assert len(asked) == 1


def test_what_is_being_typed_is_not_lost(desk, tied, answer):
    desk.open(tied)
    desk.select("fc")
    field = desk.setting("out_features")
    field.setFocus()
    field.selectAll()
    field.insert("77")
    asked = answer(BUTTONS.Cancel)
    desk.window.close()
    assert desk.network.layer("fc").out_features == 77
    assert len(asked) == 1


def test_saving_takes_what_is_being_typed(desk, tied, tmp_path, qtbot):
    path = tmp_path / "model.network"
    desk.window.show_network(tied, "model")
    desk.document.path = path
    desk.select("fc")
    field = desk.setting("out_features")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "77")
    QTest.keyClick(field, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: desk.document.history.isClean() and path.exists())
    assert load(path).layer("fc").out_features == 77
    assert desk.setting("out_features").hasFocus()
    desk.key(Qt.Key.Key_F2)
    QTest.keyClicks(desk.window.focusWidget(), "head")
    desk.window.filing.save()
    qtbot.waitUntil(lambda: desk.document.history.isClean() and "head" in load(path).layers)
    assert desk.undo_texts() == ["Set out_features of fc", "Rename fc to head"]


def test_a_file_that_comes_while_something_is_typed_gets_its_own_window(desk, tied, tmp_path, qtbot):
    path = tmp_path / "other.network"
    save(tied, path)
    desk.window.show_network(tied, "model")
    desk.select("fc")
    field = desk.setting("out_features")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "77")
    desk.window.filing.open(path)
    windows = desk.window.session.windows
    qtbot.waitUntil(lambda: len(windows) == 2)
    assert desk.network.layer("fc").out_features == 77


def test_a_file_over_unsaved_work_gets_its_own_window(desk, tied, tmp_path, qtbot):
    path = tmp_path / "other.network"
    save(tied, path)
    desk.open(tied)
    changed = tied.set("fc", bias=False)
    desk.document.edit("Set bias of fc", changed)
    desk.window.filing.open(path)
    windows = desk.window.session.windows
    qtbot.waitUntil(lambda: len(windows) == 2)
    assert desk.network is changed
    assert windows[1].document.network == tied
    assert windows[1].document.name == "other"


def test_several_files_that_are_chosen_get_a_window_each(desk, tied, tmp_path, monkeypatch, qtbot):
    paths = [tmp_path / f"{name}.network" for name in ("one", "two")]
    for path in paths:
        save(tied, path)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path) for path in paths], ""))
    desk.key(Qt.Key.Key_O, CONTROL, desk.window.start.starts[0])
    windows = desk.window.session.windows
    qtbot.waitUntil(lambda: [window.document.name for window in windows] == ["one", "two"])


def test_what_is_opened_while_something_is_saved_keeps_its_own_file(desk, tied, tmp_path, monkeypatch, qtbot):
    other, go = tmp_path / "other.network", threading.Event()
    save(tied, other)
    monkeypatch.setattr("designer.files.project.save", lambda *given: go.wait(20) and save(*given))
    _saved_as(monkeypatch, tmp_path / "first")
    first = tied.set("fc", bias=False)
    desk.window.show_network(first, "first")
    desk.key(Qt.Key.Key_S, CONTROL)
    desk.window.filing.open(other)
    qtbot.waitUntil(lambda: desk.document.name == "other")
    go.set()
    qtbot.waitUntil(lambda: not desk.window.filing.saving)
    assert (desk.document.path, desk.document.name, desk.network) == (other, "other", tied)
    assert load(tmp_path / "first.network") == first


def test_a_file_over_nothing_unsaved_takes_its_place(desk, tied, tmp_path, qtbot):
    path = tmp_path / "other.network"
    save(tied, path)
    desk.open(tied.set("fc", bias=False))
    desk.window.filing.open(path)
    qtbot.waitUntil(lambda: desk.document.name == "other")
    assert desk.network == tied
    assert not desk.document.history.canUndo()
    assert len(desk.window.session.windows) == 1


def test_what_was_open_is_let_go(desk, tied):
    """A network holds its values, which may be gigabytes."""
    desk.open(initialize(tied))
    desk.document.edit("Set bias of fc", desk.network.set("fc", bias=False))
    desk.settle()
    desk.select("fc")
    values = [weakref.ref(value) for value in desk.network.values.values()]
    assert len(values) > 4
    desk.open(Network().chain(x=Input(("B", 4)), fc=Linear(2)))
    gc.collect()
    assert not [value for value in values if value() is not None]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("net.network", b"", "net.network is empty."),
        ("net.json", b"[1]", "net.json is JSON, but not a network of this program: open a .network file"),
        ("gone.network", None, "There is no file"),
    ],
)
def test_what_cannot_be_opened_is_said(desk, tmp_path, qtbot, name, content, sentence):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    desk.window.filing.open(path)
    qtbot.waitUntil(lambda: bool(desk.refusals))
    assert desk.refusals[0].startswith(sentence)
    assert desk.window.status.message.full == desk.refusals[0]
    assert desk.window.on_start
    assert not desk.window.reading.isVisible()


def test_opening_can_be_cancelled(desk, tied, tmp_path, qtbot):
    path = tmp_path / "other.network"
    save(tied, path)
    desk.window.filing.open(path)
    assert desk.window.reading.isVisible()
    assert desk.window.reading.label.full == "Reading other.network…"
    desk.window.filing.cancel()
    assert not desk.window.reading.isVisible()
    qtbot.wait(300)
    assert desk.window.on_start


def test_a_dropped_file_opens(desk, tied, tmp_path, qtbot):
    path = tmp_path / "dropped.network"
    save(tied, path)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(300, 300), Qt.DropAction.CopyAction, data, left, none)
    QApplication.sendEvent(desk.window, enter)
    assert enter.isAccepted()
    assert desk.window.drop_frame.isVisible()
    drop = QDropEvent(QPointF(300, 300), Qt.DropAction.CopyAction, data, left, none)
    QApplication.sendEvent(desk.window, drop)
    qtbot.waitUntil(lambda: desk.document.name == "dropped")


def test_new_over_a_network_opens_a_window(desk, tied):
    desk.open(tied)
    desk.key(Qt.Key.Key_N, CONTROL)
    first, second = desk.window.session.windows
    assert first.document.network is tied
    assert not second.document.network.all
    assert isinstance(second, MainWindow)


def test_quit_stops_at_unsaved_work(desk, tied, answer):
    desk.open(tied)
    desk.document.edit("Set bias of fc", tied.set("fc", bias=False))
    asked = answer(BUTTONS.Cancel)
    desk.window.quit()
    assert desk.window in desk.window.session.windows
    assert len(asked) == 1


def test_the_view_survives_and_nonsense_in_it_is_left_out():
    view = View("block", frozenset({"a", "fc/in"}), frozenset({"a"}), "off", {"": (1.0, 2.0, 0.5)})
    view = dataclasses.replace(view, hidden=frozenset({"fc/in", "fc/weight"}))
    assert view_from(view_to(view)) == view
    nonsense = {"path": 3, "selection": [1], "unfolded": "a", "ties": "many", "places": {"": [1, "x", 2], "a": [1, 2]}}
    assert view_from(nonsense) == View()
    for hidden in ("fc/in", {"fc/in": 1}, ["fc/in", 7], None):
        assert view_from({"hidden": hidden}) == View()


def test_a_bug_saves_the_work(desk, tied, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(application.QStandardPaths, "writableLocation", lambda _: str(tmp_path))
    desk.open(tied)
    changed = tied.set("fc", bias=False)
    desk.document.edit("Set bias of fc", changed)
    keeper = application.Keeper(desk.window.session)
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError as error:
        keeper.caught(type(error), error, error.__traceback__)
    (kept,) = (tmp_path / "recovered").glob("*.network")
    assert load(kept) == changed
    boxes = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMessageBox)]
    assert str(kept) in boxes[0].informativeText()
    assert "ZeroDivisionError: a bug" in boxes[0].detailedText()
    boxes[0].close()
    assert "ZeroDivisionError" in capsys.readouterr().err


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = torch.nn.Embedding(30, 8)
        self.fc = torch.nn.Linear(8, 30)
        self.fc.weight = self.emb.weight

    def forward(self, tokens):
        return self.fc(self.emb(tokens))


def test_a_pytorch_program_opens_and_is_compared(desk, tmp_path, qtbot):
    path = tmp_path / "tied.pt2"
    torch.export.save(torch.export.export(Tied(), (torch.zeros(2, 5, dtype=torch.int64),)), path)
    desk.window.filing.open(path)
    qtbot.waitUntil(lambda: not desk.window.on_start, timeout=30_000)
    assert desk.told[-1] == "Opened tied.pt2: 2 layers, 1 tie."
    assert desk.document.path is None
    assert not desk.window.isWindowModified()
    desk.settle()
    assert desk.cell("fc", "Tied to") == "from emb.weight"
    said = "Compared with the program in tied.pt2: max |difference| 0."
    qtbot.waitUntil(lambda: said in desk.told, timeout=60_000)
    assert desk.form.report_fold.isVisible()
