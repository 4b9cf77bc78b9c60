"""The first story, told with the mouse: five layers, their wires, a tie, and all of it undone and redone."""

import itertools

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from designer import build
from designer.layers import Permute
from designer.model import Port

LAYERS = (
    ("Tokens", "input"),
    ("Embedding", "embedding"),
    ("LSTM", "lstm"),
    ("Linear", "linear"),
    ("Softmax", "softmax"),
)


def _build(desk, monkeypatch):
    """Draw the five layers and their wires, from the start page on."""
    window = desk.window
    desk.click(window.start.starts[0])
    assert not window.on_start
    view = desk.canvas.view
    width = view.viewport().width()
    for number, (title, name) in enumerate(LAYERS):
        desk.drag_from_library(title, QPoint(110 + number * (width - 220) // 4, 160 + 130 * (number % 2)), monkeypatch)
        assert list(desk.network.layers)[-1] == name
        assert desk.undo_texts()[-1].startswith("Add ")
    names = [name for _, name in LAYERS]

    # Settings: an embedding of 1000 x 300, an LSTM of 300 units, 1000 features.
    for name, setting, value in (("lstm", "hidden_size", 300), ("linear", "out_features", 1000)):
        desk.click(view.viewport(), desk.at(desk.canvas.node(name).pos()) + QPoint(60, 14))
        assert desk.document.view.selection == {name}
        desk.type(desk.setting(setting), str(value))
        assert getattr(desk.network.layer(name), setting) == value
        assert desk.undo_texts()[-1] == f"Set {setting} of {name}"
    assert desk.network.layer("embedding").num_embeddings == 1000
    assert desk.network.layer("embedding").embedding_dim == 300

    # Names.
    for old, new in (("input", "tokens"), ("embedding", "emb"), ("linear", "fc"), ("softmax", "probs")):
        desk.select(old)
        desk.type(desk.form.name, new)
        assert desk.undo_texts()[-1] == f"Rename {old} to {new}"
    names = ["tokens", "emb", "lstm", "fc", "probs"]
    assert list(desk.network.layers) == names

    # Wires, and the shapes on them.
    for source, target in itertools.pairwise(names):
        desk.drag(desk.port(source, "out", out=True), desk.port(target, "in"))
        assert desk.network.wires[Port(target, "in")] == Port(source, "out")
    desk.settle()
    labels = {str(target): wire.label for target, wire in desk.canvas.mirror.wires.items()}
    assert labels["fc/in"] == "B\u200a×\u200aT\u200a×\u200a300"
    assert labels["probs/in"] == "B\u200a×\u200aT\u200a×\u200a1000"
    desk.shows("Connect fc to probs", 1_323_400, 1_323_400)


def test_create(desk, monkeypatch):
    _build(desk, monkeypatch)
    window, view = desk.window, desk.canvas.view

    # Learnables unfold; ticks put the diamonds on the edges; the tie is drawn from one to the other.
    desk.select()
    for name in ("emb", "fc"):
        desk.click(view.viewport(), desk.learnables_row(name))
    assert desk.document.view.unfolded == {"emb", "fc"}
    desk.click(view.viewport(), desk.switch("emb", "weight", offers=True))
    assert desk.network.layer("emb").output_learnables == ("weight",)
    assert desk.undo_texts()[-1] == "Offer weight of emb"
    desk.click(view.viewport(), desk.switch("fc", "weight", offers=False))
    assert desk.network.layer("fc").input_learnables == ("weight",)
    assert desk.undo_texts()[-1] == "Take weight of fc from a wire"
    desk.settle()
    assert desk.document.analysis.errors
    desk.drag(desk.port("emb", "weight", out=True), desk.port("fc", "weight"))
    assert desk.network.wires[Port("fc", "weight")] == Port("emb", "weight")

    # The analyzer: fc owns its bias only, and its weight comes from emb.
    desk.settle()
    assert desk.cell("fc", "Stored") == "1,000"
    assert desk.cell("fc", "Used") == "301,000"
    assert desk.cell("fc", "Tied to") == "from emb.weight"
    assert desk.cell("emb", "Tied to") == "to fc.weight"
    assert desk.document.analysis.stored == 1_023_400
    assert desk.document.analysis.used == 1_323_400
    assert window.bottom.counts["Saved by tying"].full == "300,000  22.7 %"
    assert not desk.document.analysis.problems
    assert window.windowTitle().startswith("untitled[*]")
    assert window.isWindowModified()

    desk.shows("Take weight of fc from emb", 1_023_400, 1_323_400)
    _undo_and_redo(desk)


def test_create_in_one_gesture_from_the_tick(desk, monkeypatch):
    """Pressed on the empty checkbox and dropped on the layer: switch, switch and wire in one step."""
    _build(desk, monkeypatch)
    desk.canvas.fold(["emb"], unfold=True)
    steps = len(desk.undo_texts())
    desk.drag(desk.switch("emb", "weight", offers=True), desk.body("fc"))
    desk.shows("Take weight of fc from emb", 1_023_400, 1_323_400)
    assert len(desk.undo_texts()) == steps + 1
    _undo_and_redo(desk)


def test_create_in_the_properties(desk, monkeypatch):
    """The columns of the properties switch the ports on; a diamond stands beside each tick."""
    _build(desk, monkeypatch)
    view = desk.canvas.view.viewport()
    for path, box, undo in (("emb", "offers", "Offer weight of emb"), ("fc", "takes", "Take weight of fc from a wire")):
        desk.click(view, desk.body(path))
        desk.click(getattr(desk.form.learnables.rows["weight"], box))
        assert desk.undo_texts()[-1] == undo
    desk.select()
    desk.settle()
    desk.drag(desk.port("emb", "weight", out=True), desk.port("fc", "weight"))
    desk.shows("Take weight of fc from emb", 1_023_400, 1_323_400)


def _store_columns(desk):
    """Let the embedding store its vectors as columns, as the published one does."""
    desk.click(desk.canvas.view.viewport(), desk.body("emb"))
    desk.click(desk.setting("transposed"))
    desk.shows("Set transposed of emb", 1_323_400, 1_323_400)
    assert desk.document.analysis.learnable_shape(Port("emb", "weight")) == (300, 1000)


def _published(desk):
    """Check the picture: embedding, permutation, fully connected."""
    network = desk.network
    assert network.layer("permute") == Permute((1, 0))
    assert network.wires[Port("permute", "in")] == Port("emb", "weight")
    assert network.wires[Port("fc", "weight")] == Port("permute", "out")
    assert desk.canvas.mirror.wires[Port("fc", "weight")].learnable
    assert desk.cell("fc", "Stored") == "1,000"
    assert desk.cell("fc", "Used") == "301,000"
    assert desk.cell("fc", "Tied to") == "from emb.weight by Permute 1, 0"
    code = desk.window.bottom.code.source.toPlainText()
    assert "TransposedEmbedding(1000, 300)" in code
    probabilities = build(network).eval()(torch.arange(10).reshape(2, 5))
    assert probabilities.shape == (2, 5, 1000)
    _undo_and_redo(desk)


def test_create_as_published_with_the_permutation_that_the_drop_inserts(desk, monkeypatch):
    _build(desk, monkeypatch)
    _store_columns(desk)
    desk.canvas.fold(["emb", "fc"], unfold=True)
    QApplication.processEvents()
    desk.drag(desk.switch("emb", "weight", offers=True), desk.switch("fc", "weight", offers=False))
    desk.shows("Take weight of fc from emb", 1_023_400, 1_323_400)
    _published(desk)


@pytest.mark.nightly
def test_create_as_published_with_a_permutation_from_the_library(desk, monkeypatch):
    _build(desk, monkeypatch)
    _store_columns(desk)
    view = desk.canvas.view
    for path, offers in (("emb", True), ("fc", False)):
        desk.click(view.viewport(), desk.learnables_row(path))
        desk.click(view.viewport(), desk.switch(path, "weight", offers=offers))
    between = (desk.port("emb", "weight", out=True) + desk.port("fc", "weight")) / 2
    desk.drag_from_library("Permute", QPoint(between.x(), view.viewport().height() - 60), monkeypatch)
    desk.type(desk.setting("dims"), "1, 0")
    desk.settle()
    desk.drag(desk.port("emb", "weight", out=True), desk.port("permute", "in"))
    desk.settle()
    desk.drag(desk.port("permute", "out", out=True), desk.port("fc", "weight"))
    desk.shows(desk.undo_texts()[-1], 1_023_400, 1_323_400)
    _published(desk)


def _undo_and_redo(desk):
    """Undo all the way and redo: each network is the very one it was, and the canvas and the table follow."""
    history, steps = desk.document.history, []
    made = desk.network
    while history.canUndo():
        text = history.undoText()
        steps.append((text, desk.network))
        assert desk.window.actions_by_name["undo"].text() == f"&Undo {text[0].lower()}{text[1:]}"
        desk.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert desk.told[-1] == f"Undone: {text[0].lower()}{text[1:]}."
        _agrees(desk)
    assert not desk.network.all
    assert not desk.window.isWindowModified()
    assert desk.window.bar.edited.isHidden()
    for text, network in reversed(steps):
        assert history.redoText() == text
        desk.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        assert desk.network is network
        _agrees(desk)
    assert desk.network is made
    assert desk.window.isWindowModified()
    assert desk.cell("fc", "Tied to").startswith("from emb.weight")


def _agrees(desk):
    desk.settle()
    QApplication.processEvents()
    network = desk.network
    assert set(desk.canvas.mirror.nodes) == set(network.layers)
    assert {target: wire.source for target, wire in desk.canvas.mirror.wires.items()} == dict(network.wires)
    assert {row.name for row in desk.table.rows.known} == set(network.all)
    for row in desk.table.rows.known:
        if row.known:
            assert desk.cell(row.name, "Stored") == f"{desk.document.analysis.row(row.name).stored:,}"
