"""Garbage is collected when nobody waits: a full collection holds every thread, with torch there half a second."""

import gc

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from designer.gui.session import Session

NEVER = 1_000_000_000  # younger collections between two full ones
OFTEN, WORTH = 20_000, 200  # milliseconds between two looks, and younger collections after which a full one is due


def collect_when_idle(session: Session) -> None:
    """Leave full collections to pauses; what torch's import made is looked at no more."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)
    session.torch.came.connect(gc.freeze)
    timer = QTimer(session, interval=OFTEN)
    timer.timeout.connect(collect)
    timer.start()


def collect() -> None:
    """Collect everything, where it is due and no gesture is under way."""
    if gc.get_count()[2] >= WORTH and QApplication.mouseButtons() == Qt.MouseButton.NoButton:
        gc.collect()
