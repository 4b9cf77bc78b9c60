"""Say why a live module cannot be recorded that packs its sequences by their lengths."""

import contextlib
from typing import Any

from designer.files.errors import FileError


def explained(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], refusal: FileError) -> FileError:
    """The refusal, or what stands behind it where a recurrent layer takes packed sequences."""
    import torch
    from torch.nn.utils.rnn import PackedSequence

    packed: list[str] = []

    def look(name: str) -> Any:
        return lambda _, given: packed.append(name) if isinstance(given[0], PackedSequence) else None

    layers = [(name, part) for name, part in module.named_modules() if isinstance(part, torch.nn.RNNBase)]
    hooks = [part.register_forward_pre_hook(look(name)) for name, part in layers]
    try:
        with contextlib.suppress(Exception), torch.no_grad():  # whatever the code of the module raises
            if layers:
                module(*args, **kwargs)
    finally:
        for hook in hooks:
            hook.remove()
    if not packed:
        return refusal
    return FileError(
        f"{type(module).__name__} cannot be recorded: {packed[0]} takes packed sequences, whose lengths are numbers "
        "and no sizes. Open it with a forward that gives the layer whole sequences."
    )
