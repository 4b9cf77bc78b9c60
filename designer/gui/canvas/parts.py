"""What a double-click on a part of a group does: on the name of a port, a free port, or the pill."""

from typing import TYPE_CHECKING

from designer.gui.canvas.ends import end_of
from designer.gui.canvas.twins import list_alike

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.canvas.hits import Hit


def opened_part(canvas: "Canvas", hit: "Hit") -> bool:
    """Rename a port where it stands, or list the groups that are alike; whether one of these was hit."""
    port = hit.end or (hit.port if hit.port is not None and not hit.port.wired else None)
    if port is not None and (end := end_of(canvas, port)) is not None:
        canvas.naming.open_end(end)
        return True
    if hit.what == "alike" and hit.node is not None:
        list_alike(canvas, hit.node.look.path)
        return True
    return False
