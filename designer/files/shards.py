"""Checkpoints in parts: an index tells which file beside it holds each tensor, as transformers and diffusers do."""

import itertools
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from designer.files.errors import FileError
from designer.files.held import SHOWN, Held
from designer.files.program import Stored
from designer.files.strict_json import parse
from designer.model.names import shortened
from designer.model.values import Stamp, Tensor

LARGEST_INDEX = 64 << 20  # bytes
MOST_SHARDS = 10_000
MOST_BESIDE = 20_000  # files of a folder that are looked at
MOST_INDEXES = 8

Read = Callable[[Path], Held]  # of one shard


def read_index(stamp: Stamp, read: Read) -> Held:
    """Open all shards of an index as one; raises FileError."""
    weight_map = _weight_map(stamp)
    shards = _shards(stamp.path, weight_map)
    stored: dict[str, Stored] = {}
    tensors: dict[str, Tensor] = {}
    said: list[str] = []
    more: dict[str, str] = {}  # name that the index does not tell -> its shard
    for shard, path in shards.items():
        part = read(path)
        said += [f"{shard}: {note}" for note in part.notes]
        for name, entry in part.stored.items():
            if name not in weight_map:
                more.setdefault(name, shard)
            if weight_map.get(name, more.get(name)) == shard:
                stored[name] = entry._replace(storage=f"{shard} {entry.storage}")
                tensors[name] = part.tensors[name]
    ordered = {name: stored[name] for name in (*weight_map, *more) if name in stored}
    missing = [name for name in weight_map if name not in stored]
    if not stored:
        raise FileError("its shards hold none of the tensors that it tells.")
    notes = [f"read from {len(shards):,} file{'s' if len(shards) != 1 else ''} beside it"]
    if missing:
        notes.append(f"the index tells of tensors that their shards do not hold: {_listed(missing)}")
    if more:
        notes.append(f"the index does not tell of tensors that the shards hold: {_listed(list(more))}")
    return Held(ordered, tensors, (*notes, *said))


def _weight_map(stamp: Stamp) -> dict[str, str]:
    """Name of each tensor -> name of its shard."""
    if stamp.size > LARGEST_INDEX:
        raise FileError(f"it has {stamp.size:,} bytes; of an index at most {LARGEST_INDEX:,} are read.")
    document = parse(stamp.read(0, stamp.size))
    found = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(found, dict) or not all(isinstance(shard, str) for shard in found.values()):
        raise FileError("its weight_map does not tell the file of each tensor.")
    return found


def _shards(index: Path, weight_map: Mapping[str, str]) -> dict[str, Path]:
    """The shards that an index names, by name; each must stand beside it and be there."""
    names = list(dict.fromkeys(weight_map.values()))
    if len(names) > MOST_SHARDS:
        raise FileError(f"it names {len(names):,} shards; at most {MOST_SHARDS:,} are read.")
    for name in names:
        if name in ("", ".", "..") or any(sign in name for sign in "/\\\0:") or len(name) > 255:
            raise FileError(f"it names the shard {shortened(name)}, which is no name of a file beside it.")
    paths = {name: index.parent / name for name in names}
    missing = [name for name, path in paths.items() if not path.exists()]
    if missing:
        count = f"{len(missing):,} of its {len(names):,} shards" if len(names) > 1 else "its one shard"
        first = f", {shortened(missing[0])} first" if len(missing) > 1 else f": {shortened(missing[0])}"
        verb = "are" if len(missing) > 1 else "is"
        raise FileError(f"{count} {verb} missing{first}; put them beside it.")
    # A hub keeps files in one folder and links to them from another: there the index is a link to a file beside them.
    folders = {index.parent.resolve(), index.resolve().parent}
    for name, path in paths.items():
        if path.resolve().parent not in folders:
            raise FileError(f"its shard {shortened(name)} is a link to another folder, which is not followed.")
        if path.resolve() == index.resolve() or not path.is_file():
            raise FileError(f"its shard {shortened(name)} is no file of values.")
    return paths


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(map(shortened, names[:SHOWN])) + more


def indexes_in(folder: Path) -> list[str]:
    """The names of the indexes of shards in a folder, of those that are looked at."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, MOST_BESIDE)]
    except OSError:
        return []
    return sorted(name for name in names if ".index." in name and name.endswith(".json"))[:MOST_INDEXES]


def index_of(shard: Path) -> str:
    """The name of an index beside a file that names it as one of its shards; "" where there is none."""
    quoted = json.dumps(shard.name).encode()
    for name in indexes_in(shard.parent):
        try:
            stamp = Stamp.of(shard.parent / name)
        except OSError:
            continue
        if stamp.size <= LARGEST_INDEX and quoted in stamp.read(0, stamp.size):
            return name
    return ""


def shard_note(shard: Path) -> tuple[str, ...]:
    """What is said about a file that is a part of more."""
    name = index_of(shard)
    return (f"it is one of several shards: {name} opens the whole",) if name else ()
