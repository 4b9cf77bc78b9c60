"""Open models of PyTorch as networks, with a report of what was read."""

import contextlib
import dataclasses
import gc
import itertools
import math
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from designer.files.asking import Choice, tell_inputs
from designer.files.attention import join_attention
from designer.files.checkpoint import dtype_of
from designer.files.clean import clean
from designer.files.equal_sizes import equal_sizes
from designer.files.errors import FileError
from designer.files.false_ties import buffers_apart, drawn_as_ties, kept_as_buffers
from designer.files.fold import fold
from designer.files.fold_cells import part_states
from designer.files.functional import functional
from designer.files.hidden import hidden
from designer.files.joined import join_functions
from designer.files.kinds import kind_of
from designer.files.outputs import Held, Left, filled, in_order, remarks, results
from designer.files.program import Program, Ref
from designer.files.progress import stage
from designer.files.rebuild import Rebuilt, rebuild
from designer.files.recorded import RECORDED, Recorded, read_recorded
from designer.files.replace import reason
from designer.files.report import Note, Report, described, layer_counts
from designer.files.steps import Calls, is_placeholder
from designer.files.ties import Twins, View, express_views
from designer.files.values import VALUES, open_values
from designer.layers import Operation
from designer.model import Input, Network, NetworkError
from designer.model.checking import check_network
from designer.model.places import parse_place
from designer.model.values import Stamp


@dataclasses.dataclass(frozen=True, eq=False)
class Import:
    """A network, and what is to be said about its file; unpacks as that pair."""

    network: Network
    report: Report

    def __iter__(self) -> Iterator[Any]:
        return iter((self.network, self.report))


def import_pytorch(source: Any, inputs: Any = None, allow_code: bool = False, choice: Choice | None = None) -> Import:
    """Open a file of PyTorch, or a live ``nn.Module``.

    Nothing in a file is run, unless ``allow_code`` says so for one that holds program code; then it is run with the
    rights of the caller, in a process of its own, and ``choice`` tells what to build of Python source.
    What ``torch.export.save`` wrote becomes a network, a state_dict, a checkpoint, a safetensors file, the index of
    shards or a file of arrays of NumPy, MATLAB, HDF5 or Keras the tree of its values. Values stay in the file until
    something needs them, unless it packs them. ``inputs`` are example tensors, or their shapes, for
    what does not tell them itself. Raises FileError, in one sentence, for any other file.
    """
    if not isinstance(source, str | os.PathLike):
        from designer.files.live import import_module

        if isinstance(source, type):
            raise FileError(
                f"{source.__name__} is a class: open a module of it, as in import_pytorch({source.__name__}())."
            )
        if not hasattr(source, "named_modules"):
            raise FileError(f"A model is opened from a file or an nn.Module, and {type(source).__name__} is neither.")
        return import_module(source, inputs)
    stage("reading")
    try:
        network, report = _open(source, inputs, allow_code, choice)
    except OSError as error:  # it went away, or its disk did
        raise FileError(f"{Path(source).name} cannot be read: {reason(error)}") from None
    except NetworkError as error:  # it was changed meanwhile
        raise FileError(str(error)) from None
    return Import(network, described(network, report))


def _open(source: str | os.PathLike[str], inputs: Any, allow_code: bool, choice: Choice | None) -> Import:
    kind = kind_of(source)
    if kind.refusal:
        raise FileError(kind.refusal)
    if kind.name == "network":
        raise FileError(f"{Path(source).name} is a network of this program: open it with load.")
    if kind.name == "module pickle":
        from designer.files.own_code import import_module_file

        return import_module_file(Path(source), inputs, allow_code)
    if kind.name == "Python modules":
        from designer.files.own_code import import_source, needs_code

        if not allow_code:
            raise needs_code(Path(source))
        return import_source(Path(source), inputs, choice)
    if kind.name in VALUES:
        return import_values(Path(source), kind.name)
    if kind.name == "TorchScript":
        from designer.files.torchscript.opened import open_torchscript

        return Import(*open_torchscript(Path(source), inputs))
    with _uncollected():  # until the program is let go, of which there is more than of the network
        opened = open_recorded(Path(source), kind.name, inputs if kind.name == "ONNX" else None)
        network, report = opened.network, opened.report(Path(source), kind.name)
        del opened
    return Import(network, dataclasses.replace(report, inputs=tell_inputs(inputs)))


def import_values(path: Path, kind: str) -> Import:
    """Open a file that holds values and no program, as the tree of their names."""
    opened = open_values(path, kind)
    found = opened.tree
    network = dataclasses.replace(
        found.network,
        values={key: opened.tensors[name] for key, name in found.keys.items()},
        aliases=found.aliases,
        file_names=found.file_names,
        dtype=dtype_of(opened.stored),
    )
    renamed = {name: key for name, key in found.aliases.items() if name not in found.ties}
    counts = layer_counts(network)
    notes = tuple(map(Note, (*opened.notes, *found.notes)))
    return Import(network, Report(kind, path, counts, found.ties, renamed, (), {}, notes, opened.stamp))


class Opened(NamedTuple):
    """A file that was opened, and what happened on the way."""

    network: Network
    program: Program
    rebuilt: Rebuilt
    views: list[View]
    stamp: Stamp

    def report(self, path: Path, kind: str) -> Report:
        counts = Counter(
            layer.operation.rstrip("?")
            for _, layer in self.network.walk()
            if isinstance(layer, Operation) and is_placeholder(layer)
        )
        names = {*self.rebuilt.keys.values(), *self.program.known_as}
        ties = {name: key for name, key in self.network.aliases.items() if name not in names}
        values, stored = self.network.values, self.program.stored
        tied = {
            name: math.prod(stored[name].shape) * values[key].element_size()  # a part of the owner, maybe
            for name, key in ties.items()
            if name in stored and key in values
        }
        renamed = {name: key for name, key in self.network.aliases.items() if name in names}
        return Report(
            RECORDED[kind],
            path,
            layer_counts(self.network),
            ties,
            renamed,
            tuple(self.rebuilt.unused),
            dict(counts),
            (
                *map(Note, self.program.notes),
                *drawn_as_ties(self.views, self.program, self.network),
                *(buffers_apart(self.rebuilt.keys, self.program.stored) if kind != "ONNX" else ()),  # it merges equals
                *hidden(self.program, self.network, kind),
            ),
            self.stamp,
            producer=self.program.producer,
            tied_bytes=tied,
        )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python not look for garbage: there is none while a network grows, and each look goes over all that grew."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@_uncollected()
def open_recorded(path: Path, kind: str, inputs: Any = None, given: Any = None) -> Opened:
    """Read a file that holds a program, and rebuild that as a network.

    ``given`` is what the model gives back, as held, where the file has its tensors in one tuple.
    """
    recorded = read_recorded(path, kind, inputs)
    program = recorded.program
    if given is not None:
        _place_as_given(program, given)
    try:
        return _rebuilt(recorded)
    except FileError:
        raise
    except (NetworkError, LookupError, TypeError, ValueError, AttributeError, AssertionError, RecursionError) as error:
        what = str(error).rstrip(".") if isinstance(error, NetworkError) else "its calls do not fit together"
        raise FileError(f"{program.name} is damaged or was changed: {what}.") from error


def _place_as_given(program: Program, given: Any) -> None:
    """Let the outputs of a program, which come in one tuple, stand as they did in what the model gave back."""
    import torch

    values = {place or f"({n})": value for n, (place, (_, value)) in enumerate(zip(program.places, program.outputs))}
    flat = {step.at: value for place, value in values.items() for step in parse_place(place)}
    count = len(results(given, torch.Tensor).outputs)
    leaves = [flat.get(n, Left("a number")) for n in range(count)]
    in_one = remarks(Held("tuple", in_order(leaves)))
    found = results(filled(given, torch.Tensor, iter(leaves)), Ref)
    program.outputs, program.places = found.outputs, found.places
    program.notes = [*(note for note in program.notes if note not in in_one), *found.notes]


def _rebuilt(recorded: Recorded) -> Opened:
    """The program as a network, its values mapped."""
    stage("rebuilding")
    program, stamp = recorded.program, recorded.stamp
    equal_sizes(program)
    untrained(program)
    tensors = recorded.tensors(list(program.stored))
    for op, why in functional(program):
        program.notes.append(f"{op.target} could not be written without changing its tensor: {why}")
    views, notes = express_views(program)
    program.notes += notes
    clean(program)
    join_attention(program)
    join_functions(program)
    part_states(program)
    steps = fold(Calls(program))
    inputs = input_layers(program)
    stage("arranging")
    try:
        rebuilt = rebuild(program, steps, inputs, tensors.__getitem__)
        network = _finished(program, rebuilt, views, tensors)
        check_network(network)
    except NetworkError as error:
        rebuilt = rebuild(program, steps, inputs, tensors.__getitem__, grouped=False)
        network = _finished(program, rebuilt, views, tensors)
        check_network(network)
        program.notes.append(f"it could not be drawn in groups ({error})")
    return Opened(network, program, rebuilt, views, stamp)


def untrained(program: Program) -> None:
    """Keep parameters of whole numbers, such as packed weights, as buffers: none of them can be trained."""
    whole = [name for name, stored in program.stored.items() if stored.role == "parameter" and stored.whole]
    for name in whole:
        program.stored[name] = program.stored[name]._replace(role="buffer")
    if whole:
        program.notes.append(kept_as_buffers(whole))


def _finished(program: Program, rebuilt: Rebuilt, views: list[View], tensors: dict[str, Any]) -> Network:
    """The network with its values, its names in the file, and the dtype of most of its learnables."""
    values = {key: tensors[name] for key, name in rebuilt.keys.items()}
    owners = {name: key for key, name in rebuilt.keys.items()}
    aliases, twins = dict(rebuilt.aliases), Twins(program)
    for view in views:
        owner = owners.get(view.overlap.owner) or aliases.get(view.overlap.owner)
        if owner is not None:
            names = dict.fromkeys(twins.of(view.name), owner)
            aliases |= names
            rebuilt.unused[:] = [name for name in rebuilt.unused if name not in names]
    for name, other in program.known_as.items():
        owner = owners.get(other) or aliases.get(other)
        if owner is not None and name != owner:
            aliases.setdefault(name, owner)
    dtype = dtype_of({name: s for name, s in program.stored.items() if s.role == "parameter"})
    names = _file_names(program, rebuilt, views, twins, aliases)
    return dataclasses.replace(rebuilt.network, values=values, aliases=aliases, dtype=dtype, file_names=names)


def _file_names(
    program: Program, rebuilt: Rebuilt, views: list[View], twins: Twins, aliases: dict[str, str]
) -> dict[str, str]:
    """Every name of the file that the network has a tensor for, with the key of who owns or borrows that."""
    kept = {name for name, stored in program.stored.items() if stored.persistent}
    found = {name: key for key, name in rebuilt.keys.items() if name in kept}
    alike = [twins.of(name) for name in (*found, *(view.name for view in views if view.name in kept))]
    tied = {name for names in alike for name in names} & kept & aliases.keys()
    found |= {name: rebuilt.borrowed[name] for name in tied - found.keys() if name in rebuilt.borrowed}
    for names in alike:  # a name that no layer asks for has the tensor of one that is asked for
        if (first := next((name for name in names if name in found), None)) is not None:
            found |= {name: found[first] for name in names if name in kept and name not in found}
    return {name: found[name] for name in program.stored if name in found}


# What sizes are called, by how many there are; a second sequence is S long.
USUAL = {1: ["B"], 2: ["B", "TS"], 3: ["B", "TS", "C"], 4: ["B", "C", "H", "W"], 5: ["B", "C", "D", "H", "W"]}


def input_layers(program: Program) -> dict[Ref, tuple[str, Input]]:
    """An Input layer for each input, with names for the sizes that the file leaves free."""
    names: dict[str, str] = {}
    found = {}
    for ref, meta in program.inputs:
        shape: list[int | str] = []
        for dim, size in enumerate(meta.sizes):
            if size.text and size.text not in names:
                usual = (USUAL.get(len(meta.sizes)) or [*"BNMKLPQRUVXYZ", *"N" * 64])[dim]
                more = (f"{usual[0]}{n}" for n in itertools.count(2))
                names[size.text] = next(name for name in itertools.chain(usual, more) if name not in names.values())
            shape.append(names[size.text] if size.text else size.number)
        if meta.dtype == "unknown":
            raise FileError(f"{program.name} takes an input whose type of numbers cannot be read.")
        found[ref] = (str(ref), Input(tuple(shape), meta.dtype))
    return found
