"""When the ways of wires are found: once all nodes stand where they shall, and anew where nodes came or left."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QTimer

from designer.gui.canvas.grid import Cell, cells
from designer.gui.canvas.ways import Ways

if TYPE_CHECKING:
    from designer.gui.canvas.viewer import Viewer
    from designer.gui.canvas.wire import WireItem

NEAR = 40  # pixels: a node so near to a wire may be in its way
WHILE_DRAGGING = 100  # milliseconds until it is looked again whether a drag is over


class Leading:
    """Leads the wires of a scene, each among those that lie there already."""

    def __init__(self, view: "Viewer"):
        self.view = view
        self.ways = Ways(view)
        self.moves = 0  # how often a node came, moved or went
        self.led = 0  # how often a wire found a way, or went
        self._held: dict[WireItem, None] | None = None  # wires whose ways are found later
        self._passing: dict[WireItem, None] = {}  # whose ways depend on the layers that they pass
        self._passed: dict[Cell, list[QRectF]] = {}  # where nodes were and are since wires were led the last time
        self._late = QTimer(view, singleShot=True, interval=0)
        self._late.timeout.connect(self.reroute)

    def start_anew(self) -> None:
        """All nodes and wires went at once, or all are led in another direction."""
        self.ways = Ways(self.view)
        self._passing.clear()
        self._passed.clear()
        self.moves += 1

    def node_moved(self, *frames: QRectF) -> None:
        """A node came, moved or went, and stood in these rectangles: wires that pass there are led anew, later."""
        self.moves += 1
        if not self.view.canvas.mirror.wires:
            return
        for frame in frames:
            around = frame.adjusted(-NEAR, -NEAR, NEAR, NEAR)
            for cell in cells(around):
                self._passed.setdefault(cell, []).append(around)
        if not self._late.isActive():
            self._late.start()

    def wire_led(self, wire: "WireItem") -> None:
        """A wire has found its way."""
        self.led += 1
        if wire.passes:
            self._passing[wire] = None
        else:
            self._passing.pop(wire, None)

    def wire_gone(self, wire: "WireItem") -> None:
        self.led += 1
        self.ways.leave(wire)
        self._passing.pop(wire, None)

    def reroute(self) -> None:
        """Lead wires anew whose way nodes have come into or left."""
        gesture = self.view.gesture
        if gesture is not None and gesture.dragging:
            self._late.start(WHILE_DRAGGING)
            return
        passed, self._passed = self._passed, {}
        waiting = (wire for wire in self._passing if wire.seen < self.moves)
        self._lead([wire for wire in waiting if _met(passed, wire.boundingRect())])

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Find the ways of all wires at the end, once, when every node stands where it shall."""
        if self._held is not None:
            yield
            return
        self._held = {}
        try:
            yield
        finally:
            held, self._held = self._held, None
            self._lead([wire for wire in held if wire.scene() is not None])

    def waits(self, wire: "WireItem") -> bool:
        """Whether a wire has to wait for the others."""
        if self._held is None:
            return False
        self._held[wire] = None
        return True

    def _lead(self, wires: "list[WireItem]") -> None:
        """Find the ways of some wires; the short ones first, so that long ones lie around them."""
        for wire in wires:
            self.ways.leave(wire)
        for wire in sorted(wires, key=lambda wire: wire.span()):
            wire.redraw()


def _met(passed: dict[Cell, list[QRectF]], rect: QRectF) -> bool:
    """Whether nodes came or left where a rectangle is."""
    return any(rect.intersects(around) for cell in cells(rect) for around in passed.get(cell, ()))
