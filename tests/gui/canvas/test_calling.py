"""Call again: by its key, on the canvas."""

import pytest
from PySide6.QtCore import Qt

from designer.edits import group
from designer.layers import Input, Linear, ReLU
from designer.model import BUNDLE, Network, Port

CALL = (Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)


@pytest.fixture
def it(stage):
    net = Network().chain(x=Input(("B", 8)), fc=Linear(8), act=ReLU(), head=Linear(8))
    net = group(net, ["fc", "act"], "block")
    return stage(net.move({"x": (0, 0), "block": (200, 0), "head": (480, 0)}))


def test_a_group_is_called_again_below_itself(it):
    it.click(it.title("block"))
    it.key(*CALL)
    assert it.undo_texts() == ["Call block again"]
    assert it.canvas.selection == {"block_again"}
    assert it.network.source_of(Port("block_again", BUNDLE)) == Port("block", BUNDLE)
    first, second = it.canvas.node("block").frame, it.canvas.node("block_again").frame
    assert second.left() == first.left()
    assert second.top() >= first.bottom() + 28
    assert it.canvas.mirror.wires[Port("block_again", BUNDLE)].lit
    it.click(it.title("block"))
    it.key(*CALL)
    third = it.canvas.node("block_again2").frame
    assert not any(third.intersects(it.canvas.node(name).frame) for name in ("block", "block_again", "head"))
    it.document.history.undo()
    it.document.history.undo()
    assert "block_again" not in it.network.layers


def test_what_is_refused(it):
    before = it.network
    it.key(*CALL)
    it.click(it.title("x"))
    it.key(*CALL)
    assert it.refusals == [
        "Select one layer or group to call it again.",
        "x is an end of the network: there is nothing in it to call again.",
    ]
    assert it.network is before
