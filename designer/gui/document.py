"""The one open network: what it is, what was done to it, how it is looked at."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from designer.analysis import Analysis
from designer.model import Network, NetworkError


@dataclasses.dataclass(frozen=True)
class View:
    """How the network is looked at: kept with the document, never an undo step."""

    path: str = ""  # of the open group
    selection: frozenset[str] = frozenset()  # paths of layers, and wires by their target port, "fc/weight"
    unfolded: frozenset[str] = frozenset()  # layers whose learnables are listed
    ties: Literal["all", "selected", "off"] = "all"
    places: Mapping[str, tuple[float, float, float]] = dataclasses.field(default_factory=dict)  # group -> x, y, zoom


class Document(QObject):
    """The network of one window and its history.

    Signals:
        changed: the network is another one, by an edit, undo, redo or another file.
        viewed: the view is another one.
        analyzed: the analysis of the network that is shown has come, or its failure.
        refused: an edit made no sense; one sentence for the status bar.
        told: something was done that the status bar should say.
    """

    changed = Signal()
    viewed = Signal()
    analyzed = Signal()
    refused = Signal(str)
    told = Signal(str)

    def __init__(self, network: Network | None = None, parent: QObject | None = None):
        super().__init__(parent)
        self.network = network or Network()
        self.view = View()
        self.analysis: Analysis | None = None  # of `network`, or of an earlier one while `stale`
        self.stale = True
        self.history = QUndoStack(self)

    def edit(self, text: str, network: Network) -> None:
        """Make one undo step; an edit that changes nothing is none."""
        if network is not self.network:
            self.history.push(Edit(self, text, network))

    def attempt(self, text: str, edit) -> bool:
        """Make an edit, ``edit(network)``, or say in a sentence why it cannot be; whether it was made."""
        try:
            network = edit(self.network)
        except NetworkError as refusal:
            self.refused.emit(str(refusal))
            return False
        self.edit(text, network)
        return True

    def look(self, **view: object) -> None:
        """Change the view."""
        new = dataclasses.replace(self.view, **view)
        if new != self.view:
            self.view = new
            self.viewed.emit()

    def show(self, network: Network) -> None:
        self.network, self.stale = network, True
        self.changed.emit()


class Edit(QUndoCommand):
    """The only undo command: the network before, and the network after."""

    def __init__(self, document: Document, text: str, after: Network):
        super().__init__(text)
        self.document, self.before, self.after = document, document.network, after

    def redo(self) -> None:
        self.document.show(self.after)

    def undo(self) -> None:
        self.document.show(self.before)
