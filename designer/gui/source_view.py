"""A text of Python that is read: its colours, its line numbers, the lines that are marked, and which was clicked."""

import keyword
import re

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit

from designer.gui import drawing, theme
from designer.gui.theme import Theme
from designer.gui.widgets import Picture

TOKEN = re.compile(
    r"""(?P<text>\"\"\".*?\"\"\"|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<comment>\#.*)|"""
    r"""(?P<number>\b\d[\w.]*(?:(?<=e)[-+]\d+)?)|(?P<word>\b[^\W\d]\w*)"""
)


class SourceView(QPlainTextEdit):
    """The text, with numbers beside its lines.

    Signals:
        line_chosen: the line that was clicked, or on which Enter was pressed, counted from 0.
    """

    line_chosen = Signal(int)

    def __init__(self):
        super().__init__(objectName="source")
        self.text = ""  # as it was given: the widget changes some spaces
        self.marked: frozenset[int] = frozenset()
        self.stop: int | None = None  # the line of an error
        self.setReadOnly(True)
        self.document().setUndoRedoEnabled(False)
        self.setAccessibleName("PyTorch source")
        self.setToolTip("")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.document().setDocumentMargin(8)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFont(drawing.font(12, mono=True))
        self.setTabStopDistance(4 * QFontMetricsF(self.font()).horizontalAdvance(" "))
        self.colors = _Colors(self.document())
        self.numbers = Picture(self._paint_numbers)
        self.numbers.setParent(self)
        self.updateRequest.connect(lambda *_: self.numbers.update())
        self._widen()

    def show_text(self, text: str) -> None:
        """Show another text; lines that stay are not laid out anew, and the view stays where it is."""
        if text == self.text:
            return
        bar, side = self.verticalScrollBar(), self.horizontalScrollBar()
        at, left = bar.value(), side.value()
        old, new = (_drawn(each) for each in (self.text, text))
        start = _shared(old, new)
        end = _shared(old[start:][::-1], new[start:][::-1])
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(len(old) - end, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(new[start : len(new) - end])
        self.text = text
        self._widen()
        bar.setValue(at)
        side.setValue(left)

    def mark(self, lines: frozenset[int], stop: int | None = None) -> None:
        """Mark lines; one that ends at an error is marked as such."""
        if (lines, stop) != (self.marked, self.stop):
            self.marked, self.stop = lines, stop
            self.viewport().update()
            self.numbers.update()

    def reveal(self, line: int) -> None:
        """Bring a line into view."""
        top = self.firstVisibleBlock().blockNumber()
        rows = self.viewport().height() // max(1, round(self.fontMetrics().lineSpacing()))
        if not top <= line < top + rows - 1:
            self.verticalScrollBar().setValue(max(0, line - 2))

    def shown_lines(self) -> list[tuple[int, QRectF]]:
        """Give the lines that are in view, with their places in the viewport."""
        found, block, offset = [], self.firstVisibleBlock(), self.contentOffset()
        while block.isValid():
            place = self.blockBoundingGeometry(block).translated(offset)
            if place.top() > self.viewport().height():
                break
            place.setHeight(block.layout().boundingRect().height())  # less the margin below the last one
            found.append((block.blockNumber(), place))
            block = block.next()
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colors = QPainter(self.viewport()), theme.current()
        for line, place in self.shown_lines():
            band = QRectF(0, place.top(), self.viewport().width(), place.height())
            if line == self.stop:
                painter.fillRect(band, theme.faded(colors.error, 0.22))
            elif line in self.marked:
                painter.fillRect(band, colors.selection)
        painter.end()
        super().paintEvent(event)

    def _paint_numbers(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        baseline = drawing.metrics(12, mono=True).ascent()
        for line, place in self.shown_lines():
            band = QRectF(0, place.top(), rect.width(), place.height())
            wrong, chosen = line == self.stop, line in self.marked
            if wrong or chosen:
                painter.fillRect(band, theme.faded(colors.error, 0.22) if wrong else colors.selection)
                painter.fillRect(QRectF(0, band.top(), 3, band.height()), colors.error if wrong else colors.accent)
            tint = colors.error if wrong else colors.text2 if chosen else colors.text3
            y, number = place.top() + baseline, str(line + 1)
            drawing.draw_text(painter, rect.width() - 8, y, number, tint, 11, align="right", mono=True)

    def _widen(self) -> None:
        digits = max(2, len(str(self.blockCount())))
        width = 16 + round(digits * drawing.text_width("0", 11, mono=True))
        if width != self.viewportMargins().left():
            self.setViewportMargins(width, 0, 0, 0)
        self._place()

    def _place(self) -> None:
        area = self.contentsRect()
        self.numbers.setGeometry(QRect(area.left(), area.top(), self.viewportMargins().left(), area.height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            at = event.position()
            line = next((line for line, place in self.shown_lines() if place.top() <= at.y() < place.bottom()), None)
            if line is not None:
                self.line_chosen.emit(line)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.line_chosen.emit(self.textCursor().blockNumber())
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "colors"):
            self.colors.rehighlight()


def _drawn(text: str) -> str:
    """A text as the widget counts it: no last line break, and no letter that takes two places."""
    return re.sub("[\U00010000-\U0010ffff]", "\ufffd", text.removesuffix("\n"))


def _shared(one: str, other: str) -> int:
    """How many letters two texts have in common at their start, up to the end of a line."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return one.rfind("\n", 0, low) + 1


class _Colors(QSyntaxHighlighter):
    """Colours Python; comments tell shapes and, in the colour of ties, owners."""

    def highlightBlock(self, text: str) -> None:
        colors, before = theme.current(), ""
        for token in TOKEN.finditer(text):
            kind, word = token.lastgroup, token[0]
            if kind == "comment":
                tie = "None  #" in text and "." in word
                self._tint(token, colors.learn_text if tie else colors.text3)
            elif kind == "text":
                self._tint(token, colors.success)
            elif kind == "number" or word in ("None", "True", "False"):
                self._tint(token, colors.warning)
            elif keyword.iskeyword(word):
                self._tint(token, colors.accent)
            elif before in ("class", "def"):
                self._tint(token, colors.text1, 600)
            elif word == "self":
                self._tint(token, colors.text2)
            before = word

    def _tint(self, token: re.Match[str], color, weight: int = 400) -> None:
        style = QTextCharFormat()
        style.setForeground(color)
        if weight != 400:
            style.setFontWeight(weight)
        self.setFormat(token.start(), token.end() - token.start(), style)
