"""Draw the pictures of the README: python packaging/screenshots.py [FOLDER].

They are drawn by the program itself, without a display, at 1440 x 900.
"""

import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))

from PySide6.QtCore import QSettings, Qt  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QWidget  # noqa: E402

from designer import build, import_pytorch, load  # noqa: E402
from designer.edits import group, tie, ungroup  # noqa: E402
from designer.gui.main_window import REPORT, MainWindow  # noqa: E402
from designer.gui.session import Session  # noqa: E402
from designer.layers import (  # noqa: E402
    LSTM,
    Add,
    BatchNorm2d,
    Conv2d,
    Embedding,
    Input,
    LayerNorm,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
)
from designer.model import Layer, Network, Port  # noqa: E402

SIZE = (1440, 900)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    for name in ("dark", "light"):
        session = Session(QSettings("", QSettings.Format.InvalidFormat), name)
        window = MainWindow(session)
        window.resize(*SIZE)
        window.show()
        session.torch.load()
        wait(app, lambda: session.torch.version)  # noqa: B023  (called before the next session)
        draw(window, folder / f"start-{name}.png")
        stories(app, window, folder, name)
        views(app, window, folder, name)
        canvases(app, window, folder, name)
        with tempfile.TemporaryDirectory() as made:
            files(app, window, folder, name, Path(made))
        window.document.history.setClean()
        window.close()
        session.stop()
        settle(app)


def stories(app: QApplication, window: MainWindow, folder: Path, name: str) -> None:
    """Create, transfer, untie."""
    show(app, window, language_model(), "tied-language-model", selection=frozenset({"fc"}))
    window.document.look(unfolded=frozenset({"emb", "fc"}))
    window.properties.form.learnables.rows["weight"].head.toggled()
    window.canvas.fit(all=True)
    settle(app)
    draw(window, folder / f"main-{name}.png")
    window.bottom.show_tab(2)
    settle(app)
    draw(window, folder / f"code-{name}.png")
    window.bottom.show_tab(0)
    window.actions_by_name["transfer"].trigger()
    settle(app)
    draw(window, folder / f"transfer-{name}.png")
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
    settle(app)
    window.canvas.view.setFocus()
    window.actions_by_name["untie"].trigger()
    wait(app, lambda: "max |difference|" in window.status.message.full)
    wait(app, lambda: not window.document.stale)
    draw(window, folder / f"untie-{name}.png")


def views(app: QApplication, window: MainWindow, folder: Path, name: str) -> None:
    """What else there is to see."""
    square = Network().chain(x=Input(("B", 64)), a=Linear(64), b=Linear(64))
    show(app, window, square, "square", selection=frozenset({"a", "b"}))
    window.actions_by_name["tie"].trigger()
    settle(app)
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    settle(app)
    draw(window, folder / f"square-{name}.png")
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
    window.bottom.show_tab(1)
    show(app, window, broken(), "autoencoder", selection=frozenset({"dec"}))
    draw(window, folder / f"problems-{name}.png")
    window.bottom.show_tab(0)
    show(app, window, nested(), "encoder", selection=frozenset({"encoder"}))
    draw(window, folder / f"groups-{name}.png")
    show(app, window, load(root / "resources" / "examples" / "gpt2.network"), "gpt2")
    draw(window, folder / f"gpt2-{name}.png")
    for command in ("palette", "keys"):
        window.actions_by_name[command].trigger()
        settle(app)
        sheets = window.findChildren(QDialog)
        draw(sheets[0] if sheets else window, folder / f"{command}-{name}.png")
        sheets[0].close() if sheets else window.boxes.close()
        settle(app)
    window.canvas.view.setFocus()
    window.canvas.commands["search"].trigger()
    QTest.keyClicks(window.focusWidget(), "norm")
    settle(app)
    draw(window, folder / f"search-{name}.png")
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Escape)


def canvases(app: QApplication, window: MainWindow, folder: Path, name: str) -> None:
    """Networks small and large: one with a tie, one of blocks, one from afar."""
    examples = root / "resources" / "examples"
    show(app, window, load(examples / "tied-autoencoder.network"), "tied-autoencoder", selection=frozenset({"dec"}))
    draw(window, folder / f"autoencoder-{name}.png")
    show(app, window, resnet18(), "resnet18")
    draw(window, folder / f"resnet-{name}.png")
    window.canvas.enter("layer2.0")
    settle(app)
    draw(window, folder / f"resnet-block-{name}.png")
    window.canvas.enter("")
    window.docks.toggle_tab(0)  # the canvas is high then
    settle(app)
    show(app, window, opened_block(load(examples / "gpt2.network")), "gpt2", selection=frozenset({"head"}))
    draw(window, folder / f"gpt2-block-{name}.png")
    window.docks.toggle_tab(0)
    settle(app)
    show(app, window, deep(1_400), "resnet")
    draw(window, folder / f"map-{name}.png")


def files(app: QApplication, window: MainWindow, folder: Path, name: str, made: Path) -> None:
    """Files that were opened, what is said about them, and values for an open network."""
    import torch
    from safetensors.torch import save_file

    model = build(language_model())
    opened(app, window, written(model, made / "language-model.pt2"))
    window.bottom.show_tab(REPORT)
    wait(app, lambda: "max |difference|" in window.bottom.report.said.full)
    draw(window, folder / f"report-{name}.png")
    tensors = {key: value.clone() for key, value in model.state_dict().items()}
    save_file(tensors | {"fc.weight": tensors["emb.weight"].clone()}, made / "language-model.safetensors")
    window.filing.open(made / "language-model.safetensors")  # in a window of its own, since it holds values alone
    wait(app, lambda: len(window.session.windows) > 1)
    values = window.session.windows[-1]
    values.resize(*SIZE)
    wait(app, lambda: values.bottom.report.offers and not values.document.stale)
    values.canvas.fit(all=True)
    settle(app)
    draw(values, folder / f"suggestion-{name}.png")
    values.close()
    window.bottom.show_tab(0)
    show(app, window, language_model(), "tied-language-model")
    tensors["fc.bias"] = torch.zeros(1, 1000)
    torch.save({f"module.{key}": value for key, value in tensors.items()}, made / "epoch-12.pth")
    window.attaching.read(made / "epoch-12.pth")
    wait(app, lambda: window.attaching.form is not None)
    draw(window.attaching.form, folder / f"attach-{name}.png")
    window.attaching.form.close()
    settle(app)


def written(model: object, path: Path) -> Path:
    """Write a model as torch.export does."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        free = {0: torch.export.Dim.AUTO}
        tokens = torch.zeros(2, 7, dtype=torch.int64)
        torch.export.save(torch.export.export(model.eval(), (tokens,), dynamic_shapes=(free,), strict=False), path)  # type: ignore[attr-defined]
    return path


def opened(app: QApplication, window: MainWindow, path: Path) -> None:
    """Open a file in the place of what is open."""
    before = window.document.network
    window.document.history.setClean()
    window.filing.open(path)
    wait(app, lambda: window.document.network is not before and not window.document.stale)
    window.canvas.fit(all=True)
    settle(app)


def resnet18() -> Network:
    """ResNet-18 as people write it, opened live (He et al., 2015)."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.relu = nn.ReLU()
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            self.downsample = nn.Sequential(*shortcut) if stride > 1 else nn.Sequential()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            return self.relu(y + self.downsample(x))

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.relu = nn.ReLU()
            self.maxpool = nn.MaxPool2d(3, 2, 1)
            self.layer1 = nn.Sequential(Block(64, 64, 1), Block(64, 64, 1))
            self.layer2 = nn.Sequential(Block(64, 128, 2), Block(128, 128, 1))
            self.layer3 = nn.Sequential(Block(128, 256, 2), Block(256, 256, 1))
            self.layer4 = nn.Sequential(Block(256, 512, 2), Block(512, 512, 1))
            self.avgpool = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(512, 1000)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(torch.flatten(self.avgpool(x), 1))

    return import_pytorch(ResNet(), (torch.rand(2, 3, 64, 64),)).network


def deep(blocks: int) -> Network:
    """Ten thousand layers in residual blocks of seven, without groups."""
    net: dict[str, Layer] = {"image": Input(("B", 64, 16, 16))}
    wires, last = {}, "image"
    for n in range(blocks):
        parts = (Conv2d(64, 3, padding=1), BatchNorm2d(), ReLU(), Conv2d(64, 3, padding=1), BatchNorm2d())
        x = last
        for k, layer in enumerate((*parts, Add(), ReLU())):
            name = f"{type(layer).__name__.lower()}{n}_{k}"
            net[name] = layer
            wires[Port(name, "0" if isinstance(layer, Add) else "in")] = Port(x, "out")
            if isinstance(layer, Add):
                wires[Port(name, "1")] = Port(last, "out")
            x = name
        last = x
    return Network(layers=net, connections=wires)


def opened_block(net: Network) -> Network:
    """GPT-2 with its first block opened where it stands, in three rows; its tie goes down beside the first of each."""
    net = ungroup(net, "block1")
    left = net.positions["wte"][0]
    moved = {}
    for y, first, last in ((272.0, "ln_1", "sum"), (472.0, "block2", "head")):
        from_, to = net.positions[first][0], net.positions[last][0]
        moved |= {name: (x - from_ + left, y) for name, (x, _) in net.positions.items() if from_ <= x <= to}
    return net.move(moved)


def language_model() -> Network:
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300),
        lstm=LSTM(300),
        fc=Linear(1000),
        probs=Softmax(),
    )
    return tie(net, "emb/weight", "fc/weight")


def broken() -> Network:
    """An autoencoder whose decoder waits for its weight, and for another size."""
    net = Network().chain(image=Input(("B", 784)), enc=Linear(64), relu=ReLU(), dec=Linear(784), out=Sigmoid())
    return net.set("dec", input_learnables=("weight",)).set("enc", output_learnables=("weight",)).add(rest=Linear(10))


def nested() -> Network:
    net = Network().chain(
        x=Input(("B", "T", 256)), norm=LayerNorm(), up=Linear(1024), relu=ReLU(), down=Linear(256), head=Linear(1000)
    )
    return group(net, ("norm", "up", "relu", "down"), "encoder")


def show(app: QApplication, window: MainWindow, network: Network, name: str, **view: object) -> None:
    window.show_network(network, name)
    wait(app, lambda: not window.document.stale)
    window.document.look(**view)
    window.canvas.fit(all=True)
    settle(app)


def wait(app: QApplication, done: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)
    assert done(), "the window did not get ready"
    settle(app)


def settle(app: QApplication) -> None:
    """Let layouts and late timers have their turns."""
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)


def draw(window: QWidget, path: Path) -> None:
    window.grab().save(str(path))
    print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else root / "resources" / "screenshots")
