"""Pickles that run code where they are unpickled, that lie about their sizes, and that grow without end."""

import io
import pickle
import struct
import warnings
import zipfile

import pytest
import torch
from torch import nn

from designer import FileError, NetworkError, import_pytorch, write_pytorch
from designer.files.pickled import read_pickle
from designer.model.names import shortened

MARK = "MARKMARK"


def text(words):
    return b"X" + struct.pack("<I", len(words)) + words.encode()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)
        self.note = MARK

    def forward(self, x):
        return self.fc(x)


def scripted(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        torch.jit.save(torch.jit.script(Net()), path)


def chain(path):
    """A module whose wiring is known without code."""
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    module[0].name = MARK  # which no layer asks for
    torch.save(module, path)


STATE = {"w": torch.zeros(2), "evil": MARK}
KINDS = {
    "state_dict": lambda path: torch.save(STATE, path),
    "state_dict before 1.6": lambda path: torch.save(STATE, path, _use_new_zipfile_serialization=False),
    "checkpoint": lambda path: torch.save({"state_dict": {"w": torch.zeros(2)}, "more": {"evil": MARK}}, path),
    "module": chain,
    "module with a class of its own": lambda path: torch.save(Net(), path),
    "module before 1.6": lambda path: torch.save(Net(), path, _use_new_zipfile_serialization=False),
    "TorchScript": scripted,
}
SOUND = {}  # kind -> the bytes of a file with the mark
MAKE = b"posix\nmkdir\n"
# What stands where a text stood.
CODE = {
    "__reduce__": b"c" + MAKE + text("ran") + b"\x85R",
    "__setstate__": b"c" + MAKE + text("ran") + b"b",
    "a state for an object": b"c" + MAKE + b")\x81" + text("ran") + b"b",
    "INST": b"(" + text("ran") + b"i" + MAKE,
    "OBJ": b"(c" + MAKE + text("ran") + b"o",
    "NEWOBJ": b"c" + MAKE + text("ran") + b"\x85\x81",
    "NEWOBJ_EX": b"c" + MAKE + text("ran") + b"\x85}\x92",
    "STACK_GLOBAL": text("posix") + text("mkdir") + b"\x93" + text("ran") + b"\x85R",
    "exec": b"cbuiltins\nexec\n" + text("__import__('os').mkdir('ran')") + b"\x85R",
    "an item of a call": b"c" + MAKE + b")R" + text("ran") + b"a",
    "EXT1": b"\x82\x01",
    "EXT4": b"\x84\x01\x00\x00\x00",
    "PERSID": b"Pran\n",
    "BINPERSID": text("ran") + b"Q",
    "out of band": b"\x97",
    "read only": text("ran") + b"\x98",
}
# Each holds the one before twice; 200 and more are their places in the memory.
STEPS = [(b"h%c" % (200 + n), b"q%c0" % (201 + n)) for n in range(40)]
LISTS = b"]q\xc80" + b"".join(b"](" + old * 2 + b"e" + new for old, new in STEPS) + STEPS[-1][0]
DICTS = b"}q\xc80" + b"".join(b"}(K\0" + old + b"K\1" + old + b"u" + new for old, new in STEPS) + STEPS[-1][0]
BOMBS = {
    "tuples": (b")" + b"2\x86" * 60, "its pickle repeats the same again and again."),
    "lists": (LISTS, "its pickle repeats the same again and again."),
    "dicts": (DICTS, "its pickle repeats the same again and again."),
    "depth": (b")" + b"\x85" * 20_000, "its pickle is nested too deeply."),
    "a list of itself": (b"]2a", "its pickle has a part that holds itself."),
    "a dict of itself": (b"}q\xc8" + text("a") + b"h\xc8s", "its pickle has a part that holds itself."),
    "a number": (
        b"\x8b" + struct.pack("<i", 10**6) + bytes(10**6 - 1) + b"\x01",
        "a number in its pickle is too long.",
    ),
    "a number of gigabytes": (b"\x8b\xff\xff\xff\x7f", "its pickle is damaged or has no end."),
    "a number that is negative in length": (b"\x8b\xff\xff\xff\xff", "its pickle is damaged or has no end."),
    "a text of terabytes": (b"\x8d" + struct.pack("<Q", 2**42) + b"x", "its pickle is damaged or has no end."),
    "bytes of terabytes": (b"\x8e" + struct.pack("<Q", 2**42), "its pickle is damaged or has no end."),
    "a bytearray of terabytes": (b"\x96" + struct.pack("<Q", 2**42), "its pickle is damaged or has no end."),
    "a size beyond all": (b"\x96" + struct.pack("<Q", 2**64 - 1), "its pickle is damaged or has no end."),
    "digits": (b"L" + b"9" * 5000 + b"L\n", "its pickle is damaged or has no end."),
    "a list as a key": (b"}]Ns", "its pickle has a list as a key."),
    "a text that is appended to": (text("a") + b"Na", "its pickle is damaged or has no end."),
    "a text with items": (text("a") + b"NNs", "its pickle is damaged or has no end."),
    "a text that is called": (text("a") + b")R", "its pickle calls 'str'."),
    "no stack": (b"0" * 100, "its pickle is damaged or has no end."),
    "no mark": (b"t", None),
    "a copy of copies": (
        b"(" + b"N" * 3000 + b"l" + b"q\xc8" + b"cbuiltins\nlist\nh\xc8\x85R0" * 3000,
        "its pickle copies the same again and again.",
    ),
    "a frame without end": (b"\x95" + struct.pack("<Q", 2**60) + text("ran"), None),
    "a frame that is too short": (b"\x95" + struct.pack("<Q", 1) + text("ran"), None),
}


def written(path, kind, payload):
    """A file of a kind with a payload in the place of the mark."""
    if kind not in SOUND:
        KINDS[kind](path)
        SOUND[kind] = path.read_bytes()
    data = SOUND[kind]
    if data[:2] != b"PK":
        assert data.count(text(MARK)) == 1
        path.write_bytes(data.replace(text(MARK), payload))
        return path
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for entry, body in entries:
            if entry.filename.endswith("/data.pkl"):
                assert body.count(text(MARK)) == 1
                body = body.replace(text(MARK), payload)
            archive.writestr(entry.filename, body, entry.compress_type)
    return path


def opened(path):
    """What is said of a file that is opened or refused."""
    try:
        network, report = import_pytorch(path)
    except FileError as error:
        return str(error)
    try:
        source = write_pytorch(network)
    except NetworkError as error:
        source = str(error)
    assert "mkdir" not in source
    return "".join(report.notes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", CODE)
def test_nothing_that_a_pickle_calls_is_called(tmp_path, monkeypatch, kind, what):
    monkeypatch.chdir(tmp_path)
    said = opened(written(tmp_path / "evil.pt", kind, CODE[what]))
    assert said.isprintable()
    assert len(said) < 500
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", BOMBS)
def test_what_grows_without_end_is_refused(tmp_path, monkeypatch, kind, what):
    monkeypatch.chdir(tmp_path)
    payload, sentence = BOMBS[what]
    said = opened(written(tmp_path / "evil.pt", kind, payload))
    assert said.isprintable()
    if sentence is not None and "is a pickle" not in said:  # which is told before it is read
        assert said == f"evil.pt cannot be read: {sentence}"


def test_a_pickle_may_use_its_parts_more_than_once():
    shared = [1, 2]
    assert read_pickle(io.BytesIO(pickle.dumps([shared, shared, {"a": shared}]))) == [
        [1, 2],
        [1, 2],
        {"a": [1, 2]},
    ]


@pytest.mark.parametrize(
    "value",
    [1 << 20_000, [[[[[[[[1]]]]]]]], "a" * 10**6, [*range(10**6)], {"a" * 100: 1}, b"\xff" * 1000, -(1 << 20_000)],
    ids=range(7),
)
def test_any_value_is_quoted_in_less_than_a_line(value):
    assert len(shortened(value)) <= 60
    assert shortened(value).isprintable()


@pytest.mark.parametrize("value", ["a'b\n", (1,), (), [], {}, {"a": (1, None)}, {1}, 2**70, 1.5, True, b"x", "\u202e"])
def test_what_is_short_is_quoted_as_python_writes_it(value):
    assert shortened(value) == repr(value)
