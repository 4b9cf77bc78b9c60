"""Read a pickle as data: what it would import is a name, what it would call is written down; nothing is run.

Python's own unpickler can be stopped from importing, but not from spending memory as a file tells it to. This one takes
each opcode of pickletools by itself and makes numbers, texts, tuples, lists, dicts, ``Name`` and ``Made``.
"""

import dataclasses
import pickletools
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from designer.files.errors import FileError
from designer.model.names import shortened

MOST_OPCODES = 20_000_000
MOST_COPIED = 5_000_000
MOST_UNFOLDED = 20_000_000  # parts of the whole, each counted wherever it stands
DEEPEST = 400  # lists, tuples and dicts inside each other
LONGEST = 4096  # bits of a whole number: Python takes very long to write down a longer one


class Name(str):
    """What a pickle would import, ``module.name``."""


@dataclasses.dataclass(eq=False)
class Made:
    """What a class or a function would have made."""

    name: str
    arguments: tuple[Any, ...]
    state: Any = None
    items: list[Any] = dataclasses.field(default_factory=list)  # appended to it, or pairs that were set

    def __repr__(self) -> str:
        return f"{self.name}(...)"  # not what it holds, which may be itself


@dataclasses.dataclass(eq=False, frozen=True)
class Reference:
    """What stands outside the pickle, as the storages of tensors do."""

    key: Any

    def __repr__(self) -> str:
        return "a reference"


def read_pickle(stream: BinaryIO) -> Any:
    """Give what one pickle holds, up to its end; raises FileError for a damaged one."""
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count > MOST_OPCODES:
                raise FileError(f"it has more than {MOST_OPCODES:,} steps.")
            if opcode.name == "STOP":
                whole = machine.stack.pop()
                _check(whole)
                return whole
            machine.take(opcode.name, argument)
    except FileError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, struct.error, OverflowError, UnicodeDecodeError):
        raise FileError("its pickle is damaged or has no end.") from None
    raise AssertionError("genops ends with STOP or an error")


def _check(whole: Any) -> None:
    """Refuse what holds itself, what is nested deeply, and what repeats its parts until it is without end.

    So whoever goes through it comes to an end. What was written down of a call may hold itself, and is looked at apart.
    """
    unfolded: dict[int, tuple[int, int]] = {}  # how many parts something has, and how deep they go
    apart = [whole]
    while apart:
        todo = [apart.pop()]
        while todo:
            value = todo[-1]
            known = unfolded.get(id(value))
            if isinstance(value, NAMED) and known is None:
                unfolded[id(value)] = 1, 0
                apart += [value.key] if isinstance(value, Reference) else [value.arguments, value.state, value.items]
            if isinstance(value, WHOLE) and known is None:
                unfolded[id(value)] = IN_IT
                inner = [part for part in _parts(value) if isinstance(part, (*WHOLE, *NAMED))]
                if any(unfolded.get(id(part)) == IN_IT for part in inner):
                    raise FileError("its pickle has a part that holds itself.")
                todo += [part for part in inner if id(part) not in unfolded]
                continue
            if known == IN_IT:  # what is in it is known now
                found = [unfolded[id(part)] for part in _parts(value) if id(part) in unfolded]
                count, depth = len(value) + sum(c for c, _ in found), 1 + max((d for _, d in found), default=0)
                if depth > DEEPEST:
                    raise FileError("its pickle is nested too deeply.")
                if count > MOST_UNFOLDED:
                    raise FileError("its pickle repeats the same again and again.")
                unfolded[id(value)] = count, depth
            todo.pop()


WHOLE = (list, tuple, dict)
NAMED = (Made, Reference)
IN_IT = (0, 0)  # of what is being looked at


def _parts(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


class _Mark:
    """Where the parts of something begin."""


class _Machine:
    """The stack and the memory of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.copied = 0

    def take(self, name: str, argument: Any) -> None:
        """Do what one opcode says."""
        if name in _PLAIN:
            if isinstance(argument, int) and argument.bit_length() > LONGEST:
                raise FileError("a number in its pickle is too long.")
            self.stack.append(argument)
        elif name in _FRESH:
            self.stack.append(_FRESH[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            parts = tuple(self.stack[len(self.stack) - count :])
            del self.stack[len(self.stack) - count :]
            self.stack.append(parts)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memory[int(argument)] = self.stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memory[int(argument)])
        elif name not in ("PROTO", "FRAME"):
            if (step := _STEPS.get(name)) is None:
                raise FileError(f"its pickle uses {name}, which no file of PyTorch does.")
            step(self, argument)

    def parts(self) -> list[Any]:
        """Take what stands above the last mark, and the mark."""
        at = len(self.stack) - 1
        while self.stack[at] is not _Mark:  # an IndexError where there is none
            at -= 1
        found = self.stack[at + 1 :]
        del self.stack[at:]
        return found

    def append(self, parts: list[Any]) -> None:
        whole = self.stack[-1]
        if not isinstance(whole, list | Made):
            raise ValueError
        (whole.items if isinstance(whole, Made) else whole).extend(parts)

    def set(self, parts: list[Any]) -> None:
        whole = self.stack[-1]
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
        if isinstance(whole, Made):
            whole.items += pairs
        elif isinstance(whole, dict):
            whole.update((_key(key), value) for key, value in pairs)
        else:
            raise ValueError

    def call(self, function: Any, arguments: Any) -> None:
        match function:
            case Reference(key=("module", Name() as named, *_)):  # before version 1.6, with the source of the class
                function = named
        if not isinstance(function, Name | Made):
            raise FileError(f"its pickle calls {shortened(type(function).__name__)}.")
        if not isinstance(arguments, list | tuple):
            raise ValueError
        name = str(function) if isinstance(function, Name) else function.name
        if arguments and isinstance(arguments[0], list | tuple | dict):  # which is copied, perhaps again and again
            self.copied += len(arguments[0])
            if self.copied > MOST_COPIED:
                raise FileError("its pickle copies the same again and again.")
        self.stack.append(_made(name, tuple(arguments)))

    def build(self, state: Any) -> None:
        if isinstance(whole := self.stack[-1], Made):
            whole.state = state

    def reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self.call(function, arguments)

    def new(self, keywords: bool) -> None:
        if keywords:
            self.stack.pop()
        self.reduce()

    def instance(self, argument: str) -> None:
        parts = self.parts()
        self.call(_name(*argument.split(" ", 1)), parts)

    def object(self) -> None:
        first, *rest = self.parts()
        self.call(first, rest)

    def imported(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(_name(module, name))


def _made(name: str, arguments: tuple[Any, ...]) -> Any:
    """What a call makes: the containers of the standard library as they are, all else written down."""
    if name in ("collections.OrderedDict", "builtins.dict"):
        return {_key(key): value for key, value in (arguments[0] if arguments else ())}
    if name == "collections.defaultdict":
        return {}
    if name in ("torch.Size", "builtins.tuple"):
        return tuple(arguments[0]) if arguments else ()
    if name in ("builtins.set", "builtins.frozenset", "builtins.list"):
        return list(arguments[0]) if arguments else []
    return Made(name, arguments)


def _name(module: Any, name: Any) -> Name:
    if not isinstance(module, str) or not isinstance(name, str):
        raise ValueError
    return Name(f"{ {'__builtin__': 'builtins'}.get(module, module) }.{name}")


def _key(key: Any) -> Any:
    """A key of a dict; hashing what is nested deeply would end the process."""
    plain = str | bytes | int | float | bool | Made | Name | None
    if isinstance(key, plain) or (isinstance(key, tuple) and all(isinstance(part, plain) for part in key)):
        return key
    raise FileError(f"its pickle has a {type(key).__name__} as a key.")


_PLAIN = frozenset(
    "INT LONG LONG1 LONG4 BININT BININT1 BININT2 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE "
    "SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8".split()
)
_FRESH: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,
    "MARK": lambda: _Mark,
}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_STEPS: dict[str, Callable[[_Machine, Any], Any]] = {
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.parts(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "MEMOIZE": lambda m, _: m.memory.__setitem__(len(m.memory), m.stack[-1]),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.parts())),
    "LIST": lambda m, _: m.stack.append(m.parts()),
    "FROZENSET": lambda m, _: m.stack.append(m.parts()),
    "DICT": lambda m, _: _dict(m),
    "APPEND": lambda m, _: m.append([m.stack.pop()]),
    "APPENDS": lambda m, _: m.append(m.parts()),
    "ADDITEMS": lambda m, _: m.append(m.parts()),
    "SETITEM": lambda m, _: m.set([m.stack.pop(-2), m.stack.pop()]),
    "SETITEMS": lambda m, _: m.set(m.parts()),
    "GLOBAL": lambda m, name: m.stack.append(_name(*name.split(" ", 1))),
    "STACK_GLOBAL": lambda m, _: m.imported(),
    "INST": lambda m, name: m.instance(name),
    "OBJ": lambda m, _: m.object(),
    "NEWOBJ": lambda m, _: m.new(False),
    "NEWOBJ_EX": lambda m, _: m.new(True),
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(m.stack.pop()),
    "PERSID": lambda m, key: m.stack.append(Reference(key)),
    "BINPERSID": lambda m, _: m.stack.append(Reference(m.stack.pop())),
}


def _dict(machine: _Machine) -> None:
    parts = machine.parts()
    machine.stack.append({})
    machine.set(parts)
