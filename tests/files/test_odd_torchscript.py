"""TorchScript files whose programs do something unusual: they are followed as they are."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import build, import_pytorch


@pytest.fixture
def saved(tmp_path):
    """Write a module as TorchScript: traced with inputs, by position or by name, else scripted."""

    def save(module, *inputs, **named):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated, and tracing warns about the code it traces
            if named:
                script = torch.jit.trace(module, example_kwarg_inputs=named)
            else:
                script = torch.jit.trace(module, inputs) if inputs else torch.jit.script(module)
            torch.jit.save(script, tmp_path / "model.pt")
        return tmp_path / "model.pt"

    return save


def check(module, network, x):
    """Another batch too."""
    built = build(network).eval()
    for given in (x, torch.cat([x, x[:1]])):
        assert torch.equal(built(given), module(given))
    assert dict(built.named_parameters()).keys() <= dict(module.named_parameters()).keys()


class Cube(nn.Module):
    """Several calls, so that it becomes a group."""

    def forward(self, x):
        return x + 0.1 * torch.pow(x, 3)


class Shaped(nn.Module):
    """A block that takes an activation which others have too, and weights that need a transposition."""

    def __init__(self, act):
        super().__init__()
        self.weight, self.act, self.out = nn.Parameter(torch.randn(4, 6)), act, nn.Linear(6, 4)

    def forward(self, x):
        return x + self.out(self.act(torch.addmm(torch.zeros(6), x, self.weight)))


def test_an_activation_that_several_blocks_share(saved):
    act = Cube()
    module = nn.Sequential(Shaped(act), Shaped(act), Shaped(act)).eval()
    x = torch.randn(2, 4)
    network, _ = import_pytorch(saved(module, x))
    check(module, network, x)


class Words(nn.Module):
    """Modules and numbers whose names are words of Python, or no names at all."""

    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(4, 4) for name in ("in", "class", "a-b", "from")})
        self.register_buffer("lambda", torch.ones(4))

    def forward(self, x):
        for head in self.heads.values():
            x = head(x)
        return x


@pytest.mark.parametrize("traced", [True, False])
def test_attributes_that_are_words_of_python(saved, traced):
    module, x = Words().eval(), torch.randn(2, 4)
    network, report = import_pytorch(saved(module, x) if traced else saved(module), inputs=x)
    assert torch.equal(build(network)(x), module(x))
    assert report.renamed["heads.in.weight"] == "heads.in_.weight"
    assert dict(report.layers) == {"Linear": 4}


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        with torch.no_grad():
            x = self.body(x)
        return self.head(x)


def test_a_scripted_part_that_is_not_trained(saved):
    module, x = Frozen(), torch.randn(2, 4)
    network, _ = import_pytorch(saved(module), inputs=x)
    built = build(network)
    built(x).sum().backward()
    assert torch.equal(built(x), module(x))
    assert built.body.weight.grad is None
    assert built.head.weight.grad is not None


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.fc = nn.Embedding(9, 4), nn.Linear(5, 4)

    def forward(self, ids, x):
        return self.emb(ids) + self.fc(x)[:, None]


def test_inputs_that_were_given_by_name_in_another_order(saved):
    module, ids, x = Pair().eval(), torch.randint(0, 9, (2, 3)), torch.randn(2, 5)
    network, _ = import_pytorch(saved(module, x=x, ids=ids))
    assert {name: network.layer(name).dtype for name in network.inputs} == {"ids": "int64", "x": "float32"}
    assert torch.equal(build(network)(ids=ids, x=x), module(ids, x))


class Patches(nn.Module):
    """Steps so wide that sizes which are nearly alike give as many."""

    def __init__(self):
        super().__init__()
        self.conv, self.position = nn.Conv1d(4, 4, 10, 10), nn.Parameter(torch.randn(1, 4, 6))

    def forward(self, x):
        return self.conv(x.transpose(1, 2)) + self.position


def test_a_size_that_a_learnable_fixes_is_not_freed(saved):
    module, x = Patches().eval(), torch.randn(2, 64, 4)
    network, _ = import_pytorch(saved(module, x))
    check(module, network, x)
    assert network.layer("x").shape == ("B", 64, 4)


class Filled(nn.Module):
    """A number with a point that is equal to a size, and numbers rounded to steps, which torch knows on real ones."""

    def forward(self, x):
        rounded = torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -128, 127)
        return rounded, torch.full((2, x.shape[0]), x.shape[0] * 1.0), torch.full((x.shape[0],), x.shape[0] * 0.5)


def test_numbers_with_a_point_are_computed_of_sizes(saved):
    module, x = Filled(), torch.randn(3, 4)
    network, report = import_pytorch(saved(module, x))
    assert not report.placeholders
    for given in (x, torch.randn(5, 4)):
        for ours, theirs in zip(build(network)(given), module(given), strict=True):
            assert torch.equal(ours, theirs)
            assert ours.dtype == theirs.dtype


class Halved(nn.Module):
    """Sizes times a number that tracing stores as a tensor, and numbers whose bits are moved."""

    def forward(self, x):
        return F.interpolate(x, scale_factor=0.5, mode="area"), (x * 4).int() << 1


def test_sizes_times_a_stored_number(saved):
    module, x = Halved(), torch.randn(2, 3, 8, 8)
    network, _ = import_pytorch(saved(module, x))
    for given in (x, torch.randn(3, 3, 8, 8)):
        for ours, theirs in zip(build(network)(given), module(given), strict=True):
            assert torch.equal(ours, theirs)
