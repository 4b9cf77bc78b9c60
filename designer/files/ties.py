"""Find tied learnables by where their numbers lie, and write those that look at the same numbers as expressions."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from designer.files.program import Meta, Op, Program, Ref, Size, Stored, renamed

MOST_MARKED = 2**28  # elements of a storage that are looked at one by one


class Twins:
    """The names of the file that stand for one tensor: the same bytes, seen the same way."""

    def __init__(self, program: Program):
        self.program = program
        self.keys: dict[tuple[object, ...], list[str]] = {}
        for key, stored in program.stored.items():
            self.keys.setdefault(_identity(key, stored), []).append(key)

    def of(self, key: str) -> list[str]:
        """All names of the tensor that has this one."""
        return self.keys[_identity(key, self.program.stored[key])]

    def first(self, key: str) -> str:
        """One name for all of them."""
        return self.of(key)[0]


def _identity(key: str, stored: Stored) -> tuple[object, ...]:
    return stored.view if stored.numel else (key,)  # tensors without numbers share none


class View(NamedTuple):
    """A learnable that looks at the numbers of another: its names go with it."""

    name: str
    owner: str


def express_views(program: Program) -> tuple[list[View], list[str]]:
    """Give learnables that look at the numbers of another one, otherwise, as calls on that one.

    Returns those views, and a note for each that cannot be written so and becomes a copy. Two tensors are tied only
    if the elements that they address overlap: cuDNN keeps the weights of an LSTM side by side in one storage.
    """
    used: dict[str, Op] = {}
    for op in program.ops:
        for ref in op.refs():
            if ref in program.slots:
                used.setdefault(program.slots[ref], op)
    storages: dict[str, list[str]] = {}
    for key in used:
        storages.setdefault(program.stored[key].storage, []).append(key)
    views: list[View] = []
    notes: list[str] = []
    before: dict[int, list[Op]] = {}
    names: dict[Ref, Ref] = {}
    for keys in storages.values():
        keys.sort(key=lambda key: -program.stored[key].numel)  # the largest can show the others; first come stays first
        owners: list[str] = []
        for key in keys:
            stored = program.stored[key]
            twin = next((o for o in owners if program.stored[o].view == stored.view), None)
            if twin is not None:
                continue
            over = next((o for o in owners if _overlap(program.stored[o], stored)), None)
            if over is None:
                owners.append(key)
                continue
            ops = _expression(program, over, key, used[key])
            if ops is None:
                owners.append(key)
                notes.append(
                    f"{key} looks at numbers of {over} in a way that cannot be drawn: it got a copy of its own"
                )
                continue
            views.append(View(key, over))
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
    """Calls that make a view from its owner: reorder its sizes, or cut out a part of its rows."""
    whole, part = program.stored[owner], program.stored[key]
    source = next(ref for ref, slot in program.slots.items() if slot == owner)
    place = user.place[:-1] if user.kind.startswith("torch.nn.modules.") else user.place

    def call(target: str, value: Ref, *arguments: object, shape: Iterable[int]) -> Op:
        result = Ref(f"{value}_{target.split('.')[0]}_{len(program.metas)}")
        sizes = tuple(map(Size, shape))
        program.metas[result] = Meta(whole.dtype, sizes, tuple(map(Size, _dense([size.number for size in sizes]))))
        return Op(f"aten.{target}", [value, *arguments], {}, [result], False, place)

    if whole.dtype != part.dtype:
        return None
    if whole.numel == part.numel and whole.offset == part.offset and len(whole.shape) == len(part.shape):
        order = _order(whole, part)
        if order is not None:
            return [call("permute.default", source, order, shape=part.shape)]
    dense = whole.strides == _dense(whole.shape) and part.strides == _dense(part.shape)
    start = part.offset - whole.offset
    if not dense or start < 0 or start + part.numel > whole.numel:
        return None
    flat = call("reshape.default", source, [whole.numel], shape=[whole.numel])
    assert flat.results[0] is not None
    cut = call("slice.Tensor", flat.results[0], 0, start, start + part.numel, shape=[part.numel])
    assert cut.results[0] is not None
    return [flat, cut, call("reshape.default", cut.results[0], list(part.shape), shape=part.shape)]


def _order(whole: Stored, part: Stored) -> list[int] | None:
    """The permutation that makes one view of some numbers into another."""
    pairs = list(zip(whole.shape, whole.strides))
    order: list[int] = []
    for pair in zip(part.shape, part.strides):
        found = next((n for n, other in enumerate(pairs) if other == pair and n not in order), None)
        if found is None:
            return None
        order.append(found)
    return order


def _dense(shape: Iterable[int]) -> tuple[int, ...]:
    """The strides of numbers that lie one after the other."""
    sizes = list(shape)
    return tuple(math.prod(sizes[n + 1 :]) for n in range(len(sizes)))


def _overlap(a: Stored, b: Stored) -> bool:
    """Whether two views of one storage have an element in common."""
    import torch

    if not a.numel or not b.numel:
        return False
    (low, high), (other_low, other_high) = _reach(a), _reach(b)
    if low > other_high or other_low > high:
        return False
    first, last = min(low, other_low), max(high, other_high)
    if last - first > MOST_MARKED:
        return True  # to be safe, where it would take long to tell
    marks = torch.zeros(last - first + 1, dtype=torch.bool)
    marks.as_strided(a.shape, a.strides, a.offset - first).fill_(True)
    return bool(marks.as_strided(b.shape, b.strides, b.offset - first).any())


def _reach(stored: Stored) -> tuple[int, int]:
    """The first and the last element that a view addresses."""
    return stored.offset, stored.offset + sum((size - 1) * stride for size, stride in zip(stored.shape, stored.strides))
