"""Fold the calls of recurrent cells, one step each, back into layers."""

import dataclasses
from collections.abc import Callable
from typing import Any

from designer import layers
from designer.files.program import Op, Program, Ref
from designer.files.steps import Calls, Step


def part_states(program: Program) -> None:
    """Give the two states of an LSTMCell zeros of their own: each step after the first has two tensors too."""
    makers = {result: op for op in program.ops for result in op.results if result is not None}
    ops: list[Op] = []
    for op in program.ops:
        states = op.arguments[1] if op.target == LSTM_CELL and len(op.arguments) > 1 else None
        if isinstance(states, list) and len(states) == 2 and states[0] == states[1]:
            zeros, again = makers.get(states[0]), Ref(f"{states[0]}_{len(ops)}_c")
            if zeros is not None and zeros.name in ZEROS:
                program.metas[again] = program.metas[states[0]]
                ops.append(Op("aten.zeros_like.default", [states[0]], {}, [again], False, op.place, op.kind))
                op = dataclasses.replace(op, arguments=[op.arguments[0], [states[0], again], *op.arguments[2:]])
        ops.append(op)
    program.ops = ops


def _cell(kind: Any, **settings: Any) -> Callable[[Op, Calls], Step | None]:
    def make(op: Op, calls: Calls) -> Step | None:
        x, states, *weights = op.arguments[:4]
        states, biases = _listed(states), [op.argument(4, "b_ih"), op.argument(5, "b_hh")]
        if len(states) != len(kind.kept) or any(calls.rank(ref) != 2 for ref in (x, *states)):
            return None
        if biases.count(None) == 1:
            return None
        size = calls.shape(states[0])[1]
        if calls.shape(weights[0]) != (kind.gates * size, calls.shape(x)[1]):
            return None
        layer = calls.layer(kind, size, biases[0] is not None, states=not _all_zeros(op, calls), **settings)
        inputs = dict(zip(layer.inputs(), [x, *states]))
        outputs = {port: result for port, result in zip(layer.outputs(), op.results) if result is not None}
        return Step(layer, op, inputs, outputs, dict(zip(layer.learnables(), [*weights, *biases])))

    return make


def _all_zeros(op: Op, calls: Calls) -> bool:
    """Whether every step of a cell starts from zeros: those with the same weights are to be the same layer."""
    steps = [other for other in calls.takers[op.arguments[2]] if other.target == op.target]
    return all(is_zeros(state, calls) for step in steps for state in _listed(step.arguments[1]))


def _listed(states: Any) -> list[Any]:
    return states if isinstance(states, list) else [states]


def is_zeros(ref: Ref, calls: Calls) -> bool:
    """Whether a tensor is made of zeros."""
    maker = calls.makers.get(ref)
    return maker is not None and maker.name in ZEROS


ZEROS = ("zeros", "new_zeros", "zeros_like")
LSTM_CELL = "aten.lstm_cell.default"
CELLS: dict[str, Callable[[Op, Calls], Step | None]] = {
    LSTM_CELL: _cell(layers.LSTMCell),
    "aten.gru_cell.default": _cell(layers.GRUCell),
    "aten.rnn_tanh_cell.default": _cell(layers.RNNCell),
    "aten.rnn_relu_cell.default": _cell(layers.RNNCell, nonlinearity="relu"),
}
