"""Files that mean harm or are broken: what they say is shown as text, and the open network stays as it is."""

import dataclasses
import json
import pickle
import struct
import warnings
import zipfile

import pytest
import torch
from PySide6 import QtGui
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QMessageBox, QWidget
from torch import nn

from designer.edits import group
from designer.files.compare import Comparison
from designer.files.project import save
from designer.files.report import Note, Report, Suggestion
from designer.gui.bottom import REPORT
from designer.gui.tips import tip
from designer.layers import Linear, Operation, ReLU
from designer.model import Input, Network

PICTURE = "<img src='file:///etc/hostname'><b>bold</b>"
NAME = PICTURE.replace("/", "\u2215")  # as a file may be called


def rich(text):
    """Whether Qt would take a text for HTML with the payload in it."""
    return QtGui.Qt.mightBeRichText(text) and any(sign in text for sign in ("<img", "<b>"))


def interpreted(window):
    """What a window and all in it would show as HTML that came from a file."""
    found = []
    for widget in [window, *window.findChildren(QWidget), *QApplication.topLevelWidgets()]:
        found += [f"tooltip of {type(widget).__name__}: {widget.toolTip()}"] if rich(widget.toolTip()) else []
        if isinstance(widget, QLabel) and widget.textFormat() != Qt.TextFormat.PlainText and rich(widget.text()):
            found.append(f"label: {widget.text()}")
        if isinstance(widget, QMessageBox) and widget.textFormat() != Qt.TextFormat.PlainText and rich(widget.text()):
            found.append(f"message: {widget.text()}")
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            found += _of_items(widget.model(), QModelIndex())
    for action in window.findChildren(QAction):
        found += [f"tooltip of an action: {action.toolTip()}"] if rich(action.toolTip()) else []
    return found


def _of_items(model, parent):
    found = []
    for row in range(model.rowCount(parent)):
        for column in range(model.columnCount(parent)):
            index = model.index(row, column, parent)
            text = index.data(Qt.ItemDataRole.ToolTipRole) or ""
            found += [f"tooltip of a line: {text}"] if rich(text) else []
        found += _of_items(model, model.index(row, 0, parent))
    return found


@pytest.fixture
def hostile(tmp_path):
    """A project whose notes, operations, report and name all carry HTML."""
    net = Network(notes=PICTURE).chain(
        x=Input(("B", 8), note=PICTURE),
        fc=Linear(8, note=PICTURE),
        odd=Operation(f"custom.{PICTURE}", ("in",), (("port", "in"),)),
        relu=ReLU(note=PICTURE),
    )
    net = group(net, ["odd", "relu"], "body")
    net = dataclasses.replace(net, aliases={PICTURE: "fc.weight"})
    report = Report(
        *(PICTURE, tmp_path / NAME, {PICTURE: 1}, {PICTURE: PICTURE}, {PICTURE: PICTURE}, (PICTURE,), {PICTURE: 2}),
        notes=(Note(PICTURE, (PICTURE, "fc"), PICTURE),),
        stamp=None,
        measured=Comparison(None, PICTURE, PICTURE),
        producer=PICTURE,
        code=(PICTURE,),
        suggested=(Suggestion(PICTURE, f"{PICTURE}/weight", f"{PICTURE}/weight"),),
    )
    save(net, tmp_path / f"{NAME}.network", view={"selection": [PICTURE]}, report=report)
    return tmp_path / f"{NAME}.network"


def test_what_a_file_says_is_never_html(desk, hostile, qtbot):
    desk.window.filing.open(hostile)
    qtbot.waitUntil(lambda: not desk.window.on_start)
    desk.settle()
    desk.window.resize(700, 600)  # so that texts are cut, and told by tooltips
    for tab in range(len(desk.window.bottom.tabs)):
        desk.window.bottom.show_tab(tab)
        QApplication.processEvents()
        assert interpreted(desk.window) == []
    desk.window.bottom.show_tab(REPORT)
    for names in (("x",), ("fc",), ("body",), ("x", "fc"), ("body.odd",), ("body.relu",)):
        desk.document.look(path=names[0].rpartition(".")[0], selection=frozenset(names))
        QApplication.processEvents()
        desk.settle()
        assert interpreted(desk.window) == []
    desk.window._fill_recent()
    assert [action for action in desk.window.recent_menu.actions() if NAME in action.text()]
    assert interpreted(desk.window) == []


def test_a_refusal_with_the_name_of_a_file_is_never_html(desk, tmp_path, qtbot):
    (tmp_path / NAME).write_bytes(b"nothing")
    desk.window.filing.open(tmp_path / NAME)
    qtbot.waitUntil(lambda: bool(desk.refusals))
    assert NAME in desk.window.status.message.full
    assert interpreted(desk.window) == []


def test_a_question_with_the_name_of_a_file_is_never_html(desk, hostile, qtbot, monkeypatch):
    desk.window.filing.open(hostile)
    qtbot.waitUntil(lambda: not desk.window.on_start)
    desk.settle()
    desk.document.edit("Set bias of fc", desk.network.set("fc", bias=False))
    seen = []

    def look(box):
        seen.append((box.text(), interpreted(desk.window)))
        return QMessageBox.StandardButton.Discard

    monkeypatch.setattr(QMessageBox, "exec", look)
    assert desk.window.filing.may_close(lambda: None)
    assert NAME in seen[0][0]
    assert seen[0][1] == []


def test_the_classes_of_a_source_are_never_html(desk, tmp_path, qtbot):
    path = tmp_path / f"{NAME}.py"
    path.write_text(
        f"from torch import nn\nclass Net(nn.Module):\n    def __init__(self, size: {PICTURE!r}, way={PICTURE!r}):\n"
        f"        pass\n    def forward(self, x):\n        return x\n"
    )
    desk.window.filing.open(path)
    qtbot.waitUntil(lambda: any(widget.isVisible() and widget is not desk.window for widget in shown(desk)))
    assert interpreted(desk.window) == []
    for widget in shown(desk):
        widget.close()


def shown(desk):
    return [
        widget for widget in QApplication.topLevelWidgets() if widget.isWindow() and "Form" in type(widget).__name__
    ]


@pytest.mark.parametrize("text", [PICTURE, "a\n<b>b</b>", "<i>", "a & b", "plain", "1 < 2", "", "&lt;b&gt;"])
def test_a_tooltip_shows_its_text(text):
    """Read back as Qt would show it."""
    label = QLabel(tip(text))
    document = QTextDocument()
    document.setHtml(label.text()) if QtGui.Qt.mightBeRichText(label.text()) else document.setPlainText(label.text())
    assert document.toPlainText() == text


# The open network.


class Evil:
    def __reduce__(self):
        import os

        return os.mkdir, ("ran",)


def cut(write):
    """A file whose second half is missing."""

    def written(path):
        write(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return written


def exported(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.rand(1, 2),)), path)


def script(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.rand(1, 2)), path)


def legacy(path):
    torch.save({"w": torch.zeros(9)}, path, _use_new_zipfile_serialization=False)


def archive(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("m/data.pkl", pickle.dumps(Evil(), 2))
        file.writestr("m/version", "3")


BROKEN = {
    "pt2": cut(exported),
    "TorchScript": cut(script),
    "state_dict": cut(lambda path: torch.save({"w": torch.zeros(9)}, path)),
    "state_dict before 1.6": cut(legacy),
    "module": cut(lambda path: torch.save(nn.Sequential(nn.Linear(2, 2)), path)),
    "safetensors": lambda path: path.write_bytes(
        struct.pack("<Q", 62) + json.dumps({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}).encode()
    ),
    "project": lambda path: path.write_text('{"format": "network designer project", "version": 1, "layers": []}'),
    "a pickle that runs code": lambda path: path.write_bytes(pickle.dumps(Evil())),
    "an archive that runs code": archive,
    "source": lambda path: path.write_text("class Net(nn.Module:\n"),
    "deep JSON": lambda path: path.write_text("[" * 100_000),
}


def test_the_open_network_is_untouched_by_broken_files(desk, tied, tmp_path, monkeypatch, qtbot):
    monkeypatch.chdir(tmp_path)
    desk.open(tied)
    desk.document.edit("Set bias of fc", tied.set("fc", bias=False))
    desk.document.edit("Rename lstm to memory", desk.network.rename("lstm", "memory"))
    desk.settle()
    desk.select("fc")
    desk.window.bottom.show_tab(1)
    network = desk.network
    for kind, write in BROKEN.items():
        path = tmp_path / ("broken.network" if kind == "project" else "broken.pt")
        write(path)
        desk.refusals.clear()
        desk.window.filing.open(path)
        qtbot.waitUntil(lambda: bool(desk.refusals), timeout=30_000)
        QApplication.processEvents()
        (said,) = desk.refusals
        assert desk.network is network, kind
        assert desk.undo_texts() == ["Set bias of fc", "Rename lstm to memory"], kind
        assert desk.document.report is None, kind
        assert desk.document.view.selection == {"fc"}, kind
        assert desk.window.bottom.pages.currentIndex() == 1, kind
        assert len(desk.window.session.windows) == 1, kind
        assert not desk.window.reading.isVisible(), kind
        assert desk.window.status.message.full == said, kind
        assert said.isprintable(), kind
        assert said.startswith("broken."), kind
        assert said.endswith("."), kind
    assert not (tmp_path / "ran").exists()
    desk.document.history.undo()
    assert desk.network == tied.set("fc", bias=False)
