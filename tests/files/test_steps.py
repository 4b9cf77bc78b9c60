"""Layers of steps: equal ones are one object, and no two that differ."""

import pytest

from designer.files.program import Program
from designer.files.steps import Calls
from designer.layers import Operation, ReLU
from designer.model import NetworkError


@pytest.fixture
def calls():
    return Calls(Program("a.pt2", [], {}, {}, [], [], {}, {}, {}, []))


def test_equal_layers_are_one(calls):
    assert calls.layer(ReLU) is calls.layer(ReLU)
    assert calls.layer(Operation, "abs", ("in",), (("port", "in"),)) is calls.layer(
        Operation, "abs", ("in",), (("port", "in"),)
    )


def test_numbers_that_only_compare_as_equal_stay_what_they_are(calls):
    made = [calls.layer(Operation, "add.Tensor", ("in",), (("port", "in"), number)) for number in (1, 1.0, True)]
    assert [type(layer.arguments[1]) for layer in made] == [int, float, bool]


def test_what_a_layer_refuses_is_refused_each_time(calls):
    for _ in range(2):
        with pytest.raises(NetworkError):
            calls.layer(Operation, "abs", ("no name",))
