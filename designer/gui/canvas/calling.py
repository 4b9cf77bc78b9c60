"""Call again: a second use of the selected layer or group, placed below it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt

from designer.edits.calling import call
from designer.gui.canvas.form import form
from designer.gui.canvas.look import LearnableRow, look
from designer.model import BUNDLE, Network

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

GAP, STEP = 32, 8  # below what it calls; of the grid


def call_again(canvas: "Canvas") -> None:
    """Add a second use of the selected layer or group, and select it."""
    document, paths = canvas.document, canvas.selected_layers()
    if len(paths) != 1:
        document.refused.emit("Select one layer or group to call it again.")
        return
    (path,) = paths
    made = ""

    def edit(network: Network) -> Network:
        nonlocal made
        network, made = call(network, path)
        return network.move(canvas.moving.drawn() | {made: _place(canvas, network, path, made)})

    def then() -> None:
        canvas.show_path(made)
        document.told.emit(f"{made} calls {document.network.called(made)} again: wire its inputs.")

    canvas.attempt(f"Call {path.rpartition('.')[2]} again", edit, then)


def _place(canvas: "Canvas", network: Network, path: str, made: str) -> tuple[float, float]:
    """Under the layer, or farther down where nothing stands; beside it where data leads down."""
    size = form(look(network, made, canvas.document.view, None, learnable=network.learnable_ports))
    frame, now = QRectF(canvas.node(path).frame), canvas.node(path).look
    if not any(row.names == (BUNDLE,) for row in now.rows):  # it gets a line for its bundle
        line = LearnableRow((BUNDLE,), BUNDLE, Qt.CheckState.Unchecked, Qt.CheckState.Checked, switches=False)
        frame.setHeight(form(now._replace(section=True, rows=(*now.rows, line))).height)
    down = canvas.view.down
    rect = QRectF(frame.bottomLeft() + QPointF(0, GAP), QSizeF(size.width, size.height))
    if down:
        rect.moveTopLeft(frame.topRight() + QPointF(GAP, 0))
    while found := canvas.view.frames_in(rect.adjusted(-16, -16, 16, 16)):
        if down:
            rect.moveLeft(max(other.right() for other in found) + GAP)
        else:
            rect.moveTop(max(other.bottom() for other in found) + GAP)
    return STEP * round(rect.x() / STEP), STEP * round(rect.y() / STEP)
