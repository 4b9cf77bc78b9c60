"""Texts stand out from what they are written on by 4.5, pictures by 3, in both themes (WCAG 2.2, 1.4.3 and 1.4.11)."""

import pytest

from designer.gui import theme

SURFACES = ("canvas", "panel", "node", "raised", "hover", "selection")
TEXTS = {
    "text1": SURFACES,
    "text2": SURFACES,
    "text3": SURFACES,
    "accent": SURFACES,
    "error": SURFACES,
    "warning": ("panel", "node", "raised", "canvas"),
    "success": ("panel", "node", "raised", "canvas"),
    "learn_text": (*SURFACES, "learn_soft"),
    "on_accent": ("accent_fill",),
}
PICTURES = {
    "data": ("canvas", "node"),
    "learn": ("canvas", "node", "panel"),
    "control": ("panel", "node", "raised", "canvas"),
    "focus": ("panel", "node", "raised", "canvas"),
    "accent": ("canvas", "node", "panel"),
    "error": ("canvas", "node", "panel"),
    "warning": ("canvas", "node", "panel"),
    "success": ("canvas", "node", "panel"),
}
THEMES = {"dark": theme.DARK, "light": theme.LIGHT}


def contrast(one, other):
    """Relative luminances as WCAG defines them."""

    def luminance(color):
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("pairs", "least"), [(TEXTS, 4.5), (PICTURES, 3.0)], ids=["texts", "pictures"])
def test_contrast(name, pairs, least):
    colors = THEMES[name]
    found = {
        f"{ink} on {surface}": round(contrast(getattr(colors, ink), getattr(colors, surface)), 2)
        for ink, surfaces in pairs.items()
        for surface in surfaces
    }
    assert {pair: ratio for pair, ratio in found.items() if ratio < least} == {}


@pytest.mark.parametrize("name", THEMES)
def test_tiles(name):
    """A tile stands out from node and canvas, its icon from the tile."""
    colors = THEMES[name]
    assert set(colors.category) >= set(theme.CATEGORIES)
    for category, tile in colors.category.items():
        if category == "Group":
            continue  # neutral: its icon and the two sheets behind tell it
        assert contrast(tile, colors.node) >= 3, category
        assert contrast(tile, colors.canvas) >= 3, category
        assert contrast(tile, colors.tile_ink) >= 3, category
