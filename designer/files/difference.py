"""How far two networks are apart: both are run on the same probe input, and their outputs compared."""

import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from designer.files.compare import SPARE_BYTES, Comparison, child_ended, first_line, largest_difference
from designer.files.progress import run_child
from designer.files.project import load, save
from designer.layers import Embedding
from designer.model import Input, Network, NetworkError
from designer.source import build, results

SECONDS = 120
LARGEST = 2 << 30  # bytes of values that are copied for another process
SIZES = (3, 8, 16, 32, 96)  # tried for the first free size, until both networks run; the next ones differ from it
FAILURES = (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError)


def difference(before: Network, after: Network, apart: bool = True, seconds: float = SECONDS) -> Comparison:
    """Give the largest difference between the outputs of two networks in evaluation mode, on one random input.

    ``apart``: in a child process with limits of time and memory, as for what was opened from a file.
    """
    if not apart:
        return measured(before, after)
    stored = sum(value.nbytes for network in (before, after) for value in network.values.values())
    if stored > LARGEST:
        return Comparison(None, f"their values take {stored / 2**30:.1f} GiB, too much for a copy")
    with tempfile.TemporaryDirectory(prefix="designer-") as folder:
        try:
            for name, network in (("before", before), ("after", after)):
                save(network, Path(folder) / f"{name}.network")
        except (OSError, NetworkError) as error:
            return Comparison(None, f"the networks could not be copied: {first_line(error)}")
        try:
            done = run_child("designer.files.difference", [folder, str(stored)], seconds)
        except subprocess.TimeoutExpired:
            return Comparison(None, f"it took more than {seconds:g} seconds")
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    try:
        found = json.loads(lines[-1])
        return Comparison(found["difference"], found["reason"], found.get("output", ""))
    except (IndexError, ValueError, KeyError, TypeError):
        return child_ended(done.returncode)


def main() -> None:
    """Measure in this process, which is the child, and print the outcome."""
    import resource

    folder, limit = Path(sys.argv[2]), SPARE_BYTES + 8 * int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = measured(load(folder / "before.network"), load(folder / "after.network"))
    sys.stdout.write("\n" + json.dumps(found._asdict()) + "\n")


def measured(before: Network, after: Network) -> Comparison:
    """Measure in this process."""
    import torch

    try:
        modules = [build(network).eval() for network in (before, after)]
    except NetworkError as error:
        return Comparison(None, str(error).rstrip("."))
    reason = "there is no input"
    for inputs in probes(before):
        outputs = []
        for network, module in zip((before, after), modules):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)  # what draws draws the same twice
                try:
                    given = module(*(tensor.clone() for tensor in inputs))
                    outputs.append([tensor.detach() for tensor in results(network, given).values()])
                except FAILURES as error:
                    reason = f"they do not run on a random input: {first_line(error)}"
                    break
        if len(outputs) == 2:
            if [tuple(t.shape) for t in outputs[0]] != [tuple(t.shape) for t in outputs[1]]:
                return Comparison(None, "the outputs differ in their sizes")
            return Comparison(max((largest_difference(a, b) for a, b in zip(*outputs)), default=0.0))
    return Comparison(None, reason)


def probes(network: Network) -> Iterator[list[Any]]:
    """Give random inputs, with small numbers for the free sizes: unlike ones first, then like ones."""
    import torch

    layers = [layer for name in network.inputs if isinstance(layer := network.layer(name), Input)]
    names = list(dict.fromkeys(size for layer in layers for size in layer.shape if isinstance(size, str)))
    rows = min((layer.num_embeddings for layer in network.all.values() if isinstance(layer, Embedding)), default=2)
    tried = []
    for first, unlike in itertools.product(SIZES, (1, 0)):
        sizes = {name: first + unlike * n for n, name in enumerate(names)}
        if sizes in tried:
            continue
        tried.append(sizes)
        generator = torch.Generator().manual_seed(0)
        found = []
        for layer in layers:
            shape = [sizes.get(size, size) if isinstance(size, str) else size for size in layer.shape]
            dtype = getattr(torch, layer.dtype)
            if dtype.is_floating_point or dtype.is_complex:
                found.append(torch.randn(shape, generator=generator, dtype=dtype))
            else:
                high = 2 if dtype == torch.bool else rows  # an index into the smallest table
                found.append(torch.randint(0, high, shape, generator=generator).to(dtype))
        yield found
