"""How long values take to open, and how much memory: headers are read, and none of the numbers."""

import json
import struct
import time
from pathlib import Path

import pytest
import torch

from designer import import_pytorch
from designer.files.values import READERS
from designer.model.values import Stamp

pytestmark = pytest.mark.benchmark
ROUNDS = 7
STRUCTURE = 0.1  # seconds of a processor
CHECKPOINT = 0.05
MEMORY = 100 << 20  # bytes


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
def test_the_structure_of_shards(tmp_path, write, count, size, capsys):
    named = {}
    for n in range(count):
        names = [f"blocks.{n}.{part}.weight" for part in ("q", "k", "v", "o", "up", "gate", "down", "norm1", "norm2")]
        write(tmp_path / f"model-{n:05}.bin", names, size)
        named |= dict.fromkeys(names, f"model-{n:05}.bin")
    index = tmp_path / "model.index.json"
    index.write_text(json.dumps({"weight_map": named}))
    import_pytorch(index)
    structure, whole = seconds(lambda: READERS["shards"](Stamp.of(index))), seconds(lambda: import_pytorch(index))
    with capsys.disabled():
        told = f"structure {1e3 * structure:.0f} ms (goal {1e3 * STRUCTURE:.0f}), with their tree {1e3 * whole:.0f} ms"
        print(f"\n{count} shards: {told}")
    assert structure < STRUCTURE


def resident():
    """The bytes of memory that this process holds, mapped files included."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


def sparse_checkpoint(path):
    with torch.serialization.skip_data():
        torch.save({f"blocks.{n}.weight": torch.empty(2**24) for n in range(64)}, path)


def sparse_safetensors(path):
    write_safetensors(path, [f"blocks.{n}.weight" for n in range(64)], 4 << 30)


@pytest.mark.parametrize("write", [sparse_checkpoint, sparse_safetensors], ids=["torch.save", "safetensors"])
def test_four_gigabytes(tmp_path, write, capsys):
    path = tmp_path / "large.pt"
    write(path)
    assert path.stat().st_size > 4 << 30
    import_pytorch(path)
    before = resident()
    network = import_pytorch(path).network
    more = resident() - before
    assert sum(value.nbytes for value in network.values.values()) == 4 << 30
    ours = seconds(lambda: import_pytorch(path))
    rival = "not asked"
    if write is sparse_checkpoint:
        rival = f"{1e3 * seconds(lambda: torch.load(path, mmap=True)):.0f} ms"
    with capsys.disabled():
        print(
            f"\n4 GB: {1e3 * ours:.0f} ms (goal {1e3 * CHECKPOINT:.0f}), torch.load(mmap=True) {rival}, {more >> 20} MB"
        )
    assert ours < CHECKPOINT
    assert more < MEMORY
