"""The check that a window asks torch and reads files beside itself only."""

from pathlib import Path

import pytest

import designer
from designer import analyze

SOURCE = "def slot(network):\n    from designer.analysis import analyze\n    return analyze(network)\n"


def test_it_bites(desk, tied):
    names = {}
    exec(compile(SOURCE, str(Path(designer.__file__).parent / "gui" / "slot.py"), "exec"), names)
    with pytest.raises(AssertionError, match="analyze in the window's thread"):
        names["slot"](tied)
    assert analyze(tied).stored == 1_023_400, "a test may"
    desk.document.attempt("Nothing", lambda net: (names["slot"](net), net)[1])  # is made beside
    assert desk.document.waiting == 1
    desk.settle()
