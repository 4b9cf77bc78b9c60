"""Open files by running their code, which the caller allowed: in a child process that records the module it makes.

The child has the rights of the user; it has a time limit and a memory limit, and ends when the opening is cancelled.
What it recorded is read as data, as any other file of that kind.
"""

import contextlib
import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from designer.files.asking import Buildable, Choice, NeedsCode, NeedsInputs, Wanted
from designer.files.compare import SPARE_BYTES, Comparison, first_line
from designer.files.errors import FileError
from designer.files.imports import Import, open_recorded
from designer.files.kinds import foreign_names
from designer.files.live import called_as_given
from designer.files.module_file import UNWIRED, read_module_file
from designer.files.progress import LOOKS, START, check, stage
from designer.files.python_classes import list_classes
from designer.files.report import Note
from designer.model import Input, NetworkError
from designer.model.names import shortened
from designer.model.values import Stamp

SECONDS = 600
MEMORY = SPARE_BYTES  # beside the weights
ACTIVATIONS = ("relu", "gelu", "silu", "elu", "selu", "tanh", "sigmoid", "mish", "leaky_relu")  # of transformers
LARGEST_ANSWER = 1 << 16
MOST_NOTES, LONGEST_NOTE = 50, 500
KINDS = {"torch.nn": "nn.Module file", "module pickle": "nn.Module file", "Python modules": "Python source"}


def needs_code(path: Path) -> NeedsCode:
    """Why Python source is not opened unless its code may run, with the classes it defines."""
    classes = list_classes(path)
    return NeedsCode(
        f"{path.name} contains program code; opening it runs that code with your rights: allow it only where you trust"
        f" its origin. It defines {_listed([each.name for each in classes])}.",
        classes,
    )


def import_module_file(path: Path, inputs: Any = None, allow_code: bool = False) -> Import:
    """Make the network of a whole module that torch.save wrote, or the tree of its parts. Raises FileError.

    One of torch's own classes alone runs no code but torch's, whatever the file says.
    """
    network, report = read_module_file(path, inputs)
    if report.measured is None or report.measured == UNWIRED:  # torch.nn says how its parts are wired, or nothing does
        return Import(network, report)
    own = sorted({name.rpartition(".")[2] for name in foreign_names(path) if not is_of_torch(name)})
    if own and not allow_code:
        return Import(network, dataclasses.replace(report, code=tuple(own)))
    try:
        return run_code(path, "module pickle" if own else "torch.nn", inputs)
    except NeedsCode as error:  # torch does not load it otherwise
        if allow_code:
            return run_code(path, "module pickle", inputs)
        return Import(network, dataclasses.replace(report, notes=(*report.notes, Note(str(error)))))
    except FileError as error:
        if own:
            raise
        return Import(network, dataclasses.replace(report, notes=(*report.notes, Note(str(error)))))


def is_of_torch(name: str) -> bool:
    """Whether what a pickle would import is a class of torch.nn, or a function that these are given."""
    module, _, tail = name.rpartition(".")
    if module in ("torch.nn.functional", "torch._C._nn"):
        return tail in ACTIVATIONS
    return module.startswith("torch.nn.modules.") or name in ("builtins.set", "__builtin__.set")


def import_source(path: Path, inputs: Any = None, choice: Choice | None = None) -> Import:
    """Build a class of Python source by running it, and make the network of that. Raises FileError."""
    classes = list_classes(path)
    outer = [each for each in classes if not each.inner] or [*classes]
    if choice is None and len(outer) != 1:
        raise NeedsCode(
            f"{path.name} defines {_listed([each.name for each in classes])}: tell which of them to build.", classes
        )
    choice = choice or Choice(outer[0].name)
    kind = next((each for each in classes if each.name == choice.name), None)
    if kind is None:
        raise FileError(f"{path.name} defines no class {shortened(choice.name)} of modules.")
    _check_arguments(path, kind, choice, classes)
    return run_code(path, "Python modules", inputs, choice)


def _check_arguments(path: Path, kind: Buildable, choice: Choice, classes: tuple[Buildable, ...]) -> None:
    for name, value in choice.arguments.items():
        if not _is_literal(value):
            raise FileError(
                f"The argument {shortened(name)} of {kind.name} can only be a number, a text, a truth value, None, or a"
                f" tuple, list or dictionary of these, not a {type(value).__name__}."
            )
    missing = [each.name for each in kind.arguments if each.default is None and each.name not in choice.arguments]
    if missing:
        raise NeedsCode(f"{kind.name} of {path.name} must be given {_listed(missing)}.", classes)


def _is_literal(value: Any, depth: int = 0) -> bool:
    if isinstance(value, dict):
        return depth < 20 and all(_is_literal(each, depth + 1) for pair in value.items() for each in pair)
    if isinstance(value, tuple | list):
        return depth < 20 and all(_is_literal(each, depth + 1) for each in value)
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


def run_code(path: Path, how: str, inputs: Any = None, choice: Choice | None = None) -> Import:
    """Make the network of the module in a file: ``how`` is the kind of the file, or torch.nn where torch's code is all.

    Raises FileError.
    """
    path = path.absolute()
    checkpoint = choice.checkpoint if choice else None
    with tempfile.TemporaryDirectory(prefix="designer-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "out").mkdir()
        request = {"how": how, "inputs": inputs, "checkpoint": checkpoint and str(Path(checkpoint).absolute())}
        if choice is not None:
            request |= {"name": choice.name, "arguments": dict(choice.arguments)}
        _write(folder / "request", request, path)
        stage("running its code")
        size = sum(file.stat().st_size for file in map(Path, filter(None, (path, checkpoint))) if file.exists())
        code = _run(folder, path, MEMORY + 6 * size)
        answer = _answer(folder / "answer", path, code)
        opened = open_recorded(folder / "out" / path.name, "pt2")  # its values stay mapped after the file is gone
    network = called_as_given(opened.network, answer.fitted or inputs)
    report = opened.report(path, "pt2")
    notes = (*map(Note, answer.notes), *report.notes)
    if answer.fitted:
        told = ", ".join("×".join(map(str, each.shape or ())) for each in answer.fitted)
        notes = (Note(f"the sizes of its inputs are not in the file; these fit: {told}", network.inputs), *notes)
    report = dataclasses.replace(
        report, kind=KINDS[how], notes=notes, measured=answer.measured, stamp=Stamp.of(path), producer=""
    )
    return Import(network, report)


def _write(file: Path, request: Mapping[str, Any], path: Path) -> None:
    import torch

    try:
        torch.save(request, file)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise FileError(f"{path.name} cannot be given these inputs: {first_line(error)}.") from None


def _run(folder: Path, path: Path, memory: int) -> int:
    """Run the child; give what it ended with. Its own children end with it, unless they left its group."""
    entries = json.dumps([entry for entry in sys.path if entry])
    start = START.format("designer.files.own_code_child")
    command = [sys.executable, "-I", "-W", "ignore", "-c", start, entries, str(folder), str(memory), str(path)]
    nothing = subprocess.DEVNULL
    place = {**os.environ, "TMPDIR": str(folder)}
    late = time.monotonic() + SECONDS
    with subprocess.Popen(
        command, stdin=nothing, stdout=nothing, stderr=nothing, cwd=folder, env=place, start_new_session=True
    ) as child:
        try:
            while True:
                check()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return child.wait(LOOKS)
                if time.monotonic() > late:
                    raise FileError(f"{path.name} cannot be opened: its code took more than {SECONDS:g} seconds.")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


class _Answer(NamedTuple):
    """What the child says."""

    measured: Comparison
    fitted: tuple[Input, ...] | None  # inputs that it found out
    notes: tuple[str, ...]  # on what the module gives back


def _answer(file: Path, path: Path, code: int) -> _Answer:
    """What the child says, taken as the text of anyone; raises FileError where it failed."""
    try:
        found = json.loads(Stamp.of(file).read(0, LARGEST_ANSWER))
    except (OSError, ValueError, RecursionError):
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise FileError(
            f"{path.name} cannot be opened: its code ended the process with {how}, perhaps for lack of memory."
        ) from None
    try:
        if "failure" in found:
            said = " ".join(str(found["failure"]).split())
            if "wanted" in found:
                raise NeedsInputs(
                    said, tuple(Wanted(str(n), _sizes(shape), str(dtype)) for n, shape, dtype in found["wanted"])
                )
            raise NeedsCode(said, ()) if found.get("code") is True else FileError(said)
        difference, *words = found["measured"]
        measured = Comparison(None if difference is None else float(difference), *map(str, words))
        fitted = found["fitted"]
        told = fitted and tuple(Input(_sizes(shape) or (), dtype=dtype) for shape, dtype in fitted)
        notes = tuple(str(note)[:LONGEST_NOTE] for note in found["notes"][:MOST_NOTES])
        return _Answer(measured, told, notes)
    except FileError:
        raise
    except (KeyError, TypeError, ValueError, NetworkError):
        raise FileError(f"{path.name} cannot be opened: its code changed what was to be told.") from None


def _sizes(shape: Any) -> tuple[int | str, ...] | None:
    return None if shape is None else tuple(size if isinstance(size, int) else str(size) for size in shape)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    shown = names[:8]
    last = f" and {shown.pop()}" if len(shown) > 1 and not more else ""
    return ", ".join(shown) + last + more
