"""Opening ONNX files: the network gives what the model gives, under the names of its state_dict."""

import logging
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

from designer.files.asking import NeedsInputs
from designer.files.compare import compared
from designer.files.errors import FileError
from designer.files.imports import import_pytorch
from designer.files.stored import tensors_in
from designer.layers import GRU, LSTM, Embedding, Linear, Parameter
from designer.model import NetworkError
from designer.source import build

WAYS = (pytest.param("torch.export", marks=pytest.mark.nightly), "TorchScript")  # the first takes seconds


@pytest.fixture
def exported(tmp_path):
    """Write a module as ONNX by one of torch's two exporters, with a free batch."""

    def export(module, inputs, way, opset=None):
        path = tmp_path / "model.onnx"
        logging.disable(logging.WARNING)  # the exporter tells which libraries it does not have
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            if way == "torch.export":
                sizes = {name: {0: torch.export.Dim.AUTO} for name in inputs}
                options = {"dynamo": True, "dynamic_shapes": sizes, "verbose": False, "external_data": False}
            else:
                options = {"dynamo": False, "dynamic_axes": {name: {0: "batch"} for name in inputs}}
            options |= {"opset_version": opset} if opset else {}
            names = list(inputs)
            torch.onnx.export(module.eval(), (), path, kwargs=inputs, input_names=names, **options)
        logging.disable(logging.NOTSET)
        return path

    return export


def leaves(value):
    return [value] if isinstance(value, torch.Tensor) else [leaf for entry in value for leaf in leaves(entry)]


def check(module, network, inputs):
    """Outputs are those of the module, for its inputs and for a batch that nobody has seen."""
    built = build(network).eval()
    larger = {name: torch.cat([value, value, value[:1]]) for name, value in inputs.items()}
    for given in (inputs, larger):
        with torch.no_grad():
            ours, theirs = leaves(built(*given.values())), leaves(module(**given))
        assert [a.shape for a in ours] == [b.shape for b in theirs]
        for a, b in zip(ours, theirs):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5 * max(1.0, float(b.abs().max())))
    return built


class Pictures(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.out = nn.Conv2d(7, 2, 3, padding=1, padding_mode="reflect")
        self.fc = nn.Linear(2, 5)

    def forward(self, x):
        y = self.down(x)
        small = F.interpolate(F.max_pool2d(y, 2), scale_factor=2, mode="bilinear")
        y = self.out(torch.cat([x, self.up(F.silu(y + small))], 1))
        return self.fc(F.adaptive_avg_pool2d(y, 1).flatten(1))


class Words(nn.Module):
    """A tied language model with two layers of LSTM in both directions."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(11, 8)
        self.lstm = nn.LSTM(8, 4, 2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(8, 4, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 11)
        self.head.weight = self.emb.weight
        self.scale = nn.Parameter(torch.rand(1))

    def forward(self, ids):
        x, (h, _) = self.lstm(self.emb(ids))
        return self.head(self.norm(self.gru(x)[0]) * self.scale), h


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(12, 4)
        self.bias = nn.Parameter(torch.rand(12))

    def forward(self, x):
        return F.linear(torch.sigmoid(self.encoder(x)), self.encoder.weight.t(), self.bias)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (part.view(B, T, 2, 4).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok, self.pos = nn.Embedding(13, 8), nn.Parameter(torch.rand(1, 6, 8))
        self.blocks = nn.ModuleList([Block(), Block()])
        self.head = nn.Linear(8, 13, bias=False)
        for parameter in self.parameters():
            nn.init.normal_(parameter)  # the exporter merges tensors that are equal

    def forward(self, ids):
        x = self.tok(ids) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.head(x)


MODELS = {
    "pictures": (Pictures, {"x": torch.rand(2, 3, 16, 16)}, set()),
    "words": (Words, {"ids": torch.arange(10).view(2, 5)}, {"emb.weight"}),
    "autoencoder": (Autoencoder, {"x": torch.rand(2, 12)}, set()),
    "transformer": (Transformer, {"ids": torch.arange(12).view(2, 6)}, set()),
}


def opened(name, exported, way):
    torch.manual_seed(0)
    kind, inputs, _ = MODELS[name]
    module = kind().eval()
    network, report = import_pytorch(exported(module, inputs, way))
    assert report.kind == "ONNX"
    assert not report.placeholders
    return module, network, report, check(module, network, inputs)


@pytest.mark.parametrize("way", WAYS)
def test_open_a_transformer_with_the_names_of_its_modules(exported, way):
    module, _, report, built = opened("transformer", exported, way)
    assert set(built.state_dict()) == set(module.state_dict())
    assert all(torch.equal(value, module.state_dict()[key]) for key, value in built.state_dict().items())
    assert report.layers["Linear"] == 9
    assert report.layers["LayerNorm"] == 4
    assert report.producer.startswith("pytorch 2.")


@pytest.mark.parametrize("way", [pytest.param("torch.export", marks=pytest.mark.nightly), "TorchScript"])
def test_recurrent_layers_come_back_whole(exported, way):
    module, network, report, built = opened("words", exported, way)
    (lstm,) = (layer for _, layer in network.walk() if isinstance(layer, LSTM))
    assert lstm.num_layers == 2
    assert lstm.bidirectional
    assert lstm.batch_first
    assert sum(isinstance(layer, GRU) for _, layer in network.walk()) == 1
    state = module.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in built.state_dict().items())
    if way == "torch.export":  # which wrote the tied table twice, once transposed
        assert "emb/weight" in map(str, network.connections.values())
        assert built.head.weight is None
        assert report.ties == {"head.weight": "emb.weight"}


@pytest.mark.parametrize("way", WAYS)
def test_open_pictures_and_an_autoencoder(exported, way):
    opened("pictures", exported, way)
    opened("autoencoder", exported, way)


def test_compare_with_the_evaluator_of_onnx(exported):
    kind, inputs, _ = MODELS["words"]
    found = compared(str(exported(kind(), inputs, "TorchScript")))
    assert found.reason == ""
    assert found.difference < 1e-5


@pytest.mark.nightly
@pytest.mark.parametrize("opset", [11, 13, 15, 17, 18, 20])
@pytest.mark.parametrize("name", MODELS)
def test_open_what_older_versions_of_onnx_write(exported, name, opset):
    kind, inputs, _ = MODELS[name]
    if name == "transformer" and opset < 14:
        pytest.skip("torch does not export its attention to so old a version")
    module = kind().eval()
    network, report = import_pytorch(exported(module, inputs, "TorchScript", opset))
    assert not report.placeholders
    check(module, network, inputs)


@pytest.mark.nightly
def test_open_gpt2_of_transformers(exported):
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(n_layer=2, n_embd=16, n_head=2, vocab_size=40, n_positions=16, use_cache=False)
    module = transformers.GPT2LMHeadModel(config).eval()
    inputs = {"input_ids": torch.arange(14).view(2, 7)}
    network, report = import_pytorch(exported(module, inputs, "torch.export"))
    built = build(network).eval()
    with torch.no_grad():
        torch.testing.assert_close(built(inputs["input_ids"]), module(**inputs).logits, rtol=1e-5, atol=1e-5)
    assert report.ties == {"lm_head.weight": "transformer.wte.weight"}


# Graphs made by hand.


def written(path, nodes, inputs, outputs, weights=None, opset=17, **more):
    """Write a graph; inputs and outputs by name with their sizes."""
    infos = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in given.items()]
        for given in (inputs, outputs)
    ]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()]
    graph = helper.make_graph(nodes, "graph", *infos, stored)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("own", 1)], **more
    )
    path.write_bytes(model.SerializeToString())
    return path


def weight(*sizes):
    return np.random.default_rng(0).standard_normal(sizes).astype(np.float32)


def test_products_with_stored_matrices_are_linear_layers(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "W1"], ["a"]),
        helper.make_node("Add", ["a", "B1"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Gemm", ["c", "W2", "B2"], ["y"], transB=1),
    ]
    weights = {"W1": weight(4, 6), "B1": weight(6), "W2": weight(3, 6), "B2": weight(3)}
    network, report = import_pytorch(written(tmp_path / "a.onnx", nodes, {"x": ["N", 4]}, {"y": ["N", 3]}, weights))
    layers = [layer for _, layer in network.walk() if isinstance(layer, Linear)]
    assert [layer.bias for layer in layers] == [True, True]
    assert not any(isinstance(layer, Parameter) for _, layer in network.walk())
    x = torch.rand(5, 4)
    a, b, c, d = map(torch.from_numpy, weights.values())
    torch.testing.assert_close(build(network)(x), F.linear(torch.relu(x @ a + b), c, d))
    assert set(report.renamed) >= {"W2", "B1", "B2"}  # so that values come in under the old names


def test_an_embedding_and_a_product_may_share_a_table(tmp_path):
    nodes = [
        helper.make_node("Cast", ["x"], ["ids"], to=TensorProto.INT64),
        helper.make_node("Gather", ["emb.weight", "ids"], ["e"]),
        helper.make_node("Transpose", ["emb.weight"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["e", "t"], ["y"]),
    ]
    path = written(tmp_path / "a.onnx", nodes, {"x": ["N", "T"]}, {"y": ["N", "T", 7]}, {"emb.weight": weight(7, 4)})
    network, _ = import_pytorch(path)
    kinds = [type(layer) for _, layer in network.walk()]
    assert kinds.count(Embedding) == 1
    assert kinds.count(Linear) == 1
    assert list(network.values) == ["emb.weight"]


def test_take_the_tensors_of_a_file(tmp_path):
    node = helper.make_node("MatMul", ["x", "fc.weight"], ["y"])
    path = written(tmp_path / "a.onnx", [node], {"x": ["N", 4]}, {"y": ["N", 6]}, {"fc.weight": weight(4, 6)})
    (tensor,) = tensors_in(path).values()
    assert torch.equal(tensor, torch.from_numpy(weight(4, 6)))


def test_numbers_are_mapped_not_read(tmp_path):
    node = helper.make_node("MatMul", ["x", "fc.weight"], ["y"])
    path = written(tmp_path / "a.onnx", [node], {"x": ["N", 64]}, {"y": ["N", 64]}, {"fc.weight": weight(64, 64)})
    (tensor,) = import_pytorch(path).network.values.values()
    assert tensor.mapped.path == path


@pytest.mark.parametrize(
    ("node", "weights", "reason"),
    [
        (
            helper.make_node("Pad", ["x", "p"], ["y"], mode="odd"),
            {"p": np.array([0, 1, 0, 1])},
            "Pad is only shown, because it pads by 'odd', which is no way of ONNX",
        ),
        (
            helper.make_node("Pad", ["x", "p"], ["y"], mode="reflect"),
            {"p": np.array([0, 4, 0, 0])},
            "Pad is only shown, because it reflects 4 numbers of an axis that has 4, which PyTorch does not do",
        ),
        (
            helper.make_node("QuantizeLinear", ["x", "s"], ["y"]),
            {"s": np.float32(0.1)},
            "QuantizeLinear is only shown, because it works on quantized numbers, which no layer here does",
        ),
        (
            helper.make_node("ConvInteger", ["x", "w"], ["y"]),
            {"w": np.ones((3, 4, 1), "uint8")},
            "ConvInteger is only shown, because it works on quantized numbers, which no layer here does",
        ),
    ],
)
def test_what_cannot_be_run_says_why_in_one_sentence(tmp_path, node, weights, reason):
    path = written(tmp_path / "a.onnx", [node], {"x": ["N", 4]}, {"y": ["N", 4]}, weights)
    network, report = import_pytorch(path)
    assert reason in report.notes
    kind = f"onnx.{node.op_type}"
    assert report.placeholders == {kind: 1}
    with pytest.raises(NetworkError, match=rf"^\w+ stands for {kind}, which is only shown: it cannot be run\.$"):
        build(network)


def test_a_gru_that_resets_before_its_weights_says_so(tmp_path):
    node = helper.make_node("GRU", ["x", "w", "r"], ["y"], hidden_size=3)
    weights = {"w": weight(1, 9, 4), "r": weight(1, 9, 3)}
    report = import_pytorch(written(tmp_path / "a.onnx", [node], {"x": [5, 2, 4]}, {"y": [5, 1, 2, 3]}, weights)).report
    because = "its linear_before_reset is 0, and the GRU of PyTorch computes as with 1"
    assert f"GRU is only shown, because {because}" in report.notes


def test_an_operator_that_is_not_known_is_shown(tmp_path):
    nodes = [
        helper.make_node("Strange", ["x"], ["a"], domain="own"),
        helper.make_node("Relu", ["a"], ["y"]),
    ]
    path = written(tmp_path / "a.onnx", nodes, {"x": ["N", 4]}, {"y": ["N", 4]})
    report = import_pytorch(path).report
    assert report.placeholders == {"own.Strange": 1, "onnx.Relu": 1}  # nothing tells the sizes of a
    assert "Strange is only shown, because 'Strange' is no operator that is known here" in report.notes
    model = onnx.load(path)
    model.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, ["N", 4]))
    path.write_bytes(model.SerializeToString())
    assert import_pytorch(path).report.placeholders == {"own.Strange": 1}


def test_functions_of_a_file_are_written_out(tmp_path):
    body = [helper.make_node("Mul", ["a", "a"], ["b"]), helper.make_node("Neg", ["b"], ["c"])]
    function = helper.make_function("own", "Square", ["a"], ["c"], body, [helper.make_opsetid("", 17)])
    node = helper.make_node("Square", ["x"], ["y"], domain="own")
    path = written(tmp_path / "a.onnx", [node], {"x": ["N", 4]}, {"y": ["N", 4]}, functions=[function])
    network, report = import_pytorch(path)
    assert not report.placeholders
    x = torch.rand(3, 4)
    assert torch.equal(build(network)(x), -(x * x))


def test_ask_for_sizes_that_nothing_tells(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    path = tmp_path / "a.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    with pytest.raises(NeedsInputs) as asked:
        import_pytorch(path)
    assert asked.value.inputs[0].name == "x"
    network, _ = import_pytorch(path, inputs={"x": (2, 3)})
    assert torch.equal(build(network)(torch.ones(4, 5)), torch.ones(4, 5))


def test_numbers_beside_the_file_are_mapped(tmp_path):
    node = helper.make_node("MatMul", ["x", "fc.weight"], ["y"])
    path = written(tmp_path / "a.onnx", [node], {"x": ["N", 64]}, {"y": ["N", 64]}, {"fc.weight": weight(64, 64)})
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="a.data", size_threshold=0)
    (tensor,) = import_pytorch(path).network.values.values()
    assert tensor.mapped.path.name == "a.data"
    assert torch.equal(tensor, torch.from_numpy(weight(64, 64)))


def test_a_file_without_nodes_is_refused(tmp_path):
    path = written(tmp_path / "a.onnx", [], {"x": [1]}, {"x": [1]})
    with pytest.raises(FileError, match=r"a\.onnx holds no nodes\."):
        import_pytorch(path)
