"""What a model gives back: which tensor stands at which place in its dicts, lists and tuples."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from designer.model import NetworkError
from designer.model.names import shortened
from designer.model.places import DEEPEST, Step, arranged, write_place

OTHER_KEYS = "a dict with other keys than texts"
MOST_TOLD = 20  # notes on what is no tensor
LONGEST_LABEL = 200


class Held(NamedTuple):
    """A container that a model gives back: its kind is "dict", "list" or "tuple"."""

    kind: str
    entries: list[tuple[str, Any]]  # with their names; those of a list or tuple without names are numbers
    was: str = ""  # the class that it is, where that is none of the three


class Left(NamedTuple):
    """What stands in the place of something that is no tensor and cannot be given back."""

    what: str


class Results(NamedTuple):
    """The tensors that a model gives back."""

    outputs: list[tuple[str, Any]]  # label and tensor
    places: list[str]  # of each, as an Output says it
    notes: list[str]  # on what is lost


def in_order(entries: Any) -> list[tuple[str, Any]]:
    """Entries of a list or tuple that has no names."""
    return [(str(n), entry) for n, entry in enumerate(entries)]


def with_texts(keys: list[Any], entries: list[Any], was: str = "") -> Held:
    """A dict; keys that are no texts become texts, which is told."""
    texts = all(isinstance(key, str) for key in keys)
    return Held("dict", list(zip(map(str, keys), entries)), was if texts else was or OTHER_KEYS)


def results(given: Any, tensor: type) -> Results:
    """The tensors in what a model gives back, in order, where all that is one has the type ``tensor``.

    Of a single tensor and of a plain tuple of tensors no place is said: networks give these by themselves.
    """
    notes = remarks(given)
    leaves = list(_leaves(given, tensor))
    kept = [leaf for leaf in leaves if isinstance(leaf.value, tensor)]
    outputs = [("_".join(leaf.names)[:LONGEST_LABEL], leaf.value) for leaf in kept]
    places = [write_place(tuple(leaf.steps)) for leaf in kept]
    plain = isinstance(given, Held) and given.kind == "tuple" and len(given.entries) == len(places) > 1
    if plain and all(isinstance(entry, tensor) for _, entry in given.entries):
        places = [""] * len(places)
    elif not _fit(places):
        places = [""] * len(places)
        notes.append("its outputs are returned in one tuple, because how they are nested cannot be kept")
    notes += [said for leaf in leaves if (said := _said(leaf, tensor))]
    return Results(outputs, places, _not_too_many(notes))


def remarks(given: Any) -> list[str]:
    """What is to be said of containers that come back as plain ones, and of what cannot be given back."""
    notes: list[str] = []

    def walk(entry: Any, steps: list[Step]) -> None:
        where = f"its output {_shown(steps)}" if steps else "its output"
        if isinstance(entry, Left):
            notes.append(f"{where} is {entry.what}, which is left out")
        if not isinstance(entry, Held) or len(steps) > DEEPEST:
            return
        if entry.was:
            was = entry.was if entry.was == OTHER_KEYS else class_of(entry.was)
            notes.append(f"{where} was {was}, and is returned as a {entry.kind}")
        for step, _, inner in _steps(entry):
            walk(inner, [*steps, step])

    walk(given, [])
    return _not_too_many(notes)


def _not_too_many(notes: list[str]) -> list[str]:
    more = len(notes) - MOST_TOLD
    return notes if more <= 0 else [*notes[:MOST_TOLD], f"the same is to be said of {more:,} more of its outputs"]


@dataclasses.dataclass
class _Leaf:
    """Something that is no container with entries, and the way to it."""

    steps: list[Step]
    names: list[str]
    value: Any


def _leaves(given: Any, tensor: type) -> Iterator[_Leaf]:
    """Each leaf; the last tensor of a list or tuple says how long that is, where anything else comes after it.

    The way to what lies too deep for a place ends at the first container that does.
    """

    def walk(entry: Any, steps: list[Step], names: list[str]) -> list[_Leaf]:
        if not isinstance(entry, Held) or not entry.entries:
            return [_Leaf(steps, names, entry)]
        found: list[_Leaf] = []
        last = None
        placed = len(steps) <= DEEPEST
        for step, name, inner in _steps(entry):
            below = walk(inner, [*steps, step] if placed else steps, [*names, name] if placed else names)
            last = next((leaf for leaf in reversed(below) if isinstance(leaf.value, tensor)), last)
            found += below
        if last is not None and placed and entry.kind != "dict":
            last.steps[len(steps)] = last.steps[len(steps)]._replace(size=len(entry.entries))
        return found

    yield from walk(given, [], [])


def _steps(held: Held) -> Iterator[tuple[Step, str, Any]]:
    for n, (name, entry) in enumerate(held.entries):
        yield Step(held.kind, name if held.kind == "dict" else n), name, entry


def _fit(places: list[str]) -> bool:
    """Whether outputs can stand at these places."""
    try:
        return not arranged({str(n): place for n, place in enumerate(places)}).misplaced
    except NetworkError:
        return False


def _said(leaf: _Leaf, tensor: type) -> str:
    """What is to be said of a leaf that is always the same; None stays in a list or tuple."""
    value = leaf.value
    if isinstance(value, tensor | Left) or (value is None and (not leaf.steps or leaf.steps[-1].kind != "dict")):
        return ""
    if isinstance(value, Held):
        return f"its output {_shown(leaf.steps)} is an empty {value.kind}, which is left out"
    word = "" if value is None or isinstance(value, bool) else "the text " if isinstance(value, str) else "the number "
    return f"its output {_shown(leaf.steps)} is {word}{shortened(value)}, which is left out"


def _shown(steps: list[Step]) -> str:
    """The way to an entry, in a note."""
    place = write_place(tuple(steps))
    return place if len(place) <= 60 else f"{place[:57]}..."


def class_of(name: str) -> str:
    """A class in a sentence, by its name where it has a plain one."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,99}", name):
        return "a class of its own"
    return f"an {name}" if name[0] in "AEIOUaeiou" else f"a {name}"


def filled(given: Any, tensor: type, leaves: Iterator[Any]) -> Any:
    """The same with other leaves in the place of its tensors."""
    if isinstance(given, Held):
        return given._replace(entries=[(name, filled(entry, tensor, leaves)) for name, entry in given.entries])
    return next(leaves, None) if isinstance(given, tensor) else given
