"""Which tensor of a file belongs to which value of a network: by names first, by order and shape only as an offer."""

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from designer.analysis import permutations
from designer.edits.slots import Called, Order, Shape, Slot, other_names, slots
from designer.edits.spelling import LAYOUTS, REVERSED, by_order, layout, plain
from designer.model import Network
from designer.model.structure import DTYPES
from designer.model.values import check_value, equal

Tensor = Any  # a torch.Tensor
LONGEST_PREFIX = 8  # steps
# Why a match is not taken by itself.
PLACE, WAYS, NUMBERS = "by its place alone", "it fits in several ways", "its numbers change their type"


class Match(NamedTuple):
    """A tensor for a value of the network, and what taking it means."""

    key: str
    shape: Shape | None
    name: str  # of the tensor
    have: Shape
    by: str  # how they were told to belong together
    order: Order = ()  # of the tensor's dimensions; () as they are
    dtype: str = ""  # that its numbers are turned to, "" for none
    doubts: tuple[str, ...] = ()  # why it is taken only when the user says so
    trouble: str = ""  # why it cannot be taken

    @property
    def direct(self) -> bool:
        """Whether it is taken as it is, without a doubt."""
        return not (self.order or self.doubts or self.trouble)


class Twin(NamedTuple):
    """A tensor under the name of one that is tied to a value; ``same`` is None where that cannot be told."""

    name: str
    key: str
    same: bool | None


@dataclasses.dataclass(frozen=True, eq=False)
class Matching:
    """What belongs together. A value has several matches where its tensor fits in several ways, the likely one first.

    Attributes:
        matches: those that fit, in the order of the network.
        misfits: those that belong together by their names and do not fit.
        missing: the values for which there is no tensor.
        unused: tensors that nothing takes, with their shapes.
        twins: tensors of tied names: the owner's numbers are taken.
    """

    slots: Mapping[str, Slot]
    matches: tuple[Match, ...]
    misfits: tuple[Match, ...]
    missing: tuple[Slot, ...]
    unused: Mapping[str, Shape]
    twins: tuple[Twin, ...]


def match(network: Network, tensors: Mapping[str, Tensor]) -> Matching:
    """Find for each learnable and buffer of a network its tensor, each tensor being used once.

    By state_dict key, an old or a tied name; without wrappers and with the words of other frameworks; without a prefix
    that all names have; by the end of the name, where only one tensor of that shape has it; the rest, each in doubt,
    by order and shape. Only tied names are compared by their numbers, so nothing else is read.
    """
    wanted = slots(network)
    known = {key: Called(key) for key in wanted}
    known |= {name: to for name, to in other_names(network).items() if name not in known and to.key in wanted}
    have = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    found: dict[str, tuple[str, str, str]] = {}  # key -> what it is called, the tensor, and how that was told
    tied: list[tuple[str, str]] = []  # other names of what was found, and their tensors
    used: set[str] = set()
    for by in ("name", "other spelling", "name less its prefix", "end of the name"):
        rest = [name for name, to in known.items() if to.key not in found]
        free = [name for name in have if name not in used]
        if by == "name":
            pairs = [(name, name) for name in known if name in have]
        elif by == "other spelling":
            pairs = _alike({name: plain(name) for name in rest}, {name: plain(name) for name in free})
        elif by == "name less its prefix":
            pairs = _without_prefix(rest, free, list(wanted), list(have))
        else:
            pairs = list(_by_ending(known, rest, free, wanted, have))
        for called, name in pairs:
            key = known[called].key
            if key in found:
                tied.append((called, name))
            else:
                found[key] = called, name, by if called == key else "other name"
            used.add(name)
    matches = {key: _fits(wanted[key], known[at], name, tensors[name], by) for key, (at, name, by) in found.items()}
    matches = _doubted(matches, wanted)
    left = [slot for key, slot in wanted.items() if key not in matches]
    spare = {name: shape for name, shape in have.items() if name not in used and shape}
    for key, name in by_order(left, spare):
        ways = _fits(wanted[key], Called(key), name, tensors[name], "order and shape", PLACE)
        if not ways[0].trouble:
            matches[key] = ways
            used.add(name)
    matches = _doubted(matches, wanted)
    ordered = [each for key in wanted for each in matches.get(key, ())]
    return Matching(
        wanted,
        tuple(each for each in ordered if not each.trouble),
        tuple(each for each in ordered if each.trouble),
        tuple(slot for key, slot in wanted.items() if key not in matches),
        {name: shape for name, shape in have.items() if name not in used},
        tuple(_twin(name, known[called], matches[known[called].key][0], tensors) for called, name in tied),
    )


# By names.


def _alike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pair the names that are the same when written otherwise, where only one of each side is."""
    mine, other = _once(ours), _once(theirs)
    return [(name, other[text]) for text, name in mine.items() if text in other]


def _once(texts: Mapping[str, Any]) -> dict[Any, str]:
    counts = Counter(texts.values())
    return {text: name for name, text in texts.items() if counts[text] == 1}


def _without_prefix(
    rest: Iterable[str], free: Iterable[str], ours: list[str], theirs: list[str]
) -> list[tuple[str, str]]:
    """Pair names less what stands before all names of a side, so much of it that the most are paired."""
    most, best = 0, list[tuple[str, str]]()
    mine = _prefixed(rest, _common(ours))
    other = _prefixed(free, _common(theirs))
    for (n, left), (m, right) in sorted(itertools.product(mine, other), key=lambda pair: pair[0][0] + pair[1][0]):
        if n + m and len(pairs := _alike(left, right)) > most:
            most, best = len(pairs), pairs
    return best


def _common(names: list[str]) -> int:
    """How many steps all names begin with."""
    first, last = plain(min(names, key=plain, default="")), plain(max(names, key=plain, default=""))
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first[:-1], last[:-1])))
    return min(same, LONGEST_PREFIX)


def _prefixed(names: Iterable[str], steps: int) -> list[tuple[int, dict[str, tuple[str, ...]]]]:
    written = {name: plain(name) for name in names}
    return [(n, {name: text[n:] for name, text in written.items()}) for n in range(steps + 1)]


def _by_ending(
    known: Mapping[str, Called],
    rest: Iterable[str],
    free: Iterable[str],
    wanted: Mapping[str, Slot],
    have: Mapping[str, Shape],
) -> Iterator[tuple[str, str]]:
    """Pair names by their longest ends that only one name has on each side, among all of one shape.

    An end tells more than ``weight`` or ``0.weight``, unless it is all of a name.
    """
    ours: dict[Any, list[str]] = defaultdict(list)
    theirs: dict[Any, list[str]] = defaultdict(list)
    for name, to in known.items():
        shape = _moved(wanted[to.key].shape, to.order)
        for end in _ends(name) if shape is not None else ():
            ours[end, shape].append(name)
    for name, shape in have.items():
        for end in _ends(name):
            theirs[end, shape].append(name)
    open_, spare = set(rest), set(free)
    for end, shape in sorted(ours.keys() & theirs.keys(), key=lambda entry: (-len(entry[0]), entry)):
        mine, other = ours[end, shape], theirs[end, shape]
        if len(mine) != 1 or len(other) != 1 or mine[0] not in open_ or other[0] not in spare:
            continue
        whole = end in (plain(mine[0]), plain(other[0]))
        if whole or any(not step.isdecimal() for step in end[:-1]):
            open_.discard(mine[0])
            spare.discard(other[0])
            yield mine[0], other[0]


def _ends(name: str) -> Iterator[tuple[str, ...]]:
    text = plain(name)
    yield from (text[n:] for n in range(len(text)))


# By shapes and types.


def _fits(slot: Slot, called: Called, name: str, tensor: Tensor, by: str, doubt: str = "") -> list[Match]:
    """The ways in which a tensor can be taken; one that says why it cannot where there is none."""
    have = tuple(tensor.shape)
    dtype, turned, trouble = _numbers(str(tensor.dtype).removeprefix("torch."), slot.dtype)
    made = Match(slot.key, slot.shape, name, have, by, (), dtype, (), trouble)
    ways = _orders(have, slot.shape, called, name)
    if not ways or trouble:
        return [made._replace(trouble=trouble or "its shape does not fit")]
    doubts = [each for each in (doubt, NUMBERS if turned else "", WAYS if len(ways) > 1 else "") if each]
    return [made._replace(order=order, doubts=tuple(doubts)) for order in ways]


def _orders(have: Shape, want: Shape | None, called: Called, name: str) -> list[Order]:
    """The orders of dimensions in which a tensor fits, the likely one first."""
    if called.order:  # a borrower's name: the permutation on its wire is undone
        back = tuple(called.order.index(dim) for dim in range(len(called.order)))
        return [back] if want is None or _moved(have, back) == want else []
    if want is None:
        return [()]
    usual = layout(name, len(have))
    if usual and _moved(have, usual) == want:
        return [usual]
    if have == want or _sizes(have) == _sizes(want):
        return [()]  # sizes of 1 come and go, as MATLAB writes a bias
    ways: dict[Shape, Order] = {}
    orders = permutations(have, want)
    kernels = [each[len(have)] for each in (LAYOUTS, REVERSED) if each.get(len(have)) in orders]
    for order in kernels or orders:
        ways.setdefault(tuple(dim for dim in order if have[dim] != 1), order)
    return list(ways.values())


def _doubted(matches: Mapping[str, list[Match]], wanted: Mapping[str, Slot]) -> dict[str, list[Match]]:
    """Doubt square ones where others of their kind fit only transposed: those may be transposed as well."""
    kinds = {
        wanted[key].kind
        for key, (first, *more) in matches.items()
        if first.order == (1, 0) and not more and first.by != "other name" and not layout(first.name, 2)
    }
    found = dict(matches)
    for key, ways in matches.items():
        first = ways[0]
        square = len(first.have) == 2 and first.have[0] == first.have[1] > 1 and first.have == first.shape
        if square and len(ways) == 1 and not (first.order or first.trouble) and wanted[key].kind in kinds:
            found[key] = [first._replace(order=order, doubts=(*first.doubts, WAYS)) for order in ((), (1, 0))]
    return found


def _moved(shape: Shape | None, order: Order | None) -> Shape | None:
    """A shape with its dimensions in another order."""
    if not order or shape is None:
        return shape
    return tuple(shape[dim] for dim in order) if sorted(order) == list(range(len(shape))) else None


def _sizes(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _numbers(have: str, want: str) -> tuple[str, bool, str]:
    """The type that numbers are turned to, whether that must be said, and why they cannot be taken."""
    if have not in DTYPES:
        return "", False, f"layers cannot compute with {have}"
    kinds = [next(kind for kind in ("float", "complex", "int", "bool") if kind in dtype) for dtype in (have, want)]
    if kinds[0] == kinds[1]:  # floating numbers keep their type, as values do
        return ("" if kinds[0] != "int" or have == want else want), _narrower(have, want), ""
    if kinds[0] == "complex":
        return "", False, f"complex numbers do not fit into {want}"
    return want, True, ""


def _narrower(have: str, want: str) -> bool:
    """Whether whole numbers may be too large for another type."""
    bits = {"int64": 63, "int32": 31, "int16": 15, "int8": 7, "uint8": 8}
    return have in bits and want in bits and (bits[have] > bits[want] or (want == "uint8" and have != want))


# By numbers.


def _twin(name: str, called: Called, owner: Match, tensors: Mapping[str, Tensor]) -> Twin:
    """Compare a tensor under a tied name with that of its owner."""
    one, other = tensors[owner.name], tensors[name]
    if owner.trouble:
        return Twin(name, owner.key, None)
    check_value(one)
    check_value(other)
    value = one.permute(owner.order) if owner.order else one
    orders = [called.order] if called.order is not None else permutations(value.shape, other.shape)
    moved = [value.permute(order) if order else value for order in orders]
    fitting = [each for each in moved if each.shape == other.shape]
    return Twin(name, owner.key, any(equal(each, other) for each in fitting) if fitting else None)
