"""Ask torch what one layer does: its own source, run where no numbers are computed."""

import logging
import math
import re
import threading
import warnings
import zlib
from collections.abc import Mapping
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from designer.analysis import answers
from designer.model import Layer

Sizes = tuple[int, ...]

SOME = 500  # a size that depends on numbers is as large at least, and less than twice that
MOST_REAL = 2**24  # numbers that a layer is asked about with, where it looks at them
REMEMBERED = 2**16  # answers of torch, and modules among them
# Fake tensors are not safe in two threads, and a module is made once for all questions about it.
LOCK = threading.RLock()


class Tensor(NamedTuple):
    """What is known of a tensor without its numbers."""

    sizes: Sizes  # -1, -2, ... for one that depends on the numbers; the same where two must be equal
    dtype: str


class Outcome(NamedTuple):
    """What torch made of one layer at one point."""

    outputs: tuple[Tensor, ...] = ()
    state: Mapping[str, Tensor] = {}  # learnables and buffers by name
    buffers: frozenset[str] = frozenset()  # which of the state are no learnables
    multiply_adds: int | None = None
    error: str | None = None


def filled(pattern: str, names: Mapping[str, str]) -> str:
    """Write what a result is assigned to, ``{out}, _``, with a name for each port that is needed, else a ``_``.

    Not ``str.format``: a port may be called by a number.
    """
    return re.sub(r"\{(\w+)\}", lambda port: names.get(port[1], "_"), pattern)


def ask(layer: Layer, inputs: tuple[Tensor, ...], dtype: str = "float32") -> tuple[str | None, Outcome]:
    """The source of a layer's module, and what it makes of inputs of these sizes."""
    shapes = [tensor.sizes for tensor in inputs]
    try:
        if sentence := layer.check(*shapes):
            return None, Outcome(error=sentence)
        module = layer.module(*shapes)
        counted = layer.multiply_adds(*shapes)
    except (IndexError, TypeError, ZeroDivisionError):
        return None, Outcome(error=f"it cannot take an input of {len(shapes[0]) if shapes else 0} sizes")
    call = layer.probe("m" if module else "self", *(f"x{n}" for n in range(len(inputs))))
    outputs = layer.outputs()
    pattern = filled(layer.unpack(), {port: f"y_{port}" for port in outputs})
    run = f"{pattern} = {call}" if outputs else ""
    made = "\n".join([*preamble(layer, f"{module} {call}").values(), f"m = {module}"])
    fake = layer.fake or "torch.ops." in call
    outcome = probe(made, run, tuple(f"y_{port}" for port in outputs), inputs, dtype, fake)
    return module, outcome if counted is None else outcome._replace(multiply_adds=counted)


def ask_state(layer: Layer, dtype: str) -> Mapping[str, Tensor]:
    """The learnables of a layer whose properties tell them."""
    module = layer.module(*[()] * len(layer.inputs()))
    made = "\n".join([*preamble(layer, f"{module}").values(), f"m = {module}"])
    return probe(made, "", (), (), dtype, False).state


@lru_cache(maxsize=4096)
def try_out(layer: Layer, inputs: tuple[Tensor, ...], dtype: str) -> str | None:
    """Run a layer on real, small tensors of zeros; what torch refuses it with, None where it runs."""
    import torch

    shapes = [tensor.sizes for tensor in inputs]
    names = namespace()
    try:
        with LOCK, warnings.catch_warnings(action="ignore"), torch.no_grad(), torch.random.fork_rng(devices=[]):
            module = layer.module(*shapes)
            call = layer.call("m" if module else "self", *(f"x{n}" for n in range(len(inputs))))
            exec("\n".join([*preamble(layer, f"{module} {call}").values(), f"m = {module}"]), names)
            if hasattr(names["m"], "to"):
                names["m"] = _of_dtype(names["m"], dtype)
            for n, tensor in enumerate(inputs):
                names[f"x{n}"] = torch.zeros(tensor.sizes, dtype=getattr(torch, tensor.dtype))
            exec(call, names)
    except Exception as error:  # whatever torch says about a layer is news for the user
        return _sentence(error)
    return None


def preamble(layer: Layer, source: str) -> dict[str, str]:
    """The functions and classes of a layer that a source uses, and those that they use."""
    known = layer.preamble()
    used: dict[str, str] = {}
    found = [source]
    while found:
        text = found.pop()
        for name, body in known.items():
            if name not in used and re.search(rf"\b{name}\b", text):
                used[name] = body
                found.append(body)
    return {name: body for name, body in known.items() if name in used}


_answers: dict[tuple[Any, ...], Outcome] = {}


def probe(made: str, run: str, outputs: tuple[str, ...], inputs: tuple[Tensor, ...], dtype: str, fake: bool) -> Outcome:
    """Make a module and run a source where no numbers are computed; a pure function, so remembered."""
    key = (made, run, outputs, inputs, dtype, fake)
    if (answer := _answers.get(key)) is None:
        with LOCK, warnings.catch_warnings(action="ignore"):  # they are for who runs the module
            answer = _answered(made, run, outputs, inputs, dtype, fake)
        if len(_answers) > REMEMBERED:
            _answers.clear()
        _answers[key] = answer
    return answer


def _answered(
    made: str, run: str, outputs: tuple[str, ...], inputs: tuple[Tensor, ...], dtype: str, fake: bool
) -> Outcome:
    """Ask the meta device, or fake tensors where that takes time by the step or does not know an operation.

    Whatever torch refuses is remembered; a lack of memory or a deep recursion says nothing of the layer, and leaves.
    """
    import torch
    from torch._subclasses import fake_tensor

    def told(mode: Any, real: bool = False) -> Outcome:
        with torch.no_grad(), mode:
            names = dict(_made.__wrapped__(made, dtype, False) if real else _made(made, dtype, fake))
            for n, tensor in enumerate(inputs):
                names[f"x{n}"] = (torch.ones if real else torch.empty)(tensor.sizes, dtype=getattr(torch, tensor.dtype))
            with _counter() as counter:
                exec(run, names)
        module = names["m"]
        states = {name: _tensor(t) for name, t in state(module).items()}
        unknown: dict[str, int] = {}
        results = tuple(_tensor(names[name], unknown) for name in outputs)
        return Outcome(results, states, buffers(module), counter.multiply_adds)

    try:
        return told(_fake_mode() if fake else torch.device("meta"))
    except (MemoryError, RecursionError):
        raise
    except NotImplementedError as error:
        return Outcome(error=_sentence(error)) if fake else _answered(made, run, outputs, inputs, dtype, True)
    except fake_tensor.DynamicOutputShapeException as error:
        try:
            return told(symbolic_mode())
        except Exception:  # whatever else torch says
            return Outcome(error=f"the sizes that {error.func} gives depend on numbers")
    except (fake_tensor.DataDependentOutputException, fake_tensor.UnsupportedOperatorException) as error:
        # It looks at some numbers, as a check that a window covers all, or torch knows it on real ones alone.
        if sum(math.prod(tensor.sizes) for tensor in inputs) > MOST_REAL:
            return Outcome(error=f"what it gives depends on numbers ({error.func})")
        try:
            return told(torch.random.fork_rng(devices=[]), real=True)
        except Exception as refused:  # whatever torch says
            return Outcome(error=_sentence(refused))
    except Exception as error:  # whatever else torch says about a layer is news for the user
        if not fake and "meta" in str(error).lower():
            return _answered(made, run, outputs, inputs, dtype, True)
        return Outcome(error=_sentence(error))


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().split("\n") if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


@lru_cache(maxsize=4096)
def _made(source: str, dtype: str, fake: bool) -> dict[str, Any]:
    """A module without numbers, made once for all points."""
    import torch

    names = namespace()
    exec(source, names)
    module = names["m"]
    if dtype != "float32" and hasattr(module, "to"):
        made = _of_dtype(module, dtype)
        names["m"] = torch.nn.Parameter(made) if isinstance(module, torch.nn.Parameter) else made
    return names


def _of_dtype(made: Any, dtype: str) -> Any:
    """A module or a tensor with numbers of another type; whole numbers stay what they are, as in ``nn.Module.to``."""
    import torch

    whole = isinstance(made, torch.Tensor) and not (made.is_floating_point() or made.is_complex())
    return made if whole else made.to(getattr(torch, dtype))


@cache
def _fake_mode() -> Any:
    """One for the process: a new one for each question makes it eight times as slow."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # torch sets it when imported
    return FakeTensorMode(allow_fallback_kernels=False)


def some_size(key: str) -> int:
    """Some number for a size that depends on numbers; another for another key, so that no text fits them all."""
    return SOME + zlib.crc32(key.encode()) % SOME


def symbolic_mode() -> Any:
    """One that gives a symbol for a size which depends on numbers; a new one each time, as its symbols add up."""
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    return FakeTensorMode(allow_fallback_kernels=False, shape_env=ShapeEnv())


@cache
def _counter_class() -> type:
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    class Counter(TorchDispatchMode):  # type: ignore[misc]
        """Counts multiply-adds by torch's own formulas; None once one meets what it does not know."""

        multiply_adds: int | None = 0

        def __torch_dispatch__(self, func: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = answers.run(func, args, kwargs or {})
            formula = flop_registry.get(func._overloadpacket)
            if formula is not None and self.multiply_adds is not None:
                self.multiply_adds += formula(*args, **(kwargs or {}), out_val=result) // 2
            return result

    return Counter


def _counter() -> Any:
    return _counter_class()()


def namespace() -> dict[str, Any]:
    """The names that a layer's source may use."""
    import torch

    training = SimpleNamespace(training=True)
    return {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "math": math, "self": training}


def _tensor(t: Any, unknown: dict[str, int] | None = None) -> Tensor:
    """What is known of a tensor; a size that is a symbol gets the number that ``unknown`` has for it, or the next."""
    known = {} if unknown is None else unknown
    sizes = (size if isinstance(size, int) else known.setdefault(str(size), -1 - len(known)) for size in t.shape)
    return Tensor(tuple(sizes), str(t.dtype).removeprefix("torch."))


def state(m: Any) -> dict[str, Any]:
    """The learnables and buffers of what ``module`` made: a torch module, a single nn.Parameter or nn.Buffer."""
    if m is None:
        return {}
    if hasattr(m, "state_dict"):
        return dict(m.state_dict())
    return {"value": m.detach()} if getattr(m, "persistent", True) else {}


def buffers(m: Any) -> frozenset[str]:
    """Which of the state are buffers."""
    if hasattr(m, "named_buffers"):
        return frozenset(name for name, _ in m.named_buffers())
    return frozenset({"value"} if hasattr(m, "persistent") else ())
