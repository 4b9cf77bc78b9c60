"""From a network to a running nn.Module, which is the source that would be exported, with the network's values."""

import hashlib
import linecache
import sys
import types
from collections.abc import Mapping
from typing import Any

from designer.analysis import Analysis, analyze
from designer.model import Holder, Network, NetworkError, returned
from designer.model.values import check_value
from designer.source.values import check_memory, initialize, make
from designer.source.written import write_analyzed


def build(network: Network, seed: int = 0) -> Any:
    """The nn.Module that runs the network; it holds copies of the values, missing ones made from the seed.

    Two builds of a network are equal. Raises NetworkError for a network with errors, or too large for the memory.
    """
    import torch

    analysis = analyze(network)
    source = write_analyzed(analysis)
    check_memory(analysis.bytes)
    values = initialize(network, seed).values
    with torch.device("meta"):
        module = import_source(source).Net()
    state = {}
    for key, empty in module.state_dict().items():
        state[key] = _fitting(key, values.get(key), empty)
    module.load_state_dict(state, assign=True)
    _fill_buffers(module, analysis, values)
    return module


def results(network: Network, given: Any) -> dict[str, Any]:
    """What the module of a network gave, by the names of the outputs and in their order, wherever they stand in it."""
    found: dict[str, Any] = {}

    def take(entry: Holder | str | None, value: Any) -> None:
        if isinstance(entry, Holder):
            for key, inner in entry.items():
                take(inner, value[key])
        elif entry is not None:
            found[entry] = value

    take(returned(network).whole, given)
    return {name: found[name] for name in network.outputs}


def _fitting(key: str, value: Any, empty: Any) -> Any:
    """A copy of the value for a tensor without numbers."""
    if value is None or tuple(value.shape) != tuple(empty.shape):
        have = "missing" if value is None else f"{tuple(value.shape)}"
        raise NetworkError(f"The value of {key} is {have}, but the network needs {tuple(empty.shape)}.")
    check_value(value)
    return value.detach().clone()


def _fill_buffers(module: Any, analysis: Analysis, values: Mapping[str, Any]) -> None:
    """Give the buffers that are in no state_dict their values, or make them again where there are numbers."""
    import torch

    for name, buffer in list(module.named_buffers()):
        if not buffer.is_meta:
            continue
        path = name if analysis.network.find(name) is not None else name.rpartition(".")[0]
        if name in values:
            setattr(module.get_submodule(path), name[len(path) + 1 :], _fitting(name, values[name], buffer))
            continue
        made = make(analysis.network.layer(path), analysis.facts[path].module or "")
        if not isinstance(made, torch.Tensor):
            made = made.get_buffer(name[len(path) + 1 :])
        holder = module.get_submodule(name.rpartition(".")[0])
        persistent = name.rpartition(".")[2] not in holder._non_persistent_buffers_set
        dtype = analysis.propagation.flat.dtype(path)
        made = made.to(getattr(torch, dtype)) if made.is_floating_point() and dtype != "float32" else made
        holder.register_buffer(name.rpartition(".")[2], made.detach().clone(), persistent)


def import_source(source: str) -> types.ModuleType:
    """A source as a module that tracebacks, deepcopy and pickle find in this process."""
    name = "designer_" + hashlib.sha256(source.encode()).hexdigest()[:16]
    if name not in sys.modules:
        file, module = f"<{name}>", types.ModuleType(name)
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), module.__dict__)
        sys.modules[name] = module
    return sys.modules[name]
