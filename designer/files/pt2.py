"""Read .pt2 files as data: the program from JSON, the tensors from mapped bytes.

``torch.export.load`` is never used: it unpickles, and evaluates symbolic sizes as Python (SECURITY). The format is
that of torch/_export/serde/schema.py, versions 7 (PyTorch 2.5) and 8 (since 2.6).
"""

import os
from functools import lru_cache
from typing import Any

from designer.files.archive import Archive, Span
from designer.files.errors import FileError
from designer.files.outputs import Left, results
from designer.files.program import (
    Meta,
    Op,
    Place,
    Program,
    Ref,
    Size,
    Stored,
    common_place,
    renamed,
)
from designer.files.progress import check
from designer.files.pt2_arguments import (
    DEEPEST,
    DTYPES,
    LONGEST_NAME,
    Damage,
    given_back,
    name_of,
    names_by_place,
    path_of,
    read_argument,
    ref_of,
)
from designer.files.pt2_stored import MOST_NUMBERS, read_contents
from designer.model.names import shortened

FORMATS = (7, 8)
MOST_OPS = 200_000


def read_program(path: str | os.PathLike[str]) -> Program:
    """Read the program of a .pt2 file; its tensors stay in the file."""
    return read_exported(path)[0]


def read_exported(path: str | os.PathLike[str]) -> tuple[Program, dict[str, Span]]:
    """Read the program of a .pt2 file, and where the bytes of each storage lie."""
    archive = Archive(path)
    name = archive.path.name
    if archive.entries.get("byteorder") and archive.read("byteorder", 16) != b"little":
        raise FileError(f"{name} was written on a machine with another byte order, which cannot be read.")
    try:
        document, stored, spans = read_contents(archive)
        version = document["schema_version"]["major"]
        if version not in FORMATS:
            raise FileError(
                f"{name} has format {shortened(version)} of torch.export, and only formats 7 and 8 can be read: "
                "load it with the PyTorch that wrote it, and save it with PyTorch 2.13."
            )
        program = _Reader(name, document, stored).program
        torch_version = document.get("torch_version")
        program.producer = f"torch {shortened(torch_version)[1:-1]}" if isinstance(torch_version, str) else ""
        return program, spans
    except Damage as damage:
        raise FileError(f"{name} is damaged or was changed: {damage}.") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        if isinstance(error, FileError):
            said = str(error)
            raise FileError(said if name in said else f"{name} cannot be read: {said}") from None
        what = (
            "it is nested too deeply" if isinstance(error, RecursionError) else "its program is not as torch writes it"
        )
        raise FileError(f"{name} is damaged or was changed: {what}.") from None


def _sizes(entries: Any) -> tuple[Size, ...]:
    numbers = [entry.get("as_int") for entry in entries]
    return _plain(*numbers) if {*map(type, numbers)} == {int} else tuple(map(_size, entries))


@lru_cache(10_000)
def _plain(*numbers: int) -> tuple[Size, ...]:
    """Sizes that are always the same; most tensors of a file have those of another one."""
    return tuple(map(Size, numbers))


def _size(entry: Any) -> Size:
    number = entry.get("as_int")
    if type(number) is int:
        return Size(number)
    if "as_int" in entry:
        raise Damage(f"{shortened(number)} is not a size")
    expression = entry["as_expr"]
    text, hint = expression["expr_str"], expression.get("hint")
    if not isinstance(text, str) or len(text) > 10_000:
        raise Damage("a symbolic size is not an expression")
    number = next(iter(hint.values())) if hint else 2  # no number was seen: it depends on the data
    return Size(number if type(number) is int else 2, text)


def _meta(entry: Any) -> Meta:
    sizes, strides = _sizes(entry["sizes"]), _sizes(entry["strides"])
    if len(sizes) > 64:
        raise Damage(f"a tensor has {len(sizes)} sizes")
    code = entry["dtype"]
    return Meta(DTYPES.get(code, "unknown") if type(code) is int else "unknown", sizes, strides)


class _Reader:
    """Turns the JSON of one model into a program."""

    def __init__(self, name: str, document: Any, stored: dict[str, Stored]):
        module = document["graph_module"]
        graph, signature = module["graph"], module["signature"]
        self.places: dict[str, tuple[Place, str]] = {}
        self.notes: list[str] = []
        self.metas: dict[Ref, Meta] = {}
        self.numbers: dict[Ref, Size] = {}
        self.constants: dict[Ref, Any] = {}
        self.fresh = 0
        self.budget = MOST_OPS
        self.read_values(graph)
        inputs, slots = self.read_inputs(signature["input_specs"], stored)
        ops = self.read_ops(graph["nodes"])
        outputs, places = self.read_outputs(signature["output_specs"], module)
        for op in ops if self.constants else ():
            op.arguments = [self.settled(argument) for argument in op.arguments]
            op.keywords = {key: self.settled(argument) for key, argument in op.keywords.items()}
        self.check_order(inputs, slots, ops, outputs)
        limits = {}
        for symbol, limit in document["range_constraints"].items():
            low, high = limit["min_val"], limit["max_val"]
            low, high = (low if type(low) is int else 0), (high if type(high) is int else MOST_NUMBERS)
            limits[name_of(symbol)] = (low, high)
        self.program = Program(name, inputs, stored, slots, ops, outputs, self.metas, self.numbers, limits, self.notes)
        self.program.places = places

    def read_values(self, graph: Any) -> None:
        self.metas |= {ref_of(name): _meta(meta) for name, meta in graph["tensor_values"].items()}
        self.numbers |= {ref_of(name): _size(size) for name, size in graph["sym_int_values"].items()}
        for kind in ("sym_bool_values", "sym_float_values"):
            self.numbers |= {ref_of(name): Size(1, "?") for name in graph.get(kind) or {}}

    def read_inputs(self, specs: Any, stored: dict[str, Stored]) -> tuple[list[tuple[Ref, Meta]], dict[Ref, str]]:
        inputs: list[tuple[Ref, Meta]] = []
        slots: dict[Ref, str] = {}
        for spec in specs:
            ((kind, body),) = spec.items()
            if kind == "user_input":
                value = read_argument(body["arg"])
                if isinstance(value, Ref) and value in self.metas:
                    inputs.append((value, self.metas[value]))
                elif isinstance(value, Ref):
                    self.constants[value] = self.numbers[value].number
                    self.notes.append(
                        f"the number {shortened(str(value))} that it is given is fixed as {self.constants[value]}"
                    )
            elif kind == "constant_input":
                if any(entry is not None for entry in body["value"].values()):
                    self.notes.append(f"the argument {shortened(body['name'])} is fixed as in the export")
            elif kind in ("parameter", "buffer", "tensor_constant"):
                key = path_of(body[f"{kind}_name"])
                if key not in stored:
                    raise Damage(f"the values of {shortened(key)} are missing")
                slots[ref_of(body["arg"]["name"])] = key
                role = "constant" if kind == "tensor_constant" else kind
                persistent = kind == "parameter" or (kind == "buffer" and body["persistent"] is True)
                stored[key] = stored[key]._replace(role=role, persistent=persistent)
            elif kind != "token":
                raise FileError(f"{shortened(kind)} is a kind of input that cannot be opened.")
        return inputs, slots

    def read_outputs(self, specs: Any, module: Any) -> tuple[list[tuple[str, Any]], list[str]]:
        """The tensors that are given back, with their labels, and the place of each."""
        leaves: list[Any] = []
        for spec in specs:
            ((kind, body),) = spec.items()
            if kind in ("user_output", "loss_output"):
                value = self.settled(read_argument(body["arg"]))
                number = isinstance(value, Ref) and value in self.numbers and value not in self.metas
                leaves.append(Left("a number") if number else value)
            elif kind == "buffer_mutation" and not name_of(body["buffer_name"]).endswith(_STATISTICS):
                self.notes.append(f"the file changes {shortened(body['buffer_name'])} in each run, which is left out")
        found = results(given_back(module, leaves), Ref)
        self.notes += found.notes
        return found.outputs, found.places

    def read_ops(self, nodes: Any) -> list[Op]:
        ops: list[Op] = []
        for node in nodes:
            check()
            self.budget -= 1
            if self.budget < 0:
                raise Damage(f"its program has more than {MOST_OPS:,} calls")
            target = node["target"]
            if not isinstance(target, str) or len(target) > LONGEST_NAME:
                raise Damage("a call has no name")
            target = target.removeprefix("torch.ops.")
            if target == _WITH_EFFECTS:
                target, node = _without_token(node)
                if not node["outputs"]:
                    continue
            if target in _REGIONS and (inner := self.inlined(target, node)) is not None:
                ops += inner
                continue
            ops.append(self.op(target, node))
        return ops

    def op(self, target: str, node: Any) -> Op:
        arguments: list[Any] = []
        keywords: dict[str, Any] = {}
        kinds = [entry.get("kind", "") for entry in node["inputs"]]
        names = names_by_place(target) if "" in kinds else None
        for n, (entry, kind) in enumerate(zip(node["inputs"], kinds)):
            value = read_argument(entry["arg"])
            placed = kind != 2 if names is None else names[n : n + 1] == [entry["name"]]
            if placed and not keywords:
                arguments.append(value)
            else:
                keywords[name_of(entry["name"])] = value
        results: list[Ref | None] = []
        listed = False
        for entry in node["outputs"]:
            value = read_argument(entry)
            if isinstance(value, list):
                listed = True
                results += value
            else:
                results.append(value if isinstance(value, Ref) else None)
        place, kind = self.place(node["metadata"].get("nn_module_stack", ""))
        return Op(target, arguments, keywords, results, listed, place, kind)

    def inlined(self, target: str, node: Any) -> list[Op] | None:
        """The calls inside a ``with`` block of torch; None where the block changes the numbers."""
        arguments = [entry["arg"] for entry in node["inputs"]]
        at = next((n for n, argument in enumerate(arguments) if "as_graph" in argument), None)
        if at is None or (target.endswith("autocast") and arguments[2].get("as_bool") is not False):
            return None
        graph = arguments[at]["as_graph"]["graph"]
        suffix = f"_inner_{self.fresh}"
        self.fresh += 1
        self.read_values(
            {kind: {name + suffix: meta for name, meta in (graph.get(kind) or {}).items()} for kind in _VALUES}
        )
        ops = self.read_ops(graph["nodes"])
        local = {Ref(name): Ref(name + suffix) for kind in _VALUES for name in graph.get(kind) or {}}
        for inner, argument in zip(graph["inputs"], arguments[at + 1 :]):
            local[read_argument(inner)] = read_argument(argument)
        for op in ops:
            op.arguments = [renamed(argument, local) for argument in op.arguments]
            op.keywords = {key: renamed(argument, local) for key, argument in op.keywords.items()}
            op.results = [local.get(result, result) if result else None for result in op.results]
        outer = [read_argument(entry) for entry in node["outputs"]]
        outer = outer[0] if len(outer) == 1 and isinstance(outer[0], list) else outer
        inner_results = [renamed(read_argument(entry), local) for entry in graph["outputs"]]
        stops = target.endswith("set_grad_enabled") and arguments[0].get("as_bool") is False
        place = common_place([op.place for op in ops])
        for result, value in zip(outer, inner_results):
            ops.append(Op(f"aten.{'detach' if stops else 'alias'}.default", [value], {}, [result], False, place))
        return ops

    def place(self, stack: str) -> tuple[Place, str]:
        """The modules around a call, from ``key,path,class;...``; the key of a repeated call ends in ``@n``."""
        if stack not in self.places:
            place: list[tuple[str, int]] = []
            kind = ""
            for entry in stack.split(";"):
                key, _, rest = entry.partition(",")
                path, _, kind = rest.rpartition(",")
                again = key.rpartition("@")[2] if "@" in key else ""
                number = int(again) if again.isdecimal() and len(again) < 7 else 0
                if path and path != _NO_STACK:
                    place.append((path.partition("@")[0], number))
                if len(place) > DEEPEST or path.count(".") > DEEPEST:
                    raise Damage("its modules are nested too deeply")
            self.places[stack] = (tuple(place), kind)
        return self.places[stack]

    def settled(self, argument: Any) -> Any:
        """An argument, with numbers that were fixed on opening put in."""
        if isinstance(argument, Ref):
            return self.constants.get(argument, argument)
        if isinstance(argument, list):
            return [self.settled(entry) for entry in argument]
        return argument

    def check_order(
        self,
        inputs: list[tuple[Ref, Meta]],
        slots: dict[Ref, str],
        ops: list[Op],
        outputs: list[tuple[str, Any]],
    ) -> None:
        """Refuse a program that uses a value before it is made, or makes one twice."""
        known = {name for name, _ in inputs} | set(slots)
        if len(known) < len(inputs) + len(slots):
            raise Damage("two of its inputs have one name")
        for op in ops:
            refs = op.refs()
            if not known.issuperset(refs):
                ref = next(ref for ref in refs if ref not in known)
                raise Damage(f"{shortened(op.target)} uses {shortened(str(ref))} before it is made")
            for result in op.results:
                if result is not None:
                    if result in known:
                        raise Damage(f"{shortened(str(result))} is made twice")
                    known.add(result)
        for _, value in outputs:
            if isinstance(value, Ref) and value not in known:
                raise Damage(f"its output {shortened(str(value))} is never made")


def _without_token(node: Any) -> tuple[str, Any]:
    """A call that has an effect, such as a check of its numbers, without the token that keeps such calls in order."""
    target = node["inputs"][1]["arg"]["as_operator"]
    outputs = [entry for entry in node["outputs"][1:] if "as_none" not in entry]
    return name_of(target).removeprefix("torch.ops."), node | {"inputs": node["inputs"][2:], "outputs": outputs}


_NO_STACK = "_empty_nn_module_stack_from_metadata_hook"
_WITH_EFFECTS = "higher_order.with_effects"
_REGIONS = ("higher_order.wrap_with_set_grad_enabled", "higher_order.wrap_with_autocast")
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # which batch normalisation keeps by itself
_VALUES = ("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values")
