"""Where windows stand; a screen of any size is a rectangle here."""

import pytest
from PySide6.QtCore import QRect, QSize
from PySide6.QtWidgets import QWidget

from designer.gui.on_screen import TITLE, first_size, fit_into

ROOM = QRect(0, 24, 1280, 696)


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        (QRect(100, 100, 800, 500), QRect(100, 100, 800, 500)),
        (QRect(0, 0, 1280, 720), QRect(0, 24, 1280, 696)),
        (QRect(33, 52, 1280, 720), QRect(0, 24, 1280, 696)),
        (QRect(900, 500, 640, 400), QRect(640, 320, 640, 400)),
        (QRect(-300, -40, 640, 400), QRect(0, 24, 640, 400)),
    ],
)
def test_a_window_is_moved_and_shrunk_into_the_screen(qtbot, place, wanted):
    window = QWidget()
    qtbot.addWidget(window)
    window.setGeometry(place)
    window.show()
    around = window.frameGeometry().size() - window.size()
    fit_into(window, ROOM)
    assert ROOM.contains(window.frameGeometry())
    off = window.frameGeometry().topLeft() - wanted.topLeft()
    assert off.manhattanLength() <= around.width() + around.height()
    assert window.size() == wanted.size().boundedTo(ROOM.size() - around)


def test_a_maximised_window_stays_as_it_is(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.showMaximized()
    before = window.geometry()
    fit_into(window, QRect(0, 0, 100, 100))
    assert window.geometry() == before


def test_a_first_window_leaves_room_for_its_title():
    assert first_size(QSize(1440, 900), QRect(0, 0, 1440, 900)) == QSize(1440, 900 - TITLE)
    assert first_size(QSize(1440, 900), QRect(0, 0, 2560, 1440)) == QSize(1440, 900)
