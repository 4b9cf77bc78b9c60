"""The system libraries of Qt: which are missing, and how they come."""

import os

import pytest

from designer import system


@pytest.fixture
def lacks(monkeypatch):
    """Make a system that lacks the named libraries."""

    def lack(*names):
        monkeypatch.setattr(system, "loads", lambda library: library not in names)

    return lack


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """A system whose only commands are those that the test writes; what they are given is in ``log``."""
    monkeypatch.setenv("PATH", str(tmp_path))

    class Commands:
        log = tmp_path / "log"

        def add(self, name, script):
            (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {self.log}\n{script}\n')
            (tmp_path / name).chmod(0o755)

        def ran(self):
            return self.log.read_text().splitlines()

    return Commands()


X11, WAYLAND = {"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}


@pytest.mark.parametrize(
    ("environ", "window", "missing"),
    [
        ({}, True, ["libEGL.so.1"]),
        (X11, True, ["libEGL.so.1", "libxcb-cursor.so.0", "libxcb-xkb.so.1"]),
        (X11, False, ["libEGL.so.1"]),
        (WAYLAND, True, ["libEGL.so.1", "libwayland-cursor.so.0"]),
        (X11 | WAYLAND, True, ["libEGL.so.1", "libwayland-cursor.so.0"]),
    ],
)
def test_only_what_this_start_needs_is_missed(lacks, environ, window, missing):
    lacks("libEGL.so.1", "libxcb-cursor.so.0", "libxcb-xkb.so.1", "libwayland-cursor.so.0")
    assert system.missing_libraries(environ, window) == missing


def test_one_kind_of_display_is_enough(lacks):
    lacks("libxcb-cursor.so.0")
    assert system.missing_libraries(X11 | WAYLAND) == []


def test_a_library_is_asked_of_the_system():
    assert system.loads("libc.so.6")
    assert not system.loads("libthere-is-no-such-thing.so.1")


@pytest.mark.parametrize(
    ("release", "name"), [("libglib2.0-0t64", "libglib2.0-0t64"), ("libglib2.0-0", "libglib2.0-0")]
)
def test_a_package_is_called_as_this_release_calls_it(commands, release, name):
    commands.add("apt-cache", f'[ "$2" = {release} ]')
    assert system.packages_of(["libgthread-2.0.so.0", "libglib-2.0.so.0", "libGL.so.1"]) == [name, "libgl1"]


def test_what_is_missing_is_said_with_the_line_that_installs_it(commands, monkeypatch):
    commands.add("apt-cache", "exit 100")
    commands.add("apt-get", "")
    libraries = ["libEGL.so.1", "libGL.so.1", "libxcb-cursor.so.0"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert system.what_to_do(libraries) == (
        "Qt needs libEGL.so.1, libGL.so.1 and libxcb-cursor.so.0, which this system lacks: "
        "sudo apt-get install --no-install-recommends libegl1 libgl1 libxcb-cursor0"
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert system.what_to_do(libraries[:1]) == (
        "Qt needs libEGL.so.1, which this system lacks: apt-get install --no-install-recommends libegl1"
    )


def test_a_system_without_apt_is_told_the_libraries(commands):
    sentence = system.what_to_do(["libEGL.so.1", "libGL.so.1"])
    assert sentence == "Qt needs libEGL.so.1 and libGL.so.1, which this system lacks."
    assert not system.can_install()


def test_lists_that_are_out_of_date_are_read_again(commands, tmp_path):
    commands.add("apt-cache", "exit 0")
    commands.add("apt-get", f'[ "$1" = update ] && : > {tmp_path}/updated; [ -e {tmp_path}/updated ]')
    assert system.install(["libegl1"])
    words = [line.split()[:2] for line in commands.ran()]
    assert words == [["apt-cache", "show"], ["apt-get", "install"], ["apt-get", "update"], ["apt-get", "install"]]
    assert commands.ran()[-1].split()[-1] == "libegl1"


def test_lists_that_are_empty_are_read_first(commands):
    commands.add("apt-cache", "exit 100")
    commands.add("apt-get", "")
    assert system.install(["libegl1"])
    assert [line.split()[1] for line in commands.ran()] == ["show", "update", "install"]


def test_what_cannot_be_installed_is_no_success(commands):
    commands.add("apt-cache", "exit 0")
    commands.add("apt-get", "exit 100")
    assert not system.install(["libegl1"])
