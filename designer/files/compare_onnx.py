"""Compare an ONNX file, run by ONNX's own evaluator, with the network that it opens as; run in a child process."""

import time
from pathlib import Path
from typing import Any

from designer.files.compare import Comparison, first_line, largest_difference, probe, too_large
from designer.files.compare_onnx_operators import corrected
from designer.files.errors import FileError

LARGEST_WEIGHTS = 1 << 31  # bytes: the evaluator copies them
SLOW = 60  # seconds for one probe, after which one is enough: the evaluator is made to be read, not to be fast
RANDOM = frozenset("RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial".split())
REFUSED = (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError)


def compared_onnx(path: Path, inputs: Any) -> Comparison:
    """Compare in this process, on probe inputs of two sizes."""
    import torch

    from designer.files.imports import open_recorded
    from designer.files.onnx_graph.read import read_program
    from designer.model import NetworkError
    from designer.source import build, results

    program, file = read_program(path, inputs)
    if random := next((node.op_type for node in file.model.graph.node if node.op_type in RANDOM), None):
        return Comparison(None, f"{random} draws random numbers")
    if any(op.name == "dropout" and op.arguments[1:] != [0.0, True] for op in program.ops):
        return Comparison(None, "Dropout draws random numbers, as in training")
    if large := too_large(program):
        return Comparison(None, large)
    try:
        network = open_recorded(path, "ONNX", inputs).network
        module = build(network).train(program.training)
    except NetworkError as error:
        return Comparison(None, f"the network cannot be run: {str(error).rstrip('.')}")
    try:
        run = _evaluator(file)
    except FileError as error:
        return Comparison(None, str(error))
    except Exception as error:  # the evaluator raises errors of its own for what it does not know
        return Comparison(None, f"the evaluator of ONNX does not run it: {first_line(error)}")
    largest, at = 0.0, 0
    began = time.monotonic()
    for step in (0, 1):
        given = probe(program, step)
        if given is None or time.monotonic() - began > SLOW:
            break
        arrays = {str(ref): _array(tensor) for (ref, _), tensor in zip(program.inputs, given)}
        try:
            wanted = run(arrays)
        except Exception as error:  # the same
            if step:
                break  # the program takes no other sizes than those that it was written for
            return Comparison(None, f"the evaluator of ONNX does not run it: {first_line(error)}")
        with torch.no_grad():
            try:
                found = module(*given)
            except REFUSED as error:
                reason = f"the network does not run on an input that the file's program takes: {first_line(error)}"
                return Comparison(None, reason)
        tensors = list(results(network, found).values())
        if [tuple(t.shape) for t in wanted] != [tuple(t.shape) for t in tensors]:
            return Comparison(None, "the outputs differ in their sizes")
        gaps = [(largest_difference(a, b), n) for n, (a, b) in enumerate(zip(wanted, tensors))]
        largest, at = max([(largest, at), *gaps], key=lambda pair: pair[0])
    outputs = list(network.outputs)
    return Comparison(largest, "", outputs[at] if largest and 1 < len(outputs) > at else "")


def _evaluator(file: Any) -> Any:
    """A function that runs the file on arrays by name, and gives tensors."""
    import torch
    from onnx import ModelProto
    from onnx.reference import ReferenceEvaluator

    model = ModelProto()
    model.CopyFrom(file.model)
    names = [proto.name for proto in model.graph.initializer]
    tensors = file.weights.tensors({name: file.weights.stored[name] for name in names})
    if sum(tensor.nbytes for tensor in tensors.values()) > LARGEST_WEIGHTS:
        raise FileError("its weights are too large for the evaluator of ONNX")
    for proto in model.graph.initializer:
        data = tensors[proto.name].contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        for kept in ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "external_data"):
            proto.ClearField(kept)
        proto.data_location = 0
        proto.raw_data = data
    session = ReferenceEvaluator(model, new_ops=corrected())

    def run(arrays: dict[str, Any]) -> list[Any]:
        return [_tensor(array) for array in session.run(None, arrays)]

    return run


def _array(tensor: Any) -> Any:
    """A tensor as the evaluator takes it."""
    import torch

    if tensor.dtype == torch.bfloat16:
        import ml_dtypes

        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def _tensor(array: Any) -> Any:
    """What the evaluator gave as a tensor."""
    import numpy
    import torch

    found = numpy.ascontiguousarray(array).reshape(numpy.shape(array))
    if found.dtype.name == "bfloat16":
        return torch.from_numpy(found.view(numpy.int16)).view(torch.bfloat16)
    return torch.from_numpy(found.copy())
