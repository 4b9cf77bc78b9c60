"""Random gestures over the whole window: after each of them every view shows what the document says."""

import random

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDesktopServices, QDrag, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
)

from designer.edits import group
from designer.gui.mime import layer_mime
from designer.layers import LSTM, Add, Concatenate, Dropout, Embedding, Input, Linear, MultiheadAttention, Parameter
from designer.model import Call, Network

NONE, LEFT, RIGHT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
KEYS = (
    "Delete Backspace L T F Home Return Left Right Down Up Escape Tab C K M J B F2 F3 F8 F6 A H Slash PageDown Space "
    "Enter End Plus"
).split()
WITH_CTRL = "A C V X D G L T F R Z Y J Left Right Up Down Delete Return Space 1 2 3 4 5 0 Plus Minus".split()
TYPES = ("Linear", "ReLU", "Add", "Embedding", "Concatenate", "Permute", "Parameter", "Output", "Call", "LSTM")
TEXTS = ("7", "300", "-1", "0", "fc", "x y", "lin", "tied", "", "1e9", "B, T", "weight", "16", "(2, 3)", "0.5")
# These leave the window or end it.
LEAVE = {"new", "open", "import", "import_code", "close", "quit", "about", "full_screen", "save", "save_as"}


def network():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(40, 16, output_learnables=("weight",)),
        lstm=LSTM(16, num_layers=2),
        attn=MultiheadAttention(4, cross=True),
        fc=Linear(16),
        drop=Dropout(),
        head=Linear(40, input_learnables=("weight",)),
    )
    net = (
        net.set("fc", output_learnables=("weight",))
        .connect("emb/weight", "head/weight")
        .connect("lstm", "attn/key")
        .connect("lstm", "attn/value")
    )
    net = (
        net.add(add=Add(), cat=Concatenate(), free=Parameter((16, 16))).connect("fc", "add/0").connect("drop", "add/1")
    )
    net = net.add(again=Call()).connect("lstm/learnables", "again/learnables").connect("lstm", "again/in")
    return group(net, ["fc", "drop"], "block")


class Monkey:
    """Somebody who clicks anything."""

    def __init__(self, desk, agrees, seed):
        self.desk, self.agrees, self.random = desk, agrees, random.Random(seed)
        self.window, self.document = desk.window, desk.document
        self.done = ""

    @property
    def viewport(self):
        return self.desk.canvas.view.viewport()

    def somewhere(self):
        """Give a point of the canvas: a port, a switch, a row, a node, a wire, or anything."""
        desk, pick = self.desk, self.random.random()
        nodes = desk.canvas.nodes()
        if nodes and pick < 0.85:
            node = self.random.choice(nodes)
            ports = node.ports()
            if ports and pick < 0.4:
                return desk.at(self.random.choice(ports).anchor())
            rows = [row for row in node.look.rows if row.switches] if node.look.unfolded else []
            if rows and pick < 0.6:
                row = self.random.choice(rows)
                return desk.at(node.pos() + node.switch_rect(row, self.random.random() < 0.5).center())
            if pick < 0.7:
                return desk.learnables_row(node.look.path)
            return desk.at(node.pos() + QPointF(self.random.choice([14, 50, node.form.width - 20]), 16))
        wires = list(desk.canvas.mirror.wires.values())
        if wires and pick < 0.93:
            return desk.at(self.random.choice(wires).path().pointAtPercent(0.4))
        return QPoint(self.random.randrange(self.viewport.width()), self.random.randrange(self.viewport.height()))

    def step(self):
        choices = (
            [self.drag_on_canvas] * 8
            + [self.click_on_canvas] * 5
            + [self.double_click] * 2
            + [self.menu] * 2
            + [self.key] * 5
            + [self.press_button] * 6
            + [self.type_in_field] * 5
            + [self.click_in_list] * 3
            + [self.command] * 3
            + [self.arrange]
            + [self.drop_layer] * 2
            + [self.history] * 3
        )
        doing = self.random.choice(choices)
        self.done = doing.__name__
        before = self.document.history.index()
        doing()
        QApplication.processEvents()
        self.desk.qtbot.waitUntil(lambda: not self.document.waiting, timeout=20_000)
        self.close_popups()
        if doing != self.history:  # a double-click on a switch is two clicks
            assert self.document.history.index() <= before + 1 + (doing == self.double_click), f"{self.done}: two steps"

    def drag_on_canvas(self):
        start, end = self.somewhere(), self.somewhere()
        modifiers = self.random.choice([NONE] * 6 + [SHIFT, CTRL])
        QTest.mousePress(self.viewport, LEFT, modifiers, start)
        for step in range(1, 5):
            QTest.mouseMove(self.viewport, start + (end - start) * step / 4)
        QApplication.processEvents()
        if self.random.random() < 0.1:
            QTest.keyClick(self.desk.canvas.view, Qt.Key.Key_Escape)
        QTest.mouseRelease(self.viewport, LEFT, modifiers, end)

    def click_on_canvas(self):
        modifiers = self.random.choice([NONE] * 4 + [SHIFT, CTRL])
        QTest.mouseClick(self.viewport, LEFT, modifiers, self.somewhere())

    def double_click(self):
        at = self.somewhere()
        QTest.mouseClick(self.viewport, LEFT, NONE, at)
        QTest.mouseDClick(self.viewport, LEFT, NONE, at)
        QTest.mouseRelease(self.viewport, LEFT, NONE, at)

    def menu(self):
        QTest.mouseClick(self.viewport, RIGHT, NONE, self.somewhere())

    def key(self):
        """Press a key, or one with Ctrl, where the keyboard is, most often on the canvas."""
        if self.random.random() < 0.8:
            self.desk.canvas.view.setFocus()
        widget = QApplication.focusWidget() or self.desk.canvas.view
        if self.random.random() < 0.6:
            QTest.keyClick(widget, getattr(Qt.Key, f"Key_{self.random.choice(KEYS)}"))
        else:
            modifiers = self.random.choice([CTRL, CTRL | SHIFT])
            QTest.keyClick(widget, getattr(Qt.Key, f"Key_{self.random.choice(WITH_CTRL)}"), modifiers)

    def widgets(self, *kinds):
        found = []
        for window in QApplication.topLevelWidgets():
            if window.isVisible():
                found += [w for kind in kinds for w in window.findChildren(kind) if w.isVisible() and w.isEnabled()]
        return [widget for widget in found if widget is not self.desk.canvas.view]

    def press_button(self):
        if buttons := self.widgets(QAbstractButton):
            button = self.random.choice(buttons)
            self.done = f"press {button.accessibleName() or button.text()}"
            QTest.mouseClick(button, LEFT, NONE, button.rect().center())

    def type_in_field(self):
        if fields := self.widgets(QLineEdit):
            field = self.random.choice(fields)
            self.done = f"type in {field.accessibleName()}"
            field.setFocus()
            field.selectAll()
            QTest.keyClicks(field, self.random.choice(TEXTS))
            end = self.random.choice([Qt.Key.Key_Return, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Tab])
            QTest.keyClick(field, end)
            self.desk.canvas.view.setFocus()  # what was typed is taken now, not with the next gesture

    def click_in_list(self):
        if lists := self.widgets(QAbstractItemView):
            shown = self.random.choice(lists)
            self.done = f"click in {shown.accessibleName()}"
            at = QPoint(self.random.randrange(shown.viewport().width() or 1), self.random.randrange(120))
            QTest.mouseClick(shown.viewport(), LEFT, self.random.choice([NONE, NONE, SHIFT, CTRL]), at)
            if self.random.random() < 0.3:
                QTest.keyClick(shown, self.random.choice([Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Return]))

    def command(self):
        commands = self.window.actions_by_name | self.window.made_canvas.commands
        name = self.random.choice(sorted(set(commands) - LEAVE))
        self.done = f"command {name}"
        commands[name].trigger()

    def arrange(self):
        """Arrange what is shown from top to bottom, or from left to right."""
        name = self.random.choice(["arrange_down", "arrange_down", "arrange_right", "arrange"])
        self.window.actions_by_name[name].trigger()

    def drop_layer(self):
        mime = layer_mime(self.random.choice(TYPES), {})
        at = QPointF(self.random.randrange(self.viewport.width()), self.random.randrange(self.viewport.height()))
        QApplication.sendEvent(self.viewport, QDropEvent(at, Qt.DropAction.CopyAction, mime, LEFT, NONE))

    def history(self):
        for _ in range(self.random.randint(1, 4)):
            self.desk.key(Qt.Key.Key_Z, CTRL if self.random.random() < 0.6 else CTRL | SHIFT)

    def close_popups(self):
        """Choose from a menu that is open, or leave it; leave what else is in front."""
        while isinstance(menu := QApplication.activePopupWidget(), QMenu):
            able = [a for a in menu.actions() if a.isEnabled() and not a.menu() and a.objectName() not in LEAVE]
            if able and self.random.random() < 0.7:
                action = self.random.choice(able)
                self.done += f" > {action.text()}"
                menu.close()
                action.trigger()
            else:
                menu.close()
            QApplication.processEvents()
        popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if popup is not None and self.random.random() < 0.5:
            QTest.keyClick(popup.focusWidget() or popup, self.random.choice([Qt.Key.Key_Return, Qt.Key.Key_Escape]))
            QApplication.processEvents()
        for dialog in QApplication.topLevelWidgets():
            in_front = isinstance(dialog, QDialog) or dialog is QApplication.activePopupWidget()
            if dialog.isVisible() and in_front and self.random.random() < 0.5:
                dialog.close()
        if not self.desk.network.all and not self.document.view.path:
            self.document.history.undo()
        if not self.window.isActiveWindow():
            self.window.activateWindow()


def play(desk, agrees, monkeypatch, seed, steps):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([], ""))
    monkeypatch.setattr(QMessageBox, "exec", lambda box: QMessageBox.StandardButton.Cancel)
    monkeypatch.setattr(QDrag, "exec", lambda *_: Qt.DropAction.IgnoreAction)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: True)
    monkeypatch.setattr(QMenu, "exec", lambda menu, *_: menu.popup(QPoint()))
    desk.open(network())
    desk.canvas.fold([path for path in desk.canvas.mirror.nodes if desk.canvas.node(path).look.unfolds])
    desk.canvas.fit(all=True)
    monkey = Monkey(desk, agrees, seed)
    for number in range(steps):
        monkey.step()
        try:
            agrees(desk.canvas)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step {number}: {monkey.done}") from error
        if monkey.random.random() < 0.05:
            desk.settle()
            lines(desk)
        if monkey.random.random() < 0.05:
            desk.window.grab()
    desk.canvas.view.setFocus()
    QApplication.processEvents()
    desk.settle()
    lines(desk)
    history, end = desk.document.history, desk.network
    index = history.index()
    while history.canUndo():
        history.undo()
        agrees(desk.canvas)
    assert desk.network == network()
    while history.index() < index:
        history.redo()
        agrees(desk.canvas)
    assert desk.network == end


def lines(desk):
    """The table has a line for each layer, unless only some are asked for."""
    if not desk.table.rows.words:
        assert {row.name for row in desk.table.rows.known} == set(desk.network.all)


@pytest.mark.parametrize("seed", range(2))
def test_random_gestures(desk, agrees, monkeypatch, seed):
    play(desk, agrees, monkeypatch, seed, 200)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_random_gestures(desk, agrees, monkeypatch, seed):
    play(desk, agrees, monkeypatch, seed, 260)
