"""Give operations nonsense, in a process of its own: what they are comes in, which one is tried goes out.

The process ends where an operation ends it; ``test_operations.py`` starts it and says which one that was.
"""

import contextlib
import json
import os
import random
import resource
import signal
import sys
from pathlib import Path

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from designer.layers import Operation

report = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where libraries print what they think of nonsense

torch.set_num_threads(1)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))  # what asks for more memory is refused it
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
WHOLE = [-(2**63), -(2**40), -(2**31), -7, -2, -1, 0, 1, 2, 3, 7, 2**31, 2**40, 2**63 - 1]
FLOATS = [-1e308, -1.0, 0.0, 0.5, 1.0, 3.0, 1e308, float("inf"), float("-inf"), float("nan")]
TEXTS = ["", "none", "mean", "same", "valid", "floor", "reflect", "left", "ij,jk->ik", "...ij->i", "nonsense"]
SHAPES = [(), (0,), (3,), (6,), (2, 3), (3, 3), (2, 0, 3), (2, 3, 4), (1, 2, 5, 5), (2, 4, 5, 5), (1, 2, 4, 4, 4)]
DTYPES = [torch.float32, torch.float32, torch.float32, torch.int64, torch.int64, torch.bool, torch.int32, torch.uint8]
DTYPES += [torch.float64, torch.complex64, torch.float16]


class Nonsense:
    """Arguments of the kinds that an operation takes: sometimes fitting, often far out of bounds."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.shape = self.random.choice(SHAPES)
        self.dtype = self.random.choice(DTYPES)
        self.mild = self.random.random() < 0.6

    def tensor(self, name):
        rng = self.random
        shape = self.shape if rng.random() < 0.6 else rng.choice(SHAPES)
        dtype = self.dtype if rng.random() < 0.6 else rng.choice(DTYPES)
        if any(word in name for word in ("ind", "target", "offset", "length", "repeats", "pivots", "batch_sizes")):
            dtype = torch.int64 if rng.random() < 0.8 else torch.int32
        if dtype.is_floating_point or dtype.is_complex:
            return torch.randn(shape).to(dtype) * rng.choice([1, 1, 1, 1e30, float("nan")])
        if dtype == torch.bool or dtype == torch.uint8:
            return torch.randint(0, 2, shape).to(dtype)
        bounds = [(0, 2), (0, 2), (-1, 5), (-(2**31), 2**31 - 1)]
        if dtype == torch.int64:
            bounds += [(-(2**62), 2**62), (2**40, 2**40 + 2)]
        return torch.randint(*rng.choice(bounds), shape).to(dtype)

    def whole(self):
        return self.random.choice([-1, 0, 1, 1, 2, 2, 3] if self.mild else WHOLE)

    def value(self, kind, name):
        rng = self.random
        if kind.endswith("?"):
            return None if rng.random() < 0.4 else self.value(kind[:-1], name)
        if kind.endswith("]"):
            entry, count = kind[:-1].rsplit("[", 1)
            count = int(count) if count and self.mild else rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5])
            return [self.value(entry, name) for _ in range(count)]
        if kind == "Tensor":
            return self.tensor(name)
        if kind == "ScalarType":
            return rng.choice(DTYPES)
        if kind == "int":
            return self.whole()
        if kind == "float":
            return rng.choice(FLOATS)
        if kind == "bool":
            return rng.random() < 0.5
        if kind == "str":
            return rng.choice(TEXTS)
        assert kind == "Scalar", kind
        return self.whole() if rng.random() < 0.5 else rng.choice(FLOATS)


def fakes(value, mode):
    """Arguments with their tensors as fake ones, which know sizes only: so shapes are asked for."""
    if isinstance(value, torch.Tensor):
        return mode.from_tensor(value)
    if isinstance(value, list | tuple):
        return [fakes(entry, mode) for entry in value]
    if isinstance(value, dict):
        return {name: fakes(entry, mode) for name, entry in value.items()}
    return value


def recurrent(name, nonsense):
    """What a recurrent operation takes, all right but for one thing."""
    rng = nonsense.random
    gates = {"lstm.input": 4, "gru.input": 3}.get(name, 1)
    hidden, features, layers, ways = rng.randint(1, 4), rng.randint(0, 3), rng.randint(1, 2), rng.randint(1, 2)
    bias = rng.random() < 0.5
    out = rng.randint(1, hidden) if gates == 4 else hidden
    first, batch, time = rng.random() < 0.5, rng.randint(0, 2), rng.randint(0, 3)
    params = []
    for n in range(layers):
        for _ in range(ways):
            params += [torch.randn(gates * hidden, ways * out if n else features), torch.randn(gates * hidden, out)]
            params += [torch.randn(gates * hidden), torch.randn(gates * hidden)] * bias
            params += [torch.randn(out, hidden)] * (out != hidden)
    states = [torch.zeros(layers * ways, batch, out), torch.zeros(layers * ways, batch, hidden)]
    x = torch.randn(*((batch, time) if first else (time, batch)), features)
    wrong = rng.randint(0, 6)
    if wrong == 0:
        x = nonsense.tensor("")
    if wrong == 1:
        states[rng.randint(0, 1)] = nonsense.tensor("")
    if wrong == 2:
        params[rng.randrange(len(params))] = nonsense.tensor("")
    if wrong == 3:
        layers = nonsense.whole()
    if wrong == 4:
        params = params[: rng.randrange(len(params))]
    if wrong == 5:
        params = [param.to(rng.choice(DTYPES)) for param in params]
    return [x, states if gates == 4 else states[0], params, bias, layers, 0.0, False, ways == 2, first]


def refused(name, given):
    """Whether an Operation with these arguments is refused, by the sizes of its tensors."""
    x, states, params, *settings = given
    tensors = [x, *(states if isinstance(states, list) else [states]), *params]
    ports = [f"in{n}" for n in range(len(tensors))]
    refs = [("port", port) for port in ports]
    count = 1 + (name == "lstm.input")
    hx = ("list", *refs[1 : 1 + count]) if count == 2 else refs[1]
    arguments = (refs[0], hx, ("list", *refs[1 + count :]), *settings)
    layer = Operation(name, ports, arguments, results=1 + count)
    return layer.check(*(tuple(tensor.shape) for tensor in tensors))


def arguments_of(name, kinds, harmless, nonsense):
    """Positional arguments and keywords; None where an Operation refuses them."""
    if "params" in [argument for _, argument, *_ in kinds]:
        given = recurrent(name, nonsense)
        return None if refused(name, given) else (given, {})
    given, named, left_out = [], dict(harmless), False
    for kind, argument, keyword, required in kinds:
        if argument in harmless:
            continue
        if not required and nonsense.random.random() < 0.3:
            left_out = True
        elif keyword or left_out:
            named[argument] = nonsense.value(kind, argument)
        else:
            given.append(nonsense.value(kind, argument))
    return given, named


def main(jobs, times, fake):
    mode = FakeTensorMode(allow_fallback_kernels=False) if fake else contextlib.nullcontext()
    for name, kinds, harmless in jobs:
        print(name, file=report, flush=True)
        base, _, overload = name.partition(".")
        operation = getattr(getattr(torch.ops.aten, base), overload or "default")
        signal.setitimer(signal.ITIMER_PROF, 20)  # one that computes for longer ends this process too
        for n in range(times):
            torch.manual_seed(n)
            arguments = arguments_of(name, kinds, harmless, Nonsense(f"{name} {n}"))
            if arguments is None:
                continue
            with contextlib.suppress(Exception), mode:  # to refuse nonsense is right
                given, named = fakes(arguments, mode) if fake else arguments
                operation(*given, **named)
    print("done", file=report, flush=True)


signal.signal(signal.SIGPROF, signal.SIG_DFL)
main(json.loads(sys.stdin.read()), int(sys.argv[1]), sys.argv[2] == "fake")
