"""Goals for running, editing and analyzing, timed; rivals run interleaved in the same rounds."""

import copy
import os
import statistics
import subprocess
import sys
import time

import pytest
import torch
import torch.nn.functional as F
import torchinfo
from torch import nn

from designer import Network, analyze, build, tie
from designer.analysis import flow, probe
from designer.layers import (
    ELU,
    GELU,
    GRU,
    LSTM,
    Add,
    Conv1d,
    Dropout,
    Embedding,
    GroupNorm,
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
    Reshape,
    RMSNorm,
    Sigmoid,
    SiLU,
    Slice,
    Softmax,
    Softplus,
    Tanh,
    Transpose,
    Unsqueeze,
)

pytestmark = pytest.mark.benchmark
analyze_module = sys.modules["designer.analysis.analyze"]


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(1000, 300)
        self.lstm = nn.LSTM(300, 300, batch_first=True)
        self.fc = nn.Linear(300, 1000)
        self.fc.weight = self.emb.weight
        self.probs = nn.Softmax(-1)

    def forward(self, tokens):
        return self.probs(self.fc(self.lstm(self.emb(tokens))[0]))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(784, 64)
        self.act = nn.ReLU()
        self.bias = nn.Parameter(torch.zeros(784))

    def forward(self, x):
        return F.linear(self.act(self.enc(x)), self.enc.weight.t(), self.bias)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(64)
        self.attn = nn.MultiheadAttention(64, 4, batch_first=True)
        self.norm2 = nn.LayerNorm(64)
        self.up = nn.Linear(64, 256)
        self.act = nn.GELU()
        self.down = nn.Linear(256, 64)

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.attn(h, h, h, need_weights=False)[0]
        return x + self.down(self.act(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(500, 64)
        self.blocks = nn.ModuleList(Block() for _ in range(4))
        self.head = nn.Linear(64, 500, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, tokens):
        x = self.emb(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def language_model():
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300),
        lstm=LSTM(300),
        fc=Linear(1000),
        probs=Softmax(),
    )
    return tie(net, "emb/weight", "fc/weight")


def autoencoder():
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), act=ReLU(), dec=Linear(784))
    return tie(net, "enc/weight", "dec/weight")


def transformer():
    net, last = Network().chain(tokens=Input(("B", "T"), dtype="int64"), emb=Embedding(500, 64)), "emb"
    for n in range(4):
        net = net.chain(last, **{f"norm1_{n}": LayerNorm(), f"attn{n}": MultiheadAttention(4), f"add{n}": Add()})
        net = net.connect(last, f"add{n}")
        net = net.chain(f"add{n}", **{f"norm2_{n}": LayerNorm(), f"up{n}": Linear(256), f"act{n}": GELU()})
        net = net.chain(f"act{n}", **{f"down{n}": Linear(64), f"sum{n}": Add()}).connect(f"add{n}", f"sum{n}")
        last = f"sum{n}"
    return tie(net.chain(last, head=Linear(500, bias=False)), "emb/weight", "head/weight")


RUNS = {
    "language model": (language_model, LanguageModel, lambda: torch.randint(0, 1000, (32, 20)), 2),
    "autoencoder": (autoencoder, Autoencoder, lambda: torch.randn(32, 784), 60),
    "transformer": (transformer, Transformer, lambda: torch.randint(0, 500, (32, 32)), 1),
}


@pytest.mark.parametrize("name", RUNS)
def test_forward_and_backward_beside_a_module_written_by_hand(name, benchmark, capsys):
    make, written, data, repeat = RUNS[name]
    torch.set_num_threads(1)
    hand, x = written(), data()
    modules = {"ours": build(make()), "hand": hand, "copy": copy.deepcopy(hand)}
    times = {key: [] for key in modules}

    def round_of_all():
        for key in sorted(modules, key=lambda key: hash((key, len(times["hand"])))):
            start = time.process_time()
            for _ in range(repeat):
                modules[key](x).square().sum().backward()
            times[key].append(time.process_time() - start)
            modules[key].zero_grad()

    benchmark.pedantic(round_of_all, rounds=31, warmup_rounds=3)
    ratios = {
        key: statistics.median(a / b for a, b in zip(times[key][3:], times["hand"][3:])) for key in ("ours", "copy")
    }
    floor = max(ratios["copy"], 1 / ratios["copy"])
    with capsys.disabled():
        print(f"\n{name}: {ratios['ours']:.3f} of handwritten, a copy of which is at {ratios['copy']:.3f}")
    assert ratios["ours"] <= floor + 0.02


def deep(count, width=lambda n: 64):
    kinds = [lambda n: Linear(width(n)), lambda n: LayerNorm(), lambda n: ReLU(), lambda n: Dropout(0.1)]
    return Network().chain(x=Input(("B", "T", 64)), **{f"l{n}": kinds[n % 4](n) for n in range(count)})


def edit_times(layer, setting, rounds=15):
    """Seconds of an edit in the middle of a thousand layers with its table, each to a setting not seen before."""
    net = deep(1000)
    analyze(net)
    times = []
    for n in range(rounds):
        start = time.process_time()
        analyze(net.set(layer, **setting(n))).rows
        times.append(time.process_time() - start)
    return times


class Thousand(nn.Module):
    def __init__(self):
        super().__init__()
        kinds = [lambda: nn.Linear(64, 64), lambda: nn.LayerNorm(64), nn.ReLU, nn.Dropout]
        self.layers = nn.Sequential(*(kinds[n % 4]() for n in range(1000)))

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize(
    ("layer", "setting", "goal"),
    [
        ("l501", lambda n: {"eps": 1e-4 * (n + 1)}, 0.015),
        ("l500", lambda n: {"out_features": 65 + n}, 0.060),
    ],
    ids=["the shape stays", "every shape below changes"],
)
def test_one_edit_among_a_thousand_layers(layer, setting, goal, benchmark, capsys):
    module = Thousand()
    rival = []
    for _ in range(5):
        start = time.process_time()
        torchinfo.summary(module, input_size=(2, 3, 64), verbose=0)
        rival.append(time.process_time() - start)
    times = benchmark.pedantic(edit_times, args=(layer, setting), rounds=1)
    median = statistics.median(times)
    with capsys.disabled():
        print(f"\none edit: {1e3 * median:.1f} ms; torchinfo {1e3 * statistics.median(rival):.0f} ms")
    assert median <= goal


@pytest.mark.parametrize(("count", "goal"), [(1_000, 0.003), (10_000, None)])
def test_one_connect(count, goal, benchmark, capsys):
    """With the order of the layers and against it: the second has to look at half of all layers upstream."""
    middle = count // 2
    net = deep(count).add(late=ReLU(), sum=Add()).connect(f"l{middle}", "late").connect("l0", "sum")
    net = net.connect(f"l{count - 1}", "sum")

    def three():
        return net.connect(f"l{middle}", "sum").connect("late", f"l{middle + 2}").connect("x", "sum")

    benchmark.pedantic(three, rounds=31, warmup_rounds=2)
    each = benchmark.stats.stats.median / 3
    with capsys.disabled():
        print(f"\none connect among {count:,} layers: {1e3 * each:.2f} ms")
    assert goal is None or each <= goal


THIRTY = (
    *(Linear(64), LayerNorm(), ReLU(), Dropout(0.1), GELU(), SiLU(), Tanh(), Sigmoid(), ELU(), LeakyReLU(), PReLU()),
    *(Softplus(), Hardswish(), Hardsigmoid(), Hardtanh(), RMSNorm(), Softmax(), LogSoftmax(), Identity(), LSTM(64)),
    *(MultiheadAttention(4), GRU(64), Transpose(1, 2), GroupNorm(), Conv1d(64, 3, padding=1), Pad((1, 1))),
    *(Slice(2, 1, -1), Transpose(1, 2), Reshape((0, -1, 64)), Unsqueeze(1)),
)


def thirty_kinds(count):
    """Layers of thirty kinds in a row; what changes the layout is turned back at once."""
    net, last = Network().add(x=Input(("B", "T", 64))), "x"
    plain = [
        layer for layer in THIRTY if not isinstance(layer, Transpose | Conv1d | GroupNorm | Pad | Slice | Unsqueeze)
    ]
    n = 0
    while len(net.layers) < count:
        round_ = {f"l{n + k}": layer for k, layer in enumerate(plain)}
        n += len(plain)
        turned = [Transpose(1, 2), GroupNorm(), Conv1d(64, 3, padding=1), Pad((1, 1)), Slice(2, 1, -1), Transpose(1, 2)]
        round_ |= {f"l{n + k}": layer for k, layer in enumerate(turned)}
        n += len(turned)
        round_ |= {f"l{n}": Unsqueeze(1), f"l{n + 1}": Reshape((0, -1, 64))}
        n += 2
        net = net.chain(last, **round_)
        last = f"l{n - 1}"
    return net


def first_analyses(net):
    """Seconds of the processor for an analysis of which nothing is remembered, several times."""
    analyze(Network().chain(x=Input(("B", "T", 8)), a=LSTM(4), b=Linear(3)))  # what torch loads when it is first used
    assert analyze(net).errors == []
    for _ in range(5):
        flow._memo.clear()
        flow._flow.cache_clear()
        probe._answers.clear()
        probe._made.cache_clear()
        analyze_module._recent.clear()
        start = time.process_time()
        analyze(Network(*net.__reduce__()[1]))
        print(time.process_time() - start)


def in_a_process(code, benchmark):
    """The median of what is printed by a process of its own, whose memory no other benchmark has filled."""
    source = f"import runpy; names = runpy.run_path({__file__!r}); names['first_analyses']({code})"
    run = benchmark.pedantic(
        lambda: subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True), rounds=1
    )
    return statistics.median(map(float, run.stdout.split()))


def test_first_analysis_of_a_thousand_layers_of_thirty_kinds(benchmark, capsys):
    assert len({type(layer) for layer in thirty_kinds(1000).layers.values()}) >= 28
    median = in_a_process("names['thirty_kinds'](1000)", benchmark)
    with capsys.disabled():
        print(f"\nfirst analysis: {median:.2f} s")
    assert median <= 0.5


def test_first_analysis_of_layers_that_all_differ(benchmark, capsys):
    each = in_a_process("names['deep'](300, lambda n: 65 + n)", benchmark) / 300
    with capsys.disabled():
        print(f"\nfirst analysis: {1e3 * each:.1f} ms for each layer")
    assert each <= 0.006


START_PAGE = """
import os
import sys
from designer.gui import application

application.begin = lambda window, path: application._when_idle(window, lambda: os._exit(0))
sys.exit(application.run(None, "dark", None))
"""


def test_the_start_page_beside_the_import_of_torch(benchmark, capsys, tmp_path):
    """Both in processes of their own, one after the other, the first until its window is painted."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)}

    def seconds(*arguments):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
        return time.perf_counter() - start

    page = ("-c", START_PAGE)
    times = []
    benchmark.pedantic(
        lambda: times.append((seconds(*page), seconds("-c", "import torch"))), rounds=15, warmup_rounds=1
    )
    ours, torchs = (statistics.median(column) for column in zip(*times[1:]))
    with capsys.disabled():
        print(f"\nstart page {ours:.2f} s, import torch {torchs:.2f} s")
    assert ours < torchs / 2
