"""The two meanings of a tie between square matrices, drawn side by side: rows to rows, or rows to columns."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from designer.gui import theme as themes
from designer.gui.canvas.joins import Join
from designer.gui.canvas.paint import RADIUS, draw_shadow
from designer.gui.document import Document
from designer.gui.drawing import draw_text
from designer.gui.theme import Theme, faded
from designer.gui.tips import tip
from designer.model import Network, Port

if TYPE_CHECKING:
    from designer.gui.canvas.frame import Frame

CARD = QSize(248, 204)
SHADOW, PAD, TITLE = 12, 12, 36
CELLS, CELL = 4, 16
AXES = {  # the first two dimensions of a weight, by type of layer
    "Embedding": ("tokens", "features"),
    "Linear": ("out", "in"),
    "Bilinear": ("out", "in"),
    "LSTM": ("gates", "in"),
    "GRU": ("gates", "in"),
    "RNN": ("hidden", "in"),
    "LSTMCell": ("gates", "in"),
    "GRUCell": ("gates", "in"),
    "RNNCell": ("hidden", "in"),
    "MultiheadAttention": ("out", "in"),
}


class TwoWays(QWidget):
    """Two pictures to choose from: a click, or arrows and Enter; Escape chooses neither."""

    def __init__(self, parent: "Frame"):
        super().__init__(parent)
        self.title = ""
        self.cards = [Card(self), Card(self)]
        self.setFixedSize(2 * SHADOW + 3 * PAD + 2 * CARD.width(), 2 * SHADOW + TITLE + PAD + CARD.height())
        for n, card in enumerate(self.cards):
            card.move(SHADOW + PAD + n * (CARD.width() + PAD), SHADOW + TITLE)
            card.clicked.connect(lambda _=False, n=n: self._take(n))
        self._chosen: Callable[[Join], object] = lambda choice: None
        self.hide()

    def ask(self, at: QPoint, document: Document, choices: tuple[Join, ...], chosen: Callable[[Join], object]) -> None:
        """Open at a point, moved so that all of it lies in the canvas."""
        assert choices[0].pair is not None
        give, take = choices[0].pair
        self.title = f"{_dotted(take)} takes {_dotted(give)}: which way?"
        self.setAccessibleName(self.title)
        self._choices, self._chosen = choices, chosen
        for card, choice in zip(self.cards, choices):
            card.show_choice(document.network, choice)
        room = self.parentWidget().rect()
        x = max(-4, min(at.x() - SHADOW, room.right() - self.width() + 4))
        y = max(-4, min(at.y() - SHADOW, room.bottom() - self.height() + 4))
        self.move(x, y)
        self.show()
        self.raise_()
        self.cards[0].setFocus(Qt.FocusReason.PopupFocusReason)

    def close_pictures(self, focus: bool = True) -> None:
        if self.isVisible():
            if focus:
                self.parentWidget().setFocus(Qt.FocusReason.PopupFocusReason)
            self.hide()

    def _take(self, which: int) -> None:
        choice, chosen = self._choices[which], self._chosen
        self.close_pictures()
        chosen(choice)

    def keyPressEvent(self, event) -> None:
        keys = Qt.Key
        at = 1 if self.cards[1].hasFocus() else 0
        if event.key() in (keys.Key_Left, keys.Key_Up, keys.Key_Right, keys.Key_Down):
            forward = event.key() in (keys.Key_Right, keys.Key_Down)
            self.cards[1 if forward else 0].setFocus(Qt.FocusReason.TabFocusReason)
        elif event.key() in (keys.Key_Return, keys.Key_Enter):
            self._take(at)
        elif event.key() == keys.Key_Escape:
            self.close_pictures()
        else:
            event.ignore()

    def mousePressEvent(self, event) -> None:
        event.accept()  # a press between the cards is none on the canvas

    wheelEvent = mouseDoubleClickEvent = mousePressEvent

    def left(self) -> None:
        """Close when the keyboard has gone elsewhere."""
        if not any(card.hasFocus() for card in self.cards):
            self.close_pictures(focus=False)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = themes.current()
        body = QRectF(self.rect().adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW))
        draw_shadow(painter, colors, body)
        painter.setPen(QPen(colors.edge, 1))
        painter.setBrush(colors.panel)
        painter.drawRoundedRect(body.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        elide = Qt.TextElideMode.ElideMiddle
        room = body.width() - 2 * PAD
        draw_text(painter, body.x() + PAD, body.y() + 23, self.title, colors.text1, 13, 600, width=room, elide=elide)
        painter.end()


class Card(QAbstractButton):
    """One meaning: the owner's matrix, the borrower's, and where a row of the one goes in the other."""

    def __init__(self, parent: TwoWays):
        super().__init__(parent)
        self.ways = parent
        self.setFixedSize(CARD)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.head = self.says = self.detail = ""
        self.names: tuple[str, str] = ("", "")
        self.axes: tuple[tuple[str, str], tuple[str, str]] = (("", ""), ("", ""))
        self.turned = False

    def show_choice(self, network: Network, choice: Join) -> None:
        assert choice.pair is not None
        give, take = choice.pair
        self.turned = bool(choice.permute)
        self.names, self.axes = (_dotted(give), _dotted(take)), (_axes(network, give), _axes(network, take))
        self.head = "Transposed" if self.turned else "Direct"
        self.says = "Rows become columns" if self.turned else "Rows stay rows"
        self.detail = f"by Permute {', '.join(map(str, choice.permute))}" if self.turned else "the same matrix"
        self.setAccessibleName(f"{self.head}: {self.says.lower()}, {self.detail}")
        self.setToolTip(tip(f"{self.says}: {self.names[1]} takes {self.names[0]} {self.detail}"))
        self.setText(self.head)

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Space:
            super().keyPressEvent(event)
        else:
            event.ignore()  # the two of them know arrows, Enter and Escape

    def focusOutEvent(self, event) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.ways.left()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, lit = themes.current(), self.hasFocus()
        painter.setPen(QPen(colors.focus if lit else colors.edge, 2 if lit else 1))
        painter.setBrush(colors.hover if self.underMouse() or self.isDown() else colors.raised)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        draw_text(painter, 12, 22, self.head, colors.text1, 12, 600)
        draw_text(painter, CARD.width() - 12, 22, self.detail, colors.text2, 11, align="right")
        side = CELLS * CELL
        left, right = QPointF(36, 66), QPointF(CARD.width() - 12 - side, 66)
        self._matrix(painter, colors, left, 0, row=1)
        self._matrix(painter, colors, right, 1, row=None if self.turned else 1, column=1 if self.turned else None)
        painter.setPen(QPen(colors.learn, 2))
        start = left + QPointF(side + 5, 1.5 * CELL)
        end = right + (QPointF(-22, 1.5 * CELL))
        painter.drawLine(start, end)
        for dy in (-4, 4):
            painter.drawLine(end, end + QPointF(-5, dy))
        draw_text(painter, CARD.width() / 2, CARD.height() - 16, self.says, colors.text1, 12, align="center")
        painter.end()

    def _matrix(
        self,
        painter: QPainter,
        colors: Theme,
        at: QPointF,
        which: int,
        row: int | None = None,
        column: int | None = None,
    ) -> None:
        """Draw one matrix with its name above, and the names of its dimensions at its edges."""
        side = CELLS * CELL
        for y in range(CELLS):
            for x in range(CELLS):
                lit = y == row or x == column
                painter.setPen(QPen(colors.learn, 1))
                painter.setBrush(faded(colors.learn, 0.75) if lit else faded(colors.learn, 0.12))
                painter.drawRect(QRectF(at.x() + x * CELL + 0.5, at.y() + y * CELL + 0.5, CELL, CELL))
        elide = Qt.TextElideMode.ElideMiddle
        middle = at.x() + side / 2
        draw_text(
            painter,
            middle,
            at.y() - 12,
            self.names[which],
            colors.text1,
            11,
            500,
            align="center",
            width=104,
            elide=elide,
        )
        down, across = self.axes[which]
        draw_text(painter, middle, at.y() + side + 16, across, colors.text2, 10, align="center", width=90)
        painter.save()
        painter.translate(at.x() - 7, at.y() + side / 2)
        painter.rotate(-90)
        draw_text(painter, 0, 0, down, colors.text2, 10, align="center", width=90)
        painter.restore()


def _axes(network: Network, port: Port) -> tuple[str, str]:
    """Name the two dimensions of a matrix: what its rows are, and what its columns are."""
    layer = network.find(port.layer)
    down, across = AXES.get(type(layer).__name__, ("rows", "columns"))
    if "_hh" in port.name:
        across = "hidden"
    elif port.name.startswith("weight_hr"):
        down, across = "projected", "hidden"
    if getattr(layer, "transposed", False):
        down, across = across, down
    return down, across


def _dotted(port: Port) -> str:
    return f"{port.layer}.{port.name}"
