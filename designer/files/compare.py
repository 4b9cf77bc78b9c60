"""Run the file's own program and the rebuilt network on one input, in a child process, and compare what they give.

A child contains a crash, a loop without end and a lack of memory; the app's process runs nothing that a file holds.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from designer.files.program import Meta, Program, Ref
from designer.files.progress import run_child

SECONDS = 300
LARGEST_FILE = 1 << 20  # torch tries out where it may write
LARGEST_RESULT = 2 << 30  # bytes of one tensor
SPARE_BYTES = 12 << 30  # beside the weights: torch alone reserves several GB of addresses


class Comparison(NamedTuple):
    """The largest difference between the outputs; without one, why they were not compared."""

    difference: float | None
    reason: str = ""
    output: str = ""  # of several, the one that differs most


def compare(path: str | os.PathLike[str], seconds: float = SECONDS, inputs: str = "") -> Comparison:
    """Compare the program of a file with the network that it opens as, on a probe input."""
    try:
        done = run_child("designer.files.compare", [str(Path(path).resolve()), inputs], seconds)
    except subprocess.TimeoutExpired:
        return Comparison(None, f"it took more than {seconds:g} seconds")
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    try:
        found = json.loads(lines[-1])
        return Comparison(found["difference"], found["reason"], found.get("output", ""))
    except (IndexError, ValueError, KeyError, TypeError):
        return child_ended(done.returncode)


def child_ended(code: int) -> Comparison:
    """What to say of a child that told nothing."""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return Comparison(None, f"the process that compares ended with {how}, perhaps for lack of memory")


def main() -> None:
    """Compare in this process, which is the child, and print the outcome."""
    import resource

    path = sys.argv[2]
    limit = SPARE_BYTES + 6 * Path(path).stat().st_size
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = compared(path, sys.argv[3])
    sys.stdout.write("\n" + json.dumps(found._asdict()) + "\n")


def compared(path: str, told: str = "") -> Comparison:
    """Compare in this process."""
    import torch

    from designer.files.asking import inputs_told
    from designer.files.imports import open_recorded
    from designer.files.kinds import kind_of
    from designer.files.raw_source import NotListed, raw_source
    from designer.files.recorded import read_recorded
    from designer.model import NetworkError
    from designer.source import build, results

    torch.manual_seed(0)
    torch.backends.mha.set_fastpath_enabled(False)
    kind = kind_of(path).name
    if kind == "module pickle":
        from designer.files.compare_module import compared_module

        return compared_module(Path(path))
    inputs = inputs_told(told)
    if kind == "ONNX":
        from designer.files.compare_onnx import compared_onnx

        return compared_onnx(Path(path), inputs)
    recorded = read_recorded(Path(path), kind, inputs)
    program = recorded.program
    if random := next((op.target for op in program.ops if draws(op.target, op.arguments)), None):
        return Comparison(None, f"{random} draws random numbers")
    if large := too_large(program):
        return Comparison(None, large)
    try:
        source = raw_source(program)
    except NotListed as call:
        return Comparison(None, f"{call} is not an operation that may be run")
    names: dict[str, Any] = {"torch": torch}
    exec(compile(source, "<the file's own program>", "exec"), names)
    try:
        network = open_recorded(Path(path), kind, inputs).network
        module = build(network)
    except NetworkError as error:
        return Comparison(None, f"the network cannot be run: {str(error).rstrip('.')}")
    module.train(program.training)
    tensors = recorded.tensors(list(program.slots.values()))
    largest, at = 0.0, 0
    for step in (0, 1):
        inputs = probe(program, step)
        if inputs is None:
            break
        stored = [tensors[key].clone() for key in program.slots.values()]
        for n, key in enumerate(program.slots.values()):  # kernels of recurrent layers ask whether it is a Parameter
            if program.stored[key].role == "parameter" and stored[n].is_floating_point():
                stored[n] = torch.nn.Parameter(stored[n])
        with torch.no_grad():
            try:
                wanted = names["run"]([tensor.clone() for tensor in inputs], stored)
            except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
                if step:
                    break  # the program takes no other sizes than it was recorded with
                return Comparison(None, f"the file's own program does not take the probe input: {first_line(error)}")
            try:
                given = module(*inputs)
            except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
                return Comparison(
                    None, f"the network does not run on an input that the file's program takes: {first_line(error)}"
                )
        given = list(results(network, given).values())
        if [tuple(t.shape) for t in wanted] != [tuple(t.shape) for t in given]:
            return Comparison(None, "the outputs differ in their sizes")
        gaps = [(largest_difference(a, b), n) for n, (a, b) in enumerate(zip(wanted, given))]
        largest, at = max([(largest, at), *gaps], key=lambda pair: pair[0])
    outputs = list(network.outputs)
    return Comparison(largest, "", outputs[at] if largest and 1 < len(outputs) > at else "")


def too_large(program: Program) -> str:
    """Why a program is not run to compare: a tensor of it that would take memory as no network of use does."""
    from designer.files.checkpoint import ITEM_BYTES

    def taken(meta: Meta) -> int:
        steps = zip(meta.sizes, meta.strides)
        return math.prod(size.number for size, step in steps if step.number) * ITEM_BYTES.get(meta.dtype, 1)

    largest = max(map(taken, program.metas.values()), default=0)
    return f"one of its tensors takes {largest:,} bytes" if largest > LARGEST_RESULT else ""


def draws(target: str, arguments: list[Any]) -> bool:
    """Whether a call gives other numbers in each run."""
    name = target.split(".")[1] if "." in target else target
    if name in ("dropout", "feature_dropout", "alpha_dropout", "dropout_", "native_dropout"):
        return len(arguments) > 2 and arguments[1] != 0 and arguments[2] is not False
    return name.startswith(("rand", "normal", "bernoulli", "multinomial", "poisson", "uniform", "exponential_"))


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def largest_difference(a: Any, b: Any) -> float:
    """The largest difference between two tensors; equal infinities and two NaN do not differ."""
    import torch

    if not a.numel():
        return 0.0
    if a.is_complex() or b.is_complex():
        return largest_difference(torch.view_as_real(a.resolve_conj()), torch.view_as_real(b.resolve_conj()))
    a, b = a.double(), b.double()
    same = (a == b) | (a.isnan() & b.isnan())
    gap = (a - b).abs().masked_fill(same, 0.0)
    return float(gap.nan_to_num(nan=float("inf")).max())


def probe(program: Program, step: int) -> list[Any] | None:
    """Inputs of the recorded sizes, each free size ``step`` larger; None where no other sizes are allowed."""
    import torch

    generator = torch.Generator().manual_seed(step)
    symbols = {size.symbol for _, meta in program.inputs for size in meta.sizes if size.symbol}
    texts = {size.text for _, meta in program.inputs for size in meta.sizes if size.text and not size.symbol}
    if step and (not symbols or texts):
        return None
    found = []
    for ref, meta in program.inputs:
        sizes = []
        for size in meta.sizes:
            grown = size.number + (step if size.symbol else 0)
            if size.symbol and grown > program.limits.get(size.symbol, (0, grown))[1]:
                grown = size.number
            sizes.append(grown)
        dtype = getattr(torch, meta.dtype)
        if ref in program.taken:
            found.append(torch.full(sizes, program.taken[ref], dtype=dtype))
        elif dtype.is_floating_point or dtype.is_complex:
            found.append(torch.randn(sizes, generator=generator, dtype=dtype))
        else:
            high = 2 if meta.dtype == "bool" else smallest_table(program, ref)
            found.append(torch.randint(0, high, sizes, generator=generator).to(dtype))
    return found


KEEPS = frozenset(
    "view reshape unsqueeze squeeze slice select to expand flatten contiguous clone alias transpose".split()
)


def smallest_table(program: Program, ref: Ref) -> int:
    """How many rows the smallest table has that an input is an index into; 2 where it is none."""
    reached = {ref}
    rows = []
    for op in program.ops:
        first = op.arguments[0] if op.arguments else None
        if op.name in KEEPS and first in reached:
            reached.update(result for result in op.results if result is not None)
        elif op.name in ("embedding", "embedding_bag") and op.arguments[1] in reached:
            rows.append(program.metas[op.arguments[0]].shape[0])
    return max(1, min(rows)) if rows else 2
