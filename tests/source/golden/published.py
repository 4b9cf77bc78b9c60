"""A PyTorch network, written by Network Designer."""

import torch
import torch.nn.functional as F
from torch import nn


class TransposedEmbedding(nn.Module):
    """An embedding that stores its vectors as columns."""

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, **settings):
        super().__init__()
        self.padding_idx = padding_idx
        self.max_norm = settings.get("max_norm")
        self.norm_type = settings.get("norm_type", 2.0)
        self.scale_grad_by_freq = settings.get("scale_grad_by_freq", False)
        self.sparse = settings.get("sparse", False)
        self.weight = nn.Parameter(torch.empty(embedding_dim, num_embeddings))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.normal_(self.weight)
        if self.padding_idx is not None:
            nn.init.zeros_(self.weight[:, self.padding_idx])

    def forward(self, x):
        return F.embedding(
            x, self.weight.t(), self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = TransposedEmbedding(1000, 300)
        self.lstm = nn.LSTM(300, 300, batch_first=True)
        self.fc = nn.Linear(300, 1000)
        self.fc.weight = None  # permute.out

    def forward(self, tokens):
        emb = self.emb(tokens)  # B, T, 300
        lstm, _ = self.lstm(emb)
        permute = self.emb.weight.permute(1, 0)  # 1000, 300
        fc = F.linear(lstm, permute, self.fc.bias)  # B, T, 1000
        probs = fc.softmax(-1)
        return probs
