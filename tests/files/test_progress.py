"""Opening tells its stages, and stops when nobody waits for it."""

import threading
import time
from subprocess import TimeoutExpired

import pytest
import torch

from designer import import_pytorch
from designer.files.compare import compare
from designer.files.progress import Cancelled, Progress, followed, run_child, stage


@pytest.fixture
def saved(tmp_path):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = torch.nn.Linear(3, 3)

        def forward(self, x):
            return self.fc(x)

    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(Net(), (torch.randn(2, 3),)), path)
    return path


def test_stages_are_told(saved):
    told = []
    with followed(Progress(told.append)):
        import_pytorch(saved)
    assert told == ["reading", "rebuilding", "arranging"]


@pytest.mark.parametrize("at", ["reading", "rebuilding", "arranging"])
def test_opening_stops_at_each_stage(saved, at):
    told = []

    def tell(name):
        told.append(name)
        if name == at:
            progress.cancel()

    progress = Progress(tell)
    with pytest.raises(Cancelled), followed(progress):
        import_pytorch(saved)
    assert told[-1] == at
    stage("without anyone who waits")  # nothing is left over for what follows in this thread


def test_a_child_process_is_stopped_at_once(saved, tmp_path, monkeypatch):
    (tmp_path / "sleeper.py").write_text("def main():\n    import time\n    time.sleep(60)\n")
    monkeypatch.syspath_prepend(tmp_path)
    progress = Progress()
    threading.Timer(0.5, progress.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled), followed(progress):
        run_child("sleeper", [], seconds=60)
    assert time.monotonic() - began < 10
    with pytest.raises(TimeoutExpired):
        run_child("sleeper", [], seconds=0.3)


def test_a_child_gives_all_that_it_prints(tmp_path, monkeypatch):
    (tmp_path / "talker.py").write_text("import sys\ndef main():\n    print('x' * 300_000 + sys.argv[2])\n")
    monkeypatch.syspath_prepend(tmp_path)
    done = run_child("talker", ["end"], seconds=60)
    assert (done.returncode, len(done.stdout.strip()), done.stdout.strip()[-3:]) == (0, 300_003, b"end")


def test_comparing_can_be_stopped(saved):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled), followed(progress):
        compare(saved)
