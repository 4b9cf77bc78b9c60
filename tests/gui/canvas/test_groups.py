"""Groups on the canvas: nodes whose ports are derived, entered and left, each seen as it was left."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from designer.edits import group, tie
from designer.layers import Embedding, Input, Linear, ReLU, Softmax
from designer.model import BUNDLE, Call, Network, Port

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def nested(stage):
    """A head inside a group inside a group that takes its weight from an embedding at the top."""
    net = (
        Network()
        .chain(
            tokens=Input(("B", "T"), dtype="int64"),
            emb=Embedding(100, 16, output_learnables=("weight",)),
            a=Linear(16),
            act=ReLU(),
            head=Linear(100, input_learnables=("weight",)),
            probs=Softmax(),
        )
        .connect("emb/weight", "head/weight")
    )
    return stage(group(group(net, ["head", "probs"], "inner"), ["a", "act", "inner"], "decoder"))


def test_a_group_shows_the_learnables_that_cross_its_border(nested):
    look = nested.canvas.node("decoder").look
    assert look.kind == "group"
    assert look.summary == "4 layers"
    diamond = look.inputs[-1]
    assert diamond.name == "inner.head.weight"
    assert diamond.port == Port("decoder.inner.head", "weight")
    assert nested.canvas.mirror.wires[diamond.port].learnable
    assert look.rows[-1].source == "emb"
    nested.canvas.enter("decoder")
    inner = nested.canvas.node("decoder.inner").look.inputs[-1]
    assert inner.name == "head.weight"
    assert inner.beyond
    nested.canvas.enter("decoder.inner")
    assert nested.canvas.node("decoder.inner.head").look.inputs[-1].beyond
    assert nested.canvas.node("decoder.inner.head").look.rows[0].source == "emb"


def test_a_double_click_or_return_enters_and_the_keys_leave(nested):
    nested.double_click(nested.body("decoder"))
    assert nested.document.view.path == "decoder"
    assert nested.agrees()
    nested.click(nested.body("decoder.inner"))
    nested.key(Qt.Key.Key_Return)
    assert nested.document.view.path == "decoder.inner"
    assert nested.agrees()
    nested.key(Qt.Key.Key_Return, SHIFT)
    assert nested.document.view.path == "decoder"
    assert nested.canvas.selection == {"decoder.inner"}
    nested.key(Qt.Key.Key_Up, ALT)
    assert nested.document.view.path == ""
    assert nested.canvas.selection == {"decoder"}
    assert not nested.undo_texts()


def test_the_path_leads_to_every_level(nested):
    nested.canvas.enter("decoder.inner")
    steps = [step for step in nested.canvas.frame.path.steps if hasattr(step, "last")]
    assert [step.text() for step in steps] == ["untitled", "decoder", "inner"]
    steps[1].click()
    assert nested.document.view.path == "decoder"
    nested.canvas.frame.path.home.click()
    assert nested.document.view.path == ""


def test_each_level_is_seen_as_it_was_left(nested):
    nested.canvas.zoom_to(0.5)
    nested.drag(nested.empty(), nested.empty() + QPoint(60, 10), button=Qt.MouseButton.MiddleButton)
    center, zoom = nested.view.center, nested.view.zoom
    nested.canvas.enter("decoder")
    assert (nested.view.center, nested.view.zoom) != (center, zoom)
    nested.canvas.leave()
    assert nested.view.zoom == pytest.approx(zoom, abs=1e-3)
    assert nested.view.center.x() == pytest.approx(center.x(), abs=0.1)


def test_gestures_inside_a_group_edit_what_is_inside(nested):
    nested.canvas.enter("decoder")
    start = nested.body("decoder.a")
    nested.drag(start, start + QPoint(0, 120))
    assert "a" in nested.network.network_at("decoder").positions
    nested.drop("Dropout", nested.empty() + QPoint(60, 0))
    assert nested.network.find("decoder.dropout") is not None
    nested.drag(nested.port("decoder.act", "out", out=True), nested.body("decoder.dropout"))
    assert nested.network.source_of(Port("decoder.dropout", "in")) == Port("decoder.act", "out")
    nested.click(nested.title("decoder.a"))
    nested.key(Qt.Key.Key_Delete)
    assert nested.network.find("decoder.a") is None


def test_a_wire_from_beyond_is_pulled_off_inside(nested):
    nested.canvas.enter("decoder.inner")
    port = nested.port("decoder.inner.head", "weight")
    nested.drag(port, port + QPoint(-20, 140))
    assert nested.network.source_of(Port("decoder.inner.head", "weight")) is None
    assert nested.undo_texts() == ["Cut the wire to decoder.inner.head.weight"]


def test_a_learnable_is_tied_into_a_group_at_its_open_diamond(nested):
    target = Port("decoder.inner.head", "weight")
    nested.document.edit("Cut", nested.network.disconnect(target))
    look = nested.canvas.node("decoder").look
    assert look.inputs[-1].port == target
    nested.drag(nested.port("emb", "weight", out=True), nested.port("decoder", "inner.head.weight"))
    assert nested.network.source_of(target) == Port("emb", "weight")
    assert nested.undo_texts()[-1] == "Take weight of decoder.inner.head from emb"


def test_undo_out_of_an_open_group_shows_what_is_left(nested):
    before = nested.network
    nested.document.edit("Group", group(before, ["tokens", "emb"][1:], "lone"))
    nested.canvas.enter("lone")
    nested.document.history.undo()
    assert nested.document.view.path == ""
    assert nested.agrees()


def test_a_call_shows_the_ports_of_what_it_calls(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), act=ReLU())
    net = group(net, ["a", "act"], "block").add(again=Call())
    it = stage(net.move({"x": (0, 0), "block": (200, 0), "again": (560, 0)}))
    assert not it.canvas.node("again").look.outputs
    assert it.canvas.node("again").look.summary == "nothing yet"
    it.drag(it.port("again", BUNDLE), it.body("block"))
    assert it.network.source_of(Port("again", BUNDLE)) == Port("block", BUNDLE)
    assert it.canvas.node("again").look.summary == "block"
    assert [port.name for port in it.canvas.node("again").look.inputs] == ["x", BUNDLE]
    it.drag(it.port("x", "out", out=True), it.port("again", "x"))
    assert it.network.source_of(Port("again", "x")) == Port("x", "out")
    it.click(it.title("block"))
    it.key(Qt.Key.Key_Delete)
    assert "again" in it.network.layers
    assert not isinstance(it.network.layers["again"], Call)
    assert it.told == ["again calls block again.", "x to again.", "again now is what block was."]


def test_another_document_is_placed_and_shown_anew(stage, language_model, qtbot):
    it = stage(language_model)
    start = it.body("emb")
    it.drag(start, start + QPoint(0, 160))
    it.canvas.zoom_to(3.0)
    it.document.open(Network().chain(emb=Input(("B", 4)), fc=Linear(3)), "other")
    qtbot.waitUntil(lambda: it.view.visible().contains(it.canvas.area()))
    assert it.canvas.node("emb").y() == it.canvas.node("fc").y()
    assert not it.canvas.mirror._spare


def test_a_stub_names_the_other_end_of_a_tie_and_leads_there(nested):
    nested.canvas.enter("decoder.inner")
    (stub,) = nested.canvas.node("decoder.inner.head").stubs
    assert stub.text == "from emb"
    at = nested.at(stub.pill_rect().center())
    assert nested.view.hit(QPointF(at)).stub is stub
    assert nested.canvas.tooltip(nested.view.hit(QPointF(at))) == "Go to emb"
    nested.view.grab()
    nested.click(at)
    assert nested.document.view.path == ""
    assert nested.canvas.selection == {"emb"}
    assert not nested.undo_texts()


def test_a_stub_of_an_owner_asks_which_borrower(nested):
    net = nested.network.add(more=Linear(100)).connect("decoder", "more")
    nested.document.edit("More", tie(net, "emb/weight", "more/weight", permute=()))
    nested.document.edit("Group", group(nested.network, ["emb"], "first"))
    nested.canvas.enter("first")
    (stub,) = nested.canvas.node("first.emb").stubs
    assert stub.far == ("decoder.inner.head", "more")
    assert stub.text == "to 2 layers"
    nested.click(nested.at(stub.pill_rect().center()))
    box = nested.canvas.frame.box
    assert [line.title for line in box.list.lines] == ["decoder.inner.head", "more"]
    QTest.keyClick(box.field, Qt.Key.Key_Return)
    assert nested.document.view.path == "decoder.inner"
    assert nested.canvas.selection == {"decoder.inner.head"}


def test_stubs_come_and_go_with_their_ties_and_names_with_the_switch(nested):
    nested.canvas.enter("decoder.inner")
    head = nested.canvas.node("decoder.inner.head")
    nested.document.look(ties="off")
    assert not head.stubs[0].drawn
    assert nested.view.hit(head.stubs[0].pill.center() + head.pos()).stub is None
    nested.document.look(ties="selected")
    assert not head.stubs[0].drawn
    nested.canvas.select({"decoder.inner.head"})
    assert head.stubs[0].drawn
    nested.document.edit("Cut", nested.network.disconnect(Port("decoder.inner.head", "weight")))
    assert not head.stubs
    nested.document.history.undo()
    assert [stub.text for stub in head.stubs] == ["from emb"]
    nested.document.edit("Rename", nested.network.rename("emb", "words"))
    assert [stub.text for stub in head.stubs] == ["from words"]


def test_the_tie_of_the_selected_layer_is_lit_from_owner_to_all_borrowers(nested):
    net = nested.network.add(more=Linear(100)).connect("decoder", "more")
    nested.document.edit("More", tie(net, "emb/weight", "more/weight", permute=()))
    wires = nested.canvas.mirror.wires
    ties = {wires[Port("decoder.inner.head", "weight")], wires[Port("more", "weight")]}
    for name, others in (("more", {"emb", "decoder"}), ("emb", {"decoder", "more"}), ("decoder", {"emb", "more"})):
        nested.canvas.select({name})
        assert {wire for wire in wires.values() if wire.lit} == ties
        assert {node.look.path for node in nested.canvas.nodes() if node.lit} == others
    nested.view.grab()
    nested.canvas.select({"tokens"})
    assert not any(wire.lit for wire in wires.values())
    assert not any(node.lit for node in nested.canvas.nodes())


def test_the_nodes_of_a_group_that_was_left_come_back_as_they_are_now(stage):
    net = group(Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8), c=Linear(8)), ["b"], "block")
    it = stage(tie(net, "a/weight", "c/weight", permute=()))
    (door,) = net.layers["block"].inputs()
    it.canvas.select({"a"})
    before = {path: node.view for path, node in it.canvas.mirror.nodes.items()}
    it.canvas.enter("block")
    it.agrees()
    assert not any(item.isSelected() or item.lit or item.scene() for item in before.values())
    it.document.edit("Set and cut", it.network.set("c", out_features=4).disconnect(f"block/{door}"))
    it.canvas.leave()
    it.agrees()
    after = {path: node.view for path, node in it.canvas.mirror.nodes.items()}
    assert after == before
    assert after["c"].look.summary.endswith("4")
    assert not after["block"].port(door, out=False).wired
