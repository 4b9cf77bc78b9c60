"""Several windows: each with its own document, file, mark and question."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from designer.files.project import load, save

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
BUTTONS = QMessageBox.StandardButton


@pytest.fixture
def two(desk, tied, qtbot):
    """Open two networks and edit both; give the desk, the second window, and what the networks now are."""
    desk.open(tied, "first")
    other = desk.window.another()
    other.show_network(tied, "second")
    networks = tied.set("fc", bias=False), tied.set("lstm", hidden_size=200)
    desk.document.edit("Set bias of fc", networks[0])
    other.document.edit("Set hidden_size of lstm", networks[1])
    return desk, other, networks


def answering(monkeypatch, *answers):
    """Answer the questions in turn; give the list of those asked."""
    asked, left = [], list(answers)
    monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box.text()) or left.pop(0))
    return asked


def saving_as(monkeypatch, *paths):
    left = [str(path) for path in paths]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (left.pop(0), ""))


def test_each_has_its_own_mark_and_name(two, tmp_path, monkeypatch, qtbot):
    desk, other, networks = two
    assert (desk.window.isWindowModified(), other.isWindowModified()) == (True, True)
    saving_as(monkeypatch, tmp_path / "one.network")
    desk.key(Qt.Key.Key_S, CONTROL | SHIFT)
    qtbot.waitUntil(lambda: not desk.window.isWindowModified())
    assert other.isWindowModified()
    assert desk.window.windowTitle() == "one[*] - Network Designer"
    assert other.windowTitle() == "second[*] - Network Designer"
    other.document.history.undo()
    assert not other.isWindowModified()
    assert load(tmp_path / "one.network") == networks[0]


def test_what_was_saved_in_one_is_recent_in_the_other(two, tmp_path, monkeypatch, qtbot):
    desk, other, networks = two
    path = tmp_path / "one.network"
    saving_as(monkeypatch, path)
    desk.key(Qt.Key.Key_S, CONTROL)
    qtbot.waitUntil(path.exists)
    qtbot.waitUntil(lambda: not desk.window.isWindowModified())
    other.recent_menu.aboutToShow.emit()
    (action,) = other.recent_menu.actions()
    assert (action.text(), action.toolTip()) == ("one.network", str(path))
    action.trigger()
    windows = desk.window.session.windows
    qtbot.waitUntil(lambda: len(windows) == 3)
    assert other.document.network is networks[1], "unsaved work stays where it is"
    assert windows[2].document.network == networks[0]


def test_quitting_saves_one_after_the_other(two, tmp_path, monkeypatch, qtbot):
    desk, _, networks = two
    session = desk.window.session
    asked = answering(monkeypatch, BUTTONS.Save, BUTTONS.Save)
    saving_as(monkeypatch, tmp_path / "one.network", tmp_path / "two.network")
    desk.window.quit()
    qtbot.waitUntil(lambda: not session.windows)
    assert asked == ["Save the changes to first?", "Save the changes to second?"]
    assert (load(tmp_path / "one.network"), load(tmp_path / "two.network")) == networks


def test_quitting_stops_where_the_answer_is_cancel(two, tmp_path, monkeypatch, qtbot):
    desk, other, networks = two
    asked = answering(monkeypatch, BUTTONS.Save, BUTTONS.Cancel)
    saving_as(monkeypatch, tmp_path / "one.network")
    session = desk.window.session
    desk.window.quit()
    qtbot.waitUntil(lambda: len(asked) == 2)
    assert session.windows == [other]
    assert load(tmp_path / "one.network") == networks[0]
    assert other.document.network is networks[1]
    assert other.isWindowModified()


def test_quitting_stops_where_no_file_is_named(two, monkeypatch):
    desk, other, _ = two
    asked = answering(monkeypatch, BUTTONS.Save)
    saving_as(monkeypatch, "")
    desk.window.quit()
    QApplication.processEvents()
    assert len(asked) == 1
    assert desk.window.session.windows == [desk.window, other]


def test_quitting_stops_where_a_file_cannot_be_written(two, tmp_path, monkeypatch, qtbot):
    desk, other, networks = two
    taken = tmp_path / "taken.network"
    taken.write_text("no project")
    asked = answering(monkeypatch, BUTTONS.Save)
    saving_as(monkeypatch, taken)
    desk.window.quit()
    qtbot.waitUntil(lambda: bool(desk.refusals))
    assert "that is not a project of Network Designer" in desk.refusals[0]
    assert len(asked) == 1
    assert desk.window.session.windows == [desk.window, other]
    assert desk.network is networks[0]
    assert taken.read_text() == "no project"


def test_discarding_both(two, monkeypatch):
    desk, _, _ = two
    session = desk.window.session
    asked = answering(monkeypatch, BUTTONS.Discard, BUTTONS.Discard)
    desk.window.quit()
    assert len(asked) == 2
    assert session.windows == []


def test_closing_one_leaves_the_other(two, monkeypatch):
    desk, other, networks = two
    answering(monkeypatch, BUTTONS.Discard)
    assert other.close()
    QApplication.processEvents()
    assert desk.window.session.windows == [desk.window]
    assert desk.network is networks[0]
    desk.document.history.undo()
    assert desk.network != networks[0]


def test_one_file_in_two_windows_is_the_one_saved_last(desk, tied, tmp_path, qtbot):
    path = tmp_path / "one.network"
    save(tied, path)
    other = desk.window.another()
    for window in (desk.window, other):
        window.filing.open(path)
        qtbot.waitUntil(lambda window=window: not window.on_start)
    changed = tied.set("fc", bias=False)
    other.document.edit("Set bias of fc", changed)
    other.filing.save()
    qtbot.waitUntil(lambda: not other.isWindowModified())
    assert load(path) == changed
    assert desk.network == tied
    assert not desk.window.isWindowModified()
