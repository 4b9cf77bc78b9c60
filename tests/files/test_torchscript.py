"""Opening TorchScript files without torch.jit.load: the network gives what the model gives."""

import warnings

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode

from designer.files.asking import NeedsInputs
from designer.files.errors import FileError
from designer.files.imports import import_pytorch
from designer.files.program import Ref
from designer.files.torchscript.alike import Answers, Reshaped
from designer.files.torchscript.numbers import Number
from designer.files.torchscript.worlds import Value
from designer.model import Input
from designer.source import build


@pytest.fixture
def saved(tmp_path):
    """Write a module as TorchScript: traced with inputs, else scripted."""

    def save(module, *inputs, name="model.pt", train=False):
        path = tmp_path / name
        module.train(train)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated, and tracing warns about the code it traces
            if inputs:
                script = torch.jit.trace(module, inputs, strict=False, check_trace=False)
            else:
                script = torch.jit.script(module)
            torch.jit.save(script, path)
        return path

    return save


def leaves(value):
    if isinstance(value, torch.Tensor):
        return [value]
    values = value.values() if isinstance(value, dict) else value
    return [leaf for entry in values for leaf in leaves(entry)]


def check(module, network, *inputs):
    """Outputs, gradients and the names of the state_dict are those of the module."""
    built = build(network)
    built.train(module.training)
    given, wanted = leaves(built(*inputs)), leaves(module(*inputs))
    assert [a.shape for a in given] == [b.shape for b in wanted]
    for a, b in zip(given, wanted):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
    if not any(out.requires_grad for out in wanted):
        return built
    for net, outputs in ((built, given), (module, wanted)):
        net.zero_grad()
        sum(out.square().sum() for out in outputs if out.requires_grad).backward()
    named = dict(built.named_parameters())
    for name, parameter in module.named_parameters():
        mine = named.get(network.aliases.get(name, name))
        if mine is None or parameter.grad is None:
            continue
        assert mine.requires_grad == parameter.requires_grad
        torch.testing.assert_close(mine.grad, parameter.grad, rtol=1e-4, atol=1e-5)
    return built


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x
        return self.relu(y)


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.layer1 = nn.Sequential(Residual(8), Residual(8))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.pool(self.layer1(nn.functional.max_pool2d(self.stem(x), 2)))
        return self.fc(torch.flatten(x, 1))


class Words(nn.Module):
    """A tied language model with an LSTM, attention, a mask and a dictionary of outputs."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(11, 8)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 11)
        self.head.weight = self.emb.weight
        self.register_buffer("scale", torch.full((1,), 0.5))
        self.norm.bias.requires_grad_(False)

    def forward(self, ids, mask):
        x, _ = self.lstm(self.emb(ids))
        attended, _ = self.attention(x, x, x)
        B, T = ids.shape
        x = self.norm(x + attended.reshape(B, T * 2, 4).view(B, T, 8) * mask.unsqueeze(-1)) * self.scale
        positions = torch.arange(T, device=ids.device).float() / T**0.5
        return {"logits": self.head(x + positions[:, None]), "states": x}


def test_open_a_traced_perceptron(saved):
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
    network, report = import_pytorch(saved(module, torch.rand(1, 4)))
    assert report.kind == "TorchScript"
    assert dict(report.layers) == {"Linear": 2, "ReLU": 1, "Dropout": 1}
    assert network.layer(network.inputs[0]).shape == ("B", 4)
    assert check(module, network, torch.rand(5, 4)).state_dict().keys() == module.state_dict().keys()
    assert not report.notes


def test_open_a_traced_residual_network(saved):
    module = Images()
    network, report = import_pytorch(saved(module, torch.rand(2, 3, 16, 16)))
    assert report.layers["BatchNorm2d"] == 5
    assert set(network.layers) >= {"stem", "layer1", "pool", "fc"}
    for batch in (2, 7):
        built = check(module, network, torch.rand(batch, 3, 16, 16))
    assert built.state_dict().keys() <= module.state_dict().keys()


def test_open_a_traced_language_model_for_any_batch_and_time(saved):
    module = Words()
    network, report = import_pytorch(saved(module, torch.randint(0, 11, (2, 6)), torch.rand(2, 6)))
    assert [network.layer(name).shape for name in network.inputs] == [("B", "T"), ("B", "T")]
    assert list(network.inputs) == ["ids", "mask"]
    assert list(network.outputs) == ["logits", "states"]
    assert dict(report.ties) == {"head.weight": "emb.weight"}
    assert report.layers["LSTM"] == report.layers["MultiheadAttention"] == report.layers["LayerNorm"] == 1
    assert "scale" in network.values
    for sizes in ((2, 6), (3, 9)):
        check(module, network, torch.randint(0, 11, sizes), torch.rand(sizes))
    assert report.difference == 0


class Branches(nn.Module):
    """Loops, optional inputs, lists, and conditions that its settings decide."""

    count: int

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.1)
        self.count = 3

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> tuple[torch.Tensor, list[torch.Tensor]]:
        seen: list[torch.Tensor] = []
        for layer in self.layers:
            x = torch.relu(layer(x))
            seen.append(x)
        if mask is not None:
            x = x * mask
        i = 0
        while i < self.count:
            i += 1
            x = x + i
        if x.size(-1) > 100:
            x = x * 2
        return self.norm(self.drop(x)), seen


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(20, 8)
        self.lstm = nn.LSTM(8, 8, 2, batch_first=True)
        self.gru = nn.GRU(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 20)
        self.head.weight = self.emb.weight

    def forward(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        x, _ = self.lstm(self.emb(ids))
        y, _ = self.gru(x)
        z, _ = self.attention(x, x, y)
        return {"logits": self.head(self.norm(x + z)), "y": y}


class Decides(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Sequential(nn.Linear(4, 2))
        self.b[0].bias.requires_grad_(False)

    def forward(self, x):
        x = self.a(x)
        if x.sum() > 0:
            x = x * 2
        return self.b(x)


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(3, 5)
        self.out = nn.Linear(5, 2)

    def forward(self, x):
        h = torch.zeros(x.size(0), 5)
        c = torch.zeros(x.size(0), 5)
        outs: list[torch.Tensor] = []
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
            outs.append(self.out(h))
        if x.size(0) > 100:
            return torch.stack(outs, 1) * 2
        return torch.stack(outs, 1)


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(2))
        self.up = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)
        self.fc = nn.Linear(8 * 8 * 8, 10)

    def forward(self, x):
        y = self.net(x)
        z = nn.functional.interpolate(self.up(y), size=x.shape[-2:])
        return self.fc(y.flatten(1)), torch.sigmoid(z)


@pytest.mark.parametrize(
    ("module", "sizes", "layers"),
    [
        (Branches(), lambda n: (n, 4), {"Linear": 2, "BatchNorm1d": 1, "Dropout": 1}),
        (Tokens(), lambda n: (n, n + 3), {"Embedding": 1, "LSTM": 1, "GRU": 1, "MultiheadAttention": 1}),
        (Pyramid(), lambda n: (n, 3, 32, 32), {"Conv2d": 1, "MaxPool2d": 1, "Linear": 1, "Upsample": 1}),
    ],
)
def test_open_scripted_files_on_the_way_that_their_inputs_take(saved, module, sizes, layers):
    network, report = import_pytorch(saved(module))
    note, *_ = report.notes  # what evaluation hides may follow
    assert note.startswith("the sizes of its inputs are guessed from its first layers: ")
    assert report.layers.items() >= layers.items()
    for n in (2, 4):
        x = torch.randint(0, 20, sizes(n)) if "Embedding" in layers else torch.rand(sizes(n))
        check(module, network, x)


def test_name_what_depends_on_the_size_of_the_inputs(saved):
    module = Steps()
    network, report = import_pytorch(saved(module), inputs={"x": ("N", 6, 3)})
    assert network.layer("x").shape == ("N", 6, 3)
    check(module, network, torch.rand(4, 6, 3))
    (note,) = report.notes
    assert note.startswith("it decides by a size of its inputs, as for those that were tried (line 22 of code/")
    assert report.difference == 0


def test_give_an_input_that_is_optional(saved):
    module = Branches()
    network, _ = import_pytorch(saved(module), inputs=(torch.rand(2, 4), torch.rand(2, 4)))
    assert list(network.inputs) == ["x", "mask"]
    check(module, network, torch.rand(3, 4), torch.rand(3, 4))


def test_show_the_modules_of_a_program_that_depends_on_data(saved):
    module = Decides()
    network, report = import_pytorch(saved(module))
    assert not network.inputs
    assert {name: value.tolist() for name, value in network.values.items()} == {
        name: value.tolist() for name, value in module.state_dict().items()
    }
    (note,) = report.notes
    assert note.startswith(
        "its modules are shown without wires, because it cannot be followed: "
        "a condition depends on the numbers of a tensor (line 12 of code/__torch__/"
    )
    assert report.difference is None


def test_ask_for_the_inputs_where_nothing_tells_them(saved):
    class Any(nn.Module):
        def forward(self, x, y):
            return torch.cat([x, y], 1)

    path = saved(Any())
    with pytest.raises(NeedsInputs) as asked:
        import_pytorch(path)
    assert [wanted.name for wanted in asked.value.inputs] == ["x", "y"]
    with pytest.raises(FileError, match="does not take these inputs: cat does not take what it is given: "):
        import_pytorch(path, inputs=((2, 2), (3, 3)))
    with pytest.raises(FileError, match="it takes 'x', 'y', and not 'z'"):
        import_pytorch(path, inputs={"x": (2, 2), "z": (3, 3)})
    network, _ = import_pytorch(path, inputs={"x": Input(("B", 2)), "y": Input(("B", 3))})
    check(Any(), network, torch.rand(4, 2), torch.rand(4, 3))


def test_structured_inputs_become_inputs_of_their_own(saved):
    class States(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(4, 4)

        def forward(self, x, states):
            y, (h, c) = self.lstm(x, states)
            return y, (h, c)

    module = States()
    given = torch.rand(3, 2, 4), (torch.rand(1, 2, 4), torch.rand(1, 2, 4))
    network, _ = import_pytorch(saved(module, *given))
    assert list(network.inputs) == ["x", "states_0", "states_1"]
    assert list(network.outputs) == ["out_0", "out_1_0", "out_1_1"]
    built = build(network).eval()
    wanted = leaves(module(*given))
    assert all(torch.equal(a, b) for a, b in zip(leaves(built(given[0], *given[1])), wanted))


def test_open_what_torch_fused_where_nothing_is_trained(saved, tmp_path):
    torch.backends.mha.set_fastpath_enabled(True)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
    with torch.no_grad():
        path = saved(encoder, torch.rand(2, 5, 8))
    torch.backends.mha.set_fastpath_enabled(False)
    network, report = import_pytorch(path)
    assert dict(report.layers) == {"Add": 4, "LayerNorm": 4, "Linear": 4, "MultiheadAttention": 2, "ReLU": 2}
    built = check(encoder, network, torch.rand(3, 7, 8))
    assert built.state_dict().keys() == encoder.state_dict().keys()


@pytest.mark.parametrize("traced", [True, False])
def test_open_a_frozen_model(tmp_path, traced):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()
    x = torch.rand(2, 3, 8, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frozen = torch.jit.freeze(torch.jit.trace(module, x) if traced else torch.jit.script(module))
        torch.jit.save(frozen, tmp_path / "frozen.pt")
    network, report = import_pytorch(tmp_path / "frozen.pt")
    assert dict(report.layers).items() >= {"Conv2d": 1, "ReLU": 1, "Flatten": 1, "Linear": 1}.items()
    assert torch.equal(build(network)(x), module(x))


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.register_buffer("steps", torch.zeros(()))
        self.sizes = [3, 5]

    def forward(self, parts: list[torch.Tensor], by: int):
        self.steps += 1
        y = torch.cat(parts, 1) + by
        for n, size in enumerate(self.sizes):
            y = y * size + n
        return [self.fc(part) for part in parts], y


def test_open_a_list_of_inputs_and_compare_with_what_was_given(saved):
    module = Listed()
    network, report = import_pytorch(saved(module), inputs={"parts": (torch.rand(2, 4), torch.rand(2, 4)), "by": 3})
    assert list(network.inputs) == ["parts_0", "parts_1"]
    assert list(network.outputs) == ["out_0_0", "out_0_1", "out_1"]
    assert list(map(str, report.notes)) == ["the file changes 'steps' in each run, which is left out"]
    parts = [torch.rand(3, 4), torch.rand(3, 4)]
    assert all(torch.equal(a, b) for a, b in zip(leaves(build(network)(*parts)), leaves(module(parts, 3))))
    assert report.difference == 0


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_convolutions_with_the_padding_in_words(saved, dims):
    conv = getattr(nn, f"Conv{dims}d")
    module = nn.Sequential(conv(3, 4, 3, padding="same", dilation=2), nn.ReLU(), conv(4, 2, 3, padding="valid")).eval()
    x = torch.randn(2, 3, *[8] * dims)
    network, _ = import_pytorch(saved(module, x))
    check(module, network, x)
    assert network.layer("0").padding == "same"


def test_scripted_loops_over_dimensions(saved):
    module = nn.Sequential(nn.InstanceNorm2d(3, affine=True), nn.Flatten(), nn.Linear(48, 2)).eval()
    x = torch.randn(2, 3, 4, 4)
    network, _ = import_pytorch(saved(module), inputs=x)
    check(module, network, x)
    assert network.layer("0").affine


class Alike(nn.Module):
    """Values that look the same, one of which becomes another in place, and numbers that are equal."""

    def __init__(self, reshaped):
        super().__init__()
        self.blocks = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU()) for _ in range(3)))
        self.reshaped = reshaped

    def forward(self, x):
        x = self.blocks(x)
        a, b = x * 2, x + 3
        a = a.t_() if self.reshaped else a.t()
        zeros = torch.full((4,), 1), torch.full((4,), 1.0)
        return a @ b, b, x.sum(0, keepdim=True), x.sum(0), x.sum(1), *zeros


@pytest.mark.parametrize("reshaped", [False, True])
@pytest.mark.parametrize("script", [False, True])
def test_values_that_look_the_same(saved, reshaped, script):
    module, x = Alike(reshaped), torch.rand(3, 4)
    path = saved(module) if script else saved(module, x)
    network, report = import_pytorch(path, x)
    assert not report.placeholders
    check(module, network, torch.rand(5, 4))


def test_what_was_asked_is_remembered():
    with FakeTensorMode():
        values = [Value(Ref("a"), (torch.empty(2, 3), torch.empty(4, 3))) for _ in range(2)]
        answers = Answers(True)
        a, b = (Value(value.ref, answers.like(value.fakes)) for value in values)
        other = Value(a.ref, answers.like((torch.empty(3, 2).t(), torch.empty(4, 3))))
    relu, ask = torch.ops.aten.relu.default, answers.ask
    assert ask(relu, [a], {}) == ask(relu, [b], {}) != ask(relu, [other], {})
    assert len({ask(relu, [a, number], {"n": [number]}) for number in (1, 1.0, True, Number((1, 1)), None)}) == 5
    with pytest.raises(Reshaped):
        ask(torch.ops.aten.t_.default, [a], {})
    assert Answers(False).ask(relu, [a], {}) != Answers(False).ask(relu, [a], {})
