"""Groups that are alike on the canvas: the list of them, and how others differ."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF

from designer.edits.likeness import Difference, alike, differences, nearly_alike
from designer.gui.canvas.box import Line
from designer.gui.canvas.gestures import NodePress
from designer.model import Group
from designer.model.names import under

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

WIDE = 560  # of the list of differences
MOST = 200  # of them that are listed
GROUP = ("Group", "Group")


class TwinsPress(NodePress):
    """Press the pill: a click lists the groups that are alike, a drag moves the node."""

    def click(self, modifiers):
        super().click(modifiers)
        list_alike(self.canvas, self.path)


def list_alike(canvas: "Canvas", path: str) -> None:
    """List the groups that are like one, and those that nearly are; a click goes there."""
    network = canvas.document.network
    same = alike(network).get(path, (path,))
    nearly = [other for other in nearly_alike(network, path) if other not in same]
    lines = [Line(other, tile=GROUP, run=_going(canvas, other)) for other in same]
    beside = frozenset(other for other in same if other in canvas.mirror.nodes)
    if len(beside) > 1:
        lines.insert(0, Line(f"Select the {len(beside)} that stand here", run=lambda shift: canvas.select(beside)))
    lines += [Line(other, tail="differs", tile=GROUP, run=_differing(canvas, (*same, other))) for other in nearly]
    _ask(canvas, path, "Which of them?", f"{len(same)} alike", lines, 0)


def show_differences(canvas: "Canvas") -> None:
    """List how the groups differ that are nearly like the selected one."""
    network = canvas.document.network
    chosen = [path for path in canvas.selected_layers() if isinstance(network.layer(path), Group)]
    if not chosen:
        canvas.document.refused.emit("Select a group to see how it differs from others like it.")
        return
    paths = tuple(chosen) if len(chosen) > 1 else nearly_alike(network, chosen[0])
    if len(paths) < 2:
        canvas.document.refused.emit(f"No other group is like {chosen[0]}.")
        return
    compare(canvas, chosen[0], paths)


def compare(canvas: "Canvas", path: str, paths: tuple[str, ...], values: bool = False) -> None:
    """Look beside the window for how groups differ, then list it at the node of the first."""
    document = canvas.document
    network = document.network

    def listed(found: list[Difference]) -> None:
        if document.closed or document.network is not network:
            return
        lines = [Line(one.text, tip=one.text, tile=GROUP, run=_going(canvas, one.path)) for one in found[:MOST]]
        if len(found) > MOST:
            lines.append(Line(f"And {len(found) - MOST:,} more.", icon=""))
        if not lines:
            what = "layers, settings, wires and values" if values else "layers, settings and wires"
            lines.append(Line(f"They have the same {what}.", icon=""))
        stored = any(under(key, group) for key in network.values for group in paths)
        if stored and not values:
            lines.append(Line("Compare their values too", run=_valued(canvas, path, paths)))
        _ask(canvas, path, "Which difference?", f"{len(paths)} groups", lines, WIDE)

    document.beside(lambda: differences(network, paths, values), listed, document.failed)


def _going(canvas: "Canvas", path: str):
    return lambda shift: canvas.show_path(path)


def _differing(canvas: "Canvas", paths: tuple[str, ...]):
    def run(shift: bool) -> None:
        canvas.frame.box.close_box()  # before what is asked next opens
        compare(canvas, paths[0], paths)

    return run


def _valued(canvas: "Canvas", path: str, paths: tuple[str, ...]):
    def run(shift: bool) -> None:
        canvas.frame.box.close_box()
        compare(canvas, path, paths, values=True)

    return run


def _ask(canvas: "Canvas", path: str, hint: str, caption: str, lines: list[Line], wide: int) -> None:
    node = canvas.mirror.nodes.get(path)
    at = canvas.view.viewportTransform().map(node.view.frame.bottomLeft()) if node else QPointF(60, 60)
    canvas.frame.box.choose(at.toPoint() + QPoint(0, 8), hint, caption, lines, "Nothing says that.", wide)
