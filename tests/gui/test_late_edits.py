"""Edits that ask torch are made beside the window, and dropped when the network changed meanwhile."""

import threading

from PySide6.QtCore import Qt

from designer.analysis.waiting import MustWait
from designer.gui import untying
from designer.model import NetworkError

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def test_a_late_untie_is_dropped(desk, tied, monkeypatch):
    desk.open(tied)
    go, untie = threading.Event(), untying.untie
    threads = []

    def slow(network, *ports):
        untied = untie(network, *ports)  # where the window's thread gives up
        threads.append(threading.current_thread())
        assert go.wait(20)
        return untied

    monkeypatch.setattr(untying, "untie", slow)
    desk.select("fc")
    desk.key(Qt.Key.Key_T, CTRL | SHIFT)
    assert desk.network is tied
    assert desk.document.waiting == 1
    desk.document.attempt("Move fc", lambda net: net.move({"fc": (8.0, 8.0)}))
    moved = desk.network
    go.set()
    desk.settle()
    assert threads == [thread for thread in threads if thread is not threading.main_thread()]
    assert desk.network is moved
    assert desk.refusals == ["Not done, since the network was changed meanwhile: Untie fc."]
    assert desk.undo_texts() == ["Move fc"]


def test_what_is_refused_beside_is_said(desk, tied, monkeypatch):
    desk.open(tied)

    def refused(network, *ports):
        if threading.current_thread() is threading.main_thread():
            raise MustWait
        raise NetworkError("This takes 9.0 GiB of memory, and 1.0 GiB are free.")

    monkeypatch.setattr(untying, "untie", refused)
    desk.select("fc")
    desk.key(Qt.Key.Key_T, CTRL | SHIFT)
    desk.settle()
    assert desk.network is tied
    assert desk.refusals == ["This takes 9.0 GiB of memory, and 1.0 GiB are free."]


def test_a_failed_measurement_says_why(desk, tied):
    desk.open(tied.disconnect("lstm/in"))
    desk.select("fc")
    desk.key(Qt.Key.Key_T, CTRL | SHIFT)
    desk.settle()
    assert desk.undo_texts() == ["Untie fc"]
    said = "fc owns a copy of emb.weight; the outputs were not compared: lstm has nothing on its input 'in'."
    desk.qtbot.waitUntil(lambda: desk.told[-1] == said, timeout=20_000)


def test_what_came_from_a_file_is_measured_in_a_child_process(desk, tied, monkeypatch, tmp_path):
    from designer.files import difference

    monkeypatch.setattr(difference, "measured", None)  # of this process
    desk.open(tied)
    desk.document.path = tmp_path / "model.network"
    desk.select("fc")
    desk.key(Qt.Key.Key_T, CTRL | SHIFT)
    said = "fc owns a copy of emb.weight; max |difference| of the outputs: 0."
    desk.qtbot.waitUntil(lambda: said in desk.told, timeout=60_000)
