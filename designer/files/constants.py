"""Constants of a file as layers: regular ones by the function that makes them, others number by number."""

from typing import Any

from designer.layers import Constant
from designer.model.values import Tensor, check_value

LARGEST = 2**31
INLINE = 4096  # numbers that are written into the source one by one


def constant(tensor: Tensor) -> tuple[Constant, bool]:
    """The layer that gives these numbers, and whether it needs them as a value, because they are many and irregular."""
    import torch

    check_value(tensor)
    shape, dtype = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
    if not tensor.numel() or tensor.is_complex():
        return Constant(shape, dtype, "values" if tensor.numel() else "full"), bool(tensor.numel())
    numbers = tensor.detach().reshape(-1)
    first = numbers[0].item()
    candidates: list[tuple[str, tuple[Any, ...]]] = [("full", (first,))]
    if dtype != "bool" and numbers.numel() > 2:
        step = numbers[1].item() - first
        if max(abs(first), abs(step * numbers.numel())) < LARGEST:  # neither infinite nor NaN
            candidates.append(("arange", (first, step)))
    if len(shape) == 2:
        candidates.append(("eye", ()))
    if len(shape) >= 2:
        last, corner = tensor.detach()[(0,) * (len(shape) - 2)][-1, 0].item(), numbers[shape[-1] - 1].item()
        candidates += [("tril", (last, 0)), ("tril", (last, -1)), ("triu", (corner, 0)), ("triu", (corner, 1))]
    for fill, given in candidates:
        if any(number != number for number in given) or (fill == "arange" and given[1] == 0):
            continue
        if torch.equal(_filled(fill, given, tensor), tensor):
            return Constant(shape, dtype, fill, tuple(map(_plain, given))), False
    if numbers.numel() <= INLINE:
        return Constant(shape, dtype, "numbers", tuple(map(_plain, numbers.tolist()))), False
    return Constant(shape, dtype, "values"), True


def _plain(number: Any) -> int | float:
    return int(number) if isinstance(number, bool) else number


def _filled(fill: str, given: tuple[Any, ...], like: Tensor) -> Tensor:
    """What a way of filling gives, in the size and type of a tensor."""
    import torch

    match fill:
        case "full":
            return torch.tensor(given[0], dtype=like.dtype).expand(like.shape)
        case "arange":
            start, step = given
            stop = start + like.numel() * step
            made = torch.arange(start, stop, step, dtype=like.dtype)
            return made.reshape(like.shape) if made.numel() == like.numel() else made
        case "eye":
            return torch.eye(*like.shape, dtype=like.dtype)
        case _:
            full = torch.full(like.shape, given[0], dtype=like.dtype)
            return full.tril(given[1]) if fill == "tril" else full.triu(given[1])
