"""Export and copy as something else: the source, the weights, pictures, the analysis, Python."""

import csv
import dataclasses
import xml.etree.ElementTree as ElementTree

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from safetensors.torch import load_file

from designer import build, group, initialize, untie, write_pytorch
from designer.gui.canvas import picture
from designer.layers import Linear
from designer.model import Network

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def export(desk, monkeypatch, qtbot):
    """Give a function that exports with the keys: a kind, and what the file dialog gives back."""

    def do(title, path, chosen_filter="", only=False, original=None, alias=False):
        asked = []
        answer = lambda *given: asked.append(given[1:]) or (str(path), chosen_filter)  # noqa: E731
        monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
        said = len(desk.told) + len(desk.refusals)
        dialog = open_dialog(desk, qtbot)
        while not dialog.list.currentItem().data(Qt.ItemDataRole.AccessibleTextRole).startswith(title):
            assert dialog.list.currentRow() < dialog.list.count() - 1
            QTest.keyClick(dialog.list, Qt.Key.Key_Down)
        assert dialog.only.isVisible() == (title == "Picture" and bool(desk.document.view.selection))
        assert dialog.original.isVisible() == (original is not None)
        if original:
            QTest.keyClick(dialog.original, Qt.Key.Key_Space)
        if alias:
            QTest.keyClick(dialog.alias, Qt.Key.Key_Space)
        if only:
            QTest.keyClick(dialog.only, Qt.Key.Key_Space)
        QTest.keyClick(dialog.list, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: len(desk.told) + len(desk.refusals) > said, timeout=20_000)
        (question,) = asked
        return question

    return do


def open_dialog(desk, qtbot):
    desk.key(Qt.Key.Key_E, CONTROL)
    dialog = desk.window.exporting.dialog
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def test_the_source_in_the_familiar_form(desk, tied, tmp_path, export, qtbot):
    desk.open(tied)
    export("PyTorch source", tmp_path / "net.py", alias=True)
    assert (tmp_path / "net.py").read_text().startswith(write_pytorch(tied, style="alias"))
    desk.document.edit("Untie", untie(tied, "fc/weight"))
    dialog = open_dialog(desk, qtbot)
    assert not dialog.alias.isVisible()
    dialog.reject()


def test_the_source(desk, tied, tmp_path, export):
    desk.open(tied)
    title, first, filters = export("PyTorch source", tmp_path / "net")
    assert (title, filters) == ("Export PyTorch source", "Python (*.py)")
    assert first.endswith("untitled.py")
    assert desk.told[-1] == "Exported net.py."
    assert "self.fc.weight = None" in (tmp_path / "net.py").read_text()
    (tmp_path / "net.py").write_text("edited")
    export("PyTorch source", tmp_path / "net.py")
    assert "was not exported by Network Designer, or was edited since" in desk.refusals[-1]
    assert (tmp_path / "net.py").read_text() == "edited"


def test_the_weights(desk, tied, tmp_path, export):
    bias = torch.arange(1000.0)
    desk.open(tied.with_values({"fc.bias": bias}))
    export("Weights", tmp_path / "net.safetensors")
    assert desk.told[-1] == "Exported net.safetensors: 6 tensors."
    state = load_file(tmp_path / "net.safetensors")
    module = build(desk.network)
    assert state.keys() == module.state_dict().keys()
    assert all(torch.equal(state[key], value) for key, value in module.state_dict().items())
    assert torch.equal(state["fc.bias"], bias)
    assert desk.undo_texts() == []
    module.load_state_dict(state)


def test_the_weights_under_the_names_of_the_file(desk, tied, tmp_path, export):
    """The choice is there only where the names differ."""
    tied = initialize(tied)
    names = {
        **{key: key for key in tied.values if key != "emb.weight"},
        "old.weight": "emb.weight",
        "fc.weight": "fc.weight",
    }
    desk.open(dataclasses.replace(tied, file_names=names))
    export("Weights", tmp_path / "own.safetensors", original=False)
    assert load_file(tmp_path / "own.safetensors").keys() == tied.values.keys()
    export("Weights", tmp_path / "there", "torch.save (*.pt)", original=True)
    assert desk.told[-1] == "Exported there.pt: 6 tensors."
    state = torch.load(tmp_path / "there.pt", weights_only=True)
    assert state.keys() == names.keys()
    assert torch.equal(state["old.weight"], tied.values["emb.weight"])
    assert state["fc.weight"].data_ptr() == state["old.weight"].data_ptr()


def test_weights_of_a_broken_network(desk, tied, tmp_path, export):
    desk.open(tied.disconnect("fc/in"))
    export("Weights", tmp_path / "net.safetensors")
    assert desk.refusals == ["fc has nothing on its input 'in'."]
    assert not (tmp_path / "net.safetensors").exists()


def test_a_picture_as_pixels(desk, tied, tmp_path, export):
    desk.open(tied)
    desk.select("fc")
    export("Picture", tmp_path / "net.png")
    whole = QImage(str(tmp_path / "net.png"))
    frames = [node.frame for node in desk.canvas.nodes()]
    wide = max(frame.right() for frame in frames) - min(frame.left() for frame in frames)
    assert whole.width() == pytest.approx(2 * (wide + 48), abs=8)
    node = desk.canvas.node("fc").frame
    area = desk.canvas.area()
    x, y = 2 * (node.left() - area.left() + 24 + 20), 2 * (node.top() - area.top() + 24 + 12)
    assert whole.pixelColor(round(x), round(y)) != desk.canvas.view.theme.canvas, "the tile of fc"
    edge = whole.pixelColor(round(2 * (node.left() - area.left() + 24 - 4)), round(2 * (node.top() - area.top() + 34)))
    assert edge != desk.canvas.view.theme.accent, "what is selected is not marked"
    assert desk.document.view.selection == {"fc"}
    assert desk.canvas.node("fc").isSelected()
    export("Picture", tmp_path / "part.png", only=True)
    assert QImage(str(tmp_path / "part.png")).width() == pytest.approx(2 * (node.width() + 48), abs=8)


def test_a_picture_as_a_drawing(desk, tied, tmp_path, export):
    desk.open(tied)
    export("Picture", tmp_path / "net", "Drawing (*.svg)")
    assert desk.told[-1] == "Exported net.svg."
    texts = {text.text for text in ElementTree.parse(tmp_path / "net.svg").iter("{http://www.w3.org/2000/svg}text")}
    assert {"emb", "fc", "Learnables", "from emb"} <= texts


def test_a_drawing_of_what_is_selected_in_the_open_group(desk, tied, tmp_path, export):
    desk.open(group(tied, ["lstm", "fc", "probs"], "block"))
    desk.canvas.enter("block")
    QApplication.processEvents()
    desk.select("block.fc", "block.probs")
    export("Picture", tmp_path / "part.svg", "Drawing (*.svg)", only=True)
    tree = ElementTree.parse(tmp_path / "part.svg").iter("{http://www.w3.org/2000/svg}text")
    texts = {text.text for text in tree}
    assert {"fc", "probs", "Learnables"} <= texts
    assert not {"lstm", "emb", "tokens"} & texts
    desk.key(Qt.Key.Key_C, CONTROL | SHIFT)
    part = QApplication.clipboard().image()
    frame = desk.canvas.node("block.fc").frame.united(desk.canvas.node("block.probs").frame)
    assert part.width() == pytest.approx(2 * (frame.width() + 48), abs=8)


def test_a_picture_of_layers_far_apart_stays_within_bounds(desk, tied, monkeypatch):
    monkeypatch.setattr(picture, "MOST", 90_000)
    desk.open(tied.move({"tokens": (0, 0), "emb": (9000, 9000), "lstm": (4000, 0), "fc": (0, 5000), "probs": (9, 9)}))
    image = picture.image(desk.canvas)
    assert 80_000 < image.width() * image.height() < 91_000
    assert image.width() / image.height() == pytest.approx(1, abs=0.1)


def test_a_file_of_others_is_not_replaced_unasked(desk, tied, tmp_path, export):
    desk.open(tied)
    for title, end in (("Picture", "png"), ("Weights", "safetensors"), ("Analysis", "csv")):
        other = tmp_path / f"other.{end}"
        other.write_bytes(b"precious")
        export(title, tmp_path / "other")  # the end is added, so the dialog has not asked
        assert desk.refusals[-1].startswith(f"other.{end} cannot be written: ")
        assert other.read_bytes() == b"precious"
        export(title, other)  # it has
        assert other.read_bytes() != b"precious"


@pytest.mark.parametrize(("end", "what"), [(".csv", "Table for spreadsheets (*.csv)"), (".md", "Markdown (*.md)")])
def test_the_analysis(desk, tied, tmp_path, export, end, what):
    desk.open(group(tied, ["lstm"], "block"))
    export("Analysis", tmp_path / "table", what)
    text = (tmp_path / f"table{end}").read_text()
    if end == ".csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert [row["Name"] for row in rows][-2:] == ["probs", "Total"]
        assert "block.lstm" in [row["Name"] for row in rows]
        assert rows[-1]["Stored"] == "1023400"
    else:
        assert "| Total |" in text


def test_the_analysis_as_text(desk, tied, tmp_path, export):
    desk.open(tied)
    export("Analysis", tmp_path / "table.txt")
    assert (tmp_path / "table.txt").read_text() == f"{desk.document.analysis}\n"


def test_the_last_kind_stands_first(desk, tied, tmp_path, export, qtbot):
    desk.open(tied)
    export("Analysis", tmp_path / "table.txt")
    dialog = open_dialog(desk, qtbot)
    assert dialog.kind == "analysis"
    assert dialog.list.currentRow() == 0
    desk.key(Qt.Key.Key_E, CONTROL)
    assert desk.window.exporting.dialog is dialog, "one at a time"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: desk.window.exporting.dialog is None)


def test_nothing_is_written_when_no_file_is_named(desk, tied, monkeypatch, qtbot):
    desk.open(tied)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    QTest.keyClick(open_dialog(desk, qtbot).list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: desk.window.exporting.dialog is None)
    assert not desk.told
    assert not desk.refusals


# The clipboard.


def test_a_picture_on_the_clipboard(desk, tied):
    desk.open(tied)
    desk.key(Qt.Key.Key_C, CONTROL | SHIFT)
    whole = QApplication.clipboard().image()
    assert desk.told[-1] == "Copied a picture of the network."
    desk.select("fc", "probs")
    desk.key(Qt.Key.Key_C, CONTROL | SHIFT)
    part = QApplication.clipboard().image()
    assert desk.told[-1] == "Copied a picture of 2 layers."
    assert 0 < part.width() < whole.width()


def test_no_picture_of_nothing(desk):
    desk.open(Network())
    desk.key(Qt.Key.Key_C, CONTROL | SHIFT)
    assert desk.refusals == ["There is nothing to draw."]


def test_python_on_the_clipboard(desk, tied, qtbot):
    desk.open(initialize(tied))
    for chosen in ((), ("lstm", "fc")):
        desk.select(*chosen)
        desk.told.clear()
        desk.window.actions_by_name["copy_python"].trigger()
        qtbot.waitUntil(lambda: bool(desk.told))
        names = {}
        exec(QApplication.clipboard().text(), names)
        if chosen:
            assert desk.told == ["Copied the Python code of 2 layers."]
            assert set(names["net"].layers) == {"lstm", "fc", "emb"}
            assert names["net"].layers["fc"] == Linear(1000, input_learnables=("weight",))
        else:
            assert names["net"] == dataclasses.replace(desk.network, values={})
