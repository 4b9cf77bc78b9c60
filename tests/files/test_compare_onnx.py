"""An ONNX file is compared with what ONNX defines, also where ONNX's own evaluator does something else."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from designer.files.compare import compared

NORM = [np.array(v, "float32") for v in ([1, 2, 3], [0, 1, 0], [5, 6, 7], [1, 4, 9])]
KNOWN = {f"n{n}": value for n, value in enumerate(NORM)} | {"step": np.array(4), "window": np.ones(8, "float32")}


@pytest.mark.parametrize(
    ("node", "shape"),
    [
        (helper.make_node("BatchNormalization", ["x", "n0", "n1", "n2", "n3"], ["y"], momentum=0.9), ["B", 3, 4, 4]),
        (helper.make_node("GlobalMaxPool", ["x"], ["y"]), ["B", 3, 7]),
        (helper.make_node("GlobalMaxPool", ["x"], ["y"]), ["B", 3, 3, 4, 5]),
        (helper.make_node("STFT", ["x", "step", "window"], ["y"]), ["B", 32]),
    ],
    ids=["BatchNorm", "series", "volumes", "signals"],
)
def test_what_the_evaluator_computes_otherwise(tmp_path, node, shape):
    path = tmp_path / "model.onnx"
    constants = [numpy_helper.from_array(value, name) for name, value in KNOWN.items() if name in node.input]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    opset = helper.make_opsetid("", 17 if node.op_type == "STFT" else 12)
    graph = helper.make_graph([node], "one", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    found = compared(str(path))
    assert not found.reason
    assert found.difference < 1e-5
