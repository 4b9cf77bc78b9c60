"""The menus of the analyzer: which columns are shown, what is copied, which layer a tie leads to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from designer.gui.copying import Lines, comma_separated, markdown, tabbed
from designer.gui.table import COLUMNS, NUMBERS

if TYPE_CHECKING:
    from designer.gui.table_view import Table


def _menu(table: Table, name: str) -> QMenu:
    made = QMenu(table)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    made.setAccessibleName(name)
    return made


def choose_columns(table: Table) -> QMenu:
    """Make the menu of the head: a tick for each column that is shown."""
    menu = _menu(table, "Columns")
    for column, name in enumerate(COLUMNS):
        action = menu.addAction(name)
        action.setCheckable(True)
        action.setChecked(not table.isColumnHidden(column))
        action.setEnabled(column > 0)
        action.toggled.connect(lambda on, name=name: table.choose({**table.chosen, name: on}))
    menu.addSeparator()
    menu.addAction("Those that fit").triggered.connect(lambda: table.fit_columns())
    return menu


def row_menu(table: Table, jumps: tuple[tuple[str, str], ...]) -> QMenu:
    """Make the menu of a row: copying, and the layers that it is tied to."""
    menu = _menu(table, "Rows")
    copy = menu.addAction("Copy")
    copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
    copy.triggered.connect(partial(table.copy, tabbed))
    menu.addAction("Copy as Markdown").triggered.connect(partial(table.copy, as_markdown))
    menu.addAction("Copy as CSV").triggered.connect(partial(table.copy, comma_separated))
    whole = menu.addMenu("Copy all")
    for name, write in (("As text", tabbed), ("As Markdown", as_markdown), ("As CSV", comma_separated)):
        whole.addAction(name).triggered.connect(partial(table.copy, write, True))
    if jumps:
        menu.addSeparator()
        _add_jumps(menu, table, jumps, "Go to ")
    return menu


def choose_jump(table: Table, jumps: tuple[tuple[str, str], ...]) -> QMenu:
    """Make the list of the layers that a tie leads to."""
    menu = _menu(table, "Tied layers")
    _add_jumps(menu, table, jumps, "")
    return menu


def _add_jumps(menu: QMenu, table: Table, jumps: tuple[tuple[str, str], ...], before: str) -> None:
    for key, path in jumps:
        menu.addAction(f"{before}{key}").triggered.connect(partial(table.go, path))


def as_markdown(lines: Lines) -> str:
    return markdown(lines, [name in NUMBERS for name in lines[0]])
