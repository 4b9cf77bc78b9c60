"""The properties of several selected layers: what they have in common, set for all in one step."""

import dataclasses
import typing
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QPushButton

from designer.gui.editors import MIXED, Setting
from designer.gui.forms import Form
from designer.gui.layer_form import NOTE, Note
from designer.gui.together import Together
from designer.gui.widgets import Label, button, column, row
from designer.model import Group, Layer, NetworkError

if TYPE_CHECKING:
    from designer.gui.properties import Properties

NAMED = 20  # layers, of more the first
COMMANDS = (("group", "Group"), ("tie", "Tie…"), ("freeze", "Freeze"))


class SeveralForm(Form):
    """Several layers: the settings they share."""

    def __init__(self, panel: "Properties", paths: tuple[str, ...], kinds: tuple[type[Layer], ...]):
        super().__init__(panel, paths, kinds)
        self.paths = paths
        kinds = tuple(dict.fromkeys(kinds))
        title = Label(f"{len(paths):,} layers", "title")
        more = f" and {len(paths) - NAMED:,} more" if len(paths) > NAMED else ""
        listed = ", ".join(path.rpartition(".")[2] for path in paths[:NAMED])
        names = Label(listed + more, "t3", Qt.TextElideMode.ElideRight)
        self.put(row(title, margins=(12, 0, 12, 0), height=32), row(names, margins=(12, 0, 12, 0), height=24), 8)
        shared = [{field.name: field for field in dataclasses.fields(kind) if not field.kw_only} for kind in kinds]
        same = [name for name in shared[0] if all(name in fields for fields in shared[1:]) and name != "network"]
        hints = [typing.get_type_hints(kind) if kind is not Group else {} for kind in kinds]
        same = [name for name in same if all(hint[name] == hints[0][name] for hint in hints[1:])]
        self.settings = [Setting(shared[0][name], hints[0][name], self._setter(name)) for name in same]
        self.buttons = {n: self._command(n, text) for n, text in COMMANDS if n != "tie" or len(paths) == 2}
        self.put(row(*self.buttons.values(), None, margins=(12, 4, 12, 12), gap=8))
        self.all = Together(self.document, paths)
        if self.settings:
            self.section("Settings", column(*self.settings, 8, name=""))
        facts = column(
            self.fact("Stored", lambda: self._sum("stored")), self.fact("Used", lambda: self._sum("used")), 8, name=""
        )
        self.section("Learnables", column(facts, self.all, name=""))
        self.note = Note(self._set_note)
        self.section("Note", row(self.note, margins=(12, 0, 12, 12)))
        self.finish()
        self.first = self.settings[0].editor if self.settings else None

    def refresh(self) -> None:
        super().refresh()
        net = self.document.network
        layers = [net.layer(path) for path in self.paths]
        for setting in self.settings:
            values = [getattr(layer, setting.name) for layer in layers]
            setting.show_value(values[0] if all(value == values[0] for value in values) else MIXED)
        self.all.refresh()
        self.buttons["freeze"].setText("Unfreeze" if self._frozen() else "Freeze")
        notes = {layer.note for layer in layers}
        self.note.setPlaceholderText("mixed" if len(notes) > 1 else NOTE)
        self.note.show_text(notes.pop() if len(notes) == 1 else "")

    def _frozen(self) -> bool:
        """Whether all that the layers, and those in groups among them, own is frozen."""
        network = self.document.network
        inner = [layer for top in self.paths for layer in _held(network.layer(top)) if layer.owned]
        return bool(inner) and all(set(layer.frozen) >= set(layer.owned) for layer in inner)

    def _command(self, name: str, text: str) -> QPushButton:
        """A button for a command of the window, with its keys."""
        action = self.panel.commands[name]
        made = button(text, action.trigger)
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        made.setToolTip(f"{action.text().replace('&', '')}  {keys}")
        return made

    def _set_note(self, text: str) -> None:
        self.document.attempt(f"Note on {len(self.paths)} layers", lambda net: net.set_all(self.paths, note=text))

    def _sum(self, which: str) -> str:
        rows = [self.row_of(path) for path in self.paths]
        known = all(found is not None and found.known for found in rows)
        return f"{sum(getattr(found, which) for found in rows):,}" if known else "?"

    def _setter(self, name: str) -> Callable[[Any], str | None]:
        def apply(value: Any) -> str | None:
            try:
                network = self.document.network.set_all(self.paths, **{name: value})
            except NetworkError as refusal:
                return str(refusal)
            if any(network.layer(path) != self.document.network.layer(path) for path in self.paths):
                self.document.edit(f"Set {name} of {len(self.paths)} layers", network)
            self.refresh()
            return None

        return apply


def _held(layer: Layer) -> Iterable[Layer]:
    """A layer, or all that a group holds."""
    return layer.network.all.values() if isinstance(layer, Group) else (layer,)
