"""Which types of elements a layer takes.

The meta device lets pass what kernels refuse, so small real tensors are tried.
"""

import math
from collections.abc import Sequence

from designer.analysis.probe import Tensor, ask, try_out
from designer.model import Layer

SMALL = 2**22  # numbers at most, in inputs and learnables, for a real run


def takes(layer: Layer, tensors: Sequence[Tensor], small: Sequence[Tensor], dtype: str) -> bool:
    """Whether a layer runs on such tensors; ``small`` are the same with little numbers for free sizes."""
    outcome = ask(layer, tuple(tensors), dtype)[1]
    if outcome.error is not None:
        return False
    usual = [tensor._replace(dtype=dtype) for tensor in tensors]
    if list(tensors) == usual or ask(layer, tuple(usual), dtype)[1].error is not None:
        return True  # it tells types apart by itself
    stored = sum(math.prod(tensor.sizes) for tensor in outcome.state.values())
    if stored + sum(math.prod(tensor.sizes) for tensor in small) > SMALL:
        return not stored or all(tensor.dtype == dtype for tensor in tensors)
    if try_out(layer, tuple(tensor._replace(dtype=dtype) for tensor in small), dtype) is not None:
        return True  # too small for it: nothing is learned
    return try_out(layer, tuple(small), dtype) is None


def needed(layer: Layer, tensors: Sequence[Tensor], small: Sequence[Tensor], dtype: str) -> tuple[int, str] | None:
    """Which input needs which other type for a layer to run; None where that is not what is wrong."""
    if not tensors or takes(layer, tensors, small, dtype):
        return None
    for n, have in enumerate(tensors):
        for other in dict.fromkeys((dtype, "int64", "bool")):
            if other != have.dtype:
                large, little = ([*ts[:n], ts[n]._replace(dtype=other), *ts[n + 1 :]] for ts in (tensors, small))
                if takes(layer, large, little, dtype):
                    return n, other
    return None
