"""Files whose code must run to open them: not without leave, in a process of its own, and equal to the original."""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from designer import FileError, analyze, build, import_pytorch
from designer.files import own_code
from designer.files.asking import Choice, NeedsCode, NeedsInputs
from designer.files.load_checkpoint import load_checkpoint
from designer.files.progress import Cancelled, Progress, followed
from designer.layers import Embedding, Input, Linear

SOURCE = """
import os, pathlib, torch
from torch import nn
pathlib.Path({mark!r}).write_text("ran")

class Block(nn.Module):
    def __init__(self, size: int):
        super().__init__()
        self.fc = nn.Linear(size, size)

    def forward(self, x):
        return torch.relu(self.fc(x)) + x

class Net(nn.Module):
    def __init__(self, words=20, size=8, depth=2, names=("a", "b")):
        super().__init__()
        self.emb = nn.Embedding(words, size)
        self.blocks = nn.ModuleList(Block(size) for _ in range(depth))
        self.fc = nn.Linear(size, words)
        self.fc.weight = self.emb.weight

    def forward(self, ids):
        x = self.emb(ids)
        for block in self.blocks:
            x = block(x)
        return self.fc(x)
"""


@pytest.fixture
def net(tmp_path):
    """Source of a model, and what shows that it ran."""
    path, mark = tmp_path / "net.py", tmp_path / "ran"
    path.write_text(SOURCE.format(mark=str(mark)))
    return path, mark


@pytest.fixture
def other(tmp_path):
    """Run some code in another process, as the one who wrote a file did."""

    def run(code):
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
        (tmp_path / "ran").unlink(missing_ok=True)

    return run


def original(path, monkeypatch, file):
    """What torch itself loads."""
    monkeypatch.syspath_prepend(str(path.parent))
    try:
        return torch.load(file, weights_only=False).eval()
    finally:
        sys.modules.pop("net", None)


WRITE = """
import torch
torch.manual_seed(1)
from net import Net
net = Net(depth=3)
torch.save(net, "net.pt")
torch.save({"state_dict": {f"module.{k}": v for k, v in net.state_dict().items()}}, "values.pt")
"""


def test_a_pickle_and_its_source(net, other, monkeypatch):
    path, mark = net
    other(WRITE)
    file = path.with_name("net.pt")
    tree, report = import_pytorch(file)
    assert (report.code, report.difference) == (("Block", "Net"), None)
    assert isinstance(tree.layer("blocks.2.fc"), Linear)
    with pytest.raises(NeedsCode, match=r"^net\.py contains program code.* defines Net and Block\.$") as caught:
        import_pytorch(path)
    assert [each.name for each in caught.value.classes] == ["Net", "Block"]
    assert not mark.exists()
    assert "net" not in sys.modules

    choice = Choice("Net", {"depth": 3, "names": ("c",)}, path.with_name("values.pt"))
    opened = [import_pytorch(file, allow_code=True), import_pytorch(path, torch.ones(2, 5).long(), True, choice)]
    assert mark.exists()
    assert "net" not in sys.modules, "in another process"
    module = original(path, monkeypatch, file)
    ids = torch.randint(0, 20, (3, 7))
    for (network, report), kind in zip(opened, ("nn.Module file", "Python source")):
        assert (report.kind, report.path, report.difference) == (
            kind,
            file if network is opened[0].network else path,
            0,
        )
        assert report.ties == network.aliases == {"fc.weight": "emb.weight"}
        assert not analyze(network).errors
        assert network.layer(network.inputs[0]).shape[0] == "B"
        assert isinstance(network.layer("emb"), Embedding)
        assert isinstance(network.layer("blocks.2.fc"), Linear)
        assert {*network.values, *network.aliases} == {*module.state_dict()}
        assert torch.equal(build(network).eval()(ids), module(ids))
    assert any("these fit: B×T" in note for note in opened[0].report.notes)


@pytest.mark.nightly
def test_classes_of_a_script_are_found_beside_the_file(net, other):
    path, mark = net
    other("import torch\nexec(open('net.py').read())\ntorch.save(Net(), 'whole.pt')")
    assert import_pytorch(path.with_name("whole.pt"), ("N", 5), allow_code=True).report.difference == 0
    path.rename(path.with_name("twin.py")).with_name("net.py").write_text("class Net: ...")
    mark.unlink()
    path.with_name("twin.py").unlink()
    with pytest.raises(FileError, match=r"^whole\.pt .* class \w+ was defined in a script, and no file beside it"):
        import_pytorch(path.with_name("whole.pt"), allow_code=True)
    assert not mark.exists()


BODY = """import os, sys, time, torch
from torch import nn
{before}
class Net(nn.Module):
    def __init__(self, size=3):
        super().__init__()
        self.fc = nn.Linear(size, 2)
        {init}
    def forward(self, x):
        {forward}
        return self.fc(x)
"""
TROUBLES = {
    "import": ({"before": "import nowhere"}, r"it needs the module nowhere, which is neither .* \(line 3 of net\.py\)"),
    "exit at once": ({"init": "os._exit(3)"}, "its code ended the process with exit code 3, perhaps for .*"),
    "loop": ({"init": "while True: pass"}, "its code took more than 3 seconds"),
    "tensor": ({"init": "self.more = torch.ones(1 << 36)"}, "it needs more memory than it may use"),
}
MORE = {
    "top": ({"before": "1 / 0"}, r"ZeroDivisionError: division by zero \(line 3 of net\.py\)"),
    "init": ({"init": "raise KeyError('a b')"}, r"KeyError: 'a b' \(line 8 of net\.py\)"),
    "forward": ({"forward": "raise ValueError('no\\nyes')"}, r"ValueError: no \(line 10 of net\.py\)"),
    "branch": ({"forward": "x = x if x.sum() > 0 else -x"}, r".*data-dependent.* \(line 10 of net\.py\)"),
    "exit": ({"init": "sys.exit(3)"}, r"its code ends the process \(line 8 of net\.py\)"),
    "signal": ({"init": "os.kill(os.getpid(), 11)"}, "its code ended the process with signal 11, perhaps .*"),
    "memory": ({"init": "self.x = [bytearray(1 << 26) for _ in range(999)]"}, "it needs more memory than it may use"),
    "recursion": ({"init": "self.__init__()"}, r"RecursionError: .* \(line . of net\.py\)"),
    "changed": ({"init": "import json; json.dumps = lambda x: '[7]'"}, "its code changed what was to be told"),
    "no answer": (
        {"init": "import json; json.dumps = lambda x: '[7'"},
        "its code ended the process with exit code 0, .*",
    ),
    "network": ({"init": "import socket; socket.create_connection(('127.0.0.1', 9))"}, "OSError: .*unreachable.*"),
}


def trouble(parts, tmp_path, monkeypatch):
    path = tmp_path / "net.py"
    path.write_text(BODY.format(**{"before": "", "init": "pass", "forward": "pass"} | parts))
    monkeypatch.setattr(own_code, "SECONDS", 3 if "while" in str(parts) else 60)
    monkeypatch.setattr(own_code, "MEMORY", 3 << 30)
    with pytest.raises(FileError) as caught:
        import_pytorch(path, (torch.randn(2, 3),), allow_code=True)
    return str(caught.value)


SAID = r"(net\.py cannot be opened|Net of net\.py cannot be exported with these inputs): "


@pytest.mark.parametrize("name", TROUBLES)
def test_troubles_are_one_sentence(name, tmp_path, monkeypatch):
    parts, said = TROUBLES[name]
    assert re.fullmatch(rf"{SAID}{said}\.", trouble(parts, tmp_path, monkeypatch))


@pytest.mark.nightly
@pytest.mark.parametrize("name", MORE)
def test_more_troubles(name, tmp_path, monkeypatch):
    parts, said = MORE[name]
    if name == "network" and subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("the system does not let a process leave the network")
    assert re.fullmatch(rf"{SAID}{said}\.", trouble(parts, tmp_path, monkeypatch))


@pytest.mark.nightly
def test_a_flood_of_words_and_a_process_left_behind_do_no_harm(tmp_path):
    path, left = tmp_path / "net.py", tmp_path / "left"
    start = f"os.posix_spawn(sys.executable, ['python', '-c', {WAITS.format(str(left))!r}], os.environ)"
    init = f"[print('flood' * (1 << 20), file=f) for f in (sys.stdout, sys.stderr) for _ in range(200)]; {start}"
    path.write_text(BODY.format(before="", init=init, forward="pass"))
    assert import_pytorch(path, ("B", 3), allow_code=True).report.difference == 0
    number = int(left.read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and is_running(number):
        time.sleep(0.05)
    assert not is_running(number)


WAITS = "import os, pathlib, time; pathlib.Path({!r}).write_text(str(os.getpid())); time.sleep(60)"


def is_running(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_cancel_ends_the_child(tmp_path):
    path, mark = tmp_path / "net.py", tmp_path / "mark"
    before = f"import pathlib; pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\ntime.sleep(60)"
    path.write_text(BODY.format(before=before, init="pass", forward="pass"))
    stages = []
    progress = Progress(stages.append)

    def cancel():
        while not mark.exists() or not mark.read_text():
            time.sleep(0.02)
        progress.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled), followed(progress):
        import_pytorch(path, ("B", 3), allow_code=True)
    thread.join()
    assert not is_running(int(mark.read_text()))
    assert stages == ["reading", "running its code"]


# What was asked for.


def test_what_is_asked_for_is_checked_first(net):
    path, mark = net
    path.write_text(path.read_text() + "\nclass Other(nn.Module):\n    def __init__(self, size): ...\n")
    with pytest.raises(NeedsCode, match=r"^net\.py defines Net, Other and Block: tell which of them to build\.$"):
        import_pytorch(path, allow_code=True)
    with pytest.raises(NeedsCode, match=r"^Other of net\.py must be given size\.$"):
        import_pytorch(path, allow_code=True, choice=Choice("Other"))
    with pytest.raises(FileError, match=r"^net\.py defines no class 'Nut' of modules\.$"):
        import_pytorch(path, allow_code=True, choice=Choice("Nut"))
    for value in (torch.ones(2), [print], {"a": {1}}):
        with pytest.raises(FileError, match=r"^The argument 'size' of Net can only be a number, a text, .*\.$"):
            import_pytorch(path, allow_code=True, choice=Choice("Net", {"size": value}))
    assert not mark.exists()


@pytest.mark.nightly
def test_a_checkpoint_that_does_not_fit(net, other):
    path, _ = net
    other(WRITE)
    choice = Choice("Net", {"depth": 2, "size": 4}, path.with_name("values.pt"))
    with pytest.raises(FileError) as caught:
        import_pytorch(path, ("B", "T"), allow_code=True, choice=choice)
    assert str(caught.value) == (
        "values.pt does not fit Net: there is no place for 'blocks.2.fc.weight' and 1 more, "
        "its shape differs for 'emb.weight' (20×8 instead of 20×4) and 5 more."
    )


def test_values_are_set_or_refused(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
            self.b.weight = self.a.weight

    module, path = Tied(), tmp_path / "values.pt"
    state = Tied().state_dict()
    del state["b.weight"]
    torch.save({f"net.{name}": value for name, value in state.items()}, path)
    load_checkpoint(module, path)
    assert all(torch.equal(value, module.state_dict()[name]) for name, value in state.items())
    del state["a.bias"]
    state |= {"c": torch.ones(1), "b.bias": torch.ones(2)}
    torch.save(state, path)
    with pytest.raises(FileError) as caught:
        load_checkpoint(module, path)
    assert str(caught.value) == (
        "values.pt does not fit Tied: it holds no 'a.bias', there is no place for 'c', "
        "its shape differs for 'b.bias' (2 instead of 3)."
    )
    path.write_text("some words")
    with pytest.raises(FileError, match=r"^values\.pt is of no kind that is known here"):
        load_checkpoint(module, path)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's about the old format
def test_a_module_as_torch_saved_before_version_1_6(tmp_path):
    torch.save(nn.LSTM(3, 4).double(), tmp_path / "model.pt", _use_new_zipfile_serialization=False)
    (*_, note) = import_pytorch(tmp_path / "model.pt").report.notes
    assert note.startswith("model.pt may contain program code; torch loads it only by running")
    network, report = import_pytorch(tmp_path / "model.pt", allow_code=True)
    assert report.difference == 0
    assert network.layer(network.inputs[0]).dtype == "float64"


@pytest.mark.nightly
def test_inputs_are_asked_for(net):
    path, _ = net
    path.write_text(BODY.format(before="", init="pass", forward="pass").replace("(self, x)", "(self, x, y, z=1)"))
    with pytest.raises(NeedsInputs, match=r"^Net does not tell what it takes: give an example") as caught:
        import_pytorch(path, allow_code=True)
    assert [each.name for each in caught.value.inputs] == ["x", "y"]
    given = {"x": Input(("N", 3)), "y": Input(("N",))}
    network = import_pytorch(path, given, allow_code=True).network
    assert network.layer(network.inputs[0]).shape == ("N", 3)


@pytest.mark.nightly
def test_a_file_of_a_package(tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "__init__.py").write_text("SIZE = 4")
    (folder / "parts.py").write_text("from torch import nn\nclass Part(nn.Linear): ...\n")
    text = "from . import SIZE\nfrom .parts import Part\nclass Net(Part):\n"
    path = folder / "torch.txt"
    path.write_text(
        text
        + "    def __init__(self): super().__init__(SIZE, 2)\n    def forward(self, x): return super().forward(x)\n"
    )
    network, report = import_pytorch(path, allow_code=True)
    assert report.difference == 0
    assert network.layer(network.inputs[0]).shape == ("B", 4)
    assert not [*tmp_path.rglob("*.pyc")]


# Modules of torch alone, which need no leave.


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
    return nn.TransformerEncoder(layer, 2)


COMPOSITES = {
    "Transformer": (lambda: nn.Transformer(8, 2, 1, 1, 16), ((4, 3, 8), (5, 3, 8))),
    "encoder": (encoder, ((3, 4, 8),)),
    "LSTM": (lambda: nn.LSTM(3, 5, 2, bidirectional=True, batch_first=True), ((4, 2, 3),)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(8, 2), ((4, 3, 8),) * 3),
    "decoder layer": (lambda: nn.TransformerDecoderLayer(8, 2, 16), ((4, 3, 8), (5, 3, 8))),
    "GRUCell": (lambda: nn.GRUCell(3, 4), ((5, 3),)),
    "Bilinear": (lambda: nn.Bilinear(3, 4, 5), ((5, 3), (5, 4))),
}


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize(
    "name", ["Transformer", *(pytest.param(name, marks=pytest.mark.nightly) for name in [*COMPOSITES][1:])]
)
def test_modules_of_torch_are_networks(name, tmp_path):
    torch.manual_seed(0)
    make, shapes = COMPOSITES[name]
    module = make().eval()
    torch.save(module, tmp_path / "model.pt")
    network, report = import_pytorch(tmp_path / "model.pt")
    assert (report.kind, report.difference) == ("nn.Module file", 0)
    assert {*network.values, *network.aliases} >= {*module.state_dict()}
    assert {*report.renamed} <= {*network.aliases}
    inputs = [torch.randn(shape) for shape in shapes]
    wanted = module(*inputs)
    given = build(network).eval()(*inputs)
    wanted, given = (each[0] if isinstance(each, tuple) else each for each in (wanted, given))
    assert torch.equal(wanted, given)


class Evil:
    def __reduce__(self):
        import os

        return os.mkdir, ("ran",)


def test_torch_alone_runs_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = nn.LSTM(3, 4)
    module.more = Evil()
    torch.save(module, "model.pt")
    assert import_pytorch("model.pt").report.code == ("mkdir",)
    assert not (tmp_path / "ran").exists()
