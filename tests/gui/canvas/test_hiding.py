"""Hidden wires: no lines, but stubs at both ends that say where they lead, and ways to show them again."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import group, tie
from designer.gui.canvas.picture import image, svg
from designer.gui.document import View
from designer.gui.filing import view_from, view_to
from designer.layers import Add, Embedding, Input, Linear, MatMul, Parameter, Permute, ReLU
from designer.model import Network, Port

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
H = Qt.Key.Key_H


@pytest.fixture
def net(language_model):
    """A language model with a tie, and a wire from its embedding past the LSTM."""
    made = language_model.add(add=Add()).connect("fc", "add/0").connect("emb", "add/1")
    return tie(made, "emb/weight", "fc/weight")


@pytest.fixture
def it(stage, net):
    made = stage(net, (1440, 700))
    made.canvas.fit(all=True)
    middle = (made.canvas.node("emb").frame.center() + made.canvas.node("add").frame.center()) / 2
    made.view.set_camera(middle, 0.9)
    return made


def hide(it, *targets):
    """Select wires by clicks, with Shift all but the first, and press H."""
    for n, target in enumerate(targets):
        it.click(it.wire(target), SHIFT if n else Qt.KeyboardModifier.NoModifier)
    it.key(H)


def stubs(it, path):
    return {stub.text: stub for stub in it.canvas.node(path).stubs}


def pill(it, path, text):
    return it.at(stubs(it, path)[text].pill_rect().center())


def wire(it, target):
    return it.canvas.mirror.wires[Port.parse(target)]


def test_a_hidden_wire_has_a_stub_at_both_ends(it):
    hide(it, "add/1")
    assert it.document.view.hidden == {"add/1"}
    assert not it.canvas.selection
    assert not it.undo_texts()
    assert it.told[-1] == "Hid the wire from emb to add. Its ends say where it leads."
    assert [stub.text for stub in it.canvas.node("emb").stubs] == ["to add"]
    assert [stub.text for stub in it.canvas.node("add").stubs] == ["from emb"]
    assert not stubs(it, "emb")["to add"].bunch.learnable
    assert it.canvas.node("add").port("1", False).wired
    assert wire(it, "add/1").path().isEmpty()
    assert it.agrees()


def test_several_selected_wires_are_hidden_at_once_and_shown_by_shift_h(it):
    hide(it, "add/1", "fc/weight")
    assert it.document.view.hidden == {"add/1", "fc/weight"}
    assert it.told[-1] == "Hid 2 wires. Their ends say where they lead."
    assert stubs(it, "emb")["to fc"].bunch.learnable
    it.click(it.body("fc"))
    it.key(H, SHIFT)
    assert it.document.view.hidden == {"add/1"}
    it.click(it.empty())
    it.key(H, SHIFT)
    assert it.refusals == ["Nothing that is selected has a hidden wire."]
    it.key(H)
    assert it.refusals[-1] == "Select the wires to hide first: click them, with Shift for several."
    it.canvas.commands["show_all_hidden"].trigger()
    assert not it.document.view.hidden
    it.canvas.commands["show_all_hidden"].trigger()
    assert it.refusals[-1] == "No wire is hidden."
    assert not any(node.stubs for node in it.canvas.nodes())


def test_a_hidden_wire_is_not_hit_sliced_or_drawn_at_any_zoom(it):
    spot, line = it.wire("fc/weight"), it.wire("add/1")
    hide(it, "fc/weight", "add/1")
    assert it.view.hit(QPointF(spot)).what == it.view.hit(QPointF(line)).what == "canvas"
    it.key(Qt.Key.Key_K)
    it.drag(line - QPointF(0, 60).toPoint(), line + QPointF(0, 60).toPoint())
    assert not it.undo_texts()
    it.view.map.update()
    assert wire(it, "fc/weight") not in it.view.map._ties
    assert wire(it, "add/1") not in it.view.map._lines
    it.canvas.commands["show_all_hidden"].trigger()
    it.view.map.update()
    assert wire(it, "fc/weight") in it.view.map._ties
    assert wire(it, "add/1") in it.view.map._lines


@pytest.mark.parametrize("zoom", [1.0, 0.5, 0.3])
def test_no_line_is_painted(it, zoom):
    it.document.look(hidden=frozenset({"add/1"}))
    lane = wire(it, "fc/weight").path().pointAtPercent(0.5)
    it.view.set_camera(lane, zoom)
    assert amber_at(it, lane)
    it.document.look(hidden=frozenset({"add/1", "fc/weight"}))
    assert not amber_at(it, lane)
    it.document.look(hidden=frozenset(), ties="off")
    assert not amber_at(it, lane)


def test_from_afar_a_dot_says_that_something_hangs_there(it):
    it.document.look(hidden=frozenset({"fc/weight"}))
    stub = stubs(it, "emb")["to fc"]
    end = stub.mapToScene(QPointF(stub.pill.right(), stub.pill.center().y()))
    it.view.set_camera(end, 0.3)
    assert amber_at(it, end)
    it.document.look(ties="off")
    assert not amber_at(it, end)


def amber_at(it, point):
    """Whether there is anything in the colour of ties around a point of the scene."""
    picture, at = it.view.viewport().grab().toImage(), it.at(point)
    near = [QColor(picture.pixel(at.x() + x, at.y() + y)) for x in range(-10, 11) for y in range(-6, 7)]
    return any(20 < color.hue() < 50 and color.saturation() > 90 for color in near)


def test_a_click_on_the_stub_goes_to_the_other_end(it):
    hide(it, "fc/weight")
    it.view.set_camera(it.canvas.node("emb").frame.center(), 1.5)
    it.click(pill(it, "emb", "to fc"))
    assert it.canvas.selection == {"fc"}
    assert it.view.visible().contains(it.canvas.node("fc").frame.center())
    it.click(pill(it, "fc", "from emb"))
    assert it.canvas.selection == {"emb"}
    assert it.view.visible().contains(it.canvas.node("emb").frame.center())


def test_one_of_several_ends_is_chosen(it):
    hide(it, "add/1", "lstm/in")
    assert [stub.text for stub in it.canvas.node("emb").stubs] == ["to 2 layers"]
    it.click(pill(it, "emb", "to 2 layers"))
    box = it.canvas.frame.box
    assert {line.title for line in box.list.lines} == {"add", "lstm"}
    place = [line.title for line in box.list.lines].index("add")
    box.list.lines[place].run(False)
    assert it.canvas.selection == {"add"}


def test_it_is_seen_while_an_end_is_selected_or_a_stub_is_pointed_at(it):
    hide(it, "add/1", "fc/weight")
    for path, seen in (("emb", {"add/1", "fc/weight"}), ("add", {"add/1"}), ("lstm", set())):
        it.click(it.body(path))
        assert {name for name in ("add/1", "fc/weight") if not wire(it, name).path().isEmpty()} == seen
        assert it.agrees()
    it.click(it.empty())
    assert wire(it, "add/1").path().isEmpty()
    QTest.mouseMove(it.view.viewport(), pill(it, "add", "from emb"))
    assert not wire(it, "add/1").path().isEmpty()
    assert not wire(it, "add/1").drawn
    it.view.grab()
    QTest.mouseMove(it.view.viewport(), it.empty())
    assert wire(it, "add/1").path().isEmpty()


def test_ties_off_works_as_it_does(it):
    hide(it, "fc/weight", "add/1")
    tied, data = stubs(it, "emb")["to fc"], stubs(it, "emb")["to add"]
    for mode, named in (("selected", False), ("off", False), ("all", True)):
        it.key(Qt.Key.Key_T)
        assert it.document.view.ties == mode
        assert tied.drawn == named
        assert data.drawn
        it.view.grab()
    assert it.document.view.hidden == {"fc/weight", "add/1"}


def test_a_wire_that_was_cut_comes_back_as_it_was(it):
    hide(it, "add/1")
    it.drag(it.port("add", "1"), it.empty())
    assert it.undo_texts() == ["Cut the wire to add.1"]
    assert not it.document.view.hidden
    it.document.history.undo()
    assert it.document.view.hidden == {"add/1"}
    it.document.history.redo()
    assert not it.document.view.hidden
    it.drag(it.port("emb", "out", out=True), it.port("add", "1"))
    assert not wire(it, "add/1").hidden  # a new wire is seen
    it.document.history.undo()
    it.document.history.undo()
    assert it.document.view.hidden == {"add/1"}


def test_a_wire_that_was_drawn_and_hidden_is_hidden_after_redo(it):
    it.drag(it.port("lstm", "out", out=True), it.port("add", "2"))
    hide(it, "add/2")
    it.document.history.undo()
    assert not it.document.view.hidden
    it.document.history.redo()
    assert it.document.view.hidden == {"add/2"}


def test_a_wire_from_elsewhere_is_another_one(it):
    hide(it, "add/1")
    it.drag(it.port("lstm", "out", out=True), it.port("add", "1"))
    assert it.network.wires[Port("add", "1")] == Port("lstm", "out")
    assert not it.document.view.hidden
    it.document.history.undo()
    assert it.document.view.hidden == {"add/1"}


def test_a_deleted_layer_brings_its_hidden_wires_back(it):
    hide(it, "add/1", "fc/weight")
    it.click(it.body("emb"))
    it.key(Qt.Key.Key_Delete)
    assert not it.document.view.hidden
    it.document.history.undo()
    assert it.document.view.hidden == {"add/1", "fc/weight"}


def test_they_follow_names_and_groups(it):
    hide(it, "add/1", "fc/weight")
    it.document.edit("Rename", it.network.rename("fc", "head"))
    it.document.edit("Rename", it.network.rename("emb", "wte"))
    assert it.document.view.hidden == {"add/1", "head/weight"}
    assert set(stubs(it, "wte")) == {"to add", "to head"}
    it.document.edit("Group", group(it.network, ["head"], "top"))
    assert it.document.view.hidden == {"add/1", "top.head/weight"}
    assert set(stubs(it, "wte")) == {"to add", "to top.head"}
    assert set(stubs(it, "top")) == {"from wte"}
    it.click(pill(it, "wte", "to top.head"))
    assert it.canvas.selection == {"top"}
    it.canvas.enter("top")
    assert [stub.bunch.hidden for stub in it.canvas.node("top.head").stubs] == [False]
    it.canvas.enter("")
    for _ in range(3):
        it.document.history.undo()
    assert it.document.view.hidden == {"add/1", "fc/weight"}


def test_wires_inside_a_group_stay_there(stage):
    chain = {"x": Input(("B", 8)), "a": Linear(8), "b": Linear(8), "c": ReLU()}
    it = stage(tie(Network().chain(**chain), "a/weight", "b/weight", permute=()))
    it.document.look(hidden=frozenset({"b/in", "b/weight"}))
    it.document.edit("Group", group(it.network, ["a", "b"], "block"))
    assert it.document.view.hidden == {"block.b/in", "block.b/weight"}
    assert not it.canvas.node("block").stubs
    it.canvas.enter("block")
    assert {stub.text for stub in it.canvas.node("block.a").stubs} == {"to b"}
    assert len(it.canvas.node("block.a").stubs) == 2


def test_stubs_do_not_lie_on_each_other(it):
    hide(it, "lstm/in", "add/1", "fc/weight", "fc/in")
    for node in it.canvas.nodes():
        pills = [stub.pill for stub in node.stubs]
        assert not any(a.intersects(b) for n, a in enumerate(pills) for b in pills[:n])
    fc = stubs(it, "fc")
    assert fc["from lstm"].pill.y() != fc["from emb"].pill.y()


def test_pictures_show_the_stubs_and_not_the_lines(it):
    it.canvas.select({"emb"})
    before = image(it.canvas)
    it.document.look(hidden=frozenset({"add/1", "fc/weight"}))
    made = image(it.canvas)
    text = svg(it.canvas)
    assert ">to add<" in text
    assert ">from emb<" in text
    assert made != before
    it.canvas.select(())
    assert image(it.canvas) == made
    assert svg(it.canvas) == text


def test_a_new_picture_of_the_same_view(stage, it, net):
    hide(it, "add/1", "fc/weight")
    other = stage(net)
    other.document.open(net, "again", view=view_from(view_to(it.document.view)))
    assert other.document.view.hidden == {"add/1", "fc/weight"}
    assert set(stubs(other, "emb")) == {"to add", "to fc"}
    other.document.open(net, "again", view=View(hidden=frozenset({"add/1", "add/7", "gone", "gone/in", "/", "a//b"})))
    assert other.document.view.hidden == {"add/1"}


def test_the_menu_of_a_wire_and_of_several(desk, net):
    desk.open(net)
    desk.choose(desk.right(middle(desk, "lstm/in")), "Hide")
    assert desk.document.view.hidden == {"lstm/in"}
    desk.select("fc/in", "add/0")
    menu = desk.right(middle(desk, "fc/in"))
    assert desk.document.view.selection == {"fc/in", "add/0"}
    assert {"Cut 2 wires", "Hide 2 wires"} <= set(lines(menu))
    desk.choose(menu, "Hide 2 wires")
    assert desk.document.view.hidden == {"lstm/in", "fc/in", "add/0"}
    menu = desk.right(desk.at(desk.canvas.area().bottomLeft() + QPointF(0, 90)))
    desk.choose(menu, "Show all hidden wires (3)")
    assert not desk.document.view.hidden
    assert "Show all hidden wires (3)" not in lines(
        desk.right(desk.at(desk.canvas.area().bottomLeft() + QPointF(0, 90)))
    )
    assert not desk.undo_texts()


def test_the_menu_of_a_port(desk, net):
    desk.open(net)
    menu = desk.right(desk.port("emb", "out", out=True))
    desk.choose(menu, "Hide wires")
    assert desk.document.view.hidden == {"lstm/in", "add/1"}
    desk.choose(desk.right(desk.port("lstm", "in")), "Show wire")
    assert desk.document.view.hidden == {"add/1"}
    menu = desk.right(desk.port("emb", "out", out=True))
    assert {"Hide wire", "Show wire"} <= set(lines(menu))
    menu.close()
    desk.document.edit("Cut", desk.network.disconnect("fc/weight"))
    desk.choose(desk.right(desk.port("fc", "weight")), "Hide")
    desk.settle()
    assert desk.undo_texts()[-1] == "Let fc own weight"
    assert desk.network.layer("fc").input_learnables == ()
    desk.choose(desk.right(desk.port("emb", "weight", out=True)), "Hide")
    assert desk.undo_texts()[-1] == "Stop offering weight of emb"
    menu = desk.right(desk.port("add", "2"))
    assert not [text for text in lines(menu) if text.startswith("Hide")]


def test_the_menus_of_a_layer_and_of_a_stub(desk, net):
    desk.open(net)
    assert not [text for text in lines(desk.right(desk.body("emb"))) if "hidden" in text]
    QApplication.activePopupWidget().close()
    desk.document.look(hidden=frozenset({"lstm/in", "add/1", "fc/weight"}))
    menu = desk.right(desk.body("fc"))
    desk.choose(menu, "Show its hidden wire")
    assert desk.document.view.hidden == {"lstm/in", "add/1"}
    desk.select("emb", "fc")
    assert "Show their hidden wires (2)" in lines(desk.right(desk.body("fc")))
    QApplication.activePopupWidget().close()
    desk.select()
    desk.canvas.view.set_camera(desk.canvas.node("add").frame.center(), 1.0)
    (stub,) = desk.canvas.node("add").stubs
    menu = desk.right(desk.at(stub.pill_rect().center()))
    assert lines(menu) == ["Go to emb", "Show wire"]
    desk.choose(menu, "Show wire")
    assert desk.document.view.hidden == {"lstm/in"}
    desk.canvas.view.set_camera(desk.canvas.node("lstm").frame.center(), 1.0)
    (stub,) = desk.canvas.node("lstm").stubs
    desk.choose(desk.right(desk.at(stub.pill_rect().center())), "Go to emb")
    assert desk.document.view.selection == {"emb"}


def test_undo_of_a_cut_selects_the_hidden_wire_so_that_it_is_seen(desk, net):
    desk.open(net)
    desk.document.look(hidden=frozenset({"add/1"}))
    desk.document.edit("Cut", desk.network.disconnect("add/1"))
    desk.key(Qt.Key.Key_Z, CTRL)
    assert desk.document.view.hidden == {"add/1"}
    assert desk.document.view.selection == {"add/1"}
    assert not desk.canvas.mirror.wires[Port("add", "1")].path().isEmpty()
    assert desk.canvas.view.accessibleName() == "wire from emb out to add 1, hidden"


def test_hundreds_of_hidden_wires_of_one_layer(stage):
    net = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(8, 8))
    net = net.add(**{f"r{n}": ReLU() for n in range(300)})
    for n in range(300):
        net = net.connect("emb", f"r{n}/in")
    it = stage(net)
    it.document.look(hidden=frozenset(f"r{n}/in" for n in range(300)))
    (stub,) = it.canvas.node("emb").stubs
    assert stub.text == "to 300 layers"
    it.canvas.select({"emb"})
    assert not any(wire.path().isEmpty() for target, wire in it.canvas.mirror.wires.items() if target.layer != "emb")
    it.canvas.select(())


def lines(menu):
    texts = (action.text() for action in menu.actions() if not action.isSeparator())
    return [text.replace("&", "").split("\t")[0] for text in texts]


def middle(desk, target):
    return desk.at(desk.canvas.mirror.wires[Port.parse(target)].path().pointAtPercent(0.5))


def test_a_stub_that_comes_back_is_not_pointed_at(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8), c=ReLU())
    it = stage(group(net, ["a", "b"], "g"))
    it.canvas.enter("g")
    it.document.look(hidden=frozenset({"g.b/in"}))
    it.view.set_camera(it.canvas.node("g.a").frame.center(), 1.0)
    (stub,) = it.canvas.node("g.a").stubs
    it.view.hover(QPointF(it.at(stub.pill_rect().center())))
    assert stub.hovered
    it.document.look(hidden=frozenset())
    it.document.look(hidden=frozenset({"g.b/in"}))
    assert not wire(it, "g.b/in").pointed
    it.view.hover(QPointF(it.at(it.canvas.node("g.a").stubs[0].pill_rect().center())))
    it.canvas.leave()
    it.canvas.enter("g")
    assert not any(stub.hovered for node in it.canvas.nodes() for stub in node.stubs)


def test_both_stubs_follow_what_a_hidden_wire_carries(stage):
    net = Network().add(x=Input((8, 8)), p=Parameter((8, 8)), z=Input((8, 8)), turn=Permute((1, 0)), mul=MatMul())
    it = stage(net.connect("p/value", "turn").connect("z", "mul").connect("turn", "mul/other"))
    hide(it, "mul/other")
    it.agrees()
    it.document.edit("Connect", it.network.connect("x", "turn"))
    it.agrees()
    assert [stub.bunch.learnable for name in ("turn", "mul") for stub in it.canvas.node(name).stubs] == [False, False]
