"""Make a program functional: a call that changes a tensor in place becomes one that gives a new tensor.

What else looks at the same numbers (a slice, a transpose, the tensor that it is a slice of) is made again from the new
tensor where it is used later, as `torch.func.functionalize` does.
"""

import dataclasses
from typing import Any

from designer.files.program import Dtype, Op, Program, Ref
from designer.model.names import shortened

# In-place calls whose functional form has another overload or another name.
RENAMED = {
    "pow_.Scalar": "pow.Tensor_Scalar",
    "pow_.Tensor": "pow.Tensor_Tensor",
    "transpose_.default": "transpose.int",
}
# Those that torch has a functional form of, less the underscore, with the same arguments.
IN_PLACE = frozenset(
    """
    abs_ acos_ add_ addbmm_ addcdiv_ addcmul_ addmm_ addmv_ asin_ atan_ baddbmm_ bitwise_and_ bitwise_not_ bitwise_or_
    ceil_ celu_ clamp_ clamp_max_ clamp_min_ cos_ cumsum_ cumprod_ div_ dropout_ elu_ eq_ erf_ exp_ exp2_ expm1_
    feature_dropout_ floor_ floor_divide_ fmod_ ge_ gelu_ gt_ hardsigmoid_ hardswish_ hardtanh_ index_add_ index_copy_
    index_fill_ index_put_ le_ leaky_relu_ lerp_ log_ log1p_ log2_ logical_and_ logical_not_ logical_or_ lt_
    masked_fill_ masked_scatter_ mish_ mul_ ne_ neg_ pow_ reciprocal_ relu_ relu6_ remainder_ round_ rsqrt_ scatter_
    scatter_add_ selu_ sigmoid_ sign_ silu_ sin_ sqrt_ square_ sub_ tanh_ threshold_ tril_ triu_ trunc_ where_ xlogy_
    """.split()
)
# Those that draw numbers, what draws numbers from 0 to 1 or around 0, and which they draw if nothing is said.
DRAWN: dict[str, tuple[str, dict[str, Any]]] = {
    "uniform_": ("aten.rand_like.default", {"from": 0, "to": 1}),
    "normal_": ("aten.randn_like.default", {"mean": 0, "std": 1}),
}
# Those that change the sizes of a tensor: what it is called is from then on what they give, a view of what it was.
TURNING = frozenset("unsqueeze_ squeeze_ transpose_ t_ swapaxes_ swapdims_".split())
SAME = frozenset("alias detach lift_fresh view_as type_as contiguous to dropout feature_dropout _unsafe_view".split())
VIEWS = frozenset(
    """
    select slice unsqueeze squeeze transpose t permute view reshape flatten unflatten expand expand_as diagonal unbind
    split split_with_sizes chunk swapaxes swapdims movedim narrow unfold as_strided numpy_T mT view_as_real
    """.split()
)


class _Fixed(Exception):
    """What a view shows cannot be written back."""


def functional(program: Program) -> list[tuple[Op, str]]:
    """Replace the in-place calls of a program; those that stay come with the reason."""
    if not any(_in_place(op) for op in program.ops):
        return []
    maker = _Maker(program)
    for op in program.ops:
        maker.run(op)
    program.ops = maker.ops
    program.outputs = [(label, maker.latest(maker.called(value))) for label, value in program.outputs]
    return maker.left


def _in_place(op: Op) -> bool:
    """Whether a call changes a tensor, by its name."""
    return op.name.endswith("_") and not op.name.endswith("__")


def _unmarked(op: Op) -> str:
    """The functional form of a call in place."""
    name, _, overload = op.target.removeprefix("aten.").partition(".")
    return "aten." + RENAMED.get(f"{name}.{overload}", f"{name[:-1]}.{overload}")


def whole_slice(op: Op) -> bool:
    """Whether a slice takes all there is."""
    start, end, step = (op.argument(n, name) for n, name in ((2, "start"), (3, "end"), (4, "step")))
    ends = end is None or (isinstance(end, int) and end >= 2**62)
    return start in (None, 0) and ends and step in (None, 1)


class _Maker:
    def __init__(self, program: Program):
        self.program = program
        self.ops: list[Op] = []
        self.left: list[tuple[Op, str]] = []
        self.views: dict[Ref, tuple[Ref, Op, int]] = {}  # a view -> what it looks at, how, and which result it is
        self.names: dict[Ref, Ref] = {}  # a value -> its newest name
        self.version: dict[Ref, int] = {}  # how often the numbers that a root holds were changed
        self.seen: dict[Ref, int] = {}  # the version that the newest name of a view shows
        self.turned: dict[Ref, Ref] = {}  # a tensor whose sizes were changed -> what it is called since
        self.norms: dict[tuple[Ref, Any], dict[str, Any]] = {}  # an embedding shortens what it is about to look up
        self.fresh = 0

    def root(self, ref: Ref) -> Ref:
        while ref in self.views:
            ref = self.views[ref][0]
        return ref

    def now(self, ref: Ref) -> Ref:
        """The newest name of a value, its view made again if its numbers were changed since."""
        version = self.version.get(self.root(ref), 0)
        if ref not in self.views or self.seen.get(ref, 0) == version:
            return self.names.get(ref, ref)
        base, op, index = self.views[ref]
        made = self.named(ref)
        results: list[Ref | None] = [None] * len(op.results)
        results[index] = made
        again = dataclasses.replace(
            op,
            arguments=[self.now(base), *(self.latest(argument) for argument in op.arguments[1:])],
            keywords={name: self.latest(argument) for name, argument in op.keywords.items()},
            results=results,
        )
        self.ops.append(again)
        self.names[ref], self.seen[ref] = made, version
        return made

    def latest(self, argument: Any) -> Any:
        if isinstance(argument, Ref):
            return self.now(argument)
        if isinstance(argument, list):
            return [self.latest(entry) for entry in argument]
        return argument

    def named(self, like: Ref) -> Ref:
        """A new name for another version of a value."""
        self.fresh += 1
        name = Ref(f"{like}_now_{self.fresh}")
        if like in self.program.metas:
            self.program.metas[name] = self.program.metas[like]
        return name

    def called(self, argument: Any) -> Any:
        """An argument by what it is called since its sizes were changed."""
        while isinstance(argument, Ref) and argument in self.turned:
            argument = self.turned[argument]
        return list(map(self.called, argument)) if isinstance(argument, list) else argument

    def run(self, op: Op) -> None:
        if self.turned:
            keywords = {name: self.called(argument) for name, argument in op.keywords.items()}
            op = dataclasses.replace(op, arguments=list(map(self.called, op.arguments)), keywords=keywords)
        if op.target.startswith("aten.") and op.name in TURNING and isinstance(op.results[0], Ref):
            self.turned[op.arguments[0]] = op.results[0]
            op = dataclasses.replace(op, target=_unmarked(op))
        base = op.arguments[0] if op.arguments and isinstance(op.arguments[0], Ref) else None
        if op.name == "embedding_renorm_" and base is not None and len(op.arguments) == 4:
            self.norms[self.root(base), op.arguments[1]] = {"max_norm": op.arguments[2], "norm_type": op.arguments[3]}
            return
        if op.name in ("embedding", "embedding_bag") and base is not None and op.target.startswith("aten."):
            op = dataclasses.replace(op, keywords=op.keywords | self.norms.get((base, op.arguments[1]), {}))
        if base is not None and _in_place(op) and op.target.startswith("aten."):
            try:
                self.change(op, base)
                return
            except _Fixed as reason:
                self.left.append((op, str(reason)))
        taken = dataclasses.replace(
            op,
            arguments=[self.latest(argument) for argument in op.arguments],
            keywords={name: self.latest(argument) for name, argument in op.keywords.items()},
        )
        self.ops.append(taken)
        if base is not None and op.target.startswith("aten.") and self.looks(op, base):
            for index, result in enumerate(op.results):
                if result is not None:
                    self.views[result] = (base, op, index)
                    self.seen[result] = self.version.get(self.root(base), 0)

    def looks(self, op: Op, base: Ref) -> bool:
        """Whether the results are views of the first argument, not copies."""
        metas = self.program.metas
        if base not in metas:
            return False
        if op.name in SAME:
            made = metas.get(op.results[0]) if op.results and op.results[0] else None
            if made is None or made.dtype != metas[base].dtype:
                return False
            if op.name == "contiguous":
                return metas[base].contiguous
            if op.name in ("dropout", "feature_dropout"):
                return op.argument(2, "train") is False or op.argument(1, "p") == 0
            return op.argument(3, "copy") is not True
        if op.name in ("reshape", "flatten"):
            made = metas.get(op.results[0]) if op.results and op.results[0] else None
            return metas[base].contiguous or (made is not None and not made.contiguous)
        return op.name in VIEWS

    def change(self, op: Op, base: Ref) -> None:
        """Put the functional form of an in-place call, and what it changed, in its place."""
        arguments = [self.latest(argument) for argument in op.arguments]
        keywords = {name: self.latest(argument) for name, argument in op.keywords.items()}
        made = op.results[0] if op.results and op.results[0] else self.named(base)
        result = self.named(base)
        self.check_writable(op, base)
        if op.name in IN_PLACE:
            steps = [
                dataclasses.replace(op, target=_unmarked(op), arguments=arguments, keywords=keywords, results=[result])
            ]
        elif op.name in ("copy_", "fill_", "zero_"):
            value = 0 if op.name == "zero_" else arguments[1]
            steps = self.filled(op, arguments[0], value, result, base)
        elif op.name in DRAWN:
            steps = self.drawn(op, arguments, keywords, result, base)
        elif op.name == "detach_":
            steps = [dataclasses.replace(op, target="aten.detach.default", arguments=arguments[:1], results=[result])]
        else:
            raise _Fixed(f"{op.target} has no form that leaves its tensor as it is")
        dtype = self.program.metas[base].dtype
        others = [ref for step in steps for ref in step.refs() if ref in self.program.metas]
        if op.name != "copy_" and any(self.program.metas[ref].dtype != dtype for ref in others[1:]):
            wide = self.named(base)
            steps[-1].results = [wide]
            steps.append(dataclasses.replace(op, target="aten.to.dtype", arguments=[wide, Dtype(dtype)], keywords={}))
            steps[-1].results = [result]
        self.ops += steps
        self.write(base, result)
        self.views[made] = (base, Op("aten.alias.default", [base], {}, [made]), 0)
        self.names[made], self.seen[made] = result, self.version[self.root(base)]

    def drawn(self, op: Op, arguments: list[Any], keywords: dict[str, Any], result: Ref, base: Ref) -> list[Op]:
        """Numbers by chance, as they are drawn from a seed for a tensor that is not there before."""
        target, defaults = DRAWN[op.name]
        first, second = (keywords.get(name, default) for name, default in defaults.items())
        first, second = [*arguments[1:], *[first, second][len(arguments) - 1 :]]
        if not {type(first), type(second)} <= {int, float} or "float" not in self.program.metas[base].dtype:
            raise _Fixed(f"{op.target} draws what no call without a tensor draws")
        factor = second - first if op.name == "uniform_" else second
        steps: list[Op] = []
        last = arguments[0]
        for name, rest in ((target, []), ("aten.mul.Tensor", [factor]), ("aten.add.Tensor", [first])):
            if (name, rest) not in (("aten.mul.Tensor", [1]), ("aten.add.Tensor", [0])):
                made = self.named(base)
                steps.append(dataclasses.replace(op, target=name, arguments=[last, *rest], keywords={}, results=[made]))
                last = made
        steps[-1].results = [result]
        return steps

    def filled(self, op: Op, old: Ref, value: Any, result: Ref, base: Ref) -> list[Op]:
        """What a tensor holds after all of it was set."""
        meta = self.program.metas[base]
        if not isinstance(value, Ref) or value not in self.program.metas:
            return [dataclasses.replace(op, target="aten.full_like.default", arguments=[old, value], results=[result])]
        steps = []
        if self.program.metas[value].dtype != meta.dtype:
            cast = self.named(value)
            self.program.metas[cast] = self.program.metas[value]._replace(dtype=meta.dtype)
            arguments = [value, Dtype(meta.dtype)]
            steps.append(
                dataclasses.replace(op, target="aten.to.dtype", arguments=arguments, keywords={}, results=[cast])
            )
            value = cast
        steps.append(
            dataclasses.replace(
                op, target="aten.expand_as.default", arguments=[value, old], keywords={}, results=[result]
            )
        )
        return steps

    def check_writable(self, op: Op, base: Ref) -> None:
        """Refuse to follow a change through a view that cannot be written back."""
        while base in self.views:
            outer, view, _ = self.views[base]
            if view.name in ("expand", "expand_as", "unfold", "as_strided", "view_as_real"):
                raise _Fixed(f"{op.target} changes what {view.target} shows")
            base = outer

    def write(self, ref: Ref, new: Ref) -> None:
        """Say that a value is now ``new``, and so what it is a view of."""
        if ref in self.views:
            base, view, index = self.views[ref]
            self.write(base, self.inverse(view, index, base, ref, new))
        else:
            self.version[ref] = self.version.get(ref, 0) + 1
            self.mention(ref)
        self.names[ref] = new
        self.seen[ref] = self.version[self.root(ref)]

    def mention(self, root: Ref) -> None:
        """Note a change that would outlast the run."""
        kept = self.program.slots.get(root)
        if kept is None and all(root != name for name, _ in self.program.inputs):
            return
        what = f"its input {shortened(root)}" if kept is None else shortened(kept)
        note = f"the file changes {what} in each run, which is left out"
        if not (kept or "").endswith("num_batches_tracked") and note not in self.program.notes:
            self.program.notes.append(note)

    def inverse(self, view: Op, index: int, base: Ref, ref: Ref, new: Ref) -> Ref:
        """What the tensor under a view holds after the view became ``new``."""
        name, metas = view.name, self.program.metas
        rank = len(metas[base].sizes)
        if name in SAME:
            return new
        old = self.now(base)
        arguments: list[Any]
        if name in ("select", "unbind"):
            dim = view.argument(1, "dim", 0)
            at = view.argument(2, "index") if name == "select" else index
            target, arguments = "select_scatter.default", [old, new, dim, at]
        elif name == "slice" and whole_slice(view):
            return new
        elif name == "slice" and (pieces := self.around(view, old, new, base)):
            target, arguments = "cat.default", [pieces, view.argument(1, "dim", 0)]
        elif name == "slice":
            target, arguments = "slice_scatter.default", [old, new, *view.arguments[1:]]
        elif name in ("split", "split_with_sizes", "chunk"):
            dim = view.argument(2, "dim", 0)
            starts = [metas[r].sizes[dim].number if r else None for r in view.results[: index + 1]]
            if None in starts:
                raise _Fixed(f"what {view.target} gives is not known")
            known = [start for start in starts if start is not None]
            target = "slice_scatter.default"
            arguments = [old, new, dim, sum(known[:-1]), sum(known), 1]
        elif name in ("unsqueeze", "squeeze"):
            if name == "squeeze" and len(metas[ref].sizes) == rank:
                return new
            if name == "squeeze" and not (isinstance(view.argument(1, "dim"), int)):
                return self.reshaped(view, new, base)
            target = "squeeze.dim" if name == "unsqueeze" else "unsqueeze.default"
            arguments = [new, view.argument(1, "dim")]
        elif name in ("transpose", "t", "swapaxes", "swapdims"):
            dims = [0, 1] if name == "t" else [view.arguments[1], view.arguments[2]]
            if rank < 2:
                return new
            target, arguments = "transpose.int", [new, *dims]
        elif name == "permute":
            dims = [dim % rank for dim in view.arguments[1]]
            target, arguments = "permute.default", [new, [dims.index(n) for n in range(rank)]]
        elif name == "diagonal":
            target, arguments = "diagonal_scatter.default", [old, new, *view.arguments[1:]]
        elif name in ("view", "reshape", "flatten", "unflatten") and view.target != "aten.view.dtype":
            return self.reshaped(view, new, base)
        else:
            raise _Fixed(f"what is written to {view.target} cannot be followed")
        made = self.named(base)
        self.ops.append(dataclasses.replace(view, target=f"aten.{target}", arguments=arguments, keywords={}))
        self.ops[-1].results, self.ops[-1].listed = [made], False
        return made

    def around(self, view: Op, old: Ref, new: Ref, base: Ref) -> list[Ref]:
        """A complex tensor as what lies before, in and after a slice: torch has no gradient of writing to one."""
        meta = self.program.metas[base]
        dim = view.argument(1, "dim", 0)
        start, stop, step = (view.argument(n, name) for n, name in ((2, "start"), (3, "end"), (4, "step")))
        size, start = meta.sizes[dim], start or 0
        plain = type(start) is int and (stop is None or type(stop) is int) and step in (None, 1) and not size.text
        if not meta.dtype.startswith("complex") or not plain:
            return []
        at = range(size.number)[slice(start, stop)]
        pieces: list[Ref] = []
        for first, last in ((0, at.start), (at.stop, size.number)):
            if first < last:
                made = self.named(base)
                arguments = [old, dim, first, last, 1]
                self.ops.append(dataclasses.replace(view, arguments=arguments, keywords={}, results=[made]))
                pieces.append(made)
        pieces.insert(int(at.start > 0), new)
        return pieces

    def reshaped(self, view: Op, new: Ref, base: Ref) -> Ref:
        """The same numbers with the sizes of ``base``."""
        sizes: list[Any] = []
        for dim, size in enumerate(self.program.metas[base].sizes):
            if size.text:
                number = Ref(f"{base}_size_{dim}_{self.fresh}")
                self.program.numbers[number] = size
                self.ops.append(Op("aten.sym_size.int", [self.now(base), dim], {}, [number], False, view.place))
                sizes.append(number)
            else:
                sizes.append(size.number)
        made = self.named(base)
        self.ops.append(Op("aten.reshape.default", [new, sizes], {}, [made], False, view.place, view.kind))
        return made
