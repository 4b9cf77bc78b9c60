"""ONNX files that are damaged or made to do harm: one sentence each, nothing read outside, nothing run."""

import contextlib
import random

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from designer.files.compare import Comparison, compared
from designer.files.errors import FileError
from designer.files.imports import import_pytorch
from designer.source import write_pytorch


def model(nodes, weights=(), inputs=(("x", ["N", 4]),), outputs=("y",), **more):
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in inputs]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "graph", infos, results, list(weights))
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=versions, **more)


def product(tensor):
    """A model whose only weight is this."""
    return model([helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor])


def beside(location, offset="0", length="64"):
    """A 4 x 4 weight whose numbers lie in another file."""
    tensor = TensorProto(name="w", dims=[4, 4], data_type=1, data_location=1)
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return product(tensor)


def raw(count, *dims):
    return product(TensorProto(name="w", dims=dims, data_type=1, raw_data=bytes(count)))


def nested(depth):
    """Branches in branches."""
    leaf = helper.make_graph([helper.make_node("Identity", ["x"], ["r"])], "g", [], [])
    leaf.output.append(helper.make_tensor_value_info("r", 1, None))
    graph = leaf
    for _ in range(depth):
        inner = helper.make_node("If", ["c"], ["r"], then_branch=graph, else_branch=leaf)
        graph = helper.make_graph([inner], "g", [], [helper.make_tensor_value_info("r", 1, None)])
    node = helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=leaf)
    return model([node], [numpy_helper.from_array(np.array(True), "c")])


def recursive():
    node = helper.make_node("Again", ["a"], ["b"], domain="own")
    function = helper.make_function("own", "Again", ["a"], ["b"], [node], [helper.make_opsetid("own", 1)])
    return model([helper.make_node("Again", ["x"], ["y"], domain="own")], functions=[function])


def doubling():
    """Functions that call the one before twice: 2 ** 17 nodes."""
    functions = [
        helper.make_function(
            "own", "F0", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["b"])], [helper.make_opsetid("", 17)]
        )
    ]
    for n in range(1, 18):
        nodes = [
            helper.make_node(f"F{n - 1}", ["a"], ["m"], domain="own"),
            helper.make_node(f"F{n - 1}", ["m"], ["b"], domain="own"),
        ]
        functions.append(helper.make_function("own", f"F{n}", ["a"], ["b"], nodes, [helper.make_opsetid("own", 1)]))
    return model([helper.make_node("F17", ["x"], ["y"], domain="own")], functions=functions)


def two(name):
    return numpy_helper.from_array(np.ones((4, 4), np.float32), name)


BAD = {
    "outside": (beside("../secret"), "'w' lies outside the folder of the model, in '../secret', which is not read."),
    "absolute": (
        beside("/etc/passwd"),
        "'w' lies outside the folder of the model, in '/etc/passwd', which is not read.",
    ),
    "inner dots": (beside("a/../../b"), "'w' lies outside the folder of the model, in 'a/../../b', which is not read."),
    "a drive": (beside("C:\\data"), "'w' lies outside the folder of the model, in 'C:\\\\data', which is not read."),
    "a link": (beside("link"), "'w' lies in 'link', which is a link and is not followed."),
    "missing": (beside("none.data"), "'w' lies in 'none.data', which cannot be read."),
    "past the end": (beside("w.data", "100"), "'w' reaches past the end of 'w.data', which has 64 bytes."),
    "before the start": (beside("w.data", "-8"), "'w' reaches past the end of 'w.data', which has 64 bytes."),
    "no number": (beside("w.data", "x"), "'w' lies at a place that is none, 'x'."),
    "too short": (raw(8, 4, 4), "'w' needs 64 bytes, and 8 are there."),
    "too long": (raw(4096, 4, 4), "'w' needs 64 bytes, and 4,096 are there."),
    "terabytes": (raw(64, 2**20, 2**20), "'w' needs 4,398,046,511,104 bytes, and 64 are there."),
    "terabytes of nothing": (
        product(TensorProto(name="w", dims=[2**40], data_type=1)),
        "'w' needs 1,099,511,627,776 numbers, and 0 are there.",
    ),
    "negative": (raw(64, -4, 4), "'w' has sizes that are none."),
    "texts": (
        product(TensorProto(name="w", dims=[1], data_type=8)),
        "'w' has numbers of a type, 8, that PyTorch does not have.",
    ),
    "two of a name": (
        model([helper.make_node("MatMul", ["x", "w"], ["y"])], [two("w"), two("w")]),
        "it has two tensors that are called 'w'.",
    ),
    "a circle": (
        model([helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Neg", ["a"], ["b"])], outputs=["b"]),
        "its nodes need each other in a circle.",
    ),
    "from nowhere": (model([helper.make_node("Neg", ["z"], ["y"])]), "it uses 'z', which nothing gives before."),
    "given twice": (
        model([helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Abs", ["x"], ["y"])]),
        "two of its nodes give 'y'.",
    ),
    "a function in itself": (recursive(), "its functions are nested too deeply."),
    "a vast input": (
        model([helper.make_node("Neg", ["x"], ["y"])], inputs=[("x", [2**50])]),
        "takes 'x' with a size of 1,125,899,906,842,624, which no machine holds.",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_sentence(tmp_path, name):
    made, sentence = BAD[name]
    (tmp_path / "w.data").write_bytes(bytes(64))
    (tmp_path / "link").symlink_to(tmp_path / "w.data")
    path = tmp_path / "a.onnx"
    path.write_bytes(made.SerializeToString())
    with pytest.raises(FileError) as error:
        import_pytorch(path)
    assert sentence in str(error.value)
    assert str(error.value).count("\n") == 0
    assert str(error.value).startswith("a.onnx ")


@pytest.mark.parametrize("made", [nested(25), doubling()], ids=["branches", "functions"])
def test_what_is_nested_ends_in_a_sentence(tmp_path, made, monkeypatch):
    monkeypatch.setattr("designer.files.onnx_graph.follow.MOST_NODES", 2000)
    path = tmp_path / "a.onnx"
    path.write_bytes(made.SerializeToString())
    with pytest.raises(FileError, match=r"a\.onnx "):
        import_pytorch(path)


def test_functions_that_call_each_other_twice_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("designer.files.onnx_graph.follow.MOST_RUNS", 100)
    path = tmp_path / "a.onnx"
    path.write_bytes(doubling().SerializeToString())
    with pytest.raises(FileError, match=r"a\.onnx is not opened: it runs its functions more than 100 times"):
        import_pytorch(path)


def growing_list():
    nodes = [helper.make_node("SequenceConstruct", ["x"], ["l0"])]
    nodes += [helper.make_node("SequenceInsert", [f"l{n}", "x"], [f"l{n + 1}"]) for n in range(30)]
    return model([*nodes, helper.make_node("ConcatFromSequence", ["l30"], ["y"], axis=0)])


def apart(count):
    """A tensor that is taken apart."""
    return model([helper.make_node("Split", ["x"], [f"y{n}" for n in range(count)], axis=1)], outputs=["y0"])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (growing_list(), "a.onnx is not opened: its lists of tensors have more than 100 entries."),
        (apart(200), "a.onnx is not opened: one of its nodes gives 200 results, more than the 100 read."),
    ],
    ids=["lists", "results"],
)
def test_what_grows_without_end_is_refused(tmp_path, monkeypatch, made, said):
    monkeypatch.setattr("designer.files.onnx_graph.control.MOST_ENTRIES", 100)
    monkeypatch.setattr("designer.files.onnx_graph.follow.MOST_PARTS", 100)
    (tmp_path / "a.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(FileError) as error:
        import_pytorch(tmp_path / "a.onnx")
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (helper.make_node("Unsqueeze", ["x", "axes"], ["y"]), "on a tensor of more than 64 sizes"),
        (helper.make_node("Concat", ["x"] * 101, ["y"], axis=0), "with a list of 101 entries, of at most 100"),
    ],
    ids=["sizes", "entries"],
)
def test_a_call_that_grows_without_end_is_only_shown(tmp_path, monkeypatch, node, said):
    monkeypatch.setattr("designer.files.torchscript.bounds.MOST_PARTS", 100)
    axes = numpy_helper.from_array(np.arange(80), "axes")
    weights = [axes] if "axes" in node.input else []
    (tmp_path / "a.onnx").write_bytes(model([node], weights).SerializeToString())
    network, report = import_pytorch(tmp_path / "a.onnx")
    assert [layer.operation for _, layer in network.walk() if hasattr(layer, "operation")][-1].startswith("onnx.")
    assert said in str(report)


def test_a_tensor_of_terabytes_is_not_made_to_compare(tmp_path):
    nodes = [helper.make_node("Expand", ["x", "sizes"], ["z"]), helper.make_node("Relu", ["z"], ["y"])]
    sizes = numpy_helper.from_array(np.array([2**20, 2**18, 4]), "sizes")
    (tmp_path / "a.onnx").write_bytes(model(nodes, [sizes], [("x", [1, 1, 4])]).SerializeToString())
    found = compared(str(tmp_path / "a.onnx"))
    assert found == Comparison(None, "one of its tensors takes 4,398,046,511,104 bytes")


def test_names_never_become_code(tmp_path):
    evil = 'x"); import os; os.mkdir("ran"); ("'
    nodes = [
        helper.make_node("MatMul", [evil, "w'''\nimport os"], ["a\nb"], name=f"/{evil}/MatMul"),
        helper.make_node(f"O{evil}", ["a\nb"], ["c"], domain=evil, name="/__init__/self/MatMul"),
        helper.make_node("Neg", ["a\nb"], ["print(1)"], name="/forward/training/x"),
    ]
    path = tmp_path / "a.onnx"
    made = model(nodes, [two("w'''\nimport os")], inputs=[(evil, ["N", 4])], outputs=["print(1)"])
    path.write_bytes(made.SerializeToString())
    network, _ = import_pytorch(path)
    source = write_pytorch(network)
    compile(source, "<test>", "exec")
    assert "mkdir" not in source
    assert "import os" not in source


def small():
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]
    return model(nodes, [numpy_helper.from_array(np.ones((4, 300), np.float32), "w")]).SerializeToString()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_ends_early_is_refused(tmp_path, part):
    data = small()
    path = tmp_path / "a.onnx"
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(FileError, match=r"a\.onnx "):
        import_pytorch(path)


def mutated(path, count):
    numbers = random.Random(0)
    data = small()
    head = [n for n, byte in enumerate(data) if byte not in (0x00, 0x80, 0x3F)]
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(numbers.randint(1, 4)):
            changed[numbers.choice(head)] = numbers.randrange(256)
        path.write_bytes(changed)
        with contextlib.suppress(FileError):
            import_pytorch(path)


def test_changed_bytes_never_break_out(tmp_path):
    mutated(tmp_path / "a.onnx", 60)


@pytest.mark.nightly
def test_many_changed_bytes_never_break_out(tmp_path):
    mutated(tmp_path / "a.onnx", 5000)
