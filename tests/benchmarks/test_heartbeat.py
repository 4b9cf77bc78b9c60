"""How long the window stands still while a Llama-like network of 80 blocks is imported, analyzed and edited."""

import statistics
import time
import warnings

import pytest
import torch
import torch.nn.functional as F
from PySide6.QtCore import QPoint, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from torch import nn

from designer.gui.main_window import MainWindow
from designer.gui.session import Session
from designer.layers import LSTM, Input
from designer.model import Network

BLOCKS, SIZE, HEADS = 80, 32, 4
STILL = 100  # milliseconds after which a person feels that a window waits; the goal is 50
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(SIZE))

    def forward(self, x):
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * wide.to(x.dtype)


def turned(x):
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), dim=-1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(SIZE, SIZE, bias=False) for _ in range(4))

    def forward(self, x, cos, sin):
        b, t, c = x.shape
        q, k, v = (
            proj(x).view(b, t, HEADS, c // HEADS).transpose(1, 2) for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
        q, k = q * cos + turned(q) * sin, k * cos + turned(k) * sin
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).contiguous().view(b, t, c))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(SIZE, 2 * SIZE, bias=False), nn.Linear(SIZE, 2 * SIZE, bias=False)
        self.down_proj = nn.Linear(2 * SIZE, SIZE, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = Norm(), Norm()
        self.self_attn, self.mlp = Attention(), Mlp()

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + F.dropout(self.mlp(self.post_attention_layernorm(x)), 0.1, self.training)


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens, self.norm = nn.Embedding(256, SIZE), Norm()
        self.layers = nn.ModuleList([Block() for _ in range(BLOCKS)])
        self.lm_head = nn.Linear(SIZE, 256, bias=False)
        self.register_buffer("inv_freq", 1.0 / 10000 ** (torch.arange(0, SIZE // HEADS, 2) / (SIZE // HEADS)))

    def forward(self, input_ids):
        x = self.embed_tokens(input_ids)
        angles = torch.arange(input_ids.shape[1])[None, :, None] * self.inv_freq[None, None, :]
        both = torch.cat((angles, angles), dim=-1)
        cos, sin = both.cos(), both.sin()
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.lm_head(self.norm(x))


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    path = tmp_path_factory.mktemp("llama") / "llama.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(Llama().eval(), (torch.zeros(1, 8, dtype=torch.int64),), strict=False)
        torch.export.save(program, path)
    print(f"\n{len(program.graph.nodes):,} nodes, {path.stat().st_size / 1e6:.1f} MB")
    return path


class Heart(QTimer):
    """Beats in the event loop; the gaps between two beats are what a person waits."""

    def __init__(self):
        super().__init__(interval=2, timerType=Qt.TimerType.PreciseTimer)
        self.gaps, self.last, self.told = [], 0.0, {}
        self.timeout.connect(self._beat)

    def _beat(self):
        now = time.perf_counter()
        self.gaps.append(1000 * (now - self.last))
        self.last = now

    def during(self, name, work):
        """Do something, and keep the 99th percentile and the largest of the gaps meanwhile, in milliseconds."""
        self.gaps, self.last = [], time.perf_counter()
        self.start()
        start = time.perf_counter()
        work()
        QTest.qWait(30)
        self.stop()
        self.told[name] = (
            statistics.quantiles(self.gaps, n=100, method="inclusive")[98],
            max(self.gaps),
            time.perf_counter() - start,
        )


@pytest.fixture
def window(qapp, tmp_path):
    session = Session(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat), "dark")
    made = MainWindow(session)
    made.resize(1440, 900)
    made.show()
    yield made
    made.document.history.setClean()
    made.close()
    session.stop()


def until(done, seconds=120):
    """Let the event loop run until something is so."""
    end = time.perf_counter() + seconds
    while not done():
        assert time.perf_counter() < end, "it took too long"
        QTest.qWait(5)


def type_in_properties(window):
    """Write another size into a field, a key every 30 ms, ten times, and see all views follow."""
    document = window.document
    path = next(path for path, layer in document.network.walk() if type(layer).__name__ == "Dropout")
    document.look(path=path.rpartition(".")[0], selection=frozenset({path}))
    QTest.qWait(300)
    for number in range(10):
        field = next(setting.editor for setting in window.properties.form.settings if setting.name == "p")
        field.setFocus()
        field.selectAll()
        for key in f"0.{number + 1}":
            QTest.keyClick(field, key)
            QTest.qWait(30)
        QTest.keyClick(field, Qt.Key.Key_Return)
        until(lambda: not document.stale)


def drag_a_node(window):
    """Drag a layer over the canvas, a move every 8 ms."""
    canvas = window.canvas
    view, path = canvas.view.viewport(), next(iter(canvas.selected_layers()))
    node = canvas.node(path)
    at = canvas.view.viewportTransform().map(node.sceneBoundingRect().center()).toPoint()
    QTest.mouseMove(view, at)
    QTest.mousePress(view, LEFT, NONE, at)
    for step in range(100):
        QTest.mouseMove(view, at + QPoint(2 * step, step))
        QTest.qWait(8)
    QTest.mouseRelease(view, LEFT, NONE, at + QPoint(198, 99))
    QTest.qWait(300)


@pytest.mark.benchmark
def test_the_window_never_stands_still(window, llama, capsys):
    document, heart = window.document, Heart()
    heart.during("idle", lambda: QTest.qWait(3000))
    window.session.torch.load()
    heart.during("torch's import", lambda: until(lambda: bool(window.session.torch.version)))
    heart.during("NodeGraphQt's import", lambda: window.canvas)
    heart.during("first fake run", lambda: _first_run(window))
    opened = []
    window.filing.opened.connect(opened.append)
    window.filing.open(llama)
    heart.during("importing", lambda: until(lambda: bool(opened)))
    heart.during("analyzing", lambda: until(lambda: not document.stale))
    heart.during("comparing", lambda: QTest.qWait(3000))
    heart.during("typing in properties", lambda: type_in_properties(window))
    heart.during("dragging a node", lambda: drag_a_node(window))
    with capsys.disabled():
        print(f"\n{len(document.network.all):,} layers, 99 % and largest gap of the event loop:")
        for name, (tail, most, seconds) in heart.told.items():
            print(f"{name:22} {tail:7.1f} ms {most:7.1f} ms, in {seconds:.1f} s")
    for name in ("importing", "analyzing", "typing in properties", "dragging a node"):
        tail, most, _ = heart.told[name]
        assert tail < STILL, name


def _first_run(window):
    window.show_network(Network().chain(x=Input(("B", "T", 4)), lstm=LSTM(4)), "first")
    until(lambda: not window.document.stale)
