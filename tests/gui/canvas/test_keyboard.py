"""Wiring and walking without a mouse."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group
from designer.gui.canvas.box import SHADOW
from designer.layers import LSTM, Add, Embedding, Input, Linear, ReLU
from designer.model import Call, Network, Port

NONE, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
KEY = Qt.Key


@pytest.fixture
def model(stage):
    """A small language model, nothing tied; beside it a layer that stands alone."""
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(1000, 300), lstm=LSTM(300), fc=Linear(1000)
    )
    net = net.add(act=ReLU())
    places = {name: (220 * n, 0) for n, name in enumerate(net.layers)}
    return stage(net.move({**places, "act": (660, 200)}))


def lines(it):
    return it.canvas.frame.box.list.lines


def box_key(it, key, modifiers=NONE):
    QTest.keyClick(it.canvas.frame.box.field, key, modifiers)
    QApplication.processEvents()


def write(it, text):
    QTest.keyClicks(it.canvas.frame.box.field, text)


def connect(it, path, own, other):
    """Press C, choose a port by its name, then another one."""
    it.canvas.select({path})
    it.key(KEY.Key_C)
    write(it, own)
    box_key(it, KEY.Key_Return)
    write(it, other)
    assert lines(it)[0].run is not None, lines(it)[0].title
    box_key(it, KEY.Key_Return)


def told(line):
    return line.title, line.hint.replace("\u200a", " "), line.tail


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1), (0.5, 1)])
def test_the_box_of_c_leaves_the_layer_free(model, corner):
    model.canvas.select({"fc"})
    frame, seen = model.canvas.node("fc").frame, model.view.visible()
    room = seen.size() - frame.size()
    at = frame.topLeft() - QPointF(corner[0] * room.width(), corner[1] * room.height())
    model.view.set_camera(at + QPointF(seen.width(), seen.height()) / 2, 1.0)
    model.key(KEY.Key_C)
    box = model.canvas.frame.box
    shown = model.view.viewportTransform().mapRect(frame).toRect().adjusted(1, 1, -1, -1)
    assert box.parentWidget().rect().contains(box.place.adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW))
    assert not box.place.adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW).intersects(shown)
    box_key(model, KEY.Key_Escape)


def test_c_lists_the_ports_of_the_selected_layer(model):
    model.click(model.title("fc"))
    model.key(KEY.Key_C)
    assert [told(line) for line in lines(model)] == [
        ("out", "B × T × 1000", ""),
        ("in", "B × T × 300", "from lstm"),
        ("weight", "1000 × 300", "offer it"),
        ("weight", "1000 × 300", "take it from a wire"),
        ("bias", "1000", "offer it"),
        ("bias", "1000", "take it from a wire"),
    ]
    box_key(model, KEY.Key_Escape)
    assert model.undo_texts() == []
    assert model.view.hasFocus()


def test_a_data_wire(model):
    model.canvas.select({"fc"})
    model.key(KEY.Key_C)
    box_key(model, KEY.Key_Return)
    assert [line.title for line in lines(model)] == ["act / in"]  # the others would make a loop
    box_key(model, KEY.Key_Return)
    assert model.network.source_of(Port("act", "in")) == Port("fc", "out")
    assert model.undo_texts() == ["Connect fc to act"]
    assert not model.canvas.frame.box.isVisible()


def test_a_wired_input_is_offered_last_and_says_what_it_loses(model):
    model.canvas.select({"act"})
    model.key(KEY.Key_C)
    box_key(model, KEY.Key_Return)
    assert [(line.title, line.tail) for line in lines(model)] == [
        ("fc / in", "instead of lstm"),
        ("lstm / in", "instead of emb"),
        ("emb / in", "instead of tokens"),
    ]
    write(model, "fc")
    box_key(model, KEY.Key_Return)
    assert model.network.source_of(Port("fc", "in")) == Port("act", "out")
    assert len(model.undo_texts()) == 1


def test_a_tie_in_one_step(model):
    model.canvas.select({"emb"})
    model.key(KEY.Key_C)
    write(model, "weight offer")
    box_key(model, KEY.Key_Return)
    assert [told(line) for line in lines(model)] == [("fc / weight", "1000 × 300", ""), ("act / in", "", "")]
    box_key(model, KEY.Key_Return)
    assert model.network.source_of(Port("fc", "weight")) == Port("emb", "weight")
    assert model.network.layer("emb").output_learnables == ("weight",)
    assert model.network.layer("fc").input_learnables == ("weight",)
    assert model.undo_texts() == ["Take weight of fc from emb"]
    model.document.history.undo()
    assert not model.network.layer("emb").output_learnables


def test_a_tie_by_a_permutation(stage):
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), act=ReLU(), dec=Linear(784))
    it = stage(net.move({name: (200 * n, 0) for n, name in enumerate(net.layers)}))
    it.canvas.select({"dec"})
    it.key(KEY.Key_C)
    write(it, "weight take")
    box_key(it, KEY.Key_Return)
    assert [told(line) for line in lines(it)] == [("enc / weight", "64 × 784", "by Permute 1, 0")]
    box_key(it, KEY.Key_Return)
    assert it.network.source_of(Port("dec", "weight")) == Port("permute", "out")
    assert it.undo_texts() == ["Take weight of dec from enc"]


def test_square_learnables_are_listed_in_both_ways(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8))
    it = stage(net)
    it.canvas.select({"a"})
    it.key(KEY.Key_C)
    write(it, "weight offer")
    box_key(it, KEY.Key_Return)
    assert [(line.title, line.tail) for line in lines(it)] == [("b / weight", ""), ("b / weight", "by Permute 1, 0")]
    box_key(it, KEY.Key_Down)
    box_key(it, KEY.Key_Return)
    assert it.network.source_of(Port("b", "weight")) == Port("permute", "out")


def test_del_cuts_a_wired_input(model):
    model.canvas.select({"fc"})
    model.key(KEY.Key_C)
    box_key(model, KEY.Key_Delete)
    assert model.undo_texts() == []  # it is the output that is chosen
    box_key(model, KEY.Key_Down)
    box_key(model, KEY.Key_Delete)
    assert model.network.source_of(Port("fc", "in")) is None
    assert model.undo_texts() == ["Cut the wire to fc"]
    assert told(lines(model)[1]) == ("in", "", "")
    box_key(model, KEY.Key_Escape)


def test_del_in_a_text_deletes_letters(model):
    model.canvas.select({"fc"})
    model.key(KEY.Key_C)
    write(model, "inx")
    box_key(model, KEY.Key_Left)
    box_key(model, KEY.Key_Delete)
    assert model.canvas.frame.box.field.text() == "in"
    assert model.undo_texts() == []
    box_key(model, KEY.Key_Escape)


def test_a_layer_of_many_inputs_takes_one_more(model):
    model.document.edit("Add", model.network.add(add=Add()).move({"add": (900, 200)}))
    connect(model, "fc", "out", "add")
    connect(model, "act", "out", "add / 1")
    assert model.network.source_of(Port("add", "1")) == Port("act", "out")
    assert model.undo_texts()[1:] == ["Connect fc to add.0", "Connect act to add.1"]


def test_a_second_use(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8)).add(again=Call())
    it = stage(net)
    connect(it, "again", "learnables", "a")
    assert it.network.source_of(Port("again", "learnables")) == Port("a", "learnables")
    it.document.history.undo()
    connect(it, "a", "learnables", "again")
    assert it.network.source_of(Port("again", "learnables")) == Port("a", "learnables")


def test_inside_a_group_names_are_short(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), act=ReLU(), b=Linear(4))
    it = stage(group(net.add(more=ReLU()), ["a", "act", "more"], "block"))
    it.canvas.enter("block")
    it.canvas.select({"block.act"})
    it.key(KEY.Key_C)
    box_key(it, KEY.Key_Return)
    assert "more / in" in [line.title for line in lines(it)]
    box_key(it, KEY.Key_Escape)


@pytest.mark.parametrize("selection", [(), ("emb", "fc"), ("fc/in",)])
def test_c_needs_one_layer(model, selection):
    model.canvas.select(selection)
    model.key(KEY.Key_C)
    assert model.refusals == ["Select one layer to connect it."]
    assert not model.canvas.frame.box.isVisible()


# Walking.


def test_control_and_arrows_walk_along_wires(model):
    model.canvas.select({"emb"})
    model.key(KEY.Key_Right, CTRL)
    assert model.canvas.selection == {"lstm"}
    model.key(KEY.Key_Left, CTRL)
    model.key(KEY.Key_Left, CTRL)
    assert model.canvas.selection == {"tokens"}
    model.key(KEY.Key_Left, CTRL)
    assert model.canvas.selection == {"tokens"}
    assert model.refusals == ["There is no layer to the left to go to."]
    assert model.undo_texts() == []


def test_up_and_down_to_the_nearest(model):
    model.canvas.select({"fc"})
    model.key(KEY.Key_Down, CTRL)
    assert model.canvas.selection == {"act"}
    model.key(KEY.Key_Up, CTRL)
    assert model.canvas.selection == {"fc"}
    model.key(KEY.Key_Up, CTRL)
    assert model.refusals == ["There is no layer above to go to."]


def test_with_nothing_selected_it_begins_in_the_middle(model):
    model.canvas.clear()
    model.key(KEY.Key_Right, CTRL)
    assert len(model.canvas.selection) == 1


def test_an_empty_canvas_has_nowhere_to_go(stage):
    it = stage(Network())
    it.key(KEY.Key_Right, CTRL)
    it.key(KEY.Key_Space, SHIFT)
    assert len(it.refusals) == 2


def test_shift_space_keeps_layers_to_tie_them(model):
    model.canvas.select({"emb"})
    model.key(KEY.Key_Space, SHIFT)
    model.key(KEY.Key_Right, CTRL)
    assert model.canvas.selection == {"emb", "lstm"}
    model.key(KEY.Key_Right, CTRL)
    assert model.canvas.selection == {"emb", "fc"}
    assert not model.view.space
    model.canvas.select({"lstm"})
    model.key(KEY.Key_Right, CTRL)
    assert model.canvas.selection == {"fc"}


def test_shift_space_twice_lets_go(model):
    model.canvas.select({"emb"})
    model.key(KEY.Key_Space, SHIFT)
    model.key(KEY.Key_Space, SHIFT)
    model.key(KEY.Key_Right, CTRL)
    assert model.canvas.selection == {"lstm"}


def test_walking_follows_with_the_view(model):
    model.canvas.select({"lstm"})
    model.view.set_camera(model.canvas.node("tokens").frame.center(), 2.0)
    model.key(KEY.Key_Right, CTRL)
    assert model.view.visible().contains(model.canvas.node("fc").frame)
