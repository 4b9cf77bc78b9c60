"""Attach the values of a file to the open network: choose it, read and match beside the window, show the sheet."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from designer.edits.matching import match
from designer.files.errors import FileError
from designer.gui.attach_form import AttachForm
from designer.gui.choosing import Entry, choose
from designer.gui.filing import reason, takes_values
from designer.gui.taking import FILES
from designer.model import NetworkError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from designer.gui.main_window import MainWindow

NO_OTHER = "No other network is open: open the one that shall have these values, then attach them."


class Attaching(QObject):
    """The sheet of one window, and the way to it."""

    def __init__(self, window: "MainWindow"):
        super().__init__(window)
        self.window_, self.document = window, window.document
        self.form: AttachForm | None = None

    def ask(self) -> None:
        """Ask for a file of values."""
        window = self.window_
        name, _ = QFileDialog.getOpenFileName(window, "Attach values", str(window.filing.folder()), FILES)
        if name:
            self.read(Path(name))

    def read(self, path: Path) -> None:
        """Read the names of a file and match them, then show what belongs together."""
        path = path.absolute()
        network = self.document.network

        def work() -> Any:
            from designer.files.stored import tensors_in

            tensors = tensors_in(path)
            return tensors, match(network, tensors)

        def came(found: Any) -> None:
            if self.form is not None:
                self.form.reject()
            self.form = form = AttachForm(self.window_, path, found[0], network, found[1])
            form.finished.connect(lambda _: self._closed(form))
            form.show()
            form.follow()

        def failed(error: BaseException) -> None:
            if not isinstance(error, FileError | NetworkError | OSError):
                raise error
            self.document.refused.emit(reason(path, error))

        self.window_.filing.read_beside(path.name, work, came, failed)

    def _closed(self, form: AttachForm) -> None:
        if self.form is form:
            self.form = None

    def elsewhere(self, path: Path, beside: "QWidget") -> None:
        """Attach a file that is shown here to the network of another window; of several one is chosen."""
        others: list[Any] = [
            window
            for window in self.window_.session.windows
            if window is not self.window_ and not window.on_start and takes_values(window.document.network)
        ]
        if not others:
            self.document.refused.emit(NO_OTHER)
        elif len(others) == 1:
            _go(others[0], path)
        else:
            entries = [
                Entry(window.document.name, _layers(window), lambda window=window: _go(window, path))
                for window in others
            ]
            choose(beside, f"Attach {path.name} to", entries)


def _go(window: "MainWindow", path: Path) -> None:
    window.raise_()
    window.activateWindow()
    window.attaching.read(path)


def _layers(window: "MainWindow") -> str:
    path = window.document.path
    return f"{window.document.network.count:,} layers" + (f", {path}" if path else ", not saved")
