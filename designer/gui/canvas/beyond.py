"""Go to the other end of wires that are not drawn: ties that leave the group that is open, and hidden wires."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from designer.gui.canvas.box import Line
from designer.gui.canvas.gestures import Gesture
from designer.gui.canvas.hiding import wire_lines
from designer.gui.canvas.look import short
from designer.gui.canvas.stubs import Stub
from designer.model.names import join, under

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.canvas.menus import Menu


LISTED = 16  # layers in a menu; the box lists all


class StubPress(Gesture):
    """Press the pill of a stub: a click goes to the other end, or asks to which."""

    def click(self, modifiers):
        if self.hit.stub is not None:
            go_beyond(self.canvas, self.hit.stub, self.pressed)


def go_to(canvas: "Canvas", path: str) -> None:
    """Show a layer; in the open group, what it stands in there."""
    home = canvas.document.view.path
    if under(path, home):
        path = join(home, path[len(home) + 1 if home else 0 :].partition(".")[0])
    canvas.show_path(path)


def go_beyond(canvas: "Canvas", stub: Stub, at: QPointF) -> None:
    """Show the layer at the other end of what a stub stands for, with its group opened."""
    if len(stub.far) == 1:
        go_to(canvas, stub.far[0])
        return
    port = "diamond" if stub.bunch.learnable else "circle"
    lines = [Line(path, port=port, filled=True, run=_going(canvas, path)) for path in stub.far]
    says = f"{len(stub.far)} borrow" if stub.bunch.learnable else f"{len(stub.far)} layers"
    canvas.frame.box.choose(at.toPoint(), "Which of them?", says, lines, "No such layer.")


def stub_lines(menu: "Menu", stub: Stub) -> None:
    """Say in the menu of a stub where it leads; a hidden wire can be shown again."""
    canvas, home = menu.canvas, stub.node.look.path
    for path in stub.far[:LISTED]:
        menu.add(f"Go to {short(path, home)}", lambda path=path: go_to(canvas, path))
    menu.menu.addSeparator()
    wire_lines(menu, stub.wires)


def _going(canvas: "Canvas", path: str):
    return lambda shift: go_to(canvas, path)
