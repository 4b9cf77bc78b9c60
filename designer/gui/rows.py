"""The rows of the analyzer: which are shown, in which order, and how their cells are drawn."""

from collections.abc import Iterable
from typing import Any, cast

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from designer.analysis import Analysis, Row
from designer.gui import theme
from designer.gui.document import Document
from designer.gui.drawing import category_of, draw_icon, draw_text, draw_tile
from designer.gui.table import COLUMNS, NUMBERS, Cell, borrowers, cells, layer_of, matches
from designer.gui.theme import Theme
from designer.gui.tips import tip
from designer.model import Group, Network
from designer.model.names import join, parent

INDENT = 16  # of a layer inside a group
Index = QModelIndex | QPersistentModelIndex


class Rows(QAbstractTableModel):
    """The rows that the table shows: those that pass the filter, groups folded or not, in the chosen order."""

    def __init__(self, document: Document):
        super().__init__(document)
        self.document = document
        self.analysis: Analysis | None = None  # that the rows are of
        self.network: Network = document.network  # what the rows are of
        self.known: tuple[Row, ...] = ()
        self.shown: list[Row] = []
        self.cells: dict[str, tuple[Cell, ...]] = {}
        self.borrowed: dict[str, list[str]] = {}
        self.places: dict[str, int] = {}
        self.problems: dict[str, str] = {}  # layer -> severity
        self.opened: set[str] = set()
        self.words = ""
        self.sorting: tuple[int, Qt.SortOrder] | None = None
        self.faint = False
        self.most = ("0", "0")  # what is stored and used in all, the widest numbers

    def take(self) -> None:
        """Show the analysis of the document, or, before there is one, names and types."""
        if self._exchanged():
            return
        analysis, self.network = self.document.analysis, self.document.network
        self.analysis = analysis
        self.beginResetModel()
        self.cells, self.borrowed, self.problems = {}, {}, {}
        if analysis is None:
            self.known = self._named()
        else:
            self.network, self.known = analysis.network, tuple(analysis.rows)
            self.borrowed = borrowers(analysis)
            self.most = (f"{analysis.stored:,}", f"{analysis.used:,}")
            for problem in reversed(analysis.problems):
                for path in problem.layers[:1]:
                    if self.problems.get(path) != "error":
                        self.problems[path] = problem.severity
        self._order()
        self.endResetModel()

    def _exchanged(self) -> bool:
        """Put new rows in the place of old ones where all else stays: only they are drawn again."""
        before, analysis = self.analysis, self.document.analysis
        if before is None or analysis is None or self.words or self.sorting:
            return False
        plain = not (before.problems or analysis.problems or self.borrowed or borrowers(analysis))
        if not plain or [row.name for row in analysis.rows] != [row.name for row in self.known]:
            return False
        self.analysis, self.network = analysis, analysis.network
        self.most = (f"{analysis.stored:,}", f"{analysis.used:,}")
        for old, row in zip(self.known, analysis.rows):
            if old is not row and row.name in self.places:
                at = self.places[row.name]
                self.shown[at] = row
                self.cells.pop(row.name, None)
                self.dataChanged.emit(self.index(at, 0), self.index(at, len(COLUMNS) - 1), [])
        self.known = tuple(analysis.rows)
        return True

    def _named(self) -> tuple[Row, ...]:
        """Rows of names and types: of all layers where they are filtered, else of those in groups that are unfolded."""
        none: dict[str, Any] = {}
        found = self.network.all
        if not self.words:
            homes = ["", *(path for path in self.opened if isinstance(found.get(path), Group))]
            paths = [join(home, name) for home in homes for name in self.network.network_at(home).layers]
            found = {path: found[path] for path in paths}
        return tuple(Row(at, type(la).__name__, (), none, none, 0, 0, states=none) for at, la in found.items())

    def arrange(self) -> None:
        """Show the same rows by another filter, order or fold."""
        self.beginResetModel()
        if self.analysis is None:
            self.known = self._named()
        self._order()
        self.endResetModel()

    def _order(self) -> None:
        if self.words:
            lending = {layer_of(self.network, key) for key in self.borrowed}
            self.shown = [row for row in self.known if matches(row, self.words, lending)]
            self._sort(self.shown)
        else:
            held: dict[str, list[Row]] = {}
            for row in self.known:
                held.setdefault(parent(row.name), []).append(row)
            for rows in held.values():
                self._sort(rows)
            self.shown = list(self._tree("", held))
        self.places = {row.name: n for n, row in enumerate(self.shown)}

    def _tree(self, path: str, held: dict[str, list[Row]]) -> Iterable[Row]:
        for row in held.get(path, ()):
            yield row
            if row.name in self.opened:
                yield from self._tree(row.name, held)

    def _sort(self, rows: list[Row]) -> None:
        if self.sorting:
            column, order = self.sorting
            rows.sort(key=lambda row: self.row_cells(row)[column].order, reverse=order == Qt.SortOrder.DescendingOrder)

    def row_cells(self, row: Row) -> tuple[Cell, ...]:
        if row.name not in self.cells:
            made = cells(self.network, row, self.borrowed)
            if self.document.analysis is None:
                made = made[:2] + tuple(Cell((), "") for _ in made[2:])
            self.cells[row.name] = made
        return self.cells[row.name]

    def folds(self, row: Row) -> bool:
        return not self.words and isinstance(self.network.all.get(row.name), Group)

    def rowCount(self, index: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if index.isValid() else len(self.shown)

    def columnCount(self, index: Index = QModelIndex()) -> int:  # noqa: B008
        return len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        cell = self.row_cells(self.shown[index.row()])[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return "".join(part.text for part in cell.parts)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(self.shown[index.row()], COLUMNS[index.column()], cell)
        return None

    def _tip(self, row: Row, column: str, cell: Cell) -> str | None:
        if column in ("Stored", "Used") and row.tied_to:
            return f"owns {row.stored:,} of {row.used:,}"
        return tip(cell.plain) if column in ("Learnables", "Tied to", "Activations", "Name") else None

    def headerData(
        self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | Qt.AlignmentFlag | None:
        if side == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = COLUMNS[section] in NUMBERS
            return Qt.AlignmentFlag.AlignVCenter | (
                Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            )
        return None


class Cells(QStyledItemDelegate):
    """Draws the cells: tiles, links, shapes in quieter colours."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model, table = cast(Rows, index.model()), option.widget
        row, column = model.shown[index.row()], COLUMNS[index.column()]
        cell, colors = model.row_cells(row)[index.column()], theme.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(option.rect)
        chosen = table.selectionModel().isRowSelected(index.row(), QModelIndex())
        if chosen:
            painter.fillRect(option.rect, colors.selection)
        elif table.hovered == index.row():
            painter.fillRect(option.rect, colors.hover)
        painter.fillRect(QRectF(area.x(), area.bottom() - 1, area.width(), 1), colors.border)
        if chosen and index.column() == 0:
            painter.fillRect(QRectF(area.x(), area.y(), 3, area.height() - 1), colors.accent)
        self._content(painter, colors, area, model, row, column, cell)
        painter.restore()

    def _content(
        self, painter: QPainter, colors: Theme, area: QRectF, model: Rows, row: Row, column: str, cell: Cell
    ) -> None:
        x, y, right = area.x() + 12, area.y() + 18, area.right() - 12
        if column == "Name":
            x += self._name_marks(painter, colors, area, model, row)
            if severity := model.problems.get(row.name):
                mark = "octagon-alert" if severity == "error" else "triangle-alert"
                draw_icon(painter, mark, QRectF(right - 12, area.y() + 7, 14, 14), getattr(colors, severity), 2.25)
                right -= 18
        if cell.icon:
            draw_icon(painter, cell.icon, QRectF(x, area.y() + 8, 12, 12), colors.learn, 2.25)
            x += 18
        parts = cell.parts
        if column == "Name" and not model.words:
            parts = tuple(part._replace(text=row.name.rpartition(".")[2]) for part in parts)
        if model.faint and column not in ("Name", "Type"):
            parts = tuple(part._replace(color="text3") for part in parts)
        if column in NUMBERS:
            for part in parts:
                color = getattr(colors, part.color)
                draw_text(painter, right, y, part.text, color, 12, align="right", width=right - x)
            return
        elide = Qt.TextElideMode.ElideMiddle if column == "Name" else Qt.TextElideMode.ElideRight
        for part in parts:
            if right - x > 10:
                color = getattr(colors, part.color)
                x += draw_text(painter, x, y, part.text, color, 12, part.weight, width=right - x, elide=elide)

    def _name_marks(self, painter: QPainter, colors: Theme, area: QRectF, model: Rows, row: Row) -> float:
        """Draw the arrow of a group and the tile; return the room they take."""
        x = area.x() + 12 + (0 if model.words else INDENT * row.name.count("."))
        if model.folds(row):
            arrow = "chevron-down" if row.name in model.opened else "chevron-right"
            draw_icon(painter, arrow, QRectF(x - 10, area.y() + 9, 10, 10), colors.text3, 2.5)
        layer = model.network.all.get(row.name)
        tile = QRectF(x, area.y() + 5, 18, 18)
        if layer is not None:
            draw_tile(painter, colors, category_of(layer), tile, layer_type=row.type, faint=row.trains is False)
        return x + 26 - area.x() - 12
