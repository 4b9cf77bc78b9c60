"""The two colour themes, as palette and style sheet of the application."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

CATEGORIES = (
    "In and out",
    "Linear",
    "Embedding",
    "Recurrent",
    "Convolution and pooling",
    "Attention",
    "Normalisation and dropout",
    "Activation",
    "Shape and maths",
    "Group",
)


@dataclasses.dataclass(frozen=True)
class Theme:
    """Every colour of the window; contrasts are WCAG 2 AA for text on each surface it stands on."""

    name: str
    canvas: QColor
    grid: QColor
    panel: QColor
    raised: QColor  # fields and buttons
    node: QColor
    hover: QColor
    border: QColor
    edge: QColor
    control: QColor  # outlines that must be seen
    text1: QColor
    text2: QColor
    text3: QColor
    accent: QColor
    accent_fill: QColor
    on_accent: QColor
    focus: QColor
    selection: QColor
    error: QColor
    warning: QColor
    success: QColor
    data: QColor
    learn: QColor
    learn_text: QColor
    learn_soft: QColor
    shadow: QColor
    tile_ink: QColor
    category: Mapping[str, QColor]


def _theme(name: str, shadow_alpha: int, categories: str, **colors: str) -> Theme:
    mixed = {field: QColor(color) for field, color in colors.items()}
    mixed["shadow"].setAlpha(shadow_alpha)
    category = dict(zip(CATEGORIES, map(QColor, categories.split()), strict=True))
    return Theme(name, category=MappingProxyType(category), **mixed)


DARK = _theme(
    "dark",
    110,
    "#7df0a0 #707cf0 #8161b2 #ae677a #2daffd #c986bd #d9e5f9 #8a9e14 #b9c2d0 #8b95a4",
    canvas="#131519",
    grid="#343a44",
    panel="#191c21",
    raised="#23272e",
    node="#21252c",
    hover="#2b3038",
    border="#2e333c",
    edge="#3a414c",
    control="#7d8897",
    text1="#eef1f5",
    text2="#abb4c1",
    text3="#929cab",
    accent="#8ea2ff",
    accent_fill="#4f66dd",
    on_accent="#ffffff",
    focus="#a9b8ff",
    selection="#272e4d",
    error="#ff7d7d",
    warning="#f0d848",
    success="#55cf8d",
    data="#93a6c1",
    learn="#ffab45",
    learn_text="#ffab45",
    learn_soft="#33291c",
    shadow="#000000",
    tile_ink="#14161a",
)
LIGHT = _theme(
    "light",
    40,
    "#367c79 #321691 #8545b7 #68044a #4086fa #b26bbb #3c596f #829066 #24262b #636d7d",
    canvas="#f3f4f7",
    grid="#cfd4dd",
    panel="#ffffff",
    raised="#f3f4f7",
    node="#ffffff",
    hover="#eceef3",
    border="#dfe2e8",
    edge="#c6ccd6",
    control="#7b8594",
    text1="#161a21",
    text2="#48515f",
    text3="#596373",
    accent="#3d54d1",
    accent_fill="#3d54d1",
    on_accent="#ffffff",
    focus="#3d54d1",
    selection="#e4e8fb",
    error="#b0123b",
    warning="#756600",
    success="#1d7844",
    data="#5f718c",
    learn="#c66c00",
    learn_text="#995400",
    learn_soft="#fdf1e3",
    shadow="#1c2740",
    tile_ink="#ffffff",
)


def current() -> Theme:
    """Tell which theme the application has; widgets that keep colours ask again on ``QEvent.PaletteChange``."""
    return DARK if QGuiApplication.palette().color(QPalette.ColorRole.Window) == DARK.panel else LIGHT


def system() -> Theme:
    """Tell which theme the desktop asks for."""
    scheme = QGuiApplication.styleHints().colorScheme()
    if scheme == Qt.ColorScheme.Unknown:  # as offscreen and on a bare X server
        lightness = QApplication.style().standardPalette().color(QPalette.ColorRole.Window).lightness()
        return DARK if lightness < 128 else LIGHT
    return DARK if scheme == Qt.ColorScheme.Dark else LIGHT


def named(name: str) -> Theme:
    """Give the theme for a setting: ``system``, ``dark`` or ``light``."""
    return {"dark": DARK, "light": LIGHT}.get(name) or system()


def apply(app: QApplication, theme: Theme) -> None:
    """Show the application in a theme; every widget gets a ``PaletteChange``."""
    from designer.gui.style import style_sheet  # it writes the colours of a Theme

    if not app.styleSheet():  # the first time: each style that is set goes through all widgets
        app.setStyle("Fusion")
    app.setPalette(palette(theme))
    app.setStyleSheet(style_sheet(theme))


def mix(a: QColor, b: QColor, share: float) -> QColor:
    """Mix colours: ``share`` of b, the rest of a."""
    red, green, blue = (round(x * (1 - share) + y * share) for x, y in zip(a.getRgb()[:3], b.getRgb()[:3]))
    return QColor(red, green, blue)


def faded(color: QColor, alpha: float) -> QColor:
    """Give the same colour, seen through by ``alpha`` from 0 to 1."""
    new = QColor(color)
    new.setAlphaF(alpha)
    return new


def palette(theme: Theme) -> QPalette:
    """Give the palette for what the style sheet leaves to the style."""
    role = QPalette.ColorRole
    new = QPalette()
    for which, color in {
        role.Window: theme.panel,
        role.WindowText: theme.text1,
        role.Base: theme.panel,
        role.AlternateBase: theme.raised,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text1,
        role.PlaceholderText: theme.text3,
        role.Text: theme.text1,
        role.Button: theme.raised,
        role.ButtonText: theme.text1,
        role.BrightText: theme.on_accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Highlight: theme.accent_fill,
        role.HighlightedText: theme.on_accent,
        role.Light: theme.hover,
        role.Midlight: theme.edge,
        role.Mid: theme.border,
        role.Dark: theme.border,
        role.Shadow: theme.canvas,
    }.items():
        new.setColor(which, color)
    for which in (role.WindowText, role.Text, role.ButtonText):
        new.setColor(QPalette.ColorGroup.Disabled, which, faded(theme.text3, 0.6))
    return new
