"""A PyTorch network, written by Network Designer."""

import torch
import torch.nn.functional as F
from torch import nn


class Down(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        conv1 = self.conv1(x)  # B, 8, H, W
        norm1 = self.norm1(conv1)
        act1 = F.relu(norm1)
        conv2 = self.conv2(act1)
        act2 = F.relu(conv2)
        return act2


class Down2(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x):
        conv1 = self.conv1(x)  # B, 16, H//2, W//2
        norm1 = self.norm1(conv1)
        act1 = F.relu(norm1)
        conv2 = self.conv2(act1)
        act2 = F.relu(conv2)
        return act2


class Up(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(24, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        conv1 = self.conv1(x)  # B, 8, H, W
        norm1 = self.norm1(conv1)
        act1 = F.relu(norm1)
        conv2 = self.conv2(act1)
        act2 = F.relu(conv2)
        return act2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = Down()
        self.down2 = Down2()
        self.up1 = Up()
        self.mask = nn.Conv2d(8, 1, 1)

    def forward(self, image):
        down1 = self.down1(image)  # B, 8, H, W
        pool1 = F.max_pool2d(down1, 2)  # B, 8, H//2, W//2
        down2 = self.down2(pool1)  # B, 16, H//2, W//2
        up = F.interpolate(down2, size=down1.shape[2:], mode="bilinear")  # B, 16, H, W
        join = torch.cat([down1, up], 1)  # B, 24, H, W
        up1 = self.up1(join)  # B, 8, H, W
        mask = self.mask(up1)  # B, 1, H, W
        return mask
