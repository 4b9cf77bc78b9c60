"""Open, save and export the network of one window, beside it; nothing unsaved is ever lost."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMessageBox, QPlainTextEdit, QWidget

from designer.files.asking import NeedsCode, NeedsInputs
from designer.files.errors import FileError
from designer.files.kinds import is_there, kind_of
from designer.files.progress import Progress, followed
from designer.files.values import VALUES
from designer.gui.asking import NO_ANSWER, Answer, Question
from designer.gui.bookmarks import bookmarks_from, bookmarks_to, place_from
from designer.gui.document import Document, View
from designer.gui.examples import Example
from designer.gui.session import Session
from designer.model import Network, NetworkError, Parameter, Port

PROJECT = ".network"
PROJECTS = "Networks (*.network)"
PYTORCH = "*.pt2 *.pt *.pth *.ckpt *.bin *.safetensors *.onnx *.index.json"
ARRAYS = "*.npz *.npy *.mat *.h5 *.hdf5 *.keras"
PROGRAMS = f"PyTorch files ({PYTORCH} *.py);;Arrays ({ARRAYS});;All files (*)"
CODE = "Python source (*.py);;All files (*)"
EVERYTHING = f"Networks and other files (*.network {PYTORCH} *.py {ARRAYS});;{PROGRAMS}"


class Opened(NamedTuple):
    """What a file gave."""

    network: Network
    name: str
    path: Path | None  # where Save saves
    view: View
    said: str
    report: Any = None  # of an import


def read(path: Path, answer: Answer = NO_ANSWER) -> Opened:
    """Read a file of any kind that holds layers, told by its bytes; raise FileError where it does not."""
    kind = kind_of(path)
    if kind.refusal:
        raise FileError(kind.refusal)
    if kind.name == "network":
        from designer.files.project import read_project

        network, view, kept = read_project(path)
        return Opened(network, path.stem, path, view_from(view), f"Opened {path.name}.", kept)
    from designer import import_pytorch

    network, report = import_pytorch(path, answer.inputs, answer.allow_code, answer.choice)
    network.learnable_ports  # noqa: B018  (found here, so that the window need not)
    layers, ties = sum(report.layers.values()), len(report.ties)
    said = f"Opened {path.name}: {layers:,} layers, {ties} tie{'s' if ties != 1 else ''}."
    return Opened(network, path.stem, None, View(), said, report)


def count_ties(network: Network) -> int:
    """Count the learnables that layers take from others."""
    wires = network.wires
    return sum(Port(path, name) in wires for path, layer in network.all.items() for name in layer.input_learnables)


def takes_values(network: Network) -> bool:
    """Whether a network has layers that want values, unlike a tree of values."""
    return any(layer.learnables() and not isinstance(layer, Parameter) for layer in network.all.values())


def reason(path: Path, error: FileError | NetworkError | OSError) -> str:
    """Say in a sentence what is wrong with a file."""
    return f"{path.name}: {error.strerror}." if isinstance(error, OSError) else str(error)


def view_from(saved: dict[str, Any]) -> View:
    """Take a view from a file; what is not as it should be is left out."""
    view = View()
    view = dataclasses.replace(
        view,
        selection=_names(saved.get("selection")),
        unfolded=_names(saved.get("unfolded")),
        hidden=_names(saved.get("hidden")),
    )
    if isinstance(saved.get("path"), str):
        view = dataclasses.replace(view, path=saved["path"])
    if saved.get("ties") in ("all", "selected", "off"):
        view = dataclasses.replace(view, ties=saved["ties"])
    places = saved.get("places")
    if isinstance(places, dict):
        kept = {path: place_from(at) for path, at in places.items()}
        view = dataclasses.replace(view, places={path: at for path, at in kept.items() if at})
    return dataclasses.replace(view, bookmarks=bookmarks_from(saved.get("bookmarks")))


def _names(saved: Any) -> frozenset[str]:
    """Take a list of texts; anything else is none."""
    plain = isinstance(saved, list) and all(isinstance(entry, str) for entry in saved)
    return frozenset(saved) if plain else frozenset()


def view_to(view: View) -> dict[str, Any]:
    """Write a view for a file."""
    return {
        "path": view.path,
        "selection": sorted(view.selection),
        "unfolded": sorted(view.unfolded),
        "hidden": sorted(view.hidden),
        "ties": view.ties,
        "places": {path: list(at) for path, at in sorted(view.places.items())},
        "bookmarks": bookmarks_to(view.bookmarks),
    }


class Filing(QObject):
    """The files of one window.

    Signals:
        opening: the name of the file that is being read; "" when that has ended.
        staged: what is done with that file now.
        opened: what a file gave, to be shown in this window.
        elsewhere: what a file gave, while this window has unsaved work.
        further: a file that was chosen with the one that is opened here.
        asked: what a file does not tell, a Question.
    """

    opening = Signal(str)
    staged = Signal(str)
    _reached = Signal(int, str)  # in another thread
    opened = Signal(object)
    elsewhere = Signal(object)
    further = Signal(Path)
    asked = Signal(object)

    def __init__(self, document: Document, session: Session, window: QWidget):
        super().__init__(window)
        self.document, self.session, self.window_shown = document, session, window
        self.request = 0  # of the file that is being read, counted; another number: nobody waits for it
        self.progress = Progress()  # of that request
        self._reached.connect(self._tell_stage, Qt.ConnectionType.QueuedConnection)
        self.begun = 0  # documents, counted
        document.began.connect(self._count)
        self.saving = self.closed = False
        self.given_back = False  # to the script that shows it: nothing is lost when the window closes
        self.waiting: list[Callable[[], object]] = []  # for the end of saving

    # Opening.

    def ask_open(self, kinds: str = EVERYTHING) -> None:
        names, _ = QFileDialog.getOpenFileNames(self.window_shown, "Open", str(self.folder()), kinds)
        self.open_all([Path(name) for name in names])

    def folder(self) -> Path:
        """Where a file is looked for first."""
        recent = self.session.recent()
        path = self.document.path or (recent[0] if recent else None)
        return path.parent if path else Path.home()

    def open_all(self, paths: Sequence[Path]) -> None:
        """Open the first of some files here, and each further one in a window of its own."""
        for path in paths[:1]:
            self.open(path)
        for path in paths[1:]:
            self.further.emit(path)

    def open(self, path: Path, answer: Answer = NO_ANSWER) -> None:
        """Read a file beside the window, then show it here, or in another window when work is unsaved here."""
        path = path.absolute()
        self._read(path, path.name, lambda: read(path, answer), recent=True, answer=answer)

    def open_example(self, example: Example) -> None:
        """Show an example as a network that was never saved."""
        said = f"Opened the example {example.title}."
        self._read(example.path, example.title, lambda: read(example.path)._replace(path=None, said=said), recent=False)

    def _read(
        self, path: Path, name: str, work: Callable[[], Opened], recent: bool, answer: Answer = NO_ANSWER
    ) -> None:
        self.read_beside(
            name,
            work,
            lambda opened: self._came(opened, path if recent else None),
            lambda error: self._failed(path, error, answer),
        )

    def read_beside(
        self, name: str, work: Callable[[], Any], came: Callable[[Any], None], failed: Callable[[BaseException], None]
    ) -> None:
        """Read something of a file while the window says so; dropped when that is cancelled, or another is read."""
        self.cancel()
        request = self.request
        progress = self.progress = Progress(lambda stage: self._reached.emit(request, stage))
        self.opening.emit(name)

        def job() -> Any:
            with followed(progress):
                return work()

        def ended(then: Callable[[Any], None], result: Any) -> None:
            if request == self.request:
                self.opening.emit("")
                then(result)

        self.session.files.run(job, partial(ended, came), partial(ended, failed))

    def _tell_stage(self, request: int, stage: str) -> None:
        if request == self.request:
            self.staged.emit(stage)

    def cancel(self) -> None:
        """Stop reading the file; what is open stays as it is."""
        self.progress.cancel()
        self.request += 1  # what comes is dropped
        self.opening.emit("")

    def _came(self, opened: Opened, path: Path | None) -> None:
        self.take_typed()
        if path is not None:
            self.session.remember(path, count_ties(opened.network))
        values = opened.report is not None and opened.path is None and opened.report.kind in VALUES
        taken = self.document.history.isClean() and not (values and takes_values(self.document.network))
        (self.opened if taken else self.elsewhere).emit(opened)

    def _failed(self, path: Path, error: BaseException, answer: Answer) -> None:
        if not isinstance(error, FileError | NetworkError | OSError):
            raise error
        if isinstance(error, NeedsCode | NeedsInputs) or (isinstance(error, FileError) and answer.question):
            self.asked.emit(Question(path, error, answer))
            return
        self.document.refused.emit(reason(path, error))
        if not is_there(path):
            self.session.recent_changed.emit()

    # Saving.

    def take_typed(self) -> None:
        """Take what is still being typed into the network; the keyboard stays where it is."""
        window = self.window_shown
        field = window.focusWidget()
        if isinstance(field, QLineEdit | QPlainTextEdit):
            field.clearFocus()
            if window.focusWidget() is None and window.isAncestorOf(field) and field.isVisible():
                field.setFocus()

    def save(self, then: Callable[[], object] | None = None) -> None:
        """Save where it was saved before; ``then`` is called once it is safe."""
        self.take_typed()
        if self.document.path:
            self.save_to(self.document.path, then)
        else:
            self.save_as(then)

    def save_as(self, then: Callable[[], object] | None = None) -> None:
        self.take_typed()
        first = str(self.folder() / f"{self.document.name}{PROJECT}")
        name, _ = QFileDialog.getSaveFileName(self.window_shown, "Save as", first, PROJECTS)
        if name:
            path = Path(name)
            self.save_to(path if path.suffix == PROJECT else path.with_name(path.name + PROJECT), then)

    def save_to(self, path: Path, then: Callable[[], object] | None = None) -> None:
        """Save beside the window; edits that are made meanwhile stay unsaved."""
        if self.saving:
            self.document.refused.emit("The network is still being saved.")
            return
        self.saving = True
        network, view, report = self.document.network, view_to(self.document.view), self.document.report
        begun = self.begun

        def work() -> None:
            from designer.files.project import save

            save(network, path, view, report)

        self.session.files.run(
            work, lambda _: self._saved(begun, network, path, then), lambda error: self._unsaved(path, error)
        )

    def _count(self) -> None:
        self.begun += 1

    def _saved(self, begun: int, network: Network, path: Path, then: Callable[[], object] | None) -> None:
        self.saving = False
        if begun == self.begun:  # else another document is open by now, which has a file of its own
            self.document.saved(path, network)
        self.session.remember(path, count_ties(network))
        self.document.told.emit(f"Saved {path.name}.")
        waiting, self.waiting = self.waiting, []
        for each in [*([then] if then else []), *waiting]:
            each()

    def _unsaved(self, path: Path, error: BaseException) -> None:
        self.saving = False
        self.waiting.clear()
        self._failed_to_write(path, error)

    def _failed_to_write(self, path: Path, error: BaseException) -> None:
        if not isinstance(error, FileError | NetworkError | OSError):
            raise error
        self.document.refused.emit(reason(path, error))

    # Losing nothing.

    def may_close(self, then: Callable[[], object]) -> bool:
        """Ask what shall become of unsaved work; ``then`` is called after it was saved, and must close."""
        if self.saving:
            self.waiting.append(then)
            return False
        if self.document.history.isClean() or self.given_back:
            return True
        box = QMessageBox(self.window_shown)
        box.setWindowTitle("Network Designer")
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setTextFormat(Qt.TextFormat.PlainText)  # a name may look like HTML
        box.setText(f"Save the changes to {self.document.name}?")
        box.setInformativeText("What is not saved is lost.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        box.setEscapeButton(buttons.Cancel)
        answer = box.exec()
        box.deleteLater()
        if answer == buttons.Save:
            self.save(then)
        return answer == buttons.Discard
