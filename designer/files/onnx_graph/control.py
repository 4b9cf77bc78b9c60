"""Branches and loops, where their condition is known when the file is read."""

from collections.abc import Callable
from typing import Any

from designer.files.errors import FileError
from designer.files.onnx_graph.decides import ask
from designer.files.onnx_graph.items import Item, Known, Number, Unsupported, known
from designer.files.onnx_graph.node import Run
from designer.files.torchscript.text import Unfollowed

MOST_TURNS = 1000
MOST_ENTRIES = 2_000_000  # of all lists together: each change of one is a new list


def _truth(item: Item, what: str) -> bool:
    if not isinstance(item, Known) or item.array.size != 1:
        raise Unsupported(f"{what} depends on the numbers of a tensor")
    number = item.numbers[0]
    if isinstance(number, Number):
        raise Unfollowed(f"{what} depends on a size of the inputs")
    return bool(number)


def _if(run: Run, condition: Item) -> Any:
    ask(run.follower, condition)
    chosen = run.attribute("then_branch" if _truth(condition, "its condition") else "else_branch")
    if chosen is None:
        raise FileError("it has a branch without a graph")
    return tuple(run.follower.run_graph(chosen, []))


def _loop(run: Run, most: Item, condition: Item, *carried: Item) -> Any:
    """A loop whose number of turns is known, as the turns one after the other."""
    body = run.attribute("body")
    if body is None:
        raise FileError("it has a loop without a graph")
    turns = None if most is None else run.whole(most, "how often it loops")[0]
    goes = condition is None or _truth(condition, "its condition")
    values, turn = list(carried), 0
    gathered: list[list[Item]] = [[] for _ in range(len(run.node.output) - len(carried))]
    while goes and (turns is None or turn < turns):
        if turn >= MOST_TURNS:
            raise Unsupported(f"it loops more than {MOST_TURNS:,} times")
        run.worlds.assumed = False
        found = run.follower.run_graph(body, [known([turn], (), "int64"), known([True], (), "bool"), *values])
        if run.worlds.assumed and (turns is None or turns > MOST_TURNS):  # the smallest size would end it first
            raise Unfollowed("how often it loops depends on a size of the inputs")
        goes = _truth(found[0], "whether it loops again")
        values = found[1 : 1 + len(carried)]
        for entries, item in zip(gathered, found[1 + len(carried) :]):
            entries.append(item)
        turn += 1
    if any(not entries for entries in gathered):
        raise Unsupported("it gathers nothing in a loop")
    stacked = [run.call("stack", [run.tensor(item) for item in entries], 0) for entries in gathered]
    return (*values, *stacked)


def _empty(run: Run) -> Any:
    return []


def _construct(run: Run, *items: Item) -> Any:
    return list(items)


def _insert(run: Run, items: Item, item: Item, at: Item = None) -> Any:
    if not isinstance(items, list):
        raise Unsupported("it puts a tensor into what is no list")
    run.follower.entries += len(items)
    if run.follower.entries > MOST_ENTRIES:
        raise FileError(f"its lists of tensors have more than {MOST_ENTRIES:,} entries")
    place = len(items) if at is None else run.whole(at, "a place in a list")[0]
    return [*items[:place], item, *items[place:]]


def _at(run: Run, items: Item, at: Item) -> Any:
    if not isinstance(items, list):
        raise Unsupported("it takes a tensor out of what is no list")
    return items[run.whole(at, "a place in a list")[0]]


def _length(run: Run, items: Item) -> Any:
    if not isinstance(items, list):
        raise Unsupported("it counts what is no list")
    return known([len(items)], (), "int64")


def _concatenated(run: Run, items: Item) -> Any:
    if not isinstance(items, list) or not items:
        raise Unsupported("it joins what is no list")
    tensors = [run.tensor(item) for item in items]
    return run.call("stack" if run.attribute("new_axis", 0) else "cat", tensors, run.attribute("axis", 0))


def _split(run: Run, x: Item, split: Item = None) -> Any:
    axis = run.attribute("axis", 0)
    if split is None:
        length: Any = 1
    else:
        given = run.whole(split, "how it splits")
        if isinstance(split, Known) and split.shape:
            return list(run.call("split_with_sizes", run.tensor(x), given, axis))
        length = given[0]
    parts = run.call("split", run.tensor(x), length, axis)
    alone = split is None and not run.attribute("keepdims", 1)
    return [run.call("squeeze", part, axis) for part in parts] if alone else list(parts)


OPERATORS: dict[str, Callable[..., Any]] = {
    "If": _if,
    "Loop": _loop,
    "SequenceEmpty": _empty,
    "SequenceConstruct": _construct,
    "SequenceInsert": _insert,
    "SequenceAt": _at,
    "SequenceLength": _length,
    "ConcatFromSequence": _concatenated,
    "SplitToSequence": _split,
}
