"""Where a layer that is moved comes to rest: its ports level with those of its neighbours, else on the grid."""

import itertools
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from designer.gui.canvas.form import GRID
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.paint import MIDWAY
from designer.gui.canvas.port import PortItem
from designer.gui.theme import Theme

if TYPE_CHECKING:
    from designer.gui.canvas.viewer import Viewer

PULL = 6.0  # pixels on the screen within which a port is drawn to another one
AROUND = 720.0  # how far away in the scene a neighbour may stand
MOST = 200  # neighbours that are asked, where layers lie in heaps
BEYOND = 24.0  # pixels that a guide goes on behind its ports


class Pull(NamedTuple):
    """A port that is near the line of another one: how far off, and both."""

    off: float
    port: PortItem
    other: PortItem


class Snapping:
    """Finds where the node that is held comes to rest, and draws the lines by which it does."""

    def __init__(self, viewer: "Viewer", held: NodeItem, moving: Collection[NodeItem]):
        self.viewer, self.held, self.moving = viewer, held, frozenset(moving)
        self.origin = held.pos()
        self.pulls: list[Pull] = []  # those that were followed last
        wires = [wire for port in held.ports() for wire in port.connected_pipes]
        self.partners = {end for wire in wires for end in (wire.input_port, wire.output_port)}

    def rest(self, by: QPointF, free: bool) -> QPointF:
        """Give how far to go from the start in place of ``by``; along an axis without motion not at all."""
        self.pulls = []
        if free:
            return by
        to = self.origin + by
        across, down = self._pulls(to)
        x = self._along(to.x(), self.origin.x(), by.x(), across)
        return QPointF(x, self._along(to.y(), self.origin.y(), by.y(), down))

    def _along(self, to: float, origin: float, by: float, pulls: list[Pull]) -> float:
        if not by:
            return 0.0
        if pulls:
            best = min(pulls, key=self._rank)
            self.pulls.append(best)
            return to + best.off - origin
        return GRID * round(to / GRID) - origin

    def _rank(self, pull: Pull) -> tuple[float, bool, float]:
        far = (pull.port.pos() + self.held.pos() - pull.other.anchor()).manhattanLength()
        return round(abs(pull.off), 3), pull.other not in self.partners, far

    def _pulls(self, to: QPointF) -> tuple[list[Pull], list[Pull]]:
        """Find the ports that a node at a place would be level with: edges above each other, wires straight."""
        across: list[Pull] = []
        down: list[Pull] = []
        if self.viewer.zoom < MIDWAY:
            return across, down  # no ports are seen from there
        reach = PULL / self.viewer.zoom
        own = [(port, to + port.pos()) for port in self.held.ports()]
        for other in self._others(to):
            at = other.anchor()
            for port, place in own:
                off = at - place
                alike, turned = port.out == other.out, self.viewer.down and not port.look.diamond
                if abs(off.y()) <= reach and (alike or not turned):
                    down.append(Pull(off.y(), port, other))
                if abs(off.x()) <= reach and (alike or turned):
                    across.append(Pull(off.x(), port, other))
        return across, down

    def _others(self, to: QPointF) -> Iterator[PortItem]:
        """The ports in view of the nodes around a place."""
        frame = QRectF(to.x(), to.y(), self.held.form.width, self.held.form.height)
        around = frame.adjusted(-AROUND, -AROUND, AROUND, AROUND).intersected(self.viewer.visible())
        nodes = (node for node in self.viewer.grid.within(around) if node not in self.moving)
        for node in itertools.islice(nodes, MOST):
            yield from node.ports()

    def paint(self, painter: QPainter, theme: Theme) -> None:
        """Draw a thin line through the ports that are level."""
        painter.setPen(QPen(theme.accent, 1.5 / self.viewer.zoom))
        beyond = BEYOND / self.viewer.zoom
        for pull in self.pulls:
            line = QLineF(pull.port.anchor(), pull.other.anchor())
            if line.length() < 1:
                continue
            on = QPointF(line.dx(), line.dy()) * (beyond / line.length())
            painter.drawLine(QLineF(line.p1() - on, line.p2() + on))
