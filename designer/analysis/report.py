"""What an analysis tells: a row for each layer, totals, problems with their fixes."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from designer.analysis.flow import Facts, Flow, Propagation, flow_of
from designer.analysis.html import write_html
from designer.analysis.shapes import Size
from designer.model import Network, Port, Shape

if TYPE_CHECKING:
    from designer.analysis.problems import Findings

LISTED = 2  # learnables of a layer that the printed table names, of more only the first


@dataclasses.dataclass(frozen=True)
class Row:
    """One layer in the table; a group sums up what it holds.

    Attributes:
        name: its path.
        activations: the shape of each data output; None where it is not known.
        learnables: name -> shape, taken ones too.
        tied_to: taken learnable -> the key of its owner; of an expression all owners, separated by commas.
        states: buffer -> shape, such as the running mean of a batch normalisation.
        stored, used: numbers that it stores, and that it computes with.
        bytes: of what it stores.
        multiply_adds: for one run; a text where it grows with the sizes, None where it is not known.
        trains: whether training changes anything of what it owns; None where it owns nothing.
        factor: learn-rate factors of what it owns, one number or name -> number.
    """

    name: str
    type: str
    activations: tuple[Shape | None, ...]
    learnables: Mapping[str, Shape]
    tied_to: Mapping[str, str]
    stored: int
    used: int
    states: Mapping[str, Shape] = dataclasses.field(default_factory=dict)
    bytes: int = 0
    multiply_adds: Size | None = None
    trains: bool | None = None
    factor: float | Mapping[str, float] | None = None
    known: bool = True  # False where sizes are missing, so that counts are partial


class Fix(NamedTuple):
    """An edit that mends a problem."""

    text: str
    edit: Callable[[Network], Network]


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something wrong, in one sentence, and edits that would mend it."""

    severity: Literal["error", "warning"]
    text: str
    layers: tuple[str, ...]
    fixes: tuple[Fix, ...] = ()
    port: Port | None = None  # an input that no wire leads to, where that is what is wrong


@dataclasses.dataclass(frozen=True, eq=False)
class Analysis:
    """What a network does, stores and borrows, and what is wrong with it."""

    network: Network
    table: Mapping[str, Row] = dataclasses.field(repr=False)  # path -> row, in the order of the rows
    problems: Sequence[Problem]
    propagation: Propagation = dataclasses.field(repr=False)
    findings: "Findings" = dataclasses.field(repr=False)

    @cached_property
    def rows(self) -> Sequence[Row]:
        """A row for each layer in the order of computation, a group before what it holds."""
        return list(self.table.values())

    @property
    def facts(self) -> Mapping[str, Facts]:
        """What torch says of each layer that is no group, second uses included."""
        return self.propagation.facts

    @cached_property
    def stored(self) -> int:
        """Numbers that the network stores."""
        return sum(row.stored for row in self.rows if row.type != "Group")

    @cached_property
    def used(self) -> int:
        """Numbers counted once for each layer that computes with them."""
        return sum(row.used for row in self.rows if row.type != "Group")

    @property
    def saved(self) -> int:
        """Numbers that ties save."""
        return self.used - self.stored

    @cached_property
    def bytes(self) -> int:
        """Bytes of what the network stores."""
        return sum(row.bytes for row in self.rows if row.type != "Group")

    @property
    def partial(self) -> bool:
        """Whether something is not known, so that totals are the least."""
        return not all(row.known for row in self.rows)

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    def row(self, path: str) -> Row:
        """The row of a layer or group."""
        return self.table[path]

    def flow(self, port: Port) -> Flow | None:
        """What runs out of an output port."""
        origin = self.propagation.flat.resolve(port)
        return flow_of(origin, self.facts, 1) or flow_of(port, self.facts, 1)

    def shape(self, port: Port) -> Shape | None:
        """The sizes of what runs out of an output port; None where they are not known."""
        return flow.shape if (flow := self.flow(port)) else None

    def dtype(self, port: Port) -> str | None:
        """The type of the elements of what runs out of an output port."""
        return flow.dtype if (flow := self.flow(port)) else None

    def learnable_shape(self, port: Port) -> tuple[int, ...] | None:
        """The sizes of a learnable that a layer computes with, owned or taken."""
        fact = self.facts.get(port.layer)
        tensor = fact.state.get(port.name) if fact else None
        return tensor.sizes if tensor else None

    def input_shapes(self, path: str) -> list[Shape | None]:
        """The sizes of what arrives at the data inputs of a layer, in their order."""
        sources = (self.network.source_of(Port(path, name)) for name in self.network.inputs_of(path))
        return [self.shape(source) if source else None for source in sources]

    def __str__(self) -> str:
        return write_table(self)

    def _repr_html_(self) -> str:
        return write_html(self)


def shape_text(shape: Shape | None, times: str = " x ") -> str:
    """A shape as people read it: ``B x T x 300``, ``?`` where it is not known."""
    if shape is None:
        return "?"
    return times.join(map(str, shape)) or "one number"


def write_table(analysis: Analysis) -> str:
    """The analysis as text: a line for each layer, the totals, the problems."""
    table = [("name", "type", "activations", "learnables", "tied to", "stored", "used")]
    for row in analysis.rows:
        activations = ", ".join(map(shape_text, row.activations))
        learnables = [f"{name} {shape_text(sizes)}" for name, sizes in row.learnables.items()]
        if len(learnables) > LISTED:
            learnables = [learnables[0], f"{len(learnables) - 1} more"]
        tied = ", ".join(dict.fromkeys(row.tied_to.values()))
        name = "  " * row.name.count(".") + row.name
        table.append((name, row.type, activations, ", ".join(learnables), tied, f"{row.stored:,}", f"{row.used:,}"))
    least = "at least " if analysis.partial else ""
    table.append(("total", "", "", "", "", f"{least}{analysis.stored:,}", f"{least}{analysis.used:,}"))
    widths = [max(map(len, column)) for column in zip(*table)]

    def line(cells: tuple[str, ...]) -> str:
        words = [cell.ljust(width) for cell, width in zip(cells[:5], widths)]
        counts = [cell.rjust(width) for cell, width in zip(cells[5:], widths[5:])]
        return "  ".join([*words, *counts]).rstrip()

    lines = [line(cells) for cells in table]
    rule = "-" * max(map(len, lines))
    problems = [f"{problem.severity}: {problem.text}" for problem in analysis.problems]
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *problems])


def as_dict(analysis: Analysis) -> dict[str, Any]:
    """The analysis as plain data for JSON."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: plain(entry) for name, entry in value.items()}
        return [plain(entry) for entry in value] if isinstance(value, tuple) else value

    rows = [{field.name: plain(getattr(row, field.name)) for field in dataclasses.fields(Row)} for row in analysis.rows]
    problems = [
        {"severity": p.severity, "text": p.text, "layers": list(p.layers), "fixes": [fix.text for fix in p.fixes]}
        for p in analysis.problems
    ]
    totals = {name: getattr(analysis, name) for name in ("stored", "used", "saved", "bytes", "partial")}
    return {"rows": rows, **totals, "problems": problems}
