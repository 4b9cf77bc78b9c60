"""The menus of the right button: what can be done with a layer, a port, a wire, a switch, or the canvas itself."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from designer.analysis import permutations
from designer.edits.likeness import nearly_alike
from designer.edits.switches import borrowers, switch_input, switch_output
from designer.gui.canvas import joins
from designer.gui.canvas.beyond import go_to, stub_lines
from designer.gui.canvas.group_ports import port_menu
from designer.gui.canvas.hiding import canvas_lines, chosen_wires, layer_lines, port_lines, wire_lines
from designer.gui.canvas.hits import Hit
from designer.gui.canvas.joins import End
from designer.gui.canvas.port import PortItem
from designer.gui.canvas.tooltips import tooltip
from designer.gui.commands import SUBMENUS
from designer.gui.drawing import shape_text
from designer.gui.untying import borrows, untie_ports
from designer.model import BUNDLE, Group, Input, Output, Parameter, Port

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas
    from designer.gui.main_window import MainWindow

# Names of commands, those of the canvas with a dot before them, | for a line; one that is not there is left out.
ONE = "settings rename replace transfer .connect"
GROUP = ".enter settings rename ungroup .differences"
SEVERAL = "tie arrange_selection"
LAYERS = "| untie freeze | group .call_again | cut copy duplicate copy_picture | downstream | .delete"
CANVAS = (
    ".search paste | undo redo | .select_all arrange arrange_down .fit_all .ties .overview | "
    ".bookmark .bookmarks | .leave"
)

LISTED = 16  # that something can be tied or connected to; more are looked for with the search box
LOOKING = 0.05  # seconds for finding them


def open_menu(window: "MainWindow", hit: Hit | None, at: QPoint | None) -> QMenu:
    """Show the menu of what was hit; by the key for menus, that of the selection."""
    if hit is None or at is None:
        hit, at = _selected(window.canvas)
    menu = QMenu(window.canvas.view, objectName="context")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)
    made = Menu(window, menu, hit)
    if (port := hit.port or hit.end) is not None:
        made.port(port)
    elif hit.what in ("takes", "offers") and hit.part.row.names and not hit.part.row.head:
        made.switch(Port(hit.node.look.path, hit.part.row.names[0]), hit.what == "offers")
    elif hit.node is not None:
        made.layers()
    elif hit.wire is not None:
        made.wire(hit.wire.target)
    elif hit.stub is not None:
        stub_lines(made, hit.stub)
    else:
        made.fill(CANVAS if window.document.view.path else CANVAS.removesuffix(" | .leave"))
        canvas_lines(made)
    menu.popup(at)
    return menu


def _selected(canvas: "Canvas") -> tuple[Hit, QPoint]:
    """Give the title of the first layer that is selected, else the middle of the canvas."""
    view = canvas.view
    titles = [canvas.node(path).pos() + QPointF(46, 12) for path in canvas.selected_layers()]
    spot = view.viewportTransform().map((titles or [view.center])[0])
    return view.hit(spot) if titles else Hit("canvas", view.center), view.viewport().mapToGlobal(spot.toPoint())


class Menu:
    """A menu that is being filled."""

    def __init__(self, window: "MainWindow", menu: QMenu, hit: Hit):
        self.window, self.menu, self.hit = window, menu, hit
        self.canvas: Canvas = window.canvas
        self.document = window.document
        self.network, self.analysis = window.document.network, window.document.analysis

    def fill(self, names: str, menu: QMenu | None = None) -> QMenu:
        """Add commands by their names."""
        menu = menu or self.menu
        for name in names.split():
            if name == "|":
                menu.addSeparator()
                continue
            actions = self.canvas.commands if name.startswith(".") else self.window.actions_by_name
            action = actions.get(name.lstrip("."))
            if action is not None and self._makes_sense(name):
                menu.addAction(action)
        return menu

    def add(self, text: str, run: Callable[[], object], menu: QMenu | None = None) -> QAction:
        action = (menu or self.menu).addAction(text.replace("&", "&&"))
        action.triggered.connect(lambda: run())
        return action

    def _makes_sense(self, name: str) -> bool:
        paths = self.canvas.selected_layers()
        layers = [self.network.layer(path) for path in paths]
        if name == "transfer":
            return any(layer.learnables() for layer in layers)
        if name == "freeze":
            return any(layer.owned or isinstance(layer, Group) for layer in layers)
        if name == "untie":
            ports = [Port(path, n) for path, layer in zip(paths, layers) for n in layer.input_learnables]
            return any(borrows(self.network, port) for port in ports)
        if name == ".differences":
            return len(nearly_alike(self.network, paths[0] if paths else self.hit.node.look.path)) > 1
        if name == ".call_again":
            return len(layers) == 1 and not isinstance(layers[0], Input | Output | Parameter)
        return name != "tie" or len(paths) == 2

    # One for each kind of thing.

    def layers(self) -> None:
        paths = self.canvas.selected_layers()
        if len(paths) > 1:
            self.fill(SEVERAL)
            layer_lines(self, paths)
            self.fill(LAYERS)
            title, names = SUBMENUS["align"]
            self.menu.insertMenu(self.menu.actions()[-2], self.fill(names, QMenu(title, self.menu)))
            return
        (path,) = paths or [self.hit.node.look.path]
        layer = self.network.layer(path)
        self.fill(GROUP if isinstance(layer, Group) else ONE)
        self.menu.addSeparator()
        if not isinstance(layer, Group):
            self._ties("Tie", [Port(path, name) for name in layer.learnables()], None)
        layer_lines(self, [path])
        self.fill(LAYERS.removeprefix("| "))

    def switch(self, port: Port, offers: bool) -> None:
        """Say what a switch means, then what else it can do."""
        for sentence in tooltip(self.hit, self.network, self.analysis).split(". ", 1):
            self.menu.addAction(sentence.replace("&", "&&")).setEnabled(False)
        self.menu.addSeparator()
        layer = self.network.layer(port.layer)
        on = port.name in (layer.output_learnables if offers else layer.input_learnables)
        turn = self.add(
            f"Offer {port.name}" if offers else f"Take {port.name} from a wire",
            lambda: self.canvas.switch([port.layer], (port.name,), offers, not on),
        )
        turn.setCheckable(True)
        turn.setChecked(on)
        self._ties("Tie to", [port], offers)
        self._untie(borrowers(self.network, port) if offers else [port])

    def port(self, item: PortItem) -> None:
        port, out = item.look.port, item.out
        layer = self.network.find(port.layer)
        learnable = layer is not None and port.name in layer.learnables()
        if learnable:
            self._ties("Tie to", [port], out)
        elif port.name != BUNDLE:
            self._ports(item)
        ends = [self._end(wire.input_port if out else wire.output_port) for wire in item.connected_pipes]
        if ends:
            self.menu.addSeparator()
            for other in ends[:LISTED]:
                text = "Jump to the other end" if len(ends) == 1 else f"Jump to {other}"
                self.add(text, lambda other=other: go_to(self.canvas, other))
            targets = [wire.target for wire in item.connected_pipes]
            self.menu.addSeparator()
            port_lines(self, item)
            self.add("Disconnect" if len(ends) == 1 else f"Disconnect all {len(ends)}", lambda: self._cut(targets))
            self._untie(targets)
        else:
            port_lines(self, item)
        port_menu(self, item)
        if not self.menu.actions():
            self.menu.addAction("Nothing fits this port").setEnabled(False)

    def wire(self, target: Port) -> None:
        source = self.network.wires.get(target)
        if source is None:
            return
        chosen = [Port.parse(name) for name in chosen_wires(self.canvas)]
        if len(chosen) > 1 and target in chosen:
            self.add(f"Cut {len(chosen):,} wires\tDel", lambda: self._cut(chosen))
            self._untie(chosen)
            self.menu.addSeparator()
            wire_lines(self, [str(each) for each in chosen])
            return
        self.fill(".insert |")
        self.add("Cut wire\tDel", lambda: self._cut([target]))
        self._untie([target])
        self.menu.addSeparator()
        self.add("Go to source", lambda: go_to(self.canvas, source.layer))
        self.add("Go to target", lambda: go_to(self.canvas, target.layer))
        self.menu.addSeparator()
        wire_lines(self, [str(target)])

    # What they offer.

    def _untie(self, targets: list[Port]) -> None:
        ports = [port for port in targets if borrows(self.network, port)]
        if ports:
            action = self.add("Untie", lambda: untie_ports(self.document, ports))
            action.setToolTip("Let it own a copy of the same values; the outputs stay as they are")

    def _ties(self, title: str, ports: list[Port], offers: bool | None) -> None:
        """List the learnables that have a shape that fits; ``offers`` None: the earlier layer gives."""
        submenu = self.menu.addMenu(title)
        for count, (give, take, order) in enumerate(self._fitting(ports, offers)):
            if count == LISTED:
                submenu.addAction("…").setEnabled(False)
                break
            here, other = (take, give) if take in ports else (give, take)
            way = "from" if take in ports else "to"
            shape = shape_text(self.analysis.learnable_shape(other))
            through = f", by Permute {', '.join(map(str, order))}" if order else ""
            self.add(
                f"{here.name} {way} {other.layer}.{other.name}   {shape}{through}",
                lambda give=give, take=take: self._tie(give, take),
                submenu,
            )
        if not submenu.actions():
            known = self.analysis is not None and not self.document.stale
            submenu.addAction("Nothing has a shape that fits" if known else "Shapes are not known yet").setEnabled(
                False
            )

    def _fitting(self, ports: list[Port], offers: bool | None) -> Iterator[tuple[Port, Port, tuple[int, ...]]]:
        """Give owner, borrower and permutation of the ties that are possible; matrices first."""
        if self.analysis is None:
            return
        shapes = {port: self.analysis.learnable_shape(port) for port in ports}
        if offers is None and any(len(shape or ()) > 1 for shape in shapes.values()):
            shapes = {port: shape for port, shape in shapes.items() if len(shape or ()) > 1}
        until = time.perf_counter() + LOOKING
        before = True
        for path, layer in self.network.all.items():
            if path == ports[0].layer if ports else False:
                before = False
                continue
            for name in layer.learnables() if time.perf_counter() < until else ():
                other = Port(path, name)
                size = self.analysis.learnable_shape(other)
                for port, shape in shapes.items():
                    gives = offers if offers is not None else not before
                    give, take = (port, other) if gives else (other, port)
                    if not size or not shape or self.network.wires.get(take) == give:
                        continue
                    if orders := permutations(shape if gives else size, size if gives else shape):
                        yield give, take, orders[0]

    def _tie(self, give: Port, take: Port) -> None:
        offer = End(give, True, lambda net: switch_output(net, give, True))
        demand = End(take, False, lambda net: switch_input(net, take, True))
        self.canvas.make(joins.join(self.document.network, self.document.analysis, offer, demand), self._place())

    def _ports(self, item: PortItem) -> None:
        """List the ports in view that a data port can be wired to."""
        submenu, begin = self.menu.addMenu("Connect to"), End(item.look.port, item.out)
        until, count = time.perf_counter() + LOOKING, 0
        for node in self.canvas.nodes():
            for other in node.ports():
                if other.out == item.out or other.look.diamond or node is item.node or count == LISTED:
                    continue
                if time.perf_counter() > until or (other.connected_pipes and not other.out):
                    continue
                found = joins.join(self.network, self.analysis, begin, End(other.look.port, other.out))
                if not found.refused:
                    count += 1
                    text = found.says.split(" to ", 1)[0 if other.out else 1]
                    self.add(text, lambda found=found: self.canvas.make(found, self._place()), submenu)
        if not count:
            submenu.addAction("No port fits").setEnabled(False)

    def _place(self) -> QPointF:
        view = self.canvas.view
        return QPointF(view.viewportTransform().map(self.hit.at))

    def _cut(self, targets: list[Port]) -> None:
        if len(targets) == 1:
            self.canvas.make(joins.cut(self.document.network, targets[0]), self._place())
            return

        def edit(network):
            for target in targets:
                network = network.disconnect(target)
            return network

        self.canvas.attempt(f"Cut {len(targets)} wires", edit)

    def _end(self, item: PortItem) -> str:
        return item.node.look.path
