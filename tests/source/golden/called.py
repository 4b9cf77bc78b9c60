"""A PyTorch network, written by Network Designer."""

import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.a.weight = None  # w.weight

    def forward(self, x, w_weight):
        a = F.linear(x, w_weight, self.a.bias)
        act = F.relu(a)
        return act


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Linear(8, 8)
        self.block = Block()

    def forward(self, x):
        w = self.w(x)
        block = self.block(w, self.w.weight)
        second = self.block(block, self.w.weight)
        third = self.block(second, self.w.weight)
        return third
