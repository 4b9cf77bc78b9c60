"""Values that are cut short, swapped or lie about themselves are refused, and are never read past their end."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from designer.files.errors import FileError
from designer.files.project import load, save
from designer.layers import Linear
from designer.model import Input, Network, NetworkError
from designer.model.values import check_value

ROOT = Path(__file__).parents[2]


def net(number):
    layers = Network().chain(x=Input(("B", 4)), fc=Linear(4))
    values = {"fc.weight": torch.full((4, 4), float(number)), "fc.bias": torch.arange(4)}
    return dataclasses.replace(layers, values=values)


@pytest.fixture
def path(tmp_path):
    save(net(1), tmp_path / "net.network")
    return tmp_path / "net.network"


@pytest.fixture
def values(path):
    (file,) = path.parent.glob("*.safetensors")
    return file


def sentence(path, values):
    """What the sentence about bad values says of them."""
    with pytest.raises(FileError) as refusal:
        load(path)
    text = str(refusal.value)
    start = f"net.network cannot be opened: its values, {values.name}, "
    assert text.startswith(start)
    assert text.endswith(".")
    assert len(text) < 400
    return text.removeprefix(start)


def rewrite(values, change, more=b""):
    """The file with another header."""
    content = values.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header = change(header) or header
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    values.write_bytes(len(text).to_bytes(8, "little") + text + content[start:] + more)


def test_missing(path, values):
    values.unlink()
    assert sentence(path, values) == "do not lie beside it."


def test_folder_or_pipe_instead(path, values):
    values.unlink()
    values.mkdir()
    assert sentence(path, values) == "cannot be read: not a regular file."
    values.rmdir()
    os.mkfifo(values)
    assert sentence(path, values) == "cannot be read: not a regular file."


def test_every_length(path, values):
    content = values.read_bytes()
    for length in range(len(content)):
        values.write_bytes(content[:length])
        sentence(path, values)
    values.write_bytes(content + b"\0")
    assert sentence(path, values) == "cannot be read: it has 297 bytes, and its header asks for 296."


def test_values_of_another_save(path, values, tmp_path):
    save(net(2), tmp_path / "other.network")
    (other,) = tmp_path.glob("other.*.safetensors")
    values.write_bytes(other.read_bytes())
    assert sentence(path, values) == "cannot be read: it holds other values than its name says."


def test_values_written_by_another_program(path, values):
    save_file(dict(net(1).values), values)
    assert sentence(path, values) == "cannot be read: it holds other values than its name says."


def test_values_of_no_layer(path, values):
    path.write_text(path.read_text().replace('"fc"', '"gc"').replace("/fc", "/gc").replace("> fc", "> gc"))
    with pytest.raises(FileError) as refusal:
        load(path)
    assert str(refusal.value) == "net.network cannot be opened: No layer has a learnable or buffer 'fc.bias'."


def entry(name="fc.weight", **changes):
    def change(header):
        header[name].update(changes)

    return change


def both(first, second):
    def change(header):
        first(header)
        second(header)

    return change


# The bias has the bytes 0 to 32, the weight those from 32 to 96.
HEADERS = {
    "no object": (lambda header: b"[]", "its header is not an object."),
    "no JSON": (lambda header: b"{", "line 1 is not JSON."),
    "twice": (
        lambda header: b'{"a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}, "a": 1}',
        "'a' stands in it twice.",
    ),
    "deep": (lambda header: b'{"a": ' + b"[" * 100_000, "it is nested too deeply."),
    "metadata": (lambda header: header | {"__metadata__": []}, "its metadata are not texts."),
    "metadata numbers": (lambda header: header | {"__metadata__": {"a": 1}}, "its metadata are not texts."),
    "no tensor": (lambda header: header | {"fc.more": 1}, "'fc.more' is not described as a tensor."),
    "entry": (entry(more=1), "'fc.weight' is not described as a tensor."),
    "dtype": (entry(dtype="F31"), "'fc.weight' has the unknown dtype 'F31'."),
    "dtype of torch": (entry(dtype="float32"), "'fc.weight' has the unknown dtype 'float32'."),
    "dtype list": (entry(dtype=["F32"]), "'fc.weight' has the unknown dtype ['F32']."),
    "another dtype": (entry(dtype="F64"), "'fc.weight' has 128 bytes, which the offsets [32, 96] do not hold."),
    "shape": (entry(shape=16), "'fc.weight' cannot have the shape 16."),
    "negative": (entry(shape=[-4, -4]), "'fc.weight' cannot have the shape [-4, -4]."),
    "half": (entry(shape=[4.0, 4]), "'fc.weight' cannot have the shape [4.0, 4]."),
    "true": (entry(shape=[True, 16]), "'fc.weight' cannot have the shape [True, 16]."),
    "another shape": (entry(shape=[4, 5]), "'fc.weight' has 80 bytes, which the offsets [32, 96] do not hold."),
    "huge": (entry(shape=[2**31, 2**31]), "'fc.weight' cannot have the shape [2147483648, 2147483648]."),
    "huge and empty": (entry(shape=[0, 2**62]), "'fc.weight' cannot have the shape [0, 4611686018427387904]."),
    "many dimensions": (
        entry(shape=[1] * 65, data_offsets=[32, 36]),
        "'fc.weight' cannot have the shape [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,....",
    ),
    "offsets": (entry(data_offsets=64), "'fc.weight' has 64 bytes, which the offsets 64 do not hold."),
    "backwards": (entry(data_offsets=[96, 32]), "'fc.weight' has 64 bytes, which the offsets [96, 32] do not hold."),
    "before": (entry(data_offsets=[-64, 0]), "'fc.weight' has 64 bytes, which the offsets [-64, 0] do not hold."),
    "overlap": (entry(data_offsets=[24, 88]), "the bytes of 'fc.weight' begin at 24, not at 32."),
    "same": (entry("fc.bias", data_offsets=[32, 64]), "the bytes of 'fc.bias' begin at 32, not at 0."),
    "hole": (entry(data_offsets=[40, 104]), "the bytes of 'fc.weight' begin at 40, not at 32."),
    "past the end": (
        both(entry(shape=[2**40], data_offsets=[32, 32 + 2**42]), entry("fc.bias")),
        "it has 336 bytes, and its header asks for 4,398,046,511,376.",
    ),
    "pairs": (
        lambda header: header["__metadata__"].update(complex128="fc.weight"),
        "'fc.weight' does not hold pairs of float64.",
    ),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_headers(path, values, kind):
    change, expected = HEADERS[kind]
    rewrite(values, change)
    assert sentence(path, values) == f"cannot be read: {expected}"


def test_header_longer_than_its_file(path, values):
    for length in (0, 1, 2**40, 2**63, 2**64 - 1):
        values.write_bytes(length.to_bytes(8, "little") + values.read_bytes()[8:])
        assert sentence(path, values) == "cannot be read: it is not a safetensors file, or only a part of one."


READ = """
import sys
from designer.files.project import load
from designer.model import NetworkError
from designer.model.values import check_value

value = load(sys.argv[1]).values["fc.weight"]
open(sys.argv[2], "r+b").truncate(200)
try:
    check_value(value)
except NetworkError as refusal:
    print(refusal)
"""


def test_file_cut_short_while_it_is_mapped(path, values):
    """Reading would end the process, so it is refused before."""
    done = subprocess.run(
        [sys.executable, "-c", READ, path, values], capture_output=True, text=True, check=False, timeout=100, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"The values in {values.name} cannot be read any more: it had 296 bytes when it was opened and has 200 now.\n"
    )


def test_comparing_checks_first(path, values):
    one, other = load(path), net(1)
    os.utime(values, ns=(0, 0))
    with pytest.raises(NetworkError):
        assert one == other
    with pytest.raises(NetworkError):
        check_value(one.values["fc.bias"])
    assert load(path) == other
