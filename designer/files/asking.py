"""What a file does not tell and its reader must be told: sizes of inputs, leave to run code, a class to build."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from designer.files.errors import FileError
from designer.model import Input


class Wanted(NamedTuple):
    """An input that must be given, and what is known of it."""

    name: str
    shape: tuple[int | str, ...] | None = None  # its sizes, or names of those that are free; None: nothing is known
    dtype: str = "float32"


class NeedsInputs(FileError):
    """A file that does not tell what its model takes: open it again with ``inputs={name: Input(shape, dtype)}``."""

    def __init__(self, sentence: str, inputs: tuple[Wanted, ...]):
        super().__init__(sentence)
        self.inputs = inputs


def tell_inputs(inputs: Any) -> str:
    """Write down what a file is opened with, the sizes of tensors in the place of tensors."""

    def told(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): told(entry) for key, entry in value.items()}
        if hasattr(value, "dtype") and hasattr(value, "shape"):
            return {"": [list(value.shape or ()), str(value.dtype).removeprefix("torch.")]}
        if isinstance(value, tuple | list):
            return [told(entry) for entry in value]
        return value

    return "" if inputs is None else json.dumps(told(inputs))


def inputs_told(text: str) -> Any:
    """What ``tell_inputs`` wrote down."""

    def made(value: Any) -> Any:
        if isinstance(value, dict):
            plain = {key: made(entry) for key, entry in value.items()}
            return Input(tuple(plain[""][0]), plain[""][1]) if "" in plain else plain
        return tuple(map(made, value)) if isinstance(value, list) else value

    return made(json.loads(text)) if text else None


class Argument(NamedTuple):
    """An argument of a constructor, as its source says it."""

    name: str
    default: str | None = None  # source text; None: it must be given
    annotation: str = ""


class Buildable(NamedTuple):
    """A class of a source file that a model can be made of, and what its ``forward`` takes."""

    name: str
    arguments: tuple[Argument, ...] = ()
    inputs: tuple[Wanted, ...] = ()
    inner: bool = False  # whether another of the classes builds it


class NeedsCode(FileError):
    """A file that can only be opened by running its code: open it again with ``allow_code=True`` and a ``Choice``."""

    def __init__(self, sentence: str, classes: tuple[Buildable, ...]):
        super().__init__(sentence)
        self.classes = classes


class Choice(NamedTuple):
    """What to build of a source file: ``import_pytorch(path, inputs, allow_code=True, choice=Choice("Net"))``."""

    name: str
    arguments: Mapping[str, Any] = {}
    checkpoint: Path | None = None
