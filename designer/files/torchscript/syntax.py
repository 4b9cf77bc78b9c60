"""What a piece of TorchScript's syntax says by itself."""

import ast
from typing import Any

from designer.files.torchscript.numbers import Number
from designer.files.torchscript.text import Unfollowed
from designer.files.torchscript.worlds import Value


def only_refuses(statement: ast.stmt) -> bool:
    """Whether a statement does nothing, or refuses the inputs."""
    match statement:
        case ast.Pass() | ast.Assign(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=func)):
            return name_of(func) == "ops.prim.RaiseException"
        case ast.If():
            return all(map(only_refuses, (*statement.body, *statement.orelse)))
    return False


def is_a(value: Any, kind: ast.expr) -> bool:
    """Whether a value is of a type, or of one of several."""
    if isinstance(kind, ast.Tuple | ast.List):
        return any(is_a(value, each_) for each_ in kind.elts)
    name = kind.value.id if isinstance(kind, ast.Subscript) and isinstance(kind.value, ast.Name) else ""
    name = kind.id if isinstance(kind, ast.Name) else name
    sample = value.values[0] if isinstance(value, Number) else value
    known = {"Tensor": Value, "List": list, "Dict": dict, "Tuple": tuple, "str": str, "bool": bool, "float": float}
    if name in known:
        return isinstance(sample, known[name])
    if name in ("int", "NoneType"):
        return type(sample) is (int if name == "int" else type(None))
    raise Unfollowed("it asks for the type of a value")


def name_of(tree: ast.expr) -> str:
    """A name with its dots, or nothing."""
    steps: list[str] = []
    while isinstance(tree, ast.Attribute):
        steps.append(tree.attr)
        tree = tree.value
    return ".".join([tree.id, *reversed(steps)]) if isinstance(tree, ast.Name) else ""
