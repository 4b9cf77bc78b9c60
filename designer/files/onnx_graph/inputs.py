"""What an ONNX file says about its inputs, and the sizes that its nodes are followed with."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from designer.files.asking import NeedsInputs, Wanted
from designer.files.errors import FileError
from designer.files.onnx_graph.weights import TYPES
from designer.files.torchscript.inputs import arguments_given
from designer.files.torchscript.objects import Example
from designer.model.names import shortened

BATCH = (2, 3, 5)
# What free sizes are tried with, for pictures and for sequences, the likeliest first.
SCALES = (((64, 96, 160), (4, 6, 11)), ((224, 256, 320), (64, 96, 160)), ((16, 24, 40), (16000, 17600, 20800)))
STEP = 32


class Told(NamedTuple):
    """An input as the file tells it: its sizes are numbers, or names of those that are free."""

    name: str
    shape: tuple[int | str, ...] | None
    dtype: str


class Sizes(NamedTuple):
    """Sizes for each input, and numbers for the names among them."""

    inputs: tuple[Told, ...]
    symbols: dict[str, tuple[int, ...]]
    fixed: str = ""  # what is not free, though the file says so


def told_inputs(file: str, graph: Any) -> tuple[Told, ...]:
    """The inputs of a graph that are no weights. Raises FileError."""
    stored = {proto.name for proto in graph.initializer}
    found = []
    for info in graph.input:
        if info.name in stored:
            continue
        quoted = shortened(info.name)
        if info.type.WhichOneof("value") != "tensor_type":
            raise FileError(f"{file} takes {quoted}, which is no tensor.")
        kind = info.type.tensor_type
        dtype = TYPES.get(kind.elem_type)
        if dtype is None or dtype.startswith(("float8", "uint16", "uint32", "uint64")):
            raise FileError(f"{file} takes {quoted}, whose type of numbers PyTorch does not compute with.")
        shape: list[int | str] | None = [] if kind.HasField("shape") else None
        for n, dim in enumerate(kind.shape.dim):
            assert shape is not None
            if dim.HasField("dim_value") and dim.dim_value >= 0:
                if dim.dim_value >= 2**40:
                    raise FileError(f"{file} takes {quoted} with a size of {dim.dim_value:,}, which no machine holds.")
                shape.append(dim.dim_value)
            else:
                shape.append(dim.dim_param or f"{info.name} {n}")
        if len(shape or ()) > 64:
            raise FileError(f"{file} takes {quoted}, which has {len(shape or ()):,} sizes.")
        found.append(Told(info.name, tuple(shape) if shape is not None else None, dtype))
    if len({told.name for told in found}) != len(found):
        raise FileError(f"{file} has two inputs of one name.")
    return tuple(found)


def given_inputs(file: str, told: tuple[Told, ...], inputs: Any) -> tuple[tuple[Told, ...], bool]:
    """The inputs with the sizes that somebody gave where the file leaves them free, and whether some were given."""
    if inputs is None:
        return told, False
    try:
        given = arguments_given(inputs, {entry.name: ("Tensor", True) for entry in told})
    except FileError as error:
        raise FileError(f"{file} does not take these inputs: {str(error).rstrip('.')}.") from None
    found = []
    for entry in told:
        example = given.get(entry.name)
        if not isinstance(example, Example):
            found.append(entry)
            continue
        shape = example.shape
        wanted = entry.shape if entry.shape is not None else shape
        numbers = zip(wanted, shape)
        if len(wanted) != len(shape) or any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in numbers):
            sizes = " x ".join(map(str, wanted)) or "no sizes"
            raise FileError(f"{file} does not take these inputs: {shortened(entry.name)} has the sizes {sizes}.")
        merged = tuple(a if isinstance(a, int) else b for a, b in zip(wanted, shape))
        found.append(Told(entry.name, merged, entry.dtype))
    return tuple(found), True


def tried(told: tuple[Told, ...], given: tuple[Told, ...], some: bool) -> Iterator[Sizes]:
    """Sizes to follow a graph with, those that leave more free first."""
    if some:
        around = _around(told, given)
        ways = [around, *_of_one_batch(around, given)]
        yield from ways
        for way in ways:
            yield from _fixed_one_by_one(way)
        for way in ways:
            yield Sizes(_numbered(way), {}, "the sizes that were given")
        return
    free = list(dict.fromkeys(size for entry in told for size in entry.shape or () if isinstance(size, str)))
    if not free:
        yield Sizes(told, {})
        return
    first = {entry.shape[0] for entry in told if entry.shape and isinstance(entry.shape[0], str)}
    pictures = {
        size
        for entry in told
        if len(entry.shape or ()) > 3 and "float" in entry.dtype
        for size in (entry.shape or ())[2:] + (entry.shape or ())[1:-1]
    }
    scales = []
    for scale in SCALES:
        symbols: dict[str, tuple[int, ...]] = {}
        for size in free:
            n = len(symbols)
            if size in first:
                symbols[size] = tuple(number + 4 * n for number in BATCH)
            elif size in pictures:
                symbols[size] = tuple(number + STEP * n for number in scale[0])
            else:
                base = scale[1]
                more = 3 * n if base[0] < 10 else STEP * n
                symbols[size] = tuple(number + more + k * n * (base[0] < 10) for k, number in enumerate(base))
        scales.append(symbols)
        yield Sizes(told, symbols)
    if len(first) > 1:  # they are named apart, but most models take one batch
        same = tuple(
            entry._replace(shape=tuple("the batch" if size in first else size for size in entry.shape or ()))
            for entry in told
        )
        rest = {size: numbers for size, numbers in symbols.items() if size not in first}
        yield Sizes(same, {"the batch": BATCH, **rest}, "the first sizes of its inputs are one and the same")
    if first:
        last = {size: numbers for size, numbers in symbols.items() if size not in first}
        for number in (1, 2):
            fixed: dict[str, tuple[int, ...]] = dict.fromkeys(first, (number,) * 3)
            yield Sizes(_numbered(Sizes(told, fixed)), last, f"the first sizes are fixed at {number}")
    for symbols in scales:
        yield Sizes(_numbered(Sizes(told, symbols)), {}, "all sizes are fixed")


def _of_one_batch(numbers: Sizes, given: tuple[Told, ...]) -> Iterator[Sizes]:
    """The same with the first size that was given for all that were not: those without a name are a batch, mostly."""
    left = {size for entry in given for size in entry.shape or () if isinstance(size, str)} & numbers.symbols.keys()
    firsts = [
        (entry.shape[0], mine.shape[0]) for entry, mine in zip(numbers.inputs, given) if entry.shape and mine.shape
    ]
    batch = next((name for name, size in firsts if isinstance(name, str) and isinstance(size, int)), None)
    if left and batch is not None:
        same = {name: numbers.symbols[batch] if name in left else found for name, found in numbers.symbols.items()}
        yield Sizes(numbers.inputs, same, "the sizes that were not given are those of the batch")


def _fixed_one_by_one(sizes: Sizes) -> Iterator[Sizes]:
    """The same with one size after the other fixed, the others free."""
    for name, found in sizes.symbols.items():
        rest = {other: numbers for other, numbers in sizes.symbols.items() if other != name}
        said = f"a size is fixed at {found[0]}, as it was given"
        yield Sizes(_numbered(Sizes(sizes.inputs, {name: found})), rest, said)


def _numbered(sizes: Sizes) -> tuple[Told, ...]:
    """The inputs with the first number of each name in its place."""
    return tuple(
        entry._replace(
            shape=tuple(sizes.symbols[s][0] if s in sizes.symbols else s for s in entry.shape or ())  # type: ignore[index]
        )
        for entry in sizes.inputs
    )


def _around(told: tuple[Told, ...], given: tuple[Told, ...]) -> Sizes:
    """The sizes that were given, and others near them where the file leaves them free."""
    symbols: dict[str, tuple[int, ...]] = {}
    shapes = []
    for entry, mine in zip(told, given):
        own = (
            entry.shape if entry.shape is not None else tuple(f"{entry.name} {n}" for n in range(len(mine.shape or ())))
        )
        for name, size in zip(own, mine.shape or ()):
            if isinstance(name, str) and name not in symbols:
                n = len(symbols)
                if isinstance(size, int):
                    symbols[name] = (size, size + 1 + n, size + 4 + 2 * n)
                else:
                    symbols[name] = tuple(number + 4 * n for number in BATCH)
        shapes.append(Told(entry.name, own, entry.dtype))
    return Sizes(tuple(shapes), symbols)


def needed(file: str, told: tuple[Told, ...], reason: str) -> NeedsInputs:
    """The question for the sizes of inputs."""
    names = " and ".join(shortened(entry.name) for entry in told)
    wanted = tuple(Wanted(entry.name, entry.shape, entry.dtype) for entry in told)
    return NeedsInputs(
        f"{file} does not tell the sizes of {names} ({reason}): give them, as in inputs={{{told[0].name!r}: (2, 3)}}.",
        wanted,
    )
