"""Read the program of an ONNX file, by following its nodes for some sizes of the inputs."""

from pathlib import Path
from typing import Any

from designer.files.asking import NeedsInputs
from designer.files.errors import FileError
from designer.files.onnx_graph.decides import Decides
from designer.files.onnx_graph.follow import Follower
from designer.files.onnx_graph.group_norms import join_group_norms
from designer.files.onnx_graph.inputs import Sizes, Told, given_inputs, needed, told_inputs, tried
from designer.files.onnx_graph.learnables import name_learnables
from designer.files.onnx_graph.model_file import OnnxFile, read_file
from designer.files.onnx_graph.places import is_named
from designer.files.onnx_graph.simplify import simplify
from designer.files.program import Program, Ref
from designer.files.torchscript.text import Unfollowed
from designer.files.torchscript.worlds import Worlds, quiet
from designer.model.names import shortened

MOST_TOLD = 5  # kinds of operators that a note names


def read_program(path: Path, inputs: Any = None) -> tuple[Program, OnnxFile]:
    """Follow the graph of a file. Raises NeedsInputs, or another FileError."""
    file = read_file(path)
    given: tuple[Told, ...] = ()
    some = False
    try:
        told = told_inputs(file.name, file.model.graph)
        given, some = given_inputs(file.name, told, inputs)
        if any(entry.shape is None for entry in given):
            raise needed(file.name, tuple(e for e in given if e.shape is None), "it says nothing about them")
        return _followed(file, list(tried(told, given, some)), not some), file
    except Unfollowed as reason:
        said = str(reason).rstrip(".")
        free = tuple(entry for entry in given if any(isinstance(size, str) for size in entry.shape or ()))
        if free and not some:
            raise needed(file.name, free, said) from None
        raise FileError(f"{file.name} cannot be followed: {said}.") from None
    except FileError as error:
        said = str(error).rstrip(".")
        if isinstance(error, NeedsInputs):
            raise
        raise FileError(f"{said}." if file.name in said else f"{file.name} is not opened: {said}.") from None
    except (RecursionError, MemoryError):
        raise FileError(f"{file.name} is not opened: it is nested too deeply or too large.") from None
    except (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError) as error:
        raise FileError(f"{file.name} is damaged or was changed: its nodes are not as ONNX has them.") from error


def _followed(file: OnnxFile, ways: list[Sizes], ask: bool) -> Program:
    """The program for the sizes that leave the most free; nodes that no sizes fit are only shown."""
    first: Unfollowed | None = None
    for lenient in (False, True):
        held: Program | None = None  # right for small inputs, or with nodes that are only shown
        small = False
        for sizes in ways:
            if held is not None and sizes.fixed and ask:
                break
            try:
                program, lost, shown = follow(file, sizes, lenient)
            except Unfollowed as error:
                first = first or error
                continue
            if lost or (shown and not ask):
                if held is None:
                    held, small = program, lost
                continue
            if lenient and ask and first is not None:
                program.notes.insert(0, f"{first}, for sizes of its inputs that were tried: give those that it is for")
            if sizes.fixed:
                else_ = "else it is a program for small inputs only" if small else "else some nodes are only shown"
                why = first or (else_ if held is not None else "the file asks for that")
                program.notes.append(f"{sizes.fixed}, because {why}")
            return program
        if held is not None:
            if small:
                held.notes.append("it is the program for small inputs: give the sizes of its own, if those are larger")
            return held
    assert first is not None
    raise first


def follow(file: OnnxFile, sizes: Sizes, lenient: bool = False) -> tuple[Program, bool, bool]:
    """The program for some sizes, whether they came to one number somewhere, and whether nodes are only shown.

    Raises Unfollowed.
    """
    taken: dict[str, int | bool] = {}
    while True:
        try:
            return _follow(file, sizes, lenient, taken)
        except Decides as choice:  # of one input each: its number is known from now on
            taken[choice.name] = choice.number


def _follow(file: OnnxFile, sizes: Sizes, lenient: bool, taken: dict[str, int | bool]) -> tuple[Program, bool, bool]:
    """The program for some sizes and some numbers of inputs."""
    import torch

    names = {name: f"s{n}" for n, name in enumerate(sizes.symbols)}
    count = max((len(numbers) for numbers in sizes.symbols.values()), default=1)
    worlds = Worlds({names[name]: numbers for name, numbers in sizes.symbols.items()}, count)
    follower = Follower(file, worlds, lenient)
    follower.symbols = sizes.symbols
    with worlds.mode, torch.no_grad(), quiet():
        inputs = {}
        for entry in sizes.inputs:
            shapes = tuple(
                tuple(sizes.symbols[size][n] if isinstance(size, str) else size for size in entry.shape or ())
                for n in range(count)
            )
            inputs[entry.name] = worlds.input(entry.name, shapes, entry.dtype)
        results = follower.follow(inputs, [out.name for out in file.model.graph.output], taken)
        outputs: list[tuple[str, Any]] = []
        for n, (info, item) in enumerate(zip(file.model.graph.output, results)):
            if item is None or isinstance(item, list):
                raise FileError(f"its output {shortened(info.name)} is no tensor")
            label = info.name if is_named(info.name) else "" if len(results) == 1 else str(n)
            outputs.append((label, follower.tensor(item).ref))
    if not outputs:
        raise FileError("it gives no tensor")
    program = _program(follower, inputs, outputs)
    for name, number in taken.items():
        program.taken[Ref(name)] = number
        program.notes.append(f"{name} is taken to be {number}, because it chooses which nodes run")
    return program, worlds.lost, bool(follower.placeholders)


def _program(follower: Follower, inputs: dict[str, Any], outputs: list[tuple[str, Any]]) -> Program:
    worlds, weights = follower.worlds, follower.weights
    stored = {key: follower.renewed.get(key) or weights.stored[key] for key in worlds.slots.values()}
    taken = follower.taken
    unused = {key: weights.stored[key] for key in follower.file_keys if key not in taken and key not in stored}
    given = [(Ref(name), worlds.metas[Ref(name)]) for name in inputs]
    program = Program(
        follower.file.name,
        given,
        stored,
        dict(worlds.slots),
        worlds.ops,
        outputs,
        worlds.metas,
        worlds.numbers,
        {},
        _notes(follower),
        follower.file.producer,
    )
    join_group_norms(program, lambda key: weights.tensors({key: stored[key]})[key])
    simplify(program)
    name_learnables(program, follower)
    for key, entry in unused.items():
        program.stored.setdefault(key, entry._replace(role="buffer", persistent=True))
    return program


def _notes(follower: Follower) -> list[str]:
    """What is only shown, and why."""
    notes = list(dict.fromkeys(follower.notes))
    reasons: dict[str, str] = {}
    for operator, reason in follower.placeholders:
        reasons.setdefault(operator, reason)
    for operator, reason in list(reasons.items())[:MOST_TOLD]:
        notes.append(f"{operator} is only shown, because {reason}")
    return notes
