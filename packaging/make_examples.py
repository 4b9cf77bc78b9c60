"""Make the example networks: python packaging/make_examples.py [FOLDER].

Each is a project file without values, arranged, and beside it a JSON of what its card on the start page says.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))

from designer import Network, analyze, arrange, save, tie  # noqa: E402
from designer.layers import (  # noqa: E402
    GELU,
    LSTM,
    Add,
    BatchNorm2d,
    Call,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Embedding,
    Flatten,
    Group,
    Input,
    LayerNorm,
    Linear,
    MaxPool2d,
    MultiheadAttention,
    Operation,
    Output,
    ReLU,
    Sigmoid,
    Softmax,
    Subtract,
)

Made = tuple[str, str, Network]  # title, sentence, network


def tied_language_model() -> Made:
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300),
        lstm=LSTM(300),
        fc=Linear(1000),
        probs=Softmax(),
    )
    sentence = "An LSTM predicts words; its head takes the weight of the embedding and owns its bias only."
    return "Tied language model", sentence, tie(net, "emb/weight", "fc/weight")


def tied_autoencoder() -> Made:
    net = Network().chain(x=Input(("B", 784)), enc=Linear(64), act=ReLU(), dec=Linear(784), y=Sigmoid())
    sentence = "The decoder takes the weight of the encoder, turned round by a permute on the tie."
    return "Autoencoder 784-64-784", sentence, tie(net, "enc/weight", "dec/weight")


def gpt2() -> Made:
    """Four blocks of GPT-2, with its vocabulary and a sixth of its width."""
    net = Network().add(tokens=Input(("B", "T"), dtype="int64"), positions=Input(("T",), dtype="int64"))
    net = net.chain("tokens", wte=Embedding(50257, 128)).chain("positions", wpe=Embedding(1024, 128))
    net = net.add(add=Add()).connect("wte", "add").connect("wpe", "add")
    net = net.chain("add", drop=Dropout(0.1), **{f"block{n}": block(128, 4) for n in range(1, 5)}, ln_f=LayerNorm())
    net = net.chain("ln_f", head=Linear(50257, bias=False))
    sentence = "A GPT-2 of four blocks with causal attention; the head is the embedding of the tokens."
    return "Small GPT-2", sentence, tie(net, "wte/weight", "head/weight")


def block(width: int, heads: int) -> Group:
    mlp = Network().chain(x=Input(), fc=Linear(4 * width), act=GELU("tanh"), proj=Linear(width), drop=Dropout(0.1))
    mlp = mlp.chain("drop", y=Output())
    net = Network().chain(
        x=Input(), ln_1=LayerNorm(), attn=MultiheadAttention(heads, is_causal=True), drop=Dropout(0.1)
    )
    net = net.add(add=Add()).connect("x", "add").connect("drop", "add").chain("add", ln_2=LayerNorm(), mlp=Group(mlp))
    net = net.add(sum=Add(), y=Output()).connect("add", "sum").connect("mlp", "sum").connect("sum", "y")
    return Group(net)


def image_classifier() -> Made:
    net = Network().chain(
        image=Input(("B", 3, 32, 32)),
        conv1=Conv2d(32, 3, padding=1, bias=False),
        norm1=BatchNorm2d(),
        act1=ReLU(),
        conv2=Conv2d(32, 3, padding=1, bias=False),
        norm2=BatchNorm2d(),
        add=Add(),
        act2=ReLU(),
        pool=MaxPool2d(4),
        flat=Flatten(),
        fc=Linear(10),
        probs=Softmax(),
    )
    sentence = "Ten classes of 32 x 32 images, with one residual step."
    return "Image classifier", sentence, net.connect("act1", "add")


def siamese_pair() -> Made:
    tower = Network().chain(
        image=Input(),
        conv1=Conv2d(32, 5),
        act1=ReLU(),
        pool1=MaxPool2d(),
        conv2=Conv2d(64, 5),
        act2=ReLU(),
        pool2=MaxPool2d(),
        flat=Flatten(),
        fc=Linear(128),
        y=Output(),
    )
    net = Network().chain(first=Input(("B", 1, 28, 28)), tower=Group(tower))
    net = net.add(second=Input(("B", 1, 28, 28)), again=Call())
    net = net.connect("tower/learnables", "again/learnables").connect("second", "again")
    net = net.add(difference=Subtract()).connect("tower", "difference").connect("again", "difference/other")
    absolute = Operation("abs", arguments=(("port", "in"),))
    net = net.chain("difference", distance=absolute, fc=Linear(1), same=Sigmoid())
    return "Siamese pair", "One tower is used twice, and what it says of two images is compared.", net


def convolutional_autoencoder() -> Made:
    half = {"stride": 2, "padding": 1}
    net = Network().chain(
        image=Input(("B", 1, 28, 28)),
        conv1=Conv2d(16, 3, **half),
        act1=ReLU(),
        conv2=Conv2d(32, 3, **half),
        act2=ReLU(),
        deconv2=ConvTranspose2d(16, 3, output_padding=1, **half),
        act3=ReLU(),
        deconv1=ConvTranspose2d(1, 3, output_padding=1, **half),
        y=Sigmoid(),
    )
    net = tie(tie(net, "conv2/weight", "deconv2/weight"), "conv1/weight", "deconv1/weight")
    return (
        "Convolutional autoencoder",
        "Each transposed convolution takes the weight of what it undoes.",
        net,
    )


EXAMPLES: tuple[Callable[[], Made], ...] = (
    tied_language_model,
    tied_autoencoder,
    gpt2,
    image_classifier,
    siamese_pair,
    convolutional_autoencoder,
)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for make in EXAMPLES:
        title, sentence, network = make()
        network = network if network.positions else arrange(network)
        analysis = analyze(network)
        assert not analysis.problems, [problem.text for problem in analysis.problems]
        name = make.__name__.replace("_", "-")
        save(network, folder / f"{name}.network")
        counts = {"stored": analysis.stored, "used": analysis.used, "saved": analysis.saved, "layers": network.count}
        about = {"title": title, "sentence": sentence, **counts}
        (folder / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")
        print(f"{name}: {counts}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else root / "resources" / "examples")
