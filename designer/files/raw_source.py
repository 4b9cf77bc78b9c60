"""Write the calls of a program as they are in the file, one to a line, so that they can be run.

Only operations of the committed list are written, and checked values: nothing of the file becomes code.
"""

import math
from typing import Any

from designer.files.functional import RENAMED
from designer.files.program import Dtype, Format, Op, Program, Ref, Setting, Unreadable
from designer.layers.operations import signature

OPERATORS = {
    "add": "({} + {})",
    "sub": "({} - {})",
    "mul": "({} * {})",
    "floordiv": "({} // {})",
    "truediv": "({} / {})",
    "mod": "({} % {})",
    "neg": "(-{})",
    "eq": "({} == {})",
    "ne": "({} != {})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "gt": "({} > {})",
    "ge": "({} >= {})",
}
SIZES = {"aten.sym_size.int": "{}.shape[{}]", "aten.sym_numel.default": "{}.numel()", "math.trunc": "int({})"}
# On tensors of its own, or harmless where all is on one device.
PLAIN = frozenset(
    """
    _weight_norm.default copy_.default detach_.default fill_.Scalar fill_.Tensor normal_.default to.device
    to.prim_Device uniform_.default zero_.default
    """.split()
)
# Batch normalisation whose kernel trusts the sizes that it is given.
NORMALISED = ("aten.native_batch_norm.default", "aten._native_batch_norm_legit_no_training.default")
LEFT_OUT = ("_assert_", "sym_constrain_range")


class NotListed(Exception):
    """A call that is not on the list of operations that may be run; its name."""


def raw_source(program: Program) -> str:
    """The source of ``run(inputs, stored)``, which gives the outputs in order. Raises NotListed."""
    names: dict[Ref, str] = {}
    lines = ["def run(inputs, stored):"]

    def name(ref: Ref) -> str:
        return names.setdefault(ref, f"v{len(names)}")

    for n, (ref, _) in enumerate(program.inputs):
        lines.append(f"    {name(ref)} = inputs[{n}]")
    for n, ref in enumerate(program.slots):
        lines.append(f"    {name(ref)} = stored[{n}]")
    for op in program.ops:
        if op.name.startswith(LEFT_OUT):
            continue
        results = ", ".join("_" if ref is None else name(ref) for ref in op.results)
        comma = "," if op.listed and len(op.results) == 1 else ""
        lines.append(f"    {results or '_'}{comma} = {_call(op, names)}")
    given = ", ".join(_written(value, names) for _, value in program.outputs if isinstance(value, Ref))
    lines.append(f"    return [{given}]")
    return "\n".join(lines) + "\n"


def _call(op: Op, names: dict[Ref, str]) -> str:
    space, _, tail = op.target.partition(".")
    written = SIZES.get(op.target) or (OPERATORS.get(tail) if space == "_operator" else None)
    if written is not None:
        return written.format(*(_written(argument, names) for argument in op.arguments))
    if op.target in NORMALISED and len(op.arguments) > 6:
        return _normalised(op, [_written(argument, names) for argument in op.arguments])
    plain = tail.removesuffix(".default")
    if space != "aten" or not (runnable(plain) or tail in PLAIN):
        raise NotListed(op.target.removesuffix(".default"))
    given = [_written(argument, names) for argument in op.arguments]
    given += [f"{key}={_written(value, names)}" for key, value in op.keywords.items() if _kept(key, value)]
    return f"torch.ops.aten.{tail}({', '.join(given)})"


def _normalised(op: Op, given: list[str]) -> str:
    """Batch normalisation as the call that checks its sizes; what it would give beside that is needed for training."""
    given = given if op.target == NORMALISED[0] else [*given[:5], "False", *given[5:]]
    return f"(torch.ops.aten.batch_norm.default({', '.join(given)}, False), None, None)"


def runnable(name: str) -> bool:
    """Whether a call of ATen, such as ``add_.Tensor``, or the same that gives a new tensor, is on the list."""
    functional = RENAMED.get(name, name.replace("_.", ".", 1) if "_." in name else name.removesuffix("_"))
    return signature(name) is not None or signature(functional) is not None


def _kept(key: str, value: Any) -> bool:
    if not key.isidentifier():
        raise NotListed(key)
    return key != "pin_memory" and (isinstance(value, Format) or not isinstance(value, Setting))


def _written(value: Any, names: dict[Ref, str]) -> str:
    if isinstance(value, Ref):
        return names[value]
    if isinstance(value, Dtype | Format):
        return f"torch.{value}"
    if isinstance(value, Setting):
        return 'torch.device("cpu")' if value == "device" else "torch.strided"
    if isinstance(value, Unreadable):
        raise NotListed(f"a call with an argument of the kind {value}")
    if isinstance(value, list):
        return f"[{', '.join(_written(entry, names) for entry in value)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    assert value is None or isinstance(value, bool | int | float | str)
    return repr(value)
