"""From layer to layer by keyboard: along wires in the direction of data, across it to the nearest."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from designer.gui.canvas.node import NodeItem

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas


class Walking:
    """Where the keyboard is: ``at`` is the layer walked to, ``kept`` are those that stay selected."""

    def __init__(self, canvas: "Canvas"):
        self.canvas = canvas
        self.at, self.kept = "", frozenset[str]()

    def step(self, x: int, y: int) -> None:
        """Select the next layer in a direction, with those that were kept."""
        self._follow()
        on, aside = (y, x) if self.canvas.view.down else (x, y)
        other = (
            self._nearest(self.canvas.view.center) if not self.at else self._along(on) if on else self._beside(aside)
        )
        if other is None:
            where = "to the left" if x < 0 else "to the right" if x else "above" if y < 0 else "below"
            self.canvas.document.refused.emit(f"There is no layer {where} to go to.")
            return
        self.at = other
        self.canvas.select(self.kept | {other})
        frame = self.canvas.node(other).frame
        if not self.canvas.view.visible().contains(frame):
            self.canvas.view.set_camera(frame.center(), self.canvas.view.zoom)

    def keep(self) -> None:
        """Let the selected layers stay selected while walking on; a second time, no more."""
        self._follow()
        if not self.canvas.selection:
            self.canvas.document.refused.emit("Select a layer first, with the mouse or with Ctrl and the arrows.")
        elif self.at in self.kept:
            self.kept -= {self.at}
            self.canvas.document.told.emit(f"{_last(self.at)} is left behind when you walk on.")
        else:
            self.kept = frozenset(self.canvas.selection)
            self.canvas.document.told.emit(f"{_last(self.at)} stays selected: walk on with Ctrl and the arrows.")

    def _follow(self) -> None:
        """Begin anew where something else was selected meanwhile."""
        layers = self.canvas.selected_layers()
        if self.at not in layers or frozenset(layers) != self.kept | {self.at}:
            self.at, self.kept = layers[-1] if layers else "", frozenset()

    def _along(self, on: int) -> str | None:
        """The layer at the other end of a wire: data before ties, and of several the one least aside."""
        node, found = self.canvas.node(self.at), []
        for port in node.outputs if on > 0 else node.inputs:
            for wire in port.connected_pipes:
                other = (wire.input_port if on > 0 else wire.output_port).node
                off = abs(self._across(other.frame.center() - node.frame.center())[0])
                found.append((wire.learnable, off, other.look.path))
        return min(found)[2] if found else None

    def _beside(self, aside: int) -> str | None:
        """The nearest layer on one side of where data leads: above or below, left or right."""
        here = self.canvas.node(self.at).frame
        corner = here.topLeft()
        there = [n for n in self.canvas.nodes() if self._across(n.frame.topLeft() - corner)[0] * aside > 8]

        def far(node: NodeItem) -> float:
            aside, on = self._across(node.frame.center() - here.center())
            return abs(aside) + 2 * abs(on)

        nearest = min(there, key=far, default=None)
        return nearest.look.path if nearest is not None else None

    def _across(self, by: QPointF) -> tuple[float, float]:
        """How far a way leads aside of the direction of data, and how far along it."""
        return (by.x(), by.y()) if self.canvas.view.down else (by.y(), by.x())

    def _nearest(self, point: QPointF) -> str | None:
        nodes = self.canvas.nodes()
        found = min(nodes, key=lambda node: (node.frame.center() - point).manhattanLength(), default=None)
        return found.look.path if found is not None else None


def _last(path: str) -> str:
    return path.rpartition(".")[2]
