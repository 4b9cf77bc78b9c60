"""How long shards take to open by their index: their headers are read, and none of their numbers."""

import json
import struct
import time

import pytest
import torch

from designer import import_pytorch
from designer.files.values import READERS
from designer.model.values import Stamp

pytestmark = pytest.mark.benchmark
ROUNDS = 7
STRUCTURE = 0.1  # seconds of a processor


def seconds(act):
    """The least that a processor works for it."""
    found = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        act()
        found.append(time.process_time() - begin)
    return min(found)


def write_safetensors(path, names, size):
    each = size // len(names) // 4 * 4
    places = {name: [n * each, (n + 1) * each] for n, name in enumerate(names)}
    header = {name: {"dtype": "F32", "shape": [each // 4], "data_offsets": place} for name, place in places.items()}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + each * len(names))


def write_torch(path, names, size):
    torch.save({name: torch.empty(size // len(names) // 4) for name in names}, path)


@pytest.mark.parametrize(
    ("write", "count", "size"),
    [(write_safetensors, 20, 5 * 10**9), (write_torch, 10, 10**7)],
    ids=["20 sparse shards of 5 GB", "10 shards of torch"],
)
def test_the_structure_of_shards(tmp_path, write, count, size):
    named = {}
    for n in range(count):
        names = [f"blocks.{n}.{part}.weight" for part in ("q", "k", "v", "o", "up", "gate", "down", "norm1", "norm2")]
        write(tmp_path / f"model-{n:05}.bin", names, size)
        named |= dict.fromkeys(names, f"model-{n:05}.bin")
    index = tmp_path / "model.index.json"
    index.write_text(json.dumps({"weight_map": named}))
    import_pytorch(index)
    structure, whole = seconds(lambda: READERS["shards"](Stamp.of(index))), seconds(lambda: import_pytorch(index))
    print(f"structure {structure * 1000:.0f} ms, with the tree of its names {whole * 1000:.0f} ms")
    assert structure < STRUCTURE
