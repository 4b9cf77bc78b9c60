"""Boxes: the modules of a program as groups to be, with the steps that they made, and what flows between them."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from designer.files.program import Place, Ref
from designer.files.steps import Flow, Step

Path = tuple[str, ...]
Chain = tuple[tuple[str, int], ...]  # names from outside in, each with how often that module was called before


@dataclasses.dataclass(eq=False)
class Box:
    """What one call of a module made."""

    path: Path  # of the module
    loose: bool = False  # stands elsewhere than its path says, and owns nothing
    items: list["Item"] = dataclasses.field(default_factory=list)
    words: dict[Ref, str] = dataclasses.field(
        default_factory=dict
    )  # what its results are called, itself like the first
    name: str = ""  # given last
    inputs: dict[Ref, str] = dataclasses.field(default_factory=dict)  # data from outside -> port
    outputs: dict[Ref, str] = dataclasses.field(default_factory=dict)  # data for outside -> port


@dataclasses.dataclass(eq=False)
class Piece:
    """A step that stands in a box."""

    step: Step
    own: Path = ()  # the path under which it owns learnables and buffers, or is called like
    name: str = ""

    @property
    def movable(self) -> bool:
        """Whether it may stand in another box: it owns nothing."""
        return (not self.step.stateful or not self.own) and self.step.op.target != "constant"


@dataclasses.dataclass(eq=False)
class Again:
    """A second use of a piece or a box that stands beside it."""

    target: Box | Piece
    body: Box | Piece  # what it was made of
    inputs: dict[Ref, Ref]  # what the target takes -> what this use takes
    outputs: dict[Ref, Ref]  # what the target gives -> what this use gives
    name: str = ""


Item = Box | Piece | Again


def pieces(item: Item) -> Iterator[Piece]:
    """The pieces in an item, those of second uses as well."""
    todo = [item]
    while todo:
        at = todo.pop()
        if isinstance(at, Piece):
            yield at
        elif isinstance(at, Box):
            todo += reversed(at.items)
        else:
            todo.append(at.body)


def made(item: Item) -> dict[Ref, None]:
    """The values that an item gives."""
    return flow(item).made


def taken(item: Item) -> dict[Ref, None]:
    """The values that an item takes from outside, in order."""
    return flow(item).taken


def flow(item: Item) -> Flow:
    """What an item gives and takes."""
    if isinstance(item, Box):
        return _around(map(flow, item.items))
    if isinstance(item, Again):
        return Flow(dict.fromkeys(item.outputs.values()), dict.fromkeys(item.inputs.values()))
    return item.step.flow


def flows(box: Box) -> dict[int, Flow]:
    """What each item in a box, however deep, gives and takes, by its identity: told in one walk, from inside out."""
    found: dict[int, Flow] = {}
    _add_flows(box, found)
    return found


def _add_flows(item: Item, found: dict[int, Flow]) -> Flow:
    """Note the flow of an item after those of what is in it."""
    around = _around([_add_flows(inner, found) for inner in item.items]) if isinstance(item, Box) else flow(item)
    found[id(item)] = around
    return around


def _around(inner: Iterable[Flow]) -> Flow:
    """What a box gives and takes whose items do so."""
    gives: dict[Ref, None] = {}
    takes: dict[Ref, None] = {}
    for each in inner:
        gives |= each.made
        takes |= each.taken
    return Flow(gives, {ref: None for ref in takes if ref not in gives})


def chain(place: Place) -> Chain:
    """The modules around a call by name; one that was called from elsewhere stands at its own path."""
    found: list[tuple[str, int]] = []
    at = ""
    for path, number in place:
        if at and not path.startswith(at + "."):
            found, at = [], ""
        names = path[len(at) + 1 if at else 0 :].split(".")
        found += [(name, 0) for name in names[:-1]]
        found.append((names[-1], number))
        at = path
    return tuple(found)


def plain(links: Chain) -> Path:
    return tuple(name for name, _ in links)


def first_use(links: Chain) -> bool:
    return all(number == 0 for _, number in links)


def boxed(placed: list[tuple[Step, Chain, Path]], fixed: set[Ref]) -> Box:
    """Put each step into the box of its module; the path is the one under which it owns, if any.

    ``fixed`` are the learnables and constants, and what is made of learnables alone.
    """
    root = Box(())
    known: dict[Chain, Box] = {(): root}

    for step, links, own in placed:
        _known(links, known).items.append(Piece(step, own))
    merge(root, fixed)
    return root


def _known(links: Chain, known: dict[Chain, Box]) -> Box:
    """The box of a call of a module, made where there is none."""
    box = known.get(links)
    if box is None:
        box = known[links] = Box(plain(links))
        _known(links[:-1], known).items.append(box)
    return box


def merge(box: Box, fixed: set[Ref]) -> None:
    """Turn repeated calls of a module into second uses of the first, or into steps of their own where they differ."""
    first: dict[Path, Item] = {}
    items: list[Item] = []
    for item in box.items:
        if isinstance(item, Box):
            merge(item, fixed)
        path = item.path if isinstance(item, Box) else item.own if isinstance(item, Piece) else ()
        before = first.get(path) if path else None
        if before is None:
            if path and not isinstance(item, Again):
                first[path] = item
            items.append(item)
        elif isinstance(item, Piece) and not item.step.stateful:
            items.append(Piece(item.step, ()))
        elif type(before) is type(item) and (again := repeats(before, item, fixed)) is not None:
            items.append(again)
        else:
            items += opened(item)
    box.items = items


def repeats(before: Any, item: Any, fixed: set[Ref]) -> Again | None:
    """A second use, if what is called does the same with other data; ``fixed`` values must be the very same."""
    old_pieces, new_pieces = ([p for p in pieces(i) if p.step.op.target != "constant"] for i in (before, item))
    if len(old_pieces) != len(new_pieces):
        return None
    refs: dict[Ref, Ref] = {}
    for old, new in zip(old_pieces, new_pieces):
        a, b = old.step, new.step
        if a.layer != b.layer or a.buffers != b.buffers or old.own != new.own or b.outputs.keys() - a.outputs.keys():
            return None
        if a.inputs.keys() != b.inputs.keys() or a.learnables.keys() != b.learnables.keys():
            return None
        for mine, other in ((a.inputs, b.inputs), (a.learnables, b.learnables)):
            for name, ref in mine.items():
                if ref not in refs and (ref not in fixed) == (other[name] not in fixed):
                    refs[ref] = ref if ref in fixed else other[name]
                if refs.get(ref) != other[name]:
                    return None
        refs |= {ref: b.outputs[name] for name, ref in a.outputs.items() if name in b.outputs}
    outputs = {ref: refs[ref] for ref in made(before) if ref in refs}
    inputs = {ref: refs[ref] for ref in taken(before) if ref in refs and ref not in fixed}
    return Again(before, item, inputs, outputs)


def opened(item: Item) -> list[Item]:
    """The steps of an item, owning nothing, to stand in the box around it."""
    return [Piece(piece.step, ()) for piece in pieces(item)]
