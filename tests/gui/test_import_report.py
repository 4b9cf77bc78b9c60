"""The report of an import: kept beside the network, with its comparison, and notes that lead to their layers."""

import dataclasses
import threading
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton
from safetensors.torch import save_file
from torch import nn

from designer.files import compare, report
from designer.files.compare import Comparison
from designer.files.progress import check
from designer.files.project import read_project
from designer.files.report import Note
from designer.gui.bottom import REPORT
from designer.gui.report_panel import SHOWN
from designer.gui.widgets import Fold, Label, Link
from designer.layers import Permute
from designer.model import Port

CONTROL = Qt.KeyboardModifier.ControlModifier


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(30, 8)
        self.block = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
        self.fc, self.head = nn.Linear(8, 30), nn.Linear(8, 30)
        self.fc.weight = self.emb.weight
        with torch.no_grad():
            self.head.weight.copy_(self.emb.weight)

    def forward(self, tokens):
        x = self.block(self.emb(tokens))
        return self.fc(x) + self.head(x)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.pt2"
    torch.export.save(torch.export.export(Model().eval(), (torch.zeros(2, 5, dtype=torch.int64),)), path)
    return path


@pytest.fixture
def quick(monkeypatch):
    """The comparison as the child process would give it, without the process."""
    monkeypatch.setattr(report, "compare", lambda path, **_: Comparison(3e-7, "", "head"))


@pytest.fixture
def opened(desk, saved, quick, qtbot):
    desk.window.filing.open(saved)
    qtbot.waitUntil(lambda: not desk.window.on_start, timeout=30_000)
    qtbot.waitUntil(lambda: desk.document.report is not None and desk.document.report.compared is not None)
    desk.settle()
    return desk


def panel(desk):
    return desk.window.bottom.report


def texts(widget):
    return [label.full if isinstance(label, Label) else label.text() for label in widget.findChildren(QLabel)]


def show(desk, **changes):
    """Show another report of the same network."""
    changed = dataclasses.replace(desk.document.report, **({"measured": desk.document.report.compared} | changes))
    desk.document.open(desk.network, "model", None, None, changed)
    QApplication.processEvents()
    desk.settle()
    return panel(desk)


def unfold(desk, title):
    fold = next(each for each in panel(desk).findChildren(Fold) if each.text() == title)
    if not fold.isChecked():
        desk.click(fold)
    return fold


def test_opening_ends_in_a_report(opened):
    assert opened.window.bottom.pages.currentIndex() == REPORT
    shown = texts(panel(opened))
    assert {
        "model.pt2",
        "program of torch.export",
        f"torch {torch.__version__}",
        "6 in 1 group",
    } <= set(shown)
    assert "1, saving 960 B" in shown
    assert panel(opened).said.full == "Compared with the original: max |difference| 3e-07 at output head."
    assert opened.told[-1] == "Compared with the program in model.pt2: max |difference| 3e-07."
    assert opened.window.bottom.tabs[REPORT].mark == "circle-check"
    assert not opened.window.isWindowModified()


def test_the_very_comparison_of_a_child_process(desk, saved, qtbot):
    desk.window.filing.open(saved)
    qtbot.waitUntil(lambda: desk.document.report is not None, timeout=30_000)
    QApplication.processEvents()
    assert panel(desk).said.full == "Comparing with the original in model.pt2…"
    assert panel(desk).stop.isVisible()
    qtbot.waitUntil(lambda: desk.document.report.compared is not None, timeout=60_000)
    desk.settle()
    assert panel(desk).said.full == "Equal to the original on a probe: max |difference| 0."
    assert not panel(desk).stop.isVisible()


def test_comparing_is_stopped_and_begun_again(desk, saved, monkeypatch, qtbot):
    begun = threading.Event()
    wanted = compare.run_child

    def started(*given):
        begun.set()
        return wanted(*given)

    monkeypatch.setattr(compare, "run_child", started)
    desk.window.filing.open(saved)
    qtbot.waitUntil(begun.is_set, timeout=30_000)
    desk.settle()
    desk.click(panel(desk).stop)
    assert desk.window.comparing.progress is None
    assert panel(desk).said.full == "Not compared with the original yet."
    assert panel(desk).again.isVisible()
    qtbot.wait(300)
    assert desk.document.report.compared is None  # the child was ended, not only forgotten
    desk.click(panel(desk).again)
    qtbot.waitUntil(lambda: desk.document.report.compared is not None, timeout=60_000)
    assert desk.document.report.difference == 0


def test_another_network_ends_the_comparison(desk, saved, tied, qtbot):
    desk.window.filing.open(saved)
    qtbot.waitUntil(lambda: desk.window.comparing.progress is not None, timeout=30_000)
    progress = desk.window.comparing.progress
    desk.open(tied)
    assert progress.stopped.is_set()
    assert desk.document.report is None
    assert "This network was not imported" in texts(panel(desk))[0]


@pytest.mark.parametrize(
    ("found", "mark", "said"),
    [
        (Comparison(0.5), "triangle-alert", "Compared with the original: max |difference| 0.5."),
        (Comparison(None, "it draws numbers"), "", "Not compared with the original: it draws numbers."),
    ],
)
def test_each_outcome_is_said(opened, found, mark, said):
    shown = show(opened, measured=found)
    assert shown.said.full == said
    assert opened.window.bottom.tabs[REPORT].mark == mark


def test_a_note_selects_its_layer(opened):
    notes = (Note("the size of time is fixed", ("block.0",)), Note("no layer"), Note("two", ("emb", "block.1")))
    lines = show(opened, notes=notes).lines
    assert [str(line.note) for line in lines[:3]] == ["The size of time is fixed.", "No layer.", "Two."]
    opened.click(lines[0])
    assert opened.document.view.path == "block"
    assert opened.document.view.selection == {"block.0"}
    assert lines[0].property("chosen")
    QTest.keyClick(lines[0], Qt.Key.Key_Down)
    assert lines[1].hasFocus()
    QTest.keyClick(lines[1], Qt.Key.Key_Return)
    assert opened.document.view.selection == {"block.0"}  # it is about none
    QTest.keyClick(lines[1], Qt.Key.Key_Down)
    QTest.keyClick(lines[2], Qt.Key.Key_Return)
    assert opened.document.view.path == ""
    assert opened.document.view.selection == {"emb", "block"}  # the layer deeper down by its group
    assert not lines[0].property("chosen")
    opened.select()
    opened.click(lines[2].findChildren(Link)[0])
    assert opened.document.view.selection == {"emb", "block"}
    assert lines[2].findChildren(Link)[0].text() == "2 layers"


def test_a_note_about_what_was_removed_is_refused(opened):
    line = show(opened, notes=(Note("gone soon", ("block.1",)),)).lines[0]
    opened.document.edit("Remove block.1", opened.network.remove("block.1"))
    opened.settle()
    opened.click(line)
    assert opened.refusals == ["The layers of this line are not in the network any more."]


def test_lists_unfold_and_end(opened):
    shown = show(opened, unused=tuple(f"spare.{n}" for n in range(SHOWN + 5)), notes=())
    assert not shown.lines
    unfold(opened, "Ties")
    (tie,) = shown.lines
    opened.click(tie)
    assert opened.document.view.selection == {"emb", "fc"}
    unfold(opened, "Stored, but not used by any output")
    assert len(shown.lines) == SHOWN + 1
    assert "And 5 more: the exported report has them." in texts(shown)


def test_a_suggested_tie_is_one_step(opened, qtbot):
    qtbot.waitUntil(lambda: bool(panel(opened).offers))  # looked for beside the window
    (offer,) = panel(opened).offers
    assert "head.weight and emb.weight hold the same numbers, 30 × 8: 960 B are saved when they are tied." in texts(
        offer
    )
    assert offer.go.text() == "Tie"
    opened.click(offer.go)
    opened.settle()
    assert opened.undo_texts() == ["Tie head.weight to emb.weight"]
    assert opened.network.source_of(Port("head", "weight")) == Port("emb", "weight")
    assert (offer.go.text(), offer.go.isEnabled()) == ("Tied", False)
    opened.key(Qt.Key.Key_Z, CONTROL)
    assert (offer.go.text(), offer.go.isEnabled()) == ("Tie", True)


def test_a_tie_is_suggested_in_a_tree_of_values(desk, tmp_path, qtbot):
    weight = torch.randn(30, 8)
    save_file({"emb.weight": weight, "head.weight": weight.T.contiguous()}, tmp_path / "a.safetensors")
    desk.window.filing.open(tmp_path / "a.safetensors")
    qtbot.waitUntil(lambda: bool(panel(desk).offers), timeout=30_000)
    desk.settle()
    (offer,) = panel(desk).offers
    desk.click(offer.findChildren(Link)[0])
    assert desk.document.view.selection == {"emb", "head"}
    before = desk.network
    desk.click(offer.go)
    desk.settle()
    assert desk.undo_texts() == ["Tie head.weight to emb.weight"]
    assert desk.network.layer("head.weight") == Permute((1, 0))
    assert desk.network.source_of(Port("head.weight", "in")) == Port("emb.weight", "value")
    assert (offer.go.text(), offer.go.isEnabled()) == ("Tied", False)
    desk.key(Qt.Key.Key_Z, CONTROL)
    assert desk.network is before
    assert (offer.go.text(), offer.go.isEnabled()) == ("Tie", True)


def overlapping():
    enc, dec = nn.Linear(6, 3), nn.Linear(3, 6)
    dec.weight = nn.Parameter(enc.weight.t())
    return nn.Sequential(enc, dec).eval()


def fix_of(desk):
    """The line that offers to mend a false tie, and its button."""
    line = next(line for line in panel(desk).lines if "overlap in memory (18 of 18 numbers)" in line.note)
    return line, next(each for each in line.findChildren(QPushButton) if each.text() in ("Tie", "Separate"))


def test_a_false_tie_of_a_program_is_parted(desk, tmp_path, quick, qtbot):
    path = tmp_path / "false.pt2"
    torch.export.save(torch.export.export(overlapping(), (torch.zeros(2, 6),)), path)
    desk.window.filing.open(path)
    qtbot.waitUntil(lambda: desk.document.report is not None and desk.document.report.compared is not None)
    desk.settle()
    before = desk.network
    desk.click(fix_of(desk)[1])
    desk.settle()
    assert desk.undo_texts() == ["Give 1.weight numbers of its own"]
    assert desk.network.source_of(Port("1", "weight")) is None
    assert torch.equal(desk.network.values["1.weight"], before.values["0.weight"].T)
    desk.key(Qt.Key.Key_Z, CONTROL)
    desk.settle()
    assert desk.network is before


def test_a_false_tie_of_a_state_dict_is_made_a_true_one(desk, tmp_path, qtbot):
    torch.save(overlapping().state_dict(), tmp_path / "false.pt")
    desk.window.filing.open(tmp_path / "false.pt")
    qtbot.waitUntil(lambda: desk.document.report is not None and not desk.window.on_start)
    desk.settle()
    before = desk.network
    line, fix = fix_of(desk)
    desk.click(line)
    assert len(desk.document.view.selection) == 2
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_Return, CONTROL)
    desk.settle()
    assert desk.undo_texts() == ["Tie 1.weight to 0.weight"]
    assert desk.network.layer("1.weight") == Permute((1, 0))
    assert desk.told[-1] == "Tie 1.weight to 0.weight: done."
    assert (fix.text(), fix.isEnabled()) == ("Done", False)
    QTest.keyClick(line, Qt.Key.Key_Return, CONTROL)  # once more
    assert len(desk.undo_texts()) == 1
    desk.key(Qt.Key.Key_Z, CONTROL)
    desk.settle()
    assert desk.network is before
    assert fix.isEnabled()
    assert fix.text() != "Done"


def test_the_search_for_ties_ends_with_its_file(desk, saved, tied, monkeypatch, qtbot):
    begun, stopped = threading.Event(), threading.Event()

    def search(network):
        begun.set()
        try:
            while True:
                check()
        finally:
            stopped.set()

    monkeypatch.setattr(report, "suggested_ties", search)
    desk.window.filing.open(saved)
    qtbot.waitUntil(begun.is_set, timeout=30_000)
    desk.open(tied)
    qtbot.waitUntil(stopped.is_set)
    assert desk.window.suggesting.progress is None


def test_a_note_frees_a_size_in_one_step(desk, tied):
    fixed = tied.set("tokens", shape=("B", 7))
    desk.open(fixed)
    notes = (Note("the time of tokens is fixed at 7", ("tokens", "lstm"), "free_size"),)
    made = report.Report("torch.export", Path("tied.pt2"), {}, {}, {}, (), {}, notes, None)
    desk.document.open(fixed, "tied", None, None, made)
    desk.window.bottom.show_tab(REPORT)
    desk.settle()
    (line,) = panel(desk).lines
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_Return, CONTROL)
    desk.settle()
    assert desk.undo_texts() == ["Free the size of tokens"]
    assert desk.network.layer("tokens").shape == ("B", "T")
    desk.key(Qt.Key.Key_Z, CONTROL)
    desk.settle()
    desk.click(next(each for each in line.findChildren(QPushButton) if each.text() == "Free the size"))
    desk.settle()
    assert desk.network.layer("tokens").shape == ("B", "T")


def test_a_fix_that_lacks_its_ports_is_not_offered(opened):
    notes = (
        Note("no port", (), "separate"),
        Note("one port", (), "tie_view", ("fc/weight",)),
        Note("new", (), "later"),
    )
    for line in show(opened, notes=notes).lines:
        assert not line.findChildren(QPushButton)
        line.mend()
    assert not opened.undo_texts()


def test_the_report_is_kept_with_the_project(opened, tmp_path, monkeypatch, qtbot):
    show(opened, notes=(Note("kept", ("emb",)),))
    path = tmp_path / "kept.network"
    opened.window.filing.save_to(path)
    qtbot.waitUntil(path.exists)
    qtbot.waitUntil(lambda: not opened.window.filing.saving)
    other = opened.window.another()
    other.filing.open(path)
    qtbot.waitUntil(lambda: not other.on_start)
    other.docks.toggle_tab(REPORT)
    QApplication.processEvents()
    assert [str(line.note) for line in other.bottom.report.lines[:1]] == ["Kept."]
    assert other.bottom.report.said.full == "Compared with the original: max |difference| 3e-07 at output head."
    assert not other.isWindowModified()


def test_a_project_that_was_saved_before_the_search_ended_looks_for_ties_again(desk, saved, quick, tmp_path, qtbot):
    search = desk.window.suggesting.start
    desk.window.suggesting.start = lambda: None
    desk.window.filing.open(saved)
    qtbot.waitUntil(lambda: desk.document.report is not None and not desk.window.on_start, timeout=30_000)
    desk.window.suggesting.start = search
    path = tmp_path / "early.network"
    desk.window.filing.save_to(path)
    qtbot.waitUntil(lambda: not desk.window.filing.saving)
    other = desk.window.another()
    other.filing.open(path)
    qtbot.waitUntil(lambda: not other.on_start)
    other.docks.toggle_tab(REPORT)
    qtbot.waitUntil(lambda: bool(other.bottom.report.offers), timeout=30_000)
    assert [offer.go.text() for offer in other.bottom.report.offers] == ["Tie"]
    other.filing.save_to(path)
    qtbot.waitUntil(lambda: not other.filing.saving)
    kept = read_project(path).report
    assert [each.borrower for each in kept.known_suggestions] == ["head/weight"]
    assert kept.network is None, "nothing is left to be looked for"


def test_copy_and_export(opened, tmp_path, monkeypatch, qtbot):
    opened.click(opened.window.bottom.copy)
    assert QApplication.clipboard().text().startswith("# Import of model.pt2\n")
    QApplication.clipboard().clear()
    opened.window.actions_by_name["copy_report"].trigger()
    text = QApplication.clipboard().text()
    assert "| Ties | 1, saving 960 B |" in text
    path = tmp_path / "model.md"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    opened.click(opened.window.bottom.save)
    qtbot.waitUntil(path.exists)
    qtbot.waitUntil(lambda: "Exported model.md." in opened.told)
    assert path.read_text() == text


def test_keys_lead_there(opened):
    opened.window.bottom.show_tab(0)
    opened.key(Qt.Key.Key_6, CONTROL)
    assert opened.window.bottom.pages.currentIndex() == REPORT
    opened.select()
    opened.window.bottom.show_tab(0)
    link = next(link for link in opened.form.findChildren(Link) if link.text() == "Show report")
    opened.click(link)
    assert opened.window.bottom.pages.currentIndex() == REPORT


def test_without_an_import(desk, tied):
    desk.open(tied)
    desk.key(Qt.Key.Key_6, CONTROL)
    assert "This network was not imported" in texts(panel(desk))[0]
    assert not desk.window.bottom.copy.isVisible()
    desk.window.actions_by_name["copy_report"].trigger()
    desk.window.exporting.export("report")
    assert desk.refusals == ["This network was not imported, so there is no report of that."] * 2
    assert "report" not in desk.window.exporting.kinds
    assert not desk.form.report_fold.isVisible()
