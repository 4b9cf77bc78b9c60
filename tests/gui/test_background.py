"""Work beside the window: what need not be known at once waits until all is painted."""

import threading

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from designer.gui.background import Background


class Painted(QWidget):
    """Notes when it is painted."""

    def __init__(self, told):
        super().__init__()
        self.told = told

    def paintEvent(self, event):
        self.told.append("painted")


def test_what_waits_begins_behind_timers_and_what_they_want_painted(qtbot):
    told, came = [], []
    widget, beside = Painted(told), Background()
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    qtbot.waitUntil(lambda: "painted" in told)
    told.clear()
    widget.update()
    QTimer.singleShot(0, widget, widget.update)
    beside.run(lambda: told.append("begun"), came.append, painted=True)
    assert beside.busy
    qtbot.waitUntil(lambda: came == [None])
    beside.stop()
    assert told.index("begun") == len(told) - 1 > 0
    assert not beside.busy


def test_what_waits_is_dropped_when_all_stops(qtbot):
    told, beside = [], Background()
    beside.run(lambda: told.append(threading.current_thread()), told.append, painted=True)
    beside.stop()
    late = []
    QTimer.singleShot(0, lambda: QTimer.singleShot(0, lambda: late.append(True)))
    qtbot.waitUntil(lambda: late == [True])
    assert not told
