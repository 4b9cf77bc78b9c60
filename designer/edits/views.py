"""Tie what looks at the numbers of another learnable, by layers that make it of that: slices, an order, sizes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from designer.edits.ties import borrow, learnable, tidied, untie
from designer.layers import Permute, Reshape, Slice
from designer.model import Layer, Network, NetworkError
from designer.model.values import Tensor

Sizes = tuple[int, ...]


class Look(NamedTuple):
    """How a tensor looks at the numbers of a storage, all in elements."""

    shape: Sizes
    strides: Sizes
    offset: int


def tie_view(network: Network, owner: str, borrower: str) -> Network:
    """Let a learnable take from another one what it looks at in memory: ``tie_view(net, "enc/weight", "dec/weight")``.

    Raises NetworkError where their values do not share memory, or in a way that no layers make.
    """
    source, target = learnable(network, owner), learnable(network, borrower)
    whole, part = (network.values.get(network.layer(port.layer).key(*port)) for port in (source, target))
    if whole is None or part is None or whole.dtype != part.dtype or not _share(whole, part):
        raise NetworkError(f"The values of {source} and {target} do not share memory.")
    looks = (Look(tuple(value.shape), value.stride(), value.storage_offset()) for value in (whole, part))
    if (layers := steps(*looks)) is None:
        raise NetworkError(f"No layers make {target} of what {source} stores.")
    return borrow(network, source, target, *layers)


def separate(network: Network, borrower: str, *others: str) -> Network:
    """Let a learnable own what arrives at it, as ``untie`` does, and others that took the same take it from there."""
    network = untie(network, borrower)
    for other in others:
        target = learnable(network, other)
        source = network.source_of(target)
        network = borrow(network, learnable(network, borrower), target)
        if source is not None:
            network = tidied(network, source)
    return network


def _share(a: Tensor, b: Tensor) -> bool:
    return bool(a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr())


def steps(whole: Look, part: Look) -> list[Layer] | None:
    """The layers that make one view of a storage of another; None where no such layers do."""
    found = _cut(whole, part)
    return _flat(whole, part) if found is None else found


def _cut(whole: Look, part: Look) -> list[Layer] | None:
    """Ranges of dimensions, then an order of them."""
    dims = sorted((n for n, size in enumerate(whole.shape) if size > 1), key=lambda n: -whole.strides[n])
    starts, rest = dict.fromkeys(range(len(whole.shape)), 0), part.offset - whole.offset
    for n in dims:
        if whole.strides[n] < 1 or rest < 0:
            return None
        starts[n], rest = divmod(rest, whole.strides[n])
    if rest:
        return None
    ranges: dict[int, tuple[int, int]] = {}  # dimension -> how many, how far from each other
    for size, stride in zip(part.shape, part.strides):
        if size == 1:
            continue
        for n in dims:
            step, over = divmod(stride, whole.strides[n])
            if n not in ranges and step > 0 and not over and starts[n] + (size - 1) * step < whole.shape[n]:
                ranges[n] = size, step
                break
        else:
            return None
    found: list[Layer] = []
    for n in sorted(dims):
        size, step = ranges.get(n, (1, 1))
        stop = starts[n] + (size - 1) * step + 1
        if starts[n] >= whole.shape[n]:
            return None
        if (size, step) != (whole.shape[n], 1):
            found.append(Slice(n, starts[n], stop if stop < whole.shape[n] else None, step))
    order = [*ranges]
    for n in range(len(whole.shape)):  # those of size 1 stay where they are, as far as that goes
        if n not in ranges:
            order.insert(n, n)
    return found + _finished([ranges.get(n, (1, 1))[0] for n in range(len(whole.shape))], order, part.shape)


def _flat(whole: Look, part: Look) -> list[Layer] | None:
    """A range of the numbers as they lie, where both have no gaps."""
    lying, order = _as_it_lies(whole), _as_it_lies(part)
    start, count = part.offset - whole.offset, math.prod(part.shape)
    total = math.prod(whole.shape)
    if lying is None or order is None or start < 0 or start + count > total:
        return None
    found: list[Layer] = []
    if lying != sorted(lying):
        found.append(Permute(tuple(lying)))
    if len(whole.shape) != 1:
        found.append(Reshape((total,)))
    if count < total:
        found.append(Slice(0, start, start + count if start + count < total else None))
    sizes = [part.shape[n] for n in order]
    if len(sizes) != 1:
        found.append(Reshape(tuple(sizes)))
    return found + _finished(sizes, [order.index(n) for n in range(len(order))], part.shape)


def _finished(sizes: Sequence[int], order: Sequence[int], shape: Sizes) -> list[Layer]:
    """The dimensions in their order, and sizes of 1 added or left out."""
    found: list[Layer] = []
    moved = [n for n in order if sizes[n] > 1]
    if moved != sorted(moved):
        found.append(Permute(tuple(order)))
    else:
        order = range(len(sizes))
    if tuple(sizes[n] for n in order) != shape:
        found.append(Reshape(shape))
    return found


def _as_it_lies(look: Look) -> list[int] | None:
    """The dimensions as the numbers lie in memory, the widest step first; None where there are gaps."""
    order = sorted(range(len(look.shape)), key=lambda n: -look.strides[n] if look.shape[n] > 1 else 0)
    run = 1
    for n in reversed(order):
        if look.shape[n] > 1:
            if look.strides[n] != run:
                return None
            run *= look.shape[n]
    return order
