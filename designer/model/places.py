"""Where outputs stand in what a network gives back, as ``["past"](0)``: the brackets tell the kind of container."""

import dataclasses
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from designer.model.errors import NetworkError
from designer.model.names import free, shortened

DEEPEST = 32  # containers in each other
LONGEST = 1000  # characters of a place
MOST_GAPS = 10_000  # entries of all containers that hold no output

_ENTRY = re.compile(r"([\[(])(0|[1-9][0-9]{0,3})(?:/([1-9][0-9]{0,4}))?([\])])")
_KINDS = {"[]": "list", "()": "tuple"}


class Step(NamedTuple):
    """The entry of one container: its kind is "dict", "list" or "tuple"."""

    kind: str
    at: str | int
    size: int = 0  # how many entries a list or tuple has at least: those that no output stands at are None

    def __str__(self) -> str:
        if isinstance(self.at, str):
            return f"[{json.dumps(self.at, ensure_ascii=not self.at.isprintable())}]"
        written = f"{self.at}/{self.size}" if self.size > self.at + 1 else str(self.at)
        return f"[{written}]" if self.kind == "list" else f"({written})"


Place = tuple[Step, ...]  # from outside


def parse_place(text: str) -> Place:
    """Read a place such as ``["past"](0)``; ``(0/2)`` is the first of two. Raises NetworkError."""
    steps: list[Step] = []
    at = 0
    while at < len(text) <= LONGEST and len(steps) <= DEEPEST:
        step, at = _step(text, at)
        if step is None:
            break
        steps.append(step)
    if at != len(text) or len(steps) > DEEPEST:
        raise NetworkError(f'{shortened(text)} is no place of an output: write it as ["logits"], [0], (0) or (0)(1).')
    return tuple(steps)


def _step(text: str, at: int) -> tuple[Step | None, int]:
    """The entry that begins at a sign of a text, and where it ends."""
    if text.startswith('["', at):
        try:
            key, end = json.JSONDecoder().raw_decode(text, at + 1)
        except ValueError:
            return None, at
        return (Step("dict", key), end + 1) if text.startswith("]", end) else (None, at)
    found = _ENTRY.match(text, at)
    if found is None or (kind := _KINDS.get(found[1] + found[4])) is None:
        return None, at
    index, size = int(found[2]), int(found[3] or 0)
    if found[3] and not index < size <= MOST_GAPS:
        return None, at
    return Step(kind, index, size if size > index + 1 else 0), found.end()


def write_place(place: Place) -> str:
    """A place as a text, which is always the same for the same place."""
    return "".join(map(str, place))


@dataclasses.dataclass
class Holder:
    """A container that is given back, with names of outputs and other containers in it."""

    kind: str
    entries: dict[str | int, "Holder | str"] = dataclasses.field(default_factory=dict)
    size: int = 0  # of a list or tuple

    def items(self) -> Iterator[tuple[str | int, "Holder | str | None"]]:
        """What it holds in order, None where a list or tuple has a gap."""
        if self.kind == "dict":
            yield from self.entries.items()
        else:
            yield from ((n, self.entries.get(n)) for n in range(self.size))

    def gaps(self, step: Step) -> int:
        """How many more entries are None when another one is set, fewer where it fills a gap."""
        if isinstance(step.at, str):
            return 0
        return max(self.size, step.at + 1, step.size) - self.size - (step.at not in self.entries)

    def put(self, step: Step, entry: "Holder | str") -> None:
        """Set an entry."""
        self.entries[step.at] = entry
        if isinstance(step.at, int):
            self.size = max(self.size, step.at + 1, step.size)

    def names(self) -> Iterator[str]:
        """The outputs in it, in the order in which they are given back."""
        for _, entry in self.items():
            if isinstance(entry, Holder):
                yield from entry.names()
            elif entry is not None:
                yield entry


class Returned(NamedTuple):
    """What a network gives back, and what is wrong with the places of some outputs: name -> a clause."""

    whole: Holder | str  # one output alone is given as it is
    misplaced: Mapping[str, str]


def arranged(places: Mapping[str, str]) -> Returned:
    """Put outputs, name -> place, into their containers; those without a place come last in the outermost one."""
    parsed = {name: parse_place(place) for name, place in places.items() if place}
    if not parsed and len(places) == 1:
        return Returned(next(iter(places)), {})
    root = Holder(next(iter(parsed.values()))[0].kind if parsed else "tuple")
    misplaced: dict[str, str] = {}
    left = MOST_GAPS
    for name, place in parsed.items():
        wrong, gaps = _checked(root, place, left)
        if wrong:
            misplaced[name] = wrong
            continue
        left -= gaps
        holder = root
        for step, inner in itertools.pairwise(place):
            within = holder.entries.get(step.at)
            within = within if isinstance(within, Holder) else Holder(inner.kind)
            holder.put(step, within)
            holder = within
        holder.put(place[-1], name)
    for name in places:
        if name not in parsed:
            root.put(Step(root.kind, free(name, root.entries) if root.kind == "dict" else root.size), name)
    return Returned(root, misplaced)


def _checked(root: Holder, place: Place, left: int) -> tuple[str, int]:
    """Why an output cannot stand at a place, and how many gaps more there would be; few enough have to be left."""
    gaps = 0
    holder: Holder | str | None = root
    for n, step in enumerate(place):
        if isinstance(holder, str):
            return f"{holder} stands at {write_place(place[:n])} already", 0
        if holder is not None and holder.kind != step.kind:
            at = write_place(place[:n]) or "the outermost place"
            return f"at {at} there is a {holder.kind} already, not a {step.kind}", 0
        gaps += (holder or Holder(step.kind)).gaps(step)
        holder = holder.entries.get(step.at) if holder is not None else None
    if holder is not None:
        there = holder if isinstance(holder, str) else next(holder.names(), "another")
        return f"{there} stands there already", 0
    return (f"more than {MOST_GAPS:,} entries would be empty", 0) if gaps > left else ("", gaps)
