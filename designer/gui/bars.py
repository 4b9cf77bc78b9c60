"""The bar at the top, with menus, name and tools, and the one at the bottom, with messages."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenuBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from designer.gui import theme
from designer.gui.document import Document
from designer.gui.drawing import draw_logo
from designer.gui.session import Session
from designer.gui.widgets import Dot, Icon, Label, Link, Picture, Tool, line, row

REFUSED, TOLD = 8000, 6000  # milliseconds that a message stays
APART, NAME = 8, 56  # of the name of the document: from menus and tools; the least room that is worth it


class Middle(QWidget):
    """The name of the document, and whether it was edited, in what room menus and tools leave: the less, the less."""

    def __init__(self, name: QWidget, edited: QWidget, word: QWidget):
        super().__init__()
        self.name, self.edited, self.word = name, edited, word
        self.on, self.unsaved = True, False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(APART, 0, APART, 0)
        layout.setSpacing(0)
        layout.addStretch(1)
        layout.addWidget(name)
        layout.addWidget(edited)
        layout.addStretch(1)
        self.setMinimumWidth(1)  # it never makes the window wider

    def fill(self) -> None:
        """Show what there is room for."""
        room = self.width() - 2 * APART - (20 if self.unsaved else 0)
        self.name.setVisible(self.on and room >= NAME)
        self.edited.setVisible(self.on and self.unsaved and room >= 0)
        self.word.setVisible(room >= NAME + self.word.sizeHint().width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fill()


class TopBar(QWidget):
    """Mark, menus, name of the document, tools, Export; on the start page mark, menus and theme only."""

    def __init__(self, document: Document, menus: QMenuBar, actions: Mapping[str, QAction]):
        super().__init__(objectName="bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(44)
        self.document, self.menus = document, menus
        menus.setFixedHeight(28)
        menus.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        menus.setMinimumWidth(menus.sizeHint().width())
        self.name = Label("", "head", Qt.TextElideMode.ElideMiddle)
        self.word = Label("edited", "t3")
        self.edited = row(8, Dot(), 6, self.word)
        middle = Middle(self.name, self.edited, self.word)
        export = QPushButton("Export", objectName="primary")
        export.setAccessibleName("Export")
        export.clicked.connect(actions["export"].trigger)
        self.fit = Tool("scan", "Fit all  Home")
        self.tools = row(
            Tool("undo-2", action=actions["undo"]),
            Tool("redo-2", action=actions["redo"]),
            Tool("history", action=actions["history"]),
            8,
            line(vertical=True),
            8,
            Tool("layout-grid", action=actions["arrange"]),
            self.fit,
            Tool("search", action=actions["find"]),
            Tool("command", action=actions["palette"]),
            8,
            line(vertical=True),
            8,
        )
        self.theme = Tool("sun", action=actions["theme"])
        self.export = row(12, export)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(0)
        layout.addWidget(Picture(lambda painter, colors, rect: draw_logo(painter, colors, rect), 20, 20))
        layout.addSpacing(8)
        layout.addWidget(menus)
        layout.addStretch(1)
        layout.addWidget(middle, 100)
        layout.addStretch(1)
        for part in (self.tools, self.theme, self.export):
            layout.addWidget(part)
        self.middle = middle
        document.changed.connect(self.refresh)
        document.named.connect(self.refresh)
        document.history.cleanChanged.connect(self.refresh)
        self.follow_theme()

    def show_tools(self, on: bool) -> None:
        """Show what belongs to a network, or hide it on the start page."""
        for part in (self.tools, self.export):
            part.setVisible(on)
        self.middle.setEnabled(on)
        self.middle.on = on
        self.refresh()

    def refresh(self) -> None:
        self.name.say(self.document.name)
        self.middle.unsaved = not self.document.history.isClean()
        self.middle.fill()

    def follow_theme(self) -> None:
        self.theme.show_icon("sun" if theme.current() is theme.DARK else "moon")


class StatusBar(QWidget):
    """Messages at the left, for some seconds; what is selected and what runs at the right."""

    undo_wanted = Signal()
    show_wanted = Signal()  # of what the last step changed, which is selected

    def __init__(self, document: Document, session: Session):
        super().__init__(objectName="status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(28)
        self.document, self.session = document, session
        self.icon = Icon("", "text2", 14)
        self.message = Label("", "t1", Qt.TextElideMode.ElideRight)
        self.undo = Link("Undo", lambda: self.undo_wanted.emit())
        self.show_it = Link("Show", lambda: self.show_wanted.emit())
        self.show_it.setToolTip("Bring what changed into view")
        self.selected = Label("", "t3")
        self.runs = Label("", "t3")
        self.torch = Label("", "t3")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(0)
        for piece in (self.icon, 6, self.message, 10, self.undo, self.show_it):
            layout.addSpacing(piece) if isinstance(piece, int) else layout.addWidget(piece)
        layout.addStretch(1)
        for piece in (self.selected, 16, self.runs, 16, self.torch):
            layout.addSpacing(piece) if isinstance(piece, int) else layout.addWidget(piece)
        self.timer = QTimer(self, singleShot=True)
        self.timer.timeout.connect(self._clear)
        self.on_start = True
        self.steps = 0  # of the history when the last message came
        document.refused.connect(lambda text: self.say(text, "octagon-alert", "error", REFUSED))
        document.told.connect(self._told)
        document.followed.connect(self._followed)
        document.changed.connect(self.refresh)
        document.viewed.connect(self.refresh)
        session.torch.came.connect(self.refresh)
        self._clear()

    def say(self, text: str, icon: str = "circle-check", color: str = "success", stay: int = TOLD) -> None:
        """Show a sentence for some milliseconds; 0: until the next one."""
        self.icon.show_icon(icon, color)
        self.message.say(text)
        self.message.setAccessibleName(text)
        self.undo.hide()
        self.show_it.hide()
        self.timer.stop()
        if stay:
            self.timer.start(stay)

    def _told(self, text: str) -> None:
        self.say(text)
        index = self.document.history.index()
        self.undo.setVisible(index > self.steps and not text.startswith("Done again: "))
        self.steps = index

    def _followed(self, text: str) -> None:
        self.say(text)
        self.undo.setVisible(0 < self.document.history.index() == self.steps)

    def _clear(self) -> None:
        self.timer.stop()
        self.undo.hide()
        self.show_it.hide()
        self.steps = self.document.history.index()
        version = self.session.torch.version
        if self.on_start:  # the page has room for nothing else to say
            self.icon.show_icon("circle-check" if version else "", "success")
            self.message.say(f"torch {version} ready" if version else "Loading torch…")
            self.message.setAccessibleName(self.message.full)
        else:
            self.icon.show_icon("", "text2")
            self.message.say("")

    def show_page(self, start: bool) -> None:
        self.on_start = start
        self._clear()
        self.refresh()

    def refresh(self) -> None:
        network, selection = self.document.network, self.document.view.selection
        version = self.session.torch.version
        if self.on_start:
            from designer import __version__

            self.selected.say("")
            self.runs.say("")
            self.torch.say(f"Version {__version__}")
            if not self.timer.isActive():
                self._clear()
            return
        count = f"{network.count:,} layer{'s' * (network.count != 1)}"
        picked = sum("/" not in name for name in selection)
        self.selected.say(f"{picked:,} of {count} selected" if picked else count)
        self.runs.say(f"CPU, {network.dtype}")
        self.torch.say(f"torch {version}" if version else "Loading torch…")


class Foot(QStatusBar):
    """Holds the status bar without the margins that a QStatusBar has."""

    def __init__(self, content: QWidget):
        super().__init__()
        self.setSizeGripEnabled(False)
        self.setFixedHeight(content.height())
        self.content = content
        content.setParent(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.content.setGeometry(self.rect())
