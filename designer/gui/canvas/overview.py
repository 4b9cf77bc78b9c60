"""The whole group in small, floating on the canvas, with a frame around what is seen."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from designer.gui import theme as themes
from designer.gui.canvas.paint import category_color
from designer.gui.theme import Theme, faded

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

WIDTH, HEIGHT = 184, 104
INSIDE = 8  # from its edge to what it shows
LEAST = 640, 320  # of a canvas on which it comes by itself
WIRED = 2000  # layers, above which their wires are left out
LATE = 250  # milliseconds after the last change, until so many are drawn again
START = 4  # pixels after which a press is a drag


class Overview(QWidget):
    """A press moves the view there, a drag of the frame pulls the view along, a double-click fits all.

    It comes by itself while a part of the network is out of view; M pins it, or keeps it away.
    """

    def __init__(self, canvas: "Canvas"):
        super().__init__()
        self.canvas = canvas
        self.forced: bool | None = None  # shown or hidden by the user, whatever is in view
        self.setFixedSize(WIDTH, HEIGHT)
        self._state: tuple[object, ...] = ()
        self._picture, self._area = QPixmap(), QRectF()
        self._late = QTimer(self, singleShot=True, interval=LATE)
        self._late.timeout.connect(self._draw_now)
        self._waited = False
        self._plain, self._layers = False, None  # type: tuple[bool, object]
        self._pressed: QPointF | None = None
        self._grip: QPointF | None = None  # from the middle of the frame to where it is held, in the scene
        self._held: tuple[float, QPointF] | None = None  # the scale of a drag: else all would run from the pointer
        self.setToolTip("Overview  M")
        self.setAccessibleName("Overview")

    # Whether it is there.

    def follow(self) -> None:
        """Come or go as the view asks for it."""
        there = not self.canvas.area().isEmpty()
        self.setVisible(there and (self._asked() if self.forced is None else self.forced))
        self.update()

    def _asked(self) -> bool:
        """Whether a part of the network is out of view, and the canvas large enough to tell where."""
        frame = self.canvas.frame
        room = frame.width() >= LEAST[0] and frame.height() >= LEAST[1]
        return room and not self.canvas.view.visible().contains(self.canvas.area())

    def toggle(self) -> None:
        """Show it if it is away, hide it if it is there; it comes by itself again where that is the same."""
        wanted = self.isHidden()
        self.forced = None if wanted == self._asked() else wanted
        self.follow()
        if self.canvas.area().isEmpty():
            said = "The overview shows a network; there is none yet."
        elif self.forced is None:
            said = "The overview comes while a part of the network is out of view."
        else:
            said = "The overview stays; M lets it go." if wanted else "The overview stays away; M brings it back."
        self.canvas.document.told.emit(said)

    # What it shows.

    def _whole(self) -> QRectF:
        """The rectangle of the scene that holds all nodes and, where these are drawn, the ties that hang below them."""
        area = self.canvas.area()
        return area if self._plain or self.canvas.view.ties != "all" else area.united(self.canvas.view.map.ties_area)

    def scale(self) -> tuple[float, QPointF]:
        """How a point of the scene becomes one of the overview: times the first, then plus the second."""
        if self._held is not None:
            return self._held
        whole = self._whole().united(self.canvas.view.visible())
        scale = _scale(whole)
        return scale, QPointF(WIDTH / 2, HEIGHT / 2) - whole.center() * scale

    def seen(self) -> QRectF:
        """The frame around what is seen, never too small to be taken."""
        scale, shift = self.scale()
        seen = self.canvas.view.visible()
        frame = QRectF(seen.topLeft() * scale + shift, seen.bottomRight() * scale + shift)
        wide, high = max(0.0, 10 - frame.width()) / 2, max(0.0, 10 - frame.height()) / 2
        return frame.adjusted(-wide, -high, wide, high)

    def paintEvent(self, event) -> None:
        colors = themes.current()
        self._keep_picture(colors)
        scale, shift = self.scale()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colors.edge, 1))
        painter.setBrush(colors.panel)
        painter.drawRoundedRect(body, 8, 8)
        inside = QPainterPath()
        inside.addRoundedRect(body.adjusted(0.5, 0.5, -0.5, -0.5), 7, 7)
        painter.setClipPath(inside)
        place = QRectF(self._area.topLeft() * scale + shift, self._area.size() * scale)
        painter.drawPixmap(place, self._picture, QRectF(self._picture.rect()))
        seen = self.seen().adjusted(0.5, 0.5, -0.5, -0.5)
        beyond = QPainterPath()
        beyond.addRect(body)
        frame = QPainterPath()
        frame.addRoundedRect(seen, 2, 2)
        painter.fillPath(beyond - frame, faded(colors.panel, 0.35))  # what is out of view steps back
        painter.setPen(QPen(colors.accent, 1.5))
        painter.setBrush(faded(colors.accent, 0.08))
        painter.drawPath(frame)
        painter.end()

    def _keep_picture(self, colors: Theme) -> None:
        """Draw the network anew if it is another one; panning and zooming only move what was drawn."""
        view = self.canvas.view
        if self._state and view.gesture is not None and view.gesture.dragging:
            return  # thousands of layers are not drawn again for each step of one
        drawn, area = self._drawn(), self._whole()
        state = (drawn, area, colors.name, view.ties, self.devicePixelRatioF())
        if state == self._state:
            return
        if self._plain and self._state[1:] == state[1:] and not self._waited:
            self._late.start()  # an edit of thousands of layers does not wait for this
            return
        self._waited = False
        scale, ratio = _scale(area), self.devicePixelRatioF()
        picture = QPixmap((area.size() * scale * ratio).toSize().expandedTo(QPixmap(1, 1).size()))
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(picture.width() / max(1.0, area.width()), picture.height() / max(1.0, area.height()))
        painter.translate(-area.topLeft())
        if self._plain:
            self._paint_blocks(painter, colors)
        else:
            view.map.paint(painter, colors, scale * ratio, view.ties == "all")
        painter.end()
        self._state, self._picture, self._area = state, picture, QRectF(area)

    def _draw_now(self) -> None:
        """Draw what has changed, since nothing did for a while."""
        self._waited = True
        self.update()

    def _drawn(self) -> object:
        """What changes when the network has to be drawn anew."""
        view, canvas = self.canvas.view, self.canvas
        self._plain = len(canvas.mirror.nodes) > WIRED
        if self._plain:
            self._layers = canvas.document.network.network_at(canvas.document.view.path).layers
            return view.leading.moves, id(self._layers)
        view.map.update()
        return view.map.drawn

    def _paint_blocks(self, painter: QPainter, colors: Theme) -> None:
        """Draw the layers alone: in thousands their wires are but a haze, and take most of the time."""
        blocks: dict[str, list[QRectF]] = {}
        for node in self.canvas.nodes():
            if node.look is not None:
                blocks.setdefault("" if node.look.kind == "capsule" else node.look.category, []).append(node.frame)
        painter.setPen(Qt.PenStyle.NoPen)
        for category, frames in blocks.items():
            painter.setBrush(category_color(colors, category) if category else colors.learn)
            painter.drawRects(frames)

    # The mouse.

    def _scene_at(self, at: QPointF) -> QPointF:
        scale, shift = self.scale()
        return (at - shift) / scale

    def _go(self, to: QPointF) -> None:
        self.canvas.view.set_camera(to, self.canvas.view.zoom)

    def mousePressEvent(self, event) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = event.position()
        self._pressed, self._held = at, self.scale()
        if self.seen().contains(at):
            self._grip = self._scene_at(at) - self.canvas.view.center
        else:
            self._grip = QPointF()
            self._go(self._scene_at(at))

    def mouseMoveEvent(self, event) -> None:
        if self._pressed is None or self._grip is None:
            return
        at = event.position()
        if self.cursor().shape() != Qt.CursorShape.ClosedHandCursor:
            if (at - self._pressed).manhattanLength() < START:
                return
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._go(self._scene_at(at) - self._grip)

    def mouseReleaseEvent(self, event) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        if self.cursor().shape() != Qt.CursorShape.ClosedHandCursor:
            self._go(self._scene_at(self._pressed))
        self.unsetCursor()
        self._pressed = self._grip = self._held = None
        self.update()

    def mouseDoubleClickEvent(self, event) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.canvas.fit(all=True)


def _scale(whole: QRectF) -> float:
    across, down = max(1.0, whole.width()), max(1.0, whole.height())
    return min((WIDTH - 2 * INSIDE) / across, (HEIGHT - 2 * INSIDE) / down)
