"""The table of cases: every layer type, with every setting, and what torch itself would do."""

import dataclasses

from designer.layers import (
    CELU,
    ELU,
    GELU,
    GLU,
    GRU,
    LSTM,
    RNN,
    SELU,
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    Add,
    AlphaDropout,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    Bilinear,
    ChannelShuffle,
    Concatenate,
    Constant,
    ConstantPad1d,
    ConstantPad2d,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    CosineSimilarity,
    Divide,
    Dropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    Embedding,
    EmbeddingBag,
    Flatten,
    Fold,
    GroupNorm,
    GRUCell,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    Identity,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    LayerNorm,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    LogSigmoid,
    LogSoftmax,
    LSTMCell,
    MatMul,
    Max,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Mean,
    Mish,
    MultiheadAttention,
    Multiply,
    Operation,
    Pad,
    Permute,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    ReflectionPad1d,
    ReflectionPad2d,
    ReLU,
    ReplicationPad1d,
    ReplicationPad2d,
    Reshape,
    RMSNorm,
    RNNCell,
    ScaledDotProductAttention,
    Sigmoid,
    SiLU,
    Slice,
    Softmax,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Squeeze,
    Subtract,
    Sum,
    Tanh,
    Tanhshrink,
    Transpose,
    Unflatten,
    Unfold,
    Unsqueeze,
    Upsample,
    ZeroPad2d,
)
from designer.model import Layer


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer, its inputs, written ``B T 8`` or ``B T int64``, and torch's own way, for a layer that only computes."""

    layer: Layer
    inputs: tuple[str, ...]
    torch: str = ""

    @property
    def parsed(self):
        """The shape of each input, and what fills it."""
        found = []
        for text in self.inputs:
            words = text.split()
            what = words.pop() if words and words[-1].islower() else "float32"
            found.append((tuple(word if word.isupper() else int(word) for word in words), what))
        return found

    def __str__(self):
        fields = [field for field in dataclasses.fields(self.layer) if getattr(self.layer, field.name) != field.default]
        settings = ",".join(f"{field.name}={getattr(self.layer, field.name)}" for field in fields)
        return f"{type(self.layer).__name__}({settings})".replace(" ", "")[:90]


SEQUENCE, IMAGE, VOLUME = ("B T 6",), ("B 4 H W",), ("B 4 D H W",)
QKV = ("B 2 T 4", "B 2 S 4", "B 2 S 4")


def owners():
    """Layers with learnables or buffers."""
    yield Linear(5), SEQUENCE
    yield Linear(5, bias=False), SEQUENCE
    yield Linear(5, transposed=True), SEQUENCE
    yield Linear(5, bias=False, transposed=True), ("B 6",)
    yield Bilinear(5), ("B T 6", "B T 3")
    yield Bilinear(5, bias=False), ("B 6", "B 3")
    indices = ("B T int64",)
    yield Embedding(10, 4), indices
    yield Embedding(10, 4, transposed=True), indices
    yield Embedding(10, 4, padding_idx=-3, sparse=True), indices
    yield Embedding(10, 4, padding_idx=3, max_norm=0.5, norm_type=1.0, scale_grad_by_freq=True), indices
    yield Embedding(10, 4, 3, max_norm=0.5, norm_type=float("inf"), scale_grad_by_freq=True, transposed=True), indices
    yield EmbeddingBag(10, 4), indices
    yield EmbeddingBag(10, 4, mode="sum", per_sample_weights=True), ("B T int64", "B T")
    yield EmbeddingBag(10, 4, mode="max", padding_idx=2), indices
    yield EmbeddingBag(10, 4, max_norm=0.5, norm_type=1.0, scale_grad_by_freq=True), indices
    yield EmbeddingBag(10, 4, sparse=True, padding_idx=-1), indices
    yield EmbeddingBag(10, 4, offsets=True), ("T int64", "2 offsets")
    yield EmbeddingBag(10, 4, offsets=True, include_last_offset=True), ("T int64", "3 offsets")
    for kind in (LSTM, GRU, RNN):
        yield kind(5), SEQUENCE
        yield kind(5, 2, bidirectional=True, dropout=0.5), SEQUENCE
        yield kind(5, bias=False, batch_first=False), SEQUENCE
        yield kind(5, dropout=0.5), SEQUENCE  # which has no effect, and torch would warn
    yield GRU(5, 2, states=True), ("B T 6", "2 B 5")
    yield RNN(5, states=True, batch_first=False), ("T B 6", "1 B 5")
    yield RNN(5, nonlinearity="relu"), SEQUENCE
    yield LSTM(5, 2, states=True), ("B T 6", "2 B 5", "2 B 5")
    yield LSTM(5, 2, proj_size=3, bidirectional=True), SEQUENCE
    yield LSTM(5, 2, proj_size=3, bias=False, states=True, batch_first=False), ("T B 6", "2 B 3", "2 B 5")
    for cell, states in ((LSTMCell, ("B 5", "B 5")), (GRUCell, ("B 5",)), (RNNCell, ("B 5",))):
        yield cell(5), ("B 6", *states)
        yield cell(5, bias=False), ("B 6", *states)
        yield cell(5, states=False), ("B 6",)
    yield RNNCell(5, nonlinearity="relu"), ("B 6", "B 5")
    for conv, image in ((Conv1d, ("B 4 T",)), (Conv2d, IMAGE), (Conv3d, VOLUME)):
        yield conv(8), image
        yield conv(8, 3, stride=2, padding=1, dilation=2, groups=2, bias=False), image
        yield conv(8, 2, padding="same", dilation=3), image
        yield conv(8, 3, padding=2, padding_mode="circular"), image
    yield Conv2d(8, (3, 5), stride=(2, 1), padding=(0, 2), dilation=(1, 2)), IMAGE
    yield Conv2d(8, (2, 3), padding="same", padding_mode="reflect", bias=False), IMAGE
    yield Conv2d(8, 3, padding="valid", padding_mode="replicate"), IMAGE
    yield Conv1d(8, (3,), padding=(2,), padding_mode="replicate"), ("B 4 T",)
    for conv, image in ((ConvTranspose1d, ("B 4 T",)), (ConvTranspose2d, IMAGE), (ConvTranspose3d, VOLUME)):
        yield conv(6), image
        yield conv(6, 2, stride=2, padding=1, output_padding=1, groups=2, bias=False, dilation=2), image
    yield ConvTranspose2d(6, (2, 3), stride=(2, 3), padding=(0, 1), output_padding=(1, 0)), IMAGE
    for norm, image in ((BatchNorm1d, ("B 4 T",)), (BatchNorm2d, IMAGE), (BatchNorm3d, VOLUME)):
        yield norm(), image
        yield norm(eps=1e-3, momentum=None), image
        yield norm(momentum=0.5, bias=False), image
        yield norm(track_running_stats=False), image
        yield norm(affine=False), image
    yield BatchNorm1d(), ("B 4",)
    yield InstanceNorm2d(), IMAGE
    yield InstanceNorm2d(1e-3, affine=True), IMAGE
    yield InstanceNorm2d(affine=True, track_running_stats=True, bias=False, momentum=0.5), IMAGE
    yield InstanceNorm2d(affine=True, track_running_stats=True, momentum=None), IMAGE
    yield InstanceNorm1d(1e-3, affine=True, track_running_stats=True, bias=False, momentum=0.5), ("B 4 T",)
    yield InstanceNorm3d(1e-3, affine=True, track_running_stats=True, bias=False, momentum=0.5), VOLUME
    yield LayerNorm(), SEQUENCE
    yield LayerNorm(dims=2, eps=1e-3), ("B T 5 6",)
    yield LayerNorm(bias=False), SEQUENCE
    yield LayerNorm(elementwise_affine=False), SEQUENCE
    yield RMSNorm(), SEQUENCE
    yield RMSNorm(eps=1e-3, dims=2), ("B T 5 6",)
    yield RMSNorm(elementwise_affine=False), SEQUENCE
    yield GroupNorm(), IMAGE
    yield GroupNorm(2, eps=1e-3), ("B 4 T",)
    yield GroupNorm(2, bias=False), IMAGE
    yield GroupNorm(2, affine=False), ("B 4",)
    yield PReLU(), SEQUENCE
    yield PReLU(4, init=0.1), IMAGE
    yield Constant(), ()
    yield Constant((2, 2), "int64", "numbers", (1, 2, 3, -4), persistent=True), ()
    yield Constant((3,), "float64", "arange", (0, 0.1)), ()
    yield Constant((3, 2), "int64", "values"), ()
    yield from attentions()


def attentions():
    sequence = ("B T 8",)
    yield MultiheadAttention(2), sequence
    yield MultiheadAttention(4, dropout=0.5, bias=False), sequence
    yield MultiheadAttention(2, need_weights=True), sequence
    yield MultiheadAttention(2, need_weights=True, average_attn_weights=False, batch_first=False), sequence
    yield MultiheadAttention(2, add_bias_kv=True, add_zero_attn=True), sequence
    yield MultiheadAttention(2, is_causal=True), sequence
    yield MultiheadAttention(2, is_causal=True, batch_first=False, need_weights=True), ("T B 8",)
    yield MultiheadAttention(2, attn_mask=True), ("B T 8", "T T mask")
    yield MultiheadAttention(2, attn_mask=True), ("B T 8", "T T")
    yield MultiheadAttention(2, key_padding_mask=True, attn_mask=True), ("B T 8", "B T mask", "T T mask")
    yield MultiheadAttention(2, attn_mask=True, is_causal=True), ("B T 8", "T T causal")
    yield MultiheadAttention(2, cross=True), ("B T 8", "B S 8", "B S 8")
    yield MultiheadAttention(2, cross=True, key_padding_mask=True), ("B T 8", "B S 8", "B S 8", "B S mask")
    yield MultiheadAttention(2, cross=True, own_sizes=True), ("B T 8", "B S 6", "B S 4")
    yield MultiheadAttention(2, 0.5, False, True, cross=True, own_sizes=True), ("B T 8", "B S 8", "B S 4")


def activations():
    yield ReLU(), SEQUENCE, "nn.ReLU()"
    yield LeakyReLU(), SEQUENCE, "nn.LeakyReLU()"
    yield LeakyReLU(0.3), SEQUENCE, "nn.LeakyReLU(0.3)"
    yield GELU(), SEQUENCE, "nn.GELU()"
    yield GELU("tanh"), SEQUENCE, "nn.GELU('tanh')"
    yield SiLU(), SEQUENCE, "nn.SiLU()"
    yield ELU(), SEQUENCE, "nn.ELU()"
    yield ELU(0.5), SEQUENCE, "nn.ELU(0.5)"
    yield Sigmoid(), SEQUENCE, "nn.Sigmoid()"
    yield Tanh(), SEQUENCE, "nn.Tanh()"
    yield Softmax(), SEQUENCE, "nn.Softmax(-1)"
    yield Softmax(1), SEQUENCE, "nn.Softmax(1)"
    yield LogSoftmax(), SEQUENCE, "nn.LogSoftmax(-1)"
    yield LogSoftmax(0), SEQUENCE, "nn.LogSoftmax(0)"
    yield Softmin(), SEQUENCE, "nn.Softmin(-1)"
    yield Softmin(1), SEQUENCE, "nn.Softmin(1)"
    yield Softplus(), SEQUENCE, "nn.Softplus()"
    yield Softplus(2.0, 0.5), SEQUENCE, "nn.Softplus(2.0, 0.5)"
    yield Softplus(threshold=float("inf")), SEQUENCE, "nn.Softplus(threshold=float('inf'))"
    yield Hardswish(), SEQUENCE, "nn.Hardswish()"
    yield SELU(), SEQUENCE, "nn.SELU()"
    yield CELU(), SEQUENCE, "nn.CELU()"
    yield CELU(0.5), SEQUENCE, "nn.CELU(0.5)"
    yield Mish(), SEQUENCE, "nn.Mish()"
    yield LogSigmoid(), SEQUENCE, "nn.LogSigmoid()"
    yield Softsign(), SEQUENCE, "nn.Softsign()"
    yield Tanhshrink(), SEQUENCE, "nn.Tanhshrink()"
    yield Hardshrink(), SEQUENCE, "nn.Hardshrink()"
    yield Hardshrink(0.2), SEQUENCE, "nn.Hardshrink(0.2)"
    yield Softshrink(), SEQUENCE, "nn.Softshrink()"
    yield Softshrink(0.2), SEQUENCE, "nn.Softshrink(0.2)"
    yield Hardsigmoid(), SEQUENCE, "nn.Hardsigmoid()"
    yield Hardtanh(), SEQUENCE, "nn.Hardtanh()"
    yield Hardtanh(0, 6), SEQUENCE, "nn.ReLU6()"
    yield Hardtanh(float("-inf"), 0.5), SEQUENCE, "nn.Hardtanh(float('-inf'), 0.5)"
    yield GLU(), SEQUENCE, "nn.GLU()"
    yield GLU(1), IMAGE, "nn.GLU(1)"
    yield Dropout(), SEQUENCE, "nn.Dropout()"
    yield Dropout(0.1), SEQUENCE, "nn.Dropout(0.1)"
    yield Dropout2d(), IMAGE, "nn.Dropout2d()"
    yield Dropout2d(0.1), IMAGE, "nn.Dropout2d(0.1)"
    yield Dropout1d(0.1), ("B 4 T",), "nn.Dropout1d(0.1)"
    yield Dropout3d(0.1), VOLUME, "nn.Dropout3d(0.1)"
    yield AlphaDropout(), SEQUENCE, "nn.AlphaDropout()"
    yield AlphaDropout(0.1), SEQUENCE, "nn.AlphaDropout(0.1)"


def poolings():
    sequence = ("B 4 T",)
    yield MaxPool1d(), sequence, "nn.MaxPool1d(2)"
    yield MaxPool1d(3, 2, 1, 2, ceil_mode=True), sequence, "nn.MaxPool1d(3, 2, 1, 2, ceil_mode=True)"
    yield MaxPool1d(2, return_indices=True), sequence, "nn.MaxPool1d(2, return_indices=True)"
    yield MaxPool2d(), IMAGE, "nn.MaxPool2d(2)"
    yield MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2)), IMAGE, "nn.MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2))"
    yield MaxPool2d(3, 2, ceil_mode=True), IMAGE, "nn.MaxPool2d(3, 2, ceil_mode=True)"
    yield MaxPool2d(2, return_indices=True), IMAGE, "nn.MaxPool2d(2, return_indices=True)"
    yield MaxPool3d(3, 2, 1, 1, ceil_mode=True), VOLUME, "nn.MaxPool3d(3, 2, 1, 1, ceil_mode=True)"
    yield MaxPool3d(2, return_indices=True), VOLUME, "nn.MaxPool3d(2, return_indices=True)"
    yield MaxPool3d(2, dilation=2), VOLUME, "nn.MaxPool3d(2, dilation=2)"
    yield AvgPool3d(3, 2, 1, True, False, 5), VOLUME, "nn.AvgPool3d(3, 2, 1, True, False, 5)"
    yield AdaptiveAvgPool3d((None, 3, 2)), VOLUME, "nn.AdaptiveAvgPool3d((None, 3, 2))"
    yield AdaptiveMaxPool1d(2, return_indices=True), sequence, "nn.AdaptiveMaxPool1d(2, return_indices=True)"
    yield AdaptiveMaxPool3d(2, return_indices=True), VOLUME, "nn.AdaptiveMaxPool3d(2, return_indices=True)"
    yield AvgPool1d(), sequence, "nn.AvgPool1d(2)"
    yield AvgPool1d(3, 2, 1, True, False), sequence, "nn.AvgPool1d(3, 2, 1, True, False)"
    yield AvgPool2d(), IMAGE, "nn.AvgPool2d(2)"
    yield AvgPool2d(3, 2, 1, True, False, 5), IMAGE, "nn.AvgPool2d(3, 2, 1, True, False, 5)"
    yield AvgPool2d((3, 2), 1), IMAGE, "nn.AvgPool2d((3, 2), 1)"
    yield AdaptiveAvgPool1d(), sequence, "nn.AdaptiveAvgPool1d(1)"
    yield AdaptiveAvgPool1d(3), sequence, "nn.AdaptiveAvgPool1d(3)"
    yield AdaptiveAvgPool2d(), IMAGE, "nn.AdaptiveAvgPool2d(1)"
    yield AdaptiveAvgPool2d((None, 3)), IMAGE, "nn.AdaptiveAvgPool2d((None, 3))"
    yield AdaptiveMaxPool2d(), IMAGE, "nn.AdaptiveMaxPool2d(1)"
    yield AdaptiveMaxPool2d((2, 3), return_indices=True), IMAGE, "nn.AdaptiveMaxPool2d((2, 3), return_indices=True)"
    yield Upsample(), IMAGE, "nn.Upsample(scale_factor=2.0)"
    yield Upsample(7), ("B 4 T",), "nn.Upsample(7)"
    yield Upsample((7, 5), mode="bilinear"), IMAGE, "nn.Upsample((7, 5), mode='bilinear')"
    yield (
        Upsample(scale_factor=(1.5, 2.0), mode="bicubic", align_corners=True),
        IMAGE,
        "nn.Upsample(scale_factor=(1.5, 2.0), mode='bicubic', align_corners=True)",
    )
    yield (
        Upsample(scale_factor=1.5, mode="linear", recompute_scale_factor=True),
        ("B 4 T",),
        "nn.Upsample(scale_factor=1.5, mode='linear', recompute_scale_factor=True)",
    )
    yield Upsample(mode="trilinear"), VOLUME, "nn.Upsample(scale_factor=2.0, mode='trilinear')"
    yield Upsample(5, mode="area"), IMAGE, "nn.Upsample(5, mode='area')"
    yield Upsample(5, mode="nearest-exact"), IMAGE, "nn.Upsample(5, mode='nearest-exact')"
    yield Upsample(like=True), (*IMAGE, "B 2 S T"), "lambda x, y: F.interpolate(x, y.shape[2:])"
    yield PixelShuffle(), IMAGE, "nn.PixelShuffle(2)"
    yield PixelShuffle(3), ("B 9 H W",), "nn.PixelShuffle(3)"
    yield PixelUnshuffle(), ("B 4 W W",), "nn.PixelUnshuffle(2)"
    yield PixelUnshuffle(3), ("B 4 9 6",), "nn.PixelUnshuffle(3)"
    yield ChannelShuffle(), IMAGE, "nn.ChannelShuffle(2)"
    yield ChannelShuffle(4), ("B 8 T",), "nn.ChannelShuffle(4)"
    yield LocalResponseNorm(), IMAGE, "nn.LocalResponseNorm(5)"
    yield LocalResponseNorm(2, 0.5, 0.6, 2.0), ("B 4 T",), "nn.LocalResponseNorm(2, 0.5, 0.6, 2.0)"
    yield LocalResponseNorm(3, 0.1), VOLUME, "nn.LocalResponseNorm(3, 0.1)"
    yield Fold(8), ("B 18 36",), "nn.Fold(8, 3)"
    yield (
        Fold((7, 9), (2, 3), (2, 1), (0, 1), 2),
        ("B 12 15",),
        "nn.Fold((7, 9), (2, 3), (2, 1), (0, 1), 2)",
    )
    yield Unfold(), ("B 4 H 6",), "nn.Unfold(3)"
    yield Unfold((2, 3), (2, 1), (0, 1), 2), ("B 4 7 W",), "nn.Unfold((2, 3), (2, 1), (0, 1), 2)"
    yield ScaledDotProductAttention(), QKV, "F.scaled_dot_product_attention"
    yield (
        ScaledDotProductAttention(attn_mask=True, scale=0.3),
        (*QKV, "T S mask"),
        "lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.3)",
    )
    yield (
        ScaledDotProductAttention(dropout_p=0.5, is_causal=True),
        QKV,
        "lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.5 * self.training, is_causal=True)",
    )
    yield (
        ScaledDotProductAttention(enable_gqa=True),
        ("B 4 T 4", "B 2 S 4", "B 2 S 4"),
        "lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True)",
    )


def maths():
    pair = ("B T 6", "B T 6")
    yield Add(), pair, "torch.add"
    yield Add(), ("B T 6", "6", "T 1"), "lambda x, y, z: x + y + z"
    yield Add(), SEQUENCE, "lambda x: x"
    yield Multiply(), pair, "torch.mul"
    yield Subtract(), pair, "torch.sub"
    yield Divide(), pair, "torch.div"
    yield Divide("floor"), pair, "lambda x, y: torch.div(x, y, rounding_mode='floor')"
    yield MatMul(), ("B T 6", "B 6 S"), "torch.matmul"
    yield Concatenate(), ("B T", "S T"), "lambda *xs: torch.cat(xs)"
    yield Concatenate(-1), ("B T", "B S", "B 3"), "lambda *xs: torch.cat(xs, -1)"
    yield CosineSimilarity(), pair, "nn.CosineSimilarity()"
    yield CosineSimilarity(-1, 0.5), ("B T 6", "T 6"), "nn.CosineSimilarity(-1, 0.5)"
    yield Mean(), SEQUENCE, "torch.mean"
    yield Mean(1), SEQUENCE, "lambda x: x.mean(1)"
    yield Mean((-1, -2), keepdim=True), IMAGE, "lambda x: x.mean((-1, -2), keepdim=True)"
    yield Mean(keepdim=True), SEQUENCE, "lambda x: x.mean(None, keepdim=True)"
    yield Sum(), SEQUENCE, "torch.sum"
    yield Sum((0, 1), keepdim=True), SEQUENCE, "lambda x: x.sum((0, 1), keepdim=True)"
    yield Max(), SEQUENCE, "torch.max"
    yield Max(1), SEQUENCE, "lambda x: x.max(1).values"
    yield Max(1, keepdim=True, return_indices=True), SEQUENCE, "lambda x: x.max(1, keepdim=True)"
    yield Max((1, 2)), SEQUENCE, "lambda x: x.amax((1, 2))"
    yield Operation(), SEQUENCE, "lambda x: x.cumsum(-1)"
    yield Operation("roll", ("in",), (("port", "in"), (1,), (0,))), SEQUENCE, "lambda x: x.roll(1, 0)"
    yield (
        Operation("add.Tensor", ("a", "b"), (("port", "a"), ("port", "b")), (("alpha", 2.5),)),
        pair,
        "lambda x, y: torch.add(x, y, alpha=2.5)",
    )
    yield (
        Operation("split.Tensor", arguments=(("port", "in"), 2, -1), results=("first", "second", "third")),
        SEQUENCE,
        "lambda x: x.split(2, -1)",
    )
    yield Operation("split.Tensor", arguments=(("port", "in"), 6, -1)), SEQUENCE, "lambda x: x.split(6, -1)"
    half = ("//", ("size", "in", 1), 2)
    yield (
        Operation("narrow", arguments=(("port", "in"), 1, half, ("-", ("size", "in", 1), half))),
        SEQUENCE,
        "lambda x: x[:, x.shape[1] // 2 :]",
    )
    root = ("**", ("*", ("size", "in", 1), 1.0), -0.5)
    yield (
        Operation("mul.Tensor", arguments=(("port", "in"), ("/", root, 2))),
        SEQUENCE,
        "lambda x: x * (float(x.shape[1]) ** -0.5 / 2)",
    )
    yield (
        Operation("stack", ("a", "b"), (("list", ("port", "a"), ("port", "b")), 1)),
        pair,
        "lambda x, y: torch.stack([x, y], 1)",
    )
    yield (
        Operation("arange", arguments=(("*", ("size", "in", 0), 2),), keywords=(("dtype", ("dtype", "float64")),)),
        SEQUENCE,
        "lambda x: torch.arange(x.shape[0] * 2, dtype=torch.float64)",
    )
    yield Operation("full", (), ((2, 3), float("inf"))), (), "lambda: torch.full((2, 3), float('inf'))"


def shapings():
    yield Identity(), SEQUENCE, "nn.Identity()"
    yield Flatten(), IMAGE, "nn.Flatten()"
    yield Flatten(0, 1), IMAGE, "nn.Flatten(0, 1)"
    yield Unflatten(-1, (3, -1)), SEQUENCE, "nn.Unflatten(-1, (3, -1))"
    yield Unflatten(1, (2, -1)), IMAGE, "nn.Unflatten(1, (2, -1))"
    yield Unflatten(), IMAGE, "nn.Unflatten(1, (-1,))"
    yield Reshape(), IMAGE, "lambda x: x.reshape(x.shape[0], -1)"
    yield Reshape((-1, 0)), SEQUENCE, "lambda x: x.reshape(-1, x.shape[1])"
    yield Reshape((0, -1, 2)), IMAGE, "lambda x: x.reshape(x.shape[0], -1, 2)"
    yield Reshape((0, 0, 2, 3)), SEQUENCE, "lambda x: x.reshape(*x.shape[:2], 2, 3)"
    yield Permute(), ("B 6",), "torch.t"
    yield Permute((0, -1, 1)), SEQUENCE, "lambda x: x.permute(0, -1, 1)"
    yield Transpose(), SEQUENCE, "lambda x: x.transpose(0, 1)"
    yield Transpose(1, -1), SEQUENCE, "lambda x: x.transpose(1, -1)"
    yield Squeeze(), ("B T 1",), "lambda x: x.squeeze(-1)"
    yield Squeeze((1, 3)), ("B 1 T 1",), "lambda x: x.squeeze((1, 3))"
    yield Squeeze(1), SEQUENCE, "lambda x: x.squeeze(1)"
    yield Unsqueeze(), SEQUENCE, "lambda x: x.unsqueeze(0)"
    yield Unsqueeze(-1), SEQUENCE, "lambda x: x.unsqueeze(-1)"
    yield Slice(), SEQUENCE, "lambda x: x[:]"
    yield Slice(1, 2, -1, 2), SEQUENCE, "lambda x: x[:, 2:-1:2]"
    yield Slice(-1, -3), SEQUENCE, "lambda x: x[..., -3:]"
    yield Slice(-2, 0, 3), SEQUENCE, "lambda x: x[:, :3]"
    yield Pad(), SEQUENCE, "lambda x: F.pad(x, (1, 1))"
    yield Pad((2, 1, 0, 3), value=float("-inf")), IMAGE, "lambda x: F.pad(x, (2, 1, 0, 3), value=float('-inf'))"
    yield Pad((1, -1), "reflect"), ("B 4 T",), "lambda x: F.pad(x, (1, -1), 'reflect')"
    yield ZeroPad2d(), IMAGE, "nn.ZeroPad2d(1)"
    yield ConstantPad1d((1, 2), 0.5), ("B 4 T",), "nn.ConstantPad1d((1, 2), 0.5)"
    yield ConstantPad2d(2, -1.0), IMAGE, "nn.ConstantPad2d(2, -1.0)"
    yield ReflectionPad1d((1, 2)), ("B 4 T",), "nn.ReflectionPad1d((1, 2))"
    yield ReflectionPad2d((1, 2, 0, 1)), IMAGE, "nn.ReflectionPad2d((1, 2, 0, 1))"
    yield ReplicationPad1d(2), ("B 4 T",), "nn.ReplicationPad1d(2)"
    yield ReplicationPad2d((1, 2, 0, 1)), IMAGE, "nn.ReplicationPad2d((1, 2, 0, 1))"
    yield ZeroPad2d((1, 2, 3, -1)), IMAGE, "nn.ZeroPad2d((1, 2, 3, -1))"


OWNERS = [Case(layer, inputs) for layer, inputs in owners()]
COMPUTING = [Case(*case) for table in (activations, poolings, maths, shapings) for case in table()]


def pytest_generate_tests(metafunc):
    """Give a test that asks for a ``case``, an ``owner`` or a ``computing`` layer each of them."""
    tables = {"case": OWNERS + COMPUTING, "owner": OWNERS, "computing": COMPUTING}
    for name, cases in tables.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, cases, ids=str)
    if "cases" in metafunc.fixturenames:
        metafunc.parametrize("cases", [OWNERS + COMPUTING], ids=["all"])
