"""Recognise the calls that a function of torch is made of, and write them as one.

They are told by what they compute of what, in one module; where anything is different, they stay as they are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from designer.files.clean import drop_dead
from designer.files.program import Op, Program, Ref, Size
from designer.files.uses import Uses

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


class _Calls(Uses):
    """The calls, and their order."""

    def __init__(self, program: Program):
        super().__init__(program)
        self.order = {ref: n for n, op in enumerate(program.ops) for ref in op.results if ref is not None}

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


def _of(*names: str) -> Callable[[Found, Program], list[Any] | None]:
    """A tensor x and numbers by name."""

    def arguments(found: Found, program: Program) -> list[Any] | None:
        numbers = [found[name] for name in names]
        plain = all(type(number) in (int, float) for number in numbers)
        return [found["x"], *numbers] if plain and found["x"] in program.metas else None

    return arguments


def _local_response_norm(found: Found, program: Program) -> list[Any] | None:
    """Its size, alpha, beta and k, where its windows lie over the channels alone."""
    sizes = [program.metas[found[name]].sizes for name in ("x", "spread", "mean") if found[name] in program.metas]
    if len(sizes) < 3 or not isinstance(found["window"], list) or not found["window"]:
        return None
    x, spread, mean = sizes
    dims, size = 2 if len(x) == 3 else 3, found["window"][0]
    if mean != x or not 3 <= len(x) <= 5 or type(size) is not int:
        return None
    found["size"] = size
    wanted = (x[0], Size(1), *(x[1:] if dims == 2 else x[1:3]))
    added = [*[0] * (2 * dims - 2), size // 2, (size - 1) // 2]
    windows = (found["window"], found["step"], found["pad"]) == ([size, *[1] * (dims - 1)], [1] * dims, added)
    return _of("size", "alpha", "beta", "k")(found, program) if windows and spread[: len(wanted)] == wanted else None


def _normed(mean: Pattern) -> Function:
    """A local response normalisation, by the mean square of the channels near by."""
    power = ("pow", ("add", ("mul", ("=", "mean", mean), "alpha"), "k"), "beta")
    return Function(("div", "x", power), "layer.local_response_norm", _local_response_norm)


def _near(pool: str, spread: Pattern) -> Pattern:
    return ("squeeze", (pool, ("pad", ("=", "spread", spread), "pad"), "window", "step"), 1)


SQUARE = ("mul", "x", "x")
IMAGES = _near("avg_pool3d", ("view", SQUARE, "sizes"))


def _weighed(*states: str) -> Callable[[Found, Program], list[Any] | None]:
    """The data, the states and the learnables of a cell, which are stored."""

    def arguments(found: Found, program: Program) -> list[Any] | None:
        learnables = [found[name] for name in ("w_ih", "w_hh", "b_ih", "b_hh")]
        if any(ref is not None and ref not in program.slots for ref in learnables):
            return None
        held = [found[name] for name in states]
        return [found["x"], held if len(held) > 1 else held[0], *learnables]

    return arguments


def _cells() -> dict[str, Function]:
    """The recurrent cells as a trace has them, by the last of their calls."""
    given, kept = ("linear", "x", "w_ih", "b_ih"), ("linear", "h", "w_hh", "b_hh")
    gates = ("add", kept, given)
    enter, forget, fresh, show = (
        (name, ("part", n, 4, gates)) for n, name in enumerate(("sigmoid", "sigmoid", "tanh", "sigmoid"))
    )
    cell = ("add", ("mul", forget, "c"), ("mul", enter, fresh))
    reset, update = (("sigmoid", ("add", ("part", n, 3, kept), ("part", n, 3, given))) for n in (0, 1))
    new = ("=", "new", ("tanh", ("add", ("part", 2, 3, given), ("mul", ("part", 2, 3, kept), reset))))
    state = ("add", ("mul", ("sub", "h", new), update), new)
    return {
        "mul": Function(
            ("=", "h_now", ("mul", show, ("tanh", ("=", "c_now", cell)))),
            "aten.lstm_cell.default",
            _weighed("h", "c"),
            ("h_now", "c_now"),
            ".LSTMCell",
        ),
        "add": Function(state, "aten.gru_cell.default", _weighed("h"), kind=".GRUCell"),
        "tanh": Function(("tanh", gates), "aten.rnn_tanh_cell.default", _weighed("h"), kind=".RNNCell"),
        "relu": Function(("relu", gates), "aten.rnn_relu_cell.default", _weighed("h"), kind=".RNNCell"),
    }


FUNCTIONS: dict[str, tuple[Function, ...]] = {
    "div": (
        Function(("div", "x", ("add", ("abs", "x"), 1)), "layer.softsign", _of()),
        _normed(_near("avg_pool2d", ("unsqueeze", SQUARE, 1))),
        _normed(IMAGES),
        _normed(("view", IMAGES, "again")),
    ),
    "softmax": (Function(("softmax", ("neg", "x"), "dim"), "layer.softmin", _of("dim"), kind=".Softmin"),),
    "sub": (Function(("sub", "x", ("tanh", "x")), "layer.tanhshrink", _of()),),
    **{name: (cell,) for name, cell in _cells().items()},
}
