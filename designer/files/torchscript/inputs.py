"""What a TorchScript program is followed with: sizes that are given, traced or guessed, some of them free."""

import ast
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from designer.files.errors import FileError
from designer.files.torchscript.objects import Example
from designer.files.torchscript.text import Function
from designer.files.torchscript.worlds import Value, Worlds
from designer.model import Input
from designer.model.names import free, shortened

WORLDS = 3  # sizes that each free one is tried with
MOST_SIZES = 8
NUMBERS: dict[str, Any] = {"int": int, "float": float, "bool": bool}  # types of arguments that are no tensors


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One tensor among the inputs: its sizes, or names of those that are free."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """The arguments of ``forward``, with a Leaf for each tensor in them, and what the free sizes are tried with."""

    arguments: dict[str, Any]
    symbols: dict[str, tuple[int, ...]]
    fixed: str = ""  # what is not free, though it might be

    def opened(self, worlds: Worlds) -> tuple[dict[str, Any], list[Value]]:
        """The arguments as values of a program, and the tensors among them in order."""
        inputs: list[Value] = []

        def made(argument: Any) -> Any:
            if isinstance(argument, Leaf):
                shapes = tuple(
                    tuple(self.symbols[size][n] if isinstance(size, str) else size for size in argument.shape)
                    for n in range(worlds.count)
                )
                inputs.append(worlds.input(argument.name, shapes, argument.dtype))
                return inputs[-1]
            if isinstance(argument, list | tuple):
                return type(argument)(map(made, argument))
            return {key: made(entry) for key, entry in argument.items()} if isinstance(argument, dict) else argument

        return {name: made(argument) for name, argument in self.arguments.items()}, inputs


def asked(forward: Function) -> dict[str, tuple[str, bool]]:
    """The arguments of ``forward`` by name: their type, and whether they must be given."""
    given = forward.tree.args
    names = given.args[1:]
    optional = len(given.args) - len(given.defaults)
    return {
        argument.arg: (ast.unparse(argument.annotation) if argument.annotation else "Tensor", n + 1 < optional)
        for n, argument in enumerate(names)
    }


def arguments_given(inputs: Any, wanted: dict[str, tuple[str, bool]]) -> dict[str, Any]:
    """Shapes, tensors or ``Input`` layers that somebody gave, as examples by the name of the argument."""
    if isinstance(inputs, Mapping):
        found = dict(inputs)
        if len(found) == 1 and not set(found) & set(wanted) and wanted:
            found = {next(iter(wanted)): next(iter(found.values()))}
    elif isinstance(inputs, list | tuple) and not _is_shape(inputs):
        found = dict(zip(wanted, inputs))
    else:
        found = {next(iter(wanted), "x"): inputs}
    if unknown := [name for name in found if name not in wanted]:
        raise FileError(f"it takes {', '.join(map(shortened, wanted))}, and not {shortened(str(unknown[0]))}.")
    examples = {name: _example(value) for name, value in found.items()}
    for name, value in examples.items():
        if isinstance(value, list | tuple):
            examples[name] = list(value) if wanted[name][0].startswith("List") else tuple(value)
        if isinstance(value, Example) and wanted[name][0] in NUMBERS:
            examples[name] = _number(name, value, wanted[name][0])
    return examples


def _number(name: str, given: Example, kind: str) -> Any:
    """A number that was given where sizes are asked for."""
    if len(given.shape) != 1 or type(given.shape[0]) is not int:
        raise FileError(f"{shortened(name)} is a number ({kind}): give that in the place of its sizes.")
    return NUMBERS[kind](given.shape[0])


def _is_shape(value: Any) -> bool:
    plain = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    return plain and all(isinstance(size, int | str) and not isinstance(size, bool) for size in value)


def _example(value: Any) -> Any:
    if isinstance(value, Input):
        return Example(tuple(value.shape or ()), value.dtype)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return Example(tuple(value.shape), str(value.dtype).removeprefix("torch."))
    if _is_shape(value):
        return Example(tuple(value), "float32")
    if isinstance(value, list | tuple):
        return type(value)(map(_example, value))
    return {key: _example(entry) for key, entry in value.items()} if isinstance(value, dict) else value


def plans(examples: dict[str, Any]) -> Iterator[Plan]:
    """Ways to follow a program with these arguments, those that leave more sizes free first."""
    taken: list[str] = []

    def leaves(value: Any, name: str) -> Any:
        if isinstance(value, Example):
            taken.append(free(name, taken))
            return Leaf(taken[-1], value.shape, value.dtype)
        if isinstance(value, list | tuple):
            return type(value)(leaves(entry, f"{name}_{n}") for n, entry in enumerate(value))
        if isinstance(value, dict):
            return {key: leaves(entry, f"{name}_{key}") for key, entry in value.items()}
        return value

    arguments = {name: leaves(value, name) for name, value in examples.items()}
    found = list(_leaves(list(arguments.values())))
    if any(isinstance(size, str) for leaf in found for size in leaf.shape):
        yield _plan(arguments, lambda leaf: leaf.shape)
        numbers = _plan(arguments, lambda leaf: leaf.shape).symbols
        yield _plan(arguments, lambda leaf: _fixed(leaf, numbers), "the sizes that should be free")
        return
    ranked = [leaf for leaf in found if leaf.shape]
    if ranked and len({leaf.shape[0] for leaf in ranked}) == 1:
        yield _plan(arguments, lambda leaf: ("batch", *_time(leaf)) if leaf.shape else ())
        for number in _lengths(ranked):
            yield _plan(
                arguments,
                lambda leaf, n=number: leaf.shape and ("batch", *_time(leaf, n)),
                "some sizes after the first",
            )
        yield _plan(arguments, lambda leaf: ("batch", *leaf.shape[1:]) if leaf.shape else (), "all sizes but the first")
    elif ranked:
        yield _plan(arguments, lambda leaf: (*leaf.shape[:1], *_time(leaf)), "the first sizes")
    yield _plan(arguments, lambda leaf: leaf.shape, "the sizes")


def _leaves(value: Any) -> Iterator[Leaf]:
    if isinstance(value, Leaf):
        yield value
    elif isinstance(value, list | tuple | dict):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _leaves(entry)


def _lengths(leaves: list[Leaf]) -> list[int]:
    """How long the sequences among the inputs are, where they are not all as long."""
    found = {int(str(_time(leaf)[0])[5:]): leaf for leaf in leaves if str(_time(leaf)[:1]).startswith("('time")}
    return list(found)[:MOST_SIZES] if len(found) > 1 else []


def _time(leaf: Leaf, only: int | None = None) -> tuple[int | str, ...]:
    """The sizes after the first, with a name for that of a sequence."""
    rest = leaf.shape[1:]
    if only is not None and only not in rest[:1]:
        return rest
    tokens = len(leaf.shape) == 2 and not leaf.dtype.startswith(("float", "bfloat", "complex"))
    if (tokens or len(leaf.shape) == 3) and isinstance(rest[0], int) and rest[0] > 1:
        return (f"time {rest[0]}", *rest[1:])
    if len(leaf.shape) == 2 and leaf.dtype.startswith(("float", "bool")) and isinstance(rest[0], int):
        return (f"maybe {rest[0]}", *rest[1:])  # a mask of a sequence, where one is as long
    return rest


def _plan(arguments: dict[str, Any], shape: Any, fixed: str = "") -> Plan:
    """Give each free size the numbers that it is tried with."""
    known: dict[str, str] = {}
    symbols: dict[str, tuple[int, ...]] = {}
    shapes = {leaf.name: shape(leaf) for leaf in _leaves(list(arguments.values()))}
    lengths = {size[5:] for sizes in shapes.values() for size in sizes if str(size).startswith("time ")}

    def size_of(size: int | str) -> int | str:
        if not isinstance(size, str):
            return size
        kind, _, number = size.partition(" ")
        if kind == "maybe":
            return size_of(f"time {number}") if number in lengths else int(number)
        if size not in known:
            known[size] = f"s{len(known)}"
            symbols[known[size]] = _tried(len(symbols), int(number) if number.isdecimal() else 0)
        return known[size]

    def changed(value: Any) -> Any:
        if isinstance(value, Leaf):
            return dataclasses.replace(value, shape=tuple(map(size_of, shapes[value.name])))
        if isinstance(value, list | tuple):
            return type(value)(map(changed, value))
        return {key: changed(entry) for key, entry in value.items()} if isinstance(value, dict) else value

    return Plan({name: changed(value) for name, value in arguments.items()}, symbols, fixed)


def _tried(order: int, number: int) -> tuple[int, ...]:
    """The numbers of a free size: the batch first; a sequence is rather made shorter than too long."""
    if number >= 12:
        return number, number - 1 - order, 2 * number // 3 - order  # strides make few of small steps
    if number:
        return number, number + 2 + order, number + 7 + 2 * order
    return (2, 3, 5) if order == 0 else (4 + 3 * order, 6 + 4 * order, 11 + 6 * order)


def wider(plan: Plan) -> Iterator[Plan]:
    """The same arguments with free sizes that are tried with larger numbers too, the smaller of these first."""
    for factor, start in ((5, 0), (1, 16_000)):
        symbols: dict[str, tuple[int, ...]] = {
            name: (numbers[0], factor * numbers[0] + start + 1 + n, 2 * (factor * numbers[0] + start) + 5 + 2 * n)
            for n, (name, numbers) in enumerate(plan.symbols.items())
        }
        yield dataclasses.replace(plan, symbols=symbols)


def _fixed(leaf: Leaf, numbers: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else 2 for size in leaf.shape)
