"""The scene as a mirror of the document: each change draws its difference, told by identity, and nothing else."""

import contextlib
import gc
import math
from collections.abc import Iterable, Iterator, Mapping

from NodeGraphQt import NodeGraph

from designer.analysis import Analysis
from designer.edits.likeness import alike
from designer.gui.canvas import look as looks
from designer.gui.canvas.layer_node import LayerNode, names_of
from designer.gui.canvas.look import Crossing, Look
from designer.gui.canvas.node import NodeItem
from designer.gui.canvas.tied_wires import ties_of
from designer.gui.canvas.wire import WireItem
from designer.gui.document import View
from designer.gui.drawing import shape_text
from designer.model import BUNDLE, Call, Group, Layer, Network, Port
from designer.model.names import join, parent, under

Place = tuple[float, float]
SPARE = 12_000  # nodes


def _far(look: Look) -> tuple[str, str, str]:
    """What of a look is seen from afar, beside its frame."""
    return look.category, look.kind, look.trouble


def _stands(shown: Network, before: Network) -> bool:
    """Whether the same layers stand where they stood, with the same wires."""
    same = shown.connections is before.connections or shown.connections == before.connections
    return (
        same
        and shown.layers.keys() == before.layers.keys()
        and shown.positions == before.positions
        and shown.down == before.down
    )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Let the collector of cycles wait: while nodes come it walks through all of them time and again, for nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Mirror:
    """The nodes and wires that are in the scene, and what they were drawn from."""

    def __init__(self, graph: NodeGraph):
        self.graph = graph
        self.nodes: dict[str, LayerNode] = {}  # by path from the root
        self.wires: dict[Port, WireItem] = {}  # by target, from the root
        # Nodes that were taken out: undo, or the way back to their group, brings them back.
        self._spare: dict[str, LayerNode] = {}
        self.network, self.view, self.path = Network(), View(), ""
        self.analysis: Analysis | None = None
        self.learnable: frozenset[Port] = frozenset()
        self._shown: Network = self.network
        self._ends: dict[Port, tuple[Port, str, str, str, str]] = {}  # target -> source, nodes and ports of the ends
        self._outside: dict[Port, Port] = {}
        self._beyond: frozenset[Port] = frozenset()  # the ports of these wires
        self._crossings: dict[str, Crossing] = {}
        self._alike: dict[str, int] = {}
        self._troubles: dict[str, looks.Trouble] = {}
        self._lit: set[WireItem] = set()
        self._pointed: set[WireItem] = set()
        self._chosen: set[NodeItem | WireItem] = set()
        self._ends_lit: set[NodeItem] = set()
        self._places: Mapping[str, Place] = {}
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
        self.network, self._shown, self.analysis, self.view = Network(), Network(), None, View()
        self.learnable, self._outside, self._crossings, self._troubles = frozenset(), {}, {}, {}
        self._beyond = frozenset()
        self._alike, self._ends_lit = {}, set()
        self._ends, self._lit, self._chosen, self._places = {}, set(), set(), {}
        self._pointed = set()

    def let_go(self) -> None:
        """Keep no nodes for later: they belong to a document that was closed."""
        self._spare.clear()

    def draw(
        self, network: Network, view: View, analysis: Analysis | None, places: Mapping[str, Place]
    ) -> list[tuple[str, Look]]:
        """Make the scene show a network; give the nodes whose look changed.

        ``places`` are where the shown layers stand, by path from the root.
        """
        with _uncollected():
            return self._draw(network, view, analysis, places)

    def _draw(
        self, network: Network, view: View, analysis: Analysis | None, places: Mapping[str, Place]
    ) -> list[tuple[str, Look]]:
        if view.path != self.path:
            self.clear()
            self.path = view.path
        old, old_shown, old_view, old_analysis = self.network, self._shown, self.view, self.analysis
        shown = network.network_at(view.path)
        self.network, self._shown, self.view, self.analysis = network, shown, view, analysis
        dirty: set[str] = set()
        edited, turned = network is not old, self.graph.viewer().down != shown.down
        changed_wires: set[Port] = set()
        if edited:
            changed_wires = self._compare_wires(network, shown, old_shown)
            dirty |= self._compare_layers(shown, old_shown) | self._ends_of(changed_wires)
            dirty |= self._compare_learnable(network, bool(changed_wires))
        dirty |= self._compare_crossings(network, shown, edited)
        dirty |= self._compare_likeness(network, shown) if edited else set()
        dirty |= self._compare_views(view, old_view) | self._compare_direction(shown)
        dirty |= self._compare_analyses(analysis, old_analysis)
        for target in self._gone() if edited else ():
            self._unwire(target)
        for path in [path for path in self.nodes if path.rpartition(".")[2] not in shown.layers] if edited else ():
            self._remove(path)
        with self.graph.viewer().leading.holding():
            changed = self._update(dirty, places)
            self._wire()
            self._hide(view.hidden ^ old_view.hidden)
            if turned:
                for wire in self.wires.values():
                    wire.redraw()
        told = changed_wires | self._wires_at(dirty)
        if analysis is not old_analysis:  # what a tie says depends on more than the layers at its ends
            told |= self.wires.keys() if self.path else {at for at, wire in self.wires.items() if wire.learnable}
        labelled = self._label(told)
        self.select(view)
        self.still = view is old_view and not changed and not labelled and _stands(shown, old_shown)
        return changed

    # What is different.

    def _compare_layers(self, shown: Network, old: Network) -> set[str]:
        if shown.layers is old.layers:
            return set()
        before = old.layers
        return {join(self.path, name) for name, layer in shown.layers.items() if before.get(name) is not layer}

    def _compare_wires(self, network: Network, shown: Network, old: Network) -> set[Port]:
        """Bring the ends of the wires up to date; give the targets of those that changed."""
        if shown.connections is old.connections:
            return set()
        new = shown.connections.items()
        gone = {target.above(self.path) for target, _ in old.connections.items() - new}
        for target in gone:
            self._ends.pop(target, None)
        came = set()
        for target, source in new - old.connections.items():
            into, out = target.above(self.path), source.above(self.path)
            self._ends[into] = (out, *self._place(source), *self._place(target))
            came.add(into)
        return gone | came

    def _place(self, port: Port) -> tuple[str, str]:
        """The node that shows a port, which is a group where the layer lies inside one, and its name there."""
        name, _, rest = port.layer.partition(".")
        return join(self.path, name), f"{rest}.{port.name}" if rest else port.name

    def _ends_of(self, targets: Iterable[Port]) -> set[str]:
        found = set()
        for target in targets:
            ends = self._ends.get(target)
            wire = self.wires.get(target)
            found |= {ends[1], ends[3]} if ends else set()
            found |= {wire.input_port.node.look.path, wire.output_port.node.look.path} if wire else set()
        return found

    def _compare_learnable(self, network: Network, rewired: bool) -> set[str]:
        """The layers whose wires became learnable, or no longer are, and those that tell whom they borrow from."""
        now = network.learnable_ports
        differ = now ^ self.learnable
        self.learnable = now
        dirty = {
            join(self.path, port.below(self.path).layer.partition(".")[0]) for port in differ if self._inside(port)
        }
        if differ or rewired:
            for name, layer in self._shown.layers.items():
                if layer.input_learnables or layer.output_learnables or isinstance(layer, Call):
                    dirty.add(join(self.path, name))
        if differ and self.view.hidden:  # the stubs at both ends tell what a wire carries
            dirty |= self._ends_of(target for port in differ for target in network.targets.get(port, ()))
        return dirty

    def _inside(self, port: Port) -> bool:
        return under(port.layer, self.path) and port.layer != self.path

    def _compare_crossings(self, network: Network, shown: Network, edited: bool) -> set[str]:
        if not edited:
            return set()
        outside = self._find_outside(network)
        dirty: set[str] = set()
        if outside != self._outside:
            for target, source in outside.items() ^ self._outside.items():
                ports = (port for port in (target, source) if self._inside(port))
                dirty |= {join(self.path, port.below(self.path).layer.partition(".")[0]) for port in ports}
            self._outside = outside
            self._beyond = frozenset(port for wire in outside.items() for port in wire)
        groups = any(isinstance(layer, Group) for layer in shown.layers.values())
        now = looks.crossings(shown, network, self.path, outside) if groups else {}
        for name in now.keys() | self._crossings.keys():
            if now.get(name) != self._crossings.get(name):
                dirty.add(join(self.path, name))
        self._crossings = now
        return dirty

    def _compare_likeness(self, network: Network, shown: Network) -> set[str]:
        """The groups that have more or fewer like them, wherever those stand."""
        found = alike(network)
        before, self._alike = self._alike, {}
        for name, layer in shown.layers.items():
            if isinstance(layer, Group) and (path := join(self.path, name)) in found:
                self._alike[path] = len(found[path])
        return {path for path in before.keys() | self._alike.keys() if before.get(path) != self._alike.get(path)}

    def _find_outside(self, network: Network) -> dict[Port, Port]:
        """The wires with one end in the group that is shown and one beyond it."""
        found, around = {}, self.path
        while around:
            around = parent(around)
            for target, source in network.network_at(around).connections.items():
                into, out = target.above(around), source.above(around)
                if self._inside(into) or self._inside(out):
                    found[into] = out
        return found

    def _compare_views(self, view: View, old: View) -> set[str]:
        dirty = {name.partition("/")[0] for name in view.unfolded ^ old.unfolded}
        dirty |= self._ends_of(map(Port.parse, view.hidden ^ old.hidden))
        if (view.ties == "off") != (old.ties == "off"):
            dirty |= {path for path, node in self.nodes.items() if node.view.look.rows}
        return dirty

    def _compare_direction(self, shown: Network) -> set[str]:
        """All that is there, where it is drawn in another direction from now on."""
        viewer = self.graph.viewer()
        if viewer.down == shown.down:
            return set()
        viewer.turn(shown.down)
        return {*self.nodes}

    def _compare_analyses(self, analysis: Analysis | None, old: Analysis | None) -> set[str]:
        if analysis is old:
            return set()
        before, self._troubles = self._troubles, looks.troubles(analysis)
        dirty = {path for path in before.keys() | self._troubles.keys() if before.get(path) != self._troubles.get(path)}
        for name in self._shown.layers:
            path = join(self.path, name)
            now, then = looks.row_of(analysis, path), looks.row_of(old, path)
            if now is not then:
                dirty.add(path)
                for port in self._shown.layers[name].outputs():
                    dirty |= {t.layer for t in self.network.targets.get(Port(path, port), ()) if "." not in t.layer}
        if self.path:
            dirty |= {join(self.path, name) for name in self._shown.layers}
        return dirty

    # What is done about it.

    def _gone(self) -> list[Port]:
        """The wires in the scene that are not there any more, or come from another port."""
        ends = self._ends
        return [t for t, wire in self.wires.items() if t not in ends or ends[t][0] != wire.source]

    def _update(self, dirty: set[str], places: Mapping[str, Place]) -> list[tuple[str, Look]]:
        changed = []
        moved = places != self._places or len(self.nodes) != len(self._shown.layers)
        self._places = places
        for name, layer in self._shown.layers.items():
            path = f"{self.path}.{name}" if self.path else name
            if not moved and path not in dirty and not isinstance(layer, Call):
                continue
            node = self.nodes.get(path)
            if node is None:
                look = self.look(path, layer)
                self._add(path, look, places[path])
                changed.append((path, look))
                continue
            if (path in dirty or isinstance(layer, Call)) and (look := self.look(path, layer)) != node.view.look:
                self._unwire_lost(node, look)
                known = node.view.look
                node.show(look)
                changed.append((path, look))
                if _far(known) != _far(look):
                    self.graph.viewer().map.changed(node.view)
            if (node.view.x(), node.view.y()) != places[path]:
                node.view.setPos(*places[path])
        return changed

    def look(self, path: str, layer: Layer) -> Look:
        """What the node of a layer has to show now."""
        return looks.look(
            self.network,
            path,
            self.view,
            self.analysis,
            learnable=self.learnable,
            trouble=self._troubles.get(path, ("", ())),
            crossing=self._crossings.get(path.rpartition(".")[2], Crossing())
            if isinstance(layer, Group)
            else Crossing(),
            beyond=self._beyond,
        )

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

    def _wire(self) -> None:
        new, viewer = [], self.graph.viewer()
        for target, (source, from_node, from_port, to_node, to_port) in self._ends.items():
            if target not in self.wires:
                out, into = self.nodes[from_node].port(from_port, True), self.nodes[to_node].port(to_port, False)
                # Not port.connect_to: it asks what the document has allowed already, and puts it on an undo stack.
                out.model.connected_ports[to_node].append(to_port)
                into.model.connected_ports[from_node].append(from_port)
                wire = viewer.establish_connection(out.view, into.view)
                wire.source, wire.target = source, target
                wire.learnable = source in self.learnable or source.name == BUNDLE
                wire.label, wire.saves = self._label_of(wire), self._saves(wire)
                wire.hidden = bool(self.view.hidden) and str(target) in self.view.hidden
                self.wires[target] = wire
                new.append(wire)
        for wire in new:
            wire.redraw()

    def _hide(self, targets: Iterable[str]) -> None:
        """Take wires from the picture that were hidden, and bring back those that are not any more."""
        for wire in [self.wires[port] for port in map(Port.parse, targets) if port in self.wires]:
            wire.hidden, wire.pointed = str(wire.target) in self.view.hidden, False
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
        said = False
        for wire in [self.wires[target] for target in targets if target in self.wires]:
            learnable = wire.source in self.learnable or wire.source.name == BUNDLE
            label, saves = self._label_of(wire, learnable), self._saves(wire)
            if (learnable, label, saves) != (wire.learnable, wire.label, wire.saves):
                wire.learnable, wire.label, wire.saves = learnable, label, saves
                wire.redraw()
                said = True
        return said

    def _label_of(self, wire: WireItem, learnable: bool | None = None) -> str:
        source, target = wire.source, wire.target
        if not (wire.learnable if learnable is None else learnable):
            shape = looks.shape_of(self.analysis, source)
            return shape_text(shape) if self.analysis is not None else ""
        if source.name == BUNDLE:
            return BUNDLE
        owner = self.network.layer(source.layer)
        name = source.name if source.name in owner.output_learnables else target.name
        known = self.analysis.learnable_shape(Port(source.layer, name)) if self.analysis else None
        shape = known if known is not None else looks.shape_of(self.analysis, source)
        return f"{name}  {shape_text(shape)}" if shape is not None else name

    def _saves(self, wire: WireItem) -> str:
        """How many numbers a tie saves, that ends at a layer which would have to store them."""
        target = wire.target
        if self.analysis is None or target.name not in self.network.layer(target.layer).input_learnables:
            return ""
        shape = self.analysis.learnable_shape(target)
        return f"{math.prod(shape):,}" if shape is not None else ""

    def select(self, view: View) -> None:
        """Show what is selected, and the ties of it."""
        nodes = [self.nodes[path].view for path in view.selection if path in self.nodes]
        targets = (Port.parse(name) for name in view.selection if "/" in name)
        wires = [self.wires[target] for target in targets if target in self.wires]
        chosen = {*nodes, *wires}
        for item in chosen ^ self._chosen:
            item.prepareGeometryChange()
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
