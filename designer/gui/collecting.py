"""Garbage is collected in the thread of the windows alone, and all of it only when nobody waits.

Collected in another thread, a window's objects would be destroyed there, which Qt does not survive; and a full
collection holds every thread, with torch there for half a second. While a file is read, hardly anything that is new
is garbage, and looks at all of it would hold the reading up.
"""

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

SOON, OFTEN = 100, 20_000  # milliseconds between two looks at what is new, and at everything
NEW = 5_000  # objects made since the last look, from which on it is worth looking
WORTH = 20  # collections of what is new after which a full one is due
PATIENT = 50  # looks at what is new that are left out in a row while files are read


class Collecting(QObject):
    """Takes garbage collection over from Python until it is stopped; ``reading`` tells whether files are read."""

    def __init__(self, parent: QObject, reading: Callable[[], bool] = lambda: False):
        super().__init__(parent)
        self.reading = reading
        self.was = gc.isenabled()
        gc.disable()
        self.looks = self.left_out = 0
        for interval, look in ((SOON, self.collect_new), (OFTEN, self.collect_all)):
            timer = QTimer(self, interval=interval)
            timer.timeout.connect(look)
            timer.start()

    def collect_new(self) -> None:
        """Collect what was made lately, where that is much."""
        if gc.get_count()[0] < NEW:
            return
        if self.reading() and self.left_out < PATIENT:
            self.left_out += 1
        else:
            self.left_out = 0
            self.looks += 1
            gc.collect(1 if self.looks % 10 == 0 else 0)

    def collect_all(self) -> None:
        """Collect everything, where it is due, no gesture is under way and no file is read."""
        waits = self.reading() or QApplication.mouseButtons() != Qt.MouseButton.NoButton
        if self.looks >= WORTH and not waits:
            self.looks = 0
            gc.collect()

    def stop(self) -> None:
        """Leave it to Python again."""
        for timer in self.findChildren(QTimer):
            timer.stop()
        gc.collect()  # what is left of the windows, while it is still this thread that does it
        gc.unfreeze()
        if self.was:
            gc.enable()
