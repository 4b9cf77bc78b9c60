"""Fourier transforms and their windows; ONNX writes a complex number as two real ones, in a last axis."""

from collections.abc import Callable
from typing import Any

from designer.files.onnx_graph.items import Item, Number, Unsupported, Value
from designer.files.onnx_graph.node import Run
from designer.files.onnx_graph.weights import TYPES
from designer.files.program import Dtype
from designer.files.torchscript.text import Unfollowed


def _signal(run: Run, value: Value) -> Value:
    """A signal without its last axis, which is 1 for real numbers and 2 for complex ones."""
    match run.plain_sizes(value)[-1]:
        case 1:
            signal = run.call("squeeze", value, -1)
        case 2:
            signal = run.call("complex", run.call("select", value, -1, 0), run.call("select", value, -1, 1))
        case _:
            raise Unfollowed("its signal is neither real nor complex")
    found: Value = signal
    return found


def _stft(run: Run, signal: Item, step: Item, window: Item = None, length: Item = None) -> Any:
    value = run.tensor(signal)
    if run.rank(value) == 3:
        value = _signal(run, value)
    elif run.rank(value) != 2:
        raise Unfollowed("it takes something else than a batch of signals")
    if length is not None:
        size = run.whole(length, "the length of its frames")[0]
    elif window is not None and not isinstance(known := run.plain_sizes(window)[0], Number):
        size = known
    else:
        raise Unsupported("it does not tell the length of its frames")
    hop = run.whole(step, "the step of its frames")[0]
    onesided = bool(run.attribute("onesided", 1))
    if onesided and value.fake.is_complex():
        raise Unfollowed("it gives half of the spectrum of a complex signal")
    weights = run.call("ones", [size]) if window is None else run.tensor(window)  # torch warns where there is none
    found = run.call("stft", value, size, hop, size, weights, False, onesided, True)
    return run.call("transpose", run.call("view_as_real", found), 1, 2)


def _dft(run: Run, x: Item, length: Item = None, axis: Item = None) -> Any:
    value, rank = run.tensor(x), run.rank(x)
    dim = run.attribute("axis", 1) if run.version < 20 else -2 if axis is None else run.whole(axis, "its axis")[0]
    if not -rank <= dim < rank - 1 or dim == -1:
        raise Unfollowed(f"it names the axis {dim} of a tensor with {rank}")
    dim %= rank
    size = None if length is None else run.numbers(length, "its length")[0]
    inverse, onesided = bool(run.attribute("inverse", 0)), bool(run.attribute("onesided", 0))
    signal = _signal(run, value)
    if inverse and onesided:
        return run.call("unsqueeze", run.call("fft_irfft", signal, size, dim), -1)
    if onesided and signal.fake.is_complex():
        raise Unfollowed("it gives half of the spectrum of a complex signal")
    name = "fft_rfft" if onesided else "fft_ifft" if inverse else "fft_fft"
    return run.call("view_as_real", run.call(name, signal, size, dim))


def _window(name: str, *numbers: float) -> Callable[..., Any]:
    def operator(run: Run, size: Item) -> Any:
        length = run.numbers(size, "its length")[0]
        dtype = TYPES.get(run.attribute("output_datatype", 1))
        if dtype is None:
            raise Unsupported("it gives a type of numbers that PyTorch does not have")
        return run.call(name, length, bool(run.attribute("periodic", 1)), *numbers, dtype=Dtype(dtype))

    return operator


OPERATORS: dict[str, Callable[..., Any]] = {
    "STFT": _stft,
    "DFT": _dft,
    "HannWindow": _window("hann_window"),
    "HammingWindow": _window("hamming_window", 25 / 46, 21 / 46),
    "BlackmanWindow": _window("blackman_window"),
}
