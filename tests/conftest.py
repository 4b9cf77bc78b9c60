"""What tests of several packages share: random networks, and how many of them are tried."""

import itertools
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from designer import Network, NetworkError, analyze, group, tie, ungroup
from designer.analysis import permutations
from designer.layers import GRU, LSTM, RNN, Add, Call, Conv1d, Embedding, Input, LayerNorm, Linear, Permute, ReLU
from designer.model import Port

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

settings.register_profile(
    "designer", deadline=None, max_examples=100, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile("designer")

SIZES = (4, 6)
SETTINGS = ({"out_features": 6}, {"bias": False}, {"hidden_size": 6}, {"frozen": True}, {"eps": 1.0})


@st.composite
def _random_networks(draw, ties=6, groups=True, calls=False):
    """Layers on B, T, C in a row with shortcuts, some of them in groups, and ties between learnables that fit.

    Gives the network, which takes int64 tokens below 4, and the borrowing ports by name.
    """
    size = draw(st.sampled_from(SIZES))
    net = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(draw(st.sampled_from(SIZES)), size))
    last, sizes = "emb", {"emb": size}
    for n in range(draw(st.integers(2, 6))):
        name, size = f"l{n}", draw(st.sampled_from(SIZES))
        equal = [before for before, width in sizes.items() if width == sizes[last] and before != last]
        kinds = [
            *(Linear(size), Linear(size, bias=False), Linear(size, transposed=True), LayerNorm(), ReLU()),
            *(LSTM(size), GRU(size, bias=False), RNN(size)),
            *([Add()] if equal else []),
            *([Call()] if calls and equal else []),
        ]
        layer = draw(st.sampled_from(kinds))
        if isinstance(layer, Call):
            called = draw(st.sampled_from(equal))
            if (
                not isinstance(net.layers[called], Linear)
                or sizes[net.connections[Port(called, "in")].layer] != (sizes[last])
            ):
                continue
            net = net.add(**{name: layer}).connect(f"{called}/learnables", f"{name}/learnables").connect(last, name)
            size = sizes[called]
        elif isinstance(layer, Add):
            net = net.add(**{name: layer}).connect(last, name).connect(draw(st.sampled_from(equal)), name)
            size = sizes[last]
        else:
            net = net.chain(last, **{name: layer})
            size = size if isinstance(layer, Linear | LSTM | GRU | RNN) else sizes[last]
        last, sizes[name] = name, size
    for name in ("g", "h") if groups else ():
        if draw(st.booleans()):
            inside = [other for other in net.layers if other not in ("tokens",)]
            first = draw(st.integers(0, len(inside) - 1))
            some = inside[first : draw(st.integers(first, len(inside) - 1)) + 1]
            try:
                net = group(net, some, name)
            except NetworkError as error:
                refusal = str(error)
                assert "loop" in refusal or "calls" in refusal
    return draw(_tied(net, ties))


@st.composite
def _tied(draw, net, most):
    slots = {Port(row.name, name): shape for row in analyze(net).rows for name, shape in row.learnables.items()}
    fits = [(a, b, order) for a, b in itertools.permutations(slots, 2) for order in permutations(slots[a], slots[b])]
    borrowers = []
    for _ in range(draw(st.integers(0, most)) if fits else 0):
        owner, borrower, order = draw(st.sampled_from(fits))
        if borrower.name in net.layer(borrower.layer).input_learnables:
            continue
        try:
            net = tie(net, str(owner), str(borrower), permute=order)
        except NetworkError as error:
            refusal = str(error)
            assert "loop" in refusal
        else:
            borrowers.append(str(borrower))
    return net, borrowers


@pytest.fixture(scope="session")
def random_networks():
    """A strategy of (network, ports that borrow), by its options."""
    return _random_networks


@st.composite
def _random_edit(draw, net):
    """A named edit of any kind, sensible or not: it may be refused."""
    paths = [*net.all, "nothing"]
    path, other = draw(st.sampled_from(paths)), draw(st.sampled_from(paths))
    outs = [*(net.outputs_of(path) if path in net.all else ()), "weight", "learnables"]
    ends = [*(net.inputs_of(other) if other in net.all else ()), "0", "weight"]
    targets = [*map(str, net.wires), "nothing/in"]
    number = draw(st.integers(0, 99))
    kind = draw(
        st.sampled_from("add chain connect disconnect remove replace rename set ports move tie group ungroup".split())
    )
    match kind:
        case "add":
            made = draw(st.sampled_from([Linear(4), Add(), Permute((1, 0)), Call(), Conv1d(4, 1)]))
            return kind, lambda n: n.add(**{f"new{number}": made})
        case "chain":
            return kind, lambda n: n.chain(path, **{f"new{number}": ReLU()})
        case "connect":
            ends = f"{path}/{draw(st.sampled_from(outs))}", f"{other}/{draw(st.sampled_from(ends))}"
            return kind, lambda n: n.connect(*ends)
        case "disconnect":
            target = draw(st.sampled_from(targets))
            return kind, lambda n: n.disconnect(target)
        case "remove":
            return kind, lambda n: n.remove(path)
        case "replace":
            made = draw(st.sampled_from([Linear(6), Add(), ReLU(), LSTM(4)]))
            return kind, lambda n: n.replace(path, made)
        case "rename":
            return kind, lambda n: n.rename(path, f"name{number}")
        case "set":
            setting = draw(st.sampled_from(SETTINGS))
            return kind, lambda n: n.set(path, **setting)
        case "ports":
            field = draw(st.sampled_from(["input_learnables", "output_learnables"]))
            names = draw(st.sampled_from([(), ("weight",), ("weight", "bias")]))
            return kind, lambda n: n.set(path, **{field: names})
        case "move":
            return kind, lambda n: n.move({path: (number, number)})
        case "tie":
            return kind, lambda n: tie(n, f"{path}/weight", f"{other}/weight")
        case "group":
            return kind, lambda n: group(n, [path, other], f"group{number}")
        case _:
            return kind, lambda n: ungroup(n, path)


@pytest.fixture(scope="session")
def random_edit():
    """A strategy of (name, edit) for a network; the edit may raise NetworkError."""
    return _random_edit
