"""What the windows of one run share: torch, the theme, recent files, settings."""

import gc
import json
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QApplication

from designer.edits.copying import Part
from designer.gui import theme
from designer.gui.background import Background, Torch
from designer.gui.collecting import Collecting

RECENT = 8  # files that are remembered


class Session(QObject):
    """Shared by all windows; it also keeps them alive."""

    recent_changed = Signal()
    emptied = Signal()  # the last window is closed

    def __init__(self, settings: QSettings, theme_name: str | None = None):
        super().__init__()
        self.settings = settings
        self.windows: list[QObject] = []
        self.copied: tuple[Part, str | None] | None = None  # layers, and their text once it is on the clipboard
        self.files = Background(self, threads=4)  # a long import does not keep others waiting
        self.collecting = Collecting(self, lambda: self.files.busy)
        self.torch = Torch(Background(self))
        self.torch.came.connect(gc.freeze)  # what its import made is looked at no more
        self.theme_name = theme_name or str(settings.value("theme", "system"))
        self.show_theme()
        hints = QApplication.styleHints()
        hints.colorSchemeChanged.connect(self.show_theme)

    def show_theme(self) -> None:
        wanted = theme.named(self.theme_name)
        if theme.current() is not wanted or not QApplication.instance().styleSheet():
            for window in QApplication.topLevelWidgets():
                window.setUpdatesEnabled(False)
            theme.apply(QApplication.instance(), wanted)
            for window in QApplication.topLevelWidgets():
                window.setUpdatesEnabled(True)

    def choose_theme(self, name: str) -> None:
        """Show a theme and remember it: ``system``, ``dark`` or ``light``."""
        self.theme_name = name
        self.settings.setValue("theme", name)
        self.show_theme()

    def recent(self) -> list[Path]:
        """List the files that were opened or saved last, the newest first."""
        kept = self.settings.value("recent", [])
        return [Path(path) for path in ([kept] if isinstance(kept, str) else kept or [])]

    @property
    def ties(self) -> dict[str, int]:
        """How many ties the recent files had when they were last open, where it is known."""
        try:
            kept = json.loads(str(self.settings.value("recent_ties", "{}")))
        except ValueError:
            kept = {}
        return {path: count for path, count in kept.items() if isinstance(count, int)} if isinstance(kept, dict) else {}

    def remember(self, path: Path, ties: int | None = None) -> None:
        known = self.ties | ({str(path): ties} if ties is not None else {})
        self.settings.setValue(
            "recent_ties", json.dumps({str(p): known[str(p)] for p in [path, *self.recent()] if str(p) in known})
        )
        others = [other for other in self.recent() if other != path]
        self._keep([path, *others][:RECENT])

    def forget(self, *paths: Path) -> None:
        self._keep([path for path in self.recent() if path not in paths])

    def _keep(self, paths: list[Path]) -> None:
        self.settings.setValue("recent", [str(path) for path in paths])
        self.recent_changed.emit()

    def stop(self) -> None:
        self.torch.background.stop()
        self.files.stop()
        self.collecting.stop()
