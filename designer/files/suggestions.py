"""Find learnables that hold the same numbers, or one the transpose of another, and suggest their ties.

Some formats store what was tied as often as it had names: only equal numbers tell. Files are larger than memory, so a
few elements of each learnable decide which are compared at all, and those are read piece by piece.
"""

import itertools
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from designer.analysis.sizes import memory
from designer.files.progress import check
from designer.model import Network, NetworkError, Port
from designer.model.values import Tensor, check_value

FEWEST = 8  # numbers of a learnable; fewer may be equal by chance
DISTINCT = 6  # different ones among those that are looked at; masks, zeros and ones have fewer
LOOKS = (1, 16, 128)  # numbers that are looked at of each, then of those that look alike: some pages of a file
LONGEST = 5  # dimensions, of more only the order that is there
MOST_ALIKE = 4  # learnables that look alike and are not equal
MOST_READ = 2**33  # bytes that are compared
PIECE = 2**22  # numbers that are compared at once

Order = tuple[int, ...]


class Suggestion(NamedTuple):
    """A tie that the file does not have and that its numbers allow; ``edits.tie`` makes it."""

    text: str
    owner: str  # port of the learnable that is kept, as emb/weight
    borrower: str
    permute: Order = ()  # order of dimensions in which the borrower takes it

    @property
    def layers(self) -> tuple[str, ...]:
        return Port.parse(self.owner).layer, Port.parse(self.borrower).layer

    def fits(self, network: Network) -> bool:
        """Whether a network still has both, each on its own."""
        ports = Port.parse(self.owner), Port.parse(self.borrower)
        return all((layer := network.find(at.layer)) is not None and at.name in layer.owned for at in ports)

    def is_made(self, network: Network) -> bool:
        """Whether a network has the tie; a free Parameter that borrows is no more, or has become a permutation."""
        owner, at = Port.parse(self.owner), Port.parse(self.borrower)
        layer, home = network.find(at.layer), network.find(owner.layer)
        if home is None or owner.name not in home.learnables():
            return False
        if layer is None:
            return network.aliases.get(at.layer) == home.key(*owner)
        return at.name in layer.input_learnables or network.source_of(Port(at.layer, "in")) == owner


class Learnable(NamedTuple):
    """One that a layer owns."""

    port: Port
    key: str
    value: Tensor


def suggested_ties(network: Network) -> tuple[Suggestion, ...]:
    """The ties that the values of a network allow, those that save most first; the first of the equal is the owner.

    Suggested is only what was found equal to the last bit. Learnables of few different numbers, as zeros and masks,
    or of numbers that are counted up, are equal in many models by how they are made, and are left out.
    """
    groups: dict[tuple[Any, ...], list[Learnable]] = {}
    for each in _learnables(network):
        groups.setdefault((each.value.dtype, *sorted(each.value.shape)), []).append(each)
    found: list[tuple[int, Suggestion]] = []
    left = MOST_READ
    try:
        alike = [some for group in groups.values() for some in _look_alike(group, LOOKS)]
        for some in sorted(alike, key=lambda some: -some[0].value.nbytes):
            owners: list[Learnable] = []
            for each in some:
                for owner in owners:
                    if (cost := 2 * each.value.nbytes) > left:
                        continue
                    left -= cost
                    if (order := _order(owner.value, each.value)) is not None:
                        found.append((each.value.nbytes, _suggestion(owner, each, order)))
                        break
                else:
                    owners += [each] if len(owners) < MOST_ALIKE else []
    except NetworkError:  # the file was changed since it was opened
        return ()
    return tuple(each for _, each in sorted(found, key=lambda pair: -pair[0]))


def _learnables(network: Network) -> Iterator[Learnable]:
    for path, layer in network.walk():
        for name in layer.owned:
            value = network.values.get(key := layer.key(path, name))
            if value is not None and value.is_floating_point() and value.numel() >= FEWEST:
                yield Learnable(Port(path, name), key, value)


def _suggestion(owner: Learnable, borrower: Learnable, order: Order) -> Suggestion:
    shape = " × ".join(map(str, borrower.value.shape))
    saved = f"{memory(borrower.value.nbytes)} are saved when they are tied."
    if not order:
        text = f"{borrower.key} and {owner.key} hold the same numbers, {shape}: {saved}"
    elif order == (1, 0):
        text = f"{borrower.key} is {owner.key} transposed, {shape}: {saved}"
    else:
        text = f"{borrower.key} is {owner.key} with its dimensions in the order {order}, {shape}: {saved}"
    return Suggestion(text, str(owner.port), str(borrower.port), order)


# What looks alike.


def _look_alike(group: list[Learnable], looks: tuple[int, ...]) -> Iterator[list[Learnable]]:
    """Those of a group that are the same in the places that are looked at, in some order of their dimensions."""
    if len(group) < 2 or not looks:
        if len(group) > 1:
            yield group
        return
    seen: dict[bytes, list[Learnable]] = {}
    for each in group:
        check()
        if looked := _looked(each.value, looks[0]):
            seen.setdefault(min(looked.values()), []).append(each)
    for some in seen.values():
        yield from _look_alike(some, looks[1:])


def _looked(value: Tensor, count: int) -> dict[Order, bytes]:
    """Some numbers of a block, in each order that gives ascending sizes; none where they are too regular.

    A block lies on few pages of the file in whatever order the dimensions are.
    """
    check_value(value)
    sizes = sorted(value.shape)
    width = round(count ** (1 / sum(size > 1 for size in sizes)))
    place = random.Random(f"{sizes} {count}")
    starts = [place.randrange(size - min(width, size) + 1) for size in sizes]
    found: dict[Order, bytes] = {}
    for order in _orders(tuple(value.shape), tuple(sizes)):
        block = value.permute(order)
        for dim, (start, size) in enumerate(zip(starts, sizes)):
            block = block.narrow(dim, start, min(width, size))
        if not found and count > 1 and _is_regular(block, DISTINCT if count == LOOKS[-1] else 2):
            return {}
        found[order] = _bits(block).numpy().tobytes()
    return found


def _orders(have: Order, want: Order) -> Iterator[Order]:
    """The orders of dimensions that give some sizes."""
    if len(have) > LONGEST:
        yield tuple(sorted(range(len(have)), key=have.__getitem__))
        return
    for order in itertools.permutations(range(len(have))):
        if tuple(have[dim] for dim in order) == want:
            yield order


def _is_regular(block: Tensor, distinct: int) -> bool:
    """Whether numbers are made by a rule: of few values, or rising or falling everywhere along a dimension."""
    numbers = block.float()
    if len(numbers.unique()) < distinct:
        return True
    for dim, size in enumerate(numbers.shape):
        if size >= FEWEST:
            steps = numbers.diff(dim=dim)
            if bool((steps >= 0).all()) or bool((steps <= 0).all()):
                return True
    return False


# What is equal.


def _order(owner: Tensor, borrower: Tensor) -> Order | None:
    """The order of the owner's dimensions that gives the borrower, () for that which is there; None where none does."""
    if _overlap(owner, borrower):
        return None  # that is said otherwise: it is no copy
    shown, plain = _looked(borrower, LOOKS[-1]), tuple(range(borrower.dim()))
    first, sight = min(_looked(owner, LOOKS[-1]).items(), key=lambda item: item[1])
    orders = {tuple(first[order.index(dim)] for dim in plain) for order, seen in shown.items() if seen == sight}
    for order in sorted(orders, key=lambda order: (order != plain, order)):
        if _equal(owner.permute(order), borrower):
            return () if order == plain else order
    return None


def _overlap(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors reach over the same memory."""
    (begin, end), (other_begin, other_end) = (
        (t.data_ptr(), t.data_ptr() + sum((n - 1) * step for n, step in zip(t.shape, t.stride())) * t.element_size())
        for t in (a, b)
    )
    return bool(begin <= other_end and other_begin <= end)


def _equal(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one shape are equal to the last bit, without reading more than needs to be."""
    if a.numel() <= PIECE:
        import torch

        check()
        check_value(b)
        return bool(torch.equal(_bits(a), _bits(b)))
    dim = max(range(a.dim()), key=a.shape.__getitem__)
    half = a.shape[dim] // 2
    return all(
        _equal(a.narrow(dim, start, size), b.narrow(dim, start, size))
        for start, size in ((0, half), (half, a.shape[dim] - half))
    )


def _bits(value: Tensor) -> Tensor:
    """The numbers as they are stored: NaN is equal to itself, and -0 is not 0."""
    import torch

    return value.detach().view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[value.element_size()])
