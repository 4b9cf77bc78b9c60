"""Every familiar form of an operation gives bit for bit what the operation itself gives."""

import contextlib
import itertools
import random
import subprocess
import sys

import pytest
import torch

from designer.layers import Operation, familiar, operations
from designer.source.lines import laid_out

NAMES = sorted({*familiar.OPERATORS, *familiar.PREFIXES, *familiar.METHODS, *familiar.FUNCTIONS, *familiar.MADE})
NAMES += ["rsub.Scalar", "select.int", "slice.Tensor"]
TENSORS = [
    torch.tensor([[1.5, -2.0, 0.0, float("nan")], [3.25, 1e30, -0.0, float("inf")], [0.1, -0.5, 7.0, 2.0]]),
    torch.arange(-6, 6).reshape(3, 4),
    torch.arange(12).reshape(3, 4) % 3 == 0,
    torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).transpose(1, 2),
    torch.tensor([2, 0, 1]),
    torch.tensor(2),
    torch.randn(3, 3, 3, generator=torch.Generator().manual_seed(3)),
    torch.randn(4, 4, generator=torch.Generator().manual_seed(1)),
    torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(2)),
]
VALUES = {
    "int": [0, 1, 2, -1, ("size", "a", 0), ("-", ("size", "a", 0), 1), 2**63 - 1],
    "Scalar": [0, 1, 2, -3, 0.5, -1.5, True, ("size", "a", 0)],
    "bool": [True, False],
    "float": [0.5],
    "ScalarType": [("dtype", "float32"), ("dtype", "int64"), ("dtype", "float16")],
}


def value(kind, left, rng):
    """Something that an argument of this kind may be; the ports of tensors are taken from ``left``."""
    if kind.endswith("?"):
        return None if rng.random() < 0.3 else value(kind[:-1], left, rng)
    if kind == "Tensor":
        return ("port", left.pop(0))
    if kind == "Tensor[]":
        return ("list", *(("port", left.pop(0)) for _ in range(2)))
    if kind.startswith("int["):
        return tuple(rng.sample([0, 1, 2, 3, -1], rng.randint(0, 4)))
    return rng.choice(VALUES[kind])


def layers(name, rng):
    """Operations of a name, with any arguments that its schema allows."""
    known = [argument for argument in operations.signature(name).arguments if not argument.keyword]
    while True:
        ports, given = ["a", "b", "c"], []
        for argument in known:
            if argument.kind.rstrip("?") in operations.DROPPED or (not argument.required and rng.random() < 0.4):
                break
            given.append(value(argument.kind, ports, rng))
        used = [port for port in ("a", "b", "c") if port not in ports]
        if "a" not in used and "size" in repr(given):
            continue
        results = len(operations.signature(name).results)
        yield Operation(name, ports=tuple(used), arguments=tuple(given), results=results)


def many(results):
    return results if isinstance(results, tuple | list) else [results]


def bits(tensor):
    """The very bits of a tensor: of zeros and of what is no number there are several."""
    return tensor.contiguous().numpy().tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_familiar_form_is_the_operation(name, monkeypatch):
    check_forms(name, 60, monkeypatch)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_a_familiar_form_is_the_operation_whatever_it_is_given(name, monkeypatch):
    check_forms(name, 2000, monkeypatch)


def check_forms(name, tries, monkeypatch):
    rng, same, written = random.Random(name), 0, set()
    for n, layer in enumerate(layers(name, rng)):
        if n >= tries and (same or n >= 2000):
            break
        if layer.check() is not None:
            continue
        tensors = {port: rng.choice(TENSORS) for port in layer.ports}
        if rng.random() < 0.5:
            tensors |= dict.fromkeys(tensors, tensors.get("a"))
        form = layer.call("self", *layer.ports, beside="" if layer.ports else "torch.empty(0)")
        with monkeypatch.context() as patch:
            patch.setattr("designer.layers.operation.familiar", lambda *_: None)
            plain = layer.call("self", *layer.ports, beside="" if layer.ports else "torch.empty(0)")
        assert plain.startswith("torch.ops.aten.")
        if form == plain:
            continue
        written.add(form)
        wanted = given = None
        with contextlib.suppress(Exception):
            wanted = eval(plain, {"torch": torch}, dict(tensors))
        with contextlib.suppress(Exception):
            given = eval(form, {"torch": torch}, dict(tensors))
        assert (wanted is None) == (given is None), form
        if wanted is not None:
            same += 1
            for one, other in zip(many(wanted), many(given), strict=True):
                assert (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride()), form
                if min(one.shape, default=0) >= 0:  # torch expands a number to as few as -1
                    assert bits(one) == bits(other), form
    assert same > 0, written


def test_forms_are_short():
    x = ("port", "x")
    for name, arguments, form in (
        ("add.Tensor", (x, 1), "x + 1"),
        ("select.int", (x, 1, 0), "x[:, 0]"),
        ("select.int", (x, -1, ("-", ("size", "x", 0), 1)), "x[..., x.shape[0] - 1]"),
        ("slice.Tensor", (x, 1, 1, 2**63 - 1), "x[:, 1:]"),
        ("slice.Tensor", (x, 0, None, -1, 2), "x[:-1:2]"),
        ("reshape", (x, (("size", "x", 0), -1)), "x.reshape(x.shape[0], -1)"),
        ("sum.dim_IntList", (x, (1, 2), True), "x.sum([1, 2], keepdim=True)"),
        ("neg", (x,), "-x"),
    ):
        assert Operation(name, ports=("x",), arguments=arguments).call("self", "x") == form
    for name, arguments in (("add.Tensor", (x, True)), ("add.Tensor", (2, x)), ("select.int", (x, -2, 0))):
        assert Operation(name, ports=("x",), arguments=arguments).call("self", "x").startswith("torch.ops.aten.")


NUMBERS = (0, 2, -1, 0.5, -0.5, 1e-05, -1e38, 1e16, float("inf"), ("size", "x", 0), ("-", ("size", "x", 0), 1))
ENDS = (None, 0, 3, -2, ("size", "x", 0), ("-", ("size", "x", 0), 1), ("*", ("+", ("size", "x", 1), 2), 3))
LONG = "self.encoder.layers.attention_of_the_first_block.weight_of_its_projection"


def test_ruff_leaves_forms_as_they_are():
    x, other = ("port", "x"), ("port", "other")
    made = [Operation(sign, ports=("x",), arguments=(x, n)) for sign in familiar.OPERATORS for n in NUMBERS]
    made += [Operation(sign, ports=("x", "other"), arguments=(x, other)) for sign in familiar.OPERATORS]
    made += [Operation(sign, ports=("x",), arguments=(x,)) for sign in familiar.PREFIXES]
    made += [Operation("rsub.Scalar", ports=("x",), arguments=(x, n)) for n in NUMBERS]
    made += [Operation("select.int", ports=("x",), arguments=(x, 1, n)) for n in (0, *ENDS[2:])]
    made += [
        Operation("slice.Tensor", ports=("x",), arguments=(x, dim, start, end, step))
        for dim, start, end, step in itertools.product((0, -1), ENDS, ENDS, (1, 2, ("size", "x", 0)))
    ]
    made = [layer for layer in made if layer.check() is None]
    lines = []
    for text in ("x", "self.fc.weight", 'self.enc["0"].weight', LONG, f"{LONG}.first", f"{LONG}.of_two"):
        for layer in made:
            if len(text) < 40 or layer.operation not in ("select.int", "slice.Tensor"):
                lines += laid_out(f"y = {layer.call('self', *(text, LONG)[: len(layer.ports)])}")
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--diff", "-"]
    given = "\n".join(lines) + "\n"
    assert len(lines) > 1_500
    assert subprocess.run(ruff, input=given, capture_output=True, text=True, check=False).stdout == ""
