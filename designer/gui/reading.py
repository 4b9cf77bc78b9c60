"""The strip that says what is being read, for how long, and can be told not to."""

import math
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget

from designer.gui.drawing import text_width
from designer.gui.widgets import Icon, Label, Link, row

SILENT = 2  # seconds before it says how long it has been
WORDS = {"running its code": "Running the code of"}  # before the name of the file


class Reading(QFrame):
    """Stands at the foot of the start page, and on the canvas under the path."""

    def __init__(self, pages: QStackedWidget, cancel: Callable[[], None]):
        super().__init__(pages, objectName="pill")
        self.pages, self.name, self.seconds, self.stage = pages, "", 0, "reading"
        self.setFixedHeight(36)
        self.label = Label("", elide=Qt.TextElideMode.ElideMiddle)
        link = Link("Cancel", cancel)
        link.setToolTip("Stop opening this file; what is open stays as it is")
        self.content = row(Icon("folder-open", "text2", 14), 8, self.label, 12, link, margins=(12, 2, 12, 2))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.content)
        self.timer = QTimer(self, interval=1000)
        self.timer.timeout.connect(self._tick)
        pages.installEventFilter(self)
        pages.currentChanged.connect(lambda _: self._place())
        self.hide()

    def show_name(self, name: str) -> None:
        """Say that a file is read; "" when that has ended."""
        self.name, self.seconds, self.stage = name, 0, "reading"
        self.setVisible(bool(name))
        if name:
            self.timer.start()
            self._say()
        else:
            self.timer.stop()

    def show_stage(self, stage: str) -> None:
        """Say what is done with the file now."""
        self.stage = stage
        self._say()

    def _tick(self) -> None:
        self.seconds += 1
        self._say()

    def _say(self) -> None:
        seconds = f" {self.seconds} s" if self.seconds >= SILENT else ""
        self.label.say(f"{WORDS.get(self.stage, self.stage.capitalize())} {self.name}…{seconds}")
        self.setAccessibleName(self.label.full)
        self._place()

    def _place(self) -> None:
        room = max(80, self.pages.width() - 160)
        self.label.setFixedWidth(min(room, math.ceil(text_width(self.label.full, 12)) + 2))
        for part in (self.content, self):
            part.layout().activate()  # it was told nothing while it was hidden
        self.resize(self.layout().sizeHint().width(), self.height())
        if self.pages.currentIndex() == 0:
            self.move((self.pages.width() - self.width()) // 2, self.pages.height() - self.height() - 16)
        else:
            self.move(12, 52)
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.name:
            self._place()
        return False
