"""The pointer while the window works on what is large."""

import contextlib
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

MANY = 2_000  # layers: what is done to more of them takes long enough to be waited for


@contextlib.contextmanager
def busy(layers: int) -> Iterator[None]:
    """Show that something is being done to so many layers."""
    if layers < MANY:
        yield
        return
    QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        yield
    finally:
        QGuiApplication.restoreOverrideCursor()
