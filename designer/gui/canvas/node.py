"""The item of a layer in the scene, and what of it is under the pointer."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

from NodeGraphQt.constants import Z_VAL_NODE
from NodeGraphQt.qgraphics.node_abstract import AbstractNodeItem
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsItem

from designer.gui.canvas.form import HEADER, NARROW, ROW, SECTION, Form, form, signs_width
from designer.gui.canvas.look import LearnableRow, Look
from designer.gui.canvas.paint import NAME_LEFT, NEAR, name_place, paint_node
from designer.gui.canvas.paint_errors import guarded
from designer.gui.canvas.pill import pill_width
from designer.gui.canvas.port import IN, OUT, PortItem
from designer.gui.canvas.stubs import Stub, hang
from designer.gui.drawing import text_width

if TYPE_CHECKING:
    from designer.gui.canvas.viewer import Viewer

MARGIN = 24  # for shadow, ring, diamonds and the stubs of wires


class Part(NamedTuple):
    """What of a node is under the pointer."""

    what: str = "body"  # or name, badge, alike, fold, group, takes, offers
    row: LearnableRow | None = None


class NodeItem(AbstractNodeItem):
    """The item of one layer; one item and its ports, painted in one go."""

    # WORKAROUND: the stock items have it in Python, which Qt then calls up to eight times for each item that comes.
    itemChange = QGraphicsItem.itemChange

    def __init__(self, name: str = "", parent=None):
        # WORKAROUND: the stock one sets flags and a cache that are not wanted, and some Qt never forgets.
        QGraphicsItem.__init__(self, parent)
        self.setZValue(Z_VAL_NODE)
        self._properties = {"id": None, "name": name, "type_": "", "layout_direction": 0, "selected": False}
        self._properties |= {"disabled": False, "visible": True}
        self.stage: Viewer | None = None  # the view that it is shown in
        self.look: Look | None = None
        self._face: tuple[Hashable, ...] | None = None
        self.form = Form(NARROW, HEADER, HEADER, HEADER, {}, {})
        self.frame = QRectF(0, 0, NARROW, HEADER)  # its rectangle in the scene, without shadow
        self.hovered = False
        self.lit = False  # it takes part in a tie of what is selected
        self.mark = ""  # "target" of data or of a "tie", or "refused", while a wire is held over it
        self.stubs: list[Stub] = []  # of wires that are not drawn
        self._inputs: list[PortItem] = []
        self._outputs: list[PortItem] = []
        self._area = QRectF()

    # What NodeGraphQt asks of a node item.

    name = property(lambda self: self._properties["name"], lambda self, name: self._properties.update(name=name))
    inputs = property(lambda self: list(self._inputs))
    outputs = property(lambda self: list(self._outputs))
    widgets = property(lambda self: {})

    def add_input(self, name, multi_port=False, display_name=True, locked=False, painter_func=None):
        return self._add(self._inputs, IN, name, multi_port)

    def add_output(self, name, multi_port=False, display_name=True, locked=False, painter_func=None):
        return self._add(self._outputs, OUT, name, multi_port)

    def _add(self, ports: list[PortItem], side: str, name: str, multi: bool) -> PortItem:
        port = PortItem(self, side, name, multi)
        ports.append(port)
        return port

    def delete_input(self, port):
        self._drop(self._inputs, port)

    def delete_output(self, port):
        self._drop(self._outputs, port)

    def _drop(self, ports: list[PortItem], port: PortItem) -> None:
        assert not port.connected_pipes, port
        ports.remove(port)

    # What it is and where.

    def show(self, look: Look) -> None:
        """Take on a look; its ports must be those of the look already."""
        self.look, self._properties["name"], self._face = look, look.name, None
        made = form(look)
        if (made.width, made.height) != (self.form.width, self.form.height) or self._area.isNull():
            # WORKAROUND: no stock item says so, and Qt's index crashes on an item that shrank and is then removed.
            self.prepareGeometryChange()
            self._area = QRectF(0, 0, made.width, made.height).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
        grown, changed, self.form = made[:2] != self.form[:2], made != self.form, made
        shown = self.scene() is not None
        if grown:
            self._keep_frame()
            if shown:
                self.stage.node_moved(self)
        self._width, self._height = made.width, made.height
        for ports, looks, places in (
            (self._inputs, look.inputs, made.inputs),
            (self._outputs, look.outputs, made.outputs),
        ):
            for port, port_look in zip(ports, looks):
                assert port.name == port_look.name, (port.name, port_look.name)
                port.look = port_look
                port.place(places[port.name])
        self.stubs = hang(self, self.stubs)
        if shown:
            if changed:
                self.redraw_wires()
            self.update()

    @property
    def face(self) -> tuple[Hashable, ...]:
        """All that it shows beside its name, as something that is the same for nodes that look the same."""
        if self._face is None:
            ports = [(port.x(), port.y(), port.look.diamond, port.look.label, port.look.row) for port in self.ports()]
            look = self.look._replace(path="", name="", owns="", says=(), inputs=(), outputs=())
            form = self.form
            self._face = look, form.width, form.height, form.section, form.rows, form.top, *ports
        return self._face

    def boundingRect(self) -> QRectF:
        return self._area

    def _keep_frame(self) -> None:
        at = self.pos()
        self.frame = QRectF(at.x(), at.y(), self.form.width, self.form.height)

    def ports(self) -> list[PortItem]:
        return self._inputs + self._outputs

    def port(self, name: str, out: bool) -> PortItem | None:
        return next((port for port in (self._outputs if out else self._inputs) if port.name == name), None)

    def row_of(self, y: float) -> LearnableRow | None:
        index = int((y - self.form.rows) // ROW)
        return self.look.rows[index] if 0 <= index < len(self.look.rows) and y >= self.form.rows else None

    def row_top(self, row: LearnableRow) -> float:
        return self.form.rows + ROW * self.look.rows.index(row)

    def switch_rect(self, row: LearnableRow, offers: bool) -> QRectF:
        """Where a switch takes clicks: 20 by 20 around its 12."""
        x = self.form.width - 18 if offers else 18
        return QRectF(x - 10, self.row_top(row), 20, 20)

    def part_at(self, at: QPointF, zoom: float) -> Part:
        """What is under a point, given in its own coordinates, of what is drawn at a zoom."""
        look, wide, y = self.look, self.form.width, at.y() - self.form.top
        if look.kind == "capsule" or y < 0:
            return Part()
        if y < HEADER:
            if look.trouble and at.x() > wide - 32 and y < 28:
                return Part("badge")
            right = wide - 12 - signs_width(look.trouble, look.frozen)
            if look.alike and zoom >= NEAR and right - pill_width(look.alike) <= at.x() <= right and 6 <= y <= 26:
                return Part("alike")
            baseline, px, room = name_place(self, zoom)
            beside = 0 <= at.x() - NAME_LEFT <= min(text_width(look.name, px, 600), room)
            return Part("name") if beside and baseline - px - 1 <= y <= baseline + 0.4 * px else Part()
        if look.section and self.form.section <= at.y() < self.form.section + SECTION:
            label = at.x() < 24 + text_width("Learnables", 11) + 6
            return Part("fold") if look.unfolds and label else Part()
        row = self.row_of(at.y()) if look.section and zoom >= NEAR else None
        if row is None or not look.unfolded or not row.switches:
            return Part()
        for offers in (False, True):
            if self.switch_rect(row, offers).contains(at):
                return Part("offers" if offers else "takes", row)
        return Part("group", row) if row.head else Part()

    # What follows when it moves or is asked to draw.

    def redraw_wires(self) -> None:
        for port in self._inputs + self._outputs:
            for wire in port.connected_pipes:
                wire.redraw()

    def setPos(self, *place) -> None:
        """Stand at a point of the scene; all that moves nodes comes here, instead of a Python hook in each item."""
        super().setPos(*place)
        self._keep_frame()
        if self.scene() is not None:
            self.redraw_wires()
            self.stage.node_moved(self)

    def moveBy(self, dx: float, dy: float) -> None:
        self.setPos(self.x() + dx, self.y() + dy)

    def rest(self) -> None:
        """Be out of the scene, as something that may come back: nobody points at it."""
        self.hovered = self.lit = False
        self.mark = ""
        for stub in self.stubs:
            stub.hovered = False
        if self.zValue() != Z_VAL_NODE:  # it was selected
            self.setSelected(False)
            self.setZValue(Z_VAL_NODE)

    @guarded
    def paint(self, painter, option, widget=None):
        paint_node(painter, self, screen=widget is not None)
