"""The start: painted before anything slow is imported, then torch, then the canvas."""

import os
import subprocess
import sys

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from designer import analyze
from designer.analysis import probe
from designer.files.project import load, save
from designer.gui import theme
from designer.gui.application import begin
from designer.gui.drawing import category_of
from designer.gui.examples import examples
from designer.gui.main_window import MainWindow
from designer.gui.tiles import SCENE
from designer.layers import Input
from designer.model import Network

NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton

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


@pytest.mark.parametrize("name", ["dark", pytest.param("light", marks=pytest.mark.nightly)])
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


def _key(desk, key):
    QTest.keyClick(desk.window.focusWidget(), key)
    QApplication.processEvents()


def _type(desk, text):
    for letter in text:
        QTest.keyClicks(desk.window.focusWidget(), letter)


@pytest.fixture
def recents(desk, tied, tmp_path):
    """Give a file with ties that was open, and one that is gone."""
    path, gone = tmp_path / "model.network", tmp_path / "gone.network"
    save(tied, path)
    desk.window.session.remember(gone)
    desk.window.session.remember(path, 1)
    return path, gone


def test_recent_files(desk, recents, tied, qtbot):
    session, start, (path, gone) = desk.window.session, desk.window.start, recents
    assert [(line.path, line.ties, line.missing) for line in start.recents] == [(path, 1, False), (gone, None, True)]
    assert start.recent.isVisible()
    desk.click(start.recents[1])  # not at Remove: it is looked for again, and refused
    qtbot.waitUntil(lambda: bool(desk.refusals))
    assert "gone.network" in desk.refusals[-1]
    assert desk.window.on_start
    assert session.recent() == [path, gone]
    desk.click(start.recents[1], start.recents[1].remove_area().center().toPoint())
    assert session.recent() == [path]
    desk.click(start.recents[0])
    qtbot.waitUntil(lambda: not desk.window.on_start)
    assert desk.network == tied
    assert desk.document.path == path
    assert session.ties == {str(path): 1}


def test_a_recent_file_that_nobody_may_look_at(desk, tmp_path, qtbot):
    """As in a folder that is locked now; here by a name that no file can have."""
    path = tmp_path / f"{'long' * 70}.network"
    desk.window.session.remember(path)
    (line,) = desk.window.start.recents
    assert line.missing
    desk.click(line)
    qtbot.waitUntil(lambda: bool(desk.refusals))
    assert desk.refusals[-1] == f"{path.name} cannot be read: File name too long."
    (line,) = desk.window.start.recents  # listed anew
    desk.click(line, line.remove_area().center().toPoint())
    assert not desk.window.session.recent()


def test_arrows_go_everywhere(desk, recents):
    """Across both columns and back; Del takes a recent file off the list, Enter opens one."""
    start = desk.window.start
    cards = start.cards
    down, up, left, right = Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Right
    way = [
        *((down, start.starts[1]), (right, cards[0]), (right, cards[1]), (down, cards[4]), (right, cards[5])),
        *((right, cards[5]), (up, cards[2]), (up, cards[2]), (left, cards[1]), (left, cards[0]), (down, cards[3])),
        *((down, start.recents[0]), (down, start.recents[1]), (up, start.recents[0]), (up, cards[3])),
        *((left, start.starts[3]), (up, start.starts[2]), (up, start.starts[1]), (up, start.starts[0])),
        (left, start.starts[0]),
    ]
    for key, tile in way:
        _key(desk, key)
        assert desk.window.focusWidget() is tile
    start.recents[1].setFocus()
    _key(desk, Qt.Key.Key_Delete)
    assert desk.window.session.recent() == [recents[0]]
    assert start.recents[0].hasFocus()


def test_every_tile_is_reached_by_arrows_at_each_width(desk, recents):
    start = desk.window.start
    for size in ((1440, 900), (1000, 700), (800, 700)):
        desk.window.resize(*size)
        QApplication.processEvents()
        found, ahead = set(), [start.starts[0]]
        while ahead:
            tile = ahead.pop()
            if tile not in found:
                found.add(tile)
                for key in (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Right):
                    tile.setFocus()
                    _key(desk, key)
                    ahead.append(desk.window.focusWidget())
        assert found == set(start.tiles())
        assert len(found) == 4 + 6 + 2


def test_typing_searches(desk, recents, qtbot):
    start = desk.window.start
    _type(desk, "sia")
    assert start.field.text() == "sia"
    assert [tile.text() for tile in start.tiles()[4:]] == ["Siamese pair"]
    _key(desk, Qt.Key.Key_Backspace)
    _key(desk, Qt.Key.Key_Escape)
    assert start.field.text() == ""
    assert len(start.tiles()) == 12
    assert start.starts[0].hasFocus()
    _type(desk, "mode")  # an example, and a recent file
    assert [tile.text() for tile in start.tiles()[4:]][-1] == "model.network"
    start.field.setText("convv")
    assert "convv" in start.nothing.full
    assert len(start.tiles()) == 4
    start.field.setText("siamese pair")
    _key(desk, Qt.Key.Key_Down)
    assert desk.window.focusWidget().text() == "Siamese pair"
    _type(desk, "s")
    assert start.field.text() == "siamese pairs"
    start.field.setText("siamese")
    _key(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not desk.window.on_start)
    assert "again" in desk.network.layers


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_an_example_opens_as_something_unsaved(desk, example, qtbot, monkeypatch):
    """It has no file of its own, so that Save asks; and it is what its card said."""
    before = example.path.read_bytes()
    desk.click(next(card for card in desk.window.start.cards if card.example is example))
    qtbot.waitUntil(lambda: not desk.window.on_start)
    desk.settle()
    assert desk.document.path is None
    assert desk.document.name == example.name
    assert desk.document.history.isClean()
    assert example.path not in desk.window.session.recent()
    analysis = desk.document.analysis
    assert (analysis.stored, analysis.saved) == (example.stored, example.saved)
    assert not analysis.problems
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: asked.append(given[2]) or ("", ""))
    desk.window.filing.save()
    assert len(asked) == 1
    assert example.path.read_bytes() == before


def test_examples_are_in_the_file_menu(desk, qtbot):
    menu = desk.window.examples_menu
    assert [action.text() for action in menu.actions()] == [example.title for example in examples()]
    desk.window.new_network()
    desk.document.edit("Add x", Network().add(x=Input(("B", 4))))
    menu.actions()[1].trigger()
    qtbot.waitUntil(lambda: len(desk.window.session.windows) == 2)  # unsaved work stays where it is
    other = desk.window.session.windows[1]
    qtbot.waitUntil(lambda: not other.on_start)
    assert other.document.name == "tied-autoencoder"
    assert list(desk.network.layers) == ["x"]


def _fits(start):
    """Whether nothing stands over an edge, once the layouts have settled."""
    lefts = [(tile.mapTo(start, tile.rect().topLeft()).x(), tile.width()) for tile in start.tiles()]
    return all(left >= 0 and left + width <= start.width() for left, width in lefts)


@pytest.mark.parametrize(
    ("size", "across", "beside"), [((1440, 900), 3, True), ((1000, 800), 2, True), ((800, 800), 2, False)]
)
def test_widths(desk, recents, size, across, beside, qtbot):
    window, start = desk.window, desk.window.start
    window.resize(*size)
    qtbot.waitUntil(lambda: _fits(start))
    places = [card.mapTo(start, card.rect().topLeft()) for card in start.cards]
    assert len({place.x() for place in places}) == across
    assert (places[0].x() > start.left.mapTo(start, start.left.rect().topRight()).x()) == beside


def test_cards_show_their_networks(desk, qtbot):
    """Blocks in the colours of their layers, amber where something is tied."""
    qtbot.waitUntil(lambda: all(card.shown for card in desk.window.start.cards))
    for card in desk.window.start.cards:
        image = card.grab().toImage()
        seen = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(4, SCENE)}
        network = load(card.example.path)
        colors = {theme.DARK.category[category_of(layer)].name() for layer in network.layers.values()}
        if "permute" in network.layers:
            colors.remove(theme.DARK.category["Shape and maths"].name())  # on a tie: amber
        assert colors <= seen
        pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(4, SCENE)]
        amber = any(p.red() > 150 and 0.5 < p.green() / p.red() < 0.75 and p.blue() < 100 for p in pixels)
        assert amber == bool(card.example.saved)
        shown = card.shown
        assert set(shown.blocks) == set(network.layers)
        assert all(shown.blocks[a].column < shown.blocks[b].column for a, b in shown.wires)


def _drag(desk, kind, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at = QPointF(200, 200) if kind is QDropEvent else QPoint(200, 200)
    event = QDragLeaveEvent() if kind is QDragLeaveEvent else kind(at, Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(desk.window, event)
    QApplication.processEvents()


@pytest.mark.parametrize("page", ["start", "canvas"])
def test_a_frame_says_what_a_drop_opens(desk, tied, recents, page, qtbot):
    if page == "canvas":
        desk.open(tied)
    frame = desk.window.drop_frame
    _drag(desk, QDragEnterEvent, recents[0])
    assert frame.isVisible()
    assert frame.text == "Open model.network"
    assert frame.size() == desk.window.stack.size()
    accent = frame.grab().toImage().pixelColor(frame.width() // 2, frame.height() // 2 + 14)
    assert accent == theme.current().accent_fill
    _drag(desk, QDragLeaveEvent)
    assert not frame.isVisible()
    _drag(desk, QDragEnterEvent, *recents)
    assert frame.text == "Open 2 files"
    _drag(desk, QDragLeaveEvent)
    if page == "canvas":
        desk.document.edit("Set bias of fc", tied.set("fc", bias=False))
    _drag(desk, QDragEnterEvent, recents[0])
    assert frame.text == "Open model.network" + " in a new window" * (page == "canvas")
    _drag(desk, QDropEvent, recents[0])
    assert not frame.isVisible()
    windows = desk.window.session.windows
    qtbot.waitUntil(lambda: windows[-1].document.path == recents[0])
    assert len(windows) == 1 + (page == "canvas")


def test_the_strip_of_a_file_that_is_read(desk, tied):
    """It is inside the window on both pages, in full, and counts the seconds when it takes long."""
    strip = desk.window.reading
    for name in ("bert-base.pt2", "a-long-name-" * 30):
        strip.show_name(name)
        QApplication.processEvents()
        assert strip.parentWidget().rect().contains(strip.geometry())
    strip.show_name("bert-base.pt2")
    QApplication.processEvents()
    assert strip.label.text() == "Reading bert-base.pt2…"  # not cut
    assert strip.y() > strip.parentWidget().height() - 80
    for _ in range(3):
        strip.timer.timeout.emit()
    assert strip.label.text() == "Reading bert-base.pt2… 3 s"
    desk.open(tied)
    assert (strip.x(), strip.y()) == (12, 52)
    strip.show_name("")
    assert not strip.isVisible()
    assert not strip.timer.isActive()


def test_torch_is_warmed_when_nothing_else_is_to_do(session, qtbot, monkeypatch):
    window = MainWindow(session)
    window.show()
    with qtbot.waitSignal(session.torch.warmed, timeout=60_000):
        begin(window)
    assert window.made_canvas
    assert window.on_start
    asked = []
    monkeypatch.setattr(probe, "_answered", lambda *what: asked.append(what))
    for example in examples():
        assert analyze(load(example.path)).stored == example.stored
    assert asked == []  # torch has answered for all of them


def test_begin_opens_a_file(session, tied, tmp_path, qtbot):
    path = tmp_path / "model.network"
    save(tied, path)
    window = MainWindow(session)
    window.show()
    begin(window, str(path))
    qtbot.waitUntil(lambda: not window.on_start and not window.document.stale, timeout=60_000)
    assert window.document.network == tied
