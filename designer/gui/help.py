"""What a layer is, in the properties: its own words, and a link to the page of its torch class or its paper."""

import inspect
import re
from collections.abc import Callable

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QVBoxLayout, QWidget

from designer.gui.widgets import Link, Tool, row, sentence
from designer.model import Layer

TORCH = "https://docs.pytorch.org/docs/stable/generated/{}.html"


def about(kind: type[Layer]) -> str:
    """What a layer type says of itself."""
    return " ".join((inspect.cleandoc(kind.__doc__ or "")).split())


def pages(kind: type[Layer]) -> dict[str, str]:
    """The pages that a layer type names: its torch class, and papers by DOI or arXiv number."""
    text = about(kind)
    found = {name: TORCH.format(name) for name in re.findall(r"\btorch(?:\.\w+)+", text)}
    found |= {f"arXiv {number}": f"https://arxiv.org/abs/{number}" for number in re.findall(r"arXiv:(\d+\.\d+)", text)}
    return found | {f"doi {name}": f"https://doi.org/{name}" for name in re.findall(r"doi:(10\.\S+[^\s.,;)])", text)}


def open_page(address: str) -> None:
    """Show a page in the browser."""
    QDesktopServices.openUrl(QUrl(address))


class Help(QWidget):
    """The words about a layer, and its links."""

    def __init__(self, kind: type[Layer]):
        super().__init__()
        self.pages = pages(kind)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 12)
        layout.setSpacing(4)
        layout.addWidget(sentence(about(kind)))
        self.links = [Link(name, lambda address=address: open_page(address)) for name, address in self.pages.items()]
        for link, address in zip(self.links, self.pages.values()):
            link.setToolTip(address)
            layout.addWidget(row(link, None))

    def tools(self, shown: bool, show: Callable[[bool], None]) -> list[QWidget]:
        """The tools of the head: one that opens the first page, one that shows these words."""
        info = Tool("info", "What this layer and its settings mean")
        info.setCheckable(True)
        info.setChecked(shown)
        info.toggled.connect(show)
        if not self.pages:
            return [info]
        name, address = next(iter(self.pages.items()))
        page = Tool("external-link", f"Open the page of {name} in the browser")
        page.clicked.connect(lambda: open_page(address))
        return [page, info]
