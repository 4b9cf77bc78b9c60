"""What a double-click does: enter, rename, show settings, add a layer, or go to the other end of a wire."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint

from designer.gui.canvas.box import Line
from designer.gui.canvas.group_ports import end_of
from designer.gui.canvas.port import PortItem
from designer.gui.canvas.twins import list_alike
from designer.gui.drawing import category_of
from designer.model import Group, Port

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.canvas.hits import Hit


def opened(canvas: "Canvas", hit: "Hit") -> None:
    """Do what a double-click on something means."""
    network = canvas.document.network
    if _opened_part(canvas, hit):
        return
    if hit.port is not None and (ends := other_ends(canvas, hit.port)):
        if len(ends) == 1:
            canvas.show_path(ends[0].layer)
            canvas.fit()
        else:
            _list_ends(canvas, hit.port, ends)
    elif hit.port is not None and hit.port.out:
        canvas.search.open_at_port(hit.port.look.port, True, hit.port.anchor())
    elif hit.what == "label" and hit.wire is not None:
        canvas.select({hit.wire.output_port.node.look.path, hit.wire.input_port.node.look.path})
        canvas.fit()
    elif hit.what == "name" and hit.node is not None:
        canvas.naming.open(hit.node.look.path)
    elif hit.node is not None and isinstance(network.find(hit.node.look.path), Group):
        canvas.enter(hit.node.look.path)
    elif hit.node is not None:
        canvas.settings_wanted.emit(hit.node.look.path)
    elif hit.what == "canvas":
        canvas.search.open(hit.at)
    elif hit.what == "wire" and hit.wire is not None:
        canvas.search.open_on_wire(hit.wire.target, hit.at)


def other_ends(canvas: "Canvas", port: PortItem) -> list[Port]:
    """Give the ports at the other ends of the wires of a port, also those beyond the open group."""
    network, at = canvas.document.network, port.look.port
    if port.out:
        return list(network.targets.get(at, ()))
    source = network.source_of(at)
    return [source] if source is not None else []


def _list_ends(canvas: "Canvas", port: PortItem, ends: list[Port]) -> None:
    """List the layers that an output leads to; one that is chosen is shown."""
    network = canvas.document.network

    def go(path: str) -> None:
        canvas.show_path(path)
        canvas.fit()

    lines = [
        Line(
            end.layer,
            type(network.layer(end.layer)).__name__,
            end.name,
            (category_of(layer := network.layer(end.layer)), type(layer).__name__),
            tip=str(end),
            run=lambda _, path=end.layer: go(path),
        )
        for end in ends
    ]
    at = canvas.view.viewportTransform().map(port.anchor()).toPoint() + QPoint(16, 12)
    canvas.frame.box.choose(at, "Go to the other end", f"{len(ends)} wires", lines, "No layer there is called so.")


def _opened_part(canvas: "Canvas", hit: "Hit") -> bool:
    """Rename a port where it stands, or list the groups that are alike; whether one of these was hit."""
    port = hit.end or (hit.port if hit.port is not None and not hit.port.wired else None)
    if port is not None and (end := end_of(canvas, port)) is not None:
        canvas.naming.open_end(end)
        return True
    if hit.what == "alike" and hit.node is not None:
        list_alike(canvas, hit.node.look.path)
        return True
    return False
