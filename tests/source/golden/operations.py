"""A PyTorch network, written by Network Designer."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.next = nn.Linear(4, 4)

    def forward(self, x):
        next_ = self.next(x)
        roll = torch.ops.aten.roll.default(next_, [1], [0])
        ones = torch.ops.aten.ones.default([4], device=x.device)  # 4
        sum = roll + ones
        return sum
