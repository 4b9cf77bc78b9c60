"""The properties of a wire, and of a tie with its owner and its borrowers."""

import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from designer.analysis.rows import owners_of
from designer.analysis.sizes import memory
from designer.edits.switches import borrowers, switch_input
from designer.gui.drawing import shape_text
from designer.gui.forms import Form
from designer.gui.table import layer_of
from designer.gui.taking import dotted, own_instead
from designer.gui.tips import tip
from designer.gui.untying import untie_ports
from designer.gui.widgets import Label, Link, button, column, row
from designer.layers import Permute
from designer.model import Port

if TYPE_CHECKING:
    from designer.gui.properties import Properties

LISTED = 8  # borrowers, of more the first


class WireForm(Form):
    """A wire: where it comes from, where it goes, what it carries."""

    def __init__(self, panel: "Properties", target: Port, source: Port):
        super().__init__(panel, target, source)
        self.target, self.source = target, source
        network = self.document.network
        self.borrowers = self._borrowers()
        self.tie = bool(self.borrowers)
        title = "Tie" if self.tie else "Wire"
        self.put(row(Label(title, "title"), margins=(12, 0, 12, 0), height=32), 4)
        lines: list[QWidget] = []
        if self.tie:
            for key in owners_of(network, source):
                lines.append(self._end("Owner", key, layer_of(network, key)))
            for n, port in enumerate(self.borrowers[:LISTED]):
                lines.append(
                    self._end("" if n else "Borrowers" if self.borrowers[1:] else "Borrower", dotted(port), port.layer)
                )
            if more := len(self.borrowers) - LISTED:
                lines += [self.fact("", lambda: f"and {more:,} more")] if more > 0 else []
            lines.append(self.fact("Permutation", self._permutation))
        else:
            lines += [self._end(name, str(port), port.layer) for name, port in (("From", source), ("To", target))]
        lines += [self.fact("Shape", self._shape), self.fact("Type of numbers", self._dtype)]
        if self.tie:
            lines.append(self.fact("Saves", self._saves))
        cut = button("Untie" if self.tie else "Cut", self._cut)
        cut.setToolTip("Each borrower owns a copy of the same values" if self.tie else "Take the wire away")
        buttons: list[QWidget] = [cut]
        if self.target in self.borrowers:
            change = button("Change owner", lambda: own_instead(self.document, self.target))
            change.setToolTip(tip(f"Let {target.layer} own it, and the owner take it from there"))
            buttons.append(change)
        self.section(title, column(*lines, row(*buttons, None, margins=(28, 6, 12, 10), gap=8), name=""))
        self.finish()
        self.first = cut

    def _borrowers(self) -> list[Port]:
        """The layers that take the learnable which the wire brings; none for data."""
        network = self.document.network
        if not network.is_learnable(self.source):
            return []
        if self.target.name in network.layer(self.target.layer).input_learnables:
            return [self.target]
        outs = (Port(self.target.layer, out) for out in network.outputs_of(self.target.layer))
        return list(
            dict.fromkeys(port for out in outs if network.is_learnable(out) for port in borrowers(network, out))
        )

    def _end(self, name: str, text: str, path: str) -> QWidget:
        link = Link(text, lambda: self.select(path))
        link.setToolTip(tip(f"Go to {path}"))
        return row(Label(name, "t2"), 12, None, link, margins=(28, 0, 12, 0), height=32)

    def _permutation(self) -> str:
        """How the dimensions are reordered on the way, if only that happens there."""
        network = self.document.network
        at = self.source.layer if isinstance(network.find(self.source.layer), Permute) else self.target.layer
        layer = network.find(at)
        if isinstance(layer, Permute):
            return ", ".join(map(str, layer.dims))
        through = network.find(self.source.layer)
        return "none" if through is None or not through.computes else f"computed by {self.source.layer}"

    def _shape(self) -> str:
        analysis = self.document.analysis
        if analysis is None:
            return "?"
        learnable = self.target in self.borrowers
        return shape_text(analysis.learnable_shape(self.target) if learnable else analysis.shape(self.source))

    def _dtype(self) -> str:
        analysis = self.document.analysis
        return (analysis.dtype(self.source) if analysis else None) or "?"

    def _numbers(self) -> int | None:
        """How many numbers the borrowers would store without the tie."""
        analysis = self.document.analysis
        shapes = [analysis.learnable_shape(port) if analysis else None for port in self.borrowers]
        known = [math.prod(shape) for shape in shapes if shape is not None]
        return sum(known) if len(known) == len(shapes) else None

    def _saves(self) -> str:
        number = self._numbers()
        size = {"float64": 8, "complex64": 8, "complex128": 16, "float16": 2, "bfloat16": 2}.get(self._dtype(), 4)
        return "?" if number is None else f"{number:,}, {memory(number * size)}"

    def _cut(self) -> None:
        path, name = self.target
        if self.tie:
            untie_ports(self.document, self.borrowers)
        elif name in self.document.network.layer(path).input_learnables:
            self.document.attempt(f"Let {path} own {name}", lambda net: switch_input(net, self.target, False))
        else:
            self.document.attempt(f"Cut the wire to {self.target}", lambda net: net.disconnect(self.target))
