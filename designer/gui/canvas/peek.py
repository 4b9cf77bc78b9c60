"""A look into a group without entering it: what is inside, in small, beside the node that the pointer rests on."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from designer.edits.arrange import arrange
from designer.gui import theme as themes
from designer.gui.canvas.paint import RADIUS, draw_shadow
from designer.gui.drawing import draw_text
from designer.gui.thumbnail import Thumbnail, draw_thumbnail, thumbnail
from designer.model import Group, Input, Network, Output

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.canvas.node import NodeItem

DELAY = 500  # ms that the pointer rests
WIDTH, PICTURE, LINE, FOOT = 288, 136, 68, 32
SHADOW, GAP, EDGE = 12, 16, 8  # around it; from the node; from the edges of the view
MOST = 600  # layers of one level that are drawn, some 15 ms


class Peek(QWidget):
    """The picture. It takes no events, so that the pointer stays over the node below it."""

    def __init__(self, canvas: "Canvas"):
        super().__init__(canvas.frame)
        self.canvas = canvas
        self.node: NodeItem | None = None  # that the pointer is over
        self.shown: Group | None = None
        self.says, self.tail = "", ""
        self.picture = QPixmap()
        self.timer = QTimer(self, singleShot=True, interval=DELAY)
        self.timer.timeout.connect(self.look)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedWidth(WIDTH + 2 * SHADOW)
        self.hide()
        canvas.view.moved.connect(lambda: self.over(None))

    def over(self, node: "NodeItem | None") -> None:
        """Begin to wait over the body of a group; None, or any other node: go away."""
        node = node if node is not None and node.look.kind == "group" else None
        if node is self.node:
            return
        self.node = node
        self.hide()
        if node is not None:
            self.timer.start()
        else:
            self.timer.stop()

    def look(self) -> None:
        """Draw what is inside, arranged beside the window where it has no places yet."""
        node, document = self.node, self.canvas.document
        group = document.network.find(node.look.path) if node is not None and node.scene() is not None else None
        if not isinstance(group, Group):
            return
        inner = group.network

        def drawn(found: Thumbnail | None) -> None:
            if node is not None and self.node is node and document.network.find(node.look.path) is group:
                self._show(node, group, found)

        if len(inner.layers) > MOST:
            drawn(None)
        else:
            document.beside(lambda: thumbnail(_placed(inner)), drawn, document.failed)

    def _show(self, node: "NodeItem", group: Group, found: Thumbnail | None) -> None:
        self.shown = group
        self.says, self.tail = contents(group.network), node.look.owns
        high = _height(found)
        self.setFixedHeight(high + FOOT + 2 * SHADOW)
        ratio = self.devicePixelRatioF()
        self.picture = QPixmap(round(WIDTH * ratio), round(high * ratio)) if high else QPixmap()
        if found is not None and high:
            self.picture.setDevicePixelRatio(ratio)
            self.picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self.picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw_thumbnail(painter, themes.current(), QRectF(12, 10, WIDTH - 24, high - 16), found)
            painter.end()
        self.move(self._place(node).topLeft())
        self.show()
        self.raise_()

    def _place(self, node: "NodeItem") -> QRect:
        """Below the node, else above it, right or left of it: where it lies in the view and not over the node."""
        frame = self.canvas.view.viewportTransform().mapRect(node.frame).toRect()
        size, room = self.size(), self.canvas.frame.rect().adjusted(EDGE, EDGE, -EDGE, -EDGE)
        room = room.adjusted(-SHADOW, -SHADOW, SHADOW, SHADOW)
        gap = GAP - SHADOW
        middle = frame.center().x() - size.width() // 2, frame.center().y() - size.height() // 2
        corners = (
            (middle[0], frame.bottom() + gap),
            (middle[0], frame.top() - gap - size.height()),
            (frame.right() + gap, middle[1]),
            (frame.left() - gap - size.width(), middle[1]),
        )
        rects = [QRect(x, y, size.width(), size.height()) for x, y in corners]
        for n, rect in enumerate(rects):  # along the edge of the node it may be moved
            if n < 2:
                rect.moveLeft(max(room.left(), min(rect.left(), room.right() - rect.width())))
            else:
                rect.moveTop(max(room.top(), min(rect.top(), room.bottom() - rect.height())))
        inside = [rect for rect in rects if room.contains(rect)]
        return inside[0] if inside else QRect(room.topLeft(), size)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = themes.current()
        body = QRectF(self.rect()).adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW)
        draw_shadow(painter, colors, body)
        painter.setPen(QPen(colors.edge, 1))
        painter.setBrush(colors.panel)
        painter.drawRoundedRect(body.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        if not self.picture.isNull():
            painter.drawPixmap(body.topLeft().toPoint(), self.picture)
        y = body.bottom() - 12
        used = draw_text(painter, body.x() + 12, y, self.says, colors.text1, 11, 500, width=body.width() - 24)
        room = body.width() - used - 36
        if room > 60:
            draw_text(painter, body.right() - 12, y, self.tail, colors.text2, 11, align="right", width=room)
        painter.end()


def _height(found: Thumbnail | None) -> int:
    """How high the picture is: lower where all stands on one line."""
    if found is None or not found.blocks:
        return 0
    tops = [block.y for block in found.blocks.values()]
    return LINE if max(tops) - min(tops) < 60 and not found.ties else PICTURE


def contents(network: Network) -> str:
    """How many layers there are in a group, and in the groups in it."""
    layers = [layer for layer in network.all.values() if not isinstance(layer, Input | Output)]
    groups = sum(isinstance(layer, Group) for layer in layers)
    count = len(layers) - groups
    text = f"{count:,} layer{'s' * (count != 1)}"
    return f"{text} in {groups:,} group{'s' * (groups != 1)}" if groups else text


def _placed(network: Network) -> Network:
    if network.layers.keys() <= network.positions.keys():
        return network
    return arrange(network, path="", rows=True)
