"""Read what people type for what a file does not tell: sizes of inputs, and arguments of constructors."""

import ast
import re
from typing import Any

from designer.files.asking import Argument
from designer.files.errors import FileError
from designer.model import Input, NetworkError
from designer.model.names import shortened

PLAIN = re.compile(r"[A-Za-z_][\w .-]*")  # a text that needs no quotes
SIZE = re.compile(r"[A-Za-z_]\w*|[0-9]+")


def sizes_of(text: str) -> tuple[int | str, ...]:
    """Read sizes as in ``B, 3, 224, 224``; names are sizes that stay free. Raises FileError."""
    plain = text.strip()
    if plain[:1] in ("(", "[") and plain[-1:] in (")", "]"):
        plain = plain[1:-1].strip()
        if not plain:
            return ()  # of a single number
    if not plain:
        raise FileError("The sizes are missing: write them as B, 3, 224, 224, with names for those that are free.")
    found: list[int | str] = []
    for entry in (part.strip() for part in plain.rstrip(",").split(",")):
        if not SIZE.fullmatch(entry):
            raise FileError(f"{shortened(entry)} is no size: write a number as 224, or a name as B where it is free.")
        found.append(int(entry) if entry.isdecimal() else entry)
    return tuple(found)


def input_of(text: str, dtype: str) -> Input:
    """Read an input from its sizes and its type of numbers. Raises FileError."""
    try:
        return Input(sizes_of(text), dtype=dtype)
    except NetworkError as error:
        raise FileError(str(error)) from None


def named_input(text: str) -> tuple[str, Input]:
    """Read ``NAME=B,3,224,224:dtype``; float32 without a dtype. Raises FileError."""
    name, equals, rest = text.partition("=")
    sizes, colon, dtype = rest.partition(":")
    if not equals or not name.strip().isidentifier():
        raise FileError(f"{shortened(text)} is no input: write it as image=B,3,224,224 or tokens=B,T:int64.")
    return name.strip(), input_of(sizes, dtype.strip() if colon else "float32")


def value_of(text: str) -> Any:
    """Read an argument as Python writes it: numbers, texts, truth values, lists of them; plain words are a text."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        if PLAIN.fullmatch(text.strip()):
            return text.strip()
        raise FileError(
            f"{shortened(text)} is no value: write a number, a text, True, False, None, or a list of these."
        ) from None


def named_value(text: str) -> tuple[str, Any]:
    """Read ``name=value``. Raises FileError."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise FileError(f"{shortened(text)} is no argument: write it as hidden_size=256.")
    return name.strip(), value_of(value)


def argument_of(argument: Argument, text: str) -> dict[str, Any]:
    """Read a field that stands for an argument: nothing where it keeps its default. Raises FileError."""
    if text.strip() == (argument.default or ""):
        if argument.default is None:
            raise FileError(f"{argument.name} must be given.")
        return {}
    return {argument.name: value_of(text)} if text.strip() else {}
