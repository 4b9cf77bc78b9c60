"""The start page: begin with nothing, with a PyTorch file, with an example, or where you left off."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget
from shiboken6 import isValid

from designer.gui.drawing import draw_icon, draw_logo, draw_text
from designer.gui.examples import examples, pictures
from designer.gui.session import Session
from designer.gui.theme import Theme
from designer.gui.thumbnail import Thumbnail
from designer.gui.tiles import CARD, Card, Recent, Start, Tile
from designer.gui.widgets import Label, Link, Picture, Search, column, row

LEFT, CARD_WIDTH, SPACE, GAP, MARGIN = 352, 240, 16, 72, 24
THREE, TWO = 1240, 900  # widths from which three examples, two examples stand beside the first column
LINE, FEWEST = 40, 3  # of the recent files


class StartPage(QWidget):
    """Two columns in the middle; ``chosen`` gives a recent file to open, ``example`` an example."""

    chosen = Signal(Path)
    example = Signal(object)

    def __init__(self, session: Session, actions: Mapping[str, QAction]):
        super().__init__(objectName="page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.session = session
        self.painted = False  # what takes long waits for it
        self.starts = [
            Start("file-plus", "Blank network", "An empty canvas", actions["new"], first=True),
            Start("import", "From PyTorch file…", "A program, or values by name", actions["import"]),
            Start("code", "From Python code…", "Classes, run once you allow it", actions["import_code"]),
            Start("folder-open", "Open…", "A saved network", actions["open"]),
        ]
        self.cards = [Card(example, self.example.emit) for example in examples()]
        self.recents: list[Recent] = []
        self.field = Search("Type to search")
        self.field.setAccessibleName("Search examples and recent files")
        self.field.setToolTip("Type anywhere on this page to search. Esc shows everything again.")
        self.field.setFixedWidth(232)
        self.field.textChanged.connect(self._show)
        brand = Picture(_paint_brand, height=48)
        self.left = column(
            brand, 32, Label("Start", "title"), 8, *self.starts, 24, Picture(_paint_drop, height=64), None, name=""
        )
        self.grid = QGridLayout()
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setSpacing(SPACE)
        self.lines = QVBoxLayout()
        self.lines.setContentsMargins(0, 0, 0, 0)
        self.lines.setSpacing(0)
        clear = Link("Clear list", lambda: session.forget(*session.recent()))
        self.examples_title, self.nothing = Label("Examples", "title"), Label("", "t2")
        self.recent = row(Label("Recent", "title"), None, clear, height=24)
        head = row(self.examples_title, self.nothing, None, self.field, height=32)
        self.right = column(head, 8, name="")
        inner = self.right.layout()
        inner.addLayout(self.grid)
        inner.addSpacing(20)
        inner.addWidget(self.recent)
        inner.addSpacing(4)
        inner.addLayout(self.lines)
        inner.addStretch(1)
        self._lay_out()
        session.recent_changed.connect(self._list)
        session.files.run(pictures, self._draw)
        self._list()

    def _lay_out(self) -> None:
        content = QWidget()
        self.columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self.columns.setSpacing(GAP)
        for part in (self.left, self.right):
            self.columns.addWidget(part, 0, Qt.AlignmentFlag.AlignTop)
        across = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        across.addStretch(1)
        across.addLayout(self.columns)
        across.addStretch(1)
        down = QVBoxLayout(content)
        down.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        down.addStretch(4)
        down.addLayout(across)
        down.addStretch(5)
        self.area = _Area(self)
        self.area.setWidget(content)
        for part in (content, self.area.viewport()):
            part.setAutoFillBackground(False)  # else the page itself is never painted
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.area)

    # What is shown.

    def _draw(self, shown: Sequence[Thumbnail]) -> None:
        if isValid(self):  # its window may be gone by now
            for card, picture in zip(self.cards, shown):
                card.show_picture(picture)

    def tiles(self) -> list[Tile]:
        """All that can be chosen now."""
        shown = [tile for tile in (*self.cards, *self.recents) if tile.isVisibleTo(self)]
        return [*self.starts, *shown]

    def _list(self) -> None:
        """Make the lines of the recent files again; the keyboard stays near where it was."""
        focus = self.focusWidget()
        at = self.recents.index(focus) if focus in self.recents else None
        for line in self.recents:
            self.lines.removeWidget(line)
            line.hide()
            line.deleteLater()
        ties = self.session.ties
        self.recents = [Recent(path, ties.get(str(path)), self.chosen.emit) for path in self.session.recent()]
        for line in self.recents:
            line.removed.connect(lambda path: self.session.forget(path))
            self.lines.addWidget(line)
        self._show()
        if at is not None:
            shown = [line for line in self.recents if line.isVisibleTo(self)]
            (shown[min(at, len(shown) - 1)] if shown else self.starts[0]).setFocus()

    def _show(self) -> None:
        """Show what has all words of the field, in as many columns as there is room for."""
        width, words, focus = self.width(), self.field.text().lower().split(), self.focusWidget()
        two = width >= TWO
        across = 3 if width >= THREE else 2
        self.columns.setDirection(QBoxLayout.Direction.LeftToRight if two else QBoxLayout.Direction.TopToBottom)
        gap = min(GAP, max(32, width - LEFT - 2 * (CARD_WIDTH + MARGIN) - SPACE)) if two else 40
        self.columns.setSpacing(gap)
        most = across * (CARD_WIDTH + SPACE) - SPACE
        room = width - 2 * MARGIN - (LEFT + gap if two else 0)
        self.right.setFixedWidth(min(most, room))
        self.left.setFixedWidth(LEFT if two else min(most, room))
        for card in self.cards:
            self.grid.removeWidget(card)
        cards = [
            card
            for card in self.cards
            if _has(words, f"{card.example.title} {card.example.sentence} {card.example.name}")
        ]
        for card in self.cards:
            card.setFixedWidth((self.right.maximumWidth() - (across - 1) * SPACE) // across)
        for n, card in enumerate(cards):
            self.grid.addWidget(card, n // across, n % across)
        for n in range(4):
            self.grid.setColumnStretch(n, n == across)
        above = 32 + 8 + -(-len(self.cards) // across) * (CARD + SPACE) - SPACE + 20 + 24 + 4
        fits = max(FEWEST, (self.height() - 2 * MARGIN - above) // LINE) if two else len(self.recents)
        self.right.setMinimumHeight(above + min(fits, len(self.recents)) * LINE)  # nothing jumps while one types
        lines = [line for line in self.recents if _has(words, str(line.path))][:fits]
        if self.isVisible() and isinstance(focus, Tile) and focus not in (*self.starts, *cards, *lines):
            self.starts[0].setFocus()  # before it is hidden: Qt would choose another place
        for card in self.cards:
            card.setVisible(card in cards)
        for line in self.recents:
            line.setVisible(line in lines)
        self.recent.setVisible(bool(lines))
        found = bool(cards or lines)
        self.examples_title.setVisible(bool(cards) or not found)
        self.nothing.say("" if found else f"   Nothing here is called {self.field.text().strip()}.")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.field.clear()
        self.starts[0].setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.painted = True

    # The keyboard.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from tile to tile with the arrows; what is typed goes to the field."""
        key, focus, typed = Qt.Key(event.key()), self.focusWidget(), event.text()
        step = STEPS.get(key)
        if step and focus is self.field:
            if key == Qt.Key.Key_Down and (shown := self.tiles()[len(self.starts) :]):
                self._go(shown[0])
        elif step and isinstance(focus, Tile):
            self._go(self._next(focus, *step))
        elif key == Qt.Key.Key_Escape:
            self.field.clear()
            self._go(self.starts[0])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and focus is self.field:
            if self.field.text().strip() and (shown := self.tiles()[len(self.starts) :]):
                shown[0].click()
        elif key == Qt.Key.Key_Space and isinstance(focus, Tile) and not self.field.text():
            focus.click()
        elif typed.isprintable() and typed and focus is not self.field and not _commanded(event):
            self.field.setFocus()
            self.field.end(False)
            self.field.insert(typed)
        elif key == Qt.Key.Key_Backspace and self.field.text() and focus is not self.field:
            self.field.setFocus()
            self.field.backspace()
        else:
            super().keyPressEvent(event)

    def _go(self, tile: Tile | None) -> None:
        if tile is not None:
            tile.setFocus(Qt.FocusReason.OtherFocusReason)
            self.area.ensureWidgetVisible(tile, 0, MARGIN)

    def _next(self, tile: Tile, right: int, down: int) -> Tile | None:
        """Give the nearest tile in a direction, rather one that stands straight there."""
        here = QRectF(tile.rect()).translated(tile.mapTo(self, tile.rect().topLeft()).toPointF())
        found: list[tuple[float, int]] = []
        tiles = self.tiles()
        for n, other in enumerate(tiles):
            there = QRectF(other.rect()).translated(other.mapTo(self, other.rect().topLeft()).toPointF())
            sides = [there.left() - here.right(), here.left() - there.right()]
            ends = [there.top() - here.bottom(), here.top() - there.bottom()]
            away = sides[right < 0] if right else ends[down < 0]
            beside = max(0.0, *(ends if right else sides))
            skew = abs(there.center().y() - here.center().y() if right else there.left() - here.left())
            if other is not tile and away > -1:
                found.append((away + 3 * beside + skew / 50, n))
        return tiles[min(found)[1]] if found else None


STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class _Area(QScrollArea):
    """Scrolls the page where it is too high; the arrows are the page's."""

    def __init__(self, page: StartPage):
        super().__init__(page)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()


def _has(words: list[str], text: str) -> bool:
    return all(word in text.lower() for word in words)


def _commanded(event: QKeyEvent) -> bool:
    held = Qt.KeyboardModifier
    return bool(event.modifiers() & (held.ControlModifier | held.AltModifier | held.MetaModifier))


def _paint_brand(painter: QPainter, colors: Theme, rect: QRectF) -> None:
    draw_logo(painter, colors, QRectF(0, 0, 48, 48))
    draw_text(painter, 64, 22, "Network Designer", colors.text1, 20, 600)
    draw_text(painter, 64, 43, "PyTorch networks, ties included", colors.text2, 12)


def _paint_drop(painter: QPainter, colors: Theme, rect: QRectF) -> None:
    pen = QPen(colors.control, 1.25)
    pen.setDashPattern([4, 3])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 10, 10)
    middle = rect.height() / 2
    draw_icon(painter, "download", QRectF(16, middle - 8, 16, 16), colors.text2)
    draw_text(painter, 44, middle - 4, "Drop a file anywhere to open it", colors.text1, 12, 500)
    draw_text(painter, 44, middle + 14, ".network  .pt2  .pt  .safetensors", colors.text2, 11)
