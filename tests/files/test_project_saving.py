"""Whatever happens while a project is saved, one whole project is there afterwards, and nothing else is harmed."""

import dataclasses
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from designer.files import project_values
from designer.files.errors import FileError
from designer.files.project import load, save
from designer.layers import Linear
from designer.model import Input, Network


def net(number):
    layers = Network().chain(x=Input(("B", 64)), fc=Linear(64))
    return dataclasses.replace(layers, values={"fc.weight": torch.full((64, 64), float(number))})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.network"


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def refused(network, path):
    """The sentence that a save is refused with."""
    with pytest.raises(FileError) as refusal:
        save(network, path)
    return str(refusal.value)


CRASH = """
import os, sys
from pathlib import Path
from designer.files.project import load, save

path, at, other = Path(sys.argv[1]), int(sys.argv[2]), load(sys.argv[3])
steps = 0

def step(event, arguments):
    global steps
    if event in ("os.rename", "os.remove", "os.chmod"):
        steps += 1
        if steps == at:
            os._exit(9)

sys.addaudithook(step)
save(other, path)
sys.exit(0)
"""


def test_crash_at_each_step_leaves_one_of_the_two(tmp_path):
    """The process ends, without any cleaning up, just before each change that it would make to the folder."""
    save(net(2), tmp_path / "new.network")
    for at in range(1, 20):
        folder = tmp_path / str(at)
        folder.mkdir()
        path = folder / "net.network"
        save(net(1), path)
        command = [sys.executable, "-c", CRASH, path, str(at), tmp_path / "new.network"]
        ended = subprocess.run(command, check=False, timeout=100, cwd=Path(__file__).parents[2]).returncode
        read = load(path)
        assert read in (net(1), net(2))
        save(read.move({"fc": (1, 1)}), path)
        assert len([name for name in names(folder) if name.endswith(".safetensors")]) == 1
        if ended == 0:
            assert read == net(2)
            assert at > 4  # the mode and the name of two files, and the values before
            return
        assert ended == 9
    pytest.fail("it never came to an end")


@pytest.mark.parametrize("limit", [100, 10_000, 16_500])
def test_full_disk(path, limit):
    """Neither the values (16 kB) nor the JSON fit, and what was there is untouched."""
    save(net(1), path)
    before = contents(path.parent)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        sentence = refused(net(2), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sentence == "net.network cannot be saved: file too large."
    assert contents(path.parent) == before


def test_full_disk_after_the_values(path):
    """The values fit, the JSON with its long note does not: both are as before."""
    save(net(1), path)
    before = contents(path.parent)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        sentence = refused(dataclasses.replace(net(2), notes="long " * 5000), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sentence == "net.network cannot be saved: file too large."
    assert contents(path.parent) == before


def test_interrupted(path, monkeypatch):
    save(net(1), path)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            save(net(2), path)
    assert load(path) == net(1)
    assert len(names(path.parent)) == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"my diary", b"PK\x03\x04", b'{"format": "something else"}'])
def test_file_of_others_is_never_replaced(path, content):
    path.write_bytes(content)
    assert refused(net(1), path) == (
        "net.network cannot be saved: there is a file of this name that is not a project of Network Designer."
    )
    assert contents(path.parent) == {"net.network": content}


def test_own_file_is_replaced_even_when_damaged(path):
    save(net(1), path)
    path.write_bytes(path.read_bytes()[:100])
    save(net(2), path)
    assert load(path) == net(2)


def test_values_that_are_something_else_are_not_replaced(path):
    save(net(1), path)
    (values,) = path.parent.glob("*.safetensors")
    path.unlink()
    values.write_bytes(b"something else")
    assert refused(net(1), path) == (
        f"net.network cannot be saved: there is a file {values.name} that holds something else."
    )
    assert contents(path.parent) == {values.name: b"something else"}


@pytest.mark.parametrize("name", ["net", "net.json", "net.pt", ".network", "net.network.txt"])
def test_other_endings_are_refused(tmp_path, name):
    assert refused(net(1), tmp_path / name) == f"{name} cannot be saved: the name of a project ends in .network."
    assert names(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "folder.network").mkdir()
    (tmp_path / "file").touch()
    long = "n" * 250 + ".network"
    assert refused(net(1), tmp_path / "folder.network") == "folder.network cannot be saved: it is a folder."
    assert refused(net(1), tmp_path / "no" / "net.network") == "net.network cannot be saved: no such file or directory."
    assert refused(net(1), tmp_path / "file" / "net.network") == "net.network cannot be saved: not a directory."
    assert refused(net(1), tmp_path / long) == f"{long} cannot be saved: file name too long."


def test_changed_source_of_mapped_values(path, tmp_path):
    """A file that was cut short or written to after it was opened becomes no part of a project."""
    save(net(1), path)
    (values,) = path.parent.glob("*.safetensors")
    read = load(path)
    (tmp_path / "far").mkdir()
    far = tmp_path / "far" / "far.network"
    save(net(2), far)
    before = contents(far.parent)
    size, content = values.stat().st_size, values.read_bytes()

    os.truncate(values, 1000)
    cut = f"it had {size:,} bytes when it was opened and has 1,000 now."
    for target in (far, path):
        assert refused(read, target) == (
            f"{target.name} cannot be saved: The values in {values.name} cannot be read any more: {cut}"
        )
    assert contents(far.parent) == before

    values.write_bytes(content[:-4] + b"\0\0\0\0")
    os.utime(values, ns=(0, 0))
    assert refused(read, far) == (
        f"far.network cannot be saved: The values in {values.name} cannot be read any more: "
        "it was written to after it was opened."
    )
    assert contents(far.parent) == before
    assert path.exists()


def test_source_that_changes_while_it_is_copied(path, tmp_path, monkeypatch):
    save(net(1), path)
    (values,) = path.parent.glob("*.safetensors")
    read = load(path)
    (tmp_path / "far").mkdir()
    replace = project_values.replace

    def slow(*arguments):
        replace(*arguments)
        os.utime(values, ns=(0, 0))

    monkeypatch.setattr(project_values, "replace", slow)
    assert "was written to after it was opened" in refused(read, tmp_path / "far" / "far.network")
    assert names(tmp_path / "far") == []


def test_what_could_not_be_opened_is_not_saved(path):
    long = Network().add(fc=Linear(note="n" * 100_001))
    assert refused(long, path) == (
        f"net.network cannot be saved: the text '{'n' * 56}... has 100,001 characters, and at most 100,000 are kept."
    )
    half = Network().add(fc=Linear(note="\ud800"))
    assert refused(half, path) == "net.network cannot be saved: the text '\\ud800' holds half a character."
    endless = dataclasses.replace(Network().add(fc=Linear()), positions={"fc": (float("nan"), 0.0)})
    assert refused(endless, path) == "net.network cannot be saved: nan is not a number that can be kept."
    many = Network().add(**{f"fc{n}": Linear() for n in range(100_001)})
    assert refused(many, path) == "net.network cannot be saved: it has more than 100,000 layers."
    notes = Network().add(**{f"fc{n}": Linear(note="n" * 100_000) for n in range(400)})
    assert refused(notes, path).startswith("net.network cannot be saved: its JSON would have 40,0")
    assert names(path.parent) == []
