"""The layers that the model itself knows: ends of a network, a free learnable, a group, a second use."""

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from designer.model.errors import NetworkError
from designer.model.layer import Layer, Shape
from designer.model.names import is_name, shortened
from designer.model.places import Returned, arranged, parse_place, write_place
from designer.model.properties import prop

if TYPE_CHECKING:
    from designer.model.network import Network

BUNDLE = "learnables"  # the port of a layer or group that a Call is wired to
DEPTH = 64  # of groups in groups
MOST_SIZES = 64  # of a tensor
DTYPES: tuple[str, ...] = (
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128"),
    *("int64", "int32", "int16", "int8", "uint8", "bool"),
)


def check_shape(shape: Shape) -> None:
    """Refuse more sizes than torch takes, and a name that could not stand in the written source."""
    if len(shape) > MOST_SIZES:
        raise NetworkError(f"A shape has at most {MOST_SIZES} sizes, as in torch, not {len(shape):,}.")
    for size in shape:
        if isinstance(size, str) and not is_name(size):
            raise NetworkError(f"{shortened(size)} cannot name a size.")


class Input(Layer, category="In and out", search="source data tokens image sequence features"):
    """Take data into the network, or into a group.

    Inside a group it has no shape of its own: what is wired to the group's port comes out of it.
    """

    shape: Shape = prop((), "Sizes of the data; a name is a size known only at run time.")
    dtype: str = prop("float32", "Type of its elements.", choices=DTYPES)

    def __post_init__(self) -> None:
        if isinstance(self.shape, int | str):
            raise NetworkError(f"The shape of an Input must be a list of sizes, not {shortened(self.shape)}.")
        super().__post_init__()
        check_shape(self.shape)

    def inputs(self) -> tuple[str, ...]:
        return ()

    def summary(self, *shapes: Any) -> str:
        return self.dtype

    @property
    def computes(self) -> bool:
        return False


class Output(Layer, category="In and out", search="result sink return"):
    """Give a result of the network, or of a group, a name.

    Its place says how ``forward`` of the network gives it back: ``["logits"]`` in a dict, ``[0]`` in a list, ``(0)``
    in a tuple, ``["past"](0)`` in a tuple within a dict; ``(0/2)`` is the first of two. Inside a group it says nothing.
    """

    place: str = prop("", 'Where it stands in what forward gives back: ["logits"], [0], (0), ["past"](0).')

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.place:
            self.__dict__["place"] = write_place(parse_place(self.place))

    def outputs(self) -> tuple[str, ...]:
        return ()

    @property
    def computes(self) -> bool:
        return False


def returned(network: "Network") -> Returned:
    """What forward of a network gives back: the names of its outputs, in dicts, lists and tuples."""
    ends = {name: network.layers[name] for name in network.outputs}
    return arranged({name: layer.place if isinstance(layer, Output) else "" for name, layer in ends.items()})


class Parameter(Layer, category="In and out", search="free learnable weight array"):
    """Hold a learnable that belongs to no other layer (torch.nn.Parameter)."""

    shape: tuple[int, ...] = prop((1,), "Sizes of the learnable.")
    init: str = prop("zeros", "Function of torch that fills it.", choices=("zeros", "ones", "randn", "rand"))

    def __post_init__(self) -> None:
        self.__dict__["output_learnables"] = ("value",)
        super().__post_init__()
        if self.input_learnables:
            raise NetworkError("A Parameter holds its value and cannot take it from a wire.")

    def learnables(self) -> tuple[str, ...]:
        return ("value",)

    def inputs(self) -> tuple[str, ...]:
        return ()

    def outputs(self) -> tuple[str, ...]:
        return ()

    def module(self) -> str:
        return f"nn.Parameter(torch.{self.init}({', '.join(map(str, self.shape)) or '()'}))"

    def key(self, path: str, learnable: str) -> str:
        return path

    def summary(self, *shapes: Any) -> str:
        return "x".join(map(str, self.shape)) or "one number"


class Group(Layer, category="In and out", search="block subgraph nested"):
    """Hold a network of layers; its data ports are its Input and Output layers."""

    network: "Network" = prop(None, "The layers inside.")

    def __init_subclass__(cls, **options: Any) -> None:
        raise TypeError("A group is told by what it holds, not by its class.")

    def __post_init__(self) -> None:
        from designer.model.network import Network

        if self.network is None:
            self.__dict__["network"] = Network()
        if not isinstance(self.network, Network):
            raise NetworkError(f"A Group holds a Network, not {shortened(self.network)}.")
        if self.network.values or self.network.aliases or self.network.file_names:
            raise NetworkError("The network inside a Group holds no values: they are kept at the root.")
        if self.network.depth >= DEPTH:
            raise NetworkError(f"Groups cannot stand in groups more than {DEPTH} deep.")
        super().__post_init__()

    def __hash__(self) -> int:
        if "_hash" not in self.__dict__:
            net = self.network
            self.__dict__["_hash"] = hash((tuple(net.layers.items()), frozenset(net.connections.items())))
        return self.__dict__["_hash"]  # type: ignore[no-any-return]

    def inputs(self) -> tuple[str, ...]:
        return self.network.inputs

    def outputs(self) -> tuple[str, ...]:
        return self.network.ends

    @cached_property
    def held(self) -> int:
        """How many layers it holds, those in groups as well; groups themselves and the ends of each are left out."""
        inside = self.network.layers.values()
        return sum(la.held if isinstance(la, Group) else not isinstance(la, Input | Output) for la in inside)

    def summary(self, *shapes: Any) -> str:
        return f"{self.held:,} layer{'s' if self.held != 1 else ''}"

    @property
    def computes(self) -> bool:
        return False

    @cached_property
    def body(self) -> str:
        """A digest of what is inside: the same for groups with the same layers, settings and wires.

        Positions, notes and the order of the layers do not count; that of the ports does. Without layers it is empty.
        """
        net = self.network
        if all(isinstance(layer, Input | Output) for layer in net.layers.values()):
            return ""
        texts = ((name, la.body if isinstance(la, Group) else la.settings) for name, la in net.layers.items())
        layers = sorted(f"{name}: {text}" for name, text in texts)
        wires = sorted(f"{t.layer}/{t.name} {s.layer}/{s.name}" for t, s in net.connections.items())
        text = "\n".join((str(net.inputs), str(net.ends), *layers, "", *wires))
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


class Call(Layer, category="In and out", search="share reuse again siamese"):
    """Use another layer or group of the same network once more; a wire from its ``learnables`` says which."""

    def summary(self, *shapes: Any) -> str:
        return ""

    @property
    def computes(self) -> bool:
        return False
