"""The learnables of a layer in the properties: rows, groups, values, ties, by mouse and keyboard."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton

from designer import initialize, save, tie
from designer.files.stored import TAKEN
from designer.files.values_file import content_hash, written
from designer.gui.choosing import Chooser
from designer.gui.taking import list_file
from designer.layers import LSTM, Input, Linear, Parameter
from designer.model import Network, Port


@pytest.fixture
def coder():
    return Network().chain(x=Input(("B", 12)), enc=Linear(5), dec=Linear(12))


class Hand:
    """What a user does in the rows of one layer."""

    def __init__(self, desk, path):
        self.desk = desk
        desk.select(path)

    @property
    def table(self):
        return self.desk.form.learnables

    def row(self, name):
        """Give a row, opened, after it was scrolled into view."""
        made = self.table.rows[name]
        if not made.head.open:
            self.desk.window.properties.area.ensureWidgetVisible(made.head)
            self.desk.click(made.head, QPoint(60, 12))
        return made

    def press(self, name, text):
        """Click a button of an opened row."""
        buttons = self.row(name).details.findChildren(QPushButton)
        button = next(button for button in buttons if text in (button.text(), button.accessibleName()))
        self.desk.window.properties.area.ensureWidgetVisible(button)
        self.desk.click(button)

    @property
    def chooser(self):
        return next((found for found in self.desk.window.findChildren(Chooser) if found.isVisible()), None)

    def listed(self):
        return [(entry.text, entry.detail.replace("\u200a", "")) for entry in self.chooser.shown]

    def take(self, line):
        """Click a line of the list that is open."""
        shown = self.chooser.list
        self.desk.click(shown.viewport(), shown.visualItemRect(shown.item(line)).center())
        self.settle()

    def settle(self):
        self.desk.qtbot.waitUntil(lambda: not self.desk.document.waiting, timeout=20_000)
        self.desk.settle()


def test_take_values_lists_what_fits_and_takes_them(desk, tied):
    desk.open(initialize(tied.disconnect("fc/weight").set("fc", input_learnables=())))
    before = desk.network
    hand = Hand(desk, "fc")
    hand.press("weight", "Take values from…")
    assert hand.listed() == [("emb.weight", "1000×300, directly")]
    hand.take(0)
    assert desk.undo_texts() == ["Take values of fc.weight from emb.weight"]
    assert desk.told[-1] == "fc.weight owns a copy of emb.weight."
    assert torch.equal(desk.network.values["fc.weight"], before.values["emb.weight"])
    assert hand.row("weight").values.full == "copied from emb.weight"
    assert hand.row("bias").values.full == "initialised"
    desk.document.history.undo()
    assert desk.network is before


def test_permuted_ones_are_listed_with_their_order_and_chosen_by_keys(desk, coder):
    desk.open(coder)
    hand = Hand(desk, "dec")
    hand.press("weight", "Take values from…")
    assert hand.listed() == [("enc.weight", "5×12, by Permute 1, 0")]
    QTest.keyClicks(hand.chooser.field, "permute")
    QTest.keyClick(hand.chooser.field, Qt.Key.Key_Return)
    hand.settle()
    values = desk.network.values
    assert torch.equal(values["dec.weight"], values["enc.weight"].T)


def test_a_filter_that_finds_nothing_and_escape(desk, coder):
    desk.open(coder)
    hand = Hand(desk, "dec")
    hand.press("weight", "Take values from…")
    QTest.keyClicks(hand.chooser.field, "zzz")
    assert hand.chooser.list.count() == 0
    assert hand.chooser.more.text() == "Nothing fits what was typed."
    QTest.keyClick(hand.chooser.field, Qt.Key.Key_Return)
    QTest.keyClick(hand.chooser.field, Qt.Key.Key_Escape)
    assert hand.chooser is None
    assert desk.network is coder


def test_a_borrower_is_untied_first_and_says_so(desk, tied):
    desk.open(tied)
    hand = Hand(desk, "fc")
    hand.press("weight", "Take values from…")
    assert any(
        "fc.weight is untied first" in label.text() for label in hand.chooser.findChildren(type(hand.chooser.more))
    )
    hand.take(0)
    assert desk.undo_texts() == ["Take values of fc.weight from emb.weight"]
    assert desk.network.layer("fc").input_learnables == ()
    assert desk.document.analysis.saved == 0
    assert torch.equal(desk.network.values["fc.weight"], desk.network.values["emb.weight"])


def test_nothing_fits(desk, tied):
    desk.open(tied)
    hand = Hand(desk, "fc")
    hand.press("bias", "Take values from…")
    assert hand.chooser is None
    assert desk.refusals == ["No other learnable fits fc.bias, which is 1000."]


def test_tie_to(desk, coder):
    desk.open(coder)
    hand = Hand(desk, "dec")
    hand.press("weight", "Tie to…")
    assert hand.listed() == [("enc.weight", "5×12, by Permute 1, 0, saves 60")]
    hand.take(0)
    assert desk.undo_texts() == ["Take weight of dec from enc"]
    assert desk.document.analysis.saved == 60
    assert desk.form.learnables.rows["weight"].head.source == "enc.weight"


def test_untie_and_change_owner(desk, tied):
    desk.open(initialize(tied))
    before = desk.network
    hand = Hand(desk, "fc")
    hand.press("weight", "Change owner")
    hand.settle()
    assert desk.undo_texts() == ["Let fc own weight for all"]
    assert desk.network.source_of(Port("emb", "weight")) == Port("fc", "weight")
    assert desk.network.values["fc.weight"] is before.values["emb.weight"]
    desk.document.history.undo()
    hand.press("weight", "Untie")
    hand.settle()
    assert desk.undo_texts() == ["Untie fc"]
    assert desk.document.analysis.stored == desk.document.analysis.used


def test_the_owner_is_a_link(desk, tied):
    desk.open(tied)
    row = Hand(desk, "fc").table.rows["weight"]
    desk.click(row.head, QPoint(60, 33))
    assert desk.document.view.selection == {"emb"}


def test_initialise_again(desk, coder):
    desk.open(initialize(coder))
    before = desk.network.values["dec.weight"]
    Hand(desk, "dec").press("weight", "Initialise again")
    desk.qtbot.waitUntil(lambda: not desk.document.waiting, timeout=20_000)
    assert desk.undo_texts() == ["Initialise dec.weight again"]
    assert not torch.equal(desk.network.values["dec.weight"], before)


def test_statistics_are_counted_on_demand(desk, coder):
    desk.open(coder.with_values({"dec.weight": torch.arange(60.0).reshape(12, 5)}))
    hand = Hand(desk, "dec")
    row = hand.row("weight")
    assert row.values.full == "edited"
    assert not row.numbers.isVisible()
    desk.click(row.count)
    desk.qtbot.waitUntil(row.numbers.isVisible, timeout=20_000)
    assert row.numbers.text() == "mean 29.5, std 17.32\nmin 0, max 59"
    desk.document.edit("Other", desk.network.with_values({"dec.weight": torch.zeros(12, 5)}))
    assert not row.numbers.isVisible()
    assert row.count.isVisible()
    bias = hand.row("bias")
    assert bias.values.full == "not made yet"
    assert not bias.count.isVisible()


def test_statistics_of_what_is_gone_are_dropped(desk, coder):
    desk.open(initialize(coder))
    row = Hand(desk, "dec").row("weight")
    row.count.click()
    desk.document.edit("Other", desk.network.with_values({"dec.weight": torch.zeros(12, 5)}))
    QTest.qWait(300)
    assert not row.numbers.isVisible()


def test_what_comes_after_another_layer_was_selected_is_dropped(desk, coder, tmp_path):
    desk.open(initialize(coder))
    save(desk.network, tmp_path / "same.network")
    row = Hand(desk, "dec").row("weight")
    row.count.click()
    list_file(desk.document, row.port, row.head, tmp_path / "same.network")
    desk.select("enc")
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QTest.qWait(500)
    assert desk.form.path == "enc"
    assert not desk.window.findChildren(Chooser)


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
def test_values_from_a_file(desk, coder, tmp_path, monkeypatch, ending):
    file = tmp_path / f"weights.{ending}"
    held = {"other": torch.zeros(3), "net.weight": torch.arange(60.0).reshape(5, 12)}
    if ending == "npz":
        np.savez_compressed(file, **{name: value.numpy() for name, value in held.items()})
    else:
        file.write_bytes(b"".join(written(held, content_hash(held))))
    desk.open(coder)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    hand = Hand(desk, "dec")
    hand.press("weight", "Take values from a file")
    desk.qtbot.waitUntil(lambda: hand.chooser is not None, timeout=20_000)
    assert hand.listed() == [("net.weight", "5×12, by Permute 1, 0")]
    hand.take(0)
    assert torch.equal(desk.network.values["dec.weight"], held["net.weight"].T)
    assert desk.undo_texts() == [f"Take values of dec.weight from weights.{ending}"]
    assert hand.row("weight").values.full == f"copied from net.weight of weights.{ending}"


def test_files_without_what_fits(desk, coder, tmp_path):
    desk.open(coder)
    path = tmp_path / "other.network"
    save(initialize(Network().chain(x=Input(("B", 7)), fc=Linear(3))), path)
    (tmp_path / "notes.txt").write_text("nothing")
    for name in ("other.network", "notes.txt"):
        list_file(desk.document, Port("dec", "weight"), desk.form, tmp_path / name)
        count = len(desk.refusals)
        desk.qtbot.waitUntil(lambda count=count: len(desk.refusals) > count, timeout=20_000)
    assert desk.refusals == [
        "other.network holds 2 tensors, and none fits dec.weight, which is 12\u200a×\u200a5.",
        f"Values can be taken from {TAKEN} and .network files, and notes.txt is none.",
    ]


def test_many_are_grouped(desk):
    desk.open(Network().chain(x=Input(("B", "T", 8)), lstm=LSTM(4, num_layers=2, bidirectional=True)))
    hand = Hand(desk, "lstm")
    table = hand.table
    assert list(table.groups) == ["l0", "l0_reverse", "l1", "l1_reverse"]
    assert table.rows == {}
    desk.click(table.groups["l0_reverse"].head)
    assert [name for name, row in table.rows.items() if row.isVisible()] == [
        f"{kind}_l0_reverse" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert table.rows["weight_ih_l0_reverse"].head.name == "weight_ih"
    desk.click(table.groups["l0_reverse"].head)
    assert not any(row.isVisible() for row in table.rows.values())


def test_the_box_of_a_group_has_three_states(desk):
    desk.open(Network().chain(x=Input(("B", "T", 8)), lstm=LSTM(4, num_layers=2)))
    hand = Hand(desk, "lstm")
    group = hand.table.groups["l1"]
    desk.click(group.offers)
    assert desk.undo_texts() == ["Offer 4 learnables of lstm"]
    assert len(desk.network.layer("lstm").output_learnables) == 4
    assert group.offers.isChecked()
    desk.click(group.head)
    desk.click(hand.table.rows["bias_hh_l1"].offers)
    assert group.offers.partial
    assert group.offers.accessibleDescription() == "some of 4"
    desk.click(group.offers)
    assert group.offers.isChecked()
    desk.click(group.offers)
    assert desk.network.layer("lstm").output_learnables == ()


def test_a_row_by_keyboard(desk, coder):
    desk.open(coder)
    row = Hand(desk, "dec").table.rows["weight"]
    row.head.setFocus()
    QTest.keyClick(row.head, Qt.Key.Key_Space)
    assert row.details.isVisible()
    row.offers.setFocus()
    QTest.keyClick(row.offers, Qt.Key.Key_Space)
    assert desk.network.layer("dec").output_learnables == ("weight",)


def test_a_free_parameter_cannot_be_tied(desk):
    desk.open(Network().add(scale=Parameter((3,))))
    row = Hand(desk, "scale").row("value")
    shown = [button.text() for button in row.details.findChildren(QPushButton) if button.isVisible()]
    assert "Tie to…" not in shown
    assert not row.takes.isEnabled()


def test_an_edit_meanwhile_drops_the_late_one(desk, tied):
    desk.open(tied)
    hand = Hand(desk, "fc")
    hand.press("weight", "Take values from…")
    hand.chooser.shown[0].act()
    desk.document.edit("Set bias of fc", desk.network.set("fc", bias=False))
    hand.settle()
    assert desk.undo_texts() == ["Set bias of fc"]
    assert desk.refusals[-1].startswith("Not done, since the network was changed meanwhile")


def test_a_tie_shows_owner_and_borrowers(desk, coder):
    net = tie(coder.add(more=Linear(12)).connect("enc", "more"), "enc/weight", "dec/weight")
    net = net.set("more", input_learnables=("weight",)).connect("permute/out", "more/weight")
    desk.open(net)
    desk.select("permute/in")
    facts = [label.full for label, _ in desk.form.lines]
    assert facts == ["1, 0", "5\u200a×\u200a12", "float32", "120, 480 B"]
    links = [button.text() for button in desk.form.findChildren(QPushButton) if button.objectName() == "link"]
    assert links == ["enc.weight", "dec.weight", "more.weight"]
    desk.click(next(button for button in desk.form.findChildren(QPushButton) if button.text() == "Untie"))
    desk.qtbot.waitUntil(lambda: not desk.document.waiting, timeout=20_000)
    assert desk.network.layer("dec").input_learnables == desk.network.layer("more").input_learnables == ()
    assert len(desk.undo_texts()) == 1
