"""What many nodes show alike, drawn once for each zoom and then stamped: a picture is put down faster than drawn."""

import collections
import math
from collections.abc import Callable, Hashable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPaintEngine, QPainter, QPixmap, QTransform

HELD = 12_000_000  # pixels of all pictures together, 4 bytes each
RASTER = QPaintEngine.Type.Raster
LARGEST = HELD // 24  # of one picture: near by few are seen, which are drawn at once

_made: "collections.OrderedDict[Hashable, QPixmap]" = collections.OrderedDict()  # the one used last stands last
_held = 0  # pixels


def onto_pixels(painter: QPainter) -> None:
    """Move what is drawn next by less than a pixel, so that its origin lies on one: then it is as sharp as can be."""
    shown = painter.deviceTransform()
    if _on_screen(painter, shown):
        painter.translate(
            (round(shown.dx()) - shown.dx()) / shown.m11(), (round(shown.dy()) - shown.dy()) / shown.m22()
        )


def stamp(painter: QPainter, at: QPointF, area: QRectF, what: Hashable, draw: Callable[[QPainter], object]) -> None:
    """Draw at a point what ``what`` tells in full, and ``draw`` draws inside an area around the origin.

    It lands on whole pixels. Where the painter draws no pixels, or in huge ones, it is drawn as ever.
    """
    shown = painter.deviceTransform()
    scale = shown.m11()
    wide, high = math.ceil(area.width() * scale) + 2, math.ceil(area.height() * scale) + 2
    if not _on_screen(painter, shown) or wide * high > LARGEST:
        painter.save()
        painter.translate(at)
        draw(painter)
        painter.restore()
        return
    left, top = round(-area.x() * scale) + 1, round(-area.y() * scale) + 1  # of the origin in the picture
    key = what, round(scale, 6)
    picture = _made.get(key)
    if picture is None:
        picture = QPixmap(wide, high)
        picture.fill(Qt.GlobalColor.transparent)
        inner = QPainter(picture)
        inner.setRenderHints(painter.renderHints())
        inner.translate(left, top)
        inner.scale(scale, scale)
        draw(inner)
        inner.end()
        _keep(key, picture)
    else:
        _made.move_to_end(key)
    world, spot = painter.worldTransform(), shown.map(at)
    painter.resetTransform()
    bare = painter.deviceTransform()  # of a screen with small pixels, and of a part of a widget
    picture.setDevicePixelRatio(bare.m11())
    x, y = round(spot.x()) - left - bare.dx(), round(spot.y()) - top - bare.dy()
    painter.drawPixmap(QPointF(x / bare.m11(), y / bare.m22()), picture)
    painter.setWorldTransform(world)


def _on_screen(painter: QPainter, shown: QTransform) -> bool:
    upright = shown.m11() == shown.m22() > 0 and not shown.isRotating()
    return upright and painter.paintEngine().type() is RASTER


def _keep(key: Hashable, picture: QPixmap) -> None:
    """Keep a picture; those that were not used for the longest time make room."""
    global _held
    _made[key] = picture
    _held += picture.width() * picture.height()
    while _held > HELD:
        _, gone = _made.popitem(last=False)
        _held -= gone.width() * gone.height()
