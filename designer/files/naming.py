"""Names of layers for what a file calls otherwise, or not at all."""

import re
from collections.abc import Iterable
from functools import lru_cache

from designer.files.steps import Step
from designer.layers import Operation
from designer.model.names import MODULE_DICT_NAMES, SOURCE_NAMES, is_name


def title(step: Step) -> str:
    """What a step is called that has no name in the file."""
    if step.name:
        return step.name
    if isinstance(step.layer, Operation):
        name, *rest = step.layer.operation.removeprefix("aten.").rstrip("?").split(".")
        foreign = rest and not step.op.target.startswith("aten.")
        return (rest[0] if foreign else name).strip("_") or "operation"
    return TITLES.get(type(step.layer).__name__, type(step.layer).__name__.lower())


TITLES = {"ScaledDotProductAttention": "attention", "MultiheadAttention": "attention", "Concatenate": "concatenate"}


_NUMBER = re.compile("0|[1-9][0-9]{0,8}")
_PLAIN = re.compile(r"[\w :-]+")  # no slash: a path shall not be kept
_UNWRITABLE = re.compile("[^A-Za-z0-9_]")


@lru_cache(1000)
def is_number(name: str) -> bool:
    return _NUMBER.fullmatch(name) is not None


@lru_cache(1000)
def legal_name(name: str, numbered: bool) -> str:
    """A name that may stand in the written source, as like to a given one as can be.

    One with brackets, quotes, operators and the like in it may be meant to be read as Python: nothing of it is kept.
    The blocks of a deep model ask for the same names.
    """
    if is_number(name):
        return name
    legal = _UNWRITABLE.sub("_", name)[:100] if _PLAIN.fullmatch(name) else ""
    legal = legal.strip("_") if not legal.isidentifier() else legal.lstrip("_")
    legal = legal or "layer"
    if legal[0].isdigit():
        legal = f"layer_{legal}"
    while not (is_name(legal) or legal in SOURCE_NAMES) or (numbered and legal in MODULE_DICT_NAMES):
        legal += "_"
    return legal


def counted(name: str, taken: Iterable[str], begun: dict[str, int] | None = None) -> str:
    """The name, with a number where it is taken; ``begun`` remembers how far each was counted, for many of one name."""
    number, found = (begun or {}).get(name, 1), name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    if begun is not None:
        begun[name] = number
    return found
