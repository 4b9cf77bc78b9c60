"""The table of the analyzer: its columns, its rows under the mouse and the keys, what is copied of it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from designer.analysis import Row
from designer.gui import drawing
from designer.gui.copying import Lines, tabbed
from designer.gui.document import Document
from designer.gui.rows import INDENT, Cells, Index, Rows
from designer.gui.scrolling import show_rows
from designer.gui.table import COLUMNS
from designer.gui.table_menus import choose_columns, choose_jump, row_menu
from designer.model.names import parent

NARROW = (100, 100, 112, 292, 160, 84, 84, 84, 0, 0, 0)
WIDE = (112, 104, 116, 248, 152, 92, 92, 92, 128, 0, 0)
HUGE = (144, 128, 136, 360, 208, 112, 112, 112, 136, 64, 64)
STRETCHED, TIED, STORED = (COLUMNS.index(name) for name in ("Learnables", "Tied to", "Stored"))
MEASURED = 500  # names that are measured for the width of their column


class Table(QTableView):
    """The rows, selected and sorted by mouse and keys.

    Signals:
        columns_chosen: other columns are shown, by choice.
    """

    columns_chosen = Signal()

    def __init__(self, document: Document):
        super().__init__()
        self.document, self.hovered, self.following, self.fitting = document, -1, False, False
        self.followed: frozenset[str] = frozenset()  # the selection that groups were unfolded for
        self.chosen: dict[str, bool] = {}  # columns that are shown or hidden however wide the table is
        self.by_hand: dict[int, int] = {}  # widths that were dragged
        self.rows = Rows(document)
        self.setModel(self.rows)
        self.setItemDelegate(Cells(self))
        head = show_rows(self, "Analyzer")
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        head.setSectionsClickable(True)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.sectionClicked.connect(self._sort_by)
        head.sectionResized.connect(self._resized)
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(lambda at: choose_columns(self).popup(head.mapToGlobal(at)))
        self.selectionModel().selectionChanged.connect(self._chosen)

    def refresh(self) -> None:
        self.following = True
        self.rows.take()
        self.following = False
        self.fit()
        self.follow()

    def rearrange(self) -> None:
        self.following = True
        self.rows.arrange()
        self.following = False
        self.fit()
        self.follow()

    def follow_selection(self) -> None:
        """Select what was selected in the document, and unfold the groups that hold it."""
        places, rows, chosen = self.rows.places, self.rows, self.document.view.selection
        again, self.followed = chosen == self.followed, chosen
        if again:
            self.follow()  # what the user folded meanwhile stays folded
            return
        homes = {parent(path) for path in chosen if path not in places and "/" not in path}
        homes = {home for home in homes if home}
        while more := {parent(home) for home in homes if parent(home)} - homes:
            homes |= more
        if homes - rows.opened and not rows.words:
            rows.opened |= homes
            self.rearrange()
        else:
            self.follow()

    def follow(self) -> None:
        """Select what is selected in the document."""
        picked = QItemSelection()
        places = self.rows.places
        wanted = sorted(places[path] for path in self.document.view.selection if path in places)
        last = wanted[-1] if wanted else -1
        while wanted:  # runs of rows, since Qt compares each range with every other
            run = next((n for n, row in enumerate(wanted) if row != wanted[0] + n), len(wanted))
            picked.select(self.rows.index(wanted[0], 0), self.rows.index(wanted[run - 1], len(COLUMNS) - 1))
            wanted = wanted[run:]
        self.following = True
        self.selectionModel().select(picked, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if last >= 0 and not self.hasFocus():
            self.scrollTo(self.rows.index(last, 0))
        self.following = False

    def _chosen(self) -> None:
        if self.following:
            return
        chosen = [self.rows.shown[index.row()].name for index in self.selectionModel().selectedRows()]
        chosen = [path for path in chosen if path in self.document.network.all]
        current = self.rows.shown[self.currentIndex().row()].name if self.currentIndex().isValid() else ""
        home = parent(current if current in chosen else chosen[0]) if chosen else self.document.view.path
        kept = frozenset(path for path in chosen if parent(path) == home)
        self.document.look(path=home, selection=kept)

    def _sort_by(self, column: int) -> None:
        """Sort up, then down, then not."""
        ascending, descending = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
        now = self.rows.sorting
        steps = {None: ascending, ascending: descending, descending: None}
        order = steps[now[1] if now and now[0] == column else None]
        self.rows.sorting = (column, order) if order is not None else None
        head = self.horizontalHeader()
        head.setSortIndicatorShown(order is not None)
        if order is not None:
            head.setSortIndicator(column, order)
        self.rearrange()

    def toggle(self, path: str) -> None:
        """Fold or unfold a group."""
        self.rows.opened ^= {path}
        self.rearrange()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            row = self.rows.shown[index.row()]
            x = event.position().x() - self.columnViewportPosition(0) - INDENT * row.name.count(".")
            if self.rows.folds(row) and index.column() == 0 and x < 14:
                self.toggle(row.name)
                return
            jumps = self.rows.row_cells(row)[index.column()].jumps
            if jumps and not event.modifiers() and event.position().x() < self._end_of_link(index):
                if len(jumps) == 1:
                    self.go(jumps[0][1])
                else:
                    place = self.visualRect(index).bottomLeft()
                    choose_jump(self, jumps).popup(self.viewport().mapToGlobal(place))
                return
        super().mousePressEvent(event)

    def go(self, path: str) -> None:
        """Select a layer, in the group that it stands in."""
        if path in self.document.network.all:
            self.document.look(path=parent(path), selection=frozenset({path}))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        at = event.pos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            at = self.visualRect(self.currentIndex()).center()
        index = self.indexAt(at)
        if index.isValid() and not self.selectionModel().isRowSelected(index.row(), QModelIndex()):
            self.selectRow(index.row())
        jumps = self.rows.row_cells(self.rows.shown[index.row()])[TIED].jumps if index.isValid() else ()
        row_menu(self, jumps).popup(self.viewport().mapToGlobal(at))

    def _end_of_link(self, index: Index) -> float:
        text = str(index.data())
        return self.columnViewportPosition(index.column()) + 34 + drawing.text_width(text)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        self._hover(index.row())
        link = index.isValid() and self.rows.row_cells(self.rows.shown[index.row()])[index.column()].jumps
        over = link and event.position().x() < self._end_of_link(index)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _hover(self, row: int) -> None:
        if row != self.hovered:
            self.hovered = row
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current = self.rows.shown[self.currentIndex().row()] if self.currentIndex().isValid() else None
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy(tabbed)
        elif current and self.rows.folds(current) and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            if (current.name in self.rows.opened) == (event.key() == Qt.Key.Key_Left):
                self.toggle(current.name)
        else:
            super().keyPressEvent(event)

    def copied(self, write: Callable[[Lines], str] = tabbed, all_rows: bool = False) -> str:
        """Write the selected rows, or all, as text with plain digits, in the columns that are not hidden by choice."""
        picked = sorted(index.row() for index in self.selectionModel().selectedRows())
        if all_rows or not picked:
            picked = list(range(len(self.rows.shown)))
        columns = [n for n, name in enumerate(COLUMNS) if self.chosen.get(name, True)]
        lines = [[COLUMNS[n] for n in columns]]
        for place in picked:
            made = self.rows.row_cells(self.rows.shown[place])
            lines.append([made[n].plain for n in columns])
        return write(lines)

    def copy(self, write: Callable[[Lines], str], all_rows: bool = False) -> None:
        QGuiApplication.clipboard().setText(self.copied(write, all_rows))
        rows = len(self.rows.shown) if all_rows else len(self.selectionModel().selectedRows()) or len(self.rows.shown)
        self.document.told.emit(f"Copied {rows:,} row{'s' if rows != 1 else ''}.")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def choose(self, columns: dict[str, bool]) -> None:
        """Show or hide columns whatever the width; the rest follows the width."""
        self.chosen = {name: on for name, on in columns.items() if name in COLUMNS[1:]}
        self.fit()
        self.columns_chosen.emit()

    def fit_columns(self) -> None:
        """Let the width say what is shown, and how wide."""
        self.by_hand.clear()
        self.choose({})

    def _resized(self, column: int, _: int, width: int) -> None:
        if not self.fitting and width:
            self.by_hand[column] = width

    def fit(self) -> None:
        """Give the columns their widths: what is left goes to the learnables, and to names that need it."""
        width = self.viewport().width()
        widths = list(HUGE if width >= 1500 else WIDE if width >= 1130 else NARROW)
        for column, name in enumerate(COLUMNS):
            if name in self.chosen:
                widths[column] = (widths[column] or HUGE[column]) if self.chosen[name] else 0
        filler = STRETCHED if widths[STRETCHED] else 0
        least = min(160, widths[filler])
        for column in range(len(COLUMNS) - 1, STRETCHED, -1):  # the last ones go first
            if sum(widths) - widths[filler] + least > width and COLUMNS[column] not in self.chosen:
                widths[column] = 0
        room = width - sum(widths) + widths[filler] - least
        shown = self.rows.shown[:MEASURED]
        stored, used = self.rows.most
        for column, wanted in (
            (STORED, 24 + drawing.text_width(stored, 12, 600)),  # numbers first: a part of one is wrong
            (STORED + 1, 24 + drawing.text_width(used, 12, 600)),
            (1, max((24 + drawing.text_width(row.type) for row in shown), default=0.0)),
            (0, max(map(self._name_width, shown), default=0.0)),
        ):
            more = max(0, min(room, round(min(wanted, 320)) + 1 - widths[column])) if widths[column] else 0
            widths[column] += more
            room -= more
        widths[filler] = max(least, width - sum(widths) + widths[filler])
        self.fitting = True
        for column, wide in enumerate(widths):
            self.setColumnHidden(column, not wide)
            if wide:
                self.setColumnWidth(column, self.by_hand.get(column, wide))
        self.fitting = False

    def _name_width(self, row: Row) -> float:
        name = row.name if self.rows.words else row.name.rpartition(".")[2]
        indent = 0 if self.rows.words else INDENT * row.name.count(".")
        mark = 18 if row.name in self.rows.problems else 0
        return 50 + indent + mark + drawing.text_width(name, 12, 500)
