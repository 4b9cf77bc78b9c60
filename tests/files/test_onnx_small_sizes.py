"""A size that comes to one number for small inputs is not taken for a number that the model has."""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from designer.files.imports import import_pytorch
from designer.source import build


def written(path, nodes, sizes=("B", 1, "T"), **stored):
    """Write a model of a signal."""
    constants = [numpy_helper.from_array(array, name) for name, array in stored.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "frames", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def same_for_long_ones(path, nodes, **stored):
    """Write and open a model, and compare both on a signal that is long."""
    written(path, nodes, **stored)
    given = np.random.default_rng(0).standard_normal((2, 1, 1000)).astype("float32")
    network, report = import_pytorch(path)
    assert not report.placeholders
    with torch.no_grad():
        ours = build(network).eval()(torch.from_numpy(given)).numpy()
    np.testing.assert_allclose(ours, ReferenceEvaluator(str(path)).run(None, {"x": given})[0], rtol=1e-5, atol=1e-5)


FRAMES = helper.make_node("Conv", ["x", "w"], ["frames"], strides=[160], pads=[200, 200])
WEIGHT = np.ones((1, 1, 400), "float32")


def test_frames_that_are_counted(tmp_path):
    nodes = [
        FRAMES,
        helper.make_node("Shape", ["frames"], ["count"], start=2),
        helper.make_node("Squeeze", ["count"], ["frame_count"]),
        helper.make_node("Range", ["zero", "frame_count", "one"], ["places"]),
        helper.make_node("Cast", ["places"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["frames", "numbers"], ["y"]),
    ]
    same_for_long_ones(tmp_path / "m.onnx", nodes, w=WEIGHT, zero=np.array(0), one=np.array(1))


def test_a_size_that_is_divided(tmp_path):
    nodes = [
        helper.make_node("Shape", ["x"], ["length"], start=2),
        helper.make_node("Div", ["length", "hop"], ["count"]),
        helper.make_node("Cast", ["count"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "number"], ["y"]),
    ]
    same_for_long_ones(tmp_path / "m.onnx", nodes, hop=np.array([160]))


def test_a_loop_over_a_free_size_is_unrolled_for_one_size(tmp_path):
    body = [
        helper.make_node("Add", ["turn", "one"], ["next"]),
        helper.make_node("Less", ["next", "length"], ["again"]),
        helper.make_node("Add", ["sum", "x"], ["more"]),
    ]
    graph = helper.make_graph(
        body,
        "turns",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, ()),
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("more", TensorProto.FLOAT, None),
        ],
    )
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"], start=2),
        helper.make_node("Squeeze", ["sizes"], ["length"]),
        helper.make_node("Less", ["zero", "length"], ["goes"]),
        helper.make_node("Loop", ["", "goes", "x"], ["y"], body=graph),
    ]
    path = tmp_path / "m.onnx"
    written(path, nodes, zero=np.array(0), one=np.array(1))
    network, report = import_pytorch(path, {"x": (2, 1, 5)})
    assert not report.placeholders
    assert any("as it was given, because how often it loops depends on a size" in str(note) for note in report.notes)
    x = torch.randn(2, 1, 5)
    torch.testing.assert_close(build(network)(x), 6 * x)


def test_a_size_that_only_small_inputs_leave_free_is_fixed_where_it_is_given(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["frames"], strides=[160], pads=[200, 200]),
        helper.make_node("ReduceSum", ["frames", "last"], ["sum"], keepdims=1),
        helper.make_node("Shape", ["frames"], ["count"], start=2),
        helper.make_node("ConstantOfShape", ["count"], ["zeros"]),
        helper.make_node("Add", ["sum", "zeros"], ["y"]),
    ]
    path = tmp_path / "m.onnx"
    written(path, nodes, w=WEIGHT, last=np.array([2]))
    network, report = import_pytorch(path, {"x": (2, 1, 20)})
    assert network.layer("x").shape == ("B", 1, 20)
    assert any("a size is fixed at 20, as it was given" in str(note) for note in report.notes)


def test_what_was_put_in_the_place_of_a_call_has_the_names_of_its_model(tmp_path):
    name = "If_0_then_branch__Inline_0__/encoder/fc/MatMul"
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name=name)
    written(tmp_path / "m.onnx", [node], w=np.ones((8, 3), "float32"), sizes=("B", 1, 8))
    assert list(import_pytorch(tmp_path / "m.onnx").network.layers) == ["x", "encoder", "y"]
