"""The properties of one layer: its name, settings, learnables, cost and note."""

import dataclasses
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QVBoxLayout

from designer.analysis.sizes import memory
from designer.gui.drawing import OTHER_NAMES, category_of, shape_text
from designer.gui.editors import Field, Setting
from designer.gui.forms import Form
from designer.gui.help import Help
from designer.gui.inferred import inferred_sizes
from designer.gui.learnables import Learnables
from designer.gui.table import cost
from designer.gui.together import Together
from designer.gui.widgets import Icon, Label, Tile, button, column, row
from designer.model import Call, Group, Input, Layer, NetworkError
from designer.model.names import parent

if TYPE_CHECKING:
    from designer.gui.properties import Properties

NOTE = "What you want to remember about it"


class LayerForm(Form):
    """One layer: its name, settings, learnables, cost and note."""

    def __init__(self, panel: "Properties", path: str, kind: type[Layer], learnables: tuple[str, ...]):
        super().__init__(panel, path, kind, learnables)
        self.path, self.kind = path, kind
        self.name = Field("Name", 0, self._rename)
        self.name.setObjectName("name")
        self.name.setAlignment(Qt.AlignmentFlag.AlignLeft)
        other = Label(OTHER_NAMES.get(kind.__name__, ""), "t3", Qt.TextElideMode.ElideRight)
        self.help = Help(kind)
        self.help_tools = self.help.tools(panel.helping, self._show_help)
        tile = Tile(category_of(kind), kind.__name__)
        self.head(tile, self.name, Label(kind.__name__, "t2"), 6, other, None, *self.help_tools)
        self.put(row(self.name.problem, margins=(12, 0, 12, 0)), self.help)
        self.settings = [
            Setting(field, typing.get_type_hints(kind).get(field.name, field.type), self._setter(field.name))
            for field in dataclasses.fields(kind)
            if not field.kw_only and not (kind is Group and field.name == "network")
        ]
        self.inferred = row(name="")
        self.inferred.layout().setDirection(QVBoxLayout.Direction.TopToBottom)
        self.shown_sizes: tuple[object, ...] | None = None
        self._put_settings()
        self.learnables: Learnables | None = None
        if learnables:
            opened = panel.opened.setdefault(path, set())
            self.learnables = Learnables(self.document, path, opened)
            self.all = Together(self.document, (path,))
            self.section("Learnables", column(self.learnables, self.all, name=""), str(len(learnables)))
        facts = column(
            self.fact("Output", self._activations),
            self.fact("Stored", lambda: self._count("stored")),
            self.fact("Used", lambda: self._count("used")),
            self.fact("Memory", lambda: memory(self._row().bytes) if self._row() else "?"),
            self.fact("Multiply-adds", lambda: cost(self._row().multiply_adds) if self._row() else "?"),
            8,
            name="",
        )
        self.section("Cost", facts)
        self.note = Note(self._set_note)
        self.section("Note", row(self.note, margins=(12, 0, 12, 12)))
        self.finish()
        self.first = self.settings[0].editor if self.settings else self.name
        self._show_help(panel.helping)

    def _show_help(self, on: bool) -> None:
        """Show what the layer and each of its properties is, or no longer."""
        self.panel.helping = on
        self.help.setVisible(on)
        for setting in self.settings:
            setting.help.setVisible(on)

    def _put_settings(self) -> None:
        if self.kind is Group:
            enter = button("Enter", lambda: self.document.look(path=self.path, selection=frozenset()))
            body = column(
                self.fact("Layers", lambda: f"{self._layer().held:,}"),
                self.fact("Inputs", lambda: ", ".join(self._layer().inputs()) or "none"),
                self.fact("Outputs", lambda: ", ".join(self._layer().outputs()) or "none"),
                self.fact("Ties across its border", self._crossing),
                self.fact("Stored", lambda: self._count("stored")),
                row(enter, None, margins=(28, 4, 12, 10)),
                name="",
            )
            self.section("Group", body)
        elif self.kind is Call:
            calls = self.fact("Uses again", lambda: self.document.network.called(self.path) or "nothing yet")
            self.section("Settings", column(calls, 8, name=""))
        elif self.settings or self.kind is not Input:
            self.section("Settings", column(*self.settings[:1], self.inferred, *self.settings[1:], 8, name=""))

    def refresh(self) -> None:
        super().refresh()
        layer = self._layer()
        self.name.show_text(self.path.rpartition(".")[2])
        self.name.setToolTip(f"{self.path}\nIts name; Enter renames it, Escape keeps the old one.")
        for setting in self.settings:
            setting.show_value(getattr(layer, setting.name))
        self._show_inferred()
        if self.learnables:
            self.learnables.refresh()
            self.all.refresh()
        self.note.show_text(layer.note)

    def _show_inferred(self) -> None:
        """List the sizes that the wires tell."""
        sizes = tuple(inferred_sizes(self.document.network, self.document.analysis, self.path))
        if sizes == self.shown_sizes:
            return
        self.shown_sizes = sizes
        layout = self.inferred.layout()
        while item := layout.takeAt(0):
            item.widget().hide()
            item.widget().deleteLater()
        for name, text, origin in sizes:
            value = Label(f"{text} from {origin}" if origin else text, "t3", Qt.TextElideMode.ElideMiddle)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            icon = Icon("cable", "text3", 12)
            layout.addWidget(row(Label(name, "t2"), 12, None, icon, 6, value, margins=(28, 0, 12, 0), height=36))
            layout.itemAt(layout.count() - 1).widget().layout().setStretch(5, 0)

    def _layer(self) -> Any:
        return self.document.network.layer(self.path)

    def _row(self) -> Any:
        return self.row_of(self.path)

    def _count(self, which: str) -> str:
        found = self._row()
        return "?" if found is None or not found.known else f"{getattr(found, which):,}"

    def _crossing(self) -> str:
        """How many learnables come into the group, and how many leave it."""
        inside = f"{self.path}."
        ends = [
            (target.layer.startswith(inside), source.layer.startswith(inside))
            for target, source in self.document.network.wires.items()
            if self.path not in (target.layer, source.layer)  # those are data
        ]
        into, out = ends.count((True, False)), ends.count((False, True))
        return f"{into} in, {out} out" if into or out else "none"

    def _activations(self) -> str:
        found = self._row()
        return ", ".join(map(shape_text, found.activations)) or "none" if found else "?"

    def _setter(self, name: str) -> Callable[[Any], str | None]:
        def apply(value: Any) -> str | None:
            try:
                network = self.document.network.set(self.path, **{name: value})
            except NetworkError as refusal:
                return str(refusal)
            if network.layer(self.path) != self._layer():
                self.document.edit(f"Set {name} of {self.path}", network)
            self.refresh()
            return None

        return apply

    def _rename(self, text: str) -> str | None:
        name = text.strip()
        if name == self.path.rpartition(".")[2]:
            return None
        try:
            network = self.document.network.rename(self.path, name)
        except NetworkError as refusal:
            return str(refusal)
        home = parent(self.path)
        new = f"{home}.{name}" if home else name
        opened = self.panel.opened.pop(self.path, set())
        self.panel.opened[new] = opened
        self.document.edit(f"Rename {self.path} to {name}", network)
        self.document.look(selection=frozenset({new}))
        return None

    def _set_note(self, text: str) -> None:
        self.document.attempt(f"Note on {self.path}", lambda net: net.set(self.path, note=text))


class Note(QPlainTextEdit):
    """A few lines of text, applied when they are left."""

    def __init__(self, apply: Callable[[str], None]):
        super().__init__(objectName="note")
        self.apply, self.shown = apply, ""
        self.setAccessibleName("Note")
        self.setFixedHeight(72)
        self.setTabChangesFocus(True)
        self.setPlaceholderText(NOTE)

    def show_text(self, text: str) -> None:
        if text != self.shown or not self.hasFocus():
            self.shown = text
            if self.toPlainText() != text:
                self.setPlainText(text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.toPlainText() != self.shown:
            self.shown = self.toPlainText()
            self.apply(self.shown)
