"""Models of sequences and tables as many people write them, in plain torch."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def tokens(*sizes, high=50):
    return torch.randint(0, high, sizes)


class Tagger(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.emb = nn.Embedding(50, 16, padding_idx=0)
        self.rnn = getattr(nn, kind)(16, 12, 2, batch_first=True, bidirectional=True, dropout=0.2)
        self.drop, self.fc = nn.Dropout(0.3), nn.Linear(24, 7)

    def forward(self, x):
        return self.fc(self.drop(self.rnn(self.emb(x))[0]))


class Seq2Seq(nn.Module):
    """The states of one recurrent layer start another."""

    def __init__(self):
        super().__init__()
        self.src, self.trg = nn.Embedding(50, 12), nn.Embedding(40, 12)
        self.encoder, self.decoder = nn.LSTM(12, 16, 2, batch_first=True), nn.LSTM(12, 16, 2, batch_first=True)
        self.attend, self.out = nn.Linear(16, 16, bias=False), nn.Linear(32, 40)

    def forward(self, src, trg):
        memory, state = self.encoder(self.src(src))
        h, _ = self.decoder(self.trg(trg), state)
        shares = F.softmax(torch.bmm(self.attend(h), memory.transpose(1, 2)) / 4.0, dim=-1)
        return self.out(torch.cat([h, torch.bmm(shares, memory)], -1))


class TiedAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.act = nn.Linear(64, 16), nn.ReLU()
        self.bias = nn.Parameter(torch.zeros(64))

    def forward(self, x):
        return torch.sigmoid(F.linear(self.act(self.encoder(x)), self.encoder.weight.t(), self.bias))


class TiedLanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(50, 16)
        self.rnn = nn.GRU(16, 16, batch_first=True)
        self.decoder = nn.Linear(16, 50)
        self.decoder.weight = self.encoder.weight

    def forward(self, x):
        h, state = self.rnn(self.encoder(x))
        return F.log_softmax(self.decoder(h), dim=-1), state


class Translator(nn.Module):
    """nn.Transformer with all three tables of words tied."""

    def __init__(self):
        super().__init__()
        self.src, self.tgt = nn.Embedding(50, 16), nn.Embedding(50, 16)
        self.transformer = nn.Transformer(16, 4, 2, 2, 32, 0.1, batch_first=True)
        self.transformer.encoder.enable_nested_tensor = False
        self.generator = nn.Linear(16, 50, bias=False)
        self.tgt.weight = self.src.weight
        self.generator.weight = self.src.weight
        position = torch.arange(32)[:, None] * torch.exp(torch.arange(0, 16, 2) * (-math.log(10000.0) / 16))
        table = torch.zeros(1, 32, 16)
        table[0, :, 0::2], table[0, :, 1::2] = torch.sin(position), torch.cos(position)
        self.register_buffer("pe", table)

    def forward(self, src, tgt):
        mask = torch.triu(torch.full((tgt.size(1), tgt.size(1)), float("-inf")), diagonal=1)
        a = self.src(src) * math.sqrt(16) + self.pe[:, : src.size(1)]
        b = self.tgt(tgt) * math.sqrt(16) + self.pe[:, : tgt.size(1)]
        return self.generator(self.transformer(a, b, tgt_mask=mask, tgt_is_causal=True))


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.self_attn = nn.MultiheadAttention(16, 4, dropout=0.1, batch_first=True)
        self.cross = nn.MultiheadAttention(16, 2, kdim=10, vdim=10, batch_first=True)
        self.fc = nn.Linear(16, 3)

    def forward(self, x, memory):
        h = self.norm(x)
        x = x + self.self_attn(h, h, h, need_weights=False)[0]
        y, weights = self.cross(x, memory, memory)
        return self.fc(x + y), weights


class CharCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(60, 8)
        self.convs = nn.ModuleList([nn.Conv1d(8, 6, width) for width in (2, 3, 4)])
        self.highway, self.gate = nn.Linear(18, 18), nn.Linear(18, 18)
        self.fc = nn.Linear(18, 4)

    def forward(self, x):
        x = self.emb(x).transpose(1, 2)
        x = torch.cat([F.relu(conv(x)).max(dim=2)[0] for conv in self.convs], 1)
        gate = torch.sigmoid(self.gate(x))
        return self.fc(gate * torch.relu(self.highway(x)) + (1 - gate) * x)


class Gated(nn.Module):
    """Convolutions with gates, and a feed-forward as in PaLM."""

    def __init__(self):
        super().__init__()
        self.conv, self.glu, self.norm = nn.Conv1d(6, 16, 3, padding=1), nn.GLU(dim=1), nn.RMSNorm(8)
        self.w1, self.w2, self.w3 = (nn.Linear(*sizes, bias=False) for sizes in ((8, 20), (20, 8), (8, 20)))

    def forward(self, x):
        x = self.norm(self.glu(self.conv(x)).transpose(1, 2))
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class WaveNet(nn.Module):
    """Causal convolutions that reach ever further back."""

    def __init__(self):
        super().__init__()
        self.start = nn.Conv1d(1, 8, 1)
        self.filters = nn.ModuleList([nn.Conv1d(8, 8, 2, dilation=2**n) for n in range(3)])
        self.gates = nn.ModuleList([nn.Conv1d(8, 8, 2, dilation=2**n) for n in range(3)])
        self.skips = nn.ModuleList([nn.Conv1d(8, 6, 1) for _ in range(3)])
        self.end = nn.Conv1d(6, 4, 1)

    def forward(self, x):
        x, total = self.start(x), 0
        for n, (conv, gate, skip) in enumerate(zip(self.filters, self.gates, self.skips)):
            padded = F.pad(x, (2**n, 0))
            y = torch.tanh(conv(padded)) * torch.sigmoid(gate(padded))
            total = total + skip(y)
            x = x + y
        return self.end(F.relu(total))


class NanoBlock(nn.Module):
    def __init__(self, size, length):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(size, bias=False), nn.LayerNorm(size, bias=False)
        self.c_attn, self.c_proj = nn.Linear(size, 3 * size, bias=False), nn.Linear(size, size, bias=False)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(size, 4 * size), "c_proj": nn.Linear(4 * size, size)})
        self.attn_dropout = nn.Dropout(0.1)
        self.register_buffer("mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = (part.view(b, t, 2, c // 2).transpose(1, 2) for part in self.c_attn(self.ln_1(x)).split(c, dim=2))
        shares = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        shares = F.softmax(shares.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf")), dim=-1)
        y = (self.attn_dropout(shares) @ v).transpose(1, 2).contiguous().view(b, t, c)
        x = x + self.c_proj(y)
        return x + self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh"))


class NanoGpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(60, 16),
                "wpe": nn.Embedding(32, 16),
                "h": nn.ModuleList([NanoBlock(16, 32) for _ in range(2)]),
                "ln_f": nn.LayerNorm(16, bias=False),
            }
        )
        self.lm_head = nn.Linear(16, 60, bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, idx):
        pos = torch.arange(0, idx.size(1), dtype=torch.long)
        x = self.transformer.wte(idx) + self.transformer.wpe(pos)
        for block in self.transformer.h:
            x = block(x)
        return self.lm_head(self.transformer.ln_f(x)[:, [-1], :])


class Variational(nn.Module):
    """Two heads, with the noise given from outside."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(20, 16), nn.ELU())
        self.mu, self.logvar = nn.Linear(16, 4), nn.Linear(16, 4)
        self.decoder = nn.Sequential(nn.Linear(4, 16), nn.Softplus(), nn.Linear(16, 20), nn.Sigmoid())

    def forward(self, x, noise):
        h = self.body(x)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.decoder(mu + noise * torch.exp(0.5 * logvar)), mu, logvar


class Recommender(nn.Module):
    """Tables and numbers, as in DLRM."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(rows, 8) for rows in (10, 20, 30)])
        self.bottom = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 8))
        self.top = nn.Sequential(nn.Linear(14, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
        self.register_buffer("rows", torch.triu_indices(4, 4, 1))

    def forward(self, numbers, categories):
        dense = self.bottom(numbers)
        found = torch.stack([dense, *(table(categories[:, n]) for n, table in enumerate(self.tables))], 1)
        pairs = torch.bmm(found, found.transpose(1, 2))[:, self.rows[0], self.rows[1]]
        return self.top(torch.cat([dense, pairs], 1)).squeeze(-1)


class Shared(nn.Module):
    """One block called again and again, and a tower for two inputs."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Hardswish(), nn.Linear(16, 16))
        self.block, self.norm = nn.Linear(16, 16), nn.LayerNorm(16)

    def forward(self, a, b):
        u, v = self.tower(a), self.tower(b)
        for _ in range(3):
            u = self.norm(u + torch.tanh(self.block(u)))
        return F.cosine_similarity(u, v), torch.cdist(u[:, None], v[:, None]).flatten(1)


MODELS = {
    "plain lstm tagger": lambda: (Tagger("LSTM"), {"x": tokens(2, 9)}),
    "plain gru tagger": lambda: (Tagger("GRU"), {"x": tokens(2, 9)}),
    "plain seq2seq": lambda: (Seq2Seq(), {"src": tokens(2, 9), "trg": tokens(2, 6, high=40)}),
    "plain tied autoencoder": lambda: (TiedAutoencoder(), {"x": torch.rand(2, 64)}),
    "plain tied language model": lambda: (TiedLanguageModel(), {"x": tokens(2, 9)}),
    "plain translator": lambda: (Translator(), {"src": tokens(2, 9), "tgt": tokens(2, 7)}),
    "plain attention": lambda: (Attending(), {"x": torch.rand(2, 7, 16), "memory": torch.rand(2, 5, 10)}),
    "plain char cnn": lambda: (CharCnn(), {"x": tokens(2, 12)}),
    "plain gated": lambda: (Gated(), {"x": torch.rand(2, 6, 9)}),
    "plain wavenet": lambda: (WaveNet(), {"x": torch.rand(2, 1, 24)}),
    "plain nanogpt": lambda: (NanoGpt(), {"idx": tokens(2, 13)}),
    "plain variational": lambda: (Variational(), {"x": torch.rand(2, 20), "noise": torch.rand(2, 4)}),
    "plain recommender": lambda: (Recommender(), {"numbers": torch.rand(2, 5), "categories": tokens(2, 3, high=10)}),
    "plain shared": lambda: (Shared(), {"a": torch.rand(2, 8), "b": torch.rand(2, 8)}),
}
