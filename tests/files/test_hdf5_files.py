"""Arrays of HDF5 open under their names, as h5py, Keras and MATLAB 7.3 write them, read by a child process."""

import io
import json
import math
import subprocess
import sys
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest
import torch

from designer import FileError, import_pytorch
from designer.files.hdf5_child import LENGTH
from designer.files.hdf5_file import _told
from designer.files.hdf5_tree import read_tree
from designer.files.stored import tensors_in
from designer.model import Group

WHOLE = np.arange(6.0).reshape(2, 3)


def same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        array = np.asarray(array)
        tensor = torch.from_numpy(np.array(array, array.dtype.newbyteorder("=")))
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        assert torch.equal(found[name], tensor), name


def test_arrays_of_every_layout_come_as_they_were_and_no_other_file_is_read(tmp_path):
    path, large = tmp_path / "a.h5", np.random.default_rng(0).random((300, 40)).astype("f4")
    expected = {
        "be": WHOLE.astype(">f8"),
        "bool": WHOLE > 2,
        "checked": large,
        "chunks": large,
        "group.10": WHOLE[1],
        "group.9": WHOLE[0],
        "half": WHOLE.astype("f2"),
        "lzf": large,
        "number": np.float32(2.5),
        "pair": WHOLE.astype("c8"),
        "shuffled": np.arange(1000, dtype=">i8"),
        "w": WHOLE,
    }
    with h5py.File(path, "w") as file:
        for name, array in expected.items():
            packing = {
                "checked": {"fletcher32": True, "chunks": (64, 7)},
                "chunks": {"chunks": (64, 7)},
                "lzf": {"compression": "lzf"},
                "shuffled": {"compression": "gzip", "shuffle": True},
            }.get(name, {})
            file.create_dataset(name.replace(".", "/"), data=array, **packing)
        file["text"], file["texts"], file["empty"] = "some", ["a", "b"], h5py.Empty("f4")
        file["fields"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
        file["same"] = file["w"]
        file["soft"], file["out"] = h5py.SoftLink("/w"), h5py.ExternalLink("other.h5", "/w")
        file["group/loop"], file["group/up"] = file["group"], file["/"]
        file.create_dataset("elsewhere", (3,), "f4", external=[(tmp_path / "raw", 0, 12)])
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "w", (3,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("never", (4, 4), "f4")
        file.create_dataset("scaled", data=np.arange(100), scaleoffset=0)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["w"] = WHOLE[0]
    (tmp_path / "raw").write_bytes(bytes(12))
    network, report = import_pytorch(path)
    found = tensors_in(path)
    expected = dict(sorted((expected | {"same": WHOLE}).items()))
    expected = {name: expected[name] for name in sorted(expected, key=lambda n: [n.split(".")[0], len(n)])}
    same(found, expected)
    assert not any(hasattr(found[name], "mapped") for name in ("be", "checked", "chunks", "lzf", "shuffled"))
    assert report.ties == {"w": "same"}  # one array under two names
    assert isinstance(network.layer("group"), Group)
    assert set(report.notes) == {
        "left out: 'elsewhere', 'virtual', which hold numbers that lie in other files, which are not opened",
        "left out: 'empty', which holds nothing",
        "left out: 'fields', which holds elements that are no numbers, or none that torch has",
        "left out: 'never', which holds numbers that were never written",
        "left out: 'out', 'soft', which hold a link that is not followed",
        "left out: 'scaled', which holds numbers packed by the filter 6, which is not used",
        "left out: 'text', 'texts', which hold text",
        "'group.loop' is another name of a group, and not read again",
        "'group.up' is another name of a group, and not read again",
    }


def matlab_array(group, name, array, kind="double", **attributes):
    """Write an array as MATLAB does: the sizes reversed, packed, its class beside it."""
    data = group.create_dataset(name, data=np.asarray(array).T, compression="gzip" if np.ndim(array) else None)
    data.attrs["MATLAB_class"] = np.bytes_(kind)
    for key, value in attributes.items():
        data.attrs[key] = value
    return data


def test_a_file_of_matlab_7_3_has_the_sizes_that_matlab_shows(tmp_path):
    path = tmp_path / "a.mat"
    pair = np.zeros((3, 2), [("real", "f8"), ("imag", "f8")])
    pair["real"], pair["imag"] = WHOLE.T, WHOLE.T + 1
    with h5py.File(path, "w", userblock_size=512) as file:
        matlab_array(file, "w", WHOLE.astype("f4"), "single")
        matlab_array(file, "deep", np.arange(24.0).reshape(2, 3, 4))
        matlab_array(file, "flags", (WHOLE > 2).astype("u1"), "logical", MATLAB_int_decode=np.int32(1))
        file["pair"] = pair
        file["pair"].attrs["MATLAB_class"] = np.bytes_("double")
        matlab_array(file, "text", np.array([[97, 98]], "u2"), "char", MATLAB_int_decode=np.int32(2))
        matlab_array(file, "none", np.array([0, 3], "u8"), "double", MATLAB_empty=np.uint8(1))
        refs = file.create_group("#refs#")
        matlab_array(refs, "a", WHOLE)
        matlab_array(refs, "b", WHOLE[:1])
        matlab_array(refs, "t", np.array([[97]], "u2"), "char")
        cell = np.array([[refs[n].ref for n in "ab"], [refs["t"].ref, h5py.Reference()]], h5py.ref_dtype)
        file.create_dataset("cell", data=cell, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")
        net = file.create_group("net")
        net.attrs["MATLAB_class"] = np.bytes_("struct")
        matlab_array(net, "bias", WHOLE[0].reshape(1, 3))
        net.create_dataset("layers", data=np.array([[refs[n].ref for n in "ab"]], h5py.ref_dtype), dtype=h5py.ref_dtype)
        sparse = file.create_group("sparse")
        sparse.attrs["MATLAB_sparse"] = np.uint64(3)
        sparse["data"] = WHOLE[0]
        file.create_group("#subsystem#")["MCOS"] = np.zeros(3)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM")
    _, report = import_pytorch(path)
    found = tensors_in(path)
    same(
        dict(sorted(found.items())),
        {
            "cell.0": WHOLE,
            "cell.1": WHOLE[:1],
            "deep": np.arange(24.0).reshape(2, 3, 4),
            "flags": WHOLE > 2,
            "net.0.layers": WHOLE,
            "net.1.layers": WHOLE[:1],
            "net.bias": WHOLE[:1],
            "none": np.zeros((0, 3)),
            "pair": WHOLE + 1j * (WHOLE + 1),
            "w": WHOLE.astype("f4"),
        },
    )
    assert report.kind == "MATLAB"
    assert set(report.notes) == {
        "left out: 'cell.2', 'text', which hold text",
        "left out: 'sparse', which holds a sparse matrix",
    }


def write_keras_2(group, layers):
    """Weights as Keras 2 writes them: the layers in their order, the weights of each in theirs."""
    group.attrs["backend"] = b"tensorflow"
    names = [name.encode() for name in layers]
    pieces = [names[n::2] for n in range(2)] if len(names) > 3 else [names]  # Keras cuts what is long
    for n, piece in enumerate(pieces):
        group.attrs["layer_names" if len(pieces) == 1 else f"layer_names{n}"] = piece
    for name, weights in layers.items():
        layer = group.create_group(name)
        layer.attrs["weight_names"] = [weight.encode() for weight in weights]
        for weight, array in weights.items():
            layer.create_dataset(weight, data=array)
    return [name.decode() for piece in pieces for name in piece]


def keras_2_layers():
    dense = {"kernel:0": WHOLE.astype("f4"), "bias:0": WHOLE[0].astype("f4")}
    lstm = {f"lstm/lstm_cell/{name}": WHOLE.astype("f4") for name in ("kernel:0", "recurrent_kernel:0", "bias:0")}
    return {
        "lstm": lstm,
        "dense_1": {f"dense_1/{name}": array for name, array in dense.items()},
        "dropout": {},
        "dense": {f"dense/{name}": array for name, array in dense.items()},
    }


@pytest.mark.parametrize("whole", [True, False], ids=["model", "weights"])
def test_weights_of_keras_2_come_in_the_order_of_the_layers(tmp_path, whole):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        order = write_keras_2(file.create_group("model_weights") if whole else file, keras_2_layers())
        if whole:
            file.attrs["model_config"] = "{}"
            file["optimizer_weights/Adam/m:0"] = WHOLE
    network, report = import_pytorch(tmp_path / "a.h5")
    expected = {
        "lstm": ["lstm.lstm_cell.kernel", "lstm.lstm_cell.recurrent_kernel", "lstm.lstm_cell.bias"],
        "dense_1": ["dense_1.kernel", "dense_1.bias"],
        "dropout": [],
        "dense": ["dense.kernel", "dense.bias"],
    }
    assert list(network.values) == [name for layer in order for name in expected[layer]]
    assert network.values["dense.kernel"].shape == (2, 3)  # in x out, as Keras keeps it
    said = ("left out: 'optimizer_weights', which holds the state of an optimizer",)
    assert report.notes == (said if whole else ())


def keras_3():
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        for layer in ("dense_10", "dense_9"):
            file[f"layers/{layer}/vars/0"], file[f"layers/{layer}/vars/1"] = WHOLE.astype("f4"), WHOLE[0].astype("f4")
        file["layers/lstm/cell/vars/0"] = WHOLE
        file["optimizer/vars/0"] = 3
        file.create_group("vars")
    return data.getvalue()


KERAS_3 = [f"layers.{name}.vars.{n}" for name in ("dense_9", "dense_10") for n in range(2)] + [
    "layers.lstm.cell.vars.0"
]


@pytest.mark.parametrize("how", [None, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["h5", "stored", "packed"])
def test_weights_of_keras_3_and_of_its_archives(tmp_path, how):
    path = tmp_path / "a.keras"
    if how is None:
        path.write_bytes(keras_3())
    else:
        with zipfile.ZipFile(path, "w", how) as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", '{"module": "os", "class_name": "system"}')
            archive.writestr("model.weights.h5", keras_3())
    network, report = import_pytorch(path)
    assert list(network.values) == KERAS_3
    assert torch.equal(network.values["layers.dense_9.vars.0"], torch.from_numpy(WHOLE.astype("f4")))
    assert all(hasattr(value, "mapped") for value in network.values.values()) == (how is None)
    optimizer = "left out: 'optimizer', which holds the state of an optimizer"
    assert (
        report.notes == (optimizer,)
        if how is None
        else ("only its weights are read, not the layers of Keras", optimizer)
    )


def test_a_group_that_stands_in_many_groups_is_visited_once(tmp_path):
    """2 ** 40 paths lead to one array."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        inner = file.create_group("g0")
        inner["w"] = WHOLE
        for n in range(1, 40):
            outer = file.create_group(f"g{n}")
            outer["a"], outer["b"] = inner, inner
            inner = outer
        found = read_tree(file, "HDF5", 0)  # here, since this file is sound
    assert len(found.arrays) == 1


def test_cells_that_hold_themselves_end(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        cell = file.create_dataset("c", (2,), h5py.ref_dtype)
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
        cell[0] = cell[1] = cell.ref
        with pytest.raises(FileError, match=r"^it (is nested too deeply|has more than 200,000 parts)\.$"):
            read_tree(file, "MATLAB", 0)


def test_groups_without_end_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["/".join("g" * 100)] = WHOLE
        with pytest.raises(FileError, match=r"^it is nested too deeply\.$"):
            read_tree(file, "HDF5", 0)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("w", (2**20, 2**20), "f8", chunks=(2**7, 2**7), compression="gzip")
        data[0, 0] = 1
    tracemalloc.start()
    with pytest.raises(
        FileError, match=r"^a\.h5 cannot be read: 'w' says that 8,796,093,022,208 bytes are packed in \d+,"
    ):
        import_pytorch(tmp_path / "a.h5")
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_more_than_fits_into_memory_is_refused(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("w", data=np.zeros(10**6), compression="gzip")
    monkeypatch.setattr("designer.files.held.free_memory", lambda: (512 << 20) + 10**7)
    with pytest.raises(
        FileError, match=r"^a\.h5 cannot be read: its arrays would take 15\.3 MiB of memory, and 9\.54 MiB"
    ):
        import_pytorch(tmp_path / "a.h5")


def test_numbers_of_a_damaged_chunk_are_named(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("w", data=np.random.default_rng(0).random(100), compression="gzip")
        at = data.id.get_chunk_info(0).byte_offset
    raw = bytearray((tmp_path / "a.h5").read_bytes())
    raw[at : at + 8] = b"\xff" * 8
    (tmp_path / "a.h5").write_bytes(raw)
    with pytest.raises(FileError, match=r"^a\.h5 cannot be read: the numbers of 'w' are damaged or missing\.$"):
        import_pytorch(tmp_path / "a.h5")


def small():
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        file["w"] = WHOLE
        file.create_dataset("g/z", data=WHOLE, compression="gzip")
    return data.getvalue()


def opened_or_refused(path):
    """What is said of a file that may be damaged."""
    said = ""
    try:
        for value in import_pytorch(path).network.values.values():
            value.sum()
    except FileError as error:
        said = str(error)
    assert "\n" not in said
    assert not said or said.startswith(path.name)
    return said


@pytest.mark.parametrize("part", [0.1, 0.6])
def test_a_file_that_ends_early_gets_a_sentence(tmp_path, part):
    data = small()
    (tmp_path / "a.h5").write_bytes(data[: math.ceil(len(data) * part)])
    assert opened_or_refused(tmp_path / "a.h5").startswith("a.h5 cannot be read: it is damaged or incomplete: ")


@pytest.mark.nightly
def test_a_file_that_ends_anywhere_gets_a_sentence(tmp_path):
    data = small()
    for end in range(9, len(data), 131):
        (tmp_path / "a.h5").write_bytes(data[:end])
        assert opened_or_refused(tmp_path / "a.h5")


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_open_or_get_a_sentence(tmp_path, seed):
    generator = np.random.default_rng(seed)
    data = bytearray(small())
    for _ in range(generator.integers(1, 8)):
        data[generator.integers(8, len(data))] = generator.integers(256)
    (tmp_path / "a.h5").write_bytes(data)
    opened_or_refused(tmp_path / "a.h5")


def fed(answer, length=None):
    """What reads the output of a child that was changed."""
    text = json.dumps(answer).encode()
    stream = io.BytesIO((len(text) if length is None else length).to_bytes(LENGTH, "little") + text)
    return stream.readinto


@pytest.mark.parametrize(
    "told",
    [
        ["w", "float32", [3], False, 95, False, "1"],
        ["w", "float32", [3], False, -4, False, "1"],
        ["w", "float32", [2**60], False, 0, False, "1"],
        ["w", "float32", [-1], False, 0, False, "1"],
        ["w", "float33", [3], False, 0, False, "1"],
        ["w", "float32", "3", False, 0, False, "1"],
        ["w", "float32", [3], False, "0", False, "1"],
        [],
        None,
    ],
)
def test_what_a_child_tells_is_checked(told):
    with pytest.raises(FileError):
        _told(fed({"arrays": [told], "reasons": {}, "notes": []}), 100)


def test_a_child_that_tells_nothing_or_too_much_is_refused():
    for fill in (io.BytesIO().readinto, io.BytesIO(bytes(20)).readinto, fed({}, 2**60), fed({}, 3), fed([]), fed({})):
        with pytest.raises(FileError, match=r"^it is damaged"):
            _told(fill, 100)


CONFINED = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import os, subprocess
from designer.files.hdf5_child import _confine
import h5py
_confine(1 << 20)
done = []
for name, act in {
    "read": lambda: open(sys.argv[2]),
    "write": lambda: open("ran", "w"),
    "memory": lambda: bytearray(1 << 40),
    "link": lambda: h5py.File(sys.argv[2]),
}.items():
    try:
        act()
        done.append(name)
    except (OSError, MemoryError):
        pass
print(json.dumps(done))
os._exit(0)
"""


def test_the_child_opens_writes_and_starts_nothing(tmp_path):
    (tmp_path / "a.h5").write_bytes(small())
    given = [sys.executable, "-c", CONFINED, json.dumps([entry for entry in sys.path if entry]), str(tmp_path / "a.h5")]
    done = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
