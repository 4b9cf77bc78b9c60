"""TorchScript files that mean harm: nothing in them is run, and one sentence says why they are not opened."""

import pickle
import random
import re
import sys
import warnings
import zipfile

import pytest
import torch
from torch import nn

from designer.files.errors import FileError
from designer.files.imports import import_pytorch
from designer.files.torchscript.read import Unread, read_program

HEAD = "class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
METHOD = "  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n"
EVENTS = ("exec", "import", "os.", "subprocess", "socket", "shutil", "ctypes", "marshal", "pickle.find_class")


class Twice(nn.Module):
    """A module that calls another twice."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(self.inner(x))


@pytest.fixture
def written(tmp_path):
    """Write an archive as torch.jit.save does, with a text and perhaps other entries."""

    def write(body, classes="", entries=(), state=b"}X\x08\x00\x00\x00training\x89s", name="Net"):
        path = tmp_path / "evil.pt"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("evil/data.pkl", b"\x80\x02c__torch__\n" + name.encode() + b"\n)\x81" + state + b"b.")
            archive.writestr("evil/constants.pkl", b"\x80\x02).")
            source = HEAD + METHOD + "".join(f"    {line}\n" for line in body.splitlines()) + classes
            archive.writestr("evil/code/__torch__.py", source, zipfile.ZIP_DEFLATED)
            for entry, data in entries:
                archive.writestr(entry, data, zipfile.ZIP_STORED if entry.endswith("pkl") else zipfile.ZIP_DEFLATED)
            archive.writestr("evil/version", b"3\n")
        return path

    return write


def opened(path):
    """Open a file with one input, and give the sentence that refuses it."""
    with pytest.raises(FileError) as refused:
        import_pytorch(path, inputs=(torch.rand(2, 3),))
    said = str(refused.value)
    assert said.startswith("evil.pt")
    assert said.endswith(".")
    assert "\n" not in said
    return said


def test_open_a_harmless_text_of_the_same_form(written):
    network, _ = import_pytorch(written("return torch.relu(x)"), inputs=(torch.rand(2, 3),))
    assert list(network.layers) == ["x", "relu"]


@pytest.mark.parametrize(
    "body",
    [
        'y = torch.from_file("mark", True, 4)\nreturn torch.add(x, y)',
        'y = ops.aten.from_file("mark", True, 4)\nreturn torch.add(x, y)',
        'torch.save(x, "mark")\nreturn x',
        'return torch.load("mark")',
    ],
)
def test_refuse_operations_that_touch_files(written, body, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "may read or write files (line 7 of code/__torch__.py)" in opened(written(body))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('__import__("os").mkdir("mark")\nreturn x', "before it is made"),
        ('return eval("x")', "before it is made"),
        ("import os\nreturn x", "Import"),
        ("exec = x.__class__\nreturn exec", "no operation of PyTorch"),
        ("return x.__reduce__()", "no operation of PyTorch"),
        ("return ops.mine.run(x)", "no operation of PyTorch"),
        ("return torch.ops.load_library(x)", "no operation of PyTorch"),
        ("return torch.__class__(x)", "no operation of PyTorch"),
        ("while True:\n  y = 1\nreturn x", "steps"),
        ("return (self).forward(x, )", "deep"),
        ("y = 10\nfor i in range(40):\n  y = torch.mul(y, y)\nreturn x", "64 bits"),
        ("y = torch.pow(10, 1000000000)\nreturn x", "64 bits"),
        ("y = torch.mul([1], 1000000000000)\nreturn x", "entries"),
        ("y = [1]\nfor i in range(60):\n  y = torch.add(y, y)\nreturn x", "entries"),
        ("if torch.gt(torch.sum(x), 0):\n  pass\nelse:\n  pass\nreturn x", "numbers of a tensor"),
        ("return __torch__.Other(x)", "does not hold"),
    ],
)
def test_name_what_cannot_be_followed(written, body, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert told in opened(written(body))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("given", [(torch.rand(2, 4),), None], ids=["given", "guessed"])
def test_calls_that_double_at_each_depth_end_in_a_sentence(tmp_path, monkeypatch, given):
    monkeypatch.setattr("designer.files.torchscript.follow.MOST_RUNS", 500)
    network = nn.ReLU()
    for _ in range(40):
        network = Twice(network)
    path = tmp_path / "evil.pt"
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(nn.Sequential(nn.Linear(4, 4), network)).save(path)
    with pytest.raises(Unread, match="it runs its functions more than 500 times"):
        read_program(path, given)


@pytest.mark.parametrize(
    "call",
    ["unbind(y)", "unbind(y, -3)", "split(y, 1)", "split(y, 2, -3)", "chunk(y, 99999999)", "tensor_split(y, 99999999)"],
)
def test_refuse_to_take_a_tensor_apart_without_end(written, call):
    body = f"y = torch.expand(x, [100000000, 2, 3])\nl = torch.{call}\nreturn torch.relu(l[0])"
    assert " to take a tensor apart into " in opened(written(body))


@pytest.mark.parametrize(
    "body", ["return " + "(" * 5000 + "x" + ")" * 5000, "return x\n )", "\0", "return " + "-" * 9000 + "1"]
)
def test_refuse_text_that_is_none(written, body):
    assert "is not TorchScript" in opened(written(body))


def test_refuse_objects_that_only_their_code_restores(written):
    classes = "  def __setstate__(self: __torch__.Net,\n    state: int) -> NoneType:\n    return None\n"
    assert "(__setstate__), which is not run" in opened(written("return x", classes, state=b"K\x01"))


def test_refuse_what_a_pickle_would_call(written):
    class Evil:
        def __reduce__(self):
            return (exec, ("open('mark', 'w')",))

    path = written("return x", entries=[("evil/traced_inputs.pkl", pickle.dumps(Evil(), 2))])
    import_pytorch(path, inputs=(torch.rand(2),))  # what it was traced with is written down, and tells nothing
    path = written("return self.y", state=b"}X\x01\x00\x00\x00ycposix\nsystem\nX\x02\x00\x00\x00id\x85Rs")
    assert "posix.system" in opened(path)


def test_refuse_a_text_that_unpacks_to_far_more(written):
    bomb = b"#" * (64 << 20)
    path = written("return __torch__.big.f(x)", entries=[("evil/code/__torch__/big.py", bomb)])
    assert "larger than" in opened(path)


def test_names_with_dots_lead_nowhere(written, tmp_path):
    (tmp_path / "code").mkdir()
    path = written("return __torch__.up.f(x)", entries=[("evil/code/__torch__/../../up.py", "def f(x):\n  return x\n")])
    assert "which the file does not hold" in opened(path)


def test_tensors_past_their_bytes_are_refused(written):
    state = (
        b"}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuJ\xff\xff\xff\x7ftQK\x00J\xff\xff\xff\x7f\x85K\x01\x85\x89}tRs"
    )
    path = written("return x", entries=[], state=state)
    assert "missing" in opened(path)


class Small(nn.Module):
    """A bit of all that a text may hold."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(9, 4)
        self.cell = nn.LSTMCell(4, 4)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, ids: torch.Tensor, scale: float = 2.0) -> dict[str, torch.Tensor]:
        x = self.emb(ids)
        h = torch.zeros(x.size(0), 4)
        c = torch.zeros(x.size(0), 4)
        seen: list[torch.Tensor] = []
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
            if t > 0:
                seen.append(h * scale)
        return {"last": self.norm(h), "all": torch.stack(seen, 1)}


WORDS = (
    "1 0 -1 None True x torch.relu [ ] ( ) , 9223372036854775807 self torch.size 1e400 '' CONSTANTS.c0 annotate".split()
)


@pytest.mark.parametrize("count", [40, pytest.param(2000, marks=pytest.mark.nightly)])
def test_damaged_files_open_or_are_refused_in_one_sentence(tmp_path, count):
    whole, broken = tmp_path / "whole.pt", tmp_path / "broken.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        torch.jit.save(torch.jit.script(Small().eval()), whole)
    with zipfile.ZipFile(whole) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    texts = [n for n, (entry, _) in enumerate(entries) if entry.filename.endswith((".py", ".pkl"))]
    chance = random.Random(count)
    refused = []
    for _ in range(count):
        at = chance.choice(texts)
        with zipfile.ZipFile(broken, "w") as archive:
            for n, (entry, body) in enumerate(entries):
                body = damaged(body, entry.filename, chance) if n == at else body
                archive.writestr(entry.filename, body, entry.compress_type)
        if chance.random() < 0.2:
            broken.write_bytes(broken.read_bytes()[: chance.randrange(broken.stat().st_size)])
        try:
            import_pytorch(broken)
        except FileError as error:
            refused.append(str(error))
    assert count / 4 < len(refused) < count
    assert [said for said in refused if not said.endswith(".") or "\n" in said] == []


def damaged(body, name, chance):
    """Bytes with some changed, or a text with some words in other places."""
    if name.endswith(".pkl"):
        changed = bytearray(body)
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed)
    words = re.split(r"(\W)", body.decode())
    for _ in range(chance.randint(1, 3)):
        words[chance.randrange(len(words))] = chance.choice([*WORDS, chance.choice(words), ""])
    return "".join(words).encode()


def test_nothing_of_a_file_is_run_or_imported(written, tmp_path):
    """An audit hook sees no import, no execution and no file but the opened one."""
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        torch.jit.save(torch.jit.script(module), tmp_path / "good.pt")
    import_pytorch(tmp_path / "good.pt", inputs=(torch.rand(2, 3),))  # torch imports parts of itself when first used
    seen = []

    def hook(event, arguments):
        if watching and event == "open" and str(arguments[0]).startswith("mark"):
            seen.append((event, arguments))
        if watching and event.startswith(EVENTS) and "evil" in str(arguments):
            seen.append((event, arguments))
        if watching and event in ("exec", "compile") and "evil" in str(arguments[-1]):
            seen.append((event, arguments))

    sys.addaudithook(hook)
    watching = True
    opened(written('evil = torch.from_file("mark", True, 4)\nreturn evil'))
    opened(written('return __import__("evil_module")'))
    watching = False
    assert not seen
