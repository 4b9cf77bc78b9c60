"""The sheet that shows what of a file belongs to the open network, and attaches what is ticked."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QVBoxLayout

from designer.edits.attaching import Attachment, attached, nothing_fits
from designer.edits.matching import Match, Matching, match
from designer.gui.match_rows import State
from designer.gui.match_table import Matches
from designer.gui.widgets import Icon, Label, Search, Tab, button, line, row, sentence
from designer.model import Network, NetworkError

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow

WIDEST, HIGHEST = 1040, 640
FILTERS: dict[State | None, str] = {
    None: "All",
    "offer": "To decide",
    "kept": "Not attached",
    "unused": "Not used",
    "match": "Matched",
}


class AttachForm(QDialog):
    """All matches, unsure ones first and unticked. The window stays usable: another network is matched again."""

    def __init__(
        self, window: "MainWindow", path: Path, tensors: Mapping[str, Any], network: Network, matching: Matching
    ):
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Attach values of {path.name}")
        self.document, self.path, self.tensors = window.document, path, tensors
        self.network, self.matching = network, matching
        self.busy = self.gone = False
        self.table = Matches()
        title = Label(f"Attach values of {path.name} to {self.document.name}", "title", Qt.TextElideMode.ElideMiddle)
        self.said = sentence()
        self.tabs = {state: Tab(text) for state, text in FILTERS.items()}
        self.field = Search("Filter")
        self.field.setFixedWidth(200)
        self.field.setToolTip("Words of names, shapes and reasons")
        self.problem = sentence(name="error")
        self.problems = row(self.problem, margins=(24, 8, 24, 8))
        self.all, self.none = button("Tick all shown", self._tick_all), button("Untick all shown", self._untick_all)
        self.all.setToolTip("Take every tensor that is listed now; of several ways the first")
        self.none.setToolTip("Take none of the tensors that are listed now")
        self.cancel, self.go = button("Cancel", self.reject), button("Attach", self.accept, "primary")
        for each in (self.all, self.none, self.cancel):
            each.setAutoDefault(False)
        self.go.setDefault(True)
        self._lay_out(title)
        self.resize(min(WIDEST, window.width() - 64), min(HIGHEST, window.height() - 64))
        for state, tab in self.tabs.items():
            tab.chosen.connect(lambda state=state: self._filter(state))
        self.field.textChanged.connect(lambda: self._filter(self.table.rows.state))
        self.table.rows.ticked.connect(self._say)
        self.document.changed.connect(self.follow)
        self.document.named.connect(self.reject)
        self.refuse("")
        self._show(network, matching)
        self.table.setFocus()

    def _lay_out(self, title: Label) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        head = row(Icon("import", "accent", 20), 12, title, margins=(24, 20, 24, 8))
        head.layout().setStretch(2, 1)
        layout.addWidget(head)
        layout.addWidget(row(self.said, margins=(24, 0, 24, 8)))
        layout.addWidget(row(*self.tabs.values(), None, 12, self.field, margins=(12, 0, 24, 4)))
        layout.addWidget(line())
        layout.addWidget(self.table, 1)
        layout.addWidget(self.problems)
        layout.addWidget(line())
        foot = row(self.all, 8, self.none, None, self.cancel, 8, self.go, margins=(24, 12, 24, 12))
        layout.addWidget(foot)

    def _show(self, network: Network, matching: Matching) -> None:
        """Show what belongs together now; what was ticked stays so where it is still there."""
        self.network, self.matching = network, matching
        self.table.rows.take(network, matching)
        counts = self.table.rows.counts()
        for state, tab in self.tabs.items():
            count = len(self.table.rows.all) if state is None else counts[state]
            tab.setText(f"{FILTERS[state]} {count:,}")
            tab.setAccessibleName(tab.text())
            tab.setVisible(state is None or count > 0)
            tab.updateGeometry()
        if self.tabs[self.table.rows.state].isHidden():
            self._filter(None)
        self._mark()

    def _filter(self, state: State | None) -> None:
        self.table.rows.filter(state, self.field.text())
        self._mark()

    def _mark(self) -> None:
        rows = self.table.rows
        for state, tab in self.tabs.items():
            tab.setChecked(state == rows.state)
        able = any(line.match is not None for line in rows.shown)
        self.all.setEnabled(able)
        self.none.setEnabled(able)

    def _tick_all(self) -> None:
        self.table.tick_all(True)

    def _untick_all(self) -> None:
        self.table.tick_all(False)

    def refuse(self, problem: str) -> None:
        """Say why nothing was attached."""
        self.problem.setText(problem)
        self.problems.setVisible(bool(problem))

    def _say(self) -> None:
        """Count what would be attached."""
        taken, every = len(self.table.rows.chosen), len(self.matching.slots)
        open_ = {each.key for each in self.matching.matches if not each.direct} - self.table.rows.chosen.keys()
        if not self.matching.matches:
            self.said.setText(nothing_fits(self.matching, self.path.name))
        else:
            more = f" {len(open_):,} more fit{'s' if len(open_) == 1 else ''} if you say so: tick what is meant."
            self.said.setText(f"{taken:,} of {every:,} values get what is in the file.{more if open_ else ''}")
        self.go.setText(f"Attach {taken:,}" if taken else "Attach")
        self.go.setAccessibleName(self.go.text())
        self.go.setEnabled(bool(taken) and not self.busy)

    @property
    def chosen(self) -> tuple[Match, ...]:
        """What is ticked, in the order of the network."""
        chosen = self.table.rows.chosen
        return tuple(each for each in self.matching.matches if chosen.get(each.key) == each)

    def accept(self) -> None:
        """Attach what is ticked, beside the window, as one step."""
        chosen, network, tensors = self.chosen, self.network, self.tensors
        if self.busy or not chosen or self.document.network is not network:
            return
        self._work(True)
        report = Attachment(self.path.name, self.matching, chosen, frozenset(network.values))

        def made(new: Network) -> None:
            if self.gone:
                return
            self._work(False)
            if self.document.network is not network:
                self.follow()
                return
            self.leave()
            self.document.edit(f"Attach values of {self.path.name}", new)
            self.document.told.emit(report.sentence)
            QDialog.accept(self)

        self.document.beside(lambda: attached(network, tensors, chosen), made, self._failed)

    def _work(self, busy: bool) -> None:
        self.busy = busy
        self._say()

    def follow(self) -> None:
        """Match again when the network is another one."""
        network, tensors = self.document.network, self.tensors
        if network is self.network or self.busy or self.gone:
            return
        self._work(True)

        def came(matching: Matching) -> None:
            if self.gone:
                return
            self.busy = False
            if self.document.network is network:
                self._show(network, matching)
            else:
                self.follow()

        self.document.beside(lambda: match(network, tensors), came, self._failed)

    def _failed(self, error: BaseException) -> None:
        if self.gone:
            return
        if not isinstance(error, NetworkError):
            raise error
        self._work(False)
        self.refuse(str(error))

    def leave(self) -> None:
        """Hear no more of the document."""
        if not self.gone:
            self.gone = True
            self.document.changed.disconnect(self.follow)
            self.document.named.disconnect(self.reject)

    def done(self, result: int) -> None:
        self.leave()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.leave()
        super().closeEvent(event)
