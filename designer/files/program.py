"""A recorded program: the calls that a PyTorch model made, as a file of torch.export holds them."""

import dataclasses
import re
from functools import cache
from typing import Any, NamedTuple

Place = tuple[tuple[str, int], ...]  # the modules around a call, from outside: (path, how often it was called before)


class Ref(str):
    """The name of a value of the program: of a tensor, or of a number that is known only at run time."""

    __slots__ = ()


class Dtype(str):
    """An argument that is a type of elements, such as float32."""

    __slots__ = ()


class Setting(str):
    """An argument that says where or how a tensor lies in memory: device or layout."""

    __slots__ = ()


class Format(Setting):
    """A memory format, such as contiguous_format."""

    __slots__ = ()


class Unreadable(str):
    """An argument that only its own operation understands, such as a graph; its kind."""

    __slots__ = ()


class Size(NamedTuple):
    """A size or stride as recorded: its number in the recorded run, and its expression where it may be another."""

    number: int
    text: str = ""

    @property
    def symbol(self) -> str:
        """The name of a size that is free by itself, not computed from others."""
        found = _SYMBOL.fullmatch(self.text)
        return (found[1] or found[2]) if found else ""


# Since PyTorch 2.6, and before.
_SYMBOL = re.compile(r"Symbol\('([A-Za-z0-9_]{1,40})'(?:, [a-z]+=(?:True|False))*\)|([A-Za-z_][A-Za-z0-9_]{0,39})")


class Meta(NamedTuple):
    """What the file says about a tensor of the program."""

    dtype: str
    sizes: tuple[Size, ...]
    strides: tuple[Size, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes in the recorded run."""
        return tuple(size.number for size in self.sizes)

    @property
    def contiguous(self) -> bool:
        """Whether the numbers lay one after the other, in the recorded run."""
        step = 1
        for size, stride in zip(reversed(self.sizes), reversed(self.strides)):
            if size.number != 1 and stride.number != step:
                return False
            step *= size.number
        return True


@dataclasses.dataclass
class Op:
    """One call of the program."""

    target: str  # such as "aten.add.Tensor"
    arguments: list[Any]
    keywords: dict[str, Any]
    results: list[Ref | None]
    listed: bool = False  # the results come as one list
    place: Place = ()
    kind: str = ""  # class of the innermost module around it
    name: str = dataclasses.field(init=False, repr=False, compare=False)  # without namespace and overload: "add"

    def __post_init__(self) -> None:
        self.name = _name(self.target)

    @property
    def path(self) -> str:
        """The path of the innermost module around it."""
        return self.place[-1][0] if self.place else ""

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """An argument by its place or its name."""
        if index < len(self.arguments):
            return self.arguments[index]
        return self.keywords.get(name, default)

    def renamed(self, names: "dict[Ref, Ref]") -> "Op":
        """The same call on other values in the place of some."""
        keywords = {key: renamed(value, names) for key, value in self.keywords.items()}
        return Op(
            self.target, renamed(self.arguments, names), keywords, self.results, self.listed, self.place, self.kind
        )

    def refs(self) -> list[Ref]:
        """The values that it takes, in order."""
        found = refs_in(self.arguments)
        return found + refs_in(list(self.keywords.values())) if self.keywords else found


@cache
def _name(target: str) -> str:
    return target.split(".")[-2] if target.count(".") > 1 else target


def common_place(places: list[Place]) -> Place:
    """The modules that are around all of some calls."""
    shared = min(places, key=len, default=())
    while any(place[: len(shared)] != shared for place in places):
        shared = shared[:-1]
    return shared


def refs_in(argument: Any) -> list[Ref]:
    if isinstance(argument, Ref):
        return [argument]
    found: list[Ref] = []
    for entry in argument if isinstance(argument, list) else ():
        if isinstance(entry, Ref):
            found.append(entry)
        elif isinstance(entry, list):
            found += refs_in(entry)
    return found


def renamed(argument: Any, names: dict[Ref, Ref]) -> Any:
    """An argument with other values in the place of some."""
    if isinstance(argument, Ref):
        return names.get(argument, argument)
    if isinstance(argument, list):
        return [renamed(entry, names) for entry in argument]
    return argument


class Stored(NamedTuple):
    """A tensor that the file stores under a name: where its numbers lie, and how it looks at them."""

    storage: str  # name of the bytes
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int  # in elements
    role: str  # "parameter", "buffer" or "constant"
    persistent: bool  # whether the state_dict holds it
    trains: bool

    @property
    def view(self) -> tuple[Any, ...]:
        """What two names of the very same tensor have in common."""
        strides = tuple(stride if size > 1 else 0 for size, stride in zip(self.shape, self.strides))
        return (self.storage, self.dtype, self.offset, self.shape, strides)

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole ones, or truth values, which cannot be trained."""
        return "float" not in self.dtype and "complex" not in self.dtype

    @property
    def numel(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclasses.dataclass
class Program:
    """The calls in order, with what goes in and what comes out."""

    name: str
    inputs: list[tuple[Ref, Meta]]
    stored: dict[str, Stored]  # by state_dict key, or name of a constant
    slots: dict[Ref, str]  # value -> the name under which it is stored
    ops: list[Op]
    outputs: list[tuple[str, Any]]  # label and value
    metas: dict[Ref, Meta]
    numbers: dict[Ref, Size]  # numbers known at run time only: sizes, mostly
    limits: dict[str, tuple[int, int]]  # symbol -> smallest and largest size
    notes: list[str]
    producer: str = ""  # what wrote the file
    places: list[str] = dataclasses.field(default_factory=list)  # of the outputs, as an Output says it; none: a tuple
    known_as: dict[str, str] = dataclasses.field(default_factory=dict)  # another name in the file -> name in stored
    taken: dict[Ref, int | bool] = dataclasses.field(default_factory=dict)  # input -> the only number that it may have

    @property
    def training(self) -> bool:
        """Whether the model was recorded in training mode."""
        at = {"dropout": 2, "feature_dropout": 2, "alpha_dropout": 2, "batch_norm": 5}
        at |= {"_native_batch_norm_legit_functional": 5, "native_batch_norm": 5}
        found = [op.argument(at[op.name], "training") for op in self.ops if op.name in at]
        found += [op.arguments[6] for op in self.ops if op.target in RECURRENT and len(op.arguments) > 6]
        return any(flag is True for flag in found)


RECURRENT = ("aten.lstm.input", "aten.gru.input", "aten.rnn_tanh.input", "aten.rnn_relu.input")

__all__ = ["Dtype", "Format", "Meta", "Op", "Place", "Program", "Ref", "Setting", "Size", "Stored", "Unreadable"]
