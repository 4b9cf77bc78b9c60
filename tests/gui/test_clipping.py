"""No text is cut without a tooltip that has all of it, in any view, at the smallest and at a large size."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QDialog, QLabel, QPushButton, QTableView, QToolButton, QWidget

from designer.edits import group, tie
from designer.edits.matching import match
from designer.files.asking import Argument, Buildable, NeedsCode, NeedsInputs, Wanted
from designer.files.compare import Comparison
from designer.files.report import Note, Report
from designer.files.suggestions import Suggestion
from designer.gui import theme
from designer.gui.asking import NO_ANSWER, Consent, InputsForm, Question, SourceForm
from designer.gui.attach_form import AttachForm
from designer.gui.widgets import Fold, Label
from designer.layers import LSTM, Input, Linear, MultiheadAttention
from designer.model import Network

LONG = "projection_of_the_hidden_state_to_the_vocabulary"
TEXTS = (QLabel, QPushButton, QToolButton, QCheckBox)
SIZES = ((1280, 720), (1920, 1080))


def cut(top):
    """List the texts of which a part is missing and that have no tooltip."""
    found = []
    for widget in top.findChildren(QWidget):
        if not isinstance(widget, TEXTS) or not widget.isVisibleTo(top) or widget.toolTip() or not widget.text():
            continue
        if isinstance(widget, Label) and widget.elide != Qt.TextElideMode.ElideNone:
            missing = widget.text() != widget.full
        elif isinstance(widget, QLabel):
            hint = widget.heightForWidth(widget.width()) if widget.wordWrap() else widget.sizeHint().height()
            wide = not widget.wordWrap() and widget.sizeHint().width() > widget.width() + 1
            missing = wide or hint > widget.height() + 1
        else:
            text = widget.text().replace("&", "")
            missing = widget.fontMetrics().horizontalAdvance(text) > widget.width()
        if missing:
            found.append(f"{type(widget).__name__} {widget.text()!r} in {widget.width()} x {widget.height()}")
    for table in top.findChildren(QTableView):
        if table.isVisibleTo(top):
            found += cut_cells(table)
    return found


def cut_cells(table):
    model = table.model()
    for row in range(model.rowCount()):
        for column in range(model.columnCount()):
            index = model.index(row, column)
            text = index.data() or ""
            room = table.columnWidth(column) - 12
            wide = table.fontMetrics().horizontalAdvance(text.partition("\n")[0]) > room
            if not table.isColumnHidden(column) and wide and not index.data(Qt.ItemDataRole.ToolTipRole):
                yield f"cell {text!r} in {room}"


def network():
    """Names as long as people make them, and a layer of many learnables."""
    net = Network().chain(
        **{"tokens_of_the_document_to_be_classified": Input(("B", "T", 32))},
        **{f"recurrent_{LONG}": LSTM(300, num_layers=2, bidirectional=True)},
        **{f"attention_over_{LONG}": MultiheadAttention(8)},
        **{LONG: Linear(600), f"{LONG}_again": Linear(600)},
    )
    net = tie(net, f"{LONG}/weight", f"{LONG}_again/weight", permute=())
    return group(net, [f"attention_over_{LONG}"], f"block_with_{LONG}")


def report(network):
    """All that a report can hold, in long words."""
    names = [*network.all]
    notes = [Note(f"the size {n} of {LONG} is fixed by the file " * (1 + n % 4), names[: n % 5]) for n in range(200)]
    return Report(
        "torch.export",
        Path(f"/folder/{LONG}-{LONG}.pt2"),
        {"Linear": 3},
        {f"{LONG}.{n}.weight": f"{LONG}.weight" for n in range(30)},
        {f"{LONG}.{n}.bias": f"{LONG}.bias" for n in range(30)},
        (f"{LONG}.{LONG}",),
        {f"aten::{LONG}": 3},
        tuple(notes),
        None,
        Comparison(None, f"the process that compares ended since {LONG} and {LONG} do not fit to {LONG}"),
        producer=f"{LONG} {LONG}",
        code=(LONG, f"{LONG}2"),
        suggested=(Suggestion(f"{LONG} and {LONG} hold the same numbers.", f"{LONG}/bias", f"{LONG}_again/bias"),),
    )


def forms(window):
    """What asks for what a file does not tell."""
    path = Path(f"/folder/{LONG}-{LONG}.py")
    arguments = (Argument(LONG), Argument("act", f"nn.{LONG}()"), *(Argument(f"more_{n}") for n in range(30)))
    code = NeedsCode("code", (Buildable(LONG, arguments), Buildable("Other")))
    inputs = NeedsInputs("inputs", (Wanted(LONG), Wanted("ids", ("B", "T"), "int64")))
    yield Consent(window, path, f"This file contains program code of {LONG} and {LONG}.", "Show structure only")
    yield SourceForm(window, Question(path, code, NO_ANSWER), code, f"{LONG} is not {LONG}.")
    yield InputsForm(window, Question(path, inputs, NO_ANSWER), inputs, f"{LONG} is not {LONG}.")


def attaching(window, network):
    """Values of a file that fit, that fit in doubt, that do not, and that nothing takes."""
    given = {f"other.{LONG}.{LONG}.weight": torch.ones(3, 4), f"{LONG}.weight": torch.ones(600, 600)}
    given |= {f"{LONG}.bias": torch.arange(600), f"{LONG}_again.bias": torch.ones(7)}
    return AttachForm(window, Path(f"/folder/{LONG}-{LONG}.pth"), given, network, match(network, given))


def look_at_all(desk, check):
    """Show every view with long names, and check each."""
    window = desk.window
    check("start page")
    desk.open(network(), f"a-network-about-{LONG}-and-{LONG}")
    names = [*desk.network.layers]
    for chosen in ((), *((name,) for name in names), tuple(names), (f"{LONG}_again/weight",), (f"{LONG}/in",)):
        desk.select(*chosen)
        QApplication.processEvents()
        check(f"properties of {chosen}")
    for tab in range(4):
        window.bottom.show_tab(tab)
        desk.settle()
        check(f"tab {tab}")
    desk.document.attempt("Break it", lambda net: net.set(names[1], input_learnables=("weight_ih_l0",)))
    window.bottom.show_tab(1)
    desk.settle()
    check("problems")
    for form in forms(window):
        form.show()
        QApplication.processEvents()
        check(type(form).__name__)
        if form.checks:
            form.accept()  # which its empty fields refuse
            QApplication.processEvents()
            check(f"{type(form).__name__}, refused")
        form.reject()
    sheet = attaching(window, desk.network)
    sheet.show()
    QApplication.processEvents()
    check("values to attach")
    sheet.refuse(f"The values in {LONG} and {LONG} cannot be read any more: {LONG}.")
    QApplication.processEvents()
    check("values to attach, refused")
    sheet.reject()
    desk.document.open(desk.network, LONG, None, None, report(desk.network))
    window.bottom.show_tab(3)
    desk.settle()
    for fold in window.bottom.report.findChildren(Fold):
        fold.setChecked(True)
    QApplication.processEvents()
    assert len(window.bottom.report.lines) > 250
    check("report")
    desk.select(LONG)
    for name in ("palette", "find", "history", "keys", "options", "replace", "transfer"):
        window.actions_by_name[name].trigger()
        QApplication.processEvents()
        check(name)
        for dialog in window.findChildren(QDialog):
            dialog.close()
        QApplication.processEvents()


@pytest.mark.parametrize(
    "colors", [theme.DARK, pytest.param(theme.LIGHT, marks=pytest.mark.nightly)], ids=["dark", "light"]
)
@pytest.mark.parametrize(
    "size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.nightly)], ids=["1280x720", "1920x1080"]
)
def test_nothing_is_cut(desk, size, colors):
    desk.window.session.choose_theme(colors.name)
    desk.window.resize(*size)
    QApplication.processEvents()
    seen = []

    def check(what):
        seen.append(what)
        tops = [top for top in QApplication.topLevelWidgets() if top.isVisible()]
        for top in tops:
            assert not (found := cut(top)), f"{what}: {found}"
            assert not top.grab().isNull()

    look_at_all(desk, check)
    assert len(seen) > 15
    desk.window.session.choose_theme("dark")


@pytest.mark.nightly
def test_nothing_is_cut_at_twice_the_size():
    """Such a screen needs a process of its own."""
    wanted = f"{__file__}::test_nothing_is_cut"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", wanted],
        env={**os.environ, "QT_SCALE_FACTOR": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_name_gives_way_to_menus_and_tools(desk, tied):
    """The less room, the less is said: the name, that it was edited, a dot, nothing."""
    desk.window.show_network(tied, "a-network-with-a-long-name")
    desk.document.edit("Rename", tied.rename("fc", "head"))
    bar, shown = desk.window.bar, []
    for wide in (1440, 900, 760, 700, 640):
        desk.window.resize(wide, 720)
        QApplication.processEvents()
        right = bar.menus.mapTo(bar, bar.menus.rect().topRight()).x()
        for part in (bar.name, bar.edited):
            assert not part.isVisible() or part.mapTo(bar, part.rect().topLeft()).x() > right
        shown.append((bar.name.isVisible(), bar.word.isVisible(), bar.edited.isVisible()))
    assert shown == [(True, True, True), (True, True, True), (True, False, True), (False, False, True), (False,) * 3]
    desk.window.resize(1440, 900)
    QApplication.processEvents()
    assert bar.name.text() == "a-network-with-a-long-name"
