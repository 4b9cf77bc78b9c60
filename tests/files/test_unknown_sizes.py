"""Models whose sizes depend on numbers: shown with a size that has a name of its own, and run as they are."""

import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from designer import analyze, build, import_pytorch


class Model(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.fc, self.function = nn.Linear(4, 3), function

    def forward(self, x):
        return self.function(self, x)


def moved(_, x):
    mask, out = x > 0, x.clone()
    out[mask] = x[mask] * 2
    return out


def routed(m, x):
    out = torch.zeros_like(x)
    for n in range(2):
        mask = x[:, n] > 0
        out[mask] += x[mask] * x[mask][:, :1]
    return m.fc(out)


def last(m, x):
    """The row of each example that ends it, as classifiers of sequences take theirs."""
    rows = x.unsqueeze(1).expand(-1, 3, -1)
    ends = torch.arange(3).expand(x.shape[0], 3).eq(1)
    return m.fc(rows[ends, :].view(rows.shape[0], -1, 4)[:, -1])


MODELS = {
    "numbers": (lambda _, x: x[x > 0] * 2, {"index": ("T1",), "mul": ("T1",)}),
    "rows": (lambda m, x: m.fc(x[x.sum(1) > 0]), {"index": ("T1", 4), "fc": ("T1", 3)}),
    "two": (lambda _, x: (x[x > 0], x[x < 0]), {"index": ("T1",), "index_1": ("T2",)}),
    "places": (lambda _, x: torch.nonzero(x), {"nonzero": ("T1", 2)}),
    "places apart": (lambda _, x: x[torch.where(x[:, 0] > 0)[0]], {"where": ("T1",), "index": ("T1", 4)}),
    "selected": (lambda _, x: torch.masked_select(x, x > 0).sum(), {"masked_select": ("T1",), "sum": ()}),
    "unique": (lambda _, x: torch.unique(x.round(), return_counts=True), {"unique2": ("T1",), "out_1": ("T1",)}),
    "unique rows": (lambda _, x: torch.unique(x.round(), dim=0), {"unique_dim": ("T1", 4)}),
    "multiplied": (lambda _, x: x[(mask := x > 0)] * x.square()[mask], {"index": ("T1",), "multiply": ("T1",)}),
    "routed": (routed, {"index": ("T1", 4), "fc": ("B", 3)}),
    "last": (last, {"index": ("T1", 4), "fc": ("B", 3)}),
    "counted": (
        lambda _, x: x / torch.bincount(x[:, 0].abs().long(), minlength=x.shape[1])[:, None].clamp(min=1).mT,
        {"bincount": ("T1",), "divide": ("B", 4)},
    ),
    "written": (moved, {"index": ("T1",), "index_put": ("B", 4)}),
}


KINDS = [(name, kind) for name in MODELS for kind in ("pt2", "fixed")]
KINDS += [pytest.param(name, "TorchScript", marks=pytest.mark.nightly) for name in MODELS if name != "counted"]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_sizes_that_depend_on_numbers(name, kind, tmp_path):
    function, shapes = MODELS[name]
    torch.manual_seed(0)
    module, x, path = Model(function).eval(), torch.randn(5, 4), tmp_path / "model.pt"
    if kind == "TorchScript":
        torch.jit.trace(module, x).save(path)
        net, report = import_pytorch(path, x)
    else:
        free = None if kind == "fixed" else {"x": {0: torch.export.Dim("B")}}
        torch.export.save(torch.export.export(module, (x,), dynamic_shapes=free), path.with_suffix(".pt2"))
        net, report = import_pytorch(path.with_suffix(".pt2"))
    found = analyze(net)
    assert not found.problems
    rows = {row.name: row.activations[0] for row in found.rows if row.activations}
    wanted = {name: tuple(5 if size == "B" and kind == "fixed" else size for size in s) for name, s in shapes.items()}
    assert {name: rows[name] for name in shapes} == wanted
    if name == "rows" and kind != "fixed":
        assert report.difference == 0
    built = build(net).eval()
    for numbers in (x,) if kind == "fixed" else (x, torch.randn(7, 4)):
        given, right = tree_leaves(built(numbers)), tree_leaves(module(numbers))
        assert len(given) == len(right)
        assert all(map(torch.equal, given, right))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_size_of_a_trace_that_numbers_decide_and_a_fixed_one_has_to_meet(tmp_path):
    """What the trace does with it cannot be known: its parts are shown, and why no more."""
    function, _ = MODELS["counted"]
    x, path = torch.randn(5, 4), tmp_path / "model.pt"
    torch.jit.trace(Model(function).eval(), x).save(path)
    net, report = import_pytorch(path, x)
    assert [path for path, _ in net.walk()] == ["fc", "fc.weight", "fc.bias"]
    assert "div depends on the numbers of a tensor" in report.notes[0]
