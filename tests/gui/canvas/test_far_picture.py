"""A map that was panned looks as if it were drawn anew; a stretched one soon does."""

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from designer.edits import group, tie
from designer.gui import theme
from designer.gui.canvas import far_picture
from designer.layers import Add, Input, Linear
from designer.model import Network


@pytest.fixture
def far(stage):
    """Give a network of some rows, seen from afar."""
    layers = {f"fc{n}": Linear(8) for n in range(120)}
    net = Network().chain(x=Input(("B", 8)), **layers)
    net = net.move({name: (240.0 * (n % 12), 136.0 * (n // 12)) for n, name in enumerate(net.layers)})
    it = stage(tie(group(net, ["fc3", "fc4"], "block"), "fc0/weight", "fc119/weight", permute=()))
    it.view.set_camera(it.canvas.area().center(), 0.3)
    QApplication.processEvents()
    return it


def shown(it):
    return it.view.viewport().grab().toImage()


def anew(it):
    """The picture with the map drawn now."""
    it.view.far._of = ()
    return shown(it)


def drawings(it, monkeypatch):
    """A list that grows with each drawing of the map."""
    drawn, draw = [], it.view.far._draw
    monkeypatch.setattr(it.view.far, "_draw", lambda *args: drawn.append(args) or draw(*args))
    return drawn


@pytest.mark.parametrize("zoom", [0.03, 0.12, 0.2, 0.39])
@pytest.mark.parametrize("step", [QPointF(-7, 3), QPointF(61, -40), QPointF(-500, 0)])
def test_panning_moves_the_picture(far, zoom, step):
    far.view.set_camera(far.canvas.area().center(), zoom)
    shown(far)
    for _ in range(4):
        far.view.pan(step)
        assert shown(far) == anew(far)


def test_panning_draws_nothing_again(far, monkeypatch):
    far.view.set_camera(far.canvas.area().center(), 0.2)
    shown(far)
    drawn = drawings(far, monkeypatch)
    for _ in range(12):
        far.view.pan(QPointF(-40, 25))
        shown(far)
    assert not drawn
    far.view.set_camera(far.view.center, far.view.zoom * 1.15)
    shown(far)
    assert len(drawn) == 1


def test_lines_far_around_the_layers_are_drawn(stage):
    """Ways that nest pile up, without a limit."""
    half = 60
    layers = {f"fc{n}": Linear(8) for n in range(half)} | {f"add{n}": Add() for n in range(half)}
    net = Network().chain(x=Input(("B", 8)), **layers)
    for n in range(half):
        net = net.connect(f"fc{half - 1 - n}", f"add{n}/1")
    it = stage(net.move({name: (240.0 * n, 0.0) for n, name in enumerate(net.layers)}))
    it.view.set_camera(it.canvas.area().center(), 0.05)
    picture = shown(it)
    view = it.view
    wanted = QImage(picture.size(), QImage.Format.Format_RGB32)
    painter = QPainter(wanted)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setTransform(view.viewportTransform())
    view.drawBackground(painter, view.scene_rect_of(view.viewport().rect()))
    view.map.paint(painter, view.theme, view.zoom, True)
    painter.end()
    differ = [
        (x, y)
        for x in range(picture.width())
        for y in range(60, picture.height() - 60)  # the pills lie over the edges
        if picture.pixelColor(x, y).lightness() + 12 < wanted.pixelColor(x, y).lightness()
    ]
    assert not differ
    assert view.map.lines_area.height() > it.canvas.area().height() + 400


def test_what_changes_is_drawn_anew(far, qapp):
    changes = [
        lambda: far.document.edit("Move", far.network.move({"fc60": (2000.0, 700.0)})),
        lambda: far.document.edit("Remove", far.network.remove("fc61")),
        lambda: far.document.edit("Cut", far.network.disconnect("fc119/weight")),
        lambda: far.document.history.undo(),
        lambda: far.document.look(ties="off"),
        lambda: far.canvas.enter("block"),
        lambda: far.canvas.enter(""),
        lambda: theme.apply(qapp, theme.LIGHT),
    ]
    before = shown(far)
    for change in changes:
        change()
        QApplication.processEvents()
        now = shown(far)
        assert now != before, changes.index(change)
        assert now == anew(far), changes.index(change)
        before = now


def test_what_changes_while_nothing_is_in_view_is_drawn_anew_too(far):
    before = shown(far)
    there = far.view.center
    far.view.set_camera(QPointF(90_000, 0), far.view.zoom)
    shown(far)
    far.document.edit("Remove", far.network.remove("fc61"))
    shown(far)
    far.view.set_camera(there, far.view.zoom)
    now = shown(far)
    assert now != before
    assert now == anew(far)


def test_the_wheel_stretches_what_takes_long_to_draw_and_it_is_sharp_again(far, qtbot, monkeypatch):
    monkeypatch.setattr(far_picture, "MANY", 100)
    shown(far)
    view, drawn = far.view, drawings(far, monkeypatch)
    for factor in (1.15, 1.15, 1 / 1.15, 1.15):
        view.zoom_at(factor, QPointF(300, 200))
        shown(far)
        assert view.far._zoom != view.zoom
    assert not drawn
    stretched = shown(far)
    qtbot.waitUntil(lambda: view.far._zoom == view.zoom)
    assert len(drawn) == 1
    sharp = shown(far)
    assert sharp != stretched
    assert sharp == anew(far)
    blocks = [node.frame.center() for node in far.canvas.nodes()]
    seen = [view.viewportTransform().map(at).toPoint() for at in blocks]
    seen = [at for at in seen if view.viewport().rect().contains(at)]
    assert len(seen) > 30
    assert all(sharp.pixelColor(at) == stretched.pixelColor(at) for at in seen[::7])


def test_a_picture_is_stretched_to_its_double_at_most(far, monkeypatch):
    monkeypatch.setattr(far_picture, "MANY", 100)
    far.view.set_camera(far.canvas.area().center(), 0.08)
    shown(far)
    far.view.set_camera(far.view.center, 0.17)
    shown(far)
    assert far.view.far._zoom == 0.17


def test_zooming_out_never_leaves_out_what_was_not_in_view(far, monkeypatch):
    monkeypatch.setattr(far_picture, "MANY", 100)
    view = far.view
    view.set_camera(QPointF(), 0.35)
    shown(far)
    for _ in range(6):
        view.zoom_at(1 / 1.15, QPointF(10, 10))
        shown(far)
        assert view.far._area.contains(view.visible() & far.canvas.area())
    assert view.far._zoom != view.zoom  # once all of the network is on it, it serves


def test_few_layers_are_drawn_at_once(far):
    shown(far)
    far.view.zoom_at(1.1, QPointF(300, 200))
    shown(far)
    assert far.view.far._zoom == far.view.zoom
    assert not far.view.far._late.isActive()
