"""The analyzer: the live table of layers, its totals, and what it says while there are no numbers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from designer.analysis.sizes import memory
from designer.gui import theme
from designer.gui.document import Document
from designer.gui.drawing import draw_icon, draw_text
from designer.gui.table import COLUMNS, NUMBERS, Part, total_cost
from designer.gui.table_view import Table
from designer.gui.theme import Theme
from designer.gui.widgets import Icon, Label, Link, Picture, row

if TYPE_CHECKING:
    from designer.gui.background import Analyzer


class AnalyzerPanel(QWidget):
    """The table, its totals, and what it says while there is nothing to count yet.

    Signals:
        faded: the numbers became old ones, or are those of the network again.
    """

    faded = Signal(bool)

    def __init__(self, document: Document):
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.document = document
        self.table = Table(document)
        self.busy_line = Picture(self._paint_busy, height=2)
        self.totals = Picture(self._paint_totals, height=32)
        self.beat = 0
        self.counted = self.cost = ""  # layers and multiply-adds in all
        self.analyzing: Analyzer | None = None
        self.said = Label("")
        self.again = Link("Analyze again", self._again)
        self.note = row(
            Icon("triangle-alert", "warning", 14), 8, self.said, 12, self.again, None, margins=(12, 4, 12, 4)
        )
        self.note.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.note)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.totals)
        self.busy_line.setParent(self)
        self.busy_line.hide()
        self.late = QTimer(self, singleShot=True, interval=150)  # quick answers never grey the numbers
        self.late.timeout.connect(self._wait)
        self.pulse = QTimer(self, interval=40)
        self.pulse.timeout.connect(self._move)
        self.table.horizontalHeader().sectionResized.connect(self.totals.update)
        self.table.horizontalScrollBar().valueChanged.connect(self.totals.update)
        document.changed.connect(self._changed)
        document.viewed.connect(self.table.follow_selection)
        document.analyzed.connect(self._analyzed)
        self._changed()

    def find(self, words: str) -> None:
        """Show the rows that a filter asks for."""
        self.table.rows.words = words.strip()
        self.table.rearrange()

    def attach(self, analyzing: "Analyzer") -> None:
        """Know who analyzes, to ask again, and whether torch is there."""
        self.analyzing = analyzing
        analyzing.torch.came.connect(self.totals.update)

    def _again(self) -> None:
        self.note.hide()
        self.late.start()
        self.analyzing.ask()

    def _changed(self) -> None:
        self.note.hide()
        if self.document.analysis is None:
            self.table.refresh()
            self._count()
        if self.document.stale and not self.late.isActive():
            self.late.start()

    def _count(self) -> None:
        """Add up what the totals show, once for a network and its analysis: painting is not the time."""
        analysis = self.document.analysis
        layers = self.document.network.count
        self.counted = f"{layers:,} layer{'s' if layers != 1 else ''}"
        self.cost = total_cost(row for row in analysis.rows if row.type != "Group") if analysis else ""
        self.totals.update()

    def _wait(self) -> None:
        """Show that the numbers are from before the last edit."""
        self.table.rows.faint = True
        self.faded.emit(True)
        self.table.viewport().update()
        self.totals.update()
        self.busy_line.show()
        self.pulse.start()

    def _analyzed(self) -> None:
        self.late.stop()
        self.pulse.stop()
        self.busy_line.hide()
        failed = self.document.stale
        if failed != self.table.rows.faint:
            self.table.rows.faint = failed
            self.table.viewport().update()
        self.faded.emit(failed)
        known = self.document.analysis is not None
        self.said.say("Numbers from before the last edit." if known else "The network could not be analyzed.")
        self.note.setVisible(failed)
        self.table.refresh()
        self._count()

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
        least = self.document.analysis is not None and self.document.analysis.partial
        self._total(painter, "Name", (Part("At least" if least else "Total", weight=600),))
        self._total(painter, "Type", (Part(self.counted, "text2"),))
        analysis = self.document.analysis
        if analysis is None:
            if self.document.network.all and not (self.analyzing and self.analyzing.torch.version):
                draw_text(painter, self._left("Activations"), 20, "Shapes come when torch has loaded", colors.text3, 12)
            return
        if analysis.saved and not self.table.isColumnHidden(COLUMNS.index("Tied to")):
            x = self._left("Tied to")
            draw_icon(painter, "link", QRectF(x, 10, 12, 12), colors.learn, 2.25)
            saved = f"saved {analysis.saved:,}"
            draw_text(painter, x + 18, 20, saved, self._tint(colors, "learn_text"), 12, 600)
        for column, text in (
            ("Stored", f"{analysis.stored:,}"),
            ("Used", f"{analysis.used:,}"),
            ("Memory", memory(analysis.bytes)),
            ("Multiply-adds", self.cost),
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
