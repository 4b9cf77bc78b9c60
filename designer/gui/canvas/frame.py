"""The canvas as a widget: the view, and the pills that float on it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from designer.gui import theme as themes
from designer.gui.canvas.box import Box
from designer.gui.canvas.floating import HEIGHT, Pill
from designer.gui.canvas.overview import Overview
from designer.gui.canvas.path_pill import PathPill
from designer.gui.drawing import draw_text, shape_text, text_width
from designer.gui.widgets import Icon, Label, Tool, line
from designer.layers import Input

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

GAP = 12  # from the edges
AROUND = 64  # so far wires lead beside all layers
STARTS = {
    "Tokens": Input(("B", "T"), dtype="int64"),
    "Image": Input(("B", 3, "H", "W")),
    "Features": Input(("B", "C")),
}


class Frame(QWidget):
    """The view fills it; path, ties, zoom and overview float 12 pixels from its edges."""

    def __init__(self, canvas: "Canvas"):
        super().__init__()
        self.canvas = canvas
        canvas.view.setParent(self)
        self.setFocusProxy(canvas.view)
        self.setMinimumSize(480, 240)
        self.path, self.ties, self.zoom = PathPill(canvas), TiesPill(canvas), ZoomPill(canvas)
        self.overview, self.start = Overview(canvas), Start(canvas)
        for floating in (self.path, self.ties, self.zoom, self.overview, self.start):
            floating.setParent(self)
        self.box = Box(self)
        canvas.view.moved.connect(self._camera_moved)

    def sizeHint(self) -> QSize:
        return QSize(912, 564)

    def follow(self) -> None:
        """Show the state of the document."""
        self.ties.follow()
        self.start.setVisible(not self.canvas.mirror.nodes)
        self._place()

    def _camera_moved(self) -> None:
        self.zoom.follow()
        self.overview.follow()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self.canvas.shown()

    def resizeEvent(self, event) -> None:
        self.canvas.view.setGeometry(self.rect())
        self._place()

    def _place(self) -> None:
        self.zoom.follow()
        self.overview.follow()
        right, bottom = self.width() - GAP, self.height() - GAP
        for pill in (self.ties, self.zoom):
            pill.adjustSize()
        self.path.fit(right - self.ties.width() - 2 * GAP)
        self.path.move(GAP, GAP)
        self.ties.move(right - self.ties.width(), GAP)
        self.zoom.move(GAP, bottom - HEIGHT)
        self.overview.move(right - self.overview.width(), bottom - self.overview.height())
        self.start.move((self.width() - self.start.width()) // 2, (self.height() - self.start.height()) // 2)


class TiesPill(Pill):
    """Which ties are drawn: all, those of the selection, or none."""

    def __init__(self, canvas: "Canvas"):
        self.segments = Segments(("All", "Selected", "Off"), "Ties")
        super().__init__(
            Icon("link", "learn", 14), 2, Label("Ties", "t2"), 4, self.segments, margins=(12, 2, 4, 2), gap=4
        )
        self.canvas = canvas
        self.segments.chosen = lambda name: canvas.document.look(ties=name.lower())

    def follow(self) -> None:
        self.segments.show_choice(self.canvas.document.view.ties.capitalize())


class Segments(QAbstractButton):
    """One choice of a few, side by side; a click or the arrows choose."""

    def __init__(self, names: tuple[str, ...], title: str):
        super().__init__()
        self.names, self.choice, self.title = names, names[0], title
        self.chosen = lambda name: None
        self.widths = [round(text_width(name, 12, 500)) + 20 for name in names]
        self.setFixedSize(sum(self.widths), 24)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_choice(names[0])

    def show_choice(self, name: str) -> None:
        if (called := f"{self.title}: {name}") != self.accessibleName():
            self.choice = name
            self.setAccessibleName(called)
            self.update()

    def mousePressEvent(self, event) -> None:
        x = event.position().x()
        for name, width in zip(self.names, self.widths):
            if x < width:
                self.chosen(name)
                return
            x -= width

    def keyPressEvent(self, event) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(event.key())
        if step is None:
            event.ignore()
            return
        at = self.names.index(self.choice) + step
        if 0 <= at < len(self.names):
            self.chosen(self.names[at])

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = themes.current()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.raised)
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        x = 0
        for name, width in zip(self.names, self.widths):
            chosen = name == self.choice
            if chosen:
                painter.setPen(QPen(colors.focus if self.hasFocus() else colors.edge, 2 if self.hasFocus() else 1))
                painter.setBrush(colors.node)
                painter.drawRoundedRect(QRectF(x + 0.5, 0.5, width - 1, 23), 6, 6)
            color = colors.text1 if chosen else colors.text2
            draw_text(painter, x + width / 2, 16, name, color, 12, 500, align="center")
            x += width
        painter.end()


class ZoomPill(Pill):
    """Zoom out, the zoom, zoom in, fit."""

    def __init__(self, canvas: "Canvas"):
        out, into, fit = (
            Tool("minus", "Zoom out", size=24),
            Tool("plus", "Zoom in", size=24),
            Tool("scan", "Fit", size=24),
        )
        self.percent = Label("100 %", "t2")
        self.percent.setFixedWidth(44)
        self.percent.setAlignment(Qt.AlignmentFlag.AlignCenter)
        super().__init__(out, self.percent, into, line(vertical=True), fit)
        self.canvas = canvas
        out.clicked.connect(lambda: canvas.zoom_by(1 / 1.15))
        into.clicked.connect(lambda: canvas.zoom_by(1.15))
        fit.clicked.connect(lambda: canvas.fit())

    def follow(self) -> None:
        zoom = 100 * self.canvas.view.zoom
        self.percent.say(f"{zoom:.0f} %" if zoom >= 10 else f"{zoom:.1f} %")


class Start(QWidget):
    """What an empty canvas says."""

    def __init__(self, canvas: "Canvas"):
        super().__init__()
        self.canvas = canvas
        self.setFixedSize(360, 128)
        x = 12
        for name, layer in STARTS.items():
            button = StartButton(name, shape_text(layer.shape))
            button.setParent(self)
            button.move(x, 68)
            button.clicked.connect(lambda _=False, name=name, layer=layer: canvas.add(layer, QPointF(), name.lower()))
            x += 116

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, middle = themes.current(), self.width() / 2
        draw_text(painter, middle, 26, "Drag a layer here, or press Tab.", colors.text1, 15, 600, align="center")
        draw_text(painter, middle, 48, "Start with an input:", colors.text2, 12, align="center")
        painter.end()


class StartButton(QAbstractButton):
    """An input that is ready to use."""

    def __init__(self, name: str, shape: str):
        super().__init__()
        self.name, self.shape = name, shape
        self.setText(name)
        self.setAccessibleName(f"{name}, {shape}")
        self.setFixedSize(104, 52)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = themes.current()
        painter.setPen(QPen(colors.focus if self.hasFocus() else colors.edge, 2 if self.hasFocus() else 1))
        painter.setBrush(colors.hover if self.underMouse() or self.isDown() else colors.panel)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
        draw_text(painter, 52, 22, self.name, colors.text1, 12, 500, align="center")
        draw_text(painter, 52, 40, self.shape, colors.text2, 11, align="center")
        painter.end()
