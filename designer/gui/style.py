"""The style sheet of the application, for what Fusion draws otherwise."""

from PySide6.QtGui import QColor

from designer.gui.theme import Theme


def style_sheet(theme: Theme) -> str:
    """Give every rule, in the colours of a theme."""
    colors = {name: value.name() for name, value in vars(theme).items() if isinstance(value, QColor)}
    rules = SHEET
    for name in sorted(colors, key=len, reverse=True):
        rules = rules.replace(f"@{name}", colors[name])
    return rules


SHEET = """
* { font-family: "Inter"; font-size: 12px; color: @text1; outline: none; }
QMainWindow, QDialog, QWidget#page, QWidget#panel { background: @panel; }
QMainWindow::separator { background: @border; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: @accent; }
QWidget#bar, QWidget#dockbar { background: @panel; border-bottom: 1px solid @border; }
QWidget#status { background: @panel; border-top: 1px solid @border; }
QFrame#pill { background: @panel; border: 1px solid @edge; border-radius: 8px; }
QFrame#card { background: @panel; border: 1px solid @edge; border-radius: 10px; }
QStatusBar { background: @panel; border: none; min-height: 28px; max-height: 28px; }
QStatusBar::item { border: none; }
QFrame#line { background: @border; border: none; }
QToolTip { background: @raised; color: @text1; border: 1px solid @edge; padding: 4px 6px; }

QMenuBar { background: transparent; spacing: 0; padding: 0; }
QMenuBar::item { background: transparent; color: @text2; padding: 6px 8px; border-radius: 6px; }
QMenuBar::item:selected { background: @hover; color: @text1; }
QMenu { background: @panel; border: 1px solid @edge; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 28px; border-radius: 4px; }
QMenu::item:selected { background: @selection; }
QMenu::item:disabled { color: @control; }
QMenu::separator { background: @border; height: 1px; margin: 4px 8px; }
QMenu::icon { left: 8px; }

QLabel { background: transparent; }
QLabel#t2 { color: @text2; } QLabel#t3 { color: @text3; } QLabel#error { color: @error; }
QLabel#saved { color: @learn_text; font-weight: 600; } QLabel#saved:disabled { color: @text3; }
QLabel#problem { font-weight: 500; }
QFrame#problem { background: @panel; } QFrame#problem:hover { background: @hover; }
QFrame#problem[chosen="true"] { background: @selection; }
QFrame#problem:focus { border: 2px solid @focus; }
QLabel#head { font-weight: 600; } QLabel#title { font-size: 13px; font-weight: 600; }
QLabel#small { font-size: 11px; color: @text2; }
QLabel#strong { font-weight: 600; } QLabel#strong:disabled { color: @text3; }

QToolButton { background: transparent; border: none; border-radius: 6px; padding: 0; color: @text2; }
QToolButton:hover { background: @hover; color: @text1; }
QToolButton:checked { background: @selection; color: @accent; }
QToolButton:focus { border: 2px solid @focus; }
QToolButton::menu-indicator { image: none; }
QToolButton#fold { color: @text1; font-weight: 600; text-align: left; }
QToolButton#fold:hover { background: transparent; color: @accent; }
QToolButton#tab { color: @text2; font-weight: 500; border-radius: 0; padding: 0 12px;
    border-bottom: 2px solid transparent; }
QToolButton#tab:hover { background: transparent; color: @text1; }
QToolButton#tab:checked { background: transparent; color: @text1; font-weight: 600; border-bottom: 2px solid @accent; }
QToolButton#tab:focus { border: 2px solid @focus; border-radius: 6px; }

QPushButton { background: @raised; border: 1px solid @edge; border-radius: 6px; padding: 0 12px; min-height: 26px;
    font-weight: 500; }
QPushButton:hover { background: @hover; }
QPushButton:pressed { background: @selection; }
QPushButton:disabled { color: @control; border-color: @border; }
QPushButton:focus { border: 2px solid @focus; padding: 0 11px; min-height: 24px; }
QPushButton#primary { background: @accent_fill; border: none; color: @on_accent; min-height: 28px; padding: 0 16px; }
QPushButton#primary:disabled { background: @raised; color: @control; }
QPushButton#primary:focus { border: 2px solid @focus; min-height: 24px; padding: 0 14px; }
QPushButton#link { background: transparent; border: none; color: @accent; padding: 0; min-height: 20px; }
QPushButton#link:hover, QPushButton#link:focus { text-decoration: underline; }

QLineEdit { background: @raised; border: 1px solid @border; border-radius: 6px; padding: 0 8px; min-height: 26px;
    selection-background-color: @accent_fill; selection-color: @on_accent; placeholder-text-color: @text3; }
QLineEdit:hover { border-color: @edge; }
QLineEdit:focus { border: 2px solid @focus; padding: 0 7px; min-height: 24px; }
QLineEdit[wrong="true"] { border: 2px solid @error; padding: 0 7px; min-height: 24px; }
QLineEdit:read-only { background: @panel; color: @text2; }
QLineEdit#name { font-size: 13px; font-weight: 600; min-height: 26px; }
QLineEdit#bare, QLineEdit#bare:hover, QLineEdit#bare:focus { background: transparent; border: none; padding: 0 7px;
    min-height: 24px; font-size: 13px; }
QListWidget#lines { background: transparent; }
QPlainTextEdit { background: @panel; border: none; selection-background-color: @accent_fill;
    selection-color: @on_accent; }
QPlainTextEdit#note { background: @raised; border: 1px solid @border; border-radius: 6px; padding: 4px; }
QPlainTextEdit#note:focus { border: 2px solid @focus; padding: 3px; }
QPlainTextEdit#source { font-family: "JetBrains Mono"; }
QComboBox { background: @raised; border: 1px solid @border; border-radius: 6px; padding: 0 8px; min-height: 26px; }
QComboBox:hover { border-color: @edge; }
QComboBox:focus { border: 2px solid @focus; padding: 0 7px; min-height: 24px; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: none; }
QComboBox QAbstractItemView { background: @panel; border: 1px solid @edge; selection-background-color: @selection;
    selection-color: @text1; }

QTreeView, QTableView, QListView { background: @panel; border: none; selection-background-color: @selection;
    selection-color: @text1; }
QFrame#chooser { background: @panel; border: 1px solid @edge; border-radius: 8px; }
QListView#completions { border: 1px solid @edge; padding: 4px; }
QListView#completions::item { min-height: 28px; padding: 0 8px; border-radius: 4px; }
QListView#completions::item:selected { background: @selection; color: @text1; }
QHeaderView { background: @panel; border: none; }
QHeaderView::section { background: @panel; color: @text3; border: none; border-bottom: 1px solid @border;
    padding: 0 12px; font-size: 11px; font-weight: 500; }
QHeaderView::section:hover { color: @text1; }
QScrollArea { background: @panel; border: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle { background: @edge; border-radius: 3px; }
QScrollBar::handle:hover { background: @control; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; border: none; }
"""
