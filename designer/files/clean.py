"""Leave out the calls of a program that change nothing, and write those that say the same in one way."""

import dataclasses
from typing import Any

from designer.files.functional import VIEWS, whole_slice
from designer.files.program import Dtype, Meta, Op, Program, Ref, renamed

CHECKS = frozenset(
    """
    _assert_async _assert_scalar _assert_tensor_metadata _functional_assert_async
    sym_constrain_range sym_constrain_range_for_size
    """.split()
)
COPIES = frozenset("alias clone contiguous lift_fresh lift_fresh_copy lift_detach_copy".split())
# What is left to chance may as well be zero.
EMPTY = {
    "aten.empty.memory_format": "aten.zeros.default",
    "aten.empty_permuted.default": "aten.zeros.default",
    "aten.empty_like.default": "aten.zeros_like.default",
    "aten.new_empty.default": "aten.new_zeros.default",
}
# What libraries write in its place, for types of numbers that torch.compile does not take.
GROUPED = frozenset({"transformers.grouped_mm_fallback.default"})
# As decomposed programs have them, by what they make of which numbers.
FOURIER = {f"aten._fft_{kind}.default" for kind in ("r2c", "c2r", "c2c")}
SCALES = (
    "backward",
    "ortho",
    "forward",
)  # of a forward transform, by its number; the other way round of a backward one
INTEGERS = frozenset("int64 int32 int16 int8 uint8".split())
NEUTRAL = {"aten.add.Tensor": 0, "aten.sub.Tensor": 0, "aten.mul.Tensor": 1, "aten.div.Tensor": 1}
NEUTRAL |= {"aten.add.Scalar": 0, "aten.sub.Scalar": 0, "aten.mul.Scalar": 1, "aten.div.Scalar": 1}
# As decomposed programs have it: with what a module keeps as further results, and perhaps never in training.
BATCH_NORMS = frozenset(
    f"aten.{name}.default"
    for name in ("_native_batch_norm_legit_no_training", "_native_batch_norm_legit_functional", "native_batch_norm")
)
NEEDS_LAYOUT = frozenset("as_strided unfold view_as_complex view_as_real".split())  # they read the strides


def clean(program: Program) -> None:
    """Leave out checks, copies, no-ops and what no output needs, in place."""
    _spell_out_copies(program)
    _drop_same(program)
    _spell_out(program)
    _join_matrix_products(program)
    drop_dead(program)


def _spell_out_copies(program: Program) -> None:
    """Write what a tensor holds after another was copied into all of it, for which torch has no gradient."""
    if not any(op.target == "aten.copy.default" for op in program.ops):
        return
    ops: list[Op] = []
    for op in program.ops:
        result = op.results[0] if op.results else None
        if op.target == "aten.copy.default" and result in program.metas and op.arguments[1] in program.metas:
            place, source = op.arguments[:2]
            made, dtype = Ref(f"{result}_cast"), program.metas[result].dtype
            program.metas[made] = program.metas[source]._replace(dtype=dtype)
            ops.append(
                dataclasses.replace(op, target="aten.to.dtype", arguments=[source, Dtype(dtype)], results=[made])
            )
            op = dataclasses.replace(op, target="aten.expand_as.default", arguments=[made, place], keywords={})
        ops.append(op)
    program.ops = ops


def _drop_same(program: Program) -> None:
    names: dict[Ref, Ref] = {}
    layouts = {ref for op in program.ops if op.name in NEEDS_LAYOUT for ref in op.refs()}
    computed = {ref for op in program.ops if op.name not in VIEWS | COPIES for ref in op.refs()}
    kept = []
    for op in program.ops:
        if op.name in CHECKS:
            continue
        if not names.keys().isdisjoint(op.refs()):
            op = op.renamed(names)
        op = _plain_cast(op, program)
        result = op.results[0] if len(op.results) == 1 else None
        source = op.arguments[0] if op.arguments else None
        if result is not None and isinstance(source, Ref) and _same(op, source, result, program):
            before, after = program.metas[source], program.metas[result]
            copied = op.name in COPIES and (
                result in layouts or (result in computed and _channels_last(before) and after.contiguous)
            )
            if not copied:
                names[result] = source
                continue
            if after.contiguous and not before.contiguous:  # a clone that lies as the first would change nothing
                op = dataclasses.replace(op, target="aten.contiguous.default", arguments=[source], keywords={})
        kept.append(op)
    program.ops = kept
    program.outputs = [(label, renamed(value, names)) for label, value in program.outputs]


def _channels_last(meta: Meta) -> bool:
    """Whether a tensor lay in the recorded run as convolutions and norms take for a sign to run other kernels."""
    if len(meta.sizes) not in (4, 5) or len(meta.strides) != len(meta.sizes) or meta.contiguous:
        return False
    first, channels, *others = zip(meta.sizes, meta.strides)
    sizes, strides = zip(first, *others, channels)
    return Meta(meta.dtype, sizes, strides).contiguous


def _plain_cast(op: Op, program: Program) -> Op:
    """A call that changes the type of the elements as ``to.dtype``, whatever else it says about devices and layouts."""
    if op.name in ("to", "_to_copy", "type_as") and op.target.startswith("aten.") and op.results and op.results[0]:
        dtype = program.metas[op.results[0]].dtype if op.results[0] in program.metas else ""
        if dtype:
            return dataclasses.replace(
                op, target="aten.to.dtype", arguments=[op.arguments[0], Dtype(dtype)], keywords={}
            )
    return op


def _same(op: Op, source: Ref, result: Ref, program: Program) -> bool:
    """Whether a call gives what it takes."""
    metas = program.metas
    if source not in metas or result not in metas or not op.target.startswith("aten."):
        return False
    before, after = metas[source], metas[result]
    if op.name in COPIES:
        return True
    if op.name in ("dropout", "feature_dropout", "alpha_dropout"):
        return bool(op.argument(1, "p") == 0)
    if before.dtype != after.dtype:
        return False
    if op.name == "to":
        return True
    if op.target in NEUTRAL:
        exact = before.dtype in INTEGERS or op.name in ("mul", "div")  # -0.0 + 0 is 0.0
        return exact and op.arguments[1] == NEUTRAL[op.target] and type(op.arguments[1]) is not bool
    if op.name in ("detach", "detach_"):
        return source in program.slots and program.stored[program.slots[source]].role != "parameter"
    if op.name in ("expand", "view", "reshape", "_unsafe_view", "expand_as", "view_as", "repeat"):
        if op.name == "repeat" and any(count != 1 for count in op.arguments[1]):
            return False
        return before.sizes == after.sizes
    if op.name == "slice":
        return whole_slice(op)
    if op.name in ("flatten", "squeeze", "unflatten"):
        return len(before.sizes) == len(after.sizes) and before.sizes == after.sizes
    return False


def _spell_out(program: Program) -> None:
    """Write a call that is on no list of safe operations by those that it is made of."""
    ops: list[Op] = []
    taken: set[Ref] = set()
    if any(op.target in BATCH_NORMS for op in program.ops):
        taken = {ref for op in program.ops for ref in op.refs()} | {v for _, v in program.outputs if isinstance(v, Ref)}
    for op in program.ops:
        if op.target in GROUPED and _aligned(op, program):
            ops.append(dataclasses.replace(op, target="aten._grouped_mm.default"))
        elif op.target in FOURIER:
            ops.append(_fourier(op))
        elif op.target in EMPTY:
            kept = 2 if op.name.startswith("new_") else 1
            ops.append(dataclasses.replace(op, target=EMPTY[op.target], arguments=op.arguments[:kept]))
        elif op.target == "aten._native_batch_norm_legit.no_stats":
            x, weight, bias, training, momentum, eps = op.arguments
            arguments = [x, weight, bias, None, None, training, momentum, eps, False]
            ops.append(
                dataclasses.replace(op, target="aten.batch_norm.default", arguments=arguments, results=op.results[:1])
            )
        elif op.target in BATCH_NORMS and not taken.intersection(op.results[1:]):
            training = op.arguments[5:-2] or [False]
            arguments = [*op.arguments[:5], *training, *op.arguments[-2:], False]
            ops.append(
                dataclasses.replace(op, target="aten.batch_norm.default", arguments=arguments, results=op.results[:1])
            )
        elif op.target == "aten._weight_norm.default" and op.results[0] is not None:
            (direction, length), dim, result = op.arguments[:2], op.argument(2, "dim", 0), op.results[0]
            norm, factor = Ref(f"{result}_norm"), Ref(f"{result}_factor")
            program.metas |= {norm: program.metas[length], factor: program.metas[length]}
            for target, arguments, made in (
                ("norm_except_dim.default", [direction, 2, dim], norm),
                ("div.Tensor", [length, norm], factor),
                ("mul.Tensor", [direction, factor], result),
            ):
                ops.append(Op(f"aten.{target}", arguments, {}, [made], False, op.place, op.kind))
        else:
            ops.append(op)
    program.ops = ops


def _aligned(op: Op, program: Program) -> bool:
    """Whether a product of groups takes rows that start at multiples of 16 bytes, as torch demands."""
    from designer.files.checkpoint import ITEM_BYTES

    metas = [program.metas[ref] for ref in op.refs()[:2]]
    steps = [stride.number * ITEM_BYTES[meta.dtype] for meta in metas for stride in meta.strides if stride.number != 1]
    return len(metas) == 2 and all(step % 16 == 0 for step in steps)


def _fourier(op: Op) -> Op:
    """A transform of Fourier's as the function that it comes from."""
    x, dims, scale, last = op.arguments
    forward = op.name == "_fft_r2c" or (op.name == "_fft_c2c" and last is True)
    name = {"_fft_r2c": "rfftn" if last else "fftn", "_fft_c2r": "irfftn"}.get(op.name, "fftn" if forward else "ifftn")
    sizes = [*[-1] * (len(dims) - 1), last] if name == "irfftn" else None
    scaled = SCALES[scale if forward else 2 - scale]
    return dataclasses.replace(op, target=f"aten.fft_{name}.default", arguments=[x, sizes, dims, scaled], keywords={})


def _join_matrix_products(program: Program) -> None:
    """Write ``addmm`` of flattened rows, as GPT-2's Conv1D and decomposed programs have it, as one linear call."""
    makers = {result: op for op in program.ops for result in op.results if result is not None}
    kept = []
    for op in program.ops:
        again = op
        if op.target in ("aten.addmm.default", "aten.mm.default"):
            again = _linear(op, op, op.results[0], makers, program) or op
        elif op.name in ("view", "_unsafe_view", "reshape") and isinstance(op.arguments[0], Ref):
            inner = makers.get(op.arguments[0])
            if inner is not None and inner.target in ("aten.addmm.default", "aten.mm.default"):
                again = _linear(inner, op, op.results[0], makers, program) or op
        kept.append(again)
    program.ops = kept


def _linear(product: Op, last: Op, result: Any, makers: dict[Ref, Op], program: Program) -> Op | None:
    """``last``, which gives a product with its rows unflattened, as a linear call; None where it is something else."""
    metas = program.metas
    if product.keywords or len(product.arguments) > 3:
        return None
    bias, rows, weight = (None, *product.arguments)[-3:]
    if not (isinstance(rows, Ref) and isinstance(weight, Ref) and isinstance(result, Ref)):
        return None
    transposed = True
    turned = makers.get(weight)
    if turned is not None and (turned.name == "t" or (turned.name == "permute" and turned.arguments[1] == [1, 0])):
        weight, transposed = turned.arguments[0], False
    if weight not in program.slots:
        return None  # a product of two tensors, not a layer
    if bias is not None and (not isinstance(bias, Ref) or len(metas[bias].sizes) != 1):
        return None
    if bias is not None and metas[bias].shape != metas[result].shape[-1:]:
        return None
    source = rows
    if last is not product:
        flat = makers.get(rows)
        if flat is None or flat.name not in ("view", "reshape", "_unsafe_view"):
            return None
        source = flat.arguments[0]
        if metas[source].sizes[:-1] != metas[result].sizes[:-1] or metas[source].shape[-1:] != metas[rows].shape[-1:]:
            return None
    return Op("layer.linear", [source, weight, bias, transposed], {}, [result], False, product.place, product.kind)


def drop_dead(program: Program) -> None:
    """Leave out the calls that no output needs."""
    needed: set[Ref | None] = {value for _, value in program.outputs if isinstance(value, Ref)}
    kept = []
    for op in reversed(program.ops):
        if not needed.isdisjoint(op.results):
            needed.update(op.refs())
            kept.append(op)
    program.ops = kept[::-1]
