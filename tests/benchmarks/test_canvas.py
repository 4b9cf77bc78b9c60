"""How long the canvas takes for 1,000 layers, against the items that NodeGraphQt brings."""

import statistics
import time

import pytest
from NodeGraphQt import BaseNode, NodeGraph
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from designer.gui import theme
from designer.gui.canvas import Canvas
from designer.gui.document import Document
from designer.layers import Dropout, Input, LayerNorm, Linear, ReLU
from designer.model import Network

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
COUNT, SIDE = 1000, 32
PLACES = [(240.0 * (n % SIDE), 136.0 * (n // SIDE)) for n in range(COUNT + 1)]


def network():
    kinds = [Linear(64), ReLU(), LayerNorm(), Dropout()]
    layers = {"x": Input(("B", 64))} | {f"l{n}": kinds[n % 4] for n in range(COUNT)}
    return Network().chain(**layers).move(dict(zip(layers, PLACES)))


def milliseconds(work, rounds=1):
    """Process time of one run: neighbours on the machine do not count."""
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


def stock_graph():
    graph = NodeGraph()
    graph.register_node(Stock)
    before = None
    for n, place in enumerate(PLACES):
        node = graph.create_node("stock.Stock", name=f"l{n}", pos=place, selected=False, push_undo=False)
        if before is not None:
            before.output(0).connect_to(node.input(0), push_undo=False)
        before = node
    return graph


def test_a_thousand_layers(qapp, capsys):
    theme.apply(qapp, theme.DARK)
    net, made = network(), []
    ours = milliseconds(lambda: made.append(Canvas(Document(net))))
    stock = milliseconds(lambda: made.append(stock_graph()))
    canvas, graph = made
    lines = [f"build {COUNT} layers: ours {ours:.0f} ms, stock {stock:.0f} ms"]
    canvas.widget.resize(1280, 800)
    graph.widget.resize(1280, 800)
    for widget in (canvas.widget, graph.widget):
        widget.show()
    QApplication.processEvents()
    frames = {}
    for zoom in (1.0, 0.5, 0.25, 0.1):
        canvas.view.set_camera(canvas.area().center(), zoom)
        viewer, center = graph.viewer(), canvas.area().center()
        width, height = 1280 / zoom, 800 / zoom
        viewer.set_scene_rect([center.x() - width / 2, center.y() - height / 2, width, height])
        QApplication.processEvents()

        def pan_ours():
            canvas.view.pan(QPointF(-7, 3))
            canvas.view.viewport().repaint()

        def pan_stock(viewer=viewer):
            viewer._set_viewer_pan(7, -3)
            viewer.viewport().repaint()

        frames[zoom] = milliseconds(pan_ours, 15), milliseconds(pan_stock, 15)
        lines.append(f"pan one frame at {zoom:.0%}: ours {frames[zoom][0]:.1f} ms, stock {frames[zoom][1]:.1f} ms")
    document = canvas.document
    edit = milliseconds(
        lambda: document.edit("Set", document.network.set("l4", out_features=65 + document.history.count())), 15
    )
    lines.append(f"draw one edit: ours {edit:.1f} ms")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert ours < stock
    assert frames[0.1][0] < frames[0.1][1]
    canvas.widget.close()
    graph.widget.close()
