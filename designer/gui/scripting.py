"""The window and pictures for a script or a notebook, in its own process and beside its own Qt."""

import os
import sys
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from designer.gui import theme as themes
from designer.gui.application import Keeper
from designer.gui.document import Document
from designer.gui.main_window import MainWindow
from designer.gui.session import Session
from designer.model import Network


def application(offscreen: bool) -> QApplication:
    """Give the application of this process; where there is none yet, make it, ``offscreen`` where nothing is shown."""
    running = QCoreApplication.instance()
    if isinstance(running, QApplication):
        return running
    if running is not None:
        raise RuntimeError("This process has a Qt application without widgets, so no network can be drawn in it.")
    before = os.environ.get("QT_QPA_PLATFORM")
    if offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        return QApplication(["Network Designer"])
    finally:
        if offscreen and before is None:
            del os.environ["QT_QPA_PLATFORM"]


def run_window(network: Network) -> Network:
    """Show a network in the window, and give it back as it is when all windows are closed; nothing is asked then."""
    app = application(offscreen=False)
    before = app.style().objectName(), app.palette(), app.styleSheet(), app.quitOnLastWindowClosed()
    app.setQuitOnLastWindowClosed(False)  # the application may be that of a notebook
    session = Session(QSettings("Network Designer", "Network Designer"))
    hook, sys.excepthook = sys.excepthook, Keeper(session).caught
    window = MainWindow(session)
    document, shown = window.document, {"now": network}  # the document goes with its window
    document.changed.connect(lambda: shown.update(now=document.network))
    window.filing.given_back = True
    loop = QEventLoop()
    session.emptied.connect(loop.quit)
    try:
        window.show()
        window.show_network(network, "network")
        QTimer.singleShot(0, session.torch.load)  # once the window is painted
        loop.exec()
    finally:
        sys.excepthook = hook
        session.stop()
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        style, palette, sheet, quits = before
        app.setStyleSheet(sheet)
        app.setStyle(style)
        app.setPalette(palette)
        app.setQuitOnLastWindowClosed(quits)
    return shown["now"]


def draw_svg(network: Network, theme: str, offscreen: bool) -> str:
    """Draw a network as the canvas does, without a window."""
    from designer.analysis import analyze
    from designer.gui.canvas import Canvas
    from designer.gui.canvas.picture import svg

    app: Any = application(offscreen)
    document = Document(network)
    document.take_analysis(analyze(network))
    canvas = Canvas(document)
    try:
        canvas.view.theme = themes.named(theme)
        return svg(canvas)
    finally:
        canvas.widget.deleteLater()
        app.sendPostedEvents(canvas.widget, QEvent.Type.DeferredDelete)
