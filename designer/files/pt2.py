"""Read .pt2 files as data: the program from JSON, the tensors from mapped bytes.

``torch.export.load`` is never used: it unpickles, and evaluates symbolic sizes as Python (SECURITY). The format is
that of torch/_export/serde/schema.py, version 8.
"""

import json
import math
import os
from collections.abc import Callable
from typing import Any

from designer.files.archive import Archive
from designer.files.errors import FileError
from designer.files.program import (
    Dtype,
    Meta,
    Op,
    Place,
    Program,
    Ref,
    Setting,
    Size,
    Stored,
    Unreadable,
    renamed,
)
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor

FORMAT = 8
MOST_OPS = 200_000
MOST_NUMBERS = 2**40  # elements of one tensor
LONGEST_NAME = 1000

DTYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    10: "complex64",
    11: "complex128",
    12: "bool",
    13: "bfloat16",
}
ITEM_BYTES = {"uint8": 1, "int8": 1, "bool": 1, "int16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "float32": 4}
ITEM_BYTES |= {"int64": 8, "float64": 8, "complex64": 8, "complex128": 16}
STRIDED = 7


class _Damage(Exception):
    """The program does not follow the format; the message is a part of a sentence."""


def read_program(path: str | os.PathLike[str]) -> Program:
    """Read the program of a .pt2 file; its tensors stay in the file."""
    archive = Archive(path)
    name = archive.path.name
    models = [entry for entry in archive.entries if entry.startswith("models/") and entry.endswith(".json")]
    if len(models) != 1:
        raise FileError(f"{name} holds {len(models)} models, and only a file with one can be opened.")
    model = models[0].removeprefix("models/").removesuffix(".json")
    if archive.entries.get("byteorder") and archive.read("byteorder", 16) != b"little":
        raise FileError(f"{name} was written on a machine with another byte order, which cannot be read.")
    document = _json(archive, models[0])
    try:
        version = document["schema_version"]["major"]
        if version != FORMAT:
            raise FileError(
                f"{name} has format {shortened(version)} of torch.export, and only format {FORMAT} can be read: "
                "load it with the PyTorch that wrote it, and save it with PyTorch 2.13."
            )
        stored: dict[str, Stored] = {}
        for folder, file in (("weights", f"{model}_weights_config"), ("constants", f"{model}_constants_config")):
            entries = _json(archive, f"data/{folder}/{file}.json")["config"]
            stored |= {_name(key): _stored(archive, folder, key, entry) for key, entry in entries.items()}
        return _Reader(name, document, stored).program
    except _Damage as damage:
        raise FileError(f"{name} is damaged or was changed: {damage}.") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        if isinstance(error, FileError):
            raise
        what = (
            "it is nested too deeply" if isinstance(error, RecursionError) else "its program is not as torch writes it"
        )
        raise FileError(f"{name} is damaged or was changed: {what}.") from None


def _json(archive: Archive, entry: str) -> Any:
    try:
        return json.loads(archive.read(entry).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{archive.path.name} is damaged: {shortened(entry)} is not JSON.") from None


def read_tensors(stamp: Stamp, program: Program, names: list[str]) -> dict[str, Tensor]:
    """Map tensors of a .pt2 file by name; their numbers are read when something needs them.

    Each carries the stamp of its file as ``mapped``. Names of one storage share it, as they did in the model.
    """
    import torch

    archive = Archive(stamp.path)
    memory = stamp.map()
    storages: dict[str, Any] = {}
    tensors = {}
    for name in names:
        stored = program.stored[name]
        dtype = getattr(torch, stored.dtype)
        key = f"{stored.storage} {stored.dtype}"
        if key not in storages:
            offset, size = archive.span(stored.storage)
            count = size // dtype.itemsize
            if count == 0:
                storages[key] = torch.empty(0, dtype=dtype)
            elif offset % dtype.itemsize:  # torch reads whole numbers only from where they may lie
                piece = bytearray(memory[offset : offset + count * dtype.itemsize])
                storages[key] = torch.frombuffer(piece, dtype=dtype)
            else:
                storages[key] = torch.frombuffer(memory, dtype=dtype, count=count, offset=offset)
        tensor = torch.as_strided(storages[key], stored.shape, stored.strides, stored.offset)
        tensor.mapped = stamp
        tensors[name] = tensor
    return tensors


def _stored(archive: Archive, folder: str, key: str, entry: Any) -> Stored:
    """What the file says about one stored tensor, checked against the bytes that it has."""
    quoted = shortened(key)
    meta = entry["tensor_meta"]
    if entry["use_pickle"] or meta is None:
        raise FileError(
            f"{archive.path.name} holds {quoted} as a pickle, which can run code when it is read: it is not opened."
        )
    if meta["layout"] != STRIDED:
        raise FileError(f"{archive.path.name} holds {quoted} as a sparse tensor, which cannot be opened.")
    dtype = _dtype(meta["dtype"])
    storage = f"data/{folder}/{_name(entry['path_name'])}"
    shape, strides = (tuple(_whole(size["as_int"]) for size in meta[part]) for part in ("sizes", "strides"))
    offset = _whole(meta["storage_offset"]["as_int"])
    count = archive.span(storage).size // ITEM_BYTES[dtype]
    if len(shape) != len(strides) or len(shape) > 64:
        raise _Damage(f"{quoted} has {len(shape)} sizes and {len(strides)} strides")
    total = math.prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides))
    if total and last >= count:
        raise _Damage(f"{quoted} reaches past the end of its numbers")
    if total > max(count, 2**24):
        raise _Damage(f"{quoted} says that it has {total:,} numbers, and {count:,} are there")
    role = "parameter" if entry["is_param"] is True else "buffer" if folder == "weights" else "constant"
    return Stored(storage, dtype, shape, strides, offset, role, folder == "weights", meta["requires_grad"] is True)


def _whole(number: Any) -> int:
    if type(number) is not int or not 0 <= number <= MOST_NUMBERS:
        raise _Damage(f"{shortened(number)} is not a size")
    return number


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name or len(name) > LONGEST_NAME:
        raise _Damage(f"{shortened(name)} is not a name")
    return name


def _dtype(code: Any) -> str:
    if type(code) is not int or code not in DTYPES:
        raise _Damage(f"it uses a type of numbers, {shortened(code)}, that cannot be read")
    return DTYPES[code]


def _size(entry: Any) -> Size:
    if "as_int" in entry:
        number = entry["as_int"]
        if type(number) is not int:
            raise _Damage(f"{shortened(number)} is not a size")
        return Size(number)
    expression = entry["as_expr"]
    text, hint = expression["expr_str"], expression.get("hint")
    if not isinstance(text, str) or len(text) > 10_000:
        raise _Damage("a symbolic size is not an expression")
    number = next(iter(hint.values())) if hint else 2  # no number was seen: it depends on the data
    return Size(number if type(number) is int else 2, text)


def _meta(entry: Any) -> Meta:
    sizes, strides = tuple(map(_size, entry["sizes"])), tuple(map(_size, entry["strides"]))
    if len(sizes) > 64:
        raise _Damage(f"a tensor has {len(sizes)} sizes")
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
        outputs = self.read_outputs(signature["output_specs"], _labels(module))
        for op in ops:
            op.arguments = [self.settled(argument) for argument in op.arguments]
            op.keywords = {key: self.settled(argument) for key, argument in op.keywords.items()}
        self.check_order(inputs, slots, ops, outputs)
        limits = {}
        for symbol, limit in document["range_constraints"].items():
            low, high = limit["min_val"], limit["max_val"]
            low, high = (low if type(low) is int else 0), (high if type(high) is int else MOST_NUMBERS)
            limits[_name(symbol)] = (low, high)
        self.program = Program(name, inputs, stored, slots, ops, outputs, self.metas, self.numbers, limits, self.notes)

    def read_values(self, graph: Any) -> None:
        self.metas |= {Ref(_name(name)): _meta(meta) for name, meta in graph["tensor_values"].items()}
        self.numbers |= {Ref(_name(name)): _size(size) for name, size in graph["sym_int_values"].items()}
        for kind in ("sym_bool_values", "sym_float_values"):
            self.numbers |= {Ref(_name(name)): Size(1, "?") for name in graph.get(kind) or {}}

    def read_inputs(self, specs: Any, stored: dict[str, Stored]) -> tuple[list[tuple[Ref, Meta]], dict[Ref, str]]:
        inputs: list[tuple[Ref, Meta]] = []
        slots: dict[Ref, str] = {}
        for spec in specs:
            ((kind, body),) = spec.items()
            if kind == "user_input":
                value = self.argument(body["arg"])
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
                key = _name(body[f"{kind}_name"])
                if key not in stored:
                    raise _Damage(f"the values of {shortened(key)} are missing")
                slots[Ref(_name(body["arg"]["name"]))] = key
                role = "constant" if kind == "tensor_constant" else kind
                persistent = kind == "parameter" or (kind == "buffer" and body["persistent"] is True)
                stored[key] = stored[key]._replace(role=role, persistent=persistent)
            elif kind != "token":
                raise FileError(f"{shortened(kind)} is a kind of input that cannot be opened.")
        return inputs, slots

    def read_outputs(self, specs: Any, labels: list[str]) -> list[tuple[str, Any]]:
        outputs: list[tuple[str, Any]] = []
        for spec in specs:
            ((kind, body),) = spec.items()
            if kind in ("user_output", "loss_output"):
                label = labels[len(outputs)] if len(outputs) < len(labels) else str(len(outputs))
                outputs.append((label, self.settled(self.argument(body["arg"]))))
            elif kind == "buffer_mutation":
                if not _name(body["buffer_name"]).endswith(_STATISTICS):  # which batch normalisation keeps by itself
                    note = f"the file changes {shortened(body['buffer_name'])} in each run, which is left out"
                    self.notes.append(note)
        return outputs

    def read_ops(self, nodes: Any) -> list[Op]:
        ops: list[Op] = []
        for node in nodes:
            self.budget -= 1
            if self.budget < 0:
                raise _Damage(f"its program has more than {MOST_OPS:,} calls")
            target = node["target"]
            if not isinstance(target, str) or len(target) > LONGEST_NAME:
                raise _Damage("a call has no name")
            target = target.removeprefix("torch.ops.")
            if target in _REGIONS and (inner := self.inlined(target, node)) is not None:
                ops += inner
                continue
            ops.append(self.op(target, node))
        return ops

    def op(self, target: str, node: Any) -> Op:
        arguments, keywords = [], {}
        for entry in node["inputs"]:
            value = self.argument(entry["arg"])
            if entry.get("kind") == 2:
                keywords[_name(entry["name"])] = value
            else:
                arguments.append(value)
        results: list[Ref | None] = []
        listed = False
        for entry in node["outputs"]:
            value = self.argument(entry)
            listed = listed or isinstance(value, list)
            results += value if isinstance(value, list) else [value if isinstance(value, Ref) else None]
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
            local[self.argument(inner)] = self.argument(argument)
        for op in ops:
            op.arguments = [renamed(argument, local) for argument in op.arguments]
            op.keywords = {key: renamed(argument, local) for key, argument in op.keywords.items()}
            op.results = [local.get(result, result) if result else None for result in op.results]
        outer = [self.argument(entry) for entry in node["outputs"]]
        outer = outer[0] if len(outer) == 1 and isinstance(outer[0], list) else outer
        inner_results = [renamed(self.argument(entry), local) for entry in graph["outputs"]]
        stops = target.endswith("set_grad_enabled") and arguments[0].get("as_bool") is False
        place = tuple(os.path.commonprefix([op.place for op in ops]))
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
                if len(place) > 100:
                    raise _Damage("its modules are nested too deeply")
            self.places[stack] = (tuple(place), kind)
        return self.places[stack]

    def argument(self, entry: Any) -> Any:
        """An argument, or what a call gives, as a value."""
        for kind, body in entry.items():
            if body is not None or kind == "as_none":
                return _READ.get(kind, _unreadable)(body, kind)
        return None

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
            raise _Damage("two of its inputs have one name")
        for op in ops:
            for ref in op.refs():
                if ref not in known:
                    raise _Damage(f"{shortened(op.target)} uses {shortened(str(ref))} before it is made")
            for result in op.results:
                if result is not None:
                    if result in known:
                        raise _Damage(f"{shortened(str(result))} is made twice")
                    known.add(result)
        for _, value in outputs:
            if isinstance(value, Ref) and value not in known:
                raise _Damage(f"its output {shortened(str(value))} is never made")


_NO_STACK = "_empty_nn_module_stack_from_metadata_hook"
_REGIONS = ("higher_order.wrap_with_set_grad_enabled", "higher_order.wrap_with_autocast")
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_VALUES = ("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values")


def _labels(module: Any) -> list[str]:
    """A label for each output, from the dictionaries and tuples that the model gave back; empty where it is single."""
    signature = module["module_call_graph"][0]["signature"]
    labels: list[str] = []

    def walk(spec: Any, label: str) -> None:
        children = spec["children_spec"]
        if spec["type"] is None:
            labels.append(label)
            return
        try:
            names = json.loads(spec["context"])
        except (ValueError, TypeError):
            names = None
        if isinstance(names, list) and len(names) == 2 and isinstance(names[0], list):
            names = names[1] if len(names[1]) == len(children) else names[0]  # a class, with the names of its fields
        if not (isinstance(names, list) and len(names) == len(children) and all(isinstance(n, str) for n in names)):
            names = list(map(str, range(len(children))))
        for name, child in zip(names, children):
            walk(child, f"{label}_{name}" if label else name)

    if signature is not None:
        walk(json.loads(signature["out_spec"])[1], "")
    return labels


def _exactly(*kinds: type) -> Callable[[Any, str], Any]:
    def read(body: Any, kind: str) -> Any:
        if type(body) not in kinds:
            raise _Damage(f"{shortened(body)} is not what {shortened(kind)} stands for")
        return body

    return read


def _float(body: Any, kind: str) -> float:
    if body in ("Infinity", "-Infinity", "NaN"):
        return float(body.replace("Infinity", "inf"))
    return float(_exactly(float, int)(body, kind))


def _each(read: Callable[[Any, str], Any]) -> Callable[[Any, str], list[Any]]:
    return lambda body, kind: [read(entry, kind) for entry in _exactly(list)(body, kind)]


def _tensor(body: Any, kind: str) -> Ref:
    return Ref(_name(body["name"]))


def _optional(body: Any, kind: str) -> Ref | None:
    return _tensor(body["as_tensor"], kind) if body.get("as_tensor") is not None else None


def _symbolic(body: Any, kind: str) -> Any:
    if body.get("as_name") is not None:
        return Ref(_name(body["as_name"]))
    return _exactly(int, float, bool)(next(value for value in body.values() if value is not None), kind)


def _unreadable(body: Any, kind: str) -> Unreadable:
    return Unreadable(_name(kind))


_READ: dict[str, Callable[[Any, str], Any]] = {
    "as_none": lambda body, kind: None,
    "as_tensor": _tensor,
    "as_tensors": _each(_tensor),
    "as_optional_tensor": _optional,
    "as_optional_tensors": _each(_optional),
    "as_nested_tensors": _each(_each(_tensor)),
    "as_int": _exactly(int),
    "as_ints": _each(_exactly(int)),
    "as_int_lists": _each(_each(_exactly(int))),
    "as_float": _float,
    "as_floats": _each(_float),
    "as_bool": _exactly(bool),
    "as_bools": _each(_exactly(bool)),
    "as_string": _exactly(str),
    "as_strings": _each(_exactly(str)),
    "as_sym_int": _symbolic,
    "as_sym_ints": _each(_symbolic),
    "as_sym_bool": _symbolic,
    "as_sym_float": _symbolic,
    "as_sym_floats": _each(_symbolic),
    "as_scalar_type": lambda body, kind: Dtype(_dtype(body)),
    "as_device": lambda body, kind: Setting("device"),
    "as_layout": lambda body, kind: Setting("layout"),
    "as_memory_format": lambda body, kind: Setting("memory_format"),
}
