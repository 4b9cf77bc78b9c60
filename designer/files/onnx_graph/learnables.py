"""Which stored tensors of an ONNX file are learnables, what they are called, and which module holds them.

ONNX knows neither parameters nor buffers. A learnable is a float tensor that a layer keeps as its weight, or one that
has a name as PyTorch gives them. What an exporter named itself, as ``onnx::MatMul_406``, is called after its layer.
"""

from collections import Counter

from designer.files.fold import LEARNING, fold_call
from designer.files.naming import title
from designer.files.onnx_graph.follow import Follower
from designer.files.onnx_graph.places import called
from designer.files.program import Op, Place, Program, Stored
from designer.files.steps import Calls, Step

MODULE = "torch.nn.modules."


def name_learnables(program: Program, follower: Follower) -> None:
    """Give each stored tensor its role and its key, and each layer the place that owns them, in place."""
    calls = Calls(program)
    steps = [fold_call(op, calls) for op in program.ops if op.target in LEARNING]
    steps = [step for step in steps if step.stateful]
    _complete(program, follower, steps)
    names = _Names(program, follower, steps)
    for step in steps:
        names.settle(step)
    _number_calls(program, steps)
    roles = {
        program.slots[ref]: "buffer" if ref in step.buffers.values() else "parameter"
        for step in steps
        for ref in (*step.buffers.values(), *step.learnables.values())
        if ref in program.slots
    }
    stored: dict[str, Stored] = {}
    for key, entry in program.stored.items():
        role = roles.get(key) or ("parameter" if follower.learns(key) else "constant")
        if role == "constant" and follower.by_torch and not follower.anonymous(key) and entry.numel > 1:
            role = "buffer"
        if "float" not in entry.dtype and role == "parameter":
            role = "constant"
        kept = role != "constant"
        name = names.keys.get(key, key)
        if names.keys.get(key) in program.stored:
            continue
        stored[name] = entry._replace(role=role, persistent=kept, trains=role == "parameter")
    stored |= {name: stored[key] for name, key in names.twins.items() if key in stored}
    program.stored = stored
    program.slots = {ref: names.keys.get(key, key) for ref, key in program.slots.items()}
    program.known_as = {
        old: new
        for old, new in names.keys.items()
        if old in follower.file_keys and old not in follower.renewed and stored[new].persistent
    }
    _mark_modules(program, steps)


def _complete(program: Program, follower: Follower, steps: list[Step]) -> None:
    """Put before the places of calls what the names of learnables have before them: the names of a ModuleDict."""
    missing: dict[str, str] = {}
    for step in steps:
        for slot, ref in step.learnables.items():
            key = program.slots.get(ref, "")
            path = key.removesuffix(f".{slot}")
            here = step.op.path
            if here and path != key and path.endswith(f".{here}") and not follower.anonymous(key):
                missing.setdefault(here.partition(".")[0], path.removesuffix(here))
    for op in program.ops if missing else ():
        before = missing.get(op.path.partition(".")[0], "")
        op.place = tuple((before + path, number) for path, number in op.place)


class _Names:
    """Names for the tensors that layers keep."""

    def __init__(self, program: Program, follower: Follower, steps: list[Step]):
        self.program, self.follower = program, follower
        self.keys: dict[str, str] = {}  # name in the file -> key
        self.twins: dict[str, str] = {}  # another name -> the key of the same tensor
        self.taken = set(program.stored)
        kept = {
            (step.op.path, step.op.target, *step.learnables.values(), *step.buffers.values()): step.op.path
            for step in steps
        }
        self.standing = Counter(kept.values())  # how many layers each module has, not how often it is called
        self.homes = {step.op.path for step in steps}
        self.placed: dict[tuple[str, tuple[str, ...]], tuple[str, Place]] = {}

    def settle(self, step: Step) -> None:
        """Name what a layer keeps, and put it where that says."""
        slots = {**step.learnables, **step.buffers}
        keys = {slot: self.program.slots[ref] for slot, ref in slots.items() if ref in self.program.slots}
        told = step.op.target, tuple(keys.values())
        here = called(step.op.path)
        before, place = self.placed.get(told, ("", ()))
        if len(keys) == len(slots) and told in self.placed and before == here:  # the same module again
            step.op.place = place
            return
        free = {slot: key for slot, key in keys.items() if self.is_free(slot, key)}
        path = self.path(step, keys, free)
        for slot, key in free.items():
            if key in self.keys:
                continue
            name = f"{path}.{slot}"
            if name == key:
                continue
            if name in self.program.stored and self.same(name, key):
                self.keys[key] = name  # the exporter wrote one learnable twice
                continue
            while name in self.taken:
                name += "_"
            self.keys[key] = name
            self.taken.add(name)
        self.placed.setdefault(told, (here, step.op.place))
        if self.follower.by_torch and path == step.op.path:
            self.name_again(step, path, keys)

    def same(self, name: str, key: str) -> bool:
        """Whether a tensor, transposed by an exporter perhaps, holds the numbers of a learnable of that name."""
        import torch

        weights, stored = self.follower.weights, self.program.stored
        if stored[name].shape != stored[key].shape or stored[name].dtype != stored[key].dtype:
            return False
        found = weights.tensors({name: stored[name], key: stored[key]})
        return bool(torch.equal(found[name], found[key]))

    def name_again(self, step: Step, path: str, keys: dict[str, str]) -> None:
        """Add the names that a module of torch.nn has for what it shares with others."""
        if step.op.kind.rpartition(".")[2] != type(step.layer).__name__ or self.standing[path] != 1:
            return
        for slot, key in keys.items():
            name, key = f"{path}.{slot}", self.keys.get(key, key)
            if name not in self.taken and key in self.program.stored and key != name:
                self.taken.add(name)
                self.twins[name] = key

    def is_free(self, slot: str, key: str) -> bool:
        """Whether a tensor may be called after the layer that keeps it."""
        if self.follower.anonymous(key):
            return True
        return not self.follower.by_torch and not key.endswith(f".{slot}")

    def path(self, step: Step, keys: dict[str, str], free: dict[str, str]) -> str:
        """The path of the module that a layer is."""
        op = step.op
        told = [key.removesuffix(f".{slot}") for slot, key in keys.items() if key.endswith(f".{slot}")]
        here = op.path
        if told and told[0] != here and told[0] not in self.homes:
            inside = not here or told[0].startswith(f"{here}.")
            around = here.startswith(f"{told[0]}.")
            if inside or (not around and all(told[0] == other for other in told)):
                self.move(op, told[0], inside)
                return told[0]
        if here and (self.standing[here] == 1 or not free):
            return here
        if here and told and told[0] == here:
            return here
        name = title(step)
        count = 1
        found = f"{here}.{name}" if here else name
        while found in self.homes or any(f"{found}.{slot}" in self.taken for slot in keys):
            if any(self.keys.get(key, "").rpartition(".")[0] == found for key in keys.values()):
                break  # the same weights again
            count += 1
            found = f"{here}.{name}_{count}" if here else f"{name}_{count}"
        self.move(op, found, True)
        return found

    def move(self, op: Op, path: str, inside: bool) -> None:
        place: Place = (*op.place, (path, 0)) if inside else ((path, 0),)
        op.place, op.kind = place, ""
        self.homes.add(path)


def _number_calls(program: Program, steps: list[Step]) -> None:
    """Tell second calls of a module from the first: it is called again where its first layer comes again."""
    kept = {id(step.op): (step.op.target, *step.learnables.values(), *step.buffers.values()) for step in steps}
    first: dict[str, tuple[object, ...]] = {}  # module -> what its first layer keeps
    numbers: Counter[str] = Counter()
    seen: set[tuple[object, ...]] = set()
    for op in program.ops:
        sign = (op.path, *kept[id(op)]) if id(op) in kept else None
        paths = [name for path, _ in op.place for name in _prefixes(path)]
        if sign is not None:
            if sign in seen:
                again = next((path for path in paths if first.get(path) == sign), "")
                numbers[again] += bool(again)
            seen.add(sign)
            for path in paths:
                first.setdefault(path, sign)
        if any(numbers[path] for path in paths):
            op.place = tuple((path, numbers[path]) for path in dict.fromkeys(paths))


def _prefixes(path: str) -> list[str]:
    names = path.split(".")
    return [".".join(names[: n + 1]) for n in range(len(names))]


def _mark_modules(program: Program, steps: list[Step]) -> None:
    """Say of the calls at a place that they are one module of torch.nn, where one of them keeps all that is there."""
    owners: dict[str, list[Step]] = {}
    for step in steps:
        owners.setdefault(step.op.path, []).append(step)
    whole = set()
    for path, found in owners.items():
        slots = {**found[0].learnables, **found[0].buffers}
        named = all(program.slots.get(ref) == f"{path}.{slot}" for slot, ref in slots.items())
        if path and named and len({step.op.target for step in found}) == 1:
            whole.add(path)
    for op in program.ops:
        if op.path in whole and not op.kind:
            op.kind = f"{MODULE}{op.name}"
