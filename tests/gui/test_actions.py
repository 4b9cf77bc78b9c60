"""Every command has a name, a menu and a line in the palette, and no two want the same key in the same place."""

import itertools

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.gui.keys import Keys
from designer.gui.palette import commands, plain
from designer.gui.settings import Settings

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
ANYWHERE = Qt.ShortcutContext.WindowShortcut
# Keys that window managers, menus and input methods take.
NEVER = ("Ctrl+Alt+", "Meta+")


def actions(window):
    """All that could be triggered, but for entries of lists that are made when they are shown."""
    named = {*window.actions_by_name.values(), *window.canvas.commands.values()}
    return [action for action in window.findChildren(QAction) if action in named or action.shortcuts()]


def overlap(one, other):
    """Whether both could hear one key: a key of the window is heard everywhere, one of the canvas there."""
    if ANYWHERE in (one.shortcutContext(), other.shortcutContext()):
        return True
    return not set(one.associatedObjects()).isdisjoint(other.associatedObjects())


def test_no_key_means_two_things(desk, tied):
    desk.open(tied)
    for one, other in itertools.combinations(actions(desk.window), 2):
        shared = set(map(str, one.shortcuts())) & set(map(str, other.shortcuts()))
        same = {key.toString() for key in one.shortcuts()} & {key.toString() for key in other.shortcuts()}
        assert not (same and overlap(one, other)), (one.objectName(), other.objectName(), same, shared)


def test_every_action_has_a_name_a_menu_and_a_line_of_the_palette(desk, tied):
    desk.open(tied)
    listed = [action for _, action in commands(desk.window)]
    lines = {line.title for line in desk.window.boxes.lines("")}
    for action in actions(desk.window):
        assert action.objectName(), action.text()
        assert plain(action)
        if action.objectName() == "theme":
            continue  # the menu has three choices instead
        assert action in listed, action.objectName()
        assert plain(action) in lines or action.objectName() == "palette"
    assert len({action.objectName() for action in listed}) == len(listed)


def test_no_key_is_one_that_others_take(desk, tied):
    desk.open(tied)
    for action in actions(desk.window):
        for key in action.shortcuts():
            text = key.toString(QKeySequence.SequenceFormat.PortableText)
            assert not text.startswith(NEVER), action.objectName()
            assert not (text.startswith("Alt+") and len(text) == 5), "such a key opens a menu"
            plain_key = not text.startswith(("Ctrl+", "F", "Alt+", "Shift+F")) or text in ("F", "Shift+F")
            assert not plain_key or action.shortcutContext() == Qt.ShortcutContext.WidgetShortcut, text


def test_a_command_is_run_by_typing_its_name(desk, tied):
    desk.open(tied)
    desk.key(Qt.Key.Key_P, CTRL | SHIFT)
    box = desk.window.boxes.box
    assert box.isVisible()
    assert box.field.hasFocus()
    QTest.keyClicks(box.field, "select a")
    QTest.keyClick(box.field, Qt.Key.Key_Return)
    assert desk.document.view.selection == set(desk.network.layers)
    assert desk.window.boxes.box is None
    desk.key(Qt.Key.Key_P, CTRL | SHIFT)
    assert desk.window.boxes.box.list.line(0).title == "Select all"  # what was run last comes first
    QTest.keyClick(desk.window.boxes.box.field, Qt.Key.Key_Escape)
    assert desk.window.boxes.box is None
    assert desk.canvas.view.hasFocus()


def test_the_words_of_matlab_find_the_switches(desk, tied):
    desk.open(tied)
    for word in ("OutputLearnables", "InputLearnables"):
        assert any(line.title == "Fold or unfold learnables" for line in desk.window.boxes.lines(word))
    (line,) = desk.window.boxes.lines("no such thing")
    assert line.title == "No command is called no such thing."


def test_the_palette_opens_on_the_start_page(desk):
    desk.window.start.setFocus()
    QTest.keyClick(desk.window, Qt.Key.Key_P, CTRL | SHIFT)
    titles = [line.title for line in desk.window.boxes.lines("") if line.run]
    assert "New" in titles
    assert "Group" not in titles
    assert desk.window.boxes.box.isVisible()


def test_the_history_lists_every_step(desk, tied):
    desk.open(tied)
    for value in (20, 30, 40):
        desk.document.edit(f"Set hidden_size to {value}", desk.network.set("lstm", hidden_size=value))
    desk.click(next(tool for tool in desk.window.bar.tools.children() if getattr(tool, "icon_name", "") == "history"))
    box = desk.window.boxes.box
    assert [line.title for line in box.list.lines] == [
        "Set hidden_size to 40",
        "Set hidden_size to 30",
        "Set hidden_size to 20",
        "The beginning",
    ]
    assert box.list.line(0).tail == "now"
    QTest.keyClick(box.field, Qt.Key.Key_Down)
    QTest.keyClick(box.field, Qt.Key.Key_Down)
    QTest.keyClick(box.field, Qt.Key.Key_Return)
    assert desk.network.layer("lstm").hidden_size == 20
    assert [line.tail for line in desk.window.boxes.steps("")] == ["undone", "undone", "now", ""]


def test_the_sheet_shows_every_key(desk, tied):
    desk.open(tied)
    desk.key(Qt.Key.Key_F1)
    (sheet,) = desk.window.findChildren(Keys)
    shown = {text for _, lines in sheet.sections for line in lines for text in line}
    for action in actions(desk.window):
        if action.shortcuts() and action in [action for _, action in commands(desk.window)]:
            assert plain(action).removesuffix("…") in shown
    assert "Undo" in shown
    QTest.keyClicks(sheet.field, "untie")
    assert [label.text() for label in sheet.area.widget().findChildren(type(desk.window.bar.name))][:2] == [
        "Ties",
        "Untie",
    ]
    QTest.keyClick(sheet, Qt.Key.Key_Escape)


def test_the_sheet_has_as_many_columns_as_there_is_room_for(desk, tied):
    desk.window.show_network(tied, "tied")
    desk.key(Qt.Key.Key_F1)
    (sheet,) = desk.window.findChildren(Keys)
    for wide, columns in ((800, 2), (420, 1)):
        sheet.resize(wide, 600)
        QApplication.processEvents()
        inside = sheet.area.widget().layout()
        assert sum(inside.itemAt(n).widget() is not None for n in range(inside.count())) == columns
        assert sheet.area.widget().width() <= sheet.area.viewport().width()


def test_the_sheet_names_undo_without_the_step(desk, tied):
    desk.open(tied)
    desk.document.edit("Set bias of fc", tied.set("fc", bias=False))
    assert plain(desk.window.actions_by_name["undo"]) == "Undo set bias of fc"
    desk.key(Qt.Key.Key_F1)
    (sheet,) = desk.window.findChildren(Keys)
    shown = [text for _, lines in sheet.sections for _, text in lines]
    assert [text for text in shown if text.startswith("Undo")] == ["Undo"]
    QTest.keyClick(sheet, Qt.Key.Key_Escape)


def test_settings_work_at_once_and_stay(desk, tied, session):
    desk.open(tied)
    desk.window.open_settings()
    (made,) = desk.window.findChildren(Settings)
    assert len({field.width() for field in (made.theme, made.wheel, made.motion, made.size_kept)}) == 1
    made.theme.setCurrentIndex(made.theme.findData("light"))
    assert session.settings.value("theme") == "light"
    made.wheel.setCurrentIndex(made.wheel.findData("pan"))
    assert desk.canvas.view.wheel_pans
    made.size_kept.setCurrentIndex(made.size_kept.findData("125"))
    assert session.settings.value("text_size") == 125
    made.theme.setCurrentIndex(made.theme.findData("dark"))
    made.close()
    QApplication.processEvents()
