"""Values of learnables and buffers: made by torch's own initialisers, computed for what arrives on a wire."""

import dataclasses
import hashlib
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

from designer.analysis import analyze
from designer.analysis.probe import filled, namespace, preamble, state
from designer.model import Layer, Network, NetworkError, Port
from designer.model.rules import upstream
from designer.model.values import check_value, marked

Tensor = Any  # a torch.Tensor


def initialize(network: Network, seed: int = 0, only: Collection[str] | None = None) -> Network:
    """Give what has no value the one that torch's own initialiser makes; what has one keeps it.

    The numbers follow from the seed and the path of the layer. ``only`` are state_dict keys; without, all.
    """
    analysis = analyze(network)
    missing: dict[str, list[tuple[str, str]]] = {}
    needed = 0
    for path, fact in analysis.facts.items():
        if path in analysis.propagation.flat.copies:
            continue  # a second use stores nothing
        layer = network.layer(path)
        for name, tensor in fact.state.items():
            key = layer.key(path, name)
            wanted = key not in network.values and name not in layer.input_learnables
            if wanted and (only is None or key in only):
                missing.setdefault(path, []).append((name, key))
                needed += 4 * math.prod(tensor.sizes)
    if not missing:
        return network
    check_memory(needed)
    values = dict(network.values)
    for path, names in missing.items():
        layer, module = network.layer(path), analysis.facts[path].module or ""
        fresh = _initial(layer, module, f"{seed} {path}", analysis.propagation.flat.dtype(path))
        values.update((key, marked(fresh[name], "initialised")) for name, key in names)
    return dataclasses.replace(network, values=values)


def _initial(layer: Layer, module: str, seed: str, dtype: str) -> dict[str, Tensor]:
    """What torch puts into a new module of one layer; the same for the same seed."""
    import torch

    made = make(layer, module, seed)
    kind = getattr(torch, dtype)
    return {name: t.detach().to(kind) if t.is_floating_point() else t.detach() for name, t in state(made).items()}


def make(layer: Layer, module: str, seed: str = "0") -> Any:
    """The torch module, parameter or buffer that a layer states, with torch's own first numbers."""
    import torch

    names = namespace()
    exec("\n".join(preamble(layer, module).values()), names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:7]))
        return eval(module, names)


def arriving(network: Network, port: Port) -> Tensor:
    """The tensor that a learnable port gives, its values given."""
    known: dict[Port, Tensor] = {}
    for at in upstream(network, port):
        known[at] = _given(network, at, known)
    return known[port]


def _given(network: Network, port: Port, known: dict[Port, Tensor]) -> Tensor:
    """What a learnable port gives, from what the ports before it gave."""
    layer = network.layer(port.layer)
    if port.name in layer.output_learnables:
        if port.name in layer.input_learnables and (source := network.source_of(port)):
            return known[source]
        if (value := network.values.get(key := layer.key(*port))) is None:
            raise NetworkError(f"{key} has no value, and its size is not known yet.")
        check_value(value)
        return value
    inputs = network.inputs_of(port.layer)
    names = namespace()
    for n, name in enumerate(inputs):
        source = network.source_of(Port(port.layer, name))
        if source is None:
            raise NetworkError(f"{port.layer} has nothing on its input {name}.")
        names[f"x{n}"] = known[source]
    call = layer.call("self", *(f"x{n}" for n in range(len(inputs))))
    exec("\n".join(preamble(layer, call).values()), names)
    exec(f"{filled(layer.unpack(), {port.name: 'y'})} = {call}", names)
    return names["y"]


def check_memory(needed: int) -> None:
    """Refuse what does not fit into free memory; ``needed`` in bytes."""
    free = free_memory()
    if free is not None and needed > free:
        raise NetworkError(f"This takes {_gib(needed)} of memory, and {_gib(free)} are free.")


def free_memory() -> int | None:
    """Bytes that can be taken without pushing others out; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
