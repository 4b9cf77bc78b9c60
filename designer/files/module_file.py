"""Open a whole module that torch.save wrote; none of its code is run."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from designer.files.checkpoint import dtype_of, map_stored
from designer.files.compare import Comparison
from designer.files.errors import FileError
from designer.files.module_network import Built, network_of
from designer.files.modules import Modules, Part, read_modules
from designer.files.recorded import MODULE
from designer.files.report import Note, Report, layer_counts
from designer.model import Input, Network
from designer.model.names import shortened
from designer.model.values import Stamp

# Pictures are most often of these sizes; which one a classifier takes is told by the size of its first Linear only.
USUAL: tuple[int, ...] = (
    224,
    32,
    28,
    64,
    96,
    128,
    256,
    299,
    227,
    48,
    16,
    160,
    192,
    240,
    320,
    384,
    512,
    8,
    12,
    20,
    24,
    40,
    56,
    84,
    100,
)
USUAL += (112, 150, 200, 280, 300, 400, 448, 480, 640)

UNKNOWN = Comparison(None, "how its layers are wired is not in the file")
UNWIRED = Comparison(None, "its layers are not wired")


def read_module_file(path: Path, inputs: Any = None) -> tuple[Network, Report]:
    """Read the network of a module, or the tree of its parts. Raises FileError."""
    stamp = Stamp.of(path)
    try:
        modules = read_modules(stamp)
    except FileError as error:
        said = str(error)
        raise FileError(said if path.name in said else f"{path.name} cannot be read: {said}") from None
    built = network_of(modules, _shape(inputs))
    tensors = map_stored(stamp, modules.stored, modules.saved.spans)
    network = dataclasses.replace(
        built.network,
        values={key: tensors[name] for key, name in built.keys.items()},
        aliases={**built.aliases, **built.ties},
        file_names=built.file_names,
        dtype=dtype_of(modules.stored),
    )
    for name in network.inputs if built.wired else ():
        if getattr(network.layer(name), "dtype", "") == "float32":  # of a module in double precision, say
            network = network.set(name, dtype=network.dtype)
    notes = [*built.notes, *_told(modules, built)]
    if built.wired and inputs is None:
        network, more = _fitted(network)
        notes += more
    counts = layer_counts(network)
    measured = None if built.wired else UNWIRED if _holds_only(modules.root) else UNKNOWN
    return network, Report(MODULE, path, counts, built.ties, built.aliases, (), {}, tuple(notes), stamp, measured)


def _shape(inputs: Any) -> tuple[int | str, ...] | None:
    """The shape of the only input, from an example or as it is."""
    if isinstance(inputs, Mapping) and len(inputs) == 1:
        (inputs,) = inputs.values()
    if isinstance(inputs, list | tuple) and len(inputs) == 1 and not isinstance(inputs[0], int | str):
        inputs = inputs[0]
    shape = getattr(inputs, "shape", inputs)
    plain = isinstance(shape, tuple | list) and all(isinstance(size, int | str) for size in shape)
    if not plain:
        return None
    free = hasattr(inputs, "dim") and len(shape) > 0
    return ("B", *shape[1:]) if free else tuple(shape)


def _told(modules: Modules, built: Built) -> list[Note]:
    if built.wired:
        return []
    if _holds_only(modules.root):
        return [Note(f"a {modules.root.name} does not say how its parts are wired: they are shown as a tree")]
    own = sorted({part.name for part in _parts(modules.root, set()) if not part.of_torch})
    named = ", ".join(map(shortened, own[:4])) + (f" and {len(own) - 4} more" if len(own) > 4 else "")
    code = f"the code of {named}, which" if own else f"code of torch for {shortened(modules.root.name)}, which"
    return [Note(f"how its layers are wired is said by {code} the file does not hold: they are shown as a tree")]


def _holds_only(part: Part) -> bool:
    """Whether a module is a list or dictionary of torch, which computes nothing."""
    return part.of_torch and part.name in ("ModuleList", "ModuleDict", "ParameterList", "ParameterDict")


def _parts(part: Part, seen: set[int]) -> list[Part]:
    if id(part) in seen:
        return []
    seen.add(id(part))
    return [part, *(inner for child in part.children.values() for inner in _parts(child, seen))]


def _fitted(network: Network) -> tuple[Network, list[Note]]:
    """Give a free picture the first usual size that all layers take, where they do not take any size."""
    from designer.analysis import analyze

    name = network.inputs[0]
    first = network.layer(name)
    assert isinstance(first, Input)
    spaces = [n for n, size in enumerate(first.shape or ()) if n > 1 and isinstance(size, str)]
    if not spaces or not analyze(network).errors:
        return network, []
    for size in USUAL:
        shape = tuple(size if n in spaces else old for n, old in enumerate(first.shape or ()))
        tried = network.set(name, shape=shape)
        if not analyze(tried).errors:
            said = "×".join([str(size)] * len(spaces))
            return tried, [Note(f"the size of its input, {said}, is not in the file: it fits all layers", (name,))]
    return network, [Note("the size of its input is not in the file: set it to what the model takes", (name,))]
