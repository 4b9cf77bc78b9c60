"""Which wires belong to a tie: from the owner, through what only computes, to all that borrow."""

from collections.abc import Iterable

from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.wire import WireItem


def ties_of(nodes: Iterable[NodeItem]) -> set[WireItem]:
    """The wires of all ties that nodes take part in."""
    found: set[WireItem] = set()
    todo = [wire for node in nodes for port in node.ports() for wire in port.connected_pipes]
    while todo:
        wire = todo.pop()
        if wire in found or not wire.learnable:
            continue
        found.add(wire)
        todo += wire.output_port.connected_pipes
        for port in (wire.output_port, wire.input_port):
            onward = port.node.look.kind == "capsule"  # it hands on what it is given
            beside = [each for each in port.node.ports() if onward or each.look.name == port.look.name]
            todo += [other for each in beside for other in each.connected_pipes]
    return found
