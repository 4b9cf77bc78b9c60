"""Any operation of ATen that has no layer type of its own."""

import re
from typing import Any

from designer.layers.familiar import familiar
from designer.layers.operations import DROPPED, Signature, signature
from designer.layers.text import literal
from designer.model import Layer, NetworkError, prop
from designer.model.names import shortened

DTYPES = frozenset(
    """float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128""".split()
)
OPERATORS = ("+", "-", "*", "//", "/", "**")
MANY = 10_000  # entries of the arguments, and of the results
MOST_POWER = 16  # of whole numbers, which grow without end


class Operation(Layer, category="Shape and maths", search="aten function any primitive custom"):
    """Run an operation of torch's own library, ATen, that has no layer of its own.

    In its arguments a tuple is a list, and a tuple that begins with a text is a reference: ``("port", name)`` is
    the tensor on a port, ``("size", name, dim)`` one of its sizes, ``("+", a, b)`` (also -, *, //, /, **) a number made
    of sizes, ``("dtype", "float32")`` a type of numbers and ``("list", a, b)`` a list of tensors.
    """

    fake = True  # whatever it is written as

    operation: str = prop("cumsum", "Its name, with the overload where it has several: add.Tensor.")
    ports: tuple[str, ...] = prop(("in",), "Names of the ports for the tensors that it takes.")
    arguments: tuple = prop((("port", "in"), -1), "What it is given, in order.")  # type: ignore[type-arg]
    keywords: tuple = prop((), "What it is given by name: pairs of a name and a value.")  # type: ignore[type-arg]
    results: int | tuple[str, ...] = prop(1, "How many tensors it gives, or their names.", maximum=MANY)

    def __post_init__(self):
        super().__post_init__()
        if not (self.operation.isprintable() and self.operation.isascii() and 0 < len(self.operation) <= 200):
            raise NetworkError(f"{shortened(self.operation)} is not the name of an operation.")
        self.__dict__["operation"] = self.operation.removesuffix(".default")
        _check_names(self.ports, "input")
        _check_names(self.outputs(), "output")
        left = _check_values((*self.arguments, *(value for _, value in self._pairs())), self.ports, MANY)
        assert left >= 0

    def _pairs(self):
        for pair in self.keywords:
            if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)):
                raise NetworkError("The keywords of an Operation are pairs of a name and a value.")
        if len({name for name, _ in self.keywords}) < len(self.keywords):
            raise NetworkError("An Operation is given the same keyword twice.")
        return self.keywords

    def inputs(self):
        return self.ports

    def outputs(self):
        if isinstance(self.results, int):
            return tuple(f"out{n or ''}" for n in range(self.results))
        return self.results

    def call(self, m, *inputs, beside=""):
        """What it makes without a tensor to follow goes where ``beside`` is, else where the module is."""
        device = f"{beside}.device" if beside else f"next({m}.parameters(), torch.empty(0)).device"
        return self._written(device, inputs)

    def probe(self, m, *inputs):
        if self.operation == "_grouped_mm":  # torch tells its sizes for bfloat16 only
            tensors = dict(zip(self.ports, inputs))
            given = [_source(value, tensors) for value in self.arguments]
            return f"({given[0]} @ {given[1]}[0])"
        return self._written("", inputs)

    def _written(self, device: str, inputs: tuple[str, ...]) -> str:
        """The call; what it makes without a tensor to follow goes where the first tensor is, else to a device."""
        known = signature(self.operation)
        assert known
        assert self.check() is None
        tensors = dict(zip(self.ports, inputs))
        given = [_source(value, tensors) for value in self.arguments]
        given += [f"{name}={_source(value, tensors)}" for name, value in self.keywords]
        if known.placed and (inputs or device):
            given.append(f"device={inputs[0]}.device" if inputs else f"device={device}")
        names = [argument.name for argument in known.arguments]
        if (form := familiar(self.operation, names, self.arguments, given, bool(self.keywords))) is not None:
            return form
        name = self.operation if "." in self.operation else f"{self.operation}.default"
        return f"torch.ops.aten.{name}({', '.join(given)})"

    def unpack(self):
        known = signature(self.operation)
        listed = ", ".join(f"{{{name}}}" for name in self.outputs())
        return f"({listed},)" if known and known.lists and len(self.outputs()) == 1 else listed

    def summary(self, *shapes):
        return self.operation

    def check(self, *shapes):
        known = signature(self.operation)
        if known is None:
            return f"{self.operation!r} is not an operation that may be run."
        names = [argument.name for argument in known.arguments if not argument.keyword]
        if len(self.arguments) > len(names):
            return f"{self.operation} takes {len(names)} arguments by position, not {len(self.arguments)}."
        given = dict(zip(names, self.arguments))
        if twice := [name for name, _ in self.keywords if name in given]:
            return f"{self.operation} is given {twice[0]} twice."
        given |= dict(self.keywords)
        wrong = _misfit(self.operation, known, given) or _miscount(self, known)
        if wrong or not shapes:
            return wrong
        if self.operation == "_grouped_mm":
            return _ungrouped(given, dict(zip(self.ports, shapes)))
        return _unequal(self.operation, given, dict(zip(self.ports, shapes))) if "params" in given else None


def _misfit(operation: str, known: Signature, given: dict[str, Any]) -> str | None:
    """What is wrong with the values of an operation's arguments."""
    kinds = {argument.name: argument.kind for argument in known.arguments}
    for name, value in given.items():
        if name not in kinds or kinds[name].rstrip("?") in DROPPED:
            return f"{operation} cannot be given {name!r}."
        if not _fits(kinds[name], value):
            return f"{operation} takes {kinds[name]} as its {name}, not {shortened(value)}."
    for argument in known.arguments:
        if argument.required and argument.name not in given:
            return f"{operation} needs its {argument.name}."
    left = {argument.name: argument.default for argument in known.arguments if argument.name not in given}
    if known.harmless and not any(
        given[name] == value if name in given else left.get(name) == str(value) for name, value in known.harmless
    ):
        needs = " or ".join(f"{name}={value}" for name, value in known.harmless)
        return f"{operation} may be run with {needs} only: otherwise it has effects of its own."
    return None


def _miscount(layer: Operation, known: Signature) -> str | None:
    if known.lists or len(layer.outputs()) == len(known.results):
        return None
    return f"{layer.operation} gives {len(known.results)} tensors, not {len(layer.outputs())}."


def _unequal(operation: str, given: dict[str, Any], shapes: dict[str, Any]) -> str | None:
    """What is wrong with the sizes that a recurrent operation gets: torch would read beyond the end of its weights."""
    x = shapes[given["input"][1]]
    states = [shapes[port] for _, port in (given["hx"][1:] if given["hx"][0] == "list" else (given["hx"],))]
    weights = [shapes[entry[1]] for entry in given["params"][1:] if entry]
    if len(x) != 3 or len(states) != 1 + (operation == "lstm.input") or any(len(state) != 3 for state in states):
        return f"{operation} needs 3 sizes (B, T, C) and as many for each state."
    out, hidden = states[0][2], states[-1][2]
    gates = {"lstm.input": 4, "gru.input": 3}.get(operation, 1) * hidden
    ways, layers = 1 + given["bidirectional"], given["num_layers"]
    if not isinstance(layers, int) or not 1 <= layers <= len(weights):
        return f"{operation} gets {len(weights)} weights for {shortened(layers)} layers."
    wanted: list[tuple[Any, ...]] = []
    for n in range(layers):
        for _ in range(ways):
            wanted += [(gates, x[2] if n == 0 else ways * out), (gates, out)]
            wanted += [(gates,), (gates,)] * given["has_biases"] + [(out, hidden)] * (out != hidden)
    batch = x[0 if given["batch_first"] else 1]
    if weights != wanted or any(state[:2] != (ways * layers, batch) for state in states):
        return f"{operation} gets states {states} and weights {weights}, which do not fit together."
    return None


def _ungrouped(given: dict[str, Any], shapes: dict[str, Any]) -> str | None:
    """What is wrong with the sizes of rows, matrices, and where the rows of each matrix end."""
    parts = [given.get(name) for name in ("self", "mat2", "offs")]
    sizes: list[tuple[Any, ...]] = [shapes[p[1]] if isinstance(p, tuple) and p[0] == "port" else () for p in parts]
    x, matrices, ends = sizes
    if len(x) != 2 or len(matrices) != 3 or len(ends) != 1 or x[1] != matrices[1] or ends[0] != matrices[0]:
        return f"_grouped_mm needs sizes such as (N, C), (G, C, D) and (G,), not {x}, {matrices} and {ends}."
    return None


def _fits(kind: str, value: Any) -> bool:
    """Whether a value is what the schema calls an argument's kind."""
    if kind.endswith("?"):
        return value is None or _fits(kind[:-1], value)
    if kind.endswith("]"):
        entry, _, count = kind[:-1].rpartition("[")
        if count and not isinstance(value, tuple):
            return _fits(entry, value)  # one number for all
        if not isinstance(value, tuple) or (value and isinstance(value[0], str) and value[0] != "list"):
            return False
        return all(_fits(entry, item) for item in (value[1:] if value[:1] == ("list",) else value))
    tag = value[0] if isinstance(value, tuple) and value else None
    number = _counts(value) and isinstance(value, tuple)
    match kind:
        case "Tensor":
            return tag == "port" or number or isinstance(value, bool | int | float)
        case "ScalarType":
            return tag == "dtype"
        case "int":
            return _counts(value) and _whole(value)
        case "float":
            return number or (isinstance(value, int | float) and not isinstance(value, bool))
        case "Scalar":
            return number or isinstance(value, bool | int | float)
        case "bool":
            return isinstance(value, bool)
        case "str":
            return isinstance(value, str)
    return False


def _source(value: Any, tensors: dict[str, str]) -> str:
    """An argument as source text."""
    match value:
        case ("port", name):
            return tensors[name]
        case ("size", name, dim):
            return f"{tensors[name]}.shape[{dim}]"
        case ("dtype", name):
            return f"torch.{name}"
        case ("+" | "-" | "*" | "//" | "/" | "**" as operator, a, b):
            return f"({_source(a, tensors)} {operator} {_source(b, tensors)})"
        case ("list", *entries):
            return f"[{', '.join(_source(entry, tensors) for entry in entries)}]"
        case tuple():
            return f"[{', '.join(_source(entry, tensors) for entry in value)}]"
    return literal(value)


def _check_names(names: tuple[str, ...], what: str) -> None:
    for name in names:
        if not re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,99}", name):
            raise NetworkError(f"{shortened(name)} cannot be the name of an {what}.")
    if len(set(names)) < len(names):
        raise NetworkError(f"An Operation has two {what}s of the same name.")


def _check_values(values: tuple[Any, ...], ports: tuple[str, ...], left: int) -> int:
    """Refuse what could not be written as source; how many entries are left of those that are allowed."""
    for value in values:
        left -= 1
        if left < 0:
            raise NetworkError(f"An Operation has more than {MANY} arguments.")
        match value:
            case None | bool() | float():
                pass
            case int():
                if not -(2**63) <= value < 2**63:
                    raise NetworkError(f"A number of {value.bit_length()} bits is too large for an Operation.")
            case str():
                if not re.fullmatch(r"[A-Za-z0-9_ ,.>-]{0,200}", value):
                    raise NetworkError(f"{shortened(value)} is not a text that an operation understands.")
            case ("port", str(name)) if name in ports:
                pass
            case ("size", str(name), int(dim)) if name in ports and -64 <= dim < 64:
                pass
            case ("dtype", str(name)) if name in DTYPES:
                pass
            case ("**", a, int() | float() as power) if _counts(a):
                if not -MOST_POWER <= power <= MOST_POWER or _raised(a):
                    raise NetworkError(f"An Operation raises no number to the power {power} here: it could grow large.")
                left = _check_values((a, power), ports, left)
            case ("+" | "-" | "*" | "//" | "/", a, b) if _counts(a) and _counts(b):
                left = _check_values((a, b), ports, left)
            case ("list", *entries) if all(_tensor(entry) for entry in entries):
                left = _check_values(tuple(entries), ports, left)
            case (str(), *_):
                raise NetworkError(f"An Operation has no port, size or sign as {shortened(value[0])} asks for.")
            case _:
                left = _check_values(value, ports, left)
    return left


def _counts(value: Any) -> bool:
    """Whether a value is a number, perhaps made of sizes."""
    if isinstance(value, tuple):
        return value[:1] in (("size",), *((operator,) for operator in OPERATORS))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _raised(value: Any) -> bool:
    """Whether a number is made of a power."""
    return isinstance(value, tuple) and (value[0] == "**" or any(map(_raised, value[1:])))


def _whole(value: Any) -> bool:
    """Whether a number is a whole one, whatever the sizes are that it is made of."""
    if isinstance(value, tuple) and value[0] in OPERATORS:
        return value[0] not in ("/", "**") and all(map(_whole, value[1:]))
    return not isinstance(value, float)


def _tensor(value: Any) -> bool:
    return value is None or (isinstance(value, tuple) and value[:1] == ("port",))
