"""The layer library: every type to drag onto the canvas, by category, searchable."""

from PySide6.QtCore import QEvent, QMimeData, QModelIndex, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDrag, QKeyEvent, QMouseEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from designer.gui import drawing, theme
from designer.gui.drawing import category_of, draw_icon, draw_text, draw_tile
from designer.gui.mime import layer_mime
from designer.gui.searching import Entry, asks_learnables, entries, near, search
from designer.gui.widgets import Label, Link, Search, column, row, sentence
from designer.model import CATEGORIES, layer_types

CLOSED = ("Convolution and pooling", "Normalisation and dropout", "Shape and maths")  # at first: they are long
TEACHING = "Learnables are offered and taken at a layer: select it and press L."


class Library(QWidget):
    """The panel at the left. ``wanted`` asks to add a layer after the selected one."""

    wanted = Signal(str, dict)

    def __init__(self) -> None:
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.entries = entries()
        self.field = Search(f"Search {len(self.entries)} layers", "/")
        self.tree = _Tree()
        self.tree.wanted.connect(lambda entry: self.wanted.emit(entry.type, entry.properties))
        self.nothing = sentence(name="t2")
        self.guess = Link(clicked=self._take_guess)
        none = column(self.nothing, 8, row(self.guess, None), None, margins=(12, 12, 12, 12))
        pages = QWidget()
        self.pages = QStackedLayout(pages)
        self.pages.addWidget(self.tree)
        self.pages.addWidget(none)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(row(Label("Layers", "head"), None, margins=(12, 0, 8, 0), name="dockbar", height=36))
        layout.addWidget(row(self.field, margins=(8, 8, 8, 4)))
        layout.addWidget(pages, 1)
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.setTabOrder(self.field, self.tree)
        self._search("")

    def _search(self, text: str) -> None:
        hits = search(self.entries, text)
        self.tree.fill(hits, flat=bool(text.strip()))
        self.pages.setCurrentIndex(0 if hits else 1)
        if not hits:
            guess = "" if asks_learnables(text) else near(self.entries, text)
            self.nothing.setText(TEACHING if asks_learnables(text) else f"No layer is called {text.strip()}.")
            self.guess.setText(f"Did you mean {guess}?" if guess else "Show all layers")
            self.guess.setProperty("guess", guess)

    def _take_guess(self) -> None:
        self.field.setText(self.guess.property("guess"))
        self.field.setFocus()

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:
        """Lead the arrow keys and Enter from the field to the list."""
        if event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                self.tree.step(1 if key == Qt.Key.Key_Down else -1)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if self.pages.currentIndex():
                    self._take_guess()
                else:
                    self.tree.take_current()
                return True
            if key == Qt.Key.Key_Escape and self.field.text():
                self.field.clear()
                return True
        return super().eventFilter(watched, event)


class _Tree(QTreeWidget):
    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Layers")
        self.setHeaderHidden(True)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setItemDelegate(_Lines(self))
        self.setExpandsOnDoubleClick(False)
        self.closed = set(CLOSED)
        self.itemClicked.connect(self._clicked)
        self.itemDoubleClicked.connect(lambda item: self._take(item))

    def fill(self, found: list[Entry], flat: bool) -> None:
        """Show entries under their categories, or, as the hits of a search, just as they come."""
        self.clear()
        if flat:
            for entry in found:
                self.addTopLevelItem(_item(entry))
            if first := self.topLevelItem(0):
                self.setCurrentItem(first)
            return
        for category in CATEGORIES:
            held = [entry for entry in found if entry.category == category]
            head = QTreeWidgetItem([category])
            head.setData(0, Qt.ItemDataRole.UserRole, len(held))
            head.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            head.addChildren([_item(entry) for entry in held])
            self.addTopLevelItem(head)
            head.setExpanded(category not in self.closed)

    def step(self, by: int) -> None:
        """Go to the next or the previous line."""
        current = self.currentItem() or self.topLevelItem(0)
        other = current and (self.itemBelow(current) if by > 0 else self.itemAbove(current))
        if other:
            self.setCurrentItem(other)

    def take_current(self) -> None:
        if self.currentItem():
            self._take(self.currentItem())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.take_current()
            return
        super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        item = self.itemAt(event.position().toPoint())
        if item and isinstance(item.data(0, Qt.ItemDataRole.UserRole), int):
            self._clicked(item)  # the second click of a quick pair folds again
            return
        super().mouseDoubleClickEvent(event)

    def _clicked(self, item: QTreeWidgetItem) -> None:
        if isinstance(item.data(0, Qt.ItemDataRole.UserRole), int):
            item.setExpanded(not item.isExpanded())
            (self.closed.discard if item.isExpanded() else self.closed.add)(item.text(0))

    def _take(self, item: QTreeWidgetItem) -> None:
        entry = item.data(0, Qt.ItemDataRole.UserRole)
        if isinstance(entry, int):
            self._clicked(item)
        else:
            self.wanted.emit(Entry(*entry))

    def mimeData(self, items: list[QTreeWidgetItem]) -> QMimeData:
        entry = items[0].data(0, Qt.ItemDataRole.UserRole)
        return QMimeData() if isinstance(entry, int) else layer_mime(entry[0], entry[4])

    def startDrag(self, actions: Qt.DropAction) -> None:
        item = self.currentItem()
        if item is None or isinstance(item.data(0, Qt.ItemDataRole.UserRole), int):
            return
        drag = QDrag(self)
        drag.setMimeData(self.mimeData([item]))
        picture = _picture(Entry(*item.data(0, Qt.ItemDataRole.UserRole)), self.devicePixelRatioF())
        drag.setPixmap(picture)
        size = picture.deviceIndependentSize().toSize()
        drag.setHotSpot(QPoint(size.width() // 2, size.height() // 2))
        drag.exec(Qt.DropAction.CopyAction)


def _item(entry: Entry) -> QTreeWidgetItem:
    item = QTreeWidgetItem([entry.title])
    item.setData(0, Qt.ItemDataRole.UserRole, tuple(entry))
    layer_type = layer_types[entry.type]
    item.setToolTip(0, (layer_type.__doc__ or "").partition("\n")[0])
    item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}, {entry.hint}" if entry.hint else entry.title)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled)
    return item


class _Lines(QStyledItemDelegate):
    """Draws categories and layer types, 28 pixels high."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(10, 28)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, area = theme.current(), QRectF(option.rect)
        data, title, y = index.data(Qt.ItemDataRole.UserRole), index.data(), area.y() + 18
        chosen = option.state & QStyle.StateFlag.State_Selected
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.selection if chosen and option.widget.hasFocus() else colors.hover)
            painter.drawRoundedRect(area.adjusted(8, 1, -8, -1), 6, 6)
        if isinstance(data, int):
            arrow = "chevron-down" if option.widget.isExpanded(index) else "chevron-right"
            draw_icon(painter, arrow, QRectF(8, area.y() + 8, 12, 12), colors.text3, 2.5)
            draw_text(painter, 24, y, title, colors.text2, 11, 600, width=area.width() - 60)
            draw_text(painter, area.right() - 12, y, str(data), colors.text3, 11, align="right")
        else:
            entry = Entry(*data)
            tile = QRectF(24, area.y() + 5, 18, 18)
            draw_tile(painter, colors, category_of(layer_types[entry.type]), tile, layer_type=entry.type)
            used = draw_text(painter, 50, y, title, colors.text1, 12, 500 if chosen else 400, width=area.width() - 62)
            room = area.width() - 66 - used
            if room > 24:
                draw_text(painter, 58 + used, y, entry.hint, colors.text3, 11, width=room)
        painter.restore()


def _picture(entry: Entry, ratio: float) -> QPixmap:
    """Draw what hangs at the pointer during a drag."""
    width = round(drawing.text_width(entry.title, 13, 600)) + 56
    picture = QPixmap(round(width * ratio), round(44 * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colors = theme.current()
    painter.setPen(colors.control)
    painter.setBrush(colors.node)
    painter.drawRoundedRect(QRectF(0.5, 0.5, width - 1, 43), 8, 8)
    draw_tile(painter, colors, category_of(layer_types[entry.type]), QRectF(8, 10, 24, 24), layer_type=entry.type)
    draw_text(painter, 40, 27, entry.title, colors.text1, 13, 600)
    painter.end()
    return picture
