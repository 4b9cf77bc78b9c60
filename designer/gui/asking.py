"""Ask what a file does not tell: leave to run its code, which class to build, the sizes of its inputs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QLineEdit, QVBoxLayout, QWidget

from designer.files.asking import Argument, Buildable, Choice, NeedsCode, NeedsInputs, Wanted
from designer.files.errors import FileError
from designer.files.given import argument_of, input_of
from designer.files.kinds import is_there
from designer.gui.editors import Dropdown, Field, write
from designer.gui.scrolling import scrolling
from designer.gui.tips import tip
from designer.gui.widgets import Icon, Label, button, column, line, row, sentence
from designer.model.structure import DTYPES

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow

WIDTH, NAMES = 520, 132
RIGHTS = "It can read and change your files as you can: run it only where you trust its origin."


class Answer(NamedTuple):
    """What the user says about one file, for this opening alone."""

    inputs: dict[str, Any] | None = None
    allow_code: bool = False
    choice: Choice | None = None
    question: FileError | None = None  # that was answered


NO_ANSWER = Answer()


class Question(NamedTuple):
    """A file that cannot be opened without an answer, and what was answered before."""

    path: Path
    error: FileError
    before: Answer


def ask(window: "MainWindow", question: Question) -> None:
    """Ask for what a file needs; the answer opens it again."""
    asked = question.error if isinstance(question.error, NeedsCode | NeedsInputs) else question.before.question
    wrong = str(question.error) if type(asked) is type(question.before.question) else ""
    if isinstance(asked, NeedsInputs):
        InputsForm(window, question, asked, wrong).show()
    elif isinstance(asked, NeedsCode) and asked.classes:
        SourceForm(window, question, asked, wrong).open()
    else:
        Consent(window, question.path, str(asked), "Cancel").open()


def ask_to_run(window: "MainWindow", path: Path, classes: tuple[str, ...]) -> None:
    """Ask whether the code that a file names may run; its structure is shown already."""
    said = (
        "This file contains program code; opening it fully runs that code with your rights. "
        f"How its layers are wired is said by {_listed(classes)}."
    )
    Consent(window, path, said, "Show structure only").open()


class Asking(QDialog):
    """A question with fields, and two answers; the first of them changes nothing, and is what Escape says."""

    def __init__(self, window: "MainWindow", path: Path, icon: tuple[str, str], title: str, decline: str, verb: str):
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Open {path.name}")
        self.window_, self.path = window, path
        self.checks: list[Callable[[], object]] = []  # each raises FileError beside its field
        self.body = QWidget(objectName="panel")
        self.body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.place = QVBoxLayout(self.body)
        self.place.setContentsMargins(24, 0, 24, 16)
        self.place.setSpacing(0)
        self.area = scrolling(self.body)
        self.problem = sentence(name="error")
        self.decline, self.go = button(decline, self.reject), button(verb, self.accept)
        for each in (self.decline, self.go):
            each.setAutoDefault(False)
        name = Label(title, "title", Qt.TextElideMode.ElideMiddle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        head = row(Icon(*icon, 20), 12, name, margins=(24, 20, 24, 12))
        head.layout().setStretch(2, 1)
        layout.addWidget(head)
        layout.addWidget(self.area, 1)
        self.problems = row(self.problem, margins=(24, 8, 24, 8))
        layout.addWidget(self.problems)
        layout.addWidget(line())
        layout.addWidget(row(None, self.decline, 8, self.go, margins=(24, 12, 24, 12)))
        self.setFixedWidth(WIDTH)
        self.refuse("")
        self.stretched = False

    def put(self, *pieces: QWidget | int) -> None:
        for piece in pieces:
            self.place.addSpacing(piece) if isinstance(piece, int) else self.place.addWidget(piece)

    def refuse(self, problem: str) -> None:
        """Say why it could not be opened so."""
        self.problem.setText(problem)
        self.problems.setVisible(bool(problem))

    def fit(self) -> None:
        """Be as high as what is asked, and no higher than the window."""
        if not self.stretched:
            self.stretched = True
            self.place.addStretch(1)  # below all that was put
        self.body.adjustSize()
        rest = 52 + 1 + 52 + (self.problem.heightForWidth(WIDTH - 48) + 16 if self.problem.text() else 0)
        needed = self.place.heightForWidth(WIDTH) if self.place.hasHeightForWidth() else self.place.sizeHint().height()
        room = max(240, self.window_.height() - 48)
        self.setFixedHeight(min(room, rest + needed))

    def line_of(self, name: str, field: Field, *more: QWidget | int) -> None:
        """Add a field with its name; why its text does not fit stands below it."""
        label = Label(name, "t2", Qt.TextElideMode.ElideMiddle)
        label.setFixedWidth(NAMES)
        made = row(label, 12, field, *more, height=36)
        made.layout().setStretch(2, 1)
        field.problem.setContentsMargins(NAMES + 12, 0, 0, 6)
        self.put(made, field.problem)

    def check(self, field: Field, read: Callable[[str], Any]) -> Callable[[], Any]:
        """Let a field be read when all is accepted; the sentence of a refusal stands below it."""

        def checked() -> Any:
            try:
                return read(field.text())
            except FileError as error:
                field.refuse(str(error))
                raise

        self.checks.append(checked)
        return checked

    def valid(self) -> bool:
        """Check all fields, and go to the first that does not fit."""
        fine = True
        for check in self.checks:
            try:
                check()
            except FileError:
                fine = False
        wrong = [field for field in self.findChildren(Field) if field.property("wrong")]
        if wrong:
            wrong[0].setFocus()
            self.area.ensureWidgetVisible(wrong[0])
        self.fit()
        return fine

    def accept(self) -> None:
        if self.valid():
            answer = self.answer()
            super().accept()
            self.window_.filing.open(self.path, answer)

    def answer(self) -> Answer:
        raise NotImplementedError

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go on from field to field with Return; only the default button is pressed by it elsewhere."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(self.focusWidget(), QLineEdit):
            self.focusNextChild()
        else:
            super().keyPressEvent(event)


class Consent(Asking):
    """Whether the code that a pickled module names may run."""

    def __init__(self, window: "MainWindow", path: Path, said: str, decline: str):
        super().__init__(
            window, path, ("triangle-alert", "warning"), f"Run the code of {path.name}?", decline, "Run code and open"
        )
        self.decline.setDefault(True)
        self.put(sentence(said, "t1"), 12, sentence(RIGHTS, "t1"))
        if decline != "Cancel":
            self.put(12, sentence("Without it you see all layers, settings, shapes and ties, but no wires."))
        self.decline.setFocus()
        self.fit()

    def answer(self) -> Answer:
        return Answer(allow_code=True)


class InputsForm(Asking):
    """The sizes of the inputs that a model takes."""

    def __init__(self, window: "MainWindow", question: Question, asked: NeedsInputs, wrong: str):
        title = "What does the model take?"
        super().__init__(window, question.path, ("arrow-right-to-line", "accent"), title, "Cancel", "Open")
        self.question, self.asked = question, asked
        self.put(
            sentence(f"{question.path.name} does not tell the sizes of its inputs."),
            4,
            sentence("Write numbers, and names such as B or T for the sizes that stay free."),
            8,
        )
        self.read: dict[str, Callable[[], Any]] = {}
        before = question.before.inputs or {}
        for each in asked.inputs or (Wanted("x"),):
            self._add(each, before.get(each.name))
        self.go.setObjectName("primary")
        self.go.setDefault(True)
        self.refuse(wrong)
        self.fit()
        self.findChildren(Field)[0].setFocus()

    def _add(self, wanted: Wanted, before: Any) -> None:
        shape, dtype = (before.shape, before.dtype) if before is not None else (wanted.shape, wanted.dtype)
        field = Field(f"Sizes of {wanted.name}", 0, lambda text: _problem(lambda: input_of(text, kind.currentText())))
        field.setText(write(shape))
        field.setPlaceholderText("B, 3, 224, 224")
        kind = Dropdown()
        kind.setAccessibleName(f"Type of numbers of {wanted.name}")
        kind.addItems(list(DTYPES))
        kind.setCurrentText(dtype)
        kind.setFixedWidth(112)
        self.line_of(wanted.name, field, 8, kind)
        self.read[wanted.name] = self.check(field, lambda text: input_of(text, kind.currentText()))

    def answer(self) -> Answer:
        given = {name: read() for name, read in self.read.items()}
        return self.question.before._replace(inputs=given, question=self.asked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(self.focusWidget(), Field):
            self.accept()
        else:
            super().keyPressEvent(event)


class SourceForm(Asking):
    """Which class of Python source to build, with which arguments and which values."""

    def __init__(self, window: "MainWindow", question: Question, asked: NeedsCode, wrong: str):
        title = f"Run the code in {question.path.name}?"
        super().__init__(window, question.path, ("triangle-alert", "warning"), title, "Cancel", "Run code and open")
        self.asked = asked
        self.put(sentence(f"Opening Python source runs it with your rights. {RIGHTS}", "t1"), 12)
        before = question.before.choice
        self.kind = Dropdown()
        self.kind.setAccessibleName("Class")
        for each in asked.classes:
            self.kind.addItem(each.name)
        if before:
            self.kind.setCurrentText(before.name)
        self.kind.currentIndexChanged.connect(lambda _: self._show_arguments({}))
        label = Label("Class", "t2")
        label.setFixedWidth(NAMES)
        made = row(label, 12, self.kind, height=36)
        made.layout().setStretch(2, 1)
        self.put(made)
        self.arguments = column(name="")
        self.put(self.arguments)
        self.checkpoint = Field("Checkpoint", 0, lambda text: _problem(lambda: _file(text)))
        self.checkpoint.setPlaceholderText("none: values are initialised")
        choose = button("Choose…", self._choose)
        choose.setAutoDefault(False)
        self.line_of("Checkpoint", self.checkpoint, 8, choose)
        self.file = self.check(self.checkpoint, _file)
        if before and before.checkpoint:
            self.checkpoint.setText(str(before.checkpoint))
        self.common = list(self.checks)
        self._show_arguments(before.arguments if before else {})
        self.decline.setDefault(True)
        self.decline.setFocus()
        self.refuse(wrong)
        self.fit()

    @property
    def chosen(self) -> Buildable:
        return self.asked.classes[self.kind.currentIndex()]

    def _show_arguments(self, before: Any) -> None:
        """Show the fields of the class that is chosen."""
        whole, self.place = self.place, cast(QVBoxLayout, self.arguments.layout())
        while (old := self.place.takeAt(0)) is not None:
            gone = old.widget()
            gone.setParent(None)
            gone.deleteLater()
        self.checks = list(self.common)
        self.read = [self._add(each, before) for each in self.chosen.arguments]
        self.place = whole
        self.fit()

    def _add(self, argument: Argument, before: Any) -> Callable[[], Any]:
        field = Field(argument.name, 0, lambda text: _problem(lambda: argument_of(argument, text)))
        field.setText(repr(before[argument.name]) if argument.name in before else argument.default or "")
        field.setCursorPosition(0)
        needed = "must be given" + (f", {argument.annotation}" if argument.annotation else "")
        field.setPlaceholderText(needed if argument.default is None else "its default")
        field.setToolTip(tip(f"{argument.name}: {argument.annotation}" if argument.annotation else argument.name))
        self.line_of(argument.name, field)
        return self.check(field, lambda text: argument_of(argument, text))

    def _choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Checkpoint", str(self.path.parent))
        if name:
            self.checkpoint.setText(name)
            self.checkpoint.refuse(_problem(lambda: _file(name)))

    def answer(self) -> Answer:
        arguments = {name: value for read in self.read for name, value in read().items()}
        choice = Choice(self.chosen.name, arguments, self.file())
        return Answer(allow_code=True, choice=choice, question=self.asked)


def _problem(read: Callable[[], Any]) -> str | None:
    try:
        read()
    except FileError as error:
        return str(error)
    return None


def _file(text: str) -> Path | None:
    """The checkpoint, if one is named."""
    if not text.strip():
        return None
    path = Path(text.strip()).expanduser()
    if not is_there(path):
        raise FileError(f"There is no file {path}.")
    return path


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
