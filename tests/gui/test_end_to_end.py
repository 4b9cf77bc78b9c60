"""The stories told to the started program under a real X server: the mouse moves, keys are pressed, a file is saved.

The program is a process of its own, reached by xdotool alone. A twin of its window, without a screen, opens what the
program saved and tells where things stand.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from designer import Network, analyze, load, save
from designer.files.project import read_project
from designer.gui.filing import Opened, view_from
from designer.gui.on_screen import TITLE
from designer.layers import Dropout, Input, Linear, ReLU
from designer.model import Port

missing = [tool for tool in ("Xvfb", "xdotool") if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)} for real mouse events")
ROOT = Path(__file__).parents[2]
SIZE = (1440, 900)


class Screen:
    """An X server with the program on it."""

    def __init__(self, folder, *opened):
        self.log = (folder / "log").open("w")
        reading, writing = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SIZE[0]}x{SIZE[1] + TITLE}x24", "-nolisten", "tcp"],
            pass_fds=[writing],
            stderr=self.log,
        )
        os.close(writing)
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        self.env = {
            key: value for key, value in os.environ.items() if key not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")
        }
        self.env |= {
            "DISPLAY": f":{number}",
            "XDG_CONFIG_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "HOME": str(folder),
        }
        self.env["PYTHONPATH"] = str(ROOT)
        self.program = subprocess.Popen(
            [sys.executable, "-m", "designer", "--theme", "dark", *map(str, opened)],
            env=self.env,
            stderr=self.log,
            stdout=self.log,
            cwd=ROOT,
        )
        self.window = self.run("search", "--sync", "--onlyvisible", "--name", "Network Designer").split()[-1]
        self.run("windowfocus", "--sync", self.window)

    def run(self, *words):
        return subprocess.run(
            ["xdotool", *map(str, words)], env=self.env, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def click(self, at, button=1, count=1):
        self.run("mousemove", at.x(), at.y(), "sleep", 0.05, "click", "--repeat", count, "--delay", 60, button)
        time.sleep(0.25)

    def drag(self, start, end, button=1, held=""):
        words = ["keydown", held] if held else []
        words += ["mousemove", start.x(), start.y(), "sleep", 0.05, "mousedown", button]
        for step in range(1, 11):
            at = start + (end - start) * step / 10
            words += ["sleep", 0.03, "mousemove", at.x(), at.y()]
        self.run(*words, "sleep", 0.2, "mouseup", button, *(["keyup", held] if held else []))
        time.sleep(0.3)

    def key(self, *keys):
        self.run("key", "--delay", 40, *keys)
        time.sleep(0.25)

    def type(self, text):
        self.run("type", "--delay", 15, text)
        time.sleep(0.15)

    def end(self):
        self.program.kill()
        self.program.wait(30)
        self.server.terminate()
        self.server.wait(30)
        self.log.close()


class Twin:
    """A window that shows what the program shows."""

    def __init__(self, desk, screen, path):
        self.desk, self.screen, self.path = desk, screen, path
        desk.window.resize(*SIZE)
        QApplication.processEvents()

    def saved(self):
        """Let the program show all of the network and save it, and show the same."""
        before = self.path.stat().st_mtime_ns if self.path.exists() else 0
        self.screen.key("Home", "ctrl+s")
        self.wait(before)
        return self.follow()

    def wait(self, before):
        until = time.monotonic() + 30
        while not self.path.exists() or self.path.stat().st_mtime_ns == before:
            assert self.screen.program.poll() is None, "the program ended"
            assert time.monotonic() < until, "nothing was saved"
            time.sleep(0.05)

    def follow(self):
        network, view, _ = read_project(self.path)
        self.desk.window.take(Opened(network, self.path.stem, self.path, view_from(view), ""))
        QApplication.processEvents()
        self.desk.settle()
        self.desk.canvas.fit(all=True)
        QApplication.processEvents()
        return self.desk.network

    def middle(self, widget):
        return self.of(widget, widget.rect().center())

    def of(self, widget, at):
        return widget.mapTo(self.desk.window, at)

    def scene(self, at):
        return self.of(self.desk.canvas.view.viewport(), at)

    def wire(self, target):
        wire = self.desk.canvas.mirror.wires[Port.parse(target)]
        return self.scene(self.desk.at(wire.path().pointAtPercent(0.5)))

    def body(self, name):
        return self.scene(self.desk.at(self.desk.canvas.node(name).pos()) + QPoint(60, 14))


@pytest.fixture
def screen(tmp_path):
    made = Screen(tmp_path)
    yield made
    made.end()


def test_stories(desk, screen, tmp_path):
    path = tmp_path / "story.network"
    twin = Twin(desk, screen, path)
    create(desk, screen, twin)
    transfer(desk, screen, twin)
    untie(desk, screen, twin)


def create(desk, screen, twin):
    """From the start page to a tied network."""
    screen.click(twin.middle(desk.window.start.starts[0]))
    desk.click(desk.window.start.starts[0])
    tokens = next(button for button in desk.canvas.frame.start.children() if getattr(button, "name", "") == "Tokens")
    screen.click(twin.middle(tokens))
    screen.key("ctrl+s")
    screen.run("search", "--sync", "--onlyvisible", "--name", "Save as")
    dialog = screen.run("search", "--onlyvisible", "--name", "Save as").split()[-1]
    screen.run("windowfocus", "--sync", dialog)
    screen.key("ctrl+a")
    screen.type(str(twin.path))
    screen.key("Return")
    twin.wait(0)
    screen.run("windowfocus", "--sync", screen.window)
    assert list(twin.follow().layers) == ["tokens"]

    # The embedding by a real drag from the library, the others by its search field.
    line = twin.of(desk.window.library.tree.viewport(), desk.library_line("Embedding"))
    screen.drag(line, twin.scene(desk.at(desk.canvas.node("tokens").frame.topRight()) + QPoint(160, 30)))
    assert list(twin.saved().layers) == ["tokens", "embedding"]
    screen.drag(twin.scene(desk.port("tokens", "out", out=True)), twin.scene(desk.port("embedding", "in")))
    screen.click(twin.body("embedding"))
    for name in ("lstm", "linear", "softmax"):
        screen.key("slash")
        screen.type(name)
        screen.key("Return")
    network = twin.saved()
    assert [*network.layers] == ["tokens", "embedding", "lstm", "linear", "softmax"]
    assert [str(source) for source in network.wires.values()] == [
        "tokens/out",
        "embedding/out",
        "lstm/out",
        "linear/out",
    ]

    # Settings in the properties.
    for name, setting, value in (("lstm", "hidden_size", 300), ("linear", "out_features", 1000)):
        screen.click(twin.body(name))
        desk.select(name)
        QApplication.processEvents()
        screen.click(twin.middle(desk.setting(setting)))
        screen.key("ctrl+a")
        screen.type(str(value))
        screen.key("Return")
        screen.click(twin.body(name))  # the keyboard is the canvas's again
    network = twin.saved()
    assert network.layer("lstm").hidden_size == 300
    assert network.layer("linear").out_features == 1000

    # Learnables unfold, two ticks, and the tie.
    for name in ("embedding", "linear"):
        screen.click(twin.scene(desk.learnables_row(name)))
    twin.saved()
    screen.click(twin.scene(desk.switch("embedding", "weight", offers=True)))
    screen.click(twin.scene(desk.switch("linear", "weight", offers=False)))
    twin.saved()
    screen.drag(twin.scene(desk.port("embedding", "weight", out=True)), twin.scene(desk.port("linear", "weight")))
    found = analyze(twin.saved())
    assert (found.stored, found.used, found.row("linear").tied_to) == (
        1_023_400,
        1_323_400,
        {"weight": "embedding.weight"},
    )
    assert not found.problems


def transfer(desk, screen, twin):
    """A head of 15 outputs, in one step, which is one to undo."""
    screen.click(twin.body("linear"))
    screen.key("ctrl+shift+p")
    screen.type("transfer")
    screen.key("Return")
    screen.type("15")  # the number of outputs is chosen, to be typed over
    screen.key("Return")
    screen.click(twin.body("tokens"))
    network = twin.saved()
    found = analyze(network)
    assert (found.stored, found.used) == (1_026_915, 1_026_915)
    assert network.layer("linearNew").out_features == 15
    assert dict(network.layer("linearNew").learn_rate_factors) == {"weight": 10, "bias": 10}
    screen.key("ctrl+z")
    assert analyze(twin.saved()).stored == 1_023_400


def untie(desk, screen, twin):
    """Every layer owns its weights again."""
    screen.click(twin.body("linear"))
    screen.key("ctrl+shift+t")
    time.sleep(1)
    network = twin.saved()
    found = analyze(network)
    assert (found.stored, found.used) == (1_323_400, 1_323_400)
    assert not load(twin.path).layer("linear").input_learnables
    screen.key("ctrl+z")
    assert analyze(twin.saved()).stored == 1_023_400


def test_moves_on_the_canvas(desk, tmp_path):
    """Pan, zoom, band, move, insert, pull off, copy and slice, with a real mouse."""
    path = tmp_path / "moves.network"
    net = Network().chain(x=Input(("B", 8)), a=Linear(8), b=ReLU(), c=Linear(8)).add(d=Dropout())
    places = {"x": (0, 0), "a": (200, 0), "b": (480, 0), "c": (720, 0), "d": (300, 240)}
    save(net.move({name: (float(x), float(y)) for name, (x, y) in places.items()}), path)
    screen = Screen(tmp_path, path)
    try:
        moves(screen, Twin(desk, screen, path))
    finally:
        screen.end()


def moves(screen, twin):
    desk = twin.desk
    twin.saved()
    empty = twin.scene(desk.at(desk.canvas.area().bottomLeft()) + QPoint(10, 40))
    screen.drag(empty, empty + QPoint(90, 20), button=2)
    screen.run("mousemove", empty.x(), empty.y(), "click", "--repeat", 3, 4, "click", "--repeat", 2, 5)
    twin.saved()

    # A band around two layers, which are moved together.
    before = dict(desk.network.positions)
    first, last = desk.canvas.node("b").frame, desk.canvas.node("c").frame
    corner = twin.scene(desk.at(first.topLeft()) + QPoint(-20, -30))
    screen.drag(corner, twin.scene(desk.at(last.bottomRight()) + QPoint(20, 30)))
    screen.drag(twin.body("b"), twin.body("b") + QPoint(0, 80))
    after = twin.saved().positions
    moved = {name for name in after if after[name] != before[name]}
    assert moved == {"b", "c"}
    assert after["b"][1] - before["b"][1] == after["c"][1] - before["c"][1] > 0

    # A lone layer dropped on a wire is inserted; a wire pulled off an input onto nothing is cut.
    screen.drag(twin.body("d"), twin.wire("b/in"))
    network = twin.saved()
    assert str(network.wires[Port("b", "in")]) == "d/out"
    assert str(network.wires[Port("d", "in")]) == "a/out"
    screen.drag(twin.scene(desk.port("c", "in")), twin.scene(desk.port("c", "in")) + QPoint(-40, 120))
    assert Port("c", "in") not in twin.saved().wires

    # Copies by Ctrl, and a slice through two wires.
    screen.click(twin.body("c"))
    time.sleep(0.5)  # else it were a double-click
    screen.drag(twin.body("c"), twin.body("c") + QPoint(0, 150), held="ctrl")
    assert len(twin.saved().layers) == 6
    upper = twin.wire("a/in") + QPoint(0, -60)
    screen.drag(upper, upper + QPoint(0, 120), button=3, held="ctrl")
    assert Port("a", "in") not in twin.saved().wires
    screen.key("ctrl+z")
    assert Port("a", "in") in twin.saved().wires
