"""The network from afar, drawn in one batch: thousands of items that paint themselves take too long."""

import itertools
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.paint import FAR, category_color
from designer.gui.canvas.wire import FAINT, WireItem, wire_pen
from designer.gui.drawing import draw_text, text_width
from designer.gui.theme import Theme, faded
from designer.model import Port

DUST = 0.04  # blocks are about a pixel high


class Map:
    """Blocks and lines by colour, kept until something changes; what only moves is changed in place."""

    def __init__(self, nodes: Mapping[str, NodeItem], wires: Mapping[Port, WireItem]):
        self.nodes, self.wires = nodes, wires
        self.stale = True
        self.selected: list[NodeItem] = []
        self.chosen: list[WireItem] = []  # wires that are selected, or ties of what is
        self.drawn = 0  # how many states there were: what was drawn from an earlier one is out of date
        self._moved: set[NodeItem] = set()
        self._blocks: dict[str, list[QRectF]] = {}
        self._lines: list[QLineF] = []
        self._ties: dict[WireItem, None] = {}
        self._block_at: dict[NodeItem, tuple[list[QRectF], int]] = {}
        self._line_at: dict[WireItem, slice] = {}
        self._groups: list[NodeItem] = []
        self._troubled: list[NodeItem] = []

    def moved(self, node: NodeItem) -> None:
        if not self.stale:
            self._moved.add(node)

    def update(self) -> None:
        """Take in what changed."""
        self.drawn += self.stale or bool(self._moved)
        if self.stale:
            self._build()
        for node in self._moved:
            self._move(node)
        self._moved.clear()

    def paint(self, painter: QPainter, theme: Theme, zoom: float, ties: bool) -> None:
        """Draw blocks and wires, in the coordinates of the scene."""
        self.update()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        strong = min(1.0, max(0.25, zoom / FAR))  # from afar thousands of lines would hide the blocks
        painter.setPen(QPen(faded(theme.data, strong), 0))  # wider ones take ten times as long
        painter.drawLines(self._lines)
        if ties and self._ties:
            painter.setPen(wire_pen(theme.learn, 1.5 / zoom, dashed=True))
            if zoom >= FAR:
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
            painter.drawRects(blocks)

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
            for node in self._groups:
                top = shown.map(QPointF(node.frame.center().x(), node.frame.top()))
                draw_text(painter, top.x(), top.y() - 4, node.look.name, theme.text1, 11, 600, align="center")
        painter.restore()

    def _build(self) -> None:
        self._blocks, self._lines, self._ties = {}, [], {}
        self._block_at, self._line_at = {}, {}
        self._groups, self._troubled = [], []
        for node in self.nodes.values():
            look = node.look
            blocks = self._blocks.setdefault("capsule" if look.kind == "capsule" else look.category, [])
            self._block_at[node] = blocks, len(blocks)
            blocks.append(node.frame)
            if look.kind == "group":
                self._groups.append(node)
            if look.trouble:
                self._troubled.append(node)
        for wire in self.wires.values():
            if wire.hidden:
                continue
            if wire.learnable:
                self._ties[wire] = None
            else:
                begin = len(self._lines)
                self._lines += _lines(wire)
                self._line_at[wire] = slice(begin, len(self._lines))
        self._moved.clear()
        self.stale = False

    def _move(self, node: NodeItem) -> None:
        blocks, index = self._block_at[node]
        blocks[index] = node.frame
        for port in node.ports():
            for wire in port.connected_pipes:
                self.led(wire)

    def led(self, wire: WireItem) -> None:
        """A wire goes another way."""
        if self.stale or wire.hidden or wire in self._ties:
            return
        at, lines = self._line_at.get(wire), _lines(wire)
        if at is None or at.stop - at.start != len(lines):
            self.stale = True
        else:
            self._lines[at] = lines


def _lines(wire: WireItem) -> list[QLineF]:
    """The way of data in straight lines, made once for each way."""
    if wire.lines is None:
        points = [wire.ends[0], *wire.corners, wire.ends[1]]
        wire.lines = [QLineF(*ends) for ends in itertools.pairwise(points)]
    return wire.lines


class Views(Mapping[str, NodeItem]):
    """The items of the nodes, as the nodes come and go."""

    def __init__(self, nodes: Mapping[str, Any]):
        self._nodes = nodes

    def __getitem__(self, path: str) -> NodeItem:
        return self._nodes[path].view

    def __iter__(self):
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def values(self):
        return [node.view for node in self._nodes.values()]
