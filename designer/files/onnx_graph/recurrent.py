"""LSTM, GRU and RNN: ONNX keeps all directions in one tensor, and the gates in another order than PyTorch."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.items import Item, Known, Number, Unsupported, Value
from designer.files.onnx_graph.node import Run
from designer.files.onnx_graph.weights import real
from designer.files.program import Dtype, Op, Ref
from designer.files.torchscript.text import Unfollowed

ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}  # torch's gate n is that gate of ONNX
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh")}
MOVES = frozenset("slice select squeeze unsqueeze reshape permute cat split_with_sizes flatten".split())


def _recurrent(
    run: Run,
    x: Item,
    w: Item,
    r: Item,
    b: Item = None,
    lengths: Item = None,
    h: Item = None,
    c: Item = None,
    peepholes: Item = None,
) -> Any:
    kind = run.node.op_type
    name = _checked(run, kind, peepholes)
    ways = {"forward": ("",), "reverse": ("",), "bidirectional": ("", "_reverse")}[
        run.attribute("direction", "forward")
    ]
    first = bool(run.attribute("layout", 0))
    value = run.tensor(x)
    if run.rank(x) != 3:
        raise Unfollowed("it takes something else than a batch of sequences")
    _full_length(run, lengths, run.plain_sizes(value)[1 if first else 0])
    hidden = run.plain_sizes(r)[2]
    if run.attribute("direction", "forward") == "reverse":
        value = run.call("flip", value, [1 if first else 0])
    weights = _weights(run, kind, w, r, b, ways)
    batch = run.size(value, 0 if first else 1)
    states = []
    for item in (h, c) if kind == "LSTM" else (h,):
        if item is None or _is_zero(run, item):
            zeros = run.call("zeros", [len(ways), batch, hidden], dtype=Dtype(run.dtype(value)))
            states.append(zeros)
        else:
            state = run.call("transpose", run.tensor(item), 0, 1) if first else run.tensor(item)
            if [fake.shape[1] for fake in state.fakes] != [fake.shape[0 if first else 1] for fake in value.fakes]:
                raise Unfollowed("its states are of another batch than its sequences")
            states.append(state)
    outputs = _called(run, name, value, states, weights, b is not None, len(ways), hidden, first)
    return _shaped(run, outputs, len(ways), hidden, first)


def _checked(run: Run, kind: str, peepholes: Item) -> str:
    """The call of ATen that does what a node says."""
    ways = 2 if run.attribute("direction", "forward") == "bidirectional" else 1
    activations = run.attribute("activations")
    if peepholes is not None:
        raise Unsupported("its gates look at the cell")
    if run.attribute("clip", 0.0) or run.attribute("input_forget", 0):
        raise Unsupported("it bounds or couples its gates")
    if kind == "GRU" and not run.attribute("linear_before_reset", 0):
        raise Unsupported("its linear_before_reset is 0, and the GRU of PyTorch computes as with 1")
    if kind == "RNN":
        found = set(activations or ["Tanh"])
        if found not in ({"Tanh"}, {"Relu"}):
            raise Unsupported(f"its activation is {' and '.join(sorted(found))}")
        return "rnn_tanh" if found == {"Tanh"} else "rnn_relu"
    if activations is not None and tuple(activations) != USUAL[kind] * ways:
        raise Unsupported("its activations are not those of PyTorch")
    return kind.lower()


def _full_length(run: Run, lengths: Item, time: Any) -> None:
    """Refuse sequences that end before the others do."""
    if lengths is None:
        return
    known = isinstance(lengths, Known)
    full = time.values if isinstance(time, Number) else time
    if known and all((n.values if isinstance(n, Number) else n) == full for n in lengths.numbers):  # type: ignore[union-attr]
        return
    maker = run.follower.made.get(lengths.ref) if isinstance(lengths, Value) else None
    if maker is not None and maker.target == "aten.full.default":
        number = maker.arguments[1]
        size = run.worlds.numbers.get(number) if isinstance(number, Ref) else None
        if number == time or (size is not None and isinstance(time, Number) and size == run.worlds.size(time.values)):
            return
    raise Unsupported("its sequences are of several lengths")


def _is_zero(run: Run, item: Item) -> bool:
    """Whether a state is made of zeros alone."""
    if isinstance(item, Known):
        return not any(item.numbers) and not run.follower.learns(item.key)
    if not isinstance(item, Value):
        return False
    makers = {result: op for op in run.worlds.ops for result in op.results if result is not None}
    todo, zero = [item.ref], True
    while todo and zero:
        maker = makers.get(todo.pop())
        if maker is None:
            return False
        if maker.name in MOVES or maker.name in ("expand", "repeat"):
            todo += [ref for ref in maker.refs() if ref in run.worlds.metas]
        else:
            zero = maker.name == "zeros" or (maker.name == "full" and maker.arguments[1] == 0)
    return zero


def _weights(run: Run, kind: str, w: Item, r: Item, b: Item, ways: tuple[str, ...]) -> list[Value]:
    """The weights as torch has them: input, hidden, and their biases, for each direction."""
    order, found = ORDERS[kind], []
    for n in range(len(ways)):
        found += [_turned(run, item, n, slice(0, len(order)), order) for item in (w, r)]
        if b is not None:
            gates = len(order)
            found += [_turned(run, b, n, slice(at, at + gates), order) for at in (0, gates)]
    return found


def _turned(run: Run, item: Item, way: int, part: slice, order: tuple[int, ...]) -> Value:
    """The gates of one direction in torch's order, under a name of their own."""
    follower = run.follower
    key = follower.key_of(item)
    gates = (2 if part.start or run.rank(item) == 2 else 1) * len(order)
    if not key:
        return _expressed(run, run.tensor(item), way, part, order, gates)
    name = f"{key} {way} {part.start} {run.rank(item)} {order}"
    if name not in follower.weights.stored:
        import torch

        with real():
            blocks = list(follower.weights.tensor(key)[way].chunk(gates))[part]
            follower.weights.make(name, torch.cat([blocks[n] for n in order]))
        follower.unnamed.add(name)
    follower.replaced.add(key)
    return follower.stored_value(name)


def _expressed(run: Run, value: Value, way: int, part: slice, order: tuple[int, ...], gates: int) -> Value:
    """The same, where the weights were put together from others."""
    rows = run.call("select", value, 0, way)
    size = run.plain_sizes(rows)[0] // gates
    blocks = list(run.call("split_with_sizes", rows, [size] * gates, 0))[part]
    found: Value = run.call("cat", [blocks[n] for n in order], 0) if len(order) > 1 else blocks[0]
    return _origin(run, found) or found


def _origin(run: Run, value: Value) -> Value | None:
    """The one stored tensor that a value is, though its parts were taken apart and put together on the way."""
    import torch

    makers = {result: op for op in run.worlds.ops for result in op.results if result is not None}
    chain: list[Op] = []
    todo, seen = [value.ref], set()
    slots: list[Ref] = []
    while todo:
        ref = todo.pop()
        if ref in seen:
            continue
        seen.add(ref)
        maker = makers.get(ref)
        if ref in run.worlds.slots:
            slots.append(ref)
        elif maker is None or maker.name not in MOVES or len(chain) > 200:
            return None
        else:
            chain.append(maker)
            todo += [r for r in maker.refs() if r in run.worlds.metas]
    starts, at = {}, 0
    numbers: dict[Ref, Any] = {}
    with real():
        for ref in slots:
            shape = run.worlds.metas[ref].shape
            count = 1
            for size in shape:
                count *= size
            if count > 2**26:
                return None
            starts[ref] = at
            numbers[ref] = torch.arange(at, at + count).reshape(shape)
            at += count
        order = {id(op): n for n, op in enumerate(run.worlds.ops)}
        for op in sorted({id(op): op for op in chain}.values(), key=lambda op: order[id(op)]):
            function = getattr(getattr(torch.ops.aten, op.name), op.target.rpartition(".")[2])
            arguments = [_real(argument, numbers) for argument in op.arguments]
            made = function(*arguments)
            parts = made if isinstance(made, list | tuple) else [made]
            numbers.update((result, part) for result, part in zip(op.results, parts) if result is not None)
        found = numbers[value.ref]
        for ref, start in starts.items():
            whole = tuple(found.shape) == run.worlds.metas[ref].shape and found.numel()
            if whole and bool((found.reshape(-1) == torch.arange(start, start + found.numel())).all()):
                return run.follower.stored[run.worlds.slots[ref]]
    return None


def _real(argument: Any, numbers: dict[Ref, Any]) -> Any:
    if isinstance(argument, Ref):
        return numbers[argument]
    return [_real(entry, numbers) for entry in argument] if isinstance(argument, list) else argument


def _called(
    run: Run,
    name: str,
    x: Value,
    states: list[Value],
    weights: list[Value],
    bias: bool,
    ways: int,
    hidden: int,
    first: bool,
) -> list[Value]:
    """The call itself, whose results are told from the sizes: a GRU without numbers takes time by the step."""
    import torch

    function = getattr(torch.ops.aten, name).input
    state: Any = states if name == "lstm" else states[0]
    placed = [x, state, weights, bias, 1, 0.0, False, ways == 2, first]
    results = []
    for world in range(run.worlds.count):
        fake = x.fakes[world]
        sizes = list(fake.shape)
        ends = fake.new_empty((ways, sizes[0 if first else 1], hidden))
        results.append((fake.new_empty((*sizes[:2], ways * hidden)), *([ends] * len(states))))
    found = run.worlds.written(name, "input", function._schema, placed, {}, results)
    return list(found)


def _shaped(run: Run, outputs: list[Value], ways: int, hidden: int, first: bool) -> Any:
    """The results as ONNX has them: all times with the directions apart, then the last states."""
    out, *states = outputs
    if run.attribute("direction", "forward") == "reverse":
        out = run.call("flip", out, [1 if first else 0])
    all_times: Value | None = None
    if run.gives(0):
        all_times = run.call("unflatten", out, 2, [ways, hidden])
        if not first:
            all_times = run.call("permute", all_times, [0, 2, 1, 3])
    if first:
        states = [run.call("transpose", state, 0, 1) for state in states]
    return (all_times, *states)


def _gated(run: Run, x: Item, w: Item, r: Item, b: Item = None, lengths: Item = None, h: Item = None) -> Any:
    return _recurrent(run, x, w, r, b, lengths, h)


OPERATORS: dict[str, Callable[..., Any]] = {"LSTM": _recurrent, "GRU": _gated, "RNN": _gated}
