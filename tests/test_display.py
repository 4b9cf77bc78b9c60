"""Whether Qt can open a window: tried in a child process, and remembered."""

import os
import socket
from importlib import metadata

import pytest

from designer import display


@pytest.fixture
def environ(tmp_path):
    """The variables of a session without a display, its cache in a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in display.VARIABLES}
    return kept | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_RUNTIME_DIR": str(tmp_path)}


@pytest.fixture
def tries(monkeypatch):
    """Let every trial succeed, and count them."""
    made = []
    monkeypatch.setattr(display, "can_start", lambda environ: made.append(environ) is None)
    return made


@pytest.fixture
def server(tmp_path):
    """Something that listens where a Wayland session would."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "wayland-7"))
        listening.listen()
        yield "wayland-7"


def test_without_a_display_there_is_no_window(environ, tries):
    assert display.no_display(environ) == "There is no display (DISPLAY and WAYLAND_DISPLAY are not set)"
    assert not tries


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"DISPLAY": ":917713"}, "Qt cannot open a window with DISPLAY=:917713"),
        ({"QT_QPA_PLATFORM": "nonsense"}, "Qt cannot open a window by its platform nonsense with no display"),
    ],
)
def test_a_plugin_that_aborts_takes_only_the_child_with_it(environ, variables, reason):
    assert display.no_display(environ | variables) == reason
    assert not display.is_remembered(environ | variables)


def test_qt_comes_up_in_the_child(environ):
    assert display.can_start(environ | {"QT_QPA_PLATFORM": "offscreen"})


def test_a_child_that_hangs_is_given_up(environ, monkeypatch):
    monkeypatch.setattr(display, "LIMIT", 0.5)
    monkeypatch.setattr(display, "CHILD", "import time; time.sleep(60)")
    assert not display.can_start(environ)


def test_the_users_choice_of_a_platform_without_display_stands(environ, tries):
    for platform in ("offscreen", "minimal", "vnc:size=800x600"):
        assert display.no_display(environ | {"QT_QPA_PLATFORM": platform}) == ""
    assert not tries


def test_what_worked_is_not_tried_again(environ, tries, server):
    environ["WAYLAND_DISPLAY"] = server
    assert [display.no_display(environ) for _ in range(3)] == ["", "", ""]
    assert len(tries) == 1
    assert display.no_display(environ | {"QT_QPA_PLATFORM": "wayland"}) == ""
    assert len(tries) == 2


def test_what_worked_is_tried_again_when_nothing_listens_there(environ, tries, server, tmp_path):
    environ["WAYLAND_DISPLAY"] = server
    display.no_display(environ)
    (tmp_path / server).unlink()
    display.no_display(environ)
    assert len(tries) == 2


def test_where_nothing_can_be_kept_it_is_tried_each_time(environ, tries, server, tmp_path):
    environ["WAYLAND_DISPLAY"] = server
    (tmp_path / "cache").write_text("a file where the folder would be")
    assert [display.no_display(environ) for _ in range(2)] == ["", ""]
    del environ["XDG_CACHE_HOME"]
    environ.pop("HOME", None)
    assert display.no_display(environ) == ""
    assert len(tries) == 3


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"DISPLAY": ":0"}, ["/tmp/.X11-unix/X0"]),
        ({"DISPLAY": "unix:12.0"}, ["/tmp/.X11-unix/X12"]),
        ({"DISPLAY": "localhost:10.0"}, [("localhost", 6010)]),
        ({"DISPLAY": "localhost:99999"}, []),
        ({"DISPLAY": "/private/tmp/listener"}, []),
        ({"WAYLAND_DISPLAY": "wayland-1", "XDG_RUNTIME_DIR": "/run/user/7"}, ["/run/user/7/wayland-1"]),
        ({"WAYLAND_DISPLAY": "/run/other/wayland-0", "XDG_RUNTIME_DIR": "/run/user/7"}, ["/run/other/wayland-0"]),
    ],
)
def test_displays_are_found_where_they_listen(variables, found):
    assert display.addresses(variables) == found


def test_a_private_folder_stands_in_for_the_sessions(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    environ = {}
    for _ in range(2):
        environ.clear()
        display.set_runtime_folder(environ)
        assert environ["XDG_RUNTIME_DIR"] == str(tmp_path / f"runtime-{os.getuid()}")
    folder = tmp_path / f"runtime-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)  # anybody may write there: not taken
    environ.clear()
    display.set_runtime_folder(environ)
    assert environ["XDG_RUNTIME_DIR"] != str(folder)


@pytest.mark.parametrize(
    ("version", "python", "sentence"),
    [
        ("6.11.3", (3, 11), ""),
        ("6.12.0", (3, 12), ""),
        (
            "6.12.0",
            (3, 11),
            "PySide6 6.12.0 crashes on Python before 3.12, and this is 3.11: "
            "python -m pip install 'PySide6-Essentials<6.12'",
        ),
    ],
)
def test_a_pyside_that_crashes_is_refused(monkeypatch, version, python, sentence):
    monkeypatch.setattr(display, "qt_version", lambda: version)
    assert display.qt_refusal(python) == sentence


def test_a_missing_pyside_is_said(monkeypatch):
    def missing():
        raise metadata.PackageNotFoundError("PySide6-Essentials")

    monkeypatch.setattr(display, "qt_version", missing)
    assert display.qt_refusal() == (
        "The window needs PySide6-Essentials, which is not installed: python -m pip install 'PySide6-Essentials<6.12'"
    )
