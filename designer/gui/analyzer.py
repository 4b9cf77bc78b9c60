"""The analyzer: the live table of layers, what each stores, and from whom it borrows."""

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QRectF,
    Qt,
    QTimer,
)
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from designer.analysis import Row
from designer.gui import drawing, theme
from designer.gui.document import Document
from designer.gui.drawing import draw_icon, draw_text
from designer.gui.rows import INDENT, Cells, Index, Rows
from designer.gui.table import COLUMNS, NUMBERS, Part, memory, total_cost
from designer.gui.theme import Theme
from designer.gui.widgets import Picture
from designer.model import Group
from designer.model.names import parent

NARROW = (100, 100, 112, 292, 160, 84, 84, 84, 0, 0, 0)
WIDE = (112, 104, 116, 248, 152, 92, 92, 92, 128, 0, 0)
HUGE = (144, 128, 136, 360, 208, 112, 112, 112, 136, 64, 64)
STRETCHED, STORED = COLUMNS.index("Learnables"), COLUMNS.index("Stored")
MEASURED = 500  # names that are measured for the width of their column


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
        shown = self.rows.shown[:MEASURED]
        stored, used = (
            sum(counts) for counts in zip((0, 0), *((r.stored, r.used) for r in shown if r.type != "Group"))
        )
        for column, wanted in (
            (STORED, 24 + drawing.text_width(f"{stored:,}", 12, 600)),  # numbers first: a part of one is wrong
            (STORED + 1, 24 + drawing.text_width(f"{used:,}", 12, 600)),
            (1, max((24 + drawing.text_width(row.type) for row in shown), default=0.0)),
            (0, max((self._name_width(row) for row in shown), default=0.0)),
        ):
            more = max(0, min(room, round(min(wanted, 320)) + 1 - widths[column]))
            widths[column] += more
            room -= more
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

    def _tint(self, colors: Theme, name: str) -> QColor:
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
