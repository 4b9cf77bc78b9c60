"""Ties that leave the group that is open: short stubs that hang under a node, and pills that name the other end."""

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem

from designer.gui.canvas.routes import rounded
from designer.gui.drawing import draw_icon, draw_text, metrics, text_width
from designer.gui.theme import faded, mix

if TYPE_CHECKING:
    from designer.gui.canvas.node import NodeItem
    from designer.gui.canvas.port import PortItem

NEAR = 0.70  # from this zoom on names are drawn
PILL, STEP, UNDER, OUT = 20.0, 26.0, 16.0, 12.0  # high; from one to the next; the first one; how far they lead aside
MOST = 190.0  # of a name


class Stub(QGraphicsItem):
    """The ties of a node from one end beyond the group, or to it. The item is a child of its node."""

    def __init__(self, node: "NodeItem", far: tuple[str, ...], ports: list["PortItem"], place: int):
        super().__init__(node)
        self.node, self.far, self.ports, self.place = node, far, ports, place
        self.out = ports[0].out
        text = f"to {far[0]}" if self.out else f"from {far[0]}"
        text = text if len(far) == 1 else f"to {len(far)} layers"
        self.text = metrics(11, 500).elidedText(text, Qt.TextElideMode.ElideMiddle, MOST)
        self.hovered = False
        self.pill = QRectF()
        self._area = QRectF()
        self.follow()

    def follow(self) -> None:
        """Take its place below the node, which has another size or other ports."""
        self.prepareGeometryChange()
        wide, high = self.node.form.width, self.node.form.height
        width = text_width(self.text, 11, 500) + 32
        if self.node.look.down:  # beside it: below it data leads on
            y = self.ports[0].y() - PILL / 2
            self.pill = QRectF(wide + 2 * OUT if self.out else -2 * OUT - width, y, width, PILL)
            ends = [QRectF(port.x() - 1, port.y() - 1, 2, 2) for port in self.ports]
            self._area = functools.reduce(QRectF.united, ends, self.pill).adjusted(-8, -8, 8, 8)
            return
        x = wide - 6 - width if self.out else 6.0
        self.pill = QRectF(x, high + UNDER + STEP * self.place, width, PILL)
        edge = QRectF(wide if self.out else -OUT, 0, OUT, self.pill.bottom())
        self._area = self.pill.united(edge).adjusted(-8, -8, 8, 8)

    def boundingRect(self) -> QRectF:
        return self._area

    @property
    def drawn(self) -> bool:
        """Whether its name is drawn: not while ties are off."""
        ties = self.node.stage.ties
        return ties == "all" or (ties == "selected" and self.node.isSelected())

    def pill_rect(self) -> QRectF:
        """Where it takes clicks, in the scene."""
        return self.pill.translated(self.node.pos()) if self.drawn else QRectF()

    def paint(self, painter: QPainter, option, widget=None) -> None:
        theme, zoom = self.node.stage.theme, painter.worldTransform().m11()
        strong = self.node.isSelected()
        color = mix(theme.learn, theme.text1, 0.35) if self.hovered else theme.learn
        pen = QPen(color, 2.5 if strong else 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([3.5, 2.5])
        side = OUT if self.out else -OUT
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for port in self.ports:
            at = port.pos()
            if not self.drawn:
                painter.setPen(pen)
                painter.drawLine(at, at + QPointF(side, 0))
                continue
            corner = QPointF(at.x() + side, at.y())
            low = QPointF(corner.x(), self.pill.center().y())
            end = QPointF(self.pill.right() if self.out else self.pill.left(), low.y())
            if self.node.look.down:
                end.setX(self.pill.left() if self.out else self.pill.right())
            path = rounded([at, corner, low, end])
            if strong:
                halo = QPen(faded(theme.learn, 0.24), 8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
                painter.setPen(halo)
                painter.drawPath(path)
            painter.setPen(pen)
            painter.drawPath(path)
        if not self.drawn or zoom < NEAR:
            return
        painter.setPen(QPen(color, 2 if strong or self.hovered else 1))
        painter.setBrush(theme.learn_soft)
        painter.drawRoundedRect(self.pill, PILL / 2, PILL / 2)
        draw_icon(painter, "link", QRectF(self.pill.x() + 9, self.pill.y() + 4, 12, 12), theme.learn, 2.25)
        draw_text(painter, self.pill.x() + 25, self.pill.y() + 14, self.text, theme.text1, 11, 500)


def hang(node: "NodeItem", stubs: list[Stub]) -> list[Stub]:
    """The stubs that a node needs for its ports; those that were there and fit are kept."""
    wanted: dict[tuple[bool, tuple[str, ...]], list[PortItem]] = {}
    for port in node.ports():
        if port.look is not None and port.look.far:
            wanted.setdefault((port.out, port.look.far), []).append(port)
    if [(stub.out, stub.far, stub.ports) for stub in stubs] == [(*key, ports) for key, ports in wanted.items()]:
        for stub in stubs:
            stub.follow()
        return stubs
    for stub in stubs:
        stub.setParentItem(None)  # type: ignore[arg-type]
        if stub.scene():
            stub.scene().removeItem(stub)
    return [Stub(node, far, ports, n) for n, ((_, far), ports) in enumerate(wanted.items())]
