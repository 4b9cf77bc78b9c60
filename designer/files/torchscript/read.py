"""Read the program of a TorchScript file, by following its text for some sizes of the inputs."""

import contextlib
import itertools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from designer.files.archive import Archive
from designer.files.asking import NeedsInputs, Wanted
from designer.files.checkpoint import ITEM_BYTES, map_stored
from designer.files.errors import FileError
from designer.files.fold import LEARNING
from designer.files.outputs import Held, Left, in_order, results, with_texts
from designer.files.program import Program, Ref, Stored
from designer.files.torchscript.alike import Reshaped
from designer.files.torchscript.follow import Follower, Named, plain_name
from designer.files.torchscript.inputs import NUMBERS, WORLDS, Plan, arguments_given, asked, plans, wider
from designer.files.torchscript.numbers import Number
from designer.files.torchscript.objects import Objects
from designer.files.torchscript.text import Text, Unfit, Unfollowed
from designer.files.torchscript.worlds import Value, Worlds, quiet
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor

MOST_REORDERED = 4
UNPACKED = {"int64": "<q", "int32": "<i", "float64": "<d", "float32": "<f", "bool": "<?"}


class Unread(FileError):
    """A program that cannot be followed, though its parts can be shown."""

    def __init__(self, sentence: str, script: "Script"):
        super().__init__(sentence)
        self.script = script


class Script(NamedTuple):
    """A TorchScript file: its text, its objects, and its state."""

    name: str
    stamp: Stamp
    text: Text
    objects: Objects

    def tensors(self, stored: dict[str, Stored]) -> dict[str, Tensor]:
        """Map tensors by name."""
        return map_stored(self.stamp, stored, self.objects.spans)

    def number(self, key: str) -> Any:
        """The number in a stored tensor that has one; None where it cannot be told."""
        stored = self.objects.stored[key]
        size = ITEM_BYTES[stored.dtype]
        if stored.dtype not in UNPACKED:
            return None
        data = self.stamp.read(self.objects.spans[stored.storage].offset + stored.offset * size, size)
        return struct.unpack(UNPACKED[stored.dtype], data)[0] if len(data) == size else None


def read_script(path: Path) -> Script:
    """Read the objects of a file; raises FileError."""
    archive = Archive(path)
    stamp = Stamp.of(path)
    if archive.entries.get("byteorder") and archive.read("byteorder", 16) != b"little":
        raise FileError(f"{path.name} was written on a machine with another byte order, which cannot be read.")
    if "data.pkl" not in archive.entries:
        raise FileError(f"{path.name} holds no module.")
    try:
        text = Text(archive)
        return Script(path.name, stamp, text, Objects(archive, text))
    except (RecursionError, MemoryError, TypeError, ValueError, LookupError, AttributeError) as error:
        if isinstance(error, FileError):
            said = str(error)
            raise FileError(said if path.name in said else f"{path.name} is damaged: {said}") from None
        raise FileError(f"{path.name} is damaged or was changed: its objects are not as torch writes them.") from None


def read_program(path: Path, inputs: Any = None) -> tuple[Program, Script]:
    """Follow the program of a file. Raises NeedsInputs, Unread where it cannot be followed, or another FileError."""
    script = read_script(path)
    found = script.text.class_of(script.objects.model.kind)
    forward = found.methods.get("forward") if found else None
    if forward is None:
        raise Unread(f"{script.name} holds a module without forward.", script)
    wanted = asked(forward)
    try:
        examples, notes = _examples(script, wanted, inputs)
        try:
            return _followed(script, list(plans(examples)), notes), script
        except Unfit:
            for other in _reordered(examples) if inputs is None else ():
                with contextlib.suppress(Unfollowed):
                    return _followed(script, list(plans(other)), notes), script
            raise
    except Unfollowed as reason:
        if inputs is not None and isinstance(reason, Unfit):
            raise FileError(f"{script.name} does not take these inputs: {str(reason).rstrip('.')}.") from None
        raise Unread(f"{script.name} cannot be followed: {str(reason).rstrip('.')}.", script) from None
    except FileError as error:
        said = str(error).rstrip(".")
        if isinstance(error, NeedsInputs):
            raise
        raise FileError(f"{said}." if script.name in said else f"{script.name} is not opened: {said}.") from None
    except (RecursionError, MemoryError):
        raise Unread(f"{script.name} cannot be followed: it is nested too deeply.", script) from None


def _examples(script: Script, wanted: dict[str, tuple[str, bool]], inputs: Any) -> tuple[dict[str, Any], list[str]]:
    if inputs is not None:
        return _complete(script, arguments_given(inputs, wanted), wanted), []
    if script.objects.traced is not None and len(script.objects.traced) <= len(wanted):
        return _complete(script, dict(zip(wanted, script.objects.traced)), wanted), []
    from designer.files.torchscript.guess import guessed

    return guessed(script, wanted)


def _reordered(examples: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same examples for other arguments: what was given by name is kept in the order in which it was given."""
    if len(examples) <= MOST_REORDERED:
        for order in itertools.islice(itertools.permutations(examples.values()), 1, None):
            yield dict(zip(examples, order))


def _complete(script: Script, given: dict[str, Any], wanted: dict[str, tuple[str, bool]]) -> dict[str, Any]:
    """The arguments, where all that must be given are."""
    missing = [name for name, (_, must) in wanted.items() if must and name not in given]
    if missing:
        raise needed(script, missing)
    return given


def needed(script: Script, names: list[str]) -> NeedsInputs:
    """The question for the sizes of some inputs, and for those that are numbers."""
    found = script.text.class_of(script.objects.model.kind)
    forward = found.methods.get("forward") if found else None
    kinds = asked(forward) if forward else {}
    numbers = [name for name in names if kinds.get(name, ("",))[0] in NUMBERS]
    sized = [name for name in names if name not in numbers]
    parts = [f"the sizes of {' and '.join(map(shortened, sized))}"] if sized else []
    parts += [f"which number {' and '.join(map(shortened, numbers))} is"] if numbers else []
    example = dict.fromkeys(sized[:1], "(2, 3)") | dict.fromkeys(numbers[:1], "1")
    shown = ", ".join(f"{name!r}: {value}" for name, value in example.items())
    return NeedsInputs(
        f"{script.name} does not tell {' and '.join(parts)}: give them, as in inputs={{{shown}}}.",
        tuple(Wanted(name, (1,) if name in numbers else None) for name in names),
    )


def _followed(script: Script, ways: list[Plan], notes: list[str]) -> Program:
    """The program for the way that leaves the most sizes free."""
    first: Unfollowed | None = None
    held: Program | None = None  # right for small inputs
    for plan in ways:
        try:
            program, lost = follow(script, plan)
            if lost:
                held = held or program
                program = _for_larger(script, plan)
        except Unfollowed as error:
            first, last = first or error, error
            continue
        if plan.fixed and first is not None:
            program.notes.append(f"{plan.fixed} are fixed as they are: {first}")
        program.notes += notes
        return program
    if held is not None:
        held.notes += [*notes, f"it is the program for small inputs, because larger ones cannot be followed: {first}"]
        return held
    raise last


def _for_larger(script: Script, plan: Plan) -> Program:
    """The program for a plan whose free sizes came to one number somewhere, followed for larger ones.

    What is one number for the largest too is one for all. Raises Unfollowed.
    """
    *nearer, largest = wider(plan)
    for other in nearer:
        with contextlib.suppress(Unfollowed):
            program, lost = follow(script, other)
            if not lost:
                return program
    return follow(script, largest)[0]


def follow(script: Script, plan: Plan) -> tuple[Program, bool]:
    """The program for some arguments, and whether free sizes came to one number somewhere. Raises Unfollowed."""
    try:
        return _follow(script, plan, Worlds(plan.symbols, WORLDS))
    except Reshaped:
        return _follow(script, plan, Worlds(plan.symbols, WORLDS, remember=False))


def _follow(script: Script, plan: Plan, worlds: Worlds) -> tuple[Program, bool]:
    import torch

    objects = script.objects
    follower = Follower(script.text, objects, worlds, script.number)
    with worlds.mode, torch.no_grad(), quiet():
        arguments, inputs = plan.opened(worlds)
        result = follower.forward(arguments)
    found = results(_held(result), Ref)
    if not found.outputs:
        raise Unfollowed("it gives no tensor")
    stored = _stored(objects, worlds)
    given = [(value.ref, worlds.metas[value.ref]) for value in inputs]
    notes = list(dict.fromkeys((*follower.notes, *found.notes)))
    name, outputs = script.name, found.outputs
    program = Program(name, given, stored, worlds.slots, worlds.ops, outputs, worlds.metas, worlds.numbers, {}, notes)
    program.places = found.places
    return program, worlds.lost


def _stored(objects: Objects, worlds: Worlds) -> dict[str, Stored]:
    """What a state_dict has and what is used; a frozen model keeps its learnables as constants."""
    used = set(worlds.slots.values())
    stored = {key: kept for key, kept in objects.stored.items() if kept.persistent or key in used}
    frozen = not any(kept.role == "parameter" for kept in stored.values())
    for op in worlds.ops:
        if op.target not in LEARNING or not frozen:
            continue
        for ref in op.refs()[0 if op.name.startswith("embedding") else 1 :]:
            key = worlds.slots.get(ref, "")
            if key.startswith("constants.") and stored[key].role == "constant" and "float" in stored[key].dtype:
                role = "buffer" if op.name == "batch_norm" and ref in op.arguments[3:5] else "parameter"
                stored[key] = stored[key]._replace(role=role, persistent=True)
    return stored


def _held(value: Any) -> Any:
    """What the model gives back, in the containers that its text names."""
    if isinstance(value, Named):
        return Held("tuple", list(zip(value.fields, map(_held, value.entries))), value.kind)
    if isinstance(value, list | tuple):
        return Held("list" if isinstance(value, list) else "tuple", in_order(map(_held, value)))
    if isinstance(value, dict):
        return with_texts(list(value), list(map(_held, value.values())))
    if isinstance(value, Value):
        return value.ref
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return Left("a number" if isinstance(value, Number) else "no tensor")


__all__ = ["Script", "Unread", "follow", "plain_name", "read_program", "read_script"]
