"""The item of a wire: a solid curve for data, a dashed amber way for a tie."""

from typing import TYPE_CHECKING

from NodeGraphQt.qgraphics.pipe import PipeItem
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPainterPathStroker, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsPathItem

from designer.gui.canvas.labels import shape_rect
from designer.gui.canvas.paint import NEAR
from designer.gui.canvas.paint_errors import guarded
from designer.gui.canvas.pill import TIE_HIGH, draw_tie_pill, tie_pill_width
from designer.gui.canvas.ways import SHORT
from designer.gui.drawing import draw_text
from designer.gui.theme import Theme, faded, mix
from designer.model import Port

if TYPE_CHECKING:
    from designer.gui.canvas.port import PortItem
    from designer.gui.canvas.viewer import Viewer

STUB = 12.0  # what is left of a tie that is not drawn
DASHES = [3.5, 2.5]
FAINT = 0.6  # of a hidden wire that is looked at


class WireItem(PipeItem):
    """A wire between two ports; ``target`` is its name, since an input holds one wire."""

    # WORKAROUND: the stock one paints its own colours when it is selected, and is called for each wire that comes.
    itemChange = QGraphicsPathItem.itemChange

    def __init__(self, stage: "Viewer"):
        # WORKAROUND: the stock pipe brings an item of its own for an arrow, and a cache for each wire.
        QGraphicsPathItem.__init__(self)
        self._input_port = self._output_port = None
        self._color = self._style = 0
        self._active = self._highlight = False
        self.stage = stage  # the view that it is shown in
        self.source = self.target = Port("", "")
        self.learnable = False
        self.label = ""  # the shape, of a tie with the name of the learnable
        self.saves = ""  # said on the label of a selected tie
        self.lit = False  # a layer at one of its ends is selected
        self.hidden = False  # by the user: its ends say where it leads
        self.pointed = False  # the pointer is at one of these, so a hidden one is seen as long as that lasts
        self.hovered = False
        self.takes = False  # a layer is held over it that a release would put on it
        self.pulled = False  # its end is held by the pointer, so it is drawn from there
        self.ends = QPointF(), QPointF()
        self.corners: list[QPointF] = []  # between its ends, where it goes round layers
        self.lines: list[QLineF] | None = None  # its way as the map draws it; None: not made yet
        self.seen = -1  # how often nodes had moved when its way was found
        self._middle, self._room, self._upright = QPointF(), 0.0, False
        self._bounds = QRectF()
        self._shape: tuple[float, QPainterPath] | None = None
        self._told: tuple[tuple[int, str, str], QRectF] | None = None  # where its shape stands among the others

    # What NodeGraphQt asks of a pipe.

    def draw_path(self, start_port, end_port=None, cursor_pos=None):
        self.redraw()

    def set_connections(self, port1, port2):
        # WORKAROUND: the stock one looks up values of enums, which takes longer than all else it does.
        self._output_port, self._input_port = port1, port2
        port1.add_pipe(self)
        port2.add_pipe(self)

    def delete(self):
        if self.scene():
            self.stage.wire_gone(self)
        super().delete()

    def reset(self):
        self.update()

    highlight = activate = reset

    # Where it lies.

    def redraw(self) -> None:
        """Find its way anew."""
        if (
            self._input_port is None
            or self._output_port is None
            or self.scene() is None
            or self.stage.leading.waits(self)
        ):
            return
        self.ends = start, end = self._output_port.anchor(), self._input_port.anchor()
        self.seen = self.stage.leading.moves
        if self.hidden and not self.traced:
            self._vanish()
            return
        path, self.corners, self._middle, self._room, self._upright = self.stage.leading.ways.find(self, start, end)
        self._shape = self.lines = self._told = None
        self.prepareGeometryChange()
        aside = 16.0 + (self.label_size().width() if self.stage.down else 0)
        self._bounds = path.boundingRect().adjusted(-aside, -24, aside, 24)  # the label lies in it
        self.setPath(path)
        self.stage.wire_led(self)

    def _vanish(self) -> None:
        """Lie nowhere, and in nobody's way."""
        self.stage.leading.ways.leave(self)
        self.corners, self._shape, self.lines = [], None, None
        if not self.path().isEmpty():
            self.prepareGeometryChange()
            self._bounds = QRectF()
            self.setPath(QPainterPath())
        self.stage.wire_led(self)

    def boundingRect(self) -> QRectF:
        return self._bounds

    def shape(self) -> QPainterPath:
        # WORKAROUND: QGraphicsPathItem takes clicks in the whole area under a curve.
        return self.near(10.0)

    def near(self, width: float) -> QPainterPath:
        """The band of a width around the line; the stubs only, where no more is drawn."""
        if self._shape is None or self._shape[0] != width:
            stroker = QPainterPathStroker()
            stroker.setWidth(width)
            self._shape = width, stroker.createStroke(self.path())
        return self._shape[1]

    def pill_rect(self) -> QRectF:
        """Where the label of a tie lies; nowhere if there is no room for it."""
        if not self.learnable or not self.label:
            return QRectF()
        width = tie_pill_width(self.pill_text)
        if width > self._room:
            return QRectF()
        left = self._middle.x() - (TIE_HIGH / 2 if self._upright else width / 2)
        return QRectF(round(left), round(self._middle.y() - TIE_HIGH / 2), width, TIE_HIGH)

    def label_size(self) -> QRectF:
        """The room that the label of a tie takes beside an upright part, from where it hangs; that of data is less."""
        text = f"{self.label}   saves {self.saves}" if self.saves else self.label
        return QRectF(-TIE_HIGH / 2, -TIE_HIGH / 2, tie_pill_width(text), TIE_HIGH)

    @property
    def pill_text(self) -> str:
        """The label, of a selected tie with what it saves where that fits."""
        text = f"{self.label}   saves {self.saves}"
        told = self.saves and (self.isSelected() or self.lit) and tie_pill_width(text) <= self._room
        return text if told else self.label

    @property
    def traced(self) -> bool:
        """Whether it has a way at all; a hidden one only while it, an end of it or a stub of it is looked at."""
        return not self.hidden or self.lit or self.pointed or self.isSelected()

    @property
    def drawn(self) -> bool:
        """Whether all of it is drawn, not its stubs only."""
        return not self.hidden and self.allowed

    @property
    def allowed(self) -> bool:
        """Whether wires of its kind are drawn: ties may be off."""
        mode = self.stage.ties
        return not self.learnable or mode == "all" or (mode == "selected" and (self.lit or self.isSelected()))

    @property
    def room(self) -> float:
        """How far apart its ends are, in the direction of data."""
        way = self.ends[1] - self.ends[0]
        return float(way.y() if self.stage.down else way.x())

    def span(self) -> float:
        """How far it leads, on or back."""
        way = self._input_port.anchor() - self._output_port.anchor()
        return float(abs(way.y() if self.stage.down else way.x()))

    @property
    def passes(self) -> bool:
        """Whether its way depends on the layers between its ends."""
        return self.learnable or not 0 < self.room < SHORT

    @property
    def level(self) -> float:
        """How far it goes on from its source before it leads around layers."""
        start = self.ends[0]
        turn = next((at for at in self.corners if at.y() != start.y()), self.ends[1])
        return float(turn.x() - start.x())

    # How it looks.

    @guarded
    def paint(self, painter: QPainter, option, widget=None) -> None:
        if self.pulled:
            return
        viewer = self.stage
        theme, zoom = viewer.theme, painter.worldTransform().m11()
        strong = self.isSelected() or self.lit or self.takes
        color = QColor(theme.learn if self.learnable else theme.accent if strong else theme.data)
        width = 2.5 if strong else 2.0
        if viewer.dims and not strong:
            color = faded(color, 0.3)
        if self.hovered:
            color, width = mix(color, theme.text1, 0.35), 3.0
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.hidden:
            if self.traced and (self.allowed or self.pointed):
                painter.setPen(
                    wire_pen(faded(theme.learn if self.learnable else theme.data, FAINT), 1.5, self.learnable)
                )
                painter.drawPath(self.path())
            return
        if not self.drawn:
            self._paint_stubs(painter, color, width)
            return
        path = self.path()
        if strong:
            halo = faded(theme.learn if self.learnable else theme.accent, 0.24)
            painter.setPen(QPen(halo, 8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
            painter.drawPath(path)
        painter.setPen(wire_pen(color, width, self.learnable))
        painter.drawPath(path)
        if zoom < NEAR:
            return
        if self.learnable:
            draw_arrow(painter, color, self.ends[1], self._falls(self._input_port))
            self._paint_pill(painter, theme, color)
        elif zoom >= 0.75 and self.label:
            self._paint_label(painter, theme, viewer.dims and not strong)

    def _paint_stubs(self, painter: QPainter, color: QColor, width: float) -> None:
        painter.setPen(wire_pen(color, width, True))
        for at, port, way in zip(self.ends, (self._output_port, self._input_port), (8 + STUB, -8 - STUB)):
            painter.drawLine(at, at + (QPointF(0, way) if self._falls(port) else QPointF(way, 0)))

    def _falls(self, port: "PortItem | None") -> bool:
        """Whether it leaves or enters a port on an upper or lower edge."""
        return bool(self.stage.down and port is not None and not port.look.diamond)

    def shape_rect(self) -> QRectF:
        """Where the shape stands; while something is dragged, what lies still stays as it is told."""
        led, gesture = (self.stage.leading.led, self.label, self.stage.ties), self.stage.gesture
        if self._told is None or (self._told[0] != led and not (gesture is not None and gesture.dragging)):
            before, self._told = self._told, (led, shape_rect(self))
            if before is not None and before[1] != self._told[1]:
                self.update()  # more than what another wire left or came to
        return self._told[1]

    def _paint_label(self, painter: QPainter, theme: Theme, faint: bool) -> None:
        rect = self.shape_rect()
        if not rect.isEmpty():
            color = theme.text3 if faint else theme.text2
            draw_text(
                painter,
                rect.x(),
                rect.y() + (10 if self.stage.down else 9),
                self.label,
                color,
                10,
                width=rect.width() + 1,
            )

    def _paint_pill(self, painter: QPainter, theme: Theme, color: QColor) -> None:
        rect = self.pill_rect()
        if rect.isEmpty():
            return
        draw_tie_pill(painter, theme, rect, self.pill_text, QPen(color, 1))


def wire_pen(color: QColor, width: float, dashed: bool) -> QPen:
    cap = Qt.PenCapStyle.FlatCap if dashed else Qt.PenCapStyle.RoundCap
    pen = QPen(color, width, Qt.PenStyle.SolidLine, cap, Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern(DASHES)
    return pen


def draw_arrow(painter: QPainter, color: QColor, port: QPointF, down: bool = False) -> None:
    """Draw the arrow that points at a borrower's diamond, or down at a port for data."""
    tip = port + (QPointF(0, -9) if down else QPointF(-9, 0))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    wings = [QPointF(-4, -7), QPointF(4, -7)] if down else [QPointF(-7, -4), QPointF(-7, 4)]
    painter.drawPolygon(QPolygonF([tip, *(tip + wing for wing in wings)]))
