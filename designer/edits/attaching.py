"""Give a network the values of a file, and tell what matched."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from designer.analysis.report import shape_text
from designer.edits.matching import NUMBERS, PLACE, WAYS, Match, Matching, match
from designer.edits.slots import Order
from designer.model import Network, NetworkError
from designer.model.names import shortened
from designer.model.values import check_value, marked
from designer.source.values import check_memory

Tensor = Any  # a torch.Tensor
LISTED = 12  # entries of a list
NAMED = 3  # names in a sentence


class Attached(NamedTuple):
    """A network with other values, and what is to be said about them."""

    network: Network
    report: "Attachment"


@dataclasses.dataclass(frozen=True, eq=False)
class Attachment:
    """What became of the values of a file; printed, a line for each that is not as it was expected.

    Attributes:
        source: the name of the file.
        matching: what belongs together.
        taken: the matches whose tensors the network has now.
        before: the keys that had a value.
    """

    source: str
    matching: Matching
    taken: tuple[Match, ...]
    before: Collection[str]

    @cached_property
    def kept(self) -> Mapping[str, str]:
        """The values that are as they were, by key, each with the reason."""
        taken = {each.key for each in self.taken}
        reasons = {each.key: _misfit(each) for each in self.matching.misfits}
        ways: dict[str, list[Match]] = {}
        for each in self.matching.matches:
            ways.setdefault(each.key, []).append(each)
        for key, found in ways.items():
            orders = " and ".join(_turned(each) or "as it is" for each in found)
            why = f"it fits {orders}" if len(found) > 1 else " and ".join(found[0].doubts) or orders
            reasons[key] = f"{found[0].name} is not taken: {why}"
        return {key: reasons.get(key, "not in the file") for key in self.matching.slots if key not in taken}

    @cached_property
    def unused(self) -> Mapping[str, tuple[int, ...]]:
        """The tensors of the file that nothing took, with their shapes."""
        taken = {each.name for each in self.taken}
        left = {each.name: each.have for each in (*self.matching.matches, *self.matching.misfits)}
        return {**{name: shape for name, shape in left.items() if name not in taken}, **self.matching.unused}

    @property
    def sentence(self) -> str:
        """What was done, in one sentence."""
        count, left = len(self.matching.slots), list(self.kept)
        done = f"Attached {len(self.taken):,} of {count:,} value{'s' if count != 1 else ''} from {self.source}"
        if len(left) == 1:
            return f"{done}; {left[0]} {'kept its own' if left[0] in self.before else 'has none yet'}."
        differing = [twin.name for twin in self.matching.twins if twin.same is False]
        if differing and not left:
            return f"{done}; {_listed(differing, 1)} differs from what it is tied to."
        return f"{done}; {_listed(left, 2)} are as they were." if left else f"{done}."

    def __str__(self) -> str:
        lines = [self.sentence]
        hows: dict[str, list[str]] = {}
        for each in self.taken:
            hows.setdefault(each.by, []).append(_pair(each))
        lines += [f"by {by}: {_listed(pairs)}" for by, pairs in hows.items() if by != "name"]
        lines += [f"{each.key}: {_turned(each)}" for each in self.taken if each.order or each.dtype]
        lines += [f"kept: {key} ({why})" for key, why in self.kept.items()]
        if self.unused:
            lines.append("not used: " + _listed(f"{name} {shape_text(s)}" for name, s in self.unused.items()))
        for twin in self.matching.twins:
            if twin.same is False:
                lines.append(f"tied: {twin.name} differs from {twin.key}, to which it is tied; that was taken")
            elif twin.same is None:
                lines.append(f"tied: {twin.name} could not be compared with {twin.key}, to which it is tied")
        return "\n".join(map(_one_line, lines))


def choose(
    matching: Matching, by_shape: bool = False, permute: Mapping[str, Order] | None = None, convert: bool = False
) -> tuple[Match, ...]:
    """Choose the matches that are taken: those without a doubt, and the doubts that the caller takes.

    Raises NetworkError where an order of dimensions is named that does not fit.
    """
    wanted = dict(permute or {})
    if unknown := [key for key in wanted if not any(each.key == key for each in _all(matching))]:
        raise NetworkError(f"permute names {shortened(unknown[0])}, for which there is no tensor.")
    ways: dict[str, list[Match]] = {}
    for each in matching.matches:
        ways.setdefault(each.key, []).append(each)
    for each in matching.misfits:
        if each.key in wanted:
            raise NetworkError(f"{each.key} is {_shape(each.shape)}: {_misfit(each)}.")
    doubts = {doubt for doubt, on in ((PLACE, by_shape), (NUMBERS, convert)) if on}
    chosen = []
    for key, (first, *_) in ways.items():
        if key in wanted:
            first, settled = _ordered(first, tuple(wanted[key])), doubts | {WAYS, PLACE}
        else:
            settled = doubts
        if settled.issuperset(first.doubts):
            chosen.append(first)
    return tuple(chosen)


def attached(network: Network, tensors: Mapping[str, Tensor], taken: Iterable[Match]) -> Network:
    """Give a network tensors as its values; what is mapped stays so, unless its numbers must be moved or turned.

    Raises NetworkError where its file was changed, or memory does not suffice.
    """
    chosen = list(taken)
    if not chosen:
        return network
    check_memory(sum(tensors[each.name].nbytes for each in chosen if _copied(tensors[each.name], each)))
    values = {each.key: _value(tensors[each.name], each) for each in chosen}
    return dataclasses.replace(network, values={**network.values, **values})


def attach(
    network: Network,
    tensors: Mapping[str, Tensor],
    source: str,
    by_shape: bool = False,
    permute: Mapping[str, Order] | None = None,
    convert: bool = False,
) -> Attached:
    """Give a network the tensors that belong to it, with a report. Raises NetworkError where none does."""
    matching = match(network, tensors)
    taken = choose(matching, by_shape, permute, convert)
    if not taken:
        raise NetworkError(nothing_fits(matching, source))
    report = Attachment(source, matching, taken, frozenset(network.values))
    return Attached(attached(network, tensors, taken), report)


def nothing_fits(matching: Matching, source: str) -> str:
    """Say that nothing is taken, with the first names of both sides."""
    keys, names = list(matching.slots), [each.name for each in _all(matching)] + list(matching.unused)
    if not keys:
        return "The network has no learnables and no buffers, so it takes no values."
    if not names:
        return f"{source} holds no tensors."
    said = f"No value of {source} fits: it has {_listed(names, NAMED)}, and the network {_listed(keys, NAMED)}"
    placed = {each.key for each in matching.matches if PLACE in each.doubts}
    if placed:
        return f"{said}; by order and shape {len(placed):,} would fit."
    if matching.misfits:
        first = matching.misfits[0]
        return f"{said}; {first.key} is {_shape(first.shape)}, and in the file {_misfit(first)}."
    return f"{said}."


def how(each: Match) -> str:
    """How a match was found and what is done to its tensor, in a few words."""
    return ", ".join(filter(None, (each.by, _turned(each))))


def _turned(each: Match) -> str:
    order = order_text(each) if each.order else ""
    return ", ".join(filter(None, (order, f"turned to {each.dtype}" if each.dtype else "")))


def order_text(each: Match) -> str:
    """In which order the dimensions of a tensor are taken."""
    return f"by Permute {', '.join(map(str, each.order))}" if each.order else "as it is"


def _misfit(each: Match) -> str:
    return f"{each.name} is {_shape(each.have)}" if "shape" in each.trouble else f"{each.name}: {each.trouble}"


def _one_line(text: str) -> str:
    """A text that a file had a hand in, without signs that move the cursor."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _pair(each: Match) -> str:
    return f"{each.key} from {each.name}"


def _all(matching: Matching) -> tuple[Match, ...]:
    return (*matching.matches, *matching.misfits)


def _shape(shape: tuple[int, ...] | None) -> str:
    return shape_text(shape)


def _ordered(each: Match, order: Order) -> Match:
    """The same match with the dimensions in an order that the caller names."""
    plain = tuple(range(len(each.have)))
    if order and sorted(order) != list(plain):
        raise NetworkError(f"{each.name} is {_shape(each.have)}: {order} is no order of its dimensions.")
    moved = tuple(each.have[dim] for dim in order or plain)
    if each.shape is not None and moved != each.shape:
        said = f", in the order {order} {_shape(moved)}" if order else ""
        raise NetworkError(f"{each.name} is {_shape(each.have)}{said}, and {each.key} is {_shape(each.shape)}.")
    return each._replace(order=() if order == plain else order)


def _copied(tensor: Tensor, each: Match) -> bool:
    """Whether the numbers of a tensor do not stay where they are."""
    return bool(each.order or each.dtype or getattr(tensor, "mapped", None) is None)


def _value(tensor: Tensor, each: Match) -> Tensor:
    import torch

    check_value(tensor)
    stamp = getattr(tensor, "mapped", None)
    value = tensor.detach()
    if not _copied(tensor, each):
        if each.shape is not None and tuple(value.shape) != each.shape:
            value = value.reshape(each.shape)  # sizes of 1 alone differ, so this is a view
        value.mapped = stamp
        return value
    value = value.permute(each.order) if each.order else value
    dtype = getattr(torch, each.dtype) if each.dtype else value.dtype
    value = value.to(dtype, copy=True, memory_format=torch.contiguous_format)
    value = value if each.shape is None else value.reshape(each.shape)
    return marked(value, f"copied from {each.name}" + (f" of {stamp.path.name}" if stamp else ""))


def _listed(entries: Iterable[str], most: int = LISTED) -> str:
    found = list(entries)
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
