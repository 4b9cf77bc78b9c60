"""Where in its model a node stands, told by what exporters write beside it."""

import ast
import re
from functools import cache
from typing import Any

from designer.files.program import Place
from designer.layers import operations

SCOPES, CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
LONGEST = 4000
NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
DEEPEST = 40
# Names that exporters make up: val_12, onnx::MatMul_406, 17, const_fold_opt__3, _tensor_constant0.
MADE_UP = re.compile(r"(onnx|val|tensor|scalar|slice|_?const\w*|_?tensor_constant|lifted_tensor|\w*_output)_*\d*", re.I)
# What ONNX writes before the name of a node of a function that it put in the place of its call.
INLINED = re.compile(r"(\w+_branch__)?(_?Inline_\d+__)+/?")


def place_of(node: Any) -> tuple[Place, str]:
    """The modules around a node, and the class of the innermost."""
    told = {entry.key: entry.value for entry in node.metadata_props if entry.key in (SCOPES, CLASSES)}
    if SCOPES in told:
        paths, kinds = _texts(told[SCOPES]), _texts(told.get(CLASSES, "[]"))
        paths = paths[:-1]  # the last is the call itself
        if paths[:1] == [""] and all(NAME.fullmatch(path) for path in paths[1:]):
            kind = kinds[len(paths) - 1] if len(kinds) > len(paths) - 1 else ""
            return tuple((path, 0) for path in paths[1:]), kind if paths[1:] and NAME.fullmatch(kind) else ""
        return (), ""
    *parts, _ = INLINED.sub("", node.name[:LONGEST], count=1).split("/")
    parts = [name for name in parts if name]
    if len(parts) > DEEPEST or len(node.name) > LONGEST or not all(NAME.fullmatch(name) for name in parts):
        return (), ""
    return tuple((path, 0) for path in _paths(parts)), ""


def is_named(key: str) -> bool:
    """Whether a tensor has a name as PyTorch gives them to learnables, such as ``encoder.fc.weight``."""
    plain = len(key) < 500 and NAME.fullmatch(key) is not None
    return plain and not key.replace(".", "").isdigit() and not MADE_UP.fullmatch(key)


@cache
def _calls() -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in operations.names())


def is_call(key: str) -> bool:
    """Whether a tensor is named after a call of ATen that gave it, as ``unsqueeze_12`` or ``threshold_cast``."""
    if "." in key:
        return False
    return key.endswith("_cast") or re.sub(r"(_default)?(_\d+)?$", "", key) in _calls()


def _paths(parts: list[str]) -> list[str]:
    """Paths from outside in; PyTorch repeats them: the entry 0 of ``layers`` stands as ``layers.0`` in ``layers``."""
    found: list[str] = []
    at: list[str] = []
    for part in parts:
        names = part.split(".")
        same = next((n for n in range(min(len(names) - 1, len(at)), 0, -1) if at[-n:] == names[:n]), 0)
        at = at + names[same:]
        found.append(".".join(at))
    return found


def _texts(told: str) -> list[str]:
    """A list of texts as Python writes it; nothing else is read."""
    if len(told) > LONGEST:
        return []
    try:
        found = ast.literal_eval(told)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    whole = isinstance(found, list) and all(isinstance(entry, str) for entry in found)
    return found if whole else []


def called(path: str) -> str:
    """A path without the numbers that an exporter gives to second calls of a module: ``ffn`` for ``ffn_1``."""
    return re.sub(r"_\d+(?=\.|$)", "", path)
