"""What torch gave for an operation is given again only where torch would give the same."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from designer.analysis import answers
from designer.analysis.probe import _counter


@pytest.fixture(autouse=True)
def nothing_known():
    answers._given.clear()
    answers._alike.clear()


def meta(*sizes, dtype=torch.float32):
    return torch.empty(sizes, dtype=dtype, device="meta")


def known(t):
    return tuple(t.shape), t.stride(), t.dtype


def unlike(call, *tensors):
    """What differs between torch's answer and ours, the first time and when it is known."""
    with torch.no_grad():
        right = call(*tensors)
        with _counter():
            ours = [call(*tensors) for _ in range(2)]
    flat = [answer if isinstance(answer, tuple) else (answer,) for answer in (right, *ours)]
    return [(*map(known, one),) for one in flat[1:] if [*map(known, one)] != [*map(known, flat[0])]]


CALLS = (
    lambda x: F.relu(x),
    lambda x: x * 2,
    lambda x: x * 2.5,
    lambda x: x + True,
    lambda x: x / 2,
    lambda x: x == 1.0,
    lambda x: F.gelu(x.float(), approximate="tanh"),
    lambda x: x.to(torch.float64),
    lambda x: F.layer_norm(x.float(), x.shape[-1:], eps=1e-3),
    lambda x: F.dropout(x.float(), 0.3, True),
    lambda x: x + meta(dtype=torch.float64),
    lambda x: x + meta(x.shape[-1], dtype=torch.float16),
    lambda x: torch.where(x > 0, x, 0.5),
    lambda x: x.float().mean(-1),
    lambda x: x.sum(),
    lambda x: x.transpose(0, -1) * 3,
    lambda x: x.clone().add_(x),
    lambda x: torch.frexp(x.float()),
    lambda x: torch.var_mean(x.float(), -1),
    lambda x: F.linear(x.float(), meta(5, x.shape[-1])),
)


def test_each_answer_is_that_of_torch():
    shapes = ((3,), (4, 1, 3))
    for call, dtype in itertools.product(CALLS, (torch.float16, torch.int64)):
        for shape in shapes:
            x = meta(*shape, dtype=dtype)
            for given in (x, x.transpose(0, -1), x[..., :1].expand(*shape)):
                assert not unlike(call, given), (CALLS.index(call), given.shape, dtype)
    assert answers._given
    assert answers._alike


def test_what_is_pointwise_for_torch_keeps_the_shape():
    """All operations of torch on one tensor that have the tag, asked about at one shape and known at others."""
    tried = 0
    for name in dir(torch.ops.aten):
        packet = getattr(torch.ops.aten, name)
        for operation in (getattr(packet, overload) for overload in getattr(packet, "overloads", list)()):
            schema = operation._schema
            plain = [a.name for a in schema.arguments if not a.has_default_value()] == ["self"]
            if torch.Tag.pointwise not in operation.tags or not plain or schema.is_mutable:
                continue
            try:
                operation(meta(2, 3))
            except (RuntimeError, NotImplementedError, TypeError, ValueError):
                continue
            tried += 1
            for shape in ((2, 3), (4,), (1, 5, 2)):
                assert not unlike(operation, meta(*shape)), (name, shape)
    assert tried > 50


def test_a_setting_that_no_size_depends_on_is_asked_about_once():
    x = meta(4, 6)
    with torch.no_grad(), _counter():
        F.layer_norm(x, (6,), eps=1e-5)
        kept = len(answers._given)
        F.layer_norm(x, (6,), eps=1e-3)
        assert len(answers._given) == kept
        F.layer_norm(x, (4, 6), eps=1e-5)
        assert len(answers._given) == kept + 1


def test_what_torch_refuses_is_refused_each_time():
    for _ in range(2):
        with torch.no_grad(), _counter():
            F.relu(meta(2))
            with pytest.raises(RuntimeError):
                meta(2, 3) + meta(4)
            with pytest.raises(RuntimeError):
                F.layer_norm(meta(2, 3), (4,))


def test_a_number_too_large_for_a_type_is_no_other():
    x, mask = meta(3, dtype=torch.float16), meta(3, dtype=torch.bool)
    with torch.no_grad(), _counter():
        x.masked_fill(mask, 1.0)
        count = len(answers._alike)
        x.masked_fill(mask, -1e9)
        assert len(answers._alike) == count + 1
