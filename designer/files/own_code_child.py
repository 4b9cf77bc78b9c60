"""Build a module by the code of a file, in a child process, and record it for the app to read as data."""

import contextlib
import ctypes
import importlib
import importlib.util
import json
import os
import pickle
import re
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from designer.files.asking import NeedsCode, NeedsInputs
from designer.files.compare import Comparison, first_line
from designer.files.errors import FileError
from designer.files.own_code import ACTIVATIONS
from designer.files.python_classes import list_classes

MOST_BESIDE = 200  # files that are looked through for a class
NEW_USER, NEW_NET = 0x10000000, 0x40000000  # of Linux
MAIN = re.compile(r"attribute '(\w+)' on <module '__main__'")


def main() -> None:
    """Do what the app asks for in ``request``, and put the outcome beside it."""
    folder, memory, path = Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    for what, limit in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, memory), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (limit, limit))
    if sys.platform == "linux":
        _leave_network()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # end with the app
    try:
        answer = _opened(folder, path)
    except NeedsInputs as error:
        answer = {"failure": str(error), "wanted": [list(each) for each in error.inputs]}
    except FileError as error:
        answer = {"failure": str(error), "code": isinstance(error, NeedsCode)}
    except BaseException as error:  # whatever the code of the file raises
        answer = {"failure": f"{path.name} cannot be opened: {_said(error, path)}."}
    (folder / "answer").write_text(json.dumps(answer))
    os._exit(0)  # threads of the file's may go on for ever


def _leave_network() -> None:
    """Let this process reach no network, where the system allows to ask for that."""
    trial = os.fork()
    if not trial:
        try:
            _without_network()
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(trial, 0)[1] == 0:
        _without_network()


def _without_network() -> None:
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None).unshare(NEW_USER | NEW_NET):
        raise OSError
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _opened(folder: Path, path: Path) -> dict[str, Any]:
    import torch

    from designer.files.example_inputs import fitting_inputs
    from designer.files.live import called_as_given, compared_on, evaluating, export_module, told_inputs

    request = torch.load(folder / "request", weights_only=False)  # which the app wrote
    sys.dont_write_bytecode = True
    torch.manual_seed(0)
    module = _module(path, request)
    inputs, fitted = request["inputs"], None
    name = type(module).__name__
    out = folder / "out" / path.name
    with evaluating(module):
        if inputs is None and told_inputs(module) is None:
            inputs = fitted = fitting_inputs(module)
        try:
            example, said = export_module(module, inputs, out)
        except FileError as error:
            if isinstance(error, NeedsInputs) or error.__cause__ is None:
                raise
            cause = _said(error.__cause__, path)
            raise FileError(f"{name} of {path.name} cannot be exported with these inputs: {cause}.") from None
        try:
            from designer.files.imports import open_recorded

            measured = compared_on(module, called_as_given(open_recorded(out, "pt2").network, inputs), example)
        except FileError:  # which the app tells, when it reads the same
            measured = Comparison(None, "it was not read")
    shapes = None if fitted is None else [[list(each.shape or ()), each.dtype] for each in fitted]
    return {"measured": list(measured), "fitted": shapes, "notes": said}


# How a module comes to be.


def _module(path: Path, request: dict[str, Any]) -> Any:
    """The module that a file holds, or that its class makes."""
    import torch

    if request["how"] == "torch.nn":
        module = _loaded_safely(path)
    elif request["how"] == "module pickle":
        sys.path.insert(0, str(path.parent))
        module = _loaded(path)
    else:
        module = _constructed(path, request["name"], request["arguments"])
        if request["checkpoint"] is not None:
            from designer.files.load_checkpoint import load_checkpoint

            load_checkpoint(module, Path(request["checkpoint"]))
    if isinstance(module, dict):
        module = next((value for value in module.values() if isinstance(value, torch.nn.Module)), module)
    if not isinstance(module, torch.nn.Module):
        raise FileError(f"{path.name} gives a {type(module).__name__}, which is no nn.Module.")
    return module


def _loaded_safely(path: Path) -> Any:
    """What torch loads without any name of the file's own."""
    import torch

    parts, functions = vars(torch.nn.modules), vars(torch.nn.functional)
    own = [each for each in parts.values() if isinstance(each, type)]
    activations = [functions[name] for name in ACTIVATIONS]
    hidden = [torch.nn.modules.linear.NonDynamicallyQuantizableLinear]
    try:
        with torch.serialization.safe_globals([*own, *activations, *hidden]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        said = (
            "torch loads it only by running what it holds, with your rights: allow it only where you trust its origin"
        )
        raise NeedsCode(f"{path.name} may contain program code; {said}.", ()) from None


def _loaded(path: Path) -> Any:
    """What torch loads; classes of a script are looked for in the files beside it."""
    import torch

    found: set[str] = set()
    while True:
        try:
            return torch.load(path, map_location="cpu", weights_only=False)
        except AttributeError as error:
            missing = MAIN.search(str(error))
            if missing is None or missing[1] in found:
                raise
            found.add(missing[1])
            setattr(sys.modules["__main__"], missing[1], _beside(path, missing[1]))


def _beside(path: Path, name: str) -> Any:
    """A class of the only file beside this one that defines it."""
    homes = []
    for file in sorted(path.parent.glob("*.py"))[:MOST_BESIDE]:
        with contextlib.suppress(FileError):
            homes += [file for each in list_classes(file) if each.name == name]
    if len(homes) != 1:
        where = "several files" if homes else "no file"
        raise FileError(
            f"{path.name} cannot be opened: its class {name} was defined in a script, and {where} beside it"
            f" {'define' if homes else 'defines'} it: open the one that does, with {path.name} as its checkpoint."
        )
    return getattr(_imported(homes[0]), name)


def _constructed(path: Path, name: str, arguments: dict[str, Any]) -> Any:
    kind = getattr(_imported(path), name, None)
    if not isinstance(kind, type):
        raise FileError(f"{path.name} defines no class {name} when it is run.")
    return kind(**arguments)


def _imported(path: Path) -> Any:
    """A file as a module, a part of its package where it is in one."""
    names, folder = [path.stem], path.parent
    while (folder / "__init__.py").exists() and folder != folder.parent:
        names.insert(0, folder.name)
        folder = folder.parent
    sys.path.insert(0, str(folder))
    if len(names) > 1:
        importlib.import_module(".".join(names[:-1]))
    elif names[0] in sys.modules or names[0] in sys.stdlib_module_names:
        names[0] += "_of_the_file"
    spec = importlib.util.spec_from_loader(
        ".".join(names), importlib.machinery.SourceFileLoader(".".join(names), str(path)), origin=str(path)
    )
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    made.__file__ = str(path)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


# What went wrong.


def _said(error: BaseException, path: Path) -> str:
    """What stopped it, in a clause, with the line of the file's code that did."""
    if isinstance(error, ModuleNotFoundError):
        return f"it needs the module {error.name}, which is neither installed nor beside it{_where(error, path)}"
    if isinstance(error, MemoryError) or "t allocate memory" in str(error):
        return "it needs more memory than it may use"
    if isinstance(error, SystemExit):
        return f"its code ends the process{_where(error, path)}"
    text = first_line(error)
    kind = type(error).__name__
    return (kind if text == kind else f"{kind}: {text}") + _where(error, path)


def _where(error: BaseException, path: Path) -> str:
    """The last line outside of torch that led to an error, of files that lie where the file does."""
    found = ""
    for frame in _frames(error):
        file = Path(frame.tb_frame.f_code.co_filename)
        if file.is_relative_to(path.parent) and "site-packages" not in file.parts:
            found = f" (line {frame.tb_lineno} of {file.name})"
    return found


def _frames(error: BaseException) -> Iterator[Any]:
    frame = error.__traceback__
    while frame is not None:
        yield frame
        frame = frame.tb_next
