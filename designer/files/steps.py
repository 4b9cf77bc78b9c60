"""Steps: what calls of a program become, before they stand in a network as layers."""

import dataclasses
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from designer.files.program import Dtype, Op, Place, Program, Ref, Setting, Unreadable, refs_in
from designer.files.uses import Uses
from designer.layers import Operation
from designer.layers.operation import OPERATORS
from designer.layers.operations import signature
from designer.model import Layer, NetworkError
from designer.model.names import free

ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "truediv": "/", "pow": "**"}
LARGEST = 2**31


class Flow(NamedTuple):
    """What goes through the border of something, each in order."""

    made: dict[Ref, None]  # the values that it gives
    taken: dict[Ref, None]  # those that it takes from outside


@dataclasses.dataclass(eq=False)
class Step:
    """A layer to be, with the values that it takes and gives."""

    layer: Layer
    op: Op  # the call that it comes from
    inputs: dict[str, Ref]
    outputs: dict[str, Ref]
    learnables: dict[str, Ref] = dataclasses.field(default_factory=dict)
    buffers: dict[str, Ref] = dataclasses.field(default_factory=dict)
    name: str = ""  # what it should be called
    flow: Flow = dataclasses.field(init=False, repr=False)  # what it gives and takes

    def __post_init__(self) -> None:
        taken = dict.fromkeys(self.inputs.values())
        if self.learnables:
            taken |= dict.fromkeys(self.learnables.values())
        self.flow = Flow(dict.fromkeys(self.outputs.values()), taken)

    @property
    def place(self) -> Place:
        return self.op.place

    @property
    def stateful(self) -> bool:
        """Whether it may own learnables or buffers."""
        return bool(self.learnables or self.buffers)


Made = dict[str, list[tuple[Ref, int]]]  # a size -> the tensors with it, and which of theirs it is
Taken = dict[str, dict[Ref, int]]  # the same, the first of those that are alike


class Unwritable(Exception):
    """An argument that the written source cannot hold."""


class Calls(Uses):
    """What a program says about its values: who makes and who takes them, and what they are."""

    def __init__(self, program: Program):
        super().__init__(program)
        self.metas, self.numbers, self.slots = program.metas, program.numbers, program.slots
        self.order = {id(op): n for n, op in enumerate(program.ops)}
        self.sized: dict[Place, tuple[Made, Taken]] = {}  # of the modules that were asked for
        self.layers: dict[tuple[Any, str, str], Layer] = {}  # by what they were made of

    def layer(self, kind: Callable[..., Layer], *values: Any, **settings: Any) -> Layer:
        """A layer of a kind, made once: the blocks of a deep model ask for the same ones."""
        key = kind, repr(values), repr(settings)  # as texts: 1, 1.0 and True are equal
        if key not in self.layers:
            self.layers[key] = kind(*values, **settings)
        return self.layers[key]

    def used(self, ref: Ref | None) -> bool:
        return ref is not None and (ref in self.takers or ref in self.given)

    def shape(self, ref: Ref) -> tuple[int, ...]:
        return self.metas[ref].shape

    def rank(self, ref: Ref) -> int:
        return len(self.metas[ref].sizes)

    def same_sizes(self, a: Ref, b: Ref) -> bool:
        """Whether two values have the same sizes in every run."""
        return a in self.metas and b in self.metas and self.metas[a].sizes == self.metas[b].sizes

    def near(self, text: str, op: Op) -> tuple[Ref, int] | None:
        """The last tensor of this size that was made before a call, in its module or for it, and which size it is."""
        at = self.order.get(id(op), -1)
        if op.place not in self.sized:
            self.sized[op.place] = self.find_sized(self.placed.get(op.place, []))
        made, entering = self.sized[op.place]
        here = next((pair for pair in reversed(made.get(text, [])) if self.made(pair[0]) < at), None)
        if here is not None or not op.place:
            return here
        early = [(self.made(ref), ref, dim) for ref, dim in entering.get(text, {}).items() if self.made(ref) < at]
        return max(early)[1:] if early else None

    def made(self, ref: Ref) -> int:
        """The place of the call that makes a value; inputs and stored tensors come before all."""
        maker = self.makers.get(ref)
        return -1 if maker is None else self.order[id(maker)]

    @cached_property
    def placed(self) -> dict[Place, list[Op]]:
        """The calls in each module."""
        found: dict[Place, list[Op]] = {}
        for op in self.program.ops:
            found.setdefault(op.place, []).append(op)
        return found

    def find_sized(self, ops: list[Op]) -> tuple[Made, Taken]:
        """The tensors with sizes that are free: those that some calls make, and those that they take."""
        made: Made = {}
        taken: Taken = {}
        for op in ops:
            for result in filter(None, op.results):
                for dim, text in self.free_sizes(result):
                    made.setdefault(text, []).append((result, dim))
            for ref in op.refs():
                for dim, text in self.free_sizes(ref):
                    taken.setdefault(text, {}).setdefault(ref, dim)
        return made, taken

    def free_sizes(self, ref: Ref) -> list[tuple[int, str]]:
        """The sizes of a tensor that are free, and where they are; a number has none."""
        sizes = self.metas[ref].sizes if ref in self.metas else ()
        return [(dim, size.text) for dim, size in enumerate(sizes) if size.text]


class Ports:
    """The tensors that an operation takes, each under the name of its port."""

    def __init__(self, calls: Calls, op: Op):
        self.calls, self.op = calls, op
        self.names: dict[Ref, str] = {}

    def port(self, ref: Ref, name: str = "") -> str:
        """The port of a tensor; a new one is called like the argument that takes it."""
        if ref not in self.names:
            name = "in" if name in ("self", "input", "") and not self.names else name or "like"
            self.names[ref] = free(name, self.names.values())
        return self.names[ref]

    def written(self, argument: Any) -> Any:
        """An argument as a property of an ``Operation`` holds it."""
        if isinstance(argument, Dtype):
            return ("dtype", str(argument))
        if isinstance(argument, Setting | Unreadable):
            raise Unwritable
        if isinstance(argument, Ref):
            return ("port", self.port(argument)) if argument in self.calls.metas else self.number(argument)
        if isinstance(argument, list):
            entries = [self.written(entry) for entry in argument]
            tensors = any(isinstance(entry, Ref) and entry in self.calls.metas for entry in argument)
            return ("list", *entries) if tensors else tuple(entries)
        if isinstance(argument, str) and argument in ("port", "size", "dtype", "list", *OPERATORS):
            raise Unwritable  # would be read as one of the marks above
        return argument

    def number(self, ref: Any, depth: int = 0) -> Any:
        """A number that is known only at run time, told from sizes of the tensors that the operation takes."""
        if not isinstance(ref, Ref):
            return ref
        calls = self.calls
        size = calls.numbers.get(ref)
        if size is None or depth > 40:
            raise Unwritable
        if not size.text:
            return size.number
        for tensor, port in self.names.items():
            for dim, other in enumerate(calls.metas[tensor].sizes):
                if other.text == size.text and size.text != "?":
                    return ("size", port, dim)
        if size.text != "?" and (near := calls.near(size.text, self.op)) is not None:
            return ("size", self.port(near[0]), near[1])
        maker = calls.makers.get(ref)
        if maker is None:
            raise Unwritable
        if maker.target == "aten.sym_size.int":
            return ("size", self.port(maker.arguments[0]), maker.arguments[1])
        if maker.target == "aten.sym_numel.default":
            product: Any = 1
            tensor = maker.arguments[0]
            for dim, other in enumerate(calls.metas[tensor].sizes):
                factor = ("size", self.port(tensor), dim) if other.text else other.number
                product = factor if product == 1 else ("*", product, factor)
            return product
        space, _, name = maker.target.rpartition(".")
        if space == "_operator" and name in ARITHMETIC:
            entries = maker.arguments
            if name == "truediv" or any(isinstance(entry, float) for entry in entries):
                entries = [self.whole(entry) for entry in entries]
            left, right = (self.number(entry, depth + 1) for entry in entries)
            return (ARITHMETIC[name], left, right)
        if maker.target == "torch.sym_float":
            return ("*", self.number(maker.arguments[0], depth + 1), 1.0)
        if space == "_operator" and name == "neg":
            return ("-", 0, self.number(maker.arguments[0], depth + 1))
        raise Unwritable

    def whole(self, number: Any) -> Any:
        """The whole number that a program made a float, where what is computed of it is one all the same."""
        maker = self.calls.makers.get(number) if isinstance(number, Ref) else None
        return maker.arguments[0] if maker is not None and maker.target == "torch.sym_float" else number


def operation(op: Op, calls: Calls) -> Step:
    """A call as an Operation layer; one that cannot be written is a placeholder that only shows its name."""
    name = op.target.removeprefix("aten.").removesuffix(".default")
    name = "reshape" if name in ("view", "_unsafe_view") else name  # copies left out may have changed the strides
    ports = Ports(calls, op)
    known = signature(name) if op.target.startswith("aten.") else None
    taken = [argument.name for argument in known.arguments if not argument.keyword] if known else []
    for argument, value in (*zip(taken + [""] * len(op.arguments), op.arguments), *op.keywords.items()):
        for ref in refs_in(value):  # all tensors first, so that sizes are told from them
            if ref in calls.metas:
                ports.port(ref, argument)
    keywords = {key: value for key, value in op.keywords.items() if not isinstance(value, Setting)}
    keywords.pop("pin_memory", None)
    layer = None
    if known is not None:
        try:
            arguments = tuple(ports.written(argument) for argument in op.arguments)
            pairs = tuple((key, ports.written(value)) for key, value in keywords.items())
            layer = calls.layer(Operation, name, tuple(ports.names.values()), arguments, pairs, results=len(op.results))
            layer = None if known.harmless and layer.check() else layer
        except (Unwritable, NetworkError):
            layer = None
    return _step(op, layer or placeholder(op, ports), ports)


def placeholder(op: Op, ports: Ports) -> Operation:
    """An operation that cannot be run, only shown."""
    name = re.sub(r"[^A-Za-z0-9_.:]+", "_", op.target)[:100].removesuffix(".default") or "unknown"
    names = tuple(ports.names.values())
    return Operation(f"{name}?", names, tuple(("port", port) for port in names), results=len(op.results))


def is_placeholder(layer: Layer) -> bool:
    """Whether a layer stands for a call that cannot be run."""
    return isinstance(layer, Operation) and signature(layer.operation) is None


def _step(op: Op, layer: Layer, ports: Ports) -> Step:
    outputs = {port: result for port, result in zip(layer.outputs(), op.results) if result is not None}
    return Step(layer, op, {port: ref for ref, port in ports.names.items()}, outputs)
