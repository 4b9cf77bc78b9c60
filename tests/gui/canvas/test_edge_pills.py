"""Ties that leave the view say where they lead, and a click goes there."""

import pytest
from PySide6.QtCore import QPointF, QRectF

from designer import tie
from designer.gui.canvas.edge_pills import leaving
from designer.layers import Embedding, Input, Linear, ReLU
from designer.model import Network, Port


@pytest.fixture
def wide(stage):
    """A tie over thirty layers, its owner in view."""
    middle = {f"l{n}": ReLU() for n in range(30)}
    net = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 8), **middle, head=Linear(50))
    it = stage(tie(net, "emb/weight", "head/weight"))
    it.view.set_camera(it.canvas.node("emb").frame.center() + QPointF(200, 0), 1.0)
    return it


def test_the_end_that_is_out_of_view(wide):
    (end,) = wide.canvas.edge_pills.pills()
    assert end.path == "head"
    room = QRectF(wide.view.viewport().rect())
    assert room.contains(end.rect)
    assert end.rect.right() > room.right() - 40
    wide.canvas.widget.grab()


def test_a_click_goes_there_and_back(wide):
    wide.click(wide.canvas.edge_pills.pills()[0].rect.center().toPoint())
    assert wide.canvas.selection == {"head"}
    assert wide.view.visible().intersects(wide.canvas.node("head").frame)
    (back,) = wide.canvas.edge_pills.pills()
    assert back.path == "emb"
    assert back.rect.left() < 40
    wide.click(back.rect.center().toPoint())
    assert wide.canvas.selection == {"emb"}


def test_none_where_both_ends_are_seen_or_ties_are_off_or_all_is_far(wide):
    wide.document.look(ties="off")
    assert wide.canvas.edge_pills.pills() == []
    wide.document.look(ties="all")
    wide.canvas.fit(all=True)
    assert wide.canvas.edge_pills.pills() == []
    wide.view.set_camera(wide.canvas.node("emb").frame.center(), 0.3)
    assert wide.canvas.edge_pills.pills() == []


def test_several_do_not_lie_on_each_other(stage):
    middle = {f"l{n}": ReLU() for n in range(12)}
    net = Network().chain(x=Input(("B", "T"), dtype="int64"), emb=Embedding(50, 8), **middle)
    for n in range(4):
        net = net.chain("l11", **{f"head{n}": Linear(50)})
        net = tie(net, "emb/weight", f"head{n}/weight")
    it = stage(net)
    it.view.set_camera(it.canvas.node("emb").frame.center(), 1.0)
    ends = it.canvas.edge_pills.pills()
    assert {end.path for end in ends} == {f"head{n}" for n in range(4)}
    assert not any(a.rect.intersects(b.rect) for a in ends for b in ends if a is not b)


def test_the_second_click_of_a_double_click_does_nothing_there(wide):
    wide.double_click(wide.canvas.edge_pills.pills()[0].rect.center().toPoint())
    assert wide.canvas.selection == {"head"}
    assert not wide.canvas.frame.box.isVisible()


def test_both_ends_of_a_tie_that_passes(wide):
    wide.view.set_camera(wide.canvas.node("l15").frame.center(), 1.0)
    owner, borrower = sorted(wide.canvas.edge_pills.pills(), key=lambda end: end.rect.x())
    assert (owner.path, borrower.path) == ("emb", "head")
    room = QRectF(wide.view.viewport().rect())
    assert owner.rect.left() < 40
    assert borrower.rect.right() > room.right() - 40
    assert abs(owner.rect.y() - borrower.rect.y()) < 2  # on the lane
    wide.click(borrower.rect.center().toPoint())
    assert wide.canvas.selection == {"head"}
    lane = wide.canvas.mirror.wires[Port("head", "weight")].path().boundingRect().bottom()
    wide.view.set_camera(QPointF(wide.canvas.node("l15").frame.center().x(), lane - 2000), 1.0)
    assert wide.canvas.edge_pills.pills() == []  # it passes far below


def test_a_label_is_not_covered(wide):
    wire = wide.canvas.mirror.wires[Port("head", "weight")]
    label = wire.pill_rect()
    assert not label.isEmpty()
    width = wide.view.viewport().width()
    wide.view.set_camera(label.center() - QPointF(width / 2 - 60, 0), 1.0)  # at the right edge
    shown = wide.view.viewportTransform().mapRect(label)
    assert {end.path for end in wide.canvas.edge_pills.pills()} == {"emb", "head"}
    assert not any(end.rect.intersects(shown) for end in wide.canvas.edge_pills.pills())


@pytest.mark.parametrize(
    ("points", "at"),
    [
        ([(-5, 5), (25, 5)], (10, 5)),
        ([(5, 5), (5, 25)], (5, 10)),
        ([(2, 2), (8, 8)], (8, 8)),
        ([(-5, -5), (-5, 15), (15, 15)], None),
        ([(-5, 5), (10, 5), (10, 50)], (10, 10)),
        ([(-1, 8), (4, 13)], (1, 10)),
        ([(5, 5), (5, 5), (-15, 5), (5, 5)], (0, 5)),
        ([(-9, 5), (-9, 5)], None),
    ],
)
def test_where_a_way_leaves(points, at):
    found = leaving([QPointF(*point) for point in points], QRectF(0, 0, 10, 10))
    assert (found and found.toTuple()) == at
