"""Everything that takes the keyboard or the mouse has a name that a screen reader can say."""

from pathlib import Path

import pytest
import torch
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from designer.edits import group
from designer.edits.matching import match
from designer.files.asking import Argument, Buildable, NeedsCode, NeedsInputs, Wanted
from designer.files.report import Note, Report
from designer.files.suggestions import Suggestion
from designer.gui.asking import NO_ANSWER, Consent, InputsForm, Question, SourceForm
from designer.gui.attach_form import AttachForm
from designer.layers import LSTM

KINDS = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit)


def nameless(top):
    """List what has no name, but for parts that Qt puts into widgets of its own."""
    found = []
    for widget in top.findChildren(QWidget):
        inside = isinstance(widget.parent(), (QComboBox, QAbstractSpinBox, QAbstractItemView, QLineEdit))
        called = widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text())
        if isinstance(widget, KINDS) and widget.isVisibleTo(top) and not inside and not called.strip():
            found.append(f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}")
    return found


def test_the_start_page(desk):
    assert not nameless(desk.window)


VIEWS = {
    "nothing": (),
    "a layer": ("fc",),
    "many learnables": ("lstm",),
    "a group": ("block",),
    "several layers": ("fc", "emb"),
    "a wire": ("fc/in",),
    "a tie": ("fc/weight",),
}


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_selected(desk, tied, view):
    network = tied.replace("lstm", LSTM(300, num_layers=2, bidirectional=True))
    desk.open(group(network, ["probs"], "block"))
    desk.select(*VIEWS[view])
    QApplication.processEvents()
    for fold in desk.window.properties.findChildren(QAbstractButton):
        if fold.objectName() == "fold" and not fold.isChecked():
            fold.click()
    QApplication.processEvents()
    assert not nameless(desk.window)


def test_the_tabs_below_and_what_opens_over_the_window(desk, tied):
    desk.open(tied.set("lstm", input_learnables=("weight_hh_l0",)))
    desk.select("fc")
    for tab in range(4):
        desk.window.bottom.show_tab(tab)
        desk.settle()
        assert not nameless(desk.window)
    for name in ("palette", "find", "history", "keys", "options", "replace", "transfer"):
        desk.window.actions_by_name[name].trigger()
        QApplication.processEvents()
        assert not nameless(desk.window), name
        for dialog in QApplication.topLevelWidgets():
            if dialog.isVisible() and dialog is not desk.window:
                assert not nameless(dialog), name
                if isinstance(dialog, QDialog):
                    dialog.close()
    desk.canvas.commands["search"].trigger()
    QApplication.processEvents()
    assert not nameless(desk.window)


def test_what_asks_about_a_file(desk):
    path = Path("net.py")
    code = NeedsCode("code", (Buildable("Net", (Argument("size"), Argument("act", "None"))),))
    inputs = NeedsInputs("inputs", (Wanted("left"), Wanted("right", ("B", "T"), "int64")))
    for form in (
        Consent(desk.window, path, "Its code.", "Show structure only"),
        SourceForm(desk.window, Question(path, code, NO_ANSWER), code, ""),
        InputsForm(desk.window, Question(path, inputs, NO_ANSWER), inputs, ""),
    ):
        form.show()
        QApplication.processEvents()
        assert not nameless(form)
        form.reject()


def test_values_to_attach(desk, tied):
    desk.open(tied)
    given = {"emb.weight": torch.ones(1000, 300), "fc.bias": torch.ones(7), "other": torch.ones(2)}
    form = AttachForm(desk.window, Path("net.pth"), given, tied, match(tied, given))
    form.show()
    QApplication.processEvents()
    assert not nameless(form)
    assert form.go.accessibleName() == "Attach 1"
    form.reject()


def test_a_report(desk, tied):
    notes = (Note("one", ("fc",)), Note("two", ("fc", "emb")))
    ties, suggestions = {"fc.weight": "emb.weight"}, (Suggestion("Equal.", "emb/weight", "fc/weight"),)
    report = Report("state_dict", path := Path("net.pt"), {}, ties, {}, (), {}, notes, None, suggested=suggestions)
    desk.document.open(tied, path.stem, None, None, report)
    desk.window.show_page(start=False)
    desk.window.bottom.show_tab(3)
    desk.settle()
    assert len(desk.window.bottom.report.lines) == 2
    assert [line.accessibleName() for line in desk.window.bottom.report.lines] == ["One. fc", "Two. fc, emb"]
    assert not nameless(desk.window)
