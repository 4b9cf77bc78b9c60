"""Look for ties that the open file's numbers allow, beside the window."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from designer.files.progress import Cancelled, Progress, followed
from designer.files.report import Report
from designer.gui.document import Document
from designer.gui.session import Session


class Suggesting(QObject):
    """The search of one document's import.

    Signals:
        found: there are suggestions.
    """

    found = Signal()

    def __init__(self, document: Document, session: Session):
        super().__init__(document)
        self.document, self.session = document, session
        self.progress: Progress | None = None  # while it runs
        document.named.connect(self._follow)
        self.report: Report | None = None  # what it is about

    def start(self) -> None:
        """Look for them, unless that was done."""
        self._follow()
        report = self.report
        if report is None or report.network is None or report.known_suggestions is not None or self.progress:
            return
        progress = self.progress = Progress()

        def work() -> Any:
            with followed(progress):
                return report.suggestions

        self.session.files.run(
            work, lambda found: self._came(progress, found), lambda e: self._failed(progress, e), painted=True
        )

    def cancel(self) -> None:
        """Stop it."""
        if self.progress is not None:
            self.progress.cancel()
            self.progress = None

    def _came(self, progress: Progress, found: Any) -> None:
        if progress is self.progress:
            self.progress = None
            if found:
                self.found.emit()

    def _failed(self, progress: Progress, error: BaseException) -> None:
        if progress is self.progress:
            self.progress = None
        if not isinstance(error, Cancelled):
            raise error

    def _follow(self) -> None:
        """Leave what is not open any more."""
        if self.report is not self.document.report:
            self.cancel()
            self.report = self.document.report
