"""The search box: which layers it lists, for the place that it was opened at."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QCursor, QPainter, QPainterPath

from designer.gui.canvas.box import EDGE, FIELD, SHADOW, WIDTH, Box, Line
from designer.gui.canvas.fitting import fits_port, fits_wire
from designer.gui.canvas.look import shape_of
from designer.gui.canvas.routes import loose
from designer.gui.canvas.wire import wire_pen
from designer.gui.drawing import category_of, shape_text
from designer.gui.searching import Entry, asks_learnables, entries, near, operation, search, signature
from designer.gui.theme import Theme
from designer.model import CATEGORIES, Layer, Port, layer_types

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

Put = Callable[[Layer], str | None]


class LayerSearch:
    """Opens the box of a canvas where a layer is wanted."""

    def __init__(self, canvas: "Canvas", box: Box):
        self.canvas, self.box = canvas, box
        self.entries = entries()
        self.fitting: list[Entry] = []
        self.put: Put = canvas.add
        self.loose: tuple[QPainterPath, bool] | None = None
        self.teaches, self.narrow = True, False  # whether words for learnables are answered; only some layers fit
        box.closed.connect(self._closed)

    def open(self, at: QPointF | None = None) -> None:
        """Add a layer after the selected one, or at a point of the scene; without one, at the pointer."""
        chosen = self.canvas.selected_layers()
        after = chosen[0] if len(chosen) == 1 and self._gives(chosen[0]) else None
        if at is None:
            at = self._pointer(after)
        place = None if after else at
        caption = f"Enter adds after {_last(after)}" if after else "Enter adds"
        found = _inner_first(self.entries) if after else self.entries
        self._ask(at, QPoint(-24, -FIELD // 2), caption, found, lambda layer: self.canvas.add(layer, place), teach=True)

    def open_at_port(self, port: Port, out: bool, at: QPointF) -> None:
        """List what fits at the end of a new wire that was let go over nothing."""
        fits = fits_port(self.canvas.document.network, self.canvas.document.analysis, port, out)
        shape = shape_of(self.canvas.document.analysis, port)
        caption = f"{'from' if out else 'to'} {_last(port.layer)}"
        if shape is not None:
            caption = f"{'takes' if out else 'gives'} {shape_text(shape)}"
        self.loose = self._loose(port, out, at)
        found = [entry for entry in (_inner_first(self.entries) if out else self.entries) if fits(entry.layer())]
        corner = QPoint(0 if out else -WIDTH, -FIELD // 2)
        self._ask(at, corner, caption, found, lambda layer: self.canvas.adding.at_port(layer, port, out, at))

    def open_on_selected(self) -> None:
        """Look for a layer to put on the selected wire."""
        (target, *more) = [*self.canvas.selection, ""]
        if "/" in target and len(more) == 1:
            self.open_on_wire(Port.parse(target))
        else:
            self.canvas.document.refused.emit("Select one wire to insert a layer on it.")

    def open_on_wire(self, target: Port, at: QPointF | None = None) -> None:
        """List what can be put on a wire."""
        wire = self.canvas.mirror.wires.get(target)
        if wire is None:
            return
        fits = fits_wire(self.canvas.document.network, self.canvas.document.analysis, target)
        found = [entry for entry in self.entries if fits(entry.layer())]
        if not found:
            self.canvas.document.refused.emit(f"No layer can be put on the wire to {target}.")
            return
        self.canvas.adding.light(wire)
        spot = at if at is not None else wire.path().pointAtPercent(0.5)
        put = lambda layer: self.canvas.adding.on_wire(layer, target)  # noqa: E731
        self._ask(spot, QPoint(-24, 16), f"before {_last(target.layer)}", found, put)

    def _ask(
        self, at: QPointF, corner: QPoint, caption: str, found: list[Entry], put: Put, teach: bool = False
    ) -> None:
        self.put, self.fitting, self.teaches, self.narrow = put, found, teach, not teach
        pixels = self.canvas.view.viewportTransform().map(at).toPoint()
        self.box.ask(pixels + corner, "Add a layer", caption, self.lines)

    def lines(self, text: str) -> list[Line]:
        """List what answers to a text, or what to do where nothing does."""
        if hits := search(self.fitting, text):
            return [self._line(entry) for entry in hits]
        if self.teaches and asks_learnables(text):
            return self._teaching()
        if not self.narrow and (found := operation(text)) is not None:
            return [self._line(found)]
        where = " that fits here" if self.narrow else ""
        nothing = Line(f"No layer{where} is called {text.strip()}.")
        if guess := near(self.fitting, text):
            kind = next(entry.type for entry in self.fitting if entry.title == guess)
            tile = category_of(layer_types[kind]), kind
            return [nothing, Line(f"Did you mean {guess}?", tile=tile, run=lambda _: self._guess(guess))]
        return [nothing]

    def _line(self, entry: Entry) -> Line:
        kind = layer_types[entry.type]
        return Line(
            entry.title,
            entry.hint or kind.search,
            signature(entry),
            (category_of(kind), entry.type),
            tip=(kind.__doc__ or "").partition("\n")[0],
            run=lambda stays: self._take(entry, stays),
        )

    def _take(self, entry: Entry, stays: bool) -> bool:
        """Add a layer; when the box stays, the next one comes after it."""
        path = self.put(entry.layer())
        if path is None or not stays:
            return False
        self.loose = None
        self.canvas.adding.light(None)
        self.put, self.fitting = self.canvas.add, _inner_first(self.entries)
        self.teaches, self.narrow = True, False
        self.box.caption = f"Enter adds after {_last(path)}"
        return True

    def _guess(self, name: str) -> bool:
        self.box.field.setText(name)
        return True

    def _teaching(self) -> list[Line]:
        """Say where learnables are switched on, to who knows them by those words."""
        able = [path for path in self.canvas.selected_layers() if self.canvas.node(path).look.unfolds]
        if not able:
            return [Line("InputLearnables, OutputLearnables: select a layer, press L")]

        def unfold(_: bool) -> None:
            self.canvas.fold(able, unfold=True)

        return [Line(f"Show the learnables of {_last(able[0])}", "input and output", "L", run=unfold)]

    # Where.

    def _gives(self, path: str) -> bool:
        return bool(self.canvas.document.network.outputs_of(path))

    def _pointer(self, after: str | None) -> QPointF:
        """Where the pointer is in the scene; when it is elsewhere, below the layer that is added to."""
        view = self.canvas.view
        at = view.viewport().mapFromGlobal(QCursor.pos())
        if view.viewport().rect().contains(at) and view.underMouse():
            return view.scene_at(QPointF(at))
        if after is not None:
            return self.canvas.node(after).frame.bottomLeft() + QPointF(24, 16 + FIELD / 2) / view.zoom
        return view.scene_at(QPointF(view.width() / 2 - 156, max(EDGE + SHADOW + FIELD, view.height() / 3)))

    def paint(self, painter: QPainter, colors: Theme) -> None:
        """Draw the wire that waits for a layer."""
        if self.loose is not None:
            path, diamond = self.loose
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(wire_pen(colors.learn if diamond else colors.data, 2.5, diamond))
            painter.drawPath(path)

    def _loose(self, port: Port, out: bool, at: QPointF) -> tuple[QPainterPath, bool] | None:
        """Give the way of a wire from a port to the box, and whether it carries a learnable."""
        nodes = self.canvas.mirror.nodes.values()
        items = (item for node in nodes for item in (node.view.outputs if out else node.view.inputs))
        item = next((item for item in items if item.look.port == port), None)
        if item is None:
            return None
        anchor = item.anchor()
        start, end = (anchor, at) if out else (at, anchor)
        return loose(start, end, self.canvas.view.down and not item.look.diamond), item.look.diamond

    def _closed(self) -> None:
        self.loose = None
        self.canvas.adding.light(None)
        self.canvas.view.viewport().update()


def _inner_first(found: list[Entry]) -> list[Entry]:
    """What follows a layer before what begins or ends a network."""
    return sorted(found, key=lambda entry: entry.category == CATEGORIES[0])


def _last(path: str) -> str:
    return path.rpartition(".")[2]
