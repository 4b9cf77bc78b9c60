"""What is no regular file, what goes away or changes while it is opened, and names that break lines."""

import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from designer import FileError, NetworkError, import_pytorch, load
from designer.files import imports
from designer.files.kinds import kind_of
from designer.model.values import check_value


def refused(path, open_=import_pytorch):
    with pytest.raises(FileError) as refusal:
        open_(path)
    said = str(refusal.value)
    assert said.isprintable()
    assert said.endswith(".")
    return said


@pytest.mark.parametrize("open_", [import_pytorch, load, kind_of])
def test_a_pipe_is_not_waited_for(tmp_path, open_):
    os.mkfifo(tmp_path / "model.pt")
    said = refused(tmp_path / "model.pt", open_)
    assert "pipe" in said or "not a regular file" in said


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full"])
def test_a_device_is_not_read(device):
    assert refused(device).endswith(" is a pipe or a device, not a file.")


def test_a_folder(tmp_path):
    (tmp_path / "model.pt").mkdir()
    assert refused(tmp_path / "model.pt") == "model.pt is a folder, not a file."


def test_links_that_lead_nowhere(tmp_path):
    (tmp_path / "broken.pt").symlink_to(tmp_path / "none")
    assert refused(tmp_path / "broken.pt") == f"There is no file {tmp_path / 'broken.pt'}."
    (tmp_path / "round.pt").symlink_to(tmp_path / "round.pt")
    assert refused(tmp_path / "round.pt").startswith("round.pt cannot be read: ")


def test_a_link_to_a_model_is_that_model(tmp_path):
    torch.save({"w": torch.zeros(2)}, tmp_path / "there.pt")
    (tmp_path / "here.pt").symlink_to(tmp_path / "there.pt")
    assert set(import_pytorch(tmp_path / "here.pt").network.values) == {"w"}


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "none/model.pt"])
def test_names_that_no_file_has(tmp_path, name):
    refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a\nb.pt", "a\x1b[31m.pt", "a\u202etp.exe", os.fsdecode(b"a\xff.pt"), "a\u2028b.pt"])
def test_a_name_that_breaks_lines_is_quoted_on_one(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing")
    assert "is of no kind that is known here" in refused(tmp_path / name)
    torch.save({"w": torch.zeros(2)}, tmp_path / name)
    network, report = import_pytorch(tmp_path / name)
    assert set(network.values) == {"w"}
    assert all(line.isprintable() for line in str(report).splitlines())


def test_an_unreadable_disk_is_told(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    torch.save({"w": torch.zeros(2)}, path)

    def failing(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", failing)
    assert refused(path).startswith("model.pt cannot be read: ")


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x):
        return self.fc(x)


def exported(path):
    torch.export.save(torch.export.export(Small(), (torch.rand(1, 2),)), path)


WRITERS = {
    "pt2": exported,
    "state_dict": lambda path: torch.save({"w": torch.zeros(2)}, path),
    "state_dict before 1.6": lambda path: torch.save({"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False),
    "module": lambda path: torch.save(nn.Sequential(nn.Linear(2, 2)), path),
    "safetensors": lambda path: save_file({"w": torch.zeros(2)}, path),
    "source": lambda path: path.write_text("from torch import nn\nclass Net(nn.Module):\n    pass\n"),
}
CHANGES = {
    "away": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "short": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "another": lambda path: path.write_bytes(b"PK\x05\x06" + bytes(18)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_after_its_kind_was_told_is_refused(tmp_path, monkeypatch, kind, change):
    path = tmp_path / "model"
    WRITERS[kind](path)

    def told(given):
        found = kind_of(given)
        CHANGES[change](path)
        return found

    monkeypatch.setattr(imports, "kind_of", told)
    refused(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "source"])
def test_values_of_a_file_that_was_cut_short_are_not_read(tmp_path, kind):
    """Reading them would end the process."""
    path = tmp_path / "model"
    WRITERS[kind](path)
    network, _ = import_pytorch(path)
    with path.open("r+b") as file:
        file.truncate(100)
    for value in network.values.values():
        with pytest.raises(NetworkError, match=r"cannot be read any more: it had .* and has 100 now\.$"):
            check_value(value)
