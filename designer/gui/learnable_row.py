"""One learnable in the properties, or a group of them: its switches, and, opened, all that can be done with it."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget
from shiboken6 import isValid

from designer.edits.switches import switch_input, switch_output
from designer.gui import drawing, taking
from designer.gui.drawing import draw_icon, draw_text, shape_text
from designer.gui.editors import Field
from designer.gui.switches import CheckBox, Switch
from designer.gui.table import layer_of
from designer.gui.theme import Theme
from designer.gui.tips import tip
from designer.gui.untying import untie_ports
from designer.gui.widgets import Icon, Label, Link, Picture, button, column, line, row, sentence
from designer.model import Layer, Network, NetworkError, Port
from designer.model.names import parent
from designer.model.values import check_value, origin_of

if TYPE_CHECKING:
    from designer.gui.learnables import Learnables

TAKES = "InputLearnables: {name}. Takes {name} from a wire instead of storing its own."
OFFERS = "OutputLearnables: {name}. Offers {key} on a port, so that other layers can use it."
FACTORS = {  # field of a layer -> its name, and its help
    "learn_rate_factors": ("Learn-rate factor", "How much faster than the rest this is trained; 0 leaves it as it is."),
    "weight_decay_factors": ("Weight-decay factor", "How much more than the rest this is pulled to zero; 0 does not."),
}


class Head(Picture):
    """The name of a learnable, its arrow, and a line about it; a click opens the row, one on the owner goes there."""

    def __init__(self, toggled: Callable[[], None], jump: Callable[[], None] | None = None):
        super().__init__(self._paint, height=43)
        self.toggled, self.jump = toggled, jump
        self.setMouseTracking(jump is not None)
        self.open, self.name, self.about, self.source, self.tied = False, "", "", "", False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _paint(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        arrow = "chevron-down" if self.open else "chevron-right"
        draw_icon(painter, arrow, QRectF(12, 10, 12, 12), colors.text3, 2.5)
        room = rect.width() - 32
        color = colors.learn_text if self.tied else colors.text1
        middle = Qt.TextElideMode.ElideMiddle
        draw_text(painter, 28, 20, self.name, color, 12, 500, width=room, elide=middle)
        if self.source:
            draw_icon(painter, "link", QRectF(28, 26, 11, 11), colors.learn, 2.5)
            draw_text(painter, 43, 36, f"from {self.source}", colors.text2, 11, width=room - 15, elide=middle)
        else:
            about = self.about
            if drawing.text_width(about, 11) > room:
                about = about.replace("owned   ", "")  # as any row that does not say from where
            draw_text(painter, 28, 36, about, colors.text3, 11, width=room)
        if self.hasFocus():
            painter.setPen(QPen(colors.focus, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(5, 3, -3, -3), 6, 6)

    def _on_owner(self, at: QPointF) -> bool:
        width = drawing.text_width(f"from {self.source}", 11) + 16
        return bool(self.source and self.jump) and 28 <= at.x() <= 28 + width and at.y() >= 25

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hand = self._on_owner(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.jump and self._on_owner(event.position()):
            self.jump()
        else:
            self.toggled()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.toggled()
        else:
            super().keyPressEvent(event)


class LearnableRow(QWidget):
    """One learnable: its switches, and, opened, its shape, owner, values, factors and what can be done."""

    def __init__(self, table: "Learnables", name: str, group: str = ""):
        super().__init__()
        self.table, self.name, self.document = table, name, table.document
        self.label = name.removesuffix(f"_{group}") if group else name
        self.port = Port(table.path, name)
        layer = self.document.network.layer(table.path)
        key = layer.key(table.path, name)
        self.home = ""  # the layer that owns it, if that is another one
        self.head = Head(self._toggle, lambda: self._go(self.home))
        self.head.setAccessibleName(name)
        self.takes = CheckBox(f"Input learnable {name}", TAKES.format(name=name))
        self.offers = CheckBox(f"Output learnable {name}", OFFERS.format(name=name, key=key))
        self.takes.toggled_by_user.connect(lambda on: self._switch("take", on))
        self.offers.toggled_by_user.connect(lambda on: self._switch("offer", on))
        self.fixed = taking.fixed(self.document.network, table.path)
        self.takes.setDisabled(self.fixed)
        self.offers.setDisabled(self.fixed)
        self.details = column(name="")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(row(line(), margins=(12, 0, 12, 0)))
        layout.addWidget(row(self.head, self.takes, 34, self.offers, margins=(0, 0, 27, 0), height=43))
        layout.addWidget(self.details)
        self.built: tuple[object, ...] | None = None
        self.refresh()

    def refresh(self) -> None:
        network = self.document.network
        layer = network.layer(self.table.path)
        taken, offered = self.name in layer.input_learnables, self.name in layer.output_learnables
        self.takes.setChecked(taken)
        self.offers.setChecked(offered)
        source = network.wires.get(self.port) if taken else None
        owner = self._owner(network, source)
        self.home = layer_of(network, owner.partition(", ")[0]) if owner else ""
        self.head.open = self.name in self.table.opened
        self.head.name, self.head.source, self.head.tied = self.label, owner, taken or offered
        self.head.about = self._about(layer, taken)
        self.head.setAccessibleDescription(f"from {owner}" if owner else self.head.about)
        self.head.setToolTip(tip(f"{self.name}\n{self._shape()}, {f'from {owner}' if owner else self.head.about}"))
        self.head.update()
        self.details.setVisible(self.head.open)
        if self.head.open:
            self._detail(layer, taken, owner)

    def _owner(self, network: Network, source: Port | None) -> str:
        if source is None:
            return ""
        analysis = self.document.analysis
        if analysis is not None and self.table.path in analysis.network.all:
            owner = analysis.row(self.table.path).tied_to.get(self.name)
            if owner and layer_of(network, owner.partition(", ")[0]):
                return str(owner)
        return str(source).replace("/", ".")

    def _shape(self) -> str:
        analysis = self.document.analysis
        return shape_text(analysis.learnable_shape(self.port) if analysis else None)

    def _about(self, layer: Layer, taken: bool) -> str:
        if taken:
            return "no wire is connected"
        factor = dict(layer.learn_rate_factors).get(self.name, 1.0)
        state = "frozen" if self.name in layer.frozen else f"factor {factor:g}"
        return f"{self._shape()}   owned   {state}"

    def _detail(self, layer: Layer, taken: bool, owner: str) -> None:
        """Build the opened part when another kind of it is due, and fill it in."""
        kind = (taken, owner, self.home)
        if kind != self.built:
            self.built = kind
            fresh = self._taken(owner) if taken else self._owned()
            self.layout().replaceWidget(self.details, fresh)
            self.details.hide()
            self.details.deleteLater()
            self.details = fresh
            fresh.show()
        self.shape.say(self._shape())
        if not taken:
            for field, editor in self.factors.items():
                editor.show_text(f"{dict(getattr(layer, field)).get(self.name, 1.0):g}")
            self.frozen.setChecked(self.name in layer.frozen)
            self._show_values(layer)

    def _owned(self) -> QWidget:
        self.shape, self.values = Label(), Label("", "t1", Qt.TextElideMode.ElideMiddle)
        self.values.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.numbers = sentence(name="t2")
        self.numbers.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.shown_value: Any = None  # whose numbers are shown
        self.count = Link("Statistics", self._count)
        self.count.setToolTip("Count mean, standard deviation, smallest and largest")
        self.factors = {
            field: Field(f"{name} of {self.name}", 72, lambda text, field=field: self._set_factor(field, text))
            for field, (name, _) in FACTORS.items()
        }
        lines: list[QWidget] = []
        for field, editor in self.factors.items():
            name, tip = FACTORS[field]
            editor.setToolTip(tip)
            lines += [_line(name, editor, height=36), row(editor.problem, margins=(28, 0, 12, 0))]
        self.factor = self.factors["learn_rate_factors"]
        self.frozen = Switch(f"Frozen: {self.name}")
        self.frozen.setToolTip("Training leaves it as it is")
        self.frozen.toggled_by_user.connect(self._freeze)
        tie = self._button("Tie to…", taking.tie_to, "Borrow another learnable instead of storing this one")
        if self.fixed:
            tie.hide()  # never shown before it is in its place: it would flash as a window of its own
        again = button("Initialise again", lambda: taking.initialise_again(self.document, self.port))
        again.setToolTip("Give it new values, as torch makes them")
        return column(
            _line("Shape", self.shape),
            row(Label("Values", "t2"), 8, self.values, margins=(28, 0, 12, 0), height=32),
            row(self.numbers, margins=(28, 0, 12, 0)),
            row(None, self.count, margins=(28, 0, 12, 0)),
            *lines,
            _line("Frozen", self.frozen),
            row(tie, 8, again, None, margins=(28, 6, 12, 0)),
            self._take_buttons(),
            name="",
        )

    def _taken(self, owner: str) -> QWidget:
        self.shape = Label()
        if not owner:
            own = button("Own it again", lambda: self._switch("take", False))
            return column(
                _line("Shape", self.shape), row(own, None, margins=(28, 6, 12, 0)), self._take_buttons(), name=""
            )
        jump = Link(owner, lambda: self._go(self.home))
        jump.setToolTip(f"Go to {self.home}")
        untie = button("Untie", lambda: untie_ports(self.document, [self.port]))
        untie.setToolTip("Own a copy of the same values")
        change = button("Change owner", lambda: taking.own_instead(self.document, self.port))
        change.setToolTip(f"Let {self.table.path} own it, and {self.home} take it from here")
        locked = [
            _line(name, Icon("lock", "text3", 12), 6, Label(f"set at {self.home}", "t3"))
            for name, _ in FACTORS.values()
        ]
        return column(
            _line("Shape", self.shape),
            _line("Owner", jump),
            *locked,
            _line("Frozen", Icon("lock", "text3", 12), 6, Label(f"set at {self.home}", "t3")),
            row(untie, 8, change, None, margins=(28, 6, 12, 0)),
            self._take_buttons("; it is untied first"),
            name="",
        )

    def _take_buttons(self, also: str = "") -> QWidget:
        take = self._button("Take values from…", taking.take_from, f"Own a copy of another learnable's values{also}")
        file = self._button("File…", taking.take_from_file, f"Own a copy of a tensor in a file{also}")
        file.setAccessibleName("Take values from a file")
        return row(take, 8, file, None, margins=(28, 6, 12, 10))

    def _button(self, text: str, ask: Callable[..., None], tip: str) -> QWidget:
        made = button(text, lambda: ask(self.document, self.port, made))
        made.setToolTip(tip)
        return made

    # Values.

    def _show_values(self, layer: Layer) -> None:
        value = self.document.network.values.get(layer.key(self.table.path, self.name))
        self.values.say("not made yet" if value is None else origin_of(value))
        shown = value is not None and value is self.shown_value
        self.count.parentWidget().setVisible(value is not None and not shown)
        self.numbers.parentWidget().setVisible(shown)

    def _count(self) -> None:
        """Count beside the window; what comes too late is dropped."""
        key = self.document.network.layer(self.table.path).key(self.table.path, self.name)
        value, details = self.document.network.values.get(key), self.details

        def came(text: str) -> None:
            if self.document.closed or not isValid(self) or self.document.network.values.get(key) is not value:
                return
            if details is self.details:  # else another kind of row is shown by now
                self.shown_value = value
                self.numbers.setText(text)
                self.refresh()

        if value is not None:
            self.document.beside(lambda: statistics(value), came, self.document.failed)

    # Edits.

    def _toggle(self) -> None:
        self.table.opened ^= {self.name}
        self.refresh()

    def _go(self, home: str) -> None:
        if home:
            self.document.look(path=parent(home), selection=frozenset({home}))

    def _switch(self, which: str, on: bool) -> None:
        switch(self.document, self.table.path, [self.name], which, on)
        self.refresh()  # a refused switch goes back

    def _set_factor(self, field: str, text: str) -> str | None:
        return set_factor(self.document, [self.table.path], field, text, self.name)

    def _freeze(self, on: bool) -> None:
        path, name = self.port
        layer = self.document.network.layer(path)
        frozen = (*layer.frozen, name) if on else tuple(other for other in layer.frozen if other != name)
        verb = "Freeze" if on else "Unfreeze"
        self.document.attempt(f"{verb} {name} of {path}", lambda net: net.set(path, frozen=frozen))


class GroupRow(QWidget):
    """A group of learnables with like names: three-state switches for all of them, and an arrow."""

    def __init__(self, table: "Learnables", group: str, names: Sequence[str]):
        super().__init__()
        self.table, self.group, self.names = table, group, names
        self.head = Head(lambda: table.toggle(group))
        self.takes = CheckBox(f"Input learnables of {group}", f"Takes all of {group} from wires, or owns them")
        self.offers = CheckBox(f"Output learnables of {group}", f"Offers all of {group} on ports")
        for box, which in ((self.takes, "take"), (self.offers, "offer")):
            box.toggled_by_user.connect(lambda _, box=box, which=which: self._switch(box, which))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(row(line(), margins=(12, 0, 12, 0)))
        layout.addWidget(row(self.head, self.takes, 34, self.offers, margins=(0, 0, 27, 0), height=43))
        self.refresh()

    def refresh(self) -> None:
        layer = self.table.document.network.layer(self.table.path)
        counts = []
        for box, switched in ((self.takes, layer.input_learnables), (self.offers, layer.output_learnables)):
            counts.append(sum(name in switched for name in self.names))
            box.setChecked(counts[-1] == len(self.names))
            box.partial = 0 < counts[-1] < len(self.names)
            states = {True: "some", False: "all" if box.isChecked() else "none"}
            box.setAccessibleDescription(f"{states[box.partial]} of {len(self.names)}")
            box.update()
        self.head.open = self.group in self.table.shown_groups()
        self.head.name, self.head.tied = f"{self.group}", bool(sum(counts))
        taken = f", {counts[0]} taken" if counts[0] else ""
        self.head.about = f"{len(self.names)} learnables{taken}"
        self.head.setAccessibleName(f"Group {self.group}")
        self.head.setAccessibleDescription(self.head.about)
        self.head.update()

    def _switch(self, box: CheckBox, which: str) -> None:
        layer = self.table.document.network.layer(self.table.path)
        switched = layer.input_learnables if which == "take" else layer.output_learnables
        switch(self.table.document, self.table.path, self.names, which, not set(self.names) <= set(switched))
        self.table.refresh()


def switch(document: Any, path: str, names: Sequence[str], which: str, on: bool) -> None:
    """Switch learnables of a layer to wires, or back, in one step."""
    edit = switch_input if which == "take" else switch_output
    what = names[0] if len(names) == 1 else f"{len(names)} learnables"
    if which == "offer":
        text = f"{'Offer' if on else 'Stop offering'} {what} of {path}"
    else:
        text = f"Take {what} of {path} from a wire" if on else f"Let {path} own {what}"

    def made(network: Network) -> Network:
        for name in names:
            network = edit(network, Port(path, name), on)
        return network

    document.attempt(text, made)


def set_factor(document: Any, paths: Sequence[str], field: str, text: str, name: str = "") -> str | None:
    """Set a factor of one learnable, or of all that layers own; a sentence if it is none."""
    said = FACTORS[field][0].lower()
    try:
        factor, layers = float(text), {path: document.network.layer(path) for path in paths}
        for path, layer in layers.items():
            given = dict.fromkeys((name,) if name else layer.owned, factor)
            factors = tuple({**dict(getattr(layer, field)), **given}.items())
            layers[path] = dataclasses.replace(layer, **{field: factors})
        network = document.network.exchange(layers)
    except NetworkError as refusal:
        return str(refusal)
    except ValueError:
        return f"A {said} is a number, not {text!r}."
    whose = paths[0] if len(paths) == 1 else f"{len(paths)} layers"
    if any(network.layer(path) != document.network.layer(path) for path in paths):
        document.edit(f"Set {said} of {whose}{f'.{name}' if name else ''} to {factor:g}", network)
    return None


def statistics(value: Any) -> str:
    """Count what the numbers of a tensor are like."""
    check_value(value)
    if not value.numel():
        return "no numbers"
    plain = value.detach().abs() if value.is_complex() else value.detach()
    plain = plain.double()
    spread = plain.std(unbiased=False)
    texts = [f"{number.item():.4g}" for number in (plain.mean(), spread, plain.min(), plain.max())]
    return "mean {}, std {}\nmin {}, max {}".format(*texts)


def _line(text: str, *pieces: QWidget | int, height: int = 32) -> QWidget:
    return row(Label(text, "t2"), 8, None, *pieces, margins=(28, 0, 12, 0), height=height)
