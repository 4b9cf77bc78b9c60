"""The report of an import: what was read, how equal the network is, and notes that lead to their layers."""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QShowEvent, QUndoCommand
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from designer.edits import free_size, separate, tie_view
from designer.files.report import Note, Report
from designer.files.report_lines import Section, facts, sections
from designer.files.values import VALUES
from designer.gui.comparing import Comparing
from designer.gui.document import Document
from designer.gui.offer import Offer, key_of, listed
from designer.gui.scrolling import scrolling
from designer.gui.suggesting import Suggesting
from designer.gui.tips import tip
from designer.gui.widgets import Fold, Icon, Label, Link, Piece, button, column, line, row, sentence
from designer.model import Network
from designer.model.names import common, parent

SHOWN = 200  # lines of a list; the rest is counted
FACTS = 292  # width of the column at the left
NAME = 26  # letters of a layer's name on a link


class Fix(NamedTuple):
    """An edit that a note offers."""

    button: str
    step: str  # what it is called when it can be undone
    edit: Callable[..., Network]
    ports: range = range(1, 2)  # how many it is made of


FIXES = {
    "free_size": Fix("Free the size", "Free the size of {}", free_size),
    "separate": Fix("Separate", "Give {} numbers of its own", separate, range(1, 1000)),
    "tie_view": Fix("Tie", "Tie {1} to {0}", tie_view, range(2, 3)),
}
OPEN = ("Notes", "Can only be shown, not run")  # lists that are shown unfolded


class ReportPanel(QWidget):
    """Facts at the left; at the right the comparison, what can be done, and lists.

    Signals:
        file_wanted: nothing was imported, and the user wants to.
        code_wanted: the code that a file names shall be run, if the user agrees.
        attach_wanted: the values of the file that is shown shall go to another open network; beside which button.
    """

    file_wanted = Signal()
    code_wanted = Signal()
    attach_wanted = Signal(object, object)

    def __init__(self, document: Document, comparing: Comparing, suggesting: Suggesting):
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.document, self.comparing = document, comparing
        self.shown: Report | None = None
        self.built = False
        self.lines: list[Line] = []
        self.offers: list[Offer] = []
        self.place = QVBoxLayout(self)
        self.place.setContentsMargins(0, 0, 0, 0)
        comparing.changed.connect(self.refresh)
        suggesting.found.connect(self.refresh)
        document.named.connect(self.refresh)
        document.changed.connect(self._follow)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Show the report of the document; built when it is first looked at."""
        if not self.isVisible():
            return
        if not self.built or self.document.report is not self.shown:
            self.built, self.shown = True, self.document.report
            self.lines, self.offers = [], []
            while (old := self.place.takeAt(0)) is not None:
                gone = old.widget()
                gone.setParent(None)
                gone.deleteLater()
            self.place.addWidget(self._empty() if self.shown is None else self._content(self.shown))
        if self.shown is not None:
            self._say()
            self._offer(self.shown)

    def _empty(self) -> QWidget:
        text = Label("This network was not imported: the report of a PyTorch file that you open stands here.", "t2")
        choose = Link("Open a PyTorch file…", self.file_wanted.emit)
        return column(row(text, 12, choose, None, margins=(12, 12, 12, 12)), None)

    def _content(self, report: Report) -> QWidget:
        known = [
            row(_fixed(Label(name, "t2"), 84), 8, _filling(value), margins=(14, 0, 12, 0), height=22)
            for name, value in facts(report).items()
        ]
        left = scrolling(column(8, *known, 8, None))
        left.setFixedWidth(FACTS)
        edge = QFrame(objectName="line")
        edge.setFixedWidth(1)
        made = row(left, edge, column(self._comparison(), line(), self._lists(report)))
        made.layout().setStretch(2, 1)
        return made

    def _comparison(self) -> QWidget:
        self.icon, self.said = Icon("", "text3", 16), Label("", "strong", Qt.TextElideMode.ElideRight)
        self.stop = button("Cancel", self.comparing.cancel)
        self.stop.setToolTip("Stop comparing")
        self.again = button("Compare", self.comparing.start)
        self.again.setToolTip("Run the original and this network on a probe, in a process of their own")
        made = row(self.icon, 10, self.said, 12, self.stop, self.again, margins=(14, 0, 14, 0), height=44)
        made.layout().setStretch(2, 1)
        return made

    def _say(self) -> None:
        self.icon.show_icon(*self.comparing.icon)
        self.said.say(self.comparing.text)
        self.said.setAccessibleName(self.comparing.text)
        self.stop.setVisible(self.comparing.progress is not None)
        self.again.setVisible(self.comparing.can_start)

    def _lists(self, report: Report) -> QWidget:
        pieces: list[Piece] = []
        if report.kind in VALUES:
            pieces += [self._values(report), line()]
        if report.code:
            pieces += [self._code(report), line()]
        pieces.append(offered := column())
        self.offered = offered
        pieces += [self._list(section) for section in sections(report, self.document.network)]
        self.nothing = row(Label("Nothing else is to be said about this file.", "t2"), margins=(14, 12, 14, 12))
        self.nothing.setVisible(len(pieces) == 1)
        return scrolling(column(*pieces, self.nothing, None))

    def _offer(self, report: Report) -> None:
        """Show the ties that are suggested, once they are known."""
        if self.offers or not report.known_suggestions:
            return
        self.nothing.hide()
        self.offers = [Offer(self.document, each, self.select) for each in report.known_suggestions[:SHOWN]]
        for offer in self.offers:
            self.offered.layout().addWidget(offer)
            self.offered.layout().addWidget(line())

    def _code(self, report: Report) -> QWidget:
        named = ", ".join(report.code[:4]) + (f" and {len(report.code) - 4} more" if len(report.code) > 4 else "")
        text = sentence(f"How the layers are wired is said by program code that was not run: {named}.", "t1")
        run = button("Run code…", self.code_wanted.emit)
        run.setEnabled(report.stamp is not None)
        run.setToolTip("Asks first" if report.stamp else "Open the file again to run its code")
        made = row(Icon("code", "text2", 16), 10, text, 12, run, margins=(14, 8, 14, 8))
        made.layout().setStretch(2, 1)
        return made

    def _values(self, report: Report) -> QWidget:
        text = sentence("A file of values has no layers; a network that is open can have them.", "t1")
        attach = button("Attach to a network…", lambda: self.attach_wanted.emit(report.path, attach))
        attach.setToolTip("Show which of these values belong to the network of another window")
        made = row(Icon("import", "text2", 16), 10, text, 12, attach, margins=(14, 8, 14, 8))
        made.layout().setStretch(2, 1)
        return made

    def _list(self, section: Section) -> QWidget:
        """A heading that folds its lines; they are made when they are first shown."""
        fold = Fold(section.title, section.title in OPEN, f"{len(section.lines):,}")
        body = column()
        body.setVisible(fold.isChecked())

        def fill(on: bool) -> None:
            if on and not body.layout().count():
                made = [Line(self, each) for each in section.lines[:SHOWN]]
                for each in made:
                    body.layout().addWidget(each)
                if more := len(section.lines) - len(made):
                    rest = Label(f"And {more:,} more: the exported report has them.", "t3")
                    body.layout().addWidget(row(rest, margins=(28, 6, 14, 10)))
                self.lines += made
            body.setVisible(on)

        fold.toggled.connect(fill)
        fill(fold.isChecked())
        return column(fold, body)

    def _follow(self) -> None:
        for offer in self.offers:
            offer.refresh()

    def step(self, at: "Line", by: int) -> None:
        """Go on to a line that is shown."""
        shown = [each for each in self.lines if each.isVisible()]
        next_ = shown[min(max(shown.index(at) + by, 0), len(shown) - 1)]
        next_.setFocus(Qt.FocusReason.OtherFocusReason)
        area = next_.parentWidget()
        while not isinstance(area, QScrollArea):
            area = area.parentWidget()
        area.ensureWidgetVisible(next_)

    def mark(self, chosen: "Line") -> None:
        for each in self.lines:
            if each.property("chosen") or each is chosen:
                each.setProperty("chosen", each is chosen)
                each.style().unpolish(each)
                each.style().polish(each)

    def select(self, layers: tuple[str, ...]) -> None:
        """Select layers in the group that has them all; those deeper down by their groups."""
        paths = [path for path in layers if path in self.document.network.all]
        if not paths:
            self.document.refused.emit("The layers of this line are not in the network any more.")
            return
        home = reduce(common, map(parent, paths))
        below = len(home) + 1 if home else 0
        shown = {path[:below] + path[below:].partition(".")[0] for path in paths}
        self.document.look(path=home, selection=frozenset(shown))


class Line(QFrame):
    """One line of a list; clicked, or with Return, it selects its layers."""

    def __init__(self, panel: ReportPanel, note: Note):
        super().__init__(objectName="problem")
        self.panel, self.note = panel, note
        text = sentence(str(note), "t1")
        text.setMinimumWidth(40)
        pieces: list[Piece] = [text]
        if note.layers:
            name = note.layers[0].rpartition(".")[2]
            name = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
            link = Link(name if len(note.layers) == 1 else f"{len(note.layers):,} layers", self.choose)
            link.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the line itself has the keyboard
            link.setToolTip(tip("Select " + listed(note.layers)))
            pieces += [12, link]
        found = FIXES.get(note.fix)
        self.fix = found if found and len(note.about) in found.ports else None
        self.step: QUndoCommand | None = None  # that was made of it
        if self.fix:
            self.fixing = button(self.fix.button, self.mend)
            self.fixing.setToolTip("Ctrl+Return")
            pieces += [12, self.fixing]
            panel.document.history.indexChanged.connect(self._offer)
        body = row(*pieces, margins=(28, 5, 14, 5))
        body.layout().setStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(body)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"{note} {listed(note.layers)}".strip())

    def choose(self) -> None:
        self.panel.mark(self)
        if self.note.layers:
            self.panel.select(self.note.layers)

    def mend(self) -> None:
        """Make the edit that the note offers, as one step."""
        fix, document = self.fix, self.panel.document
        if fix is None or self._mended():
            return
        about = self.note.about
        text, steps = fix.step.format(*map(key_of, about)), document.history.index()

        def made() -> None:
            if document.history.index() == steps:
                return  # it changed nothing
            self.step = document.history.command(document.history.index() - 1)
            document.told.emit(f"{text}: done.")
            self._offer()

        document.attempt(text, lambda net: fix.edit(net, *about), then=made)

    def _mended(self) -> bool:
        """Whether the step that was made of it stands; it may be undone."""
        history = self.panel.document.history
        return self.step is not None and any(history.command(n) is self.step for n in range(history.index()))

    def _offer(self) -> None:
        done = self._mended()
        self.fixing.setEnabled(not done)
        self.fixing.setText("Done" if done or self.fix is None else self.fix.button)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()
        self.choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.mend()
        elif enter or event.key() == Qt.Key.Key_Space:
            self.choose()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.panel.step(self, 1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)


def _fixed(label: Label, width: int) -> Label:
    label.setFixedWidth(width)
    return label


def _filling(text: str) -> Label:
    label = Label(text, "t1", Qt.TextElideMode.ElideMiddle)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return label
