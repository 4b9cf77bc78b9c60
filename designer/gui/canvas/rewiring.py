"""Moving all wires of an output at once: they hang at the pointer until they are let go over another one."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from designer.edits.slicing import cut_wires
from designer.gui.canvas import joins
from designer.gui.canvas.gestures import Gesture
from designer.gui.canvas.joins import Change, End, Join
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.routes import loose
from designer.gui.canvas.wire import wire_pen
from designer.gui.canvas.wiring import draw_tip
from designer.gui.theme import faded
from designer.model import Network

if TYPE_CHECKING:
    from designer.gui.canvas.hits import Hit


class Rewire(Gesture):
    """Hold the wires of an output; over nothing they are cut, as a single one is that was pulled off."""

    def __init__(self, press: Gesture):
        self.__dict__.update(press.__dict__)
        assert press.hit.port is not None
        self.port = press.hit.port
        self.source = self.port.look.port
        self.wires = list(self.port.connected_pipes)
        self.targets = [wire.target for wire in self.wires]
        self.at = press.pressed
        self.over: object = None  # what is under the pointer, and how it was joined
        self.join: Join | None = None
        self.marked: NodeItem | None = None
        for wire in self.wires:
            wire.pulled = True
            wire.update()
        self.viewer.viewport().setCursor(Qt.CursorShape.CrossCursor)

    def move(self, at, modifiers):
        self.at = at
        hit = self.viewer.hit(at)
        if (over := (hit.port, hit.node)) != self.over:
            self._mark(None)
            self.over, self.join = over, self._join(hit)
            if self.join is not None and hit.node is not None:
                self._mark(hit.node)
        refused = self.join is not None and self.join.refused
        self.viewer.viewport().setCursor(Qt.CursorShape.ForbiddenCursor if refused else Qt.CursorShape.CrossCursor)

    def _join(self, hit: "Hit") -> Join | None:
        """What a release here would do; None: nothing, or a cut."""
        if hit.node is None or hit.port is self.port or (hit.port is None and hit.node is self.port.node):
            return None
        network, analysis = self.canvas.document.network, self.canvas.document.analysis
        edits: list[Change] = []
        for target in self.targets:
            end = End(target, False)
            if hit.port is not None:
                found = joins.join(network, analysis, end, End(hit.port.look.port, hit.port.out))
            else:
                found = joins.join_layer(network, analysis, end, hit.node.look.path)
            if found.refused or len(self.targets) == 1:
                return found  # of a single wire it is asked which of several ways it shall go
            edit = (found.choices[0] if found.choices else found).edit
            assert edit is not None, "neither refused nor a choice"
            edits.append(edit)
        where = hit.node.look.path
        count = len(edits)
        text = f"Move {count} wires from {self.source.layer} to {where}"
        return Join(text, f"{count} wires to {where}", edit=_after_each_other(edits))

    def drop(self, at, modifiers):
        self.move(at, modifiers)
        found, hit = self.join, self.viewer.hit(at)
        self._end()
        if found is not None:
            self.canvas.make(found, at)
        elif hit.node is None:
            count = len(self.targets)
            text = (
                f"Cut {count} wires from {self.source.layer}"
                if count > 1
                else f"Cut the wire to {self.targets[0].layer}"
            )
            self.canvas.attempt(text, lambda net: cut_wires(net, self.targets))

    def cancel(self):
        self._end()

    def _mark(self, node: NodeItem | None) -> None:
        """Light the node that is under the pointer, and no other one."""
        if self.marked is not None and self.marked.scene() is not None:
            self.marked.mark = ""
            self.marked.update()
        self.marked = node
        if node is not None and self.join is not None:
            learnable = self.wires[0].learnable
            node.mark = "refused" if self.join.refused else "tie" if learnable else "target"
            node.update()

    def _end(self) -> None:
        self._mark(None)
        for wire in self.wires:
            wire.pulled = False
            wire.update()
        self.viewer.viewport().unsetCursor()

    def paint(self, painter, theme):
        end = self.viewer.scene_at(self.at)
        hit = self.over[0] if isinstance(self.over, tuple) else None
        if hit is not None and self.join is not None:
            end = hit.anchor()
        refused = self.join is not None and self.join.refused
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for wire in self.wires:
            color = theme.error if refused else theme.learn if wire.learnable else theme.data
            path = loose(end, wire.input_port.anchor(), self.viewer.down and not wire.learnable)
            painter.setPen(QPen(faded(color, 0.24), 8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPath(path)
            painter.setPen(wire_pen(color, 2.5, wire.learnable))
            painter.drawPath(path)
        painter.resetTransform()
        says, detail = self._sentence()
        if says:
            draw_tip(
                painter,
                theme,
                self.at,
                self.viewer.viewport().rect().toRectF(),
                says,
                detail,
                "octagon-alert" if refused else "",
                refused,
            )

    def _sentence(self) -> tuple[str, str]:
        if self.join is not None:
            return self.join.says, self.join.detail
        hit = self.over[1] if isinstance(self.over, tuple) else None
        if hit is None and (self.at - self.pressed).manhattanLength() > 24:
            return f"Cut {len(self.wires)} wires from {self.source.layer}" if len(
                self.wires
            ) > 1 else "Cut the wire", ""
        return "", ""


def _after_each_other(edits: list[Change]) -> Change:
    def edit(network: Network) -> Network:
        for one in edits:
            network = one(network)
        return network

    return edit
