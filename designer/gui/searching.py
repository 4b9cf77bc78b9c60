"""Which layers there are to add, and which of them a few letters mean."""

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple

import designer.layers  # noqa: F401  (its types register themselves)
from designer.gui.drawing import OTHER_NAMES, shape_text
from designer.layers import operations
from designer.model import CATEGORIES, Group, Layer, layer_types


class Entry(NamedTuple):
    """One line of the library, and of the search box."""

    type: str
    title: str
    hint: str = ""  # one other name, beside the title
    words: str = ""  # all that a search finds it by
    properties: dict[str, Any] = {}

    @property
    def category(self) -> str:
        return layer_types[self.type].category

    def layer(self) -> Layer:
        return layer_types[self.type](**self.properties)


INPUTS = (
    Entry("Input", "Tokens", shape_text(("B", "T")), "", {"shape": ["B", "T"], "dtype": "int64"}),
    Entry("Input", "Sequence", shape_text(("B", "T", "C")), "", {"shape": ["B", "T", "C"]}),
    Entry("Input", "Image", shape_text(("B", "C", "H", "W")), "", {"shape": ["B", "C", "H", "W"]}),
    Entry("Input", "Features", shape_text(("B", "C")), "", {"shape": ["B", "C"]}),
)
HIDDEN = ("Operation",)  # made by what is opened: its arguments cannot be guessed


def entries() -> list[Entry]:
    """List what can be added, in the order of the library."""
    found = []
    for category in CATEGORIES:
        for name, layer_type in layer_types.items():
            if layer_type.category != category or name in HIDDEN:
                continue
            words = f"{name} {layer_type.search} {category}".lower()
            if name == "Input":
                found += [entry._replace(words=f"{words} {entry.title}".lower()) for entry in INPUTS]
            else:
                found.append(Entry(name, name, OTHER_NAMES.get(name, ""), words))
    return found


def search(found: Iterable[Entry], text: str) -> list[Entry]:
    """Give the entries that have all words of a text, the likeliest first; if none has, those with its letters."""
    words = text.lower().split()
    ranked = sorted((rank, n, entry) for n, entry in enumerate(found) if (rank := _rank(entry, words)) is not None)
    sure = [entry for rank, _, entry in ranked if rank < LETTERS]
    return sure or [entry for _, _, entry in ranked]


LETTERS = 5  # from this rank on a title has but the letters of the text, with others between


def _rank(entry: Entry, words: list[str]) -> int | None:
    """How well an entry answers, 0 best; None: not at all."""
    title, text = entry.title.lower(), "".join(words)
    if text in title:
        return 0 if title == text else 1 if title.startswith(text) else 2
    if all(word in f"{title} {entry.words}" for word in words):
        own = entry.words.removesuffix(entry.category.lower())
        return 3 if f" {' '.join(words)}" in own else 4
    initials = "".join(letter for letter in entry.title if not letter.islower()).lower()
    if initials.startswith(text):
        return LETTERS
    rest = iter(title)
    return LETTERS + 1 if title[:1] == text[:1] and all(letter in rest for letter in text) else None


def asks_learnables(text: str) -> bool:
    """Whether a text is a word by which others know the switches of learnables."""
    word = "".join(text.lower().split())
    return len(word) > 2 and any(known.startswith(word) for known in ("inputlearnables", "outputlearnables"))


def operation(text: str) -> Entry | None:
    """The operation of torch that a text names, where it needs nothing but tensors."""
    name = text.strip()
    for full in (name, *(each for each in operations.names() if name and each.startswith(f"{name}."))):
        known = operations.signature(full)
        needed = [argument for argument in known.arguments if argument.required] if known else []
        if known and needed and not known.harmless and all(a.kind == "Tensor" and not a.keyword for a in needed):
            ports = tuple("in" if argument.name == "self" else argument.name for argument in needed)
            given = {"ports": ports, "arguments": tuple(("port", port) for port in ports)}
            results = 1 if known.lists else len(known.results)
            return Entry("Operation", full, "of torch", properties={"operation": full, "results": results, **given})
    return None


def near(found: Iterable[Entry], text: str) -> str:
    """Guess which title was meant by a text that finds nothing; "" where none is like it."""
    names = {entry.title.lower(): entry.title for entry in found}
    like = difflib.get_close_matches(text.strip().lower(), names, 3, 0.4)
    like.sort(key=lambda name: "2d" not in name)  # of the like ones, what most people mean
    return names[like[0]] if like else ""


def signature(entry: Entry) -> str:
    """Say what of a layer is set first, or else how many inputs it has."""
    kind = layer_types[entry.type]
    if entry.properties:
        return str(entry.properties.get("dtype", "float32"))
    own = [field.name for field in dataclasses.fields(kind) if not field.kw_only]
    if own and kind is not Group:
        return ", ".join(own[:2])
    count = len(kind().inputs())
    return "any inputs" if kind.variadic else f"{count} inputs" if count > 1 else ""
