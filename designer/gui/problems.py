"""The problems of the network: what is wrong, where, and edits that mend it."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from designer.analysis import Fix, Problem
from designer.gui.document import Document
from designer.gui.scrolling import scrolling
from designer.gui.tips import tip
from designer.gui.widgets import Icon, Label, Link, Piece, button, column, line, row, sentence
from designer.model.names import parent

SHOWN = 200  # a list that nobody reads to its end; the rest is counted


class ProblemsPanel(QWidget):
    """A line for each problem; fixes are undo steps.

    Signals:
        pointed: a fix is pointed at, None when none is any more.
        connect_wanted: what fits an input that no wire leads to is asked for.
    """

    pointed = Signal(object)
    connect_wanted = Signal(object)

    def __init__(self, document: Document):
        super().__init__(objectName="panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.document, self.at = document, -1
        self.area = scrolling()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.area)
        self.lines: list[_Line] = []
        self.shown: tuple[Problem, ...] | None = None
        document.analyzed.connect(self.refresh)
        document.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        analysis = self.document.analysis
        problems = tuple(analysis.problems) if analysis else None
        if problems is not None and problems == self.shown:
            return
        self.shown, self.at = problems, -1
        self.lines = [_Line(self, problem) for problem in (problems or ())[:SHOWN]]
        if problems is None:
            content = _note("Problems are looked for when torch has loaded.", "", "text2")
        elif not problems:
            content = _note("No problems found.", "circle-check", "success")
        else:
            more = len(problems) - len(self.lines)
            rest = [sentence(f"And {more:,} more.", "t3")] if more else []
            content = column(*self.lines, *rest, None)
        self.area.setWidget(content)

    def step(self, by: int) -> None:
        """Go to the next or the previous problem, and select its layers."""
        if self.lines:
            self.at = (self.at + by) % len(self.lines) if self.at >= 0 else (0 if by > 0 else len(self.lines) - 1)
            self.lines[self.at].choose()
            self.lines[self.at].setFocus(Qt.FocusReason.ShortcutFocusReason)  # so that Ctrl+Return mends it
            self.area.ensureWidgetVisible(self.lines[self.at])

    def mark(self, chosen: "_Line") -> None:
        self.at = self.lines.index(chosen)
        for each in self.lines:
            each.setProperty("chosen", each is chosen)
            each.style().unpolish(each)
            each.style().polish(each)


def _note(text: str, icon: str, color: str) -> QWidget:
    pieces: list[Piece] = [Icon(icon, color, 16), 8] if icon else []
    return column(row(*pieces, Label(text, "t2"), None, margins=(12, 12, 12, 12)), None)


class _Line(QFrame):
    """One problem: its sign, its sentence, its layers, its fixes."""

    def __init__(self, panel: ProblemsPanel, problem: Problem):
        super().__init__(objectName="problem")
        self.panel, self.problem, self.document = panel, problem, panel.document
        error = problem.severity == "error"
        icon = Icon("octagon-alert" if error else "triangle-alert", "error" if error else "warning", 16)
        icon.setAccessibleName(problem.severity)
        text = sentence(problem.text, "problem")
        self.setAccessibleName(f"{problem.severity}: {problem.text}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        network = self.document.network
        links: list[QWidget | int] = []
        for path in problem.layers:
            if path in network.all:
                links += [Link(path, partial(self.select, path)), 10]
        fixes: list[QWidget | int] = []
        for number, fix in enumerate(problem.fixes):
            fixes += [8, _FixButton(panel, fix, partial(self.mend, number), first=number == 0)]
        if (port := problem.port) is not None:
            fixes += [8, button("Connect…", partial(panel.connect_wanted.emit, port), "" if fixes else "primary")]
        words = column(text, row(*links, None, height=22), gap=2, name="")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        body = row(icon, 12, words, *fixes, margins=(14, 8, 14, 8))
        body.layout().setStretch(2, 1)
        body.layout().setAlignment(icon, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(body)
        layout.addWidget(line())

    def choose(self) -> None:
        """Select the layers that the problem is about."""
        self.panel.mark(self)
        paths = [path for path in self.problem.layers if path in self.document.network.all]
        if paths:
            home = parent(paths[0])
            beside = frozenset(path for path in paths if parent(path) == home)
            self.document.look(path=home, selection=beside)

    def select(self, path: str) -> None:
        self.panel.mark(self)
        self.document.look(path=parent(path), selection=frozenset({path}))

    def mend(self, number: int) -> None:
        """Make one of the fixes."""
        if number < len(self.problem.fixes):
            fix = self.problem.fixes[number]
            done = partial(self.document.told.emit, f"Done: {fix.text}.")
            self.document.attempt(fix.text, fix.edit, then=done)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()
        self.choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.mend(0)
        elif enter or event.key() == Qt.Key.Key_Space:
            self.choose()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.panel.at = self.panel.lines.index(self)
            self.panel.step(1 if event.key() == Qt.Key.Key_Down else -1)
            self.panel.lines[self.panel.at].setFocus()
        else:
            super().keyPressEvent(event)


class _FixButton(QPushButton):
    """A fix: pointed at, it is shown on the canvas; clicked, it is made."""

    def __init__(self, panel: ProblemsPanel, fix: Fix, make: Callable[[], None], first: bool):
        super().__init__(fix.text, objectName="primary" if first else "")
        self.panel, self.fix = panel, fix
        self.setAccessibleName(fix.text)
        self.setToolTip(tip(f"{fix.text}  Ctrl+Return" if first else fix.text))
        self.clicked.connect(lambda: make())

    def enterEvent(self, event: QEnterEvent) -> None:
        self.panel.pointed.emit(self.fix)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.panel.pointed.emit(None)
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.panel.pointed.emit(self.fix)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.panel.pointed.emit(None)
        super().focusOutEvent(event)
