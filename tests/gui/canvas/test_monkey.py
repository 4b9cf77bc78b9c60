"""Random gestures: after each of them the scene shows what the document says, and undo leads all the way back."""

import random

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import align, arrange, distribute, group
from designer.edits.aligning import AXES, EDGES
from designer.gui import theme
from designer.gui.canvas.group_ports import label_rect
from designer.layers import (
    LSTM,
    Add,
    Concatenate,
    Dropout,
    Embedding,
    Input,
    Linear,
    MultiheadAttention,
    Parameter,
)
from designer.model import Call, Network

NONE = Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
KEYS = (
    *("Delete", "Backspace", "L", "T", "F", "Home", "Return", "Left", "Down", "Escape", "K"),
    *("M", "B", "Space", "Up", "Right", "L", "H"),
)
OPENING = (
    *((Qt.Key.Key_Tab,), (Qt.Key.Key_A, SHIFT), (Qt.Key.Key_A, CTRL | SHIFT), (Qt.Key.Key_C,)),
    *((Qt.Key.Key_I, SHIFT), (Qt.Key.Key_B, SHIFT)),
)
TEXTS = ("", "", "lin", "relu", "perm", "weight", "take", "in", "convv", "lstm", "call", "0")
TYPES = ("Linear", "ReLU", "Add", "Embedding", "Concatenate", "Permute", "Parameter", "Output", "Call", "LSTM")


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
    def __init__(self, stage, seed):
        self.it, self.random = stage, random.Random(seed)

    def somewhere(self):
        it, pick = self.it, self.random.random()
        nodes = it.canvas.nodes()
        if nodes and pick < 0.85:
            node = self.random.choice(nodes)
            ports = node.ports()
            if ports and pick < 0.45:
                return it.at(self.random.choice(ports).anchor())
            rows = [row for row in node.look.rows if row.switches] if node.look.unfolded else []
            if rows and pick < 0.65:
                row = self.random.choice(rows)
                return it.at(node.pos() + node.switch_rect(row, self.random.random() < 0.5).center())
            if pick < 0.72:
                return it.fold(node.look.path)
            labels = [port for port in node.ports() if port.look.label and node.look.kind == "group"]
            if labels and pick < 0.76:
                return it.at(node.pos() + label_rect(node, self.random.choice(labels)).center())
            return it.body(node.look.path)
        if self.random.random() < 0.3:
            level = self.random.choice([step for step in it.canvas.frame.path.steps if hasattr(step, "path")])
            return level.mapTo(it.canvas.frame, level.rect().center())
        size = it.view.viewport().size()
        return QPoint(self.random.randrange(size.width()), self.random.randrange(size.height()))

    def on_a_wire(self):
        wires = list(self.it.canvas.mirror.wires)
        return self.it.wire(str(self.random.choice(wires))) if wires else self.somewhere()

    def on_the_overview(self):
        """Click, drag or double-click where the whole network is seen in small."""
        seen = self.it.canvas.frame.overview
        if not seen.isVisible():
            return
        start, end = (QPoint(self.random.randrange(184), self.random.randrange(104)) for _ in range(2))
        if self.random.random() < 0.3:
            QTest.mouseDClick(seen, Qt.MouseButton.LeftButton, NONE, start)
            return
        QTest.mousePress(seen, Qt.MouseButton.LeftButton, NONE, start)
        QTest.mouseMove(seen, end)
        QTest.mouseRelease(seen, Qt.MouseButton.LeftButton, NONE, end)

    def put_in_line(self):
        """Align or distribute what is selected, or all that data reaches from there."""
        it, paths = self.it, self.it.canvas.selected_layers()
        sizes, edit = it.canvas.outlines(), self.random.choice((align, distribute))
        if len(paths) < 3:
            it.canvas.select_all()
            return
        drawn = {path: (it.canvas.node(path).x(), it.canvas.node(path).y()) for path in paths}
        how = {"to": self.random.choice(list(EDGES))} if edit is align else {"along": self.random.choice(list(AXES))}
        it.document.attempt("Put in line", lambda net: edit(net.move(drawn), *paths, sizes=sizes, **how))

    def hide_or_show(self):
        """Hide some wires, show some again, or press the label of one that is hidden."""
        it, wires = self.it, sorted(map(str, self.it.canvas.mirror.wires))
        stubs = [stub for node in it.canvas.nodes() for stub in node.stubs]
        if stubs and self.random.random() < 0.5:
            stub = self.random.choice(stubs)
            it.click(it.at(stub.pill.center() + stub.node.pos()))
            self.choose_in_box()
        elif wires:
            it.canvas.select(self.random.sample(wires, min(3, len(wires))))
            it.key(Qt.Key.Key_H, self.random.choice((NONE, NONE, SHIFT)))

    def arrange(self):
        """Arrange what is shown from top to bottom, or from left to right."""
        it, down = self.it, self.random.random() < 0.7
        sizes, path = it.canvas.outlines(down), it.document.view.path
        it.document.attempt("Arrange", lambda net: arrange(net, sizes, path, down=down))

    def choose_in_box(self):
        """Type into the box if one is open, and take what it finds or leave it."""
        box = self.it.canvas.frame.box
        while box.isVisible():
            QTest.keyClicks(box.field, self.random.choice(TEXTS))
            for _ in range(self.random.randrange(4)):
                keys = Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Delete, Qt.Key.Key_F2
                QTest.keyClick(box.field, self.random.choice(keys))
            leaves = self.random.random() < 0.4
            key = Qt.Key.Key_Escape if leaves else Qt.Key.Key_Return
            QTest.keyClick(box.field, key, self.random.choice((NONE, NONE, SHIFT)))
            QApplication.processEvents()

    def step(self):
        it, pick = self.it, self.random.random()
        modifiers = self.random.choice([Qt.KeyboardModifier.NoModifier] * 6 + [SHIFT, CTRL])
        if pick < 0.5:
            start, end = self.somewhere(), self.somewhere()
            button = Qt.MouseButton.RightButton if self.random.random() < 0.05 else Qt.MouseButton.LeftButton
            it.press(start, CTRL if button == Qt.MouseButton.RightButton else modifiers, button)
            it.move(start, end, 4)
            if self.random.random() < 0.1:
                it.key(Qt.Key.Key_Escape)
            it.release(end, modifiers, button)
            self.choose_in_box()
        elif pick < 0.63:
            it.click(self.somewhere(), modifiers)
        elif pick < 0.66:
            it.double_click(self.on_a_wire())
            self.choose_in_box()
        elif pick < 0.70:
            it.double_click(self.somewhere())
            self.choose_in_box()
        elif pick < 0.78:
            if self.random.random() < 0.3:
                it.key(*self.random.choice(OPENING))
                self.choose_in_box()
            else:
                it.key(getattr(Qt.Key, f"Key_{self.random.choice(KEYS)}"), self.random.choice((NONE, NONE, NONE, CTRL)))
        elif pick < 0.82:
            it.key(Qt.Key.Key_Return, SHIFT)
        elif pick < 0.87:
            anywhere = QPoint(self.random.randrange(900), self.random.randrange(500))
            it.drop(self.random.choice(TYPES), self.random.choice((anywhere, self.on_a_wire())))
        elif pick < 0.90:
            it.wheel(self.somewhere(), self.random.choice([-3, -1, 1, 2]), modifiers)
        elif pick < 0.91:
            self.on_the_overview()
        elif pick < 0.92:
            self.put_in_line()
        elif pick < 0.935:
            self.arrange()
        elif pick < 0.955:
            self.hide_or_show()
        elif pick < 0.96:
            theme.apply(it.app, self.random.choice([theme.DARK, theme.LIGHT]))
        else:
            for _ in range(self.random.randint(1, 4)):
                history = it.document.history
                (history.undo if self.random.random() < 0.6 else history.redo)()
        box, pictures = it.canvas.frame.box, it.canvas.choosing.pictures
        if box.isVisible() and box.field.placeholderText() == "Which shall be tied?":
            QTest.keyClick(box.field, self.random.choice([Qt.Key.Key_Return, Qt.Key.Key_Escape]))
        if pictures.isVisible():
            self.random.choice(pictures.cards).click()
        if not it.canvas.nodes() and not it.document.view.path:
            it.document.history.undo()


def play(stage, qapp, seed, steps):
    it = stage(network())
    it.app = qapp
    it.canvas.fold([path for path in it.canvas.mirror.nodes if it.canvas.node(path).look.unfolds])
    it.canvas.fit(all=True)
    monkey = Monkey(it, seed)
    for _ in range(steps):
        monkey.step()
        it.agrees()
        if monkey.random.random() < 0.2:
            it.view.grab()
    end, steps_back = it.network, it.document.history.index()
    it.document.history.setIndex(0)
    it.agrees()
    it.document.history.setIndex(steps_back)
    it.agrees()
    assert it.network == end
    theme.apply(qapp, theme.DARK)


@pytest.mark.parametrize("seed", range(2))
def test_random_gestures(stage, qapp, seed):
    play(stage, qapp, seed, 60)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 112))
def test_many_random_gestures(stage, qapp, seed):
    play(stage, qapp, seed, 500)
