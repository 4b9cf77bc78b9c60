"""What is said about a file that was opened."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from designer.files.compare import Comparison, compare
from designer.files.kinds import is_there
from designer.files.recorded import MODULE, RECORDED
from designer.files.suggestions import Suggestion, suggested_ties
from designer.model import Group, Input, Network, Output
from designer.model.errors import NetworkError
from designer.model.names import plain
from designer.model.values import Stamp

SHOWN = 12  # entries of a long list
LONGEST = 5000  # characters of a line


class Note(str):
    """A sentence about what was read, and the paths of the layers that it is about.

    ``fix`` names the edit that changes what it says, made of its ports, of its first layer where it has none:
    ``free_size`` gives a fixed size a name, ``separate`` unties, ``tie_view`` draws a view as a tie.
    """

    __slots__ = ("fix", "layers", "ports")
    layers: tuple[str, ...]
    fix: str
    ports: tuple[str, ...]

    def __new__(
        cls, text: str, layers: tuple[str, ...] | None = None, fix: str | None = None, ports: tuple[str, ...] = ()
    ) -> "Note":
        note = super().__new__(cls, text)
        note.layers = getattr(text, "layers", ()) if layers is None else layers
        note.fix = getattr(text, "fix", "") if fix is None else fix
        note.ports = ports or getattr(text, "ports", ())
        return note

    @property
    def about(self) -> tuple[str, ...]:
        """What the fix is made of."""
        return self.ports or self.layers[:1]


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """What was read, what became of it, and what could not be."""

    kind: str
    path: Path
    layers: Mapping[str, int]  # type of layer -> how many
    ties: Mapping[str, str]  # tied name in the file -> key of the owner
    renamed: Mapping[str, str]  # name in the file that may not stand in the source -> key
    unused: tuple[str, ...]  # stored, but no output needs it
    placeholders: Mapping[str, int]  # operation that cannot be run -> how many
    notes: tuple[Note, ...]
    stamp: Stamp | None = dataclasses.field(repr=False)  # None: kept in a project, the file may be gone
    measured: Comparison | None = None  # what was compared on opening
    size: int = 0  # bytes of the file
    producer: str = ""  # the program that wrote the file, where that is told
    groups: int = 0
    parameters: int = 0  # numbers in learnables, each once
    borrowed: int = 0  # learnables that layers take over wires, under a name in the file or not
    bytes: int = 0  # of all values, each once
    tied_bytes: Mapping[str, int] = dataclasses.field(default_factory=dict)  # tied name -> bytes it does not store
    code: tuple[str, ...] = ()  # classes whose code would have to run to tell how layers are wired
    suggested: tuple[Suggestion, ...] | None = None  # ties that were found on opening; None: not looked for
    network: Network | None = dataclasses.field(default=None, repr=False)  # where they are looked for
    inputs: str = ""  # what it was opened with, where the file does not tell, as ``compare`` takes it

    @cached_property
    def comparison(self) -> Comparison:
        """The network against the file's own program, run in a child process when this is first asked for."""
        if self.measured is not None:
            return self.measured
        if self.stamp is None:
            return Comparison(None, "the network was saved before that was done")
        if self.kind not in (*RECORDED.values(), MODULE):
            return Comparison(None, "the file holds values, and no program")
        try:
            self.stamp.check()
            if not is_there(self.path):
                return Comparison(None, "the file is no longer there")
            return compare(self.path, inputs=self.inputs)
        except NetworkError:
            return Comparison(None, "the file was changed since it was opened")

    @property
    def compared(self) -> Comparison | None:
        """The comparison, if it was made already."""
        return self.__dict__.get("comparison", self.measured)

    @property
    def difference(self) -> float | None:
        """The largest difference between the outputs; None where ``comparison`` says why there is none."""
        return self.comparison.difference

    @cached_property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """The ties that the file does not have and that its numbers allow, looked for when this is first asked for."""
        if self.suggested is not None or self.network is None:
            return self.suggested or ()
        return suggested_ties(self.network)

    @property
    def known_suggestions(self) -> tuple[Suggestion, ...] | None:
        """The suggestions, if they were looked for already."""
        return self.__dict__.get("suggestions", self.suggested)

    def __str__(self) -> str:
        lines = [f"{self.path.name} ({self.kind})"]
        lines.append("layers: " + _listed(f"{count} {name}" for name, count in self.layers.items()))
        if self.ties:
            lines.append("tied: " + _listed(f"{name} = {owner}" for name, owner in self.ties.items()))
        if self.renamed:
            lines.append("renamed: " + _listed(f"{name} is now {key}" for name, key in self.renamed.items()))
        if self.unused:
            lines.append("not used by any output: " + _listed(self.unused))
        if self.placeholders:
            placeholders = (f"{count} {name}" for name, count in self.placeholders.items())
            lines.append("cannot be run, only shown: " + _listed(placeholders))
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"suggestion: {each.text}" for each in self.suggestions[:SHOWN]]
        found = self.comparison
        if found.difference is None:
            lines.append(f"not compared with the file's own program: {found.reason}")
        else:
            lines.append(f"largest difference from the file's own program: {found.difference:.3g}")
        return "\n".join(plain(line, LONGEST) for line in lines)


def _listed(entries: object) -> str:
    found = list(entries)  # type: ignore[call-overload]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(plain(entry, 200) for entry in found[:SHOWN]) + more


def layer_counts(network: Network) -> dict[str, int]:
    """How many layers of each type there are, the most frequent first."""
    counts = Counter(type(layer) for _, layer in network.walk())
    return {kind.__name__: count for kind, count in counts.most_common() if kind not in (Input, Output, Group)}


def described(network: Network, report: Report) -> Report:
    """Count what the network of a report has, and what its ties save; more ties are looked for in it when asked."""
    values = network.values
    learned = {
        key: values[key]
        for path, layer in network.walk()
        for name in layer.learnables()
        if (key := layer.key(path, name)) in values
    }
    tied = {name: values[owner].nbytes for name, owner in report.ties.items() if owner in values}
    return dataclasses.replace(
        report,
        size=report.stamp.size if report.stamp else 0,
        groups=sum(isinstance(layer, Group) for _, layer in network.walk()),
        borrowed=sum(len(layer.input_learnables) for _, layer in network.walk()),
        parameters=sum(value.numel() for value in learned.values()),
        bytes=sum(value.nbytes for value in values.values()),
        tied_bytes=tied | dict(report.tied_bytes),
        network=network,
    )
