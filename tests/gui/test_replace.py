"""The small panels that replace a layer and transfer a head: what they ask, refuse and do."""

import pytest
import torch
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer import initialize, tie
from designer.gui.card import Card
from designer.gui.replace import ReplaceCard, TransferCard
from designer.layers import LSTM, Input, Linear
from designer.model import Network, Port

CTRL = Qt.KeyboardModifier.ControlModifier


def card(desk):
    (made,) = [found for found in desk.window.stack.findChildren(Card) if not found.gone]
    return made


def setting(asked, name):
    return next(setting.editor for setting in asked.settings if setting.name == name)


def fill(field, text):
    """Type over what stands in a field, and leave it."""
    field.window().activateWindow()  # without a window manager, a bubble or a list takes that
    QApplication.processEvents()
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Tab)
    QApplication.processEvents()


def choose(desk, asked, text):
    line = asked.types.lineEdit()
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text)
    popup = asked.types.completer().popup()
    popup.hide()
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert not asked.gone
    QApplication.processEvents()


@pytest.fixture
def plain(tied):
    return tied.set("fc", input_learnables=()).set("emb", output_learnables=())


def test_replace(desk, plain):
    desk.open(plain)
    desk.select("fc")
    desk.key(Qt.Key.Key_R, CTRL)
    asked = card(desk)
    assert isinstance(asked, ReplaceCard)
    assert asked.types.currentText() == "Linear"
    assert setting(asked, "out_features").text() == "1000"
    fill(asked.name, "fcNew")
    fill(setting(asked, "out_features"), "15")
    fill(asked.factor_fields["weight"], "10")
    fill(asked.factor_fields["bias"], "10")
    desk.window.activateWindow()
    desk.click(asked.ok)
    desk.settle()
    layer = desk.network.layer("fcNew")
    assert layer == Linear(15, learn_rate_factors=(("weight", 10.0), ("bias", 10.0)))
    assert desk.undo_texts() == ["Replace fc by fcNew"]
    assert desk.document.view.selection == {"fcNew"}
    assert desk.network.wires[Port("probs", "in")] == Port("fcNew", "out")
    assert desk.document.analysis.stored == 1_026_915
    assert desk.told[-1] == "fcNew is in the place of fc."
    assert desk.window.focusWidget() is desk.canvas.view
    desk.document.history.undo()
    assert desk.network is plain


def test_replace_by_another_type_and_values_that_no_longer_fit(desk, plain):
    net = initialize(plain)
    desk.open(net)
    desk.select("lstm")
    desk.key(Qt.Key.Key_R, CTRL)
    asked = card(desk)
    choose(desk, asked, "dense")
    assert asked.types.currentText() == "Linear"
    assert set(asked.factor_fields) == {"weight", "bias"}
    fill(setting(asked, "out_features"), "300")
    desk.click(setting(asked, "bias"))
    assert set(asked.factor_fields) == {"weight"}
    desk.click(asked.ok)
    desk.settle()
    assert desk.network.layer("lstm") == Linear(300, bias=False)
    assert desk.undo_texts() == ["Replace lstm by Linear"]
    assert not any(key.startswith("lstm.") for key in desk.network.values)
    desk.select("fc")
    desk.key(Qt.Key.Key_R, CTRL)
    fill(setting(card(desk), "out_features"), "15")
    desk.click(card(desk).ok)
    desk.settle()
    assert desk.told[-1] == "fc is in the place of fc. weight, bias of fc begin anew."
    assert not desk.document.analysis.problems
    assert torch.equal(desk.network.values["emb.weight"], net.values["emb.weight"])


def test_what_does_not_fit_is_refused_in_place(desk, plain):
    desk.open(plain)
    desk.select("fc")
    desk.key(Qt.Key.Key_R, CTRL)
    asked = card(desk)
    for name, problem in (
        ("lstm", "There is already a layer named 'lstm'."),
        ("class", "'class' cannot be the name of a layer."),
    ):
        fill(asked.name, name)
        assert asked.name.problem.text() == problem
        desk.click(asked.ok)
        assert desk.network is plain
    fill(asked.name, "fc")
    fill(asked.factor_fields["bias"], "fast")
    assert asked.factor_fields["bias"].problem.text() == "A learn-rate factor is a number, not 'fast'."
    fill(asked.factor_fields["bias"], "-1")
    assert asked.factor_fields["bias"].problem.text() == "A learn-rate factor is from 0 to 1,000,000, not -1."
    fill(asked.factor_fields["bias"], "1")
    fill(setting(asked, "out_features"), "many")
    assert setting(asked, "out_features").problem.isVisible()
    fill(setting(asked, "out_features"), "7")
    choose(desk, asked, "qqq")
    assert asked.problem.text() == "No layer is called qqq."
    desk.click(asked.ok)
    assert desk.network is plain
    assert not desk.refusals
    QTest.keyClick(asked, Qt.Key.Key_Escape)
    assert asked.gone
    assert desk.network is plain


def test_it_goes_with_its_layer(desk, plain):
    desk.open(plain)
    desk.select("fc")
    desk.key(Qt.Key.Key_R, CTRL)
    asked = card(desk)
    desk.document.attempt("Delete fc", lambda net: net.remove("fc"))
    assert asked.gone
    desk.select()
    desk.key(Qt.Key.Key_R, CTRL)
    assert desk.refusals == ["Select one layer to replace it."]


def test_transfer_in_one_step(desk, tied):
    desk.open(initialize(tied))
    before = desk.network
    desk.select("fc")
    desk.window.actions_by_name["transfer"].trigger()
    asked = card(desk)
    assert isinstance(asked, TransferCard)
    assert asked.name.text() == "fcNew"
    assert [field.text() for field in asked.factor_fields.values()] == ["10", "10"]
    desk.type(asked.count, "15")  # Enter does it
    desk.settle()
    assert desk.undo_texts() == ["Transfer fc to fcNew"]
    assert desk.told[-1] == "fcNew has 15 outputs; its tie to emb is cut; learn-rate factor 10."
    assert desk.network.layer("fcNew") == Linear(15, learn_rate_factors=(("weight", 10.0), ("bias", 10.0)))
    assert desk.network.layer("emb").output_learnables == ()
    assert desk.document.analysis.stored == desk.document.analysis.used == 1_026_915
    assert desk.network.values["emb.weight"] is before.values["emb.weight"]
    desk.document.history.undo()
    assert desk.network is before


def test_transfer_is_refused_in_place(desk):
    net = tie(Network().chain(x=Input(("B", 8)), a=Linear(8), b=LSTM(3)), "a/bias", "b/bias_ih_l0", permute=())
    desk.open(net)
    desk.select("a")
    desk.window.actions_by_name["transfer"].trigger()
    asked = card(desk)
    desk.click(asked.ok)
    assert desk.network is net
    assert asked.problem.text() == "b borrows the bias of a: untie that first."
    assert asked.problem.isVisible()
    assert not desk.refusals
    fill(asked.count, "x")
    assert asked.count.problem.text() == "Linear.out_features must be a whole number of at least 1, not 'x'."
    desk.select("x")
    desk.window.actions_by_name["transfer"].trigger()
    assert desk.refusals == ["x has no learnables, so there is nothing to transfer."]
    assert asked.gone


def test_tab_goes_round_in_the_panel_and_return_presses_its_buttons(desk, tied):
    desk.open(tied)
    desk.select("fc")
    desk.window.actions_by_name["transfer"].trigger()
    asked = card(desk)
    passed = []
    for key, count in ((Qt.Key.Key_Tab, 7), (Qt.Key.Key_Backtab, 3)):
        for _ in range(count):
            QTest.keyClick(QApplication.focusWidget(), key)
            passed.append(QApplication.focusWidget().accessibleName())
    factors = ["Learn-rate factor of weight", "Learn-rate factor of bias"]
    assert passed == [
        *factors,
        "Cancel",
        "Transfer",
        "Close  Esc",
        "Name",
        "out_features",
        "Name",
        "Close  Esc",
        "Transfer",
    ]
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Backtab)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert asked.gone
    assert desk.network is tied


@pytest.mark.parametrize(
    ("size", "at", "side"),
    [((1920, 1200), (0.4, 0.4), "behind"), ((1920, 1200), (0.9, 0.2), "below"), ((1280, 720), (0.9, 0.5), "before")],
    ids=["behind", "below", "before"],
)
def test_the_panel_stands_beside_its_layer(desk, plain, size, at, side):
    """Where there is room: behind it, else below, else before."""
    desk.window.resize(*size)
    desk.open(plain)
    desk.select("fc")
    view = desk.window.canvas.view
    frame, room = desk.window.canvas.node("fc").frame, view.viewport().size()
    view.set_camera(frame.center() + QPointF(room.width() * (0.5 - at[0]), room.height() * (0.5 - at[1])), 1.0)
    QApplication.processEvents()
    desk.key(Qt.Key.Key_R, CTRL)
    corner = view.viewportTransform().mapRect(frame).topLeft().toPoint()
    there = QRectF(desk.window.stack.mapFromGlobal(view.viewport().mapToGlobal(corner)), frame.size())
    panel = QRectF(card(desk).geometry())
    assert not panel.intersects(there)
    found = "behind" if panel.left() > there.right() else "below" if panel.top() > there.bottom() else "before"
    assert found == side
    card(desk).close()
