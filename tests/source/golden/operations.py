"""A PyTorch network, written by Network Designer."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.next = nn.Linear(4, 4)

    def forward(self, x):
        next_ = self.next(x)
        roll = next_.roll([1], [0])
        ones = torch.ones([4], device=x.device)  # 4
        sum_ = roll + ones
        return sum_
