"""The properties panel: the settings of what is selected, or of the network."""

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QVBoxLayout, QWidget

from designer.gui.document import Document
from designer.gui.forms import Form, NetworkForm
from designer.gui.layer_form import LayerForm
from designer.gui.scrolling import scrolling
from designer.gui.several_form import SeveralForm
from designer.gui.widgets import Label, row
from designer.gui.wire_form import WireForm
from designer.model import Network, Port


class Properties(QWidget):
    """The panel at the right. It is built anew for another selection, and filled in anew for another network."""

    def __init__(self, document: Document, commands: Mapping[str, QAction]):
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.document, self.commands = document, commands
        self.helping = False  # what layers and settings mean is shown
        self.folded: set[str] = {"Cost", "Note"}  # sections, of whatever is shown
        self.opened: dict[str, set[str]] = {}  # layer -> learnables whose details are shown
        self.area = scrolling()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(row(Label("Properties", "head"), None, margins=(12, 0, 8, 0), name="dockbar", height=36))
        layout.addWidget(self.area, 1)
        self.form: Form = NetworkForm(self)
        self.area.setWidget(self.form)
        for signal in (document.changed, document.viewed, document.analyzed, document.named):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the selection as it is now."""
        layers, wires = split(self.document.network, self.document.view.selection)
        kind: tuple[type[Form], tuple[object, ...]]
        if len(layers) == 1:
            layer = self.document.network.layer(layers[0])
            kind = LayerForm, (layers[0], type(layer), layer.learnables())
        elif layers:
            kind = SeveralForm, (layers, tuple(type(self.document.network.layer(path)) for path in layers))
        elif len(wires) == 1:
            wire = wires[0]
            kind = WireForm, (wire, self.document.network.wires[wire])
        else:
            kind = NetworkForm, ()
        if (type(self.form), self.form.key) != kind:
            field = self.form.focusWidget()
            if field is not None and field.hasFocus():
                name, shown = field.accessibleName(), self.form.key[:1]
                field.clearFocus()  # what was typed belongs to what was shown; making that edit comes back here
                self.refresh()
                if shown and self.form.key[:1] == shown:
                    self._focus(name)
                return
            made, key = kind
            old, self.form = self.area.takeWidget(), made(self, *key)
            self.area.setWidget(self.form)
            self.form.show()
            old.deleteLater()
        self.form.refresh()

    def _focus(self, name: str) -> None:
        """Put the keyboard where it was, after the form of a layer was built anew."""
        found = (widget for widget in self.form.findChildren(QWidget) if widget.accessibleName() == name)
        if name and (widget := next(found, None)):
            widget.setFocus()

    def focus_first(self) -> None:
        """Put the keyboard into the first setting, all of it chosen, so that what is typed takes its place."""
        (self.form.first or self.area).setFocus(Qt.FocusReason.ShortcutFocusReason)


def split(network: Network, selection: Iterable[str]) -> tuple[tuple[str, ...], tuple[Port, ...]]:
    """Give the layers of a selection in their order, and its wires by their targets."""
    picked = set(selection)
    layers = tuple(path for path in network.all if path in picked)
    wires = sorted(Port.parse(name) for name in picked if "/" in name)
    return layers, tuple(port for port in wires if port in network.wires)
