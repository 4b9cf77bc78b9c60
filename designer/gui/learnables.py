"""The learnables of one layer in the properties: what it owns, takes and offers, and the switches for that."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from designer.edits.switches import switch_input, switch_output
from designer.gui import drawing
from designer.gui.document import Document
from designer.gui.drawing import draw_icon, draw_text, shape_text
from designer.gui.editors import Field
from designer.gui.table import layer_of
from designer.gui.theme import Theme
from designer.gui.untying import untie_ports
from designer.gui.widgets import CheckBox, Icon, Label, Link, Picture, Search, Switch, button, column, line, row
from designer.model import Layer, Network, NetworkError, Parameter, Port
from designer.model.names import parent

TAKES = "InputLearnables: {name}. Takes {name} from a wire instead of storing its own."
OFFERS = "OutputLearnables: {name}. Offers {key} on a port, so that other layers can use it."
MANY = 6  # names beyond which there is a field to find one


class Learnables(QWidget):
    """The bar of what is owned, and a row for each learnable."""

    def __init__(self, document: Document, path: str, opened: set[str]):
        super().__init__()
        self.document, self.path, self.opened = document, path, opened
        layer = document.network.layer(path)
        self.bar = Picture(self._paint_bar, height=36)
        self.rows = {name: _Row(self, name) for name in layer.learnables()}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 8)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        if len(self.rows) > MANY:
            self.filter = Search("Filter learnables")
            self.filter.textChanged.connect(self._find)
            layout.addWidget(row(self.filter, margins=(12, 8, 12, 0)))
        layout.addWidget(Picture(_paint_heads, height=44))
        for each in self.rows.values():
            layout.addWidget(each)
        self.refresh()

    def _find(self, words: str) -> None:
        for name, each in self.rows.items():
            each.setVisible(words.lower().strip() in name.lower())

    def refresh(self) -> None:
        """Show what is so now."""
        self.bar.update()
        for each in self.rows.values():
            each.refresh()

    def _counts(self) -> tuple[int, int] | None:
        analysis = self.document.analysis
        known = analysis is not None and self.path in analysis.network.all
        row = analysis.row(self.path) if known else None
        return (row.stored, row.used) if row and row.known else None

    def _paint_bar(self, painter: QPainter, colors: Theme, rect: QRectF) -> None:
        counts = self._counts()
        if counts is None:
            draw_text(painter, 12, 14, "Counted when the shapes are known", colors.text3, 12)
            return
        stored, used = counts
        used = max(used, stored)
        text = f"owns {stored:,} of {used:,}" if stored != used else f"owns {stored:,}"
        left = draw_text(painter, 12, 14, text, colors.text1, 12, 500)
        borrowed = f"{used - stored:,} borrowed" if used > stored else ""
        if drawing.text_width(borrowed, 11) < rect.width() - left - 40:
            draw_text(painter, rect.width() - 12, 14, borrowed, colors.text2, 11, align="right")
        if used:
            _paint_shares(painter, colors, QRectF(12, 22, rect.width() - 24, 6), stored / used)


def _paint_shares(painter: QPainter, colors: Theme, bar: QRectF, own: float) -> None:
    """Draw the part that is owned solid, the part that is taken hatched, with a gap between."""
    whole = QPainterPath()
    whole.addRoundedRect(bar, 3, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    if own < 1:
        painter.setBrush(colors.learn)
        painter.drawPath(whole)
        painter.setClipPath(whole)
        painter.setPen(QPen(colors.panel, 1.5))
        for n in range(-1, int(bar.width() / 6) + 1):
            x = bar.x() + 6 * n
            painter.drawLine(QPointF(x, bar.bottom() + 2), QPointF(x + 8, bar.top() - 2))
        painter.setPen(Qt.PenStyle.NoPen)
    width = max(5.0, bar.width() * own) if own else 0.0
    if width:
        painter.setBrush(colors.panel)
        if own < 1:
            painter.drawRect(QRectF(bar.x(), bar.y(), width + 2, bar.height()))
        painter.setBrush(colors.accent)
        painter.drawRoundedRect(QRectF(bar.x(), bar.y(), width, bar.height()), 2.5, 2.5)
    painter.setClipping(False)


def _paint_heads(painter: QPainter, colors: Theme, rect: QRectF) -> None:
    for x, word in ((rect.width() - 108, "Input"), (rect.width() - 40, "Output")):
        draw_text(painter, x, 20, word, colors.text3, 11, 500, align="center")
        draw_text(painter, x, 34, "Learnables", colors.text3, 11, 500, align="center")


class _Head(Picture):
    """The name of a learnable, its arrow, and a line about it; a click opens the row."""

    def __init__(self, toggled: Callable[[], None]):
        super().__init__(self._paint, height=43)
        self.toggled = toggled
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
            draw_text(painter, 28, 36, self.about, colors.text3, 11, width=room)
        if self.hasFocus():
            painter.setPen(QPen(colors.focus, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(5, 3, -3, -3), 6, 6)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.toggled()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.toggled()
        else:
            super().keyPressEvent(event)


class _Row(QWidget):
    """One learnable: its switches, and, opened, its shape, owner, factor and whether it is frozen."""

    def __init__(self, table: Learnables, name: str):
        super().__init__()
        self.table, self.name, self.document = table, name, table.document
        self.port = Port(table.path, name)
        layer = self.document.network.layer(table.path)
        key = layer.key(table.path, name)
        self.head = _Head(self._toggle)
        self.head.setAccessibleName(name)
        self.takes = CheckBox(f"Input learnable {name}", TAKES.format(name=name))
        self.offers = CheckBox(f"Output learnable {name}", OFFERS.format(name=name, key=key))
        self.takes.toggled_by_user.connect(lambda on: self._switch("take", on))
        self.offers.toggled_by_user.connect(lambda on: self._switch("offer", on))
        fixed = isinstance(layer, Parameter)  # it is nothing but its port
        self.takes.setDisabled(fixed)
        self.offers.setDisabled(fixed)
        self.details = column(name="")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(row(line(), margins=(12, 0, 12, 0)))
        layout.addWidget(row(self.head, self.takes, 44, self.offers, margins=(0, 0, 28, 0), height=43))
        layout.addWidget(self.details)
        self.built: tuple[object, ...] | None = None

    def refresh(self) -> None:
        network = self.document.network
        layer = network.layer(self.table.path)
        taken, offered = self.name in layer.input_learnables, self.name in layer.output_learnables
        self.takes.setChecked(taken)
        self.offers.setChecked(offered)
        source = network.wires.get(self.port) if taken else None
        owner = self._owner(network, source)
        self.head.open = self.name in self.table.opened
        self.head.name, self.head.source, self.head.tied = self.name, owner, taken or offered
        self.head.about = self._about(layer, taken)
        self.head.setAccessibleDescription(f"from {owner}" if owner else self.head.about)
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
        shape = analysis.learnable_shape(self.port) if analysis else None
        return shape_text(shape)

    def _about(self, layer: Layer, taken: bool) -> str:
        if taken:
            return "no wire is connected"
        factor = dict(layer.learn_rate_factors).get(self.name, 1.0)
        state = "frozen" if self.name in layer.frozen else f"factor {factor:g}"
        return f"{self._shape()}   owned   {state}"

    def _detail(self, layer: Layer, taken: bool, owner: str) -> None:
        """Build the opened part when another kind of it is due, and fill it in."""
        home = layer_of(self.document.network, owner.partition(", ")[0]) if owner else ""
        kind = (taken, owner, home)
        if kind != self.built:
            self.built = kind
            fresh = self._taken(owner, home) if taken else self._owned()
            self.layout().replaceWidget(self.details, fresh)
            self.details.hide()
            self.details.deleteLater()
            self.details = fresh
            fresh.show()
        self.shape.say(self._shape())
        if not taken:
            self.factor.show_text(f"{dict(layer.learn_rate_factors).get(self.name, 1.0):g}")
            self.frozen.setChecked(self.name in layer.frozen)
            self.values.say(self._values(layer))

    def _values(self, layer: Layer) -> str:
        key = layer.key(self.table.path, self.name)
        value = self.document.network.values.get(key)
        if value is None:
            return "not initialised"
        return "from a file" if getattr(value, "mapped", None) else "initialised"

    def _owned(self) -> QWidget:
        self.shape, self.values = Label(), Label()
        self.factor = Field("Learn-rate factor", 72, self._set_factor)
        self.frozen = Switch("Frozen")
        self.frozen.toggled_by_user.connect(self._freeze)
        self.problem_place = row(self.factor.problem, margins=(28, 0, 12, 0))
        return column(
            _line("Shape", self.shape),
            _line("Values", self.values),
            _line("Learn-rate factor", self.factor),
            self.problem_place,
            _line("Frozen", self.frozen),
            8,
            name="",
        )

    def _taken(self, owner: str, home: str) -> QWidget:
        self.shape = Label()
        if not owner:
            own = button("Own it again", lambda: self._switch("take", False))
            return column(_line("Shape", self.shape), row(own, None, margins=(28, 6, 12, 10)), name="")
        jump = Link(owner, lambda: self.document.look(path=parent(home), selection=frozenset({home})))
        return column(
            _line("Shape", self.shape),
            _line("Owner", jump),
            _line("Learn-rate factor", Icon("lock", "text3", 12), 6, Label(f"set at {home}", "t3")),
            _line("Frozen", Icon("lock", "text3", 12), 6, Label(f"set at {home}", "t3")),
            row(button("Untie", self._untie), None, margins=(28, 6, 12, 10)),
            name="",
        )

    def _toggle(self) -> None:
        self.table.opened ^= {self.name}
        self.refresh()

    def _switch(self, which: str, on: bool) -> None:
        path, name = self.port
        edit = switch_input if which == "take" else switch_output
        verb = {"take": ("Take", "Own"), "offer": ("Offer", "Stop offering")}[which][0 if on else 1]
        self.document.attempt(f"{verb} {name} of {path}", lambda net: edit(net, self.port, on))
        self.refresh()  # a refused switch goes back

    def _untie(self) -> None:
        untie_ports(self.document, [self.port])

    def _set_factor(self, text: str) -> str | None:
        try:
            factor = float(text)
            layer = self.document.network.layer(self.table.path)
            factors = {**dict(layer.learn_rate_factors), self.name: factor}
            network = self.document.network.set(self.table.path, learn_rate_factors=tuple(factors.items()))
        except NetworkError as refusal:
            return str(refusal)
        except ValueError:
            return f"A learn-rate factor is a number, not {text!r}."
        self.document.edit(f"Set learn-rate factor of {self.table.path}.{self.name} to {factor:g}", network)
        return None

    def _freeze(self, on: bool) -> None:
        path, name = self.port
        layer = self.document.network.layer(path)
        frozen = (*layer.frozen, name) if on else tuple(other for other in layer.frozen if other != name)
        verb = "Freeze" if on else "Unfreeze"
        self.document.attempt(f"{verb} {name} of {path}", lambda net: net.set(path, frozen=frozen))


def _line(text: str, *pieces: QWidget | int) -> QWidget:
    return row(Label(text, "t2"), 8, None, *pieces, margins=(28, 0, 12, 0), height=32)
