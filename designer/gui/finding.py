"""Find layers, also inside groups: a box that lists them, and keys that step through them."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from designer.analysis import Row
from designer.gui.document import is_group
from designer.gui.drawing import category_of, shape_text
from designer.gui.table import lenders, matches

if TYPE_CHECKING:
    from designer.gui.canvas.box import Line
    from designer.gui.main_window import MainWindow

MOST = 300  # lines that are listed; all are counted and stepped through
HINT = "Names, types, shapes as B x T x 300 or 1000x300, or the words at the right"


class Finding:
    """What is looked for in one window. Escape in the box goes back to where the search began."""

    def __init__(self, window: "MainWindow"):
        self.window = window
        self.query = ""  # what was looked for last
        self.shown = ""  # the layer that was shown last
        self.began: tuple[str, frozenset[str], QPointF, float] | None = None  # the view before

    def open(self) -> None:
        """Open the box, with what was looked for last in it."""
        if self.window.on_start:
            return
        view, canvas = self.window.document.view, self.window.canvas
        self.began = view.path, view.selection, canvas.view.center, canvas.view.zoom
        box = self.window.boxes.ask("Find layers", "tied  frozen  type:lstm  >1M", self.lines)
        box.left.connect(self._return)
        if self.query:
            box.field.setText(self.query)
            box.field.selectAll()

    def lines(self, text: str) -> "list[Line]":
        """List the layers that answer to a text, and count them."""
        from designer.gui.canvas.box import Line

        self.query = text.strip() or self.query
        found = self.found(text) if text.strip() else []
        self._count(len(found))
        if not text.strip():
            return [Line(HINT)]
        lines = [
            Line(
                row.name,
                row.type,
                shape_text(row.activations[0]) if row.activations else "",
                (category_of(self.window.document.network.layer(row.name)), row.type),
                tip=row.name,
                run=lambda _, path=row.name: self.show(path),
            )
            for row in found[:MOST]
        ]
        if len(found) > MOST:
            lines.append(Line(f"and {len(found) - MOST:,} more: F3 steps through all"))
        return lines or [Line(f"No layer answers to {text.strip()}.")]

    def found(self, text: str) -> list[Row]:
        """Give the layers that answer, in the order of computation; those that are not analyzed yet at the end."""
        analysis, network = self.window.document.analysis, self.window.document.network
        rows = [row for row in analysis.rows if row.name in network.all] if analysis is not None else []
        known = {row.name for row in rows}
        for path, layer in network.all.items():
            if path not in known:
                rows.append(Row(path, type(layer).__name__, (), {}, {}, 0, 0, known=False))
        lending = lenders(analysis) if analysis is not None else frozenset()
        return [row for row in rows if matches(row, text, lending)]

    def show(self, path: str) -> None:
        self.shown = path
        self.window.canvas.show_path(path)

    def step(self, by: int) -> None:
        """Show the next layer that answers to what was looked for, or the one before."""
        found = [row.name for row in self.found(self.query)] if self.query else []
        if not found:
            self.open()
            if self.query:
                self.window.document.refused.emit(f"No layer answers to {self.query}.")
            return
        selected = self.window.canvas.selected_layers()
        here = next((path for path in (self.shown, *selected) if path in found and path in selected), None)
        at = (found.index(here) + by if here else 0 if by > 0 else -1) % len(found)
        self.show(found[at])
        self._count(len(found), at)
        self.window.document.told.emit(f"{self.shown} is {at + 1:,} of {len(found):,} found by {self.query}.")

    def _count(self, number: int, at: int | None = None) -> None:
        """Say in the open box how many there are, and at which of them one is."""
        if (box := self.window.boxes.box) is None or box.lines_for != self.lines:
            return
        box.note = f"{number:,} found" if at is None else f"{at + 1:,} of {number:,}"
        if at is not None and at < box.list.count():
            box.list.setCurrentRow(at)
        box.update()

    def _return(self) -> None:
        """Show again what was shown when the box was opened."""
        if self.began is None:
            return
        path, selection, center, zoom = self.began
        canvas = self.window.canvas
        if not is_group(self.window.document.network, path):
            return
        canvas.enter(path)
        canvas.select(selection)
        canvas.view.set_camera(center, zoom)
