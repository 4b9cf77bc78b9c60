"""The tensors that a file holds, whatever kind of file it is; none of them is read yet."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from designer.files.errors import FileError
from designer.files.imports import import_pytorch
from designer.files.kinds import kind_of
from designer.files.project import load
from designer.files.replace import reason
from designer.files.values_file import map_tensors, read_header
from designer.model.values import Stamp

Tensor = Any  # a torch.Tensor


def tensors_in(path: str | os.PathLike[str]) -> Mapping[str, Tensor]:
    """Give the tensors of a safetensors file, a project or an exported program by name, mapped; raise FileError."""
    file = Path(path)
    kind = kind_of(file).name
    if kind == "network":
        return load(file).values
    if kind == "pt2":
        return import_pytorch(file).network.values
    if kind != "safetensors":
        raise FileError(f"Values can be taken from .safetensors, .network and .pt2 files, and {file.name} is none.")
    try:
        stamp = Stamp.of(file)
        return map_tensors(stamp, read_header(stamp))
    except FileError as error:
        raise FileError(f"{file.name} cannot be read: {error}") from None
    except OSError as error:
        raise FileError(f"{file.name} cannot be read: {reason(error)}") from None
