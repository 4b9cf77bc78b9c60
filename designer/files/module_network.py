"""Networks of modules that torch.save wrote: wired where torch.nn says how, else a tree of their parts."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from designer.edits.arrange import arrange
from designer.files.false_ties import buffers_apart, kept_apart, kept_as_buffers, on_one_memory
from designer.files.modules import Modules, Part
from designer.files.naming import counted, is_number, legal_name
from designer.files.nn_layers import NoLayer, layer_of
from designer.files.report import Note
from designer.layers import GRU, LSTM, RNN, Constant, Embedding
from designer.model import BUNDLE, Call, Group, Input, Layer, Network, NetworkError, Output, Parameter, Port
from designer.model.names import join, parent, shortened

Shape = tuple[int | str, ...]


@dataclasses.dataclass(eq=False)
class Built:
    """A network of a module, and what its names are in the file."""

    network: Network = dataclasses.field(default_factory=Network)  # without values
    wired: bool = False
    keys: dict[str, str] = dataclasses.field(default_factory=dict)  # state_dict key -> name in the file
    aliases: dict[str, str] = dataclasses.field(default_factory=dict)  # other name in the file -> key
    ties: dict[str, str] = dataclasses.field(default_factory=dict)  # tied name -> key of its owner
    borrowed: dict[str, str] = dataclasses.field(default_factory=dict)  # tied name -> key of its borrower
    notes: list[Note] = dataclasses.field(default_factory=list)

    @property
    def file_names(self) -> dict[str, str]:
        """Every name in the file, with the key of who owns or borrows its tensor."""
        return {**self.ties, **self.borrowed, **{name: key for key, name in self.keys.items()}}


def network_of(modules: Modules, shape: Shape | None = None) -> Built:
    """Make the network of a module; ``shape`` is that of its input, where it is known."""
    return _Builder(modules).built(shape)


def is_chain(part: Part) -> bool:
    """Whether torch.nn itself says how all parts are wired: a Sequential of layers with one input and one output."""
    if part.kind.endswith(".container.Sequential") and part.of_torch and not part.hooked:
        return bool(part.children) and all(map(is_chain, part.children.values()))
    try:
        layer = layer_of(part)
    except NoLayer:
        return False
    return len(layer.inputs()) == 1 and len(layer.outputs()) == 1 and not isinstance(layer, LSTM | GRU | RNN)


class _Builder:
    def __init__(self, modules: Modules):
        self.modules = modules
        self.done = Built()
        self.homes: dict[int, str] = {}  # part -> path of its first use
        self.kept: set[str] = set()  # names whose tensors have a key
        self.names: dict[int, str] = {}  # part -> its first name in the file
        self.again: list[tuple[Part, str]] = []  # a part, and another name of it in the file
        self.owners: dict[tuple[Any, ...], tuple[str, str]] = {}  # tensor -> path and slot that own it
        self.ports: dict[str, Port] = {}  # name in the file -> the learnable that has it
        self.takers: list[tuple[str, str, str, str]] = []  # path and slot that take, path and slot that own

    def built(self, shape: Shape | None) -> Built:
        root, done = self.modules.root, self.done
        done.wired = is_chain(root)
        whole = root if root.children and not self.leaf(root) else None
        children = whole.children if whole else {root.name.lower(): root}
        kept = {} if whole else self.unnamed(root)
        layers, calls = self.inside(children, "", "", whole)
        if done.wired:
            network = self.chained(layers, calls, Input(*_input(root, shape)))
        else:
            network = Network(layers=layers)  # a file may call a layer what a script may not, as BERT does its self
        network = dataclasses.replace(network, layers={**kept, **network.layers})
        for part, other in self.again:
            self.name_again(part, other)
        done.network = arrange(self.tied(network), rows=True)
        done.notes += kept_apart(self.modules.stored, self.ports)
        done.notes += on_one_memory(self.doubled(), done.network)
        done.notes += buffers_apart(done.keys, self.modules.stored)
        if untrained := [name for name in done.keys.values() if self.untrained(name)]:
            done.notes.append(Note(kept_as_buffers(untrained)))
        return done

    def untrained(self, name: str) -> bool:
        """Whether a name is that of a parameter of whole numbers."""
        entry = self.modules.stored[name]
        return entry.role == "parameter" and entry.whole

    def doubled(self) -> Iterator[tuple[str, str]]:
        """The names of Parameters that are another object than the first on the same memory, and of that."""
        stored, objects = self.modules.stored, self.modules.objects
        firsts: dict[tuple[Any, ...], str] = {}
        for name, entry in stored.items():
            if entry.role == "parameter" and entry.numel:
                owner = firsts.setdefault(entry.view, name)
                if objects[owner] != objects[name]:
                    yield name, owner

    def unnamed(self, root: Part) -> dict[str, Layer]:
        """The learnables of a layer that is the whole module: nothing stands before their names, so beside it do they.

        Not where it has buffers too, which only their own layer can use as torch does.
        """
        found: dict[str, Layer] = {}
        if (layer := self.leaf(root)) is not None and not any(root.buffers.values()):
            for slot in layer.learnables():
                if (key := _find(root, slot)) is not None and "." not in slot:
                    self.alone(found, "", slot, key)
        return found

    def leaf(self, part: Part) -> Layer | None:
        try:
            return layer_of(part)
        except NoLayer:
            return None

    def chained(self, layers: dict[str, Layer], calls: dict[str, str], first: Input) -> Network:
        """A network of one layer after the other."""
        name = counted("x", layers)
        ends = {} if first.shape else {counted("out", layers): Output()}
        network = Network(layers={name: first, **layers, **ends})
        for other in (*layers, *ends):
            if other in calls:
                network = network.connect(Port(calls[other], BUNDLE), Port(other, BUNDLE))
            network, name = network.connect(name, other), other
        return network

    def inside(
        self, children: dict[str, Part], path: str, there: str, whole: Part | None
    ) -> tuple[dict[str, Layer], dict[str, str]]:
        """The layers of the parts inside a module, ``there`` in the file, and of its own tensors; what calls what."""
        calls: dict[str, str] = {}
        found: dict[str, Layer] = {}
        numbered = any(map(is_number, children))
        slots = {**whole.parameters, **whole.buffers} if whole else {}
        for slot, key in slots.items():
            if key is not None:
                name = counted(legal_name(slot, numbered), [*found, *children])
                self.alone(found, path, name, key)
        for child, part in children.items():
            name = counted(legal_name(child, numbered), found)
            here = join(path, name)
            named = join(there, child) if whole else ""
            if (first := self.homes.get(id(part))) is not None:
                self.again.append((part, named))
                if self.done.wired and parent(first) == path and (part.parameters or part.buffers or part.children):
                    found[name] = Call()
                    calls[name] = first.rpartition(".")[2]
                    continue
            self.homes.setdefault(id(part), here)
            self.names.setdefault(id(part), named)
            found[name] = self.one(part, here, named)
        return found, calls

    def name_again(self, part: Part, other: str) -> None:
        """Note the other names of the tensors of a part that stands under several."""
        first = self.names[id(part)]
        keys = {name: key for key, name in self.done.keys.items()}
        for name in self.modules.stored:
            if name.startswith(f"{first}."):
                key = keys.get(name) or self.done.ties.get(name)
                if key is not None:
                    self.done.ties[other + name[len(first) :]] = key

    def one(self, part: Part, path: str, there: str) -> Layer:
        """The layer of a part: of torch.nn, or a group."""
        try:
            layer = layer_of(part)
        except NoLayer as reason:
            if part.of_torch and not part.children:
                self.done.notes.append(Note(f"{path} is shown as its tensors only: {reason}", (path,)))
            inner, calls = self.inside(part.children, path, there, part)
            if self.done.wired:
                return Group(self.chained(inner, calls, Input()))
            return Group(Network(layers=inner))
        frozen = []
        for slot in layer.learnables():
            if (key := _find(part, slot)) is None:
                continue
            entry = self.modules.stored[key]
            owner = self.owners.setdefault(entry.view, (path, slot)) if entry.numel else (path, slot)
            if owner == (path, slot):
                self.keep(layer.key(path, slot), key)
                self.ports[key] = Port(path, slot)
                if not entry.trains:
                    frozen.append(slot)
            else:
                self.takers.append((path, slot, *owner))
                if self.names[id(part)] == there and key != owner[0]:  # else it is the same part again, or unnamed
                    self.done.ties[key] = f"{owner[0]}.{owner[1]}"
                    self.done.borrowed[key] = layer.key(path, slot)
        for slot, key in part.buffers.items():
            if key is not None and slot not in part.volatile:
                self.keep(layer.key(path, slot), key)
        return dataclasses.replace(layer, frozen=tuple(frozen)) if frozen else layer

    def alone(self, found: dict[str, Layer], path: str, name: str, key: str) -> None:
        """A tensor that a module holds by itself."""
        entry, here = self.modules.stored[key], join(path, name)
        owner = self.owners.setdefault(entry.view, (here, "")) if entry.numel else (here, "")
        if owner != (here, ""):
            self.done.ties[key] = f"{owner[0]}.{owner[1]}".rstrip(".")
            return
        try:
            if entry.role == "parameter" and entry.numel and not entry.whole:
                found[name] = Parameter(entry.shape, frozen=() if entry.trains else ("value",))
                self.ports[key] = Port(here, "value")
            else:
                found[name] = Constant(entry.shape, entry.dtype, "full", (0,), persistent=entry.persistent)
        except NetworkError as error:
            self.done.notes.append(Note(f"{shortened(key)} is left out: {str(error).rstrip('.')}"))
            return
        self.keep(here, key)

    def keep(self, key: str, name: str) -> None:
        self.done.keys[key] = name
        if key != name and name not in self.kept:
            self.done.aliases[name] = key
        self.kept.add(name)

    def tied(self, network: Network) -> Network:
        """Wire what shares its tensor: owners offer it, borrowers take it."""
        for path, slot, owner, owned in self.takers:
            offering, taking = network.layer(owner), network.layer(path)
            if not owned or isinstance(offering, Parameter):
                owned = "value"
            else:
                network = network.set(owner, output_learnables=(*offering.output_learnables, owned))
            network = network.set(path, input_learnables=(*taking.input_learnables, slot))
            network = network.connect(Port(owner, owned), Port(path, slot))
        return network


def _find(part: Part, slot: str) -> str | None:
    """The name of the tensor of a learnable, which may belong to a part of the part."""
    *path, last = slot.split(".")
    for step in path:
        if (inner := part.children.get(step)) is None:
            return None
        part = inner
    return part.parameters.get(last)


# What goes in.

SPACES = {"1": ("T",), "2": ("H", "W"), "3": ("D", "H", "W")}


def _input(root: Part, shape: Shape | None) -> tuple[Shape, str]:
    """The shape and the type of the numbers that go into a chain, as far as its first layers tell them."""
    leaves = [*_leaves(root)]
    dtype = "int64" if leaves and isinstance(layer_of(leaves[0]), Embedding) else "float32"
    if shape is not None:
        return shape, dtype
    space: tuple[str, ...] = ()
    for part in leaves:
        found, name = part.settings, part.name
        if "Embedding" in name:
            return ("B", "T"), "int64"
        space = SPACES.get(name[-2:-1], ()) if name.endswith("d") and "Norm" not in name else space
        match found:
            case {"in_channels": int(channels)}:
                return ("B", channels, *SPACES[name[-2]]), dtype
            case {"num_features": int(channels)}:
                return (
                    "B",
                    channels,
                    *(SPACES.get(name[-2], ()) if name[-2] != "1" or "Instance" in name else space),
                ), dtype
            case {"in_features": int(size)}:
                return ("B", size), dtype
            case {"normalized_shape": [*sizes]}:
                return ("B", *sizes), dtype
            case {"num_channels": int(channels)}:
                return ("B", channels, *(space or ("T",))), dtype
    return ("B", "C", *space), dtype


def _leaves(part: Part) -> Iterator[Part]:
    if part.kind.endswith(".container.Sequential"):
        yield from itertools.chain.from_iterable(map(_leaves, part.children.values()))
    else:
        yield part
