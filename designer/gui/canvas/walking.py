"""From layer to layer by keyboard: along wires to the left and the right, up and down to the nearest."""

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
        other = self._nearest(self.canvas.view.center) if not self.at else self._along(x) if x else self._beside(y)
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

    def _along(self, x: int) -> str | None:
        """The layer at the other end of a wire: data before ties, and of several the one nearest in height."""
        node, found = self.canvas.node(self.at), []
        for port in node.outputs if x > 0 else node.inputs:
            for wire in port.connected_pipes:
                other = (wire.input_port if x > 0 else wire.output_port).node
                off = abs(other.frame.center().y() - node.frame.center().y())
                found.append((wire.learnable, off, other.look.path))
        return min(found)[2] if found else None

    def _beside(self, y: int) -> str | None:
        """The nearest layer above or below."""
        here = self.canvas.node(self.at).frame
        below = [node for node in self.canvas.nodes() if (node.frame.top() - here.top()) * y > 8]

        def far(node: NodeItem) -> float:
            by = node.frame.center() - here.center()
            return abs(by.y()) + 2 * abs(by.x())

        nearest = min(below, key=far, default=None)
        return nearest.look.path if nearest is not None else None

    def _nearest(self, point: QPointF) -> str | None:
        nodes = self.canvas.nodes()
        found = min(nodes, key=lambda node: (node.frame.center() - point).manhattanLength(), default=None)
        return found.look.path if found is not None else None


def _last(path: str) -> str:
    return path.rpartition(".")[2]
