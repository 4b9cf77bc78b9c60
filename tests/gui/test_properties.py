"""The properties: settings, names, switches of learnables, and what does not fit."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from designer.gui.editors import Field, read, write
from designer.gui.forms import NetworkForm
from designer.gui.layer_form import LayerForm
from designer.gui.several_form import SeveralForm
from designer.gui.wire_form import WireForm
from designer.layers import LSTM, Conv2d, Input, Linear, MultiheadAttention
from designer.model import Network, Port


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
    mode.activated.emit(mode.findText("circular"))
    assert desk.network.layer("conv").padding_mode == "circular"
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
    assert desk.form.name.hasFocus()


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
    texts = [label.full for label, _ in desk.form.lines]
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
