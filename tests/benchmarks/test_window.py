"""How long the window takes: to open an example until all is shown, and to show an edit in every view.

Times are those of the process with all its threads: neighbours on the machine do not count.
"""

import statistics
import time

import pytest
from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from designer.gui.examples import examples
from designer.gui.main_window import MainWindow
from designer.gui.session import Session
from designer.layers import LSTM, Dropout, Input, LayerNorm, Linear, ReLU
from designer.model import Network

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
LIMIT = 120  # seconds that anything is waited for


@pytest.fixture
def session(qapp, tmp_path):
    """A session with torch loaded and warmed, as the app has it when nothing else is to do."""
    made = Session(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat), "dark")
    warmed = []
    made.torch.warmed.connect(lambda: warmed.append(True))
    made.torch.load()
    _wait(lambda: made.torch.version)
    made.torch.warm()
    _wait(lambda: warmed)
    yield made
    for window in list(made.windows):
        window.document.history.setClean()
        window.close()
    made.stop()
    QApplication.sendPostedEvents(None, 0)


@pytest.fixture
def window(session):
    made = MainWindow(session)
    made.resize(1440, 900)
    made.show()
    made.canvas
    QApplication.processEvents()
    return made


def _wait(done):
    """Sleep between events: a loop that turns takes the interpreter from the thread that analyzes."""
    end = time.monotonic() + LIMIT
    ticks = QTimer(interval=20)
    ticks.start()
    while not done():
        assert time.monotonic() < end
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    ticks.stop()


def _painted():
    """Let everything be painted that waits for it."""
    QApplication.processEvents()
    QApplication.sendPostedEvents()
    QApplication.processEvents()


def test_opening_the_examples(window, capsys, benchmark):
    """Each for the first time, until the canvas is painted and the table is that of its analysis."""
    lines, late = [], []

    def open_all():
        for example in examples():
            start = time.process_time()
            window.filing.open_example(example)
            _wait(lambda example=example: window.document.name == example.name and not window.document.stale)
            _painted()
            took = 1000 * (time.process_time() - start)
            recurrent = any(isinstance(layer, LSTM) for layer in window.document.network.all.values())
            goal = 250 if recurrent else 100
            lines.append(f"{example.name}: {took:.0f} ms (goal {goal})")
            if took > goal:
                late.append(lines[-1])

    benchmark.pedantic(open_all, rounds=1)
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert not late


@pytest.mark.parametrize(("count", "goal"), [(100, 16), (1000, 30)])
def test_one_edit_to_all_views(window, count, goal, capsys, benchmark):
    """Of a setting that leaves the shapes, until canvas, table and all else are painted with its analysis."""
    kinds = [Linear(64), ReLU(), LayerNorm(), Dropout()]
    layers = {"x": Input(("B", 64))} | {f"l{n}": kinds[n % 4] for n in range(count)}
    places = {name: (240.0 * (n % 32), 136.0 * (n // 32)) for n, name in enumerate(layers)}
    window.show_network(Network().chain(**layers).move(places), "deep")
    document = window.document
    _wait(lambda: not document.stale)
    window.canvas.fit(all=True)
    _painted()
    middle, times = f"l{count // 2 - count // 2 % 4 + 2}", []

    def edit():
        value = 1e-5 * (len(times) + 2)
        start = time.process_time()
        document.edit(f"Set eps of {middle}", document.network.set(middle, eps=value))
        _wait(lambda: not document.stale)
        _painted()
        times.append(1000 * (time.process_time() - start))

    benchmark.pedantic(edit, rounds=15, warmup_rounds=2)
    median = statistics.median(times[2:])
    with capsys.disabled():
        print(f"\none edit at {count:,} layers: {median:.1f} ms (goal {goal})")
    assert median <= goal
