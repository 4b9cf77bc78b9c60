"""The analyzer: the live table of layers, what each stores, and from whom it borrows."""

from collections.abc import Iterable

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    Qt,
    QTimer,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from designer.analysis import Row
from designer.gui import drawing, theme
from designer.gui.document import Document
from designer.gui.drawing import category_of, draw_icon, draw_text, draw_tile
from designer.gui.table import COLUMNS, NUMBERS, Cell, Part, borrowers, cells, matches, memory, total_cost
from designer.gui.theme import Theme
from designer.gui.widgets import Picture
from designer.model import Group, Network
from designer.model.names import parent

NARROW = (100, 100, 112, 292, 160, 84, 84, 84, 0, 0, 0)
WIDE = (112, 104, 116, 248, 152, 92, 92, 92, 128, 0, 0)
HUGE = (144, 128, 136, 360, 208, 112, 112, 112, 136, 64, 64)
STRETCHED = COLUMNS.index("Learnables")
MEASURED = 500  # names that are measured for the width of their column
INDENT = 16  # of a layer inside a group

Index = QModelIndex | QPersistentModelIndex


class Rows(QAbstractTableModel):
    """The rows that the table shows: those that pass the filter, groups folded or not, in the chosen order."""

    def __init__(self, document: Document):
        super().__init__(document)
        self.document = document
        self.network: Network = document.network  # what the rows are of
        self.known: tuple[Row, ...] = ()
        self.shown: list[Row] = []
        self.cells: dict[str, tuple[Cell, ...]] = {}
        self.borrowed: dict[str, list[str]] = {}
        self.places: dict[str, int] = {}
        self.problems: dict[str, str] = {}  # layer -> severity
        self.opened: set[str] = set()
        self.words = ""
        self.sorting: tuple[int, Qt.SortOrder] | None = None
        self.faint = False

    def take(self) -> None:
        """Show the analysis of the document, or, before there is one, names and types."""
        analysis, self.network = self.document.analysis, self.document.network
        self.beginResetModel()
        self.cells, self.borrowed, self.problems = {}, {}, {}
        if analysis is None:
            rows = [Row(path, type(layer).__name__, (), {}, {}, 0, 0) for path, layer in self.network.all.items()]
            self.known = tuple(rows)
        else:
            self.network, self.known = analysis.network, tuple(analysis.rows)
            self.borrowed = borrowers(analysis)
            for problem in reversed(analysis.problems):
                for path in problem.layers[:1]:
                    if self.problems.get(path) != "error":
                        self.problems[path] = problem.severity
        self._order()
        self.endResetModel()

    def arrange(self) -> None:
        """Show the same rows by another filter, order or fold."""
        self.beginResetModel()
        self._order()
        self.endResetModel()

    def _order(self) -> None:
        if self.words:
            self.shown = [row for row in self.known if matches(row, self.words)]
            self._sort(self.shown)
        else:
            held: dict[str, list[Row]] = {}
            for row in self.known:
                held.setdefault(parent(row.name), []).append(row)
            for rows in held.values():
                self._sort(rows)
            self.shown = list(self._tree("", held))
        self.places = {row.name: n for n, row in enumerate(self.shown)}

    def _tree(self, path: str, held: dict[str, list[Row]]) -> Iterable[Row]:
        for row in held.get(path, ()):
            yield row
            if row.name in self.opened:
                yield from self._tree(row.name, held)

    def _sort(self, rows: list[Row]) -> None:
        if self.sorting:
            column, order = self.sorting
            rows.sort(key=lambda row: self.row_cells(row)[column].order, reverse=order == Qt.SortOrder.DescendingOrder)

    def row_cells(self, row: Row) -> tuple[Cell, ...]:
        if row.name not in self.cells:
            made = cells(self.network, row, self.borrowed)
            if self.document.analysis is None:
                made = made[:2] + tuple(Cell((), "") for _ in made[2:])
            self.cells[row.name] = made
        return self.cells[row.name]

    def folds(self, row: Row) -> bool:
        return not self.words and isinstance(self.network.all.get(row.name), Group)

    def rowCount(self, index: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if index.isValid() else len(self.shown)

    def columnCount(self, index: Index = QModelIndex()) -> int:  # noqa: B008
        return len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        cell = self.row_cells(self.shown[index.row()])[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return "".join(part.text for part in cell.parts)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(self.shown[index.row()], COLUMNS[index.column()], cell)
        return None

    def _tip(self, row: Row, column: str, cell: Cell) -> str | None:
        if column in ("Stored", "Used") and row.tied_to:
            return f"owns {row.stored:,} of {row.used:,}"
        return cell.plain if column in ("Learnables", "Tied to", "Activations", "Name") else None

    def headerData(
        self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | Qt.AlignmentFlag | None:
        if side == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = COLUMNS[section] in NUMBERS
            return Qt.AlignmentFlag.AlignVCenter | (
                Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            )
        return None


class Cells(QStyledItemDelegate):
    """Draws the cells: tiles, links, shapes in quieter colours."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model, table = index.model(), option.widget
        row, column = model.shown[index.row()], COLUMNS[index.column()]
        cell, colors = model.row_cells(row)[index.column()], theme.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(option.rect)
        chosen = table.selectionModel().isRowSelected(index.row(), QModelIndex())
        if chosen:
            painter.fillRect(option.rect, colors.selection)
        elif table.hovered == index.row():
            painter.fillRect(option.rect, colors.hover)
        painter.fillRect(QRectF(area.x(), area.bottom() - 1, area.width(), 1), colors.border)
        if chosen and index.column() == 0:
            painter.fillRect(QRectF(area.x(), area.y(), 3, area.height() - 1), colors.accent)
        self._content(painter, colors, area, model, row, column, cell)
        painter.restore()

    def _content(
        self, painter: QPainter, colors: Theme, area: QRectF, model: Rows, row: Row, column: str, cell: Cell
    ) -> None:
        x, y, right = area.x() + 12, area.y() + 18, area.right() - 12
        if column == "Name":
            x += self._name_marks(painter, colors, area, model, row)
            if severity := model.problems.get(row.name):
                mark = "octagon-alert" if severity == "error" else "triangle-alert"
                draw_icon(painter, mark, QRectF(right - 12, area.y() + 7, 14, 14), getattr(colors, severity), 2.25)
                right -= 18
        if cell.icon:
            draw_icon(painter, cell.icon, QRectF(x, area.y() + 8, 12, 12), colors.learn, 2.25)
            x += 18
        parts = cell.parts
        if column == "Name" and not model.words:
            parts = tuple(part._replace(text=row.name.rpartition(".")[2]) for part in parts)
        if model.faint and column not in ("Name", "Type"):
            parts = tuple(part._replace(color="text3") for part in parts)
        if column in NUMBERS:
            for part in parts:
                color = getattr(colors, part.color)
                draw_text(painter, right, y, part.text, color, 12, align="right", width=right - x)
            return
        elide = Qt.TextElideMode.ElideMiddle if column == "Name" else Qt.TextElideMode.ElideRight
        for part in parts:
            if right - x > 10:
                color = getattr(colors, part.color)
                x += draw_text(painter, x, y, part.text, color, 12, part.weight, width=right - x, elide=elide)

    def _name_marks(self, painter: QPainter, colors: Theme, area: QRectF, model: Rows, row: Row) -> float:
        """Draw the arrow of a group and the tile; return the room they take."""
        x = area.x() + 12 + (0 if model.words else INDENT * row.name.count("."))
        if model.folds(row):
            arrow = "chevron-down" if row.name in model.opened else "chevron-right"
            draw_icon(painter, arrow, QRectF(x - 10, area.y() + 9, 10, 10), colors.text3, 2.5)
        layer = model.network.all.get(row.name)
        tile = QRectF(x, area.y() + 5, 18, 18)
        if layer is not None:
            draw_tile(painter, colors, category_of(layer), tile, layer_type=row.type, faint=row.trains is False)
        return x + 26 - area.x() - 12


class Table(QTableView):
    """The rows, selected and sorted by mouse and keys."""

    def __init__(self, document: Document):
        super().__init__()
        self.document, self.hovered, self.following = document, -1, False
        self.rows = Rows(document)
        self.setModel(self.rows)
        self.setItemDelegate(Cells(self))
        self.setAccessibleName("Analyzer")
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        head = self.horizontalHeader()
        head.setFixedHeight(28)
        head.setMinimumSectionSize(20)
        head.setSectionsClickable(True)
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.sectionClicked.connect(self._sort_by)
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

    def follow(self) -> None:
        """Select what is selected in the document."""
        picked = QItemSelection()
        last = -1
        for path in self.document.view.selection:
            row = self.rows.places.get(path)
            if row is not None:
                left, right = self.rows.index(row, 0), self.rows.index(row, len(COLUMNS) - 1)
                picked.select(left, right)
                last = max(last, row)
        self.following = True
        self.selectionModel().select(picked, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if last >= 0 and not self.hasFocus():
            self.scrollTo(self.rows.index(last, 0))
        self.following = False
        self.viewport().update()

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
            jump = self.rows.row_cells(row)[index.column()].jump
            if jump and not event.modifiers() and event.position().x() < self._end_of_link(index):
                self.document.look(path=parent(jump), selection=frozenset({jump}))
                return
        super().mousePressEvent(event)

    def _end_of_link(self, index: Index) -> float:
        text = str(index.data())
        return self.columnViewportPosition(index.column()) + 34 + drawing.text_width(text)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        self._hover(index.row())
        link = index.isValid() and self.rows.row_cells(self.rows.shown[index.row()])[index.column()].jump
        over = link and event.position().x() < self._end_of_link(index)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _hover(self, row: int) -> None:
        if row != self.hovered:
            self.hovered = row
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current = self.rows.shown[self.currentIndex().row()] if self.currentIndex().isValid() else None
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.copied())
        elif current and self.rows.folds(current) and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            if (current.name in self.rows.opened) == (event.key() == Qt.Key.Key_Left):
                self.toggle(current.name)
        else:
            super().keyPressEvent(event)

    def copied(self) -> str:
        """Write the selected rows, or all, as text with tabs and plain digits."""
        picked = sorted(index.row() for index in self.selectionModel().selectedRows()) or range(len(self.rows.shown))
        lines = [COLUMNS] + [tuple(cell.plain for cell in self.rows.row_cells(self.rows.shown[n])) for n in picked]
        return "\n".join("\t".join(line) for line in lines)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Give the columns their widths: what is left goes to the learnables, and to names that need it."""
        width = self.viewport().width()
        widths = list(HUGE if width >= 1500 else WIDE if width >= 1130 else NARROW)
        room = width - sum(widths) + widths[STRETCHED] - 160
        widest = max((self._name_width(row) for row in self.rows.shown[:MEASURED]), default=0.0)
        widths[0] += max(0, min(room, round(min(widest, 320)) - widths[0]))
        widths[STRETCHED] = max(160, width - sum(widths) + widths[STRETCHED])
        for column, wide in enumerate(widths):
            self.setColumnHidden(column, not wide)
            if wide:
                self.setColumnWidth(column, wide)

    def _name_width(self, row: Row) -> float:
        name = row.name if self.rows.words else row.name.rpartition(".")[2]
        indent = 0 if self.rows.words else INDENT * row.name.count(".")
        mark = 18 if row.name in self.rows.problems else 0
        return 50 + indent + mark + drawing.text_width(name, 12, 500)


class AnalyzerPanel(QWidget):
    """The table, its totals, and what it says while there is nothing to count yet."""

    def __init__(self, document: Document):
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.document = document
        self.table = Table(document)
        self.busy_line = Picture(self._paint_busy, height=2)
        self.totals = Picture(self._paint_totals, height=32)
        self.beat = 0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.totals)
        self.busy_line.setParent(self)
        self.busy_line.hide()
        self.late = QTimer(self, singleShot=True, interval=150)  # quick answers never grey the numbers
        self.late.timeout.connect(self._wait)
        self.pulse = QTimer(self, interval=40)
        self.pulse.timeout.connect(self._move)
        self.table.horizontalHeader().sectionResized.connect(self.totals.update)
        document.changed.connect(self._changed)
        document.viewed.connect(self.table.follow)
        document.analyzed.connect(self._analyzed)
        self._changed()

    def find(self, words: str) -> None:
        """Show the rows that a filter asks for."""
        self.table.rows.words = words.strip()
        self.table.rearrange()

    def _changed(self) -> None:
        if self.document.analysis is None:
            self.table.refresh()
            self.totals.update()
        if self.document.stale and not self.late.isActive():
            self.late.start()

    def _wait(self) -> None:
        """Show that the numbers are from before the last edit."""
        self.table.rows.faint = True
        self.table.viewport().update()
        self.totals.update()
        self.busy_line.show()
        self.pulse.start()

    def _analyzed(self) -> None:
        self.late.stop()
        self.pulse.stop()
        self.busy_line.hide()
        self.table.rows.faint = self.document.stale
        self.table.refresh()
        self.totals.update()

    def _move(self) -> None:
        self.beat = (self.beat + 1) % 60
        self.busy_line.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.busy_line.setGeometry(0, 0, self.width(), 2)

    def _paint_busy(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        wide = rect.width() * 0.2
        x = (rect.width() + wide) * self.beat / 60 - wide
        painter.fillRect(QRectF(x, 0, wide, 2), colors.accent)

    def _paint_totals(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        painter.setPen(QPen(colors.edge, 1))
        painter.drawLine(0, 0, round(rect.width()), 0)
        layers = [layer for layer in self.document.network.all.values() if not isinstance(layer, Group)]
        words = f"{len(layers)} layer{'s' if len(layers) != 1 else ''}"
        least = self.document.analysis is not None and self.document.analysis.partial
        self._total(painter, "Name", (Part("At least" if least else "Total", weight=600),))
        self._total(painter, "Type", (Part(words, "text2"),))
        analysis = self.document.analysis
        if analysis is None:
            if self.document.network.all:
                draw_text(painter, self._left("Activations"), 20, "Shapes come when torch has loaded", colors.text3, 12)
            return
        if analysis.saved:
            x = self._left("Tied to")
            draw_icon(painter, "link", QRectF(x, 10, 12, 12), colors.learn, 2.25)
            saved = f"saved {analysis.saved:,}"
            draw_text(painter, x + 18, 20, saved, self._tint(colors, "learn_text"), 12, 600)
        rows = [row for row in analysis.rows if row.type != "Group"]
        for column, text in (
            ("Stored", f"{analysis.stored:,}"),
            ("Used", f"{analysis.used:,}"),
            ("Memory", memory(analysis.bytes)),
            ("Multiply-adds", total_cost(rows)),
        ):
            self._total(painter, column, (Part(text, weight=600),))

    def _tint(self, colors: Theme, name: str) -> object:
        return getattr(colors, "text3" if self.table.rows.faint else name)

    def _left(self, column: str) -> int:
        return self.table.columnViewportPosition(COLUMNS.index(column)) + 12

    def _total(self, painter: QPainter, column: str, parts: tuple[Part, ...]) -> None:
        place = COLUMNS.index(column)
        if self.table.isColumnHidden(place):
            return
        left, width = self._left(column), self.table.columnWidth(place)
        for part in parts:
            color = self._tint(theme.current(), part.color)
            if column in NUMBERS:
                draw_text(painter, left + width - 24, 20, part.text, color, 12, part.weight, align="right")
            else:
                draw_text(painter, left, 20, part.text, color, 12, part.weight)
