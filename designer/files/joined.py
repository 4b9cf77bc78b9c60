"""Recognise the calls that a function of torch is made of, and write them as one.

They are told by what they compute of what, in one module; where anything is different, they stay as they are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from designer.files.clean import drop_dead
from designer.files.program import Op, Program, Ref

# A call as its name and what its arguments are: further calls, numbers, or the names of what is found there. The part
# of a tensor that was cut along its rows is ("part", n, how many, of what); what is called "=" keeps its value's name.
Pattern = Any
Found = dict[str, Any]


class Function(NamedTuple):
    """A function, told from the last of its calls."""

    pattern: Pattern
    target: str  # of the call that stands for it
    arguments: Callable[[Found, Program], list[Any] | None]  # of that call; None where the numbers do not agree
    results: tuple[str, ...] = ()  # what it gives, by name; else what the last call gives
    kind: str = ""  # the class around it, where the calls alone do not tell


def join_functions(program: Program) -> None:
    """Write each function that is recognised as one call."""
    seen = _Calls(program)
    made: dict[Ref, Op] = {}  # by the result that it stands at
    gone: set[Ref] = set()
    for op in program.ops:
        for function in FUNCTIONS.get(op.name, ()):
            if op.kind.endswith(function.kind) and (joined := seen.joined(op, function)) is not None:
                first = min((ref for ref in joined.results if ref is not None), key=seen.order.__getitem__)
                made[first] = joined
                gone.update(ref for ref in joined.results if ref is not None)
                break
    if not made:
        return
    ops = []
    for op in program.ops:
        result = op.results[0] if op.results else None
        if result in made:
            ops.append(made[result])
        elif result not in gone:
            ops.append(op)
    program.ops = ops
    drop_dead(program)


class _Calls:
    """Who makes and who takes each value."""

    def __init__(self, program: Program):
        self.program = program
        self.makers = {ref: op for op in program.ops for ref in op.results if ref is not None}
        self.order = {ref: n for n, op in enumerate(program.ops) for ref in op.results if ref is not None}
        self.takers: dict[Ref, list[Op]] = {}
        for op in program.ops:
            for ref in op.refs():
                self.takers.setdefault(ref, []).append(op)
        self.given = {value for _, value in program.outputs if isinstance(value, Ref)}

    def joined(self, last: Op, function: Function) -> Op | None:
        """The call of a function that ends in ``last``; None where it does not."""
        found: Found = {}
        inner: dict[int, Op] = {}
        if len(last.results) != 1 or not self.fits(last.results[0], function.pattern, last, found, inner):
            return None
        results = [found[name] for name in function.results] or [last.results[0]]
        for op in inner.values():
            for ref in op.results:
                if ref is not None and ref not in results and not self.stays(ref, inner):
                    return None
        arguments = function.arguments(found, self.program)
        if arguments is None:
            return None
        return Op(function.target, arguments, {}, results, False, last.place, last.kind)

    def stays(self, ref: Ref, inner: dict[int, Op]) -> bool:
        """Whether nothing else takes a value."""
        return ref not in self.given and all(id(op) in inner for op in self.takers.get(ref, ()))

    def fits(self, value: Any, pattern: Pattern, last: Op, found: Found, inner: dict[int, Op]) -> bool:
        """Whether a value is what a pattern says; notes what is found, and the calls that make it."""
        if isinstance(pattern, str):
            return bool(found.setdefault(pattern, value) == value)
        if not isinstance(pattern, tuple):
            return type(value) in (int, float) and bool(value == pattern)
        if pattern[0] == "=":
            return bool(found.setdefault(pattern[1], value) == value) and self.fits(
                value, pattern[2], last, found, inner
            )
        op = self.makers.get(value) if isinstance(value, Ref) else None
        if op is None or op.place != last.place or op.kind != last.kind or op.keywords:
            return False
        inner[id(op)] = op
        if pattern[0] == "part":
            _, n, count, whole = pattern
            return (
                op.name in ("chunk", "unsafe_chunk")
                and op.arguments[1:] == [count, 1]
                and len(op.results) == count
                and op.results[n] == value
                and self.fits(op.arguments[0], whole, last, found, inner)
            )
        arguments = [*op.arguments, None][:3] if op.name == "linear" else op.arguments  # its bias may be left out
        return (
            op.name == pattern[0]
            and len(arguments) == len(pattern) - 1
            and all(self.fits(*pair, last, found, inner) for pair in zip(arguments, pattern[1:]))
        )


def _named(*names: str) -> Callable[[Found, Program], list[Any] | None]:
    return lambda found, program: [found[name] for name in names]


FUNCTIONS: dict[str, tuple[Function, ...]] = {
    "div": (Function(("div", "x", ("add", ("abs", "x"), 1)), "layer.softsign", _named("x")),),
    "softmax": (Function(("softmax", ("neg", "x"), "dim"), "layer.softmin", _named("x", "dim"), kind=".Softmin"),),
    "sub": (Function(("sub", "x", ("tanh", "x")), "layer.tanhshrink", _named("x")),),
}
