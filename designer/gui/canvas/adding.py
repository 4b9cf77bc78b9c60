"""New layers on the canvas: beside others, on a wire, at the loose end of one, dropped from the library."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF, Qt

from designer.edits.insertion import insert, wired
from designer.gui.canvas.fitting import fits_wire, joined
from designer.gui.canvas.form import MIDDLE, Form, form
from designer.gui.canvas.joins import End, learnable_shape
from designer.gui.canvas.look import look
from designer.gui.canvas.placing import fresh_name
from designer.gui.canvas.routes import exchanged
from designer.gui.canvas.wire import WireItem
from designer.gui.mime import dragged_layer
from designer.model import Layer, Network, NetworkError, Parameter, Port
from designer.model.names import join as within

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.canvas.node import NodeItem

STEP = 8  # of the grid
GAP = 64  # between layers on one line
HEAD = QPointF(84, MIDDLE)  # where a dropped layer hangs at the pointer


class Adding:
    """What puts layers into the group that is shown: each one edit, after which the new layer is selected."""

    def __init__(self, canvas: "Canvas"):
        self.canvas, self.view = canvas, canvas.view
        self.lit: WireItem | None = None  # the wire that a held layer would be put on

    def add(self, layer: Layer, at: QPointF | None = None, name: str = "") -> str | None:
        """Add a layer, with its header at a point of the scene; without one, after the selected layer.

        Gives its path; None if the edit was refused.
        """
        path, chosen = self._fresh(layer, name), self.canvas.selected_layers()
        before = chosen[-1] if at is None and len(chosen) == 1 else None

        def edit(network: Network) -> Network:
            network = network.add(**{path: layer})
            spot = self._free_spot(before, network, path) if at is None else at - HEAD
            network = network.move({path: _on_grid(spot)})
            if before is not None:
                try:
                    network = network.connect(before, path)
                except NetworkError:
                    return network  # it stands beside it, unwired
            return network

        added = self._done(f"Add {type(layer).__name__}", edit, path)
        if added and at is None:  # by keyboard: it may stand where nobody looks
            self.canvas.motion.reveal(self.canvas.node(added).frame)
        return added

    def at_port(self, layer: Layer, port: Port, out: bool, at: QPointF) -> str | None:
        """Add a layer where a new wire was let go, wired to the port that the wire came from."""
        path, analysis = self._fresh(layer), self.canvas.document.analysis
        if isinstance(layer, Parameter) and (wanted := self._wanted(port)):
            layer = Parameter(wanted)

        def edit(network: Network) -> Network:
            network = network.add(**{path: layer})
            made = self._form(network, path)
            spot = at - QPointF(0 if out else made.width, MIDDLE)
            if made.down:  # it hangs below the pointer, or stands above it
                spot = at - QPointF(made.width / 2, 0 if out else made.height)
            network = network.move({path: _on_grid(self._cleared(spot))})
            found = joined(network, analysis, End(port, out), path)
            if found.edit is None:
                raise NetworkError(found.sentence)
            return self.with_places(network, found.edit(network))

        return self._done(f"Add {type(layer).__name__}", edit, path)

    def _wanted(self, port: Port) -> tuple[int, ...] | None:
        network = self.canvas.document.network
        taken = (layer := network.find(port.layer)) is not None and port.name in layer.input_learnables
        return learnable_shape(network, self.canvas.document.analysis, port) if taken else None

    # On a wire.

    def on_wire(self, layer: Layer, target: Port, at: QPointF | None = None) -> str | None:
        """Put a new layer on the wire to a port, its header at a point of the scene or in the middle of the wire."""
        path = self._fresh(layer)

        def edit(network: Network) -> Network:
            new = insert(network, target, path, layer)
            wire = self.canvas.mirror.wires.get(target)
            if wire is None:
                return new
            if wire.learnable:
                return new.move({path: _on_grid(at - QPointF(64, 14))}) if at else self.with_places(network, new)
            head = QPointF(self._form(new, path).width / 2, MIDDLE) if self.view.down else HEAD
            return self._in_line(new, path, wire, at - head if at is not None else None)

        return self._done(f"Insert {type(layer).__name__} before {_last(target.layer)}", edit, path)

    def move_onto_wire(self, node: "NodeItem") -> bool:
        """Put a layer that was moved over a wire on it."""
        wire, path, spot = self.lit, node.look.path, node.pos()
        self.light(None)
        if wire is None:
            return False

        def edit(network: Network) -> Network:
            new = insert(network, wire.target, path)
            if wire.learnable:
                return new.move({path: _on_grid(spot)})
            return self._in_line(new, path, wire, spot)

        return self.canvas.attempt(f"Insert {node.look.name} before {_last(wire.target.layer)}", edit)

    def _in_line(self, network: Network, path: str, wire: WireItem, spot: QPointF | None) -> Network:
        """Place a layer between the ends of a data wire; what stands after it gives way where there is no room."""
        made, turn = self._form(network, path), exchanged if self.view.down else QPointF
        start, end = map(turn, wire.ends)  # as if it led to the right
        width, middle = (made.height, made.width / 2) if made.down else (made.width, MIDDLE)
        if end.x() <= start.x():  # it leads back: there is no line to make room in
            halfway = turn((start + end) / 2 - QPointF(width / 2, middle))
            return network.move({path: _on_grid(spot or halfway)})
        room = end.x() - start.x() - width
        spot = QPointF(start.x() + max(GAP, room / 2), start.y() - middle) if spot is None else turn(spot)
        left = max(start.x() + GAP / 2, min(spot.x(), end.x() - width - GAP / 2)) if room >= GAP else start.x() + GAP
        place = turn(QPointF(left, spot.y()))
        moved = {path: _on_grid(place)}
        needed = STEP * round(left / STEP) + width + (GAP if room < GAP else GAP / 2)
        if (by := STEP * math.ceil((needed - end.x() - STEP) / STEP)) > 0:
            for after in self._downstream(wire.input_port.node.look.path, path):
                at = turn(self.canvas.node(after).pos())
                if at.x() >= end.x() - 1:
                    moved[after] = turn(at + QPointF(by, 0)).toTuple()
        return network.move(moved)

    def _downstream(self, path: str, but: str) -> list[str]:
        """A layer that is shown and those that its data comes to."""
        follows: dict[str, list[str]] = {}
        for wire in self.canvas.mirror.wires.values():
            if not wire.learnable:
                follows.setdefault(wire.output_port.node.look.path, []).append(wire.input_port.node.look.path)
        found: dict[str, None] = {path: None}
        todo = [path]
        while todo:
            new = [after for after in follows.get(todo.pop(), ()) if after not in found and after != but]
            found.update(dict.fromkeys(new))
            todo += new
        return list(found)

    def light(self, wire: WireItem | None) -> None:
        """Light the wire that a held layer would be put on."""
        if wire is not self.lit:
            for changed, on in ((self.lit, False), (wire, True)):
                if changed is not None and changed.scene() is not None:
                    changed.takes = on
                    changed.update()
            self.lit = wire
            self.view.viewport().update()

    def light_under(self, node: "NodeItem") -> None:
        """Light the wire under a layer that is moved, if the layer can be put on it."""
        network, path = self.canvas.document.network, node.look.path
        middle, found = node.frame.center(), None
        if not wired(network, path) and not any(port.connected_pipes for port in node.ports()):
            items = self.view.scene().items(node.frame, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
            wires = [item for item in items if isinstance(item, WireItem) and item.drawn]
            crossed = [wire for wire in wires if wire.near(8.0).intersects(node.frame)]
            for wire in sorted(crossed, key=lambda wire: _distance(wire, middle)):
                try:
                    insert(network, wire.target, path)
                except NetworkError:
                    continue
                found = wire
                break
        self.light(found)

    # From the library.

    def drag(self, event: Any) -> None:
        """Take a layer that is held over the canvas; a wire below it that it fits on lights up."""
        layer = dragged_layer(event.mimeData())
        if layer is None:
            event.ignore()
            return
        event.acceptProposedAction()
        wire, document = self.view.hit(QPointF(event.position())).wire, self.canvas.document
        if wire is not self.lit:
            fits = wire is not None and fits_wire(document.network, document.analysis, wire.target)(layer)
            self.light(wire if fits else None)

    def drop(self, event: Any) -> None:
        layer = dragged_layer(event.mimeData())
        if layer is None:
            event.ignore()
            return
        self.drag(event)
        wire, at = self.lit, self.view.scene_at(event.position())
        self.light(None)
        if wire is not None:
            self.on_wire(layer, wire.target, at)
        else:
            self.add(layer, at)
        self.view.setFocus(Qt.FocusReason.MouseFocusReason)

    # Names and places.

    def _fresh(self, layer: Layer, name: str = "") -> str:
        home = self.canvas.document.view.path
        shown = self.canvas.document.network.network_at(home)
        return within(home, fresh_name(shown, name or type(layer).__name__.lower()))

    def _done(self, text: str, edit: Callable[[Network], Network], path: str) -> str | None:
        if not self.canvas.attempt(text, edit):
            return None
        self.canvas.select({path})
        return path

    def _form(self, network: Network, path: str) -> Form:
        """The measures of the node of a layer, before its shapes are known."""
        return form(look(network, path, self.canvas.document.view, None, learnable=network.learnable_ports))

    def _free_spot(self, before: str | None, network: Network, path: str) -> QPointF:
        """Right of a layer, or below it where data leads down, else in the middle of the view, where nothing stands."""
        if before is None:
            return self._cleared(self.view.center - HEAD)
        frame = self.canvas.node(before).frame
        if self.view.down:
            middle = frame.center().x() - self._form(network, path).width / 2
            return self._cleared(QPointF(middle, frame.bottom() + GAP))
        return self._cleared(QPointF(frame.right() + GAP, frame.top()))

    def _cleared(self, spot: QPointF) -> QPointF:
        """A point, or the next one beside the way of data, where there is room for a layer."""
        rect = QRectF(spot.x(), spot.y(), 168, 72)
        while found := self.view.frames_in(rect.adjusted(-16, -16, 16, 16)):
            if self.view.down:
                rect.moveLeft(max(frame.right() for frame in found) + 32)
            else:
                rect.moveTop(max(frame.bottom() for frame in found) + 32)
        return rect.topLeft()

    def with_places(self, before: Network, after: Network) -> Network:
        """Place what an edit put on a wire between the ends of the wire."""
        path = self.canvas.document.view.path
        shown, new = before.network_at(path), after.network_at(path)
        for name in [name for name in new.layers if name not in shown.layers and name not in new.positions]:
            at = within(path, name)
            sources = [s.layer for t, s in after.wires.items() if t.layer == at]
            targets = [t.layer for t, s in after.wires.items() if s.layer == at]
            ends = [self._shown(end) for end in (*sources, *targets)]
            frames = [self.canvas.node(end).frame for end in ends if end in self.canvas.mirror.nodes]
            if not frames:
                continue
            middle = sum((frame.center() for frame in frames), QPointF()) / len(frames)
            if self.view.down:  # right of what stands between them
                after = after.move({at: self._beside(middle, frames)})
                continue
            lower = max(frame.bottom() for frame in frames)
            spot = QRectF(STEP * round((middle.x() - 64) / STEP), STEP * round(lower / STEP + 3), 128, 28)
            while found := self.view.frames_in(spot):
                spot.moveTop(STEP * round(max(frame.bottom() for frame in found) / STEP + 3))
            after = after.move({at: (spot.x(), spot.y())})
        return after

    def _beside(self, middle: QPointF, frames: list[QRectF]) -> tuple[float, float]:
        """Where a capsule stands beside the layers between its ends, at the height of their middle."""
        right = max(frame.right() for frame in frames)
        spot = QRectF(STEP * round(right / STEP + GAP / STEP), STEP * round((middle.y() - 14) / STEP), 128, 28)
        while found := self.view.frames_in(spot):
            spot.moveLeft(STEP * round((max(frame.right() for frame in found) + GAP) / STEP))
        return spot.x(), spot.y()

    def _shown(self, path: str) -> str:
        """The layer or group of the shown network that a path lies in."""
        home = self.canvas.document.view.path
        below = path[len(home) + 1 :] if home else path
        return within(home, below.partition(".")[0])


def _on_grid(spot: QPointF) -> tuple[float, float]:
    return STEP * round(spot.x() / STEP), STEP * round(spot.y() / STEP)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _distance(wire: WireItem, point: QPointF) -> float:
    """How far a wire passes from a point."""
    path = wire.path()
    offsets = (path.pointAtPercent(n / 16) - point for n in range(17))
    return min(offset.x() ** 2 + offset.y() ** 2 for offset in offsets)
