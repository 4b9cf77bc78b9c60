"""Read the program of a file of any kind that holds one; what differs between the kinds ends here."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from designer.files.program import Program
from designer.model.values import Stamp, Tensor

RECORDED = {"pt2": "torch.export"}  # kinds whose files hold a program, and what wrote them


class Recorded(NamedTuple):
    """A program, and the tensors that its file stores."""

    program: Program
    stamp: Stamp
    tensors: Callable[[list[str]], dict[str, Tensor]]  # by name, mapped


def read_recorded(path: Path, kind: str) -> Recorded:
    """Read the program of a file, whose kind is one of ``RECORDED``. Raises FileError."""
    from designer.files.pt2 import read_program, read_tensors

    program = read_program(path)
    stamp = Stamp.of(path)
    return Recorded(program, stamp, lambda names: read_tensors(stamp, program, names))
