"""A whole window in a session of its own, and the mouse and keyboard of a user."""

import functools
import gc
import importlib
import os
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QDrag, QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

import designer
from designer import write_pytorch
from designer.analysis import waiting
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.shown import Shown
from designer.gui.canvas.wire import WireItem
from designer.gui.main_window import MainWindow
from designer.gui.session import Session
from designer.layers import LSTM, Embedding, Input, Linear, Permute, Softmax
from designer.model import BUNDLE, Network, Port
from designer.model.names import join

NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton


SLOW = (
    ("designer.analysis", "analyze"),
    ("designer.source", "write_pytorch"),
    ("designer.source", "write_located"),
    ("designer.source", "build"),
    ("designer.source", "initialize"),
    ("designer.files", "import_pytorch"),
    ("designer.files", "load"),
    ("designer.files.project", "read_project"),
    ("designer.files.pt2", "read_program"),
    ("designer.files.imports", "open_recorded"),
    ("designer.files.compare", "compare"),
    ("designer.files.difference", "difference"),
    ("designer.files.suggestions", "suggested_ties"),
)


@pytest.fixture(scope="session", autouse=True)
def _collecting():
    """Nothing is collected in another thread, where the objects of Qt would die with it."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def _still(monkeypatch):
    """Nothing glides: what a gesture leads to is there at once."""
    monkeypatch.setattr("designer.gui.canvas.motion.wanted", lambda widget: False)


@pytest.fixture(autouse=True)
def _let_go(qapp):
    """No button stays pressed for the next test, as after a double click: nothing gets enter events."""
    yield
    if QApplication.mouseButtons() != Qt.MouseButton.NoButton:
        elsewhere = QWidget()
        for button in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton):
            QTest.mouseRelease(elsewhere, button)
    assert QApplication.mouseButtons() == Qt.MouseButton.NoButton


@pytest.fixture(scope="module", autouse=True)
def _collected(_collecting):
    yield
    gc.collect()


class Desk:
    """A window, its document, and what a user does to it."""

    def __init__(self, window, qtbot):
        self.window, self.qtbot, self.document = window, qtbot, window.document
        self.refusals, self.told = [], []
        self.document.refused.connect(self.refusals.append)
        self.document.told.connect(self.told.append)
        self.document.followed.connect(self.told.append)

    @property
    def network(self):
        return self.document.network

    @property
    def canvas(self):
        return self.window.canvas

    @property
    def form(self):
        return self.window.properties.form

    @property
    def table(self):
        return self.window.bottom.analyzer.table

    def open(self, network, name="untitled"):
        """Show a network, and wait until it is analyzed."""
        self.window.show_network(network, name)
        QApplication.processEvents()
        self.settle()
        self.canvas.fit(all=True)
        QApplication.processEvents()

    def settle(self):
        """Wait until edits that ask torch are made, and the numbers are those of the network."""
        document = self.document
        self.qtbot.waitUntil(lambda: not document.waiting and not document.stale, timeout=20_000)
        QApplication.processEvents()

    def select(self, *names):
        self.document.look(selection=frozenset(names))

    def setting(self, name):
        return next(setting.editor for setting in self.form.settings if setting.name == name)

    def type(self, field, text):
        """Replace the text of a field, and leave it with Enter."""
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)

    def click(self, widget, at=None):
        QTest.mouseClick(widget, LEFT, NONE, at or widget.rect().center())
        QApplication.processEvents()

    def key(self, key, modifiers=NONE, widget=None):
        self.window.activateWindow()  # without a window manager, a bubble at the pointer took that
        (widget or self.canvas.view).setFocus()
        QApplication.processEvents()
        QTest.keyClick(widget or self.canvas.view, key, modifiers)
        QApplication.processEvents()

    def undo_texts(self):
        history = self.document.history
        return [history.text(n) for n in range(history.index())]

    def cell(self, path, column):
        """Give the text of a cell of the analyzer."""
        from designer.gui.table import COLUMNS

        rows = self.table.rows
        return rows.index(rows.places[path], COLUMNS.index(column)).data()

    def shows(self, undo, stored, used, problems=()):
        """Check that every view shows the last step: document, canvas, analyzer, problems, code and undo."""
        self.settle()
        document, bottom, network = self.document, self.window.bottom, self.network
        assert self.undo_texts()[-1] == undo
        assert self.window.actions_by_name["undo"].text() == f"&Undo {undo[0].lower()}{undo[1:]}"
        assert _agrees(self.canvas)
        analysis = document.analysis
        assert analysis.network is network
        assert [problem.text for problem in analysis.problems] == list(problems)
        assert (analysis.stored, analysis.used) == (stored, used)
        least = "at least " if analysis.partial else ""
        assert bottom.counts["Stored"].full == f"{least}{stored:,}"
        assert bottom.counts["Used"].full == f"{least}{used:,}"
        assert [row.name for row in self.table.rows.known] == [row.name for row in analysis.rows]
        for row in analysis.rows:
            if row.known:
                assert self.cell(row.name, "Stored") == f"{row.stored:,}"
                assert self.cell(row.name, "Used") == f"{row.used:,}"
        bottom.show_tab(2)
        if problems:
            self.qtbot.waitUntil(lambda: bottom.code.why.text() == problems[0])
        else:
            source = write_pytorch(network)
            self.qtbot.waitUntil(lambda: bottom.code.source.toPlainText().strip() == source.strip())
        bottom.show_tab(0)
        QApplication.processEvents()

    # The library and the canvas.

    def library_line(self, title):
        """Give the place of a line of the library, scrolled into view."""
        tree = self.window.library.tree
        found = tree.findItems(title, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
        line = next(line for line in found if line.parent())  # categories have names of layers too
        line.parent().setExpanded(True)
        tree.scrollToItem(line)
        return tree.visualItemRect(line).center()

    def drag_from_library(self, title, at, monkeypatch):
        """Press a line of the library, move, and drop what it gives at a point of the canvas."""
        tree, view = self.window.library.tree, self.canvas.view.viewport()
        carried = []
        with monkeypatch.context() as patch:
            patch.setattr(QDrag, "exec", lambda drag, *_: carried.append(drag) or Qt.DropAction.CopyAction)
            start = self.library_line(title)
            QTest.mousePress(tree.viewport(), LEFT, NONE, start)
            for step in (6, 14, 30):
                QTest.mouseMove(tree.viewport(), start + QPoint(step, 0))
            QTest.mouseRelease(tree.viewport(), LEFT, NONE, start + QPoint(30, 0))
        (drag,) = carried
        assert not drag.pixmap().isNull()
        mime = drag.mimeData()
        for kind in (QDragEnterEvent, QDragMoveEvent):
            event = kind(at, Qt.DropAction.CopyAction, mime, LEFT, NONE)
            QApplication.sendEvent(view, event)
            assert event.isAccepted()
        QApplication.sendEvent(view, QDropEvent(QPointF(at), Qt.DropAction.CopyAction, mime, LEFT, NONE))
        QApplication.processEvents()

    def at(self, scene):
        return self.canvas.view.viewportTransform().map(scene).toPoint()

    def port(self, path, name, out=False):
        return self.at(self.canvas.node(path).port(name, out).anchor())

    def learnables_row(self, path):
        node = self.canvas.node(path)
        return self.at(node.pos() + QPointF(40, node.form.section + 12))

    def switch(self, path, name, offers):
        node = self.canvas.node(path)
        line = next(line for line in node.look.rows if line.names == (name,))
        return self.at(node.pos() + node.switch_rect(line, offers).center())

    def body(self, path):
        return self.at(self.canvas.node(path).pos() + QPointF(60, 12))

    def right(self, at):
        """Click with the right button on the canvas, and give the menu that opens."""
        view = self.canvas.view.viewport()
        QTest.mouseMove(view, at)
        QTest.mouseClick(view, Qt.MouseButton.RightButton, NONE, at)
        QApplication.processEvents()
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        return menu

    def choose(self, menu, *texts):
        """Click a line of a menu, or of a menu within it."""
        for text in texts:
            named = {action.text().replace("&", "").split("\t")[0]: action for action in menu.actions()}
            within = named[text].menu()
            QTest.mouseClick(menu, LEFT, NONE, menu.actionGeometry(named[text]).center())
            if within is not None:
                self.qtbot.waitUntil(within.isVisible)
                menu = within
        QApplication.processEvents()

    def drag(self, start, end):
        view = self.canvas.view.viewport()
        QTest.mouseMove(view, start)
        QTest.mousePress(view, LEFT, NONE, start)
        for step in range(1, 7):
            QTest.mouseMove(view, start + (end - start) * step / 6)
        QTest.mouseRelease(view, LEFT, NONE, end)
        QApplication.processEvents()


@pytest.fixture
def session(qapp, tmp_path):
    made = Session(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat), "dark")
    yield made
    for window in list(made.windows):
        window.document.history.setClean()
        window.close()
    made.stop()
    QApplication.sendPostedEvents(None, 0)
    QApplication.processEvents()


@pytest.fixture
def aside(monkeypatch):
    """Fail where a window analyzes, builds, writes or reads anything in its own thread."""
    gui = str(Path(designer.__file__).parent / "gui") + os.sep

    def guarded(call):
        @functools.wraps(call)
        def guard(*args, **kwargs):
            # An edit that is refused with MustWait is made beside the window.
            if threading.current_thread() is threading.main_thread() and not waiting.hurries():
                frame = sys._getframe(1)
                while frame is not None:
                    where = frame.f_code.co_filename
                    assert not where.startswith(gui), f"{call.__name__} in the window's thread, by {where}"
                    frame = frame.f_back
            return call(*args, **kwargs)

        return guard

    for home, name in SLOW:
        call = getattr(importlib.import_module(home), name)
        guard = guarded(call)
        for module in [module for at, module in list(sys.modules.items()) if at.partition(".")[0] == "designer"]:
            if vars(module).get(name) is call:
                monkeypatch.setattr(module, name, guard)


@pytest.fixture
def desk(session, qtbot, aside):
    """Give a shown window with torch loaded; in the end NodeGraphQt's own history must be empty."""
    window = MainWindow(session)
    window.resize(1440, 900)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)  # else its shortcuts sleep
    session.torch.load()
    qtbot.waitUntil(lambda: bool(session.torch.version), timeout=60_000)
    made = Desk(window, qtbot)
    yield made
    if window in session.windows and window.made_canvas:
        assert window.canvas.undo_stack().count() == 0


@pytest.fixture
def tied():
    return (
        Network()
        .chain(
            tokens=Input(("B", "T"), dtype="int64"),
            emb=Embedding(1000, 300, output_learnables=("weight",)),
            lstm=LSTM(300),
            fc=Linear(1000, input_learnables=("weight",)),
            probs=Softmax(),
        )
        .connect("emb/weight", "fc/weight")
    )


@pytest.fixture
def published():
    """Give the language model as it is published: the embedding stores columns, a permutation turns them to rows."""
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300, transposed=True, output_learnables=("weight",)),
        lstm=LSTM(300),
        fc=Linear(1000, input_learnables=("weight",)),
        probs=Softmax(),
    )
    return net.add(permute=Permute((1, 0))).connect("emb/weight", "permute/in").connect("permute/out", "fc/weight")


@pytest.fixture
def agrees():
    """Give a function that compares what a canvas shows with what its document says."""
    return _agrees


def _agrees(canvas):
    document, mirror = canvas.document, canvas.mirror
    network, view, analysis = document.network, document.view, document.analysis
    shown = network.network_at(view.path)
    paths = [join(view.path, name) for name in shown.layers]
    assert (list(canvas.model.nodes) and sorted(canvas.model.nodes) == sorted(paths)) or not paths
    assert sorted(mirror.nodes) == sorted(paths)
    assert canvas.view.down == shown.down
    learnable = network.learnable_ports
    outputs = {Port(at, name) for at in network.all for name in network.outputs_of(at)} | set(network.targets)
    outputs |= {Port(at, name) for at, layer in network.all.items() for name in layer.output_learnables}
    assert learnable == {port for port in outputs if network.is_learnable(port)}
    anew = Shown(view.path)
    anew.take(network, view, analysis)
    places = canvas.places()
    for path in paths:
        node = mirror.nodes[path]
        item = node.view
        wanted = anew.look(path)
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
    for node in canvas.all_nodes():
        for port in node.input_ports():
            for pipe, source in zip(port.view.connected_pipes, port.connected_ports(), strict=True):
                assert pipe.output_port is source.view
                drawn[port.view.look.port] = source.view.look.port
    assert drawn == wires
    assert {target: wire.source for target, wire in mirror.wires.items()} == wires
    for target, wire in mirror.wires.items():
        assert wire.learnable == (wire.source in learnable or wire.source.name == BUNDLE)
        assert (wire.label, wire.saves) == (anew.label(target, wire.source), anew.saves(target))
        assert wire.isSelected() == (str(target) in view.selection)
        assert wire.hidden == (str(target) in view.hidden)
        seen = wire.lit or wire.pointed or wire.isSelected()
        assert wire.path().isEmpty() == (wire.hidden and not seen)
        assert wire.ends == (wire.output_port.anchor(), wire.input_port.anchor())
        assert not wire.pulled
    told = {wire for node in canvas.nodes() for stub in node.stubs for wire in stub.wires}
    assert {Port.parse(name) for name in told} == {port for port in mirror.wires if str(port) in view.hidden}
    assert view.hidden <= set(map(str, network.wires))
    items = canvas.view.scene().items()
    assert sum(isinstance(item, NodeItem) for item in items) == len(paths)
    assert sum(isinstance(item, WireItem) for item in items) == len(wires)
    assert canvas.undo_stack().count() == 0
    assert canvas.view.gesture is None
    return True
