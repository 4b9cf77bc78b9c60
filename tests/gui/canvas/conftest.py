"""A canvas in a window, with the mouse that real users have; after every test it must agree with its document."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow

from designer.analysis import analyze
from designer.gui import theme
from designer.gui.canvas import Canvas
from designer.gui.document import Document
from designer.gui.mime import layer_mime
from designer.layers import LSTM, Embedding, Input, Linear, Softmax
from designer.model import Network, Port

NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


class Stage:
    """A document, its canvas, and a mouse."""

    def __init__(self, network, agrees):
        self.agrees = lambda: agrees(self.canvas)
        self.document = Document(network)
        self.canvas = Canvas(self.document)
        self.view = self.canvas.view
        self.refusals, self.told = [], []
        self.document.refused.connect(self.refusals.append)
        self.document.told.connect(self.told.append)
        self.document.changed.connect(self.analyze)
        self.analyzes = True
        self.analyze()

    @property
    def network(self):
        return self.document.network

    def analyze(self):
        if self.analyzes:
            self.document.take_analysis(analyze(self.document.network))

    def undo_texts(self):
        history = self.document.history
        return [history.text(n) for n in range(history.index())]

    # Where things are, in pixels of the viewport.

    def at(self, scene):
        return self.view.viewportTransform().map(scene).toPoint()

    def port(self, path, name, out=False):
        return self.at(self.canvas.node(path).port(name, out).anchor())

    def body(self, path):
        node = self.canvas.node(path)
        return self.at(node.pos() + QPointF(node.form.width - 30, 40 if node.form.height > 40 else 14))

    def title(self, path):
        return self.at(self.canvas.node(path).pos() + QPointF(46, 16))

    def fold(self, path):
        node = self.canvas.node(path)
        return self.at(node.pos() + QPointF(40, node.form.section + 12))

    def switch(self, path, name, offers):
        node = self.canvas.node(path)
        row = next(row for row in node.look.rows if row.names == (name,))
        return self.at(node.pos() + node.switch_rect(row, offers).center())

    def wire(self, target):
        return self.at(self.canvas.mirror.wires[Port.parse(target)].path().pointAtPercent(0.35))

    def empty(self):
        area = self.canvas.area()
        return self.at(area.bottomLeft() + QPointF(-30, 90))

    # What the mouse does.

    def click(self, at, modifiers=NONE, button=LEFT):
        QTest.mouseMove(self.view.viewport(), at)
        QTest.mouseClick(self.view.viewport(), button, modifiers, at)
        QApplication.processEvents()

    def double_click(self, at):
        viewport = self.view.viewport()
        self.click(at)
        QTest.mouseDClick(viewport, LEFT, NONE, at)
        QTest.mouseRelease(viewport, LEFT, NONE, at)
        QApplication.processEvents()

    def press(self, at, modifiers=NONE, button=LEFT):
        QTest.mouseMove(self.view.viewport(), at)
        QTest.mousePress(self.view.viewport(), button, modifiers, at)

    def move(self, start, end, steps=6):
        for n in range(1, steps + 1):
            QTest.mouseMove(self.view.viewport(), start + (end - start) * n / steps)
        QApplication.processEvents()

    def release(self, at, modifiers=NONE, button=LEFT):
        QTest.mouseRelease(self.view.viewport(), button, modifiers, at)
        QApplication.processEvents()

    def drag(self, start, end, modifiers=NONE, button=LEFT):
        self.press(start, modifiers, button)
        self.move(start, end)
        self.release(end, modifiers, button)

    def wheel(self, at, notches=1, modifiers=NONE):
        place = QPointF(at)
        event = QWheelEvent(
            place,
            QPointF(self.view.viewport().mapToGlobal(at)),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.view.viewport(), event)

    def drop(self, type_name, at, **properties):
        mime, viewport = layer_mime(type_name, properties), self.view.viewport()
        for event in (
            QDragEnterEvent(at, Qt.DropAction.CopyAction, mime, LEFT, NONE),
            QDragMoveEvent(at, Qt.DropAction.CopyAction, mime, LEFT, NONE),
        ):
            QApplication.sendEvent(viewport, event)
            assert event.isAccepted()
        QApplication.sendEvent(viewport, QDropEvent(QPointF(at), Qt.DropAction.CopyAction, mime, LEFT, NONE))
        QApplication.processEvents()

    def key(self, key, modifiers=NONE):
        QTest.keyClick(self.view, key, modifiers)
        QApplication.processEvents()


@pytest.fixture
def stage(qapp, qtbot, agrees):
    """Give a function that opens a network on a canvas."""
    if theme.current() is not theme.DARK or not qapp.styleSheet():
        theme.apply(qapp, theme.DARK)
    opened = []

    def open_(network=None, size=(1200, 700)):
        made = Stage(network if network is not None else Network(), agrees)
        window = QMainWindow()
        window.setCentralWidget(made.canvas.widget)
        window.resize(*size)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        QApplication.processEvents()
        made.window = window
        opened.append(made)
        return made

    yield open_
    for made in opened:
        QApplication.processEvents()
        assert made.agrees()


@pytest.fixture
def language_model():
    return Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300),
        lstm=LSTM(300),
        fc=Linear(1000),
        probs=Softmax(),
    )
