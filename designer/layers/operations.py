"""The ATen operations that an Operation layer may run, read from ``operations.txt``.

The list is what a rule gives: operations that change nothing that they are given, take tensors, numbers, texts and
dtypes, and give tensors. ``tests/layers/test_operations.py`` holds the rule, and writes the list when it is run.
"""

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

DROPPED = ("Device", "Layout", "MemoryFormat", "Generator")  # kinds of arguments that are left at their defaults


class Argument(NamedTuple):
    """An argument of an operation, in the words of its schema."""

    kind: str  # "Tensor?[]", "int[2]", "ScalarType?"
    name: str
    required: bool
    keyword: bool  # cannot be given by its position
    default: str = ""  # as the schema writes it


class Signature(NamedTuple):
    """What an operation takes and gives."""

    arguments: tuple[Argument, ...]
    results: tuple[str, ...]
    harmless: tuple[tuple[str, Any], ...]  # if not empty: one of these arguments must have this value

    @property
    def lists(self) -> bool:
        """Whether it gives a list of tensors."""
        return self.results == ("Tensor[]",)

    @property
    def placed(self) -> bool:
        """Whether it makes a tensor on a device of its own choice."""
        kinds = {argument.kind for argument in self.arguments}
        return "Device?" in kinds and not any(kind.startswith("Tensor") for kind in kinds)


def signature(name: str) -> Signature | None:
    """The signature of an operation that may be run; None for any other."""
    line = _lines().get(name)
    return _parsed(line) if line else None


def names() -> tuple[str, ...]:
    """All operations that may be run."""
    return tuple(_lines())


@cache
def _lines() -> Mapping[str, str]:
    text = (Path(__file__).parent / "operations.txt").read_text("utf-8")
    return {line.partition("(")[0]: line for line in text.splitlines()}


@cache
def _parsed(line: str) -> Signature:
    """A line such as ``roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor``."""
    schema, _, condition = line.partition("  # ")
    given, _, results = schema.partition("(")[2].rpartition(") -> ")
    before, _, after = (f", {given}" if given else "").partition(", *, ")
    positional, keywords = _arguments(before.removeprefix(", "), False), _arguments(after, True)
    pairs = (pair.split("=") for pair in condition.split(" or ") if pair)
    return Signature(
        positional + keywords,
        tuple(result.split(" ")[0] for result in results.strip("()").split(", ")),
        tuple((name, ast.literal_eval(value)) for name, value in pairs),
    )


def _arguments(text: str, keyword: bool) -> tuple[Argument, ...]:
    parts = re.split(r", (?![^\[]*\])", text) if text else ()  # not at the commas of a default such as [1, 1]
    split = (re.fullmatch(r"(\S+) (\w+)(=.*)?", part) for part in parts)
    return tuple(Argument(m[1], m[2], m[3] is None, keyword, (m[3] or "")[1:]) for m in split if m)
