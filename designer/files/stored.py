"""The tensors that a file holds, whatever kind of file it is; none of them is read yet."""

import os
from collections.abc import Mapping
from pathlib import Path

from designer.files.errors import FileError
from designer.files.imports import import_pytorch
from designer.files.kinds import kind_of
from designer.files.project import load
from designer.files.values import VALUES, open_values
from designer.model.values import Tensor


def tensors_in(path: str | os.PathLike[str]) -> Mapping[str, Tensor]:
    """Give the tensors of a state_dict, a safetensors file, a project or an exported program by name, mapped."""
    file = Path(path)
    kind = kind_of(file).name
    if kind in VALUES:
        return open_values(file, kind).tensors
    if kind == "network":
        return load(file).values
    if kind == "pt2":
        return import_pytorch(file).network.values
    raise FileError(f"Values can be taken from .safetensors, .pt, .pt2 and .network files, and {file.name} is none.")
