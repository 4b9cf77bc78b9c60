"""Which ports fit the one that was clicked, or the wire that is held: they light up."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from designer.gui.canvas import joins
from designer.gui.canvas.joins import End
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.port import PortItem
from designer.model import BUNDLE, Network

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

LONGEST = 0.03  # seconds in which they are looked for


def carries_learnable(network: Network, start: End) -> bool:
    """Whether a wire from a port would carry a learnable."""
    ready = start.first(network)
    if start.out:
        return ready.is_learnable(start.port)
    return start.port.name in (*ready.layer(start.port.layer).input_learnables, BUNDLE)


def fitting(canvas: "Canvas", start: End, but: PortItem | None) -> Iterator[PortItem | None]:
    """Give the ports in view that a wire from a port can lead to; None at last where there was no time for all."""
    network, analysis = canvas.document.network, canvas.document.analysis
    learnable = carries_learnable(network, start)
    until = time.perf_counter() + LONGEST
    area = canvas.view.visible()
    items = canvas.view.scene().items(area, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
    for port in [port for node in items if isinstance(node, NodeItem) for port in node.ports()]:
        if port.out == start.out or port is but or not area.contains(port.anchor()):
            continue
        if time.perf_counter() > until:
            yield None
            return
        if port.look.diamond == learnable:
            found = joins.join(network, analysis, start, End(port.look.port, port.out))
            if not found.refused:
                yield port


class Lighting:
    """Lights what fits a free port that was clicked, until the next press, Escape or edit."""

    def __init__(self, canvas: "Canvas"):
        self.canvas = canvas
        self.ports: list[PortItem] = []
        self.network: Network | None = None  # in which they fit

    def light(self, port: PortItem) -> None:
        """Light the port and all that fit it, and say how many there are."""
        self.clear()
        self.network = self.canvas.document.network
        asked = list(fitting(self.canvas, End(port.look.port, port.out), port))
        found = [fits for fits in asked if fits is not None]
        least = "At least " if None in asked else ""
        self.ports = [port, *found]
        for lit in self.ports:
            lit.lit = True
            lit.node.update()
        name, count = str(port.look.port), len(found)
        fits = f"{count} ports in view fit" if count != 1 or least else "One port in view fits"
        self.canvas.document.told.emit(f"{least}{fits} {name}." if found or least else f"No port in view fits {name}.")

    def clear(self) -> bool:
        """Put the lights out; whether there were any."""
        ports, self.ports, self.network = self.ports, [], None
        for port in ports:
            port.lit = False
            if port.scene() is not None:
                port.node.update()
        return bool(ports)

    def follow(self) -> None:
        """Put the lights out when the network is another one."""
        if self.ports and self.canvas.document.network is not self.network:
            self.clear()
