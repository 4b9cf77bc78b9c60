"""Archives, headers, texts and sources that lie about where things are, how large they are, or how deep they go."""

import io
import json
import struct
import tracemalloc
import warnings
import zipfile

import pytest
import torch
from torch import nn

from designer import FileError, import_pytorch, load
from designer.files.asking import NeedsCode
from designer.files.python_classes import list_classes

MANY = 10_000
MOST_MEMORY = 24 << 20  # bytes, to open any of these


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        return self.fc(x)


def exported(path):
    torch.export.save(torch.export.export(Net().eval(), (torch.rand(1, 2),)), path)


def traced(path):
    torch.jit.save(torch.jit.trace(Net().eval(), torch.rand(1, 2)), path)


WRITERS = {
    "pt2": exported,
    "TorchScript": traced,
    "state_dict": lambda path: torch.save(Net().state_dict(), path),
    "module": lambda path: torch.save(nn.Sequential(nn.Linear(2, 3)), path),
}
MAIN = {"pt2": "models/model.json"}  # the entry that tells the rest; of the others it is data.pkl


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The bytes of a sound file of each kind."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, write in WRITERS.items():
            path = tmp_path_factory.mktemp("sound") / "model"
            write(path)
            found[kind] = path.read_bytes()
    return found


def rewritten(data, change=lambda name, body: (name, body, zipfile.ZIP_STORED), more=()):
    """An archive with other entries."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for info in old.infolist():
            name, body, packed = change(info.filename, old.read(info))
            new.writestr(name, body, packed)
        for name, body in more:
            new.writestr(name, body, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def packed(main, body=None):
    """Compress the main entry, or put a bomb in its place."""

    def change(name, old):
        return (name, old if body is None else body, zipfile.ZIP_DEFLATED) if name.endswith(main) else (name, old, 0)

    return lambda data: rewritten(data, change)


def at_entry(main, edit):
    """Change the record of the main entry in the table of an archive, or the header before its bytes."""

    def changed(data):
        content = bytearray(rewritten(data))
        at = content.rindex(main.encode())
        record = content.rindex(b"PK\x01\x02", 0, at)
        (header,) = struct.unpack("<I", content[record + 42 : record + 46])
        edit(content, record, header)
        return bytes(content)

    return changed


def put(offset, form, *values, in_header=False):
    def edit(content, record, header):
        struct.pack_into(form, content, (header if in_header else record) + offset, *values)

    return edit


def at_end(edit):
    def changed(data):
        content = bytearray(rewritten(data))
        edit(content, content.rindex(b"PK\x05\x06"))
        return bytes(content)

    return changed


def lies(main):
    """What is wrong -> what makes it so."""
    return {
        "packed": packed(main),
        "a bomb": packed(main, bytes(32 << 20)),
        "encrypted": at_entry(main, put(8, "<H", 1)),
        "of an unknown method": at_entry(main, put(10, "<H", 99)),
        "terabytes": at_entry(main, put(20, "<II", 2**32 - 2, 2**32 - 2)),
        "larger than the file": at_entry(main, put(20, "<II", 2**31, 2**31)),
        "two sizes": at_entry(main, put(24, "<I", 2**31)),
        "zip64 without its sizes": at_entry(main, put(20, "<II", 2**32 - 1, 2**32 - 1)),
        "behind the end": at_entry(main, put(42, "<I", 2**32 - 2)),
        "at another place": at_entry(main, put(42, "<I", 7)),
        "without a header": at_entry(main, put(0, "<4s", b"none", in_header=True)),
        "a header that is too long": at_entry(main, put(26, "<HH", 2**16 - 1, 2**16 - 1, in_header=True)),
        "a table elsewhere": at_end(lambda content, at: struct.pack_into("<I", content, at + 16, 5)),
        "a table of gigabytes": at_end(lambda content, at: struct.pack_into("<I", content, at + 12, 2**32 - 2)),
    }


def refused(path, open_=import_pytorch):
    """The sentence that refuses a file, with little memory used."""
    tracemalloc.start()
    try:
        with pytest.raises(FileError) as refusal:
            open_(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    said = str(refusal.value)
    assert said.isprintable()
    assert said.endswith(".")
    assert len(said) < 500
    assert path.name in said
    return said


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("lie", lies(""))
def test_an_archive_that_lies_is_refused(sound, tmp_path, kind, lie):
    path = tmp_path / "model.pt"
    path.write_bytes(lies(MAIN.get(kind, "data.pkl"))[lie](sound[kind]))
    refused(path)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    "name", ["../../up", "/tmp/absolute", "a/../../b", "C:\\x", "a" * 60_000, "a\0b", "\u202e", ""]
)
def test_entries_with_strange_names_are_left_alone(sound, tmp_path, monkeypatch, kind, name):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    path = tmp_path / "in" / "model.pt"
    root = zipfile.ZipFile(io.BytesIO(sound[kind])).namelist()[0].partition("/")[0]
    path.write_bytes(rewritten(sound[kind], more=[(f"{root}/{name}", b"x"), (f"{root}/x/{name}", b"x")]))
    before = import_pytorch(path).network
    assert before.values
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["in", "model.pt"]


@pytest.mark.parametrize("kind", WRITERS)
def test_an_entry_that_stands_twice_is_refused(sound, tmp_path, kind):
    path = tmp_path / "model.pt"
    with warnings.catch_warnings(), zipfile.ZipFile(io.BytesIO(sound[kind])) as old:
        warnings.simplefilter("ignore")
        main = next(name for name in old.namelist() if name.endswith(MAIN.get(kind, "data.pkl")))
        path.write_bytes(rewritten(sound[kind], more=[(main, b"x")]))
    assert refused(path).endswith("twice.")


@pytest.mark.parametrize("kind", WRITERS)
def test_tensors_whose_bytes_are_packed_are_refused(sound, tmp_path, kind):
    path = tmp_path / "model.pt"
    path.write_bytes(
        rewritten(sound[kind], lambda name, body: (name, body, 8 * ("/data/" in name or "/weights/" in name)))
    )
    refused(path)


def test_an_archive_of_very_many_entries_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        for number in range(100):
            archive.writestr(f"m/{number}", b"")
    data = bytearray((tmp_path / "model.pt").read_bytes())
    at = data.rindex(b"PK\x05\x06")
    end = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**7, 10**7, 2**40, 0)
    end += struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    (tmp_path / "model.pt").write_bytes(data[:at] + end + data[at:])
    assert "entries" in refused(tmp_path / "model.pt")


# Headers of safetensors.


def header(document, more=b"", length=None):
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + more


def tensor(**changes):
    return {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} | changes}


HEADERS = {
    "terabytes": header(tensor(shape=[2**38], data_offsets=[0, 2**40]), bytes(4)),
    "a size beyond all": header(tensor(shape=[2**63, 2**63, 0]), bytes(4)),
    "longer than the file": header(tensor(), bytes(4), length=10**9),
    "overlapping": header(tensor() | {"v": tensor()["w"]}, bytes(4)),
    "nested": header(b'{"w":' + b"[" * 100_000),
    "digits": header(b'{"w":' + b"9" * 10_000 + b"}"),
    "twice": header(b'{"w":1,"w":2}'),
    "half a character": header(b'{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
    "no text": header(b'{"\xff\xfe":1}'),
    "nan": header(b'{"w":NaN}'),
    "a name of a megabyte": header({"a" * 2**20: tensor()["w"]}, bytes(4)),
    "deeply named": header({"a." * 5000 + "a": tensor()["w"]}, bytes(4)),
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_header_that_lies_is_refused(tmp_path, what):
    (tmp_path / "model.safetensors").write_bytes(HEADERS[what])
    refused(tmp_path / "model.safetensors")


# Names.

NAMES = [
    *("__class__", "os;import x", "class", "self.forward", "forward", "torch", "x\ny", "\u0430", "ⅹ", "a b", "1a", "-"),
    *(".", "..", "a..b", ".a", "a.", " ", "training", "__import__('os').mkdir('ran')", "0", "00", "state_dict"),
]


def test_names_become_names_that_python_takes(tmp_path):
    from safetensors.torch import save_file

    save_file({name: torch.full((2,), float(n)) for n, name in enumerate(NAMES)}, tmp_path / "model.safetensors")
    network, report = import_pytorch(tmp_path / "model.safetensors")
    assert len(network.values) == len(NAMES)
    for key in network.values:
        assert all(step.isascii() and (step.isidentifier() or step.isdecimal()) for step in key.split(".")), key
    known = {**{key: key for key in network.values}, **network.aliases}
    assert [float(network.values[known[name]][0]) for name in NAMES] == [*map(float, range(len(NAMES)))]
    assert all(line.isprintable() for line in str(report).splitlines())


# Text.

DEEP = {
    "brackets": "(" * MANY + ")" * MANY,
    "lists": "x = " + "[" * MANY + "]" * MANY,
    "signs": "x = " + "-" * MANY + "1",
    "calls": "x = " + "f(" * 5000 + ")" * 5000,
    "attributes": "class Net(a" + ".a" * MANY + "): pass",
    "blocks": "".join(" " * n + "if x:\n" for n in range(90)) + " " * 90 + "pass",
    "digits": "x = " + "9" * MANY,
    "default": "class Net(nn.Module):\n  def __init__(self, x=" + "-" * 3000 + "1): pass",
    "annotation": "class Net(nn.Module):\n  def __init__(self, x: a" + ".a" * 5000 + "): pass",
    "chain": "class C0(nn.Module): pass\n" + "".join(f"class C{n + 1}(C{n}): pass\n" for n in range(1000)),
    "no end": "class Net(nn.Module:",
}


@pytest.mark.parametrize("what", DEEP)
def test_source_that_goes_deep_is_refused(tmp_path, what):
    path = tmp_path / "model.py"
    path.write_text("from torch import nn\nclass Net(nn.Module): pass\n" + DEEP[what])
    refused(path)


SOURCE = "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n"


@pytest.mark.parametrize(
    "data",
    [
        *(SOURCE.encode(), b"\xef\xbb\xbf" + SOURCE.encode(), SOURCE.replace("\n", "\r\n").encode()),
        *((SOURCE + "# \u202e").encode(), SOURCE.replace("    ", "\t").encode(), (SOURCE + "\f\n").encode()),
        SOURCE.replace("\n", "\r").encode(),
    ],
    ids=["plain", "a byte order mark", "lines of Windows", "a sign that turns the line", "tabs", "a page", "old lines"],
)
def test_source_of_any_editor_is_read(tmp_path, data):
    path = tmp_path / "model.py"
    path.write_bytes(data)
    assert [each.name for each in list_classes(path)] == ["Net"]
    with pytest.raises(NeedsCode):
        import_pytorch(path)


@pytest.mark.parametrize("more", [b"\0", b"\xff", b"# coding: utf-7\n+AGE-", b"x = '\xed\xa0\x80'"])
def test_source_that_is_no_text_is_refused(tmp_path, more):
    path = tmp_path / "model.py"
    path.write_bytes(SOURCE.encode() + more)
    said = refused(path)
    assert "no kind that is known" in said or "contains program code" in said


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"format": "network designer project", "layers": ' + "[" * 10**5]
)
def test_json_that_goes_deep_is_refused(tmp_path, text):
    path = tmp_path / "model.network"
    path.write_text(text)
    refused(path)
    refused(path, load)


def test_a_shape_of_a_thousand_sizes_is_refused(tmp_path):
    layers = {"x": {"type": "Input", "shape": ["B", *[1] * 1000]}, "fc": {"type": "Linear"}}
    document = {"format": "network designer project", "version": 1, "layers": layers, "wires": ["x/out -> fc/in"]}
    (tmp_path / "model.network").write_text(json.dumps(document))
    assert refused(tmp_path / "model.network", load).endswith("A shape has at most 64 sizes, as in torch, not 1,001.")
