"""Boxes over the window to choose from by typing: all commands, the steps of the history."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QKeySequence

from designer.gui.doing import lowered

if TYPE_CHECKING:
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
    "find": "search layers shape type tied frozen",
    "freeze": "requires_grad train lock",
    "canvas.overview": "minimap map",
    "canvas.bookmark": "keep place camera view",
    "canvas.bookmarks": "places cameras views go to",
    "canvas.hide": "connections declutter",
    "canvas.show_hidden": "unhide connections",
    "canvas.show_all_hidden": "unhide connections",
    "downstream": "after following dependents",
    "copy_picture": "image screenshot png",
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
        self.box: Box | None = None

    def open(self) -> None:
        """List every command."""
        self.ask("Run a command", "", self.lines)

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
        self.ask("Go to a step", "the last first", self.steps)

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

    def ask(self, hint: str, caption: str, lines: "Callable[[str], list[Line]]") -> "Box":
        """Open a box over the page that is shown."""
        from designer.gui.canvas.box import Box

        self.close()
        parent = self.window.stack.currentWidget()
        self.box = box = Box(parent, WIDTH)
        box.closed.connect(box.deleteLater)
        box.closed.connect(self._forget)
        box.ask(QPoint((parent.width() - WIDTH) // 2, TOP), hint, caption, lines)
        return box

    def close(self) -> None:
        if self.box is not None:
            self.box.close_box()

    def _forget(self) -> None:
        self.box = None


def _answers(words: Iterable[str], name: str, others: str) -> bool:
    text = f"{name} {others}".lower()
    return all(word in text for word in words)
