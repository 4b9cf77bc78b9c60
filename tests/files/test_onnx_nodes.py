"""Every operator of ONNX that is known here gives what ONNX's own test cases expect."""

import importlib
import pkgutil
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from designer.files.errors import FileError
from designer.files.imports import import_pytorch
from designer.files.onnx_graph.table import OPERATORS
from designer.source import build

# Read in the normal run: operators whose settings differ most between ONNX and PyTorch.
QUICK = """averagepool clip conv convtranspose cumsum depthtospace gathernd gemm gru instancenormalization lstm pad
    prelu rnn scatternd slice split topk""".split()
# Ties among equal numbers, half precision, and numbers that the analysis of layers refuses for some layers.
DRAWN = ("test_training_dropout", "test_training_dropout_default")  # numbers that no two programs draw alike
ELSEWHERE = ("top_k_same", "fp16", "bf16", "test_div_", "test_mod_", "bfloat16")


def cases(names):
    """The cases of some files of ONNX's tests."""
    from onnx.backend.test.case import node

    before = len(node._NodeTestCases)
    files = [file for _, file, _ in pkgutil.iter_modules(node.__path__)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns about numbers that overflow on purpose
        for file in files:
            if not names or any(file.replace("_", "") in (name, f"{name}op") for name in names):
                importlib.import_module(f"{node.__name__}.{file}")
    return [case for case in node._NodeTestCases[before if names else 0 :] if case.kind == "node"]


def tensor(array):
    array = numpy_helper.to_array(array) if isinstance(array, onnx.TensorProto) else np.asarray(array)
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def opened(case, path):
    """The network of a case, and what it takes: what may only be known when the file is read is stored in it."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    given = list(case.data_sets[0][0])
    path.write_bytes(model.SerializeToString())
    network, report = import_pytorch(path)
    if report.placeholders and all(isinstance(array, np.ndarray | np.generic) for array in given):
        names = [info.name for info in model.graph.input]
        for name, array in list(zip(names, given))[1:]:
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
        path.write_bytes(model.SerializeToString())
        network, report = import_pytorch(path)
        given = given[:1]
    return network, report, given


def outcome(case, path):
    """Whether a case comes out right: "ok", "shown" where it cannot be run, "refused", or what is wrong."""
    try:
        network, report, given = opened(case, path)
    except FileError:
        return "refused"
    if report.placeholders:
        return "shown"
    with torch.no_grad():
        found = build(network).eval()(*map(tensor, given if network.inputs else ()))
    results = list(found) if isinstance(found, tuple) else [found]
    for ours, theirs in zip(results, map(tensor, case.data_sets[0][1]), strict=True):
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            return f"{case.name} gives {tuple(ours.shape)} of {ours.dtype}"
        if not torch.allclose(ours.double(), theirs.double(), rtol=1e-3, atol=1e-5, equal_nan=True):
            return f"{case.name} gives other numbers"
    return "ok"


def outcomes(found, path):
    usual = [c for c in found if c.name not in DRAWN and not any(part in c.name for part in ELSEWHERE)]
    known = [
        case
        for case in usual
        if {n.op_type for n in case.model.graph.node} <= {*OPERATORS, *(f.name for f in case.model.functions)}
    ]
    return {case.name: outcome(case, path) for case in known}


def test_operators_give_what_the_cases_of_onnx_expect(tmp_path):
    plain = [case for case in cases(QUICK) if "expanded" not in case.name]
    found = outcomes(plain, tmp_path / "a.onnx")
    assert {name: told for name, told in found.items() if told not in ("ok", "shown", "refused")} == {}
    assert list(found.values()).count("ok") >= 75


@pytest.mark.nightly
def test_all_cases_of_onnx(tmp_path):
    found = outcomes(cases(()), tmp_path / "a.onnx")
    wrong = {name: told for name, told in found.items() if told not in ("ok", "shown", "refused")}
    assert wrong == {}
    assert list(found.values()).count("ok") >= 1000
