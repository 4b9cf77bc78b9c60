"""Fonts, icons, and the small things that several parts of the window draw."""

import functools
import math
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QIcon,
    QImage,
    QPaintEngine,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer

import designer
from designer.gui import theme as themes
from designer.gui.theme import Theme, mix
from designer.model import Call, Group, Layer

FONTS = ("Inter-Regular.ttf", "Inter-Medium.ttf", "Inter-SemiBold.ttf", "JetBrainsMono-Regular.ttf")
ICONS = {  # of a category; those of single types stand below
    "In and out": "arrow-right-to-line",
    "Linear": "grid-3x3",
    "Embedding": "book-open",
    "Recurrent": "repeat",
    "Convolution and pooling": "layers",
    "Attention": "focus",
    "Normalisation and dropout": "activity",
    "Activation": "chart-spline",
    "Shape and maths": "shuffle",
    "Group": "boxes",
}
TYPE_ICONS = {
    "Output": "arrow-right-from-line",
    "Parameter": "diamond",
    "Operation": "square-function",
    "Add": "plus",
    "Call": "corner-down-right",
}

OTHER_NAMES = {"Linear": "fully connected", "Embedding": "lookup", "Call": "use again"}  # beside the name of a type


def resource(*names: str) -> Path:
    """Find a file of ours: beside the package in a checkout, inside it when installed."""
    package = Path(designer.__file__).parent
    root = next(folder for folder in (package / "resources", package.parent / "resources") if folder.is_dir())
    return root.joinpath(*names)


@functools.cache
def load_fonts() -> tuple[int, ...]:
    """Make Inter and JetBrains Mono known to Qt."""
    return tuple(QFontDatabase.addApplicationFont(str(resource("fonts", name))) for name in FONTS)


@functools.cache
def font(px: float = 12, weight: int = 400, mono: bool = False) -> QFont:
    """Give a font of the window, with digits of one width; it is shared, so copy it to change it."""
    load_fonts()
    made = QFont("JetBrains Mono" if mono else "Inter")
    made.setPixelSize(max(1, round(px)))
    made.setWeight(QFont.Weight(weight))
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if not mono:
        made.setFeature(QFont.Tag("tnum"), 1)
    return made


@functools.cache
def metrics(px: float = 12, weight: int = 400, mono: bool = False) -> QFontMetricsF:
    return QFontMetricsF(font(px, weight, mono))


@functools.lru_cache(20_000)
def text_width(text: str, px: float = 12, weight: int = 400, mono: bool = False) -> float:
    return metrics(px, weight, mono).horizontalAdvance(text)


@functools.lru_cache(20_000)
def _elided(text: str, width: float, px: float, weight: int, mono: bool, elide: Qt.TextElideMode) -> str:
    return metrics(px, weight, mono).elidedText(text, elide, width)


def shape_text(shape: Iterable[int | str] | None) -> str:
    """Write a shape as it stands everywhere in the window: ``B × T × 300``; unknown is a question mark."""
    if shape is None:
        return "?"
    return "\u200a×\u200a".join(str(size).replace("*", "·") for size in shape) or "one number"


def draw_text(
    painter: QPainter,
    x: float,
    baseline: float,
    text: str,
    color: QColor,
    px: float = 12,
    weight: int = 400,
    *,
    align: str = "left",
    width: float | None = None,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    mono: bool = False,
) -> float:
    """Draw one line, elided to a width, its ``left``, ``right`` or ``center`` at x; return the width used."""
    if width is not None:
        text = _elided(text, max(0.0, width), px, weight, mono, elide)
    used = text_width(text, px, weight, mono)
    painter.setFont(font(px, weight, mono))
    painter.setPen(color)
    painter.drawText(QPointF(x - {"left": 0.0, "center": used / 2, "right": used}[align], baseline), text)
    return used


@functools.cache
def _svg(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text()


@functools.lru_cache(maxsize=1024)
def _renderer(name: str, color: str, width: float) -> QSvgRenderer:
    source = _svg(name).replace("currentColor", color).replace('stroke-width="2"', f'stroke-width="{width}"')
    return QSvgRenderer(QByteArray(source.encode()))


def draw_icon(painter: QPainter, name: str, rect: QRectF, color: QColor, width: float = 2.0) -> None:
    """Draw a Lucide icon, its lines ``width`` wide of 24."""
    before = painter.opacity()
    painter.setOpacity(before * color.alphaF())
    _renderer(name, color.name(), width).render(painter, QRectF(rect))
    painter.setOpacity(before)


@functools.lru_cache(maxsize=1024)
def icon_image(name: str, rgba: int, size: int = 16, width: float = 2.0, ratio: float = 1.0) -> QImage:
    image = QImage(round(size * ratio), round(size * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_icon(painter, name, QRectF(0, 0, size, size), QColor.fromRgba(rgba), width)
    painter.end()
    return image


def icon(name: str, color: QColor, size: int = 16, width: float = 2.0, disabled: QColor | None = None) -> QIcon:
    """Give a Lucide icon for a button or a menu; ask again when the theme has changed."""
    made = QIcon()
    for ratio in (1.0, 2.0):
        made.addPixmap(QPixmap.fromImage(icon_image(name, color.rgba(), size, width, ratio)))
        if disabled is not None:
            faint = QPixmap.fromImage(icon_image(name, disabled.rgba(), size, width, ratio))
            made.addPixmap(faint, QIcon.Mode.Disabled)
    return made


def category_of(layer: Layer | type[Layer]) -> str:
    """Name the category that a layer is coloured by; groups and second uses have one of their own."""
    layer_type = layer if isinstance(layer, type) else type(layer)
    return "Group" if issubclass(layer_type, (Group, Call)) else layer_type.category


def tile_icon(category: str, layer_type: str = "") -> str:
    """Name the icon of a layer type."""
    return TYPE_ICONS.get(layer_type) or ICONS[category]


def draw_tile(
    painter: QPainter,
    theme: Theme,
    category: str,
    rect: QRectF,
    *,
    layer_type: str = "",
    faint: bool = False,
) -> None:
    """Draw the coloured tile of a layer type, ``faint`` for a frozen layer."""
    shown = painter.deviceTransform()
    if painter.paintEngine().type() != QPaintEngine.Type.Raster or shown.isRotating():
        _draw_tile(painter, theme, category, rect, layer_type, faint)
        return
    picture = _tile(theme.name, category, rect.width(), layer_type, faint, round(shown.m11(), 4))
    painter.drawPixmap(rect.topLeft(), picture)


@functools.lru_cache(512)
def _tile(theme_name: str, category: str, size: float, layer_type: str, faint: bool, scale: float) -> QPixmap:
    """A tile in the pixels of the screen: it is drawn many times, and an icon takes longer than all else of a node."""
    pixels = math.ceil(size * scale)
    picture = QPixmap(pixels, pixels)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(scale, scale)
    _draw_tile(painter, themes.named(theme_name), category, QRectF(0, 0, size, size), layer_type, faint)
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


def _draw_tile(painter: QPainter, theme: Theme, category: str, rect: QRectF, layer_type: str, faint: bool) -> None:
    fill, ink = theme.category[category], theme.tile_ink
    if category == "Group":
        fill, ink = mix(theme.node, theme.text3, 0.22), theme.text1
    elif faint:
        fill = mix(fill, theme.node, 0.5)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(rect, rect.width() / 4, rect.width() / 4)
    room = rect.width() * 0.19
    draw_icon(painter, tile_icon(category, layer_type), rect.adjusted(room, room, -room, -room), ink, 2.25)


def draw_checkbox(
    painter: QPainter,
    theme: Theme,
    rect: QRectF,
    state: Qt.CheckState,
    *,
    color: QColor | None = None,
    background: QColor | None = None,
) -> None:
    """Draw a switch of a learnable: ticked, empty, or partial for a group of them."""
    color, size = color or theme.learn, rect.width()
    on = state == Qt.CheckState.Checked
    painter.setPen(QPen(theme.control if state == Qt.CheckState.Unchecked else color, 1.25))
    painter.setBrush(color if on else background or theme.node)
    painter.drawRoundedRect(rect.adjusted(0.6, 0.6, -0.6, -0.6), 3, 3)

    def at(x: float, y: float) -> QPointF:
        return rect.topLeft() + QPointF(x, y) * size

    if on:
        round_cap = (Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        painter.setPen(QPen(theme.tile_ink, 1.6, *round_cap))
        painter.drawPolyline([at(0.26, 0.52), at(0.44, 0.70), at(0.76, 0.32)])
    elif state == Qt.CheckState.PartiallyChecked:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRoundedRect(QRectF(at(0.27, 0.42), at(0.73, 0.60)), 1, 1)


def draw_logo(painter: QPainter, theme: Theme, rect: QRectF) -> None:
    """Draw the mark: an N of two layers, its stroke the tie."""
    unit = rect.width() / 24

    def at(x: float, y: float) -> QPointF:
        return rect.topLeft() + QPointF(x, y) * unit

    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.accent_fill)
    painter.drawRoundedRect(rect, rect.width() * 0.26, rect.width() * 0.26)
    tie = QPainterPath(at(8, 7.6))
    tie.cubicTo(at(12.4, 7.6), at(11.6, 16.4), at(16, 16.4))
    painter.setPen(QPen(QColor("#ffb864"), 2.6 * unit, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(tie)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#ffffff"))
    for x in (6, 14.8):
        painter.drawRoundedRect(QRectF(at(x, 5.6), at(x + 3.2, 18.4)), 1.6 * unit, 1.6 * unit)
