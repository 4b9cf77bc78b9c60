"""The commands of the canvas. Their keys belong to the view alone: in a text field they type."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from designer.gui.canvas.calling import call_again
from designer.gui.canvas.hiding import hide_selected, show_all, show_selected
from designer.gui.canvas.twins import show_differences

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas


def commands(canvas: "Canvas") -> dict[str, QAction]:
    """Make the actions of a canvas, by name; the window puts them into its menus."""
    table: dict[str, tuple[str, tuple[str, ...], Callable[[], object]]] = {
        "search": ("Add layer…", ("Tab", "Shift+A"), canvas.search.open),
        "insert": ("Insert on wire…", ("Shift+I",), canvas.search.open_on_selected),
        "connect": ("Connect…", ("C",), canvas.connecting.open),
        "slice": ("Slice wires", ("K",), canvas.slice),
        "go_left": ("Go to the layer on the left", ("Ctrl+Left",), lambda: canvas.walking.step(-1, 0)),
        "go_right": ("Go to the layer on the right", ("Ctrl+Right",), lambda: canvas.walking.step(1, 0)),
        "go_up": ("Go to the layer above", ("Ctrl+Up",), lambda: canvas.walking.step(0, -1)),
        "go_down": ("Go to the layer below", ("Ctrl+Down",), lambda: canvas.walking.step(0, 1)),
        "keep": ("Keep selected while walking", ("Shift+Space",), canvas.walking.keep),
        "delete": ("Delete", ("Del", "Backspace"), canvas.delete),
        "delete_joined": ("Delete and join", ("Ctrl+Del", "Ctrl+Backspace"), lambda: canvas.delete(joined=True)),
        "select_all": ("Select all", ("Ctrl+A",), canvas.select_all),
        "clear": ("Clear selection", ("Esc",), canvas.clear),
        "fit": ("Fit selection", ("F",), canvas.fit),
        "fit_all": ("Fit all", ("Home",), lambda: canvas.fit(all=True)),
        "ties": ("Ties: All, Selected, Off", ("T",), canvas.cycle_ties),
        "hide": ("Hide wires", ("H",), lambda: hide_selected(canvas)),
        "show_hidden": ("Show hidden wires of the selection", ("Shift+H",), lambda: show_selected(canvas)),
        "show_all_hidden": ("Show all hidden wires", (), lambda: show_all(canvas)),
        "overview": ("Overview: pin or hide", ("M",), canvas.frame.overview.toggle),
        "bookmark": ("Bookmark this view", ("B",), canvas.bookmarking.add),
        "bookmarks": ("Bookmarks…", ("Shift+B",), canvas.bookmarking.open),
        "fold": ("Fold or unfold learnables", ("L",), canvas.switching.fold),
        "call_again": ("Call again", ("Ctrl+Shift+A",), lambda: call_again(canvas)),
        "differences": ("Show differences", (), lambda: show_differences(canvas)),
        "enter": ("Enter group", ("Return", "Enter"), canvas.enter_selected),
        "leave": ("Leave group", ("Shift+Return", "Shift+Enter", "Alt+Up"), canvas.leave),
    }
    actions = {}
    for name, (text, keys, run) in table.items():
        action = QAction(text, canvas.view)
        action.setObjectName(f"canvas.{name}")
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(lambda _=False, run=run: run())
        canvas.view.addAction(action)
        actions[name] = action
    return actions
