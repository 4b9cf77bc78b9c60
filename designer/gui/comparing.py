"""Compare the open network with the file it came from, beside the window; it can be stopped and begun again."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from designer.files.compare import Comparison
from designer.files.progress import Cancelled, Progress, followed
from designer.files.report_lines import compared_text
from designer.gui.document import Document
from designer.gui.session import Session

ROUNDING = 1e-5  # what sums in another order may differ by; more is worth a look


class Comparing(QObject):
    """The comparison of one document's import.

    Signals:
        changed: it has begun, come to an end, or was stopped.
    """

    changed = Signal()

    def __init__(self, document: Document, session: Session):
        super().__init__(document)
        self.document, self.session = document, session
        self.progress: Progress | None = None  # while it runs
        document.named.connect(self._follow)
        self.report: Any = None  # what it is about

    @property
    def text(self) -> str:
        """What is known, as a sentence."""
        if self.progress is not None:
            return f"Comparing with the original in {self.report.path.name}…"
        return compared_text(self.report.compared) if self.report else ""

    @property
    def icon(self) -> tuple[str, str]:
        """The sign of that and its colour."""
        found = self.report.compared if self.report and self.progress is None else None
        if found is None or found.difference is None:
            return "info", "text3"
        return ("circle-check", "success") if found.difference <= ROUNDING else ("triangle-alert", "warning")

    @property
    def can_start(self) -> bool:
        """Whether it was stopped, so that it can be begun again."""
        report = self.report
        return report is not None and self.progress is None and report.compared is None and report.stamp is not None

    def start(self) -> None:
        """Compare, unless that was done; the original is run in a child process."""
        self._follow()
        if not self.can_start:
            return
        report, progress = self.report, Progress()
        self.progress = progress

        def work() -> Comparison:
            with followed(progress):
                found: Comparison = report.comparison
                return found

        self.session.files.run(
            work, lambda found: self._came(progress, found), lambda e: self._failed(progress, e), painted=True
        )
        self.changed.emit()

    def cancel(self) -> None:
        """Stop it, and its child process."""
        if self.progress is not None:
            self.progress.cancel()
            self.progress = None
            if not self.document.closed:
                self.changed.emit()

    def _came(self, progress: Progress, found: Comparison) -> None:
        if progress is self.progress:
            self.progress = None
            name = self.report.path.name
            if found.difference is None:
                self.document.told.emit(f"Not compared with {name}: {found.reason}.")
            else:
                self.document.told.emit(f"Compared with the program in {name}: max |difference| {found.difference:g}.")
            self.changed.emit()

    def _failed(self, progress: Progress, error: BaseException) -> None:
        if not isinstance(error, Cancelled):
            self.cancel()
            raise error

    def _follow(self) -> None:
        """Leave what is not open any more."""
        if self.report is not self.document.report:
            self.cancel()
            self.report = self.document.report
            self.changed.emit()
