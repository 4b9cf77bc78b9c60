"""Wires that are not drawn: short stubs that hang under a node, and pills that name the other end.

They stand for ties that leave the group that is open, and for wires that are hidden.
"""

import functools
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem

from designer.gui.canvas.look import short
from designer.gui.canvas.paint_errors import guarded
from designer.gui.canvas.routes import rounded
from designer.gui.drawing import draw_icon, draw_text, metrics, text_width
from designer.gui.theme import Theme, faded, mix

if TYPE_CHECKING:
    from designer.gui.canvas.node import NodeItem
    from designer.gui.canvas.port import PortItem

NEAR = 0.70  # from this zoom on names are drawn
PILL, STEP, UNDER = 20.0, 26.0, 16.0  # high; from one to the next; the first one
OUT, DATA_OUT = 12.0, 18.0  # how far they lead aside: those of data past those of learnables
MOST, LEAST, APART = 190.0, 136.0, 8.0  # of a name; that there is room for; between two pills
DASHES = [3.5, 2.5]


class Bunch(NamedTuple):
    """Wires of a node that one stub stands for: to the same layers, from ports of one side."""

    out: bool
    learnable: bool
    far: tuple[str, ...]  # the layers at the other end
    hidden: bool  # by the user; else they leave the group


class Stub(QGraphicsItem):
    """The wires of a bunch. The item is a child of its node."""

    def __init__(self, node: "NodeItem", bunch: Bunch, ports: list["PortItem"]):
        super().__init__(node)
        self.node, self.bunch, self.ports = node, bunch, ports
        self.out, self.far = bunch.out, bunch.far
        self.hovered = False
        self.text = ""
        self.pill = QRectF()
        self._area = QRectF()
        self._right = False  # its line meets the pill at the right

    @property
    def wires(self) -> list[str]:
        """The targets of the hidden wires; none of ties that leave the group."""
        return [end.target for port in self.ports for end in port.look.hidden if self.bunch.hidden]

    def follow(self, others: list["Stub"]) -> None:
        """Take its place below the node, in the first row where others leave room."""
        self.prepareGeometryChange()
        wide, high = self.node.form.width, self.node.form.height
        name = short(self.far[0], self.node.look.path) if len(self.far) == 1 else f"{len(self.far)} layers"
        room = min(MOST, max(LEAST, wide - 44))
        text = f"to {name}" if self.out else f"from {name}"
        self.text = metrics(11, 500).elidedText(text, Qt.TextElideMode.ElideMiddle, room)
        width = text_width(self.text, 11, 500) + 32
        down, learnable, step = self.node.look.down, self.bunch.learnable, STEP
        self._right = self.out != down if learnable or not down else False
        first = self.ports[0].pos()
        if not down:
            self.pill = QRectF(wide - 6 - width if self.out else 6.0, high + UNDER, width, PILL)
        elif learnable:  # beside it: below it data leads on
            x = wide + 2 * OUT if self.out else -2 * OUT - width
            self.pill = QRectF(x, first.y() - PILL / 2, width, PILL)
        else:
            y = high + DATA_OUT / 2 if self.out else -DATA_OUT / 2 - PILL
            self.pill = QRectF(first.x() + DATA_OUT, y, width, PILL)
            step = STEP if self.out else -STEP
        while any(self.pill.adjusted(-APART, 0, APART, 0).intersects(other.pill) for other in others):
            self.pill.translate(0, step)
        ways = [QPolygonF(self._way(port)).boundingRect() for port in self.ports]
        self._area = functools.reduce(QRectF.united, ways, self.pill).adjusted(-8, -8, 8, 8)

    def _way(self, port: "PortItem") -> list[QPointF]:
        """The corners of its line from a port to its pill."""
        at, y = port.pos(), self.pill.center().y()
        end = QPointF(self.pill.right() if self._right else self.pill.left(), y)
        if self.node.look.down and not self.bunch.learnable:
            return [at, QPointF(at.x(), y), end]
        side = OUT if self.bunch.learnable else DATA_OUT
        x = at.x() + (side if self.out else -side)
        return [at, QPointF(x, at.y()), QPointF(x, y), end]

    def boundingRect(self) -> QRectF:
        return self._area

    @property
    def drawn(self) -> bool:
        """Whether its name is drawn: that of a tie not while ties are off."""
        ties = self.node.stage.ties
        return not self.bunch.learnable or ties == "all" or (ties == "selected" and self.node.isSelected())

    def pill_rect(self) -> QRectF:
        """Where it takes clicks, in the scene."""
        return self.pill.translated(self.node.pos()) if self.drawn else QRectF()

    @guarded
    def paint(self, painter: QPainter, option, widget=None) -> None:
        theme, zoom, learnable = self.node.stage.theme, painter.worldTransform().m11(), self.bunch.learnable
        strong = self.node.isSelected() and learnable
        color = theme.learn if learnable else theme.data
        color = mix(color, theme.text1, 0.35) if self.hovered else color
        pen = QPen(
            color, 2.5 if strong else 1.5 if self.bunch.hidden else 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap
        )
        if learnable:
            pen.setDashPattern(DASHES)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for port in self.ports:
            at, corner, *more = self._way(port)
            if not self.drawn:
                painter.setPen(pen)
                painter.drawLine(at, corner)
                continue
            path = rounded([at, corner, *more])
            if strong:
                halo = QPen(faded(theme.learn, 0.24), 8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
                painter.setPen(halo)
                painter.drawPath(path)
            painter.setPen(pen)
            painter.drawPath(path)
        if not self.drawn:
            return
        painter.setPen(QPen(color, 2 if strong or self.hovered else 1))
        painter.setBrush(theme.learn_soft if learnable else theme.node)
        name, ink = "eye-off" if self.bunch.hidden else "link", theme.learn if learnable else theme.text2
        if zoom < NEAR:  # the sign alone, at the end of the line
            x = self.pill.right() - PILL if self._right else self.pill.x()
            badge = QRectF(x, self.pill.y(), PILL, PILL)
            painter.drawEllipse(badge)
            draw_icon(painter, name, badge.adjusted(3, 3, -3, -3), ink, 2.25)
            return
        painter.drawRoundedRect(self.pill, PILL / 2, PILL / 2)
        draw_icon(painter, name, QRectF(self.pill.x() + 9, self.pill.y() + 4, 12, 12), ink, 2.25)
        draw_text(painter, self.pill.x() + 25, self.pill.y() + 14, self.text, theme.text1, 11, 500)

    def paint_far(self, painter: QPainter, theme: Theme, zoom: float) -> None:
        """Draw its lines with a dot at their end, in the scene, at a zoom where nodes are blocks without ports."""
        if not self.drawn:
            return
        color, at = theme.learn if self.bunch.learnable else theme.data, self.node.pos()
        painter.setPen(QPen(color, 1.5 / zoom))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for port in self.ports:
            painter.drawPolyline(QPolygonF(self._way(port)).translated(at))
        painter.setBrush(color)
        end = QPointF(self.pill.right() if self._right else self.pill.left(), self.pill.center().y())
        painter.drawEllipse(end + at, 2.5 / zoom, 2.5 / zoom)


def hang(node: "NodeItem", stubs: list[Stub]) -> list[Stub]:
    """The stubs that a node needs for its ports; those that were there and fit are kept."""
    wanted: dict[Bunch, list[PortItem]] = {}
    for port in node.ports():
        look = port.look
        if look is None or not (look.far or look.hidden):
            continue
        if look.far:
            wanted.setdefault(Bunch(port.out, True, look.far, False), []).append(port)
        if look.hidden:
            far = tuple(dict.fromkeys(end.path for end in look.hidden))
            wanted.setdefault(Bunch(port.out, look.hidden[0].learnable, far, True), []).append(port)
    if [(stub.bunch, stub.ports) for stub in stubs] != list(wanted.items()):
        for stub in stubs:
            stub.setParentItem(None)  # type: ignore[arg-type]
            if stub.scene():
                stub.scene().removeItem(stub)
        stubs = [Stub(node, bunch, ports) for bunch, ports in wanted.items()]
    for n, stub in enumerate(stubs):
        stub.follow(stubs[:n])
    return stubs
