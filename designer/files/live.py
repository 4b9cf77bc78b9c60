"""Make networks of live modules, the caller's own, by recording them with torch.export and reading what it writes."""

import contextlib
import dataclasses
import io
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from designer.files.asking import NeedsInputs
from designer.files.compare import Comparison, first_line, largest_difference
from designer.files.errors import FileError
from designer.files.example_inputs import wanted_inputs
from designer.files.false_ties import on_one_memory
from designer.files.imports import Import, Opened, open_recorded
from designer.files.live_outputs import giving, plain, tensors_in
from designer.files.live_packed import explained
from designer.files.outputs import remarks, results
from designer.files.report import Note, described
from designer.model import Input, Network, NetworkError

SMALL, LARGE = 1, 16  # factors of the sizes that are tried where a size is a name
CLOSE = 1e-5  # as far apart as the same numbers may be that were added up otherwise


class Example(NamedTuple):
    """What a module is run on: its arguments, and for each tensor among them what its sizes are called."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def all(self) -> list[Any]:
        return [*self.args, *self.kwargs.values()]

    def map(self, change: Any) -> "Example":
        """Change each argument."""
        return Example(tuple(map(change, self.args)), {name: change(value) for name, value in self.kwargs.items()})


def import_module(module: Any, inputs: Any = None) -> Import:
    """Make the network of a live ``nn.Module``: in evaluation mode, and for any size of batch and time where it can.

    ``inputs`` is a tensor, a shape such as ``("B", 3, 224, 224)``, an ``Input`` layer, a tuple or list of these, or a
    dictionary of them by name; without it what the module itself tells (``example_input_array``, ``dummy_inputs``).
    The values are those of this moment: what is trained later is not seen. Raises FileError, in one sentence.
    """
    name = type(module).__name__
    with tempfile.TemporaryDirectory() as folder, evaluating(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's remarks about its own modules
        file, kind, notes = Path(folder, f"{name}.pt2"), "pt2", list[Note]()
        try:
            example, said = export_module(module, inputs, file)
            notes += map(Note, said)
            opened = open_recorded(file, kind)  # its values stay mapped after the file is gone
            if _is_fixed(opened.network, example, inputs) and (free := _freed(module, inputs, file)):
                (example, opened), kind = free, "TorchScript"
                notes.append(Note("torch.export fixes the sizes of its inputs: it was traced, which leaves them free"))
        except NeedsInputs:
            raise
        except FileError as refusal:
            kind = "TorchScript"
            example, opened = _traced(module, inputs, file.with_suffix(".pt"), refusal)
            notes.append(Note(f"{str(refusal).rstrip('.')}: it was traced, and takes the way that its example took"))
        network = called_as_given(opened.network, inputs)
        measured = compared_on(module, network, example)
    report = described(network, opened.report(Path(name), kind))
    notes += (*report.notes, *on_one_memory(_doubled(module), network))
    report = dataclasses.replace(report, notes=tuple(notes))
    return Import(network, dataclasses.replace(report, kind="nn.Module", measured=measured, size=0, producer=""))


def _doubled(module: Any) -> Iterator[tuple[str, str]]:
    """The names of Parameters that are another object than the first on the same memory, and of that."""
    firsts: dict[tuple[Any, ...], tuple[str, Any]] = {}
    for name, value in module.named_parameters(remove_duplicate=False):
        if value.numel() and (at := value.data_ptr()):
            owner, first = firsts.setdefault((at, value.dtype, value.shape, value.stride()), (name, value))
            if first is not value:
                yield name, owner


def export_module(module: Any, inputs: Any, path: Path) -> tuple[Example, list[str]]:
    """Record a module as a .pt2 file; tell what it was run on, and what the file does not say. Raises FileError."""
    import torch

    name, failure = type(module).__name__, None
    for example in examples(module, inputs):
        for free in _free(example, inputs):
            try:
                args, kwargs = example if free is None else example.map(_pair)
                shapes = None if free is None else (free.kwargs or free.args)
                with giving(module, plain) as given, _unheard():
                    program = torch.export.export(module, args, kwargs, dynamic_shapes=shapes, strict=False)
                torch.export.save(program, path)
                return example, remarks(given[0]) if given else []
            except Exception as error:  # whatever the code of the module raises
                failure = error
    told = "" if failure is None else first_line(failure)
    raise FileError(f"{name} cannot be exported with these inputs: {told}.") from failure


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keep from the terminal what torch.export says when it fails: its warnings, and the graph so far.

    What the code of the module writes is passed on.
    """
    loggers = [logging.getLogger(name) for name in [*logging.root.manager.loggerDict] if name.startswith("torch")]
    heard, dump = io.StringIO(), ""
    for logger in loggers:
        logger.addFilter(_is_asked_for)
    try:
        with contextlib.redirect_stderr(heard):
            yield
    except Exception as error:
        dump = f"{error.partial_fx_graph}\n" if hasattr(error, "partial_fx_graph") else dump
        raise
    finally:
        for logger in loggers:
            logger.removeFilter(_is_asked_for)
        if said := heard.getvalue().replace(dump, ""):
            sys.stderr.write(said)


def _is_asked_for(record: logging.LogRecord) -> bool:
    """Whether torch logs something that it does not log unless it is told to."""
    return record.levelno < logging.WARNING


def _traced(module: Any, inputs: Any, path: Path, refusal: FileError) -> tuple[Example, Opened]:
    """Record a module as TorchScript, which is followed for several sizes. Raises the refusal where that fails too."""
    import torch

    for example in examples(module, inputs):
        named = example.kwargs or None
        try:
            with torch.no_grad(), giving(module, _flat) as given, unchanged(module):
                script = torch.jit.trace(
                    module, example.args or None, example_kwarg_inputs=named, strict=False, check_trace=False
                )
            script.save(path)
            whole = given[0] if given else None
            return example, open_recorded(path, "TorchScript", named or list(example.args), whole)
        except Exception:  # whatever the code of the module raises, and what cannot be followed
            continue
    with unchanged(module):
        raise explained(module, *next(examples(module, inputs)), refusal)


def _is_fixed(network: Network, example: Example, inputs: Any) -> bool:
    """Whether all sizes are plain numbers, though some should be free."""
    shapes = [layer.shape or () for layer in map(network.layer, network.inputs) if isinstance(layer, Input)]
    named = any(isinstance(size, str) for shape in shapes for size in shape)
    wanted = next(_free(example, inputs))
    return bool(shapes) and not named and wanted is not None and any(size is not None for size in wanted.all)


def _freed(module: Any, inputs: Any, path: Path) -> tuple[Example, Opened] | None:
    """A module as a trace of it, where that is right for other sizes too: a trace takes the way that its example took.

    torch.export fixes a size where one of its kernels asks for it, and also where the module itself does; the
    first alone can be freed.
    """
    failed = FileError("It cannot be traced.")
    try:
        example, opened = _traced(module, inputs, path.with_suffix(".pt"), failed)
    except FileError:
        return None
    if _is_fixed(opened.network, example, inputs):
        return None
    others = (example, *(example.map(lambda value, n=n: _rows(value, n)) for n in (1, sys.maxsize)))
    gaps = [compared_on(module, opened.network, other).difference for other in others]
    return (example, opened) if all(gap is not None and gap <= CLOSE for gap in gaps) else None


def _rows(value: Any, most: int) -> Any:
    import torch

    return torch.cat([value] * 3)[:most] if isinstance(value, torch.Tensor) and value.dim() else value


def _flat(given: Any) -> Any:
    """The tensors alone, as torch.jit takes them whatever they stand in; a single one as it is."""
    import torch

    tensors = tuple(tensor for _, tensor in results(given, torch.Tensor).outputs)
    return tensors[0] if len(tensors) == 1 else tensors


@contextlib.contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """Let a module be in evaluation mode for a while, and each part of it as it was again."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        with unchanged(module):
            yield
    finally:
        for part in training:
            part.training = True


@contextlib.contextmanager
def unchanged(module: Any) -> Iterator[None]:
    """Let a module run for a while, and give its buffers the numbers again that they had: some count its runs."""
    import torch

    kept = [
        (part, name, value, value._version, value.detach().clone())
        for part in module.modules()
        for name, value in part.named_buffers(recurse=False)
    ]
    try:
        yield
    finally:
        for part, name, value, version, before in kept:
            with torch.no_grad():
                if value._version != version:
                    value.copy_(before)
            if not isinstance(part, torch.jit.ScriptModule) and getattr(part, name, None) is not value:
                setattr(part, name, value)


# What it is run on.


def told_inputs(module: Any) -> Any:
    """The example that a module of Lightning or of transformers brings with it; None where there is none."""
    found = (getattr(module, name, None) for name in ("example_input_array", "dummy_inputs"))
    return next((inputs for inputs in found if inputs is not None), None)


def examples(module: Any, inputs: Any) -> Iterator[Example]:
    """The arguments to try a module with, the likeliest first."""
    if inputs is None:
        inputs = told_inputs(module)
    if inputs is None:
        said = f"{type(module).__name__} does not tell what it takes: give an example or its shape, as in inputs=(x,)."
        raise NeedsInputs(said, wanted_inputs(module))
    example = _arguments(inputs).map(_as_tensors)
    if not any(map(_is_shape, example.all)):
        yield example
        return
    for dtype in ("float32", "int64"):  # tables are asked for whole numbers
        for scale in (SMALL, LARGE):
            sizes: dict[str, int] = {}
            yield example.map(
                lambda value, d=dtype, k=scale, s=sizes: _made(value, d, k, s) if _is_shape(value) else value
            )


def _arguments(inputs: Any) -> Example:
    if isinstance(inputs, Mapping):
        return Example((), dict(inputs))
    if isinstance(inputs, tuple | list) and not _is_shape(inputs):
        return Example(tuple(inputs), {})
    return Example((inputs,), {})


def _as_tensors(value: Any) -> Any:
    """An argument, with tensors in the place of arrays of NumPy."""
    import numpy as np
    import torch
    from torch.utils._pytree import tree_map_only  # type: ignore[attr-defined]

    def tensor(array: Any) -> Any:
        try:
            return torch.from_numpy(np.array(array))  # a copy, in rows, that may be written
        except (TypeError, ValueError) as error:
            raise FileError(f"An array of {array.dtype} is no input of a module: {first_line(error)}.") from None

    return tree_map_only((np.ndarray, np.generic), tensor, value)


def _is_shape(value: Any) -> bool:
    """Whether an argument says a shape and is no tensor: an Input layer, or a sequence of sizes."""
    if isinstance(value, Input):
        return True
    plain = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    return plain and all(isinstance(size, int | str) and not isinstance(size, bool) for size in value)


def _made(shape: Any, dtype: str, scale: int, sizes: dict[str, int]) -> Any:
    """A tensor of a shape, equal names being equal sizes."""
    import torch

    if isinstance(shape, Input):
        shape, dtype = shape.shape or (), shape.dtype
    numbers = []
    for size in shape:
        if isinstance(size, str) and size not in sizes:  # the first is the batch
            sizes[size] = 2 if not sizes else scale * (4 + 3 * len(sizes))
        numbers.append(sizes[size] if isinstance(size, str) else size)
    made = getattr(torch, dtype)
    return torch.randn(numbers).to(made) if made.is_floating_point else torch.randint(0, 2, numbers).to(made)


def _free(example: Example, inputs: Any) -> Iterator[Example | None]:
    """Which sizes to leave free: as the names say, else of batch and time, else of the batch, else none."""
    import torch

    auto = torch.export.Dim.AUTO
    given = _arguments(inputs) if inputs is not None else None
    if given and any(map(_is_shape, given.all)):
        named = given.map(
            lambda value: {n: auto for n, size in enumerate(_shape(value)) if isinstance(size, str)} or None
        )
        yield named
        yield None
        return
    tensors = [value for value in example.all if isinstance(value, torch.Tensor) and value.dim() > 0]
    if tensors and len({value.shape[0] for value in tensors}) == 1:
        for time in (True, False):
            yield example.map(lambda value, t=time: _free_sizes(value, t))
    yield None


def _shape(value: Any) -> Sequence[int | str]:
    if isinstance(value, Input):
        return value.shape or ()
    return value if _is_shape(value) else ()


def _free_sizes(value: Any, time: bool) -> dict[int, Any] | None:
    import torch

    if not isinstance(value, torch.Tensor) or not value.dim():
        return None
    tokens = value.dim() == 2 and not value.is_floating_point()
    sequence = time and (tokens or value.dim() == 3) and value.shape[1] > 1
    return dict.fromkeys((0, 1) if sequence else (0,), torch.export.Dim.AUTO)


def _pair(value: Any) -> Any:
    """Two of a single example: torch takes a size of one for one that never changes."""
    import torch

    single = isinstance(value, torch.Tensor) and value.dim() > 0 and value.shape[0] == 1
    return torch.cat([value, value]) if single else value


def called_as_given(network: Network, inputs: Any) -> Network:
    """Call the free sizes as the given shapes call them."""
    if inputs is None:
        return network
    names: dict[str, str] = {}
    layers = [network.layer(name) for name in network.inputs]
    for layer, value in zip(layers, _arguments(inputs).all):
        if isinstance(layer, Input):
            names |= {
                old: new
                for old, new in zip(layer.shape or (), _shape(value))
                if isinstance(old, str) and isinstance(new, str)
            }
    for name in network.inputs:
        layer = network.layer(name)
        if isinstance(layer, Input) and layer.shape:
            shape = tuple(names.get(size, size) if isinstance(size, str) else size for size in layer.shape)
            network = network.set(name, shape=shape) if shape != layer.shape else network
    return network


# Whether it is the same.


def compared_on(module: Any, network: Network, example: Example) -> Comparison:
    """Compare a module with its network on the example."""
    import torch
    from torch.utils._pytree import tree_leaves  # type: ignore[attr-defined]

    from designer.source import build
    from designer.source import results as results_of

    taken = [value for value in tree_leaves((example.args, example.kwargs)) if isinstance(value, torch.Tensor)]
    try:
        built = build(network).eval()
    except NetworkError as error:
        return Comparison(None, f"the network cannot be run: {str(error).rstrip('.')}")
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it rounds otherwise
    try:
        with torch.no_grad():
            wanted = tensors_in(module(*example.args, **example.kwargs))
            given = list(results_of(network, built(*taken)).values())
    except Exception as error:  # whatever the code of the module raises
        return Comparison(None, f"it does not run on the example: {first_line(error)}")
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    if [a.shape for a in wanted] != [b.shape for b in given]:
        return Comparison(None, "the outputs differ in their sizes")
    return Comparison(max(map(largest_difference, wanted, given), default=0.0))
