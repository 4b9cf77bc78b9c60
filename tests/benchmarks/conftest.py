"""Networks to arrange, flat, as large as those that people have: only how they are wired counts."""

import pytest

from designer.layers import (
    GELU,
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concatenate,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Embedding,
    Flatten,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool2d,
    MultiheadAttention,
    Multiply,
    Permute,
    ReLU,
    Reshape,
    Slice,
    Softmax,
)
from designer.model import Network, Port


class Wiring:
    """Layers as they come, each fed by some before it."""

    def __init__(self):
        self.layers, self.connections = {}, {}

    def add(self, layer, *sources, name=None):
        name = name or f"{type(layer).__name__.lower()}{len(self.layers)}"
        self.layers[name] = layer
        for n, source in enumerate(sources):
            port = str(n) if layer.variadic else layer.inputs()[n]
            self.connections[Port(name, port)] = Port(source, self.layers[source].outputs()[0])
        return name

    def chain(self, source, *layers):
        for layer in layers:
            source = self.add(layer, source)
        return source

    def image(self):
        return self.add(Input(("B", 3, 224, 224)), name="image")

    @property
    def network(self):
        return Network(layers=self.layers, connections=self.connections)


def resnet(blocks=(3, 8, 36, 3)):
    """ResNet-152: bottlenecks of three convolutions (He et al., 2015)."""
    it = Wiring()
    x = it.chain(it.image(), Conv2d(64, 7), BatchNorm2d(), ReLU(), MaxPool2d(3))
    for stage, count in enumerate(blocks):
        for n in range(count):
            wide = 64 << stage
            y = it.chain(x, Conv2d(wide, 1), BatchNorm2d(), ReLU(), Conv2d(wide, 3), BatchNorm2d(), ReLU())
            y = it.chain(y, Conv2d(4 * wide, 1), BatchNorm2d())
            if n == 0:
                x = it.chain(x, Conv2d(4 * wide, 1), BatchNorm2d())
            x = it.chain(it.add(Add(), y, x), ReLU())
    it.chain(x, AvgPool2d(7), Flatten(), Linear(1000))
    return it.network


def inception(modules=11):
    """Four branches side by side, the third parted once more in every third module (Szegedy et al., 2015)."""
    it = Wiring()

    def conv(x, kernel=3):
        return it.chain(x, Conv2d(64, kernel), BatchNorm2d(), ReLU())

    x = conv(conv(conv(it.image())))
    for n in range(modules):
        one, five, three = conv(x, 1), conv(conv(x, 1), 5), conv(conv(conv(x, 1)))
        pooled = conv(it.add(AvgPool2d(3), x), 1)
        if n % 3 == 2:
            five = it.add(Concatenate(1), conv(five), conv(five))
            three = it.add(Concatenate(1), conv(three), conv(three))
        x = it.add(Concatenate(1), one, five, three, pooled)
    it.chain(x, AvgPool2d(8), Flatten(), Linear(1000))
    return it.network


def unet(levels=5, convolutions=2):
    """Down and up again, each level joined to its like (Ronneberger et al., 2015)."""
    it = Wiring()

    def block(x):
        return it.chain(x, *[layer for _ in range(convolutions) for layer in (Conv2d(64, 3), BatchNorm2d(), ReLU())])

    x, beside = it.image(), []
    for level in range(levels):
        x = block(x)
        if level < levels - 1:
            beside.append(x)
            x = it.add(MaxPool2d(2), x)
    for left in reversed(beside):
        x = block(it.add(Concatenate(1), left, it.add(ConvTranspose2d(64, 2), x)))
    it.add(Conv2d(2, 1), x)
    return it.network


def densenet(blocks=(6, 12, 24, 16)):
    """DenseNet-121: each layer takes all before it in its block (Huang et al., 2016)."""
    it = Wiring()
    x = it.chain(it.image(), Conv2d(64, 7), BatchNorm2d(), ReLU(), MaxPool2d(3))
    for stage, count in enumerate(blocks):
        features = [x]
        for _ in range(count):
            y = it.add(Concatenate(1), *features) if len(features) > 1 else x
            y = it.chain(y, BatchNorm2d(), ReLU(), Conv2d(128, 1), BatchNorm2d(), ReLU(), Conv2d(32, 3))
            features.append(y)
        x = it.add(Concatenate(1), *features)
        if stage < len(blocks) - 1:
            x = it.chain(x, BatchNorm2d(), ReLU(), Conv2d(128, 1), AvgPool2d(2))
    it.chain(x, BatchNorm2d(), Flatten(), Linear(1000))
    return it.network


def transformer(encoders=6, decoders=6):
    """An encoder and a decoder that looks at it in every layer (Vaswani et al., 2017)."""
    it = Wiring()

    def residual(x, y):
        return it.chain(it.add(Add(), x, it.add(Dropout(), y)), LayerNorm())

    def looking(x, other=None):
        if other is None:
            return residual(x, it.add(MultiheadAttention(8), x))
        return residual(x, it.add(MultiheadAttention(8, cross=True), x, other, other))

    def forward(x):
        return residual(x, it.chain(x, Linear(2048), ReLU(), Dropout(), Linear(512)))

    x = it.add(Embedding(1000, 512), it.add(Input(("B", "S"), dtype="int64"), name="source"))
    for _ in range(encoders):
        x = forward(looking(x))
    y = it.add(Embedding(1000, 512), it.add(Input(("B", "T"), dtype="int64"), name="target"))
    for _ in range(decoders):
        y = forward(looking(looking(y), x))
    it.chain(y, Linear(1000), Softmax())
    return it.network


def gpt2(count):
    """About ``count`` layers of GPT-2, attention written out, one mask for all blocks (Radford et al., 2019)."""
    it = Wiring()
    tokens = it.add(Input(("B", "T"), dtype="int64"), name="tokens")
    positions = it.add(Input(("B", "T"), dtype="int64"), name="positions")
    mask = it.add(Input(("B", 1, 1, "T")), name="mask")
    x = it.add(Add(), it.add(Embedding(50257, 768), tokens), it.add(Embedding(1024, 768), positions))
    x = it.add(Dropout(), x)
    while len(it.layers) < count - 14:
        y = it.chain(x, LayerNorm(), Linear(2304))
        query, key, value = (it.chain(y, Slice(), Reshape((0, 1)), Permute((0, 2, 1))) for _ in range(3))
        scores = it.add(MatMul(), query, it.add(Permute((0, 2, 1)), key))
        scores = it.chain(it.add(Multiply(), scores, mask), Softmax(), Dropout())
        y = it.chain(it.add(MatMul(), scores, value), Permute((0, 2, 1)), Reshape((0, 1)), Linear(768), Dropout())
        x = it.add(Add(), x, y)
        x = it.add(Add(), x, it.chain(x, LayerNorm(), Linear(3072), GELU(), Linear(768), Dropout()))
    it.chain(x, LayerNorm(), Linear(50257), Softmax())
    return it.network


@pytest.fixture
def networks():
    """What builds each network, by its name."""
    return {
        "ResNet-152": resnet,
        "Inception": inception,
        "U-Net": unet,
        "DenseNet-121": densenet,
        "Transformer": transformer,
        "GPT-2, 50": lambda: gpt2(50),
        "GPT-2, 500": lambda: gpt2(500),
        "GPT-2, 5,000": lambda: gpt2(5_000),
    }
