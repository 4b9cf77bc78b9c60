"""Models of pictures as many people write them, in plain torch."""

import torch
import torch.nn.functional as F
from torch import nn


class Residual(nn.Module):
    def __init__(self, given, made, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(given, made, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(made)
        self.conv2 = nn.Conv2d(made, made, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(made)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1 or given != made:
            self.downsample = nn.Sequential(nn.Conv2d(given, made, 1, stride, bias=False), nn.BatchNorm2d(made))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Residual(8, 8), Residual(8, 8))
        self.layer2 = nn.Sequential(Residual(8, 16, 2), Residual(16, 16))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(16, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


class DenseNet(nn.Module):
    """Each layer takes all before it."""

    def __init__(self, growth=4):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(8 + growth * n), nn.ReLU(), nn.Conv2d(8 + growth * n, growth, 3, padding=1))
            for n in range(4)
        )
        self.transition = nn.Sequential(nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 12, 1), nn.AvgPool2d(2))
        self.classifier = nn.Linear(12, 10)

    def forward(self, x):
        found = [self.stem(x)]
        for layer in self.layers:
            found.append(layer(torch.cat(found, 1)))
        x = self.transition(torch.cat(found, 1))
        return self.classifier(F.adaptive_avg_pool2d(F.relu(x), 1).flatten(1))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = self.double(1, 8), self.double(8, 16)
        self.bottom = self.double(16, 32)
        self.up2, self.up1 = nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2)
        self.conv2, self.conv1 = self.double(32, 16), self.double(16, 8)
        self.head = nn.Conv2d(8, 2, 1)

    def double(self, given, made):
        return nn.Sequential(
            *(nn.Conv2d(given, made, 3, padding=1), nn.BatchNorm2d(made), nn.ReLU(inplace=True)),
            *(nn.Conv2d(made, made, 3, padding=1), nn.BatchNorm2d(made), nn.ReLU(inplace=True)),
        )

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        x = self.up2(self.bottom(F.max_pool2d(b, 2)))
        x = self.conv2(torch.cat([x, b], dim=1))
        return torch.sigmoid(self.head(self.conv1(torch.cat([self.up1(x), a], dim=1))))


class SqueezeExcite(nn.Module):
    def __init__(self, size, inner):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(size, inner, 1), nn.Conv2d(inner, size, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.expand(F.silu(self.reduce(x.mean((2, 3), keepdim=True)))))


class Inverted(nn.Module):
    """The block of MobileNet, or with ``excite`` that of EfficientNet."""

    def __init__(self, given, made, stride, excite):
        super().__init__()
        self.same = stride == 1 and given == made
        act = nn.SiLU if excite else nn.ReLU6
        inner = given * 4
        self.conv = nn.Sequential(
            *(nn.Conv2d(given, inner, 1, bias=False), nn.BatchNorm2d(inner), act(inplace=True)),
            *(
                nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False),
                nn.BatchNorm2d(inner),
                act(inplace=True),
            ),
            SqueezeExcite(inner, 4) if excite else nn.Identity(),
            *(nn.Conv2d(inner, made, 1, bias=False), nn.BatchNorm2d(made, eps=1e-3, momentum=0.01)),
        )

    def forward(self, x):
        return x + self.conv(x) if self.same else self.conv(x)


class Mobile(nn.Module):
    def __init__(self, excite=False):
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(inplace=True)),
            *(Inverted(8, 8, 1, excite), Inverted(8, 16, 2, excite), Inverted(16, 16, 1, excite)),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(16, 10))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class ChannelsLast(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class NextBlock(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.dwconv, self.norm = nn.Conv2d(size, size, 7, padding=3, groups=size), nn.LayerNorm(size, eps=1e-6)
        self.pwconv1, self.act, self.pwconv2 = nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size)
        self.gamma = nn.Parameter(1e-1 * torch.ones(size))

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        return x + (self.gamma * self.pwconv2(self.act(self.pwconv1(y)))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.downs = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 8, 4, 4), ChannelsLast(8)),
                nn.Sequential(ChannelsLast(8), nn.Conv2d(8, 16, 2, 2)),
            ]
        )
        self.stages = nn.ModuleList(nn.Sequential(NextBlock(size), NextBlock(size)) for size in (8, 16))
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 10)

    def forward(self, x):
        for down, stage in zip(self.downs, self.stages):
            x = stage(down(x))
        return self.head(self.norm(x.mean([-2, -1])))


class Mixer(nn.Module):
    class Block(nn.Module):
        def __init__(self, size, patches):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
            self.tokens = nn.Sequential(nn.Linear(patches, 32), nn.GELU(), nn.Linear(32, patches))
            self.channels = nn.Sequential(nn.Linear(size, 48), nn.GELU(), nn.Dropout(0.1), nn.Linear(48, size))

        def forward(self, x):
            x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
            return x + self.channels(self.norm2(x))

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 8, 8)
        self.blocks = nn.Sequential(*(self.Block(24, 16) for _ in range(3)))
        self.norm, self.head = nn.LayerNorm(24), nn.Linear(24, 10)

    def forward(self, x):
        x = self.blocks(self.stem(x).flatten(2).transpose(1, 2))
        return self.head(self.norm(x).mean(dim=1))


def vgg():
    layers, given = [], 3
    for made in (8, "M", 16, 16, "M"):
        layers += [nn.MaxPool2d(2, 2)] if made == "M" else [nn.Conv2d(given, made, 3, padding=1), nn.ReLU(True)]
        given = given if made == "M" else made
    model = nn.Sequential()
    model.add_module("features", nn.Sequential(*layers))
    model.add_module("avgpool", nn.AdaptiveAvgPool2d(2))
    model.add_module("flatten", nn.Flatten())
    model.add_module("classifier", nn.Sequential(nn.Linear(64, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, 10)))
    return model


class Inception(nn.Module):
    class Branches(nn.Module):
        def __init__(self, given):
            super().__init__()
            self.branch1 = nn.Conv2d(given, 4, 1)
            self.branch2 = nn.Sequential(nn.Conv2d(given, 4, 1), nn.Conv2d(4, 8, (1, 3), padding=(0, 1)))
            self.branch3 = nn.Sequential(nn.Conv2d(given, 4, 1), nn.Conv2d(4, 4, 5, padding=2))
            self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(given, 4, 1))

        def forward(self, x):
            return torch.cat([F.relu(b(x)) for b in (self.branch1, self.branch2, self.branch3, self.branch4)], 1)

    def __init__(self):
        super().__init__()
        self.a, self.b, self.aux = self.Branches(3), self.Branches(20), nn.Linear(20, 5)
        self.fc = nn.Linear(20, 10)

    def forward(self, x):
        x = self.a(x)
        side = self.aux(x.mean((2, 3)))
        return {"logits": self.fc(F.avg_pool2d(self.b(x), 16)[:, :, 0, 0]), "aux": side}


class GroupNormed(nn.Module):
    """Weights that are standardised before each use."""

    class Conv(nn.Conv2d):
        def forward(self, x):
            weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
            weight = weight / (weight.std((1, 2, 3), keepdim=True) + 1e-5)
            return F.conv2d(x, weight, self.bias, self.stride, self.padding)

    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = self.Conv(3, 16, 3, padding=1), nn.GroupNorm(4, 16)
        self.conv2, self.norm2 = self.Conv(16, 16, 3, stride=2), nn.GroupNorm(16, 16, affine=False)
        self.norm3, self.fc = nn.InstanceNorm2d(16, affine=True), nn.Linear(16, 10)

    def forward(self, x):
        x = F.leaky_relu(self.norm1(self.conv1(x)), 0.1)
        x = self.norm3(F.elu(self.norm2(self.conv2(x))))
        return self.fc(x.amax((2, 3)))


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 8, 8)
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, 32)), nn.Parameter(torch.randn(1, 17, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.1, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(32), enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls.expand(x.shape[0], -1, -1), x), dim=1) + self.pos
        return self.head(self.encoder(x)[:, 0])


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(16, 8 * 4 * 4)
        self.net = nn.Sequential(
            *(nn.BatchNorm2d(8), nn.Upsample(scale_factor=2), nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8, 0.8)),
            *(nn.LeakyReLU(0.2, inplace=True), nn.ConvTranspose2d(8, 4, 4, 2, 1), nn.PReLU(), nn.ZeroPad2d(1)),
            *(nn.Conv2d(4, 12, 3), nn.PixelShuffle(2), nn.Tanh()),
        )

    def forward(self, z):
        return self.net(self.fc(z).view(z.size(0), 8, 4, 4))


class Volumes(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.pool = nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.MaxPool3d(2)
        self.up, self.out = nn.ConvTranspose3d(4, 2, 2, 2), nn.Conv3d(2, 1, 1)

    def forward(self, x):
        return self.out(self.up(self.pool(torch.relu(self.bn(self.conv(x))))))


def picture(make, channels=3, size=32):
    return lambda: (make(), {"x": torch.rand(2, channels, size, size)})


def sequential():
    return vgg(), {"input": torch.rand(2, 3, 32, 32)}


MODELS = {
    "plain resnet": picture(ResNet),
    "plain densenet": picture(DenseNet),
    "plain u-net": picture(UNet, 1),
    "plain mobilenet": picture(Mobile),
    "plain efficientnet": picture(lambda: Mobile(excite=True)),
    "plain convnext": picture(ConvNeXt),
    "plain mixer": picture(Mixer),
    "plain vgg": sequential,
    "plain inception": picture(Inception, size=16),
    "plain group norm": picture(GroupNormed),
    "plain vit": picture(Vit),
    "plain generator": lambda: (Generator(), {"z": torch.rand(3, 16)}),
    "plain volumes": lambda: (Volumes(), {"x": torch.rand(2, 1, 8, 8, 8)}),
}
