"""Problems: a sentence, the layers, and fixes that are undo steps."""

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

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
    assert [button.text() for button in fixes] == ["Let fc own its weight", "Connect…"]
    desk.click(fixes[0])
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


def test_an_input_without_a_wire_is_connected(desk, tied, agrees):
    desk.open(tied.disconnect("fc/weight").disconnect("lstm/in"))
    desk.window.bottom.show_tab(1)
    desk.canvas.view.set_camera(desk.canvas.view.center + QPointF(5000, 0), 1.0)
    for line, target, source in (("fc takes", "fc/weight", "emb"), ("lstm has", "lstm/in", "emb")):
        (shown,) = [each for each in desk.window.bottom.problems.lines if each.problem.text.startswith(line)]
        desk.click(next(each for each in _buttons(shown) if each.text() == "Connect…"))
        box = desk.canvas.frame.box
        assert box.isVisible()
        assert box.field.hasFocus()
        assert desk.canvas.view.visible().contains(desk.canvas.node(target.partition("/")[0]).frame)
        QTest.keyClicks(box.field, source)
        QTest.keyClick(box.field, Qt.Key.Key_Return)
        assert desk.network.source_of(Port.parse(target)).layer == source
        desk.settle()
    assert desk.document.analysis.problems == []
    assert desk.document.analysis.stored == 1_023_400
    agrees(desk.canvas)


def test_control_return_mends(desk, tied):
    desk.open(tied.disconnect("fc/weight"))
    desk.window.bottom.show_tab(1)
    line = next(line for line in desk.window.bottom.problems.lines if line.problem.fixes)
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.undo_texts() == [line.problem.fixes[0].text]


def _point(widget, at=None):
    """Let the pointer come over a widget, or leave it."""
    kind = QEnterEvent(QPointF(5, 5), QPointF(5, 5), QPointF(5, 5)) if at is None else QEvent(QEvent.Type.Leave)
    QApplication.sendEvent(widget, kind)
    QApplication.processEvents()


def test_pointing_at_a_fix_shows_it_and_touches_nothing(desk, tied, agrees):
    desk.open(tied.set("fc", out_features=1000).disconnect("fc/weight"))
    desk.window.bottom.show_tab(1)
    line = next(line for line in desk.window.bottom.problems.lines if line.problem.fixes)
    fix, _ = _buttons(line)
    before, canvas = desk.network, desk.canvas
    assert "weight" in {port.name for port in canvas.node("fc").look.inputs}
    _point(fix)
    assert canvas.preview.pill.isVisible()
    assert canvas.preview.said.text() == f"Preview: {fix.text()}"
    assert "weight" not in {port.name for port in canvas.node("fc").look.inputs}
    assert desk.network is before
    assert desk.undo_texts() == []
    _point(fix, "leave")
    assert not canvas.preview.pill.isVisible()
    assert "weight" in {port.name for port in canvas.node("fc").look.inputs}
    assert agrees(canvas)
    _point(fix)
    desk.click(fix)
    assert len(desk.undo_texts()) == 1
    assert not canvas.preview.pill.isVisible()
    desk.settle()
    assert agrees(canvas)


def test_f8_then_control_return_mends(desk, tied):
    desk.open(tied.disconnect("fc/weight"))
    desk.key(Qt.Key.Key_F8)
    line = desk.window.bottom.problems.lines[desk.window.bottom.problems.at]
    assert desk.window.focusWidget() is line
    assert desk.window.bottom.pages.currentIndex() == 1
    while not line.problem.fixes:
        desk.key(Qt.Key.Key_F8, widget=line)
        line = desk.window.bottom.problems.lines[desk.window.bottom.problems.at]
    QTest.keyClick(line, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.undo_texts() == [line.problem.fixes[0].text]
