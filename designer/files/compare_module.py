"""Compare a module of torch.nn that torch.save wrote with the network that it opens as; run in a child process."""

import inspect
import pickle
from pathlib import Path
from typing import Any

from designer.files.compare import Comparison, first_line, largest_difference
from designer.model import Input, Network

SIZES = ({"H": 32, "W": 32, "D": 8}, {"H": 64, "W": 64, "D": 16}, {"H": 224, "W": 224, "D": 32})  # else small ones


def compared_module(path: Path) -> Comparison:
    """Compare in this process: torch loads the file with its own classes only, none of the file's."""
    import torch

    from designer.files.module_file import read_module_file
    from designer.source import build

    try:
        with torch.serialization.safe_globals(_classes()):
            wanted = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, AttributeError, TypeError):
        return Comparison(None, "torch itself does not load the file without running what it holds")
    if isinstance(wanted, dict):
        wanted = next(value for value in wanted.values() if isinstance(value, torch.nn.Module))
    network, _ = read_module_file(path)
    given = build(network).eval()
    wanted.eval()
    reason = "nothing was run"
    for sizes in SIZES:
        inputs = _inputs(network, sizes)
        with torch.no_grad():
            try:
                a = wanted(*inputs)
            except (RuntimeError, IndexError, ValueError, TypeError) as error:
                reason = f"the module does not take the probe input: {first_line(error)}"
                continue
            b = given(*inputs)
        if a.shape != b.shape:
            return Comparison(None, "the outputs differ in their sizes")
        return Comparison(largest_difference(a, b))
    return Comparison(None, reason)


def _classes() -> list[Any]:
    """The modules of torch.nn, which run no code of the file's."""
    from torch import nn

    found = [kind for _, kind in inspect.getmembers(nn.modules, inspect.isclass) if issubclass(kind, nn.Module)]
    return [*found, nn.modules.linear.NonDynamicallyQuantizableLinear]


def _inputs(network: Network, sizes: dict[str, int]) -> list[Any]:
    import torch

    generator = torch.Generator().manual_seed(0)
    found = []
    for name in network.inputs:
        layer = network.layer(name)
        assert isinstance(layer, Input)
        shape = [
            ({"B": 3, "T": 7} | sizes).get(size, 5) if isinstance(size, str) else size for size in layer.shape or ()
        ]
        dtype = getattr(torch, layer.dtype)
        if dtype.is_floating_point:
            found.append(torch.randn(shape, generator=generator).to(getattr(torch, network.dtype)))
        else:
            found.append(torch.randint(0, 2, shape, generator=generator).to(dtype))
    return found
