"""A canvas in a window, with the mouse that real users have; after every test it must agree with its document."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow

from designer.analysis import analyze
from designer.gui import theme
from designer.gui.canvas import Canvas
from designer.gui.canvas import look as looks
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.wire import WireItem
from designer.gui.document import Document
from designer.gui.mime import layer_mime
from designer.layers import LSTM, Embedding, Input, Linear, Softmax
from designer.model import BUNDLE, Group, Network, Port
from designer.model.names import join

NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


class Stage:
    """A document, its canvas, and a mouse."""

    def __init__(self, network):
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

    # Whether the scene shows the document.

    def agrees(self):
        network, view, analysis, mirror = self.network, self.document.view, self.document.analysis, self.canvas.mirror
        shown = network.network_at(view.path)
        paths = [join(view.path, name) for name in shown.layers]
        assert (list(self.canvas.model.nodes) and sorted(self.canvas.model.nodes) == sorted(paths)) or not paths
        assert sorted(mirror.nodes) == sorted(paths)
        learnable = looks.learnable_ports(network)
        outputs = {Port(at, name) for at in network.all for name in network.outputs_of(at)} | set(network.targets)
        outputs |= {Port(at, name) for at, layer in network.all.items() for name in layer.output_learnables}
        assert learnable == {port for port in outputs if network.is_learnable(port)}
        outside = mirror._find_outside(network)
        crossings = looks.crossings(shown, network, view.path, outside)
        troubles = looks.troubles(analysis)
        places = self.canvas._places()
        for path in paths:
            node = mirror.nodes[path]
            item = node.view
            name = path.rpartition(".")[2]
            wanted = looks.look(
                network,
                path,
                view,
                analysis,
                learnable=learnable,
                trouble=troubles.get(path, ("", ())),
                crossing=crossings.get(name, looks.Crossing())
                if isinstance(shown.layers[name], Group)
                else looks.Crossing(),
                beyond=frozenset(port for wire in outside.items() for port in wire),
            )
            assert item.look == wanted, path
            assert (item.x(), item.y()) == places[path], path
            assert [port.name for port in item.inputs] == [port.name() for port in node.input_ports()]
            assert [port.name for port in item.outputs] == [port.name() for port in node.output_ports()]
            assert [port.name for port in item.inputs] == [port.name for port in wanted.inputs]
            assert [port.name for port in item.outputs] == [port.name for port in wanted.outputs]
            assert all(port.pos() == item.form.inputs[port.name] for port in item.inputs)
            assert all(port.pos() == item.form.outputs[port.name] for port in item.outputs)
            assert item.isSelected() == (path in view.selection)
            assert item.mark == ""
            assert not any(port.fits for port in item.ports())
        wires = {t.above(view.path): s.above(view.path) for t, s in shown.connections.items()}
        drawn = {}
        for node in self.canvas.all_nodes():
            for port in node.input_ports():
                for pipe, source in zip(port.view.connected_pipes, port.connected_ports(), strict=True):
                    assert pipe.output_port is source.view
                    drawn[port.view.look.port] = source.view.look.port
        assert drawn == wires
        assert {target: wire.source for target, wire in mirror.wires.items()} == wires
        for target, wire in mirror.wires.items():
            assert wire.learnable == (wire.source in learnable or wire.source.name == BUNDLE)
            assert wire.label == mirror._label_of(wire)
            assert wire.isSelected() == (str(target) in view.selection)
            assert not wire.pulled
        items = self.view.scene().items()
        assert sum(isinstance(item, NodeItem) for item in items) == len(paths)
        assert sum(isinstance(item, WireItem) for item in items) == len(wires)
        assert self.canvas.undo_stack().count() == 0
        assert self.view.gesture is None
        return True


@pytest.fixture
def stage(qapp, qtbot):
    """Give a function that opens a network on a canvas."""
    if theme.current() is not theme.DARK or not qapp.styleSheet():
        theme.apply(qapp, theme.DARK)
    opened = []

    def open_(network=None, size=(1200, 700)):
        made = Stage(network if network is not None else Network())
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
