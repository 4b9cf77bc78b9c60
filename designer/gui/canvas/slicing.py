"""Gestures that work on several things at once: slice wires with a line, pull off copies of layers."""

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QPen

from designer.edits.copying import copy, paste
from designer.edits.slicing import cut_wires
from designer.gui.canvas.form import GRID
from designer.gui.canvas.gestures import Gesture
from designer.gui.canvas.wire import WireItem, wire_pen
from designer.gui.theme import faded
from designer.model import Network
from designer.model.names import parent


class Slice(Gesture):
    """Cut the wires that a line crosses: Ctrl and the right button, or K and the left one."""

    def __init__(self, viewer, hit, event):
        super().__init__(viewer, hit, event)
        self.line = QLineF(hit.at, hit.at)
        self.crossed: list[WireItem] = []
        viewer.slicing = False  # one slice, then off
        viewer.viewport().setCursor(Qt.CursorShape.CrossCursor)

    def move(self, at, modifiers):
        self.line.setP2(self.viewer.scene_at(at))
        wires = self.canvas.mirror.wires.values()
        self.crossed = [wire for wire in wires if wire.drawn and _crosses(self.line, wire)]

    def drop(self, at, modifiers):
        self.move(at, modifiers)
        targets = [wire.target for wire in self.crossed]
        self.cancel()
        if targets:
            what = f"the wire to {targets[0].layer}" if len(targets) == 1 else f"{len(targets)} wires"
            self.canvas.attempt(f"Slice {what}", lambda net: cut_wires(net, targets))

    def click(self, modifiers):
        self.cancel()

    def cancel(self):
        self.crossed = []
        self.viewer.viewport().unsetCursor()

    def paint(self, painter, theme):
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for wire in self.crossed:
            painter.setPen(QPen(faded(theme.error, 0.24), 8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPath(wire.path())
            painter.setPen(wire_pen(theme.error, 2.5, wire.learnable))
            painter.drawPath(wire.path())
        painter.setPen(QPen(theme.error, 1.5 / self.viewer.zoom, Qt.PenStyle.DashLine))
        painter.drawLine(self.line)


def _crosses(line: QLineF, wire: WireItem) -> bool:
    for curve in wire.path().toSubpathPolygons():
        for start, end in zip(curve, list(curve)[1:]):
            if line.intersects(QLineF(start, end))[0] == QLineF.IntersectionType.BoundedIntersection:
                return True
    return False


class Duplicate(Gesture):
    """Pull copies of the selected layers off them: frames tell where they will stand."""

    def __init__(self, viewer, hit, event):
        super().__init__(viewer, hit, event)
        self.paths = self.canvas.selected_layers()
        self.by = QPointF()

    def move(self, at, modifiers):
        by = self.viewer.scene_at(at) - self.hit.at
        self.by = QPointF(GRID * round(by.x() / GRID), GRID * round(by.y() / GRID))

    def drop(self, at, modifiers):
        self.move(at, modifiers)
        if self.by.isNull():
            return
        places = {path: (node.x(), node.y()) for path in self.paths for node in [self.canvas.node(path)]}
        made: list[str] = []

        def edit(network: Network) -> Network:
            part = copy(network, self.paths, places=places)
            new, made[:], _ = paste(network, part, parent(self.paths[0]), (self.by.x(), self.by.y()))
            return new

        what = self.paths[0].rpartition(".")[2] if len(self.paths) == 1 else f"{len(self.paths)} layers"
        self.canvas.attempt(f"Duplicate {what}", edit, then=lambda: self.canvas.select(made))

    def paint(self, painter, theme):
        painter.setPen(QPen(theme.accent, 1.5 / self.viewer.zoom, Qt.PenStyle.DashLine))
        painter.setBrush(faded(theme.accent, 0.12))
        for path in self.paths:
            painter.drawRoundedRect(self.canvas.node(path).frame.translated(self.by), 8, 8)
