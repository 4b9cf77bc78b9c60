"""Every command of the window: its name, its keys, where it is valid, and the menu it stands in."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from designer.edits.aligning import AXES
from designer.gui.about import show_about
from designer.gui.doing import LINES
from designer.gui.examples import examples
from designer.gui.replace import replace_layer, transfer_head

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow


class Command(NamedTuple):
    """A line of the table. ``canvas``: its keys belong to the canvas alone, elsewhere they type."""

    name: str
    text: str
    keys: tuple[str, ...]
    run: Callable[[], object]
    canvas: bool = False


def make_actions(window: "MainWindow") -> dict[str, QAction]:
    """Make the actions of a window; those of the canvas come with the canvas."""
    do, filing, clip = window.doing, window.filing, window.clipboard
    table = [
        Command("new", "&New", ("Ctrl+N",), window.new_network),
        Command("open", "&Open…", ("Ctrl+O",), filing.ask_open),
        Command("import", "From PyTorch &file…", ("Ctrl+I",), window.ask_import),
        Command("import_code", "From P&ython code…", (), window.ask_code),
        Command("attach", "Attac&h values…", (), window.attaching.ask),
        Command("save", "&Save", ("Ctrl+S",), filing.save),
        Command("save_as", "Save &as…", ("Ctrl+Shift+S",), filing.save_as),
        Command("export", "&Export…", ("Ctrl+E",), window.exporting.ask),
        Command("copy_report", "Copy import report", (), window.exporting.copy_report),
        Command("close", "&Close window", ("Ctrl+W",), window.close),
        Command("quit", "&Quit", ("Ctrl+Q",), window.quit),
        Command("undo", "&Undo", ("Ctrl+Z",), do.undo),
        Command("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), do.redo),
        Command("history", "&History…", (), window.boxes.history),
        Command("find", "&Find…", ("Ctrl+F",), window.finding.open),
        Command("find_next", "Find &next", ("F3",), lambda: window.finding.step(1)),
        Command("find_previous", "Find pre&vious", ("Shift+F3",), lambda: window.finding.step(-1)),
        Command("options", "Setti&ngs…", ("Ctrl+,",), window.open_settings),
        Command("palette", "All co&mmands…", ("Ctrl+Shift+P",), window.boxes.open),
        Command("cut", "Cu&t", ("Ctrl+X",), clip.cut, canvas=True),
        Command("copy", "&Copy", ("Ctrl+C",), clip.copy, canvas=True),
        Command("paste", "&Paste", ("Ctrl+V",), clip.paste, canvas=True),
        Command("duplicate", "Dup&licate", ("Ctrl+D",), clip.duplicate, canvas=True),
        Command("copy_picture", "Copy p&icture", ("Ctrl+Shift+C",), clip.copy_picture, canvas=True),
        Command("copy_python", "Copy as P&ython", (), clip.copy_python),
        Command("zoom_in", "Zoom &in", ("Ctrl++", "Ctrl+="), lambda: window.canvas.zoom_by(1.25)),
        Command("zoom_out", "Zoom &out", ("Ctrl+-",), lambda: window.canvas.zoom_by(0.8)),
        Command("zoom_100", "Zoom to &100 %", ("Ctrl+0",), lambda: window.canvas.zoom_to(1.0)),
        Command("library", "&Library", ("Ctrl+1",), lambda: window.docks.toggle("library")),
        Command("properties", "&Properties", ("Ctrl+2",), lambda: window.docks.toggle("properties")),
        Command("analyzer", "&Analyzer", ("Ctrl+3",), lambda: window.docks.toggle_tab(0)),
        Command("problems", "Pro&blems", ("Ctrl+4",), lambda: window.docks.toggle_tab(1)),
        Command("code", "&Code", ("Ctrl+5",), lambda: window.docks.toggle_tab(2)),
        Command("import_report", "Import &report", ("Ctrl+6",), lambda: window.docks.toggle_tab(3)),
        Command("next_panel", "Next panel", ("F6",), lambda: window.docks.step(1)),
        Command("previous_panel", "Previous panel", ("Shift+F6",), lambda: window.docks.step(-1)),
        Command("theme", "Dark or light", (), window.flip_theme),
        Command("full_screen", "&Full screen", ("F11",), window.flip_full_screen),
        # The rest are those of ON_CANVAS, whose keys type in text fields, and a few more.
        Command("search", "&Search the library", ("/",), window.search_library, canvas=True),
        Command("rename", "&Rename", ("F2",), lambda: window.canvas.naming.open_selected(), canvas=True),
        Command("replace", "Re&place layer…", ("Ctrl+R",), lambda: replace_layer(window), canvas=True),
        Command("settings", "Show se&ttings", ("Ctrl+Return",), window.show_settings, canvas=True),
        Command("freeze", "Free&ze or unfreeze", ("Ctrl+Shift+F",), do.freeze, canvas=True),
        Command("group", "&Group", ("Ctrl+G",), do.group, canvas=True),
        Command("ungroup", "&Ungroup", ("Ctrl+Shift+G",), do.ungroup, canvas=True),
        Command("arrange", "&Arrange", ("Ctrl+L",), do.arrange, canvas=True),
        Command("arrange_selection", "Arrange &selection", (), lambda: do.arrange(chosen=True), canvas=True),
        Command("arrange_right", "Arrange from &left to right", (), lambda: do.arrange(down=False), canvas=True),
        Command("arrange_down", "Arrange from top to &bottom", (), lambda: do.arrange(down=True), canvas=True),
        *(Command(f"align_{to}", f"Align {LINES[to]}", (), lambda to=to: do.align(to), canvas=True) for to in LINES),
        *(
            Command(
                f"distribute_{along}", f"Distribute {along}", (), lambda along=along: do.distribute(along), canvas=True
            )
            for along in AXES
        ),
        Command("tie", "&Tie two layers", ("Ctrl+T",), do.tie, canvas=True),
        Command("untie", "&Untie", ("Ctrl+Shift+T",), do.untie, canvas=True),
        Command("transfer", "Trans&fer head…", (), lambda: transfer_head(window), canvas=True),
        Command("downstream", "Select do&wnstream", ("Ctrl+Shift+D",), do.select_downstream, canvas=True),
        Command("owner", "Go to &owner", ("J",), do.go_to_owner, canvas=True),
        Command("borrower", "Go to next &borrower", ("Shift+J",), do.go_to_borrower, canvas=True),
        Command("next_problem", "&Next problem", ("F8",), lambda: window.step_problem(1)),
        Command("previous_problem", "&Previous problem", ("Shift+F8",), lambda: window.step_problem(-1)),
        Command("keys", "&Keys and gestures", ("F1",), window.open_keys),
        Command("about", "&About Network Designer", (), lambda: show_about(window)),
    ]
    return {command.name: _action(window, command) for command in table}


def _action(window: "MainWindow", command: Command) -> QAction:
    action = QAction(command.text, window)
    action.setObjectName(command.name)
    action.setShortcuts([QKeySequence(key) for key in command.keys])
    if command.canvas:
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    else:
        window.addAction(action)
    action.triggered.connect(lambda: command.run())
    return action


# Those that are added to the view of the canvas.
ON_CANVAS = (
    "cut copy paste duplicate copy_picture search rename replace settings freeze group ungroup arrange "
    "arrange_selection arrange_right arrange_down tie untie transfer owner borrower downstream "
    "align_left align_centre align_right align_top align_middle align_bottom "
    "distribute_horizontally distribute_vertically"
).split()

# What stands in the menus: names of actions, those of the canvas with a dot before them, | for a line.
MENUS = {
    "&File": "new open import import_code attach (recent) (examples) | save save_as | export copy_report | close quit",
    "&Edit": (
        "undo redo history | cut copy paste duplicate .delete .delete_joined | copy_picture copy_python | "
        ".select_all downstream .clear | .go_left .go_right .go_up .go_down .keep | "
        "find find_next find_previous | palette options"
    ),
    "&View": (
        ".fit .fit_all | zoom_in zoom_out zoom_100 | .ties .hide .show_hidden .show_all_hidden | "
        ".overview | .bookmark .bookmarks | library properties analyzer problems code import_report | "
        "next_panel previous_panel | (theme) full_screen"
    ),
    "&Layer": (
        ".search .insert .connect .slice search | "
        "rename replace settings .fold freeze | group ungroup .call_again .differences .enter .leave | "
        "arrange arrange_selection arrange_right arrange_down (align)"
    ),
    "&Ties": "tie untie transfer | owner borrower | next_problem previous_problem",
    "&Help": "keys | about",
}

# Menus within menus, by their names.
SUBMENUS = {
    "align": (
        "Ali&gn and distribute",
        "align_left align_centre align_right | align_top align_middle align_bottom | "
        "distribute_horizontally distribute_vertically",
    ),
}


def fill_menus(bar: QMenuBar, actions: dict[str, QAction], parts: dict[str, QMenu]) -> None:
    """Build the menus; called again when the canvas has come with its actions."""
    for menu in bar.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
        menu.clear()
    known = {menu.title(): menu for menu in bar.findChildren(QMenu) if menu.title()}
    for title, content in MENUS.items():
        _fill(known.get(title) or bar.addMenu(title), content, actions, parts, known)


def _fill(
    menu: QMenu, content: str, actions: dict[str, QAction], parts: dict[str, QMenu], known: dict[str, QMenu]
) -> None:
    for name in content.split():
        if name == "|":
            menu.addSeparator()
        elif (inner := name.strip("()")) in SUBMENUS:
            title, lines = SUBMENUS[inner]
            made = known.get(title) or QMenu(title, menu)
            made.clear()
            _fill(made, lines, actions, parts, known)
            menu.addMenu(made)
        elif name.startswith("("):
            menu.addMenu(parts[inner])
        elif name in actions:
            menu.addAction(actions[name])


def examples_menu(window: "MainWindow") -> QMenu:
    """Make the menu of the examples."""
    menu = QMenu("E&xamples", window)
    menu.setToolTipsVisible(True)
    for example in examples():
        action = menu.addAction(example.title)
        action.setObjectName(f"example_{example.name}")
        action.setToolTip(f"{example.sentence} {example.counts}")
        action.triggered.connect(lambda _=False, example=example: window.filing.open_example(example))
    return menu


def theme_menu(window: "MainWindow") -> QMenu:
    """Make the menu that chooses the theme."""
    menu, group = QMenu("&Theme", window), QActionGroup(window)
    for name in ("system", "dark", "light"):
        action = group.addAction(QAction(name.capitalize(), window, checkable=True))
        action.setObjectName(f"theme_{name}")
        action.triggered.connect(lambda _=False, name=name: window.session.choose_theme(name))
        menu.addAction(action)

    def show() -> None:
        for action in group.actions():
            action.setChecked(action.objectName() == f"theme_{window.session.theme_name}")

    menu.aboutToShow.connect(show)
    return menu
