"""The classes of modules that Python source defines, with the arguments they take, read without running any of it."""

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from designer.files.asking import Argument, Buildable, Wanted
from designer.files.errors import FileError

LARGEST = 2 << 20  # bytes
MOST_CLASSES = 1000
MOST_BASES = 100  # classes that one comes from
Function = ast.FunctionDef | ast.AsyncFunctionDef


def list_classes(path: Path) -> tuple[Buildable, ...]:
    """The classes of modules in a file, those that no other of them builds first. Raises FileError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise FileError(f"{path.name} cannot be read: {error.strerror}.") from None
    if len(data) > LARGEST:
        raise FileError(f"{path.name} is longer than {LARGEST >> 20} MiB, which no source of a model is.")
    try:
        return classes_of(parsed(data))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FileError(f"{path.name} is no Python source that can be read.") from None


def parsed(source: str | bytes) -> ast.Module:
    """The syntax tree of some source, without a word about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def classes_of(tree: ast.Module) -> tuple[Buildable, ...]:
    """The classes of modules that source defines, those that no other of them builds first."""
    names = _imported(tree)
    found = {node.name: node for node in _outside(tree) if isinstance(node, ast.ClassDef)}
    bases = {name: [ast.unparse(base) for base in node.bases] for name, node in found.items()}
    modules: dict[str, ast.ClassDef] = {}
    for name in _modules(found, bases, names):
        if len(modules) < MOST_CLASSES:
            modules[name] = found[name]
    used = {inner for name, node in modules.items() for inner in _mentioned(node) if inner != name}
    ordered = sorted(modules, key=lambda name: name in used)
    return tuple(_buildable(name, found, bases, name in used) for name in ordered)


def _outside(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a module, those in its branches too, but not what stands inside a class or a function."""
    todo = [node]
    while todo:
        for part in ast.iter_child_nodes(todo.pop(0)):
            if isinstance(part, ast.stmt):
                yield part
                if isinstance(part, ast.If | ast.Try | ast.With):
                    todo.append(part)
            elif isinstance(part, ast.ExceptHandler):
                todo.append(part)


def _imported(tree: ast.Module) -> dict[str, str]:
    """What names that are imported stand for, dotted."""
    names: dict[str, str] = {}
    for node in _outside(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                first = each.name.partition(".")[0]
                names[each.asname or first] = each.name if each.asname else first
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                names[each.asname or each.name] = f"{node.module or ''}.{each.name}"
    return names


def _modules(found: dict[str, ast.ClassDef], bases: dict[str, list[str]], names: dict[str, str]) -> list[str]:
    """Which classes are ones of modules, as far as this source tells: by what they come from, or by ``forward``."""
    heirs: dict[str, list[str]] = {}
    todo: list[str] = []
    for name, texts in bases.items():
        for text in texts:
            heirs.setdefault(text, []).append(name)
        if any(text not in found and _of_modules(text, found[name], names) for text in texts):
            todo.append(name)
    modules: set[str] = set()
    while todo:
        if (name := todo.pop()) not in modules:
            modules.add(name)
            todo += heirs.get(name, ())
    return [name for name in found if name in modules]


def _of_modules(base: str, node: ast.ClassDef, names: dict[str, str]) -> bool:
    """Whether what a class comes from, which this source does not define, makes it one of modules."""
    first, dot, rest = base.partition(".")
    whole = names.get(first, first) + dot + rest
    if whole.startswith("torch.autograd.") or whole in ("object", "Protocol", "ABC", "abc.ABC", "typing.Protocol"):
        return False
    return whole.startswith("torch.nn.") or whole.endswith("Module") or _method(node, "forward") is not None


def _mentioned(node: ast.ClassDef) -> Iterator[str]:
    """The names that the body of a class reads, and what it comes from."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id


def _method(node: ast.ClassDef, name: str) -> Function | None:
    return next((part for part in node.body if isinstance(part, Function) and part.name == name), None)


def _inherited(name: str, method: str, found: dict[str, ast.ClassDef], bases: dict[str, list[str]]) -> Function | None:
    """A method of a class or of one in this source that it comes from."""
    todo, seen = [name], set[str]()
    while todo and len(seen) < MOST_BASES:
        node = found.get(here := todo.pop(0))
        if node is not None and here not in seen:
            seen.add(here)
            if own := _method(node, method):
                return own
            todo += bases[here]
    return None


def _buildable(name: str, found: dict[str, ast.ClassDef], bases: dict[str, list[str]], inner: bool) -> Buildable:
    taken = _arguments(_inherited(name, "__init__", found, bases))
    given = _arguments(_inherited(name, "forward", found, bases))
    return Buildable(name, taken, tuple(Wanted(each.name) for each in given if each.default is None), inner)


def _arguments(function: Function | None) -> tuple[Argument, ...]:
    """The arguments of a method, without the first, which is the object itself."""
    if function is None:
        return ()
    given = function.args
    plain = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(given.defaults)), *given.defaults]
    pairs = [*zip(plain[1:], defaults[1:]), *zip(given.kwonlyargs, given.kw_defaults)]
    return tuple(
        Argument(each.arg, None if value is None else ast.unparse(value), _text(each.annotation))
        for each, value in pairs
    )


def _text(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return "" if annotation is None else ast.unparse(annotation)
