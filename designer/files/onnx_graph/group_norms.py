"""Join what exporters write for GroupNorm, which ONNX lacks before opset 18, to the call that it was.

They look at the groups as channels of an InstanceNormalization that scales by one, look at that as before, and only
then multiply and add what the layer learns.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from designer.files.clean import drop_dead
from designer.files.onnx_graph.simplify import RESHAPES, takers
from designer.files.program import Meta, Op, Program, Ref
from designer.model.values import Tensor

Reader = Callable[[str], Tensor]


class _Scaled(NamedTuple):
    """A normalisation with what multiplies it and what is added, and where these are stored."""

    norm: Op
    multiply: Op
    add: Op
    learned: tuple[Ref, ...]  # weight and bias; none where they are 1 and 0


def join_group_norms(program: Program, read: Reader) -> None:
    """Write group_norm for the calls that are one, in place; ``read`` gives a stored tensor by its name."""
    makers = {result: op for op in program.ops for result in op.results if result is not None}
    norms: dict[int, Op] = {}  # the last reshape -> the call that stands for it
    users = takers(program)
    for last in program.ops:
        if (norm := _norm(program, last, makers, users, read)) is not None:
            norms[id(last)] = norm
    if not norms:
        return
    program.ops = [norms.get(id(op), op) for op in program.ops]
    _scale(program, [*norms.values()], makers)
    drop_dead(program)


def _norm(
    program: Program, last: Op, makers: dict[Ref, Op], users: dict[Ref, list[Op | None]], read: Reader
) -> Op | None:
    """The group_norm, without scale, whose last call is this one; None where it is none."""
    inner = _maker(last, makers) if last.name in RESHAPES else None
    first = _maker(inner, makers) if inner is not None and inner.name == "instance_norm" else None
    if inner is None or first is None or first.name not in RESHAPES or users[last.arguments[0]] != [last]:
        return None
    x, groups = program.metas.get(first.arguments[0]), program.metas.get(inner.arguments[0])
    back = program.metas.get(last.results[0]) if last.results[0] is not None else None
    if x is None or groups is None or back is None or back.sizes != x.sizes or len(x.sizes) < 2:
        return None
    count, channels = groups.sizes[1], x.sizes[1]
    if len(groups.sizes) != 3 or groups.sizes[0] != x.sizes[0] or count.text or channels.text:
        return None
    if not count.number or channels.number % count.number:
        return None
    if not all(_is_all(program, inner.arguments[n], number, makers, read) for n, number in ((1, 1), (2, 0))):
        return None
    given = [first.arguments[0], count.number, None, None, inner.arguments[7], False]
    return Op("aten.group_norm.default", given, {}, list(last.results), False, inner.place, inner.kind)


def _maker(op: Op, makers: dict[Ref, Op]) -> Op | None:
    """The call that gives the first argument of another."""
    source = op.arguments[0] if op.arguments else None
    return makers.get(source) if isinstance(source, Ref) else None


def _is_all(program: Program, ref: Ref | None, number: int, makers: dict[Ref, Op], read: Reader) -> bool:
    """Whether a tensor has one number everywhere; one that is not given does."""
    if ref is None:
        return True
    if ref in program.slots:
        return bool((read(program.slots[ref]) == number).all())
    op = makers.get(ref)
    return op is not None and op.target == "aten.full.default" and bool(op.arguments[1] == number)


def _scale(program: Program, norms: list[Op], makers: dict[Ref, Op]) -> None:
    """Let the norms take the weight and bias that are multiplied and added behind them."""
    users = takers(program)
    found = [each for norm in norms if (each := _scaled(program, norm, users, makers)) is not None]
    while True:  # what is stored as wide as the data is stored otherwise, so nothing else may take it
        absorbed = {id(op) for each in found for op in (each.multiply, each.add)}
        kept = [
            each
            for each in found
            if all(
                len(program.metas[ref].sizes) == 1 or all(id(op) in absorbed for op in users[ref])
                for ref in each.learned
            )
        ]
        if len(kept) == len(found):
            break
        found = kept
    gone: set[int] = set()
    ends: dict[int, Op] = {}
    for each in found:
        for ref in each.learned:
            _flatten(program, ref)
        given = [*each.norm.arguments[:2], *(each.learned or (None, None)), *each.norm.arguments[4:]]
        norm = each.norm
        ends[id(each.add)] = Op(norm.target, given, {}, list(each.add.results), False, norm.place, norm.kind)
        gone |= {id(norm), id(each.multiply)}
    program.ops = [ends.get(id(op), op) for op in program.ops if id(op) not in gone]


def _scaled(program: Program, norm: Op, users: dict[Ref, list[Op | None]], makers: dict[Ref, Op]) -> _Scaled | None:
    multiply = _only_taker(norm, "aten.mul.Tensor", users)
    add = _only_taker(multiply, "aten.add.Tensor", users) if multiply is not None else None
    if multiply is None or add is None:
        return None
    meta = program.metas[norm.arguments[0]]
    factor, offset = _other(multiply, norm), _other(add, multiply)
    if (factor, offset) == (1, 0):  # as a layer without weights was written
        return _Scaled(norm, multiply, add, ())
    weight, bias = (_learnable(program, other, meta, makers) for other in (factor, offset))
    return None if weight is None or bias is None else _Scaled(norm, multiply, add, (weight, bias))


def _only_taker(op: Op, target: str, users: dict[Ref, list[Op | None]]) -> Op | None:
    """The call that alone takes what another gives, where it is of this kind."""
    taking = users.get(op.results[0], []) if op.results[0] is not None else []
    other = taking[0] if len(taking) == 1 else None
    plain = other is not None and other.target == target and len(other.arguments) == 2 and not other.keywords
    return other if plain else None


def _other(op: Op, source: Op) -> Any:
    """What a call of two arguments takes beside the result of another."""
    others = [argument for argument in op.arguments if argument != source.results[0]]
    return others[0] if len(others) == 1 else None


def _learnable(program: Program, given: Any, meta: Meta, makers: dict[Ref, Op]) -> Ref | None:
    """The stored tensor with a number for each channel, as it meets the data of a norm; None where it is none."""
    if not isinstance(given, Ref) or given not in program.metas:
        return None
    channels, rank = meta.sizes[1].number, len(meta.sizes)
    shape = program.metas[given].shape
    if (1,) * (rank - len(shape)) + shape != (1, channels) + (1,) * (rank - 2):
        return None
    ref: Ref = given
    while ref not in program.slots:
        op = makers.get(ref)
        source = op.arguments[0] if op is not None and op.name in RESHAPES else None
        if not isinstance(source, Ref):
            return None
        ref = source
    return ref if program.stored[program.slots[ref]].numel == channels else None


def _flatten(program: Program, ref: Ref) -> None:
    """Let a stored tensor have the sizes of a weight: one, as its other sizes are 1."""
    key, meta = program.slots[ref], program.metas[ref]
    stored = program.stored[key]
    at = next((n for n, size in enumerate(stored.shape) if size != 1), 0)
    program.stored[key] = stored._replace(shape=(stored.numel,), strides=(stored.strides[at],))
    program.metas[ref] = Meta(meta.dtype, (meta.sizes[at],), (meta.strides[at],))
