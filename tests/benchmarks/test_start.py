"""The start page against the time that importing torch alone takes."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.benchmark

PAINTED = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from designer.gui import application, start_page

shown = start_page.StartPage.paintEvent

def painted(page, event):
    shown(page, event)
    import os
    os._exit(0)

start_page.StartPage.paintEvent = painted
application.run(None, "dark", None)
"""


def test_the_start_page_is_painted_before_torch_could_be_imported(interleaved, benchmark):
    """Goal: less than half the time."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}

    def run(code):
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)

    medians = interleaved(9, start=lambda: run(PAINTED), torch=lambda: run("import torch"))
    benchmark.pedantic(run, (PAINTED,), rounds=3)
    assert medians["start"] < medians["torch"] / 2
