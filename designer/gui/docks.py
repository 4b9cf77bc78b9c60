"""The panels around the canvas: where they are, how large, and when they make room for it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from designer.gui.bottom import TABS, Bottom

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow

LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
BELOW = Qt.DockWidgetArea.BottomDockWidgetArea
ANY = 16777215  # QWIDGETSIZE_MAX: no limit
CANVAS = QSize(480, 240)  # the least that is left to the canvas
FOCUS = Qt.FocusReason.ShortcutFocusReason


def default_sizes(width: int) -> tuple[int, int, int]:
    """Give the widths of library and properties and the height of the lower dock, for the width of a window."""
    return (184, 264, 236) if width < 1400 else (224, 304, 264) if width < 1800 else (256, 344, 320)


class Docks(QObject):
    """Library at the left, properties at the right in full height, analyzer below the rest."""

    def __init__(self, window: "MainWindow", library: QWidget, properties: QWidget, bottom: Bottom):
        super().__init__(window)
        self.window_shown, self.bottom = window, bottom
        self.wanted = {"library": True, "properties": True}  # by the user; room may be lacking
        self.first = "library"  # which of them gets the room where there is not enough for both
        self.unfolded = 0  # height of the lower dock before it was folded
        self.sized = False
        window.setCorner(Qt.Corner.BottomLeftCorner, BELOW)
        window.setCorner(Qt.Corner.BottomRightCorner, RIGHT)
        window.setDockOptions(QMainWindow.DockOption(0))
        library.setMinimumWidth(160)
        library.setMaximumWidth(360)
        properties.setMinimumWidth(248)
        properties.setMaximumWidth(440)
        bottom.setMinimumHeight(TABS)
        bottom.fold_wanted.connect(self.fold)
        self.docks = {
            "library": self._dock("Layers", library, LEFT),
            "properties": self._dock("Properties", properties, RIGHT),
            "bottom": self._dock("Analyzer", bottom, BELOW),
        }

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self.window_shown, objectName=title)
        dock.setTitleBarWidget(QWidget())
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setWidget(widget)
        self.window_shown.addDockWidget(area, dock)
        return dock

    def __getitem__(self, name: str) -> QDockWidget:
        return self.docks[name]

    def fit(self) -> None:
        """Hide what leaves the canvas too small: the properties first, the library next, unless one was asked for."""
        start, width = self.window_shown.on_start, self.window_shown.width()
        room = width - CANVAS.width()
        wide = dict(zip(self.wanted, default_sizes(width)))
        for name in sorted(self.wanted, key=lambda name: name != self.first):
            shown = self.wanted[name] and room >= wide[name]
            room -= wide[name] * shown
            self.docks[name].setVisible(not start and shown)
        self.docks["bottom"].setVisible(not start)
        if not self.bottom.folded:
            self.bottom.setMaximumHeight(max(TABS, round(self.window_shown.height() * 0.6)))
        if not start and not self.sized:
            self.sized = True
            QTimer.singleShot(0, self._restore)  # hidden docks have no size to give

    def _restore(self) -> None:
        """Give the docks the sizes they were left with on such a screen."""
        kept = self.window_shown.session.settings.value(f"{self.screen_key()}/docks")
        if isinstance(kept, list) and len(kept) == 3:
            left, right, low = (int(size) for size in kept)
            self._resize(left, right, low)
        else:
            self.reset()

    def reset(self) -> None:
        """Give the docks the sizes that suit the window."""
        self._resize(*default_sizes(self.window_shown.width()))

    def _resize(self, left: int, right: int, low: int) -> None:
        sides = [self.docks["library"], self.docks["properties"]]
        self.window_shown.resizeDocks(sides, [left, right], Qt.Orientation.Horizontal)
        self.window_shown.resizeDocks([self.docks["bottom"]], [low], Qt.Orientation.Vertical)

    def keep(self) -> None:
        """Remember the sizes for the next window."""
        if not self.window_shown.on_start:
            low = self.unfolded if self.bottom.folded else self.bottom.height()
            sizes = [self.docks["library"].width(), self.docks["properties"].width(), low]
            self.window_shown.session.settings.setValue(f"{self.screen_key()}/docks", sizes)

    def screen_key(self) -> str:
        """Name the size of the screen: another screen has other sizes."""
        size = self.window_shown.screen().size()
        return f"window/{size.width()}x{size.height()}"

    def show_panel(self, name: str) -> None:
        if not self.docks[name].isVisible():
            self.toggle(name)

    def toggle(self, name: str) -> None:
        """Show or hide the library or the properties; in a narrow window one takes the place of the other."""
        self.wanted[name] = not self.docks[name].isVisible()
        self.first = name if self.wanted[name] else "library"
        self.fit()
        if self.wanted[name] and not self.docks[name].isVisible() and not self.window_shown.on_start:
            self.window_shown.document.refused.emit(f"The window is too narrow for the {name} beside the canvas.")

    def toggle_tab(self, place: int) -> None:
        """Show a tab of the lower dock; when it is shown already, fold the dock."""
        shown = self.bottom.pages.currentIndex() == place and not self.bottom.folded
        self.bottom.show_tab(place)
        self.fold(shown)

    def fold(self, folded: bool) -> None:
        """Fold the lower dock to its tabs, or give it its height back."""
        if folded == self.bottom.folded:
            return
        if folded:
            self.unfolded = self.bottom.height()
        self.bottom.show_folded(folded)
        self.bottom.setMaximumHeight(TABS if folded else ANY)
        if not folded:  # once the limit is gone for the layout too
            QTimer.singleShot(0, self._unfold)

    def _unfold(self) -> None:
        height = self.unfolded or default_sizes(self.window_shown.width())[2]
        self.window_shown.resizeDocks([self.docks["bottom"]], [height], Qt.Orientation.Vertical)
        self.fit()

    def step(self, by: int) -> None:
        """Put the keyboard into the next panel: library, canvas, properties, what is below."""
        window = self.window_shown
        if window.on_start:
            window.start.setFocus(FOCUS)
            return
        below = window.bottom.analyzer.table if window.bottom.pages.currentIndex() == 0 else window.bottom
        panels = [
            (window.library, window.library.field),
            (window.canvas.widget, window.canvas.view),
            (window.properties, window.properties.form.first or window.properties.area),
            (window.bottom, below),
        ]
        panels = [panel for panel in panels if panel[1].isVisible()]
        now = window.focusWidget()
        here = next((n for n, (home, _) in enumerate(panels) if now and (home is now or home.isAncestorOf(now))), -by)
        panels[(here + by) % len(panels)][1].setFocus(FOCUS)
