"""The table of matches: rows with a tick each, by mouse and keys."""

from typing import cast

from PySide6.QtCore import QEvent, QModelIndex, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from designer.gui import theme
from designer.gui.copying import tabbed
from designer.gui.drawing import draw_checkbox, draw_icon, draw_text, text_width
from designer.gui.match_rows import COLUMNS, FROM, HOW, MARKS, SHAPE, THERE, TICK, VALUE, Index, Line, Rows
from designer.gui.scrolling import show_rows

BOX = 14
MEASURED = 500  # rows that are measured for the widths of their columns


class Matches(QTableView):
    """Rows are ticked by a click on their box, or all that are selected with Space."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows()
        self.hovered = -1
        self.setModel(self.rows)
        self.setItemDelegate(_Cells(self))
        head = show_rows(self, "Matches")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionsClickable(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.rows.modelReset.connect(self._reset)

    def _reset(self) -> None:
        self.hovered = -1
        self.fit()
        if self.rows.shown:
            self.setCurrentIndex(self.rows.index(0, VALUE))

    def tick_all(self, on: bool) -> None:
        """Tick all rows that are shown, or none."""
        self.rows.tick(range(len(self.rows.shown)), on)

    def _tickable(self, places: list[int]) -> list[int]:
        return [place for place in places if self.rows.shown[place].match is not None]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tick on a click on the box; the selection stays."""
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.column() == TICK and self._tickable([index.row()]):
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.rows.tick([index.row()], not self.rows.on(self.rows.shown[index.row()]))
        else:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A second click is one more click."""
        self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.indexAt(event.position().toPoint()).row())
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _hover(self, row: int) -> None:
        if row != self.hovered:
            self.hovered = row
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        picked = sorted(index.row() for index in self.selectionModel().selectedRows())
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = [[self.rows.text(self.rows.shown[place], n) for n in range(1, len(COLUMNS))] for place in picked]
            QGuiApplication.clipboard().setText(tabbed([COLUMNS[1:], *rows]).replace("\u200a", " "))
        elif event.key() == Qt.Key.Key_Space and not event.modifiers():
            if able := self._tickable(picked):
                self.rows.tick(able, not all(self.rows.on(self.rows.shown[place]) for place in able))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()  # meant for the button below
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Give shapes and reasons the room that they need, up to a share; names get the rest, by their need."""
        width = self.viewport().width()
        sample = self.rows.shown[:MEASURED]

        def needed(column: int, most: float) -> int:
            texts = [COLUMNS[column], *(self.rows.text(line, column) for line in sample)]
            return round(min(most, max(map(text_width, texts)) + 26))

        wide = {TICK: 40, SHAPE: needed(SHAPE, 180), THERE: needed(THERE, 180), HOW: needed(HOW, width * 0.34) + 20}
        room = max(160, width - sum(wide.values()))
        value, name = needed(VALUE, 2000), needed(FROM, 2000)
        wide[VALUE] = max(80, min(room - 80, round(room * value / max(1, value + name))))
        wide[FROM] = room - wide[VALUE]
        for column, size in wide.items():
            self.setColumnWidth(column, size)


class _Cells(QStyledItemDelegate):
    """Draws the cells; a row that no tick takes is quieter."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        table = cast(Matches, option.widget)
        line, column, colors = table.rows.shown[index.row()], index.column(), theme.current()
        area = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = table.selectionModel().isRowSelected(index.row(), QModelIndex())
        if chosen or table.hovered == index.row():
            painter.fillRect(option.rect, colors.selection if chosen else colors.hover)
        painter.fillRect(QRectF(area.x(), area.bottom() - 1, area.width(), 1), colors.border)
        if column == TICK:
            self._tick(painter, table, line, area)
        else:
            self._text(painter, table, line, column, area)
        if table.hasFocus() and table.currentIndex().row() == index.row():
            painter.setPen(QPen(colors.focus, 2))
            for y in (area.y() + 1, area.bottom() - 2):
                painter.drawLine(QPointF(area.x(), y), QPointF(area.right(), y))
        painter.restore()

    def _tick(self, painter: QPainter, table: Matches, line: Line, area: QRectF) -> None:
        colors = theme.current()
        box = QRectF(area.x() + 14, area.y() + 7, BOX, BOX)
        if line.match is not None:
            state = Qt.CheckState.Checked if table.rows.on(line) else Qt.CheckState.Unchecked
            draw_checkbox(painter, colors, box, state, color=colors.accent, background=colors.raised)
        elif line.mark:
            icon, color = MARKS[line.mark]
            draw_icon(painter, icon, box, getattr(colors, color), 2.25)

    def _text(self, painter: QPainter, table: Matches, line: Line, column: int, area: QRectF) -> None:
        colors, on = theme.current(), table.rows.on(line)
        text = table.rows.text(line, column)
        color = colors.text1 if column in (VALUE, FROM) else colors.text2
        if column == THERE and line.shape == line.there:
            color = colors.text3
        elif column == THERE and line.shape and line.there:
            color = colors.warning if line.mark == "misfit" else colors.learn_text
        elif column == HOW and line.mark in ("misfit", "differs"):
            color = colors.warning
        elif not on and line.match is None and column != VALUE:
            color = colors.text3 if column == HOW else colors.text2
        middle = Qt.TextElideMode.ElideMiddle
        elide = middle if column in (VALUE, FROM) else Qt.TextElideMode.ElideRight
        weight = 500 if column == VALUE else 400
        draw_text(painter, area.x() + 12, area.y() + 18, text, color, 12, weight, width=area.width() - 20, elide=elide)
