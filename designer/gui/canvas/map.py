"""The network from afar, drawn in one batch: thousands of items that paint themselves take too long."""

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.paint import category_color
from designer.gui.canvas.wire import DASHES, WireItem
from designer.gui.drawing import draw_text
from designer.gui.theme import Theme, faded


class Map:
    """Blocks and lines by colour, kept until something changes; what only moves is changed in place."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeItem] = {}
        self.stale = True
        self._moved: set[NodeItem] = set()
        self._blocks: dict[str, list[QRectF]] = {}
        self._lines: dict[str, list[QLineF]] = {}
        self._block_at: dict[NodeItem, tuple[list[QRectF], int]] = {}
        self._line_at: dict[WireItem, tuple[list[QLineF], int]] = {}
        self._groups: list[NodeItem] = []

    def moved(self, node: NodeItem) -> None:
        if not self.stale:
            self._moved.add(node)

    def paint(self, painter: QPainter, theme: Theme, zoom: float, ties: bool, names: bool = True) -> None:
        """Draw in the coordinates of the scene."""
        if self.stale:
            self._build()
        for node in self._moved:
            self._move(node)
        self._moved.clear()
        painter.setPen(QPen(faded(theme.data, 0.7), 0))
        painter.drawLines(self._lines["data"])
        painter.setPen(Qt.PenStyle.NoPen)
        for category, blocks in self._blocks.items():
            painter.setBrush(theme.learn if category == "capsule" else category_color(theme, category))
            painter.drawRects(blocks)
        if ties and self._lines["tie"]:
            pen = QPen(theme.learn, 1.5 / zoom, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
            pen.setDashPattern(DASHES)
            painter.setPen(pen)
            painter.drawLines(self._lines["tie"])
        if chosen := [node.frame for node in self.nodes.values() if node.isSelected()]:
            painter.setPen(QPen(theme.accent, 2 / zoom))
            painter.setBrush(faded(theme.accent, 0.5))
            painter.drawRects(chosen)
        for node in self.nodes.values():
            if node.look.trouble:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(getattr(theme, node.look.trouble))
                painter.drawEllipse(node.frame.topRight(), 4 / zoom, 4 / zoom)
        for node in self._groups if names else ():
            frame = node.frame
            draw_text(
                painter, frame.center().x(), frame.top() - 4 / zoom, node.look.name, theme.text1, 11 / zoom, 600,
                align="center",
            )  # fmt: skip

    def _build(self) -> None:
        self._blocks, self._lines = {}, {"data": [], "tie": []}
        self._block_at, self._line_at, self._groups = {}, {}, []
        for node in self.nodes.values():
            look = node.look
            blocks = self._blocks.setdefault("capsule" if look.kind == "capsule" else look.category, [])
            self._block_at[node] = blocks, len(blocks)
            blocks.append(node.frame)
            if look.kind == "group":
                self._groups.append(node)
            for port in node.ports():
                for wire in port.connected_pipes if port.out else ():
                    lines = self._lines["tie" if wire.learnable else "data"]
                    self._line_at[wire] = lines, len(lines)
                    lines.append(_line(wire))
        self._moved.clear()
        self.stale = False

    def _move(self, node: NodeItem) -> None:
        blocks, index = self._block_at[node]
        blocks[index] = node.frame
        for port in node.ports():
            for wire in port.connected_pipes:
                lines, index = self._line_at[wire]
                lines[index] = _line(wire)


def _line(wire: WireItem) -> QLineF:
    return QLineF(wire.output_port.anchor(), wire.input_port.anchor())
