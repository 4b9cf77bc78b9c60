"""GroupNorm as exporters wrote it before ONNX had it: an InstanceNormalization between two reshapes."""

import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from designer import build, import_pytorch
from designer.files.report import Report
from designer.layers import GroupNorm, InstanceNorm1d
from designer.model import Input, Output

CHANNELS, GROUPS = 8, 4
WEIGHT, BIAS = (np.random.default_rng(seed).normal(size=CHANNELS).astype("float32") for seed in (1, 2))


class Model(nn.Module):
    def __init__(self, affine=True):
        super().__init__()
        self.conv = nn.Conv2d(3, CHANNELS, 3)
        self.norm = nn.GroupNorm(GROUPS, CHANNELS, eps=1e-3, affine=affine)
        self.fc = nn.Conv2d(CHANNELS, 2, 1)

    def forward(self, x):
        return self.fc(self.norm(self.conv(x)).relu())


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("opset", [11, 13, 17])
def test_the_exporter_of_torch(tmp_path, affine, opset):
    torch.manual_seed(0)
    model = Model(affine).eval()
    if affine:
        nn.init.normal_(model.norm.weight)
        nn.init.normal_(model.norm.bias)
    x = torch.randn(2, 3, 9, 9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says of this exporter that there is a newer one
        torch.onnx.export(
            model,
            (x,),
            tmp_path / "a.onnx",
            dynamo=False,
            opset_version=opset,
            input_names=["x"],
            dynamic_axes={"x": {0: "B"}},
        )
    network, report = import_pytorch(tmp_path / "a.onnx")
    layer = network.layer("norm")
    assert isinstance(layer, GroupNorm)
    assert (layer.num_groups, layer.eps, layer.affine) == (GROUPS, 1e-3, affine)
    assert network.values.keys() == model.state_dict().keys()
    module = build(network).eval()
    assert all(torch.equal(network.values[key], value) for key, value in model.state_dict().items())
    other = torch.randn(5, 3, 9, 9)
    torch.testing.assert_close(module(other), model(other), rtol=1e-5, atol=1e-6)
    assert sum(report.layers.values()) == 4


def opened(tmp_path, sizes, scale=1.0, wide=True, after=()):
    """The network of a file with the nodes of a GroupNorm, on data of some sizes after the channels."""
    ends = [1] * len(sizes)
    shape = [CHANNELS, *ends] if wide else [CHANNELS]
    initial = {
        "groups": np.array([0, GROUPS, -1]),
        "ones": np.full(GROUPS, scale, "float32"),
        "zeros": np.zeros(GROUPS, "float32"),
        "norm.weight": WEIGHT.reshape(shape),
        "norm.bias": BIAS.reshape(shape),
        "back": np.array([-1, CHANNELS, *sizes]),
        "axes": np.arange(1, 1 + len(sizes)),
    }
    nodes = [
        helper.make_node("Reshape", ["x", "groups"], ["parted"]),
        helper.make_node("InstanceNormalization", ["parted", "ones", "zeros"], ["normed"], epsilon=1e-5),
        helper.make_node("Reshape", ["normed", "back"], ["joined"]),
    ]
    factor, offset = "norm.weight", "norm.bias"
    if not wide:
        nodes += [helper.make_node("Unsqueeze", [name, "axes"], [f"{name}_wide"]) for name in (factor, offset)]
        factor, offset = f"{factor}_wide", f"{offset}_wide"
    nodes += [
        helper.make_node("Mul", [factor, "joined"], ["scaled"]),
        helper.make_node("Add", ["scaled", offset], ["y"]),
        *after,
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", CHANNELS, *sizes])],
        [helper.make_tensor_value_info(after[-1].output[0] if after else "y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in initial.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "a.onnx")
    network, report = import_pytorch(tmp_path / "a.onnx")
    assert isinstance(report, Report)
    x = torch.randn(3, CHANNELS, *sizes, generator=torch.Generator().manual_seed(3))
    wanted = nn.functional.group_norm(x, GROUPS) * scale
    form = (CHANNELS, *ends)
    wanted = wanted * torch.from_numpy(WEIGHT).reshape(form) + torch.from_numpy(BIAS).reshape(form)
    return network, build(network).eval()(x), wanted


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("sizes", [(6,), (4, 5), (2, 3, 4)])
def test_nodes_of_any_exporter(tmp_path, sizes, wide):
    network, given, wanted = opened(tmp_path, sizes, wide=wide)
    assert [type(layer) for _, layer in network.walk() if not isinstance(layer, Input | Output)] == [GroupNorm]
    assert {tuple(value.shape) for value in network.values.values()} == {(CHANNELS,)}
    assert {"norm.weight", "norm.bias"} == {*network.values}
    torch.testing.assert_close(given, wanted, rtol=1e-5, atol=1e-6)


def test_what_only_looks_like_it_stays_as_it_is(tmp_path):
    """A scale of its own, and a weight that something else takes in its wide form."""
    network, given, wanted = opened(tmp_path, (6,), scale=2.0)
    kinds = [type(layer) for _, layer in network.walk()]
    assert InstanceNorm1d in kinds
    assert GroupNorm not in kinds
    torch.testing.assert_close(given, wanted, rtol=1e-5, atol=1e-6)
    network, given, wanted = opened(tmp_path, (6,), after=[helper.make_node("Mul", ["y", "norm.weight"], ["z"])])
    (norm,) = [layer for _, layer in network.walk() if isinstance(layer, GroupNorm)]
    assert not norm.affine, "its weight is wide for what else takes it"
    torch.testing.assert_close(given, wanted * torch.from_numpy(WEIGHT)[:, None], rtol=1e-5, atol=1e-6)
