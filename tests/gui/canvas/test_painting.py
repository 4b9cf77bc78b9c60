"""Painting: at every zoom, in both themes, in every state, without a complaint; and what must be seen is there."""

from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtWidgets import QApplication

from designer.edits import freeze, group, tie
from designer.gui import theme
from designer.gui.canvas import map as maps
from designer.gui.canvas.form import WIDE, form
from designer.gui.canvas.routes import Lanes
from designer.gui.canvas.routes import tie as tie_route
from designer.gui.drawing import text_width
from designer.layers import LSTM, Add, Conv2d, Embedding, Input, Linear, Operation, Output, Parameter, ReLU
from designer.model import Call, Group, Network


def everything():
    """Every kind and state of node and wire."""
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300, output_learnables=("weight",)),
        lstm=LSTM(300, num_layers=2, bidirectional=True, output_learnables=("weight_hh_l0",)),
        fc=Linear(300),
        logits=Output(),
    )
    net = net.add(x=Input(("B", 784)), enc=Linear(64), dec=Linear(784), free=Parameter((64, 784)), left=Linear(64))
    net = net.connect("x", "enc").connect("enc", "dec").connect("x", "left")
    net = tie(tie(net, "enc/weight", "dec/weight"), "free/value", "left/weight", permute=())
    net = net.add(open=Linear(10, input_learnables=("weight",)), broken=Conv2d(8), frozen=Linear(4), add=Add())
    net = freeze(net.connect("x", "frozen").connect("x", "broken"), "frozen")
    net = net.add(with_a_name_that_is_much_too_long_for_any_node_to_show_in_full=ReLU())
    return (
        group(net, ["enc", "dec", "permute"], "block").add(again=Call()).connect("block/learnables", "again/learnables")
    )


@pytest.mark.parametrize("colors", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_every_zoom_and_state_paints(stage, qapp, colors):
    it = stage(everything())
    theme.apply(qapp, colors)
    it.canvas.fold([path for path in it.canvas.mirror.nodes if it.canvas.node(path).look.unfolds])
    it.canvas.fold_names("lstm", "l0")
    for selection in (set(), {"emb", "lstm/in"}, {"left/weight"}):
        it.canvas.select(selection)
        for ties in ("all", "selected", "off"):
            it.document.look(ties=ties)
            for zoom in (0.03, 0.14, 0.16, 0.3, 0.41, 0.6, 0.71, 1.0, 2.5):
                it.canvas.zoom_to(zoom)
                picture = it.canvas.widget.grab().toImage()
                assert colors.canvas.name() in {
                    picture.pixelColor(x, y).name() for x in (2, 300, 700) for y in range(60, 640, 4)
                }
    theme.apply(qapp, theme.DARK)


def test_the_theme_changes_while_the_canvas_is_shown(stage, qapp, language_model):
    it = stage(language_model)
    place = it.title("fc") + QPoint(100, -10)

    def color():
        return it.view.viewport().grab().toImage().pixelColor(place).name()

    assert color() == theme.DARK.node.name()
    theme.apply(qapp, theme.LIGHT)
    assert color() == theme.LIGHT.node.name()
    theme.apply(qapp, theme.DARK)
    assert color() == theme.DARK.node.name()


def test_live_wires_and_sentences_paint(stage, language_model):
    it = stage(language_model.set("emb", output_learnables=("weight",)))
    for start, end in (
        (it.port("emb", "weight", out=True), it.body("fc")),
        (it.port("lstm", "out", out=True), it.port("emb", "in")),
        (it.empty(), it.body("probs")),
    ):
        for zoom in (1.0, 0.3):
            it.press(start)
            it.move(start, end)
            it.canvas.zoom_to(zoom)
            it.view.grab()
            it.key(Qt.Key.Key_Escape)
            it.release(end)
            it.canvas.fit(all=True)


def test_a_tick_puts_the_diamond_on_the_edge_beside_it(stage, language_model):
    it = stage(language_model)
    it.canvas.fold(["fc"])
    it.click(it.switch("fc", "weight", offers=True))
    it.click(it.switch("fc", "bias", offers=False))
    node = it.canvas.node("fc")
    for name, out, edge in (("weight", True, node.form.width), ("bias", False, 0.0)):
        row = next(row for row in node.look.rows if row.names == (name,))
        at = node.port(name, out).pos()
        assert at == QPointF(edge, node.switch_rect(row, out).center().y())


def test_a_lone_data_port_sits_in_the_middle_of_the_header(stage, language_model):
    it = stage(language_model)
    it.canvas.fold(["emb", "lstm", "fc"])
    assert {it.canvas.node(path).form.inputs["in"].y() for path in ("emb", "lstm", "fc", "probs")} == {22}


def test_nodes_are_between_112_and_280_wide_in_steps_of_8(stage):
    it = stage(everything())
    it.canvas.fold([path for path in it.canvas.mirror.nodes if it.canvas.node(path).look.unfolds])
    widths = {node.look.name: form(node.look).width for node in it.canvas.nodes() if node.look.kind != "capsule"}
    assert all(112 <= width <= WIDE and width % 8 == 0 for width in widths.values())
    assert widths["with_a_name_that_is_much_too_long_for_any_node_to_show_in_full"] == WIDE


def test_operations_are_named_in_full(stage):
    it = stage(Network().chain(x=Input(("B", 8)), roll=Operation("roll", arguments=(("port", "in"), (1,), (-1,)))))
    assert it.canvas.node("roll").look.subtitle.startswith("aten::roll")


def test_a_tie_runs_in_a_lane_below_what_it_passes(stage, qtbot):
    net = Network().chain(
        x=Input(("B", 64)),
        a=Linear(64, output_learnables=("weight",)),
        b=LSTM(64),
        c=Linear(64, input_learnables=("weight",)),
    )
    net = net.connect("a/weight", "c/weight").move({"x": (0, 0), "a": (200, 0), "b": (480, 0), "c": (760, 0)})
    it = stage(net)
    it.canvas.fold(["b"])
    QApplication.processEvents()
    (wire,) = (wire for wire in it.canvas.mirror.wires.values() if wire.learnable)
    for frame in (it.canvas.node("b").frame, it.canvas.node("a").frame):
        assert wire.path().boundingRect().bottom() >= frame.bottom() + 16
    lane = wire.path().pointAtPercent(0.5)
    assert not it.view.frames_in(wire.path().boundingRect().adjusted(30, lane.y(), -30, 0))
    start = it.body("b")
    it.drag(start, start + QPoint(0, -300))
    qtbot.waitUntil(lambda: wire.path().pointAtPercent(0.5).y() < lane.y())


def test_names_of_groups_do_not_lie_on_each_other(stage, monkeypatch):
    """From very far they would."""
    block = Group(Network().chain(x=Input(), fc=Linear(8), y=Output()))
    net = Network().chain(x=Input(("B", 8)), **{f"block_{n}": block for n in range(40)})
    it = stage(net.move({name: (200.0 * (n % 10), 100.0 * (n // 10)) for n, name in enumerate(net.layers)}))
    for zoom in (0.03, 0.14):
        said = []
        monkeypatch.setattr(
            maps, "draw_text", lambda _, x, y, text, *args, said=said, **more: said.append((x, y, text))
        )
        it.view.set_camera(it.canvas.area().center(), zoom)
        it.view.viewport().repaint()
        assert said[0][2] == "block_0"
        assert len(said) < 40
        boxes = [QRectF(x - text_width(text, 11, 600) / 2, y - 9, text_width(text, 11, 600), 9) for x, y, text in said]
        assert not any(one.intersects(other) for one, other in combinations(boxes, 2))


def test_lanes_keep_their_distance_and_wires_from_one_port_share():
    lanes = Lanes()
    lanes.take("a", "owner", 0, 500, 240.0)
    assert lanes.free("owner", 100, 700, 240.0)
    assert not lanes.free("other", 100, 700, 240.0)
    assert not lanes.free("other", 100, 700, 229.0)
    assert lanes.free("other", 100, 700, 252.0)
    assert lanes.free("other", 900, 1000, 240.0)
    lanes.take("b", "owner", -5000, 5000, 240.0)
    assert not lanes.free("other", 900, 1000, 240.0)
    lanes.leave("b")
    lanes.leave("a")
    assert lanes.free("other", 100, 700, 240.0)


def test_a_tie_goes_straight_where_nothing_lies_between():
    free = tie_route(QPointF(0, 0), QPointF(200, 0), 50, lambda rect: [], lambda y: y)
    assert free.path.elementCount() == 2
    back = tie_route(QPointF(200, 0), QPointF(0, 0), 50, lambda rect: [], lambda y: y)
    assert back.path.boundingRect().bottom() == pytest.approx(74)


def test_from_afar_the_canvas_reaches_its_edges(stage, qapp):
    theme.apply(qapp, theme.LIGHT)
    it = stage(Network().chain(x=Input(("B", 8)), fc=Linear(8)))
    it.canvas.zoom_to(0.1)
    picture = it.view.viewport().grab().toImage()
    right, bottom = picture.width() - 1, picture.height() - 1
    corners = [
        picture.pixelColor(*at).name() for at in ((0, bottom), (right, 0), (right, bottom), (right - 1, bottom // 2))
    ]
    assert corners == [theme.LIGHT.canvas.name()] * 4
