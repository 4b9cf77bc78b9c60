"""Views of a tensor as layers that make them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from designer.edits.views import Look, steps
from designer.layers import Permute, Reshape, Slice


def look(tensor):
    return Look(tuple(tensor.shape), tensor.stride(), tensor.storage_offset())


def made(whole, layers):
    for layer in layers:
        assert layer.check(whole.shape) is None
        whole = eval(layer.call("", "whole"), {"whole": whole})
    return whole


def same(whole, part):
    layers = steps(look(whole), look(part))
    assert layers is not None
    assert torch.equal(made(whole, layers), part)
    return layers


WHOLE = torch.arange(24.0).reshape(4, 6)


@pytest.mark.parametrize(
    ("view", "layers"),
    [
        (lambda w: w, []),
        (lambda w: w.T, [Permute((1, 0))]),
        (lambda w: w[1:3], [Slice(0, 1, 3)]),
        (lambda w: w[:, 2:], [Slice(1, 2)]),
        (lambda w: w[::2, 1::3], [Slice(0, 0, 3, 2), Slice(1, 1, 5, 3)]),
        (lambda w: w[2], [Slice(0, 2, 3), Reshape((6,))]),
        (lambda w: w[:, 4], [Slice(1, 4, 5), Reshape((4,))]),
        (lambda w: w[1:3].T, [Slice(0, 1, 3), Permute((1, 0))]),
        (lambda w: w.view(2, 12), [Reshape((24,)), Reshape((2, 12))]),
        (lambda w: w[2:].view(3, 4).T, [Reshape((24,)), Slice(0, 12), Reshape((3, 4)), Permute((1, 0))]),
        (lambda w: w[:, None], [Reshape((4, 1, 6))]),
    ],
)
def test_views(view, layers):
    assert same(WHOLE, view(WHOLE)) == layers


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        (WHOLE, WHOLE.as_strided((4,), (7,))),  # the diagonal
        (WHOLE, WHOLE.as_strided((3, 3), (1, 1))),  # windows
        (WHOLE, WHOLE[0, :1].expand(5)),
        (WHOLE[:2], WHOLE[1:3]),
        (WHOLE[1:], WHOLE[0]),
        (WHOLE[:, :3], WHOLE),
        (WHOLE[0, :1].expand(5), WHOLE[0]),
    ],
)
def test_what_no_layers_make(whole, part):
    assert steps(look(whole), look(part)) is None


@given(st.data())
def test_any_ranges_in_any_order(data):
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    whole = torch.arange(float(torch.tensor(sizes).prod())).reshape(sizes)
    whole = whole.permute(data.draw(st.permutations(range(len(sizes)))))
    part = whole
    for dim, size in enumerate(whole.shape):
        start = data.draw(st.integers(0, size - 1))
        part = part[
            (slice(None),) * dim
            + (slice(start, data.draw(st.integers(start + 1, size)), data.draw(st.integers(1, 3))),)
        ]
    part = part.permute(data.draw(st.permutations(range(len(sizes)))))
    if data.draw(st.booleans()):
        part = part.squeeze()
    same(whole, part)


@given(st.data())
def test_what_is_made_is_right(data):
    """Layers for views of any kind, if there are some, make just that view."""
    numbers = torch.arange(96.0)

    def view():
        dims = data.draw(st.integers(1, 3))
        shape = data.draw(st.lists(st.integers(1, 4), min_size=dims, max_size=dims))
        strides = data.draw(st.lists(st.integers(0, 8), min_size=dims, max_size=dims))
        return numbers.as_strided(shape, strides, data.draw(st.integers(0, 10)))

    whole, part = view(), view()
    if (layers := steps(look(whole), look(part))) is not None:
        assert torch.equal(made(whole, layers), part)
