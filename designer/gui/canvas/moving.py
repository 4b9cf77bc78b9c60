"""Where nodes are moved to, kept as an edit; a node without a place of its own gets one with it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from designer.gui.canvas.mirror import Place

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.canvas.node import NodeItem

STEP, FAR_STEP = 8, 64  # of the arrow keys


class Moving:
    """What becomes of nodes that a drag, the arrow keys or a motion have moved."""

    def __init__(self, canvas: "Canvas"):
        self.canvas = canvas

    def drawn(self) -> dict[str, Place]:
        """Where the layers of the open group were put that have no place in the network yet."""
        document, nodes = self.canvas.document, self.canvas.mirror.nodes
        shown = document.network.network_at(document.view.path)
        return {p: _xy(n.view) for p, n in nodes.items() if n.view.look.name not in shown.positions}

    def keep(self, paths: list[str]) -> None:
        """Keep in the network where nodes were moved to, and where the others were put that had no place."""
        self.canvas.motion.finish()
        places = self.drawn() | {path: _xy(self.canvas.node(path)) for path in paths}
        what = paths[0].rpartition(".")[2] if len(paths) == 1 else f"{len(paths)} layers"
        held = self.canvas.places()
        if any(held[path] != at for path, at in places.items()):
            self.canvas.attempt(f"Move {what}", lambda net: net.move(places))

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selection; with none, move the picture."""
        self.canvas.motion.finish()
        paths = self.canvas.selected_layers()
        if not paths:
            self.canvas.view.pan(FAR_STEP * QPointF((dx < 0) - (dx > 0), (dy < 0) - (dy > 0)))
            return
        with self.canvas.view.leading.holding():
            for path in paths:
                self.canvas.node(path).moveBy(dx, dy)
        self.keep(paths)


def _xy(node: "NodeItem") -> Place:
    return node.x(), node.y()
