"""Sizes of inputs that a file leaves free one by one, and that have to be equal all the same."""

import re
from collections.abc import Iterator

from designer.files.overlaps import named
from designer.files.program import Meta, Op, Program, Ref, Size

LOSSES = ("cross_entropy_loss", "nll_loss", "nll_loss_nd", "nll_loss2d")
BY_ELEMENT = frozenset("add sub mul div eq ne lt le gt ge where mse_loss l1_loss smooth_l1_loss huber_loss".split())
_SYMBOL = r"Symbol\('([A-Za-z0-9_]{1,40})'(?:, [a-z]+=(?:True|False))*\)"  # as Size.symbol
_PRODUCT = re.compile(rf"{_SYMBOL}|Mul\({_SYMBOL}(?:, {_SYMBOL}){{1,7}}\)")


def equal_sizes(program: Program) -> None:
    """Give sizes that are equal in each run one name.

    torch.export finds that ``B*T`` words meet ``B2*T2`` others, as in a loss of what a model of language says, and
    can write no size for another: only equal batches of equal times are meant.
    """
    free = {size.symbol: None for _, meta in program.inputs for size in meta.sizes if size.text}
    if len(free) < 4:  # two products of two
        return
    for op in program.ops:
        for one, other in _met(program, op):
            pairs = _paired(program, one, other)
            if pairs:
                program.notes += [_told(program, op, *pair) for pair in pairs.items()]
                _rename(program, pairs)


def _met(program: Program, op: Op) -> Iterator[tuple[Size, Size]]:
    """The sizes that a call needs to be equal."""
    metas = [program.metas[ref] for ref in op.arguments if isinstance(ref, Ref) and ref in program.metas]
    if op.name in LOSSES and len(metas) > 1:
        scores, classes = metas[0].sizes, metas[1].sizes
        if len(classes) == len(scores) - 1:  # else they are shares of the classes
            yield from zip((scores[0], *scores[2:]), classes)
    elif op.name in BY_ELEMENT and len(metas) > 1:
        yield from zip(reversed(metas[0].sizes), reversed(metas[1].sizes))


def _paired(program: Program, one: Size, other: Size) -> dict[str, str]:
    """What to call the symbols of one size, so that it is the other; nothing where that is unsure."""
    if one.number != other.number or not (one.text and other.text) or one.text == other.text:
        return {}
    places = {size.symbol: (dim, size.number) for _, meta in program.inputs for dim, size in enumerate(meta.sizes)}
    sides = []
    for size in (one, other):
        symbols = re.findall(_SYMBOL, size.text) if _PRODUCT.fullmatch(size.text) else []
        if not symbols or not places.keys() >= set(symbols):
            return {}
        sides.append(sorted(symbols, key=places.__getitem__))
    kept, changed = sides
    if len(kept) != len(changed) or not {*kept}.isdisjoint(changed):
        return {}
    return dict(zip(changed, kept)) if [places[s] for s in kept] == [places[s] for s in changed] else {}


def _told(program: Program, op: Op, changed: str, kept: str) -> str:
    """What to say of a size that was free and now is that of another input."""
    first: dict[str, str] = {}
    for ref, meta in program.inputs:
        for dim, size in enumerate(meta.sizes):
            if size.text:
                first.setdefault(size.symbol, f"size {dim} of {named(ref)}")
    return f"{first[changed]} is taken for {first[kept]}, because {op.name} compares what is made of both"


def _rename(program: Program, names: dict[str, str]) -> None:
    word = re.compile(rf"'({'|'.join(names)})'")

    def size(old: Size) -> Size:
        return Size(old.number, word.sub(lambda found: f"'{names[found[1]]}'", old.text)) if old.text else old

    def meta(old: Meta) -> Meta:
        return Meta(old.dtype, tuple(map(size, old.sizes)), tuple(map(size, old.strides)))

    program.metas |= {ref: meta(old) for ref, old in program.metas.items()}
    program.inputs = [(ref, meta(old)) for ref, old in program.inputs]
    program.numbers |= {ref: size(old) for ref, old in program.numbers.items()}
    for old, new in names.items():
        if old in program.limits and new in program.limits:
            (low, high), (least, most) = program.limits.pop(old), program.limits[new]
            program.limits[new] = (max(low, least), min(high, most))
