"""The path: which group is open, and the levels around it."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from designer.gui import theme as themes
from designer.gui.canvas.floating import Pill
from designer.gui.drawing import draw_text, metrics, text_width
from designer.gui.theme import faded
from designer.gui.tips import tip
from designer.gui.widgets import Icon, Tool

if TYPE_CHECKING:
    from designer.gui.canvas.canvas import Canvas

WIDEST, NARROWEST = 200, 52  # of a name
AROUND = 12  # a name, together
ARROW, GAP = 12, 2  # between two levels
HOME = 24 + GAP + 4 + 8 + 2  # with the margins and the frame of the pill
MORE = 24  # the levels that are left out


class PathPill(Pill):
    """Which group is open; a click goes to that level."""

    def __init__(self, canvas: "Canvas"):
        self.home = Tool("house", "Top of the network", size=24)
        super().__init__(self.home, margins=(4, 2, 8, 2), gap=GAP)
        self.canvas = canvas
        self.home.clicked.connect(lambda: canvas.enter(""))
        self.steps: list[QWidget] = []
        self._shown: object = None

    def fit(self, room: int) -> None:
        """Show the path in a width: long names get shorter, then the levels in the middle go into a menu."""
        document = self.canvas.document
        names = [document.name, *(document.view.path.split(".") if document.view.path else ())]
        first, widths = fitted([text_width(name, 12) for name in names], room - HOME)
        if self._shown == (shown := (names, document.view.path, first, widths)):
            return
        self._shown = shown
        for step in self.steps:
            step.hide()
            self.content.layout().removeWidget(step)
            step.deleteLater()
        self.steps = []
        paths = [".".join(names[1 : n + 1]) for n in range(len(names))]
        for n, (name, path, width) in enumerate(zip(names, paths, widths)):
            if n and (n <= 1 or n > first):
                self.steps.append(Icon("chevron-right", "text3", ARROW))
            if n == 1 and first > 0:
                self.steps.append(More(paths[1 : first + 1], self.canvas))
            if not 0 < n <= first:
                self.steps.append(Crumb(name, path, self.canvas, last=n == len(names) - 1, width=width))
        for step in self.steps:
            self.content.layout().addWidget(step)
            step.show()
        self.setFixedWidth(min(self.sizeHint().width(), room))

    def level_at(self, at: QPoint) -> str | None:
        """The level at a point of the pill."""
        widget = self.childAt(at) if self.rect().contains(at) else None
        if widget is self.home:
            return ""
        return widget.path if isinstance(widget, Crumb) else None

    def light(self, level: str | None) -> None:
        """Light the level that would take what is held over it."""
        for step in self.steps:
            if isinstance(step, Crumb) and step.lit != (step.path == level):
                step.lit = not step.lit
                step.update()


def fitted(wanted: Sequence[float], room: float) -> tuple[int, list[int]]:
    """Give how wide the names of a path may be, and how many levels after the first are left out, if need be.

    The last name, of the group that is open, keeps its width the longest.
    """
    widths = [min(WIDEST, math.ceil(width)) for width in wanted]
    for out in range(max(1, len(widths) - 1)):
        shown = [n for n in range(len(widths)) if not 0 < n <= out]
        arrows = len(shown) - 1 + bool(out)
        left = room - arrows * (ARROW + 2 * GAP) - len(shown) * AROUND - (MORE + GAP if out else 0)
        last = shown[-1]
        least = sum(min(widths[n], NARROWEST) for n in shown)
        if left < least and out < len(widths) - 2:
            continue
        others = shown[:-1]
        most = left - min(widths[last], max(NARROWEST, left - sum(min(widths[n], NARROWEST) for n in others)))
        cap = next((cap for cap in range(WIDEST, NARROWEST, -4) if _sum(widths, others, cap) <= most), NARROWEST)
        for n in others:
            widths[n] = min(widths[n], cap)
        widths[last] = min(widths[last], max(NARROWEST, math.floor(left - sum(widths[n] for n in others))))
        return out, widths
    raise AssertionError("the last way is taken whatever the room")


def _sum(widths: Sequence[int], shown: Sequence[int], cap: int) -> int:
    return sum(min(widths[n], cap) for n in shown)


class Crumb(QToolButton):
    """One level of the path."""

    def __init__(self, name: str, path: str, canvas: "Canvas", last: bool, width: int):
        super().__init__()
        self.setText(metrics(12).elidedText(name, Qt.TextElideMode.ElideMiddle, width))
        self.setAccessibleName(f"Go to {name}")
        self.setToolTip(tip(name))
        self.setFixedSize(width + AROUND, 24)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setEnabled(True)
        self.last, self.path = last, path
        self.lit = False  # layers are held over it
        self.clicked.connect(lambda: canvas.enter(path))

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        colors = themes.current()
        if self.lit:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(colors.accent, 1.5))
            painter.setBrush(faded(colors.accent, 0.22))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        color = colors.text1 if self.last or self.lit or self.underMouse() else colors.text2
        draw_text(painter, self.width() / 2, 16, self.text(), color, 12, align="center")
        painter.end()


class More(Tool):
    """The levels that there is no room for: a click lists them."""

    def __init__(self, paths: Sequence[str], canvas: "Canvas"):
        super().__init__("ellipsis", f"{len(paths)} more level{'s' * (len(paths) != 1)}", size=MORE)
        self.paths, self.canvas = paths, canvas
        self.clicked.connect(self._list)

    def _list(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for path in self.paths:
            action = menu.addAction(path.rpartition(".")[2].replace("&", "&&"))
            action.triggered.connect(lambda _=False, path=path: self.canvas.enter(path))
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))
