"""The map as it was drawn last: panned as it is; while the wheel turns stretched, where there is much to draw."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QImage, QPainter, QTransform

if TYPE_CHECKING:
    from designer.gui.canvas.viewer import Viewer

MANY = 3_000  # layers and lines of wires, above which a frame does not wait for all of them
STRETCHED = 2.0  # at most so much, either way
LATE = 80  # milliseconds after the last step of the wheel, until it is drawn as sharp as can be
SPREAD = 0.25  # of what is seen, drawn beyond each side of it once the camera moves
AROUND = 4.0  # pixels of the screen that lines may be wide


class FarPicture:
    """A picture of a part of the scene, without its background and without what the selection adds."""

    def __init__(self, view: "Viewer"):
        self.view = view
        self._picture, self._area, self._zoom = QImage(), QRectF(), 0.0
        self._of: tuple[object, ...] = ()
        self._late = QTimer(view, singleShot=True, interval=LATE)
        self._late.timeout.connect(self._sharpen)

    def paint(self, painter: QPainter) -> None:
        """Put down what is seen, drawn anew where the picture does not hold it."""
        view = self.view
        view.map.update()
        of = view.map.drawn, view.theme.name, view.ties == "all", view.devicePixelRatioF()
        there = view.visible() & self._whole()
        if there.isEmpty():
            self._late.stop()
            return
        if of != self._of or not (self._area.contains(there) and self._serves()):
            self._draw(SPREAD if of == self._of else 0.0)
            self._of = of
        stretched = self._zoom != view.zoom
        if stretched:
            self._late.start()
        else:
            self._late.stop()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, stretched)
        painter.drawImage(view.viewportTransform().mapRect(self._area), self._picture)
        painter.restore()

    def _whole(self) -> QRectF:
        """Where there is anything to draw."""
        drawn, around = self.view.map, AROUND / self.view.zoom
        area = self.view.grid.area().united(drawn.lines_area).united(drawn.ties_area)
        return area.adjusted(-around, -around, around, around)

    def _serves(self) -> bool:
        """Whether the picture can be shown at the zoom of the view."""
        if self.view.zoom == self._zoom:
            return True
        by = self.view.zoom / self._zoom if self._zoom else 0.0
        return self.view.map.count > MANY and 1 / STRETCHED <= by <= STRETCHED

    def _sharpen(self) -> None:
        self._zoom = 0.0
        self.view.viewport().update()

    def _draw(self, spread: float) -> None:
        """Draw what is seen and a part of what lies beyond it, in the pixels of the screen."""
        view, seen = self.view, self.view.visible()
        wide, high = spread * seen.width(), spread * seen.height()
        shown = view.viewportTransform()
        rect = _even(shown.mapRect(seen.adjusted(-wide, -high, wide, high) & self._whole()).toAlignedRect())
        self._area, self._zoom = shown.inverted()[0].mapRect(QRectF(rect)), view.zoom
        ratio = view.devicePixelRatioF()
        self._picture = QImage(rect.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        self._picture.setDevicePixelRatio(ratio)
        self._picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(self._picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setTransform(shown * QTransform.fromTranslate(-rect.x(), -rect.y()))
        view.map.paint(painter, view.theme, view.zoom, view.ties == "all")
        painter.end()


def _even(rect: QRect) -> QRect:
    """The rectangle grown to a grid of 4: there pixels of a screen begin that is scaled by quarters."""
    left, top = rect.x() // 4 * 4, rect.y() // 4 * 4
    return QRect(left, top, -(-(rect.right() + 1 - left) // 4) * 4, -(-(rect.bottom() + 1 - top) // 4) * 4)
