"""Rebuild a program as a network: layers in groups, learnables where the state_dict has them, ties as wires."""

import dataclasses
from operator import itemgetter

from designer.files import boxes
from designer.files.boxes import Again, Box, Item, Path, Piece
from designer.files.naming import counted, is_number, legal_name, title
from designer.files.placing import Placing, Reader
from designer.files.program import Program, Ref
from designer.files.progress import check
from designer.files.steps import Step
from designer.model import BUNDLE, Call, Group, Input, Layer, Network, Output, Parameter, Port
from designer.model.names import common, join, parent

INNER_INPUT, INNER_OUTPUT, CALL = Input(), Output(), Call()  # without settings, so one will do


@dataclasses.dataclass
class Rebuilt:
    """A network without its values, and where they come from."""

    network: Network
    keys: dict[str, str]  # state_dict key of the network -> name in the file
    aliases: dict[str, str]  # other names in the file -> key
    unused: list[str]  # names in the file that no layer uses
    borrowed: dict[str, str]  # names in the file of what is tied -> key of the borrower


def rebuild(
    program: Program, steps: list[Step], inputs: dict[Ref, tuple[str, Input]], read: Reader, grouped: bool = True
) -> Rebuilt:
    """Make the network; ``read`` gives a stored tensor by its name. Without groups everything stands at the root."""
    return _Rebuilder(program, steps, inputs, read, grouped).rebuilt()


class _Rebuilder(Placing):
    """Names what is placed, and wires it."""

    def __init__(
        self,
        program: Program,
        steps: list[Step],
        inputs: dict[Ref, tuple[str, Input]],
        read: Reader,
        grouped: bool,
    ):
        super().__init__(program, steps, read, grouped)
        self.inputs = inputs

    def rebuilt(self) -> Rebuilt:
        self.paths: dict[int, str] = {}
        self.labels: dict[Ref, str] = {ref: name for ref, (name, _) in self.inputs.items()}
        self.again: dict[int, list[Again]] = {}
        self.name(self.root, "")
        self.sources: dict[Ref, Port] = {}  # of learnables, by path from the root
        self.homes: dict[str, dict[Port, Port]] = {}  # their wires, by the network that holds both ends
        self.find_sources()
        self.spans: dict[int, tuple[int, int]] = {}  # box -> the numbers of what stands in it
        self.takers: dict[Ref, tuple[int, int]] = {}  # value -> the numbers of the first and the last that take it
        self.find_takers()
        self.keys: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.borrowed: dict[str, str] = {}
        self.used: set[str] = set()
        self.inputs_said: dict[tuple[Path, bool, int], list[str]] = {}
        self.offered = self.offers()
        self.switched: dict[tuple[object, ...], Layer] = {}  # layers whose learnables are not their own, by what is so
        self.groups_made: dict[tuple[object, ...], Group] = {}  # by what is in them
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
        return Rebuilt(network, self.keys, self.aliases, unused, self.borrowed)

    def name(self, box: Box, path: str) -> None:
        """Give each item of a box a name that may stand in the source, those with a key first."""
        wanted: list[tuple[int, str, Item]] = []
        for item in box.items:
            if isinstance(item, Box):
                loose = next(iter(item.words.values()), "_".join(item.path[-2:]))
                wanted.append((2, loose, item) if item.loose else (0, item.path[-1], item))
            elif isinstance(item, Again):
                target = item.target
                wanted.append((2, (target.path if isinstance(target, Box) else target.own)[-1], item))
                self.again.setdefault(id(target), []).append(item)
            elif item.own:
                wanted.append((0 if item.step.stateful else 1, item.own[-1], item))
            else:
                wanted.append((2, title(item.step), item))
        wanted.sort(key=itemgetter(0))
        numbered = any(is_number(name) for rank, name, _ in wanted if rank < 2)
        taken: set[str] = set()
        begun: dict[str, int] = {}
        kept = set() if path else {_end_name(label) for label, value in self.program.outputs if isinstance(value, Ref)}
        for rank, name, item in wanted:
            legal = legal_name(name, numbered)
            if is_number(legal) and (rank == 2 or legal in taken):
                legal = legal_name(title(item.step) if isinstance(item, Piece) else f"again_{legal}", numbered)
            if rank == 2:
                taken |= kept
            item.name = counted(legal, taken, begun)
            taken.add(item.name)
            self.paths[id(item)] = f"{path}.{item.name}" if path else item.name
            if isinstance(item, Box):
                self.name(item, self.paths[id(item)])
                self.labels |= item.words
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
            if not self.learnable.isdisjoint(piece.step.flow.made) and id(piece) in self.paths:
                for port, ref in piece.step.outputs.items():
                    if ref in self.learnable:
                        self.sources[ref] = Port(self.paths[id(piece)], port)

    def find_takers(self) -> None:
        """Find the first and the last that take each value; what is given back is taken behind the last."""
        end = self.number(self.root, 0)
        for _, value in self.program.outputs:
            if isinstance(value, Ref):
                self.takers[value] = (self.takers.get(value, (end,))[0], end)

    def number(self, box: Box, start: int) -> int:
        """Number what is no box, from ``start`` on, and note its numbers for each box and value; gives the next one."""
        end = start
        for item in box.items:
            if isinstance(item, Box):
                end = self.number(item, end)
                continue
            for ref in boxes.taken(item):
                self.takers[ref] = (self.takers.get(ref, (end,))[0], end)
            end += 1
        self.spans[id(box)] = (start, end)
        return end

    def leaves(self, box: Box, ref: Ref) -> bool:
        """Whether anything outside of a box takes a value."""
        start, end = self.spans[id(box)]
        first, last = self.takers.get(ref, (start, -1))
        return first < start or last >= end

    def offers(self) -> dict[int, set[str]]:
        """Which learnables each piece has to offer on a port, because another layer takes them."""
        found: dict[int, set[str]] = {}
        takers: list[tuple[Piece | None, str, Ref]] = [
            (piece, slot, ref)
            for piece in boxes.pieces(self.root)
            if not self.roles.keys().isdisjoint(piece.step.flow.taken)
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
        outer = [ref for ref in self.flow(box).taken if ref not in self.learnable] if path else list(self.inputs)
        for n, (ref, said) in enumerate(zip(outer, self.said(box, outer))):
            label = "x" if path and n == 0 else said
            name = counted(legal_name(label, False), names)
            names.add(name)
            layers[name] = INNER_INPUT if path else self.inputs[ref][1]
            sources[ref] = Port(name, "out")
            box.inputs[ref] = name
        for item in box.items:
            if isinstance(item, Box):
                layers[item.name] = self.group(self.network(item, join(path, item.name)))
                sources |= {ref: Port(item.name, port) for ref, port in item.outputs.items()}
            elif isinstance(item, Again):
                layers[item.name] = CALL
            else:
                layers[item.name] = self.layer(item)
                for port, ref in item.step.outputs.items():
                    sources[ref] = Port(item.name, port)
        for item in box.items:
            if isinstance(item, Again):
                ports = self.ports_of(item.target)[1]
                sources |= {here: Port(item.name, ports[ref]) for ref, here in item.outputs.items() if ref in ports}
        for item in box.items:
            check()
            self.wire(item, path, wires, sources)
        if path:
            self.add_ends(box, layers, wires, sources)
        else:
            self.add_results(layers, wires, sources)
        return Network(layers=layers, connections=wires | self.homes.get(path, {}))

    def group(self, network: Network) -> Group:
        """A group of a network: one for all with the very same layers and wires, as a deep model has them."""
        layers, wires = network.layers, network.connections
        key = (tuple(layers), tuple(map(id, layers.values())), tuple(wires.items()))
        if key not in self.groups_made:
            self.groups_made[key] = Group(network)
        return self.groups_made[key]

    def said(self, box: Box, outer: list[Ref]) -> list[str]:
        """What the inputs of a box are called: as in the first that is numbered otherwise, so that they stay alike."""
        key = (tuple("" if is_number(name) else name for name in box.path), box.loose, len(outer))
        return self.inputs_said.setdefault(key, [self.labels.get(ref, "x") for ref in outer])

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
            if item.step.learnables:
                pairs += [pair for pair in item.step.learnables.items() if not self.is_owned(item, *pair)]
        for port, ref in pairs:
            if ref in self.learnable:
                target = Port(join(path, item.name), port)
                home = common(parent(target.layer), parent(self.sources[ref].layer))
                self.homes.setdefault(home, {})[target.below(home)] = self.sources[ref].below(home)
            else:
                wires[Port(item.name, port)] = sources[ref]

    def is_owned(self, piece: Piece, slot: str, ref: Ref) -> bool:
        return self.roles.get(ref) == "parameter" and self.owners.get(self.names(ref)[0]) == (piece, slot)

    def add_ends(self, box: Box, layers: dict[str, Layer], wires: dict[Port, Port], sources: dict[Ref, Port]) -> None:
        """Give a group an output for each value that is wanted outside."""
        made = self.flow(box).made
        again = self.again.get(id(box), [])
        wanted = {ref for use in again for ref, here in use.outputs.items() if here in self.takers}
        wanted |= {ref for ref in sources if ref in made and self.leaves(box, ref)}
        wanted -= self.learnable
        ends = [ref for ref in dict.fromkeys((*box.words, *made)) if ref in wanted]
        for ref in ends:
            label = "out" if len(ends) == 1 else box.words.get(ref) or f"{self.labels.get(ref, 'out')}_out"
            name = counted(legal_name(label, False), layers)
            layers[name] = INNER_OUTPUT
            wires[Port(name, "in")] = sources[ref]
            box.outputs[ref] = name

    def add_results(self, layers: dict[str, Layer], wires: dict[Port, Port], sources: dict[Ref, Port]) -> None:
        """Name the results of the network, where they do not follow from what is loose."""
        results = self.program.outputs
        places = self.program.places or [""] * len(results)
        loose = Network(layers=layers, connections=wires | self.homes.get("", {})).outputs
        bare = len(results) == 1 and results[0][0] == places[0] == ""
        if bare and [*loose.values()] == [sources.get(results[0][1])]:
            return
        for (label, value), place in zip(results, places):
            name = counted(_end_name(label), layers)
            layers[name] = Output(place)
            wires[Port(name, "in")] = self.sources[value] if value in self.learnable else sources[value]

    def layer(self, piece: Piece) -> Layer:
        """The layer of a piece, with what it takes, offers and leaves untrained; notes the keys that it owns."""
        step, layer, path = piece.step, piece.step.layer, self.paths[id(piece)]
        if not step.stateful and self.roles.keys().isdisjoint(step.inputs.values()):
            return layer  # it has nothing to do with what the file stores
        borrowed, frozen = [], []
        for slot, ref in step.learnables.items():
            if not self.is_owned(piece, slot, ref):
                borrowed.append(slot)
                self.borrowed[".".join((*piece.own, slot))] = layer.key(path, slot)
                continue
            self.keep(layer.key(path, slot), self.origin(piece, slot, ref))
            if not any(self.program.stored[name].trains for name in self.names(ref)):
                frozen.append(slot)
        for slot, ref in step.buffers.items():
            if slot != "constant":
                self.keep(layer.key(path, slot), self.origin(piece, slot, ref))
        if step.buffers and (counter := ".".join((*piece.own, "num_batches_tracked"))) in self.program.stored:
            self.keep(layer.key(path, "num_batches_tracked"), counter)
        for ref in (*step.learnables.values(), *step.inputs.values(), *step.buffers.values()):
            if ref in self.roles:
                self.used.update(self.names(ref))
        offered = () if isinstance(layer, Parameter) else tuple(self.offered.get(id(piece), ()))
        if not (borrowed or offered or frozen):
            return layer
        key = (id(layer), taken := tuple(borrowed), offered, fixed := tuple(frozen))
        if key not in self.switched:
            self.switched[key] = dataclasses.replace(
                layer, input_learnables=taken, output_learnables=offered, frozen=fixed
            )
        return self.switched[key]

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


def _end_name(label: str) -> str:
    """The name of an output of the network."""
    return legal_name("out" if not label else f"out_{label}" if label[0].isdigit() else label, False)
