"""Arguments, names and outputs of a .pt2 program, read strictly: each holds what its kind says."""

import contextlib
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from designer.files.outputs import Held, in_order, with_texts
from designer.files.program import Dtype, Format, Ref, Setting, Unreadable
from designer.model.names import shortened

LONGEST_NAME = 1000
DEEPEST = 50  # modules inside each other
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
DICTS = ("builtins.dict", "collections.OrderedDict", "torch.fx.immutable_collections.immutable_dict")
SEQUENCES = {
    "builtins.tuple": "tuple",
    "torch.Size": "tuple",
    "builtins.list": "list",
    "torch.fx.immutable_collections.immutable_list": "list",
}
FORMATS = {1: "contiguous_format", 2: "channels_last", 3: "channels_last_3d"}


class Damage(Exception):
    """The program does not follow the format; the message is a part of a sentence."""


def path_of(name: Any) -> str:
    """The path of a module, or the key of a learnable."""
    if name_of(name).count(".") > DEEPEST:
        raise Damage(f"{shortened(name)} is nested too deeply")
    return str(name)


def name_of(name: Any) -> str:
    """Any name."""
    if not isinstance(name, str) or not name or len(name) > LONGEST_NAME:
        raise Damage(f"{shortened(name)} is not a name")
    return name


@lru_cache(20_000)
def _ref(name: str) -> Ref:
    """A value of the program, one object for all its uses: the same is found more quickly than an equal one."""
    return Ref(name_of(name))


def ref_of(name: Any) -> Ref:
    """The value of a name."""
    return _ref(name if type(name) is str else name_of(name))


def dtype_of(code: Any) -> str:
    if type(code) is not int or code not in DTYPES:
        raise Damage(f"it uses a type of numbers, {shortened(code)}, that cannot be read")
    return DTYPES[code]


def given_back(module: Any, leaves: list[Any]) -> Any:
    """What the model gave back: the outputs in the containers that the file tells, else in one tuple."""
    signature = module["module_call_graph"][0]["signature"]
    left = list(reversed(leaves))
    if signature is not None:
        spec = json.loads(signature["out_spec"])[1]
        with contextlib.suppress(IndexError):  # there are fewer outputs than it says
            given = _filled(spec, left)
            if not left:
                return given
    return Held("tuple", in_order(leaves)) if len(leaves) > 1 else next(iter(leaves), None)


def _filled(spec: Any, left: list[Any]) -> Any:
    """A container with the outputs that are left, the next one last, as its leaves."""
    if spec["type"] is None:
        return left.pop()
    entries = [_filled(child, left) for child in spec["children_spec"]]
    kind, context = name_of(spec["type"]), spec["context"]
    if kind in SEQUENCES:
        return Held(SEQUENCES[kind], in_order(entries))
    if kind == "collections.deque":
        return Held("list", in_order(entries), "deque")
    if kind == "collections.namedtuple":
        return Held("tuple", in_order(entries), name_of(context).rpartition(".")[2])
    keys = context.get("dict_context") if isinstance(context, dict) else _json(context)
    if isinstance(keys, list) and len(keys) == 2 and isinstance(keys[0], list):  # fields of a class, and those None
        entries += [None] * len(keys[1])
        keys = [*keys[0], *keys[1]]
    was = "" if kind in DICTS else kind.rpartition(".")[2]
    keys = keys if isinstance(keys, list) and len(keys) == len(entries) else None
    if keys is not None and (kind in DICTS or all(isinstance(key, str) for key in keys)):
        return with_texts(keys, entries, was)
    return Held("tuple", in_order(entries), was)


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        return None


def names_by_place(target: str) -> list[str] | None:
    """The names of what an ATen call takes by place, for files of PyTorch before 2.7, which mark no keywords.

    None where any number is taken so.
    """
    space, _, tail = target.partition(".")
    name, _, overload = tail.partition(".")
    if space != "aten" or not name.isidentifier():
        return None
    import torch

    packet = getattr(torch.ops.aten, name, None)
    if packet is None or overload not in packet.overloads():
        return None
    return [argument.name for argument in getattr(packet, overload)._schema.arguments if not argument.kwarg_only]


def read_argument(entry: Any) -> Any:
    """An argument, or what a call gives, as a value: an entry has one kind, such as ``as_ints``."""
    for kind, body in entry.items():
        if body is not None or kind == "as_none":
            reader: Callable[[Any, str], Any] = _READ.get(kind, _unreadable)
            return reader(body, kind)
    return None


def _exactly(*kinds: type) -> Callable[[Any, str], Any]:
    def read(body: Any, kind: str) -> Any:
        if type(body) not in kinds:
            raise Damage(f"{shortened(body)} is not what {shortened(kind)} stands for")
        return body

    return read


def _float(body: Any, kind: str) -> float:
    if body in ("Infinity", "-Infinity", "NaN"):
        return float(body.replace("Infinity", "inf"))
    return float(_exactly(float, int)(body, kind))


def _each(read: Callable[[Any, str], Any]) -> Callable[[Any, str], list[Any]]:
    return lambda body, kind: [read(entry, kind) for entry in _exactly(list)(body, kind)]


def _tensor(body: Any, kind: str) -> Ref:
    return ref_of(body["name"])


def _optional(body: Any, kind: str) -> Ref | None:
    return _tensor(body["as_tensor"], kind) if body.get("as_tensor") is not None else None


def _symbolic(*kinds: type) -> Callable[[Any, str], Any]:
    """A number, or the name of one that is known only at run time."""

    def read(body: Any, kind: str) -> Any:
        if body.get("as_name") is not None:
            return ref_of(body["as_name"])
        return _exactly(*kinds)(next((value for value in body.values() if value is not None), None), kind)

    return read


def _unreadable(body: Any, kind: str) -> Unreadable:
    return Unreadable(name_of(kind))


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
    "as_sym_int": _symbolic(int),
    "as_sym_ints": _each(_symbolic(int)),
    "as_sym_bool": _symbolic(bool),
    "as_sym_float": _symbolic(float, int),
    "as_sym_floats": _each(_symbolic(float, int)),
    "as_scalar_type": lambda body, kind: Dtype(dtype_of(body)),
    "as_device": lambda body, kind: Setting("device"),
    "as_layout": lambda body, kind: Setting("layout"),
    "as_memory_format": lambda body, kind: Format(FORMATS.get(_exactly(int)(body, kind), "preserve_format")),
}
