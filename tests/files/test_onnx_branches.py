"""A branch of an ONNX file that an input chooses is followed for one number of that input, and the report says so."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from designer.files.compare import compared
from designer.files.imports import import_pytorch
from designer.source import build


def branch(name, factor):
    nodes = [helper.make_node("Mul", ["x", f"{name}_factor"], [name])]
    out = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    return helper.make_graph(nodes, name, [], [out], [numpy_helper.from_array(np.float32(factor), f"{name}_factor")])


def written(path, condition, kind, shape=()):
    """A model that doubles x where its second input says so, else takes thrice x."""
    chosen = helper.make_node("If", ["goes"], ["y"], then_branch=branch("twice", 2), else_branch=branch("thrice", 3))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 4])]
    inputs.append(helper.make_tensor_value_info("rate", kind, shape))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(
        [*condition, chosen], "branches", inputs, [y], [numpy_helper.from_array(np.array(16000), "k")]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("nodes", "kind", "shape", "number", "factor"),
    [
        ([("Equal", ["rate", "k"], "goes")], TensorProto.INT64, (), 16000, 2),
        ([("Squeeze", ["rate"], "one"), ("Equal", ["one", "k"], "goes")], TensorProto.INT64, (1,), 16000, 2),
        ([("Equal", ["rate", "k"], "same"), ("Not", ["same"], "goes")], TensorProto.INT64, (), 16000, 3),
        ([("Identity", ["rate"], "goes")], TensorProto.BOOL, (), True, 2),
    ],
)
def test_an_input_that_chooses_a_branch(tmp_path, nodes, kind, shape, number, factor):
    nodes = [helper.make_node(kind_of_node, given, [gives]) for kind_of_node, given, gives in nodes]
    path = written(tmp_path / "m.onnx", nodes, kind, shape)
    network, report = import_pytorch(path)
    assert not report.placeholders
    assert any(f"rate is taken to be {number}," in str(note) for note in report.notes)
    x, rate = torch.randn(3, 4), torch.full(shape, number)
    assert torch.equal(build(network)(x, rate), x * factor)
    assert compared(str(path)).difference == 0


def test_a_branch_that_the_numbers_of_a_tensor_choose_is_only_shown(tmp_path):
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "sum"], ["goes"]),
    ]
    report = import_pytorch(written(tmp_path / "m.onnx", nodes, TensorProto.INT64)).report
    assert report.placeholders == {"onnx.If": 1}
