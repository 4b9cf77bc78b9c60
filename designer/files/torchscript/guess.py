"""Guess what a model takes from the layers that take it first."""

from typing import Any

from designer.files.torchscript.read import Script, needed


def guessed(script: Script, wanted: dict[str, tuple[str, bool]]) -> tuple[dict[str, Any], list[str]]:
    """Arguments that a program can be followed with, and a note that says so; raises NeedsInputs."""
    raise needed(script, [name for name, (_, must) in wanted.items() if must])
