"""What a screen reader says of the canvas: Qt gives the items of a scene no accessible objects of their own."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from designer.analysis import Analysis
from designer.gui.canvas.look import shape_of
from designer.gui.table import layer_of
from designer.model import Group, Network, Port

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas


class Saying:
    """Keeps the accessible name of the view: the sentence of what is selected, said when the selection moves."""

    def __init__(self, canvas: "Canvas"):
        self.canvas = canvas
        self.selection: frozenset[str] = frozenset()
        self.follow()

    def follow(self) -> None:
        document, view = self.canvas.document, self.canvas.view
        selection = document.view.selection
        analysis = document.analysis if not document.stale else None
        text = sentence(document.network, analysis, selection)
        if len(selection) == 1 and selection <= document.view.hidden:
            text += ", hidden"
        view.setAccessibleName(text)
        if selection != self.selection and view.hasFocus():
            announce(view, text)
        self.selection = selection


def announce(view: QObject, text: str) -> None:
    """Let a screen reader say a text."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(view, text))


def sentence(network: Network, analysis: Analysis | None, selection: frozenset[str]) -> str:
    """Say what is selected: all of one layer, both ends of one wire, or how many things."""
    if not selection:
        return f"Canvas, {_count(len(network.layers), 'layer')}, nothing selected"
    if len(selection) > 1:
        return f"{len(selection)} selected: {', '.join(sorted(selection)[:8])}"
    (name,) = selection
    if name not in network.all:
        target = Port.parse(name)
        source = network.wires.get(target)
        kind = "learnable wire" if source and network.is_learnable(source) else "wire"
        return f"{kind} from {source.layer} {source.name} to {target.layer} {target.name}" if source else name
    return ", ".join([name, *_of_layer(network, analysis, name)])


def _of_layer(network: Network, analysis: Analysis | None, path: str) -> list[str]:
    layer = network.layer(path)
    parts = [type(layer).__name__]
    if isinstance(layer, Group):
        parts.append(_count(len(layer.network.layers), "layer"))
    else:
        given = (network.source_of(Port(path, port)) for port in network.inputs_of(path))
        summary = layer.summary(*(shape_of(analysis, port) if port else None for port in given))
        parts += [summary.replace("→", "to").replace("×", "by")] if summary else []
    row = analysis.row(path) if analysis is not None and path in analysis.network.all else None
    if row is not None and row.activations and row.activations[0] is not None:
        parts.append(f"gives {' by '.join(map(str, row.activations[0]))}")
    if row is not None and row.used:
        parts.append(f"owns {row.stored:,} of {row.used:,}")
        parts += [
            f"{name} from {layer_of(network, key.partition(', ')[0]) or key}" for name, key in row.tied_to.items()
        ]
    parts.append(_count(len(network.inputs_of(path)), "input"))
    parts.append(_count(len(network.outputs_of(path)), "output"))
    if analysis is not None:
        problems = [problem.text for problem in analysis.problems if path in problem.layers]
        parts.append("; ".join(problems) or "no problems")
    return parts


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
