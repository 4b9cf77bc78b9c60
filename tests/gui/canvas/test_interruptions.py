"""What a gesture holds may go while the button is down: by undo, by a key, or since another group is opened."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group, tie
from designer.layers import Input, Linear

NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
BY = QPoint(40, 30)

GESTURES = {
    "move": lambda on: (on.title("fc"), NONE, LEFT),
    "duplicate": lambda on: (on.body("fc"), CTRL, LEFT),
    "band": lambda on: (on.empty(), NONE, LEFT),
    "slice": lambda on: (on.empty(), CTRL, RIGHT),
    "wire": lambda on: (on.port("fc", "out", out=True), NONE, LEFT),
    "wire pulled off": lambda on: (on.port("fc", "in"), NONE, LEFT),
    "copy of a wire": lambda on: (on.port("fc", "in"), CTRL, LEFT),
    "all wires of an output": lambda on: (on.port("emb", "out", out=True), CTRL, LEFT),
    "learnables": lambda on: (on.fold("fc"), NONE, LEFT),
    "switch": lambda on: (on.switch("fc", "bias", offers=False), NONE, LEFT),
}


def other(on):
    on.document.open(on.network.remove("fc"), "other")


INTERRUPTIONS = {
    "undo": lambda on: on.document.history.undo(),
    "delete": lambda on: (on.canvas.select({"fc"}), on.key(Qt.Key.Key_Delete)),
    "enter": lambda on: on.canvas.enter("box"),
    "rename": lambda on: on.document.edit("Rename fc", on.network.rename("fc", "head")),
    "open": other,
}


PAIRS = [
    pytest.param(gesture, interrupt, marks=[] if (n + m) % 3 == 0 else pytest.mark.nightly)
    for n, gesture in enumerate(GESTURES)
    for m, interrupt in enumerate(INTERRUPTIONS)
]


@pytest.mark.parametrize(("gesture", "interrupt"), PAIRS)
def test_a_gesture_ends_when_other_layers_come_in_its_place(stage, language_model, gesture, interrupt):
    whole = group(tie(language_model, "emb/weight", "fc/weight"), ("lstm",), "box").remove("probs")
    on = stage(whole.remove("fc"))
    on.document.edit("Add fc", whole)
    on.document.look(unfolded=frozenset({"fc"}))
    on.canvas.fit(all=True)
    at, modifiers, button = GESTURES[gesture](on)
    on.press(at, modifiers, button)
    on.move(at, at + BY)
    assert on.view.gesture.dragging
    INTERRUPTIONS[interrupt](on)
    network, said = on.network, on.undo_texts()
    assert on.view.gesture is None
    on.view.grab()
    on.move(at + BY, at + 2 * BY)
    on.release(at + 2 * BY, modifiers, button)
    on.view.grab()
    assert on.network is network
    assert on.undo_texts() == said
    assert not on.refusals
    assert on.document.view.selection <= set(network.all)
    assert not on.canvas.search.box.isVisible()
    assert on.agrees()


def test_a_picture_that_is_pulled_along_goes_on_when_a_group_is_entered(stage, language_model):
    on = stage(group(language_model, ("lstm",), "box"))
    on.press(on.empty(), button=Qt.MouseButton.MiddleButton)
    on.move(on.empty(), on.empty() + BY)
    on.canvas.enter("box")
    center = on.view.center
    at = QPoint(300, 300)
    on.move(at, at + BY)
    assert on.view.center != center
    on.release(at + BY, button=Qt.MouseButton.MiddleButton)


def test_numbers_that_come_during_a_move_do_not_end_it(stage, language_model):
    on = stage(language_model)
    at = on.title("fc")
    on.press(at)
    on.move(at, at + BY)
    on.analyze()
    on.release(at + 2 * BY)
    assert on.undo_texts() == ["Move fc"]


def test_undo_by_its_keys_while_a_layer_is_dragged(desk, tied):
    desk.open(tied)
    desk.document.edit("Add rest", desk.network.add(rest=Linear(3)))
    desk.settle()
    view, at = desk.canvas.view, desk.body("rest")
    QTest.mouseMove(view.viewport(), at)
    QTest.mousePress(view.viewport(), LEFT, NONE, at)
    for step in (QPoint(8, 8), BY):
        QTest.mouseMove(view.viewport(), at + step)
    desk.key(Qt.Key.Key_Z, CTRL)
    assert desk.network is tied
    QTest.mouseRelease(view.viewport(), LEFT, NONE, at + BY)
    QApplication.processEvents()
    assert desk.network is tied
    assert not desk.refusals


def test_a_second_press_soon_after_the_first_slices_when_the_tool_is_armed(stage, language_model):
    on = stage(language_model)
    wire = on.wire("fc/in")
    above, below = wire - QPoint(0, 60), wire + QPoint(0, 60)
    on.click(above)
    on.key(Qt.Key.Key_K)
    QTest.mouseDClick(on.view.viewport(), LEFT, NONE, above)  # what comes in place of a quick second press
    on.move(above, below)
    on.release(below)
    assert on.undo_texts() == ["Slice the wire to fc"]
    assert not on.canvas.search.box.isVisible()


def test_a_second_press_soon_after_the_first_pans_while_space_is_held(stage, language_model):
    on = stage(group(language_model, ("lstm",), "box"))
    QTest.keyPress(on.view, Qt.Key.Key_Space)
    at, center = on.body("box"), on.view.center
    on.press(at)
    on.release(at)
    QTest.mouseDClick(on.view.viewport(), LEFT, NONE, at)
    on.move(at, at + BY)
    on.release(at + BY)
    QTest.keyRelease(on.view, Qt.Key.Key_Space)
    assert on.document.view.path == ""
    assert on.view.center != center


def test_a_double_click_while_the_right_button_pans_does_nothing(stage):
    on = stage()
    on.document.edit("Add", on.network.chain(x=Input(("B", 8)), fc=Linear(3)))
    at = on.empty()
    on.press(at, button=RIGHT)
    on.move(at, at + BY)
    QTest.mouseDClick(on.view.viewport(), LEFT, NONE, at)
    QTest.mouseRelease(on.view.viewport(), LEFT, NONE, at)
    assert not on.canvas.search.box.isVisible()
    assert on.view.gesture.pans
    on.release(at + BY, button=RIGHT)
    assert on.view.gesture is None
