"""The settings of the program: theme, size, motion, and what the wheel does; each works at once and is kept."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout

from designer.gui.editors import Dropdown
from designer.gui.session import Session
from designer.gui.widgets import Label, button, row

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow

SIZES = (90, 100, 110, 125, 150)  # percent
THEMES = {"system": "As the system", "dark": "Dark", "light": "Light"}
MOTIONS = {"full": "Glides", "reduced": "Reduced: shows where it ends at once"}
WHEELS = {"zoom": "Zooms", "pan": "Pans, with Ctrl zooms"}


class Settings(QDialog):
    """A row for each setting."""

    def __init__(self, window: "MainWindow"):
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Settings")
        self.session = session = window.session
        self.theme = _choice("Theme", THEMES, session.theme_name)
        self.theme.currentIndexChanged.connect(lambda _: session.choose_theme(self.theme.currentData()))
        self.wheel = _choice("Wheel on the canvas", WHEELS, "pan" if wheel_pans(session) else "zoom")
        self.wheel.currentIndexChanged.connect(lambda _: self._set_wheel())
        sizes = {str(size): f"{size} %" for size in SIZES}
        self.size_kept = _choice("Size of text and pictures", sizes, str(kept_size(session.settings)))
        self.size_kept.currentIndexChanged.connect(lambda _: self._set_size())
        self.motion = _choice("Motion", MOTIONS, "reduced" if reduced_motion(session) else "full")
        self.motion.currentIndexChanged.connect(lambda _: self._set_motion())
        self.note = Label("", "t3")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(12)
        fields = self.theme, self.wheel, self.motion, self.size_kept
        for field in fields:
            field.setFixedWidth(max(field.sizeHint().width() for field in fields))
            layout.addWidget(row(Label(field.accessibleName(), "t1"), None, 32, field))
        layout.addWidget(self.note)
        layout.addWidget(row(None, button("Close", self.close)))
        self.setMinimumWidth(400)

    def _set_wheel(self) -> None:
        self.session.settings.setValue("wheel", self.wheel.currentData())
        for window in self.session.windows:
            window.follow_settings()  # type: ignore[attr-defined]

    def _set_motion(self) -> None:
        self.session.settings.setValue("motion", self.motion.currentData())
        for window in self.session.windows:
            window.follow_settings()  # type: ignore[attr-defined]

    def _set_size(self) -> None:
        self.session.settings.setValue("text_size", int(self.size_kept.currentData()))
        self.note.say("The size changes with the next start.")


def wheel_pans(session: Session) -> bool:
    return str(session.settings.value("wheel", "zoom")) == "pan"


def reduced_motion(session: Session) -> bool:
    return str(session.settings.value("motion", "full")) == "reduced"


def kept_size(settings: QSettings) -> int:
    """The size of text and pictures in percent; what is no such size is 100."""
    kept = str(settings.value("text_size", 100))
    return int(kept) if kept in map(str, SIZES) else 100


def _choice(name: str, choices: dict[str, str], now: str) -> Dropdown:
    made = Dropdown()
    made.setAccessibleName(name)
    for key, text in choices.items():
        made.addItem(text, key)
    made.setCurrentIndex(made.findData(now))
    return made
