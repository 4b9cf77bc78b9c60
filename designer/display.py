"""Find out, before Qt starts, whether it can open a window here.

A platform plugin of Qt that cannot load or reach its display ends the process by abort(), which nothing can catch. So
it is tried in a child process first, and what worked is remembered.
"""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, MutableMapping
from importlib import metadata
from pathlib import Path

INSTALL = "python -m pip install 'PySide6-Essentials<6.12'"
LIMIT = 20  # seconds for the child; a first start from a slow disk reads 100 MB
CHILD = """
import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an abort leaves no core file in the user's folder
from PySide6.QtWidgets import QApplication
QApplication([])
"""
WITHOUT_DISPLAY = ("offscreen", "minimal", "minimalegl", "vnc", "eglfs", "linuxfb", "vkkhrdisplay")  # Qt's platforms
VARIABLES = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY")


def qt_refusal(python: tuple[int, ...] = sys.version_info[:2]) -> str:
    """Why this PySide6 cannot be used, in one sentence; empty when it can."""
    try:
        version = qt_version()
    except metadata.PackageNotFoundError:
        return f"The window needs PySide6-Essentials, which is not installed: {INSTALL}"
    if python < (3, 12) and tuple(map(int, version.split(".")[:2])) >= (6, 12):
        return f"PySide6 {version} crashes on Python before 3.12, and this is {python[0]}.{python[1]}: {INSTALL}"
    return ""


def qt_version() -> str:
    return metadata.version("PySide6-Essentials")


def no_display(environ: Mapping[str, str]) -> str:
    """Why no window can be opened, as the start of a sentence; empty when one can."""
    platform = environ.get("QT_QPA_PLATFORM", "")
    shown = [name for name in ("WAYLAND_DISPLAY", "DISPLAY") if environ.get(name)]
    if sys.platform != "linux" or draws_only(environ):
        return ""
    if not platform and not shown:
        return "There is no display (DISPLAY and WAYLAND_DISPLAY are not set)"
    if not (is_remembered(environ) and is_listening(environ)):
        if not can_start(environ):
            where = " and ".join(f"{name}={environ[name]}" for name in shown) or "no display"
            return f"Qt cannot open a window{f' by its platform {platform}' if platform else ''} with {where}"
        remember(environ)
    return ""


def draws_only(environ: Mapping[str, str]) -> bool:
    """Whether the user chose a platform of Qt that needs no display server."""
    return environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in WITHOUT_DISPLAY


def can_start(environ: Mapping[str, str]) -> bool:
    """Try it: whether Qt comes up in a process of its own."""
    command = [sys.executable, "-P", "-c", CHILD]
    try:
        child = subprocess.run(command, env=dict(environ), capture_output=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return False
    return child.returncode == 0


# What worked before is believed while something still listens there.


def cache_file(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("XDG_CACHE_HOME") or (environ.get("HOME") and environ["HOME"] + "/.cache")
    return Path(home, "network-designer", "display") if home else None


def facts(environ: Mapping[str, str]) -> str:
    """All that the answer depends on."""
    return "\n".join([sys.prefix, qt_version(), *(f"{name}={environ.get(name, '')}" for name in VARIABLES)])


def is_remembered(environ: Mapping[str, str]) -> bool:
    file = cache_file(environ)
    try:
        return file is not None and file.read_text(errors="replace") == facts(environ)
    except OSError:
        return False


def remember(environ: Mapping[str, str]) -> None:
    file = cache_file(environ)
    if file is not None:
        with contextlib.suppress(OSError):  # where nothing can be kept, it is tried each time
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(facts(environ), errors="replace")


def is_listening(environ: Mapping[str, str]) -> bool:
    """Whether a server answers at one of the displays."""
    return any(answers(address) for address in addresses(environ))


def addresses(environ: Mapping[str, str]) -> list[str | tuple[str, int]]:
    """The sockets of the displays: paths, or host and port; none for a display of a form that is not known here."""
    found: list[str | tuple[str, int]] = []
    if wayland := environ.get("WAYLAND_DISPLAY"):
        found.append(os.path.join(environ.get("XDG_RUNTIME_DIR", ""), wayland))  # noqa: PTH118 - may be absolute
    host, colon, rest = environ.get("DISPLAY", "").rpartition(":")
    number = rest.partition(".")[0]
    if colon and number.isdecimal() and host in ("", "unix"):
        found.append(f"/tmp/.X11-unix/X{number}")
    elif colon and number.isdecimal() and int(number) < 2**16 - 6000:
        found.append((host, 6000 + int(number)))
    return found


def answers(address: str | tuple[str, int]) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(1)
        try:
            connection.connect(address)
        except OSError:
            return False
    return True


def set_runtime_folder(environ: MutableMapping[str, str]) -> None:
    """Give Qt the private folder that it warns about when a system has set none."""
    if sys.platform != "linux" or environ.get("XDG_RUNTIME_DIR"):
        return
    folder = Path(tempfile.gettempdir(), f"runtime-{os.getuid()}")
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) == 0o700
    environ["XDG_RUNTIME_DIR"] = str(folder) if ours else tempfile.mkdtemp(prefix="runtime-")
