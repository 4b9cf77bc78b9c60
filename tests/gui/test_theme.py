"""Colours that can be read, and one way to write shapes."""

import pytest
from PySide6.QtGui import QImage, QPainter

from designer.gui import drawing, theme
from designer.gui.style import SHEET, style_sheet
from designer.model import CATEGORIES, layer_types

THEMES = pytest.mark.parametrize("colors", [theme.DARK, theme.LIGHT], ids=lambda colors: colors.name)


def _luminance(color):
    parts = [part / 255 for part in color.getRgb()[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@THEMES
def test_text_can_be_read(colors):
    surfaces = (colors.canvas, colors.panel, colors.node, colors.raised, colors.hover, colors.selection)
    for name in ("text1", "text2", "text3", "accent", "learn_text", "error", "warning", "success"):
        assert min(_contrast(getattr(colors, name), surface) for surface in surfaces) >= 4.5, name
    for name in ("data", "learn", "control"):
        assert min(_contrast(getattr(colors, name), surface) for surface in surfaces) >= 3, name
    assert _contrast(colors.on_accent, colors.accent_fill) >= 4.5


@THEMES
def test_categories_can_be_told(colors):
    assert set(colors.category) == {*CATEGORIES, "Group"}
    for name, color in colors.category.items():
        assert _contrast(color, colors.node) >= 3, name
        assert _contrast(color, colors.canvas) >= 3, name
        assert name == "Group" or _contrast(color, colors.tile_ink) >= 3, name


@THEMES
def test_style_sheet(colors):
    assert "@" not in style_sheet(colors)
    assert SHEET.count("{") == SHEET.count("}")


def test_every_type_has_an_icon(qapp):
    for layer_type in layer_types.values():
        name = drawing.tile_icon(drawing.category_of(layer_type), layer_type.__name__)
        assert drawing.resource("icons", f"{name}.svg").is_file()


def test_fonts_come_with_their_licences(qapp):
    assert all(number >= 0 for number in drawing.load_fonts())
    for name in ("Inter-LICENSE.txt", "JetBrainsMono-LICENSE.txt"):
        assert "SIL OPEN FONT LICENSE" in drawing.resource("fonts", name).read_text().upper()
    assert drawing.resource("icons", "LICENSE").read_text()
    assert drawing.text_width("1111") == drawing.text_width("8888")


@pytest.mark.parametrize(
    ("shape", "text"), [(("B", "T", 300), "B × T × 300"), (None, "?"), ((), "one number"), (("2*T + 1",), "2·T + 1")]
)
def test_shapes(shape, text):
    assert drawing.shape_text(shape).replace("\u200a", " ") == text


def test_faint_icons_are_fainter(qapp):
    def ink(color):
        image = drawing.icon_image("link", color.rgba())
        return max(image.pixelColor(x, y).alpha() for x in range(16) for y in range(16))

    assert ink(theme.faded(theme.DARK.text2, 0.4)) < 150 < ink(theme.DARK.text2)


def test_text_is_cut_to_its_width(qapp):
    image = QImage(200, 40, QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(image)
    assert drawing.draw_text(painter, 0, 20, "a long name that does not fit", theme.DARK.text1, width=60) <= 60
    painter.end()
