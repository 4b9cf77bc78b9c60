"""Small sound files of every kind that the app opens, as torch and others write them: what is damaged begins as one.

To have another kind damaged, write it in a function of ``_seeds``: into a folder, giving the path of what is changed.
HDF5 is read in a process of its own, so its damage has tests of its own.
"""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import torch
from safetensors.torch import save_file
from torch import nn

from designer import Network, group, import_pytorch, save
from designer.layers import LSTM, Constant, Embedding, Input, Linear, Operation, Permute, ReLU

EXPORTED = Path(__file__).parents[1] / "exported"


class Tied(nn.Module):
    """A tie, a buffer that is kept and one that is not, and outputs with names."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(9, 4)
        self.fc = nn.Linear(4, 9)
        self.fc.weight = self.emb.weight
        self.register_buffer("scale", torch.rand(9), persistent=False)
        self.register_buffer("mean", torch.rand(4))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        h = nn.functional.gelu(self.fc(self.emb(x) + self.mean))
        h = torch.div(h, 2.0, rounding_mode="floor").view(x.shape[0], -1, 9)
        return {"logits": h * self.scale, "sum": torch.einsum("btc->bt", h)}


class Memory(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 3, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(6)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        out, (h, _) = self.lstm(x)
        return self.norm(out), h[-1]


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.drop = nn.Dropout(0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.attention(x, x, x, need_weights=False)[0]) + x


class Looping(nn.Module):
    """A bit of all that the text of a script may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(9, 4)
        self.cell = nn.LSTMCell(4, 4)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, ids: torch.Tensor, scale: float = 2.0) -> dict[str, torch.Tensor]:
        x = self.emb(ids)
        h = torch.zeros(x.size(0), 4)
        c = torch.zeros(x.size(0), 4)
        seen: list[torch.Tensor] = []
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
            if t > 0:
                seen.append(h * scale)
        return {"last": self.norm(h), "all": torch.stack(seen, 1)}


def chain() -> nn.Module:
    """Layers in a row, of torch's own classes."""
    body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3), nn.Softmax(1))


def exported(module: nn.Module, x: torch.Tensor, free: tuple[int, ...] = ()) -> Callable[[Path], Path]:
    """What ``torch.export`` writes, with the sizes ``free`` of its input left open."""

    def write(folder: Path) -> Path:
        shapes = (dict.fromkeys(free, torch.export.Dim.AUTO),) if free else None
        program = torch.export.export(module.eval(), (x,), dynamic_shapes=shapes, strict=False)
        torch.export.save(program, folder / "model.pt2")
        return folder / "model.pt2"

    return write


def saved(value: Any, **options: Any) -> Callable[[Path], Path]:
    """What ``torch.save`` writes."""

    def write(folder: Path) -> Path:
        torch.save(value, folder / "model.pt", **options)
        return folder / "model.pt"

    return write


def script(module: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.jit.save(module, folder / "model.pt")
        return folder / "model.pt"

    return write


def onnx(module: nn.Module, x: torch.Tensor) -> Callable[[Path], Path]:
    """What the exporter of ONNX writes that needs nothing beside torch."""

    def write(folder: Path) -> Path:
        path = folder / "model.onnx"
        axes = {"input": {0: "batch"}}
        torch.onnx.export(module.eval(), (x,), path, dynamo=False, input_names=["input"], dynamic_axes=axes)
        return path

    return write


def safetensors(folder: Path) -> Path:
    values = {key: value.clone() for key, value in Tied().state_dict().items()}
    save_file(values, folder / "model.safetensors", {"format": "pt"})
    return folder / "model.safetensors"


def of_version(version: str) -> Callable[[Path], Path]:
    """What torch.export of an earlier version wrote."""

    def write(folder: Path) -> Path:
        return Path(shutil.copy(EXPORTED / f"torch_{version}.pt2", folder / "model.pt2"))

    return write


def arrays() -> dict[str, Any]:
    return {key: value.numpy() for key, value in Tied().state_dict().items()}


def numpy_arrays(folder: Path) -> Path:
    np.savez(folder / "model.npz", **arrays(), counts=np.arange(6).reshape(2, 3, order="F"))
    return folder / "model.npz"


def numpy_array(folder: Path) -> Path:
    np.save(folder / "model.npy", np.asfortranarray(arrays()["emb.weight"]))
    return folder / "model.npy"


def matlab(folder: Path) -> Path:
    """Arrays, and some in structs and cells."""
    layers = [{"weight": value, "name": key} for key, value in arrays().items()]
    scipy.io.savemat(folder / "model.mat", {"layers": layers, "one": 1.0}, do_compression=True)
    return folder / "model.mat"


def shards(folder: Path) -> Path:
    """The index of two shards, of which one is of torch."""
    values = {key: value.clone() for key, value in Tied().state_dict().items()}
    first = {key: values.pop(key) for key in ("emb.weight", "mean")}
    save_file(first, folder / "a.safetensors")
    torch.save(values, folder / "b.bin")
    named = dict.fromkeys(first, "a.safetensors") | dict.fromkeys(values, "b.bin")
    (folder / "model.index.json").write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": named}))
    return folder / "model.index.json"


def project(folder: Path) -> Path:
    """A network with a group, a tie, an operation, notes and values."""
    net = Network().chain(
        tokens=Input(("B", "T"), dtype="int64"),
        emb=Embedding(9, 4, transposed=True, output_learnables=("weight",)),
        lstm=LSTM(4, note="<b>remembers</b>"),
        relu=ReLU(),
        fc=Linear(9, input_learnables=("weight",)),
        gelu=Operation("gelu", ("in",), (("port", "in"),), (("approximate", "tanh"),)),
    )
    net = net.add(turned=Permute((1, 0)), bias=Constant((9,))).connect("emb/weight", "turned/in")
    net = group(net.connect("turned/out", "fc/weight"), ["lstm", "relu"], "body")
    save(_initialized(net), folder / "model.network", view={"path": "body"})
    return folder / "model.network"


def project_with_report(folder: Path) -> Path:
    """A project as it is kept of a file that was opened."""
    network, report = import_pytorch(saved(chain())(folder))
    save(network, folder / "model.network", report=report)
    return folder / "model.network"


def project_values(folder: Path) -> Path:
    """The values beside a project."""
    project(folder)
    return next(folder.glob("*.safetensors"))


def _initialized(network: Network) -> Network:
    from designer import initialize

    return initialize(network)


def source(folder: Path) -> Path:
    path = folder / "model.py"
    path.write_text(
        "import torch\nfrom torch import nn\n\nif torch.cuda.is_available():\n    pass\n\n"
        "class Block(nn.Module):\n    def __init__(self, size: int = 4, *, names=('a', 'b')):\n"
        "        super().__init__()\n        self.fc = nn.Linear(size, size)\n\n"
        "    def forward(self, x):\n        return self.fc(x)\n\n\n"
        "class Net(Block):\n    def __init__(self, depth):\n        super().__init__(8)\n"
        "        self.blocks = nn.Sequential(*[Block() for _ in range(depth)])\n"
    )
    return path


def _seeds() -> dict[str, Callable[[Path], Path]]:
    pictures, words, steps = torch.rand(2, 1, 6, 6), torch.zeros(2, 5, dtype=torch.int64), torch.rand(2, 5, 4)
    training = {"epoch": 3, "model": Tied().state_dict(), "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}}
    scripted = torch.jit.script(Looping().eval())
    traced = torch.jit.trace(chain().eval(), pictures, check_trace=False)
    return {
        "pt2 of layers": exported(chain(), pictures),
        "pt2 with ties": exported(Tied(), words, (0, 1)),
        "pt2 with an LSTM": exported(Memory(), steps, (0,)),
        "pt2 with attention": exported(Attending(), steps, (0, 1)),
        "traced": script(traced),
        "traced attention": script(torch.jit.trace(Attending().eval(), steps, check_trace=False)),
        "scripted": script(scripted),
        "module of torch": saved(chain()),
        "module with own classes": saved(Tied()),
        "module before 1.6": saved(Tied(), _use_new_zipfile_serialization=False),
        "state_dict": saved(Tied().state_dict()),
        "state_dict before 1.6": saved(Memory().state_dict(), _use_new_zipfile_serialization=False),
        "checkpoint": saved(training),
        "safetensors": safetensors,
        "pt2 of 2.5": of_version("2.5"),
        "pt2 of 2.8": of_version("2.8"),
        "ONNX": onnx(chain(), pictures),
        "ONNX with an LSTM": onnx(Memory(), steps),
        "npz": numpy_arrays,
        "npy": numpy_array,
        "mat": matlab,
        "shards": shards,
        "project": project,
        "project with a report": project_with_report,
        "project values": project_values,
        "source": source,
    }


def write_all(folder: Path) -> None:
    """Write a file of each kind, each into a folder of its own; in a new process they are always the same."""
    torch.manual_seed(0)
    with warnings.catch_warnings():  # torch's exporters warn about torch's own code
        warnings.simplefilter("ignore")
        for name, write in _seeds().items():
            (folder / name).mkdir()
            changed = write(folder / name)
            (folder / name / "changed").write_text(changed.name)
