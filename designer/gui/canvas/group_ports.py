"""The ports on the edge of a group: renamed and put in another order where they stand."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.edits.outline import LABELS
from designer.edits.ports import move_port, port_path, port_users, remove_port
from designer.gui.canvas.form import DATA_ROW, HEADER
from designer.gui.canvas.gestures import Gesture, NodePress, Press
from designer.gui.canvas.port import PortItem
from designer.gui.drawing import draw_text, text_width
from designer.gui.theme import Theme, faded

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.canvas.menus import Menu
    from designer.gui.canvas.node import NodeItem

LABEL, UNDER = 14, 9.0  # from the edge to the name of a port beside it, and to one under it or above it


def end_of(canvas: "Canvas", item: PortItem) -> str | None:
    """The path of the Input or Output in a group that a port stands for."""
    return port_path(canvas.document.network, item.look.port) if item.look.row < 0 else None


def data_ports(node: "NodeItem", out: bool) -> list[PortItem]:
    """The data ports of one side, from top to bottom or from left to right."""
    return [port for port in node.ports() if port.out == out and port.look.row < 0]


def label_at(node: "NodeItem", at: QPointF) -> PortItem | None:
    """The port of a group whose name is at a point, given in coordinates of the node."""
    if node.look.kind != "group":
        return None
    for port in node.ports():
        if port.look.label and port.look.row < 0 and label_rect(node, port).contains(at):
            return port
    return None


def label_rect(node: "NodeItem", port: PortItem) -> QRectF:
    """Where the name of a port takes clicks."""
    width = text_width(port.look.label, 11) + 8
    if node.look.down:
        return QRectF(port.x() - width / 2, port.y() - LABELS if port.out else UNDER, width, LABELS - UNDER)
    x = node.form.width - LABEL + 4 - width if port.out else LABEL - 4
    return QRectF(x, port.y() - DATA_ROW / 2, width, DATA_ROW)


def field_rect(node: "NodeItem", port: PortItem) -> QRectF:
    """Where a port is renamed, in the scene: over its name; beside the node where it has none."""
    half = max(96.0, node.form.width / 2 - LABEL)
    if node.look.down:
        y = port.y() - LABELS if port.out else port.y()
        if not port.look.label:
            y += LABELS if port.out else -LABELS - 8
        return QRectF(port.x() - half / 2, y - 2, half, DATA_ROW).translated(node.pos())
    if not port.look.label:
        x = node.form.width + 12 if port.out else -12 - half
    else:
        x = node.form.width - LABEL + 4 - half if port.out else LABEL - 8
    return QRectF(x, port.y() - DATA_ROW / 2, half, DATA_ROW).translated(node.pos())


class EndPress(NodePress):
    """Press the name of a port: a click is one on the node, a drag along the edge puts the port elsewhere."""

    def start(self, modifiers):
        return Reorder(self.viewer, self.hit, Press(self))


class Reorder(Gesture):
    """Carry a port along the edge of its group; far from it, nothing is moved."""

    def __init__(self, viewer, hit, event):
        super().__init__(viewer, hit, event)
        self.port, self.node = hit.end, hit.node
        self.ports = data_ports(self.node, self.port.out)
        self.at = self.from_ = self.ports.index(self.port)
        self.y, self.x = self.port.y(), self.port.x()
        self.holds = True

    def move(self, at, modifiers):
        inside = self.viewer.scene_at(at) - self.node.pos()
        if self.node.look.down:
            self._move_aside(inside)
            return
        row = int((inside.y() - HEADER) // DATA_ROW)
        self.y = min(max(inside.y(), HEADER), HEADER + DATA_ROW * len(self.ports))
        self.at = min(max(row, 0), len(self.ports) - 1)
        self.holds = -60 <= inside.x() <= self.node.form.width + 60
        shape = Qt.CursorShape.SizeVerCursor if self.holds else Qt.CursorShape.ForbiddenCursor
        self.viewer.viewport().setCursor(shape)

    def _move_aside(self, inside: QPointF) -> None:
        """Carry it along the upper or the lower edge."""
        places = [port.x() for port in self.ports]
        self.x = min(max(inside.x(), places[0]), places[-1])
        self.at = min(range(len(places)), key=lambda n: abs(places[n] - inside.x()))
        self.holds = abs(inside.y() - self.port.y()) <= 60
        shape = Qt.CursorShape.SizeHorCursor if self.holds else Qt.CursorShape.ForbiddenCursor
        self.viewer.viewport().setCursor(shape)

    def drop(self, at, modifiers):
        self.move(at, modifiers)
        self.cancel()
        if self.holds and self.at != self.from_ and (path := end_of(self.canvas, self.port)):
            move_to(self.canvas, path, self.at)

    def cancel(self):
        self.viewer.viewport().unsetCursor()

    def paint(self, painter: QPainter, theme: Theme) -> None:
        if not self.holds:
            return
        node, label = self.node, self.port.look.label
        painter.translate(node.pos())
        place = self.at + (self.at > self.from_)
        y = HEADER + DATA_ROW * place
        left, right = (node.form.width / 2, node.form.width) if self.port.out else (0.0, node.form.width / 2)
        line = QLineF(left, y, right, y)
        box = label_rect(node, self.port)
        if node.look.down:
            there = label_rect(node, self.ports[self.at])
            edge = there.right() if self.at > self.from_ else there.left()
            line = QLineF(edge, box.top(), edge, box.bottom())
            box.moveLeft(self.x - box.width() / 2)
        else:
            box.moveTop(self.y - box.height() / 2)
        painter.setPen(QPen(theme.accent, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        if self.at != self.from_:
            painter.drawLine(line)
        painter.setPen(QPen(theme.accent, 1))
        painter.setBrush(faded(theme.raised, 0.95))
        painter.drawRoundedRect(box.adjusted(-2, 2, 2, -2), 6, 6)
        draw_text(painter, box.x() + 4, box.center().y() + 4, label, theme.text1, 11, 500)


def move_to(canvas: "Canvas", path: str, place: int) -> None:
    """Put a port at another place of its side, in one undo step."""
    canvas.attempt(f"Move port {path}", lambda net: move_port(net, path, place))


def port_menu(menu: "Menu", item: PortItem) -> None:
    """Say in the menu of a port what can be done with that of a group."""
    canvas = menu.canvas
    if (path := end_of(canvas, item)) is None:
        return
    side = data_ports(item.node, item.out)
    place = side.index(item)
    menu.menu.addSeparator()
    menu.add("Rename port…\tF2", lambda: canvas.naming.open_end(path))
    if len(side) > 1:
        back, on = ("left", "right") if item.node.look.down else ("up", "down")
        menu.add(f"Move {back}", lambda: move_to(canvas, path, place - 1)).setEnabled(place > 0)
        menu.add(f"Move {on}", lambda: move_to(canvas, path, place + 1)).setEnabled(place < len(side) - 1)
    users = port_users(menu.network, path)
    action = menu.add("Remove port", lambda: canvas.attempt(f"Remove port {path}", lambda net: remove_port(net, path)))
    action.setEnabled(not users)
    if users:
        action.setToolTip(f"It is used by {users[0]}")
