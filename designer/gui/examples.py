"""The example networks: what their cards say, in the order in which they are shown."""

import functools
import json
from pathlib import Path
from typing import NamedTuple

from designer.gui.drawing import resource
from designer.gui.thumbnail import Thumbnail, thumbnail

NAMES = (
    *("tied-language-model", "tied-autoencoder", "gpt2"),
    *("image-classifier", "siamese-pair", "convolutional-autoencoder"),
)


class Example(NamedTuple):
    """One of them; the numbers are those of its analysis."""

    name: str
    title: str
    sentence: str
    stored: int
    used: int
    saved: int
    layers: int

    @property
    def path(self) -> Path:
        return resource("examples", f"{self.name}.network")

    @property
    def counts(self) -> str:
        return f"{self.stored:,} stored" + (f", {self.saved:,} saved" if self.saved else "")


@functools.cache
def examples() -> tuple[Example, ...]:
    """Read what stands beside the examples."""
    return tuple(Example(name, **json.loads(resource("examples", f"{name}.json").read_text())) for name in NAMES)


@functools.cache
def pictures() -> tuple[Thumbnail, ...]:
    """Read the examples for their thumbnails."""
    from designer.files.project import load

    return tuple(thumbnail(load(example.path)) for example in examples())
