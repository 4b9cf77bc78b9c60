"""What commands do to the selection: each one edit, or one sentence why not."""

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal

from designer.analysis import Analysis
from designer.edits import align, arrange, distribute, freeze, group, ungroup
from designer.edits.aligning import Edge
from designer.edits.outline import Outline
from designer.gui.busy import busy
from designer.gui.document import Document
from designer.gui.following import downstream, next_borrower, owner_of
from designer.gui.properties import split
from designer.gui.steps import difference
from designer.gui.untying import borrows, untie_ports
from designer.model import Group, Network, Port
from designer.model.names import among, join, parent

if TYPE_CHECKING:
    from designer.gui.canvas import Canvas

LINES: dict[Edge, str] = {
    "left": "left edges",
    "centre": "centres",
    "right": "right edges",
    "top": "tops",
    "middle": "middles",
    "bottom": "bottoms",
}


class Doing(QObject):
    """The commands that edit the document.

    Signals:
        stepped: a step was undone or done again, and what differs is selected.
    """

    stepped = Signal()

    def __init__(self, document: Document):
        super().__init__(document)
        self.document = document
        self.canvas: Canvas | None = None

    def selected(self) -> tuple[str, ...]:
        return split(self.document.network, self.document.view.selection)[0]

    def undo(self) -> None:
        text = self.document.history.undoText()
        if text:
            self.go_to_step(self.document.history.index() - 1, f"Undone: {lowered(text)}.")

    def redo(self) -> None:
        text = self.document.history.redoText()
        if text:
            self.go_to_step(self.document.history.index() + 1, f"Done again: {lowered(text)}.")

    def go_to_step(self, number: int, said: str) -> None:
        """Go to a step of the history, and show what is other than before."""
        document = self.document
        before = document.network
        document.history.setIndex(number)
        home, names = difference(before, document.network, self.canvas.placing.given if self.canvas else {})
        if self.canvas and document.network is not before:
            _show(self.canvas, home, names)
        document.told.emit(said)
        if names:
            self.stepped.emit()

    def group(self) -> None:
        """Put the selected layers into a group, and select it."""
        paths = self.selected()
        if not paths:
            self.document.refused.emit("Select the layers to group first.")
            return
        home = parent(paths[0])
        names = self.document.network.network_at(home).layers
        tried = itertools.chain(["block"], (f"block{number}" for number in itertools.count(2)))
        name = next(name for name in tried if name not in names)
        chosen = frozenset({join(home, name)})
        self.document.attempt(
            f"Group {_these(paths)}",
            lambda net: group(net, paths, name),
            then=lambda: self.document.look(selection=chosen),
        )

    def ungroup(self) -> None:
        """Put what the selected groups hold in their place, and select it."""
        before = self.document.network
        paths = [path for path in self.selected() if isinstance(self.document.network.layer(path), Group)]
        if not paths:
            self.document.refused.emit("Select a group to ungroup first.")
            return

        def edit(network: Network) -> Network:
            for path in paths:
                network = ungroup(network, path)
            return network

        def select() -> None:
            home = parent(paths[0])
            if self.document.view.path != home:
                return  # what is open is one of those that came
            known = {join(home, name) for name in before.network_at(home).layers} - {*paths}
            came = [join(home, name) for name in self.document.network.network_at(home).layers]
            self.document.look(selection=frozenset(came) - known)

        self.document.attempt(f"Ungroup {_these(tuple(paths))}", edit, then=select)

    def arrange(self, down: bool | None = None, chosen: bool = False) -> None:
        """Lay out all of the group that is shown and bring it into view, or the chosen layers alone.

        ``down``: from top to bottom, or from left to right; else as it is.
        """
        names = self.selected() if chosen else ()
        path, canvas = self.document.view.path, self.canvas
        if chosen and len(names) < 2:
            self.document.refused.emit("Select two or more layers to arrange.")
            return
        if canvas is None:
            self.document.attempt("Arrange", lambda net: arrange(net, path=path, rows=True, down=down))
            return

        def change() -> bool:
            sizes = canvas.outlines(down)
            what = f"Arrange {_these(tuple(names))}" if chosen else "Arrange"
            made = self.document.attempt(what, lambda net: arrange(net, sizes, path, names, rows=True, down=down))
            if made and not chosen:
                canvas.fit(all=True, at_once=True)
            return made

        with busy(len(canvas.mirror.nodes)):
            canvas.motion.glide(change)

    def align(self, to: Edge) -> None:
        """Put the selected layers in line."""
        self._place("Align", f"by their {LINES[to]}", lambda net, paths, sizes: align(net, *paths, to=to, sizes=sizes))

    def distribute(self, along: Literal["horizontally", "vertically"]) -> None:
        """Leave like gaps between the selected layers."""
        edit = lambda net, paths, sizes: distribute(net, *paths, along=along, sizes=sizes)  # noqa: E731
        self._place("Distribute", along, edit)

    def _place(self, verb: str, how: str, edit: Callable[[Network, list[str], dict[str, Outline]], Network]) -> None:
        """Move the selected layers from where they are drawn, in the sizes that they are drawn in."""
        if self.canvas is None:
            return
        self.canvas.motion.finish()
        paths, sizes = self.canvas.selected_layers(), self.canvas.outlines()
        drawn = {path: (node.x(), node.y()) for path in paths if (node := self.canvas.node(path))}
        text = f"{verb} {_these(tuple(paths))} {how}" if paths else verb
        self.document.attempt(text, lambda net: edit(net.move(drawn), paths, sizes))

    def freeze(self) -> None:
        """Freeze the selected layers; when all are frozen, unfreeze them."""
        chosen = frozenset(self.selected())
        owners = {p: la for p, la in self.document.network.all.items() if la.owned and among(p, chosen)}
        paths = sorted(chosen & {top for path in owners for top in _above(path)})
        if not paths:
            self.document.refused.emit("Select a layer that owns learnables first.")
            return
        layers = owners.values()
        frozen = all(set(layer.frozen) >= set(layer.owned) for layer in layers)

        text = f"{'Unfreeze' if frozen else 'Freeze'} {_these(tuple(paths))}"
        self.document.attempt(text, lambda net: freeze(net, *paths, frozen=not frozen))

    def tie(self) -> None:
        """Let the later of two selected layers borrow from the earlier; several pairs that fit are offered."""
        paths, analysis = self.selected(), self.document.analysis
        if len(paths) != 2:
            self.document.refused.emit("Select two layers to tie: the owner, and the one that borrows.")
        elif analysis is None or self.document.stale:
            self.document.refused.emit("The shapes are not known yet.")
        elif self.canvas:
            computed = [row.name for row in analysis.rows]
            self.canvas.tie(*sorted(paths, key=computed.index))

    def untie(self) -> None:
        """Let the selected borrowers, or the borrower at the selected wire, own what they borrow."""
        network = self.document.network
        layers, wires = split(network, self.document.view.selection)
        ports = [port for port in wires if borrows(network, port)]
        ports += [Port(p, n) for p in layers for n in network.layer(p).input_learnables if borrows(network, Port(p, n))]
        if ports:
            untie_ports(self.document, ports)
        else:
            self.document.refused.emit("Select a layer that borrows, or a tie, to untie it.")

    def select_downstream(self) -> None:
        """Select all that the data of the selected layers reaches, too."""
        network, view = self.document.network, self.document.view
        paths = [path for path in self.selected() if parent(path) == view.path]
        if paths:
            self.document.look(selection=downstream(network, view.path, paths, network.learnable_ports))
        else:
            self.document.refused.emit("Select the layer first from which on the others shall be selected.")

    def go_to_owner(self) -> None:
        """Select the layer that owns what the selected one borrows."""
        self._go(owner_of, "Select a layer that borrows to go to its owner.")

    def go_to_borrower(self) -> None:
        """Select the next of the layers that borrow from the selected one, or from whom it borrows."""
        self._go(next_borrower, "Select a layer that others borrow from to go to them.")

    def _go(self, other: Callable[[Analysis, str], str], refusal: str) -> None:
        """Show the layer that another one leads to."""
        analysis, paths = self.document.analysis, self.selected()
        known = analysis is not None and len(paths) == 1 and paths[0] in analysis.network.all
        path = other(analysis, paths[0]) if analysis is not None and known else ""
        if not path or path not in self.document.network.all:
            self.document.refused.emit(refusal)
        elif self.canvas:
            self.canvas.show_path(path)


def _show(canvas: "Canvas", home: str, names: frozenset[str]) -> None:
    """Open a group and select in it; the camera moves only where nothing of that can be seen."""
    canvas.enter(home)
    canvas.select(names)
    nodes = canvas.mirror.nodes
    frames = [nodes[path].view.frame for path in {name.partition("/")[0] for name in names} if path in nodes]
    if frames and not any(canvas.view.visible().intersects(frame) for frame in frames):
        canvas.fit()


def _above(path: str) -> Iterator[str]:
    """Give a path and those of the groups that hold it."""
    while path:
        yield path
        path = parent(path)


def _these(paths: tuple[str, ...]) -> str:
    return paths[0].rpartition(".")[2] if len(paths) == 1 else f"{len(paths)} layers"


def lowered(text: str) -> str:
    """Give the text of an edit as it stands within a sentence."""
    return text[:1].lower() + text[1:]
