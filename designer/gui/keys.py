"""The sheet of all keys and gestures."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from designer.gui.palette import commands
from designer.gui.widgets import Label, Search, column, row

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow

WIDTH, COLUMNS = 340, 3
GESTURES = {
    "Mouse on layers": (
        ("Drag", "Move; a lone layer onto a wire: insert"),
        ("Drag, then Shift or Ctrl", "Along one axis; off ports and grid"),
        ("Ctrl+drag", "Pull copies off"),
        ("Shift+click", "Add to the selection, or take out"),
        ("Double-click", "Settings; a group: enter"),
        ("Right-click", "Menu"),
        ("Drop from the library", "Add; onto a wire: insert"),
    ),
    "Mouse on groups": (
        ("Rest on its body", "See what is inside"),
        ("Drag a port\u2019s name", "Put the port elsewhere"),
        ("Double-click a port\u2019s name", "Rename the port"),
        ("Click \u201c\u00d7 12\u201d", "List the groups that are alike"),
        ("Drop layers on the path", "Move them to that level"),
        ("Click \u201cfrom emb\u201d", "Go to the other end of a tie"),
    ),
    "Mouse on learnables": (
        ("Click \u201cLearnables\u201d", "Show the switches, or hide them"),
        ("Click a switch", "Offer a learnable, or take it from a wire"),
        ("Drag a switch", "Switch on and draw the wire"),
        ("Drag a diamond", "Tie: draw the wire to a layer"),
    ),
    "Mouse on ports and wires": (
        ("Drag a port", "New wire; onto nothing: layers that fit"),
        ("Drag a wired input", "Pull the wire off; onto nothing: cut"),
        ("Ctrl+drag a wired input", "Copy the wire"),
        ("Ctrl+drag a wired output", "Move all its wires"),
        ("Double-click a wired port", "Jump to the other end"),
        ("Double-click a free output", "Layers that fit"),
        ("Click a wire", "Select it"),
        ("Double-click a wire", "Insert a layer"),
        ("Double-click a tie's label", "Show both ends"),
        ("Click \u201cto fc\u201d of a hidden wire", "Go to its other end"),
    ),
    "Mouse on the canvas": (
        ("Wheel", "Zoom to the pointer"),
        ("Shift+wheel", "Pan sideways"),
        ("Two fingers, pinch", "Pan, zoom"),
        ("Middle, right or Space+drag", "Pan"),
        ("Drag", "Select what the frame touches"),
        ("Shift+drag, Ctrl+drag", "Add to the selection, take out of it"),
        ("Double-click", "Add a layer there"),
    ),
    "Mouse on the overview": (
        ("Click", "Move the view there"),
        ("Drag the frame", "Pull the view along"),
        ("Double-click", "Fit all"),
    ),
    "Without a mouse": (
        ("Arrows, Shift+arrows", "Nudge the selection by 8, by 64"),
        ("Tab, type, Enter", "Add a layer after the selected one"),
        ("L, arrows, Space", "Go to a switch and toggle it; Esc leaves"),
        ("F3 in the find box, Esc", "Step through, go back"),
        ("F2, Del in the bookmarks", "Rename, remove"),
        ("F6, Esc", "Go to the next panel, back to the canvas"),
    ),
}


class Keys(QDialog):
    """Every command by menu, and every gesture, with a field that filters them."""

    def __init__(self, window: "MainWindow"):
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keys and gestures")
        self.field = Search("Filter keys and gestures")
        self.sections = [*_by_menu(window).items(), *GESTURES.items()]
        self.area = QScrollArea(widgetResizable=True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setAccessibleName("Keys and gestures")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 16, 12, 16)
        layout.setSpacing(12)
        head = row(Label("Keys and gestures", "title"), None, self.field, margins=(0, 0, 12, 0))
        self.field.setFixedWidth(240)
        layout.addWidget(head)
        layout.addWidget(self.area)
        self.field.textChanged.connect(self.fill)
        self.columns = COLUMNS
        self.fill()
        room = window.size()
        self.resize(min(COLUMNS * (WIDTH + 24) + 48, room.width() - 32), min(760, room.height() - 32))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        columns = min(COLUMNS, max(1, (self.width() - 48) // (WIDTH + 24)))
        if columns != self.columns:
            self.columns = columns
            self.fill()

    def fill(self) -> None:
        """Show the lines that have all words of the field, in columns of like height."""
        words = self.field.text().lower().split()
        shown = []
        for title, lines in self.sections:
            kept = [line for line in lines if all(word in f"{title} {line[0]} {line[1]}".lower() for word in words)]
            if kept:
                shown.append((title, kept))
        total = sum(len(lines) + 2 for _, lines in shown)
        content, columns, height = QWidget(objectName="panel"), [[]], 0  # type: tuple[QWidget, list[list[QWidget]], int]
        for title, lines in shown:
            if height > total / self.columns * len(columns) - len(lines) / 2 and len(columns) < self.columns:
                columns.append([])
            columns[-1].append(_section(title, lines))
            height += len(lines) + 2
        inside = QHBoxLayout(content)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(24)
        for pieces in columns:
            made = column(*pieces, None, gap=16)
            made.setFixedWidth(WIDTH)
            inside.addWidget(made)
        if not shown:
            inside.addWidget(Label(f"No key or gesture answers to {self.field.text().strip()}.", "t2"))
        inside.addStretch(1)
        self.area.setWidget(content)


def _section(title: str, lines: list[tuple[str, str]]) -> QWidget:
    pieces: list[QWidget | int] = [Label(title, "head"), 4]
    for keys, text in lines:
        name = Label(text, "t1", Qt.TextElideMode.ElideRight)
        key = Label(keys, "t2")
        pieces.append(row(name, None, 12, key, height=24))
    return column(*pieces)


def _by_menu(window: "MainWindow") -> dict[str, list[tuple[str, str]]]:
    """The commands of each menu, with all their keys."""
    found: dict[str, list[tuple[str, str]]] = {}
    for menu, action in commands(window):
        keys = ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts())
        if keys:
            found.setdefault(menu, []).append((keys, action.iconText().removesuffix("…")))
    return found
