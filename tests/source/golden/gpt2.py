"""A PyTorch network, written by Network Designer."""

import torch
import torch.nn.functional as F
from torch import nn


def causal_mask(m, query, key):
    """True where a query must not look: at keys that come after it."""
    time = 1 if m.batch_first else 0
    return torch.ones(query.shape[time], key.shape[time], dtype=torch.bool, device=query.device).triu(1)


class TransposedLinear(nn.Module):
    """A linear layer that stores its weight as in x out."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(self.in_features**-0.5), self.in_features**-0.5)

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)


class Attn(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x):
        attn, _ = self.attn(x, x, x, attn_mask=causal_mask(self.attn, x, x), need_weights=False, is_causal=True)
        drop = F.dropout(attn, 0.1, self.training)
        return drop


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_fc = TransposedLinear(16, 64)
        self.c_proj = TransposedLinear(64, 16)

    def forward(self, x):
        c_fc = self.c_fc(x)  # B, T, 64
        act = F.gelu(c_fc, approximate="tanh")
        c_proj = self.c_proj(act)  # B, T, 16
        dropout = F.dropout(c_proj, 0.1, self.training)
        return dropout


class H(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(16)
        self.attn = Attn()
        self.ln_2 = nn.LayerNorm(16)
        self.mlp = Mlp()

    def forward(self, x):
        ln_1 = self.ln_1(x)
        attn = self.attn(ln_1)
        add = x + attn
        ln_2 = self.ln_2(add)
        mlp = self.mlp(ln_2)
        sum_ = add + mlp
        return sum_


class H2(nn.ModuleDict):
    def __init__(self):
        super().__init__()
        self["0"] = H()
        self["1"] = H()
        self["2"] = H()

    def forward(self, x):
        x0 = self["0"](x)
        x1 = self["1"](x0)
        x2 = self["2"](x1)
        return x2


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(50, 16)
        self.wpe = nn.Embedding(32, 16)
        self.h = H2()
        self.ln_f = nn.LayerNorm(16)

    def forward(self, tokens, positions):
        wte = self.wte(tokens)  # B, T, 16
        wpe = self.wpe(positions)  # T, 16
        add = wte + wpe
        drop = F.dropout(add, 0.1, self.training)
        h = self.h(drop)
        ln_f = self.ln_f(h)
        return ln_f


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = Transformer()
        self.lm_head = nn.Linear(16, 50, bias=False)
        self.lm_head.weight = None  # transformer.wte.weight

    def forward(self, tokens, positions):
        transformer = self.transformer(tokens, positions)  # B, T, 16
        lm_head = F.linear(transformer, self.transformer.wte.weight)  # B, T, 50
        return lm_head
