"""Models that do something unusual, opened from .pt2 files: they come back as they are."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as tree

from designer import analyze, build, import_pytorch, write_pytorch
from designer.layers import BatchNorm1d, Embedding, EmbeddingBag, Linear, MultiheadAttention
from designer.model import Port


def tensors(values):
    return [value for value in tree.tree_leaves(values) if isinstance(value, torch.Tensor)]


@pytest.fixture
def opened(exported):
    """Open what was exported of a module with a free batch, and compare outputs and gradients."""

    def open_one(module, inputs, train=True, **given):
        path = exported(module.eval(), inputs, dict.fromkeys(inputs, (0,)), **given)
        network, report = import_pytorch(path)
        assert not report.placeholders
        built = build(network).eval()
        for more in (inputs, {name: torch.cat([value, value[:1]]) for name, value in inputs.items()}):
            module.zero_grad()
            built.zero_grad()
            ours, theirs = tensors(built(*more.values())), tensors(module(**more))
            assert [value.dtype for value in ours] == [value.dtype for value in theirs]
            for a, b in zip(ours, theirs, strict=True):
                torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
            if train:
                for given in (ours, theirs):
                    sum(value.abs().square().mean() for value in given if value.requires_grad).backward()
                found = dict(module.named_parameters(remove_duplicate=False))
                for name, parameter in built.named_parameters():
                    torch.testing.assert_close(parameter.grad, found[name].grad, rtol=1e-5, atol=1e-6)
        return network, report

    return open_one


class Mixed(nn.Module):
    """Layers in three types of numbers, and a complex factor."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Linear(4, 4).double(), nn.Linear(4, 4).bfloat16(), nn.LayerNorm(4)
        self.factor = nn.Parameter(torch.randn(3, dtype=torch.complex64))

    def forward(self, x):
        x = self.norm(self.b(self.a(x.double()).bfloat16()).float())
        return torch.fft.irfft(torch.fft.rfft(x) * self.factor, n=4)


def test_each_layer_has_numbers_of_its_own_type(opened):
    network, _ = opened(Mixed(), {"x": torch.randn(2, 4)})
    source = write_pytorch(network)
    assert "self.b.to(torch.bfloat16)" in source
    assert "self.factor.data = self.factor.data.to(torch.complex64)" in source
    names = {}
    exec(source, names)
    alone = names["Net"]()
    assert {key: value.dtype for key, value in alone.state_dict().items()} == {
        key: value.dtype for key, value in network.values.items()
    }


class Codebook(nn.Module):
    """As of a VQ-VAE: the nearest vector is looked up in the table that the distances were taken from."""

    def __init__(self):
        super().__init__()
        self.enc, self.codebook = nn.Linear(3, 4), nn.Embedding(8, 4)

    def forward(self, x):
        z = self.enc(x)
        distances = (
            z.square().sum(1, keepdim=True) + self.codebook.weight.square().sum(1) - 2 * z @ self.codebook.weight.t()
        )
        found = self.codebook(distances.argmin(1))
        return z + (found - z).detach(), F.mse_loss(found, z.detach())


def test_a_table_is_looked_up_by_what_depends_on_it(opened):
    network, _ = opened(Codebook(), {"x": torch.randn(2, 3)})
    assert isinstance(network.layer("codebook"), Embedding)


class Scaled(nn.Module):
    """What a layer takes was scaled by its own weight."""

    def __init__(self):
        super().__init__()
        self.fc, self.bn = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        return self.fc(self.bn(x * self.fc.weight.abs().mean() * self.bn.weight))


@pytest.mark.parametrize("decomposed", [False, True])
def test_a_weight_that_meets_its_own_data_stands_free(opened, decomposed):
    network, _ = opened(Scaled(), {"x": torch.randn(3, 4)}, decomposed=decomposed)
    assert network.layer("fc.weight").learnables() == ("value",)
    linear = next(layer for _, layer in network.walk() if isinstance(layer, Linear))
    assert "weight" in linear.input_learnables


class SharedStatistics(nn.Module):
    """Two normalisations keep one mean."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.BatchNorm1d(4), nn.BatchNorm1d(4)
        self.b.running_mean = self.a.running_mean

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


@pytest.mark.parametrize("decomposed", [False, True])
def test_shared_statistics(opened, decomposed):
    network, report = opened(SharedStatistics(), {"x": torch.randn(3, 4)}, decomposed=decomposed)
    assert isinstance(network.layer("a"), BatchNorm1d)
    told = [note for note in report.notes if note.startswith("a.running_mean and b.running_mean are one buffer")]
    assert [note.layers for note in told] == [("a", "b")]


VOLUMES = [
    *(nn.MaxPool3d(2, ceil_mode=True), nn.AvgPool3d(2, 1), nn.InstanceNorm3d(4, affine=True), nn.Dropout3d(0.2)),
    *(nn.AdaptiveMaxPool3d(3), nn.AdaptiveAvgPool3d((2, None, 1)), nn.Flatten(2), nn.InstanceNorm1d(4), nn.Dropout1d()),
    *(nn.ReflectionPad1d((2, 1)), nn.ReplicationPad1d(2), nn.ConstantPad1d((1, 0), 0.5), nn.AdaptiveMaxPool1d(7)),
    *(
        nn.SELU(),
        nn.CELU(0.5),
        nn.Mish(),
        nn.LogSigmoid(),
        nn.Hardshrink(0.1),
        nn.Softshrink(0.1),
        nn.AlphaDropout(0.1),
    ),
    *(nn.Unflatten(2, (1, 7)), nn.ReflectionPad2d((1, 2, 0, 0)), nn.ReplicationPad2d(1), nn.ConstantPad2d(1, -1.0)),
    nn.RReLU(0.1, 0.3),
]


def test_modules_of_torch_come_back_as_layers_of_their_name(opened):
    network, _ = opened(nn.Sequential(*VOLUMES), {"input": torch.randn(2, 4, 5, 6, 5)})
    names = [type(network.layer(str(n))).__name__ for n in range(len(VOLUMES) - 1)]
    assert names == [type(module).__name__ for module in VOLUMES[:-1]]


class Padded(nn.Module):
    def forward(self, x):
        x = torch.ops.aten.replication_pad1d(torch.ops.aten.reflection_pad1d(x, [1, 2]), [2, 1])
        return x, x.new_empty(2).fill_(1.0)


def test_padding_by_functions_of_its_own(opened):
    network, _ = opened(Padded(), {"x": torch.randn(2, 4, 6)}, train=False)
    assert [layer.mode for _, layer in network.walk() if type(layer).__name__ == "Pad"] == ["reflect", "replicate"]


class Spectral(nn.Module):
    """As of a Fourier neural operator: some of the frequencies are written into zeros."""

    def __init__(self):
        super().__init__()
        self.low, self.high = (nn.Parameter(torch.randn(3, 2, 4, dtype=torch.complex64)) for _ in range(2))

    def forward(self, x):
        found = torch.fft.rfft2(x)
        out = torch.zeros(x.shape[0], 3, 8, 5, dtype=torch.complex64)
        out[:, :, :2, :4] = found[:, :, :2, :4] * self.low
        out[:, :, -2:, :4] = found[:, :, -2:, :4] * self.high
        return torch.fft.irfft2(out, s=(8, 8))


def test_complex_slices_that_are_written_to_have_gradients(opened):
    opened(Spectral(), {"x": torch.randn(2, 3, 8, 8)})


class Sampling(nn.Module):
    """As of a variational autoencoder that samples in evaluation too."""

    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(4, 6)

    def forward(self, x):
        mean, spread = self.enc(x).chunk(2, -1)
        return mean + torch.randn_like(mean) * spread.exp()


def test_what_draws_numbers_draws_the_same_from_a_seed(exported):
    model, x = Sampling().eval(), torch.randn(3, 4)
    network, report = import_pytorch(exported(model, {"x": x}, {"x": (0,)}))
    assert not report.placeholders
    built = build(network).eval()
    torch.manual_seed(5)
    ours = built(x)
    torch.manual_seed(5)
    assert torch.equal(ours, model(x))


class Noisy(nn.Module):
    """Noise that is drawn into tensors that are there, as for the choice of a class by chance."""

    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(4, 3)

    def forward(self, x):
        x = self.enc(x)
        chosen = x - torch.empty_like(x).uniform_(0, 1).add(1e-6).log().neg().log()
        more = torch.empty_like(x).uniform_(-2, 3), torch.zeros_like(x).normal_()
        return chosen, *more, torch.empty_like(x).normal_(mean=1, std=0.5), x.clone().normal_(std=2)


@pytest.mark.parametrize("traced", [False, True])
def test_what_is_drawn_in_place_is_the_same_from_a_seed(exported, traced, tmp_path):
    model, x = Noisy().eval(), torch.randn(3, 4)
    if traced:
        with warnings.catch_warnings(action="ignore"):
            torch.jit.trace(model, x, check_trace=False).save(tmp_path / "model.pt")
    path = tmp_path / "model.pt" if traced else exported(model, {"x": x}, {"x": (0,)})
    network, report = import_pytorch(path)
    assert not report.placeholders
    torch.manual_seed(5)
    ours = build(network).eval()(x)
    torch.manual_seed(5)
    for a, b in zip(ours, model(x), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


class Masked(nn.Module):
    def __init__(self, weights, causal):
        super().__init__()
        self.attn, self.weights, self.causal = nn.MultiheadAttention(8, 2, batch_first=True), weights, causal

    def forward(self, x, pad):
        mask = torch.ones(5, 5, dtype=torch.bool).triu(1) if self.causal else None
        return self.attn(x, x, x, key_padding_mask=pad, attn_mask=mask, need_weights=self.weights)[0]


@pytest.mark.parametrize(("weights", "causal"), [(False, False), (True, False), (False, True), (True, True)])
def test_attention_with_padding_is_one_layer(opened, weights, causal):
    pad = torch.tensor([[False] * 5, [False, False, False, True, True]])
    network, _ = opened(Masked(weights, causal), {"x": torch.randn(2, 5, 8), "pad": pad})
    attn = network.layer("attn")
    assert isinstance(attn, MultiheadAttention)
    assert (attn.key_padding_mask, attn.attn_mask) == (True, causal)
    assert network.connections[Port("attn", "key_padding_mask")] == Port("pad", "out")


class Counting(nn.Module):
    def forward(self, x):
        return x * 2, x.shape[0], None


def test_a_size_among_the_outputs_is_left_out_and_told(opened):
    network, report = opened(Counting(), {"x": torch.randn(2, 4)}, train=False)
    assert len(network.outputs) == 1
    assert any("is a number, which is left out" in note for note in report.notes)


class Turned(nn.Module):
    """Changes the sizes of tensors in place, and what views of them show."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        mask = x > 0
        mask.unsqueeze_(1)
        y = self.fc(x)
        z = y.clone().transpose_(0, 1)
        z.mul_(2)
        z[0] = 1
        y[:, 0].copy_(x[:, 1])
        y.unsqueeze_(0).squeeze_(0).add_(1)
        return mask.squeeze_(1), z.t_(), y, x.expand(2, -1, -1).clone().copy_(y)


@pytest.mark.parametrize("decomposed", [False, True])
def test_sizes_that_are_changed_in_place(opened, decomposed):
    network, _ = opened(Turned(), {"x": torch.randn(3, 4)}, decomposed=decomposed)
    assert not any(layer.operation.startswith("copy") for _, layer in network.walk() if hasattr(layer, "operation"))


class Resized(nn.Module):
    def forward(self, x):
        blurred = F.interpolate(x, size=(5, 7), mode="bilinear", antialias=True)
        return blurred, F.interpolate(x, scale_factor=1.5, mode="bicubic", antialias=True)


def test_pictures_are_made_smaller_without_aliasing(opened):
    opened(Resized(), {"x": torch.randn(2, 3, 12, 12)}, train=False)


class Transformed(nn.Module):
    def forward(self, x):
        found = torch.fft.rfft2(x, norm="ortho")
        back = torch.fft.irfft2(found, s=(6, 7), norm="forward")
        return back, torch.fft.ifft(torch.fft.fft(x, dim=1), dim=1, norm="ortho").real, torch.fft.hfft(found, n=8)


@pytest.mark.parametrize("decomposed", [False, True])
def test_transforms_of_fourier(opened, decomposed):
    opened(Transformed(), {"x": torch.randn(2, 6, 7)}, train=False, decomposed=decomposed)


class Checked(nn.Module):
    """Calls of linear algebra check their numbers, which is an effect."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4))

    def forward(self, x):
        square = x @ x.mT + torch.eye(4) * self.weight.abs().sum()
        return torch.linalg.inv(square), torch.linalg.cholesky(square), torch.linalg.det(square)


@pytest.mark.parametrize("decomposed", [False, True])
def test_calls_that_check_their_numbers(opened, decomposed):
    opened(Checked(), {"x": torch.randn(2, 4, 4)}, decomposed=decomposed)


def test_chance_that_no_layer_has_is_shown_as_a_placeholder(exported):
    model = nn.Sequential(nn.Linear(4, 4), nn.RReLU(), nn.FeatureAlphaDropout(0.2))
    network, report = import_pytorch(exported(model, {"input": torch.randn(2, 4)}, {"input": (0,)}, eval_mode=False))
    assert report.placeholders.keys() == {"aten.rrelu", "aten.feature_alpha_dropout"}
    assert isinstance(network.layer("0"), Linear)


class Spectrogram(nn.Module):
    """Sound to frequencies and back; torch looks at the numbers of the window."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(32))
        self.gain = nn.Parameter(torch.rand(17, 1))

    def forward(self, x):
        found = torch.stft(x, 32, 8, window=self.window, return_complex=True)
        return torch.istft(found * self.gain, 32, 8, window=self.window), found.abs()


def test_sound_is_made_of_frequencies(opened):
    network, _ = opened(Spectrogram(), {"x": torch.randn(2, 200)})
    assert not [problem for problem in analyze(network).problems if problem.severity == "error"]


class Alternating(nn.Module):
    """Two lists whose modules are called in turn, so that no group can hold all of one."""

    def __init__(self):
        super().__init__()
        self.first = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Tanh())) for _ in range(3))
        self.second = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3))

    def forward(self, x):
        for first, second in zip(self.first, self.second):
            x = second(first(x) + x)
        return x


def test_a_group_that_loses_all_of_its_layers_is_not_left_behind(opened):
    network, _ = opened(Alternating(), {"x": torch.randn(2, 4)})
    assert not analyze(network).problems


class LaidAnew(nn.Module):
    """Rows that become a picture again, laid out as one: a convolution runs other kernels where they are not."""

    def __init__(self):
        super().__init__()
        self.linear, self.conv = nn.Linear(8, 8), nn.Conv2d(8, 16, 3, padding=1)

    def forward(self, x):
        rows = self.linear(x.permute(0, 2, 3, 1).contiguous().reshape(-1, 256, 8))
        heads = rows.unflatten(2, (2, 4)).transpose(1, 2).contiguous()
        return self.conv(rows.reshape(-1, 16, 16, 8).permute(0, 3, 1, 2).contiguous()), heads.sum(3)


@pytest.mark.parametrize("decomposed", [False, True])
def test_a_copy_stays_where_the_kernels_of_a_convolution_depend_on_it(exported, decomposed):
    torch.manual_seed(0)
    model, x = LaidAnew().eval(), torch.randn(2, 8, 16, 16)
    network, _ = import_pytorch(exported(model, {"x": x}, {"x": (0,)}, decomposed=decomposed))
    copies = [layer for _, layer in network.walk() if getattr(layer, "operation", "") == "contiguous"]
    assert len(copies) == 1
    assert ".contiguous()" in write_pytorch(network)
    assert torch.equal(build(network)(x)[0], model(x)[0])


class LanguageModel(nn.Module):
    """What it says, and the loss of all words in one row; a mask of few positions, and numbers made of sizes."""

    def __init__(self):
        super().__init__()
        self.emb, self.head = nn.Embedding(20, 8), nn.Linear(8, 20)
        self.register_buffer("mask", torch.ones(9, 9).tril().bool())

    def forward(self, x, y):
        words = x.shape[1]
        q = self.emb(x)[:, None] * words**-0.5
        scores = self.head(F.scaled_dot_product_attention(q, q, q, self.mask[:words, :words])[:, 0])
        return scores, F.cross_entropy(scores.reshape(-1, 20), y.reshape(-1)), torch.full((x.shape[0],), 2 / words)


def test_words_that_a_loss_compares_are_as_many(exported):
    torch.manual_seed(0)
    model, x, y = LanguageModel().eval(), torch.randint(0, 20, (2, 5)), torch.randint(0, 20, (2, 5))
    network, report = import_pytorch(exported(model, {"x": x, "y": y}, {"x": (0, 1), "y": (0, 1)}))
    assert not report.placeholders
    assert [network.layer(name).shape for name in ("x", "y")] == [("B", "T")] * 2
    told = [note for note in report.notes if "taken for" in note]
    assert [note.partition(",")[0] for note in told] == [f"size {n} of y is taken for size {n} of x" for n in (0, 1)]
    for size in (5, 4):
        given = torch.cat([x, x[:1]])[:, :size], torch.cat([y, y[:1]])[:, :size]
        for ours, theirs in zip(build(network)(*given), model(*given), strict=True):
            assert torch.equal(ours, theirs)


class Packed(nn.Module):
    """Weights of whole numbers, which are parameters all the same, and a place for each of them."""

    def __init__(self):
        super().__init__()
        self.packed = nn.Parameter(torch.randint(-128, 127, (4, 4), dtype=torch.int8), requires_grad=False)
        self.scale, self.order = nn.Parameter(torch.rand(4, 1)), nn.Parameter(torch.randperm(4), requires_grad=False)

    def forward(self, x):
        return F.linear(x, self.packed.float() * self.scale)[:, self.order]


def test_parameters_of_whole_numbers_are_kept_as_they_are(opened):
    network, report = opened(Packed(), {"x": torch.randn(2, 4)})
    assert any(note.startswith("packed, order are parameters of whole numbers") for note in report.notes)
    state = build(network).state_dict()
    assert {key: value.dtype for key, value in state.items()} == {
        "packed": torch.int8,
        "scale": torch.float32,
        "order": torch.int64,
    }


class Weighed(nn.Module):
    """Bags whose indices have factors, as a matrix and as one row; statistics of all batches."""

    def __init__(self):
        super().__init__()
        self.bag, self.row = (nn.EmbeddingBag(9, 4, mode="sum") for _ in range(2))
        self.norm = nn.BatchNorm1d(4, momentum=None)

    def forward(self, x, weights):
        starts = torch.arange(0, x.numel(), 3)
        found = self.row(x.reshape(-1), starts, per_sample_weights=weights.reshape(-1))
        return self.norm(self.bag(x, per_sample_weights=weights) + found)


def test_bags_with_factors_and_statistics_of_all_batches(opened):
    network, _ = opened(Weighed(), {"x": torch.randint(0, 9, (2, 3)), "weights": torch.rand(2, 3)})
    assert network.layer("bag") == EmbeddingBag(9, 4, mode="sum", per_sample_weights=True)
    assert network.layer("row").per_sample_weights
    assert network.layer("norm").momentum is None


class Extended(nn.Module):
    """Attention to keys of its own: one that is learnt, and one of zeros."""

    def __init__(self, **more):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **more)

    def forward(self, x, hidden):
        weighed = self.attention(x, x, x, key_padding_mask=hidden, attn_mask=torch.ones(3, 3).triu(1).bool())
        return *weighed, self.attention(x, x, x, need_weights=False)[0]


@pytest.mark.parametrize(
    ("learnt", "zeros"),
    [(True, True), *(pytest.param(one, not one, marks=pytest.mark.nightly) for one in (True, False))],
)
def test_attention_to_keys_of_its_own_is_one_layer(opened, learnt, zeros):
    inputs = {"x": torch.randn(2, 3, 8), "hidden": torch.tensor([[False, False, True]] * 2)}
    model = Extended(add_bias_kv=learnt, add_zero_attn=zeros)
    network, _ = opened(model, inputs)
    found = [layer for _, layer in network.walk() if isinstance(layer, MultiheadAttention)]
    assert found
    assert {(layer.add_bias_kv, layer.add_zero_attn) for layer in found} == {(learnt, zeros)}
    assert build(network).state_dict().keys() == model.state_dict().keys()
