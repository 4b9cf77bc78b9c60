"""Recurrent cells of a file: one layer for all steps of a loop, with the weights where the state_dict has them."""

import dataclasses
import warnings

import pytest
import torch
from torch import nn

from designer import build, import_pytorch, load, save
from designer.layers import GRUCell, Linear, LSTMCell, RNNCell
from designer.model import Call, Port

CELLS = {
    "lstm": (lambda: nn.LSTMCell(4, 5), LSTMCell(5)),
    "lstm without biases": (lambda: nn.LSTMCell(4, 5, bias=False), LSTMCell(5, bias=False)),
    "gru": (lambda: nn.GRUCell(4, 5), GRUCell(5)),
    "tanh": (lambda: nn.RNNCell(4, 5), RNNCell(5)),
    "relu": (lambda: nn.RNNCell(4, 5, nonlinearity="relu"), RNNCell(5, nonlinearity="relu")),
}
FEW = ("lstm", "relu")
NIGHTLY = pytest.mark.nightly


class Loop(nn.Module):
    """A decoder that runs its cell over three steps."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.fc = cell, nn.Linear(5, 3)

    def forward(self, x):
        state, found = None, []
        for n in range(3):
            state = self.cell(x[:, n], state)
            found.append(self.fc(state[0] if isinstance(state, tuple) else state))
        return torch.stack(found, 1)


def same_runs(model, network, *inputs):
    """Outputs, gradients and the names of the state_dict are those of the model."""
    module = build(network).eval()
    assert list(module.state_dict()) == list(model.state_dict())
    for one in (model, module):
        one.zero_grad()
    given, wanted = (torch.utils._pytree.tree_leaves(one(*inputs)) for one in (module, model))
    assert len(given) == len(wanted)
    assert all(map(torch.equal, given, wanted))
    for outputs in (given, wanted):
        sum(out.square().sum() for out in outputs).backward()
    for mine, theirs in zip(module.parameters(), model.parameters()):
        torch.testing.assert_close(mine.grad, theirs.grad)


def traced(model, x, path):
    """Write a module as traced TorchScript, where a cell is the calls that it is made of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        torch.jit.save(torch.jit.trace(model.eval(), (x,)), path)
    return path


@pytest.mark.parametrize("kind", ["exported", "traced"])
@pytest.mark.parametrize("name", [name if name in FEW else pytest.param(name, marks=NIGHTLY) for name in CELLS])
def test_the_steps_of_a_loop_are_second_uses_of_one_cell(exported, name, kind, tmp_path):
    torch.manual_seed(0)
    make, layer = CELLS[name]
    model, x = Loop(make()), torch.rand(2, 3, 4)
    if kind == "traced":
        network, report = import_pytorch(traced(model, x, tmp_path / "cell.pt"), (x,))
    else:
        network, report = import_pytorch(exported(model, {"x": x}, {"x": (0,)}))
    assert network.layers["cell"] == dataclasses.replace(layer, output_learnables=layer.learnables())
    assert network.layers["fc"] == Linear(3, output_learnables=("weight", "bias"))  # as for any other layer
    assert [type(network.layers[name]) for name in ("cell_1", "cell_2", "fc_1", "fc_2")] == [Call] * 4
    assert network.wires[Port("cell_2", "h")] == Port("cell_1", "h")
    assert list(network.values) == list(model.state_dict())
    assert not report.ties
    same_runs(model, network, torch.rand(3, 3, 4))
    save(network, tmp_path / "cell.network")
    assert load(tmp_path / "cell.network") == network


@pytest.mark.parametrize("name", CELLS)
def test_a_step_from_zeros_needs_no_state(exported, name):
    torch.manual_seed(0)
    make, layer = CELLS[name]

    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = make()

        def forward(self, x):
            return self.cell(x)

    model = Step()
    network, _ = import_pytorch(exported(model, {"x": torch.rand(2, 4)}, {"x": (0,)}))
    assert network.layers["cell"] == dataclasses.replace(layer, states=False)
    assert {type(each).__name__ for each in network.layers.values()} <= {"Input", "Output", type(layer).__name__}
    same_runs(model, network, torch.rand(3, 4))


def test_states_that_are_given_come_by_wires(exported):
    torch.manual_seed(0)

    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.LSTMCell(4, 5)

        def forward(self, x, h):
            return self.cell(x, (h, h))  # one tensor for both

    model, inputs = Step(), {"x": torch.rand(2, 4), "h": torch.rand(2, 5)}
    network, _ = import_pytorch(exported(model, inputs, {"x": (0,), "h": (0,)}))
    assert network.wires[Port("cell", "h")] == network.wires[Port("cell", "c")] == Port("h", "out")
    same_runs(model, network, torch.rand(3, 4), torch.rand(3, 5))


def test_weights_that_two_cells_share_have_one_owner(exported):
    torch.manual_seed(0)

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.GRUCell(5, 5), nn.GRUCell(5, 5)
            self.b.weight_hh = self.a.weight_hh

        def forward(self, x, h):
            return self.b(x, self.a(x, h))

    model, inputs = Tied(), {"x": torch.rand(2, 5), "h": torch.rand(2, 5)}
    network, report = import_pytorch(exported(model, inputs, {"x": (0,), "h": (0,)}))
    assert report.ties == {"b.weight_hh": "a.weight_hh"}
    assert network.wires[Port("b", "weight_hh")] == Port("a", "weight_hh")
    x, h = torch.rand(3, 5), torch.rand(3, 5)
    assert torch.equal(build(network)(x, h), model(x, h))
