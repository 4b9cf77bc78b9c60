"""Which operations an Operation layer may run: the rule, and proof that none of them brings a process down.

Run as a program it writes the list: ``python tests/layers/test_operations.py``.
"""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from designer.layers import operations

LIST = Path(__file__).parents[2] / "designer/layers/operations.txt"
CHILD = Path(__file__).parent / "nonsense.py"

KINDS = {"Tensor", "number", "int", "float", "bool", "str", "ScalarType"}
DROPPED = {"Device", "Layout", "MemoryFormat", "Generator"}  # left at their defaults
REFUSED = {  # why -> a pattern of names
    "reads a file": "from_file",
    "for one backend": "(cudnn|miopen|mkldnn|fbgemm|quantized)_.*|to_mkldnn|convolution_overrideable|pin_memory",
    "for one accelerator": "batch_norm_(elemt|gather|stats|update).*|conv_depthwise3d",
    "quantised": "quantize_.*|q_per_.*|int_repr|dequantize|choose_qparams_optimized",
    "sparse or ragged": (
        "sparse_.*|.*_sparse.*|to_(sparse|dense).*|coalesce|hspmm|smm|sspaddmm|.*padded_tensor|"
        "((ccol|col|crow|row)_)?(indices|values)(_copy)?"
    ),
    "shows what happens to be in memory": "(new_)?empty.*|resize.*",
    "exchanges storage": "set|data",
}
EFFECTS = {  # an operation that may draw numbers or change statistics -> with which argument it does not
    "alpha_dropout": "train=False or p=0.0",
    "dropout": "train=False or p=0.0",
    "feature_alpha_dropout": "train=False or p=0.0",
    "feature_dropout": "train=False or p=0.0",
    "native_dropout": "train=False",
    "rrelu": "training=False",
    "gru.input": "train=False or dropout=0.0",
    "lstm.input": "train=False or dropout=0.0",
    "rnn_relu.input": "train=False or dropout=0.0",
    "rnn_tanh.input": "train=False or dropout=0.0",
    "scaled_dot_product_attention": "dropout_p=0.0",
    "_scaled_dot_product_flash_attention_for_cpu": "dropout_p=0.0",
    "batch_norm": "training=False or running_mean=None",
    "instance_norm": "use_input_stats=False or running_mean=None",
}
# They draw numbers: models sample, whatever their mode.
RANDOM = """
    bernoulli bernoulli.p multinomial rand rand_like randint randint.low randint_like randint_like.low_dtype randn
    randn_like"""
PRIVATE = {  # why -> names that start with an underscore and are allowed all the same
    "core ATen, what decompositions leave": """
        _adaptive_avg_pool2d _adaptive_avg_pool3d _cdist_forward _embedding_bag _fft_c2c _fft_c2r _fft_r2c _log_softmax
        _native_batch_norm_legit.no_stats _native_batch_norm_legit_no_training _pdist_forward _softmax _to_copy""",
    "what public functions become in an exported program": """
        _scaled_dot_product_flash_attention_for_cpu _unsafe_view _unsafe_index.Tensor _unsafe_index_put _weight_norm
        _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d
        _upsample_nearest_exact3d _upsample_bicubic2d_aa.vec _upsample_bilinear2d_aa.vec _upsample_nearest_exact1d.vec
        _upsample_nearest_exact2d.vec _upsample_nearest_exact3d.vec _unique2 _convolution _convolution_mode _conj
        _neg_view _trilinear _safe_softmax _is_all_true _is_any_true _grouped_mm _linalg_det _linalg_eigh
        _linalg_slogdet _linalg_solve_ex _linalg_svd""",
    "operators of Python": """
        __and__.Scalar __and__.Tensor __or__.Scalar __or__.Tensor __xor__.Scalar __xor__.Tensor
        __lshift__.Scalar __lshift__.Tensor __rshift__.Scalar __rshift__.Tensor""",
}
CRASHES = {  # what they do when they are given nonsense -> operations; the last test found them
    "read or write beyond their tensors": """
        _embedding_bag _fft_c2c _fft_c2r _fft_r2c _native_batch_norm_legit.no_stats
        _native_batch_norm_legit_no_training _weight_norm ctc_loss.IntList ctc_loss.Tensor linalg_eigvals lu_unpack
        native_batch_norm segment_reduce""",
    "divide by zero": "range.step",
    "take hours": """
        linalg_matrix_power matrix_power special_laguerre_polynomial_l special_laguerre_polynomial_l.n_scalar
        special_laguerre_polynomial_l.x_scalar special_legendre_polynomial_p special_legendre_polynomial_p.n_scalar
        special_legendre_polynomial_p.x_scalar""",
}


def operation(name):
    base, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.aten, base), overload or "default")


def kind(argument):
    return re.sub(r"Optional\[|List\[|\]", "", str(argument.real_type))


def is_allowed(name):
    op = operation(name)
    schema, base = op._schema, name.partition(".")[0]
    arguments = [argument for argument in schema.arguments if kind(argument) not in DROPPED]
    dropped = [argument for argument in schema.arguments if kind(argument) in DROPPED]
    results = [str(result.real_type) for result in schema.returns]
    return (
        not schema.is_mutable
        and all(kind(argument) in KINDS for argument in arguments)
        and all(argument.has_default_value() for argument in dropped)
        and (set(results) == {"Tensor"} or results == ["List[Tensor]"])
        and (name in EFFECTS or name in RANDOM.split() or torch.Tag.nondeterministic_seeded not in op.tags)
        and (not base.startswith("_") or name in " ".join(PRIVATE.values()).split())
        and "backward" not in base
        and not any(re.fullmatch(pattern, base) for pattern in REFUSED.values())
        and name not in " ".join(CRASHES.values()).split()
    )


def line(name):
    """The schema of an operation, without what says which results are views, and the condition on its arguments."""
    schema = str(operation(name)._schema).removeprefix("aten::").replace("SymInt", "int")
    schema = re.sub(r"\([a-z](!)?( -> \*)?\)", "", schema)
    return schema + (f"  # {EFFECTS[name]}" if name in EFFECTS else "")


def deaths(names, times, device):
    """Which of the operations ended a process when they were given nonsense, and how."""
    found, jobs = {}, [job(name) for name in names]
    while jobs:
        command = [sys.executable, "-W", "ignore", str(CHILD), str(times), device]
        child = subprocess.run(command, input=json.dumps(jobs), capture_output=True, text=True, check=False)
        seen = child.stdout.split()
        if seen[-1:] == ["done"]:
            break
        assert child.returncode < 0, child.stderr
        found[seen[-1]] = signal.Signals(-child.returncode).name
        jobs = jobs[[name for name, *_ in jobs].index(seen[-1]) + 1 :]
    return found


def job(name):
    """What the other process needs to know of an operation: kind, name and position of its arguments."""
    known = operations.signature(name)
    kinds = [argument for argument in known.arguments if argument.kind.rstrip("?") not in DROPPED]
    harmless = dict(known.harmless[:1])
    fixed = [argument.name in harmless for argument in kinds]  # by name, and with it all that follow
    kinds = [(a.kind, a.name, a.keyword or any(fixed[:n]), a.required) for n, a in enumerate(kinds)]
    return name, kinds, harmless


def allowed():
    names = sorted(name[6:] for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::"))
    return [line(name) for name in names if is_allowed(name)]


def test_the_list_is_what_the_rule_gives():
    assert LIST.read_text("utf-8").splitlines() == allowed()


def test_signatures_are_those_of_torch():
    for name in operations.names():
        known, schema = operations.signature(name), operation(name)._schema
        assert [argument.name for argument in known.arguments] == [argument.name for argument in schema.arguments]
        assert [argument.keyword for argument in known.arguments] == [a.kwarg_only for a in schema.arguments]
        assert [argument.required for argument in known.arguments] == [
            not argument.has_default_value() for argument in schema.arguments
        ]
        assert known.lists == (str(schema.returns[0].real_type) == "List[Tensor]")
        assert len(known.results) == len(schema.returns)
        assert all(any(argument.name == name for argument in known.arguments) for name, _ in known.harmless)


@pytest.mark.parametrize(("device", "times"), [("cpu", 6), ("fake", 1)])
def test_nonsense_ends_no_process(device, times):
    assert deaths(operations.names(), times, device) == {}


@pytest.mark.nightly
@pytest.mark.parametrize(("device", "times"), [("cpu", 500), ("fake", 50)])
def test_much_nonsense_ends_no_process(device, times):
    assert deaths(operations.names(), times, device) == {}


if __name__ == "__main__":
    LIST.write_text("".join(f"{text}\n" for text in allowed()))
