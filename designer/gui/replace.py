"""Replace a layer by one of any type, in one step; transfer a head in one step."""

import dataclasses
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QCompleter, QWidget

from designer.edits.replacing import replaced
from designer.edits.ties import transfer
from designer.gui.card import Card, factor_of
from designer.gui.drawing import category_of
from designer.gui.editors import Choice, Field, Setting
from designer.gui.searching import HIDDEN, entries, search
from designer.gui.untying import borrows
from designer.gui.widgets import Label, column, row, sentence
from designer.model import Call, Group, Layer, Network, NetworkError, Port, layer_types
from designer.model.names import check_name, free, join, parent

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow

FACTOR = "How much faster than the rest this learnable is trained."
OUTPUTS = ("out_features", "out_channels", "hidden_size", "embedding_dim")  # what a new head has another number of
COUNTED = {"out_features": "outputs", "out_channels": "output channels", "hidden_size": "units"}


class Types(Choice):
    """All types of layers; what is typed is searched for as in the library."""

    def __init__(self, chosen: str, apply: Callable[[Any], str | None]):
        found = [name for name, kind in layer_types.items() if kind not in (Group, Call) and name not in HIDDEN]
        super().__init__("New type", tuple(dict.fromkeys([*sorted(found), chosen])), apply)
        self.clear()
        self.addItems([str(choice) for choice in self.choices])
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setFixedWidth(172)
        completer = self.completer()
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        completer.popup().setObjectName("completions")
        completer.popup().setAccessibleName("Types that fit")
        self.lineEdit().setAccessibleName("New type")
        self.lineEdit().editingFinished.connect(self._typed)
        self.setCurrentText(chosen)
        self.setToolTip("Type a name, also another one: dense, lookup")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()  # it chose the type; its settings come next

    def _typed(self) -> None:
        """Take the type that is meant by what was typed."""
        text = self.currentText().strip()
        found = [name for name in self.choices if name.lower() == text.lower()]
        found = found or [entry.type for entry in search(entries(), text) if entry.type in self.choices][:1]
        if found:
            self.setCurrentText(found[0])
        self.apply(found[0] if found else text)


class ReplaceCard(Card):
    """Ask for the type, the name, the settings and the learn-rate factors of the new layer."""

    def __init__(self, window: "MainWindow", path: str):
        super().__init__(window, path, "Replace", f"Replace {path}")
        old = self.document.network.layer(path)
        self.layer: Layer = dataclasses.replace(
            old, input_learnables=(), output_learnables=(), weight_decay_factors=(), frozen=(), note=""
        )
        self.factors, self.tied = dict(old.learn_rate_factors), old.input_learnables
        self.types = Types(type(old).__name__, self._choose)
        self.place.addWidget(row(Label("Type", "t2"), 8, None, self.types, margins=(16, 0, 16, 0), height=36))
        self.name = self.field("Name", path.rpartition(".")[2], self._named, 172)
        self.rest: QWidget = QWidget()
        self.place.addWidget(self.rest)
        self.place.addStretch(1)
        self.settings: list[Setting] = []
        self.factor_fields: dict[str, Field] = {}
        self._fill()

    def _choose(self, name: str) -> str | None:
        if name not in layer_types:
            self.refuse(f"No layer is called {name}.")
            return None
        self.refuse("")
        if name != type(self.layer).__name__:
            self.layer = layer_types[name]()
            self.tile.category, self.tile.layer_type = category_of(type(self.layer)), name
            self.tile.update()
            self._fill()
        return None

    def _named(self, text: str) -> str | None:
        return name_problem(self.document.network, self.path, text)

    def _fill(self) -> None:
        """Show the settings of the type, and a factor for each of its learnables."""
        kind = type(self.layer)
        hints = typing.get_type_hints(kind)
        own = [field for field in dataclasses.fields(kind) if not field.kw_only]
        self.settings = [Setting(field, hints[field.name], self._setter(field.name)) for field in own]
        for setting in self.settings:
            setting.show_value(getattr(self.layer, setting.name))
            setting.layout().setContentsMargins(16, 0, 16, 0)
        self.factor_fields = {}
        lines: list[QWidget] = []
        for name in self.layer.learnables():
            if name in self.tied:
                continue  # its factor is set at its owner
            field = Field(f"Learn-rate factor of {name}", 72, lambda text, name=name: self._set_factor(name, text))
            field.show_text(f"{self.factors.get(name, 1.0):g}")
            field.setToolTip(FACTOR)
            self.factor_fields[name] = field
            label = Label(name, "t2", Qt.TextElideMode.ElideMiddle)
            lines += [
                row(label, 8, None, field, margins=(16, 0, 16, 0), height=36),
                row(field.problem, margins=(16, 0, 16, 0)),
            ]
        heads = [
            row(Label(text, "head"), margins=(16, 8, 16, 0), height=32) for text in ("Settings", "Learn-rate factors")
        ]
        fresh = column(
            *([heads[0]] if self.settings else []), *self.settings, *([heads[1]] if lines else []), *lines, name=""
        )
        self.place.replaceWidget(self.rest, fresh)
        self.rest.hide()
        self.rest.deleteLater()
        self.rest = fresh
        fresh.show()
        self._fit()

    def _setter(self, name: str) -> Callable[[Any], str | None]:
        def apply(value: Any) -> str | None:
            try:
                layer = dataclasses.replace(self.layer, learn_rate_factors=(), **{name: value})
            except NetworkError as refusal:
                return str(refusal)
            other = layer.learnables() != self.layer.learnables()
            self.layer = layer
            next(setting for setting in self.settings if setting.name == name).show_value(getattr(layer, name))
            if other:
                self._fill()
            return None

        return apply

    def _set_factor(self, name: str, text: str) -> str | None:
        factor = factor_of(text)
        if isinstance(factor, str):
            return factor
        self.factors[name] = factor
        return None

    def act(self) -> None:
        if self.types.currentText() != type(self.layer).__name__:
            self.refuse(f"No layer is called {self.types.currentText()}.")
            return
        path, name = self.path, self.name.text().strip()
        names = self.layer.learnables()
        factors = tuple((n, factor) for n, factor in self.factors.items() if n in names and factor != 1.0)
        layer = dataclasses.replace(self.layer, learn_rate_factors=factors)
        said: list[str] = []

        def edit(network: Network) -> Network:
            note = network.layer(path).note
            new, said[:] = replaced(network, path, dataclasses.replace(layer, note=note), name)
            return new

        old = path.rpartition(".")[2]
        by = name if name != old else type(layer).__name__
        finish(
            self, f"Replace {old} by {by}", edit, name, lambda: " ".join([f"{name} is in the place of {old}.", *said])
        )


class TransferCard(Card):
    """Ask for the name, the number of outputs and the learn-rate factors of a new head."""

    def __init__(self, window: "MainWindow", path: str):
        super().__init__(window, path, "Transfer", f"Transfer head {path}")
        layer = self.document.network.layer(path)
        beside = self.document.network.network_at(parent(path)).layers
        old = path.rpartition(".")[2]
        text = sentence(
            "A new head takes its place and has yet to learn; a tie is cut. The rest stays as it is.", "small"
        )
        self.place.addWidget(row(text, margins=(16, 0, 16, 8)))
        self.name = self.field("Name", free(f"{old}New", beside), self._named, 172)
        self.output = next((name for name in OUTPUTS if hasattr(layer, name)), "")
        self.layer = layer
        self.count: Field | None = None
        if self.output:
            hint = next(f for f in dataclasses.fields(layer) if f.name == self.output).metadata["doc"]
            self.count = self.field(self.output, str(getattr(layer, self.output)), self._counted, 96, hint)
        self.place.addWidget(row(Label("Learn-rate factors", "head"), margins=(16, 8, 16, 0), height=32))
        names = layer.learnables()
        self.factor_fields = {name: self.field(name, "10", self._factor, 72, FACTOR) for name in names}
        for name, field in self.factor_fields.items():
            field.setAccessibleName(f"Learn-rate factor of {name}")
        self.place.addStretch(1)

    def _named(self, text: str) -> str | None:
        return name_problem(self.document.network, self.path, text)

    def _counted(self, text: str) -> str | None:
        try:
            dataclasses.replace(self.layer, **{self.output: _whole(text)})
        except NetworkError as refusal:
            return str(refusal)
        return None

    def _factor(self, text: str) -> str | None:
        factor = factor_of(text)
        return factor if isinstance(factor, str) else None

    def act(self) -> None:
        path, name = self.path, self.name.text().strip()
        network, old = self.document.network, path.rpartition(".")[2]
        factors = {learnable: float(field.text()) for learnable, field in self.factor_fields.items()}
        settings = {self.output: _whole(self.count.text())} if self.count else {}
        ports = [Port(path, learnable) for learnable in self.layer.input_learnables]
        sources = [network.wires[port] for port in ports if borrows(network, port)]
        analysis = self.document.analysis
        tied = analysis.row(path).tied_to.values() if analysis and path in analysis.network.all else ()
        owners = dict.fromkeys([key.rpartition(".")[0] for key in tied] or [source.layer for source in sources])
        facts = (
            [f"{name} has {settings[self.output]:,} {COUNTED.get(self.output, self.output)}"] if settings else [name]
        )
        if sources:
            facts.append(f"its tie to {', '.join(owners)} is cut")
        each = set(factors.values())
        listed = f" {each.pop():g}" if len(each) == 1 else "s " + ", ".join(f"{n} {f:g}" for n, f in factors.items())
        facts.append(f"learn-rate factor{listed}")
        finish(
            self,
            f"Transfer {old} to {name}" if name != old else f"Transfer {old}",
            lambda net: transfer(net, path, name, learn_rate_factor=factors, **settings),
            name,
            lambda: f"{'; '.join(facts)}.",
        )


def finish(card: Card, text: str, edit: Callable[[Network], Network], name: str, said: Callable[[], str]) -> None:
    """Make the edit of a card; then select the new layer and say what was done. What is refused stands in the card."""
    document, new = card.document, join(parent(card.path), name)
    card.ok.setEnabled(False)

    def done() -> None:
        document.look(selection=frozenset({new}))
        document.told.emit(said())
        card.close()

    def refused(problem: str) -> None:
        card.ok.setEnabled(True)
        card.refuse(problem)

    document.attempt(text, edit, then=done, refused=refused)


def name_problem(network: Network, path: str, text: str) -> str | None:
    """Say why a layer cannot have a name, if it cannot."""
    name, beside = text.strip(), network.network_at(parent(path)).layers
    if name == path.rpartition(".")[2]:
        return None
    try:
        check_name(name, beside)
    except NetworkError as refusal:
        return str(refusal)
    return f"There is already a layer named {name!r}." if name in beside else None


def _whole(text: str) -> Any:
    """Read a whole number; any other text stays, and is refused by the layer."""
    plain = text.strip().replace(",", "")
    return int(plain) if plain.isdecimal() else text


def replace_layer(window: "MainWindow") -> None:
    """Ask by what the selected layer shall be replaced."""
    path = _one(window, "Select one layer to replace it.")
    layer = window.document.network.find(path) if path else None
    if isinstance(layer, Group | Call):
        window.document.refused.emit(f"{path} is a {type(layer).__name__}: only single layers are replaced.")
    elif path:
        card = ReplaceCard(window, path)
        card.open(card.types)
        card.types.lineEdit().selectAll()


def transfer_head(window: "MainWindow") -> None:
    """Ask for the new head that takes the place of the selected layer."""
    path = _one(window, "Select the layer whose place a new head shall take.")
    if path and not window.document.network.layer(path).learnables():
        window.document.refused.emit(f"{path} has no learnables, so there is nothing to transfer.")
    elif path:
        card = TransferCard(window, path)
        card.open(card.count or card.name)


def _one(window: "MainWindow", refusal: str) -> str:
    """Give the selected layer; close what is asked of another."""
    for card in window.stack.findChildren(Card):
        card.close()
    paths = window.doing.selected()
    if len(paths) != 1:
        window.document.refused.emit(refusal)
    return paths[0] if len(paths) == 1 else ""
