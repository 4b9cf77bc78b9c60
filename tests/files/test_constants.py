"""Constants are written so that the source makes the very same numbers."""

import math

import pytest
import torch
from torch import nn

from designer.files.constants import INLINE, constant

FILLED = {
    "full": (torch.full((3, 4), 0.1), "full"),
    "true": (torch.ones(5, dtype=torch.bool), "full"),
    "one number": (torch.tensor(-math.inf), "full"),
    "positions": (torch.arange(512)[None], "arange"),
    "steps": (torch.arange(2.0, 8.0, 0.5).reshape(3, 4), "arange"),
    "down": (torch.arange(9, 0, -2), "arange"),
    "diagonal": (torch.eye(4, 6), "eye"),
    "causal": (torch.ones(1, 1, 64, 64).tril(), "tril"),
    "bits": (torch.ones(7, 7, dtype=torch.bool).tril(), "tril"),
    "mask": (torch.full((9, 9), -math.inf).triu(1), "triu"),
    "few": (torch.tensor([0.1, math.nan, math.inf, -1e-30]), "numbers"),
    "integers": (torch.tensor([[5, -(2**62)], [2**62, 0]]), "numbers"),
    "halves": (torch.tensor([0.1, 0.7, 65504.0], dtype=torch.float16), "numbers"),
    "bytes": (torch.tensor([[7], [255]], dtype=torch.uint8), "numbers"),
    "two": (torch.tensor([True, False]), "numbers"),
    "infinite steps": (torch.tensor([0.0, math.inf, math.inf]), "numbers"),
}


@pytest.mark.parametrize("what", FILLED)
def test_numbers_are_made_again_exactly(what):
    tensor, fill = FILLED[what]
    layer, needed = constant(tensor)
    assert layer.fill == fill
    assert not needed
    made = eval(layer.module(), {"torch": torch, "nn": nn})
    assert made.dtype == tensor.dtype
    assert made.shape == tensor.shape
    assert torch.equal(made.nan_to_num(), tensor.nan_to_num())
    assert torch.equal(made.isnan(), tensor.isnan())
    assert not made.persistent


@pytest.mark.parametrize("tensor", [torch.rand(INLINE + 1), torch.zeros(3, dtype=torch.complex64)])
def test_others_are_values(tensor):
    layer, needed = constant(tensor)
    assert needed
    assert (layer.fill, layer.persistent) == ("values", False)
    assert layer.shape == tensor.shape
    assert str(tensor.dtype) == f"torch.{layer.dtype}"


def test_no_numbers_need_no_value():
    assert not constant(torch.zeros(0, 3))[1]


def test_random_numbers_are_kept_to_the_last_bit():
    tensor = torch.randn(1000)
    made = eval(constant(tensor)[0].module(), {"torch": torch, "nn": nn})
    assert torch.equal(made, tensor)
