"""Drawing wires: from a port, from a switch that is ticked on the way, or by the end of a wire that is there."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.edits.switches import switch_input, switch_output
from designer.gui.canvas import joins
from designer.gui.canvas.form import CAPSULE, ROW
from designer.gui.canvas.gestures import CTRL, SHIFT, Gesture
from designer.gui.canvas.joins import End, Join
from designer.gui.canvas.lighting import carries_learnable, fitting
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.paint import MIDWAY, RADIUS, draw_capsule, draw_shadow
from designer.gui.canvas.port import PortItem, draw_port
from designer.gui.canvas.routes import loose
from designer.gui.canvas.wire import WireItem, wire_pen
from designer.gui.drawing import draw_checkbox, draw_icon, draw_text, text_width
from designer.gui.theme import Theme, faded
from designer.model import Network, Port

if TYPE_CHECKING:
    from designer.gui.canvas.hits import Hit


class PortPress(Gesture):
    """Select a port, a free one lights those that fit; a drag draws a wire, or pulls off the one that ends here.

    With Ctrl a wired input gives a copy of its wire, and a wired output all its wires.
    """

    def click(self, modifiers):
        port = self.hit.port
        assert port is not None, "a port was pressed"
        wires = port.connected_pipes
        if len(wires) == 1:
            self.canvas.select({str(wires[0].target)}, modifiers)
        else:
            self.canvas.select({port.look.port.layer if port.look.row < 0 else self.hit.node.look.path}, modifiers)
        if not wires and not port.look.beyond:
            self.canvas.lighting.light(port)

    def start(self, modifiers):
        port = self.hit.port
        target = port.look.port
        source = None if port.out else self.canvas.document.network.source_of(target)
        ctrl = self.modifiers & CTRL
        if ctrl and port.out and port.connected_pipes:
            from designer.gui.canvas.rewiring import Rewire

            return Rewire(self)
        if source is None:
            return Draw(self, End(target, port.out), port.anchor(), port)
        wire = port.connected_pipes[0] if port.connected_pipes else None
        anchor = wire.output_port.anchor() if wire else port.anchor() - QPointF(60, 0)
        if ctrl:
            return Draw(self, End(source, True), anchor, wire.output_port if wire else None)
        end = End(source, True, lambda net: net.disconnect(target))
        return Draw(self, end, anchor, wire.output_port if wire else None, pulled=wire, off=target)


class SwitchPress(Gesture):
    """Toggle a switch on release; a drag ticks it and draws the wire, in one step."""

    def __init__(self, viewer, hit, event):
        super().__init__(viewer, hit, event)
        self.offers = hit.what == "offers"
        state = hit.part.row.offers if self.offers else hit.part.row.takes
        self.on = state != Qt.CheckState.Checked

    def click(self, modifiers):
        look, names = self.hit.node.look, self.hit.part.row.names
        paths = (
            self.canvas.selected_layers() if modifiers & SHIFT and look.path in self.canvas.selection else [look.path]
        )
        self.canvas.switch(paths, names, self.offers, self.on)

    def start(self, modifiers):
        row, node = self.hit.part.row, self.hit.node
        assert row is not None, "a switch stands in a row"
        port = Port(node.look.path, row.names[0])
        if row.head:
            return self  # a group of names has no single wire
        edge = node.pos() + QPointF(node.form.width if self.offers else 0, node.row_top(row) + ROW / 2)
        source = None if self.offers else self.canvas.document.network.source_of(port)
        if source is not None:
            item = node.port(port.name, out=False)
            wire = item.connected_pipes[0] if item.connected_pipes else None
            end = End(source, True, lambda net: net.disconnect(port))
            return Draw(self, end, wire.output_port.anchor() if wire else edge, None, pulled=wire, off=port)
        switch = switch_output if self.offers else switch_input
        first = (lambda net: switch(net, str(port), True)) if self.on else (lambda net: net)
        return Draw(self, End(port, self.offers, first), edge, node.port(port.name, self.offers), ticked=self.on)


class Draw(Gesture):
    """Hold the free end of a wire."""

    def __init__(
        self,
        press: Gesture,
        start: End,
        anchor: QPointF,
        port: PortItem | None,
        *,
        pulled: WireItem | None = None,
        off: Port | None = None,
        ticked: bool = False,
    ):
        self.__dict__.update(press.__dict__)
        self.begin, self.anchor, self.port, self.pulled, self.off, self.ticked = (
            start,
            anchor,
            port,
            pulled,
            off,
            ticked,
        )
        self.at = press.pressed
        self.over: tuple | None = None  # port, node, row and switch under the pointer
        self.join: Join | None = None  # what a release there would do
        self.marked: list[NodeItem | PortItem] = []
        self.learnable = carries_learnable(self.canvas.document.network, start)
        if pulled is not None:
            pulled.pulled = True
            pulled.update()
        self.viewer.viewport().setCursor(Qt.CursorShape.CrossCursor)
        for fits in filter(None, fitting(self.canvas, start, port)):
            fits.fits = True
            self.marked.append(fits)
            fits.node.update()

    def move(self, at, modifiers):
        self.at = at
        hit = self.viewer.hit(at)
        over = (hit.port, hit.node, hit.part.row, hit.what in ("takes", "offers") and hit.what)
        if over != self.over:
            self._unmark_node()
            self.over, self.join = over, self._join(hit)
            if self.join is not None and hit.node is not None:
                hit.node.mark = "refused" if self.join.refused else "tie" if self.learnable else "target"
                hit.node.update()
        refused = self.join is not None and self.join.refused
        self.viewer.viewport().setCursor(Qt.CursorShape.ForbiddenCursor if refused else Qt.CursorShape.CrossCursor)

    def _join(self, hit: "Hit") -> Join | None:
        """What a release over this would do; None: nothing."""
        network, analysis = self.canvas.document.network, self.canvas.document.analysis
        if hit.port is not None:
            port = hit.port.look.port
            if hit.port is self.port or port == self.off:
                return None
            return joins.join(network, analysis, self.begin, End(port, hit.port.out))
        if hit.node is None or (hit.node is self.hit.node and self.off is None):
            return None
        path, row = hit.node.look.path, hit.part.row
        if hit.what in ("takes", "offers") and not row.head and (hit.what == "offers") != self.begin.out:
            port = Port(path, row.names[0])
            switch = switch_output if hit.what == "offers" else switch_input
            other = End(port, hit.what == "offers", lambda net: switch(net, str(port), True))
            return joins.join(network, analysis, self.begin, other)
        if self.off is not None and path == self.off.layer:
            return None
        return joins.join_layer(network, analysis, self.begin, path)

    def drop(self, at, modifiers):
        self.move(at, modifiers)
        found, network = self.join, self.canvas.document.network
        self._end()
        if found is not None:
            self.canvas.make(found, at)
        elif self.off is not None:
            hit = self.viewer.hit(at)
            if hit.port is None or hit.port.look.port != self.off:
                self.canvas.make(joins.cut(network, self.off), at)
        elif self.ticked:
            verb = "Offer" if self.begin.out else "Take"
            self.canvas.make(_ticking(verb, self.begin), at)
        else:
            self.canvas.search.open_at_port(self.begin.port, self.begin.out, self.viewer.scene_at(at))

    def cancel(self):
        self._end()

    def _end(self) -> None:
        self._unmark_node()
        for port in self.marked:
            port.fits = False
            port.node.update()
        self.marked = []
        if self.pulled is not None:
            self.pulled.pulled = False
            self.pulled.update()
        self.viewer.viewport().unsetCursor()

    def _unmark_node(self) -> None:
        node = self.over[1] if self.over else None
        if node is not None and node.scene() is not None:
            node.mark = ""
            node.update()

    def paint(self, painter, theme):
        start, end = self.anchor, self.viewer.scene_at(self.at)
        if self.over and self.over[0] is not None and self.join is not None:
            end = self.over[0].anchor()
        refused = self.join is not None and self.join.refused
        color = theme.error if refused else theme.learn if self.learnable else theme.data
        first, last = (start, end) if self.begin.out else (end, start)
        path = loose(first, last, self.viewer.down and not self.learnable)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.join is not None and self.viewer.zoom < MIDWAY:  # the map marks no nodes
            painter.setPen(QPen(color, 3 / self.viewer.zoom))
            assert self.over is not None
            painter.drawRect(self.over[1].frame)
        painter.setPen(QPen(faded(color, 0.24), 8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPath(path)
        painter.setPen(wire_pen(color, 2.5, self.learnable))
        painter.drawPath(path)
        if self.ticked:
            box = start + QPointF(-24 if self.begin.out else 12, -6)
            draw_checkbox(painter, theme, QRectF(box, box + QPointF(12, 12)), Qt.CheckState.Checked)
            draw_port(painter, theme, start, diamond=True, filled=True)
        if self.join is not None and self.join.permute:
            order = ", ".join(map(str, self.join.permute))
            width = text_width("Permute", 11, 600) + text_width(order, 11) + 58
            painter.save()
            painter.translate(path.pointAtPercent(0.5) - QPointF(width / 2, CAPSULE / 2))
            draw_capsule(painter, theme, width, CAPSULE, "Permute", order)
            painter.restore()
        painter.resetTransform()
        says, detail = self._sentence()
        if says:
            icon = "octagon-alert" if refused else "link" if self.learnable else ""
            draw_tip(painter, theme, self.at, QRectF(self.viewer.viewport().rect()), says, detail, icon, refused)

    def _sentence(self) -> tuple[str, str]:
        if self.join is not None:
            return self.join.says, self.join.detail
        port = self.begin.port
        if self.ticked:
            if self.begin.out:
                return f"Tick and drag: offers {port.layer}.{port.name}", "drop it on the layer that shall take it"
            return f"Tick and drag: takes {port.layer}.{port.name}", "drop it on the layer that shall give it"
        if self.off is not None and (self.at - self.pressed).manhattanLength() > 24:
            return f"Cut from {self.off.layer}", ""
        return "", ""


def _ticking(verb: str, end: End) -> Join:
    tail = f"of {end.port.layer}" + ("" if end.out else " from a wire")
    return Join(f"{verb} {end.port.name} {tail}", "", edit=end.first)


def draw_tip(
    painter: QPainter, theme: Theme, at: QPointF, bounds: QRectF, says: str, detail: str, icon: str, error: bool
) -> None:
    """Draw the sentence at the pointer, in pixels of the viewport and inside it."""
    indent = 22 if icon else 0
    width = min(bounds.width() - 16, max(text_width(says, 12, 500), text_width(detail, 11)) + 24 + indent)
    height = 46 if detail else 30
    x = max(8.0, min(at.x() + 16, bounds.right() - width - 8))
    y = at.y() + 20 if at.y() + 20 + height < bounds.bottom() - 8 else at.y() - height - 12
    rect = QRectF(round(x), round(y), width, height)
    draw_shadow(painter, theme, rect)
    painter.setPen(QPen(theme.error if error else theme.edge, 1))
    painter.setBrush(theme.panel)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
    if icon:
        color = theme.error if error else theme.learn
        draw_icon(painter, icon, QRectF(rect.x() + 12, rect.y() + 8, 14, 14), color, 2.25)
    room = width - 24 - indent
    draw_text(painter, rect.x() + 12 + indent, rect.y() + 20, says, theme.text1, 12, 500, width=room)
    if detail:
        draw_text(painter, rect.x() + 12 + indent, rect.y() + 36, detail, theme.text2, 11, width=room)


def switched(network: Network, paths: list[str], names: tuple[str, ...], offers: bool, on: bool) -> Network:
    """The same switches of several layers; a layer without such a learnable is left alone."""
    switch = switch_output if offers else switch_input
    for path in paths:
        for name in names:
            if name in network.layer(path).learnables():
                network = switch(network, f"{path}/{name}", on)
    return network
