"""Every gesture of the canvas, by real mouse and key events; each leaves the scene as the document says."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from designer.gui.canvas.adding import HEAD
from designer.layers import LSTM, Add, Input, Linear, Permute, ReLU
from designer.model import Network, Port

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
RIGHT, MIDDLE = Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton


@pytest.fixture
def model(stage, language_model):
    return stage(language_model)


@pytest.fixture
def autoencoder(stage):
    net = Network().chain(
        image=Input(("B", 784)), enc=Linear(64, output_learnables=("weight",)), relu=ReLU(), dec=Linear(784)
    )
    it = stage(net)
    it.canvas.fit(all=True)
    return it


# Selecting.


def test_a_click_selects_and_one_beside_clears(model):
    model.click(model.body("lstm"))
    assert model.canvas.selection == {"lstm"}
    model.click(model.body("fc"))
    assert model.canvas.selection == {"fc"}
    model.click(model.empty())
    assert not model.canvas.selection
    assert not model.undo_texts()


@pytest.mark.parametrize("modifier", [SHIFT, CTRL])
def test_shift_and_control_click_add_and_take_out(model, modifier):
    model.click(model.body("lstm"))
    model.click(model.body("fc"), modifier)
    assert model.canvas.selection == {"lstm", "fc"}
    model.click(model.body("lstm"), modifier)
    assert model.canvas.selection == {"fc"}


def test_a_click_among_several_selected_selects_the_one(model):
    model.key(Qt.Key.Key_A, CTRL)
    assert model.canvas.selection == model.network.layers.keys()
    model.click(model.body("emb"))
    assert model.canvas.selection == {"emb"}


def test_the_rubber_band_selects_what_it_touches(model):
    frame = model.canvas.node("lstm").frame.united(model.canvas.node("fc").frame)
    start, end = model.at(frame.bottomLeft() + QPointF(10, 60)), model.at(frame.topRight() + QPointF(-10, 10))
    model.drag(start, end)
    assert model.canvas.selection == {"lstm", "fc"}
    model.click(model.body("emb"))
    model.drag(start, end, SHIFT)
    assert model.canvas.selection == {"emb", "lstm", "fc"}
    model.drag(start, end, CTRL)
    assert model.canvas.selection == {"emb"}


def test_escape_takes_a_rubber_band_back(model):
    model.click(model.body("emb"))
    start = model.empty()
    model.press(start)
    model.move(start, model.at(QPointF(3000, -400)))
    assert len(model.canvas.selection) == 5
    model.key(Qt.Key.Key_Escape)
    assert model.canvas.selection == {"emb"}
    model.release(start)
    model.key(Qt.Key.Key_Escape)
    assert not model.canvas.selection


def test_a_click_on_a_wire_selects_it_and_a_drag_from_it_is_a_rubber_band(model):
    model.click(model.wire("lstm/in"))
    assert model.canvas.selection == {"lstm/in"}
    start = model.wire("lstm/in")
    model.drag(start, start + QPoint(120, 90))
    assert "lstm" in model.canvas.selection
    assert not model.undo_texts()


def test_the_label_of_a_tie_selects_all_that_borrow(stage):
    net = Network().chain(x=Input(("B", 64)), a=Linear(64), b=Linear(64), c=Linear(64))
    for name in ("b", "c"):
        net = net.set(name, input_learnables=("weight",))
    net = net.set("a", output_learnables=("weight",)).connect("a/weight", "b/weight").connect("a/weight", "c/weight")
    net = net.move({"x": (0, 0), "a": (240, 0), "b": (640, 0), "c": (1040, 0)})
    it = stage(net)
    wire = it.canvas.mirror.wires[Port("b", "weight")]
    assert not wire.pill_rect().isEmpty()
    it.click(it.at(wire.pill_rect().center()))
    assert it.canvas.selection == {"b/weight", "c/weight"}
    assert it.view.dims


# Moving.


def test_a_drag_moves_on_the_grid_as_one_step(model):
    before = model.canvas.node("emb").pos()
    start = model.body("emb")
    model.drag(start, start + QPoint(41, 59))
    assert model.undo_texts() == ["Move emb"]
    x, y = model.network.positions["emb"]
    assert x % 8 == 0
    assert y % 8 == 0
    assert (x, y) != (before.x(), before.y())
    model.document.history.undo()
    assert model.canvas.node("emb").pos() == before


def test_a_drag_moves_all_that_is_selected(model):
    model.click(model.body("emb"))
    model.click(model.body("fc"), SHIFT)
    before = model.canvas.node("fc").pos()
    start = model.body("emb")
    model.drag(start, start + QPoint(0, 80))
    assert model.undo_texts() == ["Move 2 layers"]
    assert model.canvas.node("fc").pos() != before


def test_shift_keeps_a_move_on_one_axis(model):
    before = model.canvas.node("emb").pos()
    start, end = model.body("emb"), model.body("emb") + QPoint(90, 30)
    model.press(start)
    model.move(start, end)
    model.release(end, SHIFT)
    assert model.canvas.node("emb").y() == before.y()
    assert model.canvas.node("emb").x() > before.x()


def test_escape_and_the_right_button_take_a_move_back(model):
    before = model.canvas.node("emb").pos()
    start = model.body("emb")
    for cancel in (lambda: model.key(Qt.Key.Key_Escape), lambda: model.press(start, button=RIGHT)):
        model.press(start)
        model.move(start, start + QPoint(70, 70))
        assert model.canvas.node("emb").pos() != before
        cancel()
        assert model.canvas.node("emb").pos() == before
        model.release(start)
    assert not model.undo_texts()


def test_arrows_nudge_the_selection_and_else_move_the_picture(model):
    center = model.view.center
    model.key(Qt.Key.Key_Right)
    assert model.view.center.x() > center.x()
    assert not model.undo_texts()
    model.click(model.body("emb"))
    before = model.canvas.node("emb").pos()
    model.key(Qt.Key.Key_Down)
    assert model.canvas.node("emb").pos() == before + QPointF(0, 8)
    model.key(Qt.Key.Key_Left, SHIFT)
    assert model.canvas.node("emb").pos() == before + QPointF(-64, 8)


# Wiring.


def test_a_wire_is_drawn_backwards_too(model):
    model.document.edit("Cut", model.network.disconnect("fc/in"))
    model.drag(model.port("fc", "in"), model.port("lstm", "out", out=True))
    assert model.network.source_of(Port("fc", "in")) == Port("lstm", "out")
    assert model.undo_texts()[-1] == "Connect lstm to fc"


def test_a_wire_dropped_on_a_layer_takes_its_first_free_input(stage):
    net = Network().add(a=Input(("B", 8)), b=Input(("B", 8)), add=Add())
    it = stage(net.move({"a": (0, 0), "b": (0, 120), "add": (320, 40)}))
    it.drag(it.port("a", "out", out=True), it.body("add"))
    it.drag(it.port("b", "out", out=True), it.body("add"))
    assert it.network.connections == {Port("add", "0"): Port("a", "out"), Port("add", "1"): Port("b", "out")}
    assert [port.name for port in it.canvas.node("add").look.inputs] == ["0", "1", "2"]


def test_a_pulled_wire_moves_or_is_cut_and_a_click_never_cuts(model):
    wire = model.port("lstm", "in")
    model.click(wire)
    assert model.canvas.selection == {"lstm/in"}
    assert not model.undo_texts()
    model.drag(wire, model.port("fc", "in"))
    assert model.network.source_of(Port("fc", "in")) == Port("emb", "out")
    assert model.network.source_of(Port("lstm", "in")) is None
    assert len(model.undo_texts()) == 1
    end = model.port("fc", "in")
    model.drag(end, end + QPoint(-30, 140))
    assert model.network.source_of(Port("fc", "in")) is None
    assert model.undo_texts()[-1] == "Cut the wire to fc"


def test_a_pulled_wire_that_comes_back_changes_nothing(model):
    start = model.port("lstm", "in")
    model.press(start)
    model.move(start, start + QPoint(40, 60))
    model.move(start + QPoint(40, 60), start)
    model.release(start)
    assert not model.undo_texts()


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        (("lstm", "out"), ("emb", "in"), "loop"),
        (("probs", "out"), ("emb", "in"), "loop"),
    ],
)
def test_a_refusal_is_told_before_the_release_and_changes_nothing(model, source, target, says):
    start, end = model.port(*source, out=True), model.port(*target)
    model.press(start)
    model.move(start, end)
    join = model.view.gesture.join
    assert join.refused
    assert says in join.says
    assert model.canvas.node(target[0]).mark == "refused"
    model.release(end)
    assert says in model.refusals[-1]
    assert not model.undo_texts()


def test_two_outputs_refuse_each_other(model):
    model.drag(model.port("emb", "out", out=True), model.port("lstm", "out", out=True))
    assert model.refusals == ["A wire goes from an output to an input."]


# Learnables.


def test_a_switch_toggles_on_release_and_neither_selects_nor_moves(model):
    model.click(model.fold("fc"))
    switch = model.switch("fc", "bias", offers=True)
    model.press(switch)
    assert not model.network.layer("fc").output_learnables
    model.release(switch)
    assert model.network.layer("fc").output_learnables == ("bias",)
    assert model.undo_texts() == ["Offer bias of fc"]
    assert not model.canvas.selection
    model.double_click(model.switch("fc", "bias", offers=True))
    assert model.undo_texts()[1:] == ["Stop offering bias of fc", "Offer bias of fc"]
    assert model.network.layer("fc").output_learnables == ("bias",)


def test_a_press_dragged_off_a_switch_onto_nothing_only_ticks(model):
    model.click(model.fold("emb"))
    start = model.switch("emb", "weight", offers=True)
    model.drag(start, model.empty())
    assert model.undo_texts() == ["Offer weight of emb"]


def test_shift_click_switches_all_selected_layers(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8), r=ReLU())
    it = stage(net)
    it.key(Qt.Key.Key_A, CTRL)
    it.key(Qt.Key.Key_L)
    assert it.document.view.unfolded == {"a", "b"}
    it.click(it.switch("a", "weight", offers=True), SHIFT)
    assert all(it.network.layer(path).output_learnables == ("weight",) for path in ("a", "b"))
    assert it.undo_texts() == ["Offer weight of 2 layers"]


def test_switching_a_borrowed_learnable_off_keeps_its_value(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=Linear(8))
    net = net.set("a", output_learnables=("weight",)).set("b", input_learnables=("weight",))
    it = stage(net.connect("a/weight", "b/weight"))
    it.canvas.fold(["b"])
    it.click(it.switch("b", "weight", offers=False))
    assert it.undo_texts() == ["Let b own weight"]
    assert (it.network.values["b.weight"] == it.network.values["a.weight"]).all()


def test_many_learnables_are_listed_by_groups_of_names(stage):
    it = stage(Network().chain(x=Input(("B", "T", 8)), lstm=LSTM(8, num_layers=2, bidirectional=True)))
    it.click(it.fold("lstm"))
    node = it.canvas.node("lstm")
    assert [row.label for row in node.look.rows] == ["l0 · 4", "l0_reverse · 4", "l1 · 4", "l1_reverse · 4"]
    it.click(it.at(node.pos() + QPointF(60, node.form.rows + 10)))
    assert [row.label for row in node.look.rows][:5] == ["l0 · 4", "weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    it.click(it.switch("lstm", "weight_hh_l0", offers=True))
    assert node.look.rows[0].offers == Qt.CheckState.PartiallyChecked
    it.click(it.at(node.pos() + QPointF(60, node.form.rows + 10 + 20 * 5)))
    assert [row.label for row in node.look.rows][:3] == ["l0 · 4", "l0_reverse · 4", "weight_ih"]
    head = node.look.rows[0]
    it.click(it.at(node.pos() + node.switch_rect(head, True).center()))
    assert len(it.network.layer("lstm").output_learnables) == 4


def test_a_learnable_dropped_on_a_layer_switches_on_the_one_that_fits(stage, language_model):
    it = stage(language_model.set("emb", output_learnables=("weight",)))
    it.drag(it.port("emb", "weight", out=True), it.body("fc"))
    assert it.network.source_of(Port("fc", "weight")) == Port("emb", "weight")
    assert it.undo_texts() == ["Take weight of fc from emb"]
    assert it.told == ["fc takes weight from emb, saves 1.14 MiB."]


def test_a_permutation_is_inserted_where_the_shapes_ask_for_it(autoencoder):
    it = autoencoder
    start, end = it.port("enc", "weight", out=True), it.body("dec")
    it.press(start)
    it.move(start, end)
    assert it.view.gesture.join.permute == (1, 0)
    it.release(end)
    permute = it.network.layers["permute"]
    assert permute == Permute((1, 0))
    assert it.network.source_of(Port("dec", "weight")) == Port("permute", "out")
    assert it.canvas.node("permute").look.kind == "capsule"
    assert it.canvas.node("dec").look.rows[0].source == "enc"
    assert "permute" in it.network.positions
    assert not it.view.frames_in(it.canvas.node("permute").frame, it.canvas.node("permute"))
    assert len(it.undo_texts()) == 1


def test_shapes_that_no_permutation_fits_are_both_named(stage):
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64, output_learnables=("weight",)), fc=Linear(1000))
    it = stage(net)
    it.drag(it.port("enc", "weight", out=True), it.body("fc"))
    times = "\u200a×\u200a"
    assert it.refusals == [
        f"enc.weight is 64{times}784, fc.weight is 1000{times}64. No permutation of the one fits the other."
    ]
    assert not it.undo_texts()


def test_square_shapes_ask_which_of_two_is_meant(stage):
    net = Network().chain(x=Input(("B", 8)), a=Linear(8, output_learnables=("weight",)), b=Linear(8))
    it = stage(net)
    it.drag(it.port("a", "weight", out=True), it.body("b"))
    assert not it.undo_texts()
    pictures = it.canvas.choosing.pictures
    assert pictures.isVisible()
    assert [card.head for card in pictures.cards] == ["Direct", "Transposed"]
    pictures.cards[1].click()
    assert it.network.layers["permute"] == Permute((1, 0))


def test_the_folded_row_unfolds_and_leaves_the_selection(model):
    model.click(model.body("lstm"))
    model.click(model.fold("fc"))
    assert model.document.view.unfolded == {"fc"}
    assert model.canvas.selection == {"lstm"}
    model.click(model.fold("fc"))
    assert not model.document.view.unfolded
    assert not model.undo_texts()


# Deleting.


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_delete_removes_layers_and_wires(model, key):
    model.click(model.body("lstm"))
    model.key(key)
    assert "lstm" not in model.network.layers
    assert model.undo_texts() == ["Delete lstm"]
    model.click(model.wire("emb/in"))
    model.key(key)
    assert model.undo_texts()[1:] == ["Delete the wire to emb"]
    model.document.history.undo()
    model.document.history.undo()
    assert model.network.source_of(Port("lstm", "in")) == Port("emb", "out")


def test_deleting_an_owner_hands_its_learnable_over(stage, language_model):
    net = language_model.set("emb", output_learnables=("weight",)).set("fc", input_learnables=("weight",))
    it = stage(net.connect("emb/weight", "fc/weight"))
    it.click(it.title("emb"))
    it.key(Qt.Key.Key_Delete)
    assert it.network.layer("fc").owned == ("weight", "bias")
    assert it.told == ["fc now owns weight, which emb owned."]


# The camera.


def test_the_wheel_zooms_at_the_pointer(model):
    at = model.body("fc")
    kept = model.view.scene_at(QPointF(at))
    zoom = model.view.zoom
    model.wheel(at, 2)
    assert model.view.zoom == pytest.approx(zoom * 1.15**2)
    moved = model.view.scene_at(QPointF(at)) - kept
    assert abs(moved.x()) < 1
    assert abs(moved.y()) < 1
    for _ in range(60):
        model.wheel(at, -1)
    assert model.view.zoom == pytest.approx(0.02)
    for _ in range(60):
        model.wheel(at, 1)
    assert model.view.zoom == pytest.approx(4.0)


def test_the_wheel_comes_back_to_where_it_began(model):
    """A step that moved by a part of a pixel would add up, most from afar."""
    at = QPoint(317, 203)
    kept, center = model.view.scene_at(QPointF(at)), model.view.center
    for steps in (6, 10, 15, 20):
        for by in (-1, 1):
            for _ in range(steps):
                model.wheel(at, by)
                away = model.view.viewportTransform().map(kept) - QPointF(at)
                assert away.manhattanLength() <= 3
    assert (model.view.center - center).manhattanLength() < 0.01


def test_middle_space_and_right_drags_pan_over_every_target(model):
    at = model.body("fc")
    for button, space in ((MIDDLE, False), (RIGHT, False), (Qt.MouseButton.LeftButton, True)):
        center = model.view.center
        if space:
            model.view.keyPressEvent(_key(Qt.Key.Key_Space, True))
        model.drag(at, at + QPoint(50, 20), button=button)
        if space:
            model.view.keyReleaseEvent(_key(Qt.Key.Key_Space, False))
        assert model.view.center.x() == pytest.approx(center.x() - 50 / model.view.zoom)
    assert not model.canvas.selection
    assert not model.undo_texts()


def _key(key, press):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent

    kind = QEvent.Type.KeyPress if press else QEvent.Type.KeyRelease
    return QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier)


def test_a_right_click_selects_and_asks_for_a_menu(model, qtbot):
    with qtbot.waitSignal(model.view.menu_wanted) as wanted:
        model.click(model.body("fc"), button=RIGHT)
    assert wanted.args[0].node is model.canvas.node("fc")
    assert model.canvas.selection == {"fc"}


def test_fit_shows_everything_or_the_selection(model):
    model.canvas.zoom_to(0.1)
    model.key(Qt.Key.Key_Home)
    assert model.view.visible().contains(model.canvas.area())
    assert model.view.zoom <= 1
    model.click(model.body("fc"))
    model.key(Qt.Key.Key_F)
    assert model.view.visible().contains(model.canvas.node("fc").frame)
    assert model.view.zoom == pytest.approx(1.0)


def test_the_camera_stays_with_the_window(model):
    center = model.view.center
    model.window.resize(900, 620)
    assert model.view.center == center
    assert abs(model.view.scene_at(QPointF(model.view.viewport().rect().center())).x() - center.x()) < 2


# Ties shown or not.


def test_ties_are_shown_all_or_those_of_the_selection_or_off(stage, language_model):
    net = language_model.set("emb", output_learnables=("weight",)).set("fc", input_learnables=("weight",))
    it = stage(net.connect("emb/weight", "fc/weight"))
    wire = it.canvas.mirror.wires[Port("fc", "weight")]
    assert wire.drawn
    it.key(Qt.Key.Key_T)
    assert it.document.view.ties == "selected"
    assert not wire.drawn
    it.click(it.title("fc"))
    assert wire.drawn
    it.key(Qt.Key.Key_T)
    assert not wire.drawn
    assert it.canvas.node("emb").look.rows[0].target == "fc"
    it.key(Qt.Key.Key_T)
    assert wire.drawn
    assert not it.undo_texts()


# Adding.


def test_dropped_layers_get_names_of_their_own(stage):
    it = stage()
    for n, kind in enumerate(["Linear", "Linear", "Conv2d", "Conv2d", "Linear"]):
        it.drop(kind, QPoint(100 + 200 * n, 300))
    assert list(it.network.layers) == ["linear", "linear2", "conv2d", "conv2d_2", "linear3"]
    assert it.undo_texts()[1] == "Add Linear"
    x, y = it.network.positions["linear"]
    assert x % 8 == 0
    assert y % 8 == 0


@pytest.mark.parametrize("at", [QPoint(90, 60), QPoint(60, 30), QPoint(500, 400)])
def test_the_first_layer_stays_where_it_is_dropped(stage, at):
    it = stage()
    it.drop("Linear", at)
    (node,) = it.canvas.nodes()
    away = it.view.viewportTransform().map(node.pos() + HEAD) - QPointF(at)
    assert max(abs(away.x()), abs(away.y())) <= 4 + 1  # of the grid
    assert it.view.zoom == 1.0


def test_a_layer_is_added_behind_the_selected_one_and_wired(model):
    model.click(model.body("emb"))
    path = model.canvas.add(ReLU())
    assert path == "relu"
    assert model.network.source_of(Port("relu", "in")) == Port("emb", "out")
    assert model.canvas.selection == {"relu"}
    assert model.undo_texts() == ["Add ReLU"]


def test_an_empty_canvas_offers_three_inputs(stage):
    it = stage()
    start = it.canvas.frame.start
    assert start.isVisible()
    buttons = {button.name: button for button in start.children() if hasattr(button, "shape")}
    assert list(buttons) == ["Tokens", "Image", "Features"]
    buttons["Tokens"].click()
    assert it.network.layers["tokens"] == Input(("B", "T"), dtype="int64")
    assert not start.isVisible()
    it.document.history.undo()
    assert start.isVisible()


def test_a_double_click_asks_for_the_settings_of_a_layer(model, qtbot):
    with qtbot.waitSignal(model.canvas.settings_wanted) as wanted:
        model.double_click(model.body("fc"))
    assert wanted.args == ["fc"]


def test_no_menu_shortcut_or_search_of_nodegraphqt_is_left(model):
    from PySide6.QtWidgets import QMenuBar

    model.view.setFocus()
    assert all(not bar.actions() for bar in model.view.findChildren(QMenuBar))
    model.key(Qt.Key.Key_Tab)
    assert not model.view._search_widget.isVisible()
    assert model.canvas.frame.box.field.hasFocus()
    QTest.keyClick(model.canvas.frame.box.field, Qt.Key.Key_Escape)
    assert model.view.hasFocus()
    ours = {action.text() for action in model.canvas.commands.values()}
    assert {action.text() for action in model.view.actions()} == ours
