"""Other numbers for the sizes that depend on numbers, for a layer that needs them to fit."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from designer.analysis.flow import Flow

DIVISIBLE = 2**8 * 3**2 * 5 * 7  # by most sizes of a batch


def guesses(flows: "list[Flow]") -> "Iterator[list[Flow]]":
    """The flows with one such size as a multiple of another size, or equal to it or to a fixed one.

    So the rows of a mask meet those of the same mask, and the last words of a batch become a batch again.
    """
    fixed = {size for flow in flows for size in flow.shape or () if isinstance(size, int) and size > 1}
    entries = {
        text: [tensor and tensor.sizes[d] for tensor in flow.at]
        for flow in flows
        for d, text in enumerate(flow.shape or ())
        if isinstance(text, str)
    }
    for name in sorted(frozenset().union(*(flow.unknown for flow in flows))):
        others = [sizes for text, sizes in entries.items() if text != name]
        multiples = [[size and size * (n + 2) for n, size in enumerate(sizes)] for sizes in others]
        multiples.append([DIVISIBLE * (n + 2) for n in range(len(flows[0].at))])
        alike: list[list[int | None]] = [[size] * len(flows[0].at) for size in sorted(fixed)]
        for numbers in (*multiples, *others, *alike):
            yield [_renumbered(flow, name, numbers) for flow in flows]


def _renumbered(flow: "Flow", name: str, numbers: Sequence[int | None]) -> "Flow":
    """A flow with other numbers for one of its sizes."""
    if flow.shape is None or name not in flow.shape:
        return flow
    at = tuple(
        tensor and tensor._replace(sizes=tuple(n if t == name and n else s for t, s in zip(flow.shape, tensor.sizes)))
        for tensor, n in zip(flow.at, numbers)
    )
    return dataclasses.replace(flow, at=at)
