"""A tie that may be made, with the button that makes it."""

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QVBoxLayout, QWidget

from designer.edits import tie
from designer.files.suggestions import Suggestion
from designer.gui.document import Document
from designer.gui.tips import tip
from designer.gui.widgets import Icon, Link, button, row, sentence


class Offer(QWidget):
    """A tie that the numbers of the file allow, and a button that makes it."""

    def __init__(self, document: Document, suggestion: Suggestion, select: Callable[[tuple[str, ...]], None]):
        super().__init__()
        self.document, self.suggestion = document, suggestion
        self.go = button("Tie", self.make)
        self.go.setToolTip(tip(f"Let {suggestion.borrower} take {suggestion.owner} from a wire"))
        show = Link("Show", partial(select, suggestion.layers))
        show.setToolTip(tip("Select " + listed(suggestion.layers)))
        body = row(
            Icon("link", "learn_text", 16), 10, sentence(suggestion.text, "t1"), 12, show, 12, self.go,
            margins=(14, 8, 14, 8),
        )  # fmt: skip
        body.layout().setStretch(2, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(body)
        self.refresh()

    def refresh(self) -> None:
        """Offer it as long as it is not made."""
        network = self.document.network
        self.go.setText("Tied" if self.suggestion.is_made(network) else "Tie")
        self.go.setEnabled(self.suggestion.fits(network))

    def make(self) -> None:
        owner, borrower, permute = self.suggestion.owner, self.suggestion.borrower, self.suggestion.permute
        text = f"Tie {key_of(borrower)} to {key_of(owner)}"
        self.document.attempt(text, lambda net: tie(net, owner, borrower, permute=permute))


def listed(layers: tuple[str, ...]) -> str:
    """Name layers, the first few of many."""
    more = f" and {len(layers) - 8} more" if len(layers) > 8 else ""
    return ", ".join(layers[:8]) + more


def key_of(port: str) -> str:
    """A learnable as the state_dict calls it: emb.weight, and scale of a free Parameter."""
    return port.removesuffix("/value").replace("/", ".")
