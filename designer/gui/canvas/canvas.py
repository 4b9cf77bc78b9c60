"""The canvas itself: it draws the document through the mirror, and turns gestures into edits of the document."""

from collections.abc import Callable, Iterable
from typing import Any

from NodeGraphQt import NodeGraph
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal

from designer.edits.deletion import delete
from designer.edits.insertion import bypass
from designer.edits.outline import Outline
from designer.gui.busy import busy
from designer.gui.canvas.adding import Adding
from designer.gui.canvas.bookmarking import Bookmarking
from designer.gui.canvas.commands import commands
from designer.gui.canvas.connecting import Connecting
from designer.gui.canvas.edge_pills import EdgePills
from designer.gui.canvas.form import form
from designer.gui.canvas.frame import Frame
from designer.gui.canvas.gestures import CTRL, SHIFT
from designer.gui.canvas.hits import Hit
from designer.gui.canvas.joins import Join
from designer.gui.canvas.lighting import Lighting
from designer.gui.canvas.mirror import Mirror, Place
from designer.gui.canvas.motion import Motion
from designer.gui.canvas.moving import FAR_STEP, STEP, Moving
from designer.gui.canvas.naming import Naming
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.opening import opened
from designer.gui.canvas.peek import Peek
from designer.gui.canvas.placing import Placing, outline_of
from designer.gui.canvas.preview import Preview
from designer.gui.canvas.saying import Saying
from designer.gui.canvas.search import LayerSearch
from designer.gui.canvas.switching import Switching
from designer.gui.canvas.tooltips import tooltip
from designer.gui.canvas.tying import Choosing, tie_layers
from designer.gui.canvas.viewer import Viewer
from designer.gui.canvas.walking import Walking
from designer.gui.canvas.wiring import switched
from designer.gui.document import Document
from designer.model import Group, Layer, Network, Port
from designer.model.names import parent

MARGIN = 16  # around what is fitted into the view


class Canvas(NodeGraph):
    """The open network, drawn; ``widget`` goes into the window.

    Signals:
        settings_wanted: the path of a layer that was double-clicked.
    """

    settings_wanted = Signal(str)

    def __init__(self, document: Document):
        self.document = document
        self.mirror: Mirror | None = None
        super().__init__(viewer=Viewer(self))
        self.setParent(document)
        self.view: Viewer = self.viewer()
        self.mirror = Mirror(self)
        self.placing = Placing()
        self._keep = QTimer(self, singleShot=True, interval=250)
        self._keep.timeout.connect(self._keep_place)
        self._arrive = QTimer(self, singleShot=True, interval=0)
        self._arrive.timeout.connect(self._bring_into_view)
        self._opened = True  # another document
        self._fitted = False  # whether the shown group was brought into view once
        self._fit: tuple[QPointF, float] | None = None  # the camera that a group was opened with, to have all in view
        self.adding, self.motion, self.edge_pills = Adding(self), Motion(self), EdgePills(self)
        self.frame = Frame(self)
        self.preview, self.peek = Preview(self), Peek(self)
        self.search = LayerSearch(self, self.frame.box)
        self.choosing = Choosing(self, self.frame.box)
        self.naming = Naming(self)
        self.connecting, self.walking = Connecting(self, self.frame.box), Walking(self)
        self.bookmarking, self.switching = Bookmarking(self, self.frame.box), Switching(self)
        self.lighting, self.moving = Lighting(self), Moving(self)
        self.commands, self.saying = commands(self), Saying(self)
        document.began.connect(self._begin)
        document.changed.connect(self.redraw)
        document.viewed.connect(self.redraw)
        document.analyzed.connect(self.redraw)
        self.view.moved.connect(self._keep.start)
        self.frame.destroyed.connect(self._end)
        self.redraw()

    @property
    def widget(self) -> Frame:
        return self.frame

    # From the document to the scene.

    def redraw(self) -> None:
        document, entered = self.document, self.mirror.shown.path != self.document.view.path
        edited = document.network is not self.mirror.shown.root
        self.preview.forget()
        if edited or entered:
            self.peek.over(None)
        opened, self._opened = self._opened, False
        if opened:
            self.placing = Placing()
            self._arrive.start()
        if edited:
            self._fit = None
            self.frame.box.forget()
            self.choosing.pictures.close_pictures(focus=False)
        measured = document.analysis is not self.mirror.shown.analysis
        self.mirror.draw(document.network, document.view, document.analysis, self.places())
        if measured and self._fit == (self.view.center, self.view.zoom):
            self.fit(all=True, at_once=True)  # shapes make layers wider
            self._keep.stop()  # nobody moved the camera
            self._fit = None
        if opened:
            self.mirror.let_go()
        if edited and not opened and not self._fitted and self._in_view():
            self._fitted = True  # a first layer stays where it was dropped
        if entered or (not self._fitted and self.mirror.nodes):
            self._bring_into_view()
        self.frame.follow()
        self.naming.follow()
        self.saying.follow()
        self.switching.follow()
        self.lighting.follow()
        if not self.mirror.still:
            self.view.viewport().update()

    def _begin(self) -> None:
        self._opened = True

    def _end(self) -> None:
        """The widget is gone, and the items with it: the document may outlive them."""
        self._keep.stop()
        self._arrive.stop()
        self.document.began.disconnect(self._begin)
        for signal in (self.document.changed, self.document.viewed, self.document.analyzed):
            signal.disconnect(self.redraw)

    def _in_view(self) -> bool:
        """Whether every layer that is drawn can be seen, if only a part of it."""
        seen, nodes = self.view.visible(), self.nodes()
        return self.frame.isVisible() and bool(nodes) and all(seen.intersects(node.frame) for node in nodes)

    def places(self) -> dict[str, Place]:
        """Where the shown layers stand."""
        return self.placing.places(self.document.network, self.document.view, self.document.analysis)

    def _bring_into_view(self) -> None:
        """Show a group as it was left, the first time all of it."""
        place = self.document.view.places.get(self.document.view.path)
        if place is not None:
            x, y, zoom = place
            self.view.set_camera(QPointF(x, y), zoom)
        else:
            self.fit(all=True, at_once=True)
            self._fit = self.view.center, self.view.zoom
        self._fitted = self.frame.isVisible() and bool(self.mirror.nodes)
        self._keep.stop()

    def _keep_place(self) -> None:
        center = self.view.center
        view = self.document.view
        place = (round(center.x(), 1), round(center.y(), 1), round(self.view.zoom, 4))
        if self.mirror.nodes and view.places.get(view.path) != place:
            self.document.look(places={**view.places, view.path: place})

    # The camera.

    def fit(self, all: bool = False, at_once: bool = False) -> None:
        """Bring the selection into view, or everything when nothing is selected."""
        go = self.view.set_camera if at_once else self.motion.fly
        nodes = [] if all else [self.node(path) for path in self.selected_layers()]
        area = QRectF()
        for node in nodes:
            area = area.united(node.frame)
        area = area if nodes else self.area()
        size = self.view.viewport().size()
        if area.isEmpty():
            go(QPointF(), 1.0)
            return
        room = QRectF(0, 0, max(1, size.width() - 2 * MARGIN), max(1, size.height() - 2 * MARGIN))
        room.setHeight(max(room.height() - 2 * 44, room.height() / 2))  # pills float over its upper and lower edge
        go(area.center(), min(1.0, room.width() / area.width(), room.height() / area.height()))

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle of the view."""
        self.view.set_camera(self.view.center, self.view.zoom * factor)

    def zoom_to(self, zoom: float) -> None:
        self.zoom_by(zoom / self.view.zoom)

    def show_path(self, path: str) -> None:
        """Open the group that a layer stands in, select it and bring it into view."""
        self.view.jumped = True
        self.enter(parent(path))
        self.select({path})
        if (node := self.mirror.nodes.get(path)) and not self.view.visible().contains(node.view.frame):
            self.motion.fly(node.view.frame.center(), max(self.view.zoom, 0.7))

    def shown(self) -> None:
        """The widget has its size now: what was placed without it is placed again."""
        if not self._fitted:
            self._bring_into_view()

    # What is there.

    def area(self) -> QRectF:
        """The rectangle of the scene that holds all nodes."""
        return self.view.grid.area()

    def nodes(self) -> list[NodeItem]:
        return [node.view for node in self.mirror.nodes.values()]

    def node(self, path: str) -> NodeItem:
        return self.mirror.nodes[path].view

    def outlines(self, down: bool | None = None) -> dict[str, Outline]:
        """The outline of each node that is drawn, by path; ``down``: as it would be in the other direction."""
        nodes = [node.view for node in self.mirror.nodes.values() if node.view.look]
        if down is None or down == self.view.down:
            return {node.look.path: outline_of(node.form) for node in nodes}
        return {node.look.path: outline_of(form(node.look._replace(down=down))) for node in nodes}

    def tooltip(self, hit: Hit) -> str:
        if hit.what == "body" and self.peek.isVisible():
            return ""  # it says more
        return tooltip(hit, self.document.network, self.document.analysis)

    # The selection.

    @property
    def selection(self) -> frozenset[str]:
        return self.document.view.selection

    def selected_layers(self) -> list[str]:
        """The paths of the selected layers that are shown."""
        return [path for path in self.mirror.nodes if path in self.selection]

    def select(self, names: Iterable[str], modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Select layers by path and wires by target; with Shift or Ctrl add them, or take them out."""
        names = frozenset(names)
        if modifiers & (SHIFT | CTRL):
            names = self.selection - names if names <= self.selection else self.selection | names
        self.document.look(selection=names)

    def select_all(self) -> None:
        with busy(len(self.mirror.nodes)):
            self.select(self.mirror.nodes)

    def clear(self) -> None:
        """Cancel a gesture that is under way or armed, else clear the selection."""
        if self.view.slicing:
            self.slice(False)
        elif not self.view.cancel() and not self.switching.leave() and not self.lighting.clear():
            self.select(())

    def pressed(self) -> None:
        """A button is pressed: what keys or a click had armed is over."""
        self.switching.leave()
        self.lighting.clear()

    def slice(self, on: bool = True) -> None:
        """Let the next drag cut the wires that it crosses."""
        self.view.slicing = on
        self.view.viewport().setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)
        if on:
            self.document.told.emit("Draw a line across the wires to cut them; Esc leaves.")

    # Groups.

    def enter(self, path: str) -> None:
        """Show what is inside a group; "" is the top."""
        if path != self.document.view.path:
            if self._keep.isActive():
                self._keep_place()
            self.document.look(path=path, selection=frozenset())

    def enter_selected(self) -> None:
        """Enter the selected group; where the keyboard is at switches, open a group of their names."""
        if self.switching.open_names():
            return
        groups = [path for path in self.selected_layers() if isinstance(self.document.network.find(path), Group)]
        if len(groups) == 1:
            self.enter(groups[0])

    def leave(self) -> None:
        """Show the network around the group, the group selected."""
        if path := self.document.view.path:
            self.enter(parent(path))
            self.select({path})

    def opened(self, hit: Hit) -> None:
        """What a double-click does."""
        opened(self, hit)

    # Edits that gestures and keys end in.

    def attempt(self, text: str, edit: Callable[[Network], Network], then: Callable[[], object] | None = None) -> bool:
        return self.document.attempt(text, edit, then)

    def make(self, found: Join, at: QPointF) -> None:
        """Do what a join says: make it, let the user choose among several, or say why it cannot be."""
        if found.choices:
            self.choosing.ask(found.choices, at)
        elif found.edit is None:
            self.document.refused.emit(found.sentence)
        else:
            edit, saves = found.edit, f", saves {found.saves}" if found.saves else ""
            said = f"{found.says}{saves}." if found.says else ""
            self.attempt(
                found.text,
                lambda net: self.adding.with_places(net, edit(net)),
                then=lambda: self.document.told.emit(said) if said else None,
            )

    def tie(self, owner: str, borrower: str) -> None:
        """Let a layer borrow from another one."""
        node = self.mirror.nodes.get(borrower)
        at = self.view.viewportTransform().map(node.view.frame.bottomLeft()) if node else QPointF()
        self.make(tie_layers(self.document.network, self.document.analysis, owner, borrower), at)

    def switch(self, paths: list[str], names: tuple[str, ...], offers: bool, on: bool) -> None:
        """Tick or untick switches of learnables, where layers have them."""
        paths = [path for path in paths if set(names) & {*self.document.network.layer(path).learnables()}]
        what = names[0] if len(names) == 1 else f"{len(names)} learnables"
        whose = paths[0].rpartition(".")[2] if len(paths) == 1 else f"{len(paths)} layers"
        if offers:
            text = f"{'Offer' if on else 'Stop offering'} {what} of {whose}"
        else:
            text = f"Take {what} of {whose} from a wire" if on else f"Let {whose} own {what}"
        self.attempt(text, lambda net: switched(net, paths, names, offers, on))

    def fold(self, paths: Iterable[str], unfold: bool | None = None) -> None:
        """Fold or unfold the learnables of layers; all as the first one, unless said."""
        able = [path for path in paths if self.node(path).look.unfolds]
        if able:
            unfold = not self.node(able[0]).look.unfolded if unfold is None else unfold
            unfolded = self.document.view.unfolded
            with busy(len(able)):
                self.document.look(unfolded=unfolded | set(able) if unfold else unfolded - set(able))

    def fold_names(self, path: str, group: str) -> None:
        """Open a group of names of learnables, or close it; one is open at a time."""
        unfolded = self.document.view.unfolded
        kept = frozenset(name for name in unfolded if not name.startswith(f"{path}/"))
        name = f"{path}/{group}"
        self.document.look(unfolded=kept if name in unfolded else kept | {name})

    def cycle_ties(self) -> None:
        modes = ("all", "selected", "off")
        self.document.look(ties=modes[(modes.index(self.document.view.ties) + 1) % 3])

    def delete(self, joined: bool = False) -> None:
        """Delete the selected layers and wires; what others borrow is handed over first.

        ``joined``: what fed the layers then feeds what they fed.
        """
        chosen = sorted(self.selection)
        layers = [name for name in chosen if "/" not in name]
        if not chosen:
            return
        what = (
            chosen[0] if len(chosen) == 1 else f"{len(chosen)} {'layers' if len(layers) == len(chosen) else 'things'}"
        )
        if len(chosen) == 1 and not layers:
            what = f"the wire to {Port.parse(chosen[0]).layer}"
        said: list[str] = []

        def edit(network: Network) -> Network:
            new, sentences = delete(bypass(network, *layers) if joined else network, *chosen)
            said[:] = sentences
            return new

        text = f"Delete {what} and join its ends" if joined and layers else f"Delete {what}"
        self.attempt(text, edit, then=lambda: self.document.told.emit(" ".join(said)) if said else None)

    def add(self, layer: Layer, at: QPointF | None = None, name: str = "") -> str | None:
        """Add a layer, at a point of the scene or after the selected one; give its path, None if it was refused."""
        return self.adding.add(layer, at, name)

    # Keys.

    def key(self, event: Any) -> bool:
        """Take a key that is no command of its own; whether it meant something."""
        if not event.modifiers() & (CTRL | SHIFT | Qt.KeyboardModifier.AltModifier) and self.switching.key(event.key()):
            return True
        arrows = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        if event.key() not in arrows or event.modifiers() & (CTRL | Qt.KeyboardModifier.AltModifier):
            return False
        x, y = arrows[event.key()]
        step = FAR_STEP if event.modifiers() & SHIFT else STEP
        self.moving.nudge(x * step, y * step)
        return True
