"""TorchScript files that mean harm: nothing in them is run, and one sentence says why they are not opened."""

import pickle
import sys
import warnings
import zipfile

import pytest
import torch
from torch import nn

from designer.files.errors import FileError
from designer.files.imports import import_pytorch

HEAD = "class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
METHOD = "  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n"
EVENTS = ("exec", "import", "os.", "subprocess", "socket", "shutil", "ctypes", "marshal", "pickle.find_class")


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
