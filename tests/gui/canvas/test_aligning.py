"""Align and distribute from the menu and the palette, in the sizes that layers are drawn in."""

import itertools

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from designer.gui.palette import commands

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def test_selected_layers_are_put_in_line_by_the_palette(desk, tied):
    desk.open(tied.move({"tokens": (0, 0), "emb": (240, 33), "lstm": (480, 7), "fc": (720, 91), "probs": (1300, 0)}))
    desk.select("emb", "lstm", "fc")
    desk.key(Qt.Key.Key_P, CTRL | SHIFT)
    box = desk.window.boxes.box
    QTest.keyClicks(box.field, "align tops")
    QTest.keyClick(box.field, Qt.Key.Key_Return)
    assert desk.undo_texts() == ["Align 3 layers by their tops"]
    assert [desk.network.positions[name] for name in ("emb", "lstm", "fc")] == [(240, 7), (480, 7), (720, 7)]
    assert desk.network.positions["tokens"] == (0, 0)


def test_the_drawn_sizes_count(desk, tied):
    desk.open(tied.move({"tokens": (0, 0), "emb": (240, 33), "lstm": (480, 7), "fc": (720, 91), "probs": (1300, 0)}))
    desk.key(Qt.Key.Key_A, CTRL)
    desk.window.actions_by_name["align_middle"].trigger()
    frames = [desk.canvas.node(path).frame for path in desk.network.layers]
    assert len({frame.center().y() for frame in frames}) == 1
    desk.window.actions_by_name["distribute_horizontally"].trigger()
    frames = sorted((desk.canvas.node(path).frame for path in desk.network.layers), key=lambda frame: frame.x())
    gaps = [after.left() - before.right() for before, after in itertools.pairwise(frames)]
    assert max(gaps) - min(gaps) <= 1
    assert desk.undo_texts()[-1] == "Distribute 5 layers horizontally"


def test_layers_without_a_place_are_put_in_line_where_they_are_drawn(desk, tied):
    desk.open(tied)
    assert not desk.network.positions
    drawn = {path: desk.canvas.node(path).y() for path in desk.network.layers}
    desk.select("emb", "lstm")
    desk.window.actions_by_name["align_left"].trigger()
    assert desk.network.positions["emb"][0] == desk.network.positions["lstm"][0]
    assert desk.canvas.node("lstm").y() == drawn["lstm"]


def test_too_few_are_refused(desk, tied):
    desk.open(tied)
    desk.select("emb")
    desk.window.actions_by_name["align_left"].trigger()
    assert desk.refusals == ["It takes two layers or more to align them."]
    assert not desk.undo_texts()


def test_the_menu_of_layers_has_them_in_a_menu_of_their_own(desk, tied):
    desk.open(tied)
    titles = {menu for menu, action in commands(desk.window) if action.objectName().startswith(("align", "distribute"))}
    assert titles == {"Layer, Align and distribute"}
