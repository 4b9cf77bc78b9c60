"""What a pressed mouse button does until it is released: each gesture is a class, and ends in one edit or none."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from designer.gui.canvas.lifting import drop_on_level, level_at
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.snapping import Snapping
from designer.gui.theme import Theme, faded

if TYPE_CHECKING:
    from designer.gui.canvas.hits import Hit
    from designer.gui.canvas.viewer import Viewer

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
LEFT, MIDDLE, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton


def gesture_for(viewer: "Viewer", event) -> "Gesture":
    """Tell what a press begins."""
    from designer.gui.canvas.beyond import StubPress
    from designer.gui.canvas.group_ports import EndPress
    from designer.gui.canvas.slicing import Slice
    from designer.gui.canvas.twins import TwinsPress
    from designer.gui.canvas.tying import LearnablesPress
    from designer.gui.canvas.wiring import PortPress, SwitchPress

    hit = viewer.hit(event.position())
    if event.button() == MIDDLE or (event.button() == LEFT and viewer.space):
        return Pan(viewer, hit, event)
    if event.button() == RIGHT:
        return (Slice if event.modifiers() & CTRL else RightPress)(viewer, hit, event)
    if event.button() != LEFT:
        return Hold(viewer, hit, event)
    if viewer.slicing:
        return Slice(viewer, hit, event)
    kinds: dict[str, type[Gesture]] = {
        "port": PortPress,
        "end": EndPress,
        "alike": TwinsPress,
        "stub": StubPress,
        "takes": SwitchPress,
        "offers": SwitchPress,
        "fold": LearnablesPress,
        "group": Fold,
        "wire": WirePress,
        "label": WirePress,
        "canvas": Band,
    }
    return kinds.get(hit.what, NodePress)(viewer, hit, event)


class Gesture:
    """A pressed button. It is a click until the pointer has moved 4 pixels, from then on a drag."""

    pans = False

    def __init__(self, viewer: "Viewer", hit: "Hit", event):
        self.viewer, self.canvas, self.hit = viewer, viewer.canvas, hit
        self.pressed, self.button = event.position(), event.button()
        self.modifiers = event.modifiers()
        self.dragging = False

    def start(self, modifiers: Qt.KeyboardModifier) -> "Gesture":
        """Begin to drag; give the gesture that goes on with it."""
        return self

    def move(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None: ...

    def drop(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None: ...

    def click(self, modifiers: Qt.KeyboardModifier) -> None: ...

    def cancel(self) -> None: ...

    def interrupt(self) -> None:
        """Give up, since the layers are other ones now."""
        self.cancel()

    def paint(self, painter: QPainter, theme: Theme) -> None:
        """Draw, over the scene and in its coordinates, what a release would do."""


class Hold(Gesture):
    """Nothing, until the button is up again."""


class Pan(Gesture):
    """Pull the picture along."""

    pans = True

    def __init__(self, viewer: "Viewer", hit: "Hit", event):
        super().__init__(viewer, hit, event)
        self.last = self.pressed
        viewer.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def move(self, at, modifiers):
        self.viewer.pan(at - self.last)
        self.last = at

    def drop(self, at, modifiers):
        self.cancel()

    def click(self, modifiers):
        self.cancel()

    def cancel(self):
        self.viewer.viewport().unsetCursor()


class RightPress(Gesture):
    """A menu on release; a drag pans."""

    def start(self, modifiers):
        pan = Pan(self.viewer, self.hit, Press(self))
        pan.dragging = True
        return pan

    def click(self, modifiers):
        hit = self.hit
        if hit.node is not None and hit.node.look.path not in self.canvas.selection:
            self.canvas.select({hit.node.look.path})
        elif hit.wire is not None and str(hit.wire.target) not in self.canvas.selection:
            self.canvas.select({str(hit.wire.target)})
        self.viewer.menu_wanted.emit(hit, self.viewer.viewport().mapToGlobal(self.pressed.toPoint()))


class Press:
    """The press of a gesture, for the one that takes over."""

    def __init__(self, gesture: Gesture):
        self.position = lambda: gesture.pressed
        self.button = lambda: gesture.button
        self.modifiers = lambda: gesture.modifiers


class Fold(Gesture):
    """Fold or unfold the learnables of a layer, or a group of their names; a drag of a group moves the layer."""

    def start(self, modifiers):
        return NodePress(self.viewer, self.hit, Press(self)).start(modifiers)

    def click(self, modifiers):
        look, row = self.hit.node.look, self.hit.part.row
        if row is not None:
            self.canvas.fold_names(look.path, row.group)
        elif modifiers & SHIFT:
            self.canvas.fold(self.canvas.selected_layers() or [look.path], unfold=not look.unfolded)
        else:
            self.canvas.fold([look.path], unfold=not look.unfolded)


class WirePress(Gesture):
    """Select a wire; a drag from it is a rubber band, since wires are not torn by the middle."""

    def start(self, modifiers):
        return Band(self.viewer, self.hit, Press(self))

    def click(self, modifiers):
        wire = self.hit.wire
        chosen = {str(wire.target)}
        if self.hit.what == "label":  # the whole tie: all that borrow from this owner
            chosen |= {str(other.target) for other in wire.output_port.connected_pipes}
        self.canvas.select(chosen, modifiers)


class Band(Gesture):
    """Select what a rectangle touches."""

    def __init__(self, viewer: "Viewer", hit: "Hit", event):
        super().__init__(viewer, hit, event)
        self.before = self.canvas.selection
        self.rect = QRectF()

    def move(self, at, modifiers):
        self.rect = QRectF(self.hit.at, self.viewer.scene_at(at)).normalized()
        items = self.viewer.scene().items(self.rect, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
        touched = {i.look.path for i in items if isinstance(i, NodeItem) and i.frame.intersects(self.rect)}
        if self.modifiers & SHIFT:
            self.canvas.select(self.before | touched)
        elif self.modifiers & CTRL:
            self.canvas.select(self.before - touched)
        else:
            self.canvas.select(touched)

    def click(self, modifiers):
        if self.hit.what == "canvas" and not modifiers & (SHIFT | CTRL):
            self.canvas.select(set())

    def cancel(self):
        self.canvas.select(self.before)

    def interrupt(self):
        """Leave selected what is; what was selected before may have gone."""

    def paint(self, painter, theme):
        painter.setPen(QPen(theme.accent, 0))
        painter.setBrush(faded(theme.accent, 0.12))
        painter.drawRect(self.rect)


class NodePress(Gesture):
    """Select a node; a drag moves what is selected, with Ctrl copies of it."""

    def __init__(self, viewer: "Viewer", hit: "Hit", event):
        super().__init__(viewer, hit, event)
        self.path = hit.node.look.path
        self.was_selected = self.path in self.canvas.selection
        if not self.was_selected and not self.modifiers & (SHIFT | CTRL):
            self.canvas.select({self.path})

    def click(self, modifiers):
        if self.modifiers & (SHIFT | CTRL):
            self.canvas.select({self.path}, SHIFT)
        elif self.was_selected:
            self.canvas.select({self.path})

    def start(self, modifiers):
        from designer.gui.canvas.slicing import Duplicate

        if self.path not in self.canvas.selection:
            self.canvas.select(self.canvas.selection | {self.path})
        return (Duplicate if self.modifiers & CTRL else Move)(self.viewer, self.hit, Press(self))


class Move(Gesture):
    """Move the selected layers, to ports of neighbours or on the grid; Shift keeps to one axis, Ctrl moves freely."""

    def __init__(self, viewer: "Viewer", hit: "Hit", event):
        super().__init__(viewer, hit, event)
        self.nodes = [self.canvas.node(path) for path in self.canvas.selected_layers()]
        self.origins = [node.pos() for node in self.nodes]
        assert hit.node is not None, "a node is held"
        self.snapping = Snapping(viewer, hit.node, self.nodes)
        self.level: str | None = None  # of the path, that they are held over

    def move(self, at, modifiers):
        self.level = level_at(self.canvas, at)
        by = self.viewer.scene_at(at) - self.hit.at
        if modifiers & SHIFT:
            by = QPointF(by.x(), 0) if abs(by.x()) >= abs(by.y()) else QPointF(0, by.y())
        by = self.snapping.rest(by, free=bool(modifiers & CTRL))
        with self.viewer.leading.holding():
            for node, origin in zip(self.nodes, self.origins):
                node.setPos(origin + by)
        if len(self.nodes) == 1:
            self.canvas.adding.light_under(self.nodes[0])

    def drop(self, at, modifiers):
        self.move(at, modifiers)
        if self.level is not None:
            self.cancel()
            drop_on_level(self.canvas, [node.look.path for node in self.nodes], self.level)
            return
        if len(self.nodes) != 1 or not self.canvas.adding.move_onto_wire(self.nodes[0]):
            self.canvas.moving.keep([node.look.path for node in self.nodes])

    def cancel(self):
        self.canvas.adding.light(None)
        self.canvas.frame.path.light(None)
        with self.viewer.leading.holding():
            for node, origin in zip(self.nodes, self.origins):
                node.setPos(origin)

    def paint(self, painter, theme):
        self.snapping.paint(painter, theme)
