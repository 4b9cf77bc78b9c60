"""The start: painted before anything slow is imported, then torch, then the canvas."""

import os
import subprocess
import sys

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from designer.files.project import save
from designer.gui import theme
from designer.gui.application import begin
from designer.gui.main_window import MainWindow
from designer.gui.start_page import Recent
from designer.model import Network

FIRST_PAINT = """
import sys, time
from PySide6.QtCore import QEvent, QObject, QSettings, QTimer
from PySide6.QtWidgets import QApplication
started = time.perf_counter()
app = QApplication([])
from designer.gui.application import begin
from designer.gui.main_window import MainWindow
from designer.gui.session import Session

SLOW = ("torch", "NodeGraphQt", "numpy")
session = Session(QSettings(sys.argv[1], QSettings.Format.IniFormat), "dark")
window = MainWindow(session)

class First(QObject):
    seen = None

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and self.seen is None:
            self.seen = [name for name in SLOW if name in sys.modules]
            print("painted", round(time.perf_counter() - started, 3), *self.seen, flush=True)
        return False

first = First()
window.start.installEventFilter(first)
window.show()
begin(window)
session.torch.came.connect(lambda: print("torch", session.torch.version, window.status.message.full, flush=True))
ready = QTimer(interval=20)
ready.timeout.connect(lambda: window.made_canvas and (print("canvas", flush=True), app.quit()))
ready.start()
app.exec()
session.stop()
"""


def _run(arguments, **more):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, env=environment, **more
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_start_page_waits_for_nothing(tmp_path):
    painted, torch, canvas = _run(["-c", FIRST_PAINT, str(tmp_path / "s.ini")]).stdout.splitlines()
    assert painted.split()[0] == "painted"
    assert painted.split()[2:] == []
    assert torch.startswith("torch 2.")
    assert torch.endswith(" ready")
    assert canvas == "canvas"


@pytest.mark.parametrize("name", ["dark", "light"])
def test_screenshot(tied, tmp_path, name):
    save(tied, tmp_path / "model.network")
    picture = tmp_path / "shot.png"
    code = (
        "import sys; from designer.gui.application import run; "
        f"sys.exit(run({str(tmp_path / 'model.network')!r}, {name!r}, {str(picture)!r}))"
    )
    _run(["-c", code])
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1440, 900)
    wanted = {"dark": theme.DARK, "light": theme.LIGHT}[name]
    assert image.pixelColor(1300, 870 - 100) == wanted.panel
    assert image.pixelColor(700, 90) in (wanted.canvas, wanted.grid)
    amber = sum(image.pixelColor(x, y) == wanted.learn for x in range(230, 1130) for y in range(80, 600))
    assert amber > 100  # the tie is drawn


def test_screenshot_of_a_wrong_file_says_why(tmp_path):
    (tmp_path / "net.network").write_text("{}")
    picture = tmp_path / "shot.png"
    code = (
        "import sys; from designer.gui.application import run; "
        f"sys.exit(run({str(tmp_path / 'net.network')!r}, 'dark', {str(picture)!r}))"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not picture.exists()


def test_blank_by_keyboard(desk):
    start = desk.window.start
    assert start.starts[0].hasFocus()
    QTest.keyClick(start.starts[0], Qt.Key.Key_Down)
    assert start.starts[1].hasFocus()
    QTest.keyClick(start.starts[1], Qt.Key.Key_Up)
    QTest.keyClick(start.starts[0], Qt.Key.Key_Return)
    assert not desk.window.on_start
    assert all(dock.isVisible() for dock in desk.window.docks.docks.values())
    assert desk.canvas.view.hasFocus()
    assert not desk.window.isWindowModified()


def test_docks_are_hidden_on_the_start_page(desk):
    assert desk.window.on_start
    assert not any(dock.isVisible() for dock in desk.window.docks.docks.values())


def test_sizes_of_the_panels(desk, tied, qtbot):
    desk.open(tied)
    window = desk.window
    qtbot.waitUntil(lambda: window.library.width() == 224)
    assert window.properties.width() == 304
    assert abs(window.bottom.height() - 264) <= 1
    assert window.bar.height() == 44
    assert window.status.height() == 28
    assert window.properties.geometry().height() > window.library.geometry().height()


def test_sizes_are_remembered(desk, tied, session, qtbot):
    desk.open(tied)
    window = desk.window
    window.resizeDocks([window.docks["library"]], [300], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: window.library.width() == 300)
    window.close()
    other = MainWindow(session)
    other.resize(1440, 900)
    other.show()
    other.show_network(Network(), "again")
    qtbot.waitUntil(lambda: other.library.width() == 300)


def test_recent_files(desk, tied, tmp_path, qtbot):
    session = desk.window.session
    path, gone = tmp_path / "model.network", tmp_path / "gone.network"
    save(tied, path)
    session.remember(gone)
    session.remember(path)
    start = desk.window.start
    lines = [start.lines.itemAt(n).widget() for n in range(start.lines.count())]
    assert [line.path for line in lines] == [path, gone]
    assert all(isinstance(line, Recent) for line in lines)
    assert [line.missing for line in lines] == [False, True]
    assert start.recent.isVisible()
    desk.click(lines[1])
    assert session.recent() == [path]
    start.starts[0].setFocus()
    QTest.keyClick(start.starts[0], Qt.Key.Key_Right)
    line = start.lines.itemAt(0).widget()
    assert line.hasFocus()
    QTest.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not desk.window.on_start)
    assert desk.network == tied


def test_begin_opens_a_file(session, tied, tmp_path, qtbot):
    path = tmp_path / "model.network"
    save(tied, path)
    window = MainWindow(session)
    window.show()
    begin(window, str(path))
    qtbot.waitUntil(lambda: not window.on_start and not window.document.stale, timeout=60_000)
    assert window.document.network == tied
