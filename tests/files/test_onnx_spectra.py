"""Fourier transforms in ONNX files give what ONNX's own evaluator gives."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from designer.files.imports import import_pytorch
from designer.source import build


def written(path, nodes, shape, stored, opset=20):
    """Write a model that takes x and gives y."""
    constants = [numpy_helper.from_array(array, name) for name, array in stored.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "spectra", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), path)
    return path


def same(path, *sizes):
    network, report = import_pytorch(path)
    assert not report.placeholders
    module, theirs = build(network).eval(), ReferenceEvaluator(str(path))
    for shape in sizes:
        x = np.random.default_rng(0).standard_normal(shape).astype("float32")
        with torch.no_grad():
            ours = module(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(ours, theirs.run(None, {"x": x})[0], rtol=0, atol=1e-4)


STEP, LENGTH = np.array(8), np.array(16)


@pytest.mark.parametrize("windowed", [True, False])
def test_short_time_spectra(tmp_path, windowed):
    stored = {"step": STEP, "length": LENGTH} | ({"window": np.hanning(16).astype("float32")} if windowed else {})
    node = helper.make_node("STFT", ["x", "step", "window" if windowed else "", "length"], ["y"])
    same(written(tmp_path / "m.onnx", [node], ["B", "T", 1], stored), (2, 100, 1), (3, 41, 1))


def test_a_spectrum_and_back(tmp_path):
    nodes = [
        helper.make_node("DFT", ["x", "", "axis"], ["spectrum"], onesided=1),
        helper.make_node("DFT", ["spectrum", "length", "axis"], ["y"], inverse=1, onesided=1),
    ]
    stored = {"axis": np.array(1), "length": np.array(12)}
    same(written(tmp_path / "m.onnx", nodes, ["B", 12, 3, 1], stored), (2, 12, 3, 1))


@pytest.mark.parametrize("kind", ["HannWindow", "HammingWindow", "BlackmanWindow"])
def test_windows(tmp_path, kind):
    nodes = [
        helper.make_node(kind, ["length"], ["window"], periodic=0),
        helper.make_node("Mul", ["x", "window"], ["y"]),
    ]
    same(written(tmp_path / "m.onnx", nodes, ["B", 16], {"length": LENGTH}), (2, 16))
