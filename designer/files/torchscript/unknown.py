"""Calls whose sizes depend on the numbers of their tensors: some size stands for each of those."""

from collections.abc import Callable
from typing import Any

from designer.analysis.guesses import DIVISIBLE
from designer.analysis.probe import some_size, symbolic_mode


def with_some_sizes(function: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any], key: str) -> Any:
    """What a call gives for tensors without numbers; another ``key`` gives other sizes where these are not known."""
    import torch
    from torch.utils._pytree import tree_map_only  # type: ignore[attr-defined]

    def again(tensor: Any) -> Any:
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)

    def told(tensor: Any) -> tuple[list[int], Any]:
        return [n if isinstance(n, int) else DIVISIBLE * some_size(f"{key} {n}") for n in tensor.shape], tensor.dtype

    with symbolic_mode():
        given = tree_map_only(torch.Tensor, again, (arguments, keywords))
        made = function(*given[0], **given[1])
        found = [told(tensor) for tensor in made] if isinstance(made, list | tuple) else told(made)
    if isinstance(found, tuple):
        return torch.empty(found[0], dtype=found[1])
    return type(made)(torch.empty(shape, dtype=dtype) for shape, dtype in found)


def unsure(arguments: list[Any]) -> bool:
    """Whether a tensor among the arguments of a call has a size that some number stands for."""
    fakes = [value.fake for value in arguments if hasattr(value, "fake")]
    return any(size and size % DIVISIBLE == 0 for fake in fakes for size in fake.shape)


def masks(placed: list[Any]) -> str:
    """The masks among the arguments of a call: as many are true in them for other calls."""
    found = [value for part in placed for value in (part if isinstance(part, list) else [part])]
    tensors = [value for value in found if hasattr(value, "fake") and hasattr(value, "ref")]
    return " ".join(value.ref for value in tensors if "bool" in str(value.fake.dtype))
