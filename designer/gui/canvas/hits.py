"""What lies under the pointer."""

import math
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt

from designer.gui.canvas.group_ports import label_at
from designer.gui.canvas.node import NodeItem, Part
from designer.gui.canvas.paint import MIDWAY, NEAR
from designer.gui.canvas.port import REACH, PortItem
from designer.gui.canvas.stubs import Stub
from designer.gui.canvas.wire import WireItem

if TYPE_CHECKING:
    from designer.gui.canvas.viewer import Viewer

BOUNDING = Qt.ItemSelectionMode.IntersectsItemBoundingRect


class Hit(NamedTuple):
    """What lies under the pointer."""

    what: str  # port, end, stub, takes, offers, fold, group, badge, name, body, label, wire or canvas
    at: QPointF  # in the scene
    node: NodeItem | None = None
    port: PortItem | None = None
    wire: WireItem | None = None
    part: Part = Part()
    end: PortItem | None = None  # a port of a group, pressed at its name
    stub: Stub | None = None  # of wires that are not drawn


def hit(view: "Viewer", scene: QPointF) -> Hit:
    """Find what is at a point of the scene: ports first, then parts of nodes, then wires."""
    reach = max(REACH, 8 / view.zoom)
    near = QRectF(scene.x() - reach, scene.y() - reach, 2 * reach, 2 * reach)
    items = view.scene().items(near, BOUNDING)
    nodes = [item for item in items if isinstance(item, NodeItem)]
    top = next((node for node in nodes if node.frame.contains(scene)), None)  # items come topmost first
    if view.zoom >= MIDWAY:
        ports = [port for node in nodes for port in node.ports()]
        away = [(math.dist(port.anchor().toTuple(), scene.toTuple()), port) for port in ports]
        for distance, port in sorted(away, key=lambda pair: pair[0]):
            covered = top is not None and top is not port.node and top.frame.contains(port.anchor())
            if distance <= reach and not covered:
                return Hit("port", scene, port.node, port)
    if top is not None:
        if view.zoom >= NEAR and (end := label_at(top, scene - top.pos())) is not None:
            return Hit("end", scene, top, end=end)
        part = top.part_at(scene - top.pos(), view.zoom) if view.zoom >= MIDWAY else Part()
        return Hit(part.what, scene, top, part=part)
    for stub in items if view.zoom >= NEAR else ():
        if isinstance(stub, Stub) and stub.pill_rect().contains(scene):
            return Hit("stub", scene, stub=stub)
    for wire in items:
        if isinstance(wire, WireItem) and wire.drawn and not wire.pulled:
            if view.zoom >= MIDWAY and wire.pill_rect().contains(scene):
                return Hit("label", scene, wire=wire)
            if wire.near(max(10.0, 8 / view.zoom)).contains(scene):
                return Hit("wire", scene, wire=wire)
    return Hit("canvas", scene)
