"""Read the program of a file of any kind that holds one; what differs between the kinds ends here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from designer.files.program import Program
from designer.model.values import Stamp, Tensor

RECORDED = {
    "pt2": "torch.export",
    "TorchScript": "TorchScript",
    "ONNX": "ONNX",
}  # kinds whose files hold a program, and what wrote them
MODULE = "nn.Module file"  # what torch.save wrote of a whole module


class Recorded(NamedTuple):
    """A program, and the tensors that its file stores."""

    program: Program
    stamp: Stamp
    tensors: Callable[[list[str]], dict[str, Tensor]]  # by name, mapped


def read_recorded(path: Path, kind: str, inputs: Any = None) -> Recorded:
    """Read the program of a file, whose kind is one of ``RECORDED``, for some inputs if it asks for them.

    Raises FileError.
    """
    if kind == "TorchScript":
        from designer.files.torchscript.read import read_program as follow_program

        program, script = follow_program(path, inputs)
        stored = program.stored
        return Recorded(program, script.stamp, lambda names: script.tensors({name: stored[name] for name in names}))
    if kind == "ONNX":
        from designer.files.onnx_graph.read import read_program as follow_graph

        program, file = follow_graph(path, inputs)
        kept = program.stored
        return Recorded(program, file.stamp, lambda names: file.weights.tensors({name: kept[name] for name in names}))
    from designer.files.checkpoint import map_stored
    from designer.files.pt2 import read_exported

    stamp = Stamp.of(path)
    program, spans = read_exported(path)
    return Recorded(program, stamp, lambda names: map_stored(stamp, {n: program.stored[n] for n in names}, spans))
