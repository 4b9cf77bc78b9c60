"""Wires by keyboard: a list of the ports of a layer, then one of the ports that fit."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF

from designer.analysis import permutations
from designer.edits.switches import switch_input, switch_output
from designer.gui.canvas import joins
from designer.gui.canvas.box import GAP, Box, Line, matching
from designer.gui.canvas.joins import End, Join
from designer.gui.canvas.look import shape_of
from designer.gui.drawing import shape_text
from designer.model import BUNDLE, Call, Group, Network, Port, Shape

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

LONGEST = 0.04  # seconds that ports that fit are looked for
MOST = 200  # of them


class Connecting:
    """What C opens."""

    def __init__(self, canvas: "Canvas", box: Box):
        self.canvas, self.box = canvas, box

    @property
    def network(self) -> Network:
        return self.canvas.document.network

    def open(self) -> None:
        """List the ports of the selected layer."""
        paths = self.canvas.selected_layers()
        if len(paths) != 1:
            self.canvas.document.refused.emit("Select one layer to connect it.")
            return
        path = paths[0]
        self._ask(path, f"Connect {_last(path)}", "Del cuts a wire", lambda text: self._own(path, text))

    def open_port(self, port: Port) -> None:
        """Bring a layer into view, and list what fits an input of it."""
        self.canvas.show_path(port.layer)
        self.canvas.motion.finish()
        self._open_other(End(port, False))

    def _ask(self, path: str, hint: str, caption: str, lines_for: Callable[[str], list[Line]]) -> None:
        about = self.canvas.view.viewportTransform().mapRect(self.canvas.node(path).frame).toRect()
        self.box.ask(about.bottomLeft() + QPoint(0, GAP), hint, caption, lines_for, about=about)

    def _own(self, path: str, text: str) -> list[Line]:
        """The ports of a layer, those of learnables that are not switched on at the end."""
        found = [self._own_line(end) for end in self._ends(path)]
        return matching(found, text) or [Line(f"{_last(path)} has no such port." if text else "It has no ports.")]

    def _ends(self, path: str) -> Iterator[End]:
        network, layer = self.network, self.network.layer(path)
        yield from (End(Port(path, name), True) for name in network.outputs_of(path))
        names = network.inputs_of(path)
        if layer.variadic:
            names = tuple(dict.fromkeys((*names, joins.free_input(network, path) or "0")))
        yield from (End(Port(path, name), False) for name in names)
        if isinstance(layer, Call):
            yield End(Port(path, BUNDLE), False)
        switched = [*layer.output_learnables, *layer.input_learnables]
        for name in sorted(layer.learnables(), key=lambda name: name not in switched):
            yield _giving(Port(path, name))
            yield _taking(Port(path, name))
        calls = (isinstance(network.layer(other), Call) for other in self.canvas.mirror.nodes)
        if network.has_output(Port(path, BUNDLE)) and any(calls):
            yield End(Port(path, BUNDLE), True)

    def _own_line(self, end: End) -> Line:
        port, network = end.port, self.network
        layer = network.layer(port.layer)
        learnable = port.name in (*layer.learnables(), BUNDLE)
        users = network.targets.get(port, []) if end.out else []
        source = None if end.out else network.source_of(port)
        switched = port.name in (layer.output_learnables if end.out else layer.input_learnables)
        where = f"from {_last(source.layer)}" if source else ""
        if users:
            where = f"to {_last(users[0].layer)}" if len(users) == 1 else f"to {len(users)} layers"
        elif learnable and not switched and port.name != BUNDLE:
            where = "offer it" if end.out else "take it from a wire"
        return Line(
            port.name,
            self._shape(end),
            where,
            port="diamond" if learnable else "circle",
            tip=f"{port.layer}, {'output' if end.out else 'input'} {port.name}",
            filled=bool(users or source),
            run=lambda _: self._open_other(end),
            cut=None if source is None else lambda: self.canvas.make(joins.cut(network, port), QPointF()),
        )

    def _shape(self, end: End) -> str:
        analysis = self.canvas.document.analysis
        if end.port.name in self.network.layer(end.port.layer).learnables():
            shape: Shape | None = joins.learnable_shape(self.network, analysis, end.port)
        else:
            source = end.port if end.out else self.network.source_of(end.port)
            shape = shape_of(analysis, source) if source is not None else None
        return shape_text(shape) if shape is not None else ""

    # The other end.

    def _open_other(self, start: End) -> bool:
        verb = "goes to" if start.out else "comes from"
        hint = f"{_last(start.port.layer)} / {start.port.name} {verb}"
        self._ask(start.port.layer, hint, "", lambda text: self._others(start, text))
        return True

    def _others(self, start: End, text: str) -> list[Line]:
        """The ports that fit, the nearest layers first, as many as are found in no time."""
        until = time.perf_counter() + LONGEST
        words = text.lower().split()
        free: list[Line] = []
        taken: list[Line] = []
        for end in self._candidates(start):
            title = f"{_named(end.port.layer, self.canvas.document.view.path)} / {end.port.name}"
            if not all(word in title.lower() for word in words):
                continue
            found = joins.join(self.network, self.canvas.document.analysis, start, end)
            for choice in found.choices or (found,):
                if not choice.refused:
                    line = self._other_line(start, end, title, choice)
                    (free if not line.filled else taken).append(line)
            if time.perf_counter() > until or len(free) + len(taken) > MOST:
                break
        if start.port.name in self.network.layer(start.port.layer).learnables():
            free.sort(key=lambda line: line.port != "diamond")  # ties before layers that compute with it
        none = Line("No port that fits is called so." if text else "No port fits.")
        return [*free, *taken] or [none]

    def _other_line(self, start: End, end: End, title: str, choice: Join) -> Line:
        source = None if end.out else self.network.source_of(end.port)
        how = f"instead of {_last(source.layer)}" if source else ""
        if choice.permute:
            how = f"by Permute {', '.join(map(str, choice.permute))}"
        diamond = end.port.name in (*self.network.layer(end.port.layer).learnables(), BUNDLE)
        return Line(
            title,
            self._shape(end),
            how,
            port="diamond" if diamond else "circle",
            tip=choice.says,
            filled=source is not None,
            run=lambda _: self.canvas.make(choice, QPointF()),
        )

    def _candidates(self, start: End) -> Iterator[End]:
        """The ports of other layers that might fit, told without making the wire."""
        network, analysis = self.network, self.canvas.document.analysis
        layer = network.layer(start.port.layer)
        bundle, own = start.port.name == BUNDLE, start.port.name in layer.learnables()
        have = joins.learnable_shape(network, analysis, start.port) if own else None
        carries = own or (start.out and network.is_learnable(start.port))
        learnable = network.learnable_ports if own and not start.out else frozenset()
        for path in self._near(start.port.layer):
            other = network.layer(path)
            if bundle:
                if start.out == isinstance(other, Call):
                    yield End(Port(path, BUNDLE), not start.out)
                continue
            if carries and not isinstance(other, Group):
                for name in other.learnables():
                    want = joins.learnable_shape(network, analysis, Port(path, name))
                    alike = permutations(have, want) if have and want else name == start.port.name
                    if alike:
                        yield (_taking if start.out else _giving)(Port(path, name))
            if start.out and (not own or other.computes):
                names = network.inputs_of(path)
                free = joins.free_input(network, path) if other.variadic else None
                yield from (End(Port(path, name), False) for name in (*names, *([free] if free else [])))
            elif not start.out:
                outs = (Port(path, name) for name in network.outputs_of(path))
                yield from (End(out, True) for out in outs if not own or out in learnable)

    def _near(self, path: str) -> list[str]:
        """The other layers that are shown, the nearest first."""
        middle = self.canvas.node(path).frame.center()

        def far(other: str) -> float:
            return (self.canvas.node(other).frame.center() - middle).manhattanLength()

        return sorted((other for other in self.canvas.mirror.nodes if other != path), key=far)


def _giving(port: Port) -> End:
    return End(port, True, lambda net: switch_output(net, str(port), True))


def _taking(port: Port) -> End:
    return End(port, False, lambda net: switch_input(net, str(port), True))


def _named(path: str, home: str) -> str:
    return path[len(home) + 1 :] if home else path


def _last(path: str) -> str:
    return path.rpartition(".")[2]
