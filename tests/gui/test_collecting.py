"""Garbage is collected in the thread of the windows alone, and all of it in pauses."""

import gc
import threading

import pytest

from designer.gui import collecting
from designer.gui.collecting import NEW, PATIENT, WORTH, Collecting


@pytest.fixture
def collected(qapp, monkeypatch):
    """Collect for the windows, and list the generations that were collected and in which thread."""
    done = []
    gc.enable()
    made = Collecting(qapp)
    real = gc.collect
    monkeypatch.setattr(gc, "collect", lambda generation=2: done.append((generation, threading.current_thread())))
    made.done = done
    yield made
    monkeypatch.setattr(gc, "collect", real)
    made.stop()
    assert gc.isenabled()
    gc.disable()


def test_other_threads_collect_nothing(collected):
    seen = []

    def look(phase, info):
        seen.append(threading.current_thread())

    def make():
        for _ in range(5 * NEW):
            cycle = []
            cycle.append(cycle)

    gc.callbacks.append(look)
    try:
        worker = threading.Thread(target=make)
        worker.start()
        worker.join()
    finally:
        gc.callbacks.remove(look)
    assert not seen
    collected.collect_new()
    assert collected.done == [(0, threading.main_thread())]


def test_what_is_new_is_collected_soon(collected, qtbot):
    qtbot.wait(3 * collecting.SOON)
    kept = [[] for _ in range(3 * NEW)]
    qtbot.waitUntil(lambda: bool(collected.done), timeout=5_000)
    assert kept


def test_nothing_is_collected_while_a_file_is_read_but_not_for_ever(collected, monkeypatch):
    monkeypatch.setattr(gc, "get_count", lambda: (NEW, 0, 0))
    collected.reading = lambda: True
    collected.looks = WORTH
    collected.collect_all()
    for _ in range(PATIENT):
        collected.collect_new()
    assert not collected.done
    collected.collect_new()
    assert len(collected.done) == 1
    collected.collect_new()
    assert len(collected.done) == 1
    collected.reading = lambda: False
    collected.collect_new()
    collected.collect_all()
    assert [generation for generation, _ in collected.done[1:]] == [0, 2]


def test_files_are_read_until_what_they_gave_has_come(session, qtbot):
    come = []
    assert not session.collecting.reading()
    session.files.run(lambda: 1, come.append)
    session.files.run(lambda: 1 / 0, come.append, lambda error: come.append(type(error)))
    assert session.collecting.reading()
    qtbot.waitUntil(lambda: len(come) == 2, timeout=5_000)
    assert set(come) == {1, ZeroDivisionError}
    assert not session.collecting.reading()


def test_full_collections_wait(collected, monkeypatch):
    monkeypatch.setattr(gc, "get_count", lambda: (NEW, 0, 0))
    for _ in range(WORTH - 1):
        collected.collect_new()
    collected.done.clear()
    collected.collect_all()
    assert not collected.done
    collected.collect_new()
    collected.collect_all()
    assert collected.done[-1][0] == 2


def test_what_torch_made_is_frozen(session):
    frozen = gc.get_freeze_count()
    session.torch.came.emit()
    assert gc.get_freeze_count() > frozen
