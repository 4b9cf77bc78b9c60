"""How long the canvas takes for 1,000, 5,000 and 10,000 layers, against the items that NodeGraphQt brings.

Times are those of the process: neighbours on the machine do not count. Goals were set on a machine where the stock
items take 5 s for 1,000 layers, 1.4 s for 300; on a slower one they are as much longer as the stock items are at the
time, since the speed of shared machines changes by the minute. These items cannot be built at 10,000 layers in any
patience, so there ours stand beside their own time at 1,000.
"""

import gc
import itertools
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from NodeGraphQt import BaseNode, NodeGraph
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer import group
from designer.analysis import analyze
from designer.edits.deletion import delete
from designer.gui import theme
from designer.gui.canvas import Canvas
from designer.gui.document import Document
from designer.layers import Dropout, Group, Input, LayerNorm, Linear, Output, ReLU
from designer.model import Network

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
STOCK = 1.4  # seconds for 300 layers of stock items without their undo commands, where the goals were set
BUILD = {1_000: 400, 5_000: 2_000, 10_000: 4_500}  # milliseconds, as all that follow
FAR, NEAR = 16, {1_000: 16, 5_000: 18, 10_000: 20}
DRAG, EDIT, ENTER, UNDO = 20, 5, 150, 300
MEMORY = 150  # MB
LINEAR = 1.3  # of ten times the layers: at most so many times ten times the time
TURNS = 3  # of which the middle one counts: machines that others use too go at half their speed for seconds
KINDS = [Linear(64), ReLU(), LayerNorm(), Dropout()]


def network(count):
    """A chain laid in rows, as a snake."""
    side = round(count**0.5)
    layers = {"x": Input(("B", 64))} | {f"l{n}": KINDS[n % 4] for n in range(count - 1)}
    places = {name: (240.0 * (n % side), 136.0 * (n // side)) for n, name in enumerate(layers)}
    return Network().chain(**layers).move(places)


def grouped(count, each):
    """Groups in a row, each with so many layers in a row."""
    inside = {"x": Input()} | {f"l{n}": KINDS[n % 4] for n in range(each - 2)} | {"y": Output()}
    return Network().chain(x=Input(("B", 64)), **{f"g{n}": Group(Network().chain(**inside)) for n in range(count)})


def milliseconds(work, rounds=1):
    """Process time of one run, the median of some."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


class Stock(BaseNode):
    __identifier__ = "stock"
    NODE_NAME = "layer"

    def __init__(self):
        super().__init__()
        self.add_input("in")
        self.add_output("out")


def stock_graph(count):
    graph = NodeGraph()
    graph.register_node(Stock)
    before = None
    for n, (name, place) in enumerate(network(count).positions.items()):
        node = graph.create_node("stock.Stock", name=name, pos=place, selected=False, push_undo=False)
        if before is not None:
            before.output(0).connect_to(node.input(0), push_undo=False)
        before = node
        assert n < count
    return graph


@pytest.fixture(scope="module", autouse=True)
def collected_when_nobody_waits():
    """As in the app, where ``Collecting`` does it; for the stock items too."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="module")
def stock(qapp):
    """Graphs of stock items and how long they took, by their number of layers."""
    made = {}
    for count in (300, 1_000):
        graphs = []
        took = milliseconds(lambda count=count, graphs=graphs: graphs.append(stock_graph(count)))
        made[count] = graphs[0], took
    return made


@pytest.fixture
def slower(stock):
    """How many times longer things take here and now than where the goals were set."""
    made = []
    took = milliseconds(lambda: made.append(stock_graph(300))) / 1000
    made[0].widget.deleteLater()
    return max(1.0, took / STOCK)


@pytest.fixture(scope="module")
def canvases(qapp):
    """Canvases, their documents and how long they took to build, by their number of layers."""
    theme.apply(qapp, theme.DARK)
    made = {}
    for count in BUILD:
        net, built = network(count), []
        gc.collect()
        took = milliseconds(lambda net=net, built=built: built.append(Canvas(Document(net))))
        built[0].widget.resize(1280, 800)
        built[0].widget.show()
        QApplication.processEvents()
        made[count] = built[0], took
    gc.collect()  # it would come some time after; not in what is measured next
    return made


def told(capsys, *lines):
    with capsys.disabled():
        print("\n" + "\n".join(lines))


def test_build(canvases, stock, slower, capsys):
    lines = [f"stock items: build {count:,} layers {took:.0f} ms" for count, (_, took) in stock.items()]
    lines += [f"build {n:,} layers: {took:.0f} ms (goal {BUILD[n] * slower:.0f})" for n, (_, took) in canvases.items()]
    ours = {count: took for count, (_, took) in canvases.items()}
    lines.append(f"10,000 beside ten times 1,000: {ours[10_000] / ours[1_000] / 10:.2f} (goal {LINEAR})")
    told(capsys, *lines)
    assert ours[1_000] < stock[1_000][1] / 5
    assert ours[10_000] <= 10 * ours[1_000] * LINEAR
    assert all(ours[count] <= goal * slower for count, goal in BUILD.items())


def pan(canvas):
    canvas.view.pan(QPointF(-7, 3))
    canvas.view.viewport().repaint()


def wheel(canvas, steps):
    canvas.view.zoom_at(next(steps), QPointF(640, 400))
    canvas.view.viewport().repaint()


def in_and_out():
    while True:
        yield 1.15
        yield 1 / 1.15


def test_frames(canvases, stock, slower, capsys):
    lines = []
    for count in (300, 1_000):
        graph = stock[count][0]
        graph.widget.resize(1280, 800)
        graph.widget.show()
        viewer, area = graph.viewer(), graph.viewer().scene().itemsBoundingRect()
        rects = {"fit all": area.getRect(), "zoom 1": (area.center().x() - 640, area.center().y() - 400, 1280, 800)}
        for what, rect in rects.items():
            viewer.set_scene_rect(list(rect))
            QApplication.processEvents()

            def pan_stock(viewer=viewer):
                viewer._set_viewer_pan(7, -3)
                viewer.viewport().repaint()

            lines.append(f"stock items, {count:,} layers, {what}: pan {milliseconds(pan_stock, 9):.1f} ms")
        graph.widget.hide()
    turns, goals = {}, {}
    for _ in range(TURNS):
        for count, (canvas, _) in canvases.items():
            for what, goal in (("fit all", FAR), ("zoom 1", NEAR[count])):
                if what == "fit all":
                    canvas.fit(all=True, at_once=True)
                else:
                    canvas.view.set_camera(canvas.area().center(), 1.0)
                QApplication.processEvents()
                pan(canvas)
                steps = in_and_out()
                frames = {
                    "pan": milliseconds(lambda canvas=canvas: pan(canvas), 15),
                    "wheel": milliseconds(lambda canvas=canvas, steps=steps: wheel(canvas, steps), 14),
                }
                for how, median in frames.items():
                    frame = f"{count:,} layers, {what}: {how}"
                    goals[frame] = goal * slower
                    turns.setdefault(frame, []).append(median)
    took = {frame: statistics.median(medians) for frame, medians in turns.items()}
    lines += [f"{frame} {median:.1f} ms (goal {goals[frame]:.1f})" for frame, median in took.items()]
    late = {frame: median for frame, median in took.items() if median > goals[frame]}
    told(capsys, *lines)
    assert not late


class Paints(QObject):
    """How often a widget was painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched, event):
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_drag_one(canvases, slower, capsys):
    canvas = canvases[10_000][0]
    canvas.view.set_camera(canvas.area().center(), 1.0)
    QApplication.processEvents()
    middle = canvas.view.visible().center()
    node = min(canvas.nodes(), key=lambda node: (node.frame.center() - middle).manhattanLength())
    view = canvas.view.viewport()
    start = canvas.view.viewportTransform().map(node.frame.topLeft() + QPointF(60, 36)).toPoint()
    QTest.mouseMove(view, start)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    frames, paints = [], Paints(view)
    for step in range(1, 16):
        spot = start + QPoint(4 * step, 2 * step)

        def move(spot=spot):
            QTest.mouseMove(view, spot)
            QApplication.processEvents()

        frames.append(milliseconds(move))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot)
    QApplication.processEvents()
    took = statistics.median(frames)
    assert paints.count >= len(frames)
    told(capsys, f"drag one of 10,000: {took:.1f} ms a frame (goal {DRAG * slower:.1f})")
    assert canvas.document.history.count() == 1
    canvas.document.history.undo()
    assert took <= DRAG * slower


def test_one_edit_shown(canvases, slower, capsys):
    canvas = canvases[1_000][0]
    document = canvas.document
    took = milliseconds(
        lambda: document.edit("Set", document.network.set("l4", out_features=65 + document.history.count())), 15
    )
    told(capsys, f"one edit of 1,000 layers shown: {took:.1f} ms (goal {EDIT * slower:.1f})")
    assert took <= EDIT * slower


def test_the_first_analysis_shown(qapp, capsys):
    """All nodes and wires say what it tells: beside the time that building them took, in the same run."""
    net = network(10_000)
    analysis, built = analyze(net), []
    gc.collect()
    building = milliseconds(lambda: built.append(Canvas(Document(net))))
    canvas = built[0]
    canvas.widget.resize(1280, 800)
    canvas.widget.show()
    QApplication.processEvents()

    def shown():
        canvas.document.take_analysis(analysis)
        QApplication.processEvents()

    took = milliseconds(shown)
    told(capsys, f"the first analysis of 10,000 layers shown: {took / building:.2f} of building them (goal 0.5)")
    assert took <= building / 2


def test_enter_a_group(qapp, slower, capsys):
    net = group(network(1_000), [f"l{n}" for n in range(100, 400)], "block")
    turns = []
    for _ in range(TURNS):
        canvas = Canvas(Document(net))
        canvas.widget.resize(1280, 800)
        canvas.widget.show()
        QApplication.processEvents()
        gc.collect()
        QTest.qWait(500)  # until the other canvases have nothing left to do

        def enter(canvas=canvas):
            canvas.enter("block")
            QApplication.processEvents()
            canvas.view.viewport().repaint()

        turns.append(milliseconds(enter))
        assert len(canvas.nodes()) >= 300
        canvas.widget.close()
    took = statistics.median(turns)
    told(capsys, f"enter a group of 300 layers: {took:.0f} ms (goal {ENTER * slower:.0f})")
    assert took <= ENTER * slower


def test_undo_of_deleting_a_thousand(canvases, slower, capsys):
    document = canvases[10_000][0].document
    gone = [f"l{n}" for n in range(4_000, 5_000)]

    def undo():
        document.history.undo()
        QApplication.processEvents()

    turns = []
    for _ in range(TURNS):
        document.edit("Delete", delete(document.network, *gone)[0])
        QApplication.processEvents()
        gc.collect()  # it would walk through the stock items too
        turns.append(milliseconds(undo))
    took = statistics.median(turns)
    told(capsys, f"undo of deleting 1,000 of 10,000: {took:.0f} ms (goal {UNDO * slower:.0f})")
    assert took <= UNDO * slower


def test_memory(capsys):
    """In a process of its own: what 10,000 layers add to one that shows ten."""
    code = f"""
import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}
import pathlib
from PySide6.QtWidgets import QApplication
app = QApplication([])
import test_canvas as here
def held():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1])
small = here.Canvas(here.Document(here.network(10)))
before = held()
net = here.network(10_000)
model = held()
large = here.Canvas(here.Document(net))
print(model - before, held() - model)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True)
    page = resource.getpagesize()
    model, items = (int(word) * page / (1 << 20) for word in done.stdout.split()[-2:])
    told(capsys, f"memory at 10,000 layers: {items:.0f} MB (goal {MEMORY}), model {model:.0f} MB")
    assert 0 < items <= MEMORY


def test_edits_of_ten_thousand_with_the_table(slower, capsys, benchmark):
    """Edits of the wiring and of a property, until the table stands: only what differs is asked anew."""
    net, folded = network(10_000), grouped(100, 100)
    spare, inner = net.add(extra=Linear(64)), folded.add(**{"g50.extra": Linear(64)})
    wired = spare.connect("l5000", "extra")
    edits = itertools.count(1)
    made = {
        "connect": (spare, lambda n: spare.connect(f"l{9_990 - n}", "extra")),
        "disconnect": (wired, lambda n: wired.disconnect("extra")),
        "adding a layer": (net, lambda n: net.add(**{f"more{n}": Linear(64)})),
        "connect in a group": (inner, lambda n: inner.connect(f"g50.l{n % 90}", "g50.extra")),
        "property edit": (net, lambda n: net.set("l5003", p=0.5 + n / 1000)),
    }
    took = {}
    for name, (before, edit) in made.items():
        times = []
        for n in itertools.islice(edits, 9):
            analyze(before)
            times.append(milliseconds(lambda: len(analyze(edit(n)).rows)))  # noqa: B023
        took[name] = min(times), statistics.median(times)
    alone = milliseconds(lambda: spare.connect(f"l{9_990 - next(edits)}", "extra"), 9)
    benchmark.pedantic(lambda: analyze(net.set("l5003", p=0.2 + next(edits) / 1000)), rounds=3, iterations=1)
    goals = {"connect": 10 * slower, "property edit": 40 * slower}
    shown = {name: f" (goal {goal:.1f})" for name, goal in goals.items()}
    lines = [
        f"{name} at 10,000 layers with the table: {median:.1f} ms{shown.get(name, '')}, best {best:.1f} ms"
        for name, (best, median) in took.items()
    ]
    told(capsys, *lines, f"connect at 10,000 layers alone: {alone:.2f} ms")
    assert took["property edit"][1] <= goals["property edit"]
    assert took["connect"][1] <= goals["connect"]
