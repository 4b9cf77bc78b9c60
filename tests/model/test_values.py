"""Stamps of mapped files, and when two values are equal."""

import copy
import gc
import os
import pickle
from pathlib import Path

import pytest
import torch

from designer.model import NetworkError
from designer.model.values import Stamp, check_value, equal


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "numbers.bin"
    path.write_bytes(torch.arange(8, dtype=torch.float32).numpy().tobytes())
    return path


def mapped(path, count=8):
    stamp = Stamp.of(path)
    tensor = torch.frombuffer(stamp.map(), dtype=torch.float32, count=count)
    tensor.mapped = stamp
    return tensor


def test_mapped_tensor_reads_the_file_and_never_writes_it(file):
    value = mapped(file)
    before = file.read_bytes()
    check_value(value)
    assert equal(value, torch.arange(8, dtype=torch.float32))
    value += 1
    assert file.read_bytes() == before


def test_tensor_in_memory_needs_no_file():
    check_value(torch.zeros(2))


def test_shrunken_file_is_refused_instead_of_ending_the_process(file):
    value = mapped(file)
    os.truncate(file, 4)
    sentence = "The values in numbers.bin cannot be read any more: it had 32 bytes when it was opened and has 4 now."
    with pytest.raises(NetworkError) as refusal:
        equal(value, torch.arange(8, dtype=torch.float32))
    assert str(refusal.value) == sentence
    with pytest.raises(NetworkError):
        equal(torch.arange(8, dtype=torch.float32), value)


def test_rewritten_file_is_refused(file):
    value = mapped(file)
    state = file.stat()
    file.write_bytes(bytes(32))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    with pytest.raises(NetworkError) as refusal:
        check_value(value)
    assert str(refusal.value) == (
        "The values in numbers.bin cannot be read any more: it was written to after it was opened."
    )


def test_deleted_renamed_or_replaced_file_stays_readable(file):
    value = mapped(file)
    other = file.with_name("other")
    other.write_bytes(b"of another size")
    other.replace(file)  # the file that is mapped has no name any more
    check_value(value)
    file.unlink()
    check_value(value)
    assert equal(value, torch.arange(8, dtype=torch.float32))


def test_copies_are_in_memory(file):
    value = mapped(file)
    for made in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert made.mapped is None
        check_value(made)
    check_value(value.clone())
    os.truncate(file, 0)
    with pytest.raises(NetworkError):
        check_value(value)


def test_file_is_closed_with_its_last_tensor(file):
    def opened():
        return sum(os.path.realpath(entry) == str(file) for entry in Path("/proc/self/fd").iterdir())

    gc.collect()
    value = mapped(file)
    assert opened() == 2  # the stamp's, and the mapping's own
    del value
    gc.collect()
    assert opened() == 0


def test_file_larger_than_memory_is_mapped(tmp_path):
    path = tmp_path / "large.bin"
    with path.open("wb") as empty:
        empty.truncate(2**42)
    stamp = Stamp.of(path)
    assert torch.frombuffer(stamp.map(), dtype=torch.uint8, count=4, offset=2**41).sum() == 0


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_files_are_opened(tmp_path, make):
    make(tmp_path / "odd")
    with pytest.raises(OSError, match="Not a regular file"):
        Stamp.of(tmp_path / "odd")


def test_relative_paths_are_kept_whole(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert Stamp.of("numbers.bin") == Stamp.of(file)


INTEGERS = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"]


@pytest.mark.parametrize("name", [*INTEGERS, *FLOATS, "complex64", "complex128"])
def test_equal_is_by_numbers(name):
    dtype = getattr(torch, name)
    size = torch.empty((), dtype=dtype).element_size()
    raw = torch.tensor([[1], [0]], dtype=torch.uint8).expand(2, size).contiguous()
    value, other = (numbers.view(dtype).reshape(2) for numbers in (raw, raw.flip(0)))
    assert equal(value, value.clone())
    assert not equal(value, other)
    assert not equal(value, value.reshape(2, 1))
    assert not equal(value, torch.zeros(2, dtype=torch.int8 if name == "bool" else torch.bool))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64])
def test_nan_equals_itself_and_nothing_else(dtype):
    value = torch.tensor([1.0, float("nan"), float("inf")]).to(dtype)
    assert equal(value, value.clone())
    assert not equal(value, torch.tensor([1.0, 2.0, float("inf")]).to(dtype))
    assert not equal(torch.tensor([1.0, 2.0, float("inf")]).to(dtype), value)
    assert not equal(value, torch.tensor([2.0, float("nan"), float("inf")]).to(dtype))


def test_same_memory_is_equal_without_reading_it(file):
    value = mapped(file)
    os.truncate(file, 0)
    assert equal(value, value)
    assert equal(value, value.view(8))
    transposed = torch.eye(2)[:, :1]
    assert not equal(transposed, torch.zeros(2, 1))


def test_values_without_elements_are_equal():
    assert equal(torch.zeros(0, 3), torch.ones(0, 3))
    assert not equal(torch.zeros(0, 3), torch.zeros(3, 0))
    assert equal(torch.tensor(2.0), torch.tensor(2.0))
