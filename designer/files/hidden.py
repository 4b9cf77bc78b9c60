"""What a recorded program does not show of its model, told as notes."""

from collections.abc import Iterator

from designer.files.program import RECURRENT, Program
from designer.files.report import Note
from designer.layers import GRU, LSTM, RNN, MultiheadAttention, Operation, ScaledDotProductAttention
from designer.model import Network


def hidden(program: Program, network: Network, kind: str) -> Iterator[Note]:
    """Notes on rates and sizes that were lost when the model was recorded."""
    yield from _only_shown(network)
    if kind == "pt2":
        yield from _fixed_times(program, network)
    if kind == "ONNX":
        yield Note(
            "ONNX keeps no rates of dropout and no BatchNorm that was folded into a convolution, and it does not tell "
            "parameters from buffers: float tensors that a layer keeps or that have a name count as learnables"
        )
        return
    if not program.training:
        yield from _hidden_dropout(network)


CONTROL = {
    "cond": "chooses by numbers which part of the model runs",
    "while_loop": "repeats a part of the model as long as numbers say so",
    "map_impl": "runs a part of the model for each entry",
    "scan": "runs a part of the model for each entry",
}


def _only_shown(network: Network) -> Iterator[Note]:
    """Calls that run parts of the model by numbers, which no wires say."""
    for path, layer in network.walk():
        if isinstance(layer, Operation) and layer.operation.startswith("higher_order."):
            name = layer.operation.removeprefix("higher_order.").rstrip("?")
            if name in CONTROL:
                yield Note(f"{path} {CONTROL[name]}: it is only shown, and what is in that part is not", (path,))


def _fixed_times(program: Program, network: Network) -> Iterator[Note]:
    """The inputs whose time is a plain number, because torch.export fixes what recurrent layers take.

    ``edits.free_size(network, note.layers[0])`` gives it a name.
    """
    times = set()
    for op in program.ops:
        if op.target in RECURRENT and op.arguments[0] in program.metas:
            sizes = program.metas[op.arguments[0]].sizes
            time = sizes[1 if op.arguments[8] is True else 0]
            if not time.text:
                times.add(time.number)
    if not times:
        return
    layers = [path for path, layer in network.walk() if isinstance(layer, LSTM | GRU | RNN)]
    for name, (_, meta) in zip(network.inputs, program.inputs):
        number = next((size.number for size in meta.sizes if not size.text and size.number in times), None)
        if number is not None and layers:
            text = (
                f"the time of {name} is fixed at {number}, as torch.export does for recurrent layers: it can be freed"
            )
            yield Note(text, (name, *layers), fix="free_size")


def _hidden_dropout(network: Network) -> Iterator[Note]:
    """The attention whose rate of dropout an export in evaluation mode writes as 0."""
    rates = {
        path: layer.dropout if isinstance(layer, MultiheadAttention) else layer.dropout_p
        for path, layer in network.walk()
        if isinstance(layer, (MultiheadAttention, ScaledDotProductAttention))
    }
    layers = tuple(path for path, rate in rates.items() if rate == 0)
    if layers:
        told = (
            "the model was recorded in evaluation mode, which hides the dropout of attention: if it had one, set it in"
        )
        yield Note(f"{told} {layers[0]}" + (f" and {len(layers) - 1} more" if layers[1:] else ""), layers)
