"""What a live module gives back, in dicts, lists and tuples alone, so that it can be recorded whatever its class."""

import contextlib
import dataclasses
import functools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from designer.files.outputs import Held, Left, class_of, in_order, results, with_texts

DEEPEST = 50  # containers in each other; what lies deeper is left out


def held(value: Any, depth: int = 0) -> Any:
    """What a module gives back, its tensors, numbers and texts left as they are."""
    import torch
    from torch.utils import _pytree as tree

    if value is None or isinstance(value, torch.Tensor | bool | int | float | str | complex):
        return value
    if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):  # while it is recorded
        return Left("a number")
    kind = type(value)
    name = kind.__name__
    if depth >= DEEPEST:
        return Left(f"a {name} that lies too deep")

    def inner(entries: Any) -> list[Any]:
        return [held(entry, depth + 1) for entry in entries]

    if isinstance(value, Mapping):
        return with_texts(list(value), inner(value.values()), "" if kind in (dict, OrderedDict) else name)
    if isinstance(value, tuple):
        fields: Any = getattr(kind, "_fields", getattr(kind, "__match_args__", ()))  # as torch's own
        if len(fields) == len(value) and all(isinstance(field, str) for field in fields):
            return Held("tuple", list(zip(fields, inner(value))), name if fields else "")
        return Held("tuple", in_order(inner(value)), "" if kind in (tuple, torch.Size) else name)
    if isinstance(value, list | deque):
        return Held("list", in_order(inner(value)), "" if kind is list else name)
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return with_texts(names, inner(getattr(value, field, None) for field in names), name)
    if kind in tree.SUPPORTED_NODES:  # a class that says how it is taken apart
        entries, keys = tree.SUPPORTED_NODES[kind].flatten_fn(value)
        if isinstance(keys, list) and len(keys) == len(entries) and all(isinstance(key, str) for key in keys):
            return with_texts(keys, inner(entries), name)
        return Held("tuple", in_order(inner(entries)), name)
    return Left(class_of(name))


def plain(given: Any) -> Any:
    """The same as Python's own containers; what cannot be given back is None, or missing in a dict."""
    if isinstance(given, Left):
        return None
    if not isinstance(given, Held):
        return given
    if given.kind == "dict":
        return {name: plain(entry) for name, entry in given.entries if not isinstance(entry, Left)}
    entries = [plain(entry) for _, entry in given.entries]
    return entries if given.kind == "list" else tuple(entries)


def tensors_in(value: Any) -> list[Any]:
    """The tensors that a module gives back, in the order of the outputs of its network."""
    import torch

    return [tensor for _, tensor in results(held(value), torch.Tensor).outputs]


@contextlib.contextmanager
def giving(module: Any, change: Callable[[Any], Any]) -> Iterator[list[Any]]:
    """Let a module give something else back for a while, made of what it would give; lists what that last was."""
    import torch

    seen: list[Any] = []
    if isinstance(module, torch.jit.ScriptModule):  # gives plain containers alone, and cannot be changed
        yield seen
        return
    forward, own = module.forward, vars(module).get("forward")

    @functools.wraps(forward)
    def changed(*args: Any, **kwargs: Any) -> Any:
        seen[:] = [held(forward(*args, **kwargs))]
        return change(seen[0])

    module.forward = changed
    try:
        yield seen
    finally:
        if own is None:
            del module.forward
        else:
            module.forward = own
