"""The text of a TorchScript file: the classes and functions of its ``code`` folder, as syntax trees."""

import ast
import dataclasses
import io
import keyword
import tokenize
import warnings

from designer.files.archive import Archive
from designer.files.errors import FileError
from designer.model.names import shortened

LARGEST_TEXT = 16 << 20  # bytes, of all that is read of one file together
FULL_WIDTH_A = 0xFF41


class Unfollowed(Exception):
    """A program that cannot be followed; the message is a part of a sentence."""


class Unfit(Unfollowed):
    """What does not take inputs of these sizes."""


class Lost(Unfollowed):
    """What needs to know an input that is not known yet."""


@dataclasses.dataclass(frozen=True, eq=False)
class Class:
    """What the text says of a class."""

    name: str
    bases: tuple[str, ...]
    methods: dict[str, "Function"]
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    fields: tuple[str, ...]  # in order, for named tuples
    constants: dict[str, ast.expr]


@dataclasses.dataclass(frozen=True, eq=False)
class Function:
    """What the text says of a function or a method, and where it stands."""

    name: str
    file: str
    tree: ast.FunctionDef


class Text:
    """Reads the files of an archive when something of them is asked for."""

    def __init__(self, archive: Archive):
        self.archive = archive
        self.read: set[str] = set()
        self.classes: dict[str, Class] = {}
        self.functions: dict[str, Function] = {}
        self.left = LARGEST_TEXT
        self.endless = False  # whether too much was run for some sizes, so that no others are tried

    def class_of(self, name: str) -> Class | None:
        """A class by its full name, ``__torch__.Net``."""
        self._open(name)
        return self.classes.get(name)

    def function(self, name: str) -> Function | None:
        """A function by its full name."""
        self._open(name)
        return self.functions.get(name)

    def _open(self, name: str) -> None:
        module = name.rpartition(".")[0]
        entry = f"code/{module.replace('.', '/')}.py"
        if not module or module in self.read or entry not in self.archive.entries:
            return
        self.read.add(module)
        text = self.archive.inflated(entry, self.left)
        self.left -= len(text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in texts that others wrote
                tree = _parsed(text.decode("utf-8"))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise FileError(f"{self.archive.path.name} is damaged: {shortened(entry)} is not TorchScript.") from None
        for part in tree.body:
            if isinstance(part, ast.ClassDef):
                self.classes[f"{module}.{part.name}"] = _class(f"{module}.{part.name}", entry, part)
            elif isinstance(part, ast.FunctionDef):
                self.functions[f"{module}.{part.name}"] = Function(f"{module}.{part.name}", entry, part)


def _parsed(text: str) -> ast.Module:
    """The tree of a text, in which attributes may be called like the words of Python."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse(_respelled(text))


def _respelled(text: str) -> str:
    """The text with a first letter for those attributes which Python reads as another spelling of the same name."""
    lines = text.splitlines(keepends=True)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except tokenize.TokenError:
        raise SyntaxError from None
    for before, token, after in reversed(list(zip(tokens, tokens[1:], tokens[2:]))):
        starts = before.type in (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
        field = starts and after.string == ":" and token.string not in ("else", "try", "finally")
        if keyword.iskeyword(token.string) and token.string.islower() and (before.string == "." or field):
            row, at = token.start
            line = lines[row - 1]
            lines[row - 1] = f"{line[:at]}{chr(ord(line[at]) - ord('a') + FULL_WIDTH_A)}{line[at + 1 :]}"
    return "".join(lines)


def _class(name: str, file: str, tree: ast.ClassDef) -> Class:
    methods: dict[str, Function] = {}
    listed: dict[str, tuple[str, ...]] = {}
    fields: list[str] = []
    constants: dict[str, ast.expr] = {}
    for part in tree.body:
        if isinstance(part, ast.FunctionDef):
            methods[part.name] = Function(f"{name}.{part.name}", file, part)
        elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
            if isinstance(part.value, ast.List):
                entries = (entry.value for entry in part.value.elts if isinstance(entry, ast.Constant))
                listed[part.targets[0].id] = tuple(entry for entry in entries if isinstance(entry, str))
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            fields.append(part.target.id)
            if part.value is not None:
                constants[part.target.id] = part.value
    bases = tuple(base.id for base in tree.bases if isinstance(base, ast.Name))
    parameters, buffers = listed.get("__parameters__", ()), listed.get("__buffers__", ())
    return Class(name, bases, methods, parameters, buffers, tuple(fields), constants)
