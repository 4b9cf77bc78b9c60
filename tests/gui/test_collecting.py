"""Full garbage collections wait for a pause."""

import gc

import pytest

from designer.gui.collecting import NEVER, WORTH, collect, collect_when_idle


@pytest.fixture
def thresholds():
    kept = gc.get_threshold()
    yield
    gc.set_threshold(*kept)
    gc.unfreeze()


def test_full_collections_wait(session, thresholds, monkeypatch):
    before = gc.get_threshold()
    collect_when_idle(session)
    assert gc.get_threshold() == (*before[:2], NEVER)
    frozen = gc.get_freeze_count()
    session.torch.came.emit()
    assert gc.get_freeze_count() > frozen
    done = []
    monkeypatch.setattr(gc, "collect", lambda: done.append(1))
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, WORTH - 1))
    collect()
    assert not done
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, WORTH))
    collect()
    assert done
