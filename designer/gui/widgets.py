"""The small widgets that panels are made of."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMargins, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QKeySequence, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from designer.gui import drawing, theme
from designer.gui.theme import Theme
from designer.gui.tips import tip

Piece = QWidget | int | None  # a widget, a gap in pixels, or what stretches


def _filled(layout: QBoxLayout, pieces: tuple[Piece, ...], margins: tuple[int, int, int, int], gap: int) -> None:
    layout.setContentsMargins(QMargins(*margins))
    layout.setSpacing(gap)
    for piece in pieces:
        if piece is None:
            layout.addStretch(1)
        elif isinstance(piece, int):
            layout.addSpacing(piece)
        else:
            layout.addWidget(piece)


def row(
    *pieces: Piece,
    margins: tuple[int, int, int, int] = (0, 0, 0, 0),
    gap: int = 0,
    height: int = 0,
    name: str = "",
) -> QWidget:
    """Put widgets side by side; the name is that of a rule in the style sheet."""
    made = QWidget(objectName=name)
    made.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, bool(name))
    _filled(QHBoxLayout(made), pieces, margins, gap)
    if height:
        made.setFixedHeight(height)
    return made


def column(
    *pieces: Piece, margins: tuple[int, int, int, int] = (0, 0, 0, 0), gap: int = 0, name: str = "panel"
) -> QWidget:
    """Put widgets below each other."""
    made = QWidget(objectName=name)
    made.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, bool(name))
    _filled(QVBoxLayout(made), pieces, margins, gap)
    return made


class Label(QLabel):
    """A line of text that is cut with dots where it does not fit, and then tells the whole in its tooltip."""

    def __init__(self, text: str = "", name: str = "t1", elide: Qt.TextElideMode = Qt.TextElideMode.ElideNone):
        super().__init__(objectName=name)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.elide = elide
        self.full = ""
        if elide != Qt.TextElideMode.ElideNone:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.say(text)

    def say(self, text: str) -> None:
        if text == self.full:
            return  # a new layout would paint the whole window
        self.full = text
        if self.elide == Qt.TextElideMode.ElideNone:
            self.setText(text)
        else:
            self.updateGeometry()
            self._cut()

    def sizeHint(self) -> QSize:
        if self.elide == Qt.TextElideMode.ElideNone:
            return super().sizeHint()
        self.ensurePolished()
        measure = self.fontMetrics()
        return QSize(measure.horizontalAdvance(self.full) + 2, measure.height())

    def minimumSizeHint(self) -> QSize:
        if self.elide == Qt.TextElideMode.ElideNone:
            return super().minimumSizeHint()
        return QSize(16, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.elide != Qt.TextElideMode.ElideNone:
            self._cut()

    def _cut(self) -> None:
        cut = self.fontMetrics().elidedText(self.full, self.elide, self.width())
        self.setText(cut)
        self.setToolTip("" if cut == self.full else tip(self.full))


def sentence(text: str = "", name: str = "t2") -> QLabel:
    """Give a text that wraps."""
    made = QLabel(text, objectName=name)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    return made


def line(vertical: bool = False) -> QFrame:
    """Give a hairline; an upright one is as high as an icon."""
    made = QFrame(objectName="line")
    if vertical:
        made.setFixedSize(1, 16)
    else:
        made.setFixedHeight(1)
    return made


class Picture(QWidget):
    """What a function draws: ``paint(painter, theme, rect)``."""

    def __init__(self, paint: Callable[[QPainter, Theme, QRectF], None], width: int = 0, height: int = 0):
        super().__init__()
        self.paint = paint
        if width:
            self.setFixedWidth(width)
        if height:
            self.setFixedHeight(height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter, theme.current(), QRectF(self.rect()))
        painter.end()


class Icon(Picture):
    """A Lucide icon in a colour of the theme."""

    def __init__(self, name: str, color: str = "text2", size: int = 16):
        super().__init__(self._paint, size, size)
        self.name, self.color = name, color

    def show_icon(self, name: str, color: str) -> None:
        self.name, self.color = name, color
        self.update()

    def _paint(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        if self.name:
            drawing.draw_icon(painter, self.name, rect, getattr(colors, self.color), 2.25)


class Tool(QToolButton):
    """A button with an icon that follows the theme; with an action, one that does it and says its keys."""

    def __init__(self, icon: str, text: str = "", *, action: QAction | None = None, size: int = 28):
        super().__init__()
        self.icon_name, self.action_done = icon, action
        self.setFixedSize(size, size)
        self.setIconSize(QSize(16, 16))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if action:
            self.clicked.connect(action.trigger)
            action.changed.connect(self._follow)
            self._follow()
        else:
            self.name_it(text)
        self._colored()

    def name_it(self, text: str) -> None:
        self.setToolTip(tip(text))
        self.setAccessibleName(text)

    def show_icon(self, name: str) -> None:
        self.icon_name = name
        self._colored()

    def _follow(self) -> None:
        action = self.action_done
        self.setEnabled(action.isEnabled())
        text = action.text().replace("&", "").removesuffix("…")
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.setAccessibleName(text)
        self.setToolTip(tip(f"{text}  {keys}" if keys else text))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "icon_name"):
            self._colored()

    def _colored(self) -> None:
        colors = theme.current()
        faint = theme.faded(colors.text3, 0.45)
        self.setIcon(drawing.icon(self.icon_name, colors.text2, 16, disabled=faint))


class Link(QPushButton):
    """A text that can be clicked, and cut with dots in its middle."""

    def __init__(self, text: str = "", clicked: Callable[[], object] | None = None):
        super().__init__(text, objectName="link")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(text)
        if clicked:
            self.clicked.connect(lambda: clicked())


def button(text: str, clicked: Callable[[], object], name: str = "") -> QPushButton:
    made = QPushButton(text, objectName=name)
    made.setAccessibleName(text)
    made.clicked.connect(lambda: clicked())
    return made


class Search(QLineEdit):
    """A field to search in, with a glass and, while it is empty, the key that leads there."""

    def __init__(self, hint: str, key: str = ""):
        super().__init__()
        self.key = key
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.setTextMargins(20, 0, 20, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, middle = theme.current(), self.height() / 2
        drawing.draw_icon(painter, "search", QRectF(9, middle - 7, 14, 14), colors.text3)
        if self.key and not self.text():
            drawing.draw_text(painter, self.width() - 10, middle + 4, self.key, colors.text3, 11, align="right")
        painter.end()


def draw_focus(painter: QPainter, colors: Theme, rect: QRectF, radius: float) -> None:
    """Draw the ring of the widget that has the keyboard."""
    painter.setPen(QPen(colors.focus, 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius, radius)


class Fold(QAbstractButton):
    """A heading with an arrow that shows or hides what stands below it."""

    def __init__(self, title: str, open_: bool = True, count: str = ""):
        super().__init__()
        self.setText(title)
        self.setAccessibleName(title)
        self.setCheckable(True)
        self.setChecked(open_)
        self.count = count
        self.setFixedHeight(36)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme.current()
        arrow = "chevron-down" if self.isChecked() else "chevron-right"
        drawing.draw_icon(painter, arrow, QRectF(12, 12, 12, 12), colors.text3, 2.5)
        drawing.draw_text(painter, 28, 22, self.text(), colors.text1, 12, 600, width=self.width() - 76)
        drawing.draw_text(painter, self.width() - 12, 22, self.count, colors.text3, 12, align="right")
        if self.hasFocus():
            draw_focus(painter, colors, QRectF(4, 4, self.width() - 8, 28), 6)
        painter.end()


class Tile(Picture):
    """The coloured tile of a layer type."""

    def __init__(self, category: str, layer_type: str, size: int = 32):
        super().__init__(self._paint, size, size)
        self.category, self.layer_type = category, layer_type

    def _paint(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        drawing.draw_tile(painter, colors, self.category, rect, layer_type=self.layer_type)


class Dot(Picture):
    """A small disc in a colour of the theme."""

    def __init__(self, color: str = "accent"):
        super().__init__(self._paint, 8, 8)
        self.color = color

    def _paint(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(getattr(colors, self.color))
        painter.drawEllipse(rect.adjusted(0.5, 0.5, -0.5, -0.5))


class Tab(QToolButton):
    """One name in a bar of tabs, with an icon or a count behind it."""

    chosen = Signal()

    def __init__(self, text: str):
        super().__init__(objectName="tab")
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setFixedHeight(36)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.mark, self.mark_color, self.count = "", QColor(), ""
        self.clicked.connect(self.chosen)

    def show_mark(self, icon: str, count: str = "") -> None:
        """Show an icon and a count behind the name."""
        if (icon, count) == (self.mark, self.count):
            return  # a new layout would paint the whole window
        self.mark, self.count = icon, count
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        width = drawing.text_width(self.text(), 12, 600) + 24
        width += 20 if self.mark else 0
        width += drawing.text_width(self.count, 12, 500) + 4 if self.count else 0
        return QSize(round(width), 36)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, on = theme.current(), self.isChecked()
        color = colors.text1 if on or self.underMouse() else colors.text2
        used = drawing.draw_text(painter, 12, 22, self.text(), color, 12, 600 if on else 500)
        if self.mark:
            tint = {"circle-check": colors.success, "triangle-alert": colors.warning}.get(self.mark, colors.error)
            drawing.draw_icon(painter, self.mark, QRectF(12 + used + 6, 11, 14, 14), tint, 2.25)
            drawing.draw_text(painter, 12 + used + 24, 22, self.count, tint, 12, 500)
        if on:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.accent)
            painter.drawRoundedRect(QRectF(12, self.height() - 3, self.width() - 24, 3), 1.5, 1.5)
        if self.hasFocus():
            draw_focus(painter, colors, QRectF(2, 4, self.width() - 4, 28), 6)
        painter.end()
