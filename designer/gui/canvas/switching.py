"""The switches of learnables by keyboard: L shows them, arrows go from one to the other, Space toggles."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.gui.canvas.look import LearnableRow
from designer.gui.canvas.paint import NEAR
from designer.gui.canvas.saying import announce
from designer.gui.theme import Theme

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

ARROWS = {
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
}


class Switching:
    """Which switch the keyboard is at: a layer, the names that a row stands for, and the column."""

    def __init__(self, canvas: "Canvas"):
        self.canvas = canvas
        self.path, self.offers = "", False
        self.names: tuple[str, ...] = ()
        self.head = False  # the row of a group of names

    @property
    def on(self) -> bool:
        return bool(self.path)

    def fold(self) -> None:
        """Fold or unfold the learnables of the selected layers; those of the first have the keyboard then."""
        paths = self.canvas.selected_layers()
        self.canvas.fold(paths)
        able = [path for path in paths if self.canvas.node(path).look.unfolds]
        if not able:
            self.canvas.document.refused.emit("Select a layer with learnables first.")
        elif able[0] in self.canvas.document.view.unfolded:
            self._begin(able[0])
        else:
            self.leave()

    def _begin(self, path: str) -> None:
        self.path = path
        rows = self._rows()
        if not rows:
            self.path = ""
            return
        self._go(rows[0], offers=False)

    def leave(self) -> bool:
        """Give the arrows back to the layers; whether they were here."""
        was, self.path = self.on, ""
        if was:
            self.canvas.view.viewport().update()
        return was

    def follow(self) -> None:
        """Leave when the layer is folded, gone, or no longer selected."""
        if self.on and (self.path not in self.canvas.selection or self._row() is None):
            self.leave()

    # What the keys do.

    def key(self, key: int) -> bool:
        """Take a key without modifiers; whether it meant something here."""
        if not self.on or (row := self._row()) is None:
            return False
        if key in ARROWS:
            across, down = ARROWS[Qt.Key(key)]
            rows = self._rows()
            at = max(0, min(len(rows) - 1, rows.index(row) + down))
            self._go(rows[at], self.offers if not across else across > 0)
            return True
        if key == Qt.Key.Key_Space:
            self.toggle()
            return True
        return False

    def toggle(self) -> None:
        """Switch on or off, as a click would."""
        row = self._row()
        if row is None:
            return
        self._bring_near()
        state = row.offers if self.offers else row.takes
        self.canvas.switch([self.path], row.names, self.offers, state != Qt.CheckState.Checked)
        self._say()

    def open_names(self) -> bool:
        """Open or close the group of names that the keyboard is at; whether it is at one."""
        row = self._row()
        if row is None or not row.head:
            return self.on
        self.canvas.fold_names(self.path, row.group)
        return True

    def _go(self, row: LearnableRow, offers: bool) -> None:
        self.names, self.head, self.offers = row.names, row.head, offers
        self._bring_near()
        self.canvas.view.viewport().update()
        self._say()

    def _bring_near(self) -> None:
        """Have the switch in view, and so near that it is drawn; all of its layer where there is room."""
        view, node, row = self.canvas.view, self.canvas.node(self.path), self._row()
        if row is None:
            return
        if view.zoom < NEAR:
            view.zoom_at(NEAR / view.zoom, view.viewportTransform().map(node.frame.center()))
        switch = node.switch_rect(row, self.offers).translated(node.pos())
        for area in (node.frame, switch):
            if not view.visible().contains(switch):
                view.set_camera(area.center(), view.zoom)

    def _say(self) -> None:
        """Let a screen reader say which switch it is, and how it stands."""
        if (row := self._row()) is None:
            return
        state = row.offers if self.offers else row.takes
        how = {Qt.CheckState.Checked: "on", Qt.CheckState.PartiallyChecked: "partly on"}.get(state, "off")
        column = "OutputLearnables" if self.offers else "InputLearnables"
        announce(self.canvas.view, f"{self.path.rpartition('.')[2]}, {column}, {row.label}, {how}")

    # Where it is.

    def _rows(self) -> list[LearnableRow]:
        node = self.canvas.mirror.nodes.get(self.path)
        look = node.view.look if node is not None else None
        return [row for row in look.rows if row.switches] if look is not None and look.unfolded else []

    def _row(self) -> LearnableRow | None:
        """The row with the switch, as it is shown now."""
        return next((row for row in self._rows() if (row.names, row.head) == (self.names, self.head)), None)

    def paint(self, painter: QPainter, theme: Theme) -> None:
        """Draw a ring around the switch."""
        if not self.on or (row := self._row()) is None:
            return
        node = self.canvas.node(self.path)
        middle = node.pos() + node.switch_rect(row, self.offers).center()
        painter.setPen(QPen(theme.focus, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(middle.x() - 9, middle.y() - 9, 18, 18), 5, 5)
