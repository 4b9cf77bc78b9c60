"""Give a live module the values of a file that holds some, read as data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from designer.files.errors import FileError
from designer.files.kinds import kind_of
from designer.files.stored import tensors_in
from designer.model.names import shortened
from designer.model.values import Tensor


def load_checkpoint(module: Any, path: Path) -> None:
    """Set every parameter and buffer of a module. Raises FileError where names or shapes differ."""
    if refusal := kind_of(path).refusal:
        raise FileError(refusal)
    kept = module.state_dict(keep_vars=True)
    given = _named_alike(tensors_in(path), kept)
    loaded = {id(kept[name]) for name in given if name in kept}  # under any of their names, when they are tied
    missing = [name for name, value in kept.items() if name not in given and id(value) not in loaded]
    troubles = [
        _named("it holds no", [shortened(name) for name in missing]),
        _named("there is no place for", [shortened(name) for name in given if name not in kept]),
        _named("its shape differs for", _other_shapes(given, kept)),
    ]
    if said := ", ".join(filter(None, troubles)):
        raise FileError(f"{path.name} does not fit {type(module).__name__}: {said}.")
    try:
        module.load_state_dict(given, strict=False)
    except RuntimeError as error:
        lines = str(error).strip().splitlines()
        raise FileError(f"{path.name} does not fit {type(module).__name__}: {lines[-1].strip().rstrip('.')}.") from None


def _named_alike(tensors: Mapping[str, Tensor], kept: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors without what was put before all their names, such as the ``module.`` of DataParallel."""
    first = next((name for name in tensors if name not in kept), "")
    for name in kept:
        before = first.removesuffix(name)
        if before != first and all(each.startswith(before) for each in tensors):
            return {each.removeprefix(before): tensor for each, tensor in tensors.items()}
    return dict(tensors)


def _other_shapes(given: Mapping[str, Tensor], kept: Mapping[str, Any]) -> list[str]:
    from torch.nn.parameter import is_lazy

    return [
        f"{shortened(name)} ({_sizes(tensor)} instead of {_sizes(kept[name])})"
        for name, tensor in given.items()
        if name in kept and not is_lazy(kept[name]) and tensor.shape != kept[name].shape
    ]


def _sizes(tensor: Any) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"


def _named(what: str, names: list[str]) -> str:
    """A few of the names, after what is said about them."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{what} {names[0]}{more}" if names else ""
