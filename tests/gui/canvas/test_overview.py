"""The overview: it comes while something is out of view, and moves the view by a click or a drag."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from designer.edits import tie
from designer.gui import theme
from designer.gui.canvas import overview
from designer.layers import Input, Linear, ReLU
from designer.model import Network, Port

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def wide(stage):
    """A network of which but a part is seen."""
    net = Network().chain(x=Input(("B", 8)), **{f"fc{n}": Linear(8) for n in range(12)})
    it = stage(net.move({name: (240 * n, 120 * (n % 3)) for n, name in enumerate(net.layers)}))
    it.canvas.zoom_to(1.0)
    QApplication.processEvents()
    return it


def over(it):
    return it.canvas.frame.overview


def spot(it, path):
    """Where a layer is in the overview."""
    scale, shift = over(it).scale()
    return (it.canvas.node(path).frame.center() * scale + shift).toPoint()


def test_it_floats_at_the_lower_right_while_a_part_is_out_of_view(wide):
    seen, frame = over(wide), wide.canvas.frame
    assert seen.isVisible()
    assert (seen.width(), seen.height()) == (184, 104)
    assert (frame.width() - seen.geometry().right() - 1, frame.height() - seen.geometry().bottom() - 1) == (12, 12)
    wide.key(Qt.Key.Key_Home)
    assert not seen.isVisible()
    wide.window.resize(600, 300)
    wide.canvas.zoom_to(1.0)
    assert not seen.isVisible()  # too small a canvas for it


def test_a_click_moves_the_view_there_and_a_double_click_fits_all(wide):
    QTest.mouseClick(over(wide), LEFT, NONE, spot(wide, "fc11"))
    assert wide.view.visible().contains(wide.canvas.node("fc11").frame)
    assert wide.view.zoom == pytest.approx(1.0)
    inside = over(wide).seen().center().toPoint() + QPoint(6, 4)
    expected = (QPointF(inside) - over(wide).scale()[1]) / over(wide).scale()[0]
    QTest.mouseClick(over(wide), LEFT, NONE, inside)
    assert (wide.view.center - expected).manhattanLength() < 2
    QTest.mouseDClick(over(wide), LEFT, NONE, spot(wide, "x"))
    assert wide.view.visible().contains(wide.canvas.area())
    assert not wide.undo_texts()


def test_the_frame_is_pulled_without_a_jump_and_all_else_stands_still(wide):
    start = over(wide).seen().center().toPoint() + QPoint(8, 3)
    before, scale = wide.view.center, over(wide).scale()
    QTest.mousePress(over(wide), LEFT, NONE, start)
    assert wide.view.center == before
    for step in range(1, 6):
        QTest.mouseMove(over(wide), start + QPoint(-40, 0) * step / 5)
        assert over(wide).scale() == scale
    assert wide.view.center.x() == pytest.approx(before.x() - 40 / scale[0])
    assert wide.view.center.y() == before.y()
    assert over(wide).cursor().shape() == Qt.CursorShape.ClosedHandCursor
    QTest.mouseRelease(over(wide), LEFT, NONE, start + QPoint(-40, 0))
    assert wide.view.center.x() == pytest.approx(before.x() - 40 / scale[0])
    assert over(wide).cursor().shape() != Qt.CursorShape.ClosedHandCursor


def test_m_pins_it_or_keeps_it_away_and_lets_it_go_again(wide):
    seen = over(wide)
    wide.key(Qt.Key.Key_M)
    assert not seen.isVisible()
    wide.canvas.zoom_by(1.2)
    assert not seen.isVisible()
    wide.key(Qt.Key.Key_M)
    assert seen.isVisible()
    assert seen.forced is None
    wide.key(Qt.Key.Key_Home)
    assert not seen.isVisible()
    wide.key(Qt.Key.Key_M)
    assert seen.isVisible()
    assert wide.told[-1] == "The overview stays; M lets it go."
    wide.canvas.zoom_by(0.5)
    assert seen.isVisible()
    wide.key(Qt.Key.Key_M)
    assert not seen.isVisible()
    assert seen.forced is None


@pytest.mark.parametrize("colors", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_the_network_is_drawn_once_and_moved_while_the_view_pans(wide, qapp, colors):
    theme.apply(qapp, colors)
    wide.canvas.widget.grab()
    seen = over(wide)
    picture = seen._picture.cacheKey()
    middle = QPointF(600, 350)
    for by in (QPointF(-80, 10), QPointF(900, 300), QPointF(-2000, 700)):
        wide.view.pan(by)
        wide.view.zoom_at(1.1, middle)
        seen.grab()
        assert seen._picture.cacheKey() == picture
    wide.canvas.select({"fc3"})
    seen.grab()
    assert seen._picture.cacheKey() == picture
    wide.document.edit("Move", wide.network.move({"fc3": (0, 900)}))
    seen.grab()
    assert seen._picture.cacheKey() != picture
    shown = seen.grab().toImage()
    colored = {shown.pixelColor(x, y).name() for x in range(2, 182) for y in range(2, 102)}
    assert colors.accent.name() in colored
    theme.apply(qapp, theme.DARK)


def test_it_is_not_drawn_again_for_each_step_of_a_layer(wide):
    wide.canvas.fit(all=True)
    wide.canvas.zoom_by(1.3)
    over(wide).grab()
    picture = over(wide)._picture.cacheKey()
    start = wide.body("fc6")
    wide.press(start)
    wide.move(start, start + QPoint(60, 120))
    over(wide).grab()
    assert over(wide)._picture.cacheKey() == picture
    wide.release(start + QPoint(60, 120))
    over(wide).grab()
    assert over(wide)._picture.cacheKey() != picture


def test_of_thousands_of_layers_the_blocks_alone_are_drawn_a_little_later(wide, monkeypatch, qtbot):
    monkeypatch.setattr(overview, "WIRED", 5)
    monkeypatch.setattr(wide.view.map, "update", lambda: pytest.fail("the whole map is not needed for it"))
    seen = over(wide)
    wide.canvas.zoom_by(1.1)
    shown = seen.grab().toImage()
    picture = seen._picture.cacheKey()
    colored = {shown.pixelColor(x, y).name() for x in range(2, 182) for y in range(2, 102)}
    assert theme.DARK.panel.name() in colored
    assert len(colored) > 8
    wide.document.edit("Cut", wide.network.disconnect("fc3/in"))
    seen.grab()
    assert seen._picture.cacheKey() == picture
    wide.document.edit("Replace", wide.network.replace("fc3", ReLU()))
    seen.grab()
    assert seen._picture.cacheKey() == picture
    qtbot.waitUntil(lambda: seen._picture.cacheKey() != picture)


def test_a_tie_that_hangs_below_all_layers_is_seen(stage, language_model):
    it = stage(tie(language_model, "emb/weight", "fc/weight"))
    shown = over(it).grab().toImage()
    lane = it.canvas.mirror.wires[Port("fc", "weight")].path().boundingRect().bottom()
    assert lane > it.canvas.area().bottom()
    scale, shift = over(it).scale()
    row = round(lane * scale + shift.y())
    near = [shown.pixelColor(x, y) for x in range(20, 164) for y in (row - 1, row, row + 1)]
    assert sum(color.red() > 100 and color.red() > 1.3 * color.blue() for color in near) >= 8
