"""Arrays that NumPy wrote open under their names; what only a pickle would give is left out, and nothing is run."""

import io
import os
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

from designer import FileError, build, import_pytorch, load, save
from designer.files.kinds import kind_of
from designer.files.stored import tensors_in
from designer.layers import Input, Linear
from designer.model import Parameter

NUMBERS = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 complex64 complex128".split()


def npy(array):
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def with_header(text, numbers=b"", version=1):
    """An .npy file with a header that no version of NumPy writes."""
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode("latin-1") + numbers


def described(descr="'<f4'", shape="(2,)", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def zipped(path, entries, how=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", "<>")
def test_every_type_and_order_of_numbers_comes_as_it_was(tmp_path, write, order):
    given = {}
    for name in NUMBERS:
        dtype = np.dtype(name).newbyteorder(order)
        whole = (np.arange(24).reshape(2, 3, 4) % 2).astype(dtype) if name == "bool" else np.arange(24).astype(dtype)
        whole = whole.reshape(2, 3, 4)
        given |= {name: whole, f"{name}_f": np.asfortranarray(whole), f"{name}_one": whole[0, 0, 1]}
        given |= {f"{name}_none": whole[:0]}
    write(tmp_path / "a.npz", **given)
    found = tensors_in(tmp_path / "a.npz")
    assert list(found) == list(given)
    for name, array in given.items():
        expected = torch.from_numpy(np.array(array, array.dtype.newbyteorder("=")))
        assert found[name].dtype == expected.dtype, name
        assert found[name].shape == expected.shape
        assert torch.equal(found[name], expected), name
    assert found["float32_f"].stride() == (1, 2, 6)


def test_an_archive_opens_as_the_tree_of_its_names(tmp_path):
    given = {"enc/w": np.ones((2, 3), "f4"), "enc/b": np.zeros(3, "f4"), "step": np.array(7)}
    np.savez(tmp_path / "a.npz", **given)
    network, report = import_pytorch(tmp_path / "a.npz")
    assert network.layer("enc.w") == Parameter((2, 3))
    assert set(network.values) == {"enc.w", "enc.b", "step"}
    assert report.kind == "NumPy"
    assert not report.ties
    np.savez(tmp_path / "b.npz", **{"enc/w": given["enc/w"], "enc/b": given["enc/b"]})
    assert set(tensors_in(tmp_path / "b.npz")) == {"enc.w", "enc.b"}  # the one folder of all is a name, too


def test_a_single_array_is_mapped_and_called_as_its_file(tmp_path):
    array = np.random.default_rng(0).random((3, 2))
    np.save(tmp_path / "weight.npy", array)
    found = tensors_in(tmp_path / "weight.npy")
    assert torch.equal(found["weight"], torch.from_numpy(array))
    assert found["weight"].mapped.path == tmp_path / "weight.npy"
    with (tmp_path / "weight.npy").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Exception, match=r"cannot be read any more: it had"):
        found["weight"].mapped.check()


def test_what_is_written_to_a_mapped_array_stays_in_memory(tmp_path):
    np.save(tmp_path / "w.npy", np.zeros(4))
    before = (tmp_path / "w.npy").read_bytes()
    tensors_in(tmp_path / "w.npy")["w"][:] = 1
    assert (tmp_path / "w.npy").read_bytes() == before


def test_a_sparse_file_is_not_read_when_it_is_opened(tmp_path):
    path = tmp_path / "w.npy"
    path.write_bytes(with_header(described("'<f8'", "(500000000,)").rstrip().ljust(117) + "\n"))
    os.truncate(path, 128 + 4 * 10**9)
    tracemalloc.start()
    network, _ = import_pytorch(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert network.values["w"].mapped
    assert network.values["w"][-1] == 0


def test_values_can_be_used_and_saved(tmp_path):
    kernel = np.random.default_rng(0).random((3, 2)).astype("f4")
    np.savez_compressed(tmp_path / "a.npz", kernel=np.asfortranarray(kernel))
    network = import_pytorch(tmp_path / "a.npz").network
    save(network, tmp_path / "a.network")
    assert load(tmp_path / "a.network") == network
    network = network.chain(x=Input(("B", 3)), fc=Linear(2, bias=False, transposed=True, input_learnables=("weight",)))
    network = network.connect("kernel/value", "fc/weight")
    x = torch.randn(4, 3)
    assert torch.allclose(build(network)(x), x @ torch.from_numpy(kernel))


NOT_READ = {
    "objects": (np.array([{}], object), "objects of Python, which only running a pickle would give"),
    "records": (np.zeros(2, [("a", "f4"), ("b", "i4", (2,))]), "records of several fields"),
    "texts": (np.array(["a"]), "texts"),
    "bytes": (np.array([b"a"]), "texts"),
    "dates": (np.zeros(1, "M8[s]"), "dates"),
    "raw": (np.zeros(1, "V2"), "raw bytes"),
    "long": (np.zeros(1, "longdouble"), "numbers of the type '<f16', which torch does not have"),
}


@pytest.mark.parametrize("what", NOT_READ)
def test_what_no_tensor_has_is_left_out_with_its_name_or_refused(tmp_path, what):
    array, reason = NOT_READ[what]
    (tmp_path / "a.npy").write_bytes(npy(array))
    with pytest.raises(FileError) as caught:
        import_pytorch(tmp_path / "a.npy")
    assert str(caught.value) == f"a.npy cannot be read: it holds {reason}."
    np.savez(tmp_path / "b.npz", w=np.ones(2), other=array)
    network, report = import_pytorch(tmp_path / "b.npz")
    assert set(network.values) == {"w"}
    assert report.notes == (f"left out: 'other', which holds {reason}",)
    np.savez(tmp_path / "c.npz", other=array)
    with pytest.raises(FileError) as caught:
        import_pytorch(tmp_path / "c.npz")
    assert str(caught.value) == (
        f"c.npz cannot be read: it holds no array that can be read: left out: 'other', which holds {reason}."
    )


class Trap:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_no_pickle_is_opened_and_no_text_evaluated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", w=np.ones(2), evil=np.array([Trap()], object))
    assert set(tensors_in(tmp_path / "a.npz")) == {"w"}
    for text in (
        described("__import__('os').mkdir('ran')"),
        described(shape="(__import__('os').mkdir('ran'),)"),
        described(shape="(1,) if __import__('os').mkdir('ran') else ()"),
        described(order="__import__('os').mkdir('ran')"),
    ):
        (tmp_path / "b.npy").write_bytes(with_header(text, bytes(8)))
        with pytest.raises(FileError, match=r"^b\.npy cannot be read: the header of 'b' is not one of NumPy\.$"):
            import_pytorch(tmp_path / "b.npy")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        described() + "}",
        described(shape="(-1,)"),
        described(shape="(2.0,)"),
        described(shape="2"),
        described(shape="[2]"),
        described(descr="'" + "f" * 100 + "'"),
        described(order="None"),
        "{'descr': '<f4', 'descr': '<f4', 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)" + " " * 9_000,
        "{" * 9_000,
        "{'descr': [" + "(" * 9_000,
    ],
)
def test_headers_that_are_none_get_a_sentence(tmp_path, text):
    (tmp_path / "a.npy").write_bytes(with_header(text, bytes(8)))
    with pytest.raises(FileError, match=r"^a\.npy cannot be read: the header of 'a' is not one of NumPy\.$"):
        import_pytorch(tmp_path / "a.npy")


HEADERS = {
    "terabytes": (described(shape="(1000000000000,)"), "the numbers of 'a' end before they should."),
    "more sizes than torch has": (described(shape="(" + "1," * 65 + ")"), "'a' cannot have the shape (1, 1, 1, 1"),
    "sizes without end": (
        described(shape="(9999999999999999999,)"),
        "'a' cannot have the shape (9999999999999999999,).",
    ),
    "a product without end": (
        described(shape="(0," + "99999999999," * 6 + ")"),
        "'a' cannot have the shape (0, 999999",
    ),
    "one number too many": (described(shape="(3,)"), "the numbers of 'a' end before they should."),
    "an unknown type": (described("'<f3'"), "it holds numbers of the type '<f3', which torch does not have."),
    "a type that is none": (described("'what is it'"), "it holds elements of the unknown type 'what is it'."),
}


@pytest.mark.parametrize("what", HEADERS)
def test_sizes_that_cannot_be_are_refused_before_memory_is_taken(tmp_path, what):
    text, said = HEADERS[what]
    (tmp_path / "a.npy").write_bytes(with_header(text, bytes(8)))
    zipped(tmp_path / "b.npz", {"a.npy": with_header(text, bytes(8))}, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    with pytest.raises(FileError, match="^" + re.escape(f"a.npy cannot be read: {said}")):
        import_pytorch(tmp_path / "a.npy")
    with pytest.raises(FileError, match=r"^b\.npz cannot be read: "):
        import_pytorch(tmp_path / "b.npz")
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_headers_as_other_programs_write_them_are_read(tmp_path):
    for version, text in (
        (1, '{"shape": (2,), "fortran_order": False, "descr": "<f4"}'),
        (2, "{'descr':'<f4','fortran_order':True,'shape':(2,)}"),
        (3, "{'shape': (2L,), 'descr': 'f4', 'fortran_order': False}   \n"),
    ):
        numbers = np.array([1, 2], "f4").tobytes()
        (tmp_path / "a.npy").write_bytes(with_header(text, numbers, version))
        assert tensors_in(tmp_path / "a.npy")["a"].tolist() == [1, 2]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = zipped(tmp_path / "a.npz", {"a.npy": npy(np.zeros(1000))}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(FileError, match=r"'a' says that 4,294,967,294 bytes are packed in \d+, which cannot be\.$"):
        import_pytorch(path)
    data[at + 24 : at + 28] = struct.pack("<I", 9000)  # more than there is, yet possible
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"it is damaged: less is packed in it than it says\.$"):
        import_pytorch(path)
    data[at + 24 : at + 28] = struct.pack("<I", 8128 - 8)
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"the numbers of 'a' end before they should\.$"):
        import_pytorch(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_more_than_fits_into_memory_is_refused_before_any_of_it_is_taken(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10**6), b=np.zeros(10**6))
    monkeypatch.setattr("designer.files.held.free_memory", lambda: (512 << 20) + 15 * 10**6)
    with pytest.raises(
        FileError, match=r"^a\.npz cannot be read: its arrays would take 15\.3 MiB of memory, and 14\.3 MiB"
    ):
        import_pytorch(tmp_path / "a.npz")
    monkeypatch.setattr("designer.files.held.free_memory", lambda: (512 << 20) + 17 * 10**6)
    assert len(tensors_in(tmp_path / "a.npz")) == 2


def test_numbers_that_changed_are_noticed_where_they_are_unpacked(tmp_path):
    path = zipped(tmp_path / "a.npz", {"a.npy": npy(np.arange(100))}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 16] ^= 1  # of the sum that tells it
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"it is damaged: 'a' is not what it was when it was written\.$"):
        import_pytorch(path)


def test_entries_packed_otherwise_are_left_out(tmp_path):
    path = zipped(tmp_path / "a.npz", {"a.npy": npy(np.ones(3))}, zipfile.ZIP_LZMA)
    with pytest.raises(FileError, match=r"left out: 'a', which holds an array packed as NumPy never does\.$"):
        import_pytorch(path)


@pytest.mark.parametrize("write", [np.save, np.savez, np.savez_compressed])
def test_a_file_that_ends_anywhere_gets_a_sentence(tmp_path, write):
    path = tmp_path / "whole"
    with path.open("wb") as file:
        write(file, np.arange(5.0))
    data = path.read_bytes()
    assert kind_of(path).name == "NumPy"
    cut = tmp_path / "cut"
    for end in range(len(data)):
        cut.write_bytes(data[:end])
        with pytest.raises(FileError) as caught:
            import_pytorch(cut)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_files_open_or_get_a_sentence(tmp_path, seed):
    generator = np.random.default_rng(seed)
    path = tmp_path / "a.npz"
    (np.savez, np.savez_compressed)[seed % 2](path, w=np.arange(5.0), v=np.ones((2, 2), ">f2"))
    data = bytearray(path.read_bytes())
    for _ in range(20):
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
