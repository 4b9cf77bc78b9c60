"""Open models of PyTorch as networks, with a report of what was read."""

import dataclasses
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from designer.files.clean import clean
from designer.files.errors import FileError
from designer.files.fold import fold
from designer.files.functional import functional
from designer.files.kinds import kind_of
from designer.files.program import Program, Ref
from designer.files.pt2 import read_program, read_tensors
from designer.files.rebuild import Rebuilt, rebuild
from designer.files.steps import Calls, is_placeholder
from designer.files.ties import express_views
from designer.layers import Operation
from designer.model import Group, Input, Network, NetworkError
from designer.model.names import is_name
from designer.model.rules import check_network


def open_pt2(path: str | os.PathLike[str]) -> tuple[Network, Program, Rebuilt]:
    program = read_program(path)
    left = functional(program)
    views, notes = express_views(program)
    program.notes += notes
    clean(program)
    calls = Calls(program)
    steps = fold(calls)
    inputs = input_layers(program)
    tensors: dict[str, Any] = {}
    tensors = read_tensors(path, program, list(program.stored))
    rebuilt = rebuild(program, steps, inputs, tensors.__getitem__)
    values = {key: tensors[name] for key, name in rebuilt.keys.items()}
    network = dataclasses.replace(rebuilt.network, values=values, aliases=rebuilt.aliases | {v.name: v.owner for v in views})
    check_network(network)
    return network, program, rebuilt


def input_layers(program: Program) -> dict[Ref, tuple[str, Input]]:
    names: dict[str, str] = {}
    found = {}
    for ref, meta in program.inputs:
        shape: list[int | str] = []
        for dim, size in enumerate(meta.sizes):
            if not size.text:
                shape.append(size.number)
                continue
            if size.text not in names:
                usual = ("B", "T", "S", "N", "M", "K") if len(meta.sizes) < 4 else ("B", "C", "H", "W", "D", "E")
                order = usual[dim:] + usual
                names[size.text] = next(n for n in (*order, *(f"N{k}" for k in range(100))) if n not in names.values())
            shape.append(names[size.text])
        found[ref] = (str(ref), Input(tuple(shape), meta.dtype))
    return found
