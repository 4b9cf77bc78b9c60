"""Layers dropped on a level of the path: they move there, out of the group that is open."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from designer.edits.levels import lift
from designer.model import Network

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas


def level_at(canvas: "Canvas", at: QPointF) -> str | None:
    """The level of the path at a point of the view, which lights up; None elsewhere and over the one that is open."""
    path = canvas.frame.path
    inside = path.mapFrom(canvas.frame, at.toPoint())
    level = path.level_at(inside)
    level = level if level != canvas.document.view.path else None
    path.light(level)
    return level


def drop_on_level(canvas: "Canvas", paths: list[str], level: str) -> None:
    """Move layers to a level around them, in one undo step."""
    canvas.frame.path.light(None)
    document = canvas.document
    made: tuple[str, ...] = ()

    def edit(network: Network) -> Network:
        nonlocal made
        network, made = lift(network, paths, level)
        return network

    def then() -> None:
        where = level or document.name
        what = f"{made[0]} stands" if len(made) == 1 else f"{len(made)} layers stand"
        document.told.emit(f"{what} in {where} now.")

    names = paths[0].rpartition(".")[2] if len(paths) == 1 else f"{len(paths)} layers"
    canvas.attempt(f"Move {names} to {level.rpartition('.')[2] or 'the top'}", edit, then)
