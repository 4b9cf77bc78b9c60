"""Checkpoints in parts open as one by their index, header only; an index reaches no file that is not beside it."""

import json
import os
import re
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from designer import FileError, import_pytorch
from designer.files.kinds import kind_of
from designer.files.shards import LARGEST_INDEX
from designer.files.stored import tensors_in

INDEX = "model.safetensors.index.json"


def write_index(folder, weight_map, name=INDEX):
    (folder / name).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return folder / name


@pytest.fixture
def parts(tmp_path):
    """Two shards of a tensor each, and their index."""
    save_file({"a.w": torch.arange(6.0).reshape(2, 3)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b.w": torch.arange(4)}, tmp_path / "model-00002-of-00002.safetensors")
    named = {"b.w": "model-00002-of-00002.safetensors", "a.w": "model-00001-of-00002.safetensors"}
    return write_index(tmp_path, named)


def test_shards_that_transformers_wrote_open_as_one(tmp_path):
    with torch.random.fork_rng():
        model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=16, n_embd=16, n_layer=2, n_head=2))
    model.save_pretrained(tmp_path, max_shard_size="12KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    network, report = import_pytorch(tmp_path / INDEX)
    held = {name: tensor for name, tensor in model.state_dict().items() if name != "lm_head.weight"}  # tied: kept once
    assert set(network.values) == set(held)
    assert all(torch.equal(network.values[name], tensor) for name, tensor in held.items())
    assert all(value.mapped.path.suffix == ".safetensors" for value in network.values.values())
    assert report.kind == "shards"
    assert report.notes == (f"read from {len(list(tmp_path.glob('*.safetensors')))} files beside it",)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
def test_shards_of_torch_keep_the_ties_of_each(tmp_path, zipped):
    whole = torch.randn(4, 3)
    first = {"emb.weight": whole, "head.weight": whole, "part": whole[1]}
    second = {"fc.weight": torch.randn(2, 2)}
    for n, state in enumerate((first, second)):
        torch.save(state, tmp_path / f"pytorch_model-{n}.bin", _use_new_zipfile_serialization=zipped)
    named = dict.fromkeys(first, "pytorch_model-0.bin") | dict.fromkeys(second, "pytorch_model-1.bin")
    path = write_index(tmp_path, named, "pytorch_model.bin.index.json")
    network, report = import_pytorch(path)
    assert report.ties == {"head.weight": "emb.weight"}
    found = tensors_in(path)
    assert list(found) == list(named)
    assert all(torch.equal(found[name], tensor) for name, tensor in (first | second).items())
    assert set(network.values) == {"emb.weight", "part", "fc.weight"}


def test_equal_storages_of_two_shards_are_no_tie(tmp_path):
    for n in range(2):
        torch.save({f"w{n}": torch.full((3,), float(n))}, tmp_path / f"{n}.bin")
    network, report = import_pytorch(write_index(tmp_path, {"w0": "0.bin", "w1": "1.bin"}))
    assert not report.ties
    assert [value.tolist() for value in network.values.values()] == [[0] * 3, [1] * 3]


def test_a_shard_alone_says_what_opens_the_whole(parts):
    for shard in sorted(parts.parent.glob("*.safetensors")):
        network, report = import_pytorch(shard)
        assert report.notes == (f"it is one of several shards: {INDEX} opens the whole",)
        assert len(network.values) == 1
    save_file({"w": torch.zeros(2)}, parts.parent / "other.safetensors")
    assert import_pytorch(parts.parent / "other.safetensors").report.notes == ()


def test_a_folder_is_refused_with_the_index_in_it(parts):
    folder = parts.parent
    with pytest.raises(FileError) as caught:
        import_pytorch(folder)
    said = f"{folder.name} is a folder, not a file: open {INDEX} in it, which opens all its shards."
    assert str(caught.value) == said
    parts.unlink()
    with pytest.raises(FileError, match=r" is a folder, not a file\.$"):
        import_pytorch(folder)


def test_other_folders_are_called_by_what_they_are(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(FileError, match=r" is a folder, not a file: TensorFlow keeps a program in it"):
        import_pytorch(tmp_path)
    (tmp_path / "a.mlpackage/Data").mkdir(parents=True)
    (tmp_path / "a.mlpackage/Manifest.json").touch()
    with pytest.raises(FileError, match=r"^a\.mlpackage is a folder, not a file: it is a Core ML model"):
        import_pytorch(tmp_path / "a.mlpackage")


def test_what_index_and_shards_do_not_agree_on_is_told(parts):
    first, second = (f"model-0000{n}-of-00002.safetensors" for n in (1, 2))
    write_index(parts.parent, {"a.w": first, "a.gone": first, "b.w": first, "b.none": second})
    with pytest.raises(FileError, match=re.escape(f"{INDEX} cannot be read: its shards hold none of")):
        import_pytorch(write_index(parts.parent, {"x": first, "a.w": second, "b.w": first}))
    network, report = import_pytorch(write_index(parts.parent, {"a.w": first, "a.gone": first, "b.none": second}))
    assert set(network.values) == {"a.w", "b.w"}
    assert report.notes[1:] == (
        "the index tells of tensors that their shards do not hold: 'a.gone', 'b.none'",
        "the index does not tell of tensors that the shards hold: 'b.w'",
    )


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (1, "1 of its 2 shards is missing: 'model-00001-of-00002.safetensors'; put them beside it."),
        (2, "2 of its 2 shards are missing, 'model-00002-of-00002.safetensors' first; put them beside it."),
    ],
)
def test_missing_shards_are_named(parts, gone, said):
    for shard in sorted(parts.parent.glob("*.safetensors"))[:gone]:
        shard.unlink()
    with pytest.raises(FileError) as caught:
        import_pytorch(parts)
    assert str(caught.value) == f"{INDEX} cannot be read: {said}"


@pytest.mark.parametrize(
    "name", ["../a.bin", "/etc/passwd", "sub/a.bin", "..", ".", "", "a\\b.bin", "a\0b", "c:a", "x" * 300]
)
def test_a_shard_must_stand_beside_its_index(parts, name):
    with pytest.raises(FileError, match=r"it names the shard .*, which is no name of a file beside it\.$"):
        import_pytorch(write_index(parts.parent, {"a.w": name}))


def test_links_out_of_the_folder_are_not_followed(parts, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "secret.safetensors"
    save_file({"a.w": torch.zeros(2)}, other)
    (parts.parent / "link.safetensors").symlink_to(other)
    (parts.parent / "round.safetensors").symlink_to("round.safetensors")
    with pytest.raises(FileError, match=r"its shard 'link\.safetensors' is a link to another folder, which is not"):
        import_pytorch(write_index(parts.parent, {"a.w": "link.safetensors"}))
    with pytest.raises(FileError, match=r"its one shard is missing: 'round\.safetensors'"):
        import_pytorch(write_index(parts.parent, {"a.w": "round.safetensors"}))


def test_a_hub_keeps_index_and_shards_elsewhere_and_links_to_them(parts, tmp_path):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "main"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for n, path in enumerate(sorted(tmp_path.glob("*.*"))):
        path.rename(blobs / str(n))
        (snapshot / path.name).symlink_to(os.path.relpath(blobs / str(n), snapshot))
    network, _ = import_pytorch(snapshot / INDEX)
    assert set(network.values) == {"a.w", "b.w"}


def test_shards_must_be_files_of_tensors(parts):
    folder = parts.parent
    (folder / "net.py").write_text("import torch\nclass Net(torch.nn.Module):\n    pass\n")
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    torch.save(nn.Linear(2, 2), folder / "whole.bin")
    said = {
        "net.py": "its shard 'net.py' cannot be read: it is no file of tensors.",
        "whole.bin": "its shard 'whole.bin' cannot be read: it is no file of tensors.",
        "sub": "its shard 'sub' is no file of values.",
        "pipe": "its shard 'pipe' is no file of values.",
        INDEX: f"its shard '{INDEX}' is no file of values.",
    }
    for name, sentence in said.items():
        with pytest.raises(FileError) as caught:
            import_pytorch(write_index(folder, {"a.w": name}))
        assert str(caught.value).endswith(sentence), name


def test_a_damaged_shard_is_named(parts):
    shard = parts.parent / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(FileError) as caught:
        import_pytorch(parts)
    assert f"its shard {shard.name!r} cannot be read: it has" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"weight_map": {"a": 3}}',
        '{"weight_map": {"a": ["b"]}}',
        '{"weight_map": {}}',
        '{"weight_map": {"a": "x", "a": "y"}}',
        '{"weight_map": {"a": ' + "[" * 5000 + "]" * 5000 + "}}",
        '{"weight_map": {"a": "x"},',
    ],
)
def test_a_broken_index_gets_a_sentence(parts, text):
    parts.write_text(text)
    with pytest.raises(FileError) as caught:
        import_pytorch(parts)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(INDEX)


def test_a_long_index_is_told_by_its_start_and_a_longer_one_refused(parts):
    names = {f"layer.{n}.{'x' * 200}": "model-00001-of-00002.safetensors" for n in range(12_000)}
    path = write_index(parts.parent, names | {"a.w": "model-00001-of-00002.safetensors"})
    assert path.stat().st_size > 2 << 20
    assert kind_of(path).name == "shards"
    with path.open("ab") as file:
        file.truncate(LARGEST_INDEX + 1)
    with pytest.raises(FileError, match=r"of an index at most 67,108,864 are read\.$"):
        import_pytorch(path)


def write_sparse(path, count, size):
    """A safetensors file of some tensors that are holes."""
    each = size // count // 4 * 4
    header = {
        f"{path.stem}.{n}.weight": {"dtype": "F32", "shape": [each // 4], "data_offsets": [n * each, (n + 1) * each]}
        for n in range(count)
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + each * count)
    return dict.fromkeys(header, path.name)


def test_the_structure_of_100_gb_is_read_without_the_numbers(tmp_path):
    named = {}
    for n in range(20):
        named |= write_sparse(tmp_path / f"model-{n:05}-of-00020.safetensors", 10, 5 * 10**9)
    index = write_index(tmp_path, named)
    before = resident()
    network, report = import_pytorch(index)
    assert resident() - before < 100 << 20
    assert len(network.values) == 200
    assert report.bytes > 99 * 10**9
    assert all(value.mapped for value in network.values.values())


def resident():
    """The bytes of memory that this process has in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_folder_of_a_distributed_checkpoint_says_how_to_make_it_one_file(tmp_path):
    (tmp_path / ".metadata").write_bytes(b"")
    (tmp_path / "__0_0.distcp").write_bytes(b"")
    with pytest.raises(FileError, match=r" is a folder, not a file: it is a checkpoint of torch\.distributed\.check"):
        import_pytorch(tmp_path)
