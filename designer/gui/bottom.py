"""The dock below the canvas: analyzer, problems, code and the import's report behind tabs, folded to the tabs alone."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from designer.files.report_markdown import to_markdown
from designer.gui.analyzer import AnalyzerPanel
from designer.gui.code import CodePanel
from designer.gui.comparing import Comparing
from designer.gui.copying import tabbed
from designer.gui.document import Document
from designer.gui.problems import ProblemsPanel
from designer.gui.report_panel import ReportPanel
from designer.gui.suggesting import Suggesting
from designer.gui.widgets import Label, Search, Tab, Tool, row

TABS = 36  # height of the bar, and of the folded dock
ANALYZER, PROBLEMS, CODE, REPORT = range(4)


class Bottom(QWidget):
    """Tabs, totals beside them, and the panel that is chosen. ``folded`` asks the window to fold or unfold."""

    fold_wanted = Signal(bool)

    def __init__(self, document: Document, comparing: Comparing, suggesting: Suggesting):
        super().__init__(objectName="panel")
        self.document, self.comparing, self.folded = document, comparing, False
        self.analyzer, self.problems, self.code = AnalyzerPanel(document), ProblemsPanel(document), CodePanel(document)
        self.tabs = [Tab("Analyzer"), Tab("Problems"), Tab("Code"), Tab("Report")]
        self.pages = QStackedWidget()
        self.report = ReportPanel(document, comparing, suggesting)
        for page in (self.analyzer, self.problems, self.code, self.report):
            self.pages.addWidget(page)
        self.counts = {name: Label("", style) for name, style in _COUNTS.items()}
        pieces: list[QWidget | int] = []
        for name, label in self.counts.items():
            pieces += [Label(name, "t3"), 6, label, 16]
        self.totals = row(*pieces)
        self.filter = Search("Filter")
        self.filter.setFixedWidth(140)
        self.filter.setToolTip("Words of names and types, type:lstm, tied, frozen, >1M")
        self.filter.textChanged.connect(self.analyzer.find)
        self.copy = Tool("copy", "Copy table", size=24)
        self.copy.clicked.connect(self._copy)
        self.save = Tool("download", size=24)
        self.fold = Tool("chevron-down", "Fold", size=24)
        self.fold.clicked.connect(lambda: self.fold_wanted.emit(not self.folded))
        self.bar = QWidget(objectName="dockbar")
        self.bar.setFixedHeight(TABS)
        layout = QHBoxLayout(self.bar)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(0)
        for tab in self.tabs:
            layout.addWidget(tab)
        layout.addStretch(1)
        for piece in (self.totals, self.filter, 8, self.copy, 4, self.save, 4, self.fold):
            layout.addSpacing(piece) if isinstance(piece, int) else layout.addWidget(piece)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.bar)
        outer.addWidget(self.pages, 1)
        for place, tab in enumerate(self.tabs):
            tab.chosen.connect(lambda place=place: self._chosen(place))
        self.analyzer.faded.connect(self.totals.setDisabled)
        document.analyzed.connect(self.refresh)
        document.changed.connect(self.refresh)
        comparing.changed.connect(self._show_report)
        self.show_tab(ANALYZER)
        self.refresh()

    def _chosen(self, place: int) -> None:
        self.show_tab(place)
        if self.folded:
            self.fold_wanted.emit(False)

    def show_tab(self, place: int) -> None:
        for number, tab in enumerate(self.tabs):
            tab.setChecked(number == place)
        self.pages.setCurrentIndex(place)
        self.copy.name_it({CODE: "Copy source", REPORT: "Copy report as Markdown"}.get(place, "Copy table"))
        self.save.name_it("Export report as Markdown…" if place == REPORT else "Save source as a .py file")
        self.filter.setEnabled(place == ANALYZER)
        self._fit()

    def show_folded(self, folded: bool) -> None:
        self.folded = folded
        self.pages.setVisible(not folded)
        self.fold.show_icon("chevron-up" if folded else "chevron-down")
        self.fold.name_it("Unfold" if folded else "Fold")

    def refresh(self) -> None:
        """Show the totals, and how many problems there are."""
        analysis = self.document.analysis
        self._fit()
        if analysis is None:
            self.tabs[PROBLEMS].show_mark("")
            return
        least = "at least " if analysis.partial else ""
        self.counts["Stored"].say(f"{least}{analysis.stored:,}")
        self.counts["Used"].say(f"{least}{analysis.used:,}")
        share = f"  {analysis.saved / analysis.used:.1%}".replace("%", " %") if analysis.used else ""
        self.counts["Saved by tying"].setEnabled(bool(analysis.saved))
        self.counts["Saved by tying"].say(f"{analysis.saved:,}{share if analysis.saved else ''}")
        if not analysis.problems:
            self.tabs[PROBLEMS].show_mark("circle-check")
        else:
            mark = "octagon-alert" if analysis.errors else "triangle-alert"
            self.tabs[PROBLEMS].show_mark(mark, str(len(analysis.problems)))

    @property
    def export(self) -> str:
        """What the tool that saves exports."""
        return "report" if self.pages.currentIndex() == REPORT else "source"

    def _show_report(self) -> None:
        icon, _ = self.comparing.icon
        self.tabs[REPORT].show_mark("" if icon == "info" else icon)
        self._fit()

    def _fit(self) -> None:
        """Leave out what has no room."""
        place = self.pages.currentIndex()
        self.totals.setVisible(self.width() >= 1130 and self.document.analysis is not None)
        self.filter.setVisible(place == ANALYZER and self.width() >= 560)
        reported = place == REPORT and self.document.report is not None
        self.copy.setVisible(place in (ANALYZER, CODE) or reported)
        self.save.setVisible(place == CODE or reported)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _copy(self) -> None:
        if self.pages.currentIndex() == CODE:
            QGuiApplication.clipboard().setText(self.code.source.text)
            self.document.told.emit("Copied the source.")
        elif self.pages.currentIndex() == REPORT and self.document.report is not None:
            QGuiApplication.clipboard().setText(to_markdown(self.document.report))
            self.document.told.emit("Copied the import report.")
        else:
            self.analyzer.table.copy(tabbed, all_rows=True)


_COUNTS = {"Stored": "strong", "Used": "strong", "Saved by tying": "saved"}
