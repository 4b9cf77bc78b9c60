"""Decide where the steps of a program stand: in which boxes, and under which paths they own what they store."""

import dataclasses
from collections.abc import Callable, Iterable

from designer.analysis.flat import tells
from designer.files import boxes
from designer.files.boxes import Box, Item, Path, Piece
from designer.files.constants import constant
from designer.files.masks import fixed_values, fold_masks
from designer.files.program import Op, Place, Program, Ref
from designer.files.settling import settle
from designer.files.steps import Calls, Flow, Step, operation
from designer.files.ties import Twins
from designer.layers import Constant
from designer.model import Parameter
from designer.model.values import Tensor

Reader = Callable[[str], Tensor]
SMALL = 2**18  # numbers of a buffer that are read to tell how it is filled
Owner = tuple[Piece, str]  # the piece that stores a learnable, and the name of the learnable there


@dataclasses.dataclass(eq=False)
class _Call:
    """One call of a module, and the steps in it that are in no module below."""

    links: boxes.Chain
    path: Path
    steps: list[Step] = dataclasses.field(default_factory=list)
    owners: list[Step] = dataclasses.field(default_factory=list)  # those that may own something
    ends: bool = False  # calls no other module


class Placing:
    """Which box each step stands in, and who stores each learnable and constant."""

    def __init__(
        self,
        program: Program,
        steps: list[Step],
        read: Reader,
        grouped: bool,
    ):
        self.program, self.read = program, read
        self.twins = Twins(program)
        self.roles = {ref: program.stored[key].role for ref, key in program.slots.items()}
        self.learnable = self.learnables(steps)
        self.owners: dict[str, Owner] = {}  # first name of a tensor -> who stores it
        self.steps = self.with_constants(steps)
        self.readers: dict[Ref, list[Step]] = {}  # value -> the steps that take it as data
        for step in self.steps:
            for ref in step.inputs.values():
                self.readers.setdefault(ref, []).append(step)
        self.root = self.boxed(grouped)

    def learnables(self, steps: list[Step]) -> set[Ref]:
        """The values that follow from learnables alone, so that their wires may cross the borders of groups."""
        found = {ref for ref, role in self.roles.items() if role == "parameter"}
        for step in steps:
            if step.inputs and found.issuperset(step.inputs.values()) and step.layer.computes:
                found.update(step.outputs.values())
        return found

    def with_constants(self, steps: list[Step]) -> list[Step]:
        """The steps, before the first that uses one a step for each tensor that training does not change."""
        constants: dict[Ref, Step] = {}
        found: list[Step] = []
        for step in steps:
            for ref in step.flow.taken:
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
        return Step(layer, op, {}, {"out": ref}, {}, {"value": ref} if kept else {"constant": ref}, name)

    def boxed(self, grouped: bool) -> Box:
        """Place the steps, until nothing stands where a group has to be."""
        forbidden: set[Path] = set()
        constants = {ref for ref, role in self.roles.items() if role != "parameter"}
        fixed = fixed_values(self.steps, constants)
        while True:
            placed = self.placed(forbidden) if grouped else [self.at_root(step) for step in self.steps]
            root = boxes.boxed(placed, self.learnable | set(self.roles))
            if grouped:
                fold_masks(root, self.program, fixed)
            self.flows = settle(root, self.learnable)
            while self.replace_buffers(root):
                self.flows = settle(root, self.learnable)
            self.own(root)
            loose = self.loose_keys(root)
            groups = self.groups(root, loose)
            clash = {piece.own for piece in boxes.pieces(root) if piece.step.stateful and piece.own in groups} - {()}
            if not clash - forbidden:
                self.hold(root, loose)
                return root
            forbidden |= clash

    def flow(self, box: Box) -> Flow:
        """What a box gives and takes, learnables put into it later left out: whoever asks looks at data alone.

        A box that was made only to hold a learnable came after all were told.
        """
        return self.flows.get(id(box)) or boxes.flow(box)

    def at_root(self, step: Step) -> tuple[Step, boxes.Chain, Path]:
        own = self.constant_path(step)
        return step, tuple((name, 0) for name in own[:-1]), own

    def placed(self, forbidden: set[Path]) -> list[tuple[Step, boxes.Chain, Path]]:
        """For each step the modules around it, and the path under which it owns, if any."""
        calls: dict[boxes.Chain, _Call] = {}
        at: dict[Place, _Call] = {}
        for step in self.steps:
            call = at.get(step.op.place)
            if call is None:
                links = boxes.chain(step.op.place)
                call = at[step.op.place] = calls.setdefault(links, _Call(links, boxes.plain(links)))
            if step.op.target != "constant":
                call.steps.append(step)
        holders = {links[:n] for links, call in calls.items() if call.steps for n in range(len(links))}
        found: list[tuple[Step, boxes.Chain, Path]] = []
        taken = forbidden | {boxes.plain(holder) for holder in holders}
        called = {call.path for call in calls.values()}
        for links, call in calls.items():
            call.ends = bool(links) and links not in holders and call.path not in forbidden
            call.owners = [step for step in call.steps if step.stateful]
        for step in self.steps:
            call = at[step.op.place]
            links, path = call.links, call.path
            if step.op.target == "constant":
                own = self.constant_path(step)
                alone = len(call.steps) == 1
                home = tuple((name, 0) for name in own[:-1]) if own else links[:-1] if alone else links
                found.append((step, home, own))
            elif call.ends and len(call.steps) == 1:
                found.append((step, links[:-1], path))
                taken.add(path)
            elif call.ends and len(call.owners) == 1 and self.is_whole(step, path, call.owners[0]):
                found.append((step, links[:-1], path if step.stateful else ()))
                taken.add(path)
            elif not step.learnables:
                found.append((step, links, ()))
            else:
                own = self.claim(step, path, taken, called)
                taken.add(own)
                inner = tuple((name, 0) for name in own[len(path) : -1])
                found.append((step, links + inner, own))
        return found

    def is_whole(self, step: Step, at: Path, owner: Step) -> bool:
        """Whether a step is a torch module, with others that own nothing, as the zeros that an LSTM starts with.

        What ``owner``, the only one that may own something, owns must stand under the path of the module.
        """
        path = ".".join(at)
        return step.op.kind.startswith("torch.nn.modules.") and all(
            f"{path}.{slot}" in self.names(ref) for slot, ref in (*owner.learnables.items(), *owner.buffers.items())
        )

    def constant_path(self, step: Step) -> Path:
        """The path of a constant that is in the state_dict."""
        if step.op.target != "constant":
            return ()
        ((_, ref),) = step.buffers.items()
        key = self.program.slots[ref]
        return tuple(key.split(".")) if self.program.stored[key].persistent else ()

    def claim(self, step: Step, path: Path, taken: set[Path], called: set[Path]) -> Path:
        """The path below ``path`` whose learnables a step uses, as attention does with its output projection.

        A path that is never ``called`` may have a part of them: the module there lends them to a function, together
        with the weight of another module. It must have all buffers, which cannot be borrowed.
        """
        lenders = []
        for slot, ref in (*step.learnables.items(), *step.buffers.items()):
            for key in self.names(ref):
                *at, last = key.split(".")
                own = tuple(at)
                if last != slot or len(own) <= len(path) or own[: len(path)] != path or own in taken:
                    continue
                if any(".".join((*own, name)) not in self.names(other) for name, other in step.buffers.items()):
                    continue
                if all(".".join((*own, name)) in self.names(other) for name, other in step.learnables.items()):
                    return own
                if own not in called:
                    lenders.append(own)
        return lenders[0] if lenders else ()

    def names(self, ref: Ref) -> list[str]:
        """The names in the file of a tensor; none for what is computed."""
        return self.twins.of(self.program.slots[ref]) if ref in self.program.slots else []

    def replace_buffers(self, root: Box) -> bool:
        """Write a layer whose buffers are not its own as an operation on constants; whether there were such."""
        calls = None
        for box in self.all_boxes(root):
            items: list[Item] = []
            for item in box.items:
                if isinstance(item, Piece) and item.step.buffers and item.step.op.target != "constant":
                    keys = {name: ".".join((*item.own, name)) for name in item.step.buffers}
                    if not item.own or any(keys[name] not in self.names(r) for name, r in item.step.buffers.items()):
                        calls = calls or Calls(self.program)
                        item = Piece(operation(item.step.op, calls), ())
                items.append(item)
            box.items = items
        if calls is not None:
            self.add_constants(root)
        return calls is not None

    def add_constants(self, root: Box) -> None:
        """Constants that are needed only now."""
        known = set(boxes.made(root))
        boxed = self.by_path(root)
        for box in list(self.all_boxes(root)):
            for piece in list(boxes.pieces(box)):
                for ref in piece.step.flow.taken:
                    if ref in self.roles and self.roles[ref] != "parameter" and ref not in known:
                        step = self.constant(ref, piece.step.op)
                        own = self.constant_path(step)
                        self.box_at(boxed, own[:-1]).items.insert(0, Piece(step, own))
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
        todo: list[Item] = [box]
        while todo:
            item = todo.pop()
            if isinstance(item, Piece):
                yield item
            elif isinstance(item, Box):
                todo += reversed(item.items)

    def own_slots(self, piece: Piece) -> None:
        constant = piece.step.op.target == "constant"
        for slot, ref in (*piece.step.learnables.items(), *piece.step.buffers.items()):
            key = ".".join(piece.own if constant else (*piece.own, *slot.split(".")))
            if key in self.names(ref) and not self.meets_itself(piece.step, ref):
                self.owners.setdefault(self.twins.first(key), (piece, slot))

    def meets_itself(self, step: Step, ref: Ref) -> bool:
        """Whether the data of a layer depend on its own learnable, and so the size of that on itself."""
        if ref not in self.readers or tells(step.layer):
            return False
        todo, seen = [ref], {ref}
        while todo:
            for reader in self.readers.get(todo.pop(), ()):
                if reader is step:
                    return True
                new = [made for made in reader.outputs.values() if made not in seen]
                seen.update(new)
                todo += new
        return False

    def loose_keys(self, root: Box) -> list[str]:
        """The learnables that are used, and that no layer stores, by the name that they are kept under."""
        found: dict[str, str] = {}
        used = (
            ref
            for piece in boxes.pieces(root)
            if not self.roles.keys().isdisjoint(piece.step.flow.taken)
            for ref in piece.step.flow.taken
        )
        for ref in (*used, *(value for _, value in self.program.outputs if isinstance(value, Ref))):
            if self.roles.get(ref) == "parameter":
                names = self.names(ref)
                if names[0] not in self.owners:
                    found.setdefault(names[0], self.program.slots[ref])
        return list(found.values())

    def groups(self, root: Box, loose: list[str]) -> set[Path]:
        """The paths that have to be groups."""
        found = {box.path for box in self.all_boxes(root) if not box.loose}
        for key in loose:
            names = key.split(".")
            found.update(tuple(names[:n]) for n in range(len(names)))
        return found

    def hold(self, root: Box, loose: list[str]) -> None:
        """Add a Parameter for each learnable that no layer stores."""
        refs = {key: ref for ref, key in reversed(self.program.slots.items())}
        boxed = self.by_path(root)
        parameters: dict[tuple[int, ...], Parameter] = {}
        for key in loose:
            stored = self.program.stored[key]
            own = tuple(key.split("."))
            ref = refs[key]
            op = Op("constant", [], {}, [ref])
            if stored.shape not in parameters:
                parameters[stored.shape] = Parameter(stored.shape)
            piece = Piece(Step(parameters[stored.shape], op, {}, {}, {"value": ref}), own)
            self.box_at(boxed, own[:-1]).items.insert(0, piece)
            self.owners[self.twins.first(key)] = (piece, "value")

    def by_path(self, box: Box) -> dict[Path, Box]:
        """A box and those in it by their paths, but what stands elsewhere than its path says."""
        found = {box.path: box}
        for item in box.items:
            if isinstance(item, Box) and not item.loose and item.path[:-1] == box.path and item.path not in found:
                found |= self.by_path(item)
        return found

    def box_at(self, boxed: dict[Path, Box], path: Path) -> Box:
        """The box of a path, made where there is none."""
        if path not in boxed:
            boxed[path] = Box(path)
            self.box_at(boxed, path[:-1]).items.insert(0, boxed[path])
        return boxed[path]
