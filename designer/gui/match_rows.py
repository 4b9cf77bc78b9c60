"""The matches between a network and a file as rows: what each says, and which are ticked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from designer.edits.attaching import how, order_text
from designer.edits.matching import Match, Matching
from designer.gui.drawing import shape_text
from designer.gui.tips import tip
from designer.model import Network

COLUMNS = ("", "Value", "Shape", "From", "Shape there", "How")
TICK, VALUE, SHAPE, FROM, THERE, HOW = range(len(COLUMNS))
State = Literal["offer", "kept", "unused", "match"]
# What a row is drawn with: an icon, and its colour in the theme.
MARKS = {
    "misfit": ("triangle-alert", "warning"),
    "missing": ("minus", "text3"),
    "differs": ("triangle-alert", "warning"),
    "unused": ("minus", "text3"),
    "tied": ("link", "learn"),
}
Index = QModelIndex | QPersistentModelIndex


class Line(NamedTuple):
    """One row: a value of the network, a tensor of the file, or both."""

    state: State
    key: str
    shape: str
    name: str
    there: str
    how: str
    mark: str = ""
    match: Match | None = None  # that a tick takes

    @property
    def words(self) -> str:
        return f"{self.key} {self.name} {self.how} {self.shape} {self.there}".replace("\u200a", "").lower()


def lines(network: Network, matching: Matching) -> list[Line]:
    """List what has to be decided, what stays as it was, what nothing takes, then what is taken by itself."""
    found: list[Line] = []
    ways: dict[str, list[Match]] = {}
    for each in matching.matches:
        ways.setdefault(each.key, []).append(each)
    for each in matching.matches:
        state: State = "match" if each.direct else "offer"
        found.append(_line(state, each, _how(each, ways[each.key]), match=each))
    for each in matching.misfits:
        found.append(_line("kept", each, each.trouble, "misfit"))
    for slot in matching.missing:
        left = "keeps its own" if slot.key in network.values else "none yet"
        found.append(Line("kept", slot.key, shape_text(slot.shape), "", "", f"not in the file: {left}", "missing"))
    for twin in matching.twins:
        said = {True: "equal to", False: "differs from", None: "not compared with"}[twin.same]
        mark, state = ("tied", "match") if twin.same else ("differs", "unused")
        found.append(Line(state, "", "", twin.name, "", f"tied: {said} {twin.key}", mark))
    found += [
        Line("unused", "", "", n, shape_text(s), "nothing takes it", "unused") for n, s in matching.unused.items()
    ]
    order = ("offer", "kept", "unused", "match")
    return sorted(found, key=lambda line: order.index(line.state))


def _line(state: State, each: Match, said: str, mark: str = "", match: Match | None = None) -> Line:
    return Line(state, each.key, shape_text(each.shape), each.name, shape_text(each.have), said, mark, match)


def _how(each: Match, ways: Sequence[Match]) -> str:
    """How a tensor came to a value, and the other ways in which it fits."""
    if len(ways) == 1:
        return how(each)
    others = " or ".join(order_text(other) for other in ways if other is not each)
    return f"{each.by}, {order_text(each)} (or {others})"


class Rows(QAbstractTableModel):
    """The rows that pass the filter; a value is taken in one way at most.

    Signals:
        ticked: another choice was made.
    """

    ticked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Line] = []
        self.shown: list[Line] = []
        self.chosen: dict[str, Match] = {}  # by the key of the value
        self.state: State | None = None  # of the rows that are shown, None for all
        self.words = ""

    def take(self, network: Network, matching: Matching) -> None:
        """Show other matches: direct ones ticked, those that were there before as they were."""
        before = {line.match for line in self.all if line.match}
        chosen, self.chosen = self.chosen, {}
        self.beginResetModel()
        self.all = lines(network, matching)
        for line in self.all:
            if line.match is not None:
                known = line.match in before
                if chosen.get(line.key) == line.match if known else line.match.direct:
                    self.chosen[line.key] = line.match
        self._filter()
        self.endResetModel()
        self.ticked.emit()

    def filter(self, state: State | None, words: str) -> None:
        """Show the rows of one state that have all of some words."""
        self.beginResetModel()
        self.state, self.words = state, words
        self._filter()
        self.endResetModel()

    def _filter(self) -> None:
        words = self.words.lower().split()
        self.shown = [
            line for line in self.all if self.state in (None, line.state) and all(word in line.words for word in words)
        ]

    def on(self, line: Line) -> bool:
        return line.match is not None and self.chosen.get(line.key) == line.match

    def tick(self, places: Iterable[int], on: bool) -> None:
        """Tick rows that are shown, or take their ticks away; where many are meant, a value's other ways stay out."""
        meant = [self.shown[place] for place in places]
        now: dict[str, Match] = {}
        for line in meant:
            if line.match is not None and on:
                if len(meant) == 1 or line.key not in self.chosen:
                    now.setdefault(line.key, line.match)
            elif self.on(line):
                del self.chosen[line.key]
        self.chosen |= now
        if self.shown:
            self.dataChanged.emit(self.index(0, TICK), self.index(len(self.shown) - 1, HOW), [])
        self.ticked.emit()

    def counts(self) -> Mapping[State, int]:
        """How many rows there are of each state."""
        found: dict[State, int] = dict.fromkeys(("offer", "kept", "unused", "match"), 0)
        for line in self.all:
            found[line.state] += 1
        return found

    def rowCount(self, index: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if index.isValid() else len(self.shown)

    def columnCount(self, index: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if index.isValid() else len(COLUMNS)

    def text(self, line: Line, column: int) -> str:
        return ("", line.key, line.shape, line.name, line.there, line.how)[column]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line, column = self.shown[index.row()], index.column()
        if role == Qt.ItemDataRole.CheckStateRole and column == TICK and line.match is not None:
            return Qt.CheckState.Checked if self.on(line) else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.AccessibleTextRole and column == TICK:
            return "cannot be taken" if line.match is None else "taken" if self.on(line) else "not taken"
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.text(line, column)
        if role == Qt.ItemDataRole.ToolTipRole and column != TICK:
            return tip(self.text(line, column)) or None
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        tickable = index.column() == TICK and self.shown[index.row()].match is not None
        return plain | Qt.ItemFlag.ItemIsUserCheckable if tickable else plain

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a tick that a screen reader sets."""
        if role != Qt.ItemDataRole.CheckStateRole or self.shown[index.row()].match is None:
            return False
        self.tick([index.row()], Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if side == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if side == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        return None
