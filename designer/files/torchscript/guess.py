"""Guess what a model takes, where its file does not tell: from its first layers, by trying."""

import itertools
from collections.abc import Iterator
from typing import Any

from designer.files.torchscript.follow import plain_name
from designer.files.torchscript.inputs import Plan, plans
from designer.files.torchscript.objects import Example, Kept, Part
from designer.files.torchscript.read import Script, follow, needed
from designer.files.torchscript.text import Unfollowed

WEIGHTS = ("weight", "weight_ih_l0", "weight_ih")
MOST_LAYERS = 60  # that are looked at
MOST_TRIES = 60
IMAGES = (224, 32, 64, 28, 96, 128, 256, 299, 16, 8)
SERIES = (64, 400, 16000)
B, T = 2, 6


def guessed(script: Script, wanted: dict[str, tuple[str, bool]]) -> tuple[dict[str, Any], list[str]]:
    """Arguments that a program can be followed with, and a note that says so; raises NeedsInputs."""
    must = [name for name, (_, needs) in wanted.items() if needs]
    shapes = list(dict.fromkeys(_likely(script)))
    if not must or not shapes or any(wanted[name][0] != "Tensor" for name in must):
        raise needed(script, must or list(wanted) or ["x"])
    alike = [(shape,) * len(must) for shape in shapes]
    mixed = itertools.product(shapes, repeat=len(must)) if 1 < len(must) < 5 else ()
    reasons: list[Unfollowed] = []
    for given in itertools.islice(dict.fromkeys(itertools.chain(alike, mixed)), MOST_TRIES):
        examples = dict(zip(must, given))
        try:
            follow(script, _as_they_are(examples))
        except Unfollowed as reason:
            reasons.append(reason)
            continue
        told = ", ".join(f"{name} {'x'.join(map(str, shape.shape))} {shape.dtype}" for name, shape in examples.items())
        return examples, [f"the sizes of its inputs are guessed from its first layers: {told}"]
    if stopped := [reason for reason in reasons if script.text.endless or "numbers of a tensor" in str(reason)]:
        raise stopped[-1 if script.text.endless else 0]  # whatever the sizes are
    raise needed(script, must)


def _as_they_are(examples: dict[str, Any]) -> Plan:
    return list(plans(examples))[-1]


def _likely(script: Script) -> Iterator[Example]:
    """What the first layers with weights would take, the first first."""
    stored = script.objects.stored
    for part in itertools.islice(_weighted(script.objects.model), MOST_LAYERS):
        kept = _weight(part)
        if isinstance(kept, Kept):
            yield from _taking(
                plain_name(part.kind).rpartition(".")[2], stored[kept.key].shape, "weight" in part.attributes
            )
    for kept in script.objects.constants[:MOST_LAYERS]:  # a frozen model keeps its weights there
        if isinstance(kept, Kept) and "float" in stored[kept.key].dtype:
            yield from _taking("", stored[kept.key].shape, True)


def _taking(kind: str, shape: tuple[int, ...], plain: bool) -> Iterator[Example]:
    """What a layer takes whose weight has this shape."""
    if "Embedding" in kind:
        yield Example((B, T), "int64")
    elif not plain and len(shape) == 2:
        yield Example((B, T, shape[1]), "float32")
    elif len(shape) == 2:
        yield Example((B, shape[1]), "float32")
        yield Example((B, T, shape[1]), "float32")
        yield from (Example((B, c, n, n), "float32") for c in (1, 3) for n in IMAGES if c * n * n == shape[1])
    elif len(shape) > 2:
        channels = shape[0 if "Transpose" in kind else 1]
        sizes = SERIES if len(shape) == 3 else IMAGES
        yield from (Example((B, channels, *[n] * (len(shape) - 2)), "float32") for n in sizes)


def _weighted(model: Part) -> Iterator[Part]:
    """The parts with a matrix of weights, in the order in which they were put together."""
    todo, seen = [model], set()
    while todo:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(_weight(part), Kept):
            yield part
        todo += [entry for entry in reversed(part.attributes.values()) if isinstance(entry, Part)]


def _weight(part: Part) -> Any:
    """What a layer multiplies its input with."""
    return next((part.attributes[name] for name in WEIGHTS if name in part.attributes), None)
