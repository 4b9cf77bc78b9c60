"""The scene as a mirror of the document: each change draws its difference, told by identity, and nothing else."""

from collections.abc import Iterable, Mapping

from NodeGraphQt import NodeGraph
from PySide6.QtWidgets import QGraphicsItem

from designer.analysis import Analysis
from designer.gui.canvas.layer_node import LayerNode, names_of
from designer.gui.canvas.look import Look
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.shown import Shown
from designer.gui.canvas.tied_wires import ties_of
from designer.gui.canvas.wire import WireItem
from designer.gui.document import View
from designer.model import Call, Network, Port

Place = tuple[float, float]
SELECTABLE = QGraphicsItem.GraphicsItemFlag.ItemIsSelectable
SPARE = 12_000  # nodes


def _far(look: Look) -> tuple[str, str, str]:
    """What of a look is seen from afar, beside its frame."""
    return look.category, look.kind, look.trouble


class Mirror:
    """The nodes and wires that are in the scene, and what they were drawn from."""

    def __init__(self, graph: NodeGraph):
        self.graph = graph
        self.nodes: dict[str, LayerNode] = {}  # by path from the root
        self.wires: dict[Port, WireItem] = {}  # by target, from the root
        # Nodes that were taken out: undo, or the way back to their group, brings them back.
        self._spare: dict[str, LayerNode] = {}
        self.shown = Shown()
        self._lit: set[WireItem] = set()
        self._pointed: set[WireItem] = set()
        self._chosen: set[NodeItem | WireItem] = set()
        self._ends_lit: set[NodeItem] = set()
        self._places: Mapping[str, Place] = {}
        self._loose: set[Port] = set()  # targets of the wires that were taken off what is drawn now
        self.still = False  # whether what was drawn last looks as before

    def clear(self) -> None:
        """Take everything out of the scene, at once."""
        viewer = self.graph.viewer()
        for item in (*self.wires.values(), *(node.view for node in self.nodes.values())):
            viewer.scene().removeItem(item)
        viewer.emptied()
        for path, node in self.nodes.items():
            self._keep(path, node)
        for held in (self.wires, self.nodes, self.graph.model.nodes):
            held.clear()
        self.shown = Shown()
        self._places, self._pointed, self._chosen = {}, set(), set()
        self._lit, self._ends_lit = set(), set()

    def let_go(self) -> None:
        """Keep no nodes for later: they belong to a document that was closed."""
        self._spare.clear()

    def draw(
        self, network: Network, view: View, analysis: Analysis | None, places: Mapping[str, Place]
    ) -> list[tuple[str, Look]]:
        """Make the scene show a network; give the nodes whose look changed.

        ``places`` are where the shown layers stand, by path from the root.
        """
        if view.path != self.shown.path:
            self.clear()
            self.shown = Shown(view.path)
        shown, viewer = self.shown, self.graph.viewer()
        old, old_view, old_analysis = shown.root, shown.view, shown.analysis
        change = shown.take(network, view, analysis)
        dirty, edited, turned = change.nodes, network is not old, viewer.down != shown.network.down
        if turned:
            viewer.turn(shown.network.down)
            dirty |= self.nodes.keys()
        if (view.ties == "off") != (old_view.ties == "off"):
            dirty |= {path for path, node in self.nodes.items() if node.view.look.rows}
        for target in [target for target in change.wires if target in self.wires]:
            self._unwire(target)
        for path in self._left() if edited else ():
            self._remove(path)
        with viewer.leading.holding():
            changed = self._update(dirty, places)
            self._wire(change.wires | self._loose)
            self._loose.clear()
            self._hide(view.hidden ^ old_view.hidden)
            if turned:
                for wire in self.wires.values():
                    wire.redraw()
        told = change.wires | self._wires_at(dirty)
        if analysis is not old_analysis:  # what a tie says depends on more than the layers at its ends
            told |= self.wires.keys() if shown.path else {at for at, wire in self.wires.items() if wire.learnable}
        labelled = self._label(told)
        self.select(view)
        self.still = view is old_view and not changed and not labelled and change.stands
        return changed

    def _left(self) -> list[str]:
        """The nodes in the scene whose layers are not there any more."""
        layers = self.shown.network.layers
        return [path for path in self.nodes if path.rpartition(".")[2] not in layers]

    def _update(self, dirty: set[str], places: Mapping[str, Place]) -> list[tuple[str, Look]]:
        changed = []
        shown, layers = self.shown, self.shown.network.layers
        before, self._places = self._places, places
        moved = {path for path, place in places.items() if before.get(path) != place} if places != before else set()
        for name, layer in layers.items():
            path = f"{shown.path}.{name}" if shown.path else name
            if path not in moved and path not in dirty and not isinstance(layer, Call):
                continue
            node = self.nodes.get(path)
            if node is None:
                look = shown.look(path)
                self._add(path, look, places[path])
                changed.append((path, look))
                continue
            if (path in dirty or isinstance(layer, Call)) and (look := shown.look(path)) != node.view.look:
                self._unwire_lost(node, look)
                known = node.view.look
                node.show(look)
                changed.append((path, look))
                if _far(known) != _far(look):
                    self.graph.viewer().map.changed(node.view)
            if (node.view.x(), node.view.y()) != places[path]:
                node.view.setPos(*places[path])
        return changed

    def _add(self, path: str, look: Look, place: Place) -> None:
        node, viewer = self._spare.pop(path, None) or LayerNode(self.graph, path), self.graph.viewer()
        # Not graph.add_node: it looks for a free name among all nodes, and copies every property twice.
        self.nodes[path] = self.graph.model.nodes[path] = node
        node.view.stage = viewer
        if node.view.look != look:
            node.show(look)
        node.view.setPos(*place)
        viewer.scene().addItem(node.view)  # when all of it stands, so that Qt is told nothing twice
        viewer.node_moved(node.view)

    def _remove(self, path: str) -> None:
        node = self.nodes.pop(path)
        self._chosen.discard(node.view)
        self._ends_lit.discard(node.view)
        self.graph.viewer().node_gone(node.view)
        del self.graph.model.nodes[path]
        node.view.delete()
        self._keep(path, node)

    def _keep(self, path: str, node: LayerNode) -> None:
        """Keep a node that was taken out, for when it comes back."""
        node.rest()
        self._spare[path] = node
        if len(self._spare) > SPARE:
            del self._spare[next(iter(self._spare))]

    def _wire(self, targets: set[Port]) -> None:
        """Put wires into the scene, in the order of the network."""
        new, viewer = [], self.graph.viewer()
        shown, hidden = self.shown, self.shown.view.hidden
        for target in [target for target in shown.ends if target in targets] if targets else ():
            source, from_node, from_port, to_node, to_port = shown.ends[target]
            out, into = self.nodes[from_node].port(from_port, True), self.nodes[to_node].port(to_port, False)
            # Not port.connect_to: it asks what the document has allowed already, and puts it on an undo stack.
            out.model.connected_ports[to_node].append(to_port)
            into.model.connected_ports[from_node].append(from_port)
            wire = viewer.establish_connection(out.view, into.view)
            wire.source, wire.target = source, target
            wire.learnable = shown.carries_learnables(source)
            wire.label, wire.saves = shown.label(target, source), shown.saves(target)
            wire.hidden = bool(hidden) and str(target) in hidden
            self.wires[target] = wire
            new.append(wire)
        for wire in new:
            wire.redraw()

    def _hide(self, targets: Iterable[str]) -> None:
        """Take wires from the picture that were hidden, and bring back those that are not any more."""
        for wire in [self.wires[port] for port in map(Port.parse, targets) if port in self.wires]:
            wire.hidden, wire.pointed = str(wire.target) in self.shown.view.hidden, False
            self._pointed.discard(wire)
            wire.redraw()

    def point(self, targets: Iterable[str]) -> None:
        """Show hidden wires while the pointer is at a stub of theirs, and no longer those that it left."""
        pointed = {self.wires[port] for port in map(Port.parse, targets) if port in self.wires}
        for wire in pointed ^ self._pointed:
            wire.pointed = wire in pointed
            if wire.hidden:
                wire.redraw()
        self._pointed = pointed

    def _unwire(self, target: Port) -> None:
        wire = self.wires.pop(target)
        self._loose.add(target)
        self._pointed.discard(wire)
        out, into = wire.output_port, wire.input_port
        self._lit.discard(wire)
        self._chosen.discard(wire)
        before, after = self.nodes[out.node.id], self.nodes[into.node.id]
        before.port(out.name, True).model.connected_ports[after.id].remove(into.name)
        after.port(into.name, False).model.connected_ports[before.id].remove(out.name)
        wire.delete()

    def _unwire_lost(self, node: LayerNode, look: Look) -> None:
        """Take the wires off ports that a node will not have any more."""
        for items, ports in ((node.view.inputs, look.inputs), (node.view.outputs, look.outputs)):
            names = names_of(ports)
            for item in items:
                if item.name not in names:
                    for wire in list(item.connected_pipes):
                        self._unwire(wire.target)

    def _wires_at(self, paths: Iterable[str]) -> set[Port]:
        """The targets of the wires at some nodes."""
        items = [self.nodes[path].view for path in paths if path in self.nodes]
        return {wire.target for item in items for port in item.ports() for wire in port.connected_pipes}

    def _label(self, targets: Iterable[Port]) -> bool:
        """Say the shapes on wires, and which of them are ties; whether anything is said anew."""
        said, shown = False, self.shown
        for wire in [self.wires[target] for target in targets if target in self.wires]:
            says = (
                shown.carries_learnables(wire.source),
                shown.label(wire.target, wire.source),
                shown.saves(wire.target),
            )
            if says != (wire.learnable, wire.label, wire.saves):
                led = wire.learnable or says[0] or self.graph.viewer().down  # else no way depends on what is said
                wire.learnable, wire.label, wire.saves = says
                if led:
                    wire.redraw()
                else:
                    wire.update()
                said = True
        return said

    def select(self, view: View) -> None:
        """Show what is selected, and the ties of it."""
        nodes = [self.nodes[path].view for path in view.selection if path in self.nodes]
        targets = (Port.parse(name) for name in view.selection if "/" in name)
        wires = [self.wires[target] for target in targets if target in self.wires]
        chosen = {*nodes, *wires}
        for item in chosen ^ self._chosen:
            item.prepareGeometryChange()
            item.setFlags(SELECTABLE)  # here, since few ever are
            item.setSelected(item in chosen)
            if isinstance(item, NodeItem):
                item.setZValue(2.0 if item in chosen else 1.0)
            elif item.hidden:
                item.redraw()
        self._chosen = chosen
        lit = ties = ties_of(nodes)
        if view.hidden:
            lit = ties | {
                wire for node in nodes for port in node.ports() for wire in port.connected_pipes if wire.hidden
            }
        for wire in lit ^ self._lit:
            wire.prepareGeometryChange()
            wire.lit = wire in lit
            wire.update()
            if wire.hidden:
                wire.redraw()
        self._lit = lit
        ends = {port.node for wire in ties for port in (wire.output_port, wire.input_port)} - set(nodes)
        for item in ends ^ self._ends_lit:
            item.lit = item in ends
            item.update()
        self._ends_lit = ends
        viewer = self.graph.viewer()
        viewer.map.selected, viewer.map.chosen = nodes, [*lit, *wires]
        dims = any(wire.learnable for wire in wires)
        if dims != viewer.dims or viewer.ties != view.ties:
            viewer.dims, viewer.ties = dims, view.ties
            viewer.viewport().update()
