"""Problems: a sentence, the layers, and fixes that are undo steps."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from designer.gui.widgets import Link
from designer.model import Port


def _buttons(line):
    return [button for button in line.findChildren(QPushButton) if not isinstance(button, Link)]


def test_none(desk, tied):
    desk.open(tied)
    problems = desk.window.bottom.problems
    assert "No problems found." in [label.text() for label in problems.findChildren(QLabel)]
    assert desk.window.bottom.tabs[1].mark == "circle-check"


def test_a_fix_is_one_step(desk, tied):
    broken = tied.disconnect("fc/weight")
    desk.open(broken)
    desk.window.bottom.show_tab(1)
    problems = desk.window.bottom.problems
    line = next(line for line in problems.lines if "weight" in line.problem.text)
    fixes = _buttons(line)
    assert fixes
    desk.click(fixes[-1])
    assert len(desk.undo_texts()) == 1
    desk.settle()
    layer = desk.network.layer("fc")
    assert not layer.input_learnables or Port("fc", "weight") in desk.network.wires
    desk.document.history.undo()
    assert desk.network is broken


def test_links_and_steps_select(desk, tied):
    desk.open(tied.disconnect("fc/weight").disconnect("lstm/in"))
    desk.window.bottom.show_tab(1)
    problems = desk.window.bottom.problems
    line = next(line for line in problems.lines if line.problem.layers == ("lstm",))
    desk.click(line.findChildren(Link)[0])
    assert desk.document.view.selection == {"lstm"}
    desk.select()
    desk.key(Qt.Key.Key_F8)
    assert desk.document.view.selection <= set(problems.lines[problems.at].problem.layers)
    before = problems.at
    desk.key(Qt.Key.Key_F8)
    assert problems.at == (before + 1) % len(problems.lines)
    desk.key(Qt.Key.Key_F8, Qt.KeyboardModifier.ShiftModifier)
    assert problems.at == before


def test_control_return_mends(desk, tied):
    desk.open(tied.disconnect("fc/weight"))
    desk.window.bottom.show_tab(1)
    line = next(line for line in desk.window.bottom.problems.lines if line.problem.fixes)
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.undo_texts() == [line.problem.fixes[0].text]
