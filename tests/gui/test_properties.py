"""The properties: settings, names, switches of learnables, and what does not fit."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDesktopServices, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.gui.editors import Field, read, write
from designer.gui.forms import NetworkForm
from designer.gui.help import about, pages
from designer.gui.layer_form import LayerForm
from designer.gui.several_form import SeveralForm
from designer.gui.wire_form import WireForm
from designer.layers import LSTM, Conv2d, Input, Linear, MultiheadAttention
from designer.model import Network, Port, layer_types


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("3", int, 3),
        ("3", int | tuple[int, ...], 3),
        ("3, 5", int | tuple[int, ...], (3, 5)),
        ("(3, 5)", tuple[int, ...], (3, 5)),
        ("B, T, 300", tuple[int | str, ...], ("B", "T", 300)),
        ("", int | None, None),
        ("none", float | None, None),
        ("inf", float, float("inf")),
        ("same", int | tuple[int, ...] | str, "same"),
        ("12", str, "12"),
        ("", tuple[int, ...], ()),
    ],
)
def test_read(text, hint, value):
    assert next(read(text, hint)) == value


@pytest.mark.parametrize("value", [3, (3, 5), ("B", "T", 300), 0.1, 1e-05, "same", (1, 2, 3, 4)])
def test_what_is_written_reads_the_same(value):
    assert value in read(write(value), type(value) if not isinstance(value, tuple) else tuple[int | str, ...])


def test_a_number_is_typed(desk, tied):
    desk.open(tied)
    desk.select("lstm")
    field = desk.setting("hidden_size")
    assert field.text() == "300"
    desk.type(field, "64")
    assert desk.network.layer("lstm").hidden_size == 64
    assert desk.undo_texts() == ["Set hidden_size of lstm"]
    desk.document.history.undo()
    assert desk.setting("hidden_size").text() == "300"


def test_what_does_not_fit_is_refused_in_place(desk, tied):
    desk.open(tied)
    desk.select("lstm")
    field = desk.setting("hidden_size")
    desk.type(field, "many")
    assert desk.network is tied
    assert field.property("wrong") is True
    assert field.problem.text() == "LSTM.hidden_size must be a whole number from 1 to 65536, not 'many'."
    assert field.problem.isVisible()
    assert not desk.refusals
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "300"
    assert field.problem.isHidden()


def test_a_switch_is_clicked(desk, tied):
    desk.open(tied)
    desk.select("fc")
    desk.click(desk.setting("bias"))
    assert desk.network.layer("fc").bias is False
    assert desk.setting("bias").isChecked() is False
    assert isinstance(desk.form, LayerForm)


def test_tuples_and_choices(desk):
    desk.open(Network().chain(x=Input(("B", 3, "H", "W")), conv=Conv2d(8)))
    desk.select("conv")
    desk.type(desk.setting("kernel_size"), "3, 5")
    assert desk.network.layer("conv").kernel_size == (3, 5)
    desk.type(desk.setting("padding"), "same")
    assert desk.network.layer("conv").padding == "same"
    mode = desk.setting("padding_mode")
    mode.setFocus()
    QTest.keyClick(mode, Qt.Key.Key_Down)
    assert desk.network.layer("conv").padding_mode == "reflect"
    assert desk.undo_texts()[-1] == "Set padding_mode of conv"
    desk.select("x")
    desk.type(desk.setting("shape"), "B, 1, 28, 28")
    assert desk.network.layer("x").shape == ("B", 1, 28, 28)


def test_a_name(desk, tied):
    desk.open(tied)
    desk.select("fc")
    desk.type(desk.form.name, "head")
    assert "head" in desk.network.layers
    assert desk.document.view.selection == {"head"}
    assert desk.network.wires[Port("head", "weight")] == Port("emb", "weight")
    desk.type(desk.form.name, "emb")
    assert desk.form.name.problem.text() == "There is already a layer named 'emb'."
    QTest.keyClick(desk.form.name, Qt.Key.Key_Escape)
    desk.key(Qt.Key.Key_F2)
    assert desk.canvas.naming.hasFocus()
    assert desk.canvas.naming.text() == "head"
    QTest.keyClicks(desk.canvas.naming, "decoder")
    QTest.keyClick(desk.canvas.naming, Qt.Key.Key_Return)
    assert "decoder" in desk.network.layers


def test_sizes_that_the_wires_tell(desk, tied):
    desk.open(tied)
    for layer, wanted in (("fc", ("in_features", "300", "lstm")), ("lstm", ("input_size", "300", "emb"))):
        desk.select(layer)
        assert desk.form.shown_sizes == (wanted,)


def test_the_table_of_learnables(desk, tied):
    desk.open(tied)
    desk.select("fc")
    rows = desk.form.learnables.rows
    assert rows["weight"].takes.isChecked()
    assert not rows["weight"].offers.isChecked()
    assert rows["weight"].head.source == "emb.weight"
    assert rows["bias"].head.about.replace("\u200a", "") == "1000   owned   factor 1"
    desk.click(rows["weight"].head, QPoint(40, 20))
    assert rows["weight"].details.isVisible()
    desk.click(rows["bias"].offers)
    assert desk.network.layer("fc").output_learnables == ("bias",)
    assert desk.undo_texts() == ["Offer bias of fc"]


def test_unticking_an_input_keeps_the_value(desk, tied):
    desk.open(tied)
    desk.select("fc")
    desk.click(desk.form.learnables.rows["weight"].takes)
    desk.settle()
    assert desk.network.layer("fc").input_learnables == ()
    assert desk.document.analysis.stored == desk.document.analysis.used == 1_323_400
    values = desk.network.values
    assert bool((values["fc.weight"] == values["emb.weight"]).all())
    assert len(desk.undo_texts()) == 1


def test_unticking_an_output_unties_its_borrowers(desk, tied):
    desk.open(tied)
    desk.select("emb")
    desk.click(desk.form.learnables.rows["weight"].offers)
    desk.settle()
    assert desk.network.layer("emb").output_learnables == ()
    assert desk.network.layer("fc").input_learnables == ()
    assert len(desk.undo_texts()) == 1
    desk.document.history.undo()
    assert desk.network is tied
    assert desk.form.learnables.rows["weight"].offers.isChecked()


def test_factors_and_frozen(desk, tied):
    desk.open(tied)
    desk.select("emb")
    row = desk.form.learnables.rows["weight"]
    desk.click(row.head, QPoint(40, 20))
    desk.type(row.factor, "0.5")
    assert desk.network.layer("emb").learn_rate_factors == (("weight", 0.5),)
    desk.type(row.factor, "fast")
    assert row.factor.problem.text() == "A learn-rate factor is a number, not 'fast'."
    QTest.keyClick(row.factor, Qt.Key.Key_Escape)
    desk.click(row.frozen)
    assert desk.network.layer("emb").frozen == ("weight",)
    assert row.head.about.endswith("frozen")


def test_a_taken_learnable_without_a_wire_can_be_owned_again(desk, tied):
    desk.open(tied.disconnect("fc/weight"))
    desk.select("fc")
    row = desk.form.learnables.rows["weight"]
    assert row.head.about == "no wire is connected"
    desk.click(row.takes)
    assert desk.network.layer("fc").input_learnables == ()


def test_many_learnables_can_be_filtered(desk):
    desk.open(Network().chain(x=Input(("B", "T", 8)), lstm=LSTM(4, num_layers=2)))
    desk.select("lstm")
    QTest.keyClicks(desk.form.learnables.filter, "ih_l1")
    assert [name for name, row in desk.form.learnables.rows.items() if row.isVisible()] == [
        "weight_ih_l1",
        "bias_ih_l1",
    ]


def test_several_layers(desk):
    net = Network().chain(x=Input(("B", 8)), a=Linear(4), b=Linear(5))
    desk.open(net)
    desk.select("a", "b")
    assert isinstance(desk.form, SeveralForm)
    field = desk.setting("out_features")
    assert isinstance(field, Field)
    assert field.text() == ""
    assert field.placeholderText() == "mixed"
    desk.type(field, "7")
    assert [desk.network.layer(name).out_features for name in ("a", "b")] == [7, 7]
    assert desk.undo_texts() == ["Set out_features of 2 layers"]


def test_a_wire(desk, tied):
    desk.open(tied)
    desk.select("fc/weight")
    assert isinstance(desk.form, WireForm)
    facts = [label.full for label, _ in desk.form.lines]
    assert facts == ["none", "1000\u200a×\u200a300", "float32", "300,000, 1.14 MiB"]
    desk.select("fc/in")
    assert [label.full for label, _ in desk.form.lines] == ["B\u200a×\u200aT\u200a×\u200a300", "float32"]


def test_the_network(desk, tied):
    desk.open(tied, "language")
    assert isinstance(desk.form, NetworkForm)
    texts = [label.full for label, _ in desk.form.lines if label.isVisible()]
    assert texts == ["language", "5", "tokens", "probs", "float32", "1,023,400", "1,323,400", "300,000", "3.90 MiB"]


def test_the_note_is_kept(desk, tied):
    desk.open(tied)
    desk.window.properties.folded.discard("Note")
    desk.select("fc")
    desk.form.note.setFocus()
    QTest.keyClicks(desk.form.note, "the head")
    desk.canvas.view.setFocus()
    assert desk.network.layer("fc").note == "the head"


def test_dots_in_names_of_learnables(desk):
    desk.open(Network().chain(x=Input(("B", "T", 16)), attn=MultiheadAttention(4)))
    desk.select("attn")
    row = desk.form.learnables.rows["out_proj.weight"]
    desk.click(row.offers)
    assert desk.network.layer("attn").output_learnables == ("out_proj.weight",)


def test_numbers_step_by_keys_and_the_wheel(desk, tied):
    desk.open(tied)
    desk.select("lstm")
    field = desk.setting("hidden_size")
    _wheel(field, 120)
    assert field.text() == "300"  # only with the keyboard in it
    field.setFocus()
    for _ in range(3):
        QTest.keyClick(field, Qt.Key.Key_Up)
    _wheel(field, -120)
    QTest.keyClick(field, Qt.Key.Key_PageUp)
    assert field.text() == "312"
    assert desk.network is tied
    desk.qtbot.waitUntil(lambda: desk.network is not tied)
    assert desk.network.layer("lstm").hidden_size == 312
    assert desk.undo_texts() == ["Set hidden_size of lstm"]
    layers = desk.setting("num_layers")
    layers.setFocus()
    QTest.keyClick(layers, Qt.Key.Key_Down)
    assert layers.text() == "1"  # its least
    dropout = desk.setting("dropout")
    dropout.setFocus()
    QTest.keyClick(dropout, Qt.Key.Key_Up)
    QTest.keyClick(dropout, Qt.Key.Key_Return)
    assert desk.network.layer("lstm").dropout == 0.1


def test_a_step_is_kept_when_another_layer_is_selected_at_once(desk, tied):
    desk.open(tied)
    desk.select("lstm")
    field = desk.setting("hidden_size")
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_Up)
    desk.select("fc")
    QApplication.processEvents()
    assert desk.network.layer("lstm").hidden_size == 301
    assert desk.form.path == "fc"
    QTest.qWait(400)
    assert desk.undo_texts() == ["Set hidden_size of lstm"]


def test_the_keyboard_stays_where_it_was_when_learnables_come_and_go(desk, tied):
    desk.open(tied)
    desk.select("lstm")
    desk.type(desk.setting("num_layers"), "2")
    assert desk.network.layer("lstm").num_layers == 2
    assert desk.setting("num_layers").hasFocus()
    switch = desk.setting("bias")
    switch.setFocus()
    QTest.keyClick(switch, Qt.Key.Key_Space)
    assert desk.network.layer("lstm").bias is False
    assert desk.setting("bias").hasFocus()
    assert desk.undo_texts() == ["Set num_layers of lstm", "Set bias of lstm"]


def _wheel(widget, by):
    at = widget.rect().center()
    event = QWheelEvent(
        QPointF(at),
        QPointF(widget.mapToGlobal(at)),
        QPoint(),
        QPoint(0, by),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_what_settings_mean_is_shown_on_demand_and_links_open(desk, tied, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    desk.open(tied)
    desk.select("lstm")
    setting = desk.form.settings[0]
    assert setting.toolTip() == "Size of the hidden state.\nFrom 1 to 65,536.\nBy default 128."
    assert not setting.help.isVisible()
    _, info = desk.form.help_tools
    info.setFocus()
    QTest.keyClick(info, Qt.Key.Key_Space)
    assert setting.help.isVisible()
    assert setting.help.text() == "Size of the hidden state."
    desk.select("fc")
    assert desk.form.help.isVisible()
    assert not opened
    desk.click(desk.form.help.links[0])
    assert opened == ["https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html"]
    desk.click(desk.form.help_tools[1])
    assert not desk.form.help.isVisible()


@pytest.mark.parametrize(
    "kind", [kind for kind in layer_types.values() if kind.__doc__], ids=lambda kind: kind.__name__
)
def test_every_page_is_of_something_that_torch_has(kind):
    import torch

    assert about(kind)
    for name, address in pages(kind).items():
        assert address.startswith("https://")
        found = torch
        for part in name.split(".")[1:] if name.startswith("torch.") else []:
            found = getattr(found, part)


def test_several_of_unlike_types_share_factors_frozen_and_a_note(desk, tied):
    desk.open(tied)
    desk.window.properties.folded.discard("Note")
    desk.select("emb", "lstm")
    assert [setting.name for setting in desk.form.settings] == []
    together = desk.form.all
    desk.type(together.fields["learn_rate_factors"], "0.5")
    assert set(dict(desk.network.layer("lstm").learn_rate_factors).values()) == {0.5}
    assert dict(desk.network.layer("emb").learn_rate_factors) == {"weight": 0.5}
    desk.click(together.frozen)
    assert desk.network.layer("emb").frozen == ("weight",)
    assert desk.form.buttons["freeze"].text() == "Unfreeze"
    desk.window.activateWindow()  # a bubble at the pointer took that
    desk.qtbot.waitUntil(desk.window.isActiveWindow)
    desk.form.note.setFocus()
    QTest.keyClicks(desk.form.note, "slow")
    desk.canvas.view.setFocus()
    assert desk.network.layer("emb").note == desk.network.layer("lstm").note == "slow"
    assert desk.undo_texts() == [
        "Set learn-rate factor of 2 layers to 0.5",
        "Freeze 2 layers",
        "Note on 2 layers",
    ]
    desk.document.edit("Other", desk.network.set("emb", learn_rate_factors=()))
    assert together.fields["learn_rate_factors"].placeholderText() == "mixed"


def test_buttons_for_several(desk):
    desk.open(Network().chain(x=Input(("B", 8)), a=Linear(8, bias=False), b=Linear(8)))
    desk.select("a", "b")
    switch = next(setting for setting in desk.form.settings if setting.name == "bias")
    assert switch.mixed.isVisible()
    desk.click(switch.editor)
    assert [desk.network.layer(name).bias for name in ("a", "b")] == [True, True]
    assert not switch.mixed.isVisible()
    desk.click(desk.form.buttons["freeze"])
    assert desk.network.layer("a").frozen == desk.network.layer("b").frozen == ("weight", "bias")
    desk.click(desk.form.buttons["group"])
    assert desk.document.view.selection == {"block"}
    desk.settle()
    facts = [label.full for label, _ in desk.form.lines][:5]
    assert facts == ["2", "x", "b_out", "none", "144"]
    assert len(desk.undo_texts()) == 3


def test_a_borrowed_learnable_across_the_border_of_a_group(desk, tied):
    from designer import group

    desk.open(group(tied, ("lstm", "fc"), "block"))
    desk.select("block")
    assert desk.form._crossing() == "1 in, 0 out"
