"""The network from afar, drawn in one batch: thousands of items that paint themselves take too long."""

import functools
import itertools

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.paint import FAR, category_color
from designer.gui.canvas.wire import FAINT, WireItem, wire_pen
from designer.gui.drawing import draw_text, text_width
from designer.gui.theme import Theme, faded

DUST = 0.04  # blocks are about a pixel high
LED = 100  # ties, above which they are drawn straight from afar


class Map:
    """Blocks and lines by colour; what came or changed is taken in when the map is drawn the next time."""

    def __init__(self, drawn: int = 0) -> None:
        self.selected: list[NodeItem] = []
        self.chosen: list[WireItem] = []  # wires that are selected, or ties of what is
        self.drawn = drawn  # how many states there were: what was drawn from an earlier one is out of date
        self._late_nodes: dict[NodeItem, None] = {}  # in order, so that what is drawn is the same each time
        self._late_wires: dict[WireItem, None] = {}
        self._fewer = False  # something was taken out since it was drawn
        self._colors: dict[NodeItem, str] = {}
        self._blocks: dict[str, dict[NodeItem, QRectF]] = {}  # by colour
        self._lines: dict[WireItem, list[QLineF]] = {}
        self._ties: dict[WireItem, None] = {}
        self.ties_area = QRectF()  # the rectangle that holds them all
        self._all_lines: list[QLineF] = []
        self._lines_area: QRectF | None = None
        self._groups: dict[NodeItem, None] = {}
        self._troubled: dict[NodeItem, None] = {}

    def changed(self, node: NodeItem) -> None:
        """A node came, moved or looks otherwise."""
        self._late_nodes[node] = None

    def led(self, wire: WireItem) -> None:
        """A wire came or goes another way, or carries something else."""
        self._late_wires[wire] = None

    def drop(self, node: NodeItem) -> None:
        self._late_nodes.pop(node, None)
        self._groups.pop(node, None)
        self._troubled.pop(node, None)
        if (color := self._colors.pop(node, None)) is not None:
            del self._blocks[color][node]
            self._fewer = True

    def drop_wire(self, wire: WireItem) -> None:
        self._late_wires.pop(wire, None)
        if wire in self._lines or wire in self._ties:
            self._lines.pop(wire, None)
            self._ties.pop(wire, None)
            self._fewer = True

    @property
    def count(self) -> int:
        """How many blocks and lines there are to draw."""
        return len(self._colors) + len(self._all_lines)

    @property
    def lines_area(self) -> QRectF:
        """The rectangle that holds all lines of data."""
        if self._lines_area is None:
            self._lines_area = _around(self._all_lines)
        return self._lines_area

    def update(self) -> None:
        """Take in what changed."""
        if not (self._late_nodes or self._late_wires or self._fewer):
            return
        self.drawn += 1
        for node in self._late_nodes:
            self._take(node)
        for wire in self._late_wires:
            self._lines.pop(wire, None)
            self._ties.pop(wire, None)
            if wire.learnable and not wire.hidden:
                self._ties[wire] = None
            elif not wire.hidden:
                self._lines[wire] = _lines(wire)
        if self._late_wires or self._fewer:
            self.ties_area = functools.reduce(
                QRectF.united, (wire.path().boundingRect() for wire in self._ties), QRectF()
            )
            self._all_lines = list(itertools.chain.from_iterable(self._lines.values()))
            self._lines_area = None
        self._late_nodes.clear()
        self._late_wires.clear()
        self._fewer = False

    def _take(self, node: NodeItem) -> None:
        look = node.look
        color = "capsule" if look.kind == "capsule" else look.category
        known = self._colors.get(node)
        if known != color:
            if known is not None:
                del self._blocks[known][node]
            self._colors[node] = color
        self._blocks.setdefault(color, {})[node] = node.frame
        for held, there in ((self._groups, look.kind == "group"), (self._troubled, look.trouble)):
            if there:
                held[node] = None
            elif held:
                held.pop(node, None)

    def paint(self, painter: QPainter, theme: Theme, zoom: float, ties: bool) -> None:
        """Draw blocks and wires, in the coordinates of the scene."""
        self.update()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        strong = min(1.0, max(0.25, zoom / FAR))  # from afar thousands of lines would hide the blocks
        painter.setPen(QPen(faded(theme.data, strong), 0))  # wider ones take ten times as long
        painter.drawLines(self._all_lines)
        if ties and self._ties:
            painter.setPen(wire_pen(theme.learn, 1.5 / zoom, dashed=True))
            if zoom >= FAR or len(self._ties) <= LED:
                for wire in self._ties:
                    painter.drawPath(wire.path())
            else:
                painter.drawLines([QLineF(*wire.ends) for wire in self._ties])
        painter.setPen(Qt.PenStyle.NoPen)
        for category, blocks in self._blocks.items():
            color = theme.learn if category == "capsule" else category_color(theme, category)
            painter.setBrush(color)
            if zoom < DUST:  # a line of a pixel around each, so that they stay seen
                painter.setPen(QPen(color, 0))
            painter.drawRects(list(blocks.values()))

    def paint_marks(self, painter: QPainter, theme: Theme, zoom: float, seen: set[NodeItem]) -> None:
        """Draw what is selected, what is wrong, and the names of what is seen where they fit."""
        for wire in self.chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            color = theme.learn if wire.learnable else theme.accent
            color, width = (faded(color, FAINT), 1.5) if wire.hidden else (color, 2.5)
            painter.setPen(wire_pen(color, width / zoom, wire.learnable))
            painter.drawPath(wire.path())
        if self.selected:
            painter.setPen(QPen(theme.accent, 3 / zoom if zoom >= FAR else 2 / zoom))
            painter.setBrush(Qt.BrushStyle.NoBrush if zoom >= FAR else faded(theme.accent, 0.5))
            painter.drawRects([node.frame for node in self.selected])
        for stub in [stub for node in seen for stub in node.stubs]:
            stub.paint_far(painter, theme, zoom)
        size = 6 if zoom >= FAR else 3
        for node in self._troubled:
            painter.setPen(QPen(theme.canvas, 2 / zoom) if zoom >= FAR else Qt.PenStyle.NoPen)
            painter.setBrush(getattr(theme, node.look.trouble))
            painter.drawEllipse(node.frame.topRight(), size / zoom, size / zoom)
        painter.save()
        shown = painter.worldTransform()
        painter.resetTransform()
        if zoom >= FAR:
            for node in seen:
                frame = node.frame
                if frame.height() * zoom >= 14 and text_width(node.look.name, 11, 600) <= frame.width() * zoom - 8:
                    ink = theme.text1 if node.look.category == "Group" else theme.tile_ink
                    middle = shown.map(frame.center()) + QPointF(0, 4)
                    draw_text(painter, middle.x(), middle.y(), node.look.name, ink, 11, 600, align="center")
        else:
            taken: set[tuple[int, int]] = set()  # small squares of the screen: names over each other say nothing
            for node in self._groups:
                top = shown.map(QPointF(node.frame.center().x(), node.frame.top()))
                half = text_width(node.look.name, 11, 600) / 2
                across = range(int(top.x() - half) // 8, int(top.x() + half) // 8 + 1)
                place = {(x, y) for x in across for y in (int(top.y() - 14) // 14, int(top.y()) // 14)}
                if taken.isdisjoint(place):
                    taken |= place
                    draw_text(painter, top.x(), top.y() - 4, node.look.name, theme.text1, 11, 600, align="center")
        painter.restore()


def _around(lines: list[QLineF]) -> QRectF:
    if not lines:
        return QRectF()
    lefts, tops, rights, bottoms = zip(*(line.toTuple() for line in lines))
    left, right = min(*lefts, *rights), max(*lefts, *rights)
    top, bottom = min(*tops, *bottoms), max(*tops, *bottoms)
    return QRectF(left, top, right - left, bottom - top)


def _lines(wire: WireItem) -> list[QLineF]:
    """The way of data in straight lines, made once for each way."""
    if wire.lines is None:
        points = [wire.ends[0], *wire.corners, wire.ends[1]]
        wire.lines = [QLineF(*ends) for ends in itertools.pairwise(points)]
    return wire.lines
