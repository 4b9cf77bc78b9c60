"""A small panel that floats over the canvas and asks for a few things, while everything else stays usable."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QVBoxLayout, QWidget

from designer.gui.drawing import category_of
from designer.gui.editors import Field
from designer.gui.scrolling import scrolling
from designer.gui.tips import tip
from designer.gui.widgets import Label, Tile, Tool, button, line, row, sentence

if TYPE_CHECKING:
    from designer.gui.main_window import MainWindow

WIDTH, EDGE, BESIDE = 320, 12, 16


class Card(QFrame):
    """A title, fields, why it cannot be done, and the button that does it; Escape closes it.

    It belongs to one layer, and goes with it.
    """

    def __init__(self, window: "MainWindow", path: str, verb: str, title: str):
        super().__init__(window.stack, objectName="card")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(title)
        self.window_, self.document, self.path = window, window.document, path
        layer = self.document.network.layer(path)
        self.fields: list[Field] = []
        self.gone = False  # closed, and deleted soon
        self.tile = Tile(category_of(type(layer)), type(layer).__name__, 24)
        close = Tool("x", "Close  Esc", size=24)
        close.clicked.connect(self.close)
        name = Label(title, "title", Qt.TextElideMode.ElideMiddle)
        self.body = QWidget(objectName="panel")
        self.body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.place = QVBoxLayout(self.body)
        self.place.setContentsMargins(0, 8, 0, 8)
        self.place.setSpacing(0)
        self.area = scrolling(self.body)
        self.problem = sentence(name="error")
        self.problem_row = row(self.problem, margins=(16, 0, 16, 8))
        self.problem_row.hide()
        self.ok = button(verb, self.accept, "primary")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(row(self.tile, 8, name, 8, close, margins=(12, 0, 8, 0), height=44))
        layout.addWidget(line())
        layout.addWidget(self.area, 1)
        layout.addWidget(self.problem_row)
        layout.addWidget(line())
        layout.addWidget(row(None, button("Cancel", self.close), 8, self.ok, margins=(12, 8, 12, 8)))
        self.setFixedWidth(WIDTH)
        self.document.changed.connect(self._follow)
        window.stack.installEventFilter(self)
        self.body.installEventFilter(self)

    # What stands in it.

    def field(
        self, name: str, text: str, apply: Callable[[str], str | None], width: int = 124, hint: str = ""
    ) -> Field:
        """Add a line with a field; below it stands why its text does not fit."""
        made = Field(name, width, apply)
        made.setText(text)
        made.shown = text
        made.setToolTip(tip(hint))
        if width > 124:  # a name
            made.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.fields.append(made)
        self.place.addWidget(row(Label(name, "t2"), 8, None, made, margins=(16, 0, 16, 0), height=36))
        self.place.addWidget(row(made.problem, margins=(16, 0, 16, 0)))
        return made

    def refuse(self, problem: str) -> None:
        """Say why it cannot be done."""
        self.problem.setText(problem)
        self.problem_row.setVisible(bool(problem))
        self._fit()

    # Its life.

    def open(self, first: QWidget) -> None:
        self._fit()
        self.show()
        self.raise_()
        first.setFocus(Qt.FocusReason.PopupFocusReason)
        if isinstance(first, Field):
            first.selectAll()

    def accept(self) -> None:
        """Do it, unless a field holds what does not fit."""
        self.setFocus()  # what is still being typed counts
        wrong = [field for field in self.findChildren(Field) if field.property("wrong")]
        if wrong:
            wrong[0].setFocus()
            return
        self.refuse("")
        self.act()

    def act(self) -> None:
        """Make the edit."""

    def _follow(self) -> None:
        done = not self.ok.isEnabled()  # by this very card, which says so before it goes
        if not done and self.path not in self.document.network.all:
            self.close()

    def _fit(self) -> None:
        """Stand behind the layer where there is room, else below it, else before it; as high as what is asked."""
        self.body.adjustSize()
        room = self.parentWidget().rect().adjusted(EDGE, EDGE, -EDGE, -EDGE)
        rest = 44 + 46 + 4 + (self.problem.heightForWidth(WIDTH - 34) + 8 if not self.problem_row.isHidden() else 0)
        height = min(room.height(), self.body.sizeHint().height() + rest)
        self.setFixedHeight(max(160, height))
        at = QPoint(room.right() - WIDTH, room.top() + 44)
        canvas = self.window_.canvas
        if self.path in canvas.mirror.nodes:
            view, frame = canvas.view, canvas.node(self.path).frame
            ends = (frame.topLeft(), frame.bottomRight())
            on_view = [view.viewportTransform().map(end).toPoint() for end in ends]
            first, last = (self.parentWidget().mapFromGlobal(view.viewport().mapToGlobal(at)) for at in on_view)
            if last.x() + BESIDE + WIDTH <= room.right():
                at = QPoint(last.x() + BESIDE, first.y())
            elif last.y() + BESIDE + self.height() <= room.bottom():
                at = QPoint(first.x(), last.y() + BESIDE)
            else:
                at = QPoint(first.x() - BESIDE - WIDTH, first.y())
        at.setX(max(room.left(), min(at.x(), room.right() - WIDTH)))
        at.setY(max(room.top(), min(at.y(), room.bottom() - self.height())))
        self.move(at)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        wanted = QEvent.Type.LayoutRequest if watched is self.body else QEvent.Type.Resize
        if event.type() == wanted and not self.gone:
            self._fit()
        return super().eventFilter(watched, event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.gone:
            self.gone = True
            self.document.changed.disconnect(self._follow)
            self.parentWidget().removeEventFilter(self)
            self.window_.canvas.view.setFocus()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            at = self.focusWidget()
            if isinstance(at, QAbstractButton) and not at.isCheckable():
                at.click()
            else:
                self.accept()
        # The rest is not meant for the canvas below.

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Step through the fields, the buttons and round again; fields may be made after the buttons."""
        stops = [stop for stop in self.findChildren(QWidget) if stop.isVisible() and stop.isEnabled()]
        stops = [stop for stop in stops if stop.focusPolicy() & Qt.FocusPolicy.TabFocus and stop.focusProxy() is None]
        stops.sort(key=self._turn)
        at, by = self.focusWidget(), 1 if forward else -1
        if not stops:
            return False
        number = stops.index(at) + by if at in stops else (0 if forward else -1)
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        stops[number % len(stops)].setFocus(reason)
        return True

    def _turn(self, stop: QWidget) -> tuple[int, int, int]:
        at = stop.mapTo(self, QPoint())
        part = 1 if self.body.isAncestorOf(stop) else 0 if at.y() < self.area.y() else 2
        return part, at.y(), at.x()


def factor_of(text: str) -> float | str:
    """Read a learn-rate factor; a sentence if it is none."""
    try:
        factor = float(text)
    except ValueError:
        return f"A learn-rate factor is a number, not {text!r}."
    return factor if 0 <= factor <= 1e6 else f"A learn-rate factor is from 0 to 1,000,000, not {text}."
