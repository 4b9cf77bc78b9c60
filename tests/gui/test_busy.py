"""The pointer shows that something large is being done, and no longer."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from designer.gui.busy import MANY, busy
from designer.gui.document import Document
from designer.layers import ReLU
from designer.model import Network, NetworkError


def shape():
    cursor = QGuiApplication.overrideCursor()
    return cursor and cursor.shape()


@pytest.fixture
def large(qapp):
    return Document(Network().add(**{f"l{n}": ReLU() for n in range(MANY)}))


def test_only_what_is_large_is_waited_for(qapp):
    with busy(MANY - 1):
        assert shape() is None
    with busy(MANY):
        assert shape() == Qt.CursorShape.WaitCursor
    assert shape() is None


def test_while_an_edit_is_made_and_shown(large):
    seen = []
    large.changed.connect(lambda: seen.append(shape()))

    def edit(network):
        seen.append(shape())
        return network.move({"l0": (8, 8)})

    assert large.attempt("Edit", edit)
    large.history.undo()
    assert seen == [Qt.CursorShape.WaitCursor] * 3
    assert shape() is None


def test_not_after_a_refusal(large):
    def edit(network):
        raise NetworkError("No.")

    assert not large.attempt("Edit", edit)
    assert shape() is None
