"""Refuse calls whose results would take memory as no network does, before they are run."""

from typing import Any

from designer.files.torchscript.text import Unfollowed

MOST_PARTS = 10_000  # tensors that one call takes or gives, and entries of a list
MOST_SIZES = 64  # of a tensor, as in torch


def check_call(name: str, placed: list[Any]) -> None:
    """Refuse a call that takes or gives very many tensors, or one with more sizes than torch computes with."""
    for value in placed:
        entries = value if isinstance(value, list | tuple) else [value]
        if len(entries) > MOST_PARTS:
            raise Unfollowed(f"it calls {name} with a list of {len(entries):,} entries, of at most {MOST_PARTS:,}")
        if any(fake.dim() > MOST_SIZES for entry in entries for fake in getattr(entry, "fakes", ())[:1]):
            raise Unfollowed(f"it calls {name} on a tensor of more than {MOST_SIZES} sizes")
    if (count := _parts(name, placed)) > MOST_PARTS:
        raise Unfollowed(f"it calls {name} to take a tensor apart into {count:,}, of at most {MOST_PARTS:,}")


def _parts(name: str, placed: list[Any]) -> int:
    """How many tensors a call gives that takes one apart; 1 for any other."""
    step = placed[1] if len(placed) > 1 and type(placed[1]) is int else 0
    if name in ("chunk", "unsafe_chunk", "tensor_split", "hsplit", "vsplit", "dsplit"):
        return step
    if name not in ("unbind", "split", "unsafe_split") or not placed or not getattr(placed[0], "fakes", ()):
        return 1
    at, length = (step, 1) if name == "unbind" else (placed[2] if len(placed) > 2 else 0, step)
    shape = placed[0].fake.shape
    if type(at) is not int or not -len(shape) <= at < len(shape) or length < 1:
        return 1  # which torch refuses
    return int(-(-shape[at] // length))
