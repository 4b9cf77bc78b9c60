"""The ways of all wires of a scene: each is found among the layers and the wires that lie there already."""

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from designer.gui.canvas.beside import End, beside, route
from designer.gui.canvas.detours import NEAR, Lane, Neighbour, Others, lanes, lead
from designer.gui.canvas.routes import (
    EXCHANGED,
    OUT,
    PITCH,
    Lanes,
    Route,
    curve,
    exchanged,
    exchanged_rect,
    rounded,
    tie,
)
from designer.gui.canvas.turns import turned

if TYPE_CHECKING:
    from designer.gui.canvas.port import PortItem
    from designer.gui.canvas.viewer import Viewer
    from designer.gui.canvas.wire import WireItem

SHORT = 112.0  # ends that are nearer have no layer between them
FAR = 1e6
DOWN = 3.0  # so much wider than high layers are about, where ways lead around their sides


class Way(NamedTuple):
    """Where a wire goes: its path, its corners where it leads around layers, and where its label has room."""

    path: QPainterPath
    corners: list[QPointF]
    middle: QPointF
    room: float
    upright: bool = False  # where the label hangs


class Ways:
    """Finds the way of each wire, and knows where the others lie level and stand upright."""

    def __init__(self, stage: "Viewer"):
        self.stage = stage
        self._level, self._upright = Lanes(), Lanes()

    def leave(self, wire: "WireItem") -> None:
        """Take a wire from where it lies."""
        self._level.leave(wire.target)
        self._upright.leave(wire.target)

    def find(self, wire: "WireItem", start: QPointF, end: QPointF) -> Way:
        """Find the way of a wire, which lies there from now on.

        A tie hangs below what it passes. Data goes on the plain curve where no layer stands between, else along
        lanes above or below them, else down between rows of layers, else as a tie does. From top to bottom all of
        that is found with left and top exchanged, except for ties.
        """
        self.leave(wire)
        down = self.stage.down
        if wire.learnable or (down and (wire.output_port.look.diamond or wire.input_port.look.diamond)):
            route = (self._beside if down else self._under)(wire, start, end)
            return Way(route.path, [], route.middle, route.room, route.upright)
        if down:
            path, corners = self._of_data(wire, exchanged(start), exchanged(end))
            return Way(EXCHANGED.map(path), [*map(exchanged, corners)], (start + end) / 2, 0.0)
        path, corners = self._of_data(wire, start, end)
        return Way(path, corners, (start + end) / 2, end.x() - start.x())

    def _of_data(self, wire: "WireItem", start: QPointF, end: QPointF) -> tuple[QPainterPath, list[QPointF]]:
        across = end.x() - start.x()
        if 0 < across < SHORT or self.stage.canvas.motion.nodes_glide:
            return self._plain(wire, start, end)
        if across >= 2 * OUT:
            if abs(end.y() - start.y()) < 1 and not self._frames(wire, QRectF(start, end).adjusted(2, -4, -2, 4)):
                return self._plain(wire, start, end)
            others = self._others(wire)
            way = lanes(start, end, NEAR * others.scale, lambda rect: self._frames(wire, rect), others)
            if way is None:
                return self._plain(wire, start, end)
            if way:
                return self._along(wire, start, end, way)
        if corners := self._turned(wire, start, end):
            return rounded([start, *corners, end]), corners
        if across >= 2 * OUT and (way := lanes(start, end, FAR, lambda rect: self._frames(wire, rect), others)):
            return self._along(wire, start, end, way)
        route = self._under(wire, start, end)
        y = route.lane
        return route.path, [] if y is None else [QPointF(start.x() + OUT, y), QPointF(end.x() - OUT, y)]

    def _frames(self, wire: "WireItem", rect: QRectF) -> list[QRectF]:
        """The frames of the layers in a rectangle that the wire does not join."""
        if self.stage.down:
            found = self.stage.frames_in(exchanged_rect(rect), wire.output_port.node, wire.input_port.node)
            return [*map(exchanged_rect, found)]
        return self.stage.frames_in(rect, wire.output_port.node, wire.input_port.node)

    def _ends(self, wire: "WireItem") -> tuple[QRectF, QRectF]:
        """The frames of the layers that a wire joins."""
        first, last = wire.output_port.node.frame, wire.input_port.node.frame
        return (exchanged_rect(first), exchanged_rect(last)) if self.stage.down else (first, last)

    def _others(self, wire: "WireItem") -> Others:
        owner, known = wire.source, self._level
        at = QPointF.x if self.stage.down else QPointF.y
        out, into = wire.output_port, wire.input_port
        return Others(
            lambda left, right, y: known.free(owner, left, right, y),
            lambda left, right, y: known.crossed(owner, left, right, y),
            known.tracks(owner),
            [*_neighbours(out.node.outputs, out, at), *_neighbours(into.node.inputs, into, at)],
            DOWN if self.stage.down else 1.0,
        )

    def _plain(self, wire: "WireItem", start: QPointF, end: QPointF) -> tuple[QPainterPath, list[QPointF]]:
        self._level.step(wire.target, wire.source, (start.x() + end.x()) / 2, start.y(), end.y())
        return curve(start, end), []

    def _along(
        self, wire: "WireItem", start: QPointF, end: QPointF, way: list[Lane]
    ) -> tuple[QPainterPath, list[QPointF]]:
        at, corners = start, []
        for lane in way:
            self._level.take(wire.target, wire.source, *lane)
            self._level.step(wire.target, wire.source, (at.x() + lane.left) / 2, at.y(), lane.y)
            at = QPointF(lane.right, lane.y)
            corners += [QPointF(lane.left, lane.y), at]
        self._level.step(wire.target, wire.source, (at.x() + end.x()) / 2, at.y(), end.y())
        return lead(start, end, way), corners

    def _turned(self, wire: "WireItem", start: QPointF, end: QPointF) -> list[QPointF]:
        """The corners of a way down to a later row; where all tracks between two columns are taken, one is shared."""
        first, last = self._ends(wire)
        if last.top() < first.bottom():
            return []
        area = self.stage.canvas.area()
        owner, left = wire.source, area.top() if self.stage.down else area.left()
        corners: list[QPointF] = []
        for shares in (False, True):
            corners = turned(
                start,
                end,
                first,
                last,
                left,
                lambda rect: self._frames(wire, rect),
                lambda left, right, y: self._level.free(owner, left, right, y),
                lambda top, bottom, x, shares=shares: shares or self._upright.free(owner, top, bottom, x),
            )
            if corners:
                break
        for one, other in itertools.pairwise(corners):
            if one.y() == other.y():
                self._level.take(wire.target, owner, min(one.x(), other.x()), max(one.x(), other.x()), one.y())
            else:
                self._upright.take(wire.target, owner, min(one.y(), other.y()), max(one.y(), other.y()), one.x())
        return corners

    def _under(self, wire: "WireItem", start: QPointF, end: QPointF) -> Route:
        """The way of a tie, or of data that runs backwards past other layers."""
        owner, (first, last) = wire.source, self._ends(wire)
        lowest = max(first.bottom(), last.bottom())

        def beside(at: QPointF, side: int) -> float:
            """How far from a port a free track leads down."""
            tracks = (OUT + n * PITCH for n in range(3))
            top, bottom = min(at.y(), lowest), max(at.y(), lowest)
            return next((far for far in tracks if self._upright.free(owner, top, bottom, at.x() + side * far)), OUT)

        out, back = beside(start, 1), beside(end, -1)
        left, right = sorted((start.x() + out, end.x() - back))
        route = tie(
            start,
            end,
            lowest,
            lambda rect: self._frames(wire, rect),
            lambda y: self._level.free(owner, left, right, y),
            (out, back),
            (min(first.bottom(), last.bottom()), max(first.top(), last.top())),
        )
        if route.lane is not None:
            self._level.take(wire.target, owner, left, right, route.lane)
            for x, y in ((start.x() + out, start.y()), (end.x() - back, end.y())):
                self._upright.take(wire.target, owner, min(y, route.lane), max(y, route.lane), x)
        return route

    def _beside(self, wire: "WireItem", start: QPointF, end: QPointF) -> Route:
        """The way of a tie from top to bottom: upright parts of it are what is level for the data there."""
        owner, out, into = wire.source, wire.output_port, wire.input_port
        corners = beside(
            End(start, out.node.frame, out.look.diamond),
            End(end, into.node.frame, into.look.diamond),
            lambda rect: self.stage.frames_in(rect, out.node, into.node),
            lambda left, right, y: self._upright.free(owner, left, right, y),
            lambda top, bottom, x: self._level.free(owner, top, bottom, x),
        )
        for one, other in itertools.pairwise([start, *corners, end] if corners else ()):
            if one.x() == other.x():
                self._level.take(wire.target, owner, min(one.y(), other.y()), max(one.y(), other.y()), one.x())
            else:
                self._upright.take(wire.target, owner, min(one.x(), other.x()), max(one.x(), other.x()), one.y())
        return route(start, corners, end, wire.label_size(), self.stage.frames_in)


def _neighbours(ports: "list[PortItem]", but: "PortItem", height: Callable[[QPointF], float]) -> list[Neighbour]:
    """The wires at the other data ports of a side: how far these lie below a port, and where their other ends are."""
    found = []
    for port in ports:
        if port is not but and not port.look.diamond:
            down = height(port.anchor()) - height(but.anchor())
            for wire in port.connected_pipes:
                if wire.hidden:
                    continue
                other = wire.input_port if port.out else wire.output_port
                found.append(Neighbour(down, height(other.anchor())))
    return found
