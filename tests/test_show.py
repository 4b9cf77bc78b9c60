"""``show`` and ``picture`` from scripts, each in a process of its own: a test process has its Qt already."""

import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

import pytest

from designer import FileError, Network, NetworkError, analyze, picture, show
from designer.layers import LSTM, Embedding, Input, Linear

START = """
import sys
from PySide6.QtCore import QTimer, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from designer import *
from designer.layers import *
net = Network().chain(x=Input(("B", 4)), fc=Linear(3))

def soon(window, do):
    '''Do something once the window is up and its network analyzed.'''
    def look():
        windows = [each for each in QApplication.topLevelWidgets() if each.isVisible() and hasattr(each, "document")]
        if windows and not windows[0].document.stale:
            timer.stop()
            do(windows[0])
    timer = QTimer(interval=20)
    timer.timeout.connect(look)
    timer.start()
    return timer
"""


def run(script, folder, **environ):
    """Run a script in a process of its own; give what it prints, and what it says on stderr."""
    environ = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")} | environ
    environ |= {"XDG_CONFIG_HOME": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", START + textwrap.dedent(script)]
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


EDITED = """
    def edit(window):
        window.document.look(selection=frozenset({"fc"}))
        window.canvas.view.setFocus()
        QTest.keyClick(window.canvas.view, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
        window.close()
"""


def test_the_edited_network_comes_back_and_nothing_is_asked(tmp_path):
    script = f"""
    app = QApplication([]) if {{has}} else None
    {EDITED}
    if app is None:
        import designer.gui.scripting as scripting
        app = scripting.application(offscreen=False)
    timer = soon(None, edit)
    new = show(net)
    print(list(new.layers), net == Network().chain(x=Input(("B", 4)), fc=Linear(3)))
    timer = soon(None, edit)
    print(list(show(new).layers), app.styleSheet() == "", app.quitOnLastWindowClosed())
    """
    for has in (True, False):  # an application of the notebook's, or none
        out, errors = run(script.replace("{has}", str(has)), tmp_path, QT_QPA_PLATFORM="offscreen")
        assert out.splitlines() == [
            "['x', 'fc', 'fc2'] True",
            "['x', 'fc', 'fc2', 'fc3'] True True",
        ], errors
        assert "Traceback" not in errors


@pytest.mark.nightly
def test_without_a_display_the_window_is_drawn_instead(tmp_path):
    out, errors = run("print(show(net) is net)", tmp_path, QT_QPA_PLATFORM="")
    assert out == "True"
    assert (
        "There is no display (DISPLAY and WAYLAND_DISPLAY are not set), so the window is drawn to designer.png."
        in errors
    )
    assert (tmp_path / "designer.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_needs_no_display_and_does_not_pretend_one(tmp_path):
    script = """
    import os
    first = picture(net)
    assert first.svg == picture(net).svg
    assert "QT_QPA_PLATFORM" not in os.environ
    first.save("net.svg")
    first.save("net.svg")
    print(show(net) is net)
    """
    out, errors = run(f"import os; del os.environ['QT_QPA_PLATFORM']\n{textwrap.dedent(script)}", tmp_path)
    assert out == "True"
    assert "so the window is drawn to designer.png" in errors
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"fc", "x", "Linear · 4 → 3"} <= set(texts)


def test_a_picture_here(qapp, tmp_path):
    net = Network().chain(x=Input(("B", 4)), a_layer=Linear(3))
    drawn = picture(net, theme="dark")
    assert "a_layer" in drawn._repr_svg_()
    assert "#131519" in drawn.svg
    assert "#131519" not in picture(net).svg
    assert "<image" not in drawn.svg
    other = tmp_path / "mine.svg"
    other.write_text("<svg/>")
    with pytest.raises(FileError, match=r"mine.svg cannot be written: the file of this name is no picture"):
        drawn.save(other)
    with pytest.raises(FileError, match=r"ends in \.svg"):
        drawn.save(tmp_path / "net.png")
    with pytest.raises(NetworkError, match="no theme 'pink'"):
        picture(net, theme="pink")


def test_what_is_no_model(qapp):
    with pytest.raises(NetworkError, match=r"A network or an nn\.Module can be shown, not a str\."):
        show("model.pt2")


# Tables.


def test_an_analysis_shows_itself_as_a_table():
    net = Network().chain(
        ids=Input(("B", "T"), dtype="int64"),
        emb=Embedding(1000, 300, output_learnables=("weight",)),
        lstm=LSTM(300),
        fc=Linear(1000, input_learnables=("weight",)),
    )
    net = net.connect("emb/weight", "fc/weight").add(lost=Linear(2))
    table = analyze(net)._repr_html_()
    root = ElementTree.fromstring(f"<div>{table}</div>")
    cells = [[cell.text or "" for cell in row] for row in root.iter("tr")]
    assert cells[0] == ["name", "type", "activations", "learnables", "tied to", "stored", "used"]
    assert cells[2] == ["emb", "Embedding", "B × T × 300", "weight 1000 × 300", "", "300,000", "300,000"]
    assert cells[4][4:] == ["emb.weight", "1,000", "301,000"]
    assert cells[-1][0] == "total"
    assert cells[-1][4:] == ["saved by ties: 300,000", "at least 1,023,400", "at least 1,323,400"]
    assert [item[0].text for item in root.iter("li")] == ["error"]


def test_names_in_the_table_are_escaped():
    net = Network().add(x=Input(("B", 4)))
    analysis = analyze(net)
    row = analysis.rows[0]
    object.__setattr__(row, "name", "<script>")
    assert "<script>" not in analysis._repr_html_()
    assert "&lt;script&gt;" in analysis._repr_html_()
