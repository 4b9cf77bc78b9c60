"""The learnables of one layer in the properties: how much it owns, and a row for each, many of them in groups."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from designer.gui import drawing
from designer.gui.document import Document
from designer.gui.drawing import draw_text
from designer.gui.learnable_row import GroupRow, LearnableRow
from designer.gui.name_groups import FLAT, name_groups
from designer.gui.theme import Theme
from designer.gui.widgets import Label, Picture, Search, row


class Learnables(QWidget):
    """The bar of what is owned, and a row for each learnable; those of a closed group are built when it opens."""

    def __init__(self, document: Document, path: str, opened: set[str]):
        super().__init__()
        self.document, self.path = document, path
        self.opened = opened  # learnables, and groups as "/l0"
        names = document.network.layer(path).learnables()
        groups = name_groups(names)
        self.members: dict[str, list[str]] = {}
        for name in names:
            self.members.setdefault(groups.get(name, ""), []).append(name)
        self.bar = Picture(self._paint_bar, height=36)
        self.rows: dict[str, LearnableRow] = {}
        self.groups: dict[str, GroupRow] = {}
        self.places: dict[str, QVBoxLayout] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 8)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        self.words = ""
        if len(names) > FLAT:
            self.filter = Search("Filter learnables")
            self.filter.textChanged.connect(self._find)
            layout.addWidget(row(self.filter, margins=(12, 8, 12, 0)))
        layout.addWidget(Picture(_paint_heads, height=44))
        self.nothing = Label("No learnable is called that.", "t2")
        self.nothing.hide()
        layout.addWidget(row(self.nothing, margins=(28, 0, 12, 0)))
        for group, held in self.members.items():
            if group:
                self.groups[group] = GroupRow(self, group, held)
                layout.addWidget(self.groups[group])
            place = self.places[group] = QVBoxLayout()
            layout.addLayout(place)
        self._arrange()

    def shown_groups(self) -> set[str]:
        """The groups that are open."""
        return {group for group in self.members if not group or self.words or f"/{group}" in self.opened}

    def toggle(self, group: str) -> None:
        """Open a group, or close it."""
        self.opened ^= {f"/{group}"}
        self._arrange()

    def _find(self, words: str) -> None:
        self.words = words.lower().strip()
        self._arrange()

    def _arrange(self) -> None:
        """Show the rows of open groups that the filter lets through."""
        opened, found = self.shown_groups(), 0
        for group, names in self.members.items():
            wanted = [name for name in names if self.words in name.lower()]
            found += len(wanted)
            if group:
                self.groups[group].setVisible(bool(wanted))
                self.groups[group].refresh()
            for name in names:
                visible = name in wanted and group in opened
                if visible and name not in self.rows:
                    self.rows[name] = made = LearnableRow(self, name, group)
                    place = sum(other in self.rows for other in names[: names.index(name)])
                    self.places[group].insertWidget(place, made)
                if name in self.rows:
                    self.rows[name].setVisible(visible)
        self.nothing.setVisible(not found)

    def refresh(self) -> None:
        """Show what is so now."""
        self.bar.update()
        for each in (*self.groups.values(), *self.rows.values()):
            each.refresh()

    def _counts(self) -> tuple[int, int] | None:
        analysis = self.document.analysis
        known = analysis is not None and self.path in analysis.network.all
        row = analysis.row(self.path) if known else None
        return (row.stored, row.used) if row and row.known else None

    def _paint_bar(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        counts = self._counts()
        if counts is None:
            draw_text(painter, 12, 14, "Counted when the shapes are known", colors.text3, 12)
            return
        stored, used = counts
        used = max(used, stored)
        text = f"owns {stored:,} of {used:,}" if stored != used else f"owns {stored:,}"
        left = draw_text(painter, 12, 14, text, colors.text1, 12, 500)
        borrowed = f"{used - stored:,} borrowed" if used > stored else ""
        if drawing.text_width(borrowed, 11) < rect.width() - left - 40:
            draw_text(painter, rect.width() - 12, 14, borrowed, colors.text2, 11, align="right")
        if used:
            _paint_shares(painter, colors, QRectF(12, 22, rect.width() - 24, 6), stored / used)


def _paint_shares(painter: QPainter, colors: Theme, bar: QRectF, own: float) -> None:
    """Draw the part that is owned solid, the part that is taken hatched, with a gap between."""
    whole = QPainterPath()
    whole.addRoundedRect(bar, 3, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    if own < 1:
        painter.setBrush(colors.learn)
        painter.drawPath(whole)
        painter.setClipPath(whole)
        painter.setPen(QPen(colors.panel, 1.5))
        for n in range(-1, int(bar.width() / 6) + 1):
            x = bar.x() + 6 * n
            painter.drawLine(QPointF(x, bar.bottom() + 2), QPointF(x + 8, bar.top() - 2))
        painter.setPen(Qt.PenStyle.NoPen)
    width = max(5.0, bar.width() * own) if own else 0.0
    if width:
        painter.setBrush(colors.panel)
        if own < 1:
            painter.drawRect(QRectF(bar.x(), bar.y(), width + 2, bar.height()))
        painter.setBrush(colors.accent)
        painter.drawRoundedRect(QRectF(bar.x(), bar.y(), width, bar.height()), 2.5, 2.5)
    painter.setClipping(False)


def _paint_heads(painter: QPainter, colors: Theme, rect: QRectF) -> None:
    for x, word in ((rect.width() - 97, "Input"), (rect.width() - 39, "Output")):
        draw_text(painter, x, 20, word, colors.text3, 10, 500, align="center")
        draw_text(painter, x, 34, "Learnables", colors.text3, 10, 500, align="center")
