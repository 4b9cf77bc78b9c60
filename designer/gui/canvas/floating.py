"""The bars that float on the canvas."""

from PySide6.QtWidgets import QFrame, QHBoxLayout

from designer.gui.widgets import Piece, row

HEIGHT = 32


class Pill(QFrame):
    """A floating bar, 32 high."""

    def __init__(self, *pieces: Piece, margins: tuple[int, int, int, int] = (4, 2, 4, 2), gap: int = 4):
        super().__init__(objectName="pill")
        self.setFixedHeight(HEIGHT)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.content = row(*pieces, margins=margins, gap=gap)
        layout.addWidget(self.content)
