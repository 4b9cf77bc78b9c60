"""Leave a size of an input free that a file fixes, as torch.export does to the time of recurrent layers."""

from designer.analysis import Analysis, analyze
from designer.analysis.flow import free_sizes
from designer.layers import GRU, LSTM, RNN
from designer.model import Input, Network, NetworkError, Shape


def free_size(network: Network, name: str, dim: int | None = None, size: str = "T") -> Network:
    """Give a size of an input a name, so that it may be any number: ``free_size(net, "tokens", 1)``.

    Without ``dim`` it is the time that a recurrent layer takes, which may be that of other inputs too. Refused where
    ``size`` names another size already and, with the first problem, where a layer only takes the number there was.
    """
    layer = network.layer(name)
    if not isinstance(layer, Input) or name not in network.inputs:
        raise NetworkError(f"{name} is not an input of the network.")
    before = analyze(network)
    if dim is None:
        times = _times(before)
        dims = [n for n, number in enumerate(layer.shape) if number in times]
    else:
        if not -len(layer.shape) <= dim < len(layer.shape):
            raise NetworkError(f"{name} has {len(layer.shape)} sizes, so none has the number {dim}.")
        dims = [dim % len(layer.shape)]
    if size in layer.shape or (dim is not None and size in free_sizes(network)):
        raise NetworkError(f"{size} is the name of another free size, which would always be as large.")
    fixed = [n for n in dims if isinstance(layer.shape[n], int)]
    if not fixed:
        raise NetworkError(f"{name} has no fixed size that could be free.")
    reason = None
    for n in fixed:
        shape: Shape = (*layer.shape[:n], size, *layer.shape[n + 1 :])
        freed = network.set(name, shape=shape)
        known = {problem.text for problem in before.problems}
        found = [problem for problem in analyze(freed).problems if problem.text not in known]
        if not found:
            return freed
        reason = reason or found[0].text
    raise NetworkError(f"{name} cannot have a free size {size}: {reason}")


def _times(analysis: Analysis) -> set[int]:
    """The fixed lengths of the sequences that recurrent layers take."""
    times = set()
    for path, layer in analysis.network.walk():
        if isinstance(layer, LSTM | GRU | RNN):
            shape = analysis.input_shapes(path)[0]
            at = 1 if layer.batch_first and shape and len(shape) > 2 else 0
            number = shape[at] if shape else None
            if isinstance(number, int):
                times.add(number)
    return times
