"""A list beside a button: what is typed narrows it, Enter or a click takes one."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from designer.gui import theme
from designer.gui.drawing import draw_text
from designer.gui.tips import tip
from designer.gui.widgets import Label, Search, row, sentence

WIDTH, ROW, ROWS = 320, 44, 7
MOST = 200  # lines that are shown; more are found by typing
Index = QModelIndex | QPersistentModelIndex


class Entry(NamedTuple):
    """One line of the list."""

    text: str
    detail: str
    act: Callable[[], object]


class Chooser(QFrame):
    """The list itself; it closes when one is taken, on Escape and on a click elsewhere."""

    def __init__(self, over: QWidget, title: str, entries: Sequence[Entry], note: str = ""):
        super().__init__(over, Qt.WindowType.Popup, objectName="chooser")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(title)
        self.entries = entries
        self.shown: list[Entry] = []
        self.field = Search("Filter")
        self.field.textChanged.connect(lambda: self._fill())
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName(title)
        self.list.setItemDelegate(_Lines(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.itemClicked.connect(self._take)
        self.more = sentence(name="t3")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(0)
        layout.addWidget(row(Label(title, "strong", Qt.TextElideMode.ElideMiddle), margins=(8, 0, 8, 0), height=28))
        if note:
            layout.addWidget(row(sentence(note), margins=(8, 0, 8, 8)))
        layout.addWidget(self.field)
        layout.addSpacing(4)
        layout.addWidget(self.list)
        layout.addWidget(row(self.more, margins=(8, 4, 8, 0)))
        self.setFixedWidth(WIDTH)
        self._fill()
        self.list.setFixedHeight(ROW * min(ROWS, max(1, len(entries))) + 4)

    def _fill(self) -> None:
        """List what has all of the words that were typed."""
        words = self.field.text().lower().split()
        found = [e for e in self.entries if all(word in f"{e.text} {e.detail}".lower() for word in words)]
        self.list.clear()
        self.shown = found[:MOST]
        for entry in self.shown:
            line = QListWidgetItem(self.list)
            line.setData(Qt.ItemDataRole.UserRole, [entry.text, entry.detail])
            line.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.text}, {entry.detail}")
            line.setToolTip(tip(f"{entry.text}\n{entry.detail}"))
        self.list.setCurrentRow(0)
        left = len(found) - MOST
        self.more.setText(
            "Nothing fits what was typed." if not found else f"Type to find {left:,} more." if left > 0 else ""
        )
        self.more.setVisible(bool(self.more.text()))

    def open(self, beside: QWidget) -> None:
        """Show it below a widget, or above it where there is no room, within its window."""
        self.adjustSize()
        window = beside.window()
        room = window.rect().translated(window.mapToGlobal(QPoint(0, 0))).adjusted(8, 8, -8, -8)
        at = beside.mapToGlobal(QPoint(0, beside.height() + 4))
        if at.y() + self.height() > room.bottom():
            at.setY(beside.mapToGlobal(QPoint(0, -4 - self.height())).y())
        at.setX(max(room.left(), min(at.x(), room.right() - self.width())))
        at.setY(max(room.top(), min(at.y(), room.bottom() - self.height())))
        self.move(at)
        self.show()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def _take(self, line: QListWidgetItem | None) -> None:
        if line is not None:
            entry = self.shown[self.list.row(line)]
            self.close()
            entry.act()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the keys that walk through a list do so from the field."""
        if event.type() == QEvent.Type.KeyPress:
            key = cast(QKeyEvent, event).key()
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS, Qt.Key.Key_PageUp: -ROWS}
            if key in steps:
                self.list.setCurrentRow(max(0, min(self.list.currentRow() + steps[Qt.Key(key)], self.list.count() - 1)))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.list.currentItem())
                return True
            if key == Qt.Key.Key_Escape:
                self.close()
                return True
        return super().eventFilter(watched, event)


class _Lines(QStyledItemDelegate):
    """Draws a line of the list: what it is, and below it the rest."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        text, detail = index.data(Qt.ItemDataRole.UserRole)
        colors, area = theme.current(), QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = bool(option.state & QStyle.StateFlag.State_Selected)
        if lit or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.selection if lit else colors.hover)
            painter.drawRoundedRect(area.adjusted(0, 1, 0, -1), 6, 6)
        room = area.width() - 16
        elide = Qt.TextElideMode.ElideMiddle
        draw_text(painter, area.x() + 8, area.y() + 19, text, colors.text1, 12, 500, width=room, elide=elide)
        draw_text(painter, area.x() + 8, area.y() + 35, detail, colors.text2, 11, width=room)
        painter.restore()


def choose(beside: QWidget, title: str, entries: Sequence[Entry], note: str = "") -> Chooser:
    """Open a list beside a widget."""
    made = Chooser(beside.window(), title, entries, note)
    made.open(beside)
    return made
