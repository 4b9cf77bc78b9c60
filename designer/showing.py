"""The window and pictures for scripts and notebooks; Qt is imported when they are asked for."""

import dataclasses
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from designer import display, system
from designer.files import FileError, import_pytorch, save
from designer.files.picture import check_picture, save_svg
from designer.model import Network, NetworkError

PICTURE = "designer.png"  # where the window is drawn when it cannot be opened


def show(model: Any, inputs: Any = None) -> Network:
    """Open a network in the window, and give it back as it is when the window is closed.

    An ``nn.Module`` is exported first, for which it needs ``inputs`` to run on: a tensor, a tuple of them or a
    dictionary by name. Where there is no display the window is drawn to ``designer.png``, and the network given back.
    """
    network = model if isinstance(model, Network) else _network_of(model, inputs)
    if reason := _no_window():
        _draw_window(network)
        sys.stderr.write(f"{reason}, so the window is drawn to {PICTURE}.\n")
        return network
    from designer.gui.scripting import run_window

    return run_window(network)


def _network_of(module: Any, inputs: Any) -> Network:
    if not hasattr(module, "state_dict"):
        raise NetworkError(f"A network or an nn.Module can be shown, not a {type(module).__name__}.")
    return import_pytorch(module, inputs).network


class Picture:
    """A drawing of a network, which a notebook shows by itself."""

    def __init__(self, svg: str):
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to an SVG file; a file that Network Designer did not draw is never replaced."""
        save_svg(self.svg, path)


def picture(network: Network, theme: str = "light") -> Picture:
    """Draw a network as the canvas does, ``light`` or ``dark``; no display is needed."""
    if theme not in ("light", "dark"):
        raise NetworkError(f"There is no theme {theme!r} for a picture: it is light or dark.")
    _need_qt(window=False)
    from designer.gui.scripting import draw_svg

    return Picture(draw_svg(network, theme, offscreen=bool(display.no_display(os.environ))))


def _need_qt(window: bool) -> None:
    """Refuse, in a sentence, what would end in a crash of Qt."""
    window = window and not display.draws_only(os.environ)
    if missing := system.missing_libraries(os.environ, window):
        raise NetworkError(system.what_to_do(missing))
    if refusal := display.qt_refusal():
        raise NetworkError(refusal)
    if threading.current_thread() is not threading.main_thread():
        raise NetworkError("A network is shown and drawn in the main thread of a program only.")
    display.set_runtime_folder(os.environ)


def _no_window() -> str:
    """Why no window can be opened, as the start of a sentence; empty when one can."""
    _need_qt(window=True)
    widgets = sys.modules.get("PySide6.QtWidgets")
    running = widgets.QApplication.instance() if widgets else None
    if running is not None:  # its display is the one there is
        hidden = running.platformName() in display.WITHOUT_DISPLAY and not display.draws_only(os.environ)
        return "The Qt of this process has no display" if hidden else ""
    return display.no_display(os.environ)


def _draw_window(network: Network) -> None:
    """Draw the window in a process of its own: this one may yet get a display."""
    check_picture(PICTURE)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.network")
        save(dataclasses.replace(network, values={}, aliases={}, file_names={}), file)  # values are not seen
        command = [sys.executable, "-m", "designer", str(file), "--screenshot", PICTURE]
        drawn = subprocess.run(command, capture_output=True, text=True, check=False)
    if drawn.returncode:
        raise FileError(drawn.stderr.strip() or "The window cannot be drawn.")
