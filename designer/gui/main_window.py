"""The window: start page, or canvas with the library, the properties and the analyzer around it."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar, QStackedWidget

from designer.analysis import Fix
from designer.files.kinds import Kind, kind_of
from designer.files.values import VALUES
from designer.gui import commands, theme
from designer.gui.asking import ask, ask_to_run
from designer.gui.attaching import Attaching
from designer.gui.background import Analyzer
from designer.gui.bars import Foot, StatusBar, TopBar
from designer.gui.bottom import REPORT, Bottom
from designer.gui.clipboard import Clipboard
from designer.gui.comparing import Comparing
from designer.gui.docks import CANVAS, Docks
from designer.gui.document import Document
from designer.gui.doing import Doing, lowered
from designer.gui.dropping import DropFrame, dragged_files
from designer.gui.exporting import Exporting
from designer.gui.filing import CODE, PROGRAMS, Filing, Opened, takes_values
from designer.gui.finding import Finding
from designer.gui.keys import Keys
from designer.gui.library import Library
from designer.gui.on_screen import first_size, keep_on_screen
from designer.gui.palette import Palette
from designer.gui.properties import Properties
from designer.gui.reading import Reading
from designer.gui.session import Session
from designer.gui.settings import Settings, reduced_motion, wheel_pans
from designer.gui.start_page import StartPage
from designer.gui.suggesting import Suggesting
from designer.gui.tips import tip
from designer.model import Network, layer_types

NEED_NETWORK = (
    "attach save save_as export cut copy paste duplicate copy_picture copy_python zoom_in zoom_out zoom_100 library "
    "properties analyzer problems code import_report copy_report search rename replace settings freeze group ungroup "
    "arrange tie untie transfer owner borrower next_problem previous_problem history find find_next find_previous "
    "align_left align_centre align_right align_top align_middle align_bottom distribute_horizontally "
    "distribute_vertically downstream"
).split()


class MainWindow(QMainWindow):
    """One document, shown; further documents get windows of their own."""

    def __init__(self, session: Session):
        super().__init__()
        self.session = session
        session.windows.append(self)
        self.setAcceptDrops(True)
        self.document = Document(parent=self)
        self.document.beside = session.files.run
        self.analyzing = Analyzer(self.document, session.torch)
        self.filing = Filing(self.document, session, self)
        self.attaching = Attaching(self)
        self.comparing = Comparing(self.document, session)
        self.suggesting = Suggesting(self.document, session)
        self.doing = Doing(self.document)
        self.clipboard = Clipboard(self.document, session)
        self.exporting = Exporting(self.document, session, self.filing.folder)
        self.made_canvas: Any = None
        self.boxes, self.finding = Palette(self), Finding(self)
        self.actions_by_name = commands.make_actions(self)
        self.library, self.bottom = Library(), Bottom(self.document, self.comparing, self.suggesting)
        self.properties = Properties(self.document, self.actions_by_name)
        self.menus = QMenuBar()
        self.recent_menu, self.theme_menu = QMenu("Open &recent", self), commands.theme_menu(self)
        self.examples_menu = commands.examples_menu(self)
        self.menu_parts = {"recent": self.recent_menu, "examples": self.examples_menu, "theme": self.theme_menu}
        commands.fill_menus(self.menus, self.actions_by_name, self.menu_parts)
        self.bar = TopBar(self.document, self.menus, self.actions_by_name)
        self.bar.fit.clicked.connect(lambda: self.canvas.fit(all=True))
        self.setMenuWidget(self.bar)
        self.start = StartPage(session, self.actions_by_name)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.start)
        self.stack.setMinimumSize(CANVAS)
        self.setCentralWidget(self.stack)
        self.docks = Docks(self, self.library, self.properties, self.bottom)
        self.status = StatusBar(self.document, session)
        self.setStatusBar(Foot(self.status))
        self.reading = Reading(self.stack, self.filing.cancel)
        self.drop_frame = DropFrame(self.stack)
        self._connect()
        self.setMinimumSize(640, 400)
        self.resize(self._first_size())
        self.show_page(start=True)

    def _connect(self) -> None:
        document, filing = self.document, self.filing
        document.history.indexChanged.connect(lambda _: self._name_history())
        document.history.cleanChanged.connect(lambda clean: self.setWindowModified(not clean))
        document.named.connect(self._titled)
        filing.opening.connect(self.reading.show_name)
        filing.staged.connect(self.reading.show_stage)
        filing.further.connect(lambda path: self.another().filing.open(path))
        filing.asked.connect(lambda question: ask(self, question))
        filing.opened.connect(lambda opened: self.take(opened))
        filing.elsewhere.connect(lambda opened: self._open_elsewhere(opened))
        self.start.chosen.connect(filing.open)
        self.start.example.connect(lambda example: filing.open_example(example))
        self.library.wanted.connect(self.add_layer)
        self.bottom.save.clicked.connect(lambda: self.exporting.export(self.bottom.export))
        self.bottom.report.file_wanted.connect(self.ask_import)
        self.bottom.report.code_wanted.connect(self.ask_to_run)
        self.bottom.report.attach_wanted.connect(lambda path, beside: self.attaching.elsewhere(path, beside))
        self.bottom.analyzer.attach(self.analyzing)
        self.bottom.problems.pointed.connect(lambda fix: self._preview(fix))
        self.bottom.problems.connect_wanted.connect(lambda port: self.canvas.connecting.open_port(port))
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self.doing.stepped.connect(lambda: self.status.show_it.show())
        self.status.undo_wanted.connect(self.doing.undo)
        self.status.show_wanted.connect(lambda: self.canvas.fit())
        self._name_history()
        self._titled()

    # Layout.

    def _first_size(self) -> QSize:
        kept = self.session.settings.value(f"{self.docks.screen_key()}/size")
        return first_size(kept if isinstance(kept, QSize) else QSize(1440, 900), self.screen().availableGeometry())

    def show_page(self, start: bool) -> None:
        """Show the start page, or the canvas with its panels."""
        if not start:
            self.canvas  # noqa: B018  (it is made when it is first needed)
        self.stack.setCurrentIndex(0 if start else 1)
        self.bar.show_tools(not start)
        self.status.show_page(start)
        for name in NEED_NETWORK:
            self.actions_by_name[name].setEnabled(not start)
        if self.made_canvas:
            for action in self.made_canvas.commands.values():
                action.setEnabled(not start)
        self._name_history()
        self._titled()
        self.docks.fit()
        if not start:
            self.canvas.view.setFocus()

    @property
    def on_start(self) -> bool:
        return self.stack.currentIndex() == 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "docks"):
            self.docks.fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.docks.fit()
        if not event.spontaneous():  # not one that comes back from where the user put it
            keep_on_screen(self)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "bar"):
            self.bar.follow_theme()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Give the docks their sizes back on a separator; Qt lays a widget over those that are thin."""
        under = self.childAt(event.position().toPoint())
        if not self.on_start and (under is None or under.objectName() == "qt_qmainwindow_extended_splitter"):
            self.docks.reset()

    # The canvas.

    @property
    def canvas(self) -> Any:
        """The canvas; its packages are imported when it is first needed."""
        if self.made_canvas is None:
            from designer.gui.canvas import Canvas
            from designer.gui.canvas.menus import open_menu

            self.made_canvas = made = Canvas(self.document)
            self.stack.addWidget(made.widget)
            self.doing.canvas = self.clipboard.canvas = self.exporting.canvas = made
            self.follow_settings()
            for name in commands.ON_CANVAS:
                made.view.addAction(self.actions_by_name[name])
            with_canvas = self.actions_by_name | {f".{name}": action for name, action in made.commands.items()}
            commands.fill_menus(self.menus, with_canvas, self.menu_parts)
            made.view.menu_wanted.connect(lambda hit, at: open_menu(self, hit, at))
            made.settings_wanted.connect(lambda path: self.show_settings())
        return self.made_canvas

    def add_layer(self, name: str, properties: dict[str, Any]) -> None:
        """Add a layer from the library after the selected one."""
        self.canvas.add(layer_types[name](**properties))
        if self.library.field.hasFocus():
            self.library.field.clear()
        self.canvas.view.setFocus()  # so that the next key, as for undo, is meant for the network

    def search_library(self) -> None:
        self.docks.show_panel("library")
        self.library.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.library.field.selectAll()

    def show_settings(self) -> None:
        """Put the keyboard into the first setting of the selected layer."""
        self.docks.show_panel("properties")
        self.properties.focus_first()

    def step_problem(self, by: int) -> None:
        if self.bottom.folded or self.bottom.pages.currentIndex() != 1:
            self.bottom.show_tab(1)
            self.docks.fold(False)
        self.bottom.problems.step(by)

    def _preview(self, fix: Fix | None) -> None:
        """Show on the canvas what a fix would do, while it is pointed at."""
        if self.made_canvas and fix is not None:
            self.canvas.preview.show(fix.text, fix.edit)
        elif self.made_canvas:
            self.canvas.preview.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go back to the canvas with Escape, where a panel has no use for it."""
        if event.key() == Qt.Key.Key_Escape and not self.on_start:
            self.canvas.view.setFocus()
        super().keyPressEvent(event)

    # Documents.

    def new_network(self) -> None:
        """Begin with nothing, here or, over an open network, in another window."""
        if self.on_start:
            self.show_network(Network(), "untitled")
        elif not self.document.network.all and self.document.history.isClean():
            self.canvas.view.setFocus()
        else:
            self.another().show_network(Network(), "untitled")

    def show_network(self, network: Network, name: str, *more: Any) -> None:
        self.bottom.analyzer.table.scrollToTop()
        self.document.open(network, name, *more)
        self.show_page(start=False)

    def take(self, opened: Opened) -> None:
        """Show what a file gave."""
        self.show_network(opened.network, opened.name, opened.path, opened.view, opened.report)
        self.document.told.emit(opened.said)
        if opened.report is not None and opened.path is None:
            self.bottom.show_tab(REPORT)
            self.comparing.start()
            if opened.report.code:
                self.ask_to_run()
        self.suggesting.start()  # also for a project that was saved before the search had ended

    def ask_to_run(self) -> None:
        """Ask whether the code that the open file names may run."""
        ask_to_run(self, self.document.report.path, self.document.report.code)

    def _open_elsewhere(self, opened: Opened) -> None:
        self.another().take(opened)

    def another(self) -> "MainWindow":
        """Open a further window, a little beside this one."""
        window = MainWindow(self.session)
        window.resize(self.size())
        window.move(self.pos().x() + 32, self.pos().y() + 32)
        window.show()
        if self.isMaximized():
            window.showMaximized()
        return window

    def ask_import(self) -> None:
        self.filing.ask_open(PROGRAMS)

    def ask_code(self) -> None:
        self.filing.ask_open(CODE)

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for path in self.session.recent():
            action = self.recent_menu.addAction(path.name.replace("&", "&&"))
            action.setToolTip(tip(str(path)))
            action.triggered.connect(lambda _=False, path=path: self.filing.open(path))
        if not self.session.recent():
            self.recent_menu.addAction("Nothing was opened yet").setEnabled(False)

    def _name_history(self) -> None:
        history = self.document.history
        for name, text, can in (
            ("undo", history.undoText(), history.canUndo()),
            ("redo", history.redoText(), history.canRedo()),
        ):
            action, word = self.actions_by_name[name], name.capitalize()
            action.setText(f"&{word} {lowered(text)}" if text else f"&{word}")
            action.setIconText(word)  # what the sheet of keys calls it
            action.setEnabled(can and not self.on_start)

    def _titled(self) -> None:
        name = "" if self.on_start else f"{self.document.name}[*] - "
        self.setWindowTitle(f"{name}Network Designer")
        self.setWindowModified(not self.document.history.isClean())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved work, once."""
        self._leave_field()
        if not self.filing.may_close(self.close):
            event.ignore()
            return
        self.session.settings.setValue(f"{self.docks.screen_key()}/size", self.size())
        self.docks.keep()
        self.filing.cancel()
        self.filing.closed = True
        self.document.close()
        self.comparing.cancel()
        self.suggesting.cancel()
        self.analyzing.stop()
        self.document.history.blockSignals(True)  # it tells of its own end
        event.accept()
        if self in self.session.windows:
            self.session.windows.remove(self)
            if not self.session.windows:
                self.session.emptied.emit()
        self.deleteLater()

    def _leave_field(self) -> None:
        """What is still being typed belongs to the network."""
        if (focus := self.focusWidget()) is not None:
            focus.clearFocus()

    def quit(self) -> None:
        """Close every window; one that stays keeps the program, one that is being saved is waited for."""
        for window in list(self.session.windows):
            if not window.close():
                if window.filing.saving:
                    window.filing.waiting.append(self.quit)
                return

    # The rest.

    def flip_theme(self) -> None:
        self.session.choose_theme("light" if theme.current() is theme.DARK else "dark")

    def flip_full_screen(self) -> None:
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def open_settings(self) -> None:
        Settings(self).show()

    def open_keys(self) -> None:
        Keys(self).show()

    def follow_settings(self) -> None:
        """Do as the settings say from now on."""
        if self.made_canvas is not None:
            self.made_canvas.view.wheel_pans = wheel_pans(self.session)
            self.made_canvas.motion.reduced = reduced_motion(self.session)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if paths := dragged_files(event.mimeData()):
            event.acceptProposedAction()
            self.drop_frame.offer(paths, elsewhere=not self.document.history.isClean())
            if len(paths) == 1 and not self.on_start and takes_values(self.document.network):
                self._ask_kind(paths[0])

    def _ask_kind(self, path: Path) -> None:
        """Offer to attach a dragged file, once its bytes have told that it holds values."""

        def came(kind: Kind) -> None:
            if kind.name in VALUES and not self.document.closed:
                self.drop_frame.split(path, self.document.name)

        self.session.files.run(lambda: kind_of(path), came, lambda _: None)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self.drop_frame.point(self.drop_frame.mapFrom(self, event.position().toPoint()))
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.drop_frame.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        attach = self.drop_frame.attaches(self.drop_frame.mapFrom(self, event.position().toPoint()))
        self.drop_frame.hide()
        event.acceptProposedAction()
        paths = dragged_files(event.mimeData())
        self.attaching.read(paths[0]) if attach else self.filing.open_all(paths)
