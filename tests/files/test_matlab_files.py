"""Arrays of MATLAB 4 to 7 open as scipy reads them: structs and cells as dotted names, bounded by what is there."""

import os
import re
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import scipy.io
import scipy.sparse
import torch

from designer import FileError, import_pytorch
from designer.files.kinds import kind_of
from designer.files.stored import tensors_in
from designer.model import Group, Parameter

WHOLE = np.arange(6.0).reshape(2, 3)
FLAT = {
    "w": WHOLE,
    "single": WHOLE.astype("f4"),
    "row": np.arange(4, dtype="i2"),
    "byte": np.arange(3, dtype="u1"),
    "long": np.array([[2**62, -1]]),
    "deep": np.random.default_rng(0).random((2, 3, 4)),
    "pair": WHOLE + 1j * WHOLE[::-1],
    "pair_single": (WHOLE - 2j).astype("c8"),
    "flags": WHOLE > 2,
    "none": np.zeros((0, 3)),
    "one": 2.5,
}


def check(found, expected):
    """Names, sizes, types and numbers are those that scipy reads."""
    assert set(found) == set(expected)
    for name, array in expected.items():
        tensor = torch.from_numpy(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))))
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        assert torch.equal(found[name], tensor), name


def read_by_scipy(path):
    found = scipy.io.loadmat(path)
    return {name: array for name, array in found.items() if not name.startswith("__")}


@pytest.mark.parametrize("packed", [False, True])
def test_arrays_of_version_5_and_7_come_as_scipy_reads_them(tmp_path, packed):
    scipy.io.savemat(tmp_path / "a.mat", FLAT, do_compression=packed)
    found = tensors_in(tmp_path / "a.mat")
    expected = read_by_scipy(tmp_path / "a.mat")
    expected["flags"] = expected["flags"].astype(bool)  # which scipy gives as bytes
    check(found, expected)
    assert found["deep"].stride() == (1, 2, 6)  # as MATLAB keeps it
    assert bool(getattr(found["w"], "mapped", None)) is not packed


def test_arrays_of_version_4_come_as_scipy_reads_them(tmp_path):
    given = {"w": WHOLE, "single": WHOLE.astype("f4"), "row": np.arange(4, dtype="i2"), "pair": WHOLE - 1j}
    given |= {"i": np.arange(3, dtype="i4"), "byte": np.arange(3, dtype="u1"), "u": np.arange(5, dtype="u2")}
    scipy.io.savemat(tmp_path / "a.mat", given | {"text": "abc", "sp": scipy.sparse.csc_matrix(WHOLE)}, format="4")
    network, report = import_pytorch(tmp_path / "a.mat")
    expected = read_by_scipy(tmp_path / "a.mat")
    check(tensors_in(tmp_path / "a.mat"), {name: expected[name] for name in given})
    assert report.notes == (
        "left out: 'text', which holds text",
        "left out: 'sp', which holds a sparse matrix",
        "'u' is left out: no layer holds numbers of the type uint16",
    )
    assert network.layer("w") == Parameter((2, 3))


def test_a_file_of_version_4_with_the_other_byte_order(tmp_path):
    head = struct.pack(">5I", 1000, 2, 3, 1, 2) + b"w\0"
    numbers = (WHOLE.T.astype(">f8").tobytes(), (WHOLE.T + 1).astype(">f8").tobytes())
    (tmp_path / "a.mat").write_bytes(head + b"".join(numbers))
    assert kind_of(tmp_path / "a.mat").name == "MATLAB"
    check(tensors_in(tmp_path / "a.mat"), {"w": WHOLE + 1j * (WHOLE + 1)})
    check(tensors_in(tmp_path / "a.mat"), read_by_scipy(tmp_path / "a.mat"))


@pytest.mark.parametrize("packed", [False, True])
def test_structs_and_cells_become_dotted_names(tmp_path, packed):
    several = np.zeros((1, 2), [("k", object), ("b", object)])
    several[0, 0]["k"], several[0, 1]["k"] = WHOLE, WHOLE[0]
    several[0, 0]["b"] = several[0, 1]["b"] = 1.0
    cell = np.empty((2, 2), object)
    cell[0, 0], cell[1, 0], cell[0, 1], cell[1, 1] = WHOLE, {"inner": WHOLE[1]}, "text", np.empty(0, object)
    given = {"net": {"fc": {"w": WHOLE, "b": WHOLE[0]}, "name": "lstm"}, "many": several, "cell": cell}
    scipy.io.savemat(tmp_path / "a.mat", given | {"sp": scipy.sparse.csc_matrix(WHOLE)}, do_compression=packed)
    network, report = import_pytorch(tmp_path / "a.mat")
    check(
        tensors_in(tmp_path / "a.mat"),
        {
            "net.fc.w": WHOLE,
            "net.fc.b": WHOLE[:1],
            "many.0.k": WHOLE,
            "many.0.b": np.ones((1, 1)),
            "many.1.k": WHOLE[:1],
            "many.1.b": np.ones((1, 1)),
            "cell.0": WHOLE,
            "cell.1.inner": WHOLE[1:],
        },
    )
    assert isinstance(network.layer("net.fc"), Group)
    assert report.kind == "MATLAB"
    assert report.notes == (
        "left out: 'net.name', 'cell.2', which hold text",
        "left out: 'sp', which holds a sparse matrix",
    )


def test_text_alone_is_no_array(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"t": "text"})
    said = r"^a\.mat cannot be read: it holds no array that can be read: left out: 't', which holds text\.$"
    with pytest.raises(FileError, match=said):
        import_pytorch(tmp_path / "a.mat")


# Files by hand: MATLAB keeps small whole numbers in fewer bytes, and some programs write the other order.


def element(kind, data, order="<"):
    return struct.pack(order + "II", kind, len(data)) + data + bytes(-len(data) % 8)


NUMBERS = ((9, WHOLE.T.tobytes()),)


def matrix(name="w", kind=6, dims=(2, 3), parts=NUMBERS, flags=0, order="<"):
    data = element(6, struct.pack(order + "II", kind | flags, 0), order)
    data += element(5, struct.pack(f"{order}{len(dims)}i", *dims), order) + element(1, name.encode(), order)
    return element(14, data + b"".join(element(*part, order) for part in parts), order)


def mat(*elements, order="<"):
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(order + "HH", 0x0100, 0x4D49) + b"".join(elements)


def packed(data, said=None):
    content = zlib.compress(data if said is None else struct.pack("<II", 14, said) + data[8:])
    return struct.pack("<II", 15, len(content)) + content


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kept", ["u1", "i2", "f8"])
def test_numbers_are_kept_in_few_bytes_and_in_either_order(tmp_path, order, kept):
    numbers = WHOLE.T.astype(order + kept).tobytes()
    part = {"u1": 2, "i2": 3, "f8": 9}[kept], numbers
    whole = matrix(parts=(part,), order=order), matrix("z", parts=(part, part), flags=0x800, order=order)
    (tmp_path / "a.mat").write_bytes(mat(*whole, order=order))
    check(tensors_in(tmp_path / "a.mat"), {"w": WHOLE, "z": WHOLE + 1j * WHOLE})
    for name, array in read_by_scipy(tmp_path / "a.mat").items():
        assert np.array_equal(tensors_in(tmp_path / "a.mat")[name].numpy(), array)  # scipy gives the type it is kept in


def test_objects_and_functions_are_left_out(tmp_path):
    opaque = element(14, element(6, struct.pack("<II", 17, 0)) + element(1, b"net") + element(1, b"MCOS"))
    (tmp_path / "a.mat").write_bytes(mat(matrix(), matrix("f", 16, (1, 1), ()), matrix("o", 3, (1, 1), ()), opaque))
    network, report = import_pytorch(tmp_path / "a.mat")
    assert set(network.values) == {"w"}
    assert report.notes == (
        "left out: 'f', which holds a function",
        "left out: 'o', 'net', which hold an object of MATLAB",
    )


def nested(depth):
    inner = matrix("", 6, (1, 1), ((9, bytes(8)),))
    for _ in range(depth):
        inner = element(14, matrix("", 1, (1, 1), ())[8:] + inner)
    return element(14, matrix("c", 1, (1, 1), ())[8:] + inner)


HOSTILE = {
    "terabytes": (matrix(dims=(2**20, 2**20)), "the numbers of 'w' are not as many as it says."),
    "sizes below 0": (matrix(dims=(-1, 3)), "the numbers of 'w' are not as many as it says."),
    "a product without end": (matrix(dims=(2**31 - 1,) * 3), "'w' cannot have the shape"),
    "more sizes than torch has": (matrix(dims=(1,) * 65), "it is damaged: an array in it has 65 dimensions."),
    "too few numbers": (matrix(parts=((9, bytes(40)),)), "the numbers of 'w' are not as many as it says."),
    "numbers of no type": (matrix(parts=((8, bytes(48)),)), "the numbers of 'w' are not as many as it says."),
    "no imaginary part": (matrix(flags=0x800), "it ends before it should."),
    "the same twice": (matrix() * 2, "it holds 'w' twice."),
    "a long name": (matrix("w" * 5000), "it is damaged: a name in it is too long."),
    "cells inside each other": (nested(100), "it is nested too deeply."),
    "cells without end": (matrix("c", 1, (2**20, 2**10), ()), "it has too many parts."),
    "fields without a name": (
        matrix("s", 2, (1, 1), ((5, bytes(4)), (1, b""))),
        "it is damaged: the fields of 's' have",
    ),
    "fields without end": (
        matrix("s", 2, (2**15, 2**5), ((5, struct.pack("<I", 1)), (1, b"abc"))),
        "it has too many parts.",
    ),
    "an element past the end": (struct.pack("<II", 14, 2**31) + bytes(100), "it ends before it should."),
    "no flags": (element(14, element(5, bytes(8))), "it is damaged: an array does not say what it is."),
    "a packed one that is none": (packed(matrix()[:4] + bytes(8)), "it is damaged: "),
    "packed twice": (packed(packed(matrix()).ljust(300, b"\0")), "it is damaged: what is packed in it is no array."),
    "a bomb that says so": (packed(matrix(), 2**32 - 16), "it says that 4,294,967,288 bytes are packed in"),
    "a bomb that does not": (packed(matrix() + bytes(10**7)), "it is damaged: more is packed in it than it says."),
    "less than it says": (packed(matrix(), 1000), "it is damaged: less is packed in it than it says."),
    "no zlib": (struct.pack("<II", 15, 40) + b"x" * 40, "it is damaged: what is packed in it cannot be unpacked."),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_get_a_sentence_and_no_memory(tmp_path, what):
    data, said = HOSTILE[what]
    (tmp_path / "a.mat").write_bytes(mat(data))
    tracemalloc.start()
    with pytest.raises(FileError, match="^" + re.escape(f"a.mat cannot be read: {said}")):
        import_pytorch(tmp_path / "a.mat")
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_a_sparse_file_of_version_4_is_not_read_when_it_is_opened(tmp_path):
    path = tmp_path / "a.mat"
    path.write_bytes(struct.pack("<5I", 0, 50_000, 10_000, 0, 4) + b"abc\0")
    os.truncate(path, 24 + 4 * 10**9)
    tracemalloc.start()
    network, _ = import_pytorch(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert network.values["abc"].mapped
    os.truncate(path, 24 + 4 * 10**9 - 1)
    with pytest.raises(FileError, match=r"the numbers of 'abc' end before they should\.$"):
        import_pytorch(path)


@pytest.mark.parametrize("version", ["4", "5", "7"])
def test_a_file_that_ends_anywhere_opens_what_is_whole_or_gets_a_sentence(tmp_path, version):
    given = (
        {"w": WHOLE, "v": 1.5} if version == "4" else {"w": WHOLE, "s": {"v": 1.5}, "c": np.array([1.0, "a"], object)}
    )
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, given, format="4" if version == "4" else "5", do_compression=version == "7")
    data = path.read_bytes()
    for end in range(0, len(data), 2):
        path.write_bytes(data[:end])
        said = ""
        try:
            assert torch.equal(tensors_in(path)["w"], torch.from_numpy(WHOLE))
        except FileError as error:
            said = str(error)
        assert "\n" not in said


@pytest.mark.parametrize("seed", range(15))
def test_damaged_files_open_or_get_a_sentence(tmp_path, seed):
    generator = np.random.default_rng(seed)
    path = tmp_path / "a.mat"
    given = {"w": WHOLE, "r": WHOLE[0] + 1j} if seed % 3 == 2 else {"w": WHOLE, "s": {"v": 1.5}}
    scipy.io.savemat(path, given, format="4" if seed % 3 == 2 else "5", do_compression=seed % 3 == 1)
    data = path.read_bytes()
    for _ in range(30):
        bad = bytearray(data)
        for _ in range(generator.integers(1, 4)):
            bad[generator.integers(len(bad))] = generator.integers(256)
        path.write_bytes(bad)
        said = ""
        try:
            for value in import_pytorch(path).network.values.values():
                value.sum()
        except FileError as error:
            said = str(error)
        assert "\n" not in said
