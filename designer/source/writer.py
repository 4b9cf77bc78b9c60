"""Write a network as the source of an nn.Module: a class for the network and one for each kind of group."""

import graphlib
import heapq
import itertools
from collections.abc import Iterator, Mapping

from designer.analysis import Analysis
from designer.analysis.probe import filled, preamble
from designer.layers import Operation
from designer.model import BUNDLE, Call, Group, Input, Layer, Network, Output, Parameter, Port, Shape
from designer.model.names import SOURCE_NAMES, free, is_name, parent, under
from designer.model.rules import ordered
from designer.source.classes import STOP, Class, Line
from designer.source.returned import returned_text

BUILTINS = ("float", "next")  # what the expressions of layers call
# Functions of Python that a local would hide, by what imported layers may be called.
HIDDEN = frozenset(
    """
    abs all any bin bool bytes chr complex dict dir divmod enumerate eval exec filter format hash help hex id int iter
    len list map max min object oct open ord pow print range repr reversed round set slice sorted str sum super tuple
    type vars zip
    """.split()
)


class Writer:
    """What the classes of one file share."""

    def __init__(self, analysis: Analysis, shared: Mapping[Port, Port]):
        self.network, self.analysis, self.shared = analysis.network, analysis, shared
        self.preamble: dict[str, str] = {}
        self.classes: list[Class] = []
        self.functions = {name for _, layer in self.network.walk() for name in layer.preamble()}
        self.wrong = _wrong(analysis)

    def name_of(self, scope: "Scope", name: str) -> str:
        """The name of a scope's class; groups with the same body share one."""
        made = scope.written()
        for known in self.classes:
            if known.body == made.body and name != "Net":
                known.share(made)
                return known.name
        taken = {*self.functions, *(known.name for known in self.classes), *(["Net"] if scope.path else [])}
        numbered = (f"{name}{n}" for n in itertools.count(2))
        made.name = next(free for free in itertools.chain([name], numbered) if free not in taken)
        self.classes.append(made)
        return made.name


class Scope:
    """The class of one group, or of the whole network."""

    def __init__(self, writer: Writer, path: str):
        self.writer, self.path, self.root = writer, path, writer.network
        self.network = self.root.network_at(path)
        self.prefix = f"{path}." if path else ""
        self.init: list[Line] = []
        self.lines: list[Line] = []
        self.taken = {*SOURCE_NAMES, *BUILTINS, *writer.functions}
        self.values: dict[Port, str] = {}  # the source text of what an output port gives
        self.borrowed: dict[Port, str] = {}  # what comes from outside the group -> its argument
        self.groups: dict[str, Scope] = {}
        self.ends = [port.above(path) for port in self.network.outputs.values()]
        inputs = self.network.inputs
        for name in inputs:
            self.values[Port(self.prefix + name, "out")] = self.local("x" if path and len(inputs) == 1 else name)
        self.arguments = list(self.values.values())  # which keep their names
        self.taken |= HIDDEN
        order = self.ordered()
        self.reserved: dict[str, str] = {}  # the local of each layer, so that no other takes it; a number yields
        for name in sorted(order, key=str.isdecimal):
            if (local := self.written_name(name)) not in self.taken:
                self.reserved.setdefault(local, name)
        self.taken |= self.reserved.keys()
        for name in self.network.layers:
            if not isinstance(self.network.layers[name], Input | Output):
                self.construct(name)
        self.stopped = False  # before its end, at an error
        for name in [*order, *self.network.ends]:
            if (path := self.prefix + name) in writer.wrong:
                self.lines.append(Line(STOP, "", (path,)))
                self.stopped = True
            elif name in order:
                self.run(name)
                called = self.groups.get(self.root.called(path) or "")
                self.stopped = called is not None and called.stopped
            if self.stopped:
                break
        self.results = [] if self.stopped else [self.value(port) for port in self.ends]

    def written(self) -> Class:
        """The scope as a class."""
        numbered = any(n.isdecimal() and not self.is_tensor(self.prefix + n) for n, la in self.network.layers.items())
        arguments = ", ".join(["self", *self.arguments, *self.borrowed.values()])
        lines = [*self.lines]
        if self.results:
            ends = tuple(self.prefix + name for name in self.network.ends)
            given = dict(zip(self.network.outputs, self.results))
            text = ", ".join(self.results) if self.path else returned_text(self.root, given)
            lines.append(Line(f"return {text}", "", ends))
        init = [*self.init]
        if not self.path:
            for borrower, owner in self.writer.shared.items():
                names = [self.module(self.root.layer(port.layer).key(*port)) for port in (borrower, owner)]
                init.append(Line(" = ".join(names), "", (borrower.layer, owner.layer)))
            frozen = self.frozen(self.root, "")
            init += [Line(f"{text}.requires_grad_(False)", "", (path,)) for path, text in frozen]
            if self.root.dtype != "float32":
                init.append(Line(f"self.to(torch.{self.root.dtype})"))
            init += self.typed()
        if not lines:
            lines.append(Line("pass"))
        head = Line(f"nn.{'ModuleDict' if numbered else 'Module'}", "", (self.path,) if self.path else ())
        inputs = tuple(self.prefix + name for name in self.network.inputs)
        return Class(head, init, Line(f"def forward({arguments}):", "", inputs), lines)

    def frozen(self, network: Network, prefix: str) -> Iterator[tuple[str, str]]:
        """Path and text of what is not trained, groups and layers as a whole; at the root: alike groups stay alike."""
        for name, layer in network.layers.items():
            path = prefix + name
            held = (
                {path: layer} if not isinstance(layer, Group) else {f"{path}.{p}": la for p, la in layer.network.walk()}
            )
            owned = {la.key(p, learnable): learnable in la.frozen for p, la in held.items() for learnable in la.owned}
            if owned and all(owned.values()):
                yield path, self.module(path)
            elif isinstance(layer, Group):
                yield from self.frozen(layer.network, f"{path}.")
            else:
                yield from ((path, self.module(key)) for key, frozen in owned.items() if frozen)

    def typed(self) -> Iterator[Line]:
        """Give the layers that store another type of numbers than the network this type."""
        flat = self.writer.analysis.propagation.flat
        for path, layer in self.root.walk():
            if layer.owned and (dtype := flat.dtype(path)) != self.root.dtype:
                text = self.module(path)
                whole = isinstance(layer, Parameter)
                made = f"{text}.data = {text}.data.to(torch.{dtype})" if whole else f"{text}.to(torch.{dtype})"
                yield Line(made, "", (path,))

    def ordered(self) -> list[str]:
        """The layers by the flow of data, else as they were added; expressions are written where they are used."""
        places = {name: n for n, name in enumerate(self.network.layers)}
        sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
        feeders = self.feeders()
        for name, layer in self.network.layers.items():
            path = self.prefix + name
            outs = [Port(path, out) for out in self.root.outputs_of(path)]
            if not isinstance(layer, Input | Output) and not any(map(self.root.is_learnable, outs)):
                sorter.add(name, *feeders.get(name, ()))
        sorter.prepare()
        order: list[str] = []
        ready: list[tuple[int, str]] = []
        while sorter.is_active():
            for name in sorter.get_ready():
                heapq.heappush(ready, (places[name], name))
            order.append(heapq.heappop(ready)[1])
            sorter.done(order[-1])
        return order

    def feeders(self) -> dict[str, set[str]]:
        """The layers of this scope whose data a layer needs, or what it calls does."""
        found: dict[str, set[str]] = {}
        calls: dict[str, list[str]] = {}
        for name, layer in self.network.layers.items():
            if isinstance(layer, Call) and (called := self.root.called(self.prefix + name)):
                calls.setdefault(called, []).append(name)
        inputs = set(self.network.inputs)
        for target, source in self.root.wires.items():
            source = self.origin(source)
            if not under(source.layer, self.path) or not under(target.layer, self.path) or source.name == BUNDLE:
                continue
            name, feeder = (port.layer[len(self.prefix) :].partition(".")[0] for port in (target, source))
            if name == feeder or feeder in inputs or self.root.is_learnable(source):
                continue
            origins = [feeder]
            found.setdefault(name, set()).update(origins)
            for called, callers in calls.items():
                own = target.layer == called and target.name in self.root.inputs_of(called)
                if under(target.layer, called) and not own:
                    for caller in callers:
                        found.setdefault(caller, set()).update(origins)
        return found

    def origin(self, port: Port) -> Port:
        """The port that a learnable is made at: what a layer takes and offers on is there before it runs."""
        while port.name in self.root.layer(port.layer).output_learnables and (source := self.root.source_of(port)):
            port = source
        return port

    @staticmethod
    def written_name(name: str) -> str:
        return f"x{name}" if name[0].isdecimal() else name

    def local(self, name: str) -> str:
        """A local of its own, called like a layer."""
        name = free(self.written_name(name.replace(".", "_")), self.taken)
        self.taken.add(name)
        return name

    def is_tensor(self, path: str) -> bool:
        """Whether a layer is written as a tensor of its group: a parameter or buffer, not a module."""
        layer = self.root.layer(path)
        return isinstance(layer, Parameter) or (
            not isinstance(layer, Group | Call) and layer.key(path, "value") == path
        )

    def module(self, path: str) -> str:
        """The text of a module, parameter or buffer at or below this scope."""
        text, at = "self", self.prefix
        for name in path[len(self.prefix) :].split("."):
            at += name
            if not name.isdecimal():
                text += f".{name}"
            elif self.root.find(at) is not None and self.is_tensor(at):
                kind = "parameter" if isinstance(self.root.layer(at), Parameter) else "buffer"
                text += f'.get_{kind}("{name}")'
            else:
                text += f'["{name}"]'
            at += "."
        return text

    def value(self, port: Port) -> str:
        """The text of what an output port gives, here."""
        for at in ordered(port, self.before):
            if at not in self.values:
                self.write(at)
        return self.values[port]

    def before(self, port: Port) -> list[Port]:
        """The ports whose texts the text of a port is made of."""
        layer = self.root.layer(port.layer)
        if port in self.values or (port.name in layer.output_learnables and port.name in layer.owned):
            return []
        if port.name in layer.output_learnables:
            return [self.source(port)]
        if not under(port.layer, self.path):
            return []
        return [self.source(Port(port.layer, name)) for name in self.root.inputs_of(port.layer)]

    def write(self, port: Port) -> None:
        """Find the text of a port, those before it known: an argument, a learnable, or a statement of its own."""
        layer = self.root.layer(port.layer)
        if port.name in layer.output_learnables and port.name in layer.input_learnables:
            self.values[port] = self.values[self.source(port)]
        elif not under(port.layer, self.path):
            name = port.layer if port.name in ("out", "value") else f"{port.layer}_{port.name}"
            self.borrowed[port] = self.values[port] = self.local(name)
        elif port.name in layer.output_learnables:
            self.values[port] = self.module(layer.key(*port))
        else:  # an expression
            self.statement(port.layer, layer, port.layer)

    def source(self, target: Port) -> Port:
        source = self.root.source_of(target)
        assert source is not None, target
        return source

    def construct(self, name: str) -> None:
        """Write the modules, parameters and buffers of a layer into ``__init__``."""
        path, layer = self.prefix + name, self.network.layers[name]
        if isinstance(layer, Group):
            self.groups[path] = scope = Scope(self.writer, path)
            self.assign_module(path, f"{self.writer.name_of(scope, class_name(path))}()")
        elif not isinstance(layer, Call) and (module := self.writer.analysis.facts[path].module):
            self.writer.preamble |= preamble(layer, module)
            self.assign_module(path, module)
            for learnable in layer.input_learnables:
                source = str(self.root.source_of(Port(path, learnable))).replace("/", ".")
                self.init.append(Line(f"{self.module(layer.key(path, learnable))} = None", source, (path,)))

    def assign_module(self, path: str, text: str) -> None:
        name = path.rpartition(".")[2]
        if name.isdecimal() and self.is_tensor(path):
            kind = "parameter" if isinstance(self.root.layer(path), Parameter) else "buffer"
            self.init.append(Line(f'self.register_{kind}("{name}", {text})', "", (path,)))
        else:
            self.init.append(Line(f"{self.module(path)} = {text}", "", (path,)))

    def run(self, name: str) -> None:
        path = self.prefix + name
        called = self.root.called(path)
        assert called is not None
        layer = self.root.layer(called)
        if not isinstance(layer, Group):
            return self.statement(path, layer, called)
        scope = self.groups[called]
        given = [*self.inputs(path), *(self.value(port) for port in scope.borrowed)]
        pattern = ", ".join(f"{{{out}}}" for out in layer.outputs())
        return self.assign(path, pattern, f"{self.module(called)}({', '.join(given)})")

    def inputs(self, path: str) -> list[str]:
        return [self.value(self.source(Port(path, name))) for name in self.root.inputs_of(path)]

    def statement(self, path: str, layer: Layer, called: str) -> None:
        """Write what one layer does; a second use does what the called layer does, with other data."""
        fact = self.writer.analysis.facts.get(called)
        m = self.module(called) if fact and fact.module else "self"
        inputs = self.inputs(path)
        if layer.input_learnables:
            learnables = {name: self.module(layer.key(called, name)) for name in layer.owned}
            learnables |= {name: self.value(self.source(Port(called, name))) for name in layer.input_learnables}
            text = layer.functional(m, *inputs, **{name.replace(".", "_"): v for name, v in learnables.items()})
        elif isinstance(layer, Operation) and not inputs:
            text = layer.call(m, beside="".join(self.arguments[:1]))  # type: ignore[no-untyped-call]
        else:
            text = layer.call(m, *inputs)
        self.writer.preamble |= preamble(layer, text)
        self.assign(path, layer.unpack(), text)

    def assign(self, path: str, pattern: str, text: str) -> None:
        outs = self.root.outputs_of(path)
        names: dict[str, str] = {}
        for port in (Port(path, out) for out in outs):
            if port in self.ends or port in self.root.targets:
                own = path[len(self.prefix) :] if under(path, self.path) else path
                own = own if port.name == outs[0] else f"{own}_{port.name}"
                if own == path[len(self.prefix) :] == self.reserved.get(self.written_name(own)):
                    self.taken.discard(self.written_name(own))
                names[port.name] = self.values[port] = self.local(own)
        if names:
            comment = self.comment(path, outs[0])
            self.lines.append(Line(f"{filled(pattern, names)} = {text}", comment, (path,)))

    def comment(self, path: str, out: str) -> str:
        """The shape, where a layer changes it."""
        shape = self.writer.analysis.shape(Port(path, out))
        given = self.writer.analysis.input_shapes(path)
        return "" if shape is None or given[:1] == [shape] else shape_comment(shape)


def _wrong(analysis: Analysis) -> dict[str, str]:
    """The layers that cannot be written, with the sentence why: those of errors, and what their learnables reach."""
    network = analysis.network
    wrong = {problem.layers[0]: problem.text for problem in reversed(analysis.errors) if problem.layers}
    for problem in analysis.errors:
        if problem.layers == analysis.propagation.flat.circular:
            wrong |= dict.fromkeys(problem.layers, problem.text)
    for path, layer in network.walk():  # none may be asked for its code, after an error that hides it or not
        sentence = layer.check() if isinstance(layer, Operation) else None  # type: ignore[no-untyped-call]
        if sentence:
            wrong.setdefault(path, f"{path} cannot run: {sentence}")
    todo = list(wrong)
    while todo:
        path = todo.pop()
        layer = network.layer(path)
        offered = [name for name in layer.output_learnables if name in layer.input_learnables]
        for port in (Port(path, name) for name in (*network.outputs_of(path), *offered)):
            for target in network.targets.get(port, ()) if network.is_learnable(port) else ():
                if target.layer not in wrong:
                    wrong[target.layer] = wrong[path]
                    todo.append(target.layer)
    return wrong


def shape_comment(shape: Shape) -> str:
    return ", ".join(map(str, shape)) or "one number"


def class_name(path: str) -> str:
    """The name of a group's class: the group's less its digits, else that of what holds it in the singular."""
    tail = path.rpartition(".")[2].rstrip("0123456789_")
    if not tail:
        tail = parent(path).rpartition(".")[2].rstrip("0123456789_")
        tail = tail.removesuffix("s") or tail
    name = "".join(word[:1].upper() + word[1:] for word in tail.split("_")) or "Block"
    return name if is_name(name) else f"{name}Block"
