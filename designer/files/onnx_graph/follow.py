"""Follow the nodes of a graph for some sizes of its inputs, and write down the calls of ATen that do the same."""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from designer.files.errors import FileError
from designer.files.onnx_graph.decides import Decides
from designer.files.onnx_graph.items import MOST_KNOWN, Item, Known, Unsupported, known, known_stored
from designer.files.onnx_graph.model_file import MOST_NODES, OnnxFile
from designer.files.onnx_graph.node import Run, filled
from designer.files.onnx_graph.order import DEEPEST, names_used, ordered
from designer.files.onnx_graph.places import called, is_call, is_named, place_of
from designer.files.onnx_graph.weights import TYPES, real
from designer.files.program import Dtype, Op, Ref
from designer.files.progress import check
from designer.files.torchscript.bounds import MOST_PARTS
from designer.files.torchscript.text import Unfollowed
from designer.files.torchscript.worlds import Value, Worlds
from designer.model.names import shortened

REFUSED = (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError, AssertionError, ArithmeticError)
OWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
# Where a file is written as ONNX, but with functions or operators of its exporter's library for what ONNX has too.
FRIENDS = {"com.microsoft": frozenset("Gelu FastGelu BiasGelu FusedMatMul QuickGelu".split())}

MOST_RUNS = 20_000  # of functions: each may call the next twice
LIMIT = re.compile(r"\w+_(min|max)")  # what the exporter of PyTorch calls the numbers of a clamp


class Follower:
    """Runs the nodes of a file on tensors without numbers."""

    def __init__(self, file: OnnxFile, worlds: Worlds, lenient: bool = False):
        self.file, self.worlds, self.weights = file, worlds, file.weights
        self.lenient = lenient  # whether a node that cannot be followed is only shown
        self.notes: list[str] = []
        self.scopes: list[dict[str, Item]] = [{}]
        self.uses: Counter[str] = Counter()
        self.made: dict[Ref, Op] = {}  # a value -> the call that gives it
        self.values: dict[Ref, Value] = {}
        self.count = 0
        self.runs = 0  # of functions
        self.entries = 0  # of lists that were made
        self.loose: dict[str, str] = {}  # numbers that stand alone in the program, by what they are
        self.placeholders: list[tuple[str, str]] = []  # operator, and why it is only shown
        self.told: dict[str, Any] = {}  # name of a value -> what the file says about its type
        self.functions = {(f.domain, f.name, f.overload): f for f in file.model.functions}
        self.versions = {entry.domain: entry.version for entry in file.model.opset_import}
        self.stored: dict[str, Value] = {}
        self.file_keys = set(self.weights.stored)
        self.taken = set(names_used(file.model.graph.node, [out.name for out in file.model.graph.output]))
        self.users: dict[str, list[tuple[Any, int]]] = {}  # what the file stores -> the nodes that take it, and where
        self._find_users(file.model.graph)
        self.repeating: dict[str, bool] = {}
        self.replaced: set[str] = set()  # keys of tensors whose parts have names of their own
        self.unnamed: set[str] = set()  # keys of tensors that stand in nodes
        self.by_torch = file.model.producer_name == "pytorch"
        self.renewed: dict[str, Any] = {}  # tensors that are looked at in another way than the file stores them

    def _find_users(self, graph: Any) -> None:
        """Who takes what the file stores, also under a second name that it gives to that."""
        second: dict[str, str] = {}
        for node in graph.node:
            if node.op_type == "Identity" and node.input and node.output:
                second[node.output[0]] = second.get(node.input[0], node.input[0])
                continue
            for n, name in enumerate(node.input):
                self.users.setdefault(second.get(name, name), []).append((node, n))

    # Values.

    def follow(
        self, inputs: dict[str, Value], outputs: list[str], taken: Mapping[str, int | bool] = MappingProxyType({})
    ) -> list[Item]:
        """Run the graph of the file; ``taken`` are the numbers of inputs that choose its branches."""
        graph = self.file.model.graph
        for info in (*graph.value_info, *graph.output):
            self.told[info.name] = info.type
        scope = self.scopes[0]
        for proto in graph.initializer:
            scope[proto.name] = self.initial(proto.name)
        scope.update(inputs)
        for name, number in taken.items():
            scope[name] = known([number], tuple(inputs[name].fake.shape), self.worlds.metas[Ref(name)].dtype)
        self.values = {value.ref: value for value in inputs.values()}
        self.run_nodes(graph.node, outputs)
        return [self.value(name) for name in outputs]

    def initial(self, key: str) -> Item:
        """What the file stores: numbers where it is small, else a tensor that is made when it is needed."""
        stored = self.weights.stored[key]
        if stored.numel <= (MOST_KNOWN if "float" not in stored.dtype else 64) and "complex" not in stored.dtype:
            with real():
                return known_stored(self.weights.tensor(key), stored.dtype, key)
        return Stored(key)  # type: ignore[return-value]

    def value(self, name: str) -> Item:
        for scope in reversed(self.scopes):
            if name in scope:
                found = scope[name]
                return self.stored_value(found.key) if isinstance(found, Stored) else found
        raise FileError(f"it uses {shortened(name)}, which nothing gives before")

    def key_of(self, item: Item) -> str:
        """The name of a value that the file stores; "" for any other."""
        if isinstance(item, Value):
            return self.worlds.slots.get(item.ref, "")
        return item.key if isinstance(item, Known) else ""

    def anonymous(self, key: str) -> bool:
        """Whether an exporter made up the name of a stored tensor."""
        return key in self.unnamed or not is_named(key) or (self.by_torch and is_call(key))

    def learns(self, key: str) -> bool:
        """Whether a stored tensor is taken for a learnable wherever it is used, by its type and name."""
        stored = self.weights.stored.get(key)
        if stored is None or "float" not in stored.dtype or self.anonymous(key):
            return False
        return stored.numel > 1 or (self.by_torch and not LIMIT.fullmatch(key))

    def named_again(self, key: str, name: str) -> Item:
        """A stored tensor under another name of the model, where an exporter has merged two.

        PyTorch's exporters write tensors with equal numbers once. Of two that repeat one number, as the biases of a
        model that was never trained, that says nothing: each gets its own.
        """
        if name not in self.weights.stored:
            with real():
                if self.repeats(key):
                    self.weights.make(name, self.weights.tensor(key).clone())
                else:
                    self.weights.stored[name] = self.weights.stored[key]
        return self.initial_value(name)

    def parted(self, item: Item, buffer: bool = False) -> Item:
        """A value, or a copy where an exporter has merged learnables that all repeat one number."""
        key = self.key_of(item)
        if not key or not self.learns(key) or len(self.users.get(key, ())) < 2:
            return item
        home, here = key.rpartition(".")[0], self.worlds.place[-1][0] if self.worlds.place else ""
        if not here or (home.endswith(called(here)) and not buffer) or not self.repeats(key):
            return item
        again = f"{key} of {here}{' as statistics' if buffer else ''}"
        if again not in self.weights.stored:
            with real():
                self.weights.make(again, self.weights.tensor(key).clone())
            self.unnamed.add(again)
        return self.initial_value(again)

    def repeats(self, key: str) -> bool:
        """Whether a stored tensor holds one number again and again."""
        if key not in self.repeating:
            with real():
                tensor = self.weights.tensor(key)
                self.repeating[key] = tensor.numel() > 1 and bool((tensor == tensor.reshape(-1)[0]).all())
        return self.repeating[key]

    def initial_value(self, key: str) -> Item:
        found = self.initial(key)
        return self.stored_value(found.key) if isinstance(found, Stored) else found

    def seen(self, key: str, shape: Sequence[int], strides: Sequence[int]) -> Value:
        """A stored tensor that only one node takes, looked at in another way."""
        entry = self.weights.stored[key]._replace(shape=tuple(shape), strides=tuple(strides))
        self.stored.pop(key, None)
        return self.stored_value(key, entry)

    def stored_value(self, key: str, entry: Any = None) -> Value:
        """A tensor of the file as a value; ``entry`` looks at its numbers in another way."""
        if entry is not None:
            self.renewed[key] = entry
        if key not in self.stored:
            entry = self.renewed.get(key) or self.weights.stored[key]
            if entry.numel and entry.dtype.startswith(("uint16", "uint32", "uint64", "float8")):
                raise Unsupported(f"it computes with numbers of the type {entry.dtype}")
            self.stored[key] = self.worlds.stored(key, entry)
        return self.stored[key]

    def tensor(self, item: Item) -> Value:
        """A value as a tensor of the program."""
        if isinstance(item, Value):
            return item
        if not isinstance(item, Known):
            raise Unsupported("it takes a list of tensors where one is needed")
        if item.key:
            return self.stored_value(item.key)
        numbers = item.numbers
        dtype = {"dtype": Dtype(item.dtype)}
        if item.plain and numbers and all(n == numbers[0] for n in numbers):
            made: Value = self.worlds.call("full", [list(item.shape), numbers[0]], dtype)
            return made
        if item.plain:
            return self.loose_value(item)
        entries = [self.worlds.call("full", [[], number], dict(dtype)) for number in numbers]
        made = self.worlds.call("stack", [entries, 0], {})
        return made if len(item.shape) == 1 else self.worlds.call("reshape", [made, list(item.shape)], {})

    def loose_value(self, item: Known) -> Value:
        """Known numbers as a constant of the program."""
        import torch

        text = repr((item.shape, item.dtype, item.numbers))
        key = next((key for key, other in self.loose.items() if other == text), "")
        if not key:
            key = f"constants.{len(self.loose)}"
            while key in self.weights.stored:
                key += "_"
            self.loose[key] = text
            self.unnamed.add(key)
            with real():
                numbers = torch.tensor(item.numbers, dtype=getattr(torch, item.dtype)).reshape(item.shape)
                self.weights.make(key, numbers)
        return self.stored_value(key)

    # Nodes.

    def run_nodes(self, nodes: Any, outputs: list[str]) -> None:
        before = self.uses
        self.uses = Counter(names_used(nodes, outputs))
        for node in ordered(nodes):
            check()
            self.count += 1
            if self.count > MOST_NODES:
                raise FileError(f"it runs more than {MOST_NODES:,} nodes")
            given = self.run_node(node)
            for name, item in zip(node.output, given):
                if name:
                    if name in self.scopes[-1]:
                        raise FileError(f"two of its nodes give {shortened(name)}")
                    self.scopes[-1][name] = item
        self.uses = before

    def run_node(self, node: Any) -> list[Item]:
        """What a node gives, for each of its outputs."""
        from designer.files.onnx_graph.normalising import QUANTIZED
        from designer.files.onnx_graph.table import OPERATORS

        if len(node.output) > MOST_PARTS:
            raise FileError(f"one of its nodes gives {len(node.output):,} results, more than the {MOST_PARTS:,} read")
        place, kind = self.worlds.place, self.worlds.kind
        if len(self.scopes) == 1 or not place:
            self.worlds.place, self.worlds.kind = place_of(node)
        statistics = 3 if node.op_type == "BatchNormalization" else len(node.input)
        inputs = [self.parted(self.value(name), n >= statistics) if name else None for n, name in enumerate(node.input)]
        run = Run(self, node, inputs)
        function = self.functions.get((node.domain, node.op_type, node.overload))
        try:
            unknown = any(isinstance(item, Value) and item.unknown for item in inputs)
            if unknown and node.op_type not in QUANTIZED:  # these say themselves why
                raise Unsupported("the sizes of what it takes are not known")
            if function is not None:
                return self.run_function(function, node, inputs)
            own = node.domain in OWN_DOMAINS or node.op_type in FRIENDS.get(node.domain, ())
            operator = OPERATORS.get(node.op_type) if own else None
            if operator is None:
                raise Unsupported(f"{shortened(node.op_type)} is no operator that is known here")
            before = len(self.worlds.ops)
            found = operator(run, *inputs)
            given = list(found) if isinstance(found, tuple) else [found]
            for item in given:
                if isinstance(item, Value):
                    self.values[item.ref] = item
            for op in self.worlds.ops[before:]:
                self.made.update((result, op) for result in op.results if result is not None)
            return given
        except Unsupported as reason:
            return self.placeholder(run, str(reason))
        except (FileError, Decides):
            raise
        except (Unfollowed, *REFUSED) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            reason_text = f"does not take its inputs: {said[:200]}"
            if self.lenient:
                return self.placeholder(run, said if said.startswith("it ") else f"it {reason_text}")
            if isinstance(error, Unfollowed) and (function or any(a.type == 5 for a in node.attribute)):
                raise  # a node inside, which has said its name
            named = f"{node.op_type} {shortened(node.name)}" if node.name else f"a node {node.op_type}"
            raise Unfollowed(f"{named} {reason_text}") from None
        finally:
            self.worlds.place, self.worlds.kind = place, kind

    def run_function(self, function: Any, node: Any, inputs: list[Item]) -> list[Item]:
        """Run the nodes of a function of the file in the place of the node that calls it."""
        if len(self.scopes) > DEEPEST:
            raise FileError("its functions are nested too deeply")
        self.runs += 1
        if self.runs > MOST_RUNS:
            raise FileError(f"it runs its functions more than {MOST_RUNS:,} times")
        given = {attribute.name: attribute for attribute in node.attribute}
        defaults = {attribute.name: attribute for attribute in function.attribute_proto}
        versions, told, outer = self.versions, self.told, self.scopes
        self.versions = versions | {entry.domain: entry.version for entry in function.opset_import}
        self.told = {}
        hidden: list[dict[str, Item]] = [{} for _ in outer]
        self.scopes = [*hidden, dict(zip(function.input, inputs))]  # it sees nothing from around it
        missing = dict.fromkeys(function.input[len(inputs) :])
        self.scopes[-1].update(missing)
        try:
            nodes = [filled(inner, defaults | given) for inner in function.node]
            self.run_nodes(nodes, list(function.output))
            return [self.value(name) for name in function.output]
        finally:
            self.versions, self.told, self.scopes = versions, told, outer

    def run_graph(self, graph: Any, inputs: list[Item]) -> list[Item]:
        """Run a graph inside a node, which sees the values around it."""
        if len(self.scopes) > DEEPEST:
            raise FileError("its graphs are nested too deeply")
        self.scopes.append(dict(zip((entry.name for entry in graph.input), inputs)))
        try:
            for proto in graph.initializer:
                key = proto.name
                while key in self.weights.stored:
                    key += "_"
                self.weights.add(key, proto, None)
                self.scopes[-1][proto.name] = self.initial(key)
            self.run_nodes(graph.node, [out.name for out in graph.output])
            return [self.value(out.name) for out in graph.output]
        finally:
            self.scopes.pop()

    def placeholder(self, run: Run, reason: str) -> list[Item]:
        """Show a node that cannot be run, where the file tells the sizes of what it gives; else they are not known."""
        node = run.node
        operator = node.op_type if node.op_type.isidentifier() else "operator"
        domain = node.domain if node.domain and node.domain.replace(".", "_").isidentifier() else "onnx"
        self.placeholders.append((operator, reason))
        given: list[Item] = []
        refs: list[Ref | None] = []
        for name in node.output:
            value = self.told_value(name) if name else None
            given.append(value)
            refs.append(value.ref if value else None)
        arguments = [self.tensor(item).ref for item in run.inputs if isinstance(item, Value | Known)]
        self.worlds.write(Op(f"{domain}.{operator}", arguments, {}, refs, False, self.worlds.place, self.worlds.kind))
        return given

    def told_value(self, name: str) -> Value:
        """A value of which only what the file says is known."""
        import torch

        told = self.told.get(name)
        kind = told.tensor_type if told is not None and told.HasField("tensor_type") else None
        dtype = TYPES.get(kind.elem_type) if kind is not None else None
        shapes = self.sizes_told(kind.shape) if kind is not None and kind.HasField("shape") else None
        ref = self.worlds.fresh()
        if shapes is None or dtype is None:
            fakes = (torch.empty((), dtype=torch.float32),) * self.worlds.count
            return dataclasses.replace(self.worlds.tensor(ref, fakes), fakes=(), unknown=True)
        return self.worlds.tensor(ref, tuple(torch.empty(shape, dtype=getattr(torch, dtype)) for shape in shapes))

    def sizes_told(self, shape: Any) -> list[list[int]] | None:
        """Sizes that a file tells, for each of those of the inputs; None where one is not known."""
        found: list[list[int]] = [[] for _ in range(self.worlds.count)]
        for dim in shape.dim:
            if dim.HasField("dim_value"):
                numbers: tuple[int, ...] | None = (dim.dim_value,) * self.worlds.count
            else:
                numbers = self.symbols.get(dim.dim_param)
            if numbers is None or min(numbers) < 0 or max(numbers) >= 2**40:
                return None
            for entry, number in zip(found, numbers):
                entry.append(number)
        return found

    symbols: dict[str, tuple[int, ...]] = {}  # names that the file gives to sizes -> their numbers


@dataclasses.dataclass(frozen=True)
class Stored:
    """A stored tensor that nothing has used yet."""

    key: str
