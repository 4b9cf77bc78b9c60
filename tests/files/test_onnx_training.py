"""ONNX files that were written in training mode."""

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from designer import build, import_pytorch
from designer.files.compare_onnx import compared_onnx
from designer.layers import BatchNorm1d, Dropout


def written(path, rate):
    """A normalisation with statistics, dropout, and a normalisation without learnables."""
    floats, rng = onnx.TensorProto.FLOAT, np.random.default_rng(0)
    weights = {f"norm.{name}": rng.random(4) + 0.5 for name in ("weight", "bias", "running_mean", "running_var")}
    weights |= {"plain.running_mean": rng.random(4), "plain.running_var": rng.random(4)}
    weights = {name: array.astype(np.float32) for name, array in weights.items()}
    ends = {"one": np.ones(4), "zero": np.zeros(4), "rate": np.array(rate)}
    constants = {name: numpy_helper.from_array(array.astype(np.float32)) for name, array in ends.items()}
    nodes = [helper.make_node("Constant", [], [name], value=value) for name, value in constants.items()]
    nodes += [
        helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True))),
        helper.make_node(
            "BatchNormalization",
            ["x", *[*weights][:4]],
            ["a", "mean", "variance"],
            name="/norm/BatchNormalization",
            training_mode=1,
            momentum=0.75,
        ),
        helper.make_node("Dropout", ["a", "rate", "yes"], ["b", "mask"], name="/drop/Dropout"),
        helper.make_node(
            "BatchNormalization",
            ["b", "one", "zero", *[*weights][4:]],
            ["y", "mean_1", "variance_1"],
            name="/plain/BatchNormalization",
            training_mode=1,
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "main",
        [helper.make_tensor_value_info("x", floats, ["batch", 4])],
        [helper.make_tensor_value_info("y", floats, ["batch", 4])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, producer_name="pytorch", opset_imports=[helper.make_opsetid("", 17)])
    path.write_bytes(model.SerializeToString())
    return {name: torch.from_numpy(array) for name, array in weights.items()}


def test_layers_that_train_come_back_with_their_rates(tmp_path):
    weights = written(tmp_path / "model.onnx", 0.25)
    network, report = import_pytorch(tmp_path / "model.onnx")
    assert not report.placeholders
    layers = [layer for _, layer in network.walk()]
    assert [layer.momentum for layer in layers if isinstance(layer, BatchNorm1d)] == [0.25, 0.1]
    assert [layer.affine for layer in layers if isinstance(layer, BatchNorm1d)] == [True, False]
    assert [layer.p for layer in layers if isinstance(layer, Dropout)] == [0.25]
    compared = compared_onnx(tmp_path / "model.onnx", None)
    assert compared.reason == "Dropout draws random numbers, as in training"
    module, x = build(network).train(), torch.randn(5, 4)
    torch.manual_seed(0)
    found = module(x)
    torch.manual_seed(0)
    scaled = torch.nn.functional.batch_norm(x, None, None, weights["norm.weight"], weights["norm.bias"], True)
    wanted = torch.nn.functional.batch_norm(torch.dropout(scaled, 0.25, True), None, None, training=True)
    torch.testing.assert_close(found, wanted)


def test_without_chance_it_is_compared_in_training_mode(tmp_path):
    written(tmp_path / "model.onnx", 0.0)
    compared = compared_onnx(tmp_path / "model.onnx", None)
    assert compared.difference is not None
    assert compared.difference < 1e-5
