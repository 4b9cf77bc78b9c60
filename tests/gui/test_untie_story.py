"""The third story: fc owns a copy of what it borrowed, direct and as published, by hand and in one step."""

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPushButton

from designer import build, initialize
from designer.model import Port

STORED, USED = 1_023_400, 1_323_400
NO_WIRE = "fc takes its weight from a wire, but none is connected."
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
TOKENS = torch.arange(15).reshape(3, 5)


@pytest.fixture(params=["direct", "published"])
def told(request, desk, tied, published):
    """Open one of the two pictures, with values as after a training, and factors to keep."""
    network = initialize(tied if request.param == "direct" else published)
    network = network.set("fc", learn_rate_factors=(("bias", 2.0),))
    desk.open(network)
    desk.picture = request.param
    return network


def ends(desk, told, undo, steps=1):
    desk.shows(undo, USED, USED)
    network = desk.network
    assert network.layer("fc").input_learnables == ()
    assert network.layer("fc").learn_rate_factors == (("bias", 2.0),)
    assert network.layer("emb").output_learnables == ()
    assert "permute" not in network.layers
    assert torch.equal(network.values["fc.bias"], told.values["fc.bias"])
    assert network.values["fc.weight"].shape == (1000, 300)
    assert network.values["fc.weight"].is_contiguous()
    assert network.values["fc.weight"].data_ptr() != network.values["emb.weight"].data_ptr()
    before, after = (build(net).eval()(TOKENS) for net in (told, network))
    assert float((before - after).detach().abs().max()) <= (0 if desk.picture == "direct" else 1e-6)
    assert desk.cell("fc", "Stored") == desk.cell("fc", "Used") == "301,000"
    assert desk.cell("fc", "Tied to") == desk.cell("emb", "Tied to") == ""
    assert [port.name for port in desk.canvas.node("fc").inputs] == ["in"]
    assert [port.name for port in desk.canvas.node("emb").outputs] == ["out"]
    assert not any(wire.learnable for wire in desk.canvas.mirror.wires.values())
    assert "self.fc.weight = None" not in desk.window.bottom.code.source.toPlainText()
    assert len(desk.undo_texts()) == steps
    for _ in range(steps):
        desk.key(Qt.Key.Key_Z, CTRL)
        desk.settle()
    assert desk.network is told
    assert (desk.document.analysis.stored, desk.document.analysis.used) == (STORED, USED)
    while desk.document.history.canRedo():
        desk.key(Qt.Key.Key_Y, CTRL)
    assert desk.network is network


def measured(desk):
    """Check what was measured: 0 for the direct tie, hardly more through the permutation."""
    said = "fc owns a copy of emb.weight; max |difference| of the outputs: "
    desk.qtbot.waitUntil(lambda: desk.told[-1].startswith(said), timeout=30_000)
    number = float(desk.told[-1].removeprefix(said).removesuffix("."))
    assert number <= (0 if desk.picture == "direct" else 1e-6)
    if len(desk.undo_texts()) == 1:  # else another step came since
        assert desk.window.status.undo.isVisible()


def by_key(desk):
    desk.click(desk.canvas.view.viewport(), desk.body("fc"))
    desk.key(Qt.Key.Key_T, CTRL | SHIFT)


def by_the_menu_of_the_layer(desk):
    desk.choose(desk.right(desk.body("fc")), "Untie")


def by_the_menu_of_the_wire(desk):
    wire = desk.canvas.mirror.wires[Port("fc", "weight")]
    desk.choose(desk.right(desk.at(wire.path().pointAtPercent(0.5))), "Untie")


def by_the_menu_of_the_port(desk):
    desk.choose(desk.right(desk.port("fc", "weight")), "Untie")


def by_the_menu_of_the_switch(desk):
    desk.click(desk.canvas.view.viewport(), desk.learnables_row("fc"))
    desk.choose(desk.right(desk.switch("fc", "weight", offers=False)), "Untie")


def in_the_properties(desk):
    desk.click(desk.canvas.view.viewport(), desk.body("fc"))
    row = desk.form.learnables.rows["weight"]
    desk.click(row.head, QPoint(40, 20))
    button = next(b for b in row.findChildren(QPushButton) if b.accessibleName() == "Untie")
    desk.click(button)


@pytest.mark.parametrize(
    "way",
    [
        by_key,
        by_the_menu_of_the_layer,
        by_the_menu_of_the_wire,
        by_the_menu_of_the_port,
        by_the_menu_of_the_switch,
        in_the_properties,
    ],
)
def test_in_one_step(desk, told, way):
    way(desk)
    desk.settle()
    measured(desk)
    ends(desk, told, "Untie fc")


def test_by_clearing_the_checkbox(desk, told):
    """A learnable still arrives: the layer keeps the value that it used."""
    view = desk.canvas.view.viewport()
    desk.click(view, desk.learnables_row("fc"))
    desk.click(view, desk.switch("fc", "weight", offers=False))
    ends(desk, told, "Let fc own weight")


def test_by_hand(desk, told):
    """Delete the permutation or cut the wire, clear both checkboxes, and take the values from emb."""
    view = desk.canvas.view.viewport()
    if desk.picture == "published":
        desk.click(view, desk.at(desk.canvas.node("permute").frame.center()))
        desk.key(Qt.Key.Key_Delete)
        desk.shows("Delete permute", 1_023_400, 1_023_400, [NO_WIRE])
    else:
        wire = desk.canvas.mirror.wires[Port("fc", "weight")]
        desk.choose(desk.right(desk.at(wire.path().pointAtPercent(0.5))), "Cut wire")
        desk.shows("Cut the wire to fc.weight", 1_023_400, 1_023_400, [NO_WIRE])
    for path in ("emb", "fc"):
        desk.click(view, desk.learnables_row(path))
    desk.canvas.fit(all=True)
    QApplication.processEvents()
    desk.click(view, desk.switch("fc", "weight", offers=False))
    desk.shows("Let fc own weight", 1_323_400, 1_323_400)
    assert "fc.weight" not in desk.network.values
    desk.click(view, desk.switch("emb", "weight", offers=True))
    desk.shows("Stop offering weight of emb", 1_323_400, 1_323_400)
    assert torch.equal(desk.network.values["emb.weight"], told.values["emb.weight"])
    desk.click(view, desk.body("fc"))
    row = desk.form.learnables.rows["weight"]
    desk.click(row.head, QPoint(40, 20))
    desk.click(next(b for b in row.findChildren(QPushButton) if b.accessibleName().startswith("Take values from…")))
    chooser = QApplication.activePopupWidget()
    assert [entry.text for entry in chooser.shown] == ["emb.weight"]
    assert ("Permute" in chooser.shown[0].detail) == (desk.picture == "published")
    desk.click(chooser.list.viewport(), chooser.list.visualItemRect(chooser.list.item(0)).center())
    ends(desk, told, "Take values of fc.weight from emb.weight", steps=4)
