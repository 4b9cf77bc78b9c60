"""Ties between two layers in one step: the pairs that fit, the wire drawn from the word "Learnables", the list."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QPen

from designer.analysis import Analysis, permutations
from designer.edits.switches import switch_input, switch_output
from designer.gui.canvas import joins
from designer.gui.canvas.box import Box, Line
from designer.gui.canvas.form import SECTION
from designer.gui.canvas.gestures import Fold
from designer.gui.canvas.joins import End, Join
from designer.gui.canvas.routes import curve
from designer.gui.canvas.two_ways import TwoWays
from designer.gui.canvas.wire import wire_pen
from designer.gui.canvas.wiring import draw_tip
from designer.gui.drawing import shape_text
from designer.gui.theme import faded
from designer.model import Group, Network, Port
from designer.model.names import under

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

WIDE = 480  # of the list of pairs
MOST = 40  # pairs that are offered: groups may fit each other in thousands of ways


def tie_layers(network: Network, analysis: Analysis | None, owner: str, borrower: str) -> Join:
    """Let one layer borrow from another: the pair that fits, or a choice among several, matrices and like names first.

    Of a group, the learnables of its layers. Shapes are those of the analysis; nothing is asked of torch.
    """
    gives, takes = _learnables(network, owner), _learnables(network, borrower)
    for path, ports in ((owner, gives), (borrower, takes)):
        if not ports:
            inside = " in its layers" if isinstance(network.layer(path), Group) else ""
            return Join("", f"{path} has no learnables{inside}")
    if analysis is None:
        return Join("", "The shapes are not known yet")
    given, wanted = (
        {port: shape for port in ports if (shape := analysis.learnable_shape(port)) is not None}
        for ports in (gives, takes)
    )
    if not given or not wanted:
        return _unknown(analysis, owner, borrower)
    found: list[tuple[tuple[int, bool], Join]] = []
    for source, have in given.items():
        for target, want in wanted.items():
            if len(have) != len(want) or not permutations(have, want) or network.source_of(target) == source:
                continue
            if len(found) == MOST:
                group = owner if isinstance(network.layer(owner), Group) else borrower
                return Join("", f"{borrower} fits {owner} in more than {MOST} ways", f"Enter {group} to choose there.")
            made = joins.join(network, analysis, _giving(source), _taking(target))
            if not made.refused:
                found.append(((-len(have), source.name != target.name), made))
    pairs = [made for _, made in sorted(found, key=lambda pair: pair[0])]
    if len(pairs) == 1:
        return pairs[0]
    if pairs:
        says = f"{borrower} fits {owner} in {len(pairs)} ways"
        return Join(pairs[0].text, says, "Release to choose.", choices=tuple(pairs))
    if network.targets and any(network.source_of(target) in gives for target in takes):
        return Join("", f"{borrower} takes all that fits from {owner} already")
    largest = [max(sizes.items(), key=lambda size: len(size[1])) for sizes in (given, wanted)]
    says = ", ".join(f"{port.layer}.{port.name} is {shape_text(shape)}" for port, shape in largest)
    return Join("", f"{says}: no permutation fits")


def _unknown(analysis: Analysis, *paths: str) -> Join:
    """Say of which layer no size is known, and what is wrong with it."""

    def sized(path: str) -> bool:
        layer = analysis.network.all.get(path)
        return layer is not None and any(analysis.learnable_shape(Port(path, name)) for name in layer.learnables())

    path = next((path for path in paths if not sized(path)), paths[0])
    wrong = next((problem.text for problem in analysis.problems if path in problem.layers), "")
    return Join("", f"The shapes of {path} are not known yet", wrong)


def _learnables(network: Network, path: str) -> list[Port]:
    """The learnables of a layer, or of all layers in a group."""
    layers = [at for at in network.all if under(at, path)] if isinstance(network.layer(path), Group) else [path]
    return [Port(at, name) for at in layers for name in network.layer(at).learnables()]


def _giving(port: Port) -> End:
    return End(port, True, lambda net: switch_output(net, port, True))


def _taking(port: Port) -> End:
    return End(port, False, lambda net: switch_input(net, port, True))


class LearnablesPress(Fold):
    """Fold or unfold on a click; a drag ties this layer to the one that it is dropped on."""

    over: str = ""  # the layer under the pointer
    join: Join | None = None
    at = QPointF()

    def start(self, modifiers):
        self.viewer.viewport().setCursor(Qt.CursorShape.CrossCursor)
        return self

    def move(self, at, modifiers):
        self.at = at
        node = self.viewer.hit(at).node
        path = node.look.path if node is not None and node is not self.hit.node else ""
        if path != self.over:
            self._unmark()
            document = self.canvas.document
            self.over, self.join = path, None
            if node is not None and path:
                self.join = tie_layers(document.network, document.analysis, self.hit.node.look.path, path)
                node.mark = "refused" if self.join.refused else "tie"
                node.update()
        refused = self.join is not None and self.join.refused
        self.viewer.viewport().setCursor(Qt.CursorShape.ForbiddenCursor if refused else Qt.CursorShape.CrossCursor)

    def drop(self, at, modifiers):
        self.move(at, modifiers)
        found = self.join
        self.cancel()
        if found is not None:
            self.canvas.make(found, at)

    def cancel(self):
        self._unmark()
        self.over, self.join = "", None
        self.viewer.viewport().unsetCursor()

    def _unmark(self) -> None:
        if (node := self.canvas.mirror.nodes.get(self.over)) is not None:
            node.view.mark = ""
            node.view.update()

    def paint(self, painter, theme):
        node, end = self.hit.node, self.viewer.scene_at(self.at)
        refused = self.join is not None and self.join.refused
        color = theme.error if refused else theme.learn
        right = end.x() > node.frame.center().x()
        start = node.pos() + QPointF(node.form.width if right else 0, node.form.section + SECTION / 2)
        path = curve(start, end) if right else curve(end, start)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(faded(color, 0.24), 8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPath(path)
        painter.setPen(wire_pen(color, 2.5, True))
        painter.drawPath(path)
        painter.resetTransform()
        says, detail = f"Tie: offer the learnables of {node.look.name}", "drop it on the layer that shall take them"
        if self.join is not None:
            says, detail = self.join.says, self.join.detail
        icon = "octagon-alert" if refused else "link"
        draw_tip(painter, theme, self.at, self.viewer.viewport().rect().toRectF(), says, detail, icon, refused)


class Choosing:
    """Asks which of several ties is meant: a list of pairs, or the two meanings of a square one as pictures."""

    def __init__(self, canvas: "Canvas", box: Box):
        self.canvas, self.box = canvas, box
        self.pictures = TwoWays(canvas.frame)

    def ask(self, choices: Iterable[Join], at: QPointF) -> None:
        choices = tuple(choices)
        pairs = {choice.pair for choice in choices}
        if len(choices) == 2 and len(pairs) == 1 and None not in pairs and not choices[0].permute:
            self.pictures.ask(self._place(at), self.canvas.document, choices, lambda it: self.canvas.make(it, at))
            return
        lines = [self._line(choice, at) for choice in choices]
        fit = f"{len(lines)} that fit"
        self.box.choose(self._place(at), "Which shall be tied?", fit, lines, "No pair is called so.", WIDE)

    def _place(self, at: QPointF) -> QPoint:
        return at.toPoint() + QPoint(8, 12)

    def _line(self, choice: Join, at: QPointF) -> Line:
        first = choice.choices[0] if choice.choices else choice
        title, hint = choice.says, choice.detail
        if first.pair is not None:
            give, take = first.pair
            title = f"{take.layer}.{take.name} takes {give.layer}.{give.name}"
            shape = joins.learnable_shape(self.canvas.document.network, self.canvas.document.analysis, give)
            through = ", ".join(map(str, first.permute))
            way = ", directly or transposed" if choice.choices else f", by Permute {through}" if through else ""
            hint = f"{shape_text(shape)}{way}" if shape is not None else way
        tail = f"saves {first.saves}" if first.saves else ""
        return Line(title, hint, tail, port="diamond", tip=f"{title}\n{hint}", run=lambda _: self._take(choice, at))

    def _take(self, choice: Join, at: QPointF) -> None:
        self.box.close_box()  # before what is asked next opens
        self.canvas.make(choice, at)
