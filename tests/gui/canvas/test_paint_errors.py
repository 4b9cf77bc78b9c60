"""A bug in painting is told once, and neither crashes nor keeps the rest from being painted."""

import pytest

from designer.gui.canvas import edge_pills, node, viewer, wire
from designer.layers import Input, Linear
from designer.model import Network


def broken(*arguments, **named):
    raise RuntimeError("no picture")


@pytest.mark.parametrize(
    ("place", "name"),
    [(node, "paint_node"), (wire.WireItem, "_paint_label"), (viewer, "draw_dots"), (edge_pills.EdgePills, "paint")],
    ids=["a layer", "a wire", "the background", "what lies over it"],
)
def test_an_error_is_told_once(stage, monkeypatch, qtbot, place, name):
    it = stage(Network().chain(x=Input(("B", 8)), fc=Linear(4), head=Linear(2)))
    monkeypatch.setattr(place, name, broken)
    with qtbot.captureExceptions() as told:
        for _ in range(2):
            it.view.resetCachedContent()
            it.view.viewport().update()
            it.canvas.widget.grab()
    assert [str(error) for _, error, _ in told] == ["no picture"]
    monkeypatch.undo()
    it.canvas.widget.grab()
    it.click(it.title("fc"))
    assert it.canvas.selection == {"fc"}
