"""A picture of what is open, by the paint code of the canvas: for a file, the clipboard, a notebook."""

import dataclasses
import math
import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from designer.files.picture import DRAWN
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.paint import MIDWAY
from designer.gui.canvas.stubs import Stub
from designer.gui.canvas.wire import WireItem

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

MARGIN = 24.0  # around the layers
SHARP = 2.0  # pixels of a PNG for one of the canvas
LARGEST = 16_000  # pixels, of a side of a PNG
MOST = 64_000_000  # pixels of a PNG, a quarter of a GiB while it is drawn
FONTS = {  # where a reader has not the first one
    "Inter": "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif",
    "JetBrains Mono": "'JetBrains Mono', Consolas, Menlo, monospace",
}


def image(canvas: "Canvas", paths: Collection[str] = ()) -> QImage:
    """Draw some layers, or all, as pixels; from afar where they would be too many."""
    items, area = _what(canvas, paths)
    wide, high = max(1.0, area.width()), max(1.0, area.height())
    scale = min(SHARP, LARGEST / max(wide, high), math.sqrt(MOST / (wide * high)))
    made = QImage(max(1, round(wide * scale)), max(1, round(high * scale)), QImage.Format.Format_RGB32)
    made.setDotsPerMeterX(round(scale * 96 / 0.0254))
    made.setDotsPerMeterY(round(scale * 96 / 0.0254))
    painter = QPainter(made)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.scale(scale, scale)
    _paint(canvas, painter, items, area)
    painter.end()
    return made


def svg(canvas: "Canvas", paths: Collection[str] = ()) -> str:
    """Draw some layers, or all, as an SVG file, its text as text; equal for equal networks."""
    items, area = _what(canvas, paths)
    width, height = round(area.width()), round(area.height())
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(96)
    generator.setViewBox(QRect(0, 0, width, height))
    generator.setTitle("Network")
    generator.setDescription(DRAWN)
    painter = QPainter(generator)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint(canvas, painter, items, area)
    painter.end()
    text = bytes(content.data()).decode()
    text = re.sub(r'<svg width="[^"]*" height="[^"]*"', f'<svg width="{width}" height="{height}"', text, count=1)
    for name, fonts in FONTS.items():
        text = text.replace(f'font-family="{name}"', f'font-family="{fonts}"')
    return text


def _what(canvas: "Canvas", paths: Collection[str]) -> tuple[list[WireItem | NodeItem | Stub], QRectF]:
    """The items to draw, those below first, and the part of the scene that they take."""
    canvas.view.show_hover(None)
    canvas.view.leading.reroute()  # ties that wait for the next turn of the event loop
    nodes = [node for node in canvas.nodes() if not paths or node.look.path in paths]
    chosen = set(nodes)
    wires = [w for w in canvas.mirror.wires.values() if {w.output_port.node, w.input_port.node} <= chosen]
    area = QRectF()
    for item in (*wires, *nodes):
        if isinstance(item, NodeItem):
            area = area.united(item.frame)
        elif not item.hidden:
            area = area.united(item.path().boundingRect())
    stubs = [stub for node in nodes for stub in node.stubs]
    for stub in stubs:
        area = area.united(stub.pill_rect())
    return [*wires, *nodes, *stubs], area.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN).toAlignedRect().toRectF()


def _paint(canvas: "Canvas", painter: QPainter, items: list[WireItem | NodeItem | Stub], area: QRectF) -> None:
    """Draw items as they look when nothing is selected and the pointer is elsewhere."""
    document, view = canvas.document, canvas.view
    painter.translate(-area.topLeft())
    painter.fillRect(area, view.theme.canvas)
    canvas.mirror.select(dataclasses.replace(document.view, selection=frozenset()))
    painter.setClipRect(area)
    try:
        if painter.worldTransform().m11() < MIDWAY:
            view.map.paint(painter, view.theme, painter.worldTransform().m11(), document.view.ties == "all")
            return
        for item in items:
            painter.save()
            painter.translate(item.scenePos())
            item.paint(painter, None)
            painter.restore()
    finally:
        canvas.mirror.select(document.view)
