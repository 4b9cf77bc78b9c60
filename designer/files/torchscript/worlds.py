"""Run calls on tensors without numbers, for several sizes of the inputs at once, and write them down."""

import dataclasses
import logging
import warnings
from typing import Any

from designer.files.errors import FileError
from designer.files.program import Dtype, Format, Meta, Op, Place, Ref, Setting, Size, Stored
from designer.files.raw_source import PLAIN, runnable
from designer.files.torchscript.alike import OTHERWISE, Answers
from designer.files.torchscript.arguments import CODES, as_written, convolution, typed
from designer.files.torchscript.bounds import check_call
from designer.files.torchscript.numbers import Number, is_number, plain, quotient
from designer.files.torchscript.small_sizes import one_place
from designer.files.torchscript.text import Lost, Unfollowed
from designer.files.torchscript.unknown import masks, with_some_sizes
from designer.model.names import shortened

MOST_OPS = 200_000
BITS = ("__and__", "__or__", "__xor__", "__lshift__", "__rshift__")
# They read or write files, or reach into the process.
TOUCHING = frozenset("from_file save load _save _load _load_for_lite_interpreter wait fork".split())
# A number without sizes next to a tensor, as a plain number.
WITH_NUMBERS = frozenset(
    "add sub mul div pow rsub eq ne lt le gt ge floor_divide remainder add_ sub_ mul_ div_".split()
)


@dataclasses.dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the program; for each of the sizes, one without numbers."""

    ref: Ref
    fakes: tuple[Any, ...]
    number: Any = None  # of a tensor with one number that the file stores
    unknown: bool = False  # an input of which nothing is known, or what is made of it

    @property
    def fake(self) -> Any:
        if self.unknown:
            raise Lost("it depends on the sizes of its inputs")
        return self.fakes[0]


class Worlds:
    """Writes a program down, call by call."""

    def __init__(self, symbols: dict[str, tuple[int, ...]], count: int, remember: bool = True):
        from torch._subclasses import FakeTensorMode

        logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # torch sets it when imported
        self.mode: Any = FakeTensorMode(allow_non_fake_inputs=False)
        self.count, self.answers = count, Answers(remember)
        self.texts: dict[tuple[Any, ...], str] = {sizes: f"Symbol('{name}')" for name, sizes in symbols.items()}
        self.ops: list[Op] = []
        self.metas: dict[Ref, Meta] = {}
        self.numbers: dict[Ref, Size] = {}
        self.slots: dict[Ref, str] = {}
        self.known: dict[tuple[Any, ...], Ref] = {}  # values of a number -> its name
        self.place: Place = ()
        self.kind = ""
        self.given_inputs: set[Ref] = set()
        self.assumed = False  # whether a free size was compared with something, since this was set back
        self.lost = False  # whether the sizes are so small that all of them came to the same number

    def fresh(self) -> Ref:
        return Ref(f"%{len(self.metas) + len(self.numbers)}")

    def size(self, values: tuple[int, ...]) -> Size:
        """A size, with an expression where it is not always the same: equal texts are equal sizes."""
        if all(value == values[0] for value in values):
            return Size(values[0])
        return Size(values[0], self.texts.setdefault(values, f"of {values}"))

    def meta(self, fakes: tuple[Any, ...]) -> Meta:
        sizes = tuple(self.size(tuple(numbers)) for numbers in zip(*(fake.shape for fake in fakes)))
        steps = [fake.stride() if fake.layout == _torch().strided else fake.shape for fake in fakes]
        strides = tuple(self.size(tuple(numbers)) for numbers in zip(*steps))
        return Meta(str(fakes[0].dtype).removeprefix("torch."), sizes, strides)

    def tensor(self, ref: Ref, fakes: tuple[Any, ...], number: Any = None) -> Value:
        fakes = self.answers.like(fakes)
        self.metas[ref] = self.meta(fakes)
        return Value(ref, fakes, number)

    def input(self, name: str, shapes: tuple[tuple[int, ...], ...], dtype: str) -> Value:
        torch = _torch()
        made = {shape: torch.empty(shape, dtype=getattr(torch, dtype)) for shape in shapes}
        fakes = tuple(made[shape] for shape in shapes)
        self.given_inputs.add(Ref(name))
        return self.tensor(Ref(name), fakes)

    def stored(self, key: str, stored: Stored, number: Any = None) -> Value:
        torch = _torch()
        fake = torch.empty_strided(stored.shape, stored.strides, dtype=getattr(torch, stored.dtype))
        ref = Ref(f"${key}")
        self.slots[ref] = key
        return self.tensor(ref, (fake,) * self.count, number)

    def write(self, op: Op) -> None:
        if len(self.ops) >= MOST_OPS:
            raise Unfollowed(f"it makes more than {MOST_OPS:,} calls")
        self.ops.append(op)

    def number(self, found: Any, target: str, arguments: list[Any]) -> Any:
        """Give what was computed of sizes a name, by the call that computes it."""
        if not isinstance(found, Number):
            return found
        ref = self.fresh()
        whole = type(found.values[0]) is int  # else it is no size, though it may be equal to one
        self.numbers[ref] = self.size(found.values) if whole else Size(found.values[0], "?")
        if whole:
            self.known.setdefault(found.values, ref)
        self.write(Op(target, [self.given(a) for a in arguments], {}, [ref], False, self.place, self.kind))
        return dataclasses.replace(found, ref=ref)

    def shape(self, value: Value, dim: int) -> Any:
        """A size of a tensor."""
        rank = value.fake.dim()
        if not -rank <= dim < rank:
            raise Unfollowed(f"it asks for size {dim} of a tensor with {rank}")
        found = plain(tuple(fake.shape[dim] for fake in value.fakes))
        return self.number(found, "aten.sym_size.int", [value, dim % rank])

    def given(self, argument: Any) -> Any:
        """An argument as a program holds it."""
        if isinstance(argument, Value):
            return argument.ref
        if isinstance(argument, Number):
            return self.named(argument)
        if isinstance(argument, list | tuple):
            return [self.given(entry) for entry in argument]
        return argument

    def named(self, number: Number) -> Ref:
        """The name of a number; one that no call computed is told from those that are known."""
        if number.ref is not None:
            return number.ref
        if (ref := self.known.get(number.values)) is not None:
            whole = Number(tuple(map(int, number.values)), ref)
            return ref if type(number.values[0]) is int else self.number(number, "_operator.mul", [whole, 1.0]).ref
        for values, ref in list(self.known.items()):
            if (found := self.told(number.values, values, ref)) is not None:
                return found
        raise Unfollowed("it computes a number from a size in a way that cannot be drawn")

    def told(self, wanted: tuple[Any, ...], values: tuple[Any, ...], ref: Ref) -> Ref | None:
        """A number as a multiple of another and a rest, or as a fraction of it."""
        if not all(type(n) is int for n in (*wanted, *values)) or len(wanted) < 3 or wanted[0] == wanted[1]:
            return None
        if (step := values[1] - values[0]) and (wanted[1] - wanted[0]) % step == 0:
            factor = (wanted[1] - wanted[0]) // step
            rest = wanted[0] - factor * values[0]
            if all(factor * v + rest == w for v, w in zip(values, wanted)):
                return self.computed(self.computed(ref, values, "mul", factor), values, "add", rest, factor)
        if (found := quotient(wanted, values)) is None:
            return None
        rest, divisor = found
        moved = self.computed(ref, values, "add", rest)
        return self.computed(moved, tuple(v + rest for v in values), "floordiv", divisor)

    def computed(self, ref: Ref, values: tuple[Any, ...], name: str, by: int, factor: int = 1) -> Ref:
        if (name, by) in (("mul", 1), ("add", 0)):
            return ref
        start = tuple(v * factor for v in values)
        found = tuple({"mul": v * by, "add": v + by, "floordiv": v // by}[name] for v in start)
        number = self.number(Number(found), f"_operator.{name}", [Number(start, ref), by])
        assert isinstance(number, Number)
        return self.named(number)

    # Calls.

    def call(self, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """Run a call of ATen for each of the sizes, write it down, and give what it gives."""
        torch = _torch()
        if name in TOUCHING:
            raise FileError(f"it calls {shortened(name)}, which may read or write files")
        if any(_unknown(value) for value in (*arguments, *keywords.values())):
            return Value(self.fresh(), (), unknown=True)
        known = name.isidentifier() and (name in BITS or not name.startswith("__"))
        packet = getattr(torch.ops.aten, name, None) if known else None
        if not hasattr(packet, "overloads"):
            raise Unfollowed(f"it calls {shortened(name)}, which is no operation of PyTorch")
        if name in WITH_NUMBERS and any(isinstance(a, Value) and a.number is None for a in arguments):
            arguments = [a.number if isinstance(a, Value) and a.number is not None else a for a in arguments]
        overload, arguments = self.resolved(name, packet, arguments, keywords)
        tail, function = f"{name}.{overload}", getattr(packet, overload)
        if not runnable(tail.removesuffix(".default")) and tail not in PLAIN and not _on_tensors(function):
            raise Unfollowed(f"it calls {shortened(tail.removesuffix('.default'))}, which may not be run")
        schema = function._schema
        function = OTHERWISE.get(name, function)
        kinds = {argument.name: str(argument.real_type) for argument in schema.arguments}
        placed = [typed(value, str(a.real_type)) for value, a in zip(arguments, schema.arguments)]
        named = {key: typed(value, kinds.get(key, "")) for key, value in keywords.items()}
        check_call(name, placed + [named[a.name] for a in schema.arguments[len(placed) :] if a.name in named])
        results = self.results(function, placed, {key: value for key, value in named.items() if value is not None})
        return self.written(name, overload, schema, placed, named, results)

    def results(self, function: Any, placed: list[Any], named: dict[str, Any]) -> list[Any]:
        """What a call gives for each of the sizes."""
        from torch._subclasses.fake_tensor import DynamicOutputShapeException

        def at(world: int) -> tuple[list[Any], dict[str, Any]]:
            return [_at(value, world) for value in placed], {key: _at(value, world) for key, value in named.items()}

        def run(world: int) -> Any:
            arguments, keywords = at(world)
            return function(*arguments, **keywords)

        asked, given = self.answers.ask(function, placed, named), self.answers.given
        if asked in given:
            return given[asked]
        try:
            first = run(0)
        except DynamicOutputShapeException:
            key = masks(placed) or len(self.ops)
            return [with_some_sizes(function, *at(n), f"{key} {n}") for n in range(self.count)]
        many = any(map(_many, (*placed, *named.values())))
        given[asked] = [first, *map(run, range(1, self.count))] if many else [first] * self.count
        return given[asked]

    def resolved(self, name: str, packet: Any, arguments: list[Any], keywords: dict[str, Any]) -> tuple[str, list[Any]]:
        """Which of the forms of a call is meant; a number may have to be a tensor for it."""
        torch = _torch()
        failure = ""
        for form in _forms(arguments):
            placed = [self.constant(a.value) if isinstance(a, _Lifted) else a for a in form]
            try:
                found = torch._C._jit_resolve_packet(
                    f"aten::{name}",
                    *(_at(_device(value), 0) for value in placed),
                    **{key: _at(_device(value), 0) for key, value in keywords.items()},
                )
            except RuntimeError as error:
                failure = failure or str(error).strip().partition("\n")[0]
                continue
            found = found or "default"
            returns = getattr(packet, found)._schema.returns if found in packet.overloads() else ()
            if any("Tensor" in str(each.type) for each in returns):
                return found, placed
        raise Unfollowed(f"it calls {name} with arguments that PyTorch does not take ({failure[:100]})")

    def constant(self, value: Any) -> Value:
        """A number as a tensor of the program."""
        dtype = "float32" if isinstance(value.values[0] if isinstance(value, Number) else value, float) else "int64"
        made: Value = self.call("full", [[], value], {"dtype": next(c for c, d in CODES.items() if d == dtype)})
        return made

    def written(
        self, name: str, overload: str, schema: Any, placed: list[Any], named: dict[str, Any], results: list[Any]
    ) -> Any:
        refs: list[Ref | None] = []

        def made(fakes: tuple[Any, ...]) -> Any:
            if not isinstance(fakes[0], _torch().Tensor):
                if fakes[0] is not None and not isinstance(fakes[0], bool | int | float):
                    raise Unfollowed(f"{name} gives what is no tensor")
                refs.append(None)
                return fakes[0]
            ref = self.fresh()
            refs.append(ref)
            return self.tensor(ref, fakes)

        self.lost = self.lost or one_place(name, placed, results)
        first = results[0]
        listed = isinstance(first, list) or (isinstance(first, tuple) and str(schema.returns[0].type) == "List[Tensor]")
        if isinstance(first, list | tuple):
            if any(len(result) != len(first) for result in results):
                raise Unfollowed(f"{name} gives more tensors for larger inputs")
            found: Any = [made(tuple(result[n] for result in results)) for n in range(len(first))]
            found = found if listed else tuple(found)
        else:
            found = made(tuple(results))
        arguments, keywords = as_written(schema, placed, named)
        target, arguments = convolution(name, overload, arguments)
        given = [self.given(value) for value in arguments]
        op = Op(target, given, {key: self.given(value) for key, value in keywords.items()}, refs, listed)
        op.place, op.kind = self.place, self.kind
        self.write(op)
        return found


def _torch() -> Any:
    import torch

    return torch


@dataclasses.dataclass(frozen=True)
class _Lifted:
    """A number that shall be a tensor."""

    value: Any


def _forms(arguments: list[Any]) -> list[list[Any]]:
    """The arguments as they are, and with one number as a tensor: tracing makes sizes into tensors."""
    forms = [arguments]
    for n in (*range(min(2, len(arguments))), len(arguments) - 1):
        if 0 <= n < len(arguments) and is_number(arguments[n]):
            forms.append([_Lifted(value) if m == n else value for m, value in enumerate(arguments)])
    stored = [a.number if isinstance(a, Value) and a.number is not None else a for a in arguments]
    if any(a is not b for a, b in zip(arguments, stored)):
        forms.append(stored)
    return forms


def _on_tensors(function: Any) -> bool:
    """Whether a call that is on no list takes tensors and no text, so that without numbers it can only tell sizes."""
    kinds = [str(argument.real_type) for argument in function._schema.arguments]
    return any("Tensor" in kind for kind in kinds) and not any("str" in kind or "Generator" in kind for kind in kinds)


def _unknown(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_unknown, value))
    return isinstance(value, Value) and value.unknown


def _many(value: Any) -> bool:
    """Whether an argument is another one for other sizes."""
    if isinstance(value, list | tuple):
        return any(map(_many, value))
    if isinstance(value, Value):
        return any(fake is not value.fakes[0] for fake in value.fakes)
    return isinstance(value, Number)


def _device(value: Any) -> Any:
    return _torch().device("cpu") if isinstance(value, Setting) else value


def _at(value: Any, world: int) -> Any:
    """An argument as torch takes it, for one of the sizes."""
    if isinstance(value, Value):
        return value.fakes[world]
    if isinstance(value, Number):
        return value.values[world]
    if isinstance(value, list | tuple):
        return [_at(entry, world) for entry in value]
    if isinstance(value, Dtype | Format):
        return getattr(_torch(), value)
    if isinstance(value, Setting):
        return _torch().device("cpu") if value == "device" else _torch().strided
    return value


def quiet() -> Any:
    """Keep torch's remarks about its own code to itself."""
    return warnings.catch_warnings(action="ignore")
