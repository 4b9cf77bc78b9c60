"""A size that comes to one number for small inputs is not taken for a number that the model has."""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from designer.files.imports import import_pytorch
from designer.source import build


def same_for_long_ones(path, nodes, **stored):
    """Write a model of a signal, open it, and compare both on a signal that is long."""
    constants = [numpy_helper.from_array(array, name) for name, array in stored.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 1, "T"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "frames", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
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
