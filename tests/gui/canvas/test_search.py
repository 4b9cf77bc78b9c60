"""The search box: opened by keys, double-clicks and wires let go; what it lists, and what Enter does."""

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import tie
from designer.gui.canvas.box import SHADOW
from designer.layers import Dropout, Embedding, Input, Linear, Permute, ReLU
from designer.model import Call, Network, Parameter, Port

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def line(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(4))
    return stage(net.move({"x": (0, 0), "a": (176, 0), "b": (600, 0)}))


@pytest.fixture
def tied(stage):
    net = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 8), fc=Linear(50))
    net = tie(net, "emb/weight", "fc/weight", permute=())
    return stage(net.move({"x": (0, 0), "emb": (200, 0), "fc": (600, 0)}))


def box(it):
    return it.canvas.frame.box


def titles(it):
    return [line.title for line in box(it).list.lines]


def write(it, text, key=None, modifiers=NONE):
    QTest.keyClicks(box(it).field, text)
    if key is not None:
        QTest.keyClick(box(it).field, key, modifiers)
    QApplication.processEvents()


def chosen(it):
    return box(it).list.line(box(it).list.currentRow()).title


# Opening, choosing, closing.


@pytest.mark.parametrize("keys", [(Qt.Key.Key_Tab, NONE), (Qt.Key.Key_A, SHIFT)])
def test_tab_type_enter_adds_after_the_selected_layer(line, keys):
    line.click(line.title("b"))
    line.key(*keys)
    assert box(line).isVisible()
    assert box(line).field.hasFocus()
    assert box(line).caption == "Enter adds after b"
    assert len(titles(line)) > 60
    assert chosen(line) == "Linear"
    write(line, "fully connected")
    assert titles(line) == ["Linear"]
    write(line, "", Qt.Key.Key_Return)
    assert not box(line).isVisible()
    assert line.view.hasFocus()
    assert line.network.source_of(Port("linear", "in")) == Port("b", "out")
    assert line.undo_texts() == ["Add Linear"]
    assert line.document.view.selection == {"linear"}


def test_what_is_added_by_keys_comes_into_view(line):
    line.click(line.title("b"))
    before = line.view.center
    for n in range(6):  # past the right edge, and from there to the left
        line.key(Qt.Key.Key_Tab)
        write(line, "relu", Qt.Key.Key_Return)
        (path,) = line.document.view.selection
        assert line.view.visible().contains(line.canvas.node(path).frame), (n, path)
        assert line.view.zoom == 1.0
    assert line.view.center.x() > before.x()
    assert line.view.center.y() == before.y()
    line.view.set_camera(before + QPointF(3000, 2000), 1.0)
    line.key(Qt.Key.Key_Tab)
    write(line, "relu", Qt.Key.Key_Return)
    (path,) = line.document.view.selection
    assert line.view.visible().contains(line.canvas.node(path).frame)


def test_escape_changes_nothing(line):
    line.key(Qt.Key.Key_Tab)
    write(line, "relu", Qt.Key.Key_Escape)
    assert not box(line).isVisible()
    assert line.view.hasFocus()
    assert line.undo_texts() == []


def test_it_opens_empty_again(line):
    line.key(Qt.Key.Key_Tab)
    write(line, "relu", Qt.Key.Key_Escape)
    line.key(Qt.Key.Key_Tab)
    assert box(line).field.text() == ""
    assert len(titles(line)) > 60
    write(line, "", Qt.Key.Key_Escape)


def test_the_arrows_choose_and_stay_within_the_list(line):
    line.key(Qt.Key.Key_Tab)
    write(line, "conv")
    assert chosen(line) == "Conv1d"
    write(line, "", Qt.Key.Key_Up)
    assert chosen(line) == "Conv1d"
    write(line, "", Qt.Key.Key_Down)
    assert chosen(line) == "Conv2d"
    for _ in range(3):
        write(line, "", Qt.Key.Key_PageDown)
    assert chosen(line) == titles(line)[-1]
    write(line, "", Qt.Key.Key_Tab)
    assert box(line).field.hasFocus()
    write(line, "", Qt.Key.Key_Escape)


def test_shift_enter_adds_and_stays_open(line):
    line.click(line.title("b"))
    line.key(Qt.Key.Key_Tab)
    write(line, "relu", Qt.Key.Key_Return, SHIFT)
    assert box(line).isVisible()
    assert box(line).caption == "Enter adds after relu"
    assert box(line).field.selectedText() == "relu"
    write(line, "drop", Qt.Key.Key_Return)
    assert line.network.source_of(Port("relu", "in")) == Port("b", "out")
    assert line.network.source_of(Port("dropout", "in")) == Port("relu", "out")
    assert line.undo_texts() == ["Add ReLU", "Add Dropout"]


def test_a_click_on_a_line_chooses_it(line):
    line.key(Qt.Key.Key_Tab)
    write(line, "conv")
    lines = box(line).list
    at = lines.visualItemRect(lines.item(1)).center()
    QTest.mouseClick(lines.viewport(), Qt.MouseButton.LeftButton, NONE, at)
    assert "conv2d" in line.network.layers
    assert not box(line).isVisible()


def test_a_click_outside_closes(line):
    line.click(line.title("b"))
    line.key(Qt.Key.Key_Tab)
    line.click(line.at(QPointF(20, -60)))
    assert not box(line).isVisible()
    assert line.undo_texts() == []


def test_a_click_on_its_edge_does_not_reach_the_canvas(line):
    line.click(line.title("b"))
    line.key(Qt.Key.Key_Tab)
    QTest.mouseClick(box(line), Qt.MouseButton.LeftButton, NONE, QPoint(SHADOW + 2, SHADOW + 40))
    assert box(line).isVisible()
    assert line.document.view.selection == {"b"}
    write(line, "", Qt.Key.Key_Escape)


def test_another_network_closes_it(line):
    line.key(Qt.Key.Key_Tab)
    line.document.edit("Rename", line.network.rename("a", "first"))
    assert not box(line).isVisible()


# Where it opens, and where the layer goes.


def test_double_click_on_nothing_adds_there(line):
    at = line.at(QPointF(300, 160))
    line.double_click(at)
    assert box(line).caption == "Enter adds"
    write(line, "conv2d", Qt.Key.Key_Return)
    x, y = line.network.positions["conv2d"]
    frame = QRect(line.at(QPointF(x, y)), line.at(QPointF(x + 168, y + 44)))
    assert frame.contains(at)
    assert line.network.source_of(Port("conv2d", "in")) is None
    assert line.undo_texts() == ["Add Conv2d"]


@pytest.mark.parametrize("size", [(1200, 700), (640, 300), (500, 260)])
@pytest.mark.parametrize("corner", [(0.02, 0.02), (0.98, 0.02), (0.02, 0.98), (0.98, 0.98)])
def test_it_stays_inside_the_canvas(stage, size, corner):
    it = stage(Network().add(x=Input(("B", 8))), size)
    view = it.view.viewport()
    it.view.set_camera(QPointF(5000, 5000), 1.0)  # nothing is there
    at = QPoint(round(view.width() * corner[0]), round(view.height() * corner[1]))
    it.canvas.search.open(it.view.scene_at(QPointF(at)))
    body = box(it).geometry().adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW)
    assert it.canvas.frame.rect().contains(body)
    assert box(it).list.height() % 28 == 0
    write(it, "", Qt.Key.Key_Escape)


def test_nothing_selected_adds_at_the_pointer(line):
    line.canvas.clear()
    at = line.at(QPointF(300, 160))
    QTest.mouseMove(line.view.viewport(), at)
    line.key(Qt.Key.Key_Tab)
    write(line, "gelu", Qt.Key.Key_Return)
    assert "gelu" in line.network.layers
    assert line.undo_texts() == ["Add GELU"]


def test_what_cannot_take_such_numbers_is_not_offered(tied):
    """Vectors are looked up by whole numbers, and weights are none."""
    for path, offered, missing in (
        ("x", {"Embedding", "EmbeddingBag", "Reshape"}, {"Linear", "LSTM", "Conv2d", "BatchNorm1d"}),
        ("emb", {"Linear", "LSTM", "Reshape"}, {"Embedding", "EmbeddingBag"}),
    ):
        tied.canvas.search.open_at_port(Port(path, "out"), True, QPointF(300, 300))
        assert offered <= {*titles(tied)}
        assert not missing & {*titles(tied)}
        write(tied, "", Qt.Key.Key_Escape)
    tied.canvas.search.open_on_wire(Port("fc", "in"))
    assert "Embedding" not in titles(tied)
    assert "Linear" in titles(tied)
    write(tied, "", Qt.Key.Key_Escape)


# What is not found.


def test_nothing_found_guesses(line):
    line.key(Qt.Key.Key_Tab)
    write(line, "convv")
    assert titles(line) == ["No layer is called convv.", "Did you mean Conv2d?"]
    assert chosen(line) == "Did you mean Conv2d?"
    write(line, "", Qt.Key.Key_Up)
    assert chosen(line) == "Did you mean Conv2d?"
    write(line, "", Qt.Key.Key_Return)
    assert box(line).field.text() == "Conv2d"
    assert titles(line) == ["Conv2d"]
    write(line, "", Qt.Key.Key_Return)
    assert "conv2d" in line.network.layers


def test_what_has_no_layer_may_be_an_operation_of_torch(line):
    line.click(line.title("b"))
    line.key(Qt.Key.Key_Tab)
    write(line, "erfinv")
    assert titles(line) == ["erfinv"]
    write(line, "", Qt.Key.Key_Return)
    assert line.network.layer("operation").operation == "erfinv"
    assert line.network.source_of(Port("operation", "in")) == Port("b", "out")
    line.key(Qt.Key.Key_Tab)
    write(line, "roll")  # by how much cannot be guessed
    assert titles(line)[0] == "No layer is called roll."
    write(line, "", Qt.Key.Key_Escape)


@pytest.mark.parametrize("word", ["OutputLearnables", "inputlearn", "output learnables"])
def test_the_words_of_others_lead_to_the_learnables(line, word):
    line.click(line.title("a"))
    line.key(Qt.Key.Key_Tab)
    write(line, word, Qt.Key.Key_Return)
    assert line.document.view.unfolded == {"a"}
    assert not box(line).isVisible()
    line.click(line.title("x"))
    line.key(Qt.Key.Key_Tab)
    write(line, word, Qt.Key.Key_Return)
    assert titles(line) == ["InputLearnables, OutputLearnables: select a layer, press L"]
    write(line, "", Qt.Key.Key_Escape)


# A new wire let go over nothing.


def pull(it, port, to):
    it.drag(port, to)
    assert box(it).isVisible()


def test_a_wire_from_an_output(line):
    pull(line, line.port("a", "out", out=True), line.at(QPointF(300, 160)))
    assert box(line).caption == "takes B\u200a×\u200a8"
    assert line.canvas.search.loose is not None
    line.view.grab()
    assert "Tokens" not in titles(line)
    assert {"Linear", "Add", "Output"} <= set(titles(line))
    write(line, "relu", Qt.Key.Key_Return)
    assert line.network.source_of(Port("relu", "in")) == Port("a", "out")
    assert line.undo_texts() == ["Add ReLU"]
    assert line.canvas.search.loose is None
    line.document.history.undo()
    assert "relu" not in line.network.layers


def test_a_wire_from_an_input(line):
    line.document.edit("Cut", line.network.disconnect("b/in"))
    pull(line, line.port("b", "in"), line.at(QPointF(480, 160)))
    assert "Output" not in titles(line)
    write(line, "features", Qt.Key.Key_Return)
    assert line.network.source_of(Port("b", "in")) == Port("input", "out")
    assert line.canvas.node("input").frame.right() <= 480
    assert line.undo_texts() == ["Cut", "Add Input"]


def test_escape_lets_the_wire_fall(line):
    pull(line, line.port("a", "out", out=True), line.at(QPointF(300, 160)))
    write(line, "", Qt.Key.Key_Escape)
    assert line.undo_texts() == []
    assert line.canvas.search.loose is None


def test_shift_enter_goes_on_after_the_new_layer(line):
    pull(line, line.port("b", "out", out=True), line.at(QPointF(800, 160)))
    write(line, "relu", Qt.Key.Key_Return, SHIFT)
    assert line.canvas.search.loose is None
    write(line, "softmax", Qt.Key.Key_Return)
    assert line.network.source_of(Port("softmax", "in")) == Port("relu", "out")


def test_a_learnable_from_an_output(tied):
    pull(tied, tied.port("emb", "weight", out=True), tied.at(QPointF(480, 260)))
    found = set(titles(tied))
    assert {"Linear", "Permute", "Slice", "Call"} <= found
    assert not {"Tokens", "LSTM", "Parameter"} & found
    write(tied, "linear", Qt.Key.Key_Return)
    assert tied.network.layer("linear").input_learnables == ("weight",)
    assert tied.network.source_of(Port("linear", "weight")) == Port("emb", "weight")
    assert tied.undo_texts() == ["Add Linear"]


def test_a_learnable_to_one_that_computes(tied):
    pull(tied, tied.port("emb", "weight", out=True), tied.at(QPointF(480, 260)))
    write(tied, "permute", Qt.Key.Key_Return)
    assert tied.network.source_of(Port("permute", "in")) == Port("emb", "weight")
    assert tied.network.is_learnable(Port("permute", "out"))


def test_a_learnable_to_an_input(tied):
    tied.document.edit("Cut", tied.network.disconnect("fc/weight"))
    pull(tied, tied.port("fc", "weight"), tied.at(QPointF(480, 260)))
    assert {"Parameter", "Embedding", "Permute"} <= set(titles(tied))
    write(tied, "parameter", Qt.Key.Key_Return)
    assert tied.network.layer("parameter") == Parameter((50, 8))
    assert tied.network.source_of(Port("fc", "weight")) == Port("parameter", "value")
    assert tied.undo_texts() == ["Cut", "Add Parameter"]


def test_a_bundle_is_for_a_second_use(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8)).add(again=Call()).connect("a/learnables", "again/learnables")
    it = stage(net.move({"x": (0, 0), "a": (200, 0), "again": (500, 0)}))
    pull(it, it.port("a", "learnables", out=True), it.at(QPointF(420, 260)))
    assert titles(it) == ["Call"]
    write(it, "", Qt.Key.Key_Return)
    assert it.network.source_of(Port("call", "learnables")) == Port("a", "learnables")


def test_what_does_not_fit_is_said(line):
    pull(line, line.port("a", "out", out=True), line.at(QPointF(300, 160)))
    write(line, "parameter")
    assert titles(line)[0] == "No layer that fits here is called parameter."
    write(line, "", Qt.Key.Key_Escape)


# On a wire.


def test_double_click_on_a_wire_inserts(line):
    line.double_click(line.wire("b/in"))
    assert box(line).caption == "before b"
    assert line.canvas.mirror.wires[Port("b", "in")].takes
    assert not {"Tokens", "Output", "Parameter"} & set(titles(line))
    write(line, "relu", Qt.Key.Key_Return)
    assert line.network.source_of(Port("relu", "in")) == Port("a", "out")
    assert line.network.source_of(Port("b", "in")) == Port("relu", "out")
    assert line.undo_texts() == ["Insert ReLU before b"]
    assert line.network.positions["b"] == (600, 0)


def test_shift_i_inserts_on_the_selected_wire(line):
    line.click(line.wire("a/in"))
    line.key(Qt.Key.Key_I, SHIFT)
    write(line, "dropout", Qt.Key.Key_Return)
    assert line.network.layer("dropout") == Dropout()
    assert line.network.source_of(Port("a", "in")) == Port("dropout", "out")
    left, middle, right = (line.canvas.node(path).frame for path in ("x", "dropout", "a"))
    assert left.right() < middle.left()
    assert middle.right() < right.left()
    line.document.history.undo()
    assert line.network.positions["a"] == (176, 0)


@pytest.mark.parametrize("selection", [(), ("a",), ("a/in", "b/in")])
def test_shift_i_needs_one_wire(line, selection):
    line.canvas.select(selection)
    line.key(Qt.Key.Key_I, SHIFT)
    assert not box(line).isVisible()
    assert line.refusals == ["Select one wire to insert a layer on it."]


def test_on_a_tie_what_computes(tied):
    tied.click(tied.wire("fc/weight"))
    tied.key(Qt.Key.Key_I, SHIFT)
    assert "Linear" not in titles(tied)
    write(tied, "permute", Qt.Key.Key_Return)
    assert tied.network.layer("permute") == Permute()
    assert tied.network.source_of(Port("fc", "weight")) == Port("permute", "out")
    assert "permute" in tied.network.positions
    assert tied.undo_texts() == ["Insert Permute before fc"]


# Delete that joins.


def test_control_delete_joins(line):
    line.click(line.title("a"))
    line.key(Qt.Key.Key_Delete, CTRL)
    assert line.network.source_of(Port("b", "in")) == Port("x", "out")
    assert line.undo_texts() == ["Delete a and join its ends"]
    line.document.history.undo()
    assert line.network.source_of(Port("b", "in")) == Port("a", "out")


def test_plain_delete_does_not_join(line):
    line.click(line.title("a"))
    line.key(Qt.Key.Key_Delete)
    assert line.network.source_of(Port("b", "in")) is None


def test_in_a_group(stage):
    from designer.edits import group

    net = Network().chain(x=Input(("B", 8)), a=Linear(8), act=ReLU(), b=Linear(4))
    it = stage(group(net, ["a", "act"], "block"))
    it.canvas.enter("block")
    it.canvas.select({"block.a"})
    it.key(Qt.Key.Key_Tab)
    write(it, "tanh", Qt.Key.Key_Return)
    assert it.network.source_of(Port("block.tanh", "in")) == Port("block.a", "out")
    it.canvas.select({"block.act/in"})
    it.key(Qt.Key.Key_I, SHIFT)
    write(it, "gelu", Qt.Key.Key_Return)
    assert it.network.source_of(Port("block.act", "in")) == Port("block.gelu", "out")
    assert it.undo_texts() == ["Add Tanh", "Insert GELU before act"]


def test_a_port_that_goes_while_the_pointer_is_on_it(tied):
    at = tied.port("emb", "weight", out=True)
    QTest.mouseMove(tied.view.viewport(), at)
    QApplication.processEvents()
    tied.document.edit("Untie", tied.network.disconnect("fc/weight").set("emb", output_learnables=()))
    QTest.mouseMove(tied.view.viewport(), tied.title("fc"))
    QApplication.processEvents()
    assert tied.canvas.node("fc").hovered
