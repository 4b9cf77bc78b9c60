"""The measures of a node: a function of what it shows."""

import math
from typing import NamedTuple

from PySide6.QtCore import QPointF

from designer.edits.outline import BARE, LABELS, abreast, at_most, breadth
from designer.gui.canvas.look import Look, PortLook
from designer.gui.canvas.pill import pill_width
from designer.gui.drawing import text_width

GRID = 8
HEADER, DATA_ROW, SECTION, HEADS, ROW, CAPSULE = 44, 24, 24, 16, 20, 28
NARROW, NARROW_LEARNING, WIDE = 112, 168, 280
MIDDLE = 22  # of the header: where a lone data port sits, so that the main line stays straight


class Form(NamedTuple):
    """The measures of a node."""

    width: float
    height: float
    section: float  # top of the line "Learnables"
    rows: float  # top of the first learnable
    inputs: dict[str, QPointF]
    outputs: dict[str, QPointF]
    top: float = 0.0  # of the header: under the names of the inputs, where data comes from above
    down: bool = False  # data does


def form(look: Look) -> Form:
    """Measure a node. Sizes stand on the grid of 8, the parts of a node on one of 4."""
    if look.kind == "capsule":
        return _capsule(look)
    data = [[port for port in side if port.row < 0] for side in (look.inputs, look.outputs)]
    if look.down:
        return _down(look, [[port for port in side if not port.diamond] for side in data])
    lines = max(len(side) if len(side) > 1 else 0 for side in data)
    section = HEADER + (DATA_ROW * lines + 4 if lines else 0)
    first = section + SECTION + (HEADS if look.unfolded else 0)
    height = section
    if look.section:
        height = first + (ROW * len(look.rows) + 6 if look.rows else 0)
    width = _needed_width(look, data)
    places: list[dict[str, QPointF]] = []
    for ports, side, x in zip((look.inputs, look.outputs), data, (0.0, width)):
        at = {}
        for port in ports:
            if port.row >= 0:
                y = first + ROW * port.row + ROW / 2
            elif len(side) > 1 and port in side:
                y = HEADER + DATA_ROW * side.index(port) + DATA_ROW / 2
            else:
                y = MIDDLE
            at[port.name] = QPointF(x, y)
        places.append(at)
    return Form(width, height, section, first, places[0], places[1])


def _down(look: Look, data: list[list[PortLook]]) -> Form:
    """Measure a node with its data ports on the upper and the lower edge, a lone one in the middle."""
    labels = [[text_width(port.label, 11) for port in side] for side in data]
    top, low = (LABELS if any(widths) else BARE for widths in labels)
    section = top + HEADER
    first = section + SECTION + (HEADS if look.unfolded else 0)
    height = section
    if look.section:
        height = first + (ROW * len(look.rows) + 6 if look.rows else 0)
    height += low
    width = 2 * _on_grid(max(_needed_width(look, []), *map(breadth, labels)) / 2)  # so is the middle
    places: list[dict[str, QPointF]] = []
    for ports, side, widths, x, y in zip((look.inputs, look.outputs), data, labels, (0.0, width), (0.0, height)):
        rows = (port for port in ports if port not in side)
        at = {
            port.name: QPointF(x, first + ROW * port.row + ROW / 2 if port.row >= 0 else top + MIDDLE) for port in rows
        }
        at |= {port.name: QPointF(width / 2 + far, y) for port, far in zip(side, abreast(widths))}
        places.append(at)
    return Form(width, height, section, first, places[0], places[1], top, True)


def _capsule(look: Look) -> Form:
    width = _on_grid(text_width(look.type, 11, 600) + text_width(look.summary, 11) + 58)
    height = max(CAPSULE, 16 * max(len(look.inputs), len(look.outputs)))
    places = []
    for ports, x in ((look.inputs, 0.0), (look.outputs, width)):
        step = height / (len(ports) + 1) if ports else 0
        places.append({port.name: QPointF(x, step * (n + 1)) for n, port in enumerate(ports)})
    return Form(width, height, height, height, places[0], places[1], down=look.down)


def signs_width(trouble: str, frozen: bool) -> float:
    """How much of a header its signs take: that something is wrong, that it is frozen."""
    return 22.0 * bool(trouble) + 20.0 * frozen


def _on_grid(width: float) -> float:
    return float(GRID * math.ceil(width / GRID))


def _needed_width(look: Look, data: list[list[PortLook]]) -> float:
    mono = look.type == "Operation"
    badges = signs_width(look.trouble, look.frozen) + (pill_width(look.alike) + 6 if look.alike else 0)
    low = NARROW_LEARNING if look.section else NARROW
    need = [low, 40 + text_width(look.subtitle, 11, mono=mono) + 12]
    if 52 + at_most(look.name, 13) + badges > low:  # names differ, so each would have to be measured
        need.append(52 + text_width(look.name, 13, 600) + badges)
    labels = [max((text_width(port.label, 11) for port in side), default=0) for side in data]
    if any(len(side) > 1 for side in data):
        need.append(sum(labels) + 28 + 16)
    if look.section:
        need.append(24 + text_width("Learnables", 11) + 12 + text_width(look.total, 11, 500) + 12)
    for row in look.rows:
        tail = f"from {row.source}" if row.source else row.shape
        room = text_width(row.label, 11, 500) + (8 + text_width(tail, 10) if tail else 0) + 14 * bool(row.source)
        need.append(room + (64 + 12 * bool(row.group) if look.unfolded else 28))
    return min(WIDE, _on_grid(max(need)))
