"""Give a network the values of a file, or those of a state_dict at hand."""

import os
from collections.abc import Mapping
from pathlib import Path

from designer.edits.attaching import Attached, attach
from designer.files.checkpoint import named
from designer.files.errors import FileError
from designer.files.stored import tensors_in
from designer.model import Network
from designer.model.values import Tensor


def attach_values(
    network: Network,
    source: str | os.PathLike[str] | Mapping[str, Tensor],
    by_shape: bool = False,
    permute: Mapping[str, tuple[int, ...]] | None = None,
    convert: bool = False,
) -> Attached:
    """Give a network the values of a file: ``network, report = attach_values(network, "model.pth")``.

    As ``load_state_dict(strict=False)`` of torch, and with more than exact names: old and tied names, prefixes of
    wrappers and of whole models, the words of Keras and MATLAB, unique ends of names; matrices that fit only
    transposed are. What fits in several ways is left as it was, and told: ``permute={"fc.weight": (1, 0)}`` says which,
    ``()`` takes it as it is. ``by_shape`` also takes what fits by its place and shape alone, ``convert`` also whole
    numbers into learnables. Values stay in the file until something needs them, and keep their type there.

    A state_dict or a module may stand in the place of a file; what is no tensor in it is left out.
    Raises FileError where there are no values, NetworkError where none of them fits.
    """
    if isinstance(source, str | os.PathLike):
        return attach(network, tensors_in(source), Path(source).name, by_shape, permute, convert)
    given = source.state_dict() if hasattr(source, "state_dict") and not isinstance(source, type) else source
    if not isinstance(given, Mapping):
        raise FileError(f"Values are attached from a file or a state_dict, and {type(source).__name__} is neither.")
    tensors = {name: value for name, value in named(given).items() if hasattr(value, "untyped_storage")}
    return attach(network, tensors, "the state_dict", by_shape, permute, convert)
