"""Undo what exporters write around layers: shapes changed there and back, recurrent layers taken apart."""

import dataclasses
from typing import Any

from designer.files.clean import drop_dead
from designer.files.program import RECURRENT, Meta, Op, Program, Ref, Size, renamed

RESHAPES = frozenset("reshape flatten unflatten squeeze unsqueeze view".split())


def simplify(program: Program) -> None:
    """Leave out reshapes and permutations that undo each other, and join recurrent layers, in place."""
    _undo(program)
    drop_dead(program)
    _batch_first(program)
    _undo(program)
    drop_dead(program)
    _stack(program)
    drop_dead(program)


def _undo(program: Program) -> None:
    metas = program.metas
    names: dict[Ref, Ref] = {}
    bases: dict[Ref, Ref] = {}  # what is only looked at in another shape -> the tensor that is so
    orders: dict[Ref, tuple[Ref, list[int]]] = {}  # what is permuted -> of what, and how
    kept = []
    for op in program.ops:
        if names:
            op.arguments = renamed(op.arguments, names)
            op.keywords = {key: renamed(value, names) for key, value in op.keywords.items()}
        source = op.arguments[0] if op.arguments and isinstance(op.arguments[0], Ref) else None
        result = op.results[0] if len(op.results) == 1 else None
        if source is None or result is None or source not in metas or not op.target.startswith("aten."):
            kept.append(op)
            continue
        if op.name == "permute":
            root, before = orders.get(source, (source, list(range(len(metas[source].sizes)))))
            order = [before[n] for n in op.arguments[1]]
            if order == sorted(order):
                names[result] = root
                continue
            orders[result] = root, order
            if root != source:
                op.arguments = [root, order]
        if op.name in RESHAPES or (op.name == "permute" and _only_ones(metas[source], op.arguments[1])):
            base = bases.get(source, source)
            bases[result] = base
            if metas[result].sizes == metas[base].sizes:
                names[result] = base
                continue
        kept.append(op)
    program.ops = kept
    program.outputs = [(label, renamed(value, names)) for label, value in program.outputs]


def _only_ones(meta: Meta, order: list[int]) -> bool:
    """Whether a permutation leaves the order of all sizes that are not 1 as it is."""
    if len(order) != len(meta.sizes):
        return False
    large = [n for n in order if meta.sizes[n] != Size(1)]
    return large == sorted(large)


def takers(program: Program) -> dict[Ref, list[Op | None]]:
    """The calls that take each value; None for an output of the program."""
    found: dict[Ref, list[Op | None]] = {}
    for op in program.ops:
        for ref in op.refs():
            found.setdefault(ref, []).append(op)
    for _, value in program.outputs:
        if isinstance(value, Ref):
            found.setdefault(value, []).append(None)
    return found


def _turned(op: Op | None) -> bool:
    return op is not None and op.target == "aten.permute.default" and op.arguments[1] == [1, 0, 2]


def _batch_first(program: Program) -> None:
    """Recurrent layers whose input was turned around, so that the time comes first, take it as it was."""
    makers = {result: op for op in program.ops for result in op.results if result is not None}
    for op in [op for op in program.ops if op.target in RECURRENT]:
        turned = makers.get(op.arguments[0])
        out = op.results[0]
        if not _turned(turned) or op.arguments[8] is True or out is None or turned is None:
            continue
        meta = program.metas[out]
        made = Ref(f"{out}_turned")
        sizes = (meta.sizes[1], meta.sizes[0], meta.sizes[2])
        program.metas[made] = Meta(meta.dtype, sizes, sizes)
        op.arguments = [turned.arguments[0], *op.arguments[1:8], True]
        op.results = [made, *op.results[1:]]
        back = Op("aten.permute.default", [made, [1, 0, 2]], {}, [out], False, op.place, op.kind)
        program.ops.insert(program.ops.index(op) + 1, back)
        makers[out] = back


def _stack(program: Program) -> None:
    """Recurrent layers that follow each other in one module become one with several layers."""
    users = takers(program)
    makers = {result: op for op in program.ops for result in op.results if result is not None}
    done: set[int] = set()
    for first in [op for op in program.ops if op.target in RECURRENT]:
        if id(first) in done or not first.place:
            continue
        chain = [first]
        while (following := _following(chain[-1], users, makers)) is not None:
            chain.append(following)
        done.update(map(id, chain))
        if len(chain) > 1:
            _join(program, chain, users, makers)


def _following(op: Op, users: dict[Ref, list[Op | None]], makers: dict[Ref, Op]) -> Op | None:
    out = op.results[0]
    taking = users.get(out, []) if out is not None else []
    other = taking[0] if len(taking) == 1 else None
    same = other is not None and other.target == op.target and other.place == op.place and other.arguments[0] == out
    return other if same and other is not None and other.arguments[3:] == op.arguments[3:] else None


def _join(program: Program, chain: list[Op], users: dict[Ref, list[Op | None]], makers: dict[Ref, Op]) -> None:
    last, ways = chain[-1], 1 + chain[0].arguments[7]
    states = [op.arguments[1] if isinstance(op.arguments[1], list) else [op.arguments[1]] for op in chain]
    starts = [_start([entry[n] for entry in states], ways, makers) for n in range(len(states[0]))]
    ends = [_end([op.results[n + 1] for op in chain], users) for n in range(len(states[0]))]
    if any(start is None for start in starts) or any(end is False for end in ends):
        return
    at = program.ops.index(last)
    given: list[Ref] = []
    for n, start in enumerate(starts):
        if isinstance(start, Ref):
            given.append(start)
            continue
        zeros = makers[states[0][n]]
        made = Ref(f"{states[0][n]}_all")
        meta = program.metas[states[0][n]]
        sizes = (Size(len(chain) * ways), *meta.sizes[1:])
        program.metas[made] = meta._replace(sizes=sizes)
        again = [[len(chain) * ways, *zeros.arguments[0][1:]], *zeros.arguments[1:]]
        program.ops.insert(at, dataclasses.replace(zeros, arguments=again, results=[made]))
        given.append(made)
        at += 1
    weights = [weight for op in chain for weight in op.arguments[2]]
    state: Any = given if isinstance(last.arguments[1], list) else given[0]
    joined = [chain[0].arguments[0], state, weights, last.arguments[3], len(chain), *last.arguments[5:]]
    results: list[Ref | None] = [last.results[0]]
    for end in ends:
        results.append(end.results[0] if isinstance(end, Op) else None)
    program.ops[at] = dataclasses.replace(last, arguments=joined, results=results)
    gone = {id(op) for op in chain[:-1]} | {id(end) for end in ends if isinstance(end, Op)}
    program.ops = [op for op in program.ops if id(op) not in gone]


def _start(states: list[Ref], ways: int, makers: dict[Ref, Op]) -> Ref | str | None:
    """The states that all layers start with, or "zeros"; None where they come from elsewhere."""
    made = [makers.get(state) for state in states]
    if all(op is not None and op.name == "zeros" for op in made):
        return "zeros"
    sources = set()
    for n, op in enumerate(made):
        if op is None or op.target != "aten.slice.Tensor" or op.argument(1, "dim", 0) != 0:
            return None
        stop = op.argument(3, "end")
        whole = stop is None and n == len(made) - 1
        if (op.argument(2, "start") or 0) != n * ways or not (stop == (n + 1) * ways or whole):
            return None
        if op.argument(4, "step", 1) != 1:
            return None
        sources.add(op.arguments[0])
    return sources.pop() if len(sources) == 1 else None


def _end(results: list[Ref | None], users: dict[Ref, list[Op | None]]) -> Op | bool | None:
    """The call that puts the last states together; None where nothing takes them, False where they go elsewhere."""
    taking = [users.get(result, []) if result is not None else [] for result in results]
    if not any(taking):
        return None
    ops = {id(op): op for entry in taking for op in entry}
    op = next(iter(ops.values()))
    if len(ops) != 1 or op is None or op.target != "aten.cat.default" or op.argument(1, "dim", 0) != 0:
        return False
    return op if op.arguments[0] == results else False


__all__ = ["simplify"]
