"""The state_dict of a network as a safetensors file, or as torch.save writes it."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from designer.analysis import analyze
from designer.files import values_file
from designer.files.errors import FileError
from designer.files.replace import reason, replace, replacing
from designer.files.values_file import read_header
from designer.model import Network, NetworkError
from designer.model.values import Stamp, Tensor, check_value
from designer.source import initialize
from designer.source.state_dicts import Entry, Names, entries

SUFFIX = ".safetensors"
SUFFIXES = (SUFFIX, ".pt", ".pth")
WRITTEN_AS = ".safetensors, .pt or .pth"


def save_weights(network: Network, path: str | os.PathLike[str], asked: bool = False, names: Names = "network") -> int:
    """Write every value by its state_dict key; give how many tensors are stored.

    ``names="original"``: under the names of the file that the network came from. A safetensors file stores a tied
    tensor once, and its metadata tell its other names; a file of torch (.pt, .pth) has each name, and they share their
    memory. A file that was not written here is replaced only if the user was ``asked``. Raises NetworkError for a
    network with errors.
    """
    given = Path(path)
    try:
        if given.suffix not in SUFFIXES:
            raise FileError(f"the name of such a file ends in {WRITTEN_AS}.")
        if given.is_dir():
            raise FileError("it is a folder.")
        if given.exists() and not asked and not (given.suffix == SUFFIX and _is_ours(given)):
            raise FileError("the file of this name was not written by Network Designer.")
        if errors := analyze(network).errors:
            raise NetworkError(errors[0].text)
        file = Path(os.path.realpath(given))
        if given.suffix == SUFFIX:
            found = entries(network, names)
            _write_safetensors(found, file)
        else:
            found = entries(_compact(network), names)
            _write_torch(found, file)
    except FileError as error:
        raise FileError(f"{given.name} cannot be written: {error}") from None
    except OSError as error:
        raise FileError(f"{given.name} cannot be written: {reason(error)}") from None
    return sum(not entry.owner for entry in found.values())


def _write_safetensors(found: Mapping[str, Entry], path: Path) -> None:
    """Each tensor once; one that looks otherwise at the numbers of another comes back with that."""
    values = {name: entry.tensor for name, entry in found.items() if not entry.owner}
    for name, value in values.items():
        values_file.check_kind(name, value)
    others = {
        name: entry.owner
        for name, entry in found.items()
        if entry.owner and _is_same(entry.tensor, values[entry.owner]) and name not in values_file.OWN_METADATA
    }
    replace(path, values_file.written(values, values_file.content_hash(values), others))


def _write_torch(found: Mapping[str, Entry], path: Path) -> None:
    import torch

    with replacing(path) as file:
        torch.save({name: entry.tensor.detach() for name, entry in found.items()}, file)


def _compact(network: Network) -> Network:
    """The network with values that have no more memory than their own numbers, since torch writes all of a memory."""
    import torch

    values = {}
    for key, value in initialize(network).values.items():
        check_value(value)
        if value.is_meta:
            raise FileError(f"{key} has no numbers.")
        size = value.numel() * value.element_size()
        alone = str(value.layout) != "torch.strided" or (
            value.is_contiguous() and value.untyped_storage().nbytes() == size
        )
        values[key] = value if alone else value.detach().clone(memory_format=torch.contiguous_format)
    return dataclasses.replace(network, values=values)


def _is_same(value: Tensor, other: Tensor) -> bool:
    return (value.shape, value.stride(), value.data_ptr()) == (other.shape, other.stride(), other.data_ptr())


def _is_ours(file: Path) -> bool:
    try:
        return "content" in read_header(Stamp.of(file)).metadata
    except FileError:
        return False
