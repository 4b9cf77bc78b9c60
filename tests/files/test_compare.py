"""The network against the file's own program, in a child process."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import import_pytorch
from designer.files import compare as comparing
from designer.files import progress
from designer.files.compare import Comparison, compare, largest_difference, probe
from designer.files.pt2 import read_program
from designer.files.raw_source import NotListed, raw_source


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(7, 8)
        self.gru = nn.GRU(8, 6, batch_first=True)
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        h = self.norm(self.gru(self.emb(x))[0])
        h += 1
        h[:, 0] = 0
        return F.softmax(h.view(h.shape[0], -1), -1), h.sum()


@pytest.fixture
def path(exported):
    torch.manual_seed(0)
    return exported(Net(), {"x": torch.randint(0, 7, (2, 5))}, {"x": (0,)})


def test_the_difference_is_measured(path):
    report = import_pytorch(path).report
    assert report.difference == 0
    assert report.comparison == Comparison(0.0)


def test_nothing_of_the_file_is_run_in_this_process(path, monkeypatch):
    ran = []
    monkeypatch.setattr(torch.nn.Module, "__call__", lambda *given: ran.append(given))
    assert import_pytorch(path).report.difference == 0
    assert not ran


def test_a_wrong_network_shows(path, monkeypatch):
    """The comparison can fail: with another activation in the place of one, it does."""
    from designer.files import fold_plain
    from designer.layers import LogSoftmax

    monkeypatch.setitem(fold_plain.PLAIN, "aten.softmax.int", fold_plain._softmax(LogSoftmax))
    found = comparing.compared(str(path))
    assert found.difference is not None
    assert found.difference > 0.1


def test_a_loop_without_end_is_ended(path):
    assert compare(path, seconds=0.01).reason == "it took more than 0.01 seconds"


def test_a_child_that_dies_is_told(path, monkeypatch):
    monkeypatch.setattr(progress, "START", "import os; os.abort()")
    assert compare(path).reason == "the process that compares ended with signal 6, perhaps for lack of memory"


def test_the_child_has_limits(path):
    code = progress.START.format("designer.files.compare").replace("main()", "import resource as r; c=r.setrlimit; ")
    code += "r.setrlimit = lambda *given: (c(*given), sys.stderr.write(f'{given}')); main()"
    given = ["[" + ", ".join(f'"{entry}"' for entry in sys.path if entry) + "]", str(path)]
    done = subprocess.run([sys.executable, "-I", "-c", code, *given], capture_output=True, check=False)
    assert done.stderr.count(b"(") >= 3


def test_a_changed_file_is_not_compared(path):
    report = import_pytorch(path).report
    with path.open("ab") as file:
        file.write(b"more")
    assert report.difference is None
    assert report.comparison.reason == "the file was changed since it was opened"


def test_inputs_fit_the_tables_that_they_index(path):
    program = read_program(path)
    first, second = probe(program, 0), probe(program, 1)
    assert [t.shape for t in first] == [(2, 5)]
    assert [t.shape for t in second] == [(3, 5)]
    assert int(first[0].max()) < 7


def test_the_source_of_the_program_has_no_name_of_the_file(path):
    source = raw_source(read_program(path))
    assert source.startswith("def run(inputs, stored):\n    v0 = inputs[0]\n")
    assert "emb" not in source.replace("embedding", "")


def test_only_listed_operations_are_written(path):
    program = read_program(path)
    program.ops[0].target = "aten.from_file.default"
    with pytest.raises(NotListed, match="from_file"):
        raw_source(program)


def test_infinities_and_nan_that_are_the_same_do_not_differ():
    nan, inf = float("nan"), float("inf")
    a = torch.tensor([nan, inf, -inf, 1.0])
    assert largest_difference(a, a.clone()) == 0
    assert largest_difference(a, torch.tensor([nan, inf, -inf, 1.5])) == 0.5
    assert largest_difference(a, torch.tensor([0.0, inf, -inf, 1.0])) == inf
    assert largest_difference(torch.tensor([True]), torch.tensor([False])) == 1
