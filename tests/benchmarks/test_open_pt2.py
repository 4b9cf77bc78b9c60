"""Opening a GPT-2-like model of 12 blocks, against torch's own loader, in the same run."""

import statistics
import time
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from designer import import_pytorch

ROUNDS = 15


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.attn, self.proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size), nn.Dropout(0.1))

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = (part.view(b, t, 12, c // 12).transpose(1, 2) for part in self.attn(self.ln_1(x)).split(c, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).contiguous().view(b, t, c))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, size=96):
        super().__init__()
        self.wte, self.wpe, self.ln_f = nn.Embedding(1000, size), nn.Embedding(64, size), nn.LayerNorm(size)
        self.h = nn.ModuleList([Block(size) for _ in range(12)])
        self.lm_head = nn.Linear(size, 1000, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, x):
        h = self.wte(x) + self.wpe(torch.arange(x.shape[1]))
        for block in self.h:
            h = block(h)
        return self.lm_head(self.ln_f(h))


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@pytest.mark.benchmark
def test_opening_is_quicker_than_torch_loading(benchmark, tmp_path):
    path = tmp_path / "gpt.pt2"
    auto = torch.export.Dim.AUTO
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = {"x": torch.zeros(2, 16, dtype=torch.int64)}
        shapes = {"x": {0: auto, 1: auto}}
        torch.export.save(torch.export.export(GPT().eval(), (), inputs, dynamic_shapes=shapes, strict=False), path)
        import_pytorch(path)
        torch.export.load(path)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(seconds(lambda: import_pytorch(path)))
            theirs.append(seconds(lambda: torch.export.load(path)))
        benchmark.pedantic(import_pytorch, args=(path,), rounds=5)
    mine, other = statistics.median(ours), statistics.median(theirs)
    benchmark.extra_info["ratio"] = mine / other
    print(f"\nopening 12 blocks: {1e3 * mine:.0f} ms, torch.export.load {1e3 * other:.0f} ms, ratio {mine / other:.2f}")
    assert mine < other
