"""Where a .pt2 file keeps its program and its tensors; each version of torch.export has its own places for them.

Since 2.9 each tensor is an entry of its own, described by JSON; before that the tensors are archives within the
archive, as torch.save writes them; before 2.8 all entries have other names.
"""

import json
import math
from typing import Any, NamedTuple

from designer.files.archive import Archive, Span
from designer.files.checkpoint import ITEM_BYTES, read_archive, tensor_parts
from designer.files.errors import FileError
from designer.files.program import Stored
from designer.files.pt2_arguments import Damage, dtype_of, name_of, path_of
from designer.model.names import shortened

STRIDED = 7
MOST_NUMBERS = 2**40  # elements of one tensor
FIRST = "serialized_exported_program.json"  # of PyTorch before 2.8


class Contents(NamedTuple):
    """What the archive of a program holds."""

    document: Any  # the program as JSON
    stored: dict[str, Stored]
    spans: dict[str, Span]  # storage -> its bytes in the file


def read_contents(archive: Archive) -> Contents:
    """Find the program and its tensors; raises FileError or Damage."""
    name = archive.path.name
    if FIRST in archive.entries:
        pairs = (("weights", "serialized_state_dict.pt"), ("constants", "serialized_constants.pt"))
        return _with_archives(archive, FIRST, pairs)
    models = [entry for entry in archive.entries if entry.startswith("models/") and entry.endswith(".json")]
    if len(models) != 1:
        raise FileError(f"{name} holds {len(models)} models, and only a file with one can be opened.")
    model = models[0].removeprefix("models/").removesuffix(".json")
    if f"data/weights/{model}.pt" in archive.entries:
        pairs = (("weights", f"data/weights/{model}.pt"), ("constants", f"data/constants/{model}.pt"))
        return _with_archives(archive, models[0], pairs)
    found = Contents(read_json(archive, models[0]), {}, {})
    for folder, config in (("weights", f"{model}_weights_config"), ("constants", f"{model}_constants_config")):
        entries = read_json(archive, f"data/{folder}/{config}.json")["config"]
        for key, entry in entries.items():
            found.stored[path_of(key)] = _stored(archive, folder, key, entry, found.spans)
    return found


def _with_archives(archive: Archive, model: str, pairs: tuple[tuple[str, str], ...]) -> Contents:
    """A program whose tensors torch.save wrote."""
    found = Contents(read_json(archive, model), {}, {})
    for folder, entry in pairs:
        if entry not in archive.entries and folder == "constants":
            continue
        saved = read_archive(Archive(archive.path, archive.span(entry)))
        found.spans.update({f"{folder}/{name}": span for name, span in saved.spans.items()})
        if not isinstance(saved.root, dict):
            raise Damage(f"its {folder} are not named")
        for key, value in saved.root.items():
            stored = saved.stored(path_of(key), value)
            if stored is None:
                quoted = shortened(key)
                raise FileError(f"{archive.path.name} holds {quoted} as something that is no tensor: it is not opened.")
            role = "buffer" if folder == "weights" else "constant"
            is_parameter = tensor_parts(value) is not None and value.name.endswith(("parameter", "Parameter"))
            found.stored[key] = stored._replace(
                storage=f"{folder}/{stored.storage}",
                role="parameter" if is_parameter else role,
                persistent=folder == "weights",
            )
    return found


def read_json(archive: Archive, entry: str) -> Any:
    """An entry that is JSON."""
    try:
        return json.loads(archive.read(entry).decode("utf-8"), object_hook=_unchanged)
    except (ValueError, RecursionError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{archive.path.name} is damaged: {shortened(entry)} is not JSON.") from None


def _unchanged(found: dict[str, Any]) -> dict[str, Any]:
    """An object as it was read; that Python is called for each lets other threads run while C reads a large text."""
    return found


def _stored(archive: Archive, folder: str, key: str, entry: Any, spans: dict[str, Span]) -> Stored:
    """What the file says about one stored tensor, checked against the bytes that it has; notes these in ``spans``."""
    quoted = shortened(key)
    meta = entry["tensor_meta"]
    if entry["use_pickle"] or meta is None:
        raise FileError(
            f"{archive.path.name} holds {quoted} as a pickle, which can run code when it is read: it is not opened."
        )
    if meta["layout"] != STRIDED:
        raise FileError(f"{archive.path.name} holds {quoted} as a sparse tensor, which cannot be opened.")
    dtype = dtype_of(meta["dtype"])
    storage = f"data/{folder}/{name_of(entry['path_name'])}"
    shape, strides = (tuple(_whole(size["as_int"]) for size in meta[part]) for part in ("sizes", "strides"))
    offset = _whole(meta["storage_offset"]["as_int"])
    if storage not in spans:
        spans[storage] = archive.span(storage)
    count = spans[storage].size // ITEM_BYTES[dtype]
    if len(shape) != len(strides) or len(shape) > 64:
        raise Damage(f"{quoted} has {len(shape)} sizes and {len(strides)} strides")
    total = math.prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides))
    if total and last >= count:
        raise Damage(f"{quoted} reaches past the end of its numbers")
    if total > max(count, 2**24):
        raise Damage(f"{quoted} says that it has {total:,} numbers, and {count:,} are there")
    role = "parameter" if entry["is_param"] is True else "buffer" if folder == "weights" else "constant"
    return Stored(storage, dtype, shape, strides, offset, role, folder == "weights", meta["requires_grad"] is True)


def _whole(number: Any) -> int:
    if type(number) is not int or not 0 <= number <= MOST_NUMBERS:
        raise Damage(f"{shortened(number)} is not a size")
    return number
