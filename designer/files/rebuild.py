"""Rebuild a program as a network: layers in groups, learnables where the state_dict has them, ties as wires."""

import dataclasses
import re
from collections.abc import Callable, Iterable

from designer.files import boxes
from designer.files.boxes import Again, Box, Item, Path, Piece
from designer.files.constants import constant
from designer.files.program import Op, Program, Ref
from designer.files.steps import Calls, Step, operation
from designer.files.ties import Twins
from designer.layers import Constant, Operation
from designer.model import BUNDLE, Call, Group, Input, Layer, Network, Output, Parameter, Port
from designer.model.names import MODULE_DICT_NAMES, SOURCE_NAMES, common, is_name, join, parent, shortened
from designer.model.values import Tensor

Reader = Callable[[str], Tensor]
SMALL = 2**18  # numbers of a buffer that are read to tell how it is filled
Owner = tuple[Piece, str]  # the piece that stores a learnable, and the name of the learnable there


@dataclasses.dataclass
class Rebuilt:
    """A network without its values, and where they come from."""

    network: Network
    keys: dict[str, str]  # state_dict key of the network -> name in the file
    aliases: dict[str, str]  # other names in the file -> key
    unused: list[str]  # names in the file that no layer uses


def rebuild(
    program: Program, steps: list[Step], inputs: dict[Ref, tuple[str, Input]], read: Reader, grouped: bool = True
) -> Rebuilt:
    """Make the network; ``read`` gives a stored tensor by its name. Without groups everything stands at the root."""
    return _Rebuilder(program, steps, inputs, read, grouped).rebuilt()


class _Rebuilder:
    def __init__(
        self,
        program: Program,
        steps: list[Step],
        inputs: dict[Ref, tuple[str, Input]],
        read: Reader,
        grouped: bool,
    ):
        self.program, self.inputs, self.read = program, inputs, read
        self.twins = Twins(program)
        self.calls = Calls(program)
        self.roles = {ref: program.stored[key].role for ref, key in program.slots.items()}
        self.learnable = self.learnables(steps)
        self.owners: dict[str, Owner] = {}  # first name of a tensor -> who stores it
        self.steps = self.with_constants(steps)
        self.root = self.boxed(grouped)

    # Where everything stands.

    def learnables(self, steps: list[Step]) -> set[Ref]:
        """The values that follow from learnables alone, so that their wires may cross the borders of groups."""
        found = {ref for ref, role in self.roles.items() if role == "parameter"}
        for step in steps:
            if step.layer.computes and step.inputs and found.issuperset(step.inputs.values()):
                found.update(step.outputs.values())
        return found

    def with_constants(self, steps: list[Step]) -> list[Step]:
        """The steps, before the first that uses one a step for each tensor that training does not change."""
        constants: dict[Ref, Step] = {}
        found: list[Step] = []
        for step in steps:
            for ref in step.inputs.values():
                if ref in self.roles and self.roles[ref] != "parameter" and ref not in constants:
                    constants[ref] = self.constant(ref, step.op)
                    found.append(constants[ref])
            found.append(step)
        for _, value in self.program.outputs:
            if (
                isinstance(value, Ref)
                and value in self.roles
                and self.roles[value] != "parameter"
                and value not in constants
            ):
                constants[value] = self.constant(value, Op("", [], {}, []))
                found.append(constants[value])
        return found

    def constant(self, ref: Ref, user: Op) -> Step:
        key = self.program.slots[ref]
        stored = self.program.stored[key]
        name = key.rpartition(".")[2] if stored.role == "buffer" else "constant"
        op = Op("constant", [], {}, [ref], False, user.place, user.kind)
        layer, kept = Constant(stored.shape, stored.dtype, persistent=True), stored.persistent
        if kept and stored.numel <= SMALL:
            found, needed = constant(self.read(key))
            layer = layer if needed or found.fill == "numbers" else dataclasses.replace(found, persistent=True)
        if not kept:
            layer, kept = constant(self.read(key))
            if kept:
                self.program.notes.append(
                    f"{shortened(key)} holds many irregular numbers, so the state_dict has them too"
                )
        return Step(layer, op, {}, {"out": ref}, {}, {"value": ref} if kept else {"constant": ref}, name)

    def boxed(self, grouped: bool) -> Box:
        """Place the steps, until nothing stands where a group has to be."""
        forbidden: set[Path] = set()
        while True:
            placed = self.placed(forbidden) if grouped else [self.at_root(step) for step in self.steps]
            root = boxes.boxed(placed, self.learnable | set(self.roles))
            boxes.settle(root, self.learnable)
            while self.replace_buffers(root):
                boxes.settle(root, self.learnable)
            self.own(root)
            groups = self.groups(root)
            clash = {piece.own for piece in boxes.pieces(root) if piece.step.stateful and piece.own in groups} - {()}
            if not clash - forbidden:
                self.hold(root)
                return root
            forbidden |= clash

    def at_root(self, step: Step) -> tuple[Step, boxes.Chain, Path]:
        own = self.constant_path(step)
        return step, tuple((name, 0) for name in own[:-1]), own

    def placed(self, forbidden: set[Path]) -> list[tuple[Step, boxes.Chain, Path]]:
        """For each step the modules around it, and the path under which it owns, if any."""
        chains = [boxes.chain(step.place) for step in self.steps]
        counts: dict[boxes.Chain, int] = {}
        stateful: dict[boxes.Chain, int] = {}
        holders: set[boxes.Chain] = set()
        for step, links in zip(self.steps, chains):
            if step.op.target != "constant":
                counts[links] = counts.get(links, 0) + 1
                stateful[links] = stateful.get(links, 0) + step.stateful
                holders.update(links[:n] for n in range(len(links)))
        found: list[tuple[Step, boxes.Chain, Path]] = []
        claimed: set[Path] = set()
        for step, links in zip(self.steps, chains):
            path = boxes.plain(links)
            if step.op.target == "constant":
                own = self.constant_path(step)
                home = tuple((name, 0) for name in own[:-1]) if own else links[:-1] if counts.get(links) == 1 else links
                found.append((step, home, own))
            elif links and counts[links] == 1 and links not in holders and path not in forbidden:
                found.append((step, links[:-1], path))
                claimed.add(path)
            elif self.is_whole(step, links, stateful, holders) and path not in forbidden:
                found.append((step, links[:-1], path if step.stateful else ()))
                claimed.add(path)
            else:
                own = self.claim(step, path, forbidden | claimed | {boxes.plain(holder) for holder in holders})
                claimed.add(own)
                inner = tuple((name, 0) for name in own[len(path) : -1])
                found.append((step, links + inner, own))
        return found

    def is_whole(
        self, step: Step, links: boxes.Chain, stateful: dict[boxes.Chain, int], holders: set[boxes.Chain]
    ) -> bool:
        """Whether a step, with others that own nothing, such as the zeros that an LSTM starts with, is one torch module."""
        return (
            len(links) > 0
            and step.op.kind.startswith("torch.nn.modules.")
            and stateful.get(links) == 1
            and links not in holders
            and self.fits(links)
        )

    def fits(self, links: boxes.Chain) -> bool:
        """Whether the only step of a module that may own something owns it under the path of the module."""
        step = next(s for s in self.steps if s.stateful and s.op.target != "constant" and boxes.chain(s.place) == links)
        path = ".".join(boxes.plain(links))
        return all(
            f"{path}.{slot}" in self.names(ref) for slot, ref in (*step.learnables.items(), *step.buffers.items())
        )

    def constant_path(self, step: Step) -> Path:
        """The path of a constant that is in the state_dict."""
        if step.op.target != "constant":
            return ()
        ((_, ref),) = step.buffers.items()
        key = self.program.slots[ref]
        return tuple(key.split(".")) if self.program.stored[key].persistent else ()

    def claim(self, step: Step, path: Path, taken: set[Path]) -> Path:
        """The path below ``path`` whose learnables a step uses, as attention does with its output projection."""
        for slot, ref in step.learnables.items():
            for key in self.names(ref):
                *at, last = key.split(".")
                own = tuple(at)
                if last != slot or len(own) <= len(path) or own[: len(path)] != path or own in taken:
                    continue
                if all(".".join((*own, name)) in self.names(other) for name, other in step.learnables.items()):
                    return own
        return ()

    def names(self, ref: Ref) -> list[str]:
        """The names in the file of a tensor; none for what is computed."""
        return self.twins.of(self.program.slots[ref]) if ref in self.program.slots else []

    def replace_buffers(self, root: Box) -> bool:
        """Write a layer whose buffers are not its own as an operation on constants; whether there were such."""
        added = False
        for box in self.all_boxes(root):
            items: list[Item] = []
            for item in box.items:
                if isinstance(item, Piece) and item.step.buffers and item.step.op.target != "constant":
                    keys = {name: ".".join((*item.own, name)) for name in item.step.buffers}
                    if not item.own or any(keys[name] not in self.names(r) for name, r in item.step.buffers.items()):
                        item = Piece(operation(item.step.op, self.calls), ())
                        added = True
                items.append(item)
            box.items = items
        if added:
            self.add_constants(root)
        return added

    def add_constants(self, root: Box) -> None:
        """Constants that are needed only now."""
        known = set(boxes.made(root))
        for box in list(self.all_boxes(root)):
            for piece in list(boxes.pieces(box)):
                for ref in piece.step.inputs.values():
                    if ref in self.roles and self.roles[ref] != "parameter" and ref not in known:
                        step = self.constant(ref, piece.step.op)
                        own = self.constant_path(step)
                        self.box_at(root, own[:-1]).items.insert(0, Piece(step, own))
                        known.add(ref)

    def all_boxes(self, box: Box) -> Iterable[Box]:
        yield box
        for item in box.items:
            if isinstance(item, Box):
                yield from self.all_boxes(item)

    def own(self, root: Box) -> None:
        """Decide who stores each learnable: the first user whose own name it has."""
        self.owners = {}
        for piece in self.standing(root):
            if piece.own and piece.step.stateful:
                self.own_slots(piece)

    def standing(self, box: Box) -> Iterable[Piece]:
        """The pieces in the order of the data, without those of second uses."""
        for item in box.items:
            if isinstance(item, Box):
                yield from self.standing(item)
            elif isinstance(item, Piece):
                yield item

    def own_slots(self, piece: Piece) -> None:
        constant = piece.step.op.target == "constant"
        for slot, ref in (*piece.step.learnables.items(), *piece.step.buffers.items()):
            key = ".".join(piece.own if constant else (*piece.own, *slot.split(".")))
            if key in self.names(ref):
                self.owners.setdefault(self.twins.first(key), (piece, slot))

    def loose_keys(self, root: Box) -> list[str]:
        """The learnables that are used, and that no layer stores, by the name that they are kept under."""
        found: dict[str, str] = {}
        used = [
            ref
            for piece in boxes.pieces(root)
            for ref in (*piece.step.inputs.values(), *piece.step.learnables.values())
        ]
        for ref in (*used, *(value for _, value in self.program.outputs if isinstance(value, Ref))):
            if self.roles.get(ref) == "parameter":
                names = self.names(ref)
                if names[0] not in self.owners:
                    found.setdefault(names[0], self.program.slots[ref])
        return list(found.values())

    def groups(self, root: Box) -> set[Path]:
        """The paths that have to be groups."""
        found = {box.path for box in self.all_boxes(root) if not box.loose}
        for key in self.loose_keys(root):
            names = key.split(".")
            found.update(tuple(names[:n]) for n in range(len(names)))
        return found

    def hold(self, root: Box) -> None:
        """Add a Parameter for each learnable that no layer stores."""
        for key in self.loose_keys(root):
            stored = self.program.stored[key]
            own = tuple(key.split("."))
            ref = next(r for r, slot in self.program.slots.items() if slot == key)
            op = Op("constant", [], {}, [ref])
            piece = Piece(Step(Parameter(stored.shape), op, {}, {}, {"value": ref}), own)
            self.box_at(root, own[:-1]).items.insert(0, piece)
            self.owners[self.twins.first(key)] = (piece, "value")

    def box_at(self, root: Box, path: Path) -> Box:
        """The box of a path, made where there is none."""
        box = root
        for n in range(len(path)):
            inner = [i for i in box.items if isinstance(i, Box) and i.path == path[: n + 1] and not i.loose]
            if not inner:
                inner = [Box(path[: n + 1])]
                box.items.insert(0, inner[0])
            box = inner[0]
        return box

    # What it is called, and how it is wired.

    def rebuilt(self) -> Rebuilt:
        self.paths: dict[int, str] = {}
        self.labels: dict[Ref, str] = {ref: name for ref, (name, _) in self.inputs.items()}
        self.again: dict[int, list[Again]] = {}
        self.name(self.root, "")
        self.sources: dict[Ref, Port] = {}  # of learnables, by path from the root
        self.homes: dict[str, dict[Port, Port]] = {}  # their wires, by the network that holds both ends
        self.find_sources()
        self.takers = self.counted(self.root)
        for _, value in self.program.outputs:
            if isinstance(value, Ref):
                self.takers[value] = self.takers.get(value, 0) + 1
        self.keys: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.used: set[str] = set()
        self.offered = self.offers()
        network = self.network(self.root, "")
        for name, owner in [(key, self.twins.first(key)) for key in self.program.stored]:
            if owner in self.owners and name not in self.aliases:
                piece, slot = self.owners[owner]
                key = piece.step.layer.key(self.paths[id(piece)], slot)
                if name != key:
                    self.aliases[name] = key
        unused = [
            key
            for key, stored in self.program.stored.items()
            if stored.persistent and key not in self.used and key not in self.aliases
        ]
        return Rebuilt(network, self.keys, self.aliases, unused)

    def name(self, box: Box, path: str) -> None:
        """Give each item of a box a name that may stand in the source, those with a key first."""
        wanted: list[tuple[int, str, Item]] = []
        for item in box.items:
            if isinstance(item, Box):
                wanted.append((2, "_".join(item.path[-2:]), item) if item.loose else (0, item.path[-1], item))
            elif isinstance(item, Again):
                target = item.target
                wanted.append((2, (target.path if isinstance(target, Box) else target.own)[-1], item))
                self.again.setdefault(id(target), []).append(item)
            elif item.own:
                wanted.append((0 if item.step.stateful else 1, item.own[-1], item))
            else:
                wanted.append((2, title(item.step), item))
        wanted.sort(key=lambda entry: entry[0])
        numbered = any(is_number(name) for rank, name, _ in wanted if rank < 2)
        taken: set[str] = set()
        for rank, name, item in wanted:
            legal = legal_name(name, numbered)
            if is_number(legal) and (rank == 2 or legal in taken):
                legal = legal_name(title(item.step) if isinstance(item, Piece) else f"again_{legal}", numbered)
            item.name = counted(legal, taken)
            taken.add(item.name)
            self.paths[id(item)] = join(path, item.name)
            if isinstance(item, Box):
                self.name(item, join(path, item.name))
            elif isinstance(item, Piece):
                label = item.name if not is_number(item.name) else title(item.step)
                for n, (port, ref) in enumerate(item.step.outputs.items()):
                    self.labels[ref] = f"{label}_{port}" if n else label
            else:
                self.labels |= dict.fromkeys(item.outputs.values(), item.name)

    def find_sources(self) -> None:
        for ref, role in self.roles.items():
            first = self.names(ref)[0]
            if role == "parameter" and first in self.owners:
                piece, slot = self.owners[first]
                self.sources[ref] = Port(self.paths[id(piece)], slot)
        for piece in boxes.pieces(self.root):
            if id(piece) in self.paths:
                for port, ref in piece.step.outputs.items():
                    if ref in self.learnable:
                        self.sources[ref] = Port(self.paths[id(piece)], port)

    def counted(self, box: Box) -> dict[Ref, int]:
        """How many items in a box take each value."""
        found: dict[Ref, int] = {}
        for inner in self.all_boxes(box):
            for item in inner.items:
                if not isinstance(item, Box):
                    for ref in boxes.taken(item):
                        found[ref] = found.get(ref, 0) + 1
        return found

    def offers(self) -> dict[int, set[str]]:
        """Which learnables each piece has to offer on a port, because another layer takes them."""
        found: dict[int, set[str]] = {}
        takers: list[tuple[Piece | None, str, Ref]] = [
            (piece, slot, ref)
            for piece in boxes.pieces(self.root)
            for slot, ref in (*piece.step.learnables.items(), *piece.step.inputs.items())
        ]
        takers += [(None, "", value) for _, value in self.program.outputs if isinstance(value, Ref)]
        for piece, slot, ref in takers:
            if self.roles.get(ref) == "parameter" and (owner := self.owners[self.names(ref)[0]]) != (piece, slot):
                found.setdefault(id(owner[0]), set()).add(owner[1])
        return found

    def network(self, box: Box, path: str) -> Network:
        """The network of a box; wires from learnables go to the innermost network that holds both of their ends."""
        layers: dict[str, Layer] = {}
        wires: dict[Port, Port] = {}
        sources: dict[Ref, Port] = {}
        names = {item.name for item in box.items}
        outer = [ref for ref in boxes.taken(box) if ref not in self.learnable] if path else list(self.inputs)
        for n, ref in enumerate(outer):
            label = "x" if path and n == 0 else self.labels.get(ref, "x")
            name = counted(legal_name(label, False), names | set(layers))
            layers[name] = Input() if path else self.inputs[ref][1]
            sources[ref] = Port(name, "out")
            box.inputs[ref] = name
        for item in box.items:
            if isinstance(item, Box):
                layers[item.name] = Group(self.network(item, join(path, item.name)))
                sources |= {ref: Port(item.name, port) for ref, port in item.outputs.items()}
            elif isinstance(item, Again):
                layers[item.name] = Call()
            else:
                layers[item.name] = self.layer(item)
                sources |= {ref: Port(item.name, port) for port, ref in item.step.outputs.items()}
        for item in box.items:
            if isinstance(item, Again):
                ports = self.ports_of(item.target)[1]
                sources |= {here: Port(item.name, ports[ref]) for ref, here in item.outputs.items() if ref in ports}
        for item in box.items:
            self.wire(item, path, wires, sources)
        if path:
            self.add_ends(box, layers, wires, sources)
        else:
            self.add_results(layers, wires, sources)
        return Network(layers=layers, connections=wires | self.homes.get(path, {}))

    def ports_of(self, target: Box | Piece) -> tuple[list[tuple[str, Ref]], dict[Ref, str]]:
        """The data ports of what is called: its inputs, and its outputs by value."""
        if isinstance(target, Box):
            return [(port, ref) for ref, port in target.inputs.items()], target.outputs
        step = target.step
        return list(step.inputs.items()), {ref: port for port, ref in step.outputs.items()}

    def wire(self, item: Item, path: str, wires: dict[Port, Port], sources: dict[Ref, Port]) -> None:
        """Connect the inputs of an item."""
        if isinstance(item, Box):
            pairs = [(port, ref) for ref, port in item.inputs.items()]
        elif isinstance(item, Again):
            pairs = [(port, item.inputs.get(ref, ref)) for port, ref in self.ports_of(item.target)[0]]
            wires[Port(item.name, BUNDLE)] = Port(item.target.name, BUNDLE)
        else:
            pairs = [*item.step.inputs.items()]
            owned = {slot for slot, ref in item.step.learnables.items() if self.is_owned(item, slot, ref)}
            pairs += [(slot, ref) for slot, ref in item.step.learnables.items() if slot not in owned]
        for port, ref in pairs:
            target = Port(join(path, item.name), port)
            if ref in self.learnable:
                home = common(parent(target.layer), parent(self.sources[ref].layer))
                self.homes.setdefault(home, {})[target.below(home)] = self.sources[ref].below(home)
            else:
                wires[Port(item.name, port)] = sources[ref]

    def is_owned(self, piece: Piece, slot: str, ref: Ref) -> bool:
        return self.roles.get(ref) == "parameter" and self.owners.get(self.names(ref)[0]) == (piece, slot)

    def add_ends(self, box: Box, layers: dict[str, Layer], wires: dict[Port, Port], sources: dict[Ref, Port]) -> None:
        """Give a group an output for each value that is wanted outside."""
        inside = self.counted(box)
        again = self.again.get(id(box), [])
        wanted = {ref for use in again for ref, here in use.outputs.items() if self.takers.get(here)}
        wanted |= {ref for ref in boxes.made(box) if self.takers.get(ref, 0) > inside.get(ref, 0)}
        ends = [ref for ref in dict.fromkeys(boxes.made(box)) if ref in wanted and ref not in self.learnable]
        for ref in ends:
            label = "out" if len(ends) == 1 else f"{self.labels.get(ref, 'out')}_out"
            name = counted(legal_name(label, False), set(layers))
            layers[name] = Output()
            wires[Port(name, "in")] = sources[ref]
            box.outputs[ref] = name

    def add_results(self, layers: dict[str, Layer], wires: dict[Port, Port], sources: dict[Ref, Port]) -> None:
        """Name the results of the network, where they do not follow from what is loose."""
        results = [(label, value) for label, value in self.program.outputs if isinstance(value, Ref)]
        if len(results) == 1 and not results[0][0] and (port := sources.get(results[0][1])) is not None:
            if list(Network(layers=layers, connections=wires | self.homes.get("", {})).outputs.values()) == [port]:
                return
        for label, value in results:
            label = "out" if not label else f"out_{label}" if label[0].isdigit() else label
            name = counted(legal_name(label, False), set(layers))
            layers[name] = Output()
            wires[Port(name, "in")] = self.sources[value] if value in self.learnable else sources[value]

    def layer(self, piece: Piece) -> Layer:
        """The layer of a piece, with what it takes, offers and leaves untrained; notes the keys that it owns."""
        step, path = piece.step, self.paths[id(piece)]
        layer = step.layer
        borrowed, frozen = [], []
        for slot, ref in step.learnables.items():
            if not self.is_owned(piece, slot, ref):
                borrowed.append(slot)
                continue
            self.keep(layer.key(path, slot), self.origin(piece, slot, ref))
            if not any(self.program.stored[name].trains for name in self.names(ref)):
                frozen.append(slot)
        for slot, ref in step.buffers.items():
            if slot != "constant":
                self.keep(layer.key(path, slot), self.origin(piece, slot, ref))
        counter = ".".join((*piece.own, "num_batches_tracked"))
        if step.buffers and counter in self.program.stored:
            self.keep(layer.key(path, "num_batches_tracked"), counter)
        for slot in (*step.learnables.values(), *step.inputs.values(), *step.buffers.values()):
            self.used.update(self.names(slot))
        if isinstance(layer, Parameter):
            return dataclasses.replace(layer, frozen=tuple(frozen))
        if not (borrowed or frozen or id(piece) in self.offered):
            return layer
        offered = tuple(self.offered.get(id(piece), ()))
        return dataclasses.replace(
            layer, input_learnables=tuple(borrowed), output_learnables=offered, frozen=tuple(frozen)
        )

    def origin(self, piece: Piece, slot: str, ref: Ref) -> str:
        """The name in the file of what a piece owns."""
        whole = piece.step.op.target == "constant"
        name = ".".join(piece.own if whole else (*piece.own, slot))
        return name if name in self.names(ref) else self.program.slots[ref]

    def keep(self, key: str, name: str) -> None:
        """Note that a key of the network has the value of a name in the file, and its other names."""
        self.keys[key] = name
        stored = self.program.stored
        names = [twin for twin in self.twins.of(name) if stored[twin].persistent]
        self.used.update(names)
        self.aliases |= {twin: key for twin in names if twin != key}


def title(step: Step) -> str:
    """What a step is called that has no name in the file."""
    if step.name:
        return step.name
    if isinstance(step.layer, Operation):
        return step.layer.operation.split(".")[-2 if "." in step.layer.operation else 0].strip("_?") or "operation"
    return TITLES.get(type(step.layer).__name__, type(step.layer).__name__.lower())


TITLES = {"ScaledDotProductAttention": "attention", "MultiheadAttention": "attention", "Concatenate": "concatenate"}


def is_number(name: str) -> bool:
    return re.fullmatch("0|[1-9][0-9]{0,8}", name) is not None


def legal_name(name: str, numbered: bool) -> str:
    """A name that may stand in the written source, as like to a given one as can be."""
    legal = re.sub("[^A-Za-z0-9_]", "_", name)[:100]
    if is_number(legal):
        return legal
    legal = legal.lstrip("_") or "layer"
    if legal[0].isdigit():
        legal = f"layer_{legal}"
    while not (is_name(legal) or legal in SOURCE_NAMES) or (numbered and legal in MODULE_DICT_NAMES):
        legal += "_"
    return legal


def counted(name: str, taken: Iterable[str]) -> str:
    """The name, with a number where it is taken."""
    number, found = 1, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
