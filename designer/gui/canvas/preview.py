"""What an edit would make of the canvas: drawn while a fix is pointed at, the document untouched."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QHBoxLayout

from designer.analysis.waiting import MustWait, not_waiting
from designer.gui.widgets import Icon, Label, row
from designer.model import Network, NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from designer.gui.canvas.canvas import Canvas


class Preview:
    """The network that is shown instead of the document's, and the pill that says so."""

    def __init__(self, canvas: "Canvas"):
        self.canvas = canvas
        self.network: Network | None = None
        self.pill = QFrame(canvas.frame, objectName="pill")
        self.pill.setFixedHeight(32)
        self.said = Label("")
        layout = QHBoxLayout(self.pill)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(row(Icon("info", "accent", 14), 8, self.said, margins=(12, 2, 12, 2)))
        self.pill.hide()

    def show(self, text: str, edit: "Callable[[Network], Network]") -> None:
        """Draw what an edit would make of the network, where that can be told at once."""
        document = self.canvas.document
        try:
            with not_waiting():
                network = edit(document.network)
        except (NetworkError, MustWait):
            return
        self.network = network
        view = document.view.within(network)
        places = self.canvas.placing.places(network, view, document.analysis)
        self.canvas.mirror.draw(network, view, document.analysis, places)
        self.canvas.view.viewport().update()
        self.said.say(f"Preview: {text}")
        self.pill.layout().invalidate()
        self.pill.adjustSize()
        self.pill.move(max(12, (self.canvas.frame.width() - self.pill.width()) // 2), 12)
        self.pill.show()
        self.pill.raise_()

    def end(self) -> None:
        """Draw the document again."""
        if self.network is not None:
            self.forget()
            self.canvas.redraw()

    def forget(self) -> None:
        """The document is being drawn: the preview is over."""
        if self.network is not None:
            self.canvas.view.viewport().update()
        self.network = None
        self.pill.hide()
