"""The classes of a written source, and for which layers each line stands."""

from collections.abc import Iterator
from typing import NamedTuple

from designer.source.lines import laid_out

STOP = "        ..."  # where a source ends that cannot be written further


class Line(NamedTuple):
    """One statement, the shape that it gives, and the layers that it is written for."""

    text: str
    comment: str = ""
    layers: tuple[str, ...] = ()

    def merged(self, other: "Line") -> "Line":
        """One line for two groups that share a class."""
        return Line(self.text, self.comment if self.comment == other.comment else "", self.layers + other.layers)


class Class:
    """One class of the file, shared by groups that do the same."""

    def __init__(self, head: Line, init: list[Line], signature: Line, lines: list[Line]):
        self.name, self.head, self.init, self.signature, self.lines = "", head, init, signature, lines

    @property
    def body(self) -> tuple[object, ...]:
        """What makes two classes the same: all but the name and the shapes."""
        texts = (tuple(line.text for line in lines) for lines in (self.init, self.lines))
        return self.head.text, self.signature.text, *texts

    def share(self, other: "Class") -> None:
        """Stand for another group too."""
        self.head, self.signature = self.head.merged(other.head), self.signature.merged(other.signature)
        self.init = [line.merged(same) for line, same in zip(self.init, other.init)]
        self.lines = [line.merged(same) for line, same in zip(self.lines, other.lines)]


def class_lines(made: Class) -> Iterator[Line]:
    yield Line(f"class {made.name}({made.head.text}):", "", made.head.layers)
    init = [Line("    def __init__(self):"), Line("        super().__init__()")] if made.init else []
    for indent, lines in (
        (0, init),
        (8, made.init),
        (0, [Line("")] if init else []),
        (4, [made.signature]),
        (8, made.lines),
    ):
        for line in lines:
            if line.text == STOP:
                yield line
                continue
            yield from (Line(text, "", line.layers) for text in laid_out(line.text, line.comment, indent))
