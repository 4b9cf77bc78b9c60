"""Go to the other end of a tie that leaves the group that is open."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from designer.gui.canvas.box import Line
from designer.gui.canvas.gestures import Gesture
from designer.gui.canvas.stubs import Stub

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas


class StubPress(Gesture):
    """Press the pill of a stub: a click goes to the other end, or asks to which."""

    def click(self, modifiers):
        if self.hit.stub is not None:
            go_beyond(self.canvas, self.hit.stub, self.pressed)


def go_beyond(canvas: "Canvas", stub: Stub, at: QPointF) -> None:
    """Show the layer at the other end of a tie, with its group opened."""
    if len(stub.far) == 1:
        canvas.show_path(stub.far[0])
        return
    lines = [Line(path, port="diamond", filled=True, run=_going(canvas, path)) for path in stub.far]

    def matching(text: str) -> list[Line]:
        words = text.lower().split()
        return [line for line in lines if all(word in line.title.lower() for word in words)] or [Line("No such layer.")]

    canvas.frame.box.ask(at.toPoint(), "Which of them?", f"{len(stub.far)} borrow", matching)


def _going(canvas: "Canvas", path: str):
    return lambda shift: canvas.show_path(path)
