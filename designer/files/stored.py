"""The tensors that a file holds, whatever kind of file it is; none of them is read yet."""

import os
from collections.abc import Mapping
from pathlib import Path

from designer.files.errors import FileError
from designer.files.kinds import kind_of
from designer.files.project import load
from designer.files.values import VALUES, open_values
from designer.model.values import Stamp, Tensor

TAKEN = ".safetensors, .pt, .pt2, .onnx, .npz, .mat, .h5, .index.json"


def tensors_in(path: str | os.PathLike[str]) -> Mapping[str, Tensor]:
    """Give the tensors of a file by their names there, mapped unless it packs them: what a state_dict of its model has.

    It may hold values alone, or a program or modules beside them; none of its code is run.
    """
    file = Path(path)
    kind = kind_of(file).name
    if kind in VALUES:
        return open_values(file, kind).tensors
    if kind == "network":
        return load(file).values
    if kind in ("pt2", "ONNX"):
        return _of_program(file, kind)
    if kind == "TorchScript":
        return _of_script(file)
    if kind == "module pickle":
        return _of_modules(file)
    raise FileError(f"Values can be taken from {TAKEN} and .network files, and {file.name} is none.")


def _of_program(path: Path, kind: str) -> Mapping[str, Tensor]:
    from designer.files.recorded import read_recorded

    recorded = read_recorded(path, kind)
    return recorded.tensors([name for name, kept in recorded.program.stored.items() if kept.persistent])


def _of_script(path: Path) -> Mapping[str, Tensor]:
    from designer.files.torchscript.read import read_script

    script = read_script(path)
    stored = script.objects.stored
    kept = {name: entry for name, entry in stored.items() if entry.persistent}
    return script.tensors(kept or stored)  # a frozen model keeps all as constants


def _of_modules(path: Path) -> Mapping[str, Tensor]:
    from designer.files.checkpoint import map_stored
    from designer.files.modules import read_modules

    try:
        stamp = Stamp.of(path)
        modules = read_modules(stamp)
    except FileError as error:
        said = str(error)
        raise FileError(said if path.name in said else f"{path.name} cannot be read: {said}") from None
    kept = {name: entry for name, entry in modules.stored.items() if entry.persistent}
    return map_stored(stamp, kept, modules.saved.spans)
