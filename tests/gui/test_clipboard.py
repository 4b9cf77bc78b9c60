"""Cut, copy, paste and duplicate with the keys, within a window, between two, and from and to any text."""

import json

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QClipboard
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer import group, initialize, tie, ungroup
from designer.files.part import read_part
from designer.gui import clipboard
from designer.layers import Input, Linear
from designer.model import Network, Port

CONTROL = Qt.KeyboardModifier.ControlModifier
LAYERS = clipboard.LAYERS


@pytest.fixture(autouse=True)
def empty_clipboard(qapp):
    QApplication.clipboard().clear()
    yield
    QApplication.clipboard().clear()


@pytest.fixture
def copied(desk, tied, qtbot):
    """Copy fc and probs of the tied network, with the pointer outside of the canvas."""
    desk.open(initialize(tied))
    away(desk)
    desk.select("fc", "probs", "fc/in")
    desk.key(Qt.Key.Key_C, CONTROL)
    qtbot.waitUntil(lambda: desk.window.session.copied[1] is not None)
    assert desk.told[-1] == "Copied 2 layers."
    return desk


def away(desk):
    QTest.mouseMove(desk.window.bar, QPoint(3, 3))
    QApplication.processEvents()


def text_of(desk):
    return QApplication.clipboard().mimeData().text()


def test_what_is_copied_is_the_text_of_a_project(copied):
    data = QApplication.clipboard().mimeData()
    assert bytes(data.data(LAYERS).data()).decode() == data.text()
    document = json.loads(data.text())
    assert list(document)[:3] == ["format", "version", "layers"]
    assert document["wires"][-1] == "fc/out -> probs/in"
    assert list(document["layers"]) == ["fc", "probs", "emb"]
    part, left = read_part(data.text())
    assert (part.lenders, left) == ({"emb": "emb"}, 0)
    assert copied.undo_texts() == []


def test_pasting_stands_a_little_beside_and_borrows_again(copied):
    before = {path: copied.canvas.node(path).pos() for path in ("fc", "probs")}
    copied.key(Qt.Key.Key_V, CONTROL)
    assert copied.undo_texts() == ["Paste 2 layers"]
    assert copied.document.view.selection == {"fc2", "probs2"}
    assert copied.told[-1] == "Pasted 2 layers."
    assert copied.network.source_of(Port("fc2", "weight")) == Port("emb", "weight")
    assert copied.canvas.node("fc2").pos() == before["fc"] + QPointF(24, 24)
    copied.key(Qt.Key.Key_V, CONTROL)
    assert copied.canvas.node("fc3").pos() == before["fc"] + QPointF(48, 48)
    copied.key(Qt.Key.Key_Z, CONTROL)
    copied.key(Qt.Key.Key_Z, CONTROL)
    assert set(copied.network.layers) == {"tokens", "emb", "lstm", "fc", "probs"}


def test_pasting_lands_at_the_pointer(copied):
    view = copied.canvas.view.viewport()
    QTest.mouseMove(view, QPoint(300, 200))
    QApplication.processEvents()
    wanted = copied.canvas.view.scene_at(QPointF(300, 200))
    copied.key(Qt.Key.Key_V, CONTROL)
    fc, probs = (copied.canvas.node(path).pos() for path in ("fc2", "probs2"))
    middle = (fc + probs) / 2 + QPointF(84, 22)
    assert (middle - wanted).manhattanLength() <= 8
    assert probs - fc == copied.canvas.node("probs").pos() - copied.canvas.node("fc").pos()


def test_pasting_into_another_window_keeps_the_values(copied, qtbot):
    other = copied.window.another()
    other.show_network(Network(), "untitled")
    told = []
    other.document.told.connect(told.append)
    other.canvas.view.setFocus()
    other.actions_by_name["paste"].trigger()
    qtbot.waitUntil(lambda: len(other.document.network.layers) == 2)
    network = other.document.network
    assert network.layers["fc"] == Linear(1000)
    assert network.values["fc.weight"].equal(copied.network.values["emb.weight"])
    assert told == ["Pasted 2 layers. fc owns its weight: there is no emb here."]
    assert other.document.view.selection == {"fc", "probs"}


def test_text_that_was_copied_elsewhere_is_read_as_a_file_is(copied, qtbot):
    document = json.loads(text_of(copied))
    del document["part"]["values"]
    text = json.dumps(document)
    QApplication.clipboard().setText(text.replace('"fc"', '"head"').replace("fc/", "head/"))
    copied.key(Qt.Key.Key_V, CONTROL)
    qtbot.waitUntil(lambda: "head" in copied.network.layers)
    assert copied.undo_texts() == ["Paste 2 layers"]
    QApplication.clipboard().setText(text.replace('"Linear"', '"Popen"'))
    copied.key(Qt.Key.Key_V, CONTROL)
    qtbot.waitUntil(lambda: bool(copied.refusals))
    assert copied.refusals == ["What was copied cannot be pasted: layer 'fc' has the unknown type 'Popen'."]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Dear all,", "What was copied cannot be pasted: it holds no layers of Network Designer."),
        ("", "There is nothing on the clipboard that could be pasted."),
    ],
)
def test_foreign_text_is_refused_in_a_sentence(desk, tied, qtbot, text, sentence):
    desk.open(tied)
    QApplication.clipboard().setText(text)
    desk.key(Qt.Key.Key_V, CONTROL)
    qtbot.waitUntil(lambda: bool(desk.refusals))
    assert desk.refusals == [sentence]
    assert desk.network is tied


def test_no_clipboard_at_all(desk, tied, monkeypatch):
    desk.open(tied)
    monkeypatch.setattr(QClipboard, "mimeData", lambda *_: None)
    desk.key(Qt.Key.Key_V, CONTROL)
    assert desk.refusals == ["There is nothing on the clipboard that could be pasted."]


def test_values_that_stay_behind_are_told(desk, tied, qtbot, monkeypatch):
    monkeypatch.setattr("designer.files.part.MOST_VALUES", 10)
    desk.open(initialize(tied))
    desk.select("lstm")
    desk.key(Qt.Key.Key_C, CONTROL)
    qtbot.waitUntil(lambda: desk.window.session.copied[1] is not None)
    desk.window.session.copied = None  # as in another program
    desk.key(Qt.Key.Key_V, CONTROL)
    qtbot.waitUntil(lambda: "lstm2" in desk.network.layers)
    assert desk.told[-1] == "Pasted lstm. Their values did not come along: they are initialised anew."


def test_cutting_hands_over_what_others_borrow(desk, tied, qtbot):
    desk.open(initialize(tied))
    weight = desk.network.values["emb.weight"]
    desk.select("emb")
    desk.key(Qt.Key.Key_X, CONTROL)
    assert desk.undo_texts() == ["Cut emb"]
    assert "emb" not in desk.network.layers
    assert desk.network.values["fc.weight"] is weight
    assert desk.told[-1] == "fc now owns weight, which emb owned."
    away(desk)
    desk.key(Qt.Key.Key_V, CONTROL)
    assert desk.network.layers["emb"] == tied.layers["emb"]
    assert desk.undo_texts() == ["Cut emb", "Paste emb"]


def test_duplicate(desk, tied):
    desk.open(tied)
    desk.select("fc")
    desk.key(Qt.Key.Key_D, CONTROL)
    assert desk.undo_texts() == ["Duplicate fc"]
    assert desk.document.view.selection == {"fc2"}
    assert desk.canvas.node("fc2").pos() == desk.canvas.node("fc").pos() + QPointF(24, 24)
    desk.key(Qt.Key.Key_D, CONTROL)
    assert desk.canvas.node("fc3").pos() == desk.canvas.node("fc").pos() + QPointF(48, 48)
    assert desk.network.source_of(Port("fc3", "weight")) == Port("emb", "weight")


@pytest.mark.parametrize("key", [Qt.Key.Key_C, Qt.Key.Key_X, Qt.Key.Key_D])
def test_nothing_selected(desk, tied, key):
    desk.open(tied)
    desk.key(key, CONTROL)
    assert len(desk.refusals) == 1
    assert desk.refusals[0].startswith("Select the layers to ")
    assert desk.undo_texts() == []


def test_text_fields_keep_their_own_clipboard(desk, tied):
    desk.open(tied)
    desk.select("fc")
    field = desk.form.name
    field.setFocus()
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_C, CONTROL)
    assert QApplication.clipboard().text() == "fc"
    QTest.keyClick(field, Qt.Key.Key_V, CONTROL)
    assert field.text() == "fc"
    assert desk.network is tied


def test_layers_are_pasted_into_the_group_that_is_open(desk, tied, qtbot):
    desk.open(group(tied, ["lstm"], "block"))
    desk.select("fc")
    desk.key(Qt.Key.Key_C, CONTROL)
    desk.canvas.enter("block")
    desk.key(Qt.Key.Key_V, CONTROL)
    assert "block.fc" in desk.network.all
    assert desk.network.source_of(Port("block.fc", "weight")) == Port("emb", "weight")


def test_layers_that_are_read_late_are_pasted_where_they_were_asked_for(copied, qtbot, monkeypatch):
    document = json.loads(text_of(copied))
    del document["part"]["values"]
    QApplication.clipboard().setText(json.dumps(document).replace('"fc"', '"head"').replace("fc/", "head/"))
    copied.open(group(copied.network, ["lstm"], "block"))
    late = []
    monkeypatch.setattr(copied.window.session.files, "run", lambda *job: late.append(job))
    copied.canvas.enter("block")
    copied.key(Qt.Key.Key_V, CONTROL)
    copied.key(Qt.Key.Key_V, CONTROL)
    copied.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    (work, came, _), (_, again, _) = late
    came(work())
    assert "block.head" in copied.network.all
    assert "head" not in copied.network.layers
    assert copied.told[-1].startswith("Pasted 2 layers into block.")
    assert copied.document.view.selection == {"block"}
    copied.document.edit("Ungroup", ungroup(copied.network, "block"))
    again(work())
    assert copied.refusals == ["Not pasted, since there is no group block any more."]


def test_a_tie_through_a_permute_is_untied_beside_the_window(desk, qtbot):
    net = Network().chain(x=Input(("B", 6)), enc=Linear(4), dec=Linear(6))
    desk.open(initialize(tie(net, "enc/weight", "dec/weight")))
    desk.select("dec")
    desk.key(Qt.Key.Key_C, CONTROL)
    other = desk.window.another()
    other.show_network(Network(), "untitled")
    told = []
    other.document.told.connect(told.append)
    other.clipboard.paste()
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert told == ["Pasted dec. dec owns its weight: there is no enc here."]
    assert list(other.document.network.layers) == ["dec"]
    assert other.document.network.values["dec.weight"].equal(desk.network.values["enc.weight"].T)
    assert other.document.view.selection == {"dec"}
    assert other.document.history.count() == 1
