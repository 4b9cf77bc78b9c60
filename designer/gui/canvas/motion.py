"""Motion: nodes glide to where they were arranged, and the camera to what is shown; any input ends it at once."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPointF, QRectF, QVariantAnimation
from PySide6.QtWidgets import QStyle, QWidget

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

ARRANGING, SHOWING = 150, 120  # milliseconds
SIDE, TOP = 24.0, 60.0  # pixels that what is revealed stays away from the edges
MOST = 150  # nodes that glide: more would not keep up, so then only the camera does
INPUT = {QEvent.Type.MouseButtonPress, QEvent.Type.Wheel, QEvent.Type.KeyPress, QEvent.Type.Resize}


def wanted(widget: QWidget) -> bool:
    """Whether the system wants widgets to move."""
    return widget.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, widget) > 0


class Motion(QObject):
    """What moves on a canvas, from where it is shown to where it is."""

    def __init__(self, canvas: "Canvas"):
        super().__init__(canvas.view)
        self.canvas = canvas
        self.reduced = False  # the user wants none
        self._nodes: dict[str, tuple[QPointF, QPointF]] = {}  # path -> from, to
        self._camera: tuple[QPointF, float, QPointF, float] | None = None
        self._steers = False
        self._running = QVariantAnimation(self, startValue=0.0, endValue=1.0)
        self._running.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._running.valueChanged.connect(self._show)
        self._running.finished.connect(self._end)
        canvas.view.installEventFilter(self)
        canvas.view.viewport().installEventFilter(self)

    @property
    def nodes_glide(self) -> bool:
        """Whether nodes are on their way, so that wires need not look for theirs."""
        return bool(self._nodes)

    def fly(self, center: QPointF, zoom: float) -> None:
        """Bring the camera to a place."""
        self.finish()
        view = self.canvas.view
        if self._may():
            self._camera = view.center, view.zoom, center, zoom
            self._start(SHOWING)
        else:
            view.set_camera(center, zoom)

    def reveal(self, frame: QRectF) -> None:
        """Pan by the least that shows a rectangle of the scene, clear of what floats at the edges."""
        view = self.canvas.view
        if view.visible().contains(frame):
            return
        room = view.visible().adjusted(*(side / view.zoom for side in (SIDE, TOP, -SIDE, -TOP)))
        x = min(0.0, frame.left() - room.left()) or max(0.0, frame.right() - room.right())
        y = min(0.0, frame.top() - room.top()) or max(0.0, frame.bottom() - room.bottom())
        self.fly(view.center + QPointF(x, y), view.zoom)

    def glide(self, change: Callable[[], bool]) -> None:
        """Make a change that moves nodes and perhaps the camera; what was in the scene before glides there."""
        self.finish()
        view, canvas = self.canvas.view, self.canvas
        before = {path: node.view.pos() for path, node in canvas.mirror.nodes.items()}
        center, zoom = view.center, view.zoom
        if not change() or not self._may():
            return
        self.finish()
        now = {path: node.view.pos() for path, node in canvas.mirror.nodes.items()}
        moved = {path: (before[path], at) for path, at in now.items() if path in before and before[path] != at}
        self._nodes = moved if len(moved) <= MOST else {}
        if (center, zoom) != (view.center, view.zoom):
            self._camera = center, zoom, view.center, view.zoom
        if self._nodes or self._camera:
            self._show(0.0)
            self._start(ARRANGING)

    def yield_camera(self) -> None:
        """Let go of the camera, which someone else brings to a place."""
        if not self._steers:
            self._camera = None

    def finish(self) -> None:
        """Be where it all leads to."""
        if self._nodes or self._camera:
            self._running.stop()
            self._show(1.0)
            self._end()

    def _may(self) -> bool:
        return self.canvas.frame.isVisible() and not self.reduced and wanted(self.canvas.view)

    def _start(self, milliseconds: int) -> None:
        self._running.setDuration(milliseconds)
        self._running.start()

    def _show(self, share: float) -> None:
        with self.canvas.view.leading.holding():
            for path, (old, new) in self._nodes.items():
                node = self.canvas.mirror.nodes.get(path)
                if node is not None:
                    node.view.setPos(old + (new - old) * share)
        if self._camera is not None:
            center, zoom, to, to_zoom = self._camera
            self._steers = True
            self.canvas.view.set_camera(center + (to - center) * share, zoom * (to_zoom / zoom) ** share)
            self._steers = False

    def _end(self) -> None:
        glided, self._nodes, self._camera = self._nodes, {}, None
        if glided:
            places = self.canvas.places()  # an edit that came on the way has the last word
            with self.canvas.view.leading.holding():
                for path in glided.keys() & self.canvas.mirror.nodes.keys():
                    node = self.canvas.node(path)
                    node.setPos(*places[path])
                    node.redraw_wires()
            self.canvas.view.viewport().update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in INPUT:
            self.finish()
        return False
