"""The switches of learnables without a mouse: L, arrows, Space, Enter, Escape."""

import pytest
from PySide6.QtCore import QPointF, Qt

from designer.gui import theme
from designer.layers import LSTM, Input, Linear, ReLU
from designer.model import Network

L, SPACE, ESCAPE = Qt.Key.Key_L, Qt.Key.Key_Space, Qt.Key.Key_Escape
UP, DOWN, LEFT, RIGHT = Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right


@pytest.fixture
def it(stage, language_model):
    made = stage(language_model)
    made.click(made.title("fc"))
    return made


def where(it):
    switching = it.canvas.switching
    return switching.path, switching.names, switching.offers


def test_l_unfolds_and_goes_to_the_first_switch(it):
    it.key(L)
    assert it.document.view.unfolded == {"fc"}
    assert where(it) == ("fc", ("weight",), False)
    it.key(L)
    assert not it.document.view.unfolded
    assert not it.canvas.switching.on


def test_arrows_go_by_rows_and_columns_and_space_toggles(it):
    at = it.canvas.node("fc").pos()
    it.key(L)
    it.key(RIGHT)
    it.key(DOWN)
    assert where(it) == ("fc", ("bias",), True)
    it.key(DOWN)
    it.key(RIGHT)
    assert where(it) == ("fc", ("bias",), True)  # there is no further one
    it.key(SPACE)
    assert it.network.layer("fc").output_learnables == ("bias",)
    it.key(LEFT)
    it.key(UP)
    it.key(SPACE)
    assert it.network.layer("fc").input_learnables == ("weight",)
    assert where(it) == ("fc", ("weight",), False)
    it.key(SPACE)
    assert it.network.layer("fc").input_learnables == ()
    assert it.undo_texts() == ["Offer bias of fc", "Take weight of fc from a wire", "Let fc own weight"]
    assert it.canvas.node("fc").pos() == at  # no arrow has nudged it
    assert not it.view.space


def test_escape_gives_the_arrows_and_space_back(it):
    at = it.canvas.node("fc").pos()
    it.key(L)
    it.key(ESCAPE)
    assert not it.canvas.switching.on
    assert it.canvas.selection == {"fc"}
    it.key(DOWN)
    assert it.canvas.node("fc").pos() == at + QPointF(0, 8)
    it.key(ESCAPE)
    assert not it.canvas.selection


def test_another_selection_a_fold_by_mouse_and_undo_leave_no_switch_behind(it):
    it.key(L)
    it.click(it.body("emb"))
    assert not it.canvas.switching.on
    it.click(it.title("fc"))
    it.key(L)
    it.key(L)
    assert it.canvas.switching.on
    it.click(it.fold("fc"))
    assert not it.canvas.switching.on
    it.key(L)
    it.document.edit("Delete", it.network.remove("fc"))
    assert not it.canvas.switching.on


def test_a_group_of_names_is_toggled_by_space_and_opened_by_enter(stage):
    it = stage(Network().chain(x=Input(("B", "T", 8)), lstm=LSTM(8, num_layers=2, bidirectional=True)))
    it.canvas.select({"lstm"})
    it.key(L)
    it.key(DOWN)
    it.key(SPACE)
    assert len(it.network.layer("lstm").input_learnables) == 4
    it.key(SPACE)
    it.key(Qt.Key.Key_Return)
    it.key(DOWN)
    it.key(RIGHT)
    it.key(SPACE)
    assert it.network.layer("lstm").output_learnables == ("weight_ih_l0_reverse",)
    it.key(UP)
    it.key(Qt.Key.Key_Return)
    assert [row.head for row in it.canvas.node("lstm").look.rows] == [True] * 4
    assert it.canvas.switching.on


def test_layers_without_switches_are_told_so(stage):
    it = stage(Network().chain(x=Input(("B", 8)), r=ReLU(), a=Linear(8)))
    it.canvas.select({"r"})
    it.key(L)
    assert it.refusals == ["Select a layer with learnables first."]
    it.canvas.select({"r", "a"})
    it.key(L)
    assert where(it) == ("a", ("weight",), False)


@pytest.mark.parametrize("colors", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_a_ring_shows_which_switch_it_is(it, qapp, colors):
    theme.apply(qapp, colors)
    it.key(L)
    node = it.canvas.node("fc")
    place = it.at(node.pos() + node.switch_rect(node.look.rows[0], False).center() + QPointF(9, 0))
    assert it.view.viewport().grab().toImage().pixelColor(place) == colors.focus
    it.key(ESCAPE)
    assert it.view.viewport().grab().toImage().pixelColor(place) != colors.focus
    theme.apply(qapp, theme.DARK)


def test_switches_that_are_too_far_off_to_be_seen_are_brought_near(it):
    it.view.set_camera(it.canvas.node("fc").frame.center(), 0.5)
    it.canvas.select({"fc"})
    it.key(Qt.Key.Key_L)
    assert it.view.zoom == pytest.approx(0.7)
    assert it.view.visible().contains(it.canvas.node("fc").frame)
    it.view.set_camera(it.canvas.node("fc").frame.center() + QPointF(5000, 0), 0.5)
    it.key(Qt.Key.Key_Down)
    assert it.view.zoom == pytest.approx(0.7)
    assert it.view.visible().contains(it.canvas.node("fc").frame)


def test_a_click_where_a_switch_would_be_drawn_from_nearer_toggles_nothing(it):
    it.document.look(unfolded=frozenset({"fc"}), selection=frozenset())
    network = it.network
    it.view.set_camera(it.canvas.node("fc").frame.center(), 0.6)
    it.click(it.switch("fc", "bias", offers=False))
    assert it.network is network
    assert it.document.view.selection == {"fc"}
    it.view.set_camera(it.canvas.node("fc").frame.center(), 0.7)
    it.click(it.switch("fc", "bias", offers=False))
    assert it.network.layer("fc").input_learnables == ("bias",)
