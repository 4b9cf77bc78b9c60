"""Find tied learnables by where their numbers lie, and write those that look at the same numbers as expressions."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from designer.edits.views import Look, steps
from designer.files.overlaps import Overlap, named, overlaps, said
from designer.files.program import Meta, Op, Program, Ref, Size, Stored, renamed
from designer.layers import Permute, Reshape, Slice


class Twins:
    """The names of the file that stand for one tensor: the same bytes, seen the same way."""

    def __init__(self, program: Program):
        alike: dict[tuple[object, ...], list[str]] = {}
        self.names: dict[str, list[str]] = {}
        for key, stored in program.stored.items():
            self.names[key] = alike.setdefault(_identity(key, stored), [])
            self.names[key].append(key)

    def of(self, key: str) -> list[str]:
        """All names of the tensor that has this one."""
        return self.names[key]

    def first(self, key: str) -> str:
        """One name for all of them."""
        return self.of(key)[0]


def _identity(key: str, stored: Stored) -> tuple[object, ...]:
    return stored.view if stored.numel else (key,)  # tensors without numbers share none


class View(NamedTuple):
    """A learnable that looks at the numbers of another: its names go with it."""

    name: str
    overlap: Overlap


def express_views(program: Program) -> tuple[list[View], list[str]]:
    """Give learnables that look at the numbers of another one, otherwise, as calls on that one.

    Returns those views, and a note for each that cannot be written so and becomes a copy. Two tensors are tied only
    if the elements that they address overlap: cuDNN keeps the weights of an LSTM side by side in one storage.
    """
    if len({stored.storage for stored in program.stored.values()}) == len(program.stored):
        return [], []  # none looks at what another one has
    used: dict[str, Op] = {}
    for op in program.ops:
        for ref in op.refs():
            if ref in program.slots:
                used.setdefault(program.slots[ref], op)
    views: list[View] = []
    notes: list[str] = []
    before: dict[int, list[Op]] = {}
    names: dict[Ref, Ref] = {}
    for key, overlap in overlaps({key: program.stored[key] for key in used}).items():
        stored, owner = program.stored[key], overlap.owner
        ops = _expression(program, owner, key, used[key])
        if ops is None:
            trains = stored.role == program.stored[owner].role == "parameter"
            what = f"{named(key)} looks at numbers of {named(owner)}"
            what = f"{said(key, overlap, program.stored)}; that" if trains else f"{what} in a way that"
            notes.append(f"{what} cannot be drawn: it got a copy of its own")
            continue
        views.append(View(key, overlap))
        result = ops[-1].results[0]
        assert result is not None
        for ref, slot in program.slots.items():
            if program.stored[slot].view == stored.view:
                names[ref] = result
        before.setdefault(id(used[key]), []).extend(ops)
    if names:
        program.ops = _placed(program.ops, before, names)
        program.outputs = [(label, renamed(value, names)) for label, value in program.outputs]
    return views, notes


def _placed(ops: list[Op], before: dict[int, list[Op]], names: dict[Ref, Ref]) -> list[Op]:
    """The expressions before the first calls that take them, and their results in the place of the views."""
    made = []
    for op in ops:
        made += before.get(id(op), [])
        op.arguments = renamed(op.arguments, names)
        op.keywords = {key: renamed(value, names) for key, value in op.keywords.items()}
        made.append(op)
    return made


def _expression(program: Program, owner: str, key: str, user: Op) -> list[Op] | None:
    """Calls that make a view from its owner: ranges of its dimensions, an order of them, other sizes."""
    whole, part = program.stored[owner], program.stored[key]
    layers = steps(look(whole), look(part)) if whole.dtype == part.dtype else None
    if layers is None:
        return None
    at = next(ref for ref, slot in program.slots.items() if slot == owner)
    place = user.place[:-1] if user.kind.startswith("torch.nn.modules.") else user.place
    shape, ops, arguments = whole.shape, [], list[Any]()
    for layer in layers:
        match layer:
            case Slice(dim=dim, start=start, stop=stop, step=step):
                target, arguments = "slice.Tensor", [dim, start, shape[dim] if stop is None else stop, step]
                shape = (*shape[:dim], len(range(shape[dim])[start:stop:step]), *shape[dim + 1 :])
            case Permute(dims=dims):
                target, arguments, shape = "permute.default", [[*dims]], tuple(shape[dim] for dim in dims)
            case Reshape(size=size):
                target, arguments, shape = "reshape.default", [[*size]], size
        result = Ref(f"{at}_{target.split('.')[0]}_{len(program.metas)}")
        program.metas[result] = Meta(whole.dtype, tuple(map(Size, shape)), tuple(map(Size, _dense(shape))))
        ops.append(Op(f"aten.{target}", [at, *arguments], {}, [result], False, place))
        at = result
    return ops


def look(stored: Stored) -> Look:
    """How a tensor of a file looks at its storage."""
    return Look(stored.shape, stored.strides, stored.offset)


def _dense(shape: Iterable[int]) -> tuple[int, ...]:
    """The strides of numbers that lie one after the other."""
    sizes = list(shape)
    return tuple(math.prod(sizes[n + 1 :]) for n in range(len(sizes)))
