"""From a layer on: all that its data reaches, its owner, and one borrower after the other, across groups."""

import pytest
from PySide6.QtCore import Qt

from designer.edits import group, tie
from designer.gui.following import downstream
from designer.layers import Add, Embedding, Input, Linear, ReLU
from designer.model import Network

CTRL, SHIFT, NONE = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.NoModifier,
)
J = Qt.Key.Key_J


@pytest.fixture
def forked():
    """Two branches, of which one has a tie to what stands before it."""
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU(), add=Add())
    net = net.add(c=Linear(8), d=Linear(8)).connect("x", "c").connect("c", "add").connect("c", "d")
    return tie(net, "d/weight", "a/weight", permute=())


def test_downstream_follows_data_alone(desk, forked):
    desk.open(forked)
    desk.select("c")
    desk.key(Qt.Key.Key_D, CTRL | SHIFT)
    assert desk.document.view.selection == {"c", "add", "d"}
    desk.select("b", "a/weight")
    desk.key(Qt.Key.Key_D, CTRL | SHIFT)
    assert desk.document.view.selection == {"b", "add"}
    desk.select()
    desk.key(Qt.Key.Key_D, CTRL | SHIFT)
    assert desk.refusals == ["Select the layer first from which on the others shall be selected."]
    assert not desk.undo_texts()


def test_downstream_through_and_within_a_group(desk, forked):
    net = group(forked, ["a", "b"], "block")
    assert downstream(net, "", ["x"], net.learnable_ports) == {"x", "block", "add", "c", "d"}
    assert downstream(net, "", ["block"], net.learnable_ports) == {"block", "add"}
    assert downstream(net, "block", ["block.a"], net.learnable_ports) >= {"block.a", "block.b"}
    assert all(path.startswith("block.") for path in downstream(net, "block", ["block.a"], net.learnable_ports))


def test_a_long_chain_is_followed_to_its_end():
    net = Network().chain(x=Input(("B", 8)), **{f"r{n}": ReLU() for n in range(3000)})
    assert len(downstream(net, "", ["r500"], frozenset())) == 2500


def test_owner_and_borrowers_are_gone_to_across_groups(desk):
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(40, 16),
        first=Linear(16),
        head=Linear(40),
        last=Linear(16),
    )
    net = net.add(other=Linear(40)).connect("first", "other")
    net = tie(net, "emb/weight", "head/weight", "other/weight")
    net = tie(net, "emb/weight", "last/weight", permute=(1, 0))
    net = group(group(net, ["head"], "inner"), ["inner"], "outer")
    desk.open(net)
    desk.select("emb")
    rows = [row.name for row in desk.document.analysis.rows]
    wanted = sorted(["outer.inner.head", "other", "last"], key=rows.index)
    for path in (*wanted, wanted[0]):
        desk.key(J, SHIFT)
        assert desk.document.view.selection == {path}
        assert desk.document.view.path == path.rpartition(".")[0]
        assert desk.canvas.view.visible().intersects(desk.canvas.node(path).frame)
    desk.canvas.show_path("outer.inner.head")
    desk.key(J)
    assert (desk.document.view.path, desk.document.view.selection) == ("", {"emb"})
    desk.select("first")
    desk.key(J)
    desk.key(J, SHIFT)
    assert desk.refusals == [
        "Select a layer that borrows to go to its owner.",
        "Select a layer that others borrow from to go to them.",
    ]
