"""What scrolls, as it looks everywhere in the window: without a frame, by pixels."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QScrollArea, QTableView, QWidget

ROW = 28  # pixels: the height of a row, and of the head


def scrolling(content: QWidget | None = None) -> QScrollArea:
    """Let a column scroll up and down, as wide as there is room."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if content is not None:
        area.setWidget(content)
    return area


def show_rows(table: QTableView, name: str) -> QHeaderView:
    """Make a table one of whole rows, read and selected but not typed into; give its head."""
    table.setAccessibleName(name)
    table.setShowGrid(False)
    table.setMouseTracking(True)
    table.setFrameShape(QFrame.Shape.NoFrame)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW)
    head = table.horizontalHeader()
    head.setFixedHeight(ROW)
    head.setMinimumSectionSize(20)
    head.setHighlightSections(False)
    return head
