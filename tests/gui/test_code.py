"""The code panel: the source of the network, live, and which layer each line is written for."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from designer import write_pytorch
from designer.gui import theme
from designer.layers import Input, Linear, Output, ReLU
from designer.model import Group, Network

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def code(desk):
    """Give a function that opens a network with its source shown."""

    def show(network):
        desk.open(network)
        desk.window.bottom.show_tab(2)
        wait(desk)
        return desk.window.bottom.code

    return show


def wait(desk):
    panel = desk.window.bottom.code
    desk.settle()
    shown = desk.network if desk.network.all else None
    desk.qtbot.waitUntil(lambda: (panel.asked.network if panel.asked else None) is shown)
    desk.qtbot.wait(30)


def marked(panel):
    lines = panel.source.text.splitlines()
    return [lines[n].strip() for n in sorted(panel.source.marked)]


def line_with(panel, text):
    return next(n for n, line in enumerate(panel.source.text.splitlines()) if text in line)


def click(panel, line):
    panel.source.reveal(line)
    place = dict(panel.source.shown_lines())[line]
    QTest.mouseClick(panel.source.viewport(), LEFT, pos=QPoint(120, round(place.center().y())))


def test_the_source_is_that_of_the_export_and_follows_edits(desk, code, tied):
    panel = code(tied)
    assert panel.source.text == write_pytorch(tied)
    assert panel.source.toPlainText() + "\n" == panel.source.text
    desk.document.edit("Set hidden_size of lstm", tied.set("lstm", hidden_size=300, num_layers=2))
    wait(desk)
    assert panel.source.text == write_pytorch(desk.network)
    assert panel.source.toPlainText() + "\n" == panel.source.text
    desk.document.history.undo()
    wait(desk)
    assert panel.source.toPlainText() + "\n" == write_pytorch(tied)


def test_a_selected_layer_lights_its_lines(desk, code, tied):
    panel = code(tied)
    desk.select("fc")
    assert marked(panel) == [
        "self.fc = nn.Linear(300, 1000)",
        "self.fc.weight = None  # emb.weight",
        "fc = F.linear(lstm, self.emb.weight, self.fc.bias)  # B, T, 1000",
    ]
    desk.select("fc", "probs")
    assert marked(panel)[-1] == "probs = fc.softmax(-1)"
    seen = panel.source.shown_lines()
    place = next(place for line, place in seen if line == min(panel.source.marked))
    image = panel.source.viewport().grab().toImage()
    assert image.pixelColor(image.width() - 20, round(place.center().y())) == QColor(theme.current().selection)
    desk.select()
    assert marked(panel) == []


def test_a_click_on_a_line_selects_its_layer(desk, code, tied):
    panel = code(tied)
    for text, path in (
        ("self.lstm = ", "lstm"),
        ("fc = F.linear", "fc"),
        ("self.emb = ", "emb"),
        ("def forw", "tokens"),
    ):
        click(panel, line_with(panel, text))
        assert desk.document.view.selection == {path}
    click(panel, line_with(panel, "super().__init__()"))
    assert desk.document.view.selection == {"tokens"}


def test_enter_on_a_line_selects_its_layer(desk, code, tied):
    panel = code(tied)
    click(panel, line_with(panel, "self.emb = "))
    QTest.keyClick(panel.source, Qt.Key.Key_Down)
    QTest.keyClick(panel.source, Qt.Key.Key_Return)
    assert desk.document.view.selection == {"lstm"}


def test_marking_text_selects_no_layer(desk, code, tied):
    panel = code(tied)
    desk.select("probs")
    place = dict(panel.source.shown_lines())[panel.source.firstVisibleBlock().blockNumber() + 1]
    view, y = panel.source.viewport(), round(place.center().y())
    QTest.mousePress(view, LEFT, pos=QPoint(20, y))
    QTest.mouseMove(view, QPoint(160, y))
    QTest.mouseRelease(view, LEFT, pos=QPoint(160, y))
    assert panel.source.textCursor().hasSelection()
    assert desk.document.view.selection == {"probs"}


def test_layers_of_a_group_have_the_lines_of_its_class(desk, code):
    inner = Network().chain(x=Input(), fc=Linear(8), act=ReLU(), out=Output())
    panel = code(Network().chain(x=Input(("B", 8)), h0=Group(inner), h1=Group(inner), head=Linear(2)))
    desk.document.look(path="h1", selection=frozenset({"h1.fc"}))
    assert marked(panel) == ["self.fc = nn.Linear(8, 8)", "fc = self.fc(x)"]
    desk.document.look(path="", selection=frozenset({"h0"}))
    assert marked(panel) == ["class H(nn.Module):", "self.h0 = H()", "h0 = self.h0(x)"]
    click(panel, line_with(panel, "F.relu"))
    assert (desk.document.view.path, desk.document.view.selection) == ("h0", {"h0.act"})
    click(panel, line_with(panel, "F.relu"))
    assert (desk.document.view.path, desk.document.view.selection) == ("h1", {"h1.act"})


def test_an_error_ends_the_source(desk, code, tied):
    panel = code(tied.disconnect("fc/in"))
    assert panel.why.text() == "fc has nothing on its input 'in'."
    assert panel.icon.isVisible()
    assert panel.source.text.splitlines()[-1].strip() == "..."
    assert panel.source.stop == len(panel.source.text.splitlines()) - 1
    click(panel, panel.source.stop)
    assert desk.document.view.selection == {"fc"}
    desk.document.edit("Connect", tied)
    wait(desk)
    assert not panel.head.isVisible()
    assert panel.source.stop is None
    assert panel.source.text == write_pytorch(tied)


def test_nothing_to_write(desk, code):
    panel = code(Network())
    assert panel.why.text() == "There is nothing to write yet."
    assert not panel.icon.isVisible()
    assert panel.source.text == ""


def test_copy_and_save(desk, code, tied, tmp_path, monkeypatch):
    code(tied)
    desk.click(desk.window.bottom.copy)
    assert QGuiApplication.clipboard().text() == write_pytorch(tied)
    file = tmp_path / "model.py"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    desk.click(desk.window.bottom.save)
    desk.qtbot.waitUntil(file.exists)
    desk.qtbot.waitUntil(lambda: "Exported model.py." in desk.told)
    assert Path(file).read_text().startswith(write_pytorch(tied))


def test_words_have_the_colours_of_the_theme(desk, code, tied):
    panel = code(tied)
    for name in ("dark", "light"):
        desk.window.session.choose_theme(name)
        desk.qtbot.wait(30)
        assert colors(panel, "class Net")["class"] == theme.current().accent
        assert colors(panel, "self.fc.weight = None")["# emb.weight"] == theme.current().learn_text


def colors(panel, line):
    """Give the colour of each word of a line that has one."""
    block = panel.source.document().findBlockByNumber(line_with(panel, line))
    styles = block.layout().formats()
    return {block.text()[each.start :][: each.length]: each.format.foreground().color() for each in styles}
