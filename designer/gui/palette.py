"""Boxes over the window to choose from by typing: all commands, the steps of the history, the layers."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QKeySequence

from designer.gui.doing import lowered
from designer.gui.drawing import category_of, shape_text
from designer.gui.table import matches

if TYPE_CHECKING:
    from designer.analysis import Row
    from designer.gui.canvas.box import Box, Line
    from designer.gui.main_window import MainWindow

WIDTH = 520
TOP = 48  # below the upper edge of what the box covers
# What people call commands that have other names here.
WORDS = {
    "canvas.fold": "OutputLearnables InputLearnables output input learnables switch checkbox tick",
    "tie": "share weights tied sharing OutputLearnables InputLearnables",
    "untie": "own copy weights",
    "transfer": "fine-tune finetune new head classes learn rate",
    "replace": "change type swap",
    "align_centre": "center",
    "arrange": "layout tidy auto",
    "canvas.search": "insert node layer create",
    "freeze": "requires_grad train lock",
    "export": "python code pytorch source picture weights",
    "attach": "load_state_dict load weights checkpoint safetensors npz into",
    "import": "open pt2 state_dict safetensors checkpoint",
    "owner": "jump tie",
    "borrower": "jump tie",
    "group": "block subgraph nest",
    "settings": "edit properties",
    "theme": "dark light colours",
}


def commands(window: "MainWindow") -> list[tuple[str, QAction]]:
    """List every command with the title of its menu, in the order of the menus."""
    found: list[tuple[str, QAction]] = []
    for top in window.menus.actions():
        menu = top.menu()
        todo = [(top.text(), action) for action in menu.actions()] if menu else []
        while todo:
            title, action = todo.pop(0)
            if inner := action.menu():
                if inner is not window.recent_menu:
                    todo = [(f"{title}, {inner.title()}", part) for part in inner.actions()] + todo
            elif not action.isSeparator():
                found.append((title.replace("&", ""), action))
    return found


def plain(action: QAction) -> str:
    """The name of a command, without the mark of its letter."""
    return action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")


def keys(action: QAction) -> str:
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


class Palette:
    """The boxes of one window."""

    def __init__(self, window: "MainWindow"):
        self.window = window
        self.recent: list[str] = []  # names of commands that were chosen, the last first
        self.query = ""  # what was looked for last
        self.shown = ""  # the layer that was found last
        self.box: Box | None = None

    def open(self) -> None:
        """List every command."""
        self._ask("Run a command", "", self.lines)

    def lines(self, text: str) -> "list[Line]":
        """List the commands that have all words of a text; without one, those that were chosen before come first."""
        from designer.gui.canvas.box import Line

        words, start = text.lower().split(), text.lower().strip()
        found = []
        for place, (menu, action) in enumerate(commands(self.window)):
            name, key = plain(action), action.objectName()
            if key == "palette" or not _answers(words, name, f"{menu} {WORDS.get(key, '')}"):
                continue
            known = self.recent.index(key) if key in self.recent else len(self.recent)
            rank = not action.isEnabled(), not name.lower().startswith(start) if words else known, place
            run = (lambda _, action=action: self._run(action)) if action.isEnabled() else None
            found.append((rank, Line(name, menu, keys(action), tip=name, run=run, icon="")))
        found.sort(key=lambda pair: pair[0])
        return [line for _, line in found] or [Line(f"No command is called {text.strip()}.")]

    def _run(self, action: QAction) -> None:
        name = action.objectName()
        self.recent = [name, *(other for other in self.recent if other != name)][:8]
        self.close()
        action.trigger()

    def history(self) -> None:
        """List the steps of the history, the last first; one is gone to by a single click."""
        self._ask("Go to a step", "the last first", self.steps)

    def steps(self, text: str) -> "list[Line]":
        from designer.gui.canvas.box import Line

        history, words = self.window.document.history, text.lower().split()
        found = []
        for number in range(history.count(), -1, -1):
            name = history.text(number - 1) if number else "The beginning"
            if _answers(words, name, ""):
                now = "now" if number == history.index() else "undone" if number > history.index() else ""
                found.append(Line(name, "", now, run=lambda _, number=number: self.go(number), icon=""))
        return found or [Line(f"No step is called {text.strip()}.")]

    def go(self, number: int) -> None:
        history = self.window.document.history
        name = f"after: {lowered(history.text(number - 1))}" if number else "at the beginning"
        self.window.doing.go_to_step(number, f"The network {name}.")

    def find(self) -> None:
        """Look for layers, also inside groups."""
        if not self.window.on_start:
            self._ask("Find layers", "tied  frozen  type:lstm  >1M", self.hits)
            if self.box is not None and self.query:
                self.box.field.setText(self.query)
                self.box.field.selectAll()

    def hits(self, text: str) -> "list[Line]":
        """List the layers that answer to a text: words, ``type:lstm``, ``tied``, ``frozen``, ``>1M``, a shape."""
        from designer.gui.canvas.box import Line

        self.query = text.strip() or self.query
        if not text.strip():
            return [Line("Names, types, shapes as 300, or the words at the right")]
        found = self.found(text)
        lines = [
            Line(
                row.name,
                row.type,
                shape_text(row.activations[0]) if row.activations else "",
                (category_of(type(self.window.document.network.layer(row.name))), row.type),
                run=lambda _, path=row.name: self.show(path),
            )
            for row in found
        ]
        return lines or [Line(f"No layer answers to {text.strip()}.")]

    def found(self, text: str) -> "list[Row]":
        document = self.window.document
        if document.analysis is None:
            return []
        return [r for r in document.analysis.rows if r.name in document.network.all and matches(r, text)]

    def show(self, path: str) -> None:
        self.shown = path
        self.window.canvas.show_path(path)

    def step(self, by: int) -> None:
        """Show the next layer that answers to what was looked for, or the one before."""
        found = [row.name for row in self.found(self.query)] if self.query else []
        if not found:
            self.find()
            return
        at = found.index(self.shown) if self.shown in found else -1 if by > 0 else 0
        self.show(found[(at + by) % len(found)])
        number = found.index(self.shown) + 1
        self.window.document.told.emit(f"{self.shown} is {number} of {len(found)} found by {self.query}.")

    def _ask(self, hint: str, caption: str, lines: "Callable[[str], list[Line]]") -> None:
        from designer.gui.canvas.box import Box

        self.close()
        parent = self.window.stack.currentWidget()
        self.box = box = Box(parent, WIDTH)
        box.closed.connect(box.deleteLater)
        box.closed.connect(self._forget)
        box.ask(QPoint((parent.width() - WIDTH) // 2, TOP), hint, caption, lines)

    def close(self) -> None:
        if self.box is not None:
            self.box.close_box()

    def _forget(self) -> None:
        self.box = None


def _answers(words: Iterable[str], name: str, others: str) -> bool:
    text = f"{name} {others}".lower()
    return all(word in text for word in words)
