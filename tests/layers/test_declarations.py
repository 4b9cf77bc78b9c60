"""How layer types are declared: settings as torch has them, sentences for people, costs and first values."""

import ast
import dataclasses
import inspect
import re
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from designer import Network, NetworkError, analyze, initialize
from designer.layers import (
    GELU,
    GRU,
    LSTM,
    AdaptiveAvgPool2d,
    Add,
    BatchNorm1d,
    BatchNorm2d,
    Bilinear,
    ChannelShuffle,
    Conv2d,
    ConvTranspose1d,
    CosineSimilarity,
    Dropout,
    Dropout2d,
    Embedding,
    EmbeddingBag,
    Fold,
    GroupNorm,
    GRUCell,
    Hardtanh,
    Input,
    LayerNorm,
    Linear,
    LocalResponseNorm,
    LSTMCell,
    Max,
    MaxPool2d,
    Mean,
    MultiheadAttention,
    Operation,
    Pad,
    Permute,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    Reshape,
    ScaledDotProductAttention,
    Slice,
    Softmax,
    Softmin,
    Unfold,
    Upsample,
)
from designer.model import Layer, layer_types


@pytest.mark.parametrize("name", sorted(layer_types))
def test_a_type_is_declared_for_people(name):
    kind = layer_types[name]
    first, _, rest = inspect.getdoc(kind).partition("\n")
    assert first.endswith(".")
    assert rest[:1] in ("", "\n")
    assert re.fullmatch(r"[A-Za-z].*[a-z0-9]", kind.search)
    for field in dataclasses.fields(kind):
        doc = field.metadata["doc"]
        assert doc.endswith(".")
        assert doc[0].isupper()
        assert doc.count(". ") == 0
        assert field.metadata["minimum"] <= field.metadata["maximum"]
        default = field.default
        if isinstance(default, str) and field.metadata["choices"]:
            assert default in field.metadata["choices"]


DEVIATIONS = {
    ("batch_first", True),
    ("dim", -1),
    ("scale_factor", 2.0),
}  # sequences first, Softmax, and what Upsample needs


@pytest.mark.parametrize("name", sorted(name for name in layer_types.keys() - {"Parameter"} if hasattr(nn, name)))
def test_settings_and_defaults_are_those_of_torch(name):
    kind, theirs = layer_types[name], getattr(nn, name)
    if issubclass(theirs, nn.RNNBase):
        theirs = nn.RNNBase
    elsewhere = {"self", "device", "dtype", "inplace", "args", "kwargs"} | ({"mode"} if theirs is nn.RNNBase else set())
    told = {"in_features", "in1_features", "in2_features", "in_channels", "num_features", "num_channels"}
    told |= {"input_size", "normalized_shape", "embed_dim", "kdim", "vdim"}
    never = {"_weight", "_freeze", "min_value", "max_value"}  # not settings, or old names of them
    if "Transpose" in name:
        never.add("padding_mode")  # torch allows zeros only
    ours = {field.name: field for field in dataclasses.fields(kind) if field.name not in Layer.__dataclass_fields__}
    parameters = inspect.signature(theirs.__init__).parameters
    wanted = [p for p in parameters.values() if p.name not in elsewhere | told | never]
    if theirs is nn.RNNBase and name != "LSTM":
        wanted = [p for p in wanted if p.name != "proj_size"]
    assert [name for name in ours if name in parameters and name not in elsewhere] == [p.name for p in wanted]
    for parameter in wanted:
        if parameter.default is not inspect.Parameter.empty:
            default = ours[parameter.name].default
            assert default == parameter.default or (parameter.name, default) in DEVIATIONS


def test_the_module_is_written_with_what_differs_only(owner):
    shapes = [tuple(3 if isinstance(size, str) else size for size in shape) for shape, _ in owner.parsed]
    text = owner.layer.module(*shapes)
    for keyword in ast.parse(text, mode="eval").body.keywords:
        field = type(owner.layer).__dataclass_fields__.get(keyword.arg)
        if field is not None and keyword.arg not in ("batch_first", "persistent"):
            assert ast.unparse(keyword.value) != repr(field.default)


def test_what_is_written_above_the_network_is_formatted(cases):
    sources = {name: text for case in cases for name, text in case.layer.preamble().items()}
    text = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
    text += "\n\n".join(f"\n{source.strip()}" for source in sources.values()) + "\n"
    settings = ["--isolated", "--line-length", "120", "--stdin-filename", "net.py", "-"]
    command, given = (
        [sys.executable, "-m", "ruff"],
        {"input": text, "capture_output": True, "text": True, "check": True},
    )
    assert subprocess.run([*command, "format", *settings], **given).stdout == text
    subprocess.run([*command, "check", *settings], **given)  # raises where there is something to say


SENTENCES = [
    (Linear(3), ((),), "Linear needs at least one size, but gets a single number."),
    (Conv2d(8), ((3, 224, 224),), "Conv2d needs 4 sizes (B, C, H, W), but gets 3 x 224 x 224."),
    (Conv2d(8, groups=4), ((2, 6, 8, 8),), "4 groups do not divide 6 input channels."),
    (Conv2d(6, groups=4), ((2, 8, 8, 8),), "4 groups do not divide 6 output channels."),
    (
        Conv2d(8, (3, 3, 3)),
        ((2, 3, 8, 8),),
        "kernel_size of Conv2d has 3 numbers, (3, 3, 3): it needs one for all or 2.",
    ),
    (ConvTranspose1d(8), ((2, 3),), "ConvTranspose1d needs 3 sizes (B, C, T), but gets 2 x 3."),
    (MaxPool2d((2,)), ((2, 3, 8, 8),), "kernel_size of MaxPool2d has 1 numbers, (2,): it needs one for all or 2."),
    (AdaptiveAvgPool2d(), ((3, 8, 8),), "AdaptiveAvgPool2d needs 4 sizes (B, C, H, W), but gets 3 x 8 x 8."),
    (BatchNorm1d(), ((3,),), "BatchNorm1d needs 2 sizes (B, C) or 3 sizes (B, C, T), but gets 3."),
    (GroupNorm(4), ((2, 6),), "4 groups do not divide 6 channels."),
    (LayerNorm(dims=3), ((2, 6),), "LayerNorm normalises over 3 dimensions, but gets 2 x 6."),
    (
        LocalResponseNorm(),
        ((2, 7),),
        "LocalResponseNorm needs 3 sizes (B, C, T) or 4 sizes (B, C, H, W) or 5 sizes (B, C, D, H, W), but gets 2 x 7.",
    ),
    (LSTM(5), ((2, 7),), "LSTM needs 3 sizes (B, T, C), but gets 2 x 7."),
    (GRU(5, batch_first=False), ((7,),), "GRU needs 3 sizes (T, B, C), but gets 7."),
    (LSTMCell(5), ((2, 7, 4), (2, 5), (2, 5)), "LSTMCell needs 2 sizes (B, C), but gets 2 x 7 x 4."),
    (LSTMCell(5), ((2, 4), (2, 5), (2, 6)), "LSTMCell keeps states of 2 x 5, but gets 2 x 6."),
    (LSTM(5, proj_size=5), ((2, 7, 4),), "proj_size 5 must be smaller than hidden_size 5."),
    (MultiheadAttention(3), ((2, 7, 8),), "3 heads do not divide 8 features."),
    (
        MultiheadAttention(cross=True),
        ((2, 7, 8), (2, 5, 6), (2, 5, 8)),
        "Keys are 6 long, queries 8: set own_sizes to allow that.",
    ),
    (
        MultiheadAttention(cross=True, own_sizes=True),
        ((2, 7, 8), (2, 5, 8), (2, 5, 8)),
        "Keys and values are 8 long as queries are: they have no sizes of their own.",
    ),
    (
        ScaledDotProductAttention(),
        ((7,), (7,), (7,)),
        "ScaledDotProductAttention needs at least 2 sizes (T, C), but gets 7.",
    ),
    (Embedding(10, 4, padding_idx=10), ((2, 7),), "padding_idx 10 lies outside the 10 vectors of Embedding."),
    (
        Embedding(10, 4, sparse=True, scale_grad_by_freq=True),
        ((2, 7),),
        "Embedding cannot scale a sparse gradient by frequency.",
    ),
    (EmbeddingBag(10, 4), ((7,),), "EmbeddingBag needs 2 sizes (B, indices), but gets 7."),
    (
        EmbeddingBag(10, 4, offsets=True),
        ((2, 7), (2,)),
        "EmbeddingBag with offsets needs 1 size (indices), but gets 2 x 7.",
    ),
    (
        EmbeddingBag(10, 4, per_sample_weights=True),
        ((2, 7), (2, 7)),
        "EmbeddingBag takes per_sample_weights in mode sum only, not mean.",
    ),
    (PReLU(4), ((2, 6, 8),), "PReLU has 4 slopes, but gets 6 channels."),
    (PixelShuffle(2), ((2, 6, 8, 8),), "4 pixels do not divide 6 channels."),
    (PixelUnshuffle(3), ((2, 4, 9, 8),), "3 pixels do not divide 8 columns."),
    (ChannelShuffle(4), ((2, 6, 8),), "4 groups do not divide 6 channels."),
    (Unfold((3, 3, 3)), ((2, 3, 8, 8),), "kernel_size of Unfold has 3 numbers, (3, 3, 3): it needs one for all or 2."),
    (CosineSimilarity(), ((2, 3), (2, 4)), "their sizes at dimension -1 are 3 and 4."),
    (CosineSimilarity(2), ((2, 3), (2, 3)), "CosineSimilarity works on dimension 2, but gets 2 x 3."),
    (Fold((8, 8, 8)), ((2, 18, 36),), "output_size of Fold has 3 numbers, (8, 8, 8): it needs one for all or 2."),
    (Fold(8), ((2, 20, 36),), "9 points of the window do not divide 20 rows."),
    (Fold(8), ((2, 18, 35),), "Fold gets 35 windows, but an image of 8x8 has 6x6."),
    (Fold(2), ((2, 18, 1),), "Fold gets 1 windows, but an image of 2x2 has 0x0."),
    (Upsample(scale_factor=None), ((2, 3, 8),), "Upsample needs a size or a scale_factor."),
    (Upsample((3, 4)), ((2, 3, 8),), "size of Upsample has 2 numbers, (3, 4): it needs one for all or 1."),
    (Upsample(like=True), ((2, 3, 8), (2, 3, 8, 8)), "Upsample gets 3 sizes, but should become like an input of 4."),
    (Upsample(mode="linear"), ((2, 3, 8, 8),), "Upsample needs 3 sizes in mode linear, but gets 2 x 3 x 8 x 8."),
    (Upsample(align_corners=True), ((2, 3, 8, 8),), "Upsample cannot align corners in mode nearest."),
    (Add(), (), "Add has no input."),
    (Max(return_indices=True), ((2, 3),), "Max gives indices of one dimension only."),
    (Mean(()), ((2, 3),), "Mean has no dimension to reduce."),
    (Reshape((2, 3, 0)), ((2, 3),), "Reshape should keep dimension 2, but gets 2 sizes only."),
    (Reshape((-1, -1)), ((2, 3),), "Reshape can find one size by itself, not several."),
    (Softmin(2), ((2, 3),), "Softmin works on dimension 2, but gets 2 x 3."),
    (Softmax(2), ((2, 3),), "Softmax works on dimension 2, but gets 2 x 3."),
    (
        ConvTranspose1d(8, output_padding=2, dilation=2),
        ((2, 3, 8),),
        "output_padding 2 must be smaller than the stride 1 or the dilation 2.",
    ),
    (Permute((1, 0)), ((2, 3, 4),), "Permute orders 2 dimensions, but gets 3."),
    (Slice(3), ((2, 3),), "Slice works on dimension 3, but gets 2 x 3."),
    (Pad((1,)), ((2, 3),), "Pad needs a number before and one after each dimension, not 1 numbers."),
    (Pad((1, 1, 1, 1)), ((2,),), "Pad adds to 2 dimensions, but gets 1 sizes only."),
    (Pad(mode="reflect", value=1.0), ((2, 3),), "Pad adds the value 1.0 in mode constant only, not reflect."),
    (Dropout2d(), ((2, 3),), "Dropout2d needs 4 sizes (B, C, H, W), but gets 2 x 3."),
    (Operation("item", arguments=(("port", "in"),)), ((),), "'item' is not an operation that may be run."),
    (Operation("cumsum", arguments=(("port", "in"),)), ((3,),), "cumsum needs its dim."),
    (Operation("cumsum", arguments=(("port", "in"), 0.5)), ((3,),), "cumsum takes int as its dim, not 0.5."),
    (Operation("cumsum", arguments=(("port", "in"), 0, 1)), ((3,),), "cumsum takes 2 arguments by position, not 3."),
    (Operation(keywords=(("dim", 1),)), ((3,),), "cumsum is given dim twice."),
    (Operation(keywords=(("device", "cpu"),)), ((3,),), "cumsum cannot be given 'device'."),
    (Operation(results=2), ((3,),), "cumsum gives 1 tensors, not 2."),
    (
        Operation("dropout", arguments=(("port", "in"), 0.5, True)),
        ((3,),),
        "dropout may be run with train=False or p=0.0 only: otherwise it has effects of its own.",
    ),
]


@pytest.mark.parametrize(("layer", "shapes", "sentence"), SENTENCES, ids=lambda value: str(value)[:40])
def test_what_does_not_fit_is_said_in_a_sentence(layer, shapes, sentence):
    assert layer.check(*shapes) == sentence


REFUSED = [
    (lambda: Conv2d(8, kernel_size=0), "kernel_size"),
    (lambda: Conv2d(8, padding="most"), "padding"),
    (lambda: LSTM(hidden_size="many"), "hidden_size"),
    (lambda: Softmax(dim=100), "dim"),
    (lambda: Dropout(1.5), "p must"),
    (lambda: GELU("sigmoid"), "approximate"),
    (lambda: Linear(3, bias=1), "bias"),
    (lambda: Operation("x\n"), "is not the name of an operation"),
    (lambda: Operation(ports=("a b",)), "'a b' cannot be the name of an input."),
    (lambda: Operation(ports=("a", "a")), "two inputs of the same name"),
    (lambda: Operation(results=("a}", "b")), "'a}' cannot be the name of an output."),
    (lambda: Operation(arguments=(("port", "out"),)), "no port, size or sign as 'port' asks for"),
    (lambda: Operation(arguments=(("size", "in", "0"),)), "no port, size or sign as 'size' asks for"),
    (lambda: Operation(arguments=(("dtype", "os.system"),)), "no port, size or sign as 'dtype' asks for"),
    (lambda: Operation(arguments=(("+", 1, "__import__('os')"),)), "no port, size or sign as '+' asks for"),
    (lambda: Operation(arguments=(("list", 1),)), "no port, size or sign as 'list' asks for"),
    (lambda: Operation(arguments=("__import__('os')",)), "is not a text that an operation understands"),
    (lambda: Operation(arguments=((0, ("x]", 1)),)), "no port, size or sign as 'x]' asks for"),
    (lambda: Operation(arguments=(10**5000,)), "A number of 16610 bits is too large"),
    (lambda: Operation(arguments=(tuple(range(20_000)),)), "more than 10000 arguments"),
    (lambda: Operation(arguments=(("**", 9, 10**9),)), "raises no number to the power 1000000000 here"),
    (lambda: Operation(arguments=(("**", ("*", ("**", 9, 9), 9), 9),)), "raises no number to the power 9 here"),
    (lambda: Operation(arguments=(("**", 9, ("size", "in", 0)),)), "no port, size or sign as '**' asks for"),
    (lambda: Operation(keywords=(("a", 1), ("a", 2))), "the same keyword twice"),
    (lambda: Operation(keywords=((1, 2),)), "pairs of a name and a value"),
]


@pytest.mark.parametrize(("make", "text"), REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_a_value_that_makes_no_sense_is_refused(make, text):
    with pytest.raises(NetworkError, match=re.escape(text)):
        make()


SUMMARIES = [
    (Linear(1000), [("B", "T", 300)], "300 → 1000"),
    (Linear(1000), [None], "? → 1000"),
    (Bilinear(5), [None, (2, 3)], "? × 3 → 5"),
    (LSTM(300, 2, bidirectional=True), [None], "300 units, 2 layers, both ways"),
    (GRUCell(300), [None, None], "300 units"),
    (Conv2d(64, 7, stride=2), [("B", 3, "H", "W")], "3 → 64, 7x7, stride 2"),
    (ConvTranspose1d(8, 4, stride=(2,)), [None], "? → 8, 4, stride 2"),
    (MultiheadAttention(8, is_causal=True), [None], "8 heads, causal"),
    (Softmax(), [None], "dim -1"),
    (Dropout(0.1), [None], "0.1"),
    (Embedding(1000, 300), [None], "1000 × 300"),
    (LayerNorm(), [("B", "T", 300)], "300"),
    (LayerNorm(dims=2), [None], "?x?"),
    (BatchNorm2d(), [None], "? channels"),
    (MaxPool2d(3, stride=2), [None], "3x3, stride 2"),
    (AdaptiveAvgPool2d((None, 3)), [None], "to ?x3"),
    (Upsample(), [None], "×2"),
    (Upsample((8, 9), mode="bilinear"), [None], "to 8x9, bilinear"),
    (Upsample(like=True), [None, None], "like another"),
    (Fold(8, (2, 3), stride=2), [None], "2x3 to 8x8, stride 2"),
    (Unfold((2, 3), stride=2), [None], "2x3, stride 2"),
    (Reshape((0, -1, 8)), [None], "keep × rest × 8"),
    (Slice(1, 2, -1, 2), [None], "dim 1, 2:-1:2"),
    (Mean((1, 2)), [None], "dim 1, 2"),
    (Max(), [None], "all"),
    (Hardtanh(0, 6), [None], "0 to 6"),
    (Operation("roll"), [None], "roll"),
]


@pytest.mark.parametrize(("layer", "shapes", "summary"), SUMMARIES, ids=lambda value: str(value)[:40])
def test_the_key_setting_in_a_few_words(layer, shapes, summary):
    assert layer.summary(*shapes) == summary


def test_every_case_has_a_summary_with_and_without_shapes(case):
    shapes = [shape for shape, _ in case.parsed]
    for given in (shapes, [None] * len(shapes)):
        summary = case.layer.summary(*given)
        assert len(summary) <= 40
        assert summary.isprintable()


@pytest.mark.parametrize(("layer", "dtype"), [(Embedding(10, 4), "float32"), (Linear(3), "int64"), (GRU(3), "int64")])
def test_a_dtype_that_a_layer_cannot_take_is_a_problem(layer, dtype):
    net = Network().chain(x=Input(("B", "T", 4)[: 2 if dtype == "float32" else 3], dtype=dtype), a=layer)
    assert [problem.layers for problem in analyze(net).problems if problem.severity == "error"] == [("a",)]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("settings", [{}, {"num_layers": 3, "bidirectional": True}, {"bias": False}])
def test_multiply_adds_of_recurrent_layers_are_those_of_their_steps(kind, settings):
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        kind(6, 5, batch_first=True, **settings)(torch.empty(2, 7, 6))
    assert layer_types[kind.__name__](5, **settings).multiply_adds((2, 7, 6)) == counter.get_total_flops() // 2


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_multiply_adds_of_a_cell_are_those_of_its_products(kind):
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        kind(6, 5)(torch.empty(2, 6))
    assert layer_types[kind.__name__](5).multiply_adds((2, 6), (2, 5)) == counter.get_total_flops() // 2


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (MultiheadAttention(2, need_weights=True), ((2, 7, 8),)),
        (MultiheadAttention(2, need_weights=True, cross=True), ((2, 7, 8), (2, 5, 8), (2, 5, 8))),
        (MultiheadAttention(2, need_weights=True, cross=True, own_sizes=True), ((2, 7, 8), (2, 5, 6), (2, 5, 4))),
        (MultiheadAttention(2, add_bias_kv=True, add_zero_attn=True, need_weights=True), ((2, 7, 8),)),
        (ScaledDotProductAttention(), ((2, 3, 7, 8), (2, 3, 5, 8), (2, 3, 5, 6))),
    ],
)
def test_multiply_adds_of_attention_are_what_torch_counts(layer, shapes):
    inputs = [torch.randn(shape) for shape in shapes]
    names = {"torch": torch, "nn": nn, "F": F} | {f"x{n}": x for n, x in enumerate(inputs)}
    names["m"] = eval(layer.module(*shapes) or "None", names)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        eval(layer.call("m", *(f"x{n}" for n in range(len(inputs)))), names)
    assert layer.multiply_adds(*shapes) == counter.get_total_flops() // 2


@pytest.mark.parametrize(("ours", "theirs"), [(Linear(400, transposed=True), nn.Linear(50, 400))])
def test_a_transposed_layer_starts_within_torchs_bounds(ours, theirs):
    values = initialize(Network().chain(x=Input((2, 50)), a=ours)).values
    for name, parameter in theirs.named_parameters():
        assert values[f"a.{name}"].numel() == parameter.numel()
        assert values[f"a.{name}"].abs().max() <= 50**-0.5
        assert values[f"a.{name}"].abs().max() > 0.98 * 50**-0.5


def test_a_transposed_embedding_starts_as_torchs_does():
    weight = initialize(
        Network().chain(x=Input((2, 3), dtype="int64"), a=Embedding(500, 40, padding_idx=7, transposed=True))
    ).values["a.weight"]
    assert weight.shape == (40, 500)
    assert not weight[:, 7].any()
    assert abs(weight.std() - 1) < 0.02
