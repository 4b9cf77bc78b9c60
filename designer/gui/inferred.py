"""The sizes of a layer that its wires tell: ``in_features``, 300, from ``lstm``."""

import ast
import dataclasses
import inspect
import sys
from collections.abc import Iterator

from designer.analysis import Analysis
from designer.gui.drawing import shape_text
from designer.model import Network, Port


def inferred_sizes(network: Network, analysis: Analysis | None, path: str) -> Iterator[tuple[str, str, str]]:
    """Give name, size and the layer it comes from, by torch's names for what the layer's module is made with."""
    layer = network.layer(path)
    sources = [network.source_of(Port(path, name)) for name in network.inputs_of(path)]
    origin = sources[0].layer.rpartition(".")[2] if sources and sources[0] else ""
    fact = analysis.facts.get(path) if analysis else None
    if fact is None or not fact.module:
        return
    ours = {field.name for field in dataclasses.fields(layer)}
    for name, value in _arguments(fact.module).items():
        if name not in ours and isinstance(value, int | tuple) and not isinstance(value, bool):
            yield name, shape_text(value) if isinstance(value, tuple) else str(value), origin


def _arguments(module: str) -> dict[str, object]:
    """Name the numbers that a torch class is made with: ``nn.Linear(300, 1000)``."""
    call = ast.parse(module, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return {}
    nn = sys.modules["torch"].nn  # it was asked about the module, so it is there
    made = getattr(nn, call.func.attr, None)
    if made is None or not inspect.isclass(made):
        return {}
    if issubclass(made, nn.RNNBase):  # these hide what they take behind *args
        names = list(inspect.signature(nn.RNNBase).parameters)[1:]
    else:
        names = list(inspect.signature(made).parameters)
    given = dict(zip(names, call.args)) | {word.arg: word.value for word in call.keywords if word.arg}
    found: dict[str, object] = {}
    for name, node in given.items():
        try:
            found[name] = ast.literal_eval(node)
        except ValueError:  # an expression, such as float("inf")
            continue
    return found
