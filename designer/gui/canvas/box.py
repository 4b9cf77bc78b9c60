"""A field with a list below it that floats on the canvas: one chooses by typing, arrows and Enter, or by a click."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QWidget

from designer.gui import theme
from designer.gui.canvas.paint import RADIUS, draw_shadow
from designer.gui.canvas.port import draw_port
from designer.gui.drawing import draw_icon, draw_text, draw_tile, text_width
from designer.gui.tips import tip
from designer.gui.widgets import Search

WIDTH, FIELD, LINE, MOST = 360, 44, 28, 9
SHADOW = 12  # around it
EDGE = 8  # it stays as far from the edges of the canvas
GAP = 12  # and from what it is about
NOWHERE = QRect()
LIST = Qt.ItemDataRole.UserRole


class Line(NamedTuple):
    """One thing to choose; ``run`` does it and says whether the box shall stay."""

    title: str
    hint: str = ""  # beside the title
    tail: str = ""  # at the right
    tile: tuple[str, str] | None = None  # category and type of a layer
    port: str = ""  # or "circle" or "diamond"
    filled: bool = False  # a wire ends at the port
    tip: str = ""
    icon: str = "search"  # where nothing else stands there; "": none
    run: Callable[[bool], object] | None = None  # called with whether Shift is held; None: it cannot be chosen
    cut: Callable[[], object] | None = None  # what Del does
    rename: Callable[[], object] | None = None  # what F2 does


def matching(lines: Iterable[Line], text: str) -> list[Line]:
    """The lines that say each word of a text."""
    words = text.lower().split()
    return [line for line in lines if all(word in " ".join(line[:3]).lower() for word in words)]


class Box(QWidget):
    """The box; ``closed`` tells that it is gone, ``left`` before that, that Escape was pressed."""

    closed = Signal()
    left = Signal()

    def __init__(self, parent: QWidget, width: int = WIDTH):
        super().__init__(parent)
        self.most = width
        self.caption = ""
        self.note = ""  # stands in the place of the caption once something is typed
        self.lines_for: Callable[[str], list[Line]] = lambda text: []
        self.place = QRect()  # of all that it may cover, shadow included
        self.running = False
        self.field, self.list = Search(""), _List()
        self.field.setObjectName("bare")
        for part in (self.field, self.list):
            part.setParent(self)
        self.field.textChanged.connect(self.fill)
        self.field.installEventFilter(self)
        self.list.clicked.connect(lambda index: self._take(index.row(), shift=False))
        self.hide()

    def ask(
        self,
        at: QPoint,
        hint: str,
        caption: str,
        lines_for: Callable[[str], list[Line]],
        wide: int = 0,
        about: QRect = NOWHERE,
    ) -> None:
        """Open with its upper left corner at a point, moved so that all of it lies in the canvas.

        ``about`` is what it should not cover, if there is room beside that.
        """
        self.lines_for, self.caption = lines_for, caption
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(hint)
        self.list.setAccessibleName(hint)
        found = lines_for("")
        room = self.parentWidget().rect().adjusted(EDGE, EDGE, -EDGE, -EDGE)
        width, height = min(wide or self.most, room.width()), FIELD + min(MOST, max(2, len(found))) * LINE + 8
        x = max(room.left(), min(at.x(), room.right() + 1 - width))
        y = max(room.top(), min(at.y(), room.bottom() + 1 - height))
        place = QRect(x, y, width, height)
        if place.intersects(about):
            others = (
                QPoint(x, about.top() - GAP - height),
                QPoint(about.right() + GAP, y),
                QPoint(about.left() - GAP - width, y),
            )
            x, y = next((to for to in others if room.contains(QRect(to, place.size()))), place.topLeft()).toTuple()
        below = QRect(x, y, width, room.bottom() + 1 - y)
        end = about.top() - GAP if y < about.top() and below.intersects(about) else room.bottom() + 1
        most = min(FIELD + MOST * LINE + 8, end - y)  # a search may find more than stands there at first
        self.place = QRect(x, y, width, most).adjusted(-SHADOW, -SHADOW, SHADOW, SHADOW)
        self.field.setGeometry(SHADOW + 4, SHADOW + 6, width - 8, FIELD - 12)
        caption_room = min(160, round(text_width(caption, 11)) + 20 if caption else 12)
        self.field.setTextMargins(28, 0, caption_room, 0)
        self.field.blockSignals(True)
        self.field.clear()
        self.field.blockSignals(False)
        self._show(found)
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def choose(self, at: QPoint, hint: str, caption: str, lines: Collection[Line], none: str, wide: int = 0) -> None:
        """Open with lines of which those are listed that answer to the text; ``none`` is said where none does."""
        self.ask(at, hint, caption, lambda text: matching(lines, text) or [Line(none)], wide)

    def fill(self) -> None:
        """List what answers to the text."""
        self._show(self.lines_for(self.field.text()))

    def _show(self, lines: list[Line]) -> None:
        self.list.fill(lines)
        shown = max(1, min(len(lines), (self.place.height() - 2 * SHADOW - FIELD - 8) // LINE))
        width = self.place.width() - 2 * SHADOW
        self.list.setGeometry(SHADOW + 1, SHADOW + FIELD + 3, width - 2, shown * LINE)
        height = FIELD + 8 + shown * LINE + 2 * SHADOW
        self.setGeometry(self.place.x(), self.place.y(), self.place.width(), height)
        self.update()

    def close_box(self, focus: bool = True) -> None:
        """Go away; the keyboard goes back to the canvas unless it is somewhere else already."""
        if self.isVisible():
            if focus:
                self.parentWidget().setFocus(Qt.FocusReason.PopupFocusReason)
            self.hide()
            self.closed.emit()

    def forget(self) -> None:
        """Go away, since the network has changed; unless that was done here."""
        if not self.running:
            self.close_box()

    def _take(self, row: int, shift: bool) -> None:
        if not 0 <= row < self.list.count():
            return
        run = self.list.line(row).run
        if run is None:
            return
        self.running = True  # what it does may change the network, which closes the box otherwise
        before = self.lines_for
        stays = run(shift)
        self.running = False
        if not stays:
            self.close_box()
        elif self.lines_for is before:  # else it was opened anew with other lines
            self.field.selectAll()
            self.fill()

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:
        """Lead keys from the field to the list; close when the keyboard goes elsewhere."""
        if event.type() == QEvent.Type.FocusOut and event.reason() not in (
            Qt.FocusReason.ActiveWindowFocusReason,
            Qt.FocusReason.PopupFocusReason,
        ):
            self.close_box(focus=False)
        if event.type() != QEvent.Type.KeyPress:
            return False
        key, page = event.key(), self.list.height() // LINE
        steps = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Backtab: -1,
            Qt.Key.Key_Tab: 1,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
        }
        if key in steps:
            self.list.step(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(self.list.currentRow(), shift=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
            self.close_box()
        elif key == Qt.Key.Key_Delete and self._cuts():
            pass
        elif key == Qt.Key.Key_F2 and (rename := self._chosen("rename")):
            rename()
        else:
            return False
        return True

    def _chosen(self, what: str) -> Callable[[], object] | None:
        """What the chosen line does by a key of its own."""
        row = self.list.currentRow()
        return getattr(self.list.line(row), what) if row >= 0 else None

    def _cuts(self) -> bool:
        """Let Del cut the wire of the chosen line, if the cursor has nothing to delete."""
        field, cut = self.field, self._chosen("cut")
        if cut is None or field.hasSelectedText() or field.cursorPosition() < len(field.text()):
            return False
        self.running = True
        cut()
        self.running = False
        self.fill()
        return True

    def mousePressEvent(self, event) -> None:
        event.accept()  # a press beside the list is none on the canvas

    wheelEvent = mouseDoubleClickEvent = mousePressEvent

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme.current()
        body = QRectF(self.rect().adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW))
        draw_shadow(painter, colors, body)
        painter.setPen(QPen(colors.edge, 1))
        painter.setBrush(colors.panel)
        painter.drawRoundedRect(body.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.setPen(QPen(colors.border, 1))
        below = body.y() + FIELD - 0.5
        painter.drawLine(QPointF(body.x() + 1, below), QPointF(body.right() - 1, below))
        if beside := self.note if self.field.text() else self.caption:
            draw_text(painter, body.right() - 12, body.y() + 26, beside, colors.text2, 11, align="right", width=160)
        painter.end()


class _List(QListWidget):
    """The lines; the keyboard stays in the field."""

    def __init__(self) -> None:
        super().__init__(objectName="lines")
        self.lines: list[Line] = []
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Drawn(self))

    def fill(self, lines: list[Line]) -> None:
        self.clear()
        self.lines = lines
        for line in lines:
            item = QListWidgetItem(line.title)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(filter(None, line[:3])))
            item.setToolTip(tip(line.tip))
            self.addItem(item)
        self.setCurrentRow(next((row for row, line in enumerate(lines) if line.run), -1))

    def line(self, row: int) -> Line:
        return self.lines[row]

    def step(self, by: int) -> None:
        """Go to another line that can be chosen."""
        row = max(0, min(self.count() - 1, self.currentRow() + by))
        if self.count() and self.lines[row].run:
            self.setCurrentRow(row)


class _Drawn(QStyledItemDelegate):
    """Draws a line."""

    def sizeHint(self, option: Any, index: Any) -> QSize:
        return QSize(10, LINE)

    def paint(self, painter: QPainter, option: Any, index: Any) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, area = theme.current(), QRectF(option.rect)
        line: Line = option.widget.line(index.row())
        chosen = option.state & QStyle.StateFlag.State_Selected
        if line.run and (chosen or option.state & QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.selection if chosen else colors.hover)
            painter.drawRoundedRect(area.adjusted(4, 1, -4, -1), 6, 6)
        x, y = area.x() + 12, area.y() + 18
        if line.tile is not None:
            category, kind = line.tile
            draw_tile(painter, colors, category, QRectF(x, area.y() + 5, 18, 18), layer_type=kind)
            x += 28
        elif line.port:
            at = QPointF(x + 9, area.center().y())
            draw_port(painter, colors, at, diamond=line.port == "diamond", filled=line.filled)
            x += 28
        elif line.icon and (not line.run or line.icon != "search"):
            draw_icon(painter, line.icon, QRectF(x + 2, area.y() + 7, 14, 14), colors.text3)
            x += 28
        right = area.right() - 12
        color = colors.text1 if line.run else colors.text2
        x += draw_text(painter, x, y, line.title, color, 12, 500 if chosen else 400, width=right - x) + 8
        tail = min(text_width(line.tail, 11), (right - x) * 0.6)
        if line.tail and right - x > 48:
            draw_text(painter, right, y, line.tail, colors.text2, 11, align="right", width=tail + 1)
            right -= tail + 12
        if line.hint and right - x > 24:
            draw_text(painter, x, y, line.hint, colors.text3, 11, width=right - x)
        painter.restore()
