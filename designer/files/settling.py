"""Order what stands in boxes, so that no wires between them make a loop.

A group runs at once, so what leaves a box and comes back must not pass through anything outside. Steps that own
nothing are moved into a box or out of it to make that so; where that does not help, the box is opened: its steps
stand outside, and take their learnables over wires from where the state_dict has them.
"""

from collections.abc import Iterable

from designer.files.boxes import Again, Box, Item, Piece, flows, made, opened, pieces, taken
from designer.files.program import Ref
from designer.files.steps import Flow


def settle(box: Box, learnable: set[Ref]) -> dict[int, Flow]:
    """Make the wires between the items of each box free of loops; gives what then flows through the items."""
    known = flows(box)
    return flows(box) if _settle(box, known, learnable) else known


def _settle(box: Box, known: dict[int, Flow], learnable: set[Ref]) -> bool:
    """``known`` are the flows of all that is in the box; whether anything was moved."""
    moved = False
    for _ in range(10 * len(known) + 10):
        feeders = _feeders([known[id(item)] for item in box.items], learnable)
        forward = all(before < n for n, given in enumerate(feeders) for before in given)
        ring = [] if forward else _ring(box.items, feeders)
        if not ring:
            break
        _resolve(box, ring, learnable)
        known, moved = flows(box), True
    else:
        raise AssertionError("the boxes do not come to rest")
    for item in box.items:
        if isinstance(item, Box):
            moved = _settle(item, known, learnable) or moved
    if not forward:
        box.items = _ordered(box.items, feeders)
    return moved or not forward


def _feeders(items: list[Flow], learnable: set[Ref]) -> list[set[int]]:
    """For each item, the others that give it data."""
    makers = {ref: n for n, item in enumerate(items) for ref in item.made}
    return [
        {makers[ref] for ref in item.taken if ref in makers and ref not in learnable and makers[ref] != n}
        for n, item in enumerate(items)
    ]


def _ring(items: list[Item], feeders: list[set[int]]) -> list[Item]:
    """Items that need each other; none where there is an order."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    for start in range(len(items)):
        if start in index:
            continue
        todo = [(start, iter(feeders[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        while todo:
            at, rest = todo[-1]
            following = next(rest, None)
            if following is None:
                todo.pop()
                if todo:
                    low[todo[-1][0]] = min(low[todo[-1][0]], low[at])
                if low[at] == index[at]:
                    ring = stack[stack.index(at) :]
                    del stack[stack.index(at) :]
                    if len(ring) > 1:
                        return [items[n] for n in sorted(ring)]
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                todo.append((following, iter(feeders[following])))
            elif following in stack:
                low[at] = min(low[at], index[following])
    return []


def _ordered(items: list[Item], feeders: list[set[int]]) -> list[Item]:
    """The items by the flow of data, else as they were."""
    done: set[int] = set()
    order: list[Item] = []

    def visit(start: int) -> None:
        todo = [start]
        while todo:
            at = todo[-1]
            missing = [n for n in sorted(feeders[at]) if n not in done]
            if missing:
                todo += reversed(missing)
                continue
            todo.pop()
            if at not in done:
                done.add(at)
                order.append(items[at])

    for n in range(len(items)):
        visit(n)
    return order


def _resolve(box: Box, ring: list[Item], learnable: set[Ref]) -> None:
    """Take one step to break a ring."""
    inner = [item for item in ring if isinstance(item, Box)]
    called = {id(item.target) for item in box.items if isinstance(item, Again)}
    others = [item for item in ring if not isinstance(item, Box)]
    if not inner:  # a second use that waits for what it gives is no use of the whole
        open_again(box, next(item for item in ring if isinstance(item, Again)))
        return
    alone = len(inner) == 1 and id(inner[0]) not in called  # a second use would not do what is moved here
    if alone and all(isinstance(item, Piece) and item.movable and id(item) not in called for item in others):
        _move(others, box, inner[0])
        return
    for candidate in inner:
        if id(candidate) in called:
            continue
        outside = [item for item in ring if item is not candidate]
        for moved in (_before(candidate, outside, learnable), _after(candidate, outside, learnable)):
            if moved and all(isinstance(item, Piece) and item.movable for item in moved):
                _move(moved, candidate, box)
                if not candidate.items:
                    box.items = [item for item in box.items if item is not candidate]
                return
    open_box(box, min(inner, key=_cost))


def _cost(box: Box) -> tuple[int, int]:
    """How much is lost when a box is opened: layers with buffers, then layers with learnables."""
    steps = [piece.step for piece in pieces(box)]
    return sum(bool(step.buffers) for step in steps), sum(step.stateful for step in steps)


def _move(items: Iterable[Item], source: Box, target: Box) -> None:
    moved = list(items)
    source.items = [item for item in source.items if item not in moved]
    for item in moved:
        assert isinstance(item, Piece)
        item.own = item.own[-1:] if item.own else ()
    target.items += moved


def _before(box: Box, outside: list[Item], learnable: set[Ref]) -> list[Item]:
    """The items of a box that what is outside waits for."""
    wanted = {ref for item in outside for ref in taken(item)} - learnable
    found = [item for item in box.items if wanted.intersection(made(item))]
    for item in found:  # grows while it is walked
        needs = set(taken(item)) - learnable
        found += [other for other in box.items if other not in found and needs.intersection(made(other))]
    return found


def _after(box: Box, outside: list[Item], learnable: set[Ref]) -> list[Item]:
    """The items of a box that wait for what is outside."""
    given = {ref for item in outside for ref in made(item)} - learnable
    found = [item for item in box.items if given.intersection(taken(item))]
    for item in found:
        gives = set(made(item)) - learnable
        found += [other for other in box.items if other not in found and gives.intersection(taken(other))]
    return found


def open_box(parent: Box, box: Box) -> None:
    """Put what a box holds into the one around it; constants of the state_dict stay in a box of its path."""
    items: list[Item] = []
    for item in parent.items:
        if item is box:
            items += _loosened(box)
        elif isinstance(item, Again) and item.target is box:
            items += opened(item)
        else:
            items.append(item)
    parent.items = items


def open_again(parent: Box, again: Again) -> None:
    """Put the steps of a second use into the box around it."""
    at = parent.items.index(again)
    parent.items[at : at + 1] = opened(again)


def _loosened(box: Box) -> list[Item]:
    items: list[Item] = []
    kept = Box(box.path)
    for item in box.items:
        if isinstance(item, Piece) and item.step.op.target == "constant" and item.own:
            kept.items.append(item)
        elif isinstance(item, Piece):
            item.own = ()
            items.append(item)
        elif isinstance(item, Box):
            items += _loose(item, kept)
        elif any(piece.step.buffers for piece in pieces(item)):
            items += opened(item)
        else:
            items.append(item)
    return [*([kept] if kept.items else []), *items]


def _loose(box: Box, keeper: Box) -> list[Item]:
    """A box that stands elsewhere than its path says, and what of it must stay there.

    It stays the same object: there may be second uses of it.
    """
    inner: list[Item] = []
    kept = Box(box.path)
    for item in _loosened(box):
        (kept.items.extend(item.items) if isinstance(item, Box) and not item.loose else inner.append(item))
    if kept.items:
        keeper.items.append(kept)
    box.loose, box.items = True, inner
    return [box] if inner else []
