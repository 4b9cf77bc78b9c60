"""The system libraries that Qt needs and its wheels do not bring, and the packages of Debian and Ubuntu that do.

Standard library only, and nothing of this package: it also runs before anything is installed.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping

# Each library and its packages, the newest name first.
GLIB = ("libglib2.0-0t64", "libglib2.0-0")
WINDOW = {
    "libglib-2.0.so.0": GLIB,
    "libgthread-2.0.so.0": GLIB,
    "libEGL.so.1": ("libegl1",),
    "libGL.so.1": ("libgl1",),
    "libxkbcommon.so.0": ("libxkbcommon0",),
    "libdbus-1.so.3": ("libdbus-1-3",),
    "libfontconfig.so.1": ("libfontconfig1",),
}
X11 = {
    "libxcb-cursor.so.0": ("libxcb-cursor0",),
    "libxcb-icccm.so.4": ("libxcb-icccm4",),
    "libxcb-image.so.0": ("libxcb-image0",),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1",),
    "libxcb-render-util.so.0": ("libxcb-render-util0",),
    "libxcb-shape.so.0": ("libxcb-shape0",),
    "libxcb-xkb.so.1": ("libxcb-xkb1",),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0",),
}
WAYLAND = {
    "libwayland-client.so.0": ("libwayland-client0",),
    "libwayland-cursor.so.0": ("libwayland-cursor0",),
}
PACKAGES = WINDOW | X11 | WAYLAND
DISPLAYS = {"WAYLAND_DISPLAY": WAYLAND, "DISPLAY": X11}


def missing_libraries(environ: Mapping[str, str], window: bool = True) -> list[str]:
    """Name the libraries that Qt would not find; ``window``: it is to open one, not only to draw.

    Where both kinds of display are at hand, one of them is enough.
    """
    if sys.platform != "linux":
        return []
    displays = [libraries for name, libraries in DISPLAYS.items() if window and environ.get(name)]
    lacking = [[name for name in libraries if not loads(name)] for libraries in displays]
    return [name for name in WINDOW if not loads(name)] + min(lacking, key=len, default=[])


def loads(library: str) -> bool:
    """Whether the system has a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def packages_of(libraries: Iterable[str]) -> list[str]:
    """Name the packages that bring some libraries, as this release calls them."""
    choices = dict.fromkeys(PACKAGES[library] for library in libraries)
    return [next((name for name in names[:-1] if is_known(name)), names[-1]) for names in choices]


def is_known(package: str) -> bool:
    """Whether apt can install a package of this name."""
    if not shutil.which("apt-cache"):
        return False
    shown = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
    return shown.returncode == 0


def install_line(packages: Iterable[str]) -> str:
    """Say how a person installs some packages."""
    sudo = [] if is_root() else ["sudo"]
    return " ".join([*sudo, "apt-get install --no-install-recommends", *packages])


def what_to_do(libraries: list[str]) -> str:
    """Say in one sentence which libraries are missing and how they are installed."""
    names = " and ".join(filter(None, (", ".join(libraries[:-1]), libraries[-1])))
    sentence = f"Qt needs {names}, which this system lacks"
    return f"{sentence}: {install_line(packages_of(libraries))}" if has_apt() else f"{sentence}."


def install(packages: list[str]) -> bool:
    """Install packages with apt, as root, showing what it does; whether it worked."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    sys.stderr.write(f"Installing {', '.join(packages)}.\n")
    options = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]

    def apt(*words: str) -> bool:
        return subprocess.run(["apt-get", *words], env=environ, stdout=sys.__stderr__, check=False).returncode == 0

    if all(is_known(package) for package in packages) and apt("install", *options, *packages):
        return True
    return apt("update") and apt("install", *options, *packages)  # the lists were empty or out of date


def can_install() -> bool:
    return is_root() and has_apt()


def is_root() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def has_apt() -> bool:
    return shutil.which("apt-get") is not None
