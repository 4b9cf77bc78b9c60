"""Nothing but windows, menus and bubbles is ever shown as a window of its own: it would flash, and close menus."""

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

from designer.layers import LSTM, Input, Linear, MultiheadAttention
from designer.model import Network


class Shown(QObject):
    """Notes widgets that are shown as windows."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(f"{type(watched).__name__} {watched.objectName()}")
        return False


@pytest.fixture
def shown(qapp):
    made = Shown()
    qapp.installEventFilter(made)
    yield made.seen
    qapp.removeEventFilter(made)


def test_panels_are_filled_in_place(desk, tied, shown):
    desk.open(
        Network().chain(x=Input(("B", "T", 16)), rnn=LSTM(16, num_layers=2), attn=MultiheadAttention(4), fc=Linear(3))
    )
    for names in (("rnn",), ("attn",), ("fc",), ("fc/in",), ("rnn", "fc"), (), ("fc",)):
        desk.select(*names)
        QApplication.processEvents()
    desk.canvas.fold(["fc"], unfold=True)
    for tab in (1, 2, 0):
        desk.window.bottom.show_tab(tab)
    desk.open(tied.disconnect("fc/weight"))
    desk.window.bottom.show_tab(1)
    for path in ("fc", "emb"):
        desk.select(path)
        for each in desk.form.learnables.rows.values():
            desk.click(each.head)
    for name in ("replace", "transfer"):
        desk.select("fc")
        desk.window.actions_by_name[name].trigger()
    assert not shown, ", ".join(shown)
