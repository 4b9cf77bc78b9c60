"""Analysis and edits of large networks, with torchinfo as rival."""

import logging
import statistics
import subprocess
import sys
import time
import warnings

import pytest
import torchinfo

from designer import Network, analyze, build
from designer.layers import (
    ELU,
    GELU,
    GLU,
    GRU,
    LSTM,
    RNN,
    Dropout,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    Identity,
    Input,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSoftmax,
    MultiheadAttention,
    Pad,
    PReLU,
    ReLU,
    RMSNorm,
    Sigmoid,
    SiLU,
    Slice,
    Softmax,
    Softplus,
    Tanh,
    Transpose,
)

pytestmark = pytest.mark.benchmark(timer=time.process_time, disable_gc=True)
PLAIN = (LayerNorm, ReLU, lambda: Dropout(0.1), Tanh)


def deep(count, width=lambda n: 64):
    """Layers of four kinds one after the other."""
    kinds = [lambda n: Linear(width(n)), lambda n: LayerNorm(), lambda n: ReLU(), lambda n: Dropout(0.1)]
    return Network().chain(x=Input(("B", "T", 64)), **{f"l{n}": kinds[n % 4](n) for n in range(count)})


def of_many_kinds(count):
    """Layers of thirty kinds, each in many settings, one after the other."""
    kinds = [
        *(ELU, GELU, Hardsigmoid, Hardswish, Hardtanh, Identity, LayerNorm, LeakyReLU, LogSoftmax, PReLU, ReLU),
        *(RMSNorm, Sigmoid, SiLU, Softmax, Softplus, Tanh, Dropout),
        *(lambda: Linear(64), lambda: LSTM(64), lambda: GRU(64), lambda: RNN(64), lambda: MultiheadAttention(4)),
        *(lambda: Linear(128), GLU, lambda: Pad((0, 8)), lambda: Slice(2, 0, 64), lambda: Linear(64, bias=False)),
        *(lambda: Transpose(1, 2), lambda: Transpose(1, 2)),
    ]
    assert len(kinds) == 30
    return Network().chain(x=Input(("B", "T", 64)), **{f"l{n}": kinds[n % 30]() for n in range(count)})


def seconds(run):
    start = time.process_time()
    run()
    return time.process_time() - start


@pytest.fixture(autouse=True)
def warm():
    analyze(deep(8))  # imports torch
    logging.disable()  # torch logs every step, which pytest would keep
    yield
    logging.disable(logging.NOTSET)


def edits(net, name, **settings):
    """Edited networks, each other than all that were analyzed before."""
    count = iter(range(1, 10_000))

    def edit():
        analyze(net)
        made = {key: value(next(count)) for key, value in settings.items()}
        return (net.set(name, **made),), {}

    return edit


def test_an_edit_that_keeps_its_shape(benchmark, capsys):
    """Goal: 15 ms with the whole table, in the middle of 1,000 layers."""
    net = deep(1000)
    benchmark.pedantic(analyze, setup=edits(net, "l501", eps=lambda n: n * 1e-6), rounds=25)
    module = build(deep(1000))
    with warnings.catch_warnings(action="ignore"):
        rival = seconds(lambda: torchinfo.summary(module, (2, 3, 64), verbose=0))
    with capsys.disabled():
        print(f"\none edit {1e3 * benchmark.stats['median']:.1f} ms, torchinfo {1e3 * rival:.0f} ms")
    assert benchmark.stats["median"] <= 0.015


def test_an_edit_that_changes_every_shape_below(benchmark):
    """Goal: 60 ms."""
    layers = {f"l{n}": PLAIN[n % 4]() if n != 500 else Linear(64) for n in range(1000)}
    net = Network().chain(x=Input(("B", "T", 64)), **layers)
    benchmark.pedantic(analyze, setup=edits(net, "l500", out_features=lambda n: 64 + n), rounds=15)
    assert benchmark.stats["median"] <= 0.060


@pytest.mark.parametrize("count", [1000, 10_000])
def test_one_connect(count, benchmark):
    """Goal: 3 ms at 1,000 layers, and not more at 10,000."""
    net = deep(count).disconnect(f"l{count // 2}")
    net.connect(f"l{count // 2 - 1}", f"l{count // 2}")
    benchmark(net.connect, f"l{count // 2 - 1}", f"l{count // 2}")
    assert benchmark.stats["median"] <= 0.003


@pytest.mark.parametrize(
    ("made", "goal"),
    [("of_many_kinds(1000)", 0.5), ("deep(300, lambda n: 65 + n)", 300 * 0.006)],
    ids=["thirty kinds", "all different"],
)
def test_the_first_analysis(made, goal, capsys):
    """Goals: 0.5 s for 1,000 layers of 30 kinds, 6 ms for each of 300 that all differ.

    In a process of its own: Qt's hook on imports slows down torch, which imports in its functions.
    """
    code = f"import runpy; names = runpy.run_path({__file__!r}); print(names['first']({made!r}))"
    taken = []
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        taken.append(float(run.stdout.split()[-1]))
    with capsys.disabled():
        print(f"\n{made}: {1e3 * statistics.median(taken):.0f} ms")
    assert statistics.median(taken) <= goal


def first(made):
    """Seconds of the first analysis, torch imported."""
    analyze(deep(8))
    net = eval(made)
    found = seconds(lambda: analyze(net))
    assert not analyze(net).errors
    return found
