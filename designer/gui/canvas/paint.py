"""Painting a node near by; from afar the map does it."""

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPaintEngine, QPainter, QPen, QPixmap

from designer.gui import theme as themes
from designer.gui.canvas.form import ROW, SECTION, signs_width
from designer.gui.canvas.look import LearnableRow
from designer.gui.canvas.pill import draw_pill, pill_width
from designer.gui.canvas.port import draw_port
from designer.gui.canvas.stamps import onto_pixels, stamp
from designer.gui.drawing import draw_checkbox, draw_icon, draw_text, draw_tile, text_width, tile_icon
from designer.gui.theme import Theme, faded, mix

if TYPE_CHECKING:
    from designer.gui.canvas.node import NodeItem
    from designer.gui.canvas.port import PortItem

NEAR, MIDWAY, FAR = 0.70, 0.40, 0.15  # from these zooms on: everything; names and ports; blocks; below, the map
NO_PEN, NO_BRUSH = Qt.PenStyle.NoPen, Qt.BrushStyle.NoBrush
ELIDE_MIDDLE = Qt.TextElideMode.ElideMiddle
ELIDE_LEFT = Qt.TextElideMode.ElideLeft
RADIUS = 8
NAME_LEFT = 40
SPREAD, CORNER = 6, 20  # of shadows: how far they reach, and how wide their border is


class Plate(NamedTuple):
    """All of a node that looks alike in many: its frame, its tile, the line of its learnables."""

    width: float
    height: float
    kind: str
    edge: str  # the name of a colour
    tied: bool
    category: str
    type: str
    frozen: bool
    top: float  # of its header
    section: float | None  # top of the line of its learnables
    arrow: str  # in that line
    near: bool  # else only what can be told apart from afar


def paint_node(painter: QPainter, node: "NodeItem", screen: bool) -> None:
    """Paint all of a node, or from below 70 % its name and its ports; farther off the map is drawn instead.

    On the screen all of it is stamped while the zoom stays, and while it changes what others show too, which is all
    but its name. A picture for elsewhere is drawn the same each time.
    """
    stage, frame = node.stage, QRectF(0, 0, node.form.width, node.form.height)
    theme, zoom, steady = stage.theme, painter.worldTransform().m11(), stage.steady
    onto_pixels(painter)
    if not screen:
        _draw_node(painter, node, theme, zoom, named=True)
        return
    draw = functools.partial(_draw_node, node=node, theme=theme, zoom=zoom, named=steady)
    if stage.seen_before(node.face) or steady:
        ports = tuple([(port.wired, _halo(node, port)) for port in node.ports()])
        name = node.look.name if steady else ""
        stamp(painter, QPointF(), _reach(frame), (theme.name, node.face, name, _state(node), ports, zoom), draw)
    else:
        draw(painter)
    if not steady:
        _name(painter, node, theme, zoom)


def _reach(frame: QRectF) -> QRectF:
    """The rectangle that a node paints in, with its shadow, its ports and the sheets behind a group."""
    return frame.adjusted(-12, -12, 12, 16)


def _state(node: "NodeItem") -> tuple[str, bool, bool]:
    return _edge(node), node.lit, node.hovered


def _draw_node(painter: QPainter, node: "NodeItem", theme: Theme, zoom: float, named: bool) -> None:
    if node.look.kind == "capsule":
        setting, px = (node.look.summary, 11) if zoom >= NEAR else ("", round(9 / zoom))
        form = node.form
        draw_capsule(painter, theme, form.width, form.height, node.look.type, setting, _edge(node), px)
    else:
        plate = _plate(node, zoom)
        area, draw = QRectF(0, 0, plate.width, plate.height), functools.partial(_draw_plate, theme=theme, plate=plate)
        stamp(painter, QPointF(), _reach(area), (theme.name, plate), draw)
        _header(painter, node, theme, zoom)
        if zoom >= NEAR:
            _port_labels(painter, node, theme)
        if node.look.section:
            _learnables(painter, node, theme, zoom)
        if named:
            _name(painter, node, theme, zoom)
    for port in node.ports():
        diamond = port.look.diamond
        halo = (theme.learn if diamond else theme.data) if _halo(node, port) else None
        draw_port(painter, theme, port.pos(), diamond=diamond, filled=port.wired, halo=halo)


def _halo(node: "NodeItem", port: "PortItem") -> bool:
    return node.hovered or port.hovered or port.fits or port.lit


def _plate(node: "NodeItem", zoom: float) -> Plate:
    look, form, near = node.look, node.form, zoom >= NEAR
    arrow = ("chevron-down" if look.unfolded else "chevron-right") if near and look.unfolds else ""
    section = form.section if look.section else None
    tile = look.category, look.type, look.frozen
    return Plate(form.width, form.height, look.kind, _edge(node), node.lit, *tile, form.top, section, arrow, near)


def category_color(theme: Theme, category: str) -> QColor:
    """The colour of a node seen from afar; groups have no hue."""
    return mix(theme.node, theme.text3, 0.35) if category == "Group" else theme.category[category]


def _edge(node: "NodeItem") -> str:
    """What the outline of a node says, as the name of a colour."""
    if node.mark:
        return {"target": "data", "tie": "learn", "refused": "error"}[node.mark]
    if node.isSelected():
        return "accent"
    if node.look.trouble:
        return node.look.trouble
    return "control" if node.hovered else "edge"


def draw_shadow(painter: QPainter, theme: Theme, rect: QRectF) -> None:
    """Draw the shadow around a rectangle: from one picture, since blending large areas is slow."""
    around = rect.adjusted(-SPREAD, 4 - SPREAD, SPREAD, 4 + SPREAD)
    if painter.paintEngine().type() == QPaintEngine.Type.SVG:  # it draws no parts of pictures
        _cast(painter, theme, around)
        return
    painter.drawPixmap(around.topLeft(), _shadow(theme.name, math.ceil(around.width()), math.ceil(around.height())))


@functools.lru_cache(256)
def _shadow(name: str, width: int, height: int) -> QPixmap:
    """The shadow of a rectangle, empty where that lies on it."""
    theme, picture = themes.named(name), QPixmap(width, height)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _cast(painter, theme, QRectF(0, 0, width, height))
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    painter.fillRect(CORNER, CORNER, width - 2 * CORNER, height - 2 * CORNER, Qt.GlobalColor.transparent)
    painter.end()
    return picture


def _cast(painter: QPainter, theme: Theme, around: QRectF) -> None:
    painter.setPen(NO_PEN)
    for spread, strength in ((10, 0.10), (6, 0.16), (3, 0.25)):
        painter.setBrush(faded(theme.shadow, theme.shadow.alphaF() * strength))
        inset, radius = SPREAD - spread / 2, RADIUS + spread / 2
        painter.drawRoundedRect(around.adjusted(inset, inset, -inset, -inset), radius, radius)


def _draw_plate(painter: QPainter, theme: Theme, plate: Plate) -> None:
    _frame(painter, theme, plate)
    tile = QRectF(8, plate.top + 10, 24, 24)
    draw_tile(painter, theme, plate.category, tile, layer_type=plate.type, faint=plate.frozen)
    if (top := plate.section) is None:
        return
    painter.setPen(QPen(theme.border, 1))
    painter.drawLine(QPointF(1, top + 0.5), QPointF(plate.width - 1, top + 0.5))
    if plate.arrow:
        draw_icon(painter, plate.arrow, QRectF(8, top + 6, 12, 12), theme.text3, 2.5)
    if plate.near:
        draw_text(painter, 24 if plate.arrow else 12, top + 16, "Learnables", theme.text2, 11)


def _frame(painter: QPainter, theme: Theme, plate: Plate) -> None:
    rect = QRectF(0, 0, plate.width, plate.height)
    edge = plate.edge
    if plate.near:
        draw_shadow(painter, theme, rect)
    if plate.kind == "group":  # two sheets behind
        for shift, alpha in ((8, 0.35), (4, 0.63)):
            painter.setPen(QPen(faded(theme.edge, alpha), 1))
            painter.setBrush(mix(theme.node, theme.canvas, shift / 10))
            painter.drawRoundedRect(rect.adjusted(shift, shift, -shift, shift), RADIUS, RADIUS)
    if edge in ("accent", "learn", "data"):
        painter.setPen(NO_PEN)
        painter.setBrush(faded(getattr(theme, edge), 0.22))
        painter.drawRoundedRect(rect.adjusted(-5, -5, 5, 5), RADIUS + 5, RADIUS + 5)
    strong = edge not in ("edge", "control")
    tied = plate.tied and not strong
    painter.setPen(QPen(theme.learn if tied else getattr(theme, edge), 2 if strong else 1.5 if tied else 1))
    painter.setBrush(theme.node)
    inset = 0 if strong else 0.5
    painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), RADIUS, RADIUS)


def _header(painter: QPainter, node: "NodeItem", theme: Theme, zoom: float) -> None:
    """Draw what stands in the header beside the name."""
    look, right, top = node.look, node.form.width - 12, node.form.top
    if look.trouble:
        sign = "octagon-alert" if look.trouble == "error" else "triangle-alert"
        draw_icon(painter, sign, QRectF(right - 16, top + 8, 16, 16), getattr(theme, look.trouble), 2.25)
        right -= 22
    if look.frozen:
        draw_icon(painter, "lock", QRectF(right - 14, top + 9, 14, 14), theme.text2, 2.25)
        right -= 20
    if zoom >= NEAR:
        if look.alike:
            draw_pill(painter, theme, right, top, look.alike, node.hovered)
        mono, room = look.type == "Operation", node.form.width - 12 - 40
        draw_text(painter, 40, top + 35, look.subtitle, theme.text2, 11, width=room, mono=mono)


def _name(painter: QPainter, node: "NodeItem", theme: Theme, zoom: float) -> None:
    look, top = node.look, node.form.top
    if look.kind == "capsule":
        return  # its type says all
    ink = mix(theme.text1, theme.text3, 0.5) if look.frozen else theme.text1
    baseline, px, room = name_place(node, zoom)
    draw_text(painter, NAME_LEFT, top + baseline, look.name, ink, px, 600, width=room, elide=ELIDE_MIDDLE)


def name_place(node: "NodeItem", zoom: float) -> tuple[float, int, float]:
    """Give where the name stands in the header of a node: its baseline, its size, and the room for it."""
    look, right = node.look, node.form.width - 12 - signs_width(node.look.trouble, node.look.frozen)
    if zoom >= NEAR:
        return 20, 13, right - NAME_LEFT - (pill_width(look.alike) + 6 if look.alike else 0)
    room = right - 36
    sizes = range(min(22, round(11 / zoom)), round(9 / zoom), -1)  # 11 down to 9 px on the screen
    fitting = (px for px in sizes if text_width(look.name, px, 600) <= room)
    return 30, next(fitting, round(9 / zoom)), room


def _port_labels(painter: QPainter, node: "NodeItem", theme: Theme) -> None:
    for port in node.ports():
        if port.look.label and port.look.row < 0 and node.look.down:
            y = -13 if port.out else 21
            draw_text(painter, port.x(), port.y() + y, port.look.label, theme.text2, 11, align="center")
        elif port.look.label and port.look.row < 0:
            x, align = (-14, "right") if port.out else (14, "left")
            draw_text(painter, port.x() + x, port.y() + 4, port.look.label, theme.text2, 11, align=align)


def _learnables(painter: QPainter, node: "NodeItem", theme: Theme, zoom: float) -> None:
    look, wide, top = node.look, node.form.width, node.form.section
    if zoom < NEAR:
        draw_text(painter, 12, top + 19, look.total, theme.text2, min(20, 10 / zoom), width=wide - 24)
        return
    x = (24 if look.unfolds else 12) + text_width("Learnables", 11)
    ink = theme.text3 if look.frozen else theme.text2
    room = wide - 12 - x - 4
    draw_text(painter, wide - 12, top + 16, look.total, ink, 11, 500, align="right", width=room, elide=ELIDE_LEFT)
    if look.unfolded and zoom >= 0.75:  # 10 px text ends there
        draw_text(painter, 12, top + SECTION + 11, "Input", theme.text3, 10, 500)
        draw_text(painter, wide - 12, top + SECTION + 11, "Output", theme.text3, 10, 500, align="right")
    for n, row in enumerate(look.rows):
        _row(painter, node, theme, row, node.form.rows + ROW * n + ROW / 2, zoom)


def _row(painter: QPainter, node: "NodeItem", theme: Theme, row: LearnableRow, y: float, zoom: float) -> None:
    wide, unfolded = node.form.width, node.look.unfolded
    on = {row.takes, row.offers} != {Qt.CheckState.Unchecked}
    ink = theme.learn_text if on else theme.text2
    left, right = (32.0, wide - 32.0) if unfolded and row.switches else (14.0, wide - 14.0)
    if unfolded and row.switches:
        draw_checkbox(painter, theme, QRectF(12, y - 6, 12, 12), row.takes)
        draw_checkbox(painter, theme, QRectF(wide - 24, y - 6, 12, 12), row.offers)
        if row.head:
            arrow = "chevron-down" if row.opened else "chevron-right"
            draw_icon(painter, arrow, QRectF(left - 2, y - 5, 10, 10), theme.text3, 3)
        if row.group:
            left += 12
    takes, offers = row.takes != Qt.CheckState.Unchecked, row.offers != Qt.CheckState.Unchecked
    tail = f"from {row.source}" if takes and row.source else f"to {row.target}" if row.target else row.shape
    if offers and not takes and not (unfolded and row.switches):  # the name stands beside its diamond
        used = draw_text(painter, right, y + 4, row.label, ink, 11, 500, align="right", width=right - left)
        if zoom >= 0.75 and (room := right - used - left - 8) > 20:
            draw_text(painter, left, y + 4, tail, theme.text3, 10, width=room)
        return
    used = draw_text(painter, left, y + 4, row.label, ink, 11, 500 if on else 400, width=right - left)
    room = right - left - used - 8
    if not tail or room < 30 or zoom < 0.75:
        return
    if takes and row.source:
        width = min(text_width(tail, 10), room - 14)
        draw_icon(painter, "link", QRectF(right - width - 14, y - 5, 10, 10), theme.learn, 2.5)
        draw_text(painter, right, y + 4, tail, theme.text2, 10, align="right", width=room - 14)
    else:
        draw_text(painter, right, y + 4, tail, theme.text3, 10, align="right", width=room)


def draw_capsule(
    painter: QPainter,
    theme: Theme,
    width: float,
    height: float,
    name: str,
    setting: str,
    edge: str = "edge",
    px: float = 11,
) -> None:
    """Draw a layer on a learnable wire: an amber capsule with name and setting in one line."""
    rect = QRectF(0, 0, width, height)
    if edge == "accent":
        painter.setPen(NO_PEN)
        painter.setBrush(faded(theme.accent, 0.22))
        painter.drawRoundedRect(rect.adjusted(-5, -5, 5, 5), 19, 19)
    color = getattr(theme, edge) if edge not in ("edge", "control") else theme.learn
    painter.setPen(QPen(color, 2 if edge != "edge" else 1.25))
    painter.setBrush(theme.learn_soft)
    painter.drawRoundedRect(rect.adjusted(0.6, 0.6, -0.6, -0.6), 14, 14)
    y = height / 2
    draw_icon(painter, tile_icon("Shape and maths", name), QRectF(14, y - 6, 12, 12), theme.learn, 2.5)
    used = draw_text(painter, 32, y + 0.36 * px, name, theme.text1, px, 600, width=width - 46)
    draw_text(painter, 32 + used + 6, y + 4, setting, theme.text2, 11)
