"""What the open group shows, and what of it another network, view or analysis changes."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from designer.analysis import Analysis
from designer.edits.likeness import alike
from designer.gui.canvas import look as looks
from designer.gui.canvas.look import Crossing, Look
from designer.gui.document import View
from designer.gui.drawing import shape_text
from designer.model import BUNDLE, Call, Group, Network, Port
from designer.model.names import join, parent, under


class Ends(NamedTuple):
    """The ends of a wire: its source, and the nodes that show them, with the names of the ports there."""

    source: Port
    from_node: str
    from_port: str
    to_node: str
    to_port: str


class Change(NamedTuple):
    """What may look different: nodes by path, wires by target."""

    nodes: set[str]
    wires: set[Port]  # those that came, went or come from another port
    stands: bool  # whether the same layers stand where they stood, with the same wires


class Shown:
    """The group at a path, as one network after the other has it. What is the same object is not compared."""

    def __init__(self, path: str = ""):
        self.path = path
        self.root = self.network = Network()  # the whole network, and the group of it
        self.view = View()
        self.analysis: Analysis | None = None
        self.learnable: frozenset[Port] = frozenset()
        self.ends: dict[Port, Ends] = {}  # of each wire, by its target from the root
        self._outside: dict[Port, Port] = {}  # the wires across the border of the group
        self._beyond: frozenset[Port] = frozenset()  # the ports of these wires
        self._crossings: dict[str, Crossing] = {}  # by name in the group
        self._alike: dict[str, int] = {}
        self._troubles: dict[str, looks.Trouble] = {}

    def take(self, root: Network, view: View, analysis: Analysis | None) -> Change:
        """Show another network, view or analysis."""
        last_root, last, last_view, last_analysis = self.root, self.network, self.view, self.analysis
        self.root, self.network, self.view, self.analysis = root, root.network_at(self.path), view, analysis
        nodes: set[str] = set()
        wires: set[Port] = set()
        if root is not last_root:
            nodes = self._compare_layers(last)
            wires, at_ends = self._compare_wires(last)
            nodes |= at_ends | self._compare_learnable(rewired=bool(wires))
            nodes |= self._compare_crossings() | self._compare_likeness()
        nodes |= self._compare_views(last_view) | self._compare_analyses(last_analysis)
        return Change(nodes, wires, _stands(self.network, last))

    def _compare_layers(self, last: Network) -> set[str]:
        if self.network.layers is last.layers:
            return set()
        layers, before = self.network.layers.items(), last.layers
        return {join(self.path, name) for name, layer in layers if before.get(name) is not layer}

    def _compare_wires(self, last: Network) -> tuple[set[Port], set[str]]:
        """Bring the ends of the wires up to date; give the targets of those that changed, and the nodes at both."""
        if self.network.connections is last.connections:
            return set(), set()
        new = self.network.connections.items()
        gone = {target.above(self.path) for target, _ in last.connections.items() - new}
        nodes = self._nodes_at(gone)
        for target in gone:
            self.ends.pop(target, None)
        came = set()
        for target, source in new - last.connections.items():
            into, out = target.above(self.path), source.above(self.path)
            self.ends[into] = Ends(out, *self._place(source), *self._place(target))
            came.add(into)
        return gone | came, nodes | self._nodes_at(came)

    def _place(self, port: Port) -> tuple[str, str]:
        """The node that shows a port, which is a group where the layer lies inside one, and its name there."""
        name, _, rest = port.layer.partition(".")
        return join(self.path, name), f"{rest}.{port.name}" if rest else port.name

    def _nodes_at(self, targets: Iterable[Port]) -> set[str]:
        """The nodes at both ends of wires."""
        ends = [self.ends[target] for target in targets if target in self.ends]
        return {node for end in ends for node in (end.from_node, end.to_node)}

    def _compare_learnable(self, rewired: bool) -> set[str]:
        """The layers whose wires became learnable, or no longer are, and those that tell whom they borrow from."""
        now = self.root.learnable_ports
        differ = now ^ self.learnable
        self.learnable = now
        nodes = {self._node(port) for port in differ if self._inside(port)}
        if differ or rewired:
            for name, layer in self.network.layers.items():
                if layer.input_learnables or layer.output_learnables or isinstance(layer, Call):
                    nodes.add(join(self.path, name))
        if differ and self.view.hidden:  # the stubs at both ends tell what a wire carries
            nodes |= self._nodes_at(target for port in differ for target in self.root.targets.get(port, ()))
        return nodes

    def _inside(self, port: Port) -> bool:
        return under(port.layer, self.path) and port.layer != self.path

    def _node(self, port: Port) -> str:
        """The node of a layer inside the group."""
        return join(self.path, port.below(self.path).layer.partition(".")[0])

    def _compare_crossings(self) -> set[str]:
        outside = self._find_outside()
        nodes: set[str] = set()
        if outside != self._outside:
            for wire in outside.items() ^ self._outside.items():
                nodes |= {self._node(port) for port in wire if self._inside(port)}
            self._outside = outside
            self._beyond = frozenset(port for wire in outside.items() for port in wire)
        groups = any(isinstance(layer, Group) for layer in self.network.layers.values())
        now = looks.crossings(self.network, self.root, self.path, outside) if groups else {}
        before, self._crossings = self._crossings, now
        changed = {name for name in now.keys() | before.keys() if now.get(name) != before.get(name)}
        return nodes | {join(self.path, name) for name in changed}

    def _compare_likeness(self) -> set[str]:
        """The groups that have more or fewer like them, wherever those stand."""
        found = alike(self.root)
        before, self._alike = self._alike, {}
        for name, layer in self.network.layers.items():
            if isinstance(layer, Group) and (path := join(self.path, name)) in found:
                self._alike[path] = len(found[path])
        return {path for path in before.keys() | self._alike.keys() if before.get(path) != self._alike.get(path)}

    def _find_outside(self) -> dict[Port, Port]:
        """The wires with one end in the group and one beyond it."""
        found, around = {}, self.path
        while around:
            around = parent(around)
            for target, source in self.root.network_at(around).connections.items():
                into, out = target.above(around), source.above(around)
                if self._inside(into) or self._inside(out):
                    found[into] = out
        return found

    def _compare_views(self, last: View) -> set[str]:
        nodes = {name.partition("/")[0] for name in self.view.unfolded ^ last.unfolded}
        return nodes | self._nodes_at(map(Port.parse, self.view.hidden ^ last.hidden))

    def _compare_analyses(self, last: Analysis | None) -> set[str]:
        analysis = self.analysis
        if analysis is last:
            return set()
        before, self._troubles = self._troubles, looks.troubles(analysis)
        nodes = {path for path in before.keys() | self._troubles.keys() if before.get(path) != self._troubles.get(path)}
        if self.path:
            return nodes | {join(self.path, name) for name in self.network.layers}
        rows, known = analysis.table if analysis else {}, last.table if last else {}
        for name in [name for name in self.network.layers if rows.get(name) is not known.get(name)]:
            nodes.add(name)
            for port in self.network.layers[name].outputs():
                nodes |= {t.layer for t in self.root.targets.get(Port(name, port), ()) if "." not in t.layer}
        return nodes

    def look(self, path: str) -> Look:
        """What the node of a layer has to show now."""
        return looks.look(
            self.root,
            path,
            self.view,
            self.analysis,
            learnable=self.learnable,
            trouble=self._troubles.get(path, ("", ())),
            crossing=self._crossings.get(path.rpartition(".")[2], Crossing()),
            beyond=self._beyond,
        )

    def carries_learnables(self, source: Port) -> bool:
        """Whether the wires of an output carry a learnable, or all of a layer."""
        return source in self.learnable or source.name == BUNDLE

    def label(self, target: Port, source: Port) -> str:
        """What a wire says: the shape that it carries, and what it ties."""
        if not self.carries_learnables(source):
            shape = looks.shape_of(self.analysis, source)
            return shape_text(shape) if self.analysis is not None else ""
        if source.name == BUNDLE:
            return BUNDLE
        owner = self.root.layer(source.layer)
        name = source.name if source.name in owner.output_learnables else target.name
        known = self.analysis.learnable_shape(Port(source.layer, name)) if self.analysis else None
        shape = known if known is not None else looks.shape_of(self.analysis, source)
        return f"{name}  {shape_text(shape)}" if shape is not None else name

    def saves(self, target: Port) -> str:
        """How many numbers a tie saves, that ends at a layer which would have to store them."""
        if self.analysis is None or target.name not in self.root.layer(target.layer).input_learnables:
            return ""
        shape = self.analysis.learnable_shape(target)
        return f"{math.prod(shape):,}" if shape is not None else ""


def _stands(network: Network, last: Network) -> bool:
    same = network.connections is last.connections or network.connections == last.connections
    return (
        same
        and network.layers.keys() == last.layers.keys()
        and network.positions == last.positions
        and network.down == last.down
    )
