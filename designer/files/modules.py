"""Read a whole module that torch.save wrote as data: its parts, their settings and tensors; none of its code is run."""

import dataclasses
from typing import Any

from designer.files.checkpoint import MOST_TENSORS, Saved, read_saved
from designer.files.errors import FileError
from designer.files.pickled import Made
from designer.files.program import Stored
from designer.files.tree import DEEPEST
from designer.model.names import join, shortened
from designer.model.values import Stamp

MOST_PARTS = 100_000


@dataclasses.dataclass(eq=False)
class Part:
    """A module of the file: one that stands under several names is one part."""

    kind: str  # its class, such as "torch.nn.modules.linear.Linear"
    settings: dict[str, Any]
    parameters: dict[str, str | None]  # slot -> its name among the tensors, or None where it has none
    buffers: dict[str, str | None]
    volatile: frozenset[str]  # buffers that its state_dict leaves out
    children: dict[str, "Part"]
    hooked: bool  # whether code of the file runs with it

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.kind.rpartition(".")[2]

    @property
    def of_torch(self) -> bool:
        """Whether its class is one of torch.nn."""
        return self.kind.startswith("torch.nn.modules.")


@dataclasses.dataclass(eq=False)
class Modules:
    """A module with all its parts, and the tensors that they name."""

    stamp: Stamp
    saved: Saved
    root: Part
    stored: dict[str, Stored]
    objects: dict[str, int]  # name of a tensor -> which object of the file it is


def read_modules(stamp: Stamp) -> Modules:
    """Read the module in a file. Raises FileError, without the name of the file."""
    saved = read_saved(stamp)
    root = saved.root
    if isinstance(root, dict):  # a checkpoint that holds the module beside other things
        root = next((value for value in root.values() if _is_module(value)), root)
    if not _is_module(root):
        raise FileError("it holds no module of PyTorch that can be read.")
    return _Reader(stamp, saved).read(root)


def _is_module(value: Any) -> bool:
    return isinstance(value, Made) and isinstance(value.state, dict) and isinstance(value.state.get("_modules"), dict)


class _Reader:
    def __init__(self, stamp: Stamp, saved: Saved):
        self.stamp, self.saved = stamp, saved
        self.stored: dict[str, Stored] = {}
        self.objects: dict[str, int] = {}
        self.parts: dict[int, Part] = {}

    def read(self, root: Made) -> Modules:
        return Modules(self.stamp, self.saved, self.part(root, "", 0), self.stored, self.objects)

    def part(self, made: Made, path: str, depth: int) -> Part:
        if id(made) in self.parts:
            return self.parts[id(made)]
        if depth > DEEPEST:
            raise FileError(f"{shortened(path)} is nested too deeply.")
        if len(self.parts) == MOST_PARTS:
            raise FileError(f"it has more than {MOST_PARTS:,} modules.")
        state = made.state
        volatile = state.get("_non_persistent_buffers_set")
        names = {name for name in volatile if isinstance(name, str)} if isinstance(volatile, list) else set()
        settings = {key: value for key, value in state.items() if isinstance(key, str) and not key.startswith("_")}
        hooked = any(state.get(name) for name in ("_forward_hooks", "_forward_pre_hooks"))
        part = Part(made.name, settings, {}, {}, frozenset(names), {}, hooked)
        self.parts[id(made)] = part
        part.parameters.update(self.tensors(state.get("_parameters"), path, "parameter"))
        part.buffers.update(self.tensors(state.get("_buffers"), path, "buffer", part.volatile))
        for name, child in state["_modules"].items():
            if _is_module(child) and isinstance(name, str):
                part.children[name] = self.part(child, join(path, name), depth + 1)
        return part

    def tensors(
        self, found: Any, path: str, role: str, volatile: frozenset[str] = frozenset()
    ) -> dict[str, str | None]:
        names: dict[str, str | None] = {}
        for slot, value in found.items() if isinstance(found, dict) else ():
            if not isinstance(slot, str):
                continue
            key = join(path, slot)
            entry = None if value is None else self.saved.stored(key, value)
            names[slot] = None if entry is None else key
            if entry is not None:
                if len(self.stored) == MOST_TENSORS:
                    raise FileError(f"it holds more than {MOST_TENSORS:,} tensors.")
                self.objects[key] = id(value)
                self.stored[key] = entry._replace(role=role, persistent=slot not in volatile)
        return names
