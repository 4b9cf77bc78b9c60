"""Start the window: the start page at once, torch after it, and no lost work when something breaks."""

import itertools
import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QEventLoop, QObject, QSettings, QStandardPaths, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from designer.files.errors import FileError
from designer.gui.document import Document
from designer.gui.main_window import MainWindow
from designer.gui.session import Session
from designer.gui.settings import kept_size

SCREENSHOT = (1440, 900)
PATIENCE = 120_000  # milliseconds that a screenshot waits for the analysis


def run(path: str | None, theme: str, screenshot: str | None) -> int:
    """Run the window until it is closed, or draw it to a file; give the exit code."""
    if screenshot is None and "QT_SCALE_FACTOR" not in os.environ:
        kept = kept_size(QSettings("Network Designer", "Network Designer"))
        os.environ["QT_SCALE_FACTOR"] = str(kept / 100)
    app = QApplication.instance() or QApplication(sys.argv[:1])
    app.setApplicationName("Network Designer")
    app.setOrganizationName("Network Designer")
    app.setDesktopFileName("network-designer")
    settings = QSettings() if screenshot is None else QSettings("", QSettings.Format.InvalidFormat)
    session = Session(settings, theme if screenshot or theme != "system" else None)
    window = MainWindow(session)
    keeper = Keeper(session)
    hook, sys.excepthook = sys.excepthook, keeper.caught
    try:
        if screenshot is not None:
            return _draw(app, window, path, Path(screenshot))
        window.show()
        begin(window, path)
        return app.exec()
    finally:
        sys.excepthook = hook
        session.stop()


def begin(window: MainWindow, path: str | None = None) -> None:
    """Load what takes long once the window is painted, and open a file."""
    session = window.session

    def load() -> None:
        session.torch.load()
        session.torch.came.connect(lambda: _when_idle(window, warm))
        if path is not None:
            window.filing.open(Path(path))

    def warm() -> None:
        window.canvas  # noqa: B018  (it is made when it is first needed)
        _when_idle(window, session.torch.warm)

    _when_idle(window, load)


def _when_idle(window: MainWindow, do: Callable[[], object]) -> None:
    """Do something once the window is painted and no input waits."""

    def look() -> None:
        busy = app.mouseButtons() != Qt.MouseButton.NoButton or (window.filing.request and window.reading.isVisible())
        if window.start.painted and not busy:
            timer.stop()
            timer.deleteLater()
            do()

    app = QApplication.instance()
    timer = QTimer(window, interval=20)
    timer.timeout.connect(look)
    timer.start()


def _draw(app: QApplication, window: MainWindow, path: str | None, picture: Path) -> int:
    """Draw the window, with the network of a file analyzed, to a picture."""
    document = window.document
    failed: list[str] = []
    window.resize(*SCREENSHOT)
    window.show()
    document.refused.connect(lambda text: failed.append(text))
    window.filing.asked.connect(lambda question: failed.append(str(question.error)))
    session = window.session
    session.torch.load()

    def done() -> bool:
        if path is None:
            return bool(session.torch.version)
        return bool(failed) or (not window.on_start and not document.stale)

    if path is not None:
        window.filing.open(Path(path))
    loop = QEventLoop()  # not the application's: its end closes the window
    timer = QTimer(interval=20)
    timer.timeout.connect(lambda: loop.quit() if done() else None)
    timer.start()
    QTimer.singleShot(PATIENCE, loop.quit)
    loop.exec()
    timer.stop()
    if failed:
        sys.stderr.write(f"{failed[0]}\n")
        return 2
    if not done():
        sys.stderr.write("The network took too long to analyze.\n")
        return 1
    if path is not None:
        window.canvas.fit(all=True)
        window.status.say("", "", "text2", 0)
    for _ in range(3):  # layouts settle in turns
        app.processEvents()
    window.grab().save(str(picture))
    window.document.history.setClean()
    window.close()
    return 0


class Keeper(QObject):
    """What a bug leads to: the work is saved beside, then told."""

    def __init__(self, session: Session):
        super().__init__()
        self.session = session
        self.telling = False

    def caught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Save every unsaved network, and show what happened; a window that still works stays."""
        report = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(report)
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        documents = [window.document for window in self.session.windows]
        kept: list[object] = []
        for document in documents:
            if not document.history.isClean():
                try:
                    kept.append(recover(document))
                except (FileError, OSError) as failure:  # the disk is full: say so, and keep the others
                    kept.append(f"{document.name} could not be saved: {failure}")
        if not self.telling:
            self.telling = True
            box = QMessageBox(QApplication.activeWindow())
            box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            box.setWindowTitle("Network Designer")
            box.setText("Something went wrong in Network Designer.")
            places = "\n".join(str(place) for place in kept)
            saved = f"Your work was saved:\n{places}" if kept else "Nothing was unsaved."
            box.setInformativeText(f"{saved}\n\nThe details help to mend it.")
            box.setDetailedText(report)
            box.setModal(False)
            box.finished.connect(self._told)
            box.show()

    def _told(self) -> None:
        self.telling = False


def recover(document: Document) -> Path:
    """Save a copy of a network where it cannot be in the way, and say where."""
    from designer.files.project import save

    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation), "recovered")
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{document.name}-{datetime.now():%Y-%m-%d-%H%M%S}"
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    path = next(path for name in names if not (path := folder / f"{name}.network").exists())
    save(document.network, path, report=document.report)
    return path
