"""The view on the scene: its camera, what lies under the pointer, and the events that gestures are made of."""

from collections import Counter
from collections.abc import Hashable
from typing import TYPE_CHECKING

from NodeGraphQt.widgets.viewer import NodeViewer
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QNativeGestureEvent, QPainter, QTransform
from PySide6.QtWidgets import QFrame, QGraphicsView, QToolTip

from designer.gui import theme as themes
from designer.gui.canvas.dots import draw_dots
from designer.gui.canvas.far_picture import FarPicture
from designer.gui.canvas.gestures import Gesture, Hold, gesture_for
from designer.gui.canvas.grid import Grid
from designer.gui.canvas.group_ports import end_of
from designer.gui.canvas.hits import Hit, hit
from designer.gui.canvas.leading import Leading
from designer.gui.canvas.map import Map
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.paint import FAR, MIDWAY
from designer.gui.canvas.paint_errors import guarded
from designer.gui.canvas.port import PortItem
from designer.gui.canvas.stubs import Stub
from designer.gui.canvas.wire import WireItem
from designer.gui.tips import tip

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

NEAREST, FARTHEST = 4.0, 0.02
NOTCH = 1.15  # of the wheel
START = 4  # pixels after which a press is a drag


class Viewer(NodeViewer):
    """The stock viewer with a camera, gestures and painting of our own.

    None of the stock handlers of mouse and keys is called: they keep the state of modifiers from key events,
    take whatever lies within 20 pixels, and cut wires on a click.
    """

    moved = Signal()  # the camera
    menu_wanted = Signal(object, object)  # what was hit, where on the screen; None: of the selection

    def __init__(self, canvas: "Canvas"):
        self.center, self.zoom = QPointF(), 1.0
        self.theme = themes.current()
        super().__init__(None)
        self.canvas = canvas
        self.map, self.grid, self.far = Map(), Grid(), FarPicture(self)
        self.leading = Leading(self)
        self.down = False  # data leads from top to bottom
        self.ties = "all"
        self.steady, self._painted_zoom = False, 0.0  # whether the zoom is that of the picture before
        self._faces: Counter[Hashable] = Counter()  # what the nodes of this picture show, and of the one before
        self._faces_before = self._faces
        self.dims = False  # a tie is selected, so the other wires step back
        self.gesture: Gesture | None = None
        self.space = self.slicing = False
        self.jumped = False  # the last press led elsewhere
        self.wheel_pans = False
        self._hover: NodeItem | PortItem | Stub | WireItem | None = None
        for changes in (canvas.document.changed, canvas.document.viewed):
            changes.connect(self._interrupt)  # before the canvas draws what changed
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        self.setSceneRect(QRectF(-1e6, -1e6, 2e6, 2e6))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Canvas")
        self.viewport().setMouseTracking(True)
        # WORKAROUND: the stock viewer puts a text, a live wire and a slicer into the scene, and a menu bar with
        # shortcuts of its own below itself. None of them is used.
        for item in (self._cursor_text, self._LIVE_PIPE, self._SLICER_PIPE):
            self.scene().removeItem(item)
        self._ctx_menu_bar.clear()

    # The camera.

    def _update_scene(self) -> None:
        """WORKAROUND: the stock camera stretches a rectangle into the view, which drifts and changes on resize."""

    def set_camera(self, center: QPointF, zoom: float) -> None:
        self.canvas.motion.yield_camera()
        self.zoom = min(NEAREST, max(FARTHEST, zoom))
        self.center = center
        self.setTransform(QTransform.fromScale(self.zoom, self.zoom))
        self.centerOn(center)
        self.moved.emit()

    def zoom_at(self, factor: float, at: QPointF) -> None:
        """Zoom about a point of the viewport, which stays where it is."""
        zoom = min(NEAREST, max(FARTHEST, self.zoom * factor))
        # From the camera, not from the picture, which stands on whole pixels: else each step moves by a part of one.
        away = at - QPointF(self.viewport().width(), self.viewport().height()) / 2
        self.set_camera(self.center + away / self.zoom - away / zoom, zoom)

    def pan(self, by: QPointF) -> None:
        """Move the picture by pixels."""
        self.set_camera(self.center - by / self.zoom, self.zoom)

    def scene_at(self, at: QPointF) -> QPointF:
        return self.viewportTransform().inverted()[0].map(at)

    def visible(self) -> QRectF:
        """The part of the scene that is seen."""
        half = QPointF(self.viewport().width(), self.viewport().height()) / self.zoom / 2
        return QRectF(self.center - half, self.center + half)

    def resizeEvent(self, event) -> None:
        QGraphicsView.resizeEvent(self, event)
        self.centerOn(self.center)
        self.moved.emit()

    # What lies where.

    def hit(self, at: QPointF) -> Hit:
        """Find what is under a point of the viewport."""
        return hit(self, self.scene_at(at))

    def frames_in(self, rect: QRectF, *but: NodeItem) -> list[QRectF]:
        """The frames of the nodes in a rectangle of the scene."""
        return self.grid.frames(rect, *but)

    # What the items tell.

    def establish_connection(self, start_port: PortItem, end_port: PortItem) -> WireItem:
        wire = WireItem(self)
        self.scene().addItem(wire)
        wire.set_connections(start_port, end_port)
        return wire

    def node_moved(self, node: NodeItem) -> None:
        """A node came, moved or grew."""
        left, now = self.grid.put(node), node.frame
        self.map.changed(node)
        self.leading.node_moved(*([now] if left is now else [left, now]))

    def node_gone(self, node: NodeItem) -> None:
        self.grid.drop(node)
        self.map.drop(node)
        self.leading.node_moved(node.frame)
        if self._hover is node or (isinstance(self._hover, PortItem | Stub) and self._hover.node is node):
            self._hover = None

    def wire_led(self, wire: WireItem) -> None:
        """A wire found its way, or another one."""
        self.map.led(wire)
        self.leading.wire_led(wire)

    def wire_gone(self, wire: WireItem) -> None:
        self.map.drop_wire(wire)
        self.leading.wire_gone(wire)
        if self._hover is wire:
            self._hover = None

    def emptied(self) -> None:
        """All nodes and wires went at once."""
        self.grid, self.map = Grid(), Map(self.map.drawn + 1)
        self.leading.start_anew()
        self._hover = None

    def turn(self, down: bool) -> None:
        """Lead data from top to bottom from now on, or from left to right; all wires are led anew after that."""
        self.down = down
        self.leading.start_anew()

    # Painting.

    @guarded
    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
        painter.fillRect(rect, self.theme.canvas)
        draw_dots(painter, rect, self.theme, self.zoom)

    def seen_before(self, face: Hashable) -> bool:
        """Note that a node shows this, and tell whether several nodes did in the picture before."""
        self._faces[face] += 1
        return self._faces_before[face] > 1

    def paintEvent(self, event) -> None:
        self.steady, self._painted_zoom = self.zoom == self._painted_zoom, self.zoom
        self._faces, self._faces_before = Counter(), self._faces
        if self.zoom >= MIDWAY:
            QGraphicsView.paintEvent(self, event)
            return
        rect = self.scene_rect_of(event.rect())
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setTransform(self.viewportTransform())
        self.drawBackground(painter, rect)
        self.far.paint(painter)
        self.map.paint_marks(painter, self.theme, self.zoom, self.grid.within(rect) if self.zoom >= FAR else set())
        self.drawForeground(painter, rect)
        painter.end()

    def scene_rect_of(self, rect: QRect) -> QRectF:
        """The part of the scene under a rectangle of the viewport."""
        return self.viewportTransform().inverted()[0].mapRect(QRectF(rect))

    @guarded
    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        self.canvas.edge_pills.paint(painter, self.theme)
        self.canvas.search.paint(painter, self.theme)
        self.canvas.switching.paint(painter, self.theme)
        if self.gesture is not None and self.gesture.dragging:
            painter.save()
            self.gesture.paint(painter, self.theme)
            painter.restore()

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.theme = themes.current()
            self.resetCachedContent()
            self.viewport().update()

    # Mouse.

    def mousePressEvent(self, event) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.canvas.pressed()
        self.jumped = False
        if self.gesture is not None:
            if event.button() == Qt.MouseButton.RightButton:
                self.cancel()
            return
        left = event.button() == Qt.MouseButton.LeftButton and not self.slicing and not self.space
        far = self.canvas.edge_pills.at(event.position()) if left else None
        if far is not None:
            self.canvas.show_path(far.path)
            return
        self.gesture = gesture_for(self, event)
        self.show_hover(None)
        QToolTip.hideText()

    def mouseMoveEvent(self, event) -> None:
        at, gesture = event.position(), self.gesture
        if gesture is None:
            self.hover(at)
            return
        if not gesture.dragging and (at - gesture.pressed).manhattanLength() >= START:
            self.gesture = gesture = gesture.start(event.modifiers())
            gesture.dragging = True
        if gesture.dragging:
            gesture.move(at, event.modifiers())
            self.viewport().update()

    def mouseReleaseEvent(self, event) -> None:
        gesture = self.gesture
        if gesture is None or event.button() != gesture.button:
            return
        self.gesture = None
        if gesture.dragging:
            gesture.drop(event.position(), event.modifiers())
        else:
            gesture.click(event.modifiers())
        self.viewport().update()
        self.hover(event.position())

    def mouseDoubleClickEvent(self, event) -> None:
        """The second click of two: on a switch it counts as one more press."""
        if self.jumped:
            return  # what is here now was not there when the first click came
        hit = self.hit(event.position())
        armed = self.space or self.slicing or self.gesture is not None
        if armed or event.button() != Qt.MouseButton.LeftButton or hit.what in ("takes", "offers", "fold", "group"):
            self.mousePressEvent(event)
            return
        self.gesture = Hold(self, hit, event)
        self.canvas.opened(hit)

    def wheelEvent(self, event) -> None:
        event.accept()
        if self.gesture is not None and self.gesture.dragging and not self.gesture.pans:
            return
        pixels, steps = event.pixelDelta(), event.angleDelta()
        touch = event.device().type().name == "TouchPad" if event.device() else False
        ctrl = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not steps.isNull():
            self.pan(QPointF(steps.y() or steps.x(), 0) / 120 * 64)
        elif (touch or not pixels.isNull() or self.wheel_pans) and not ctrl:
            self.pan(QPointF(pixels if not pixels.isNull() else steps / 2))
        elif steps.y():
            self.zoom_at(NOTCH ** (steps.y() / 120), event.position())

    def viewportEvent(self, event) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_at(1 + event.value(), event.position())
            return True
        if event.type() == QEvent.Type.ToolTip:
            if self.gesture is None and (text := self.canvas.tooltip(self.hit(QPointF(event.pos())))):
                QToolTip.showText(event.globalPos(), tip(text), self)
            else:
                QToolTip.hideText()
            return True
        if event.type() == QEvent.Type.Leave:
            self.show_hover(None)
        return super().viewportEvent(event)

    def contextMenuEvent(self, event) -> None:
        """The menu comes when the right button is released without a drag; the key asks for the selection's."""
        if event.reason() == event.Reason.Keyboard:
            self.menu_wanted.emit(None, None)

    def hover(self, at: QPointF) -> None:
        hit, shape = self.hit(at), Qt.CursorShape.ArrowCursor
        if hit.what == "port" or self.slicing:
            shape = Qt.CursorShape.CrossCursor
        elif self.space:
            shape = Qt.CursorShape.OpenHandCursor
        elif hit.what == "stub" or self.canvas.edge_pills.at(at) is not None:
            shape = Qt.CursorShape.PointingHandCursor
        elif hit.what == "name" and hit.node.look.path in self.canvas.selection:  # after the first click
            shape = Qt.CursorShape.IBeamCursor
        self.viewport().setCursor(shape)
        self.show_hover(hit.port or hit.end or hit.node or hit.stub or hit.wire)
        self.canvas.peek.over(hit.node if hit.what == "body" else None)

    def pointed_end(self) -> str | None:
        """The Input or Output in a group whose port the pointer is at."""
        return end_of(self.canvas, self._hover) if isinstance(self._hover, PortItem) else None

    def show_hover(self, item: NodeItem | PortItem | Stub | WireItem | None) -> None:
        if item is None:
            self.canvas.peek.over(None)
        self.canvas.mirror.point(item.wires if isinstance(item, Stub) else ())
        if item is self._hover:
            return
        for changed, on in ((self._hover, False), (item, True)):
            if changed is not None and changed.scene() is not None:  # else it went
                changed.hovered = on
                (changed.node if isinstance(changed, PortItem) else changed).update()
        self._hover = item

    def cancel(self) -> bool:
        """Drop what the pressed button is doing; whether there was something."""
        gesture, self.gesture = self.gesture, None
        if gesture is not None:
            gesture.cancel()
            self.viewport().update()
        return gesture is not None

    def _interrupt(self) -> None:
        """Let go of what is held when other layers come in its place, as by undo or a group that is entered."""
        document, gesture = self.canvas.document, self.gesture
        if gesture is None or gesture.pans:
            return
        shown = self.canvas.mirror.shown
        if document.network is not shown.root or document.view.path != shown.path:
            self.gesture = None
            gesture.interrupt()
            self.viewport().update()

    # Keys.

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Space and not self.canvas.switching.on:
            if not event.isAutoRepeat():
                self.space = True
                self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
            return
        if not self.canvas.key(event):
            event.ignore()

    def keyReleaseEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.space = False
                self.viewport().unsetCursor()
            return
        event.ignore()

    def focusInEvent(self, event) -> None:
        """WORKAROUND: the stock handler fills the hidden menu bar, whose shortcuts then work in our window."""
        QGraphicsView.focusInEvent(self, event)

    def focusOutEvent(self, event) -> None:
        self.space = False  # its release goes elsewhere
        self.canvas.peek.over(None)
        QGraphicsView.focusOutEvent(self, event)

    # Drops from the library.

    def dragEnterEvent(self, event) -> None:
        self.canvas.adding.drag(event)

    dragMoveEvent = dragEnterEvent

    def dragLeaveEvent(self, event) -> None:
        self.canvas.adding.light(None)
        event.accept()

    def dropEvent(self, event) -> None:
        self.canvas.adding.drop(event)
