"""Experts as products of groups of rows, each with a matrix of its own."""

import os
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import analyze, build, import_pytorch
from designer.layers import Operation


def mixtral(size=64):
    """Experts of a library, which calls an operation of its own where it is exported."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers as library
    config = library.MixtralConfig(
        hidden_size=32,
        intermediate_size=size,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=3,
        vocab_size=50,
        max_position_embeddings=32,
        use_cache=False,
    )
    return library.MixtralForCausalLM(config), {"input_ids": torch.randint(0, 50, (2, 7))}


class Experts(nn.Module):
    """The function of torch."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(3, 8, 4))

    def forward(self, x, expert):
        rows = x[expert.argsort(stable=True)]
        ends = F.one_hot(expert, 3).sum(0).cumsum(0).to(torch.int32)
        return F.grouped_mm(rows, self.weights, offs=ends)


MODELS = {
    "a library's": mixtral,
    "torch's": lambda: (Experts(), {"x": torch.randn(6, 8), "expert": torch.tensor([0, 2, 2, 1, 0, 2])}),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [  # torch cannot export its own
        pytest.param("a library's", "pt2", marks=pytest.mark.nightly),
        ("a library's", "TorchScript"),
        ("torch's", "TorchScript"),
    ],
)
def test_experts_are_products_of_groups(name, kind, exported, tmp_path):
    torch.manual_seed(0)
    model, inputs = MODELS[name]()
    path = tmp_path / "model.pt"
    if kind == "pt2":
        path = exported(model.eval(), inputs, dict.fromkeys(inputs, (0,)))
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            script = torch.jit.trace(model.eval(), example_kwarg_inputs=inputs, strict=False, check_trace=False)
            script.save(path)
    network, report = import_pytorch(path)
    assert not report.placeholders
    assert not analyze(network).problems
    built = build(network).eval()
    found = []
    for given in (built(*inputs.values()), model(**inputs)):
        out = next(iter(given.values())) if isinstance(given, dict) else given
        out.square().sum().backward()
        found.append(out)
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-6)
    named = dict(model.named_parameters())
    for key, parameter in built.named_parameters():
        torch.testing.assert_close(parameter.grad, named[key].grad, rtol=1e-4, atol=1e-5)


def test_rows_that_torch_would_refuse_stay_a_placeholder(exported):
    model, inputs = mixtral(size=6)
    _, report = import_pytorch(exported(model.eval(), inputs, {"input_ids": (0,)}))
    assert report.placeholders == {"transformers.grouped_mm_fallback": 1}


def test_groups_that_do_not_fit_are_told():
    ports = ("x", "w", "ends")
    layer = Operation("_grouped_mm", ports, tuple(("port", port) for port in ports))
    assert layer.check((6, 8), (3, 8, 4), (3,)) is None
    assert layer.check((6, 8), (3, 9, 4), (3,)).startswith("_grouped_mm needs sizes such as (N, C), (G, C, D) and (G,)")
