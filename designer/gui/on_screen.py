"""Windows stand on the screen with all of their frame."""

from PySide6.QtCore import QRect, QSize, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

TITLE = 40  # pixels that the title of a window takes at most
FRAMED = 150  # milliseconds after a window is shown, until its frame is known


def first_size(wanted: QSize, room: QRect) -> QSize:
    """The size of a window before its frame is known."""
    return wanted.boundedTo(room.size() - QSize(0, TITLE))


def keep_on_screen(window: QWidget) -> None:
    """Move and shrink a window that was just shown, once its frame is there; without a screen nothing is moved."""
    if QGuiApplication.platformName() != "offscreen":
        QTimer.singleShot(FRAMED, window, lambda: fit_into(window, window.screen().availableGeometry()))


def fit_into(window: QWidget, room: QRect) -> None:
    """Move and shrink a window, so that all of it, its frame included, stands in a rectangle of the screen."""
    frame, bare = window.frameGeometry(), window.geometry()
    if window.isMaximized() or window.isFullScreen() or room.contains(frame):
        return
    around = frame.size() - bare.size()
    size = bare.size().boundedTo(room.size() - around)
    outer = size + around
    window.resize(size)
    left, top = (room.right() + 1 - outer.width(), room.bottom() + 1 - outer.height())
    window.move(max(room.left(), min(frame.left(), left)), max(room.top(), min(frame.top(), top)))
