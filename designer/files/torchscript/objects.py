"""The objects of a TorchScript file: its modules with their attributes, its tensors, and what it was traced with."""

import dataclasses
from io import BytesIO
from typing import Any

from designer.files.archive import Archive, Span
from designer.files.checkpoint import LARGEST_PICKLE, MOST_TENSORS, dtype_of_storage, stored_tensor, tensor_parts
from designer.files.errors import FileError
from designer.files.pickled import Made, read_pickle
from designer.files.program import Setting, Stored
from designer.files.torchscript.text import Text
from designer.model.names import shortened

DEEPEST = 50  # modules inside each other
MOST_PARTS = 200_000
LISTS = ("build_intlist", "build_doublelist", "build_boollist", "build_tensorlist", "restore_type_tag")


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """A module or another object, without its numbers."""

    kind: str  # full name of its class
    attributes: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Kept:
    """A tensor that the file stores; its key in ``Objects.stored``."""

    key: str


@dataclasses.dataclass(frozen=True)
class Foreign:
    """Something that only its own code could make; the name of that."""

    name: str


@dataclasses.dataclass(frozen=True)
class Example:
    """A tensor that the model was traced with: no numbers, only its sizes."""

    shape: tuple[int | str, ...]
    dtype: str


class Objects:
    """What the pickles of a file hold."""

    def __init__(self, archive: Archive, text: Text):
        self.text = text
        self.spans: dict[str, Span] = {
            name: archive.span(name) for name in archive.entries if name.startswith(("data/", "constants/"))
        }
        self.stored: dict[str, Stored] = {}
        self.parts: dict[int, Part] = {}
        self.constants: list[Any] = []
        self.name = archive.path.name
        self.left = MOST_PARTS
        root = _pickle(archive, "data.pkl")
        model = self._value(root, "", "data/", 0)
        if not isinstance(model, Part):
            raise FileError(f"{self.name} holds no module.")
        self.model = model
        if "constants.pkl" in archive.entries:
            found = _pickle(archive, "constants.pkl")
            for n, value in enumerate(found if isinstance(found, tuple | list) else ()):
                self.constants.append(self._value(value, f"constants.{n}", "constants/", 0))
        self.traced = self._traced(archive)
        self.named: dict[tuple[Any, ...], str] = {}  # a tensor -> its first name that a state_dict has
        for key, kept in self.stored.items():
            if kept.persistent and kept.numel:
                self.named.setdefault(kept.view, key)

    def key(self, kept: Kept) -> str:
        """The name of a tensor; a list may hold what also is a learnable."""
        return self.named.get(self.stored[kept.key].view, kept.key)

    def _value(self, value: Any, path: str, folder: str, depth: int) -> Any:
        self.left -= 1
        if depth > DEEPEST or self.left < 0:
            raise FileError(f"{self.name} is damaged or was changed: its modules are nested too deeply.")
        if isinstance(value, list | tuple):
            entries = [self._value(entry, f"{path}.{n}", folder, depth + 1) for n, entry in enumerate(value)]
            return entries if isinstance(value, list) else tuple(entries)
        if isinstance(value, dict):
            return {
                key: self._value(entry, f"{path}.{key}", folder, depth + 1)
                for key, entry in value.items()
                if isinstance(key, str | int | float | bool)
            }
        if not isinstance(value, Made):
            return value if isinstance(value, int | float | str | bool | None) else Foreign(type(value).__name__)
        if (made := tensor_parts(value)) is not None:
            return self._tensor(value, made, path, folder)
        if value.name.startswith("torch.jit._pickle.") and value.name.endswith(LISTS) and value.arguments:
            return self._value(value.arguments[0], path, folder, depth + 1)
        if value.name == "torch.device":
            return Setting("device")
        if value.name.startswith("__torch__."):
            return self._part(value, path, folder, depth)
        return Foreign(value.name)

    def _tensor(self, value: Made, made: tuple[Any, ...], path: str, folder: str) -> Kept:
        if len(self.stored) >= MOST_TENSORS:
            raise FileError(f"{self.name} holds more than {MOST_TENSORS:,} tensors.")
        stored = stored_tensor(path, made, folder, self.spans)
        trains = stored.trains or (len(value.arguments) > 4 and value.arguments[4] is True)
        self.stored[path] = stored._replace(role="constant", persistent=False, trains=trains)
        return Kept(path)

    def _part(self, value: Made, path: str, folder: str, depth: int) -> Part | Foreign:
        found = self.text.class_of(value.name)
        if found is None:
            return Foreign(value.name)
        if "__setstate__" in found.methods:
            raise FileError(
                f"{self.name} holds a {shortened(found.name)} that only its own code can restore (__setstate__), "
                "which is not run: export the model and write it with torch.export.save."
            )
        state = value.state if value.state is not None else {}
        if not isinstance(state, dict):
            raise FileError(f"{self.name} is damaged: the attributes of {shortened(path or value.name)} are none.")
        attributes: dict[str, Any] = {}
        part = Part(value.name, attributes)
        for key, entry in state.items():
            if not isinstance(key, str) or not key or "." in key:
                raise FileError(f"{self.name} is damaged: {shortened(key)} is no name of an attribute.")
            inner = f"{path}.{key}" if path else key
            attributes[key] = kept = self._value(entry, inner, folder, depth + 1)
            if isinstance(kept, Kept) and key in (*found.parameters, *found.buffers):
                role = "parameter" if key in found.parameters else "buffer"
                self.stored[inner] = self.stored[inner]._replace(role=role, persistent=True)
        return part

    def _traced(self, archive: Archive) -> list[Any] | None:
        """What the model was traced with, in the order of its arguments; None where the file does not tell."""
        if "traced_inputs.pkl" not in archive.entries:
            return None
        found = _untagged(_pickle(archive, "traced_inputs.pkl"))
        inputs = _untagged(found.get("forward")) if isinstance(found, dict) else None
        return [_example(value, 0) for value in inputs] if isinstance(inputs, list) else None


def _pickle(archive: Archive, name: str) -> Any:
    try:
        return read_pickle(BytesIO(archive.read(name, LARGEST_PICKLE)))
    except FileError as error:
        said = str(error)
        known = archive.path.name in said
        raise FileError(said if known else f"{archive.path.name} cannot be read: {said}") from None


def _untagged(value: Any) -> Any:
    tagged = isinstance(value, Made) and value.name.startswith("torch.jit._pickle.") and value.arguments
    return value.arguments[0] if tagged else value


def _example(value: Any, depth: int) -> Any:
    """Sizes and types of what the model was traced with; the file keeps no numbers of it."""
    value = _untagged(value)
    if depth > DEEPEST:
        return None
    if isinstance(value, list | tuple):
        return type(value)(_example(entry, depth + 1) for entry in value)
    if isinstance(value, dict):
        return {key: _example(entry, depth + 1) for key, entry in value.items() if isinstance(key, str)}
    if isinstance(value, Made) and (made := tensor_parts(value)) is not None:
        key = made[0].key if hasattr(made[0], "key") and isinstance(made[0].key, tuple) else ()
        shape = made[2]
        dtype = made[4] or dtype_of_storage(str(key[1])) if len(key) > 1 else None
        whole = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < 2**40 for size in shape)
        return Example(shape, dtype) if whole and dtype else None
    return value if isinstance(value, int | float | bool | str) else None
